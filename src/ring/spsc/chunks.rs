//! Several slots at a time, in place.

use core::error::Error;
use core::fmt;
use core::iter::FusedIterator;
use core::mem::{MaybeUninit, needs_drop};
use core::ptr;
use core::sync::atomic::Ordering::Release;

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::{Consumer, Producer, RingRef, SpscRing};
use crate::mem::CACHE_LINE_BYTES;
use crate::ring::storage::Storage;

/// There are fewer slots, or fewer values, than were asked for; this many.
///
/// # Examples
///
/// ```
/// use latchless::ring::{SpscRing, spsc::TooFew};
///
/// let mut ring = SpscRing::<u8, 4>::new();
/// let (mut producer, _) = ring.split();
/// assert_eq!(producer.push_entire_slice(&[1, 2, 3, 4, 5]), Err(TooFew(4)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFew(pub usize);

/// Vacant slots that the producer may fill in place; see [`Producer::write_chunk`].
///
/// Nothing is in the ring before a call that commits. A chunk that is dropped or forgotten leaves
/// the ring as it was; what had been written to it is not dropped.
#[must_use = "nothing is in the ring before it is committed"]
pub struct WriteChunk<'c, R: RingRef> {
    /// Borrowed exclusively, by the constructor's word.
    pub(super) producer: &'c Producer<R>,
    /// How many slots from `tail` on are vacant and this chunk's.
    pub(super) len: usize,
}

/// The oldest values, seen in place; see [`Consumer::read_chunk`].
///
/// Nothing is taken out before a call that commits. A chunk that is dropped or forgotten leaves the
/// ring as it was.
#[must_use = "nothing is taken out before it is committed"]
pub struct ReadChunk<'c, R: RingRef> {
    /// Borrowed exclusively, by the constructor's word.
    pub(super) consumer: &'c Consumer<R>,
    /// How many slots from `head` on hold values and are this chunk's.
    pub(super) len: usize,
}

/// Pops the values of a chunk, oldest first; see [`Consumer::pop_iter`].
///
/// `next`, so also a `for` loop, pops one value: what does not come out stays in the ring, whether
/// the iterator is dropped or forgotten. `fold`, and with it `for_each`, `sum`, `count` and what else is
/// built on it, takes all values out and gives their slots up at once, by one store.
#[must_use = "nothing is taken out before it is asked for"]
pub struct IntoIter<'c, R: RingRef>(ReadChunk<'c, R>);

// SAFETY: the chunk borrows the producer exclusively, and `&mut Producer` may go wherever `T` may.
unsafe impl<R: RingRef + Send> Send for WriteChunk<'_, R> {}
// SAFETY: as above, with the consumer.
unsafe impl<R: RingRef + Send> Send for ReadChunk<'_, R> {}

assert_impl_all!(WriteChunk<'static, &'static SpscRing<core::cell::Cell<u8>, 1>>: Send);
assert_impl_all!(ReadChunk<'static, &'static SpscRing<core::cell::Cell<u8>, 1>>: Send);
assert_not_impl_any!(WriteChunk<'static, &'static SpscRing<u8, 1>>: Sync, Clone);
assert_not_impl_any!(ReadChunk<'static, &'static SpscRing<u8, 1>>: Sync, Clone);
assert_not_impl_any!(WriteChunk<'static, &'static SpscRing<*const u8, 1>>: Send);
assert_not_impl_any!(ReadChunk<'static, &'static SpscRing<*const u8, 1>>: Send);

// === impl TooFew ===

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fewer than asked for: {}", self.0)
    }
}

impl Error for TooFew {}

