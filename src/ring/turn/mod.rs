//! The ring between any number of producers and consumers that takes one locked instruction a call,
//! and is *not* lock-free: a thread stopped between its claim of a slot and its publication stops that
//! slot.
//!
//! Each slot has a turn: whether it waits for the push or for the pop of a certain lap. A push whose slot has
//! its turn claims it by moving `tail` on, fills it, and publishes the value by the next turn; a pop does
//! the same at `head`. Nobody waits: who meets a slot that its owner has claimed and not published
//! returns `Busy`, and who was stopped does not keep the others from anything but that slot. But there the
//! ring ends for them: pops return `Busy` until that push goes on, pushes as soon as they come round to that
//! slot. Take [`MpmcRing`](crate::ring::MpmcRing) where a thread may be stopped for long, or for ever.
//!
//! # Layout
//!
//! ```text
//! pair of lines 0  [ tail ]                  position | closed, moved on by pushes
//! pair of lines 1  [ head ]                  position, moved on by pops
//! pair of lines 2… [ slot 0 … slot N-1 ]     [ turn | value ] each
//! ```
//!
//! # Invariants
//!
//! - INV-1  Positions count up and wrap; 0 <= tail - head <= N.
//! - INV-2  A position is claimed once as `tail`, by a push, and once as `head`, by a pop. In between a push's
//!   claim and its store of the turn, and a pop's and its, nobody else touches the value of the slot.
//! - INV-3  The turn of a slot goes up only: vacant for the push of a lap, full for the pop of that lap, vacant
//!   for the next. It is stored by the call that has claimed the position. (`force_push` on a full ring
//!   claims two, of two laps, and goes from full to full.)
//! - INV-4  A closed `tail` is claimed by nobody. A `force_push` that found it open may still move it on;
//!   until it has, the slot there is not vacant.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | push: turn | pop: turn | the value in the slot |
//! | E2 | pop: turn | push: turn | that the slot is read |
//! | E3 | push: `tail` | refused push, `is_full`: `tail` | the pops that made room: `head` is not a lap behind |
//! | E4 | pop: `head` | refused pop, `len`, `is_empty`: `head` | the pushes of what was popped: `tail` is not behind |
//! | E5 | `close`: `tail` | who is told that it is closed: `tail` | all that was done before |
//!
//! # What Full, Empty and Closed mean
//!
//! They are exact: a push takes effect when it moves `tail` on, a pop when it moves `head` on, a `force_push`
//! that evicts when it looks at `tail`; in the order of these moments the ring is a FIFO queue of `N` values,
//! and Full, Empty and Closed are what it then answers. `Busy` comes beside that: a push is told so if its
//! slot has been popped and not been vacated; a pop, if its value has been pushed and is not in its slot, or
//! the ring is empty and the pop of `N` positions before has not vacated the slot there. So `Busy` always
//! means another call under way.
//!
//! A `tail` that is closed never moves on (but for INV-4, which `pop` looks for), so a pop that finds `head`
//! there knows that no value will ever come.
//!
//! # Progress and complexity
//!
//! | call | guarantee | locked instructions, alone |
//! |---|---|---|
//! | `push`, `pop` | lock-free until it meets a stopped call's slot, and returns there | 1 (`lock cmpxchg`); 0 if refused |
//! | `push_slice`, `pop_slice` and their like | the same | 1 for all values |
//! | `force_push` | the same | 1; 2 on a full ring |
//! | `close` | wait-free | 1 (`lock bts`) |
//! | `is_closed`, `len`, `is_empty`, `is_full` | wait-free | 0 |
//!
//! A call that is about to be refused looks at its slot six times more, with a `pause` before each look: for
//! 0.1 to 0.3 microseconds. To find out whether there is nothing or somebody is late it has to read where the
//! other side is, on a line that the other side then waits for. `is_empty` and `is_full` answer at once.
//!
//! The caller's code never runs while a slot is claimed: values are moved or copied, not cloned or asked
//! of an iterator. So no panic leaves a slot claimed, and no claim is longer than the copying takes.
//!
//! # How far positions reach
//!
//! Positions wrap after 2^63 pushes (2^31 on targets of 32 bits). A call that is stopped before its
//! compare-exchange while exactly so many go by, or a multiple of it, may take its look for a fresh one: a
//! push then overwrites a value, a pop takes one out twice. At 4 ns a push that is 1100 years (9 seconds on
//! 32 bits).
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMI handlers, nested in each other at any instruction. A
//! push or pop that nests in an interrupted one on the same ring never hangs: it returns, perhaps with
//! `Busy`. To try again there until it succeeds would hang.
//!
//! # References
//!
//! D. Vyukov, "Bounded MPMC queue", 1024cores.net, 2010. Different here: the turn tells vacant from
//! full, so that `N` may be 1 and a new ring is all zero; Empty, Full and Busy are told apart; the
//! ring can be closed. DPDK, `rte_ring`, for batches; there publication is in order, here each slot
//! is published by itself and nobody waits for a neighbour.

mod batch;
mod claim;
mod error;
mod iter;
mod ring;
mod word;

pub use self::error::{PopError, PushError};
pub use self::iter::{Drain, IntoIter};
#[cfg(feature = "alloc")]
pub use self::ring::TurnHeapRing;
pub use self::ring::{Ring, Slot, TurnRing, TurnSliceRing};
pub use crate::ring::spsc::TooFew;
