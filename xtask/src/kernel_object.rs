//! The one object that a kernel module is linked with: built from `capi`, and judged instruction by
//! instruction.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::slice;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use iced_x86::{
    CpuidFeature, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory,
    Mnemonic, OpAccess, OpKind, Register,
};
use object::read::elf::{ElfFile64, FileHeader as _};
use object::{
    Object as _, ObjectSection as _, ObjectSymbol as _, RelocationFlags, RelocationTarget,
    SectionKind, SymbolKind, elf,
};
use rustc_demangle::demangle;

use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// The library, a workspace of its own.
pub(crate) const LIBRARY: &str = "capi";
/// Where its builds for kernels go.
const BUILDS: &str = "target/kernel_object";
/// A target without an operating system: no vector register, and no red zone. With the host's target and SSE switched off
/// rustc warns, and will refuse one day: there the ABI has floating-point arguments in those registers.
const TARGET: &str = "x86_64-unknown-none";
/// As kernels want it: in the upper 2 GiB at a fixed place, every return through the kernel's thunk, no jump
/// through a table, calls by name.
const FLAGS: &str = "-Ccode-model=kernel -Crelocation-model=static -Cno-redzone=yes \
                     -Zfunction-return=thunk-extern -Cjump-tables=no -Zplt=yes";
/// What starts the name of each function that the object exports.
const PREFIX: &str = "latchless_";
/// What the kernel has for modules; nothing else may be missing.
const KERNEL_SYMBOLS: [&str; 5] = ["__x86_return_thunk", "memcmp", "memcpy", "memmove", "memset"];
/// What the kernel's loader of modules knows and this code model needs.
const RELOCATIONS: [(u32, &str); 4] = [
    (elf::R_X86_64_64, "64"),
    (elf::R_X86_64_PC32, "PC32"),
    (elf::R_X86_64_PLT32, "PLT32"),
    (elf::R_X86_64_32S, "32S"),
];
/// What is in the name of a function that a panic or a message takes.
const NOT_FOR_KERNELS: [&str; 3] = ["core::panicking", "core::fmt", "rust_begin_unwind"];
/// How the names of sections start that a kernel has no use for.
const SECTIONS: [&str; 5] = [".got", ".init_array", ".tbss", ".tdata", ".eh_frame"];
/// No build takes longer.
const PATIENCE: Duration = Duration::from_secs(600);
/// How much stack a function may take. A kernel has 16 KiB for everything, and Linux warns at 2 KiB.
const FRAME_LIMIT_BYTES: u64 = 512;

/// A feature of the library that adds a function, and what has to be said about it.
pub(crate) const SEEDS: [(&str, &str); 4] = [
    ("seeded_fmt", "core::fmt"),
    ("seeded_frame", "bytes of stack"),
    ("seeded_panic", "core::panicking"),
    ("seeded_sse", "vector register"),
];

/// What an object is made of.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    sections: Vec<String>,
    /// Names, demangled.
    defined: Vec<String>,
    undefined: BTreeSet<String>,
    /// Undefined as well, but nothing refers to it.
    unused: BTreeSet<String>,
    /// Sources by name, by which objtool tells what was linked from what was compiled.
    files: BTreeSet<String>,
    /// Kinds, and what is relocated.
    relocations: BTreeSet<(u32, String)>,
    functions: Vec<Function>,
    code_bytes: u64,
}

#[derive(Debug)]
struct Function {
    name: String,
    address: u64,
    code: Vec<u8>,
}

