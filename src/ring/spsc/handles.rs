//! The two ends.

use core::cell::Cell;
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};

use super::ring::Attached;
use super::{Ring, SpscRing};
use crate::mem::CACHE_LINE_BYTES;
use crate::ring::Full;
use crate::ring::held::take;
use crate::ring::storage::Storage;

/// What a handle holds its ring by: `&Ring`, or with the feature `alloc` `Arc<Ring>`.
///
/// Sealed: a handle relies on it being the same ring always.
pub trait RingRef: sealed::RingRef {}

impl<R: sealed::RingRef> RingRef for R {}

pub(super) mod sealed {
    use super::{Ring, Storage};

    pub trait RingRef {
        type Storage: Storage;

        fn ring(&self) -> &Ring<Self::Storage>;
    }

    impl<S: Storage> RingRef for &Ring<S> {
        type Storage = S;

        #[inline(always)]
        fn ring(&self) -> &Ring<S> {
            self
        }
    }

    #[cfg(feature = "alloc")]
    impl<S: Storage> RingRef for alloc::sync::Arc<Ring<S>> {
        type Storage = S;

        #[inline(always)]
        fn ring(&self) -> &Ring<S> {
            self
        }
    }
}

/// The end that pushes: `Producer<&SpscRing<T, N>>`, for example. There is one; it may move to another
/// thread or handler. Dropped, it gives its end back.
///
/// It lies on a cache line of its own, apart from the consumer that was made beside it.
#[repr(align(64))]
pub struct Producer<R: RingRef> {
    pub(super) ring: Attached<R>,
    /// The ring's `tail`, which only this handle writes, and ahead of it by what a batch has not published.
    pub(super) tail: Cell<usize>,
    /// The ring's `head` when last seen (INV-4).
    pub(super) cached_head: Cell<usize>,
}

/// The end that pops: `Consumer<&SpscRing<T, N>>`, for example. There is one; it may move to another
/// thread or handler. Dropped, it gives its end back.
///
/// It lies on a cache line of its own, apart from the producer that was made beside it.
#[repr(align(64))]
pub struct Consumer<R: RingRef> {
    pub(super) ring: Attached<R>,
    /// The ring's `head`, which only this handle writes.
    pub(super) head: Cell<usize>,
    /// The ring's `tail` when last seen (INV-4).
    pub(super) cached_tail: Cell<usize>,
}

