//! What libFuzzer says about a run, and the table of all runs.

use comfy_table::{CellAlignment, Table, presets};

use crate::workspace::Backend;

/// How one target went on one backend.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) executions: u64,
    pub(crate) executions_per_second: u64,
    /// Edges of the control flow that were taken.
    pub(crate) edges: u64,
    /// What libFuzzer tells inputs apart by: edges with their counts, and what a target counts itself.
    pub(crate) features: u64,
    /// The input that made the target fail.
    pub(crate) finding: Option<String>,
}

impl Outcome {
    /// Takes from a line what it says.
    pub(crate) fn read(&mut self, line: &str) {
        let number_after = |word: &str| {
            let rest = line.split_once(word)?.1.trim_start();
            rest.split_whitespace().next()?.parse().ok()
        };
        let update = |field: &mut u64, word: &str| *field = number_after(word).unwrap_or(*field);
        if line.starts_with('#') {
            update(&mut self.executions, "#");
            update(&mut self.edges, " cov: ");
            update(&mut self.features, " ft: ");
        }
        update(&mut self.executions, "stat::number_of_executed_units:");
        update(&mut self.executions_per_second, "stat::average_exec_per_sec:");
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.finding = Some(path.trim().to_owned());
        }
    }
}

/// Whether a person wants to see the line while the fuzzer runs: libFuzzer reports each new input.
pub(crate) fn is_worth_showing(line: &str) -> bool {
    !line.starts_with('#') || ["pulse", "INITED", "DONE"].iter().any(|word| line.contains(word))
}

/// A target and backend, and how it went.
pub(crate) type Run = (String, Backend, Outcome);

/// The table of all runs.
pub(crate) fn table(runs: &[Run]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "target",
        "backend",
        "executions",
        "per second",
        "edges",
        "features",
        "findings",
    ]);
    for (target, backend, outcome) in runs {
        let numbers = [
            outcome.executions,
            outcome.executions_per_second,
            outcome.edges,
            outcome.features,
            u64::from(outcome.finding.is_some()),
        ];
        let names = [target.clone(), backend.name().to_owned()];
        table.add_row(names.into_iter().chain(numbers.map(|number| number.to_string())));
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_a_finding_is_read() {
        let mut outcome = Outcome::default();
        for line in [
            "INFO: Seed: 1",
            "#2\tINITED cov: 300 ft: 301 corp: 1/1b exec/s: 0 rss: 28Mb",
            "#39369\tNEW    cov: 851 ft: 4583 corp: 868/7255b lim: 11 exec/s: 1312 rss: 29Mb",
            "#39379\tDONE   cov: 852 ft: 4584 corp: 868/7255b lim: 11 exec/s: 1270 rss: 29Mb",
            "stat::number_of_executed_units: 39380",
            "stat::average_exec_per_sec:     1270",
        ] {
            outcome.read(line);
        }
        let expected = Outcome {
            executions: 39_380,
            executions_per_second: 1270,
            edges: 852,
            features: 4584,
            finding: None,
        };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn a_finding_is_read() {
        let mut outcome = Outcome::default();
        outcome.read("artifact_prefix='fuzz/artifacts/pool/'; Test unit written to fuzz/artifacts/pool/crash-1f");
        assert_eq!(outcome.finding.as_deref(), Some("fuzz/artifacts/pool/crash-1f"));
        assert!(table(&[("pool".to_owned(), Backend::Asm, outcome)]).to_string().contains(" 1 │"));
    }

    #[test]
    fn new_inputs_are_not_shown() {
        assert!(!is_worth_showing("#9\tNEW    cov: 1 ft: 1"));
        assert!(!is_worth_showing("#9\tREDUCE cov: 1 ft: 1"));
        assert!(is_worth_showing("#16\tpulse  cov: 1 ft: 1"));
        assert!(is_worth_showing("thread 'x' panicked"));
    }
}
