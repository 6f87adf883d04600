//! The instructions. This is the only file of the library that holds `asm!`.
//!
//! Common to every block: Intel syntax; the address is pinned to no register (except for
//! `cmpxchg16b`); no `nomem` and no `readonly`, so the compiler moves no memory access across;
//! `nostack`, because nothing is pushed; `preserves_flags` only where the manual says that the
//! instruction leaves the flags alone.

use core::arch::asm;
#[cfg(target_feature = "sse2")]
use core::arch::x86_64::__m128i;

use super::{BitWord, Exchange, Local, LocalBitWord, Word};

/// What `setcc` stored, as it is: `byte != 0` would be tested and set once more.
///
/// # Safety
///
/// `byte` is 0 or 1.
#[expect(clippy::transmute_int_to_bool, reason = "the comparison is what this is to save")]
#[inline(always)]
unsafe fn flag(byte: u8) -> bool {
    // SAFETY: the caller's word.
    unsafe { core::mem::transmute::<u8, bool>(byte) }
}

/// `xchg dst, new`, for one operand type.
macro_rules! exchange {
    ($size:literal, $class:ident, $fmt:literal) => {
        #[inline(always)]
        unsafe fn xchg(dst: *mut Self, new: Self) -> Self {
            let old;
            // STORY: `AtomicU64::swap(new, SeqCst)` on `*dst`.
            // ASM: SDM "XCHG". A memory operand implies the lock; no flag changes.
            // SAFETY: the trait's contract makes `*dst` a valid, aligned operand.
            unsafe {
                asm!(
                    concat!("xchg ", $size, " ptr [{dst}], {new", $fmt, "}"),
                    dst = in(reg) dst,
                    new = inlateout($class) new => old,
                    options(nostack, preserves_flags),
                );
            }
            old
        }
    };
}

/// `cmpxchg dst, new`, for one operand type, with or without the lock prefix.
macro_rules! compare_exchange {
    ($name:ident, $mnemonic:literal, $size:literal, $class:ident, $fmt:literal, $acc:tt) => {
        #[inline(always)]
        unsafe fn $name(dst: *mut Self, expected: Self, new: Self) -> Result<Self, Self> {
            let old: Self;
            // STORY: `AtomicU64::compare_exchange(expected, new, SeqCst, SeqCst)` on `*dst`.
            // ASM: SDM "CMPXCHG". The accumulator holds `expected` before and the value found
            // after. Writes the arithmetic flags. ZF is not asked for: comparing the two registers
            // fuses with the caller's branch, `sete` and a second test would not.
            // SAFETY: the trait's contract makes `*dst` a valid, aligned operand.
            unsafe {
                asm!(
                    concat!($mnemonic, " ", $size, " ptr [{dst}], {new", $fmt, "}"),
                    dst = in(reg) dst,
                    new = in($class) new,
                    inlateout($acc) expected => old,
                    options(nostack),
                );
            }
            if old == expected { Ok(old) } else { Err(old) }
        }
    };
}

/// An instruction that adds a register to memory and returns the value before.
macro_rules! exchange_add {
    ($name:ident, $mnemonic:literal, $size:literal, $class:ident, $fmt:literal) => {
        #[inline(always)]
        unsafe fn $name(dst: *mut Self, delta: Self) -> Self {
            let old;
            // STORY: `AtomicU64::fetch_add(delta, SeqCst)` on `*dst`.
            // ASM: SDM "XADD". Writes the arithmetic flags.
            // SAFETY: the trait's contract makes `*dst` a valid, aligned operand.
            unsafe {
                asm!(
                    concat!($mnemonic, " ", $size, " ptr [{dst}], {delta", $fmt, "}"),
                    dst = in(reg) dst,
                    delta = inlateout($class) delta => old,
                    options(nostack),
                );
            }
            old
        }
    };
}

