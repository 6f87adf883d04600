//! The image's end, good or bad.

use core::fmt::{self, Write as _};
use core::panic::PanicInfo;

use heapless::String;
use latchless::arch::cpu;
use latchless::atomic::{AtomicU32, Ordering};
use no_std_example::exit::Exit;
use x86_64::instructions::port::Port;
use x86_64::instructions::{hlt, interrupts};

use super::serial;

/// The `isa-debug-exit` device, as `cargo xtask demo` configures it.
const DEBUG_EXIT: u16 = 0xf4;

/// What fits of a message.
const MESSAGE_BYTES: usize = 512;

const NOBODY: u32 = u32::MAX;

/// The CPU that is ending the image: the first one's words are those that matter.
static ENDING: AtomicU32 = AtomicU32::new(NOBODY);

/// A text whose lines are told as one, which the host quotes.
struct OneLine<'a>(&'a str);

/// Ends QEMU with the status that belongs to `exit`.
pub(super) fn exit(exit: Exit) -> ! {
    let mut port = Port::<u32>::new(DEBUG_EXIT);
    // SAFETY: the device ends the machine; where there is none, the write has no effect.
    unsafe { port.write(exit.code()) };
    halt()
}

/// Says why the image cannot go on, and ends it.
pub(super) fn fail(reason: Exit, message: fmt::Arguments<'_>) -> ! {
    interrupts::disable();
    let me = cpu::current().unwrap_or(0);
    // ORDERING: Relaxed; nothing but the number itself is decided by it.
    match ENDING.compare_exchange(NOBODY, me, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => {}
        // Saying why went wrong in its turn.
        Err(other) if other == me => exit(reason),
        // Another CPU is about to end everything.
        Err(_) => halt(),
    }
    // Formatted first: the message may come from code that is broken, and the console is shared.
    let mut text = String::<MESSAGE_BYTES>::new();
    // Of a message that is too long, the beginning is told.
    let _ = text.write_fmt(message);
    serial::last_words(format_args!("{}", OneLine(&text)));
    exit(reason)
}

/// Stops this CPU for good.
pub(super) fn halt() -> ! {
    interrupts::disable();
    loop {
        hlt();
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let cpu = cpu::current().unwrap_or(0);
    match info.location() {
        Some(at) => {
            fail(Exit::Panic, format_args!("panic on CPU {cpu} at {at}: {}", info.message()))
        }
        None => fail(Exit::Panic, format_args!("panic on CPU {cpu}: {}", info.message())),
    }
}

// === impl OneLine ===

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.lines().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", line.trim())?;
        }
        Ok(())
    }
}
