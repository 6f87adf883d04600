//! Popping by iterator.

use core::fmt;
use core::iter::FusedIterator;

use super::{Ring, Slot};
use crate::ring::storage::Storage;

/// Pops values one by one until there is none to be had; see [`Ring::drain`].
pub struct Drain<'r, T, S: Storage<Item = Slot<T>>> {
    ring: &'r Ring<T, S>,
}

/// The values of a ring, the oldest first.
pub struct IntoIter<T, S: Storage<Item = Slot<T>>> {
    ring: Ring<T, S>,
}

// === impl Ring ===

impl<T, S: Storage<Item = Slot<T>>> Ring<T, S> {
    /// Pops values one by one, when they are asked for, until a pop is refused for whatever reason. Others
    /// may push and pop meanwhile.
    ///
    /// **Progress** as [`pop`](Self::pop). **Context** any. **Complexity** O(1), and for each value.
    /// **Ordering** as [`pop`](Self::pop), for each of them.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::TurnRing;
    /// let ring = TurnRing::<_, 4>::new();
    /// ring.push_slice(&[1, 2, 3]);
    /// assert!(ring.drain().eq([1, 2, 3]));
    /// ```
    #[doc(alias = "pop_iter")]
    #[inline]
    pub fn drain(&self) -> Drain<'_, T, S> {
        Drain { ring: self }
    }
}

impl<T, S: Storage<Item = Slot<T>>> IntoIterator for Ring<T, S> {
    type Item = T;
    type IntoIter = IntoIter<T, S>;

    #[inline]
    fn into_iter(self) -> IntoIter<T, S> {
        IntoIter { ring: self }
    }
}

// === impl Drain ===

impl<T, S: Storage<Item = Slot<T>>> Iterator for Drain<'_, T, S> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.ring.pop().ok()
    }
}

impl<T, S: Storage<Item = Slot<T>>> fmt::Debug for Drain<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("ring", self.ring).finish()
    }
}

// === impl IntoIter ===

impl<T, S: Storage<Item = Slot<T>>> Iterator for IntoIter<T, S> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.ring.pop_mut()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.ring.len();
        (len, Some(len))
    }
}

impl<T, S: Storage<Item = Slot<T>>> ExactSizeIterator for IntoIter<T, S> {}

impl<T, S: Storage<Item = Slot<T>>> FusedIterator for IntoIter<T, S> {}

impl<T, S: Storage<Item = Slot<T>>> fmt::Debug for IntoIter<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("ring", &self.ring).finish()
    }
}
