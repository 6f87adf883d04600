//! The integer types.

use core::fmt;
use core::sync::atomic::Ordering::{self, Relaxed};

#[cfg(target_has_atomic = "64")]
use super::backend::RawU64;
use super::backend::{RawU8, RawU16, RawU32, RawUsize, UsizeWord};
use super::modify::update_methods;
use super::ordering::{AnyOrdering, LoadOrdering, StoreOrdering};

/// How a method does it on x86-64: a word by the instruction named, a pair of words by a loop.
macro_rules! how {
    (word $what:literal by $instruction:literal) => {
        concat!($what, ": one `", $instruction, "`.")
    };
    (pair $what:literal by $instruction:literal) => {
        concat!($what, ": a `lock cmpxchg16b` loop.")
    };
}
#[allow(unused_imports, reason = "only the `asm` backend has 128 bits")]
pub(super) use how;

/// One public type over the raw word of its width. Signed types share the word: two's complement
/// makes every operation but the comparison the same.
macro_rules! atomic_integer {
    ($how:ident: $atomic:ident, $int:ident, $raw:ident, $word:ident) => {
        #[doc = concat!("An integer that threads and interrupt handlers share: core's `", stringify!($atomic), "`, and more.")]
        ///
        #[doc = concat!("As large as a `", stringify!($int), "`, and aligned to its size.")]
        /// See [the module](crate::atomic) for progress and context of each operation.
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("use latchless::atomic::{", stringify!($atomic), ", Ordering::Relaxed};")]
        ///
        #[doc = concat!("static HITS: ", stringify!($atomic), " = ", stringify!($atomic), "::new(5);")]
        /// assert_eq!(HITS.fetch_add(2, Relaxed), 5); // the value before
        /// assert_eq!(HITS.add_fetch(2, Relaxed), 9); // the value after
        /// HITS.inc(Relaxed); // neither
        /// assert_eq!(HITS.load(Relaxed), 10);
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
                ///   size of the integer (which debug builds check).
                /// - For all of `'a`, concurrent accesses to it are atomic and of this width.
                /// - If the integer has 128 bits: it is ordinary memory, cached in the usual way
                ///   (write-back), and not a device's.
                #[inline]
                pub const unsafe fn from_ptr<'a>(pointer: *mut $int) -> &'a Self {
                    // SAFETY: `Self` is a transparent wrapper of an atomic of this width; the
                    // caller vouches for the rest.
                    unsafe { crate::atomic::checked_ref(pointer.cast::<Self>()) }
                }
            }

            /// The value, by exclusive access, in every backend.
            #[inline]
            #[allow(dead_code, reason = "not every width is inside a structure")]
            pub(crate) fn load_mut(&mut self) -> $int {
                self.0.load_mut() as $int
            }

            #[doc = how!($how "Returns the value" by "mov")]
            #[inline]
            #[track_caller]
            pub fn load(&self, order: impl LoadOrdering) -> $int {
                self.0.load(order.into()) as $int
            }

            #[doc = how!($how "Stores `value`" by "mov` (`SeqCst`: `xchg")]
            #[inline]
            #[track_caller]
            pub fn store(&self, value: $int, order: impl StoreOrdering) {
                self.0.store(value as $word, order.into());
            }

            #[doc = how!($how "Stores `value`, returns the value before" by "xchg")]
            #[inline]
            #[track_caller]
            pub fn swap(&self, value: $int, order: impl AnyOrdering) -> $int {
                self.0.swap(value as $word, order.into()) as $int
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
                success: impl AnyOrdering,
                failure: impl LoadOrdering,
            ) -> Result<$int, $int> {
                let (current, new) = (current as $word, new as $word);
                match self.0.compare_exchange(current, new, success.into(), failure.into()) {
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
                success: impl AnyOrdering,
                failure: impl LoadOrdering,
            ) -> Result<$int, $int> {
                let (current, new) = (current as $word, new as $word);
                match self.0.compare_exchange_weak(current, new, success.into(), failure.into()) {
                    Ok(found) => Ok(found as $int),
                    Err(found) => Err(found as $int),
                }
            }

            // --- The value before ---

            atomic_integer!(@fetch $int, $word;
                #[doc = how!($how "Adds `operand` (wrapping), returns the value before" by "lock xadd")]
                fetch_add;
                #[doc = how!($how "Subtracts `operand` (wrapping), returns the value before" by "lock xadd")]
                fetch_sub;
                /// Keeps the bits set in `operand`, returns the value before.
                fetch_and;
                /// Stores the complement of the common bits, returns the value before.
                fetch_nand;
                /// Sets the bits set in `operand`, returns the value before.
                fetch_or;
                /// Flips the bits set in `operand`, returns the value before.
                fetch_xor;
            );

            /// Flips every bit, returns the value before.
            #[inline]
            #[track_caller]
            pub fn fetch_not(&self, order: impl AnyOrdering) -> $int {
                self.fetch_xor(!0, order)
            }

            /// Changes the sign (wrapping), returns the value before.
            #[inline]
            #[track_caller]
            pub fn fetch_neg(&self, order: impl AnyOrdering) -> $int {
                self.modify(order.into(), <$int>::wrapping_neg)
            }

            /// Stores the greater of the value and `operand`, returns the value before.
            #[inline]
            #[track_caller]
            pub fn fetch_max(&self, operand: $int, order: impl AnyOrdering) -> $int {
                self.modify(order.into(), |value| value.max(operand))
            }

            /// Stores the lesser of the value and `operand`, returns the value before.
            #[inline]
            #[track_caller]
            pub fn fetch_min(&self, operand: $int, order: impl AnyOrdering) -> $int {
                self.modify(order.into(), |value| value.min(operand))
            }

            // --- The value after ---

            atomic_integer!(@after $int;
                #[doc = how!($how "Adds `operand` (wrapping), returns the sum (Go's `Add`)" by "lock xadd")]
                add_fetch = fetch_add(|before, operand| before.wrapping_add(operand));
                #[doc = how!($how "Subtracts `operand` (wrapping), returns the difference" by "lock xadd")]
                sub_fetch = fetch_sub(|before, operand| before.wrapping_sub(operand));
                /// Keeps the bits set in `operand`, returns those.
                and_fetch = fetch_and(|before, operand| before & operand);
                /// Stores the complement of the common bits, and returns it.
                nand_fetch = fetch_nand(|before, operand| !(before & operand));
                /// Sets the bits set in `operand`, returns the value after.
                or_fetch = fetch_or(|before, operand| before | operand);
                /// Flips the bits set in `operand`, returns the value after.
                xor_fetch = fetch_xor(|before, operand| before ^ operand);
                /// Stores the greater of the value and `operand`, and returns it.
                max_fetch = fetch_max(|before, operand| before.max(operand));
                /// Stores the lesser of the value and `operand`, and returns it.
                min_fetch = fetch_min(|before, operand| before.min(operand));
            );

            // --- Neither ---

            atomic_integer!(@update $how $int, $word;
                "Adds `operand` (wrapping)" "lock add" add;
                "Subtracts `operand` (wrapping)" "lock sub" sub;
                "Keeps the bits set in `operand`" "lock and" and;
                "Sets the bits set in `operand`" "lock or" or;
                "Flips the bits set in `operand`" "lock xor" xor;
            );

            atomic_integer!(@step $how
                "Adds one (wrapping)" "lock inc" inc;
                "Subtracts one (wrapping)" "lock dec" dec;
                "Changes the sign (wrapping)" "lock neg" neg;
                "Flips every bit" "lock not" not;
            );

            // --- A flag ---

            atomic_integer!(@test $how $int, $word;
                "Adds `operand` (wrapping), returns whether the sum is zero"
                    "lock add" add_and_test(operand: $int);
                "Subtracts `operand` (wrapping), returns whether the difference is zero"
                    "lock sub" sub_and_test(operand: $int);
                "Adds `operand` (wrapping), returns the top bit of the sum"
                    "lock add" add_negative(operand: $int);
                "Adds one (wrapping), returns whether the sum is zero"
                    "lock inc" inc_and_test();
                "Subtracts one (wrapping), returns whether the difference is zero"
                    "lock dec" dec_and_test();
            );

            atomic_integer!(@bit $how
                "Sets bit `bit` (modulo the width), returns whether it was set" "lock bts" bit_set;
                "Clears bit `bit` (modulo the width), returns whether it was set" "lock btr" bit_clear;
                "Flips bit `bit` (modulo the width), returns whether it was set" "lock btc" bit_toggle;
            );

            #[inline]
            #[track_caller]
            fn modify(&self, order: Ordering, f: impl Fn($int) -> $int) -> $int {
                self.0.modify(order, |word| f(word as $int) as $word) as $int
            }

            // --- A function ---

            update_methods!($int);
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
    (@fetch $int:ident, $word:ident; $($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[inline]
        #[track_caller]
        pub fn $name(&self, operand: $int, order: impl AnyOrdering) -> $int {
            self.0.$name(operand as $word, order.into()) as $int
        }
    )+};
    (@after $int:ident; $(
        $(#[$doc:meta])+
        $name:ident = $fetch:ident(|$before:ident, $operand:ident| $after:expr);
    )+) => {$(
        $(#[$doc])+
        #[inline]
        #[track_caller]
        pub fn $name(&self, $operand: $int, order: impl AnyOrdering) -> $int {
            let $before = self.$fetch($operand, order);
            $after
        }
    )+};
    (@update $how:ident $int:ident, $word:ident; $(
        $what:literal $instruction:literal $name:ident;
    )+) => {$(
        #[doc = how!($how $what by $instruction)]
        #[inline]
        #[track_caller]
        pub fn $name(&self, operand: $int, order: impl AnyOrdering) {
            self.0.$name(operand as $word, order.into());
        }
    )+};
    (@step $how:ident $($what:literal $instruction:literal $name:ident;)+) => {$(
        #[doc = how!($how $what by $instruction)]
        #[inline]
        #[track_caller]
        pub fn $name(&self, order: impl AnyOrdering) {
            self.0.$name(order.into());
        }
    )+};
    (@test $how:ident $int:ident, $word:ident; $(
        $what:literal $instruction:literal $name:ident($($operand:ident: $type:ty)?);
    )+) => {$(
        #[doc = how!($how $what by $instruction)]
        #[inline]
        #[track_caller]
        pub fn $name(&self, $($operand: $type,)? order: impl AnyOrdering) -> bool {
            self.0.$name($($operand as $word,)? order.into())
        }
    )+};
    (@bit $how:ident $($what:literal $instruction:literal $name:ident;)+) => {$(
        #[doc = how!($how $what by $instruction)]
        #[inline]
        #[track_caller]
        pub fn $name(&self, bit: u32, order: impl AnyOrdering) -> bool {
            self.0.$name(bit, order.into())
        }
    )+};
}
#[allow(unused_imports, reason = "only the `asm` backend has 128 bits")]
pub(super) use atomic_integer;

atomic_integer!(word: AtomicU8, u8, RawU8, u8);
atomic_integer!(word: AtomicU16, u16, RawU16, u16);
atomic_integer!(word: AtomicU32, u32, RawU32, u32);
#[cfg(target_has_atomic = "64")]
atomic_integer!(word: AtomicU64, u64, RawU64, u64);
atomic_integer!(word: AtomicUsize, usize, RawUsize, UsizeWord);
atomic_integer!(word: AtomicI8, i8, RawU8, u8);
atomic_integer!(word: AtomicI16, i16, RawU16, u16);
atomic_integer!(word: AtomicI32, i32, RawU32, u32);
#[cfg(target_has_atomic = "64")]
atomic_integer!(word: AtomicI64, i64, RawU64, u64);
atomic_integer!(word: AtomicIsize, isize, RawUsize, UsizeWord);
