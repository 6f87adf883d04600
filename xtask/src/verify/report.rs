//! What the documents say about results, written from the sources and from the results themselves,
//! and the check that it is up to date.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::{self, Write as _};
use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{mutants, orderings, seeded};
use crate::process;
use crate::workspace::Workspace;

/// Results that are kept in the repository, and where they come from.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Results<T> {
    /// The last run of everything, and those of a part since then.
    pub(super) runs: Vec<Run>,
    pub(super) results: Vec<T>,
}

/// A run of a method.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) date: String,
    pub(super) commit: String,
    pub(super) command: String,
}

/// What tells the thing that a result is about from others.
pub(super) trait Keyed {
    type Key: Ord + fmt::Debug;

    fn key(&self) -> Self::Key;
}

impl<T: Serialize + DeserializeOwned + Keyed> Results<T> {
    /// Keeps what `command` found in the file `path` of the repository. `keys` are all the things that
    /// there are to judge, in order; those that are missing from `results` keep what is there of them. What
    /// was never judged stays missing, for another run of a part; `xtask test gates` asks for it.
    pub(super) fn keep_part(
        workspace: &Workspace,
        path: &str,
        command: &str,
        keys: impl IntoIterator<Item = T::Key>,
        results: Vec<T>,
    ) -> Result<()> {
        let earlier = Self::read(workspace, path)?;
        let mut runs = earlier.runs;
        // An earlier run of the same part says nothing any more.
        runs.retain(|run| run.command != command);
        runs.push(Run::now(workspace, command)?);
        let mut found: BTreeMap<T::Key, VecDeque<T>> = BTreeMap::new();
        let mut enter = |result: T| found.entry(result.key()).or_default().push_back(result);
        let judged: BTreeSet<T::Key> = results.iter().map(T::key).collect();
        results.into_iter().for_each(&mut enter);
        earlier.results.into_iter().filter(|old| !judged.contains(&old.key())).for_each(enter);
        let take = |key: T::Key| found.get_mut(&key).and_then(VecDeque::pop_front);
        let results = keys.into_iter().filter_map(take).collect();
        Self { runs, results }.write(workspace, path)
    }
}

impl Run {
    /// A run that has just ended.
    fn now(workspace: &Workspace, command: &str) -> Result<Self> {
        let date = process::output(workspace.command_in(".", "date").args(["--utc", "+%F"]))?;
        let head = workspace
            .command_in(".", "git")
            .args(["describe", "--always", "--dirty=, with changes", "--abbrev=12", "--exclude=*"])
            .output();
        let commit = match head {
            Ok(output) if output.status.success() => String::from_utf8(output.stdout)?,
            _ => "unknown".to_owned(),
        };
        Ok(Self {
            date: date.trim().to_owned(),
            commit: commit.trim().to_owned(),
            command: command.to_owned(),
        })
    }
}

impl<T: Serialize + DeserializeOwned> Results<T> {
    /// Keeps what `command` found in the file `path` of the repository.
    pub(super) fn keep(
        workspace: &Workspace,
        path: &str,
        command: &str,
        results: Vec<T>,
    ) -> Result<()> {
        Self { runs: vec![Run::now(workspace, command)?], results }.write(workspace, path)
    }

