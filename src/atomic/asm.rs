//! The x86-64 backend: read-modify-writes are [`crate::arch`]'s instructions, loads and stores are
//! core's.
//!
//! The storage is core's atomic type, so `Send`, `Sync`, alignment and in-memory representation
//! are core's too, and an `as_ptr` given out here may be shared with code that uses core.

use core::sync::atomic::{self, Ordering, Ordering::Relaxed};

pub(crate) use super::cell::UnsafeCell;
use crate::arch::{BitWord, Exchange, Word, lock_cmpxchg16b};

pub use core::sync::atomic::fence;

/// How many threads and interrupt contexts may be inside one structure at once.
pub(crate) const MAX_THREADS: usize = 4096;

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

        /// `lock cmpxchg` has no weak form.
        #[inline(always)]
        #[track_caller]
        pub(crate) fn compare_exchange_weak(
            &self,
            current: $word,
            new: $word,
            success: Ordering,
            failure: Ordering,
        ) -> Result<$word, $word> {
            self.compare_exchange(current, new, success, failure)
        }
    };
}

/// One instruction, result unused.
macro_rules! update {
    ($word:ty: $($name:ident => $instruction:ident),+) => {$(
        #[inline(always)]
        pub(crate) fn $name(&self, operand: $word, _order: Ordering) {
            // SAFETY: core's atomic is valid and aligned, and shared by atomic accesses only.
            unsafe { <$word>::$instruction(self.as_ptr(), operand) }
        }
    )+};
}

/// The value before of an operation that x86-64 has no single instruction for.
macro_rules! fetch_update {
    ($word:ty: $($name:ident => $new:expr),+) => {$(
        #[inline(always)]
        pub(crate) fn $name(&self, operand: $word, _order: Ordering) -> $word {
            let new: fn($word, $word) -> $word = $new;
            // ORDERING: Relaxed; only a guess, which the compare-exchange confirms.
            let mut old = self.load(Relaxed);
            loop {
                // SAFETY: core's atomic is valid and aligned, shared by atomic accesses only.
                match unsafe { <$word>::lock_cmpxchg(self.as_ptr(), old, new(old, operand)) } {
                    Ok(old) => return old,
                    Err(found) => old = found,
                }
            }
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

            #[inline(always)]
            pub(crate) fn fetch_add(&self, delta: $word, _order: Ordering) -> $word {
                // SAFETY: core's atomic is valid and aligned, shared by atomic accesses only.
                unsafe { <$word>::lock_xadd(self.as_ptr(), delta) }
            }

            #[inline(always)]
            pub(crate) fn fetch_sub(&self, delta: $word, _order: Ordering) -> $word {
                // SAFETY: core's atomic is valid and aligned, shared by atomic accesses only.
                unsafe { <$word>::lock_xadd(self.as_ptr(), delta.wrapping_neg()) }
            }

            fetch_update!($word: fetch_and => |a, b| a & b, fetch_nand => |a, b| !(a & b),
                fetch_or => |a, b| a | b, fetch_xor => |a, b| a ^ b);
            update!($word: add => lock_add, sub => lock_sub, and => lock_and, or => lock_or,
                xor => lock_xor);

            #[inline(always)]
            pub(crate) fn inc(&self, _order: Ordering) {
                // SAFETY: core's atomic is valid and aligned, shared by atomic accesses only.
                unsafe { <$word>::lock_inc(self.as_ptr()) }
            }

            #[inline(always)]
            pub(crate) fn dec(&self, _order: Ordering) {
                // SAFETY: core's atomic is valid and aligned, shared by atomic accesses only.
                unsafe { <$word>::lock_dec(self.as_ptr()) }
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
            #[inline(always)]
            pub(crate) fn bit_set(&self, bit: u32, _order: Ordering) -> bool {
                // SAFETY: core's atomic is valid and aligned, shared by atomic accesses only.
                unsafe { <$word>::lock_bts(self.as_ptr(), bit) }
            }

            #[inline(always)]
            pub(crate) fn bit_clear(&self, bit: u32, _order: Ordering) -> bool {
                // SAFETY: core's atomic is valid and aligned, shared by atomic accesses only.
                unsafe { <$word>::lock_btr(self.as_ptr(), bit) }
            }

            #[inline(always)]
            pub(crate) fn bit_toggle(&self, bit: u32, _order: Ordering) -> bool {
                // SAFETY: core's atomic is valid and aligned, shared by atomic accesses only.
                unsafe { <$word>::lock_btc(self.as_ptr(), bit) }
            }
        }
    };
}

raw_bits!(RawU16, u16);
raw_bits!(RawU32, u32);
raw_bits!(RawU64, u64);

/// There is no 8-bit `bts`: a compare-exchange loop.
impl RawU8 {
    #[inline(always)]
    pub(crate) fn bit_set(&self, bit: u32, order: Ordering) -> bool {
        let mask = 1u8.wrapping_shl(bit);
        self.fetch_or(mask, order) & mask != 0
    }

    #[inline(always)]
    pub(crate) fn bit_clear(&self, bit: u32, order: Ordering) -> bool {
        let mask = 1u8.wrapping_shl(bit);
        self.fetch_and(!mask, order) & mask != 0
    }

    #[inline(always)]
    pub(crate) fn bit_toggle(&self, bit: u32, order: Ordering) -> bool {
        let mask = 1u8.wrapping_shl(bit);
        self.fetch_xor(mask, order) & mask != 0
    }
}

#[repr(transparent)]
pub(crate) struct RawPtr<T>(atomic::AtomicPtr<T>);

impl<T> RawPtr<T> {
    #[inline(always)]
    pub(crate) const fn new(pointer: *mut T) -> Self {
        Self(atomic::AtomicPtr::new(pointer))
    }

    exchange_methods!(*mut T);
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
        let dst = core::ptr::from_ref(&self.0).cast::<[u64; 2]>().cast_mut();
        // SAFETY: `self.0` is 16-byte aligned by `repr`, may be written through a shared reference
        // because core's atomics are cells, and is accessed atomically only. `AtomicPair`'s
        // documentation passes the duty to have the instruction on to its user; without it the CPU
        // raises the invalid-opcode exception, which is defined behaviour.
        unsafe { lock_cmpxchg16b(dst, current, new) }
    }
}
