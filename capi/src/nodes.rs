//! Stacks of the caller's nodes: a node is whatever has a link in it.
//!
//! Two stacks, each with links and chains of its own, so that the C compiler keeps the nodes of one out of the other: a
//! node of a Treiber stack has to stay a node, and must never lead to one that need not.

use core::mem;
use core::ptr::{self, NonNull};

use latchless::stack::{Chain, Link, Linked, TransferStack, TreiberStack, TypeStable};

use crate::{exclusive, opaque, shared};

macro_rules! nodes {
    ($node:ident,
     $(#[$link_doc:meta])* $link:ident $link_size:ident $link_align:ident,
     $chain:ident $chain_size:ident $chain_align:ident $chain_init:ident $push_front:ident $push_back:ident
     $chain_pop:ident $reverse:ident $chain_is_empty:ident,
     $(#[$stack_doc:meta])* $stack:ident = $inner:ident, $size_name:ident $align_name:ident
     $init:ident $is_empty:ident) => {
        /// A node, owned by whoever has this.
        #[derive(Debug)]
        #[repr(transparent)]
        pub(crate) struct $node(NonNull<Link>);

        // SAFETY: C hands in a link that stays where it is while the node is in a stack or a chain, and nowhere else.
        unsafe impl Linked for $node {
            #[inline(always)]
            fn into_link(self) -> NonNull<Link> {
                self.0
            }

            #[inline(always)]
            unsafe fn from_link(link: NonNull<Link>) -> Self {
                Self(link)
            }
        }

        opaque! {
            $(#[$link_doc])*
            $link = Link, 8 aligned 8, $link_size $link_align
        }
        opaque! {
            #[doc = concat!(" Nodes in a row, of one owner: what goes into a `struct ", stringify!($stack), "` or comes out of it")]
            /// in one step. All bytes zero: no nodes. Move it; never copy it.
            $chain = Chain<$node>, 16 aligned 8, $chain_size $chain_align
        }

        /// Makes a chain without nodes. Memory that is all zeros holds one already.
        ///
        /// **Progress** wait-free. **Context** any; the chain is the caller's.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $chain_init(chain: *mut $chain) {
            // SAFETY: the caller's word.
            unsafe { chain.cast::<Chain<$node>>().write(Chain::new()) };
        }

        /// Puts a node before the others.
        ///
        /// **Progress** wait-free. **Context** any; the chain is the caller's.
        ///
        /// # Safety
        ///
        /// See the crate; the node is the caller's.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $push_front(chain: *mut $chain, node: *mut $link) {
            // SAFETY: the caller's word.
            let node = $node(unsafe { NonNull::new_unchecked(node.cast()) });
            // SAFETY: the caller's word.
            unsafe { exclusive(chain) }.push_front(node);
        }

        /// Puts a node behind the others. Of a chain that came out of a stack whole the first call walks all of it.
        ///
        /// **Progress** wait-free. **Context** any; the chain is the caller's.
        ///
        /// # Safety
        ///
        /// See the crate; the node is the caller's.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $push_back(chain: *mut $chain, node: *mut $link) {
            // SAFETY: the caller's word.
            let node = $node(unsafe { NonNull::new_unchecked(node.cast()) });
            // SAFETY: the caller's word.
            unsafe { exclusive(chain) }.push_back(node);
        }

        /// Takes the first node out; null if there is none.
        ///
        /// **Progress** wait-free. **Context** any; the chain is the caller's.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $chain_pop(chain: *mut $chain) -> *mut $link {
            // SAFETY: the caller's word.
            let node = unsafe { exclusive(chain) }.next();
            node.map_or(ptr::null_mut(), |$node(link)| link.as_ptr().cast())
        }

        /// Turns the chain around: what a stack gave newest first becomes oldest first.
        ///
        /// **Progress** wait-free, O(nodes). **Context** any; the chain is the caller's.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $reverse(chain: *mut $chain) {
            // SAFETY: the caller's word.
            let chain = unsafe { exclusive(chain) };
            *chain = mem::take(chain).reversed();
        }

        /// Returns whether there are no nodes.
        ///
        /// **Progress** wait-free. **Context** any; the chain is the caller's.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $chain_is_empty(chain: *const $chain) -> bool {
            // SAFETY: the caller's word.
            unsafe { shared(chain) }.is_empty()
        }

        opaque! {
            $(#[$stack_doc])*
            $stack = $inner<$node>, 128 aligned 128, $size_name $align_name
        }

        /// Makes an empty stack. Memory that is all zeros holds one already.
        ///
        /// **Progress** wait-free. **Context** any; nobody else uses the stack yet.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $init(stack: *mut $stack) {
            // SAFETY: the caller's word. A new stack is all zeros: `capi/tests/structures.c` uses one that is.
            unsafe { stack.write_bytes(0, 1) };
        }

        /// Returns whether the stack was empty at some moment during the call.
        ///
        /// **Progress** wait-free. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $is_empty(stack: *const $stack) -> bool {
            // SAFETY: the caller's word.
            unsafe { shared(stack) }.is_empty()
        }
    };
}

