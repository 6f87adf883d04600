//! Single operations of an atomic integer that no other thread touches.

use std::hint::black_box;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use latchless::atomic::AtomicPair;
use portable_atomic::AtomicU128;

use super::limit::repeat;
use super::queue::leak;
use crate::bench::{Bench, Sample};
use crate::case::{Case, Operation};
use crate::contestant::{Contestant, Side};

pub(super) fn contestants() -> Vec<Contestant> {
    let has_pairs = |case: &Case| case.operation != Some(Operation::PairExchange);
    vec![
        Contestant::new("latchless atomic", Side::Ours, latchless),
        Contestant::new("core atomic", Side::Rival, core).only(has_pairs),
        Contestant::new("portable-atomic", Side::Rival, portable),
        Contestant::new("(limit) plain memory access", Side::Limit, plain).only(has_pairs),
    ]
}

/// Every operation on a `$atomic`, with what it takes to add without asking for the old value.
macro_rules! operations {
    ($case:ident, $bench:ident, $atomic:ty, add |$adder:ident| $add:expr, pair $pair:expr) => {{
        let cell: &'static $atomic = black_box(leak(<$atomic>::new(0)));
        match $case.operation.unwrap_or(Operation::Load) {
            Operation::Load => repeat($bench, || cell.load(Acquire)),
            Operation::Store => repeat($bench, || {
                cell.store(1, Release);
                0
            }),
            Operation::Swap => repeat($bench, || cell.swap(1, AcqRel)),
            Operation::FetchAdd => repeat($bench, || cell.fetch_add(1, AcqRel)),
            Operation::Add => repeat($bench, || {
                let $adder = cell;
                $add;
                0
            }),
            Operation::CompareExchange => {
                let mut known = 0;
                repeat($bench, move || {
                    match cell.compare_exchange(known, known + 1, AcqRel, Acquire) {
                        Ok(old) => known = old + 1,
                        Err(found) => known = found,
                    }
                    known
                })
            }
            Operation::FetchUpdate => repeat($bench, || {
                let half = |value: u64| Some(value / 2 + 1);
                cell.fetch_update(AcqRel, Acquire, half).unwrap_or_default()
            }),
            Operation::PairExchange => $pair,
        }
    }};
}

fn latchless(case: &Case, bench: &Bench) -> Sample {
    operations!(case, bench, latchless::atomic::AtomicU64, add |cell| cell.add(1, Relaxed), pair {
        let cell: &'static AtomicPair = black_box(leak(AtomicPair::new([0; 2])));
        let mut known = [0, 0];
        repeat(bench, move || {
            let next = [known[0] + 1, 0];
            match cell.compare_exchange(known, next, AcqRel, Acquire) {
                Ok(_) => known = next,
                Err(found) => known = found,
            }
            known[0]
        })
    })
}

fn core(case: &Case, bench: &Bench) -> Sample {
    operations!(case, bench, std::sync::atomic::AtomicU64, add |cell| {
        cell.fetch_add(1, Relaxed);
    }, pair unreachable!("core has no atomic of 128 bits"))
}

fn portable(case: &Case, bench: &Bench) -> Sample {
    operations!(case, bench, portable_atomic::AtomicU64, add |cell| cell.add(1, Relaxed), pair {
        let cell: &'static AtomicU128 = black_box(leak(AtomicU128::new(0)));
        let mut known = 0;
        repeat(bench, move || {
            match cell.compare_exchange(known, known + 1, AcqRel, Acquire) {
                Ok(_) => known += 1,
                Err(found) => known = found,
            }
            known as u64
        })
    })
}

/// The same access without atomicity: what is left is what the lock prefix does not cost.
fn plain(case: &Case, bench: &Bench) -> Sample {
    struct Place(*mut u64);
    // SAFETY: one thread at a time uses the place.
    unsafe impl Sync for Place {}
    impl Place {
        #[inline(always)]
        fn read(&self) -> u64 {
            // SAFETY: the place was leaked, so it is always there.
            unsafe { self.0.read_volatile() }
        }

        #[inline(always)]
        fn write(&self, value: u64) {
            // SAFETY: the place was leaked, so it is always there.
            unsafe { self.0.write_volatile(value) }
        }
    }

    let place = Place(black_box(&raw mut *leak(0_u64)));
    match case.operation.unwrap_or(Operation::Load) {
        Operation::Load => repeat(bench, || place.read()),
        Operation::Store => repeat(bench, || {
            place.write(1);
            0
        }),
        _ => repeat(bench, || {
            let value = place.read();
            place.write(value + 1);
            value
        }),
    }
}
