//! `cargo xtask fuzz`: the structures against sequential models and under schedules of threads, on
//! both backends.

mod coverage;
mod summary;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};

use self::summary::{Outcome, Run};
use crate::process;
use crate::setup;
use crate::workspace::{Backend, Workspace};

/// The cargo-fuzz that is installed if there is none.
const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// The arguments of `cargo xtask fuzz`.
#[derive(Args, Debug)]
pub(crate) struct FuzzArgs {
    /// The target to run: a file of fuzz/fuzz_targets without `.rs`; all of them by default
    target: Option<String>,

    /// How long each target runs on each backend
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,

    /// The same in minutes
    #[arg(long, value_name = "MINUTES", conflicts_with = "seconds", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    minutes: Option<u32>,

    /// The implementation of the atomics to run on
    #[arg(long, value_enum, default_value_t = Backends::Both)]
    backend: Backends,

    /// Tell afterwards how many lines of src/ the inputs reach that were kept
    #[arg(long)]
    coverage: bool,
}

/// The backends to fuzz.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Backends {
    Asm,
    Native,
    Both,
}

impl Backends {
    fn each(self) -> &'static [Backend] {
        match self {
            Backends::Asm => &[Backend::Asm],
            Backends::Native => &[Backend::Native],
            Backends::Both => &[Backend::Asm, Backend::Native],
        }
    }
}

/// Runs what the arguments ask for.
pub(crate) fn run(workspace: &Workspace, args: &FuzzArgs) -> Result<()> {
    let mut targets = targets(workspace)?;
    if let Some(wanted) = &args.target {
        let names: Vec<_> = targets.iter().map(|target| target.name.as_str()).collect();
        ensure!(
            names.contains(&wanted.as_str()),
            "there is no fuzz target `{wanted}`; there are: {}",
            names.join(", ")
        );
        targets.retain(|target| target.name == *wanted);
    }
    let seconds = args.minutes.map_or(args.seconds, |minutes| 60 * minutes);
    let cargo_fuzz = fuzz(workspace, &targets, args.backend, seconds)?;
    if args.coverage {
        coverage::report(workspace, &cargo_fuzz, args.backend.each(), &targets)?;
    }
    Ok(())
}

/// Runs every target on both backends for so many seconds each.
pub(crate) fn all(workspace: &Workspace, seconds: u32) -> Result<()> {
    fuzz(workspace, &targets(workspace)?, Backends::Both, seconds).map(|_| ())
}

/// Runs all of them even if one fails, then tells how each went.
fn fuzz(workspace: &Workspace, targets: &[Target], on: Backends, seconds: u32) -> Result<PathBuf> {
    // libFuzzer's runtime is C++ and comes as source.
    setup::program("c++", "g++")?;
    let fuzzer =
        Fuzzer { workspace, program: setup::cargo_tool(workspace, "fuzz", CARGO_FUZZ_VERSION)? };
    let mut runs: Vec<Run> = Vec::new();
    for &backend in on.each() {
        for target in targets {
            process::run(fuzzer.command(backend, target, "build").arg(&target.name))?;
        }
        for target in targets {
            runs.push((target.name.clone(), backend, fuzzer.run(backend, target, seconds)?));
        }
    }
    println!("{}\n", summary::table(&runs));
    let found: Vec<_> = runs.iter().filter_map(|(_, _, run)| run.finding.as_deref()).collect();
    ensure!(found.is_empty(), "these inputs make a target fail: {}", found.join(", "));
    Ok(fuzzer.program)
}

/// A file of fuzz/fuzz_targets.
#[derive(Debug)]
struct Target {
    name: String,
}

impl Target {
    /// Whether its inputs are schedules of threads: those stop at pages that fault, which takes
    /// nothing from a sanitizer and is slow with one.
    fn is_schedule(&self) -> bool {
        self.name.ends_with("_schedule")
    }

    fn sanitizer(&self) -> &'static str {
        if self.is_schedule() { "none" } else { "address" }
    }

    fn options(&self) -> &'static [&'static str] {
        if self.is_schedule() {
            // Calls come first and turns last, so short inputs say little.
            &["-max_len=96", "-len_control=0", "-timeout=10"]
        } else {
            &["-max_len=1024", "-timeout=10"]
        }
    }

    /// Where its inputs are: what libFuzzer found worth keeping, and what was put together by hand.
    fn folders(&self, workspace: &Workspace) -> Result<[String; 2]> {
        let corpus = format!("target/fuzz-corpus/{}", self.name);
        fs::create_dir_all(workspace.path(&corpus))
            .with_context(|| format!("cannot make {corpus}"))?;
        Ok([corpus, format!("fuzz/seeds/{}", self.name)])
    }
}

/// The fuzz targets: the files in their folder.
fn targets(workspace: &Workspace) -> Result<Vec<Target>> {
    let folder = workspace.path("fuzz/fuzz_targets");
    let mut targets = Vec::new();
    for entry in fs::read_dir(folder).context("cannot read fuzz/fuzz_targets")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let names = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            targets.extend(names.map(|name| Target { name }));
        }
    }
    targets.sort_by(|one, other| one.name.cmp(&other.name));
    if targets.is_empty() {
        bail!("fuzz/fuzz_targets has no target");
    }
    Ok(targets)
}

/// How cargo-fuzz is called.
struct Fuzzer<'a> {
    workspace: &'a Workspace,
    program: PathBuf,
}

impl Fuzzer<'_> {
    /// Runs one target; what libFuzzer finds worth keeping goes to a folder under `target/`,
    /// what makes it fail to `fuzz/artifacts/`, and all that it says to `target/fuzz-logs/`.
    fn run(&self, backend: Backend, target: &Target, seconds: u32) -> Result<Outcome> {
        let logs = self.workspace.path("target/fuzz-logs");
        fs::create_dir_all(&logs).context("cannot make target/fuzz-logs")?;
        let log = logs.join(format!("{}-{}.log", target.name, backend.name()));
        let mut log =
            File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;

        let mut command = self.command(backend, target, "run");
        command.arg(&target.name).args(target.folders(self.workspace)?).arg("--");
        command.arg(format!("-max_total_time={seconds}")).args(target.options());
        command.args(["-print_final_stats=1", "-print_funcs=0"]);
        let mut outcome = Outcome::default();
        let mut logged = Ok(());
        let succeeded = process::watch(&mut command, |line| {
            outcome.read(line);
            if summary::is_worth_showing(line) {
                eprintln!("{line}");
            }
            if logged.is_ok() {
                logged = writeln!(log, "{line}");
            }
        })?;
        logged.context("cannot write the log")?;
        ensure!(
            succeeded || outcome.finding.is_some(),
            "`{}` failed and left no input that shows why",
            target.name
        );
        Ok(outcome)
    }

    fn command(&self, backend: Backend, target: &Target, verb: &str) -> Command {
        let mut command = self.workspace.command_in(".", &self.program);
        // The sanitizer flags are unstable ones; the variable lets a stable compiler take them.
        command.env("RUSTC_BOOTSTRAP", "1");
        if let Some(flags) = backend.rustflags() {
            command.env("RUSTFLAGS", flags);
        }
        // Other flags, another folder: one folder would be built anew each time they change.
        let kind = if target.is_schedule() { "-schedule" } else { "" };
        command.args([verb, "--fuzz-dir", "fuzz", "--sanitizer", target.sanitizer()]);
        command.args(["--target-dir", &format!("target/fuzz-{}{kind}", backend.name())]);
        command
    }
}
