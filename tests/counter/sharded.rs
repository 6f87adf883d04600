//! Defends INV-1 to INV-3 of `latchless::counter::sharded`: the cells sum up to what was counted, an
//! owner's cell has one writer, and a `take` takes what is there once.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

#[cfg(feature = "std")]
use latchless::counter::ByThread;
use latchless::counter::sharded::Local;
use latchless::counter::{ByCpu, ByStack, ShardSource, ShardedCounter};
use proptest::prelude::*;

use crate::common::property_config;
use crate::common::team::{Member, Team, contend};

const _: () = assert!(size_of::<ShardedCounter<1>>() == 128);
const _: () = assert!(size_of::<ShardedCounter<64, ByStack>>() == 64 * 128);

/// A source that gives the same number to all.
fn one() -> usize {
    1
}

#[test]
fn every_cell_is_in_the_sum() {
    let mut counter = ShardedCounter::<4, _>::with_source(one);
    for (number, shard) in counter.shards().enumerate() {
        shard.add(10 * number as u64);
        shard.inc();
    }
    counter.add(100);
    counter.inc();
    counter.dec();
    counter.sub(7);
    assert_eq!(counter.shard(1).get(), 11 + 93);
    assert_eq!(counter.shards().len(), 4);
    assert_eq!(counter.shards().map(|shard| shard.get()).collect::<Vec<_>>(), [1, 104, 21, 31]);
    assert_eq!((counter.sum(), counter.sum_exact()), (157, 157));
    assert_eq!(format!("{counter} {counter:>5} {counter:?}"), "157   157 ShardedCounter(157)");
    assert_eq!(counter.take(), 157);
    assert_eq!((counter.take(), counter.sum()), (0, 0));
}

#[test]
fn numbers_past_the_shards_wrap() {
    let counter = ShardedCounter::<4, _>::with_source(|| usize::MAX);
    counter.inc();
    counter.shard(7).inc();
    counter.shard(usize::MAX - 4).inc();
    assert_eq!(counter.shard(3).get(), 3);
    let own = counter.local_at(4 + 2).expect("nobody has it");
    own.inc();
    assert_eq!(counter.shard(2).get(), 1);
}

#[test]
fn count_wraps_in_every_cell() {
    let counter = ShardedCounter::<2, _>::with_source(one);
    counter.shard(0).sub(5);
    counter.shard(1).add(4);
    assert_eq!(counter.sum(), u64::MAX);
    counter.shard(1).dec();
    counter.shard(1).add(3);
    assert_eq!((counter.sum(), counter.take(), counter.sum()), (1, 1, 0));
}

#[test]
fn an_owned_cell_is_refused_to_others() {
    let counter = ShardedCounter::<2, _>::with_source(one);
    let first = counter.local().expect("both are free");
    first.inc();
    assert_eq!(counter.shard(1).get(), 1, "the source's cell comes first");
    assert!(counter.local_at(1).is_none());
    let second = counter.local().expect("the other one is free");
    second.add(10);
    assert_eq!(counter.shard(0).get(), 10);
    assert!(counter.local().is_none());
    drop(first);
    let third = counter.local_at(1).expect("it was given back");
    third.sub(3);
    third.dec();
    assert_eq!(counter.sum(), 7);
}

#[test]
fn a_handle_that_is_dropped_forgotten_or_taken_from_loses_nothing() {
    let mut counter = ShardedCounter::<4>::new();
    let sent = counter.local().expect("free");
    sent.add(1);
    std::thread::scope(|scope| {
        scope.spawn(move || sent.add(2));
    });
    assert_eq!(counter.sum(), 3);
    let forgotten = counter.local().expect("free");
    forgotten.add(4);
    core::mem::forget(forgotten);
    let used_on = counter.local().expect("one more is free");
    used_on.add(8);
    assert_eq!((counter.take(), counter.sum()), (15, 0));
    used_on.add(16);
    counter.shard(0).add(32);
    assert_eq!((counter.take(), counter.sum()), (48, 0));
    used_on.add(64);
    drop(used_on);
    assert_eq!(counter.sum_exact(), 64);
}

#[test]
fn a_tally_is_seen_at_once_and_goes_on_from_what_is_there() {
    let counter = ShardedCounter::<1>::new();
    let own = counter.local().expect("free");
    own.add(10);
    let mut tally = own.into_tally();
    tally.inc();
    assert_eq!(counter.sum(), 11);
    assert!(counter.local().is_none(), "the tally owns the cell");
    counter.shard(0).add(100);
    assert_eq!((counter.take(), counter.sum()), (111, 0));
    tally.add(7);
    tally.dec();
    tally.sub(2);
    assert_eq!(counter.sum(), 4);
    let own = tally.into_local();
    own.inc();
    core::mem::forget(own.into_tally());
    assert_eq!(counter.take(), 5);
}

#[test]
fn a_tally_that_is_dropped_leaves_its_cell() {
    let counter = ShardedCounter::<1>::new();
    for owner in 1..=3 {
        let mut tally = counter.local().expect("it was given back").into_tally();
        tally.add(owner);
    }
    let mut last = counter.local().expect("it was given back").into_tally();
    last.sub(7);
    assert_eq!(counter.sum(), u64::MAX, "wrapped");
}

#[test]
fn sources_keep_to_their_number() {
    fn check(source: impl ShardSource) {
        assert_eq!(source.shard(), source.shard());
        assert_eq!(source.shard_below(1), 0);
        assert!(source.shard_below(8) < 8);
        assert_eq!(source.shard_below(8), source.shard_below(8));
    }
    check(ByStack);
    check(one);
    let _ = ByCpu.shard(); // The thread may be moved in between.
    assert!(ByCpu.shard_below(4) < 4);
    #[cfg(feature = "std")]
    {
        check(ByThread);
        let other = std::thread::spawn(|| ByThread.shard()).join().expect("it does not panic");
        assert_ne!(ByThread.shard(), other);
    }
}

