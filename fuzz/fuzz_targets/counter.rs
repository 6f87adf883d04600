//! `Counter` against one wrapping integer.
#![no_main]

use arbitrary::Arbitrary;
use latchless::counter::Counter;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    Inc,
    Add(u64),
    Sub(u64),
    Get,
    Take,
}

#[derive(Arbitrary, Debug)]
struct Input {
    start: u64,
    ops: Vec<Op>,
}

fuzz_target!(|input: Input| {
    let counter = Counter::with_value(input.start);
    let mut model = input.start;
    for op in input.ops {
        match op {
            Op::Inc => {
                counter.inc();
                model = model.wrapping_add(1);
            }
            Op::Add(n) => {
                counter.add(n);
                model = model.wrapping_add(n);
            }
            Op::Sub(n) => {
                counter.sub(n);
                model = model.wrapping_sub(n);
            }
            Op::Get => {}
            Op::Take => assert_eq!(counter.take(), std::mem::take(&mut model)),
        }
        assert_eq!(counter.get(), model);
    }
});
