//! One word that everybody adds to.
//!
//! # Layout
//!
//! ```text
//! [ value: u64 ]   8 bytes; pad it yourself (`CachePadded`) where neighbours are hot
//! ```
//!
//! # Invariants
//!
//! INV-1  The value is the sum of all additions less the sum of all subtractions and of what
//! `take` returned, modulo 2^64. Every operation is one instruction, so none is lost.
//!
//! # Edges
//!
//! None: every access is Relaxed. A count orders no other memory, and a reader may learn it before
//! it sees what was counted. Whoever needs that needs a ring or an atomic of his own.
//!
//! # Progress and complexity
//!
//! Every operation is wait-free: one instruction, no loop.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMIs.

use core::fmt;
use core::sync::atomic::Ordering::Relaxed;

use static_assertions::{assert_eq_size, assert_impl_all};

use crate::atomic::{AtomicU64, const_fn};

/// A wrapping count of 64 bits that any thread and any interrupt handler may add to.
///
/// 8 bytes, `const`-constructible in a `static`.
///
/// # Examples
///
/// ```
/// use latchless::counter::Counter;
///
/// static PACKETS: Counter = Counter::new();
///
/// fn interrupt_handler() {
///     PACKETS.inc(); // one `lock inc`
/// }
///
/// interrupt_handler();
/// PACKETS.add(2); // one `lock add`
/// assert_eq!(PACKETS.get(), 3);
/// ```
#[derive(Default)]
#[repr(transparent)]
pub struct Counter {
    value: AtomicU64,
}

assert_impl_all!(Counter: Send, Sync, Unpin);
assert_eq_size!(Counter, AtomicU64);

impl Counter {
    const_fn! {
        /// Creates a counter at zero.
        #[inline]
        pub const fn new() -> Self {
            Self::with_value(0)
        }
    }

    const_fn! {
        /// Creates a counter at `value`.
        #[inline]
        pub const fn with_value(value: u64) -> Self {
            Self { value: AtomicU64::new(value) }
        }
    }

    /// Adds one, wrapping past `u64::MAX`.
    ///
    /// **Progress** wait-free (one `lock inc`). **Context** any. **Ordering** none.
    #[inline]
    pub fn inc(&self) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.inc(Relaxed);
    }

    /// Adds `n`, wrapping past `u64::MAX`.
    ///
    /// **Progress** wait-free (one `lock add`). **Context** any. **Ordering** none.
    #[inline]
    pub fn add(&self, n: u64) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.add(n, Relaxed);
    }

    /// Subtracts one, wrapping past zero.
    ///
    /// **Progress** wait-free (one `lock dec`). **Context** any. **Ordering** none.
    #[inline]
    pub fn dec(&self) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.dec(Relaxed);
    }

    /// Subtracts `n`, wrapping past zero.
    ///
    /// **Progress** wait-free (one `lock sub`). **Context** any. **Ordering** none.
    #[inline]
    pub fn sub(&self, n: u64) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.sub(n, Relaxed);
    }

    /// Returns the count. Additions that run at the same time may or may not be in it; two calls
    /// of one thread with only additions in between never go backwards (but for wrapping).
    ///
    /// **Progress** wait-free (one `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn get(&self) -> u64 {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.load(Relaxed)
    }

    /// Returns the count and sets it to zero, in one step: no addition is lost or seen twice.
    ///
    /// **Progress** wait-free (one `xchg`). **Context** any. **Ordering** none.
    ///
    /// # Examples
    ///
    /// ```
    /// use latchless::counter::Counter;
    ///
    /// let bytes = Counter::with_value(1500);
    /// assert_eq!(bytes.take(), 1500); // this second's
    /// assert_eq!(bytes.get(), 0);
    /// ```
    #[inline]
    pub fn take(&self) -> u64 {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.swap(0, Relaxed)
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counter").field(&self.get()).finish()
    }
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
