//! The x86-64 backend: read-modify-writes are [`crate::arch`]'s instructions, loads and stores are
//! core's.
//!
//! The storage is core's atomic type, so `Send`, `Sync`, alignment and in-memory representation
//! are core's too, and an `as_ptr` given out here may be shared with code that uses core.

use core::sync::atomic::{self, Ordering, Ordering::Relaxed};

pub(crate) use super::cell::{CellsView, UnsafeCell, UnsafeCells, UnsafeCellsAt};
use super::modify::modify;
use crate::arch::{
    BitWord, Exchange, Local, LocalBitWord, Word, lock_cmpxchg16b, lock_xadd_pointer,
};
#[cfg(target_feature = "sse2")]
use crate::arch::{cpu::is_known_to_have_atomic_vector_moves, movdqa_load, movdqa_store};

pub(crate) use core::sync::atomic::fence;

/// A `SeqCst` fence that follows a read-modify-write with nothing but register work in between
/// (Linux's `smp_mb__after_atomic`): the locked instruction was the fence already.
#[inline(always)]
pub(crate) fn fence_after_rmw() {
    atomic::compiler_fence(Ordering::SeqCst);
}

/// Refuses what core refuses. A failed compare-exchange stores nothing, so it releases nothing.
#[inline(always)]
#[track_caller]
fn check_failure_ordering(failure: Ordering) {
    match failure {
        Ordering::Release => panic!("there is no such thing as a release failure ordering"),
        Ordering::AcqRel => panic!("there is no such thing as an acquire-release failure ordering"),
        _ => {}
    }
}

/// What integers and pointers share: everything but arithmetic.
macro_rules! exchange_methods {
    ($word:ty) => {
        #[inline(always)]
        pub(crate) fn get_mut(&mut self) -> &mut $word {
            self.0.get_mut()
        }

        #[inline(always)]
        pub(crate) fn into_inner(self) -> $word {
            self.0.into_inner()
        }

        #[inline(always)]
        pub(crate) const fn as_ptr(&self) -> *mut $word {
            self.0.as_ptr()
        }

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
        pub(crate) fn swap(&self, value: $word, _order: Ordering) -> $word {
            // SAFETY: core's atomic is valid and aligned, and shared by atomic accesses only.
            unsafe { <$word>::xchg(self.as_ptr(), value) }
        }

        #[inline(always)]
        #[track_caller]
        pub(crate) fn compare_exchange(
            &self,
            current: $word,
            new: $word,
            _success: Ordering,
            failure: Ordering,
        ) -> Result<$word, $word> {
            check_failure_ordering(failure);
            // SAFETY: core's atomic is valid and aligned, and shared by atomic accesses only.
            unsafe { <$word>::lock_cmpxchg(self.as_ptr(), current, new) }
        }

        /// Core's: the same `lock cmpxchg`, but the loops that it is for can branch on the flag that
        /// the instruction leaves, which inline assembly cannot hand out (3 % of `fetch_update`).
        /// `SeqCst` makes it the full barrier that assembly is.
        #[inline(always)]
        #[track_caller]
        pub(crate) fn compare_exchange_weak(
            &self,
            current: $word,
            new: $word,
            _success: Ordering,
            failure: Ordering,
        ) -> Result<$word, $word> {
            check_failure_ordering(failure);
            self.0.compare_exchange(current, new, Ordering::SeqCst, Ordering::SeqCst)
        }
    };
}

/// Methods that are one instruction each.
macro_rules! instructions {
    ($word:ty: $(
        $name:ident($($operand:ident: $type:ty)?) $(-> $result:ty)? => $instruction:ident;
    )+) => {$(
        #[inline(always)]
        pub(crate) fn $name(&self, $($operand: $type,)? _order: Ordering) $(-> $result)? {
            // SAFETY: core's atomic is valid and aligned, and shared by atomic accesses only.
            unsafe { <$word>::$instruction(self.as_ptr() $(, $operand)?) }
        }
    )+};
}

/// The same without `lock`, and without an ordering: a CPU sees its own accesses in their order.
macro_rules! local_instructions {
    ($word:ty: $(
        $name:ident($($operand:ident: $type:ty)?) $(-> $result:ty)? => $instruction:ident;
    )+) => {$(
        #[inline(always)]
        pub(crate) fn $name(&self, $($operand: $type)?) $(-> $result)? {
            // SAFETY: core's atomic is valid and aligned. Only `Local…` types call this, which are
            // not `Sync`: nobody else writes but interrupts of this CPU.
            unsafe { <$word>::$instruction(self.as_ptr() $(, $operand)?) }
        }
    )+};
}

/// The value before of an operation that x86-64 has no single instruction for.
macro_rules! fetch_update {
    ($word:ty: $($name:ident => $new:expr),+) => {$(
        #[inline(always)]
        pub(crate) fn $name(&self, operand: $word, order: Ordering) -> $word {
            let new: fn($word, $word) -> $word = $new;
            self.modify(order, |old| new(old, operand))
        }
    )+};
}

