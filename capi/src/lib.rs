//! latchless by a C ABI: what `include/latchless.h` declares, which is made from this crate.
//!
//! # Memory
//!
//! Every structure is of a known size and alignment, so C puts it where it likes: in a `static`, in a
//! structure of its own, in slab memory. The types that C sees are as opaque as C allows, an array of bytes;
//! here each is known to be as large and as aligned as what lies in it, and the header asserts that the
//! C compiler has come to the same figures.
//!
//! # What the caller vouches for
//!
//! Every pointer is valid for what the call does with it, aligned as the header says, and not null. A structure was
//! initialized before the first other call, and no other call runs during the initialization. Beyond this
//! each function says itself who may call it when.
//!
//! # Kernels
//!
//! No function panics, allocates, formats, takes a lock, or touches a vector register: `cargo xtask kmod` has a look
//! at every instruction. None takes more than a few hundred bytes of stack, and none has an object of 16 bytes'
//! alignment there, so a stack that is aligned to 8, as Linux keeps its own, is enough.
#![no_std]
#![allow(non_camel_case_types, reason = "they are types of C")]

#[cfg(not(target_arch = "x86_64"))]
compile_error!("`latchless_words` takes `lock cmpxchg16b`: the C ABI is for x86-64");

mod counter;
mod feed;
mod frame;
mod nodes;
mod pool;
mod records;
#[doc(hidden)]
pub mod seeded;
mod spsc;
mod stack;
mod status;
mod words;

pub use self::counter::*;
pub use self::feed::*;
pub use self::nodes::*;
pub use self::pool::*;
pub use self::records::*;
pub use self::spsc::*;
pub use self::stack::*;
pub use self::status::*;
pub use self::words::*;

/// Makes a type of C, as large and as aligned as `$inner`, and the constants by which C checks that.
macro_rules! opaque {
    ($(#[$attribute:meta])* $name:ident = $inner:ty, $size:literal aligned $align:literal, $size_name:ident $align_name:ident) => {
        $(#[$attribute])*
        #[derive(Debug)]
        #[repr(C, align($align))]
        pub struct $name {
            opaque: [u8; $size],
        }

        #[doc = concat!(" How large a `struct ", stringify!($name), "` is, in bytes.")]
        pub const $size_name: usize = $size;
        #[doc = concat!(" How a `struct ", stringify!($name), "` is aligned, in bytes.")]
        pub const $align_name: usize = $align;

        const _: () = assert!(size_of::<$inner>() == $size && size_of::<$name>() == $size);
        const _: () = assert!(align_of::<$inner>() == $align && align_of::<$name>() == $align);

        impl crate::Opaque for $name {
            type Inner = $inner;
        }
    };
}
use opaque;

/// A type of C, and what lies in it.
trait Opaque {
    type Inner;
}

/// What lies in a structure of the caller's.
///
/// # Safety
///
/// It is there, initialized, and used by way of shared references only, for as long as the result is used.
#[inline(always)]
unsafe fn shared<'a, T: Opaque>(place: *const T) -> &'a T::Inner {
    // SAFETY: the caller's word; both types have the same size and alignment.
    unsafe { &*place.cast::<T::Inner>() }
}

/// What lies in a structure that the caller has to himself.
///
/// # Safety
///
/// It is there, initialized, and nobody else uses it for as long as the result is used.
#[inline(always)]
unsafe fn exclusive<'a, T: Opaque>(place: *mut T) -> &'a mut T::Inner {
    // SAFETY: the caller's word; both types have the same size and alignment.
    unsafe { &mut *place.cast::<T::Inner>() }
}

/// The version of what the header declares. It changes when a structure or a function does.
pub const LATCHLESS_ABI: u32 = 1;

/// Whether the CPU has what the structures take: `lock cmpxchg16b`, which every x86-64 CPU since 2006 has.
/// Ask once, before the first use of a `latchless_words_…`.
///
/// **Progress** wait-free. **Context** any.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn latchless_cpu_is_supported() -> bool {
    latchless::arch::cpu::has_cmpxchg16b()
}

/// No call can panic, and in the object for kernels this function is not there: the linker drops what nobody
/// calls, and `cargo xtask kmod` sees to it that nobody does.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
