//! What the main code of CPU 0 does: cut the file, hand out the pieces, sum the findings.

use latchless::ring::PushError;
use latchless::stack::Exhausted;

use super::serve::Hand;
use super::{MIN_TICKS, Piece, Pipeline, Platform};
use crate::cpu::CpuId;
use crate::line::Progress;
use crate::memory::{BUFFER_BYTES, BUFFERS, Buffer, Sample};
use crate::merge::Merger;
use crate::tally::{Event, Structure};
use crate::text::Totals;

/// Small files are cut so finely that there are pieces for everyone, but not finer than this.
const MIN_PIECE_BYTES: usize = 64;
/// CPU 0's own timer is the clock that tells when to report progress: a tick is cheaper to read.
const TICKS_PER_REPORT: u64 = 25;

/// What CPU 0 found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the first pass says of the file.
    pub totals: Totals,
    /// How often the file was worked through.
    pub passes: u64,
    /// How many of the passes say the same as the first.
    pub agreeing: u64,
    /// Into how many pieces each pass cut the file.
    pub pieces: u64,
    /// Findings that could not be.
    pub strays: u64,
    /// How long it took.
    pub millis: u64,
}

/// The main code of CPU 0.
#[derive(Debug)]
struct Conductor<'a, 'p, P> {
    hand: Hand<'a, 'p, P>,
    input: &'a [u8],
    piece_bytes: usize,
    outcome: Outcome,
    /// What the last report said, and at which tick.
    reported: (Progress, u64),
}

// === impl Pipeline ===

impl Pipeline<'_> {
    /// The main code of CPU 0: works through `input` once, and again until `at_least_millis` have
    /// passed and every CPU had its share of interrupts and of work.
    pub fn conduct<P: Platform>(
        &self,
        input: &[u8],
        at_least_millis: u64,
        platform: &P,
    ) -> Outcome {
        let start = platform.millis();
        let mut conductor = Conductor::new(self, input, platform);
        loop {
            let totals = conductor.pass();
            let outcome = &mut conductor.outcome;
            outcome.note(totals);
            outcome.millis = platform.millis().saturating_sub(start);
            if outcome.millis >= at_least_millis && conductor.everyone_took_part() {
                break;
            }
        }
        self.finish();
        conductor.hand.put_down();
        conductor.outcome
    }
}

// === impl Outcome ===

impl Outcome {
    fn note(&mut self, totals: Totals) {
        if self.passes == 0 {
            self.totals = totals;
        }
        self.passes += 1;
        self.agreeing += u64::from(totals == self.totals);
    }
}

// === impl Conductor ===

impl<'a, 'p, P: Platform> Conductor<'a, 'p, P> {
    fn new(pipeline: &'a Pipeline<'p>, input: &'a [u8], platform: &'a P) -> Self {
        let piece_bytes = piece_bytes(input.len());
        let pieces = input.len().div_ceil(piece_bytes) as u64;
        Self {
            hand: Hand::new(pipeline, CpuId::FIRST, platform),
            input,
            piece_bytes,
            outcome: Outcome { pieces, ..Outcome::default() },
            reported: (Progress::default(), 0),
        }
    }

    /// Works through the file once.
    fn pass(&mut self) -> Totals {
        let pieces = self.outcome.pieces;
        let mut merger = Merger::<BUFFERS>::new();
        let mut handed_out = 0;
        let mut kept = None;
        loop {
            let mut worked = false;
            // No further ahead of the oldest missing finding than the merger can hold back.
            while handed_out - merger.merged() < BUFFERS as u64 {
                let Some(piece) = kept.take().or_else(|| self.cut(handed_out)) else { break };
                match self.hand_out(piece) {
                    Ok(()) => handed_out += 1,
                    Err(piece) => {
                        kept = Some(piece);
                        break;
                    }
                }
                worked = true;
            }
            worked |= self.hand.compute();
            worked |= self.sum(&mut merger);
            worked |= self.hand.collect();
            self.report(merger.totals().bytes);
            // Before the end of the pass: there may be nothing to do in all of it.
            self.hand.rest_unless(worked);
            if merger.merged() == pieces {
                return merger.totals();
            }
        }
    }

