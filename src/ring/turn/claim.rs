//! How a call gets slots for itself, and what it does with them: the look, the compare-exchange, the
//! reason why there is nothing to claim, and the turn that publishes.

use core::cmp::Ordering::{Equal, Greater, Less};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::error::Refusal;
use super::ring::{Ring, Slot};
use super::word::{self, CLOSED};
use super::{PopError, PushError};
use crate::atomic::only_in_models;
use crate::mem::{Backoff, comes_soon};
use crate::ring::storage::Storage;

/// How often a call that is about to be refused looks again: for about as long as a cache line takes from
/// one CPU to another and back.
const LOOKS: usize = 6;

/// Slots that a call has claimed, from the position of `word` on.
pub(super) struct Claim {
    pub(super) word: usize,
    pub(super) count: usize,
}

impl<T, S: Storage<Item = Slot<T>>> Ring<T, S> {
    /// Claims up to `most` vacant slots from `tail` on, and not fewer than `least`, which is not 0. If it
    /// is refused, says how many there were.
    #[inline(always)]
    pub(super) fn claim_vacant(
        &self,
        least: usize,
        most: usize,
    ) -> Result<Claim, (Refusal, usize)> {
        // ORDERING: Relaxed; the exchange finds out whether it is so.
        let tail = self.tail.load(Relaxed);
        match self.try_claim_vacant(tail, least, most) {
            Ok(claim) => Ok(claim),
            Err(count) => self.claim_vacant_again(tail, count, least, most),
        }
    }

    /// As [`claim_vacant`](Self::claim_vacant), of full slots from `head` on.
    #[inline(always)]
    pub(super) fn claim_full(&self, least: usize, most: usize) -> Result<Claim, (PopError, usize)> {
        // ORDERING: Relaxed; the exchange finds out whether it is so.
        let head = self.head.load(Relaxed);
        match self.try_claim_full(head, least, most) {
            Ok(claim) => Ok(claim),
            Err(count) => self.claim_full_again(head, count, least, most),
        }
    }

    /// Looks once; if it was in vain, says how many vacant slots there were.
    #[inline(always)]
    pub(super) fn try_claim_vacant(
        &self,
        tail: usize,
        least: usize,
        most: usize,
    ) -> Result<Claim, usize> {
        let capacity = self.capacity();
        let is_vacant = |word| {
            // ORDERING: Acquire, E2. The value before was read.
            self.slot(word).turn.load(Acquire) == word::vacant(word, capacity)
        };
        let mut count = 0;
        // A closed `tail` has no vacant slot.
        while count < most && is_vacant(word::after(tail, count)) {
            count += 1;
        }
        if count < least {
            return Err(count);
        }
        // ORDERING: success Release, E3. Failure Relaxed: nothing is done.
        self.tail
            .compare_exchange_weak(tail, word::after(tail, count), Release, Relaxed)
            .map(|_| Claim { word: tail, count })
            .map_err(|_| count)
    }

    /// As [`try_claim_vacant`](Self::try_claim_vacant), of full slots from `head` on.
    #[inline(always)]
    pub(super) fn try_claim_full(
        &self,
        head: usize,
        least: usize,
        most: usize,
    ) -> Result<Claim, usize> {
        let capacity = self.capacity();
        let is_full = |word| {
            // ORDERING: Acquire, E1. The value is there.
            self.slot(word).turn.load(Acquire) == word::full(word, capacity)
        };
        let mut count = 0;
        while count < most && is_full(word::after(head, count)) {
            count += 1;
        }
        if count < least {
            return Err(count);
        }
        // ORDERING: success Release, E4. Failure Relaxed: nothing is done.
        self.head
            .compare_exchange_weak(head, word::after(head, count), Release, Relaxed)
            .map(|_| Claim { word: head, count })
            .map_err(|_| count)
    }

