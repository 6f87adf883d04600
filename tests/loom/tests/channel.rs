//! Defends INV-W1 and INV-W2 of the waiters and the edges W1, W2 and A1 to A3: whoever waits is woken by
//! the push, pop or close that he waits for, or by who was woken in his place. A wake-up that is lost
//! shows as a deadlock, which loom reports; cells of the table are loom's checked cells.
//!
//! Most models are of a ring that is a single word and orders nothing but its values, so that every
//! ordering of the channel and the waiters has to stand for itself.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::task::Wake;
use std::time::Instant;

use latchless::ring::MpmcRing;
use latchless::ring::channel::{Channel, Close, PopError, PushError, SharedRing};
use latchless::ring::wait::{NoWait, Park, Wakers};
use latchless_loom::{model, outcomes};
use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{
    AtomicU64, Ordering,
    Ordering::{Acquire, Relaxed, Release},
};
use loom::thread;

/// Up to `N` values, of which none is 0, in the lower bytes of a word, the oldest lowest.
struct WordRing<const N: usize>(AtomicU64);

impl<const N: usize> WordRing<N> {
    const CLOSED: u64 = 1 << 63;

    fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn len(word: u64) -> usize {
        (0..N).take_while(|at| word >> (8 * at) & 0xff != 0).count()
    }

    /// Relaxed but for the values: no waiter may rely on more.
    fn update<E>(&self, order: Ordering, f: impl Fn(u64) -> Result<u64, E>) -> Result<u64, E> {
        let mut word = self.0.load(Relaxed);
        loop {
            match self.0.compare_exchange_weak(word, f(word)?, order, Relaxed) {
                Ok(before) => return Ok(before),
                Err(found) => word = found,
            }
        }
    }
}

impl<const N: usize> SharedRing for WordRing<N> {
    type Item = u8;

    fn push(&self, value: u8) -> Result<(), PushError<u8>> {
        let pushed = self.update(Release, |word| match Self::len(word) {
            _ if word & Self::CLOSED != 0 => Err(PushError::Closed(value)),
            len if len == N => Err(PushError::Full(value)),
            len => Ok(word | u64::from(value) << (8 * len)),
        });
        pushed.map(drop)
    }

    fn pop(&self) -> Option<u8> {
        let popped = self.update(Acquire, |word| match Self::len(word) {
            0 => Err(()),
            _ => Ok((word & !Self::CLOSED) >> 8 | word & Self::CLOSED),
        });
        popped.ok().map(|word| word as u8)
    }

    fn is_empty(&self) -> bool {
        Self::len(self.0.load(Relaxed)) == 0
    }

    fn is_full(&self) -> bool {
        Self::len(self.0.load(Relaxed)) == N
    }

    fn is_closed(&self) -> bool {
        self.0.load(Relaxed) & Self::CLOSED != 0
    }

    fn is_drained(&self) -> bool {
        self.0.load(Relaxed) == Self::CLOSED
    }
}

impl<const N: usize> Close for WordRing<N> {
    fn close(&self) {
        self.0.fetch_or(Self::CLOSED, Relaxed);
    }
}

/// A ring of one value whose pushes take two steps: a push that has begun when the ring is closed
/// is refused in the second, and until then the ring is not drained.
struct TwoStepRing(AtomicU64);

impl TwoStepRing {
    const BEGUN: u64 = 1 << 62;
    const CLOSED: u64 = 1 << 63;

