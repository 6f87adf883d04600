//! Booting the image in QEMU, and what came of it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use indicatif::ProgressBar;
use no_std_example::exit::Exit;

use crate::input::Input;
use crate::setup;
use crate::watch::{self, Transcript};

const PROGRAM: &str = "qemu-system-x86_64";
/// The package that has it on Debian and its kin.
const PACKAGE: &str = "qemu-system-x86";

/// What the image, its stacks and the firmware need beside the file.
const BASE_MIB: u64 = 64;

/// A machine to boot.
#[derive(Debug)]
pub(crate) struct Machine<'a> {
    pub(crate) image: &'a Path,
    pub(crate) cpus: usize,
    pub(crate) input: &'a Input,
    pub(crate) command_line: String,
    /// How long the image may be silent.
    pub(crate) patience: Duration,
}

/// QEMU, killed when it is no longer wanted.
struct Running(Child);

/// Installs QEMU if it is missing.
pub(crate) fn ensure_installed() -> Result<()> {
    setup::program(PROGRAM, PACKAGE)
}

// === impl Machine ===

impl Machine<'_> {
    /// Boots the machine and follows it to its end, which is good or bad as the image said; every
    /// other end is an error.
    pub(crate) fn run(&self, bar: &ProgressBar) -> Result<Transcript> {
        let mut running = Running(self.command().spawn().context("cannot start QEMU")?);
        let lines = running.lines()?;
        let mut transcript = match watch::follow(&lines, self.patience, bar) {
            Ok(transcript) => transcript,
            Err(silence) => bail!("the image hangs: {silence}; QEMU was stopped"),
        };
        let status = running.0.wait().context("cannot wait for QEMU")?;
        let last_words = transcript.last_words();
        match status.code().and_then(Exit::from_status) {
            Some(Exit::Passed) => Ok(transcript),
            Some(Exit::ChecksFailed) => {
                transcript.passed = Some(false);
                Ok(transcript)
            }
            Some(Exit::Panic) => bail!("the image panicked: {last_words}"),
            Some(Exit::Exception) => bail!("the image caused a CPU exception: {last_words}"),
            Some(Exit::BadCommandLine) => bail!("the image refused its {last_words}"),
            Some(Exit::Unsupported) => bail!("the image cannot run on this machine: {last_words}"),
            None if status.success() => {
                bail!("the image reset the machine (a triple fault), its last line: {last_words}")
            }
            None => bail!("QEMU failed ({status}): {}", running.complaint()),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        // TCG with a host thread for each CPU: it interrupts and interleaves everywhere, and its
        // memory ordering is x86's. KVM could do that too, but is not to be had everywhere.
        command.args(["-accel", "tcg,thread=multi", "-cpu", "max"]);
        command.args(["-smp", &self.cpus.to_string(), "-m", &format!("{}M", self.memory_mib())]);
        command.args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]);
        command.args(["-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        command.arg("-kernel").arg(self.image).args(["-append", &self.command_line]);
        // An empty module would not be handed over: the image takes none for an empty file.
        if self.input.totals.bytes > 0 {
            command.arg("-initrd").arg(&self.input.path);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn memory_mib(&self) -> u64 {
        BASE_MIB + self.input.totals.bytes.div_ceil(1 << 20)
    }
}

// === impl Running ===

impl Running {
    /// The lines that the image writes, as they come.
    fn lines(&mut self) -> Result<Receiver<String>> {
        let output = self.0.stdout.take().context("QEMU has no output")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n') {
                let Ok(line) = line else { break };
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        });
        Ok(receiver)
    }

    /// What QEMU itself has to say after its end, on one line.
    fn complaint(&mut self) -> String {
        let mut complaint = String::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            // What cannot be read cannot be told either.
            let _ = stderr.read_to_string(&mut complaint);
        }
        complaint.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
