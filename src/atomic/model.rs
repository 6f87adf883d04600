//! The loom backend: every access is a step of the model, with the declared ordering.
//!
//! Only for the tests of this repository, against the patched loom that `cargo xtask` prepares.

extern crate std;

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

use loom::sync::atomic::{self, Ordering};

use super::delegate::{
    bit, exchange_methods, fetch, integer_methods, local, pointer_methods, update,
};
use super::modify::modify;

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::sync::atomic::fence;

/// Values side by side, so that there are slices of them, and beside each the cell that tells loom.
pub(crate) struct UnsafeCells<T, const N: usize> {
    watched: [UnsafeCell<()>; N],
    values: core::cell::UnsafeCell<[MaybeUninit<T>; N]>,
}

impl<T, const N: usize> UnsafeCells<T, N> {
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self {
            watched: core::array::from_fn(|_| UnsafeCell::new(())),
            values: core::cell::UnsafeCell::new([const { MaybeUninit::uninit() }; N]),
        }
    }

    #[track_caller]
    pub(crate) fn of(values: [MaybeUninit<T>; N]) -> Self {
        Self { values: core::cell::UnsafeCell::new(values), ..Self::new() }
    }

    #[track_caller]
    pub(crate) unsafe fn as_ptr(&self, index: usize, count: usize) -> *const T {
        read(&self.watched, index, count);
        self.values.get().cast::<T>().wrapping_add(index)
    }

    #[track_caller]
    pub(crate) unsafe fn as_mut_ptr(&self, index: usize, count: usize) -> *mut T {
        write(&self.watched, index, count);
        self.values.get().cast::<T>().wrapping_add(index)
    }
}

/// As [`UnsafeCells`], in memory that somebody else provides.
pub(crate) struct UnsafeCellsAt<T> {
    watched: Vec<UnsafeCell<()>>,
    first: NonNull<T>,
}

/// Nothing is kept at hand.
#[derive(Debug)]
pub struct CellsView<T>(PhantomData<fn() -> T>);

impl<T> Clone for CellsView<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CellsView<T> {}

// SAFETY: an address and what loom knows. Whoever uses it answers for what he does.
unsafe impl<T> Send for UnsafeCellsAt<T> {}

impl<T> UnsafeCellsAt<T> {
    #[track_caller]
    pub(crate) unsafe fn new(first: NonNull<T>, len: usize) -> Self {
        Self { watched: (0..len).map(|_| UnsafeCell::new(())).collect(), first }
    }

    pub(crate) fn view(&self) -> CellsView<T> {
        CellsView(PhantomData)
    }

    pub(crate) fn len(&self, _: CellsView<T>) -> usize {
        self.watched.len()
    }

    #[track_caller]
    pub(crate) unsafe fn as_ptr(&self, _: CellsView<T>, index: usize, count: usize) -> *const T {
        read(&self.watched, index, count);
        self.first.as_ptr().wrapping_add(index)
    }

    #[track_caller]
    pub(crate) unsafe fn as_mut_ptr(&self, _: CellsView<T>, index: usize, count: usize) -> *mut T {
        write(&self.watched, index, count);
        self.first.as_ptr().wrapping_add(index)
    }
}

#[track_caller]
fn read(watched: &[UnsafeCell<()>], index: usize, count: usize) {
    watched.iter().skip(index).take(count).for_each(|cell| cell.with(|_| ()));
}

#[track_caller]
fn write(watched: &[UnsafeCell<()>], index: usize, count: usize) {
    watched.iter().skip(index).take(count).for_each(|cell| cell.with_mut(|_| ()));
}

/// A `SeqCst` fence that follows a read-modify-write.
pub(crate) fn fence_after_rmw() {
    fence(Ordering::SeqCst);
}

macro_rules! raw_integer {
    ($raw:ident, $atomic:ident, $word:ty) => {
        pub(crate) struct $raw(atomic::$atomic);

        impl $raw {
            #[track_caller]
            pub(crate) fn new(value: $word) -> Self {
                Self(atomic::$atomic::new(value))
            }

            #[track_caller]
            pub(crate) fn load_mut(&mut self) -> $word {
                self.0.with_mut(|value| *value)
            }

            integer_methods!($word);

            // What structures use of the unlocked forms is to other threads what it is on the CPU.

            #[track_caller]
            pub(crate) fn local_add(&self, delta: $word) {
                let sum = self.load(Ordering::Relaxed).wrapping_add(delta);
                self.store(sum, Ordering::Relaxed);
            }

            #[track_caller]
            pub(crate) fn local_sub(&self, delta: $word) {
                self.local_add(delta.wrapping_neg());
            }

            #[track_caller]
            pub(crate) fn local_inc(&self) {
                self.local_add(1);
            }

            #[track_caller]
            pub(crate) fn local_dec(&self) {
                self.local_sub(1);
            }
        }
    };
}

raw_integer!(RawU8, AtomicU8, u8);
raw_integer!(RawU16, AtomicU16, u16);
raw_integer!(RawU32, AtomicU32, u32);
raw_integer!(RawU64, AtomicU64, u64);
raw_integer!(RawUsize, AtomicUsize, usize);

