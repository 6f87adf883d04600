//! Defends the invariants of `MpmcRing`: each slot has one owner at a time (INV-1), holds a value
//! exactly while its index is allocated (INV-2), entries only move forward across the wrap of the
//! positions (INV-3), and the ring calls itself empty or full only if it was (INV-4): no value is
//! lost, doubled, torn or overtaken, and no slot is lost.
//!
//! `Full` is judged as documented: the values in the ring and the calls under way that may own a
//! slot must have been `N` at one moment.

mod common;

use core::cell::Cell;
use core::error::Error;
use std::collections::VecDeque;

use latchless::ring::{Full, MpmcRing};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use common::drops::{Ledger, Tracked};
use common::linearizability::{Event, Recording, Worker, check_rounds};
use common::panics::panic_message;
use common::property_config;
use common::random::Random;
use common::specs::{Fifo, FifoCall};
use common::stamps::{Stamped, assert_each_once_in_order};
use common::team::{Member, Producers, Team};

assert_impl_all!(MpmcRing<String, 4>: Send, Sync, Default, Unpin);
assert_impl_all!(MpmcRing<Cell<u8>, 4>: Send, Sync);
assert_not_impl_any!(MpmcRing<std::rc::Rc<u8>, 4>: Send, Sync);
assert_not_impl_any!(MpmcRing<u8, 4>: Clone);

/// Half of the positions: where laps, which lack the topmost bit of a position, start over.
const HALF: u64 = 1 << 63;

/// Where positions start: at zero, and so that laps start over or the integer ends within a few
/// pushes.
fn starts() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        (0..300u64).prop_map(|before| HALF - before),
        (0..300u64).prop_map(|before| u64::MAX - before),
        any::<u64>(),
    ]
}

// === One thread ===

fn fills_to_exactly<const N: usize>() {
    let ring = MpmcRing::<usize, N>::new();
    assert_eq!(ring.capacity(), N);
    for round in 0..3 {
        for at in 0..N {
            assert_eq!(ring.push(round * N + at), Ok(()));
        }
        assert_eq!(ring.push(usize::MAX), Err(Full(usize::MAX)));
        for at in 0..N {
            assert_eq!(ring.pop(), Some(round * N + at));
        }
        assert_eq!(ring.pop(), None);
    }
}

#[test]
fn capacity() {
    fills_to_exactly::<1>();
    fills_to_exactly::<2>();
    fills_to_exactly::<4>();
    fills_to_exactly::<8>();
    fills_to_exactly::<512>();
}

#[test]
fn len_empty_full() {
    let ring = MpmcRing::<u8, 4>::new();
    let check = |len| {
        assert_eq!(ring.len(), len);
        assert_eq!(ring.is_empty(), len == 0);
        assert_eq!(ring.is_full(), len == 4);
    };
    check(0);
    for len in 1..=4 {
        ring.push(7).unwrap();
        check(len);
    }
    assert!(ring.push(7).is_err());
    check(4);
    for len in (0..4).rev() {
        assert_eq!(ring.pop(), Some(7));
        check(len);
    }
    assert_eq!(ring.pop(), None);
    check(0);
}

fn counts_wrap<const N: usize>(start: u64) {
    let ring = MpmcRing::<usize, N>::with_start(start);
    let mut next = 0;
    // Each fill level is passed at each position around the wrap, refused calls included.
    for fill in (1..=N).cycle().take(16 * N) {
        for value in next..next + fill {
            assert_eq!(ring.push(value), Ok(()));
        }
        assert_eq!(ring.len(), fill);
        assert_eq!(ring.is_full(), fill == N);
        if fill == N {
            assert_eq!(ring.push(usize::MAX), Err(Full(usize::MAX)));
        }
        for value in next..next + fill {
            assert_eq!(ring.pop(), Some(value));
        }
        assert_eq!(ring.pop(), None);
        assert!(ring.is_empty());
        next += fill;
    }
}

