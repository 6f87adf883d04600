//! Defends the invariants of `Channel` and of the waiters: what is sent is received once, in order; no
//! wake-up is lost (INV-W1) or kept by who has no use for it (INV-W2); nobody is woken who does not
//! wait; a closed channel gives out what it holds and lets all go; a send or receive that is
//! cancelled has done nothing.
//!
//! There is no test named `positions_wrap` or `linearizable`: positions, and what a `try_` form does to
//! the values, are the ring's.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::task::Poll;
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;

use latchless::ring::channel::{Channel, Closed, PopError, PushError, RecvFuture, SendFuture};
use latchless::ring::wait::{NoWait, Spin, Wakers};
use latchless::ring::{MpmcRing, channel::SharedRing};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use common::drops::{Ledger, Tracked};
use common::property_config;
use common::stamps::{Stamped, assert_each_once_in_order};
use common::waiting::{Bell, LockedRing, block_on, in_time, poll};

type Spinning<R> = Channel<R, Spin>;
type Awaited<R, const M: usize = 8> = Channel<R, Wakers<M>>;

assert_impl_all!(Spinning<MpmcRing<String, 4>>: Send, Sync, Default, Unpin);
assert_impl_all!(Awaited<MpmcRing<core::cell::Cell<u8>, 4>>: Send, Sync);
assert_impl_all!(RecvFuture<'static, MpmcRing<u8, 4>, Wakers<1>, NoWait>: Send, Sync, Unpin);
assert_impl_all!(SendFuture<'static, MpmcRing<u8, 4>, NoWait, Wakers<1>>: Send, Sync, Unpin);
assert_not_impl_any!(Awaited<MpmcRing<std::rc::Rc<u8>, 4>>: Send, Sync);
assert_not_impl_any!(SendFuture<'static, LockedRing<std::rc::Rc<u8>>, Wakers<1>, Wakers<1>>: Send);

fn spinning<R>(ring: R) -> Spinning<R> {
    Channel::new(ring, Spin, Spin)
}

fn awaited<R, const M: usize>(ring: R) -> Awaited<R, M> {
    Channel::new(ring, Wakers::new(), Wakers::new())
}

// === One thread ===

#[test]
fn capacity() {
    let channel = Channel::<_, NoWait>::new(MpmcRing::<u8, 2>::new(), NoWait, NoWait);
    assert_eq!(channel.try_recv(), Err(PopError::Empty));
    assert_eq!(channel.try_send(1), Ok(()));
    assert_eq!(channel.try_send(2), Ok(()));
    assert_eq!(channel.try_send(3), Err(PushError::Full(3)));
    assert_eq!((channel.ring().len(), channel.is_closed()), (2, false));
    assert_eq!(channel.try_iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn zero_sized_type() {
    let channel = awaited::<_, 1>(MpmcRing::<(), 1>::new());
    let bell = Bell::new();
    let mut receive = channel.recv_async();
    assert_eq!(poll(&mut receive, &bell), Poll::Pending);
    assert_eq!(channel.try_send(()), Ok(()));
    assert_eq!(poll(&mut receive, &bell), Poll::Ready(Some(())));
}

#[test]
fn closed_channel_gives_out_what_it_holds() {
    let channel = spinning(LockedRing::new(2));
    channel.send('a').unwrap();
    channel.send('b').unwrap();
    assert!(!channel.is_closed());
    channel.close();
    assert!(channel.is_closed());
    assert_eq!(channel.try_send('c'), Err(PushError::Closed('c')));
    assert_eq!(channel.send('c').map_err(Closed::into_inner), Err('c'));
    assert_eq!(channel.recv(), Some('a'));
    assert_eq!(channel.into_iter().collect::<Vec<_>>(), ['b']);
    assert_eq!(channel.recv(), None);
    assert_eq!(channel.try_recv(), Err(PopError::Closed));
}

#[test]
fn errors_speak() {
    let channel = spinning(LockedRing::new(1));
    channel.send(1).unwrap();
    let said = |error: PushError<i32>| format!("{error} {error:?} {}", error.into_inner());
    assert_eq!(channel.try_send(2).map_err(said), Err("ring is full Full(..) 2".into()));
    channel.close();
    assert_eq!(channel.try_send(2).map_err(said), Err("ring is closed Closed(..) 2".into()));
    let closed = channel.send(2).unwrap_err();
    assert_eq!(format!("{closed} {closed:?}"), "channel is closed Closed(..)");
    assert_eq!(channel.try_recv(), Ok(1));
    assert_eq!(channel.try_recv().unwrap_err().to_string(), "ring is closed and empty");
    assert_eq!(PopError::Empty.to_string(), "ring is empty");
    assert_eq!(format!("{:?}", spinning(0)), "Channel { ring: 0, .. }");
}

// === Tasks, one thread ===

#[test]
fn only_who_waits_is_woken_and_once() {
    let channel = awaited::<_, 4>(MpmcRing::<u8, 4>::new());
    let bells = [Bell::new(), Bell::new()];
    let [mut first, mut second] = [channel.recv_async(), channel.recv_async()];
    assert_eq!(poll(&mut first, &bells[0]), Poll::Pending);
    assert_eq!(poll(&mut second, &bells[1]), Poll::Pending);
    let rung = || bells.each_ref().map(|bell| bell.take());
    channel.try_send(1).unwrap();
    assert_eq!(rung().iter().sum::<usize>(), 1, "one value, one is woken");
    channel.try_send(2).unwrap();
    assert_eq!(rung().iter().sum::<usize>(), 1, "the other");
    channel.try_send(3).unwrap();
    channel.try_send(4).unwrap();
    assert_eq!(rung(), [0, 0], "nobody waits that was not woken");
    assert_eq!(poll(&mut second, &bells[1]), Poll::Ready(Some(1)));
    assert_eq!(poll(&mut first, &bells[0]), Poll::Ready(Some(2)));
    assert_eq!(rung(), [0, 0], "nobody waits");
}

#[test]
fn senders_are_woken_by_room() {
    let channel = awaited::<_, 2>(MpmcRing::<u8, 1>::new());
    let bell = Bell::new();
    let mut send = channel.send_async(1);
    assert_eq!(poll(&mut send, &bell), Poll::Ready(Ok(())));
    let mut send = channel.send_async(2);
    assert_eq!(poll(&mut send, &bell), Poll::Pending);
    assert_eq!((channel.try_recv(), bell.take()), (Ok(1), 1));
    assert_eq!(poll(&mut send, &bell), Poll::Ready(Ok(())));
    assert_eq!(poll(&mut send, &bell), Poll::Ready(Ok(())), "sent before, and once");
    assert_eq!((channel.try_recv(), channel.try_recv()), (Ok(2), Err(PopError::Empty)));
}

#[test]
fn polled_in_vain_waits_with_the_new_waker() {
    let channel = awaited::<_, 1>(MpmcRing::<u8, 1>::new());
    let [old, new] = [Bell::new(), Bell::new()];
    let mut receive = channel.recv_async();
    assert_eq!(poll(&mut receive, &old), Poll::Pending);
    assert_eq!(poll(&mut receive, &new), Poll::Pending);
    assert_eq!(Arc::strong_count(&old), 1, "the old waker is gone");
    channel.try_send(1).unwrap();
    assert_eq!((old.take(), new.take()), (0, 1));
}

#[test]
fn dropped_receive_passes_its_wake_up_on() {
    for woken_first in 0..2 {
        let channel = awaited::<_, 4>(MpmcRing::<u8, 4>::new());
        let bells = [Bell::new(), Bell::new()];
        let mut receives = [Some(channel.recv_async()), Some(channel.recv_async())];
        for turn in [woken_first, 1 - woken_first] {
            assert!(poll(receives[turn].as_mut().unwrap(), &bells[turn]).is_pending());
        }
        channel.try_send(1).unwrap();
        let woken = bells.iter().position(|bell| bell.take() == 1).unwrap();
        receives[woken] = None;
        let other = 1 - woken;
        assert_eq!(bells[other].take(), 1, "the value is still there");
        assert_eq!(poll(receives[other].as_mut().unwrap(), &bells[other]), Poll::Ready(Some(1)));
    }
}

#[test]
fn dropped_send_passes_its_wake_up_on_and_its_value_back() {
    let channel = awaited::<_, 4>(MpmcRing::<&str, 1>::new());
    let bells = [Bell::new(), Bell::new()];
    channel.try_send("there").unwrap();
    let mut sends = [Some(channel.send_async("a")), Some(channel.send_async("b"))];
    for (send, bell) in sends.iter_mut().flatten().zip(&bells) {
        assert!(poll(send, bell).is_pending());
    }
    assert_eq!(channel.try_recv(), Ok("there"));
    let woken = bells.iter().position(|bell| bell.take() == 1).unwrap();
    let value = sends[woken].take().unwrap().into_value();
    assert_eq!(value, Some(["a", "b"][woken]));
    let other = 1 - woken;
    assert_eq!(bells[other].take(), 1, "there is still room");
    assert_eq!(poll(sends[other].as_mut().unwrap(), &bells[other]), Poll::Ready(Ok(())));
    assert_eq!(sends[other].take().unwrap().into_value(), None, "it was sent");
}

#[test]
fn dropped_without_a_wake_up_leaves_the_others_asleep() {
    let channel = awaited::<_, 4>(MpmcRing::<u8, 4>::new());
    let bells = [Bell::new(), Bell::new()];
    let [mut first, mut second] = [channel.recv_async(), channel.recv_async()];
    assert!(poll(&mut first, &bells[0]).is_pending());
    assert!(poll(&mut second, &bells[1]).is_pending());
    drop(first);
    assert_eq!([bells[0].take(), bells[1].take()], [0, 0]);
    channel.try_send(1).unwrap();
    assert_eq!([bells[0].take(), bells[1].take()], [0, 1]);
}

#[test]
fn without_a_place_a_future_asks_again() {
    let channel = awaited::<_, 1>(MpmcRing::<u8, 2>::new());
    let bells = [Bell::new(), Bell::new()];
    let [mut first, mut second] = [channel.recv_async(), channel.recv_async()];
    assert!(poll(&mut first, &bells[0]).is_pending());
    assert_eq!(bells[0].take(), 0);
    assert!(poll(&mut second, &bells[1]).is_pending());
    assert_eq!(bells[1].take(), 1, "at once");
    drop(first);
    assert!(poll(&mut second, &bells[1]).is_pending());
    assert_eq!(bells[1].take(), 0, "there is a place now");
    channel.try_send(1).unwrap();
    assert_eq!(bells[1].take(), 1);
    assert_eq!(poll(&mut second, &bells[1]), Poll::Ready(Some(1)));
}

#[test]
fn all_places_are_used_and_take_turns() {
    const M: usize = 64;
    let channel = awaited::<_, M>(MpmcRing::<usize, M>::new());
    let bells: Vec<_> = (0..M).map(|_| Bell::new()).collect();
    let mut receives: Vec<_> = (0..M).map(|_| channel.recv_async()).collect();
    for (receive, bell) in receives.iter_mut().zip(&bells) {
        assert!(poll(receive, bell).is_pending());
    }
    assert!(bells.iter().all(|bell| bell.take() == 0), "there are places for all");
    // Who is woken, receives and waits again comes after those who have waited since before.
    let mut woken = Vec::new();
    for number in 0..2 * M {
        channel.try_send(number).unwrap();
        let who = bells.iter().position(|bell| bell.take() == 1).unwrap();
        assert_eq!(poll(&mut receives[who], &bells[who]), Poll::Ready(Some(number)));
        receives[who] = channel.recv_async();
        assert!(poll(&mut receives[who], &bells[who]).is_pending());
        woken.push(who);
    }
    for half in [&woken[..M], &woken[M..]] {
        let mut half = half.to_vec();
        half.sort_unstable();
        assert_eq!(half, Vec::from_iter(0..M));
    }
}

#[test]
fn close_wakes_all() {
    let channel = awaited::<_, 8>(LockedRing::<u8>::new(1));
    let bells: [_; 4] = core::array::from_fn(|_| Bell::new());
    let mut receives = [channel.recv_async(), channel.recv_async()];
    for (receive, bell) in receives.iter_mut().zip(&bells) {
        assert!(poll(receive, bell).is_pending());
    }
    channel.close();
    assert_eq!(bells.each_ref().map(|bell| bell.take()), [1, 1, 0, 0]);
    for (receive, bell) in receives.iter_mut().zip(&bells) {
        assert_eq!(poll(receive, bell), Poll::Ready(None));
    }

    let channel = awaited::<_, 8>(LockedRing::new(1));
    channel.try_send(0).unwrap();
    let mut sends = [channel.send_async(1), channel.send_async(2)];
    for (send, bell) in sends.iter_mut().zip(&bells) {
        assert!(poll(send, bell).is_pending());
    }
    channel.close();
    assert_eq!(bells.each_ref().map(|bell| bell.take()), [1, 1, 0, 0]);
    for (value, (send, bell)) in (1..).zip(sends.iter_mut().zip(&bells)) {
        assert_eq!(poll(send, bell), Poll::Ready(Err(Closed(value))));
    }
    assert_eq!(channel.try_iter().collect::<Vec<_>>(), [0]);
}

#[test]
fn drops_each_once() {
    let ledger = Ledger::new(4);
    let channel = awaited::<_, 2>(MpmcRing::<Tracked<'_>, 1>::new());
    let bell = Bell::new();
    drop(channel.send_async(ledger.issue()));
    assert_eq!(ledger.drops_of(0), 1, "never polled");
    assert!(poll(&mut channel.send_async(ledger.issue()), &bell).is_ready());
    let mut send = channel.send_async(ledger.issue());
    assert!(poll(&mut send, &bell).is_pending());
    drop(send);
    assert_eq!(ledger.drops_of(2), 1, "waited in vain");
    drop(channel.try_recv());
    assert!(poll(&mut channel.send_async(ledger.issue()), &bell).is_ready());
    drop(channel);
    ledger.assert_all_dropped_once();
    assert_eq!(Arc::strong_count(&bell), 1, "so are the wakers");
}

#[test]
fn leaked_future_leaves_its_waker_to_the_table() {
    let bell = Bell::new();
    let channel = awaited::<_, 2>(MpmcRing::<u8, 1>::new());
    for _ in 0..2 {
        let mut receive = channel.recv_async();
        assert!(poll(&mut receive, &bell).is_pending());
        core::mem::forget(receive);
    }
    assert_eq!(Arc::strong_count(&bell), 3);
    drop(channel);
    assert_eq!(Arc::strong_count(&bell), 1);
}

// === Against a model ===

#[derive(Clone, Copy, Debug)]
enum Op {
    TrySend,
    TryRecv,
    PollReceive(usize),
    PollSend(usize),
    DropReceive(usize),
    DropSend(usize),
    Close,
}

/// Futures that are there at a time, of each kind.
const TASKS: usize = 4;

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        20 => Just(Op::TrySend),
        20 => Just(Op::TryRecv),
        30 => (0..TASKS).prop_map(Op::PollReceive),
        30 => (0..TASKS).prop_map(Op::PollSend),
        10 => (0..TASKS).prop_map(Op::DropReceive),
        10 => (0..TASKS).prop_map(Op::DropSend),
        1 => Just(Op::Close),
    ];
    prop::collection::vec(op, 0..200)
}

/// How many of the futures that wait have been woken, and how many have not.
fn census<F>(tasks: &[(Option<F>, Arc<Bell>)]) -> (usize, usize) {
    let waiting = tasks.iter().filter(|(future, _)| future.is_some());
    let woken = waiting.clone().filter(|(_, bell)| bell.has_rung()).count();
    (woken, waiting.count() - woken)
}

/// Any run agrees with a queue, and after each step as many of those who wait have been woken as
/// there are values, or places, for them.
fn agrees_with_a_queue<const M: usize>(capacity: usize, ops: &[Op]) {
    let channel = awaited::<_, M>(LockedRing::new(capacity));
    let mut model = VecDeque::new();
    let mut receives: Vec<_> = (0..TASKS).map(|_| (None, Bell::new())).collect();
    let mut sends: Vec<_> = (0..TASKS).map(|_| (None, Bell::new())).collect();
    let mut is_closed = false;
    for (number, &op) in ops.iter().enumerate() {
        let is_full = model.len() == capacity;
        let expected_end = |is_closed| if is_closed { PopError::Closed } else { PopError::Empty };
        match op {
            Op::TrySend => {
                let expected = match (is_closed, is_full) {
                    (true, _) => Err(PushError::Closed(number)),
                    (false, true) => Err(PushError::Full(number)),
                    (false, false) => {
                        model.push_back(number);
                        Ok(())
                    }
                };
                assert_eq!(channel.try_send(number), expected);
            }
            Op::TryRecv => {
                let expected = model.pop_front().ok_or(expected_end(is_closed));
                assert_eq!(channel.try_recv(), expected);
            }
            Op::PollReceive(at) => {
                let (future, bell) = &mut receives[at];
                bell.take();
                let answer = poll(future.get_or_insert_with(|| channel.recv_async()), bell);
                match model.pop_front() {
                    Some(value) => assert_eq!(answer, Poll::Ready(Some(value))),
                    None if is_closed => assert_eq!(answer, Poll::Ready(None)),
                    None => assert_eq!(answer, Poll::Pending),
                }
                *future = future.take().filter(|_| answer.is_pending());
            }
            Op::PollSend(at) => {
                let (future, bell) = &mut sends[at];
                bell.take();
                let (value, send) =
                    future.get_or_insert_with(|| (number, channel.send_async(number)));
                let value = *value;
                let answer = poll(send, bell);
                if is_closed {
                    assert_eq!(answer, Poll::Ready(Err(Closed(value))));
                } else if is_full {
                    assert_eq!(answer, Poll::Pending);
                } else {
                    assert_eq!(answer, Poll::Ready(Ok(())));
                    model.push_back(value);
                }
                *future = future.take().filter(|_| answer.is_pending());
            }
            Op::DropReceive(at) => receives[at].0 = None,
            Op::DropSend(at) => {
                if let Some((value, send)) = sends[at].0.take() {
                    assert_eq!(send.into_value(), Some(value));
                }
            }
            Op::Close => {
                channel.close();
                is_closed = true;
            }
        }
        let (woken, asleep) = census(&receives);
        let needed = if is_closed { TASKS } else { model.len() };
        assert!(asleep == 0 || woken >= needed, "{woken} receives woken, {asleep} asleep");
        let (woken, asleep) = census(&sends);
        let needed = if is_closed { TASKS } else { capacity - model.len() };
        assert!(asleep == 0 || woken >= needed, "{woken} sends woken, {asleep} asleep");
        assert_eq!(channel.ring().is_drained(), is_closed && model.is_empty());
    }
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_a_queue(ops in ops()) {
        agrees_with_a_queue::<TASKS>(1, &ops);
        agrees_with_a_queue::<TASKS>(3, &ops);
        // Not enough places for all.
        agrees_with_a_queue::<2>(2, &ops);
    }
}

// === Threads ===

/// Values that each of two producers sends.
const COUNT: usize = 20_000;

/// Two threads send, two receive, a fixed number each: nobody waits for ever, and all is received.
fn passes_all(
    send: impl Fn(Stamped) + Send + Sync + 'static,
    receive: impl Fn() -> Stamped + Send + Sync + 'static,
) {
    in_time(move || {
        let received: Vec<_> = thread::scope(|scope| {
            let receivers = [(); 2].map(|()| {
                scope.spawn(|| (0..COUNT).map(|_| receive().origin()).collect::<Vec<_>>())
            });
            for producer in 0..2 {
                let send = &send;
                scope.spawn(move || (0..COUNT).for_each(|at| send(Stamped::new(producer, at))));
            }
            receivers.into_iter().flat_map(|receiver| receiver.join()).collect()
        });
        assert_each_once_in_order(2, COUNT, &received);
    });
}

#[test]
fn spinning_threads_pass_all() {
    static CHANNEL: Spinning<MpmcRing<Stamped, 2>> = Channel::new(MpmcRing::new(), Spin, Spin);
    passes_all(|value| CHANNEL.send(value).unwrap(), || CHANNEL.recv().unwrap());
}

#[test]
fn tasks_pass_all() {
    static CHANNEL: Awaited<MpmcRing<Stamped, 1>> =
        Channel::new(MpmcRing::new(), Wakers::new(), Wakers::new());
    passes_all(
        |value| block_on(CHANNEL.send_async(value)).unwrap(),
        || block_on(CHANNEL.recv_async()).unwrap(),
    );
}

#[test]
fn tasks_without_places_pass_all() {
    static CHANNEL: Awaited<MpmcRing<Stamped, 2>, 1> =
        Channel::new(MpmcRing::new(), Wakers::new(), Wakers::new());
    passes_all(
        |value| block_on(CHANNEL.send_async(value)).unwrap(),
        || block_on(CHANNEL.recv_async()).unwrap(),
    );
}

/// Every other future is dropped after it was polled: what it was woken for must reach another.
#[test]
fn tasks_that_give_up_lose_nothing() {
    static CHANNEL: Awaited<MpmcRing<Stamped, 1>> =
        Channel::new(MpmcRing::new(), Wakers::new(), Wakers::new());
    passes_all(
        |value| {
            let mut send = CHANNEL.send_async(value);
            if poll(&mut send, &Bell::new()).is_pending() {
                let value = send.into_value().unwrap();
                block_on(CHANNEL.send_async(value)).unwrap();
            }
        },
        || {
            let mut receive = CHANNEL.recv_async();
            match poll(&mut receive, &Bell::new()) {
                Poll::Ready(value) => value.unwrap(),
                Poll::Pending => {
                    drop(receive);
                    block_on(CHANNEL.recv_async()).unwrap()
                }
            }
        },
    );
}

#[test]
fn close_ends_all_tasks() {
    for _ in 0..100 {
        in_time(|| {
            let channel = awaited::<_, 4>(LockedRing::new(1));
            thread::scope(|scope| {
                let receivers = [(); 2].map(|()| {
                    scope.spawn(|| {
                        core::iter::from_fn(|| block_on(channel.recv_async())).sum::<usize>()
                    })
                });
                let sender = scope.spawn(|| {
                    (1..).take_while(|&value| block_on(channel.send_async(value)).is_ok()).sum()
                });
                while channel.ring().is_empty() {
                    thread::yield_now();
                }
                channel.close();
                let sent: usize = sender.join().unwrap();
                assert_eq!(receivers.map(|one| one.join().unwrap()).iter().sum::<usize>(), sent);
            });
        });
    }
}

#[cfg(feature = "std")]
mod parked {
    use core::sync::atomic::Ordering::Relaxed;
    use core::time::Duration;
    use std::time::Instant;

    use latchless::ring::wait::Park;

    use super::*;
    use crate::common::waiting::Counted;

    type Parked<R> = Channel<R, Park>;

    fn parked<R>(ring: R) -> Parked<R> {
        Channel::new(ring, Park::new(), Park::new())
    }

    #[test]
    fn parked_threads_pass_all() {
        static CHANNEL: Parked<MpmcRing<Stamped, 1>> =
            Channel::new(MpmcRing::new(), Park::new(), Park::new());
        passes_all(|value| CHANNEL.send(value).unwrap(), || CHANNEL.recv().unwrap());
    }

    #[test]
    fn parked_threads_pass_all_in_time_or_later() {
        static CHANNEL: Parked<MpmcRing<Stamped, 1>> =
            Channel::new(MpmcRing::new(), Park::new(), Park::new());
        let shortly = Duration::from_micros(20);
        passes_all(
            move |mut value| {
                while let Err(back) = CHANNEL.send_timeout(value, shortly) {
                    value = back.into_inner();
                }
            },
            move || {
                core::iter::repeat_with(|| CHANNEL.recv_timeout(shortly))
                    .find_map(Result::ok)
                    .unwrap()
            },
        );
    }

    #[test]
    fn threads_send_to_tasks() {
        static CHANNEL: Channel<MpmcRing<Stamped, 2>, Wakers<2>, Park> =
            Channel::new(MpmcRing::new(), Wakers::new(), Park::new());
        passes_all(
            |value| CHANNEL.send(value).unwrap(),
            || block_on(CHANNEL.recv_async()).unwrap(),
        );
    }

    /// Called only on edges: one call for each time that somebody registers at most, each of which is a
    /// look. (With more threads, two may see the same sleeper.)
    #[test]
    fn wake_ups_are_no_more_than_waits() {
        let [looks, wakes] = in_time(|| {
            let channel = Channel::<_, Counted<Park>>::new(
                MpmcRing::<usize, 2>::new(),
                Counted::default(),
                Counted::default(),
            );
            thread::scope(|scope| {
                scope.spawn(|| (0..COUNT).for_each(|number| channel.send(number).unwrap()));
                (0..COUNT).for_each(|number| assert_eq!(channel.recv(), Some(number)));
            });
            let sides = [channel.receivers(), channel.senders()];
            [sides.map(|side| side.looks.load(Relaxed)), sides.map(|side| side.wakes.load(Relaxed))]
        });
        assert!(wakes[0] <= looks[0] && wakes[1] <= looks[1], "{wakes:?} for {looks:?} looks");
        assert!(wakes[0] + wakes[1] > 0, "nobody slept: this test looks for the wrong thing");
    }

    #[test]
    fn nobody_asleep_nobody_woken() {
        let channel = Channel::<_, Counted<Park>>::new(
            MpmcRing::<usize, 4>::new(),
            Counted::default(),
            Counted::default(),
        );
        for number in 0..100 {
            channel.send(number).unwrap();
            assert_eq!(channel.recv(), Some(number));
        }
        for side in [channel.receivers(), channel.senders()] {
            assert_eq!((side.wakes.load(Relaxed), side.looks.load(Relaxed)), (0, 0));
        }
    }

    #[test]
    fn time_runs_out() {
        let channel = parked(LockedRing::new(1));
        let timeout = Duration::from_millis(2);
        let start = Instant::now();
        assert_eq!(channel.recv_timeout(timeout), Err(PopError::Empty));
        assert!(start.elapsed() >= timeout);
        assert_eq!(channel.send_timeout(1, timeout), Ok(()));
        let start = Instant::now();
        assert_eq!(channel.send_timeout(2, timeout), Err(PushError::Full(2)));
        assert!(start.elapsed() >= timeout);
        // A moment that has passed: one look.
        assert_eq!(channel.send_until(2, Instant::now()), Err(PushError::Full(2)));
        assert_eq!(channel.recv_until(Instant::now()), Ok(1));
        assert_eq!(channel.recv_until(Instant::now()), Err(PopError::Empty));
        // Longer than clocks go.
        channel.send_timeout(3, Duration::MAX).unwrap();
        assert_eq!(channel.recv_timeout(Duration::MAX), Ok(3));
        channel.close();
        assert_eq!(channel.recv_timeout(timeout), Err(PopError::Closed));
        assert_eq!(channel.send_timeout(4, timeout), Err(PushError::Closed(4)));
        assert_eq!(channel.send_timeout(4, Duration::MAX), Err(PushError::Closed(4)));

        let channel = spinning(MpmcRing::<u8, 1>::new());
        let start = Instant::now();
        assert_eq!(channel.recv_timeout(timeout), Err(PopError::Empty));
        assert!(start.elapsed() >= timeout);
        channel.send(1).unwrap();
        assert_eq!(channel.send_until(2, Instant::now()), Err(PushError::Full(2)));
    }

    #[test]
    fn close_ends_all_threads() {
        for _ in 0..100 {
            in_time(|| {
                let channel = parked(LockedRing::new(1));
                thread::scope(|scope| {
                    let receivers = [(); 3].map(|()| scope.spawn(|| channel.iter().sum::<usize>()));
                    let senders = [(); 2].map(|()| {
                        scope.spawn(|| (1..).take_while(|&value| channel.send(value).is_ok()).sum())
                    });
                    while channel.ring().is_empty() {
                        thread::yield_now();
                    }
                    channel.close();
                    let sent: usize = senders.map(|one| one.join().unwrap()).iter().sum();
                    let received = receivers.map(|one| one.join().unwrap());
                    assert_eq!(received.iter().sum::<usize>(), sent);
                });
            });
        }
    }
}
