//! `Snapshot` against a number and a list of guards: which value is current, what each guard sees, which
//! calls are refused, and that each value is dropped once, as soon as nobody can see it any more.
#![no_main]

use std::collections::BTreeSet;

use arbitrary::Arbitrary;
use latchless::snapshot::{CompareError, Guard, Snapshot};
use latchless::stack::Exhausted;
use latchless_fuzz::{Ledger, Start, Value};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    Load,
    /// Clone one of the guards.
    Clone(u8),
    /// Drop one of the guards.
    Leave(u8),
    Store,
    Swap,
    /// Replace the value if it is the one of this guard.
    CompareAndSwap(u8),
    Update,
    /// Ask for an update, and then not.
    Decline,
    /// Store in the middle of an update, which starts over.
    StoreInUpdate,
    /// Let nobody see the value any more, and replace it in place.
    GetMut,
}

#[derive(Arbitrary, Debug)]
enum Slots {
    Two,
    Three,
    SixtyFour,
}

#[derive(Arbitrary, Debug)]
struct Input {
    slots: Slots,
    start: Start,
    ops: Vec<Op>,
}

fn run<const N: usize>(start: u64, ops: &[Op]) {
    let ledger = Ledger::new();
    let mut snapshot = Snapshot::<Value, N>::with_start(ledger.issue(), start);
    let mut current = 0;
    let mut ops = ops.iter();
    // Exclusive access ends a stretch of guards.
    while !ops.as_slice().is_empty() {
        let mut guards: Vec<(Guard<'_, Value, N>, usize)> = Vec::new();
        for op in ops.by_ref() {
            let seen: BTreeSet<_> =
                guards.iter().map(|&(_, number)| number).chain([current]).collect();
            let has_room = seen.len() < N;
            let count = guards.len();
            let pick = |choice: u8| usize::from(choice) % count;
            match *op {
                Op::Load => guards.push((snapshot.load(), current)),
                Op::Clone(_) | Op::Leave(_) | Op::CompareAndSwap(_) if count == 0 => {}
                Op::Clone(choice) => {
                    let (guard, number) = &guards[pick(choice)];
                    let clone = (guard.clone(), *number);
                    guards.push(clone);
                }
                Op::Leave(choice) => drop(guards.swap_remove(pick(choice))),
                Op::Store => {
                    let value = ledger.issue();
                    let number = value.number();
                    match snapshot.store(value) {
                        Ok(()) => {
                            assert!(has_room);
                            current = number;
                        }
                        Err(Exhausted(back)) => {
                            assert_eq!((back.number(), has_room), (number, false))
                        }
                    }
                }
                Op::Swap | Op::Update => {
                    let mut value = Some(ledger.issue());
                    let number = value.as_ref().map_or(0, Value::number);
                    let outcome = if matches!(op, Op::Swap) {
                        value
                            .take()
                            .map(|value| snapshot.swap(value).map(Some))
                            .expect("it is there")
                    } else {
                        snapshot.fetch_update(|_| value.take())
                    };
                    match outcome {
                        Ok(before) => {
                            assert!(has_room);
                            guards.push((before.expect("nobody declined"), current));
                            current = number;
                        }
                        Err(Exhausted(back)) => {
                            assert_eq!((back.number(), has_room), (number, false))
                        }
                    }
                }
                Op::CompareAndSwap(choice) => {
                    let (guard, seen) = &guards[pick(choice)];
                    let value = ledger.issue();
                    let number = value.number();
                    match snapshot.compare_and_swap(guard, value) {
                        Ok(()) => {
                            assert!(has_room && *seen == current);
                            current = number;
                        }
                        Err(CompareError::Changed(back)) => {
                            assert!(back.number() == number && *seen != current);
                        }
                        Err(CompareError::Exhausted(back)) => {
                            assert!(back.number() == number && *seen == current && !has_room);
                        }
                    }
                }
                Op::Decline => {
                    let outcome = snapshot.fetch_update(|value| {
                        assert_eq!(value.number(), current);
                        None
                    });
                    assert!(matches!(outcome, Ok(None)));
                }
                Op::StoreInUpdate => {
                    let mut value = Some(ledger.issue());
                    let number = value.as_ref().map_or(0, Value::number);
                    let outcome = snapshot.fetch_update(|before| {
                        assert_eq!(before.number(), current);
                        // The second time there is nothing to store.
                        let has_stored = snapshot.store(value.take()?).is_ok();
                        assert_eq!(has_stored, has_room);
                        current = if has_stored { number } else { current };
                        has_stored.then(|| ledger.issue())
                    });
                    assert!(matches!(outcome, Ok(None)));
                }
                Op::GetMut => break,
            }
            for (guard, number) in &guards {
                assert_eq!(guard.number(), *number, "a value changed under its guard");
            }
            let alive: BTreeSet<_> =
                guards.iter().map(|&(_, number)| number).chain([current]).collect();
            assert_eq!(ledger.live(), alive.len());
        }
        drop(guards);
        assert_eq!(ledger.live(), 1);
        assert_eq!(snapshot.get_mut().number(), current);
        *snapshot.get_mut() = ledger.issue();
        current = snapshot.load().number();
    }
    // Every slot has come back.
    let guards: Vec<_> = (0..N).map_while(|_| snapshot.swap(ledger.issue()).ok()).collect();
    assert_eq!(guards.len(), N - 1, "a slot was lost or came back twice");
    drop(guards);
    drop(snapshot.into_inner());
    assert_eq!(ledger.live(), 0, "a value was not dropped");
}

fuzz_target!(|input: Input| {
    // Of which the counts have the lower 48 bits.
    let start = input.start.position();
    match input.slots {
        Slots::Two => run::<2>(start, &input.ops),
        Slots::Three => run::<3>(start, &input.ops),
        Slots::SixtyFour => run::<64>(start, &input.ops),
    }
});
