//! The models that both rings of `ring::mpmc` have to pass: included for each of them, as `Ring`.

use latchless::ring::PushError;
use latchless_loom::{model, outcomes};
use loom::{sync::Arc, thread};

use super::{LAST, Ring};

fn pop_all<const N: usize>(ring: &Ring<u32, N>) -> Vec<u32> {
    core::iter::from_fn(|| ring.pop()).collect()
}

#[test]
fn pop_races_push_on_an_empty_ring() {
    let expected = [(None, vec![7]), (Some(7), vec![])];
    outcomes("pop_races_push_on_an_empty_ring", None, &expected, || {
        let ring = Arc::new(Ring::<u32, 1>::new());
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.push(7).unwrap()
        });
        let popped = ring.pop();
        pusher.join().unwrap();
        (popped, pop_all(&ring))
    });
}

#[test]
fn push_races_pop_on_a_full_ring() {
    let expected = [(Err(2), vec![]), (Ok(()), vec![2])];
    outcomes("push_races_pop_on_a_full_ring", Some(3), &expected, || {
        let ring = Arc::new(Ring::<u32, 1>::with_start(LAST));
        ring.push(1).unwrap();
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.push(2).map_err(PushError::into_inner)
        });
        assert_eq!(ring.pop(), Some(1));
        (pusher.join().unwrap(), pop_all(&ring))
    });
}

#[test]
fn pushes_race_for_the_last_slot() {
    let expected = [(Err(1), Ok(()), vec![2]), (Ok(()), Err(2), vec![1])];
    outcomes("pushes_race_for_the_last_slot", None, &expected, || {
        let ring = Arc::new(Ring::<u32, 1>::new());
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.push(2).map_err(PushError::into_inner)
        });
        let first = ring.push(1).map_err(PushError::into_inner);
        (first, pusher.join().unwrap(), pop_all(&ring))
    });
}

#[test]
fn pops_race_for_the_last_value() {
    let expected = [(None, Some(1)), (Some(1), None)];
    outcomes("pops_race_for_the_last_value", None, &expected, || {
        let ring = Arc::new(Ring::<u32, 1>::new());
        ring.push(1).unwrap();
        let popper = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.pop()
        });
        (ring.pop(), popper.join().unwrap())
    });
}

/// A pop that fails after its own push completed would mean that the value was overlooked.
#[test]
fn own_push_is_found_again() {
    let expected = [(None, Some(1)), (Some(1), None)];
    outcomes("own_push_is_found_again", None, &expected, || {
        let ring = Arc::new(Ring::<u32, 1>::new());
        let popper = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.pop()
        });
        ring.push(1).unwrap();
        let own = ring.pop();
        (popper.join().unwrap(), own)
    });
}

/// Who has pushed the only value, and whoever learnt of it, finds the ring full and not empty.
#[test]
fn queries_race_a_push() {
    let expected = [(false, false), (false, true), (true, false), (true, true)];
    outcomes("queries_race_a_push", None, &expected, || {
        let ring = Arc::new(Ring::<u32, 1>::new());
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || {
                ring.push(7).unwrap();
                assert!(!ring.is_empty() && ring.is_full());
            }
        });
        let seen = (ring.is_empty(), ring.is_full());
        pusher.join().unwrap();
        assert!(!ring.is_empty() && ring.is_full());
        assert_eq!(pop_all(&ring), [7]);
        assert!(ring.is_empty() && !ring.is_full());
        seen
    });
}

#[test]
fn producers_race_producers_and_a_consumer() {
    model("producers_race_producers_and_a_consumer", Some(3), || {
        let ring = Arc::new(Ring::<u32, 2>::new());
        let producers = [1, 2].map(|value| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.push(value).unwrap())
        });
        let mut popped: Vec<u32> = ring.pop().into_iter().collect();
        for producer in producers {
            producer.join().unwrap();
        }
        popped.extend(pop_all(&ring));
        popped.sort_unstable();
        assert_eq!(popped, [1, 2]);
    });
}

#[test]
fn one_producers_values_stay_in_order() {
    model("one_producers_values_stay_in_order", Some(3), || {
        let ring = Arc::new(Ring::<u32, 2>::with_start(LAST - 1));
        let producer = thread::spawn({
            let ring = Arc::clone(&ring);
            move || (1..=3).filter(|&value| ring.push(value).is_ok()).collect::<Vec<_>>()
        });
        let mut popped: Vec<u32> = (0..2).filter_map(|_| ring.pop()).collect();
        let pushed = producer.join().unwrap();
        popped.extend(pop_all(&ring));
        assert_eq!(popped, pushed);
    });
}

#[test]
fn two_producers_race_two_consumers() {
    model("two_producers_race_two_consumers", Some(2), || {
        let ring = Arc::new(Ring::<u32, 2>::new());
        let producers = [1, 2].map(|value| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.push(value).unwrap())
        });
        let consumer = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.pop()
        });
        let mut popped: Vec<u32> = ring.pop().into_iter().collect();
        for producer in producers {
            producer.join().unwrap();
        }
        popped.extend(consumer.join().unwrap());
        popped.extend(pop_all(&ring));
        popped.sort_unstable();
        assert_eq!(popped, [1, 2]);
    });
}

