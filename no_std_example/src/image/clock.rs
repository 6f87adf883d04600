//! Time: the HPET, whose counter tells its own unit.

use core::ptr;

use no_std_example::exit::Exit;
use spin::Once;

use super::ending;

const BASE: usize = 0xfed0_0000;
const CAPABILITIES: usize = BASE;
const CONFIGURATION: usize = BASE + 0x10;
const COUNTER: usize = BASE + 0xf0;
const ENABLE: u64 = 1;

const FEMTOSECONDS_PER_MICROSECOND: u128 = 1_000_000_000;
/// The longest period that the specification allows.
const MAX_PERIOD_FEMTOSECONDS: u64 = 100_000_000;

static PERIOD_FEMTOSECONDS: Once<u64> = Once::new();

/// Starts the counter.
pub(super) fn init() {
    let period = read(CAPABILITIES) >> 32;
    if !(1..=MAX_PERIOD_FEMTOSECONDS).contains(&period) {
        ending::fail(Exit::Unsupported, format_args!("the machine has no HPET"));
    }
    PERIOD_FEMTOSECONDS.call_once(|| period);
    let configuration = read(CONFIGURATION) | ENABLE;
    // SAFETY: a register of the HPET, there is one; counting touches no memory.
    unsafe { register(CONFIGURATION).write_volatile(configuration) };
}

/// Microseconds since the counter started; 0 before that.
pub(super) fn micros() -> u64 {
    let period = PERIOD_FEMTOSECONDS.get().copied().unwrap_or(0);
    (u128::from(read(COUNTER)) * u128::from(period) / FEMTOSECONDS_PER_MICROSECOND) as u64
}

/// Waits.
pub(super) fn wait(microseconds: u64) {
    let end = micros() + microseconds;
    while micros() < end {
        latchless::arch::pause();
    }
}

fn read(address: usize) -> u64 {
    // SAFETY: the page is mapped; reading a register of the HPET has no side effect, and where
    // there is none the bus answers with all ones.
    unsafe { register(address).read_volatile() }
}

fn register(address: usize) -> *mut u64 {
    ptr::with_exposed_provenance_mut(address)
}
