//! `cargo xtask capi`: the C header, made from the crate `capi`, and the library that goes with it.

use std::fs;
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
/// The programs: source, compiler, language, and a way to build it.
const PROGRAMS: [(&str, &str, &str, &[&str]); 3] = [
    ("capi/tests/structures.c", "gcc", "-std=c11", &["-O2"]),
    ("capi/tests/structures.c", "gcc", "-std=c11", &["-O1", "-g", "-fsanitize=address,undefined"]),
    ("capi/examples/pipeline.cpp", "g++", "-std=c++17", &["-O2"]),
];
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

/// The arguments of `cargo xtask capi`.
#[derive(Args, Debug)]
pub(crate) struct CapiArgs {
    /// Write the header anew: what the crate offers has changed, and was meant to
    #[arg(long)]
    bless: bool,
    /// Install the headers, the library and its pkg-config file here
    #[arg(long, value_name = "PREFIX")]
    install: Option<PathBuf>,
}

/// Writes the header, installs the library, or checks both.
pub(crate) fn run(workspace: &Workspace, args: &CapiArgs) -> Result<()> {
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
    println!("    {HEADER}: is that of the crate");
    let prefix = workspace.path(TRIAL);
    install(workspace, &prefix)?;
    for (source, compiler, language, options) in PROGRAMS {
        run_program(workspace, &prefix, source, compiler, language, options)?;
    }
    kernel_object::checked(workspace)?;
    kernel_object::find_seeds(workspace)
}

/// Compiles a program as a user would, by what pkg-config says, and runs it.
fn run_program(
    workspace: &Workspace,
    prefix: &Path,
    source: &str,
    compiler: &str,
    language: &str,
    options: &[&str],
) -> Result<()> {
    setup::program(compiler, compiler)?;
    setup::program("pkg-config", "pkgconf")?;
    let mut pkg_config = Command::new("pkg-config");
    pkg_config.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    let flags = process::output(pkg_config.args(["--cflags", "--libs", "latchless"]))?;
    let program = prefix.join("program");
    let mut compile = workspace.command_in(".", compiler);
    compile.arg(language).args(WARNINGS).args(options).arg(source).args(flags.split_whitespace());
    process::run(compile.arg("-pthread").arg("-o").arg(&program))?;
    let outcome = process::judge(&mut Command::new(&program), PATIENCE)?;
    ensure!(outcome.succeeded && !outcome.timed_out, "{source} failed:\n{}", outcome.output);
    println!("    {source} {}: {}", options.join(" "), outcome.output.trim_end());
    Ok(())
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
}
