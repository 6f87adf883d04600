//! The table of the probes: each operation once, with what is expected of it.
//!
//! A line reads `name(arguments) -> result = expression => "instructions";`. The instructions are
//! those that touch memory, in their order, as [`crate::code::Step`] writes them; `m` is memory of
//! the type's width. After them:
//!
//! - `[8: "…"]`: another expectation for that width;
//! - `same as other`: the code is that of `other`, to the byte;
//! - `with branches`: it may branch forward; otherwise it branches nowhere but back, and only
//!   if the instructions say `loop`.

use std::sync::Arc;

use latchless::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use latchless::atomic::{
    self, AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicI128, AtomicIsize,
    AtomicPair, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicU128, AtomicUsize,
    LocalI8, LocalI16, LocalI32, LocalI64, LocalIsize, LocalU8, LocalU16, LocalU32, LocalU64,
    LocalUsize, ordering,
};
use latchless::counter::sharded::{Local, Shard};
use latchless::counter::{
    BatchedCounter, BoundedCounter, ByStack, Counter, HighWater, Histogram, RefCount, Sequence,
    ShardedCounter, SignedCounter,
};
use latchless::ring::spsc::{Consumer, Misaligned, Producer, PushBatch, ReadChunk, WriteChunk};
use latchless::ring::turn::{PopError, PushError};
use latchless::ring::{
    self, ForcePushError, Full, MpmcRing, SpscHeapRing, SpscRing, SpscSliceRing, TurnRing,
    TurnSliceRing, WordRing, overwriting,
};
use latchless::snapshot::{Guard, Snapshot};
use latchless::stack::{Exhausted, IndexStack, Key, KeyedPool, Magazine, Pool, PoolArc, PoolBox};

/// How much of a probe's code its expectation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything that touches memory, in its order; no call and no frame.
    Whole,
    /// Which locked instructions and fences there are, in any order and number. The rest is the
    /// compiler's business.
    Locked,
    /// As `Locked`, for a call that takes a lost race and a refusal to a function of their own. Comes there
    /// by calls only.
    LockedUnlessRefused,
}

/// A function that does one operation, and what is expected of its code.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// Its symbol: the operation and the type.
    pub name: &'static str,
    /// The name of the operation, the same for all types.
    pub operation: &'static str,
    /// The section of the table that it is in.
    pub title: &'static str,
    /// One line on that section.
    pub about: &'static str,
    /// The column of the section that it is in.
    pub column: &'static str,
    /// The width of the type.
    pub bits: u32,
    /// What types and constants are called in `arguments`, `result` and `body`, and what that means here.
    pub names: &'static [(&'static str, &'static str)],
    /// Its arguments, each with its type.
    pub arguments: &'static [&'static str],
    /// The type of its result; empty if there is none.
    pub result: &'static str,
    /// What it does.
    pub body: &'static str,
    /// How much of its code `expected` is about.
    pub scope: Scope,
    /// Whether it may branch forward.
    pub may_branch: bool,
    /// The probes that it must have the code of.
    pub same_as: &'static [&'static str],
    /// The instructions for types of any width.
    expected: &'static str,
    /// The instructions for types of one width.
    expected_of: &'static [(u32, &'static str)],
    /// Refers to the function, so that no linker leaves it out.
    address: fn() -> *const (),
}

impl Probe {
    /// What its code has to be.
    pub fn expected(&self) -> String {
        let special = self.expected_of.iter().find(|(bits, _)| *bits == self.bits);
        let general = special.map_or(self.expected, |(_, expected)| expected);
        replace_words(general, &[("m", &format!("m{}", self.bits))])
    }

    /// The function, as a person would write it.
    pub fn source(&self) -> String {
        let arrow = if self.result.is_empty() { "" } else { " -> " };
        let (arguments, result) = (self.arguments.join(", "), self.result);
        let line = format!("fn {}({arguments}){arrow}{result} {{ {} }}", self.name, self.body);
        // Types that went through two macros are printed with a space too many.
        replace_words(&line, self.names).replace("& ", "&")
    }

    /// Whether it calls the method `method` of the type `owner`.
    pub fn calls(&self, owner: &str, method: &str) -> bool {
        let is_of_type = self.names.iter().any(|(_, name)| name.split('<').next() == Some(owner));
        is_of_type && self.body.contains(&format!(".{method}("))
    }

    /// Where it is in memory.
    pub fn address(&self) -> *const () {
        (self.address)()
    }
}

/// `text` with other words in the place of some.
fn replace_words(text: &str, words: &[(&str, &str)]) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut result = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let found = words.iter().find(|(name, _)| *name == word);
        result += found.map_or(word, |(_, meaning)| meaning);
        rest = after;
    }
    result
}

/// The probes of one type.
macro_rules! probes {
    (
        $module:ident, $suffix:literal, $column:literal, $bits:literal, $scope:ident,
        $twin:tt, { $($alias:ident = $type:ty,)* };
        $($title:literal, $about:literal {$(
            $name:ident ( $($argument:ident: $argument_type:ty),* ) $(-> $result:ty)? = $body:expr
            => $expected:literal $([$width:literal: $expected_of:literal])?
            $(same as $like:ident)? $(with $branches:ident)?;
        )*})*
    ) => {
        mod $module {
            use super::*;

            $(type $alias = $type;)*

            const NAMES: &[(&str, &str)] = &[$((stringify!($alias), stringify!($type))),*];

            $($(
                #[inline(never)]
                #[unsafe(export_name = concat!(stringify!($name), $suffix))]
                pub(super) fn $name($($argument: $argument_type),*) $(-> $result)? { $body }
            )*)*

            pub(super) const PROBES: &[Probe] = &[$($(Probe {
                name: concat!(stringify!($name), $suffix),
                operation: stringify!($name),
                title: $title,
                about: $about,
                column: $column,
                bits: $bits,
                names: NAMES,
                arguments: &[$(
                    concat!(stringify!($argument), ": ", stringify!($argument_type))
                ),*],
                result: concat!($(stringify!($result))?),
                body: stringify!($body),
                scope: Scope::$scope,
                may_branch: probes!(@is_there $($branches)?),
                same_as: &[
                    $(concat!(stringify!($like), $suffix),)?
                    probes!(@twin $name $twin)
                ],
                expected: $expected,
                expected_of: &[$(($width, $expected_of))?],
                address: || $name as *const (),
            },)*)*];
        }
    };
    (@is_there branches) => { true };
    (@is_there) => { false };
    // The probe itself, where there is no other type of the same code.
    (@twin $name:ident $twin:literal) => { concat!(stringify!($name), $twin) };
}

