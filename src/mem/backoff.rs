//! Standing aside after a lost race.

use crate::arch::pause;

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