// === impl Producer ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Producer<R> {
    /// Lends `count` vacant slots, to be filled in place and committed.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** a commit is as
    /// [`push`](Self::push), for all values of the chunk.
    ///
    /// # Errors
    ///
    /// [`TooFew`], with how many slots were vacant when `head` was read.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::SpscRing;
    /// let mut ring = SpscRing::<u16, 8>::new();
    /// let (mut producer, mut consumer) = ring.split();
    /// let mut chunk = producer.write_chunk(3)?;
    /// let (slots, more_slots) = chunk.as_mut_slices();
    /// for (slot, value) in slots.iter_mut().chain(more_slots).zip(7..) {
    ///     slot.write(value);
    /// }
    /// // SAFETY: all of them were written.
    /// unsafe { chunk.commit_all() };
    /// assert!(consumer.pop_iter().eq([7, 8, 9]));
    /// # Ok::<(), latchless::ring::spsc::TooFew>(())
    /// ```
    #[inline]
    pub fn write_chunk(&mut self, count: usize) -> Result<WriteChunk<'_, R>, TooFew> {
        let vacant = self.vacant(count);
        if vacant < count {
            return Err(TooFew(vacant));
        }
        Ok(WriteChunk { producer: self, len: count })
    }

    /// Lends at most `most` vacant slots, as many as lie side by side from the next one on: the
    /// second slice of the chunk is empty. There may be more slots at the start of the memory.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** as
    /// [`write_chunk`](Self::write_chunk).
    #[inline]
    pub fn write_chunk_contiguous(&mut self, most: usize) -> WriteChunk<'_, R> {
        self.write_chunk_up_to(most.min(self.ring.contiguous(self.tail.get())))
    }

    /// Lends `most` vacant slots, or all that there are. There may be none.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** as
    /// [`write_chunk`](Self::write_chunk).
    #[inline]
    pub fn write_chunk_up_to(&mut self, most: usize) -> WriteChunk<'_, R> {
        let len = self.vacant(most).min(most);
        WriteChunk { producer: self, len }
    }

    /// How many slots are vacant at least; looks at the consumer's position again if `wanted` were not
    /// when it was last seen.
    #[inline]
    fn vacant(&self, wanted: usize) -> usize {
        let vacant = self.capacity() - self.tail.get().wrapping_sub(self.cached_head.get());
        if vacant >= wanted { vacant } else { self.capacity() - self.refresh() }
    }

    /// Puts the values of the next `count` slots into the ring.
    #[inline]
    fn publish(&self, count: usize) {
        // Not for nothing: the consumer watches this line.
        if count > 0 {
            let next = self.tail.get().wrapping_add(count);
            // ORDERING: Release, E1. Publishes the writes of all these slots.
            self.ring.tail.store(next, Release);
            self.tail.set(next);
        }
    }
}

