//! Single operations of an atomic integer that no other thread touches.

use std::hint::black_box;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

use latchless::atomic::AtomicPair;
use portable_atomic::AtomicU128;

use super::limit::repeat;
use super::queue::leak;
use crate::bench::{Bench, Sample};
use crate::case::{Case, Operation};
use crate::contestant::{Contestant, Side};

pub(super) fn contestants() -> Vec<Contestant> {
    let has_no_pairs = |case: &Case| {
        !matches!(case.operation, Some(Operation::PairLoad | Operation::PairExchange))
    };
    vec![
        Contestant::new("latchless atomic", Side::Ours, latchless),
        Contestant::new("core atomic", Side::Rival, core).only(has_no_pairs),
        Contestant::new("portable-atomic", Side::Rival, portable),
        Contestant::new("(limit) plain memory access", Side::Limit, plain).only(has_no_pairs),
    ]
}

/// What is measured of an atomic of 64 bits: each operation in its best spelling.
trait Cell: Sync + Sized + 'static {
    fn new(value: u64) -> Self;
    fn load(&self) -> u64;
    fn store(&self, value: u64);
    fn store_seq_cst(&self, value: u64);
    fn swap(&self, value: u64) -> u64;
    fn fetch_add(&self, operand: u64) -> u64;
    fn fetch_and(&self, operand: u64) -> u64;
    fn fetch_nand(&self, operand: u64) -> u64;
    fn fetch_or(&self, operand: u64) -> u64;
    fn fetch_xor(&self, operand: u64) -> u64;
    fn fetch_max(&self, operand: u64) -> u64;
    fn compare_exchange(&self, current: u64, new: u64) -> Result<u64, u64>;
    fn fetch_update(&self, f: impl FnMut(u64) -> Option<u64>) -> Result<u64, u64>;
    fn add(&self, operand: u64);
    fn or(&self, operand: u64);
    fn not(&self);
    fn neg(&self);
    fn dec_and_test(&self) -> bool;
    fn bit_set(&self, bit: u32) -> bool;
}

/// What all three spell alike, and what they do not.
macro_rules! cell {
    ($atomic:ty { $($different:item)+ }) => {
        impl Cell for $atomic {
            #[inline(always)]
            fn new(value: u64) -> Self { Self::new(value) }
            #[inline(always)]
            fn load(&self) -> u64 { self.load(Acquire) }
            #[inline(always)]
            fn store(&self, value: u64) { self.store(value, Release) }
            #[inline(always)]
            fn store_seq_cst(&self, value: u64) { self.store(value, SeqCst) }
            #[inline(always)]
            fn swap(&self, value: u64) -> u64 { self.swap(value, AcqRel) }
            #[inline(always)]
            fn fetch_add(&self, operand: u64) -> u64 { self.fetch_add(operand, AcqRel) }
            #[inline(always)]
            fn fetch_and(&self, operand: u64) -> u64 { self.fetch_and(operand, AcqRel) }
            #[inline(always)]
            fn fetch_nand(&self, operand: u64) -> u64 { self.fetch_nand(operand, AcqRel) }
            #[inline(always)]
            fn fetch_or(&self, operand: u64) -> u64 { self.fetch_or(operand, AcqRel) }
            #[inline(always)]
            fn fetch_xor(&self, operand: u64) -> u64 { self.fetch_xor(operand, AcqRel) }
            #[inline(always)]
            fn fetch_max(&self, operand: u64) -> u64 { self.fetch_max(operand, AcqRel) }
            #[inline(always)]
            fn compare_exchange(&self, current: u64, new: u64) -> Result<u64, u64> {
                self.compare_exchange(current, new, AcqRel, Acquire)
            }
            #[inline(always)]
            fn fetch_update(&self, f: impl FnMut(u64) -> Option<u64>) -> Result<u64, u64> {
                self.fetch_update(AcqRel, Acquire, f)
            }
            $(
                #[inline(always)]
                $different
            )+
        }
    };
}

cell!(latchless::atomic::AtomicU64 {
    fn add(&self, operand: u64) { self.add(operand, Relaxed) }
    fn or(&self, operand: u64) { self.or(operand, Relaxed) }
    fn not(&self) { self.not(Relaxed) }
    fn neg(&self) { self.neg(Relaxed) }
    fn dec_and_test(&self) -> bool { self.dec_and_test(AcqRel) }
    fn bit_set(&self, bit: u32) -> bool { self.bit_set(bit, AcqRel) }
});

cell!(std::sync::atomic::AtomicU64 {
    fn add(&self, operand: u64) { self.fetch_add(operand, Relaxed); }
    fn or(&self, operand: u64) { self.fetch_or(operand, Relaxed); }
    fn not(&self) { self.fetch_xor(!0, Relaxed); }
    fn neg(&self) { let _ = self.fetch_update(Relaxed, Relaxed, |now| Some(now.wrapping_neg())); }
    fn dec_and_test(&self) -> bool { self.fetch_sub(1, AcqRel) == 1 }
    fn bit_set(&self, bit: u32) -> bool {
        let mask = 1 << (bit & 63);
        self.fetch_or(mask, AcqRel) & mask != 0
    }
});

