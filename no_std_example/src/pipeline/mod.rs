//! The work. Each CPU calls in its order:
//!
//! ```text
//! CPU 0                        the others               every timer interrupt
//! open
//! conduct: feed, compute, sum  serve: compute           tick
//! (wait until all have left)   (stop the timer) leave
//! (stop the timer) audit
//! ```
//!
//! No call waits for a lock. CPU 0 waits for findings, and computes while it waits.

mod feed;
mod serve;
mod tick;

use core::fmt;

use latchless::atomic::{AtomicBool, AtomicUsize, Ordering};
use latchless::counter::histogram::{Histogram, buckets_for};
use latchless::counter::{Counter, ShardedCounter};
use latchless::ring::spsc::{Consumer, Producer};
use latchless::ring::{MpmcRing, SpscRing};
use latchless::snapshot::Snapshot;

use crate::cpu::{CpuId, MAX_CPUS, PerCpu};
use crate::line::Progress;
use crate::memory::{BUFFERS, BufferBox, LANE, Memory, SAMPLES, Sample, SampleBox};
use crate::tally::Tally;
use crate::text::Census;

pub use feed::Outcome;

/// Alarms that wait at most; fewer than there are slots, so that an interrupt can meet a full ring
/// with a slot in its hands.
pub const ALARMS: usize = SAMPLES / 2;
/// Slots for what CPU 0 knows last: the interrupt of every CPU may hold one, one is current, and one is
/// for the next.
pub const LATEST: usize = MAX_CPUS + 2;
/// Each CPU's timer must fire at least this often in a run.
pub const MIN_TICKS: u64 = 250;

/// What the pipeline asks of whatever it runs on.
pub trait Platform {
    /// Milliseconds since some fixed moment.
    fn millis(&self) -> u64;

    /// There is nothing to do: lets a little time pass.
    fn idle(&self);

    /// CPU 0 tells how far it is; called some ten times a second while there is progress.
    fn progress(&self, progress: &Progress);

    /// `cpu` has a piece in its hands.
    fn on_piece(&self, cpu: CpuId) {
        let _ = cpu;
    }
}

/// The rings, and who is at work on them.
#[derive(Debug)]
pub struct Pipeline<'p> {
    pub(crate) memory: &'p Memory,
    pub(crate) tally: Tally,
    pub(crate) work: MpmcRing<Piece<'p>, BUFFERS>,
    pub(crate) findings: MpmcRing<Finding, BUFFERS>,
    pub(crate) alarms: MpmcRing<SampleBox<'p>, ALARMS>,
    /// How many findings CPU 0 has summed, for every interrupt to see.
    pub(crate) latest: Snapshot<Sample, LATEST>,
    /// Where the sending end of each CPU's lane rests between two interrupts.
    ///
    /// An end is exclusive. The interrupt takes it out and puts it back, so that it is proven, not
    /// assumed, that no two interrupts of a CPU are at it together.
    pub(crate) senders: PerCpu<Rest<Sender<'p>>>,
    /// Where the receiving end of each CPU's lane rests before and after its neighbour's work.
    pub(crate) receivers: PerCpu<Rest<Receiver<'p>>>,
    /// Counters that every CPU bumps.
    pub(crate) shared: Shared,
    cpus: AtomicUsize,
    left: AtomicUsize,
    finished: AtomicBool,
}

/// A resting place for one thing.
pub(crate) type Rest<T> = MpmcRing<T, 2>;

/// A piece of the file on its way to a CPU.
#[derive(Debug)]
pub(crate) struct Piece<'p> {
    sequence: u64,
    text: BufferBox<'p>,
}

/// What a CPU found in a piece.
#[derive(Debug)]
pub(crate) struct Finding {
    sequence: u64,
    census: Census,
}

/// An interrupt's end of its lane.
#[derive(Debug)]
pub(crate) struct Sender<'p> {
    producer: Producer<&'p SpscRing<Sample, LANE>>,
    /// The number of the next sample.
    next: u64,
}

/// The main code's end of its predecessor's lane.
#[derive(Debug)]
pub(crate) struct Receiver<'p> {
    consumer: Consumer<&'p SpscRing<Sample, LANE>>,
    source: CpuId,
    /// The number that the next sample must have.
    next: u64,
}

