//! The integer types.

use core::fmt;
use core::sync::atomic::Ordering::{self, Relaxed};

#[cfg(target_has_atomic = "64")]
use super::backend::RawU64;
use super::backend::{RawU8, RawU16, RawU32, RawUsize, UsizeWord};

/// One public type over the raw word of its width. Signed types share the word: two's complement
/// makes every operation but the comparison the same.
macro_rules! atomic_integer {
    ($atomic:ident, $int:ident, $raw:ident, $word:ident) => {
        #[doc = concat!("An integer that threads and interrupt handlers share, like core's `", stringify!($atomic), "`.")]
        ///
        /// Same size and alignment as core's. See [the module](crate::atomic) for progress and
        /// context of each operation.
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("use latchless::atomic::{", stringify!($atomic), ", Ordering::Relaxed};")]
        ///
        #[doc = concat!("static HITS: ", stringify!($atomic), " = ", stringify!($atomic), "::new(5);")]
        /// assert_eq!(HITS.fetch_add(2, Relaxed), 5);
        /// HITS.inc(Relaxed); // one `lock inc`
        /// assert_eq!(HITS.load(Relaxed), 8);
        /// ```
        #[repr(transparent)]
        pub struct $atomic($raw);

        impl $atomic {
            const_fn! {
                /// Creates an atomic that holds `value`.
                #[inline]
                pub const fn new(value: $int) -> Self {
                    Self($raw::new(value as $word))
                }
            }

            except_in_models! {
                /// The value, by exclusive access.
                #[inline]
                pub fn get_mut(&mut self) -> &mut $int {
                    // SAFETY: both integers have one size, alignment and no invalid value.
                    unsafe { &mut *core::ptr::from_mut(self.0.get_mut()).cast::<$int>() }
                }

                /// Consumes the atomic.
                #[inline]
                pub fn into_inner(self) -> $int {
                    self.0.into_inner() as $int
                }

                /// A pointer to the value, for code that shares it by other means. Accesses
                /// through it that may be concurrent must be atomic and of this width.
                #[inline]
                pub const fn as_ptr(&self) -> *mut $int {
                    self.0.as_ptr().cast::<$int>()
                }

                /// Sees memory of someone else's as an atomic.
                ///
                /// # Safety
                ///
                /// - `pointer` is valid for reads and writes for all of `'a`, and aligned to the
                ///   size of the integer.
                /// - For all of `'a`, concurrent accesses to it are atomic and of this width.
                #[inline]
                pub const unsafe fn from_ptr<'a>(pointer: *mut $int) -> &'a Self {
                    // SAFETY: `Self` is a transparent wrapper of a core atomic of this width; the
                    // caller vouches for the rest.
                    unsafe { &*pointer.cast::<Self>() }
                }
            }

            /// The value, by exclusive access, in every backend.
            #[inline]
            #[allow(dead_code, reason = "not every width is inside a structure")]
            pub(crate) fn load_mut(&mut self) -> $int {
                self.0.load_mut() as $int
            }

            /// Returns the value.
            #[inline]
            #[track_caller]
            pub fn load(&self, order: Ordering) -> $int {
                self.0.load(order) as $int
            }

            /// Stores `value`.
            #[inline]
            #[track_caller]
            pub fn store(&self, value: $int, order: Ordering) {
                self.0.store(value as $word, order);
            }

            /// Stores `value`, returns the value before (`xchg`).
            #[inline]
            #[track_caller]
            pub fn swap(&self, value: $int, order: Ordering) -> $int {
                self.0.swap(value as $word, order) as $int
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
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                match self.0.compare_exchange(current as $word, new as $word, success, failure) {
                    Ok(found) => Ok(found as $int),
                    Err(found) => Err(found as $int),
                }
            }

            /// [`compare_exchange`](Self::compare_exchange) that may fail without reason on
            /// machines where that is cheaper. x86-64 is not one of them.
            ///
            /// # Errors
            ///
            /// The value found.
            #[inline]
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                let (current, new) = (current as $word, new as $word);
                match self.0.compare_exchange_weak(current, new, success, failure) {
                    Ok(found) => Ok(found as $int),
                    Err(found) => Err(found as $int),
                }
            }

            atomic_integer!(@fetch $int, $word;
                "Adds `operand` (wrapping), returns the value before (`lock xadd`)." fetch_add;
                "Subtracts `operand` (wrapping), returns the value before (`lock xadd`)." fetch_sub;
                "Keeps the bits set in `operand`, returns the value before." fetch_and;
                "Stores the complement of the common bits, returns the value before." fetch_nand;
                "Sets the bits set in `operand`, returns the value before." fetch_or;
                "Flips the bits set in `operand`, returns the value before." fetch_xor;
            );

            atomic_integer!(@update $int, $word;
                "Adds `operand` (wrapping) and returns nothing: one `lock add`." add;
                "Subtracts `operand` (wrapping) and returns nothing: one `lock sub`." sub;
                "Keeps the bits set in `operand` and returns nothing: one `lock and`." and;
                "Sets the bits set in `operand` and returns nothing: one `lock or`." or;
                "Flips the bits set in `operand` and returns nothing: one `lock xor`." xor;
            );

            /// Adds one (wrapping) and returns nothing: one `lock inc`.
            #[inline]
            #[track_caller]
            pub fn inc(&self, order: Ordering) {
                self.0.inc(order);
            }

            /// Subtracts one (wrapping) and returns nothing: one `lock dec`.
            #[inline]
            #[track_caller]
            pub fn dec(&self, order: Ordering) {
                self.0.dec(order);
            }

            atomic_integer!(@bit
                "Sets bit `bit` (modulo the width), returns whether it was set (`lock bts`)." bit_set;
                "Clears bit `bit` (modulo the width), returns whether it was set (`lock btr`)." bit_clear;
                "Flips bit `bit` (modulo the width), returns whether it was set (`lock btc`)." bit_toggle;
            );

            /// Stores the greater of the value and `operand`, returns the value before.
            #[inline]
            #[track_caller]
            pub fn fetch_max(&self, operand: $int, order: Ordering) -> $int {
                self.modify(order, |value| value.max(operand))
            }

            /// Stores the lesser of the value and `operand`, returns the value before.
            #[inline]
            #[track_caller]
            pub fn fetch_min(&self, operand: $int, order: Ordering) -> $int {
                self.modify(order, |value| value.min(operand))
            }

            /// Calls `f` with the value until what it returns could be stored, or it returns
            /// `None`. Returns the value before.
            ///
            /// # Errors
            ///
            /// The value that `f` declined.
            #[inline]
            #[track_caller]
            pub fn fetch_update<F>(
                &self,
                set_order: Ordering,
                fetch_order: Ordering,
                mut f: F,
            ) -> Result<$int, $int>
            where
                F: FnMut($int) -> Option<$int>,
            {
                let mut current = self.load(fetch_order);
                while let Some(new) = f(current) {
                    match self.compare_exchange_weak(current, new, set_order, fetch_order) {
                        Ok(before) => return Ok(before),
                        Err(found) => current = found,
                    }
                }
                Err(current)
            }

            /// Applies `f` by a compare-exchange loop, returns the value before.
            #[inline]
            #[track_caller]
            fn modify(&self, order: Ordering, f: impl Fn($int) -> $int) -> $int {
                // ORDERING: Relaxed; only a guess, which the compare-exchange confirms.
                let mut current = self.load(Relaxed);
                loop {
                    // ORDERING: success is the caller's. Failure is Relaxed: the value found is
                    // only the next guess.
                    match self.compare_exchange_weak(current, f(current), order, Relaxed) {
                        Ok(before) => return before,
                        Err(found) => current = found,
                    }
                }
            }
        }

        impl Default for $atomic {
            fn default() -> Self {
                Self::new(0)
            }
        }

        impl From<$int> for $atomic {
            fn from(value: $int) -> Self {
                Self::new(value)
            }
        }

        impl fmt::Debug for $atomic {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // ORDERING: Relaxed; a print publishes nothing.
                self.load(Relaxed).fmt(f)
            }
        }
    };
    (@fetch $int:ident, $word:ident; $($doc:literal $name:ident;)+) => {$(
        #[doc = $doc]
        #[inline]
        #[track_caller]
        pub fn $name(&self, operand: $int, order: Ordering) -> $int {
            self.0.$name(operand as $word, order) as $int
        }
    )+};
    (@update $int:ident, $word:ident; $($doc:literal $name:ident;)+) => {$(
        #[doc = $doc]
        #[inline]
        #[track_caller]
        pub fn $name(&self, operand: $int, order: Ordering) {
            self.0.$name(operand as $word, order);
        }
    )+};
    (@bit $($doc:literal $name:ident;)+) => {$(
        #[doc = $doc]
        #[inline]
        #[track_caller]
        pub fn $name(&self, bit: u32, order: Ordering) -> bool {
            self.0.$name(bit, order)
        }
    )+};
}

atomic_integer!(AtomicU8, u8, RawU8, u8);
atomic_integer!(AtomicU16, u16, RawU16, u16);
atomic_integer!(AtomicU32, u32, RawU32, u32);
#[cfg(target_has_atomic = "64")]
atomic_integer!(AtomicU64, u64, RawU64, u64);
atomic_integer!(AtomicUsize, usize, RawUsize, UsizeWord);
atomic_integer!(AtomicI8, i8, RawU8, u8);
atomic_integer!(AtomicI16, i16, RawU16, u16);
atomic_integer!(AtomicI32, i32, RawU32, u32);
#[cfg(target_has_atomic = "64")]
atomic_integer!(AtomicI64, i64, RawU64, u64);
atomic_integer!(AtomicIsize, isize, RawUsize, UsizeWord);
