//! What each operation may cost: a committed list of instruction counts, and the gate on it.
//!
//! Counts do not depend on the machine nor on what else runs there, so a change of one instruction
//! is seen. They do depend on the compiler: with another version than the recorded one a little
//! more is let pass, but never another locked instruction, which no compiler adds.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, bail};
use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};

use super::callgrind::{self, Cost, Costs};
use super::{build, toolchain};
use crate::setup;
use crate::workspace::Workspace;

/// The committed list.
const LIST: &str = "docs/bench/instructions.json";
/// What another compiler may add to a count: this part of it …
const OTHER_COMPILER: f64 = 0.05;
/// … and this many instructions, or a count of two could not change at all.
const OTHER_COMPILER_MORE: f64 = 2.0;
/// Less than the least difference between two counts.
const ROUNDING: f64 = 0.001;

/// The committed list of costs.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Budget {
    toolchain: String,
    operations: Costs,
}

/// Fails, naming the operations, if one costs more than recorded.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let found = count(workspace)?;
    let recorded = read(workspace)?;
    println!("{}", table(&found.operations, Some(&recorded.operations), None));
    let excess = excess(&recorded, &found);
    if !excess.is_empty() {
        bail!(
            "{}\nif that is meant to be so, run `cargo xtask bench --instructions --bless` and \
             commit {LIST}",
            excess.join("\n")
        );
    }
    if recorded.toolchain != found.toolchain {
        println!(
            "    counted with {}, recorded with {}: differences of {:.0} % are let pass",
            found.toolchain,
            recorded.toolchain,
            OTHER_COMPILER * 100.0
        );
    } else if savings(&recorded, &found) {
        println!("    some operations cost less than recorded: `--bless` keeps it that way");
    }
    Ok(())
}