nodes! {
    TransferNode,
    /// What makes a node of a structure: a member of it. Needs no initialization. A node that was taken out is the
    /// caller's, who may free it.
    latchless_transfer_link LATCHLESS_TRANSFER_LINK_SIZE LATCHLESS_TRANSFER_LINK_ALIGN,
    latchless_transfer_chain LATCHLESS_TRANSFER_CHAIN_SIZE LATCHLESS_TRANSFER_CHAIN_ALIGN
    latchless_transfer_chain_init latchless_transfer_chain_push_front latchless_transfer_chain_push_back
    latchless_transfer_chain_pop latchless_transfer_chain_reverse latchless_transfer_chain_is_empty,
    /// A stack of the caller's nodes that anybody pushes on and that is taken whole, as Linux's `llist`: deferred work,
    /// messages. All bytes zero: an empty stack, no initialization needed.
    latchless_transfer = TransferStack, LATCHLESS_TRANSFER_SIZE LATCHLESS_TRANSFER_ALIGN
    latchless_transfer_init latchless_transfer_is_empty
}

/// Puts a node on top. Returns whether the stack was empty: who takes from it may have to be woken. What happened
/// before happens before what follows the taking of the node.
///
/// **Progress** lock-free: one `lock cmpxchg`. **Context** any.
///
/// # Safety
///
/// See the crate; the node is the caller's, and stays where it is until it was taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_transfer_push(
    stack: *const latchless_transfer,
    node: *mut latchless_transfer_link,
) -> bool {
    // SAFETY: the caller's word.
    let node = TransferNode(unsafe { NonNull::new_unchecked(node.cast()) });
    // SAFETY: the caller's word.
    unsafe { shared(stack) }.push(node)
}

/// Puts the nodes of a chain on top, the first of them uppermost, in one step, and leaves the chain empty. Returns
/// whether the stack was empty and is no longer.
///
/// **Progress** lock-free: one `lock cmpxchg`. **Context** any; the chain is the caller's.
///
/// # Safety
///
/// See the crate; the nodes stay where they are until they were taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_transfer_push_chain(
    stack: *const latchless_transfer,
    chain: *mut latchless_transfer_chain,
) -> bool {
    // SAFETY: the caller's word.
    let nodes = mem::take(unsafe { exclusive(chain) });
    // SAFETY: the caller's word.
    unsafe { shared(stack) }.push_chain(nodes)
}

/// Takes all nodes, to `chain`, the newest first. What was in the chain is forgotten.
///
/// **Progress** wait-free: one `xchg`. **Context** any.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_transfer_take_all(
    stack: *const latchless_transfer,
    chain: *mut latchless_transfer_chain,
) {
    // SAFETY: the caller's word.
    let nodes = unsafe { shared(stack) }.take_all();
    // SAFETY: the caller's word.
    unsafe { chain.cast::<Chain<TransferNode>>().write(nodes) };
}

