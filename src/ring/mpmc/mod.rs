//! The ring between any number of producers and consumers: strictly lock-free, in a `static`.
//!
//! `N` slots for values and two rings of slot *indices* in front of them: a push takes an index
//! from `free`, fills the slot and puts the index into `allocated`; a pop does the reverse. The
//! index rings are Nikolaev's Scalable Circular Queue. A thread that stops anywhere keeps at most
//! one slot from the others, who go on.
//!
//! # Layout
//!
//! ```text
//! free       pair of lines 0  [ head ]             tickets of pushes
//!            pair of lines 1  [ tail ]             tickets of pops
//!            pair of lines 2  [ threshold ]
//!            pair of lines 3… [ entry 0 … 2N-1 ]   lap | safe | index, 8 bytes each
//! allocated  the same, for pops and pushes
//! slots      [ slot 0 … slot N-1 ]
//! ```
//!
//! # Invariants
//!
//! - INV-1  Each index below `N` is in `free`, or in `allocated`, or owned by one call that is
//!   under way. So an index ring with `2N` entries never holds more than `N`.
//! - INV-2  Slot `i` holds a value iff `i` is in `allocated`, or owned by a push that has written
//!   it, or by a pop that has not read it yet. Only the owner of an index touches its slot.
//! - INV-3  An entry moves forward only: its lap never decreases, and within a lap it goes from
//!   holding to vacant and from safe to unsafe, never back. Only a put fills it, in a new lap.
//! - INV-4  `threshold < 0` only if no index was put in since, or all of them were taken: failed
//!   tickets are paid for, one each, and a put refills what `2N` tickets and one for each thread
//!   under way can use up.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | put: entry | take: entry | what the owner of the index did to its slot |
//! | E2 | put: `head` (asking) | take: `head` (ticket) | the entry that the put saw |
//! | E3 | take: entry | put: entry | the tickets drawn before (for INV-4) |
//! | E4 | take: `tail` (catching up) | put: `tail` (ticket) | the tickets drawn before (for INV-4) |
//! | F1 | put: fence after the entry | take: fence after `threshold` | total order for INV-4 |
//!
//! # Why the threshold suffices
//!
//! Let a put fill the entry of position `T`. Every position from `head` to `T` was drawn by a put;
//! those puts found their entry occupied, filled it, or are still under way. The last two own an
//! index each, and so does every occupied entry, of which there are `N` together; a whole lap of
//! `2N` positions has more. So `T - head < 2N`: fewer than `2N` tickets fail before one finds `T`,
//! which then is taken. Each of those pays one unit, and so may every call that drew its ticket
//! before: together at most what a refill provides.
//!
//! A put skips the refill when it finds `threshold` full. F1 makes that safe: a payment that this
//! read missed was made by a thread that passes its fence later in the total order, so all it does
//! after that sees the entry filled, and only one payment of each thread is missed. E3 and E4 see
//! to it that the tickets drawn before the put was possible count as drawn for such a thread too.
//!
//! No model is large enough to run the threshold down by stale reads alone. What models check are
//! the steps of this argument: that a put knows of the tickets which E3 and E4 tell it of
//! (`assert_known_draws`, in every model), and that of a put and a failing take one sees the other
//! (F1). That these steps add up is the argument above.
//!
//! # Progress and complexity
//!
//! Lock-free: in a bounded number of steps of all calls together, some call completes. Alone, a
//! push or pop takes four tickets' worth of work: two `lock xadd` and two `lock cmpxchg` or
//! `lock or`. A pop that finds nothing draws a ticket in vain; the next ones see by three loads that
//! there is still nothing.
//!
//! # What Full and Empty mean
//!
//! `pop` returns `None` only if at some moment during the call every value whose push had
//! completed was taken. `push` returns [`Full`](super::Full) only if at some moment during the
//! call each of the `N` slots held a value *or was owned by another call under way*: a pop that
//! was stopped before it gave its slot back counts as a value still there.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMI handlers, nested in each other at any
//! instruction, up to 4096 calls under way on one ring (with more, `pop` may return `None` too
//! early).
//!
//! # References
//!
//! R. Nikolaev, "A Scalable, Portable, and Memory-Efficient Lock-Free FIFO Queue", DISC 2019
//! (figures 5 and 8). Different here: the threshold allows for calls under way instead of
//! requiring at most `N` threads; an unsafe entry asks for `head` by a read-modify-write, and two
//! fences order the threshold, so that the declared orderings suffice without x86's strength.

mod index_ring;
mod ring;

pub use self::ring::MpmcRing;
