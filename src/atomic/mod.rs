//! Typed atomics with the names and meanings of `core::sync::atomic`, and the instruction in sight.
//!
//! On x86-64 a read-modify-write here is the one locked instruction that [`crate::arch`] names:
//! [`AtomicI64::fetch_add`] is `lock xadd`, [`AtomicI64::add`], which returns nothing, is
//! `lock add`. Plain loads and stores are core's own: they are one `mov` either way, and assembly
//! would only blind the optimizer. So is the weak compare-exchange: the same `lock cmpxchg`, whose flag
//! a loop can branch on, which assembly cannot hand out. `cargo xtask asm` in the repository shows the
//! machine code of each; a test keeps it so.
//!
//! Code that uses `core::sync::atomic` compiles with `latchless::atomic` in its place. (Only an ordering
//! whose type was inferred from the parameter, as in `load(order.into())`, has to be told its type.)
//!
//! # Which form do I want?
//!
//! | returns | add | subtract | logic | by one | on x86-64 |
//! |---|---|---|---|---|---|
//! | the value before | `fetch_add` | `fetch_sub` | `fetch_and/nand/or/xor/not` | | `lock xadd`; logic loops |
//! | the value after | `add_fetch` | `sub_fetch` | `and/nand/or/xor_fetch` | | `lock xadd`; logic loops |
//! | nothing | `add` | `sub` | `and` `or` `xor` `not` `neg` | `inc` `dec` | the instruction of that name |
//! | whether it became zero | `add_and_test` | `sub_and_test` | | `inc_and_test` `dec_and_test` | the same and `sete` |
//! | whether it became negative | `add_negative` | | | | the same and `sets` |
//! | the bit before | | | `bit_set` `bit_clear` `bit_toggle` | | `lock bts/btr/btc` and `setc` |
//!
//! A form that returns less is cheaper or as cheap. Where core has the method, its name and meaning
//! are core's; [`AtomicBool`] and [`AtomicPtr`] have theirs.
//!
//! Beside them: [`AtomicPair`], [`AtomicU128`] and [`AtomicI128`], two words by `lock cmpxchg16b`;
//! [`LocalU64`] and its like, the same operations without `lock` for data of one CPU; orderings that
//! are checked by the compiler, in [`ordering`].
//!
//! # Backends
//!
//! This file is the only one that knows which backend is in use.
//!
//! | backend | chosen by | read-modify-write |
//! |---|---|---|
//! | `asm` | x86-64, the default | [`crate::arch`] |
//! | `native` | any other target; Miri; `--cfg latchless_native` | `core::sync::atomic` |
//! | `model` | `--cfg loom` | loom, which explores every permitted execution |
//!
//! Every method takes its [`Ordering`] although a locked instruction on x86-64 is a full barrier
//! whatever is declared: the other two backends obey what is declared, and that is where a wrong
//! ordering shows.
//!
//! There is no lock behind any of these types, on any target. What a target cannot do without
//! one is absent: [`AtomicPair`] needs `lock cmpxchg16b` and does not exist on the `native`
//! backend.
//!
//! # Progress and context
//!
//! What takes one instruction is wait-free: loads, stores, [`swap`](AtomicU64::swap),
//! [`compare_exchange`](AtomicU64::compare_exchange), sums, the forms that return nothing or a flag, and
//! the bit forms of 16 bits and more. The others are a compare-exchange loop, as they are in core on
//! x86-64: lock-free. All may be called from threads, interrupt handlers and NMIs. On the `native`
//! backend the target decides.
//!
//! # Panics
//!
//! As in core, a load with `Release` or `AcqRel`, a store with `Acquire` or `AcqRel` and a
//! compare-exchange with a failure ordering of `Release` or `AcqRel` panic. Orderings are constants in
//! practice, so the check is gone from optimized code; with the types of [`ordering`] such a call does
//! not compile.
//!
//! # References
//!
//! Go's `sync/atomic`, whose every function has a counterpart here (`docs/GO.md` in the repository);
//! Linux, `Documentation/atomic_t.txt`, for the flag forms and `this_cpu_*`.

pub use core::sync::atomic::Ordering;

