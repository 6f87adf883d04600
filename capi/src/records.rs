//! Records of bytes between one writer and one reader, in memory of the caller's.

use latchless::ring::spsc::{Consumer, Producer};

use crate::latchless_status::{self, Empty, Full, Invalid, Ok, TooSmall};
use crate::spsc::{Ring, hand_out, make};
use crate::{exclusive, frame, opaque, shared};

opaque! {
    /// A ring of records, each of any number of bytes, between one writer and one reader.
    latchless_records = Ring, 512 aligned 128, LATCHLESS_RECORDS_SIZE LATCHLESS_RECORDS_ALIGN
}
opaque! {
    /// The end of a `struct latchless_records` that writes. Move it while nobody uses it; never copy it.
    latchless_records_writer = Producer<&'static Ring>, 64 aligned 64, LATCHLESS_RECORDS_WRITER_SIZE LATCHLESS_RECORDS_WRITER_ALIGN
}
opaque! {
    /// The end of a `struct latchless_records` that reads. Move it while nobody uses it; never copy it.
    latchless_records_reader = Consumer<&'static Ring>, 64 aligned 64, LATCHLESS_RECORDS_READER_SIZE LATCHLESS_RECORDS_READER_ALIGN
}

/// Makes an empty ring that keeps its records in `memory`: `capacity` words, a power of two. A record takes 8
/// bytes beside its own, rounded up to 8.
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
pub unsafe extern "C" fn latchless_records_init(
    ring: *mut latchless_records,
    memory: *mut u64,
    capacity: usize,
) -> latchless_status {
    // SAFETY: the caller's word.
    unsafe { make(ring.cast(), memory, capacity) }
}

/// Takes the end that writes.
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
pub unsafe extern "C" fn latchless_records_take_writer(
    ring: *const latchless_records,
    writer: *mut latchless_records_writer,
) -> latchless_status {
    // SAFETY: the caller's word.
    let end = unsafe { shared(ring) }.try_producer();
    // SAFETY: the caller's word.
    unsafe { hand_out(writer.cast(), end) }
}

/// Takes the end that reads.
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
pub unsafe extern "C" fn latchless_records_take_reader(
    ring: *const latchless_records,
    reader: *mut latchless_records_reader,
) -> latchless_status {
    // SAFETY: the caller's word.
    let end = unsafe { shared(ring) }.try_consumer();
    // SAFETY: the caller's word.
    unsafe { hand_out(reader.cast(), end) }
}

/// Gives the end back, for others to take. What was written stays in the ring.
///
/// **Progress** wait-free. **Context** any; by whoever has the end, and once.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_records_release_writer(writer: *mut latchless_records_writer) {
    // SAFETY: the caller's word.
    unsafe { writer.cast::<Producer<&Ring>>().drop_in_place() };
}

/// Gives the end back, for others to take. What is in the ring stays there.
///
/// **Progress** wait-free. **Context** any; by whoever has the end, and once.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_records_release_reader(reader: *mut latchless_records_reader) {
    // SAFETY: the caller's word.
    unsafe { reader.cast::<Consumer<&Ring>>().drop_in_place() };
}

/// Appends a record: a copy of `bytes` bytes, which may be none.
///
/// Returns `FULL` if there is no room now, `INVALID` if there never is.
///
/// **Progress** wait-free, O(bytes). **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate; `data` is valid for `bytes` bytes.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_records_write(
    writer: *mut latchless_records_writer,
    data: *const u8,
    bytes: usize,
) -> latchless_status {
    // SAFETY: the caller's word.
    let producer = unsafe { exclusive(writer) };
    let Some(words) = frame::words(bytes).filter(|&words| words <= producer.capacity()) else {
        return Invalid;
    };
    let Result::Ok(mut chunk) = producer.write_chunk(words) else { return Full };
    let (first, second) = chunk.as_mut_slices();
    let runs = [first, second].map(|run| (run.as_mut_ptr().cast::<u64>(), run.len()));
    // SAFETY: the chunk has `words` words, at least one, and the first run is the one that is filled first.
    unsafe { frame::write(runs, data, bytes) };
    // SAFETY: they were written, but for what is behind the last byte, which nobody reads.
    unsafe { chunk.commit_all() };
    Ok
}

