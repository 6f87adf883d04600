//! What a reader has in hand.

use core::fmt;
use core::ops::Deref;
use core::sync::atomic::Ordering::{AcqRel, Relaxed};

use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};

use super::words::Account;
use super::{Place, Snapshot};

/// A view of a value that was current when it was taken. Dropping it drops the value if that was
/// replaced and this is its last guard.
///
/// 16 bytes on 64-bit targets. Forgetting it (`core::mem::forget`) keeps the value and its slot for
/// ever.
pub struct Guard<'a, T, const N: usize> {
    snapshot: &'a Snapshot<T, N>,
    /// One of `snapshot`, in which this guard is counted as an entry.
    place: &'a Place<T>,
}

assert_impl_all!(Guard<'static, u8, 2>: Send, Sync, Unpin);
assert_not_impl_any!(Guard<'static, core::cell::Cell<u8>, 2>: Send, Sync);
assert_not_impl_any!(Guard<'static, *const u8, 2>: Send, Sync);
const_assert_eq!(size_of::<Guard<'static, u64, 4>>(), 2 * size_of::<usize>());

impl<'a, T, const N: usize> Guard<'a, T, N> {
    /// The guard of one entry to a place of `snapshot`.
    #[inline(always)]
    pub(super) fn of_entry(snapshot: &'a Snapshot<T, N>, place: &'a Place<T>) -> Self {
        Self { snapshot, place }
    }

    /// Whether this is a guard of the value in `place`.
    #[inline(always)]
    pub(super) fn is_in(&self, place: &Place<T>) -> bool {
        core::ptr::eq(self.place, place)
    }

    /// Returns whether two guards are views of the very same value, and not only of equal ones.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::{snapshot::{Guard, Snapshot}, stack::Exhausted};
    /// let config = Snapshot::<_, 3>::new(7);
    /// let seen = config.load();
    /// assert!(Guard::ptr_eq(&seen, &config.load())); // what was made of it is still good
    /// config.store(7)?;
    /// assert!(!Guard::ptr_eq(&seen, &config.load()));
    /// # Ok::<(), Exhausted<i32>>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        this.is_in(other.place)
    }
}

/// Another view of the same value, which may have been replaced since.
///
/// **Progress** wait-free. **Context** any. **Complexity** O(1), one `lock sub`.
impl<T, const N: usize> Clone for Guard<'_, T, N> {
    #[inline]
    fn clone(&self) -> Self {
        // ORDERING: Relaxed; `self` has not left, so the account is not settled, and what the clone
        // has to tell the last one is its own leave (E2).
        self.place.account.sub(Account::LEAVE, Relaxed);
        Self { ..*self }
    }
}

/// Leaves the value; drops it if it was replaced and this was its last guard.
///
/// **Progress** wait-free; the last guard of a replaced value lock-free. **Context** any in which the
/// value may be dropped. **Complexity** O(1), one `lock xadd`.
impl<T, const N: usize> Drop for Guard<'_, T, N> {
    #[inline]
    fn drop(&mut self) {
        // ORDERING: AcqRel, E2: releases what was read through this guard; and if it was the last,
        // all have done their reading.
        let account = self.place.account.fetch_add(Account::LEAVE, AcqRel);
        if Account::changed(account, Account::LEAVE).is_settled() {
            // SAFETY: the place is one of `snapshot`, and this leave settled its account (INV-4).
            unsafe { self.snapshot.vacate(self.place) };
        }
    }
}

impl<T, const N: usize> Deref for Guard<'_, T, N> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this guard is an entry that has not left, so the slot holds a value, which is only
        // read until it does (INV-2); E1 made its writing happen before.
        unsafe { &*self.place.value.as_ptr() }
    }
}

impl<T, const N: usize> AsRef<T> for Guard<'_, T, N> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Guard<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display, const N: usize> fmt::Display for Guard<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
