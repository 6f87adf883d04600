//! A lock-free FIFO ring of at most `N` distinct indices (SCQ). See the [module](super) for
//! invariants and edges.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use static_assertions::const_assert_eq;

use crate::atomic::{
    AtomicI64, AtomicU64, MAX_THREADS, array, const_fn, fence_after_rmw, only_in_models,
};
use crate::mem::CachePadded;
use crate::ring::position::{Entry, is_after};

/// A FIFO of indices below `N`, each in it at most once.
#[repr(C)]
pub(super) struct IndexRing<const N: usize> {
    /// Tickets of takes: the next position to take from.
    head: CachePadded<AtomicU64>,
    /// Tickets of puts: the next position to put to.
    tail: CachePadded<AtomicU64>,
    /// How many more tickets may fail before the ring counts as empty; negative: it is.
    threshold: CachePadded<AtomicI64>,
    /// `2 * N` entries, spelled in a way that stable Rust accepts.
    entries: CachePadded<[[AtomicU64; 2]; N]>,
}

impl<const N: usize> IndexRing<N> {
    const VALID_N: () = assert!(
        N.is_power_of_two() && N <= 1 << 31,
        "N must be a power of two, at least 1 and at most 2^31"
    );

    /// What a put refills `threshold` to. After the put, the tickets that can fail before one
    /// finds the index are those within one lap before it, `2 * N`, and one for each other call
    /// under way. The paper has `3 * N - 1`, for at most `N` threads.
    const FULL_THRESHOLD: i64 = {
        let threads = if N > MAX_THREADS { N } else { MAX_THREADS };
        (2 * N + threads - 1) as i64
    };

    const_fn! {
        /// Creates a ring without any index, whose positions start at `position`.
        pub(super) const fn empty(position: u64) -> Self {
            Self::with_indices(position, 0)
        }
    }

    const_fn! {
        /// Creates a ring with all indices in ascending order, whose positions start at `position`.
        pub(super) const fn full(position: u64) -> Self {
            Self::with_indices(position, N)
        }
    }

    const_fn! {
        /// Creates a ring that holds the indices below `count`.
        #[expect(clippy::indexing_slicing, reason = "`slot` is below 2 * N; no panic path remains")]
        const fn with_indices(position: u64, count: usize) -> Self {
            const { Self::VALID_N };
            let mut entries = array![[AtomicU64::new(0), AtomicU64::new(0)]; N];
            let mut offset = 0;
            while offset < 2 * N {
                let ticket = position.wrapping_add(offset as u64);
                let entry = if offset < count {
                    Entry::<N>::holding(ticket, offset)
                } else {
                    // Of the lap before, so that the ticket finds it old and vacant.
                    Entry::<N>::vacant(ticket.wrapping_sub(2 * N as u64))
                };
                let slot = Entry::<N>::slot(ticket);
                entries[slot / 2][slot % 2] = AtomicU64::new(entry.bits());
                offset += 1;
            }
            let threshold = if count == 0 { -1 } else { Self::FULL_THRESHOLD };
            Self {
                head: CachePadded::new(AtomicU64::new(position)),
                tail: CachePadded::new(AtomicU64::new(position.wrapping_add(count as u64))),
                threshold: CachePadded::new(AtomicI64::new(threshold)),
                entries: CachePadded::new(entries),
            }
        }
    }

