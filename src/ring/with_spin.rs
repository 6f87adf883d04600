//! Waiting for room or for a value, the way `spin` waits (feature `spin`).
//!
//! These calls block: they wait for another thread, so none of them may be called from an interrupt
//! handler, where that thread may be the one interrupted.

use spin::relax::RelaxStrategy;

use super::Full;
use super::spsc::{Consumer, Producer, RingRef};
use super::storage::Storage;
use crate::atomic::with_pairs;
with_pairs! {
    use super::mpmc::{RingOfWords, Word, WordEntry};
}
#[cfg(target_has_atomic = "64")]
use super::PushError;
#[cfg(target_has_atomic = "64")]
use super::mpmc::{self, IndexEntry, Slot};

/// Calls `attempt` until it succeeds, with `W` in between.
fn wait_to_push<T, W: RelaxStrategy>(
    mut value: T,
    mut attempt: impl FnMut(T) -> Result<(), Full<T>>,
) {
    while let Err(Full(back)) = attempt(value) {
        value = back;
        W::relax();
    }
}

/// Calls `attempt` until it succeeds, with `W` in between.
fn wait_to_pop<T, W: RelaxStrategy>(mut attempt: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        W::relax();
    }
}

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Producer<R> {
    /// Appends `value`, waiting for room as `W` says.
    ///
    /// **Progress** blocking. **Context** threads only. **Ordering** as [`push`](Self::push).
    ///
    /// # Examples
    ///
    /// ```
    /// use latchless::ring::SpscRing;
    ///
    /// let mut ring = SpscRing::<u32, 2>::new();
    /// let (mut producer, mut consumer) = ring.split();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(move || (0..10).for_each(|n| producer.push_wait::<spin::relax::Spin>(n)));
    ///     (0..10).for_each(|n| assert_eq!(consumer.pop_wait::<spin::relax::Spin>(), n));
    /// });
    /// ```
    pub fn push_wait<W: RelaxStrategy>(&mut self, value: T) {
        wait_to_push::<T, W>(value, |value| self.push(value));
    }
}

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Consumer<R> {
    /// Takes the oldest value out, waiting for one as `W` says.
    ///
    /// **Progress** blocking. **Context** threads only. **Ordering** as [`pop`](Self::pop).
    pub fn pop_wait<W: RelaxStrategy>(&mut self) -> T {
        wait_to_pop::<T, W>(|| self.pop())
    }
}

#[cfg(target_has_atomic = "64")]
macro_rules! wait {
    ($ring:literal, [$($generics:tt)*] $type:ty, $item:ident) => {
        impl<$($generics)*> $type {
            /// Appends `value`, waiting for room as `W` says.
            ///
            /// **Progress** blocking. **Context** threads only. **Ordering** as [`push`](Self::push).
            ///
            /// # Errors
            ///
            /// `value`, once the ring is [closed](Self::close).
            pub fn push_wait<W: RelaxStrategy>(&self, mut value: $item) -> Result<(), $item> {
                loop {
                    match self.push(value) {
                        Ok(()) => return Ok(()),
                        Err(PushError::Closed(back)) => return Err(back),
                        Err(PushError::Full(back)) => value = back,
                    }
                    W::relax();
                }
            }

            /// Takes the oldest value out, waiting for one as `W` says, or returns `None` if the ring is
            /// [drained](Self::is_drained).
            ///
            /// **Progress** blocking. **Context** threads only. **Ordering** as [`pop`](Self::pop).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use latchless::ring::", $ring, ";")]
            /// use spin::relax::Spin;
            ///
            #[doc = concat!("let ring = ", $ring, "::<u32, 2>::new();")]
            /// std::thread::scope(|scope| {
            ///     scope.spawn(|| {
            ///         (1..=10).for_each(|n| ring.push_wait::<Spin>(n).unwrap());
            ///         ring.close();
            ///     });
            ///     let sum: u32 = core::iter::from_fn(|| ring.pop_wait::<Spin>()).sum();
            ///     assert_eq!(sum, 55);
            /// });
            /// ```
            pub fn pop_wait<W: RelaxStrategy>(&self) -> Option<$item> {
                loop {
                    if let Some(value) = self.pop() {
                        return Some(value);
                    }
                    if self.is_drained() {
                        return None;
                    }
                    W::relax();
                }
            }
        }
    };
}

#[cfg(target_has_atomic = "64")]
wait!(
    "MpmcRing",
    [T, P: Storage<Item = IndexEntry>, S: Storage<Item = Slot<T>>] mpmc::Ring<T, P, S>,
    T
);
with_pairs! {
    wait!(
        "WordRing",
        [T: Word, S: Storage<Item = WordEntry>] RingOfWords<T, S>,
        T
    );
}
