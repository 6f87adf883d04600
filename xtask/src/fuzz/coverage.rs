//! Which lines of the crate the inputs of a target run through, by the compiler's own counters and
//! LLVM's tools of the compiler's version.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use comfy_table::{CellAlignment, Table, presets};
use serde::Deserialize;

use super::Target;
use crate::process;
use crate::setup;
use crate::workspace::{Backend, Workspace};

/// Runs the kept inputs of each target once, and prints how many lines of `src/` that reaches.
pub(super) fn report(
    workspace: &Workspace,
    cargo_fuzz: &Path,
    backends: &[Backend],
    targets: &[Target],
) -> Result<()> {
    let tools = Tools::find()?;
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["target", "backend", "lines of src/ in it", "covered", "not covered most"]);
    for &backend in backends {
        let folder = workspace.path(format!("target/fuzz-coverage-{}", backend.name()));
        let mut programs = Vec::new();
        let mut profiles = Vec::new();
        for target in targets {
            let program = build(workspace, cargo_fuzz, backend, &folder, target)?;
            let profile = folder.join(format!("{}.profdata", target.name));
            run_inputs(workspace, &tools, target, &program, &profile)?;
            let lines = tools.lines(workspace, &[&program], &profile)?;
            table.add_row(row(&target.name, backend, &lines));
            programs.push(program);
            profiles.push(profile);
        }
        if targets.len() > 1 {
            let together = folder.join("together.profdata");
            tools.merge(&profiles, &together)?;
            let programs: Vec<&Path> = programs.iter().map(PathBuf::as_path).collect();
            let lines = tools.lines(workspace, &programs, &together)?;
            table.add_row(row("all together", backend, &lines));
        }
    }
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}\n");
    Ok(())
}

fn build(
    workspace: &Workspace,
    cargo_fuzz: &Path,
    backend: Backend,
    folder: &Path,
    target: &Target,
) -> Result<PathBuf> {
    let mut command = workspace.command_in(".", cargo_fuzz);
    let flags = ["-Cinstrument-coverage"].into_iter().chain(backend.rustflags());
    command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", flags.collect::<Vec<_>>().join(" "));
    command.args(["build", "--fuzz-dir", "fuzz", "--sanitizer", "none", "--target-dir"]);
    process::run(command.arg(folder).arg(&target.name))?;
    let built = host_triple()?;
    Ok(folder.join(built).join("release").join(&target.name))
}

fn run_inputs(
    workspace: &Workspace,
    tools: &Tools,
    target: &Target,
    program: &Path,
    profile: &Path,
) -> Result<()> {
    let raw = profile.with_extension("profraw");
    let mut command = workspace.command_in(".", program);
    command.env("LLVM_PROFILE_FILE", &raw);
    command.args(target.folders(workspace)?).args(["-runs=0", "-verbosity=0"]);
    process::output(&mut command)?;
    tools.merge(&[raw], profile)
}

fn row(name: &str, backend: Backend, lines: &BTreeMap<String, Lines>) -> [String; 5] {
    let (count, covered) = lines
        .values()
        .fold((0, 0), |(count, covered), lines| (count + lines.count, covered + lines.covered));
    let percent = 100 * covered / count.max(1);
    let mut missed: Vec<_> =
        lines.iter().map(|(file, lines)| (lines.count - lines.covered, file)).collect();
    missed.sort_by(|one, other| other.cmp(one));
    let missed = missed.iter().filter(|(count, _)| *count > 0).take(3);
    let missed: Vec<_> = missed.map(|(count, file)| format!("{file} ({count})")).collect();
    [
        name.to_owned(),
        backend.name().to_owned(),
        count.to_string(),
        format!("{covered} ({percent} %)"),
        missed.join(", "),
    ]
}

/// LLVM's programs of the version that the compiler was built with: the format of profiles changes.
struct Tools {
    cov: PathBuf,
    profdata: PathBuf,
}

