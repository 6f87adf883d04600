//! Does code that uses latchless link with nothing else, and what is in it? Each operation is a
//! function of `tests/linkage`, built as for a kernel; a panic or an allocation that survives the
//! optimizer calls a function that nobody defines. What was linked is then decoded.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use comfy_table::{CellAlignment, Table, presets};
use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind,
    Register,
};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};
use rustc_demangle::demangle;

use super::expect_none;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// The library, a workspace of its own.
pub(super) const PACKAGE: &str = "tests/linkage";
/// Where its builds go.
const TARGET: &str = "target/linkage";
/// As for a kernel: without a red zone, where the compiler also counts every byte of stack, and at
/// a fixed place. Functions that happen to be equal stay apart, so that each can be shown, and calls
/// through a table become direct ones, so that they can be followed.
const FLAGS: &str = "-Cno-redzone=yes -Crelocation-model=static -Zemit-stack-sizes \
                     -Zmerge-functions=disabled -Zrelax-elf-relocations=yes";
/// How the names of the operations start.
const PREFIX: &str = "op_";
/// How the names end of those that move 16 or 64 bytes at once: they may take vector registers where the
/// build has any, as this one has, and kernels' have not.
const WIDE: [&str; 4] = ["_line", "_pair", "_u128", "_i128"];
/// What `core` asks of every target, a kernel too, and what is in the names of the operations that may call
/// it, or take vector registers where there are any: they move many values at once.
const MEMCPY: &str = "memcpy";
const COPIES: &str = "_copies_";
/// How many bytes of stack an operation may take, with all that it calls.
const STACK_LIMIT_BYTES: u64 = 256;
/// The same of one that moves values of 64 bytes: some of them, or a few at once, are on their way in a
/// result.
const WIDE_STACK_LIMIT_BYTES: u64 = 768;
/// No build takes longer.
const PATIENCE: Duration = Duration::from_secs(600);

/// A feature of the library that adds a function, and what has to be said about it.
const SEEDS: [(&str, &str); 5] = [
    ("seeded_panic", "undefined reference to `latchless_panics'"),
    ("seeded_alloc", "undefined reference to `latchless_allocates'"),
    ("seeded_libcall", "__udivti3"),
    ("seeded_frame", "bytes of stack"),
    ("seeded_float", "vector register"),
];

pub(super) fn run(workspace: &Workspace) -> Result<String> {
    ensure!(cfg!(target_arch = "x86_64"), "the code of another architecture is not decoded here");
    setup::program("cc", "gcc")?;
    let (image, mut wrong) = link(workspace, &build(workspace, None)?)?;
    wrong.extend(image.complaints());
    println!("{}", image.table());
    expect_none(&wrong, "operations are not what a kernel can link")?;
    for (seed, expected) in SEEDS {
        expect_complaint(workspace, seed, expected)?;
    }
    Ok(image.summary() + &format!(", {} of {} seeds found", SEEDS.len(), SEEDS.len()))
}

/// Builds with a seed and fails unless that is all that is wrong.
fn expect_complaint(workspace: &Workspace, seed: &str, expected: &str) -> Result<()> {
    let (image, mut wrong) = link(workspace, &build(workspace, Some(seed))?)?;
    wrong.extend(image.complaints());
    let function = format!("{PREFIX}{seed}");
    let (about_it, others): (Vec<_>, Vec<_>) =
        wrong.into_iter().partition(|complaint| complaint.contains(&function));
    expect_none(&others, "complaints that the seed does not explain")?;
    let Some(complaint) = about_it.iter().find(|complaint| complaint.contains(expected)) else {
        bail!("{seed}: nobody complains of {expected}, only:\n{}", about_it.join("\n"));
    };
    println!("    {seed}: found: {complaint}");
    Ok(())
}

/// Builds the library, with a seed if one is named.
fn build(workspace: &Workspace, seed: Option<&str>) -> Result<PathBuf> {
    let mut cargo = workspace.cargo_in(PACKAGE);
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", FLAGS);
    cargo.args(["build", "--quiet", "--release"]);
    if let Some(seed) = seed {
        cargo.args(["--features", seed]);
    }
    let outcome = process::judge(&mut cargo, PATIENCE)?;
    ensure!(outcome.succeeded, "{PACKAGE} does not compile:\n{}", outcome.output);
    Ok(workspace.path(TARGET).join("release/liblatchless_linkage.a"))
}

