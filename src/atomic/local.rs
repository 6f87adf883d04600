//! The unlocked twins, for data of one CPU.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{
    Ordering::{Relaxed, SeqCst},
    compiler_fence,
};

#[cfg(target_has_atomic = "64")]
use super::backend::RawU64;
use super::backend::{RawU8, RawU16, RawU32, RawUsize, UsizeWord};

macro_rules! local_integer {
    ($local:ident, $atomic:literal, $int:ident, $raw:ident, $word:ident) => {
        #[doc = concat!("The unlocked twin of [`", $atomic, "`](super::", $atomic, "): atomic for interrupts of the same CPU, and for nobody else.")]
        ///
        /// For per-CPU data: the same instructions without `lock`, which costs about as much as plain
        /// arithmetic. An interrupt handler finds each operation done or not begun. There is no
        /// ordering to declare: a CPU sees its own accesses in their order, and the compiler moves
        /// none across. On the `native` backend the accesses are core's, atomic for everybody.
        ///
        /// `Send` but not `Sync`. A `static` of these, one for each CPU, takes a wrapper whose
        /// `unsafe impl Sync` says that each CPU keeps to its own, and that a thread is not moved to
        /// another CPU in the middle of a call.
        ///
        /// **Progress** one instruction: wait-free; what returns the value before of anything but a
        /// sum is a loop that only interrupts make longer. **Context** any on this CPU.
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("use latchless::atomic::", stringify!($local), ";")]
        ///
        #[doc = concat!("let ticks = ", stringify!($local), "::new(5);")]
        /// ticks.inc();
        /// assert_eq!(ticks.fetch_add(2), 6);
        /// assert_eq!(ticks.load(), 8);
        /// ```
        #[repr(transparent)]
        pub struct $local {
            word: $raw,
            not_sync: PhantomData<Cell<$int>>,
        }

        impl $local {
            const_fn! {
                /// Creates a cell that holds `value`.
                #[inline]
                pub const fn new(value: $int) -> Self {
                    Self { word: $raw::new(value as $word), not_sync: PhantomData }
                }
            }

            except_in_models! {
                /// The value, by exclusive access.
                #[inline]
                pub fn get_mut(&mut self) -> &mut $int {
                    // SAFETY: both integers have one size, alignment and no invalid value.
                    unsafe { &mut *core::ptr::from_mut(self.word.get_mut()).cast::<$int>() }
                }

                /// Consumes the cell.
                #[inline]
                pub fn into_inner(self) -> $int {
                    self.word.into_inner() as $int
                }

                /// A pointer to the value.
                #[inline]
                pub const fn as_ptr(&self) -> *mut $int {
                    self.word.as_ptr().cast::<$int>()
                }

                /// Sees memory of someone else's as such a cell.
                ///
                /// # Safety
                ///
                /// - `pointer` is valid for reads and writes for all of `'a`, and aligned to the
                ///   size of the integer (which debug builds check).
                /// - For all of `'a`, only this CPU writes there, by single instructions.
                #[inline]
                pub const unsafe fn from_ptr<'a>(pointer: *mut $int) -> &'a Self {
                    // SAFETY: `Self` is a transparent wrapper of a word of this width; the caller
                    // vouches for the rest.
                    unsafe { crate::atomic::checked_ref(pointer.cast::<Self>()) }
                }
            }

            /// Returns the value: one `mov`.
            #[inline]
            #[track_caller]
            pub fn load(&self) -> $int {
                compiler_fence(SeqCst);
                // ORDERING: Relaxed; no other CPU is concerned.
                let value = self.word.load(Relaxed);
                compiler_fence(SeqCst);
                value as $int
            }

            /// Stores `value`: one `mov`.
            #[inline]
            #[track_caller]
            pub fn store(&self, value: $int) {
                compiler_fence(SeqCst);
                // ORDERING: Relaxed; no other CPU is concerned.
                self.word.store(value as $word, Relaxed);
                compiler_fence(SeqCst);
            }

            /// Stores `new` if the value is `current`: one `cmpxchg`. Returns the value before.
            ///
            /// # Errors
            ///
            /// The value found, if it is another one.
            #[inline]
            #[track_caller]
            pub fn compare_exchange(&self, current: $int, new: $int) -> Result<$int, $int> {
                match self.word.local_compare_exchange(current as $word, new as $word) {
                    Ok(found) => Ok(found as $int),
                    Err(found) => Err(found as $int),
                }
            }

            /// Calls `f` with the value until what it returns could be stored. Returns the value
            /// before.
            #[inline]
            #[track_caller]
            pub fn update(&self, mut f: impl FnMut($int) -> $int) -> $int {
                let mut current = self.load();
                loop {
                    match self.compare_exchange(current, f(current)) {
                        Ok(before) => return before,
                        Err(found) => current = found,
                    }
                }
            }

            /// Adds `operand` (wrapping), returns the value before: one `xadd`.
            #[inline]
            #[track_caller]
            pub fn fetch_add(&self, operand: $int) -> $int {
                self.word.local_fetch_add(operand as $word) as $int
            }

            /// Subtracts `operand` (wrapping), returns the value before: one `xadd`.
            #[inline]
            #[track_caller]
            pub fn fetch_sub(&self, operand: $int) -> $int {
                self.fetch_add(operand.wrapping_neg())
            }

            /// Adds `operand` (wrapping), returns the sum: one `xadd`.
            #[inline]
            #[track_caller]
            pub fn add_fetch(&self, operand: $int) -> $int {
                self.fetch_add(operand).wrapping_add(operand)
            }

            /// Subtracts `operand` (wrapping), returns the difference: one `xadd`.
            #[inline]
            #[track_caller]
            pub fn sub_fetch(&self, operand: $int) -> $int {
                self.fetch_sub(operand).wrapping_sub(operand)
            }

            local_integer!(@fetch $int;
                /// Stores `operand`, returns the value before. (`xchg` would lock.)
                swap = |_value, operand| operand;
                /// Keeps the bits set in `operand`, returns the value before.
                fetch_and = |value, operand| value & operand;
                /// Sets the bits set in `operand`, returns the value before.
                fetch_or = |value, operand| value | operand;
                /// Flips the bits set in `operand`, returns the value before.
                fetch_xor = |value, operand| value ^ operand;
                /// Stores the greater of the value and `operand`, returns the value before.
                fetch_max = |value, operand| value.max(operand);
                /// Stores the lesser of the value and `operand`, returns the value before.
                fetch_min = |value, operand| value.min(operand);
            );

            local_integer!(@update $word;
                "Adds `operand` (wrapping): one `add`." add(operand: $int) => local_add;
                "Subtracts `operand` (wrapping): one `sub`." sub(operand: $int) => local_sub;
                "Keeps the bits set in `operand`: one `and`." and(operand: $int) => local_and;
                "Sets the bits set in `operand`: one `or`." or(operand: $int) => local_or;
                "Flips the bits set in `operand`: one `xor`." xor(operand: $int) => local_xor;
                "Adds one (wrapping): one `inc`." inc() => local_inc;
                "Subtracts one (wrapping): one `dec`." dec() => local_dec;
                "Changes the sign (wrapping): one `neg`." neg() => local_neg;
                "Flips every bit: one `not`." not() => local_not;
                "Adds `operand` (wrapping), returns whether the sum is zero: one `add`."
                    add_and_test(operand: $int) -> bool => local_add_and_test;
                "Subtracts `operand` (wrapping), returns whether the difference is zero: one `sub`."
                    sub_and_test(operand: $int) -> bool => local_sub_and_test;
                "Adds `operand` (wrapping), returns the top bit of the sum: one `add`."
                    add_negative(operand: $int) -> bool => local_add_negative;
                "Adds one (wrapping), returns whether the sum is zero: one `inc`."
                    inc_and_test() -> bool => local_inc_and_test;
                "Subtracts one (wrapping), returns whether the difference is zero: one `dec`."
                    dec_and_test() -> bool => local_dec_and_test;
            );

            local_integer!(@bit
                "Sets bit `bit` (modulo the width), returns whether it was set: one `bts`."
                    bit_set => local_bit_set;
                "Clears bit `bit` (modulo the width), returns whether it was set: one `btr`."
                    bit_clear => local_bit_clear;
                "Flips bit `bit` (modulo the width), returns whether it was set: one `btc`."
                    bit_toggle => local_bit_toggle;
            );
        }

        impl Default for $local {
            fn default() -> Self {
                Self::new(0)
            }
        }

        impl From<$int> for $local {
            fn from(value: $int) -> Self {
                Self::new(value)
            }
        }

        impl fmt::Debug for $local {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.load().fmt(f)
            }
        }
    };
    (@fetch $int:ident; $(
        $(#[$doc:meta])+ $name:ident = |$value:ident, $operand:ident| $new:expr;
    )+) => {$(
        $(#[$doc])+
        #[inline]
        #[track_caller]
        pub fn $name(&self, $operand: $int) -> $int {
            self.update(|$value| $new)
        }
    )+};
    (@update $word:ident; $(
        $doc:literal $name:ident($($operand:ident: $type:ty)?) $(-> $result:ty)? => $method:ident;
    )+) => {$(
        #[doc = $doc]
        #[inline]
        #[track_caller]
        pub fn $name(&self $(, $operand: $type)?) $(-> $result)? {
            self.word.$method($($operand as $word)?)
        }
    )+};
    (@bit $($doc:literal $name:ident => $method:ident;)+) => {$(
        #[doc = $doc]
        #[inline]
        #[track_caller]
        pub fn $name(&self, bit: u32) -> bool {
            self.word.$method(bit)
        }
    )+};
}

local_integer!(LocalU8, "AtomicU8", u8, RawU8, u8);
local_integer!(LocalU16, "AtomicU16", u16, RawU16, u16);
local_integer!(LocalU32, "AtomicU32", u32, RawU32, u32);
#[cfg(target_has_atomic = "64")]
local_integer!(LocalU64, "AtomicU64", u64, RawU64, u64);
local_integer!(LocalUsize, "AtomicUsize", usize, RawUsize, UsizeWord);
local_integer!(LocalI8, "AtomicI8", i8, RawU8, u8);
local_integer!(LocalI16, "AtomicI16", i16, RawU16, u16);
local_integer!(LocalI32, "AtomicI32", i32, RawU32, u32);
#[cfg(target_has_atomic = "64")]
local_integer!(LocalI64, "AtomicI64", i64, RawU64, u64);
local_integer!(LocalIsize, "AtomicIsize", isize, RawUsize, UsizeWord);