    fn new() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl SharedRing for TwoStepRing {
    type Item = u8;

    fn push(&self, value: u8) -> Result<(), PushError<u8>> {
        match self.0.compare_exchange(0, Self::BEGUN, Relaxed, Relaxed) {
            Ok(_) => {}
            Err(found) if found & Self::CLOSED != 0 => return Err(PushError::Closed(value)),
            Err(_) => return Err(PushError::Full(value)),
        }
        if self.0.compare_exchange(Self::BEGUN, value.into(), Release, Relaxed).is_ok() {
            return Ok(());
        }
        self.0.fetch_and(!Self::BEGUN, Relaxed);
        Err(PushError::Closed(value))
    }

    fn pop(&self) -> Option<u8> {
        let word = self.0.load(Relaxed);
        let is_there = word as u8 != 0;
        // Nobody else pops in these models.
        is_there.then(|| self.0.fetch_and(Self::CLOSED, Acquire) as u8)
    }

    fn is_empty(&self) -> bool {
        self.0.load(Relaxed) as u8 == 0
    }

    fn is_full(&self) -> bool {
        !self.is_empty()
    }

    fn is_closed(&self) -> bool {
        self.0.load(Relaxed) & Self::CLOSED != 0
    }

    fn is_drained(&self) -> bool {
        self.0.load(Relaxed) == Self::CLOSED
    }
}

impl Close for TwoStepRing {
    fn close(&self) {
        self.0.fetch_or(Self::CLOSED, Relaxed);
    }
}

type Parked<const N: usize> = Channel<WordRing<N>, Park>;
type Awaited<const N: usize, const M: usize> = Channel<WordRing<N>, Wakers<M>>;

fn parked<const N: usize>() -> Arc<Parked<N>> {
    Arc::new(Channel::new(WordRing::new(), Park::new(), Park::new()))
}

fn awaited<const N: usize, const M: usize>() -> Arc<Awaited<N, M>> {
    Arc::new(Channel::new(WordRing::new(), Wakers::new(), Wakers::new()))
}

fn spawn<C, R: 'static>(
    channel: &Arc<C>,
    f: impl FnOnce(&C) -> R + 'static,
) -> thread::JoinHandle<R>
where
    C: 'static,
{
    let channel = Arc::clone(channel);
    thread::spawn(move || f(&channel))
}

/// A waker that tells whether it was woken, and orders nothing.
struct Bell(std::sync::atomic::AtomicBool);

impl Bell {
    fn new() -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self(false.into()))
    }

    fn take(&self) -> bool {
        self.0.swap(false, Relaxed)
    }
}

impl Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

fn poll<F: Future + Unpin>(future: &mut F, bell: &std::sync::Arc<Bell>) -> Poll<F::Output> {
    let waker = Waker::from(std::sync::Arc::clone(bell));
    pin!(future).poll(&mut Context::from_waker(&waker))
}

// === Park ===

#[test]
fn parked_receive_races_a_send() {
    model("parked_receive_races_a_send", None, || {
        let channel = parked::<1>();
        let receiver = spawn(&channel, Channel::recv);
        channel.try_send(7).unwrap();
        assert_eq!(receiver.join().unwrap(), Some(7));
    });
}

#[test]
fn parked_send_races_a_receive() {
    model("parked_send_races_a_receive", None, || {
        let channel = parked::<1>();
        channel.try_send(1).unwrap();
        let sender = spawn(&channel, |channel| channel.send(2).unwrap());
        assert_eq!(channel.try_recv(), Ok(1));
        sender.join().unwrap();
        assert_eq!(channel.try_recv(), Ok(2));
    });
}

#[test]
fn two_parked_receives_race_two_sends() {
    let expected = [[1, 2], [2, 1]];
    outcomes("two_parked_receives_race_two_sends", Some(2), &expected, || {
        let channel = parked::<2>();
        let receivers = [(); 2].map(|()| spawn(&channel, |channel| channel.recv().unwrap()));
        channel.try_send(1).unwrap();
        channel.try_send(2).unwrap();
        receivers.map(|receiver| receiver.join().unwrap())
    });
}

