//! Defends the contract of `arch`: each instruction does to its operand what plain arithmetic does,
//! returns what it says, touches no neighbouring byte, and, if it is a locked one, loses nothing to
//! another thread. (That an unlocked one loses nothing to an interrupt is shown in
//! `interrupts.rs`.)

#![cfg(target_arch = "x86_64")]
#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

use latchless::arch::{
    BitWord, Exchange, Local, LocalBitWord, Word,
    cpu::{self, has_cmpxchg16b},
    lock_cmpxchg16b, lock_xadd_pointer, pause, prefetcht0, prefetchw,
};

#[cfg(target_feature = "sse2")]
use latchless::arch::{movdqa_load, movdqa_store};

use common::random::Random;
use common::team::contend;

/// A cache line of noise with one operand somewhere in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Runs `operation` on `value` among noise. Returns what it returned and what it left. Panics if it
/// touched anything else.
#[track_caller]
fn on_word<W: Copy, R>(
    random: &mut Random,
    value: W,
    operation: impl FnOnce(*mut W) -> R,
) -> (R, W) {
    let mut line = Line(core::array::from_fn(|_| random.word() as u8));
    let before = line;
    let offset = random.below(64 / size_of::<W>()) * size_of::<W>();
    let word = line.0[offset..].as_mut_ptr().cast::<W>();
    // SAFETY: the word lies in the line, aligned to its size, which is its alignment at most.
    unsafe { word.write(value) };
    let result = operation(word);
    // SAFETY: as above; any bits are a `W`.
    let after = unsafe { word.read() };
    let end = offset + size_of::<W>();
    assert_eq!(line.0[..offset], before.0[..offset], "bytes in front of the operand");
    assert_eq!(line.0[end..], before.0[end..], "bytes behind the operand");
    (result, after)
}