impl Tools {
    /// Those of the toolchain if it has them, otherwise Debian's.
    fn find() -> Result<Self> {
        let sysroot = process::output(Command::new(rustc()).args(["--print", "sysroot"]))?;
        let own = Path::new(sysroot.trim()).join("lib/rustlib").join(host_triple()?).join("bin");
        let tools = Self { cov: own.join("llvm-cov"), profdata: own.join("llvm-profdata") };
        if tools.cov.is_file() && tools.profdata.is_file() {
            return Ok(tools);
        }
        let version = said_by_rustc("LLVM version: ")?;
        let major = version.split('.').next().unwrap_or_default();
        let [cov, profdata] = ["llvm-cov", "llvm-profdata"].map(|tool| format!("{tool}-{major}"));
        let package = format!("llvm-{major}");
        setup::program(&cov, &package)?;
        setup::program(&profdata, &package)?;
        Ok(Self { cov: cov.into(), profdata: profdata.into() })
    }

    fn merge(&self, from: &[PathBuf], to: &Path) -> Result<()> {
        let mut command = Command::new(&self.profdata);
        process::output(command.args(["merge", "-sparse"]).args(from).arg("-o").arg(to))?;
        Ok(())
    }

    /// The lines of each file under `src/`, by its path there.
    fn lines(
        &self,
        workspace: &Workspace,
        programs: &[&Path],
        profile: &Path,
    ) -> Result<BTreeMap<String, Lines>> {
        let mut command = Command::new(&self.cov);
        command.args(["export", "--summary-only", "--instr-profile"]).arg(profile);
        for program in programs {
            command.arg("--object").arg(program);
        }
        let export = process::output(&mut command)?;
        let root = fs::canonicalize(workspace.path("src")).context("there is no src/")?;
        let lines = lines_under(&export, &root)?;
        ensure!(!lines.is_empty(), "llvm-cov knows no line of src/");
        Ok(lines)
    }
}

fn rustc() -> std::ffi::OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

fn host_triple() -> Result<String> {
    said_by_rustc("host: ")
}

/// The rest of the line of `rustc -vV` that begins with `title`.
fn said_by_rustc(title: &str) -> Result<String> {
    let version = process::output(Command::new(rustc()).arg("-vV"))?;
    let line = version.lines().find_map(|line| line.strip_prefix(title));
    line.map(str::to_owned).with_context(|| format!("`rustc -vV` says nothing of `{title}`"))
}

// === What llvm-cov exports ===

#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: PathBuf,
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    lines: Lines,
}

/// How many lines there are, and how many of them ran.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
struct Lines {
    count: u64,
    covered: u64,
}

fn lines_under(export: &str, root: &Path) -> Result<BTreeMap<String, Lines>> {
    let export: Export = serde_json::from_str(export).context("llvm-cov's export is not JSON")?;
    let files = export.data.into_iter().flat_map(|data| data.files);
    let inside = files.filter_map(|file| {
        // cargo hands the compiler paths with `..` in them.
        let path = fs::canonicalize(&file.filename).unwrap_or(file.filename);
        let inside = path.strip_prefix(root).ok()?;
        Some((inside.to_string_lossy().into_owned(), file.summary.lines))
    });
    Ok(inside.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_the_crate_count() {
        let export = r#"{"data": [{"files": [
            {"filename": "/r/src/ring/mod.rs", "summary": {"lines": {"count": 10, "covered": 7}}},
            {"filename": "/r/src/lib.rs", "summary": {"lines": {"count": 2, "covered": 2}}},
            {"filename": "/r/fuzz/src/lib.rs", "summary": {"lines": {"count": 9, "covered": 9}}}
        ]}]}"#;
        let lines = lines_under(export, Path::new("/r/src")).unwrap();
        let row = row("ring", Backend::Asm, &lines);
        assert_eq!(row, ["ring", "asm", "12", "9 (75 %)", "ring/mod.rs (3)"]);
    }
}
