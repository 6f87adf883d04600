//! What other targets have of the crate: every operation of `tests/linkage` is compiled for each, and
//! the tests run as programs of another architecture. That is emulated on x86, so it proves nothing
//! about memory orderings.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::linkage::{self, PACKAGE};
use crate::debian::Compiler;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// Where the builds go: they are other ones than those of the installed compiler.
const BUILDS: &str = "target/portability";
/// Shows the table that is found here.
const DOCUMENT: &str = "docs/PORTABILITY.md";
const TARGETS: [&str; 5] = [
    "x86_64-unknown-none",
    "aarch64-unknown-none",
    "riscv64gc-unknown-none-elf",
    "i686-unknown-linux-gnu",
    "thumbv7em-none-eabihf",
];
/// A column of the table, and an operation that is there if the structure is.
const STRUCTURES: [(&str, &str); 11] = [
    ("`Counter`", "op_counter_inc"),
    ("`SpscRing`", "op_producer_push_u64"),
    ("`OverwritingRing`", "op_overwriting_push_u64"),
    ("`MpmcRing`", "op_mpmc_push_u64"),
    ("`TurnRing`", "op_turn_push_u64"),
    ("`IndexStack`", "op_stack_push"),
    ("`Pool`", "op_pool_alloc_u64"),
    ("`Snapshot`", "op_snapshot_load_u64"),
    ("atomics to 32 bits", "op_fetch_add_u32"),
    ("64-bit atomics", "op_fetch_add_u64"),
    ("`AtomicPair`", "op_compare_exchange_pair"),
];
/// The programs are linked statically: with its own libraries elsewhere, the emulator would have
/// to be told where.
const EMULATED: &str = "aarch64-unknown-linux-gnu";
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// x86-64 CPUs that lack something, as the emulator calls them, and whether that is `cmpxchg16b`.
const OLD_CPUS: [(&str, bool); 2] = [("Nehalem", false), ("Nehalem,-cx16", true)];
/// The tests that are run on those: what they lack is asked for at run time.
const OLD_CPU_TESTS: &str = "wide";
/// Tells those tests that the CPU lacks `cmpxchg16b`.
const WITHOUT_CMPXCHG16B: &str = "LATCHLESS_TEST_WITHOUT_CMPXCHG16B";

pub(super) fn run(workspace: &Workspace) -> Result<String> {
    let besides = ["rust-web-src", "libstd-rust-web-dev:arm64"];
    let compiler = Compiler::unpacked(workspace, "", &besides)?;
    let table = table(workspace, &compiler)?;
    println!("{table}");
    let document = fs::read_to_string(workspace.path(DOCUMENT))
        .with_context(|| format!("cannot read {DOCUMENT}"))?;
    ensure!(document.contains(&table), "{DOCUMENT} shows another table than this:\n{table}");
    let passed = test_emulated(workspace, &compiler)?;
    let mut on_old = 0;
    for (cpu, lacks_cmpxchg16b) in OLD_CPUS {
        on_old += test_on_old_cpu(workspace, cpu, lacks_cmpxchg16b)?;
    }
    Ok(format!(
        "{} targets, {passed} tests on emulated aarch64, {on_old} on {} old CPUs",
        TARGETS.len(),
        OLD_CPUS.len()
    ))
}