// === impl WriteChunk ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> WriteChunk<'_, R> {
    /// How many slots it has.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no slot.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The slots, in the order of the values: those before the end of the ring's memory, and those
    /// after it, if it goes round. What is in them is not to be relied on.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1).
    #[inline]
    pub fn as_mut_slices(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        let [first, second] = self.slots();
        // SAFETY: the slots are vacant (INV-2) and this chunk's, which `&mut self` borrows.
        let first = unsafe { &mut *(first as *mut [MaybeUninit<T>]) };
        // SAFETY: as above; they are others than the first.
        (first, unsafe { &mut *(second as *mut [MaybeUninit<T>]) })
    }

    /// Puts the values in the first `count` slots into the ring, by one store.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** as
    /// [`Producer::push`], for all of them.
    ///
    /// # Safety
    ///
    /// - `count` is at most [`len`](Self::len).
    /// - The first `count` slots hold values.
    #[inline]
    pub unsafe fn commit(self, count: usize) {
        debug_assert!(count <= self.len, "more than the chunk has");
        self.producer.publish(count);
    }

    /// Puts the values in all slots into the ring, by one store.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** as
    /// [`Producer::push`], for all of them.
    ///
    /// # Safety
    ///
    /// All slots hold values.
    #[inline]
    pub unsafe fn commit_all(self) {
        self.producer.publish(self.len);
    }

    /// Fills slots with what `values` yields, until there is no more of either, and puts it into the
    /// ring, by one store. Returns how many. `values` is asked for no more than there are slots.
    ///
    /// If `values` panics, what it has yielded is in the ring.
    ///
    /// **Progress** wait-free, apart from what `values` does. **Context** any. **Complexity** O(values
    /// pushed). **Ordering** as [`Producer::push`], for all of them.
    #[inline]
    pub fn fill_from_iter(self, values: impl IntoIterator<Item = T>) -> usize {
        /// Publishes, even if the iterator panics.
        struct Written<'c, S: Storage, R: RingRef<Storage = S>> {
            producer: &'c Producer<R>,
            count: usize,
        }

        impl<S: Storage, R: RingRef<Storage = S>> Drop for Written<'_, S, R> {
            #[inline]
            fn drop(&mut self) {
                self.producer.publish(self.count);
            }
        }

        let mut values = values.into_iter();
        let mut written = Written { producer: self.producer, count: 0 };
        let tail = self.producer.tail.get();
        while written.count < self.len {
            let Some(value) = values.next() else { break };
            let slot = self.producer.ring.slot_mut(tail.wrapping_add(written.count));
            // SAFETY: the slot is vacant (INV-2) and this chunk's.
            unsafe { slot.write(value) };
            written.count += 1;
        }
        written.count
    }

    /// Fills slots with copies of `values`, until there is no more of either, and puts them into the
    /// ring, by one store. Returns how many.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(values pushed). **Ordering** as
    /// [`Producer::push`], for all of them.
    #[inline]
    pub fn fill_from_slice(mut self, values: &[T]) -> usize
    where
        T: Copy,
    {
        self.len = self.len.min(values.len());
        let [first, second] = self.slots();
        let from = values.as_ptr();
        // SAFETY: the slots are vacant (INV-2) and this chunk's, and no more than `values`.
        unsafe { ptr::copy_nonoverlapping(from, first.cast::<T>(), first.len()) };
        if !second.is_empty() {
            // SAFETY: as above: both are no more than `values`.
            let from = unsafe { from.add(first.len()) };
            // SAFETY: as above.
            unsafe { ptr::copy_nonoverlapping(from, second.cast::<T>(), second.len()) };
        }
        self.producer.publish(self.len);
        self.len
    }

    #[inline]
    fn slots(&self) -> [*mut [T]; 2] {
        // SAFETY: so many are vacant, of all.
        unsafe { self.producer.ring.runs_mut(self.producer.tail.get(), self.len) }
    }
}

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> fmt::Debug for WriteChunk<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteChunk").field("len", &self.len).finish_non_exhaustive()
    }
}