macro_rules! raw_integer {
    ($raw:ident, $atomic:ident, $word:ty) => {
        #[repr(transparent)]
        pub(crate) struct $raw(atomic::$atomic);

        impl $raw {
            #[inline(always)]
            pub(crate) const fn new(value: $word) -> Self {
                Self(atomic::$atomic::new(value))
            }

            exchange_methods!($word);

            #[inline(always)]
            pub(crate) fn load_mut(&mut self) -> $word {
                *self.get_mut()
            }

            modify!($word);

            #[inline(always)]
            pub(crate) fn fetch_sub(&self, delta: $word, order: Ordering) -> $word {
                self.fetch_add(delta.wrapping_neg(), order)
            }

            fetch_update!($word: fetch_and => |a, b| a & b, fetch_nand => |a, b| !(a & b),
                fetch_or => |a, b| a | b, fetch_xor => |a, b| a ^ b);

            instructions!($word:
                fetch_add(delta: $word) -> $word => lock_xadd;
                add(delta: $word) => lock_add;
                sub(delta: $word) => lock_sub;
                and(mask: $word) => lock_and;
                or(mask: $word) => lock_or;
                xor(mask: $word) => lock_xor;
                inc() => lock_inc;
                dec() => lock_dec;
                neg() => lock_neg;
                not() => lock_not;
                add_and_test(delta: $word) -> bool => lock_add_zf;
                sub_and_test(delta: $word) -> bool => lock_sub_zf;
                inc_and_test() -> bool => lock_inc_zf;
                dec_and_test() -> bool => lock_dec_zf;
                add_negative(delta: $word) -> bool => lock_add_sf;
            );

            local_instructions!($word:
                local_fetch_add(delta: $word) -> $word => local_xadd;
                local_add(delta: $word) => local_add;
                local_sub(delta: $word) => local_sub;
                local_and(mask: $word) => local_and;
                local_or(mask: $word) => local_or;
                local_xor(mask: $word) => local_xor;
                local_inc() => local_inc;
                local_dec() => local_dec;
                local_neg() => local_neg;
                local_not() => local_not;
                local_add_and_test(delta: $word) -> bool => local_add_zf;
                local_sub_and_test(delta: $word) -> bool => local_sub_zf;
                local_inc_and_test() -> bool => local_inc_zf;
                local_dec_and_test() -> bool => local_dec_zf;
                local_add_negative(delta: $word) -> bool => local_add_sf;
            );

            #[inline(always)]
            pub(crate) fn local_compare_exchange(
                &self,
                current: $word,
                new: $word,
            ) -> Result<$word, $word> {
                // SAFETY: as for `local_instructions`.
                unsafe { <$word>::local_cmpxchg(self.as_ptr(), current, new) }
            }
        }
    };
}

raw_integer!(RawU8, AtomicU8, u8);
raw_integer!(RawU16, AtomicU16, u16);
raw_integer!(RawU32, AtomicU32, u32);
raw_integer!(RawU64, AtomicU64, u64);

/// The atomic of the width of `usize`, seen as the integer of that width.
pub(crate) type RawUsize = RawU64;
pub(crate) type UsizeWord = u64;

macro_rules! raw_bits {
    ($raw:ident, $word:ty) => {
        impl $raw {
            instructions!($word:
                bit_set(bit: u32) -> bool => lock_bts;
                bit_clear(bit: u32) -> bool => lock_btr;
                bit_toggle(bit: u32) -> bool => lock_btc;
            );

            local_instructions!($word:
                local_bit_set(bit: u32) -> bool => local_bts;
                local_bit_clear(bit: u32) -> bool => local_btr;
                local_bit_toggle(bit: u32) -> bool => local_btc;
            );
        }
    };
}

raw_bits!(RawU16, u16);
raw_bits!(RawU32, u32);
raw_bits!(RawU64, u64);

/// There is no 8-bit `bts`: a compare-exchange loop.
macro_rules! looped_bits {
    ($($name:ident, $local:ident, |$old:ident, $mask:ident| $new:expr;)+) => {
        impl RawU8 {$(
            #[inline(always)]
            pub(crate) fn $name(&self, bit: u32, order: Ordering) -> bool {
                let $mask = 1_u8.wrapping_shl(bit);
                self.modify(order, |$old| $new) & $mask != 0
            }

            #[inline(always)]
            pub(crate) fn $local(&self, bit: u32) -> bool {
                let $mask = 1_u8.wrapping_shl(bit);
                // ORDERING: Relaxed; only a guess, which the compare-exchange confirms.
                let mut $old = self.load(Relaxed);
                while let Err(found) = self.local_compare_exchange($old, $new) {
                    $old = found;
                }
                $old & $mask != 0
            }
        )+}
    };
}

