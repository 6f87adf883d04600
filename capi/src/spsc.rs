//! The ring between one producer and one consumer, of words in memory of the caller's.

use core::mem::MaybeUninit;

use latchless::ring::SpscSliceRing;
use latchless::ring::spsc::{Consumer, Producer};

use crate::latchless_status::{self, Empty, Full, Invalid, Ok, Taken};
use crate::{exclusive, opaque, shared};

/// A ring in the caller's memory. C sees to it that this lasts.
pub(crate) type Ring = SpscSliceRing<'static, u64>;
type End<T> = MaybeUninit<T>;

opaque! {
    /// A ring of words (integers, or pointers) between one producer and one consumer.
    latchless_spsc = Ring, 512 aligned 128, LATCHLESS_SPSC_SIZE LATCHLESS_SPSC_ALIGN
}
opaque! {
    /// The end of a `struct latchless_spsc` that pushes. Move it while nobody uses it; never copy it.
    latchless_spsc_producer = Producer<&'static Ring>, 64 aligned 64, LATCHLESS_SPSC_PRODUCER_SIZE LATCHLESS_SPSC_PRODUCER_ALIGN
}
opaque! {
    /// The end of a `struct latchless_spsc` that pops. Move it while nobody uses it; never copy it.
    latchless_spsc_consumer = Consumer<&'static Ring>, 64 aligned 64, LATCHLESS_SPSC_CONSUMER_SIZE LATCHLESS_SPSC_CONSUMER_ALIGN
}

/// Makes a ring in place.
///
/// # Safety
///
/// - `place` is valid for writing a ring.
/// - `memory` is valid for `capacity` words as long as the ring is used, and used by nobody else.
#[inline]
pub(crate) unsafe fn make(place: *mut Ring, memory: *mut u64, capacity: usize) -> latchless_status {
    // SAFETY: the caller's word; what is there needs not be initialized.
    let memory = unsafe { core::slice::from_raw_parts_mut(memory.cast::<End<u64>>(), capacity) };
    let Result::Ok(ring) = Ring::in_slice(memory) else { return Invalid };
    // SAFETY: the caller's word.
    unsafe { place.write(ring) };
    Ok
}

/// Puts what was to be had in its place.
///
/// # Safety
///
/// `place` is valid for writing.
#[inline(always)]
pub(crate) unsafe fn hand_out<T>(place: *mut T, end: Option<T>) -> latchless_status {
    let Some(end) = end else { return Taken };
    // SAFETY: the caller's word.
    unsafe { place.write(end) };
    Ok
}

/// Makes an empty ring that keeps its words in `memory`: `capacity` of them, a power of two. For speed let
/// it start on a cache line.
///
/// Returns `INVALID` if `capacity` is no power of two.
///
/// **Progress** wait-free. **Context** any; nobody else uses the ring yet.
///
/// # Safety
///
/// See the crate; `memory` lasts as long as the ring, and nobody else uses it.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_spsc_init(
    ring: *mut latchless_spsc,
    memory: *mut u64,
    capacity: usize,
) -> latchless_status {
    // SAFETY: the caller's word.
    unsafe { make(ring.cast(), memory, capacity) }
}

/// Takes the end that pushes.
///
/// Returns `TAKEN` if somebody has it.
///
/// **Progress** wait-free. **Context** any.
///
/// # Safety
///
/// See the crate; the ring lasts until the end is released.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_spsc_take_producer(
    ring: *const latchless_spsc,
    producer: *mut latchless_spsc_producer,
) -> latchless_status {
    // SAFETY: the caller's word.
    let end = unsafe { shared(ring) }.try_producer();
    // SAFETY: the caller's word.
    unsafe { hand_out(producer.cast(), end) }
}

