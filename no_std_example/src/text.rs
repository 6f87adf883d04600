//! What a stretch of bytes holds, and how two neighbouring stretches add up.
//!
//! A word is a maximal run of bytes other than the six that C calls white space, whatever those
//! bytes are: for text this is what `wc -w` counts in the C locale, and any other file has a
//! definite number too.

use core::fmt;

use crc32fast::Hasher;

/// What is told of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Its length.
    pub bytes: u64,
    /// Its newline characters.
    pub lines: u64,
    /// Its words.
    pub words: u64,
    /// Its CRC-32 (ISO-HDLC, the one of gzip and PNG).
    pub crc32: u32,
}

/// What is known of a stretch of a file: enough to know the same of it and its neighbour together.
///
/// Censuses are a monoid: [`then`](Self::then) is associative and [`EMPTY`](Self::EMPTY) neutral,
/// so it does not matter where a file was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    totals: Totals,
    starts_in_word: bool,
    ends_in_word: bool,
}

/// Whether `byte` is white space in the C locale.
#[must_use]
pub const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

// === impl Totals ===

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, lines, words, crc32 } = self;
        write!(f, "bytes {bytes}, lines {lines}, words {words}, CRC-32 {crc32:08x}")
    }
}

// === impl Census ===

impl Census {
    /// The census of no bytes.
    pub const EMPTY: Self = Self {
        totals: Totals { bytes: 0, lines: 0, words: 0, crc32: 0 },
        starts_in_word: false,
        ends_in_word: false,
    };

    /// Counts what `bytes` hold.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut lines = 0;
        let mut words = 0;
        let mut in_word = false;
        for &byte in bytes {
            let was_in_word = in_word;
            in_word = !is_space(byte);
            words += u64::from(in_word && !was_in_word);
            lines += u64::from(byte == b'\n');
        }
        Self {
            totals: Totals {
                bytes: bytes.len() as u64,
                lines,
                words,
                crc32: crc32fast::hash(bytes),
            },
            starts_in_word: bytes.first().is_some_and(|&byte| !is_space(byte)),
            ends_in_word: in_word,
        }
    }

    /// The census of these bytes followed by those of `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        if self.totals.bytes == 0 {
            return next;
        }
        if next.totals.bytes == 0 {
            return self;
        }
        let cut_word = self.ends_in_word && next.starts_in_word;
        Self {
            totals: Totals {
                bytes: self.totals.bytes + next.totals.bytes,
                lines: self.totals.lines + next.totals.lines,
                words: self.totals.words + next.totals.words - u64::from(cut_word),
                crc32: concatenated_crc32(self.totals, next.totals),
            },
            starts_in_word: self.starts_in_word,
            ends_in_word: next.ends_in_word,
        }
    }

    /// What is told of the stretch.
    #[must_use]
    pub const fn totals(self) -> Totals {
        self.totals
    }
}

fn concatenated_crc32(first: Totals, second: Totals) -> u32 {
    let mut hasher = Hasher::new_with_initial_len(first.crc32, first.bytes);
    hasher.combine(&Hasher::new_with_initial_len(second.crc32, second.bytes));
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Bytes of which enough are white space for words to be cut often.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte =
            prop_oneof![3 => any::<u8>(), 2 => prop::sample::select(&b" \t\n\x0b\x0c\r"[..])];
        prop::collection::vec(byte, 0..300)
    }

    #[test]
    fn a_sentence() {
        let totals = Census::of(b"one two\n  three\x0bfour\n").totals();
        assert_eq!((totals.bytes, totals.lines, totals.words), (21, 2, 4));
        // The check value that the catalogue of CRC algorithms gives for CRC-32/ISO-HDLC.
        assert_eq!(Census::of(b"123456789").totals().crc32, 0xcbf4_3926);
    }

    #[test]
    fn a_word_that_was_cut_counts_once() {
        assert_eq!(Census::of(b"wo").then(Census::of(b"rd")).totals().words, 1);
        assert_eq!(Census::of(b"wo ").then(Census::of(b"rd")).totals().words, 2);
        let through_three = Census::of(b"a").then(Census::of(b"b")).then(Census::of(b"c d"));
        assert_eq!(through_three.totals().words, 2);
    }

    proptest! {
        #[test]
        fn a_cut_anywhere_changes_nothing(bytes in bytes(), at in any::<prop::sample::Index>()) {
            let (first, second) = bytes.split_at(at.index(bytes.len() + 1));
            prop_assert_eq!(Census::of(first).then(Census::of(second)), Census::of(&bytes));
        }

        #[test]
        fn then_is_associative(a in bytes(), b in bytes(), c in bytes()) {
            let (a, b, c) = (Census::of(&a), Census::of(&b), Census::of(&c));
            prop_assert_eq!(a.then(b).then(c), a.then(b.then(c)));
        }

        #[test]
        fn words_and_lines_are_those_of_a_naive_count(bytes in bytes()) {
            let totals = Census::of(&bytes).totals();
            let words = bytes.split(|&byte| is_space(byte)).filter(|word| !word.is_empty()).count();
            let lines = bytes.split(|&byte| byte == b'\n').count() - 1;
            prop_assert_eq!((totals.words, totals.lines), (words as u64, lines as u64));
        }
    }
}
