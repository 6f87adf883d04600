//! `cargo xtask fuzz`: the structures against sequential models, on both backends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::process;
use crate::setup;
use crate::workspace::{Backend, Workspace};

/// The cargo-fuzz that is installed if there is none.
const CARGO_FUZZ_VERSION: &str = "0.13.2";
/// Where it is installed, in the repository, so that nothing of the user's own changes.
const TOOLS: &str = "target/tools";

/// The arguments of `cargo xtask fuzz`.
#[derive(Args, Debug)]
pub(crate) struct FuzzArgs {
    /// The target to run: a file of fuzz/fuzz_targets without `.rs`; all of them by default
    target: Option<String>,

    /// How long each target runs on each backend
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,

    /// The implementation of the atomics to run on
    #[arg(long, value_enum, default_value_t = Backends::Both)]
    backend: Backends,
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
        ensure!(
            targets.contains(wanted),
            "there is no fuzz target `{wanted}`; there are: {}",
            targets.join(", ")
        );
        targets.retain(|target| target == wanted);
    }
    fuzz(workspace, &targets, args.backend, args.seconds)
}

/// Runs every target on both backends for so many seconds each.
pub(crate) fn all(workspace: &Workspace, seconds: u32) -> Result<()> {
    fuzz(workspace, &targets(workspace)?, Backends::Both, seconds)
}

fn fuzz(workspace: &Workspace, targets: &[String], on: Backends, seconds: u32) -> Result<()> {
    // libFuzzer's runtime is C++ and comes as source.
    setup::program("c++", "g++")?;
    let fuzzer = Fuzzer { workspace, program: cargo_fuzz(workspace)? };
    for &backend in on.each() {
        fuzzer.build(backend, targets)?;
        for target in targets {
            fuzzer.run(backend, target, seconds)?;
        }
    }
    Ok(())
}

/// The names of the fuzz targets: those of the files in their folder.
fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.path("fuzz/fuzz_targets");
    let mut targets = Vec::new();
    for entry in fs::read_dir(folder).context("cannot read fuzz/fuzz_targets")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            targets.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    targets.sort();
    if targets.is_empty() {
        bail!("fuzz/fuzz_targets has no target");
    }
    Ok(targets)
}

/// The cargo-fuzz program, installed under `target/` unless it is there.
fn cargo_fuzz(workspace: &Workspace) -> Result<PathBuf> {
    let program = workspace.path(TOOLS).join("bin/cargo-fuzz");
    if !is_wanted_version(&program) {
        println!("    installing cargo-fuzz {CARGO_FUZZ_VERSION} under {TOOLS}");
        let mut command = workspace.cargo_in(".");
        command.args(["install", "cargo-fuzz", "--quiet", "--locked", "--force"]);
        command.args(["--version", CARGO_FUZZ_VERSION, "--root", TOOLS]);
        process::run(&mut command)?;
    }
    Ok(program)
}

fn is_wanted_version(program: &Path) -> bool {
    process::output(Command::new(program).arg("--version"))
        .is_ok_and(|version| version.trim() == format!("cargo-fuzz {CARGO_FUZZ_VERSION}"))
}

/// How cargo-fuzz is called.
struct Fuzzer<'a> {
    workspace: &'a Workspace,
    program: PathBuf,
}

impl Fuzzer<'_> {
    /// Builds the targets; cargo-fuzz takes one name or builds all.
    fn build(&self, backend: Backend, targets: &[String]) -> Result<()> {
        let only = if let [target] = targets { Some(target) } else { None };
        process::run(self.command(backend, "build").args(only))
    }

    /// Runs one target; what libFuzzer finds worth keeping goes to a folder under `target/`,
    /// what makes it fail to `fuzz/artifacts/`.
    fn run(&self, backend: Backend, target: &str, seconds: u32) -> Result<()> {
        let corpus = format!("target/fuzz-corpus/{target}");
        fs::create_dir_all(self.workspace.path(&corpus))
            .with_context(|| format!("cannot make {corpus}"))?;
        let seeds = format!("fuzz/seeds/{target}");
        let mut command = self.command(backend, "run");
        command.args([target, &corpus, &seeds, "--"]);
        command.arg(format!("-max_total_time={seconds}"));
        command.args(["-max_len=1024", "-timeout=10", "-print_final_stats=1"]);
        // Neither each step nor each function reached: the totals say enough.
        command.args(["-verbosity=0", "-print_funcs=0"]);
        process::run(&mut command)
    }

    fn command(&self, backend: Backend, verb: &str) -> Command {
        let mut command = self.workspace.command_in(".", &self.program);
        // The sanitizer flags are unstable ones; the variable lets a stable compiler take them.
        command.env("RUSTC_BOOTSTRAP", "1");
        if let Some(flags) = backend.rustflags() {
            command.env("RUSTFLAGS", flags);
        }
        command.args([verb, "--fuzz-dir", "fuzz"]);
        command.args(["--target-dir", &format!("target/fuzz-{}", backend.name())]);
        command
    }
}
