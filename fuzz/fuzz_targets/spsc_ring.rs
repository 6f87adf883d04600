//! `SpscRing` against a `VecDeque`: order, capacity, rejected values, what both handles say, and
//! that each value is dropped once, whether it was popped, alone or with others, or left in the ring.
#![no_main]

use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::rc::Rc;

use arbitrary::Arbitrary;
use latchless::ring::spsc::{Consumer, Misaligned, Producer, Ring, TooFew, WriteChunk};
use latchless::ring::storage::Storage;
use latchless::ring::{Full, SpscHeapRing, SpscRing, SpscSliceRing};
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
    /// Drop an end, and take it again.
    ChangeHands {
        is_producer: bool,
    },
    /// Push so many one by one, with a flush after each of the first, and publish the rest as `end` says.
    Batch {
        pushed: u8,
        flushed: u8,
        end: BatchEnd,
    },
    /// Fill as many slots as there are, so many at most.
    WriteUpTo(u8),
    /// Fill as many slots as start and end on a boundary, so many at most.
    WriteAligned(u8),
    /// Take as many values as there are, so many at most.
    ReadUpTo(u8),
    /// Take as many values as start and end on a boundary, so many at most.
    ReadAligned(u8),
    /// Push what an iterator over so many yields.
    PushIter(u8),
    /// Ask for a chunk of so many slots, and fill and commit so many at most.
    Write {
        asked: u8,
        committed: u8,
    },
    /// Fill as many slots as lie side by side, so many at most.
    WriteContiguous(u8),
    /// Ask an iterator over the values for so many.
    PopIter(u8),
    /// Let all values come.
    PopFold,
    /// Pop into so many places.
    PopUninit(u8),
    /// Ask for a chunk of so many values, look at them, and take so many at most.
    Read {
        asked: u8,
        taken: u8,
    },
    /// Take as many values as lie side by side, so many at most.
    ReadContiguous(u8),
    /// Ask for chunks, and commit nothing.
    LetGo(u8),
    Skip(u8),
    Clear,
    /// Push copies of so many numbers, or none.
    PushSlice {
        count: u8,
        is_entire: bool,
    },
    /// Pop into so many places for numbers, or none.
    PopSlice {
        count: u8,
        is_entire: bool,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum BatchEnd {
    Drop,
    Flush,
    /// The batch is forgotten, and an empty one after it publishes what it had.
    Forget,
}

#[derive(Arbitrary, Debug)]
enum Capacity {
    One,
    Two,
    Eight,
    SixtyFour,
}

/// Where the slots are.
#[derive(Arbitrary, Debug)]
enum Place {
    Inline,
    Borrowed,
    Allocated,
}

#[derive(Arbitrary, Debug)]
struct Input {
    capacity: Capacity,
    start: Start,
    place: Place,
    ops: Vec<Op>,
}

/// No more than a chunk of the largest ring, and one.
fn count(byte: u8) -> usize {
    usize::from(byte) % 66
}

/// Fills the first slots of a chunk in place, and commits them.
fn fill<S: Storage<Item = Value>>(
    mut chunk: WriteChunk<'_, &Ring<S>>,
    count: usize,
    ledger: &Rc<Ledger>,
    model: &mut VecDeque<usize>,
) {
    let (first, second) = chunk.as_mut_slices();
    for slot in first.iter_mut().chain(second).take(count) {
        model.push_back(slot.write(ledger.issue()).number());
    }
    // SAFETY: so many were written.
    unsafe { chunk.commit(count) };
}

/// What chunks start and end on.
const BOUNDARY: usize = 64;

/// Whether it starts and ends on a boundary.
fn is_whole<T>(slots: &[T]) -> bool {
    slots.as_ptr().addr().is_multiple_of(BOUNDARY) && size_of_val(slots).is_multiple_of(BOUNDARY)
}

/// Drops an end and takes it again.
fn change_hands<H>(end: &mut H, take: impl Fn() -> Option<H>) {
    // SAFETY: the next takes its place, or the process ends.
    drop(unsafe { core::ptr::read(end) });
    match take() {
        // SAFETY: the last was dropped.
        Some(next) => unsafe { core::ptr::write(end, next) },
        None => std::process::abort(),
    }
}

fn apply<'r, S: Storage<Item = Value>>(
    op: &Op,
    ring: &'r Ring<S>,
    producer: &mut Producer<&'r Ring<S>>,
    consumer: &mut Consumer<&'r Ring<S>>,
    ledger: &Rc<Ledger>,
    model: &mut VecDeque<usize>,
) {
    let slots = ring.capacity();
    let (len, vacant) = (model.len(), slots - model.len());
    let popped = |value: Value, model: &mut VecDeque<usize>| {
        assert_eq!(Some(value.number()), model.pop_front());
    };
    match *op {
        Op::Push => {
            let value = ledger.issue();
            let number = value.number();
            match producer.push(value) {
                Ok(()) => model.push_back(number),
                Err(Full(value)) => {
                    assert_eq!(value.number(), number);
                    assert_eq!(len, slots, "refused with room left");
                }
            }
        }
        Op::Pop => assert_eq!(consumer.pop().map(|value| value.number()), model.pop_front()),
        Op::PopBatch(room) => {
            let mut batch = batch_with_room(ledger, room);
            let taken = batch.len();
            let count = consumer.pop_into_vec(&mut batch);
            assert_eq!(count, len.min(BATCH - taken));
            for value in &batch[taken..] {
                assert_eq!(Some(value.number()), model.pop_front());
            }
            assert_eq!(batch.len(), taken + count);
        }
        Op::Peek => {
            let front = model.front().copied();
            assert_eq!(consumer.peek().map(Value::number), front);
            assert_eq!(consumer.peek_mut().map(|value| value.number()), front);
        }
        Op::PushIter(byte) => {
            let values = (0..count(byte)).map(|_| {
                let value = ledger.issue();
                model.push_back(value.number());
                value
            });
            assert_eq!(producer.push_iter(values), count(byte).min(vacant));
        }
        Op::Write { asked, committed } => match producer.write_chunk(count(asked)) {
            Ok(chunk) => {
                assert_eq!(chunk.len(), count(asked));
                fill(chunk, count(committed).min(count(asked)), ledger, model);
            }
            Err(TooFew(said)) => {
                assert_eq!(said, vacant);
                assert!(said < count(asked), "refused with room left");
            }
        },
        Op::WriteContiguous(most) => {
            let chunk = producer.write_chunk_contiguous(count(most));
            assert!(chunk.len() <= vacant.min(count(most)));
            assert_eq!(chunk.is_empty(), vacant.min(count(most)) == 0);
            let all = chunk.len();
            fill(chunk, all, ledger, model);
        }
        Op::PopIter(most) => {
            let values = consumer.pop_iter();
            assert_eq!(values.len(), len);
            values.take(count(most)).for_each(|value| popped(value, model));
            assert_eq!(model.len(), len.saturating_sub(count(most)));
        }
        Op::PopFold => {
            consumer.pop_iter().for_each(|value| popped(value, model));
            assert!(model.is_empty());
        }
        Op::PopUninit(most) => {
            let mut places: Vec<_> = (0..count(most)).map(|_| MaybeUninit::uninit()).collect();
            let moved = consumer.pop_slice_uninit(&mut places);
            assert_eq!(moved, len.min(count(most)));
            for place in places.into_iter().take(moved) {
                // SAFETY: so many values were moved to the first places.
                popped(unsafe { place.assume_init() }, model);
            }
        }
        Op::Read { asked, taken } => match consumer.read_chunk(count(asked)) {
            Ok(mut chunk) => {
                let (first, second) = chunk.as_mut_slices();
                let seen = first.iter().chain(&*second).map(Value::number);
                assert!(seen.eq(model.iter().copied().take(count(asked))));
                let (first, second) = chunk.as_slices();
                let seen = first.iter().chain(second).map(Value::number);
                assert!(seen.eq(model.iter().copied().take(count(asked))));
                chunk.commit(count(taken));
                model.drain(..count(taken).min(count(asked)));
            }
            Err(TooFew(said)) => {
                assert_eq!(said, len);
                assert!(said < count(asked), "refused with so many there");
            }
        },
        Op::ReadContiguous(most) => {
            let chunk = consumer.read_chunk_contiguous(count(most));
            assert_eq!(chunk.is_empty(), len.min(count(most)) == 0);
            let (first, second) = chunk.as_slices();
            assert!(first.len() <= len.min(count(most)) && second.is_empty());
            first.iter().for_each(|value| assert_eq!(Some(value.number()), model.pop_front()));
            chunk.commit_all();
        }
        Op::LetGo(byte) => {
            _ = producer.write_chunk(count(byte));
            _ = consumer.read_chunk(count(byte));
        }
        Op::Skip(most) => {
            assert_eq!(consumer.skip(count(most)), len.min(count(most)));
            model.drain(..len.min(count(most)));
        }
        Op::Clear => {
            assert_eq!(consumer.clear(), len);
            model.clear();
        }
        Op::ChangeHands { is_producer } => {
            assert!(ring.try_producer().is_none() && ring.try_consumer().is_none());
            if is_producer {
                change_hands(producer, || ring.try_producer());
            } else {
                change_hands(consumer, || ring.try_consumer());
            }
            assert!(!producer.is_abandoned() && !consumer.is_abandoned());
        }
        Op::Batch { pushed, flushed, end } => {
            let mut batch = producer.batch();
            for at in 0..count(pushed) {
                let value = ledger.issue();
                let number = value.number();
                match batch.push(value) {
                    Ok(()) => model.push_back(number),
                    Err(Full(value)) => {
                        assert_eq!(value.number(), number);
                        assert_eq!(model.len(), slots, "refused with room left");
                        assert!(batch.is_empty(), "it is published to make room");
                    }
                }
                if at < count(flushed) {
                    batch.flush();
                }
                assert_eq!(consumer.len() + batch.len(), model.len());
            }
            match end {
                BatchEnd::Drop => drop(batch),
                BatchEnd::Flush => {
                    batch.flush();
                    assert!(batch.is_empty());
                }
                BatchEnd::Forget => {
                    core::mem::forget(batch);
                    drop(producer.batch());
                }
            }
        }
        Op::WriteUpTo(most) => {
            let chunk = producer.write_chunk_up_to(count(most));
            let all = chunk.len();
            assert_eq!(all, vacant.min(count(most)));
            fill(chunk, all, ledger, model);
        }
        Op::WriteAligned(most) => match producer.write_chunk_aligned::<BOUNDARY>(count(most)) {
            Ok(mut chunk) => {
                let (first, second) = chunk.as_mut_slices();
                assert!(second.is_empty() && is_whole(first));
                let all = chunk.len();
                assert!(all <= vacant.min(count(most)));
                fill(chunk, all, ledger, model);
            }
            Err(Misaligned(slots)) => assert_ne!(slots, 0),
        },
        Op::ReadUpTo(most) => {
            let chunk = consumer.read_chunk_up_to(count(most));
            assert_eq!(chunk.len(), len.min(count(most)));
            model.drain(..chunk.len());
            chunk.commit_all();
        }
        Op::ReadAligned(most) => match consumer.read_chunk_aligned::<BOUNDARY>(count(most)) {
            Ok(chunk) => {
                let (first, second) = chunk.as_slices();
                assert!(second.is_empty() && is_whole(first));
                assert!(first.len() <= len.min(count(most)));
                first.iter().for_each(|value| assert_eq!(Some(value.number()), model.pop_front()));
                chunk.commit_all();
            }
            Err(Misaligned(slots)) => assert_ne!(slots, 0),
        },
        Op::SplitAgain | Op::PushSlice { .. } | Op::PopSlice { .. } => {}
    }
}

