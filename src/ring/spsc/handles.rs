//! The two ends.

use core::cell::Cell;
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Release};

use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};

use super::SpscRing;
use crate::ring::Full;

/// The end that pushes. There is one; it may move to another thread or handler.
pub struct Producer<'a, T, const N: usize> {
    pub(super) ring: &'a SpscRing<T, N>,
    /// The ring's `tail`, which only this handle writes.
    pub(super) tail: Cell<usize>,
    /// The ring's `head` when last seen (INV-4).
    pub(super) cached_head: Cell<usize>,
}

/// The end that pops. There is one; it may move to another thread or handler.
pub struct Consumer<'a, T, const N: usize> {
    pub(super) ring: &'a SpscRing<T, N>,
    /// The ring's `head`, which only this handle writes.
    pub(super) head: Cell<usize>,
    /// The ring's `tail` when last seen (INV-4).
    pub(super) cached_tail: Cell<usize>,
}

assert_impl_all!(Producer<'static, core::cell::Cell<u8>, 1>: Send);
assert_impl_all!(Consumer<'static, core::cell::Cell<u8>, 1>: Send);
assert_not_impl_any!(Producer<'static, u8, 1>: Sync, Clone);
assert_not_impl_any!(Consumer<'static, u8, 1>: Sync, Clone);
assert_not_impl_any!(Producer<'static, *const u8, 1>: Send);
assert_not_impl_any!(Consumer<'static, *const u8, 1>: Send);
const_assert_eq!(size_of::<Producer<'static, u64, 8>>(), 3 * size_of::<usize>());
const_assert_eq!(size_of::<Consumer<'static, u64, 8>>(), 3 * size_of::<usize>());

// === impl Producer ===

impl<'a, T, const N: usize> Producer<'a, T, N> {
    pub(super) fn new(ring: &'a SpscRing<T, N>, tail: usize, head: usize) -> Self {
        Self { ring, tail: Cell::new(tail), cached_head: Cell::new(head) }
    }

    /// Appends `value`.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** what happened
    /// before the push happens before what follows the pop of `value`.
    ///
    /// # Errors
    ///
    /// [`Full`] with `value` in it, if `N` values had not been popped when `head` was read.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::{Full, SpscRing};
    /// let mut ring = SpscRing::<_, 1>::new();
    /// let (mut producer, _) = ring.split();
    /// assert_eq!(producer.push('a'), Ok(()));
    /// assert_eq!(producer.push('b'), Err(Full('b')));
    /// ```
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), Full<T>> {
        let tail = self.tail.get();
        if tail.wrapping_sub(self.cached_head.get()) == N && self.refresh() == N {
            return Err(Full(value));
        }
        // SAFETY: `tail - head < N`, so the slot is vacant (INV-2): E2 made the consumer's read of
        // it happen before. `&mut self` makes this the only writer (INV-3).
        unsafe { self.ring.slot(tail).write(value) };
        let next = tail.wrapping_add(1);
        // ORDERING: Release, E1. Publishes the slot write above to `pop`.
        self.ring.tail.store(next, Release);
        self.tail.set(next);
        Ok(())
    }

    /// Returns how many values are in the ring. The consumer may be taking some out: there are
    /// never more than this until the next push.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn len(&self) -> usize {
        self.refresh()
    }

    /// Returns whether the ring is empty. Stays true until the next push.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether a push would be refused, unless the consumer takes something out first.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len() == N
    }

    /// Returns how many pushes will succeed for certain, in elements.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn slots(&self) -> usize {
        N - self.len()
    }

    /// The number of values the ring can hold: `N`.
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Looks at the consumer's position again; returns how many values are in the ring.
    #[inline]
    pub(super) fn refresh(&self) -> usize {
        // ORDERING: Acquire, E2. The slots before `head` are vacated.
        let head = self.ring.head.load(Acquire);
        self.cached_head.set(head);
        self.tail.get().wrapping_sub(head)
    }
}

impl<T, const N: usize> fmt::Debug for Producer<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("len", &self.len()).field("capacity", &N).finish()
    }
}

// === impl Consumer ===

impl<'a, T, const N: usize> Consumer<'a, T, N> {
    pub(super) fn new(ring: &'a SpscRing<T, N>, head: usize, tail: usize) -> Self {
        Self { ring, head: Cell::new(head), cached_tail: Cell::new(tail) }
    }

    /// Takes the oldest value out, or returns `None` if every value pushed so far was taken.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** what happened
    /// before the push of the value happens before what follows this pop.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let head = self.head.get();
        if head == self.cached_tail.get() && self.refresh() == 0 {
            return None;
        }
        // SAFETY: `head < tail`, so the slot holds a value (INV-2), which E1 published. `&mut
        // self` makes this the only reader (INV-3); the store of `head` below gives the slot up.
        let value = unsafe { self.ring.slot(head).read() };
        self.advance(1);
        Some(value)
    }

    /// Shows the oldest value without taking it out.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** as
    /// [`pop`](Self::pop).
    #[inline]
    pub fn peek(&self) -> Option<&T> {
        let head = self.head.get();
        if head == self.cached_tail.get() && self.refresh() == 0 {
            return None;
        }
        // SAFETY: `head < tail`, so the slot holds a value (INV-2), which E1 published. It stays
        // until this handle pops, which the returned borrow forbids.
        Some(unsafe { &*self.ring.slot(head).as_ptr() })
    }

    /// Shows the oldest value for changing, without taking it out.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** as
    /// [`pop`](Self::pop).
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::SpscRing;
    /// let mut ring = SpscRing::<_, 1>::new();
    /// let (mut producer, mut consumer) = ring.split();
    /// producer.push(["work", "more work"].iter()).unwrap();
    /// assert_eq!(consumer.peek_mut().and_then(|job| job.next()), Some(&"work"));
    /// assert_eq!(consumer.pop().and_then(|mut job| job.next()), Some(&"more work"));
    /// ```
    #[inline]
    pub fn peek_mut(&mut self) -> Option<&mut T> {
        let head = self.head.get();
        if head == self.cached_tail.get() && self.refresh() == 0 {
            return None;
        }
        // SAFETY: as in `peek`; `&mut self` makes this the only borrow of the value.
        Some(unsafe { &mut *self.ring.slot(head).as_mut_ptr() })
    }

    /// Returns how many values are in the ring. The producer may be adding some: there are never
    /// fewer than this until the next pop.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn len(&self) -> usize {
        self.refresh()
    }

    /// Returns whether the ring is empty, unless the producer pushes something.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the ring is full. Stays true until the next pop.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len() == N
    }

    /// The number of values the ring can hold: `N`.
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Gives up the `count` oldest slots.
    #[inline]
    pub(super) fn advance(&self, count: usize) {
        let next = self.head.get().wrapping_add(count);
        // ORDERING: Release, E2. The reads of the slots come before their reuse by `push`.
        self.ring.head.store(next, Release);
        self.head.set(next);
    }

    /// Looks at the producer's position again; returns how many values are in the ring.
    #[inline]
    pub(super) fn refresh(&self) -> usize {
        // ORDERING: Acquire, E1. The slots before `tail` hold their values.
        let tail = self.ring.tail.load(Acquire);
        self.cached_tail.set(tail);
        tail.wrapping_sub(self.head.get())
    }
}

impl<T, const N: usize> fmt::Debug for Consumer<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("len", &self.len()).field("capacity", &N).finish()
    }
}
