//! Blocks of one type, handed out and taken back: an allocator for where there is none.
//!
//! # Layout
//!
//! ```text
//! free   an `IndexStack<N>`: the slots that nobody owns
//! slots  [ slot 0 … slot N-1 ]
//! ```
//!
//! # Invariants
//!
//! - INV-1  Each index below `N` is in `free`, or owned by one [`PoolBox`], or by a call under way.
//! - INV-2  The slot of a box holds a value. A slot in `free` holds none.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | drop of a box: `free.push` | alloc: `free.pop` | that the slot is vacated |
//!
//! # Progress and complexity
//!
//! Lock-free, one `lock cmpxchg` alone, as the index stack. A thread that stops anywhere keeps the
//! one slot it owns.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMI handlers; a box may be dropped in another context
//! than the one that allocated it. The value's own `Drop` must be fit for the context too.

use core::error::Error;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};

use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};

use super::IndexStack;
use crate::atomic::{array, const_fn};
use crate::mem::{CachePadded, Slot};

/// A lock-free pool of `N` slots for values of `T`, without an allocator underneath.
///
/// `N`: 1 to `u32::MAX - 1`, checked at compile time; no power of two needed. `const`-constructible
/// in a `static`.
///
/// Size: 128 bytes, plus `4 * N` rounded up to 128, plus `N * size_of::<T>()` rounded up to 128.
///
/// # Examples
///
/// ```
/// use latchless::stack::Pool;
///
/// static PACKETS: Pool<[u8; 1500], 32> = Pool::new();
///
/// let mut packet = PACKETS.alloc([0; 1500])?; // no heap, from an interrupt handler if need be
/// packet[0] = 0x45;
/// drop(packet); // the slot goes back
/// # Ok::<(), latchless::stack::Exhausted<[u8; 1500]>>(())
/// ```
#[repr(C)]
pub struct Pool<T, const N: usize> {
    free: IndexStack<N>,
    slots: CachePadded<[Slot<T>; N]>,
}

// SAFETY: a shared pool moves values of `T` between threads (hence `T: Send`); `&T` is handed out by
// the boxes only. Only the owner of an index touches its slot (INV-1).
unsafe impl<T: Send, const N: usize> Sync for Pool<T, N> {}

assert_impl_all!(Pool<core::cell::Cell<u8>, 1>: Send, Sync);
assert_not_impl_any!(Pool<*const u8, 1>: Send, Sync);

impl<T, const N: usize> Pool<T, N> {
    const_fn! {
        /// Creates a pool whose slots are all free.
        #[inline]
        pub const fn new() -> Self {
            Self {
                free: IndexStack::full(),
                slots: CachePadded::new(array![Slot::new(); N]),
            }
        }
    }

    /// Moves `value` into a free slot.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`.
    /// **Ordering** what the slot's last owner did happens before.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] with `value` in it, if at some moment during the call no slot was free.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::stack::{Exhausted, Pool};
    /// let pool = Pool::<_, 1>::new();
    /// let first = pool.alloc("first")?;
    /// let Err(Exhausted(back)) = pool.alloc("second") else { unreachable!() };
    /// assert_eq!(back, "second");
    /// drop(first);
    /// assert!(pool.alloc(back).is_ok());
    /// # Ok::<(), Exhausted<&str>>(())
    /// ```
    #[inline]
    pub fn alloc(&self, value: T) -> Result<PoolBox<'_, T, N>, Exhausted<T>> {
        let Some(index) = self.free.pop() else {
            return Err(Exhausted(value));
        };
        // SAFETY: `pop` made this call the one owner of the index (INV-1); E1 made its last
        // owner's accesses happen before.
        unsafe { self.slot(index).write(value) };
        Ok(PoolBox { pool: self, index, owns: PhantomData })
    }

    /// Returns whether no slot was free at some moment during the call.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_exhausted(&self) -> bool {
        self.free.is_empty()
    }

    /// The number of slots: `N`.
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    #[inline(always)]
    fn slot(&self, index: u32) -> &Slot<T> {
        // SAFETY: the index came out of `free`, which holds indices below `N` only.
        unsafe { self.slots.get_unchecked(index as usize) }
    }
}

impl<T, const N: usize> Default for Pool<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> fmt::Debug for Pool<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("capacity", &N).finish_non_exhaustive()
    }
}

// === impl PoolBox ===

/// A value in a slot of a [`Pool`]. Dropping it drops the value and gives the slot back.
///
/// 16 bytes on 64-bit targets. Forgetting it (`core::mem::forget`) keeps the slot for ever.
pub struct PoolBox<'a, T, const N: usize> {
    pool: &'a Pool<T, N>,
    index: u32,
    /// The box owns a `T`: it is `Send` and `Sync` as a `T` is.
    owns: PhantomData<T>,
}

assert_impl_all!(PoolBox<'static, u8, 1>: Send, Sync, Unpin);
assert_impl_all!(PoolBox<'static, core::cell::Cell<u8>, 1>: Send);
assert_not_impl_any!(PoolBox<'static, core::cell::Cell<u8>, 1>: Sync, Clone);
assert_not_impl_any!(PoolBox<'static, *const u8, 1>: Send, Sync);
const_assert_eq!(size_of::<PoolBox<'static, u64, 4>>(), 2 * size_of::<usize>());

impl<T, const N: usize> PoolBox<'_, T, N> {
    /// Takes the value out and gives the slot back.
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn into_inner(self) -> T {
        // The value moves out, so `drop` must not run; the slot goes back by hand.
        let this = ManuallyDrop::new(self);
        // SAFETY: the box owns the slot (INV-1), which holds a value (INV-2); it is read once.
        let value = unsafe { this.pool.slot(this.index).read() };
        GiveBack { free: &this.pool.free, index: this.index };
        value
    }
}

/// Gives a slot back when it goes out of scope, even if the value's `Drop` unwinds.
pub(crate) struct GiveBack<'a, const N: usize> {
    pub(crate) free: &'a IndexStack<N>,
    pub(crate) index: u32,
}

impl<const N: usize> Drop for GiveBack<'_, N> {
    #[inline]
    fn drop(&mut self) {
        let pushed = self.free.push(self.index);
        debug_assert!(pushed.is_ok(), "the index came out of this stack");
    }
}

impl<T, const N: usize> Drop for PoolBox<'_, T, N> {
    #[inline]
    fn drop(&mut self) {
        let _give_back = GiveBack { free: &self.pool.free, index: self.index };
        let value = self.pool.slot(self.index).as_mut_ptr();
        // SAFETY: the box owns the slot (INV-1), which holds a value (INV-2); nobody sees it again
        // before `alloc` overwrites it.
        unsafe { value.drop_in_place() };
    }
}

impl<T, const N: usize> Deref for PoolBox<'_, T, N> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the box owns the slot (INV-1), which holds a value (INV-2), and is borrowed.
        unsafe { &*self.pool.slot(self.index).as_ptr() }
    }
}

impl<T, const N: usize> DerefMut for PoolBox<'_, T, N> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the box owns the slot (INV-1), which holds a value (INV-2), and is borrowed
        // mutably.
        unsafe { &mut *self.pool.slot(self.index).as_mut_ptr() }
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for PoolBox<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display, const N: usize> fmt::Display for PoolBox<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

// === impl Exhausted ===

/// No slot was free; the value comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Exhausted<T>(pub T);

impl<T> Exhausted<T> {
    /// Takes the value back.
    #[inline]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Exhausted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exhausted(..)")
    }
}

impl<T> fmt::Display for Exhausted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no slot is free")
    }
}

impl<T> Error for Exhausted<T> {}