/// Counters that every CPU bumps.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Interrupts.
    pub(crate) ticks: Counter,
    /// Bytes computed.
    pub(crate) bytes: Counter,
    /// Pieces cut and not yet summed: up by one CPU, down by another.
    pub(crate) under_way: Counter,
    /// Interrupts and bytes once more, in a cell for each CPU.
    pub(crate) sharded: ShardedCounter<MAX_CPUS>,
    /// Pieces that each interrupt saw waiting for a CPU.
    pub(crate) waiting: Histogram<{ buckets_for(MOST_WAITING) }>,
}

/// As many pieces are told apart that wait for a CPU; more are taken for more.
const MOST_WAITING: u64 = 255;

/// A pipeline cannot be opened for this many CPUs, or not a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CannotOpen;

// === impl Pipeline ===

impl<'p> Pipeline<'p> {
    /// A pipeline that borrows from `memory`, closed as yet.
    #[must_use]
    pub const fn new(memory: &'p Memory) -> Self {
        Self {
            memory,
            tally: Tally::new(),
            work: MpmcRing::new(),
            findings: MpmcRing::new(),
            alarms: MpmcRing::new(),
            latest: Snapshot::new(Sample::new(CpuId::FIRST, 0, 0)),
            senders: PerCpu([const { MpmcRing::new() }; MAX_CPUS]),
            receivers: PerCpu([const { MpmcRing::new() }; MAX_CPUS]),
            shared: Shared {
                ticks: Counter::new(),
                bytes: Counter::new(),
                under_way: Counter::new(),
                sharded: ShardedCounter::new(),
                waiting: Histogram::new(),
            },
            cpus: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
            finished: AtomicBool::new(false),
        }
    }

    /// Makes ready for `cpus` CPUs; to be called before anything else, and once.
    ///
    /// # Errors
    ///
    /// [`CannotOpen`] if there are no or too many CPUs, or if the memory's lanes are in use.
    pub fn open(&self, cpus: usize) -> Result<(), CannotOpen> {
        if !(1..=MAX_CPUS).contains(&cpus) {
            return Err(CannotOpen);
        }
        for cpu in CpuId::first(cpus) {
            let (producer, consumer) = self.memory.lanes[cpu].try_split().ok_or(CannotOpen)?;
            let sender = Sender { producer, next: 0 };
            let receiver = Receiver { consumer, source: cpu, next: 0 };
            self.senders[cpu].push(sender).map_err(|_| CannotOpen)?;
            self.receivers[cpu].push(receiver).map_err(|_| CannotOpen)?;
        }
        // ORDERING: Release; whoever sees the number sees the ends in their places.
        self.cpus.store(cpus, Ordering::Release);
        Ok(())
    }

    /// How many CPUs the pipeline was opened for.
    #[must_use]
    pub fn cpus(&self) -> usize {
        // ORDERING: Acquire, with the store in `open`.
        self.cpus.load(Ordering::Acquire)
    }

    /// A CPU other than CPU 0 will neither call nor be interrupted into this pipeline again.
    pub fn leave(&self) {
        // ORDERING: Release; whoever sees that all have left sees all that they did.
        self.left.fetch_add(1, Ordering::Release);
    }

    /// Whether every CPU other than CPU 0 has left.
    #[must_use]
    pub fn all_left(&self) -> bool {
        // ORDERING: Acquire, with the additions in `leave`.
        self.left.load(Ordering::Acquire) + 1 >= self.cpus()
    }

    /// What happened so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many pieces each interrupt saw waiting.
    #[must_use]
    pub fn waiting(&self) -> &impl core::fmt::Display {
        &self.shared.waiting
    }

    fn finish(&self) {
        // ORDERING: Release; a CPU that is told to stop sees every piece taken.
        self.finished.store(true, Ordering::Release);
    }

    fn is_finished(&self) -> bool {
        // ORDERING: Acquire, with the store in `finish`.
        self.finished.load(Ordering::Acquire)
    }
}

// === impl CannotOpen ===

impl fmt::Display for CannotOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pipeline opens once, for 1 to {MAX_CPUS} CPUs")
    }
}

impl core::error::Error for CannotOpen {}
