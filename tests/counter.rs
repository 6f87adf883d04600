//! Defends the one invariant of `Counter`: the value is the sum of what was added less what was
//! subtracted and taken, modulo 2^64, whoever does it at the same time.

#[path = "counter/batched.rs"]
mod batched;
#[path = "counter/bounds.rs"]
mod bounds;
mod common;
#[path = "counter/export.rs"]
mod export;
#[path = "counter/refcount.rs"]
mod refcount;
#[path = "counter/sharded.rs"]
mod sharded;
#[path = "counter/signed.rs"]
mod signed;

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use latchless::counter::Counter;
use proptest::prelude::*;
use static_assertions::{assert_eq_align, assert_eq_size, assert_impl_all};

use common::linearizability::{Event, Recording, Worker, check_rounds};
use common::property_config;
use common::random::Random;
use common::specs::{Count, CountCall};
use common::team::{Member, Team, contend};

assert_impl_all!(Counter: Send, Sync, Default, Unpin);
assert_eq_size!(Counter, u64);
assert_eq_align!(Counter, u64);

// === One thread ===

#[test]
fn starts_where_it_is_told() {
    assert_eq!(Counter::new().get(), 0);
    assert_eq!(Counter::default().get(), 0);
    assert_eq!(Counter::with_value(u64::MAX).get(), u64::MAX);
}

#[test]
fn count_wraps_both_ways() {
    let counter = Counter::with_value(u64::MAX);
    counter.inc();
    assert_eq!(counter.get(), 0);
    counter.dec();
    assert_eq!(counter.get(), u64::MAX);
    counter.add(5);
    assert_eq!(counter.get(), 4);
    counter.add(u64::MAX);
    assert_eq!(counter.get(), 3);
    counter.sub(u64::MAX);
    assert_eq!(counter.get(), 4);
}

#[test]
fn take_leaves_zero() {
    let counter = Counter::with_value(7);
    assert_eq!((counter.take(), counter.take(), counter.get()), (7, 0, 0));
}

#[test]
fn prints_its_count() {
    let counter = Counter::with_value(1500);
    assert_eq!(format!("{counter} {counter:>6} {counter:?}"), "1500   1500 Counter(1500)");
}

fn operand() -> impl Strategy<Value = u64> {
    prop_oneof![0..4u64, (u64::MAX - 3)..=u64::MAX, Just(1 << 63), any::<u64>()]
}

fn call() -> impl Strategy<Value = CountCall> {
    prop_oneof![
        operand().prop_map(CountCall::Added),
        operand().prop_map(CountCall::Subtracted),
        Just(CountCall::Got(0)),
        Just(CountCall::Took(0)),
    ]
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_wrapping_arithmetic(
        start in operand(),
        calls in prop::collection::vec(call(), 0..100),
    ) {
        let counter = Counter::with_value(start);
        let mut model = start;
        for call in calls {
            match call {
                CountCall::Added(1) => {
                    counter.inc();
                    model = model.wrapping_add(1);
                }
                CountCall::Added(n) => {
                    counter.add(n);
                    model = model.wrapping_add(n);
                }
                CountCall::Subtracted(n) => {
                    counter.sub(n);
                    model = model.wrapping_sub(n);
                }
                CountCall::Got(_) => {}
                CountCall::Took(_) => prop_assert_eq!(counter.take(), core::mem::take(&mut model)),
            }
            prop_assert_eq!(counter.get(), model);
        }
    }
}

// === Many threads ===

#[test]
fn no_addition_is_lost() {
    static COUNTER: Counter = Counter::with_value(u64::MAX - 1_000);
    // Each thread adds 1 + 3 - 2 a turn, across the wrap.
    let [one, other] = contend(4_000, |_, _| {
        COUNTER.inc();
        COUNTER.add(3);
        COUNTER.sub(2);
    });
    assert_eq!(COUNTER.get(), (u64::MAX - 1_000).wrapping_add(2 * (one + other) as u64));
}

#[test]
fn what_is_taken_is_taken_once() {
    let (counter, taken) = (Counter::new(), Counter::new());
    let turns = contend(4_000, |me, turn| {
        counter.add(turn as u64);
        // In part by one thread only, so that the other adds in between.
        if me == 0 || turn % 3 == 0 {
            taken.add(counter.take());
        }
    });
    let added: u64 = turns.iter().flat_map(|&turns| 0..turns as u64).sum();
    assert_eq!(taken.get() + counter.get(), added);
}

#[test]
fn count_that_only_grows_never_goes_backwards() {
    let counter = Counter::new();
    let is_over = AtomicBool::new(false);
    let members: Vec<Member<'_, ()>> = vec![
        Box::new(|_| {
            (0..50_000).for_each(|_| counter.inc());
            is_over.store(true, Relaxed);
        }),
        Box::new(|_| {
            let mut last = 0;
            while !is_over.load(Relaxed) {
                let seen = counter.get();
                assert!(seen >= last, "{seen} after {last}");
                last = seen;
            }
        }),
    ];
    Team::run(members);
    assert_eq!(counter.get(), 50_000);
}

// === Linearizability ===

fn round<const THREADS: usize>(random: &mut Random) -> (Count, Vec<Event<CountCall>>) {
    let start = u64::MAX - random.below(20) as u64;
    let counter = &Counter::with_value(start);
    let workers = (0..THREADS).map(|_| -> Worker<'_, CountCall> {
        let mut random = Random::new(random.word());
        Box::new(move |log| {
            for _ in 0..14 / THREADS {
                let n = random.below(9) as u64;
                match random.below(6) {
                    0 => log.call(|| {
                        counter.inc();
                        CountCall::Added(1)
                    }),
                    1 => log.call(|| {
                        counter.add(n);
                        CountCall::Added(n)
                    }),
                    2 => log.call(|| {
                        counter.sub(n);
                        CountCall::Subtracted(n)
                    }),
                    3 => log.call(|| CountCall::Took(counter.take())),
                    _ => log.call(|| CountCall::Got(counter.get())),
                }
            }
        })
    });
    let history =
        Recording::of(workers.collect()).then(|log| log.call(|| CountCall::Got(counter.get())));
    (Count(start), history)
}

#[test]
fn linearizable() {
    check_rounds(600, round::<2>);
    check_rounds(400, round::<3>);
    check_rounds(400, round::<4>);
}
