//! Two relays of indices and the slots between them.

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::entry::{IndexEntry, Side};
use super::relay::{MOST_PLACES, Refusal, Relay};
use crate::atomic::{array, const_fn};
use crate::mem::{CachePadded, Slot as Room};
#[cfg(feature = "alloc")]
use crate::ring::storage::Heap;
use crate::ring::storage::{Borrowed, CapacityError, Inline, Storage};
use crate::ring::{ForcePushError, PushError};

/// A bounded FIFO ring for any number of producers and consumers, strictly lock-free.
///
/// `N`: slots, a power of two, at least 1, checked at compile time; all `N` can be filled. No
/// allocator, no lock, no registration of threads, no limit on their number: put it in a `static` and
/// use it from threads, interrupt handlers and NMI handlers at once.
///
/// Size: 512 bytes, plus `16 * N` for the indices (rounded up to 256), plus `N * size_of::<T>()`
/// rounded up to 128. A new ring is all zeros, so a `static` takes no room in an image.
///
/// For values of at most 8 bytes [`WordRing`](super::WordRing) does the same in half the steps.
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
pub type MpmcRing<T, const N: usize> = Ring<T, Inline<IndexEntry, N>, Inline<Slot<T>, N>>;

/// An [`MpmcRing`] in the caller's memory: twice as many places as slots.
///
/// # Examples
///
/// ```
/// use core::mem::MaybeUninit;
/// use latchless::ring::{MpmcSliceRing, mpmc::{IndexEntry, Slot}};
///
/// let mut places = [const { MaybeUninit::<IndexEntry>::uninit() }; 8];
/// let mut slots = [const { MaybeUninit::<Slot<&str>>::uninit() }; 4];
/// let ring = MpmcSliceRing::in_slices(&mut places, &mut slots).unwrap();
/// assert_eq!(ring.capacity(), 4);
/// assert_eq!(ring.push("value"), Ok(()));
/// assert_eq!(ring.pop(), Some("value"));
/// ```
pub type MpmcSliceRing<'m, T> = Ring<T, Borrowed<'m, IndexEntry>, Borrowed<'m, Slot<T>>>;

/// An [`MpmcRing`] in allocated memory (feature `alloc`).
///
/// # Examples
///
/// ```
/// use latchless::ring::MpmcHeapRing;
///
/// let ring = MpmcHeapRing::with_capacity(1000);
/// assert_eq!(ring.capacity(), 1024);
/// assert!(ring.push(String::from("value")).is_ok());
/// ```
#[cfg(feature = "alloc")]
pub type MpmcHeapRing<T> = Ring<T, Heap<IndexEntry>, Heap<Slot<T>>>;

/// A bounded FIFO ring for any number of producers and consumers, strictly lock-free, with its places
/// where `P` says and its slots where `S` says; see [`MpmcRing`], [`MpmcSliceRing`] and, with the feature
/// `alloc`, `MpmcHeapRing`.
#[repr(C)]
pub struct Ring<T, P, S>
where
    P: Storage<Item = IndexEntry>,
    S: Storage<Item = Slot<T>>,
{
    /// Indices without a value. Pushes lead: at first all are there for them to take. A place holds how
    /// its index differs from its own number.
    free: Relay<P>,
    /// Indices with a value. Pushes lead here too.
    allocated: Relay<P>,
    slots: CachePadded<S>,
    values: PhantomData<T>,
}

/// Room for a value.
#[repr(transparent)]
pub struct Slot<T>(Room<T>);

// SAFETY: a shared ring moves values of `T` between threads (hence `T: Send`) and never shares a
// `&T`. An index has one owner, and only the owner touches its slot (INV-3, INV-4).
unsafe impl<T: Send, P, S> Sync for Ring<T, P, S>
where
    P: Storage<Item = IndexEntry> + Send,
    S: Storage<Item = Slot<T>> + Send,
{
}

assert_impl_all!(MpmcRing<u8, 1>: Send, Sync);
assert_impl_all!(MpmcRing<core::cell::Cell<u8>, 1>: Send, Sync);
assert_not_impl_any!(MpmcRing<*const u8, 1>: Send, Sync);
assert_impl_all!(MpmcSliceRing<'static, core::cell::Cell<u8>>: Send, Sync);
assert_not_impl_any!(MpmcSliceRing<'static, *const u8>: Send, Sync);

/// A slot without a value, which a call has to itself (INV-3).
struct Vacant<'r, T> {
    index: usize,
    slot: &'r Slot<T>,
}

/// A slot with a value, which a call has to itself (INV-3).
struct Occupied<'r, T> {
    index: usize,
    slot: &'r Slot<T>,
}

