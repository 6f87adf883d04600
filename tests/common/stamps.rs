//! Items that tell where they come from and whether they are whole.

/// One numbered item of one producer, longer than a cache line, every word of which depends on
/// both: half of one item and half of another does not pass for an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamped {
    words: [u64; Self::WORDS],
}

impl Stamped {
    const WORDS: usize = 13;

    pub(crate) fn new(producer: usize, number: usize) -> Self {
        let origin = (producer as u64) << 48 | number as u64;
        let words = core::array::from_fn(|at| Self::mix(origin, at));
        Self { words }
    }

    /// Who made it, and as which of his items. Panics if it is not whole.
    #[track_caller]
    pub(crate) fn origin(&self) -> (usize, usize) {
        let origin = self.words[0];
        for (at, &word) in self.words.iter().enumerate() {
            assert_eq!(word, Self::mix(origin, at), "word {at} belongs to another item");
        }
        ((origin >> 48) as usize, (origin & 0xffff_ffff_ffff) as usize)
    }

    /// Word 0 is the origin itself.
    fn mix(origin: u64, at: usize) -> u64 {
        (origin ^ at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15u64.wrapping_pow(at as u32))
    }
}

/// In a box.
#[cfg(all(target_arch = "x86_64", not(latchless_native), not(miri)))]
impl latchless::ring::Word for Stamped {
    fn into_word(self) -> u64 {
        Box::into_raw(Box::new(self)).expose_provenance() as u64
    }

    unsafe fn from_word(word: u64) -> Self {
        // SAFETY: the caller's word: it is the box that `into_word` made, and comes back once.
        *unsafe { Box::from_raw(core::ptr::with_exposed_provenance_mut(word as usize)) }
    }
}

/// Checks what the consumers of one run received, each its own sequence.
///
/// Panics unless each consumer saw the items of each producer in ascending order, and all
/// consumers together saw items `0..count` of each of the `producers` exactly once.
#[track_caller]
pub(crate) fn assert_each_once_in_order(
    producers: usize,
    count: usize,
    received: &[Vec<(usize, usize)>],
) {
    let mut seen = vec![vec![0u32; count]; producers];
    for (consumer, items) in received.iter().enumerate() {
        let mut next = vec![0usize; producers];
        for &(producer, number) in items {
            assert!(
                number >= next[producer],
                "consumer {consumer} saw item {number} of producer {producer} after {}",
                next[producer] - 1,
            );
            next[producer] = number + 1;
            seen[producer][number] += 1;
        }
    }
    for (producer, counts) in seen.iter().enumerate() {
        for (number, &times) in counts.iter().enumerate() {
            assert_eq!(times, 1, "item {number} of producer {producer} was received {times} times");
        }
    }
}
