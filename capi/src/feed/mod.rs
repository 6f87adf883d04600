//! Records of bytes from a writer to a reader that it does not trust: from a kernel to a program that has mapped
//! the ring.
//!
//! # Layout
//!
//! ```text
//! feed          [ tail | head when last seen | where everything is ]   the writer's alone
//! shared, to    [ tail ] [ data: words, a power of two ]               written by the writer; map it read-only
//! shared, fro   [ head ]                                               written by the reader
//! feed_reader   [ head | tail when last seen | where everything is ]   the reader's alone
//! ```
//!
//! # Invariants
//!
//! - INV-1  Positions count words up and wrap; `0 <= tail - head <= capacity` for the writer's own copies of both,
//!   whatever is in the shared memory.
//! - INV-2  The writer reads one word of shared memory, `head`, and believes it only between the head that it saw
//!   last and its own tail. Each address that it writes to is made of its own tail and capacity.
//!
//! A reader that lies loses records, or gets none; it can do nothing else.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | write: `tail` | read: `tail` | the words of the records before it |
//! | E2 | read: `head` | write: `head` | that the words before it were read |
//!
//! # Progress
//!
//! Wait-free on both sides: no loop but that of the copy.

mod ends;

use latchless::atomic::AtomicU64;

use self::ends::{Lie, Reader, Span, Writer};
use crate::latchless_status::{self, Corrupt, Empty, Full, Invalid, Ok, TooSmall};
use crate::{exclusive, frame, opaque};

/// The writer's side. C sees to it that what it refers to lasts.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Feed {
    end: Writer<'static>,
    data: *mut u64,
}

/// The reader's side. C sees to it that what it refers to lasts.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct FeedReader {
    end: Reader<'static>,
    data: *const u64,
}

opaque! {
    /// The end that writes records for a reader who is not trusted. It is not shared with him.
    latchless_feed = Feed, 64 aligned 64, LATCHLESS_FEED_SIZE LATCHLESS_FEED_ALIGN
}
opaque! {
    /// The end that reads what a `struct latchless_feed` writes. The writer is trusted.
    latchless_feed_reader = FeedReader, 64 aligned 64, LATCHLESS_FEED_READER_SIZE LATCHLESS_FEED_READER_ALIGN
}

/// Spans of the ring as runs of its memory.
///
/// # Safety
///
/// The memory is at `data`, and the spans are within it.
#[inline]
unsafe fn runs(data: *const u64, spans: [Span; 2]) -> [frame::Run<*const u64>; 2] {
    // SAFETY: the caller's word.
    spans.map(|(index, words)| (unsafe { data.add(index) }, words))
}

/// Makes an empty feed with its records in `data`: `capacity` words, a power of two. `tail` is for both to read and
/// for this side to write, `head` for both to read and for the reader to write; both become 0. Keep them on cache
/// lines of their own, and what the reader may not write on pages that he may not write.
///
/// Returns `INVALID` if `capacity` is no power of two.
///
/// **Progress** wait-free. **Context** any; nobody else uses the feed yet.
///
/// # Safety
///
/// See the crate; `tail`, `head` and `data` last as long as the feed.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_feed_init(
    feed: *mut latchless_feed,
    tail: *mut u64,
    head: *mut u64,
    data: *mut u64,
    capacity: usize,
) -> latchless_status {
    // SAFETY: the caller's word.
    let tail = unsafe { &*tail.cast::<AtomicU64>() };
    // SAFETY: the caller's word.
    let head = unsafe { &*head.cast::<AtomicU64>() };
    let Some(end) = Writer::new(tail, head, capacity) else { return Invalid };
    // SAFETY: the caller's word.
    unsafe { feed.cast::<Feed>().write(Feed { end, data }) };
    Ok
}

/// Appends a record: a copy of `bytes` bytes, which may be none.
///
/// Returns `FULL` if there is no room now, `INVALID` if there never is, `CORRUPT` if the reader was to be asked
/// for room and said what he cannot mean. Nothing is written then; it may be tried again.
///
/// **Progress** wait-free, O(bytes). **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate; `data` is valid for `bytes` bytes.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_feed_write(
    feed: *mut latchless_feed,
    data: *const u8,
    bytes: usize,
) -> latchless_status {
    // SAFETY: the caller's word.
    let feed = unsafe { exclusive(feed) };
    let Some(words) = frame::words(bytes).filter(|&words| words <= feed.end.capacity()) else {
        return Invalid;
    };
    match feed.end.room(words) {
        Err(Lie) => return Corrupt,
        Result::Ok(room) if room < words => return Full,
        Result::Ok(_) => {}
    }
    // SAFETY: the spans are within the ring.
    let runs = unsafe { runs(feed.data, feed.end.spans(0)) };
    // SAFETY: both runs are the whole ring, at least `words` words.
    unsafe { frame::write(runs.map(|(run, words)| (run.cast_mut(), words)), data, bytes) };
    feed.end.publish(words);
    Ok
}