/// What one thread may do.
#[derive(Clone, Debug)]
enum Call {
    Add(usize, u64),
    Sub(usize, u64),
    Own(usize),
    OwnerAdds(usize, u64),
    OwnerSubs(usize, u64),
    OwnerTallies(usize, u64, u64),
    Leave(usize),
    Take,
}

fn call() -> impl Strategy<Value = Call> {
    let n = || prop_oneof![0..4u64, any::<u64>()];
    prop_oneof![
        (0..9usize, n()).prop_map(|(at, n)| Call::Add(at, n)),
        (0..9usize, n()).prop_map(|(at, n)| Call::Sub(at, n)),
        (0..9usize).prop_map(Call::Own),
        (0..4usize, n()).prop_map(|(owner, n)| Call::OwnerAdds(owner, n)),
        (0..4usize, n()).prop_map(|(owner, n)| Call::OwnerSubs(owner, n)),
        (0..4usize, n(), n()).prop_map(|(owner, n, m)| Call::OwnerTallies(owner, n, m)),
        (0..4usize).prop_map(Call::Leave),
        Just(Call::Take),
    ]
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_wrapping_arithmetic(
        calls in prop::collection::vec(call(), 0..100),
    ) {
        let mut counter = ShardedCounter::<4>::new();
        let mut model = 0_u64;
        {
            let mut owners: Vec<(usize, Local<'_>)> = Vec::new();
            for call in calls {
                match call {
                    Call::Add(at, n) => {
                        counter.shard(at).add(n);
                        model = model.wrapping_add(n);
                    }
                    Call::Sub(at, n) => {
                        counter.shard(at).sub(n);
                        model = model.wrapping_sub(n);
                    }
                    Call::Own(at) => {
                        let is_taken = owners.iter().any(|&(cell, _)| cell == at % 4);
                        let owner = counter.local_at(at);
                        prop_assert_eq!(owner.is_none(), is_taken);
                        owners.extend(owner.map(|owner| (at % 4, owner)));
                    }
                    Call::OwnerAdds(owner, n) => {
                        if let Some((_, owner)) = owners.get(owner) {
                            owner.add(n);
                            model = model.wrapping_add(n);
                        }
                    }
                    Call::OwnerSubs(owner, n) => {
                        if let Some((_, owner)) = owners.get(owner) {
                            owner.sub(n);
                            model = model.wrapping_sub(n);
                        }
                    }
                    Call::OwnerTallies(owner, added, taken) if owner < owners.len() => {
                        let (cell, owner) = owners.swap_remove(owner);
                        let mut tally = owner.into_tally();
                        tally.add(added);
                        model = model.wrapping_add(added);
                        prop_assert_eq!(counter.sum(), model);
                        tally.sub(taken);
                        model = model.wrapping_sub(taken);
                        owners.push((cell, tally.into_local()));
                    }
                    Call::OwnerTallies(..) => {}
                    Call::Leave(owner) if owner < owners.len() => drop(owners.remove(owner)),
                    Call::Leave(_) => {}
                    Call::Take => prop_assert_eq!(counter.take(), core::mem::take(&mut model)),
                }
                prop_assert_eq!(counter.sum(), model);
            }
        }
        prop_assert_eq!(counter.sum_exact(), model);
    }
}

// === Many threads ===

#[test]
fn no_addition_is_lost_and_none_taken_twice() {
    let counter = ShardedCounter::<2, ByStack>::with_source(ByStack);
    let taken = latchless::counter::Counter::new();
    let turns = contend(3_000, |me, turn| {
        let own = counter.local().expect("there are as many cells as threads");
        own.add(3);
        counter.inc();
        counter.shard(turn).add(2);
        if me == 0 || turn % 3 == 0 {
            let part = counter.take();
            assert!(part < 1 << 40, "{part} is less than nothing");
            taken.add(part);
        }
    });
    let added: usize = turns.iter().map(|turns| 6 * turns).sum();
    assert_eq!(taken.get() + counter.sum(), added as u64);
}

#[test]
fn a_sum_that_only_grows_never_goes_backwards() {
    let counter = ShardedCounter::<4, _>::with_source(one);
    let is_over = AtomicBool::new(false);
    let members: Vec<Member<'_, ()>> = vec![
        Box::new(|_| {
            let own = counter.local().expect("nobody else has one");
            for turn in 0..50_000 {
                own.inc();
                counter.shard(turn).inc();
            }
            is_over.store(true, Relaxed);
        }),
        Box::new(|_| {
            let mut last = 0;
            while !is_over.load(Relaxed) {
                let seen = counter.sum();
                assert!((last..=100_000).contains(&seen), "{seen} after {last}");
                last = seen;
            }
        }),
    ];
    Team::run(members);
    assert_eq!(counter.sum(), 100_000);
}

/// Counts without `lock`, and each is there.
#[test]
fn owners_on_all_threads_count_exactly() {
    static COUNTER: ShardedCounter<4, ByStack> = ShardedCounter::with_source(ByStack);
    Team::run_alike(4, |_, _| {
        let own = COUNTER.local().expect("there are four");
        (0..50_000).for_each(|_| own.inc());
        let mut tally = own.into_tally();
        (0..50_000).for_each(|_| tally.inc());
    });
    assert_eq!(COUNTER.sum(), 400_000);
}
