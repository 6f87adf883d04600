//! How many hold a thing, for those who must not be wrong about it.
//!
//! A plain count of references that wraps frees what is still in use: who can make it wrap owns the
//! memory. This one stops instead. Every mistake, from zero, below zero or past the end, parks it at a
//! value far from all others, where it stays: the thing leaks, and is never freed too early.
//!
//! # Layout
//!
//! ```text
//! [ count: u32 ]   4 bytes
//!
//! 0                     nobody holds it: it is free, or about to be
//! 1 ..= 0x7fff_ffff     so many hold it
//! 0xc000_0000           parked; as is all with the top bit set, for the moment between two steps
//! ```
//!
//! # Invariants
//!
//! - INV-1  A count with its top bit set never loses it: `inc` and `dec_and_test` change it by one and
//!   then park it again, and it would take 2^30 of them stopped in between to reach either end. All other
//!   calls look before they change it.
//!   One mistake is seen too late, here as in Linux: between the step of an `inc` from zero and its
//!   parking, somebody who gives up a hold that he does not have may find it zero a second time.
//! - INV-2  The calls that give up holds find by their own step whether they were the last, so exactly
//!   one does.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | each release of a hold: `count` | the last one: `count` | that nobody uses the thing any more |
//!
//! Taking a hold orders nothing: who takes one has one already, or got to the thing by a way that orders
//! (`inc_not_zero`).
//!
//! # Progress and complexity
//!
//! `inc` and `dec_and_test` are wait-free, one `lock xadd` each. The others look first, in a
//! compare-exchange loop: lock-free.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMIs; a [`Report`] runs in the context of the mistake.
//!
//! # References
//!
//! Linux, `include/linux/refcount.h`, for the meaning of each call and of saturation, and
//! `Documentation/core-api/refcount-vs-atomic.rst` for the orderings; its `lkdtm` tests, for what
//! `tests/counter/refcount.rs` checks.

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use static_assertions::{assert_eq_size, assert_impl_all};

use crate::atomic::{AtomicU32, const_fn};

/// A count of references that parks where others wrap.
///
/// 4 bytes, `const`-constructible in a `static`. At most [`MAX`](RefCount::MAX) hold a thing. `R` is told of
/// mistakes; without it they only park the count, which [`is_saturated`](Self::is_saturated) tells.
///
/// # Examples
///
/// ```
/// use latchless::counter::RefCount;
///
/// let holders = RefCount::new();
/// holders.inc();
/// assert!(!holders.dec_and_test());
/// assert!(holders.dec_and_test()); // the last one: free the thing
///
/// assert!(!holders.inc_not_zero()); // too late for a lookup
/// holders.inc(); // a mistake, and not a second life
/// assert!(holders.is_saturated() && !holders.dec_and_test());
/// ```
#[repr(transparent)]
pub struct RefCount<R = Silent> {
    count: AtomicU32,
    report: PhantomData<fn() -> R>,
}

assert_impl_all!(RefCount: Send, Sync, Unpin);
assert_eq_size!(RefCount, AtomicU32);

/// What was done wrong with a [`RefCount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Misuse {
    /// A hold was taken past [`RefCount::MAX`], or of a count that is parked.
    Overflow,
    /// A hold was taken of what nobody held: it may have been freed.
    FromZero,
    /// A hold was given up that nobody had, or of a count that is parked.
    Underflow,
    /// The last hold was given up by a call that does not tell.
    Leak,
}

/// Is told of mistakes with a [`RefCount`], in the context of whoever makes them.
///
/// # Examples
///
/// ```
/// use latchless::counter::refcount::{Misuse, RefCount, Report};
///
/// struct Warn;
///
/// impl Report for Warn {
///     fn report(misuse: Misuse) {
///         eprintln!("reference count: {misuse}");
///     }
/// }
///
/// let holders = RefCount::<Warn>::reporting(1);
/// assert!(holders.dec_and_test());
/// holders.inc(); // "reference count: a hold was taken of what nobody held"
/// ```
pub trait Report {
    /// A mistake was made, and the count is parked.
    fn report(misuse: Misuse);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Report for Silent {
    #[inline]
    fn report(_: Misuse) {}
}

/// What is above it is parked.
const MAX: u32 = i32::MAX as u32;
/// Far from both ends of what has the top bit set.
const PARKED: u32 = 0xc000_0000;

// === impl RefCount ===

impl RefCount {
    /// How many may hold a thing.
    pub const MAX: u32 = MAX;

