//! What the image says to the host: lines of text over the serial port.
//!
//! A line that begins with a mark is for the host's program, any other is for the person.
//!
//! ```text
//! @progress PASS DONE_BYTES FILE_BYTES
//! @totals BYTES LINES WORDS CRC32
//! @passed | @failed
//! ```

use core::fmt;
use core::str::FromStr;

use crate::text::Totals;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// How far the work is.
    Progress(Progress),
    /// What the image found in the file.
    Totals(Totals),
    /// The last line: whether the image found itself in order.
    Verdict {
        /// Every check held.
        passed: bool,
    },
    /// For the person.
    Text(&'a str),
}

/// How far the work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of this pass over the file, from 1.
    pub pass: u64,
    /// Bytes summed in this pass.
    pub done_bytes: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
}

// === impl Line ===

impl<'a> Line<'a> {
    /// Reads a line; one that looks marked but is not understood is for the person.
    #[must_use]
    pub fn parse(line: &'a str) -> Self {
        Self::parse_marked(line).unwrap_or(Self::Text(line))
    }

    fn parse_marked(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let line = match words.next()? {
            "@progress" => Self::Progress(Progress {
                pass: number(words.next())?,
                done_bytes: number(words.next())?,
                file_bytes: number(words.next())?,
            }),
            "@totals" => Self::Totals(Totals {
                bytes: number(words.next())?,
                lines: number(words.next())?,
                words: number(words.next())?,
                crc32: u32::from_str_radix(words.next()?, 16).ok()?,
            }),
            "@passed" => Self::Verdict { passed: true },
            "@failed" => Self::Verdict { passed: false },
            _ => return None,
        };
        words.next().is_none().then_some(line)
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Progress(Progress { pass, done_bytes, file_bytes }) => {
                write!(f, "@progress {pass} {done_bytes} {file_bytes}")
            }
            Self::Totals(Totals { bytes, lines, words, crc32 }) => {
                write!(f, "@totals {bytes} {lines} {words} {crc32:08x}")
            }
            Self::Verdict { passed: true } => f.write_str("@passed"),
            Self::Verdict { passed: false } => f.write_str("@failed"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

fn number<T: FromStr>(word: Option<&str>) -> Option<T> {
    word?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString as _;

    proptest! {
        #[test]
        fn what_is_said_is_understood(a in any::<u64>(), b in any::<u64>(), c in any::<u64>(), d in any::<u32>()) {
            let progress = Line::Progress(Progress { pass: a, done_bytes: b, file_bytes: c });
            let totals = Line::Totals(Totals { bytes: a, lines: b, words: c, crc32: d });
            for line in [progress, totals] {
                let said = line.to_string();
                prop_assert_eq!(Line::parse(&said), line);
            }
        }

        #[test]
        fn any_text_survives(text in "[^\n]*") {
            prop_assume!(!text.starts_with('@'));
            prop_assert_eq!(Line::parse(&text), Line::Text(&text));
        }
    }

    #[test]
    fn a_verdict_is_understood_and_a_garbled_line_is_text() {
        for passed in [true, false] {
            let line = Line::Verdict { passed };
            let said = line.to_string();
            assert_eq!(Line::parse(&said), line);
        }
        for garbled in ["@passed?", "@passed 1", "@totals 1 2 3", "@totals 1 2 3 xyz", "@pro"] {
            assert_eq!(Line::parse(garbled), Line::Text(garbled));
        }
    }
}
