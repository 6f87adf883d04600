//! Defends the invariants and edges of `latchless::ring::TurnRing`: each value is popped once, in order, by
//! a pop that happens after its push; a slot is not filled before it was read; Empty, Full and Closed are
//! exact, and Busy is answered only while another call is under way. The slots are loom's checked cells.

use core::sync::atomic::Ordering::Relaxed;

use latchless::ring::TurnRing;
use latchless::ring::turn::{PopError, PushError};
use latchless_loom::{model, outcomes};
use loom::sync::Arc;
use loom::sync::atomic::AtomicBool;
use loom::thread;

/// The last position of the integer's range.
const LAST: usize = usize::MAX / 2;

type Popped = Result<u32, &'static str>;
type Pushed = Result<(), &'static str>;

fn popped<T>(result: Result<T, PopError>) -> Result<T, &'static str> {
    result.map_err(|error| match error {
        PopError::Empty => "empty",
        PopError::Busy => "busy",
        PopError::Closed => "closed",
    })
}

fn pushed<R, T>(result: Result<R, PushError<T>>) -> Result<R, &'static str> {
    result.map_err(|error| match error {
        PushError::Full(_) => "full",
        PushError::Busy(_) => "busy",
        PushError::Closed(_) => "closed",
    })
}

fn pop<const N: usize>(ring: &TurnRing<u32, N>) -> Popped {
    popped(ring.pop())
}

fn push<const N: usize>(ring: &TurnRing<u32, N>, value: u32) -> Pushed {
    pushed(ring.push(value))
}

fn pop_all<const N: usize>(ring: &TurnRing<u32, N>) -> Vec<u32> {
    ring.drain().collect()
}

/// A ring that holds these values.
fn holding<const N: usize>(start: usize, values: &[u32]) -> Arc<TurnRing<u32, N>> {
    let ring = TurnRing::with_start(start);
    values.iter().for_each(|&value| push(&ring, value).unwrap());
    Arc::new(ring)
}

fn spawn<const N: usize, R: 'static>(
    ring: &Arc<TurnRing<u32, N>>,
    run: impl FnOnce(&TurnRing<u32, N>) -> R + 'static,
) -> thread::JoinHandle<R> {
    let ring = Arc::clone(ring);
    thread::spawn(move || run(&ring))
}

#[test]
fn pop_races_push_on_an_empty_ring() {
    let expected = [(Err("empty"), vec![7]), (Err("busy"), vec![7]), (Ok(7), vec![])];
    outcomes("pop_races_push_on_an_empty_ring", None, &expected, || {
        let ring = holding::<1>(LAST, &[]);
        let pusher = spawn(&ring, |ring| push(ring, 7).unwrap());
        let popped = pop(&ring);
        pusher.join().unwrap();
        (popped, pop_all(&ring))
    });
}

#[test]
fn push_races_pop_on_a_full_ring() {
    let expected = [(Err("full"), vec![]), (Err("busy"), vec![]), (Ok(()), vec![2])];
    outcomes("push_races_pop_on_a_full_ring", None, &expected, || {
        let ring = holding::<1>(LAST, &[1]);
        let pusher = spawn(&ring, |ring| push(ring, 2));
        assert_eq!(pop(&ring), Ok(1));
        (pusher.join().unwrap(), pop_all(&ring))
    });
}

#[test]
fn pushes_race_for_the_last_slot() {
    let expected = [(Err("full"), Ok(()), vec![2]), (Ok(()), Err("full"), vec![1])];
    outcomes("pushes_race_for_the_last_slot", None, &expected, || {
        let ring = holding::<1>(0, &[]);
        let pusher = spawn(&ring, |ring| push(ring, 2));
        let first = push(&ring, 1);
        (first, pusher.join().unwrap(), pop_all(&ring))
    });
}

#[test]
fn pops_race_for_the_last_value() {
    let expected =
        [(Err("empty"), Ok(1)), (Err("busy"), Ok(1)), (Ok(1), Err("empty")), (Ok(1), Err("busy"))];
    outcomes("pops_race_for_the_last_value", None, &expected, || {
        let ring = holding::<1>(0, &[1]);
        let popper = spawn(&ring, pop);
        (pop(&ring), popper.join().unwrap())
    });
}

