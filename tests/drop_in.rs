//! Defends that code on core's atomics compiles with those of `latchless::atomic` in their place, and
//! does the same.

#![expect(
    unreachable_pub,
    clippy::duplicate_mod,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "the program is written as people write them, and compiled twice"
)]

#[path = "drop_in"]
mod with_core {
    use core::sync::atomic;

    pub mod program;
}

#[path = "drop_in"]
mod with_latchless {
    use latchless::atomic;

    pub mod program;
}

#[test]
fn program_does_the_same_on_either() {
    let expected = with_core::program::run();
    assert!(expected.starts_with("1000 249500 (-499, 499) 249500\n"), "{expected}");
    assert_eq!(with_latchless::program::run(), expected);
}
