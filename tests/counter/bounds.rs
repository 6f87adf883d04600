//! Defends the invariants of `BoundedCounter`, `HighWater` and `Sequence`: the limit is never passed, the
//! mark never falls, and no id comes twice.

use std::collections::BTreeSet;

use latchless::counter::bounded::OutOfBounds;
use latchless::counter::{BoundedCounter, Counter, HighWater, Sequence};
use proptest::prelude::*;

use crate::common::property_config;
use crate::common::team::{Team, contend};

const _: () = assert!(size_of::<BoundedCounter>() == 16);
const _: () = assert!(size_of::<HighWater>() == 8 && size_of::<Sequence>() == 8);

#[test]
fn limits_hold_at_the_extremes() {
    let all = BoundedCounter::new(u64::MAX);
    assert_eq!(all.try_add(u64::MAX), Ok(()));
    assert_eq!(
        (all.try_add(1), all.try_add(u64::MAX), all.available()),
        (Err(OutOfBounds), Err(OutOfBounds), 0)
    );
    assert_eq!((all.release(u64::MAX), all.release(1), all.get()), (Ok(()), Err(OutOfBounds), 0));
    let none = BoundedCounter::new(0);
    assert!(none.try_acquire(1).is_none() && none.try_acquire(0).is_some());
    assert_eq!((none.limit(), none.available()), (0, 0));
}

#[test]
fn permits_go_back_once() {
    let counter = BoundedCounter::new(5);
    let permits = counter.try_acquire(3).expect("five are free");
    assert_eq!(
        (permits.count(), format!("{permits:?} {counter} {counter:?}")),
        (3, "Permits(3) 3 BoundedCounter { used: 3, limit: 5 }".into())
    );
    core::mem::forget(counter.try_acquire(1));
    drop(permits);
    assert_eq!((counter.get(), counter.available()), (1, 4));
    // What was released by hand is not released again.
    let permits = counter.try_acquire(2);
    assert_eq!(counter.release(3), Ok(()));
    drop(permits);
    assert_eq!(counter.get(), 0);
    assert_eq!(OutOfBounds.to_string(), "the count would have left its bounds");
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_stays_within_the_limit(
        limit in prop_oneof![0..8_u64, (u64::MAX - 8)..=u64::MAX],
        changes in prop::collection::vec((any::<bool>(), prop_oneof![0..5_u64, any::<u64>()]), 0..60),
    ) {
        let (counter, mut model) = (BoundedCounter::new(limit), 0_u64);
        for (is_added, n) in changes {
            let (changed, after) = if is_added {
                (counter.try_add(n), model.checked_add(n).filter(|&sum| sum <= limit))
            } else {
                (counter.release(n), model.checked_sub(n))
            };
            prop_assert_eq!(changed.is_ok(), after.is_some());
            model = after.unwrap_or(model);
            prop_assert_eq!((counter.get(), counter.available()), (model, limit - model));
        }
    }

    #[test]
    fn mark_is_the_greatest(values in prop::collection::vec(any::<u64>(), 0..40)) {
        let mark = HighWater::new();
        let mut greatest = 0;
        for value in values {
            prop_assert_eq!(mark.record(value), value > greatest);
            greatest = greatest.max(value);
            prop_assert_eq!(mark.get(), greatest);
        }
        prop_assert_eq!(format!("{mark} {mark:?}"), format!("{greatest} HighWater({greatest})"));
        prop_assert_eq!((mark.take(), mark.get()), (greatest, 0));
    }

    #[test]
    fn ids_go_up_to_the_end_and_no_further(
        left in 0..200_u64,
        counts in prop::collection::vec(prop_oneof![Just(1), 0..40_u32, any::<u32>()], 1..30),
    ) {
        let sequence = Sequence::starting_at(Sequence::END - left);
        let mut next = Sequence::END - left;
        for count in counts {
            let block = if count == 1 {
                sequence.next_id().map(|id| (id, 1))
            } else {
                sequence.reserve(count).map(|mut block| {
                    let length = block.len() as u64;
                    let first = block.next().unwrap_or(next);
                    assert!(block.eq(first + 1..first + length.max(1)));
                    (first, length)
                })
            };
            let count = u64::from(count);
            let is_there = next < Sequence::END && count <= Sequence::END - next;
            prop_assert_eq!(block, is_there.then_some((next, count)));
            next = if is_there { next + count } else { Sequence::END };
            prop_assert_eq!(sequence.peek(), (next < Sequence::END).then_some(next));
        }
    }
}

#[test]
fn a_sequence_past_its_end_is_empty() {
    let sequence = Sequence::starting_at(u64::MAX);
    assert_eq!(
        (sequence.next_id(), sequence.reserve(u32::MAX), sequence.next_id()),
        (None, None, None)
    );
    assert_eq!(format!("{sequence:?} {:?}", Sequence::new()), "Sequence(None) Sequence(Some(0))");
}

#[test]
fn the_limit_is_never_passed() {
    let (counter, most) = (BoundedCounter::new(3), HighWater::new());
    let inside = Counter::new();
    contend(3_000, |_, turn| {
        if let Some(permits) = counter.try_acquire(1 + turn as u64 % 2) {
            inside.add(permits.count());
            most.record(inside.get());
            inside.sub(permits.count());
        }
        assert!(counter.get() <= 3);
    });
    assert!(most.get() <= 3, "{} of 3", most.get());
    assert_eq!((counter.get(), inside.get()), (0, 0));
}

#[test]
fn no_id_comes_twice() {
    let sequence = Sequence::new();
    let ids = Team::run_alike(4, |_, _| {
        let draw =
            |turn: u32| sequence.reserve(turn % 5).into_iter().flatten().chain(sequence.next_id());
        (0..2_000).flat_map(draw).collect::<Vec<_>>()
    });
    assert!(ids.iter().all(|ids| ids.is_sorted()));
    let count = ids.iter().map(Vec::len).sum::<usize>();
    let different: BTreeSet<_> = ids.into_iter().flatten().collect();
    assert_eq!((different.len(), different.last()), (count, Some(&(count as u64 - 1))));
}
