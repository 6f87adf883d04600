//! Defends `PushBatch`: what is pushed in a batch is seen together and not before, and whether the batch
//! is flushed, dropped, forgotten, or full on the way, no value is doubled, and none lost but with a handle
//! that was forgotten about as well.

mod common;

use core::mem::{ManuallyDrop, forget};

use latchless::ring::spsc::Producer;
use latchless::ring::{Full, SpscRing};

use common::drops::{Ledger, Tracked};
use common::team::{Member, Producers, Team};

/// A ring of four that has one slot before the end of its memory.
fn ring_that_goes_round<T>() -> SpscRing<T, 4> {
    SpscRing::with_start(usize::MAX)
}

#[test]
fn nothing_is_seen_before_the_flush() {
    let mut ring = ring_that_goes_round();
    let (mut producer, mut consumer) = ring.split();
    let mut batch = producer.batch();
    assert!(batch.is_empty());
    for value in 1..=3 {
        assert_eq!(batch.push(value), Ok(()));
        assert_eq!((batch.len(), batch.is_empty()), (value, false));
        assert_eq!((consumer.len(), consumer.pop()), (0, None));
    }
    batch.flush();
    assert_eq!((batch.len(), batch.is_empty()), (0, true));
    assert!(consumer.pop_iter().eq(1..=3));

    assert_eq!(batch.push(4), Ok(()));
    assert_eq!((batch.len(), consumer.pop()), (1, None));
    batch.flush();
    batch.flush();
    assert_eq!((consumer.pop(), consumer.pop()), (Some(4), None));
}

#[test]
fn dropped_batch_is_published() {
    let mut ring = ring_that_goes_round();
    let (mut producer, mut consumer) = ring.split();
    let mut batch = producer.batch();
    batch.push(1).unwrap();
    batch.flush();
    batch.push(2).unwrap();
    batch.push(3).unwrap();
    assert_eq!(consumer.len(), 1);
    drop(batch);
    assert_eq!((producer.len(), consumer.len()), (3, 3));
    drop(producer.batch());
    assert!(consumer.pop_iter().eq(1..=3));
}

#[test]
fn full_batch_is_published_and_gives_the_value_back() {
    fn check<const N: usize>(already_there: usize) {
        let mut ring = SpscRing::<usize, N>::with_start(usize::MAX);
        let (mut producer, mut consumer) = ring.split();
        assert_eq!(producer.push_iter(0..already_there), already_there);
        let mut batch = producer.batch();
        for value in already_there..N {
            assert_eq!(batch.push(value), Ok(()));
            assert_eq!(consumer.len(), already_there);
        }
        assert_eq!(batch.push(99), Err(Full(99)));
        assert_eq!((batch.len(), consumer.len()), (0, N));
        assert_eq!(batch.push(99), Err(Full(99)));
        // Room that the consumer makes is found.
        assert_eq!(consumer.pop(), Some(0));
        assert_eq!(batch.push(N), Ok(()));
        assert_eq!((batch.len(), consumer.len()), (1, N - 1));
        drop(batch);
        assert!(consumer.pop_iter().eq(1..=N));
    }
    check::<1>(0);
    check::<2>(1);
    check::<4>(0);
    check::<4>(4);
}

#[test]
fn positions_wrap() {
    for before in 0..20 {
        for start in [usize::MAX - before, (1 << (usize::BITS - 1)) - before] {
            let mut ring = SpscRing::<usize, 8>::with_start(start);
            let (mut producer, mut consumer) = ring.split();
            for count in (0..=8).cycle().take(40) {
                let mut batch = producer.batch();
                (0..count).for_each(|value| batch.push(value).unwrap());
                assert_eq!((batch.len(), consumer.len()), (count, 0));
                drop(batch);
                assert!(consumer.pop_iter().eq(0..count));
            }
        }
    }
}

#[test]
fn forgotten_batch_is_published_by_what_comes_next() {
    fn check(next: impl FnOnce(&mut Producer<&SpscRing<u8, 4>>)) {
        let mut ring = ring_that_goes_round();
        let (mut producer, mut consumer) = ring.split();
        let mut batch = producer.batch();
        batch.push(1).unwrap();
        batch.push(2).unwrap();
        forget(batch);
        assert_eq!((producer.len(), producer.slots()), (2, 2), "they take up room");
        assert_eq!((consumer.len(), consumer.pop()), (0, None));
        next(&mut producer);
        assert!(consumer.pop_iter().eq([1, 2, 3]));
        assert!(producer.is_empty());
    }
    check(|producer| producer.push(3).unwrap());
    check(|producer| assert_eq!(producer.push_slice(&[3]), 1));
    check(|producer| assert_eq!(producer.push_entire_slice(&[3]), Ok(())));
    check(|producer| assert_eq!(producer.push_slice_cloned(&[3]), 1));
    check(|producer| assert_eq!(producer.push_iter([3]), 1));
    check(|producer| producer.batch().push(3).unwrap());
    check(|producer| {
        let mut chunk = producer.write_chunk(1).unwrap();
        let (first, second) = chunk.as_mut_slices();
        first.iter_mut().chain(second).for_each(|slot| _ = slot.write(3));
        // SAFETY: it was written.
        unsafe { chunk.commit_all() };
    });
}

