//! Everything that a person runs in this repository: `cargo xtask help`.
#![expect(clippy::std_instead_of_core, reason = "a program for the host has std")]

mod asm;
mod bench;
mod boot_tests;
mod capi;
mod debian;
mod demo;
mod figures;
mod fuzz;
mod gates;
#[cfg(target_os = "linux")]
mod hosted;
mod image;
mod input;
mod kernel_object;
mod kmod;
mod loom;
mod operations;
mod patched_loom;
mod process;
mod qemu;
mod setup;
mod steps;
mod test;
mod verify;
mod watch;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use nix::sys::signal::{SigHandler, Signal, signal};

use crate::workspace::Workspace;

/// Shows, tests and explores latchless.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Boot the bare-metal image and let it count a file on every CPU, or do so on threads
    Demo(demo::DemoArgs),
    /// Run everything that must hold before a change may land, installing what is missing
    Test(test::TestArgs),
    /// Explore the models of small scenarios with the patched loom
    Loom {
        /// Only models whose name contains this
        filter: Option<String>,
    },
    /// Run every method that backs a claim, for hours if need be, and end in one table
    Verify(verify::VerifyArgs),
    /// Fuzz the structures against sequential models
    Fuzz(fuzz::FuzzArgs),
    /// Measure the structures beside their rivals, or count their instructions
    Bench(bench::BenchArgs),
    /// Show what the compiler makes of each operation
    Asm(asm::AsmArgs),
    /// Make the C header and library, and check both
    Capi(capi::CapiArgs),
    /// Build the kernel module, and load it into Debian's kernel again and again while it works
    Kmod(kmod::KmodArgs),
    /// Boot the bare-metal image on 1, 2 and 4 CPUs and make it fail in every way it can
    Boot,
}

fn main() -> ExitCode {
    end_quietly_on_a_closed_pipe();
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::find()?;
    match &arguments.command {
        Command::Demo(args) => demo::run(&workspace, args),
        Command::Test(args) => test::run(&workspace, args),
        Command::Loom { filter } => loom::run(&workspace, filter.as_deref()),
        Command::Verify(args) => verify::run(&workspace, args),
        Command::Fuzz(args) => fuzz::run(&workspace, args),
        Command::Bench(args) => bench::run(&workspace, args),
        Command::Asm(args) => asm::run(&workspace, args),
        Command::Capi(args) => capi::run(&workspace, args),
        Command::Kmod(args) => kmod::run(&workspace, args),
        Command::Boot => boot_tests::run(&workspace),
    }
}

/// `cargo xtask demo | head` ends as other programs do, not in a panic: Rust ignores the signal.
fn end_quietly_on_a_closed_pipe() {
    // SAFETY: no handler is installed, only the default action restored, before any thread starts.
    let restored = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
    debug_assert!(restored.is_ok(), "SIGPIPE has a default action");
}
