//! Values in a pool that many hold: `Arc` where there is no allocator.
//!
//! # Layout
//!
//! ```text
//! slot of the pool   [ holders: u32 | value ]
//! ```
//!
//! # Invariants
//!
//! - INV-1  `holders` is the number of [`PoolArc`]s of the slot, or parked; then it is never freed.
//! - INV-2  The slot holds a value as long as there is a `PoolArc` of it.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | drop: `holders` | the last drop, `get_mut`, `try_unwrap`: `holders` | that nobody else reads the value any more |
//!
//! They are those of [`RefCount`]; that the slot is vacated is the pool's own edge.
//!
//! # Progress and complexity
//!
//! A clone is wait-free, one `lock xadd`, and so is a drop, but for the last one, which frees the slot: lock-free,
//! one `lock cmpxchg` more.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMI handlers. The value's own `Drop` runs where the last holder is
//! dropped, and must be fit for the context.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr;

use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};

use super::pool::{Exhausted, Pool, PoolBox};
use crate::atomic::const_fn;
use crate::counter::RefCount;

/// A value and how many hold it: what is in the slots of a pool for [`PoolArc`].
pub struct Counted<T> {
    holders: RefCount,
    value: T,
}

assert_impl_all!(Counted<u8>: Send, Sync);

/// A value in a slot of a [`Pool`], held by all its clones. The last of them that is dropped drops the value and
/// gives the slot back.
///
/// No more than [`RefCount::MAX`] hold one value: at more, which takes forgotten clones, it stays for ever.
///
/// 16 bytes on 64-bit targets.
///
/// # Examples
///
/// ```
/// use latchless::stack::{Counted, Pool, PoolArc};
///
/// static ROUTES: Pool<Counted<[u8; 4]>, 64> = Pool::new();
///
/// let route = PoolArc::new(&ROUTES, [10, 0, 0, 1])?;
/// let reader = std::thread::spawn({
///     let route = route.clone();
///     move || route[3]
/// });
/// assert_eq!((route[0], reader.join().unwrap()), (10, 1));
/// # Ok::<(), latchless::stack::Exhausted<[u8; 4]>>(())
/// ```
pub struct PoolArc<'a, T, const N: usize> {
    pool: &'a Pool<Counted<T>, N>,
    index: u32,
    /// Who has one shares the value (`T: Sync`), and may be the one who drops it (`T: Send`, by the pool).
    shares: PhantomData<&'a T>,
}

assert_impl_all!(PoolArc<'static, u8, 1>: Send, Sync, Unpin, Clone);
assert_not_impl_any!(PoolArc<'static, core::cell::Cell<u8>, 1>: Send, Sync);
const_assert_eq!(size_of::<PoolArc<'static, u64, 4>>(), 2 * size_of::<usize>());

// === impl Counted ===

impl<T> Counted<T> {
    const_fn! {
        /// A value that nobody shares yet.
        #[inline]
        pub const fn new(value: T) -> Self {
            Self { holders: RefCount::new(), value }
        }
    }

    /// Takes the value out.
    #[inline]
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Counted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

// === impl PoolArc ===

impl<'a, T, const N: usize> PoolArc<'a, T, N> {
    /// Moves `value` into a free slot of `pool`, to be shared.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`.
    /// **Ordering** as [`Pool::alloc`].
    ///
    /// # Errors
    ///
    /// [`Exhausted`] with `value` in it, if at some moment during the call no slot was free.
    #[inline]
    pub fn new(pool: &'a Pool<Counted<T>, N>, value: T) -> Result<Self, Exhausted<T>> {
        let owned = pool.alloc(Counted::new(value));
        owned.map(Self::from).map_err(|Exhausted(back)| Exhausted(back.into_inner()))
    }

    /// The value to write to, if nobody else holds it.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1), one `lock cmpxchg`.
    /// **Ordering** what others did with the value before they dropped theirs happens before.
    #[inline]
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        if !this.counted().holders.dec_if_one() {
            return None;
        }
        // SAFETY: nobody else has the slot any more, which holds a value (INV-2), and `this` is borrowed.
        let counted = unsafe { &mut *this.pool.slot(this.index).as_mut_ptr() };
        counted.holders = RefCount::new();
        Some(&mut counted.value)
    }

    /// Takes the value out and gives the slot back, if nobody else holds it.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, two `lock cmpxchg`.
    /// **Ordering** as [`get_mut`](Self::get_mut).
    ///
    /// # Errors
    ///
    /// Others hold it: `this` comes back.
    #[inline]
    pub fn try_unwrap(this: Self) -> Result<T, Self> {
        if !this.counted().holders.dec_if_one() {
            return Err(this);
        }
        let this = ManuallyDrop::new(this);
        // SAFETY: nobody else has the slot any more, which holds a value (INV-2).
        let owned = unsafe { PoolBox::of(this.pool, this.index) };
        Ok(owned.into_inner().into_inner())
    }

    /// How many hold the value; more than [`RefCount::MAX`] if it stays for ever. Others may change it at any
    /// time, unless it is 1: then it is the caller's alone.
    ///
    /// **Progress** wait-free (one `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn strong_count(this: &Self) -> u32 {
        this.counted().holders.get()
    }

    /// Returns whether both hold the same value.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        ptr::eq(this.pool, other.pool) && this.index == other.index
    }

    /// The count, for tests of its end.
    #[doc(hidden)]
    pub fn holders_for_tests(&self) -> &RefCount {
        &self.counted().holders
    }

    #[inline(always)]
    fn counted(&self) -> &Counted<T> {
        // SAFETY: `self` is one of the holders (INV-1), so there is a value (INV-2), and it is nobody's alone.
        unsafe { &*self.pool.slot(self.index).as_ptr() }
    }
}

impl<'a, T, const N: usize> From<PoolBox<'a, Counted<T>, N>> for PoolArc<'a, T, N> {
    /// Shares what was one owner's, such as what came from a [`Magazine`](super::Magazine).
    #[inline]
    fn from(owned: PoolBox<'a, Counted<T>, N>) -> Self {
        let pool = owned.pool();
        Self { pool, index: owned.into_index(), shares: PhantomData }
    }
}

impl<T, const N: usize> Clone for PoolArc<'_, T, N> {
    /// One more that holds the value. At more than [`RefCount::MAX`] the value stays for ever.
    ///
    /// **Progress** wait-free (one `lock xadd`). **Context** any. **Ordering** none.
    #[inline]
    fn clone(&self) -> Self {
        self.counted().holders.inc();
        Self { pool: self.pool, index: self.index, shares: PhantomData }
    }
}

impl<T, const N: usize> Drop for PoolArc<'_, T, N> {
    /// Holds the value no longer; the last one drops it and gives the slot back.
    ///
    /// **Progress** lock-free; wait-free unless it is the last. **Context** any that the value's `Drop` is fit for.
    /// **Ordering** what the holders did with the value happens before its drop.
    #[inline]
    fn drop(&mut self) {
        if self.counted().holders.dec_and_test() {
            // SAFETY: nobody has the slot any more, which holds a value (INV-2).
            drop(unsafe { PoolBox::of(self.pool, self.index) });
        }
    }
}

impl<T, const N: usize> Deref for PoolArc<'_, T, N> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for PoolArc<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display, const N: usize> fmt::Display for PoolArc<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
