//! `Pool`, its magazines, shared values and values by key, against lists of what was allocated: capacity,
//! rejected values, values that stay what they are while others come and go, pointers and keys that fit
//! once, and that each value is dropped once.
#![no_main]

use core::ptr::NonNull;

use arbitrary::Arbitrary;
use latchless::stack::{Counted, Exhausted, Key, KeyedPool, Pool, PoolArc, PoolBox};
use latchless_fuzz::{Ledger, Value};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    Alloc,
    /// Drop one of the boxes.
    Free(u8),
    /// Take the value out of one of the boxes.
    IntoInner(u8),
    /// Replace the value in one of the boxes.
    Replace(u8),
    /// Swap the values of two boxes through their exclusive references.
    Swap(u8, u8),
    /// Allocate from the magazine.
    AllocAtHand,
    /// Free one of the boxes into the magazine.
    FreeToHand(u8),
    /// Take the value out of one of the boxes, and keep its slot in the magazine.
    TakeToHand(u8),
    Drain,
    /// Make a pointer of one of the boxes.
    IntoRaw(u8),
    /// Make a box of one of the pointers.
    FromRaw(u8),
    /// Drop the value behind one of the pointers and free its slot, then free it again.
    FreeRaw(u8),
}

/// What holders of shared values do.
#[derive(Arbitrary, Debug)]
enum SharedOp {
    New,
    Clone(u8),
    Drop(u8),
    Mutate(u8),
    Unwrap(u8),
}

/// What those do who have keys.
#[derive(Arbitrary, Debug)]
enum KeyedOp {
    Insert,
    Claim(u8),
    /// Put one of the claimed values back.
    Put(u8),
    /// Drop one of the claimed values.
    Drop(u8),
    With(u8),
}

#[derive(Arbitrary, Debug)]
enum Ops {
    Boxes(Vec<Op>),
    Shared(Vec<SharedOp>),
    Keyed(Vec<KeyedOp>),
}

#[derive(Arbitrary, Debug)]
enum Capacity {
    One,
    Three,
    SixtyFour,
}

#[derive(Arbitrary, Debug)]
struct Input {
    capacity: Capacity,
    ops: Ops,
}

/// A box and the number of the value that must be in it.
type Allocation<'pool, const N: usize> = (PoolBox<'pool, Value, N>, usize);

/// One of so many, if there are any.
fn pick<T>(choice: u8, of: &[T]) -> Option<usize> {
    (!of.is_empty()).then(|| usize::from(choice) % of.len())
}

