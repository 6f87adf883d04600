//! Queues for many producers and many consumers.
#![expect(deprecated, reason = "heapless wants its users to know that its queue may block")]

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use concurrent_queue::ConcurrentQueue;
use crossbeam_queue::{ArrayQueue, SegQueue};
use latchless::ring::{MpmcRing, TurnRing, WordRing};
use lfqueue::AllocBoundedQueue;
use nolock::queues::mpmc::bounded::scq;
use thingbuf::ThingBuf;

use super::limit;
use super::queue::{self, Fixed, Item, Line, Pop, Push, Queue, cloned, entry, queue, shared};
use crate::case::{Payload, Shape};
use crate::contestant::{Contestant, Side};

pub(super) fn contestants() -> Vec<Contestant> {
    vec![
        entry!("latchless MpmcRing", Ours, Latchless<const N>),
        entry!("latchless TurnRing", Ours, LatchlessTurn<const N>),
        entry!("latchless WordRing", Ours, LatchlessWord<const N>)
            .only(|case| case.payload == Payload::Word),
        entry!("crossbeam ArrayQueue", Rival, CrossbeamArray),
        entry!("crossbeam SegQueue (unbounded)", Rival, CrossbeamSeg),
        entry!("concurrent-queue", Rival, Concurrent),
        entry!("heapless mpmc", Rival, Heapless<const N>),
        entry!("thingbuf", Rival, Thingbuf),
        entry!("kanal", Rival, Kanal),
        entry!("flume", Rival, Flume),
        entry!("omango mpmc", Rival, Omango),
        entry!("gil mpmc", Rival, Gil),
        entry!("lfqueue (SCQ)", Rival, Lfqueue),
        entry!("nolock scq", Rival, Nolock),
        entry!("std Mutex<VecDeque>", Rival, StdMutex),
        Contestant::new("(limit) hand-off by halves", Side::Limit, limit::stream)
            .only(|case| matches!(case.shape, Shape::Stream(1) | Shape::Batch(_))),
        Contestant::new("(limit) cache line there and back", Side::Limit, limit::round_trip)
            .only(|case| case.shape == Shape::RoundTrip),
        Contestant::new("(limit) one shared ticket a call", Side::Limit, limit::tickets)
            .only(|case| matches!(case.shape, Shape::Alone | Shape::Each(_) | Shape::Stream(2))),
    ]
}

queue! {
    Latchless<const N>, |ends| shared(ends, MpmcRing::<T, N>::new());
    push &'static MpmcRing<T, N>: |tx, item| tx.push(item).is_ok();
    pop &'static MpmcRing<T, N>: |rx| rx.pop();
}

queue! {
    LatchlessTurn<const N>, |ends| shared(ends, TurnRing::<T, N>::new());
    push &'static TurnRing<T, N>: |tx, item| tx.push(item).is_ok();
    push_batch |tx, items| tx.push_slice(items);
    pop &'static TurnRing<T, N>: |rx| rx.pop().ok();
    pop_batch |rx, places| rx.pop_slice(places);
}

/// Words for items of a word, which are nothing but their numbers.
struct Words<T, const N: usize>(WordRing<u64, N>, PhantomData<T>);

impl<T: Item, const N: usize> Words<T, N> {
    #[inline(always)]
    fn push(&self, item: T) -> bool {
        self.0.push(item.number()).is_ok()
    }

    #[inline(always)]
    fn pop(&self) -> Option<T> {
        self.0.pop().map(T::of)
    }
}

queue! {
    LatchlessWord<const N>, |ends| shared(ends, Words::<T, N>(WordRing::new(), PhantomData));
    push &'static Words<T, N>: |tx, item| (**tx).push(item);
    pop &'static Words<T, N>: |rx| (**rx).pop();
}

queue! {
    CrossbeamArray, |capacity, ends| shared(ends, ArrayQueue::new(capacity));
    push &'static ArrayQueue<T>: |tx, item| (**tx).push(item).is_ok();
    pop &'static ArrayQueue<T>: |rx| (**rx).pop();
}

