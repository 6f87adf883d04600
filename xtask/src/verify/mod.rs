//! `cargo xtask verify`: every method that backs a claim of this crate, and one table at the end.
//!
//! A method that passed is not run again until a file of the repository changes, so an interrupted
//! run goes on where it was. What each method covers, and what it does not, is in
//! `docs/VERIFICATION.md`.

mod api;
mod linkage;
mod msrv;
mod mutants;
mod orderings;
mod portability;
mod record;
mod report;
mod sanitizers;
mod scratch;
mod seeded;

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use self::record::{Passed, Record};
pub(crate) use self::report::check as check_documents;
pub(crate) use self::sanitizers::races;
use crate::workspace::Workspace;
use crate::{asm, boot_tests, fuzz, loom, steps};

/// The arguments of `cargo xtask verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The methods to run, all of them by default; always in the order of this list
    #[arg(value_name = "METHOD", value_parser = PossibleValuesParser::new(METHODS.map(|m| m.name)))]
    methods: Vec<String>,
    /// Judge only what is in files whose path contains this; the results of the rest are kept. For
    /// `orderings` and `seeded`
    #[arg(long, value_name = "PATH", requires = "methods")]
    only: Option<String>,
    /// Run also what has passed on these very files
    #[arg(long)]
    again: bool,
    /// Only write the documents about results anew, from those that are kept
    #[arg(long, conflicts_with = "methods")]
    documents: bool,
    /// Only write docs/api.txt anew: the public interface has changed, and is meant to
    #[arg(long, conflicts_with_all = ["methods", "documents"])]
    bless: bool,
}

/// A way to find out whether a claim holds.
struct Method {
    name: &'static str,
    about: &'static str,
    run: Run,
}

/// What a method does. It fails, or says in a few words how much was shown.
enum Run {
    Whole(fn(&Workspace) -> Result<String>),
    /// Can also be run for a part of the sources: for the files whose path contains a text.
    Part(fn(&Workspace, Option<&str>) -> Result<String>),
}

const METHODS: [Method; 14] = [
    Method { name: "tests", about: "tests on both backends", run: Run::Whole(tests) },
    Method {
        name: "loom",
        about: "every model, on the patched loom",
        run: Run::Whole(|workspace| loom::run(workspace, None).map(|()| String::new())),
    },
    Method {
        name: "orderings",
        about: "each ordering weakened, one at a time: a model must fail",
        run: Run::Part(orderings::run),
    },
    Method {
        name: "seeded",
        about: "each planted bug is caught by the method that should",
        run: Run::Part(seeded::run),
    },
    Method {
        name: "mutants",
        about: "each operator, branch and function changed: a test must fail",
        run: Run::Whole(mutants::run),
    },
    Method {
        name: "codegen",
        about: "each atomic operation is the instructions that it is said to be",
        run: Run::Whole(asm::check),
    },
    Method {
        name: "linkage",
        about: "each operation links with nothing: no panic, no allocation; what is in it",
        run: Run::Whole(linkage::run),
    },
    Method {
        name: "portability",
        about: "what other targets have, and the tests on an emulated aarch64",
        run: Run::Whole(portability::run),
    },
    Method {
        name: "msrv",
        about: "the oldest Rust that Cargo.toml names",
        run: Run::Whole(msrv::run),
    },
    Method {
        name: "api",
        about: "the public interface is the one in docs/api.txt",
        run: Run::Whole(api::run),
    },
    Method {
        name: "sanitizers",
        about: "no data race, use after free or leak on core's atomics, planted ones caught",
        run: Run::Whole(sanitizers::sanitizers),
    },
    Method {
        name: "memcheck",
        about: "no invalid access or leak on the crate's own instructions, planted ones caught",
        run: Run::Whole(sanitizers::memcheck),
    },
    Method {
        name: "fuzz",
        about: "each target for a minute on each backend",
        run: Run::Whole(fuzz_campaign),
    },
    Method {
        name: "boot",
        about: "the bare-metal image on 1, 2 and 4 CPUs",
        run: Run::Whole(|workspace| boot_tests::run(workspace).map(|()| String::new())),
    },
];

/// How long each fuzz target runs on each backend.
const FUZZ_SECONDS: u32 = 60;

fn tests(workspace: &Workspace) -> Result<String> {
    steps::test_asm(workspace)?;
    steps::test_native(workspace)?;
    Ok(String::new())
}

fn fuzz_campaign(workspace: &Workspace) -> Result<String> {
    fuzz::all(workspace, FUZZ_SECONDS)?;
    Ok(format!("{FUZZ_SECONDS} s each"))
}

/// What every operation links with: a step of `cargo xtask test` as well.
pub(crate) fn linkage(workspace: &Workspace) -> Result<()> {
    linkage::run(workspace).map(drop)
}

/// Runs the methods, all of them even if one fails, then tells how each went.
pub(crate) fn run(workspace: &Workspace, args: &VerifyArgs) -> Result<()> {
    if args.documents {
        return report::write(workspace);
    }
    if args.bless {
        return api::bless(workspace);
    }
    let wanted = |method: &Method| {
        args.methods.is_empty() || args.methods.iter().any(|name| name == method.name)
    };
    let only = args.only.as_deref();
    if let Some(whole) =
        METHODS.iter().find(|method| only.is_some() && wanted(method) && !method.has_parts())
    {
        bail!("`{}` cannot be run for a part of the sources", whole.name);
    }
    let mut record = Record::open(workspace)?;
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["method", "what", "result", "shown", "time"]);
    let mut failed = Vec::new();
    for method in METHODS.iter().filter(|method| wanted(method)) {
        let earlier = record.passed(method.name).filter(|_| !args.again && only.is_none()).cloned();
        let (result, passed) = if let Some(passed) = earlier {
            println!("{}: passed before on these files\n", method.name);
            ("passed before", passed)
        } else {
            println!("{}: {}", method.name, method.about);
            let start = Instant::now();
            let verdict = match method.run {
                Run::Whole(run) => run(workspace),
                Run::Part(run) => run(workspace, only),
            };
            let seconds = start.elapsed().as_secs_f64();
            match verdict {
                Ok(shown) => {
                    let passed = Passed { shown, seconds };
                    if only.is_none() {
                        record.enter(method.name, passed.clone())?;
                    }
                    println!("{}: passed in {seconds:.0} s\n", method.name);
                    ("passed", passed)
                }
                Err(error) => {
                    println!("{}: FAILED after {seconds:.0} s: {error:#}\n", method.name);
                    failed.push(method.name);
                    ("FAILED", Passed { shown: String::new(), seconds })
                }
            }
        };
        let time = format!("{:.0} s", passed.seconds);
        table.add_row([method.name, method.about, result, &passed.shown, &time]);
    }
    if let Some(column) = table.column_mut(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    report::write(workspace)?;
    println!("{table}");
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

impl Method {
    fn has_parts(&self) -> bool {
        matches!(self.run, Run::Part(_))
    }
}

/// A line on the terminal that tells how many of `count` are done; absent where there is none.
fn progress_bar(count: usize) -> Result<ProgressBar> {
    let style = "    [{bar:32}] {pos} of {len}, {elapsed}  {msg}";
    let bar = ProgressBar::new(count as u64);
    bar.set_style(ProgressStyle::with_template(style)?);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

/// Fails if `wrong` is not empty, naming each.
fn expect_none(wrong: &[String], what: &str) -> Result<()> {
    if !wrong.is_empty() {
        bail!("{} {what}:\n{}", wrong.len(), wrong.join("\n"));
    }
    Ok(())
}
