//! Defends the invariants of `SpscRing`: positions count up and wrap (INV-1), a slot holds a value
//! exactly between push and pop (INV-2), each side has one owner (INV-3), and a stale copy of the
//! other side's position errs on the safe side (INV-4): no value is lost, doubled, torn or out of
//! order, whatever the capacity, the type and the position it starts at.

mod common;

use core::cell::Cell;
use core::error::Error;
use core::mem::ManuallyDrop;
use std::collections::VecDeque;

use latchless::ring::spsc::{Consumer, Producer};
use latchless::ring::{Full, SpscRing};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use common::drops::{Ledger, Tracked};
use common::linearizability::{Event, Recording, check_rounds};
use common::panics::panic_message;
use common::property_config;
use common::random::Random;
use common::specs::{Fifo, FifoCall};
use common::stamps::{Stamped, assert_each_once_in_order};
use common::team::{Member, Producers, Team, in_step};

assert_impl_all!(SpscRing<String, 4>: Send, Sync, Default, Unpin);
assert_impl_all!(Producer<&'static SpscRing<Cell<u8>, 4>>: Send);
assert_impl_all!(Consumer<&'static SpscRing<Cell<u8>, 4>>: Send);
assert_not_impl_any!(SpscRing<std::rc::Rc<u8>, 4>: Send, Sync);
assert_not_impl_any!(Producer<&'static SpscRing<std::rc::Rc<u8>, 4>>: Send);
assert_not_impl_any!(Consumer<&'static SpscRing<std::rc::Rc<u8>, 4>>: Send);
assert_not_impl_any!(Producer<&'static SpscRing<u8, 4>>: Sync, Clone);
assert_not_impl_any!(Consumer<&'static SpscRing<u8, 4>>: Sync, Clone);

/// Where positions start: at zero, and so that the sign bit flips or the integer ends within a
/// few pushes.
fn starts() -> impl Strategy<Value = usize> {
    prop_oneof![
        Just(0),
        (0..80usize).prop_map(|before| (1 << (usize::BITS - 1)) - before),
        (0..80usize).prop_map(|before| usize::MAX - before),
        any::<usize>(),
    ]
}

// === One thread ===

fn fills_to_exactly<const N: usize>() {
    let mut ring = SpscRing::<usize, N>::new();
    assert_eq!(ring.capacity(), N);
    let (mut producer, mut consumer) = ring.split();
    assert_eq!((producer.capacity(), consumer.capacity()), (N, N));
    for round in 0..3 {
        for at in 0..N {
            assert_eq!(producer.slots(), N - at);
            assert_eq!(producer.push(round * N + at), Ok(()));
        }
        assert_eq!(producer.slots(), 0);
        assert_eq!(producer.push(usize::MAX), Err(Full(usize::MAX)));
        for at in 0..N {
            assert_eq!(consumer.pop(), Some(round * N + at));
        }
        assert_eq!(consumer.pop(), None);
    }
}

#[test]
fn capacity() {
    fills_to_exactly::<1>();
    fills_to_exactly::<2>();
    fills_to_exactly::<4>();
    fills_to_exactly::<1024>();
}

#[test]
fn len_empty_full() {
    let mut ring = SpscRing::<u8, 4>::new();
    let (mut producer, mut consumer) = ring.split();
    let check = |producer: &Producer<&SpscRing<u8, 4>>,
                 consumer: &Consumer<&SpscRing<u8, 4>>,
                 len: usize| {
        assert_eq!((producer.len(), consumer.len()), (len, len));
        assert_eq!((producer.is_empty(), consumer.is_empty()), (len == 0, len == 0));
        assert_eq!((producer.is_full(), consumer.is_full()), (len == 4, len == 4));
        assert_eq!(producer.slots(), 4 - len);
    };
    check(&producer, &consumer, 0);
    for len in 1..=4 {
        producer.push(7).unwrap();
        check(&producer, &consumer, len);
    }
    for len in (0..4).rev() {
        assert_eq!(consumer.pop(), Some(7));
        check(&producer, &consumer, len);
    }
}

fn counts_wrap<const N: usize>(start: usize) {
    let mut ring = SpscRing::<usize, N>::with_start(start);
    let (mut producer, mut consumer) = ring.split();
    let mut next = 0;
    // Each fill level is passed at each position around the wrap.
    for fill in (1..=N).cycle().take(8 * N) {
        for value in next..next + fill {
            assert_eq!(producer.push(value), Ok(()));
        }
        assert_eq!((producer.len(), consumer.len()), (fill, fill));
        assert_eq!(producer.is_full(), fill == N);
        for value in next..next + fill {
            assert_eq!(consumer.peek(), Some(&value));
            assert_eq!(consumer.pop(), Some(value));
        }
        assert_eq!(consumer.peek(), None);
        assert!(consumer.is_empty());
        next += fill;
    }
}

#[test]
fn positions_wrap() {
    for before in 0..20 {
        for start in [usize::MAX - before, (1 << (usize::BITS - 1)) - before] {
            counts_wrap::<1>(start);
            counts_wrap::<2>(start);
            counts_wrap::<8>(start);
        }
    }
}

#[test]
fn zero_sized_type() {
    // No memory but for the positions, so any capacity will do.
    let mut ring = SpscRing::<(), { 1 << (usize::BITS - 1) }>::with_start(usize::MAX - 1);
    assert_eq!(size_of_val(&ring), size_of::<SpscRing<(), 1>>());
    let (mut producer, mut consumer) = ring.split();
    for _ in 0..1000 {
        producer.push(()).unwrap();
    }
    assert_eq!(consumer.len(), 1000);
    assert_eq!(producer.slots(), (1 << (usize::BITS - 1)) - 1000);
    assert_eq!(core::iter::from_fn(|| consumer.pop()).count(), 1000);
}

#[test]
fn zero_sized_values_are_dropped_once() {
    use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, SeqCst);
        }
    }

    let mut ring = SpscRing::<Nothing, 4>::new();
    let (mut producer, mut consumer) = ring.split();
    for _ in 0..4 {
        assert!(producer.push(Nothing).is_ok());
    }
    drop(consumer.pop());
    assert_eq!(DROPS.load(SeqCst), 1);
    drop((producer, consumer));
    drop(ring);
    assert_eq!(DROPS.load(SeqCst), 4);
}

#[test]
fn over_aligned_values_lie_aligned() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(align(512))]
    struct Page(u16);

    let mut ring = SpscRing::<Page, 4>::new();
    let (mut producer, mut consumer) = ring.split();
    for number in 0..9 {
        producer.push(Page(number)).unwrap();
        let page = consumer.peek().unwrap();
        assert_eq!(core::ptr::from_ref(page).addr() % 512, 0);
        assert_eq!(consumer.pop(), Some(Page(number)));
    }
}

#[test]
fn large_values_come_out_whole() {
    let mut ring = Box::new(SpscRing::<[u32; 2048], 2>::new());
    let (mut producer, mut consumer) = ring.split();
    for round in 0..8u32 {
        let value = core::array::from_fn(|at| round << 16 | at as u32);
        assert!(producer.push(value).is_ok());
        assert!(consumer.pop() == Some(value));
    }
}

#[test]
fn memory_is_what_the_documentation_states() {
    fn check<T, const N: usize>() {
        let slots = (N * size_of::<T>()).next_multiple_of(128);
        assert_eq!(size_of::<SpscRing<T, N>>(), 384 + slots);
        assert_eq!(size_of::<Producer<&SpscRing<T, N>>>(), 64);
        assert_eq!(size_of::<Consumer<&SpscRing<T, N>>>(), 64);
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
fn values_stay_when_handles_go() {
    let mut ring = SpscRing::<u8, 4>::with_start(usize::MAX);
    let (mut producer, _) = ring.split();
    producer.push(1).unwrap();
    producer.push(2).unwrap();
    drop(producer);
    let (_, mut consumer) = ring.split();
    assert_eq!(consumer.pop(), Some(1));
    drop(consumer);
    let (mut producer, mut consumer) = ring.split();
    producer.push(3).unwrap();
    assert_eq!(consumer.pop(), Some(2));
    assert_eq!(consumer.pop(), Some(3));
    assert_eq!(consumer.pop(), None);
}

#[test]
fn forgotten_handles_take_nothing_with_them() {
    let ledger = Ledger::new(2);
    let mut ring = SpscRing::<Tracked<'_>, 2>::new();
    let (mut producer, consumer) = ring.split();
    producer.push(ledger.issue()).unwrap();
    let _forgotten = ManuallyDrop::new((producer, consumer));
    assert!(ring.try_producer().is_none() && ring.try_consumer().is_none());
    let (mut producer, mut consumer) = ring.split();
    producer.push(ledger.issue()).unwrap();
    assert!(producer.is_full());
    assert_eq!(consumer.pop().unwrap().id(), 0);
    drop((producer, consumer));
    drop(ring);
    ledger.assert_all_dropped_once();
}

#[test]
fn an_end_is_given_out_while_nobody_has_it() {
    let ring = SpscRing::<u8, 2>::new();
    let (mut producer, consumer) = ring.try_split().unwrap();
    assert!(
        ring.try_split().is_none()
            && ring.try_producer().is_none()
            && ring.try_consumer().is_none()
    );
    producer.push(1).unwrap();

    drop(consumer);
    assert!(ring.try_split().is_none(), "one end is not both");
    let mut consumer = ring.try_consumer().expect("the last one was dropped");
    assert_eq!(consumer.pop(), Some(1));
    assert!(ring.try_consumer().is_none());

    drop((producer, consumer));
    let (mut producer, mut consumer) = ring.try_split().expect("both were dropped");
    producer.push(2).unwrap();
    assert_eq!(consumer.pop(), Some(2));
}

#[test]
fn what_try_split_could_not_have_stays_to_be_had() {
    let ring = SpscRing::<u8, 2>::new();
    let consumer = ring.try_consumer().unwrap();
    assert!(ring.try_split().is_none());
    assert!(ring.try_producer().is_some(), "a failed try_split kept an end");
    drop(consumer);
    assert!(ring.try_split().is_some());
}

#[test]
fn split_after_try_split_starts_over() {
    let mut ring = SpscRing::<u8, 2>::new();
    let (mut producer, _) = ring.try_split().unwrap();
    producer.push(1).unwrap();
    drop(producer);
    {
        let (mut producer, _consumer) = ring.split();
        producer.push(2).unwrap();
    }
    let (mut producer, mut consumer) = ring.try_split().unwrap();
    assert!(ring.try_split().is_none());
    assert_eq!(producer.push(3), Err(Full(3)));
    assert_eq!((consumer.pop(), consumer.pop(), consumer.pop()), (Some(1), Some(2), None));
}

#[test]
fn each_end_knows_whether_the_other_is_held() {
    let mut ring = SpscRing::<u8, 2>::new();
    let (mut producer, mut consumer) = ring.split();
    assert!(!producer.is_abandoned() && !consumer.is_abandoned());
    producer.push(1).unwrap();
    drop(producer);
    assert!(consumer.is_abandoned());
    assert_eq!(consumer.pop(), Some(1));
    drop(consumer);

    let producer = ring.try_producer().unwrap();
    assert!(producer.is_abandoned(), "nobody has asked for the other end");
    let consumer = ring.try_consumer().unwrap();
    assert!(!producer.is_abandoned() && !consumer.is_abandoned());
}

#[test]
fn handles_do_not_share_a_cache_line() {
    let mut ring = SpscRing::<u8, 2>::new();
    let handles = ring.split();
    let line = |address: usize| address / 64;
    let (producer, consumer) = (&raw const handles.0, &raw const handles.1);
    assert_ne!(line(producer.addr()), line(consumer.addr()));
    assert_eq!((producer.addr() % 64, consumer.addr() % 64), (0, 0));
}

#[test]
fn one_of_two_racing_threads_gets_the_handles() {
    const ROUNDS: usize = 5_000;
    let rings: Vec<SpscRing<u8, 1>> = (0..ROUNDS).map(|_| SpscRing::new()).collect();
    // Whoever has the handles keeps them, or the other could have them too.
    let [one, other] = in_step(ROUNDS, |_, _| (), |_, round| rings[round].try_split());
    for (round, (one, other)) in one.into_iter().zip(other).enumerate() {
        let (one, other) = (one.is_some(), other.is_some());
        assert!(one != other, "round {round}: {} got them", if one { "both" } else { "none" });
    }
}

#[test]
fn handles_of_a_static_ring_live_for_ever() {
    static RING: SpscRing<u64, 16> = SpscRing::new();

    fn is_for_ever<H: Send + 'static>(handle: H) -> H {
        handle
    }

    let (producer, consumer) = RING.try_split().unwrap();
    let (mut producer, mut consumer) = (is_for_ever(producer), is_for_ever(consumer));
    let members: Vec<Member<'_, ()>> = vec![
        Box::new(|team| (0..1_000).for_each(|n| team.push(n, |n| producer.push(n)))),
        Box::new(|team| {
            (0..1_000).for_each(|n| assert_eq!(team.wait_for(|| consumer.pop()), n));
        }),
    ];
    Team::run(members);
    assert_eq!(consumer.pop(), None);
}

// === Errors and text ===

#[test]
fn full_says_so_and_gives_the_value_back() {
    /// Has no `Debug`: an error must not ask for it.
    struct Opaque(u8);
    fn into_error<E: Error>(error: E) -> (String, String) {
        (error.to_string(), format!("{error:?}"))
    }

    let mut ring = SpscRing::<Opaque, 1>::new();
    let (mut producer, _consumer) = ring.split();
    assert!(producer.push(Opaque(1)).is_ok());
    let full = producer.push(Opaque(2)).err().unwrap();
    assert_eq!(full.into_inner().0, 2);
    let Full(value) = producer.push(Opaque(3)).err().unwrap();
    assert_eq!(into_error(Full(value)), ("ring is full".into(), "Full(..)".into()));
}

#[test]
fn debug_shows_the_shape_and_no_value() {
    let mut ring = SpscRing::<u8, 4>::default();
    assert_eq!(format!("{ring:?}"), "SpscRing { capacity: 4, .. }");
    let (mut producer, consumer) = ring.split();
    producer.push(1).unwrap();
    assert_eq!(format!("{producer:?}"), "Producer { len: 1, capacity: 4 }");
    assert_eq!(format!("{consumer:?}"), "Consumer { len: 1, capacity: 4 }");
}

// === Drops ===

#[test]
fn drops_each_once() {
    for start in [0, usize::MAX - 2] {
        let ledger = Ledger::new(16);
        let mut ring = SpscRing::<Tracked<'_>, 4>::with_start(start);
        let (mut producer, mut consumer) = ring.split();
        for _ in 0..4 {
            producer.push(ledger.issue()).unwrap();
        }
        let refused = producer.push(ledger.issue());
        assert_eq!(ledger.alive(), 5);
        drop(refused);
        assert_eq!((ledger.alive(), ledger.drops_of(4)), (4, 1));
        drop(consumer.pop());
        drop(consumer.pop());
        assert_eq!(ledger.alive(), 2);
        producer.push(ledger.issue()).unwrap();
        assert_eq!(ledger.alive(), 3);
        drop((producer, consumer));
        drop(ring);
        ledger.assert_all_dropped_once();
    }
}

#[test]
fn panicking_drop_leaks_at_most() {
    let ledger = Ledger::new(4);
    let mut ring = SpscRing::<Tracked<'_>, 4>::new();
    let (mut producer, _) = ring.split();
    for value in [ledger.issue(), ledger.issue_bomb(), ledger.issue(), ledger.issue()] {
        producer.push(value).unwrap();
    }
    drop(producer);
    let message = panic_message(move || drop(ring));
    assert_eq!(message.as_deref(), Some("the drop of value 1 panics"));
    // Those after the bomb may be lost. `alive` has checked that none was dropped twice.
    assert!(ledger.alive() <= 2, "the values up to the bomb were dropped");
}

// === Against a queue ===

#[derive(Clone, Debug)]
enum Op {
    Push,
    Pop,
    Peek,
    /// Asks the producer how full the ring is, which refreshes its copy of `head`.
    AskProducer,
    /// Asks the consumer how full the ring is, which refreshes its copy of `tail`.
    AskConsumer,
    /// Gives the handles back and splits the ring again.
    Resplit,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => Just(Op::Push),
        7 => Just(Op::Pop),
        1 => Just(Op::Peek),
        1 => Just(Op::AskProducer),
        1 => Just(Op::AskConsumer),
        1 => Just(Op::Resplit),
    ];
    prop::collection::vec(op, 0..200)
}

