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

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use crate::bench::Bench;
    use crate::case::{self, Case, Family, Payload, Shape};
    use crate::{contestant, machine};

    /// Each run checks what comes out of the rings. Rings stay behind, so the largest are left out.
    #[test]
    fn every_spsc_ring_passes_the_checks_of_every_case() {
        let takes_part = |case: &Case| {
            let is_small = case.capacity <= 1024 || case.payload == Payload::Word;
            case.family == Family::Spsc && case.shape != Shape::Memory && is_small
        };
        // Sizes that do not divide the capacity go round the end of the ring in the middle.
        let round = |(shape, payload)| Case {
            family: Family::Spsc,
            shape,
            payload,
            capacity: 64,
            operation: None,
        };
        let odd = [
            (Shape::Batch(7), Payload::Word),
            (Shape::Batch(100), Payload::Line),
            (Shape::Chunk(7), Payload::Word),
            (Shape::Chunk(100), Payload::Line),
        ];
        let cases = case::all().into_iter().filter(takes_part).chain(odd.map(round));
        let cases: Vec<Case> = cases.collect();
        let cores = machine::cores().unwrap();
        let bench =
            Bench { target: Duration::from_micros(200), cores, realtime: false, warm_up: 0 };
        let run_all = move || {
            for case in cases {
                for contestant in contestant::of(&case) {
                    let sample = (contestant.run)(&case, &bench);
                    assert!(sample.value > 0.0, "{} in {}", contestant.name, case.id());
                }
            }
        };
        // Rings are built on the stack.
        thread::Builder::new().stack_size(64 << 20).spawn(run_all).unwrap().join().unwrap();
    }
}
