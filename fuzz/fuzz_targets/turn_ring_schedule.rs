//! `TurnRing` under threads that change places where the input says; each history must be that of a queue
//! which may be busy, and everybody must return.
#![no_main]

use latchless_fuzz::schedule::TurnRing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|schedule: TurnRing| schedule.run());
