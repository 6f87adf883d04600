//! A pool whose values are found again by keys that may be stale: connections by number, timers, objects of C.
//!
//! # Layout
//!
//! ```text
//! pool     a `Pool<T, N>`
//! stamps   [ stamp 0 … stamp N-1 ]   u64 each: generation << 1 | whether the value is in
//! ```
//!
//! # Invariants
//!
//! - INV-1  Where a stamp says that a value is in, the slot holds one and nobody owns it. Who takes that away by
//!   compare-exchange owns the slot, as a [`PoolBox`].
//! - INV-2  Only the owner of a slot changes a stamp that says no. Each insertion gives it a new generation, which
//!   never comes back: there are 2^63.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | insert, put: `stamp` | claim: `stamp` | the value |
//!
//! # Progress and complexity
//!
//! `insert` is lock-free, one `lock cmpxchg` of the pool. `claim` is wait-free, one `lock cmpxchg`; `put` is a
//! plain store. A thread that stops with a box keeps that one value to itself, and others are told so at once.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMI handlers.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::pool::{Exhausted, Pool, PoolBox};
use crate::atomic::{AtomicU64, array, const_fn};
use crate::mem::CachePadded;

/// A lock-free pool of `N` values that are lent by key, to one at a time.
///
/// `N`: as for [`Pool`]. `const`-constructible in a `static`. A key may be copied and kept for as long as
/// one likes: once its value is gone it fits nothing, whatever the slot holds later.
///
/// Size: that of the pool, plus `8 * N` rounded up to 128.
///
/// # Examples
///
/// ```
/// use latchless::stack::KeyedPool;
///
/// static CONNECTIONS: KeyedPool<[u64; 4], 64> = KeyedPool::new();
///
/// let key = CONNECTIONS.insert([0; 4])?;
/// CONNECTIONS.with(key, |connection| connection[0] += 1);
///
/// let connection = CONNECTIONS.claim(key).expect("it is there");
/// assert!(CONNECTIONS.claim(key).is_none(), "it is lent");
/// assert_eq!(connection.into_inner(), [1, 0, 0, 0]);
/// assert!(CONNECTIONS.claim(key).is_none(), "it is gone for good");
/// # Ok::<(), latchless::stack::Exhausted<[u64; 4]>>(())
/// ```
pub struct KeyedPool<T, const N: usize> {
    pool: Pool<T, N>,
    stamps: CachePadded<[AtomicU64; N]>,
}

// A value goes from thread to thread, and is with one at a time: `Sync` is the pool's, which asks `T: Send`.
assert_impl_all!(KeyedPool<core::cell::Cell<u8>, 1>: Send, Sync);
assert_not_impl_any!(KeyedPool<*const u8, 1>: Send, Sync);

/// What finds a value in the [`KeyedPool`] that gave the key out. Another pool may have one that it fits.
///
/// 16 bytes.
pub struct Key<T> {
    generation: u64,
    index: u32,
    finds: PhantomData<fn() -> T>,
}

assert_impl_all!(Key<*const u8>: Send, Sync, Copy);

/// In a stamp: the value is in.
const IN: u64 = 1;
/// From one generation of a stamp to the next.
const GENERATION: u64 = 2;

// === impl KeyedPool ===

impl<T, const N: usize> KeyedPool<T, N> {
    const_fn! {
        /// Creates a pool without values.
        #[inline]
        pub const fn new() -> Self {
            Self { pool: Pool::new(), stamps: CachePadded::new(array![AtomicU64::new(0); N]) }
        }
    }

    /// Moves `value` into a free slot, and returns a new key for it.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`.
    /// **Ordering** what happened before happens before what follows the claim of the value.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] with `value` in it, if at some moment during the call no slot was free. The slot of a value
    /// that is lent is not.
    #[inline]
    pub fn insert(&self, value: T) -> Result<Key<T>, Exhausted<T>> {
        let index = self.pool.alloc(value)?.into_index();
        let stamp = self.stamp(index);
        // ORDERING: Relaxed; the last change was an owner's of the slot (INV-2), and the pool's edge orders owners.
        let generation = stamp.load(Relaxed).wrapping_add(GENERATION);
        // ORDERING: Release, E1.
        stamp.store(generation | IN, Release);
        Ok(Key { generation, index, finds: PhantomData })
    }

