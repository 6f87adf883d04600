//! Free slots of a pool, kept at hand by one owner: allocation without a locked instruction.
//!
//! # Layout
//!
//! ```text
//! [ pool | count | kept 0 … kept CAP-1 ]   kept: u32 each, indices of slots; the first `count` are there
//! ```
//!
//! # Invariants
//!
//! - INV-1  Each index among the first `count` is owned by the magazine: in the sense of the pool's INV-1
//!   it is in `free`, but for everybody else.
//! - INV-2  `count` is at most `CAP`.
//!
//! # Edges
//!
//! Those of the pool: slots come by `free.pop_many` and go by `free.push_many`. Between the two they have one
//! owner.
//!
//! # Progress and complexity
//!
//! Without slots at hand an allocation takes half a magazine from the pool in one step, and with a full
//! magazine a free gives half of it back in one step, the slots that were freed first. So one call of
//! `CAP / 2`, at the most, runs a `lock cmpxchg` and is lock-free; the others are wait-free.
//!
//! # What magazines hold back
//!
//! At most `CAP` slots each. An allocation is refused when none is left in the pool, even if other magazines
//! hold some. Of `M` magazines none refuses while fewer than `N - (M - 1) * CAP` slots are in use. A magazine
//! that is forgotten keeps its slots for ever.
//!
//! # References
//!
//! J. Bonwick, J. Adams, "Magazines and Vmem", USENIX 2001.

use core::fmt;

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::pool::{Exhausted, Pool, PoolBox};

/// An owner's handle to a [`Pool`] that keeps up to `CAP` free slots at hand.
///
/// `CAP`: at least 1, checked at compile time; 32 is a good one. A thread or a CPU has one of its own. Its boxes
/// are the pool's: they may be dropped anywhere, or freed into another magazine of the pool. Dropping the
/// magazine gives its slots back.
///
/// Allocation is refused as soon as the pool has no slot left, though other magazines may: with `M` magazines
/// that is not before `N - (M - 1) * CAP` slots are in use.
///
/// Size: 16 bytes and `4 * CAP` rounded up to 8, on 64-bit targets.
///
/// # Examples
///
/// ```
/// use latchless::stack::Pool;
///
/// static PACKETS: Pool<[u8; 1500], 256> = Pool::new();
///
/// let mut packets = PACKETS.magazine::<32>(); // one a thread
/// for _ in 0..1000 {
///     let packet = packets.alloc([0; 1500])?; // one in 16 asks the pool
///     assert!(packets.free(packet).is_ok());
/// }
/// # Ok::<(), latchless::stack::Exhausted<[u8; 1500]>>(())
/// ```
pub struct Magazine<'a, T, const N: usize, const CAP: usize> {
    pool: &'a Pool<T, N>,
    count: usize,
    kept: [u32; CAP],
}

