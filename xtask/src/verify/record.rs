//! What has passed, and on which files.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::workspace::Workspace;

/// Where it is kept, in the repository.
const FILE: &str = "target/verify.json";

/// A method that passed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Passed {
    pub(super) shown: String,
    pub(super) seconds: f64,
}

/// The methods that passed on one state of the repository.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Entries {
    /// What tells this state from others.
    files: u64,
    passed: BTreeMap<String, Passed>,
}

/// The record of this state of the repository.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
    entries: Entries,
}

impl Record {
    /// Opens the record, empty if the files are not those that it speaks of.
    pub(super) fn open(workspace: &Workspace) -> Result<Self> {
        let path = workspace.path(FILE);
        let files = fingerprint(workspace)?;
        let old = fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
        let current = old.filter(|entries: &Entries| entries.files == files);
        Ok(Self { path, entries: current.unwrap_or(Entries { files, ..Entries::default() }) })
    }

    /// How a method passed, if it did.
    pub(super) fn passed(&self, method: &str) -> Option<&Passed> {
        self.entries.passed.get(method)
    }

    /// Notes that a method passed.
    pub(super) fn enter(&mut self, method: &str, passed: Passed) -> Result<()> {
        self.entries.passed.insert(method.to_owned(), passed);
        fs::write(&self.path, serde_json::to_string_pretty(&self.entries)?)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Differs where any file differs that a method may depend on: all but prose.
fn fingerprint(workspace: &Workspace) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for file in workspace.files()? {
        if !file.ends_with(".md") && !file.starts_with("docs/") {
            file.hash(&mut hasher);
            fs::read(workspace.path(&file))
                .with_context(|| format!("cannot read {file}"))?
                .hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}