// === impl Consumer ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Consumer<R> {
    /// Shows the `count` oldest values in place, to be committed when they are done with.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** as
    /// [`pop`](Self::pop), for all values of the chunk.
    ///
    /// # Errors
    ///
    /// [`TooFew`], with how many values there were when `tail` was read.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::SpscRing;
    /// let mut ring = SpscRing::<u16, 8>::new();
    /// let (mut producer, mut consumer) = ring.split();
    /// producer.push_entire_slice(&[7, 8, 9])?;
    /// let chunk = consumer.read_chunk(2)?;
    /// let (values, more_values) = chunk.as_slices();
    /// assert!(values.iter().chain(more_values).eq(&[7, 8]));
    /// chunk.commit(1);
    /// assert_eq!(consumer.pop(), Some(8));
    /// # Ok::<(), latchless::ring::spsc::TooFew>(())
    /// ```
    #[inline]
    pub fn read_chunk(&mut self, count: usize) -> Result<ReadChunk<'_, R>, TooFew> {
        let there = self.there(count);
        if there < count {
            return Err(TooFew(there));
        }
        Ok(ReadChunk { consumer: self, len: count })
    }

    /// Shows at most `most` of the oldest values, as many as lie side by side: the second slice of
    /// the chunk is empty. There may be more values at the start of the memory.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** as
    /// [`read_chunk`](Self::read_chunk).
    #[inline]
    pub fn read_chunk_contiguous(&mut self, most: usize) -> ReadChunk<'_, R> {
        self.read_chunk_up_to(most.min(self.ring.contiguous(self.head.get())))
    }

    /// Shows the `most` oldest values, or all that there are. There may be none.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** as
    /// [`read_chunk`](Self::read_chunk).
    #[inline]
    pub fn read_chunk_up_to(&mut self, most: usize) -> ReadChunk<'_, R> {
        let len = self.there(most).min(most);
        ReadChunk { consumer: self, len }
    }

    /// How many values there are at least; looks at the producer's position again if `wanted` were not
    /// when it was last seen.
    #[inline]
    fn there(&self, wanted: usize) -> usize {
        let there = self.cached_tail.get().wrapping_sub(self.head.get());
        if there >= wanted { there } else { self.look() }
    }
}

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Consumer<R> {
    /// Writes to each cache line that ends among the `count` oldest slots.
    ///
    /// The producer writes there next. It gets a line that its other holder has written by one
    /// transfer; one that the other has only read costs several times as much.
    ///
    /// # Safety
    ///
    /// `count` is at most the capacity, and what was in these slots is taken out.
    #[inline]
    unsafe fn dirty(&self, count: usize) {
        // SAFETY: no more than there are.
        for run in unsafe { self.ring.runs_mut(self.head.get(), count) } {
            let start = run.cast::<u8>();
            let bytes = run.len() * size_of::<T>();
            // A line ends where its address is a multiple of its size.
            let mut end = CACHE_LINE_BYTES - start.addr() % CACHE_LINE_BYTES;
            while end <= bytes {
                // SAFETY: it lies in the run, whose slots nobody else touches before `advance`.
                let last = unsafe { start.add(end - 1) };
                // SAFETY: as above. Volatile, since for the compiler nobody reads it.
                unsafe { last.write_volatile(0) };
                end += CACHE_LINE_BYTES;
            }
        }
    }
}

/// Gives up the slots of the oldest values when it goes out of scope, even if somebody panics.
struct Taken<'c, R: RingRef> {
    consumer: &'c Consumer<R>,
    count: usize,
}

impl<R: RingRef> Drop for Taken<'_, R> {
    #[inline]
    fn drop(&mut self) {
        // Not for nothing: the producer watches this line.
        if self.count > 0 {
            // SAFETY: the values are taken out, and there were so many.
            unsafe { self.consumer.dirty(self.count) };
            self.consumer.advance(self.count);
        }
    }
}

// === impl ReadChunk ===

impl<'c, T, S: Storage<Item = T>, R: RingRef<Storage = S>> ReadChunk<'c, R> {
    /// How many values it has.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no value.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values, oldest first: those before the end of the ring's memory, and those after it, if
    /// it goes round.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1).
    #[inline]
    pub fn as_slices(&self) -> (&[T], &[T]) {
        // SAFETY: so many values are there, of all.
        let [first, second] =
            unsafe { self.consumer.ring.runs(self.consumer.head.get(), self.len) };
        // SAFETY: each slot holds a value (INV-2), which E1 published and which stays until this
        // chunk commits.
        let first = unsafe { &*first };
        // SAFETY: as above.
        (first, unsafe { &*second })
    }