fn boxes<const N: usize>(ops: &[Op]) {
    let ledger = Ledger::new();
    let pool = Pool::<Value, N>::new();
    assert_eq!(pool.capacity(), N);
    let mut magazine = pool.magazine::<4>();
    let mut owned: Vec<Allocation<'_, N>> = Vec::new();
    let mut lent: Vec<(NonNull<Value>, usize)> = Vec::new();
    for op in ops {
        match *op {
            Op::Alloc | Op::AllocAtHand => {
                let value = ledger.issue();
                let number = value.number();
                let is_at_hand = matches!(op, Op::AllocAtHand);
                let at_hand = magazine.len();
                match if is_at_hand { magazine.alloc(value) } else { pool.alloc(value) } {
                    Ok(boxed) => owned.push((boxed, number)),
                    Err(Exhausted(value)) => {
                        assert_eq!(value.number(), number);
                        let kept = if is_at_hand { 0 } else { at_hand };
                        assert_eq!(
                            owned.len() + lent.len() + kept,
                            N,
                            "exhausted with a slot left"
                        );
                    }
                }
            }
            Op::Free(choice) => drop(pick(choice, &owned).map(|at| owned.swap_remove(at))),
            Op::IntoInner(choice) => {
                let Some(at) = pick(choice, &owned) else { continue };
                let (boxed, number) = owned.swap_remove(at);
                assert_eq!(boxed.into_inner().number(), number);
            }
            Op::Replace(choice) => {
                let Some(at) = pick(choice, &owned) else { continue };
                let (boxed, number) = &mut owned[at];
                **boxed = ledger.issue();
                *number = boxed.number();
            }
            Op::Swap(one, other) => {
                let (Some(one), Some(other)) = (pick(one, &owned), pick(other, &owned)) else {
                    continue;
                };
                if let Ok([one, other]) = owned.get_disjoint_mut([one, other]) {
                    std::mem::swap(&mut *one.0, &mut *other.0);
                    std::mem::swap(&mut one.1, &mut other.1);
                }
            }
            Op::FreeToHand(choice) => {
                let Some(at) = pick(choice, &owned) else { continue };
                assert!(magazine.free(owned.swap_remove(at).0).is_ok(), "it is this pool's");
            }
            Op::TakeToHand(choice) => {
                let Some(at) = pick(choice, &owned) else { continue };
                let (boxed, number) = owned.swap_remove(at);
                assert!(magazine.take(boxed).is_ok_and(|value| value.number() == number));
            }
            Op::Drain => {
                magazine.drain();
                assert!(magazine.is_empty());
            }
            Op::IntoRaw(choice) => {
                let Some(at) = pick(choice, &owned) else { continue };
                let (boxed, number) = owned.swap_remove(at);
                lent.push((boxed.into_raw(), number));
            }
            Op::FromRaw(choice) => {
                let Some(at) = pick(choice, &lent) else { continue };
                let (pointer, number) = lent.swap_remove(at);
                // SAFETY: lent, with a value in it.
                let boxed = unsafe { PoolBox::from_raw(&pool, pointer) };
                owned.push((boxed.expect("it is lent"), number));
            }
            Op::FreeRaw(choice) => {
                let Some(at) = pick(choice, &lent) else { continue };
                let (pointer, number) = lent.swap_remove(at);
                // SAFETY: the value is read once, before its slot is given back.
                assert_eq!(unsafe { pointer.read() }.number(), number);
                // SAFETY: nobody uses the slot any more.
                assert!(unsafe { pool.free_raw(pointer) }.is_ok());
                // SAFETY: as above, and it is refused.
                assert!(unsafe { pool.free_raw(pointer) }.is_err(), "freed twice");
            }
        }
        let used = owned.len() + lent.len();
        assert!(magazine.len() <= 4, "more slots at hand than there is room for");
        assert!(used + magazine.len() <= N, "more values than slots");
        assert_eq!(pool.is_exhausted(), used + magazine.len() == N);
        assert_eq!(ledger.live(), used);
        for (boxed, number) in &owned {
            assert_eq!(boxed.number(), *number, "a value changed under its owner");
        }
    }
    for (pointer, _) in lent {
        // SAFETY: lent, with a value in it.
        drop(unsafe { PoolBox::from_raw(&pool, pointer) });
    }
    owned.clear();
    drop(magazine);
    assert_eq!(ledger.live(), 0, "a value was not dropped");
    // Every slot has come back.
    for _ in 0..N {
        let Ok(boxed) = pool.alloc(ledger.issue()) else { panic!("a slot was lost") };
        owned.push((boxed, 0));
    }
    assert!(pool.alloc(ledger.issue()).is_err());
}