    /// Goes on after a look in vain, until a claim succeeds or there is a reason why none does.
    #[cold]
    pub(super) fn claim_vacant_again(
        &self,
        mut tail: usize,
        mut count: usize,
        least: usize,
        most: usize,
    ) -> Result<Claim, (Refusal, usize)> {
        let mut backoff = Backoff::after_collision();
        loop {
            if count < least {
                let first = word::after(tail, count);
                if !self.has_turn_soon(first, word::vacant(first, self.capacity())) {
                    if let Some(why) = self.why_not_vacant(tail, count, least) {
                        return Err((why, count));
                    }
                }
            } else {
                backoff.wait();
            }
            // ORDERING: Relaxed; the exchange finds out whether it is so.
            tail = self.tail.load(Relaxed);
            match self.try_claim_vacant(tail, least, most) {
                Ok(claim) => return Ok(claim),
                Err(found) => count = found,
            }
        }
    }

    /// As [`claim_vacant_again`](Self::claim_vacant_again), of full slots from `head` on.
    #[cold]
    pub(super) fn claim_full_again(
        &self,
        mut head: usize,
        mut count: usize,
        least: usize,
        most: usize,
    ) -> Result<Claim, (PopError, usize)> {
        let mut backoff = Backoff::after_collision();
        loop {
            if count < least {
                let first = word::after(head, count);
                if !self.has_turn_soon(first, word::full(first, self.capacity())) {
                    if let Some(why) = self.why_not_full(head, count, least) {
                        return Err((why, count));
                    }
                }
            } else {
                backoff.wait();
            }
            // ORDERING: Relaxed; the exchange finds out whether it is so.
            head = self.head.load(Relaxed);
            match self.try_claim_full(head, least, most) {
                Ok(claim) => return Ok(claim),
                Err(found) => count = found,
            }
        }
    }

    /// Whether the slot of a position gets its turn while one can wait for it. To ask the other side where it
    /// is would take its line away from it, and the slot mostly has its turn by the time the line is back.
    #[inline(always)]
    fn has_turn_soon(&self, word: usize, turn: usize) -> bool {
        // ORDERING: Relaxed; who is told so looks again.
        comes_soon(LOOKS, || self.slot(word).turn.load(Relaxed) == turn)
    }

    /// Why there are not `least` vacant slots at `tail` but only `count`, unless somebody has moved on.
    #[inline]
    fn why_not_vacant(&self, tail: usize, count: usize, least: usize) -> Option<Refusal> {
        // ORDERING: Acquire. E3: `head` is not more than a lap before it. E5, if it is closed.
        if self.tail.load(Acquire) != tail {
            return None;
        }
        if tail & CLOSED != 0 {
            return Some(Refusal::Closed);
        }
        // ORDERING: Relaxed; a pop that this misses was not known of when the call began.
        let head = self.head.load(Relaxed);
        let vacant = self.capacity().wrapping_sub(word::distance(head, tail));
        only_in_models! {
            assert!(vacant.wrapping_add(16) >= 16, "what is in the slots has been popped: {vacant}");
        }
        if vacant < least {
            return Some(Refusal::Full);
        }
        let first = word::after(tail, count);
        // ORDERING: Relaxed; nothing is done with the slot.
        let turn = self.slot(first).turn.load(Relaxed);
        // A lap behind, a pop is to vacate it.
        let is_behind = word::compare(turn, word::vacant(first, self.capacity())) == Less;
        is_behind.then_some(Refusal::Busy)
    }

