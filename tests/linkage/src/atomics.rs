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
                fn fetch_not(a: &Atomic) -> Int { a.fetch_not(AcqRel) }
                fn fetch_neg(a: &Atomic) -> Int { a.fetch_neg(AcqRel) }
                fn add_fetch(a: &Atomic, operand: Int) -> Int { a.add_fetch(operand, SeqCst) }
                fn sub_fetch(a: &Atomic, operand: Int) -> Int { a.sub_fetch(operand, AcqRel) }
                fn and_fetch(a: &Atomic, operand: Int) -> Int { a.and_fetch(operand, AcqRel) }
                fn nand_fetch(a: &Atomic, operand: Int) -> Int { a.nand_fetch(operand, AcqRel) }
                fn or_fetch(a: &Atomic, operand: Int) -> Int { a.or_fetch(operand, AcqRel) }
                fn xor_fetch(a: &Atomic, operand: Int) -> Int { a.xor_fetch(operand, AcqRel) }
                fn max_fetch(a: &Atomic, operand: Int) -> Int { a.max_fetch(operand, AcqRel) }
                fn min_fetch(a: &Atomic, operand: Int) -> Int { a.min_fetch(operand, AcqRel) }
                fn add_and_test(a: &Atomic, operand: Int) -> bool { a.add_and_test(operand, AcqRel) }
                fn sub_and_test(a: &Atomic, operand: Int) -> bool { a.sub_and_test(operand, AcqRel) }
                fn inc_and_test(a: &Atomic) -> bool { a.inc_and_test(AcqRel) }
                fn dec_and_test(a: &Atomic) -> bool { a.dec_and_test(AcqRel) }
                fn add_negative(a: &Atomic, operand: Int) -> bool { a.add_negative(operand, AcqRel) }
                fn neg(a: &Atomic) { a.neg(Release) }
                fn not(a: &Atomic) { a.not(Release) }
                fn update(a: &Atomic) -> Int { a.update(AcqRel, Acquire, |value| value / 2) }
                fn try_update(a: &Atomic, limit: Int) -> bool {
                    a.try_update(AcqRel, Acquire, |value| (value < limit).then_some(limit)).is_ok()
                }
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
#[cfg(target_arch = "x86_64")]
for_integers! {
    unsigned_128, AtomicU128, u128, "_u128";
    signed_128, AtomicI128, i128, "_i128";
}

macro_rules! for_locals {
    ($($module:ident, $local:ident, $int:ty, $suffix:literal;)*) => {$(
        mod $module {
            use latchless::atomic::$local;

            use super::*;

            type Local = $local;
            type Int = $int;

            export! { $suffix
                fn local_load(l: &Local) -> Int { l.load() }
                fn local_store(l: &Local, new: Int) { l.store(new) }
                fn local_swap(l: &Local, new: Int) -> Int { l.swap(new) }
                fn local_compare_exchange(l: &Local, current: &mut Int, new: Int) -> bool {
                    l.compare_exchange(*current, new).map_err(|found| *current = found).is_ok()
                }
                fn local_update(l: &Local) -> Int { l.update(|value| value / 2) }
                fn local_fetch_add(l: &Local, operand: Int) -> Int { l.fetch_add(operand) }
                fn local_fetch_sub(l: &Local, operand: Int) -> Int { l.fetch_sub(operand) }
                fn local_fetch_and(l: &Local, operand: Int) -> Int { l.fetch_and(operand) }
                fn local_fetch_or(l: &Local, operand: Int) -> Int { l.fetch_or(operand) }
                fn local_fetch_xor(l: &Local, operand: Int) -> Int { l.fetch_xor(operand) }
                fn local_fetch_max(l: &Local, operand: Int) -> Int { l.fetch_max(operand) }
                fn local_fetch_min(l: &Local, operand: Int) -> Int { l.fetch_min(operand) }
                fn local_add_fetch(l: &Local, operand: Int) -> Int { l.add_fetch(operand) }
                fn local_sub_fetch(l: &Local, operand: Int) -> Int { l.sub_fetch(operand) }
                fn local_add(l: &Local, operand: Int) { l.add(operand) }
                fn local_sub(l: &Local, operand: Int) { l.sub(operand) }
                fn local_and(l: &Local, operand: Int) { l.and(operand) }
                fn local_or(l: &Local, operand: Int) { l.or(operand) }
                fn local_xor(l: &Local, operand: Int) { l.xor(operand) }
                fn local_inc(l: &Local) { l.inc() }
                fn local_dec(l: &Local) { l.dec() }
                fn local_neg(l: &Local) { l.neg() }
                fn local_not(l: &Local) { l.not() }
                fn local_add_and_test(l: &Local, operand: Int) -> bool { l.add_and_test(operand) }
                fn local_sub_and_test(l: &Local, operand: Int) -> bool { l.sub_and_test(operand) }
                fn local_inc_and_test(l: &Local) -> bool { l.inc_and_test() }
                fn local_dec_and_test(l: &Local) -> bool { l.dec_and_test() }
                fn local_add_negative(l: &Local, operand: Int) -> bool { l.add_negative(operand) }
                fn local_bit_set(l: &Local, bit: u32) -> bool { l.bit_set(bit) }
                fn local_bit_clear(l: &Local, bit: u32) -> bool { l.bit_clear(bit) }
                fn local_bit_toggle(l: &Local, bit: u32) -> bool { l.bit_toggle(bit) }
            }
        }
    )*};
}