/// An instruction `op [dst], operand` whose result nobody asks for.
macro_rules! update {
    ($name:ident, $mnemonic:literal, $size:literal, $class:ident, $fmt:literal) => {
        #[inline(always)]
        unsafe fn $name(dst: *mut Self, operand: Self) {
            // STORY: `AtomicU64::fetch_…(operand, SeqCst)` on `*dst`, result unused.
            // ASM: SDM "ADD", "SUB", "AND", "OR", "XOR". Write the arithmetic flags.
            // SAFETY: the trait's contract makes `*dst` a valid, aligned operand.
            unsafe {
                asm!(
                    concat!($mnemonic, " ", $size, " ptr [{dst}], {operand", $fmt, "}"),
                    dst = in(reg) dst,
                    operand = in($class) operand,
                    options(nostack),
                );
            }
        }
    };
}

/// An instruction `op [dst]` whose result nobody asks for.
macro_rules! step {
    ($name:ident, $mnemonic:literal, $size:literal) => {
        #[inline(always)]
        unsafe fn $name(dst: *mut Self) {
            // STORY: `AtomicU64::fetch_update` with `+ 1`, `- 1`, `-` or `!` on `*dst`, result unused.
            // ASM: SDM "INC", "DEC", "NEG", "NOT". Write the arithmetic flags, INC and DEC all but CF,
            // NOT none.
            // SAFETY: the trait's contract makes `*dst` a valid, aligned operand.
            unsafe {
                asm!(concat!($mnemonic, " ", $size, " ptr [{dst}]"), dst = in(reg) dst, options(nostack));
            }
        }
    };
}

/// An instruction `op [dst], operand` of whose result a flag is asked for.
macro_rules! update_flag {
    ($name:ident, $mnemonic:literal, $set:literal, $size:literal, $class:ident, $fmt:literal) => {
        #[inline(always)]
        unsafe fn $name(dst: *mut Self, operand: Self) -> bool {
            let set: u8;
            // STORY: `AtomicU64::fetch_…(operand, SeqCst)` on `*dst`, and a question about the sum.
            // ASM: SDM "ADD", "SUB", "SETcc". ZF: the result is zero. SF: its top bit.
            // SAFETY: the trait's contract makes `*dst` a valid, aligned operand.
            unsafe {
                asm!(
                    concat!($mnemonic, " ", $size, " ptr [{dst}], {operand", $fmt, "}"),
                    concat!($set, " {set}"),
                    dst = in(reg) dst,
                    operand = in($class) operand,
                    set = lateout(reg_byte) set,
                    options(nostack),
                );
            }
            // SAFETY: `setcc` stores 0 or 1.
            unsafe { flag(set) }
        }
    };
}

/// An instruction `op [dst]` of whose result it is asked whether it is zero.
macro_rules! step_flag {
    ($name:ident, $mnemonic:literal, $size:literal) => {
        #[inline(always)]
        unsafe fn $name(dst: *mut Self) -> bool {
            let zero: u8;
            // STORY: `AtomicU64::fetch_add(1, SeqCst) == MAX` (`fetch_sub`, `== 1`) on `*dst`.
            // ASM: SDM "INC", "DEC", "SETcc". ZF: the result is zero.
            // SAFETY: the trait's contract makes `*dst` a valid, aligned operand.
            unsafe {
                asm!(
                    concat!($mnemonic, " ", $size, " ptr [{dst}]"),
                    "sete {zero}",
                    dst = in(reg) dst,
                    zero = lateout(reg_byte) zero,
                    options(nostack),
                );
            }
            // SAFETY: `setcc` stores 0 or 1.
            unsafe { flag(zero) }
        }
    };
}

/// A bit instruction whose carry flag is the bit before.
macro_rules! bit {
    ($name:ident, $mnemonic:literal, $size:literal, $fmt:literal) => {
        #[inline(always)]
        unsafe fn $name(dst: *mut Self, bit: u32) -> bool {
            let was_set: u8;
            // STORY: `AtomicU64::fetch_or(1 << bit, SeqCst) >> bit & 1` (`and`, `xor`) on `*dst`.
            // ASM: SDM "BTS", "BTR", "BTC". A register bit offset addresses a bit *string*, beyond
            // the operand if it exceeds the width: hence the mask. CF takes the old bit; the other
            // arithmetic flags become undefined.
            // SAFETY: the trait's contract makes `*dst` a valid, aligned operand; the mask keeps
            // the access inside it.
            unsafe {
                asm!(
                    concat!($mnemonic, " ", $size, " ptr [{dst}], {bit", $fmt, "}"),
                    "setc {was_set}",
                    dst = in(reg) dst,
                    bit = in(reg) bit & (Self::BITS - 1),
                    was_set = out(reg_byte) was_set,
                    options(nostack),
                );
            }
            // SAFETY: `setcc` stores 0 or 1.
            unsafe { flag(was_set) }
        }
    };
}

