//! Who takes part: a name, which cases it can be measured in, and how.

use serde::{Deserialize, Serialize};

use crate::bench::{Bench, Sample};
use crate::case::Case;
use crate::families;

/// On which side a contestant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// A structure of this crate.
    Ours,
    /// Somebody else's.
    Rival,
    /// What the machine takes for the least that any contestant must do.
    Limit,
}

/// A contestant, in all cases of its family that it supports.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) side: Side,
    /// Whether it can take part in a case of its family.
    pub(crate) supports: fn(&Case) -> bool,
    pub(crate) run: fn(&Case, &Bench) -> Sample,
}

impl Contestant {
    pub(crate) const fn new(
        name: &'static str,
        side: Side,
        run: fn(&Case, &Bench) -> Sample,
    ) -> Self {
        Self { name, side, supports: |_| true, run }
    }

    /// Takes part only in the cases that `supports` is true of.
    pub(crate) const fn only(mut self, supports: fn(&Case) -> bool) -> Self {
        self.supports = supports;
        self
    }
}

/// Everybody who takes part in `case`.
pub(crate) fn of(case: &Case) -> Vec<Contestant> {
    let mut contestants = families::contestants(case.family);
    contestants.retain(|contestant| (contestant.supports)(case));
    contestants
}