    /// As [`why_not_vacant`](Self::why_not_vacant), of full slots at `head`.
    #[inline]
    fn why_not_full(&self, head: usize, count: usize, least: usize) -> Option<PopError> {
        // ORDERING: Acquire, E4. `tail` is not before it.
        if self.head.load(Acquire) != head {
            return None;
        }
        // ORDERING: Acquire, E5, if it is closed.
        let tail = self.tail.load(Acquire);
        let held = word::distance(head, tail);
        only_in_models! {
            assert!(held < usize::MAX / 4, "what was popped has been pushed: {held}");
        }
        let is_closed = tail & CLOSED != 0;
        let has_come_to_end = held < least;
        let (first, awaited) = if has_come_to_end {
            let end = word::open(tail);
            (end, word::vacant(end, self.capacity()))
        } else {
            let first = word::after(head, count);
            (first, word::full(first, self.capacity()))
        };
        // ORDERING: Relaxed; nothing is done with the slot.
        let turn = self.slot(first).turn.load(Relaxed);
        let missing = if is_closed { PopError::Closed } else { PopError::Empty };
        match word::compare(turn, awaited) {
            _ if least > self.capacity() => Some(missing),
            // A push is to fill it. Or, at the end, a pop or `force_push` of the lap before is to go on.
            Less => Some(PopError::Busy),
            Equal if has_come_to_end => Some(missing),
            Equal | Greater => None,
        }
    }

    /// Pops the oldest value of a full ring and pushes `value` into its slot, without anybody seeing it
    /// vacant. Refuses with `Full` if it has to be tried again.
    #[inline]
    pub(super) fn replace_oldest(&self, value: T) -> Result<T, PushError<T>> {
        let capacity = self.capacity();
        // ORDERING: Relaxed; the exchange finds out whether the ring is still full.
        let tail = self.tail.load(Relaxed);
        if tail & CLOSED != 0 {
            return Err(PushError::Full(value));
        }
        let head = word::before(tail, capacity);
        let slot = self.slot(tail);
        // ORDERING: Acquire, E1. The oldest value is there.
        match word::compare(slot.turn.load(Acquire), word::full(head, capacity)) {
            Equal => {}
            // ORDERING: Relaxed; nothing is done.
            Less if self.head.load(Relaxed) == head => return Err(PushError::Busy(value)),
            Less | Greater => return Err(PushError::Full(value)),
        }
        // ORDERING: success Release, E4. Failure Relaxed: nothing is done.
        if self.head.compare_exchange(head, word::after(head, 1), Release, Relaxed).is_err() {
            return Err(PushError::Full(value));
        }
        // The position of `tail` was the same until then: the slot had no turn for its push. Nor has it now,
        // so nobody else moves it on.
        // ORDERING: Release, E3.
        self.tail.add(word::after(0, 1), Release);
        // SAFETY: claimed as `head`, so full and nobody else's.
        let oldest = unsafe { slot.value.read() };
        // SAFETY: claimed as `tail`, too.
        unsafe { self.fill(tail, value) };
        Ok(oldest)
    }

    /// Puts `value` into the slot of a position, and lets pops have it.
    ///
    /// # Safety
    ///
    /// The caller has claimed the position of an open `tail` (INV-2), and its slot is vacant.
    #[inline(always)]
    pub(super) unsafe fn fill(&self, tail: usize, value: T) {
        let slot = self.slot(tail);
        // SAFETY: claimed by the caller alone; E2 made the read of what was there happen before.
        unsafe { slot.value.write(value) };
        // ORDERING: Release, E1. Publishes the write above.
        slot.turn.store(word::full(tail, self.capacity()), Release);
    }

    /// Takes the value out of the slot of a position, and lets pushes have it.
    ///
    /// # Safety
    ///
    /// The caller has claimed the position of `head` (INV-2), and its slot holds a value.
    #[inline(always)]
    pub(super) unsafe fn vacate(&self, head: usize) -> T {
        let slot = self.slot(head);
        // SAFETY: claimed by the caller alone; E1 made the write of the value happen before.
        let value = unsafe { slot.value.read() };
        let next_lap = word::after(head, self.capacity());
        // ORDERING: Release, E2. The read above comes before the next write.
        slot.turn.store(word::vacant(next_lap, self.capacity()), Release);
        value
    }
}