/// Passes items through; under loom, whose atomics cannot be built at compile time, strips the
/// `const` of a `const fn`.
#[cfg(not(loom))]
macro_rules! const_fn {
    ($($item:tt)*) => { $($item)* };
}
#[cfg(loom)]
macro_rules! const_fn {
    ($(#[$meta:meta])* $visibility:vis const fn $($rest:tt)*) => {
        $(#[$meta])* $visibility fn $($rest)*
    };
}
pub(crate) use const_fn;

/// `[element; n]` for elements that are not `Copy`, in `const` context except under loom.
#[cfg(not(loom))]
macro_rules! array {
    ($element:expr; $n:expr) => {
        [const { $element }; $n]
    };
}
#[cfg(loom)]
macro_rules! array {
    ($element:expr; $n:expr) => {
        core::array::from_fn::<_, { $n }, _>(|_| $element)
    };
}
pub(crate) use array;

/// Items that loom's atomics cannot offer: access that goes around the model.
#[cfg(not(loom))]
macro_rules! except_in_models {
    ($($item:tt)*) => { $($item)* };
}
#[cfg(loom)]
macro_rules! except_in_models {
    ($($item:tt)*) => {};
}

/// Items that need [`AtomicPair`].
#[cfg(any(loom, not(any(latchless_native, miri, not(target_arch = "x86_64")))))]
macro_rules! with_pairs {
    ($($item:item)*) => { $($item)* };
}
#[cfg(not(any(loom, not(any(latchless_native, miri, not(target_arch = "x86_64"))))))]
macro_rules! with_pairs {
    ($($item:item)*) => {};
}
pub(crate) use with_pairs;

/// Whether loom runs the code, in every order.
pub(crate) const IS_MODEL: bool = cfg!(loom);

/// What only models hold: what an argument claims, asked of every execution.
#[cfg(not(loom))]
macro_rules! only_in_models {
    ($($code:tt)*) => {};
}
#[cfg(loom)]
macro_rules! only_in_models {
    ($($code:tt)*) => { $($code)* };
}
pub(crate) use only_in_models;

except_in_models! {
    /// `&*pointer`, checked by core for null and alignment in builds with debug assertions, at compile
    /// time as well as at run time.
    ///
    /// # Safety
    ///
    /// As for `&*pointer`.
    #[inline(always)]
    const unsafe fn checked_ref<'a, T>(pointer: *const T) -> &'a T {
        // SAFETY: an empty slice takes a pointer that is aligned and not null.
        let _ = unsafe { core::slice::from_raw_parts(pointer, 0) };
        // SAFETY: the caller's word.
        unsafe { &*pointer }
    }
}

#[cfg(loom)]
#[path = "model.rs"]
mod backend;
#[cfg(all(not(loom), any(latchless_native, miri, not(target_arch = "x86_64"))))]
#[path = "native.rs"]
mod backend;
#[cfg(all(not(loom), not(any(latchless_native, miri, not(target_arch = "x86_64")))))]
#[path = "asm.rs"]
mod backend;

mod boolean;
#[cfg(not(loom))]
mod cell;
#[cfg(any(loom, latchless_native, miri, not(target_arch = "x86_64")))]
mod delegate;
mod integer;
mod local;
mod modify;
#[cfg(all(feature = "std", not(loom)))]
mod monitor;
pub mod ordering;
with_pairs! {
    mod pair;
}
mod pointer;
#[cfg(not(any(loom, latchless_native, miri, not(target_arch = "x86_64"))))]
mod wide;

pub use core::sync::atomic::compiler_fence;

pub use self::boolean::AtomicBool;
pub use self::integer::{
    AtomicI8, AtomicI16, AtomicI32, AtomicIsize, AtomicU8, AtomicU16, AtomicU32, AtomicUsize,
};
#[cfg(target_has_atomic = "64")]
pub use self::integer::{AtomicI64, AtomicU64};
pub use self::local::{
    LocalI8, LocalI16, LocalI32, LocalIsize, LocalU8, LocalU16, LocalU32, LocalUsize,
};
#[cfg(target_has_atomic = "64")]
pub use self::local::{LocalI64, LocalU64};
with_pairs! {
    pub use self::pair::{AtomicPair, Unsupported};
}
pub use self::pointer::AtomicPtr;
#[cfg(not(any(loom, latchless_native, miri, not(target_arch = "x86_64"))))]
pub use self::wide::{AtomicI128, AtomicU128};

#[cfg(all(feature = "std", loom))]
pub(crate) use self::backend::Monitor;
#[cfg(target_has_atomic = "64")]
pub(crate) use self::backend::fence_after_rmw;
pub(crate) use self::backend::{CellsView, UnsafeCell, UnsafeCells, UnsafeCellsAt};
#[cfg(all(feature = "std", not(loom)))]
pub(crate) use self::monitor::Monitor;

/// Orders this thread's accesses before it and after it for those who fence or synchronize too, like
/// core's `fence`. On x86-64 `SeqCst` is one `mfence` or locked instruction; the others only bind the
/// compiler.
///
/// **Progress** wait-free. **Context** any.
///
/// # Panics
///
/// If `order` is [`Ordering::Relaxed`].
#[inline]
#[track_caller]
pub fn fence(order: impl ordering::FenceOrdering) {
    backend::fence(order.into());
}