/// Moves numbers by slices. Returns how many were moved.
fn apply_to_numbers<S: Storage<Item = u64>>(
    op: &Op,
    producer: &mut Producer<&Ring<S>>,
    consumer: &mut Consumer<&Ring<S>>,
    next: &mut u64,
    model: &mut VecDeque<u64>,
) {
    let entire = |result: Result<(), TooFew>, asked: usize, possible: usize| match result {
        Ok(()) => asked,
        Err(TooFew(said)) => {
            assert_eq!(said, possible);
            assert!(said < asked, "refused though it was possible");
            0
        }
    };
    match *op {
        Op::PushSlice { count: byte, is_entire } => {
            let values: Vec<u64> = (*next..).take(count(byte)).collect();
            let vacant = producer.capacity() - model.len();
            let pushed = if is_entire {
                entire(producer.push_entire_slice(&values), values.len(), vacant)
            } else if byte.is_multiple_of(2) {
                producer.push_slice(&values)
            } else {
                producer.push_slice_cloned(&values)
            };
            assert!(is_entire || pushed == vacant.min(values.len()));
            model.extend(&values[..pushed]);
            *next += pushed as u64;
        }
        Op::PopSlice { count: byte, is_entire } => {
            let mut places = vec![u64::MAX; count(byte)];
            let asked = places.len();
            let popped = if is_entire {
                entire(consumer.pop_entire_slice(&mut places), asked, model.len())
            } else {
                consumer.pop_slice(&mut places)
            };
            assert!(is_entire || popped == model.len().min(asked));
            assert!(places[..popped].iter().copied().eq(model.drain(..popped)));
            assert!(places[popped..].iter().all(|&place| place == u64::MAX));
        }
        _ => {}
    }
}

