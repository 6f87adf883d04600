//! What a record says: medians, ratios, and only those ranks that the data can carry.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use crate::bench::{PERCENTILES, Sample};
use crate::case::Shape;
use crate::contestant::Side;
use crate::probe::Regime;
use crate::record::{Entrant, Record};
use crate::rounds::{is_clean, main_regime, regimes};
use crate::stats::{Estimate, median, quantile, sorted};

/// Differences below this are never claimed: where code happens to lie in memory makes as much.
pub(crate) const MARGIN: f64 = 0.02;

/// The analysis of one record.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    /// The state of the machine that the figures are from.
    pub(crate) regime: Regime,
    /// Rounds in that state.
    pub(crate) rounds: usize,
    /// Rounds that do not count, by why.
    pub(crate) dropped: BTreeMap<Regime, usize>,
    /// Runs that do not count, although their round does.
    pub(crate) interrupted: usize,
    /// From the best median to the worst, limits where they fall.
    pub(crate) rows: Vec<Row>,
    /// The rival with the least median ratio to this crate's structure.
    pub(crate) best_rival: Option<String>,
    /// Who was sent off, and why.
    pub(crate) disqualified: Vec<(String, String)>,
}

/// One contestant in one table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) side: Side,
    /// 1 for the best; shared by all whose difference the data cannot carry. Limits have none.
    pub(crate) rank: Option<usize>,
    pub(crate) median: f64,
    pub(crate) quartiles: (f64, f64),
    pub(crate) min: f64,
    /// This contestant's figure by the best rival's, round by round.
    pub(crate) to_rival: Option<Estimate>,
    /// This contestant's figure by the limit's, round by round.
    pub(crate) to_limit: Option<Estimate>,
    /// At each of [`PERCENTILES`], the median over the rounds.
    pub(crate) percentiles: Vec<f64>,
}

/// A contestant's figures, one for each round that counts; none where its run does not.
type Figures = Vec<Option<f64>>;

impl Summary {
    /// Analyses the rounds of `record` in the regime that most were in, or says why that cannot be
    /// done.
    pub(crate) fn of(record: &Record) -> Result<Self> {
        let title = record.case.title();
        let all = regimes(record);
        let regime = main_regime(record).map(|(regime, _)| regime);
        let sittings: BTreeSet<usize> = record.rounds.iter().map(|round| round.sitting).collect();
        for sitting in &sittings {
            let here = || record.rounds.iter().zip(&all).filter(|(r, _)| r.sitting == *sitting);
            let clean = here().filter(|&(_, &other)| Some(other) == regime).count();
            if clean < record.least_rounds {
                bail!(
                    "{title}: only {clean} of {} rounds of a sitting found the machine quiet and \
                     in one state, and a report needs {}: run it again when less else is running",
                    here().count(),
                    record.least_rounds
                );
            }
        }
        let Some(regime) = regime else { bail!("{title}: no rounds") };
        let mut dropped = BTreeMap::new();
        for other in all.iter().filter(|&&other| other != regime) {
            *dropped.entry(*other).or_insert(0) += 1;
        }
        let counted: Vec<_> =
            record.rounds.iter().zip(&all).filter(|&(_, &r)| r == regime).map(|(r, _)| r).collect();
        let rounds = counted.len();
        let sittings: Vec<usize> = counted.iter().map(|round| round.sitting).collect();

        let mut interrupted = 0;
        let mut contenders = Vec::new();
        let mut disqualified = Vec::new();
        for (index, entrant) in record.contestants.iter().enumerate() {
            if let Some(reason) = &entrant.disqualified {
                disqualified.push((entrant.name.clone(), reason.clone()));
                continue;
            }
            let samples: Vec<_> = counted
                .iter()
                .map(|round| round.samples.get(index).and_then(Option::as_ref))
                .collect();
            let clean = |sample: &&Sample| is_clean(&record.case, sample);
            let samples: Vec<_> = samples.into_iter().map(|sample| sample.filter(clean)).collect();
            let present = samples.iter().flatten().count();
            interrupted += samples.len() - present;
            if present < record.least_rounds {
                bail!(
                    "{title}: `{}` was interrupted in all but {present} of {rounds} rounds, and a \
                     report needs {}: run it again when less else is running",
                    entrant.name,
                    record.least_rounds
                );
            }
            let figures: Figures = samples.iter().map(|s| s.map(|sample| sample.value)).collect();
            let percentiles = (0..PERCENTILES.len()).filter_map(|at| {
                let values: Vec<f64> = samples
                    .iter()
                    .flatten()
                    .filter_map(|s| s.percentiles.get(at).copied())
                    .collect();
                (!values.is_empty()).then(|| median(&values))
            });
            contenders.push((entrant, figures, percentiles.collect::<Vec<f64>>()));
        }
        contenders.sort_by(|a, b| middle(&a.1).total_cmp(&middle(&b.1)));

        let best_of = |side: Side| contenders.iter().find(|contender| contender.0.side == side);
        let (ours, limit) = (best_of(Side::Ours), best_of(Side::Limit));
        // Without ours in the field, the rival with the best median.
        let to_ours = |figures: &Figures| match ours {
            Some(ours) => median(&ratios(figures, &ours.1)),
            None => middle(figures),
        };
        let rivals = contenders.iter().filter(|contender| contender.0.side == Side::Rival);
        let rival = rivals.min_by(|a, b| to_ours(&a.1).total_cmp(&to_ours(&b.1)));
        let ranked = contenders.iter().filter(|contender| contender.0.side != Side::Limit);
        let ranked: Vec<(&Entrant, &Figures)> = ranked.map(|c| (c.0, &c.1)).collect();
        let exact = record.case.shape == Shape::Memory;
        let mut ranks =
            ranks(&ranked.iter().map(|(_, f)| *f).collect::<Vec<_>>(), &sittings, exact)
                .into_iter();
        let rows = contenders.iter().map(|(entrant, figures, percentiles)| {
            let values = sorted(figures.iter().flatten().copied().collect());
            Row {
                name: entrant.name.clone(),
                side: entrant.side,
                rank: (entrant.side != Side::Limit).then(|| ranks.next()).flatten(),
                median: quantile(&values, 0.5),
                quartiles: (quantile(&values, 0.25), quantile(&values, 0.75)),
                min: quantile(&values, 0.0),
                to_rival: rival.and_then(|rival| ratio(figures, &rival.1)),
                to_limit: limit.and_then(|limit| ratio(figures, &limit.1)),
                percentiles: percentiles.clone(),
            }
        });
        Ok(Self {
            regime,
            rounds,
            dropped,
            interrupted,
            rows: rows.collect(),
            best_rival: rival.map(|rival| rival.0.name.clone()),
            disqualified,
        })
    }

