//! The memory that all share, and the calls that move one value.

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::word::{self, CLOSED};
use super::{PopError, PushError};
use crate::atomic::{AtomicUsize, array, const_fn};
use crate::mem::{CachePadded, Slot as Room};
#[cfg(feature = "alloc")]
use crate::ring::storage::Heap;
#[cfg(feature = "alloc")]
use crate::ring::storage::sealed::Slots;
use crate::ring::storage::{Borrowed, CapacityError, Inline, Storage};

/// A bounded FIFO ring for any number of producers and consumers that takes one locked instruction a
/// call and is *not* lock-free: a thread stopped between its claim of a slot and its publication stops
/// that slot, and the others when they come to it. `N` slots inside the ring.
///
/// No call waits for that thread: it returns [`PushError::Busy`] or [`PopError::Busy`]. Take
/// [`MpmcRing`](crate::ring::MpmcRing) where the others have to go on.
///
/// `N`: slots, a power of two, at least 1, checked at compile time; all `N` can be filled. All bytes of a
/// new ring are zero, so a `static` one takes no room in the executable.
///
/// Size: 256 bytes, plus `N` times that of a word and a `T` rounded up to 128.
///
/// See [the module](crate::ring::turn) for layout, invariants and progress.
///
/// # Examples
///
/// ```
/// use latchless::ring::{TurnRing, turn::PopError};
///
/// static JOBS: TurnRing<fn() -> u32, 64> = TurnRing::new();
///
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         JOBS.push(|| 6 * 7).unwrap();
///         JOBS.close();
///     });
///     loop {
///         match JOBS.pop() {
///             Ok(job) => assert_eq!(job(), 42),
///             Err(PopError::Closed) => break,
///             Err(PopError::Empty | PopError::Busy) => std::thread::yield_now(),
///         }
///     }
/// });
/// ```
pub type TurnRing<T, const N: usize> = Ring<T, Inline<Slot<T>, N>>;

/// A [`TurnRing`] with slots in the caller's memory.
///
/// # Examples
///
/// ```
/// use core::mem::MaybeUninit;
/// use latchless::ring::{TurnSliceRing, turn::Slot};
///
/// let mut memory = [const { MaybeUninit::<Slot<u32>>::uninit() }; 8];
/// let ring = TurnSliceRing::in_slice(&mut memory[..4]).unwrap();
/// assert_eq!(ring.push_slice(&[1, 2, 3, 4, 5]), 4);
/// assert_eq!(ring.pop(), Ok(1));
/// ```
pub type TurnSliceRing<'m, T> = Ring<T, Borrowed<'m, Slot<T>>>;

/// A [`TurnRing`] with slots in allocated memory (feature `alloc`).
///
/// # Examples
///
/// ```
/// use latchless::ring::TurnHeapRing;
///
/// let ring = TurnHeapRing::with_capacity(1000);
/// assert_eq!(ring.capacity(), 1024);
/// assert!(ring.push("value").is_ok());
/// ```
#[cfg(feature = "alloc")]
pub type TurnHeapRing<T> = Ring<T, Heap<Slot<T>>>;

/// A bounded FIFO ring for any number of producers and consumers, *not* lock-free, with its slots where
/// `S` says; see [`TurnRing`], [`TurnSliceRing`] and, with the feature `alloc`, `TurnHeapRing`.
#[repr(C)]
pub struct Ring<T, S: Storage<Item = Slot<T>>> {
    pub(super) tail: CachePadded<AtomicUsize>,
    pub(super) head: CachePadded<AtomicUsize>,
    slots: CachePadded<S>,
    values: PhantomData<T>,
}

/// Room for a value, and whose turn it is to fill or to vacate it.
#[repr(C)]
pub struct Slot<T> {
    pub(super) turn: AtomicUsize,
    pub(super) value: Room<T>,
}

// SAFETY: a shared ring moves values of `T` between threads (hence `T: Send`) and never shares a `&T`. Only
// the call that has claimed a position touches its slot (INV-2).
unsafe impl<T: Send, S: Storage<Item = Slot<T>> + Send> Sync for Ring<T, S> {}