/// Records what the operations cost now.
pub(super) fn bless(workspace: &Workspace) -> Result<()> {
    let found = count(workspace)?;
    let before = read(workspace).ok();
    println!("{}", table(&found.operations, before.as_ref().map(|list| &list.operations), None));
    let path = workspace.path(LIST);
    let folder = path.parent().context("a file has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let text = serde_json::to_string_pretty(&found)? + "\n";
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("recorded in {LIST}");
    Ok(())
}

/// Shows what the operations cost, of those whose name contains `filter`.
pub(super) fn show(workspace: &Workspace, filter: Option<&str>) -> Result<()> {
    let found = count(workspace)?;
    let recorded = read(workspace).ok();
    let recorded = recorded.as_ref().map(|list| &list.operations);
    println!("{}", table(&found.operations, recorded, filter));
    Ok(())
}

fn count(workspace: &Workspace) -> Result<Budget> {
    setup::program("valgrind", "valgrind")?;
    setup::program("objdump", "binutils")?;
    let program = build(workspace, "latchless-instructions", "instructions", &[])?;
    let mut operations = callgrind::count(workspace, &program)?;
    // A call and a return are not the operation's: an operation that does nothing has one.
    let nothing = operations.remove("nothing").context("the empty operation was not counted")?;
    for cost in operations.values_mut() {
        cost.instructions -= nothing.instructions;
    }
    Ok(Budget { toolchain: toolchain(workspace)?, operations })
}

fn read(workspace: &Workspace) -> Result<Budget> {
    let text = fs::read_to_string(workspace.path(LIST)).with_context(|| {
        format!("cannot read {LIST}; `cargo xtask bench --instructions --bless` writes it")
    })?;
    serde_json::from_str(&text).with_context(|| format!("{LIST} is not a list of costs"))
}

/// A sentence for each operation that costs more than it may, or that is in only one of the lists.
fn excess(recorded: &Budget, found: &Budget) -> Vec<String> {
    let is_same_compiler = recorded.toolchain == found.toolchain;
    let most = |count: f64| {
        if is_same_compiler { count } else { count * (1.0 + OTHER_COMPILER) + OTHER_COMPILER_MORE }
    };
    let mut sentences = Vec::new();
    for (name, now) in &found.operations {
        let Some(before) = recorded.operations.get(name) else {
            sentences.push(format!("`{name}` is not in the recorded list"));
            continue;
        };
        let mut sentence = String::new();
        if now.locked > before.locked + ROUNDING {
            let _ =
                write!(sentence, "{} locked instructions, recorded {}", now.locked, before.locked);
        }
        if now.instructions > most(before.instructions) + ROUNDING {
            let and = if sentence.is_empty() { "" } else { ", and " };
            let (now, before) = (now.instructions, before.instructions);
            let _ = write!(sentence, "{and}{now} instructions, recorded {before}");
        }
        if !sentence.is_empty() {
            sentences.push(format!("`{name}` takes {sentence}"));
        }
    }
    let gone = recorded.operations.keys().filter(|name| !found.operations.contains_key(*name));
    sentences.extend(gone.map(|name| format!("`{name}` is recorded, but no longer counted")));
    sentences
}

/// Whether an operation costs less than recorded.
fn savings(recorded: &Budget, found: &Budget) -> bool {
    found.operations.iter().any(|(name, now)| {
        recorded.operations.get(name).is_some_and(|before| {
            now.instructions < before.instructions - ROUNDING
                || now.locked < before.locked - ROUNDING
        })
    })
}

fn table(costs: &Costs, recorded: Option<&Costs>, filter: Option<&str>) -> Table {
    let mut table = Table::new();
    let head = ["operation", "instructions", "locked", "recorded"];
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_header(head);
    let is_shown = |name: &str| filter.is_none_or(|filter| name.contains(filter));
    for (name, cost) in costs.iter().filter(|(name, _)| is_shown(name)) {
        let recorded = match recorded.and_then(|recorded| recorded.get(name)) {
            Some(before) if before == cost => "same".to_owned(),
            Some(Cost { instructions, locked }) => format!("{instructions}, {locked} locked"),
            None => "not yet".to_owned(),
        };
        table.add_row([
            name.clone(),
            format!("{:.2}", cost.instructions),
            format!("{:.2}", cost.locked),
            recorded,
        ]);
    }
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(toolchain: &str, operations: &[(&str, f64, f64)]) -> Budget {
        let cost = |&(name, instructions, locked): &(&str, f64, f64)| {
            (name.to_owned(), Cost { instructions, locked })
        };
        Budget {
            toolchain: toolchain.to_owned(),
            operations: operations.iter().map(cost).collect(),
        }
    }

    #[test]
    fn one_more_instruction_is_named() {
        let recorded = budget("1.95", &[("pop", 20.0, 1.0), ("push", 10.0, 1.0)]);
        let found = budget("1.95", &[("pop", 19.0, 1.0), ("push", 11.0, 2.0)]);
        let sentences = excess(&recorded, &found);
        let expected =
            "`push` takes 2 locked instructions, recorded 1, and 11 instructions, recorded 10";
        assert_eq!(sentences, [expected]);
        assert!(savings(&recorded, &found));
        assert_eq!(excess(&recorded, &recorded), [""; 0]);
        assert!(!savings(&recorded, &recorded));
    }

    #[test]
    fn another_compiler_may_add_a_little_but_no_lock() {
        let recorded = budget("1.95", &[("push", 100.0, 2.0)]);
        assert_eq!(excess(&recorded, &budget("1.96", &[("push", 107.0, 2.0)])), [""; 0]);
        assert_eq!(excess(&recorded, &budget("1.96", &[("push", 108.0, 2.0)])).len(), 1);
        assert_eq!(excess(&recorded, &budget("1.96", &[("push", 90.0, 3.0)])).len(), 1);
    }

    #[test]
    fn an_operation_in_one_list_only_is_named() {
        let sentences =
            excess(&budget("1", &[("old", 1.0, 0.0)]), &budget("1", &[("new", 1.0, 0.0)]));
        assert_eq!(
            sentences,
            ["`new` is not in the recorded list", "`old` is recorded, but no longer counted"]
        );
    }
}
