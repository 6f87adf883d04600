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
//! - INV-1  Each index below `N` is in `free`, or owned by one [`PoolBox`], by one [`Magazine`], by a call under
//!   way, or lent: owned by whoever has the pointer that `into_raw` or `alloc_raw` returned.
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
use core::pin::Pin;
use core::ptr::{self, NonNull};

use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};

use super::{IndexStack, Magazine};
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
    pub(super) free: IndexStack<N>,
    slots: CachePadded<[Slot<T>; N]>,
}

// SAFETY: a shared pool moves values of `T` between threads (hence `T: Send`); `&T` is handed out by
// the boxes only. Only the owner of an index touches its slot (INV-1).
unsafe impl<T: Send, const N: usize> Sync for Pool<T, N> {}

assert_impl_all!(Pool<core::cell::Cell<u8>, 1>: Send, Sync);
assert_not_impl_any!(Pool<*const u8, 1>: Send, Sync);

impl<T, const N: usize> Pool<T, N> {
    /// There are addresses enough for slots of size zero.
    const VALID_N: () =
        assert!(N <= isize::MAX as usize / align_of::<T>(), "N times the alignment overflows");

    const_fn! {
        /// Creates a pool whose slots are all free.
        #[inline]
        pub const fn new() -> Self {
            const { Self::VALID_N };
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
        Ok(unsafe { self.fill(index, value) })
    }

    /// A handle for one owner, which keeps up to `CAP` free slots at hand. It has none yet.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub const fn magazine<const CAP: usize>(&self) -> Magazine<'_, T, N, CAP> {
        Magazine::new(self)
    }

    /// Hands out a free slot without a value in it, as a pointer: for C, or for values built in place.
    /// `None` if at some moment during the call no slot was free.
    ///
    /// The pointer is good for a `T`, for as long as the pool is. A slot of size zero has an address of its own
    /// too, outside of the pool. It goes back by [`free_raw`](Self::free_raw) or becomes a box by
    /// [`PoolBox::from_raw`].
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`.
    /// **Ordering** as [`alloc`](Self::alloc).
    ///
    /// # Examples
    ///
    /// ```
    /// use latchless::stack::Pool;
    ///
    /// static BLOCKS: Pool<[u64; 4], 8> = Pool::new();
    ///
    /// let block = BLOCKS.alloc_raw().expect("eight are free");
    /// // SAFETY: the slot is ours.
    /// unsafe { block.write([1, 2, 3, 4]) };
    /// // SAFETY: nobody uses it any more.
    /// assert!(unsafe { BLOCKS.free_raw(block) }.is_ok());
    /// // SAFETY: as above, and it is refused: the slot is free already.
    /// assert!(unsafe { BLOCKS.free_raw(block) }.is_err());
    /// ```
    #[inline]
    pub fn alloc_raw(&self) -> Option<NonNull<T>> {
        let index = self.free.pop()?;
        self.free.lend(index);
        Some(self.pointer_to(index))
    }

    /// Takes back a slot that [`alloc_raw`](Self::alloc_raw) or [`PoolBox::into_raw`] handed out. What is in
    /// it is not dropped.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, two `lock cmpxchg`.
    /// **Ordering** what happened before happens before what the slot's next owner does.
    ///
    /// # Errors
    ///
    /// [`NotLent`], and nothing has changed: the pointer is not one to a slot of this pool, or the slot is free
    /// or a box's. So of two calls with the same pointer the second is refused, until the slot is handed out
    /// as a pointer again: then nobody can tell the two apart.
    ///
    /// # Safety
    ///
    /// If the slot is lent, the caller owns it: nobody uses what is in it any more.
    #[inline]
    pub unsafe fn free_raw(&self, pointer: NonNull<T>) -> Result<(), NotLent> {
        let index = self.redeem(pointer)?;
        GiveBack { free: &self.free, index };
        Ok(())
    }

    /// The slot that a pointer stands for, which was lent and no longer is.
    #[inline]
    fn redeem(&self, pointer: NonNull<T>) -> Result<u32, NotLent> {
        let index = self.index_of(pointer).ok_or(NotLent)?;
        if self.free.redeem(index) { Ok(index) } else { Err(NotLent) }
    }

    /// A pointer that tells the slot.
    #[inline(always)]
    fn pointer_to(&self, index: u32) -> NonNull<T> {
        let pointer = if size_of::<T>() == 0 {
            // All slots lie in one place, but any address that is aligned will do.
            ptr::without_provenance_mut(align_of::<T>().wrapping_mul(index as usize + 1))
        } else {
            self.slot(index).as_mut_ptr()
        };
        // SAFETY: a slot is not at address zero, and a multiple of the alignment that is one at least is none,
        // but where the address wraps, which `VALID_N` rules out.
        unsafe { NonNull::new_unchecked(pointer) }
    }

