//! Are the methods alive? Plants bugs, one at a time, in a copy of the repository: the method that
//! `xtask/seeds.toml` names for each must fail, and must have passed without the bug.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::orderings::failed_tests;
use super::report::{Keyed, Results};
use super::scratch::Scratch;
use super::{expect_none, progress_bar};
use crate::asm;
use crate::patched_loom;
use crate::process;
use crate::workspace::{Backend, Workspace};

/// The bugs.
const SEEDS: &str = "xtask/seeds.toml";
/// The results, which `docs/VERIFICATION.md` shows.
pub(super) const RESULTS: &str = "docs/verification/seeded.json";
/// How long a build may take.
const BUILD_PATIENCE: Duration = Duration::from_secs(600);
/// A method that takes this long has met an endless loop. What failed before counts; the loop itself
/// only where the bug is of the kind that makes one, which the seed says.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Debug, Deserialize)]
struct Seeds {
    seed: Vec<Seed>,
}

/// A bug.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    /// What is wrong.
    bug: String,
    file: String,
    /// What to look for in the file, where it is exactly once.
    find: String,
    /// What to put in its place.
    put: String,
    /// What must notice.
    by: Detector,
    /// Whether it may be noticed by never coming to an end.
    #[serde(default)]
    hangs: bool,
}

/// A method, and what of it to run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Detector {
    /// The models in this file of `tests/loom/tests`.
    Loom(String),
    /// The tests in this file of `tests`, on the crate's own instructions.
    Test(String),
    /// The same, on core's atomics.
    Native(String),
    /// The tests inside of the sources whose path contains this.
    Unit(String),
    /// The functions of `tests/codegen` whose name contains this, in machine code.
    Codegen(String),
}

/// What became of a bug.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Fate {
    pub(super) file: String,
    pub(super) bug: String,
    pub(super) by: String,
    /// The first test that failed; none if it was not caught.
    pub(super) caught_by: Vec<String>,
}

/// What tells one bug from another: file, bug, method.
type Key = (String, String, String);

