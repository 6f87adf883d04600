//! Where the repository's parts are, and how its cargo is called.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

/// The workspaces beside the main one, each with a lock file of its own.
pub(crate) const SIDE_WORKSPACES: [&str; 7] = [
    "benches/peers",
    "capi",
    "fuzz",
    "tests/codegen",
    "tests/linkage",
    "tests/loom",
    "tests/sanitized",
];

/// Which implementation of the atomics a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// The crate's own instructions, the default on x86-64.
    Asm,
    /// `core::sync::atomic`, which every other target uses.
    Native,
}

impl Backend {
    /// The name a person types, also that of the folder its builds go to.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Backend::Asm => "asm",
            Backend::Native => "native",
        }
    }

    /// The compiler flags that select it.
    pub(crate) fn rustflags(self) -> Option<&'static str> {
        match self {
            Backend::Asm => None,
            Backend::Native => Some("--cfg latchless_native"),
        }
    }
}

/// The repository.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the repository that this program belongs to.
    pub(crate) fn find() -> Result<Self> {
        // Cargo sets the variable when it runs us; the compiled-in folder serves a program that
        // was started by its path.
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().context("xtask's folder has no parent")?.to_owned();
        Ok(Self { root })
    }

    /// The copy of a repository that is at `root`.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// `path` inside the repository.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// `program`, to be run in the repository's folder `folder`, free of what the caller's
    /// environment would impose on a build whose flags are the point of it.
    pub(crate) fn command_in(&self, folder: &str, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path(folder));
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTDOCFLAGS", "CARGO_TARGET_DIR"] {
            command.env_remove(name);
        }
        command
    }

    /// Cargo, to be run in the repository's folder `folder`.
    pub(crate) fn cargo_in(&self, folder: &str) -> Command {
        self.command_in(folder, env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// Cargo in the root for `backend`. Each backend has a target folder of its own: flags that
    /// alternate in one folder would rebuild everything each time.
    pub(crate) fn cargo(&self, backend: Backend) -> Command {
        let mut command = self.cargo_in(".");
        if let Some(flags) = backend.rustflags() {
            // rustdoc decides which examples there are.
            command.env("RUSTFLAGS", flags).env("RUSTDOCFLAGS", flags);
            command.env("CARGO_TARGET_DIR", format!("target/{}", backend.name()));
        }
        command
    }
}
