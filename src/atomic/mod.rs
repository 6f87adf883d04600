//! Typed atomics with the names and meanings of `core::sync::atomic`, and the instruction in sight.
//!
//! On x86-64 a read-modify-write here is the one locked instruction that [`crate::arch`] names:
//! [`AtomicI64::fetch_add`] is `lock xadd`, [`AtomicI64::add`], which returns nothing, is
//! `lock add`. Plain loads and stores are core's own: they are one `mov` either way, and assembly
//! would only blind the optimizer.
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
//! Loads, stores, [`swap`](AtomicU64::swap), [`compare_exchange`](AtomicU64::compare_exchange),
//! [`fetch_add`](AtomicU64::fetch_add), [`fetch_sub`](AtomicU64::fetch_sub), the result-less forms
//! and the bit forms of 16 bits and more are one instruction: wait-free. The other `fetch_*`
//! forms are a compare-exchange loop, as they are in core on x86-64: lock-free. All may be called
//! from threads, interrupt handlers and NMIs. On the `native` backend the target decides.
//!
//! # Panics
//!
//! As in core, a load with `Release` or `AcqRel`, a store with `Acquire` or `AcqRel` and a
//! compare-exchange with a failure ordering of `Release` or `AcqRel` panic. Orderings are
//! constants in practice, so the check is gone from optimized code.

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

#[cfg(loom)]
#[path = "model.rs"]
mod backend;
#[cfg(all(not(loom), any(latchless_native, miri, not(target_arch = "x86_64"))))]
#[path = "native.rs"]
mod backend;
#[cfg(all(not(loom), not(any(latchless_native, miri, not(target_arch = "x86_64")))))]
#[path = "asm.rs"]
mod backend;

#[cfg(not(loom))]
mod cell;
#[cfg(any(loom, latchless_native, miri, not(target_arch = "x86_64")))]
mod delegate;
mod integer;
#[cfg(any(loom, not(any(latchless_native, miri, not(target_arch = "x86_64")))))]
mod pair;
mod pointer;

pub use self::backend::fence;
pub use self::integer::{
    AtomicI8, AtomicI16, AtomicI32, AtomicIsize, AtomicU8, AtomicU16, AtomicU32, AtomicUsize,
};
#[cfg(target_has_atomic = "64")]
pub use self::integer::{AtomicI64, AtomicU64};
#[cfg(any(loom, not(any(latchless_native, miri, not(target_arch = "x86_64")))))]
pub use self::pair::AtomicPair;
pub use self::pointer::{AtomicBool, AtomicPtr};

pub(crate) use self::backend::UnsafeCell;
#[cfg(target_has_atomic = "64")]
pub(crate) use self::backend::{MAX_THREADS, fence_after_rmw};
