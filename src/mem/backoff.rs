//! Standing aside: after a lost race, and before asking why there is nothing.

use crate::arch::pause;
use crate::atomic::IS_MODEL;

/// Waits a little longer after each lost compare-exchange: 1, 2, 4 … 64 `pause` instructions.
///
/// The wait is bounded, so a lock-free loop that uses it stays lock-free: it waits for time, never
/// for another thread.
///
/// **Progress** wait-free, at most 64 pauses a call (some microseconds). **Context** any.
///
/// # Examples
///
/// ```
/// use latchless::{atomic::{AtomicU64, Ordering::Relaxed}, mem::Backoff};
///
/// let total = AtomicU64::new(20);
/// let mut backoff = Backoff::new();
/// let mut seen = total.load(Relaxed);
/// while let Err(found) = total.compare_exchange(seen, seen * 2 + 2, Relaxed, Relaxed) {
///     seen = found;
///     backoff.wait();
/// }
/// assert_eq!(total.load(Relaxed), 42);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    step: u32,
}

impl Backoff {
    /// The exponent at which the wait stops to grow.
    const MAX_STEP: u32 = 6;

    /// Starts with the shortest wait.
    #[inline]
    pub const fn new() -> Self {
        Self { step: 0 }
    }

    /// Starts with a wait of some hundred nanoseconds: as long as it takes others to call several times
    /// while they have the cache lines to themselves, instead of once with each line passed to and fro.
    #[inline]
    pub(crate) const fn after_collision() -> Self {
        Self { step: 4 }
    }

    /// Waits, and doubles the next wait up to the limit.
    #[inline]
    pub fn wait(&mut self) {
        for _ in 0..1u32 << self.step {
            pause();
        }
        if self.step < Self::MAX_STEP {
            self.step += 1;
        }
    }

    /// Starts over with the shortest wait.
    #[inline]
    pub fn reset(&mut self) {
        self.step = 0;
    }
}

/// Looks again whether what a call awaits has come, `looks` times at most and with a `pause` before each.
///
/// For a call that has found nothing, before it asks why, of a cache line that the other side keeps writing:
/// while both are busy it is just about to come, and the other side is better left with its line.
#[inline(always)]
pub(crate) fn comes_soon(looks: usize, has_come: impl Fn() -> bool) -> bool {
    // Whether it comes while a call waits is for models to try, in one execution each.
    let looks = if IS_MODEL { 0 } else { looks };
    (0..looks).any(|_| {
        pause();
        has_come()
    })
}
