//! Every operation of every type of `latchless::atomic` against `core::sync::atomic`, with
//! neighbours that must not change. The pair and the 128-bit integers, which core lacks, go against
//! plain values, and the unlocked twins against the locked ones.
#![no_main]

use std::hint::black_box;
use std::ptr::without_provenance_mut;
use std::sync::atomic as core_atomic;

use arbitrary::Arbitrary;
use latchless::atomic::{self, Ordering};
use libfuzzer_sys::fuzz_target;

/// One type and what to do with it.
#[derive(Arbitrary, Debug)]
enum Input {
    U8(Case<u8>),
    U16(Case<u16>),
    U32(Case<u32>),
    U64(Case<u64>),
    Usize(Case<usize>),
    I8(Case<i8>),
    I16(Case<i16>),
    I32(Case<i32>),
    I64(Case<i64>),
    Isize(Case<isize>),
    Bool(bool, Vec<BoolOp>),
    Ptr(usize, Vec<WordOp<usize>>),
    Pair([u64; 2], Vec<PairOp>),
    U128(u128, Vec<(Wide, u128, Order)>),
    I128(i128, Vec<(Wide, i128, Order)>),
}

#[derive(Arbitrary, Debug)]
struct Case<I> {
    start: I,
    ops: Vec<IntegerOp<I>>,
}

/// What every type can do.
#[derive(Arbitrary, Debug)]
enum WordOp<I> {
    Load(LoadOrder),
    Store(I, StoreOrder),
    Swap(I, Order),
    CompareExchange { expected: Guess<I>, new: I, success: Order, failure: LoadOrder },
    CompareExchangeWeak { expected: Guess<I>, new: I, success: Order, failure: LoadOrder },
}

/// What an integer can do.
#[derive(Arbitrary, Debug)]
enum IntegerOp<I> {
    Word(WordOp<I>),
    Fetch(Fetch, I, Order),
    Update(Update, I, Order),
    Bit(Bit, u32, Order),
    FetchUpdate { declined: I, new: I, set: Order, fetch: LoadOrder },
    After(Fetch, I, Order),
    Test(Test, I, Order),
    Replace { new: I, set: Order, fetch: LoadOrder },
    Local(Local, I),
}

#[derive(Arbitrary, Debug)]
enum Fetch {
    Add,
    Sub,
    And,
    Nand,
    Or,
    Xor,
    Max,
    Min,
    Not,
    Neg,
}

/// The operations that return a flag, which core does not have.
#[derive(Arbitrary, Debug)]
enum Test {
    Add,
    Sub,
    Inc,
    Dec,
    Negative,
}

/// What the unlocked twin does.
#[derive(Arbitrary, Debug)]
enum Local {
    Swap,
    FetchAdd,
    FetchSub,
    Add,
    Sub,
    And,
    Or,
    Xor,
    Inc,
    Dec,
    Neg,
    Not,
    DecAndTest,
    AddNegative,
    BitToggle,
    CompareExchange,
}

/// What an integer of 128 bits does.
#[derive(Arbitrary, Debug)]
#[cfg_attr(
    any(not(target_arch = "x86_64"), latchless_native),
    expect(dead_code, reason = "only the asm backend has 128 bits")
)]
enum Wide {
    Store,
    Swap,
    Add,
    Sub,
    And,
    Nand,
    Or,
    Xor,
    Max,
    Min,
    Neg,
    Dec,
    DecAndTest,
    BitToggle,
    CompareExchange,
}

/// The operations that return nothing, which core does not have.
#[derive(Arbitrary, Debug)]
enum Update {
    Add,
    Sub,
    And,
    Or,
    Xor,
    Inc,
    Dec,
    Not,
    Neg,
}

/// The operations on one bit, which core does not have.
#[derive(Arbitrary, Debug)]
enum Bit {
    Set,
    Clear,
    Toggle,
}

#[derive(Arbitrary, Debug)]
enum BoolOp {
    Word(WordOp<bool>),
    And(bool, Order),
    Or(bool, Order),
    Xor(bool, Order),
    Nand(bool, Order),
    Not(Order),
    Update(bool, bool, bool, Order),
}

