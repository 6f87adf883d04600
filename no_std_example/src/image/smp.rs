//! The other CPUs: how many there are, and how they are started.

use core::ptr;

use latchless::arch::cpu;
use latchless::atomic::{AtomicUsize, Ordering};
use no_std_example::cpu::{CpuId, MAX_CPUS};
use no_std_example::exit::Exit;
use x86_64::instructions::port::Port;
use x86_64::registers::model_specific::Msr;

use super::boot::{self, TRAMPOLINE};
use super::{apic, clock, ending, tables};

/// What a CPU reports as its number in user space too: `rdpid` and `rdtscp` read it.
const IA32_TSC_AUX: u32 = 0xc000_0103;

const START_MICROSECONDS: u64 = 20_000_000;

/// CPUs that run Rust code.
static ONLINE: AtomicUsize = AtomicUsize::new(0);

/// How many CPUs QEMU gave the machine.
pub(super) fn count() -> usize {
    const SELECTOR: u16 = 0x510;
    const DATA: u16 = 0x511;
    const NUMBER_OF_CPUS: u16 = 0x05;
    // SAFETY: selecting an item of QEMU's configuration device touches no memory.
    unsafe { Port::<u16>::new(SELECTOR).write(NUMBER_OF_CPUS) };
    let mut data = Port::<u8>::new(DATA);
    // SAFETY: as above; each read gives the next byte of the item.
    let low = unsafe { data.read() };
    // SAFETY: as above.
    let high = unsafe { data.read() };
    let count = usize::from(u16::from_le_bytes([low, high]));
    if !(1..=MAX_CPUS).contains(&count) {
        ending::fail(
            Exit::Unsupported,
            format_args!("the machine has {count} CPUs, the image takes 1 to {MAX_CPUS}"),
        );
    }
    count
}

/// Makes the calling CPU ready for interrupts, and able to tell who it is.
pub(super) fn enter(cpu: CpuId) {
    tables::load(cpu);
    if cpu::current().is_none() {
        ending::fail(Exit::Unsupported, format_args!("the CPUs have neither rdpid nor rdtscp"));
    }
    let mut msr = Msr::new(IA32_TSC_AUX);
    // SAFETY: what the CPU has reads this register, so there is one; it touches no memory.
    unsafe { msr.write(cpu.number() as u64) };
    let told = cpu::current();
    assert_eq!(told, Some(cpu.number() as u32), "CPU {cpu} is told that it is another");
    // ORDERING: Release; whoever sees the CPU online sees its tables.
    ONLINE.fetch_add(1, Ordering::Release);
}

/// Starts the other CPUs, and waits until all `cpus` are online.
pub(super) fn start(cpus: usize) {
    if cpus > 1 {
        let code = boot::trampoline_code();
        let place = ptr::with_exposed_provenance_mut::<u8>(TRAMPOLINE);
        // SAFETY: the place is ordinary memory outside the image, of which nobody else knows; what
        // the loader may have left there has been read.
        unsafe { ptr::copy_nonoverlapping(code.as_ptr(), place, code.len()) };
        apic::start_others();
    }
    let deadline = clock::micros() + START_MICROSECONDS;
    loop {
        // ORDERING: Acquire, with the additions in `enter`.
        let online = ONLINE.load(Ordering::Acquire);
        if online == cpus {
            return;
        }
        assert!(clock::micros() < deadline, "only {online} of {cpus} CPUs started");
        latchless::arch::pause();
    }
}

/// The calling CPU, as it tells itself.
pub(super) fn current() -> CpuId {
    let told = cpu::current().and_then(|number| CpuId::new(number as usize));
    told.unwrap_or_else(|| panic!("a CPU does not know its number"))
}