queue! {
    CrossbeamSeg, |_, ends| shared(ends, SegQueue::new());
    push &'static SegQueue<T>: |tx, item| { (**tx).push(item); true };
    pop &'static SegQueue<T>: |rx| (**rx).pop();
}

queue! {
    Concurrent, |capacity, ends| shared(ends, ConcurrentQueue::bounded(capacity));
    push &'static ConcurrentQueue<T>: |tx, item| (**tx).push(item).is_ok();
    pop &'static ConcurrentQueue<T>: |rx| (**rx).pop().ok();
}

queue! {
    Heapless<const N>, |ends| shared(ends, heapless::mpmc::Queue::<T, N>::new());
    push &'static heapless::mpmc::Queue<T, N>: |tx, item| tx.enqueue(item).is_ok();
    pop &'static heapless::mpmc::Queue<T, N>: |rx| rx.dequeue();
}

queue! {
    Thingbuf, |capacity, ends| shared(ends, ThingBuf::new(capacity));
    push &'static ThingBuf<T>: |tx, item| (**tx).push(item).is_ok();
    pop &'static ThingBuf<T>: |rx| (**rx).pop();
}

queue! {
    Kanal, |capacity, ends| {
        let (tx, rx) = kanal::bounded(capacity);
        cloned(ends, tx, rx)
    };
    push kanal::Sender<T>: |tx, item| tx.try_send(item) == Ok(true);
    pop kanal::Receiver<T>: |rx| rx.try_recv().ok().flatten();
}

queue! {
    Flume, |capacity, ends| {
        let (tx, rx) = flume::bounded(capacity);
        cloned(ends, tx, rx)
    };
    push flume::Sender<T>: |tx, item| tx.try_send(item).is_ok();
    pop flume::Receiver<T>: |rx| rx.try_recv().ok();
}

queue! {
    Omango, |capacity, ends| {
        let (tx, rx) = omango::queue::mpmc::bounded(capacity as u32);
        cloned(ends, tx, rx)
    };
    push omango::queue::mpmc::BSender<T>: |tx, item| tx.try_send(item).is_ok();
    pop omango::queue::mpmc::BReceiver<T>: |rx| rx.try_recv().ok();
}

queue! {
    Gil, |capacity, ends| {
        let capacity = NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN);
        let (tx, rx) = gil::mpmc::channel(capacity);
        cloned(ends, tx, rx)
    };
    push gil::mpmc::Sender<T>: |tx, item| tx.try_send(item).is_ok();
    pop gil::mpmc::Receiver<T>: |rx| rx.try_recv();
}

queue! {
    Lfqueue, |capacity, ends| shared(ends, AllocBoundedQueue::new(capacity));
    push &'static AllocBoundedQueue<T>: |tx, item| tx.enqueue(item).is_ok();
    pop &'static AllocBoundedQueue<T>: |rx| rx.dequeue();
}

queue! {
    Nolock, |capacity, ends| {
        let (rx, tx) = scq::queue(capacity);
        let (tx, rx) = (shared(ends, tx).0, shared(ends, rx).0);
        (tx, rx)
    };
    push &'static scq::Sender<T>: |tx, item| tx.try_enqueue(item).is_ok();
    pop &'static scq::Receiver<T>: |rx| rx.try_dequeue().ok();
}

/// What people write who do not look for a queue.
struct Locked<T> {
    items: Mutex<VecDeque<T>>,
    capacity: usize,
}

impl<T> Locked<T> {
    fn new(capacity: usize) -> Self {
        Self { items: Mutex::new(VecDeque::with_capacity(capacity)), capacity }
    }

    #[inline(always)]
    fn push(&self, item: T) -> bool {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = items.len() < self.capacity;
        if has_room {
            items.push_back(item);
        }
        has_room
    }

    #[inline(always)]
    fn pop(&self) -> Option<T> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

queue! {
    StdMutex, |capacity, ends| shared(ends, Locked::new(capacity));
    push &'static Locked<T>: |tx, item| (**tx).push(item);
    pop &'static Locked<T>: |rx| (**rx).pop();
}
