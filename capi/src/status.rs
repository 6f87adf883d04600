//! What came of a call.

use latchless::ring::PushError;

/// What came of a call. Zero is good.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum latchless_status {
    /// Done.
    Ok = 0,
    /// There is no room.
    Full = 1,
    /// There is nothing.
    Empty = 2,
    /// The ring was closed.
    Closed = 3,
    /// Somebody else has this end of the ring.
    Taken = 4,
    /// An argument is not what it may be; nothing was done.
    Invalid = 5,
    /// The buffer is too small for what there is; nothing was taken.
    TooSmall = 6,
    /// The other side has written what it cannot have meant; see `latchless_feed`.
    Corrupt = 7,
}

use latchless_status::{Closed, Full, Ok};

impl latchless_status {
    /// What came of a push whose value needs not come back: the caller has it.
    #[inline(always)]
    pub(crate) fn of_push<T>(result: Result<(), PushError<T>>) -> Self {
        match result {
            Result::Ok(()) => Ok,
            Err(PushError::Full(_)) => Full,
            Err(PushError::Closed(_)) => Closed,
        }
    }
}
