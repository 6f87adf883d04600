//! Bounded first-in-first-out rings.
//!
//! | ring | producers | consumers | push and pop | values |
//! |---|---|---|---|---|
//! | [`SpscRing`] | one handle | one handle | wait-free, no locked instruction | any `T` |
//! | [`OverwritingRing`] | one handle | one handle | wait-free; lock-free; one locked instruction | any `T`, the `N` latest |
//! | [`MpmcRing`] | any number | any number | lock-free, strictly; two locked instructions | any `T`; can be closed |
//! | `WordRing` (x86-64) | any number | any number | lock-free, strictly; one locked instruction; Full and Empty exact | what fits into 8 bytes; can be closed |
//! | [`TurnRing`] | any number | any number | *not* lock-free, one locked instruction, also for a batch | any `T`; can be closed |
//!
//! [`Channel`] adds waiting to a ring that is shared by all: sends and receives that block or are
//! awaited, and what waits how is a plug-in ([`wait`]).
//!
//! An `SpscRing` has its slots inside; [`SpscSliceRing`] has them in memory of the caller's and
//! `SpscHeapRing`, with the feature `alloc`, on the heap. So have [`TurnRing`], [`TurnSliceRing`] and
//! `TurnHeapRing`.
//!
//! Vocabulary: `tail` is where the next value goes in, `head` where the next one comes out. A
//! *position* counts up for ever and wraps at the integer's end; an *index* is a position within
//! the ring; a *lap* is how many times positions have gone round it. A ring of capacity `N` holds
//! `N` values, not one less.

#[cfg(target_has_atomic = "64")]
pub mod channel;
mod held;
#[cfg_attr(
    not(target_has_atomic = "64"),
    expect(dead_code, reason = "`SpscRing` needs only the index of a slot")
)]
mod position;

#[cfg(target_has_atomic = "64")]
pub mod mpmc;
#[cfg(target_has_atomic = "64")]
pub mod overwriting;
pub mod spsc;
pub mod storage;
pub mod turn;
#[cfg(target_has_atomic = "64")]
pub mod wait;

#[cfg(feature = "embedded-io")]
mod with_embedded_io;
#[cfg(feature = "heapless")]
mod with_heapless;
#[cfg(feature = "spin")]
mod with_spin;
#[cfg(feature = "std")]
mod with_std;

use core::error::Error;
use core::fmt;

use crate::atomic::with_pairs;

#[cfg(target_has_atomic = "64")]
pub use self::channel::Channel;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub use self::mpmc::MpmcHeapRing;
#[cfg(target_has_atomic = "64")]
pub use self::mpmc::{MpmcRing, MpmcSliceRing};
with_pairs! {
    #[cfg(feature = "alloc")]
    pub use self::mpmc::WordHeapRing;
    pub use self::mpmc::{Word, WordRing, WordSliceRing};
}
#[cfg(target_has_atomic = "64")]
pub use self::overwriting::OverwritingRing;
#[cfg(feature = "alloc")]
pub use self::spsc::SpscHeapRing;
pub use self::spsc::{SpscRing, SpscSliceRing};
#[cfg(feature = "alloc")]
pub use self::turn::TurnHeapRing;
pub use self::turn::{TurnRing, TurnSliceRing};

/// A push was refused; the value comes back.
///
/// # Examples
///
/// ```
/// use latchless::ring::{MpmcRing, PushError};
///
/// let ring: MpmcRing<String, 1> = MpmcRing::new();
/// ring.push("first".into())?;
/// let Err(PushError::Full(back)) = ring.push("second".into()) else { unreachable!() };
/// assert_eq!(back, "second");
///
/// ring.close();
/// assert!(matches!(ring.push("third".into()), Err(PushError::Closed(_))));
/// # Ok::<(), PushError<String>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PushError<T> {
    /// There was no room.
    Full(T),
    /// The ring is closed: no push will succeed any more.
    Closed(T),
}

impl<T> PushError<T> {
    /// Takes the value back.
    #[inline]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) => value,
        }
    }
}

impl<T> From<Full<T>> for PushError<T> {
    #[inline]
    fn from(Full(value): Full<T>) -> Self {
        Self::Full(value)
    }
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "ring is full",
            Self::Closed(_) => "ring is closed",
        })
    }
}

impl<T> Error for PushError<T> {}

/// A push that makes room for itself was refused; nothing is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ForcePushError<T> {
    /// Why, with the value that was to be pushed.
    pub refused: PushError<T>,
    /// What had been taken out to make room, if the ring was closed just then.
    pub evicted: Option<T>,
}

impl<T> fmt::Debug for ForcePushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForcePushError").field("refused", &self.refused).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for ForcePushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refused.fmt(f)
    }
}

impl<T> Error for ForcePushError<T> {}

/// There was no room; the value that did not fit comes back.
///
/// # Examples
///
/// ```
/// use latchless::ring::{Full, SpscRing};
///
/// let mut ring: SpscRing<String, 1> = SpscRing::new();
/// let (mut producer, _) = ring.split();
/// producer.push("first".into())?;
/// let Err(Full(back)) = producer.push("second".into()) else { unreachable!() };
/// assert_eq!(back, "second");
/// # Ok::<(), Full<String>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Full<T>(pub T);

impl<T> Full<T> {
    /// Takes the value back.
    #[inline]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ring is full")
    }
}

impl<T> Error for Full<T> {}
