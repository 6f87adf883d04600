//! Defends INV-1 of `latchless::counter::batched` and of `histogram`: nothing is lost or counted twice in the end.

use latchless::counter::{BatchedCounter, Histogram};
use latchless_loom::outcomes;
use loom::{sync::Arc, thread};

#[test]
fn folds_race_a_sum() {
    outcomes("folds_race_a_sum", Some(3), &[0, 1, 2, 3, 4], || {
        let counter = Arc::new(BatchedCounter::<1, 2, fn() -> usize>::with_source(|| 0, 0));
        let adder = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.add(1)
        });
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.add_at(0, 1)
        });
        let seen = counter.sum();
        adder.join().unwrap();
        other.join().unwrap();
        assert_eq!((counter.sum(), counter.estimate()), (2, 2));
        seen
    });
}

/// Both fold, one of them perhaps what the other has added.
#[test]
fn folds_race_folds() {
    outcomes("folds_race_folds", None, &[(4, 4)], || {
        let counter = Arc::new(BatchedCounter::<1, 2, fn() -> usize>::with_source(|| 0, 0));
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.add(2)
        });
        counter.add(2);
        other.join().unwrap();
        (counter.sum(), counter.estimate())
    });
}

#[test]
fn records_race_a_merge() {
    outcomes("records_race_a_merge", None, &[(0, 2), (1, 1), (2, 0)], || {
        let from = Arc::new(Histogram::<1>::new());
        let into = Histogram::<1>::new();
        let recorder = thread::spawn({
            let from = Arc::clone(&from);
            move || {
                from.record(1);
                from.record(1);
            }
        });
        into.drain_from(&from);
        recorder.join().unwrap();
        (into.count(), from.count())
    });
}
