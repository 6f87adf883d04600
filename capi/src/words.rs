//! The rings of words between many and many: of a few capacities that are part of the type, all zeros and ready, and
//! of any capacity in memory of the caller's.

use core::mem::MaybeUninit;

use latchless::ring::mpmc::WordEntry;
use latchless::ring::{WordRing, WordSliceRing};

use crate::latchless_status::{self, Empty, Invalid, Ok};
use crate::{opaque, shared};

/// A ring in the caller's memory. C sees to it that this lasts.
type Ring = WordSliceRing<'static, u64>;

macro_rules! words {
    ($name:ident of $capacity:literal, $size:literal, $size_name:ident $align_name:ident,
     $init:ident $($call:ident)*) => {
        opaque! {
            #[doc = concat!(" A strictly lock-free ring of ", stringify!($capacity), " words (integers, or pointers) between any")]
            /// number of producers and consumers. All bytes zero: an empty ring, no initialization needed.
            $name = WordRing<u64, $capacity>, $size aligned 128, $size_name $align_name
        }

        /// Makes an empty ring. Memory that is all zeros holds one already.
        ///
        /// **Progress** wait-free. **Context** any; nobody else uses the ring yet.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $init(ring: *mut $name) {
            // SAFETY: the caller's word. A new ring is all zeros, as its documentation says.
            unsafe { ring.write_bytes(0, 1) };
        }

        calls! { $name $($call)* }
    };
}

macro_rules! calls {
    ($name:ident $push:ident $push_many:ident $force_push:ident $pop:ident $pop_many:ident
     $close:ident $is_drained:ident $len:ident) => {
        /// Appends `value`. What happened before happens before what follows the pop of it.
        ///
        /// Returns `FULL` if at some moment during the call there was no room, `CLOSED` once the ring is
        /// closed.
        ///
        /// **Progress** lock-free: one `lock cmpxchg16b`. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $push(ring: *const $name, value: u64) -> latchless_status {
            // SAFETY: the caller's word.
            latchless_status::of_push(unsafe { shared(ring) }.push(value))
        }

        /// Appends the first few of `values`, as many as there is room for. Returns how many. Words of others
        /// may come to lie between them.
        ///
        /// **Progress** lock-free for each. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate; `values` is valid for `count` words.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $push_many(
            ring: *const $name,
            values: *const u64,
            count: usize,
        ) -> usize {
            // SAFETY: the caller's word.
            let values = unsafe { core::slice::from_raw_parts(values, count) };
            // SAFETY: the caller's word.
            unsafe { shared(ring) }.push_slice(values)
        }

        /// Appends `value`; if there is no room, in exchange for the oldest word, which goes to `evicted`, and
        /// `*has_evicted` says whether there was one.
        ///
        /// Returns `CLOSED` once the ring is closed.
        ///
        /// **Progress** lock-free: one `lock cmpxchg16b`. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $force_push(
            ring: *const $name,
            value: u64,
            evicted: *mut u64,
            has_evicted: *mut bool,
        ) -> latchless_status {
            // SAFETY: the caller's word.
            let result = unsafe { shared(ring) }.force_push(value);
            let oldest = result.as_ref().ok().copied().flatten();
            // SAFETY: the caller's word.
            unsafe { has_evicted.write(oldest.is_some()) };
            if let Some(oldest) = oldest {
                // SAFETY: the caller's word.
                unsafe { evicted.write(oldest) };
            }
            if result.is_ok() { Ok } else { latchless_status::Closed }
        }

        /// Takes the oldest word out, to `value`.
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
        pub unsafe extern "C" fn $pop(ring: *const $name, value: *mut u64) -> latchless_status {
            // SAFETY: the caller's word.
            let ring = unsafe { shared(ring) };
            let Some(popped) = ring.pop() else { return Empty };
            // SAFETY: the caller's word.
            unsafe { value.write(popped) };
            Ok
        }

        /// Takes up to `count` words out, to `values`. Returns how many. Others may have taken some from between
        /// them.
        ///
        /// **Progress** lock-free for each. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate; `values` is valid for `count` words.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $pop_many(
            ring: *const $name,
            values: *mut u64,
            count: usize,
        ) -> usize {
            // SAFETY: the caller's word.
            let ring = unsafe { shared(ring) };
            let mut popped = 0;
            while popped < count {
                let Some(value) = ring.pop() else { break };
                // SAFETY: below `count`.
                let place = unsafe { values.add(popped) };
                // SAFETY: the caller's word.
                unsafe { place.write(value) };
                popped += 1;
            }
            popped
        }

        /// Refuses all pushes from now on. Returns whether the ring was open until now.
        ///
        /// **Progress** lock-free. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $close(ring: *const $name) -> bool {
            // SAFETY: the caller's word.
            unsafe { shared(ring) }.close()
        }

        /// Whether the ring is closed and every word was taken: there will never be one again.
        ///
        /// **Progress** lock-free. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $is_drained(ring: *const $name) -> bool {
            // SAFETY: the caller's word.
            unsafe { shared(ring) }.is_drained()
        }

        /// Estimates how many words are in the ring: exact while no call is under way.
        ///
        /// **Progress** lock-free. **Context** any.
        ///
        /// # Safety
        ///
        /// See the crate.
        #[unsafe(no_mangle)]
        #[must_use]
        pub unsafe extern "C" fn $len(ring: *const $name) -> usize {
            // SAFETY: the caller's word.
            unsafe { shared(ring) }.len()
        }
    };
}

