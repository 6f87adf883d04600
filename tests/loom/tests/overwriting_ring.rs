//! Defends the edges E1 to E4 and the invariants of `latchless::ring::OverwritingRing`. The slots and
//! what belongs to an end are loom's checked cells: two that touch one without an edge between them
//! fail. Each model gives account of every value: popped, handed back by a push, or in the ring.

use std::mem::ManuallyDrop;
use std::ptr;

use latchless::ring::OverwritingRing;
use latchless::ring::overwriting::{Consumer, Producer};
use latchless_loom::outcomes;
use loom::sync::atomic::{AtomicU32, Ordering::Relaxed};
use loom::{sync::Arc, thread};

/// A ring that lives until it is dropped by hand, after all who use it. Not when the model fails:
/// unwinding through a ring that loom has just found a race in would abort the test.
struct Lasting<const N: usize>(ManuallyDrop<Box<OverwritingRing<u32, N>>>);

impl<const N: usize> Lasting<N> {
    fn new(start: u64) -> Self {
        Self(ManuallyDrop::new(Box::new(OverwritingRing::with_start(start))))
    }

    fn get(&self) -> &'static OverwritingRing<u32, N> {
        // SAFETY: `end` is called when nobody uses it any more.
        unsafe { &*ptr::from_ref(&**self.0) }
    }

    fn end(self) {
        drop(ManuallyDrop::into_inner(self.0));
    }
}

fn push_all<const N: usize>(
    producer: &mut Producer<'_, u32, N>,
    values: impl IntoIterator<Item = u32>,
) -> Vec<u32> {
    values.into_iter().filter_map(|value| producer.push(value)).collect()
}

fn pop_all<const N: usize>(consumer: &mut Consumer<'_, u32, N>) -> Vec<u32> {
    core::iter::from_fn(|| consumer.pop()).collect()
}

/// Pushes the numbers from `pushed` up to `total` on a thread while `consume` runs, on a ring of `N`
/// into which the others were pushed before. Returns what `consume` returned and what the ring held
/// at the end, in order; the rest was evicted and counted, which is checked.
fn race<const N: usize, C>(
    start: u64,
    pushed: u32,
    total: u32,
    consume: impl FnOnce(&mut Consumer<'_, u32, N>) -> (C, Vec<u32>),
) -> (C, Vec<u32>, Vec<u32>) {
    let lasting = Lasting::<N>::new(start);
    let (mut producer, mut consumer) = lasting.get().try_split().unwrap();
    let mut evicted = push_all(&mut producer, 0..pushed);
    let thread = thread::spawn(move || {
        let evicted = push_all(&mut producer, pushed..total);
        (producer, evicted)
    });
    let (result, popped) = consume(&mut consumer);
    // Numbers are positions here, so this is what the documentation of `lost` says.
    if let Some(&last) = popped.last() {
        assert_eq!(u64::from(last) + 1, popped.len() as u64 + consumer.lost());
    }
    let (producer, evicted_meanwhile) = thread.join().unwrap();
    evicted.extend(evicted_meanwhile);
    assert!(evicted.is_sorted(), "the oldest is evicted");
    let rest = pop_all(&mut consumer);
    assert_eq!(consumer.lost(), evicted.len() as u64);
    assert_eq!(producer.evicted(), evicted.len() as u64);
    let mut all = [&evicted[..], &popped, &rest].concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..total), "each value comes out once");
    assert!(popped.iter().chain(&rest).is_sorted(), "in order");
    drop((producer, consumer));
    lasting.end();
    (result, popped, rest)
}

fn pops<const N: usize>(consumer: &mut Consumer<'_, u32, N>, times: usize) -> ((), Vec<u32>) {
    ((), (0..times).filter_map(|_| consumer.pop()).collect())
}

#[test]
fn pop_races_push_on_an_empty_ring() {
    let expected = [((), vec![], vec![0]), ((), vec![0], vec![])];
    outcomes("pop_races_push_on_an_empty_ring", None, &expected, || {
        race::<1, _>(0, 0, 1, |c| pops(c, 1))
    });
}