#[derive(Arbitrary, Debug)]
#[cfg_attr(
    any(not(target_arch = "x86_64"), latchless_native),
    expect(dead_code, reason = "only the asm backend has a pair")
)]
enum PairOp {
    Load(LoadOrder),
    LoadHalves(LoadOrder),
    CompareExchange { expected: Guess<[u64; 2]>, new: [u64; 2], success: Order, failure: LoadOrder },
    Store([u64; 2], StoreOrder),
    Swap([u64; 2], Order),
    FetchUpdate { declined: [u64; 2], new: [u64; 2], set: Order, fetch: LoadOrder },
}

/// What a compare-exchange expects: a free guess would hardly ever be right.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Guess<I> {
    Right,
    Free(I),
}

impl<I> Guess<I> {
    fn or(self, actual: I) -> I {
        match self {
            Guess::Right => actual,
            Guess::Free(guess) => guess,
        }
    }
}

/// Defines the orderings that some operation accepts.
macro_rules! orders {
    ($name:ident: $($order:ident)+) => {
        #[derive(Arbitrary, Clone, Copy, Debug)]
        enum $name { $($order),+ }

        impl $name {
            fn get(self) -> Ordering {
                match self { $($name::$order => Ordering::$order),+ }
            }
        }
    };
}

orders!(LoadOrder: Relaxed Acquire SeqCst);
orders!(StoreOrder: Relaxed Release SeqCst);
orders!(Order: Relaxed Acquire Release AcqRel SeqCst);

/// An atomic between bytes that no operation on it may change.
#[repr(C)]
struct Guarded<A> {
    before: [u8; 16],
    word: A,
    after: [u8; 16],
}

const GUARD: [u8; 16] = [0xA5; 16];

impl<A> Guarded<A> {
    fn new(word: A) -> Self {
        Self { before: GUARD, word, after: GUARD }
    }

    fn assert_guards(&self) {
        // The compiler must not take the bytes for constants: that is the question.
        let guarded = black_box(self);
        assert_eq!((guarded.before, guarded.after), (GUARD, GUARD), "a neighbour was changed");
    }
}

/// Does an operation that every type has on `$ours` and `$cores`. `$value` makes the type's value
/// out of the operation's operand.
macro_rules! word_op {
    ($ours:expr, $cores:expr, $op:expr, $value:expr) => {
        match $op {
            WordOp::Load(order) => assert_eq!($ours.load(order.get()), $cores.load(order.get())),
            WordOp::Store(new, order) => {
                $ours.store($value(new), order.get());
                $cores.store($value(new), order.get());
            }
            WordOp::Swap(new, order) => assert_eq!(
                $ours.swap($value(new), order.get()),
                $cores.swap($value(new), order.get())
            ),
            WordOp::CompareExchange { expected, new, success, failure } => {
                let expected = value_of(expected, $cores.load(Ordering::Relaxed), $value);
                let (success, failure) = (success.get(), failure.get());
                assert_eq!(
                    $ours.compare_exchange(expected, $value(new), success, failure),
                    $cores.compare_exchange(expected, $value(new), success, failure)
                );
            }
            WordOp::CompareExchangeWeak { expected, new, success, failure } => {
                let expected = value_of(expected, $cores.load(Ordering::Relaxed), $value);
                let (success, failure) = (success.get(), failure.get());
                let exchange =
                    || $ours.compare_exchange_weak(expected, $value(new), success, failure);
                let mut result = exchange();
                // It may fail without reason, but not for ever.
                while result == Err(expected) {
                    result = exchange();
                }
                assert_eq!(
                    result,
                    $cores.compare_exchange(expected, $value(new), success, failure)
                );
            }
        }
    };
}

fn value_of<I, V>(guess: Guess<I>, actual: V, value: impl FnOnce(I) -> V) -> V {
    match guess {
        Guess::Right => Guess::Right,
        Guess::Free(guess) => Guess::Free(value(guess)),
    }
    .or(actual)
}

