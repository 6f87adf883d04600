//! A count that is cheap to add to and cheap to read, and a little wrong for that, by a stated amount.
//!
//! Each cell collects up to a batch and then folds it into one word, which readers look at. It is the
//! idea of Linux's `percpu_counter`, without its lock.
//!
//! # Layout
//!
//! ```text
//! pair of lines 0      [ folded : i64 ]          what readers look at
//! pair of lines 1 + n  [ cell n : i64 ]          not yet folded
//! source                                         who counts in which cell (usually no bytes)
//! ```
//!
//! # Invariants
//!
//! - INV-1  `folded`, the cells, and what calls under way have taken out of a cell and not yet folded, sum
//!   up to the count, modulo 2^64.
//! - INV-2  Whoever brings a cell to `BATCH` or more, above or below zero, empties it before he returns. So
//!   when no call is under way every cell is less than `BATCH` away from zero.
//!
//! # How wrong an estimate is
//!
//! When no call is under way, by at most `MAX_ERROR = SHARDS * (BATCH - 1)` (INV-2). For each that is under
//! way, by one batch more, and by the amounts that are just being added. That is so for any number of
//! calls and threads, as long as the count itself stays within an `i64`.
//!
//! # Edges
//!
//! None: every access is Relaxed. A count orders no other memory.
//!
//! # Progress and complexity
//!
//! Additions are wait-free: one `lock xadd`, and once a batch an `xchg` and a `lock add` more. An estimate
//! is one load.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMIs. A thread that stops between the `xchg` and the `lock add`
//! keeps what it folds from all readers for that time.
//!
//! # References
//!
//! Linux, `lib/percpu_counter.c`.

use core::cmp::Ordering;
use core::fmt;
use core::sync::atomic::Ordering::Relaxed;

use static_assertions::{assert_impl_all, const_assert_eq};

use super::{ByCpu, ShardSource};
use crate::atomic::{AtomicI64, array, const_fn};
use crate::mem::{CachePadded, DESTRUCTIVE_BYTES};

/// A signed count in `SHARDS` cells that folds them into one word in batches of `BATCH`.
///
/// `SHARDS`: a power of two; `BATCH`: at least 1; both are checked at compile time. A batch of 1 makes every
/// estimate exact and every addition dear. `128 * (SHARDS + 1)` bytes, and those of the source;
/// `const`-constructible in a `static`. The count wraps; its error bound holds within an `i64`.
///
/// # Examples
///
/// ```
/// use core::cmp::Ordering;
/// use latchless::counter::BatchedCounter;
///
/// static FREE_BLOCKS: BatchedCounter<8, 32> = BatchedCounter::with_value(100_000);
///
/// FREE_BLOCKS.sub(3);
/// assert!(FREE_BLOCKS.estimate().abs_diff(99_997) <= FREE_BLOCKS.max_error()); // one load
/// assert_eq!(FREE_BLOCKS.compare(500), Ordering::Greater); // one load: far away
/// assert_eq!(FREE_BLOCKS.compare(99_998), Ordering::Less); // near: all cells
/// assert_eq!(FREE_BLOCKS.sum(), 99_997);
/// ```
pub struct BatchedCounter<const SHARDS: usize, const BATCH: u32, S = ByCpu> {
    folded: CachePadded<AtomicI64>,
    cells: [CachePadded<AtomicI64>; SHARDS],
    source: S,
}

assert_impl_all!(BatchedCounter<2, 8>: Send, Sync, Unpin);
const_assert_eq!(size_of::<BatchedCounter<4, 8>>(), 5 * DESTRUCTIVE_BYTES);

impl<const SHARDS: usize, const BATCH: u32> BatchedCounter<SHARDS, BATCH> {
    const_fn! {
        /// Creates a counter at zero; everybody counts in the cell of his CPU.
        #[inline]
        pub const fn new() -> Self {
            Self::with_value(0)
        }
    }

    const_fn! {
        /// Creates a counter at `value`; everybody counts in the cell of his CPU.
        #[inline]
        pub const fn with_value(value: i64) -> Self {
            Self::with_source(ByCpu, value)
        }
    }
}

impl<const SHARDS: usize, const BATCH: u32, S> BatchedCounter<SHARDS, BATCH, S> {
    const VALID_SHARDS: () = assert!(SHARDS.is_power_of_two(), "SHARDS must be a power of two");
    const VALID_BATCH: () = assert!(BATCH > 0, "BATCH must be at least 1");
    /// How far an estimate may be from the count when no call is under way.
    pub const MAX_ERROR: u64 = SHARDS as u64 * (BATCH as u64 - 1);

