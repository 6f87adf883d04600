//! A value that every thread reads, and now and then replaces. A read gets hold of the value, looks at
//! all of it, and lets go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use arc_swap::ArcSwap;
use crossbeam_epoch::{Atomic, Owned};
use latchless::snapshot::Snapshot;

use super::queue::leak;
use crate::bench::{Bench, Patience, Sample, Work};
use crate::case::Case;
use crate::contestant::{Contestant, Side};

/// Each word is the same.
type Line = [u64; 8];

pub(super) fn contestants() -> Vec<Contestant> {
    vec![
        Contestant::new("latchless Snapshot", Side::Ours, run::<Snapshot<Line, 16>>),
        Contestant::new("arc-swap", Side::Rival, run::<ArcSwap<Line>>),
        Contestant::new("crossbeam-epoch", Side::Rival, run::<Atomic<Line>>),
        Contestant::new("std RwLock<Arc>", Side::Rival, run::<RwLock<Arc<Line>>>),
        Contestant::new("std RwLock, a copy", Side::Rival, run::<RwLock<Line>>),
        Contestant::new("parking_lot RwLock, a copy", Side::Rival, run::<Locked>),
    ]
}

/// A contestant.
trait Current: Sync + 'static {
    fn open(line: Line) -> Self;
    /// Calls `look` with the current value.
    fn read(&self, look: impl FnOnce(&Line));
    /// Replaces the value, or returns whether it has to be tried again.
    fn replace(&self, line: Line) -> bool;
}

/// Every so many reads a thread replaces the value, so that all contestants do the same work.
const READS_A_REPLACEMENT: u64 = 1024;

fn run<C: Current>(case: &Case, bench: &Bench) -> Sample {
    let threads = case.threads();
    let current: &'static C = leak(C::open([0; 8]));
    bench.measure(threads as u64, |count| {
        let failed = &AtomicBool::new(false);
        let work = (0..threads).map(|_| -> Work<'_> {
            Box::new(move || {
                let mut is_whole = true;
                for turn in 0..count / threads as u64 {
                    if turn % READS_A_REPLACEMENT == 0 {
                        let mut patience = Patience::default();
                        while !current.replace([turn; 8]) {
                            patience.wait();
                        }
                    }
                    current.read(|line| is_whole &= line.iter().all(|word| *word == line[0]));
                }
                failed.fetch_or(!is_whole, Ordering::Relaxed);
            })
        });
        let lap = bench.together(work.collect());
        assert!(!failed.load(Ordering::Relaxed), "half of one value and half of another");
        lap
    })
}

impl Current for Snapshot<Line, 16> {
    fn open(line: Line) -> Self {
        Snapshot::new(line)
    }

    #[inline(always)]
    fn read(&self, look: impl FnOnce(&Line)) {
        look(&self.load());
    }

    #[inline(always)]
    fn replace(&self, line: Line) -> bool {
        self.store(line).is_ok()
    }
}

impl Current for ArcSwap<Line> {
    fn open(line: Line) -> Self {
        Self::from_pointee(line)
    }

    #[inline(always)]
    fn read(&self, look: impl FnOnce(&Line)) {
        look(&self.load());
    }

    #[inline(always)]
    fn replace(&self, line: Line) -> bool {
        self.store(Arc::new(line));
        true
    }
}

impl Current for Atomic<Line> {
    fn open(line: Line) -> Self {
        Self::new(line)
    }

    #[inline(always)]
    fn read(&self, look: impl FnOnce(&Line)) {
        let pin = crossbeam_epoch::pin();
        // SAFETY: the pin keeps what is loaded under it; there is always a value.
        if let Some(line) = unsafe { self.load(Ordering::Acquire, &pin).as_ref() } {
            look(line);
        }
    }

    #[inline(always)]
    fn replace(&self, line: Line) -> bool {
        let pin = crossbeam_epoch::pin();
        let before = self.swap(Owned::new(line), Ordering::AcqRel, &pin);
        // SAFETY: the value is out of reach, and is dropped once.
        unsafe { pin.defer_destroy(before) };
        true
    }
}

impl Current for RwLock<Arc<Line>> {
    fn open(line: Line) -> Self {
        Self::new(Arc::new(line))
    }

    #[inline(always)]
    fn read(&self, look: impl FnOnce(&Line)) {
        let line = Arc::clone(&self.read().expect("no thread panicked"));
        look(&line);
    }

    #[inline(always)]
    fn replace(&self, line: Line) -> bool {
        *self.write().expect("no thread panicked") = Arc::new(line);
        true
    }
}

impl Current for RwLock<Line> {
    fn open(line: Line) -> Self {
        Self::new(line)
    }

    #[inline(always)]
    fn read(&self, look: impl FnOnce(&Line)) {
        let line = *self.read().expect("no thread panicked");
        look(&line);
    }

    #[inline(always)]
    fn replace(&self, line: Line) -> bool {
        *self.write().expect("no thread panicked") = line;
        true
    }
}

/// The lock of `parking_lot`.
type Locked = parking_lot::RwLock<Line>;

impl Current for Locked {
    fn open(line: Line) -> Self {
        Self::new(line)
    }

    #[inline(always)]
    fn read(&self, look: impl FnOnce(&Line)) {
        let line = *self.read();
        look(&line);
    }

    #[inline(always)]
    fn replace(&self, line: Line) -> bool {
        *self.write() = line;
        true
    }
}
