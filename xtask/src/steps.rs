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
    let latchless = |backend, features: &[&str]| {
        let what = [&["--package", "latchless", "--all-targets"], features].concat();
        run(workspace.cargo(backend), &what)
    };
    run(workspace.cargo(Backend::Asm), &["--workspace", "--all-targets"])?;
    // The image is a program without `std`, and alone in that.
    run(workspace.cargo(Backend::Asm), &["--package", "no_std_example", "--features", "image"])?;
    latchless(Backend::Asm, &["--no-default-features"])?;
    latchless(Backend::Asm, &["--features", "alloc"])?;
    latchless(Backend::Asm, &["--all-features"])?;
    latchless(Backend::Native, &["--all-features"])?;
    run(workspace.cargo_in("benches/peers"), &["--workspace", "--all-targets"])?;
    run(workspace.cargo_in("capi"), &["--all-features"])?;
    run(workspace.cargo_in("fuzz"), &["--all-targets", "--no-default-features"])?;
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

/// Unit, documentation, property and threaded tests of every package; the crate's own once more
/// as users build it, since an optimizer moves more.
pub(crate) fn test_asm(workspace: &Workspace) -> Result<()> {
    let test = || {
        let mut cargo = workspace.cargo(Backend::Asm);
        cargo.arg("test");
        cargo
    };
    // Not `--all-features`: the image is a program without `std`.
    let features =
        "embedded-io heapless spin std".split(' ').map(|name| format!("latchless/{name}"));
    let features: Vec<String> = features.collect();
    process::run(test().args(["--workspace", "--features", &features.join(",")]))?;
    process::run(workspace.cargo_in("benches/peers").args(["test", "--workspace"]))?;
    process::run(test().args(["--package", "latchless", "--all-features", "--release", "--tests"]))
}

/// The crate's tests once more, on the atomics that every other target gets.
pub(crate) fn test_native(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo(Backend::Native);
    process::run(cargo.args(["test", "--package", "latchless", "--all-features"]))
}
