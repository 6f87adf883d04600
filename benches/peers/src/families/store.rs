//! Where blocks are taken from and given back to: pools, and free lists of indices.

use std::hint::black_box;

use super::queue::{Item, Line, apart};
use crate::bench::{Bench, Sample, Work, insist};
use crate::case::{Case, Shape};
use crate::machine;

/// A contestant, as one thread sees it.
pub(crate) trait Store: Clone + Send + 'static {
    /// What the thread owns between taking and giving back.
    type Block;

    /// Makes a store of `capacity` blocks. It may leak: a process runs one contestant once.
    fn open(capacity: usize) -> Self;

    /// Takes a block out and writes `line` to it.
    fn take(&mut self, line: Line) -> Option<Self::Block>;

    /// Reads the block and gives it back.
    fn give(&mut self, block: Self::Block) -> Line;
}

/// Measures one contestant.
pub(crate) fn run<S: Store>(case: &Case, bench: &Bench) -> Sample {
    match case.shape {
        Shape::Memory => memory::<S>(case.capacity),
        Shape::Burst(burst) => bursts::<S>(case.capacity, burst, bench),
        shape => {
            debug_assert!(matches!(shape, Shape::Alone | Shape::Each(_)), "no case of {shape}");
            each::<S>(case.capacity, case.threads(), bench)
        }
    }
}

/// Every thread takes a block and gives it back, in turns.
fn each<S: Store>(capacity: usize, threads: usize, bench: &Bench) -> Sample {
    let mut stores = apart(vec![S::open(capacity); threads]);
    bench.measure(threads as u64, |count| {
        let each = count / threads as u64;
        let work = stores.iter_mut().zip(1..).map(|(store, thread)| -> Work<'_> {
            Box::new(move || {
                for number in 1..=each {
                    // A block that two threads own at once shows a number of the other's.
                    let number = number << 8 | thread;
                    let block = insist(|| store.take(Line::of(number)));
                    assert_eq!(store.give(block).number(), number, "a block has two owners");
                }
            })
        });
        bench.together(work.collect())
    })
}

/// One thread takes several blocks, then gives them back in the same order.
fn bursts<S: Store>(capacity: usize, burst: usize, bench: &Bench) -> Sample {
    let mut store = S::open(capacity);
    bench.measure(burst as u64, |count| {
        bench.alone(|| {
            let mut blocks = Vec::with_capacity(burst);
            for number in 0..count / burst as u64 {
                for offset in 0..burst as u64 {
                    let line = Line::of(number + offset);
                    blocks.push(insist(|| store.take(line)));
                }
                for (block, offset) in blocks.drain(..).zip(0..) {
                    let found = store.give(block).number();
                    assert_eq!(found, number + offset, "a block was handed out twice");
                }
            }
        })
    })
}

/// The bytes that a store holds on to when all of it has been taken.
fn memory<S: Store>(capacity: usize) -> Sample {
    // Not the store's own.
    let mut blocks = Vec::with_capacity(capacity);
    let before = machine::allocated_bytes();
    let mut store = S::open(capacity);
    for number in 0..capacity as u64 {
        blocks.extend(store.take(Line::of(number)));
    }
    let bytes = machine::allocated_bytes().saturating_sub(before);
    black_box((store, blocks));
    Sample { value: bytes as f64, ..Sample::default() }
}
