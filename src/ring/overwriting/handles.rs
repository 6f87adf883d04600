//! The two ends.

use core::fmt;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};

use super::OverwritingRing;
use super::entry::Entry;
use super::ring::{Popping, Pushing};
use crate::atomic::only_in_models;
use crate::ring::position::is_after;

/// The end that pushes. There is one at a time; it may move to another thread or handler.
///
/// Dropping it gives the end back: [`OverwritingRing::try_producer`] gives it out again.
pub struct Producer<'a, T, const N: usize> {
    pub(super) ring: &'a OverwritingRing<T, N>,
}

/// The end that pops. There is one at a time; it may move to another thread or handler.
///
/// Dropping it gives the end back: [`OverwritingRing::try_consumer`] gives it out again.
pub struct Consumer<'a, T, const N: usize> {
    pub(super) ring: &'a OverwritingRing<T, N>,
}

assert_impl_all!(Producer<'static, core::cell::Cell<u8>, 1>: Send);
assert_impl_all!(Consumer<'static, core::cell::Cell<u8>, 1>: Send);
assert_not_impl_any!(Producer<'static, u8, 1>: Clone);
assert_not_impl_any!(Consumer<'static, u8, 1>: Clone);
assert_not_impl_any!(Producer<'static, *const u8, 1>: Send, Sync);
assert_not_impl_any!(Consumer<'static, *const u8, 1>: Send, Sync);
const_assert_eq!(size_of::<Producer<'static, u64, 8>>(), size_of::<usize>());
const_assert_eq!(size_of::<Consumer<'static, u64, 8>>(), size_of::<usize>());

// === impl Producer ===

impl<T, const N: usize> Producer<'_, T, N> {
    /// Appends `value`. If `N` values were in the ring, the oldest one comes back.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1), one `xchg`. **Ordering** what
    /// happened before the push happens before what follows the pop of `value`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::OverwritingRing;
    /// let mut ring = OverwritingRing::<_, 1>::new();
    /// let (mut producer, _consumer) = ring.split();
    /// assert_eq!(producer.push('a'), None);
    /// assert_eq!(producer.push('b'), Some('a'));
    /// ```
    #[inline]
    pub fn push(&mut self, value: T) -> Option<T> {
        let ring = self.ring;
        let own = self.own_mut();
        // SAFETY: a spare.
        let slot = unsafe { ring.slot(own.spare) };
        // SAFETY: the spare is this end's alone and vacant (INV-1, INV-2): E2 made the consumer's
        // read of it happen before.
        unsafe { slot.write(value) };
        // ORDERING: Relaxed; only this end writes `tail`.
        let tail = ring.producer.tail.load(Relaxed);
        let new = Entry::<N>::full(tail, own.spare);
        // ORDERING: AcqRel. Release, E1: publishes the slot write above. Acquire, E2: the slot that
        // this end gets for it may be one that the consumer has read.
        let old = Entry::<N>::from_bits(ring.entry(tail).swap(new.bits(), AcqRel));
        own.spare = old.slot();
        // ORDERING: Release, E3. Publishes the exchange above.
        ring.producer.tail.store(tail.wrapping_add(1), Release);
        if !old.is_full() {
            return None;
        }
        only_in_models! {
            assert!(old.holds(tail.wrapping_sub(N as u64)), "only the oldest value is evicted");
        }
        own.evicted = own.evicted.wrapping_add(1);
        // SAFETY: a slot from an entry.
        let slot = unsafe { ring.slot(old.slot()) };
        // SAFETY: a full entry named it, so it holds a value (INV-2), which this end has pushed; it
        // is this end's alone now (INV-1), and vacant from here on, as a spare has to be.
        Some(unsafe { slot.read() })
    }

    /// Returns how many values pushes have handed back since the ring was made.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn evicted(&self) -> u64 {
        let own = self.ring.producer.own.with(|own| own);
        // SAFETY: only the holder of this end changes it (INV-4), by `&mut self`.
        unsafe { (*own).evicted }
    }

    /// Returns whether nobody holds the other end. Somebody may take it at any time.
    ///
    /// **Progress** wait-free. **Context** any. **Ordering** if so, what was done with the consumer
    /// happens before what follows.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        // ORDERING: Acquire, E4.
        !self.ring.held.consumer.load(Acquire)
    }

    /// The number of values the ring can hold: `N`.
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    #[inline(always)]
    fn own_mut(&mut self) -> &mut Pushing {
        let own = self.ring.producer.own.with_mut(|own| own);
        // SAFETY: only the holder of this end touches it (INV-4), and `&mut self` is borrowed as long
        // as the result.
        unsafe { &mut *own }
    }
}

/// Gives the end back.
impl<T, const N: usize> Drop for Producer<'_, T, N> {
    #[inline]
    fn drop(&mut self) {
        // ORDERING: Release, E4. What was done with this end comes before what its next holder does.
        self.ring.held.producer.store(false, Release);
    }
}

impl<T, const N: usize> fmt::Debug for Producer<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("evicted", &self.evicted())
            .field("capacity", &N)
            .finish_non_exhaustive()
    }
}

// === impl Consumer ===

impl<T, const N: usize> Consumer<'_, T, N> {
    /// Takes the oldest value out, or returns `None` if there is none.
    ///
    /// Every value that was pushed before the one returned was popped, or is among the
    /// [`lost`](Self::lost). There is no `peek`: the producer may overwrite what it would show.
    ///
    /// **Progress** lock-free: looks again for each push that overwrites what it was about to take,
    /// at most three times if no push begins during the call. **Context** any. **Complexity** O(1)
    /// alone, one `lock cmpxchg`. **Ordering** what happened before the push of the value happens
    /// before what follows this pop.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let ring = self.ring;
        let own = self.own_mut();
        loop {
            let entry = ring.entry(own.head);
            // ORDERING: Relaxed; whoever goes on from here asks again.
            let seen = Entry::<N>::from_bits(entry.load(Relaxed));
            if seen.holds(own.head) {
                let emptied = Entry::<N>::empty(own.spare);
                // ORDERING: success AcqRel. Acquire, E1: the value is there. Release, E2: gives up
                // the spare, which this end has read. Failure Relaxed: the next look says more.
                let taken = entry.compare_exchange(seen.bits(), emptied.bits(), AcqRel, Relaxed);
                if taken.is_ok() {
                    own.spare = seen.slot();
                    own.head = own.head.wrapping_add(1);
                    // SAFETY: a slot from an entry.
                    let slot = unsafe { ring.slot(seen.slot()) };
                    // SAFETY: a full entry named it, so it holds a value (INV-2), which E1
                    // published; it is this end's alone now (INV-1), and vacant from here on.
                    return Some(unsafe { slot.read() });
                }
            } else if !seen.is_full() {
                return None;
            }
            ring.skip_overwritten(own);
        }
    }

    /// Returns how many values there were before the one popped last that never came out here,
    /// because they were overwritten. Counts from when the ring was made; after a pop that found
    /// nothing, it is the number of all values evicted.
    ///
    /// **Progress** wait-free. **Context** any.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::OverwritingRing;
    /// let mut ring = OverwritingRing::<_, 2>::new();
    /// let (mut producer, mut consumer) = ring.split();
    /// (0..5).for_each(|n| _ = producer.push(n));
    /// let before = consumer.lost();
    /// assert_eq!(consumer.pop(), Some(3));
    /// assert_eq!(consumer.lost() - before, 3); // 0, 1 and 2
    /// ```
    #[inline]
    pub fn lost(&self) -> u64 {
        self.own().lost
    }

    /// Returns how many values are in the ring. The producer may be pushing some: there are never
    /// fewer than this until the next pop.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn len(&self) -> usize {
        let head = self.own().head;
        // ORDERING: Acquire, E3. The entries before `tail` are what their pushes made them.
        let tail = self.ring.producer.tail.load(Acquire);
        // A push under way may have made its exchange, and its value may even be popped, before it
        // stores `tail`.
        let next = if is_after(head, tail) { head } else { tail };
        // ORDERING: Relaxed; a value that is seen here is seen by the next look, too.
        let seen = Entry::<N>::from_bits(self.ring.entry(next).load(Relaxed));
        let is_ahead = seen.is_full() && !seen.holds(next.wrapping_sub(N as u64));
        let count = next.wrapping_sub(head).wrapping_add(u64::from(is_ahead));
        count.min(N as u64) as usize
    }

    /// Returns whether the ring is empty, unless the producer pushes something.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // ORDERING: Relaxed; a value that is seen here is seen by the next look, too.
        let seen = self.ring.entry(self.own().head).load(Relaxed);
        !Entry::<N>::from_bits(seen).is_full()
    }

    /// Returns whether nobody holds the other end. Somebody may take it at any time. Until then, all
    /// that was pushed can be popped.
    ///
    /// **Progress** wait-free. **Context** any. **Ordering** if so, what was done with the producer
    /// happens before what follows.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        // ORDERING: Acquire, E4.
        !self.ring.held.producer.load(Acquire)
    }

    /// The number of values the ring can hold: `N`.
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    #[inline(always)]
    fn own(&self) -> &Popping {
        let own = self.ring.consumer.with(|own| own);
        // SAFETY: only the holder of this end changes it (INV-4), by `&mut self`.
        unsafe { &*own }
    }

    #[inline(always)]
    fn own_mut(&mut self) -> &mut Popping {
        let own = self.ring.consumer.with_mut(|own| own);
        // SAFETY: only the holder of this end touches it (INV-4), and `&mut self` is borrowed as long
        // as the result.
        unsafe { &mut *own }
    }
}