opaque! {
    /// A strictly lock-free ring of words (integers, or pointers) between any number of producers and consumers, in
    /// memory of the caller's.
    latchless_words = Ring, 384 aligned 128, LATCHLESS_WORDS_SIZE LATCHLESS_WORDS_ALIGN
}
opaque! {
    /// Room for one word of a `struct latchless_words`.
    latchless_words_place = WordEntry, 16 aligned 16, LATCHLESS_WORDS_PLACE_SIZE LATCHLESS_WORDS_PLACE_ALIGN
}

/// Makes an empty ring with its words in `memory`: `capacity` of them, a power of two, at most 2^31. For speed let
/// it start on a cache line.
///
/// Returns `INVALID` if `capacity` is none of these.
///
/// **Progress** wait-free, O(capacity). **Context** any; nobody else uses the ring yet.
///
/// # Safety
///
/// See the crate; `memory` lasts as long as the ring, and nobody else uses it.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_words_init(
    ring: *mut latchless_words,
    memory: *mut latchless_words_place,
    capacity: usize,
) -> latchless_status {
    let memory = memory.cast::<MaybeUninit<WordEntry>>();
    // SAFETY: the caller's word; what is there needs not be initialized.
    let memory = unsafe { core::slice::from_raw_parts_mut(memory, capacity) };
    let Result::Ok(made) = Ring::in_slice(memory) else { return Invalid };
    // SAFETY: the caller's word.
    unsafe { ring.cast::<Ring>().write(made) };
    Ok
}

calls! {
    latchless_words latchless_words_push latchless_words_push_many latchless_words_force_push
    latchless_words_pop latchless_words_pop_many latchless_words_close latchless_words_is_drained
    latchless_words_len
}

words! {
    latchless_words_256 of 256, 4352, LATCHLESS_WORDS_256_SIZE LATCHLESS_WORDS_256_ALIGN,
    latchless_words_256_init latchless_words_256_push latchless_words_256_push_many
    latchless_words_256_force_push latchless_words_256_pop latchless_words_256_pop_many
    latchless_words_256_close latchless_words_256_is_drained latchless_words_256_len
}
words! {
    latchless_words_4096 of 4096, 65792, LATCHLESS_WORDS_4096_SIZE LATCHLESS_WORDS_4096_ALIGN,
    latchless_words_4096_init latchless_words_4096_push latchless_words_4096_push_many
    latchless_words_4096_force_push latchless_words_4096_pop latchless_words_4096_pop_many
    latchless_words_4096_close latchless_words_4096_is_drained latchless_words_4096_len
}