#[test]
fn positions_wrap() {
    for before in 0..24 {
        for start in [u64::MAX - before, HALF - before] {
            counts_wrap::<1>(start);
            counts_wrap::<2>(start);
            counts_wrap::<8>(start);
        }
    }
}

#[test]
fn ring_that_was_long_empty_takes_and_gives() {
    // The threshold runs out somewhere in these lengths; on both sides of it a push is found.
    for idle in (0..64).chain((4_000..4_200).step_by(3)).chain([20_000]) {
        let ring = MpmcRing::<usize, 2>::with_start(u64::MAX - 2_000);
        ring.push(0).unwrap();
        assert_eq!(ring.pop(), Some(0));
        for _ in 0..idle {
            assert_eq!(ring.pop_by_ticket(), None);
        }
        assert_eq!(ring.pop(), None);
        assert!(ring.is_empty());
        assert_eq!(ring.push(idle), Ok(()));
        assert!(!ring.is_empty());
        assert_eq!(ring.pop(), Some(idle));
    }
}

#[test]
fn ring_that_was_long_full_gives_and_takes() {
    for idle in (0..64).chain((4_000..4_200).step_by(3)).chain([20_000]) {
        let ring = MpmcRing::<usize, 2>::with_start(u64::MAX - 2_000);
        ring.push(1).unwrap();
        ring.push(2).unwrap();
        for _ in 0..idle {
            assert_eq!(ring.push(3), Err(Full(3)));
        }
        assert!(ring.is_full());
        assert_eq!(ring.pop(), Some(1));
        assert!(!ring.is_full());
        assert_eq!(ring.push(4), Ok(()));
        assert_eq!((ring.pop(), ring.pop(), ring.pop()), (Some(2), Some(4), None));
    }
}

#[test]
fn zero_sized_type() {
    use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    #[derive(Debug)]
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, SeqCst);
        }
    }

    let ring = MpmcRing::<Nothing, 4>::new();
    for _ in 0..4 {
        ring.push(Nothing).unwrap();
    }
    assert_eq!(ring.len(), 4);
    drop(ring.push(Nothing));
    assert_eq!(DROPS.load(SeqCst), 1);
    drop(ring.pop());
    assert_eq!(DROPS.load(SeqCst), 2);
    drop(ring);
    assert_eq!(DROPS.load(SeqCst), 5);
}

#[test]
fn over_aligned_values_align_the_ring() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(align(512))]
    struct Page(u16);

    assert_eq!(align_of::<MpmcRing<Page, 4>>(), 512);
    assert_eq!(size_of::<MpmcRing<Page, 4>>() % 512, 0);
    let ring = MpmcRing::<Page, 4>::new();
    for lap in 0..9 {
        for number in 0..4 {
            assert_eq!(ring.push(Page(lap * 4 + number)), Ok(()));
        }
        for number in 0..4 {
            assert_eq!(ring.pop(), Some(Page(lap * 4 + number)));
        }
    }
}

#[test]
fn large_values_come_out_whole() {
    let ring = Box::new(MpmcRing::<[u32; 2048], 2>::new());
    for round in 0..8u32 {
        let value = core::array::from_fn(|at| round << 16 | at as u32);
        assert!(ring.push(value).is_ok());
        assert!(ring.pop() == Some(value));
    }
}

#[test]
fn memory_is_what_the_documentation_states() {
    fn check<T, const N: usize>() {
        let indices = (32 * N).next_multiple_of(256);
        let slots = (N * size_of::<T>()).next_multiple_of(128);
        assert_eq!(size_of::<MpmcRing<T, N>>(), 768 + indices + slots);
    }
    check::<u8, 1>();
    check::<u64, 8>();
    check::<u64, 16>();
    check::<u64, 1024>();
    check::<[u8; 1500], 32>();
    check::<(), 64>();
}

// === Errors and text ===

