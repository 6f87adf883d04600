//! A program's functions, decoded, and what of their code does not depend on the compiler's version.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use iced_x86::{
    ConditionCode, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory,
    Mnemonic, OpAccess, OpKind, Register, RflagsBits,
};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};

/// The functions of a program.
#[derive(Debug)]
pub struct Image {
    functions: BTreeMap<String, (u64, Vec<u8>)>,
    names: BTreeMap<u64, String>,
}

impl Image {
    /// Reads the program that is running.
    ///
    /// # Errors
    ///
    /// It cannot be read, or has no symbols.
    pub fn of_this_program() -> Result<Self> {
        Self::read(&std::env::current_exe().context("where is this program?")?)
    }

    fn read(path: &Path) -> Result<Self> {
        let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(&*data)?;
        let (mut functions, mut names) = (BTreeMap::new(), BTreeMap::new());
        for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
            let Some(index) = symbol.section_index() else { continue };
            let section = file.section_by_index(index)?;
            let code = section.data_range(symbol.address(), symbol.size())?;
            if let Some(code) = code.filter(|code| !code.is_empty()) {
                let name = symbol.name()?.to_owned();
                names.insert(symbol.address(), name.clone());
                functions.insert(name, (symbol.address(), code.to_owned()));
            }
        }
        Ok(Self { functions, names })
    }

    /// The function of this name, decoded.
    pub fn function(&self, name: &str) -> Option<Code> {
        let (address, bytes) = self.functions.get(name)?;
        Some(Code::decode(bytes, *address))
    }

    /// The function that starts at `address`.
    pub fn name_at(&self, address: u64) -> Option<&str> {
        self.names.get(&address).map(String::as_str)
    }
}

/// The code of a function.
#[derive(Debug)]
pub struct Code {
    /// Where it starts in the program.
    pub start: u64,
    /// Its instructions.
    pub lines: Vec<Line>,
}

/// An instruction, and what has to be known of it.
#[derive(Clone, Debug)]
pub struct Line {
    /// The instruction.
    pub instruction: Instruction,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether a branch behind it, or itself, leads to it or to before it.
    pub is_in_loop: bool,
    /// Whether it looks at flags that an instruction on memory has set.
    pub reads_result_flags: bool,
    /// Whether it takes the stack pointer and is no return.
    pub uses_stack: bool,
}

/// What a function does to memory, an instruction at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The instruction; of its operands only the memory's width in bits. What is read to or written
    /// from a register has an `r` too.
    pub text: String,
    /// Whether it may be repeated.
    pub is_in_loop: bool,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loops = if self.is_in_loop { "loop " } else { "" };
        write!(f, "{loops}{}", self.text)
    }
}

/// Where an instruction leads that is not the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To itself or to before, in the same function.
    Back(u64),
    /// Further on in the same function.
    Forward(u64),
    /// Out of the function, by a call or a jump; `None` if a register or memory says where.
    Outside(Option<u64>),
    /// To the code that deals with what should never be: `ud2`, `int3`.
    Trap,
}

// === impl Code ===

impl Code {
    /// Decodes `bytes`, which are at `start`.
    pub fn decode(bytes: &[u8], start: u64) -> Self {
        let mut factory = InstructionInfoFactory::new();
        let mut lines: Vec<Line> = Vec::new();
        let mut flags_are_results = false;
        for instruction in Decoder::with_ip(64, bytes, start, DecoderOptions::NONE) {
            let used = factory.info(&instruction).used_registers();
            let uses_stack =
                used.iter().any(|used| used.register().full_register() == Register::RSP);
            let uses_stack = uses_stack
                && instruction.flow_control() != FlowControl::Return
                && !is_full_fence(&instruction);
            let at = usize::try_from(instruction.ip() - start).unwrap_or(usize::MAX);
            let bytes = bytes.get(at..at + instruction.len()).unwrap_or_default().to_owned();
            let reads_result_flags = flags_are_results
                && instruction.rflags_read() != 0
                && instruction.flow_control() == FlowControl::Next;
            if instruction.rflags_modified() & !RflagsBits::DF != 0 {
                flags_are_results = writes_memory(&instruction);
            }
            lines.push(Line {
                instruction,
                bytes,
                is_in_loop: false,
                reads_result_flags,
                uses_stack,
            });
        }
        let mut code = Self { start, lines };
        let loops: Vec<(u64, u64)> = code
            .targets()
            .filter_map(|(line, target)| match target {
                Target::Back(first) => Some((first, line.instruction.ip())),
                _ => None,
            })
            .collect();
        for line in &mut code.lines {
            let ip = line.instruction.ip();
            line.is_in_loop = loops.iter().any(|&(first, last)| (first..=last).contains(&ip));
        }
        code
    }

    /// Where the function's code ends.
    fn end(&self) -> u64 {
        self.lines.last().map_or(self.start, |line| line.instruction.next_ip())
    }

    /// Every instruction that does not lead to the next one, but for returns.
    pub fn targets(&self) -> impl Iterator<Item = (&Line, Target)> {
        self.lines.iter().filter_map(|line| self.target(line).map(|target| (line, target)))
    }