fn agrees_with_a_queue<const N: usize>(start: usize, ops: &[Op]) {
    let ledger = Ledger::new(ops.len());
    let mut model = VecDeque::new();
    let mut ring = SpscRing::<Tracked<'_>, N>::with_start(start);
    let mut ops = ops.iter().peekable();
    while ops.peek().is_some() {
        let (mut producer, mut consumer) = ring.split();
        for op in ops.by_ref() {
            match op {
                Op::Push => match producer.push(ledger.issue()) {
                    Ok(()) => {
                        model.push_back(ledger.issued() - 1);
                        assert!(model.len() <= N);
                    }
                    Err(Full(value)) => {
                        assert_eq!(value.id(), ledger.issued() - 1);
                        assert_eq!(model.len(), N);
                    }
                },
                Op::Pop => {
                    assert_eq!(consumer.pop().map(|value| value.id()), model.pop_front());
                }
                Op::Peek => {
                    assert_eq!(consumer.peek().map(Tracked::id), model.front().copied());
                }
                Op::AskProducer => {
                    assert_eq!(producer.len(), model.len());
                    assert_eq!(producer.slots(), N - model.len());
                }
                Op::AskConsumer => assert_eq!(consumer.len(), model.len()),
                Op::Resplit => break,
            }
            assert_eq!(ledger.alive(), model.len());
        }
    }
    drop(ring);
    ledger.assert_all_dropped_once();
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

#[cfg(feature = "heapless")]
proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn batches_agree_with_single_pops(
        start in starts(),
        rounds in prop::collection::vec((0..9usize, 0..5usize), 0..40),
    ) {
        let ledger = Ledger::new(400);
        let mut model = VecDeque::new();
        let mut ring = SpscRing::<Tracked<'_>, 8>::with_start(start);
        let (mut producer, mut consumer) = ring.split();
        for (pushes, already_there) in rounds {
            for _ in 0..pushes.min(8 - model.len()) {
                producer.push(ledger.issue()).unwrap();
                model.push_back(ledger.issued() - 1);
            }
            let mut values = heapless::Vec::<Tracked<'_>, 4>::new();
            // Values that are in the vector already stay in front.
            let mut kept = Vec::new();
            for _ in 0..already_there.min(4) {
                let value = ledger.issue();
                kept.push(value.id());
                values.push(value).unwrap();
            }
            let room = 4 - values.len();
            let expected = model.len().min(room);
            prop_assert_eq!(consumer.pop_into_vec(&mut values), expected);
            prop_assert_eq!(values.len(), kept.len() + expected);
            kept.extend(model.drain(..expected));
            prop_assert!(values.iter().map(Tracked::id).eq(kept));
            prop_assert_eq!(producer.len(), model.len());
        }
        drop((producer, consumer));
        drop(ring);
        ledger.assert_all_dropped_once();
    }
}

