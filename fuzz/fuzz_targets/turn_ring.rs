//! `TurnRing` against a `VecDeque`: order, capacity, rejected values, batches, closing, what the queries say
//! while nobody else is at work, and that each value is dropped once.
#![no_main]

use std::collections::VecDeque;
use std::mem::MaybeUninit;

use arbitrary::Arbitrary;
use latchless::ring::storage::Storage;
use latchless::ring::turn::{PopError, PushError, Ring, Slot};
use latchless::ring::{TurnRing, TurnSliceRing};
use latchless_fuzz::{BATCH, Ledger, Start, Value};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    Push,
    Pop,
    ForcePush,
    PushArray,
    PopArray,
    /// Into so many places.
    PopSliceUninit(u8),
    /// At most so many.
    Drain(u8),
    PushMut,
    PopMut,
    Close,
}

#[derive(Arbitrary, Debug)]
enum Capacity {
    One,
    Two,
    Eight,
    SixtyFour,
    /// In memory of the caller's; positions start at zero.
    FourBorrowed,
}

#[derive(Arbitrary, Debug)]
struct Input {
    capacity: Capacity,
    start: Start,
    ops: Vec<Op>,
}

fn run<S: Storage<Item = Slot<Value>>>(mut ring: Ring<Value, S>, ops: &[Op]) {
    let ledger = Ledger::new();
    let n = ring.capacity();
    let mut model = VecDeque::new();
    let mut is_closed = false;
    for op in ops {
        // Judges a push of values that begin with this number.
        let pushed = |model: &mut VecDeque<usize>,
                      numbers: Vec<usize>,
                      refused: Option<PushError<usize>>| {
            let has_room = model.len() + numbers.len() <= n;
            match refused {
                None => {
                    assert!(has_room && !is_closed);
                    model.extend(numbers);
                }
                Some(PushError::Full(number)) => {
                    assert!(!has_room && !is_closed, "refused with room left");
                    assert_eq!(number, numbers[0]);
                }
                Some(PushError::Closed(number)) => {
                    assert!(is_closed);
                    assert_eq!(number, numbers[0]);
                }
                Some(PushError::Busy(_)) => panic!("nobody else is at work"),
            }
        };
        let number_in = |error: PushError<Value>| match error {
            PushError::Full(value) => PushError::Full(value.number()),
            PushError::Busy(value) => PushError::Busy(value.number()),
            PushError::Closed(value) => PushError::Closed(value.number()),
        };
        let nothing = if is_closed { PopError::Closed } else { PopError::Empty };
        match op {
            Op::Push => {
                let value = ledger.issue();
                let number = value.number();
                pushed(&mut model, vec![number], ring.push(value).err().map(number_in));
            }
            Op::PushMut => {
                let value = ledger.issue();
                let number = value.number();
                pushed(&mut model, vec![number], ring.push_mut(value).err().map(number_in));
            }
            Op::ForcePush => {
                let value = ledger.issue();
                let number = value.number();
                match ring.force_push(value) {
                    Ok(evicted) => {
                        let oldest = if model.len() == n { model.pop_front() } else { None };
                        assert_eq!(evicted.map(|value| value.number()), oldest);
                        pushed(&mut model, vec![number], None);
                    }
                    Err(error) => {
                        assert!(matches!(error, PushError::Closed(_)));
                        pushed(&mut model, vec![number], Some(number_in(error)));
                    }
                }
            }
            Op::PushArray => {
                let values: [Value; 3] = std::array::from_fn(|_| ledger.issue());
                let numbers = values.iter().map(Value::number).collect();
                let refused = ring.push_array(values).err().map(|error| match error {
                    PushError::Full([first, ..]) => PushError::Full(first.number()),
                    PushError::Busy([first, ..]) => PushError::Busy(first.number()),
                    PushError::Closed([first, ..]) => PushError::Closed(first.number()),
                });
                pushed(&mut model, numbers, refused);
            }
            Op::Pop => {
                let number = ring.pop().map(|value| value.number());
                assert_eq!(number, model.pop_front().ok_or(nothing));
            }
            Op::PopMut => {
                assert_eq!(ring.pop_mut().map(|value| value.number()), model.pop_front());
            }
            Op::PopArray => match ring.pop_array::<3>() {
                Ok(values) => assert!(values.iter().map(Value::number).eq(model.drain(..3))),
                Err(error) => assert!(model.len() < 3 && error == nothing),
            },
            Op::PopSliceUninit(room) => {
                let room = usize::from(*room) % (2 * BATCH);
                let mut places: Vec<MaybeUninit<Value>> =
                    (0..room).map(|_| MaybeUninit::uninit()).collect();
                let count = ring.pop_slice_uninit(&mut places);
                assert_eq!(count, room.min(model.len()));
                for place in places.into_iter().take(count) {
                    // SAFETY: so many hold a value.
                    let value = unsafe { place.assume_init() };
                    assert_eq!(Some(value.number()), model.pop_front());
                }
            }
            Op::Drain(most) => {
                let most = usize::from(*most);
                let there = most.min(model.len());
                let values = ring.drain().take(most).map(|value| value.number());
                assert!(values.eq(model.drain(..there)));
            }
            Op::Close => {
                assert_eq!(ring.close(), !is_closed);
                is_closed = true;
            }
        }
        assert_eq!(ring.is_closed(), is_closed);
        assert_eq!(ring.len(), model.len());
        assert_eq!(ring.is_empty(), model.is_empty());
        assert_eq!(ring.is_full(), model.len() == n);
        assert_eq!(ledger.live(), model.len());
    }
    drop(ring);
    assert_eq!(ledger.live(), 0, "a value left in the ring was not dropped");
}

fuzz_target!(|input: Input| {
    let start = input.start.position() as usize;
    match input.capacity {
        Capacity::One => run(TurnRing::<_, 1>::with_start(start), &input.ops),
        Capacity::Two => run(TurnRing::<_, 2>::with_start(start), &input.ops),
        Capacity::Eight => run(TurnRing::<_, 8>::with_start(start), &input.ops),
        Capacity::SixtyFour => run(TurnRing::<_, 64>::with_start(start), &input.ops),
        Capacity::FourBorrowed => {
            let mut memory = [const { MaybeUninit::uninit() }; 4];
            let ring = TurnSliceRing::in_slice(&mut memory);
            run(ring.expect("four is a power of two"), &input.ops);
        }
    }
});
