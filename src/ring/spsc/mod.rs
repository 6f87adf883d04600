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
//! pair of lines 2  [ held: which handles there are ]   written when one comes or goes
//! pair of lines 3  [ slot 0 … slot N-1 ] written by the producer, emptied by the consumer;
//!                  for slots elsewhere   [ where, how many ], never written
//!
//! line 0           Producer [ ring | where, how many | tail | cached_head ]   its owner's
//! line 0           Consumer [ ring | where, how many | head | cached_tail ]   its owner's
//! ```
//!
//! Where the slots are, a [`storage`](crate::ring::storage) says: inside the ring, in memory of the
//! caller's, or on the heap.
//!
//! # Invariants
//!
//! - INV-1  Positions count up and wrap; `0 <= tail - head <= N` (wrapping).
//! - INV-2  Slot `p & (N-1)` holds a value iff `head <= p < tail`. While a batch is not published, the producer
//!   goes by its own copy of `tail`, and what lies between is his.
//! - INV-3  Only the one producer writes `tail` and vacant slots, only the one consumer writes
//!   `head` and takes values out. An end is given out while nobody holds it, or to somebody who has the
//!   ring to himself.
//! - INV-4  `cached_head <= head` and `cached_tail <= tail`: a stale copy errs on the safe side.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | push: `tail` | pop: `tail` | the value in the slot |
//! | E2 | pop: `head` | push: `head` | that the slot is vacated |
//! | E3 | a handle is dropped: `held` | its end is taken, or found abandoned: `held` | what the handle did, its position above all |
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
//! Who takes several values out at once also writes one byte to each cache line that he is done with.
//! The producer writes there next, and a core gets a line that another has *written* in a fraction of the
//! time of one that it has only read: it comes by one transfer, where the other has to be
//! invalidated. Single pops do not: there it costs more than it gains (docs/bench in the repository).
//!
//! A consumer that has to look at `tail` again fetches the line of the next slot at the same time, if
//! a value fills a line: both come from the producer, and one after the other they take longer.
//!
//! # Disconnection
//!
//! A handle that is dropped gives its end back, and the other finds itself
//! [abandoned](Consumer::is_abandoned); what was pushed before is there still. Whoever can reach the ring may
//! take the end again, [`Ring::try_producer`], so a driver can be unloaded and loaded around a ring in a
//! `static`. The last of the two handles of [`Ring::into_split`] frees the ring.
//!
//! # Several values at a time
//!
//! | | producer | consumer |
//! |---|---|---|
//! | in place | [`write_chunk`](Producer::write_chunk), [`…_up_to`](Producer::write_chunk_up_to), [`…_contiguous`](Producer::write_chunk_contiguous) | [`read_chunk`](Consumer::read_chunk), [`…_up_to`](Consumer::read_chunk_up_to), [`…_contiguous`](Consumer::read_chunk_contiguous) |
//! | copies, as many as possible | [`push_slice`](Producer::push_slice) | [`pop_slice`](Consumer::pop_slice) |
//! | copies, all or none | [`push_entire_slice`](Producer::push_entire_slice) | [`pop_entire_slice`](Consumer::pop_entire_slice) |
//! | clones, moves | [`push_slice_cloned`](Producer::push_slice_cloned) | [`pop_slice_uninit`](Consumer::pop_slice_uninit) |
//! | from or to an iterator | [`push_iter`](Producer::push_iter) | [`pop_iter`](Consumer::pop_iter) |
//! | one by one, published together | [`batch`](Producer::batch) | `pop_iter().for_each(…)` |
//! | a device's | [`write_chunk_aligned`](Producer::write_chunk_aligned) | [`read_chunk_aligned`](Consumer::read_chunk_aligned) |
//! | dropped | | [`skip`](Consumer::skip), [`clear`](Consumer::clear) |
//!
//! A large value need not be copied twice: `read_chunk(1)` shows it in place, and
//! `pop_slice(slice::from_mut(&mut place))` moves it to where it is wanted.
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
//! `static` ring with [`Ring::try_split`] and move one handle into the handler, or let the handler ask for
//! its end by [`Ring::try_producer`].
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
