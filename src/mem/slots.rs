//! Room for values side by side.

use crate::atomic::{UnsafeCells, const_fn};

/// Room for `N` values side by side, each of which may or may not be there; the structure around it
/// knows which, and who may touch them.
///
/// In the model backend every access is checked against every concurrent one.
#[repr(transparent)]
pub(crate) struct Slots<T, const N: usize>(UnsafeCells<T, N>);

impl<T, const N: usize> Slots<T, N> {
    const_fn! {
        /// Creates empty slots.
        #[inline]
        pub(crate) const fn new() -> Self {
            Self(UnsafeCells::new())
        }
    }

    /// The slot of `index`.
    ///
    /// # Safety
    ///
    /// `index` is less than `N`.
    #[inline(always)]
    pub(crate) unsafe fn slot(&self, index: usize) -> SlotOf<'_, T, N> {
        SlotOf { slots: self, index }
    }

    /// `count` slots from `index` on, for reading, checked by the model at this moment.
    ///
    /// # Safety
    ///
    /// `index + count` is at most `N`.
    #[inline(always)]
    pub(crate) unsafe fn run(&self, index: usize, count: usize) -> *const [T] {
        // SAFETY: the caller's word.
        core::ptr::slice_from_raw_parts(unsafe { self.0.as_ptr(index, count) }, count)
    }

    /// `count` slots from `index` on, for writing, checked by the model at this moment.
    ///
    /// # Safety
    ///
    /// As for [`run`](Self::run).
    #[inline(always)]
    pub(crate) unsafe fn run_mut(&self, index: usize, count: usize) -> *mut [T] {
        // SAFETY: the caller's word.
        core::ptr::slice_from_raw_parts_mut(unsafe { self.0.as_mut_ptr(index, count) }, count)
    }
}

/// One of [`Slots`].
pub(crate) struct SlotOf<'s, T, const N: usize> {
    slots: &'s Slots<T, N>,
    /// Less than `N`, by the word of whoever asked for the slot.
    index: usize,
}

impl<T, const N: usize> SlotOf<'_, T, N> {
    /// Moves `value` in, without dropping what was there.
    ///
    /// # Safety
    ///
    /// Nobody else accesses the slot during the call.
    #[inline(always)]
    pub(crate) unsafe fn write(self, value: T) {
        // SAFETY: the pointer is valid, and the caller is alone.
        unsafe { self.as_mut_ptr().write(value) };
    }

    /// Moves the value out.
    ///
    /// # Safety
    ///
    /// - Nobody else accesses the slot during the call.
    /// - The slot holds a value, which the caller now owns: the slot is empty from here on.
    #[inline(always)]
    pub(crate) unsafe fn read(self) -> T {
        // SAFETY: the pointer is valid; the caller is alone and vouches for the value.
        unsafe { self.as_mut_ptr().read() }
    }

    /// A pointer for reading, checked by the model at this moment.
    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *const T {
        // SAFETY: `index` is less than `N`.
        unsafe { self.slots.0.as_ptr(self.index, 1) }
    }

    /// A pointer for writing, checked by the model at this moment.
    #[inline(always)]
    pub(crate) fn as_mut_ptr(&self) -> *mut T {
        // SAFETY: `index` is less than `N`.
        unsafe { self.slots.0.as_mut_ptr(self.index, 1) }
    }
}
