//! Treiber's stack of the caller's nodes, with a generation against ABA.
//!
//! # Layout
//!
//! ```text
//! pair of lines 0   [ generation u64 | top ]   top: address of the link of the node on top, or zero
//! in each node      [ link ]                   the link of the node below, or null
//! ```
//!
//! # Invariants
//!
//! - INV-1  A node that is in the stack is the stack's: its handle was given away by `into_link`.
//! - INV-2  Each top and each link that a call reads is null or leads to a node that may be read as
//!   `&Link` for as long as the stack exists ([`TypeStable`]), also where the call was overtaken.
//! - INV-3  Every removal, of one node, of some or of all, gives the head a new generation. A top that
//!   was read after the generation, both of which are found unchanged, was there all the time between.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | push, push_chain: `top` | pop, pop_many, pop_all: `top` | links, and what the owners did before |
//!
//! Each change of the head is a read-modify-write, so a pop that reads the head which a later call
//! left still acquires from every push before it (the release sequence goes on).
//!
//! # Pointers
//!
//! The top is an integer, because two words change together as integers: the one place where provenance
//! is exposed, and taken up again. Links keep theirs.
//!
//! # Progress and complexity
//!
//! Lock-free: an attempt fails only because another one succeeded. Alone, a push or a push of a chain is
//! one `lock cmpxchg`, a pop of any number one `lock cmpxchg16b`. After a lost race a bounded back-off.
//!
//! # The generation wraps
//!
//! after 2^64 removals: at 100 million a second 5 800 years. Nothing is at stake earlier.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMI handlers, nested in each other at any instruction.
//!
//! # References
//!
//! R. K. Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986. Concurrency Kit
//! shipped a batch pop that kept the generation until commit 7b5d000.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::chain::Chain;
use super::linked::{Link, TypeStable};
use crate::atomic::{AtomicPair, const_fn};
use crate::mem::{Backoff, CachePadded};

/// A lock-free stack of the caller's nodes, of any number of them.
///
/// `H`: what owns a node, such as [`NodeRef`](super::NodeRef). `const`-constructible in a `static`. Nodes
/// come out one by one, in batches or all at once; they may go back at any time. Where they only ever come
/// out all at once, [`TransferStack`](super::TransferStack) is cheaper, and asks less of its nodes.
///
/// Exists on x86-64 only, not on the `native` backend, like [`AtomicPair`]; what is said there about CPUs
/// without `lock cmpxchg16b` holds here.
///
/// Size: 128 bytes.
///
/// # Examples
///
/// ```
/// use latchless::stack::{Node, NodeRef, TreiberStack};
///
/// static BUFFERS: [Node<[u8; 1500]>; 4] = [const { Node::new([0; 1500]) }; 4];
/// static FREE: TreiberStack<NodeRef<'static, [u8; 1500]>> = TreiberStack::new();
///
/// // Once, at start:
/// BUFFERS.iter().filter_map(Node::try_claim).for_each(|buffer| FREE.push(buffer));
///
/// // Anywhere, in an interrupt handler too:
/// let mut buffer = FREE.pop().expect("four are there");
/// buffer[0] = 0x45;
/// FREE.push(buffer);
/// assert_eq!(FREE.pop_many(3).count(), 3);
/// ```
#[repr(C)]
pub struct TreiberStack<H: TypeStable> {
    /// Generation, top.
    head: CachePadded<AtomicPair>,
    owns: PhantomData<H>,
}

// SAFETY: a stack owns the handles of its nodes.
unsafe impl<H: TypeStable + Send> Send for TreiberStack<H> {}
// SAFETY: a shared stack moves handles between threads (hence `H: Send`) and never shares a `&H`.
unsafe impl<H: TypeStable + Send> Sync for TreiberStack<H> {}

