//! One word that goes up and down, below zero too.
//!
//! # Layout
//!
//! ```text
//! [ value: i64 ]   8 bytes; pad it yourself (`CachePadded`) where neighbours are hot
//! ```
//!
//! # Invariants
//!
//! INV-1  The value is the sum of all additions less the sum of all subtractions and of what `take`
//! returned, modulo 2^64, read as two's complement. Every operation is one instruction.
//!
//! # Edges
//!
//! None, as for [`Counter`](super::Counter).
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

use crate::atomic::{AtomicI64, const_fn};

/// A wrapping count of 64 bits that any thread and any interrupt handler may raise and lower: what is
/// under way, queued or owed.
///
/// 8 bytes, `const`-constructible in a `static`. It wraps past `i64::MAX` and `i64::MIN`.
///
/// # Examples
///
/// ```
/// use latchless::counter::SignedCounter;
///
/// static BALANCE: SignedCounter = SignedCounter::new();
///
/// BALANCE.add(5);
/// BALANCE.sub(7);
/// assert_eq!(BALANCE.get(), -2);
/// ```
#[derive(Default)]
#[repr(transparent)]
pub struct SignedCounter {
    value: AtomicI64,
}

assert_impl_all!(SignedCounter: Send, Sync, Unpin);
assert_eq_size!(SignedCounter, AtomicI64);

impl SignedCounter {
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
        pub const fn with_value(value: i64) -> Self {
            Self { value: AtomicI64::new(value) }
        }
    }

    /// Adds one, wrapping.
    ///
    /// **Progress** wait-free (one `lock inc`). **Context** any. **Ordering** none.
    #[inline]
    pub fn inc(&self) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.inc(Relaxed);
    }

    /// Subtracts one, wrapping.
    ///
    /// **Progress** wait-free (one `lock dec`). **Context** any. **Ordering** none.
    #[inline]
    pub fn dec(&self) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.dec(Relaxed);
    }

    /// Adds `n`, wrapping.
    ///
    /// **Progress** wait-free (one `lock add`). **Context** any. **Ordering** none.
    #[inline]
    pub fn add(&self, n: i64) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.add(n, Relaxed);
    }

    /// Subtracts `n`, wrapping.
    ///
    /// **Progress** wait-free (one `lock sub`). **Context** any. **Ordering** none.
    #[inline]
    pub fn sub(&self, n: i64) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.sub(n, Relaxed);
    }

    /// Returns the count. Calls that run at the same time may or may not be in it.
    ///
    /// **Progress** wait-free (one `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn get(&self) -> i64 {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.load(Relaxed)
    }

    /// Returns the count and sets it to zero, in one step.
    ///
    /// **Progress** wait-free (one `xchg`). **Context** any. **Ordering** none.
    #[inline]
    pub fn take(&self) -> i64 {
        // ORDERING: Relaxed; a count publishes nothing.
        self.value.swap(0, Relaxed)
    }
}

impl fmt::Debug for SignedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignedCounter").field(&self.get()).finish()
    }
}

impl fmt::Display for SignedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
