//! Are the declared orderings necessary? Each is weakened, one at a time, in a copy of the
//! repository; a model must fail. One that no model needs is too strong, or the models too weak.

use std::collections::BTreeSet;
use std::fs;
use std::str::FromStr as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use serde::{Deserialize, Serialize};

use super::report::{Keyed, Results};
use super::scratch::Scratch;
use super::{expect_none, progress_bar};
use crate::patched_loom;
use crate::process::{self, Outcome};
use crate::workspace::Workspace;

/// Which models run for a mutant in which part of the sources. The layers below, `src/arch` and
/// `src/atomic`, pass on the orderings that they are given and declare none.
const MODELS: [(&str, &str); 11] = [
    ("capi/src/feed/", "feed"),
    ("src/counter/", "counter"),
    ("src/ring/channel/", "channel"),
    ("src/ring/held.rs", "spsc_ring"),
    ("src/ring/mpmc/", "mpmc_ring"),
    ("src/ring/overwriting/", "overwriting_ring"),
    ("src/ring/spsc/", "spsc_ring"),
    ("src/ring/turn/", "turn_ring"),
    ("src/ring/wait/", "channel"),
    ("src/snapshot/", "snapshot"),
    ("src/stack/", "stack"),
];
/// Where the structures are.
const STRUCTURES: [&str; 2] = ["src/", "capi/src/"];
/// Sources that declare nothing of their own.
const LAYERS_BELOW: [&str; 2] = ["src/arch/", "src/atomic/"];
/// The results, which `docs/ORDERING.md` shows.
pub(super) const RESULTS: &str = "docs/verification/orderings.json";
/// A fence has no weaker form: it becomes a call that does nothing.
const NO_FENCE: &str = "core::convert::identity";
/// At most one in so many may be argued instead of shown.
const MOST_ARGUED: usize = 20;
/// A model that takes this long has lost its way; it counts as not failing.
const PATIENCE: Duration = Duration::from_secs(300);

/// One ordering, weakened in one way.
#[derive(Clone, Debug)]
struct Mutant {
    file: String,
    line: usize,
    /// That line, as it is.
    code: String,
    /// Why no model can fail, from the comment above the line.
    argued: Option<String>,
    declared: String,
    weakened: String,
    /// The whole file, so changed.
    text: String,
}

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fate {
    pub(super) file: String,
    /// The line of code, without what surrounds it.
    pub(super) code: String,
    pub(super) declared: String,
    pub(super) weakened: String,
    /// The model that failed first.
    pub(super) killed_by: Vec<String>,
    /// If none did: why it is needed all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) argued: Option<String>,
}

