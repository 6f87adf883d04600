//! Several values at a time, copied or moved.

use core::fmt;
use core::mem::{MaybeUninit, needs_drop};

use super::{Consumer, IntoIter, Producer, RingRef, TooFew};
use crate::ring::storage::Storage;

// === impl Producer ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Producer<R> {
    /// Appends copies of the first of `values`, as many as there is room for, by one store. Returns how
    /// many.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(values pushed). **Ordering** as
    /// [`push`](Self::push), for all of them.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::SpscRing;
    /// let mut ring = SpscRing::<u8, 4>::new();
    /// let (mut producer, mut consumer) = ring.split();
    /// assert_eq!(producer.push_slice(b"latch"), 4);
    /// let mut places = [0; 3];
    /// assert_eq!(consumer.pop_slice(&mut places), 3);
    /// assert_eq!(&places, b"lat");
    /// ```
    #[inline]
    pub fn push_slice(&mut self, values: &[T]) -> usize
    where
        T: Copy,
    {
        self.write_chunk_up_to(values.len()).fill_from_slice(values)
    }

    /// Appends copies of all `values`, by one store, or of none.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(`values.len()`). **Ordering** as
    /// [`push`](Self::push), for all of them.
    ///
    /// # Errors
    ///
    /// [`TooFew`], with how many slots were vacant when `head` was read.
    #[inline]
    pub fn push_entire_slice(&mut self, values: &[T]) -> Result<(), TooFew>
    where
        T: Copy,
    {
        self.write_chunk(values.len())?.fill_from_slice(values);
        Ok(())
    }

    /// Appends clones of the first of `values`, as many as there is room for, by one store. Returns how
    /// many.
    ///
    /// If a clone panics, those before it are in the ring.
    ///
    /// **Progress** wait-free, apart from what clones do. **Context** any. **Complexity** O(values
    /// pushed). **Ordering** as [`push`](Self::push), for all of them.
    #[inline]
    pub fn push_slice_cloned(&mut self, values: &[T]) -> usize
    where
        T: Clone,
    {
        self.write_chunk_up_to(values.len()).fill_from_iter(values.iter().cloned())
    }

    /// Appends what `values` yields, as much as there is room for at the start of the call, by one
    /// store. Returns how many. `values` is asked for no more than that: lend it by
    /// [`by_ref`](Iterator::by_ref) to have the rest.
    ///
    /// If `values` panics, what it has yielded is in the ring.
    ///
    /// **Progress** wait-free, apart from what `values` does. **Context** any. **Complexity** O(values
    /// pushed). **Ordering** as [`push`](Self::push), for all of them.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::SpscRing;
    /// let mut ring = SpscRing::<_, 4>::new();
    /// let (mut producer, mut consumer) = ring.split();
    /// let mut words = "as many words as fit".split(' ').map(String::from);
    /// assert_eq!(producer.push_iter(words.by_ref()), 4);
    /// assert_eq!(words.next().as_deref(), Some("fit"));
    /// assert!(consumer.pop_iter().eq(["as", "many", "words", "as"]));
    /// ```
    #[doc(alias = "extend")]
    #[inline]
    pub fn push_iter(&mut self, values: impl IntoIterator<Item = T>) -> usize {
        self.write_chunk_up_to(self.capacity()).fill_from_iter(values)
    }
}

/// Text by `write!`: each piece whole, by one store, or not at all.
///
/// # Errors
///
/// If a piece does not fit; those before it are in the ring.
///
/// # Examples
///
/// ```
/// # use latchless::ring::SpscRing;
/// use core::fmt::Write;
///
/// let mut ring = SpscRing::<u8, 16>::new();
/// let (mut producer, mut consumer) = ring.split();
/// write!(producer, "irq {}", 33)?;
/// assert!(write!(producer, "far too long a line").is_err());
/// assert!(consumer.pop_iter().eq(*b"irq 33"));
/// # Ok::<(), core::fmt::Error>(())
/// ```
impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> fmt::Write for Producer<R> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_entire_slice(text.as_bytes()).map_err(|TooFew(_)| fmt::Error)
    }
}

