//! Defends the invariants of `OverwritingRing`: each slot is named once (INV-1), holds a value exactly
//! while a full entry names it (INV-2), entries hold the latest values (INV-3), and each end has one
//! holder (INV-4). So each value comes out once, by a pop or back from a push, whole and in order, and
//! the two ends agree on how many were lost, whatever the capacity, the type and the position it
//! starts at.

#![cfg(target_has_atomic = "64")]

mod common;

use core::cell::Cell;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::collections::VecDeque;

use latchless::ring::OverwritingRing;
use latchless::ring::overwriting::{Consumer, Producer};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use common::drops::{Ledger, Tracked};
use common::linearizability::{Event, Recording, check_rounds};
use common::panics::panic_message;
use common::property_config;
use common::random::Random;
use common::specs::{Latest, LatestCall};
use common::stamps::Stamped;
use common::team::{Member, Producers, Team, contend, in_step};

assert_impl_all!(OverwritingRing<String, 4>: Send, Sync, Default, Unpin);
assert_impl_all!(Producer<'static, Cell<u8>, 4>: Send);
assert_impl_all!(Consumer<'static, Cell<u8>, 4>: Send);
assert_not_impl_any!(OverwritingRing<std::rc::Rc<u8>, 4>: Send, Sync);
assert_not_impl_any!(Producer<'static, std::rc::Rc<u8>, 4>: Send);
assert_not_impl_any!(Consumer<'static, std::rc::Rc<u8>, 4>: Send);
assert_not_impl_any!(Producer<'static, u8, 4>: Clone);
assert_not_impl_any!(Consumer<'static, u8, 4>: Clone);

/// Where positions start: at zero, and so that laps wrap in an entry, or the integer ends, within a
/// few pushes.
fn starts() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        (0..80_u64).prop_map(|before| (1 << 61) - before),
        (0..80_u64).prop_map(|before| (1 << 62) - before),
        (0..80_u64).prop_map(|before| (1 << 63) - before),
        (0..80_u64).prop_map(|before| u64::MAX - before),
        any::<u64>(),
    ]
}

// === One thread ===

fn keeps_exactly<const N: usize>() {
    let mut ring = OverwritingRing::<usize, N>::new();
    assert_eq!(ring.capacity(), N);
    let (mut producer, mut consumer) = ring.split();
    assert_eq!((producer.capacity(), consumer.capacity()), (N, N));
    for pushes in [0, 1, N - 1, N, N + 1, 2 * N, 2 * N + 1, 7 * N + 3] {
        let (evicted, lost) = (producer.evicted(), consumer.lost());
        for value in 0..pushes {
            assert_eq!(producer.push(value), value.checked_sub(N));
        }
        let gone = pushes.saturating_sub(N);
        assert_eq!(producer.evicted() - evicted, gone as u64);
        for value in gone..pushes {
            assert_eq!(consumer.pop(), Some(value));
            assert_eq!(consumer.lost() - lost, gone as u64);
        }
        assert_eq!(consumer.pop(), None);
        assert_eq!(consumer.lost(), producer.evicted());
    }
}

#[test]
fn capacity() {
    keeps_exactly::<1>();
    keeps_exactly::<2>();
    keeps_exactly::<4>();
    keeps_exactly::<1024>();
}

#[test]
fn len_empty_full() {
    let mut ring = OverwritingRing::<u8, 4>::new();
    let (mut producer, mut consumer) = ring.split();
    let check = |consumer: &Consumer<'_, u8, 4>, len: usize| {
        assert_eq!((consumer.len(), consumer.is_empty()), (len, len == 0));
    };
    check(&consumer, 0);
    for pushed in 1..=11 {
        producer.push(7);
        check(&consumer, pushed.min(4));
    }
    for len in (0..4).rev() {
        assert_eq!(consumer.pop(), Some(7));
        check(&consumer, len);
    }
    assert_eq!(consumer.pop(), None);
    check(&consumer, 0);
}

fn laps_wrap<const N: usize>(start: u64) {
    let mut ring = OverwritingRing::<usize, N>::with_start(start);
    let (mut producer, mut consumer) = ring.split();
    let (mut next, mut popped) = (0, 0);
    // Each number of pushes, less than the ring holds and more, at each position around the wrap.
    for pushes in (1..=3 * N).cycle().take(9 * N) {
        for value in next..next + pushes {
            producer.push(value);
        }
        next += pushes;
        assert_eq!(consumer.len(), pushes.min(N));
        for value in next - pushes.min(N)..next {
            assert_eq!(consumer.pop(), Some(value));
            popped += 1;
            assert_eq!(consumer.lost() as usize, value + 1 - popped);
        }
        assert_eq!(consumer.pop(), None);
        assert!(consumer.is_empty());
    }
}

#[test]
fn positions_wrap() {
    for before in 0..20 {
        for start in [1 << 61, 1 << 62, 1 << 63, u64::MAX] {
            laps_wrap::<1>(start - before);
            laps_wrap::<2>(start - before);
            laps_wrap::<8>(start - before);
        }
    }
}

#[test]
fn zero_sized_type() {
    let mut ring = OverwritingRing::<(), 1024>::with_start(u64::MAX - 1);
    let (mut producer, mut consumer) = ring.split();
    let evicted = (0..3000).filter_map(|_| producer.push(())).count();
    assert_eq!(evicted, 3000 - 1024);
    assert_eq!(consumer.len(), 1024);
    assert_eq!(core::iter::from_fn(|| consumer.pop()).count(), 1024);
    assert_eq!(consumer.lost(), 3000 - 1024);
}

#[test]
fn zero_sized_values_are_dropped_once() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, SeqCst);
        }
    }

    let mut ring = OverwritingRing::<Nothing, 4>::new();
    let (mut producer, mut consumer) = ring.split();
    for _ in 0..4 {
        assert!(producer.push(Nothing).is_none());
    }
    drop(consumer.pop());
    assert_eq!(DROPS.load(SeqCst), 1);
    assert!(producer.push(Nothing).is_none());
    drop(producer.push(Nothing));
    assert_eq!(DROPS.load(SeqCst), 2);
    drop((producer, consumer));
    drop(ring);
    assert_eq!(DROPS.load(SeqCst), 6);
}

