//! The machine underneath: which CPUs there are, how to stay on one, and what to write on a figure.

use std::fs;

use anyhow::{Context as _, Result, bail};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// Where a figure comes from: on every table, plot and data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Provenance {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) toolchain: String,
    pub(crate) commit: String,
    pub(crate) command: String,
    /// The crates that were measured, with their versions.
    pub(crate) rivals: String,
    /// Whether threads ran under the real-time policy, which keeps other programs off their CPUs.
    pub(crate) realtime: bool,
}

impl Provenance {
    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let Self { cpu, cores, kernel, toolchain, commit, command, realtime, .. } = self;
        let policy = if *realtime { "SCHED_FIFO" } else { "SCHED_OTHER" };
        format!(
            "{cpu}, {cores} CPUs · Linux {kernel} · {toolchain} · commit {commit} · {policy} · \
             `{command}`"
        )
    }
}

/// The processor as it names itself, told apart by family and model where the name is vague.
pub(crate) fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.trim() == name)
            .map_or("unknown", |(_, value)| value.trim())
    };
    format!("{} (family {}, model {})", field("model name"), field("cpu family"), field("model"))
}

/// What this program depends on to measure, not to be measured.
const TOOLS: [&str; 12] = [
    "anyhow",
    "cc",
    "clap",
    "comfy-table",
    "fastrand",
    "indicatif",
    "latchless",
    "libc",
    "nix",
    "plotters",
    "serde",
    "serde_json",
];

/// The crates of the rivals, with the versions that this program was built with.
pub(crate) fn rivals() -> String {
    rivals_in(include_str!("../Cargo.lock"))
}

/// The crates that this package depends on in `lock`, less its tools.
fn rivals_in(lock: &str) -> String {
    let field = |package: &str, name: &str| {
        let value = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        value.map(|value| value.trim_matches('"').to_owned())
    };
    let packages: Vec<&str> = lock.split("[[package]]").collect();
    let is_this = |package: &&&str| field(package, "name").as_deref() == Some("latchless-peers");
    let this = packages.iter().find(is_this).copied().unwrap_or_default();
    // A dependency is a name, and a version if the name alone would not tell.
    let dependencies =
        this.lines().filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\","));
    let versions = dependencies.filter_map(|dependency| {
        let (name, version) = dependency.split_once(' ').unwrap_or((dependency, ""));
        let wanted = |package: &&&str| {
            let found = field(package, "version").unwrap_or_default();
            field(package, "name").as_deref() == Some(name) && found.starts_with(version)
        };
        let package = packages.iter().find(wanted).filter(|_| !TOOLS.contains(&name))?;
        Some(format!("{name} {}", field(package, "version")?))
    });
    versions.collect::<Vec<_>>().join(", ")
}

/// The release of the running kernel.
pub(crate) fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

/// The two CPUs that pairs of threads are pinned to, the first two this process may run on.
pub(crate) fn cores() -> Result<[usize; 2]> {
    let allowed = sched_getaffinity(Pid::from_raw(0)).context("cannot ask which CPUs to run on")?;
    let mut cores = (0..CpuSet::count()).filter(|&cpu| allowed.is_set(cpu).unwrap_or(false));
    match (cores.next(), cores.next()) {
        (Some(first), Some(second)) => Ok([first, second]),
        _ => bail!("these measurements need two CPUs, and this process may run on only one"),
    }
}

/// Keeps the calling thread on CPU `core`.
pub(crate) fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core).with_context(|| format!("CPU {core} is out of range"))?;
    sched_setaffinity(Pid::from_raw(0), &set).with_context(|| format!("cannot run on CPU {core}"))
}

/// Puts the calling thread before all ordinary ones, if that is allowed.
pub(crate) fn go_realtime() -> bool {
    let parameter = libc::sched_param { sched_priority: 1 };
    // SAFETY: the parameter is valid for the call; the call changes only how this thread is
    // scheduled.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameter) == 0 }
}

/// Puts the calling thread before other ordinary ones, as far as that is allowed. Unlike real-time
/// threads it still shares its CPU in slices with its like.
pub(crate) fn go_first() {
    // SAFETY: the call changes only how this thread is scheduled.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -20) };
}

/// How often the calling thread has been taken off its CPU against its will.
pub(crate) fn involuntary_switches() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.involuntary_context_switches())
}

/// Bytes that the C library's allocator has handed out and not taken back.
pub(crate) fn allocated_bytes() -> u64 {
    // SAFETY: the call only reads the allocator's books.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as u64
}

/// Lets all threads of this process allocate from the arena whose books are read.
pub(crate) fn use_one_arena() {
    // SAFETY: changes an option of the allocator, before there is a second thread.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rivals_are_named_with_their_versions() {
        let lock = "[[package]]\nname = \"spin\"\nversion = \"0.9.9\"\n\n\
            [[package]]\nname = \"spin\"\nversion = \"0.12.3\"\n\n\
            [[package]]\nname = \"rtrb\"\nversion = \"0.4.1\"\n\n\
            [[package]]\nname = \"latchless-peers\"\nversion = \"0.0.0\"\n\
            dependencies = [\n \"clap\",\n \"rtrb\",\n \"spin 0.12.3\",\n]\n";
        assert_eq!(rivals_in(lock), "rtrb 0.4.1, spin 0.12.3");
        assert!(rivals().contains("crossbeam-queue 0."), "{}", rivals());
        assert!(!rivals().contains("serde"), "{}", rivals());
    }
}