/// Which structures each target has, in Markdown.
fn table(workspace: &Workspace, compiler: &Compiler) -> Result<String> {
    let names: Vec<&str> = STRUCTURES.iter().map(|(name, _)| *name).collect();
    let mut table = format!("| target | {} |\n|---|", names.join(" | "));
    table += &"---|".repeat(names.len());
    table.push('\n');
    for target in TARGETS {
        let mut cargo = workspace.cargo_in(PACKAGE);
        cargo.env("RUSTC_BOOTSTRAP", "1");
        compiler.apply(&mut cargo).args(["build", "--quiet", "-Zbuild-std=core"]);
        cargo.args(["--target", target, "--target-dir"]).arg(workspace.path(BUILDS));
        process::run(&mut cargo)?;
        let library = format!("{BUILDS}/{target}/debug/liblatchless_linkage.a");
        let symbols = linkage::symbols(&workspace.path(library))?;
        let hidden = symbols.iter().find(|name| name.starts_with("__atomic_"));
        if let Some(hidden) = hidden {
            bail!("{target}: {hidden} is called, which may hide a lock");
        }
        let cells =
            STRUCTURES.map(|(_, operation)| if symbols.contains(operation) { "yes" } else { "-" });
        table += &format!("| `{target}` | {} |\n", cells.join(" | "));
    }
    Ok(table)
}

/// Runs the crate's tests on an emulated processor, and returns how many there were.
fn test_emulated(workspace: &Workspace, compiler: &Compiler) -> Result<usize> {
    setup::program("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu")?;
    setup::file("/usr/aarch64-linux-gnu/lib/libc.a", "libc6-dev-arm64-cross")?;
    setup::program("qemu-aarch64", "qemu-user")?;
    let mut cargo = workspace.cargo_in(".");
    let setting = |name| format!("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_{name}");
    cargo.env(setting("LINKER"), "aarch64-linux-gnu-gcc");
    cargo.env(setting("RUNNER"), "qemu-aarch64");
    cargo.env(setting("RUSTFLAGS"), "-Ctarget-feature=+crt-static");
    compiler.apply(&mut cargo).args(["test", "--package", "latchless", "--all-features"]);
    cargo.args(["--lib", "--tests", "--target", EMULATED, "--target-dir", BUILDS]);
    println!("    $ cargo test --target {EMULATED}, under qemu-aarch64");
    let outcome = process::judge(&mut cargo, PATIENCE)?;
    ensure!(outcome.succeeded && !outcome.timed_out, "tests fail:\n{}", outcome.output);
    let passed = passed(&outcome.output);
    ensure!(passed > 0, "no test ran:\n{}", outcome.output);
    Ok(passed)
}

/// Runs the tests of wide atomics on an x86-64 CPU that lacks vector moves of one piece, or even
/// `cmpxchg16b`, and returns how many there were.
fn test_on_old_cpu(workspace: &Workspace, cpu: &str, lacks_cmpxchg16b: bool) -> Result<usize> {
    ensure!(cfg!(target_arch = "x86_64"), "the tests of wide atomics are for x86-64");
    setup::program("qemu-x86_64", "qemu-user")?;
    let mut cargo = workspace.cargo_in(".");
    let runner = format!("qemu-x86_64 -cpu {cpu}");
    cargo.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", &runner);
    if lacks_cmpxchg16b {
        cargo.env(WITHOUT_CMPXCHG16B, "1");
    }
    cargo.args(["test", "--package", "latchless", "--test", OLD_CPU_TESTS]);
    cargo.args(["--target", "x86_64-unknown-linux-gnu", "--target-dir", BUILDS]);
    println!("    $ cargo test --test {OLD_CPU_TESTS}, under {runner}");
    let outcome = process::judge(&mut cargo, PATIENCE)?;
    ensure!(outcome.succeeded && !outcome.timed_out, "tests fail on {cpu}:\n{}", outcome.output);
    let passed = passed(&outcome.output);
    ensure!(passed > 0, "no test ran on {cpu}:\n{}", outcome.output);
    Ok(passed)
}

/// How many tests passed, by what the harness printed.
fn passed(output: &str) -> usize {
    let counts = output.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    counts.filter_map(|line| line.split(' ').next()?.parse::<usize>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_passed_are_counted() {
        let output = "running 2 tests\ntest result: ok. 2 passed; 0 failed\n\n\
                      test result: ok. 11 passed; 0 failed\n";
        assert_eq!(passed(output), 13);
    }
}