pub(super) fn run(workspace: &Workspace, only: Option<&str>) -> Result<String> {
    let mut seeds = seeds(workspace)?;
    let keys: Vec<Key> = seeds.iter().map(Seed::key).collect();
    seeds.retain(|seed| only.is_none_or(|only| seed.file.contains(only)));
    ensure!(!seeds.is_empty(), "there is no bug to plant there");
    let scratch = Scratch::of(workspace, "seeded")?;
    patched_loom::prepare(scratch.workspace())?;

    let detectors: BTreeSet<&Detector> = seeds.iter().map(|seed| &seed.by).collect();
    let bar = progress_bar(detectors.len() + seeds.len())?;
    for detector in detectors {
        bar.set_message(format!("{detector}, without a bug"));
        let outcome = process::judge(&mut detector.command(scratch.workspace()), BUILD_PATIENCE)?;
        ensure!(outcome.succeeded, "{detector} fails without a bug:\n{}", outcome.output);
        bar.inc(1);
    }
    let mut fates = Vec::new();
    for seed in &seeds {
        bar.set_message(seed.bug.clone());
        let caught_by = plant(workspace, &scratch, seed)
            .with_context(|| format!("the seed `{}` in {}", seed.bug, seed.file))?;
        let verdict =
            if caught_by.is_empty() { "NOT CAUGHT".to_owned() } else { caught_by.join(", ") };
        bar.suspend(|| println!("    {}: {} by {}: {verdict}", seed.file, seed.bug, seed.by));
        let (bug, file) = (seed.bug.clone(), seed.file.clone());
        fates.push(Fate { bug, file, by: seed.by.to_string(), caught_by });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let command = "cargo xtask verify seeded";
    match only {
        None => Results::keep(workspace, RESULTS, command, fates.clone())?,
        Some(only) => {
            let command = format!("{command} --only {only}");
            Results::keep_part(workspace, RESULTS, &command, keys, fates.clone())?;
        }
    }
    let missed: Vec<String> = fates
        .iter()
        .filter(|fate| fate.caught_by.is_empty())
        .map(|fate| format!("{}: {} by {}", fate.file, fate.bug, fate.by))
        .collect();
    expect_none(&missed, "planted bugs were not caught")?;
    Ok(format!("{} of {} caught", fates.len(), seeds.len()))
}

fn seeds(workspace: &Workspace) -> Result<Vec<Seed>> {
    let text = fs::read_to_string(workspace.path(SEEDS))
        .with_context(|| format!("cannot read {SEEDS}"))?;
    let seeds: Seeds = toml::from_str(&text).with_context(|| format!("{SEEDS} is malformed"))?;
    Ok(seeds.seed)
}

/// The results that are kept.
pub(super) fn read(workspace: &Workspace) -> Result<Results<Fate>> {
    Results::read(workspace, RESULTS)
}

/// Every bug that there is.
pub(super) fn planted(workspace: &Workspace) -> Result<BTreeSet<Key>> {
    Ok(seeds(workspace)?.iter().map(Seed::key).collect())
}

impl Seed {
    fn key(&self) -> Key {
        (self.file.clone(), self.bug.clone(), self.by.to_string())
    }
}

impl Keyed for Fate {
    type Key = Key;

    fn key(&self) -> Key {
        (self.file.clone(), self.bug.clone(), self.by.clone())
    }
}

/// Plants a bug and returns what noticed it.
fn plant(workspace: &Workspace, scratch: &Scratch, seed: &Seed) -> Result<Vec<String>> {
    let before = fs::read_to_string(workspace.path(&seed.file))
        .with_context(|| format!("cannot read {}", seed.file))?;
    let places = before.matches(&seed.find).count();
    ensure!(places == 1, "what to look for is there {places} times, not once");
    let after = before.replacen(&seed.find, &seed.put, 1);
    scratch.with_changed(&seed.file, &after, |copy| {
        let build = process::judge(seed.by.command(copy).arg("--no-run"), BUILD_PATIENCE)?;
        ensure!(build.succeeded, "it does not compile:\n{}", build.output);
        let says_enough = |line: &str| !failed_tests(line).is_empty();
        let outcome = process::judge_until(&mut seed.by.command(copy), PATIENCE, says_enough)?;
        let mut failed = failed_tests(&outcome.output);
        if outcome.timed_out && seed.hangs {
            failed.push("no end".to_owned());
        } else if !outcome.succeeded && !outcome.timed_out && failed.is_empty() {
            failed.push("a crash".to_owned());
        }
        Ok(failed)
    })
}

// === impl Detector ===

impl Detector {
    /// The command that runs it; `--no-run` may be added to only build.
    fn command(&self, copy: &Workspace) -> Command {
        let mut cargo = match self {
            Detector::Loom(_) => copy.cargo_in("tests/loom"),
            Detector::Codegen(_) => copy.cargo_in(asm::PACKAGE),
            Detector::Native(_) => copy.cargo(Backend::Native),
            Detector::Test(_) | Detector::Unit(_) => copy.cargo(Backend::Asm),
        };
        cargo.args(["test", "--no-fail-fast"]);
        match self {
            Detector::Loom(file) => cargo.args(["--test", file]),
            Detector::Test(file) | Detector::Native(file) => {
                cargo.args(["--package", "latchless", "--all-features", "--test", file])
            }
            Detector::Unit(path) => cargo.args(["--package", "latchless", "--lib", path]),
            Detector::Codegen(name) => cargo.args(["--release", name]),
        };
        cargo
    }
}

impl fmt::Display for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Detector::Loom(file) => write!(f, "loom {file}"),
            Detector::Test(file) => write!(f, "tests/{file}.rs"),
            Detector::Native(file) => write!(f, "tests/{file}.rs, native"),
            Detector::Unit(path) => write!(f, "unit tests of {path}"),
            Detector::Codegen(name) => write!(f, "codegen {name}"),
        }
    }
}
