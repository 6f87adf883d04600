//! Pools of blocks in memory of the caller's: an index stack, and where the blocks are.

use core::ptr;

use latchless::stack::IndexStack;

use crate::latchless_status::{self, Invalid, Ok};
use crate::stack::make;
use crate::{opaque, shared};

/// The blocks of a pool, and which of them are free. `N` is how many there may be.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Blocks<const N: usize> {
    free: IndexStack<N>,
    memory: *mut u8,
    block_bytes: usize,
    count: usize,
}

impl<const N: usize> Blocks<N> {
    /// # Safety
    ///
    /// - `place` is valid for writing, and used by nobody else.
    /// - `memory` is valid for `count` blocks as long as the pool is used.
    #[inline(always)]
    unsafe fn make(
        place: *mut Self,
        memory: *mut u8,
        block_bytes: usize,
        count: usize,
    ) -> latchless_status {
        if block_bytes == 0 || count == 0 || count > N || block_bytes.checked_mul(count).is_none() {
            return Invalid;
        }
        // SAFETY: the caller's word.
        let free = unsafe { &raw mut (*place).free };
        // SAFETY: the caller's word.
        if unsafe { make(free, count) } != Ok {
            return Invalid;
        }
        // SAFETY: the caller's word.
        unsafe { (*place).memory = memory };
        // SAFETY: the caller's word.
        unsafe { (*place).block_bytes = block_bytes };
        // SAFETY: the caller's word.
        unsafe { (*place).count = count };
        Ok
    }

    #[inline(always)]
    fn alloc(&self) -> *mut u8 {
        match self.free.pop() {
            // SAFETY: the index is below `count`, as all that were ever pushed; the memory has a block there.
            Some(index) => unsafe { self.memory.add(index as usize * self.block_bytes) },
            None => ptr::null_mut(),
        }
    }

    #[inline(always)]
    fn free(&self, block: *const u8) -> latchless_status {
        let offset = block.addr().wrapping_sub(self.memory.addr());
        let index = offset / self.block_bytes.max(1);
        if index >= self.count || index * self.block_bytes != offset {
            return Invalid;
        }
        if self.free.push(index as u32).is_ok() { Ok } else { Invalid }
    }
}

macro_rules! pool {
    ($name:ident of $capacity:literal, $size:literal, $size_name:ident $align_name:ident,
     $init:ident $alloc:ident $alloc_many:ident $free:ident $free_many:ident) => {
        opaque! {
            #[doc = concat!(" A lock-free pool of up to ", stringify!($capacity), " blocks of one size, in memory of the caller's.")]
            $name = Blocks<$capacity>, $size aligned 128, $size_name $align_name
        }

        /// Makes a pool of `count` blocks of `block_bytes` bytes each in `memory`, all free. The blocks are as
        /// aligned as `memory` is and their size allows.
        ///
        /// Returns `INVALID` if there are no or too many blocks, or of no bytes.
        ///
        /// **Progress** wait-free. **Context** any; nobody else uses the pool yet.
        ///
        /// # Safety
        ///
        /// See the crate; `memory` is valid for `count * block_bytes` bytes as long as the pool is used.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $init(
            pool: *mut $name,
            memory: *mut u8,
            block_bytes: usize,
            count: usize,
        ) -> latchless_status {
            // SAFETY: the caller's word.
            unsafe { Blocks::make(pool.cast::<Blocks<$capacity>>(), memory, block_bytes, count) }
        }

        /// Takes a free block, the one that was freed last; null if there is none.
        ///
        /// **Progress** lock-free: one `lock cmpxchg`. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $alloc(pool: *const $name) -> *mut u8 {
            // SAFETY: the caller's word.
            unsafe { shared(pool) }.alloc()
        }

        /// Takes up to `count` free blocks, to `blocks`. Returns how many.
        ///
        /// **Progress** lock-free for each. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate; `blocks` is valid for `count` of them.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $alloc_many(
            pool: *const $name,
            blocks: *mut *mut u8,
            count: usize,
        ) -> usize {
            // SAFETY: the caller's word.
            let pool = unsafe { shared(pool) };
            let mut taken = 0;
            while taken < count {
                let block = pool.alloc();
                if block.is_null() {
                    break;
                }
                // SAFETY: below `count`.
                let place = unsafe { blocks.add(taken) };
                // SAFETY: the caller's word.
                unsafe { place.write(block) };
                taken += 1;
            }
            taken
        }

        /// Gives a block back, once.
        ///
        /// Returns `INVALID` if it is not the start of a block of this pool.
        ///
        /// **Progress** lock-free: one `lock cmpxchg`. **Context** any, also another than that which took it.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $free(pool: *const $name, block: *const u8) -> latchless_status {
            // SAFETY: the caller's word.
            unsafe { shared(pool) }.free(block)
        }

        /// Gives blocks back, the last of them to be taken first. Returns how many: fewer if one is none of this
        /// pool's.
        ///
        /// **Progress** lock-free for each. **Context** any, also another than that which took them.
        ///
        /// # Safety
        ///
        /// See the crate; `blocks` is valid for `count` of them.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $free_many(
            pool: *const $name,
            blocks: *const *mut u8,
            count: usize,
        ) -> usize {
            // SAFETY: the caller's word.
            let pool = unsafe { shared(pool) };
            // SAFETY: the caller's word.
            let blocks = unsafe { core::slice::from_raw_parts(blocks, count) };
            blocks.iter().take_while(|&&block| pool.free(block) == Ok).count()
        }
    };
}

pool! {
    latchless_pool_256 of 256, 1280, LATCHLESS_POOL_256_SIZE LATCHLESS_POOL_256_ALIGN,
    latchless_pool_256_init latchless_pool_256_alloc latchless_pool_256_alloc_many
    latchless_pool_256_free latchless_pool_256_free_many
}
pool! {
    latchless_pool_4096 of 4096, 16640, LATCHLESS_POOL_4096_SIZE LATCHLESS_POOL_4096_ALIGN,
    latchless_pool_4096_init latchless_pool_4096_alloc latchless_pool_4096_alloc_many
    latchless_pool_4096_free latchless_pool_4096_free_many
}
