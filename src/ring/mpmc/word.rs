//! A relay of words.

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::entry::{Side, WordEntry};
use super::relay::{MOST_PLACES, Refusal, Relay};
use crate::atomic::const_fn;
#[cfg(feature = "alloc")]
use crate::ring::storage::Heap;
use crate::ring::storage::{Borrowed, CapacityError, Inline, Storage};
use crate::ring::{ForcePushError, PushError};

/// What travels in a [`WordRing`]: a value that turns into eight bytes and back.
///
/// # Examples
///
/// ```
/// use latchless::ring::{Word, WordRing};
///
/// #[derive(Debug, PartialEq)]
/// struct Event {
///     source: u16,
///     ticks: u32,
/// }
///
/// impl Word for Event {
///     fn into_word(self) -> u64 {
///         u64::from(self.source) << 32 | u64::from(self.ticks)
///     }
///
///     unsafe fn from_word(word: u64) -> Self {
///         Self { source: (word >> 32) as u16, ticks: word as u32 }
///     }
/// }
///
/// let events: WordRing<Event, 8> = WordRing::new();
/// events.push(Event { source: 3, ticks: 700 })?;
/// assert_eq!(events.pop(), Some(Event { source: 3, ticks: 700 }));
/// # Ok::<(), latchless::ring::PushError<Event>>(())
/// ```
pub trait Word: Sized {
    /// Turns the value into a word. Whoever has the word owns the value.
    fn into_word(self) -> u64;

    /// Turns a word back into the value.
    ///
    /// # Safety
    ///
    /// `word` came from [`into_word`](Self::into_word) of a value of this type, and is turned back
    /// once.
    unsafe fn from_word(word: u64) -> Self;
}

/// A bounded FIFO ring of words for any number of producers and consumers, strictly lock-free.
///
/// `W`: what fits into a [`Word`]: integers, references, boxes. `N`: slots, a power of two, at
/// least 1, checked at compile time; all `N` can be filled. No allocator, no lock, no registration of
/// threads, no limit on their number: put it in a `static` and use it from threads, interrupt handlers
/// and NMI handlers at once.
///
/// A push takes effect in one `lock cmpxchg16b` and a pop in one `lock cmpxchg`, so Full and Empty are
/// exact. For values of other sizes there is [`MpmcRing`](super::MpmcRing). A `WordRing` exists on x86-64
/// only, not on the `native` backend, like [`AtomicPair`](crate::atomic::AtomicPair); what is said there
/// about CPUs without the instruction holds here.
///
/// Size: 256 bytes, plus `16 * N` rounded up to 128. A new ring is all zeros, so a `static` takes no
/// room in an image.
///
/// See [the module](crate::ring::mpmc) for invariants and progress.
///
/// # Examples
///
/// ```
/// use latchless::ring::WordRing;
///
/// static COMMANDS: [&str; 2] = ["start", "stop"];
/// static QUEUE: WordRing<&&str, 16> = WordRing::new();
///
/// COMMANDS.iter().for_each(|command| QUEUE.push(command).expect("there is room"));
/// assert_eq!(QUEUE.pop(), Some(&"start"));
/// ```
pub type WordRing<W, const N: usize> = RingOfWords<W, Inline<WordEntry, N>>;

/// A [`WordRing`] in the caller's memory.
///
/// # Examples
///
/// ```
/// use core::mem::MaybeUninit;
/// use latchless::ring::{WordSliceRing, mpmc::WordEntry};
///
/// let mut memory = [const { MaybeUninit::<WordEntry>::uninit() }; 4];
/// let ring = WordSliceRing::in_slice(&mut memory).unwrap();
/// assert_eq!(ring.push_slice(&[1, 2, 3, 4, 5]), 4);
/// assert_eq!(ring.pop(), Some(1));
/// ```
pub type WordSliceRing<'m, W> = RingOfWords<W, Borrowed<'m, WordEntry>>;

