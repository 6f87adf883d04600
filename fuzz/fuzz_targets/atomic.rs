//! Every operation of every type of `latchless::atomic` against `core::sync::atomic`, with
//! neighbours that must not change. The pair, which core lacks, goes against a plain value.
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

        impl From<$name> for Ordering {
            fn from(order: $name) -> Self {
                match order { $($name::$order => Ordering::$order),+ }
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
            WordOp::Load(order) => assert_eq!($ours.load(order.into()), $cores.load(order.into())),
            WordOp::Store(new, order) => {
                $ours.store($value(new), order.into());
                $cores.store($value(new), order.into());
            }
            WordOp::Swap(new, order) => assert_eq!(
                $ours.swap($value(new), order.into()),
                $cores.swap($value(new), order.into())
            ),
            WordOp::CompareExchange { expected, new, success, failure } => {
                let expected = value_of(expected, $cores.load(Ordering::Relaxed), $value);
                let (success, failure) = (success.into(), failure.into());
                assert_eq!(
                    $ours.compare_exchange(expected, $value(new), success, failure),
                    $cores.compare_exchange(expected, $value(new), success, failure)
                );
            }
            WordOp::CompareExchangeWeak { expected, new, success, failure } => {
                let expected = value_of(expected, $cores.load(Ordering::Relaxed), $value);
                let (success, failure) = (success.into(), failure.into());
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
    ($run:ident, $int:ident, $atomic:ident) => {
        fn $run(case: Case<$int>) {
            let guarded = Guarded::new(atomic::$atomic::new(case.start));
            let (ours, cores) = (&guarded.word, core_atomic::$atomic::new(case.start));
            for op in case.ops {
                match op {
                    IntegerOp::Word(op) => word_op!(ours, cores, op, |value: $int| value),
                    IntegerOp::Fetch(op, n, order) => {
                        let order = order.into();
                        let (before, expected) = match op {
                            Fetch::Add => (ours.fetch_add(n, order), cores.fetch_add(n, order)),
                            Fetch::Sub => (ours.fetch_sub(n, order), cores.fetch_sub(n, order)),
                            Fetch::And => (ours.fetch_and(n, order), cores.fetch_and(n, order)),
                            Fetch::Nand => (ours.fetch_nand(n, order), cores.fetch_nand(n, order)),
                            Fetch::Or => (ours.fetch_or(n, order), cores.fetch_or(n, order)),
                            Fetch::Xor => (ours.fetch_xor(n, order), cores.fetch_xor(n, order)),
                            Fetch::Max => (ours.fetch_max(n, order), cores.fetch_max(n, order)),
                            Fetch::Min => (ours.fetch_min(n, order), cores.fetch_min(n, order)),
                        };
                        assert_eq!(before, expected);
                    }
                    IntegerOp::Update(op, n, order) => {
                        let order = order.into();
                        let ((), _) = match op {
                            Update::Add => (ours.add(n, order), cores.fetch_add(n, order)),
                            Update::Sub => (ours.sub(n, order), cores.fetch_sub(n, order)),
                            Update::And => (ours.and(n, order), cores.fetch_and(n, order)),
                            Update::Or => (ours.or(n, order), cores.fetch_or(n, order)),
                            Update::Xor => (ours.xor(n, order), cores.fetch_xor(n, order)),
                            Update::Inc => (ours.inc(order), cores.fetch_add(1, order)),
                            Update::Dec => (ours.dec(order), cores.fetch_sub(1, order)),
                        };
                    }
                    IntegerOp::Bit(op, bit, order) => {
                        let (order, mask) = (order.into(), 1 << (bit % $int::BITS));
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
                            ours.fetch_update(set.into(), fetch.into(), update),
                            cores.fetch_update(set.into(), fetch.into(), update)
                        );
                    }
                }
                assert_eq!(ours.load(Ordering::SeqCst), cores.load(Ordering::SeqCst));
                guarded.assert_guards();
            }
        }
    };
}

integer!(run_u8, u8, AtomicU8);
integer!(run_u16, u16, AtomicU16);
integer!(run_u32, u32, AtomicU32);
integer!(run_u64, u64, AtomicU64);
integer!(run_usize, usize, AtomicUsize);
integer!(run_i8, i8, AtomicI8);
integer!(run_i16, i16, AtomicI16);
integer!(run_i32, i32, AtomicI32);
integer!(run_i64, i64, AtomicI64);
integer!(run_isize, isize, AtomicIsize);

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
                (ours.fetch_and(b, order.into()), cores.fetch_and(b, order.into()))
            }
            BoolOp::Or(b, order) => {
                (ours.fetch_or(b, order.into()), cores.fetch_or(b, order.into()))
            }
            BoolOp::Xor(b, order) => {
                (ours.fetch_xor(b, order.into()), cores.fetch_xor(b, order.into()))
            }
            BoolOp::Nand(b, order) => {
                (ours.fetch_nand(b, order.into()), cores.fetch_nand(b, order.into()))
            }
            BoolOp::Not(order) => (ours.fetch_not(order.into()), cores.fetch_not(order.into())),
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

#[cfg(all(target_arch = "x86_64", not(latchless_native)))]
fn run_pair(start: [u64; 2], ops: Vec<PairOp>) {
    if !atomic::AtomicPair::is_supported() {
        return;
    }
    let guarded = Guarded::new(atomic::AtomicPair::new(start));
    let (ours, mut model) = (&guarded.word, start);
    for op in ops {
        match op {
            PairOp::Load(order) => assert_eq!(ours.load(order.into()), model),
            PairOp::LoadHalves(order) => {
                assert_eq!([ours.load_low(order.into()), ours.load_high(order.into())], model);
            }
            PairOp::CompareExchange { expected, new, success, failure } => {
                let expected = expected.or(model);
                let result = ours.compare_exchange(expected, new, success.into(), failure.into());
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
    }
});
