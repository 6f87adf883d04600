//! The code of the probes, for people: the table, the document that holds it, and one probe at a time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use comfy_table::{Table, presets};
use iced_x86::{Formatter as _, IntelFormatter, MemorySizeOptions, Mnemonic, OpKind};
use rustc_demangle::demangle;

use crate::code::{self, Code, Image, Line, Step, Target};
use crate::judge;
use crate::table::{Probe, probes};

/// What the signs in the table mean.
const LEGEND: &str =
    "`m64` is memory of 64 bits, `r` a register; `↺` is repeated until nobody came in between.";

/// How alike two names are, of at most 1, if somebody may have meant the other.
const LIKENESS: f64 = 0.8;

/// A section of the table.
#[derive(Debug)]
struct Section {
    title: &'static str,
    about: &'static str,
    columns: Vec<&'static str>,
    /// Each operation with its cells, which are made of lines.
    rows: Vec<(&'static str, Vec<Vec<String>>)>,
}

/// The table, for a terminal.
///
/// # Errors
///
/// A probe is not in the program.
pub fn listing(image: &Image) -> Result<String> {
    let mut text = String::new();
    for section in sections(image)? {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED);
        table.set_header([&["operation"][..], &section.columns].concat());
        for (operation, cells) in &section.rows {
            let cells = cells.iter().map(|lines| lines.join("\n"));
            table.add_row([(*operation).to_owned()].into_iter().chain(cells));
        }
        writeln!(text, "{}\n{}\n{table}\n", section.title, section.about)?;
    }
    let count = probes().len();
    writeln!(text, "{LEGEND}\n{count} functions; `cargo xtask asm add_i64` shows one of them.")?;
    Ok(text.replace('`', ""))
}

/// The table, as `docs/ASM.md` has it.
///
/// # Errors
///
/// A probe is not in the program.
pub fn document(image: &Image) -> Result<String> {
    let mut text = format!(
        "# What each operation is compiled to\n\n\
         Written by `cargo xtask asm --bless` from the machine code of {} functions, one for each\n\
         operation and type; `cargo xtask test codegen` fails if it is out of date, or if a function\n\
         is not what `tests/codegen/src/table.rs` expects. `cargo xtask asm add_i64` shows one of them.\n\n\
         Everything that touches memory is here, in its order; moves between registers are not. Signed\n\
         integers have the code of unsigned ones, `usize` that of 64 bits.\n\n{LEGEND}\n",
        probes().len()
    );
    for Section { title, about, columns, rows } in sections(image)? {
        writeln!(text, "\n## {title}\n\n{about}\n")?;
        writeln!(text, "| operation | {} |", columns.join(" | "))?;
        writeln!(text, "|---|{}", "---|".repeat(columns.len()))?;
        for (operation, cells) in rows {
            let cells = cells.iter().map(|lines| {
                let quoted: Vec<_> = lines.iter().map(|line| format!("`{line}`")).collect();
                quoted.join("<br>")
            });
            writeln!(text, "| `{operation}` | {} |", cells.collect::<Vec<_>>().join(" | "))?;
        }
    }
    Ok(text)
}

fn sections(image: &Image) -> Result<Vec<Section>> {
    let mut sections: Vec<Section> = Vec::new();
    let mut cells: BTreeMap<_, Vec<Vec<String>>> = BTreeMap::new();
    for probe in probes() {
        let code = function(image, &probe)?;
        let shown: Vec<String> =
            judge::in_scope(&code, probe.scope).iter().map(in_a_cell).collect();
        let shown = if shown.is_empty() { vec!["-".to_owned()] } else { shown };
        let known = sections.iter_mut().position(|section| section.title == probe.title);
        if known.is_none() {
            let Probe { title, about, .. } = probe;
            sections.push(Section { title, about, columns: Vec::new(), rows: Vec::new() });
        }
        let at = known.unwrap_or(sections.len() - 1);
        let section = sections.get_mut(at).context("no section")?;
        if !section.columns.contains(&probe.column) {
            section.columns.push(probe.column);
        }
        if !section.rows.iter().any(|(operation, _)| *operation == probe.operation) {
            section.rows.push((probe.operation, Vec::new()));
        }
        // Types of one width that are not alike are all shown.
        let cell = cells.entry((probe.title, probe.operation, probe.column)).or_default();
        if !cell.contains(&shown) {
            cell.push(shown);
        }
    }
    for section in &mut sections {
        for (operation, row) in &mut section.rows {
            let cell = |column| cells.get(&(section.title, *operation, column));
            row.extend(section.columns.iter().map(|column| match cell(*column) {
                Some(variants) => variants.join(&"or".to_owned()),
                None => Vec::new(),
            }));
        }
    }
    Ok(sections)
}

fn in_a_cell(step: &Step) -> String {
    let Step { text, is_in_loop } = step;
    if *is_in_loop { format!("{text} ↺") } else { text.clone() }
}

fn function(image: &Image, probe: &Probe) -> Result<Code> {
    image.function(probe.name).with_context(|| format!("no function {} here", probe.name))
}