pub(super) fn run(workspace: &Workspace, only: Option<&str>) -> Result<String> {
    let scratch = Scratch::of(workspace, "orderings")?;
    patched_loom::prepare(scratch.workspace())?;
    let all = mutants(workspace)?;
    let keys: Vec<Key> = all.iter().map(Mutant::key).collect();
    let mut mutants = all;
    mutants.retain(|mutant| only.is_none_or(|only| mutant.file.contains(only)));
    ensure!(!mutants.is_empty(), "no ordering was found: this looks for the wrong thing");
    let models: BTreeSet<_> =
        mutants.iter().map(|mutant| models_of(&mutant.file)).collect::<Result<_>>()?;
    for models in models {
        let outcome = explore(scratch.workspace(), models)?;
        ensure!(outcome.succeeded, "the models of {models} fail as they are");
    }
    let bar = progress_bar(mutants.len())?;
    let mut fates = Vec::new();
    for mutant in &mutants {
        bar.set_message(format!("{}:{} {}", mutant.file, mutant.line, mutant.declared));
        let models = models_of(&mutant.file)?;
        let killed_by = scratch.with_changed(&mutant.file, &mutant.text, |copy| {
            let outcome = explore(copy, models)?;
            let failed = failed_tests(&outcome.output);
            ensure!(
                outcome.succeeded || outcome.timed_out || !failed.is_empty(),
                "the mutant does not compile:\n{}",
                outcome.output
            );
            Ok(failed)
        })?;
        bar.suspend(|| {
            println!(
                "    {}:{}: {} → {}: {}",
                mutant.file,
                mutant.line,
                mutant.declared,
                mutant.weakened,
                if killed_by.is_empty() { "SURVIVED".to_owned() } else { killed_by.join(", ") }
            )
        });
        fates.push(Fate {
            file: mutant.file.clone(),
            code: mutant.code.clone(),
            declared: mutant.declared.clone(),
            weakened: mutant.weakened.clone(),
            argued: mutant.argued.clone().filter(|_| killed_by.is_empty()),
            killed_by,
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let command = "cargo xtask verify orderings";
    match only {
        None => Results::keep(workspace, RESULTS, command, fates.clone())?,
        Some(only) => {
            let command = format!("{command} --only {only}");
            Results::keep_part(workspace, RESULTS, &command, keys, fates.clone())?;
        }
    }
    let survivors: Vec<String> = mutants
        .iter()
        .zip(&fates)
        .filter(|(_, fate)| fate.killed_by.is_empty() && fate.argued.is_none())
        .map(|(mutant, _)| {
            let Mutant { file, line, declared, weakened, .. } = mutant;
            format!("{file}:{line}: {declared} → {weakened}")
        })
        .collect();
    expect_none(&survivors, "weakened orderings were noticed by no model")?;
    let argued = fates.iter().filter(|fate| fate.argued.is_some()).count();
    ensure!(argued * MOST_ARGUED <= fates.len(), "{argued} of {} are only argued", fates.len());
    Ok(format!("{} of {} killed, {argued} argued", fates.len() - argued, fates.len()))
}

/// Runs the models of one structure.
fn explore(copy: &Workspace, models: &str) -> Result<Outcome> {
    let mut cargo = copy.cargo_in("tests/loom");
    cargo.args(["test", "--test", models]);
    process::judge_until(&mut cargo, PATIENCE, |line| !failed_tests(line).is_empty())
}

/// The names of the tests that failed, whether or not libtest came to its end.
pub(super) fn failed_tests(output: &str) -> Vec<String> {
    let name = |line: &str| {
        let told_at_once = line.strip_prefix("test ").and_then(|l| l.strip_suffix(" ... FAILED"));
        let told_at_the_end = || line.strip_prefix("---- ")?.strip_suffix(" stdout ----");
        let name = told_at_once.or_else(told_at_the_end)?;
        // libtest-mimic makes names equally long.
        Some(name.trim_end_matches(" - should panic").trim_end().to_owned())
    };
    let mut names: Vec<String> = output.lines().filter_map(name).collect();
    names.sort();
    names.dedup();
    names
}

fn models_of(file: &str) -> Result<&'static str> {
    let found = MODELS.iter().find(|(folder, _)| file.starts_with(folder));
    found.map(|&(_, models)| models).with_context(|| {
        format!("{file} declares an ordering, but it is said nowhere which models it has")
    })
}

/// Every weakening of every ordering that a structure declares.
fn mutants(workspace: &Workspace) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for file in workspace.files()? {
        let is_structure = STRUCTURES.iter().any(|folder| file.starts_with(folder))
            && file.ends_with(".rs")
            && !LAYERS_BELOW.iter().any(|layer| file.starts_with(layer));
        if is_structure {
            let text = fs::read_to_string(workspace.path(&file))?;
            for (span, declared) in orderings(&text).with_context(|| format!("in {file}"))? {
                let line = span.start().line;
                let code = text.lines().nth(line - 1).unwrap_or_default().trim();
                for weakened in weaker(&declared) {
                    mutants.push(Mutant {
                        file: file.clone(),
                        line,
                        code: code.to_owned(),
                        argued: argument(&text, line),
                        declared: declared.clone(),
                        weakened: short(weakened),
                        text: replace(&text, span, weakened)?,
                    });
                }
            }
        }
    }
    Ok(mutants)
}

/// What follows "Argued:" in the comment that ends above line number `line`, if anything.
fn argument(text: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(line - 1).collect();
    let comment = lines.iter().rev().map_while(|line| line.trim().strip_prefix("// "));
    let mut comment: Vec<&str> = comment.collect();
    comment.reverse();
    comment.join(" ").split_once("Argued: ").map(|(_, argument)| argument.to_owned())
}

/// What an ordering or a fence can be weakened to, one step down.
fn weaker(declared: &str) -> &'static [&'static str] {
    match declared {
        "SeqCst" => &["core::sync::atomic::Ordering::AcqRel"],
        "AcqRel" => {
            &["core::sync::atomic::Ordering::Acquire", "core::sync::atomic::Ordering::Release"]
        }
        "Acquire" | "Release" => &["core::sync::atomic::Ordering::Relaxed"],
        _ => &[NO_FENCE],
    }
}

