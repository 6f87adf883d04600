//! Defends `AtomicPair` and the 128-bit integers on it: both words change together or not at all,
//! each operation is the arithmetic that it says, and a CPU that lacks the instruction is named before
//! it is used.

#![cfg(all(target_arch = "x86_64", not(latchless_native)))]

mod common;

use core::sync::atomic::AtomicU64 as CoreU64;
use core::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use latchless::atomic::{AtomicI128, AtomicPair, AtomicU128, Unsupported};
use static_assertions::{assert_eq_align, assert_eq_size, assert_impl_all, assert_not_impl_any};

use common::panics::panic_message;
use common::random::Random;
use common::team::contend;

const ORDERINGS: [Ordering; 5] = [Relaxed, Acquire, Release, AcqRel, SeqCst];
const LOADS: [Ordering; 3] = [Relaxed, Acquire, SeqCst];
const STORES: [Ordering; 3] = [Relaxed, Release, SeqCst];

/// How often two threads get in each other's way.
const MEETINGS: usize = 500;

// === AtomicPair ===

assert_impl_all!(AtomicPair: Send, Sync, Default, Unpin, From<[u64; 2]>);
assert_not_impl_any!(AtomicPair: Clone);

#[test]
fn pair_lies_in_sixteen_aligned_bytes() {
    assert_eq!((size_of::<AtomicPair>(), align_of::<AtomicPair>()), (16, 16));
    assert_eq!(AtomicPair::is_supported(), std::is_x86_feature_detected!("cmpxchg16b"));
}

#[test]
fn pair_is_exchanged_iff_both_words_are_equal() {
    if !AtomicPair::is_supported() {
        return;
    }
    let words = [0, 1, u64::MAX, 1 << 63];
    for value in words.into_iter().flat_map(|low| words.map(|high| [low, high])) {
        for current in words.into_iter().flat_map(|low| words.map(|high| [low, high])) {
            for success in ORDERINGS {
                let pair = AtomicPair::from(value);
                let result = pair.compare_exchange(current, [7, 8], success, Relaxed);
                let is_equal = current == value;
                assert_eq!(result, if is_equal { Ok(value) } else { Err(value) });
                let left = if is_equal { [7, 8] } else { value };
                assert_eq!(pair.load(SeqCst), left);
                assert_eq!([pair.load_low(Acquire), pair.load_high(Acquire)], left);
                assert_eq!(pair.into_inner(), left);
            }
        }
    }
}

#[test]
fn loading_changes_nothing() {
    if !AtomicPair::is_supported() {
        return;
    }
    for value in [[0, 0], [0, 1], [1, 0], [u64::MAX; 2]] {
        let pair = AtomicPair::new(value);
        for order in LOADS {
            assert_eq!(pair.load(order), value);
        }
        assert_eq!(format!("{pair:?}"), format!("{value:?}"));
    }
    assert_eq!(AtomicPair::default().load(Relaxed), [0, 0]);
}

#[test]
fn pair_refuses_wrong_orderings() {
    let (pair, core) = (AtomicPair::default(), CoreU64::new(0));
    for wrong in [Acquire, AcqRel] {
        let refusal = panic_message(|| core.store(0, wrong));
        assert!(refusal.is_some());
        assert_eq!(panic_message(|| pair.store([0; 2], wrong)), refusal);
    }
    for wrong in [Release, AcqRel] {
        let refusal = panic_message(|| pair.compare_exchange([0; 2], [0; 2], SeqCst, wrong));
        assert!(refusal.is_some());
        assert_eq!(refusal, panic_message(|| core.compare_exchange(0, 0, SeqCst, wrong)));
        let refusal = panic_message(|| core.load(wrong));
        assert!(refusal.is_some());
        assert_eq!(panic_message(|| pair.load(wrong)), refusal);
        assert_eq!(panic_message(|| pair.load_low(wrong)), refusal);
        assert_eq!(panic_message(|| pair.load_high(wrong)), refusal);
    }
}