macro_rules! word {
    ($word:ident, $size:literal, $class:ident, $fmt:literal, $acc:tt) => {
        impl Exchange for $word {
            exchange!($size, $class, $fmt);
            compare_exchange!(lock_cmpxchg, "lock cmpxchg", $size, $class, $fmt, $acc);
        }

        impl Word for $word {
            exchange_add!(lock_xadd, "lock xadd", $size, $class, $fmt);
            update!(lock_add, "lock add", $size, $class, $fmt);
            update!(lock_sub, "lock sub", $size, $class, $fmt);
            update!(lock_and, "lock and", $size, $class, $fmt);
            update!(lock_or, "lock or", $size, $class, $fmt);
            update!(lock_xor, "lock xor", $size, $class, $fmt);
            step!(lock_inc, "lock inc", $size);
            step!(lock_dec, "lock dec", $size);
            step!(lock_neg, "lock neg", $size);
            step!(lock_not, "lock not", $size);
            update_flag!(lock_add_zf, "lock add", "sete", $size, $class, $fmt);
            update_flag!(lock_sub_zf, "lock sub", "sete", $size, $class, $fmt);
            update_flag!(lock_add_sf, "lock add", "sets", $size, $class, $fmt);
            step_flag!(lock_inc_zf, "lock inc", $size);
            step_flag!(lock_dec_zf, "lock dec", $size);
        }

        impl Local for $word {
            exchange_add!(local_xadd, "xadd", $size, $class, $fmt);
            update!(local_add, "add", $size, $class, $fmt);
            update!(local_sub, "sub", $size, $class, $fmt);
            update!(local_and, "and", $size, $class, $fmt);
            update!(local_or, "or", $size, $class, $fmt);
            update!(local_xor, "xor", $size, $class, $fmt);
            step!(local_inc, "inc", $size);
            step!(local_dec, "dec", $size);
            step!(local_neg, "neg", $size);
            step!(local_not, "not", $size);
            update_flag!(local_add_zf, "add", "sete", $size, $class, $fmt);
            update_flag!(local_sub_zf, "sub", "sete", $size, $class, $fmt);
            update_flag!(local_add_sf, "add", "sets", $size, $class, $fmt);
            step_flag!(local_inc_zf, "inc", $size);
            step_flag!(local_dec_zf, "dec", $size);
            compare_exchange!(local_cmpxchg, "cmpxchg", $size, $class, $fmt, $acc);
        }
    };
}

macro_rules! bit_word {
    ($word:ident, $size:literal, $fmt:literal) => {
        impl BitWord for $word {
            bit!(lock_bts, "lock bts", $size, $fmt);
            bit!(lock_btr, "lock btr", $size, $fmt);
            bit!(lock_btc, "lock btc", $size, $fmt);
        }

        impl LocalBitWord for $word {
            bit!(local_bts, "bts", $size, $fmt);
            bit!(local_btr, "btr", $size, $fmt);
            bit!(local_btc, "btc", $size, $fmt);
        }
    };
}

word!(u8, "byte", reg_byte, "", "al");
word!(u16, "word", reg, ":x", "ax");
word!(u32, "dword", reg, ":e", "eax");
word!(u64, "qword", reg, ":r", "rax");
bit_word!(u16, "word", ":x");
bit_word!(u32, "dword", ":e");
bit_word!(u64, "qword", ":r");

