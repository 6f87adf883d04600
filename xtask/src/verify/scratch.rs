//! A copy of the repository to plant bugs in, so that the original is never touched.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::process;
use crate::workspace::Workspace;

/// Where the copies are, in the repository.
const SCRATCH: &str = "target/scratch";

/// A copy of the repository's files, as they are now, in a folder of its own that is kept: what was
/// built there for the last bug is most of what the next one needs.
#[derive(Debug)]
pub(super) struct Scratch {
    workspace: Workspace,
}

impl Scratch {
    /// Copies what differs from the copy of this name, and removes what is no longer there.
    pub(super) fn of(original: &Workspace, name: &str) -> Result<Self> {
        let workspace = Workspace::at(original.path(SCRATCH).join(name));
        let wanted = original.files()?;
        for file in &wanted {
            let text =
                fs::read(original.path(file)).with_context(|| format!("cannot read {file}"))?;
            write_if_different(&workspace.path(file), &text)?;
        }
        if let Ok(present) = fs::read_to_string(workspace.path(".files")) {
            for file in present.lines().filter(|file| !wanted.iter().any(|wanted| wanted == file)) {
                fs::remove_file(workspace.path(file))
                    .with_context(|| format!("cannot remove the copy of {file}"))?;
            }
        }
        write_if_different(&workspace.path(".files"), wanted.join("\n").as_bytes())?;
        Ok(Self { workspace })
    }

    /// The copy, for commands to run in.
    pub(super) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Lets `plan` run while `file` has `changed` for its text, then puts the old text back.
    pub(super) fn with_changed<R>(
        &self,
        file: &str,
        changed: &str,
        plan: impl FnOnce(&Workspace) -> Result<R>,
    ) -> Result<R> {
        let path = self.workspace.path(file);
        let before = fs::read(&path).with_context(|| format!("there is no {file}"))?;
        ensure!(before != changed.as_bytes(), "the change of {file} changes nothing");
        fs::write(&path, changed).with_context(|| format!("cannot change {file}"))?;
        let result = plan(&self.workspace);
        fs::write(&path, before).with_context(|| format!("cannot restore {file}"))?;
        result
    }
}

/// Leaves a file alone that is as it should be: cargo goes by the time of the last change.
fn write_if_different(path: &Path, text: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|present| present == text) {
        return Ok(());
    }
    let folder = path.parent().context("a file without a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

impl Workspace {
    /// The files of the repository, without what builds leave behind: what git knows of or would
    /// add, or everything outside of folders named `target` where there is no git.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let mut git = self.command_in(".", "git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
        let mut files: Vec<String> = match process::output(&mut git) {
            Ok(list) => list.lines().map(str::to_owned).collect(),
            Err(_) => walk(&self.path(""), "")?,
        };
        files.retain(|file| self.path(file).is_file());
        files.sort();
        ensure!(files.iter().any(|file| file == "Cargo.toml"), "the repository has no Cargo.toml");
        Ok(files)
    }
}

fn walk(root: &Path, inside: &str) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join(inside))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if inside.is_empty() { name.clone() } else { format!("{inside}/{name}") };
        if !entry.file_type()?.is_dir() {
            files.push(path);
        } else if name != "target" && name != ".git" {
            files.extend(walk(root, &path)?);
        }
    }
    Ok(files)
}
