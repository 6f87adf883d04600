//! `cargo xtask bench`: latchless beside its rivals, and what its operations cost in instructions.
//!
//! The measurements themselves are `benches/peers`, a workspace of its own, so that rivals never
//! become dependencies of anything else here.

mod budget;
mod callgrind;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::process;
use crate::setup;
use crate::workspace::Workspace;

pub(crate) use self::budget::check as check_instructions;

/// The folder of the measuring workspace.
const PEERS: &str = "benches/peers";
/// Where the committed report is.
const REPORT: &str = "docs/bench";
/// Where a first look goes, so that it does not overwrite the report.
const FIRST_LOOK: &str = "target/bench";
/// A file each of the C and C++ rivals needs, and Debian's package that has it.
const NATIVE_PEERS: [(&str, &str); 4] = [
    ("/usr/include/boost/lockfree/queue.hpp", "libboost-dev"),
    ("/usr/include/ck_stack.h", "libck-dev"),
    ("/usr/include/concurrentqueue/concurrentqueue.h", "libconcurrentqueue-dev"),
    ("/usr/include/tbb/concurrent_queue.h", "libtbb-dev"),
];

/// The arguments of `cargo xtask bench`.
#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    /// Only cases whose name contains this, `spsc` or `1p1c-u64` for example
    filter: Option<String>,
    /// Fewer and shorter rounds, written to target/bench instead of the report
    #[arg(long)]
    quick: bool,
    /// With the rivals in C and C++, whose packages are installed if missing
    #[arg(long)]
    native_peers: bool,
    /// What the order of the contestants in each round is drawn from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Name the cases and their contestants, and measure nothing
    #[arg(long)]
    list: bool,
    /// Write the report again from the raw data that is there, and measure nothing
    #[arg(long, conflicts_with = "list")]
    report: bool,
    /// Count the instructions of each operation instead, which no noise disturbs
    #[arg(long, conflicts_with_all = ["quick", "native_peers", "list", "report"])]
    instructions: bool,
    /// Fail if an operation takes more instructions than it is recorded with
    #[arg(long, requires = "instructions")]
    check: bool,
    /// Record the counts that were found
    #[arg(long, requires = "instructions", conflicts_with = "check")]
    bless: bool,
}

/// Measures, or counts.
pub(crate) fn run(workspace: &Workspace, args: &BenchArgs) -> Result<()> {
    match args {
        BenchArgs { instructions: true, check: true, .. } => budget::check(workspace),
        BenchArgs { instructions: true, bless: true, .. } => budget::bless(workspace),
        BenchArgs { instructions: true, filter, .. } => budget::show(workspace, filter.as_deref()),
        _ => measure(workspace, args),
    }
}

fn measure(workspace: &Workspace, args: &BenchArgs) -> Result<()> {
    setup::program("cc", "gcc")?;
    let mut features: &[&str] = &[];
    if args.native_peers {
        setup::program("c++", "g++")?;
        for (file, package) in NATIVE_PEERS {
            setup::file(file, package)?;
        }
        features = &["--features", "native-peers"];
    }
    let program = build(workspace, "latchless-peers", "peers", features)?;

    let out = workspace.path(if args.quick { FIRST_LOOK } else { REPORT });
    let mut peers = workspace.command_in(".", program);
    if args.list {
        peers.arg("list").args(&args.filter);
        return process::run(&mut peers);
    }
    if args.report {
        peers.arg("report").arg("--out").arg(inside(workspace, &out));
        return process::run(&mut peers);
    }
    peers.arg("run").args(&args.filter).arg("--out").arg(inside(workspace, &out));
    peers.args(["--seed", &args.seed.to_string()]);
    if args.quick {
        peers.arg("--quick");
    }
    peers.args(["--toolchain", &toolchain(workspace)?]);
    peers.args(["--commit", &commit(workspace)?]);
    peers.args(["--command", &typed()]);
    process::run(&mut peers)
}

/// Builds a program of the measuring workspace and returns where it is.
fn build(workspace: &Workspace, package: &str, program: &str, more: &[&str]) -> Result<PathBuf> {
    let mut cargo = workspace.cargo_in(PEERS);
    cargo.args(["build", "--release", "--locked", "--package", package]).args(more);
    process::run(&mut cargo)?;
    Ok(workspace.path(PEERS).join("target/release").join(program))
}

/// `path` as seen from the repository: no folder of this machine gets into a file.
fn inside<'a>(workspace: &Workspace, path: &'a Path) -> &'a Path {
    path.strip_prefix(workspace.path("")).unwrap_or(path)
}

/// The compiler's name and version.
fn toolchain(workspace: &Workspace) -> Result<String> {
    let version = process::output(workspace.command_in(PEERS, "rustc").arg("--version"))?;
    Ok(version.trim().to_owned())
}

/// The commit that is measured, with a remark if files differ from it; a repository that was
/// unpacked rather than cloned has none.
fn commit(workspace: &Workspace) -> Result<String> {
    let git = |arguments: &[&str]| {
        let mut command: Command = workspace.command_in(".", "git");
        process::output(command.args(arguments))
    };
    let Ok(head) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return Ok("unknown".to_owned());
    };
    let changes = git(&["status", "--porcelain", "--", "src", PEERS])?;
    let remark = if changes.is_empty() { "" } else { " with changes" };
    Ok(format!("{}{remark}", head.trim()))
}

/// The command as it was typed.
fn typed() -> String {
    let arguments: Vec<String> = env::args().skip(1).collect();
    format!("cargo xtask {}", arguments.join(" "))
}
