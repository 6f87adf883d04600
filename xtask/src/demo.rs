//! `cargo xtask demo`: shows the structures at work, and believes nothing it is told.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use indicatif::ProgressBar;
use no_std_example::cpu::MAX_CPUS;
use no_std_example::options::Options;

use crate::image;
use crate::input::Input;
use crate::qemu::{self, Machine};
use crate::watch::{self, PATIENCE, Transcript};
use crate::workspace::Workspace;

/// What the demo works on by default.
pub(crate) const DEFAULT_FILE: &str = "no_std_example/default.txt";

/// The arguments of `cargo xtask demo`.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// The file to work on, of any kind and at most 256 MiB; a text of the repository by default
    file: Option<PathBuf>,
    /// How many CPUs to work with, 1 to 32
    #[arg(long, value_name = "N", default_value_t = 4, allow_negative_numbers = true)]
    cpus: usize,
    /// Repeat the work for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true)]
    stress: u64,
    /// Work on threads with signals for interrupts, not on the CPUs of a virtual machine
    #[arg(long)]
    hosted: bool,
}

/// Runs the demo: good is only a run that finds itself in order and whose totals are right.
pub(crate) fn run(workspace: &Workspace, args: &DemoArgs) -> Result<()> {
    ensure!(
        (1..=MAX_CPUS).contains(&args.cpus),
        "the demo runs on 1 to {MAX_CPUS} CPUs, not on {}",
        args.cpus
    );
    let path = args.file.clone().unwrap_or_else(|| workspace.path(DEFAULT_FILE));
    let input = with_bar("the host counts", 0, |bar| Input::examine(&path, bar))?;

    let options = Options { stress_seconds: args.stress, fault: None };
    let transcript = if args.hosted {
        println!("Working on {} with {}", count(args.cpus, "thread"), path.display());
        with_bar("starting", input.totals.bytes, |bar| on_threads(&input, args.cpus, options, bar))?
    } else {
        qemu::ensure_installed()?;
        let image = image::build(workspace)?;
        println!("Booting the image on {} with {}", count(args.cpus, "CPU"), path.display());
        let machine = Machine {
            image: &image,
            cpus: args.cpus,
            input: &input,
            command_line: options.to_string(),
            patience: PATIENCE,
        };
        with_bar("booting", input.totals.bytes, |bar| machine.run(bar))?
    };

    println!("{}", transcript.text.trim_end());
    if let Some(comparison) = transcript.comparison(&input.totals) {
        println!("\n{comparison}");
    }
    transcript.judge(&input.totals)?;
    println!("Every figure agrees.");
    Ok(())
}

/// Does the work with threads for CPUs; once in a process.
#[cfg(target_os = "linux")]
pub(crate) fn on_threads(
    input: &Input,
    threads: usize,
    options: Options,
    bar: &ProgressBar,
) -> Result<Transcript> {
    let file =
        fs::read(&input.path).with_context(|| format!("cannot read `{}`", input.path.display()))?;
    let lines = crate::hosted::start(threads, file, options)?;
    watch::follow(&lines, PATIENCE, bar).context("the work hangs")
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn on_threads(_: &Input, _: usize, _: Options, _: &ProgressBar) -> Result<Transcript> {
    anyhow::bail!("--hosted interrupts its threads by Linux's timers, which this system lacks")
}

/// Shows how far `work` on so many bytes is while it lasts.
fn with_bar<T>(
    activity: &'static str,
    bytes: u64,
    work: impl FnOnce(&ProgressBar) -> Result<T>,
) -> Result<T> {
    let bar = watch::progress_bar(activity, bytes)?;
    let result = work(&bar);
    bar.finish_and_clear();
    result
}

/// "1 thing" or "2 things".
pub(crate) fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}
