//! `OverwritingRing` against a `VecDeque`: order, which value is evicted, the counts of both ends, ends
//! that are given back and taken again, and that each value comes out once and is dropped once.
#![no_main]

use std::collections::VecDeque;
use std::mem::forget;

use arbitrary::Arbitrary;
use latchless::ring::OverwritingRing;
use latchless::ring::overwriting::{Consumer, Producer};
use latchless_fuzz::{Ledger, Start, Value};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    /// Push so often, and once more.
    Push(u8),
    /// Pop so often, and once more.
    Pop(u8),
    Ask,
    /// Give the ends back and take them again, by both ways that there are.
    TakeTurns,
    /// Forget the handles, and split the ring that is nobody else's.
    ForgetAndSplit,
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

#[derive(Default)]
struct Model {
    values: VecDeque<usize>,
    evicted: u64,
    /// What the consumer has noticed of it.
    lost: u64,
}

fn apply<const N: usize>(
    op: &Op,
    producer: &mut Producer<'_, Value, N>,
    consumer: &mut Consumer<'_, Value, N>,
    ledger: &std::rc::Rc<Ledger>,
    model: &mut Model,
) {
    match *op {
        Op::Push(more) => {
            for _ in 0..=more {
                let value = ledger.issue();
                let number = value.number();
                let evicted = producer.push(value).map(|value| value.number());
                if model.values.len() == N {
                    assert_eq!(evicted, model.values.pop_front());
                    model.evicted += 1;
                } else {
                    assert_eq!(evicted, None, "evicted with room left");
                }
                model.values.push_back(number);
            }
        }
        Op::Pop(more) => {
            for _ in 0..=more {
                let popped = consumer.pop().map(|value| value.number());
                assert_eq!(popped, model.values.pop_front());
                model.lost = model.evicted;
                if popped.is_none() {
                    break;
                }
            }
        }
        Op::Ask => {
            assert_eq!(consumer.len(), model.values.len());
            assert_eq!(consumer.is_empty(), model.values.is_empty());
        }
        Op::TakeTurns | Op::ForgetAndSplit => {}
    }
    assert_eq!((producer.evicted(), consumer.lost()), (model.evicted, model.lost));
    assert!(!producer.is_abandoned() && !consumer.is_abandoned());
    assert_eq!(ledger.live(), model.values.len());
}

/// Carries out what follows with two handles, until they are to be given up. Returns why, if so.
fn with_handles<'o, const N: usize>(
    (producer, consumer): &mut (Producer<'_, Value, N>, Consumer<'_, Value, N>),
    ops: &mut impl Iterator<Item = &'o Op>,
    ledger: &std::rc::Rc<Ledger>,
    model: &mut Model,
) -> Option<&'o Op> {
    ops.find(|op| {
        apply(op, producer, consumer, ledger, model);
        matches!(op, Op::TakeTurns | Op::ForgetAndSplit)
    })
}

fn run<const N: usize>(start: Start, ops: &[Op]) {
    let ledger = Ledger::new();
    let mut ring = OverwritingRing::<Value, N>::with_start(start.position());
    let (mut model, mut ops) = (Model::default(), ops.iter());
    let mut is_shared = false;
    loop {
        let next = if is_shared {
            let mut handles = ring.try_split().expect("both ends were given back");
            let next = with_handles(&mut handles, &mut ops, &ledger, &mut model);
            if matches!(next, Some(Op::ForgetAndSplit)) {
                forget(handles);
            } else {
                let (producer, consumer) = handles;
                drop(producer);
                assert!(consumer.is_abandoned());
                assert!(ring.try_split().is_none(), "one end is taken");
            }
            next
        } else {
            let mut handles = ring.split();
            let next = with_handles(&mut handles, &mut ops, &ledger, &mut model);
            if matches!(next, Some(Op::ForgetAndSplit)) {
                forget(handles);
            }
            next
        };
        let Some(next) = next else { break };
        is_shared = matches!(next, Op::TakeTurns);
        assert!(is_shared || ring.try_split().is_none(), "a forgotten handle keeps its end");
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
