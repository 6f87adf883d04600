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

/// The unlocked forms, which only assembly has: here an access is atomic for everybody. The fences
/// keep the compiler from moving accesses that an interrupt handler could see out of order.
macro_rules! local {
    ($($name:ident => $method:ident($($operand:ident: $type:ty)?) $(-> $result:ty)?;)+) => {$(
        #[inline(always)]
        #[track_caller]
        pub(crate) fn $name(&self $(, $operand: $type)?) $(-> $result)? {
            core::sync::atomic::compiler_fence(Ordering::SeqCst);
            // ORDERING: Relaxed; no other thread is concerned.
            let result = self.$method($($operand,)? Ordering::Relaxed);
            core::sync::atomic::compiler_fence(Ordering::SeqCst);
            result
        }
    )+};
}
pub(super) use local;

macro_rules! integer_methods {
    ($word:ty) => {
        exchange_methods!($word);
        modify!($word);
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

        #[inline(always)]
        #[track_caller]
        pub(crate) fn not(&self, order: Ordering) {
            self.0.fetch_xor(!0, order);
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn neg(&self, order: Ordering) {
            self.modify(order, <$word>::wrapping_neg);
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn add_and_test(&self, delta: $word, order: Ordering) -> bool {
            self.0.fetch_add(delta, order).wrapping_add(delta) == 0
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn sub_and_test(&self, delta: $word, order: Ordering) -> bool {
            self.0.fetch_sub(delta, order) == delta
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn inc_and_test(&self, order: Ordering) -> bool {
            self.0.fetch_add(1, order) == <$word>::MAX
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn dec_and_test(&self, order: Ordering) -> bool {
            self.0.fetch_sub(1, order) == 1
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn add_negative(&self, delta: $word, order: Ordering) -> bool {
            self.0.fetch_add(delta, order).wrapping_add(delta) >> (<$word>::BITS - 1) != 0
        }

        local!(
            local_fetch_add => fetch_add(delta: $word) -> $word;
            local_and => and(mask: $word);
            local_or => or(mask: $word);
            local_xor => xor(mask: $word);
            local_neg => neg();
            local_not => not();
            local_add_and_test => add_and_test(delta: $word) -> bool;
            local_sub_and_test => sub_and_test(delta: $word) -> bool;
            local_inc_and_test => inc_and_test() -> bool;
            local_dec_and_test => dec_and_test() -> bool;
            local_add_negative => add_negative(delta: $word) -> bool;
            local_bit_set => bit_set(bit: u32) -> bool;
            local_bit_clear => bit_clear(bit: u32) -> bool;
            local_bit_toggle => bit_toggle(bit: u32) -> bool;
        );

        #[inline(always)]
        #[track_caller]
        pub(crate) fn local_compare_exchange(
            &self,
            current: $word,
            new: $word,
        ) -> Result<$word, $word> {
            core::sync::atomic::compiler_fence(Ordering::SeqCst);
            // ORDERING: Relaxed; no other thread is concerned.
            let result =
                self.0.compare_exchange(current, new, Ordering::Relaxed, Ordering::Relaxed);
            core::sync::atomic::compiler_fence(Ordering::SeqCst);
            result
        }
    };
}
pub(super) use integer_methods;

/// What pointers have beyond exchanges; core has it since Rust 1.91.
macro_rules! pointer_methods {
    () => {
        modify!(*mut T);

        /// Adds `bytes` (wrapping), returns the pointer before.
        #[inline(always)]
        #[track_caller]
        pub(crate) fn fetch_byte_add(&self, bytes: usize, order: Ordering) -> *mut T {
            self.modify(order, |pointer| pointer.wrapping_byte_add(bytes))
        }
    };
}
pub(super) use pointer_methods;
