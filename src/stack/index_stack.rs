//! Treiber's stack over an array of links, with a generation against ABA.
//!
//! # Layout
//!
//! ```text
//! pair of lines 0   [ head: generation u32 | top u32 ]
//! pair of lines 1…  [ link 0 … link N-1 ]   u32 each: the index below, or NIL
//! ```
//!
//! The links are atomics of their own, apart from whatever the indices stand for: a pop that was
//! overtaken may read the link of an index that its new owner is using, and that must not touch the
//! owner's data.
//!
//! # Invariants
//!
//! - INV-1  The top, and the links of indices in the stack, are below `N` or NIL. Another link may be LENT.
//! - INV-2  The chain from the top to NIL visits each index at most once, provided that nobody
//!   pushes an index that is in the stack already.
//! - INV-3  Every removal gives the head a new generation, so a head that was seen and is seen again
//!   unchanged has not been removed from in between, unless 2^32 removals happened.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | push, push_many: `head` | pop, pop_many: `head` | links of the indices, and what their owners did before |
//!
//! Each change of `head` is a read-modify-write, so a pop that reads the head which a later pop
//! left still acquires from every push before it (the release sequence goes on).
//!
//! # Progress and complexity
//!
//! Lock-free: an attempt fails only because another one succeeded. Alone, a push or pop of any number is
//! one `lock cmpxchg`. After a lost race a bounded back-off.
//!
//! There is no `len`: beside top and generation the head has no room for a count, and a count of its own
//! would be a second locked instruction a call, on a line that everybody writes.
//!
//! # The generation wraps
//!
//! after 2^32 removals; a removal of many is one. A pop would have to sleep between its load and its
//! compare-exchange for exactly a multiple of 2^32 removals, at 100 million a second 43 s, and find its index
//! on top again, with another one below than it has seen. Then an index is lost or has two owners.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMI handlers, nested in each other at any instruction.
//!
//! # References
//!
//! R. K. Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986; the generation
//! as in the IBM System/370 Principles of Operation, appendix on free-pool manipulation.

use core::error::Error;
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use static_assertions::assert_impl_all;

use super::head::{Head, LENT, NIL};
use crate::atomic::{AtomicU32, AtomicU64, array, const_fn};
use crate::mem::{Backoff, CachePadded};

/// A lock-free stack of indices below `N`: the free list of memory that you manage yourself.
///
/// `N`: 1 to `u32::MAX - 1`, checked at compile time. `const`-constructible in a `static`, empty or
/// full. An index must not be pushed while it is in the stack: nothing becomes unsound, but the
/// chain may lose indices or hand one out twice.
///
/// Size: 128 bytes, plus `4 * N` rounded up to 128.
///
/// # Examples
///
/// ```
/// use latchless::stack::IndexStack;
///
/// static FREE: IndexStack<16> = IndexStack::full();
///
/// let index = FREE.pop().unwrap();
/// // use block number `index` …
/// FREE.push(index)?;
/// # Ok::<(), latchless::stack::OutOfRange>(())
/// ```
#[repr(C)]
pub struct IndexStack<const N: usize> {
    head: CachePadded<AtomicU64>,
    links: CachePadded<[AtomicU32; N]>,
}

assert_impl_all!(IndexStack<1>: Send, Sync);

impl<const N: usize> IndexStack<N> {
    const VALID_N: () =
        assert!(N >= 1 && N < u32::MAX as usize, "N must be at least 1 and below u32::MAX");

    const_fn! {
        /// Creates a stack without any index.
        #[inline]
        pub const fn new() -> Self {
            const { Self::VALID_N };
            Self {
                head: CachePadded::new(AtomicU64::new(Head::new(NIL).bits())),
                links: CachePadded::new(array![AtomicU32::new(NIL); N]),
            }
        }
    }

    const_fn! {
        /// Creates a stack of all indices below `N`, 0 on top.
        pub const fn full() -> Self {
            Self::full_from(0)
        }
    }

    const_fn! {
        /// Creates a stack of all indices from `first`, which is below `N` and on top, to `N - 1`.
        #[expect(clippy::indexing_slicing, reason = "`next` is within 1..N")]
        pub(crate) const fn full_from(first: u32) -> Self {
            const { Self::VALID_N };
            let mut links = array![AtomicU32::new(NIL); N];
            let mut next = first as usize + 1;
            while next < N {
                links[next - 1] = AtomicU32::new(next as u32);
                next += 1;
            }
            Self {
                head: CachePadded::new(AtomicU64::new(Head::new(first).bits())),
                links: CachePadded::new(links),
            }
        }
    }

