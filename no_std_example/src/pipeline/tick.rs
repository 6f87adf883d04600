//! In the middle of everything: what the timer interrupt of every CPU does.

use latchless::ring::Full;

use super::Pipeline;
use crate::cpu::CpuId;
use crate::memory::Sample;
use crate::tally::{Desk, Event};

/// At every so many ticks an interrupt also takes an alarm, so that it pops and frees as well as it
/// pushes and allocates.
const TICKS_PER_TAKEN_ALARM: u64 = 4;

// === impl Pipeline ===

impl Pipeline<'_> {
    /// The timer interrupt of `cpu`: to be called on that CPU only, and not from within itself.
    ///
    /// It never waits, whatever operation it interrupts.
    pub fn tick(&self, cpu: CpuId) {
        let desk = self.tally.desk(cpu);
        desk.strike();
        desk.count(Event::Tick);
        self.shared.ticks.inc();
        self.shared.sharded.shard(cpu.number()).inc();

        let waiting = self.work.len() as u64;
        self.shared.waiting.record(waiting);
        self.send_sample(cpu, desk, waiting);
        let ticks = desk.get(Event::Tick);
        self.raise_alarm(desk, Sample::new(cpu, ticks, waiting));
        if ticks % TICKS_PER_TAKEN_ALARM == 0 {
            self.take_alarm(desk);
        }
        self.read_latest(desk);
    }

    /// Pushes a sample into the CPU's own lane.
    fn send_sample(&self, cpu: CpuId, desk: &Desk, waiting: u64) {
        let rest = &self.senders[cpu];
        let Some(mut sender) = rest.pop() else {
            desk.count(Event::EndMissing);
            return;
        };
        match sender.producer.push(Sample::new(cpu, sender.next, waiting)) {
            Ok(()) => {
                sender.next += 1;
                desk.count(Event::LanePushed);
            }
            // The neighbour is behind. The number was not used: the next sample bears it.
            Err(Full(_)) => desk.count(Event::LaneFull),
        }
        if rest.push(sender).is_err() {
            desk.count(Event::EndMissing);
        }
    }

    /// Puts a sample into a slot of the pool and the slot into the ring of alarms.
    fn raise_alarm(&self, desk: &Desk, sample: Sample) {
        let Ok(slot) = self.memory.samples.alloc(sample) else {
            desk.count(Event::SamplesExhausted);
            return;
        };
        desk.count(Event::SampleTaken);
        match self.alarms.push(slot) {
            Ok(()) => desk.count(Event::AlarmPushed),
            Err(error) => {
                desk.count(Event::AlarmFull);
                drop(error.into_inner());
                desk.count(Event::SampleFreedByInterrupt);
            }
        }
    }

    /// Takes any CPU's alarm off the ring and frees its slot.
    fn take_alarm(&self, desk: &Desk) {
        if let Some(slot) = self.alarms.pop() {
            desk.count(Event::AlarmPoppedByInterrupt);
            if !slot.is_whole() {
                desk.count(Event::Torn);
            }
            drop(slot);
            desk.count(Event::SampleFreedByInterrupt);
        }
    }

    /// Looks at what CPU 0 knows last, which may be in the midst of replacing it.
    fn read_latest(&self, desk: &Desk) {
        let latest = self.latest.load();
        desk.count(Event::LatestRead);
        if !latest.is_whole() {
            desk.count(Event::Torn);
        }
    }
}