/// Links every operation of the library. Those that cannot be linked are named, and left out.
fn link(workspace: &Workspace, library: &Path) -> Result<(Image, Vec<String>)> {
    let mut operations = operations(library)?;
    let file = workspace.path(TARGET).join("linked");
    let mut wrong = Vec::new();
    if try_link(workspace, library, &operations, &file)?.is_err() {
        let mut sound = Vec::new();
        for operation in operations {
            match try_link(workspace, library, std::slice::from_ref(&operation), &file)? {
                Ok(()) => sound.push(operation),
                Err(reason) => wrong.push(format!("{operation}: {reason}")),
            }
        }
        operations = sound;
        if let Err(reason) = try_link(workspace, library, &operations, &file)? {
            bail!("the operations can be linked one by one, but not together: {reason}");
        }
    }
    Ok((Image::read(&file)?, wrong))
}

/// The operations that the library defines.
fn operations(library: &Path) -> Result<Vec<String>> {
    let mut operations = symbols(library)?;
    operations.retain(|name| name.starts_with(PREFIX));
    ensure!(!operations.is_empty(), "{} defines no operation", library.display());
    Ok(operations.into_iter().collect())
}

/// The names that a library defines or refers to.
pub(super) fn symbols(library: &Path) -> Result<BTreeSet<String>> {
    let data = fs::read(library).with_context(|| format!("cannot read {}", library.display()))?;
    let archive = object::read::archive::ArchiveFile::parse(&*data)?;
    let mut names = BTreeSet::new();
    for member in archive.members() {
        let object = object::File::parse(member?.data(&*data)?)?;
        names.extend(object.symbols().filter_map(|symbol| symbol.name().ok()).map(str::to_owned));
    }
    Ok(names)
}

/// Links these operations and what they need with nothing else. The inner error is the linker's.
fn try_link(
    workspace: &Workspace,
    library: &Path,
    operations: &[String],
    file: &Path,
) -> Result<Result<(), String>> {
    let mut cc = Command::new("cc");
    // Messages are looked at, so they have to be in English.
    cc.env("LC_ALL", "C").current_dir(workspace.path(PACKAGE));
    cc.args(["-nostdlib", "-nostartfiles", "-static", "-no-pie", "-Wl,--gc-sections"]);
    cc.args(["-Wl,--no-undefined", "-Wl,--build-id=none", "-Wl,--entry=0"]);
    cc.args(operations.iter().map(|name| format!("-Wl,--require-defined={name}")));
    cc.arg(library).arg("-o").arg(file);
    let outcome = process::judge(&mut cc, PATIENCE)?;
    if outcome.succeeded {
        return Ok(Ok(()));
    }
    let reasons: BTreeSet<&str> = outcome
        .output
        .lines()
        .filter_map(|line| line.find("undefined reference").and_then(|at| line.get(at..)))
        .collect();
    ensure!(!reasons.is_empty(), "cannot link {PACKAGE}:\n{}", outcome.output);
    Ok(Err(reasons.into_iter().collect::<Vec<_>>().join(", ")))
}

/// What was linked.
#[derive(Debug)]
struct Image {
    functions: BTreeMap<u64, Function>,
}

/// A function as it was linked.
#[derive(Debug, Default)]
struct Function {
    name: String,
    bytes: u64,
    /// The stack that it takes itself; unknown if the compiler did not say.
    frame: Option<u64>,
    locked: usize,
    /// How many instructions take a register that a kernel does not save.
    vector: usize,
    /// Where it goes by calls and jumps.
    callees: BTreeSet<u64>,
    /// Calls and jumps to where a register or memory says.
    indirect: usize,
}

// === impl Image ===

