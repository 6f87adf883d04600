//! CPU exceptions: always the end, but a told one.

use no_std_example::exit::Exit;
use x86_64::registers::control::Cr2;

use super::ending;

/// What boot.s and the CPU leave on the stack.
#[repr(C)]
pub(super) struct Frame {
    vector: u64,
    error_code: u64,
    instruction: u64,
    code_segment: u64,
    flags: u64,
    stack: u64,
    stack_segment: u64,
}

/// Called by boot.s for every exception.
pub(super) extern "C" fn exception(frame: &Frame) -> ! {
    const PAGE_FAULT: u64 = 14;
    let &Frame { vector, error_code, instruction, stack, .. } = frame;
    let name = name(vector);
    let cpu = latchless::arch::cpu::current().unwrap_or(0);
    let address = if vector == PAGE_FAULT { Cr2::read_raw() } else { 0 };
    ending::fail(
        Exit::Exception,
        format_args!(
            "exception on CPU {cpu}: {name} (vector {vector}, error code {error_code:#x}) at \
             {instruction:#x}, address {address:#x}, stack {stack:#x}"
        ),
    )
}

fn name(vector: u64) -> &'static str {
    match vector {
        0 => "divide error",
        1 => "debug",
        2 => "non-maskable interrupt",
        3 => "breakpoint",
        4 => "overflow",
        5 => "bound range exceeded",
        6 => "invalid opcode",
        7 => "device not available",
        8 => "double fault",
        10 => "invalid task state",
        11 => "segment not present",
        12 => "stack fault",
        13 => "general protection",
        14 => "page fault",
        16 => "x87 floating-point error",
        17 => "alignment check",
        18 => "machine check",
        19 => "SIMD floating-point error",
        _ => "unknown exception",
    }
}