    const_fn! {
        /// Creates the count of a thing that its maker holds: 1.
        #[inline]
        pub const fn new() -> Self {
            Self::reporting(1)
        }
    }

    const_fn! {
        /// Creates the count of a thing that so many hold. Parked if that is more than
        /// [`MAX`](RefCount::MAX).
        #[inline]
        pub const fn with_count(count: u32) -> Self {
            Self::reporting(count)
        }
    }
}

impl<R> RefCount<R> {
    const_fn! {
        /// Creates the count of a thing that so many hold, and mistakes with it are told to `R`. Parked
        /// if it is more than [`MAX`](RefCount::MAX).
        #[inline]
        pub const fn reporting(count: u32) -> Self {
            let count = if count > MAX { PARKED } else { count };
            Self { count: AtomicU32::new(count), report: PhantomData }
        }
    }

    /// Returns how many hold the thing; more than [`MAX`](RefCount::MAX) if the count is parked. Others may
    /// change it at any time.
    ///
    /// **Progress** wait-free (one `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn get(&self) -> u32 {
        // ORDERING: Relaxed; nothing follows from it.
        self.count.load(Relaxed)
    }

    /// Whether a mistake was made, and the thing leaks.
    ///
    /// **Progress** wait-free (one `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn is_saturated(&self) -> bool {
        is_parked(self.get())
    }
}

impl<R: Report> RefCount<R> {
    /// Takes one more hold. The caller has one.
    ///
    /// From zero, past [`MAX`](RefCount::MAX) and when parked: reports, and parks the count.
    ///
    /// **Progress** wait-free (one `lock xadd`). **Context** any. **Ordering** none.
    #[inline]
    pub fn inc(&self) {
        // ORDERING: Relaxed; the caller's own hold keeps the thing.
        let before = self.count.fetch_add(1, Relaxed);
        if before == 0 {
            self.park(Misuse::FromZero);
        } else if before >= MAX {
            self.park(Misuse::Overflow);
        }
    }

    /// Takes `n` holds more. The caller has one.
    ///
    /// From zero, past [`MAX`](RefCount::MAX) and when parked: reports, and parks the count.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1), one `lock cmpxchg` alone.
    /// **Ordering** none.
    #[inline]
    pub fn add(&self, n: u32) {
        if !self.add_not_zero(n) {
            self.park(Misuse::FromZero);
        }
    }

    /// Takes a hold unless nobody else has one. Returns whether it did.
    ///
    /// Past [`MAX`](RefCount::MAX) and when parked: reports, parks the count, and returns `true`, because
    /// a parked thing is never freed.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1), one `lock cmpxchg` alone.
    /// **Ordering** none.
    #[inline]
    #[must_use]
    pub fn inc_not_zero(&self) -> bool {
        self.add_not_zero(1)
    }