// === Two threads ===

/// Sends `count` items of type `T` and returns what arrived.
fn transfer<T: Send, R: Send, const N: usize>(
    ring: &mut SpscRing<T, N>,
    count: usize,
    make: impl Fn(usize) -> T + Sync,
    open: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let producers = Producers::new(1);
    let (mut producer, mut consumer) = ring.split();
    let members: Vec<Member<'_, Vec<R>>> = vec![
        Box::new(|team| {
            for number in 0..count {
                team.push(make(number), |value| producer.push(value));
            }
            producers.finish_one();
            Vec::new()
        }),
        Box::new(|team| {
            let mut received = Vec::with_capacity(count);
            producers.drain(team, || consumer.pop(), |value| received.push(open(value)));
            received
        }),
    ];
    Team::run(members).into_iter().flatten().collect()
}

fn carries_stamped_items<const N: usize>(start: usize, count: usize) {
    let mut ring = SpscRing::<Stamped, N>::with_start(start);
    let received =
        transfer(&mut ring, count, |number| Stamped::new(0, number), |item| item.origin());
    assert_each_once_in_order(1, count, &[received]);
}

#[test]
fn every_item_arrives_once_whole_and_in_order() {
    carries_stamped_items::<1>(usize::MAX - 1_000, 10_000);
    carries_stamped_items::<2>(usize::MAX - 1_000, 20_000);
    carries_stamped_items::<8>((1 << (usize::BITS - 1)) - 1_000, 40_000);
    carries_stamped_items::<256>(0, 40_000);
}

