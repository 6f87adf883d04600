//! Defends the edges E1 and E2 and the invariants of `latchless::ring::SpscRing`. The slots are
//! loom's checked cells: a push and a pop that touch one slot without an edge between them fail.

use std::mem::ManuallyDrop;
use std::ptr;

use latchless::ring::spsc::{Consumer, Producer};
use latchless::ring::{Full, SpscRing};
use latchless_loom::outcomes;
use loom::{sync::Arc, thread};

/// Runs `produce` on a thread and `consume` on the main one over a ring of `N` slots whose
/// positions start at `start` and which holds `filled` first; then drains the ring. Returns what
/// the two returned, and the rest.
fn race<const N: usize, P: Send + 'static, C>(
    start: usize,
    filled: &[u32],
    produce: impl FnOnce(&mut Producer<&SpscRing<u32, N>>) -> P + Send + 'static,
    consume: impl FnOnce(&mut Consumer<&SpscRing<u32, N>>) -> C,
) -> (P, C, Vec<u32>) {
    // Not dropped when the model fails: unwinding through a ring that loom has just found a race
    // in would abort the test.
    let ring = ManuallyDrop::new(Box::new(SpscRing::<u32, N>::with_start(start)));
    // SAFETY: the ring outlives the handles: it is dropped at the end, after both.
    let shared: &'static SpscRing<u32, N> = unsafe { &*ptr::from_ref(&**ring) };
    let (mut producer, mut consumer) = shared.try_split().unwrap();
    for &value in filled {
        producer.push(value).unwrap();
    }
    let thread = thread::spawn(move || produce(&mut producer));
    let consumed = consume(&mut consumer);
    let produced = thread.join().unwrap();
    let rest = core::iter::from_fn(|| consumer.pop()).collect();
    drop(consumer);
    drop(ManuallyDrop::into_inner(ring));
    (produced, consumed, rest)
}

#[test]
fn pop_races_push_on_first_slot() {
    let expected = [(Ok(()), None, vec![7]), (Ok(()), Some(7), vec![])];
    outcomes("pop_races_push_on_first_slot", None, &expected, || {
        race::<2, _, _>(0, &[], |p| p.push(7).map_err(Full::into_inner), |c| c.pop())
    });
}

#[test]
fn push_races_pop_on_last_slot() {
    let expected = [(Ok(()), Some(1), vec![2]), (Err(2), Some(1), vec![])];
    outcomes("push_races_pop_on_last_slot", None, &expected, || {
        race::<1, _, _>(0, &[1], |p| p.push(2).map_err(Full::into_inner), |c| c.pop())
    });
}

#[test]
fn peek_races_push_on_first_slot() {
    let expected = [
        ((), (None, None), vec![7]),
        ((), (None, Some(7)), vec![]),
        ((), (Some(7), Some(7)), vec![]),
    ];
    outcomes("peek_races_push_on_first_slot", None, &expected, || {
        race::<1, _, _>(0, &[], |p| p.push(7).unwrap(), |c| (c.peek().copied(), c.pop()))
    });
}

#[test]
fn pushes_race_pops_round_the_wrap() {
    let expected = [
        (2, vec![], vec![1, 2]),
        (2, vec![1], vec![2]),
        (2, vec![1, 2], vec![]),
        (3, vec![1], vec![2, 3]),
        (3, vec![1, 2], vec![3]),
    ];
    outcomes("pushes_race_pops_round_the_wrap", None, &expected, || {
        race::<2, _, _>(
            usize::MAX,
            &[],
            |p| (1..=3).filter(|&value| p.push(value).is_ok()).count(),
            |c| (0..2).filter_map(|_| c.pop()).collect::<Vec<_>>(),
        )
    });
}