/// An instruction, under the name it has in a failure, and the arithmetic it stands for.
type Update<W> = (&'static str, unsafe fn(*mut W, W), fn(W, W) -> W);
type Step<W> = (&'static str, unsafe fn(*mut W), fn(W) -> W);
type UpdateFlag<W> = (&'static str, unsafe fn(*mut W, W) -> bool, fn(W, W) -> W, fn(W) -> bool);
type StepFlag<W> = (&'static str, unsafe fn(*mut W) -> bool, fn(W) -> W);
type FetchAdd<W> = (&'static str, unsafe fn(*mut W, W) -> W);
type CompareExchange<W> = (&'static str, unsafe fn(*mut W, W, W) -> Result<W, W>);
type Bit<W> = (&'static str, unsafe fn(*mut W, u32) -> bool, fn(W, W) -> W);

macro_rules! word_tests {
    ($word:ident, $atomic:ident) => {
        mod $word {
            use super::*;

            type W = $word;

            const UPDATES: [Update<W>; 10] = [
                ("lock add", W::lock_add, W::wrapping_add),
                ("lock sub", W::lock_sub, W::wrapping_sub),
                ("lock and", W::lock_and, |a, b| a & b),
                ("lock or", W::lock_or, |a, b| a | b),
                ("lock xor", W::lock_xor, |a, b| a ^ b),
                ("add", W::local_add, W::wrapping_add),
                ("sub", W::local_sub, W::wrapping_sub),
                ("and", W::local_and, |a, b| a & b),
                ("or", W::local_or, |a, b| a | b),
                ("xor", W::local_xor, |a, b| a ^ b),
            ];
            const STEPS: [Step<W>; 8] = [
                ("lock inc", W::lock_inc, |a| a.wrapping_add(1)),
                ("lock dec", W::lock_dec, |a| a.wrapping_sub(1)),
                ("lock neg", W::lock_neg, W::wrapping_neg),
                ("lock not", W::lock_not, |a| !a),
                ("neg", W::local_neg, W::wrapping_neg),
                ("not", W::local_not, |a| !a),
                ("inc", W::local_inc, |a| a.wrapping_add(1)),
                ("dec", W::local_dec, |a| a.wrapping_sub(1)),
            ];
            const UPDATE_FLAGS: [UpdateFlag<W>; 6] = [
                ("lock add, ZF", W::lock_add_zf, W::wrapping_add, |sum| sum == 0),
                ("lock sub, ZF", W::lock_sub_zf, W::wrapping_sub, |rest| rest == 0),
                ("lock add, SF", W::lock_add_sf, W::wrapping_add, |sum| sum > W::MAX / 2),
                ("add, ZF", W::local_add_zf, W::wrapping_add, |sum| sum == 0),
                ("sub, ZF", W::local_sub_zf, W::wrapping_sub, |rest| rest == 0),
                ("add, SF", W::local_add_sf, W::wrapping_add, |sum| sum > W::MAX / 2),
            ];
            const STEP_FLAGS: [StepFlag<W>; 4] = [
                ("lock inc, ZF", W::lock_inc_zf, |a| a.wrapping_add(1)),
                ("lock dec, ZF", W::lock_dec_zf, |a| a.wrapping_sub(1)),
                ("inc, ZF", W::local_inc_zf, |a| a.wrapping_add(1)),
                ("dec, ZF", W::local_dec_zf, |a| a.wrapping_sub(1)),
            ];
            const FETCH_ADDS: [FetchAdd<W>; 2] =
                [("lock xadd", W::lock_xadd), ("xadd", W::local_xadd)];
            const COMPARE_EXCHANGES: [CompareExchange<W>; 2] =
                [("lock cmpxchg", W::lock_cmpxchg), ("cmpxchg", W::local_cmpxchg)];

            /// Where carries, signs and halves of registers change.
            const EXTREMES: [W; 10] = [
                0,
                1,
                2,
                W::MAX,
                W::MAX - 1,
                W::MAX / 2,
                W::MAX / 2 + 1,
                W::MAX / 3,
                W::MAX / 3 * 2,
                W::MAX >> (W::BITS / 2),
            ];

            /// All pairs of extremes, and random ones.
            fn pairs() -> impl Iterator<Item = (W, W)> {
                let mut random = Random::new(W::BITS.into());
                let extremes = EXTREMES.iter().flat_map(|&a| EXTREMES.map(|b| (a, b)));
                extremes.chain(core::iter::from_fn(move || {
                    Some((random.word() as W, random.word() as W))
                }))
            }

            #[test]
            fn updates_agree_with_arithmetic() {
                let mut random = Random::new(1);
                for (name, instruction, arithmetic) in UPDATES {
                    for (value, operand) in pairs().take(1_000) {
                        let ((), after) = on_word(&mut random, value, |word| {
                            // SAFETY: the word is valid, aligned and this thread's.
                            unsafe { instruction(word, operand) }
                        });
                        let expected = arithmetic(value, operand);
                        assert_eq!(after, expected, "{name} {value:#x}, {operand:#x}");
                    }
                }
            }

            #[test]
            fn steps_agree_with_arithmetic() {
                let mut random = Random::new(2);
                for (name, instruction, arithmetic) in STEPS {
                    for (value, _) in pairs().take(1_000) {
                        let ((), after) = on_word(&mut random, value, |word| {
                            // SAFETY: the word is valid, aligned and this thread's.
                            unsafe { instruction(word) }
                        });
                        assert_eq!(after, arithmetic(value), "{name} {value:#x}");
                    }
                }
            }

            #[test]
            fn flags_are_those_of_the_result() {
                let mut random = Random::new(10);
                for (name, instruction, arithmetic, flag) in UPDATE_FLAGS {
                    // Results of zero are rare among random ones.
                    let zeros = EXTREMES.iter().flat_map(|&a| [(a, a), (a, a.wrapping_neg())]);
                    for (value, operand) in zeros.chain(pairs().take(1_000)) {
                        let result = on_word(&mut random, value, |word| {
                            // SAFETY: the word is valid, aligned and this thread's.
                            unsafe { instruction(word, operand) }
                        });
                        let left = arithmetic(value, operand);
                        assert_eq!(result, (flag(left), left), "{name} {value:#x}, {operand:#x}");
                    }
                }
                for (name, instruction, arithmetic) in STEP_FLAGS {
                    for (value, _) in pairs().take(1_000) {
                        let result = on_word(&mut random, value, |word| {
                            // SAFETY: the word is valid, aligned and this thread's.
                            unsafe { instruction(word) }
                        });
                        let left = arithmetic(value);
                        assert_eq!(result, (left == 0, left), "{name} {value:#x}");
                    }
                }
            }

            #[test]
            fn xadd_adds_and_returns_the_value_before() {
                let mut random = Random::new(3);
                for (name, instruction) in FETCH_ADDS {
                    for (value, delta) in pairs().take(1_000) {
                        let result = on_word(&mut random, value, |word| {
                            // SAFETY: the word is valid, aligned and this thread's.
                            unsafe { instruction(word, delta) }
                        });
                        let expected = (value, value.wrapping_add(delta));
                        assert_eq!(result, expected, "{name} {value:#x}, {delta:#x}");
                    }
                }
            }

            #[test]
            fn xchg_stores_and_returns_the_value_before() {
                let mut random = Random::new(4);
                for (value, new) in pairs().take(1_000) {
                    let result = on_word(&mut random, value, |word| {
                        // SAFETY: the word is valid, aligned and this thread's.
                        unsafe { W::xchg(word, new) }
                    });
                    assert_eq!(result, (value, new), "xchg {value:#x}, {new:#x}");
                }
            }

            #[test]
            fn cmpxchg_stores_iff_the_value_is_the_expected_one() {
                let mut random = Random::new(5);
                for (name, instruction) in COMPARE_EXCHANGES {
                    for (value, new) in pairs().take(1_000) {
                        let mut attempt = |expected| {
                            on_word(&mut random, value, |word| {
                                // SAFETY: the word is valid, aligned and this thread's.
                                unsafe { instruction(word, expected, new) }
                            })
                        };
                        let success = attempt(value);
                        assert_eq!(success, (Ok(value), new), "{name} {value:#x}, {new:#x}");
                        // Every single bit counts.
                        for bit in 0..W::BITS {
                            let failure = attempt(value ^ (1 << bit));
                            assert_eq!(failure, (Err(value), value), "{name}, bit {bit} differs");
                        }
                    }
                }
            }

            // Each locked instruction is used by two threads on one word. Without the lock, one
            // thread's write would undo the other's.

            #[test]
            fn locked_arithmetic_loses_nothing() {
                type Instruction = (&'static str, fn(&$atomic), W);
                let instructions: [Instruction; 11] = [
                    (
                        "lock xadd",
                        // SAFETY: the word is valid and aligned, all accesses are atomic.
                        |word| _ = unsafe { W::lock_xadd(word.as_ptr(), 3) },
                        3,
                    ),
                    (
                        "lock add",
                        // SAFETY: as above.
                        |word| unsafe { W::lock_add(word.as_ptr(), 3) },
                        3,
                    ),
                    (
                        "lock sub",
                        // SAFETY: as above.
                        |word| unsafe { W::lock_sub(word.as_ptr(), 3) },
                        W::MAX - 2,
                    ),
                    (
                        "lock inc",
                        // SAFETY: as above.
                        |word| unsafe { W::lock_inc(word.as_ptr()) },
                        1,
                    ),
                    (
                        "lock dec",
                        // SAFETY: as above.
                        |word| unsafe { W::lock_dec(word.as_ptr()) },
                        W::MAX,
                    ),
                    (
                        "lock add, ZF",
                        // SAFETY: as above.
                        |word| _ = unsafe { W::lock_add_zf(word.as_ptr(), 3) },
                        3,
                    ),
                    (
                        "lock sub, ZF",
                        // SAFETY: as above.
                        |word| _ = unsafe { W::lock_sub_zf(word.as_ptr(), 3) },
                        W::MAX - 2,
                    ),
                    (
                        "lock add, SF",
                        // SAFETY: as above.
                        |word| _ = unsafe { W::lock_add_sf(word.as_ptr(), 3) },
                        3,
                    ),
                    (
                        "lock inc, ZF",
                        // SAFETY: as above.
                        |word| _ = unsafe { W::lock_inc_zf(word.as_ptr()) },
                        1,
                    ),
                    (
                        "lock dec, ZF",
                        // SAFETY: as above.
                        |word| _ = unsafe { W::lock_dec_zf(word.as_ptr()) },
                        W::MAX,
                    ),
                    (
                        "lock cmpxchg",
                        |word| {
                            let mut seen: W = 0;
                            loop {
                                let next = seen.wrapping_add(1);
                                // SAFETY: as above.
                                match unsafe { W::lock_cmpxchg(word.as_ptr(), seen, next) } {
                                    Ok(_) => break,
                                    Err(found) => seen = found,
                                }
                            }
                        },
                        1,
                    ),
                ];
                for (name, instruction, step) in instructions {
                    let word = $atomic::new(0);
                    let turns = contend(4_000, |_, _| instruction(&word));
                    let turns = (turns[0] + turns[1]) as W;
                    assert_eq!(word.into_inner(), turns.wrapping_mul(step), "{name}");
                }
            }

            #[test]
            fn locked_logic_leaves_the_bits_of_others_alone() {
                let word = $atomic::new(0);
                // Every other bit is mine.
                let lanes = [W::MAX / 3, W::MAX / 3 * 2];
                contend(4_000, |me, _| {
                    let mine = lanes[me];
                    let check = |name, expected| {
                        assert_eq!(word.load(Relaxed) & mine, expected, "{name} of thread {me}");
                    };
                    // SAFETY: the word is valid and aligned, all accesses are atomic.
                    unsafe { W::lock_or(word.as_ptr(), mine) };
                    check("lock or", mine);
                    // SAFETY: as above.
                    unsafe { W::lock_and(word.as_ptr(), !mine) };
                    check("lock and", 0);
                    // SAFETY: as above.
                    unsafe { W::lock_xor(word.as_ptr(), mine) };
                    check("lock xor", mine);
                    // SAFETY: as above.
                    unsafe { W::lock_xor(word.as_ptr(), mine) };
                    check("lock xor", 0);
                });
                assert_eq!(word.load(Relaxed), 0);
            }

            #[test]
            fn locked_flips_are_all_done() {
                let (signs, bits) = ($atomic::new(5), $atomic::new(5));
                let turns = contend(4_000, |_, _| {
                    // SAFETY: the word is valid and aligned, all accesses are atomic.
                    unsafe { W::lock_neg(signs.as_ptr()) };
                    // SAFETY: as above.
                    unsafe { W::lock_not(bits.as_ptr()) };
                });
                let is_odd = (turns[0] + turns[1]) % 2 != 0;
                let expected: (W, W) = if is_odd { (W::MAX - 4, !5) } else { (5, 5) };
                assert_eq!((signs.into_inner(), bits.into_inner()), expected);
            }

            #[test]
            fn exchanged_values_are_each_in_one_place() {
                let word = $atomic::new(0);
                let hands = [1, 2].map($atomic::new);
                contend(4_000, |me, _| {
                    let mine = hands[me].load(Relaxed);
                    // SAFETY: the word is valid and aligned, all accesses are atomic.
                    hands[me].store(unsafe { W::xchg(word.as_ptr(), mine) }, Relaxed);
                });
                let [one, other] = hands.map($atomic::into_inner);
                let mut places = [word.into_inner(), one, other];
                places.sort_unstable();
                assert_eq!(places, [0, 1, 2]);
            }
        }
    };
}

word_tests!(u8, AtomicU8);
word_tests!(u16, AtomicU16);
word_tests!(u32, AtomicU32);
word_tests!(u64, AtomicU64);

macro_rules! bit_tests {
    ($module:ident, $word:ident, $atomic:ident) => {
        mod $module {
            use super::*;

            type W = $word;

            const BITS: [Bit<W>; 6] = [
                ("lock bts", W::lock_bts, |word, mask| word | mask),
                ("lock btr", W::lock_btr, |word, mask| word & !mask),
                ("lock btc", W::lock_btc, |word, mask| word ^ mask),
                ("bts", W::local_bts, |word, mask| word | mask),
                ("btr", W::local_btr, |word, mask| word & !mask),
                ("btc", W::local_btc, |word, mask| word ^ mask),
            ];

            #[test]
            fn bit_is_changed_and_its_old_state_returned() {
                let mut random = Random::new(6);
                for (name, instruction, arithmetic) in BITS {
                    // A bit offset beyond the word would address memory beyond it.
                    for bit in (0..3 * W::BITS).chain([1 << 31, u32::MAX - 3, u32::MAX]) {
                        for value in [0, W::MAX, W::MAX / 3, random.word() as W] {
                            let (was_set, after) = on_word(&mut random, value, |word| {
                                // SAFETY: the word is valid, aligned and this thread's.
                                unsafe { instruction(word, bit) }
                            });
                            let mask = (1 as W).wrapping_shl(bit);
                            assert_eq!(was_set, value & mask != 0, "{name} {value:#x}, {bit}");
                            assert_eq!(after, arithmetic(value, mask), "{name} {value:#x}, {bit}");
                        }
                    }
                }
            }

            #[test]
            fn locked_bits_of_others_are_left_alone() {
                let word = $atomic::new(0);
                contend(4_000, |me, turn| {
                    // Every other bit is mine.
                    let bit = (2 * turn + me) as u32 % W::BITS;
                    let was_set = [
                        // SAFETY: the word is valid and aligned, all accesses are atomic.
                        unsafe { W::lock_bts(word.as_ptr(), bit) },
                        // SAFETY: as above.
                        unsafe { W::lock_btr(word.as_ptr(), bit) },
                        // SAFETY: as above.
                        unsafe { W::lock_btc(word.as_ptr(), bit) },
                        // SAFETY: as above.
                        unsafe { W::lock_btc(word.as_ptr(), bit) },
                    ];
                    assert_eq!(was_set, [false, true, false, true], "bit {bit}");
                });
                assert_eq!(word.load(Relaxed), 0);
            }
        }
    };
}

bit_tests!(bits_of_u16, u16, AtomicU16);
bit_tests!(bits_of_u32, u32, AtomicU32);
bit_tests!(bits_of_u64, u64, AtomicU64);

// === Pointers ===

#[test]
fn pointer_is_exchanged_with_its_provenance() {
    let mut random = Random::new(7);
    let (mut one, mut other) = (1, 2);
    let (one, other) = (&raw mut one, &raw mut other);
    let (before, after) = on_word(&mut random, one, |word| {
        // SAFETY: the word is valid, aligned and this thread's.
        unsafe { <*mut i32>::xchg(word, other) }
    });
    assert_eq!((before, after), (one, other));
    // SAFETY: it is the pointer that went in, to a live local variable.
    assert_eq!(unsafe { before.read() }, 1);
    // SAFETY: as above.
    assert_eq!(unsafe { after.read() }, 2);
}

#[test]
fn pointer_is_compared_by_its_whole_address() {
    let mut random = Random::new(8);
    let value = core::ptr::without_provenance_mut::<u8>(0x7fff_0123_4567_89ab);
    let new = core::ptr::null_mut();
    let mut attempt = |expected| {
        on_word(&mut random, value, |word| {
            // SAFETY: the word is valid, aligned and this thread's.
            unsafe { <*mut u8>::lock_cmpxchg(word, expected, new) }
        })
    };
    assert_eq!(attempt(value), (Ok(value), new));
    for bit in 0..64 {
        assert_eq!(attempt(value.map_addr(|addr| addr ^ 1 << bit)), (Err(value), value));
    }
}

#[test]
fn pointer_is_moved_by_bytes() {
    let mut random = Random::new(11);
    let mut values = [1_u32, 2, 3];
    let first = values.as_mut_ptr();
    let (before, after) = on_word(&mut random, first, |word| {
        // SAFETY: the word is valid, aligned and this thread's.
        unsafe { lock_xadd_pointer(word, 8) }
    });
    assert_eq!((before, after), (first, first.wrapping_add(2)));
    // SAFETY: it points to the third of three values, which nobody else uses.
    assert_eq!(unsafe { after.read() }, 3);
    let back = 4_usize.wrapping_neg();
    let (_, after) = on_word(&mut random, after, |word| {
        // SAFETY: the word is valid, aligned and this thread's.
        unsafe { lock_xadd_pointer(word, back) }
    });
    assert_eq!(after, first.wrapping_add(1));
}

#[test]
fn pointer_moved_by_two_threads_loses_nothing() {
    let word = AtomicPtr::new(core::ptr::null_mut::<u8>());
    let turns = contend(4_000, |_, _| {
        // SAFETY: the word is valid and aligned, all accesses are atomic.
        unsafe { lock_xadd_pointer(word.as_ptr(), 3) };
    });
    assert_eq!(word.into_inner().addr(), 3 * (turns[0] + turns[1]));
}

#[test]
fn pointer_exchanged_by_two_threads_is_in_one_place() {
    let word = AtomicPtr::new(core::ptr::without_provenance_mut::<u8>(0));
    let hands = [1, 2].map(|hand| AtomicPtr::new(core::ptr::without_provenance_mut::<u8>(hand)));
    contend(4_000, |me, _| {
        let mine = hands[me].load(Relaxed);
        // SAFETY: the word is valid and aligned, all accesses are atomic.
        hands[me].store(unsafe { <*mut u8>::xchg(word.as_ptr(), mine) }, Relaxed);
    });
    let [one, other] = hands.map(AtomicPtr::into_inner);
    let mut places = [word.into_inner(), one, other].map(<*mut u8>::addr);
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2]);
}

// === Two words ===

/// Two words as the instruction wants them, between others.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C, align(16))]
struct Aligned([u64; 2]);

#[test]
fn cmpxchg16b_stores_iff_both_words_are_the_expected_ones() {
    if !has_cmpxchg16b() {
        return;
    }
    let mut random = Random::new(9);
    let extremes = [0, 1, u64::MAX, 1 << 63, 0x0123_4567_89ab_cdef];
    for low in extremes {
        for high in extremes {
            let value = [low, high];
            let new = [random.word(), random.word()];
            let mut attempt = |expected| {
                let (result, Aligned(after)) = on_word(&mut random, Aligned(value), |pair| {
                    // SAFETY: the pair is valid, aligned to 16 and this thread's; the CPU has the
                    // instruction.
                    unsafe { lock_cmpxchg16b(pair.cast(), expected, new) }
                });
                (result, after)
            };
            assert_eq!(attempt(value), (Ok(value), new));
            for bit in 0..64 {
                assert_eq!(attempt([low ^ 1 << bit, high]), (Err(value), value), "low bit {bit}");
                assert_eq!(attempt([low, high ^ 1 << bit]), (Err(value), value), "high bit {bit}");
            }
            assert_eq!(attempt([!low, !high]), (Err(value), value));
            // The words must not be taken for each other.
            if low != high {
                assert_eq!(attempt([high, low]), (Err(value), value));
            }
        }
    }
}

#[cfg(target_feature = "sse2")]
#[test]
fn movdqa_moves_both_words_and_nothing_else() {
    let mut random = Random::new(12);
    for _ in 0..1_000 {
        let [value, new] = [(); 2].map(|()| [random.word(), random.word()]);
        let (found, Aligned(after)) = on_word(&mut random, Aligned(value), |pair| {
            // SAFETY: the pair is valid, aligned to 16 and this thread's.
            unsafe { movdqa_load(pair.cast()) }
        });
        assert_eq!((found, after), (value, value));
        let ((), Aligned(after)) = on_word(&mut random, Aligned(value), |pair| {
            // SAFETY: as above.
            unsafe { movdqa_store(pair.cast(), new) }
        });
        assert_eq!(after, new);
    }
}

#[cfg(target_feature = "sse2")]
#[test]
fn movdqa_of_two_threads_is_never_torn() {
    if !cpu::has_atomic_vector_moves() {
        return;
    }
    #[repr(C, align(16))]
    struct Pair([AtomicU64; 2]);

    let pair = Pair([AtomicU64::new(0), AtomicU64::new(u64::MAX)]);
    let place = || core::ptr::from_ref(&pair).cast_mut().cast::<[u64; 2]>();
    contend(4_000, |me, turn| {
        let number = (2 * turn + me) as u64;
        // SAFETY: the pair is valid, aligned to 16, and writable through a shared reference; all
        // accesses are atomic; the CPU was asked.
        unsafe { movdqa_store(place(), [number, !number]) };
        // SAFETY: as above.
        let [low, high] = unsafe { movdqa_load(place()) };
        assert_eq!(low, !high, "halves of two values");
    });
}

#[test]
fn cmpxchg16b_leaves_every_register_as_it_was() {
    if !has_cmpxchg16b() {
        return;
    }
    // Ten values live across the instruction, which leaves ten registers, rbx among them: it uses
    // that one too, but must give it back. (Only an optimized build keeps values in registers.)
    macro_rules! mixed {
        (|$turn:ident| $word:expr) => {{
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h, mut i, mut j] =
                core::hint::black_box([1u64, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
            for $turn in 0..1_000u64 {
                let word = $word;
                (a, b, c, d, e) = (b.wrapping_mul(5), c ^ word, d.rotate_left(9), e ^ a, f);
                (f, g, h, i, j) = (g.wrapping_mul(9), h ^ word, i.rotate_left(3), j ^ f, a);
            }
            [a, b, c, d, e, f, g, h, i, j]
        }};
    }
    let mut pair = Aligned([0, 0]);
    let exchanged = mixed!(|turn| {
        // SAFETY: the pair is valid, aligned to 16 and this thread's; the CPU has the instruction.
        let result = unsafe { lock_cmpxchg16b(&raw mut pair.0, [turn, 0], [turn + 1, 0]) };
        result.map_or(u64::MAX, |[low, _]| low)
    });
    let undisturbed = mixed!(|turn| core::hint::black_box(turn));
    assert_eq!(exchanged, undisturbed);
}

#[test]
fn cmpxchg16b_of_two_threads_loses_nothing() {
    if !has_cmpxchg16b() {
        return;
    }
    #[repr(C, align(16))]
    struct Pair([AtomicU64; 2]);

    let pair = Pair([AtomicU64::new(0), AtomicU64::new(u64::MAX)]);
    let place = || core::ptr::from_ref(&pair).cast_mut().cast::<[u64; 2]>();
    let turns = contend(4_000, |_, _| {
        let mut seen = [0, u64::MAX];
        loop {
            let new = [seen[0] + 1, seen[1] - 1];
            // SAFETY: the pair is valid, aligned to 16, and writable through a shared reference;
            // all accesses are atomic; the CPU has the instruction.
            match unsafe { lock_cmpxchg16b(place(), seen, new) } {
                Ok(_) => break,
                Err(found) => {
                    assert_eq!(found[0], u64::MAX - found[1], "halves of two values");
                    seen = found;
                }
            }
        }
    });
    let [low, high] = pair.0.map(AtomicU64::into_inner);
    let turns = (turns[0] + turns[1]) as u64;
    assert_eq!((low, high), (turns, u64::MAX - turns));
}

// === The others ===

#[test]
fn prefetches_take_any_address() {
    fn check(prefetch: fn(*const u8)) {
        let mut value = 7u64;
        for address in [0, 1, 0xfff, 1 << 46, 1 << 47, 1 << 63, usize::MAX - 63, usize::MAX] {
            prefetch(core::ptr::without_provenance(address));
        }
        prefetch((&raw mut value).cast());
        prefetch(core::ptr::from_ref(&value).cast::<u8>().wrapping_add(3));
        prefetch("a constant, on a page that cannot be written".as_ptr());
        assert_eq!(value, 7);
    }
    check(prefetcht0);
    check(prefetchw);
}

#[test]
fn pause_returns() {
    (0..1_000).for_each(|_| pause());
}

#[test]
fn detection_agrees_with_the_standard_library() {
    assert_eq!(has_cmpxchg16b(), std::is_x86_feature_detected!("cmpxchg16b"));
    // From the cache, too.
    assert_eq!(has_cmpxchg16b(), std::is_x86_feature_detected!("cmpxchg16b"));
}

#[test]
fn current_cpu_is_known_where_an_instruction_tells_it() {
    // SAFETY: every x86-64 CPU has CPUID, and this leaf.
    #[allow(unused_unsafe, reason = "`__cpuid` became safe after our MSRV")]
    let answer = unsafe { core::arch::x86_64::__cpuid(0x8000_0001) };
    let has_rdtscp = answer.edx & (1 << 27) != 0;
    assert!(cpu::current().is_some() || !has_rdtscp);
}

#[cfg(target_os = "linux")]
#[test]
fn current_cpu_is_the_one_the_thread_is_pinned_to() {
    let Some(_) = cpu::current() else { return };
    for number in allowed_cpus() {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                pin_to(number);
                assert_eq!(cpu::current(), u32::try_from(number).ok());
            });
        });
    }
}

/// The CPUs that this thread may run on.
#[cfg(target_os = "linux")]
fn allowed_cpus() -> Vec<usize> {
    let mut set = core::mem::MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: the set has the size that is passed along.
    let result =
        unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), set.as_mut_ptr()) };
    assert_eq!(result, 0, "the kernel tells where a thread may run");
    // SAFETY: a set is an array of integers, all zero or filled in by the kernel.
    let set = unsafe { set.assume_init() };
    let is_allowed = |&number: &usize| {
        // SAFETY: the number is below the size of the set.
        unsafe { libc::CPU_ISSET(number, &set) }
    };
    (0..libc::CPU_SETSIZE as usize).filter(is_allowed).collect()
}

/// Moves this thread to one CPU, for good.
#[cfg(target_os = "linux")]
fn pin_to(number: usize) {
    let set = core::mem::MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: a set of integers, all zero, is the empty set.
    let mut set = unsafe { set.assume_init() };
    // SAFETY: the number is below the size of the set.
    unsafe { libc::CPU_SET(number, &mut set) };
    // SAFETY: the set has the size that is passed along.
    let result =
        unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
    assert_eq!(result, 0, "the thread may run there");
}
