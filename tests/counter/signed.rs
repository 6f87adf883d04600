//! Defends the one invariant of `SignedCounter`: the value is the sum of what was added less what was
//! subtracted and taken, modulo 2^64.

use latchless::counter::SignedCounter;
use proptest::prelude::*;

use crate::common::property_config;
use crate::common::team::contend;

#[test]
fn count_wraps_both_ways() {
    let counter = SignedCounter::with_value(i64::MAX);
    counter.inc();
    assert_eq!(counter.get(), i64::MIN);
    counter.dec();
    assert_eq!(counter.take(), i64::MAX);
    counter.sub(5);
    assert_eq!(format!("{counter} {counter:?}"), "-5 SignedCounter(-5)");
    counter.add(i64::MIN);
    assert_eq!(counter.get(), i64::MAX - 4);
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_wrapping_arithmetic(
        start in any::<i64>(),
        changes in prop::collection::vec((any::<bool>(), any::<i64>()), 0..100),
    ) {
        let counter = SignedCounter::with_value(start);
        let mut model = start;
        for (is_added, n) in changes {
            if is_added {
                counter.add(n);
                model = model.wrapping_add(n);
            } else {
                counter.sub(n);
                model = model.wrapping_sub(n);
            }
            prop_assert_eq!(counter.get(), model);
        }
    }
}

#[test]
fn no_change_is_lost() {
    let counter = SignedCounter::new();
    let [one, other] = contend(2_000, |me, _| {
        counter.inc();
        counter.add(3);
        if me == 0 {
            counter.sub(9);
        }
        counter.dec();
    });
    assert_eq!(counter.get(), 3 * (one + other) as i64 - 9 * one as i64);
}
