//! Counters that every thread adds to.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use contatori::counters::unsigned::Unsigned;
use contatori::counters::{CounterValue, Observable};
use fast_counter::ConcurrentCounter;
use latchless::counter::sharded::{Local, Tally};
use latchless::counter::{
    BatchedCounter, ByCpu, ByStack, ByThread, Counter, ShardSource, ShardedCounter,
};
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
        Contestant::new("latchless ShardedCounter, owned cells", Side::Ours, run::<Owned>),
        Contestant::new("latchless ShardedCounter, tallies", Side::Ours, run::<Tallied>),
        Contestant::new("latchless ShardedCounter, by CPU", Side::Ours, run::<Sharded<ByCpu>>),
        Contestant::new("latchless ShardedCounter, by stack", Side::Ours, run::<Sharded<ByStack>>),
        Contestant::new(
            "latchless ShardedCounter, by thread",
            Side::Ours,
            run::<Sharded<ByThread>>,
        ),
        Contestant::new("latchless BatchedCounter", Side::Ours, run::<Batched>),
        Contestant::new("core AtomicU64", Side::Rival, run::<AtomicU64>),
        Contestant::new("fast-counter", Side::Rival, run::<ConcurrentCounter>),
        Contestant::new("contatori", Side::Rival, run::<Unsigned>),
        Contestant::new("padded cells, by thread", Side::Rival, run::<Padded>),
        Contestant::new("(limit) plain add to its own", Side::Limit, limit::own_count)
            .only(|case| case.shape != Shape::Memory),
    ]
}

/// A contestant.
trait Count: Sync + 'static {
    /// What a thread counts with.
    type Hand<'c>;

    fn open() -> Self;
    fn hand(&self) -> Self::Hand<'_>;
    fn inc(hand: &mut Self::Hand<'_>);
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
                let mut hand = counter.hand();
                for _ in 0..each {
                    C::inc(&mut hand);
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
    C::inc(&mut counter.hand());
    let bytes = machine::allocated_bytes().saturating_sub(before) + size_of::<C>() as u64;
    black_box(counter.total());
    Sample { value: bytes as f64, ..Sample::default() }
}

/// Implements `Count`: how a counter is made, what a thread counts with, how, and what the total is.
macro_rules! count {
    (for $counter:ty $(, $source:ident)? => $open:expr; hand $hand:ty: |$giver:ident| $give:expr;
        inc |$inced:ident| $inc:expr; total |$told:ident| $total:expr;) => {
        impl $(<$source: ShardSource + Default + Sync + 'static>)? Count for $counter {
            type Hand<'c> = $hand;

            fn open() -> Self {
                $open
            }

            fn hand(&self) -> Self::Hand<'_> {
                let $giver = self;
                $give
            }

            #[inline(always)]
            fn inc($inced: &mut Self::Hand<'_>) {
                $inc;
            }

            fn total(&self) -> u64 {
                let $told = self;
                $total
            }
        }
    };
}

// === latchless ===

count! {
    for Counter => Counter::new();
    hand &'c Self: |counter| counter;
    inc |counter| Counter::inc(counter);
    total |counter| counter.get();
}

/// Cells enough for all threads, as the rivals have.
const SHARDS: usize = 16;

type Sharded<S> = ShardedCounter<SHARDS, S>;

count! {
    for Sharded<S>, S => Self::with_source(S::default());
    hand &'c Self: |counter| counter;
    inc |counter| Sharded::inc(counter);
    total |counter| counter.sum();
}

struct Owned(Sharded<ByStack>);

count! {
    for Owned => Self(ShardedCounter::with_source(ByStack));
    hand Local<'c>: |counter| counter.0.local().expect("there are more cells than threads");
    inc |own| own.inc();
    total |counter| counter.0.sum();
}

struct Tallied(Sharded<ByStack>);

count! {
    for Tallied => Self(ShardedCounter::with_source(ByStack));
    hand Tally<'c>:
        |counter| counter.0.local().expect("there are more cells than threads").into_tally();
    inc |tally| tally.inc();
    total |counter| counter.0.sum();
}

/// The batch that Linux's `percpu_counter` starts from.
type Batched = BatchedCounter<SHARDS, 32, ByStack>;

count! {
    for Batched => Self::with_source(ByStack, 0);
    hand &'c Self: |counter| counter;
    inc |counter| counter.inc();
    total |counter| counter.sum() as u64;
}

// === Others ===

count! {
    for AtomicU64 => Self::new(0);
    hand &'c Self: |counter| counter;
    inc |counter| counter.fetch_add(1, Ordering::Relaxed);
    total |counter| counter.load(Ordering::Relaxed);
}

count! {
    for ConcurrentCounter => Self::new(SHARDS);
    hand &'c Self: |counter| counter;
    inc |counter| counter.add(1);
    total |counter| counter.sum() as u64;
}

count! {
    for Unsigned => Self::new();
    hand &'c Self: |counter| counter;
    inc |counter| counter.add(1);
    total |counter| match counter.value() {
        CounterValue::Unsigned(total) => total,
        other => panic!("an unsigned counter answered {other:?}"),
    };
}

/// What people write who need it faster: a cell for each of so many groups of threads.
struct Padded([CachePadded<AtomicU64>; SHARDS]);

impl Padded {
    #[inline(always)]
    fn inc(&self) {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static OWN: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS);
        if let Some(cell) = OWN.with(|&own| self.0.get(own)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }
}

count! {
    for Padded => Self(Default::default());
    hand &'c Self: |counter| counter;
    inc |counter| Padded::inc(counter);
    total |counter| counter.0.iter().map(|cell| cell.load(Ordering::Relaxed)).sum();
}
