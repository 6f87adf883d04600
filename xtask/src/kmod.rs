//! `cargo xtask kmod`: the module in Debian's own kernel, in QEMU: loaded, watched, unloaded under load, again
//! and again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::capi;
use crate::debian::Kernel;
use crate::kernel_object;
use crate::process;
use crate::qemu;
use crate::setup;
use crate::workspace::Workspace;

const SOURCES: &str = "kernel_module";
const HEADER: &str = "capi/include/latchless.h";
/// Where the module is built.
const BUILD: &str = "target/kmod";
/// What the kernel calls itself with a module from elsewhere (4096) that nobody signed (8192), and else
/// nothing.
const TAINT: &str = "12288";
/// What is in a line of the kernel's log that something is wrong.
const ALARMS: [&str; 12] = [
    "BUG",
    "WARNING",
    "Oops",
    "Call Trace",
    "general protection",
    "stall",
    "lockup",
    "hung task",
    "scheduling while atomic",
    "unwind",
    "WRONG",
    "panic",
];
/// The kernel says so when it is done with itself.
const FIRST_PROGRAM: &str = "Run /init as init process";
/// The module says so when it is unloaded.
const EXACT: &str = "every total exact";

/// The arguments of `cargo xtask kmod`.
#[derive(Args, Debug)]
pub(crate) struct KmodArgs {
    /// How many CPUs to boot with
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "2,4")]
    cpus: Vec<usize>,
    /// How often to load and unload the module
    #[arg(long, value_name = "N", default_value_t = 20)]
    cycles: usize,
    /// For how many seconds a program writes whatever it likes to the memory that it shares with the module
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    hostile: u64,
    /// Only make the object for a module of your own, and write it here
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cpus", "cycles", "hostile"])]
    object: Option<PathBuf>,
}

/// Checks the object, builds the module, and boots it: good is only what is exact and goes without a warning.
pub(crate) fn run(workspace: &Workspace, args: &KmodArgs) -> Result<()> {
    let object = kernel_object::checked(workspace)?;
    if let Some(file) = &args.object {
        fs::copy(&object, file).with_context(|| format!("cannot write {}", file.display()))?;
        return Ok(());
    }
    qemu::ensure_installed()?;
    setup::program("make", "make")?;
    setup::program("gcc", "gcc")?;
    let kernel = Kernel::unpacked(workspace)?;
    let module = build(workspace, &kernel, &object)?;
    let files = workspace.path(BUILD).join("initramfs");
    fs::write(&files, initramfs(workspace, &kernel, &module)?)?;
    for &cpus in &args.cpus {
        let report = boot(&kernel, &files, cpus, args)?;
        let verdict = judge(&report, args.cycles);
        let summary = verdict.with_context(|| format!("with {cpus} CPUs; it said:\n{report}"))?;
        println!("    ok: {summary}");
    }
    Ok(())
}

/// Builds the module as anybody would, and fails on any warning, those about the object included.
fn build(workspace: &Workspace, kernel: &Kernel, object: &Path) -> Result<PathBuf> {
    let folder = workspace.path(BUILD).join("module");
    fs::create_dir_all(&folder)?;
    for file in ["Kbuild", "demo.c", "demo.h", "feed.c"] {
        fs::copy(workspace.path(SOURCES).join(file), folder.join(file))?;
    }
    fs::copy(workspace.path(HEADER), folder.join("latchless.h"))?;
    fs::copy(object, folder.join("latchless.o.bin"))?;
    let mut make = Command::new("make");
    make.arg("-C").arg(kernel.headers()).arg(format!("M={}", folder.display()));
    // Types for BPF would be made of the kernel's own debug information, which is not here.
    make.args(["modules", "CONFIG_DEBUG_INFO_BTF_MODULES="]);
    let outcome = process::judge(&mut make, Duration::from_secs(300))?;
    let warned = outcome.output.lines().any(|line| {
        ["warning:", "error:"].iter().any(|word| line.contains(word))
            && !line.contains("compiler differs")
            && !line.contains("the compiler")
    });
    ensure!(
        outcome.succeeded && !warned,
        "the module does not build silently:\n{}",
        outcome.output
    );
    println!("    the module is built for {}, objtool silent", kernel.release);
    Ok(folder.join("latchless_demo.ko"))
}