/// The code of the probe `name`, with comments.
///
/// # Errors
///
/// There is no such probe; those of similar names are listed.
pub fn disassembly(image: &Image, name: &str) -> Result<String> {
    let probes = probes();
    let Some(probe) = probes.iter().find(|probe| probe.name == name) else {
        let similar = similar(&probes, name);
        ensure!(
            !similar.is_empty(),
            "there is no `{name}`; a name is an operation and a type, like add_i64 or add_local_u8"
        );
        bail!("there is no `{name}`; there is {}", similar.join(", "));
    };
    let code = function(image, probe)?;
    let mut text = format!("{}\n\n", probe.source());
    let rows: Vec<[String; 3]> = code
        .lines
        .iter()
        .map(|line| {
            let bytes: Vec<_> = line.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            [bytes.join(" "), in_intel_syntax(image, &code, line), comment(line)]
        })
        .collect();
    let width = |column: fn(&[String; 3]) -> usize| rows.iter().map(column).max().unwrap_or(0);
    let (bytes_width, text_width) = (width(|row| row[0].len()), width(|row| row[1].len()));
    for (line, [bytes, instruction, comment]) in code.lines.iter().zip(&rows) {
        let offset = judge::offset(&code, line);
        let comment = if comment.is_empty() { String::new() } else { format!("; {comment}") };
        let row =
            format!("{offset:#06x}  {bytes:bytes_width$}  {instruction:text_width$}  {comment}");
        writeln!(text, "{}", row.trim_end())?;
    }
    Ok(text)
}

/// The names that somebody may have meant, the likeliest first.
fn similar(probes: &[Probe], name: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = probes
        .iter()
        .map(|probe| {
            let contains = if probe.name.contains(name) { 1.0 } else { 0.0 };
            (contains + strsim::jaro_winkler(probe.name, name), probe.name)
        })
        .collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names = names.into_iter().filter(|(similarity, _)| *similarity > LIKENESS);
    names.take(6).map(|(_, name)| name).collect()
}

/// The instruction; places in the function count from its start, other functions have names.
fn in_intel_syntax(image: &Image, code: &Code, line: &Line) -> String {
    let mut instruction = line.instruction;
    match code.target(line) {
        Some(Target::Back(to) | Target::Forward(to)) => {
            instruction.set_near_branch64(to - code.start);
        }
        Some(Target::Outside(Some(to))) => {
            let name = image.name_at(to).map(|name| format!("{:#}", demangle(name)));
            let name = name.unwrap_or_else(|| format!("{to:#x}"));
            return format!("{} {name}", code::mnemonic(&instruction));
        }
        _ => {}
    }
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_space_after_operand_separator(true);
    options.set_memory_size_options(MemorySizeOptions::Always);
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_branch_leading_zeros(false);
    options.set_show_branch_size(false);
    options.set_cc_b(iced_x86::CC_b::c);
    options.set_cc_ae(iced_x86::CC_ae::nc);
    let mut text = String::new();
    formatter.format(&instruction, &mut text);
    text
}

/// What an instruction does, where that is more than moving registers.
fn comment(line: &Line) -> String {
    let instruction = &line.instruction;
    if code::is_full_fence(instruction) {
        return "keeps all accesses before it from those after it".to_owned();
    }
    if line.reads_result_flags {
        return r#"the flag that the operation left: SDM "SETcc""#.to_owned();
    }
    let Some(bits) = code::memory_bits(instruction) else { return String::new() };
    let name = code::mnemonic(instruction).to_uppercase();
    let (does, entry) = match instruction.mnemonic() {
        Mnemonic::Mov | Mnemonic::Movzx | Mnemonic::Movsx | Mnemonic::Movsxd => {
            let is_store = instruction.op0_kind() == OpKind::Memory;
            (if is_store { "stores" } else { "loads" }, name.as_str())
        }
        Mnemonic::Xchg => ("stores, takes the value before", "XCHG"),
        Mnemonic::Cmpxchg => ("stores if the value is the accumulator's, else loads it", "CMPXCHG"),
        Mnemonic::Cmpxchg16b => {
            ("stores rcx:rbx if the value is rdx:rax, else loads it", "CMPXCHG8B/CMPXCHG16B")
        }
        Mnemonic::Xadd => ("adds, takes the value before", "XADD"),
        Mnemonic::Add => ("adds", "ADD"),
        Mnemonic::Sub => ("subtracts", "SUB"),
        Mnemonic::And => ("keeps common bits", "AND"),
        Mnemonic::Or => ("sets bits", "OR"),
        Mnemonic::Xor => ("flips bits", "XOR"),
        Mnemonic::Inc => ("adds one", "INC"),
        Mnemonic::Dec => ("subtracts one", "DEC"),
        Mnemonic::Neg => ("negates", "NEG"),
        Mnemonic::Not => ("flips all bits", "NOT"),
        Mnemonic::Bts => ("sets a bit, CF is the bit before", "BTS"),
        Mnemonic::Btr => ("clears a bit, CF is the bit before", "BTR"),
        Mnemonic::Btc => ("flips a bit, CF is the bit before", "BTC"),
        _ => ("uses memory", name.as_str()),
    };
    let bytes = if bits == 8 { "1 byte".to_owned() } else { format!("{} bytes", bits / 8) };
    match () {
        () if instruction.has_lock_prefix() => {
            format!(r#"atomic: {does}, {bytes}; SDM "LOCK", "{entry}""#)
        }
        () if code::is_locked(instruction) => {
            format!(r#"atomic without the prefix: {does}, {bytes}; SDM "{entry}""#)
        }
        () => format!(r#"{does}, {bytes}; SDM "{entry}""#),
    }
}
