//! The memory that the two handles share.

use core::fmt;
use core::sync::atomic::Ordering::Relaxed;

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::{Consumer, Producer};
use crate::atomic::{AtomicBool, AtomicUsize, const_fn};
use crate::mem::{CachePadded, SlotOf, Slots};
use crate::ring::position::index;

/// A bounded FIFO ring between one producer and one consumer, without a locked instruction.
///
/// `N`: slots, a power of two, at least 1, checked at compile time; all `N` can be filled. The
/// memory is inline: put it in a `static`, on the stack or in a `Box`.
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
#[repr(C)]
pub struct SpscRing<T, const N: usize> {
    pub(super) tail: CachePadded<AtomicUsize>,
    pub(super) head: CachePadded<AtomicUsize>,
    is_split: CachePadded<AtomicBool>,
    slots: CachePadded<Slots<T, N>>,
}

// SAFETY: a shared ring gives out one producer and one consumer, which move values of `T` between
// threads (hence `T: Send`) and never share a `&T` between them. Which slot is whose follows from
// INV-2 and INV-3.
unsafe impl<T: Send, const N: usize> Sync for SpscRing<T, N> {}

assert_impl_all!(SpscRing<u8, 1>: Send, Sync);
assert_impl_all!(SpscRing<core::cell::Cell<u8>, 1>: Send, Sync);
assert_not_impl_any!(SpscRing<*const u8, 1>: Send, Sync);

impl<T, const N: usize> SpscRing<T, N> {
    const VALID_N: () = assert!(N.is_power_of_two(), "N must be a power of two, at least 1");

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
            const { Self::VALID_N };
            Self {
                tail: CachePadded::new(AtomicUsize::new(position)),
                head: CachePadded::new(AtomicUsize::new(position)),
                is_split: CachePadded::new(AtomicBool::new(false)),
                slots: CachePadded::new(Slots::new()),
            }
        }
    }

    /// Gives out the two handles for as long as the ring is borrowed. Values stay in the ring when
    /// the handles go away, and the next split finds them.
    ///
    /// **Progress** wait-free. **Context** whoever owns the ring.
    #[inline]
    pub fn split(&mut self) -> (Producer<'_, T, N>, Consumer<'_, T, N>) {
        // `&mut self` proves that no handle of an earlier split is left (INV-3).
        *self.is_split = AtomicBool::new(false);
        self.handles()
    }

    /// Gives out the two handles to the first who asks, and `None` to everybody later: for a ring
    /// in a `static`, where an interrupt handler holds one end and a thread the other.
    ///
    /// Until [`split`](Self::split), which needs the ring unshared, the handles are never given
    /// out again, not even when they are dropped.
    ///
    /// **Progress** wait-free (one `xchg`). **Context** any. **Complexity** O(1).
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
    /// ```
    #[inline]
    pub fn try_split(&self) -> Option<(Producer<'_, T, N>, Consumer<'_, T, N>)> {
        // ORDERING: Relaxed; the exchange elects one caller by atomicity alone. Nobody pushed or
        // popped before through a shared reference, so there is nothing to acquire.
        if self.is_split.swap(true, Relaxed) { None } else { Some(self.handles()) }
    }

    /// The number of values it can hold: `N`.
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// The two handles. The caller has made sure that there are no others (INV-3).
    fn handles(&self) -> (Producer<'_, T, N>, Consumer<'_, T, N>) {
        // ORDERING: Relaxed for both; see the callers: what was done through earlier handles
        // happened before, by exclusive access to the ring.
        let (tail, head) = (self.tail.load(Relaxed), self.head.load(Relaxed));
        (Producer::new(self, tail, head), Consumer::new(self, head, tail))
    }

    /// The slot of `position`.
    #[inline(always)]
    pub(super) fn slot(&self, position: usize) -> SlotOf<'_, T, N> {
        // SAFETY: masking keeps the index below `N`.
        unsafe { self.slots.slot(index::<N>(position)) }
    }

    /// How many slots from `position` on lie side by side, until the memory ends.
    #[inline(always)]
    pub(super) fn contiguous(position: usize) -> usize {
        N - index::<N>(position)
    }

    /// `count` slots from `position` on, for reading: those up to the end of the memory, and those
    /// from its start on.
    ///
    /// # Safety
    ///
    /// `count` is at most `N`.
    #[inline(always)]
    pub(super) unsafe fn runs(&self, position: usize, count: usize) -> [*const [T]; 2] {
        let first = count.min(Self::contiguous(position));
        // SAFETY: it ends where the memory does, or before.
        let to_end = unsafe { self.slots.run(index::<N>(position), first) };
        // SAFETY: no more than `count`.
        [to_end, unsafe { self.slots.run(0, count - first) }]
    }

    /// As [`runs`](Self::runs), for writing.
    ///
    /// # Safety
    ///
    /// As for [`runs`](Self::runs).
    #[inline(always)]
    pub(super) unsafe fn runs_mut(&self, position: usize, count: usize) -> [*mut [T]; 2] {
        let first = count.min(Self::contiguous(position));
        // SAFETY: it ends where the memory does, or before.
        let to_end = unsafe { self.slots.run_mut(index::<N>(position), first) };
        // SAFETY: no more than `count`.
        [to_end, unsafe { self.slots.run_mut(0, count - first) }]
    }
}

impl<T, const N: usize> Default for SpscRing<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Drop for SpscRing<T, N> {
    fn drop(&mut self) {
        let (mut head, tail) = (self.head.load_mut(), self.tail.load_mut());
        while head != tail {
            // SAFETY: `head <= position < tail`, so the slot holds a value (INV-2), and
            // `&mut self` is alone with it. It is not visited again.
            drop(unsafe { self.slot(head).read() });
            head = head.wrapping_add(1);
        }
    }
}

impl<T, const N: usize> fmt::Debug for SpscRing<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpscRing").field("capacity", &N).finish_non_exhaustive()
    }
}
