//! Bounded first-in-first-out rings.
//!
//! | ring | producers | consumers | push and pop | values |
//! |---|---|---|---|---|
//! | [`SpscRing`] | one handle | one handle | wait-free, no locked instruction | any `T` |
//! | [`OverwritingRing`] | one handle | one handle | wait-free; lock-free; one locked instruction | any `T`, the `N` latest |
//! | [`MpmcRing`] | any number | any number | lock-free, four tickets a value | any `T` |
//! | [`TurnRing`] | any number | any number | *not* lock-free, one locked instruction, also for a batch | any `T`; can be closed |
//!
//! An `SpscRing` has its slots inside; [`SpscSliceRing`] has them in memory of the caller's and
//! `SpscHeapRing`, with the feature `alloc`, on the heap. So have [`TurnRing`], [`TurnSliceRing`] and
//! `TurnHeapRing`.
//!
//! Vocabulary: `tail` is where the next value goes in, `head` where the next one comes out. A
//! *position* counts up for ever and wraps at the integer's end; an *index* is a position within
//! the ring; a *lap* is how many times positions have gone round it. A ring of capacity `N` holds
//! `N` values, not one less.

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

#[cfg(target_has_atomic = "64")]
pub use self::mpmc::MpmcRing;
#[cfg(target_has_atomic = "64")]
pub use self::overwriting::OverwritingRing;
#[cfg(feature = "alloc")]
pub use self::spsc::SpscHeapRing;
pub use self::spsc::{SpscRing, SpscSliceRing};
#[cfg(feature = "alloc")]
pub use self::turn::TurnHeapRing;
pub use self::turn::{TurnRing, TurnSliceRing};

/// There was no room; the value that did not fit comes back.
///
/// # Examples
///
/// ```
/// use latchless::ring::{Full, MpmcRing};
///
/// let ring: MpmcRing<String, 1> = MpmcRing::new();
/// ring.push("first".into())?;
/// let Err(Full(back)) = ring.push("second".into()) else { unreachable!() };
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
