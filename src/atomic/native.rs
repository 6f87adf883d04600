//! The portable backend: `core::sync::atomic` does all the work, with the declared orderings.
//!
//! For targets other than x86-64, for Miri and ThreadSanitizer, which cannot see through inline
//! assembly, and as the second opinion on the `asm` backend in the tests.

use core::sync::atomic::{self, Ordering};

pub(crate) use super::cell::{CellsView, UnsafeCell, UnsafeCells, UnsafeCellsAt};
use super::delegate::{
    bit, exchange_methods, fetch, integer_methods, local, pointer_methods, update,
};
use super::modify::modify;

pub(crate) use core::sync::atomic::fence;

/// How many threads and interrupt contexts may be inside one structure at once.
#[cfg(target_has_atomic = "64")]
/// A `SeqCst` fence that follows a read-modify-write.
#[cfg(target_has_atomic = "64")]
#[inline(always)]
pub(crate) fn fence_after_rmw() {
    fence(Ordering::SeqCst);
}

/// Access that goes around the protocol, which the model backend cannot offer.
macro_rules! exclusive_methods {
    ($word:ty) => {
        #[inline(always)]
        pub(crate) fn get_mut(&mut self) -> &mut $word {
            self.0.get_mut()
        }

        #[inline(always)]
        pub(crate) fn into_inner(self) -> $word {
            self.0.into_inner()
        }

        #[inline(always)]
        pub(crate) const fn as_ptr(&self) -> *mut $word {
            self.0.as_ptr()
        }
    };
}

macro_rules! raw_integer {
    ($raw:ident, $atomic:ident, $word:ty) => {
        #[repr(transparent)]
        pub(crate) struct $raw(atomic::$atomic);

        impl $raw {
            #[inline(always)]
            pub(crate) const fn new(value: $word) -> Self {
                Self(atomic::$atomic::new(value))
            }

            exclusive_methods!($word);
            integer_methods!($word);
            local!(
                local_add => add(delta: $word);
                local_sub => sub(delta: $word);
                local_inc => inc();
                local_dec => dec();
            );

            #[inline(always)]
            pub(crate) fn load_mut(&mut self) -> $word {
                *self.get_mut()
            }
        }
    };
}

raw_integer!(RawU8, AtomicU8, u8);
raw_integer!(RawU16, AtomicU16, u16);
raw_integer!(RawU32, AtomicU32, u32);
#[cfg(target_has_atomic = "64")]
raw_integer!(RawU64, AtomicU64, u64);
raw_integer!(RawUsize, AtomicUsize, usize);

/// The integer that [`RawUsize`] holds.
pub(crate) type UsizeWord = usize;

#[repr(transparent)]
pub(crate) struct RawPtr<T>(atomic::AtomicPtr<T>);

impl<T> RawPtr<T> {
    #[inline(always)]
    pub(crate) const fn new(pointer: *mut T) -> Self {
        Self(atomic::AtomicPtr::new(pointer))
    }

    exclusive_methods!(*mut T);
    exchange_methods!(*mut T);
    pointer_methods!();
}
