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

use latchless::atomic::AtomicU64;
use latchless::atomic::ordering::{Acquire, Relaxed, Release};

use crate::latchless_status::{self, Corrupt, Empty, Full, Invalid, Ok, TooSmall};
use crate::{exclusive, frame, opaque};

/// Where a ring is.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Place {
    tail: *const AtomicU64,
    head: *const AtomicU64,
    data: *mut u64,
    capacity: usize,
}

/// The writer's side.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Feed {
    place: Place,
    tail: u64,
    seen_head: u64,
}

/// The reader's side.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Reader {
    place: Place,
    head: u64,
    seen_tail: u64,
}

opaque! {
    /// The end that writes records for a reader who is not trusted. It is not shared with him.
    latchless_feed = Feed, 64 aligned 64, LATCHLESS_FEED_SIZE LATCHLESS_FEED_ALIGN
}
opaque! {
    /// The end that reads what a `struct latchless_feed` writes. The writer is trusted.
    latchless_feed_reader = Reader, 64 aligned 64, LATCHLESS_FEED_READER_SIZE LATCHLESS_FEED_READER_ALIGN
}

impl Place {
    /// The runs of words from `position` on, as far as the memory goes, and from its start.
    #[inline]
    fn runs(&self, position: u64) -> [(*mut u64, usize); 2] {
        let index = position as usize & (self.capacity - 1);
        // SAFETY: below the capacity, whatever the position.
        let first = unsafe { self.data.add(index) };
        [(first, self.capacity - index), (self.data, index)]
    }

    #[inline]
    fn tail<'a>(&self) -> &'a AtomicU64 {
        // SAFETY: what `init` was given, which lasts.
        unsafe { &*self.tail }
    }

    #[inline]
    fn head<'a>(&self) -> &'a AtomicU64 {
        // SAFETY: what `init` was given, which lasts.
        unsafe { &*self.head }
    }
}

impl Feed {
    /// Looks at the reader's position.
    #[inline]
    fn look(&mut self) -> latchless_status {
        // ORDERING: Acquire, E2. What is before `head` was read.
        let head = self.place.head().load(Acquire);
        if head.wrapping_sub(self.seen_head) > self.tail.wrapping_sub(self.seen_head) {
            return Corrupt;
        }
        self.seen_head = head;
        Ok
    }

    #[inline]
    fn vacant(&self) -> usize {
        // INV-1: no more than the capacity lies between.
        self.place.capacity - self.tail.wrapping_sub(self.seen_head) as usize
    }
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
    if !capacity.is_power_of_two() {
        return Invalid;
    }
    let place = Place { tail: tail.cast(), head: head.cast(), data, capacity };
    // ORDERING: Relaxed; nobody reads yet.
    place.head().store(0, Relaxed);
    // ORDERING: Relaxed; nobody reads yet.
    place.tail().store(0, Relaxed);
    // SAFETY: the caller's word.
    unsafe { feed.cast::<Feed>().write(Feed { place, tail: 0, seen_head: 0 }) };
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
    let Some(words) = frame::words(bytes).filter(|&words| words <= feed.place.capacity) else {
        return Invalid;
    };
    if feed.vacant() < words {
        if feed.look() == Corrupt {
            return Corrupt;
        }
        if feed.vacant() < words {
            return Full;
        }
    }
    // SAFETY: both runs are the whole ring, at least `words` words.
    unsafe { frame::write(feed.place.runs(feed.tail), data, bytes) };
    feed.tail = feed.tail.wrapping_add(words as u64);
    // ORDERING: Release, E1. Publishes the record.
    feed.place.tail().store(feed.tail, Release);
    Ok
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
    unsafe { exclusive(feed) }.look()
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
    if !capacity.is_power_of_two() {
        return Invalid;
    }
    let place = Place { tail: tail.cast(), head: head.cast(), data: data.cast_mut(), capacity };
    // ORDERING: Relaxed; only readers write it.
    let head = place.head().load(Relaxed);
    // SAFETY: the caller's word.
    unsafe { reader.cast::<Reader>().write(Reader { place, head, seen_tail: head }) };
    Ok
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
pub unsafe extern "C" fn latchless_feed_read(
    reader: *mut latchless_feed_reader,
    data: *mut u8,
    capacity: usize,
    bytes: *mut usize,
) -> latchless_status {
    // SAFETY: the caller's word.
    let reader = unsafe { exclusive(reader) };
    if reader.head == reader.seen_tail {
        // ORDERING: Acquire, E1. The records before `tail` are there.
        reader.seen_tail = reader.place.tail().load(Acquire);
        if reader.head == reader.seen_tail {
            return Empty;
        }
    }
    let runs = reader.place.runs(reader.head).map(|(run, words)| (run.cast_const(), words));
    // SAFETY: a run has at least one word where a position is.
    let length = unsafe { runs[0].0.read() } as usize;
    // SAFETY: the caller's word.
    unsafe { bytes.write(length) };
    if length > capacity {
        return TooSmall;
    }
    let Some(words) = frame::words(length).filter(|&words| words <= reader.place.capacity) else {
        return Corrupt;
    };
    // SAFETY: both runs are the whole ring, at least `words` words.
    unsafe { frame::read(runs, data, length) };
    reader.head = reader.head.wrapping_add(words as u64);
    // ORDERING: Release, E2. The reads of the record come before its words are written again.
    reader.place.head().store(reader.head, Release);
    Ok
}
