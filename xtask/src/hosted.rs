//! The demo's work on threads instead of CPUs, with signals for interrupts.
//!
//! Each thread has a POSIX timer of its own whose signal is sent to that very thread: it strikes
//! between any two instructions, as an interrupt does, and its handler works on the structures that
//! the thread may be in the midst of operating on.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::libc;
use nix::sys::signal::{
    SaFlags, SigAction, SigEvent, SigHandler, SigSet, SigevNotify, Signal, sigaction,
};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::gettid;
use no_std_example::cpu::CpuId;
use no_std_example::line::{Line, Progress};
use no_std_example::memory::Memory;
use no_std_example::options::Options;
use no_std_example::pipeline::{Pipeline, Platform};
use no_std_example::report::Report;

/// The signal that serves as the timer interrupt.
const INTERRUPT: Signal = Signal::SIGALRM;
const TICK: Duration = Duration::from_millis(1);
/// How long a thread without work lets time pass.
const REST: Duration = Duration::from_micros(100);

static MEMORY: Memory = Memory::new();
static PIPELINE: Pipeline<'static> = Pipeline::new(&MEMORY);

/// A thread's timer interrupt, from creation to [`stop`](Self::stop).
struct Interrupts(Timer);

/// What the pipeline asks of a thread.
struct Host {
    start: Instant,
    /// Only CPU 0 says anything.
    lines: Option<Sender<String>>,
}

/// Starts the work on `cpus` threads, and returns what it says. Once in a process.
pub(crate) fn start(cpus: usize, file: Vec<u8>, options: Options) -> Result<Receiver<String>> {
    PIPELINE.open(cpus)?;
    let action =
        SigAction::new(SigHandler::SigAction(interrupt), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler only calls `tick`, which is made for any context: it takes no lock,
    // allocates nothing and is not interrupted by itself, the signal being blocked meanwhile.
    unsafe { sigaction(INTERRUPT, &action) }.context("cannot handle the timers' signal")?;

    let (sender, receiver) = mpsc::channel();
    for cpu in CpuId::first(cpus).skip(1) {
        let host = Host { start: Instant::now(), lines: None };
        spawn(cpu, move || {
            let interrupts = Interrupts::start(cpu)?;
            PIPELINE.serve(cpu, &host);
            interrupts.stop()?;
            PIPELINE.leave();
            Ok(())
        })?;
    }
    let host = Host { start: Instant::now(), lines: Some(sender) };
    spawn(CpuId::FIRST, move || conduct(&file, options.stress_millis(), &host))?;
    Ok(receiver)
}

/// CPU 0, from the first piece to the verdict.
fn conduct(file: &[u8], at_least_millis: u64, host: &Host) -> Result<()> {
    let interrupts = Interrupts::start(CpuId::FIRST)?;
    let outcome = PIPELINE.conduct(file, at_least_millis, host);
    while !PIPELINE.all_left() {
        thread::yield_now();
    }
    interrupts.stop()?;

    let audit = PIPELINE.audit(&outcome, file.len() as u64);
    let report = Report { pipeline: &PIPELINE, outcome, audit: &audit };
    for line in report.to_string().lines() {
        host.say(&Line::Text(line));
    }
    host.say(&Line::Totals(outcome.totals));
    host.say(&Line::Verdict { passed: audit.passed() });
    Ok(())
}

/// Starts a thread whose failure ends the process: the others would wait for it forever.
fn spawn(cpu: CpuId, work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    let body = move || {
        if let Err(error) = work() {
            eprintln!("error: thread {cpu}: {error:#}");
            std::process::exit(1);
        }
    };
    thread::Builder::new()
        .name(format!("cpu{cpu}"))
        .spawn(body)
        .with_context(|| format!("cannot start a thread for CPU {cpu}"))?;
    Ok(())
}

/// The handler of the signal.
extern "C" fn interrupt(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid description of the signal.
    let info = unsafe { &*info };
    // SAFETY: the signal comes from a timer, which passes the value it was created with.
    let value = unsafe { info.si_value() };
    if let Some(cpu) = CpuId::new(value.sival_ptr.addr()) {
        PIPELINE.tick(cpu);
    }
}

// === impl Interrupts ===

impl Interrupts {
    /// Lets the calling thread be interrupted as `cpu` from now on.
    fn start(cpu: CpuId) -> Result<Self> {
        let notify = SigevNotify::SigevThreadId {
            signal: INTERRUPT,
            thread_id: gettid().as_raw(),
            si_value: cpu.number() as isize,
        };
        let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(notify))
            .context("cannot create a timer")?;
        timer
            .set(Expiration::Interval(TICK.into()), TimerSetTimeFlags::empty())
            .context("cannot start a timer")?;
        Ok(Self(timer))
    }

    /// After this the calling thread is not interrupted any more.
    fn stop(self) -> Result<()> {
        drop(self.0);
        // A signal that was on its way has struck when this returns, or never will.
        SigSet::from(INTERRUPT).thread_block().context("cannot block a signal")
    }
}

// === impl Host ===

impl Host {
    fn say(&self, line: &Line<'_>) {
        if let Some(lines) = &self.lines {
            // Nobody listens any more once the run was given up.
            let _ = lines.send(line.to_string());
        }
    }
}

impl Platform for Host {
    fn millis(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn idle(&self) {
        thread::sleep(REST);
    }

    fn progress(&self, progress: &Progress) {
        self.say(&Line::Progress(*progress));
    }
}