assert_impl_all!(Magazine<'static, core::cell::Cell<u8>, 1, 1>: Send);
assert_not_impl_any!(Magazine<'static, *const u8, 1, 1>: Send, Sync);

// === impl Magazine ===

impl<'a, T, const N: usize, const CAP: usize> Magazine<'a, T, N, CAP> {
    const VALID_CAP: () = assert!(CAP >= 1, "CAP must be at least 1");
    /// How many slots come from the pool or go to it in one step.
    const HALF: usize = CAP.div_ceil(2);

    /// Creates a magazine without slots.
    #[inline]
    pub(super) const fn new(pool: &'a Pool<T, N>) -> Self {
        const { Self::VALID_CAP };
        Self { pool, count: 0, kept: [0; CAP] }
    }

    /// Moves `value` into a free slot.
    ///
    /// **Progress** lock-free; wait-free with a slot at hand. **Context** any; only the magazine's owner can
    /// call. **Complexity** O(1) with a slot at hand, without a locked instruction; else O(`CAP`) alone, one
    /// `lock cmpxchg`. **Ordering** what the slot's last owner did happens before.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] with `value` in it, if there was none at hand and at some moment during the call none in
    /// the pool. Other magazines may have some.
    #[inline]
    pub fn alloc(&mut self, value: T) -> Result<PoolBox<'a, T, N>, Exhausted<T>> {
        if self.count == 0 && !self.refill() {
            return Err(Exhausted(value));
        }
        let at = self.count.wrapping_sub(1);
        let Some(&index) = self.kept.get(at) else { return Err(Exhausted(value)) };
        self.count = at;
        // SAFETY: the magazine owned the index (INV-1), and no longer counts it. The slot is vacant.
        Ok(unsafe { self.pool.fill(index, value) })
    }

    /// Drops a value and keeps its slot at hand.
    ///
    /// **Progress** lock-free; wait-free unless the magazine is full. **Context** any that the value's `Drop` is
    /// fit for; only the magazine's owner can call. **Complexity** O(1) without a locked instruction, unless
    /// the magazine is full; then O(`CAP`) alone, one `lock cmpxchg`. **Ordering** what happened before happens
    /// before what the slot's next owner does.
    ///
    /// # Errors
    ///
    /// The box comes back if it is another pool's.
    #[inline]
    pub fn free(&mut self, owned: PoolBox<'a, T, N>) -> Result<(), PoolBox<'a, T, N>> {
        if !owned.is_of(self.pool) {
            return Err(owned);
        }
        let pool = self.pool;
        let keeps = Keeps { magazine: self, index: owned.into_index() };
        // SAFETY: the slot was the box's, with a value in it, which nobody sees again.
        unsafe { pool.drop_value(keeps.index) };
        Ok(())
    }

    /// Takes the value out of a box and keeps its slot at hand.
    ///
    /// **Progress**, **Context**, **Complexity** and **Ordering** as [`free`](Self::free); nothing is dropped.
    ///
    /// # Errors
    ///
    /// The box comes back if it is another pool's.
    #[inline]
    pub fn take(&mut self, owned: PoolBox<'a, T, N>) -> Result<T, PoolBox<'a, T, N>> {
        if !owned.is_of(self.pool) {
            return Err(owned);
        }
        let index = owned.into_index();
        // SAFETY: the slot was the box's, with a value in it; it is read once.
        let value = unsafe { self.pool.take_value(index) };
        self.keep(index);
        Ok(value)
    }

    /// Gives all slots at hand back to the pool.
    ///
    /// **Progress** lock-free. **Context** any; only the magazine's owner can call. **Complexity** O(`CAP`)
    /// alone, one `lock cmpxchg`. **Ordering** as [`free`](Self::free).
    #[inline]
    pub fn drain(&mut self) {
        let count = core::mem::take(&mut self.count);
        self.push(count);
    }

    /// The number of slots at hand.
    #[inline]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Returns whether no slot is at hand.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of slots that it can keep: `CAP`.
    #[inline]
    pub const fn capacity(&self) -> usize {
        CAP
    }

    /// The pool whose slots these are.
    #[inline]
    pub const fn pool(&self) -> &'a Pool<T, N> {
        self.pool
    }

    /// Takes slots from the pool, and returns whether it had any. There are none at hand.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) -> bool {
        let room = self.kept.split_at_mut_checked(Self::HALF);
        self.count = room.map_or(0, |(half, _)| self.pool.free.pop_many(half));
        self.count > 0
    }

    /// Keeps a slot, which is vacant and the caller's.
    #[inline(always)]
    fn keep(&mut self, index: u32) {
        if self.count >= CAP {
            self.make_room();
        }
        if let Some(place) = self.kept.get_mut(self.count) {
            *place = index;
            self.count += 1;
        }
    }

    /// Gives back the half of a full magazine that was kept longest.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self) {
        self.push(Self::HALF);
        self.kept.copy_within(Self::HALF.., 0);
        self.count = CAP - Self::HALF;
    }

    /// Gives back the first slots.
    #[inline]
    fn push(&self, count: usize) {
        let given =
            self.kept.get(..count).is_some_and(|kept| self.pool.free.push_many(kept).is_ok());
        debug_assert!(given, "the indices came out of this stack");
    }
}

/// Keeps a slot when it goes out of scope, even if the value's `Drop` unwinds.
struct Keeps<'m, 'a, T, const N: usize, const CAP: usize> {
    magazine: &'m mut Magazine<'a, T, N, CAP>,
    index: u32,
}

impl<T, const N: usize, const CAP: usize> Drop for Keeps<'_, '_, T, N, CAP> {
    #[inline(always)]
    fn drop(&mut self) {
        self.magazine.keep(self.index);
    }
}

impl<T, const N: usize, const CAP: usize> Drop for Magazine<'_, T, N, CAP> {
    #[inline]
    fn drop(&mut self) {
        self.drain();
    }
}

impl<T, const N: usize, const CAP: usize> fmt::Debug for Magazine<'_, T, N, CAP> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Magazine")
            .field("len", &self.count)
            .field("capacity", &CAP)
            .finish_non_exhaustive()
    }
}