/// Does it all to an empty ring, and to one of numbers.
fn run_on<S, M>(mut ring: Ring<S>, mut numbers: Ring<M>, ops: &[Op])
where
    S: Storage<Item = Value>,
    M: Storage<Item = u64>,
{
    let ledger = Ledger::new();
    let slots = ring.capacity();
    let (mut model, mut model_of_numbers, mut next) = (VecDeque::new(), VecDeque::new(), 0);
    for ops in ops.split_inclusive(|op| matches!(op, Op::SplitAgain)) {
        // By exclusive reference, so whatever became of the handles; and then for others to take.
        drop(ring.split());
        let Some((mut producer, mut consumer)) = ring.try_split() else {
            unreachable!("both ends were dropped")
        };
        let (mut numbers_in, mut numbers_out) = numbers.split();
        for op in ops {
            apply(op, &ring, &mut producer, &mut consumer, &ledger, &mut model);
            apply_to_numbers(
                op,
                &mut numbers_in,
                &mut numbers_out,
                &mut next,
                &mut model_of_numbers,
            );
            // Not after every call: to ask is to look at the other side's position again.
            if matches!(op, Op::Peek | Op::SplitAgain) {
                assert_eq!([producer.len(), consumer.len()], [model.len(); 2]);
                assert_eq!([producer.is_empty(), consumer.is_empty()], [model.is_empty(); 2]);
                assert_eq!([producer.is_full(), consumer.is_full()], [model.len() == slots; 2]);
                assert_eq!(producer.slots(), slots - model.len());
                assert_eq!([producer.capacity(), consumer.capacity()], [slots; 2]);
            }
            assert_eq!(ledger.live(), model.len());
        }
    }
    drop(ring);
    assert_eq!(ledger.live(), 0, "a value left in the ring was not dropped");
}

fn run<const N: usize>(start: Start, place: Place, ops: &[Op]) {
    let at = start.position() as usize;
    match place {
        Place::Inline => {
            let ring = SpscRing::<Value, N>::with_start(at);
            run_on(ring, SpscRing::<u64, N>::with_start(at), ops);
        }
        Place::Borrowed => {
            let (mut memory, mut numbers) =
                ([const { MaybeUninit::uninit() }; N], [const { MaybeUninit::uninit() }; N]);
            let rings =
                (SpscSliceRing::in_slice(&mut memory), SpscSliceRing::in_slice(&mut numbers));
            let (Ok(ring), Ok(numbers)) = rings else { unreachable!("N is a power of two") };
            run_on(ring, numbers, ops);
        }
        Place::Allocated => {
            run_on(SpscHeapRing::with_capacity(N), SpscHeapRing::with_capacity(N), ops);
        }
    }
}

fuzz_target!(|input: Input| {
    let Input { capacity, start, place, ops } = input;
    match capacity {
        Capacity::One => run::<1>(start, place, &ops),
        Capacity::Two => run::<2>(start, place, &ops),
        Capacity::Eight => run::<8>(start, place, &ops),
        Capacity::SixtyFour => run::<64>(start, place, &ops),
    }
});
