//! Rounds: every contestant of a case once, in an order drawn anew, between two looks at the
//! machine; as many as it takes until enough of them are clean.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;

use crate::bench::Sample;
use crate::case::{Case, Family, Shape};
use crate::child::{self, ChildArgs, Outcome};
use crate::contestant;
use crate::machine::Provenance;
use crate::probe::{self, Regime};
use crate::record::{Entrant, Record, Round};

/// How often a run is repeated at once when its threads were taken off their CPUs.
const RETRIES: usize = 2;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How often everything is measured, from the first case to the last.
    pub(crate) sittings: usize,
    /// Clean rounds to go for in a sitting.
    pub(crate) rounds: usize,
    /// How long a timed run should take; half as long where there are many cases.
    pub(crate) target_ms: u64,
    pub(crate) cores: [usize; 2],
    pub(crate) seed: u64,
}

impl Plan {
    /// The fewest clean rounds of a sitting that are worth a report.
    pub(crate) fn least_rounds(&self) -> usize {
        (self.rounds / 2).max(5)
    }

    /// How long a timed run of `case` should take. Of SPSC rings there are as many cases as of all
    /// other structures together.
    fn target_ms(&self, case: &Case) -> u64 {
        if case.family == Family::Spsc { self.target_ms / 2 } else { self.target_ms }
    }

    /// How many rounds to try at most in a sitting.
    fn most_rounds(&self) -> usize {
        2 * self.rounds
    }
}

/// Measures `case` in one sitting. `best_loop_ns` is the least that the trivial loop has taken so far;
/// `before_each` hears who runs next, and in which round.
pub(crate) fn measure(
    case: &Case,
    plan: &Plan,
    sitting: usize,
    provenance: &Provenance,
    best_loop_ns: &mut f64,
    mut before_each: impl FnMut(usize, &str),
) -> Result<Record> {
    let entrants = contestant::of(case).into_iter().map(|contestant| Entrant {
        name: contestant.name.to_owned(),
        side: contestant.side,
        disqualified: None,
    });
    let is_timed = case.shape != Shape::Memory;
    let mut record = Record {
        case: *case,
        provenance: provenance.clone(),
        seed: plan.seed,
        target_ms: if is_timed { plan.target_ms(case) } else { 0 },
        best_loop_ns: 0.0,
        least_rounds: if is_timed { plan.least_rounds() } else { 1 },
        contestants: entrants.collect(),
        rounds: Vec::new(),
    };
    let (wanted, most) = if is_timed { (plan.rounds, plan.most_rounds()) } else { (1, 1) };
    let mut random = fastrand::Rng::with_seed(plan.seed + sitting as u64);
    let mut look = |record: &mut Record| {
        let probe = is_timed.then(|| probe::take(plan.cores))?;
        *best_loop_ns = best_loop_ns.min(probe.loop_ns);
        record.best_loop_ns = *best_loop_ns;
        Some(probe)
    };
    let mut before = look(&mut record);
    while record.rounds.len() < most && clean_rounds(&record) < wanted {
        let mut order: Vec<usize> = (0..record.contestants.len()).collect();
        random.shuffle(&mut order);
        let mut samples = vec![None; record.contestants.len()];
        for index in order {
            let Some(entrant) = record.contestants.get_mut(index) else { continue };
            if entrant.disqualified.is_some() {
                continue;
            }
            before_each(record.rounds.len(), &entrant.name);
            match sample(case, plan, &entrant.name)? {
                Outcome::Measured(sample) => {
                    if let Some(place) = samples.get_mut(index) {
                        *place = Some(sample);
                    }
                }
                Outcome::Failed(reason) => entrant.disqualified = Some(reason),
            }
        }
        let after = look(&mut record);
        record.rounds.push(Round { sitting, before, after, samples });
        before = after;
    }
    Ok(record)
}

/// One run, repeated a few times if it was interrupted.
fn sample(case: &Case, plan: &Plan, contestant: &str) -> Result<Outcome> {
    let args = ChildArgs {
        case: case.id(),
        contestant: contestant.to_owned(),
        millis: plan.target_ms(case),
        cores: plan.cores.to_vec(),
    };
    let mut outcome = child::run(&args)?;
    for _ in 0..RETRIES {
        match &outcome {
            Outcome::Measured(sample) if !is_clean(case, sample) => outcome = child::run(&args)?,
            _ => break,
        }
    }
    Ok(outcome)
}

/// Whether no thread was taken off its CPU. Threads that share one take turns, so there it says
/// nothing.
pub(crate) fn is_clean(case: &Case, sample: &Sample) -> bool {
    case.threads() > 2 || sample.switches == 0
}

/// In which regime each round was.
pub(crate) fn regimes(record: &Record) -> Vec<Regime> {
    let regime = |round: &Round| match (&round.before, &round.after) {
        (Some(before), Some(after)) => match probe::classify(before, after, record.best_loop_ns) {
            Regime::Disturbed => Regime::Disturbed,
            _ if record.case.threads() == 1 => Regime::Any,
            regime => regime,
        },
        _ => Regime::Any,
    };
    record.rounds.iter().map(regime).collect()
}

/// The regime that most rounds were in, leaving out disturbed ones, and how many those were.
pub(crate) fn main_regime(record: &Record) -> Option<(Regime, usize)> {
    let mut counts = BTreeMap::new();
    for regime in regimes(record) {
        *counts.entry(regime).or_insert(0) += 1;
    }
    counts.remove(&Regime::Disturbed);
    counts.into_iter().max_by_key(|&(_, count)| count)
}

fn clean_rounds(record: &Record) -> usize {
    main_regime(record).map_or(0, |(_, count)| count)
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sittings, rounds, target_ms, cores: [first, second], .. } = self;
        let most = self.most_rounds();
        write!(
            f,
            "{sittings} sittings, {rounds} clean rounds each, {most} in all at most, runs of {target_ms} ms (of SPSC rings half), CPUs {first}, {second}"
        )
    }
}
