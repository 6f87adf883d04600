//! What a place of a [`Relay`](super::relay::Relay) holds, and the arithmetic of its stamp.

use core::fmt;
use core::sync::atomic::Ordering;

use crate::atomic::{AtomicU64, const_fn, with_pairs};
with_pairs! {
    use crate::atomic::AtomicPair;
}

/// The two sides of a relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Leader = 0,
    Follower = 1,
}

/// Whose turn it is at a place, and whether leaders still pass. In a relay of `2^k` places:
///
/// ```text
///  63    k+2       k+1         k       k-1    0
/// [ lap    | after the leader | closed | zeros  ]
/// ```
///
/// The upper two fields together are the *phase*: even, the leader of that lap comes next; odd, its
/// follower. Who passes adds one. The lap lacks the two topmost bits of `position / 2^k`, so phases are
/// compared modulo `2^(63 - k)`, which is positions modulo `2^62`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp(u64);

impl Stamp {
    /// The one that leaders find first.
    pub(super) const NEW: Self = Self(0);

    /// What `side` finds at `position` when its turn has come, among `capacity` places, a power of two.
    #[inline(always)]
    pub(super) const fn expected(position: u64, side: Side, capacity: usize) -> Self {
        let lap = (position & !(capacity as u64 - 1)) << 2;
        Self(lap + side as u64 * Self::phase(capacity))
    }

    /// The same, `phases` later: who passes adds one.
    #[inline(always)]
    pub(super) const fn plus(self, phases: u64, capacity: usize) -> Self {
        Self(self.0.wrapping_add(phases.wrapping_mul(Self::phase(capacity))))
    }

    /// How many phases have passed since `expected`, which is not closed.
    #[inline(always)]
    pub(super) const fn phases_since(self, expected: Self, capacity: usize) -> i64 {
        self.0.wrapping_sub(expected.0) as i64 >> (capacity.trailing_zeros() + 1)
    }

    /// The same, and no leader passes any more.
    #[inline(always)]
    pub(super) const fn closed(self, capacity: usize) -> Self {
        Self(self.0 | capacity as u64)
    }

    #[inline(always)]
    pub(super) const fn is_closed(self, capacity: usize) -> bool {
        self.0 & capacity as u64 != 0
    }

    #[inline(always)]
    const fn phase(capacity: usize) -> u64 {
        2 * capacity as u64
    }
}

/// Stamp and content of a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State {
    pub(super) stamp: Stamp,
    pub(super) content: u64,
}

/// A place of a relay: stamp and content, which change together. Only `load` is told the capacity.
pub(super) trait Entry: Sized {
    /// How many cache lines ahead leaders ask for the one that they will write, which followers wrote last.
    const LINES_AHEAD: usize;

    /// A place of this stamp, with zero in it.
    fn fresh(stamp: Stamp) -> Self;

    /// Stamp and content. If the content is of a later moment than the stamp, the stamp has changed
    /// since.
    fn load(&self, order: Ordering, capacity: usize) -> State;

    /// Leaves `new` if stamp and content are as they were `found`. Returns whether it did; may fail
    /// though they are.
    fn exchange(&self, found: State, new: State, success: Ordering, failure: Ordering) -> bool;

    /// As [`exchange`](Self::exchange), for one who leaves any content.
    fn restamp(&self, found: State, new: Stamp, success: Ordering, failure: Ordering) -> bool;
}

// An index below the capacity, in the bits that the stamp leaves free.
/// A place of an [`MpmcRing`](crate::ring::MpmcRing) in memory of one's own; see
/// [`MpmcSliceRing`](super::MpmcSliceRing).
#[repr(transparent)]
pub struct IndexEntry(AtomicU64);

impl IndexEntry {
    const_fn! {
        pub(super) const fn new(stamp: Stamp) -> Self {
            Self(AtomicU64::new(stamp.0))
        }
    }
}

impl fmt::Debug for IndexEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexEntry").finish_non_exhaustive()
    }
}

impl Entry for IndexEntry {
    /// Half of the leaders work on a relay that is nearly full, where followers write what comes next.
    const LINES_AHEAD: usize = 0;

    fn fresh(stamp: Stamp) -> Self {
        Self::new(stamp)
    }

    #[inline(always)]
    fn load(&self, order: Ordering, capacity: usize) -> State {
        let word = self.0.load(order);
        let content = word & (capacity as u64 - 1);
        State { stamp: Stamp(word ^ content), content }
    }

    #[inline(always)]
    fn exchange(&self, found: State, new: State, success: Ordering, failure: Ordering) -> bool {
        let [found, new] = [found, new].map(|state| state.stamp.0 | state.content);
        self.0.compare_exchange_weak(found, new, success, failure).is_ok()
    }

