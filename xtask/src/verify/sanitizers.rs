//! The programs of `tests/sanitized` under tools that watch memory: the workload must be clean, and
//! each planted bug must be reported.
//!
//! The sanitizers watch core's atomics, since they do not see into inline assembly. memcheck watches
//! machine code, so it watches the crate's own instructions.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::expect_none;
use super::scratch::Scratch;
use crate::process;
use crate::setup;
use crate::workspace::{Backend, Workspace};

/// Where the programs are, a workspace of its own.
const FOLDER: &str = "tests/sanitized";
/// Named to cargo, so that it spares build scripts and macros the sanitizer's flags.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// What the workload ends with.
const ALL_RIGHT: &str = "all totals are right";
/// How ThreadSanitizer begins its report of a data race.
const DATA_RACE: &str = "WARNING: ThreadSanitizer: data race";
/// A program that takes this long waits for what does not come.
const PATIENCE: Duration = Duration::from_secs(180);

/// Turns of each thread in `cargo xtask test`.
const FEW_TURNS: u32 = 20_000;
/// Turns of each thread otherwise.
const TURNS: u32 = 100_000;

/// Orderings that are weakened to `Relaxed`, one at a time: file, the place, which is there once,
/// and the ordering in it.
const WEAKENED: [(&str, &str, &str); 9] = [
    ("src/ring/spsc/handles.rs", "self.ring.tail.store(next, Release)", "Release"),
    ("src/ring/spsc/handles.rs", "self.ring.head.store(next, Release)", "Release"),
    ("src/ring/overwriting/handles.rs", "swap(new.bits(), AcqRel)", "AcqRel"),
    ("src/ring/mpmc/relay.rs", "entry.exchange(found, new, Release, Relaxed)", "Release"),
    (
        "src/ring/turn/claim.rs",
        "slot.turn.store(word::full(tail, self.capacity()), Release)",
        "Release",
    ),
    (
        "src/ring/turn/claim.rs",
        "slot.turn.store(word::vacant(next_lap, self.capacity()), Release)",
        "Release",
    ),
    (
        "src/stack/index_stack.rs",
        concat!(
            "compare_exchange_weak(head.bits(), pushed.bits(), Release, Relaxed) {\n",
            "                Ok(_) => return Ok(()),\n",
            "                Err(found) => head = Head::from_bits(found),\n",
            "            }\n            backoff.wait();\n        }\n    }\n\n",
            "    /// Takes the index on top",
        ),
        "Release",
    ),
    ("src/snapshot/guard.rs", "fetch_add(Account::LEAVE, AcqRel)", "AcqRel"),
    ("src/snapshot/mod.rs", "fetch_add(Head::ENTRY, Acquire)", "Acquire"),
];

/// No data race, no use after free and no leak, as far as the sanitizers see.
pub(super) fn sanitizers(workspace: &Workspace) -> Result<String> {
    watch_for_races(workspace, TURNS)?;
    weaken(workspace)?;
    let tool = Tool::AddressSanitizer;
    tool.build(workspace)?;
    tool.expect_clean(workspace, TURNS)?;
    tool.expect_report(workspace, "seeded_use_after_free", "heap-use-after-free")?;
    tool.expect_report(workspace, "seeded_leak", "ERROR: LeakSanitizer: detected memory leaks")?;
    Ok(format!("{TURNS} turns clean, {} weakened orderings and 3 bugs caught", WEAKENED.len()))
}

/// No invalid access and no leak, on the crate's own instructions.
pub(super) fn memcheck(workspace: &Workspace) -> Result<String> {
    setup::program("valgrind", "valgrind")?;
    let tool = Tool::Memcheck;
    tool.build(workspace)?;
    tool.expect_clean(workspace, TURNS)?;
    tool.expect_report(workspace, "seeded_use_after_free", "inside a block of size 8 free'd")?;
    tool.expect_report(workspace, "seeded_leak", "are definitely lost")?;
    Ok(format!("{TURNS} turns clean, 2 bugs caught"))
}

/// A short run for data races: the step of `cargo xtask test`.
pub(crate) fn races(workspace: &Workspace) -> Result<()> {
    watch_for_races(workspace, FEW_TURNS)
}

fn watch_for_races(workspace: &Workspace, turns: u32) -> Result<()> {
    let tool = Tool::ThreadSanitizer;
    tool.build(workspace)?;
    tool.expect_clean(workspace, turns)?;
    tool.expect_report(workspace, "seeded_race", DATA_RACE)
}

