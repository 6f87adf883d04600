//! Building the bare-metal image.

use std::io::BufReader;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::Message;

use crate::workspace::{Backend, Workspace};

const PACKAGE: &str = "no_std_example";

/// Builds the image as a person would ship it, and says where it is.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    ensure!(
        cfg!(all(target_arch = "x86_64", target_os = "linux")),
        "the bare-metal image is built by a toolchain for x86-64 Linux: try --hosted"
    );
    let mut child = workspace
        .cargo(Backend::Asm)
        .args(["build", "--release", "--package", PACKAGE, "--bin", PACKAGE, "--features", "image"])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let messages = child.stdout.take().context("cargo has no output")?;
    let mut image = None;
    for message in Message::parse_stream(BufReader::new(messages)) {
        if let Message::CompilerArtifact(artifact) = message? {
            image = artifact.executable.or(image);
        }
    }
    ensure!(child.wait()?.success(), "the bare-metal image does not build");
    Ok(image.context("cargo built no image")?.into())
}
