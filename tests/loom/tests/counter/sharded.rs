//! Defends INV-1 to INV-3, E1 and E2 of `latchless::counter::sharded`.

use latchless::counter::ShardedCounter;
use latchless_loom::outcomes;
use loom::{sync::Arc, thread};

fn first() -> usize {
    0
}

type Counter<const SHARDS: usize> = ShardedCounter<SHARDS, fn() -> usize>;

fn counter<const SHARDS: usize>() -> Arc<Counter<SHARDS>> {
    Arc::new(ShardedCounter::with_source(first))
}

#[test]
fn sum_races_adds() {
    outcomes("sum_races_adds", None, &[0, 1, 2, 3], || {
        let counter = counter::<2>();
        let adder = thread::spawn({
            let counter = Arc::clone(&counter);
            move || {
                counter.inc();
                counter.shard(1).add(2);
            }
        });
        let seen = counter.sum();
        adder.join().unwrap();
        assert_eq!(counter.sum(), 3);
        seen
    });
}

/// E1: the loser of the race sees no count below zero. All of one `add` goes to one of the takers.
#[test]
fn takes_race_the_owner() {
    let expected = [(0, 0, 5), (0, 5, 0), (5, 0, 0)];
    outcomes("takes_race_the_owner", None, &expected, || {
        let counter = counter::<1>();
        let owner = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.local().unwrap().add(5)
        });
        let taker = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.take()
        });
        let mine = counter.take();
        let (theirs, ()) = (taker.join().unwrap(), owner.join().unwrap());
        (mine, theirs, counter.sum())
    });
}

/// E1 again: who sums sees the subtraction and what it was subtracted from, or neither.
#[test]
fn sum_races_take_and_owner() {
    outcomes("sum_races_take_and_owner", None, &[(0, 0), (0, 5), (5, 0), (5, 5)], || {
        let counter = counter::<1>();
        let owner = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.local().unwrap().add(5)
        });
        let taker = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.take()
        });
        let seen = counter.sum();
        owner.join().unwrap();
        (seen, taker.join().unwrap())
    });
}

#[test]
fn take_races_the_additions_of_others() {
    let expected = [(0, 6), (2, 4), (4, 2), (6, 0)];
    outcomes("take_races_the_additions_of_others", None, &expected, || {
        let counter = counter::<1>();
        let owner = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.local().unwrap().add(2)
        });
        let adder = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.add(4)
        });
        let taken = counter.take();
        owner.join().unwrap();
        adder.join().unwrap();
        (taken, counter.sum())
    });
}

/// INV-2, E2: one cell has one owner at a time, and the next one goes on from its count.
#[test]
fn owners_follow_each_other() {
    let expected = [(false, true), (true, false), (true, true)];
    outcomes("owners_follow_each_other", None, &expected, || {
        let counter = counter::<1>();
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.local().map(|own| own.add(3)).is_some()
        });
        let mine = counter.local().map(|own| own.inc()).is_some();
        let theirs = other.join().unwrap();
        assert_eq!(counter.sum(), u64::from(mine) + 3 * u64::from(theirs));
        (mine, theirs)
    });
}

/// E1: as above, of additions that are stores of the sum so far.
#[test]
fn takes_race_a_tally() {
    let expected = [(0, 5), (2, 3), (5, 0)];
    outcomes("takes_race_a_tally", None, &expected, || {
        let counter = counter::<1>();
        let owner = thread::spawn({
            let counter = Arc::clone(&counter);
            move || {
                let mut tally = counter.local().unwrap().into_tally();
                tally.add(2);
                tally.add(3);
            }
        });
        let taken = counter.take();
        owner.join().unwrap();
        (taken, counter.sum())
    });
}

/// INV-2, E2: a tally starts from the count of the owner before, which it would otherwise write over.
#[test]
fn tallies_follow_each_other() {
    let expected = [(false, true), (true, false), (true, true)];
    outcomes("tallies_follow_each_other", None, &expected, || {
        let counter = counter::<1>();
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.local().map(|own| own.into_tally().add(3)).is_some()
        });
        let mine = counter.local().map(|own| own.into_tally().inc()).is_some();
        let theirs = other.join().unwrap();
        assert_eq!(counter.sum(), u64::from(mine) + 3 * u64::from(theirs));
        (mine, theirs)
    });
}

/// INV-2: who is refused leaves the cell to its owner, so that it is refused again.
#[test]
fn who_is_refused_takes_nothing_from_the_owner() {
    let [no, yes] = [false, true];
    let expected =
        [(no, [yes, yes]), (yes, [no, no]), (yes, [no, yes]), (yes, [yes, no]), (yes, [yes, yes])];
    outcomes("who_is_refused_takes_nothing_from_the_owner", None, &expected, || {
        let counter = counter::<1>();
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || [(); 2].map(|()| counter.local().map(|own| own.add(3)).is_some())
        });
        let mine = counter.local().map(|own| own.inc()).is_some();
        let theirs = other.join().unwrap();
        let added = theirs.map(|was_owner| 3 * u64::from(was_owner)).iter().sum::<u64>();
        assert_eq!(counter.sum(), u64::from(mine) + added);
        (mine, theirs)
    });
}

/// A second owner gets another cell.
#[test]
fn owners_meet() {
    outcomes("owners_meet", None, &[4], || {
        let counter = counter::<2>();
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.local().unwrap().add(3)
        });
        counter.local().unwrap().inc();
        other.join().unwrap();
        counter.sum()
    });
}
