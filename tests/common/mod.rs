//! What the tests of several structures share.

#![allow(dead_code, reason = "each test file takes the parts it needs")]
#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod baton;
pub(crate) mod calls;
pub(crate) mod counters;
pub(crate) mod drops;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod guarded;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod interruption;
pub(crate) mod linearizability;
pub(crate) mod panics;
pub(crate) mod random;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod scenarios;
#[cfg(target_os = "linux")]
pub(crate) mod signals;
pub(crate) mod specs;
pub(crate) mod stamps;
pub(crate) mod team;
pub(crate) mod waiting;

use proptest::test_runner::Config;

/// How the property tests run: no file is written when one fails, the minimal case is in the
/// panic message.
pub(crate) fn property_config() -> Config {
    Config { cases: 128, failure_persistence: None, ..Config::default() }
}
