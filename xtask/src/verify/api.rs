//! The public interface, item by item, as a text that is kept: who changes it sees that and says so.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use public_api::Builder;
use serde::Deserialize;

use crate::process;
use crate::workspace::{Backend, Workspace};

/// The text: a line for each item, with every feature, on x86-64.
const SNAPSHOT: &str = "docs/api.txt";
/// Where rustdoc writes.
const BUILDS: &str = "target/api";
/// The format of rustdoc's output that the crate `public-api` of this version reads.
const FORMAT: u32 = 57;

/// The part of rustdoc's output that tells its format.
#[derive(Debug, Deserialize)]
struct Document {
    format_version: u32,
}

/// Fails if the interface is not the one that is kept.
pub(super) fn run(workspace: &Workspace) -> Result<String> {
    let kept = fs::read_to_string(workspace.path(SNAPSHOT))
        .with_context(|| format!("cannot read {SNAPSHOT}"))?;
    let found = interface(workspace)?;
    ensure!(
        kept == found,
        "the public interface is another one than {SNAPSHOT} says; if that is meant, \
         run `cargo xtask verify --bless` and commit the file:\n{}",
        difference(&kept, &found)
    );
    Ok(format!("{} lines", found.lines().count()))
}

/// Keeps the interface as it is now.
pub(super) fn bless(workspace: &Workspace) -> Result<()> {
    let found = interface(workspace)?;
    let kept = fs::read_to_string(workspace.path(SNAPSHOT)).unwrap_or_default();
    print!("{}", difference(&kept, &found));
    fs::write(workspace.path(SNAPSHOT), found).with_context(|| format!("cannot write {SNAPSHOT}"))
}

/// Every public item, without what the compiler implements by itself.
fn interface(workspace: &Workspace) -> Result<String> {
    let mut cargo = workspace.cargo(Backend::Asm);
    // rustdoc's JSON is unstable; the variable lets a stable one write it.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    cargo.args(["rustdoc", "--quiet", "--package", "latchless", "--lib", "--all-features"]);
    cargo.args(["--target-dir", BUILDS, "--", "-Zunstable-options", "--output-format", "json"]);
    process::run(&mut cargo)?;
    let path = workspace.path(BUILDS).join("doc/latchless.json");
    let text = fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    let format = serde_json::from_str::<Document>(&text)?.format_version;
    ensure!(
        format == FORMAT,
        "this rustdoc writes format {format}, and `public-api` of xtask/Cargo.toml reads {FORMAT}: \
         use the release of it that reads {format}, and change FORMAT"
    );
    let api =
        Builder::from_rustdoc_json(&path).omit_blanket_impls(true).omit_auto_trait_impls(true);
    Ok(api.build().context("cannot read what rustdoc wrote")?.to_string())
}

/// The lines that went and those that came.
fn difference(before: &str, after: &str) -> String {
    let gone = before.lines().filter(|line| !after.lines().any(|other| other == *line));
    let come = after.lines().filter(|line| !before.lines().any(|other| other == *line));
    let gone = gone.map(|line| format!("-{line}\n"));
    gone.chain(come.map(|line| format!("+{line}\n"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_is_shown_before_and_after() {
        assert_eq!(difference("a\nb\nc\n", "a\nB\nc\n"), "-b\n+B\n");
        assert_eq!(difference("a\n", "a\n"), "");
    }
}