// SAFETY: C keeps the nodes of a Treiber stack nodes for as long as any such stack is used, as the type of their
// links asks, and has no other type for them.
unsafe impl TypeStable for TreiberNode {}

nodes! {
    TreiberNode,
    /// What makes a node of a structure: a member of it. Needs no initialization. Once it was in a stack it stays one:
    /// its memory may be read, and nothing but these functions writes to it, as long as any such stack is used.
    latchless_treiber_link LATCHLESS_TREIBER_LINK_SIZE LATCHLESS_TREIBER_LINK_ALIGN,
    latchless_treiber_chain LATCHLESS_TREIBER_CHAIN_SIZE LATCHLESS_TREIBER_CHAIN_ALIGN
    latchless_treiber_chain_init latchless_treiber_chain_push_front latchless_treiber_chain_push_back
    latchless_treiber_chain_pop latchless_treiber_chain_reverse latchless_treiber_chain_is_empty,
    /// A lock-free stack of the caller's nodes, which come out one by one, in batches, or all at once: free lists. All
    /// bytes zero: an empty stack, no initialization needed.
    latchless_treiber = TreiberStack, LATCHLESS_TREIBER_SIZE LATCHLESS_TREIBER_ALIGN
    latchless_treiber_init latchless_treiber_is_empty
}

/// Puts a node on top. What happened before happens before what follows the pop of it.
///
/// **Progress** lock-free: one `lock cmpxchg`. **Context** any.
///
/// # Safety
///
/// See the crate; the node is the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_treiber_push(
    stack: *const latchless_treiber,
    node: *mut latchless_treiber_link,
) {
    // SAFETY: the caller's word.
    let node = TreiberNode(unsafe { NonNull::new_unchecked(node.cast()) });
    // SAFETY: the caller's word.
    unsafe { shared(stack) }.push(node);
}

/// Puts the nodes of a chain on top, the first of them uppermost, in one step, and leaves the chain empty.
///
/// **Progress** lock-free: one `lock cmpxchg`. **Context** any; the chain is the caller's.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_treiber_push_chain(
    stack: *const latchless_treiber,
    chain: *mut latchless_treiber_chain,
) {
    // SAFETY: the caller's word.
    let nodes = mem::take(unsafe { exclusive(chain) });
    // SAFETY: the caller's word.
    unsafe { shared(stack) }.push_chain(nodes);
}

/// Takes the node on top; null if at some moment during the call there was none.
///
/// **Progress** lock-free: one `lock cmpxchg16b`. **Context** any.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_treiber_pop(
    stack: *const latchless_treiber,
) -> *mut latchless_treiber_link {
    // SAFETY: the caller's word.
    let node = unsafe { shared(stack) }.pop();
    node.map_or(ptr::null_mut(), |TreiberNode(link)| link.as_ptr().cast())
}

/// Takes up to `count` nodes from the top, in one step, to `chain`. What was in the chain is forgotten.
///
/// **Progress** lock-free: one `lock cmpxchg16b`, O(count). **Context** any.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_treiber_pop_many(
    stack: *const latchless_treiber,
    count: usize,
    chain: *mut latchless_treiber_chain,
) {
    // SAFETY: the caller's word.
    let nodes = unsafe { shared(stack) }.pop_many(count);
    // SAFETY: the caller's word.
    unsafe { chain.cast::<Chain<TreiberNode>>().write(nodes) };
}

/// Takes all nodes, in one step, to `chain`, the uppermost first. What was in the chain is forgotten.
///
/// **Progress** lock-free. **Context** any.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_treiber_pop_all(
    stack: *const latchless_treiber,
    chain: *mut latchless_treiber_chain,
) {
    // SAFETY: the caller's word.
    let nodes = unsafe { shared(stack) }.pop_all();
    // SAFETY: the caller's word.
    unsafe { chain.cast::<Chain<TreiberNode>>().write(nodes) };
}