assert_impl_all!(TreiberStack<super::NodeRef<'static, core::cell::Cell<u8>>>: Send, Sync);
assert_not_impl_any!(TreiberStack<super::NodeRef<'static, *const u8>>: Send, Sync);

/// What a call has seen of the head.
#[derive(Clone, Copy)]
struct Head {
    generation: u64,
    top: *mut Link,
}

impl Head {
    #[inline(always)]
    fn of([generation, top]: [u64; 2]) -> Self {
        // The address was exposed when it became the top.
        Self { generation, top: ptr::with_exposed_provenance_mut(top as usize) }
    }

    #[inline(always)]
    fn words(self) -> [u64; 2] {
        [self.generation, self.top.expose_provenance() as u64]
    }

    /// The head after nodes were removed and `top` is on top: of the next generation.
    #[inline(always)]
    fn popped(self, top: *mut Link) -> Self {
        Self { generation: self.generation.wrapping_add(1), top }
    }
}

// === impl TreiberStack ===

impl<H: TypeStable> TreiberStack<H> {
    const_fn! {
        /// Creates an empty stack.
        #[inline]
        pub const fn new() -> Self {
            Self::with_generation(0)
        }
    }

    const_fn! {
        /// Creates an empty stack of this generation, for tests of the wrap.
        #[doc(hidden)]
        #[inline]
        pub const fn with_generation(generation: u64) -> Self {
            Self { head: CachePadded::new(AtomicPair::new([generation, 0])), owns: PhantomData }
        }
    }

    /// Puts a node on top.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`.
    /// **Ordering** what happened before the push happens before what follows the pop of the node.
    #[inline]
    pub fn push(&self, handle: H) {
        let link = handle.into_link();
        self.push_links(link, link);
    }

    /// Puts a chain on top, its first node uppermost, in one step.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`; a chain that
    /// came out whole from [`pop_all`](Self::pop_all) is walked once, for its last node.
    /// **Ordering** as [`push`](Self::push), for each node.
    #[inline]
    pub fn push_chain(&self, chain: Chain<H>) {
        if let Some((first, last)) = chain.into_links() {
            self.push_links(first, last);
        }
    }

    /// Takes the node on top, or returns `None` if the stack was empty at some moment during the
    /// call.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg16b`.
    /// **Ordering** what happened before the push of the node happens before what follows this pop.
    #[inline]
    pub fn pop(&self) -> Option<H> {
        let mut head = self.observe();
        let mut backoff = Backoff::new();
        loop {
            let top = NonNull::new(head.top)?;
            // SAFETY: it was the top (INV-2).
            let below = unsafe { top.as_ref() }.below();
            match self.exchange(head, head.popped(below)) {
                // SAFETY: the node was in the stack (INV-1), and is no longer.
                Ok(()) => return Some(unsafe { H::from_link(top) }),
                Err(found) => head = found,
            }
            backoff.wait();
        }
    }

    /// Takes the uppermost nodes, up to `count`, in one step: fewer if there are fewer. The first of
    /// the chain was on top.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(count) alone, one `lock cmpxchg16b`; so
    /// much again after a lost race. **Ordering** as [`pop`](Self::pop), for each node.
    #[inline]
    pub fn pop_many(&self, count: usize) -> Chain<H> {
        if count == 0 {
            return Chain::new();
        }
        let mut head = self.observe();
        let mut backoff = Backoff::new();
        loop {
            let Some(mut last) = NonNull::new(head.top) else { return Chain::new() };
            for _ in 1..count {
                // SAFETY: it was the top, or a link led to it (INV-2).
                let below = unsafe { last.as_ref() }.below();
                let Some(below) = NonNull::new(below) else { break };
                last = below;
            }
            // SAFETY: as above.
            let last = unsafe { last.as_ref() };
            let rest = last.below();
            match self.exchange(head, head.popped(rest)) {
                Ok(()) => {
                    last.set_below(ptr::null_mut());
                    // SAFETY: nodes from the top to `last` were in the stack all the time (INV-3), and
                    // are no longer.
                    return unsafe { Chain::from_links(head.top, ptr::from_ref(last).cast_mut()) };
                }
                Err(found) => head = found,
            }
            backoff.wait();
        }
    }

    /// Takes all nodes, in one step. The first of the chain was on top.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg16b`.
    /// **Ordering** as [`pop`](Self::pop), for each node.
    #[inline]
    pub fn pop_all(&self) -> Chain<H> {
        let mut head = self.observe();
        let mut backoff = Backoff::new();
        while !head.top.is_null() {
            match self.exchange(head, head.popped(ptr::null_mut())) {
                // SAFETY: the nodes were in the stack (INV-1), and are no longer.
                Ok(()) => return unsafe { Chain::from_links(head.top, ptr::null_mut()) },
                Err(found) => head = found,
            }
            backoff.wait();
        }
        Chain::new()
    }

    /// Returns whether the stack was empty at some moment during the call.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // ORDERING: Relaxed; the answer may be out of date anyway.
        self.head.load_high(Relaxed) == 0
    }

    /// Puts the nodes from `first` to `last`, which the caller owns, on top. Additions keep the
    /// generation, and do not ask for it: what lies below is right whenever the top is.
    #[inline(always)]
    fn push_links(&self, first: NonNull<Link>, last: NonNull<Link>) {
        let new = first.as_ptr().expose_provenance() as u64;
        // ORDERING: Relaxed; only a guess, which the compare-exchange confirms.
        let mut top = self.head.load_high(Relaxed);
        let mut backoff = Backoff::new();
        loop {
            // The address was exposed when it became the top.
            let below = ptr::with_exposed_provenance_mut(top as usize);
            // SAFETY: the caller gave the node away, so it is the stack's (INV-1).
            unsafe { last.as_ref() }.set_below(below);
            // ORDERING: success Release, E1. Failure Relaxed: only the next guess.
            match self.head.compare_exchange_high(top, new, Release, Relaxed) {
                Ok(_) => return,
                Err(found) => top = found,
            }
            backoff.wait();
        }
    }

    /// The head: maybe a generation and a later top, which the compare-exchange would refuse.
    #[inline(always)]
    fn observe(&self) -> Head {
        // ORDERING: Acquire, E1. The link of the top comes with it, and the top is read after the
        // generation (INV-3).
        Head::of(self.head.load_each(Acquire))
    }

    #[inline(always)]
    fn exchange(&self, head: Head, new: Head) -> Result<(), Head> {
        // ORDERING: success Relaxed: this head was acquired when it was read, and a value of it never
        // comes back (INV-3). Failure Acquire, E1: the link of the top comes with it.
        let exchanged = self.head.compare_exchange(head.words(), new.words(), Relaxed, Acquire);
        exchanged.map(drop).map_err(Head::of)
    }
}

impl<H: TypeStable> Default for TreiberStack<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: TypeStable> Drop for TreiberStack<H> {
    fn drop(&mut self) {
        drop(self.pop_all());
    }
}

impl<H: TypeStable> fmt::Debug for TreiberStack<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreiberStack").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Head, TreiberStack};
    use crate::stack::{Chain, Node, NodeRef};
    use core::ptr;

    type Stack<'a> = TreiberStack<NodeRef<'a, u32>>;

    /// A pop sees the head and what lies below; then `meanwhile` runs, which leaves the same node on top.
    /// The pop must not succeed.
    #[track_caller]
    fn pop_is_stalled<'a>(
        nodes: &'a [Node<u32>; 3],
        generation: u64,
        meanwhile: impl FnOnce(&Stack<'a>) -> Chain<NodeRef<'a, u32>>,
    ) {
        let stack = Stack::with_generation(generation);
        nodes.iter().filter_map(Node::try_claim).for_each(|node| stack.push(node));
        let seen = stack.observe();
        // SAFETY: the nodes are borrowed for longer than this function runs.
        let below = unsafe { &*seen.top }.below();
        let kept = meanwhile(&stack);
        assert!(ptr::eq(stack.observe().top, seen.top), "the same node is on top again");
        assert!(stack.exchange(seen, seen.popped(below)).is_err(), "what was below is gone");
        assert_eq!(kept.count() + stack.pop_all().count(), 3);
    }

    const GENERATIONS: [u64; 3] = [0, 7, u64::MAX];

    fn nodes() -> [Node<u32>; 3] {
        [0, 1, 2].map(Node::new)
    }

    #[test]
    fn stalled_pop_fails_after_pops() {
        for generation in GENERATIONS {
            pop_is_stalled(&nodes(), generation, |stack| {
                let (first, second) = (stack.pop().unwrap(), stack.pop().unwrap());
                stack.push(first);
                Chain::from_iter([second])
            });
        }
    }

    #[test]
    fn stalled_pop_fails_after_pop_all() {
        for generation in GENERATIONS {
            pop_is_stalled(&nodes(), generation, |stack| {
                let mut all = stack.pop_all();
                stack.push(all.next().unwrap());
                all
            });
        }
    }

    #[test]
    fn stalled_pop_fails_after_pop_many() {
        for generation in GENERATIONS {
            pop_is_stalled(&nodes(), generation, |stack| {
                let mut some = stack.pop_many(2);
                stack.push(some.next().unwrap());
                some
            });
        }
    }

    #[test]
    fn stalled_pop_fails_after_a_push() {
        let nodes = nodes();
        let stack = Stack::new();
        nodes.iter().take(2).filter_map(Node::try_claim).for_each(|node| stack.push(node));
        let seen = stack.observe();
        stack.push(nodes[2].try_claim().unwrap());
        assert!(stack.exchange(seen, seen.popped(ptr::null_mut())).is_err(), "another top");
        assert_eq!(stack.pop_all().count(), 3);
    }

    #[test]
    fn generation_wraps_without_touching_the_top() {
        let top = ptr::without_provenance_mut(64);
        let last = Head { generation: u64::MAX, top };
        assert_eq!(last.popped(top).words(), [0, 64]);
    }
}
