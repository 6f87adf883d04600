//! Defends the invariants of `IndexStack`: indices stay below `N` (INV-1), the chain holds each
//! index once (INV-2), and a head that was removed from never passes for an untouched one (INV-3):
//! no index is lost and none has two owners.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::error::Error;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use latchless::stack::{IndexStack, OutOfRange};
use proptest::prelude::*;
use static_assertions::assert_impl_all;

use common::linearizability::{Event, Recording, Worker, check_rounds};
use common::property_config;
use common::random::Random;
use common::specs::{Lifo, LifoCall};
use common::team::Team;

assert_impl_all!(IndexStack<3>: Send, Sync, Default, Unpin);
assert_impl_all!(OutOfRange: Copy, Eq, Error, Send, Sync);

fn drain<const N: usize>(stack: &IndexStack<N>) -> Vec<u32> {
    // One index too many shows a chain that has become a circle.
    core::iter::from_fn(|| stack.pop()).take(N + 1).collect()
}

// === One thread ===

fn holds_every_index<const N: usize>() {
    let stack = IndexStack::<N>::full();
    assert_eq!(stack.capacity(), N);
    assert_eq!(drain(&stack), (0..N as u32).collect::<Vec<_>>(), "0 is on top");

    let stack = IndexStack::<N>::new();
    assert_eq!(stack.capacity(), N);
    assert_eq!(stack.pop(), None);
    for index in 0..N as u32 {
        assert_eq!(stack.push(index), Ok(()));
    }
    assert_eq!(drain(&stack), (0..N as u32).rev().collect::<Vec<_>>(), "the last one is on top");
}

#[test]
fn capacity() {
    holds_every_index::<1>();
    holds_every_index::<2>();
    holds_every_index::<3>();
    holds_every_index::<64>();
    holds_every_index::<1000>();
}

#[test]
fn len_empty_full() {
    let stack = IndexStack::<2>::full();
    assert!(!stack.is_empty());
    assert_eq!(stack.pop(), Some(0));
    assert!(!stack.is_empty());
    assert_eq!(stack.pop(), Some(1));
    assert!(stack.is_empty());
    assert_eq!(stack.pop(), None);
    stack.push(1).unwrap();
    assert!(!stack.is_empty());
    assert!(IndexStack::<2>::new().is_empty());
    assert!(IndexStack::<2>::default().is_empty());
}

#[test]
fn index_out_of_range_is_refused_and_changes_nothing() {
    let stack = IndexStack::<3>::new();
    stack.push(1).unwrap();
    for index in [3, 4, 1 << 31, u32::MAX - 1, u32::MAX] {
        let error = stack.push(index).unwrap_err();
        assert_eq!(error.index(), index);
        assert_eq!(error.to_string(), format!("index {index} is not below 3"));
    }
    assert_eq!(drain(&stack), [1]);
}

#[test]
fn many_are_refused_if_one_is_out_of_range() {
    let stack = IndexStack::<3>::new();
    stack.push(1).unwrap();
    for index in [3, u32::MAX - 1, u32::MAX] {
        assert_eq!(stack.push_many(&[0, index, 7]).unwrap_err().index(), index);
        assert_eq!(stack.push_many(&[index]).unwrap_err().index(), index);
    }
    assert_eq!(drain(&stack), [1]);
}

#[test]
fn many_come_out_as_they_went_in() {
    let stack = IndexStack::<5>::full();
    let mut all = [9; 7];
    assert_eq!(stack.pop_many(&mut []), 0);
    assert_eq!(stack.pop_many(&mut all), 5);
    assert_eq!(all[..5], [0, 1, 2, 3, 4]);
    assert_eq!(stack.pop_many(&mut all), 0);
    assert!(stack.is_empty());

    assert_eq!(stack.push_many(&[]), Ok(()));
    assert_eq!(stack.pop(), None);
    assert_eq!(stack.push_many(&[3]), Ok(()));
    assert_eq!(stack.push_many(&[4, 0, 2]), Ok(()));
    assert_eq!(stack.push(1), Ok(()));
    let mut two = [0; 2];
    assert_eq!(stack.pop_many(&mut two), 2);
    assert_eq!(two, [1, 4]);
    assert_eq!(drain(&stack), [0, 2, 3]);
}

