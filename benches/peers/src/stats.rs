//! Medians, and how far to trust them.

/// How sure an interval is meant to be.
pub(crate) const CONFIDENCE: f64 = 0.99;
/// How many resamples an interval comes from.
const RESAMPLES: usize = 2000;

/// The value below which the part `fraction` of `sorted` lies, interpolated. NaN if there is none.
pub(crate) fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = fraction.clamp(0.0, 1.0) * last as f64;
    let at = |index: usize| sorted.get(index.min(last)).copied().unwrap_or(f64::NAN);
    let (below, above) = (at(position as usize), at(position as usize + 1));
    below + (above - below) * position.fract()
}

/// `values` in ascending order.
pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The middle of `values`, in any order.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(&sorted(values.to_vec()), 0.5)
}

/// A median of several figures, with the interval that holds the true one as often as
/// [`CONFIDENCE`] says, by resampling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Estimate {
    /// Of `values`, which may be in any order but must not be empty. The same values and the same
    /// seed give the same interval.
    pub(crate) fn of(values: &[f64], seed: u64) -> Self {
        let ascending = sorted(values.to_vec());
        let mut random = fastrand::Rng::with_seed(seed);
        let mut resample = Vec::with_capacity(values.len());
        let medians = (0..RESAMPLES).map(|_| {
            resample.clear();
            resample.extend(values.iter().filter_map(|_| random.choice(values)));
            median(&resample)
        });
        let medians = sorted(medians.collect());
        let tail = (1.0 - CONFIDENCE) / 2.0;
        Self {
            median: quantile(&ascending, 0.5),
            min: quantile(&ascending, 0.0),
            low: quantile(&medians, tail),
            high: quantile(&medians, 1.0 - tail),
        }
    }

    /// Whether the interval lies above 1 by more than `margin`.
    pub(crate) fn exceeds_one(&self, margin: f64) -> bool {
        self.low > 1.0 + margin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        let values = sorted(vec![10.0, 0.0, 5.0]);
        assert_eq!(quantile(&values, 0.0), 0.0);
        assert_eq!(quantile(&values, 0.25), 2.5);
        assert_eq!(quantile(&values, 1.0), 10.0);
        assert_eq!(quantile(&[7.0], 0.9), 7.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn the_interval_holds_the_median_and_repeats() {
        let values: Vec<f64> = (0..31).map(|n| 1.0 + f64::from(n) / 100.0).collect();
        let estimate = Estimate::of(&values, 1);
        assert_eq!(estimate, Estimate::of(&values, 1));
        assert_eq!(estimate.median, 1.15);
        assert_eq!(estimate.min, 1.0);
        assert!(estimate.low < 1.15 && 1.15 < estimate.high, "{estimate:?}");
        assert!(estimate.low >= 1.0 && estimate.high <= 1.3, "{estimate:?}");
    }

    #[test]
    fn more_values_narrow_the_interval() {
        let spread = |count: u32| {
            let values: Vec<f64> = (0..count).map(|n| f64::from(n * 37 % 101)).collect();
            let estimate = Estimate::of(&values, 7);
            estimate.high - estimate.low
        };
        assert!(spread(101) < spread(11));
    }

    /// The interval misses the true median about as seldom as it says, and never always.
    #[test]
    fn the_interval_covers_the_true_median() {
        let mut random = fastrand::Rng::with_seed(42);
        let covered = (0..200)
            .filter(|&seed| {
                let values: Vec<f64> = (0..25).map(|_| random.f64()).collect();
                let estimate = Estimate::of(&values, seed);
                estimate.low <= 0.5 && 0.5 <= estimate.high
            })
            .count();
        assert!(covered >= 190, "covered only {covered} of 200");
    }

    #[test]
    fn one_is_excluded_by_a_margin() {
        let estimate = |low, high| Estimate { median: 0.0, min: 0.0, low, high };
        assert!(estimate(1.05, 1.2).exceeds_one(0.02));
        assert!(!estimate(0.7, 0.9).exceeds_one(0.02));
        assert!(!estimate(1.01, 1.2).exceeds_one(0.02));
        assert!(!estimate(0.9, 1.1).exceeds_one(0.02));
        assert!(!estimate(0.8, 0.99).exceeds_one(0.02));
    }
}