#[test]
fn values_of_two_threads_are_dropped_once() {
    let ledger = Ledger::new(20_000);
    let mut ring = SpscRing::<Box<Tracked<'_>>, 8>::new();
    let ids = transfer(&mut ring, 20_000, |_| Box::new(ledger.issue()), |value| value.id());
    assert!(ids.iter().copied().eq(0..20_000));
    ledger.assert_all_dropped_once();
}

#[test]
fn queries_of_one_side_hold_until_its_next_call() {
    let mut ring = SpscRing::<usize, 4>::with_start(usize::MAX - 100);
    let (mut producer, mut consumer) = ring.split();
    let producers = Producers::new(1);
    let members: Vec<Member<'_, ()>> = vec![
        Box::new(|team| {
            let mut sent = 0;
            while sent < 20_000 {
                // What the producer sees as free stays free: the consumer only adds to it.
                let slots = team.wait_for(|| Some(producer.slots()).filter(|&slots| slots > 0));
                for _ in 0..slots {
                    assert_eq!(producer.push(sent), Ok(()));
                    sent += 1;
                }
            }
            producers.finish_one();
        }),
        Box::new(|team| {
            let mut received = 0;
            let pop = || {
                // What the consumer sees as there stays there: the producer only adds to it.
                let len = consumer.len();
                assert!(len <= 4);
                let peeked = consumer.peek().copied();
                assert!(peeked.is_some() || len == 0);
                let popped = consumer.pop();
                assert!(peeked.is_none() || popped == peeked);
                popped
            };
            producers.drain(team, pop, |value| {
                assert_eq!(value, received);
                received += 1;
            });
            assert!(received >= 20_000);
        }),
    ];
    Team::run(members);
}