/// The probes of one integer type.
macro_rules! integer {
    ($($type:tt)*) => { probes! { $($type)*
        "Loads and stores",
        "On x86-64 a plain `mov` acquires and releases; only a `SeqCst` store needs a locked \
         instruction, and `xchg` with memory is one without the prefix." {
            load_relaxed(a: &Atomic) -> Int = a.load(Relaxed) => "mov r, m";
            load_acquire(a: &Atomic) -> Int = a.load(Acquire) => "mov r, m";
            load_seq_cst(a: &Atomic) -> Int = a.load(SeqCst) => "mov r, m";
            store_relaxed(a: &Atomic, new: Int) = a.store(new, Relaxed) => "mov m, r";
            store_release(a: &Atomic, new: Int) = a.store(new, Release) => "mov m, r";
            store_seq_cst(a: &Atomic, new: Int) = a.store(new, SeqCst) => "xchg m";
        }
        "Exchange",
        "One instruction. `cmpxchg` has no weak form: the strong one compares in registers what it found, \
         the weak one, which is for loops, takes the flag." {
            swap(a: &Atomic, new: Int) -> Int = a.swap(new, AcqRel) => "xchg m";
            compare_exchange(a: &Atomic, current: Int, new: Int) -> Result<Int, Int>
                = a.compare_exchange(current, new, AcqRel, Acquire) => "lock cmpxchg m";
            compare_exchange_weak(a: &Atomic, current: Int, new: Int) -> Result<Int, Int>
                = a.compare_exchange_weak(current, new, AcqRel, Acquire) => "lock cmpxchg m; setne";
        }
        "Value before",
        "`xadd` is the only arithmetic that hands out the value before. The others are a \
         compare-exchange, repeated until nobody came in between." {
            fetch_add(a: &Atomic, operand: Int) -> Int = a.fetch_add(operand, AcqRel) => "lock xadd m";
            fetch_sub(a: &Atomic, operand: Int) -> Int = a.fetch_sub(operand, AcqRel) => "lock xadd m";
            fetch_and(a: &Atomic, operand: Int) -> Int = a.fetch_and(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            fetch_nand(a: &Atomic, operand: Int) -> Int = a.fetch_nand(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            fetch_or(a: &Atomic, operand: Int) -> Int = a.fetch_or(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            fetch_xor(a: &Atomic, operand: Int) -> Int = a.fetch_xor(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            fetch_max(a: &Atomic, operand: Int) -> Int = a.fetch_max(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            fetch_min(a: &Atomic, operand: Int) -> Int = a.fetch_min(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            fetch_not(a: &Atomic) -> Int = a.fetch_not(AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            fetch_neg(a: &Atomic) -> Int = a.fetch_neg(AcqRel)
                => "mov r, m; loop lock cmpxchg m";
        }
        "Value after",
        "As the value before, and the operation once more on registers." {
            add_fetch(a: &Atomic, operand: Int) -> Int = a.add_fetch(operand, AcqRel) => "lock xadd m";
            sub_fetch(a: &Atomic, operand: Int) -> Int = a.sub_fetch(operand, AcqRel) => "lock xadd m";
            and_fetch(a: &Atomic, operand: Int) -> Int = a.and_fetch(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            nand_fetch(a: &Atomic, operand: Int) -> Int = a.nand_fetch(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            or_fetch(a: &Atomic, operand: Int) -> Int = a.or_fetch(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            xor_fetch(a: &Atomic, operand: Int) -> Int = a.xor_fetch(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            max_fetch(a: &Atomic, operand: Int) -> Int = a.max_fetch(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
            min_fetch(a: &Atomic, operand: Int) -> Int = a.min_fetch(operand, AcqRel)
                => "mov r, m; loop lock cmpxchg m";
        }
        "A function",
        "A compare-exchange, repeated until nobody came in between; a function may also decline." {
            update(a: &Atomic, operand: Int) -> Int
                = a.update(AcqRel, Acquire, |value| value ^ operand)
                => "mov r, m; loop lock cmpxchg m";
            fetch_update(a: &Atomic, last: Int) -> Result<Int, Int>
                = a.fetch_update(AcqRel, Acquire, |value| (value != last).then_some(value ^ 1))
                => "mov r, m; loop lock cmpxchg m" with branches;
            try_update(a: &Atomic, last: Int) -> Result<Int, Int>
                = a.try_update(AcqRel, Acquire, |value| (value != last).then_some(value ^ 1))
                => "mov r, m; loop lock cmpxchg m" same as fetch_update with branches;
        }
        "No result",
        "Where nobody asks for the value, one instruction does it." {
            add(a: &Atomic, operand: Int) = a.add(operand, Release) => "lock add m";
            sub(a: &Atomic, operand: Int) = a.sub(operand, Release) => "lock sub m";
            and(a: &Atomic, operand: Int) = a.and(operand, Release) => "lock and m";
            or(a: &Atomic, operand: Int) = a.or(operand, Release) => "lock or m";
            xor(a: &Atomic, operand: Int) = a.xor(operand, Release) => "lock xor m";
            inc(a: &Atomic) = a.inc(Release) => "lock inc m";
            dec(a: &Atomic) = a.dec(Release) => "lock dec m";
            neg(a: &Atomic) = a.neg(Release) => "lock neg m";
            not(a: &Atomic) = a.not(Release) => "lock not m";
        }
        "A flag",
        "The flag that the instruction leaves is the result: nothing is loaded, nothing compared." {
            add_and_test(a: &Atomic, operand: Int) -> bool = a.add_and_test(operand, AcqRel)
                => "lock add m; sete";
            sub_and_test(a: &Atomic, operand: Int) -> bool = a.sub_and_test(operand, AcqRel)
                => "lock sub m; sete";
            add_negative(a: &Atomic, operand: Int) -> bool = a.add_negative(operand, AcqRel)
                => "lock add m; sets";
            inc_and_test(a: &Atomic) -> bool = a.inc_and_test(AcqRel) => "lock inc m; sete";
            dec_and_test(a: &Atomic) -> bool = a.dec_and_test(AcqRel) => "lock dec m; sete";
        }
        "Bits",
        "The carry flag takes the bit before. There is no such instruction for 8 bits." {
            bit_set(a: &Atomic, bit: u32) -> bool = a.bit_set(bit, AcqRel)
                => "lock bts m; setc" [8: "mov r, m; loop lock cmpxchg m"];
            bit_clear(a: &Atomic, bit: u32) -> bool = a.bit_clear(bit, AcqRel)
                => "lock btr m; setc" [8: "mov r, m; loop lock cmpxchg m"];
            bit_toggle(a: &Atomic, bit: u32) -> bool = a.bit_toggle(bit, AcqRel)
                => "lock btc m; setc" [8: "mov r, m; loop lock cmpxchg m"];
        }
        "Orderings that are types",
        "The code is that of the orderings that are values." {
            load_typed(a: &Atomic) -> Int = a.load(ordering::Acquire) => "mov r, m" same as load_acquire;
            store_typed(a: &Atomic, new: Int) = a.store(new, ordering::Release) => "mov m, r"
                same as store_release;
            store_typed_seq_cst(a: &Atomic, new: Int) = a.store(new, ordering::SeqCst) => "xchg m"
                same as store_seq_cst;
            swap_typed(a: &Atomic, new: Int) -> Int = a.swap(new, ordering::AcqRel) => "xchg m"
                same as swap;
            compare_exchange_typed(a: &Atomic, current: Int, new: Int) -> Result<Int, Int>
                = a.compare_exchange(current, new, ordering::AcqRel, ordering::Acquire)
                => "lock cmpxchg m" same as compare_exchange;
            fetch_add_typed(a: &Atomic, operand: Int) -> Int = a.fetch_add(operand, ordering::AcqRel)
                => "lock xadd m" same as fetch_add;
            add_typed(a: &Atomic, operand: Int) = a.add(operand, ordering::Release) => "lock add m"
                same as add;
        }
    }};
}

integer! { u8_, "_u8", "8 bits", 8, Whole, "_u8", { Atomic = AtomicU8, Int = u8, }; }
integer! { u16_, "_u16", "16 bits", 16, Whole, "_u16", { Atomic = AtomicU16, Int = u16, }; }
integer! { u32_, "_u32", "32 bits", 32, Whole, "_u32", { Atomic = AtomicU32, Int = u32, }; }
integer! { u64_, "_u64", "64 bits", 64, Whole, "_u64", { Atomic = AtomicU64, Int = u64, }; }
integer! { usize_, "_usize", "64 bits", 64, Whole, "_u64", { Atomic = AtomicUsize, Int = usize, }; }
integer! { i8_, "_i8", "8 bits", 8, Whole, "_u8", { Atomic = AtomicI8, Int = i8, }; }
integer! { i16_, "_i16", "16 bits", 16, Whole, "_u16", { Atomic = AtomicI16, Int = i16, }; }
integer! { i32_, "_i32", "32 bits", 32, Whole, "_u32", { Atomic = AtomicI32, Int = i32, }; }
integer! { i64_, "_i64", "64 bits", 64, Whole, "_u64", { Atomic = AtomicI64, Int = i64, }; }
integer! { isize_, "_isize", "64 bits", 64, Whole, "_u64", { Atomic = AtomicIsize, Int = isize, }; }

probes! { bool_, "_bool", "8 bits", 8, Whole, "_bool", { Atomic = AtomicBool, };
    "`AtomicBool`",
    "A byte that is 0 or 1. `fetch_nand` does one of two things, as its operand says." {
        load(a: &Atomic) -> bool = a.load(Acquire) => "mov r, m";
        store(a: &Atomic, new: bool) = a.store(new, Release) => "mov m, r";
        store_seq_cst(a: &Atomic, new: bool) = a.store(new, SeqCst) => "xchg m";
        swap(a: &Atomic, new: bool) -> bool = a.swap(new, AcqRel) => "xchg m";
        compare_exchange(a: &Atomic, current: bool, new: bool) -> Result<bool, bool>
            = a.compare_exchange(current, new, AcqRel, Acquire) => "lock cmpxchg m";
        compare_exchange_weak(a: &Atomic, current: bool, new: bool) -> Result<bool, bool>
            = a.compare_exchange_weak(current, new, AcqRel, Acquire) => "lock cmpxchg m; setne";
        fetch_and(a: &Atomic, operand: bool) -> bool = a.fetch_and(operand, AcqRel)
            => "lock xadd m; xchg m" with branches;
        fetch_nand(a: &Atomic, operand: bool) -> bool = a.fetch_nand(operand, AcqRel)
            => "mov r, m; loop lock cmpxchg m; xchg m" with branches;
        fetch_or(a: &Atomic, operand: bool) -> bool = a.fetch_or(operand, AcqRel)
            => "xchg m; lock xadd m" with branches;
        fetch_xor(a: &Atomic, operand: bool) -> bool = a.fetch_xor(operand, AcqRel)
            => "mov r, m; loop lock cmpxchg m";
        fetch_not(a: &Atomic) -> bool = a.fetch_not(AcqRel) => "mov r, m; loop lock cmpxchg m";
        update(a: &Atomic, operand: bool) -> bool
            = a.update(AcqRel, Acquire, |value| value ^ operand) => "mov r, m; loop lock cmpxchg m; loop setne";
        fetch_update(a: &Atomic, last: bool) -> Result<bool, bool>
            = a.fetch_update(AcqRel, Acquire, |value| (value != last).then_some(!value))
            => "mov r, m; loop lock cmpxchg m; loop setne" with branches;
        try_update(a: &Atomic, last: bool) -> Result<bool, bool>
            = a.try_update(AcqRel, Acquire, |value| (value != last).then_some(!value))
            => "mov r, m; loop lock cmpxchg m; loop setne" same as fetch_update with branches;
        and(a: &Atomic, operand: bool) = a.and(operand, Release) => "lock and m";
        or(a: &Atomic, operand: bool) = a.or(operand, Release) => "lock or m";
        xor(a: &Atomic, operand: bool) = a.xor(operand, Release) => "lock xor m";
        not(a: &Atomic) = a.not(Release) => "lock xor m";
    }
}

probes! { ptr_, "_ptr", "64 bits", 64, Whole, "_ptr", { Atomic = AtomicPtr<u64>, };
    "`AtomicPtr`",
    "As for 64-bit integers." {
        load(a: &Atomic) -> *mut u64 = a.load(Acquire) => "mov r, m";
        store(a: &Atomic, new: *mut u64) = a.store(new, Release) => "mov m, r";
        store_seq_cst(a: &Atomic, new: *mut u64) = a.store(new, SeqCst) => "xchg m";
        swap(a: &Atomic, new: *mut u64) -> *mut u64 = a.swap(new, AcqRel) => "xchg m";
        compare_exchange(a: &Atomic, current: *mut u64, new: *mut u64) -> Result<*mut u64, *mut u64>
            = a.compare_exchange(current, new, AcqRel, Acquire) => "lock cmpxchg m";
        compare_exchange_weak(a: &Atomic, current: *mut u64, new: *mut u64)
            -> Result<*mut u64, *mut u64>
            = a.compare_exchange_weak(current, new, AcqRel, Acquire) => "lock cmpxchg m; setne";
        fetch_ptr_add(a: &Atomic, count: usize) -> *mut u64 = a.fetch_ptr_add(count, AcqRel)
            => "lock xadd m";
        fetch_ptr_sub(a: &Atomic, count: usize) -> *mut u64 = a.fetch_ptr_sub(count, AcqRel)
            => "lock xadd m";
        fetch_byte_add(a: &Atomic, count: usize) -> *mut u64 = a.fetch_byte_add(count, AcqRel)
            => "lock xadd m";
        fetch_byte_sub(a: &Atomic, count: usize) -> *mut u64 = a.fetch_byte_sub(count, AcqRel)
            => "lock xadd m";
        fetch_and(a: &Atomic, mask: usize) -> *mut u64 = a.fetch_and(mask, AcqRel)
            => "mov r, m; loop lock cmpxchg m";
        fetch_or(a: &Atomic, mask: usize) -> *mut u64 = a.fetch_or(mask, AcqRel)
            => "mov r, m; loop lock cmpxchg m";
        fetch_xor(a: &Atomic, mask: usize) -> *mut u64 = a.fetch_xor(mask, AcqRel)
            => "mov r, m; loop lock cmpxchg m";
        update(a: &Atomic, bytes: usize) -> *mut u64
            = a.update(AcqRel, Acquire, |pointer| pointer.wrapping_byte_add(bytes))
            => "mov r, m; loop lock cmpxchg m";
        fetch_update(a: &Atomic, last: *mut u64) -> Result<*mut u64, *mut u64>
            = a.fetch_update(AcqRel, Acquire, |p| (p != last).then_some(p.wrapping_add(1)))
            => "mov r, m; loop lock cmpxchg m" with branches;
        try_update(a: &Atomic, last: *mut u64) -> Result<*mut u64, *mut u64>
            = a.try_update(AcqRel, Acquire, |p| (p != last).then_some(p.wrapping_add(1)))
            => "mov r, m; loop lock cmpxchg m" same as fetch_update with branches;
    }
}

probes! { pair_, "_pair", "128 bits", 128, Whole, "_pair", { Atomic = AtomicPair, };
    "`AtomicPair`",
    "Both words at once are the one instruction that there is for them; one word is a `mov`. A load or \
     store of both is a `movdqa` if the CPU is known to do that at once, which is what the byte says." {
        load(a: &Atomic) -> (u64, u64) = a.load(Acquire).into() => "mov r, m64; mov r, m8; lock cmpxchg16b m; sete; movdqa r, m" with branches;
        load_low(a: &Atomic) -> u64 = a.load_low(Acquire) => "mov r, m64";
        load_high(a: &Atomic) -> u64 = a.load_high(Acquire) => "mov r, m64";
        compare_exchange(a: &Atomic, low: u64, high: u64, new_low: u64, new_high: u64) -> bool
            = a.compare_exchange([low, high], [new_low, new_high], AcqRel, Acquire).is_ok()
            => "lock cmpxchg16b m; sete";
        store(a: &Atomic, low: u64, high: u64) = a.store([low, high], Release)
            => "mov r, m64; mov r, m8; mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete; movdqa m" with branches;
        swap(a: &Atomic, low: u64, high: u64) -> (u64, u64) = a.swap([low, high], AcqRel).into()
            => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
        fetch_update(a: &Atomic, last: u64) -> bool
            = a.fetch_update(AcqRel, Acquire, |[low, high]| (low != last).then_some([high, low])).is_ok()
            => "mov r, m64; mov r, m8; lock cmpxchg16b m; sete; loop lock cmpxchg16b m; loop sete; loop movdqa r, m" with branches;
    }
}

/// The probes of one unlocked integer type.
macro_rules! local {
    ($($type:tt)*) => { probes! { $($type)*
        "Unlocked: `LocalU64` and its like",
        "The same instructions without `lock`, for data of one CPU and its interrupts. `xchg` would \
         lock, so `swap` is a loop too." {
            load(a: &Local) -> Int = a.load() => "mov r, m";
            store(a: &Local, new: Int) = a.store(new) => "mov m, r";
            compare_exchange(a: &Local, current: Int, new: Int) -> Result<Int, Int>
                = a.compare_exchange(current, new) => "cmpxchg m";
            fetch_add(a: &Local, operand: Int) -> Int = a.fetch_add(operand) => "xadd m";
            fetch_sub(a: &Local, operand: Int) -> Int = a.fetch_sub(operand) => "xadd m";
            add_fetch(a: &Local, operand: Int) -> Int = a.add_fetch(operand) => "xadd m";
            sub_fetch(a: &Local, operand: Int) -> Int = a.sub_fetch(operand) => "xadd m";
            swap(a: &Local, operand: Int) -> Int = a.swap(operand) => "mov r, m; loop cmpxchg m";
            fetch_and(a: &Local, operand: Int) -> Int = a.fetch_and(operand) => "mov r, m; loop cmpxchg m";
            fetch_or(a: &Local, operand: Int) -> Int = a.fetch_or(operand) => "mov r, m; loop cmpxchg m";
            fetch_xor(a: &Local, operand: Int) -> Int = a.fetch_xor(operand) => "mov r, m; loop cmpxchg m";
            fetch_max(a: &Local, operand: Int) -> Int = a.fetch_max(operand) => "mov r, m; loop cmpxchg m";
            fetch_min(a: &Local, operand: Int) -> Int = a.fetch_min(operand) => "mov r, m; loop cmpxchg m";
            update(a: &Local, operand: Int) -> Int = a.update(|value| value ^ operand)
                => "mov r, m; loop cmpxchg m";
            add(a: &Local, operand: Int) = a.add(operand) => "add m";
            sub(a: &Local, operand: Int) = a.sub(operand) => "sub m";
            and(a: &Local, operand: Int) = a.and(operand) => "and m";
            or(a: &Local, operand: Int) = a.or(operand) => "or m";
            xor(a: &Local, operand: Int) = a.xor(operand) => "xor m";
            inc(a: &Local) = a.inc() => "inc m";
            dec(a: &Local) = a.dec() => "dec m";
            neg(a: &Local) = a.neg() => "neg m";
            not(a: &Local) = a.not() => "not m";
            add_and_test(a: &Local, operand: Int) -> bool = a.add_and_test(operand) => "add m; sete";
            sub_and_test(a: &Local, operand: Int) -> bool = a.sub_and_test(operand) => "sub m; sete";
            add_negative(a: &Local, operand: Int) -> bool = a.add_negative(operand) => "add m; sets";
            inc_and_test(a: &Local) -> bool = a.inc_and_test() => "inc m; sete";
            dec_and_test(a: &Local) -> bool = a.dec_and_test() => "dec m; sete";
            bit_set(a: &Local, bit: u32) -> bool = a.bit_set(bit)
                => "bts m; setc" [8: "mov r, m; loop cmpxchg m"];
            bit_clear(a: &Local, bit: u32) -> bool = a.bit_clear(bit)
                => "btr m; setc" [8: "mov r, m; loop cmpxchg m"];
            bit_toggle(a: &Local, bit: u32) -> bool = a.bit_toggle(bit)
                => "btc m; setc" [8: "mov r, m; loop cmpxchg m"];
        }
    }};
}

local! { local_u8, "_local_u8", "8 bits", 8, Whole, "_local_u8", { Local = LocalU8, Int = u8, }; }
local! { local_u16, "_local_u16", "16 bits", 16, Whole, "_local_u16", { Local = LocalU16, Int = u16, }; }
local! { local_u32, "_local_u32", "32 bits", 32, Whole, "_local_u32", { Local = LocalU32, Int = u32, }; }
local! { local_u64, "_local_u64", "64 bits", 64, Whole, "_local_u64", { Local = LocalU64, Int = u64, }; }
local! { local_usize, "_local_usize", "64 bits", 64, Whole, "_local_u64", { Local = LocalUsize, Int = usize, }; }
local! { local_i8, "_local_i8", "8 bits", 8, Whole, "_local_u8", { Local = LocalI8, Int = i8, }; }
local! { local_i16, "_local_i16", "16 bits", 16, Whole, "_local_u16", { Local = LocalI16, Int = i16, }; }
local! { local_i32, "_local_i32", "32 bits", 32, Whole, "_local_u32", { Local = LocalI32, Int = i32, }; }
local! { local_i64, "_local_i64", "64 bits", 64, Whole, "_local_u64", { Local = LocalI64, Int = i64, }; }
local! { local_isize, "_local_isize", "64 bits", 64, Whole, "_local_u64", { Local = LocalIsize, Int = isize, }; }

/// The probes of one 128-bit integer type.
macro_rules! wide {
    ($($type:tt)*) => { probes! { $($type)*
        "`AtomicU128`, `AtomicI128`",
        "Two words by `cmpxchg16b`: once to load or exchange, repeated for all else. A loop begins with \
         two words that need not belong together, which is only a guess, or with a load of both." {
            load(a: &Atomic) -> Int = a.load(Acquire) => "mov r, m64; mov r, m8; lock cmpxchg16b m; sete; movdqa r, m" with branches;
            compare_exchange(a: &Atomic, current: Int, new: Int) -> bool
                = a.compare_exchange(current, new, AcqRel, Acquire).is_ok()
                => "lock cmpxchg16b m; sete";
            compare_exchange_weak(a: &Atomic, current: Int, new: Int) -> bool
                = a.compare_exchange_weak(current, new, AcqRel, Acquire).is_ok()
                => "lock cmpxchg16b m; sete" same as compare_exchange;
            store(a: &Atomic, new: Int) = a.store(new, Release)
                => "mov r, m64; mov r, m8; mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete; movdqa m" with branches;
            swap(a: &Atomic, new: Int) -> Int = a.swap(new, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            fetch_add(a: &Atomic, operand: Int) -> Int = a.fetch_add(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            fetch_sub(a: &Atomic, operand: Int) -> Int = a.fetch_sub(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            fetch_and(a: &Atomic, operand: Int) -> Int = a.fetch_and(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            fetch_nand(a: &Atomic, operand: Int) -> Int = a.fetch_nand(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            fetch_or(a: &Atomic, operand: Int) -> Int = a.fetch_or(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            fetch_xor(a: &Atomic, operand: Int) -> Int = a.fetch_xor(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            fetch_max(a: &Atomic, operand: Int) -> Int = a.fetch_max(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            fetch_min(a: &Atomic, operand: Int) -> Int = a.fetch_min(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            add_fetch(a: &Atomic, operand: Int) -> Int = a.add_fetch(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            sub_fetch(a: &Atomic, operand: Int) -> Int = a.sub_fetch(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            and_fetch(a: &Atomic, operand: Int) -> Int = a.and_fetch(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            nand_fetch(a: &Atomic, operand: Int) -> Int = a.nand_fetch(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            or_fetch(a: &Atomic, operand: Int) -> Int = a.or_fetch(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            xor_fetch(a: &Atomic, operand: Int) -> Int = a.xor_fetch(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            max_fetch(a: &Atomic, operand: Int) -> Int = a.max_fetch(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            min_fetch(a: &Atomic, operand: Int) -> Int = a.min_fetch(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            fetch_not(a: &Atomic) -> Int = a.fetch_not(AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            fetch_neg(a: &Atomic) -> Int = a.fetch_neg(AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            update(a: &Atomic, operand: Int) -> Int
                = a.update(AcqRel, Acquire, |value| value ^ operand)
                => "mov r, m64; mov r, m8; lock cmpxchg16b m; sete; movdqa r, m; loop lock cmpxchg16b m; loop sete" with branches;
            fetch_update(a: &Atomic, last: Int) -> bool
                = a.fetch_update(AcqRel, Acquire, |value| (value != last).then_some(value ^ 1)).is_ok()
                => "mov r, m64; mov r, m8; lock cmpxchg16b m; sete; movdqa r, m; loop lock cmpxchg16b m; loop sete" with branches;
            try_update(a: &Atomic, last: Int) -> bool
                = a.try_update(AcqRel, Acquire, |value| (value != last).then_some(value ^ 1)).is_ok()
                => "mov r, m64; mov r, m8; lock cmpxchg16b m; sete; movdqa r, m; loop lock cmpxchg16b m; loop sete" same as fetch_update with branches;
            add(a: &Atomic, operand: Int) = a.add(operand, Release)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            sub(a: &Atomic, operand: Int) = a.sub(operand, Release)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            and(a: &Atomic, operand: Int) = a.and(operand, Release)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            or(a: &Atomic, operand: Int) = a.or(operand, Release)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            xor(a: &Atomic, operand: Int) = a.xor(operand, Release)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            inc(a: &Atomic) = a.inc(Release)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            dec(a: &Atomic) = a.dec(Release)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            neg(a: &Atomic) = a.neg(Release)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            not(a: &Atomic) = a.not(Release)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            add_and_test(a: &Atomic, operand: Int) -> bool = a.add_and_test(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            sub_and_test(a: &Atomic, operand: Int) -> bool = a.sub_and_test(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            add_negative(a: &Atomic, operand: Int) -> bool = a.add_negative(operand, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            inc_and_test(a: &Atomic) -> bool = a.inc_and_test(AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            dec_and_test(a: &Atomic) -> bool = a.dec_and_test(AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            bit_set(a: &Atomic, bit: u32) -> bool = a.bit_set(bit, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            bit_clear(a: &Atomic, bit: u32) -> bool = a.bit_clear(bit, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
            bit_toggle(a: &Atomic, bit: u32) -> bool = a.bit_toggle(bit, AcqRel)
                => "mov r, m64; mov r, m64; loop lock cmpxchg16b m; loop sete";
        }
    }};
}

wide! { u128_, "_u128", "128 bits", 128, Whole, "_u128", { Atomic = AtomicU128, Int = u128, }; }
wide! { i128_, "_i128", "128 bits", 128, Whole, "_u128", { Atomic = AtomicI128, Int = i128, }; }

probes! { fence_, "", "instructions", 64, Whole, "", {};
    "Fences",
    "Only `SeqCst` is an instruction, the others restrain the compiler: `mfence`, or a `lock or` of \
     nothing with the stack, as the compiler likes." {
        fence_acquire() = atomic::fence(Acquire) => "";
        fence_release() = atomic::fence(Release) => "";
        fence_acq_rel() = atomic::fence(AcqRel) => "";
        fence_seq_cst() = atomic::fence(SeqCst) => "full fence";
    }
}

probes! { counter_, "", "instructions", 64, Whole, "", {};
    "Counters",
    "Each call is one instruction; that of an owner (`Local`) has no `lock`." {
        counter_inc(counter: &Counter) = counter.inc() => "lock inc m";
        counter_add(counter: &Counter, n: u64) = counter.add(n) => "lock add m";
        counter_sub(counter: &Counter, n: u64) = counter.sub(n) => "lock sub m";
        counter_get(counter: &Counter) -> u64 = counter.get() => "mov r, m";
        counter_take(counter: &Counter) -> u64 = counter.take() => "xchg m";
        counter_dec(counter: &Counter) = counter.dec() => "lock dec m";
        signed_inc(counter: &SignedCounter) = counter.inc() => "lock inc m";
        signed_dec(counter: &SignedCounter) = counter.dec() => "lock dec m";
        signed_add(counter: &SignedCounter, n: i64) = counter.add(n) => "lock add m";
        signed_sub(counter: &SignedCounter, n: i64) = counter.sub(n) => "lock sub m";
        signed_get(counter: &SignedCounter) -> i64 = counter.get() => "mov r, m";
        signed_take(counter: &SignedCounter) -> i64 = counter.take() => "xchg m";
        shard_inc(shard: Shard<'_>) = shard.inc() => "lock inc m";
        shard_dec(shard: Shard<'_>) = shard.dec() => "lock dec m";
        shard_add(shard: Shard<'_>, n: u64) = shard.add(n) => "lock add m";
        shard_sub(shard: Shard<'_>, n: u64) = shard.sub(n) => "lock sub m";
        owner_inc(own: &Local<'_>) = own.inc() => "mov r, m; inc m";
        owner_dec(own: &Local<'_>) = own.dec() => "mov r, m; dec m";
        owner_add(own: &Local<'_>, n: u64) = own.add(n) => "mov r, m; add m";
        owner_sub(own: &Local<'_>, n: u64) = own.sub(n) => "mov r, m; sub m";
    }
}

/// The slots of every structure here.
const SLOTS: usize = 64;

probes! { structures_, "", "locked instructions", 64, Locked, "", {};
    "Structures",
    "Which locked instructions are in the code of a call, in any number; `u64` values, 64 slots." {
        sharded_add(counter: &ShardedCounter<8, ByStack>, n: u64) = counter.add(n) => "lock add m";
        sharded_sum(counter: &ShardedCounter<8, ByStack>) -> u64 = counter.sum() => "";
        sharded_take(counter: &ShardedCounter<8, ByStack>) -> u64 = counter.take() => "lock cmpxchg m";
        batched_add(counter: &BatchedCounter<8, 32, ByStack>, n: i64) = counter.add(n) => "lock add m; lock xadd m; xchg m";
        batched_estimate(counter: &BatchedCounter<8, 32, ByStack>) -> i64 = counter.estimate() => "";
        histogram_record(histogram: &Histogram<496>, value: u64) = histogram.record(value) => "lock inc m";
        bounded_try_add(counter: &BoundedCounter, n: u64) -> bool = counter.try_add(n).is_ok() => "lock cmpxchg m";
        bounded_release(counter: &BoundedCounter, n: u64) -> bool = counter.release(n).is_ok() => "lock cmpxchg m";
        mark_record(mark: &HighWater, value: u64) -> bool = mark.record(value) => "lock cmpxchg m";
        sequence_next_id(ids: &Sequence) -> Option<u64> = ids.next_id() => "lock xadd m";
        holds_inc(holds: &RefCount) = holds.inc() => "lock xadd m32";
        holds_dec_and_test(holds: &RefCount) -> bool = holds.dec_and_test() => "lock xadd m32";
        holds_inc_not_zero(holds: &RefCount) -> bool = holds.inc_not_zero() => "lock cmpxchg m32";
        spsc_push(ring: &mut Producer<&SpscRing<u64, SLOTS>>, value: u64) -> Result<(), Full<u64>>
            = ring.push(value) => "";
        spsc_pop(ring: &mut Consumer<&SpscRing<u64, SLOTS>>) -> Option<u64> = ring.pop() => "";
        spsc_push_iter(ring: &mut Producer<&SpscRing<u64, SLOTS>>, values: [u64; 8]) -> usize
            = ring.push_iter(values) => "";
        spsc_write_chunk(ring: &'static mut Producer<&'static SpscRing<u64, SLOTS>>, count: usize)
            -> Option<WriteChunk<'static, &'static SpscRing<u64, SLOTS>>> = ring.write_chunk(count).ok() => "";
        spsc_fill_chunk(chunk: WriteChunk<'static, &'static SpscRing<u64, SLOTS>>, values: [u64; 8]) -> usize
            = chunk.fill_from_iter(values) => "";
        spsc_read_chunk(ring: &'static mut Consumer<&'static SpscRing<u64, SLOTS>>, count: usize)
            -> Option<ReadChunk<'static, &'static SpscRing<u64, SLOTS>>> = ring.read_chunk(count).ok() => "";
        spsc_commit_chunk(chunk: ReadChunk<'static, &'static SpscRing<u64, SLOTS>>) = chunk.commit_all() => "";
        spsc_pop_iter(ring: &mut Consumer<&SpscRing<u64, SLOTS>>) -> u64 = ring.pop_iter().sum() => "";
        spsc_clear(ring: &mut Consumer<&SpscRing<u64, SLOTS>>) -> usize = ring.clear() => "";
        spsc_write_chunk_aligned(ring: &'static mut Producer<&'static SpscRing<u64, SLOTS>>, most: usize)
            -> Result<WriteChunk<'static, &'static SpscRing<u64, SLOTS>>, Misaligned>
            = ring.write_chunk_aligned::<64>(most) => "";
        spsc_batch_push(batch: &mut PushBatch<'static, &'static SpscRing<u64, SLOTS>>, value: u64)
            -> Result<(), Full<u64>> = batch.push(value) => "";
        spsc_batch_flush(batch: &mut PushBatch<'static, &'static SpscRing<u64, SLOTS>>) = batch.flush() => "";
        spsc_batch_drop(batch: PushBatch<'static, &'static SpscRing<u64, SLOTS>>) = drop(batch) => "";
        spsc_producer_is_abandoned(ring: &Producer<&SpscRing<u64, SLOTS>>) -> bool = ring.is_abandoned() => "";
        spsc_consumer_is_abandoned(ring: &Consumer<&SpscRing<u64, SLOTS>>) -> bool = ring.is_abandoned() => "";
        spsc_try_producer(ring: &'static SpscRing<u64, SLOTS>)
            -> Option<Producer<&'static SpscRing<u64, SLOTS>>> = ring.try_producer() => "lock cmpxchg m8";
        spsc_producer_drop(ring: Producer<&'static SpscRing<u64, SLOTS>>) = drop(ring) => "";
        spsc_slice_push(ring: &mut Producer<&SpscSliceRing<'static, u64>>, value: u64) -> Result<(), Full<u64>>
            = ring.push(value) => "";
        spsc_slice_pop(ring: &mut Consumer<&SpscSliceRing<'static, u64>>) -> Option<u64> = ring.pop() => "";
        spsc_heap_push(ring: &mut Producer<Arc<SpscHeapRing<u64>>>, value: u64) -> Result<(), Full<u64>>
            = ring.push(value) => "";
        spsc_heap_pop(ring: &mut Consumer<Arc<SpscHeapRing<u64>>>) -> Option<u64> = ring.pop() => "";
        overwriting_push(ring: &mut overwriting::Producer<'_, u64, SLOTS>, value: u64) -> Option<u64>
            = ring.push(value) => "xchg m";
        overwriting_pop(ring: &mut overwriting::Consumer<'_, u64, SLOTS>) -> Option<u64>
            = ring.pop() => "lock cmpxchg m";
        overwriting_len(ring: &overwriting::Consumer<'_, u64, SLOTS>) -> usize = ring.len() => "";
        stack_push(stack: &IndexStack<SLOTS>, index: u32) -> bool = stack.push(index).is_ok()
            => "lock cmpxchg m";
        stack_pop(stack: &IndexStack<SLOTS>) -> Option<u32> = stack.pop() => "lock cmpxchg m";
        pool_alloc(pool: &'static Pool<u64, SLOTS>, value: u64)
            -> Result<PoolBox<'static, u64, SLOTS>, Exhausted<u64>> = pool.alloc(value)
            => "lock cmpxchg m";
        pool_free(block: PoolBox<'static, u64, SLOTS>) = drop(block) => "lock cmpxchg m";
        stack_push_many(stack: &IndexStack<SLOTS>, indices: &[u32; 8]) -> bool
            = stack.push_many(indices).is_ok() => "lock cmpxchg m";
        stack_pop_many(stack: &IndexStack<SLOTS>, indices: &mut [u32; 8]) -> usize
            = stack.pop_many(indices) => "lock cmpxchg m";
        magazine_drain(magazine: &mut Magazine<'static, u64, SLOTS, 8>) = magazine.drain()
            => "lock cmpxchg m";
        arc_clone(shared: &PoolArc<'static, u64, SLOTS>) -> PoolArc<'static, u64, SLOTS> = shared.clone()
            => "lock xadd m32";
        arc_drop(shared: PoolArc<'static, u64, SLOTS>) = drop(shared) => "lock cmpxchg m; lock xadd m32";
        arc_get_mut(shared: &'static mut PoolArc<'static, u64, SLOTS>) -> Option<&'static mut u64>
            = PoolArc::get_mut(shared) => "lock cmpxchg m32";
        keyed_insert(pool: &KeyedPool<u64, SLOTS>, value: u64) -> Result<Key<u64>, Exhausted<u64>>
            = pool.insert(value) => "lock cmpxchg m";
        keyed_claim(pool: &'static KeyedPool<u64, SLOTS>, key: Key<u64>)
            -> Option<PoolBox<'static, u64, SLOTS>> = pool.claim(key) => "lock cmpxchg m";
        keyed_put(pool: &'static KeyedPool<u64, SLOTS>, block: PoolBox<'static, u64, SLOTS>)
            -> Result<Key<u64>, PoolBox<'static, u64, SLOTS>> = pool.put(block) => "";
        snapshot_load(snapshot: &'static Snapshot<u64, SLOTS>) -> Guard<'static, u64, SLOTS>
            = snapshot.load() => "lock xadd m";
        snapshot_release(guard: Guard<'static, u64, SLOTS>) = drop(guard)
            => "lock cmpxchg m; lock xadd m";
        snapshot_store(snapshot: &Snapshot<u64, SLOTS>, value: u64) -> Result<(), Exhausted<u64>>
            = snapshot.store(value) => "lock cmpxchg m; lock xadd m; xchg m";
    }
}

probes! { shared_, "", "locked instructions", 64, LockedUnlessRefused, "", {};
    "Rings of any number of producers and consumers, magazines of a pool",
    "Which locked instructions are in the code of a call that succeeds at once, in any number; `u64` values, \
     64 slots. After a lost race, or to find out why it is refused, it goes to another function." {
        magazine_alloc(magazine: &mut Magazine<'static, u64, SLOTS, 8>, value: u64)
            -> Result<PoolBox<'static, u64, SLOTS>, Exhausted<u64>> = magazine.alloc(value) => "";
        magazine_take(magazine: &mut Magazine<'static, u64, SLOTS, 8>, block: PoolBox<'static, u64, SLOTS>)
            -> Result<u64, PoolBox<'static, u64, SLOTS>> = magazine.take(block) => "";
        magazine_free(magazine: &mut Magazine<'static, u64, SLOTS, 8>, block: PoolBox<'static, u64, SLOTS>)
            -> Result<(), PoolBox<'static, u64, SLOTS>> = magazine.free(block) => "";
        mpmc_push(ring: &MpmcRing<u64, SLOTS>, value: u64) -> Result<(), ring::PushError<u64>>
            = ring.push(value) => "lock cmpxchg m";
        mpmc_pop(ring: &MpmcRing<u64, SLOTS>) -> Option<u64> = ring.pop() => "lock cmpxchg m";
        mpmc_force_push(ring: &MpmcRing<u64, SLOTS>, value: u64) -> Result<Option<u64>, ForcePushError<u64>>
            = ring.force_push(value) => "lock cmpxchg m";
        mpmc_close(ring: &MpmcRing<u64, SLOTS>) -> bool = ring.close() => "lock cmpxchg m";
        mpmc_len(ring: &MpmcRing<u64, SLOTS>) -> usize = ring.len() => "";
        mpmc_is_empty(ring: &MpmcRing<u64, SLOTS>) -> bool = ring.is_empty() => "";
        word_push(ring: &WordRing<u64, SLOTS>, value: u64) -> Result<(), ring::PushError<u64>>
            = ring.push(value) => "lock cmpxchg16b m128";
        word_pop(ring: &WordRing<u64, SLOTS>) -> Option<u64> = ring.pop() => "lock cmpxchg m";
        word_force_push(ring: &WordRing<u64, SLOTS>, value: u64) -> Result<Option<u64>, ForcePushError<u64>>
            = ring.force_push(value) => "lock cmpxchg16b m128";
        word_close(ring: &WordRing<u64, SLOTS>) -> bool = ring.close() => "lock cmpxchg m";
        word_is_full(ring: &WordRing<u64, SLOTS>) -> bool = ring.is_full() => "";
        turn_push(ring: &TurnRing<u64, SLOTS>, value: u64) -> Result<(), PushError<u64>>
            = ring.push(value) => "lock cmpxchg m";
        turn_pop(ring: &TurnRing<u64, SLOTS>) -> Result<u64, PopError> = ring.pop() => "lock cmpxchg m";
        turn_push_slice(ring: &TurnRing<u64, SLOTS>, values: &[u64]) -> usize = ring.push_slice(values)
            => "lock cmpxchg m";
        turn_pop_slice(ring: &TurnRing<u64, SLOTS>, places: &mut [u64]) -> usize = ring.pop_slice(places)
            => "lock cmpxchg m";
        turn_force_push(ring: &TurnRing<u64, SLOTS>, value: u64) -> Result<Option<u64>, PushError<u64>>
            = ring.force_push(value) => "lock add m; lock cmpxchg m";
        turn_close(ring: &TurnRing<u64, SLOTS>) -> bool = ring.close() => "lock bts m";
        turn_len(ring: &TurnRing<u64, SLOTS>) -> usize = ring.len() => "";
        turn_is_empty(ring: &TurnRing<u64, SLOTS>) -> bool = ring.is_empty() => "";
        turn_slice_push(ring: &TurnSliceRing<'static, u64>, value: u64) -> Result<(), PushError<u64>>
            = ring.push(value) => "lock cmpxchg m";
        turn_slice_pop(ring: &TurnSliceRing<'static, u64>) -> Result<u64, PopError> = ring.pop() => "lock cmpxchg m";
    }
}

/// Every probe, in the order of the table.
pub fn probes() -> Vec<Probe> {
    [
        u8_::PROBES,
        u16_::PROBES,
        u32_::PROBES,
        u64_::PROBES,
        usize_::PROBES,
        i8_::PROBES,
        i16_::PROBES,
        i32_::PROBES,
        i64_::PROBES,
        isize_::PROBES,
        bool_::PROBES,
        ptr_::PROBES,
        pair_::PROBES,
        u128_::PROBES,
        i128_::PROBES,
        local_u8::PROBES,
        local_u16::PROBES,
        local_u32::PROBES,
        local_u64::PROBES,
        local_usize::PROBES,
        local_i8::PROBES,
        local_i16::PROBES,
        local_i32::PROBES,
        local_i64::PROBES,
        local_isize::PROBES,
        fence_::PROBES,
        counter_::PROBES,
        structures_::PROBES,
        shared_::PROBES,
    ]
    .concat()
}
