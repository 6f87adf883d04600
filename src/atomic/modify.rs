//! The loops around a compare-exchange: the one that all backends share, and those that all types do.

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

/// The public methods that take a function, for a type whose values are `$value`.
macro_rules! update_methods {
    ($value:ty) => {
        /// Calls `f` with the value until what it returns could be stored, or it returns `None`.
        /// Returns the value before.
        ///
        /// # Errors
        ///
        /// The value that `f` declined.
        #[inline]
        #[track_caller]
        pub fn fetch_update<F>(
            &self,
            set_order: impl AnyOrdering,
            fetch_order: impl LoadOrdering,
            mut f: F,
        ) -> Result<$value, $value>
        where
            F: FnMut($value) -> Option<$value>,
        {
            let mut current = self.load(fetch_order);
            while let Some(new) = f(current) {
                match self.compare_exchange_weak(current, new, set_order, fetch_order) {
                    Ok(before) => return Ok(before),
                    Err(found) => current = found,
                }
            }
            Err(current)
        }

        /// [`fetch_update`](Self::fetch_update), under the name that core gave it in Rust 1.95.
        ///
        /// # Errors
        ///
        /// The value that `f` declined.
        #[inline]
        #[track_caller]
        pub fn try_update(
            &self,
            set_order: impl AnyOrdering,
            fetch_order: impl LoadOrdering,
            f: impl FnMut($value) -> Option<$value>,
        ) -> Result<$value, $value> {
            self.fetch_update(set_order, fetch_order, f)
        }

        /// Calls `f` with the value until what it returns could be stored. Returns the value before.
        #[inline]
        #[track_caller]
        pub fn update(
            &self,
            set_order: impl AnyOrdering,
            fetch_order: impl LoadOrdering,
            mut f: impl FnMut($value) -> $value,
        ) -> $value {
            let mut current = self.load(fetch_order);
            loop {
                match self.compare_exchange_weak(current, f(current), set_order, fetch_order) {
                    Ok(before) => return before,
                    Err(found) => current = found,
                }
            }
        }
    };
}
pub(super) use update_methods;
