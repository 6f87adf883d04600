//! The memory that the two handles share.

use core::fmt;

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::entry::Entry;
use super::{Consumer, Producer};
use crate::atomic::{AtomicU64, UnsafeCell, array, const_fn};
use crate::mem::{CachePadded, Slot};
use crate::ring::held::{Held, take};
use crate::ring::position::index;

/// A FIFO ring of the `N` latest values between one producer and one consumer: a push that finds it
/// full overwrites the oldest value.
///
/// For flight recorders and telemetry, also from interrupt handlers: who pushes never waits, never
/// fails, and takes one locked instruction; who pops is told how many values it missed. Take
/// [`SpscRing`](crate::ring::SpscRing) when no value may go missing, for batches, and for looking
/// at values in place.
///
/// `N`: slots, a power of two, at least 1, checked at compile time; all `N` can be filled. The
/// memory is inline: put it in a `static`, on the stack or in a `Box`.
///
/// Size: 384 bytes, plus `8 * N` rounded up to 128, plus `(N + 2) * size_of::<T>()` rounded up to
/// 128.
///
/// See [the module](crate::ring::overwriting) for layout, invariants and progress.
///
/// # Examples
///
/// ```
/// use latchless::ring::OverwritingRing;
///
/// static TRACE: OverwritingRing<u32, 4> = OverwritingRing::new();
///
/// let (mut recorder, mut reader) = TRACE.try_split().unwrap();
/// (0..4).for_each(|event| assert_eq!(recorder.push(event), None));
/// assert_eq!(recorder.push(4), Some(0)); // the oldest made room
///
/// assert_eq!(reader.pop(), Some(1));
/// assert_eq!(reader.lost(), 1); // before the value just popped
/// ```
#[repr(C)]
pub struct OverwritingRing<T, const N: usize> {
    pub(super) producer: CachePadded<ProducerSide>,
    pub(super) consumer: CachePadded<UnsafeCell<Popping>>,
    pub(super) held: CachePadded<Held>,
    entries: CachePadded<[AtomicU64; N]>,
    slots: CachePadded<Room<T, N>>,
}

/// What the producer writes.
pub(super) struct ProducerSide {
    pub(super) tail: AtomicU64,
    pub(super) own: UnsafeCell<Pushing>,
}

/// What only the producer knows.
pub(super) struct Pushing {
    /// The slot that the next value goes into (INV-1).
    pub(super) spare: usize,
    /// How many values came back out of a push.
    pub(super) evicted: u64,
}

/// What only the consumer knows.
pub(super) struct Popping {
    /// The position to be popped next, if it is still there.
    pub(super) head: u64,
    /// The slot that takes the place of the next one that is popped (INV-1).
    pub(super) spare: usize,
    /// How many positions before `head` were overwritten.
    pub(super) lost: u64,
}

/// Slots for `N` entries and two ends, side by side: `[Slot<T>; N + 2]`.
#[repr(C)]
struct Room<T, const N: usize> {
    of_entries: [Slot<T>; N],
    of_ends: [Slot<T>; 2],
}

// SAFETY: a shared ring gives out one producer and one consumer at a time, which move values of `T`
// between threads (hence `T: Send`) and never share a `&T` between them. Which slot is whose follows
// from INV-1, and what only one end knows is touched by its holder (INV-4).
unsafe impl<T: Send, const N: usize> Sync for OverwritingRing<T, N> {}

assert_impl_all!(OverwritingRing<u8, 1>: Send, Sync);
assert_impl_all!(OverwritingRing<core::cell::Cell<u8>, 1>: Send, Sync);
assert_not_impl_any!(OverwritingRing<*const u8, 1>: Send, Sync);