    /// Copies the piece number `sequence` of the file into a buffer, if there are both.
    fn cut(&self, sequence: u64) -> Option<Piece<'p>> {
        let Hand { pipeline, desk, .. } = self.hand;
        let bytes = self.input.chunks(self.piece_bytes).nth(sequence as usize)?;
        let buffer = Buffer::from_slice(bytes).ok()?;
        let alloc = || pipeline.memory.buffers.alloc(buffer).ok();
        let Some(text) = desk.during(Structure::Buffers, alloc) else {
            desk.count(Event::BuffersExhausted);
            return None;
        };
        desk.count(Event::BufferTaken);
        Some(Piece { sequence, text })
    }

    /// Puts a piece into the work ring.
    fn hand_out(&self, piece: Piece<'p>) -> Result<(), Piece<'p>> {
        let Hand { pipeline, desk, .. } = self.hand;
        // Counted before it can be summed, and so taken back if it was not handed out.
        desk.during(Structure::Counters, || pipeline.shared.under_way.inc());
        let pushed = desk.during(Structure::Work, || pipeline.work.push(piece));
        match &pushed {
            Ok(()) => desk.count(Event::WorkPushed),
            Err(_) => {
                desk.count(Event::WorkFull);
                desk.during(Structure::Counters, || pipeline.shared.under_way.sub(1));
            }
        }
        pushed.map_err(PushError::into_inner)
    }

    /// Sums the findings that have come in.
    fn sum(&mut self, merger: &mut Merger<BUFFERS>) -> bool {
        let Hand { pipeline, desk, .. } = self.hand;
        let mut any = false;
        while let Some(finding) = desk.during(Structure::Findings, || pipeline.findings.pop()) {
            any = true;
            desk.count(Event::FindingPopped);
            desk.during(Structure::Counters, || pipeline.shared.under_way.sub(1));
            if merger.accept(finding.sequence, finding.census).is_err() {
                self.outcome.strays += 1;
            }
            self.publish();
        }
        any
    }

    /// Shows every interrupt how many findings were summed.
    fn publish(&self) {
        let Hand { pipeline, desk, .. } = self.hand;
        let latest = Sample::new(CpuId::FIRST, desk.get(Event::FindingPopped), 0);
        match desk.during(Structure::Latest, || pipeline.latest.store(latest)) {
            Ok(()) => desk.count(Event::LatestStored),
            Err(Exhausted(_)) => desk.count(Event::LatestExhausted),
        }
    }

    /// Tells the platform how far the work is, if it is further than it was a while ago.
    fn report(&mut self, done_bytes: u64) {
        let now = self.hand.desk.get(Event::Tick);
        let (last, last_tick) = self.reported;
        if now - last_tick < TICKS_PER_REPORT {
            return;
        }
        let progress = Progress {
            pass: self.outcome.passes + 1,
            done_bytes,
            file_bytes: self.input.len() as u64,
        };
        if progress != last {
            self.reported = (progress, now);
            self.hand.platform.progress(&progress);
        }
    }

    /// Whether every CPU was interrupted often enough, and had a piece if there are that many.
    fn everyone_took_part(&self) -> bool {
        let pipeline = self.hand.pipeline;
        let cpus = pipeline.cpus();
        let enough_for_all = self.outcome.pieces >= cpus as u64;
        CpuId::first(cpus).all(|cpu| {
            let desk = pipeline.tally.desk(cpu);
            let had_a_piece = desk.get(Event::WorkPopped) > 0;
            desk.get(Event::Tick) >= MIN_TICKS && (had_a_piece || !enough_for_all)
        })
    }
}

/// How many bytes each piece of a file of `bytes` has, but for the last.
fn piece_bytes(bytes: usize) -> usize {
    // A multiple of what may be under way at once, so that pieces overtake each other.
    (bytes / (4 * BUFFERS)).clamp(MIN_PIECE_BYTES, BUFFER_BYTES)
}