// === impl Ring ===

impl<T, const N: usize> MpmcRing<T, N> {
    const_fn! {
        /// Creates an empty ring.
        #[inline]
        pub const fn new() -> Self {
            Self::with(Relay::<Inline<IndexEntry, N>>::new(), Relay::<Inline<IndexEntry, N>>::new())
        }
    }

    const_fn! {
        /// Creates an empty ring whose positions start at `position`, for tests of the wrap.
        #[doc(hidden)]
        #[inline]
        pub const fn with_start(position: u64) -> Self {
            Self::with(
                Relay::<Inline<IndexEntry, N>>::starting_at(position),
                Relay::<Inline<IndexEntry, N>>::starting_at(position),
            )
        }
    }

    const_fn! {
        const fn with(free: Relay<Inline<IndexEntry, N>>, allocated: Relay<Inline<IndexEntry, N>>) -> Self {
            let slots = Inline::of(array![MaybeUninit::new(Slot(Room::new())); N]);
            Self { free, allocated, slots: CachePadded::new(slots), values: PhantomData }
        }
    }
}

impl<'m, T> MpmcSliceRing<'m, T> {
    /// Creates an empty ring with its places in `places` and its slots in `slots`. For speed each should
    /// start on a cache line.
    ///
    /// # Errors
    ///
    /// [`CapacityError`] with both in it, if the length of `slots` is not a power of two, more than 2^31, or
    /// not half of that of `places`.
    #[expect(clippy::type_complexity, reason = "what comes in comes back")]
    pub fn in_slices(
        places: &'m mut [MaybeUninit<IndexEntry>],
        slots: &'m mut [MaybeUninit<Slot<T>>],
    ) -> Result<
        Self,
        CapacityError<(&'m mut [MaybeUninit<IndexEntry>], &'m mut [MaybeUninit<Slot<T>>])>,
    > {
        let capacity = slots.len();
        let is_valid = capacity.is_power_of_two() && capacity <= MOST_PLACES;
        if !is_valid || places.len() != 2 * capacity {
            return Err(CapacityError((places, slots)));
        }
        let (free, allocated) = places.split_at_mut(capacity);
        match (Borrowed::new(free), Borrowed::new(allocated), Borrowed::new(slots)) {
            (Ok(free), Ok(allocated), Ok(slots)) => Ok(Self::over(free, allocated, slots)),
            _ => unreachable!("the capacity is a power of two"),
        }
    }
}

#[cfg(feature = "alloc")]
impl<T> MpmcHeapRing<T> {
    /// Creates an empty ring of at least `least` slots: the next power of two.
    ///
    /// # Panics
    ///
    /// If `least` is more than 2^31, and as `Vec::with_capacity` does.
    pub fn with_capacity(least: usize) -> Self {
        assert!(least <= MOST_PLACES, "capacity overflow");
        Self::over(Heap::new(least), Heap::new(least), Heap::new(least))
    }
}

