//! Shows what the compiler made of the operations of latchless: `cargo xtask asm`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use latchless_codegen::code::Image;
use latchless_codegen::{DOCUMENT, show};

/// Shows what the compiler made of each operation.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask asm")]
struct Arguments {
    /// Only this function, all of its code; for instance `add_i64`
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Write docs/ASM.md anew
    #[arg(long, conflicts_with = "name")]
    bless: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<String> {
    let image = Image::of_this_program()?;
    if arguments.bless {
        let path = Path::new(DOCUMENT);
        std::fs::write(path, show::document(&image)?).context("cannot write docs/ASM.md")?;
        return Ok("docs/ASM.md is written\n".to_owned());
    }
    match &arguments.name {
        Some(name) => show::disassembly(&image, name),
        None => show::listing(&image),
    }
}
