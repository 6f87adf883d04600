//! latchless beside its rivals: `cargo xtask bench`.
//!
//! `run` measures every case that the filter names, prints a table for each and writes the raw
//! data, the plots and the report. Each measurement is a process of its own (`child`).

mod bench;
mod case;
mod child;
mod contestant;
mod families;
mod machine;
mod plots;
mod probe;
mod ranking;
mod record;
mod report;
mod rounds;
mod standing;
mod stats;
mod table;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::case::{Case, Family};
use crate::child::ChildArgs;
use crate::machine::Provenance;
use crate::ranking::Summary;
use crate::record::Record;
use crate::rounds::Plan;
use crate::standing::Cell;

/// Measures latchless beside its rivals.
#[derive(Parser, Debug)]
#[command(name = "peers")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Measure, and write the data, the plots and the report
    Run(RunArgs),
    /// Write the plots and the report again, from the data that is there
    Report {
        /// Where the data is
        #[arg(long)]
        out: PathBuf,
    },
    /// Name the cases, and who takes part in each
    List {
        /// Only cases whose name contains this
        filter: Option<String>,
    },
    /// Measure one contestant once
    #[command(hide = true)]
    Child(ChildArgs),
}

#[derive(Args, Debug)]
struct RunArgs {
    /// Only cases whose name contains this
    filter: Option<String>,
    /// Fewer and shorter rounds: a first look
    #[arg(long)]
    quick: bool,
    /// Where the data, the plots and the report go
    #[arg(long)]
    out: PathBuf,
    /// What the order of the contestants is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The compiler that this program was built with
    #[arg(long)]
    toolchain: String,
    /// The commit that this program was built from
    #[arg(long)]
    commit: String,
    /// The command that a person typed
    #[arg(long)]
    command: String,
}

fn main() -> ExitCode {
    let verdict = match &Arguments::parse().command {
        Command::Run(args) => run(args),
        Command::Report { out } => report::write(out),
        Command::List { filter } => list(filter.as_deref()),
        Command::Child(args) => child::serve(args),
    };
    match verdict {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &RunArgs) -> Result<()> {
    let cases = matching(args.filter.as_deref())?;
    let plan = Plan {
        sittings: if args.quick { 1 } else { 2 },
        rounds: if args.quick { 7 } else { 15 },
        target_ms: if args.quick { 8 } else { 30 },
        cores: machine::cores()?,
        seed: args.seed,
    };
    let provenance = Provenance {
        cpu: machine::cpu_model(),
        cores: std::thread::available_parallelism()?.get(),
        kernel: machine::kernel(),
        toolchain: args.toolchain.clone(),
        commit: args.commit.clone(),
        command: args.command.clone(),
        rivals: machine::rivals(),
        realtime: std::thread::spawn(machine::go_realtime).join().unwrap_or(false),
    };
    println!("{}\nseed {}, {plan}\n", provenance.line(), args.seed);
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder {}", args.out.display()))?;

    let in_a_sitting: u64 = cases.iter().map(|case| runs(case, &plan)).sum();
    let bar = ProgressBar::new(plan.sittings as u64 * in_a_sitting);
    let style = "{bar:32} {percent:>3} % {elapsed} of about {duration}  {msg}";
    bar.set_style(ProgressStyle::with_template(style)?);
    let mut done = 0;
    let mut best_loop_ns = f64::INFINITY;
    let mut records: Vec<Record> = Vec::new();
    let mut refusals = Vec::new();
    let mut cells: Vec<(Family, Cell)> = Vec::new();
    for sitting in 0..plan.sittings {
        for (index, case) in cases.iter().enumerate() {
            bar.set_position(done);
            let report_start = |round, contestant: &str| {
                bar.set_message(format!("{}, round {}: {contestant}", case.id(), round + 1));
                bar.inc(1);
            };
            let best = &mut best_loop_ns;
            let record = rounds::measure(case, &plan, sitting, &provenance, best, report_start)?;
            done += runs(case, &plan);
            match records.get_mut(index) {
                Some(earlier) => earlier.append(record),
                None => records.push(record),
            }
            let is_last = sitting + 1 == plan.sittings;
            let Some(record) = records.get(index).filter(|_| is_last) else { continue };
            match Summary::of(record) {
                Ok(summary) => {
                    record.write(&args.out)?;
                    cells.extend(Cell::of(case, &summary).map(|cell| (case.family, cell)));
                    bar.suspend(|| println!("{}", table::terminal(case, &summary)));
                }
                Err(refusal) => {
                    bar.suspend(|| println!("{refusal:#}\n"));
                    refusals.push(case.id());
                }
            }
        }
    }
    bar.finish_and_clear();
    for family in Family::ALL {
        let own = cells.iter().filter(|(of, _)| *of == family).map(|(_, cell)| *cell);
        let lines = standing::lines(&own.collect::<Vec<_>>());
        if !lines.is_empty() {
            println!("{}: {lines}", family.title());
        }
    }
    report::write(&args.out)?;
    println!("written to {}", args.out.display());
    ensure!(
        refusals.is_empty(),
        "the machine was too restless to report on {} of {} cases: {}",
        refusals.len(),
        cases.len(),
        refusals.join(", ")
    );
    Ok(())
}

/// How many runs a case will take if all goes well.
fn runs(case: &Case, plan: &Plan) -> u64 {
    let rounds = if case.shape == case::Shape::Memory { 1 } else { plan.rounds };
    (rounds * contestant::of(case).len()) as u64
}

fn list(filter: Option<&str>) -> Result<()> {
    for case in matching(filter)? {
        println!("{}: {}", case.id(), case.title());
        for contestant in contestant::of(&case) {
            println!("    {}", contestant.name);
        }
    }
    Ok(())
}

fn matching(filter: Option<&str>) -> Result<Vec<Case>> {
    let mut cases = case::all();
    let all = cases.len();
    if let Some(filter) = filter {
        cases.retain(|case| case.id().contains(filter));
        ensure!(!cases.is_empty(), "none of the {all} cases has `{filter}` in its name");
    }
    Ok(cases)
}