    /// Appends `index`, which the caller owns (INV-1); there is always room.
    #[inline]
    pub(super) fn put(&self, index: usize) {
        loop {
            // ORDERING: Acquire, E4. A ticket that takes have pushed `tail` up to comes with the
            // tickets they drew.
            let ticket = self.tail.fetch_add(1, Acquire);
            let place = self.entry(ticket);
            // ORDERING: Acquire, E3. The takes that emptied this entry come with the tickets they
            // drew.
            let mut entry = Entry::<N>::from_bits(place.load(Acquire));
            while entry.is_vacant()
                && entry.is_before_lap(ticket)
                && (entry.is_safe() || !self.has_passed(ticket))
            {
                let filled = Entry::<N>::holding(ticket, index).bits();
                // ORDERING: success Release, E1: the owner's work on the slot goes with the index.
                // Failure Acquire, E3, as for the load above.
                match place.compare_exchange_weak(entry.bits(), filled, Release, Acquire) {
                    Ok(_) => {
                        only_in_models! {
                            self.assert_known_draws(entry, ticket);
                        }
                        return self.refill_threshold();
                    }
                    Err(found) => entry = Entry::from_bits(found),
                }
            }
        }
    }

    /// Takes the oldest index out, or returns `None` if there is none.
    #[inline]
    pub(super) fn take(&self) -> Option<usize> {
        // ORDERING: Relaxed; by coherence this sees every refill that happened before, and no
        // other memory is read on the strength of it.
        let threshold = self.threshold.load(Relaxed);
        // Below full, a ticket failed since the last put: likely there is still nothing to take,
        // and to find that out without a ticket of one's own leaves the cache lines to the puts.
        if threshold < 0 || (threshold != Self::FULL_THRESHOLD && self.is_drained()) {
            return None;
        }
        self.draw()
    }

    /// `take` as if it had not seen that the ring is empty: what a take does whose look was too
    /// early. For tests.
    pub(super) fn take_by_ticket(&self) -> Option<usize> {
        // ORDERING: Relaxed, as in `take`.
        if self.threshold.load(Relaxed) < 0 { None } else { self.draw() }
    }

    /// Draws tickets until one finds an index or the ring turns out to be empty.
    #[inline]
    fn draw(&self) -> Option<usize> {
        loop {
            // ORDERING: Acquire, E2. A put that asked for `head` before this ticket was drawn saw
            // its entry before this call looks at it.
            let ticket = self.head.fetch_add(1, Acquire);
            if let Some(index) = self.take_with(ticket) {
                return Some(index);
            }
            // ORDERING: Relaxed; by coherence this is no older than any put that happened before.
            let tail = self.tail.load(Relaxed);
            let next = ticket.wrapping_add(1);
            let is_drained = !is_after(tail, next);
            if is_drained {
                self.catch_up(tail, next);
            }
            // ORDERING: Relaxed; the fence below orders it.
            let before = self.threshold.fetch_sub(1, Relaxed);
            // ORDERING: SeqCst fence, F1, against the one in `refill_threshold`: either that put
            // sees this payment, or the tickets that this thread draws from now on come after the
            // put. So at most one payment of each thread is missed (INV-4).
            fence_after_rmw();
            if is_drained || before <= 0 {
                return None;
            }
        }
    }

