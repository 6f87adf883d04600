//! What the host says of a file, to hold against what the demo says.
//!
//! Nothing is shared with the demo's own counting but the definition of a word: another walk over
//! the bytes, without pieces, and another CRC crate.

use std::io::{self, BufRead};

use crc::{CRC_32_ISO_HDLC, Crc, Table};
use no_std_example::text::Totals;

/// The six bytes that C calls white space.
const SPACES: [u8; 6] = *b" \t\n\x0b\x0c\r";

static CRC_32: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// Counts what a file holds.
pub(crate) fn count(mut file: impl BufRead) -> io::Result<Totals> {
    let mut totals = Totals::default();
    let mut digest = CRC_32.digest();
    let mut in_word = false;
    loop {
        let block = file.fill_buf()?;
        if block.is_empty() {
            totals.crc32 = digest.finalize();
            totals.words += u64::from(in_word);
            return Ok(totals);
        }
        digest.update(block);
        for &byte in block {
            let is_space = SPACES.contains(&byte);
            // Words are counted where they end.
            totals.words += u64::from(in_word && is_space);
            totals.lines += u64::from(byte == b'\n');
            in_word = !is_space;
        }
        let bytes = block.len();
        totals.bytes += bytes as u64;
        file.consume(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use no_std_example::text::Census;

    use super::*;

    #[test]
    fn both_counts_agree_wherever_blocks_end() {
        for text in
            [&b""[..], b" ", b"a", b"one two\n three\x0bfour", b"\x00\xff \x80\n\n", b"end "]
        {
            for capacity in 1..5 {
                let totals = count(BufReader::with_capacity(capacity, text)).unwrap();
                assert_eq!(totals, Census::of(text).totals(), "{text:?}");
            }
        }
    }
}