#[test]
fn index_that_comes_and_goes_keeps_its_place() {
    // The head goes through many generations with the same index on top.
    let stack = IndexStack::<3>::full();
    for _ in 0..100_000 {
        assert_eq!(stack.pop(), Some(0));
        stack.push(0).unwrap();
    }
    assert_eq!(drain(&stack), [0, 1, 2]);
}

#[test]
fn memory_is_what_the_documentation_states() {
    fn check<const N: usize>() {
        assert_eq!(size_of::<IndexStack<N>>(), 128 + (4 * N).next_multiple_of(128));
    }
    check::<1>();
    check::<32>();
    check::<33>();
    check::<1000>();
}

#[test]
fn debug_shows_the_shape() {
    assert_eq!(format!("{:?}", IndexStack::<3>::full()), "IndexStack { capacity: 3, .. }");
}

// === Against a vector ===

fn agrees_with_a_vector<const N: usize>(choices: &[(bool, bool, u32)]) {
    let stack = IndexStack::<N>::full();
    let mut inside: Vec<u32> = (0..N as u32).rev().collect();
    let mut outside: Vec<u32> = Vec::new();
    for &(pops, many, choice) in choices {
        if many && pops {
            let mut popped = [u32::MAX; 5];
            let wanted = choice as usize % 6;
            let count = stack.pop_many(&mut popped[..wanted]);
            assert_eq!(count, wanted.min(inside.len()));
            let left = inside.len() - count;
            assert!(inside.drain(left..).rev().eq(popped[..count].iter().copied()));
            outside.extend_from_slice(&popped[..count]);
        } else if many {
            let pushed = outside.split_off(outside.len() - outside.len().min(choice as usize % 6));
            assert_eq!(stack.push_many(&pushed), Ok(()));
            inside.extend(pushed.iter().rev());
        } else if pops {
            let popped = stack.pop();
            assert_eq!(popped, inside.pop());
            outside.extend(popped);
        } else if !outside.is_empty() {
            let index = outside.swap_remove(choice as usize % outside.len());
            assert_eq!(stack.push(index), Ok(()));
            inside.push(index);
        }
        assert_eq!(stack.is_empty(), inside.is_empty());
    }
    inside.reverse();
    assert_eq!(drain(&stack), inside);
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_a_vector(
        choices in prop::collection::vec(any::<(bool, bool, u32)>(), 0..300),
    ) {
        agrees_with_a_vector::<1>(&choices);
        agrees_with_a_vector::<2>(&choices);
        agrees_with_a_vector::<7>(&choices);
        agrees_with_a_vector::<100>(&choices);
    }
}

// === Many threads ===