    /// Whether the ring was empty at some moment during the call: neither an index in it, nor one
    /// on its way in that a `take` could find.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // ORDERING: Relaxed; by coherence this sees every put that happened before.
        self.threshold.load(Relaxed) < 0 || self.is_drained()
    }

    /// Whether takes had drawn the ticket of every put that happened before this call.
    #[inline]
    fn is_drained(&self) -> bool {
        let (head, tail) = self.ends();
        !is_after(tail, head)
    }

    /// How many indices are in the ring: exact while no call is under way, except that positions
    /// which puts skipped in a race count until a `take` has passed them.
    #[inline]
    pub(super) fn len(&self) -> usize {
        let (head, tail) = self.ends();
        if is_after(tail, head) { (tail.wrapping_sub(head) as usize).min(N) } else { 0 }
    }

    only_in_models! {
        /// What "Why the threshold suffices" takes from E3 and E4 about a put that filled the entry of
        /// `ticket`: the tickets which this thread must know to be drawn. The load may return a stale
        /// `head`, and in models it does, unless an edge forbids it.
        fn assert_known_draws(&self, replaced: Entry<N>, ticket: u64) {
            let head = self.head.load(Relaxed);
            let emptied = replaced.position(ticket);
            assert!(is_after(head, emptied), "E3: a take emptied {emptied}, but head is {head} here");
            // With one index no other put is under way, so takes have drawn all positions before.
            let is_beyond = N == 1 && is_after(ticket, head);
            assert!(!is_beyond, "E4: tail was moved up to {ticket}, but head is {head} here");
        }

        /// Whether no failed ticket was paid for since the last refill, to models.
        pub(super) fn is_threshold_full(&self) -> bool {
            // ORDERING: Relaxed; asked when no call is under way.
            self.threshold.load(Relaxed) == Self::FULL_THRESHOLD
        }
    }

    /// The positions of takes and of puts, not of one moment.
    #[inline(always)]
    fn ends(&self) -> (u64, u64) {
        // ORDERING: Relaxed for both. By coherence `tail` is no older than any put that happened
        // before, so if it is not after `head`, takes have drawn all those puts' tickets. `head`
        // first: the other order could find it beyond a `tail` that has moved on since.
        let head = self.head.load(Relaxed);
        let tail = self.tail.load(Relaxed);
        (head, tail)
    }

    /// Looks for an index where `ticket` points to; otherwise makes sure that no put leaves one
    /// there any more.
    #[inline]
    fn take_with(&self, ticket: u64) -> Option<usize> {
        let place = self.entry(ticket);
        // ORDERING: Acquire, E1. The slot of the index comes with it.
        let mut entry = Entry::<N>::from_bits(place.load(Acquire));
        loop {
            if entry.is_of_lap(ticket) {
                // Only this ticket takes from this lap, so it is still there.
                // ORDERING: Release, E3. Argued: a push that gets this index may draw all tickets of
                // the next lap in vain, because another take, just behind it, moves each entry on;
                // then a second push fills this entry and knows of this ticket from here alone.
                place.or(Entry::<N>::vacating_mask(), Release);
                return Some(entry.index());
            }
            if !entry.is_before_lap(ticket) {
                return None;
            }
            let refused = if entry.is_vacant() {
                // A put with this ticket would find the lap taken.
                entry.moved_to(ticket)
            } else {
                // An index of an older lap, whose taker is late. When it is gone, a put with this
                // ticket has to ask whether this take has passed.
                entry.unsafe_twin()
            };
            if refused == entry {
                return None;
            }
            // ORDERING: success Release, E3. Failure Acquire, E1: the entry found may hold the
            // index for this ticket.
            match place.compare_exchange_weak(entry.bits(), refused.bits(), Release, Acquire) {
                Ok(_) => return None,
                Err(found) => entry = Entry::from_bits(found),
            }
        }
    }

    /// Whether a take has drawn `ticket` already. If not, the take that will draw it sees what
    /// this thread has seen.
    #[cold]
    fn has_passed(&self, ticket: u64) -> bool {
        // ORDERING: Release, E2. An addition of zero instead of a load: it reads the latest value,
        // and whoever draws a ticket after it acquires from it. A load could be stale while the
        // entry read before was not: an index put there would be lost.
        let head = self.head.fetch_add(0, Release);
        is_after(head, ticket)
    }

    /// Lets the ring count as non-empty again, after a put.
    #[inline]
    fn refill_threshold(&self) {
        // ORDERING: SeqCst fence, F1; see `draw`.
        fence_after_rmw();
        // ORDERING: Relaxed; the fence orders it.
        if self.threshold.load(Relaxed) != Self::FULL_THRESHOLD {
            // ORDERING: Relaxed; a later take sees it by coherence. An exchange, because on x86-64
            // that is what a store before a fence costs, and loom breaks the atomicity of other
            // read-modify-writes against a plain store.
            self.threshold.swap(Self::FULL_THRESHOLD, Relaxed);
        }
    }

    /// Moves `tail` up to `head`, so that puts do not have to work through positions that takes
    /// have passed.
    #[inline]
    fn catch_up(&self, mut tail: u64, head: u64) {
        while is_after(head, tail) {
            // ORDERING: success Release, E4: the ticket that this thread drew goes with it. Failure
            // Relaxed; only the next guess.
            match self.tail.compare_exchange_weak(tail, head, Release, Relaxed) {
                Ok(_) => return,
                Err(found) => tail = found,
            }
        }
    }

    /// The entry that the position `ticket` falls on.
    #[inline(always)]
    fn entry(&self, ticket: u64) -> &AtomicU64 {
        // SAFETY: `Entry::slot` is below `2 * N`, the number of entries.
        unsafe { self.entries.as_flattened().get_unchecked(Entry::<N>::slot(ticket)) }
    }
}

