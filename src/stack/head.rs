//! What the head of an index stack is made of. Pure functions of integers: no atomics, no memory.

/// The top of the stack and the generation of the head, in one word:
///
/// ```text
///  63       32 31        0
/// [ generation | top       ]   top = all ones: the stack is empty
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head(u64);

/// No index: the end of a chain.
pub(super) const NIL: u32 = u32::MAX;
/// In the place of a link: the index is out of the stack, and lent. No index either.
pub(super) const LENT: u32 = u32::MAX - 1;

impl Head {
    /// A head of generation zero.
    pub(super) const fn new(top: u32) -> Self {
        Self(top as u64)
    }

    #[inline(always)]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline(always)]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// The index on top, or [`NIL`].
    #[inline(always)]
    pub(super) const fn top(self) -> u32 {
        self.0 as u32
    }

    /// The head after `index` was put on top. Additions keep the generation: a pop that was under
    /// way fails all the same, because the top differs.
    #[inline(always)]
    pub(super) const fn pushed(self, index: u32) -> Self {
        Self(self.0 & !(u32::MAX as u64) | index as u64)
    }

    /// The head after the top was removed and `next` is on top: of the next generation.
    #[inline(always)]
    pub(super) const fn popped(self, next: u32) -> Self {
        let generation = ((self.0 >> 32) as u32).wrapping_add(1);
        Self((generation as u64) << 32 | next as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::{Head, NIL};
    use proptest::prelude::*;

    #[test]
    fn new_head_is_of_generation_zero() {
        assert_eq!(Head::new(NIL).bits(), 0x0000_0000_ffff_ffff);
        assert_eq!(Head::new(7).top(), 7);
    }

    #[test]
    fn generation_wraps_without_touching_the_top() {
        let last = Head::from_bits(0xffff_ffff_0000_0003);
        assert_eq!(last.popped(5).bits(), 5);
    }

    proptest! {
        #[test]
        fn removal_and_return_of_the_same_index_is_visible(bits in any::<u64>(), next: u32) {
            let before = Head::from_bits(bits);
            let after = before.popped(next).pushed(before.top());
            prop_assert_eq!(after.top(), before.top());
            prop_assert_ne!(after, before);
        }

        #[test]
        fn push_keeps_the_generation(bits in any::<u64>(), index: u32) {
            let pushed = Head::from_bits(bits).pushed(index);
            prop_assert_eq!(pushed.top(), index);
            prop_assert_eq!(pushed.bits() >> 32, bits >> 32);
        }
    }
}
