//! Do the tests notice wrong logic? cargo-mutants changes the sources in a copy of the repository,
//! one operator, branch or function at a time; the tests of that part must fail. A mutant that they
//! do not notice is listed in `xtask/mutants.toml` with the reason why none can.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::path::Path;
use std::str::FromStr as _;

use anyhow::{Context as _, Result, bail, ensure};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde::{Deserialize, Serialize};

use super::expect_none;
use super::report::Results;
use super::scratch::Scratch;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// The cargo-mutants that is installed if there is none.
const CARGO_MUTANTS_VERSION: &str = "27.1.0";
/// Which tests run, after the unit tests, for a mutant in which part of the sources: the first
/// match counts.
const ORACLES: [(&str, &[&str]); 15] = [
    ("src/arch/", &["arch"]),
    ("src/atomic/", &["atomic", "local", "wide"]),
    ("src/counter/", &["counter"]),
    ("src/lib.rs", &[]),
    ("src/mem/", &["mem", "pool", "spsc_chunks", "spsc_ring"]),
    ("src/ring/mpmc/", &["linearizability", "mpmc_ring", "nested_interrupts", "stalled_threads"]),
    ("src/ring/overwriting/", &["overwriting_ring", "stalled_threads"]),
    ("src/ring/spsc/", SPSC),
    ("src/ring/storage/", SPSC),
    ("src/ring/turn/", &["turn_ring", "nested_interrupts", "stalled_threads"]),
    ("src/ring/with_", SPSC),
    ("src/ring/", &["mpmc_ring", "spsc_ring"]),
    ("src/snapshot/", &["nested_interrupts", "snapshot", "stalled_threads"]),
    ("src/stack/pool.rs", &["pool"]),
    ("src/stack/", &["index_stack", "nested_interrupts", "pool"]),
];
const SPSC: &[&str] = &[
    "spsc_aligned",
    "spsc_batch",
    "spsc_chunks",
    "spsc_io",
    "spsc_released",
    "spsc_ring",
    "spsc_storage",
];
/// Macros that pass on their contents as they are, which cargo-mutants does not look into.
const TRANSPARENT: [&str; 2] = ["const_fn", "except_in_models"];
/// The condition on items that are not compiled here, in the form that tokens are printed in.
const ELSEWHERE: &str = r#"cfg (not (target_arch = "x86_64"))"#;
/// Tests that take this long have met an endless loop, which is the usual end of a lock-free loop
/// that was changed.
const PATIENCE_SECONDS: &str = "60";
/// Where cargo-mutants, and this, keep what they found, in the copy.
const OUTPUT: &str = "target/mutants";
/// The mutants that no test can notice.
const EQUIVALENT: &str = "xtask/mutants.toml";
/// The results, which `docs/verification/mutants.md` shows.
pub(super) const RESULTS: &str = "docs/verification/mutants.json";

/// What became of a mutant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Fate {
    pub(super) file: String,
    /// What was changed in which function.
    pub(super) mutant: String,
    /// The line of code, or the first one of the function if all of it was replaced.
    pub(super) code: String,
    pub(super) outcome: Outcome,
    /// Why no test notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// A test failed.
    Caught,
    /// The tests came to no end.
    Timeout,
    Survived,
    /// It does not compile.
    Unviable,
}

/// What tells one mutant from another when lines move: file, mutant, code.
type Key = (String, String, String);

impl Fate {
    fn key(&self) -> Key {
        (self.file.clone(), self.mutant.clone(), self.code.clone())
    }
}

