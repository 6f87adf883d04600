//! A stack that is only ever emptied whole: the cheapest way to hand nodes to one who works them off.
//!
//! # Layout
//!
//! ```text
//! pair of lines 0   [ top ]    the link of the node on top, or null
//! in each node      [ link ]   the link of the node below, or null
//! ```
//!
//! # Invariants
//!
//! - INV-1  A node that is in the stack is the stack's: its handle was given away by `into_link`.
//! - INV-2  A call reads links of nodes only that it owns: a push those that it adds, a taker those that it
//!   has taken. So nodes may be freed as soon as they were taken, and no generation is needed: a push
//!   that finds its top again puts its node on what lies there now, whatever went on meanwhile (no ABA).
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | push, push_chain: `top` | take_all: `top` | links, and what the owners did before |
//!
//! Each change of `top` is a read-modify-write, so one exchange acquires from every push before it.
//!
//! # Progress and complexity
//!
//! Pushes are lock-free, taking is wait-free: one `lock cmpxchg` alone, and one `xchg`.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMI handlers, nested in each other at any instruction.
//!
//! # References
//!
//! Linux, `include/linux/llist.h`.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::chain::Chain;
use super::linked::{Link, Linked};
use crate::atomic::{AtomicPtr, const_fn};
use crate::mem::{Backoff, CachePadded};

/// A stack of the caller's nodes that any number of threads and interrupt handlers push on, and that is
/// taken as a whole: deferred work, freed memory, messages to one who wakes up now and then.
///
/// `H`: what owns a node: [`NodeRef`](super::NodeRef), with the feature `alloc` `Box<Node<T>>`, or your own.
/// `const`-constructible in a `static`.
///
/// Size: 128 bytes.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use latchless::stack::{Node, TransferStack};
///
/// static MAIL: TransferStack<Box<Node<&str>>> = TransferStack::new();
///
/// assert!(MAIL.push(Box::new(Node::new("first")))); // there was none: wake the reader
/// assert!(!MAIL.push(Box::new(Node::new("second"))));
/// let read: Vec<_> = MAIL.take_all().reversed().map(|mut node| *node.get_mut()).collect();
/// assert_eq!(read, ["first", "second"]);
/// # }
/// ```
#[repr(C)]
pub struct TransferStack<H: Linked> {
    top: CachePadded<AtomicPtr<Link>>,
    owns: PhantomData<H>,
}

// SAFETY: a stack owns the handles of its nodes.
unsafe impl<H: Linked + Send> Send for TransferStack<H> {}
// SAFETY: a shared stack moves handles between threads (hence `H: Send`) and never shares a `&H`.
unsafe impl<H: Linked + Send> Sync for TransferStack<H> {}

assert_impl_all!(TransferStack<super::NodeRef<'static, core::cell::Cell<u8>>>: Send, Sync);
assert_not_impl_any!(TransferStack<super::NodeRef<'static, *const u8>>: Send, Sync);

impl<H: Linked> TransferStack<H> {
    const_fn! {
        /// Creates an empty stack.
        #[inline]
        pub const fn new() -> Self {
            Self { top: CachePadded::new(AtomicPtr::new(ptr::null_mut())), owns: PhantomData }
        }
    }

    /// Puts a node on top. Returns whether the stack was empty: whoever takes may have to be woken.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`.
    /// **Ordering** what happened before the push happens before what follows the taking of the node.
    #[inline]
    pub fn push(&self, handle: H) -> bool {
        let link = handle.into_link();
        self.push_links(link, link)
    }

    /// Puts a chain on top, its first node uppermost, in one step. Returns whether the stack was empty,
    /// and is not any more.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, one `lock cmpxchg`; a chain that
    /// came from [`take_all`](Self::take_all) is walked once, for its last node.
    /// **Ordering** as [`push`](Self::push), for each node.
    #[inline]
    pub fn push_chain(&self, chain: Chain<H>) -> bool {
        chain.into_links().is_some_and(|(first, last)| self.push_links(first, last))
    }

    /// Takes all nodes, in one step. The first of the chain was pushed last; [`Chain::reversed`] is the
    /// order in which they came.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1), one `xchg`; an empty stack is not
    /// written to. **Ordering** what happened before the push of each node happens before what follows
    /// this call.
    #[inline]
    pub fn take_all(&self) -> Chain<H> {
        if self.is_empty() {
            return Chain::new();
        }
        // ORDERING: Acquire, E1. The links come with it, and what the owners did.
        let first = self.top.swap(ptr::null_mut(), Acquire);
        // SAFETY: the nodes were in the stack (INV-1), and are no longer.
        unsafe { Chain::from_links(first, ptr::null_mut()) }
    }

    /// Returns whether the stack was empty at some moment during the call.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // ORDERING: Relaxed; the answer may be out of date anyway.
        self.top.load(Relaxed).is_null()
    }

    #[inline(always)]
    fn push_links(&self, first: NonNull<Link>, last: NonNull<Link>) -> bool {
        // ORDERING: Relaxed; only a guess, which the compare-exchange confirms.
        let mut top = self.top.load(Relaxed);
        let mut backoff = Backoff::new();
        loop {
            // SAFETY: the caller gave the node away, so it is the stack's (INV-1).
            unsafe { last.as_ref() }.set_below(top);
            // ORDERING: success Release, E1. Failure Relaxed: only the next guess.
            match self.top.compare_exchange_weak(top, first.as_ptr(), Release, Relaxed) {
                Ok(_) => return top.is_null(),
                Err(found) => top = found,
            }
            backoff.wait();
        }
    }
}

impl<H: Linked> Default for TransferStack<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Linked> Drop for TransferStack<H> {
    fn drop(&mut self) {
        drop(self.take_all());
    }
}

impl<H: Linked> fmt::Debug for TransferStack<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransferStack").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}
