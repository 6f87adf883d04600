//! What the pipeline asks of the machine, and how the machine goes wrong on purpose.

use core::arch::asm;
use core::fmt::Write as _;

use heapless::String;
use no_std_example::cpu::CpuId;
use no_std_example::line::{Line, Progress};
use no_std_example::options::{Fault, Options};
use no_std_example::pipeline::Platform;
use x86_64::instructions::hlt;

use super::{clock, serial};

/// Room for the longest line of progress: a word and three numbers of 64 bits.
const LINE_BYTES: usize = 80;

/// The machine that the image runs on.
pub(super) struct Machine {
    cpus: usize,
    options: Options,
}

// === impl Machine ===

impl Machine {
    pub(super) fn new(cpus: usize, options: Options) -> Self {
        Self { cpus, options }
    }
}

impl Platform for Machine {
    fn millis(&self) -> u64 {
        clock::micros() / 1000
    }

    /// Sleeps until the next interrupt, which the timer sees to.
    fn idle(&self) {
        hlt();
    }

    fn progress(&self, progress: &Progress) {
        // Formatted first, so that the console is held for as short as can be.
        let mut line = String::<LINE_BYTES>::new();
        if write!(line, "{}", Line::Progress(*progress)).is_ok() {
            serial::say(format_args!("{line}"));
        }
    }

    fn on_piece(&self, cpu: CpuId) {
        if cpu.number() + 1 != self.cpus {
            return;
        }
        match self.options.fault {
            Some(Fault::Panic) => panic!("on purpose"),
            Some(Fault::Exception) => access_nowhere(),
            Some(Fault::Hang) => loop {
                hlt();
            },
            Some(Fault::Figure | Fault::Leak) | None => {}
        }
    }
}

/// Reads where nothing is mapped: boot.s maps the first 4 GiB.
fn access_nowhere() {
    const NOWHERE: u64 = 5 << 30;
    // SAFETY: the CPU raises an exception before anything is read, and its handler ends the image.
    unsafe {
        asm!(
            "mov {value}, [{address}]",
            address = in(reg) NOWHERE,
            value = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
}