#[test]
fn forgotten_batch_that_fills_the_ring_is_published_by_the_next() {
    let mut ring = ring_that_goes_round();
    let (mut producer, mut consumer) = ring.split();
    let mut batch = producer.batch();
    (1..=4).for_each(|value| batch.push(value).unwrap());
    forget(batch);
    assert_eq!((producer.push(5), consumer.pop()), (Err(Full(5)), None));
    let mut batch = producer.batch();
    assert_eq!(batch.len(), 4);
    assert_eq!(batch.push(5), Err(Full(5)));
    assert!(consumer.pop_iter().eq(1..=4));
    assert_eq!(batch.push(5), Ok(()));
    drop(batch);
    assert_eq!(consumer.pop(), Some(5));
}

#[test]
fn what_is_forgotten_with_its_handle_leaks_and_is_never_doubled() {
    for is_handle_forgotten in [false, true] {
        let ledger = Ledger::new(6);
        let mut ring = ring_that_goes_round::<Tracked<'_>>();
        let (mut producer, consumer) = ring.split();
        producer.push(ledger.issue()).unwrap();
        let mut batch = producer.batch();
        batch.push(ledger.issue()).unwrap();
        batch.push(ledger.issue()).unwrap();
        forget(batch);
        if is_handle_forgotten {
            let _forgotten = ManuallyDrop::new(producer);
        } else {
            drop(producer);
        }
        drop(consumer);

        let (mut producer, mut consumer) = ring.split();
        assert_eq!(consumer.len(), 1);
        producer.push(ledger.issue()).unwrap();
        assert!(consumer.pop_iter().map(|value| value.id()).eq([0, 3]));
        producer.push(ledger.issue()).unwrap();
        drop((producer, consumer));
        drop(ring);
        assert_eq!(ledger.alive(), 2);
        assert_eq!([0, 1, 2, 3, 4].map(|id| ledger.drops_of(id)), [1, 0, 0, 1, 1]);
    }
}

#[test]
fn drops_each_once() {
    let ledger = Ledger::new(8);
    let mut ring = ring_that_goes_round::<Tracked<'_>>();
    let (mut producer, mut consumer) = ring.split();
    let mut batch = producer.batch();
    for _ in 0..4 {
        batch.push(ledger.issue()).unwrap();
    }
    drop(batch.push(ledger.issue()));
    assert_eq!((ledger.alive(), ledger.drops_of(4)), (4, 1));
    drop(consumer.pop());
    batch.push(ledger.issue()).unwrap();
    drop(batch);
    drop((producer, consumer));
    drop(ring);
    ledger.assert_all_dropped_once();
}

#[test]
fn debug_shows_the_shape_and_no_value() {
    let mut ring = ring_that_goes_round();
    let (mut producer, _) = ring.split();
    let mut batch = producer.batch();
    batch.push(7).unwrap();
    assert_eq!(format!("{batch:?}"), "PushBatch { len: 1, .. }");
}

#[test]
fn zero_sized_type() {
    let mut ring = SpscRing::<(), { 1 << (usize::BITS - 1) }>::with_start(usize::MAX - 1);
    let (mut producer, mut consumer) = ring.split();
    let mut batch = producer.batch();
    (0..1000).for_each(|_| batch.push(()).unwrap());
    assert_eq!((batch.len(), consumer.len()), (1000, 0));
    drop(batch);
    assert_eq!(consumer.pop_iter().count(), 1000);
}

fn carries<const N: usize>(count: usize) {
    let mut ring = SpscRing::<usize, N>::with_start(usize::MAX - 1_000);
    let (mut producer, mut consumer) = ring.split();
    let producers = Producers::new(1);
    let members: Vec<Member<'_, ()>> = vec![
        Box::new(|team| {
            let mut next = 0;
            for round in 1.. {
                let mut batch = producer.batch();
                let end = count.min(next + round % (N + 2));
                (next..end).for_each(|value| team.push(value, |value| batch.push(value)));
                next = end;
                match round % 3 {
                    0 => batch.flush(),
                    1 => forget(batch),
                    _ => drop(batch),
                }
                if next == count {
                    break;
                }
            }
            drop(producer.batch());
            producers.finish_one();
        }),
        Box::new(|team| {
            let mut received = 0;
            producers.drain(
                team,
                || consumer.pop(),
                |value| {
                    assert_eq!(value, received);
                    received += 1;
                },
            );
            assert_eq!(received, count);
        }),
    ];
    Team::run(members);
}

#[test]
fn every_value_arrives_once_and_in_order() {
    carries::<1>(5_000);
    carries::<4>(20_000);
    carries::<64>(40_000);
}