#[test]
fn lengths_race_push_and_pop() {
    let expected = [(1, 1, vec![2]), (1, 2, vec![2]), (2, 1, vec![2]), (2, 2, vec![2])];
    outcomes("lengths_race_push_and_pop", None, &expected, || {
        race::<2, _, _>(
            0,
            &[1],
            |p| {
                p.push(2).unwrap();
                p.len()
            },
            |c| {
                let len = c.len();
                assert_eq!(c.pop(), Some(1));
                len
            },
        )
    });
}

#[test]
fn split_races_split() {
    outcomes("split_races_split", None, &[(false, true), (true, false)], || {
        let ring = Arc::new(SpscRing::<u32, 1>::new());
        let other = thread::spawn({
            let ring = Arc::clone(&ring);
            // Whoever has the handles keeps them.
            move || ring.try_split().map(core::mem::forget).is_some()
        });
        let won = ring.try_split().map(core::mem::forget).is_some();
        (won, other.join().unwrap())
    });
}

// === Ends that are given back ===

/// Runs `one` on a thread and `other` on the main one over a ring of one slot, with 1 in it if
/// `is_full`; then drains the ring. Returns what the two returned, and the rest.
fn share<A: Send + 'static, B>(
    is_full: bool,
    one: impl FnOnce(&SpscRing<u32, 1>) -> A + Send + 'static,
    other: impl FnOnce(&SpscRing<u32, 1>) -> B,
) -> (A, B, Option<u32>) {
    // As in `race`: not dropped when the model fails.
    let ring = ManuallyDrop::new(Arc::new(SpscRing::new()));
    if is_full {
        ring.try_producer().unwrap().push(1).unwrap();
    }
    let thread = thread::spawn({
        let ring = Arc::clone(&ring);
        move || one(&ring)
    });
    let other = other(&ring);
    let one = thread.join().unwrap();
    let rest = ring.try_consumer().unwrap().pop();
    drop(ManuallyDrop::into_inner(ring));
    (one, other, rest)
}

#[test]
fn producers_follow_each_other() {
    // One of them may find the end held, the ring full, or neither.
    let expected = [
        (None, Some(true), Some(3)),
        (Some(true), None, Some(2)),
        (Some(true), Some(false), Some(2)),
        (Some(false), Some(true), Some(3)),
    ];
    outcomes("producers_follow_each_other", None, &expected, || {
        let push = |ring: &SpscRing<u32, 1>, value| Some(ring.try_producer()?.push(value).is_ok());
        share(false, move |ring| push(ring, 2), |ring| push(ring, 3))
    });
}

#[test]
fn consumers_follow_each_other() {
    let expected = [
        (None, Some(Some(1)), None),
        (Some(Some(1)), None, None),
        (Some(Some(1)), Some(None), None),
        (Some(None), Some(Some(1)), None),
    ];
    outcomes("consumers_follow_each_other", None, &expected, || {
        let pop = |ring: &SpscRing<u32, 1>| Some(ring.try_consumer()?.pop());
        share(true, pop, pop)
    });
}

#[test]
fn push_races_the_taking_of_the_other_end() {
    let expected = [((), None, Some(7)), ((), Some(7), None)];
    outcomes("push_races_the_taking_of_the_other_end", None, &expected, || {
        share(
            false,
            |ring| ring.try_producer().unwrap().push(7).unwrap(),
            |ring| ring.try_consumer().unwrap().pop(),
        )
    });
}

#[test]
fn pop_races_the_taking_of_the_other_end() {
    let expected = [(Some(1), Ok(()), Some(2)), (Some(1), Err(2), None)];
    outcomes("pop_races_the_taking_of_the_other_end", None, &expected, || {
        share(
            true,
            |ring| ring.try_consumer().unwrap().pop(),
            |ring| ring.try_producer().unwrap().push(2).map_err(Full::into_inner),
        )
    });
}

