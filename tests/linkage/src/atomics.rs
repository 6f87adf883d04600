//! The atomics, with the orderings that are checked at run time where they are no constants.

use latchless::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use latchless::atomic::{AtomicBool, AtomicPtr};

use crate::export;

macro_rules! for_integers {
    ($($module:ident, $atomic:ident, $int:ty, $suffix:literal;)*) => {$(
        mod $module {
            use super::*;
            use latchless::atomic::$atomic;

            type Atomic = $atomic;
            type Int = $int;

            export! { $suffix
                fn load(a: &Atomic) -> Int { a.load(Acquire) }
                fn store(a: &Atomic, new: Int) { a.store(new, Release) }
                fn store_seq_cst(a: &Atomic, new: Int) { a.store(new, SeqCst) }
                fn swap(a: &Atomic, new: Int) -> Int { a.swap(new, AcqRel) }
                fn compare_exchange(a: &Atomic, current: &mut Int, new: Int) -> bool {
                    a.compare_exchange(*current, new, AcqRel, Acquire)
                        .map_err(|found| *current = found)
                        .is_ok()
                }
                fn compare_exchange_weak(a: &Atomic, current: &mut Int, new: Int) -> bool {
                    a.compare_exchange_weak(*current, new, AcqRel, Relaxed)
                        .map_err(|found| *current = found)
                        .is_ok()
                }
                fn fetch_add(a: &Atomic, operand: Int) -> Int { a.fetch_add(operand, SeqCst) }
                fn fetch_sub(a: &Atomic, operand: Int) -> Int { a.fetch_sub(operand, AcqRel) }
                fn fetch_and(a: &Atomic, operand: Int) -> Int { a.fetch_and(operand, AcqRel) }
                fn fetch_nand(a: &Atomic, operand: Int) -> Int { a.fetch_nand(operand, AcqRel) }
                fn fetch_or(a: &Atomic, operand: Int) -> Int { a.fetch_or(operand, AcqRel) }
                fn fetch_xor(a: &Atomic, operand: Int) -> Int { a.fetch_xor(operand, AcqRel) }
                fn fetch_max(a: &Atomic, operand: Int) -> Int { a.fetch_max(operand, AcqRel) }
                fn fetch_min(a: &Atomic, operand: Int) -> Int { a.fetch_min(operand, AcqRel) }
                fn fetch_update(a: &Atomic, limit: Int) -> bool {
                    a.fetch_update(AcqRel, Acquire, |value| (value < limit).then(|| value + 1)).is_ok()
                }
                fn add(a: &Atomic, operand: Int) { a.add(operand, Release) }
                fn sub(a: &Atomic, operand: Int) { a.sub(operand, Release) }
                fn and(a: &Atomic, operand: Int) { a.and(operand, Release) }
                fn or(a: &Atomic, operand: Int) { a.or(operand, Release) }
                fn xor(a: &Atomic, operand: Int) { a.xor(operand, Release) }
                fn inc(a: &Atomic) { a.inc(Relaxed) }
                fn dec(a: &Atomic) { a.dec(Relaxed) }
                fn bit_set(a: &Atomic, bit: u32) -> bool { a.bit_set(bit, AcqRel) }
                fn bit_clear(a: &Atomic, bit: u32) -> bool { a.bit_clear(bit, AcqRel) }
                fn bit_toggle(a: &Atomic, bit: u32) -> bool { a.bit_toggle(bit, AcqRel) }
            }
        }
    )*};
}

for_integers! {
    unsigned_8, AtomicU8, u8, "_u8";
    unsigned_16, AtomicU16, u16, "_u16";
    unsigned_32, AtomicU32, u32, "_u32";
}
#[cfg(target_has_atomic = "64")]
for_integers! {
    unsigned_64, AtomicU64, u64, "_u64";
    signed_64, AtomicI64, i64, "_i64";
}

export! { "_bool"
    fn load(a: &AtomicBool) -> bool { a.load(Acquire) }
    fn store(a: &AtomicBool, new: bool) { a.store(new, Release) }
    fn swap(a: &AtomicBool, new: bool) -> bool { a.swap(new, AcqRel) }
    fn compare_exchange(a: &AtomicBool, current: &mut bool, new: bool) -> bool {
        a.compare_exchange(*current, new, AcqRel, Acquire).map_err(|found| *current = found).is_ok()
    }
    fn fetch_and(a: &AtomicBool, operand: bool) -> bool { a.fetch_and(operand, AcqRel) }
    fn fetch_nand(a: &AtomicBool, operand: bool) -> bool { a.fetch_nand(operand, AcqRel) }
    fn fetch_or(a: &AtomicBool, operand: bool) -> bool { a.fetch_or(operand, AcqRel) }
    fn fetch_xor(a: &AtomicBool, operand: bool) -> bool { a.fetch_xor(operand, AcqRel) }
    fn fetch_not(a: &AtomicBool) -> bool { a.fetch_not(AcqRel) }
}

mod pointer {
    use super::*;

    type Atomic = AtomicPtr<u64>;

    export! { "_ptr"
        fn load(a: &Atomic) -> *mut u64 { a.load(Acquire) }
        fn store(a: &Atomic, new: *mut u64) { a.store(new, Release) }
        fn swap(a: &Atomic, new: *mut u64) -> *mut u64 { a.swap(new, AcqRel) }
        fn compare_exchange(a: &Atomic, current: &mut *mut u64, new: *mut u64) -> bool {
            a.compare_exchange(*current, new, AcqRel, Acquire)
                .map_err(|found| *current = found)
                .is_ok()
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod pair {
    use super::*;
    use latchless::atomic::AtomicPair;

    type Words = [u64; 2];

    export! { "_pair"
        fn is_supported() -> bool { AtomicPair::is_supported() }
        fn load(a: &AtomicPair, out: &mut Words) { *out = a.load(Acquire) }
        fn load_low(a: &AtomicPair) -> u64 { a.load_low(Acquire) }
        fn load_high(a: &AtomicPair) -> u64 { a.load_high(Acquire) }
        fn compare_exchange(a: &AtomicPair, current: &mut Words, new: &Words) -> bool {
            a.compare_exchange(*current, *new, AcqRel, Acquire)
                .map_err(|found| *current = found)
                .is_ok()
        }
    }
}
