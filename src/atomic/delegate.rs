//! What the `native` and the `model` backend share: each method is the method of the same name of
//! the module `atomic` that the backend has in scope, core's or loom's.

/// What integers and pointers share: everything but arithmetic.
macro_rules! exchange_methods {
    ($word:ty) => {
        #[inline(always)]
        #[track_caller]
        pub(crate) fn load(&self, order: Ordering) -> $word {
            self.0.load(order)
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn store(&self, value: $word, order: Ordering) {
            self.0.store(value, order);
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn swap(&self, value: $word, order: Ordering) -> $word {
            self.0.swap(value, order)
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn compare_exchange(
            &self,
            current: $word,
            new: $word,
            success: Ordering,
            failure: Ordering,
        ) -> Result<$word, $word> {
            self.0.compare_exchange(current, new, success, failure)
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn compare_exchange_weak(
            &self,
            current: $word,
            new: $word,
            success: Ordering,
            failure: Ordering,
        ) -> Result<$word, $word> {
            self.0.compare_exchange_weak(current, new, success, failure)
        }
    };
}
pub(super) use exchange_methods;

macro_rules! fetch {
    ($word:ty: $($name:ident),+) => {$(
        #[inline(always)]
        #[track_caller]
        pub(crate) fn $name(&self, operand: $word, order: Ordering) -> $word {
            self.0.$name(operand, order)
        }
    )+};
}
pub(super) use fetch;

macro_rules! update {
    ($word:ty: $($name:ident => $fetch:ident),+) => {$(
        #[inline(always)]
        #[track_caller]
        pub(crate) fn $name(&self, operand: $word, order: Ordering) {
            self.0.$fetch(operand, order);
        }
    )+};
}
pub(super) use update;

macro_rules! bit {
    ($word:ty: $($name:ident => $fetch:ident($mask:ident => $operand:expr)),+) => {$(
        #[inline(always)]
        #[track_caller]
        pub(crate) fn $name(&self, bit: u32, order: Ordering) -> bool {
            let $mask = <$word>::wrapping_shl(1, bit);
            self.0.$fetch($operand, order) & $mask != 0
        }
    )+};
}
pub(super) use bit;

macro_rules! integer_methods {
    ($word:ty) => {
        exchange_methods!($word);
        fetch!($word: fetch_add, fetch_sub, fetch_and, fetch_nand, fetch_or, fetch_xor);
        update!($word: add => fetch_add, sub => fetch_sub, and => fetch_and, or => fetch_or,
            xor => fetch_xor);
        bit!($word: bit_set => fetch_or(mask => mask), bit_clear => fetch_and(mask => !mask),
            bit_toggle => fetch_xor(mask => mask));

        #[inline(always)]
        #[track_caller]
        pub(crate) fn inc(&self, order: Ordering) {
            self.0.fetch_add(1, order);
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn dec(&self, order: Ordering) {
            self.0.fetch_sub(1, order);
        }
    };
}
pub(super) use integer_methods;