    /// Takes `n` holds unless nobody has one. Returns whether it did. As
    /// [`inc_not_zero`](Self::inc_not_zero).
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1), one `lock cmpxchg` alone.
    /// **Ordering** none.
    #[inline]
    #[must_use]
    pub fn add_not_zero(&self, n: u32) -> bool {
        let more = |count: u32| match count {
            0 => None,
            _ => Some(count.checked_add(n).filter(|&sum| sum <= MAX).unwrap_or(PARKED)),
        };
        // ORDERING: Relaxed; the way on which the caller came to the thing orders.
        match self.count.fetch_update(Relaxed, Relaxed, more) {
            Ok(before) if before.saturating_add(n) > MAX => {
                self.park(Misuse::Overflow);
                true
            }
            Ok(_) => true,
            Err(_) => false,
        }
    }

    /// Gives up a hold that was not the last one.
    ///
    /// If it was, or there was none, and when parked: reports, and parks the count.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1), one `lock cmpxchg` alone.
    /// **Ordering** what the caller did with the thing happens before it is freed.
    #[inline]
    pub fn dec(&self) {
        if self.sub_and_test(1) {
            self.park(Misuse::Leak);
        }
    }

    /// Gives up a hold, and returns whether it was the last one: then the thing is the caller's.
    ///
    /// If there was none, and when parked: reports, parks the count, and returns `false`.
    ///
    /// **Progress** wait-free (one `lock xadd`). **Context** any. **Ordering** what everybody did with the
    /// thing happened before the call that returns `true`.
    #[inline]
    #[must_use]
    pub fn dec_and_test(&self) -> bool {
        // ORDERING: Release, E1: the caller is done with the thing.
        let before = self.count.fetch_sub(1, Release);
        self.released(before, 1)
    }

    /// Gives up `n` holds, and returns whether they were the last ones.
    ///
    /// If there were less, and when parked: reports, parks the count, and returns `false`.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1), one `lock cmpxchg` alone.
    /// **Ordering** that of [`dec_and_test`](Self::dec_and_test).
    #[inline]
    #[must_use]
    pub fn sub_and_test(&self, n: u32) -> bool {
        let less = |count: u32| match count.checked_sub(n) {
            Some(left) if !is_parked(count) => left,
            _ => PARKED,
        };
        // ORDERING: Release, E1: the caller is done with the thing. Relaxed for the guesses.
        let before = self.count.update(Release, Relaxed, less);
        self.released(before, n)
    }

    /// Gives up the last hold if it is the last one, and returns whether it was.
    ///
    /// **Progress** wait-free (one `lock cmpxchg`). **Context** any. **Ordering** that of
    /// [`dec_and_test`](Self::dec_and_test).
    #[inline]
    #[must_use]
    pub fn dec_if_one(&self) -> bool {
        // ORDERING: success Acquire, E1: the others were done with it; who gives it up keeps it. Failure
        // Relaxed: nothing is done.
        self.count.compare_exchange(1, 0, Acquire, Relaxed).is_ok()
    }

    /// Gives up a hold unless it is the last one, and returns whether it did. When parked: `true`.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1), one `lock cmpxchg` alone.
    /// **Ordering** that of [`dec`](Self::dec).
    #[inline]
    #[must_use]
    pub fn dec_not_one(&self) -> bool {
        let less = |count: u32| match count {
            1 => None,
            _ if is_parked(count) => Some(count),
            0 => Some(PARKED),
            _ => Some(count - 1),
        };
        // ORDERING: Release, E1: the caller is done with the thing. Relaxed for the guesses.
        match self.count.fetch_update(Release, Relaxed, less) {
            Ok(0) => {
                self.park(Misuse::Underflow);
                true
            }
            Ok(_) => true,
            Err(_) => false,
        }
    }

    /// Whether a step from `before` by `n` gave up the last holds.
    #[inline(always)]
    fn released(&self, before: u32, n: u32) -> bool {
        if before == n && n != 0 && !is_parked(before) {
            // ORDERING: Acquire, E1: all who gave up theirs are done with it. (A load instead of a fence,
            // which ThreadSanitizer does not know.)
            self.count.load(Acquire);
            return true;
        }
        if before < n || is_parked(before) {
            self.park(Misuse::Underflow);
        }
        false
    }

    #[cold]
    fn park(&self, misuse: Misuse) {
        // ORDERING: Relaxed; nothing will ever follow from this count again.
        self.count.store(PARKED, Relaxed);
        R::report(misuse);
    }
}

#[inline(always)]
const fn is_parked(count: u32) -> bool {
    count > MAX
}

impl Default for RefCount {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> fmt::Debug for RefCount<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            count if is_parked(count) => f.write_str("RefCount(saturated)"),
            count => f.debug_tuple("RefCount").field(&count).finish(),
        }
    }
}

// === impl Misuse ===

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overflow => "more holds were taken than are counted",
            Self::FromZero => "a hold was taken of what nobody held",
            Self::Underflow => "a hold was given up that nobody had",
            Self::Leak => "the last hold was given up by a call that does not tell",
        })
    }
}

impl core::error::Error for Misuse {}
