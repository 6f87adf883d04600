//! `cargo xtask capi`: the C header, made from the crate `capi`, and the library that goes with it.

mod throughput;

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use cbindgen::{Braces, Builder, Config, DocumentationStyle, Language, RenameRule, Style};
use clap::Args;

use crate::kernel_object::{self, LIBRARY};
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

const HEADER: &str = "capi/include/latchless.h";
const CPP_HEADER: &str = "capi/include/latchless.hpp";
const PKG_CONFIG: &str = "capi/latchless.pc.in";
/// Where the library is installed for its tests.
const TRIAL: &str = "target/capi";
/// What every program is compiled with.
const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wshadow", "-Werror"];
/// The programs that use it.
const PROGRAMS: [Program; 4] = [
    Program { options: &["-O2"], ..STRUCTURES },
    Program { options: &["-O1", "-g", "-fsanitize=address,undefined"], ..STRUCTURES },
    // Sees into the inline assembly as well, which the sanitizers do not.
    Program {
        options: &["-O1", "-g", "-DPER_THREAD=2000"],
        under: &["valgrind", "--quiet", "--error-exitcode=1", "--leak-check=full"],
        ..STRUCTURES
    },
    Program {
        source: "capi/examples/pipeline.cpp",
        compiler: "g++",
        language: "-std=c++17",
        options: &["-O2"],
        under: &[],
    },
];
const STRUCTURES: Program = Program {
    source: "capi/tests/structures.c",
    compiler: "gcc",
    language: "-std=c11",
    options: &[],
    under: &[],
};
/// No program takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The start of the header, after its includes.
const PREAMBLE: &str = "\
#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#define LATCHLESS_ALIGNED(n) __attribute__((aligned(n)))
#define LATCHLESS_MUST_USE __attribute__((warn_unused_result))
#ifdef __cplusplus
#define LATCHLESS_STATIC_ASSERT static_assert
#else
#define LATCHLESS_STATIC_ASSERT _Static_assert
#endif";

/// A program, and a way to build and run it.
#[derive(Clone, Copy, Debug)]
struct Program {
    source: &'static str,
    compiler: &'static str,
    language: &'static str,
    options: &'static [&'static str],
    /// What runs it; nothing: it runs by itself.
    under: &'static [&'static str],
}

/// The arguments of `cargo xtask capi`.
#[derive(Args, Debug)]
pub(crate) struct CapiArgs {
    /// Write the header anew: what the crate offers has changed, and was meant to
    #[arg(long)]
    bless: bool,
    /// Install the headers, the library and its pkg-config file here
    #[arg(long, value_name = "PREFIX")]
    install: Option<PathBuf>,
    /// Time batches through a ring in C and in Rust, and judge whether C is within 10 % of Rust
    #[arg(long, conflicts_with_all = ["bless", "install"])]
    throughput: bool,
}

/// Writes the header, installs the library, or checks both.
pub(crate) fn run(workspace: &Workspace, args: &CapiArgs) -> Result<()> {
    if args.throughput {
        return throughput::run(workspace);
    }
    if args.bless {
        fs::write(workspace.path(HEADER), header(workspace)?)
            .with_context(|| format!("cannot write {HEADER}"))?;
    }
    match &args.install {
        Some(prefix) => install(workspace, prefix),
        None if args.bless => Ok(()),
        None => check(workspace),
    }
}

/// The header is that of the crate, programs that use it compile without a warning and run, and a kernel could
/// link the object.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let made = header(workspace)?;
    let there = fs::read_to_string(workspace.path(HEADER))
        .with_context(|| format!("cannot read {HEADER}"))?;
    ensure!(there == made, "{HEADER} is out of date: run `cargo xtask capi --bless`");
    let silent = silent(&made);
    ensure!(silent.is_empty(), "{HEADER} does not say what it has to:\n{}", silent.join("\n"));
    println!("    {HEADER}: is that of the crate, and each function says its progress and context");
    let prefix = workspace.path(TRIAL);
    install(workspace, &prefix)?;
    for program in PROGRAMS {
        run_program(workspace, &prefix, program)?;
    }
    kernel_object::checked(workspace)?;
    kernel_object::find_seeds(workspace)
}