/// Builds the program that reads the device, to run where there is no library.
fn reader(workspace: &Workspace) -> Result<PathBuf> {
    let prefix = workspace.path(BUILD).join("prefix");
    capi::install(workspace, &prefix)?;
    let program = prefix.join("reader");
    let mut gcc = workspace.command_in(".", "gcc");
    gcc.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o"]).arg(&program);
    gcc.arg(format!("{SOURCES}/reader.c")).arg("-I").arg(prefix.join("include"));
    process::run(gcc.arg("-L").arg(prefix.join("lib")).arg("-llatchless_capi"))?;
    Ok(program)
}

fn initramfs(workspace: &Workspace, kernel: &Kernel, module: &Path) -> Result<Vec<u8>> {
    let mut archive = Vec::new();
    for folder in ["bin", "dev", "proc", "sys"] {
        entry(&mut archive, folder, 0o040_755, &[]);
    }
    let init = workspace.path(SOURCES).join("init.sh");
    for (name, path) in [
        ("init", init.as_path()),
        ("bin/busybox", &kernel.busybox()),
        ("bin/reader", &reader(workspace)?),
        ("latchless_demo.ko", module),
    ] {
        let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        entry(&mut archive, name, 0o100_755, &data);
    }
    entry(&mut archive, "TRAILER!!!", 0, &[]);
    Ok(archive)
}

/// Appends a file in the format that the kernel unpacks (cpio, "newc").
fn entry(archive: &mut Vec<u8>, name: &str, mode: u32, data: &[u8]) {
    let inode = archive.len();
    let (size, name_size) = (data.len(), name.len() + 1);
    let header = format!(
        "070701{inode:08x}{mode:08x}{0:08x}{0:08x}{1:08x}{0:08x}{size:08x}{0:08x}{0:08x}{0:08x}{0:08x}{name_size:08x}{0:08x}",
        0, 1
    );
    archive.extend(header.bytes().chain(name.bytes()).chain([0]));
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend(data);
    archive.resize(archive.len().next_multiple_of(4), 0);
}

/// Boots the kernel and returns the lines that are for us.
fn boot(kernel: &Kernel, initramfs: &Path, cpus: usize, args: &KmodArgs) -> Result<String> {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args([
        "-accel",
        "tcg,thread=multi",
        "-cpu",
        "max",
        "-m",
        "512M",
        "-smp",
        &cpus.to_string(),
    ]);
    qemu.args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]);
    qemu.args(["-serial", "stdio", "-kernel"]).arg(kernel.image());
    qemu.arg("-initrd").arg(initramfs).arg("-append");
    let KmodArgs { cycles, hostile, .. } = args;
    qemu.arg(format!(
        "console=ttyS0 panic=-1 quiet latchless.cycles={cycles} latchless.hostile={hostile}"
    ));
    let patience = Duration::from_secs(180 + args.hostile)
        + Duration::from_secs(5) * u32::try_from(args.cycles)?;
    let outcome = process::judge(&mut qemu, patience)?;
    let lines = outcome.output.lines().map(|line| line.trim_end());
    // What it logged before our first program ran is its own, the command line above all.
    let mut is_ours = false;
    let mut is_wanted = |line: &&str| {
        is_ours |= line.contains(FIRST_PROGRAM);
        !line.is_empty() && (is_ours || !line.starts_with("@dmesg"))
    };
    let report: Vec<&str> = lines.filter(|line| is_wanted(line)).collect();
    if outcome.timed_out {
        bail!("the kernel hangs; it said:\n{}", report.join("\n"));
    }
    Ok(report.join("\n"))
}

