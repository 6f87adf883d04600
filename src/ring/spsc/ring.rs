//! The memory that the two handles share.

use core::fmt;
use core::mem::MaybeUninit;
use core::ops::Deref;
use core::ptr::{slice_from_raw_parts, slice_from_raw_parts_mut};

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::{Consumer, Producer, RingRef};
use crate::arch::prefetcht0;
use crate::atomic::{AtomicUsize, const_fn};
use crate::mem::{CACHE_LINE_BYTES, CachePadded};
use crate::ring::held::Held;
use crate::ring::position::index;
#[cfg(feature = "alloc")]
use crate::ring::storage::Heap;
use crate::ring::storage::sealed::Slots;
use crate::ring::storage::{Borrowed, CapacityError, Inline, Storage};

/// A bounded FIFO ring between one producer and one consumer, without a locked instruction: `N` slots
/// inside the ring.
///
/// `N`: slots, a power of two, at least 1, checked at compile time; all `N` can be filled. Put it in a
/// `static`, on the stack or in a `Box`.
///
/// Size: 384 bytes, plus `N * size_of::<T>()` rounded up to 128.
///
/// See [the module](crate::ring::spsc) for layout, invariants and progress.
///
/// # Examples
///
/// ```
/// use latchless::ring::SpscRing;
///
/// let mut ring = SpscRing::<u64, 1024>::new();
/// let (mut producer, mut consumer) = ring.split();
/// std::thread::scope(|scope| {
///     scope.spawn(move || (0..100).for_each(|n| producer.push(n).unwrap()));
///     let mut received = 0;
///     while received < 100 {
///         if let Some(n) = consumer.pop() {
///             assert_eq!(n, received);
///             received += 1;
///         }
///     }
/// });
/// ```
pub type SpscRing<T, const N: usize> = Ring<Inline<T, N>>;

/// An [`SpscRing`] with slots in the caller's memory.
///
/// # Examples
///
/// ```
/// use core::mem::MaybeUninit;
/// use latchless::ring::SpscSliceRing;
///
/// let mut memory = [const { MaybeUninit::<u32>::uninit() }; 8];
/// let mut ring = SpscSliceRing::in_slice(&mut memory[..4]).unwrap();
/// let (mut producer, mut consumer) = ring.split();
/// assert_eq!(producer.push_slice(&[1, 2, 3, 4, 5]), 4);
/// assert_eq!(consumer.pop(), Some(1));
/// ```
pub type SpscSliceRing<'m, T> = Ring<Borrowed<'m, T>>;

/// An [`SpscRing`] with slots in allocated memory (feature `alloc`).
///
/// # Examples
///
/// ```
/// use latchless::ring::SpscHeapRing;
///
/// let (mut producer, mut consumer) = SpscHeapRing::with_capacity(1000).into_split();
/// assert_eq!(producer.capacity(), 1024);
/// std::thread::spawn(move || producer.push_iter(0..10));
/// let mut sum = 0;
/// // What was pushed before the producer went is seen after.
/// while !consumer.is_abandoned() || !consumer.is_empty() {
///     sum += consumer.pop().unwrap_or(0);
/// }
/// assert_eq!(sum, 45);
/// ```
#[cfg(feature = "alloc")]
pub type SpscHeapRing<T> = Ring<Heap<T>>;

/// A bounded FIFO ring between one producer and one consumer, with its slots where `S` says; see
/// [`SpscRing`], [`SpscSliceRing`] and, with the feature `alloc`, `SpscHeapRing`.
#[repr(C)]
pub struct Ring<S: Storage> {
    pub(super) tail: CachePadded<AtomicUsize>,
    pub(super) head: CachePadded<AtomicUsize>,
    pub(super) held: CachePadded<Held>,
    slots: CachePadded<S>,
}

// SAFETY: a shared ring gives out one producer and one consumer at a time, which move values between
// threads (hence `Send`) and never share a reference to one. Which slot is whose follows from INV-2
// and INV-3.
unsafe impl<S: Storage<Item: Send> + Send> Sync for Ring<S> {}

