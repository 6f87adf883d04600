//! Nodes of the caller's, and how stacks get hold of them.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::Relaxed;

use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::atomic::{AtomicBool, AtomicPtr, UnsafeCell, const_fn};

/// The part of a node that a stack writes to: which node is below.
///
/// An atomic of its own, apart from the value: a pop that was overtaken may read the link of a node
/// that its new owner is using, and that must not touch the owner's data.
///
/// Size: that of a pointer.
#[repr(transparent)]
pub struct Link {
    below: AtomicPtr<Self>,
}

assert_impl_all!(Link: Send, Sync, Unpin);

impl Link {
    const_fn! {
        /// Creates a link that leads nowhere.
        #[inline]
        pub const fn new() -> Self {
            Self { below: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    /// The link of the node below, or null. Never more than a guess, unless the caller owns the node.
    #[inline(always)]
    pub(super) fn below(&self) -> *mut Self {
        // ORDERING: Relaxed; the edge of the stack made visible what belongs to the head that was
        // read. A later link may be read instead, but then the head has changed as well.
        self.below.load(Relaxed)
    }

    #[inline(always)]
    pub(super) fn set_below(&self, below: *mut Self) {
        // ORDERING: Relaxed; the edge of the stack publishes it.
        self.below.store(below, Relaxed);
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// The owner of a node with a [`Link`] in it: what travels through an intrusive stack.
///
/// [`NodeRef`] is one for nodes in a `static` or anywhere else, and with the feature `alloc`
/// `Box<Node<T>>`. Implement it for nodes of your own, such as the pages of a kernel.
///
/// # Safety
///
/// - [`into_link`](Self::into_link) returns a pointer to a link that stays where it is, and that may be
///   read and written as `&Link` until [`from_link`](Self::from_link) has turned it back, in any thread
///   that the handle may be sent to. Meanwhile nobody else links that node.
/// - `from_link` makes of it a handle that is as good as the one before.
///
/// # Examples
///
/// ```
/// use core::ptr::NonNull;
/// use latchless::stack::{Link, Linked, TransferStack};
///
/// #[repr(C)]
/// struct Page {
///     link: Link, // first, so that a pointer to it is one to the page
///     number: usize,
/// }
///
/// struct OwnedPage(NonNull<Page>);
///
/// // SAFETY: pages stay where they are, and each has one owner.
/// unsafe impl Linked for OwnedPage {
///     fn into_link(self) -> NonNull<Link> {
///         self.0.cast()
///     }
///
///     unsafe fn from_link(link: NonNull<Link>) -> Self {
///         Self(link.cast())
///     }
/// }
///
/// let mut page = Page { link: Link::new(), number: 7 };
/// let dirty = TransferStack::new();
/// dirty.push(OwnedPage(NonNull::from(&mut page)));
/// for OwnedPage(page) in dirty.take_all() {
///     // SAFETY: the page is on this stack frame.
///     assert_eq!(unsafe { page.as_ref() }.number, 7);
/// }
/// ```
pub unsafe trait Linked: Sized {
    /// Turns the handle into a pointer to the link of its node. Whoever has the pointer owns the node.
    fn into_link(self) -> NonNull<Link>;

    /// Turns the pointer back into the handle.
    ///
    /// # Safety
    ///
    /// `link` came from [`into_link`](Self::into_link) of a handle of this type, and is turned back once.
    unsafe fn from_link(link: NonNull<Link>) -> Self;
}

/// A handle whose nodes stay nodes, whoever owns them: what a stack needs in which a pop that was
/// overtaken may still read the link of a node that is long gone from it.
///
/// # Safety
///
/// - What [`into_link`](Linked::into_link) has ever returned may be read as `&Link` for as long as a value
///   of this type can exist, also after the pointer was turned back and whatever becomes of the handle.
/// - From then on only handles of this very type link such a node: a link leads from nodes for which that
///   holds to nodes for which it holds. So a type with a lifetime is invariant in it.
pub unsafe trait TypeStable: Linked {}

/// A value with a link, for stacks of nodes.
///
/// Built at compile time in a `static`, or wherever it can stay. A [`NodeRef`] is its one owner.
///
/// # Examples
///
/// ```
/// use latchless::stack::{Node, NodeRef, TransferStack};
///
/// static EVENTS: [Node<u32>; 4] = [const { Node::new(0) }; 4];
/// static DEFERRED: TransferStack<NodeRef<'static, u32>> = TransferStack::new();
///
/// // Once, at start: this driver owns a node.
/// let mut event = EVENTS[0].try_claim().expect("nobody else has claimed it");
///
/// // In the interrupt handler:
/// *event = 42;
/// DEFERRED.push(event);
///
/// // In a thread:
/// let events: Vec<u32> = DEFERRED.take_all().reversed().map(|event| *event).collect();
/// assert_eq!(events, [42]);
/// ```
#[repr(C)]
pub struct Node<T> {
    /// At the start, so that a pointer to it is one to the node.
    link: Link,
    is_claimed: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: a shared node hands out its value to one owner, maybe in another thread, and never a `&T`
// to two.
unsafe impl<T: Send> Sync for Node<T> {}

assert_impl_all!(Node<core::cell::Cell<u8>>: Send, Sync);
assert_not_impl_any!(Node<*const u8>: Send, Sync);

impl<T> Node<T> {
    const_fn! {
        /// Creates a node that nobody owns.
        #[inline]
        pub const fn new(value: T) -> Self {
            Self {
                link: Link::new(),
                is_claimed: AtomicBool::new(false),
                value: UnsafeCell::new(value),
            }
        }
    }

    /// Makes the caller the owner of the node, for as long as the node is borrowed and for good: it can be
    /// claimed once. `None` if it was.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** none: whoever can see the
    /// node sees its value.
    #[inline]
    pub fn try_claim(&self) -> Option<NodeRef<'_, T>> {
        // ORDERING: Relaxed; nobody has written to the node before.
        let claim = self.is_claimed.compare_exchange(false, true, Relaxed, Relaxed);
        claim.ok().map(|_| NodeRef { node: NonNull::from(self), invariant: PhantomData })
    }

    /// The value, by exclusive access.
    ///
    /// **Progress** wait-free. **Context** any.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        let value = self.value.with_mut(|value| value);
        // SAFETY: the node is borrowed exclusively.
        unsafe { &mut *value }
    }
}

impl<T> fmt::Debug for Node<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

// === impl NodeRef ===

/// The one owner of a [`Node`]: the value is its, the node stays where it is.
///
/// Dropping it leaves the value in the node, which nobody can claim again.
#[repr(transparent)]
pub struct NodeRef<'a, T> {
    node: NonNull<Node<T>>,
    /// Invariant: a node of a shorter life must not come among others, whose links would lead to it.
    invariant: PhantomData<fn(&'a mut T) -> &'a mut T>,
}

// SAFETY: it owns its value as a box does.
unsafe impl<T: Send> Send for NodeRef<'_, T> {}
// SAFETY: it shares its value as a box does.
unsafe impl<T: Sync> Sync for NodeRef<'_, T> {}

assert_impl_all!(NodeRef<'static, core::cell::Cell<u8>>: Send, Unpin);
assert_not_impl_any!(NodeRef<'static, core::cell::Cell<u8>>: Sync, Clone);
assert_not_impl_any!(NodeRef<'static, *const u8>: Send, Sync);

impl<'a, T> NodeRef<'a, T> {
    #[inline(always)]
    fn node(&self) -> &'a Node<T> {
        // SAFETY: `try_claim` borrowed the node for `'a`.
        unsafe { self.node.as_ref() }
    }
}

// SAFETY: the node is borrowed for `'a`, so it stays where it is, and the handle is its only owner. The
// pointer is to the whole node, which starts with its link.
unsafe impl<T> Linked for NodeRef<'_, T> {
    #[inline(always)]
    fn into_link(self) -> NonNull<Link> {
        self.node.cast()
    }

    #[inline(always)]
    unsafe fn from_link(link: NonNull<Link>) -> Self {
        Self { node: link.cast(), invariant: PhantomData }
    }
}

// SAFETY: the node is borrowed, shared, for all of `'a`. It is claimed once, so all handles to it are of
// the same `'a`, in which the type is invariant.
unsafe impl<T> TypeStable for NodeRef<'_, T> {}

impl<T> Deref for NodeRef<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        let value = self.node().value.with(|value| value);
        // SAFETY: the handle is the one owner of the value, and is borrowed.
        unsafe { &*value }
    }
}

impl<T> DerefMut for NodeRef<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        let value = self.node().value.with_mut(|value| value);
        // SAFETY: the handle is the one owner of the value, and is borrowed mutably.
        unsafe { &mut *value }
    }
}

impl<T: fmt::Debug> fmt::Debug for NodeRef<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

// === On the heap ===

#[cfg(feature = "alloc")]
mod heap {
    use alloc::boxed::Box;
    use core::ptr::NonNull;

    use super::{Link, Linked, Node};

    // SAFETY: the box is the node's one owner. The pointer is to the whole node, which starts with its
    // link and stays where it is. A box that was turned back may be freed, so it is not `TypeStable`.
    unsafe impl<T> Linked for Box<Node<T>> {
        #[inline]
        fn into_link(self) -> NonNull<Link> {
            NonNull::from(Box::leak(self)).cast()
        }

        #[inline]
        unsafe fn from_link(link: NonNull<Link>) -> Self {
            // SAFETY: by the caller's word it came from `into_link`, so from a box.
            unsafe { Box::from_raw(link.cast().as_ptr()) }
        }
    }
}
