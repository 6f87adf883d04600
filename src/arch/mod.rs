//! What the CPU can do: one Rust name for each locked instruction that the crate stands on.
//!
//! The traits here are the contract; `x86_64.rs` fulfils it and is the only file of the
//! repository's library that holds inline assembly. Nothing here takes a memory ordering: a locked
//! instruction is a full barrier on x86-64, and every other ordering is the business of
//! [`crate::atomic`], which carries it to the other backends.
//!
//! | trait | operands | operations |
//! |---|---|---|
//! | [`Exchange`] | `u8` `u16` `u32` `u64` `*mut T` | `xchg`, `lock cmpxchg` |
//! | [`Word`] | `u8` `u16` `u32` `u64` | `lock xadd/add/sub/inc/dec/neg/not/and/or/xor` |
//! | [`BitWord`] | `u16` `u32` `u64` | `lock bts/btr/btc` |
//! | [`Local`], [`LocalBitWord`] | as the two above | the same without `lock`, for data of one CPU |
//! | [`lock_xadd_pointer`] | `*mut T` | `lock xadd` |
//! | [`lock_cmpxchg16b`] | two `u64` | 16-byte compare-exchange |
//! | [`movdqa_load`], [`movdqa_store`] | two `u64` | 16-byte load and store, where the build has SSE2 |
//!
//! On other architectures only [`pause`], the prefetches and the [`cpu`] queries exist; the crate
//! then runs on `core::sync::atomic` (see [`crate::atomic`]).
//!
//! # References
//!
//! Intel 64 and IA-32 Architectures Software Developer's Manual (SDM), volume 2 for each
//! instruction, volume 3A section 9.1 "Locked Atomic Operations"; AMD64 Architecture Programmer's
//! Manual volume 2, section 7.3 "Memory Coherency and Protocol".

pub mod cpu;

#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "x86_64")]
pub use self::x86_64::{lock_cmpxchg16b, lock_xadd_pointer, prefetcht0, prefetchw};
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub use self::x86_64::{movdqa_load, movdqa_store};

/// Tells the CPU that this is a spin-wait loop (`pause` on x86-64).
///
/// **Progress** wait-free, 25 to 140 cycles. **Context** any.
#[inline(always)]
pub fn pause() {
    core::hint::spin_loop();
}

/// Hints that the cache line at `address` is about to be read. Does nothing on this target.
///
/// **Progress** wait-free. **Context** any.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub fn prefetcht0<T>(address: *const T) {
    let _ = address;
}

/// Hints that the cache line at `address` is about to be written. Does nothing on this target.
///
/// **Progress** wait-free. **Context** any.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub fn prefetchw<T>(address: *const T) {
    let _ = address;
}

/// Values that one instruction can exchange with memory: integers and thin pointers.
///
/// # Safety contract of every method
///
/// `dst` is valid for reads and writes, aligned to its size, and every concurrent access to it is
/// atomic and of the same width. The access is a full barrier for compiler and CPU.
#[cfg(target_arch = "x86_64")]
pub trait Exchange: Copy + sealed::Sealed {
    /// `xchg`: stores `new`, returns the value before. The lock is implied.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn xchg(dst: *mut Self, new: Self) -> Self;

    /// `lock cmpxchg`: stores `new` if `*dst` equals `expected`.
    ///
    /// # Errors
    ///
    /// The value found, if it differs; nothing was changed then.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_cmpxchg(dst: *mut Self, expected: Self, new: Self) -> Result<Self, Self>;
}

/// Integers with locked read-modify-write instructions. Arithmetic wraps.
///
/// # Safety contract of every method
///
/// The one of [`Exchange`].
#[cfg(target_arch = "x86_64")]
pub trait Word: Exchange {
    /// `lock xadd`: adds `delta`, returns the value before.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_xadd(dst: *mut Self, delta: Self) -> Self;

    /// `lock add`: adds `delta`.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_add(dst: *mut Self, delta: Self);

    /// `lock sub`: subtracts `delta`.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_sub(dst: *mut Self, delta: Self);

    /// `lock inc`: adds one.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_inc(dst: *mut Self);

    /// `lock dec`: subtracts one.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_dec(dst: *mut Self);

    /// `lock neg`: changes the sign, in two's complement.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_neg(dst: *mut Self);

    /// `lock not`: flips every bit.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_not(dst: *mut Self);

    /// `lock add`: adds `delta`, returns whether the sum is zero (the zero flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_add_zf(dst: *mut Self, delta: Self) -> bool;

    /// `lock sub`: subtracts `delta`, returns whether the difference is zero (the zero flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_sub_zf(dst: *mut Self, delta: Self) -> bool;

    /// `lock add`: adds `delta`, returns the top bit of the sum (the sign flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_add_sf(dst: *mut Self, delta: Self) -> bool;