#[test]
fn over_aligned_values_lie_aligned() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(align(512))]
    struct Page(u16);

    let mut ring = OverwritingRing::<Page, 4>::new();
    assert_eq!(align_of_val(&ring), 512);
    let (mut producer, mut consumer) = ring.split();
    for number in 0..9 {
        assert_eq!(producer.push(Page(number)), number.checked_sub(4).map(Page));
    }
    assert!(core::iter::from_fn(|| consumer.pop()).eq((5..9).map(Page)));
}

#[test]
fn large_values_come_out_whole() {
    let mut ring = Box::new(OverwritingRing::<[u32; 2048], 2>::new());
    let (mut producer, mut consumer) = ring.split();
    let value = |round: u32| core::array::from_fn(|at| round << 16 | at as u32);
    for round in 0..9 {
        assert!(producer.push(value(round)) == round.checked_sub(2).map(value));
    }
    assert!(consumer.pop() == Some(value(7)));
    assert!(consumer.pop() == Some(value(8)));
}

#[test]
fn memory_is_what_the_documentation_states() {
    fn check<T, const N: usize>() {
        let entries = (8 * N).next_multiple_of(128);
        let slots = ((N + 2) * size_of::<T>()).next_multiple_of(128);
        assert_eq!(size_of::<OverwritingRing<T, N>>(), 384 + entries + slots);
        assert_eq!(size_of::<Producer<'_, T, N>>(), size_of::<usize>());
        assert_eq!(size_of::<Consumer<'_, T, N>>(), size_of::<usize>());
    }
    check::<u8, 1>();
    check::<u64, 8>();
    check::<u64, 16>();
    check::<u64, 1024>();
    check::<[u8; 1500], 32>();
    check::<(), 64>();
}

// === The handles ===

#[test]
fn values_and_counts_stay_when_handles_go() {
    let mut ring = OverwritingRing::<u8, 2>::with_start(u64::MAX);
    {
        let (mut producer, _) = ring.split();
        assert_eq!([1, 2, 3].map(|value| producer.push(value)), [None, None, Some(1)]);
    }
    {
        let (_, mut consumer) = ring.split();
        assert_eq!((consumer.pop(), consumer.lost()), (Some(2), 1));
    }
    let (mut producer, mut consumer) = ring.split();
    assert_eq!((producer.evicted(), consumer.lost()), (1, 1));
    assert_eq!([4, 5].map(|value| producer.push(value)), [None, Some(3)]);
    assert_eq!([(); 3].map(|()| consumer.pop()), [Some(4), Some(5), None]);
    assert_eq!((producer.evicted(), consumer.lost()), (2, 2));
}

#[test]
fn forgotten_handles_take_nothing_with_them() {
    let ledger = Ledger::new(4);
    let mut ring = OverwritingRing::<Tracked<'_>, 2>::new();
    let (mut producer, mut consumer) = ring.split();
    assert!(producer.push(ledger.issue()).is_none());
    assert!(producer.push(ledger.issue()).is_none());
    drop(consumer.pop());
    let _forgotten = ManuallyDrop::new((producer, consumer));
    assert!(ring.try_split().is_none(), "a forgotten handle keeps its end");
    assert!(ring.try_producer().is_none() && ring.try_consumer().is_none());
    let (mut producer, mut consumer) = ring.split();
    assert!(producer.push(ledger.issue()).is_none());
    assert_eq!(producer.push(ledger.issue()).map(|value| value.id()), Some(1));
    assert_eq!(consumer.pop().map(|value| value.id()), Some(2));
    assert_eq!(consumer.lost(), 1);
    drop((producer, consumer));
    drop(ring);
    ledger.assert_all_dropped_once();
}

#[test]
fn each_end_is_given_out_once_at_a_time() {
    let ring = OverwritingRing::<u8, 2>::new();
    let producer = ring.try_producer().unwrap();
    assert!(producer.is_abandoned(), "nobody has the other end yet");
    assert!(ring.try_producer().is_none());
    assert!(ring.try_split().is_none());
    let consumer = ring.try_consumer().expect("a split in vain keeps nothing");
    assert!(ring.try_consumer().is_none());
    assert_eq!((producer.is_abandoned(), consumer.is_abandoned()), (false, false));
    drop(producer);
    assert!(consumer.is_abandoned());
    assert!(ring.try_split().is_none());
    let producer = ring.try_producer().expect("a split in vain keeps nothing");
    drop(consumer);
    assert!(producer.is_abandoned());
    drop(producer);
    let (producer, consumer) = ring.try_split().unwrap();
    assert_eq!((producer.is_abandoned(), consumer.is_abandoned()), (false, false));
}

#[test]
fn one_of_two_racing_threads_gets_the_handles() {
    const ROUNDS: usize = 5_000;
    let rings: Vec<OverwritingRing<u8, 1>> = (0..ROUNDS).map(|_| OverwritingRing::new()).collect();
    let ask = |_, round: usize| rings[round].try_split().map(core::mem::forget).is_some();
    let [one, other] = in_step(ROUNDS, |_, _| (), ask);
    for (round, (one, other)) in one.into_iter().zip(other).enumerate() {
        assert!(one != other, "round {round}: {} got them", if one { "both" } else { "none" });
    }
}

#[test]
fn producers_take_turns() {
    let ring = OverwritingRing::<usize, 64>::new();
    let mut consumer = ring.try_consumer().unwrap();
    let pushed = AtomicUsize::new(0);
    let (mut popped, mut last) = (0, None);
    contend(200, |_, _| {
        if let Some(mut producer) = ring.try_producer() {
            // Not atomic as a whole: only one at a time is here.
            let next = pushed.load(SeqCst);
            producer.push(next);
            pushed.store(next + 1, SeqCst);
        }
    });
    while let Some(value) = consumer.pop() {
        assert!(last.is_none_or(|last| value == last + 1));
        (popped, last) = (popped + 1, Some(value));
    }
    assert_eq!(popped + consumer.lost() as usize, pushed.load(SeqCst));
    assert_eq!(ring.try_producer().unwrap().evicted(), consumer.lost());
}

#[test]
fn handles_of_a_static_ring_live_for_ever() {
    static RING: OverwritingRing<u64, 16> = OverwritingRing::new();

    fn is_for_ever<H: Send + 'static>(handle: H) -> H {
        handle
    }

    let (producer, consumer) = RING.try_split().unwrap();
    let (mut producer, mut consumer) = (is_for_ever(producer), is_for_ever(consumer));
    std::thread::spawn(move || assert_eq!(producer.push(7), None)).join().unwrap();
    assert_eq!(consumer.pop(), Some(7));
    assert!(consumer.is_abandoned());
}

#[test]
fn debug_shows_the_shape_and_no_value() {
    let mut ring = OverwritingRing::<u8, 4>::default();
    assert_eq!(format!("{ring:?}"), "OverwritingRing { capacity: 4, .. }");
    let (mut producer, consumer) = ring.split();
    (0..5).for_each(|value| _ = producer.push(value));
    assert_eq!(format!("{producer:?}"), "Producer { evicted: 1, capacity: 4, .. }");
    assert_eq!(format!("{consumer:?}"), "Consumer { len: 4, lost: 0, capacity: 4 }");
}

// === Drops ===

#[test]
fn drops_each_once() {
    for start in [0, u64::MAX - 2, (1 << 62) - 2] {
        let ledger = Ledger::new(16);
        let mut ring = OverwritingRing::<Tracked<'_>, 4>::with_start(start);
        let (mut producer, mut consumer) = ring.split();
        for _ in 0..4 {
            assert!(producer.push(ledger.issue()).is_none());
        }
        let evicted = producer.push(ledger.issue());
        assert_eq!(ledger.alive(), 5);
        assert_eq!(evicted.as_ref().map(Tracked::id), Some(0));
        drop(evicted);
        assert_eq!((ledger.alive(), ledger.drops_of(0)), (4, 1));
        drop(consumer.pop());
        drop(consumer.pop());
        assert_eq!(ledger.alive(), 2);
        assert!(producer.push(ledger.issue()).is_none());
        assert_eq!(ledger.alive(), 3);
        drop((producer, consumer));
        assert_eq!(ledger.alive(), 3);
        drop(ring);
        ledger.assert_all_dropped_once();
    }
}

#[test]
fn panicking_drop_leaks_at_most() {
    let ledger = Ledger::new(4);
    let mut ring = OverwritingRing::<Tracked<'_>, 4>::new();
    {
        let (mut producer, _) = ring.split();
        for value in [ledger.issue(), ledger.issue_bomb(), ledger.issue(), ledger.issue()] {
            assert!(producer.push(value).is_none());
        }
    }
    let message = panic_message(move || drop(ring));
    assert_eq!(message.as_deref(), Some("the drop of value 1 panics"));
    // Those after the bomb may be lost. `alive` has checked that none was dropped twice.
    assert!(ledger.alive() <= 2, "the values up to the bomb were dropped");
}

// === Against a queue ===

#[derive(Clone, Debug)]
enum Op {
    /// So many pushes.
    Push(usize),
    /// So many pops.
    Pop(usize),
    Ask,
    /// Gives the handles back, and takes them again by reference or exclusively.
    Resplit(bool),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (1..6_usize).prop_map(Op::Push),
        1 => (1..200_usize).prop_map(Op::Push),
        8 => (1..6_usize).prop_map(Op::Pop),
        1 => (1..100_usize).prop_map(Op::Pop),
        2 => Just(Op::Ask),
        1 => any::<bool>().prop_map(Op::Resplit),
    ];
    prop::collection::vec(op, 0..100)
}

