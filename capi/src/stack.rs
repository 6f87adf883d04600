//! Stacks of indices, for a few capacities: a capacity is part of the type.

use latchless::stack::IndexStack;

use crate::latchless_status::{self, Empty, Invalid, Ok};
use crate::{opaque, shared};

/// Makes a stack in place, with the indices below `count`, 0 on top.
///
/// # Safety
///
/// `place` is valid for writing, and used by nobody else.
#[inline(always)]
pub(crate) unsafe fn make<const N: usize>(
    place: *mut IndexStack<N>,
    count: usize,
) -> latchless_status {
    if count > N {
        return Invalid;
    }
    // SAFETY: the caller's word.
    unsafe { place.write(const { IndexStack::new() }) };
    // SAFETY: as above.
    let stack = unsafe { &*place };
    for index in (0..count as u32).rev() {
        let pushed = stack.push(index);
        debug_assert!(pushed.is_ok(), "below `N`");
    }
    Ok
}

macro_rules! stack {
    ($name:ident of $capacity:literal, $size:literal, $size_name:ident $align_name:ident,
     $init:ident $push:ident $push_many:ident $pop:ident $pop_many:ident $is_empty:ident) => {
        opaque! {
            #[doc = concat!(" A lock-free stack of indices below ", stringify!($capacity), ": the free list of memory that you manage")]
            /// yourself.
            $name = IndexStack<$capacity>, $size aligned 128, $size_name $align_name
        }

        /// Makes a stack of all indices below `count`, 0 on top; of none if `count` is 0.
        ///
        /// Returns `INVALID` if the stack has no room for them.
        ///
        /// **Progress** wait-free. **Context** any; nobody else uses the stack yet.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $init(stack: *mut $name, count: usize) -> latchless_status {
            // SAFETY: the caller's word.
            unsafe { make(stack.cast::<IndexStack<$capacity>>(), count) }
        }

        /// Puts `index` on top, which must not be in the stack: nothing outside of the stack breaks if it is, but
        /// indices may be lost or come out twice.
        ///
        /// Returns `INVALID` if `index` is not below the capacity.
        ///
        /// **Progress** lock-free: one `lock cmpxchg`. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $push(stack: *const $name, index: u32) -> latchless_status {
            // SAFETY: the caller's word.
            let stack = unsafe { shared(stack) };
            if stack.push(index).is_ok() { Ok } else { Invalid }
        }

        /// Puts `indices` on top, the last of them topmost. Returns how many: fewer if one is not below
        /// the capacity.
        ///
        /// **Progress** lock-free for each. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate; `indices` is valid for `count` of them.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $push_many(
            stack: *const $name,
            indices: *const u32,
            count: usize,
        ) -> usize {
            // SAFETY: the caller's word.
            let stack = unsafe { shared(stack) };
            // SAFETY: the caller's word.
            let indices = unsafe { core::slice::from_raw_parts(indices, count) };
            indices.iter().take_while(|&&index| stack.push(index).is_ok()).count()
        }

        /// Takes the index on top, to `index`.
        ///
        /// Returns `EMPTY` if at some moment during the call there was none.
        ///
        /// **Progress** lock-free: one `lock cmpxchg`. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $pop(stack: *const $name, index: *mut u32) -> latchless_status {
            // SAFETY: the caller's word.
            let stack = unsafe { shared(stack) };
            let Some(popped) = stack.pop() else { return Empty };
            // SAFETY: the caller's word.
            unsafe { index.write(popped) };
            Ok
        }

        /// Takes up to `count` indices, to `indices`. Returns how many.
        ///
        /// **Progress** lock-free for each. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate; `indices` is valid for `count` of them.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $pop_many(
            stack: *const $name,
            indices: *mut u32,
            count: usize,
        ) -> usize {
            // SAFETY: the caller's word.
            let stack = unsafe { shared(stack) };
            let mut popped = 0;
            while popped < count {
                let Some(index) = stack.pop() else { break };
                // SAFETY: below `count`.
                let place = unsafe { indices.add(popped) };
                // SAFETY: the caller's word.
                unsafe { place.write(index) };
                popped += 1;
            }
            popped
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
        pub unsafe extern "C" fn $is_empty(stack: *const $name) -> bool {
            // SAFETY: the caller's word.
            unsafe { shared(stack) }.is_empty()
        }
    };
}

stack! {
    latchless_stack_256 of 256, 1152, LATCHLESS_STACK_256_SIZE LATCHLESS_STACK_256_ALIGN,
    latchless_stack_256_init latchless_stack_256_push latchless_stack_256_push_many
    latchless_stack_256_pop latchless_stack_256_pop_many latchless_stack_256_is_empty
}
stack! {
    latchless_stack_4096 of 4096, 16512, LATCHLESS_STACK_4096_SIZE LATCHLESS_STACK_4096_ALIGN,
    latchless_stack_4096_init latchless_stack_4096_push latchless_stack_4096_push_many
    latchless_stack_4096_pop latchless_stack_4096_pop_many latchless_stack_4096_is_empty
}