#[test]
fn halves_of_two_values_are_never_seen_together() {
    if !AtomicPair::is_supported() {
        return;
    }
    let pair = AtomicPair::new([0, u64::MAX]);
    let is_whole = |[low, high]: [u64; 2]| low == !high;
    let turns = contend(MEETINGS, |_, _| {
        let mut seen = pair.load(Acquire);
        assert!(is_whole(seen), "{seen:?}");
        loop {
            let new = [seen[0] + 1, !(seen[0] + 1)];
            match pair.compare_exchange(seen, new, AcqRel, Acquire) {
                Ok(_) => break,
                Err(found) => {
                    assert!(is_whole(found), "{found:?}");
                    assert!(found[0] > seen[0], "the pair went backwards");
                    seen = found;
                }
            }
        }
    });
    let sum = (turns[0] + turns[1]) as u64;
    assert_eq!(pair.into_inner(), [sum, !sum]);
}

#[test]
fn pair_is_stored_swapped_and_updated_whole() {
    if !AtomicPair::is_supported() {
        return;
    }
    for order in ORDERINGS {
        let mut pair = AtomicPair::new([1, 2]);
        if STORES.contains(&order) {
            pair.store([3, 4], order);
            assert_eq!(pair.swap([1, 2], order), [3, 4]);
        }
        assert_eq!(pair.swap([5, 6], order), [1, 2]);
        assert_eq!(pair.fetch_update(order, Relaxed, |[a, b]| Some([b, a])), Ok([5, 6]));
        assert_eq!(pair.fetch_update(order, Relaxed, |_| None), Err([6, 5]));
        *pair.get_mut() = [7, 8];
        // SAFETY: the pair lives on, and every access is atomic and of 16 bytes.
        let same = unsafe { AtomicPair::from_ptr(pair.as_ptr()) };
        assert_eq!(same.load(SeqCst), [7, 8]);
    }
}

#[test]
fn cpu_without_the_instruction_is_named() {
    // `cargo xtask verify portability` runs this on an emulated CPU that lacks it.
    let is_missing = std::env::var_os("LATCHLESS_TEST_WITHOUT_CMPXCHG16B").is_some();
    assert_ne!(AtomicPair::is_supported(), is_missing);
    assert_eq!(AtomicPair::try_new([1, 2]).err(), is_missing.then_some(Unsupported));
    assert_eq!(AtomicU128::try_new(1).err(), is_missing.then_some(Unsupported));
    assert_eq!(AtomicI128::try_new(1).is_ok(), AtomicI128::is_supported());
    assert_eq!(AtomicU128::is_supported(), AtomicPair::is_supported());
    fn text<E: core::error::Error>(error: E) -> String {
        error.to_string()
    }
    assert_eq!(text(Unsupported), "this CPU lacks cmpxchg16b");
}

// === 128 bits ===

/// What an operation does to a value, and what it returns.
type Plain<I> = fn(I, I, I) -> (Result<I, I>, I);

