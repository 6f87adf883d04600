//! The boolean type.

use core::fmt;
use core::sync::atomic::Ordering::Relaxed;

use super::backend::RawU8;
use super::modify::update_methods;
use super::ordering::{AnyOrdering, LoadOrdering, StoreOrdering};

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

        /// Sees memory of someone else's as an atomic.
        ///
        /// # Safety
        ///
        /// - `pointer` is valid for reads and writes for all of `'a`, and holds a `bool`.
        /// - For all of `'a`, concurrent accesses to it are atomic and of this width.
        #[inline]
        pub const unsafe fn from_ptr<'a>(pointer: *mut bool) -> &'a Self {
            // SAFETY: `Self` is a transparent wrapper of an atomic byte, which is 0 or 1 (INV); the
            // caller vouches for the rest.
            unsafe { super::checked_ref(pointer.cast::<Self>()) }
        }
    }

    /// Returns the value.
    #[inline]
    #[track_caller]
    pub fn load(&self, order: impl LoadOrdering) -> bool {
        self.0.load(order.into()) != 0
    }

    /// Stores `value`.
    #[inline]
    #[track_caller]
    pub fn store(&self, value: bool, order: impl StoreOrdering) {
        self.0.store(u8::from(value), order.into());
    }

    /// Stores `value`, returns the value before (`xchg`).
    #[inline]
    #[track_caller]
    pub fn swap(&self, value: bool, order: impl AnyOrdering) -> bool {
        self.0.swap(u8::from(value), order.into()) != 0
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
        success: impl AnyOrdering,
        failure: impl LoadOrdering,
    ) -> Result<bool, bool> {
        match self.0.compare_exchange(
            u8::from(current),
            u8::from(new),
            success.into(),
            failure.into(),
        ) {
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
        success: impl AnyOrdering,
        failure: impl LoadOrdering,
    ) -> Result<bool, bool> {
        match self.0.compare_exchange_weak(
            u8::from(current),
            u8::from(new),
            success.into(),
            failure.into(),
        ) {
            Ok(found) => Ok(found != 0),
            Err(found) => Err(found != 0),
        }
    }

    /// Stores `value & operand`, returns the value before: one `lock xadd` or `xchg`.
    #[inline]
    #[track_caller]
    pub fn fetch_and(&self, operand: bool, order: impl AnyOrdering) -> bool {
        // A sum with zero changes nothing, and is one instruction.
        if operand { self.0.fetch_add(0, order.into()) != 0 } else { self.swap(false, order) }
    }

    /// Stores `value | operand`, returns the value before: one `lock xadd` or `xchg`.
    #[inline]
    #[track_caller]
    pub fn fetch_or(&self, operand: bool, order: impl AnyOrdering) -> bool {
        if operand { self.swap(true, order) } else { self.0.fetch_add(0, order.into()) != 0 }
    }

    /// Stores `value ^ operand`, returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_xor(&self, operand: bool, order: impl AnyOrdering) -> bool {
        self.0.fetch_xor(u8::from(operand), order.into()) != 0
    }

    /// Stores `!(value & operand)`, returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_nand(&self, operand: bool, order: impl AnyOrdering) -> bool {
        if operand { self.fetch_xor(true, order) } else { self.swap(true, order) }
    }

    /// Stores `!value`, returns the value before.
    #[inline]
    #[track_caller]
    pub fn fetch_not(&self, order: impl AnyOrdering) -> bool {
        self.fetch_xor(true, order)
    }

    /// Keeps `true` only if `operand` is `true`: one `lock and`.
    #[inline]
    #[track_caller]
    pub fn and(&self, operand: bool, order: impl AnyOrdering) {
        self.0.and(u8::from(operand), order.into());
    }

    /// Stores `true` if `operand` is `true`: one `lock or`.
    #[inline]
    #[track_caller]
    pub fn or(&self, operand: bool, order: impl AnyOrdering) {
        self.0.or(u8::from(operand), order.into());
    }

    /// Stores the negation if `operand` is `true`: one `lock xor`.
    #[inline]
    #[track_caller]
    pub fn xor(&self, operand: bool, order: impl AnyOrdering) {
        self.0.xor(u8::from(operand), order.into());
    }

    /// Stores the negation: one `lock xor`.
    #[inline]
    #[track_caller]
    pub fn not(&self, order: impl AnyOrdering) {
        self.xor(true, order);
    }

    update_methods!(bool);
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
