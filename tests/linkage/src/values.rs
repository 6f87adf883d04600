//! What the structures hold: a word, a cache line, or a value with a `Drop` of its own.

use latchless::atomic::{AtomicUsize, Ordering::Relaxed};

pub(crate) const SLOTS: usize = 64;

/// A value whose end is seen.
pub(crate) struct Dropped(usize);

static DROPS: AtomicUsize = AtomicUsize::new(0);

impl Drop for Dropped {
    fn drop(&mut self) {
        DROPS.add(self.0, Relaxed);
    }
}

/// Takes a value from a caller who forgets it.
pub(crate) fn value<T>(from: &mut T) -> T {
    // SAFETY: valid to read, and the caller's value is never used or dropped again.
    unsafe { core::ptr::read(from) }
}
