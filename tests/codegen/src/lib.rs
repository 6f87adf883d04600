//! The operations of latchless in functions of their own, the probes, and what the compiler made of
//! them: `cargo xtask asm` shows it, `cargo xtask test codegen` judges it.
//!
//! A program that is linked with this library has every probe in it, and reads its own file to find
//! them by their symbols. What is expected of each is in [`table`].

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("the instructions that are expected here are those of x86-64, in an ELF file");
#[cfg(latchless_native)]
compile_error!(
    "on core's atomics the compiler chooses the instructions: only the default backend promises any"
);

#[cfg(not(latchless_native))]
pub mod code;
#[cfg(not(latchless_native))]
pub mod judge;
#[cfg(not(latchless_native))]
pub mod show;
#[cfg(not(latchless_native))]
pub mod table;

/// The document that holds the table.
pub const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ASM.md");