    /// Puts `index` on top.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`.
    /// **Ordering** what happened before the push happens before what follows the pop of `index`.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] if `index` is not below `N`; the stack is unchanged.
    #[inline]
    pub fn push(&self, index: u32) -> Result<(), OutOfRange> {
        let Some(link) = self.links.get(index as usize) else {
            return Err(OutOfRange { index, bound: N });
        };
        // ORDERING: Relaxed; only a guess, which the compare-exchange confirms.
        let mut head = Head::from_bits(self.head.load(Relaxed));
        let mut backoff = Backoff::new();
        loop {
            // ORDERING: Relaxed; E1 publishes it, and who reads it earlier fails to exchange.
            link.store(head.top(), Relaxed);
            let pushed = head.pushed(index);
            // ORDERING: success Release, E1. Failure Relaxed: only the next guess.
            match self.head.compare_exchange_weak(head.bits(), pushed.bits(), Release, Relaxed) {
                Ok(_) => return Ok(()),
                Err(found) => head = Head::from_bits(found),
            }
            backoff.wait();
        }
    }

    /// Takes the index on top, or returns `None` if the stack was empty at some moment during the
    /// call.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`.
    /// **Ordering** what happened before the push of the index happens before what follows this
    /// pop.
    #[inline]
    pub fn pop(&self) -> Option<u32> {
        // ORDERING: Acquire, E1. The link of the top comes with it.
        let mut head = Head::from_bits(self.head.load(Acquire));
        let mut backoff = Backoff::new();
        loop {
            // NIL is not below `N`: an empty stack ends here (INV-1).
            let link = self.links.get(head.top() as usize)?;
            // ORDERING: Relaxed; E1 made the link that belongs to this head visible. A later one
            // may be read instead, but then the head has changed as well (INV-3).
            let popped = head.popped(link.load(Relaxed));
            // ORDERING: success Relaxed: this head was acquired when it was read, and a value of
            // it never comes back (INV-3). Failure Acquire, E1, as for the load above.
            match self.head.compare_exchange_weak(head.bits(), popped.bits(), Relaxed, Acquire) {
                Ok(_) => return Some(head.top()),
                Err(found) => head = Head::from_bits(found),
            }
            backoff.wait();
        }
    }

    /// Puts indices on top, the first of them uppermost, in one step.
    ///
    /// What [`pop_many`](Self::pop_many) took comes to lie as it lay. No index may be in the slice twice, as
    /// none may be pushed that is in the stack.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(`indices`) alone, one `lock cmpxchg`; O(1)
    /// again after a lost race. **Ordering** as [`push`](Self::push), for each index.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] with the first index that is not below `N`; the stack is unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// use latchless::stack::IndexStack;
    ///
    /// static FREE: IndexStack<8> = IndexStack::full();
    ///
    /// let mut mine = [0; 4];
    /// assert_eq!(FREE.pop_many(&mut mine), 4);
    /// assert_eq!(mine, [0, 1, 2, 3]);
    /// FREE.push_many(&mine)?;
    /// assert_eq!(FREE.pop(), Some(0));
    /// # Ok::<(), latchless::stack::OutOfRange>(())
    /// ```
    #[inline]
    pub fn push_many(&self, indices: &[u32]) -> Result<(), OutOfRange> {
        if let Some(&index) = indices.iter().find(|&&index| index as usize >= N) {
            return Err(OutOfRange { index, bound: N });
        }
        let Some((&first, rest)) = indices.split_first() else { return Ok(()) };
        let mut last = first;
        for &index in rest {
            self.link(last, index);
            last = index;
        }
        // ORDERING: Relaxed; only a guess, which the compare-exchange confirms.
        let mut head = Head::from_bits(self.head.load(Relaxed));
        let mut backoff = Backoff::new();
        loop {
            self.link(last, head.top());
            let pushed = head.pushed(first);
            // ORDERING: success Release, E1. Failure Relaxed: only the next guess.
            match self.head.compare_exchange_weak(head.bits(), pushed.bits(), Release, Relaxed) {
                Ok(_) => return Ok(()),
                Err(found) => head = Head::from_bits(found),
            }
            backoff.wait();
        }
    }

    /// Takes the uppermost indices, as many as there are and fit into `indices`, in one step. Returns how
    /// many; they are at the start of `indices`, the one that was on top first. What is behind them may have
    /// been written.
    ///
    /// Fewer than fit: there were no more at some moment during the call.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(`indices`) alone, one `lock cmpxchg`; as
    /// much again after a lost race. **Ordering** as [`pop`](Self::pop), for each index.
    #[inline]
    pub fn pop_many(&self, indices: &mut [u32]) -> usize {
        if indices.is_empty() {
            return 0;
        }
        // ORDERING: Acquire, E1. The links of the chain come with it.
        let mut head = Head::from_bits(self.head.load(Acquire));
        let mut backoff = Backoff::new();
        loop {
            let mut below = head.top();
            let mut count = 0;
            for index in &mut *indices {
                // NIL is not below `N`: the chain ends here (INV-1). So may one that has changed meanwhile.
                let Some(link) = self.links.get(below as usize) else { break };
                *index = below;
                // ORDERING: Relaxed; E1 made the link that belongs to this head visible. A later one
                // may be read instead, but then the head has changed as well (INV-3).
                below = link.load(Relaxed);
                count += 1;
            }
            if count == 0 {
                return 0;
            }
            let popped = head.popped(below);
            // ORDERING: success Relaxed: this head was acquired when it was read, and a value of it
            // never comes back (INV-3). Failure Acquire, E1, as for the load above.
            match self.head.compare_exchange_weak(head.bits(), popped.bits(), Relaxed, Acquire) {
                Ok(_) => return count,
                Err(found) => head = Head::from_bits(found),
            }
            backoff.wait();
        }
    }

