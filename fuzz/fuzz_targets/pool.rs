//! `Pool` against a list of what was allocated: capacity, rejected values, values that stay what
//! they are while others come and go, and that each value is dropped once.
#![no_main]

use arbitrary::Arbitrary;
use latchless::stack::{Exhausted, Pool, PoolBox};
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
    ops: Vec<Op>,
}

/// A box and the number of the value that must be in it.
type Allocation<'pool, const N: usize> = (PoolBox<'pool, Value, N>, usize);

fn run<const N: usize>(ops: &[Op]) {
    let ledger = Ledger::new();
    let pool = Pool::<Value, N>::new();
    assert_eq!(pool.capacity(), N);
    let mut allocations: Vec<Allocation<'_, N>> = Vec::new();
    for op in ops {
        let count = allocations.len();
        let pick = |choice: u8| usize::from(choice) % count;
        match *op {
            Op::Alloc => {
                let value = ledger.issue();
                let number = value.number();
                match pool.alloc(value) {
                    Ok(boxed) => allocations.push((boxed, number)),
                    Err(Exhausted(value)) => {
                        assert_eq!(value.number(), number);
                        assert_eq!(count, N, "exhausted with a slot left");
                    }
                }
            }
            _ if count == 0 => {}
            Op::Free(choice) => drop(allocations.swap_remove(pick(choice))),
            Op::IntoInner(choice) => {
                let (boxed, number) = allocations.swap_remove(pick(choice));
                assert_eq!(boxed.into_inner().number(), number);
            }
            Op::Replace(choice) => {
                let (boxed, number) = &mut allocations[pick(choice)];
                **boxed = ledger.issue();
                *number = boxed.number();
            }
            Op::Swap(one, other) => {
                let (one, other) = (pick(one), pick(other));
                if let Ok([one, other]) = allocations.get_disjoint_mut([one, other]) {
                    std::mem::swap(&mut *one.0, &mut *other.0);
                    std::mem::swap(&mut one.1, &mut other.1);
                }
            }
        }
        assert!(allocations.len() <= N, "more values than slots");
        assert_eq!(pool.is_exhausted(), allocations.len() == N);
        assert_eq!(ledger.live(), allocations.len());
        for (boxed, number) in &allocations {
            assert_eq!(boxed.number(), *number, "a value changed under its owner");
        }
    }
    allocations.clear();
    assert_eq!(ledger.live(), 0, "a value was not dropped");
    // Every slot has come back.
    for _ in 0..N {
        let Ok(boxed) = pool.alloc(ledger.issue()) else { panic!("a slot was lost") };
        allocations.push((boxed, 0));
    }
    assert!(pool.alloc(ledger.issue()).is_err());
}

fuzz_target!(|input: Input| {
    match input.capacity {
        Capacity::One => run::<1>(&input.ops),
        Capacity::Three => run::<3>(&input.ops),
        Capacity::SixtyFour => run::<64>(&input.ops),
    }
});