impl Image {
    fn read(path: &Path) -> Result<Self> {
        let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(&*data)?;
        let section = |name| {
            let section = file.section_by_name(name).with_context(|| format!("no {name} there"));
            section.and_then(|section| Ok((section.address(), section.data()?)))
        };
        let (start, text) = section(".text")?;
        let (_, sizes) = section(".stack_sizes")?;
        let frames = frames(sizes).context("the section .stack_sizes is malformed")?;
        let mut functions = BTreeMap::new();
        for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
            let (address, bytes) = (symbol.address(), symbol.size());
            let offset = usize::try_from(address.saturating_sub(start))?;
            let code = text.get(offset..offset + usize::try_from(bytes)?);
            let code = code.filter(|code| !code.is_empty());
            let mut function = decode(code.context("a symbol without code")?, address);
            function.name = format!("{:#}", demangle(symbol.name()?));
            function.frame = frames.get(&address).copied();
            functions.insert(address, function);
        }
        Ok(Self { functions })
    }

    fn operations(&self) -> impl Iterator<Item = (u64, &Function)> {
        let all = self.functions.iter().map(|(&address, function)| (address, function));
        all.filter(|(_, function)| function.is_operation())
    }

    /// Every function that runs when the one at `start` is called, that one included.
    fn reached(&self, start: u64) -> BTreeMap<u64, &Function> {
        let mut reached = BTreeMap::new();
        let mut next = vec![start];
        while let Some(address) = next.pop() {
            let Some(function) = self.functions.get(&address) else { continue };
            if reached.insert(address, function).is_none() {
                next.extend(&function.callees);
            }
        }
        reached
    }

    /// The stack that a call of the function at `address` takes at most, its return address
    /// included; `None` if it may come back to one of `callers` or is unknown.
    fn stack(&self, address: u64, callers: &[u64]) -> Option<u64> {
        let function = self.functions.get(&address).filter(|_| !callers.contains(&address))?;
        let callers = [callers, &[address]].concat();
        let mut deepest = 0;
        for &callee in &function.callees {
            deepest = deepest.max(self.stack(callee, &callers)?);
        }
        Some(8 + function.frame? + deepest)
    }

    /// What is wrong with each operation.
    fn complaints(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (address, operation) in self.operations() {
            let name = &operation.name;
            let is_wide = WIDE.iter().any(|end| name.ends_with(end)) || name.contains(COPIES);
            let limit = if is_wide { WIDE_STACK_LIMIT_BYTES } else { STACK_LIMIT_BYTES };
            match self.stack(address, &[]) {
                None => wrong.push(format!("{name}: nobody knows how much stack it takes")),
                Some(bytes) if bytes > limit => {
                    wrong.push(format!("{name}: takes {bytes} bytes of stack"));
                }
                Some(_) => {}
            }
            for function in self.reached(address).values() {
                let place = if function.name == *name {
                    name.clone()
                } else {
                    format!("{name}, in {}", function.name)
                };
                let is_copy = function.name == MEMCPY && name.contains(COPIES);
                if !function.is_operation() && !function.is_own() && !is_copy {
                    wrong.push(format!("{name}: calls {}", function.name));
                }
                if function.vector > 0 && !is_wide {
                    let count = function.vector;
                    wrong.push(format!("{place}: {count} instructions take a vector register"));
                }
                if function.indirect > 0 {
                    wrong.push(format!("{place}: goes where a register or memory says"));
                }
                let outside = function.callees.iter().find(|at| !self.functions.contains_key(at));
                if let Some(at) = outside {
                    wrong.push(format!("{place}: goes to {at:#x}, where no function starts"));
                }
            }
        }
        wrong
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED);
        table.set_header(["function", "code", "frame", "stack", "locked", "vector"]);
        for (&address, function) in &self.functions {
            let count = |count: usize| if count == 0 { String::new() } else { count.to_string() };
            let bytes = |bytes: Option<u64>| bytes.map_or("?".to_owned(), |n| format!("{n} B"));
            table.add_row([
                function.name.clone(),
                bytes(Some(function.bytes)),
                bytes(function.frame),
                bytes(self.stack(address, &[])),
                count(function.locked),
                count(function.vector),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn summary(&self) -> String {
        let vector = self.functions.values().filter(|function| function.vector > 0).count();
        let stacks = self.operations().filter_map(|(address, _)| self.stack(address, &[]));
        format!(
            "{} operations, at most {} B of stack, vector registers in {vector} of wide values",
            self.operations().count(),
            stacks.max().unwrap_or_default(),
        )
    }
}

/// The frames that the compiler noted: an address of 8 bytes and a LEB128 number each.
fn frames(mut section: &[u8]) -> Option<BTreeMap<u64, u64>> {
    let mut frames = BTreeMap::new();
    while !section.is_empty() {
        let (address, rest) = section.split_first_chunk()?;
        let end = rest.iter().position(|byte| byte & 0x80 == 0)?;
        let (number, rest) = rest.split_at_checked(end + 1)?;
        let bytes = number.iter().rev().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f));
        frames.insert(u64::from_le_bytes(*address), bytes);
        section = rest;
    }
    Some(frames)
}