    /// The row of this crate's structure, if it takes part.
    pub(crate) fn ours(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.side == Side::Ours)
    }

    /// What was left out, in words; empty if nothing was.
    pub(crate) fn left_out(&self) -> String {
        let mut parts: Vec<String> =
            self.dropped.iter().map(|(regime, count)| format!("{count} {regime}")).collect();
        if self.interrupted > 0 {
            parts.push(format!("{} single runs interrupted", self.interrupted));
        }
        if parts.is_empty() { String::new() } else { format!("; left out: {}", parts.join(", ")) }
    }
}

fn middle(figures: &Figures) -> f64 {
    median(&figures.iter().flatten().copied().collect::<Vec<_>>())
}

/// One contestant's figures by another's, over the rounds that both have one in.
fn ratios(figures: &Figures, base: &Figures) -> Vec<f64> {
    let pairs = figures.iter().zip(base).filter_map(|pair| Some((*pair.0)? / (*pair.1)?));
    pairs.filter(|ratio| ratio.is_finite()).collect()
}

/// The middle of [`ratios`], if there are any.
fn ratio(figures: &Figures, base: &Figures) -> Option<Estimate> {
    let ratios = ratios(figures, base);
    (!ratios.is_empty()).then(|| Estimate::of(&ratios, ratios.len() as u64))
}

/// The rank of each contestant of `figures`, which come from the best median to the worst and are
/// from these `sittings`. A rank ends where a contestant is worse than the first of that rank beyond
/// doubt, in each sitting; `exact` figures leave no room for any.
fn ranks(figures: &[&Figures], sittings: &[usize], exact: bool) -> Vec<usize> {
    let margin = if exact { 0.0 } else { MARGIN };
    let mut ranks = Vec::new();
    let mut leader: Option<(&Figures, usize)> = None;
    for (index, figures) in figures.iter().enumerate() {
        let rank = match leader {
            Some((first, rank)) if !is_worse(figures, first, sittings, margin) => rank,
            _ => {
                leader = Some((figures, index + 1));
                index + 1
            }
        };
        ranks.push(rank);
    }
    ranks
}