/// The ring holds one value or none. A push that knows of the other's push knows of the pop before it
/// (edge E3), or it would take the ring for full.
#[test]
fn push_races_a_pop_and_a_push() {
    let expected = [Ok(())];
    outcomes("push_races_a_pop_and_a_push", None, &expected, || {
        let ring = holding::<2>(LAST, &[1]);
        let other = spawn(&ring, |ring| {
            assert_eq!(pop(ring), Ok(1));
            _ = push(ring, 2);
        });
        let result = push(&ring, 3);
        other.join().unwrap();
        result
    });
}

/// The same while the ring is full, so that a push comes to a slot that the other has been round.
#[test]
fn push_races_a_pop_and_a_push_on_a_full_ring() {
    let expected = [(Ok(()), Err("full")), (Err("full"), Ok(())), (Err("busy"), Ok(()))];
    outcomes("push_races_a_pop_and_a_push_on_a_full_ring", None, &expected, || {
        let ring = holding::<1>(LAST, &[1]);
        let other = spawn(&ring, |ring| {
            assert_eq!(pop(ring), Ok(1));
            push(ring, 2)
        });
        let result = push(&ring, 3);
        (result, other.join().unwrap())
    });
}

/// The ring holds one value or two. A pop that knows of the other's pop knows of the push before it
/// (edge E4), or it would take the ring for empty.
#[test]
fn pop_races_a_push_and_a_pop() {
    let expected = [(Ok(1), Ok(2)), (Ok(2), Ok(1))];
    outcomes("pop_races_a_push_and_a_pop", None, &expected, || {
        let ring = holding::<2>(LAST, &[1]);
        let other = spawn(&ring, |ring| {
            push(ring, 2).unwrap();
            pop(ring)
        });
        let result = pop(&ring);
        (result, other.join().unwrap())
    });
}

/// The same on a ring that is empty before and after.
#[test]
fn pop_races_a_push_and_a_pop_on_an_empty_ring() {
    let expected =
        [(Err("empty"), Ok(1)), (Err("busy"), Ok(1)), (Ok(1), Err("empty")), (Ok(1), Err("busy"))];
    outcomes("pop_races_a_push_and_a_pop_on_an_empty_ring", Some(4), &expected, || {
        let ring = holding::<1>(LAST, &[]);
        let other = spawn(&ring, |ring| {
            push(ring, 1).unwrap();
            pop(ring)
        });
        let result = pop(&ring);
        (result, other.join().unwrap())
    });
}

/// A ring that is never full and never empty says neither; its length may count a value too many.
#[test]
fn queries_race_a_pop_and_a_push() {
    let expected = [(false, 0), (false, 1), (false, 2)];
    outcomes("queries_race_a_pop_and_a_push", None, &expected, || {
        let ring = holding::<2>(LAST, &[1]);
        let other = spawn(&ring, |ring| {
            assert_eq!(pop(ring), Ok(1));
            push(ring, 2).unwrap();
        });
        let seen = (ring.is_full(), ring.len());
        other.join().unwrap();
        assert_eq!((ring.is_full(), ring.is_empty(), ring.len()), (false, false, 1));
        seen
    });
}

#[test]
fn queries_race_a_push_and_a_pop() {
    let expected = [(false, 1), (false, 2)];
    outcomes("queries_race_a_push_and_a_pop", None, &expected, || {
        let ring = holding::<2>(LAST, &[1]);
        let other = spawn(&ring, |ring| {
            push(ring, 2).unwrap();
            assert_eq!(pop(ring), Ok(1));
        });
        let seen = (ring.is_empty(), ring.len());
        other.join().unwrap();
        seen
    });
}

#[test]
fn len_races_a_push_and_a_pop_on_an_empty_ring() {
    let expected = [0, 1];
    outcomes("len_races_a_push_and_a_pop_on_an_empty_ring", None, &expected, || {
        let ring = holding::<2>(LAST, &[]);
        let other = spawn(&ring, |ring| {
            push(ring, 1).unwrap();
            assert_eq!(pop(ring), Ok(1));
        });
        let seen = ring.len();
        other.join().unwrap();
        seen
    });
}

