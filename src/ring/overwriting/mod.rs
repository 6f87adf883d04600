//! The ring that overwrites the oldest value when it is full, for flight recorders and telemetry: one
//! producer that always succeeds, one consumer that is told what it missed.
//!
//! Take [`SpscRing`](crate::ring::SpscRing) where a full ring should refuse: no value is missed, push
//! and pop have no locked instruction, and values move in batches or are looked at in place.
//!
//! Each entry names a slot, and each end has a spare slot of its own. A push fills its spare and
//! exchanges it for the slot that the entry named; a pop exchanges its spare for the slot of the oldest
//! value. So nobody ever touches a slot that somebody else may touch, also when the producer laps the
//! consumer: a value is never torn, and each one comes out once, here or there.
//!
//! # Layout
//!
//! ```text
//! pair of lines 0  [ tail | spare | evicted ]   written by the producer
//! pair of lines 1  [ head | spare | lost ]      written by the consumer
//! pair of lines 2  [ held ]                     written when ends are given out and back
//! pair of lines 3  [ entry 0 … entry N-1 ]      exchanged by both: [ lap | full | slot ]
//! after these      [ slot 0 … slot N+1 ]        whoever the slot is named by
//!
//! Producer  [ ring ]   8 bytes, the owner's
//! Consumer  [ ring ]   8 bytes, the owner's
//! ```
//!
//! # Invariants
//!
//! - INV-1  Each of the `N + 2` slots is named once, by an entry or as the spare of an end. Whoever
//!   exchanges an entry gets the slot that it named, and nobody else does.
//! - INV-2  A slot holds a value iff a full entry names it, but for the moments between an exchange
//!   and the reading or writing of the slot by the one who made it.
//! - INV-3  Entry `i` holds the value of the last position pushed there, or is empty because that one
//!   was popped or there is none yet. Positions count up and wrap.
//! - INV-4  Each end has one holder at a time, who alone touches what is that end's own.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | push: entry | pop: entry | the value in the slot, and the entries pushed before |
//! | E2 | pop: entry | push: entry | that the slot is read |
//! | E3 | push: `tail` | pop that skips, `len`: `tail` | the entries before `tail` |
//! | E4 | drop of a handle: the end | `try_split` and its like, `is_abandoned`: the end | all that was done with it |
//!
//! # How the consumer finds the oldest value
//!
//! It goes on from `head`, where there are three things to find. Nothing: no later value was pushed there,
//! so none was pushed at `head` or after. The value of `head`: all before it were popped or lost, so it
//! is the oldest. A later value, of position `p`: then all up to `p - N` are gone, and all before
//! `tail - N` are; the consumer counts the positions up to the later of these as lost, and goes on from
//! there. None of them was popped, and each was evicted by the push that took its place.
//!
//! # Progress and complexity
//!
//! | call | guarantee | locked instructions, alone |
//! |---|---|---|
//! | `push` | wait-free | 1 (`xchg`) |
//! | `pop` | lock-free | 1 (`lock cmpxchg`); 0 if empty |
//! | `len`, `is_empty`, `lost`, `evicted`, `is_abandoned` | wait-free | 0 |
//! | `try_producer`, `try_consumer`, `try_split` | wait-free | 1; 1; 2 |
//!
//! A pop that finds a later value, or loses the value of `head` during its exchange, moves on and looks
//! again. It moves on to the oldest position that no completed push has overwritten. What overwrites that
//! one is a push that was under way, or one that began since. So a pop looks at most three times, and
//! once more for each push that begins during it: somebody always gets something done. It is wait-free
//! where the producer cannot run meanwhile, as in a handler that has interrupted it.
//!
//! A stopped consumer keeps one slot, its spare, and the producer never waits for it. A stopped producer
//! does too; what it has exchanged can be popped.
//!
//! # How far positions reach
//!
//! An entry knows the position of its value modulo 2^62 (2^61 if `N` is 1). A consumer that pops
//! nothing while exactly so many values go by, or a multiple of it, takes what it finds for what it
//! expected, and `lost` and the order are wrong until the producer has gone round once more. At 5 ns
//! a push that is 700 years. Memory never depends on it: INV-1 does not mention positions.
//!
//! # Which calls may run at once
//!
//! | | push (one producer) | pop (one consumer) |
//! |---|---|---|
//! | push (one producer) | no: `&mut Producer` | yes |
//! | pop (one consumer) | yes | no: `&mut Consumer` |
//!
//! Either side may be a thread, an interrupt handler or an NMI handler, on one CPU or two. Split a
//! `static` ring with [`OverwritingRing::try_split`] and move one handle into the handler. What a push
//! hands back is the caller's to drop; a handler that must not run the `Drop` of a value passes it on.
//!
//! # References
//!
//! H. R. Simpson, "Four-slot fully asynchronous communication mechanism", IEE Proceedings E, 1990, for
//! slots that each side has to itself; with `N` = 1 this is a triple buffer. Linux,
//! `Documentation/trace/ring-buffer-design.rst`, and M. Desnoyers, "Low-Impact Operating System Tracing",
//! École Polytechnique de Montréal 2009, for a reader that exchanges a page of its own for one of the
//! recorder's.

mod entry;
mod handles;
mod ring;

pub use self::handles::{Consumer, Producer};
pub use self::ring::OverwritingRing;
