//! Numbers that never come twice.
//!
//! # Layout
//!
//! ```text
//! [ next: u64 ]   8 bytes; below 2^63 the next id, from there on there are no more
//! ```
//!
//! # Invariants
//!
//! - INV-1  Every id below `next` was given out, each once, and each is below 2^63.
//! - INV-2  Once it has passed 2^63, `next` stays there: each call adds less than 2^32, and those that find
//!   it so set it back to 2^63, so it would take 2^31 of them stopped in between to come round.
//!
//! # Edges
//!
//! None: ids are unique, and order nothing. Who draws a greater one need not have drawn it later than
//! another thread's smaller one happened; the ids of one thread rise.
//!
//! # Progress and complexity
//!
//! Wait-free: one `lock xadd`, for a block of ids as for one.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMIs.

use core::fmt;
use core::iter::FusedIterator;
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;

use static_assertions::{assert_eq_size, assert_impl_all};

use crate::atomic::{AtomicU64, const_fn};

/// Gives out ids, from 0 or where it is told to start, up to 2^63: at a billion a second, for 292 years.
///
/// 8 bytes, `const`-constructible in a `static`. After the last id it refuses; no id comes twice.
///
/// # Examples
///
/// ```
/// use latchless::counter::Sequence;
///
/// static IDS: Sequence = Sequence::new();
///
/// assert_eq!(IDS.next_id(), Some(0));
/// let mut mine = IDS.reserve(64).expect("there are enough"); // one `lock xadd` for all of them
/// assert_eq!(IDS.next_id(), Some(65));
/// assert_eq!((mine.next(), mine.next(), mine.len()), (Some(1), Some(2), 62));
/// ```
#[derive(Default)]
#[repr(transparent)]
pub struct Sequence {
    next: AtomicU64,
}

assert_impl_all!(Sequence: Send, Sync, Unpin);
assert_eq_size!(Sequence, AtomicU64);

/// Ids of one's own, as an iterator. Those that are not used are lost.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    ids: Range<u64>,
}

impl Sequence {
    /// The first number that is not an id any more.
    pub const END: u64 = 1 << 63;

    const_fn! {
        /// Creates a sequence that starts at 0.
        #[inline]
        pub const fn new() -> Self {
            Self::starting_at(0)
        }
    }

    const_fn! {
        /// Creates a sequence that starts at `first`; empty if that is [`END`](Self::END) or above.
        #[inline]
        pub const fn starting_at(first: u64) -> Self {
            let first = if first > Self::END { Self::END } else { first };
            Self { next: AtomicU64::new(first) }
        }
    }

    /// Returns an id that nobody else has got or will get; `None` if there is no more.
    ///
    /// **Progress** wait-free (one `lock xadd`). **Context** any. **Ordering** none.
    #[inline]
    pub fn next_id(&self) -> Option<u64> {
        self.draw(1)
    }

    /// Returns `count` ids in a row that nobody else has got or will get; `None` if there are not so many
    /// left, which then are lost.
    ///
    /// **Progress** wait-free (one `lock xadd`). **Context** any. **Ordering** none.
    #[inline]
    pub fn reserve(&self, count: u32) -> Option<Block> {
        let first = self.draw(count)?;
        Some(Block { ids: first..first + u64::from(count) })
    }

    /// Returns the id that comes next, if nobody else draws it before.
    ///
    /// **Progress** wait-free (one `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn peek(&self) -> Option<u64> {
        // ORDERING: Relaxed; nothing follows from it.
        let next = self.next.load(Relaxed);
        (next < Self::END).then_some(next)
    }

    /// The first of `count` ids.
    #[inline(always)]
    fn draw(&self, count: u32) -> Option<u64> {
        // ORDERING: Relaxed; an id orders nothing.
        let first = self.next.fetch_add(u64::from(count), Relaxed);
        if first < Self::END && u64::from(count) <= Self::END - first {
            return Some(first);
        }
        // ORDERING: Relaxed; it stays at or above the end whichever of these comes last (INV-2).
        self.next.store(Self::END, Relaxed);
        None
    }
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sequence").field(&self.peek()).finish()
    }
}

// === impl Block ===

impl Iterator for Block {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.ids.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        // Fewer than 2^32.
        let left = (self.ids.end - self.ids.start) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Block {}
impl FusedIterator for Block {}
