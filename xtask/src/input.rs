//! The file that the demo works on: examined before anything is built or booted.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use indicatif::ProgressBar;
use no_std_example::text::Totals;

use crate::figures;

/// The largest file that is handed to the image, which keeps it in its memory.
pub(crate) const MAX_FILE_BYTES: u64 = 256 << 20;

const BLOCK_BYTES: usize = 1 << 20;

/// A file that the demo can take, and what is in it.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    /// What the host counts.
    pub(crate) totals: Totals,
}

impl Input {
    /// Examines the file at `path`; `bar` tells how far that is.
    pub(crate) fn examine(path: &Path, bar: &ProgressBar) -> Result<Self> {
        let name = path.display();
        let metadata = match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => bail!("there is no file `{name}`"),
            metadata => metadata.with_context(|| format!("cannot look at `{name}`"))?,
        };
        ensure!(!metadata.is_dir(), "`{name}` is a directory, and the demo takes a file");
        ensure!(metadata.is_file(), "`{name}` is a device or a pipe, and the demo takes a file");
        ensure!(
            metadata.len() <= MAX_FILE_BYTES,
            "`{name}` has {} bytes, and the demo takes at most {MAX_FILE_BYTES} (256 MiB)",
            metadata.len()
        );
        let cannot_read = || format!("cannot read `{name}`");
        let file = File::open(path).with_context(cannot_read)?;
        bar.set_length(metadata.len());
        let file = BufReader::with_capacity(BLOCK_BYTES, bar.wrap_read(file));
        let totals = figures::count(file).with_context(cannot_read)?;
        Ok(Self { path: path.to_owned(), totals })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(path: impl AsRef<Path>) -> String {
        format!("{:#}", Input::examine(path.as_ref(), &ProgressBar::hidden()).unwrap_err())
    }

    #[test]
    fn what_cannot_be_taken_is_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        assert!(complaint(folder.path().join("absent")).starts_with("there is no file"));
        assert!(complaint(folder.path()).contains("is a directory"));
        assert!(complaint("/dev/null").contains("is a device or a pipe"));

        let large = folder.path().join("large");
        File::create(&large).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(complaint(&large).contains("at most 268435456 (256 MiB)"));
    }

    #[test]
    fn an_empty_file_is_fine() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let input = Input::examine(file.path(), &ProgressBar::hidden()).unwrap();
        assert_eq!(input.totals, Totals::default());
    }
}