/// What is in the ring, and how many were evicted.
#[derive(Default)]
struct Model {
    values: VecDeque<usize>,
    evicted: u64,
    /// What the consumer has noticed of it.
    lost: u64,
}

fn agrees_with_a_queue<const N: usize>(start: u64, ops: &[Op]) {
    let pushes = ops.iter().map(|op| if let Op::Push(count) = op { *count } else { 0 }).sum();
    let ledger = Ledger::new(pushes);
    let mut model = Model::default();
    let mut ring = OverwritingRing::<Tracked<'_>, N>::with_start(start);
    let mut ops = ops.iter();
    let mut is_shared = false;
    loop {
        let handles = if is_shared { ring.try_split() } else { Some(ring.split()) };
        let (mut producer, mut consumer) = handles.expect("nobody has them");
        let resplit = ops.find_map(|op| {
            apply(op, &mut producer, &mut consumer, &ledger, &mut model);
            if let Op::Resplit(is_shared) = op { Some(*is_shared) } else { None }
        });
        let Some(shared) = resplit else { break };
        is_shared = shared;
    }
    assert_eq!(ledger.alive(), model.values.len());
    drop(ring);
    ledger.assert_all_dropped_once();
}

fn apply<'l, const N: usize>(
    op: &Op,
    producer: &mut Producer<'_, Tracked<'l>, N>,
    consumer: &mut Consumer<'_, Tracked<'l>, N>,
    ledger: &'l Ledger,
    model: &mut Model,
) {
    match *op {
        Op::Push(count) => {
            for _ in 0..count {
                let oldest = (model.values.len() == N).then(|| model.values.pop_front()).flatten();
                let evicted = producer.push(ledger.issue());
                assert_eq!(evicted.as_ref().map(Tracked::id), oldest);
                model.evicted += u64::from(oldest.is_some());
                model.values.push_back(ledger.issued() - 1);
            }
        }
        Op::Pop(count) => {
            for _ in 0..count {
                let popped = consumer.pop();
                assert_eq!(popped.as_ref().map(Tracked::id), model.values.pop_front());
                model.lost = model.evicted;
                assert_eq!(consumer.lost(), model.lost);
                if popped.is_none() {
                    break;
                }
            }
        }
        Op::Ask => {
            assert_eq!(consumer.len(), model.values.len());
            assert_eq!(consumer.is_empty(), model.values.is_empty());
        }
        Op::Resplit(_) => {}
    }
    assert_eq!((producer.evicted(), consumer.lost()), (model.evicted, model.lost));
    assert_eq!((producer.is_abandoned(), consumer.is_abandoned()), (false, false));
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_a_queue(start in starts(), ops in ops()) {
        agrees_with_a_queue::<1>(start, &ops);
        agrees_with_a_queue::<2>(start, &ops);
        agrees_with_a_queue::<8>(start, &ops);
        agrees_with_a_queue::<64>(start, &ops);
    }
}

