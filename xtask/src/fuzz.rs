//! `cargo xtask fuzz`: the structures against sequential models and under schedules of threads, on
//! both backends.

mod coverage;
mod summary;

use std::fs::{self, File};
use std::io::Write as _;
use std::iter;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};

use self::summary::{Outcome, Run};
use crate::process;
use crate::setup;
use crate::workspace::{Backend, Workspace};

/// The cargo-fuzz that is installed if there is none.
const CARGO_FUZZ_VERSION: &str = "0.13.2";
/// The folder of builds that builds libFuzzer for the others: without a sanitizer, it goes with any.
const LIBFUZZER_HOME: &str = "target/fuzz-asm-schedule";

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

/// Runs all of them even if one fails, as many at once as there are CPUs, then tells how each went.
fn fuzz(workspace: &Workspace, targets: &[Target], on: Backends, seconds: u32) -> Result<PathBuf> {
    // libFuzzer's runtime is C++ and comes as source.
    setup::program("c++", "g++")?;
    let fuzzer =
        Fuzzer { workspace, program: setup::cargo_tool(workspace, "fuzz", CARGO_FUZZ_VERSION)? };
    let all: Vec<_> =
        on.each().iter().flat_map(|&on| targets.iter().map(move |target| (on, target))).collect();
    let (home, elsewhere): (Vec<_>, Vec<_>) =
        all.iter().partition(|(backend, target)| build_folder(*backend, target) == LIBFUZZER_HOME);
    for (backend, target) in home.into_iter().chain(elsewhere) {
        process::run(fuzzer.command(backend, target, "build")?.arg(&target.name))?;
    }
    let outcomes = each_at_once(&all, |(backend, target)| fuzzer.run(*backend, target, seconds));
    let mut runs: Vec<Run> = Vec::new();
    for ((backend, target), outcome) in all.iter().zip(outcomes) {
        runs.push((target.name.clone(), *backend, outcome?));
    }
    println!("{}\n", summary::table(&runs));
    let found: Vec<_> = runs.iter().filter_map(|(_, _, run)| run.finding.as_deref()).collect();
    ensure!(found.is_empty(), "these inputs make a target fail: {}", found.join(", "));
    Ok(fuzzer.program)
}

/// What `work` makes of each of `items`, in their order; a thread for each CPU takes one after the other.
fn each_at_once<I: Sync, O: Send>(items: &[I], work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let next = AtomicUsize::new(0);
    let take_turns = || {
        // ORDERING: Relaxed; each number once, and nothing else.
        let numbers = iter::repeat_with(|| next.fetch_add(1, Relaxed));
        let items = numbers.map_while(|number| items.get(number).map(|item| (number, item)));
        items.map(|(number, item)| (number, work(item))).collect::<Vec<_>>()
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let mut done: Vec<(usize, O)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take_turns)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect()
    });
    done.sort_by_key(|&(number, _)| number);
    done.into_iter().map(|(_, outcome)| outcome).collect()
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

        let mut command = self.command(backend, target, "run")?;
        command.arg(&target.name).args(target.folders(self.workspace)?).arg("--");
        command.arg(format!("-max_total_time={seconds}")).args(target.options());
        command.args(["-print_final_stats=1", "-print_funcs=0"]);
        let mut outcome = Outcome::default();
        let mut logged = Ok(());
        let succeeded = process::watch(&mut command, |line| {
            outcome.read(line);
            if summary::is_worth_showing(line) {
                eprintln!("{} on {}: {line}", target.name, backend.name());
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

    fn command(&self, backend: Backend, target: &Target, verb: &str) -> Result<Command> {
        let mut command = self.workspace.command_in(".", &self.program);
        // The sanitizer flags are unstable ones; the variable lets a stable compiler take them.
        command.env("RUSTC_BOOTSTRAP", "1");
        if let Some(flags) = backend.rustflags() {
            command.env("RUSTFLAGS", flags);
        }
        command.args([verb, "--fuzz-dir", "fuzz", "--sanitizer", target.sanitizer()]);
        if !target.is_schedule() {
            command.args(["--no-default-features", "--features", "heapless,link"]);
        }
        let folder = build_folder(backend, target);
        if folder != LIBFUZZER_HOME {
            command.envs(self.libfuzzer()?.map(|archive| ("CUSTOM_LIBFUZZER_PATH", archive)));
        }
        command.args(["--target-dir", &folder]);
        Ok(command)
    }

    /// The libFuzzer that was built for the first targets, if it was: it takes half a minute and is the
    /// same for all.
    fn libfuzzer(&self) -> Result<Option<PathBuf>> {
        let pattern = "*/release/build/libfuzzer-sys-*/out/libfuzzer.a";
        let pattern = self.workspace.path(LIBFUZZER_HOME).join(pattern);
        let mut found = glob::glob(&pattern.to_string_lossy())?;
        Ok(found.next().transpose()?)
    }
}

/// Where targets are built. Other flags, another folder: one folder would be built anew each time they
/// change.
fn build_folder(backend: Backend, target: &Target) -> String {
    let kind = if target.is_schedule() { "-schedule" } else { "" };
    format!("target/fuzz-{}{kind}", backend.name())
}
