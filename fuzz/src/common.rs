//! What the targets share with the tests in `tests/`, which is where these files are.

#![allow(dead_code, reason = "the targets take the parts they need")]

#[path = "../../tests/common/baton.rs"]
pub(crate) mod baton;
#[path = "../../tests/common/calls.rs"]
pub(crate) mod calls;
#[path = "../../tests/common/guarded.rs"]
pub(crate) mod guarded;
#[path = "../../tests/common/linearizability.rs"]
pub(crate) mod linearizability;
#[path = "../../tests/common/random.rs"]
pub(crate) mod random;
#[path = "../../tests/common/scenarios.rs"]
pub(crate) mod scenarios;
#[path = "../../tests/common/signals.rs"]
pub(crate) mod signals;
#[path = "../../tests/common/specs.rs"]
pub(crate) mod specs;
#[path = "../../tests/common/team.rs"]
pub(crate) mod team;