looped_bits!(
    bit_set, local_bit_set, |old, mask| old | mask;
    bit_clear, local_bit_clear, |old, mask| old & !mask;
    bit_toggle, local_bit_toggle, |old, mask| old ^ mask;
);

#[repr(transparent)]
pub(crate) struct RawPtr<T>(atomic::AtomicPtr<T>);

impl<T> RawPtr<T> {
    #[inline(always)]
    pub(crate) const fn new(pointer: *mut T) -> Self {
        Self(atomic::AtomicPtr::new(pointer))
    }

    exchange_methods!(*mut T);
    modify!(*mut T);

    /// Adds `bytes` (wrapping), returns the pointer before.
    #[inline(always)]
    pub(crate) fn fetch_byte_add(&self, bytes: usize, _order: Ordering) -> *mut T {
        // SAFETY: core's atomic is valid and aligned, and shared by atomic accesses only.
        unsafe { lock_xadd_pointer(self.as_ptr(), bytes) }
    }
}

/// Two words under `lock cmpxchg16b`; the hardware requires the alignment.
#[repr(C, align(16))]
pub(crate) struct RawPair([atomic::AtomicU64; 2]);

impl RawPair {
    #[inline(always)]
    pub(crate) const fn new([low, high]: [u64; 2]) -> Self {
        Self([atomic::AtomicU64::new(low), atomic::AtomicU64::new(high)])
    }

    #[inline(always)]
    pub(crate) fn into_inner(self) -> [u64; 2] {
        self.0.map(atomic::AtomicU64::into_inner)
    }

    #[inline(always)]
    pub(crate) const fn as_ptr(&self) -> *mut [u64; 2] {
        core::ptr::from_ref(&self.0).cast::<[u64; 2]>().cast_mut()
    }

    #[inline(always)]
    pub(crate) fn load(&self, _order: Ordering) -> [u64; 2] {
        #[cfg(target_feature = "sse2")]
        if is_known_to_have_atomic_vector_moves() {
            // SAFETY: 16-byte aligned by `repr`, in ordinary memory (Rust's own, or as `from_ptr`
            // demands), accessed atomically only; the CPU was asked.
            return unsafe { movdqa_load(self.as_ptr()) };
        }
        // SAFETY: as for `compare_exchange`. It stores what is there, if anything.
        match unsafe { lock_cmpxchg16b(self.as_ptr(), [0, 0], [0, 0]) } {
            Ok(value) | Err(value) => value,
        }
    }

    #[inline(always)]
    pub(crate) fn store(&self, value: [u64; 2], order: Ordering) {
        #[cfg(target_feature = "sse2")]
        if !matches!(order, Ordering::SeqCst) && is_known_to_have_atomic_vector_moves() {
            // SAFETY: as for `load`.
            return unsafe { movdqa_store(self.as_ptr(), value) };
        }
        self.modify(order, |_| value);
    }

    /// Applies `f`, which may also be asked about a pair of words that never were there together.
    /// Returns the value before.
    #[inline(always)]
    pub(crate) fn modify(&self, order: Ordering, f: impl Fn([u64; 2]) -> [u64; 2]) -> [u64; 2] {
        // ORDERING: Relaxed; only a guess, two halves of perhaps two values, which the
        // compare-exchange confirms.
        let mut old = [self.load_low(Relaxed), self.load_high(Relaxed)];
        loop {
            // ORDERING: success is the caller's. Failure is Relaxed: the value found is only the
            // next guess.
            match self.compare_exchange(old, f(old), order, Relaxed) {
                Ok(before) => return before,
                Err(found) => old = found,
            }
        }
    }

    #[inline(always)]
    #[track_caller]
    pub(crate) fn load_low(&self, order: Ordering) -> u64 {
        let [low, _] = &self.0;
        low.load(order)
    }

    #[inline(always)]
    #[track_caller]
    pub(crate) fn load_high(&self, order: Ordering) -> u64 {
        let [_, high] = &self.0;
        high.load(order)
    }

    /// Compares and exchanges the word at the higher address alone.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn compare_exchange_high(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        let [_, high] = &self.0;
        high.compare_exchange(current, new, success, failure)
    }

    #[inline(always)]
    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        current: [u64; 2],
        new: [u64; 2],
        _success: Ordering,
        failure: Ordering,
    ) -> Result<[u64; 2], [u64; 2]> {
        check_failure_ordering(failure);
        // SAFETY: `self.0` is 16-byte aligned by `repr`, may be written through a shared reference
        // because core's atomics are cells, and is accessed atomically only. `AtomicPair`'s
        // documentation passes the duty to have the instruction on to its user; without it the CPU
        // raises the invalid-opcode exception, which is defined behaviour.
        unsafe { lock_cmpxchg16b(self.as_ptr(), current, new) }
    }
}
