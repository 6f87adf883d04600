//! The patched loom that the model tests are built against.
//!
//! The released loom 0.7.3 remembers only the *last* access to an atomic, whoever made it, so a
//! thread's own load hides another thread's earlier load from the store that follows. It then
//! skips interleavings: a ring whose `push` loads and stores a position is explored in one
//! execution, and any ordering in it passes. The patch keeps the last access of each thread.
//!
//! Cargo's own copy of exactly that release, locked and checksummed by Cargo.lock, is copied under
//! `target/` and patched there. `tests/loom` names that copy in `[patch.crates-io]`, and its harness
//! names a constant that only the copy has: it cannot be built with anything else.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::MetadataCommand;
use diffy::patch_set::{FileOperation, ParseOptions, PatchSet};

use crate::workspace::Workspace;

/// The only release that the patch is for.
const VERSION: &str = "0.7.3";
/// The patch, in the repository.
const PATCH: &str = "xtask/patches/loom-0.7.3-dpor.patch";
/// The patched copy, in the repository; named in `tests/loom/Cargo.toml` too.
const COPY: &str = "target/loom-0.7.3-dpor";
/// Inside the copy: what it was made with, so that a changed recipe makes it anew.
const STAMP: &str = ".made-with";
/// Added to the copy's manifest. A workspace of its own, because it lies inside ours; its lints
/// off, because cargo shows those of a path dependency and they are not ours to mend.
const MANIFEST_TAIL: &str = "\n[workspace]\n\n[lints.rust]\nwarnings = \"allow\"\n";
/// Added to the copy's crate root: the constant that the harness of `tests/loom` asks for.
const LIB_TAIL: &str = "\n/// Tells this copy from the released one.\npub const DEPENDS_ON_EVERY_THREADS_LAST_ACCESS: bool = true;\n";

/// Makes the patched copy, or leaves it alone if it is there and up to date.
pub(crate) fn prepare(workspace: &Workspace) -> Result<()> {
    let patch = fs::read_to_string(workspace.path(PATCH))
        .with_context(|| format!("cannot read {PATCH}"))?;
    let recipe = format!("loom {VERSION}\n{MANIFEST_TAIL}{LIB_TAIL}{patch}");
    let copy = workspace.path(COPY);
    if fs::read_to_string(copy.join(STAMP)).is_ok_and(|made_with| made_with == recipe) {
        return Ok(());
    }

    println!("    preparing {COPY}");
    remove_if_there(&copy)?;
    // Made beside its place and then moved there, so that no half of it is ever taken for it.
    let draft = workspace.path(format!("{COPY}.draft"));
    remove_if_there(&draft)?;
    copy_folder(&registry_copy(workspace)?, &draft)?;
    apply(&patch, &draft).with_context(|| format!("{PATCH} does not fit loom {VERSION}"))?;
    append(&draft.join("Cargo.toml"), MANIFEST_TAIL)?;
    append(&draft.join("src/lib.rs"), LIB_TAIL)?;
    write(&draft.join(STAMP), &recipe)?;
    fs::rename(&draft, &copy).with_context(|| format!("cannot move {COPY} into place"))
}

/// The folder of the locked loom among cargo's unpacked packages; fetches it if need be.
fn registry_copy(workspace: &Workspace) -> Result<PathBuf> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace.path("Cargo.toml"))
        // Any one platform will do; without this, cargo would fetch what all of them need.
        .other_options(["--filter-platform".to_owned(), "x86_64-unknown-linux-gnu".to_owned()])
        // Without the flag loom is no dependency of ours.
        .env("RUSTFLAGS", "--cfg loom")
        .exec()
        .context("cannot ask cargo where loom is")?;
    let looms: Vec<_> = metadata.packages.iter().filter(|p| p.name.as_str() == "loom").collect();
    let [loom] = looms.as_slice() else {
        bail!("expected one loom in Cargo.lock, found {}", looms.len());
    };
    ensure!(
        loom.version.to_string() == VERSION,
        "Cargo.lock has loom {}, but {PATCH} is for {VERSION} only",
        loom.version
    );
    let folder = loom.manifest_path.parent().context("loom's manifest has no folder")?;
    Ok(folder.to_owned().into_std_path_buf())
}

/// Applies every part of a unified diff to the files under `folder`.
fn apply(patch: &str, folder: &Path) -> Result<()> {
    for part in PatchSet::parse(patch, ParseOptions::unidiff()) {
        let part = part.context("the patch is malformed")?;
        let operation = part.operation().strip_prefix(1);
        let FileOperation::Modify { original, modified } = operation else {
            bail!("the patch does more than modify files: {operation:?}");
        };
        ensure!(original == modified, "the patch renames {original} to {modified}");
        let changes = part.patch().as_text().context("the patch is not a text")?;
        let file = folder.join(&*original);
        let before =
            fs::read_to_string(&file).with_context(|| format!("there is no file {original}"))?;
        let after = diffy::apply(&before, changes)
            .with_context(|| format!("a hunk for {original} does not apply"))?;
        write(&file, &after)?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            // Contents only: cargo's copy may be read-only, ours is to be written to.
            let contents = fs::read(entry.path())
                .with_context(|| format!("cannot read {}", entry.path().display()))?;
            fs::write(&target, contents)
                .with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}

fn append(file: &Path, text: &str) -> Result<()> {
    let before =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    write(file, &(before + text))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn remove_if_there(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH_OF_TWO: &str = "\
--- a/one
+++ b/one
@@ -1,3 +1,3 @@
 a
-b
+B
 c
--- a/deep/two
+++ b/deep/two
@@ -1 +1,2 @@
 x
+y
";

    fn files(one: &str, two: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(folder.path().join("one"), one).unwrap();
        fs::write(folder.path().join("deep/two"), two).unwrap();
        folder
    }

    #[test]
    fn every_part_of_the_patch_is_applied() {
        let folder = files("a\nb\nc\n", "x\n");
        apply(PATCH_OF_TWO, folder.path()).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("one")).unwrap(), "a\nB\nc\n");
        assert_eq!(fs::read_to_string(folder.path().join("deep/two")).unwrap(), "x\ny\n");
    }

    #[test]
    fn a_hunk_that_does_not_fit_is_an_error() {
        let folder = files("a\nb\nc\n", "something else\n");
        let error = apply(PATCH_OF_TWO, folder.path()).unwrap_err().to_string();
        assert_eq!(error, "a hunk for deep/two does not apply");
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let folder = files("a\nb\nc\n", "x\n");
        fs::remove_file(folder.path().join("one")).unwrap();
        let error = apply(PATCH_OF_TWO, folder.path()).unwrap_err().to_string();
        assert_eq!(error, "there is no file one");
    }

    #[test]
    fn a_patch_without_parts_is_an_error() {
        let folder = files("", "");
        assert!(apply("", folder.path()).is_err());
        assert!(apply("no diff at all\n", folder.path()).is_err());
    }
}
