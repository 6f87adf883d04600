//! Defends the promise of `atomic`: each type is core's of the same name, in result, effect, layout
//! and refusals, whatever the backend; the operations that core does not have are those that it
//! has, with another result or none; and two threads lose nothing. (What they see of each other is in
//! `litmus.rs`.)

mod common;

use core::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::{self as core_atomic, AtomicUsize as CoreUsize};

use latchless::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
    AtomicU16, AtomicU32, AtomicU64, AtomicUsize, fence, ordering,
};
use static_assertions::{assert_eq_align, assert_eq_size, assert_impl_all, assert_not_impl_any};

use common::panics::panic_message;
use common::random::Random;
use common::team::{Team, contend};

const ORDERINGS: [Ordering; 5] = [Relaxed, Acquire, Release, AcqRel, SeqCst];
const LOADS: [Ordering; 3] = [Relaxed, Acquire, SeqCst];
const STORES: [Ordering; 3] = [Relaxed, Release, SeqCst];

/// How often two threads get in each other's way: seldom, because each instruction has its own test
/// in `arch.rs`, and there are many types.
const MEETINGS: usize = 500;

// === Integers ===

/// One operation of both types: its name, ours, core's. Each takes two operands, of which it may
/// ignore one or both.
macro_rules! both {
    ($name:literal, |$atomic:ident, $x:ident, $y:ident, $order:ident| $call:expr) => {
        both!($name, |$atomic, $x, $y, $order| $call, $call)
    };
    ($name:literal, |$atomic:ident, $x:ident, $y:ident, $order:ident| $ours:expr, $core:expr) => {
        ($name, |$atomic, $x, $y, $order| $ours, |$atomic, $x, $y, $order| $core)
    };
}