/// A [`WordRing`] in allocated memory (feature `alloc`).
///
/// # Examples
///
/// ```
/// use latchless::ring::WordHeapRing;
///
/// let ring: WordHeapRing<Box<[u8; 1500]>> = WordHeapRing::with_capacity(1000);
/// assert_eq!(ring.capacity(), 1024);
/// assert!(ring.push(Box::new([0; 1500])).is_ok());
/// ```
#[cfg(feature = "alloc")]
pub type WordHeapRing<W> = RingOfWords<W, Heap<WordEntry>>;

/// A bounded FIFO ring of words for any number of producers and consumers, strictly lock-free, with its
/// places where `S` says; see [`WordRing`], [`WordSliceRing`] and, with the feature `alloc`,
/// `WordHeapRing`.
#[repr(transparent)]
pub struct RingOfWords<W: Word, S: Storage<Item = WordEntry>> {
    relay: Relay<S>,
    values: PhantomData<W>,
}

// SAFETY: a ring owns the values whose words are in it.
unsafe impl<W: Word + Send, S: Storage<Item = WordEntry> + Send> Send for RingOfWords<W, S> {}
// SAFETY: a shared ring moves values of `W` between threads (hence `W: Send`) and never shares a `&W`.
unsafe impl<W: Word + Send, S: Storage<Item = WordEntry> + Send> Sync for RingOfWords<W, S> {}

