//! What the head of an index stack is made of. Pure functions of integers: no atomics, no memory.

/// The top of the stack and the generation of the head, in one word:
///
/// ```text
///  63       32 31        0
/// [ generation | top       ]   top = all ones: the stack is empty
/// ```
pub(super) type Head = Tagged<32>;

/// A head whose generation has so many bits: fewer where a test has to see it wrap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tagged<const GENERATION_BITS: u32>(u64);

/// No index: the end of a chain.
pub(super) const NIL: u32 = u32::MAX;
/// In the place of a link: the index is out of the stack, and lent. No index either.
pub(super) const LENT: u32 = u32::MAX - 1;

impl<const GENERATION_BITS: u32> Tagged<GENERATION_BITS> {
    const LAST_GENERATION: u32 = u32::MAX >> (u32::BITS - GENERATION_BITS);

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

    /// The head after some were removed and `next` is on top: of the next generation.
    #[inline(always)]
    pub(super) const fn popped(self, next: u32) -> Self {
        let generation = ((self.0 >> 32) as u32).wrapping_add(1) & Self::LAST_GENERATION;
        Self((generation as u64) << 32 | next as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::{Head, NIL, Tagged};
    use proptest::prelude::*;

    /// The stack of one thread, in plain memory.
    struct Links<const GENERATION_BITS: u32> {
        head: Tagged<GENERATION_BITS>,
        links: [u32; 3],
    }

    impl<const GENERATION_BITS: u32> Links<GENERATION_BITS> {
        fn full() -> Self {
            Self { head: Tagged::new(0), links: [1, 2, NIL] }
        }

        fn popped(&self) -> Tagged<GENERATION_BITS> {
            self.head.popped(self.links[self.head.top() as usize])
        }

        fn push(&mut self, index: u32) {
            self.links[index as usize] = self.head.top();
            self.head = self.head.pushed(index);
        }
    }

    /// A pop has seen the head and 1 below 0. While it sleeps somebody takes 1 and keeps it, and 0 comes
    /// and goes. Returns after how many removals the pop would be taken in.
    fn removals_until_a_stalled_pop_is_taken_in<const GENERATION_BITS: u32>() -> u64 {
        let mut stack = Links::<GENERATION_BITS>::full();
        let seen = stack.head;
        stack.head = stack.popped();
        stack.head = stack.popped();
        stack.push(0);
        let mut removals = 2;
        while stack.head != seen {
            stack.head = stack.popped();
            stack.push(0);
            removals += 1;
        }
        removals
    }

    #[test]
    fn stalled_pop_is_taken_in_after_all_generations_and_not_before() {
        assert_eq!(removals_until_a_stalled_pop_is_taken_in::<1>(), 2);
        assert_eq!(removals_until_a_stalled_pop_is_taken_in::<2>(), 1 << 2);
        assert_eq!(removals_until_a_stalled_pop_is_taken_in::<5>(), 1 << 5);
        assert_eq!(removals_until_a_stalled_pop_is_taken_in::<16>(), 1 << 16);
    }

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
