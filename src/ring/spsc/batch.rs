//! Single pushes that are published together.

use core::fmt;
use core::sync::atomic::Ordering::{Relaxed, Release};

use super::{Producer, RingRef};
use crate::ring::Full;
use crate::ring::storage::Storage;

/// Pushes whose publication is put off until [`flush`](Self::flush), or until this is dropped; see
/// [`Producer::batch`].
///
/// One that is forgotten leaves its values to the next batch to publish, or to the producer's next push that
/// finds room. If there is neither before the producer is dropped, they leak.
#[must_use = "it publishes when it is dropped"]
pub struct PushBatch<'p, R: RingRef> {
    producer: &'p mut Producer<R>,
    /// The ring's `tail`.
    published: usize,
}

// === impl Producer ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Producer<R> {
    /// Lets values be pushed one by one and published together, by one store.
    ///
    /// The consumer then fetches the line with the ring's `tail` once for all of them. For values that
    /// are all there at once, [`push_slice`](Self::push_slice) and [`push_iter`](Self::push_iter) do the same.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1).
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::SpscRing;
    /// let mut ring = SpscRing::<_, 8>::new();
    /// let (mut producer, mut consumer) = ring.split();
    /// let mut batch = producer.batch();
    /// batch.push('a').unwrap();
    /// batch.push('b').unwrap();
    /// assert_eq!(consumer.pop(), None);
    /// batch.flush();
    /// assert_eq!(consumer.pop(), Some('a'));
    /// batch.push('c').unwrap();
    /// drop(batch);
    /// assert!(consumer.pop_iter().eq(['b', 'c']));
    /// ```
    #[inline]
    pub fn batch(&mut self) -> PushBatch<'_, R> {
        // ORDERING: Relaxed; only this handle writes `tail`. Its own copy may be ahead, by a batch that was
        // forgotten.
        let published = self.ring.tail.load(Relaxed);
        PushBatch { producer: self, published }
    }
}

// === impl PushBatch ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> PushBatch<'_, R> {
    /// Appends `value`, for the consumer to see after the next [`flush`](Self::flush). If the ring is full the
    /// batch is flushed, since room is made only for what the consumer has seen.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** what happened before the
    /// flush happens before what follows the pop of `value`.
    ///
    /// # Errors
    ///
    /// [`Full`] with `value` in it, as for [`Producer::push`].
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), Full<T>> {
        if !self.producer.has_room() {
            self.flush();
            return Err(Full(value));
        }
        let tail = self.producer.tail.get();
        // SAFETY: the slot is vacant. `&mut self` makes this the only writer (INV-3).
        unsafe { self.producer.ring.slot_mut(tail).write(value) };
        self.producer.tail.set(tail.wrapping_add(1));
        Ok(())
    }

    /// Publishes what has been pushed.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1).
    #[inline]
    pub fn flush(&mut self) {
        publish(self);
    }

    /// How many values wait to be published.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn len(&self) -> usize {
        self.producer.tail.get().wrapping_sub(self.published)
    }

    /// Whether no value waits to be published.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[inline]
fn publish<R: RingRef>(batch: &mut PushBatch<'_, R>) {
    let tail = batch.producer.tail.get();
    // Not for nothing: the consumer watches this line.
    if tail != batch.published {
        // ORDERING: Release, E1. Publishes the writes of all these slots.
        batch.producer.ring.tail.store(tail, Release);
        batch.published = tail;
    }
}

impl<R: RingRef> Drop for PushBatch<'_, R> {
    #[inline]
    fn drop(&mut self) {
        publish(self);
    }
}

impl<R: RingRef> fmt::Debug for PushBatch<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushBatch").field("len", &self.len()).finish_non_exhaustive()
    }
}