// Pointers travel through the same registers as pointers, so that they keep their provenance.
impl<T> Exchange for *mut T {
    exchange!("qword", reg, ":r");
    compare_exchange!(lock_cmpxchg, "lock cmpxchg", "qword", reg, ":r", "rax");
}

/// `lock xadd` on a pointer: adds `bytes` to it (wrapping), returns the one before.
///
/// # Safety
///
/// As [`Exchange`] states.
#[inline(always)]
pub unsafe fn lock_xadd_pointer<T>(dst: *mut *mut T, bytes: usize) -> *mut T {
    let old;
    // STORY: `AtomicPtr::fetch_byte_add(bytes, SeqCst)` on `*dst`.
    // ASM: SDM "XADD". Writes the arithmetic flags. The sum has the provenance of the pointer that
    // was there, as for all that assembly writes.
    // SAFETY: the caller vouches for `*dst`.
    unsafe {
        asm!(
            "lock xadd qword ptr [{dst}], {bytes}",
            dst = in(reg) dst,
            bytes = inlateout(reg) bytes => old,
            options(nostack),
        );
    }
    old
}

/// `lock cmpxchg16b`: stores `new` if both words of `*dst` equal `expected`. Element 0 is the word
/// at the lower address.
///
/// It always writes: the page must be writable even when the comparison fails.
///
/// # Errors
///
/// The two words found, if they differ; nothing was changed then.
///
/// # Safety
///
/// - `dst` is valid for reads and writes and aligned to 16 bytes (otherwise `#GP`).
/// - Every concurrent access to `*dst` is atomic: this instruction, or an aligned 8-byte access to
///   one of the halves.
/// - The CPU has the instruction: [`cpu::has_cmpxchg16b`](super::cpu::has_cmpxchg16b).
#[inline(always)]
pub unsafe fn lock_cmpxchg16b(
    dst: *mut [u64; 2],
    expected: [u64; 2],
    new: [u64; 2],
) -> Result<[u64; 2], [u64; 2]> {
    let [expected_low, expected_high] = expected;
    let [new_low, new_high] = new;
    let (old_low, old_high): (u64, u64);
    let equal: u64;
    // STORY: a compare-exchange of an `AtomicU128` with `SeqCst` on `*dst`.
    // ASM: SDM "CMPXCHG8B/CMPXCHG16B". Compares rdx:rax, stores rcx:rbx, writes ZF only. LLVM
    // keeps rbx for itself, so its value waits in rsi; every other operand is pinned, because an
    // address that the compiler put into rbx would be lost by the swap. `sete` reads ZF into cl;
    // the `mov` back changes no flag.
    // SAFETY: the caller vouches for address, alignment and CPU.
    unsafe {
        asm!(
            "xchg rbx, rsi",
            "lock cmpxchg16b xmmword ptr [rdi]",
            "sete cl",
            "mov rbx, rsi",
            in("rdi") dst,
            inout("rsi") new_low => _,
            inout("rcx") new_high => equal,
            inout("rax") expected_low => old_low,
            inout("rdx") expected_high => old_high,
            options(nostack),
        );
    }
    let old = [old_low, old_high];
    // Only cl was written by `sete`; the rest of rcx is what `new_high` left there.
    if equal & 0xff != 0 { Ok(old) } else { Err(old) }
}

/// `movdqa` from memory: both words of `*src`, read as one.
///
/// # Safety
///
/// - `src` is valid for reads and aligned to 16 bytes (otherwise `#GP`), in memory that is cached in the
///   usual way (write-back).
/// - Every concurrent access to `*src` is atomic, as for [`lock_cmpxchg16b`].
/// - [`cpu::has_atomic_vector_moves`](super::cpu::has_atomic_vector_moves).
#[cfg(target_feature = "sse2")]
#[inline(always)]
pub unsafe fn movdqa_load(src: *const [u64; 2]) -> [u64; 2] {
    let value: __m128i;
    // STORY: a `SeqCst` load of an `AtomicU128`.
    // ASM: SDM "MOVDQA", volume 3A section 9.1.1. No flag. Not `readonly`: no access moves across.
    // SAFETY: the caller vouches for address, alignment and CPU.
    unsafe {
        asm!(
            "movdqa {value}, xmmword ptr [{src}]",
            src = in(reg) src,
            value = lateout(xmm_reg) value,
            options(nostack, preserves_flags),
        );
    }
    // SAFETY: both are 16 bytes of any value, the low word first.
    unsafe { core::mem::transmute::<__m128i, [u64; 2]>(value) }
}

