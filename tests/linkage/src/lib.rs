//! Each operation of latchless in a function of its own, whose name starts with `op_`. A panic or an
//! allocation that survives optimization calls a function that does not exist, so that linking
//! fails: `cargo xtask verify linkage`.
#![no_std]

mod atomics;
mod seeded;
mod spsc;
#[cfg(target_has_atomic = "64")]
mod structures;
mod turn;
mod values;

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

/// Exports each function as `op_`, its name, and the suffix of the type that it is for.
macro_rules! export {
    ($suffix:literal $(
        fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    )*) => {$(
        #[unsafe(export_name = concat!("op_", stringify!($name), $suffix))]
        extern "C" fn $name($($argument: $type),*) $(-> $result)? $body
    )*};
}
use export;

unsafe extern "C" {
    // Nobody defines these.
    fn latchless_panics() -> !;
    fn latchless_allocates() -> *mut u8;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: a program that holds this call cannot be linked, so none makes it.
    unsafe { latchless_panics() }
}

struct NoAllocator;

#[global_allocator]
static ALLOCATOR: NoAllocator = NoAllocator;

// SAFETY: it never returns memory: a program that allocates cannot be linked.
unsafe impl GlobalAlloc for NoAllocator {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        // SAFETY: a program that holds this call cannot be linked, so none makes it.
        unsafe { latchless_allocates() }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {
        // SAFETY: as for `alloc`.
        unsafe { latchless_allocates() };
    }
}

/// What `core` asks of every target, for copies whose length is not known to the compiler.
#[cfg(target_arch = "x86_64")]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
    // SAFETY: as the caller's word: both are valid for so many bytes and do not overlap.
    unsafe {
        core::arch::asm!(
            "rep movsb",
            inout("rcx") bytes => _,
            inout("rdi") to => _,
            inout("rsi") from => _,
            options(nostack, preserves_flags)
        );
    }
    to
}

/// The stock `core` refers to it, although nothing unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
