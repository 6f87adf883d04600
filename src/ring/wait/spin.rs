//! Looking again and again.

#[cfg(feature = "std")]
use std::time::Instant;

#[cfg(feature = "std")]
use super::BlockUntil;
use super::{Block, Wait};
use crate::mem::Backoff;

/// Waits by looking again, with a growing number of `pause` instructions in between, at most 64.
///
/// For waits that are known to be short, and for CPUs that have nothing else to do. Nobody has to
/// wake it, so the other side spends nothing on it. With more threads than CPUs take
/// `Park` instead: who spins keeps a CPU from those whom it waits for.
///
/// # Examples
///
/// ```
/// use latchless::ring::{Channel, MpmcRing, wait::Spin};
///
/// static SQUARES: Channel<MpmcRing<u32, 4>, Spin> = Channel::new(MpmcRing::new(), Spin, Spin);
///
/// std::thread::scope(|scope| {
///     scope.spawn(|| (0..100).for_each(|n| SQUARES.send(n * n).unwrap()));
///     let sum: u32 = (0..100).filter_map(|_| SQUARES.recv()).sum();
///     assert_eq!(sum, 328_350);
/// });
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Spin;

impl Wait for Spin {
    const IS_WOKEN: bool = false;

    #[inline(always)]
    fn is_awaited(&self) -> bool {
        false
    }

    #[inline(always)]
    fn wake_one(&self) {}

    #[inline(always)]
    fn wake_all(&self) {}
}

impl Block for Spin {
    #[inline]
    fn block(&self, mut look: impl FnMut() -> bool) {
        let mut backoff = Backoff::new();
        while !look() {
            backoff.wait();
        }
    }
}

#[cfg(feature = "std")]
impl BlockUntil for Spin {
    type Deadline = Instant;

    #[inline]
    fn block_until(&self, deadline: Instant, mut look: impl FnMut() -> bool) -> bool {
        let mut backoff = Backoff::new();
        while !look() {
            if Instant::now() >= deadline {
                return false;
            }
            backoff.wait();
        }
        true
    }
}