#[test]
fn full_says_so_and_gives_the_value_back() {
    /// Has no `Debug`: an error must not ask for it.
    struct Opaque(u8);
    fn into_error<E: Error>(error: E) -> (String, String) {
        (error.to_string(), format!("{error:?}"))
    }

    let ring = MpmcRing::<Opaque, 1>::new();
    assert!(ring.push(Opaque(1)).is_ok());
    let full = ring.push(Opaque(2)).err().unwrap();
    assert_eq!(full.into_inner().0, 2);
    let full = ring.push(Opaque(3)).err().unwrap();
    assert_eq!(into_error(full), ("ring is full".into(), "Full(..)".into()));
}

#[test]
fn debug_shows_the_shape_and_no_value() {
    let ring = MpmcRing::<u8, 4>::default();
    ring.push(1).unwrap();
    assert_eq!(format!("{ring:?}"), "MpmcRing { len: 1, capacity: 4 }");
}

// === Drops ===

#[test]
fn drops_each_once() {
    for start in [0, HALF - 3, u64::MAX - 3] {
        let ledger = Ledger::new(16);
        let ring = MpmcRing::<Tracked<'_>, 4>::with_start(start);
        for _ in 0..4 {
            ring.push(ledger.issue()).unwrap();
        }
        let refused = ring.push(ledger.issue());
        assert_eq!(ledger.alive(), 5);
        drop(refused);
        assert_eq!((ledger.alive(), ledger.drops_of(4)), (4, 1));
        drop(ring.pop());
        drop(ring.pop());
        assert_eq!(ledger.alive(), 2);
        ring.push(ledger.issue()).unwrap();
        assert_eq!(ledger.alive(), 3);
        drop(ring);
        ledger.assert_all_dropped_once();
    }
}

#[test]
fn panicking_drop_leaks_at_most() {
    let ledger = Ledger::new(4);
    let ring = MpmcRing::<Tracked<'_>, 4>::new();
    for value in [ledger.issue(), ledger.issue_bomb(), ledger.issue(), ledger.issue()] {
        ring.push(value).unwrap();
    }
    let message = panic_message(move || drop(ring));
    assert_eq!(message.as_deref(), Some("the drop of value 1 panics"));
    // Those after the bomb may be lost. `alive` has checked that none was dropped twice.
    assert!(ledger.alive() <= 2, "the values up to the bomb were dropped");
}

// === Against a queue ===

#[derive(Clone, Debug)]
enum Op {
    /// That many pushes, refused ones included.
    Push(usize),
    /// That many pops, vain ones included.
    Pop(usize),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![(1..5usize).prop_map(Op::Push), (1..5usize).prop_map(Op::Pop)];
    prop::collection::vec(op, 0..100)
}

fn agrees_with_a_queue<const N: usize>(start: u64, ops: &[Op]) {
    let ledger = Ledger::new(5 * ops.len());
    let mut model = VecDeque::new();
    let ring = MpmcRing::<Tracked<'_>, N>::with_start(start);
    for op in ops {
        match *op {
            Op::Push(times) => {
                for _ in 0..times {
                    match ring.push(ledger.issue()) {
                        Ok(()) => model.push_back(ledger.issued() - 1),
                        Err(Full(value)) => {
                            assert_eq!(value.id(), ledger.issued() - 1);
                            assert_eq!(model.len(), N);
                        }
                    }
                }
            }
            Op::Pop(times) => {
                for _ in 0..times {
                    assert_eq!(ring.pop().map(|value| value.id()), model.pop_front());
                }
            }
        }
        // Exact, because no call is under way and none has lost a race.
        assert_eq!(ring.len(), model.len());
        assert_eq!(ring.is_empty(), model.is_empty());
        assert_eq!(ring.is_full(), model.len() == N);
        assert_eq!(ledger.alive(), model.len());
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
        let mut model = VecDeque::new();
        let ring = MpmcRing::<usize, 8>::with_start(start);
        let mut next = 0;
        for (pushes, already_there) in rounds {
            for _ in 0..pushes {
                if ring.push(next).is_ok() {
                    model.push_back(next);
                }
                next += 1;
            }
            // Values that are in the vector already stay in front.
            let mut batch: heapless::Vec<usize, 4> = (0..already_there.min(4)).collect();
            let expected = model.len().min(4 - batch.len());
            let expected: Vec<usize> =
                batch.iter().copied().chain(model.drain(..expected)).collect();
            let popped = ring.pop_into_vec(&mut batch);
            prop_assert_eq!(popped, expected.len() - already_there.min(4));
            prop_assert_eq!(&batch[..], &expected[..]);
            prop_assert_eq!(ring.len(), model.len());
        }
    }
}