impl<T, P, S> Ring<T, P, S>
where
    P: Storage<Item = IndexEntry>,
    S: Storage<Item = Slot<T>>,
{
    fn over(free: P, allocated: P, slots: S) -> Self {
        let view = slots.view();
        for index in 0..slots.capacity(view) {
            // SAFETY: its own view, and an index is less than the capacity.
            let slot = unsafe { slots.as_mut_ptr(view, index, 1) };
            // SAFETY: room for a slot, which nobody else has yet.
            unsafe { slot.write(Slot(Room::new())) };
        }
        let (free, allocated) = (Relay::over(free), Relay::over(allocated));
        Self { free, allocated, slots: CachePadded::new(slots), values: PhantomData }
    }

    /// Appends `value`.
    ///
    /// **Progress** lock-free; a thread stopped anywhere in a call does not stop others.
    /// **Context** any. **Complexity** O(1) alone: two `lock cmpxchg`; O(log N) after another call was
    /// stopped for long. **Ordering** what happened before the push happens before what follows the
    /// pop of `value`.
    ///
    /// # Errors
    ///
    /// With `value` in it: [`Closed`](PushError::Closed) once the ring is [closed](Self::close);
    /// [`Full`](PushError::Full), if at some moment during the call every slot held a value or was owned
    /// by another call under way.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::{MpmcRing, PushError};
    /// let ring = MpmcRing::<_, 2>::new();
    /// assert_eq!(ring.push('a'), Ok(()));
    /// assert_eq!(ring.push('b'), Ok(()));
    /// assert_eq!(ring.push('c'), Err(PushError::Full('c')));
    /// assert_eq!(ring.pop(), Some('a'));
    /// ```
    #[inline]
    pub fn push(&self, value: T) -> Result<(), PushError<T>> {
        match self.take_free() {
            Some(index) => self.push_in(index, value),
            None if self.is_closed() => Err(PushError::Closed(value)),
            None => Err(PushError::Full(value)),
        }
    }

    /// Appends `value`; if there is no room, takes the oldest value out for it and returns that.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** and **Ordering** as those of a
    /// [`push`](Self::push) and a [`pop`](Self::pop).
    ///
    /// # Errors
    ///
    /// With `value` in it: [`Closed`](PushError::Closed) once the ring is [closed](Self::close), and if
    /// that came between the two steps, with the oldest value too; [`Full`](PushError::Full) if every slot
    /// was owned by another call under way, so that there was nothing to take out.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::MpmcRing;
    /// let latest = MpmcRing::<_, 2>::new();
    /// assert_eq!(latest.force_push(1), Ok(None));
    /// assert_eq!(latest.force_push(2), Ok(None));
    /// assert_eq!(latest.force_push(3), Ok(Some(1)));
    /// assert_eq!(latest.pop(), Some(2));
    /// ```
    pub fn force_push(&self, value: T) -> Result<Option<T>, ForcePushError<T>> {
        let (slot, evicted) = if let Some(slot) = self.take_free() {
            (slot, None)
        } else if self.is_closed() {
            return Err(ForcePushError { refused: PushError::Closed(value), evicted: None });
        } else if let Some(slot) = self.take_allocated() {
            let (slot, oldest) = slot.empty();
            (slot, Some(oldest))
        } else if let Some(slot) = self.take_free() {
            // All values were popped in between.
            (slot, None)
        } else {
            return Err(ForcePushError { refused: PushError::Full(value), evicted: None });
        };
        match self.push_in(slot, value) {
            Ok(()) => Ok(evicted),
            Err(refused) => Err(ForcePushError { refused, evicted }),
        }
    }

    /// Appends the first few of `values`, as many as there is room for. Returns how many. Values of other
    /// producers may come to lie between them.
    ///
    /// **Progress** lock-free for each value. **Context** any. **Complexity** O(values pushed).
    /// **Ordering** as [`push`](Self::push), for each of them.
    #[inline]
    pub fn push_slice(&self, values: &[T]) -> usize
    where
        T: Copy,
    {
        values.iter().take_while(|&&value| self.push(value).is_ok()).count()
    }

    /// Takes the oldest value out, or returns `None` if at some moment during the call the ring
    /// was empty.
    ///
    /// **Progress** lock-free; a thread stopped anywhere in a call does not stop others.
    /// **Context** any. **Complexity** O(1) alone: two `lock cmpxchg`; O(log N) after another call was
    /// stopped for long. A pop from an empty ring is two loads. **Ordering** what happened before the
    /// push of the value happens before what follows this pop. `None` orders nothing.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        let (slot, value) = self.take_allocated()?.empty();
        self.give_back(slot);
        Some(value)
    }

    /// Takes values out until the ring is empty or `places` are filled. Returns how many. Other
    /// consumers may have taken values from between them.
    ///
    /// What was in the places is dropped.
    ///
    /// **Progress** lock-free for each value. **Context** any. **Complexity** O(values popped).
    /// **Ordering** as [`pop`](Self::pop).
    #[inline]
    pub fn pop_slice(&self, places: &mut [T]) -> usize {
        places.iter_mut().zip(self.pop_iter()).map(|(place, value)| *place = value).count()
    }

    /// Takes values out as they are asked for, until the ring is empty.
    ///
    /// **Progress** lock-free for each value. **Context** any. **Ordering** as [`pop`](Self::pop).
    #[doc(alias = "drain")]
    #[inline]
    pub fn pop_iter(&self) -> impl Iterator<Item = T> {
        core::iter::from_fn(|| self.pop())
    }

    /// Refuses all pushes from now on; what is in the ring can still be popped. Returns whether it was
    /// open until now.
    ///
    /// **Progress** lock-free. **Context** any. **Ordering** what happened before this call happens
    /// before what follows a call that finds the ring closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::MpmcRing;
    /// let ring = MpmcRing::<_, 2>::new();
    /// ring.push(1).unwrap();
    /// assert!(ring.close() && !ring.close());
    /// assert_eq!(ring.push(2).unwrap_err().into_inner(), 2);
    /// assert!(!ring.is_drained());
    /// assert_eq!(ring.pop(), Some(1));
    /// assert!(ring.is_drained());
    /// ```
    pub fn close(&self) -> bool {
        self.allocated.close()
    }

    /// Returns whether the ring is [closed](Self::close).
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.allocated.check(Side::Leader) == Err(Refusal::Closed)
    }

    /// Returns whether the ring is [closed](Self::close) and every value was taken: from then on there
    /// is nothing to pop any more.
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn is_drained(&self) -> bool {
        self.allocated.check(Side::Follower) == Err(Refusal::Closed)
    }

    /// Estimates how many values are in the ring, never more than it can hold: exact while no call is under
    /// way; otherwise it may be out of date when it is returned.
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn len(&self) -> usize {
        self.allocated.len()
    }

    /// Returns whether the ring was empty at some moment during the call, without writing anything.
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.allocated.check(Side::Follower).is_err()
    }

    /// Returns whether a push at some moment during the call would have been refused for want of
    /// room, without writing anything.
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.free.check(Side::Leader).is_err()
    }

    /// The number of values it can hold.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.allocated.capacity()
    }

    #[inline(always)]
    fn take_free(&self) -> Option<Vacant<'_, T>> {
        // At first place `i` holds zero and stands for index `i`.
        let (difference, place) = self.free.take(Side::Leader).ok()?;
        let index = difference as usize ^ place;
        Some(Vacant { index, slot: self.slot(index) })
    }

    #[inline(always)]
    fn take_allocated(&self) -> Option<Occupied<'_, T>> {
        let (index, _) = self.allocated.take(Side::Follower).ok()?;
        let index = index as usize;
        Some(Occupied { index, slot: self.slot(index) })
    }

    /// Puts `value` in a slot, and the slot in line.
    #[inline(always)]
    fn push_in(&self, slot: Vacant<'_, T>, value: T) -> Result<(), PushError<T>> {
        let slot = slot.fill(value);
        match self.allocated.put(Side::Leader, |_| slot.index as u64) {
            Ok(()) => Ok(()),
            // There is a place for every index (INV-3), so this says that the ring is closed.
            Err(_) => {
                let (slot, value) = slot.empty();
                self.give_back(slot);
                Err(PushError::Closed(value))
            }
        }
    }

    /// Lets a slot be used again.
    #[inline(always)]
    fn give_back(&self, slot: Vacant<'_, T>) {
        let put = self.free.put(Side::Follower, |place| (slot.index ^ place) as u64);
        debug_assert!(put.is_ok(), "who took an index left a place for it");
    }

    #[inline(always)]
    fn slot(&self, index: usize) -> &Slot<T> {
        // SAFETY: the ring's view; relays hold indices below the capacity only, as do their differences to
        // places.
        let slot = unsafe { self.slots.as_ptr(self.slots.view(), index, 1) };
        // SAFETY: written when the ring was made, and shared as long as the ring is borrowed.
        unsafe { &*slot }
    }
}

