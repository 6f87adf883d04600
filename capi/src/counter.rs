//! Counters.

use latchless::counter::Counter;

use crate::{opaque, shared};

opaque! {
    /// A count of 64 bits that everybody may add to; it wraps. All bytes zero: a count of zero, no
    /// initialization needed.
    latchless_counter = Counter, 8 aligned 8, LATCHLESS_COUNTER_SIZE LATCHLESS_COUNTER_ALIGN
}

/// Sets a counter that nobody else uses yet.
///
/// **Progress** wait-free. **Context** any.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_counter_init(counter: *mut latchless_counter, value: u64) {
    // SAFETY: the caller's word.
    unsafe { counter.cast::<Counter>().write(Counter::with_value(value)) };
}

/// Adds one.
///
/// **Progress** wait-free: one `lock inc`. **Context** any.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_counter_inc(counter: *const latchless_counter) {
    // SAFETY: the caller's word.
    unsafe { shared(counter) }.inc();
}

/// Adds `n`.
///
/// **Progress** wait-free: one `lock add`. **Context** any.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_counter_add(counter: *const latchless_counter, n: u64) {
    // SAFETY: the caller's word.
    unsafe { shared(counter) }.add(n);
}

/// Subtracts `n`.
///
/// **Progress** wait-free: one `lock sub`. **Context** any.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_counter_sub(counter: *const latchless_counter, n: u64) {
    // SAFETY: the caller's word.
    unsafe { shared(counter) }.sub(n);
}

/// Returns the count.
///
/// **Progress** wait-free: one `mov`. **Context** any. Orders nothing.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_counter_get(counter: *const latchless_counter) -> u64 {
    // SAFETY: the caller's word.
    unsafe { shared(counter) }.get()
}

/// Returns the count and sets it to zero, in one step.
///
/// **Progress** wait-free: one `xchg`. **Context** any. Orders nothing.
///
/// # Safety
///
/// See the crate.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn latchless_counter_take(counter: *const latchless_counter) -> u64 {
    // SAFETY: the caller's word.
    unsafe { shared(counter) }.take()
}