/// Defines the run of a case for one integer type.
macro_rules! integer {
    ($run:ident, $int:ident, $atomic:ident, $local:ident) => {
        fn $run(case: Case<$int>) {
            let guarded = Guarded::new(atomic::$atomic::new(case.start));
            let (ours, cores) = (&guarded.word, core_atomic::$atomic::new(case.start));
            for op in case.ops {
                match op {
                    IntegerOp::Word(op) => word_op!(ours, cores, op, |value: $int| value),
                    IntegerOp::Fetch(op, n, order) => {
                        let order = order.get();
                        let (before, expected) = match op {
                            Fetch::Add => (ours.fetch_add(n, order), cores.fetch_add(n, order)),
                            Fetch::Sub => (ours.fetch_sub(n, order), cores.fetch_sub(n, order)),
                            Fetch::And => (ours.fetch_and(n, order), cores.fetch_and(n, order)),
                            Fetch::Nand => (ours.fetch_nand(n, order), cores.fetch_nand(n, order)),
                            Fetch::Or => (ours.fetch_or(n, order), cores.fetch_or(n, order)),
                            Fetch::Xor => (ours.fetch_xor(n, order), cores.fetch_xor(n, order)),
                            Fetch::Max => (ours.fetch_max(n, order), cores.fetch_max(n, order)),
                            Fetch::Min => (ours.fetch_min(n, order), cores.fetch_min(n, order)),
                            Fetch::Not => (ours.fetch_not(order), cores.fetch_xor(!0, order)),
                            Fetch::Neg => {
                                let before = cores.load(Ordering::SeqCst);
                                cores.store(before.wrapping_neg(), Ordering::SeqCst);
                                (ours.fetch_neg(order), before)
                            }
                        };
                        assert_eq!(before, expected);
                    }
                    IntegerOp::After(op, n, order) => {
                        let order = order.get();
                        let (after, _) = match op {
                            Fetch::Add => (ours.add_fetch(n, order), cores.fetch_add(n, order)),
                            Fetch::Sub => (ours.sub_fetch(n, order), cores.fetch_sub(n, order)),
                            Fetch::And => (ours.and_fetch(n, order), cores.fetch_and(n, order)),
                            Fetch::Nand => (ours.nand_fetch(n, order), cores.fetch_nand(n, order)),
                            Fetch::Or => (ours.or_fetch(n, order), cores.fetch_or(n, order)),
                            Fetch::Xor => (ours.xor_fetch(n, order), cores.fetch_xor(n, order)),
                            Fetch::Max => (ours.max_fetch(n, order), cores.fetch_max(n, order)),
                            Fetch::Min => (ours.min_fetch(n, order), cores.fetch_min(n, order)),
                            // They have no such form.
                            Fetch::Not | Fetch::Neg => {
                                let now = cores.load(Ordering::SeqCst);
                                (now, now)
                            }
                        };
                        assert_eq!(after, cores.load(Ordering::SeqCst));
                    }
                    IntegerOp::Test(op, n, order) => {
                        let order = order.get();
                        let (flag, _) = match op {
                            Test::Add => (ours.add_and_test(n, order), cores.fetch_add(n, order)),
                            Test::Sub => (ours.sub_and_test(n, order), cores.fetch_sub(n, order)),
                            Test::Inc => (ours.inc_and_test(order), cores.fetch_add(1, order)),
                            Test::Dec => (ours.dec_and_test(order), cores.fetch_sub(1, order)),
                            Test::Negative => {
                                (ours.add_negative(n, order), cores.fetch_add(n, order))
                            }
                        };
                        let left = cores.load(Ordering::SeqCst);
                        let expected = match op {
                            Test::Negative => left >> ($int::BITS - 1) & 1 == 1,
                            _ => left == 0,
                        };
                        assert_eq!(flag, expected);
                    }
                    IntegerOp::Replace { new, set, fetch } => {
                        let before = ours.update(set.get(), fetch.get(), |now| now ^ new);
                        assert_eq!(before, cores.fetch_xor(new, Ordering::SeqCst));
                    }
                    IntegerOp::Local(op, n) => {
                        let value = cores.load(Ordering::SeqCst);
                        let guarded = Guarded::new(atomic::$local::new(value));
                        let (local, twin) = (&guarded.word, atomic::$atomic::new(value));
                        let bit = n as u32;
                        let order = Ordering::SeqCst;
                        match op {
                            Local::Swap => assert_eq!(local.swap(n), twin.swap(n, order)),
                            Local::FetchAdd => {
                                assert_eq!(local.fetch_add(n), twin.fetch_add(n, order));
                            }
                            Local::FetchSub => {
                                assert_eq!(local.fetch_sub(n), twin.fetch_sub(n, order));
                            }
                            Local::Add => _ = (local.add(n), twin.add(n, order)),
                            Local::Sub => _ = (local.sub(n), twin.sub(n, order)),
                            Local::And => _ = (local.and(n), twin.and(n, order)),
                            Local::Or => _ = (local.or(n), twin.or(n, order)),
                            Local::Xor => _ = (local.xor(n), twin.xor(n, order)),
                            Local::Inc => _ = (local.inc(), twin.inc(order)),
                            Local::Dec => _ = (local.dec(), twin.dec(order)),
                            Local::Neg => _ = (local.neg(), twin.neg(order)),
                            Local::Not => _ = (local.not(), twin.not(order)),
                            Local::DecAndTest => {
                                assert_eq!(local.dec_and_test(), twin.dec_and_test(order));
                            }
                            Local::AddNegative => {
                                assert_eq!(local.add_negative(n), twin.add_negative(n, order));
                            }
                            Local::BitToggle => {
                                assert_eq!(local.bit_toggle(bit), twin.bit_toggle(bit, order));
                            }
                            Local::CompareExchange => assert_eq!(
                                local.compare_exchange(value, n),
                                twin.compare_exchange(value, n, order, order)
                            ),
                        }
                        assert_eq!(local.load(), twin.load(order));
                        guarded.assert_guards();
                    }
                    IntegerOp::Update(op, n, order) => {
                        let order = order.get();
                        let ((), _) = match op {
                            Update::Add => (ours.add(n, order), cores.fetch_add(n, order)),
                            Update::Sub => (ours.sub(n, order), cores.fetch_sub(n, order)),
                            Update::And => (ours.and(n, order), cores.fetch_and(n, order)),
                            Update::Or => (ours.or(n, order), cores.fetch_or(n, order)),
                            Update::Xor => (ours.xor(n, order), cores.fetch_xor(n, order)),
                            Update::Inc => (ours.inc(order), cores.fetch_add(1, order)),
                            Update::Dec => (ours.dec(order), cores.fetch_sub(1, order)),
                            Update::Not => (ours.not(order), cores.fetch_xor(!0, order)),
                            Update::Neg => {
                                let before = cores.load(Ordering::SeqCst);
                                cores.store(before.wrapping_neg(), Ordering::SeqCst);
                                (ours.neg(order), before)
                            }
                        };
                    }
                    IntegerOp::Bit(op, bit, order) => {
                        let (order, mask) = (order.get(), 1 << (bit % $int::BITS));
                        let (was_set, before) = match op {
                            Bit::Set => (ours.bit_set(bit, order), cores.fetch_or(mask, order)),
                            Bit::Clear => {
                                (ours.bit_clear(bit, order), cores.fetch_and(!mask, order))
                            }
                            Bit::Toggle => {
                                (ours.bit_toggle(bit, order), cores.fetch_xor(mask, order))
                            }
                        };
                        assert_eq!(was_set, before & mask != 0);
                    }
                    IntegerOp::FetchUpdate { declined, new, set, fetch } => {
                        let update = |value| (value != declined).then_some(new);
                        assert_eq!(
                            ours.fetch_update(set.get(), fetch.get(), update),
                            cores.fetch_update(set.get(), fetch.get(), update)
                        );
                    }
                }
                assert_eq!(ours.load(Ordering::SeqCst), cores.load(Ordering::SeqCst));
                guarded.assert_guards();
            }
        }
    };
}

