//! `cargo xtask loom`: the models of small scenarios, explored by the patched loom.

use anyhow::{Result, ensure};

use crate::patched_loom;
use crate::process;
use crate::workspace::Workspace;

/// Runs the models whose name contains `filter`, or all of them.
pub(crate) fn run(workspace: &Workspace, filter: Option<&str>) -> Result<()> {
    patched_loom::prepare(workspace)?;
    // The flags and the target folder are in `tests/loom/.cargo/config.toml`.
    let models = || {
        let mut command = workspace.cargo_in("tests/loom");
        command.arg("test").args(filter);
        command
    };
    if let Some(filter) = filter {
        let list = process::output(models().args(["--", "--list"]))?;
        ensure!(
            list.lines().any(|line| line.ends_with(": test")),
            "no model's name contains `{filter}`"
        );
    }
    process::run(&mut models())
}
