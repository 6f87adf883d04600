//! The local interrupt controller of each CPU: its timer, and the signals that start the others.

use core::ptr;

use latchless::atomic::{AtomicU32, Ordering};
use x86_64::instructions::port::Port;

use super::boot::TRAMPOLINE;
use super::clock;
use super::tables::{SPURIOUS_VECTOR, TIMER_VECTOR};

const BASE: usize = 0xfee0_0000;
const END_OF_INTERRUPT: usize = 0x0b0;
const SPURIOUS: usize = 0x0f0;
const COMMAND: usize = 0x300;
const TIMER: usize = 0x320;
const INITIAL_COUNT: usize = 0x380;
const CURRENT_COUNT: usize = 0x390;
const DIVIDER: usize = 0x3e0;

const ENABLED: u32 = 1 << 8;
const MASKED: u32 = 1 << 16;
const PERIODIC: u32 = 1 << 17;
const DIVIDE_BY_16: u32 = 0b0011;
const ALL_BUT_ME: u32 = 0b11 << 18;
const ASSERT: u32 = 1 << 14;
const INIT: u32 = 0b101 << 8;
const START_UP: u32 = 0b110 << 8;

/// Often enough to strike in the midst of everything, seldom enough for 32 emulated CPUs on two
/// real ones.
const TICKS_PER_SECOND: u32 = 250;

/// The timer's counts in one period, as CPU 0 measured them.
static PERIOD: AtomicU32 = AtomicU32::new(0);

/// Silences the old interrupt controllers, which every PC still has.
pub(super) fn mask_legacy_controllers() {
    const DATA: [u16; 2] = [0x21, 0xa1];
    for port in DATA {
        // SAFETY: masking interrupts touches no memory.
        unsafe { Port::<u8>::new(port).write(0xff) };
    }
}

/// Measures the timer against the clock.
pub(super) fn calibrate() {
    const MICROSECONDS: u32 = 10_000;
    write(DIVIDER, DIVIDE_BY_16);
    write(TIMER, MASKED);
    write(INITIAL_COUNT, u32::MAX);
    clock::wait(MICROSECONDS.into());
    let counts = u64::from(u32::MAX - read(CURRENT_COUNT));
    write(INITIAL_COUNT, 0);
    let per_period = counts * (1_000_000 / u64::from(MICROSECONDS)) / u64::from(TICKS_PER_SECOND);
    // ORDERING: Relaxed; the other CPUs start after this, by way of the bus.
    PERIOD.store(u32::try_from(per_period).unwrap_or(u32::MAX).max(1), Ordering::Relaxed);
}

/// Lets the calling CPU's timer interrupt it from now on.
pub(super) fn start_timer() {
    write(SPURIOUS, ENABLED | u32::from(SPURIOUS_VECTOR));
    write(DIVIDER, DIVIDE_BY_16);
    write(TIMER, PERIODIC | u32::from(TIMER_VECTOR));
    // ORDERING: Relaxed, see `calibrate`.
    write(INITIAL_COUNT, PERIOD.load(Ordering::Relaxed));
}

/// Stops the calling CPU's timer.
pub(super) fn stop_timer() {
    write(TIMER, MASKED);
    write(INITIAL_COUNT, 0);
}

/// The interrupt that the CPU is in is done with.
pub(super) fn end_interrupt() {
    write(END_OF_INTERRUPT, 0);
}

/// Resets all other CPUs and lets them start at the trampoline.
pub(super) fn start_others() {
    const PAGE_BYTES: usize = 4096;
    let page = (TRAMPOLINE / PAGE_BYTES) as u32;
    write(COMMAND, ALL_BUT_ME | ASSERT | INIT);
    clock::wait(10_000);
    for _ in 0..2 {
        write(COMMAND, ALL_BUT_ME | ASSERT | START_UP | page);
        clock::wait(200);
    }
}

fn read(register: usize) -> u32 {
    // SAFETY: the page is mapped, and every CPU of 64 bits has a local APIC there.
    unsafe { address(register).read_volatile() }
}

fn write(register: usize, value: u32) {
    // SAFETY: as for `read`. No register here touches memory, and the interrupts and start-ups
    // that they cause lead to code that is made for them.
    unsafe { address(register).write_volatile(value) };
}

fn address(register: usize) -> *mut u32 {
    ptr::with_exposed_provenance_mut(BASE + register)
}
