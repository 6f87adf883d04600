//! `cargo xtask test`: everything that must hold before a change may land, in numbered steps.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;
use comfy_table::{CellAlignment, Table, presets};

use crate::asm;
use crate::bench;
use crate::boot_tests;
use crate::capi;
use crate::fuzz;
use crate::gates;
use crate::loom;
use crate::steps;
use crate::verify;
use crate::workspace::Workspace;

/// The arguments of `cargo xtask test`.
#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    /// The steps to run, all of them by default; always in the order of this list
    #[arg(value_name = "STEP", value_parser = PossibleValuesParser::new(STEPS.map(|step| step.name)))]
    steps: Vec<String>,
}

/// One thing to check.
#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    about: &'static str,
    check: fn(&Workspace) -> Result<()>,
}

/// The cheap steps come first, so that a slip is told in seconds.
const STEPS: [Step; 14] = [
    Step { name: "fmt", about: "every file is rustfmt'ed", check: steps::fmt },
    Step { name: "gates", about: "the repository's shape", check: gates::run },
    Step { name: "clippy", about: "no warning, on any backend", check: steps::clippy },
    Step { name: "doc", about: "the documentation builds and links", check: steps::doc },
    Step { name: "asm", about: "tests on the crate's own instructions", check: steps::test_asm },
    Step {
        name: "instructions",
        about: "no operation takes more than it used to",
        check: bench::check_instructions,
    },
    Step {
        name: "codegen",
        about: "each atomic operation is the instructions that it is said to be",
        check: |workspace| asm::check(workspace).map(drop),
    },
    Step {
        name: "linkage",
        about: "each operation links with nothing: no panic, no allocation",
        check: verify::linkage,
    },
    Step {
        name: "capi",
        about: "C and C++ programs run, and a kernel could link the object",
        check: capi::check,
    },
    Step { name: "native", about: "tests on core's atomics", check: steps::test_native },
    Step {
        name: "races",
        about: "threads on core's atomics, under ThreadSanitizer",
        check: verify::races,
    },
    Step {
        name: "loom",
        about: "models of small scenarios, orderings included",
        check: |workspace| loom::run(workspace, None),
    },
    Step {
        name: "fuzz",
        about: "a few seconds for each fuzz target",
        check: |workspace| fuzz::all(workspace, 3),
    },
    Step { name: "boot", about: "the bare-metal image on 1, 2 and 4 CPUs", check: boot_tests::run },
];

/// Runs the steps up to the first that fails, then tells how each went.
pub(crate) fn run(workspace: &Workspace, args: &TestArgs) -> Result<()> {
    let wanted = |step: &Step| args.steps.is_empty() || args.steps.iter().any(|s| s == step.name);
    let steps: Vec<Step> = STEPS.into_iter().filter(wanted).collect();

    let mut times = Vec::new();
    let mut failure = None;
    for (index, step) in steps.iter().enumerate() {
        println!("[{}/{}] {}: {}", index + 1, steps.len(), step.name, step.about);
        let start = Instant::now();
        let verdict = (step.check)(workspace);
        times.push(start.elapsed());
        let seconds = start.elapsed().as_secs_f64();
        match verdict {
            Ok(()) => println!("[{}/{}] passed in {seconds:.1} s\n", index + 1, steps.len()),
            Err(error) => {
                println!("[{}/{}] FAILED after {seconds:.1} s\n", index + 1, steps.len());
                failure = Some(error.context(format!("step `{}` failed", step.name)));
                break;
            }
        }
    }
    summarize(&steps, &times, failure.is_some());
    failure.map_or(Ok(()), Err)
}

/// Prints the table of the steps and the line of totals; only the last step that ran can have
/// failed.
fn summarize(steps: &[Step], times: &[Duration], failed: bool) {
    let passed = times.len() - usize::from(failed);
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_header(["step", "what", "result", "time"]);
    for (index, step) in steps.iter().enumerate() {
        let result = match index {
            _ if index < passed => "passed",
            _ if index < times.len() => "FAILED",
            _ => "not run",
        };
        let time = times.get(index).map(|time| format!("{:.1} s", time.as_secs_f64()));
        table.add_row([step.name, step.about, result, &time.unwrap_or_default()]);
    }
    let total: Duration = times.iter().sum();
    table.add_row(["", "total", "", &format!("{:.1} s", total.as_secs_f64())]);
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}\n");
    println!("{passed} passed, {} failed", times.len() - passed);
}