macro_rules! wide_tests {
    ($module:ident, $atomic:ident, $int:ident) => {
        mod $module {
            use super::*;

            type Int = $int;
            type Call = fn(&$atomic, Int, Int, Ordering) -> Result<Int, Int>;

            assert_eq_size!($atomic, Int);
            assert_eq_align!($atomic, AtomicPair);
            assert_impl_all!($atomic: Send, Sync, Default, Unpin, From<Int>);

            const NOTHING: Result<Int, Int> = Ok(0);

            fn mask(bit: Int) -> Int {
                (1 as Int).wrapping_shl(bit as u32)
            }

            const OPERATIONS: &[(&str, Call, Plain<Int>)] = &[
                ("swap", |a, x, _, o| Ok(a.swap(x, o)), |v, x, _| (Ok(v), x)),
                ("compare_exchange", |a, x, y, o| a.compare_exchange(x, y, o, Relaxed),
                    |v, x, y| if v == x { (Ok(v), y) } else { (Err(v), v) }),
                ("compare_exchange_weak", |a, x, y, o| a.compare_exchange_weak(x, y, o, Relaxed),
                    |v, x, y| if v == x { (Ok(v), y) } else { (Err(v), v) }),
                ("fetch_add", |a, x, _, o| Ok(a.fetch_add(x, o)),
                    |v, x, _| (Ok(v), v.wrapping_add(x))),
                ("fetch_sub", |a, x, _, o| Ok(a.fetch_sub(x, o)),
                    |v, x, _| (Ok(v), v.wrapping_sub(x))),
                ("fetch_and", |a, x, _, o| Ok(a.fetch_and(x, o)), |v, x, _| (Ok(v), v & x)),
                ("fetch_nand", |a, x, _, o| Ok(a.fetch_nand(x, o)), |v, x, _| (Ok(v), !(v & x))),
                ("fetch_or", |a, x, _, o| Ok(a.fetch_or(x, o)), |v, x, _| (Ok(v), v | x)),
                ("fetch_xor", |a, x, _, o| Ok(a.fetch_xor(x, o)), |v, x, _| (Ok(v), v ^ x)),
                ("fetch_max", |a, x, _, o| Ok(a.fetch_max(x, o)), |v, x, _| (Ok(v), v.max(x))),
                ("fetch_min", |a, x, _, o| Ok(a.fetch_min(x, o)), |v, x, _| (Ok(v), v.min(x))),
                ("fetch_not", |a, _, _, o| Ok(a.fetch_not(o)), |v, _, _| (Ok(v), !v)),
                ("fetch_neg", |a, _, _, o| Ok(a.fetch_neg(o)),
                    |v, _, _| (Ok(v), v.wrapping_neg())),
                ("add_fetch", |a, x, _, o| Ok(a.add_fetch(x, o)),
                    |v, x, _| (Ok(v.wrapping_add(x)), v.wrapping_add(x))),
                ("sub_fetch", |a, x, _, o| Ok(a.sub_fetch(x, o)),
                    |v, x, _| (Ok(v.wrapping_sub(x)), v.wrapping_sub(x))),
                ("add", |a, x, _, o| { a.add(x, o); NOTHING },
                    |v, x, _| (NOTHING, v.wrapping_add(x))),
                ("sub", |a, x, _, o| { a.sub(x, o); NOTHING },
                    |v, x, _| (NOTHING, v.wrapping_sub(x))),
                ("and", |a, x, _, o| { a.and(x, o); NOTHING }, |v, x, _| (NOTHING, v & x)),
                ("or", |a, x, _, o| { a.or(x, o); NOTHING }, |v, x, _| (NOTHING, v | x)),
                ("xor", |a, x, _, o| { a.xor(x, o); NOTHING }, |v, x, _| (NOTHING, v ^ x)),
                ("inc", |a, _, _, o| { a.inc(o); NOTHING },
                    |v, _, _| (NOTHING, v.wrapping_add(1))),
                ("dec", |a, _, _, o| { a.dec(o); NOTHING },
                    |v, _, _| (NOTHING, v.wrapping_sub(1))),
                ("neg", |a, _, _, o| { a.neg(o); NOTHING }, |v, _, _| (NOTHING, v.wrapping_neg())),
                ("not", |a, _, _, o| { a.not(o); NOTHING }, |v, _, _| (NOTHING, !v)),
                ("add_and_test", |a, x, _, o| Ok(a.add_and_test(x, o).into()), |v, x, _| {
                    (Ok((v.wrapping_add(x) == 0).into()), v.wrapping_add(x))
                }),
                ("sub_and_test", |a, x, _, o| Ok(a.sub_and_test(x, o).into()), |v, x, _| {
                    (Ok((v == x).into()), v.wrapping_sub(x))
                }),
                ("inc_and_test", |a, _, _, o| Ok(a.inc_and_test(o).into()), |v, _, _| {
                    (Ok((v.wrapping_add(1) == 0).into()), v.wrapping_add(1))
                }),
                ("dec_and_test", |a, _, _, o| Ok(a.dec_and_test(o).into()), |v, _, _| {
                    (Ok((v == 1).into()), v.wrapping_sub(1))
                }),
                ("add_negative", |a, x, _, o| Ok(a.add_negative(x, o).into()), |v, x, _| {
                    let sum = v.wrapping_add(x);
                    (Ok((sum & mask(127) != 0).into()), sum)
                }),
                ("bit_set", |a, x, _, o| Ok(a.bit_set(x as u32, o).into()), |v, x, _| {
                    (Ok((v & mask(x) != 0).into()), v | mask(x))
                }),
                ("bit_clear", |a, x, _, o| Ok(a.bit_clear(x as u32, o).into()), |v, x, _| {
                    (Ok((v & mask(x) != 0).into()), v & !mask(x))
                }),
                ("bit_toggle", |a, x, _, o| Ok(a.bit_toggle(x as u32, o).into()), |v, x, _| {
                    (Ok((v & mask(x) != 0).into()), v ^ mask(x))
                }),
                ("update", |a, x, _, o| Ok(a.update(o, Relaxed, |now| now ^ x)),
                    |v, x, _| (Ok(v), v ^ x)),
                ("fetch_update", |a, x, y, o| {
                    a.fetch_update(o, Relaxed, |now| (now != y).then_some(now ^ x))
                }, |v, x, y| if v == y { (Err(v), v) } else { (Ok(v), v ^ x) }),
            ];

            /// Where carries go from one word to the other, and signs change.
            const EXTREMES: [Int; 8] =
                [0, 1, u64::MAX as Int, 1 << 64, Int::MAX, Int::MIN, Int::MIN + 1, !0];

            #[test]
            fn each_operation_agrees_with_arithmetic() {
                if !$atomic::is_supported() {
                    return;
                }
                let mut random = Random::new(128);
                for &(name, operation, plain) in OPERATIONS {
                    for number in 0..2_000 {
                        let mut pick = || match random.below(3) {
                            0 => (random.word() as Int) << 64 | random.word() as Int,
                            _ => EXTREMES[random.below(EXTREMES.len())],
                        };
                        let [value, y, one, other] = [(); 4].map(|()| pick());
                        let x = if number % 3 == 0 { value } else { pick() };
                        let order = ORDERINGS[number % ORDERINGS.len()];
                        let words = [one, value, other].map($atomic::new);
                        let result = operation(&words[1], x, y, order);
                        let left = words.map($atomic::into_inner);
                        let (expected, after) = plain(value, x, y);
                        assert_eq!(result, expected, "{name} on {value:#x}: {x:#x}, {y:#x}");
                        assert_eq!(left, [one, after, other], "{name} on {value:#x}: {x:#x}");
                    }
                }
            }

            #[test]
            fn value_lies_as_a_plain_one_does() {
                if !$atomic::is_supported() {
                    return;
                }
                for value in EXTREMES {
                    let mut wide = $atomic::from(value);
                    assert_eq!(*wide.get_mut(), value);
                    for order in LOADS {
                        assert_eq!(wide.load(order), value);
                    }
                    for order in STORES {
                        wide.store(!value, order);
                        assert_eq!(wide.swap(value, SeqCst), !value);
                    }
                    // SAFETY: the atomic lives on, and this thread is alone.
                    assert_eq!(unsafe { wide.as_ptr().read() }, value);
                    // SAFETY: as above.
                    let same = unsafe { $atomic::from_ptr(wide.as_ptr()) };
                    assert_eq!(format!("{same:?}"), format!("{value:?}"));
                }
                assert_eq!($atomic::default().into_inner(), 0);
            }

            #[test]
            fn sums_of_two_threads_carry() {
                if !$atomic::is_supported() {
                    return;
                }
                const STEP: Int = (1 << 64) - 3;
                let wide = $atomic::new(0);
                let [one, other] = contend(MEETINGS, |_, _| wide.add(STEP, Relaxed));
                assert_eq!(wide.into_inner(), STEP * (one + other) as Int);
            }
        }
    };
}

wide_tests!(unsigned, AtomicU128, u128);
wide_tests!(signed, AtomicI128, i128);