for_locals! {
    local_8, LocalU8, u8, "_u8";
    local_16, LocalU16, u16, "_u16";
    local_32, LocalU32, u32, "_u32";
}
#[cfg(target_has_atomic = "64")]
for_locals! {
    local_64, LocalU64, u64, "_u64";
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
    fn and(a: &AtomicBool, operand: bool) { a.and(operand, Release) }
    fn or(a: &AtomicBool, operand: bool) { a.or(operand, Release) }
    fn xor(a: &AtomicBool, operand: bool) { a.xor(operand, Release) }
    fn not(a: &AtomicBool) { a.not(Release) }
    fn fetch_update(a: &AtomicBool) -> bool { a.fetch_update(AcqRel, Acquire, |now| now.then_some(false)).is_ok() }
    fn update(a: &AtomicBool) -> bool { a.update(AcqRel, Acquire, |now| !now) }
}

mod pointer {
    use super::*;

    type Atomic = AtomicPtr<u64>;

    export! { "_ptr"
        fn load(a: &Atomic) -> *mut u64 { a.load(Acquire) }
        fn store(a: &Atomic, new: *mut u64) { a.store(new, Release) }
        fn swap(a: &Atomic, new: *mut u64) -> *mut u64 { a.swap(new, AcqRel) }
        fn fetch_ptr_add(a: &Atomic, count: usize) -> *mut u64 { a.fetch_ptr_add(count, AcqRel) }
        fn fetch_ptr_sub(a: &Atomic, count: usize) -> *mut u64 { a.fetch_ptr_sub(count, AcqRel) }
        fn fetch_byte_add(a: &Atomic, bytes: usize) -> *mut u64 { a.fetch_byte_add(bytes, AcqRel) }
        fn fetch_byte_sub(a: &Atomic, bytes: usize) -> *mut u64 { a.fetch_byte_sub(bytes, AcqRel) }
        fn fetch_or(a: &Atomic, mask: usize) -> *mut u64 { a.fetch_or(mask, AcqRel) }
        fn fetch_and(a: &Atomic, mask: usize) -> *mut u64 { a.fetch_and(mask, AcqRel) }
        fn fetch_xor(a: &Atomic, mask: usize) -> *mut u64 { a.fetch_xor(mask, AcqRel) }
        fn fetch_update(a: &Atomic, last: *mut u64) -> bool {
            a.fetch_update(AcqRel, Acquire, |now| (now != last).then(|| now.wrapping_add(1))).is_ok()
        }
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
        fn try_new(out: &mut AtomicPair) -> bool {
            AtomicPair::try_new([1, 2]).map(|pair| *out = pair).is_ok()
        }
        fn store(a: &AtomicPair, new: &Words) { a.store(*new, Release) }
        fn swap(a: &AtomicPair, words: &mut Words) { *words = a.swap(*words, AcqRel) }
        fn fetch_update(a: &AtomicPair, last: u64) -> bool {
            a.fetch_update(AcqRel, Acquire, |[low, high]| (low != last).then_some([low + 1, high])).is_ok()
        }
        fn compare_exchange(a: &AtomicPair, current: &mut Words, new: &Words) -> bool {
            a.compare_exchange(*current, *new, AcqRel, Acquire)
                .map_err(|found| *current = found)
                .is_ok()
        }
    }
}