    /// Has an index that the caller owns lead to another one.
    #[inline(always)]
    fn link(&self, index: u32, below: u32) {
        if let Some(link) = self.links.get(index as usize) {
            // ORDERING: Relaxed; E1 publishes it, and who reads it earlier fails to exchange.
            link.store(below, Relaxed);
        }
    }

    /// Notes that an index, which the caller owns, is lent: its next owner comes with the number alone.
    /// The note is in the link, which says nothing while the index is out of the stack: a pop that was
    /// overtaken may read it instead, and fails (INV-3).
    #[inline(always)]
    pub(super) fn lend(&self, index: u32) {
        if let Some(link) = self.links.get(index as usize) {
            // ORDERING: Relaxed; who is given the number is told when by other means.
            link.store(LENT, Relaxed);
        }
    }

    /// Returns whether the index was lent. It no longer is, so of several callers one is told so.
    #[inline(always)]
    pub(super) fn redeem(&self, index: u32) -> bool {
        let link = self.links.get(index as usize);
        // ORDERING: Relaxed, as above.
        link.is_some_and(|link| link.compare_exchange(LENT, NIL, Relaxed, Relaxed).is_ok())
    }

    /// Returns whether the stack was empty at some moment during the call.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // ORDERING: Relaxed; the answer may be out of date anyway.
        Head::from_bits(self.head.load(Relaxed)).top() == NIL
    }

    /// The number of indices there are: `N`.
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }
}

impl<const N: usize> Default for IndexStack<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for IndexStack<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexStack").field("capacity", &N).finish_non_exhaustive()
    }
}

/// An index that the stack has no link for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    index: u32,
    bound: usize,
}

impl OutOfRange {
    /// The index that was refused.
    pub const fn index(self) -> u32 {
        self.index
    }
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "index {} is not below {}", self.index, self.bound)
    }
}

impl Error for OutOfRange {}

#[cfg(test)]
mod tests {
    use core::sync::atomic::Ordering::{Acquire, Relaxed};

    use super::{Head, IndexStack, LENT};

    /// A pop sees the head and what lies below; then `meanwhile` runs, which leaves the same index on top.
    /// The pop must not succeed.
    #[track_caller]
    fn pop_is_stalled(generation: u64, meanwhile: impl FnOnce(&IndexStack<3>)) {
        let stack = IndexStack::<3>::full();
        stack.head.store(generation << 32 | stack.head.load(Relaxed), Relaxed);
        let seen = Head::from_bits(stack.head.load(Acquire));
        let below = stack.links.get(seen.top() as usize).map_or(LENT, |link| link.load(Relaxed));
        meanwhile(&stack);
        let now = Head::from_bits(stack.head.load(Relaxed));
        assert_eq!(now.top(), seen.top(), "the same index is on top again");
        let popped = seen.popped(below).bits();
        let exchanged = stack.head.compare_exchange(seen.bits(), popped, Relaxed, Acquire);
        assert!(exchanged.is_err(), "what was below is gone");
    }

    const GENERATIONS: [u64; 3] = [0, 7, u32::MAX as u64];

    #[test]
    fn stalled_pop_fails_after_pops() {
        for generation in GENERATIONS {
            pop_is_stalled(generation, |stack| {
                assert_eq!((stack.pop(), stack.pop()), (Some(0), Some(1)));
                assert!(stack.push(0).is_ok());
            });
        }
    }

    #[test]
    fn stalled_pop_fails_after_pop_many() {
        for generation in GENERATIONS {
            pop_is_stalled(generation, |stack| {
                assert_eq!(stack.pop_many(&mut [0; 2]), 2);
                assert!(stack.push(0).is_ok());
            });
        }
    }

    #[test]
    fn stalled_pop_fails_after_push_many() {
        for generation in GENERATIONS {
            pop_is_stalled(generation, |stack| {
                let mut all = [0; 3];
                assert_eq!(stack.pop_many(&mut all), 3);
                assert!(stack.push_many(&[0, 2]).is_ok());
            });
        }
    }
}
