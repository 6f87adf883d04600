//! Compiles the C and C++ rivals, if they are asked for.

fn main() {
    println!("cargo::rerun-if-changed=native");
    #[cfg(feature = "native-peers")]
    {
        cc::Build::new().file("native/ck.c").include("native").compile("peers_c");
        cc::Build::new()
            .cpp(true)
            .std("c++17")
            .file("native/peers.cpp")
            .include("native")
            .compile("peers_cpp");
        println!("cargo::rustc-link-lib=tbb");
    }
}
