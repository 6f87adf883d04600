//! Rules about the repository's shape that no compiler checks.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::operations;
use crate::patched_loom;
use crate::process;
use crate::verify;
use crate::workspace::{Backend, SIDE_WORKSPACES, Workspace};

/// The only source file of the crate that may hold inline assembly.
const ASM_HOME: &str = "src/arch/x86_64.rs";
/// The only source file of the crate that may ask which backend it is built for.
const BACKEND_SWITCH: &str = "src/atomic/mod.rs";
/// What selects a backend.
const BACKEND_CFGS: [&str; 2] = ["loom", "latchless_native"];
/// What the crate may depend on when it is built with no features.
const OWN_DEPENDENCIES: [&str; 1] = ["static_assertions"];

/// Checks every rule.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let sources = sources(workspace)?;
    report("assembly", asm_has_one_home(&sources))?;
    report("backend switch", backends_have_one_switch(&sources))?;
    report("dependencies", dependencies_are_few(workspace))?;
    report("operations", operations::check(workspace))?;
    report("documents", verify::check_documents(workspace))?;
    report("lock files", lock_files_are_current(workspace))
}

fn report(rule: &str, verdict: Result<()>) -> Result<()> {
    verdict.with_context(|| format!("the rule on {rule} is broken"))?;
    println!("    {rule}: kept");
    Ok(())
}

/// A source file: its path in the repository, with forward slashes, and its text.
pub(crate) type Source = (String, String);

fn asm_has_one_home(sources: &[Source]) -> Result<()> {
    for (path, text) in sources {
        let line = text.lines().position(|line| line.contains("asm!"));
        ensure!(
            path == ASM_HOME || line.is_none(),
            "{path}:{}: `asm!` belongs in {ASM_HOME}",
            line.unwrap_or(0) + 1
        );
    }
    ensure!(
        sources.iter().any(|(path, text)| path == ASM_HOME && text.contains("asm!")),
        "{ASM_HOME} holds no `asm!`: this check looks for the wrong thing"
    );
    Ok(())
}

fn backends_have_one_switch(sources: &[Source]) -> Result<()> {
    for (path, text) in sources {
        let asked = BACKEND_CFGS.into_iter().find(|cfg| asks_for(text, cfg));
        ensure!(
            path == BACKEND_SWITCH || asked.is_none(),
            "{path} asks for the cfg `{}`: that belongs in {BACKEND_SWITCH}",
            asked.unwrap_or_default()
        );
    }
    ensure!(
        sources.iter().any(|(path, text)| path == BACKEND_SWITCH && asks_for(text, "loom")),
        "{BACKEND_SWITCH} has no `cfg(loom)`: this check looks for the wrong thing"
    );
    Ok(())
}

/// Whether a `cfg(…)`, `cfg!(…)` or `cfg_attr(…)` in `text` names `wanted`.
fn asks_for(text: &str, wanted: &str) -> bool {
    text.match_indices("cfg").any(|(at, cfg)| {
        let rest = text.get(at + cfg.len()..).unwrap_or_default();
        let rest = rest.strip_prefix("_attr").unwrap_or(rest);
        let rest = rest.strip_prefix('!').unwrap_or(rest);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        rest.starts_with('(')
            && parenthesized(rest).split(|c: char| !is_word(c)).any(|word| word == wanted)
    })
}

/// The start of `text` up to the parenthesis that closes its first one.
fn parenthesized(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth <= 1 => return text.get(..at).unwrap_or(text),
            ')' => depth -= 1,
            _ => {}
        }
    }
    text
}

fn dependencies_are_few(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo(Backend::Asm);
    command.args(["tree", "--package", "latchless", "--edges", "normal"]);
    command.args(["--no-default-features", "--prefix", "none", "--format", "{p}"]);
    let tree = process::output(&mut command)?;
    for package in tree.lines().skip(1) {
        let name = package.split_whitespace().next().unwrap_or_default();
        ensure!(
            OWN_DEPENDENCIES.contains(&name),
            "without features the crate depends on {package}, but it may depend only on {}",
            OWN_DEPENDENCIES.join(", ")
        );
    }
    Ok(())
}

/// The main workspace's lock file has been brought up to date by running this program.
fn lock_files_are_current(workspace: &Workspace) -> Result<()> {
    patched_loom::prepare(workspace)?;
    for folder in SIDE_WORKSPACES {
        let mut command = workspace.cargo_in(folder);
        command.args(["metadata", "--locked", "--format-version", "1"]);
        process::output(&mut command).with_context(|| {
            format!("{folder}/Cargo.lock is out of date: run `cargo update --workspace` there")
        })?;
    }
    Ok(())
}

/// Every Rust file under `src/`, in order.
pub(crate) fn sources(workspace: &Workspace) -> Result<Vec<Source>> {
    let root = workspace.path("src");
    let mut sources = Vec::new();
    for file in rust_files(&root)? {
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let inside = file.strip_prefix(&root)?;
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        sources.push((format!("src/{}", parts.join("/")), text));
    }
    sources.sort();
    Ok(sources)
}

pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Vec<Source> {
        files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect()
    }

    #[test]
    fn asm_elsewhere_is_found() {
        let home = (ASM_HOME, "asm!(\"pause\")");
        asm_has_one_home(&files(&[home, ("src/lib.rs", "fn f() {}")])).unwrap();
        let stray = files(&[home, ("src/ring/mod.rs", "fn f() {\n    core::arch::asm!()\n}")]);
        let error = asm_has_one_home(&stray).unwrap_err().to_string();
        assert!(error.starts_with("src/ring/mod.rs:2:"), "{error}");
        assert!(asm_has_one_home(&files(&[("src/lib.rs", "")])).is_err());
    }

    #[test]
    fn a_backend_switch_elsewhere_is_found() {
        let switch = (BACKEND_SWITCH, "#[cfg(all(loom, test))]\nmod model;");
        let innocent = ("src/lib.rs", "#[cfg(feature = \"spin\")] mod bloom; use loom::x;");
        backends_have_one_switch(&files(&[switch, innocent])).unwrap();
        for stray in [
            "#[cfg(loom)]",
            "#[cfg(not(loom))]",
            "if cfg!(loom) {}",
            "#[cfg_attr(loom, inline)]",
            "#[cfg(any(\n    target_arch = \"x86_64\",\n    loom,\n))]",
            "#[cfg(latchless_native)]",
        ] {
            let files = files(&[switch, ("src/counter/mod.rs", stray)]);
            assert!(backends_have_one_switch(&files).is_err(), "{stray}");
        }
        assert!(backends_have_one_switch(&files(&[innocent])).is_err());
    }
}
