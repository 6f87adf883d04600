//! Censuses that arrive out of order, summed in order.

use crate::text::{Census, Totals};

/// Sums censuses by their sequence numbers, holding back those that arrive before their turn.
///
/// `WINDOW` is how far ahead of the oldest missing census one may arrive; whoever cuts the file
/// keeps to it by cutting no further than that.
#[derive(Debug)]
pub struct Merger<const WINDOW: usize> {
    sum: Census,
    /// The sequence number whose turn it is.
    next: u64,
    /// The census of sequence number `s`, `next <= s < next + WINDOW`, waits at `s % WINDOW`.
    early: [Option<Census>; WINDOW],
}

/// A census came that cannot be: one of its number came already, or it is beyond the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stray(pub u64);

// === impl Merger ===

impl<const WINDOW: usize> Merger<WINDOW> {
    /// A merger that waits for sequence number 0.
    #[must_use]
    pub const fn new() -> Self {
        Self { sum: Census::EMPTY, next: 0, early: [None; WINDOW] }
    }

    /// Takes the census number `sequence` and sums all whose turn has come.
    ///
    /// # Errors
    ///
    /// [`Stray`] if this number came already or is beyond the window; nothing is changed then.
    pub fn accept(&mut self, sequence: u64, census: Census) -> Result<(), Stray> {
        let is_in_window = sequence.checked_sub(self.next).is_some_and(|by| by < WINDOW as u64);
        match self.place(sequence) {
            Some(place @ None) if is_in_window => *place = Some(census),
            _ => return Err(Stray(sequence)),
        }
        while let Some(census) = self.place(self.next).and_then(Option::take) {
            self.sum = self.sum.then(census);
            self.next += 1;
        }
        Ok(())
    }

    /// How many censuses have been summed, which is also the next number.
    #[must_use]
    pub const fn merged(&self) -> u64 {
        self.next
    }

    /// The sum so far.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.sum.totals()
    }

    fn place(&mut self, sequence: u64) -> Option<&mut Option<Census>> {
        self.early.get_mut((sequence % WINDOW as u64) as usize)
    }
}

impl<const WINDOW: usize> Default for Merger<WINDOW> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn a_census_beyond_the_window_is_refused() {
        let mut merger = Merger::<4>::new();
        assert_eq!(merger.accept(4, Census::EMPTY), Err(Stray(4)));
        assert_eq!(merger.accept(3, Census::EMPTY), Ok(()));
        assert_eq!(merger.merged(), 0);
    }

    #[test]
    fn a_census_that_came_before_is_refused() {
        let mut merger = Merger::<4>::new();
        assert_eq!(merger.accept(1, Census::of(b"b")), Ok(()));
        assert_eq!(merger.accept(1, Census::of(b"b")), Err(Stray(1)), "still waiting");
        assert_eq!(merger.accept(0, Census::of(b"a")), Ok(()));
        assert_eq!(merger.merged(), 2);
        assert_eq!(merger.accept(1, Census::of(b"b")), Err(Stray(1)), "already summed");
        assert_eq!(merger.totals(), Census::of(b"ab").totals());
    }

    proptest! {
        /// Pieces of a text in any order that keeps to the window give the census of the whole.
        #[test]
        fn any_order_gives_the_whole(
            text in "[a-c \n]{0,200}",
            piece_bytes in 1_usize..20,
            choices in prop::collection::vec(any::<prop::sample::Index>(), 200),
        ) {
            const WINDOW: usize = 8;
            let mut merger = Merger::<WINDOW>::new();
            let mut waiting = text.as_bytes().chunks(piece_bytes).enumerate();
            let mut at_work = Vec::new();
            let mut cut = 0;
            for choice in choices {
                while cut - merger.merged() < WINDOW as u64 {
                    let Some(piece) = waiting.next() else { break };
                    at_work.push(piece);
                    cut += 1;
                }
                if at_work.is_empty() {
                    break;
                }
                let (sequence, piece) = at_work.swap_remove(choice.index(at_work.len()));
                prop_assert_eq!(merger.accept(sequence as u64, Census::of(piece)), Ok(()));
            }
            prop_assert_eq!(merger.merged(), text.len().div_ceil(piece_bytes) as u64);
            prop_assert_eq!(merger.totals(), Census::of(text.as_bytes()).totals());
        }
    }
}