pub(super) fn run(workspace: &Workspace) -> Result<String> {
    let equivalent = equivalent(workspace)?;
    let program = setup::cargo_tool(workspace, "mutants", CARGO_MUTANTS_VERSION)?;
    let all = workspace.files()?;
    let scratch = Scratch::of(workspace, "mutants")?;
    let copy = scratch.workspace();
    // What proptest remembers of earlier mutants would be asked of these as well.
    let memory = copy.path("proptest-regressions");
    if memory.exists() {
        fs::remove_dir_all(&memory)
            .with_context(|| format!("cannot remove {}", memory.display()))?;
    }
    for file in sources(&all) {
        let text =
            fs::read_to_string(copy.path(file)).with_context(|| format!("cannot read {file}"))?;
        let bare = bare(&text).with_context(|| format!("in {file}"))?;
        fs::write(copy.path(file), bare).with_context(|| format!("cannot change {file}"))?;
    }
    let mut fates = Vec::new();
    for (number, (tests, files)) in groups(&all)?.into_iter().enumerate() {
        let path = copy.path(format!("{OUTPUT}/{number}.json"));
        let state = state(copy, &all, &files, tests)?;
        let judged = match interim(&path, state) {
            Some(judged) => judged,
            None => {
                let judged = judge(copy, &program, &files, tests)?;
                fs::write(&path, serde_json::to_string(&(state, &judged))?)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                judged
            }
        };
        fates.extend(judged);
    }
    ensure!(!fates.is_empty(), "there was no mutant: this looks in the wrong place");
    number(&mut fates);
    for fate in fates.iter_mut().filter(|fate| fate.outcome == Outcome::Survived) {
        fate.reason = equivalent.get(&fate.key()).cloned();
    }
    Results::keep(workspace, RESULTS, "cargo xtask verify mutants", fates.clone())?;

    let mut wrong = Vec::new();
    for fate in &fates {
        let Fate { file, mutant, code, outcome, reason } = fate;
        if *outcome == Outcome::Survived && reason.is_none() {
            wrong.push(format!("survived: {file}: {mutant}: `{code}`"));
        }
    }
    let survived: BTreeSet<Key> = survivors(&fates).map(Fate::key).collect();
    for (file, mutant, code) in equivalent.keys().filter(|key| !survived.contains(key)) {
        wrong.push(format!("in {EQUIVALENT}, but no survivor: {file}: {mutant}: `{code}`"));
    }
    expect_none(&wrong, "mutants are not as they should be")?;
    forget(copy)?;
    let outcomes: Vec<Outcome> = fates.iter().map(|fate| fate.outcome).collect();
    let [caught, endless, survived, _] = count(&outcomes);
    Ok(format!("{caught} fail a test, {endless} have no end, {survived} are equivalent"))
}

/// The results that are kept.
pub(super) fn read(workspace: &Workspace) -> Result<Results<Fate>> {
    Results::read(workspace, RESULTS)
}

/// Whether what survived is what may, and the code that it is about is still there.
pub(super) fn are_current(workspace: &Workspace) -> Result<bool> {
    let fates = read(workspace)?.results;
    let equivalent = equivalent(workspace)?;
    for (file, _, code) in equivalent.keys() {
        let text = fs::read_to_string(workspace.path(file)).unwrap_or_default();
        if !text.lines().any(|line| line.trim() == code) {
            return Ok(false);
        }
    }
    let survived: BTreeSet<Key> = survivors(&fates).map(Fate::key).collect();
    Ok(survived.into_iter().eq(equivalent.into_keys()))
}

/// How many were caught, came to no end, survived, and do not compile.
pub(super) fn count(outcomes: &[Outcome]) -> [usize; 4] {
    [Outcome::Caught, Outcome::Timeout, Outcome::Survived, Outcome::Unviable]
        .map(|wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count())
}

pub(super) fn survivors(fates: &[Fate]) -> impl Iterator<Item = &Fate> {
    fates.iter().filter(|fate| fate.outcome == Outcome::Survived)
}

// === what may survive ===

#[derive(Debug, Deserialize)]
struct Equivalents {
    equivalent: Vec<Equivalent>,
}

/// A mutant that does what the sources do, as far as anything is promised.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Equivalent {
    file: String,
    mutant: String,
    code: String,
    reason: String,
}