    fn write(&self, workspace: &Workspace, path: &str) -> Result<()> {
        let file = workspace.path(path);
        let folder = file.parent().context("a file without a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(&file, serde_json::to_string_pretty(self)? + "\n")
            .with_context(|| format!("cannot write {path}"))
    }

    /// Reads what was kept.
    pub(super) fn read(workspace: &Workspace, path: &str) -> Result<Self> {
        let text = fs::read_to_string(workspace.path(path))
            .with_context(|| format!("cannot read {path}"))?;
        serde_json::from_str(&text).with_context(|| format!("{path} is malformed"))
    }

    /// A line a run on where the results come from.
    fn provenance(&self) -> String {
        let line =
            |Run { date, commit, command }: &Run| format!("{date}, commit {commit}, `{command}`");
        self.runs.iter().map(line).collect::<Vec<_>>().join(";\n") + ".\n"
    }
}

/// The documents that are written here.
const ORDERING: &str = "docs/ORDERING.md";
const SEEDED: &str = "docs/verification/seeded.md";
const MUTANTS: &str = "docs/verification/mutants.md";

/// Writes the documents anew.
pub(super) fn write(workspace: &Workspace) -> Result<()> {
    for (path, text) in documents(workspace)? {
        fs::write(workspace.path(path), text).with_context(|| format!("cannot write {path}"))?;
    }
    Ok(())
}

/// Each document, and what it has to say.
fn documents(workspace: &Workspace) -> Result<[(&'static str, String); 3]> {
    Ok([
        (ORDERING, ordering(workspace)?),
        (SEEDED, seeded(workspace)?),
        (MUTANTS, mutants(workspace)?),
    ])
}

/// Fails if a document does not say what the sources and the results say, or if the results are
/// about other orderings, bugs and code than there are.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let stale = |what: &str, method: &str| {
        format!("{what} is out of date: run `cargo xtask verify {method}`")
    };
    let judged: BTreeSet<_> = orderings::read(workspace)?.results.iter().map(Keyed::key).collect();
    let declared = orderings::declared(workspace)?;
    ensure!(judged == declared, stale(orderings::RESULTS, "orderings"));
    let judged: BTreeSet<_> = seeded::read(workspace)?.results.iter().map(Keyed::key).collect();
    ensure!(judged == seeded::planted(workspace)?, stale(seeded::RESULTS, "seeded"));
    ensure!(mutants::are_current(workspace)?, stale(mutants::RESULTS, "mutants"));
    for (path, text) in documents(workspace)? {
        let found = fs::read_to_string(workspace.path(path)).unwrap_or_default();
        ensure!(found == text, stale(path, "--documents"));
    }
    Ok(())
}

/// The invariants and edges of each structure, as its sources have them, and what became of each
/// ordering when it was weakened.
fn ordering(workspace: &Workspace) -> Result<String> {
    let mut text = String::from(
        "# Memory orderings\n\n\
         Written by `cargo xtask verify --documents` from the sources and from the results of\n\
         `cargo xtask verify orderings`; `cargo xtask test gates` fails if it is out of date.\n\n\
         An *edge* is a pair of accesses by which one thread learns what another did. The orderings in\n\
         the sources name the edge that they are for. What is declared has to suffice on any machine\n\
         that Rust's memory model allows; x86-64 is stronger, so tests on it prove nothing here.\n",
    );
    for file in workspace.files()? {
        if !file.starts_with("src/") || !file.ends_with(".rs") {
            continue;
        }
        let source = fs::read_to_string(workspace.path(&file))?;
        let sections = sections(&source, &["Invariants", "Edges"]);
        if !sections.is_empty() {
            write!(text, "\n## `{file}`\n\n{sections}")?;
        }
    }
    let results = orderings::read(workspace)?;
    let killed = results.results.iter().filter(|fate| !fate.killed_by.is_empty()).count();
    write!(
        text,
        "\n## Each ordering weakened\n\n\
         One at a time, in a copy of the sources: the models of that structure, which pass as it is,\n\
         must fail. {killed} of {} times one does; the rest is argued. A fence is taken out.\n\n{}\n\
         | file | code | weakened to | the model that fails first |\n|---|---|---|---|\n",
        results.results.len(),
        results.provenance()
    )?;
    for fate in &results.results {
        let orderings::Fate { file, code, declared, weakened, killed_by, argued } = fate;
        let killers = match argued {
            Some(argument) => format!("argued: {argument}"),
            None => code_list(killed_by),
        };
        let code = code.replace('|', "\\|");
        writeln!(text, "| {file} | `{code}` | {declared} → {weakened} | {killers} |")?;
    }
    Ok(text)
}

