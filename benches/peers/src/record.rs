//! The raw data of one case, as it is kept beside the report.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::bench::Sample;
use crate::case::{self, Case};
use crate::contestant::Side;
use crate::machine::Provenance;
use crate::probe::Probe;

/// Everything that was measured of one case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) case: Case,
    pub(crate) provenance: Provenance,
    /// What the order of the contestants was drawn from in the first sitting, one more in the next.
    pub(crate) seed: u64,
    /// How long each timed run was meant to take.
    pub(crate) target_ms: u64,
    /// The least that the trivial loop has taken in the whole run, other cases included.
    pub(crate) best_loop_ns: f64,
    /// Fewer clean rounds than this in a sitting make no report.
    pub(crate) least_rounds: usize,
    pub(crate) contestants: Vec<Entrant>,
    pub(crate) rounds: Vec<Round>,
}

/// A contestant as it appears in the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entrant {
    pub(crate) name: String,
    pub(crate) side: Side,
    /// Why it was sent off.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) disqualified: Option<String>,
}

/// All contestants once, in an order of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    /// In which of the sittings it was, from 0.
    pub(crate) sitting: usize,
    /// None where nothing is timed.
    pub(crate) before: Option<Probe>,
    pub(crate) after: Option<Probe>,
    /// For each contestant; none if it has none.
    pub(crate) samples: Vec<Option<Sample>>,
}

/// Where the raw data is, in the folder of a report.
fn data(report: &Path) -> PathBuf {
    report.join("data")
}

impl Record {
    /// Adds a later sitting, with the same contestants, to this one.
    pub(crate) fn append(&mut self, later: Self) {
        self.best_loop_ns = self.best_loop_ns.min(later.best_loop_ns);
        for (entrant, again) in self.contestants.iter_mut().zip(later.contestants) {
            entrant.disqualified = entrant.disqualified.take().or(again.disqualified);
        }
        self.rounds.extend(later.rounds);
    }

    /// Writes the data to a file named after the case, a round to a line.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let data = data(folder);
        fs::create_dir_all(&data)
            .with_context(|| format!("cannot make the folder {}", data.display()))?;
        let path = data.join(format!("{}.json", self.case.id()));
        let head = Self { rounds: Vec::new(), ..self.clone() };
        let mut text = serde_json::to_string_pretty(&head)?;
        let rounds: Vec<String> =
            self.rounds.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let rounds = rounds.join(",\n    ");
        text = text.replace("\"rounds\": []", &format!("\"rounds\": [\n    {rounds}\n  ]"));
        text.push('\n');
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads every record in `folder`, in the order of the report.
    pub(crate) fn read_all(folder: &Path) -> Result<Vec<Self>> {
        let mut records = Vec::new();
        for case in case::all() {
            let path = data(folder).join(format!("{}.json", case.id()));
            if path.is_file() {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let record = serde_json::from_str(&text)
                    .with_context(|| format!("{} is no record of a case", path.display()))?;
                records.push(record);
            }
        }
        Ok(records)
    }
}
