//! Counters that every thread adds to.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use contatori::counters::unsigned::Unsigned;
use contatori::counters::{CounterValue, Observable};
use fast_counter::ConcurrentCounter;
use latchless::counter::Counter;
use latchless::mem::CachePadded;

use super::limit;
use super::queue::leak;
use crate::bench::{Bench, Sample, Work};
use crate::case::{Case, Shape};
use crate::contestant::{Contestant, Side};
use crate::machine;

pub(super) fn contestants() -> Vec<Contestant> {
    vec![
        Contestant::new("latchless Counter", Side::Ours, run::<Counter>),
        Contestant::new("core AtomicU64", Side::Rival, run::<AtomicU64>),
        Contestant::new("fast-counter", Side::Rival, run::<ConcurrentCounter>),
        Contestant::new("contatori", Side::Rival, run::<Unsigned>),
        Contestant::new("padded cells, by thread", Side::Rival, run::<ByThread>),
        Contestant::new("(limit) plain add to its own", Side::Limit, limit::own_count)
            .only(|case| case.shape != Shape::Memory),
    ]
}

/// A contestant.
trait Count: Sync + 'static {
    fn open() -> Self;
    fn inc(&self);
    fn total(&self) -> u64;
}

fn run<C: Count>(case: &Case, bench: &Bench) -> Sample {
    if case.shape == Shape::Memory {
        return memory::<C>();
    }
    let threads = case.threads();
    let counter: &'static C = leak(C::open());
    let mut expected = 0;
    bench.measure(threads as u64, |count| {
        let each = count / threads as u64;
        let work = (0..threads).map(|_| -> Work<'_> {
            Box::new(move || {
                for _ in 0..each {
                    counter.inc();
                }
            })
        });
        let lap = bench.together(work.collect());
        expected += count;
        assert_eq!(counter.total(), expected, "counts were lost");
        lap
    })
}

fn memory<C: Count>() -> Sample {
    let before = machine::allocated_bytes();
    let counter = C::open();
    counter.inc();
    let bytes = machine::allocated_bytes().saturating_sub(before) + size_of::<C>() as u64;
    black_box(counter.total());
    Sample { value: bytes as f64, ..Sample::default() }
}

impl Count for Counter {
    fn open() -> Self {
        Counter::new()
    }

    #[inline(always)]
    fn inc(&self) {
        self.inc();
    }

    fn total(&self) -> u64 {
        self.get()
    }
}

impl Count for AtomicU64 {
    fn open() -> Self {
        Self::new(0)
    }

    #[inline(always)]
    fn inc(&self) {
        self.fetch_add(1, Ordering::Relaxed);
    }

    fn total(&self) -> u64 {
        self.load(Ordering::Relaxed)
    }
}

impl Count for ConcurrentCounter {
    fn open() -> Self {
        Self::new(16)
    }

    #[inline(always)]
    fn inc(&self) {
        self.add(1);
    }

    fn total(&self) -> u64 {
        self.sum() as u64
    }
}

impl Count for Unsigned {
    fn open() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn inc(&self) {
        self.add(1);
    }

    fn total(&self) -> u64 {
        match self.value() {
            CounterValue::Unsigned(total) => total,
            other => panic!("an unsigned counter answered {other:?}"),
        }
    }
}

/// What people write who need it faster: a cell for each of 16 groups of threads.
struct ByThread([CachePadded<AtomicU64>; 16]);

impl Count for ByThread {
    fn open() -> Self {
        Self(Default::default())
    }

    #[inline(always)]
    fn inc(&self) {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static OWN: usize = THREADS.fetch_add(1, Ordering::Relaxed) % 16);
        if let Some(cell) = OWN.with(|&own| self.0.get(own)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn total(&self) -> u64 {
        self.0.iter().map(|cell| cell.load(Ordering::Relaxed)).sum()
    }
}
