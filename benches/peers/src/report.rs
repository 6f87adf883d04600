//! The report: every record that is there, as tables and pictures, and where rivals are ahead.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::case::{Family, Shape};
use crate::contestant::Side;
use crate::plots;
use crate::ranking::{MARGIN, Row, Summary};
use crate::record::Record;
use crate::standing::{self, Cell};
use crate::stats::CONFIDENCE;
use crate::table::{self, figure, times};

/// A record, and what it says.
pub(crate) struct Finding {
    pub(crate) record: Record,
    pub(crate) summary: Summary,
}

/// Writes the plots and the report on all records under `folder`.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let mut findings = Vec::new();
    for record in Record::read_all(folder)? {
        let summary = Summary::of(&record)?;
        findings.push(Finding { record, summary });
    }
    let mut text = head();
    text += &verdicts(&findings);
    for family in Family::ALL {
        let of_family: Vec<&Finding> =
            findings.iter().filter(|finding| finding.record.case.family == family).collect();
        if of_family.is_empty() {
            continue;
        }
        text += &format!("\n## {}\n", family.title());
        for (name, about, picture) in plots::of(family, &of_family)? {
            save(&folder.join(&name), &picture)?;
            text += &format!("\n![{about}]({name})\n");
        }
        text += &standing(&of_family);
        text += &sections(&of_family);
    }
    text += &instructions(folder)?;
    let rivals: BTreeSet<&str> =
        findings.iter().map(|finding| finding.record.provenance.rivals.as_str()).collect();
    for rivals in rivals {
        text += &format!("\n## Versions\n\n{rivals}.\n");
    }
    save(&folder.join("README.md"), &text)
}

/// How the cells of a family stand together.
fn standing(findings: &[&Finding]) -> String {
    let cells = findings.iter().filter_map(|f| Cell::of(&f.record.case, &f.summary));
    let lines = standing::lines(&cells.collect::<Vec<_>>());
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

fn save(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn head() -> String {
    format!(
        "# latchless beside its rivals

Written by `cargo xtask bench` from the raw data in [data](data). How it is measured, and what the
figures do not say: [benches/peers](../../benches/peers/README.md).

- Figures are medians over rounds; ratios are medians of the ratios within a round. In brackets: the
  interval that holds the ratio with {:.0} % confidence.
- Everything was measured in two sittings, one after the other. A rank is claimed only where in each
  of them that interval lies beyond {:.0} % above 1. All others share a rank: `2=` says that the data
  cannot tell them apart, or that the sittings do not agree.
- The *best rival* of a case, or cell, is the one with the least median ratio to this crate's structure.
- *Limits* are no structures but points of reference, measured in the same rounds: the machine doing
  about the least that the case needs, in an obvious way. A contestant may still get below one.
- `MpmcRing` and `WordRing` are strictly lock-free; of their rivals only lfqueue and nolock aim at that.
  `TurnRing` and the others can be stopped by one stopped thread.

`cargo xtask bench` measures everything again, `cargo xtask bench spsc` one part of it, and
`cargo xtask bench --native-peers` adds the rivals in C and C++.
",
        CONFIDENCE * 100.0,
        MARGIN * 100.0
    )
}

/// Where rivals are ahead of this crate, where nobody is, and what cannot be told.
fn verdicts(findings: &[Finding]) -> String {
    let mut gaps = String::new();
    let (mut leads, mut ties) = (Vec::new(), Vec::new());
    for Finding { record, summary } in findings {
        let (Some(ours), Some(leader)) = (summary.ours(), leader(summary)) else { continue };
        let id = record.case.id();
        match ours.rank {
            Some(1) if shares_rank(summary, 1) => ties.push(format!("`{id}`")),
            Some(1) => leads.push(format!("`{id}`")),
            _ => {
                gaps += &format!(
                    "| `{id}` | {} | {} | {}, {} | {} |\n",
                    ours.rank.unwrap_or_default(),
                    figure(ours.median),
                    leader.name,
                    figure(leader.median),
                    times(ours.to_rival, record.case.shape == Shape::Memory)
                );
            }
        }
    }
    let list = |ids: Vec<String>| if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
    let gaps = if gaps.is_empty() {
        "No rival is ahead in any case.\n".to_owned()
    } else {
        format!("| case | rank | latchless | best rival | ratio |\n|---|--:|--:|---|--:|\n{gaps}")
    };
    format!(
        "\n## Open gaps\n\nWhere a rival is ahead, in the unit of the case ([why](GAPS.md)):\n\n{gaps}\n\
         Alone in front: {}.\n\nIn front together with rivals: {}.\n",
        list(leads),
        list(ties)
    )
}

/// The best rival.
fn leader(summary: &Summary) -> Option<&Row> {
    let best = summary.best_rival.as_ref()?;
    summary.rows.iter().find(|row| row.side == Side::Rival && row.name == *best)
}

fn shares_rank(summary: &Summary, rank: usize) -> bool {
    summary.rows.iter().filter(|row| row.rank == Some(rank)).count() > 1
}

/// The tables of a family, each under its title, with where they come from.
fn sections(findings: &[&Finding]) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for Finding { record, summary } in findings {
        text += &format!("\n### `{}`\n\n{}.\n\n", record.case.id(), record.case.title());
        text += &table::markdown(&record.case, summary);
        let provenance = record.provenance.line();
        if provenance != last {
            text += &format!("\n<sub>{provenance}</sub>\n");
            last = provenance;
        }
    }
    text
}

/// The counts of instructions, if they are recorded there.
fn instructions(folder: &Path) -> Result<String> {
    #[derive(Deserialize)]
    struct Cost {
        instructions: f64,
        locked: f64,
    }
    #[derive(Deserialize)]
    struct Budget {
        toolchain: String,
        operations: BTreeMap<String, Cost>,
    }
    let path = folder.join("instructions.json");
    if !path.is_file() {
        return Ok(String::new());
    }
    let budget: Budget = serde_json::from_str(&fs::read_to_string(&path)?)
        .with_context(|| format!("{} is not a list of costs", path.display()))?;
    let mut text = String::from(
        "\n## Instructions\n\nWhat one call executes alone, counted by callgrind, \
         without call and return; \
         `cargo xtask test instructions` fails if a count goes up.\n\n\
         | operation | instructions | of them locked |\n|---|--:|--:|\n",
    );
    for (name, cost) in &budget.operations {
        text += &format!("| `{name}` | {} | {} |\n", figure(cost.instructions), cost.locked);
    }
    Ok(text
        + &format!(
            "\n<sub>{}, `cargo xtask bench --instructions --bless`</sub>\n",
            budget.toolchain
        ))
}