    const_fn! {
        /// Creates a counter at `value`; everybody counts in the cell that `source` says.
        #[inline]
        pub const fn with_source(source: S, value: i64) -> Self {
            const { Self::VALID_SHARDS };
            const { Self::VALID_BATCH };
            Self {
                folded: CachePadded::new(AtomicI64::new(value)),
                cells: array![CachePadded::new(AtomicI64::new(0)); SHARDS],
                source,
            }
        }
    }

    /// Returns [`MAX_ERROR`](Self::MAX_ERROR), for those who have a counter at hand and not its type.
    #[inline]
    pub const fn max_error(&self) -> u64 {
        Self::MAX_ERROR
    }

    /// Adds `n` in the cell of that number modulo `SHARDS`.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1): one `lock xadd`, and with a full batch
    /// an `xchg` and a `lock add`. **Ordering** none.
    #[inline]
    pub fn add_at(&self, number: usize, n: i64) {
        let Some(cell) = self.cells.get(number & (SHARDS - 1)) else { return };
        // ORDERING: Relaxed; a count publishes nothing.
        if cell.add_fetch(n, Relaxed).unsigned_abs() >= u64::from(BATCH) {
            self.fold(cell);
        }
    }

    /// Returns the count, but for [`MAX_ERROR`](Self::MAX_ERROR) and what calls under way have in hand.
    ///
    /// **Progress** wait-free (one `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn estimate(&self) -> i64 {
        // ORDERING: Relaxed; a count publishes nothing.
        self.folded.load(Relaxed)
    }

    /// Returns the count, exact when no call is under way. Of those at the same time each may be in it, in
    /// part if it folds, or twice.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(`SHARDS`), no locked instruction.
    /// **Ordering** none.
    #[inline]
    pub fn sum(&self) -> i64 {
        // ORDERING: Relaxed; a count publishes nothing.
        let cells = self.cells.iter().map(|cell| cell.load(Relaxed));
        cells.fold(self.estimate(), i64::wrapping_add)
    }

    /// Compares the count with `limit`: by the estimate if that is further away than its error, or else by
    /// the [`sum`](Self::sum).
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** one load, or O(`SHARDS`) near the limit.
    /// **Ordering** none.
    #[inline]
    pub fn compare(&self, limit: i64) -> Ordering {
        let estimate = self.estimate();
        if estimate.abs_diff(limit) > Self::MAX_ERROR {
            return estimate.cmp(&limit);
        }
        self.sum().cmp(&limit)
    }

    #[inline]
    fn fold(&self, cell: &AtomicI64) {
        // ORDERING: Relaxed, both; a count publishes nothing. All that is in the cell is taken, so that
        // nobody takes the same again (INV-1).
        let batch = cell.swap(0, Relaxed);
        self.folded.add(batch, Relaxed);
    }
}

impl<const SHARDS: usize, const BATCH: u32, S: ShardSource> BatchedCounter<SHARDS, BATCH, S> {
    /// Adds one. As [`add`](Self::add).
    ///
    /// **Progress** wait-free, as its source is. **Context** any, as its source. **Ordering** none.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Subtracts one. As [`add`](Self::add).
    ///
    /// **Progress** wait-free, as its source is. **Context** any, as its source. **Ordering** none.
    #[inline]
    pub fn dec(&self) {
        self.add(-1);
    }

    /// Adds `n`, wrapping.
    ///
    /// **Progress** wait-free, as its source is. **Context** any, as its source. **Complexity** O(1): one
    /// `lock xadd`, and with a full batch an `xchg` and a `lock add`. **Ordering** none.
    #[inline]
    pub fn add(&self, n: i64) {
        self.add_at(self.source.shard_below(SHARDS), n);
    }

    /// Subtracts `n`, wrapping. As [`add`](Self::add).
    ///
    /// **Progress** wait-free, as its source is. **Context** any, as its source. **Ordering** none.
    #[inline]
    pub fn sub(&self, n: i64) {
        self.add(n.wrapping_neg());
    }
}

impl<const SHARDS: usize, const BATCH: u32, S: Default> Default
    for BatchedCounter<SHARDS, BATCH, S>
{
    fn default() -> Self {
        Self::with_source(S::default(), 0)
    }
}

impl<const SHARDS: usize, const BATCH: u32, S> fmt::Debug for BatchedCounter<SHARDS, BATCH, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BatchedCounter").field(&self.sum()).finish()
    }
}

impl<const SHARDS: usize, const BATCH: u32, S> fmt::Display for BatchedCounter<SHARDS, BATCH, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sum().fmt(f)
    }
}