#[test]
fn pop_races_the_push_that_evicts() {
    let expected = [((), vec![0], vec![1, 2]), ((), vec![1], vec![2])];
    outcomes("pop_races_the_push_that_evicts", None, &expected, || {
        race::<2, _>(u64::MAX, 2, 3, |c| pops(c, 1))
    });
}

#[test]
fn pop_races_pushes_on_one_entry() {
    let expected = [((), vec![0], vec![2]), ((), vec![1], vec![2]), ((), vec![2], vec![])];
    outcomes("pop_races_pushes_on_one_entry", None, &expected, || {
        race::<1, _>((1 << 61) - 1, 1, 3, |c| pops(c, 1))
    });
}

#[test]
fn pops_race_pushes_on_one_entry() {
    let expected = [
        ((), vec![0], vec![2]),
        ((), vec![0, 1], vec![2]),
        ((), vec![0, 2], vec![]),
        ((), vec![1], vec![2]),
        ((), vec![1, 2], vec![]),
        ((), vec![2], vec![]),
    ];
    outcomes("pops_race_pushes_on_one_entry", None, &expected, || {
        race::<1, _>(u64::MAX - 1, 1, 3, |c| pops(c, 2))
    });
}

/// The slot that the first pop has read is given up by the second one; the producer gets it back by
/// its last push but one, and writes to it by the last one.
#[test]
fn slot_that_was_read_is_written_again() {
    let expected = [
        ((), vec![0], vec![3]),
        ((), vec![1], vec![3]),
        ((), vec![2], vec![3]),
        ((), vec![3], vec![]),
        ((), vec![0, 1], vec![3]),
        ((), vec![0, 2], vec![3]),
        ((), vec![0, 3], vec![]),
        ((), vec![1, 2], vec![3]),
        ((), vec![1, 3], vec![]),
        ((), vec![2, 3], vec![]),
    ];
    outcomes("slot_that_was_read_is_written_again", None, &expected, || {
        race::<1, _>(0, 1, 4, |c| pops(c, 2))
    });
}

#[test]
fn pushes_lap_a_pop() {
    let expected = [
        ((), vec![0], vec![3, 4]),
        ((), vec![1], vec![3, 4]),
        ((), vec![2], vec![3, 4]),
        ((), vec![3], vec![4]),
    ];
    outcomes("pushes_lap_a_pop", None, &expected, || {
        race::<2, _>((1 << 62) - 3, 2, 5, |c| pops(c, 1))
    });
}

#[test]
fn pop_of_one_who_was_away_races_push() {
    let expected = [((), vec![2], vec![3, 4]), ((), vec![3], vec![4])];
    outcomes("pop_of_one_who_was_away_races_push", None, &expected, || {
        race::<2, _>(u64::MAX - 2, 4, 5, |c| pops(c, 1))
    });
}

#[test]
fn lengths_race_pushes() {
    let expected = [
        ((1, 1), vec![0], vec![1, 2]),
        ((1, 1), vec![1], vec![2]),
        ((1, 2), vec![0], vec![1, 2]),
        ((1, 2), vec![1], vec![2]),
        ((2, 2), vec![0], vec![1, 2]),
        ((2, 2), vec![1], vec![2]),
    ];
    outcomes("lengths_race_pushes", None, &expected, || {
        race::<2, _>(u64::MAX, 1, 3, |c| {
            let lens = (c.len(), c.len());
            assert!(!c.is_empty(), "nothing but a pop makes it empty");
            (lens, pops(c, 1).1)
        })
    });
}

