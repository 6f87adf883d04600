//! Why nothing was pushed or popped.

use core::error::Error;
use core::fmt;

/// Nothing was pushed; what was to be pushed comes back.
///
/// # Examples
///
/// ```
/// use latchless::ring::{TurnRing, turn::PushError};
///
/// let ring: TurnRing<_, 1> = TurnRing::new();
/// ring.push("first")?;
/// assert_eq!(ring.push("second"), Err(PushError::Full("second")));
/// ring.close();
/// assert_eq!(ring.push("third"), Err(PushError::Closed("third")));
/// # Ok::<(), PushError<&str>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PushError<T> {
    /// There was no room.
    Full(T),
    /// There was room but for another call under way, which has not given up a slot yet.
    Busy(T),
    /// The ring is closed.
    Closed(T),
}

/// Nothing was popped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PopError {
    /// There was no value.
    Empty,
    /// There was a value but for another call under way, which has not put it into its slot yet.
    Busy,
    /// The ring is closed, and there is no value: nor will there ever be one.
    Closed,
}

/// [`PushError`] without the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Busy,
    Closed,
}

// === impl PushError ===

impl<T> PushError<T> {
    /// Takes the value back.
    #[inline]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Busy(value) | Self::Closed(value) => value,
        }
    }
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Busy(_) => "Busy(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "ring is full",
            Self::Busy(_) => "another call is under way in the ring",
            Self::Closed(_) => "ring is closed",
        })
    }
}

impl<T> Error for PushError<T> {}

// === impl PopError ===

impl fmt::Display for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "ring is empty",
            Self::Busy => "another call is under way in the ring",
            Self::Closed => "ring is closed and empty",
        })
    }
}

impl Error for PopError {}

// === impl Refusal ===

impl Refusal {
    #[inline(always)]
    pub(super) fn of<T>(self, value: T) -> PushError<T> {
        match self {
            Self::Full => PushError::Full(value),
            Self::Busy => PushError::Busy(value),
            Self::Closed => PushError::Closed(value),
        }
    }
}