/// The last part of a path, or "nothing" for a fence that is taken out.
fn short(path: &str) -> String {
    let last = path.rsplit("::").next().unwrap_or(path);
    if path == NO_FENCE { "nothing".to_owned() } else { last.to_owned() }
}

/// Where the code of `text` names an ordering other than `Relaxed`, or calls a fence: not its
/// imports, not its tests.
fn orderings(text: &str) -> Result<Vec<(Span, String)>> {
    let tokens = TokenStream::from_str(text).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut found = Vec::new();
    collect(tokens, &mut found);
    Ok(found)
}

fn collect(tokens: TokenStream, found: &mut Vec<(Span, String)>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "use" => {
                tokens
                    .by_ref()
                    .find(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ';'));
            }
            TokenTree::Ident(word) if word == "mod" => {
                let is_tests =
                    matches!(tokens.next(), Some(TokenTree::Ident(name)) if name == "tests");
                if is_tests {
                    tokens.next();
                }
            }
            TokenTree::Ident(word) => {
                let name = word.to_string();
                let is_call = matches!(
                    tokens.peek(),
                    Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis
                );
                match name.as_str() {
                    "Acquire" | "Release" | "AcqRel" | "SeqCst" => found.push((word.span(), name)),
                    "fence_after_rmw" if is_call => found.push((word.span(), name)),
                    _ => {}
                }
            }
            TokenTree::Group(group) => collect(group.stream(), found),
            _ => {}
        }
    }
}

/// `text` with what is at `span` replaced.
fn replace(text: &str, span: Span, by: &str) -> Result<String> {
    let range = span.byte_range();
    let before = text.get(..range.start).context("a span outside of its text")?;
    let after = text.get(range.end..).context("a span outside of its text")?;
    let after = if by == NO_FENCE { after.replacen("()", "(())", 1) } else { after.to_owned() };
    Ok(format!("{before}{by}{after}"))
}

/// The results that are kept.
pub(super) fn read(workspace: &Workspace) -> Result<Results<Fate>> {
    Results::read(workspace, RESULTS)
}

/// What tells one weakening from another when lines move: file, code, orderings.
type Key = (String, String, String, String);

/// Every weakening that there is.
pub(super) fn declared(workspace: &Workspace) -> Result<BTreeSet<Key>> {
    Ok(mutants(workspace)?.iter().map(Mutant::key).collect())
}

impl Mutant {
    fn key(&self) -> Key {
        let Self { file, code, declared, weakened, .. } = self.clone();
        (file, code, declared, weakened)
    }
}

impl Keyed for Fate {
    type Key = Key;

    fn key(&self) -> Key {
        let Self { file, code, declared, weakened, .. } = self.clone();
        (file, code, declared, weakened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orderings_are_found_where_they_count() {
        let text = "use core::sync::atomic::Ordering::{Acquire, Release};\n\
                    fn f() { // Acquire\n    a.load(Acquire); fence_after_rmw(); }\n\
                    #[cfg(test)] mod tests { fn g() { a.load(Acquire) } }\n";
        let found = orderings(text).unwrap();
        let names: Vec<_> = found.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["Acquire", "fence_after_rmw"]);
        let weakened = replace(text, found[0].0, "Relaxed").unwrap();
        assert!(weakened.contains("a.load(Relaxed); fence_after_rmw();"), "{weakened}");
        let without = replace(text, found[1].0, weaker("fence_after_rmw")[0]).unwrap();
        assert!(without.contains("core::convert::identity(());"), "{without}");
    }

    #[test]
    fn an_argument_is_read_from_the_comment_above() {
        let text = "// Argued: no.\n\n// ORDERING: Release. Argued: needs\n// four.\na.load()\n";
        assert_eq!(argument(text, 5).as_deref(), Some("needs four."));
        assert_eq!(argument(text, 2).as_deref(), Some("no."));
        assert_eq!(argument(text, 3), None);
    }

    #[test]
    fn the_failed_tests_are_named() {
        let output = "---- one stdout ----\nthread\n---- two stdout ----\nfailures:\n    one\n";
        assert_eq!(failed_tests(output), ["one", "two"]);
        let cut = "test one ... ok\ntest two - should panic ... FAILED\ntest three ...";
        assert_eq!(failed_tests(cut), ["two"]);
        assert_eq!(failed_tests("test padded    ... FAILED\n"), ["padded"]);
    }
}