    /// The slot that a pointer is to, which may be any pointer.
    #[inline(always)]
    fn index_of(&self, pointer: NonNull<T>) -> Option<u32> {
        let (first, stride) = if size_of::<T>() == 0 {
            (align_of::<T>(), align_of::<T>())
        } else {
            (self.slots.as_ptr().addr(), size_of::<Slot<T>>())
        };
        let offset = pointer.addr().get().wrapping_sub(first);
        let index = offset / stride;
        // In a model a slot holds more than its value.
        let is_whole = offset % stride == 0 || size_of::<Slot<T>>() != size_of::<T>();
        (is_whole && index < N).then_some(index as u32)
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

    /// Moves `value` into a slot, which becomes a box's.
    ///
    /// # Safety
    ///
    /// The caller owns the slot, which is vacant, and gives it away.
    #[inline(always)]
    pub(super) unsafe fn fill(&self, index: u32, value: T) -> PoolBox<'_, T, N> {
        // SAFETY: the caller is alone.
        unsafe { self.slot(index).write(value) };
        PoolBox { pool: self, index, owns: PhantomData }
    }

    /// Drops the value in a slot, which is vacant from here on.
    ///
    /// # Safety
    ///
    /// The caller owns the slot, which holds a value.
    #[inline(always)]
    pub(super) unsafe fn drop_value(&self, index: u32) {
        let value = self.slot(index).as_mut_ptr();
        // SAFETY: the caller is alone, and nobody sees the value again before another one is there.
        unsafe { value.drop_in_place() };
    }

    /// Moves the value out of a slot, which is vacant from here on.
    ///
    /// # Safety
    ///
    /// The caller owns the slot, which holds a value.
    #[inline(always)]
    pub(super) unsafe fn take_value(&self, index: u32) -> T {
        // SAFETY: the caller is alone, and the value is read once.
        unsafe { self.slot(index).read() }
    }

    #[inline(always)]
    pub(super) fn slot(&self, index: u32) -> &Slot<T> {
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

impl<'a, T, const N: usize> PoolBox<'a, T, N> {
    /// Makes a pointer of the box: the value and its slot are whoever's who has the pointer, until
    /// [`from_raw`](Self::from_raw) or [`Pool::free_raw`].
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1).
    #[inline]
    pub fn into_raw(self) -> NonNull<T> {
        let this = ManuallyDrop::new(self);
        this.pool.free.lend(this.index);
        this.pool.pointer_to(this.index)
    }

    /// Makes a box of the pointer that [`into_raw`](Self::into_raw) or [`Pool::alloc_raw`] returned.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1), one `lock cmpxchg`.
    ///
    /// # Errors
    ///
    /// [`NotLent`], as [`Pool::free_raw`].
    ///
    /// # Safety
    ///
    /// If the slot is lent, the caller owns it, and there is a value in it.
    #[inline]
    pub unsafe fn from_raw(pool: &'a Pool<T, N>, pointer: NonNull<T>) -> Result<Self, NotLent> {
        let index = pool.redeem(pointer)?;
        Ok(Self { pool, index, owns: PhantomData })
    }

    /// Gives the value away for as long as the pool is borrowed. Its slot never comes back.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn leak(self) -> &'a mut T {
        let this = ManuallyDrop::new(self);
        // SAFETY: the slot is nobody else's (INV-1) and holds a value (INV-2), for as long as the pool.
        unsafe { &mut *this.pool.slot(this.index).as_mut_ptr() }
    }

    /// Takes the value out and gives the slot back.
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn into_inner(self) -> T {
        // The value moves out, so `drop` must not run; the slot goes back by hand.
        let this = ManuallyDrop::new(self);
        // SAFETY: the box owns the slot (INV-1), which holds a value (INV-2).
        let value = unsafe { this.pool.take_value(this.index) };
        GiveBack { free: &this.pool.free, index: this.index };
        value
    }

    /// A box of the slot.
    ///
    /// # Safety
    ///
    /// The caller owns the slot, which holds a value, and gives both away.
    #[inline(always)]
    pub(super) unsafe fn of(pool: &'a Pool<T, N>, index: u32) -> Self {
        Self { pool, index, owns: PhantomData }
    }

    /// The slot, which is the caller's with its value.
    #[inline(always)]
    pub(super) fn into_index(self) -> u32 {
        ManuallyDrop::new(self).index
    }

    #[inline(always)]
    pub(super) fn pool(&self) -> &'a Pool<T, N> {
        self.pool
    }

    /// Whether the slot is one of this pool's.
    #[inline(always)]
    pub(super) fn is_of(&self, pool: &Pool<T, N>) -> bool {
        ptr::eq(self.pool, pool)
    }
}

impl<T, const N: usize> PoolBox<'static, T, N> {
    /// Pins the value, which stays where it is until it is dropped. Of a pool in a `static` only: another one
    /// may be gone while a box that was forgotten was not dropped.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn into_pin(self) -> Pin<Self> {
        // SAFETY: the value does not move with its box. The pool is there for ever, and its slot is not used
        // again before the value was dropped.
        unsafe { Pin::new_unchecked(self) }
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
        // SAFETY: the box owns the slot (INV-1), which holds a value (INV-2).
        unsafe { self.pool.drop_value(self.index) };
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

// === impl NotLent ===

/// The pointer is not one that the pool has handed out, or the slot has come back already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotLent;

impl fmt::Display for NotLent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no slot of this pool is lent by that pointer")
    }
}

impl Error for NotLent {}

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
