//! The 128-bit integers: every operation is a compare-exchange of a pair, or a loop around one.

use core::fmt;
use core::sync::atomic::Ordering::{self, Relaxed};

use super::AtomicPair;
use super::integer::{atomic_integer, how};
use super::modify::update_methods;
use super::ordering::{AnyOrdering, LoadOrdering, StoreOrdering};
use super::pair::Unsupported;

/// A `u128` in two words, the low one first, which is how x86-64 lays it out.
#[repr(transparent)]
struct RawU128(AtomicPair);

const fn split(value: u128) -> [u64; 2] {
    [value as u64, (value >> 64) as u64]
}

const fn join([low, high]: [u64; 2]) -> u128 {
    (high as u128) << 64 | low as u128
}

/// The value before, by a loop; what the other forms return is made of that.
macro_rules! fetch {
    ($($name:ident $($then:ident)?: |$old:ident, $operand:ident| $new:expr;)+) => {$(
        #[inline]
        fn $name(&self, $operand: u128, order: Ordering) -> u128 {
            self.modify(order, |$old| $new)
        }

        $(
            #[inline]
            fn $then(&self, operand: u128, order: Ordering) {
                self.$name(operand, order);
            }
        )?
    )+};
}

macro_rules! bit {
    ($($name:ident: |$old:ident, $mask:ident| $new:expr;)+) => {$(
        #[inline]
        fn $name(&self, bit: u32, order: Ordering) -> bool {
            let $mask = 1_u128.wrapping_shl(bit);
            self.modify(order, |$old| $new) & $mask != 0
        }
    )+};
}

impl RawU128 {
    const fn new(value: u128) -> Self {
        Self(AtomicPair::new(split(value)))
    }

    const fn as_ptr(&self) -> *mut u128 {
        self.0.as_ptr().cast::<u128>()
    }

    fn get_mut(&mut self) -> &mut u128 {
        // SAFETY: a pair is as large as a `u128` and at least as aligned; the borrow is exclusive.
        unsafe { &mut *self.as_ptr() }
    }

    fn load_mut(&mut self) -> u128 {
        *self.get_mut()
    }

    fn into_inner(self) -> u128 {
        join(self.0.into_inner())
    }

    #[inline]
    #[track_caller]
    fn load(&self, order: Ordering) -> u128 {
        join(self.0.load(order))
    }

    #[inline]
    #[track_caller]
    fn store(&self, value: u128, order: Ordering) {
        self.0.store(split(value), order);
    }

    #[inline]
    fn swap(&self, value: u128, order: Ordering) -> u128 {
        join(self.0.swap(split(value), order))
    }

    #[inline]
    #[track_caller]
    fn compare_exchange(
        &self,
        current: u128,
        new: u128,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u128, u128> {
        self.0
            .compare_exchange(split(current), split(new), success, failure)
            .map(join)
            .map_err(join)
    }

    #[inline]
    #[track_caller]
    fn compare_exchange_weak(
        &self,
        current: u128,
        new: u128,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u128, u128> {
        self.compare_exchange(current, new, success, failure)
    }

    /// Applies `f`, returns the value before.
    #[inline]
    fn modify(&self, order: Ordering, f: impl Fn(u128) -> u128) -> u128 {
        join(self.0.modify(order, |words| split(f(join(words)))))
    }

    fetch! {
        fetch_add add: |old, operand| old.wrapping_add(operand);
        fetch_sub sub: |old, operand| old.wrapping_sub(operand);
        fetch_and and: |old, operand| old & operand;
        fetch_nand: |old, operand| !(old & operand);
        fetch_or or: |old, operand| old | operand;
        fetch_xor xor: |old, operand| old ^ operand;
    }

    bit! {
        bit_set: |old, mask| old | mask;
        bit_clear: |old, mask| old & !mask;
        bit_toggle: |old, mask| old ^ mask;
    }

    #[inline]
    fn inc(&self, order: Ordering) {
        self.add(1, order);
    }

    #[inline]
    fn dec(&self, order: Ordering) {
        self.sub(1, order);
    }

    #[inline]
    fn neg(&self, order: Ordering) {
        self.modify(order, u128::wrapping_neg);
    }

    #[inline]
    fn not(&self, order: Ordering) {
        self.xor(!0, order);
    }

    #[inline]
    fn add_and_test(&self, delta: u128, order: Ordering) -> bool {
        self.fetch_add(delta, order).wrapping_add(delta) == 0
    }

    #[inline]
    fn sub_and_test(&self, delta: u128, order: Ordering) -> bool {
        self.fetch_sub(delta, order) == delta
    }

    #[inline]
    fn inc_and_test(&self, order: Ordering) -> bool {
        self.add_and_test(1, order)
    }

    #[inline]
    fn dec_and_test(&self, order: Ordering) -> bool {
        self.sub_and_test(1, order)
    }

    #[inline]
    fn add_negative(&self, delta: u128, order: Ordering) -> bool {
        self.fetch_add(delta, order).wrapping_add(delta) >> 127 != 0
    }
}

atomic_integer!(pair: AtomicU128, u128, RawU128, u128);
atomic_integer!(pair: AtomicI128, i128, RawU128, u128);

macro_rules! supported {
    ($($atomic:ident, $int:ident;)+) => {$(
        impl $atomic {
            /// Whether this CPU can compare-exchange a pair of words; see [`AtomicPair::is_supported`].
            #[inline]
            pub fn is_supported() -> bool {
                AtomicPair::is_supported()
            }

            /// Creates an atomic that holds `value`, on a CPU that can.
            ///
            /// # Errors
            ///
            /// [`Unsupported`]: the CPU lacks `cmpxchg16b`.
            pub fn try_new(value: $int) -> Result<Self, Unsupported> {
                AtomicPair::check().map(|()| Self::new(value))
            }
        }
    )+};
}

supported! {
    AtomicU128, u128;
    AtomicI128, i128;
}
