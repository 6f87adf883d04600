//! Rings for one producer and one consumer.

use std::iter;
use std::num::NonZeroUsize;
use std::ops::Range;

use latchless::ring::SpscRing;
use latchless::ring::spsc::{Consumer, Producer};
use ringbuf::traits::{Consumer as _, Producer as _, Raw as _, Split as _};
use rtrb::chunks::ChunkError;

use super::limit;
use super::queue::{
    self, Fixed, Item, Line, Pop, Push, Queue, add_up, add_up_slices, copy, entry, fill,
    fill_slots, leak, len, one, queue,
};
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
        entry!("yring", Rival, Yring),
        entry!("direct_ring_buffer", Rival, DirectRingBuffer),
        // A page of slots is its least; its memory comes from maps, which are not counted.
        entry!("cueue", Rival, Cueue)
            .only(|case| case.capacity >= PAGE && case.shape != Shape::Memory),
        Contestant::new("(limit) hand-off by halves", Side::Limit, limit::stream).only(|case| {
            matches!(case.shape, Shape::Stream(1) | Shape::Batch(_) | Shape::Chunk(_))
        }),
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
    push_chunk |tx, numbers| {
        let mut chunk = tx.write_chunk_up_to(len(&numbers));
        let count = fill_slots(chunk.as_mut_slices(), numbers);
        // SAFETY: as many were filled.
        unsafe { chunk.commit_all() };
        count
    };
    pop Consumer<&'static SpscRing<T, N>>: |rx| rx.pop();
    pop_batch |rx, places| rx.pop_slice(places);
    pop_chunk |rx, most, total| {
        let chunk = rx.read_chunk_up_to(most);
        let count = add_up_slices(chunk.as_slices(), most, total);
        chunk.commit_all();
        count
    };
}

queue! {
    Rtrb, |capacity, _| one(rtrb::RingBuffer::new(capacity));
    push rtrb::Producer<T>: |tx, item| tx.push(item).is_ok();
    push_batch |tx, items| tx.push_partial_slice(items).0.len();
    push_chunk |tx, numbers| {
        let mut chunk = match tx.write_chunk_uninit(len(&numbers)) {
            Ok(chunk) => chunk,
            Err(ChunkError::TooFewSlots(0)) => return 0,
            Err(ChunkError::TooFewSlots(vacant)) => {
                tx.write_chunk_uninit(vacant).expect("nobody else fills it")
            }
        };
        let count = fill_slots(chunk.as_mut_slices(), numbers);
        // SAFETY: as many were filled.
        unsafe { chunk.commit_all() };
        count
    };
    pop rtrb::Consumer<T>: |rx| rx.pop().ok();
    pop_batch |rx, places| rx.pop_partial_slice(places).0.len();
    pop_chunk |rx, most, total| {
        let chunk = match rx.read_chunk(most) {
            Ok(chunk) => chunk,
            Err(ChunkError::TooFewSlots(0)) => return 0,
            Err(ChunkError::TooFewSlots(there)) => {
                rx.read_chunk(there).expect("nobody else takes them")
            }
        };
        let count = add_up_slices(chunk.as_slices(), most, total);
        chunk.commit_all();
        count
    };
}

