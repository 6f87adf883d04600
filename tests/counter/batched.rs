//! Defends INV-1 and INV-2 of `latchless::counter::batched`, the stated error above all, and the
//! arithmetic of `Histogram`.

use core::cmp::Ordering;
use core::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::Barrier;

use latchless::counter::histogram::{Histogram, buckets_for};
use latchless::counter::{BatchedCounter, ByStack};
use proptest::prelude::*;

use crate::common::property_config;
use crate::common::random::Random;
use crate::common::team::{Team, contend};

const _: () = assert!(size_of::<BatchedCounter<4, 32>>() == 5 * 128);
const _: () = assert!(size_of::<Histogram<496>>() == 8 * 496);

type Batched = BatchedCounter<8, 32>;

#[test]
fn an_estimate_is_never_further_off_than_stated() {
    let random = &mut Random::new(9);
    let counter = Batched::with_value(-1_000);
    let (mut count, mut worst) = (-1_000_i64, 0);
    for _ in 0..3_000_000 {
        let n = random.below(100) as i64 - 45;
        counter.add_at(random.below(64), n);
        count += n;
        worst = worst.max(counter.estimate().abs_diff(count));
    }
    assert!(worst <= Batched::MAX_ERROR, "{worst}");
    assert!(worst > Batched::MAX_ERROR / 4, "{worst}: the bound was not put to the test");
    assert_eq!(counter.sum(), count);
}

/// The bound is reached: it could not be stated smaller.
#[test]
fn the_stated_error_is_the_least() {
    let counter = Batched::new();
    (0..8).for_each(|cell| counter.add_at(cell, 31));
    assert_eq!((counter.estimate(), counter.sum()), (0, 8 * 31));
    assert_eq!(counter.max_error(), 8 * 31);
    (0..8).for_each(|cell| counter.add_at(cell, -62));
    assert_eq!((counter.estimate(), counter.sum()), (0, -8 * 31));
    counter.add_at(3, -1);
    assert_eq!((counter.estimate(), counter.sum()), (-32, -8 * 31 - 1));
}

#[test]
fn batches_of_one_are_exact() {
    let counter = BatchedCounter::<4, 1>::new();
    counter.add(7);
    counter.dec();
    counter.sub(i64::MIN);
    counter.inc();
    assert_eq!((counter.estimate(), counter.max_error()), (7_i64.wrapping_sub(i64::MIN), 0));
    assert_eq!(format!("{counter} {counter:?}"), format!("{0} BatchedCounter({0})", counter.sum()));
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn comparisons_are_those_of_the_count(
        start in -1_000..1_000_i64,
        changes in prop::collection::vec((any::<usize>(), -40..40_i64), 0..100),
        limit in -1_500..1_500_i64,
    ) {
        let counter = Batched::with_value(start);
        let mut count = start;
        for (cell, n) in changes {
            counter.add_at(cell, n);
            count += n;
            prop_assert_eq!(counter.sum(), count);
            for limit in [limit, count - 1, count, count + 1, i64::MIN, i64::MAX] {
                prop_assert_eq!(counter.compare(limit), count.cmp(&limit));
            }
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values(
        mut values in prop::collection::vec(prop_oneof![0..40_u64, 0..5_000_u64, any::<u64>()], 1..80),
        parts in 0..=1_000_u32,
    ) {
        let histogram = Histogram::<496>::new();
        for &value in &values {
            histogram.record(value);
        }
        values.sort_unstable();
        let rank = (values.len() * parts as usize).div_ceil(1_000).max(1);
        let exact = values[rank - 1];
        let quantile = histogram.quantile(parts, 1_000).expect("there are values");
        prop_assert!(quantile >= exact && quantile - exact <= exact / 8, "{} for {}", quantile, exact);
        prop_assert_eq!(histogram.count(), values.len() as u64);
        prop_assert_eq!(histogram.quantile(parts, 0), histogram.quantile(0, 1));
    }
}

#[test]
fn estimates_stay_near_while_threads_count() {
    const THREADS: usize = 3;
    let counter = BatchedCounter::<4, 16, ByStack>::with_source(ByStack, 0);
    let (count, barrier) = (AtomicI64::new(0), Barrier::new(THREADS));
    Team::run_alike(THREADS, |_, me| {
        let random = &mut Random::new(me as u64);
        for _ in 0..30 {
            let mut mine = 0;
            for _ in 0..2_000 {
                let n = random.below(9) as i64 - 3;
                counter.add(n);
                mine += n;
            }
            count.fetch_add(mine, Relaxed);
            // Nobody is at it.
            barrier.wait();
            let count = count.load(Relaxed);
            assert!(counter.estimate().abs_diff(count) <= counter.max_error());
            assert_eq!((counter.sum(), counter.compare(count)), (count, Ordering::Equal));
            barrier.wait();
        }
    });
}

// === Histogram ===

#[test]
fn what_is_too_great_is_in_the_last_bucket() {
    let histogram = Histogram::<{ buckets_for(15) }>::new();
    assert_eq!((histogram.quantile(1, 1), histogram.mean(), histogram.count()), (None, None, 0));
    assert_eq!(format!("{histogram} {histogram:?}"), "0 values {}");
    histogram.record(3);
    histogram.record_many(14, 2);
    assert_eq!((histogram.quantile(1, 1), histogram.mean()), (Some(14), Some(10)));
    histogram.record(u64::MAX);
    assert_eq!(histogram.quantile(1, 1), Some(u64::MAX));
    assert_eq!(histogram.bucket_counts().collect::<Vec<_>>(), [(3, 1), (14, 2), (u64::MAX, 1)]);
    assert_eq!(format!("{histogram:?}"), format!("{{3: 1, 14: 2, {}: 1}}", u64::MAX));
    let one = Histogram::<1>::default();
    one.record(0);
    assert_eq!(one.to_string(), format!("1 values, p50 {0}, p99 {0}, p99.9 {0}", u64::MAX));
}

#[test]
fn quantiles_of_many_do_not_overflow() {
    let histogram = Histogram::<496>::new();
    histogram.record_many(1, u64::MAX / 2);
    histogram.record_many(2, u64::MAX / 2);
    assert_eq!(histogram.quantile(u32::MAX / 2, u32::MAX), Some(1));
    assert_eq!(histogram.quantile(u32::MAX, u32::MAX), Some(2));
    assert_eq!(histogram.quantile(9, 3), Some(2));
}

#[test]
fn merged_is_there_twice_and_drained_once() {
    let (all, one) = (Histogram::<64>::new(), Histogram::new());
    (0..100).for_each(|value| one.record(value));
    all.merge_from(&one);
    assert_eq!((all.count(), one.count()), (100, 100));
    all.drain_from(&one);
    assert_eq!((all.count(), one.count()), (200, 0));
    assert_eq!(all.quantile(1, 4), Histogram::quantile(&all, 25, 100));
}

#[test]
fn no_record_is_lost_in_a_drain() {
    let (recorded, drained) = (Histogram::<64>::new(), Histogram::<64>::new());
    let turns = contend(2_000, |me, turn| {
        recorded.record(turn as u64 % 64);
        if me == 0 {
            drained.drain_from(&recorded);
        }
    });
    assert_eq!(recorded.count() + drained.count(), turns.iter().sum::<usize>() as u64);
}
