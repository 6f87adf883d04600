//! The image, from the first instruction to the last.

mod apic;
mod boot;
mod clock;
mod ending;
mod exception;
mod platform;
mod pvh;
mod rt;
mod serial;
mod smp;
mod tables;

use latchless::atomic::{AtomicBool, Ordering};
use no_std_example::cpu::CpuId;
use no_std_example::exit::Exit;
use no_std_example::line::Line;
use no_std_example::memory::{Memory, Sample};
use no_std_example::options::{Fault, Options, UnknownWord};
use no_std_example::pipeline::{Outcome, Pipeline};
use no_std_example::report::Report;
use spin::Once;
use x86_64::instructions::interrupts;

use exception::exception;
use platform::Machine;

static MEMORY: Memory = Memory::new();
static PIPELINE: Pipeline<'static> = Pipeline::new(&MEMORY);
static MACHINE: Once<Machine> = Once::new();

/// CPU 0 lets the others begin.
static BEGIN: AtomicBool = AtomicBool::new(false);

/// The first CPU, called by boot.s.
extern "C" fn first_cpu(start_info: u32) -> ! {
    serial::init();
    // SAFETY: boot.s passes on what the loader passed; nothing but the image was written since.
    let handover = unsafe { pvh::handover(start_info) };
    let options = Options::parse(handover.command_line).unwrap_or_else(|UnknownWord(word)| {
        ending::fail(Exit::BadCommandLine, format_args!("command line: `{word}` means nothing"))
    });

    apic::mask_legacy_controllers();
    clock::init();
    apic::calibrate();
    let cpus = smp::count();
    let machine = MACHINE.call_once(|| Machine::new(cpus, options));
    if let Err(error) = PIPELINE.open(cpus) {
        panic!("{error}");
    }
    smp::enter(CpuId::FIRST);
    smp::start(cpus);
    serial::say(format_args!("CPUs online: {cpus}, bytes handed over: {}", handover.file.len()));

    // ORDERING: Release; the others see the pipeline open and the machine described.
    BEGIN.store(true, Ordering::Release);
    take_interrupts();
    let outcome = PIPELINE.conduct(handover.file, options.stress_millis(), machine);
    while !PIPELINE.all_left() {
        latchless::arch::pause();
    }
    refuse_interrupts();
    tell(outcome, handover.file.len() as u64, options.fault)
}

/// Every other CPU, called by boot.s.
extern "C" fn other_cpu(number: u32) -> ! {
    let Some(cpu) = CpuId::new(number as usize) else {
        panic!("more CPUs started than there are");
    };
    smp::enter(cpu);
    // ORDERING: Acquire, with the store in `first_cpu`.
    while !BEGIN.load(Ordering::Acquire) {
        latchless::arch::pause();
    }
    let Some(machine) = MACHINE.get() else {
        panic!("CPU {cpu} began before the machine was described");
    };
    take_interrupts();
    PIPELINE.serve(cpu, machine);
    refuse_interrupts();
    PIPELINE.leave();
    ending::halt()
}

/// The timer interrupt of every CPU, called by boot.s.
extern "C" fn timer_tick() {
    PIPELINE.tick(smp::current());
    apic::end_interrupt();
}

fn take_interrupts() {
    apic::start_timer();
    interrupts::enable();
}

fn refuse_interrupts() {
    interrupts::disable();
    apic::stop_timer();
}

/// Tells the host and the person what came of it.
fn tell(outcome: Outcome, file_bytes: u64, fault: Option<Fault>) -> ! {
    let mut totals = outcome.totals;
    match fault {
        Some(Fault::Figure) => totals.words += 1,
        Some(Fault::Leak) => {
            core::mem::forget(MEMORY.samples.alloc(Sample::new(CpuId::FIRST, 0, 0)))
        }
        _ => {}
    }
    let audit = PIPELINE.audit(&outcome, file_bytes);
    let passed = audit.passed();
    serial::say(format_args!("{}", Report { pipeline: &PIPELINE, outcome, audit: &audit }));
    serial::say(format_args!("{}", Line::Totals(totals)));
    serial::say(format_args!("{}", Line::Verdict { passed }));
    ending::exit(if passed { Exit::Passed } else { Exit::ChecksFailed })
}
