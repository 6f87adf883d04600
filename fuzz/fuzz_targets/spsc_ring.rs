//! `SpscRing` against a `VecDeque`: order, capacity, rejected values, what both handles say, and
//! that each value is dropped once, whether it was popped or left in the ring.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use latchless::ring::{Full, SpscRing};
use latchless_fuzz::{BATCH, Ledger, Start, Value, batch_with_room};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    Push,
    Pop,
    /// Pop into a vector that has room for so many, at most.
    PopBatch(u8),
    Peek,
    /// Drop the handles and split once more.
    SplitAgain,
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
    let mut ring = SpscRing::<Value, N>::with_start(start.position() as usize);
    let mut model = VecDeque::new();
    let mut handles = ring.split();
    for op in ops {
        let (producer, consumer) = (&mut handles.0, &mut handles.1);
        match op {
            Op::Push => {
                let value = ledger.issue();
                let number = value.number();
                match producer.push(value) {
                    Ok(()) => model.push_back(number),
                    Err(Full(value)) => {
                        assert_eq!(value.number(), number);
                        assert_eq!(model.len(), N, "refused with room left");
                    }
                }
            }
            Op::Pop => assert_eq!(consumer.pop().map(|value| value.number()), model.pop_front()),
            Op::PopBatch(room) => {
                let mut batch = batch_with_room(&ledger, *room);
                let taken = batch.len();
                let count = consumer.pop_into_vec(&mut batch);
                assert_eq!(count, model.len().min(BATCH - taken));
                for value in &batch[taken..] {
                    assert_eq!(Some(value.number()), model.pop_front());
                }
                assert_eq!(batch.len(), taken + count);
            }
            Op::Peek => assert_eq!(consumer.peek().map(Value::number), model.front().copied()),
            Op::SplitAgain => handles = ring.split(),
        }
        let (producer, consumer) = (&handles.0, &handles.1);
        assert_eq!([producer.len(), consumer.len()], [model.len(); 2]);
        assert_eq!([producer.is_empty(), consumer.is_empty()], [model.is_empty(); 2]);
        assert_eq!([producer.is_full(), consumer.is_full()], [model.len() == N; 2]);
        assert_eq!(producer.slots(), N - model.len());
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