// === impl Consumer ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Consumer<R> {
    /// Pops into the first of `places`, as many values as there are, and gives their slots up by one
    /// store. Returns how many; the other places stay as they are.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(values popped). **Ordering** as
    /// [`pop`](Self::pop), for all of them.
    #[inline]
    pub fn pop_slice(&mut self, places: &mut [T]) -> usize
    where
        T: Copy,
    {
        // SAFETY: the same memory, into which only values of `T` are written.
        self.pop_slice_uninit(unsafe {
            &mut *(core::ptr::from_mut(places) as *mut [MaybeUninit<T>])
        })
    }

    /// Pops into all `places` and gives the slots up by one store, or pops nothing.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(`places.len()`). **Ordering** as
    /// [`pop`](Self::pop), for all of them.
    ///
    /// # Errors
    ///
    /// [`TooFew`], with how many values there were when `tail` was read.
    #[inline]
    pub fn pop_entire_slice(&mut self, places: &mut [T]) -> Result<(), TooFew>
    where
        T: Copy,
    {
        let chunk = self.read_chunk(places.len())?;
        // SAFETY: there are as many places as values; what was in them needs no drop.
        unsafe { chunk.move_to(places.as_mut_ptr()) };
        Ok(())
    }

    /// Moves values to the first of `places`, as many as there are, and gives their slots up by one
    /// store. Returns how many of the places hold a value now, which is the caller's to drop. What was
    /// in them is not dropped.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(values popped). **Ordering** as
    /// [`pop`](Self::pop), for all of them.
    #[inline]
    pub fn pop_slice_uninit(&mut self, places: &mut [MaybeUninit<T>]) -> usize {
        let chunk = self.read_chunk_up_to(places.len());
        let count = chunk.len();
        // SAFETY: there are no more values than places.
        unsafe { chunk.move_to(places.as_mut_ptr().cast()) };
        count
    }

    /// Pops the values that are in the ring at the start of the call, one by one; those that are not
    /// asked for stay.
    ///
    /// Each value that comes out of [`next`](Iterator::next) gives its slot up by a store of its own;
    /// with [`fold`](Iterator::fold), [`for_each`](Iterator::for_each) and the like one store gives up
    /// all. If their closure panics, the values that it was not shown stay.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1), and for each value. **Ordering** as
    /// [`pop`](Self::pop), for each of them.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::SpscRing;
    /// let mut ring = SpscRing::<u32, 4>::new();
    /// let (mut producer, mut consumer) = ring.split();
    /// producer.push_iter(1..=4);
    /// assert!(consumer.pop_iter().take(2).eq([1, 2]));
    /// assert_eq!(consumer.pop_iter().sum::<u32>(), 3 + 4);
    /// ```
    #[doc(alias = "drain")]
    #[inline]
    pub fn pop_iter(&mut self) -> IntoIter<'_, R> {
        self.read_chunk_up_to(self.capacity()).into_iter()
    }

    /// Takes the `most` oldest values out, or all that there are, drops them, and gives their slots up by
    /// one store. Returns how many.
    ///
    /// If the drop of a value panics, some of them may leak; none of them is in the ring.
    ///
    /// **Progress** wait-free, apart from what drops do. **Context** any. **Complexity** O(1), or
    /// O(values) if there is anything to drop. **Ordering** as [`pop`](Self::pop), for all of them.
    #[inline]
    pub fn skip(&mut self, most: usize) -> usize {
        let chunk = self.read_chunk_up_to(most);
        let count = chunk.len();
        if needs_drop::<T>() {
            chunk.commit_all();
        } else if count > 0 {
            // Their cache lines stay where they are, with the producer.
            self.advance(count);
        }
        count
    }

    /// Takes all values out that are there, as [`skip`](Self::skip) does. Returns how many.
    ///
    /// **Progress** wait-free, apart from what drops do. **Context** any. **Complexity** O(1), or
    /// O(values) if there is anything to drop. **Ordering** as [`pop`](Self::pop), for all of them.
    #[inline]
    pub fn clear(&mut self) -> usize {
        self.skip(self.capacity())
    }
}
