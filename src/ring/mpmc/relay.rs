//! The FIFO that both rings of this module are made of. See the [module](super) for invariants and
//! edges.

use core::mem::MaybeUninit;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::entry::{Entry, IndexEntry, Side, Stamp, State};
with_pairs! {
    use super::entry::WordEntry;
}
use crate::arch::prefetchw;
use crate::atomic::{AtomicU64, array, const_fn, only_in_models, with_pairs};
use crate::mem::{Backoff, CACHE_LINE_BYTES, CachePadded, comes_soon};
use crate::ring::position::{index, is_after};
use crate::ring::storage::{Inline, Storage};

/// Places that two sides pass, one behind the other: leaders, and followers after them.
#[repr(C)]
pub(super) struct Relay<S> {
    /// Where each side looks first: it has passed all positions before, and perhaps more.
    hints: [CachePadded<AtomicU64>; 2],
    entries: CachePadded<S>,
}

/// How many places there may be: an index has to fit below a stamp of 32 bits and more.
pub(super) const MOST_PLACES: usize = 1 << 31;

/// How often a side that does not pass looks again.
const LOOKS: usize = 2;

/// Why a side does not pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// The other side has not been there.
    NotYet,
    /// As `NotYet`, and no leader passes any more.
    Closed,
}

/// A position, and what was found there.
#[derive(Clone, Copy)]
struct Visit {
    position: u64,
    found: State,
    /// How many phases the place is beyond that in which the side passes.
    phases: i64,
}

/// A change of a place: from what was found to a stamp, with whatever content.
trait Exchange<E>: Fn(&E, usize, State, Stamp) -> bool {}

impl<E, F: Fn(&E, usize, State, Stamp) -> bool> Exchange<E> for F {}

// === impl Relay ===

macro_rules! relay_of {
    ($entry:ident) => {
        impl<const N: usize> Relay<Inline<$entry, N>> {
            const_fn! {
                /// Creates places that nobody has passed, with zeros in them: all bytes are zero.
                pub(super) const fn new() -> Self {
                    Self::with(0, array![MaybeUninit::new($entry::new(Stamp::NEW)); N])
                }
            }

            const_fn! {
                /// Creates places of which that of the position `start` is the first to be passed.
                #[expect(clippy::indexing_slicing, reason = "a place is below N; no panic path remains")]
                pub(super) const fn starting_at(start: u64) -> Self {
                    let mut entries = array![MaybeUninit::new($entry::new(Stamp::NEW)); N];
                    let mut offset = 0;
                    while offset < N {
                        let position = start.wrapping_add(offset as u64);
                        let stamp = Stamp::expected(position, Side::Leader, N);
                        entries[index(position as usize, N)] = MaybeUninit::new($entry::new(stamp));
                        offset += 1;
                    }
                    Self::with(start, entries)
                }
            }

            const_fn! {
                const fn with(start: u64, entries: [MaybeUninit<$entry>; N]) -> Self {
                    const { assert!(N <= MOST_PLACES, "N must be at most 2^31") };
                    Self {
                        hints: [
                            CachePadded::new(AtomicU64::new(start)),
                            CachePadded::new(AtomicU64::new(start)),
                        ],
                        entries: CachePadded::new(Inline::of(entries)),
                    }
                }
            }
        }
    };
}

relay_of!(IndexEntry);
with_pairs! {
    relay_of!(WordEntry);
}

impl<S: Storage<Item: Entry>> Relay<S> {
    /// How many places there are in the lines that leaders ask for ahead.
    const PLACES_AHEAD: u64 =
        (S::Item::LINES_AHEAD * CACHE_LINE_BYTES / size_of::<S::Item>()) as u64;

    /// Creates places that nobody has passed, with zeros in them, in memory that is none yet.
    pub(super) fn over(entries: S) -> Self {
        let view = entries.view();
        for place in 0..entries.capacity(view) {
            // SAFETY: its own view, and a place is less than the capacity.
            let entry = unsafe { entries.as_mut_ptr(view, place, 1) };
            // SAFETY: room for an entry, which nobody else has yet.
            unsafe { entry.write(S::Item::fresh(Stamp::NEW)) };
        }
        let hint = || CachePadded::new(AtomicU64::new(0));
        Self { hints: [hint(), hint()], entries: CachePadded::new(entries) }
    }