#[test]
fn two_parked_sends_race_two_receives() {
    model("two_parked_sends_race_two_receives", Some(2), || {
        let channel = parked::<2>();
        channel.try_send(1).unwrap();
        channel.try_send(2).unwrap();
        let senders = [3, 4].map(|value| spawn(&channel, move |channel| channel.send(value)));
        assert_eq!([channel.try_recv(), channel.try_recv()], [Ok(1), Ok(2)]);
        senders.into_iter().for_each(|sender| sender.join().unwrap().unwrap());
        let mut rest: Vec<_> = channel.try_iter().collect();
        rest.sort_unstable();
        assert_eq!(rest, [3, 4]);
    });
}

#[test]
fn close_races_parked_receives() {
    let expected = [[None, None], [None, Some(1)], [Some(1), None]];
    outcomes("close_races_parked_receives", Some(2), &expected[1..], || {
        let channel = parked::<1>();
        let receivers = [(); 2].map(|()| spawn(&channel, Channel::recv));
        channel.try_send(1).unwrap();
        channel.close();
        receivers.map(|receiver| receiver.join().unwrap())
    });
}

#[test]
fn close_races_a_parked_receive() {
    model("close_races_a_parked_receive", None, || {
        let channel = parked::<1>();
        let receiver = spawn(&channel, Channel::recv);
        channel.close();
        assert_eq!(receiver.join().unwrap(), None);
    });
}

/// A receiver that knows of the close waits on for a push under way; when that is refused in the end,
/// it has to be told.
#[test]
fn close_races_a_send_under_way() {
    let expected = [(Ok(()), Some(1)), (Err(1), None)];
    outcomes("close_races_a_send_under_way", Some(3), &expected, || {
        let channel =
            Arc::new(Channel::<_, Park, NoWait>::new(TwoStepRing::new(), Park::new(), NoWait));
        let receiver = spawn(&channel, Channel::recv);
        let sender = spawn(&channel, |channel| channel.try_send(1).map_err(PushError::into_inner));
        channel.close();
        (sender.join().unwrap(), receiver.join().unwrap())
    });
}

#[test]
fn close_races_a_parked_send() {
    model("close_races_a_parked_send", None, || {
        let channel = parked::<1>();
        channel.try_send(1).unwrap();
        let sender = spawn(&channel, |channel| channel.send(2).map_err(|back| back.into_inner()));
        channel.close();
        assert_eq!(sender.join().unwrap(), Err(2));
    });
}

/// Whoever's time is up must not take the other's wake-up with him. He sends back what he received.
#[test]
fn time_runs_out_under_a_wake_up() {
    let expected = [Ok(1), Err(PopError::Empty)];
    outcomes("time_runs_out_under_a_wake_up", Some(2), &expected.map(|one| one.ok()), || {
        let channel = parked::<1>();
        let hasty = spawn(&channel, |channel| {
            let received = channel.recv_until(Instant::now()).ok();
            if let Some(value) = received {
                channel.try_send(value).unwrap();
            }
            received
        });
        let patient = spawn(&channel, Channel::recv);
        channel.try_send(1).unwrap();
        assert_eq!(patient.join().unwrap(), Some(1));
        hasty.join().unwrap()
    });
}

#[test]
fn parked_receive_races_a_send_to_the_ring() {
    model("parked_receive_races_a_send_to_the_ring", Some(2), || {
        let channel = Arc::new(Channel::<MpmcRing<u8, 1>, Park>::new(
            MpmcRing::new(),
            Park::new(),
            Park::new(),
        ));
        let receiver = spawn(&channel, Channel::recv);
        channel.send(1).unwrap();
        channel.send(2).unwrap();
        assert_eq!(receiver.join().unwrap(), Some(1));
        assert_eq!(channel.try_recv(), Ok(2));
    });
}

// === Wakers ===

#[test]
fn awaited_receive_races_a_send() {
    model("awaited_receive_races_a_send", None, || {
        let channel = awaited::<1, 2>();
        let receiver = spawn(&channel, |channel| block_on(channel.recv_async()));
        channel.try_send(7).unwrap();
        assert_eq!(receiver.join().unwrap(), Some(7));
    });
}

