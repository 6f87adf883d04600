//! What the commands need beyond a Rust toolchain, installed where that can be done.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// Where tools are installed, in the repository, so that nothing of the user's own changes.
pub(crate) const TOOLS: &str = "target/tools";

/// Sees to it that `program` can be started, installing Debian's `package` if it is missing.
pub(crate) fn program(program: &str, package: &str) -> Result<()> {
    if on_path(program) {
        return Ok(());
    }
    println!("    `{program}` is missing: installing the package {package}");
    if let Err(reason) = apt_install(package) {
        bail!(
            "`{program}` is needed and could not be installed ({reason:#}): install it by hand \
             (Debian's package is {package}) and run this command again"
        );
    }
    if !on_path(program) {
        bail!("the package {package} was installed but brought no `{program}`");
    }
    Ok(())
}

/// Sees to it that there is a file at `path`, installing Debian's `package` if it is missing.
pub(crate) fn file(path: &str, package: &str) -> Result<()> {
    if Path::new(path).is_file() {
        return Ok(());
    }
    println!("    {path} is missing: installing the package {package}");
    if let Err(reason) = apt_install(package) {
        bail!(
            "{path} is needed and could not be installed ({reason:#}): install it by hand \
             (Debian's package is {package}) and run this command again"
        );
    }
    Ok(())
}

/// Sees to it that the toolchain has the `component` that `cargo SUBCOMMAND` comes from.
pub(crate) fn component(subcommand: &str, component: &str) -> Result<()> {
    if on_path(&format!("cargo-{subcommand}")) && works(subcommand) {
        return Ok(());
    }
    println!("    `cargo {subcommand}` is missing: adding the component {component}");
    process::run(Command::new("rustup").args(["component", "add", component])).with_context(|| {
        format!(
            "`cargo {subcommand}` is needed: install the component {component} of your Rust \
             toolchain and run this command again"
        )
    })
}

/// Sees to it that the toolchain has a `core` for `target`.
pub(crate) fn target(target: &str) -> Result<()> {
    let mut rustc = Command::new("rustc");
    let library = process::output(rustc.args(["--print", "target-libdir", "--target", target]))?;
    if Path::new(library.trim()).exists() {
        return Ok(());
    }
    println!("    the toolchain lacks {target}: adding it");
    process::run(Command::new("rustup").args(["target", "add", target])).with_context(|| {
        format!("{target} is needed: install its standard library and run this command again")
    })
}

/// Whether the subcommand starts: rustup puts proxies on the path for components it lacks.
fn works(subcommand: &str) -> bool {
    process::output(Command::new("cargo").args([subcommand, "--version"])).is_ok()
}

/// Sees to it that there is `cargo SUBCOMMAND` in this version under [`TOOLS`], and returns its path.
pub(crate) fn cargo_tool(
    workspace: &Workspace,
    subcommand: &str,
    version: &str,
) -> Result<PathBuf> {
    let package = format!("cargo-{subcommand}");
    let program = workspace.path(TOOLS).join("bin").join(&package);
    let is_wanted = process::output(Command::new(&program).args([subcommand, "--version"]))
        .is_ok_and(|found| found.trim() == format!("{package} {version}"));
    if !is_wanted {
        println!("    installing {package} {version} under {TOOLS}");
        let mut command = workspace.cargo_in(".");
        command.args(["install", &package, "--quiet", "--locked", "--force"]);
        command.args(["--version", version, "--root", TOOLS]);
        process::run(&mut command)?;
    }
    Ok(program)
}

/// Whether a program of this name is on the search path.
pub(crate) fn on_path(program: &str) -> bool {
    let is_there = |folder: &Path| folder.join(program).is_file();
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| is_there(&folder)))
}

/// Installs a package by apt-get, as root or through sudo.
fn apt_install(package: &str) -> Result<()> {
    if !on_path("apt-get") {
        bail!("this system has no apt-get");
    }
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root && !on_path("sudo") {
        bail!("that takes root, and there is no sudo");
    }
    let apt_get = |arguments: &[&str]| {
        let mut command = if is_root { Command::new("env") } else { Command::new("sudo") };
        command.arg("DEBIAN_FRONTEND=noninteractive").arg("apt-get").args(arguments);
        process::run(&mut command)
    };
    let install = ["install", "--yes", "--no-install-recommends", package];
    // The lists may be absent on a fresh system and outdated on an old one; both look like this.
    if apt_get(&install).is_err() {
        apt_get(&["update"])?;
        apt_get(&install)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_needs_no_installation() {
        program("sh", "no-such-package").unwrap();
        assert!(!on_path("no-such-program"));
    }
}
