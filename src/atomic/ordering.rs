//! Orderings that are types: one that an operation cannot have does not compile.
//!
//! Every method of this module's atomics takes either: core's [`Ordering`], which may be chosen at run
//! time and panics where it makes no sense, or one of these, which cannot. The calls read the same.
//!
//! ```
//! use latchless::atomic::AtomicU32;
//! use latchless::atomic::ordering::{Acquire, Relaxed, Release};
//!
//! static READY: AtomicU32 = AtomicU32::new(0);
//!
//! READY.store(1, Release);
//! assert_eq!(READY.load(Acquire), 1);
//! assert_eq!(READY.compare_exchange(1, 2, Release, Relaxed), Ok(1));
//! ```
//!
//! A load releases nothing, a store acquires nothing, and neither does a failed compare-exchange
//! release:
//!
//! ```compile_fail,E0277
//! # use latchless::atomic::{AtomicU32, ordering::Release};
//! AtomicU32::new(0).load(Release);
//! ```
//!
//! ```compile_fail,E0277
//! # use latchless::atomic::{AtomicU32, ordering::Acquire};
//! AtomicU32::new(0).store(1, Acquire);
//! ```
//!
//! ```compile_fail,E0277
//! # use latchless::atomic::{AtomicU32, ordering::{AcqRel, Release}};
//! AtomicU32::new(0).compare_exchange(0, 1, AcqRel, Release);
//! ```
//!
//! ```compile_fail,E0277
//! # use latchless::atomic::{fence, ordering::Relaxed};
//! fence(Relaxed);
//! ```

use core::sync::atomic::Ordering;

/// Any ordering, as a read-modify-write takes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an ordering",
    note = "see `latchless::atomic::ordering`"
)]
pub trait AnyOrdering: Copy + Into<Ordering> + sealed::Sealed {}

/// What a load, or a failed compare-exchange, may be: `Relaxed`, `Acquire` or `SeqCst`.
#[diagnostic::on_unimplemented(
    message = "there is no such thing as a load that is `{Self}`",
    note = "a load, or a failed compare-exchange, is `Relaxed`, `Acquire` or `SeqCst`"
)]
pub trait LoadOrdering: AnyOrdering {}

/// What a store may be: `Relaxed`, `Release` or `SeqCst`.
#[diagnostic::on_unimplemented(
    message = "there is no such thing as a store that is `{Self}`",
    note = "a store is `Relaxed`, `Release` or `SeqCst`"
)]
pub trait StoreOrdering: AnyOrdering {}

/// What a fence may be: anything but `Relaxed`.
#[diagnostic::on_unimplemented(
    message = "there is no such thing as a fence that is `{Self}`",
    note = "a fence is `Acquire`, `Release`, `AcqRel` or `SeqCst`"
)]
pub trait FenceOrdering: AnyOrdering {}

macro_rules! ordering {
    ($($(#[$doc:meta])* $name:ident: $($role:ident)+;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name;

        impl From<$name> for Ordering {
            #[inline(always)]
            fn from(_: $name) -> Self {
                Ordering::$name
            }
        }

        impl sealed::Sealed for $name {}
        impl AnyOrdering for $name {}
        $(impl $role for $name {})+
    )+};
}

ordering! {
    /// [`Ordering::Relaxed`]: this access is atomic, and says nothing about others.
    Relaxed: LoadOrdering StoreOrdering;
    /// [`Ordering::Acquire`]: what follows sees what the release before it published.
    Acquire: LoadOrdering FenceOrdering;
    /// [`Ordering::Release`]: publishes what comes before.
    Release: StoreOrdering FenceOrdering;
    /// [`Ordering::AcqRel`]: both, of a read-modify-write or a fence.
    AcqRel: FenceOrdering;
    /// [`Ordering::SeqCst`]: besides, one order of all such accesses that everybody agrees on.
    SeqCst: LoadOrdering StoreOrdering FenceOrdering;
}

// Chosen at run time; a wrong one panics.
impl sealed::Sealed for Ordering {}
impl AnyOrdering for Ordering {}
impl LoadOrdering for Ordering {}
impl StoreOrdering for Ordering {}
impl FenceOrdering for Ordering {}

mod sealed {
    /// Keeps the roles to the five orderings that there are.
    pub trait Sealed {}
}
