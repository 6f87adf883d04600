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
//! A chunk is several pushes or pops by the same two edges: one store of `tail` publishes all of its
//! values, one store of `head` vacates all of its slots.
//!
//! # Progress and complexity
//!
//! `push` and `pop` are wait-free: no loop, no locked instruction, at most one load of the other
//! side's cache line. A stopped producer or consumer does not stop the other. The same holds of
//! everything that moves several values, but for a loop over these values.
//!
//! # Several values at a time
//!
//! | | producer | consumer |
//! |---|---|---|
//! | in place | [`write_chunk`](Producer::write_chunk), [`write_chunk_contiguous`](Producer::write_chunk_contiguous) | [`read_chunk`](Consumer::read_chunk), [`read_chunk_contiguous`](Consumer::read_chunk_contiguous) |
//! | copies, as many as possible | [`push_slice`](Producer::push_slice) | [`pop_slice`](Consumer::pop_slice) |
//! | copies, all or none | [`push_entire_slice`](Producer::push_entire_slice) | [`pop_entire_slice`](Consumer::pop_entire_slice) |
//! | clones, moves | [`push_slice_cloned`](Producer::push_slice_cloned) | [`pop_slice_uninit`](Consumer::pop_slice_uninit) |
//! | one by one | [`push_iter`](Producer::push_iter) | [`pop_iter`](Consumer::pop_iter) |
//! | dropped | | [`skip`](Consumer::skip), [`clear`](Consumer::clear) |
//!
//! Code that panics on the way, an iterator, a clone or a drop, leaves the ring in order: no value is in
//! it that has come out.
//!
//! For those who know rtrb: its `write_chunk_uninit` is `write_chunk` here, and there is no form that
//! fills a chunk with defaults first. The partial forms return a count, not slices. Asking `commit` of a
//! [`ReadChunk`] for too much commits all of it, instead of a panic. An iterator over a chunk may be
//! forgotten; the values that it did not yield are in the ring still.
//!
//! # Which calls may run at once
//!
//! | | push (one producer) | pop (one consumer) |
//! |---|---|---|
//! | push (one producer) | no: `&mut Producer` | yes |
//! | pop (one consumer) | yes | no: `&mut Consumer` |
//!
//! Chunks and whatever else moves several values count as a push or pop from their start to their end.
//! Either side may be a thread, an interrupt handler or an NMI handler, on one CPU or two. Split a
//! `static` ring with [`SpscRing::try_split`] and move one handle into the handler.
//!
//! # References
//!
//! L. Lamport, "Specifying Concurrent Program Modules", TOPLAS 1983, for the ring. J. Giacomoni,
//! T. Moseley, M. Vachharajani, "FastForward for Efficient Pipeline Parallelism", PPoPP 2008, and
//! P. Lee, T. Bu, G. Chandranmenon, "A Lock-Free, Cache-Efficient Multi-Core Synchronization
//! Mechanism for Line-Rate Network Traffic Monitoring", IPDPS 2010, for the cached positions.

mod aligned;
mod batch;
mod bulk;
mod chunks;
mod handles;
mod ring;

pub use self::aligned::Misaligned;
pub use self::batch::PushBatch;
pub use self::chunks::{IntoIter, ReadChunk, TooFew, WriteChunk};
pub use self::handles::{Consumer, Producer, RingRef};
#[cfg(feature = "alloc")]
pub use self::ring::SpscHeapRing;
pub use self::ring::{Ring, SpscRing, SpscSliceRing};