fn shared<const N: usize>(ops: &[SharedOp]) {
    let ledger = Ledger::new();
    let pool = Pool::<Counted<Value>, N>::new();
    let mut held: Vec<(PoolArc<'_, Value, N>, usize)> = Vec::new();
    for op in ops {
        let holders = |held: &[(PoolArc<'_, Value, N>, usize)], number| {
            held.iter().filter(|(_, of)| *of == number).count()
        };
        match *op {
            SharedOp::New => {
                let value = ledger.issue();
                let number = value.number();
                match PoolArc::new(&pool, value) {
                    Ok(arc) => held.push((arc, number)),
                    Err(Exhausted(value)) => assert_eq!(value.number(), number),
                }
            }
            SharedOp::Clone(choice) => {
                let Some(at) = pick(choice, &held) else { continue };
                let again = (held[at].0.clone(), held[at].1);
                assert!(PoolArc::ptr_eq(&again.0, &held[at].0));
                held.push(again);
            }
            SharedOp::Drop(choice) => drop(pick(choice, &held).map(|at| held.swap_remove(at))),
            SharedOp::Mutate(choice) => {
                let Some(at) = pick(choice, &held) else { continue };
                let count = holders(&held, held[at].1);
                let (arc, number) = &mut held[at];
                let exclusive = PoolArc::get_mut(arc);
                assert_eq!(exclusive.is_some(), count == 1);
                if let Some(value) = exclusive {
                    *value = ledger.issue();
                    *number = value.number();
                }
            }
            SharedOp::Unwrap(choice) => {
                let Some(at) = pick(choice, &held) else { continue };
                let count = holders(&held, held[at].1);
                let (arc, number) = held.swap_remove(at);
                match PoolArc::try_unwrap(arc) {
                    Ok(value) => assert_eq!((value.number(), count), (number, 1)),
                    Err(arc) => {
                        assert!(count > 1, "nobody else holds it");
                        held.push((arc, number));
                    }
                }
            }
        }
        let mut numbers: Vec<usize> = held.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(ledger.live(), numbers.len());
        assert_eq!(pool.is_exhausted(), numbers.len() == N);
        for (arc, number) in &held {
            assert_eq!(arc.number(), *number, "a value changed under its holders");
            assert_eq!(PoolArc::strong_count(arc) as usize, holders(&held, *number));
        }
    }
    drop(held);
    assert_eq!(ledger.live(), 0, "a value was not dropped");
}

fn keyed<const N: usize>(ops: &[KeyedOp]) {
    let ledger = Ledger::new();
    let pool = KeyedPool::<Value, N>::new();
    // Every key there was, and the number of its value while that is in.
    let mut keys: Vec<(Key<Value>, Option<usize>)> = Vec::new();
    let mut claimed: Vec<(PoolBox<'_, Value, N>, usize)> = Vec::new();
    for op in ops {
        match *op {
            KeyedOp::Insert => {
                let value = ledger.issue();
                let number = value.number();
                match pool.insert(value) {
                    Ok(key) => {
                        assert!(keys.iter().all(|&(old, _)| old != key), "a key came twice");
                        keys.push((key, Some(number)));
                    }
                    Err(Exhausted(value)) => assert_eq!(value.number(), number),
                }
            }
            KeyedOp::Claim(choice) => {
                let Some(at) = pick(choice, &keys) else { continue };
                let (key, number) = &mut keys[at];
                let found = pool.claim(*key);
                assert_eq!(found.as_ref().map(|boxed| boxed.number()), number.take());
                claimed.extend(found.map(|boxed| (boxed, at)));
            }
            KeyedOp::Put(choice) => {
                let Some(at) = pick(choice, &claimed) else { continue };
                let (boxed, of) = claimed.swap_remove(at);
                keys[of].1 = Some(boxed.number());
                assert_eq!(pool.put(boxed).ok(), Some(keys[of].0), "another key than it had");
            }
            KeyedOp::Drop(choice) => {
                drop(pick(choice, &claimed).map(|at| claimed.swap_remove(at)));
            }
            KeyedOp::With(choice) => {
                let Some(at) = pick(choice, &keys) else { continue };
                let (key, number) = &mut keys[at];
                let found = pool.with(*key, |value| {
                    let before = value.number();
                    *value = ledger.issue();
                    (before, value.number())
                });
                assert_eq!(found.map(|(before, _)| before), *number);
                *number = found.map(|(_, now)| now);
            }
        }
        let held = keys.iter().filter(|(_, number)| number.is_some()).count();
        assert!(held + claimed.len() <= N, "more values than slots");
        assert_eq!(ledger.live(), held + claimed.len());
        for &(key, number) in &keys {
            assert_eq!(pool.contains(key), number.is_some());
        }
    }
    drop(claimed);
    drop(pool);
    assert_eq!(ledger.live(), 0, "a value was not dropped");
}

fn run<const N: usize>(ops: &Ops) {
    match ops {
        Ops::Boxes(ops) => boxes::<N>(ops),
        Ops::Shared(ops) => shared::<N>(ops),
        Ops::Keyed(ops) => keyed::<N>(ops),
    }
}

fuzz_target!(|input: Input| {
    match input.capacity {
        Capacity::One => run::<1>(&input.ops),
        Capacity::Three => run::<3>(&input.ops),
        Capacity::SixtyFour => run::<64>(&input.ops),
    }
});