    #[inline(always)]
    fn restamp(&self, found: State, new: Stamp, success: Ordering, failure: Ordering) -> bool {
        let new = State { stamp: new, content: found.content };
        self.exchange(found, new, success, failure)
    }
}

with_pairs! {
    // A word beside its stamp.
    /// A place of a [`WordRing`](crate::ring::WordRing) in memory of one's own; see
    /// [`WordSliceRing`](super::WordSliceRing).
    #[repr(transparent)]
    pub struct WordEntry(AtomicPair);

    impl WordEntry {
        const_fn! {
            pub(super) const fn new(stamp: Stamp) -> Self {
                Self(AtomicPair::new([0, stamp.0]))
            }
        }
    }

    impl fmt::Debug for WordEntry {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("WordEntry").finish_non_exhaustive()
        }
    }

    impl Entry for WordEntry {
        const LINES_AHEAD: usize = 4;

        fn fresh(stamp: Stamp) -> Self {
            Self::new(stamp)
        }

        #[inline(always)]
        fn load(&self, order: Ordering, _capacity: usize) -> State {
            let stamp = Stamp(self.0.load_high(order));
            // ORDERING: Relaxed; if it is another than that of the stamp, the exchange finds out.
            State { stamp, content: self.0.load_low(Ordering::Relaxed) }
        }

        #[inline(always)]
        fn exchange(&self, found: State, new: State, success: Ordering, failure: Ordering) -> bool {
            let [found, new] = [found, new].map(|state| [state.content, state.stamp.0]);
            self.0.compare_exchange(found, new, success, failure).is_ok()
        }

        /// A compare-exchange of the stamp alone: while it stays, so does the content.
        #[inline(always)]
        fn restamp(&self, found: State, new: Stamp, success: Ordering, failure: Ordering) -> bool {
            self.0.compare_exchange_high(found.stamp.0, new.0, success, failure).is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Side, Stamp};
    use proptest::prelude::*;

    /// Positions that start, wrap (a stamp's at 2^62) and end.
    fn positions() -> impl Strategy<Value = u64> {
        prop_oneof![
            0..64u64,
            any::<u64>(),
            (u64::MAX / 4 - 64)..(u64::MAX / 4 + 64),
            (u64::MAX - 64)..=u64::MAX,
        ]
    }

    fn sides() -> impl Strategy<Value = Side> {
        prop_oneof![Just(Side::Leader), Just(Side::Follower)]
    }

    #[test]
    fn stamp_has_the_documented_bits() {
        // Of four places: lap 5, a bit for the side, one for closed, two for an index.
        assert_eq!(Stamp::expected(5 * 4 + 3, Side::Leader, 4).0, 0b101_0000);
        assert_eq!(Stamp::expected(5 * 4, Side::Follower, 4).0, 0b101_1000);
        assert_eq!(Stamp::expected(5 * 4, Side::Follower, 4).closed(4).0, 0b101_1100);
        assert_eq!(Stamp::expected(0, Side::Leader, 4).0, 0, "new memory is zeros");
        assert_eq!(Stamp::expected(5, Side::Follower, 1).0, 0b1_0110);
    }

    proptest! {
        #[test]
        fn sides_take_turns(position in positions(), bits in 0..32u32) {
            let capacity = 1 << bits;
            let leader = Stamp::expected(position, Side::Leader, capacity);
            let follower = Stamp::expected(position, Side::Follower, capacity);
            prop_assert_eq!(leader.plus(1, capacity), follower);
            let next_lap = position.wrapping_add(capacity as u64);
            let next = Stamp::expected(next_lap, Side::Leader, capacity);
            prop_assert_eq!(follower.plus(1, capacity), next);
        }

        #[test]
        fn phases_are_counted_across_the_wrap(
            position in positions(),
            side in sides(),
            bits in 0..32u32,
            // Up to a quarter of all phases either way.
            phases in prop_oneof![-4..64i64, -(1i64 << 29)..1i64 << 29],
            is_closed in any::<bool>(),
        ) {
            let capacity = 1 << bits;
            let expected = Stamp::expected(position, side, capacity);
            let open = expected.plus(phases as u64, capacity);
            let found = if is_closed { open.closed(capacity) } else { open };
            prop_assert_eq!(found.phases_since(expected, capacity), phases);
            prop_assert_eq!(found.is_closed(capacity), is_closed);
            prop_assert_eq!(found.closed(capacity), open.closed(capacity));
        }

        #[test]
        fn stamp_leaves_room_for_an_index(position in positions(), side in sides(), bits in 0..32u32) {
            let capacity = 1 << bits;
            let stamp = Stamp::expected(position, side, capacity).closed(capacity);
            prop_assert_eq!(stamp.0 & (capacity as u64 - 1), 0);
        }
    }
}