// === Two threads ===

/// Pushes `count` items as fast as it can while another thread pops them, and checks that each comes
/// out once, whole and in order, and that the counts agree. Returns how many were evicted.
fn comes_out_once<const N: usize>(start: u64, count: usize) -> usize {
    let mut ring = OverwritingRing::<Box<Stamped>, N>::with_start(start);
    let producers = Producers::new(1);
    let (mut producer, mut consumer) = ring.split();
    let number = |item: Box<Stamped>| item.origin().1;
    let members: Vec<Member<'_, (Vec<usize>, u64)>> = vec![
        Box::new(|_| {
            let push = |number| producer.push(Box::new(Stamped::new(0, number)));
            let evicted: Vec<usize> = (0..count).filter_map(push).map(number).collect();
            producers.finish_one();
            (evicted, producer.evicted())
        }),
        Box::new(|team| {
            let mut received = Vec::with_capacity(count);
            let pop = || consumer.pop().map(|item| (number(item), consumer.lost()));
            producers.drain(team, pop, |(number, lost)| {
                assert_eq!(number as u64, received.len() as u64 + lost, "all before are lost");
                received.push(number);
            });
            (received, consumer.lost())
        }),
    ];
    let Ok([(evicted, count_evicted), (received, lost)]) = <[_; 2]>::try_from(Team::run(members))
    else {
        unreachable!("there were two threads")
    };
    assert_eq!((count_evicted, lost), (evicted.len() as u64, evicted.len() as u64));
    assert!(evicted.is_sorted() && received.is_sorted(), "both in order");
    let mut all = [&evicted[..], &received].concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..count), "each once");
    evicted.len()
}

