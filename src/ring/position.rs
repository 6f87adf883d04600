//! Lap and index arithmetic. Pure functions of integers: no atomics, no memory.
//!
//! A position of type `u64` or `usize` counts tickets and wraps; two positions are compared by
//! the sign of their wrapping difference, so an order is right as long as fewer than half the
//! integer's range lies between them.

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

#[cfg(test)]
mod tests {
    use super::{index, is_after};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn index_is_the_remainder(position in any::<usize>()) {
            prop_assert_eq!(index(position, 1), 0);
            prop_assert_eq!(index(position, 16), position % 16);
        }

        #[test]
        fn order_survives_the_wrap(position in any::<u64>(), step in 1..1u64 << 62) {
            prop_assert!(is_after(position.wrapping_add(step), position));
            prop_assert!(!is_after(position, position.wrapping_add(step)));
            prop_assert!(!is_after(position, position));
        }
    }
}
