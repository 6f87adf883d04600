//! Following a run by what it says: progress, report, verdict, or nothing for too long.

use std::fmt::Write as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use no_std_example::line::{Line, Progress};
use no_std_example::text::Totals;

/// A run that says nothing for so long is given up: its lines of progress come ten times a second.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a run said.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    /// What is for the person, line by line.
    pub(crate) text: String,
    pub(crate) totals: Option<Totals>,
    /// Whether the run found itself in order; nothing if it did not come to its end.
    pub(crate) passed: Option<bool>,
}

/// Why a run was given up.
#[derive(Debug)]
pub(crate) struct Silence {
    pub(crate) patience: Duration,
    pub(crate) last_progress: Option<Progress>,
}

/// Follows a run until it has nothing more to say.
pub(crate) fn follow(
    lines: &Receiver<String>,
    patience: Duration,
    bar: &ProgressBar,
) -> Result<Transcript, Silence> {
    let mut transcript = Transcript::default();
    let mut last_progress = None;
    loop {
        let line = match lines.recv_timeout(patience) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return Ok(transcript),
            Err(RecvTimeoutError::Timeout) => return Err(Silence { patience, last_progress }),
        };
        match Line::parse(line.trim_end()) {
            Line::Progress(progress) => {
                show(bar, &progress);
                last_progress = Some(progress);
            }
            Line::Totals(totals) => transcript.totals = Some(totals),
            Line::Verdict { passed } => transcript.passed = Some(passed),
            Line::Text(text) => {
                transcript.text.push_str(text);
                transcript.text.push('\n');
            }
        }
    }
}

/// A line on the terminal that tells how far `activity` is; absent where there is no terminal.
pub(crate) fn progress_bar(activity: &'static str, bytes: u64) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template(
        "{spinner} {msg} [{bar:40}] {bytes} of {total_bytes}, {elapsed}",
    )?;
    let bar =
        ProgressBar::new(bytes).with_style(style.progress_chars("=> ")).with_message(activity);
    bar.enable_steady_tick(Duration::from_millis(100));
    Ok(bar)
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_length(progress.file_bytes);
    bar.set_message(format!("pass {}", progress.pass));
    bar.set_position(progress.done_bytes);
}

// === impl Transcript ===

impl Transcript {
    /// The last thing that was said to the person.
    pub(crate) fn last_words(&self) -> &str {
        self.text.lines().last().unwrap_or("nothing")
    }

    /// Holds the run's own verdict and its totals against what the host counts.
    pub(crate) fn judge(&self, host: &Totals) -> Result<()> {
        let passed = self.passed.context("the run ended without a verdict")?;
        ensure!(passed, "the run's own checks failed: see those marked FAILED");
        let run = self.totals.context("the run ended without totals")?;
        let mut differences = String::new();
        for (figure, run, host) in figures(&run, host) {
            if run != host {
                let comma = if differences.is_empty() { "" } else { ", " };
                write!(differences, "{comma}{figure} {run} instead of {host}")?;
            }
        }
        if !differences.is_empty() {
            bail!("the totals are not those that the host counts: {differences}");
        }
        Ok(())
    }

    /// The totals beside those of the host, for the person.
    pub(crate) fn comparison(&self, host: &Totals) -> Option<Table> {
        let run = self.totals?;
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(["Totals", "by the demo", "by the host", ""]);
        for (figure, run, host) in figures(&run, host) {
            let verdict = if run == host { "equal" } else { "WRONG" };
            table.add_row([figure, &run, &host, verdict]);
        }
        for column in table.column_iter_mut().skip(1).take(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        Some(table)
    }
}

/// Each figure with both its values as a person reads them.
fn figures(run: &Totals, host: &Totals) -> [(&'static str, String, String); 4] {
    let crc = |totals: &Totals| format!("{:08x}", totals.crc32);
    [
        ("bytes", run.bytes.to_string(), host.bytes.to_string()),
        ("lines", run.lines.to_string(), host.lines.to_string()),
        ("words", run.words.to_string(), host.words.to_string()),
        ("CRC-32", crc(run), crc(host)),
    ]
}

// === impl Silence ===

impl std::fmt::Display for Silence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no sign of life for {} s", self.patience.as_secs())?;
        match self.last_progress {
            None => f.write_str(", and no progress before"),
            Some(Progress { pass, done_bytes, file_bytes }) => {
                write!(f, " after {done_bytes} of {file_bytes} bytes in pass {pass}")
            }
        }
    }
}

impl std::error::Error for Silence {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const TOTALS: Totals = Totals { bytes: 4, lines: 3, words: 2, crc32: 1 };

    fn transcript(lines: &[&str]) -> Transcript {
        let (sender, receiver) = mpsc::channel();
        for line in lines {
            sender.send((*line).to_owned()).unwrap();
        }
        drop(sender);
        follow(&receiver, PATIENCE, &ProgressBar::hidden()).unwrap()
    }

    #[test]
    fn a_run_in_order_is_believed() {
        let transcript = transcript(&["@progress 1 2 4", "hello\r", "@totals 4 3 2 1", "@passed"]);
        assert_eq!(transcript.last_words(), "hello");
        transcript.judge(&TOTALS).unwrap();
    }

    #[test]
    fn a_wrong_figure_is_named_with_both_values() {
        let error = transcript(&["@totals 4 3 7 1", "@passed"]).judge(&TOTALS).unwrap_err();
        assert!(error.to_string().ends_with(": words 7 instead of 2"), "{error}");
    }

    #[test]
    fn a_run_that_does_not_say_enough_is_not_believed() {
        for lines in [&[][..], &["@totals 4 3 2 1"], &["@passed"], &["@totals 4 3 2 1", "@failed"]]
        {
            assert!(transcript(lines).judge(&TOTALS).is_err(), "{lines:?}");
        }
    }

    #[test]
    fn silence_ends_with_how_far_the_run_was() {
        let (sender, receiver) = mpsc::channel();
        sender.send("@progress 3 5 9".to_owned()).unwrap();
        let patience = Duration::from_millis(1);
        let silence = follow(&receiver, patience, &ProgressBar::hidden()).unwrap_err();
        assert!(silence.to_string().ends_with("after 5 of 9 bytes in pass 3"), "{silence}");
    }
}
