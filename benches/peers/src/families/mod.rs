//! The contestants, a file for each family, and the limits that the machine sets them.

mod atomic;
mod counter;
mod limit;
mod mpmc;
#[cfg(feature = "native-peers")]
mod native;
/// Without the feature there are no C and C++ rivals.
#[cfg(not(feature = "native-peers"))]
mod native {
    pub(super) fn contestants(_: crate::case::Family) -> Vec<crate::contestant::Contestant> {
        Vec::new()
    }
}
mod pool;
mod queue;
mod snapshot;
mod spsc;
mod stack;
mod store;

use crate::case::Family;
use crate::contestant::Contestant;

/// Everybody of a family.
pub(crate) fn contestants(family: Family) -> Vec<Contestant> {
    let mut contestants = match family {
        Family::Spsc => spsc::contestants(),
        Family::Mpmc => mpmc::contestants(),
        Family::Stack => stack::contestants(),
        Family::Pool => pool::contestants(),
        Family::Snapshot => snapshot::contestants(),
        Family::Counter => counter::contestants(),
        Family::Atomic => atomic::contestants(),
    };
    contestants.extend(native::contestants(family));
    contestants
}
