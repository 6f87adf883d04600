//! The ring that every target has.

use core::mem::{ManuallyDrop, MaybeUninit};

use latchless::ring::spsc::{Consumer, Producer, PushBatch, ReadChunk, WriteChunk};
use latchless::ring::{Full, SpscRing, SpscSliceRing};

use crate::export;
use crate::values::{Dropped, SLOTS, value};

macro_rules! for_values {
    ($module:ident, $item:ty, $suffix:literal) => {
        mod $module {
            use super::*;

            type Item = $item;
            type Out = MaybeUninit<Item>;
            type Spsc = SpscRing<Item, SLOTS>;
            type Tx<'a> = Producer<&'a SpscRing<Item, SLOTS>>;
            type Rx<'a> = Consumer<&'a SpscRing<Item, SLOTS>>;
            type Chunk<C> = MaybeUninit<C>;
            type Slices<'c, I> = MaybeUninit<(&'c mut [I], &'c mut [I])>;
            type Batch = PushBatch<'static, &'static SpscRing<Item, SLOTS>>;
            type Ends<'a> = MaybeUninit<(Tx<'a>, Rx<'a>)>;

            export! { $suffix
                fn spsc_try_split(ring: &'static Spsc, out: &mut Ends<'static>) -> bool {
                    ring.try_split().map(|ends| out.write(ends)).is_some()
                }
                fn spsc_split(ring: &'static mut Spsc, out: &mut Ends<'static>) {
                    out.write(ring.split());
                }
                fn spsc_try_producer(ring: &'static Spsc, out: &mut MaybeUninit<Tx<'static>>) -> bool {
                    ring.try_producer().map(|end| out.write(end)).is_some()
                }
                fn spsc_try_consumer(ring: &'static Spsc, out: &mut MaybeUninit<Rx<'static>>) -> bool {
                    ring.try_consumer().map(|end| out.write(end)).is_some()
                }
                fn spsc_capacity(ring: &Spsc) -> usize { ring.capacity() }
                fn spsc_in_slice(
                    memory: &'static mut [Out; SLOTS],
                    out: &mut MaybeUninit<SpscSliceRing<'static, Item>>,
                ) -> bool {
                    SpscSliceRing::in_slice(memory).map(|ring| out.write(ring)).is_ok()
                }
                fn spsc_slice_drop(ring: &mut ManuallyDrop<SpscSliceRing<'static, Item>>) {
                    // SAFETY: the caller does not use the ring again.
                    unsafe { ManuallyDrop::drop(ring) };
                }
                fn spsc_slice_push(
                    tx: &mut Producer<&SpscSliceRing<'static, Item>>,
                    from: &mut Item,
                    rejected: &mut Out,
                ) -> bool {
                    tx.push(value(from)).map_err(|Full(back)| rejected.write(back)).is_ok()
                }
                fn spsc_slice_pop(
                    rx: &mut Consumer<&SpscSliceRing<'static, Item>>,
                    out: &mut Out,
                ) -> bool {
                    rx.pop().map(|value| out.write(value)).is_some()
                }
                fn spsc_slice_clear(rx: &mut Consumer<&SpscSliceRing<'static, Item>>) -> usize {
                    rx.clear()
                }
                fn producer_drop(tx: &mut Tx<'_>) { drop(value(tx)) }
                fn consumer_drop(rx: &mut Rx<'_>) { drop(value(rx)) }
                fn producer_is_abandoned(tx: &Tx<'_>) -> bool { tx.is_abandoned() }
                fn consumer_is_abandoned(rx: &Rx<'_>) -> bool { rx.is_abandoned() }
                fn producer_capacity(tx: &Tx<'_>) -> usize { tx.capacity() }
                fn consumer_capacity(rx: &Rx<'_>) -> usize { rx.capacity() }
                fn producer_batch(tx: &'static mut Tx<'static>, out: &mut MaybeUninit<Batch>) {
                    out.write(tx.batch());
                }
                fn batch_push(batch: &mut Batch, from: &mut Item, rejected: &mut Out) -> bool {
                    batch.push(value(from)).map_err(|Full(back)| rejected.write(back)).is_ok()
                }
                fn batch_flush(batch: &mut Batch) { batch.flush() }
                fn batch_drop(batch: &mut Batch) { drop(value(batch)) }
                fn batch_len(batch: &Batch) -> usize { batch.len() }
                fn batch_is_empty(batch: &Batch) -> bool { batch.is_empty() }
                fn spsc_drop(ring: &mut ManuallyDrop<Spsc>) {
                    // SAFETY: the caller does not use the ring again.
                    unsafe { ManuallyDrop::drop(ring) };
                }
                fn producer_push(tx: &mut Tx<'_>, from: &mut Item, rejected: &mut Out) -> bool {
                    tx.push(value(from)).map_err(|Full(back)| rejected.write(back)).is_ok()
                }
                fn producer_len(tx: &Tx<'_>) -> usize { tx.len() }
                fn producer_is_empty(tx: &Tx<'_>) -> bool { tx.is_empty() }
                fn producer_is_full(tx: &Tx<'_>) -> bool { tx.is_full() }
                fn producer_slots(tx: &Tx<'_>) -> usize { tx.slots() }
                fn consumer_pop(rx: &mut Rx<'_>, out: &mut Out) -> bool {
                    rx.pop().map(|value| out.write(value)).is_some()
                }
                fn consumer_peek(rx: &'static Rx<'static>) -> Option<&'static Item> { rx.peek() }
                fn consumer_peek_mut(rx: &'static mut Rx<'static>) -> Option<&'static mut Item> {
                    rx.peek_mut()
                }
                fn producer_write_chunk(
                    tx: &'static mut Tx<'static>,
                    count: usize,
                    out: &mut Chunk<WriteChunk<'static, &'static SpscRing<Item, SLOTS>>>,
                ) -> bool {
                    tx.write_chunk(count).map(|chunk| out.write(chunk)).is_ok()
                }
                fn producer_write_chunk_contiguous(
                    tx: &'static mut Tx<'static>,
                    most: usize,
                    out: &mut Chunk<WriteChunk<'static, &'static SpscRing<Item, SLOTS>>>,
                ) {
                    out.write(tx.write_chunk_contiguous(most));
                }
                fn producer_write_chunk_up_to(
                    tx: &'static mut Tx<'static>,
                    most: usize,
                    out: &mut Chunk<WriteChunk<'static, &'static SpscRing<Item, SLOTS>>>,
                ) {
                    out.write(tx.write_chunk_up_to(most));
                }
                fn producer_write_chunk_aligned(
                    tx: &'static mut Tx<'static>,
                    most: usize,
                    out: &mut Chunk<WriteChunk<'static, &'static SpscRing<Item, SLOTS>>>,
                ) -> bool {
                    tx.write_chunk_aligned::<64>(most).map(|chunk| out.write(chunk)).is_ok()
                }
                fn write_chunk_slices(
                    chunk: &'static mut WriteChunk<'_, &SpscRing<Item, SLOTS>>,
                    out: &mut Slices<'static, Out>,
                ) {
                    out.write(chunk.as_mut_slices());
                }
                fn write_chunk_commit(chunk: &mut WriteChunk<'_, &SpscRing<Item, SLOTS>>, count: usize) {
                    let count = count.min(chunk.len());
                    // SAFETY: the caller has written so many.
                    unsafe { value(chunk).commit(count) };
                }
                fn write_chunk_fill(
                    chunk: &mut WriteChunk<'_, &SpscRing<Item, SLOTS>>,
                    items: &'static mut [Item; SLOTS],
                ) -> usize {
                    value(chunk).fill_from_iter(items.iter_mut().map(value))
                }
                fn producer_push_iter_copies(
                    tx: &mut Tx<'_>,
                    items: &'static mut [Item; SLOTS],
                ) -> usize {
                    tx.push_iter(items.iter_mut().map(value))
                }
                fn consumer_read_chunk(
                    rx: &'static mut Rx<'static>,
                    count: usize,
                    out: &mut Chunk<ReadChunk<'static, &'static SpscRing<Item, SLOTS>>>,
                ) -> bool {
                    rx.read_chunk(count).map(|chunk| out.write(chunk)).is_ok()
                }
                fn consumer_read_chunk_contiguous(
                    rx: &'static mut Rx<'static>,
                    most: usize,
                    out: &mut Chunk<ReadChunk<'static, &'static SpscRing<Item, SLOTS>>>,
                ) {
                    out.write(rx.read_chunk_contiguous(most));
                }
                fn consumer_read_chunk_up_to(
                    rx: &'static mut Rx<'static>,
                    most: usize,
                    out: &mut Chunk<ReadChunk<'static, &'static SpscRing<Item, SLOTS>>>,
                ) {
                    out.write(rx.read_chunk_up_to(most));
                }
                fn consumer_read_chunk_aligned(
                    rx: &'static mut Rx<'static>,
                    most: usize,
                    out: &mut Chunk<ReadChunk<'static, &'static SpscRing<Item, SLOTS>>>,
                ) -> bool {
                    rx.read_chunk_aligned::<64>(most).map(|chunk| out.write(chunk)).is_ok()
                }
                fn read_chunk_slices(
                    chunk: &'static ReadChunk<'_, &SpscRing<Item, SLOTS>>,
                    out: &mut MaybeUninit<(&'static [Item], &'static [Item])>,
                ) {
                    out.write(chunk.as_slices());
                }
                fn read_chunk_mut_slices(
                    chunk: &'static mut ReadChunk<'_, &SpscRing<Item, SLOTS>>,
                    out: &mut Slices<'static, Item>,
                ) {
                    out.write(chunk.as_mut_slices());
                }
                fn read_chunk_commit(chunk: &mut ReadChunk<'_, &SpscRing<Item, SLOTS>>, count: usize) {
                    value(chunk).commit(count);
                }
                fn consumer_pop_iter_next(rx: &mut Rx<'_>, out: &mut Out) -> bool {
                    rx.pop_iter().next().map(|value| out.write(value)).is_some()
                }
                fn consumer_pop_iter_fold(rx: &mut Rx<'_>, out: &'static mut [Out; SLOTS]) {
                    let mut places = out.iter_mut();
                    rx.pop_iter().for_each(|value| {
                        if let Some(place) = places.next() {
                            place.write(value);
                        }
                    });
                }
                fn consumer_skip(rx: &mut Rx<'_>, most: usize) -> usize { rx.skip(most) }
                fn consumer_clear(rx: &mut Rx<'_>) -> usize { rx.clear() }
                fn consumer_pop_slice_uninit_copies(rx: &mut Rx<'_>, out: &mut [Out; SLOTS]) -> usize {
                    rx.pop_slice_uninit(out)
                }
                fn consumer_len(rx: &Rx<'_>) -> usize { rx.len() }
                fn consumer_is_empty(rx: &Rx<'_>) -> bool { rx.is_empty() }
                fn consumer_is_full(rx: &Rx<'_>) -> bool { rx.is_full() }
            }
        }
    };
}

for_values!(words, u64, "_u64");
for_values!(lines, [u64; 8], "_line");
for_values!(dropped, Dropped, "_dropped");

macro_rules! for_copied_values {
    ($module:ident, $item:ty, $suffix:literal) => {
        mod $module {
            use super::*;

            type Item = $item;
            type Tx<'a> = Producer<&'a SpscRing<Item, SLOTS>>;
            type Rx<'a> = Consumer<&'a SpscRing<Item, SLOTS>>;

            export! { $suffix
                fn producer_push_slice_copies(tx: &mut Tx<'_>, items: &[Item; SLOTS]) -> usize {
                    tx.push_slice(items)
                }
                fn producer_push_entire_slice_copies(
                    tx: &mut Tx<'_>,
                    items: &[Item; SLOTS],
                    count: usize,
                ) -> bool {
                    items.get(..count).is_some_and(|items| tx.push_entire_slice(items).is_ok())
                }
                fn producer_push_slice_cloned_copies(
                    tx: &mut Tx<'_>,
                    items: &[Item; SLOTS],
                ) -> usize {
                    tx.push_slice_cloned(items)
                }
                fn consumer_pop_slice_copies(rx: &mut Rx<'_>, places: &mut [Item; SLOTS]) -> usize {
                    rx.pop_slice(places)
                }
                fn consumer_pop_entire_slice_copies(
                    rx: &mut Rx<'_>,
                    places: &mut [Item; SLOTS],
                    count: usize,
                ) -> bool {
                    let places = places.get_mut(..count);
                    places.is_some_and(|places| rx.pop_entire_slice(places).is_ok())
                }
            }
        }
    };
}

for_copied_values!(copied_words, u64, "_u64");
for_copied_values!(copied_lines, [u64; 8], "_line");

mod bytes {
    use core::fmt::Write as _;

    use super::*;

    type Tx<'a> = Producer<&'a SpscRing<u8, SLOTS>>;

    export! { "_u8"
        fn producer_write_str_copies(tx: &mut Tx<'_>, text: &'static &'static str) -> bool {
            tx.write_str(text).is_ok()
        }
    }
}
