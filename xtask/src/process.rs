//! Child processes: each is shown before it runs and named when it fails.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, pipe2};

/// Runs `command` with this process's own standard streams, after printing it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    ensure!(status.success(), "`{}` failed: {status}", render(command));
    Ok(())
}

/// Runs `command` as `run` does, but lets the caller judge how it ended.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    let line = render(command);
    println!("    $ {line}");
    command.status().with_context(|| format!("cannot start `{line}`"))
}

/// Runs `command` after printing it, and hands on each line that it writes to its standard error.
/// Returns whether it succeeded.
pub(crate) fn watch(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<bool> {
    let line = render(command);
    println!("    $ {line}");
    let mut child =
        command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot start `{line}`"))?;
    for line in child.stderr.take().into_iter().flat_map(|pipe| BufReader::new(pipe).split(b'\n')) {
        on_line(&String::from_utf8_lossy(&line?));
    }
    Ok(child.wait()?.success())
}

/// Runs `command` silently and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = render(command);
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("`{line}` failed: {}\n{}", output.status, complaint.trim_end());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` did not print UTF-8"))
}

/// How a command went that may fail.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) succeeded: bool,
    pub(crate) timed_out: bool,
    /// What it wrote to both its streams.
    pub(crate) output: String,
}

/// Runs `command` silently, and ends it with all that it started if it takes longer than
/// `patience`.
pub(crate) fn judge(command: &mut Command, patience: Duration) -> Result<Outcome> {
    judge_until(command, patience, |_| false)
}

/// Runs `command` as `judge` does, and ends it also when it has written a line that says enough.
pub(crate) fn judge_until(
    command: &mut Command,
    patience: Duration,
    says_enough: impl Fn(&str) -> bool,
) -> Result<Outcome> {
    let line = render(command);
    let cannot = || format!("cannot start `{line}`");
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).with_context(cannot)?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).process_group(0);
    let mut child = command.spawn().with_context(cannot)?;
    // The command holds the pipe's end that writes: without these the reader never sees the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(File::from(reader)).split(b'\n').map_while(Result::ok);
        for line in lines {
            // Nobody listens any more once the command was ended.
            let _ = sender.send(String::from_utf8_lossy(&line).into_owned() + "\n");
        }
    });
    let end = Instant::now() + patience;
    let mut output = String::new();
    let (mut is_cut_short, mut timed_out) = (false, false);
    while !is_cut_short {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                is_cut_short = says_enough(line.trim_end());
                output += &line;
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => (is_cut_short, timed_out) = (true, true),
        }
    }
    if is_cut_short {
        let group = Pid::from_raw(i32::try_from(child.id())?);
        match killpg(group, Signal::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => bail!("cannot end `{line}`: {error}"),
        }
    }
    let succeeded = child.wait()?.success();
    Ok(Outcome { succeeded, timed_out, output })
}

/// The command as a person would type it, environment first; the program's folder is left out.
fn render(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!("{}={}", name.to_string_lossy(), quote(&value.to_string_lossy())));
        }
    }
    let program = Path::new(command.get_program());
    words.push(program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned());
    words.extend(command.get_args().map(|word| quote(&word.to_string_lossy())));
    words.join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendered_command_can_be_typed_again() {
        let mut command = Command::new("/some/where/cargo");
        command.args(["test", "--features", "a b", "it's", ""]).env("RUSTFLAGS", "--cfg x");
        assert_eq!(
            render(&command),
            r"RUSTFLAGS='--cfg x' cargo test --features 'a b' 'it'\''s' ''"
        );
    }

    #[test]
    fn a_failing_command_is_named_in_the_error() {
        let error = run(Command::new("false").arg("argument")).unwrap_err().to_string();
        assert!(error.contains("`false argument` failed"), "{error}");
        let error = run(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert!(error.contains("cannot start `no-such-program`"), "{error}");
    }

    #[test]
    fn a_judged_command_may_fail_or_take_too_long() {
        let shell = |script: &str, patience| {
            judge(Command::new("sh").args(["-c", script]), Duration::from_millis(patience)).unwrap()
        };
        let good = shell("echo out; echo err >&2", 60_000);
        assert!(good.succeeded && good.output.contains("out") && good.output.contains("err"));
        let bad = shell("exit 1", 60_000);
        assert!(!bad.succeeded && !bad.timed_out);
        let slow = shell("echo before; sleep 600", 200);
        assert!(!slow.succeeded && slow.timed_out && slow.output == "before\n", "{slow:?}");
        let mut chatty = Command::new("sh");
        chatty.args(["-c", "echo one; echo two; sleep 600"]);
        let cut = judge_until(&mut chatty, Duration::from_secs(60), |line| line == "two").unwrap();
        assert!(!cut.succeeded && !cut.timed_out && cut.output == "one\ntwo\n", "{cut:?}");
    }

    #[test]
    fn a_watched_command_is_read_line_by_line() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one >&2; echo two >&2; exit 1"]);
        assert!(!watch(&mut command, |line| lines.push(line.to_owned())).unwrap());
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn output_hands_on_what_the_child_complained_about() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo complaint >&2; exit 3"]);
        let error = output(&mut command).unwrap_err().to_string();
        assert!(error.contains("complaint") && error.contains('3'), "{error}");
    }
}