assert_impl_all!(WordRing<u8, 1>: Send, Sync);
assert_not_impl_any!(WordRing<*const u8, 1>: Send, Sync);
assert_impl_all!(WordSliceRing<'static, u8>: Send, Sync);
assert_not_impl_any!(WordSliceRing<'static, *const u8>: Send, Sync);

// === impl RingOfWords ===

impl<W: Word, const N: usize> WordRing<W, N> {
    const_fn! {
        /// Creates an empty ring.
        #[inline]
        pub const fn new() -> Self {
            Self { relay: Relay::<Inline<WordEntry, N>>::new(), values: PhantomData }
        }
    }

    const_fn! {
        /// Creates an empty ring whose positions start at `position`, for tests of the wrap.
        #[doc(hidden)]
        #[inline]
        pub const fn with_start(position: u64) -> Self {
            Self { relay: Relay::<Inline<WordEntry, N>>::starting_at(position), values: PhantomData }
        }
    }
}

impl<'m, W: Word> WordSliceRing<'m, W> {
    /// Creates an empty ring with its places in `memory`. For speed it should start on a cache line.
    ///
    /// # Errors
    ///
    /// [`CapacityError`] with `memory` in it, if its length is not a power of two or more than 2^31.
    pub fn in_slice(
        memory: &'m mut [MaybeUninit<WordEntry>],
    ) -> Result<Self, CapacityError<&'m mut [MaybeUninit<WordEntry>]>> {
        if memory.len() > MOST_PLACES {
            return Err(CapacityError(memory));
        }
        Ok(Self { relay: Relay::over(Borrowed::new(memory)?), values: PhantomData })
    }
}

#[cfg(feature = "alloc")]
impl<W: Word> WordHeapRing<W> {
    /// Creates an empty ring of at least `least` slots: the next power of two.
    ///
    /// # Panics
    ///
    /// If `least` is more than 2^31, and as `Vec::with_capacity` does.
    pub fn with_capacity(least: usize) -> Self {
        assert!(least <= MOST_PLACES, "capacity overflow");
        Self { relay: Relay::over(Heap::new(least)), values: PhantomData }
    }
}

impl<W: Word, S: Storage<Item = WordEntry>> RingOfWords<W, S> {
    /// Appends `value`.
    ///
    /// **Progress** lock-free; a thread stopped anywhere in a call does not stop others.
    /// **Context** any. **Complexity** O(1) alone: one `lock cmpxchg16b`; O(log N) after another call was
    /// stopped for long. **Ordering** what happened before the push happens before what follows the pop
    /// of `value`.
    ///
    /// # Errors
    ///
    /// With `value` in it: [`Full`](PushError::Full), if at some moment during the call it held as many
    /// values as it can; [`Closed`](PushError::Closed) once the ring is [closed](Self::close).
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::{PushError, WordRing};
    /// let ring = WordRing::<_, 2>::new();
    /// assert_eq!(ring.push('a'), Ok(()));
    /// assert_eq!(ring.push('b'), Ok(()));
    /// assert_eq!(ring.push('c'), Err(PushError::Full('c')));
    /// assert_eq!(ring.pop(), Some('a'));
    /// ```
    #[inline]
    pub fn push(&self, value: W) -> Result<(), PushError<W>> {
        let word = value.into_word();
        self.relay.put(Side::Leader, |_| word).map_err(|refusal| {
            // SAFETY: its word was not put in.
            let value = unsafe { W::from_word(word) };
            match refusal {
                Refusal::NotYet => PushError::Full(value),
                Refusal::Closed => PushError::Closed(value),
            }
        })
    }

    /// Appends `value`; if there is no room, in exchange for the oldest value, which it returns. Takes
    /// effect in one instruction.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone: one `lock cmpxchg16b`.
    /// **Ordering** as [`push`](Self::push) for `value` and as [`pop`](Self::pop) for the oldest one.
    ///
    /// # Errors
    ///
    /// [`Closed`](PushError::Closed) with `value` in it, once the ring is [closed](Self::close). Nothing is
    /// evicted then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::WordRing;
    /// let latest = WordRing::<u32, 2>::new();
    /// assert_eq!(latest.force_push(1), Ok(None));
    /// assert_eq!(latest.force_push(2), Ok(None));
    /// assert_eq!(latest.force_push(3), Ok(Some(1)));
    /// assert_eq!(latest.pop(), Some(2));
    /// ```
    #[inline]
    pub fn force_push(&self, value: W) -> Result<Option<W>, ForcePushError<W>> {
        let word = value.into_word();
        match self.relay.replace(word) {
            // SAFETY: its word was in the ring and no longer is.
            Ok(evicted) => Ok(evicted.map(|word| unsafe { W::from_word(word) })),
            Err(_) => {
                // SAFETY: its word was not put in.
                let value = unsafe { W::from_word(word) };
                Err(ForcePushError { refused: PushError::Closed(value), evicted: None })
            }
        }
    }

    /// Appends the first few of `values`, as many as there is room for. Returns how many. Values of other
    /// producers may come to lie between them.
    ///
    /// **Progress** lock-free for each value. **Context** any. **Complexity** O(values pushed).
    /// **Ordering** as [`push`](Self::push), for each of them.
    #[inline]
    pub fn push_slice(&self, values: &[W]) -> usize
    where
        W: Copy,
    {
        values.iter().take_while(|&&value| self.push(value).is_ok()).count()
    }

    /// Takes the oldest value out, or returns `None` if at some moment during the call the ring
    /// was empty.
    ///
    /// **Progress** lock-free; a thread stopped anywhere in a call does not stop others.
    /// **Context** any. **Complexity** O(1) alone: one `lock cmpxchg`; O(log N) after another call was
    /// stopped for long. A pop from an empty ring is two loads. **Ordering** what happened before the
    /// push of the value happens before what follows this pop. `None` orders nothing.
    #[inline]
    pub fn pop(&self) -> Option<W> {
        let (word, _) = self.relay.take(Side::Follower).ok()?;
        // SAFETY: its word was in the ring and no longer is.
        Some(unsafe { W::from_word(word) })
    }

    /// Takes values out until the ring is empty or `places` are filled. Returns how many. Other
    /// consumers may have taken values from between them.
    ///
    /// What was in the places is dropped.
    ///
    /// **Progress** lock-free for each value. **Context** any. **Complexity** O(values popped).
    /// **Ordering** as [`pop`](Self::pop).
    #[inline]
    pub fn pop_slice(&self, places: &mut [W]) -> usize {
        places.iter_mut().zip(self.pop_iter()).map(|(place, value)| *place = value).count()
    }

    /// Takes values out as they are asked for, until the ring is empty.
    ///
    /// **Progress** lock-free for each value. **Context** any. **Ordering** as [`pop`](Self::pop).
    #[doc(alias = "drain")]
    #[inline]
    pub fn pop_iter(&self) -> impl Iterator<Item = W> {
        core::iter::from_fn(|| self.pop())
    }

    /// Refuses all pushes from now on; what is in the ring can still be popped. Returns whether it was
    /// open until now.
    ///
    /// **Progress** lock-free. **Context** any. **Ordering** what happened before this call happens
    /// before what follows a call that finds the ring closed.
    pub fn close(&self) -> bool {
        self.relay.close()
    }

    /// Returns whether the ring is [closed](Self::close).
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.relay.check(Side::Leader) == Err(Refusal::Closed)
    }

    /// Returns whether the ring is [closed](Self::close) and every value was taken: from then on there
    /// is nothing to pop any more.
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn is_drained(&self) -> bool {
        self.relay.check(Side::Follower) == Err(Refusal::Closed)
    }

    /// Estimates how many values are in the ring, never more than it can hold: exact while no call is under
    /// way; otherwise it may be out of date when it is returned.
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn len(&self) -> usize {
        self.relay.len()
    }

    /// Returns whether the ring was empty at some moment during the call, without writing anything.
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.relay.check(Side::Follower).is_err()
    }

    /// Returns whether there was no room at some moment during the call, without writing anything.
    ///
    /// **Progress** lock-free. **Context** any.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.relay.is_full()
    }

    /// The number of values it can hold.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.relay.capacity()
    }
}