// === Many threads ===

/// Sends `count` items of each producer and checks what the consumers received.
fn carries_stamped_items<const N: usize>(
    start: u64,
    producers: usize,
    consumers: usize,
    count: usize,
) {
    let ring = &MpmcRing::<Stamped, N>::with_start(start);
    let at_work = &Producers::new(producers);
    let pushing = (0..producers).map(|producer| -> Member<'_, Vec<(usize, usize)>> {
        Box::new(move |team| {
            for number in 0..count {
                team.push(Stamped::new(producer, number), |item| ring.push(item));
            }
            at_work.finish_one();
            Vec::new()
        })
    });
    let popping = (0..consumers).map(|_| -> Member<'_, Vec<(usize, usize)>> {
        Box::new(move |team| {
            let mut received = Vec::with_capacity(count);
            at_work.drain(team, || ring.pop(), |item| received.push(item.origin()));
            received
        })
    });
    let received = Team::run(pushing.chain(popping).collect());
    assert_each_once_in_order(producers, count, &received);
    assert_holds_exactly_n(ring);
}

/// No slot was lost and none was made up: a quiet, empty ring takes `N` values.
fn assert_holds_exactly_n<const N: usize>(ring: &MpmcRing<Stamped, N>) {
    assert!(ring.pop().is_none());
    assert!(ring.is_empty(), "after a vain pop nothing is left to count");
    for number in 0..N {
        assert!(ring.push(Stamped::new(0, number)).is_ok());
    }
    assert!(ring.push(Stamped::new(0, N)).is_err());
    for number in 0..N {
        assert_eq!(ring.pop().map(|item| item.origin()), Some((0, number)));
    }
}

#[test]
fn one_producer_many_consumers() {
    carries_stamped_items::<1>(u64::MAX - 1_000, 1, 3, 3_000);
    carries_stamped_items::<4>(HALF - 1_000, 1, 3, 10_000);
}

#[test]
fn many_producers_one_consumer() {
    carries_stamped_items::<1>(u64::MAX - 1_000, 3, 1, 1_000);
    carries_stamped_items::<4>(HALF - 1_000, 3, 1, 4_000);
}

#[test]
fn many_producers_many_consumers() {
    carries_stamped_items::<1>(u64::MAX - 1_000, 2, 2, 2_000);
    carries_stamped_items::<2>(HALF - 1_000, 2, 2, 4_000);
    carries_stamped_items::<8>(u64::MAX - 1_000, 2, 2, 8_000);
    carries_stamped_items::<128>(0, 2, 2, 8_000);
}

#[test]
fn every_thread_pushes_and_pops() {
    fn mingle<const N: usize>(start: u64) {
        const THREADS: usize = 4;
        const COUNT: usize = 3_000;
        let ring = MpmcRing::<Stamped, N>::with_start(start);
        let mut received = Team::run_alike(THREADS, |team, producer| {
            let mut received = Vec::new();
            let mut take = || {
                let item = ring.pop();
                received.extend(item.map(|item| item.origin()));
            };
            for number in 0..COUNT {
                // Nobody waits for anybody: who meets a full ring makes room himself.
                team.push(Stamped::new(producer, number), |item| {
                    assert!(ring.len() <= N);
                    ring.push(item).inspect_err(|_| take())
                });
                take();
            }
            received
        });
        received.push(
            core::iter::from_fn(|| ring.pop()).take(N + 1).map(|item| item.origin()).collect(),
        );
        assert_each_once_in_order(THREADS, COUNT, &received);
        assert_holds_exactly_n(&ring);
    }
    mingle::<1>(u64::MAX - 1_000);
    mingle::<2>(HALF - 1_000);
    mingle::<16>(0);
}