    /// Takes a value for oneself. Until it is [`put`](Self::put) back the key finds nothing, and once the box
    /// is dropped never again.
    ///
    /// `None`: another one has it, or it is gone.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1), one `lock cmpxchg`.
    /// **Ordering** what the last one who had it did happens before.
    #[inline]
    pub fn claim(&self, key: Key<T>) -> Option<PoolBox<'_, T, N>> {
        let stamp = self.stamps.get(key.index as usize)?;
        // ORDERING: success Acquire, E1. Failure Relaxed: nothing is read.
        stamp.compare_exchange(key.generation | IN, key.generation, Acquire, Relaxed).ok()?;
        // SAFETY: this call took the slot with its value out (INV-1).
        Some(unsafe { PoolBox::of(&self.pool, key.index) })
    }

    /// Puts a value back that was claimed, and returns the key that it had.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1), without a locked instruction.
    /// **Ordering** as [`insert`](Self::insert).
    ///
    /// # Errors
    ///
    /// The box comes back if it is another pool's.
    #[inline]
    pub fn put<'a>(&self, owned: PoolBox<'a, T, N>) -> Result<Key<T>, PoolBox<'a, T, N>> {
        if !owned.is_of(&self.pool) {
            return Err(owned);
        }
        let index = owned.into_index();
        let stamp = self.stamp(index);
        // ORDERING: Relaxed; the caller owned the slot, whose stamp is nobody else's (INV-2).
        let generation = stamp.load(Relaxed);
        // ORDERING: Release, E1.
        stamp.store(generation | IN, Release);
        Ok(Key { generation, index, finds: PhantomData })
    }

    /// Has `f` look at a value and change it, alone. `None` if another one has it, or it is gone. If `f` unwinds
    /// the value is dropped.
    ///
    /// **Progress** as `f`, else wait-free. **Context** any that `f` is fit for. **Complexity** O(1), one
    /// `lock cmpxchg`. **Ordering** as [`claim`](Self::claim) and [`put`](Self::put).
    #[inline]
    pub fn with<R>(&self, key: Key<T>, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut owned = self.claim(key)?;
        let result = f(&mut owned);
        let put = self.put(owned);
        debug_assert!(put.is_ok_and(|again| again == key), "the box came out of this pool");
        Some(result)
    }

    /// Returns whether a key found its value in at some moment during the call.
    ///
    /// **Progress** wait-free (one `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn contains(&self, key: Key<T>) -> bool {
        let stamp = self.stamps.get(key.index as usize);
        // ORDERING: Relaxed; the answer may be out of date anyway.
        stamp.is_some_and(|stamp| stamp.load(Relaxed) == key.generation | IN)
    }

    /// The number of slots: `N`.
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    #[inline(always)]
    fn stamp(&self, index: u32) -> &AtomicU64 {
        // SAFETY: the index is of a slot of the pool, which are `N`.
        unsafe { self.stamps.get_unchecked(index as usize) }
    }
}

impl<T, const N: usize> Default for KeyedPool<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Drop for KeyedPool<T, N> {
    fn drop(&mut self) {
        for index in 0..N as u32 {
            // ORDERING: Relaxed; the one owner of the pool came by it in an orderly way.
            if self.stamp(index).load(Relaxed) & IN != 0 {
                // SAFETY: the slot holds a value that nobody owns (INV-1), and is not used again.
                unsafe { self.pool.drop_value(index) };
            }
        }
    }
}

impl<T, const N: usize> fmt::Debug for KeyedPool<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedPool").field("capacity", &N).finish_non_exhaustive()
    }
}

// === impl Key ===

impl<T> Clone for Key<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> PartialEq for Key<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        (self.generation, self.index) == (other.generation, other.index)
    }
}

impl<T> Eq for Key<T> {}

impl<T> Hash for Key<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.generation, self.index).hash(state);
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.generation / GENERATION;
        f.debug_struct("Key").field("index", &self.index).field("generation", &number).finish()
    }
}
