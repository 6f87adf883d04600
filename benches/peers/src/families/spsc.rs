//! Rings for one producer and one consumer.

use std::num::NonZeroUsize;

use latchless::ring::SpscRing;
use latchless::ring::spsc::{Consumer, Producer};
use ringbuf::traits::{Consumer as _, Producer as _, Split as _};

use super::limit;
use super::queue::{self, Fixed, Item, Line, Pop, Push, Queue, entry, leak, one, queue};
use crate::case::{Payload, Shape};
use crate::contestant::{Contestant, Side};

pub(super) fn contestants() -> Vec<Contestant> {
    vec![
        entry!("latchless SpscRing", Ours, Latchless<const N>),
        entry!("rtrb", Rival, Rtrb),
        entry!("ringbuf", Rival, Ringbuf),
        entry!("heapless spsc", Rival, Heapless<const N>),
        entry!("nolock spsc", Rival, Nolock),
        entry!("ringbuffer-spsc", Rival, RingbufferSpsc),
        entry!("gil spsc", Rival, Gil),
        entry!("omango spsc", Rival, Omango),
        entry!("nexus-queue spsc", Rival, Nexus),
        Contestant::new("(limit) hand-off by halves", Side::Limit, limit::stream)
            .only(|case| matches!(case.shape, Shape::Stream(1) | Shape::Batch(_))),
        Contestant::new("(limit) cache line there and back", Side::Limit, limit::round_trip)
            .only(|case| case.shape == Shape::RoundTrip),
        Contestant::new("(limit) plain store and load", Side::Limit, limit::store_and_load)
            .only(|case| case.shape == Shape::Alone),
    ]
}

queue! {
    Latchless<const N>, |_| one(leak(SpscRing::<T, N>::new()).split());
    push Producer<&'static SpscRing<T, N>>: |tx, item| tx.push(item).is_ok();
    push_batch |tx, items| tx.push_slice(items);
    pop Consumer<&'static SpscRing<T, N>>: |rx| rx.pop();
    pop_batch |rx, places| rx.pop_slice(places);
}

queue! {
    Rtrb, |capacity, _| one(rtrb::RingBuffer::new(capacity));
    push rtrb::Producer<T>: |tx, item| tx.push(item).is_ok();
    push_batch |tx, items| tx.push_partial_slice(items).0.len();
    pop rtrb::Consumer<T>: |rx| rx.pop().ok();
    pop_batch |rx, places| rx.pop_partial_slice(places).0.len();
}

queue! {
    Ringbuf, |capacity, _| one(ringbuf::HeapRb::new(capacity).split());
    push ringbuf::HeapProd<T>: |tx, item| tx.try_push(item).is_ok();
    push_batch |tx, items| tx.push_slice(items);
    pop ringbuf::HeapCons<T>: |rx| rx.try_pop();
    pop_batch |rx, places| rx.pop_slice(places);
}

// One slot of it always stays empty.
queue! {
    Heapless<const N>, |_| one(leak(heapless::spsc::Queue::<T, N>::new()).split());
    push heapless::spsc::Producer<'static, T>: |tx, item| tx.enqueue(item).is_ok();
    pop heapless::spsc::Consumer<'static, T>: |rx| rx.dequeue();
}

queue! {
    Nolock, |capacity, _| {
        let (rx, tx) = nolock::queues::spsc::bounded::queue(capacity);
        one((tx, rx))
    };
    push nolock::queues::spsc::bounded::BoundedSender<T>: |tx, item| tx.try_enqueue(item).is_ok();
    pop nolock::queues::spsc::bounded::BoundedReceiver<T>: |rx| rx.try_dequeue().ok();
}

queue! {
    RingbufferSpsc, |capacity, _| one(ringbuffer_spsc::ringbuffer(capacity));
    push ringbuffer_spsc::RingBufferWriter<T>: |tx, item| tx.push(item).is_none();
    pop ringbuffer_spsc::RingBufferReader<T>: |rx| rx.pull();
}

queue! {
    Gil, |capacity, _| {
        let capacity = NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN);
        one(gil::spsc::channel(capacity))
    };
    push gil::spsc::Sender<T>: |tx, item| tx.try_send(item).is_ok();
    pop gil::spsc::Receiver<T>: |rx| rx.try_recv();
}

queue! {
    Omango, |capacity, _| one(omango::queue::spsc::bounded(capacity as u32));
    push omango::queue::spsc::BSender<T>: |tx, item| tx.try_send(item).is_ok();
    pop omango::queue::spsc::BReceiver<T>: |rx| rx.try_recv().ok();
}

queue! {
    Nexus, |capacity, _| one(nexus_queue::spsc::ring_buffer(capacity));
    push nexus_queue::spsc::Producer<T>: |tx, item| (*tx).push(item).is_ok();
    pop nexus_queue::spsc::Consumer<T>: |rx| (*rx).pop();
}