/// The integer that [`RawUsize`] holds.
pub(crate) type UsizeWord = usize;

pub(crate) struct RawPtr<T>(atomic::AtomicPtr<T>);

impl<T> RawPtr<T> {
    #[track_caller]
    pub(crate) fn new(pointer: *mut T) -> Self {
        Self(atomic::AtomicPtr::new(pointer))
    }

    exchange_methods!(*mut T);
    pointer_methods!();
}

/// A pair in one modelled word, because loom has none of 128 bits: a half that does not fit in 31 bits is
/// represented by a number. Reading one half reads the word, as an 8-byte load of a 16-byte location
/// reads part of what one `lock cmpxchg16b` wrote.
pub(crate) struct RawPair(RawU64);

impl RawPair {
    #[track_caller]
    pub(crate) fn new(value: [u64; 2]) -> Self {
        Self(RawU64::new(pack(value)))
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> [u64; 2] {
        unpack(self.0.load(order))
    }

    #[track_caller]
    pub(crate) fn store(&self, value: [u64; 2], order: Ordering) {
        self.0.store(pack(value), order);
    }

    #[track_caller]
    pub(crate) fn modify(&self, order: Ordering, f: impl Fn([u64; 2]) -> [u64; 2]) -> [u64; 2] {
        unpack(self.0.modify(order, |word| pack(f(unpack(word)))))
    }

    #[track_caller]
    pub(crate) fn load_low(&self, order: Ordering) -> u64 {
        let [low, _] = unpack(self.0.load(order));
        low
    }

    #[track_caller]
    pub(crate) fn load_high(&self, order: Ordering) -> u64 {
        let [_, high] = unpack(self.0.load(order));
        high
    }

    /// Compares and exchanges the word at the higher address alone.
    #[track_caller]
    pub(crate) fn compare_exchange_high(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        let mut found = unpack(self.0.load(failure));
        loop {
            let [low, high] = found;
            if high != current {
                return Err(high);
            }
            match self.compare_exchange([low, current], [low, new], success, failure) {
                Ok(_) => return Ok(current),
                Err(other) => found = other,
            }
        }
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        current: [u64; 2],
        new: [u64; 2],
        success: Ordering,
        failure: Ordering,
    ) -> Result<[u64; 2], [u64; 2]> {
        self.0
            .compare_exchange(pack(current), pack(new), success, failure)
            .map(unpack)
            .map_err(unpack)
    }
}

fn pack([low, high]: [u64; 2]) -> u64 {
    shorten(high) << 32 | shorten(low)
}

fn unpack(word: u64) -> [u64; 2] {
    [lengthen(word & 0xffff_ffff), lengthen(word >> 32)]
}

/// Halves that do not fit, which are addresses: a model knows them by their place in this list.
static LONG: Mutex<Vec<u64>> = Mutex::new(Vec::new());
const IS_LONG: u64 = 1 << 31;

fn shorten(half: u64) -> u64 {
    if half < IS_LONG {
        return half;
    }
    let mut long = LONG.lock().unwrap_or_else(PoisonError::into_inner);
    let place = long.iter().position(|&known| known == half).unwrap_or_else(|| {
        long.push(half);
        long.len() - 1
    });
    IS_LONG | place as u64
}

#[expect(clippy::indexing_slicing, reason = "`shorten` has put it there")]
fn lengthen(half: u64) -> u64 {
    if half < IS_LONG {
        return half;
    }
    LONG.lock().unwrap_or_else(PoisonError::into_inner)[(half ^ IS_LONG) as usize]
}

/// A value under a mutex, and threads that sleep until they are told that it has changed.
#[cfg(feature = "std")]
#[derive(Debug)]
pub(crate) struct Monitor<T> {
    value: loom::sync::Mutex<T>,
    changed: loom::sync::Condvar,
}

#[cfg(feature = "std")]
impl<T> Monitor<T> {
    #[track_caller]
    pub(crate) fn new(value: T) -> Self {
        Self { value: loom::sync::Mutex::new(value), changed: loom::sync::Condvar::new() }
    }

    #[track_caller]
    pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// With a deadline: others may run meanwhile, and then it has passed.
    #[track_caller]
    pub(crate) fn sleep<'a>(
        &'a self,
        guard: loom::sync::MutexGuard<'a, T>,
        deadline: Option<std::time::Instant>,
    ) -> (loom::sync::MutexGuard<'a, T>, bool) {
        if deadline.is_none() {
            let woken = self.changed.wait(guard);
            return (woken.unwrap_or_else(std::sync::PoisonError::into_inner), false);
        }
        drop(guard);
        loom::thread::yield_now();
        (self.lock(), true)
    }

    #[track_caller]
    pub(crate) fn notify_one(&self) {
        self.changed.notify_one();
    }

    #[track_caller]
    pub(crate) fn notify_all(&self) {
        self.changed.notify_all();
    }
}
