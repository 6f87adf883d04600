//! The first serial port: what the image says.

use core::fmt::{self, Write};

use spin::mutex::SpinMutex;
use x86_64::instructions::interrupts;
use x86_64::instructions::port::Port;

const COM1: u16 = 0x3f8;
const INTERRUPT_ENABLE: u16 = COM1 + 1;
const FIFO_CONTROL: u16 = COM1 + 2;
const LINE_CONTROL: u16 = COM1 + 3;
const LINE_STATUS: u16 = COM1 + 5;
const TRANSMITTER_EMPTY: u8 = 1 << 5;

/// So often the dying look for the lock before they write without it.
const LAST_ATTEMPTS: u32 = 1_000_000;

/// Keeps the lines of different CPUs apart.
///
/// Whoever holds it has interrupts disabled, so no interrupt waits for the code that it interrupted.
static CONSOLE: SpinMutex<Serial> = SpinMutex::new(Serial);

/// The port. There is no state here, it is all in the device.
struct Serial;

/// Prepares the port; 8 data bits, no parity, one stop bit, no interrupts.
pub(super) fn init() {
    for (register, value) in [(INTERRUPT_ENABLE, 0x00), (LINE_CONTROL, 0x03), (FIFO_CONTROL, 0x07)]
    {
        let mut port = Port::<u8>::new(register);
        // SAFETY: a register of the serial port; these values touch no memory.
        unsafe { port.write(value) };
    }
}

/// Writes a line as one.
pub(super) fn say(line: fmt::Arguments<'_>) {
    interrupts::without_interrupts(|| {
        // Writing to the port cannot fail.
        let _ = CONSOLE.lock().write_line(line);
    });
}

/// Writes a line even if another CPU never lets go of the console, or this one holds it.
pub(super) fn last_words(line: fmt::Arguments<'_>) {
    for _ in 0..LAST_ATTEMPTS {
        if let Some(mut console) = CONSOLE.try_lock() {
            let _ = console.write_line(line);
            return;
        }
        latchless::arch::pause();
    }
    // At worst two lines are mixed, on a line of their own.
    let _ = Serial.write_str("\n");
    let _ = Serial.write_line(line);
}

// === impl Serial ===

impl Serial {
    fn write_line(&mut self, line: fmt::Arguments<'_>) -> fmt::Result {
        self.write_fmt(line)?;
        self.write_str("\n")
    }

    fn write_byte(&mut self, byte: u8) {
        let mut status = Port::<u8>::new(LINE_STATUS);
        // SAFETY: reading the status has no effect on anything that Rust knows of.
        while unsafe { status.read() } & TRANSMITTER_EMPTY == 0 {
            latchless::arch::pause();
        }
        // SAFETY: the transmitter is empty; the port touches no memory.
        unsafe { Port::<u8>::new(COM1).write(byte) };
    }
}

impl Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.write_byte(byte));
        Ok(())
    }
}
