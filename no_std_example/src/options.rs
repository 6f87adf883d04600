//! What the host says to the image: the words of its command line.
//!
//! ```text
//! stress=SECONDS   repeat the work for so long
//! fault=NAME       go wrong on purpose, for the boot tests
//! ```

use core::fmt;
use core::str::FromStr;

/// The image's command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How long to repeat the work, in seconds.
    pub stress_seconds: u64,
    /// What is to go wrong.
    pub fault: Option<Fault>,
}

/// A way to go wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A CPU panics with a piece in its hands.
    Panic,
    /// A CPU accesses memory that is not there, with a piece in its hands.
    Exception,
    /// A CPU never gives its piece back.
    Hang,
    /// The totals that the image tells are wrong.
    Figure,
    /// A slot of a pool is lost.
    Leak,
}

/// A word of the command line that the image does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord<'a>(pub &'a str);

// === impl Options ===

impl Options {
    /// Reads a command line.
    ///
    /// # Errors
    ///
    /// [`UnknownWord`] for the first word that means nothing.
    pub fn parse(line: &str) -> Result<Self, UnknownWord<'_>> {
        let mut options = Self::default();
        for word in line.split_ascii_whitespace() {
            match word.split_once('=') {
                Some(("stress", value)) => {
                    options.stress_seconds = value.parse().map_err(|_| UnknownWord(word))?;
                }
                Some(("fault", value)) => {
                    options.fault = Some(value.parse().map_err(|_| UnknownWord(word))?);
                }
                _ => return Err(UnknownWord(word)),
            }
        }
        Ok(options)
    }

    /// How long to repeat the work, in milliseconds.
    #[must_use]
    pub const fn stress_millis(&self) -> u64 {
        self.stress_seconds.saturating_mul(1000)
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stress={}", self.stress_seconds)?;
        match self.fault {
            Some(fault) => write!(f, " fault={}", fault.name()),
            None => Ok(()),
        }
    }
}

// === impl Fault ===

impl Fault {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Panic, Self::Exception, Self::Hang, Self::Figure, Self::Leak];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Exception => "exception",
            Self::Hang => "hang",
            Self::Figure => "figure",
            Self::Leak => "leak",
        }
    }
}

impl FromStr for Fault {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|fault| fault.name() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString as _;

    #[test]
    fn what_the_host_says_is_understood() {
        let faults = Fault::ALL.into_iter().map(Some).chain([None]);
        for (fault, stress_seconds) in faults.zip(0..) {
            let options = Options { stress_seconds, fault };
            assert_eq!(Options::parse(&options.to_string()), Ok(options));
        }
        assert_eq!(Options::parse(""), Ok(Options::default()));
    }

    #[test]
    fn what_means_nothing_is_named() {
        for word in ["stress", "stress=", "stress=-1", "fault=none", "x=1", "="] {
            let line = ["stress=1 ", word].concat();
            assert_eq!(Options::parse(&line), Err(UnknownWord(word)));
        }
    }
}