/// `movdqa` to memory: both words of `*dst`, written as one. A release store, not a sequentially
/// consistent one.
///
/// # Safety
///
/// As for [`movdqa_load`], and `dst` is valid for writes.
#[cfg(target_feature = "sse2")]
#[inline(always)]
pub unsafe fn movdqa_store(dst: *mut [u64; 2], value: [u64; 2]) {
    // SAFETY: both are 16 bytes of any value, the low word first.
    let value = unsafe { core::mem::transmute::<[u64; 2], __m128i>(value) };
    // STORY: a `Release` store to an `AtomicU128`.
    // ASM: SDM "MOVDQA", volume 3A section 9.1.1. No flag.
    // SAFETY: the caller vouches for address, alignment and CPU.
    unsafe {
        asm!(
            "movdqa xmmword ptr [{dst}], {value}",
            dst = in(reg) dst,
            value = in(xmm_reg) value,
            options(nostack, preserves_flags),
        );
    }
}

/// Hints that the cache line at `address` is about to be read (`prefetcht0`). Never faults, whatever
/// the address.
///
/// **Progress** wait-free. **Context** any.
#[inline(always)]
pub fn prefetcht0<T>(address: *const T) {
    // STORY: no Rust operation; fetches the line into all caches.
    // ASM: SDM "PREFETCHh". A hint: no flag, no architectural memory access, no fault, and no vector
    // register, though it came with SSE. `readonly` holds: nothing is written.
    // SAFETY: a prefetch may be given any address.
    unsafe {
        asm!(
            "prefetcht0 byte ptr [{address}]",
            address = in(reg) address,
            options(nostack, preserves_flags, readonly),
        );
    }
}

/// Hints that the cache line at `address` is about to be written (`prefetchw`). Never faults,
/// whatever the address.
///
/// **Progress** wait-free. **Context** any.
#[inline(always)]
pub fn prefetchw<T>(address: *const T) {
    // STORY: no Rust operation; fetches the line in exclusive state.
    // ASM: SDM "PREFETCHW". A hint: no flag, no architectural memory access, no fault; CPUs
    // without it execute it as a no-op in 64-bit mode. `readonly` holds: nothing is written.
    // SAFETY: a prefetch may be given any address.
    unsafe {
        asm!(
            "prefetchw byte ptr [{address}]",
            address = in(reg) address,
            options(nostack, preserves_flags, readonly),
        );
    }
}

/// `rdpid`: the value of `IA32_TSC_AUX`, which the operating system sets to the CPU number.
///
/// # Safety
///
/// The CPU has the instruction (CPUID leaf 7, ECX bit 22).
#[inline(always)]
pub(super) unsafe fn rdpid() -> u64 {
    let aux;
    // STORY: no Rust operation.
    // ASM: SDM "RDPID". No flag, no memory.
    // SAFETY: the caller has checked CPUID.
    unsafe { asm!("rdpid {aux}", aux = out(reg) aux, options(nomem, nostack, preserves_flags)) };
    aux
}

/// `rdtscp`: the value of `IA32_TSC_AUX`; the time stamp is thrown away.
///
/// # Safety
///
/// The CPU has the instruction (CPUID leaf 0x8000_0001, EDX bit 27).
#[inline(always)]
pub(super) unsafe fn rdtscp() -> u32 {
    let aux;
    // STORY: no Rust operation.
    // ASM: SDM "RDTSCP". Writes edx:eax and ecx; no flag, no memory.
    // SAFETY: the caller has checked CPUID.
    unsafe {
        asm!(
            "rdtscp",
            out("eax") _,
            out("edx") _,
            out("ecx") aux,
            options(nomem, nostack, preserves_flags),
        );
    }
    aux
}
