//! `IndexStack` against a `Vec`: order, and indices that are out of range.
#![no_main]

use arbitrary::Arbitrary;
use latchless::stack::IndexStack;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    Pop,
    /// Push one of the indices that are not in the stack.
    Push(u8),
    /// Push an index that is beyond the range by so much.
    PushBeyond(u32),
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
    starts_full: bool,
    ops: Vec<Op>,
}

fn run<const N: usize>(starts_full: bool, ops: &[Op]) {
    let stack = if starts_full { IndexStack::<N>::full() } else { IndexStack::<N>::new() };
    let bound = u32::try_from(N).expect("N is small");
    // Indices in the stack, the top one last, and those outside, which this thread owns.
    let (mut inside, mut outside) = (Vec::from_iter((0..bound).rev()), Vec::new());
    if !starts_full {
        std::mem::swap(&mut inside, &mut outside);
    }
    for op in ops {
        match op {
            Op::Pop => {
                let index = stack.pop();
                assert_eq!(index, inside.pop());
                outside.extend(index);
            }
            Op::Push(choice) if !outside.is_empty() => {
                let index = outside.swap_remove(usize::from(*choice) % outside.len());
                stack.push(index).expect("the index is in range");
                inside.push(index);
            }
            Op::Push(_) => {}
            Op::PushBeyond(distance) => {
                let index = bound.saturating_add(*distance);
                assert!(stack.push(index).is_err(), "{index} of {N} was accepted");
            }
        }
        assert_eq!(stack.is_empty(), inside.is_empty());
    }
    inside.reverse();
    assert_eq!(std::iter::from_fn(|| stack.pop()).collect::<Vec<_>>(), inside);
}

fuzz_target!(|input: Input| {
    match input.capacity {
        Capacity::One => run::<1>(input.starts_full, &input.ops),
        Capacity::Three => run::<3>(input.starts_full, &input.ops),
        Capacity::SixtyFour => run::<64>(input.starts_full, &input.ops),
    }
});
