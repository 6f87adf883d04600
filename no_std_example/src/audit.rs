//! What must be true at the end: whatever went in anywhere has come out, in order and whole.

use core::fmt;
use core::iter;

use latchless::stack::Pool;

use crate::cpu::CpuId;
use crate::memory::{BUFFERS, Buffer, SAMPLES, Sample};
use crate::pipeline::{LATEST, MIN_TICKS, Outcome, Pipeline};
use crate::tally::Event;

/// The most checks that an audit makes.
const MAX_CHECKS: usize = 32;

/// Two figures that must be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    claim: &'static str,
    figure: u64,
    expected: u64,
}

/// Every check of a run.
#[derive(Debug)]
pub struct Audit {
    checks: heapless::Vec<Check, MAX_CHECKS>,
}

/// What was still somewhere when everybody had left.
#[derive(Debug)]
struct Remains {
    lane_ends: u64,
    pieces: u64,
}

// === impl Pipeline ===

impl Pipeline<'_> {
    /// Takes stock; to be called by CPU 0 when every CPU has left and no interrupt will come.
    #[must_use]
    pub fn audit(&self, outcome: &Outcome, file_bytes: u64) -> Audit {
        let remains = self.clear();
        let sum = |event| self.tally.sum(event);
        let cpus = self.cpus();
        let is_ticking = |&cpu: &CpuId| self.tally.desk(cpu).get(Event::Tick) >= MIN_TICKS;
        let ticking = CpuId::first(cpus).filter(is_ticking).count() as u64;

        let mut audit = Audit { checks: heapless::Vec::new() };
        let mut equal = |claim, figure, expected| audit.push(claim, figure, expected);

        equal("CPUs that their timer interrupted often", ticking, cpus as u64);
        equal("ticks: sum of the CPUs = shared counter", sum(Event::Tick), self.shared.ticks.get());
        equal("bytes: sum of the CPUs = shared counter", sum(Event::Byte), self.shared.bytes.get());
        let events = sum(Event::Tick) + sum(Event::Byte);
        equal("ticks and bytes: sum of the cells", self.shared.sharded.sum(), events);
        equal(
            "waiting pieces: values recorded = ticks",
            self.shared.waiting.count(),
            sum(Event::Tick),
        );
        equal("bytes computed = passes x file", sum(Event::Byte), outcome.passes * file_bytes);
        equal("pieces counted as under way at the end", self.shared.under_way.get(), 0);

        let popped = sum(Event::LanePopped) + sum(Event::LaneLeft);
        equal("lanes: popped or left = pushed", popped, sum(Event::LanePushed));
        equal("lanes: samples out of order", sum(Event::Misplaced), 0);
        equal("lanes: both ends of each at rest", remains.lane_ends, 2 * cpus as u64);
        equal("lanes: ends that were missing", sum(Event::EndMissing), 0);
        let popped = [Event::AlarmPopped, Event::AlarmPoppedByInterrupt, Event::AlarmLeft];
        equal(
            "alarms: popped or left = pushed",
            popped.map(sum).iter().sum(),
            sum(Event::AlarmPushed),
        );
        equal("samples torn on their way", sum(Event::Torn), 0);

        equal(
            "work: pushed = passes x pieces",
            sum(Event::WorkPushed),
            outcome.passes * outcome.pieces,
        );
        equal("work: popped = pushed", sum(Event::WorkPopped), sum(Event::WorkPushed));
        equal(
            "findings: pushed = pieces popped",
            sum(Event::FindingPushed),
            sum(Event::WorkPopped),
        );
        equal("findings: popped = pushed", sum(Event::FindingPopped), sum(Event::FindingPushed));
        equal("findings that could not be", outcome.strays, 0);
        equal("pieces and findings left in the rings", remains.pieces, 0);

        equal("buffers: freed = allocated", sum(Event::BufferFreed), sum(Event::BufferTaken));
        let free = free_slots(&self.memory.buffers, Buffer::new);
        equal("buffers: back in the pool", free, BUFFERS as u64);
        let freed = sum(Event::SampleFreed) + sum(Event::SampleFreedByInterrupt);
        equal("sample slots: freed = allocated", freed, sum(Event::SampleTaken));
        let free = free_slots(&self.memory.samples, || Sample::new(CpuId::FIRST, 0, 0));
        equal("sample slots: back in the pool", free, SAMPLES as u64);

        equal("snapshots: stores refused", sum(Event::LatestExhausted), 0);
        equal("snapshots: reads = ticks", sum(Event::LatestRead), sum(Event::Tick));
        equal(
            "snapshots: the last is shown",
            self.latest.load().sequence(),
            sum(Event::LatestStored),
        );
        equal("snapshots: slots for new ones", self.free_snapshots(), LATEST as u64 - 1);

        equal("passes that agree with the first", outcome.agreeing, outcome.passes);
        audit
    }

    /// How many more values the snapshot takes while all that it had are held on to.
    fn free_snapshots(&self) -> u64 {
        let mut held = heapless::Vec::<_, { LATEST + 1 }>::new();
        while let Ok(before) = self.latest.swap(Sample::new(CpuId::FIRST, 0, 0)) {
            if held.push(before).is_err() {
                // More than there are: a slot was given out twice.
                return u64::MAX;
            }
        }
        held.len() as u64
    }

    /// Takes out what is left in the lanes and rings.
    fn clear(&self) -> Remains {
        let mut lane_ends = 0;
        for cpu in CpuId::first(self.cpus()) {
            let desk = self.tally.desk(cpu);
            if let Some(mut receiver) = self.receivers[cpu].pop() {
                receiver.drain(desk);
                lane_ends += 1;
            }
            lane_ends += u64::from(self.senders[cpu].pop().is_some());
        }
        let desk = self.tally.desk(CpuId::FIRST);
        while let Some(slot) = self.alarms.pop() {
            desk.count(Event::AlarmLeft);
            if !slot.is_whole() {
                desk.count(Event::Torn);
            }
            drop(slot);
            desk.count(Event::SampleFreed);
        }
        let pieces = iter::from_fn(|| self.work.pop()).count();
        let findings = iter::from_fn(|| self.findings.pop()).count();
        Remains { lane_ends, pieces: (pieces + findings) as u64 }
    }
}

/// How many slots of `pool` are free, found out by allocating them all.
fn free_slots<T, const N: usize>(pool: &Pool<T, N>, value: impl Fn() -> T) -> u64 {
    let mut slots = heapless::Vec::<_, N>::new();
    while let Ok(slot) = pool.alloc(value()) {
        if slots.push(slot).is_err() {
            // More than there are: a slot was given out twice.
            return N as u64 + 1;
        }
    }
    slots.len() as u64
}

// === impl Audit ===

impl Audit {
    /// Whether every check holds.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks.iter().all(Check::holds)
    }

    fn push(&mut self, claim: &'static str, figure: u64, expected: u64) {
        let pushed = self.checks.push(Check { claim, figure, expected });
        debug_assert!(pushed.is_ok(), "an audit has at most {MAX_CHECKS} checks");
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.checks.iter().try_for_each(|check| writeln!(f, "{check}"))
    }
}

// === impl Check ===

impl Check {
    /// Whether the figures are equal.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.figure == self.expected
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { claim, figure, expected } = self;
        if self.holds() {
            write!(f, "  ok      {claim:<42} {figure:>14}")
        } else {
            write!(f, "  FAILED  {claim:<42} {figure:>14}, expected {expected}")
        }
    }
}