/// Compiles a program as a user would, by what pkg-config says, and runs it.
fn run_program(workspace: &Workspace, prefix: &Path, program: Program) -> Result<()> {
    let Program { source, options, under, .. } = program;
    let mut command = Command::new(compiled(workspace, prefix, program)?);
    if let [tool, arguments @ ..] = under {
        setup::program(tool, tool)?;
        let program = mem::replace(&mut command, Command::new(tool));
        command.args(arguments).arg(program.get_program());
    }
    let outcome = process::judge(&mut command, PATIENCE)?;
    ensure!(outcome.succeeded && !outcome.timed_out, "{source} failed:\n{}", outcome.output);
    let how = options.iter().chain(under.first()).copied().collect::<Vec<_>>().join(" ");
    println!("    {source} {how}: {}", outcome.output.trim_end());
    Ok(())
}

/// Compiles a program as a user would, and says where it is.
fn compiled(workspace: &Workspace, prefix: &Path, program: Program) -> Result<PathBuf> {
    let Program { source, compiler, language, options, .. } = program;
    setup::program(compiler, compiler)?;
    setup::program("pkg-config", "pkgconf")?;
    let mut pkg_config = Command::new("pkg-config");
    pkg_config.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    let flags = process::output(pkg_config.args(["--cflags", "--libs", "latchless"]))?;
    let program = prefix.join("program");
    let mut compile = workspace.command_in(".", compiler);
    compile.arg(language).args(WARNINGS).args(options).arg(source).args(flags.split_whitespace());
    process::run(compile.arg("-pthread").arg("-o").arg(&program))?;
    Ok(program)
}

/// Puts the headers, the library and its pkg-config file under `prefix`.
pub(crate) fn install(workspace: &Workspace, prefix: &Path) -> Result<()> {
    process::run(workspace.cargo_in(LIBRARY).args(["build", "--quiet", "--release"]))?;
    let prefix = std::path::absolute(prefix)?;
    for folder in ["include", "lib/pkgconfig"] {
        let folder = prefix.join(folder);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    for (from, to) in [
        (HEADER, "include/latchless.h"),
        (CPP_HEADER, "include/latchless.hpp"),
        ("capi/target/release/liblatchless_capi.a", "lib/liblatchless_capi.a"),
    ] {
        fs::copy(workspace.path(from), prefix.join(to))
            .with_context(|| format!("cannot install {from}"))?;
    }
    let template = fs::read_to_string(workspace.path(PKG_CONFIG))?;
    let text = template
        .replace("@prefix@", &prefix.to_string_lossy())
        .replace("@version@", env!("CARGO_PKG_VERSION"));
    Ok(fs::write(prefix.join("lib/pkgconfig/latchless.pc"), text)?)
}

/// The header of the crate as it is.
fn header(workspace: &Workspace) -> Result<String> {
    // Most functions come out of macros: the compiler shows what they make.
    let mut expand = workspace.cargo_in(LIBRARY);
    expand.env("RUSTC_BOOTSTRAP", "1");
    expand.args(["rustc", "--quiet", "--release", "--lib", "--crate-type", "rlib"]);
    expand.args(["--", "-Zunpretty=expanded"]);
    let source = workspace.path("target/capi-expanded.rs");
    fs::write(&source, process::output(&mut expand)?)?;

    let Ok(bindings) = Builder::new().with_config(config()).with_src(&source).generate() else {
        bail!("cbindgen cannot make a header of {LIBRARY}");
    };
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = plain(&String::from_utf8(text)?);
    let Some((start, end)) = text.rsplit_once("#endif") else { bail!("a header without a guard") };
    let assertions = assertions(&text);
    ensure!(!assertions.is_empty(), "cbindgen found no size to assert");
    Ok(format!("{start}{assertions}\n#endif{end}"))
}

fn config() -> Config {
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        usize_is_size_t: true,
        no_includes: true,
        style: Style::Tag,
        braces: Braces::SameLine,
        line_length: 100,
        tab_width: 8,
        documentation_style: DocumentationStyle::Doxy,
        include_guard: Some("LATCHLESS_H".to_owned()),
        header: Some(
            "/* SPDX-License-Identifier: MIT OR Apache-2.0 */\n\
             /*\n \
             * latchless: lock-free structures for kernels, firmware and services on x86-64.\n \
             *\n \
             * Every structure is of a known size: put it where you like. Each pointer that is handed in is not\n \
             * null, aligned as its type, and valid for what the call does. A structure is initialized before the\n \
             * first other call, and no call runs during that. Context \"any\" means process, softirq, hardirq and\n \
             * NMI, also when a call interrupts another one on the same structure at any instruction.\n \
             *\n \
             * Made by `cargo xtask capi --bless`; do not edit.\n \
             */"
            .to_owned(),
        ),
        after_includes: Some(PREAMBLE.to_owned()),
        ..Config::default()
    };
    config.enumeration.rename_variants = RenameRule::QualifiedScreamingSnakeCase;
    config.layout.aligned_n = Some("LATCHLESS_ALIGNED".to_owned());
    config.function.must_use = Some("LATCHLESS_MUST_USE".to_owned());
    config
}