/// Builds the object, with a seed if one is named, and says where it is.
pub(crate) fn build(workspace: &Workspace, seed: Option<&str>) -> Result<PathBuf> {
    ensure!(
        cfg!(all(target_arch = "x86_64", target_os = "linux")),
        "the object is built by a toolchain for x86-64 Linux"
    );
    for program in ["ld", "objcopy"] {
        setup::program(program, "binutils")?;
    }
    setup::target(TARGET)?;
    let builds = workspace.path(BUILDS);
    let mut cargo = workspace.cargo_in(LIBRARY);
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", &builds);
    cargo.args(["rustc", "--quiet", "--release", "--lib", "--crate-type", "staticlib"]);
    cargo.args(["--target", TARGET]);
    if let Some(seed) = seed {
        cargo.args(["--features", seed]);
    }
    // The stock `core` says how to call `memcpy`, by an address in a table, to all that it is optimized with.
    cargo.env("CARGO_PROFILE_RELEASE_LTO", "off");
    let outcome = process::judge(&mut cargo, PATIENCE)?;
    let is_silent = outcome.succeeded && outcome.output.trim().is_empty();
    ensure!(is_silent, "the object does not compile silently:\n{}", outcome.output);

    let library = builds.join(TARGET).join("release/liblatchless_capi.a");
    let exports = exports(&library)?;
    let objects = unpack(&library, &builds.join("objects"))?;
    let link = |from: &[PathBuf], to: &Path| {
        let mut ld = Command::new("ld");
        ld.args(["-r", "--gc-sections", "-o"]).arg(to);
        ld.args(exports.iter().flat_map(|name| ["-u", name])).args(from);
        process::output(&mut ld)
    };
    let [linked, bare, small] =
        ["linked.o", "bare.o", "small.o"].map(|name| workspace.path(BUILDS).join(name));
    let object = builds.join("latchless.o");
    link(&objects, &linked)?;
    // Tables for unwinding keep alive what nobody else asks for: without them the linker can let it go.
    let mut objcopy = Command::new("objcopy");
    objcopy.arg("--strip-debug");
    for section in [".eh_frame", ".rela.eh_frame", ".comment", ".note.GNU-stack", ".llvmbc"] {
        objcopy.arg(format!("--remove-section={section}"));
    }
    process::output(objcopy.arg(&linked).arg(&bare))?;
    link(slice::from_ref(&bare), &small)?;
    let mut objcopy = Command::new("objcopy");
    objcopy.args(["--wildcard", "--keep-global-symbol", &format!("{PREFIX}*")]);
    let Contents { unused, files, .. } = Contents::read(&small)?;
    objcopy.args(unused.iter().chain(&files).map(|name| format!("--strip-symbol={name}")));
    process::output(objcopy.arg(&small).arg(&object))?;
    Ok(object)
}

/// Unpacks the objects of the library, but for the compiler's own `memcpy` and its like: a kernel has these.
///
/// By hand, as `ar` reads what rustc adds for optimizing across crates, and where a linker's plugin for that is
/// installed it then finds no symbol.
fn unpack(library: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let data = fs::read(library).with_context(|| format!("cannot read {}", library.display()))?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut objects = Vec::new();
    for member in object::read::archive::ArchiveFile::parse(&*data)?.members() {
        let member = member?;
        let name = String::from_utf8_lossy(member.name());
        let is_builtins = name.starts_with("compiler_builtins-") || !name.contains(".rcgu.");
        if !is_builtins {
            let object = folder.join(&*name);
            fs::write(&object, member.data(&*data)?)
                .with_context(|| format!("cannot write {}", object.display()))?;
            objects.push(object);
        }
    }
    Ok(objects)
}

/// The functions that the library defines for C.
fn exports(library: &Path) -> Result<BTreeSet<String>> {
    let data = fs::read(library).with_context(|| format!("cannot read {}", library.display()))?;
    let archive = object::read::archive::ArchiveFile::parse(&*data)?;
    let mut names = BTreeSet::new();
    for member in archive.members() {
        let object = object::File::parse(member?.data(&*data)?)?;
        let defined =
            object.symbols().filter(|symbol| symbol.is_definition() && symbol.is_global());
        names.extend(
            defined
                .filter_map(|symbol| symbol.name().ok())
                .filter(|name| name.starts_with(PREFIX))
                .map(str::to_owned),
        );
    }
    ensure!(!names.is_empty(), "{} defines nothing for C", library.display());
    Ok(names)
}

/// Builds the object and fails unless a kernel can link it. Returns where it is.
pub(crate) fn checked(workspace: &Workspace) -> Result<PathBuf> {
    let object = build(workspace, None)?;
    let contents = Contents::read(&object)?;
    let complaints = contents.complaints();
    if !complaints.is_empty() {
        bail!("the object is not for a kernel:\n{}", complaints.join("\n"));
    }
    println!("    the object: {}", contents.summary());
    Ok(object)
}

/// Builds the object with each seed, and fails unless that is what is complained of.
pub(crate) fn find_seeds(workspace: &Workspace) -> Result<()> {
    for (seed, expected) in SEEDS {
        let complaints = Contents::read(&build(workspace, Some(seed))?)?.complaints();
        let Some(complaint) = complaints.iter().find(|complaint| complaint.contains(expected))
        else {
            bail!("{seed}: nobody complains of {expected}, only:\n{}", complaints.join("\n"));
        };
        println!("    {seed}: found: {complaint}");
    }
    Ok(())
}

// === impl Contents ===