#[cfg(feature = "spin")]
#[test]
fn waiting_forms_pass_every_value_in_order() {
    use common::team::Yield;
    use spin::relax::Spin;

    let mut ring = SpscRing::<usize, 2>::with_start(usize::MAX - 100);
    let (mut producer, mut consumer) = ring.split();
    let members: Vec<Member<'_, ()>> = vec![
        Box::new(|_| (0..2_000).for_each(|n| producer.push_wait::<Yield>(n))),
        Box::new(|_| (0..2_000).for_each(|n| assert_eq!(consumer.pop_wait::<Yield>(), n))),
    ];
    Team::run(members);
    assert!(consumer.is_empty());
    producer.push_wait::<Spin>(7);
    assert_eq!(consumer.pop_wait::<Spin>(), 7);
}

// === Linearizability ===

/// One producer and one consumer on a ring that is about to wrap.
fn round<const N: usize>(random: &mut Random) -> (Fifo, Vec<Event<FifoCall>>) {
    let mut ring = SpscRing::<u64, N>::with_start(usize::MAX - random.below(4 * N));
    let (mut producer, mut consumer) = ring.split();
    let mut choices = [random.clone(), Random::new(random.word())];
    let [for_producer, for_consumer] = &mut choices;
    let recording = Recording::of(vec![
        Box::new(|log| {
            for value in 0..8 {
                match for_producer.below(8) {
                    0 => log.ask(|| producer.is_full().then_some(FifoCall::Full)),
                    1 => log.ask(|| producer.is_empty().then_some(FifoCall::Empty)),
                    _ => {}
                }
                log.call(|| FifoCall::of_push(value, producer.push(value)));
            }
        }),
        Box::new(|log| {
            for _ in 0..8 {
                match for_consumer.below(8) {
                    0 => log.ask(|| consumer.is_full().then_some(FifoCall::Full)),
                    1 => log.ask(|| consumer.is_empty().then_some(FifoCall::Empty)),
                    2 | 3 => log.call(|| FifoCall::of_peek(consumer.peek())),
                    _ => {}
                }
                log.call(|| FifoCall::of_pop(consumer.pop()));
            }
        }),
    ]);
    let history =
        recording.then(|log| log.call_until(&FifoCall::Empty, || FifoCall::of_pop(consumer.pop())));
    (Fifo::exact(N), history)
}

#[test]
fn linearizable() {
    check_rounds(400, round::<1>);
    check_rounds(400, round::<2>);
    check_rounds(400, round::<4>);
}
