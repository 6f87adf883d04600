//! Room for one value.

use core::mem::MaybeUninit;

use crate::atomic::{UnsafeCell, const_fn};

/// Room for one value that may or may not be there; the structure around it knows which, and who
/// may touch it.
///
/// In the model backend every access is checked against every concurrent one.
#[repr(transparent)]
pub(crate) struct Slot<T>(UnsafeCell<MaybeUninit<T>>);

impl<T> Slot<T> {
    const_fn! {
        /// Creates an empty slot.
        #[inline]
        pub(crate) const fn new() -> Self {
            Self(UnsafeCell::new(MaybeUninit::uninit()))
        }
    }

    const_fn! {
        /// Creates a slot that holds `value`.
        #[inline]
        #[cfg(target_has_atomic = "64")]
        pub(crate) const fn holding(value: T) -> Self {
            Self(UnsafeCell::new(MaybeUninit::new(value)))
        }
    }

    /// Moves `value` in, without dropping what was there.
    ///
    /// # Safety
    ///
    /// Nobody else accesses the slot during the call.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, value: T) {
        self.0.with_mut(|slot| {
            // SAFETY: the pointer is valid, and the caller is alone.
            unsafe { (*slot).write(value) };
        });
    }

    /// Moves the value out.
    ///
    /// # Safety
    ///
    /// - Nobody else accesses the slot during the call.
    /// - The slot holds a value, which the caller now owns: the slot is empty from here on.
    #[inline(always)]
    pub(crate) unsafe fn read(&self) -> T {
        self.0.with_mut(|slot| {
            // SAFETY: the pointer is valid; the caller is alone and vouches for the value.
            unsafe { slot.cast::<T>().read() }
        })
    }

    /// A pointer for reading, checked by the model at this moment.
    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *const T {
        self.0.with(<*const MaybeUninit<T>>::cast)
    }

    /// A pointer for writing, checked by the model at this moment.
    #[cfg_attr(
        not(target_has_atomic = "64"),
        expect(dead_code, reason = "only a pool lends values out mutably")
    )]
    #[inline(always)]
    pub(crate) fn as_mut_ptr(&self) -> *mut T {
        self.0.with_mut(<*mut MaybeUninit<T>>::cast)
    }
}