assert_impl_all!(SpscRing<u8, 1>: Send, Sync);
assert_impl_all!(SpscRing<core::cell::Cell<u8>, 1>: Send, Sync);
assert_not_impl_any!(SpscRing<*const u8, 1>: Send, Sync);
assert_impl_all!(SpscSliceRing<'static, core::cell::Cell<u8>>: Send, Sync);
assert_not_impl_any!(SpscSliceRing<'static, *const u8>: Send, Sync);

impl<T, const N: usize> SpscRing<T, N> {
    const_fn! {
        /// Creates an empty ring.
        #[inline]
        pub const fn new() -> Self {
            Self::with_start(0)
        }
    }

    const_fn! {
        /// Creates an empty ring whose positions start at `position`, for tests of the wrap.
        #[doc(hidden)]
        #[inline]
        pub const fn with_start(position: usize) -> Self {
            Self::over(Inline::new(), position)
        }
    }
}

impl<'m, T> SpscSliceRing<'m, T> {
    const_fn! {
        /// Creates an empty ring with its slots in `memory`, one for each element. What is in `memory` is not
        /// dropped; for speed it should start on a cache line.
        ///
        /// # Errors
        ///
        /// [`CapacityError`] with `memory` in it, if its length is not a power of two.
        #[inline]
        pub const fn in_slice(
            memory: &'m mut [MaybeUninit<T>],
        ) -> Result<Self, CapacityError<&'m mut [MaybeUninit<T>]>> {
            match Borrowed::new(memory) {
                Ok(slots) => Ok(Self::over(slots, 0)),
                Err(error) => Err(error),
            }
        }
    }
}

#[cfg(feature = "alloc")]
impl<T> SpscHeapRing<T> {
    /// Creates an empty ring of at least `least` slots: the next power of two.
    ///
    /// # Panics
    ///
    /// As `Vec::with_capacity` does: if so much memory cannot be addressed; if there is none the
    /// allocator's error handler is called.
    pub fn with_capacity(least: usize) -> Self {
        Self::over(Heap::new(least), 0)
    }
}

impl<S: Storage> Ring<S> {
    const_fn! {
        #[inline]
        const fn over(slots: S, position: usize) -> Self {
            Self {
                tail: CachePadded::new(AtomicUsize::new(position)),
                head: CachePadded::new(AtomicUsize::new(position)),
                held: CachePadded::new(Held::neither()),
                slots: CachePadded::new(slots),
            }
        }
    }

    /// Gives out the two handles for as long as the ring is borrowed. Values stay in the ring when
    /// the handles go away, and the next split finds them.
    ///
    /// **Progress** wait-free. **Context** whoever owns the ring. **Complexity** O(1).
    #[inline]
    pub fn split(&mut self) -> (Producer<&Self>, Consumer<&Self>) {
        // `&mut self` proves that no handle is left, except such as were forgotten (INV-3).
        *self.held = Held::both();
        (Producer::new(self), Consumer::new(self))
    }

    /// Gives out the two handles, if nobody has either: for a ring in a `static`, where an interrupt
    /// handler holds one end and a thread the other.
    ///
    /// A handle that is dropped can be had again, by this or [`try_producer`](Self::try_producer) or
    /// [`try_consumer`](Self::try_consumer); one that is forgotten only after [`split`](Self::split), which
    /// needs the ring unshared.
    ///
    /// **Progress** wait-free (two `lock cmpxchg`). **Context** any. **Complexity** O(1). **Ordering** what
    /// happened before the drop of an earlier handle happens before what follows.
    ///
    /// # Examples
    ///
    /// ```
    /// use latchless::ring::SpscRing;
    ///
    /// static SAMPLES: SpscRing<u32, 64> = SpscRing::new();
    ///
    /// let (mut handler_end, mut thread_end) = SAMPLES.try_split().unwrap();
    /// assert!(SAMPLES.try_split().is_none());
    /// handler_end.push(7).unwrap();
    /// assert_eq!(thread_end.pop(), Some(7));
    ///
    /// drop(handler_end);
    /// assert!(thread_end.is_abandoned());
    /// assert!(SAMPLES.try_split().is_none() && SAMPLES.try_producer().is_some());
    /// ```
    #[inline]
    pub fn try_split(&self) -> Option<(Producer<&Self>, Consumer<&Self>)> {
        Some((self.try_producer()?, self.try_consumer()?))
    }

    /// Gives out the end that pushes, if nobody has it or is trying [`try_split`](Self::try_split).
    ///
    /// **Progress** wait-free (one `lock cmpxchg`). **Context** any. **Complexity** O(1). **Ordering** as
    /// [`try_split`](Self::try_split).
    #[inline]
    pub fn try_producer(&self) -> Option<Producer<&Self>> {
        Producer::try_new(self)
    }

    /// Gives out the end that pops, if nobody has it or is trying [`try_split`](Self::try_split).
    ///
    /// **Progress** wait-free (one `lock cmpxchg`). **Context** any. **Complexity** O(1). **Ordering** as
    /// [`try_split`](Self::try_split).
    #[inline]
    pub fn try_consumer(&self) -> Option<Consumer<&Self>> {
        Consumer::try_new(self)
    }

    /// Turns the ring into two handles that own it together (feature `alloc`). For more handles, after
    /// these are dropped, keep an [`Arc`](alloc::sync::Arc) of the ring, and see [`Producer::try_new`].
    #[cfg(feature = "alloc")]
    pub fn into_split(
        mut self,
    ) -> (Producer<alloc::sync::Arc<Self>>, Consumer<alloc::sync::Arc<Self>>) {
        *self.held = Held::both();
        let ring = alloc::sync::Arc::new(self);
        (Producer::new(ring.clone()), Consumer::new(ring))
    }

    /// The number of values it can hold.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.slots.capacity(self.slots.view())
    }
}

