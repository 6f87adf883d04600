//! Links the image as a freestanding executable at a fixed address, with the stock toolchain and
//! without RUSTFLAGS.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=linker.ld");
    println!("cargo::rerun-if-changed=src/image/boot.s");

    // Elsewhere there is no image, and `main.rs` says so.
    let target = |what| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if (target("ARCH").as_str(), target("OS").as_str()) != ("x86_64", "linux") {
        return;
    }

    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| ".".to_owned());
    let script = format!("-Wl,-T,{folder}/linker.ld");
    for argument in [
        // No C runtime, no C library, and nothing to relocate at run time.
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--no-dynamic-linker",
        "-Wl,-z,norelro",
        // A note of the linker's own would come before the one QEMU looks for.
        "-Wl,--build-id=none",
        "-Wl,--gc-sections",
        &script,
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
