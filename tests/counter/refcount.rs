//! Defends INV-1 and INV-2 of `latchless::counter::refcount`, by what the tests of Linux's `refcount_t`
//! check (`drivers/misc/lkdtm/refcount.c`): past the end, from zero, below zero, and once parked.

use core::cell::RefCell;

use latchless::counter::refcount::{Misuse, RefCount, Report};
use proptest::prelude::*;

use crate::common::property_config;
use crate::common::team::Team;

const MAX: u32 = RefCount::MAX;
const PARKED: u32 = 0xc000_0000;

thread_local! {
    static REPORTED: RefCell<Vec<Misuse>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what it is told.
struct Keep;

impl Report for Keep {
    fn report(misuse: Misuse) {
        REPORTED.with_borrow_mut(|all| all.push(misuse));
    }
}

/// A count at `start`, after `calls`, and what was reported.
#[track_caller]
fn check(start: u32, calls: impl FnOnce(&RefCount<Keep>), end: u32, reports: &[Misuse]) {
    let count = RefCount::<Keep>::reporting(start);
    REPORTED.with_borrow_mut(Vec::clear);
    calls(&count);
    assert_eq!(count.get(), end);
    assert_eq!(count.is_saturated(), end == PARKED);
    REPORTED.with_borrow(|all| assert_eq!(all, reports));
}

use Misuse::{FromZero, Leak, Overflow, Underflow};

#[test]
fn past_the_end_it_parks() {
    let good = |count: &RefCount<Keep>| (0..4).for_each(|_| count.dec());
    check(MAX - 1, |it| (it.dec(), it.inc()).1, MAX - 1, &[]);
    check(MAX - 1, |it| (it.inc(), it.inc()).1, PARKED, &[Overflow]);
    check(MAX - 1, |it| (good(it), it.add(4)).1, MAX - 1, &[]);
    check(MAX - 1, |it| it.add(4), PARKED, &[Overflow]);
    check(1, |it| it.add(u32::MAX), PARKED, &[Overflow]);
    check(MAX, |it| assert!(it.inc_not_zero()), PARKED, &[Overflow]);
    check(MAX, |it| assert!(it.add_not_zero(6)), PARKED, &[Overflow]);
    check(MAX - 6, |it| assert!(it.add_not_zero(6)), MAX, &[]);
}

#[test]
fn from_zero_nothing_comes_back() {
    check(0, |it| assert!(!it.inc_not_zero()), 0, &[]);
    check(0, |it| assert!(!it.add_not_zero(3)), 0, &[]);
    check(0, |it| it.inc(), PARKED, &[FromZero]);
    check(0, |it| it.add(3), PARKED, &[FromZero]);
}

#[test]
fn below_zero_it_parks() {
    check(2, |it| (it.dec(), it.dec()).1, PARKED, &[Leak]);
    check(0, |it| it.dec(), PARKED, &[Underflow]);
    check(0, |it| assert!(!it.dec_and_test()), PARKED, &[Underflow]);
    check(3, |it| assert!(!it.sub_and_test(5)), PARKED, &[Underflow]);
    check(3, |it| assert!(it.sub_and_test(3)), 0, &[]);
    check(3, |it| assert!(!it.sub_and_test(0)), 3, &[]);
    check(0, |it| assert!(!it.sub_and_test(0)), 0, &[]);
    check(0, |it| assert!(it.dec_not_one()), PARKED, &[Underflow]);
}

#[test]
fn parked_it_stays() {
    let parked = PARKED;
    check(parked, |it| it.inc(), parked, &[Overflow]);
    check(parked, |it| it.dec(), parked, &[Underflow]);
    check(parked, |it| it.add(8), parked, &[Overflow]);
    check(parked, |it| assert!(it.inc_not_zero()), parked, &[Overflow]);
    check(parked, |it| assert!(it.add_not_zero(7)), parked, &[Overflow]);
    check(parked, |it| assert!(!it.dec_and_test()), parked, &[Underflow]);
    check(parked, |it| assert!(!it.sub_and_test(8)), parked, &[Underflow]);
    check(parked, |it| assert!(!it.sub_and_test(PARKED)), parked, &[Underflow]);
    check(parked, |it| assert!(!it.dec_if_one() && it.dec_not_one()), parked, &[]);
    check(MAX + 1, |_| (), parked, &[]);
    assert_eq!(format!("{:?}", RefCount::with_count(u32::MAX)), "RefCount(saturated)");
}

#[test]
fn the_last_hold_is_told() {
    check(1, |it| assert!(it.dec_and_test()), 0, &[]);
    check(2, |it| assert!(!it.dec_and_test() && it.dec_and_test()), 0, &[]);
    check(1, |it| assert!(it.dec_if_one()), 0, &[]);
    check(2, |it| assert!(!it.dec_if_one()), 2, &[]);
    check(2, |it| assert!(it.dec_not_one() && !it.dec_not_one()), 1, &[]);
    assert_eq!(
        format!("{:?} {Overflow}", RefCount::new()),
        "RefCount(1) more holds were taken than are counted"
    );
}

proptest! {
    #![proptest_config(property_config())]

    /// INV-1: whatever is done, a count goes where arithmetic goes, or parks and stays parked.
    #[test]
    fn any_run_goes_where_arithmetic_goes_or_parks(
        start in prop_oneof![0..6_u32, (MAX - 6)..=MAX],
        calls in prop::collection::vec((0..6_u8, prop_oneof![0..4_u32, any::<u32>()]), 0..40),
    ) {
        let count = RefCount::with_count(start);
        let mut model = Some(i64::from(start));
        let in_range = |value: i64| (0..=i64::from(MAX)).contains(&value).then_some(value);
        for (call, n) in calls {
            let was_zero = model == Some(0);
            let (delta, told) = match call {
                0 => (1, { count.inc(); None }),
                1 => (i64::from(n), { count.add(n); None }),
                2 => (1, Some(!count.inc_not_zero())),
                3 => (-1, { count.dec(); None }),
                4 => (-1, Some(count.dec_and_test())),
                _ => (-i64::from(n), Some(count.sub_and_test(n))),
            };
            let after = model.and_then(|value| in_range(value + delta));
            model = match call {
                // Not from zero: refused, or a mistake.
                2 if was_zero => model,
                0 | 1 if was_zero => None,
                // Not to zero without a word.
                3 if after == Some(0) => None,
                _ => after,
            };
            let is_told = match call {
                2 => was_zero,
                _ => delta != 0 && model == Some(0),
            };
            prop_assert_eq!(told.unwrap_or(is_told), is_told, "{} {}", call, n);
            prop_assert_eq!(count.get(), model.map_or(PARKED, |value| value as u32));
        }
    }
}

#[test]
fn one_of_all_threads_is_the_last() {
    for _ in 0..200 {
        let count = RefCount::with_count(4);
        let last = Team::run_alike(4, |_, _| {
            count.inc();
            let was_last = [count.dec_and_test(), count.dec_and_test()];
            was_last.into_iter().filter(|&was_last| was_last).count()
        });
        assert_eq!((last.iter().sum::<usize>(), count.get()), (1, 0));
    }
}
