//! Where the slots of a ring are.
//!
//! | storage | the memory is | capacity | made by |
//! |---|---|---|---|
//! | [`Inline`] | part of the ring | known to the compiler | `new`, in a `static` too |
//! | [`Borrowed`] | the caller's, for as long as the ring lives | the length of the slice | `in_slice` |
//! | [`Heap`] | allocated (feature `alloc`) | given at run time | `with_capacity` |
//!
//! All capacities are powers of two, at least 1: a slot is then found by one `and`. All slots can be
//! filled.

#[cfg(feature = "alloc")]
mod heap;

use core::error::Error;
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::atomic::{CellsView, UnsafeCells, UnsafeCellsAt, const_fn};

#[cfg(feature = "alloc")]
pub use self::heap::Heap;

/// Where the slots of a ring are: [`Inline`], [`Borrowed`] or [`Heap`].
///
/// Sealed: a ring relies on its storage being as it says.
pub trait Storage: sealed::Slots {}

impl<S: sealed::Slots> Storage for S {}

pub(super) mod sealed {
    /// Room for values side by side, each of which may or may not be there; the ring around it knows
    /// which, and who may touch them.
    ///
    /// In the model backend every access is checked against every concurrent one.
    ///
    /// # Safety
    ///
    /// `capacity` is always the same power of two, and so many slots are where the pointers say.
    pub unsafe trait Slots {
        /// What a slot holds.
        type Item;

        /// What is worth keeping at hand to find a slot.
        type View: Copy + Send;

        fn view(&self) -> Self::View;

        /// How many slots there are.
        fn capacity(&self, view: Self::View) -> usize;

        /// A pointer for reading `count` slots from `index` on.
        ///
        /// # Safety
        ///
        /// - `view` is that of these slots.
        /// - `index + count` is at most the capacity.
        unsafe fn as_ptr(&self, view: Self::View, index: usize, count: usize) -> *const Self::Item;

        /// A pointer for writing `count` slots from `index` on.
        ///
        /// # Safety
        ///
        /// As for [`as_ptr`](Self::as_ptr).
        unsafe fn as_mut_ptr(
            &self,
            view: Self::View,
            index: usize,
            count: usize,
        ) -> *mut Self::Item;
    }
}

/// `N` slots inside the ring.
pub struct Inline<T, const N: usize>(UnsafeCells<T, N>);

/// Slots in the caller's memory.
pub struct Borrowed<'m, T> {
    slots: UnsafeCellsAt<T>,
    memory: PhantomData<&'m mut [MaybeUninit<T>]>,
}

/// A capacity that is not a power of two; what was to be the memory comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CapacityError<M>(pub M);

assert_impl_all!(Borrowed<'static, core::cell::Cell<u8>>: Send);
assert_not_impl_any!(Borrowed<'static, u8>: Sync);
assert_not_impl_any!(Borrowed<'static, *const u8>: Send);

// === impl Inline ===

impl<T, const N: usize> Inline<T, N> {
    const VALID_N: () = assert!(N.is_power_of_two(), "N must be a power of two, at least 1");

    const_fn! {
        #[inline]
        pub(super) const fn new() -> Self {
            const { Self::VALID_N };
            Self(UnsafeCells::new())
        }
    }

    const_fn! {
        /// Slots in which `slots` are from the start.
        #[inline]
        pub(super) const fn of(slots: [MaybeUninit<T>; N]) -> Self {
            const { Self::VALID_N };
            Self(UnsafeCells::of(slots))
        }
    }
}

// SAFETY: `N` cells, a power of two by `VALID_N`.
unsafe impl<T, const N: usize> sealed::Slots for Inline<T, N> {
    type Item = T;
    type View = ();

    #[inline(always)]
    fn view(&self) {}

    #[inline(always)]
    fn capacity(&self, (): ()) -> usize {
        N
    }

    #[inline(always)]
    unsafe fn as_ptr(&self, (): (), index: usize, count: usize) -> *const T {
        // SAFETY: the caller's word.
        unsafe { self.0.as_ptr(index, count) }
    }

    #[inline(always)]
    unsafe fn as_mut_ptr(&self, (): (), index: usize, count: usize) -> *mut T {
        // SAFETY: the caller's word.
        unsafe { self.0.as_mut_ptr(index, count) }
    }
}

impl<T, const N: usize> fmt::Debug for Inline<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline").field("capacity", &N).finish_non_exhaustive()
    }
}

// === impl Borrowed ===

impl<'m, T> Borrowed<'m, T> {
    const_fn! {
        #[inline]
        pub(super) const fn new(
            memory: &'m mut [MaybeUninit<T>],
        ) -> Result<Self, CapacityError<&'m mut [MaybeUninit<T>]>> {
            if !memory.len().is_power_of_two() {
                return Err(CapacityError(memory));
            }
            let len = memory.len();
            // SAFETY: a slice is not null.
            let first = unsafe { NonNull::new_unchecked(memory.as_mut_ptr().cast::<T>()) };
            // SAFETY: `memory` is lent exclusively, as long as `'m` is.
            Ok(Self { slots: unsafe { UnsafeCellsAt::new(first, len) }, memory: PhantomData })
        }
    }
}

// SAFETY: as many cells as the slice had, a power of two.
unsafe impl<T> sealed::Slots for Borrowed<'_, T> {
    type Item = T;
    type View = CellsView<T>;

    #[inline(always)]
    fn view(&self) -> CellsView<T> {
        self.slots.view()
    }

    #[inline(always)]
    fn capacity(&self, view: CellsView<T>) -> usize {
        let capacity = self.slots.len(view);
        // SAFETY: `new` has looked.
        unsafe { core::hint::assert_unchecked(capacity.is_power_of_two()) };
        capacity
    }

    #[inline(always)]
    unsafe fn as_ptr(&self, view: CellsView<T>, index: usize, count: usize) -> *const T {
        // SAFETY: the caller's word.
        unsafe { self.slots.as_ptr(view, index, count) }
    }

    #[inline(always)]
    unsafe fn as_mut_ptr(&self, view: CellsView<T>, index: usize, count: usize) -> *mut T {
        // SAFETY: the caller's word.
        unsafe { self.slots.as_mut_ptr(view, index, count) }
    }
}

impl<T> fmt::Debug for Borrowed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Borrowed")
            .field("capacity", &self.slots.len(self.slots.view()))
            .finish_non_exhaustive()
    }
}

// === impl CapacityError ===

impl<M> fmt::Debug for CapacityError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapacityError(..)")
    }
}

impl<M> fmt::Display for CapacityError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("capacity must be a power of two, at least 1")
    }
}

impl<M> Error for CapacityError<M> {}