    /// How many places there are.
    #[inline(always)]
    pub(super) fn capacity(&self) -> usize {
        self.entries.capacity(self.entries.view())
    }

    #[inline(always)]
    fn place(&self, position: u64) -> usize {
        index(position as usize, self.capacity())
    }

    /// Passes a place, and leaves there what `content` says for it.
    #[inline(always)]
    pub(super) fn put(&self, side: Side, content: impl Fn(usize) -> u64) -> Result<(), Refusal> {
        self.pass(side, |entry, place, found, stamp| {
            let new = State { stamp, content: content(place) };
            // ORDERING: success Release, E1: what this thread did goes with the content, and E2. Failure
            // Relaxed; the place is looked at again.
            entry.exchange(found, new, Release, Relaxed)
        })?;
        Ok(())
    }

    /// Passes a place. Returns what was there, and which place it was.
    #[inline(always)]
    pub(super) fn take(&self, side: Side) -> Result<(u64, usize), Refusal> {
        let visit = self.pass(side, |entry, _, found, stamp| {
            // ORDERING: success Release, E2. Failure Relaxed; the place is looked at again.
            entry.restamp(found, stamp, Release, Relaxed)
        })?;
        Ok((visit.found.content, self.place(visit.position)))
    }

    /// Lets no leader pass any more. Returns whether one could until now.
    pub(super) fn close(&self) -> bool {
        let mut backoff = Backoff::after_collision();
        loop {
            let Visit { position, found, .. } = self.next(Side::Leader);
            if found.stamp.is_closed(self.capacity()) {
                return false;
            }
            let stamp = found.stamp.closed(self.capacity());
            // ORDERING: success Release, E4. Failure Relaxed; the place is looked at again.
            if self.entry(position).restamp(found, stamp, Release, Relaxed) {
                return true;
            }
            backoff.wait();
        }
    }

