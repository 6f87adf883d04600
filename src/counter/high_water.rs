//! The greatest value that anybody has seen.
//!
//! # Layout
//!
//! ```text
//! [ mark: u64 ]   8 bytes
//! ```
//!
//! # Invariants
//!
//! INV-1  The mark is the greatest value recorded since it was made or last taken, or zero. It only rises,
//! but for `take`.
//!
//! # Edges
//!
//! None: every access is Relaxed, as for [`Counter`](super::Counter).
//!
//! # Progress and complexity
//!
//! `record` of a value that is not above the mark is one load, wait-free; of one that is, a loop that
//! only those make longer who record values above the mark too: lock-free.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMIs.

use core::fmt;
use core::sync::atomic::Ordering::Relaxed;

use static_assertions::{assert_eq_size, assert_impl_all};

use crate::atomic::{AtomicU64, const_fn};

/// The greatest value recorded: the longest queue, the worst latency.
///
/// 8 bytes, `const`-constructible in a `static`.
///
/// # Examples
///
/// ```
/// use latchless::counter::HighWater;
///
/// static DEEPEST: HighWater = HighWater::new();
///
/// assert!(DEEPEST.record(7));
/// assert!(!DEEPEST.record(3)); // writes nothing
/// assert_eq!(DEEPEST.get(), 7);
/// ```
#[derive(Default)]
#[repr(transparent)]
pub struct HighWater {
    mark: AtomicU64,
}

assert_impl_all!(HighWater: Send, Sync, Unpin);
assert_eq_size!(HighWater, AtomicU64);

impl HighWater {
    const_fn! {
        /// Creates a mark at zero.
        #[inline]
        pub const fn new() -> Self {
            Self { mark: AtomicU64::new(0) }
        }
    }

    /// Raises the mark to `value` if it is lower. Returns whether it was.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1): one load, and a `lock cmpxchg` if the
    /// mark rises. **Ordering** none.
    #[inline]
    pub fn record(&self, value: u64) -> bool {
        // ORDERING: Relaxed; a mark publishes nothing.
        self.mark.fetch_update(Relaxed, Relaxed, |mark| (value > mark).then_some(value)).is_ok()
    }

    /// Returns the mark.
    ///
    /// **Progress** wait-free (one `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn get(&self) -> u64 {
        // ORDERING: Relaxed; a mark publishes nothing.
        self.mark.load(Relaxed)
    }

    /// Returns the mark and starts again at zero, in one step.
    ///
    /// **Progress** wait-free (one `xchg`). **Context** any. **Ordering** none.
    #[inline]
    pub fn take(&self) -> u64 {
        // ORDERING: Relaxed; a mark publishes nothing.
        self.mark.swap(0, Relaxed)
    }
}

impl fmt::Debug for HighWater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HighWater").field(&self.get()).finish()
    }
}

impl fmt::Display for HighWater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