/// Each bug that was planted, and what caught it.
fn seeded(workspace: &Workspace) -> Result<String> {
    let results = seeded::read(workspace)?;
    let caught = results.results.iter().filter(|fate| !fate.caught_by.is_empty()).count();
    let mut text = format!(
        "# Planted bugs\n\n\
         Written by `cargo xtask verify --documents` from the results of `cargo xtask verify seeded`;\n\
         `cargo xtask test gates` fails if it is out of date. The bugs are in\n\
         [xtask/seeds.toml](../../xtask/seeds.toml), planted one at a time in a copy of the sources.\n\
         The method that is named for a bug passes without it and must fail with it.\n\n\
         {caught} of {} were caught. {}\n\
         | file | bug | method | what failed |\n|---|---|---|---|\n",
        results.results.len(),
        results.provenance()
    );
    for fate in &results.results {
        let seeded::Fate { file, bug, by, caught_by, .. } = fate;
        let first: Vec<String> = caught_by.iter().take(3).cloned().collect();
        let more = caught_by.len() - first.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let caught =
            if first.is_empty() { "**nothing**".to_owned() } else { code_list(&first) + &more };
        writeln!(text, "| {file} | {bug} | {by} | {caught} |")?;
    }
    Ok(text)
}

/// What became of the mutants, by file, and each that survived.
fn mutants(workspace: &Workspace) -> Result<String> {
    let results = mutants::read(workspace)?;
    let mut files: BTreeMap<&str, Vec<mutants::Outcome>> = BTreeMap::new();
    for fate in &results.results {
        files.entry(&fate.file).or_default().push(fate.outcome);
    }
    let all: Vec<_> = results.results.iter().map(|fate| fate.outcome).collect();
    let [caught, endless, survived, unviable] = mutants::count(&all);
    let (killed, viable) = (caught + endless, caught + endless + survived);
    let percent = 100.0 * killed as f64 / viable.max(1) as f64;
    let mut text = format!(
        "# Mutants\n\n\
         Written by `cargo xtask verify --documents` from the results of `cargo xtask verify mutants`;\n\
         `cargo xtask test gates` fails if it is out of date. cargo-mutants changes the sources in a\n\
         copy, one operator, branch or function at a time, and the tests of that part must fail; which\n\
         tests is in [xtask/src/verify/mutants.rs](../../xtask/src/verify/mutants.rs), what is left out in\n\
         [.cargo/mutants.toml](../../.cargo/mutants.toml). It changes no `unsafe fn` and nothing that a\n\
         macro writes, which is most of `src/atomic` and `src/arch/x86_64.rs`.\n\n\
         {killed} of {viable} that compile were noticed ({percent:.1} %): {caught} failed a test, {endless}\n\
         made one run without end. {survived} were not noticed; each has its reason below. {unviable} more\n\
         do not compile. {}\n\
         | file | failed a test | no end | survived | do not compile |\n|---|---:|---:|---:|---:|\n",
        results.provenance()
    );
    for (file, outcomes) in files {
        let [caught, endless, survived, unviable] = mutants::count(&outcomes);
        writeln!(text, "| {file} | {caught} | {endless} | {survived} | {unviable} |")?;
    }
    text += "\n## What survived\n\n| file | code | mutant | why no test can notice |\n|---|---|---|---|\n";
    for fate in mutants::survivors(&results.results) {
        let mutants::Fate { file, mutant, code, reason, .. } = fate;
        let reason = reason.as_deref().unwrap_or("**none**");
        let (code, mutant) = (code.replace('|', "\\|"), mutant.replace('|', "\\|"));
        writeln!(text, "| {file} | `{code}` | `{mutant}` | {reason} |")?;
    }
    Ok(text)
}

fn code_list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The sections of these titles in the module documentation of `source`, one level down.
fn sections(source: &str, titles: &[&str]) -> String {
    let mut text = String::new();
    let mut is_wanted = false;
    for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        if let Some(title) = line.strip_prefix("# ") {
            is_wanted = titles.contains(&title);
            if is_wanted {
                text += &format!("### {title}\n");
            }
        } else if is_wanted {
            text += line;
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_sections_are_taken_whole() {
        let source = "//! One.\n//!\n//! # Edges\n//!\n//! | a |\n//!\n//! # Progress\n//!\n//! x\n\nfn f() {}\n";
        assert_eq!(sections(source, &["Edges"]), "### Edges\n\n| a |\n\n");
        assert_eq!(sections(source, &["Invariants"]), "");
    }
}