const_assert_eq!(size_of::<IndexRing<64>>(), 3 * 128 + 64 * 2 * size_of::<AtomicU64>());

#[cfg(test)]
mod tests {
    use super::IndexRing;
    use crate::atomic::MAX_THREADS;
    use core::sync::atomic::Ordering::Relaxed;

    /// `head`, `tail`, `threshold`.
    fn state<const N: usize>(ring: &IndexRing<N>) -> (u64, u64, i64) {
        (ring.head.load(Relaxed), ring.tail.load(Relaxed), ring.threshold.load(Relaxed))
    }

    fn set<const N: usize>(ring: &IndexRing<N>, (head, tail, threshold): (u64, u64, i64)) {
        ring.head.store(head, Relaxed);
        ring.tail.store(tail, Relaxed);
        ring.threshold.store(threshold, Relaxed);
    }

    #[test]
    fn threshold_outlasts_a_lap_and_each_other_call() {
        let calls = MAX_THREADS as i64;
        assert_eq!(IndexRing::<4>::FULL_THRESHOLD, 2 * 4 + calls - 1);
        assert_eq!(IndexRing::<8192>::FULL_THRESHOLD, 2 * 8192 + calls.max(8192) - 1);
    }

    #[test]
    fn full_ring_gives_out_its_indices_in_order() {
        for start in [0, 5, u64::MAX / 2 - 2, u64::MAX - 1] {
            let ring = IndexRing::<4>::full(start);
            let full = IndexRing::<4>::FULL_THRESHOLD;
            assert_eq!(state(&ring), (start, start.wrapping_add(4), full));
            assert_eq!([(); 5].map(|()| ring.take()), [Some(0), Some(1), Some(2), Some(3), None]);
            let ring = IndexRing::<4>::empty(start);
            assert_eq!(state(&ring), (start, start, -1));
            ring.put(3);
            assert_eq!((state(&ring).2, ring.take()), (full, Some(3)));
        }
    }

    #[test]
    fn take_draws_no_ticket_once_one_found_the_ring_empty() {
        const FULL: i64 = IndexRing::<2>::FULL_THRESHOLD;
        let ring = IndexRing::<2>::empty(0);
        assert_eq!((ring.take(), state(&ring)), (None, (0, 0, -1)));
        ring.put(0);
        assert_eq!((ring.take(), state(&ring)), (Some(0), (1, 1, FULL)));
        // The first cannot know. It takes the tail along.
        assert_eq!((ring.take(), state(&ring)), (None, (2, 2, FULL - 1)));
        assert_eq!((ring.take(), state(&ring)), (None, (2, 2, FULL - 1)));
        // One that looked too early draws all the same, until nothing is left to pay with.
        assert_eq!((ring.take_by_ticket(), state(&ring)), (None, (3, 3, FULL - 2)));
        set(&ring, (3, 3, -1));
        assert_eq!((ring.take_by_ticket(), state(&ring)), (None, (3, 3, -1)));
        // A put makes up for everything.
        ring.put(1);
        assert_eq!((ring.take(), state(&ring)), (Some(1), (4, 4, FULL)));
    }