macro_rules! integer_tests {
    ($module:ident, $atomic:ident, $int:ident) => {
        mod $module {
            use super::*;

            type Int = $int;
            type Ours = $atomic;
            type Core = core_atomic::$atomic;

            assert_eq_size!(Ours, Core);
            assert_eq_align!(Ours, Core);
            assert_impl_all!(Ours: Send, Sync, Default, Unpin, From<Int>, core::panic::RefUnwindSafe);
            assert_not_impl_any!(Ours: Clone);

            type Call<A> = fn(&A, Int, Int, Ordering) -> Result<Int, Int>;
            type Operation = (&'static str, Call<Ours>, Call<Core>);

            fn mask(bit: Int) -> Int {
                (1 as Int).wrapping_shl(bit as u32)
            }

            /// The result of operations that have none.
            const NOTHING: Result<Int, Int> = Ok(0);

            const TOP: Int = (1 as Int) << (Int::BITS - 1);

            /// What core's atomic holds after an operation that returned what it held before.
            fn after(core: &Core, _before: Int) -> Result<Int, Int> {
                Ok(core.load(Relaxed))
            }

            /// Operations that take any ordering.
            const OPERATIONS: &[Operation] = &[
                both!("swap", |a, x, _y, order| Ok(a.swap(x, order))),
                both!("fetch_add", |a, x, _y, order| Ok(a.fetch_add(x, order))),
                both!("fetch_sub", |a, x, _y, order| Ok(a.fetch_sub(x, order))),
                both!("fetch_and", |a, x, _y, order| Ok(a.fetch_and(x, order))),
                both!("fetch_nand", |a, x, _y, order| Ok(a.fetch_nand(x, order))),
                both!("fetch_or", |a, x, _y, order| Ok(a.fetch_or(x, order))),
                both!("fetch_xor", |a, x, _y, order| Ok(a.fetch_xor(x, order))),
                both!("fetch_max", |a, x, _y, order| Ok(a.fetch_max(x, order))),
                both!("fetch_min", |a, x, _y, order| Ok(a.fetch_min(x, order))),
                both!("fetch_not", |a, _x, _y, order| Ok(a.fetch_not(order)),
                    Ok(a.fetch_xor(!0, order))),
                both!("fetch_neg", |a, _x, _y, order| Ok(a.fetch_neg(order)),
                    a.fetch_update(order, Relaxed, |now| Some(now.wrapping_neg()))),
                both!("compare_exchange", |a, x, y, order| a.compare_exchange(x, y, order, Relaxed)),
                both!("update", |a, x, _y, order| Ok(a.update(order, Relaxed, |now| now ^ x)),
                    a.fetch_update(order, Relaxed, |now| Some(now ^ x))),
                both!("try_update", |a, x, y, order| {
                    a.try_update(order, Relaxed, |now| (now != y).then_some(now ^ x))
                }, {
                    a.fetch_update(order, Relaxed, |now| (now != y).then_some(now ^ x))
                }),
                both!("add_fetch", |a, x, _y, order| Ok(a.add_fetch(x, order)),
                    after(a, a.fetch_add(x, order))),
                both!("sub_fetch", |a, x, _y, order| Ok(a.sub_fetch(x, order)),
                    after(a, a.fetch_sub(x, order))),
                both!("and_fetch", |a, x, _y, order| Ok(a.and_fetch(x, order)),
                    after(a, a.fetch_and(x, order))),
                both!("nand_fetch", |a, x, _y, order| Ok(a.nand_fetch(x, order)),
                    after(a, a.fetch_nand(x, order))),
                both!("or_fetch", |a, x, _y, order| Ok(a.or_fetch(x, order)),
                    after(a, a.fetch_or(x, order))),
                both!("xor_fetch", |a, x, _y, order| Ok(a.xor_fetch(x, order)),
                    after(a, a.fetch_xor(x, order))),
                both!("max_fetch", |a, x, _y, order| Ok(a.max_fetch(x, order)),
                    after(a, a.fetch_max(x, order))),
                both!("min_fetch", |a, x, _y, order| Ok(a.min_fetch(x, order)),
                    after(a, a.fetch_min(x, order))),
                both!("add_and_test", |a, x, _y, order| Ok(a.add_and_test(x, order).into()),
                    after(a, a.fetch_add(x, order)).map(|sum| (sum == 0).into())),
                both!("sub_and_test", |a, x, _y, order| Ok(a.sub_and_test(x, order).into()),
                    after(a, a.fetch_sub(x, order)).map(|rest| (rest == 0).into())),
                both!("inc_and_test", |a, _x, _y, order| Ok(a.inc_and_test(order).into()),
                    after(a, a.fetch_add(1, order)).map(|sum| (sum == 0).into())),
                both!("dec_and_test", |a, _x, _y, order| Ok(a.dec_and_test(order).into()),
                    after(a, a.fetch_sub(1, order)).map(|rest| (rest == 0).into())),
                both!("add_negative", |a, x, _y, order| Ok(a.add_negative(x, order).into()),
                    after(a, a.fetch_add(x, order)).map(|sum| (sum & TOP != 0).into())),
                both!("neg", |a, _x, _y, order| { a.neg(order); NOTHING },
                    a.fetch_update(order, Relaxed, |now| Some(now.wrapping_neg())).and(NOTHING)),
                both!("not", |a, _x, _y, order| { a.not(order); NOTHING },
                    { a.fetch_xor(!0, order); NOTHING }),
                both!("fetch_update", |a, x, y, order| {
                    a.fetch_update(order, Relaxed, |now| (now != y).then_some(now ^ x))
                }),
                both!("add", |a, x, _y, order| { a.add(x, order); NOTHING },
                    { a.fetch_add(x, order); NOTHING }),
                both!("sub", |a, x, _y, order| { a.sub(x, order); NOTHING },
                    { a.fetch_sub(x, order); NOTHING }),
                both!("and", |a, x, _y, order| { a.and(x, order); NOTHING },
                    { a.fetch_and(x, order); NOTHING }),
                both!("or", |a, x, _y, order| { a.or(x, order); NOTHING },
                    { a.fetch_or(x, order); NOTHING }),
                both!("xor", |a, x, _y, order| { a.xor(x, order); NOTHING },
                    { a.fetch_xor(x, order); NOTHING }),
                both!("inc", |a, _x, _y, order| { a.inc(order); NOTHING },
                    { a.fetch_add(1, order); NOTHING }),
                both!("dec", |a, _x, _y, order| { a.dec(order); NOTHING },
                    { a.fetch_sub(1, order); NOTHING }),
                both!("bit_set", |a, x, _y, order| Ok(a.bit_set(x as u32, order).into()),
                    Ok((a.fetch_or(mask(x), order) & mask(x) != 0).into())),
                both!("bit_clear", |a, x, _y, order| Ok(a.bit_clear(x as u32, order).into()),
                    Ok((a.fetch_and(!mask(x), order) & mask(x) != 0).into())),
                both!("bit_toggle", |a, x, _y, order| Ok(a.bit_toggle(x as u32, order).into()),
                    Ok((a.fetch_xor(mask(x), order) & mask(x) != 0).into())),
            ];

            const EXTREMES: [Int; 8] =
                [0, 1, 2, Int::MAX, Int::MAX - 1, Int::MIN, Int::MIN + 1, !0];

            /// All triples of extremes, and random ones.
            fn triples() -> Vec<[Int; 3]> {
                let mut random = Random::new(Int::BITS.into());
                let extremes = EXTREMES.into_iter().flat_map(|value| {
                    EXTREMES.into_iter().flat_map(move |x| EXTREMES.map(|y| [value, x, y]))
                });
                let random = core::iter::from_fn(|| {
                    let [value, x, y] = [(); 3].map(|()| random.word() as Int);
                    // A comparison should succeed half of the time.
                    Some(if random.coin() { [value, x, y] } else { [value, value, y] })
                });
                extremes.chain(random.take(400)).collect()
            }

            #[test]
            fn each_operation_agrees_with_core() {
                for &(name, ours, core) in OPERATIONS {
                    for [value, x, y] in triples() {
                        for order in ORDERINGS {
                            let (a, b) = (Ours::new(value), Core::new(value));
                            let results = (ours(&a, x, y, order), core(&b, x, y, order));
                            assert_eq!(results.0, results.1, "{name} on {value}: {x}, {y}");
                            let (left, expected) = (a.into_inner(), b.into_inner());
                            assert_eq!(left, expected, "{name} on {value}: {x}, {y}");
                        }
                    }
                }
            }

            #[test]
            fn no_operation_touches_the_bytes_beside_it() {
                let mut random = Random::new(9);
                for &(name, ours, _) in OPERATIONS {
                    for [value, x, y] in triples().into_iter().step_by(7) {
                        let beside = [(); 2].map(|()| random.word() as Int);
                        let words = [beside[0], value, beside[1]].map(Ours::new);
                        _ = ours(&words[1], x, y, SeqCst);
                        let [before, _, behind] = words.map(Ours::into_inner);
                        assert_eq!([before, behind], beside, "{name} on {value}: {x}, {y}");
                    }
                }
            }

            #[test]
            fn loads_and_stores_agree_with_core() {
                for [value, x, _] in triples() {
                    let a = Ours::new(value);
                    for order in LOADS {
                        assert_eq!(a.load(order), value);
                    }
                    for order in STORES {
                        a.store(value, Relaxed);
                        a.store(x, order);
                        assert_eq!(a.load(Relaxed), x);
                    }
                }
            }

            #[test]
            fn comparisons_take_every_pair_of_orderings() {
                for success in ORDERINGS {
                    for failure in LOADS {
                        let a = Ours::new(5);
                        assert_eq!(a.compare_exchange(4, 9, success, failure), Err(5));
                        assert_eq!(a.compare_exchange_weak(4, 9, success, failure), Err(5));
                        assert_eq!(a.compare_exchange(5, 6, success, failure), Ok(5));
                        // The weak form may fail without reason, but says so and not for ever.
                        while let Err(found) = a.compare_exchange_weak(6, 7, success, failure) {
                            assert_eq!(found, 6);
                        }
                        assert_eq!(a.load(Relaxed), 7);
                    }
                }
            }

            #[test]
            fn wrong_orderings_are_refused_in_the_words_of_core() {
                fn check(name: &str, ours: impl FnOnce(), core: impl FnOnce()) -> bool {
                    let (ours, core) = (panic_message(ours), panic_message(core));
                    assert_eq!(ours, core, "{name}");
                    ours.is_some()
                }

                let (a, b) = (&Ours::new(0), &Core::new(0));
                let mut refusals = 0;
                for first in ORDERINGS {
                    refusals += usize::from(check("load", || _ = a.load(first), || {
                        _ = b.load(first);
                    }));
                    refusals += usize::from(check("store", || a.store(0, first), || {
                        b.store(0, first);
                    }));
                    for second in ORDERINGS {
                        for (current, new) in [(0, 0), (1, 1)] {
                            refusals += usize::from(check(
                                "compare_exchange",
                                || _ = a.compare_exchange(current, new, first, second),
                                || _ = b.compare_exchange(current, new, first, second),
                            ));
                            refusals += usize::from(check(
                                "compare_exchange_weak",
                                || _ = a.compare_exchange_weak(current, new, first, second),
                                || _ = b.compare_exchange_weak(current, new, first, second),
                            ));
                        }
                        refusals += usize::from(check(
                            "fetch_update",
                            || _ = a.fetch_update(first, second, Some),
                            || _ = b.fetch_update(first, second, Some),
                        ));
                    }
                }
                // Two loads, two stores, and two failure orderings for each of five others, five
                // times.
                assert_eq!(refusals, 2 + 2 + 5 * 2 * 5);
            }

            #[test]
            fn value_is_reached_by_exclusive_access_and_by_pointer() {
                let mut a = Ours::from(3);
                *a.get_mut() += 1;
                assert_eq!(a.load(Relaxed), 4);
                // SAFETY: the atomic lives on, and every access is atomic and of its width.
                let shared = unsafe { Core::from_ptr(a.as_ptr()) };
                assert_eq!((shared.fetch_add(1, SeqCst), a.fetch_add(1, SeqCst)), (4, 5));
                assert_eq!(a.into_inner(), 6);
                assert_eq!(Ours::default().into_inner(), 0);

                let b = Core::new(7);
                // SAFETY: as above.
                let seen = unsafe { Ours::from_ptr(b.as_ptr()) };
                seen.inc(Relaxed);
                assert_eq!(b.into_inner(), 8);
            }

            #[test]
            fn debug_prints_the_value() {
                for value in EXTREMES {
                    let (a, b) = (Ours::new(value), Core::new(value));
                    assert_eq!(format!("{a:?} {a:5?} {a:x?}"), format!("{b:?} {b:5?} {b:x?}"));
                }
            }

            /// Panics unless the steps of two threads add up.
            #[track_caller]
            fn adds_up(size: Int, step: impl Fn(&Ours) + Sync) {
                let shared = Ours::new(0);
                let [one, other] = contend(MEETINGS, |_, _| step(&shared));
                assert_eq!(shared.into_inner(), size.wrapping_mul((one + other) as Int));
            }

            #[test]
            fn arithmetic_of_two_threads_loses_nothing() {
                const MINUS_THREE: Int = (0 as Int).wrapping_sub(3);
                const MINUS_ONE: Int = (0 as Int).wrapping_sub(1);
                let next = |now: Int| now.wrapping_add(1);

                adds_up(3, |a| _ = a.fetch_add(3, Relaxed));
                adds_up(MINUS_THREE, |a| _ = a.fetch_sub(3, Relaxed));
                adds_up(3, |a| _ = a.add_fetch(3, Relaxed));
                adds_up(MINUS_THREE, |a| _ = a.sub_fetch(3, Relaxed));
                adds_up(3, |a| _ = a.add_and_test(3, Relaxed));
                adds_up(MINUS_THREE, |a| _ = a.sub_and_test(3, Relaxed));
                adds_up(3, |a| _ = a.add_negative(3, Relaxed));
                adds_up(1, |a| _ = a.inc_and_test(Relaxed));
                adds_up(MINUS_ONE, |a| _ = a.dec_and_test(Relaxed));
                adds_up(1, |a| _ = a.update(Relaxed, Relaxed, next));
                adds_up(3, |a| a.add(3, Relaxed));
                adds_up(MINUS_THREE, |a| a.sub(3, Relaxed));
                adds_up(1, |a| a.inc(Relaxed));
                adds_up(MINUS_ONE, |a| a.dec(Relaxed));
                adds_up(1, |a| _ = a.fetch_update(Relaxed, Relaxed, |now| Some(next(now))));
                adds_up(1, |a| {
                    let mut now = a.load(Relaxed);
                    while let Err(found) = a.compare_exchange(now, next(now), Relaxed, Relaxed) {
                        now = found;
                    }
                });
            }

            #[test]
            fn logic_of_two_threads_keeps_to_its_bits() {
                let shared = Ours::new(0);
                // Every other bit is mine.
                let lanes = [0, 1].map(|me| {
                    (me..Int::BITS).step_by(2).fold(0, |lane, bit| lane | (1 as Int) << bit)
                });
                contend(MEETINGS, |me, turn| {
                    let mine = lanes[me];
                        let bit = (2 * turn + me) as u32 % Int::BITS;
                        let only = (1 as Int) << bit;
                        assert_eq!(shared.fetch_or(mine, Relaxed) & mine, 0);
                        assert_eq!(shared.fetch_xor(only, Relaxed) & mine, mine);
                        assert_eq!(shared.fetch_and(!mine, Relaxed) & mine, mine & !only);
                        shared.or(mine, Relaxed);
                        assert_eq!(shared.load(Relaxed) & mine, mine);
                        shared.xor(only, Relaxed);
                        assert_eq!(shared.load(Relaxed) & mine, mine & !only);
                        shared.and(!mine, Relaxed);
                        assert_eq!(shared.load(Relaxed) & mine, 0);
                        assert!(!shared.bit_set(bit, Relaxed));
                        assert!(shared.bit_clear(bit, Relaxed));
                        assert!(!shared.bit_toggle(bit, Relaxed));
                        assert!(shared.bit_toggle(bit, Relaxed));
                });
                assert_eq!(shared.into_inner(), 0);
            }

            #[test]
            fn whoever_takes_the_last_is_told() {
                let shared = Ours::new(0);
                let (firsts, lasts) = (CoreUsize::new(0), CoreUsize::new(0));
                contend(MEETINGS, |_, _| {
                    let is_first = shared.fetch_add(1, Relaxed) == 0;
                    firsts.fetch_add(is_first.into(), Relaxed);
                    lasts.fetch_add(shared.dec_and_test(Relaxed).into(), Relaxed);
                });
                assert_eq!(lasts.into_inner(), firsts.into_inner());
            }

            #[test]
            fn signs_and_bits_flipped_by_two_threads_are_as_before() {
                let shared = Ours::new(5);
                let [one, other] = contend(MEETINGS, |me, _| {
                    if me == 0 { shared.neg(Relaxed) } else { shared.not(Relaxed) }
                });
                // Of the two flips together, each pair adds or subtracts one.
                let (flips, left) = (one + other, shared.into_inner());
                let parity = (left ^ 5) & 1;
                assert_eq!(usize::from(parity != 0), other % 2, "{flips} flips left {left}");
            }

            #[test]
            fn flips_of_two_threads_alternate() {
                let (shared, zeros) = (Ours::new(0), CoreUsize::new(0));
                let [one, other] = contend(MEETINGS, |_, _| {
                    let was_zero = shared.fetch_nand(!0, Relaxed) == 0;
                    zeros.fetch_add(was_zero.into(), Relaxed);
                });
                let flips = one + other;
                assert_eq!(zeros.into_inner(), flips.div_ceil(2));
                assert_eq!(shared.into_inner(), if flips % 2 == 0 { 0 } else { !0 });
            }

            #[test]
            fn extremes_of_two_threads_only_move_outwards() {
                let (most, least) = (Ours::new(Int::MIN), Ours::new(Int::MAX));
                contend(MEETINGS, |me, turn| {
                    let value = Int::try_from(2 * turn + me).unwrap_or(Int::MAX);
                    assert!(most.fetch_max(value, Relaxed) <= most.load(Relaxed));
                    assert!(most.load(Relaxed) >= value);
                    assert!(least.fetch_min(!value, Relaxed) >= least.load(Relaxed));
                    assert!(least.load(Relaxed) <= !value);
                });
                assert_eq!(most.into_inner(), !least.into_inner());
            }

            #[test]
            fn swapped_values_are_each_in_one_place() {
                let shared = Ours::new(0);
                let hands = [1, 2].map(Core::new);
                contend(MEETINGS, |me, _| {
                    let mine = hands[me].load(Relaxed);
                    hands[me].store(shared.swap(mine, Relaxed), Relaxed);
                });
                let [one, other] = hands.map(Core::into_inner);
                let mut places = [shared.into_inner(), one, other];
                places.sort_unstable();
                assert_eq!(places, [0, 1, 2]);
            }
        }
    };
}

integer_tests!(u8, AtomicU8, u8);
integer_tests!(u16, AtomicU16, u16);
integer_tests!(u32, AtomicU32, u32);
integer_tests!(u64, AtomicU64, u64);
integer_tests!(usize, AtomicUsize, usize);
integer_tests!(i8, AtomicI8, i8);
integer_tests!(i16, AtomicI16, i16);
integer_tests!(i32, AtomicI32, i32);
integer_tests!(i64, AtomicI64, i64);
integer_tests!(isize, AtomicIsize, isize);

// === AtomicBool ===

assert_eq_size!(AtomicBool, core_atomic::AtomicBool);
assert_impl_all!(AtomicBool: Send, Sync, Default, From<bool>);

#[test]
fn boolean_operations_agree_with_core() {
    type Ours = AtomicBool;
    type Core = core_atomic::AtomicBool;
    type Call<A> = fn(&A, bool, bool, Ordering) -> Result<bool, bool>;
    const NOTHING: Result<bool, bool> = Ok(false);
    let operations: &[(&str, Call<Ours>, Call<Core>)] = &[
        both!("swap", |a, x, _y, order| Ok(a.swap(x, order))),
        both!("fetch_and", |a, x, _y, order| Ok(a.fetch_and(x, order))),
        both!("fetch_nand", |a, x, _y, order| Ok(a.fetch_nand(x, order))),
        both!("fetch_or", |a, x, _y, order| Ok(a.fetch_or(x, order))),
        both!("fetch_xor", |a, x, _y, order| Ok(a.fetch_xor(x, order))),
        both!("fetch_not", |a, _x, _y, order| Ok(a.fetch_not(order))),
        both!("compare_exchange", |a, x, y, order| a.compare_exchange(x, y, order, Acquire)),
        both!(
            "and",
            |a, x, _y, order| {
                a.and(x, order);
                NOTHING
            },
            {
                a.fetch_and(x, order);
                NOTHING
            }
        ),
        both!(
            "or",
            |a, x, _y, order| {
                a.or(x, order);
                NOTHING
            },
            {
                a.fetch_or(x, order);
                NOTHING
            }
        ),
        both!(
            "xor",
            |a, x, _y, order| {
                a.xor(x, order);
                NOTHING
            },
            {
                a.fetch_xor(x, order);
                NOTHING
            }
        ),
        both!(
            "not",
            |a, _x, _y, order| {
                a.not(order);
                NOTHING
            },
            {
                a.fetch_not(order);
                NOTHING
            }
        ),
        both!("fetch_update", |a, x, y, order| {
            a.fetch_update(order, Relaxed, |now| (now != y).then_some(now ^ x))
        }),
        both!(
            "try_update",
            |a, x, y, order| { a.try_update(order, Relaxed, |now| (now != y).then_some(now ^ x)) },
            { a.fetch_update(order, Relaxed, |now| (now != y).then_some(now ^ x)) }
        ),
        both!(
            "update",
            |a, x, _y, order| Ok(a.update(order, Relaxed, |now| now ^ x)),
            a.fetch_update(order, Relaxed, |now| Some(now ^ x))
        ),
    ];
    let bools = [false, true];
    for &(name, ours, core) in operations {
        for (value, x, y) in bools
            .iter()
            .flat_map(|v| bools.map(|x| (v, x)))
            .flat_map(|(v, x)| bools.map(|y| (*v, x, y)))
        {
            for order in ORDERINGS {
                let (a, b) = (Ours::new(value), Core::new(value));
                let results = (ours(&a, x, y, order), core(&b, x, y, order));
                assert_eq!(results.0, results.1, "{name} on {value}: {x}, {y}");
                assert_eq!(a.load(SeqCst), b.load(SeqCst), "{name} on {value}: {x}, {y}");
                // The byte is one that a `bool` may have.
                assert_eq!(a.into_inner(), b.into_inner(), "{name} on {value}: {x}, {y}");
            }
        }
    }
}

#[test]
fn boolean_is_reached_like_any_value() {
    assert!(AtomicBool::from(true).into_inner());
    let mut flag = AtomicBool::from(false);
    flag.store(true, Release);
    *flag.get_mut() &= false;
    assert!(!flag.load(Acquire));
    // SAFETY: the flag lives on, and every access is atomic and of its width.
    let shared = unsafe { core_atomic::AtomicBool::from_ptr(flag.as_ptr()) };
    shared.store(true, Relaxed);
    // SAFETY: as above.
    let same = unsafe { AtomicBool::from_ptr(shared.as_ptr()) };
    assert!(same.swap(true, Relaxed));
    assert_eq!(format!("{flag:?} {:?}", AtomicBool::default()), "true false");
    let exchanged = loop {
        match flag.compare_exchange_weak(true, false, AcqRel, Acquire) {
            Ok(found) => break found,
            Err(found) => assert!(found, "nobody has changed it"),
        }
    };
    assert!(exchanged, "the value before");
    assert_eq!(flag.compare_exchange_weak(true, false, AcqRel, Acquire), Err(false));
}

#[test]
fn boolean_refuses_wrong_orderings_in_the_words_of_core() {
    let (a, b) = (AtomicBool::new(false), core_atomic::AtomicBool::new(false));
    for first in ORDERINGS {
        assert_eq!(panic_message(|| a.load(first)), panic_message(|| b.load(first)));
        assert_eq!(panic_message(|| a.store(true, first)), panic_message(|| b.store(true, first)));
        for failure in [Release, AcqRel] {
            let ours = panic_message(|| a.compare_exchange(true, true, first, failure));
            assert!(ours.is_some());
            assert_eq!(ours, panic_message(|| b.compare_exchange(true, true, first, failure)));
        }
    }
}

#[test]
fn flag_won_by_swap_excludes_the_other_thread() {
    let (lock, inside) = (AtomicBool::new(false), CoreUsize::new(0));
    Team::run_alike(3, |team, _| {
        for _ in 0..2_000 {
            team.wait_until(|| !lock.swap(true, Acquire));
            assert_eq!(inside.fetch_add(1, Relaxed), 0);
            inside.fetch_sub(1, Relaxed);
            lock.store(false, Release);
        }
    });
    assert!(!lock.into_inner());
}

// === AtomicPtr ===

assert_eq_size!(AtomicPtr<u8>, core_atomic::AtomicPtr<u8>);
assert_impl_all!(AtomicPtr<core::cell::Cell<u8>>: Send, Sync, Default, From<*mut core::cell::Cell<u8>>);

#[test]
fn pointer_operations_agree_with_core() {
    let mut values = [10, 20, 30];
    let [first, second, third] = values.each_mut().map(core::ptr::from_mut);
    for order in ORDERINGS {
        let (a, b) = (AtomicPtr::new(first), core_atomic::AtomicPtr::new(first));
        assert_eq!(a.swap(second, order), b.swap(second, order));
        for (current, new) in [(first, third), (second, third), (third, first)] {
            assert_eq!(
                a.compare_exchange(current, new, order, Relaxed),
                b.compare_exchange(current, new, order, Relaxed),
            );
            assert_eq!(a.load(Acquire), b.load(Acquire));
        }
        assert_eq!(a.into_inner(), first);
    }
    // What comes out may be used as what went in.
    let shared = AtomicPtr::<i32>::default();
    assert!(shared.load(SeqCst).is_null());
    shared.store(first, SeqCst);
    // SAFETY: it is the pointer to `values[0]`, which nobody else uses.
    unsafe { *shared.load(SeqCst) += 1 };
    let after_swap = shared.swap(second, SeqCst);
    // SAFETY: as above.
    assert_eq!(unsafe { after_swap.read() }, 11);
}

#[test]
fn pointer_arithmetic_keeps_to_its_object() {
    let mut values = [10_u32, 11, 12, 13, 14, 15, 16, 17];
    let first = values.as_mut_ptr();
    for order in ORDERINGS {
        let shared = AtomicPtr::new(first);
        assert_eq!(shared.fetch_ptr_add(5, order), first);
        // SAFETY: it points to the sixth of eight values, which nobody else uses.
        assert_eq!(unsafe { shared.load(SeqCst).read() }, 15);
        assert_eq!(shared.fetch_ptr_sub(2, order), first.wrapping_add(5));
        assert_eq!(shared.fetch_byte_add(4, order), first.wrapping_add(3));
        assert_eq!(shared.fetch_byte_sub(16, order), first.wrapping_add(4));
        assert_eq!(shared.load(SeqCst), first);

        // Tags in the low bits, which alignment leaves free.
        assert_eq!(shared.fetch_or(0b11, order), first);
        assert_eq!(shared.fetch_xor(0b01, order).addr(), first.addr() | 0b11);
        assert_eq!(shared.fetch_and(!0b11, order).addr(), first.addr() | 0b10);
        // SAFETY: the tags are gone; it points to the first value.
        assert_eq!(unsafe { shared.load(SeqCst).read() }, 10);

        assert_eq!(shared.update(order, Relaxed, |at| at.wrapping_add(1)), first);
        let decline = |_| None;
        assert_eq!(shared.fetch_update(order, Relaxed, decline), Err(first.wrapping_add(1)));
        let back = |at: *mut u32| Some(at.wrapping_sub(1));
        assert_eq!(shared.try_update(order, Relaxed, back), Ok(first.wrapping_add(1)));
        assert_eq!(shared.into_inner(), first);
    }
    // Addresses wrap, as core's do.
    let end = AtomicPtr::new(core::ptr::without_provenance_mut::<u64>(usize::MAX - 7));
    end.fetch_ptr_add(1, Relaxed);
    assert!(end.into_inner().is_null());
}

#[test]
fn pointer_steps_of_two_threads_add_up() {
    let shared = AtomicPtr::new(core::ptr::null_mut::<u64>());
    let [one, other] = contend(MEETINGS, |_, _| _ = shared.fetch_ptr_add(1, Relaxed));
    assert_eq!(shared.into_inner().addr(), 8 * (one + other));
}

#[test]
fn pointer_is_reached_like_any_value() {
    let mut value = 5u8;
    let mut shared = AtomicPtr::from(&raw mut value);
    assert_eq!(format!("{shared:?}"), format!("{:?}", &raw mut value));
    // SAFETY: the atomic lives on, and every access is atomic and of its width.
    let same = unsafe { core_atomic::AtomicPtr::from_ptr(shared.as_ptr()) };
    assert_eq!(same.load(Relaxed), &raw mut value);
    // SAFETY: as above.
    assert_eq!(unsafe { AtomicPtr::from_ptr(same.as_ptr()) }.load(Relaxed), &raw mut value);
    assert_eq!(format!("{shared:p}"), format!("{:p}", &raw mut value));
    *shared.get_mut() = core::ptr::null_mut();
    while let Err(found) =
        shared.compare_exchange_weak(core::ptr::null_mut(), &raw mut value, SeqCst, Relaxed)
    {
        assert!(found.is_null());
    }
    assert_eq!(shared.into_inner(), &raw mut value);
}

#[test]
fn pointer_refuses_wrong_orderings_in_the_words_of_core() {
    let null = core::ptr::null_mut::<u8>();
    let (a, b) = (AtomicPtr::new(null), core_atomic::AtomicPtr::new(null));
    for first in ORDERINGS {
        assert_eq!(panic_message(|| a.load(first)), panic_message(|| b.load(first)));
        assert_eq!(panic_message(|| a.store(null, first)), panic_message(|| b.store(null, first)));
        for failure in [Release, AcqRel] {
            let ours = panic_message(|| a.compare_exchange(null, null, first, failure));
            assert!(ours.is_some());
            assert_eq!(ours, panic_message(|| b.compare_exchange(null, null, first, failure)));
        }
    }
}

#[test]
fn boxes_passed_through_a_pointer_are_each_freed_once() {
    let shared = AtomicPtr::new(core::ptr::null_mut::<usize>());
    let exchange = |mine: Option<Box<usize>>| -> Option<Box<usize>> {
        let new = mine.map_or(core::ptr::null_mut(), Box::into_raw);
        let old = shared.swap(new, AcqRel);
        // SAFETY: whatever was there came from `Box::into_raw` above, and the swap took it out.
        (!old.is_null()).then(|| unsafe { Box::from_raw(old) })
    };
    let sums: usize = Team::run_alike(3, |_, me| {
        let news = (0..2_000).map(|turn| exchange(Some(Box::new(3 * turn + me))));
        news.flatten().map(|taken| *taken).sum::<usize>()
    })
    .into_iter()
    .sum();
    let last = exchange(None).map_or(0, |last| *last);
    assert_eq!(sums + last, (0..6_000).sum());
}

// === Orderings as types ===

/// Calls each kind of method with each ordering that it takes.
macro_rules! with_orderings {
    ($atomic:expr; loads: $($load:ident)+; stores: $($store:ident)+; any: $($any:ident)+) => {{
        let atomic = $atomic;
        $(
            assert_eq!(Ordering::from(ordering::$any), Ordering::$any);
            assert_eq!(atomic.fetch_add(1, ordering::$any), atomic.load(Relaxed) - 1);
            with_orderings!(@exchange atomic, $any; Relaxed Acquire SeqCst);
        )+
        $(assert_eq!(atomic.load(ordering::$load), atomic.load(Ordering::$load));)+
        $({
            atomic.store(0, ordering::$store);
            assert_eq!(atomic.swap(1, SeqCst), 0);
        })+
    }};
    (@exchange $atomic:ident, $success:ident; $($failure:ident)+) => {$(
        let now = $atomic.load(Relaxed);
        assert_eq!(
            $atomic.compare_exchange(now, now + 1, ordering::$success, ordering::$failure),
            Ok(now),
        );
        assert_eq!(
            $atomic.fetch_update(ordering::$success, ordering::$failure, |_| None),
            Err(now + 1),
        );
    )+};
}

#[test]
fn orderings_that_are_types_do_what_those_of_core_do() {
    with_orderings!(AtomicU32::new(0);
        loads: Relaxed Acquire SeqCst;
        stores: Relaxed Release SeqCst;
        any: Relaxed Acquire Release AcqRel SeqCst);
    fence(ordering::Acquire);
    fence(ordering::Release);
    fence(ordering::AcqRel);
    fence(ordering::SeqCst);
    let [relaxed, ..] = ORDERINGS;
    let refusal = panic_message(|| fence(relaxed));
    assert!(refusal.is_some());
    assert_eq!(refusal, panic_message(|| core_atomic::fence(relaxed)));
}

// === A contract that is checked ===

/// Says which atomic is to be made of a misaligned pointer by this very program. (On x86-64 only: the
/// emulator of another architecture cannot start the program once more.)
#[cfg(all(debug_assertions, target_arch = "x86_64"))]
const MISALIGNED: &str = "LATCHLESS_TEST_MISALIGNED";

#[cfg(all(debug_assertions, target_arch = "x86_64"))]
#[test]
fn misaligned_pointers_are_refused_by_debug_builds() {
    for name in ["u16", "u64", "i32", "pointer", "local"] {
        let test = std::env::current_exe().unwrap();
        let output = std::process::Command::new(test)
            .args(["--exact", "misaligned_pointer", "--nocapture"])
            .env(MISALIGNED, name)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name}: nobody noticed");
        assert!(said.contains("requires the pointer to be aligned"), "{name}: {said}");
    }
}

/// Does what must not be done, in a process of its own, if told to.
#[cfg(all(debug_assertions, target_arch = "x86_64"))]
#[test]
fn misaligned_pointer() {
    let Ok(name) = std::env::var(MISALIGNED) else { return };
    let mut words = [0_u64; 4];
    let odd = words.as_mut_ptr().wrapping_byte_add(1);
    let make: fn(*mut u8) = match name.as_str() {
        // SAFETY: none, here and below: the process is to be stopped before a reference is made.
        "u16" => |odd| _ = unsafe { AtomicU16::from_ptr(odd.cast()) },
        // SAFETY: as above.
        "u64" => |odd| _ = unsafe { AtomicU64::from_ptr(odd.cast()) },
        // SAFETY: as above.
        "i32" => |odd| _ = unsafe { AtomicI32::from_ptr(odd.cast()) },
        // SAFETY: as above.
        "pointer" => |odd| _ = unsafe { AtomicPtr::<u8>::from_ptr(odd.cast()) },
        // SAFETY: as above.
        "local" => |odd| _ = unsafe { latchless::atomic::LocalU32::from_ptr(odd.cast()) },
        other => panic!("there is no {other}"),
    };
    make(odd.cast());
}