integer!(run_u8, u8, AtomicU8, LocalU8);
integer!(run_u16, u16, AtomicU16, LocalU16);
integer!(run_u32, u32, AtomicU32, LocalU32);
integer!(run_u64, u64, AtomicU64, LocalU64);
integer!(run_usize, usize, AtomicUsize, LocalUsize);
integer!(run_i8, i8, AtomicI8, LocalI8);
integer!(run_i16, i16, AtomicI16, LocalI16);
integer!(run_i32, i32, AtomicI32, LocalI32);
integer!(run_i64, i64, AtomicI64, LocalI64);
integer!(run_isize, isize, AtomicIsize, LocalIsize);

fn run_bool(start: bool, ops: Vec<BoolOp>) {
    let guarded = Guarded::new(atomic::AtomicBool::new(start));
    let (ours, cores) = (&guarded.word, core_atomic::AtomicBool::new(start));
    for op in ops {
        let (before, expected) = match op {
            BoolOp::Word(op) => {
                word_op!(ours, cores, op, |value: bool| value);
                (false, false)
            }
            BoolOp::And(b, order) => {
                (ours.fetch_and(b, order.get()), cores.fetch_and(b, order.get()))
            }
            BoolOp::Or(b, order) => (ours.fetch_or(b, order.get()), cores.fetch_or(b, order.get())),
            BoolOp::Xor(b, order) => {
                (ours.fetch_xor(b, order.get()), cores.fetch_xor(b, order.get()))
            }
            BoolOp::Nand(b, order) => {
                (ours.fetch_nand(b, order.get()), cores.fetch_nand(b, order.get()))
            }
            BoolOp::Not(order) => (ours.fetch_not(order.get()), cores.fetch_not(order.get())),
            BoolOp::Update(and, or, xor, order) => {
                let order = order.get();
                ours.and(and, order);
                ours.or(or, order);
                ours.xor(xor, order);
                cores.fetch_and(and, order);
                cores.fetch_or(or, order);
                let before = cores.fetch_xor(xor, order);
                (ours.update(order, Ordering::Relaxed, |now| now) ^ xor, before)
            }
        };
        assert_eq!(before, expected);
        assert_eq!(ours.load(Ordering::SeqCst), cores.load(Ordering::SeqCst));
        guarded.assert_guards();
    }
}

