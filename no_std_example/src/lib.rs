//! Real work on every structure of `latchless`, independent of what it runs on.
//!
//! CPU 0 cuts a file into buffers from a [`Pool`](latchless::stack::Pool); a ring carries them to
//! every CPU; each CPU counts what its buffers hold and sends the census back through a second
//! ring; CPU 0 puts the pieces together in their order. In the middle of it all the timer
//! interrupt of every CPU works on structures of the same kinds. At the end everything that was
//! put in anywhere must have come out, and every pass over the file must have found the same.
//!
//! ```text
//!         Pool<Buffer>      MpmcRing<Piece>           MpmcRing<Finding>
//! file ─cut─▶ buffer ──────▶ work ──────▶ CPU 0…n-1 ──────▶ findings ──▶ CPU 0: totals
//!               ▲                           │
//!               └────────── drop ───────────┘
//!
//! timer interrupt of CPU c:
//!   Counter         ticks, in one word that all CPUs share and in one of its own
//!   ShardedCounter  ticks and bytes, in the cell of the CPU
//!   Histogram       how many pieces wait
//!   SpscRing        lane c: a sample for the main loop of the neighbour, CPU c+1
//!   Pool, MpmcRing  a sample in a pool slot, through `alarms` to whoever takes it
//! ```
//!
//! | module | concept |
//! |---|---|
//! | [`text`] | what a stretch of bytes holds, and how two neighbours add up |
//! | [`merge`] | censuses that arrive out of order, summed in order |
//! | [`memory`] | the pools and lanes that everything else borrows from |
//! | [`pipeline`] | the work: feeding, computing, interrupting |
//! | [`tally`] | who did what how often |
//! | [`audit`] | what must be true at the end |
//! | [`report`] | the tables a person reads |
//! | [`mod@line`] | what the image says to the host |
//! | [`exit`] | how the image ends |
//! | [`options`] | what the host says to the image |
//!
//! The bare-metal image (`main.rs`) runs this on real CPUs; `cargo xtask demo --hosted` runs it
//! on threads, with signals for interrupts.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod audit;
pub mod cpu;
pub mod exit;
pub mod line;
pub mod memory;
pub mod merge;
pub mod options;
pub mod pipeline;
pub mod report;
pub mod tally;
pub mod text;
