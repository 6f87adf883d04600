//! Words of `head` and `tail`, and what the turn of a slot is. Pure functions of integers: no atomics,
//! no memory.
//!
//! ```text
//! head, tail  [ position             | 0, or whether closed ]
//! turn        [ lap | 0 … 0          | whether it holds a value ]
//!               ^     ^ log2(capacity) bits
//!               as in the word of a position of that lap
//! ```
//!
//! Positions count up and wrap at half the integer's range. A slot's turn goes up by one when it is filled,
//! and up to the next lap when it is vacated; it wraps together with the positions.
//!
//! A turn is compared with part of a position, so the compiler cannot take the turn that it has just loaded
//! for the position, and make what follows wait for the slot's cache line.

use core::cmp;

/// The bit of `tail` that says that nothing more is pushed.
pub(super) const CLOSED: usize = 1;

/// The word of `position`.
#[inline(always)]
pub(super) const fn of(position: usize) -> usize {
    position << 1
}

/// The word `count` positions after `word`, closed or not as that is.
#[inline(always)]
pub(super) const fn after(word: usize, count: usize) -> usize {
    word.wrapping_add(count << 1)
}

/// The word `count` positions before `word`.
#[inline(always)]
pub(super) const fn before(word: usize, count: usize) -> usize {
    word.wrapping_sub(count << 1)
}

/// The position of a `tail`, closed or not.
#[inline(always)]
pub(super) const fn open(tail: usize) -> usize {
    tail & !CLOSED
}

/// How many positions there are from `head` to `tail`, closed or not. If `tail` is before `head`, more than
/// any capacity.
#[inline(always)]
pub(super) const fn distance(head: usize, tail: usize) -> usize {
    open(tail).wrapping_sub(head) >> 1
}

/// The index of the slot of a position.
#[inline(always)]
pub(super) const fn index(word: usize, capacity: usize) -> usize {
    (word >> 1) & (capacity - 1)
}

/// The turn of a slot that waits for the push of this position. For a closed `tail` one that its slot does
/// not have while this is `tail`: the position was never pushed.
#[inline(always)]
pub(super) const fn vacant(word: usize, capacity: usize) -> usize {
    word & !((capacity - 1) << 1)
}

/// The turn of a slot that holds the value of this position, or waits for its pop to read it.
#[inline(always)]
pub(super) const fn full(word: usize, capacity: usize) -> usize {
    vacant(word, capacity) | 1
}

/// Whether a turn comes before another, is the same, or comes after it.
#[inline(always)]
pub(super) fn compare(turn: usize, other: usize) -> cmp::Ordering {
    (turn.wrapping_sub(other) as isize).cmp(&0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cmp::Ordering;
    use proptest::prelude::*;

    const CAPACITIES: [usize; 4] = [1, 2, 8, 1024];

    fn words() -> impl Strategy<Value = usize> {
        prop_oneof![
            0..64_usize,
            any::<usize>(),
            (usize::MAX / 2 - 64)..(usize::MAX / 2 + 64),
            (usize::MAX - 64)..=usize::MAX,
        ]
        .prop_map(of)
    }

    #[test]
    fn parts_lie_where_the_picture_says() {
        // Position 27 is in lap 6, the last of four.
        assert_eq!(of(27), 0b11_0110);
        assert_eq!(index(of(27), 4), 3);
        assert_eq!(vacant(of(27), 4), 0b11_0000);
        assert_eq!(full(of(27), 4), 0b11_0001);
        // One slot has no index.
        assert_eq!((index(of(27), 1), vacant(of(27), 1)), (0, 0b11_0110));
    }

    #[test]
    fn all_is_zero_in_the_beginning() {
        assert!(CAPACITIES.iter().all(|&capacity| vacant(of(0), capacity) == 0));
    }

    proptest! {
        #[test]
        fn turns_of_a_slot_go_up(word in words()) {
            for capacity in CAPACITIES {
                let turns = [0, 1, 2].map(|lap| after(word, lap * capacity))
                    .map(|word| [vacant(word, capacity), full(word, capacity)]);
                let turns = turns.as_flattened();
                for (at, turn) in turns.iter().enumerate() {
                    for (other_at, other) in turns.iter().enumerate() {
                        prop_assert_eq!(compare(*turn, *other), at.cmp(&other_at));
                    }
                }
            }
        }

        #[test]
        fn a_lap_has_one_turn_and_every_index(word in words()) {
            for capacity in CAPACITIES {
                let first = before(word, index(word, capacity));
                for at in 0..capacity {
                    let word = after(first, at);
                    prop_assert_eq!(index(word, capacity), at);
                    prop_assert_eq!(vacant(word, capacity), vacant(first, capacity));
                }
                prop_assert_ne!(vacant(after(first, capacity), capacity), vacant(first, capacity));
            }
        }

        #[test]
        fn a_closed_tail_is_where_it_was(head in words(), count in 0..1_usize << 30) {
            let tail = after(head, count);
            let closed = tail | CLOSED;
            prop_assert_eq!(open(closed), tail);
            prop_assert_eq!([distance(head, tail), distance(head, closed)], [count; 2]);
            prop_assert_eq!(after(closed, 3), after(tail, 3) | CLOSED);
            prop_assert_eq!(before(tail, count), head);
            for capacity in CAPACITIES {
                prop_assert_eq!(index(closed, capacity), index(tail, capacity));
                prop_assert_eq!(compare(vacant(closed, capacity), vacant(tail, capacity)), Ordering::Greater);
            }
            if count > 0 {
                prop_assert!(distance(tail, head) > usize::MAX / 4);
            }
        }
    }
}
