//! The seam between assembly and Rust: who calls whom, and the stacks.

use core::arch::global_asm;
use core::cell::UnsafeCell;

use no_std_example::cpu::MAX_CPUS;

use super::{exception, first_cpu, other_cpu, timer_tick};

/// Where the other CPUs start: a page below 1 MiB that neither firmware nor QEMU uses.
pub(super) const TRAMPOLINE: usize = 0x8000;

/// Buffers are moved by value: unoptimized code keeps many copies of one in its frames.
const STACK_BYTES: usize = 256 * 1024;

/// A stack, which only the CPU that runs on it accesses.
#[repr(C, align(16))]
pub(super) struct Stack<const BYTES: usize>(UnsafeCell<[u8; BYTES]>);

/// The stack of each CPU's main code.
static STACKS: [Stack<STACK_BYTES>; MAX_CPUS] = [const { Stack::new() }; MAX_CPUS];

global_asm!(
    include_str!("boot.s"),
    stacks = sym STACKS,
    STACK_BYTES = const STACK_BYTES,
    TRAMPOLINE = const TRAMPOLINE,
    first_cpu = sym first_cpu,
    other_cpu = sym other_cpu,
    timer_tick = sym timer_tick,
    exception = sym exception,
);

// Labels of boot.s. They are safe to name: only their addresses are used from here.
unsafe extern "C" {
    safe static trampoline: u8;
    safe static trampoline_end: u8;
    safe static exception_stubs: u8;
    safe static timer_interrupt: u8;
    safe static spurious_interrupt: u8;
}

/// The code that the other CPUs start with.
pub(super) fn trampoline_code() -> &'static [u8] {
    let start = &raw const trampoline;
    let bytes = (&raw const trampoline_end).addr() - start.addr();
    // SAFETY: boot.s has both labels in one section, in this order, with initialized bytes between
    // them that nothing ever writes.
    unsafe { core::slice::from_raw_parts(start, bytes) }
}

/// The first instruction for CPU exception `vector`.
pub(super) fn exception_entry(vector: usize) -> u64 {
    const STUB_BYTES: usize = 16;
    (&raw const exception_stubs).addr() as u64 + (vector * STUB_BYTES) as u64
}

/// The first instruction of the timer interrupt.
pub(super) fn timer_entry() -> u64 {
    (&raw const timer_interrupt).addr() as u64
}

/// An interrupt that nobody asked for returns at once.
pub(super) fn spurious_entry() -> u64 {
    (&raw const spurious_interrupt).addr() as u64
}

// === impl Stack ===

impl<const BYTES: usize> Stack<BYTES> {
    pub(super) const fn new() -> Self {
        Self(UnsafeCell::new([0; BYTES]))
    }

    /// The address just past the stack, from which it grows down.
    pub(super) fn top(&self) -> u64 {
        self.0.get().addr() as u64 + BYTES as u64
    }
}

// SAFETY: the content is never accessed through this type; it is the memory of a CPU's stack
// pointer, and each stack is given to one CPU.
unsafe impl<const BYTES: usize> Sync for Stack<BYTES> {}
