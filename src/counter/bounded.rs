//! A count that never passes its limit: permits, credits, what may be under way at a time.
//!
//! # Layout
//!
//! ```text
//! [ used: u64 | limit: u64 ]   16 bytes; the limit never changes
//! ```
//!
//! # Invariants
//!
//! - INV-1  `used <= limit` at every moment, also in the middle of a call: who would pass the limit is
//!   refused before anything is written.
//! - INV-2  Nothing is released below zero: that is refused too.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | release: `used` | try_add: `used` | what was done under the permits that were given back |
//!
//! # Progress and complexity
//!
//! A compare-exchange loop: lock-free.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMIs.

use core::error::Error;
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use static_assertions::{assert_impl_all, const_assert_eq};

use crate::atomic::{AtomicU64, const_fn};

/// A count from zero to a limit: a semaphore that refuses instead of making wait.
///
/// 16 bytes, `const`-constructible in a `static`.
///
/// # Examples
///
/// ```
/// use latchless::counter::BoundedCounter;
///
/// static IN_FLIGHT: BoundedCounter = BoundedCounter::new(3);
///
/// let two = IN_FLIGHT.try_acquire(2).expect("three are free");
/// assert!(IN_FLIGHT.try_acquire(2).is_none());
/// drop(two);
/// assert_eq!(IN_FLIGHT.available(), 3);
/// ```
pub struct BoundedCounter {
    used: AtomicU64,
    limit: u64,
}

assert_impl_all!(BoundedCounter: Send, Sync, Unpin);
const_assert_eq!(size_of::<BoundedCounter>(), 16);

/// So many of a [`BoundedCounter`], given back on drop. Forgetting them keeps them.
pub struct Permits<'a> {
    counter: &'a BoundedCounter,
    count: u64,
}

/// It would have passed the limit, or gone below zero. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds;

// === impl BoundedCounter ===

impl BoundedCounter {
    const_fn! {
        /// Creates a counter at zero that goes up to `limit`.
        #[inline]
        pub const fn new(limit: u64) -> Self {
            Self { used: AtomicU64::new(0), limit }
        }
    }

    /// Returns the limit.
    #[inline]
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// Adds `n`.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1), one `lock cmpxchg` alone.
    /// **Ordering** what was done before the release of what is taken now happened before.
    ///
    /// # Errors
    ///
    /// It would pass the limit.
    #[inline]
    pub fn try_add(&self, n: u64) -> Result<(), OutOfBounds> {
        let more = |used: u64| used.checked_add(n).filter(|&sum| sum <= self.limit);
        // ORDERING: success Acquire, E1. Relaxed for the guesses.
        self.used.fetch_update(Acquire, Relaxed, more).map_or(Err(OutOfBounds), |_| Ok(()))
    }

    /// Subtracts `n`.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1), one `lock cmpxchg` alone.
    /// **Ordering** what was done before happens before whatever follows the next successful `try_add`.
    ///
    /// # Errors
    ///
    /// It would go below zero.
    #[inline]
    pub fn release(&self, n: u64) -> Result<(), OutOfBounds> {
        // ORDERING: success Release, E1. Relaxed for the guesses.
        let released = self.used.fetch_update(Release, Relaxed, |used| used.checked_sub(n));
        released.map_or(Err(OutOfBounds), |_| Ok(()))
    }

    /// Takes `n` permits, which go back when they are dropped; `None` if there are not so many.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1), one `lock cmpxchg` alone.
    /// **Ordering** that of [`try_add`](Self::try_add).
    #[inline]
    pub fn try_acquire(&self, n: u64) -> Option<Permits<'_>> {
        self.try_add(n).ok().map(|()| Permits { counter: self, count: n })
    }

    /// Returns the count, which others may change at any time. Never more than the limit.
    ///
    /// **Progress** wait-free (one `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn get(&self) -> u64 {
        // ORDERING: Relaxed; nothing follows from it.
        self.used.load(Relaxed)
    }

    /// Returns what the count is below its limit.
    ///
    /// **Progress** wait-free (one `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn available(&self) -> u64 {
        self.limit.saturating_sub(self.get())
    }
}

impl fmt::Debug for BoundedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedCounter")
            .field("used", &self.get())
            .field("limit", &self.limit)
            .finish()
    }
}

impl fmt::Display for BoundedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

// === impl Permits ===

impl Permits<'_> {
    /// Returns how many they are.
    #[inline]
    pub const fn count(&self) -> u64 {
        self.count
    }
}

/// Gives the permits back.
///
/// **Progress** lock-free. **Context** any. **Complexity** O(1), one `lock cmpxchg` alone. **Ordering**
/// that of [`BoundedCounter::release`].
impl Drop for Permits<'_> {
    #[inline]
    fn drop(&mut self) {
        // Refused only if somebody has released by hand what was not his.
        let _ = self.counter.release(self.count);
    }
}

impl fmt::Debug for Permits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permits").field(&self.count).finish()
    }
}

// === impl OutOfBounds ===

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the count would have left its bounds")
    }
}

impl Error for OutOfBounds {}