queue! {
    Ringbuf, |capacity, _| one(ringbuf::HeapRb::new(capacity).split());
    push ringbuf::HeapProd<T>: |tx, item| tx.try_push(item).is_ok();
    push_batch |tx, items| tx.push_slice(items);
    push_chunk |tx, numbers| {
        let count = fill_slots(tx.vacant_slices_mut(), numbers);
        if count > 0 {
            // SAFETY: as many slots were filled.
            unsafe { tx.advance_write_index(count) };
        }
        count
    };
    pop ringbuf::HeapCons<T>: |rx| rx.try_pop();
    pop_batch |rx, places| rx.pop_slice(places);
    pop_chunk |rx, most, total| {
        let count = add_up_slices(rx.as_slices(), most, total);
        if count > 0 {
            // SAFETY: as many were seen, and items need no drop.
            unsafe { rx.advance_read_index(count) };
        }
        count
    };
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
    push_batch |tx, items| {
        let slots = tx.write_buffer();
        let count = items.len().min(slots.len());
        for (slot, item) in slots.iter_mut().zip(items) {
            slot.write(*item);
        }
        if count > 0 {
            // SAFETY: as many slots were filled.
            unsafe { tx.commit(count) };
        }
        count
    };
    push_chunk |tx, numbers| {
        let count = fill_slots((tx.write_buffer(), &mut []), numbers);
        if count > 0 {
            // SAFETY: as many slots were filled.
            unsafe { tx.commit(count) };
        }
        count
    };
    pop gil::spsc::Receiver<T>: |rx| rx.try_recv();
    pop_batch |rx, places| rx.read_guard().copy_into(places);
    pop_chunk |rx, most, total| {
        let mut guard = rx.read_guard();
        let count = add_up_slices((guard.as_slice(), &[]), most, total);
        guard.advance(count);
        count
    };
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

// Its batches are any number of pushes before a flush, of pops before a release.
queue! {
    Yring, |capacity, _| one(yring::spsc(capacity));
    push yring::Producer<T>: |tx, item| tx.push_and_flush(item).is_ok();
    push_batch |tx, items| {
        let count = items.iter().take_while(|&&item| tx.push(item).is_ok()).count();
        if count > 0 {
            tx.flush();
        }
        count
    };
    push_chunk |tx, numbers| {
        let count = numbers.take_while(|&number| tx.push(T::of(number)).is_ok()).count();
        if count > 0 {
            tx.flush();
        }
        count
    };
    pop yring::Consumer<T>: |rx| rx.prefetch_and_pop();
    pop_batch |rx, places| {
        rx.prefetch();
        let items = iter::from_fn(|| rx.pop());
        let count = places.iter_mut().zip(items).map(|(place, item)| *place = item).count();
        if count > 0 {
            rx.release();
        }
        count
    };
    pop_chunk |rx, most, total| {
        rx.prefetch();
        let count = add_up(iter::from_fn(|| rx.pop()).take(most), total);
        if count > 0 {
            rx.release();
        }
        count
    };
}

queue! {
    DirectRingBuffer, |capacity, _| one(direct_ring_buffer::create_ring_buffer(capacity));
    push direct_ring_buffer::Producer<T>: |tx, item| tx.write_element(item);
    push_batch |tx, items| {
        let copy = |places: &mut [T], from: usize| {
            copy(items.get(from..).unwrap_or_default(), places)
        };
        tx.write_slices(copy, Some(items.len()))
    };
    push_chunk |tx, numbers| {
        let make = |places: &mut [T], from: usize| {
            fill(places, numbers.start + from as u64..numbers.end, |place, item| *place = item)
        };
        tx.write_slices(make, Some(len(&numbers)))
    };
    pop direct_ring_buffer::Consumer<T>: |rx| rx.read_element();
    pop_batch |rx, places| {
        let most = Some(places.len());
        let copy = |items: &[T], from: usize| {
            copy(items, places.get_mut(from..).unwrap_or_default())
        };
        rx.read_slices(copy, most)
    };
    pop_chunk |rx, most, total| {
        rx.read_slices(|items, _| add_up_slices((items, &[]), items.len(), total), Some(most))
    };
}

/// As many slots `cueue` has at least: the bytes of a page.
const PAGE: usize = 4096;

queue! {
    Cueue, |capacity, _| one(cueue::cueue(capacity).expect("memory can be mapped twice"));
    push cueue::Writer<T>: |tx, item| tx.push(item).is_ok();
    push_batch |tx, items| {
        let count = copy(items, tx.write_chunk());
        if count > 0 { tx.commit(count) } else { 0 }
    };
    pop cueue::Reader<T>: |rx| {
        let item = rx.limited_read_chunk(1).first().copied()?;
        rx.commit();
        Some(item)
    };
    pop_batch |rx, places| {
        let count = copy(rx.limited_read_chunk(places.len() as u64), places);
        if count > 0 {
            rx.commit();
        }
        count
    };
}