/// Weakens orderings in a copy of the repository: ThreadSanitizer must report a race each time.
fn weaken(workspace: &Workspace) -> Result<()> {
    let tool = Tool::ThreadSanitizer;
    let scratch = Scratch::of(workspace, "sanitizers")?;
    let mut missed = Vec::new();
    for (file, place, ordering) in WEAKENED {
        let before = fs::read_to_string(workspace.path(file))
            .with_context(|| format!("cannot read {file}"))?;
        let places = before.matches(place).count();
        ensure!(places == 1, "`{place}` is in {file} {places} times, not once");
        let relaxed = place.replacen(ordering, "core::sync::atomic::Ordering::Relaxed", 1);
        let after = before.replacen(place, &relaxed, 1);
        let outcome = scratch.with_changed(file, &after, |copy| {
            let build = process::judge(&mut tool.cargo(copy), PATIENCE)?;
            ensure!(build.succeeded, "the change of {file} does not compile:\n{}", build.output);
            process::judge(&mut tool.workload(copy, TURNS), PATIENCE)
        })?;
        let is_caught = !outcome.succeeded && outcome.output.contains(DATA_RACE);
        let what = format!("{file}: `{place}` without its {ordering}");
        println!("    {what}: {}", if is_caught { "caught" } else { "NOT CAUGHT" });
        if !is_caught {
            missed.push(what);
        }
    }
    expect_none(&missed, "weakened orderings were not noticed by ThreadSanitizer")
}

// === Tool ===

/// What watches a program.
#[derive(Clone, Copy, Debug)]
enum Tool {
    ThreadSanitizer,
    AddressSanitizer,
    Memcheck,
}

impl Tool {
    /// The compiler's name of a sanitizer.
    fn sanitizer(self) -> Option<&'static str> {
        match self {
            Tool::ThreadSanitizer => Some("thread"),
            Tool::AddressSanitizer => Some("address"),
            Tool::Memcheck => None,
        }
    }

    /// The folder for what is built, in the repository: flags that alternate in one folder would
    /// rebuild everything each time.
    fn target_folder(self) -> String {
        let suffix = self.sanitizer().map(|name| format!("-{name}")).unwrap_or_default();
        format!("target/sanitized{suffix}")
    }

    /// Builds the programs.
    fn build(self, workspace: &Workspace) -> Result<()> {
        process::run(&mut self.cargo(workspace))
    }

    fn cargo(self, workspace: &Workspace) -> Command {
        let mut cargo = workspace.cargo_in(FOLDER);
        let folder = format!("../../{}", self.target_folder());
        cargo.args(["build", "--quiet", "--target", TARGET, "--target-dir", &folder]);
        if let Some(name) = self.sanitizer() {
            let backend = Backend::Native.rustflags().unwrap_or_default();
            // std comes as it is, without the sanitizer: that is the mismatch.
            let flags = "-Cunsafe-allow-abi-mismatch=sanitizer";
            cargo.env("RUSTFLAGS", format!("-Zsanitizer={name} {flags} {backend}"));
            // The first is an unstable flag; the variable lets a stable compiler take it.
            cargo.env("RUSTC_BOOTSTRAP", "1");
        }
        cargo
    }

    /// A program that was built, watched.
    fn program(self, workspace: &Workspace, name: &str) -> Command {
        let path = workspace.path(format!("{}/{TARGET}/debug/{name}", self.target_folder()));
        match self {
            Tool::ThreadSanitizer => {
                let mut command = workspace.command_in(".", path);
                command.env("TSAN_OPTIONS", "halt_on_error=1");
                command
            }
            Tool::AddressSanitizer => {
                let mut command = workspace.command_in(".", path);
                command.env("ASAN_OPTIONS", "detect_leaks=1");
                command
            }
            Tool::Memcheck => {
                let mut command = workspace.command_in(".", "valgrind");
                command.args(["--tool=memcheck", "--fair-sched=yes", "--error-exitcode=1"]);
                // Not what is "possibly" lost: std itself keeps the main thread's handle by a
                // pointer to its middle.
                command.args(["--leak-check=full", "--show-leak-kinds=definite"]);
                command.args(["--errors-for-leak-kinds=definite"]).arg(path);
                command
            }
        }
    }

    fn workload(self, workspace: &Workspace, turns: u32) -> Command {
        let mut command = self.program(workspace, "workload");
        command.arg(turns.to_string());
        command
    }

    /// Fails unless the workload comes to its end with nothing reported.
    fn expect_clean(self, workspace: &Workspace, turns: u32) -> Result<()> {
        let outcome = process::judge(&mut self.workload(workspace, turns), PATIENCE)?;
        let output = &outcome.output;
        ensure!(!outcome.timed_out, "{self:?}: the workload does not end:\n{output}");
        let is_clean = outcome.succeeded && output.contains(ALL_RIGHT);
        ensure!(is_clean, "{self:?}: the workload fails:\n{output}");
        println!("    {self:?}: workload {turns}: clean");
        Ok(())
    }

    /// Fails unless the tool ends the program with this in its report.
    fn expect_report(self, workspace: &Workspace, name: &str, report: &str) -> Result<()> {
        let outcome = process::judge(&mut self.program(workspace, name), PATIENCE)?;
        let is_caught = !outcome.succeeded && outcome.output.contains(report);
        ensure!(is_caught, "{self:?} does not report `{report}` of {name}:\n{}", outcome.output);
        println!("    {self:?}: {name}: caught");
        Ok(())
    }
}