impl<T, const N: usize> Default for MpmcRing<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, P, S> Drop for Ring<T, P, S>
where
    P: Storage<Item = IndexEntry>,
    S: Storage<Item = Slot<T>>,
{
    fn drop(&mut self) {
        self.pop_iter().for_each(drop);
    }
}

impl<T, P, S> fmt::Debug for Ring<T, P, S>
where
    P: Storage<Item = IndexEntry>,
    S: Storage<Item = Slot<T>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MpmcRing")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}

// === impl Slot ===

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

// === impl Vacant ===

impl<'r, T> Vacant<'r, T> {
    #[inline(always)]
    fn fill(self, value: T) -> Occupied<'r, T> {
        // SAFETY: nobody else has this slot (INV-3); E1 made the last owner's access happen before.
        unsafe { self.slot.0.write(value) };
        Occupied { index: self.index, slot: self.slot }
    }
}

// === impl Occupied ===

impl<'r, T> Occupied<'r, T> {
    #[inline(always)]
    fn empty(self) -> (Vacant<'r, T>, T) {
        // SAFETY: nobody else has this slot (INV-3), which holds a value (INV-4) that E1 published.
        let value = unsafe { self.slot.0.read() };
        (Vacant { index: self.index, slot: self.slot }, value)
    }
}
