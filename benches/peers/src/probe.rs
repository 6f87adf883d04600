//! What state the machine is in, asked before and after every round.
//!
//! A virtual machine's CPUs move: to the two threads of one core, to cores that share a cache, to
//! cores that do not. And a neighbour may slow them all. Both decide a ranking as much as the
//! contestants do, so figures are only compared within one such state.

use std::fmt;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use latchless::mem::CachePadded;
use serde::{Deserialize, Serialize};

use crate::bench::{Bench, Patience, Work};
use crate::stats;

/// Under this one-way time of a cache line, the CPUs are two threads of one core.
const SIBLING_BELOW_NS: f64 = 32.0;
/// From this one-way time on, the CPUs share no cache.
const FAR_FROM_NS: f64 = 120.0;
/// A trivial loop that takes this much longer than at its best was disturbed.
const TOLERANCE: f64 = 0.10;

const HAND_OFFS: u64 = 500;
const LOOPS: u64 = 50_000;
const REPEATS: usize = 15;

/// The state of the machine at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Probe {
    /// How long a cache line takes from one CPU to the other.
    pub(crate) one_way_ns: f64,
    /// How long one turn of a trivial loop takes on the slower of the CPUs.
    pub(crate) loop_ns: f64,
}

/// Which rounds may be compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Regime {
    /// Where the CPUs are does not matter: one thread runs.
    Any,
    Sibling,
    Near,
    Far,
    /// Not to be compared with anything.
    Disturbed,
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Regime::Any => "any",
            Regime::Sibling => "sibling",
            Regime::Near => "near",
            Regime::Far => "far",
            Regime::Disturbed => "disturbed",
        })
    }
}

/// Looks at the machine, for a few milliseconds.
pub(crate) fn take(cores: [usize; 2]) -> Probe {
    let bench = Bench { target: Duration::ZERO, cores, realtime: true, warm_up: 0 };
    Probe { one_way_ns: one_way_ns(&bench), loop_ns: loop_ns(&bench) }
}

/// In which state the machine was from `before` to `after`, if it stayed in one. The trivial loop
/// has never taken less than `best_loop_ns`.
pub(crate) fn classify(before: &Probe, after: &Probe, best_loop_ns: f64) -> Regime {
    let is_slow = |probe: &Probe| probe.loop_ns > best_loop_ns * (1.0 + TOLERANCE);
    let place = |probe: &Probe| match probe.one_way_ns {
        ns if ns < SIBLING_BELOW_NS => Regime::Sibling,
        ns if ns < FAR_FROM_NS => Regime::Near,
        _ => Regime::Far,
    };
    if is_slow(before) || is_slow(after) || place(before) != place(after) {
        Regime::Disturbed
    } else {
        place(before)
    }
}

fn one_way_ns(bench: &Bench) -> f64 {
    let line = CachePadded::new(AtomicU64::new(0));
    let line = &line;
    let mut times = Vec::new();
    let times_out = &mut times;
    let wait_for = |turn: u64| {
        let mut looks = 0_u32;
        let mut patience = Patience::default();
        while line.load(Ordering::Acquire) != turn {
            looks += 1;
            if looks > 10_000 {
                patience.wait();
            }
        }
    };
    // Odd turns are the second thread's to answer, by the next even number.
    let first: Work<'_> = Box::new(move || {
        let mut turn = 0;
        for _ in 0..REPEATS {
            let start = Instant::now();
            for _ in 0..HAND_OFFS {
                line.store(turn + 1, Ordering::Release);
                turn += 2;
                wait_for(turn);
            }
            times_out.push(start.elapsed().as_secs_f64() * 1e9 / (2 * HAND_OFFS) as f64);
        }
    });
    let second: Work<'_> = Box::new(move || {
        for number in 0..HAND_OFFS * REPEATS as u64 {
            wait_for(2 * number + 1);
            line.store(2 * number + 2, Ordering::Release);
        }
    });
    bench.together(vec![first, second]);
    stats::median(&times)
}

fn loop_ns(bench: &Bench) -> f64 {
    let mut medians = [0.0; 2];
    let work = medians.iter_mut().map(|median| -> Work<'_> {
        Box::new(move || {
            let times = [(); REPEATS].map(|()| {
                let start = Instant::now();
                let mut value = black_box(1_u64);
                for _ in 0..LOOPS {
                    // Each turn waits for the one before, and none can be skipped.
                    value = (value ^ (value >> 29)).wrapping_mul(6_364_136_223_846_793_005);
                }
                black_box(value);
                start.elapsed().as_secs_f64() * 1e9 / LOOPS as f64
            });
            *median = stats::median(&times);
        })
    });
    bench.together(work.collect());
    medians.into_iter().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(one_way_ns: f64, loop_ns: f64) -> Probe {
        Probe { one_way_ns, loop_ns }
    }

    #[test]
    fn the_way_between_the_cpus_tells_the_regime() {
        let regime = |ns| classify(&probe(ns, 1.0), &probe(ns, 1.0), 1.0);
        assert_eq!(regime(23.0), Regime::Sibling);
        assert_eq!(regime(50.0), Regime::Near);
        assert_eq!(regime(240.0), Regime::Far);
    }

    #[test]
    fn a_slow_loop_on_either_side_is_a_disturbance() {
        let calm = probe(50.0, 1.05);
        let slow = probe(50.0, 1.2);
        assert_eq!(classify(&calm, &calm, 1.0), Regime::Near);
        assert_eq!(classify(&calm, &slow, 1.0), Regime::Disturbed);
        assert_eq!(classify(&slow, &calm, 1.0), Regime::Disturbed);
    }

    #[test]
    fn a_move_during_the_round_is_a_disturbance() {
        assert_eq!(classify(&probe(50.0, 1.0), &probe(240.0, 1.0), 1.0), Regime::Disturbed);
    }

    #[test]
    fn the_probe_sees_this_machine() {
        let probe = take(crate::machine::cores().unwrap());
        assert!(probe.one_way_ns > 1.0 && probe.loop_ns > 0.1, "{probe:?}");
    }
}
