//! Batches into a `heapless::Vec` (feature `heapless`).

#[cfg(target_has_atomic = "64")]
use super::mpmc::{self, IndexEntry, Slot};
use super::spsc::{Consumer, RingRef};
use super::storage::Storage;
use crate::atomic::with_pairs;
with_pairs! {
    use super::mpmc::{RingOfWords, Word, WordEntry};
}

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Consumer<R> {
    /// Pops as many values as there are, or as `out` has room for, and appends them to `out` in
    /// order. Returns how many. The slots are given up all at once, by one store.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(values popped). **Ordering** as
    /// [`pop`](Self::pop).
    ///
    /// # Examples
    ///
    /// ```
    /// use latchless::ring::SpscRing;
    ///
    /// let mut ring = SpscRing::<u8, 4>::new();
    /// let (mut producer, mut consumer) = ring.split();
    /// (0..3).for_each(|n| producer.push(n).unwrap());
    ///
    /// let mut batch = heapless::Vec::<u8, 2>::new();
    /// assert_eq!(consumer.pop_into_vec(&mut batch), 2);
    /// assert_eq!(batch, [0, 1]);
    /// ```
    pub fn pop_into_vec<const M: usize>(&mut self, out: &mut heapless::Vec<T, M>) -> usize {
        let chunk = self.read_chunk_up_to(M - out.len());
        let count = chunk.len();
        chunk.into_iter().for_each(|value| {
            let pushed = out.push(value);
            debug_assert!(pushed.is_ok(), "there was room for `count` values");
        });
        count
    }
}

#[cfg(target_has_atomic = "64")]
macro_rules! pop_into_vec {
    ($ring:literal, [$($generics:tt)*] $type:ty, $item:ident) => {
        impl<$($generics)*> $type {
            /// Pops values until the ring is empty or `out` is full, and appends them to `out` in order.
            /// Returns how many. Values of other consumers may lie between them.
            ///
            /// **Progress** lock-free for each value. **Context** any. **Complexity** O(values popped).
            /// **Ordering** as [`pop`](Self::pop).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use latchless::ring::", $ring, ";")]
            ///
            #[doc = concat!("let ring = ", $ring, "::<u8, 4>::new();")]
            /// (0..3).for_each(|n| ring.push(n).unwrap());
            ///
            /// let mut batch = heapless::Vec::<u8, 8>::new();
            /// assert_eq!(ring.pop_into_vec(&mut batch), 3);
            /// assert_eq!(batch, [0, 1, 2]);
            /// ```
            pub fn pop_into_vec<const M: usize>(&self, out: &mut heapless::Vec<$item, M>) -> usize {
                let before = out.len();
                while !out.is_full() {
                    let Some(value) = self.pop() else { break };
                    let pushed = out.push(value);
                    debug_assert!(pushed.is_ok(), "`out` was not full");
                }
                out.len() - before
            }
        }
    };
}

#[cfg(target_has_atomic = "64")]
pop_into_vec!(
    "MpmcRing",
    [T, P: Storage<Item = IndexEntry>, S: Storage<Item = Slot<T>>] mpmc::Ring<T, P, S>,
    T
);
with_pairs! {
    pop_into_vec!(
        "WordRing",
        [T: Word, S: Storage<Item = WordEntry>] RingOfWords<T, S>,
        T
    );
}