impl<W: Word, const N: usize> Default for WordRing<W, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: Word, S: Storage<Item = WordEntry>> Drop for RingOfWords<W, S> {
    fn drop(&mut self) {
        self.pop_iter().for_each(drop);
    }
}

impl<W: Word, S: Storage<Item = WordEntry>> fmt::Debug for RingOfWords<W, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WordRing")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}

// === impl Word ===

macro_rules! integer {
    ($($integer:ty)+) => {$(
        impl Word for $integer {
            #[inline(always)]
            fn into_word(self) -> u64 {
                self as u64
            }

            #[inline(always)]
            unsafe fn from_word(word: u64) -> Self {
                word as $integer
            }
        }
    )+};
}

integer!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

impl Word for bool {
    #[inline(always)]
    fn into_word(self) -> u64 {
        u64::from(self)
    }

    #[inline(always)]
    unsafe fn from_word(word: u64) -> Self {
        word != 0
    }
}

impl Word for char {
    #[inline(always)]
    fn into_word(self) -> u64 {
        u64::from(self)
    }

    #[inline(always)]
    unsafe fn from_word(word: u64) -> Self {
        // SAFETY: the caller's word: it was a `char`.
        unsafe { char::from_u32_unchecked(word as u32) }
    }
}

/// A pointer's address goes through the ring, so its provenance is exposed.
macro_rules! pointer {
    ($([$($generics:tt)*] $pointer:ty: $into_raw:expr, $from_raw:expr;)+) => {$(
        impl<$($generics)*> Word for $pointer {
            #[inline(always)]
            fn into_word(self) -> u64 {
                let pointer: *mut T = $into_raw(self);
                pointer.expose_provenance() as u64
            }

            #[inline(always)]
            unsafe fn from_word(word: u64) -> Self {
                let pointer = core::ptr::with_exposed_provenance_mut::<T>(word as usize);
                // SAFETY: the caller's word: it was this kind of pointer, and is turned back once.
                #[allow(unused_unsafe, reason = "not all kinds of pointers need it")]
                unsafe { $from_raw(pointer) }
            }
        }
    )+};
}

pointer! {
    [T] *mut T: |pointer| pointer, |pointer| pointer;
    [T] *const T: |pointer: *const T| pointer.cast_mut(), |pointer: *mut T| pointer.cast_const();
    [T] NonNull<T>: NonNull::as_ptr, |pointer| NonNull::new_unchecked(pointer);
    ['a, T] &'a T: |value: &'a T| core::ptr::from_ref(value).cast_mut(), |pointer: *mut T| &*pointer;
    ['a, T] &'a mut T: |value: &'a mut T| core::ptr::from_mut(value), |pointer: *mut T| &mut *pointer;
}

#[cfg(feature = "alloc")]
pointer! {
    [T] alloc::boxed::Box<T>: alloc::boxed::Box::into_raw, |pointer| alloc::boxed::Box::from_raw(pointer);
    [T] alloc::sync::Arc<T>: |value: Self| alloc::sync::Arc::into_raw(value).cast_mut(),
        |pointer: *mut T| alloc::sync::Arc::from_raw(pointer);
}
