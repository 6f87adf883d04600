//! What the words of an overwriting ring are made of. Pure functions of integers: no atomics, no
//! memory.

/// One of the `N` entries, `N` a power of two:
///
/// ```text
///  63   b+1   b   b-1   0        b = bits of N + 1
/// [ lap    | full | slot ]
/// ```
///
/// The slot is one of `N + 2`. The lap is `position / N`, of which the entry has 63 - b bits; the
/// rest of the position follows from where the entry lies. So positions are known modulo 2^62, and
/// 2^61 if `N` is 1. An empty entry has no lap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry<const N: usize>(u64);

impl<const N: usize> Entry<N> {
    const SLOT_BITS: u32 = (N as u64 + 1).ilog2() + 1;
    const SLOT: u64 = (1 << Self::SLOT_BITS) - 1;
    const FULL: u64 = 1 << Self::SLOT_BITS;
    const LAP: u64 = !(Self::FULL | Self::SLOT);
    const LAP_SHIFT: u32 = Self::SLOT_BITS + 1;
    const INDEX_BITS: u32 = N.trailing_zeros();

    /// An entry without a value, which names a slot to be used.
    #[inline(always)]
    pub(super) const fn empty(slot: usize) -> Self {
        Self(slot as u64)
    }

    /// The entry of `position`, whose value is in `slot`.
    #[inline(always)]
    pub(super) const fn full(position: u64, slot: usize) -> Self {
        Self(Self::lap_bits(position) | Self::FULL | slot as u64)
    }

    #[inline(always)]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline(always)]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// The slot, which is less than `N + 2`.
    #[inline(always)]
    pub(super) const fn slot(self) -> usize {
        (self.0 & Self::SLOT) as usize
    }

    #[inline(always)]
    pub(super) const fn is_full(self) -> bool {
        self.0 & Self::FULL != 0
    }

    /// Whether it holds the value of `position`, whose entry it is.
    #[inline(always)]
    pub(super) const fn holds(self, position: u64) -> bool {
        self.0 & !Self::SLOT == Self::full(position, 0).0
    }

    /// The position of the value in it: `earlier`, whose entry it is, or the given number of laps
    /// later.
    #[inline(always)]
    pub(super) const fn position_from(self, earlier: u64) -> u64 {
        let laps = (self.0 & Self::LAP).wrapping_sub(Self::lap_bits(earlier)) >> Self::LAP_SHIFT;
        earlier.wrapping_add(laps << Self::INDEX_BITS)
    }

    #[inline(always)]
    const fn lap_bits(position: u64) -> u64 {
        position >> Self::INDEX_BITS << Self::LAP_SHIFT
    }
}

#[cfg(test)]
mod tests {
    use super::Entry;
    use proptest::prelude::*;

    /// Where laps start, and where they wrap in an entry or in the position.
    fn positions() -> impl Strategy<Value = u64> {
        let around = |middle: u64| (0..128_u64).prop_map(move |k| (middle - 64).wrapping_add(k));
        prop_oneof![
            0..64_u64,
            any::<u64>(),
            around(1 << 61),
            around(1 << 62),
            around(1 << 63),
            around(u64::MAX),
        ]
    }

    #[test]
    fn parts_lie_where_the_picture_says() {
        // Slots up to 5 take three bits; position 27 is in lap 6.
        assert_eq!(Entry::<4>::full(27, 5).bits(), 0b0110_1101);
        assert_eq!(Entry::<4>::empty(5).bits(), 0b101);
        // Slots up to 2 take two bits.
        assert_eq!(Entry::<1>::full(6, 2).bits(), 0b11_0110);
        assert_eq!(Entry::<2>::full(6, 3).bits(), 0b1_1111);
    }

    #[test]
    fn positions_are_known_as_far_as_said() {
        fn check<const N: usize>(bits: u32) {
            let full = Entry::<N>::full(5, 0);
            assert!(full.holds(5_u64.wrapping_add(1 << bits)));
            assert!((0..bits).all(|bit| !full.holds(5 ^ 1 << bit) || 1 << bit < N));
        }
        check::<1>(61);
        check::<2>(62);
        check::<8>(62);
        check::<1024>(62);
    }

    fn fields_do_not_disturb_each_other<const N: usize>(position: u64, slot: usize) {
        let slot = slot % (N + 2);
        let full = Entry::<N>::full(position, slot);
        assert!(full.is_full() && full.holds(position));
        assert_eq!(full.slot(), slot);
        assert!(!full.holds(position.wrapping_add(N as u64)));
        assert!(!full.holds(position.wrapping_sub(N as u64)));
        let empty = Entry::<N>::from_bits(Entry::<N>::empty(slot).bits());
        assert!(!empty.is_full() && !empty.holds(position));
        assert_eq!(empty.slot(), slot);
    }

    fn later_position_is_told<const N: usize>(position: u64, laps: u64) {
        let later = position.wrapping_add(laps * N as u64);
        assert_eq!(Entry::<N>::full(later, N + 1).position_from(position), later);
    }

    proptest! {
        #[test]
        fn parts_do_not_disturb_each_other(position in positions(), slot: usize) {
            fields_do_not_disturb_each_other::<1>(position, slot);
            fields_do_not_disturb_each_other::<2>(position, slot);
            fields_do_not_disturb_each_other::<4>(position, slot);
            fields_do_not_disturb_each_other::<1024>(position, slot);
        }

        #[test]
        fn later_positions_are_told_across_the_wrap(
            position in positions(),
            laps in prop_oneof![0..4_u64, 0..1_u64 << 51],
        ) {
            later_position_is_told::<1>(position, laps);
            later_position_is_told::<2>(position, laps);
            later_position_is_told::<4>(position, laps);
            later_position_is_told::<1024>(position, laps);
        }
    }
}