fn run_ptr(start: usize, ops: Vec<WordOp<usize>>) {
    let pointer = without_provenance_mut::<u64>;
    let guarded = Guarded::new(atomic::AtomicPtr::new(pointer(start)));
    let (ours, cores) = (&guarded.word, core_atomic::AtomicPtr::new(pointer(start)));
    for op in ops {
        word_op!(ours, cores, op, pointer);
        assert_eq!(ours.load(Ordering::SeqCst), cores.load(Ordering::SeqCst));
        guarded.assert_guards();
    }
}

/// The other backend has no pair; the input has, so that a seed means the same on both.
#[cfg(any(not(target_arch = "x86_64"), latchless_native))]
fn run_pair(_start: [u64; 2], _ops: Vec<PairOp>) {}

/// Nor has it 128 bits.
#[cfg(any(not(target_arch = "x86_64"), latchless_native))]
fn run_wide<I>(_start: I, _ops: Vec<(Wide, I, Order)>) {}

#[cfg(all(target_arch = "x86_64", not(latchless_native)))]
fn run_pair(start: [u64; 2], ops: Vec<PairOp>) {
    if !atomic::AtomicPair::is_supported() {
        return;
    }
    let guarded = Guarded::new(atomic::AtomicPair::new(start));
    let (ours, mut model) = (&guarded.word, start);
    for op in ops {
        match op {
            PairOp::Load(order) => assert_eq!(ours.load(order.get()), model),
            PairOp::LoadHalves(order) => {
                assert_eq!([ours.load_low(order.get()), ours.load_high(order.get())], model);
            }
            PairOp::Store(new, order) => {
                ours.store(new, order.get());
                model = new;
            }
            PairOp::Swap(new, order) => {
                assert_eq!(ours.swap(new, order.get()), model);
                model = new;
            }
            PairOp::FetchUpdate { declined, new, set, fetch } => {
                let update = |now| (now != declined).then_some(new);
                let (set, fetch) = (set.get(), fetch.get());
                let result = ours.fetch_update(set, fetch, update);
                assert_eq!(result, if model == declined { Err(model) } else { Ok(model) });
                if model != declined {
                    model = new;
                }
            }
            PairOp::CompareExchange { expected, new, success, failure } => {
                let expected = expected.or(model);
                let result = ours.compare_exchange(expected, new, success.get(), failure.get());
                if expected == model {
                    assert_eq!(result, Ok(model));
                    model = new;
                } else {
                    assert_eq!(result, Err(model));
                }
            }
        }
        assert_eq!(ours.load(Ordering::SeqCst), model);
        guarded.assert_guards();
    }
}

