//! The bare-metal image: the pipeline of this package on real CPUs with real timer interrupts.
//!
//! It boots by the PVH protocol (QEMU's `-kernel`), takes a file as its boot module (`-initrd`),
//! reports on the first serial port and ends through `isa-debug-exit`. `cargo xtask demo` builds
//! and boots it; the README of this package tells the details.

#![no_std]
#![no_main]

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("the image is built by a toolchain for x86-64 Linux");

mod image;