/// The mutants that may survive, and why.
fn equivalent(workspace: &Workspace) -> Result<BTreeMap<Key, String>> {
    let text = fs::read_to_string(workspace.path(EQUIVALENT))
        .with_context(|| format!("cannot read {EQUIVALENT}"))?;
    let list: Equivalents =
        toml::from_str(&text).with_context(|| format!("{EQUIVALENT} is malformed"))?;
    let mut equivalent = BTreeMap::new();
    for Equivalent { file, mutant, code, reason } in list.equivalent {
        ensure!(!reason.trim().is_empty(), "{EQUIVALENT} gives no reason for `{mutant}`");
        let earlier = equivalent.insert((file, mutant.clone(), code), reason);
        ensure!(earlier.is_none(), "{EQUIVALENT} has `{mutant}` twice");
    }
    Ok(equivalent)
}

// === cargo-mutants ===

/// Those of the files that are the crate's own.
fn sources(all: &[String]) -> impl Iterator<Item = &String> {
    all.iter().filter(|file| file.starts_with("src/") && file.ends_with(".rs"))
}

/// The files of the crate, by the tests that are asked about them.
fn groups(all: &[String]) -> Result<Vec<(&'static [&'static str], Vec<String>)>> {
    let mut groups: Vec<(&[&str], Vec<String>)> =
        ORACLES.iter().map(|(_, tests)| (*tests, Vec::new())).collect();
    for file in sources(all) {
        let oracle = ORACLES.iter().position(|(part, _)| file.starts_with(part));
        let group = oracle.and_then(|oracle| groups.get_mut(oracle));
        let (_, files) =
            group.with_context(|| format!("it is said nowhere which tests {file} has"))?;
        files.push(file.clone());
    }
    groups.retain(|(_, files)| !files.is_empty());
    Ok(groups)
}

/// Lets cargo-mutants change `files` in the copy and run `tests` each time.
fn judge(copy: &Workspace, program: &Path, files: &[String], tests: &[&str]) -> Result<Vec<Fate>> {
    let mut command = copy.command_in(".", program);
    command.args(["mutants", "--package", "latchless"]);
    for file in files {
        command.args(["--file", file]);
    }
    let mut list = copy.command_in(".", program);
    list.args(command.get_args()).arg("--list");
    let expected = process::output(&mut list)?.lines().count();
    fs::create_dir_all(copy.path(OUTPUT)).with_context(|| format!("cannot make {OUTPUT}"))?;
    if expected == 0 {
        return Ok(Vec::new());
    }
    command.args(["--in-place", "--no-shuffle", "--timeout", PATIENCE_SECONDS, "--output", OUTPUT]);
    // For the build as well, so that it builds no more than these.
    command.arg("--cargo-arg=--lib");
    for test in tests {
        command.arg(format!("--cargo-arg=--test={test}"));
    }
    // One failure is enough, also beside tests that have met an endless loop, and nobody reads on
    // which input or in which line.
    command.args(["--", "--", "-Zunstable-options", "--fail-fast", "--test-threads=8"]);
    command.env("RUSTC_BOOTSTRAP", "1");
    command.env("CARGO_PROFILE_DEV_DEBUG", "false");
    command.env("PROPTEST_MAX_SHRINK_ITERS", "0");
    // The same inputs each time, so that nothing is caught by chance.
    command.env("PROPTEST_RNG_SEED", "1");
    let status = process::status(&mut command)?;
    // 2: some were missed; 3: some took too long. What went wrong otherwise it has said.
    ensure!(matches!(status.code(), Some(0 | 2 | 3)), "cargo-mutants failed: {status}");
    let path = copy.path(OUTPUT).join("mutants.out/outcomes.json");
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let report: Report = serde_json::from_slice(&text).context("outcomes.json is malformed")?;
    let mut judged = Vec::new();
    for Judged { scenario, summary } in report.outcomes {
        if let Scenario::Mutant(mutant) = scenario {
            let outcome = match summary {
                Summary::CaughtMutant => Outcome::Caught,
                Summary::MissedMutant => Outcome::Survived,
                Summary::Timeout => Outcome::Timeout,
                Summary::Unviable => Outcome::Unviable,
                Summary::Success | Summary::Failure => {
                    bail!("cargo-mutants could not judge {}", mutant.name)
                }
            };
            judged.push(mutant.fate(copy, outcome)?);
        }
    }
    ensure!(judged.len() == expected, "cargo-mutants did not judge every mutant");
    Ok(judged)
}

