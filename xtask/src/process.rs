//! Child processes: each is shown before it runs and named when it fails.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// Runs `command` with this process's own standard streams, after printing it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = render(command);
    println!("    $ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    ensure!(status.success(), "`{line}` failed: {status}");
    Ok(())
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
    fn output_hands_on_what_the_child_complained_about() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo complaint >&2; exit 3"]);
        let error = output(&mut command).unwrap_err().to_string();
        assert!(error.contains("complaint") && error.contains('3'), "{error}");
    }
}