impl Contents {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file: ElfFile64<'_> = ElfFile64::parse(&*data)?;
        let machine = file.elf_header().e_machine(file.endian());
        ensure!(machine == elf::EM_X86_64, "{} is not for x86-64", path.display());
        let mut contents = Self::default();
        for symbol in file.symbols() {
            let name = symbol.name()?;
            if symbol.kind() == SymbolKind::File {
                contents.files.insert(name.to_owned());
            } else if symbol.is_undefined() && !name.is_empty() {
                contents.unused.insert(name.to_owned());
            } else if symbol.is_definition() {
                contents.defined.push(format!("{:#}", demangle(name)));
            }
        }
        for section in file.sections() {
            contents.sections.push(section.name()?.to_owned());
            for (_, relocation) in section.relocations() {
                if let RelocationTarget::Symbol(index) = relocation.target() {
                    let name = file.symbol_by_index(index)?.name()?;
                    if contents.unused.remove(name) {
                        contents.undefined.insert(name.to_owned());
                    }
                }
                let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
                contents.relocations.insert((r_type, section.name()?.to_owned()));
            }
            if section.kind() == SectionKind::Text && section.size() > 0 {
                contents.code_bytes += section.size();
                contents.add_code(&file, &section)?;
            }
        }
        Ok(contents)
    }

    /// Takes a section apart at its symbols.
    fn add_code<'d>(
        &mut self,
        file: &ElfFile64<'d>,
        section: &impl object::ObjectSection<'d>,
    ) -> Result<()> {
        let data = section.data()?;
        let mut starts = BTreeMap::new();
        for symbol in file.symbols() {
            if symbol.section_index() == Some(section.index()) && symbol.size() > 0 {
                starts.insert(symbol.address(), (symbol.name()?, symbol.size()));
            }
        }
        let mut end = 0;
        for (address, (name, size)) in starts {
            let from = usize::try_from(address)?;
            let to = usize::try_from(address + size)?;
            let code = data.get(from..to).context("a function outside of its section")?.to_vec();
            self.functions.push(Function { name: format!("{:#}", demangle(name)), address, code });
            end = end.max(to);
        }
        ensure!(end > 0, "code without a symbol in {}", section.name()?);
        Ok(())
    }

    /// What of it a kernel cannot have.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for section in &self.sections {
            if SECTIONS.iter().any(|start| section.starts_with(start)) {
                complaints.push(format!("there is a section {section}"));
            }
        }
        for symbol in self.undefined.iter().chain(&self.unused) {
            if !KERNEL_SYMBOLS.contains(&symbol.as_str()) {
                complaints.push(format!("{symbol} is missing: the kernel does not have it"));
            }
        }
        for (kind, section) in &self.relocations {
            if !RELOCATIONS.iter().any(|(known, _)| known == kind) {
                complaints.push(format!("a relocation of kind {kind} in {section}"));
            }
        }
        for name in &self.defined {
            if NOT_FOR_KERNELS.iter().any(|part| name.contains(part)) {
                complaints.push(format!("{name} is in the object"));
            }
        }
        complaints.extend(self.functions.iter().flat_map(Function::complaints));
        complaints
    }

    fn summary(&self) -> String {
        let kinds =
            RELOCATIONS.iter().filter(|(kind, _)| self.relocations.iter().any(|r| r.0 == *kind));
        let frames = self.functions.iter().map(|function| function.frame_bytes()).max();
        format!(
            "{} functions, {} bytes of code, at most {} bytes of stack; asks for {}; relocations {}",
            self.functions.len(),
            self.code_bytes,
            frames.unwrap_or(0),
            self.undefined.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
            kinds.map(|(_, name)| *name).collect::<Vec<_>>().join(", "),
        )
    }
}

// === impl Function ===

impl Function {
    fn instructions(&self) -> Vec<Instruction> {
        Decoder::with_ip(64, &self.code, self.address, DecoderOptions::NONE).into_iter().collect()
    }