/// Once a pop has said that the ring is closed, nothing comes out of it; and each push that succeeded was
/// popped before.
#[test]
fn close_races_a_push_and_pops() {
    let expected = [(Ok(()), vec![]), (Ok(()), vec![7]), (Err("closed"), vec![])];
    outcomes("close_races_a_push_and_pops", Some(3), &expected, || {
        let ring = holding::<1>(LAST, &[]);
        let pusher = spawn(&ring, |ring| push(ring, 7));
        let closer = spawn(&ring, |ring| assert!(ring.close()));
        let mut values = Vec::new();
        let mut is_over = false;
        for _ in 0..2 {
            match pop(&ring) {
                Ok(value) => values.push(value),
                Err("closed") => is_over = true,
                Err(_) => {}
            }
        }
        let result = pusher.join().unwrap();
        closer.join().unwrap();
        let rest = pop_all(&ring);
        assert!(
            !is_over || rest.is_empty(),
            "a value came out of a ring that was closed and drained"
        );
        assert_eq!(values.len() + rest.len(), usize::from(result.is_ok()));
        assert_eq!((pop(&ring), push(&ring, 8)), (Err("closed"), Err("closed")));
        (result, rest)
    });
}

/// Whoever is told that the ring is closed knows what was done before (edge E5).
#[test]
fn close_publishes_what_was_done_before() {
    fn check(name: &str, expected: &[(bool, bool)], ask: fn(&TurnRing<u32, 1>) -> bool) {
        outcomes(name, None, expected, move || {
            let (ring, is_done) = (holding::<1>(LAST, &[]), Arc::new(AtomicBool::new(false)));
            let closer = spawn(&ring, {
                let is_done = Arc::clone(&is_done);
                move |ring| {
                    is_done.store(true, Relaxed);
                    ring.close();
                }
            });
            let told = ask(&ring);
            let seen = is_done.load(Relaxed);
            closer.join().unwrap();
            (told, seen)
        });
    }
    let expected = [(false, false), (false, true), (true, true)];
    check("close_races_a_pop", &expected, |ring| pop(ring) == Err("closed"));
    check("close_races_a_push", &expected, |ring| push(ring, 1) == Err("closed"));
    check("close_races_is_closed", &expected, TurnRing::is_closed);
}

#[test]
fn force_push_races_a_pop() {
    let expected = [
        (Ok(Some(1)), Ok(2), vec![]),
        (Ok(Some(1)), Err("busy"), vec![2]),
        (Ok(None), Ok(1), vec![2]),
        (Err("busy"), Ok(1), vec![]),
    ];
    outcomes("force_push_races_a_pop", None, &expected, || {
        let ring = holding::<1>(LAST, &[1]);
        let popper = spawn(&ring, pop);
        let evicted = pushed(ring.force_push(2));
        (evicted, popper.join().unwrap(), pop_all(&ring))
    });
}

/// The value that is evicted was pushed by another thread (edge E1), which comes back for more.
#[test]
fn force_push_races_a_push() {
    let expected = [
        (Ok(None), Err("full"), vec![2]),
        (Ok(Some(1)), Ok(()), vec![2]),
        (Err("busy"), Ok(()), vec![1]),
    ];
    outcomes("force_push_races_a_push", None, &expected, || {
        let ring = holding::<1>(LAST, &[]);
        let pusher = spawn(&ring, |ring| push(ring, 1));
        let evicted = pushed(ring.force_push(2));
        (evicted, pusher.join().unwrap(), pop_all(&ring))
    });
}

#[test]
fn force_pushes_race() {
    let expected = [
        (Ok(Some(1)), Ok(Some(2)), vec![3]),
        (Ok(Some(3)), Ok(Some(1)), vec![2]),
        (Ok(Some(1)), Err("busy"), vec![2]),
        (Err("busy"), Ok(Some(1)), vec![3]),
    ];
    outcomes("force_pushes_race", Some(4), &expected, || {
        let ring = holding::<1>(LAST, &[1]);
        let other = spawn(&ring, |ring| pushed(ring.force_push(3)));
        let evicted = pushed(ring.force_push(2));
        (evicted, other.join().unwrap(), pop_all(&ring))
    });
}

/// A pop or push that knows of an eviction knows all that it was made of (edges E3 and E4).
#[test]
fn calls_race_a_push_and_an_eviction() {
    model("calls_race_a_push_and_an_eviction", Some(3), || {
        let ring = holding::<1>(LAST, &[]);
        let other = spawn(&ring, |ring| {
            _ = push(ring, 1);
            _ = ring.force_push(2);
        });
        _ = push(&ring, 3);
        other.join().unwrap();
    });
    model("a_pop_races_a_push_and_an_eviction", Some(3), || {
        let ring = holding::<1>(LAST, &[]);
        let other = spawn(&ring, |ring| {
            _ = push(ring, 1);
            _ = ring.force_push(2);
        });
        _ = pop(&ring);
        other.join().unwrap();
    });
}

