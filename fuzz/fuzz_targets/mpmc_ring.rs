//! `MpmcRing` against a `VecDeque`: order, capacity, rejected values, what the queries say while
//! nobody else is at work, and that each value is dropped once.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use latchless::ring::{Full, MpmcRing};
use latchless_fuzz::{BATCH, Ledger, Start, Value, batch_with_room};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    Push,
    Pop,
    /// Pop so often: an empty ring hands out tickets that later pushes have to skip.
    PopMany(u8),
    /// Pop into a vector that has room for so many, at most.
    PopBatch(u8),
}

#[derive(Arbitrary, Debug)]
enum Capacity {
    One,
    Two,
    Eight,
    SixtyFour,
}

#[derive(Arbitrary, Debug)]
struct Input {
    capacity: Capacity,
    start: Start,
    ops: Vec<Op>,
}

fn run<const N: usize>(start: Start, ops: &[Op]) {
    let ledger = Ledger::new();
    let ring = MpmcRing::<Value, N>::with_start(start.position());
    let mut model = VecDeque::new();
    for op in ops {
        match op {
            Op::Push => {
                let value = ledger.issue();
                let number = value.number();
                match ring.push(value) {
                    Ok(()) => model.push_back(number),
                    Err(Full(value)) => {
                        assert_eq!(value.number(), number);
                        assert_eq!(model.len(), N, "refused with room left");
                    }
                }
            }
            Op::Pop => assert_eq!(ring.pop().map(|value| value.number()), model.pop_front()),
            Op::PopMany(count) => {
                for _ in 0..*count {
                    assert_eq!(ring.pop().map(|value| value.number()), model.pop_front());
                }
            }
            Op::PopBatch(room) => {
                let mut batch = batch_with_room(&ledger, *room);
                let taken = batch.len();
                let count = ring.pop_into_vec(&mut batch);
                assert_eq!(count, model.len().min(BATCH - taken));
                for value in &batch[taken..] {
                    assert_eq!(Some(value.number()), model.pop_front());
                }
                assert_eq!(batch.len(), taken + count);
            }
        }
        assert_eq!(ring.len(), model.len());
        assert_eq!(ring.is_empty(), model.is_empty());
        assert_eq!(ring.is_full(), model.len() == N);
        assert_eq!(ledger.live(), model.len());
    }
    drop(ring);
    assert_eq!(ledger.live(), 0, "a value left in the ring was not dropped");
}

fuzz_target!(|input: Input| {
    match input.capacity {
        Capacity::One => run::<1>(input.start, &input.ops),
        Capacity::Two => run::<2>(input.start, &input.ops),
        Capacity::Eight => run::<8>(input.start, &input.ops),
        Capacity::SixtyFour => run::<64>(input.start, &input.ops),
    }
});
