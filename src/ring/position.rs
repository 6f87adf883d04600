//! Lap and index arithmetic. Pure functions of integers: no atomics, no memory.
//!
//! A position of type `u64` or `usize` counts tickets and wraps; two positions are compared by
//! the sign of their wrapping difference, so an order is right as long as fewer than half the
//! integer's range lies between them.

use crate::atomic::only_in_models;

/// The index of `position` in a ring of `capacity` slots, a power of two.
#[inline(always)]
pub(super) const fn index(position: usize, capacity: usize) -> usize {
    position & (capacity - 1)
}

/// Whether `position` comes after `other`.
#[inline(always)]
pub(super) const fn is_after(position: u64, other: u64) -> bool {
    (position.wrapping_sub(other) as i64) > 0
}

/// The bits of one entry of an index ring with `2 * N` entries, `N` a power of two:
///
/// ```text
///  63                    b+1   b    b-1        0        b = log2(2 * N)
/// [ lap of the entry        | safe | index or ⊥ ]       ⊥ = all ones
/// ```
///
/// The lap lacks the topmost bit of `position / (2 * N)`: laps are compared modulo `2^(63 - b)`,
/// which is positions modulo `2^63`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry<const N: usize>(u64);

impl<const N: usize> Entry<N> {
    const INDEX_BITS: u32 = (2 * N).trailing_zeros();
    const NONE: u64 = 2 * N as u64 - 1;
    const SAFE: u64 = 2 * N as u64;
    const LAP: u64 = !(Self::SAFE | Self::NONE);

    /// How many entries share a cache line: neighbouring tickets are placed that far apart.
    const ENTRIES_PER_LINE_BITS: u32 = 3;

    /// Where in memory the entry of `position` lies: the index rotated, so that tickets drawn one
    /// after the other touch different cache lines (Nikolaev's `Cache_Remap`).
    #[inline(always)]
    pub(super) const fn slot(position: u64) -> usize {
        let index = position & Self::NONE;
        if Self::INDEX_BITS <= Self::ENTRIES_PER_LINE_BITS {
            return index as usize;
        }
        let high = index >> (Self::INDEX_BITS - Self::ENTRIES_PER_LINE_BITS);
        ((index << Self::ENTRIES_PER_LINE_BITS | high) & Self::NONE) as usize
    }

    /// An entry of `position`'s lap with nothing in it.
    #[inline(always)]
    pub(super) const fn vacant(position: u64) -> Self {
        Self(Self::lap_bits(position) | Self::SAFE | Self::NONE)
    }

    /// An entry of `position`'s lap with `index` in it.
    #[inline(always)]
    pub(super) const fn holding(position: u64, index: usize) -> Self {
        Self(Self::lap_bits(position) | Self::SAFE | index as u64)
    }

    #[inline(always)]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline(always)]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// What to `or` into an entry to make it vacant.
    #[inline(always)]
    pub(super) const fn vacating_mask() -> u64 {
        Self::NONE
    }

    #[inline(always)]
    pub(super) const fn is_vacant(self) -> bool {
        self.0 & Self::NONE == Self::NONE
    }

    #[inline(always)]
    pub(super) const fn is_safe(self) -> bool {
        self.0 & Self::SAFE != 0
    }

    /// The index in it, if it is not vacant.
    #[inline(always)]
    pub(super) const fn index(self) -> usize {
        (self.0 & Self::NONE) as usize
    }

    /// The same entry, no longer safe to fill without asking where `head` is.
    #[inline(always)]
    pub(super) const fn unsafe_twin(self) -> Self {
        Self(self.0 & !Self::SAFE)
    }

    /// The same vacant entry, moved on to the lap of `position`; the safe bit stays as it is.
    #[inline(always)]
    pub(super) const fn moved_to(self, position: u64) -> Self {
        Self(Self::lap_bits(position) | (self.0 & !Self::LAP))
    }

    /// Whether the entry is of the lap of `position`.
    #[inline(always)]
    pub(super) const fn is_of_lap(self, position: u64) -> bool {
        self.0 & Self::LAP == Self::lap_bits(position)
    }

    /// Whether the entry is of a lap before that of `position`.
    #[inline(always)]
    pub(super) const fn is_before_lap(self, position: u64) -> bool {
        ((self.0 & Self::LAP).wrapping_sub(Self::lap_bits(position)) as i64) < 0
    }

