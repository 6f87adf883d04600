//! `IndexStack` against a `Vec`: order, and indices that are out of range; stacks of nodes against the same,
//! in steps of one and of many.
#![no_main]

use arbitrary::Arbitrary;
#[cfg(not(latchless_native))]
use latchless::stack::TreiberStack;
use latchless::stack::{Chain, IndexStack, Node, NodeRef, TransferStack};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    Pop,
    /// Push one of the indices that are not in the stack.
    Push(u8),
    /// Push an index that is beyond the range by so much.
    PushBeyond(u32),
    /// Pop so many in one step; then push the first few of them, in one step.
    Many(u8, u8),
    /// Pop all in one step; then push the first few of them, in one step.
    All(u8),
}

#[derive(Arbitrary, Debug)]
enum Capacity {
    One,
    Three,
    SixtyFour,
    /// Of nodes.
    Nodes,
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
            Op::Many(..) | Op::All(_) => {}
        }
        assert_eq!(stack.is_empty(), inside.is_empty());
    }
    inside.reverse();
    assert_eq!(std::iter::from_fn(|| stack.pop()).collect::<Vec<_>>(), inside);
}

const NODES: usize = 8;

/// Nodes that are taken out of a stack and those that nobody has given to it, in order.
fn give_back<'a>(
    taken: Chain<NodeRef<'a, usize>>,
    count: u8,
    outside: &mut Vec<NodeRef<'a, usize>>,
) -> (Chain<NodeRef<'a, usize>>, Vec<usize>) {
    let (mut given, mut numbers) = (Chain::new(), Vec::new());
    for node in taken {
        if numbers.len() < usize::from(count) {
            numbers.push(*node);
            given.push_back(node);
        } else {
            outside.push(node);
        }
    }
    (given, numbers)
}

#[cfg(not(latchless_native))]
fn run_treiber_stack(ops: &[Op]) {
    let nodes: [_; NODES] = std::array::from_fn(Node::new);
    let stack = TreiberStack::with_generation(u64::MAX - 2);
    let mut outside = Vec::from_iter(nodes.iter().filter_map(Node::try_claim));
    let mut inside: Vec<usize> = Vec::new();
    for op in ops {
        match *op {
            Op::Pop => {
                let node = stack.pop();
                assert_eq!(node.as_deref().copied(), inside.pop());
                outside.extend(node);
            }
            Op::Push(choice) if !outside.is_empty() => {
                let node = outside.swap_remove(usize::from(choice) % outside.len());
                inside.push(*node);
                stack.push(node);
            }
            Op::Push(_) | Op::PushBeyond(_) => {}
            Op::Many(count, back) => {
                let rest = inside.len().saturating_sub(usize::from(count));
                let expected: Vec<_> = inside.drain(rest..).rev().collect();
                let taken = stack.pop_many(count.into());
                let kept = outside.len();
                let (given, numbers) = give_back(taken, back, &mut outside);
                assert!(
                    numbers.iter().chain(outside[kept..].iter().map(|node| &**node)).eq(&expected)
                );
                stack.push_chain(given);
                inside.extend(numbers.iter().rev());
            }
            Op::All(back) => {
                let kept = outside.len();
                let (given, numbers) = give_back(stack.pop_all(), back, &mut outside);
                let taken = numbers.iter().chain(outside[kept..].iter().map(|node| &**node));
                assert!(taken.eq(inside.iter().rev()));
                stack.push_chain(given);
                inside = numbers.into_iter().rev().collect();
            }
        }
        assert_eq!(stack.is_empty(), inside.is_empty());
        assert_eq!(inside.len() + outside.len(), NODES, "a node was lost");
    }
    assert!(stack.pop_all().reversed().map(|node| *node).eq(inside));
}

fn run_transfer_stack(ops: &[Op]) {
    let nodes: [_; NODES] = std::array::from_fn(Node::new);
    let stack = TransferStack::new();
    let mut outside = Vec::from_iter(nodes.iter().filter_map(Node::try_claim));
    let mut inside: Vec<usize> = Vec::new();
    for op in ops {
        match *op {
            Op::Push(choice) if !outside.is_empty() => {
                let node = outside.swap_remove(usize::from(choice) % outside.len());
                let was_empty = inside.is_empty();
                inside.push(*node);
                assert_eq!(stack.push(node), was_empty);
            }
            Op::All(back) => {
                let kept = outside.len();
                let (given, numbers) = give_back(stack.take_all(), back, &mut outside);
                let taken = numbers.iter().chain(outside[kept..].iter().map(|node| &**node));
                assert!(taken.eq(inside.iter().rev()));
                assert_eq!(stack.push_chain(given), !numbers.is_empty());
                inside = numbers.into_iter().rev().collect();
            }
            _ => {}
        }
        assert_eq!(stack.is_empty(), inside.is_empty());
        assert_eq!(inside.len() + outside.len(), NODES, "a node was lost");
    }
    assert!(stack.take_all().reversed().map(|node| *node).eq(inside));
}

fuzz_target!(|input: Input| {
    match input.capacity {
        Capacity::One => run::<1>(input.starts_full, &input.ops),
        Capacity::Three => run::<3>(input.starts_full, &input.ops),
        Capacity::SixtyFour => run::<64>(input.starts_full, &input.ops),
        Capacity::Nodes => {
            #[cfg(not(latchless_native))]
            run_treiber_stack(&input.ops);
            run_transfer_stack(&input.ops);
        }
    }
});