assert_impl_all!(TurnRing<u8, 1>: Send, Sync);
assert_impl_all!(TurnRing<core::cell::Cell<u8>, 1>: Send, Sync);
assert_not_impl_any!(TurnRing<*const u8, 1>: Send, Sync);
assert_impl_all!(TurnSliceRing<'static, core::cell::Cell<u8>>: Send, Sync);
assert_not_impl_any!(TurnSliceRing<'static, *const u8>: Send, Sync);

// === impl Slot ===

impl<T> Slot<T> {
    const_fn! {
        #[inline]
        const fn new(turn: usize) -> Self {
            Self { turn: AtomicUsize::new(turn), value: Room::new() }
        }
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

// === impl Ring ===

impl<T, const N: usize> TurnRing<T, N> {
    const_fn! {
        /// Creates an empty ring, of bytes that are all zero.
        #[inline]
        pub const fn new() -> Self {
            Self::over(Inline::of(array![MaybeUninit::new(Slot::new(0)); N]), 0)
        }
    }

    const_fn! {
        /// Creates an empty ring whose positions start at `position`, for tests of the wrap.
        #[doc(hidden)]
        #[inline]
        #[expect(clippy::indexing_slicing, reason = "the index is less than `N`")]
        pub const fn with_start(position: usize) -> Self {
            let mut slots = array![MaybeUninit::new(Slot::new(0)); N];
            let mut count = 0;
            while count < N {
                let word = word::after(word::of(position), count);
                slots[word::index(word, N)] = MaybeUninit::new(Slot::new(word::vacant(word, N)));
                count += 1;
            }
            Self::over(Inline::of(slots), position)
        }
    }
}

impl<'m, T> TurnSliceRing<'m, T> {
    /// Creates an empty ring with its slots in `memory`. For speed it should start on a cache line.
    ///
    /// # Errors
    ///
    /// [`CapacityError`] with `memory` in it, if its length is not a power of two.
    #[inline]
    pub fn in_slice(
        memory: &'m mut [MaybeUninit<Slot<T>>],
    ) -> Result<Self, CapacityError<&'m mut [MaybeUninit<Slot<T>>]>> {
        if memory.len().is_power_of_two() {
            for slot in memory.iter_mut() {
                slot.write(Slot::new(0));
            }
        }
        Ok(Self::over(Borrowed::new(memory)?, 0))
    }
}

#[cfg(feature = "alloc")]
impl<T> TurnHeapRing<T> {
    /// Creates an empty ring of at least `least` slots: the next power of two.
    ///
    /// # Panics
    ///
    /// As `Vec::with_capacity` does: if so much memory cannot be addressed; if there is none the
    /// allocator's error handler is called.
    pub fn with_capacity(least: usize) -> Self {
        let ring = Self::over(Heap::new(least), 0);
        for index in 0..ring.capacity() {
            // SAFETY: an index is less than the capacity.
            let slot = unsafe { ring.slots.as_mut_ptr(ring.slots.view(), index, 1) };
            // SAFETY: allocated for a slot, and nobody else has it.
            unsafe { slot.write(Slot::new(0)) };
        }
        ring
    }
}

impl<T, S: Storage<Item = Slot<T>>> Ring<T, S> {
    const_fn! {
        #[inline]
        const fn over(slots: S, position: usize) -> Self {
            Self {
                tail: CachePadded::new(AtomicUsize::new(word::of(position))),
                head: CachePadded::new(AtomicUsize::new(word::of(position))),
                slots: CachePadded::new(slots),
                values: PhantomData,
            }
        }
    }

    /// Appends `value`.
    ///
    /// **Progress** lock-free but for its slot: a thread stopped in it stops the pops that come to that
    /// slot, which return. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`. **Ordering**
    /// what happened before the push happens before what follows the pop of `value`; what happened
    /// before [`close`](Self::close) happens before what follows `Closed`.
    ///
    /// # Errors
    ///
    /// With `value` in it: [`PushError::Full`] if at some moment during the call `N` values were in the
    /// ring; [`PushError::Busy`] if the slot was not vacated yet by another call, which has claimed it;
    /// [`PushError::Closed`] if the ring was closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::{TurnRing, turn::PushError};
    /// let ring = TurnRing::<_, 2>::new();
    /// assert_eq!(ring.push('a'), Ok(()));
    /// assert_eq!(ring.push('b'), Ok(()));
    /// assert_eq!(ring.push('c'), Err(PushError::Full('c')));
    /// assert_eq!(ring.pop(), Ok('a'));
    /// ```
    #[inline]
    pub fn push(&self, value: T) -> Result<(), PushError<T>> {
        // ORDERING: Relaxed; the exchange finds out whether it is so.
        let tail = self.tail.load(Relaxed);
        match self.try_claim_vacant(tail, 1, 1) {
            Ok(claim) => {
                // SAFETY: claimed just now.
                unsafe { self.fill(claim.word, value) };
                Ok(())
            }
            Err(count) => self.push_again(tail, count, value),
        }
    }

    /// Takes the oldest value out.
    ///
    /// **Progress** lock-free but for its slot: a thread stopped in it stops the pushes that come to that
    /// slot, which return. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`; without a
    /// value, three or four loads. **Ordering** what happened before the push of the value happens before
    /// what follows this pop; what happened before [`close`](Self::close) happens before what follows
    /// `Closed`.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] if at some moment during the call no value was in the ring;
    /// [`PopError::Busy`] if the slot was not filled yet, or not vacated yet on the lap before, by another
    /// call, which has claimed it; [`PopError::Closed`] if the ring was closed and no value was in it, and
    /// never will be.
    #[inline]
    pub fn pop(&self) -> Result<T, PopError> {
        // ORDERING: Relaxed; the exchange finds out whether it is so.
        let head = self.head.load(Relaxed);
        match self.try_claim_full(head, 1, 1) {
            // SAFETY: claimed just now.
            Ok(claim) => Ok(unsafe { self.vacate(claim.word) }),
            Err(count) => self.pop_again(head, count),
        }
    }

    /// Appends `value`. If the ring was full, the oldest value comes back, which nobody else then gets.
    ///
    /// **Progress** as [`push`](Self::push). **Context** any. **Complexity** O(1) alone, one
    /// `lock cmpxchg`, and one `lock add` if the ring is full. **Ordering** as `push`, and as
    /// [`pop`](Self::pop) for the value that comes back.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push), but never [`PushError::Full`]. [`PushError::Busy`] also if the oldest value
    /// is not in its slot yet.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::TurnRing;
    /// let ring = TurnRing::<_, 1>::new();
    /// assert_eq!(ring.force_push('a'), Ok(None));
    /// assert_eq!(ring.force_push('b'), Ok(Some('a')));
    /// ```
    #[inline]
    pub fn force_push(&self, mut value: T) -> Result<Option<T>, PushError<T>> {
        loop {
            value = match self.push(value) {
                Ok(()) => return Ok(None),
                Err(PushError::Full(value)) => value,
                Err(why) => return Err(why),
            };
            value = match self.replace_oldest(value) {
                Ok(oldest) => return Ok(Some(oldest)),
                Err(PushError::Full(value)) => value,
                Err(why) => return Err(why),
            };
        }
    }

    /// Lets nothing more in: later pushes are refused, pops take out what is left. Returns whether it was
    /// this call that closed it.
    ///
    /// Once a pop has returned [`PopError::Closed`], no value ever comes out. Nothing opens the ring again.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1), one `lock bts`. **Ordering** what
    /// happened before happens before what follows a `Closed`, or an [`is_closed`](Self::is_closed) that
    /// says so.
    #[inline]
    pub fn close(&self) -> bool {
        // ORDERING: Release, E5.
        !self.tail.bit_set(0, Release)
    }

    /// Returns whether the ring is closed.
    ///
    /// **Progress** wait-free. **Context** any. **Ordering** if so, what happened before
    /// [`close`](Self::close) happens before what follows.
    #[inline]
    pub fn is_closed(&self) -> bool {
        // ORDERING: Acquire, E5.
        self.tail.load(Acquire) & CLOSED != 0
    }

    /// Estimates how many values are in the ring, never more than it can hold.
    ///
    /// Exact while no call is under way. Else it may count values twice that others replace in the meantime, but
    /// none that is there all the while is missing.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn len(&self) -> usize {
        // ORDERING: Acquire, E4. `tail` is not before it.
        let head = self.head.load(Acquire);
        // ORDERING: Relaxed; an estimate.
        let tail = self.tail.load(Relaxed);
        word::distance(head, tail).min(self.capacity())
    }

    /// Returns whether the ring was empty at some moment during the call, without writing anything.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // ORDERING: Acquire, E4. `tail` is not before it.
        let head = self.head.load(Acquire);
        // ORDERING: Relaxed; at `head`, nothing is left that was pushed before.
        let tail = self.tail.load(Relaxed);
        // ORDERING: Relaxed; a slot that waits for a push was not filled by `force_push`.
        let turn = self.slot(head).turn.load(Relaxed);
        word::open(tail) == head && turn == word::vacant(head, self.capacity())
    }

    /// Returns whether at some moment during the call as many values were in the ring as it can hold,
    /// without writing anything.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_full(&self) -> bool {
        // ORDERING: Acquire, E3. `head` is not more than a lap before it.
        let tail = self.tail.load(Acquire);
        // ORDERING: Relaxed; a lap behind, nothing has room that was popped before.
        let head = self.head.load(Relaxed);
        word::distance(head, tail) == self.capacity()
    }

    /// The number of values it can hold.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.slots.capacity(self.slots.view())
    }

    /// Appends `value` to a ring that nobody else has, without a locked instruction.
    ///
    /// **Progress** wait-free. **Context** whoever owns the ring. **Complexity** O(1).
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push), but never [`PushError::Busy`].
    #[inline]
    pub fn push_mut(&mut self, value: T) -> Result<(), PushError<T>> {
        let (head, tail) = (self.head.load_mut(), self.tail.load_mut());
        if tail & CLOSED != 0 {
            return Err(PushError::Closed(value));
        }
        if word::distance(head, tail) == self.capacity() {
            return Err(PushError::Full(value));
        }
        // ORDERING: Relaxed; nobody else has the ring.
        self.tail.store(word::after(tail, 1), Relaxed);
        // SAFETY: nobody else has the ring, and the slot is vacant, there being room.
        unsafe { self.fill(tail, value) };
        Ok(())
    }

    /// Takes the oldest value out of a ring that nobody else has, without a locked instruction.
    ///
    /// **Progress** wait-free. **Context** whoever owns the ring. **Complexity** O(1).
    #[inline]
    pub fn pop_mut(&mut self) -> Option<T> {
        let head = self.head.load_mut();
        if head == word::open(self.tail.load_mut()) {
            return None;
        }
        // ORDERING: Relaxed; nobody else has the ring.
        self.head.store(word::after(head, 1), Relaxed);
        // SAFETY: nobody else has the ring, and the slot is full, being before `tail`.
        Some(unsafe { self.vacate(head) })
    }

    /// [`push`](Self::push) after a look in vain.
    #[cold]
    fn push_again(&self, tail: usize, count: usize, value: T) -> Result<(), PushError<T>> {
        match self.claim_vacant_again(tail, count, 1, 1) {
            Ok(claim) => {
                // SAFETY: claimed just now.
                unsafe { self.fill(claim.word, value) };
                Ok(())
            }
            Err((why, _)) => Err(why.of(value)),
        }
    }

    /// [`pop`](Self::pop) after a look in vain.
    #[cold]
    fn pop_again(&self, head: usize, count: usize) -> Result<T, PopError> {
        match self.claim_full_again(head, count, 1, 1) {
            // SAFETY: claimed just now.
            Ok(claim) => Ok(unsafe { self.vacate(claim.word) }),
            Err((why, _)) => Err(why),
        }
    }

    #[inline(always)]
    pub(super) fn slot(&self, word: usize) -> &Slot<T> {
        let view = self.slots.view();
        // SAFETY: the ring's view; an index is less than the capacity.
        let slot =
            unsafe { self.slots.as_ptr(view, word::index(word, self.slots.capacity(view)), 1) };
        // SAFETY: written when the ring was made, and shared as long as the ring is borrowed.
        unsafe { &*slot }
    }
}

impl<T, const N: usize> Default for TurnRing<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Drops the values that are in it, the oldest first.
impl<T, S: Storage<Item = Slot<T>>> Drop for Ring<T, S> {
    fn drop(&mut self) {
        while let Some(value) = self.pop_mut() {
            drop(value);
        }
    }
}

impl<T, S: Storage<Item = Slot<T>>> fmt::Debug for Ring<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnRing")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