/// Whoever comes to a position must know that its side has passed the one a lap before (edges E2 and
/// E3: asserted at every look). Here a third popper follows two, of whom one knows the other only from
/// the place it has passed.
#[test]
fn pops_follow_each_other() {
    let expected = [
        (None, Some(1), Some(2)),
        (None, Some(2), Some(1)),
        (Some(1), None, Some(2)),
        (Some(1), Some(2), None),
        (Some(2), None, Some(1)),
        (Some(2), Some(1), None),
    ];
    outcomes("pops_follow_each_other", Some(2), &expected, || {
        let ring = Arc::new(Ring::<u32, 2>::with_start(LAST));
        assert_eq!(ring.push_slice(&[1, 2]), 2);
        let poppers = [(); 2].map(|()| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.pop())
        });
        let own = ring.pop();
        let [first, second] = poppers.map(|popper| popper.join().unwrap());
        (own, first, second)
    });
}

/// The same of pushes.
#[test]
fn pushes_follow_each_other() {
    let expected = [(Err(1), Ok(()), Ok(())), (Ok(()), Err(2), Ok(())), (Ok(()), Ok(()), Err(3))];
    outcomes("pushes_follow_each_other", Some(2), &expected, || {
        let ring = Arc::new(Ring::<u32, 2>::with_start(LAST));
        let pushers = [2, 3].map(|value| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.push(value).map_err(PushError::into_inner))
        });
        let own = ring.push(1).map_err(PushError::into_inner);
        let [first, second] = pushers.map(|pusher| pusher.join().unwrap());
        (own, first, second)
    });
}

/// A side that goes on past a late one knows what that has passed.
#[test]
fn laps_overtake_a_late_pop() {
    model("laps_overtake_a_late_pop", Some(2), || {
        let ring = Arc::new(Ring::<u32, 1>::with_start(LAST));
        ring.push(1).unwrap();
        let popper = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.pop()
        });
        let mut popped: Vec<u32> = Vec::new();
        for value in 2..4 {
            popped.extend(ring.pop());
            ring.push(value).unwrap_or_else(|_| popped.push(value));
        }
        popped.extend(popper.join().unwrap());
        popped.extend(pop_all(&ring));
        popped.sort_unstable();
        assert_eq!(popped, [1, 2, 3]);
    });
}

/// What the closer did before is seen by whoever is told so (edge E4), and what went in comes out.
#[test]
fn close_races_push_and_pop() {
    let expected = [(false, None), (true, None), (true, Some(7))];
    outcomes("close_races_push_and_pop", Some(3), &expected, || {
        let ring = Arc::new(Ring::<u32, 1>::with_start(LAST));
        let note = Arc::new(loom::cell::UnsafeCell::new(0));
        // SAFETY: whoever finds the ring closed comes after the closer's note.
        let read = |note: &loom::cell::UnsafeCell<i32>| note.with(|note| unsafe { *note });
        let closer = thread::spawn({
            let (ring, note) = (Arc::clone(&ring), Arc::clone(&note));
            move || {
                // SAFETY: nobody reads it before the ring is closed.
                note.with_mut(|note| unsafe { *note = 1 });
                assert!(ring.close());
            }
        });
        let pusher = thread::spawn({
            let (ring, note) = (Arc::clone(&ring), Arc::clone(&note));
            move || match ring.push(7) {
                Ok(()) => true,
                Err(PushError::Closed(7)) => {
                    assert_eq!(read(&note), 1);
                    false
                }
                Err(error) => panic!("{error:?}"),
            }
        });
        let popped = ring.pop();
        if ring.is_drained() {
            assert_eq!(read(&note), 1);
            assert_eq!(ring.pop(), None, "drained is drained");
        }
        closer.join().unwrap();
        let is_in = pusher.join().unwrap();
        let rest = ring.pop();
        assert!(ring.is_drained() && (popped.or(rest) == is_in.then_some(7)));
        (is_in, popped)
    });
}

/// On a full ring one of the two gets the oldest value, and none is lost.
#[test]
fn force_push_races_pop() {
    let expected = [(Some(1), None, vec![2]), (Some(1), Some(2), vec![]), (None, Some(1), vec![2])];
    outcomes("force_push_races_pop", Some(3), &expected, || {
        let ring = Arc::new(Ring::<u32, 1>::with_start(LAST));
        ring.push(1).unwrap();
        let popper = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.pop()
        });
        let mut value = 2;
        let evicted = loop {
            match ring.force_push(value) {
                Ok(evicted) => break evicted,
                // The popper has the only slot.
                Err(error) => value = error.refused.into_inner(),
            }
            thread::yield_now();
        };
        let popped = popper.join().unwrap();
        (evicted, popped, pop_all(&ring))
    });
}

#[test]
fn force_pushes_race() {
    model("force_pushes_race", Some(3), || {
        let ring = Arc::new(Ring::<u32, 2>::with_start(LAST));
        assert_eq!(ring.push_slice(&[1, 2]), 2);
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.force_push(3).unwrap()
        });
        let mut seen: Vec<u32> = ring.force_push(4).unwrap().into_iter().collect();
        seen.extend(pusher.join().unwrap());
        assert_eq!(seen.len(), 2);
        seen.extend(pop_all(&ring));
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3, 4]);
    });
}
