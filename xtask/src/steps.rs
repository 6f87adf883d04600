//! The steps of `cargo xtask test` that are cargo's own commands with the right arguments.

use std::process::Command;

use anyhow::Result;

use crate::patched_loom;
use crate::process;
use crate::setup;
use crate::workspace::{Backend, SIDE_WORKSPACES, Workspace};

/// Every file of every workspace is as rustfmt would write it.
pub(crate) fn fmt(workspace: &Workspace) -> Result<()> {
    setup::component("fmt", "rustfmt")?;
    patched_loom::prepare(workspace)?;
    for folder in SIDE_WORKSPACES.into_iter().chain(["."]) {
        process::run(workspace.cargo_in(folder).args(["fmt", "--check"]))?;
    }
    Ok(())
}

/// No warning, for each backend and each set of features that changes what is compiled.
pub(crate) fn clippy(workspace: &Workspace) -> Result<()> {
    setup::component("clippy", "clippy")?;
    patched_loom::prepare(workspace)?;
    let run = |mut cargo: Command, what: &[&str]| {
        cargo.args(["clippy", "--no-deps"]).args(what);
        process::run(cargo.args(["--", "--deny", "warnings"]))
    };
    let latchless = |backend, what: &[&str]| {
        run(workspace.cargo(backend), &[&["--package", "latchless"], what].concat())
    };
    run(
        workspace.cargo(Backend::Asm),
        &["--workspace", "--all-targets", "--features", &every_feature()],
    )?;
    // The image is a program without `std`, and alone in that.
    run(workspace.cargo(Backend::Asm), &["--package", "no_std_example", "--features", "image"])?;
    latchless(Backend::Asm, &["--all-targets"])?;
    latchless(Backend::Asm, &["--lib", "--features", "alloc"])?;
    latchless(Backend::Native, &["--lib", "--all-features"])?;
    run(workspace.cargo_in("benches/peers"), &["--workspace", "--all-targets"])?;
    run(workspace.cargo_in("capi"), &["--lib", "--examples", "--all-features"])?;
    let without_libfuzzer = ["--no-default-features", "--features", "heapless,schedules"];
    run(workspace.cargo_in("fuzz"), &[&["--all-targets"], &without_libfuzzer[..]].concat())?;
    run(workspace.cargo_in("tests/codegen"), &["--all-targets"])?;
    run(workspace.cargo_in("tests/linkage"), &["--all-targets", "--all-features"])?;
    run(workspace.cargo_in("tests/loom"), &["--all-targets"])?;
    run(workspace.cargo_in("tests/sanitized"), &["--all-targets"])
}

/// The documentation builds, private items included, and none of its links is broken.
pub(crate) fn doc(workspace: &Workspace) -> Result<()> {
    for private in [&[][..], &["--document-private-items"]] {
        let mut cargo = workspace.cargo(Backend::Asm);
        cargo.env("RUSTDOCFLAGS", "--deny warnings");
        cargo.args(["doc", "--no-deps", "--package", "latchless", "--all-features"]).args(private);
        process::run(&mut cargo)?;
    }
    Ok(())
}

/// The tests that meet what an optimizer moves: threads at full speed, interrupts between any two
/// instructions, values in inline assembly. Not those that stop threads at each access, which find the
/// same accesses in any build, and not those of arithmetic.
const OPTIMIZED: [&str; 14] = [
    "atomic",
    "channel",
    "counter",
    "index_stack",
    "interrupts",
    "linearizability",
    "litmus",
    "mpmc_ring",
    "overwriting_ring",
    "pool",
    "snapshot",
    "spsc_ring",
    "turn_ring",
    "wide",
];

/// Unit, documentation, property and threaded tests of every package; some of the crate's own once
/// more as users build it.
pub(crate) fn test_asm(workspace: &Workspace) -> Result<()> {
    let test = || {
        let mut cargo = workspace.cargo(Backend::Asm);
        cargo.arg("test");
        cargo
    };
    process::run(test().args(["--workspace", "--features", &every_feature()]))?;
    process::run(workspace.cargo_in("benches/peers").args(["test", "--workspace"]))?;
    let mut optimized = test();
    optimized.args(["--package", "latchless", "--all-features", "--release", "--lib"]);
    process::run(optimized.args(OPTIMIZED.iter().flat_map(|name| ["--test", name])))
}

/// Every feature of the crate, for the whole workspace: not `--all-features`, because the image is a
/// program without `std`.
fn every_feature() -> String {
    let features = "alloc embedded-io heapless spin std".split(' ');
    features.map(|name| format!("latchless/{name}")).collect::<Vec<_>>().join(",")
}

/// The crate's tests once more, on the atomics that every other target gets.
pub(crate) fn test_native(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo(Backend::Native);
    process::run(cargo.args(["test", "--package", "latchless", "--all-features"]))
}