    #[cfg(any(feature = "std", feature = "embedded-io"))]
    pub(in crate::ring) fn into_first_slice(self) -> &'c [T] {
        // SAFETY: so many values are there, of all.
        let [first, _] = unsafe { self.consumer.ring.runs(self.consumer.head.get(), self.len) };
        // SAFETY: each slot holds a value (INV-2), which E1 published and which stays until the
        // consumer pops, which `'c` forbids.
        unsafe { &*first }
    }

    /// As [`as_slices`](Self::as_slices), for changing the values.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1).
    #[inline]
    pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        let [first, second] = self.slots();
        // SAFETY: each slot holds a value (INV-2), which E1 published, and is this chunk's, which
        // `&mut self` borrows.
        let first = unsafe { &mut *first };
        // SAFETY: as above; they are others than the first.
        (first, unsafe { &mut *second })
    }

    /// Takes the `count` oldest values out, or all of the chunk if that is fewer, drops them, and
    /// gives their slots up by one store.
    ///
    /// If the drop of a value panics, some of them may leak; none of them is in the ring.
    ///
    /// **Progress** wait-free, apart from what drops do. **Context** any. **Complexity** O(1), or
    /// O(`count`) if there is anything to drop. **Ordering** as [`Consumer::pop`], for all of them.
    #[inline]
    pub fn commit(mut self, count: usize) {
        self.len = self.len.min(count);
        let _taken = self.taking(self.len);
        if needs_drop::<T>() {
            for values in self.slots() {
                // SAFETY: each slot holds a value (INV-2), which E1 published; `_taken` sees to it
                // that nobody finds it there again.
                unsafe { values.drop_in_place() };
            }
        }
    }

    /// Takes all values of the chunk out, as [`commit`](Self::commit) does.
    ///
    /// **Progress** wait-free, apart from what drops do. **Context** any. **Complexity** O(1), or
    /// O(values) if there is anything to drop. **Ordering** as [`Consumer::pop`], for all of them.
    #[inline]
    pub fn commit_all(self) {
        let len = self.len;
        self.commit(len);
    }

    /// Moves all values of the chunk to `to`, and gives their slots up by one store.
    ///
    /// # Safety
    ///
    /// `to` is valid for writing that many values, outside the ring.
    #[inline]
    pub(super) unsafe fn move_to(self, to: *mut T) {
        let [first, second] = self.slots();
        // SAFETY: each slot holds a value (INV-2), which E1 published; there is room for them.
        unsafe { ptr::copy_nonoverlapping(first.cast::<T>(), to, first.len()) };
        if !second.is_empty() {
            // SAFETY: as above: there is room for both.
            let to = unsafe { to.add(first.len()) };
            // SAFETY: as above.
            unsafe { ptr::copy_nonoverlapping(second.cast::<T>(), to, second.len()) };
        }
        drop(self.taking(self.len));
    }

    #[inline]
    fn taking(&self, count: usize) -> Taken<'c, R> {
        Taken { consumer: self.consumer, count }
    }

    #[inline]
    fn slots(&self) -> [*mut [T]; 2] {
        // SAFETY: so many values are there, of all.
        unsafe { self.consumer.ring.runs_mut(self.consumer.head.get(), self.len) }
    }
}

impl<'c, T, S: Storage<Item = T>, R: RingRef<Storage = S>> IntoIterator for ReadChunk<'c, R> {
    type Item = T;
    type IntoIter = IntoIter<'c, R>;

    #[inline]
    fn into_iter(self) -> IntoIter<'c, R> {
        IntoIter(self)
    }
}

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> fmt::Debug for ReadChunk<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadChunk").field("len", &self.len).finish_non_exhaustive()
    }
}

// === impl IntoIter ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Iterator for IntoIter<'_, R> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let Self(chunk) = self;
        if chunk.len == 0 {
            return None;
        }
        let consumer = chunk.consumer;
        // SAFETY: the slot holds a value (INV-2), which E1 published, and is this chunk's; it is
        // given up below.
        let value = unsafe { consumer.ring.slot_mut(consumer.head.get()).read() };
        chunk.len -= 1;
        consumer.advance(1);
        Some(value)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len, Some(self.0.len))
    }

    #[inline]
    fn fold<B, F: FnMut(B, T) -> B>(self, initial: B, mut f: F) -> B {
        let Self(chunk) = self;
        let (ring, head) = (&chunk.consumer.ring, chunk.consumer.head.get());
        let mut taken = chunk.taking(0);
        let mut folded = initial;
        while taken.count < chunk.len {
            // SAFETY: the slot holds a value (INV-2), which E1 published, and is this chunk's;
            // `taken` gives it up, even if `f` panics.
            let value = unsafe { ring.slot_mut(head.wrapping_add(taken.count)).read() };
            taken.count += 1;
            folded = f(folded, value);
        }
        folded
    }
}

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> ExactSizeIterator for IntoIter<'_, R> {}

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> FusedIterator for IntoIter<'_, R> {}

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> fmt::Debug for IntoIter<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("len", &self.0.len).finish_non_exhaustive()
    }
}