    #[test]
    fn threshold_below_zero_says_empty() {
        type Take = fn(&IndexRing<2>) -> Option<usize>;
        let takes: [Take; 2] = [IndexRing::take, IndexRing::take_by_ticket];
        for take in takes {
            let ring = IndexRing::<2>::empty(0);
            ring.put(1);
            ring.threshold.store(-1, Relaxed);
            assert!(ring.is_empty());
            assert_eq!((take(&ring), state(&ring)), (None, (0, 1, -1)));
            ring.threshold.store(0, Relaxed);
            assert!(!ring.is_empty());
            assert_eq!((take(&ring), state(&ring)), (Some(1), (1, 1, 0)));
            assert!(ring.is_empty());
        }
    }

    #[test]
    fn failed_tickets_are_paid_for() {
        // Puts have skipped the positions before `tail`.
        let ring = IndexRing::<2>::empty(0);
        set(&ring, (0, 3, 1));
        assert_eq!((ring.take(), state(&ring)), (None, (2, 3, -1)), "two could be paid");
        let ring = IndexRing::<2>::empty(0);
        set(&ring, (0, 3, 9));
        assert_eq!((ring.take(), state(&ring)), (None, (3, 3, 6)), "until the last position");
        let ring = IndexRing::<2>::empty(0);
        set(&ring, (0, 2, 9));
        ring.put(0);
        assert_eq!((ring.take(), state(&ring).0), (Some(0), 3), "until there is an index");
    }

    #[test]
    fn length_is_within_bounds() {
        let ring = IndexRing::<4>::empty(0);
        for (head, tail, len) in [(0, 0, 0), (0, 3, 3), (0, 9, 4), (5, 3, 0), (u64::MAX, 1, 2)] {
            set(&ring, (head, tail, 0));
            assert_eq!((ring.len(), ring.is_empty()), (len, len == 0), "{head} to {tail}");
        }
    }

    #[test]
    fn entry_distrusted_by_a_take_is_filled_before_that_take_only() {
        for has_passed in [true, false] {
            let ring = IndexRing::<1>::empty(0);
            ring.put(0);
            // Ticket 0 is drawn and late; the take with ticket 2 meets its index.
            ring.head.store(2 + u64::from(has_passed), Relaxed);
            assert_eq!(ring.take_with(2), None);
            assert_eq!(ring.take_with(2), None);
            assert_eq!(ring.take_with(0), Some(0));
            assert_eq!(ring.has_passed(2), has_passed);
            ring.tail.store(2, Relaxed);
            ring.put(0);
            let filled = if has_passed { 3 } else { 2 };
            assert_eq!(ring.tail.load(Relaxed), filled + 1);
            assert_eq!(ring.take_with(filled), Some(0));
        }
    }

    #[test]
    fn put_passes_by_what_a_take_has_passed_or_another_index_holds() {
        let ring = IndexRing::<1>::empty(0);
        assert_eq!(ring.take_with(2), None);
        assert_eq!(ring.take_with(0), None, "late, by a lap");
        ring.put(0);
        assert_eq!(ring.tail.load(Relaxed), 2);
        // Position 3 shares its entry with position 1, whose taker is late.
        set(&ring, (4, 3, 0));
        ring.put(0);
        assert_eq!(ring.tail.load(Relaxed), 5);
        assert_eq!((ring.take_with(3), ring.take_with(4)), (None, Some(0)));
        assert_eq!(ring.take_with(1), Some(0));
    }

    #[test]
    fn tail_catches_up_and_never_goes_back() {
        let ring = IndexRing::<1>::empty(0);
        ring.tail.store(5, Relaxed);
        ring.catch_up(3, 4);
        ring.catch_up(5, 5);
        assert_eq!(ring.tail.load(Relaxed), 5);
        ring.catch_up(3, 7);
        assert_eq!(ring.tail.load(Relaxed), 7);
    }
}