#[test]
fn awaited_send_races_a_receive() {
    model("awaited_send_races_a_receive", None, || {
        let channel = awaited::<1, 2>();
        channel.try_send(1).unwrap();
        let sender = spawn(&channel, |channel| block_on(channel.send_async(2)).unwrap());
        assert_eq!(channel.try_recv(), Ok(1));
        sender.join().unwrap();
        assert_eq!(channel.try_recv(), Ok(2));
    });
}

#[test]
fn two_awaited_receives_race_two_sends() {
    let expected = [[1, 2], [2, 1]];
    outcomes("two_awaited_receives_race_two_sends", Some(2), &expected, || {
        let channel = awaited::<2, 2>();
        let receivers =
            [(); 2].map(|()| spawn(&channel, |channel| block_on(channel.recv_async()).unwrap()));
        channel.try_send(1).unwrap();
        channel.try_send(2).unwrap();
        receivers.map(|receiver| receiver.join().unwrap())
    });
}

#[test]
fn close_races_awaited_receives() {
    let expected = [[None, Some(1)], [Some(1), None]];
    outcomes("close_races_awaited_receives", Some(2), &expected, || {
        let channel = awaited::<1, 2>();
        let receivers = [(); 2].map(|()| spawn(&channel, |channel| block_on(channel.recv_async())));
        channel.try_send(1).unwrap();
        channel.close();
        receivers.map(|receiver| receiver.join().unwrap())
    });
}

/// A future that is dropped while it is woken must pass the wake-up on: two wait in the same thread, so
/// that the one that is dropped knows of the send by the wake-up only (edge W2).
#[test]
fn dropped_receive_races_its_wake_up() {
    let expected = [true, false];
    outcomes("dropped_receive_races_its_wake_up", None, &expected, || {
        let channel = Arc::new(Channel::<_, Wakers<2>, NoWait>::new(
            WordRing::<1>::new(),
            Wakers::new(),
            NoWait,
        ));
        let bells = [Bell::new(), Bell::new()];
        let [mut first, mut second] = [channel.recv_async(), channel.recv_async()];
        assert!(poll(&mut first, &bells[0]).is_pending());
        assert!(poll(&mut second, &bells[1]).is_pending());
        let sender = spawn(&channel, |channel| channel.try_send(1).unwrap());
        drop(first);
        sender.join().unwrap();
        assert!(bells[1].take(), "the value is there, and the second future sleeps");
        assert_eq!(poll(&mut second, &bells[1]), Poll::Ready(Some(1)));
        bells[0].take()
    });
}

#[test]
fn dropped_send_races_its_wake_up() {
    let expected = [true, false];
    outcomes("dropped_send_races_its_wake_up", None, &expected, || {
        let channel = Arc::new(Channel::<_, NoWait, Wakers<2>>::new(
            WordRing::<1>::new(),
            NoWait,
            Wakers::new(),
        ));
        channel.try_send(9).unwrap();
        let bells = [Bell::new(), Bell::new()];
        let [mut first, mut second] = [channel.send_async(1), channel.send_async(2)];
        assert!(poll(&mut first, &bells[0]).is_pending());
        assert!(poll(&mut second, &bells[1]).is_pending());
        let receiver = spawn(&channel, |channel| channel.try_recv().unwrap());
        assert_eq!(first.into_value(), Some(1));
        assert_eq!(receiver.join().unwrap(), 9);
        assert!(bells[1].take(), "there is room, and the second future sleeps");
        assert!(poll(&mut second, &bells[1]).is_ready());
        bells[0].take()
    });
}

