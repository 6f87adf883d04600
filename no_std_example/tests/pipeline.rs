//! The pipeline on threads whose interrupts come when they have a piece in their hands or nothing
//! to do. (Interrupts at any instruction: `cargo xtask demo`, with and without `--hosted`.)

use std::thread;
use std::time::Instant;

use no_std_example::audit::Audit;
use no_std_example::cpu::CpuId;
use no_std_example::line::Progress;
use no_std_example::memory::{Memory, Sample};
use no_std_example::pipeline::{MIN_TICKS, Outcome, Pipeline, Platform};
use no_std_example::report::Report;
use no_std_example::tally::Event;
use no_std_example::text::Census;
use proptest::prelude::*;

/// A CPU that interrupts itself.
struct Cpu<'a> {
    pipeline: &'a Pipeline<'static>,
    cpu: CpuId,
    start: Instant,
}

impl Platform for Cpu<'_> {
    fn millis(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn idle(&self) {
        self.pipeline.tick(self.cpu);
        thread::yield_now();
    }

    fn progress(&self, progress: &Progress) {
        assert!(progress.done_bytes <= progress.file_bytes);
    }

    fn on_piece(&self, cpu: CpuId) {
        assert_eq!(cpu, self.cpu);
        self.pipeline.tick(cpu);
    }
}

/// Lets `cpus` threads work on `text`, and `mischief` be done before stock is taken.
fn run(
    pipeline: &Pipeline<'static>,
    cpus: usize,
    text: &[u8],
    mischief: impl FnOnce(),
) -> (Outcome, Audit) {
    assert!(pipeline.open(cpus).is_ok());
    let start = Instant::now();
    let outcome = thread::scope(|scope| {
        for cpu in CpuId::first(cpus).skip(1) {
            scope.spawn(move || {
                pipeline.serve(cpu, &Cpu { pipeline, cpu, start });
                pipeline.leave();
            });
        }
        pipeline.conduct(text, 0, &Cpu { pipeline, cpu: CpuId::FIRST, start })
    });
    assert!(pipeline.all_left());
    mischief();
    let audit = pipeline.audit(&outcome, text.len() as u64);
    (outcome, audit)
}

#[test]
fn every_number_of_cpus_finds_the_same() {
    let text = "many a word\nin a line ".repeat(1000);
    for cpus in [1, 2, 3, 8] {
        let memory: &'static Memory = Box::leak(Box::new(Memory::new()));
        let pipeline = Pipeline::new(memory);
        let (outcome, audit) = run(&pipeline, cpus, text.as_bytes(), || ());
        assert!(audit.passed(), "{}", Report { pipeline: &pipeline, outcome, audit: &audit });
        assert_eq!(outcome.totals, Census::of(text.as_bytes()).totals());
        assert!(outcome.pieces > 64, "more pieces than can be under way");
        for cpu in CpuId::first(cpus) {
            let desk = pipeline.tally().desk(cpu);
            assert!(desk.get(Event::Tick) >= MIN_TICKS && desk.get(Event::WorkPopped) > 0);
        }
    }
}

#[test]
fn an_empty_file_is_worked_through_too() {
    static MEMORY: Memory = Memory::new();
    static PIPELINE: Pipeline<'static> = Pipeline::new(&MEMORY);
    let (outcome, audit) = run(&PIPELINE, 2, b"", || ());
    assert!(audit.passed(), "{audit}");
    assert_eq!((outcome.totals, outcome.pieces), (Census::EMPTY.totals(), 0));
}

#[test]
fn a_slot_that_was_lost_is_missed() {
    static MEMORY: Memory = Memory::new();
    static PIPELINE: Pipeline<'static> = Pipeline::new(&MEMORY);
    let lose = || core::mem::forget(MEMORY.samples.alloc(Sample::new(CpuId::FIRST, 0, 0)));
    let (_, audit) = run(&PIPELINE, 1, b"text", lose);
    assert!(!audit.passed());
    let failed = audit.to_string().lines().filter(|line| line.contains("FAILED")).count();
    assert_eq!(failed, 1, "{audit}");
}

#[test]
fn a_tick_that_was_not_counted_by_all_is_missed() {
    static MEMORY: Memory = Memory::new();
    static PIPELINE: Pipeline<'static> = Pipeline::new(&MEMORY);
    let count = || PIPELINE.tally().desk(CpuId::FIRST).count(Event::Tick);
    let (_, audit) = run(&PIPELINE, 1, b"text", count);
    assert!(!audit.passed(), "{audit}");
}

#[test]
fn a_pipeline_opens_once_and_for_a_number_it_can_have() {
    static MEMORY: Memory = Memory::new();
    static PIPELINE: Pipeline<'static> = Pipeline::new(&MEMORY);
    assert!(PIPELINE.open(0).is_err());
    assert!(PIPELINE.open(33).is_err());
    assert!(PIPELINE.open(32).is_ok());
    assert!(PIPELINE.open(32).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_bytes_are_counted_right(bytes in prop::collection::vec(any::<u8>(), 0..10_000)) {
        let memory: &'static Memory = Box::leak(Box::new(Memory::new()));
        let pipeline = Pipeline::new(memory);
        let (outcome, audit) = run(&pipeline, 2, &bytes, || ());
        prop_assert!(audit.passed(), "{}", audit);
        prop_assert_eq!(outcome.totals, Census::of(&bytes).totals());
    }
}