    /// Where `line` leads.
    pub fn target(&self, line: &Line) -> Option<Target> {
        let instruction = &line.instruction;
        let near = instruction.near_branch_target();
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::Return => None,
            FlowControl::Call => Some(Target::Outside(Some(near))),
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                let is_inside = (self.start..self.end()).contains(&near);
                Some(match near {
                    _ if !is_inside => Target::Outside(Some(near)),
                    _ if near <= instruction.ip() => Target::Back(near),
                    _ => Target::Forward(near),
                })
            }
            FlowControl::Exception | FlowControl::Interrupt => Some(Target::Trap),
            FlowControl::IndirectBranch
            | FlowControl::IndirectCall
            | FlowControl::XbeginXabortXend => Some(Target::Outside(None)),
        }
    }

    /// Everything that touches memory or keeps accesses to it apart, and what becomes of the flags
    /// that it sets.
    pub fn steps(&self) -> Vec<Step> {
        let step = |line: &Line| {
            let text = text(line)?;
            Some(Step { text, is_in_loop: line.is_in_loop })
        };
        self.lines.iter().filter_map(step).collect()
    }

    /// The locked instructions and fences, each once and in alphabetical order.
    pub fn locked(&self) -> Vec<Step> {
        let is_kept =
            |line: &&Line| is_locked(&line.instruction) || is_full_fence(&line.instruction);
        let locked = self.lines.iter().filter(is_kept);
        let steps = locked.filter_map(text).map(|text| Step { text, is_in_loop: false });
        let mut steps: Vec<Step> = steps.collect();
        steps.sort();
        steps.dedup();
        steps
    }

    /// The code without its place, and as if every comparison were one of unsigned values.
    pub fn regardless_of_sign(&self) -> Vec<String> {
        self.lines.iter().map(|line| regardless_of_sign(&line.instruction, self.start)).collect()
    }
}

/// Whether it is a locked read-modify-write; an exchange with memory is one without the prefix.
pub fn is_locked(instruction: &Instruction) -> bool {
    instruction.has_lock_prefix()
        || instruction.mnemonic() == Mnemonic::Xchg && has_memory(instruction)
}

/// Whether it does nothing but to keep accesses apart: an instruction for that, or a locked one that
/// changes nothing on the stack, which is faster on most CPUs.
pub fn is_full_fence(instruction: &Instruction) -> bool {
    let is_or_of_nothing = instruction.mnemonic() == Mnemonic::Or
        && instruction.has_lock_prefix()
        && instruction.memory_base() == Register::RSP
        && instruction.op1_kind() != OpKind::Register
        && instruction.immediate(1) == 0;
    instruction.mnemonic() == Mnemonic::Mfence || is_or_of_nothing
}

/// Whether it accesses memory that an operand of it names.
fn has_memory(instruction: &Instruction) -> bool {
    !matches!(instruction.mnemonic(), Mnemonic::Lea | Mnemonic::Nop)
        && instruction.op_kinds().any(|kind| kind == OpKind::Memory)
}

/// The width of the memory that it accesses.
pub fn memory_bits(instruction: &Instruction) -> Option<usize> {
    has_memory(instruction).then(|| instruction.memory_size().size() * 8)
}

fn writes_memory(instruction: &Instruction) -> bool {
    let mut factory = InstructionInfoFactory::new();
    let used = factory.info(instruction).used_memory();
    has_memory(instruction)
        && used.iter().any(|used| {
            let writes = [OpAccess::Write, OpAccess::ReadWrite, OpAccess::ReadCondWrite];
            writes.contains(&used.access()) || used.access() == OpAccess::CondWrite
        })
}

/// The name of an instruction, as the manual has it.
pub fn mnemonic(instruction: &Instruction) -> String {
    match instruction.mnemonic() {
        Mnemonic::Setb => "setc".to_owned(),
        Mnemonic::Setae => "setnc".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The text of the step that an instruction is, if it is one.
fn text(line: &Line) -> Option<String> {
    let instruction = &line.instruction;
    let name = mnemonic(instruction);
    if is_full_fence(instruction) {
        return Some("full fence".to_owned());
    }
    if line.reads_result_flags {
        return Some(name);
    }
    let memory = format!("m{}", memory_bits(instruction)?);
    let is_first = instruction.op_kinds().next() == Some(OpKind::Memory);
    Some(match instruction.mnemonic() {
        Mnemonic::Mov | Mnemonic::Movzx | Mnemonic::Movsx | Mnemonic::Movsxd if !is_first => {
            format!("mov r, {memory}")
        }
        // Of a constant or of a register: the compiler's choice.
        Mnemonic::Mov => format!("mov {memory}, r"),
        _ if instruction.has_lock_prefix() => format!("lock {name} {memory}"),
        _ if is_first || is_locked(instruction) => format!("{name} {memory}"),
        _ => format!("{name} r, {memory}"),
    })
}

/// An instruction with its branch relative to `start`, its comparison one of unsigned values.
fn regardless_of_sign(instruction: &Instruction, start: u64) -> String {
    let mut instruction = *instruction;
    let unsigned = match instruction.condition_code() {
        ConditionCode::l => "b",
        ConditionCode::ge => "ae",
        ConditionCode::le => "be",
        ConditionCode::g => "a",
        _ => "",
    };
    let name = mnemonic(&instruction);
    if matches!(instruction.op0_kind(), OpKind::NearBranch64) {
        let offset = instruction.near_branch64().wrapping_sub(start);
        instruction.set_near_branch64(offset);
    }
    let text = instruction.to_string();
    let operands = text.split_once(' ').map_or("", |(_, operands)| operands);
    let name = match name.as_str() {
        "movsx" => "movzx".to_owned(),
        _ if unsigned.is_empty() => name,
        _ => {
            let stem = ["cmov", "set", "j"].into_iter().find(|stem| name.starts_with(stem));
            format!("{}{unsigned}", stem.unwrap_or(&name))
        }
    };
    let lock = if instruction.has_lock_prefix() { "lock " } else { "" };
    format!("{lock}{name} {}", operands.trim_start())
}