/// Polls with other wakers move a future from cell to cell under the wake-up, until the cells that are
/// there have been used again (edges A1 and A3).
#[test]
fn polls_race_a_wake_up() {
    let expected = [Some(0), Some(1), Some(2)];
    outcomes("polls_race_a_wake_up", None, &expected, || {
        let channel = Arc::new(Channel::<_, Wakers<2>, NoWait>::new(
            WordRing::<1>::new(),
            Wakers::new(),
            NoWait,
        ));
        let sender = spawn(&channel, |channel| channel.try_send(1).unwrap());
        let bells = [Bell::new(), Bell::new(), Bell::new()];
        let mut receive = channel.recv_async();
        let polled = |receive: &mut _| {
            bells.iter().position(|bell| poll(receive, bell) == Poll::Ready(Some(1)))
        };
        let early = polled(&mut receive);
        sender.join().unwrap();
        if early.is_none() {
            assert!(bells[2].take(), "a value is there, and the future sleeps");
            assert_eq!(poll(&mut receive, &bells[2]), Poll::Ready(Some(1)));
        }
        early.or(Some(2))
    });
}

/// The value is gone when the future looks, so that it registers again, perhaps in the cell that the
/// wake-up has just left (edge A3).
#[test]
fn stolen_value_races_its_wake_up() {
    let expected = [(false, true), (true, false)];
    outcomes("stolen_value_races_its_wake_up", None, &expected, || {
        let channel = Arc::new(Channel::<_, Wakers<2>, NoWait>::new(
            WordRing::<1>::new(),
            Wakers::new(),
            NoWait,
        ));
        let bells = [Bell::new(), Bell::new()];
        let mut receive = channel.recv_async();
        assert!(poll(&mut receive, &bells[0]).is_pending());
        let sender = spawn(&channel, |channel| channel.try_send(1).unwrap());
        let is_stolen = channel.try_recv().is_ok();
        let is_received = poll(&mut receive, &bells[1]).is_ready();
        sender.join().unwrap();
        if !is_stolen && !is_received {
            assert!(bells[1].take(), "a value is there, and the future sleeps");
            assert!(poll(&mut receive, &bells[1]).is_ready());
        }
        (is_stolen, !is_stolen)
    });
}

/// A future that is dropped gives a cell back that its wake-up has just left, and another takes it
/// (edges A1 and A3).
#[test]
fn cell_goes_from_hand_to_hand() {
    model("cell_goes_from_hand_to_hand", Some(3), || {
        let channel = Arc::new(Channel::<_, Wakers<1>, NoWait>::new(
            WordRing::<1>::new(),
            Wakers::new(),
            NoWait,
        ));
        let mut receive = channel.recv_async();
        assert!(poll(&mut receive, &Bell::new()).is_pending());
        let sender = spawn(&channel, |channel| channel.try_send(1).unwrap());
        let other = spawn(&channel, |channel| {
            matches!(poll(&mut channel.recv_async(), &Bell::new()), Poll::Ready(Some(1)))
        });
        drop(receive);
        sender.join().unwrap();
        assert_eq!(other.join().unwrap(), channel.try_recv().is_err());
    });
}

/// Two wake-ups, of a send each, take cells that are used again meanwhile.
#[test]
fn receives_race_two_senders() {
    model("receives_race_two_senders", Some(2), || {
        let channel = Arc::new(Channel::<_, Wakers<3>, NoWait>::new(
            WordRing::<2>::new(),
            Wakers::new(),
            NoWait,
        ));
        let senders =
            [1, 2].map(|value| spawn(&channel, move |channel| channel.try_send(value).unwrap()));
        let mut received = [(); 2].map(|()| block_on(channel.recv_async()).unwrap());
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        received.sort_unstable();
        assert_eq!(received, [1, 2]);
    });
}

#[test]
fn awaited_receive_races_a_send_to_the_ring() {
    model("awaited_receive_races_a_send_to_the_ring", Some(4), || {
        let channel = Arc::new(Channel::<MpmcRing<u8, 1>, Wakers<1>>::new(
            MpmcRing::new(),
            Wakers::new(),
            Wakers::new(),
        ));
        let receiver = spawn(&channel, |channel| block_on(channel.recv_async()));
        channel.try_send(1).unwrap();
        assert_eq!(receiver.join().unwrap(), Some(1));
    });
}