#[test]
fn push_races_abandonment() {
    // A consumer that finds itself abandoned finds the last push too.
    let expected =
        [((), (false, None), Some(7)), ((), (false, Some(7)), None), ((), (true, Some(7)), None)];
    outcomes("push_races_abandonment", None, &expected, || {
        let ring = ManuallyDrop::new(Arc::new(SpscRing::<u32, 1>::new()));
        let thread = thread::spawn({
            let ring = Arc::clone(&ring);
            let mut producer = ManuallyDrop::new(take_producer(&ring));
            move || {
                producer.push(7).unwrap();
                drop(ManuallyDrop::into_inner(producer));
                drop(ring);
            }
        });
        let mut consumer = ring.try_consumer().unwrap();
        let seen = (consumer.is_abandoned(), consumer.pop());
        thread.join().unwrap();
        let rest = consumer.pop();
        drop(consumer);
        drop(ManuallyDrop::into_inner(ring));
        ((), seen, rest)
    });
}

#[test]
fn pop_races_abandonment() {
    // A producer that finds itself abandoned finds the room that the last pop made.
    let expected = [((), (false, false), 0), ((), (false, true), 1), ((), (true, true), 1)];
    outcomes("pop_races_abandonment", None, &expected, || {
        let ring = ManuallyDrop::new(Arc::new(SpscRing::<u32, 1>::new()));
        ring.try_producer().unwrap().push(1).unwrap();
        let thread = thread::spawn({
            let ring = Arc::clone(&ring);
            let mut consumer = ManuallyDrop::new(take_consumer(&ring));
            move || {
                assert_eq!(consumer.pop(), Some(1));
                drop(ManuallyDrop::into_inner(consumer));
                drop(ring);
            }
        });
        let mut producer = ring.try_producer().unwrap();
        let seen = (producer.is_abandoned(), producer.push(2).is_ok());
        thread.join().unwrap();
        let len = producer.len();
        drop(producer);
        drop(ManuallyDrop::into_inner(ring));
        ((), seen, len)
    });
}

/// The end, for as long as the caller keeps `ring`.
fn take_producer(ring: &Arc<SpscRing<u32, 1>>) -> Producer<&'static SpscRing<u32, 1>> {
    // SAFETY: both callers drop the handle before their clone of `ring`.
    unsafe { &*Arc::as_ptr(ring) }.try_producer().unwrap()
}

/// As [`take_producer`].
fn take_consumer(ring: &Arc<SpscRing<u32, 1>>) -> Consumer<&'static SpscRing<u32, 1>> {
    // SAFETY: as above.
    unsafe { &*Arc::as_ptr(ring) }.try_consumer().unwrap()
}

// === Several values at a time ===

/// Pushes `values` in place, and commits all of them. Returns whether there was room.
fn write_in_place<const N: usize>(
    producer: &mut Producer<&SpscRing<u32, N>>,
    values: &[u32],
) -> bool {
    let Ok(mut chunk) = producer.write_chunk(values.len()) else { return false };
    let (first, second) = chunk.as_mut_slices();
    for (slot, &value) in first.iter_mut().chain(second).zip(values) {
        slot.write(value);
    }
    // SAFETY: as many were written as there are slots.
    unsafe { chunk.commit_all() };
    true
}

/// Looks at the `count` oldest values and takes them out, if there are so many.
fn read_in_place<const N: usize>(
    consumer: &mut Consumer<&SpscRing<u32, N>>,
    count: usize,
) -> Vec<u32> {
    let Ok(chunk) = consumer.read_chunk(count) else { return vec![] };
    let (first, second) = chunk.as_slices();
    let values = [first, second].concat();
    chunk.commit_all();
    values
}

#[test]
fn chunk_commit_races_pops_round_the_wrap() {
    let expected =
        [(true, vec![], vec![7, 8]), (true, vec![7], vec![8]), (true, vec![7, 8], vec![])];
    outcomes("chunk_commit_races_pops_round_the_wrap", None, &expected, || {
        race::<2, _, _>(
            usize::MAX,
            &[],
            |p| write_in_place(p, &[7, 8]),
            |c| (0..2).filter_map(|_| c.pop()).collect::<Vec<_>>(),
        )
    });
}

