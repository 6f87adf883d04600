//! One run of one contestant: threads that start together, each on its CPU, and what they took.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{hint, thread};

use serde::{Deserialize, Serialize};

use crate::machine;

/// How often a waiting thread looks again before it offers its CPU to another.
const LOOKS_BEFORE_YIELDING: u32 = 64;

/// What the search for a count starts from.
const FIRST_COUNT: u64 = 1024;

/// What one run is given.
#[derive(Clone, Debug)]
pub(crate) struct Bench {
    /// How long the timed part should take.
    pub(crate) target: Duration,
    /// The CPUs to use, in turns.
    pub(crate) cores: [usize; 2],
    /// Whether to ask for the real-time policy; never where threads share a CPU.
    pub(crate) realtime: bool,
    /// How many operations touch all memory: no lap before that counts.
    pub(crate) warm_up: u64,
}

/// What one run found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Nanoseconds an operation, or bytes; what the case's unit says.
    pub(crate) value: f64,
    /// Involuntary context switches of all threads during the timed part.
    pub(crate) switches: i64,
    /// Nanoseconds at each of [`PERCENTILES`], where single operations are timed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) percentiles: Vec<f64>,
}

/// Where the distribution of a latency is sampled, in percent.
pub(crate) const PERCENTILES: [f64; 14] =
    [0.0, 1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.9, 99.99];

/// What the timed part of a run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lap {
    pub(crate) time: Duration,
    pub(crate) switches: i64,
}

/// A thread's part of a lap.
pub(crate) type Work<'a> = Box<dyn FnOnce() + Send + 'a>;

// === impl Bench ===

impl Bench {
    /// Times `lap(count)`, with the count raised until a lap takes most of the target time: the
    /// shorter laps before warm up. A count is a multiple of `step`.
    pub(crate) fn measure(&self, step: u64, mut lap: impl FnMut(u64) -> Lap) -> Sample {
        let mut count = step.max(FIRST_COUNT).max(self.warm_up).next_multiple_of(step);
        let target = self.target.as_secs_f64();
        let mut is_warm = false;
        loop {
            let lap = lap(count);
            let time = lap.time.as_secs_f64();
            if is_warm && time > 0.6 * target {
                return Sample {
                    value: time * 1e9 / count as f64,
                    switches: lap.switches,
                    percentiles: Vec::new(),
                };
            }
            is_warm = true;
            // In steps, since short laps tell little about long ones.
            let growth = (target / time).clamp(1.0, 8.0);
            count = ((count as f64 * growth) as u64).next_multiple_of(step);
        }
    }

    /// Runs each piece of work on a thread of its own, all from the same moment on.
    pub(crate) fn together(&self, work: Vec<Work<'_>>) -> Lap {
        let threads = work.len();
        let waiting = AtomicUsize::new(threads);
        let times: Vec<_> = thread::scope(|scope| {
            let waiting = &waiting;
            let mut handles = Vec::with_capacity(threads);
            for (work, &core) in work.into_iter().zip(self.cores.iter().cycle()) {
                handles.push(scope.spawn(move || {
                    machine::pin(core).expect("the CPU was there a moment ago");
                    if !(self.realtime && machine::go_realtime()) {
                        machine::go_first();
                    }
                    waiting.fetch_sub(1, Ordering::AcqRel);
                    let mut patience = Patience::default();
                    while waiting.load(Ordering::Acquire) > 0 {
                        patience.wait();
                    }
                    let before = machine::involuntary_switches();
                    let start = Instant::now();
                    work();
                    let end = Instant::now();
                    (start, end, machine::involuntary_switches() - before)
                }));
            }
            handles.into_iter().map(|handle| handle.join().expect("a thread panicked")).collect()
        });
        let start = times.iter().map(|time| time.0).min().expect("there is work");
        let end = times.iter().map(|time| time.1).max().expect("there is work");
        Lap { time: end - start, switches: times.iter().map(|time| time.2).sum() }
    }

    /// Runs `work` on one thread.
    pub(crate) fn alone(&self, work: impl FnOnce() + Send) -> Lap {
        self.together(vec![Box::new(work)])
    }
}

// === waiting ===

/// How every contestant's thread waits for room, or for an item: briefly on its CPU, then by
/// yielding it, since the thread waited for may need the same CPU.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    looks: u32,
}

impl Patience {
    #[inline]
    pub(crate) fn wait(&mut self) {
        if self.looks < LOOKS_BEFORE_YIELDING {
            self.looks += 1;
            hint::spin_loop();
        } else {
            thread::yield_now();
        }
    }
}

/// Calls `attempt` until it succeeds.
#[inline(always)]
pub(crate) fn insist<R>(mut attempt: impl FnMut() -> Option<R>) -> R {
    let mut patience = Patience::default();
    loop {
        if let Some(result) = attempt() {
            return result;
        }
        patience.wait();
    }
}
