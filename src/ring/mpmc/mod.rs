//! The rings between any number of producers and consumers: strictly lock-free, in a `static`.
//!
//! [`WordRing`] holds what fits into a word; [`MpmcRing`] holds anything. Both are made of one FIFO, the
//! *relay*: `N` places in a circle, which two sides pass one behind the other. A *leader* passes a place
//! that the followers of the last lap have passed, a *follower* one that the leader of this lap has. To
//! pass is one compare-exchange of the place: it says whose turn it is, by a *phase* that each adds one
//! to, and what the place holds, which can change with it. So nobody owns a place, and a thread that
//! stops anywhere stops nobody.
//!
//! In a `WordRing` pushes lead and put a word in each place, and pops follow and take it out. An
//! `MpmcRing` has `N` slots for values and hands *indices* of slots round by two relays: a push takes an
//! index from `free`, fills the slot and puts the index into `allocated`; a pop takes it from there,
//! empties the slot and puts it back into `free`. A thread that stops in between keeps one slot from the
//! others, who go on.
//!
//! Places and slots are part of the ring, in the caller's memory ([`MpmcSliceRing`], `WordSliceRing`) or
//! allocated (`MpmcHeapRing`, `WordHeapRing`).
//!
//! # Layout
//!
//! ```text
//! relay      pair of lines 0  [ hint of the leaders ]    where they look first
//!            pair of lines 1  [ hint of the followers ]
//!            pair of lines 2… [ place 0 … place N-1 ]
//!
//! place      of an index      [ phase | closed | index ]           8 bytes
//!            of a word        [ word ] [ phase | closed | zeros ]  16 bytes
//!
//! WordRing   one relay of words
//! MpmcRing   free, allocated  two relays of indices
//!            slots            [ slot 0 … slot N-1 ]
//! ```
//!
//! # Invariants
//!
//! - INV-1  The phase of a place goes up by one for each who passes it, leaders and followers in turn:
//!   at `2 * lap` the leader of that lap comes next, at `2 * lap + 1` the follower.
//! - INV-2  Each side passes positions in order: who passes one has seen that the one before was passed,
//!   or read it in a hint, which says no more than that. So there is at most one position where a side
//!   can pass, and leaders are at most `N` ahead of followers.
//! - INV-3  Each index is in `free`, or in `allocated`, or owned by one call that is under way; so there
//!   are at most `N` in a relay, and who has one finds a place for it.
//! - INV-4  Slot `i` holds a value iff `i` is in `allocated`, or owned by a push that has written it, or
//!   by a pop that has not read it yet. Only the owner of an index touches its slot.
//! - INV-5  A place is closed only while it is the next for leaders; none passes it any more.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | put: place | take: place | the value: what the owner of an index did to its slot |
//! | E2 | put, take: place | whoever looks at the place | which places its side had passed before |
//! | E3 | a side passes: its hint | whoever looks there first | the same |
//! | E4 | close: place | whoever finds it closed | what happened before the ring was closed |
//!
//! E2 and E3 carry INV-2 from thread to thread: whoever comes to a position knows that its side has
//! passed the one a lap before, and so finds the place in its phase, or beyond it, or one phase short of
//! it. One phase short is a moment at which the side could not pass: the ring was full, or empty.
//!
//! # Progress and complexity
//!
//! Lock-free: a compare-exchange fails only because another one succeeded on that place, and a place is
//! found passed only because some call has passed it. Alone, a `WordRing`'s push is one `lock
//! cmpxchg16b`, its pop one `lock cmpxchg`; a push or pop of `MpmcRing` is two `lock cmpxchg`. A push that
//! finds no room and a pop that finds nothing write nothing, and look twice more, each time after a `pause`,
//! before they say so. `is_full` and `is_empty` answer at once.
//!
//! Hints are plain stores after the fact. A thread that stops before its store takes the hint back by
//! as much as others have gone on; whoever looks there next finds the place passed, by how many laps, and
//! the end among the `N` places after that in `2 * log2(N)` looks.
//!
//! Who loses a race waits for a bounded time before the next try, so that one core works on lines that it
//! has instead of all passing them to and fro. With many more cores than were at hand here, rings that
//! draw tickets (Nikolaev's SCQ) may scale better: an addition never fails.
//!
//! # What Full and Empty mean
//!
//! A `WordRing` is a bounded queue in the strictest sense (linearizable): `push` returns
//! [`Full`](super::PushError::Full) only if at some moment during the call there were `N` values in it,
//! `pop` returns `None` only if there was none.
//!
//! So is an `MpmcRing`, but for Full: each of the `N` slots held a value *or was owned by another call
//! under way*. A pop that was stopped before it gave its slot back counts as a value still there.
//!
//! Both may be closed. From one moment on no push succeeds, and once a ring is
//! [drained](MpmcRing::is_drained) no value ever appears in it again.
//!
//! # How long a thread may sleep
//!
//! A phase is stored modulo `2^(63 - log2(N))`. A thread that stops between its look at a place and its
//! compare-exchange is deceived if the same bits come back, which takes `2^62` pushes meanwhile: at a
//! hundred million a second more than a thousand years.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMI handlers, any number of them, nested in each other at
//! any instruction.
//!
//! # References
//!
//! C. Shann, T. Huang, C. Chen, "A Practical Nonblocking Queue Algorithm Using Compare-and-Swap",
//! ICPADS 2000: a circle of values with counters, and pointers to its ends that others help to move on.
//! R. Colvin, L. Groves, "Formal Verification of an Array-Based Nonblocking Queue", ICECCS 2005, found
//! what was wrong with it and mended it. Different here: a place's counter tells its lap, so that the
//! ends need not be exact and nobody has to help; the places are closed; two circles of indices hold
//! values of any size, as in R. Nikolaev, "A Scalable, Portable, and Memory-Efficient Lock-Free FIFO
//! Queue", DISC 2019.

mod entry;
mod relay;
mod ring;
with_pairs! {
    mod word;
}

use crate::atomic::with_pairs;

pub use self::entry::IndexEntry;
#[cfg(feature = "alloc")]
pub use self::ring::MpmcHeapRing;
pub use self::ring::{MpmcRing, MpmcSliceRing, Ring, Slot};
with_pairs! {
    pub use self::entry::WordEntry;
    #[cfg(feature = "alloc")]
    pub use self::word::WordHeapRing;
    pub use self::word::{RingOfWords, Word, WordRing, WordSliceRing};
}