cell!(portable_atomic::AtomicU64 {
    fn add(&self, operand: u64) { self.add(operand, Relaxed) }
    fn or(&self, operand: u64) { self.or(operand, Relaxed) }
    fn not(&self) { self.not(Relaxed) }
    fn neg(&self) { self.neg(Relaxed) }
    fn dec_and_test(&self) -> bool { self.fetch_sub(1, AcqRel) == 1 }
    fn bit_set(&self, bit: u32) -> bool { self.bit_set(bit, AcqRel) }
});

/// [`repeat`] for what returns nothing.
fn quietly(bench: &Bench, mut operation: impl FnMut() + Send) -> Sample {
    repeat(bench, move || {
        operation();
        0
    })
}

/// One operation on a cell that nobody else touches.
fn single<C: Cell>(case: &Case, bench: &Bench) -> Sample {
    let cell: &'static C = black_box(leak(C::new(0)));
    match case.operation.unwrap_or(Operation::Load) {
        Operation::Load => repeat(bench, || cell.load()),
        Operation::Store => quietly(bench, || cell.store(1)),
        Operation::StoreSeqCst => quietly(bench, || cell.store_seq_cst(1)),
        Operation::Swap => repeat(bench, || cell.swap(1)),
        Operation::FetchAdd => repeat(bench, || cell.fetch_add(1)),
        Operation::FetchAnd => repeat(bench, || cell.fetch_and(0xf0f0)),
        Operation::FetchNand => repeat(bench, || cell.fetch_nand(0xf0f0)),
        Operation::FetchOr => repeat(bench, || cell.fetch_or(0xf0f0)),
        Operation::FetchXor => repeat(bench, || cell.fetch_xor(0xf0f0)),
        Operation::FetchMax => repeat(bench, || cell.fetch_max(7)),
        Operation::CompareExchange => {
            let mut known = 0;
            repeat(bench, move || {
                match cell.compare_exchange(known, known + 1) {
                    Ok(old) => known = old + 1,
                    Err(found) => known = found,
                }
                known
            })
        }
        Operation::FetchUpdate => {
            repeat(bench, || cell.fetch_update(|value| Some(value / 2 + 1)).unwrap_or_default())
        }
        Operation::Add => quietly(bench, || cell.add(1)),
        Operation::Or => quietly(bench, || cell.or(0xf0f0)),
        Operation::Not => quietly(bench, || cell.not()),
        Operation::Neg => quietly(bench, || cell.neg()),
        Operation::DecAndTest => repeat(bench, || cell.dec_and_test().into()),
        Operation::BitSet => {
            let mut bit = 0;
            repeat(bench, move || {
                bit += 1;
                cell.bit_set(bit).into()
            })
        }
        Operation::PairLoad | Operation::PairExchange => unreachable!("these are of 128 bits"),
    }
}

fn latchless(case: &Case, bench: &Bench) -> Sample {
    assert!(AtomicPair::is_supported(), "this CPU lacks cmpxchg16b");
    let pair: &'static AtomicPair = black_box(leak(AtomicPair::new([0; 2])));
    match case.operation {
        Some(Operation::PairLoad) => repeat(bench, || {
            let [low, high] = pair.load(Acquire);
            low ^ high
        }),
        Some(Operation::PairExchange) => {
            let mut known = [0, 0];
            repeat(bench, move || {
                let next = [known[0] + 1, 0];
                match pair.compare_exchange(known, next, AcqRel, Acquire) {
                    Ok(_) => known = next,
                    Err(found) => known = found,
                }
                known[0]
            })
        }
        _ => single::<latchless::atomic::AtomicU64>(case, bench),
    }
}

fn core(case: &Case, bench: &Bench) -> Sample {
    single::<std::sync::atomic::AtomicU64>(case, bench)
}

fn portable(case: &Case, bench: &Bench) -> Sample {
    let wide: &'static AtomicU128 = black_box(leak(AtomicU128::new(0)));
    match case.operation {
        Some(Operation::PairLoad) => repeat(bench, || {
            let value = wide.load(Acquire);
            (value >> 64) as u64 ^ value as u64
        }),
        Some(Operation::PairExchange) => {
            let mut known = 0;
            repeat(bench, move || {
                match wide.compare_exchange(known, known + 1, AcqRel, Acquire) {
                    Ok(_) => known += 1,
                    Err(found) => known = found,
                }
                known as u64
            })
        }
        _ => single::<portable_atomic::AtomicU64>(case, bench),
    }
}

/// The same access without atomicity: what is left is what the lock prefix does not cost.
fn plain(case: &Case, bench: &Bench) -> Sample {
    struct Place(*mut u64);
    // SAFETY: one thread at a time uses the place.
    unsafe impl Sync for Place {}
    impl Place {
        #[inline(always)]
        fn read(&self) -> u64 {
            // SAFETY: the place was leaked, so it is always there.
            unsafe { self.0.read_volatile() }
        }

        #[inline(always)]
        fn write(&self, value: u64) {
            // SAFETY: the place was leaked, so it is always there.
            unsafe { self.0.write_volatile(value) }
        }
    }

    let place = Place(black_box(&raw mut *leak(0_u64)));
    match case.operation.unwrap_or(Operation::Load) {
        Operation::Load => repeat(bench, || place.read()),
        Operation::Store | Operation::StoreSeqCst => quietly(bench, || place.write(1)),
        _ => repeat(bench, || {
            let value = place.read();
            place.write(value + 1);
            value
        }),
    }
}