/// Takes the end that pops.
///
/// Returns `TAKEN` if somebody has it.
///
/// **Progress** wait-free. **Context** any.
///
/// # Safety
///
/// See the crate; the ring lasts until the end is released.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_spsc_take_consumer(
    ring: *const latchless_spsc,
    consumer: *mut latchless_spsc_consumer,
) -> latchless_status {
    // SAFETY: the caller's word.
    let end = unsafe { shared(ring) }.try_consumer();
    // SAFETY: the caller's word.
    unsafe { hand_out(consumer.cast(), end) }
}

/// Gives the end back, for others to take. What was pushed stays in the ring.
///
/// **Progress** wait-free. **Context** any; by whoever has the end, and once.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_spsc_release_producer(producer: *mut latchless_spsc_producer) {
    // SAFETY: the caller's word.
    unsafe { producer.cast::<Producer<&Ring>>().drop_in_place() };
}

/// Gives the end back, for others to take. What is in the ring stays there.
///
/// **Progress** wait-free. **Context** any; by whoever has the end, and once.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_spsc_release_consumer(consumer: *mut latchless_spsc_consumer) {
    // SAFETY: the caller's word.
    unsafe { consumer.cast::<Consumer<&Ring>>().drop_in_place() };
}

/// Appends `value`. What happened before happens before what follows the pop of it.
///
/// Returns `FULL` if there is no room.
///
/// **Progress** wait-free. **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_spsc_push(
    producer: *mut latchless_spsc_producer,
    value: u64,
) -> latchless_status {
    // SAFETY: the caller's word.
    match unsafe { exclusive(producer) }.push(value) {
        Result::Ok(()) => Ok,
        Err(_) => Full,
    }
}

/// Appends the first few of `values`, as many as there is room for, and shows them to the consumer by one
/// store. Returns how many.
///
/// **Progress** wait-free. **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate; `values` is valid for `count` words.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_spsc_push_many(
    producer: *mut latchless_spsc_producer,
    values: *const u64,
    count: usize,
) -> usize {
    // SAFETY: the caller's word.
    let values = unsafe { core::slice::from_raw_parts(values, count) };
    // SAFETY: the caller's word.
    unsafe { exclusive(producer) }.push_slice(values)
}

/// Returns how many pushes will succeed for certain.
///
/// **Progress** wait-free. **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_spsc_room(producer: *const latchless_spsc_producer) -> usize {
    // SAFETY: the caller's word.
    unsafe { shared(producer) }.slots()
}

/// Takes the oldest word out, to `value`.
///
/// Returns `EMPTY` if there is none.
///
/// **Progress** wait-free. **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_spsc_pop(
    consumer: *mut latchless_spsc_consumer,
    value: *mut u64,
) -> latchless_status {
    // SAFETY: the caller's word.
    let consumer = unsafe { exclusive(consumer) };
    let Some(popped) = consumer.pop() else { return Empty };
    // SAFETY: the caller's word.
    unsafe { value.write(popped) };
    Ok
}

/// Takes up to `count` words out, to `values`, and gives their room back by one store. Returns how many.
///
/// **Progress** wait-free. **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate; `values` is valid for `count` words.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_spsc_pop_many(
    consumer: *mut latchless_spsc_consumer,
    values: *mut u64,
    count: usize,
) -> usize {
    // SAFETY: the caller's word; what is there needs not be initialized.
    let values = unsafe { core::slice::from_raw_parts_mut(values.cast::<End<u64>>(), count) };
    // SAFETY: the caller's word.
    unsafe { exclusive(consumer) }.pop_slice_uninit(values)
}

/// Returns how many pops will succeed for certain.
///
/// **Progress** wait-free. **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_spsc_pending(consumer: *const latchless_spsc_consumer) -> usize {
    // SAFETY: the caller's word.
    unsafe { shared(consumer) }.len()
}

/// Whether nobody has the end that pushes. What was pushed is there still.
///
/// **Progress** wait-free. **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_spsc_is_abandoned(
    consumer: *const latchless_spsc_consumer,
) -> bool {
    // SAFETY: the caller's word.
    unsafe { shared(consumer) }.is_abandoned()
}