assert_impl_all!(Producer<&'static SpscRing<Cell<u8>, 1>>: Send);
assert_impl_all!(Consumer<&'static SpscRing<Cell<u8>, 1>>: Send);
assert_not_impl_any!(Producer<&'static SpscRing<u8, 1>>: Sync, Clone);
assert_not_impl_any!(Consumer<&'static SpscRing<u8, 1>>: Sync, Clone);
assert_not_impl_any!(Producer<&'static SpscRing<*const u8, 1>>: Send);
assert_not_impl_any!(Consumer<&'static SpscRing<*const u8, 1>>: Send);
const_assert_eq!(size_of::<Producer<&'static SpscRing<u64, 8>>>(), CACHE_LINE_BYTES);
const_assert_eq!(size_of::<Consumer<&'static SpscRing<u64, 8>>>(), CACHE_LINE_BYTES);

// === impl Producer ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Producer<R> {
    /// Takes the end that pushes into the ring, if nobody has it or is trying [`Ring::try_split`].
    ///
    /// **Progress** wait-free (one `lock cmpxchg`). **Context** any. **Complexity** O(1). **Ordering** as
    /// [`Ring::try_split`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// use latchless::ring::{SpscRing, spsc::{Consumer, Producer}};
    /// use std::sync::Arc;
    ///
    /// let ring = Arc::new(SpscRing::<u8, 4>::new());
    /// let mut producer = Producer::try_new(ring.clone()).unwrap();
    /// let mut consumer = Consumer::try_new(ring).unwrap();
    /// std::thread::spawn(move || producer.push(1).unwrap()).join().unwrap();
    /// assert_eq!(consumer.pop(), Some(1));
    /// # }
    /// ```
    #[inline]
    pub fn try_new(ring: R) -> Option<Self> {
        take(&ring.ring().held.producer).then(|| Self::new(ring))
    }

    /// The end that pushes. The caller has taken it (INV-3).
    #[inline]
    pub(super) fn new(ring: R) -> Self {
        let ring = Attached::new(ring);
        // ORDERING: Relaxed; the last to write it was an earlier producer, before E3, or whoever had
        // the ring alone.
        let tail = ring.tail.load(Relaxed);
        // ORDERING: Acquire, E2. The slots before `head` are vacated.
        let head = ring.head.load(Acquire);
        Self { ring, tail: Cell::new(tail), cached_head: Cell::new(head) }
    }

    /// Appends `value`.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** what happened
    /// before the push happens before what follows the pop of `value`.
    ///
    /// # Errors
    ///
    /// [`Full`] with `value` in it, if as many values as it can hold had not been popped when `head` was read.
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
        if !self.has_room() {
            return Err(Full(value));
        }
        // SAFETY: the slot is vacant. `&mut self` makes this the only writer (INV-3).
        unsafe { self.ring.slot_mut(tail).write(value) };
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
        self.len() == self.capacity()
    }

    /// Returns how many pushes will succeed for certain, in elements.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn slots(&self) -> usize {
        self.capacity() - self.len()
    }

    /// The number of values the ring can hold.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// Whether nobody has the other end: its handle was dropped, or not asked for yet.
    ///
    /// It can be had again where it came from, so whoever wants to be told of an end that is lost for good
    /// has to know that nobody will take it.
    ///
    /// **Progress** wait-free. **Context** any. **Ordering** what happened before the consumer was dropped
    /// happens before what follows.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        // ORDERING: Acquire, E3. What the consumer did last is seen from here on.
        !self.ring.held.consumer.load(Acquire)
    }

    /// Whether the slot of `tail` is vacant (INV-2): E2 made the consumer's read of it happen before.
    #[inline(always)]
    pub(super) fn has_room(&self) -> bool {
        self.tail.get().wrapping_sub(self.cached_head.get()) != self.capacity()
            || self.refresh() != self.capacity()
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

impl<R: RingRef> Drop for Producer<R> {
    #[inline]
    fn drop(&mut self) {
        // ORDERING: Release, E3. What this handle did is seen by the next, and by a consumer that finds
        // itself abandoned.
        self.ring.held.producer.store(false, Release);
    }
}

impl<R: RingRef> fmt::Debug for Producer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}

// === impl Consumer ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Consumer<R> {
    /// Takes the end that pops from the ring, if nobody has it or is trying [`Ring::try_split`].
    ///
    /// **Progress** wait-free (one `lock cmpxchg`). **Context** any. **Complexity** O(1). **Ordering** as
    /// [`Ring::try_split`].
    #[inline]
    pub fn try_new(ring: R) -> Option<Self> {
        take(&ring.ring().held.consumer).then(|| Self::new(ring))
    }

    /// The end that pops. The caller has taken it (INV-3).
    #[inline]
    pub(super) fn new(ring: R) -> Self {
        let ring = Attached::new(ring);
        // ORDERING: Relaxed; the last to write it was an earlier consumer, before E3, or whoever had
        // the ring alone.
        let head = ring.head.load(Relaxed);
        // ORDERING: Acquire, E1. The slots before `tail` hold their values.
        let tail = ring.tail.load(Acquire);
        Self { ring, head: Cell::new(head), cached_tail: Cell::new(tail) }
    }

    /// Takes the oldest value out, or returns `None` if every value pushed so far was taken.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** what happened
    /// before the push of the value happens before what follows this pop.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let head = self.head.get();
        if head == self.cached_tail.get() && self.look() == 0 {
            return None;
        }
        // SAFETY: `head < tail`, so the slot holds a value (INV-2), which E1 published. `&mut
        // self` makes this the only reader (INV-3); the store of `head` below gives the slot up.
        let value = unsafe { self.ring.slot_mut(head).read() };
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
        if head == self.cached_tail.get() && self.look() == 0 {
            return None;
        }
        // SAFETY: `head < tail`, so the slot holds a value (INV-2), which E1 published. It stays
        // until this handle pops, which the returned borrow forbids.
        Some(unsafe { &*self.ring.slot(head) })
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
        if head == self.cached_tail.get() && self.look() == 0 {
            return None;
        }
        // SAFETY: as in `peek`; `&mut self` makes this the only borrow of the value.
        Some(unsafe { &mut *self.ring.slot_mut(head) })
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
        self.len() == self.capacity()
    }

    /// The number of values the ring can hold.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// Whether nobody has the other end: its handle was dropped, or not asked for yet.
    ///
    /// What the producer had pushed is there still: the ring is drained for good when it is found empty
    /// after this.
    ///
    /// **Progress** wait-free. **Context** any. **Ordering** what happened before the producer was dropped
    /// happens before what follows.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        // ORDERING: Acquire, E3. What the producer did last is seen from here on.
        !self.ring.held.producer.load(Acquire)
    }

    /// Gives up the `count` oldest slots.
    #[inline]
    pub(super) fn advance(&self, count: usize) {
        let next = self.head.get().wrapping_add(count);
        // ORDERING: Release, E2. The reads of the slots come before their reuse by `push`.
        self.ring.head.store(next, Release);
        self.head.set(next);
    }

    /// As [`refresh`](Self::refresh), to take something out. The line of a large value comes from the
    /// producer at the same time as that of `tail`, not after it; the one of small values is left to the
    /// producer, who may be writing to it.
    #[inline]
    pub(super) fn look(&self) -> usize {
        self.ring.prefetch(self.head.get());
        self.refresh()
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

impl<R: RingRef> Drop for Consumer<R> {
    #[inline]
    fn drop(&mut self) {
        // ORDERING: Release, E3. What this handle did is seen by the next, and by a producer that finds
        // itself abandoned.
        self.ring.held.consumer.store(false, Release);
    }
}

impl<R: RingRef> fmt::Debug for Consumer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}
