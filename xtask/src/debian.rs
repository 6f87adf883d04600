//! Debian's Rust compilers and its kernel, unpacked under `target/tools` instead of installed: any version beside the
//! one in use, with the standard libraries of other architectures, and without root.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::process;
use crate::setup::{self, TOOLS};
use crate::workspace::Workspace;

/// The package of the compiler. Its version carries over to the packages made of the same source.
const COMPILER: &str = "rustc-web";

/// A compiler with what belongs to it.
#[derive(Debug)]
pub(crate) struct Compiler {
    folder: PathBuf,
}

impl Compiler {
    /// Unpacks the newest compiler whose version starts with `version`, and packages of the same
    /// version besides, unless they are there.
    pub(crate) fn unpacked(workspace: &Workspace, version: &str, besides: &[&str]) -> Result<Self> {
        let name = if version.is_empty() { "newest" } else { version };
        let compiler = Self { folder: workspace.path(TOOLS).join(format!("debian-rust-{name}")) };
        let unpacked = compiler.folder.join("unpacked");
        let wanted = besides.join("\n");
        if fs::read_to_string(&unpacked).is_ok_and(|there| there == wanted) {
            return Ok(compiler);
        }
        for program in ["apt-get", "apt-cache", "dpkg"] {
            ensure!(
                setup::on_path(program),
                "Debian's {COMPILER} is needed, and no {program} here"
            );
        }
        println!("    unpacking Debian's {COMPILER} ({name}) in {}", compiler.folder.display());
        let packages = Packages::updated(workspace)?;
        let version = packages.newest(COMPILER, version)?;
        let besides = besides.iter().map(|package| format!("{package}={version}"));
        let roots = [format!("{COMPILER}={version}")].into_iter().chain(besides);
        let all = packages.closure(roots, &["libllvm", "libstd-rust-web"])?;
        if compiler.folder.exists() {
            fs::remove_dir_all(&compiler.folder)?;
        }
        packages.unpack(&all, &compiler.folder)?;
        compiler.write_wrapper("rustc")?;
        compiler.write_wrapper("rustdoc")?;
        process::output(compiler.apply(&mut Command::new(compiler.program("rustc"))).arg("-vV"))?;
        fs::write(unpacked, wanted)?;
        Ok(compiler)
    }

    /// Makes a call of cargo use this compiler.
    pub(crate) fn apply<'a>(&self, cargo: &'a mut Command) -> &'a mut Command {
        cargo.env("RUSTC", self.program("rustc")).env("RUSTDOC", self.program("rustdoc"))
    }

    /// What it says that it is, e.g. `1.85.0`.
    pub(crate) fn version(&self) -> Result<String> {
        let version = process::output(Command::new(self.program("rustc")).arg("--version"))?;
        Ok(version.split_whitespace().nth(1).unwrap_or_default().to_owned())
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The unpacked programs do not find their libraries by themselves.
    fn write_wrapper(&self, name: &str) -> Result<()> {
        let script = format!(
            "#!/bin/sh\n\
             usr=\"$(dirname \"$(readlink -f \"$0\")\")/usr\"\n\
             LD_LIBRARY_PATH=\"$usr/lib/x86_64-linux-gnu:$usr/lib\" exec \"$usr/bin/{name}\" \"$@\"\n"
        );
        let path = self.program(name);
        fs::write(&path, script).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
    }
}

/// Debian's newest kernel, what its modules are built with, and a shell for it.
#[derive(Debug)]
pub(crate) struct Kernel {
    folder: PathBuf,
    /// For instance `6.1.0-56-amd64`.
    pub(crate) release: String,
}

impl Kernel {
    /// Unpacks them, unless they are there.
    pub(crate) fn unpacked(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.path(TOOLS).join("debian-linux");
        let unpacked = folder.join("unpacked");
        if let Ok(release) = fs::read_to_string(&unpacked) {
            return Ok(Self { folder, release });
        }
        for program in ["apt-get", "apt-cache", "dpkg"] {
            ensure!(setup::on_path(program), "Debian's kernel is needed, and no {program} here");
        }
        println!("    unpacking Debian's kernel in {}", folder.display());
        let packages = Packages::updated(workspace)?;
        let roots = ["linux-headers-amd64".to_owned(), "busybox-static".to_owned()];
        let mut all = packages
            .closure(roots.into_iter(), &["linux-headers-", "linux-kbuild-", "linux-compiler-"])?;
        let name = |package: &String| package.split('=').next().unwrap_or_default().to_owned();
        let release = all
            .iter()
            .map(name)
            .filter_map(|name| Some(name.strip_prefix("linux-headers-")?.to_owned()))
            .find(|rest| rest.starts_with(char::is_numeric) && rest.ends_with("-amd64"))
            .context("Debian's linux-headers-amd64 names no kernel")?;
        all.insert(format!("linux-image-{release}"));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        packages.unpack(&all, &folder)?;
        let kernel = Self { folder, release };
        // It names the place where it would have been installed.
        let makefile = kernel.headers().join("Makefile");
        let text = fs::read_to_string(&makefile)
            .with_context(|| format!("cannot read {}", makefile.display()))?;
        let sources = kernel.folder.join("usr/src");
        fs::write(&makefile, text.replace("/usr/src", &sources.to_string_lossy()))?;
        fs::write(unpacked, &kernel.release)?;
        Ok(kernel)
    }