    only_in_models! {
        /// The position that this entry is of, its lap being that of `ticket` or one before.
        pub(super) const fn position(self, ticket: u64) -> u64 {
            let laps = Self::lap_bits(ticket).wrapping_sub(self.0 & Self::LAP) >> (Self::INDEX_BITS + 1);
            ticket.wrapping_sub(laps << Self::INDEX_BITS)
        }
    }

    #[inline(always)]
    const fn lap_bits(position: u64) -> u64 {
        (position >> Self::INDEX_BITS) << (Self::INDEX_BITS + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, index, is_after};
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Laps that start, wrap (at 2^63 positions) and end.
    fn positions() -> impl Strategy<Value = u64> {
        prop_oneof![
            0..64u64,
            any::<u64>(),
            (u64::MAX / 2 - 64)..(u64::MAX / 2 + 64),
            (u64::MAX - 64)..=u64::MAX,
        ]
    }

    fn slots_are_a_permutation<const N: usize>() {
        let start = u64::MAX - N as u64;
        let mut seen: Vec<usize> =
            (0..2 * N as u64).map(|k| Entry::<N>::slot(start.wrapping_add(k))).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..2 * N).collect::<Vec<_>>());
    }

    #[test]
    fn each_lap_uses_every_slot_once() {
        slots_are_a_permutation::<1>();
        slots_are_a_permutation::<2>();
        slots_are_a_permutation::<4>();
        slots_are_a_permutation::<8>();
        slots_are_a_permutation::<64>();
        slots_are_a_permutation::<1024>();
    }

    #[test]
    fn entry_has_the_documented_bits() {
        // Lap 5, one bit for safe, three for the index.
        assert_eq!(Entry::<4>::holding(5 * 8 + 7, 2).bits(), 0b0101_1010);
        assert_eq!(Entry::<4>::vacant(5 * 8).bits(), 0b0101_1111);
        assert_eq!(Entry::<4>::vacant(0).unsafe_twin().moved_to(5 * 8).bits(), 0b0101_0111);
        assert!(Entry::<4>::vacant(5 * 8).is_of_lap(5 * 8 + 7));
        assert!(!Entry::<4>::vacant(5 * 8).is_of_lap(6 * 8));
    }

    #[test]
    fn neighbouring_tickets_lie_on_different_cache_lines() {
        for position in 0..128 {
            let line = |p| Entry::<64>::slot(p) / 8;
            assert_ne!(line(position), line(position + 1));
        }
    }

    proptest! {
        #[test]
        fn index_is_the_remainder(position in any::<usize>()) {
            prop_assert_eq!(index(position, 1), 0);
            prop_assert_eq!(index(position, 16), position % 16);
        }

        #[test]
        fn order_survives_the_wrap(position in positions(), step in 1..1u64 << 62) {
            prop_assert!(is_after(position.wrapping_add(step), position));
            prop_assert!(!is_after(position, position.wrapping_add(step)));
            prop_assert!(!is_after(position, position));
        }

        #[test]
        fn entry_fields_do_not_disturb_each_other(position in positions(), held in 0..4usize) {
            let vacant = Entry::<4>::vacant(position);
            prop_assert!(vacant.is_vacant() && vacant.is_safe() && vacant.is_of_lap(position));

            let holding = Entry::<4>::holding(position, held);
            prop_assert!(!holding.is_vacant() && holding.is_safe());
            prop_assert!(holding.is_of_lap(position) && !holding.is_before_lap(position));
            prop_assert_eq!(holding.index(), held);

            let distrusted = holding.unsafe_twin();
            prop_assert!(!distrusted.is_safe() && distrusted.is_of_lap(position));
            prop_assert_eq!(distrusted.index(), held);

            let emptied = Entry::<4>::from_bits(distrusted.bits() | Entry::<4>::vacating_mask());
            prop_assert!(emptied.is_vacant() && !emptied.is_safe() && emptied.is_of_lap(position));
        }

        #[test]
        fn laps_are_ordered_across_the_wrap(
            position in positions(),
            // Laps are compared modulo 2^63 positions, so up to half of that is in order.
            laps in prop_oneof![1..64u64, 1..1u64 << 32, 1..1u64 << 58],
        ) {
            let later = position.wrapping_add(laps * 8);
            let entry = Entry::<4>::vacant(position);
            prop_assert!(entry.is_before_lap(later) && !entry.is_of_lap(later));
            prop_assert!(!Entry::<4>::vacant(later).is_before_lap(position));

            let moved = entry.unsafe_twin().moved_to(later);
            prop_assert!(moved.is_of_lap(later) && moved.is_vacant() && !moved.is_safe());
            prop_assert!(entry.moved_to(later).is_safe());
        }
    }
}