/// Appends the first few of `count` records, as many as there is room for, and shows them to the reader by one
/// store. Their bytes lie one after another at `data`, record n has `lengths[n]` of them. Returns how many.
///
/// **Progress** wait-free, O(bytes). **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate; `lengths` is valid for `count` lengths, and `data` for the sum of them.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_records_write_many(
    writer: *mut latchless_records_writer,
    data: *const u8,
    lengths: *const usize,
    count: usize,
) -> usize {
    // SAFETY: the caller's word.
    let producer = unsafe { exclusive(writer) };
    // SAFETY: the caller's word.
    let lengths = unsafe { core::slice::from_raw_parts(lengths, count) };
    let mut chunk = producer.write_chunk_up_to(usize::MAX);
    let (first, second) = chunk.as_mut_slices();
    let room = first.len() + second.len();
    let runs = [first, second].map(|run| (run.as_mut_ptr().cast::<u64>().cast_const(), run.len()));
    let (mut data, mut total, mut done) = (data, 0, 0);
    for &bytes in lengths {
        let Some(words) = frame::words(bytes).filter(|&words| words <= room - total) else { break };
        // SAFETY: so many words are in the chunk.
        let rest = unsafe { frame::skip(runs, total) };
        // SAFETY: `words` words are left, at least one.
        unsafe { frame::write(rest.map(|(run, words)| (run.cast_mut(), words)), data, bytes) };
        // SAFETY: the caller's word; the next record is there, or the end.
        data = unsafe { data.add(bytes) };
        total += words;
        done += 1;
    }
    // SAFETY: they were written, but for what is behind the last byte of each, which nobody reads.
    unsafe { chunk.commit(total) };
    done
}

/// Takes the oldest record out, to `data`, and its length to `bytes`.
///
/// Returns `EMPTY` if there is none; `TOO_SMALL` if it has more than `capacity` bytes: it stays, and `bytes` says
/// how many.
///
/// **Progress** wait-free, O(bytes). **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate; `data` is valid for `capacity` bytes.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_records_read(
    reader: *mut latchless_records_reader,
    data: *mut u8,
    capacity: usize,
    bytes: *mut usize,
) -> latchless_status {
    // SAFETY: the caller's word.
    let consumer = unsafe { exclusive(reader) };
    let Some(&length) = consumer.peek() else { return Empty };
    let length = length as usize;
    // SAFETY: the caller's word.
    unsafe { bytes.write(length) };
    if length > capacity {
        return TooSmall;
    }
    // A record is shown by one store, so all of it is there.
    let Some(words) = frame::words(length) else { return Invalid };
    let Result::Ok(chunk) = consumer.read_chunk(words) else { return Invalid };
    let (first, second) = chunk.as_slices();
    let runs = [first, second].map(|run| (run.as_ptr(), run.len()));
    // SAFETY: the chunk has `words` words, at least one, and the first run is the one that was filled first.
    unsafe { frame::read(runs, data, length) };
    chunk.commit_all();
    Ok
}

/// Takes up to `count` records out, as long as the next one fits, to `data` one after another, and their lengths to
/// `lengths`; gives their room back by one store. Returns how many. `latchless_records_read` says why there are none.
///
/// **Progress** wait-free, O(bytes). **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate; `data` is valid for `capacity` bytes, and `lengths` for `count` lengths.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_records_read_many(
    reader: *mut latchless_records_reader,
    data: *mut u8,
    capacity: usize,
    lengths: *mut usize,
    count: usize,
) -> usize {
    // SAFETY: the caller's word.
    let consumer = unsafe { exclusive(reader) };
    let chunk = consumer.read_chunk_up_to(usize::MAX);
    let (first, second) = chunk.as_slices();
    let pending = first.len() + second.len();
    let runs = [first, second].map(|run| (run.as_ptr(), run.len()));
    let (mut filled, mut total, mut done) = (0, 0, 0);
    while done < count && total < pending {
        // SAFETY: so many words are in the chunk.
        let rest = unsafe { frame::skip(runs, total) };
        // SAFETY: a word is left.
        let length = unsafe { rest[0].0.read() } as usize;
        if length > capacity - filled {
            break;
        }
        // A record is shown by one store, so all of it is there.
        let Some(words) = frame::words(length).filter(|&words| words <= pending - total) else {
            break;
        };
        // SAFETY: within `capacity`, or at its end.
        let place = unsafe { data.add(filled) };
        // SAFETY: `words` words are left, at least one.
        unsafe { frame::read(rest, place, length) };
        // SAFETY: below `count`.
        let place = unsafe { lengths.add(done) };
        // SAFETY: the caller's word.
        unsafe { place.write(length) };
        filled += length;
        total += words;
        done += 1;
    }
    chunk.commit(total);
    done
}

/// Returns whether a record can be read now.
///
/// **Progress** wait-free. **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_records_are_pending(
    reader: *const latchless_records_reader,
) -> bool {
    // SAFETY: the caller's word.
    !unsafe { shared(reader) }.is_empty()
}
