//! `MpmcRing` and `WordRing` against a `VecDeque`: order, capacity, rejected and evicted values, closing,
//! what the queries say while nobody else is at work, and that each value is dropped once.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
#[cfg(not(latchless_native))]
use latchless::ring::WordRing;
use latchless::ring::{MpmcRing, PushError};
use latchless_fuzz::{BATCH, Ledger, Start, Value, batch_with_room};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    Push,
    ForcePush,
    Pop,
    /// Pop so often.
    PopMany(u8),
    /// Pop into a vector that has room for so many, at most.
    PopBatch(u8),
    /// Pop into so many places, at most.
    PopSlice(u8),
    PopAll,
    Close,
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
    is_of_words: bool,
    capacity: Capacity,
    start: Start,
    ops: Vec<Op>,
}

macro_rules! run {
    ($run:ident, $ring:ident) => {
        fn $run<const N: usize>(start: Start, ops: &[Op]) {
            let ledger = Ledger::new();
            let ring = $ring::<Value, N>::with_start(start.position());
            let mut model = VecDeque::new();
            let mut is_closed = false;
            for op in ops {
                match op {
                    Op::Push => {
                        let value = ledger.issue();
                        let number = value.number();
                        match ring.push(value) {
                            Ok(()) => {
                                assert!(!is_closed);
                                model.push_back(number);
                            }
                            Err(PushError::Full(value)) => {
                                assert_eq!(value.number(), number);
                                assert!(!is_closed && model.len() == N, "refused with room left");
                            }
                            Err(PushError::Closed(value)) => {
                                assert_eq!(value.number(), number);
                                assert!(is_closed);
                            }
                        }
                    }
                    Op::ForcePush => {
                        let value = ledger.issue();
                        let number = value.number();
                        match ring.force_push(value) {
                            Ok(evicted) => {
                                assert!(!is_closed);
                                let oldest =
                                    if model.len() == N { model.pop_front() } else { None };
                                assert_eq!(evicted.map(|value| value.number()), oldest);
                                model.push_back(number);
                            }
                            Err(error) => {
                                assert!(is_closed && error.evicted.is_none());
                                assert_eq!(error.refused.into_inner().number(), number);
                            }
                        }
                    }
                    Op::Pop => {
                        assert_eq!(ring.pop().map(|value| value.number()), model.pop_front());
                    }
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
                    Op::PopSlice(room) => {
                        let room = usize::from(*room) % (2 * BATCH);
                        let mut places: Vec<_> = (0..room).map(|_| ledger.issue()).collect();
                        let count = ring.pop_slice(&mut places);
                        assert_eq!(count, model.len().min(room));
                        let popped = places[..count].iter().map(Value::number);
                        assert!(popped.eq(model.drain(..count)));
                    }
                    Op::PopAll => {
                        assert!(ring.pop_iter().map(|value| value.number()).eq(model.drain(..)));
                    }
                    Op::Close => {
                        assert_eq!(ring.close(), !is_closed);
                        is_closed = true;
                    }
                }
                assert_eq!(ring.len(), model.len());
                assert_eq!(ring.is_empty(), model.is_empty());
                assert_eq!(ring.is_full(), model.len() == N);
                assert_eq!(ring.is_closed(), is_closed);
                assert_eq!(ring.is_drained(), is_closed && model.is_empty());
                assert_eq!(ledger.live(), model.len());
            }
            drop(ring);
            assert_eq!(ledger.live(), 0, "a value left in the ring was not dropped");
        }
    };
}

run!(run, MpmcRing);
#[cfg(not(latchless_native))]
run!(run_words, WordRing);

fuzz_target!(|input: Input| {
    let Input { is_of_words, capacity, start, ops } = input;
    match (is_of_words, capacity) {
        (false, Capacity::One) => run::<1>(start, &ops),
        (false, Capacity::Two) => run::<2>(start, &ops),
        (false, Capacity::Eight) => run::<8>(start, &ops),
        (false, Capacity::SixtyFour) => run::<64>(start, &ops),
        #[cfg(not(latchless_native))]
        (true, Capacity::One) => run_words::<1>(start, &ops),
        #[cfg(not(latchless_native))]
        (true, Capacity::Two) => run_words::<2>(start, &ops),
        #[cfg(not(latchless_native))]
        (true, Capacity::Eight) => run_words::<8>(start, &ops),
        #[cfg(not(latchless_native))]
        (true, Capacity::SixtyFour) => run_words::<64>(start, &ops),
        #[cfg(latchless_native)]
        (true, _) => {}
    }
});