#[test]
fn what_was_counted_can_be_popped() {
    let expected = [
        ((0, true), vec![], vec![0, 1]),
        ((0, false), vec![0, 1], vec![]),
        ((0, false), vec![0], vec![1]),
        ((1, false), vec![0], vec![1]),
        ((1, false), vec![0, 1], vec![]),
        ((2, false), vec![0, 1], vec![]),
        ((0, true), vec![0], vec![1]),
        ((0, true), vec![0, 1], vec![]),
    ];
    outcomes("what_was_counted_can_be_popped", None, &expected, || {
        race::<2, _>(0, 0, 2, |c| {
            let answer = (c.len(), c.is_empty());
            let popped = pops(c, 2).1;
            assert!(popped.len() >= answer.0.max(usize::from(!answer.1)));
            (answer, popped)
        })
    });
}

#[test]
fn takers_race_for_an_end() {
    outcomes("takers_race_for_an_end", None, &[(false, true), (true, false)], || {
        let ring = Arc::new(OverwritingRing::<u32, 1>::new());
        let other = thread::spawn({
            let ring = Arc::clone(&ring);
            move || {
                let ends = ring.try_split();
                ends.map(std::mem::forget).is_some()
            }
        });
        let ends = ring.try_split();
        let won = ends.map(std::mem::forget).is_some();
        (won, other.join().unwrap())
    });
}

/// The one who has an end gives it back while another one asks for it and goes on.
#[test]
fn producer_is_given_back_and_taken() {
    let expected = [(None, vec![1]), (Some(vec![1]), vec![2])];
    outcomes("producer_is_given_back_and_taken", None, &expected, || {
        let lasting = Lasting::<1>::new(0);
        let ring = lasting.get();
        let mut producer = ring.try_producer().unwrap();
        assert_eq!(producer.push(0), None);
        let other = thread::spawn(move || assert_eq!(producer.push(1), Some(0)));
        let taken = ring.try_producer().map(|mut producer| {
            assert_eq!(producer.evicted(), 1);
            push_all(&mut producer, [2])
        });
        other.join().unwrap();
        let rest = pop_all(&mut ring.try_consumer().unwrap());
        lasting.end();
        (taken, rest)
    });
}

#[test]
fn consumer_is_given_back_and_taken() {
    let expected = [(None, vec![1]), (Some((1, vec![1])), vec![])];
    outcomes("consumer_is_given_back_and_taken", None, &expected, || {
        let lasting = Lasting::<2>::new(0);
        let ring = lasting.get();
        let (mut producer, mut consumer) = ring.try_split().unwrap();
        assert!(push_all(&mut producer, 0..2).is_empty());
        let other = thread::spawn(move || assert_eq!(consumer.pop(), Some(0)));
        let taken =
            ring.try_consumer().map(|mut consumer| (consumer.len(), pop_all(&mut consumer)));
        other.join().unwrap();
        drop(producer);
        let rest = pop_all(&mut ring.try_consumer().unwrap());
        lasting.end();
        (taken, rest)
    });
}

#[test]
fn all_of_an_abandoned_ring_can_be_popped() {
    let expected = [(false, vec![]), (false, vec![7]), (true, vec![7])];
    outcomes("all_of_an_abandoned_ring_can_be_popped", None, &expected, || {
        let lasting = Lasting::<1>::new(0);
        let (mut producer, mut consumer) = lasting.get().try_split().unwrap();
        let other = thread::spawn(move || assert_eq!(producer.push(7), None));
        let answer = (consumer.is_abandoned(), pop_all(&mut consumer));
        other.join().unwrap();
        drop(consumer);
        lasting.end();
        answer
    });
}

#[test]
fn who_sees_that_the_reader_has_gone_sees_what_it_did() {
    outcomes("who_sees_that_the_reader_has_gone", None, &[false, true], || {
        let lasting = Lasting::<1>::new(0);
        let (producer, consumer) = lasting.get().try_split().unwrap();
        let notes = Arc::new(AtomicU32::new(0));
        let other = thread::spawn({
            let notes = Arc::clone(&notes);
            move || {
                notes.store(7, Relaxed);
                drop(consumer);
            }
        });
        let has_gone = producer.is_abandoned();
        assert!(!has_gone || notes.load(Relaxed) == 7, "a stale value");
        other.join().unwrap();
        drop(producer);
        lasting.end();
        has_gone
    });
}
