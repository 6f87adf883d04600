//! Counts what valgrind executes of each operation: every instruction, and those with a bus lock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::process;
use crate::workspace::Workspace;

/// What the functions are called whose instructions are counted.
const PREFIX: &str = "op_";

/// What one call of an operation executes, on average over many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cost {
    pub(super) instructions: f64,
    pub(super) locked: f64,
}

/// The cost of each operation, by name.
pub(super) type Costs = BTreeMap<String, Cost>;

/// Runs `program` under callgrind and sums up what each of its operations executed.
pub(super) fn count(workspace: &Workspace, program: &Path) -> Result<Costs> {
    let profile = workspace.path("target/instructions.callgrind");
    let folder = profile.parent().context("a file has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut valgrind = workspace.command_in(".", "valgrind");
    // The name of a function with its callers tells which operation it works for.
    valgrind.args(["--tool=callgrind", "--separate-callers=8", "--dump-instr=yes"]);
    valgrind.args(["--compress-strings=no", "--compress-pos=no"]);
    valgrind.arg(format!("--callgrind-out-file={}", profile.display())).arg(program);
    process::output(&mut valgrind)?;
    let mut objdump = workspace.command_in(".", "objdump");
    let code = process::output(objdump.args(["--disassemble", "--no-show-raw-insn"]).arg(program))?;
    let profile = fs::read_to_string(&profile)
        .with_context(|| format!("cannot read {}", profile.display()))?;
    let costs = sum(&profile, &locked(&code), &program.display().to_string());
    ensure!(!costs.is_empty(), "callgrind saw no operation of {}", program.display());
    Ok(costs)
}

/// The addresses of the instructions that lock the bus, in a listing by objdump: those with the
/// prefix, and `xchg` with memory, which locks without.
fn locked(listing: &str) -> BTreeSet<u64> {
    let address = |line: &str| {
        let (address, instruction) = line.trim_start().split_once(":\t")?;
        let is_exchange = instruction.starts_with("xchg") && instruction.contains('(');
        let is_locked = instruction.starts_with("lock ") || is_exchange;
        is_locked.then(|| u64::from_str_radix(address, 16).ok()).flatten()
    };
    listing.lines().filter_map(address).collect()
}

/// Sums up a profile of the program `object`, whose locked instructions are at `locked`.
fn sum(profile: &str, locked: &BTreeSet<u64>, object: &str) -> Costs {
    let mut calls: BTreeMap<&str, u64> = BTreeMap::new();
    let mut totals: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut operation = None;
    let mut callee = "";
    let mut in_program = false;
    let mut lines = profile.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("ob=") {
            in_program = name == object;
        } else if let Some(chain) = line.strip_prefix("fn=") {
            operation = chain.split('\'').find_map(|function| function.strip_prefix(PREFIX));
        } else if let Some(chain) = line.strip_prefix("cfn=") {
            callee = chain.split('\'').next().unwrap_or_default();
        } else if let Some(rest) = line.strip_prefix("calls=") {
            // What the call costs is counted where it is spent.
            lines.next();
            if let Some(name) = callee.strip_prefix(PREFIX) {
                *calls.entry(name).or_default() += number(rest.split(' ').next());
            }
        } else if let (Some(operation), Some(address)) = (operation, line.strip_prefix("0x")) {
            let mut fields = address.split(' ');
            let address = fields.next().and_then(|hex| u64::from_str_radix(hex, 16).ok());
            let executed = number(fields.nth(1));
            let (all, locks) = totals.entry(operation).or_default();
            *all += executed;
            if in_program && address.is_some_and(|address| locked.contains(&address)) {
                *locks += executed;
            }
        }
    }
    let per_call = |(name, (all, locks)): (&str, (u64, u64))| {
        let calls = *calls.get(name)? as f64;
        let round = |count: u64| (count as f64 / calls * 1000.0).round() / 1000.0;
        Some((name.to_owned(), Cost { instructions: round(all), locked: round(locks) }))
    };
    totals.into_iter().filter_map(per_call).collect()
}

fn number(field: Option<&str>) -> u64 {
    field.and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_instructions_are_found() {
        let listing = "
0000000000001000 <f>:
    1000:\tlock xadd %rax,(%rdi)
    1005:\txchg   %rax,(%rdi)
    1008:\txchg   %ax,%ax
    100a:\tret
";
        assert_eq!(locked(listing), BTreeSet::from([0x1000, 0x1005]));
    }

    #[test]
    fn a_profile_is_summed_up_by_operation() {
        let profile = "
ob=/program
fn=op_push'main
0x10 1 20
cfn=helper'op_push'main
calls=10 0x100 7
0x12 2 999
0x14 3 10

fn=helper'op_push'main
0x100 7 40
0x104 8 5

fn=helper'op_other'main
0x100 7 8

ob=/libc.so
fn=memcpy'op_push'main
0x100 0 10

ob=/program
fn=main
0x1 1 500
cfn=op_push'main
calls=10 0x10 1
0x2 1 999
cfn=op_other'main
calls=4 0x10 1
0x2 1 999
";
        let costs = sum(profile, &BTreeSet::from([0x100]), "/program");
        let expected = Costs::from([
            // 20 + 10 of its own, 45 of its helper, 10 of the library; 40 locked.
            ("push".to_owned(), Cost { instructions: 8.5, locked: 4.0 }),
            ("other".to_owned(), Cost { instructions: 2.0, locked: 2.0 }),
        ]);
        assert_eq!(costs, expected);
    }
}
