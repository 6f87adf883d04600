//! What the main code of every CPU does: compute pieces and collect what interrupts left.

use latchless::arch;
use latchless::mem::Backoff;

use super::{Finding, Pipeline, Platform, Receiver};
use crate::cpu::CpuId;
use crate::memory::Sample;
use crate::tally::{Desk, Event, Structure};
use crate::text::Census;

/// So many rounds without work pass quickly before a CPU asks the platform to let time pass.
const RESTLESS_ROUNDS: u32 = 1000;
/// A round takes so many alarms at most, so that the pieces do not wait for them.
const ALARMS_PER_ROUND: usize = 4;

/// A CPU at work.
#[derive(Debug)]
pub(super) struct Hand<'a, 'p, P> {
    pub(super) pipeline: &'a Pipeline<'p>,
    pub(super) desk: &'a Desk,
    pub(super) platform: &'a P,
    cpu: CpuId,
    receiver: Option<Receiver<'p>>,
    rounds_without_work: u32,
}

// === impl Pipeline ===

impl Pipeline<'_> {
    /// The main code of a CPU other than CPU 0: returns when CPU 0 is finished.
    pub fn serve<P: Platform>(&self, cpu: CpuId, platform: &P) {
        let mut hand = Hand::new(self, cpu, platform);
        while !self.is_finished() {
            let worked = hand.compute();
            let collected = hand.collect();
            hand.rest_unless(worked || collected);
        }
        hand.put_down();
    }
}

// === impl Hand ===

impl<'a, 'p, P: Platform> Hand<'a, 'p, P> {
    pub(super) fn new(pipeline: &'a Pipeline<'p>, cpu: CpuId, platform: &'a P) -> Self {
        let desk = pipeline.tally.desk(cpu);
        let source = cpu.predecessor(pipeline.cpus());
        let receiver = pipeline.receivers[source].pop();
        if receiver.is_none() {
            desk.count(Event::EndMissing);
        }
        Self { pipeline, desk, platform, cpu, receiver, rounds_without_work: 0 }
    }

    /// Computes a piece, if one is waiting.
    pub(super) fn compute(&mut self) -> bool {
        let Self { pipeline, desk, .. } = *self;
        let Some(piece) = desk.during(Structure::Work, || pipeline.work.pop()) else {
            return false;
        };
        desk.count(Event::WorkPopped);
        self.platform.on_piece(self.cpu);

        let census = Census::of(&piece.text);
        let bytes = piece.text.len() as u64;
        desk.during(Structure::Counters, || {
            pipeline.shared.bytes.add(bytes);
            pipeline.shared.sharded.shard(self.cpu.number()).add(bytes);
        });
        desk.add(Event::Byte, bytes);

        let sequence = piece.sequence;
        desk.during(Structure::Buffers, || drop(piece.text));
        desk.count(Event::BufferFreed);
        self.send(Finding { sequence, census });
        true
    }

    /// Sends a finding to CPU 0.
    ///
    /// No more findings than the ring has slots are ever under way. Still a push may meet a ring
    /// that looks full while another CPU is in the midst of an operation, and then is repeated.
    fn send(&self, mut finding: Finding) {
        let Self { pipeline, desk, .. } = *self;
        let mut backoff = Backoff::new();
        loop {
            match desk.during(Structure::Findings, || pipeline.findings.push(finding)) {
                Ok(()) => break desk.count(Event::FindingPushed),
                Err(error) => finding = error.into_inner(),
            }
            desk.count(Event::FindingFull);
            backoff.wait();
        }
    }

    /// Takes what is in the predecessor's lane, and some alarms.
    pub(super) fn collect(&mut self) -> bool {
        let Self { pipeline, desk, .. } = *self;
        let mut any = false;
        if let Some(receiver) = &mut self.receiver {
            while let Some(sample) = desk.during(Structure::Lanes, || receiver.consumer.pop()) {
                any = true;
                desk.count(Event::LanePopped);
                receiver.check(desk, sample);
            }
        }
        for _ in 0..ALARMS_PER_ROUND {
            let Some(slot) = desk.during(Structure::Alarms, || pipeline.alarms.pop()) else {
                break;
            };
            any = true;
            desk.count(Event::AlarmPopped);
            if !slot.is_whole() {
                desk.count(Event::Torn);
            }
            desk.during(Structure::Samples, || drop(slot));
            desk.count(Event::SampleFreed);
        }
        any
    }

    /// Lets time pass if there was nothing to do for a while.
    pub(super) fn rest_unless(&mut self, worked: bool) {
        if worked {
            self.rounds_without_work = 0;
        } else if self.rounds_without_work < RESTLESS_ROUNDS {
            self.rounds_without_work += 1;
            arch::pause();
        } else {
            self.platform.idle();
        }
    }

    /// Puts the receiving end back where it rested.
    pub(super) fn put_down(self) {
        if let Some(receiver) = self.receiver {
            receiver.put_back(self.pipeline, self.desk);
        }
    }
}

// === impl Receiver ===

impl<'p> Receiver<'p> {
    fn check(&mut self, desk: &Desk, sample: Sample) {
        desk.add(Event::Waiting, sample.waiting());
        if !sample.is_whole() {
            desk.count(Event::Torn);
        }
        if sample.cpu() != self.source || sample.sequence() != self.next {
            desk.count(Event::Misplaced);
        }
        self.next = sample.sequence() + 1;
    }

    /// Takes what is left in the lane after its interrupts have stopped.
    pub(crate) fn drain(&mut self, desk: &Desk) {
        while let Some(sample) = self.consumer.pop() {
            desk.count(Event::LaneLeft);
            self.check(desk, sample);
        }
    }

    pub(crate) fn put_back(self, pipeline: &Pipeline<'p>, desk: &Desk) {
        let rest = &pipeline.receivers[self.source];
        if rest.push(self).is_err() {
            desk.count(Event::EndMissing);
        }
    }
}
