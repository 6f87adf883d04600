//! Nodes in a row, of one owner.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::linked::{Link, Linked};

/// Nodes linked to each other, with one owner: what goes into a stack, or comes out of it, in one step.
///
/// An iterator over the nodes, from the top. Dropping it drops the handles that are left.
///
/// # Examples
///
/// ```
/// use latchless::stack::{Chain, Node, NodeRef, TransferStack};
///
/// static NODES: [Node<u8>; 3] = [const { Node::new(0) }; 3];
/// static STACK: TransferStack<NodeRef<'static, u8>> = TransferStack::new();
///
/// let mut chain = Chain::new();
/// for (value, mut node) in NODES.iter().filter_map(Node::try_claim).enumerate() {
///     *node = value as u8;
///     chain.push_back(node);
/// }
/// STACK.push_chain(chain); // one step for all three
/// assert!(STACK.take_all().map(|node| *node).eq([0, 1, 2]));
/// ```
pub struct Chain<H: Linked> {
    /// The link of the first node; null: there is none.
    first: *mut Link,
    /// The link of the last node; null: there is none, or nobody has looked.
    last: *mut Link,
    owns: PhantomData<H>,
}

// SAFETY: it owns its handles, as a vector does.
unsafe impl<H: Linked + Send> Send for Chain<H> {}

assert_impl_all!(Chain<super::NodeRef<'static, u8>>: Send, Unpin);
assert_not_impl_any!(Chain<super::NodeRef<'static, *const u8>>: Send, Sync);

impl<H: Linked> Chain<H> {
    /// Creates a chain without nodes.
    #[inline]
    pub const fn new() -> Self {
        Self { first: ptr::null_mut(), last: ptr::null_mut(), owns: PhantomData }
    }

    /// A chain that starts with this link, if it is not null; `last` may be null for unknown.
    ///
    /// # Safety
    ///
    /// - The caller owns each node from `first` to the one that leads to null, and gives them away.
    /// - `last`, unless null, is the link of the last one.
    #[inline(always)]
    pub(super) unsafe fn from_links(first: *mut Link, last: *mut Link) -> Self {
        Self { first, last, owns: PhantomData }
    }

    /// Gives away the nodes: the links of the first and of the last one. `None` without nodes.
    #[inline]
    pub(super) fn into_links(mut self) -> Option<(NonNull<Link>, NonNull<Link>)> {
        let last = self.find_last()?;
        let first = NonNull::new(self.first)?;
        self.first = ptr::null_mut();
        Some((first, last))
    }

    /// Puts a node before the others.
    ///
    /// **Progress** wait-free; the caller is the one owner. **Context** any. **Complexity** O(1).
    #[inline]
    pub fn push_front(&mut self, handle: H) {
        self.push_link(handle.into_link());
    }

    /// Puts a node behind the others.
    ///
    /// **Progress** wait-free; the caller is the one owner. **Context** any. **Complexity** O(1); of a chain that
    /// came out whole from a stack the first call looks for the last node, which takes O(nodes).
    #[inline]
    pub fn push_back(&mut self, handle: H) {
        let Some(last) = self.find_last() else {
            self.push_front(handle);
            return;
        };
        let added = handle.into_link();
        // SAFETY: the chain owns the node, which is the handle's that was given to it.
        unsafe { added.as_ref() }.set_below(ptr::null_mut());
        // SAFETY: the chain owns the node.
        unsafe { last.as_ref() }.set_below(added.as_ptr());
        self.last = added.as_ptr();
    }

    /// Turns the chain around: what a stack gave newest first becomes oldest first.
    ///
    /// **Progress** wait-free; the caller is the one owner. **Context** any. **Complexity** O(nodes).
    #[must_use]
    #[inline]
    pub fn reversed(mut self) -> Self {
        let mut reversed = Self::new();
        while let Some(link) = self.pop_link() {
            reversed.push_link(link);
        }
        reversed
    }

    /// Returns whether there are no nodes.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    #[inline(always)]
    fn push_link(&mut self, added: NonNull<Link>) {
        if self.first.is_null() {
            self.last = added.as_ptr();
        }
        // SAFETY: the chain owns the node, which was given to it.
        unsafe { added.as_ref() }.set_below(self.first);
        self.first = added.as_ptr();
    }

    #[inline(always)]
    fn pop_link(&mut self) -> Option<NonNull<Link>> {
        let first = NonNull::new(self.first)?;
        // SAFETY: the chain owns the node.
        self.first = unsafe { first.as_ref() }.below();
        Some(first)
    }

    fn find_last(&mut self) -> Option<NonNull<Link>> {
        let mut last = NonNull::new(self.first)?;
        if let Some(known) = NonNull::new(self.last) {
            return Some(known);
        }
        // SAFETY: the chain owns the node.
        while let Some(next) = NonNull::new(unsafe { last.as_ref() }.below()) {
            last = next;
        }
        self.last = last.as_ptr();
        Some(last)
    }
}

impl<H: Linked> Iterator for Chain<H> {
    type Item = H;

    #[inline]
    fn next(&mut self) -> Option<H> {
        let link = self.pop_link()?;
        // SAFETY: the link is of a handle of this type, and no longer in the chain.
        Some(unsafe { H::from_link(link) })
    }
}

impl<H: Linked> core::iter::FusedIterator for Chain<H> {}

impl<H: Linked> Extend<H> for Chain<H> {
    /// Puts the nodes behind the others.
    fn extend<I: IntoIterator<Item = H>>(&mut self, handles: I) {
        handles.into_iter().for_each(|handle| self.push_back(handle));
    }
}

impl<H: Linked> FromIterator<H> for Chain<H> {
    fn from_iter<I: IntoIterator<Item = H>>(handles: I) -> Self {
        let mut chain = Self::new();
        chain.extend(handles);
        chain
    }
}

impl<H: Linked> Default for Chain<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Linked> Drop for Chain<H> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

impl<H: Linked> fmt::Debug for Chain<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}