impl<T, const N: usize> OverwritingRing<T, N> {
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
        #[expect(clippy::indexing_slicing, reason = "`slot` is less than `N`")]
        pub const fn with_start(position: u64) -> Self {
            const { Self::VALID_N };
            let mut entries = array![AtomicU64::new(Entry::<N>::empty(0).bits()); N];
            let mut slot = 1;
            while slot < N {
                entries[slot] = AtomicU64::new(Entry::<N>::empty(slot).bits());
                slot += 1;
            }
            Self {
                producer: CachePadded::new(ProducerSide {
                    tail: AtomicU64::new(position),
                    own: UnsafeCell::new(Pushing { spare: N, evicted: 0 }),
                }),
                consumer: CachePadded::new(UnsafeCell::new(Popping {
                    head: position,
                    spare: N + 1,
                    lost: 0,
                })),
                held: CachePadded::new(Held::neither()),
                entries: CachePadded::new(entries),
                slots: CachePadded::new(Room {
                    of_entries: array![Slot::new(); N],
                    of_ends: array![Slot::new(); 2],
                }),
            }
        }
    }

    /// Gives out the two handles for as long as the ring is borrowed, also if earlier ones were
    /// forgotten. Values and counts stay in the ring when handles go away.
    ///
    /// **Progress** wait-free. **Context** whoever owns the ring.
    #[inline]
    pub fn split(&mut self) -> (Producer<'_, T, N>, Consumer<'_, T, N>) {
        // `&mut self` proves that no handle is left, except such as were forgotten (INV-4).
        *self.held = Held::both();
        (Producer { ring: self }, Consumer { ring: self })
    }

    /// Gives out the two handles, if nobody has either: for a ring in a `static`, where an
    /// interrupt handler holds one end and a thread the other.
    ///
    /// A handle that is dropped gives its end back; one that is forgotten keeps it.
    ///
    /// **Progress** wait-free (two `lock cmpxchg`). **Context** any. **Complexity** O(1). **Ordering** what
    /// was done with an earlier handle happens before what follows.
    ///
    /// # Examples
    ///
    /// ```
    /// use latchless::ring::OverwritingRing;
    ///
    /// static SAMPLES: OverwritingRing<u32, 64> = OverwritingRing::new();
    ///
    /// let (mut handler_end, mut thread_end) = SAMPLES.try_split().unwrap();
    /// assert!(SAMPLES.try_split().is_none());
    /// handler_end.push(7);
    /// assert_eq!(thread_end.pop(), Some(7));
    ///
    /// drop((handler_end, thread_end));
    /// assert!(SAMPLES.try_split().is_some());
    /// ```
    #[inline]
    pub fn try_split(&self) -> Option<(Producer<'_, T, N>, Consumer<'_, T, N>)> {
        // Without the other end, the first one is given back.
        let producer = self.try_producer()?;
        Some((producer, self.try_consumer()?))
    }

    /// Gives out the end that pushes, if nobody has it or is trying [`try_split`](Self::try_split).
    ///
    /// **Progress** wait-free (one `lock cmpxchg`). **Context** any. **Complexity** O(1). **Ordering** what
    /// was done with an earlier handle of this end happens before what follows.
    #[inline]
    pub fn try_producer(&self) -> Option<Producer<'_, T, N>> {
        take(&self.held.producer).then(|| Producer { ring: self })
    }

    /// Gives out the end that pops, if nobody has it or is trying [`try_split`](Self::try_split): to read a
    /// recorder whose producer stays where it is.
    ///
    /// **Progress** wait-free (one `lock cmpxchg`). **Context** any. **Complexity** O(1). **Ordering** what
    /// was done with an earlier handle of this end happens before what follows.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::OverwritingRing;
    /// let trace = OverwritingRing::<_, 2>::new();
    /// let mut recorder = trace.try_producer().unwrap();
    /// ["boot", "probe", "fault"].map(|event| recorder.push(event));
    ///
    /// let mut reader = trace.try_consumer().unwrap();
    /// assert!(trace.try_consumer().is_none());
    /// assert!(core::iter::from_fn(|| reader.pop()).eq(["probe", "fault"]));
    /// ```
    #[inline]
    pub fn try_consumer(&self) -> Option<Consumer<'_, T, N>> {
        take(&self.held.consumer).then(|| Consumer { ring: self })
    }

    /// The number of values it can hold: `N`.
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// The entry of `position`.
    #[inline(always)]
    pub(super) fn entry(&self, position: u64) -> &AtomicU64 {
        // SAFETY: masking keeps the index below `N`.
        unsafe { self.entries.get_unchecked(index(position as usize, N)) }
    }

    /// The slot of that number.
    ///
    /// # Safety
    ///
    /// `slot` comes from an entry or from one of the ends.
    #[inline(always)]
    pub(super) unsafe fn slot(&self, slot: usize) -> &Slot<T> {
        let first = core::ptr::from_ref(&*self.slots).cast::<Slot<T>>();
        // SAFETY: it is less than `N + 2` (INV-1), and so many slots lie side by side.
        let slot = unsafe { first.add(slot) };
        // SAFETY: within the ring, which is borrowed.
        unsafe { &*slot }
    }
}

impl<T, const N: usize> Default for OverwritingRing<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Drops the values that are in it, the oldest first.
impl<T, const N: usize> Drop for OverwritingRing<T, N> {
    fn drop(&mut self) {
        let (_, mut consumer) = self.split();
        while consumer.pop().is_some() {}
    }
}

impl<T, const N: usize> fmt::Debug for OverwritingRing<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverwritingRing").field("capacity", &N).finish_non_exhaustive()
    }
}
