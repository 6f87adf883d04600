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
//! | E1 | push: `head` | pop: `head` | the link of the index, and what its owner did before |
//!
//! Each change of `head` is a read-modify-write, so a pop that reads the head which a later pop
//! left still acquires from every push before it (the release sequence goes on).
//!
//! # Progress and complexity
//!
//! Lock-free: an attempt fails only because another one succeeded. Alone, a push or pop is one
//! `lock cmpxchg`. After a lost race a bounded back-off.
//!
//! # The generation wraps
//!
//! after 2^32 pops. A pop would have to sleep between its load and its compare-exchange for exactly
//! a multiple of 2^32 pops, at 100 million pops a second 43 s, and find its index on top again.
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