    /// Where modules are built.
    pub(crate) fn headers(&self) -> PathBuf {
        self.folder.join(format!("usr/src/linux-headers-{}", self.release))
    }

    /// What is booted.
    pub(crate) fn image(&self) -> PathBuf {
        self.folder.join(format!("boot/vmlinuz-{}", self.release))
    }

    /// A static busybox.
    pub(crate) fn busybox(&self) -> PathBuf {
        self.folder.join("bin/busybox")
    }
}

/// Debian's package lists, for this machine's architecture and arm64. They are a copy of their own,
/// so that the system's stays as it is.
struct Packages {
    folder: PathBuf,
}

impl Packages {
    /// Fetches the lists.
    fn updated(workspace: &Workspace) -> Result<Self> {
        let packages = Self { folder: workspace.path(TOOLS).join("apt") };
        for folder in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(packages.folder.join(folder))?;
        }
        process::output(packages.apt("apt-get").args(["update", "--quiet"]))?;
        Ok(packages)
    }

    fn apt(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (option, folder) in [("Dir::State", "state"), ("Dir::Cache", "cache")] {
            command.arg(format!("--option={option}={}", self.folder.join(folder).display()));
        }
        command.arg("--option=Dir::State::status=/var/lib/dpkg/status");
        command.arg("--option=APT::Sandbox::User=root").env("LC_ALL", "C");
        for architecture in ["amd64", "arm64"] {
            command.arg(format!("--option=APT::Architectures::={architecture}"));
        }
        command
    }

    /// The newest version of a package that starts so.
    fn newest(&self, package: &str, start: &str) -> Result<String> {
        let list = process::output(self.apt("apt-cache").args(["madison", package]))?;
        let versions = list.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim);
        let found = versions.into_iter().find(|version| version.starts_with(start));
        found
            .map(str::to_owned)
            .with_context(|| format!("this Debian has no {package} of version {start}:\n{list}"))
    }

    /// These packages (`name` or `name=version`) and what they need of those whose names start like one of
    /// `followed`; the system has the rest.
    fn closure(
        &self,
        roots: impl Iterator<Item = String>,
        followed: &[&str],
    ) -> Result<BTreeSet<String>> {
        let mut all = BTreeSet::new();
        let mut next: Vec<String> = roots.collect();
        while let Some(package) = next.pop() {
            // A library of another architecture is data to the compiler: it needs nothing more.
            let is_foreign = package.split('=').next().is_some_and(|name| name.contains(':'));
            if !all.insert(package.clone()) || is_foreign {
                continue;
            }
            let mut show = self.apt("apt-cache");
            let text = process::output(show.args(["show", "--no-all-versions", &package]))?;
            let needs = text.lines().find_map(|line| line.strip_prefix("Depends: "));
            for need in needs.unwrap_or_default().split(", ") {
                let name = need.split_whitespace().next().unwrap_or_default();
                let version = need.split_once("(= ").map(|(_, rest)| rest.trim_end_matches(')'));
                if followed.iter().any(|start| name.starts_with(start)) {
                    next.push(
                        version.map_or(name.to_owned(), |version| format!("{name}={version}")),
                    );
                }
            }
        }
        Ok(all)
    }

    /// Downloads the packages and unpacks them in `folder`.
    fn unpack(&self, packages: &BTreeSet<String>, folder: &Path) -> Result<()> {
        let archives = folder.join("archives");
        fs::create_dir_all(&archives)?;
        let mut download = self.apt("apt-get");
        download.args(["--quiet", "download"]).args(packages).current_dir(&archives);
        process::output(&mut download)?;
        for archive in fs::read_dir(&archives)? {
            process::output(Command::new("dpkg").arg("-x").arg(archive?.path()).arg(folder))?;
        }
        fs::remove_dir_all(archives).context("cannot remove the downloaded packages")
    }
}
