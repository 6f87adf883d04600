//! What all backends share: the loop around a compare-exchange.

/// A loop around the backend's compare-exchange.
macro_rules! modify {
    ($word:ty) => {
        /// Applies `f`, which may be asked about more than one value; returns the value before.
        #[inline(always)]
        #[track_caller]
        pub(crate) fn modify(&self, order: Ordering, f: impl Fn($word) -> $word) -> $word {
            // ORDERING: Relaxed; only a guess, which the compare-exchange confirms.
            let mut old = self.load(Ordering::Relaxed);
            loop {
                // ORDERING: success is the caller's. Failure is Relaxed: the value found is only
                // the next guess.
                match self.compare_exchange_weak(old, f(old), order, Ordering::Relaxed) {
                    Ok(before) => return before,
                    Err(found) => old = found,
                }
            }
        }
    };
}
pub(super) use modify;