    /// `lock inc`: adds one, returns whether the sum is zero (the zero flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_inc_zf(dst: *mut Self) -> bool;

    /// `lock dec`: subtracts one, returns whether the difference is zero (the zero flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_dec_zf(dst: *mut Self) -> bool;

    /// `lock and`: keeps the bits that `mask` has set.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_and(dst: *mut Self, mask: Self);

    /// `lock or`: sets the bits that `mask` has set.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_or(dst: *mut Self, mask: Self);

    /// `lock xor`: flips the bits that `mask` has set.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_xor(dst: *mut Self, mask: Self);
}

/// Integers with locked bit instructions. `bit` counts from the least significant one and is
/// taken modulo the width. There is no 8-bit form in the instruction set.
///
/// # Safety contract of every method
///
/// The one of [`Exchange`].
#[cfg(target_arch = "x86_64")]
pub trait BitWord: Word {
    /// `lock bts`: sets a bit, returns whether it was set before (the carry flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_bts(dst: *mut Self, bit: u32) -> bool;

    /// `lock btr`: clears a bit, returns whether it was set before (the carry flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_btr(dst: *mut Self, bit: u32) -> bool;

    /// `lock btc`: flips a bit, returns whether it was set before (the carry flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn lock_btc(dst: *mut Self, bit: u32) -> bool;
}

/// The unlocked twins: one instruction, so an interrupt of the same CPU sees it before or after
/// and never in the middle, but another CPU may. The basis of per-CPU data (Linux `this_cpu_*`).
///
/// # Safety contract of every method
///
/// `dst` is valid for reads and writes and aligned to its size; for the duration of the call only
/// the current CPU writes `*dst`, and the caller cannot be moved to another CPU.
#[cfg(target_arch = "x86_64")]
pub trait Local: Copy + sealed::Sealed {
    /// `xadd`: adds `delta`, returns the value before.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_xadd(dst: *mut Self, delta: Self) -> Self;

    /// `add`: adds `delta`.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_add(dst: *mut Self, delta: Self);

    /// `sub`: subtracts `delta`.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_sub(dst: *mut Self, delta: Self);

    /// `inc`: adds one.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_inc(dst: *mut Self);

    /// `dec`: subtracts one.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_dec(dst: *mut Self);

    /// `neg`: changes the sign, in two's complement.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_neg(dst: *mut Self);

    /// `not`: flips every bit.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_not(dst: *mut Self);

    /// `add`: adds `delta`, returns whether the sum is zero (the zero flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_add_zf(dst: *mut Self, delta: Self) -> bool;

    /// `sub`: subtracts `delta`, returns whether the difference is zero (the zero flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_sub_zf(dst: *mut Self, delta: Self) -> bool;

    /// `add`: adds `delta`, returns the top bit of the sum (the sign flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_add_sf(dst: *mut Self, delta: Self) -> bool;

    /// `inc`: adds one, returns whether the sum is zero (the zero flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_inc_zf(dst: *mut Self) -> bool;

    /// `dec`: subtracts one, returns whether the difference is zero (the zero flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_dec_zf(dst: *mut Self) -> bool;

    /// `and`: keeps the bits that `mask` has set.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_and(dst: *mut Self, mask: Self);

    /// `or`: sets the bits that `mask` has set.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_or(dst: *mut Self, mask: Self);

    /// `xor`: flips the bits that `mask` has set.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_xor(dst: *mut Self, mask: Self);

    /// `cmpxchg` without `lock`: stores `new` if `*dst` equals `expected`.
    ///
    /// # Errors
    ///
    /// The value found, if it differs; nothing was changed then.
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_cmpxchg(dst: *mut Self, expected: Self, new: Self) -> Result<Self, Self>;
}

/// The unlocked twins of [`BitWord`].
///
/// # Safety contract of every method
///
/// The one of [`Local`].
#[cfg(target_arch = "x86_64")]
pub trait LocalBitWord: Local {
    /// `bts`: sets a bit, returns whether it was set before (the carry flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_bts(dst: *mut Self, bit: u32) -> bool;

    /// `btr`: clears a bit, returns whether it was set before (the carry flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_btr(dst: *mut Self, bit: u32) -> bool;

    /// `btc`: flips a bit, returns whether it was set before (the carry flag).
    ///
    /// # Safety
    ///
    /// As the trait states.
    unsafe fn local_btc(dst: *mut Self, bit: u32) -> bool;
}

#[cfg(target_arch = "x86_64")]
mod sealed {
    /// Keeps the instruction traits to the operands that the CPU has.
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u16 {}
    impl Sealed for u32 {}
    impl Sealed for u64 {}
    impl<T> Sealed for *mut T {}
}