/// The header without what only Rust's documentation has: sections on safety, and markup.
fn plain(header: &str) -> String {
    let mut plain = String::new();
    let mut lines = header.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim() == "*" && lines.peek().is_some_and(|next| next.trim() == "* # Safety") {
            // The heading, the empty line under it, and what the caller has to see to.
            lines.next();
            lines.next();
            while let Some(line) = lines.next_if(|next| next.trim() != "*/") {
                let words = line.replace("See the crate; ", "").replace("See the crate.", "");
                if words.trim() != "*" {
                    plain += &words.replace("   * ", " * ");
                    plain.push('\n');
                }
            }
            continue;
        }
        // Markup is in comments only; elsewhere two stars are a pointer to a pointer.
        let is_comment = line.trim_start().starts_with("* ");
        plain += &if is_comment { line.replace("**", "") } else { line.to_owned() };
        plain.push('\n');
    }
    plain
}

/// Makes the C compiler compare the size and alignment of each structure with ours.
fn assertions(header: &str) -> String {
    let mut assertions = String::new();
    for line in header.lines() {
        let Some(name) = line.strip_prefix("#define ").and_then(|rest| rest.split(' ').next())
        else {
            continue;
        };
        for (suffix, operator) in [("_SIZE", "sizeof"), ("_ALIGN", "__alignof__")] {
            if let Some(structure) = name.strip_suffix(suffix) {
                assertions += &format!(
                    "LATCHLESS_STATIC_ASSERT({operator}(struct {}) == {name}, \"built otherwise\");\n",
                    structure.to_lowercase()
                );
            }
        }
    }
    assertions
}

/// The functions of the header whose documentation lacks something, and what.
fn silent(header: &str) -> Vec<String> {
    let mut silent = Vec::new();
    for piece in header.split("/**").skip(1) {
        let Some((documentation, code)) = piece.split_once("*/") else { continue };
        // Of several declarations under one comment only the first has it.
        for (at, declaration) in code.split(';').enumerate() {
            let Some(name) = function(declaration) else { continue };
            let documentation = if at == 0 { documentation } else { "" };
            for what in ["Progress ", "Context "] {
                if !documentation.contains(what) {
                    silent.push(format!("{name}: no {}", what.trim_end().to_lowercase()));
                }
            }
        }
    }
    silent
}

/// The name of the function that is declared here, if one is.
fn function(declaration: &str) -> Option<&str> {
    let (before, _) = declaration.split_once('(')?;
    let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    name.starts_with("latchless_").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_on_safety_become_sentences() {
        let rust = "/**\n * Adds.\n *\n * **Context** any.\n *\n * # Safety\n *\n * See the crate; `x` lasts.\n */\n";
        assert_eq!(plain(rust), "/**\n * Adds.\n *\n * Context any.\n * `x` lasts.\n */\n");
        let pointers = "/** **Not** */\n * a **b**\nvoid take(int **place);\n";
        assert_eq!(plain(pointers), "/** **Not** */\n * a b\nvoid take(int **place);\n");
        let bare = "/**\n * Adds.\n *\n * # Safety\n *\n * See the crate.\n */\nvoid add(void);\n";
        assert_eq!(plain(bare), "/**\n * Adds.\n */\nvoid add(void);\n");
    }

    #[test]
    fn each_size_is_asserted() {
        let asserted = assertions("#define LATCHLESS_X_SIZE 8\n#define LATCHLESS_ABI 1\n");
        assert_eq!(
            asserted,
            "LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_x) == LATCHLESS_X_SIZE, \"built otherwise\");\n"
        );
    }

    #[test]
    fn a_function_that_says_too_little_is_named() {
        let good = "/**\n * Progress lock-free. Context any.\n */\nbool latchless_a(int *x);\n";
        assert_eq!(silent(good), Vec::<String>::new());
        assert_eq!(silent(&good.replace("Context", "")), ["latchless_a: no context"]);
        let second = format!("{good}void *latchless_b(void);\n");
        assert_eq!(silent(&second), ["latchless_b: no progress", "latchless_b: no context"]);
        let no_function =
            "/**\n * A type.\n */\nstruct LATCHLESS_ALIGNED(8) latchless_c { int x[2]; };\n";
        assert_eq!(silent(no_function), Vec::<String>::new());
    }
}
