//! Who did what how often: a desk for each CPU, with a counter for each kind of event.
//!
//! The counters are latchless ones, although most have one writer: main code and the interrupt of
//! a CPU share its desk, and a lost update would show as a failed audit.

use core::sync::atomic::compiler_fence;

use latchless::atomic::{AtomicU8, Ordering};
use latchless::counter::Counter;
use latchless::mem::CachePadded;

use crate::cpu::{CpuId, MAX_CPUS, PerCpu};

/// What may happen on a CPU. Those that say so happen in its timer interrupt, all others in its
/// main code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Event {
    /// Interrupt: the timer fired.
    Tick,
    /// One byte of a piece was computed.
    Byte,
    /// Interrupt: a sample went into the CPU's lane.
    LanePushed,
    /// Interrupt: the lane was full, the sample was dropped.
    LaneFull,
    /// A sample came out of the predecessor's lane.
    LanePopped,
    /// A sample was still in the CPU's lane at the end.
    LaneLeft,
    /// A piece that a popped sample says was waiting in the work ring.
    Waiting,
    /// Interrupt: an alarm was raised.
    AlarmPushed,
    /// Interrupt: the ring of alarms was full, the alarm was dropped.
    AlarmFull,
    /// Interrupt: an alarm was taken.
    AlarmPoppedByInterrupt,
    /// An alarm was taken.
    AlarmPopped,
    /// An alarm was still in its ring at the end.
    AlarmLeft,
    /// Interrupt: a slot for a sample was allocated.
    SampleTaken,
    /// Interrupt: there was no slot for a sample.
    SamplesExhausted,
    /// Interrupt: a sample's slot was freed.
    SampleFreedByInterrupt,
    /// A sample's slot was freed.
    SampleFreed,
    /// A buffer was allocated.
    BufferTaken,
    /// There was no buffer.
    BuffersExhausted,
    /// A buffer was freed.
    BufferFreed,
    /// A piece went into the work ring.
    WorkPushed,
    /// The work ring was full, the piece was kept.
    WorkFull,
    /// A piece came out of the work ring.
    WorkPopped,
    /// A finding was sent.
    FindingPushed,
    /// The ring of findings was full, the finding was kept.
    FindingFull,
    /// A finding was received.
    FindingPopped,
    /// The snapshot was replaced.
    LatestStored,
    /// Wrong: there was no slot for the next snapshot.
    LatestExhausted,
    /// Interrupt: the snapshot was read.
    LatestRead,
    /// Wrong: a sample was out of order, or in another CPU's lane.
    Misplaced,
    /// Wrong: a sample was not as it had been made.
    Torn,
    /// Wrong: the end of a lane was not in its place when it was needed.
    EndMissing,
}

/// What an operation is performed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Structure {
    /// The shared counters.
    Counters,
    /// The SPSC lanes of the interrupts.
    Lanes,
    /// The ring of alarms.
    Alarms,
    /// The pool of sample slots.
    Samples,
    /// The pool of buffers.
    Buffers,
    /// The ring of pieces.
    Work,
    /// The ring of findings.
    Findings,
    /// The snapshot.
    Latest,
}

/// What happened on one CPU.
#[derive(Debug)]
pub struct Desk {
    events: [Counter; Event::COUNT],
    /// The structure that the CPU's main code is operating on, as a number.
    operating_on: AtomicU8,
    /// How often an interrupt struck while the main code was operating on each structure.
    struck: [Counter; Structure::COUNT],
}

/// What happened on every CPU.
#[derive(Debug)]
pub struct Tally(PerCpu<CachePadded<Desk>>);

const NOTHING: u8 = u8::MAX;

// === impl Event ===

impl Event {
    const COUNT: usize = Self::EndMissing as usize + 1;
}

// === impl Structure ===

impl Structure {
    const COUNT: usize = Self::Latest as usize + 1;
}

// === impl Desk ===

impl Desk {
    const fn new() -> Self {
        Self {
            events: [const { Counter::new() }; Event::COUNT],
            operating_on: AtomicU8::new(NOTHING),
            struck: [const { Counter::new() }; Structure::COUNT],
        }
    }

    /// Notes that `event` happened.
    pub fn count(&self, event: Event) {
        self.add(event, 1);
    }

    /// Notes that `event` happened `times` times.
    pub fn add(&self, event: Event, times: u64) {
        self.counter(event).add(times);
    }

    /// How often `event` happened.
    #[must_use]
    pub fn get(&self, event: Event) -> u64 {
        self.counter(event).get()
    }

    /// Performs the main code's `operation` on `structure`, so that an interrupt in its midst is
    /// noted.
    pub fn during<R>(&self, structure: Structure, operation: impl FnOnce() -> R) -> R {
        // ORDERING: Relaxed here and in `strike`; the two sides run on one CPU, where the compiler
        // alone could move the marks away from the operation that they enclose.
        self.operating_on.store(structure as u8, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        let result = operation();
        compiler_fence(Ordering::SeqCst);
        self.operating_on.store(NOTHING, Ordering::Relaxed);
        result
    }

    /// Interrupt: notes what the main code was operating on.
    pub fn strike(&self) {
        let structure = self.operating_on.load(Ordering::Relaxed);
        if let Some(counter) = self.struck.get(usize::from(structure)) {
            counter.inc();
        }
    }

    /// How often an interrupt struck in the midst of an operation on `structure`.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "there is a counter for each structure")]
    pub fn struck(&self, structure: Structure) -> u64 {
        self.struck[structure as usize].get()
    }

    #[expect(clippy::indexing_slicing, reason = "there is a counter for each event")]
    fn counter(&self, event: Event) -> &Counter {
        &self.events[event as usize]
    }
}

// === impl Tally ===

impl Tally {
    /// A tally in which nothing has happened.
    #[must_use]
    pub const fn new() -> Self {
        Self(PerCpu([const { CachePadded::new(Desk::new()) }; MAX_CPUS]))
    }

    /// The desk of `cpu`.
    #[must_use]
    pub fn desk(&self, cpu: CpuId) -> &Desk {
        &self.0[cpu]
    }

    /// How often `event` happened on any CPU.
    #[must_use]
    pub fn sum(&self, event: Event) -> u64 {
        self.0.0.iter().map(|desk| desk.get(event)).sum()
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_in_the_midst_of_an_operation_is_noted() {
        let desk = Desk::new();
        desk.strike();
        desk.during(Structure::Work, || desk.strike());
        desk.strike();
        assert_eq!(desk.struck(Structure::Work), 1);
        assert_eq!(desk.struck(Structure::Counters), 0);
    }

    #[test]
    fn a_sum_is_over_all_cpus() {
        let tally = Tally::new();
        for cpu in CpuId::first(MAX_CPUS) {
            tally.desk(cpu).add(Event::Byte, 2);
        }
        tally.desk(CpuId::FIRST).count(Event::Tick);
        assert_eq!(tally.sum(Event::Byte), 2 * MAX_CPUS as u64);
        assert_eq!(tally.sum(Event::Tick), 1);
    }
}
