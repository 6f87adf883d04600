//! `cargo xtask capi --throughput`: what the C interface costs where it is to cost little, in batches.
//!
//! The same work, written in C and in Rust, run by turns, so that what else goes on meets both. What counts is the ratio of two
//! runs beside each other: its median, and where that lies with 95 % confidence whatever the distribution
//! (order statistics). A recipe and no test: it needs the machine for itself.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::{Program, TRIAL, compiled, install};
use crate::kernel_object::LIBRARY;
use crate::process;
use crate::workspace::Workspace;

const IN_C: Program = Program {
    source: "capi/benches/batches.c",
    compiler: "gcc",
    language: "-std=gnu11",
    options: &["-O2"],
    under: &[],
};
const IN_RUST: &str = "capi/target/release/examples/batches";
/// What is run, and with how many words: about 15 ms.
const WAYS: [(&str, &str); 2] = [("alone", "16777216"), ("threads", "16777216")];
const ROUNDS: usize = 601;
/// So much slower than Rust C may be.
const MOST: f64 = 1.10;
/// How sure the interval is.
const CONFIDENCE: f64 = 0.95;
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures and judges.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let prefix = workspace.path(TRIAL);
    install(workspace, &prefix)?;
    let c = compiled(workspace, &prefix, IN_C)?;
    let mut cargo = workspace.cargo_in(LIBRARY);
    process::run(cargo.args(["build", "--quiet", "--release", "--example", "batches"]))?;
    let rust = workspace.path(IN_RUST);
    let mut verdicts = Vec::new();
    for (way, words) in WAYS {
        let [mut of_c, mut of_rust, mut ratios] = [const { Vec::new() }; 3];
        for round in 0..ROUNDS {
            // Who comes second may find the machine warmer.
            let (in_c, in_rust) = if round % 2 == 0 {
                let in_c = time(&c, way, words)?;
                (in_c, time(&rust, way, words)?)
            } else {
                let in_rust = time(&rust, way, words)?;
                (time(&c, way, words)?, in_rust)
            };
            of_c.push(in_c);
            of_rust.push(in_rust);
            ratios.push(in_c / in_rust);
        }
        let [c, rust, ratio] = [of_c, of_rust, ratios].map(Sample::new);
        let (low, high) = ratio.interval();
        let verdict = Verdict::of(low, high);
        println!(
            "    {way}: C {:.3} ns a word, Rust {:.3}; C takes {:.3} times as long ({low:.3} to {high:.3}, {ROUNDS} rounds): {}",
            c.median(),
            rust.median(),
            ratio.median(),
            verdict.text(),
        );
        verdicts.push((way, verdict));
    }
    for (way, verdict) in verdicts {
        if verdict != Verdict::Within {
            bail!("{way}: {}", verdict.text());
        }
    }
    Ok(())
}

/// Runs one of the programs. Returns nanoseconds a word.
fn time(program: &Path, way: &str, words: &str) -> Result<f64> {
    let outcome = process::judge(Command::new(program).args([way, words]), PATIENCE)?;
    let said = outcome.output.trim();
    ensure!(outcome.succeeded, "{} {way} failed: {said}", program.display());
    said.parse().with_context(|| format!("{} said {said}", program.display()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Within,
    Undecided,
    Slower,
}

impl Verdict {
    fn of(low: f64, high: f64) -> Self {
        match (low > MOST, high > MOST) {
            (true, _) => Self::Slower,
            (false, true) => Self::Undecided,
            (false, false) => Self::Within,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Within => "C is within 10 % of Rust",
            Self::Undecided => {
                "undecided whether C is within 10 % of Rust: run it on a quieter machine"
            }
            Self::Slower => "C is not within 10 % of Rust",
        }
    }
}

/// Measurements, in order; there is at least one.
struct Sample(Vec<f64>);

impl Sample {
    fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    fn at(&self, rank: usize) -> f64 {
        self.0.get(rank).copied().unwrap_or(f64::NAN)
    }

    fn median(&self) -> f64 {
        self.at(self.0.len() / 2)
    }

    /// The narrowest pair of measurements, as far from both ends, that has the median between it with [`CONFIDENCE`]:
    /// how many of them are below the median is binomial.
    fn interval(&self) -> (f64, f64) {
        let n = self.0.len();
        let mut outside = 0.0;
        let mut probability = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
        let mut rank = 0;
        // `probability` is that of exactly `rank` measurements below the median.
        while rank < n / 2 {
            outside += 2.0 * probability;
            if outside > 1.0 - CONFIDENCE {
                break;
            }
            probability *= (n - rank) as f64 / (rank + 1) as f64;
            rank += 1;
        }
        let rank = rank.saturating_sub(1);
        (self.at(rank), self.at(n - 1 - rank))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_the_one_in_the_tables() {
        let sample = Sample::new((1..=41).rev().map(f64::from).collect());
        assert_eq!(sample.median(), 21.0);
        // Of 41 measurements the 14th and the 28th, of 6 the first and the last.
        assert_eq!(sample.interval(), (14.0, 28.0));
        assert_eq!(Sample::new((1..=6).map(f64::from).collect()).interval(), (1.0, 6.0));
    }

    #[test]
    fn a_verdict_needs_the_whole_interval() {
        assert_eq!(Verdict::of(0.7, 1.05), Verdict::Within);
        assert_eq!(Verdict::of(1.05, 1.15), Verdict::Undecided);
        assert_eq!(Verdict::of(1.11, 1.15), Verdict::Slower);
    }
}