// === impl Function ===

impl Function {
    fn is_operation(&self) -> bool {
        self.name.starts_with(PREFIX)
    }

    /// Whether it is of this crate or of the library that calls it, not of `core` or the compiler.
    fn is_own(&self) -> bool {
        let path = self.name.trim_start_matches(|c: char| !c.is_alphanumeric());
        path.starts_with("latchless::") || path.starts_with("latchless_linkage::")
    }
}

fn decode(code: &[u8], address: u64) -> Function {
    let end = address + code.len() as u64;
    let mut function = Function { bytes: code.len() as u64, ..Function::default() };
    let mut factory = InstructionInfoFactory::new();
    for instruction in Decoder::with_ip(64, code, address, DecoderOptions::NONE) {
        let used = factory.info(&instruction).used_registers();
        function.vector += usize::from(used.iter().any(|used| is_vector(used.register())));
        function.locked += usize::from(is_locked(&instruction));
        match instruction.flow_control() {
            FlowControl::Call
            | FlowControl::UnconditionalBranch
            | FlowControl::ConditionalBranch => {
                let target = instruction.near_branch_target();
                let is_call = instruction.flow_control() == FlowControl::Call;
                if is_call || !(address..end).contains(&target) {
                    function.callees.insert(target);
                }
            }
            FlowControl::IndirectCall | FlowControl::IndirectBranch => function.indirect += 1,
            _ => {}
        }
    }
    function
}

/// Whether saving it takes more than a push.
fn is_vector(register: Register) -> bool {
    register.is_vector_register() || register.is_mm() || register.is_st() || register.is_k()
}

/// Whether it is a locked read-modify-write; an exchange with memory is one without the prefix.
fn is_locked(instruction: &Instruction) -> bool {
    let has_memory = instruction.op_kinds().any(|kind| kind == OpKind::Memory);
    instruction.has_lock_prefix() || instruction.mnemonic() == Mnemonic::Xchg && has_memory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_vectors_and_calls_are_seen() {
        // lock xadd [rdi], rax; xchg [rdi], rax; xchg ax, ax; movups xmm0, [rdi]; call rax
        let code = [
            0xf0, 0x48, 0x0f, 0xc1, 0x07, 0x48, 0x87, 0x07, 0x66, 0x90, 0x0f, 0x10, 0x07, 0xff,
            0xd0,
        ];
        let function = decode(&code, 0x1000);
        assert_eq!((function.locked, function.vector, function.indirect), (2, 1, 1));
        // call 0x1005; jmp 0x1000; jmp 0x2000
        let code = [0xe8, 0, 0, 0, 0, 0xeb, 0xf9, 0xe9, 0xf4, 0x0f, 0, 0];
        assert_eq!(decode(&code, 0x1000).callees, BTreeSet::from([0x1005, 0x2000]));
    }

    #[test]
    fn noted_frames_are_read() {
        let section = [1, 0, 0, 0, 0, 0, 0, 0, 0x98, 0x02, 2, 0, 0, 0, 0, 0, 0, 0, 8];
        assert_eq!(frames(&section), Some(BTreeMap::from([(1, 280), (2, 8)])));
        assert_eq!(frames(&section[..9]), None);
    }

    #[test]
    fn a_function_that_calls_itself_takes_an_unknown_stack() {
        let function = |callees: &[u64]| Function {
            frame: Some(16),
            callees: callees.iter().copied().collect(),
            ..Function::default()
        };
        let functions =
            [(1, function(&[2])), (2, function(&[])), (3, function(&[4])), (4, function(&[3]))];
        let image = Image { functions: BTreeMap::from(functions) };
        assert_eq!(image.stack(1, &[]), Some(48));
        assert_eq!(image.stack(3, &[]), None);
    }
}
