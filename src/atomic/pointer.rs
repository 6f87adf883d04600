//! The boolean and the pointer type.

use core::fmt;
use core::sync::atomic::Ordering::{self, Relaxed};

use super::backend::{RawPtr, RawU8};

// === impl AtomicBool ===

/// A truth value that threads and interrupt handlers share, like core's `AtomicBool`.
///
/// See [the module](crate::atomic) for progress and context of each operation.
#[repr(transparent)]
pub struct AtomicBool(RawU8); // INV: 0 or 1.

impl AtomicBool {
    const_fn! {
        /// Creates an atomic that holds `value`.
        #[inline]
        pub const fn new(value: bool) -> Self {
            Self(RawU8::new(value as u8))
        }
    }

    except_in_models! {
        /// The value, by exclusive access.
        #[inline]
        pub fn get_mut(&mut self) -> &mut bool {
            // SAFETY: `bool` has the size and alignment of `u8`, and the byte is 0 or 1 (INV).
            unsafe { &mut *core::ptr::from_mut(self.0.get_mut()).cast::<bool>() }
        }

        /// Consumes the atomic.
        #[inline]
        pub fn into_inner(self) -> bool {
            self.0.into_inner() != 0
        }

        /// A pointer to the value, for code that shares it by other means. Accesses through it
        /// that may be concurrent must be atomic and of this width.
        #[inline]
        pub const fn as_ptr(&self) -> *mut bool {
            self.0.as_ptr().cast::<bool>()
        }
    }

    /// Returns the value.
    #[inline]
    #[track_caller]
    pub fn load(&self, order: Ordering) -> bool {
        self.0.load(order) != 0
    }

    /// Stores `value`.
    #[inline]
    #[track_caller]
    pub fn store(&self, value: bool, order: Ordering) {
        self.0.store(u8::from(value), order);
    }

    /// Stores `value`, returns the value before (`xchg`).
    #[inline]
    #[track_caller]
    pub fn swap(&self, value: bool, order: Ordering) -> bool {
        self.0.swap(u8::from(value), order) != 0
    }

    /// Stores `new` if the value is `current` (`lock cmpxchg`). Returns the value before.
    ///
    /// # Errors
    ///
    /// The value found, if it is another one.
    #[inline]
    #[track_caller]
    pub fn compare_exchange(
        &self,
        current: bool,
        new: bool,
        success: Ordering,
        failure: Ordering,
    ) -> Result<bool, bool> {
        match self.0.compare_exchange(u8::from(current), u8::from(new), success, failure) {
            Ok(found) => Ok(found != 0),
            Err(found) => Err(found != 0),
        }
    }

    /// [`compare_exchange`](Self::compare_exchange) that may fail without reason on machines where
    /// that is cheaper. x86-64 is not one of them.
    ///
    /// # Errors
    ///
    /// The value found.
    #[inline]
    #[track_caller]
    pub fn compare_exchange_weak(
        &self,
        current: bool,
        new: bool,
        success: Ordering,
        failure: Ordering,
    ) -> Result<bool, bool> {
        match self.0.compare_exchange_weak(u8::from(current), u8::from(new), success, failure) {
            Ok(found) => Ok(found != 0),
            Err(found) => Err(found != 0),
        }
    }

    /// Stores `value & operand`, returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_and(&self, operand: bool, order: Ordering) -> bool {
        self.0.fetch_and(u8::from(operand), order) != 0
    }

    /// Stores `value | operand`, returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_or(&self, operand: bool, order: Ordering) -> bool {
        self.0.fetch_or(u8::from(operand), order) != 0
    }

    /// Stores `value ^ operand`, returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_xor(&self, operand: bool, order: Ordering) -> bool {
        self.0.fetch_xor(u8::from(operand), order) != 0
    }

    /// Stores `!(value & operand)`, returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_nand(&self, operand: bool, order: Ordering) -> bool {
        if operand { self.fetch_xor(true, order) } else { self.swap(true, order) }
    }

    /// Stores `!value`, returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_not(&self, order: Ordering) -> bool {
        self.fetch_xor(true, order)
    }
}

impl Default for AtomicBool {
    fn default() -> Self {
        Self::new(false)
    }
}

impl From<bool> for AtomicBool {
    fn from(value: bool) -> Self {
        Self::new(value)
    }
}

impl fmt::Debug for AtomicBool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ORDERING: Relaxed; a print publishes nothing.
        self.load(Relaxed).fmt(f)
    }
}

// === impl AtomicPtr ===

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
    }

    /// Returns the pointer.
    #[inline]
    #[track_caller]
    pub fn load(&self, order: Ordering) -> *mut T {
        self.0.load(order)
    }

    /// Stores `pointer`.
    #[inline]
    #[track_caller]
    pub fn store(&self, pointer: *mut T, order: Ordering) {
        self.0.store(pointer, order);
    }

    /// Stores `pointer`, returns the one before (`xchg`).
    #[inline]
    #[track_caller]
    pub fn swap(&self, pointer: *mut T, order: Ordering) -> *mut T {
        self.0.swap(pointer, order)
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
        success: Ordering,
        failure: Ordering,
    ) -> Result<*mut T, *mut T> {
        self.0.compare_exchange(current, new, success, failure)
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
        success: Ordering,
        failure: Ordering,
    ) -> Result<*mut T, *mut T> {
        self.0.compare_exchange_weak(current, new, success, failure)
    }
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
