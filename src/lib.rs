#![no_std]
//! Lock-free data structures for x86-64 kernels, firmware and services.
//!
//! No allocator, no lock, no panic after construction; every structure can be built at compile time
//! in a `static` and used from threads and interrupt handlers at once.
//!
//! # Which structure do I want?
//!
//! | I want to … | take | push / pop, or read / replace |
//! |---|---|---|
//! | count events | [`counter::Counter`] | wait-free |
//! | the same from many CPUs at once, or without `lock` | [`counter::ShardedCounter`] | wait-free |
//! | the same, with a cheap estimate | [`counter::BatchedCounter`] | wait-free |
//! | count references, permits, ids, latencies | [`counter`] | as each says |
//! | pass values from one thread or interrupt handler to another | [`ring::SpscRing`] | wait-free |
//! | keep the latest values for one reader, and overwrite the oldest | [`ring::OverwritingRing`] | wait-free; lock-free |
//! | pass values from many to many | [`ring::MpmcRing`] | lock-free |
//! | the same for integers and pointers, in half the steps | `ring::WordRing` (x86-64) | lock-free |
//! | the same, and wait for room or for a value | [`ring::Channel`] | as its ring, and as its waiters |
//! | the same, faster, where no thread is stopped for long | [`ring::TurnRing`] | *not* lock-free |
//! | read a value that others replace | [`snapshot::Snapshot`] | wait-free; lock-free |
//! | allocate blocks of one type without an allocator | [`stack::Pool`] | lock-free |
//! | keep a free list over memory of my own | [`stack::IndexStack`] | lock-free |
//! | see `AddInt64` become one `lock xadd` | [`atomic`] | wait-free, loops lock-free |
//! | say the instruction myself | [`arch`] | wait-free |
//!
//! # Progress
//!
//! Each call states what it guarantees, with every other thread stopped at any instruction:
//!
//! - **wait-free**: it completes in a bounded number of its own steps.
//! - **lock-free**: of all calls under way, one completes in a bounded number of steps; a single one
//!   may lose races for as long as others win them.
//! - **blocking**: it waits for another thread. Only the forms named `…_wait` do, and those of a
//!   [`ring::Channel`] not named `try_…`.
//!
//! # Context
//!
//! *Any* means threads, interrupt handlers and NMI handlers, also when the call interrupts another
//! call on the same structure at any instruction. *Threads* excludes handlers.
//!
//! # Features
//!
//! None is on by default, and without `std` and `alloc` the crate uses neither.
//!
//! | feature | adds |
//! |---|---|
//! | `alloc` | [`ring::spsc`]: `SpscHeapRing`, and handles that own their ring; [`ring::mpmc`]: `MpmcHeapRing`, `WordHeapRing`; [`ring::turn`]: `TurnHeapRing` |
//! | `embedded-io` | the ends of an [`ring::SpscRing`] of bytes as reader and writer |
//! | `heapless` | `pop_into_vec`: batches into a `heapless::Vec`; Rust 1.87 |
//! | `spin` | `push_wait`, `pop_wait`: waiting by a `spin::RelaxStrategy` |
//! | `std` | `alloc`, threads that sleep (`ring::wait::Park`), and the ends of an [`ring::SpscRing`] of bytes as `std::io` reader and writer |
//!
//! # Targets
//!
//! x86-64, where read-modify-writes are the instructions that [`arch`] names. Other targets run on
//! `core::sync::atomic`, with the same declared orderings, but without `AtomicPair`; those without
//! 64-bit atomics have the narrower ones, [`ring::SpscRing`] and
//! [`ring::TurnRing`] only. Minimum Rust version: 1.85.

#[cfg(not(target_has_atomic = "ptr"))]
compile_error!(
    "latchless needs compare-exchange without a lock, which this target does not have; \
     see https://doc.rust-lang.org/core/sync/atomic/#portability"
);

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

/// Runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod arch;
pub mod atomic;
#[cfg(target_has_atomic = "64")]
pub mod counter;
pub mod mem;
pub mod ring;
#[cfg(target_has_atomic = "64")]
pub mod snapshot;
#[cfg(target_has_atomic = "64")]
pub mod stack;
