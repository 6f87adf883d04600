//! What both rings of `ring::mpmc` owe: included for each of them, as `Ring`.

use std::collections::VecDeque;

use latchless::ring::PushError;
use proptest::prelude::*;

use super::Ring;
use crate::common::calls::RingCall;
use crate::common::drops::{Ledger, Tracked};
use crate::common::linearizability::{Event, Recording, Worker, check_rounds};
use crate::common::panics::panic_message;
use crate::common::property_config;
use crate::common::random::Random;
use crate::common::specs::{Fifo, FifoCall};
use crate::common::stamps::{Stamped, assert_each_once_in_order};
use crate::common::team::{Member, Producers, Team};

/// A quarter of the positions: where phases, which lack the two topmost bits of a position, start
/// over.
const QUARTER: u64 = 1 << 62;

/// Where positions start: at zero, and so that laps start over or the integer ends within a few
/// pushes.
fn starts() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        (0..300u64).prop_map(|before| QUARTER - before),
        (0..300u64).prop_map(|before| u64::MAX - before),
        any::<u64>(),
    ]
}

// === One thread ===

fn fills_to_exactly<const N: usize>() {
    let ring = Ring::<usize, N>::new();
    assert_eq!(ring.capacity(), N);
    for round in 0..3 {
        for at in 0..N {
            assert_eq!(ring.push(round * N + at), Ok(()));
        }
        assert_eq!(ring.push(usize::MAX), Err(PushError::Full(usize::MAX)));
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
    let ring = Ring::<u8, 4>::new();
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
    let ring = Ring::<usize, N>::with_start(start);
    let mut next = 0;
    // Each fill level is passed at each position around the wrap, refused calls included.
    for fill in (1..=N).cycle().take(16 * N) {
        for value in next..next + fill {
            assert_eq!(ring.push(value), Ok(()));
        }
        assert_eq!(ring.len(), fill);
        assert_eq!(ring.is_full(), fill == N);
        if fill == N {
            assert_eq!(ring.push(usize::MAX), Err(PushError::Full(usize::MAX)));
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
        for start in [u64::MAX - before, QUARTER - before] {
            counts_wrap::<1>(start);
            counts_wrap::<2>(start);
            counts_wrap::<8>(start);
        }
    }
}

#[test]
fn ring_that_was_long_full_gives_and_takes() {
    for idle in (0..64).chain((4_000..4_200).step_by(3)).chain([20_000]) {
        let ring = Ring::<usize, 2>::with_start(u64::MAX - 2_000);
        ring.push(1).unwrap();
        ring.push(2).unwrap();
        for _ in 0..idle {
            assert_eq!(ring.push(3), Err(PushError::Full(3)));
        }
        assert!(ring.is_full());
        assert_eq!(ring.pop(), Some(1));
        assert!(!ring.is_full());
        assert_eq!(ring.push(4), Ok(()));
        assert_eq!((ring.pop(), ring.pop(), ring.pop()), (Some(2), Some(4), None));
    }
}

// === Drops ===

#[test]
fn drops_each_once() {
    for start in [0, QUARTER - 3, u64::MAX - 3] {
        let ledger = Ledger::new(16);
        let ring = Ring::<Tracked<'_>, 4>::with_start(start);
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
    let ring = Ring::<Tracked<'_>, 4>::new();
    for value in [ledger.issue(), ledger.issue_bomb(), ledger.issue(), ledger.issue()] {
        ring.push(value).unwrap();
    }
    let message = panic_message(move || drop(ring));
    assert_eq!(message.as_deref(), Some("the drop of value 1 panics"));
    // Those after the bomb may be lost. `alive` has checked that none was dropped twice.
    assert!(ledger.alive() <= 2, "the values up to the bomb were dropped");
}

// === Several at once ===

#[test]
fn slices_go_in_and_out_as_far_as_they_fit() {
    let ring = Ring::<u32, 4>::with_start(u64::MAX - 2);
    assert_eq!(ring.push_slice(&[]), 0);
    assert_eq!(ring.push_slice(&[1, 2, 3]), 3);
    assert_eq!(ring.push_slice(&[4, 5, 6]), 1);
    let mut places = [0; 3];
    assert_eq!((ring.pop_slice(&mut places), places), (3, [1, 2, 3]));
    assert_eq!((ring.pop_slice(&mut places), places), (1, [4, 2, 3]));
    assert_eq!((ring.pop_slice(&mut []), ring.pop_slice(&mut places)), (0, 0));
    assert_eq!(ring.push_slice(&[7, 8]), 2);
    assert_eq!(ring.pop_iter().next(), Some(7), "no more is taken than was asked for");
    assert!(ring.pop_iter().eq([8]));
}

// === Close ===

#[test]
fn closed_ring_gives_back_and_is_drained() {
    for fill in 0..=2 {
        let ledger = Ledger::new(8);
        let ring = Ring::<Tracked<'_>, 2>::with_start(u64::MAX);
        (0..fill).for_each(|_| ring.push(ledger.issue()).unwrap());
        assert!(ring.close());
        assert!(!ring.close());
        for popped in 0..=fill {
            let value = match ring.push(ledger.issue()) {
                Err(PushError::Closed(value)) => value,
                other => panic!("{other:?} with {} values", fill - popped),
            };
            assert_eq!(value.id(), ledger.issued() - 1);
            assert_eq!(ring.is_drained(), popped == fill);
            assert_eq!(ring.pop().map(|value| value.id()), (popped < fill).then_some(popped));
        }
    }
}

#[test]
fn closers_and_pushers_agree_on_what_is_in() {
    for round in 0..300 {
        let ring = Ring::<Stamped, 4>::with_start(u64::MAX - round);
        let results = Team::run_alike(3, |team, me| match me {
            0 => {
                let at_first: Vec<_> = ring.pop_iter().map(|item| item.origin().1).collect();
                assert!(ring.close());
                (0, at_first)
            }
            1 => {
                let mut accepted = 0;
                team.wait_until(|| match ring.push(Stamped::new(1, accepted)) {
                    Ok(()) => {
                        accepted += 1;
                        false
                    }
                    Err(error) => matches!(error, PushError::Closed(_)),
                });
                (accepted, Vec::new())
            }
            _ => {
                let mut popped = Vec::new();
                team.wait_until(|| {
                    // In this order: what is drained stays so.
                    let is_drained = ring.is_drained();
                    popped.extend(ring.pop_iter().map(|item| item.origin().1));
                    is_drained
                });
                (0, popped)
            }
        });
        let accepted = results[1].0;
        let mut popped: Vec<_> = results.into_iter().flat_map(|(_, popped)| popped).collect();
        popped.sort_unstable();
        assert!(popped.into_iter().eq(0..accepted), "all that went in came out");
        assert!(ring.is_drained() && ring.pop().is_none());
    }
}

#[test]
fn forced_pushes_keep_the_latest() {
    let ring = Ring::<u64, 4>::with_start(u64::MAX - 10);
    assert!((0..4).all(|value| ring.force_push(value) == Ok(None)));
    assert!((4..50).all(|value| ring.force_push(value) == Ok(Some(value - 4))));
    assert!(ring.pop_iter().eq(46..50));
}

#[test]
fn forced_pushes_of_many_threads_lose_nothing() {
    const COUNT: usize = 4_000;
    let ring = Ring::<Stamped, 4>::with_start(u64::MAX - 1_000);
    let mut received = Team::run_alike(3, |team, producer| {
        let mut evicted = Vec::with_capacity(COUNT);
        for number in 0..COUNT {
            // Refused while the others have all slots.
            team.push(Stamped::new(producer, number), |item| {
                let result = ring.force_push(item);
                let result = result.map(|item| evicted.extend(item.map(|item| item.origin())));
                result.map_err(|error| error.refused)
            });
        }
        evicted
    });
    received.push(ring.pop_iter().map(|item| item.origin()).collect());
    assert_each_once_in_order(3, COUNT, &received);
    assert_holds_exactly_n(&ring);
}

// === Against a queue ===

#[derive(Clone, Debug)]
enum Op {
    /// That many pushes, refused ones included.
    Push(usize),
    /// That many that make room for themselves.
    ForcePush(usize),
    /// That many pops, vain ones included.
    Pop(usize),
    /// Pops into that many places at once.
    PopSlice(usize),
    PopAll,
    Close,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        20 => (1..5usize).prop_map(Op::Push),
        4 => (1..5usize).prop_map(Op::ForcePush),
        16 => (1..5usize).prop_map(Op::Pop),
        4 => (0..5usize).prop_map(Op::PopSlice),
        1 => Just(Op::PopAll),
        1 => Just(Op::Close),
    ];
    prop::collection::vec(op, 0..100)
}

fn agrees_with_a_queue<const N: usize>(start: u64, ops: &[Op]) {
    let ledger = Ledger::new(10 * ops.len());
    let mut model = VecDeque::new();
    let mut is_closed = false;
    let ring = Ring::<Tracked<'_>, N>::with_start(start);
    for op in ops {
        match *op {
            Op::Push(times) => {
                for _ in 0..times {
                    let value = ledger.issue();
                    let id = value.id();
                    match ring.push(value) {
                        Ok(()) => {
                            assert!(!is_closed);
                            model.push_back(id);
                        }
                        Err(PushError::Full(value)) => {
                            assert!(!is_closed);
                            assert_eq!((value.id(), model.len()), (id, N));
                        }
                        Err(PushError::Closed(value)) => {
                            assert!(is_closed);
                            assert_eq!(value.id(), id);
                        }
                    }
                }
            }
            Op::ForcePush(times) => {
                for _ in 0..times {
                    let value = ledger.issue();
                    let id = value.id();
                    let oldest = if model.len() == N { model.front().copied() } else { None };
                    match ring.force_push(value) {
                        Ok(evicted) => {
                            assert!(!is_closed);
                            assert_eq!(evicted.map(|value| value.id()), oldest);
                            model.drain(..usize::from(oldest.is_some()));
                            model.push_back(id);
                        }
                        Err(error) => {
                            assert!(is_closed && error.evicted.is_none());
                            assert_eq!(error.refused.into_inner().id(), id);
                        }
                    }
                }
            }
            Op::Pop(times) => {
                for _ in 0..times {
                    assert_eq!(ring.pop().map(|value| value.id()), model.pop_front());
                }
            }
            Op::PopSlice(room) => {
                let mut places: Vec<_> = (0..room).map(|_| ledger.issue()).collect();
                let before: Vec<_> = places.iter().map(Tracked::id).collect();
                let count = ring.pop_slice(&mut places);
                assert_eq!(count, room.min(model.len()));
                let expected = model.drain(..count).chain(before[count..].iter().copied());
                assert!(expected.eq(places.iter().map(Tracked::id)));
            }
            Op::PopAll => {
                assert!(ring.pop_iter().map(|value| value.id()).eq(model.drain(..)));
            }
            Op::Close => assert_eq!(ring.close(), !core::mem::replace(&mut is_closed, true)),
        }
        // Exact, because no call is under way.
        assert_eq!(ring.len(), model.len());
        assert_eq!(ring.is_empty(), model.is_empty());
        assert_eq!(ring.is_full(), model.len() == N);
        assert_eq!(ring.is_closed(), is_closed);
        assert_eq!(ring.is_drained(), is_closed && model.is_empty());
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
        let ring = Ring::<usize, 8>::with_start(start);
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
    let ring = &Ring::<Stamped, N>::with_start(start);
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
fn assert_holds_exactly_n<const N: usize>(ring: &Ring<Stamped, N>) {
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
    carries_stamped_items::<4>(QUARTER - 1_000, 1, 3, 10_000);
}

#[test]
fn many_producers_one_consumer() {
    carries_stamped_items::<1>(u64::MAX - 1_000, 3, 1, 1_000);
    carries_stamped_items::<4>(QUARTER - 1_000, 3, 1, 4_000);
}

#[test]
fn many_producers_many_consumers() {
    carries_stamped_items::<1>(u64::MAX - 1_000, 2, 2, 2_000);
    carries_stamped_items::<2>(QUARTER - 1_000, 2, 2, 4_000);
    carries_stamped_items::<8>(u64::MAX - 1_000, 2, 2, 8_000);
    carries_stamped_items::<128>(0, 2, 2, 8_000);
}

#[test]
fn every_thread_pushes_and_pops() {
    fn mingle<const N: usize>(start: u64) {
        const THREADS: usize = 4;
        const COUNT: usize = 3_000;
        let ring = Ring::<Stamped, N>::with_start(start);
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
    mingle::<2>(QUARTER - 1_000);
    mingle::<16>(0);
}

#[test]
fn values_of_many_threads_are_dropped_once() {
    const COUNT: usize = 3_000;
    let ledger = Ledger::new(4 * COUNT);
    let ring = Ring::<Tracked<'_>, 8>::new();
    Team::run_alike(4, |_, number| {
        for _ in 0..COUNT {
            if number % 2 == 0 {
                drop(ring.push(ledger.issue()));
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
    static RING: Ring<Stamped, 4> = Ring::new();

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
    use crate::common::team::Yield;
    use spin::relax::Spin;

    let ring = Ring::<u64, 2>::with_start(u64::MAX - 100);
    let sums = Team::run_alike(4, |_, number| {
        if number % 2 == 0 {
            (1..=1_000).for_each(|n| ring.push_wait::<Yield>(n).unwrap());
            0
        } else {
            (1..=1_000).filter_map(|_| ring.pop_wait::<Yield>()).sum()
        }
    });
    assert_eq!(sums.iter().sum::<u64>(), 2 * 500_500);
    assert_eq!(ring.push_wait::<Spin>(7), Ok(()));
    ring.close();
    assert_eq!(ring.push_wait::<Spin>(8), Err(8));
    assert_eq!(ring.pop_wait::<Spin>(), Some(7));
    assert_eq!(ring.pop_wait::<Spin>(), None);
}

// === Linearizability ===

/// Threads that push and pop as they like on a ring that is about to wrap; then everything left is
/// taken out, and the empty ring is filled.
fn round<const N: usize, const THREADS: usize>(
    random: &mut Random,
) -> (Fifo, Vec<Event<FifoCall>>) {
    let last = if random.coin() { QUARTER } else { u64::MAX };
    let ring = &Ring::<u64, N>::with_start(last - random.below(6 * N) as u64);
    let workers = (0..THREADS as u64).map(|thread| -> Worker<'_, FifoCall> {
        let mut random = Random::new(random.word());
        Box::new(move |log| {
            for number in 0..12 / THREADS as u64 {
                let value = 100 * thread + number;
                let call = match random.below(12) {
                    0..4 => RingCall::Push,
                    4..8 => RingCall::Pop,
                    // Rarely, or little would happen afterwards.
                    8 if random.below(8) == 0 => RingCall::Close,
                    _ => RingCall::ALL[random.below(RingCall::ALL.len() - 1)],
                };
                call.make(ring, value, log);
            }
        })
    });
    let history = Recording::of(workers.collect()).then(|log| RingCall::make_all(ring, log));
    (RingCall::spec::<Ring<u64, N>>(N), history)
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
