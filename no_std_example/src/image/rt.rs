//! What the compiler and the stock `core` take from a C library on a hosted system.
//!
//! String instructions rather than loops: a loop that copies bytes is compiled to a call of
//! `memcpy`, which is what is being defined here.

use core::arch::asm;

const WORD_BYTES: usize = 8;

/// The stock `core` is built to unwind, and its (discarded) tables name this.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// # Safety
///
/// As in C: `to` and `from` are valid for `bytes` and do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
    // ASM: SDM "REP MOVS". Words, then the rest; the direction flag is clear as the ABI has it.
    // SAFETY: both instructions together copy exactly `bytes` bytes between valid places.
    unsafe {
        asm!(
            "rep movsq",
            "mov rcx, {rest}",
            "rep movsb",
            rest = in(reg) bytes % WORD_BYTES,
            inout("rcx") bytes / WORD_BYTES => _,
            inout("rdi") to => _,
            inout("rsi") from => _,
            options(nostack, preserves_flags),
        );
    }
    to
}

/// # Safety
///
/// As in C: `to` and `from` are valid for `bytes`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
    let copies_forward = to.addr().wrapping_sub(from.addr()) >= bytes;
    if copies_forward {
        // SAFETY: the caller's, and a forward copy never reads what it has written.
        return unsafe { memcpy(to, from, bytes) };
    }
    // ASM: SDM "STD", "REP MOVS". Backwards from the last byte; the flag is cleared again.
    // SAFETY: the places are valid, and a backward copy never reads what it has written.
    unsafe {
        asm!(
            "std",
            "rep movsb",
            "cld",
            inout("rcx") bytes => _,
            inout("rdi") to.wrapping_add(bytes).wrapping_sub(1) => _,
            inout("rsi") from.wrapping_add(bytes).wrapping_sub(1) => _,
            options(nostack),
        );
    }
    to
}

/// # Safety
///
/// As in C: `to` is valid for `bytes`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, bytes: usize) -> *mut u8 {
    // ASM: SDM "REP STOS". Words, then the rest.
    // SAFETY: both instructions together fill exactly `bytes` bytes of a valid place.
    unsafe {
        asm!(
            "rep stosq",
            "mov rcx, {rest}",
            "rep stosb",
            rest = in(reg) bytes % WORD_BYTES,
            inout("rcx") bytes / WORD_BYTES => _,
            inout("rdi") to => _,
            // Not by an array of bytes, which would be filled by `memset`.
            in("rax") u64::from(byte as u8) * 0x0101_0101_0101_0101,
            options(nostack, preserves_flags),
        );
    }
    to
}

/// # Safety
///
/// As in C: `a` and `b` are valid for `bytes`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, bytes: usize) -> i32 {
    for index in 0..bytes {
        // Volatile, so that the loop is not recognized as what it implements.
        // SAFETY: the index is below `bytes`, for which `a` is valid.
        let a = unsafe { a.wrapping_add(index).read_volatile() };
        // SAFETY: as above, for `b`.
        let b = unsafe { b.wrapping_add(index).read_volatile() };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

/// # Safety
///
/// As in C: `a` and `b` are valid for `bytes`.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, bytes: usize) -> i32 {
    // SAFETY: the caller's.
    unsafe { memcmp(a, b, bytes) }
}

/// # Safety
///
/// As in C: `text` points to bytes that end with a zero.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: no byte before this one was zero, so it is still part of the text.
    while unsafe { text.wrapping_add(length).read_volatile() } != 0 {
        length += 1;
    }
    length
}