#[test]
fn values_of_many_threads_are_dropped_once() {
    const COUNT: usize = 3_000;
    let ledger = Ledger::new(4 * COUNT);
    let ring = MpmcRing::<Box<Tracked<'_>>, 8>::new();
    Team::run_alike(4, |_, number| {
        for _ in 0..COUNT {
            if number % 2 == 0 {
                drop(ring.push(Box::new(ledger.issue())));
            } else {
                drop(ring.pop());
            }
        }
    });
    assert!(ledger.alive() <= ring.len(), "an estimate that may be too high, never too low");
    drop(ring);
    ledger.assert_all_dropped_once();
}

#[test]
fn static_ring_is_shared_without_ceremony() {
    static RING: MpmcRing<Stamped, 4> = MpmcRing::new();

    let received = Team::run_alike(2, |team, me| {
        // Ping-pong of two threads through the same ring.
        for number in 0..1_000 {
            team.push(Stamped::new(me, number), |item| RING.push(item));
            team.wait_for(|| RING.pop()).origin();
        }
        me
    });
    assert_eq!(received, [0, 1]);
    assert!(RING.pop().is_none());
}

#[cfg(feature = "spin")]
#[test]
fn waiting_forms_pass_every_value() {
    use common::team::Yield;
    use spin::relax::Spin;

    let ring = MpmcRing::<u64, 2>::with_start(u64::MAX - 100);
    let sums = Team::run_alike(4, |_, number| {
        if number % 2 == 0 {
            (1..=1_000).for_each(|n| ring.push_wait::<Yield>(n));
            0
        } else {
            (1..=1_000).map(|_| ring.pop_wait::<Yield>()).sum()
        }
    });
    assert_eq!(sums.iter().sum::<u64>(), 2 * 500_500);
    ring.push_wait::<Spin>(7);
    assert_eq!(ring.pop_wait::<Spin>(), 7);
    assert_eq!(ring.pop(), None);
}

// === Linearizability ===

/// Threads that push and pop as they like on a ring that is about to wrap; then everything left is
/// taken out, and the empty ring is filled.
fn round<const N: usize, const THREADS: usize>(
    random: &mut Random,
) -> (Fifo, Vec<Event<FifoCall>>) {
    let last = if random.coin() { HALF } else { u64::MAX };
    let ring = &MpmcRing::<u64, N>::with_start(last - random.below(6 * N) as u64);
    let workers = (0..THREADS as u64).map(|thread| -> Worker<'_, FifoCall> {
        let mut random = Random::new(random.word());
        Box::new(move |log| {
            for number in 0..12 / THREADS as u64 {
                let value = 100 * thread + number;
                match random.below(10) {
                    0 => log.ask(|| ring.is_full().then_some(FifoCall::Full)),
                    1 => log.ask(|| ring.is_empty().then_some(FifoCall::Empty)),
                    2..6 => log.call(|| FifoCall::of_push(value, ring.push(value))),
                    _ => log.call(|| FifoCall::of_pop(ring.pop())),
                }
            }
        })
    });
    let history = Recording::of(workers.collect()).then(|log| {
        log.call_until(&FifoCall::Empty, || FifoCall::of_pop(ring.pop()));
        log.call_until(&FifoCall::Full, || FifoCall::of_push(999, ring.push(999)));
    });
    (Fifo::lending(N), history)
}

#[test]
fn linearizable() {
    check_rounds(600, round::<1, 2>);
    check_rounds(600, round::<2, 2>);
    check_rounds(400, round::<1, 3>);
    check_rounds(400, round::<2, 3>);
    check_rounds(400, round::<2, 4>);
    check_rounds(400, round::<4, 4>);
}