    /// Whether a side could have passed at some moment during the call, and if not, why.
    #[inline]
    pub(super) fn check(&self, side: Side) -> Result<(), Refusal> {
        let visit = self.next(side);
        match visit.refusal(side, self.capacity()) {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    /// How many places leaders have passed and followers have not, at some moments during the call.
    #[inline]
    pub(super) fn len(&self) -> usize {
        let follower = self.next(Side::Follower).position;
        let leader = self.next(Side::Leader).position;
        if is_after(leader, follower) {
            (leader.wrapping_sub(follower) as usize).min(self.capacity())
        } else {
            0
        }
    }

    /// Passes the first position that its side has not passed, by `exchange`.
    #[inline(always)]
    fn pass(&self, side: Side, exchange: impl Exchange<S::Item>) -> Result<Visit, Refusal> {
        let hint = self.hint(side);
        // ORDERING: Acquire, E3.
        let mut position = hint.load(Acquire);
        if side == Side::Leader && S::Item::LINES_AHEAD > 0 {
            prefetchw(self.entry(position.wrapping_add(Self::PLACES_AHEAD)));
        }
        let mut backoff = Backoff::after_collision();
        loop {
            let visit = self.visit(position, side);
            if let Some(refusal) = visit.refusal(side, self.capacity()) {
                if refusal == Refusal::NotYet && self.can_pass_soon(position, side) {
                    continue;
                }
                return Err(refusal);
            }
            if visit.phases == 0 {
                let entry = self.entry(position);
                let stamp = visit.found.stamp.plus(1, self.capacity());
                if exchange(entry, self.place(position), visit.found, stamp) {
                    // ORDERING: Release, E3. A store, which may take the hint back to what it was long
                    // ago: whoever follows it looks further.
                    hint.store(position.wrapping_add(1), Release);
                    return Ok(visit);
                }
            } else {
                position = self.beyond(visit, side);
            }
            // Others are at work here. To step aside lets one of them pass several times.
            backoff.wait();
            // ORDERING: Acquire, E3.
            let hinted = hint.load(Acquire);
            if is_after(hinted, position) {
                position = hinted;
            }
        }
    }

    /// Whether the other side passes a position while one can wait for it.
    #[cold]
    #[inline(never)]
    fn can_pass_soon(&self, position: u64, side: Side) -> bool {
        comes_soon(LOOKS, || self.visit(position, side).phases >= 0)
    }

    /// The first position that `side` has not passed, or had not at some moment during the call.
    #[inline]
    fn next(&self, side: Side) -> Visit {
        // ORDERING: Acquire, E3.
        let mut position = self.hint(side).load(Acquire);
        loop {
            let visit = self.visit(position, side);
            if visit.phases <= 0 {
                return visit;
            }
            position = self.beyond(visit, side);
        }
    }

    /// A position that `side`, which has passed that of `visit`, has not passed, or had not at some
    /// moment during the call, as it has the one before.
    #[cold]
    fn beyond(&self, visit: Visit, side: Side) -> u64 {
        // Each lap is two phases.
        let laps = (visit.phases as u64 - 1) / 2;
        let mut passed = visit.position.wrapping_add(laps.wrapping_mul(self.capacity() as u64));
        let mut step = 1;
        let mut has_passed = |step| {
            let position = passed.wrapping_add(step);
            let has_passed = self.visit(position, side).phases > 0;
            if has_passed {
                passed = position;
            }
            has_passed
        };
        while step < self.capacity() as u64 && has_passed(step) {
            step *= 2;
        }
        while step > 1 {
            step /= 2;
            has_passed(step);
        }
        passed.wrapping_add(1)
    }

    /// Looks at a position for `side`.
    #[inline(always)]
    fn visit(&self, position: u64, side: Side) -> Visit {
        // ORDERING: Acquire, E1, E2, E4.
        let found = self.entry(position).load(Acquire, self.capacity());
        let phases = found
            .stamp
            .phases_since(Stamp::expected(position, side, self.capacity()), self.capacity());
        only_in_models! {
            // Whoever comes to a position knows that its side has passed the one a lap before.
            assert!(phases >= -1, "E2, E3: {side:?} at {position} finds what was there {phases} phases ago");
        }
        Visit { position, found, phases }
    }

    #[inline(always)]
    fn hint(&self, side: Side) -> &AtomicU64 {
        let [leader, follower] = &self.hints;
        match side {
            Side::Leader => leader,
            Side::Follower => follower,
        }
    }

    #[inline(always)]
    fn entry(&self, position: u64) -> &S::Item {
        // SAFETY: the relay's view; a place is less than the capacity.
        let entry = unsafe { self.entries.as_ptr(self.entries.view(), self.place(position), 1) };
        // SAFETY: written when the relay was made, and shared as long as the relay is borrowed.
        unsafe { &*entry }
    }
}

with_pairs! {
    impl<S: Storage<Item = WordEntry>> Relay<S> {
        /// Passes a place as a leader and leaves `content` there. If the followers have not been there,
        /// passes for them too: what was there comes back.
        #[inline]
        pub(super) fn replace(&self, content: u64) -> Result<Option<u64>, Refusal> {
            let capacity = self.capacity();
            let mut backoff = Backoff::after_collision();
            loop {
                let visit = self.next(Side::Leader);
                if visit.found.stamp.is_closed(capacity) {
                    return Err(Refusal::Closed);
                }
                // In its phase, or one before: the place is the oldest that followers have not passed.
                let is_full = visit.phases != 0;
                let stamp = visit.found.stamp.plus(1 + u64::from(is_full), capacity);
                // ORDERING: success Release, E1 and E2. Failure Relaxed; the place is looked at again.
                let entry = self.entry(visit.position);
                if entry.exchange(visit.found, State { stamp, content }, Release, Relaxed) {
                    let next = visit.position.wrapping_add(1);
                    // ORDERING: Release for both, E3.
                    self.hint(Side::Leader).store(next, Release);
                    if is_full {
                        self.hint(Side::Follower).store(next.wrapping_sub(capacity as u64), Release);
                    }
                    return Ok(is_full.then_some(visit.found.content));
                }
                backoff.wait();
            }
        }

        /// Whether leaders had passed `N` places more than followers at some moment during the call.
        #[inline]
        pub(super) fn is_full(&self) -> bool {
            self.next(Side::Leader).phases < 0
        }
    }
}

// === impl Visit ===

impl Visit {
    /// Why `side` does not pass here, if it does not.
    #[inline(always)]
    fn refusal(&self, side: Side, capacity: usize) -> Option<Refusal> {
        let is_closed = self.found.stamp.is_closed(capacity);
        let is_early = self.phases < 0;
        if is_early || self.phases == 0 && side == Side::Leader && is_closed {
            Some(if is_closed { Refusal::Closed } else { Refusal::NotYet })
        } else {
            None
        }
    }
}