// === where an interrupted or failed run goes on ===

/// What an earlier run that came to no good end found in this state.
fn interim(path: &Path, state: u64) -> Option<Vec<Fate>> {
    let kept = serde_json::from_str(&fs::read_to_string(path).ok()?).ok();
    kept.filter(|(old, _): &(u64, _)| *old == state).map(|(_, fates)| fates)
}

/// Differs where something differs that the fates depend on: sources, the tests of the group, what
/// tests share, how all that is built.
fn state(copy: &Workspace, all: &[String], group: &[String], tests: &[&str]) -> Result<u64> {
    let own: Vec<String> = tests.iter().map(|test| format!("tests/{test}.rs")).collect();
    let counts = |file: &&String| {
        ["src/", "tests/common/", ".cargo/", "Cargo."].iter().any(|part| file.starts_with(part))
            || own.contains(file)
    };
    let mut hasher = DefaultHasher::new();
    (group, tests).hash(&mut hasher);
    for file in all.iter().filter(counts) {
        let text = fs::read(copy.path(file)).with_context(|| format!("cannot read {file}"))?;
        (file, text).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// Lets the next run begin at the beginning.
fn forget(copy: &Workspace) -> Result<()> {
    for number in 0..ORACLES.len() {
        let path = copy.path(format!("{OUTPUT}/{number}.json"));
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// The file `outcomes.json` of cargo-mutants.
#[derive(Debug, Deserialize)]
struct Report {
    outcomes: Vec<Judged>,
}

#[derive(Debug, Deserialize)]
struct Judged {
    scenario: Scenario,
    summary: Summary,
}

#[derive(Debug, Deserialize)]
enum Scenario {
    Baseline,
    Mutant(Mutant),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Summary {
    /// Of the baseline.
    Success,
    CaughtMutant,
    MissedMutant,
    Timeout,
    Unviable,
    /// Cargo could not be started, or the like.
    Failure,
}

/// A mutant as cargo-mutants tells of it.
#[derive(Debug, Deserialize)]
struct Mutant {
    /// `file:line:column: what was changed`.
    name: String,
    file: String,
    span: Span,
    function: Option<Function>,
    genre: String,
}

#[derive(Debug, Deserialize)]
struct Function {
    /// From its first attribute to the end of its body.
    span: Span,
}

#[derive(Debug, Deserialize)]
struct Span {
    start: Place,
}

#[derive(Debug, Deserialize)]
struct Place {
    line: usize,
}

// === impl Mutant ===

impl Mutant {
    fn fate(self, copy: &Workspace, outcome: Outcome) -> Result<Fate> {
        let text = fs::read_to_string(copy.path(&self.file))
            .with_context(|| format!("cannot read {}", self.file))?;
        let (_, mutant) = self.name.split_once(": ").context("a mutant has a strange name")?;
        let whole = self.function.filter(|_| self.genre == "FnValue");
        let code = match whole {
            Some(function) => text
                .lines()
                .skip(function.span.start.line - 1)
                .find(|line| line.split_whitespace().any(|word| word == "fn")),
            None => text.lines().nth(self.span.start.line - 1),
        };
        let code = code.with_context(|| format!("{} is not in the sources", self.name))?.trim();
        Ok(Fate {
            file: self.file,
            mutant: mutant.to_owned(),
            code: code.to_owned(),
            outcome,
            reason: None,
        })
    }
}

/// Tells apart what is the same in all that stays when lines move: the second of its kind gets a
/// number.
fn number(fates: &mut [Fate]) {
    let mut seen: BTreeMap<Key, usize> = BTreeMap::new();
    for fate in fates {
        let times = seen.entry(fate.key()).or_default();
        *times += 1;
        if *times > 1 {
            fate.mutant += &format!(" ({times})");
        }
    }
}

// === what cargo-mutants gets to see ===

/// `text` without the wrappers of transparent macros and without the items that are not compiled
/// here, blanks in their place, so that all else stays where it is.
fn bare(text: &str) -> Result<String> {
    let tokens = TokenStream::from_str(text).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut blanks = Vec::new();
    collect(tokens, &mut blanks);
    let mut bare = text.to_owned();
    for range in blanks {
        let old = text.get(range.clone()).context("a span outside of its text")?;
        let blank: String = old
            .chars()
            .map(|c| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) })
            .collect();
        bare.replace_range(range, &blank);
    }
    Ok(bare)
}

fn collect(tokens: TokenStream, blanks: &mut Vec<Range<usize>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    while let [token, after @ ..] = rest {
        rest = after;
        match (token, after) {
            (
                TokenTree::Ident(name),
                [TokenTree::Punct(bang), TokenTree::Group(contents), after @ ..],
            ) if bang.as_char() == '!'
                && TRANSPARENT.iter().any(|transparent| name == transparent) =>
            {
                blanks.push(name.span().byte_range().start..contents.span_open().byte_range().end);
                blanks.push(contents.span_close().byte_range());
                collect(contents.stream(), blanks);
                rest = after;
            }
            (TokenTree::Punct(hash), [TokenTree::Group(attribute), after @ ..])
                if hash.as_char() == '#' && attribute.stream().to_string() == ELSEWHERE =>
            {
                let end = after.iter().position(|token| match token {
                    TokenTree::Group(body) => body.delimiter() == Delimiter::Brace,
                    TokenTree::Punct(end) => end.as_char() == ';',
                    _ => false,
                });
                if let Some((end, last)) = end.and_then(|end| Some((end, after.get(end)?))) {
                    blanks.push(hash.span().byte_range().start..last.span().byte_range().end);
                    rest = after.get(end + 1..).unwrap_or_default();
                }
            }
            (TokenTree::Group(group), _) => collect(group.stream(), blanks),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_mutants_cannot_see_through_is_blanked() {
        let text = "impl A {\n    const_fn! {\n        /// It.\n        const fn f() {}\n    }\n}\n\
                    #[cfg(not(target_arch = \"x86_64\"))]\nmod b { fn g() {} }\n\
                    #[cfg(target_arch = \"x86_64\")]\nmod b {}\n";
        let bare = bare(text).unwrap();
        assert_eq!(bare.len(), text.len());
        let lines: Vec<_> = bare.lines().map(str::trim_end).collect();
        let kept = ["impl A {", "", "        /// It.", "        const fn f() {}", "", "}"];
        assert_eq!(lines[..6], kept);
        assert_eq!(lines[6..], ["", "", "#[cfg(target_arch = \"x86_64\")]", "mod b {}"]);
    }

    #[test]
    fn mutants_that_look_the_same_are_numbered() {
        let fate = |mutant: &str| Fate {
            file: "f".to_owned(),
            mutant: mutant.to_owned(),
            code: "a - b - c".to_owned(),
            outcome: Outcome::Caught,
            reason: None,
        };
        let mut fates = [fate("x"), fate("y"), fate("x")];
        number(&mut fates);
        assert_eq!(fates.map(|fate| fate.mutant), ["x", "y", "x (2)"]);
    }
}
