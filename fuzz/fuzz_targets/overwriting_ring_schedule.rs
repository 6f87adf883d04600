//! `OverwritingRing` under threads that change places where the input says; each history must be linearizable.
#![no_main]

use latchless_fuzz::schedule::OverwritingRing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|schedule: OverwritingRing| schedule.run());
