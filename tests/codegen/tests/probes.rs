//! Every probe, by its name; what the judge notices, on code made up for it; and that nothing is left
//! out: neither an operation of the crate nor a line of docs/ASM.md.

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;
use std::sync::Arc;

use latchless_codegen::code::{Code, Image};
use latchless_codegen::table::{Probe, Scope, probes};
use latchless_codegen::{DOCUMENT, judge, show};
use libtest_mimic::{Arguments, Failed, Trial};

/// What `cargo xtask verify api` holds the public interface to.
const INTERFACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api.txt");
/// Methods that give the memory away, and so are no operation on it.
const NO_OPERATIONS: [&str; 2] = ["as_ptr", "fmt"];

fn main() -> ExitCode {
    let image = match Image::of_this_program() {
        Ok(image) => Arc::new(image),
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = vec![
        trial("every_probe_is_in_this_program", &image, every_probe_is_in_this_program),
        trial("every_operation_has_a_probe", &image, |_| every_operation_has_a_probe()),
        trial("the_document_is_current", &image, the_document_is_current),
        trial("what_is_wrong_is_noticed", &image, |_| what_is_wrong_is_noticed()),
        trial("comparisons_differ_by_sign_only", &image, |_| comparisons_differ_by_sign_only()),
        trial("an_unknown_name_is_told", &image, an_unknown_name_is_told),
    ];
    trials.extend(probes().into_iter().map(|probe| {
        let image = Arc::clone(&image);
        Trial::test(probe.name, move || none(&judge::complaints(&image, &probe)))
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(
    name: &str,
    image: &Arc<Image>,
    check: impl FnOnce(&Image) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let image = Arc::clone(image);
    Trial::test(name, move || check(&image))
}

fn none(complaints: &[String]) -> Result<(), Failed> {
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
}

fn every_probe_is_in_this_program(image: &Image) -> Result<(), Failed> {
    let probes = probes();
    let names: BTreeSet<&str> = probes.iter().map(|probe| probe.name).collect();
    assert!(!names.is_empty(), "there are no probes");
    assert_eq!(names.len(), probes.len(), "two probes have one name");
    let missing = |probe: &&Probe| {
        assert!(!probe.address().is_null());
        image.function(probe.name).is_none()
    };
    let missing: Vec<_> = probes.iter().filter(missing).map(|p| p.name.to_owned()).collect();
    none(&missing)
}

/// The public interface lists each method as `pub fn latchless::atomic::TYPE::METHOD(&self, …`.
fn every_operation_has_a_probe() -> Result<(), Failed> {
    let interface = fs::read_to_string(INTERFACE)?;
    let probes = probes();
    let (mut operations, mut missing) = (0, Vec::new());
    for line in interface.lines().filter(|line| line.contains("(&self")) {
        let Some((_, path)) = line.split_once("fn latchless::atomic::") else { continue };
        let Some((owner, rest)) = path.split_once("::") else { continue };
        let owner = owner.split('<').next().unwrap_or(owner);
        if !owner.starts_with("Atomic") && !owner.starts_with("Local") {
            continue;
        }
        let method = rest.split(['(', '<']).next().unwrap_or(rest);
        operations += 1;
        if !NO_OPERATIONS.contains(&method) && !probes.iter().any(|p| p.calls(owner, method)) {
            missing.push(format!("{owner}::{method} has no probe in tests/codegen/src/table.rs"));
        }
    }
    assert!(operations > 0, "{INTERFACE} lists no operation: this check looks for the wrong thing");
    none(&missing)
}

fn the_document_is_current(image: &Image) -> Result<(), Failed> {
    let found = fs::read_to_string(DOCUMENT).unwrap_or_default();
    if found == show::document(image)? {
        return Ok(());
    }
    Err("docs/ASM.md is out of date: run `cargo xtask asm --bless`".into())
}

fn an_unknown_name_is_told(image: &Image) -> Result<(), Failed> {
    let Err(error) = show::disassembly(image, "ad_i64") else { return Err("no error".into()) };
    assert!(error.to_string().contains("add_i64"), "{error}");
    let Err(error) = show::disassembly(image, "zzz") else { return Err("no error".into()) };
    assert!(error.to_string().contains("an operation and a type"), "{error}");
    let text = show::disassembly(image, "add_i64")?;
    assert!(text.contains("lock add qword ptr [rdi], rsi"), "{text}");
    assert!(text.contains("fn add_i64(a: &AtomicI64, operand: i64)"), "{text}");
    Ok(())
}

const LOCK_XADD: [u8; 5] = [0xf0, 0x48, 0x0f, 0xc1, 0x37]; // lock xadd [rdi], rsi
const XADD: [u8; 4] = [0x48, 0x0f, 0xc1, 0x37]; // xadd [rdi], rsi
const LOCK_DEC: [u8; 3] = [0xf0, 0xff, 0x0f]; // lock dec dword [rdi]
const SETE: [u8; 3] = [0x0f, 0x94, 0xc0]; // sete al
const RET: [u8; 1] = [0xc3];

fn what_is_wrong_is_noticed() -> Result<(), Failed> {
    let whole = |parts: &[&[u8]], expected: &str| {
        judge::of_code(&Code::decode(&parts.concat(), 0x1000), expected, Scope::Whole, false)
    };
    let cases: [(&[&[u8]], &str); 16] = [
        (&[&LOCK_XADD, &RET], ""),
        (&[&XADD, &RET], "expected `lock xadd m64`, found `xadd m64`"),
        // lock xadd [rdi], esi
        (&[&[0xf0, 0x0f, 0xc1, 0x37], &RET], "found `lock xadd m32`"),
        (&[&LOCK_XADD, &LOCK_XADD, &RET], "found `lock xadd m64; lock xadd m64`"),
        (&[&RET], "found ``"),
        (&[], "no code"),
        // xchg [rdi], rsi, which needs no prefix
        (&[&LOCK_XADD, &[0x48, 0x87, 0x37], &RET], "found `lock xadd m64; xchg m64`"),
        // mov rax, [rdi]
        (&[&[0x48, 0x8b, 0x07], &LOCK_XADD, &RET], "found `mov r, m64; lock xadd m64`"),
        // jne to the start
        (&[&LOCK_XADD, &[0x75, 0xf9], &RET], "found `loop lock xadd m64`"),
        (&[&LOCK_XADD, &[0x75, 0xf9], &RET], "a loop: `jne"),
        // jne to the return
        (&[&[0x75, 0x05], &LOCK_XADD, &RET], "a branch: `jne"),
        // call 0x2000; jmp 0x2000; jmp rax
        (&[&LOCK_XADD, &[0xe8, 0xf6, 0x0f, 0, 0], &RET], "leaves the function: `call"),
        (&[&LOCK_XADD, &[0xe9, 0xf6, 0x0f, 0, 0]], "leaves the function: `jmp"),
        (&[&LOCK_XADD, &[0xff, 0xe0]], "leaves the function: `jmp"),
        // push rbx
        (&[&[0x53], &LOCK_XADD, &RET], "uses the stack: `push"),
        // ud2
        (&[&LOCK_XADD, &[0x0f, 0x0b]], "a trap"),
    ];
    for (parts, complaint) in cases {
        let wrong = whole(parts, "lock xadd m64");
        let is_told = wrong.iter().any(|wrong| wrong.contains(complaint));
        assert!(is_told || complaint.is_empty() && wrong.is_empty(), "{complaint}: {wrong:?}");
    }
    // The flag is shown if it is the operation's, not if a comparison of registers (`test al, al`)
    // comes in between; setc has two names.
    assert_eq!(whole(&[&LOCK_DEC, &SETE, &RET], "lock dec m32; sete"), [""; 0]);
    assert_eq!(whole(&[&LOCK_DEC, &[0x84, 0xc0], &SETE, &RET], "lock dec m32"), [""; 0]);
    assert_eq!(whole(&[&LOCK_DEC, &[0x0f, 0x92, 0xc0], &RET], "lock dec m32; setc"), [""; 0]);
    // mfence; lock or dword [rsp-0x40], 0
    for fence in [&[0x0f, 0xae, 0xf0][..], &[0xf0, 0x83, 0x4c, 0x24, 0xc0, 0]] {
        assert_eq!(whole(&[fence, &RET], "full fence"), [""; 0]);
    }
    // Of a structure the locked instructions count, and a call might hide some.
    let locked = |parts: &[&[u8]], expected: &str| {
        judge::of_code(&Code::decode(&parts.concat(), 0x1000), expected, Scope::Locked, false)
    };
    assert_eq!(locked(&[&[0x53], &LOCK_XADD, &XADD, &LOCK_XADD, &RET], "lock xadd m64"), [""; 0]);
    assert!(!locked(&[&LOCK_XADD, &RET], "").is_empty());
    assert!(!locked(&[&[0xe8, 0xf6, 0x0f, 0, 0], &RET], "").is_empty());
    let unless_refused = |parts: &[&[u8]], expected: &str| {
        let code = Code::decode(&parts.concat(), 0x1000);
        judge::of_code(&code, expected, Scope::LockedUnlessRefused, false)
    };
    let call = [0xe8, 0xf6, 0x0f, 0, 0];
    assert_eq!(unless_refused(&[&LOCK_XADD, &call, &RET], "lock xadd m64"), [""; 0]);
    assert!(!unless_refused(&[&LOCK_XADD, &call, &RET], "").is_empty());
    Ok(())
}

fn comparisons_differ_by_sign_only() -> Result<(), Failed> {
    let text = |bytes: &[u8], at| Code::decode(bytes, at).regardless_of_sign();
    // cmova rax, rsi; ja to the start. cmovg, jg. cmovb, jb.
    let unsigned = text(&[0x48, 0x0f, 0x47, 0xc6, 0x77, 0xfa], 0x1000);
    assert_eq!(unsigned, text(&[0x48, 0x0f, 0x4f, 0xc6, 0x7f, 0xfa], 0x2000));
    assert_ne!(unsigned, text(&[0x48, 0x0f, 0x42, 0xc6, 0x72, 0xfa], 0x1000));
    // movzx eax, byte [rdi]; movsx. movzx eax, word [rdi].
    assert_eq!(text(&[0x0f, 0xb6, 0x07], 0), text(&[0x0f, 0xbe, 0x07], 0));
    assert_ne!(text(&[0x0f, 0xb6, 0x07], 0), text(&[0x0f, 0xb7, 0x07], 0));
    // The prefix counts.
    assert_ne!(text(&LOCK_XADD, 0), text(&XADD, 0));
    Ok(())
}
