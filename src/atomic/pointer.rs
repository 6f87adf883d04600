//! The pointer type.

use core::fmt;
use core::sync::atomic::Ordering::Relaxed;

use super::backend::RawPtr;
use super::modify::update_methods;
use super::ordering::{AnyOrdering, LoadOrdering, StoreOrdering};

/// A thin pointer that threads and interrupt handlers share, like core's `AtomicPtr`. Provenance
/// is kept in every operation.
///
/// See [the module](crate::atomic) for progress and context of each operation.
#[repr(transparent)]
pub struct AtomicPtr<T>(RawPtr<T>);

impl<T> AtomicPtr<T> {
    const_fn! {
        /// Creates an atomic that holds `pointer`.
        #[inline]
        pub const fn new(pointer: *mut T) -> Self {
            Self(RawPtr::new(pointer))
        }
    }

    except_in_models! {
        /// The pointer, by exclusive access.
        #[inline]
        pub fn get_mut(&mut self) -> &mut *mut T {
            self.0.get_mut()
        }

        /// Consumes the atomic.
        #[inline]
        pub fn into_inner(self) -> *mut T {
            self.0.into_inner()
        }

        /// A pointer to the pointer, for code that shares it by other means. Accesses through it
        /// that may be concurrent must be atomic and of this width.
        #[inline]
        pub const fn as_ptr(&self) -> *mut *mut T {
            self.0.as_ptr()
        }

        /// Sees memory of someone else's as an atomic.
        ///
        /// # Safety
        ///
        /// - `pointer` is valid for reads and writes for all of `'a`, and aligned to its size (which
        ///   debug builds check).
        /// - For all of `'a`, concurrent accesses to it are atomic and of this width.
        #[inline]
        pub const unsafe fn from_ptr<'a>(pointer: *mut *mut T) -> &'a Self {
            // SAFETY: `Self` is a transparent wrapper of an atomic pointer; the caller vouches for
            // the rest.
            unsafe { super::checked_ref(pointer.cast::<Self>()) }
        }
    }

    /// Returns the pointer.
    #[inline]
    #[track_caller]
    pub fn load(&self, order: impl LoadOrdering) -> *mut T {
        self.0.load(order.into())
    }

    /// Stores `pointer`.
    #[inline]
    #[track_caller]
    pub fn store(&self, pointer: *mut T, order: impl StoreOrdering) {
        self.0.store(pointer, order.into());
    }

    /// Stores `pointer`, returns the one before (`xchg`).
    #[inline]
    #[track_caller]
    pub fn swap(&self, pointer: *mut T, order: impl AnyOrdering) -> *mut T {
        self.0.swap(pointer, order.into())
    }

    /// Stores `new` if the pointer is `current`, by address (`lock cmpxchg`). Returns the one
    /// before.
    ///
    /// # Errors
    ///
    /// The pointer found, if it is another one.
    #[inline]
    #[track_caller]
    pub fn compare_exchange(
        &self,
        current: *mut T,
        new: *mut T,
        success: impl AnyOrdering,
        failure: impl LoadOrdering,
    ) -> Result<*mut T, *mut T> {
        self.0.compare_exchange(current, new, success.into(), failure.into())
    }

    /// [`compare_exchange`](Self::compare_exchange) that may fail without reason on machines where
    /// that is cheaper. x86-64 is not one of them.
    ///
    /// # Errors
    ///
    /// The pointer found.
    #[inline]
    #[track_caller]
    pub fn compare_exchange_weak(
        &self,
        current: *mut T,
        new: *mut T,
        success: impl AnyOrdering,
        failure: impl LoadOrdering,
    ) -> Result<*mut T, *mut T> {
        self.0.compare_exchange_weak(current, new, success.into(), failure.into())
    }

    /// Adds `count` times the size of `T` (wrapping), returns the pointer before: one `lock xadd`.
    #[inline]
    #[track_caller]
    pub fn fetch_ptr_add(&self, count: usize, order: impl AnyOrdering) -> *mut T {
        self.fetch_byte_add(count.wrapping_mul(size_of::<T>()), order)
    }

    /// Subtracts `count` times the size of `T` (wrapping), returns the pointer before: one
    /// `lock xadd`.
    #[inline]
    #[track_caller]
    pub fn fetch_ptr_sub(&self, count: usize, order: impl AnyOrdering) -> *mut T {
        self.fetch_byte_sub(count.wrapping_mul(size_of::<T>()), order)
    }

    /// Adds `bytes` (wrapping), returns the pointer before: one `lock xadd`.
    #[inline]
    #[track_caller]
    pub fn fetch_byte_add(&self, bytes: usize, order: impl AnyOrdering) -> *mut T {
        self.0.fetch_byte_add(bytes, order.into())
    }

    /// Subtracts `bytes` (wrapping), returns the pointer before: one `lock xadd`.
    #[inline]
    #[track_caller]
    pub fn fetch_byte_sub(&self, bytes: usize, order: impl AnyOrdering) -> *mut T {
        self.0.fetch_byte_add(bytes.wrapping_neg(), order.into())
    }

    /// Sets the bits set in `mask`, returns the pointer before. For tags in the low bits.
    #[inline]
    #[track_caller]
    pub fn fetch_or(&self, mask: usize, order: impl AnyOrdering) -> *mut T {
        self.0.modify(order.into(), |pointer| pointer.map_addr(|address| address | mask))
    }

    /// Keeps the bits set in `mask`, returns the pointer before.
    #[inline]
    #[track_caller]
    pub fn fetch_and(&self, mask: usize, order: impl AnyOrdering) -> *mut T {
        self.0.modify(order.into(), |pointer| pointer.map_addr(|address| address & mask))
    }

    /// Flips the bits set in `mask`, returns the pointer before.
    #[inline]
    #[track_caller]
    pub fn fetch_xor(&self, mask: usize, order: impl AnyOrdering) -> *mut T {
        self.0.modify(order.into(), |pointer| pointer.map_addr(|address| address ^ mask))
    }

    update_methods!(*mut T);
}

impl<T> Default for AtomicPtr<T> {
    fn default() -> Self {
        Self::new(core::ptr::null_mut())
    }
}

impl<T> From<*mut T> for AtomicPtr<T> {
    fn from(pointer: *mut T) -> Self {
        Self::new(pointer)
    }
}

impl<T> fmt::Debug for AtomicPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ORDERING: Relaxed; a print publishes nothing.
        self.load(Relaxed).fmt(f)
    }
}

impl<T> fmt::Pointer for AtomicPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ORDERING: Relaxed; a print publishes nothing.
        fmt::Pointer::fmt(&self.load(Relaxed), f)
    }
}