fn has_one_owner_at_a_time<const N: usize>(threads: usize, turns: usize) {
    let stack = IndexStack::<N>::full();
    let owned: [AtomicBool; N] = core::array::from_fn(|_| AtomicBool::new(false));
    let written: [AtomicU32; N] = core::array::from_fn(|_| AtomicU32::new(0));
    let written_by_all: usize = Team::run_alike(threads, |_, me| {
        let mut random = Random::new(me as u64);
        let mut mine: Vec<u32> = Vec::new();
        let mut turns_used = 0;
        for _ in 0..turns {
            // Hold several at a time, so that the order in the stack changes.
            if random.below(N + 1) >= mine.len() {
                let mut popped = [0; 3];
                let count = match random.below(5) {
                    0 => stack.pop_many(&mut popped),
                    _ => stack.pop().map(|index| popped[0] = index).iter().len(),
                };
                for &index in &popped[..count] {
                    let at = index as usize;
                    assert!(!owned[at].swap(true, Relaxed), "{index} had an owner");
                    // A load and a store: two owners would lose a write, and an owner who does not see
                    // what the last one did would too.
                    written[at].store(written[at].load(Relaxed) + 1, Relaxed);
                    turns_used += 1;
                    mine.push(index);
                }
            } else if random.below(5) == 0 {
                let pushed = mine.split_off(random.below(mine.len()));
                let was_mine = |index: &u32| owned[*index as usize].swap(false, Relaxed);
                assert!(pushed.iter().all(was_mine), "{pushed:?} were mine");
                assert_eq!(stack.push_many(&pushed), Ok(()));
            } else {
                let index = mine.swap_remove(random.below(mine.len()));
                assert!(owned[index as usize].swap(false, Relaxed), "{index} was mine");
                assert_eq!(stack.push(index), Ok(()));
            }
        }
        for index in mine {
            assert!(owned[index as usize].swap(false, Relaxed), "{index} was mine");
            assert_eq!(stack.push(index), Ok(()));
        }
        turns_used
    })
    .into_iter()
    .sum();
    let mut left = drain(&stack);
    left.sort_unstable();
    assert_eq!(left, (0..N as u32).collect::<Vec<_>>(), "each index is back, once");
    let written: usize = written.iter().map(|count| count.load(Relaxed) as usize).sum();
    assert_eq!(written, written_by_all);
}

#[test]
fn index_has_one_owner_at_a_time() {
    has_one_owner_at_a_time::<1>(2, 40_000);
    has_one_owner_at_a_time::<2>(2, 40_000);
    has_one_owner_at_a_time::<3>(3, 40_000);
    has_one_owner_at_a_time::<8>(4, 40_000);
    has_one_owner_at_a_time::<100>(4, 20_000);
}

#[test]
fn static_stack_is_shared_without_ceremony() {
    static FREE: IndexStack<2> = IndexStack::full();

    Team::run_alike(2, |team, _| {
        for _ in 0..1_000 {
            let index = team.wait_for(|| FREE.pop());
            FREE.push(index).unwrap();
        }
    });
    let mut left = drain(&FREE);
    left.sort_unstable();
    assert_eq!(left, [0, 1]);
}

// === Linearizability ===

/// Threads that pop and push back what they popped; then everything left is taken out.
fn round<const N: usize, const THREADS: usize>(
    random: &mut Random,
) -> (Lifo, Vec<Event<LifoCall>>) {
    let stack = &IndexStack::<N>::full();
    let workers = (0..THREADS).map(|_| -> Worker<'_, LifoCall> {
        let mut random = Random::new(random.word());
        Box::new(move |log| {
            let mut mine = Vec::with_capacity(8);
            for _ in 0..16 / THREADS {
                match random.below(8) {
                    0 => log.ask(|| stack.is_empty().then_some(LifoCall::Empty)),
                    1..5 => log.call(|| {
                        let popped = stack.pop();
                        mine.extend(popped);
                        LifoCall::of_pop(popped)
                    }),
                    _ if mine.is_empty() => {}
                    _ => {
                        let index = mine.swap_remove(random.below(mine.len()));
                        log.call(|| {
                            assert_eq!(stack.push(index), Ok(()));
                            LifoCall::Pushed(index)
                        });
                    }
                }
            }
        })
    });
    let history = Recording::of(workers.collect())
        .then(|log| log.call_until(&LifoCall::Empty, || LifoCall::of_pop(stack.pop())));
    (Lifo::of((0..N as u32).rev().collect()), history)
}

#[test]
fn linearizable() {
    check_rounds(600, round::<1, 2>);
    check_rounds(600, round::<2, 2>);
    check_rounds(600, round::<3, 2>);
    check_rounds(400, round::<3, 3>);
    check_rounds(400, round::<4, 4>);
}
