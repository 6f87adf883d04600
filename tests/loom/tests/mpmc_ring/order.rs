//! Models of the relay's order, which take too many steps with two relays. They go through the code that
//! both rings share.
//!
//! Whoever comes to a position must know that its side has passed the one a lap before (edges E2 and
//! E3): that is asserted at every look. Here one looks after two have passed, of whom one may know of the
//! other only from the place that it has passed, and the onlooker from a hint.

use latchless_loom::outcomes;
use loom::{cell::UnsafeCell, sync::Arc, thread};

use super::{LAST, Ring};

#[test]
fn pops_follow_each_other() {
    let expected = [
        (false, Some(1), Some(2)),
        (false, Some(2), Some(1)),
        (true, Some(1), Some(2)),
        (true, Some(2), Some(1)),
    ];
    outcomes("pops_follow_each_other", Some(2), &expected, || {
        let ring = Arc::new(Ring::<u32, 2>::with_start(LAST));
        assert_eq!(ring.push_slice(&[1, 2]), 2);
        let poppers = [(); 2].map(|()| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.pop())
        });
        let is_empty = ring.is_empty();
        let [first, second] = poppers.map(|popper| popper.join().unwrap());
        (is_empty, first, second)
    });
}

#[test]
fn pushes_follow_each_other() {
    let expected =
        [(false, vec![1, 2]), (false, vec![2, 1]), (true, vec![1, 2]), (true, vec![2, 1])];
    outcomes("pushes_follow_each_other", Some(2), &expected, || {
        let ring = Arc::new(Ring::<u32, 2>::with_start(LAST));
        let pushers = [1, 2].map(|value| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.push(value).unwrap())
        });
        let is_full = ring.is_full();
        for pusher in pushers {
            pusher.join().unwrap();
        }
        (is_full, ring.pop_iter().collect())
    });
}

/// Who follows a hint that is a lap old leaps over places that he does not look at, and must know that
/// they were passed.
#[test]
fn onlooker_leaps_a_lap() {
    let expected = [(false, false), (false, true), (true, false)];
    outcomes("onlooker_leaps_a_lap", Some(2), &expected, || {
        let ring = Arc::new(Ring::<u32, 2>::with_start(LAST));
        assert_eq!(ring.push_slice(&[1, 2]), 2);
        let worker = thread::spawn({
            let ring = Arc::clone(&ring);
            move || {
                assert_eq!(ring.pop(), Some(1));
                ring.push(3).unwrap();
                assert_eq!((ring.pop(), ring.pop()), (Some(2), Some(3)));
            }
        });
        let seen = (ring.is_empty(), ring.is_full());
        worker.join().unwrap();
        seen
    });
}

/// What was done before a push that evicts is seen by who pops its value (edge E1).
#[test]
fn forced_push_publishes() {
    let expected = [Some(1), Some(2)];
    outcomes("forced_push_publishes", Some(3), &expected, || {
        let ring = Arc::new(Ring::<u32, 1>::with_start(LAST));
        let note = Arc::new(UnsafeCell::new(0));
        ring.push(1).unwrap();
        let pusher = thread::spawn({
            let (ring, note) = (Arc::clone(&ring), Arc::clone(&note));
            move || {
                // SAFETY: nobody reads it before there is a 2 in the ring.
                note.with_mut(|note| unsafe { *note = 7 });
                ring.force_push(2).unwrap();
            }
        });
        let popped = ring.pop();
        if popped == Some(2) {
            // SAFETY: what was written before the 2 was pushed comes with it.
            assert_eq!(note.with(|note| unsafe { *note }), 7);
        }
        pusher.join().unwrap();
        popped
    });
}

/// The hints of a push that evicts are as good as any (edge E3).
#[test]
fn onlooker_meets_a_forced_push() {
    let expected = [(false, true)];
    outcomes("onlooker_meets_a_forced_push", None, &expected, || {
        let ring = Arc::new(Ring::<u32, 1>::with_start(LAST));
        ring.push(1).unwrap();
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || assert_eq!(ring.force_push(2), Ok(Some(1)))
        });
        let seen = (ring.is_empty(), ring.is_full());
        pusher.join().unwrap();
        seen
    });
}