/// An eviction that found the ring open is not overlooked by a pop that finds it closed.
#[test]
fn force_push_races_close_and_pops() {
    model("force_push_races_close_and_pops", Some(2), || {
        let ring = holding::<1>(LAST, &[1]);
        let pusher = spawn(&ring, |ring| pushed(ring.force_push(2)));
        let closer = spawn(&ring, |ring| assert!(ring.close()));
        let mut values = Vec::new();
        let mut is_over = false;
        for _ in 0..2 {
            match pop(&ring) {
                Ok(value) => values.push(value),
                Err("closed") => is_over = true,
                Err(_) => {}
            }
        }
        let evicted = pusher.join().unwrap();
        closer.join().unwrap();
        let rest = pop_all(&ring);
        assert!(
            !is_over || rest.is_empty(),
            "a value came out of a ring that was closed and drained"
        );
        values.extend(evicted.ok().flatten());
        values.extend(rest);
        values.sort_unstable();
        let expected: &[u32] = if evicted.is_ok() { &[1, 2] } else { &[1] };
        assert_eq!(values, expected);
    });
}

#[test]
fn batches_race_batches() {
    let expected = [vec![1, 2], vec![1, 2, 3, 4], vec![3, 4], vec![3, 4, 1, 2]];
    outcomes("batches_race_batches", Some(3), &expected, || {
        let ring = holding::<4>(LAST, &[9]);
        let pusher = spawn(&ring, |ring| pushed(ring.push_array([3, 4])));
        let popper = spawn(&ring, pop);
        let result = pushed(ring.push_array([1, 2]));
        let other = pusher.join().unwrap();
        assert_eq!(popper.join().unwrap(), Ok(9));
        let values = pop_all(&ring);
        assert_eq!(
            values.len(),
            2 * [result, other].iter().filter(|result| result.is_ok()).count()
        );
        values
    });
}

#[test]
fn batch_pops_race_a_batch() {
    let expected = [
        (Err("empty"), 0),
        (Err("empty"), 1),
        (Err("empty"), 2),
        (Err("busy"), 0),
        (Err("busy"), 1),
        (Err("busy"), 2),
        (Ok([1, 2]), 0),
    ];
    outcomes("batch_pops_race_a_batch", Some(2), &expected, || {
        let ring = holding::<2>(LAST, &[]);
        let pusher = spawn(&ring, |ring| assert_eq!(ring.push_slice(&[1, 2]), 2));
        let popper = spawn(&ring, |ring| {
            let mut places = [0; 2];
            let count = ring.pop_slice(&mut places);
            assert_eq!(places[..count], [1, 2][..count]);
            count
        });
        let pair = popped(ring.pop_array::<2>());
        pusher.join().unwrap();
        let count = popper.join().unwrap();
        let rest = pop_all(&ring);
        assert_eq!(rest.len() + count + if pair.is_ok() { 2 } else { 0 }, 2);
        (pair, count)
    });
}

#[test]
fn one_producers_values_stay_in_order() {
    model("one_producers_values_stay_in_order", Some(3), || {
        let ring = holding::<2>(LAST, &[]);
        let producer = spawn(&ring, |ring| {
            (1..=3).filter(|&value| push(ring, value).is_ok()).collect::<Vec<_>>()
        });
        let mut popped: Vec<u32> = (0..2).filter_map(|_| pop(&ring).ok()).collect();
        let pushed = producer.join().unwrap();
        popped.extend(pop_all(&ring));
        assert_eq!(popped, pushed);
    });
}

#[test]
fn two_producers_race_two_consumers() {
    model("two_producers_race_two_consumers", Some(1), || {
        let ring = holding::<2>(LAST, &[]);
        let producers = [1, 2].map(|value| spawn(&ring, move |ring| push(ring, value).unwrap()));
        let consumer = spawn(&ring, |ring| pop(ring).ok());
        let mut popped: Vec<u32> = pop(&ring).into_iter().collect();
        for producer in producers {
            producer.join().unwrap();
        }
        popped.extend(consumer.join().unwrap());
        popped.extend(pop_all(&ring));
        popped.sort_unstable();
        assert_eq!(popped, [1, 2]);
    });
}
