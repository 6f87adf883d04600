//! Does the crate compile with the oldest Rust that it names?

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::debian::Compiler;
use crate::process;
use crate::workspace::{Backend, Workspace};

/// The part of `Cargo.toml` that names it.
#[derive(Debug, Deserialize)]
struct Manifest {
    workspace: WorkspaceTable,
}

#[derive(Debug, Deserialize)]
struct WorkspaceTable {
    package: PackageTable,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct PackageTable {
    rust_version: String,
}

/// The features that the version holds for. `heapless` asks for more, as the README says.
const FEATURES: [&str; 3] = ["", "alloc", "embedded-io,spin,std"];

pub(super) fn run(workspace: &Workspace) -> Result<String> {
    let text =
        fs::read_to_string(workspace.path("Cargo.toml")).context("cannot read Cargo.toml")?;
    let wanted = toml::from_str::<Manifest>(&text)?.workspace.package.rust_version;
    let compiler = Compiler::unpacked(workspace, &wanted, &[])?;
    let version = compiler.version()?;
    ensure!(version.starts_with(&wanted), "the compiler is {version}, not {wanted}");
    for backend in [Backend::Asm, Backend::Native] {
        for features in FEATURES {
            let mut cargo = workspace.cargo(backend);
            compiler.apply(&mut cargo).args([
                "check",
                "--quiet",
                "--package",
                "latchless",
                "--lib",
            ]);
            cargo.args(["--features", features]).env("CARGO_TARGET_DIR", target(backend));
            process::run(&mut cargo)?;
        }
    }
    Ok(format!("rustc {version}, both backends, without features and with all but `heapless`"))
}

fn target(backend: Backend) -> String {
    format!("target/msrv-{}", backend.name())
}