#[test]
fn chunk_read_races_pushes_round_the_wrap() {
    let expected = [(0, vec![1, 2], vec![]), (1, vec![1, 2], vec![4]), (2, vec![1, 2], vec![3, 4])];
    outcomes("chunk_read_races_pushes_round_the_wrap", None, &expected, || {
        race::<2, _, _>(
            usize::MAX,
            &[1, 2],
            |p| (3..=4).filter(|&value| p.push(value).is_ok()).count(),
            |c| read_in_place(c, 2),
        )
    });
}

#[test]
fn chunk_commit_races_chunk_read() {
    let expected = [(false, vec![1, 2], vec![]), (true, vec![1, 2], vec![3, 4])];
    outcomes("chunk_commit_races_chunk_read", None, &expected, || {
        race::<2, _, _>(
            usize::MAX,
            &[1, 2],
            |p| write_in_place(p, &[3, 4]),
            |c| read_in_place(c, 2),
        )
    });
}

#[test]
fn part_of_a_chunk_races_part_of_a_chunk() {
    let expected = [(true, vec![], vec![1, 7]), (true, vec![1], vec![7])];
    outcomes("part_of_a_chunk_races_part_of_a_chunk", None, &expected, || {
        race::<4, _, _>(
            usize::MAX,
            &[1],
            |p| {
                let mut chunk = p.write_chunk(3).unwrap();
                let (first, second) = chunk.as_mut_slices();
                first.iter_mut().chain(second).for_each(|slot| {
                    slot.write(7);
                });
                // SAFETY: all of them were written.
                unsafe { chunk.commit(1) };
                true
            },
            |c| {
                let Ok(mut chunk) = c.read_chunk(2) else { return vec![] };
                let (first, second) = chunk.as_mut_slices();
                assert_eq!([&*first, second].concat(), [1, 7]);
                chunk.commit(1);
                vec![1]
            },
        )
    });
}

#[test]
fn slices_race_slices_round_the_wrap() {
    let expected = [
        (2, vec![1], vec![2, 3]),
        (2, vec![1, 2], vec![3]),
        (2, vec![1, 2, 3], vec![]),
        (1, vec![1], vec![2]),
        (1, vec![1, 2], vec![]),
    ];
    outcomes("slices_race_slices_round_the_wrap", None, &expected, || {
        race::<2, _, _>(
            usize::MAX,
            &[1],
            |p| p.push_slice(&[2]) + p.push_slice(&[3]),
            |c| {
                let mut places = [0; 3];
                let popped = c.pop_slice(&mut places[..2]);
                let popped = popped + c.pop_slice(&mut places[popped..]);
                places[..popped].to_vec()
            },
        )
    });
}

#[test]
fn entire_slices_race_on_a_full_ring() {
    let expected = [(false, true, vec![]), (true, true, vec![3, 4])];
    outcomes("entire_slices_race_on_a_full_ring", None, &expected, || {
        race::<2, _, _>(
            usize::MAX,
            &[1, 2],
            |p| p.push_entire_slice(&[3, 4]).is_ok(),
            |c| c.pop_entire_slice(&mut [0; 2]).is_ok(),
        )
    });
}

#[test]
fn iterators_race_iterators() {
    let expected = [
        (1, vec![1], vec![7]),
        (1, vec![1, 7], vec![]),
        (2, vec![1], vec![7, 8]),
        (2, vec![1, 7], vec![8]),
        (2, vec![1, 7, 8], vec![]),
    ];
    outcomes("iterators_race_iterators", None, &expected, || {
        race::<2, _, _>(
            usize::MAX,
            &[1],
            |p| p.push_iter([7]) + p.push_iter([8]),
            |c| {
                let first: Vec<u32> = c.pop_iter().collect();
                c.pop_iter().fold(first, |mut all, value| {
                    all.push(value);
                    all
                })
            },
        )
    });
}

