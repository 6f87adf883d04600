//! Two index rings and the slots between them.

use core::fmt;

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::index_ring::IndexRing;
use crate::atomic::{array, const_fn, only_in_models};
use crate::mem::{CachePadded, Slot};
use crate::ring::Full;

/// A bounded FIFO ring for any number of producers and consumers, strictly lock-free.
///
/// `N`: slots, a power of two, at least 1, checked at compile time; all `N` can be filled. No
/// allocator, no lock, no registration of threads: put it in a `static` and use it from threads,
/// interrupt handlers and NMI handlers at once.
///
/// Size: 768 bytes, plus `32 * N` for the indices (rounded up to 256), plus `N * size_of::<T>()`
/// rounded up to 128.
///
/// See [the module](crate::ring::mpmc) for what Full and Empty mean, invariants and progress.
///
/// # Examples
///
/// ```
/// use latchless::ring::MpmcRing;
///
/// static JOBS: MpmcRing<fn() -> u32, 64> = MpmcRing::new();
///
/// std::thread::scope(|scope| {
///     scope.spawn(|| JOBS.push(|| 6 * 7).unwrap());
///     let job = loop {
///         if let Some(job) = JOBS.pop() {
///             break job;
///         }
///     };
///     assert_eq!(job(), 42);
/// });
/// ```
#[repr(C)]
pub struct MpmcRing<T, const N: usize> {
    free: IndexRing<N>,
    allocated: IndexRing<N>,
    slots: CachePadded<[Slot<T>; N]>,
}

// SAFETY: a shared ring moves values of `T` between threads (hence `T: Send`) and never shares a
// `&T`. An index has one owner, and only the owner touches its slot (INV-1, INV-2).
unsafe impl<T: Send, const N: usize> Sync for MpmcRing<T, N> {}

assert_impl_all!(MpmcRing<u8, 1>: Send, Sync);
assert_impl_all!(MpmcRing<core::cell::Cell<u8>, 1>: Send, Sync);
assert_not_impl_any!(MpmcRing<*const u8, 1>: Send, Sync);

impl<T, const N: usize> MpmcRing<T, N> {
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
        pub const fn with_start(position: u64) -> Self {
            Self {
                free: IndexRing::full(position),
                allocated: IndexRing::empty(position),
                slots: CachePadded::new(array![Slot::new(); N]),
            }
        }
    }

    /// Appends `value`.
    ///
    /// **Progress** lock-free; a thread stopped anywhere in a push or pop does not stop others.
    /// **Context** any. **Complexity** O(1) alone: two `lock xadd`, one `lock or`, one
    /// `lock cmpxchg`. **Ordering** what happened before the push happens before what follows the
    /// pop of `value`.
    ///
    /// # Errors
    ///
    /// [`Full`] with `value` in it, if at some moment during the call every slot held a value or
    /// was owned by another call under way.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::{Full, MpmcRing};
    /// let ring = MpmcRing::<_, 2>::new();
    /// assert_eq!(ring.push('a'), Ok(()));
    /// assert_eq!(ring.push('b'), Ok(()));
    /// assert_eq!(ring.push('c'), Err(Full('c')));
    /// assert_eq!(ring.pop(), Some('a'));
    /// ```
    #[inline]
    pub fn push(&self, value: T) -> Result<(), Full<T>> {
        let Some(index) = self.free.take() else {
            return Err(Full(value));
        };
        // SAFETY: `take` made this call the one owner of the index (INV-1), and the slot of a free
        // index is empty (INV-2); E1 made the last reader's access happen before.
        unsafe { self.slot(index).write(value) };
        self.allocated.put(index);
        Ok(())
    }

    /// Takes the oldest value out, or returns `None` if at some moment during the call the ring
    /// was empty.
    ///
    /// **Progress** lock-free; a thread stopped anywhere in a push or pop does not stop others.
    /// **Context** any. **Complexity** O(1) alone: two `lock xadd`, one `lock or`, one
    /// `lock cmpxchg`. A pop from a ring that an earlier pop found empty is three loads.
    /// **Ordering** what happened before the push of the value happens before what follows this
    /// pop. `None` orders nothing.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        self.allocated.take().map(|index| self.empty_slot(index))
    }

    /// [`pop`](Self::pop) that draws a ticket even if the ring looks empty, for tests: all it does
    /// a pop may do as well, whose look came too early.
    #[doc(hidden)]
    pub fn pop_by_ticket(&self) -> Option<T> {
        self.allocated.take_by_ticket().map(|index| self.empty_slot(index))
    }

    only_in_models! {
        /// Whether each pop in vain since the last push was seen by that push, or was none, for models.
        #[doc(hidden)]
        pub fn is_threshold_full(&self) -> bool {
            self.allocated.is_threshold_full()
        }
    }

    /// Estimates how many values are in the ring, never more than `N`.
    ///
    /// Exact while no call is under way and none has lost a race. A push that lost a race skipped a
    /// position, which counts as a value until a pop has passed it. While calls are under way the
    /// estimate may be out of date when it is returned.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn len(&self) -> usize {
        self.allocated.len()
    }

    /// Returns whether the ring was empty at some moment during the call, without writing anything.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.allocated.is_empty()
    }

    /// Returns whether a push at some moment during the call would have been refused, without
    /// writing anything.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    /// The number of values it can hold: `N`.
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Reads the slot of `index`, which a take on `allocated` returned, and gives the index back.
    #[inline(always)]
    fn empty_slot(&self, index: usize) -> T {
        // SAFETY: the take made this call the one owner of the index (INV-1), and the slot of an
        // allocated index holds a value (INV-2), which E1 published; it is read once.
        let value = unsafe { self.slot(index).read() };
        self.free.put(index);
        value
    }

    #[inline(always)]
    fn slot(&self, index: usize) -> &Slot<T> {
        // SAFETY: an index ring holds indices below `N` only.
        unsafe { self.slots.get_unchecked(index) }
    }
}

impl<T, const N: usize> Default for MpmcRing<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Drop for MpmcRing<T, N> {
    fn drop(&mut self) {
        while let Some(value) = self.pop() {
            drop(value);
        }
    }
}

impl<T, const N: usize> fmt::Debug for MpmcRing<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MpmcRing").field("len", &self.len()).field("capacity", &N).finish()
    }
}
