//! A planted bug: an atomic of this crate is added to after its memory was freed. memcheck must
//! report it on the crate's own instructions, which AddressSanitizer cannot see into, and
//! AddressSanitizer on core's atomics.

use core::hint::black_box;
use core::sync::atomic::Ordering::Relaxed;

use latchless::atomic::AtomicU64;

fn main() {
    let atomic = black_box(Box::into_raw(Box::new(AtomicU64::new(42))));
    // SAFETY: it comes from `into_raw`.
    drop(unsafe { Box::from_raw(atomic) });
    // SAFETY: there is none: the atomic was freed. Zero is added, so that the program goes on as if
    // nothing was wrong where no tool is watching.
    let found = unsafe { (*atomic).fetch_add(0, Relaxed) };
    println!("found {found}");
}