/// A ring, and what is kept at hand to find its slots.
pub(super) struct Attached<R: RingRef> {
    ring: R,
    view: <R::Storage as Slots>::View,
}

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Attached<R> {
    #[inline(always)]
    pub(super) fn new(ring: R) -> Self {
        let view = ring.ring().slots.view();
        Self { ring, view }
    }

    #[inline(always)]
    pub(super) fn capacity(&self) -> usize {
        self.slots.capacity(self.view)
    }

    /// How many slots from `position` on lie side by side, until the memory ends.
    #[inline(always)]
    pub(super) fn contiguous(&self, position: usize) -> usize {
        self.capacity() - self.index(position)
    }

    /// Fetches the line of the slot of `position`, if a value fills one.
    #[inline(always)]
    pub(super) fn prefetch(&self, position: usize) {
        if size_of::<T>() >= CACHE_LINE_BYTES {
            let [slot, _] = self.addresses(position);
            prefetcht0(slot);
        }
    }

    /// Where the slot of `position` is, and where the memory starts; not to be read.
    #[inline(always)]
    pub(super) fn addresses(&self, position: usize) -> [*const T; 2] {
        // SAFETY: the ring's view; an index is less than the capacity, and no slot is asked for.
        [self.index(position), 0].map(|index| unsafe { self.slots.as_ptr(self.view, index, 0) })
    }

    /// The slot of `position`, for reading.
    #[inline(always)]
    pub(super) fn slot(&self, position: usize) -> *const T {
        // SAFETY: the ring's view; an index is less than the capacity.
        unsafe { self.slots.as_ptr(self.view, self.index(position), 1) }
    }

    /// The slot of `position`, for writing.
    #[inline(always)]
    pub(super) fn slot_mut(&self, position: usize) -> *mut T {
        // SAFETY: the ring's view; an index is less than the capacity.
        unsafe { self.slots.as_mut_ptr(self.view, self.index(position), 1) }
    }

    /// `count` slots from `position` on, for reading: those up to the end of the memory, and those
    /// from its start on.
    ///
    /// # Safety
    ///
    /// `count` is at most the capacity.
    #[inline(always)]
    pub(super) unsafe fn runs(&self, position: usize, count: usize) -> [*const [T]; 2] {
        let first = count.min(self.contiguous(position));
        // SAFETY: the ring's view; it ends where the memory does, or before.
        let to_end = unsafe { self.slots.as_ptr(self.view, self.index(position), first) };
        // SAFETY: the ring's view; no more than `count`.
        let from_start = unsafe { self.slots.as_ptr(self.view, 0, count - first) };
        [slice_from_raw_parts(to_end, first), slice_from_raw_parts(from_start, count - first)]
    }

    /// As [`runs`](Self::runs), for writing.
    ///
    /// # Safety
    ///
    /// As for [`runs`](Self::runs).
    #[inline(always)]
    pub(super) unsafe fn runs_mut(&self, position: usize, count: usize) -> [*mut [T]; 2] {
        let first = count.min(self.contiguous(position));
        // SAFETY: the ring's view; it ends where the memory does, or before.
        let to_end = unsafe { self.slots.as_mut_ptr(self.view, self.index(position), first) };
        // SAFETY: the ring's view; no more than `count`.
        let from_start = unsafe { self.slots.as_mut_ptr(self.view, 0, count - first) };
        [
            slice_from_raw_parts_mut(to_end, first),
            slice_from_raw_parts_mut(from_start, count - first),
        ]
    }

    #[inline(always)]
    fn index(&self, position: usize) -> usize {
        index(position, self.capacity())
    }
}

impl<R: RingRef> Deref for Attached<R> {
    type Target = Ring<R::Storage>;

    #[inline(always)]
    fn deref(&self) -> &Ring<R::Storage> {
        self.ring.ring()
    }
}

impl<T, const N: usize> Default for SpscRing<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Storage> Drop for Ring<S> {
    fn drop(&mut self) {
        let (mut head, tail) = (self.head.load_mut(), self.tail.load_mut());
        let ring = Attached::<&Self>::new(self);
        while head != tail {
            // SAFETY: `head <= position < tail`, so the slot holds a value (INV-2), and
            // `&mut self` is alone with it. It is not visited again.
            drop(unsafe { ring.slot_mut(head).read() });
            head = head.wrapping_add(1);
        }
    }
}

impl<S: Storage> fmt::Debug for Ring<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpscRing").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