/// Defines the run of a case for one integer type of 128 bits.
macro_rules! wide {
    ($run:ident, $int:ident, $atomic:ident) => {
        #[cfg(all(target_arch = "x86_64", not(latchless_native)))]
        fn $run(start: $int, ops: Vec<(Wide, $int, Order)>) {
            if !atomic::$atomic::is_supported() {
                return;
            }
            let guarded = Guarded::new(atomic::$atomic::new(start));
            let (ours, mut model) = (&guarded.word, start);
            for (op, n, order) in ops {
                let order = order.get();
                let before = model;
                let (result, after) = match op {
                    Wide::Store => {
                        ours.store(n, Ordering::Release);
                        (before, n)
                    }
                    Wide::Swap => (ours.swap(n, order), n),
                    Wide::Add => (ours.fetch_add(n, order), before.wrapping_add(n)),
                    Wide::Sub => (ours.fetch_sub(n, order), before.wrapping_sub(n)),
                    Wide::And => (ours.fetch_and(n, order), before & n),
                    Wide::Nand => (ours.fetch_nand(n, order), !(before & n)),
                    Wide::Or => (ours.fetch_or(n, order), before | n),
                    Wide::Xor => (ours.fetch_xor(n, order), before ^ n),
                    Wide::Max => (ours.fetch_max(n, order), before.max(n)),
                    Wide::Min => (ours.fetch_min(n, order), before.min(n)),
                    Wide::Neg => (ours.fetch_neg(order), before.wrapping_neg()),
                    Wide::Dec => {
                        ours.dec(order);
                        (before, before.wrapping_sub(1))
                    }
                    Wide::DecAndTest => {
                        assert_eq!(ours.dec_and_test(order), before == 1);
                        (before, before.wrapping_sub(1))
                    }
                    Wide::BitToggle => {
                        let mask = (1 as $int).wrapping_shl(n as u32);
                        assert_eq!(ours.bit_toggle(n as u32, order), before & mask != 0);
                        (before, before ^ mask)
                    }
                    Wide::CompareExchange => {
                        let right = ours.compare_exchange(before, n, order, Ordering::Relaxed);
                        assert_eq!(right, Ok(before));
                        let wrong = ours.compare_exchange(!n, 0, order, Ordering::Relaxed);
                        assert_eq!(wrong, Err(n));
                        (before, n)
                    }
                };
                assert_eq!(result, before);
                model = after;
                assert_eq!(ours.load(Ordering::SeqCst), model);
                guarded.assert_guards();
            }
        }
    };
}

wide!(run_u128, u128, AtomicU128);
wide!(run_i128, i128, AtomicI128);

#[cfg(any(not(target_arch = "x86_64"), latchless_native))]
use run_wide as run_u128;
#[cfg(any(not(target_arch = "x86_64"), latchless_native))]
use run_wide as run_i128;

fuzz_target!(|input: Input| {
    match input {
        Input::U8(case) => run_u8(case),
        Input::U16(case) => run_u16(case),
        Input::U32(case) => run_u32(case),
        Input::U64(case) => run_u64(case),
        Input::Usize(case) => run_usize(case),
        Input::I8(case) => run_i8(case),
        Input::I16(case) => run_i16(case),
        Input::I32(case) => run_i32(case),
        Input::I64(case) => run_i64(case),
        Input::Isize(case) => run_isize(case),
        Input::Bool(start, ops) => run_bool(start, ops),
        Input::Ptr(start, ops) => run_ptr(start, ops),
        Input::Pair(start, ops) => run_pair(start, ops),
        Input::U128(start, ops) => run_u128(start, ops),
        Input::I128(start, ops) => run_i128(start, ops),
    }
});