/// Whether `figures` exceed `base` by more than `margin` in every sitting for itself.
fn is_worse(figures: &Figures, base: &Figures, sittings: &[usize], margin: f64) -> bool {
    let numbers: BTreeSet<usize> = sittings.iter().copied().collect();
    numbers.iter().all(|number| {
        let of_sitting = |all: &Figures| -> Figures {
            let own = all.iter().zip(sittings).filter(|&(_, sitting)| sitting == number);
            own.map(|(figure, _)| *figure).collect()
        };
        ratio(&of_sitting(figures), &of_sitting(base)).is_some_and(|r| r.exceeds_one(margin))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case;
    use crate::machine::Provenance;
    use crate::probe::Probe;
    use crate::record::Round;

    /// Figures about `center`, alternating by `spread` up and down.
    fn figures(center: f64, spread: f64) -> Figures {
        (0..20).map(|n| Some(center * (1.0 + spread * (f64::from(n % 5) - 2.0) / 2.0))).collect()
    }

    fn ranks_of(all: &[Figures]) -> Vec<usize> {
        ranks(&all.iter().collect::<Vec<_>>(), &[0; 20], false)
    }

    #[test]
    fn clear_differences_are_ranked() {
        let all = [figures(1.0, 0.01), figures(2.0, 0.01), figures(3.0, 0.01)];
        assert_eq!(ranks_of(&all), [1, 2, 3]);
    }

    #[test]
    fn doubtful_differences_are_ties() {
        // Noise that does not run in step with the other's.
        let mut shifted = figures(1.01, 0.1);
        shifted.rotate_left(2);
        assert_eq!(ranks_of(&[figures(1.0, 0.1), shifted, figures(2.0, 0.1)]), [1, 1, 3]);
    }

    #[test]
    fn differences_within_the_margin_are_ties() {
        assert_eq!(ranks_of(&[figures(1.0, 0.0), figures(1.01, 0.0)]), [1, 1]);
        assert_eq!(ranks_of(&[figures(1.0, 0.0), figures(1.05, 0.0)]), [1, 2]);
    }

    #[test]
    fn noise_in_step_cancels_out_in_ratios() {
        // Both are slow in the same rounds, as when a neighbour disturbs.
        assert_eq!(ranks_of(&[figures(1.0, 0.5), figures(1.1, 0.5)]), [1, 2]);
    }

    #[test]
    fn exact_figures_are_ranked_by_any_difference() {
        let all = [vec![Some(1000.0)], vec![Some(1001.0)], vec![Some(1001.0)]];
        assert_eq!(ranks(&all.iter().collect::<Vec<_>>(), &[0], true), [1, 2, 2]);
    }

    #[test]
    fn what_one_sitting_does_not_bear_out_is_a_tie() {
        let all = [figures(1.0, 0.01), figures(1.5, 0.01), figures(2.0, 0.01)];
        let mut sittings = vec![0; 10];
        sittings.extend([1; 10]);
        let mut fickle = all.clone();
        fickle[1].iter_mut().skip(10).for_each(|figure| *figure = Some(0.9));
        let ranks = |all: &[Figures]| ranks(&all.iter().collect::<Vec<_>>(), &sittings, false);
        assert_eq!(ranks(&all), [1, 2, 3]);
        assert_eq!(ranks(&fickle), [1, 1, 3]);
    }

    /// A record of rounds at these one-way times, in which a rival takes twice as long as we do.
    fn record(one_way: &[f64], switches: i64) -> Record {
        let case = case::all().into_iter().find(|case| case.id() == "spsc-1p1c-u64-64");
        let entrant =
            |name: &str, side| Entrant { name: name.to_owned(), side, disqualified: None };
        let sample = |value| Some(Sample { value, switches, percentiles: Vec::new() });
        let round = |&one_way_ns: &f64| Round {
            sitting: 0,
            before: Some(Probe { one_way_ns, loop_ns: 1.0 }),
            after: Some(Probe { one_way_ns, loop_ns: 1.0 }),
            samples: vec![sample(one_way_ns), sample(2.0 * one_way_ns)],
        };
        Record {
            case: case.unwrap(),
            provenance: Provenance {
                cpu: String::new(),
                cores: 2,
                kernel: String::new(),
                toolchain: String::new(),
                commit: String::new(),
                command: String::new(),
                rivals: String::new(),
                realtime: true,
            },
            seed: 1,
            target_ms: 1,
            best_loop_ns: 1.0,
            least_rounds: 3,
            contestants: vec![entrant("ours", Side::Ours), entrant("rival", Side::Rival)],
            rounds: one_way.iter().map(round).collect(),
        }
    }

    #[test]
    fn only_rounds_of_one_regime_are_compared() {
        let summary = Summary::of(&record(&[50.0, 240.0, 51.0, 23.0, 52.0], 0)).unwrap();
        assert_eq!((summary.regime, summary.rounds), (Regime::Near, 3));
        assert_eq!(summary.left_out(), "; left out: 1 sibling, 1 far");
        let medians: Vec<_> = summary.rows.iter().map(|row| (row.median, row.rank)).collect();
        assert_eq!(medians, [(51.0, Some(1)), (102.0, Some(2))]);
        assert_eq!(summary.ours().unwrap().to_rival.unwrap().median, 0.5);
    }

    /// The second rival has the better median, and is behind in most rounds.
    #[test]
    fn the_best_rival_is_found_round_by_round() {
        let mut record = record(&[50.0, 51.0, 52.0, 53.0, 54.0], 0);
        let name = "other".to_owned();
        record.contestants.push(Entrant { name, side: Side::Rival, disqualified: None });
        let quiet = [(10.0, 11.0, 12.0); 2];
        let slow = [(40.0, 44.0, 48.0), (40.0, 44.0, 20.0), (40.0, 44.0, 20.0)];
        let figures = quiet.into_iter().chain(slow);
        for (round, (ours, first, second)) in record.rounds.iter_mut().zip(figures) {
            let values = [ours, first, second];
            round.samples = values.map(|value| Some(Sample { value, ..Sample::default() })).into();
        }
        let summary = Summary::of(&record).unwrap();
        assert_eq!(summary.best_rival.as_deref(), Some("rival"));
        let ratio = summary.ours().unwrap().to_rival.unwrap().median;
        assert!((ratio - 10.0 / 11.0).abs() < 1e-12, "{ratio}");
        // Without ours, medians decide; they are 44 and 20.
        record.contestants[0].disqualified = Some("crashed".to_owned());
        assert_eq!(Summary::of(&record).unwrap().best_rival.as_deref(), Some("other"));
    }

    #[test]
    fn too_few_clean_rounds_are_refused() {
        let refusal = Summary::of(&record(&[50.0, 240.0, 51.0, 240.0], 0)).unwrap_err();
        assert!(refusal.to_string().contains("only 2 of 4 rounds"), "{refusal}");
        let mut disturbed = record(&[50.0; 4], 0);
        disturbed.best_loop_ns = 0.8;
        let refusal = Summary::of(&disturbed).unwrap_err();
        assert!(refusal.to_string().contains("only 0 of 4 rounds"), "{refusal}");
        let refusal = Summary::of(&record(&[50.0; 4], 1)).unwrap_err();
        assert!(refusal.to_string().contains("`ours` was interrupted"), "{refusal}");
    }

    #[test]
    fn each_sitting_needs_clean_rounds() {
        let mut both = record(&[50.0; 4], 0);
        let mut later = both.clone();
        later.rounds.iter_mut().for_each(|round| round.sitting = 1);
        both.append(later.clone());
        assert_eq!(Summary::of(&both).unwrap().rounds, 8);
        let mut short = record(&[50.0; 4], 0);
        later.rounds.truncate(2);
        short.append(later);
        let refusal = Summary::of(&short).unwrap_err();
        assert!(refusal.to_string().contains("only 2 of 2 rounds of a sitting"), "{refusal}");
    }

    #[test]
    fn who_was_sent_off_is_named() {
        let mut record = record(&[50.0; 4], 0);
        record.contestants[1].disqualified = Some("wrong checksum".to_owned());
        let summary = Summary::of(&record).unwrap();
        assert_eq!(summary.rows.len(), 1);
        assert_eq!(summary.disqualified, [("rival".to_owned(), "wrong checksum".to_owned())]);
    }

    #[test]
    fn ratios_skip_rounds_that_one_of_them_lacks() {
        let estimate =
            ratio(&vec![Some(4.0), None, Some(9.0)], &vec![Some(2.0), Some(1.0), Some(3.0)]);
        let estimate = estimate.unwrap();
        assert_eq!((estimate.min, estimate.median), (2.0, 2.5));
        assert!(ratio(&vec![None], &vec![Some(1.0)]).is_none());
    }
}
