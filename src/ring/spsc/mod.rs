//! The ring between one producer and one consumer: wait-free, without a locked instruction.
//!
//! Lamport's ring with free-running positions, in which each side keeps the position of the other
//! that it saw last and looks again only when that one says full or empty.
//!
//! # Layout
//!
//! ```text
//! pair of lines 0  [ tail ]              written by the producer
//! pair of lines 1  [ head ]              written by the consumer
//! pair of lines 2  [ is_split ]          written when the handles are given out
//! pair of lines 3  [ slot 0 … slot N-1 ] written by the producer, emptied by the consumer
//!
//! Producer  [ ring | tail | cached_head ]   24 bytes, the owner's
//! Consumer  [ ring | head | cached_tail ]   24 bytes, the owner's
//! ```
//!
//! # Invariants
//!
//! - INV-1  Positions count up and wrap; `0 <= tail - head <= N` (wrapping).
//! - INV-2  Slot `p & (N-1)` holds a value iff `head <= p < tail`.
//! - INV-3  Only the one producer writes `tail` and vacant slots, only the one consumer writes
//!   `head` and takes values out. The handles are given out once, and again only to somebody who
//!   has the ring to himself.
//! - INV-4  `cached_head <= head` and `cached_tail <= tail`: a stale copy errs on the safe side.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | push: `tail` | pop: `tail` | the value in the slot |
//! | E2 | pop: `head` | push: `head` | that the slot is vacated |
//!
//! # Progress and complexity
//!
//! `push` and `pop` are wait-free: no loop, no locked instruction, at most one load of the other
//! side's cache line. A stopped producer or consumer does not stop the other.
//!
//! # Which calls may run at once
//!
//! | | push (one producer) | pop (one consumer) |
//! |---|---|---|
//! | push (one producer) | no: `&mut Producer` | yes |
//! | pop (one consumer) | yes | no: `&mut Consumer` |
//!
//! Either side may be a thread, an interrupt handler or an NMI handler, on one CPU or two. Split a
//! `static` ring with [`SpscRing::try_split`] and move one handle into the handler.
//!
//! # References
//!
//! L. Lamport, "Specifying Concurrent Program Modules", TOPLAS 1983, for the ring. J. Giacomoni,
//! T. Moseley, M. Vachharajani, "FastForward for Efficient Pipeline Parallelism", PPoPP 2008, and
//! P. Lee, T. Bu, G. Chandranmenon, "A Lock-Free, Cache-Efficient Multi-Core Synchronization
//! Mechanism for Line-Rate Network Traffic Monitoring", IPDPS 2010, for the cached positions.

mod handles;
mod ring;

pub use self::handles::{Consumer, Producer};
pub use self::ring::SpscRing;