#[test]
fn skip_races_push() {
    let expected = [(true, 1, vec![2]), (true, 2, vec![]), (false, 1, vec![])];
    outcomes("skip_races_push", None, &expected, || {
        race::<1, _, _>(0, &[1], |p| p.push(2).is_ok(), |c| c.clear() + c.skip(1))
    });
}

#[test]
fn peek_mut_races_push_on_last_slot() {
    let expected = [(Ok(()), Some(10), vec![2]), (Err(2), Some(10), vec![])];
    outcomes("peek_mut_races_push_on_last_slot", None, &expected, || {
        race::<1, _, _>(
            0,
            &[1],
            |p| p.push(2).map_err(Full::into_inner),
            |c| {
                *c.peek_mut().unwrap() *= 10;
                c.pop()
            },
        )
    });
}

// === Batches ===

#[test]
fn flush_races_pops_round_the_wrap() {
    // What is not flushed is not seen, and what is is seen all at once.
    let expected = [
        (1, vec![], vec![7, 8, 9]),
        (1, vec![7], vec![8, 9]),
        (1, vec![7, 8], vec![9]),
        (1, vec![7, 8, 9], vec![]),
    ];
    outcomes("flush_races_pops_round_the_wrap", None, &expected, || {
        race::<4, _, _>(
            usize::MAX,
            &[],
            |p| {
                let mut batch = p.batch();
                batch.push(7).unwrap();
                batch.push(8).unwrap();
                batch.flush();
                batch.push(9).unwrap();
                batch.len()
            },
            |c| {
                let len = c.len();
                assert!(matches!(len, 0 | 2 | 3), "the flush is of two at once");
                (0..=len).filter_map(|_| c.pop()).collect::<Vec<_>>()
            },
        )
    });
}

#[test]
fn full_batch_races_pop() {
    let expected =
        [(Err(3), vec![], vec![1, 2]), (Err(3), vec![1], vec![2]), (Ok(()), vec![1], vec![2, 3])];
    outcomes("full_batch_races_pop", None, &expected, || {
        race::<2, _, _>(
            usize::MAX,
            &[],
            |p| {
                let mut batch = p.batch();
                batch.push(1).unwrap();
                batch.push(2).unwrap();
                // Full, so these are published, for room to be made.
                assert_eq!(batch.push(3), Err(Full(3)));
                batch.push(3).map_err(Full::into_inner)
            },
            |c| c.pop().into_iter().collect::<Vec<_>>(),
        )
    });
}

#[test]
fn forgotten_batch_races_pop() {
    let expected = [((), vec![], vec![1, 2]), ((), vec![1], vec![2]), ((), vec![1, 2], vec![])];
    outcomes("forgotten_batch_races_pop", None, &expected, || {
        race::<2, _, _>(
            0,
            &[],
            |p| {
                let mut batch = p.batch();
                batch.push(1).unwrap();
                core::mem::forget(batch);
                p.push(2).unwrap();
            },
            |c| (0..2).filter_map(|_| c.pop()).collect::<Vec<_>>(),
        )
    });
}

#[test]
fn part_of_what_there_is_races_a_push() {
    let expected = [(true, 1, vec![2, 3]), (false, 1, vec![2])];
    outcomes("part_of_what_there_is_races_a_push", None, &expected, || {
        race::<2, _, _>(
            usize::MAX,
            &[1, 2],
            |p| p.write_chunk_up_to(1).fill_from_slice(&[3]) == 1,
            |c| {
                let chunk = c.read_chunk_up_to(1);
                assert_eq!(chunk.as_slices(), (&[1][..], &[][..]));
                let taken = chunk.len();
                chunk.commit_all();
                taken
            },
        )
    });
}