    /// How much stack it takes by itself, its return address included.
    fn frame_bytes(&self) -> u64 {
        self.instructions().iter().map(grows_stack).sum::<u64>() + 8
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut factory = InstructionInfoFactory::new();
        for instruction in self.instructions() {
            let mut say = |what: &str| {
                let offset = instruction.ip() - self.address;
                complaints.push(format!(
                    "{}+{offset:#x}: {what}: {:?}",
                    self.name,
                    instruction.code()
                ));
            };
            let info = factory.info(&instruction);
            let is_vector = |register: Register| {
                register.is_vector_register() || register.is_st() || register.is_mm()
            };
            let is_floating = instruction.cpuid_features().contains(&CpuidFeature::FPU);
            if is_floating || info.used_registers().iter().any(|used| is_vector(used.register())) {
                say("a vector register, which belongs to user space");
            }
            let below_stack = info.used_memory().iter().any(|memory| {
                memory.base() == Register::RSP
                    && (memory.displacement() as i64) < 0
                    && !instruction.is_stack_instruction()
                    && memory.access() != OpAccess::NoMemAccess
            });
            if below_stack {
                say("memory below the stack pointer, which interrupts overwrite");
            }
            if instruction.mnemonic() == Mnemonic::And
                && instruction.op0_register() == Register::RSP
            {
                say("an aligned object on the stack");
            }
            match instruction.flow_control() {
                FlowControl::IndirectBranch | FlowControl::IndirectCall => {
                    say("an indirect branch")
                }
                FlowControl::Return => say("a return that is not by the kernel's thunk"),
                _ => {}
            }
            if instruction.is_invalid() {
                say("not an instruction");
            }
        }
        let frame = self.frame_bytes();
        if frame > FRAME_LIMIT_BYTES {
            complaints.push(format!(
                "{}: {frame} bytes of stack, more than {FRAME_LIMIT_BYTES}",
                self.name
            ));
        }
        complaints
    }
}

/// How many bytes of stack an instruction takes.
fn grows_stack(instruction: &Instruction) -> u64 {
    match instruction.mnemonic() {
        Mnemonic::Push => 8,
        Mnemonic::Sub
            if instruction.op0_register() == Register::RSP
                && instruction.op1_kind() != OpKind::Register =>
        {
            instruction.immediate(1)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &[u8]) -> Contents {
        let function = Function { name: "suspect".to_owned(), address: 0, code: code.to_vec() };
        Contents { functions: vec![function], ..Contents::default() }
    }

    #[test]
    fn an_object_for_kernels_is_let_pass() {
        // push rbx; sub rsp, 32; mov [rsp + 8], rax; lock xadd [rdi], rax; jmp thunk
        let code = b"\x53\x48\x83\xec\x20\x48\x89\x44\x24\x08\xf0\x48\x0f\xc1\x07\xe9\0\0\0\0";
        let mut contents = of(code);
        contents.undefined.insert("memcpy".to_owned());
        contents.relocations.insert((elf::R_X86_64_PLT32, ".text".to_owned()));
        contents.defined.push("latchless_counter_add".to_owned());
        assert_eq!(contents.complaints(), Vec::<String>::new());
        assert_eq!(contents.functions[0].frame_bytes(), 48);
    }

    #[test]
    fn what_a_kernel_cannot_have_is_named() {
        for (code, complaint) in [
            (&b"\x0f\x10\x06"[..], "suspect+0x0: a vector register"), // movups xmm0, [rsi]
            (b"\xd9\xe8", "a vector register"),                       // fld1
            (b"\x48\x89\x44\x24\xf8", "below the stack pointer"),     // mov [rsp - 8], rax
            (b"\x48\x83\xe4\xf0", "an aligned object"),               // and rsp, -16
            (b"\xff\xe0", "an indirect branch"),                      // jmp rax
            (b"\xff\x17", "an indirect branch"),                      // call [rdi]
            (b"\x90\xc3", "suspect+0x1: a return"),                   // nop; ret
            (b"\x48\x81\xec\0\x04\0\0", "1032 bytes of stack"),       // sub rsp, 1024
            (b"\x06", "not an instruction"),
        ] {
            let complaints = of(code).complaints();
            assert!(
                complaints.iter().any(|found| found.contains(complaint)),
                "{complaint}: {complaints:?}"
            );
        }
    }

    #[test]
    fn symbols_sections_and_relocations_are_named() {
        let contents = Contents {
            sections: vec![".got".to_owned(), ".text".to_owned()],
            defined: vec!["core::fmt::write".to_owned(), "core::panicking::panic".to_owned()],
            undefined: BTreeSet::from(["malloc".to_owned()]),
            relocations: BTreeSet::from([(elf::R_X86_64_GOTPCREL, ".text".to_owned())]),
            ..Contents::default()
        };
        let complaints = contents.complaints();
        for part in [".got", "core::fmt::write", "core::panicking::panic", "malloc", "kind 9"] {
            assert!(complaints.iter().any(|found| found.contains(part)), "{part}: {complaints:?}");
        }
        assert_eq!(complaints.len(), 5);
    }
}
