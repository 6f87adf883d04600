//! Every counter of the family but the plain one, and all that can be done to them: for tests that stop
//! or interrupt a call at any of its accesses and then look whether the totals are right.

use core::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use latchless::counter::{
    BatchedCounter, BoundedCounter, HighWater, Histogram, RefCount, Sequence, ShardedCounter,
};

/// One of each.
pub(crate) struct Counters {
    sharded: ShardedCounter<2, fn() -> usize>,
    holds: RefCount,
    bounded: BoundedCounter,
    mark: HighWater,
    ids: Sequence,
    batched: BatchedCounter<2, 8, fn() -> usize>,
    recorded: Histogram<8>,
    drained: Histogram<8>,
}

/// What the calls are known to have done.
#[derive(Debug)]
pub(crate) struct Totals {
    sharded: AtomicU64,
    holds: AtomicI64,
    used: AtomicI64,
    greatest: AtomicU64,
    greatest_taken: AtomicU64,
    /// A bit for each id.
    ids: AtomicU64,
    batched: AtomicI64,
    recorded: AtomicU64,
}

/// A call, and what it adds to the totals.
pub(crate) type CountersCall = (&'static str, fn(&Counters, &Totals));

impl Counters {
    const HOLDS: u32 = 1_000;

    pub(crate) fn new() -> Self {
        Self {
            sharded: ShardedCounter::with_source(|| 0),
            holds: RefCount::with_count(Self::HOLDS),
            bounded: BoundedCounter::new(4),
            mark: HighWater::new(),
            ids: Sequence::new(),
            batched: BatchedCounter::with_source(|| 1, 0),
            recorded: Histogram::new(),
            drained: Histogram::new(),
        }
    }

    /// Panics unless the counters are what the totals say. Nobody is at them.
    #[track_caller]
    pub(crate) fn judge(&self, totals: &Totals, scenario: impl core::fmt::Debug) {
        assert_eq!(self.sharded.sum(), totals.sharded.load(Relaxed), "{scenario:?}");
        let holds = i64::from(Self::HOLDS) + totals.holds.load(Relaxed);
        assert_eq!(i64::from(self.holds.get()), holds, "{scenario:?}");
        assert_eq!(self.bounded.get() as i64, totals.used.load(Relaxed), "{scenario:?}");
        let greatest = self.mark.get().max(totals.greatest_taken.load(Relaxed));
        assert_eq!(greatest, totals.greatest.load(Relaxed), "{scenario:?}");
        let ids = totals.ids.load(Relaxed);
        assert_eq!(self.ids.peek(), Some(u64::from(ids.trailing_ones())), "{scenario:?}");
        let batched = totals.batched.load(Relaxed);
        assert_eq!(self.batched.sum(), batched, "{scenario:?}");
        let error = self.batched.estimate().abs_diff(batched);
        assert!(error <= self.batched.max_error(), "{error} off: {scenario:?}");
        let recorded = self.recorded.count() + self.drained.count();
        assert_eq!(recorded, totals.recorded.load(Relaxed), "{scenario:?}");
        assert_eq!(ids.count_ones(), ids.trailing_ones(), "an id was left out: {scenario:?}");
    }
}

impl Totals {
    pub(crate) fn new() -> Self {
        Self {
            sharded: AtomicU64::new(0),
            holds: AtomicI64::new(0),
            used: AtomicI64::new(0),
            greatest: AtomicU64::new(0),
            greatest_taken: AtomicU64::new(0),
            ids: AtomicU64::new(0),
            batched: AtomicI64::new(0),
            recorded: AtomicU64::new(0),
        }
    }

    fn recorded(&self, value: u64) {
        self.greatest.fetch_max(value, Relaxed);
    }

    fn drawn(&self, id: u64) {
        let before = self.ids.fetch_or(1 << id, Relaxed);
        assert_eq!(before & (1 << id), 0, "{id} came twice");
    }
}

/// All that can be done, each once.
pub(crate) const CALLS: &[CountersCall] = &[
    ("add", |it, totals| {
        it.sharded.add(5);
        it.sharded.inc();
        totals.sharded.fetch_add(6, Relaxed);
    }),
    ("sub", |it, totals| {
        it.sharded.shard(1).sub(3);
        it.sharded.dec();
        totals.sharded.fetch_sub(4, Relaxed);
    }),
    ("own", |it, totals| {
        if let Some(own) = it.sharded.local() {
            own.add(10);
            own.dec();
            totals.sharded.fetch_add(9, Relaxed);
        }
    }),
    ("tally", |it, totals| {
        if let Some(own) = it.sharded.local() {
            let mut tally = own.into_tally();
            tally.add(20);
            tally.inc();
            tally.sub(5);
            tally.dec();
            tally.into_local().inc();
            totals.sharded.fetch_add(16, Relaxed);
        }
    }),
    ("take", |it, totals| {
        totals.sharded.fetch_sub(it.sharded.take(), Relaxed);
    }),
    ("sum", |it, _| {
        let sum = it.sharded.sum() as i64;
        assert!(sum.abs() < 1_000, "{sum}");
    }),
    ("hold", |it, totals| {
        it.holds.inc();
        it.holds.add(3);
        assert!(it.holds.inc_not_zero() && it.holds.add_not_zero(2));
        totals.holds.fetch_add(7, Relaxed);
    }),
    ("let go", |it, totals| {
        it.holds.dec();
        assert!(!it.holds.dec_and_test() && !it.holds.sub_and_test(2));
        assert!(it.holds.dec_not_one() && !it.holds.dec_if_one());
        totals.holds.fetch_sub(5, Relaxed);
    }),
    ("try_add", |it, totals| {
        let added = it.bounded.try_add(1).is_ok();
        totals.used.fetch_add(i64::from(added), Relaxed);
        assert!(it.bounded.get() <= 4);
    }),
    ("try_acquire", |it, _| {
        drop(it.bounded.try_acquire(2));
    }),
    ("release", |it, totals| {
        // One of its own, so that nobody else's permit is given up.
        if it.bounded.try_add(1).is_ok() {
            assert!(it.bounded.release(1).is_ok());
        }
        let _ = totals;
    }),
    ("record", |it, totals| {
        it.mark.record(4);
        it.mark.record(9);
        totals.recorded(9);
    }),
    ("take mark", |it, totals| {
        totals.greatest_taken.fetch_max(it.mark.take(), Relaxed);
    }),
    ("batch", |it, totals| {
        it.batched.add(5);
        it.batched.add_at(0, 7);
        it.batched.add(6);
        it.batched.sub(2);
        totals.batched.fetch_add(16, Relaxed);
    }),
    ("batches back", |it, totals| {
        it.batched.sub(9);
        it.batched.inc();
        it.batched.dec();
        totals.batched.fetch_sub(9, Relaxed);
        let _ = (it.batched.sum(), it.batched.estimate(), it.batched.compare(3));
    }),
    ("record value", |it, totals| {
        it.recorded.record(2);
        it.recorded.record(99);
        totals.recorded.fetch_add(2, Relaxed);
        assert!(it.recorded.quantile(1, 2).is_none_or(|value| value >= 2));
    }),
    ("drain", |it, _| it.drained.drain_from(&it.recorded)),
    ("draw", |it, totals| {
        let block = it.ids.reserve(2).into_iter().flatten();
        block.chain(it.ids.next_id()).for_each(|id| totals.drawn(id));
    }),
];