impl<T, const N: usize> OverwritingRing<T, N> {
    /// Moves the consumer on to the oldest position that may still be there, the one of `head` having
    /// been overwritten.
    #[inline(always)]
    fn skip_overwritten(&self, own: &mut Popping) {
        // ORDERING: Acquire, E1: the entries up to this position are what their pushes made them.
        let found = Entry::<N>::from_bits(self.entry(own.head).load(Acquire));
        let next = found.position_from(own.head).wrapping_add(1);
        // ORDERING: Acquire, E3: so are those before `tail`.
        let tail = self.producer.tail.load(Acquire);
        let next = if is_after(tail, next) { tail } else { next };
        let oldest = next.wrapping_sub(N as u64);
        let lost = oldest.wrapping_sub(own.head);
        only_in_models! {
            assert!((1..1 << 32).contains(&lost), "the consumer goes on, not back: {lost:#x}");
        }
        own.lost = own.lost.wrapping_add(lost);
        own.head = oldest;
    }
}

/// Gives the end back.
impl<T, const N: usize> Drop for Consumer<'_, T, N> {
    #[inline]
    fn drop(&mut self) {
        // ORDERING: Release, E4. What was done with this end comes before what its next holder does.
        self.ring.held.consumer.store(false, Release);
    }
}

impl<T, const N: usize> fmt::Debug for Consumer<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("len", &self.len())
            .field("lost", &self.lost())
            .field("capacity", &N)
            .finish()
    }
}