/// Whether a run was good, and what there is to say of it.
fn judge(report: &str, cycles: usize) -> Result<String> {
    let said =
        |start: &'static str| report.lines().filter_map(move |line| line.strip_prefix(start));
    ensure!(said("@end").count() == 1, "it did not come to its end");
    if let Some(failure) = said("@failed").next() {
        bail!("the module failed{failure}");
    }
    if let Some(line) = report.lines().find(|line| ALARMS.iter().any(|alarm| line.contains(alarm)))
    {
        bail!("the kernel complains: {line}");
    }
    let exact = said("@dmesg ").filter(|line| line.contains(EXACT)).count();
    ensure!(exact == cycles, "the totals were exact {exact} times of {cycles}");
    let taint = said("@taint ").next().unwrap_or("nothing");
    ensure!(taint == TAINT, "the kernel is tainted by {taint}, not by {TAINT}");
    for context in ["process", "softirq", "hardirq"] {
        let called = said("@proc ").any(|line| {
            line.contains(context) && !line.contains("calls 0 ") && line.contains("broken 0")
        });
        ensure!(called, "/proc/latchless shows no work in {context} context");
    }
    ensure!(
        said("@read ").count() == 2,
        "the reader did not read, before and after the hostile one"
    );
    let hostile = said("@hostile ").next().context("no hostile reader was there")?;
    let is_reported = said("@feed ").any(|line| !line.ends_with("corrupt 0"));
    ensure!(is_reported, "the module does not report what the hostile reader did");
    let calls = said("@dmesg ").filter_map(|line| {
        line.split_once("stopped after ")?.1.split(' ').next()?.parse::<u64>().ok()
    });
    let kernel = said("@kernel ").next().context("it does not say which kernel it is")?;
    Ok(format!(
        "{kernel}: {cycles} times loaded and unloaded under load, {} calls, totals exact, no warning; \
         a hostile reader {hostile}, which was reported",
        calls.sum::<u64>()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "@kernel 6.1, 2 CPUs\n\
        @proc cpu 0 process: calls 7 broken 0\n@proc cpu 0 softirq: calls 7 broken 0\n\
        @proc cpu 0 hardirq: calls 7 broken 0\n\
        @read 5 records\n@hostile wrote 9 positions\n@feed full 1 corrupt 2\n@read 5 records\n\
        @dmesg latchless: stopped after 21 calls, every total exact\n@taint 12288\n@end";

    #[test]
    fn a_good_run_is_believed() {
        let summary = judge(GOOD, 1).unwrap();
        assert!(summary.contains("21 calls"), "{summary}");
    }

    #[test]
    fn a_bad_run_is_not() {
        for (from, to, complaint) in [
            ("@end", "", "did not come to its end"),
            ("@end", "@failed to load\n@end", "failed to load"),
            ("@end", "@dmesg BUG: scheduling\n@end", "complains"),
            ("every total exact", "", "exact 0 times of 1"),
            ("12288", "12800", "tainted by 12800"),
            ("softirq: calls 7", "softirq: calls 0", "softirq"),
            ("corrupt 2", "corrupt 0", "does not report"),
            ("@feed full 1 corrupt 2\n@read", "@feed full 1 corrupt 2\n@", "before and after"),
            ("@hostile", "@", "no hostile"),
            ("hardirq: calls 7 broken 0", "hardirq: calls 7 broken 1", "hardirq"),
        ] {
            let error = judge(&GOOD.replace(from, to), 1).unwrap_err().to_string();
            assert!(error.contains(complaint), "{complaint}: {error}");
        }
    }

    #[test]
    fn an_archive_is_of_aligned_entries() {
        let mut archive = Vec::new();
        entry(&mut archive, "abc", 0o100_644, b"12345");
        assert_eq!(archive.len(), (110_usize + 4).next_multiple_of(4) + 8);
        assert_eq!(&archive[54..62], b"00000005");
        assert_eq!(&archive[110..114], b"abc\0");
    }
}
