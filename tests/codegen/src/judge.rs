//! Whether the code of a probe is what the table says.

use crate::code::{Code, Image, Line, Step, Target};
use crate::table::{Probe, Scope};

/// What is wrong with `probe` in `image`, all of it.
pub fn complaints(image: &Image, probe: &Probe) -> Vec<String> {
    let Some(code) = image.function(probe.name) else {
        return vec!["no such function in this program".to_owned()];
    };
    let mut wrong = of_code(&code, &probe.expected(), probe.scope, probe.may_branch);
    for other in probe.same_as.iter().filter(|&&other| other != probe.name) {
        match image.function(other) {
            None => wrong.push(format!("no function {other} in this program to compare it with")),
            Some(other_code) => {
                if code.regardless_of_sign() != other_code.regardless_of_sign() {
                    wrong.push(format!("its code is not that of {other}"));
                }
            }
        }
    }
    wrong
}

/// What is wrong with `code` if its instructions are to be `expected`.
pub fn of_code(code: &Code, expected: &str, scope: Scope, may_branch: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let found = join(&in_scope(code, scope));
    if code.lines.is_empty() {
        wrong.push("no code".to_owned());
    }
    if found != expected {
        wrong.push(format!("expected `{expected}`, found `{found}`"));
    }
    let is_whole = scope == Scope::Whole;
    let may_loop = expected.contains("loop ");
    let at = |line: &Line| format!("`{}` at {:#x}", line.instruction, offset(code, line));
    for (line, target) in code.targets() {
        let complaint = match target {
            Target::Outside(_) if scope == Scope::LockedUnlessRefused => continue,
            Target::Outside(_) => "leaves the function",
            Target::Back(_) if is_whole && !may_loop => "a loop",
            Target::Forward(_) if is_whole && !may_branch => "a branch",
            Target::Trap if is_whole => "a trap",
            Target::Back(_) | Target::Forward(_) | Target::Trap => continue,
        };
        wrong.push(format!("{complaint}: {}", at(line)));
    }
    let on_stack = code.lines.iter().filter(|line| line.uses_stack && is_whole);
    wrong.extend(on_stack.map(|line| format!("uses the stack: {}", at(line))));
    wrong
}

/// The instructions that an expectation of this scope is about.
pub fn in_scope(code: &Code, scope: Scope) -> Vec<Step> {
    match scope {
        Scope::Whole => code.steps(),
        Scope::Locked | Scope::LockedUnlessRefused => code.locked(),
    }
}

/// Instructions as the table has them.
pub fn join(steps: &[Step]) -> String {
    steps.iter().map(Step::to_string).collect::<Vec<_>>().join("; ")
}

/// How far into the function an instruction is.
pub fn offset(code: &Code, line: &Line) -> u64 {
    line.instruction.ip() - code.start
}
