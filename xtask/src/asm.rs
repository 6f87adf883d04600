//! `cargo xtask asm`: what the compiler makes of each operation, seen and judged by `tests/codegen`.

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::process;
use crate::workspace::Workspace;

/// The program that shows it and the tests that judge it, a workspace of its own.
pub(crate) const PACKAGE: &str = "tests/codegen";

/// The arguments of `cargo xtask asm`.
#[derive(Args, Debug)]
pub(crate) struct AsmArgs {
    /// Only this function, all of its code with comments; for instance `add_i64`
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Only write docs/ASM.md anew: the instructions have changed, and were meant to
    #[arg(long, conflicts_with = "name")]
    bless: bool,
}

/// Prints the instructions of every operation, or all the code of one.
pub(crate) fn run(workspace: &Workspace, args: &AsmArgs) -> Result<()> {
    let mut arguments: Vec<&str> = args.name.as_deref().into_iter().collect();
    if args.bless {
        arguments.push("--bless");
    }
    print!("{}", show(workspace, &arguments)?);
    Ok(())
}

/// Fails unless the code of every operation is what is expected of it. Says how much that is.
pub(crate) fn check(workspace: &Workspace) -> Result<String> {
    ensure_x86_64()?;
    process::run(workspace.cargo_in(PACKAGE).args(["test", "--release", "--", "--quiet"]))?;
    let listing = show(workspace, &[])?;
    let summary = listing.lines().last().and_then(|line| line.split(';').next());
    Ok(summary.context("an empty table")?.to_owned())
}

/// What the program prints when it is given these arguments.
fn show(workspace: &Workspace, arguments: &[&str]) -> Result<String> {
    ensure_x86_64()?;
    let build = workspace.cargo_in(PACKAGE).args(["build", "--release", "--quiet"]).status()?;
    ensure!(build.success(), "{PACKAGE} does not compile");
    let mut program = workspace.cargo_in(PACKAGE);
    program.args(["run", "--release", "--quiet", "--"]).args(arguments);
    let output = program.output().with_context(|| format!("cannot start cargo in {PACKAGE}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{}", complaint.trim_end().trim_start_matches("error: "));
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn ensure_x86_64() -> Result<()> {
    ensure!(
        cfg!(all(target_arch = "x86_64", target_os = "linux")),
        "only on x86-64 does the crate say which instructions its operations are, and only in an ELF \
         file, of Linux, are they looked for"
    );
    Ok(())
}