#[test]
fn every_item_comes_out_once_whole_and_in_order() {
    let evicted = comes_out_once::<1>(u64::MAX - 1_000, 40_000)
        + comes_out_once::<2>((1 << 62) - 1_000, 40_000)
        + comes_out_once::<8>(u64::MAX - 1_000, 40_000)
        + comes_out_once::<256>(0, 40_000);
    assert!(evicted > 0, "the producer was never ahead: nothing was tried");
}

// === Linearizability ===

/// One producer and one consumer on a ring that is about to wrap.
fn round<const N: usize>(random: &mut Random) -> (Latest, Vec<Event<LatestCall>>) {
    let wrap = if random.coin() { u64::MAX } else { 1 << 62 };
    let start = wrap - random.below(4 * N) as u64;
    let mut ring = OverwritingRing::<u64, N>::with_start(start);
    let (mut producer, mut consumer) = ring.split();
    let mut for_consumer = Random::new(random.word());
    let pop = |consumer: &mut Consumer<'_, u64, N>| match consumer.pop() {
        Some(value) => LatestCall::Popped(value, consumer.lost()),
        None => LatestCall::Empty(consumer.lost()),
    };
    let recording = Recording::of(vec![
        Box::new(|log| {
            for value in 0..12 {
                log.call(|| LatestCall::Pushed(value, producer.push(value)));
            }
            log.call(|| LatestCall::Evicted(producer.evicted()));
        }),
        Box::new(|log| {
            for _ in 0..8 {
                match for_consumer.below(6) {
                    0 => log.call(|| LatestCall::IsEmpty(consumer.is_empty())),
                    1 => log.call(|| LatestCall::Length(consumer.len())),
                    _ => {}
                }
                log.call(|| pop(&mut consumer));
            }
        }),
    ]);
    let history = recording.then(|log| (0..=N).for_each(|_| log.call(|| pop(&mut consumer))));
    (Latest::of(N), history)
}

#[test]
fn linearizable() {
    check_rounds(400, round::<1>);
    check_rounds(400, round::<2>);
    check_rounds(400, round::<4>);
}