/// Appends the first few of `count` records, as many as there is room for, and shows them to the reader by one
/// store. Their bytes lie one after another at `data`, record n has `lengths[n]` of them. How many were appended goes
/// to `written`.
///
/// Returns `OK` if all were; otherwise what `latchless_feed_write` says of the first that was not.
///
/// **Progress** wait-free, O(bytes). **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate; `lengths` is valid for `count` lengths, and `data` for the sum of them.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_feed_write_many(
    feed: *mut latchless_feed,
    data: *const u8,
    lengths: *const usize,
    count: usize,
    written: *mut usize,
) -> latchless_status {
    // SAFETY: the caller's word.
    let feed = unsafe { exclusive(feed) };
    // SAFETY: the caller's word.
    let lengths = unsafe { core::slice::from_raw_parts(lengths, count) };
    let (mut data, mut total, mut done, mut status) = (data, 0, 0, Ok);
    for &bytes in lengths {
        let Some(words) = frame::words(bytes).filter(|&words| words <= feed.end.capacity()) else {
            status = Invalid;
            break;
        };
        match feed.end.room(total + words) {
            Err(Lie) => {
                status = Corrupt;
                break;
            }
            Result::Ok(room) if room < total + words => {
                status = Full;
                break;
            }
            Result::Ok(_) => {}
        }
        // SAFETY: the spans are within the ring.
        let runs = unsafe { runs(feed.data, feed.end.spans(total)) };
        // SAFETY: both runs are the whole ring, at least `words` words.
        unsafe { frame::write(runs.map(|(run, words)| (run.cast_mut(), words)), data, bytes) };
        // SAFETY: the caller's word; the next record is there, or the end.
        data = unsafe { data.add(bytes) };
        total += words;
        done += 1;
    }
    if total > 0 {
        feed.end.publish(total);
    }
    // SAFETY: the caller's word.
    unsafe { written.write(done) };
    status
}

/// Looks at what the reader says, without writing anything.
///
/// Returns `CORRUPT` if he cannot mean it.
///
/// **Progress** wait-free. **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_feed_check(feed: *mut latchless_feed) -> latchless_status {
    // SAFETY: the caller's word.
    match unsafe { exclusive(feed) }.end.look() {
        Result::Ok(()) => Ok,
        Err(Lie) => Corrupt,
    }
}

/// Makes the end that reads, where the reader before it has left off. The arguments are as for the writer; `tail`
/// and `data` may lie in memory that can only be read.
///
/// Returns `INVALID` if `capacity` is no power of two.
///
/// **Progress** wait-free. **Context** any; there is one reader at a time.
///
/// # Safety
///
/// See the crate; `tail`, `head` and `data` last as long as the reader.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_feed_reader_init(
    reader: *mut latchless_feed_reader,
    tail: *const u64,
    head: *mut u64,
    data: *const u64,
    capacity: usize,
) -> latchless_status {
    // SAFETY: the caller's word.
    let tail = unsafe { &*tail.cast::<AtomicU64>() };
    // SAFETY: the caller's word.
    let head = unsafe { &*head.cast::<AtomicU64>() };
    let Some(end) = Reader::new(tail, head, capacity) else { return Invalid };
    // SAFETY: the caller's word.
    unsafe { reader.cast::<FeedReader>().write(FeedReader { end, data }) };
    Ok
}

/// Takes the oldest record out, to `data`, and its length to `bytes`.
///
/// Returns `EMPTY` if there is none; `TOO_SMALL` if it has more than `capacity` bytes: it stays, and `bytes` says
/// how many; `CORRUPT` if what is there is no record.
///
/// **Progress** wait-free, O(bytes). **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate; `data` is valid for `capacity` bytes.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_feed_read(
    reader: *mut latchless_feed_reader,
    data: *mut u8,
    capacity: usize,
    bytes: *mut usize,
) -> latchless_status {
    // SAFETY: the caller's word.
    let reader = unsafe { exclusive(reader) };
    let pending = reader.end.pending();
    if pending == 0 {
        return Empty;
    }
    // SAFETY: the spans are within the ring.
    let runs = unsafe { runs(reader.data, reader.end.spans(0)) };
    // SAFETY: the first run has at least one word.
    let length = unsafe { runs[0].0.read() } as usize;
    // SAFETY: the caller's word.
    unsafe { bytes.write(length) };
    if length > capacity {
        return TooSmall;
    }
    let Some(words) = frame::words(length).filter(|&words| words <= pending) else {
        return Corrupt;
    };
    // SAFETY: both runs are the whole ring, at least `words` words.
    unsafe { frame::read(runs, data, length) };
    reader.end.release(words);
    Ok
}

/// Takes up to `count` records out, as long as the next one fits, to `data` one after another, and their lengths to
/// `lengths`; gives their room back by one store. Returns how many. `latchless_feed_read` says why there are none.
///
/// **Progress** wait-free, O(bytes). **Context** any; one call at a time on one end.
///
/// # Safety
///
/// See the crate; `data` is valid for `capacity` bytes, and `lengths` for `count` lengths.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_feed_read_many(
    reader: *mut latchless_feed_reader,
    data: *mut u8,
    capacity: usize,
    lengths: *mut usize,
    count: usize,
) -> usize {
    // SAFETY: the caller's word.
    let reader = unsafe { exclusive(reader) };
    let pending = reader.end.pending();
    let (mut filled, mut total, mut done) = (0, 0, 0);
    while done < count && total < pending {
        // SAFETY: the spans are within the ring.
        let runs = unsafe { runs(reader.data, reader.end.spans(total)) };
        // SAFETY: the first run has at least one word.
        let length = unsafe { runs[0].0.read() } as usize;
        let Some(words) = frame::words(length)
            .filter(|&words| words <= pending - total && length <= capacity - filled)
        else {
            break;
        };
        // SAFETY: within `capacity`, or at its end.
        let place = unsafe { data.add(filled) };
        // SAFETY: both runs are the whole ring, at least `words` words.
        unsafe { frame::read(runs, place, length) };
        // SAFETY: below `count`.
        let place = unsafe { lengths.add(done) };
        // SAFETY: the caller's word.
        unsafe { place.write(length) };
        filled += length;
        total += words;
        done += 1;
    }
    if total > 0 {
        reader.end.release(total);
    }
    done
}
