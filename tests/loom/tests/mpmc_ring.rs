//! Defends the invariants and edges of `latchless::ring::MpmcRing`: each value is popped once, in
//! order, by a pop that happens after its push; a slot is not reused before it was read; Empty and
//! Full mean what the essay says. The slots are loom's checked cells.
//!
//! In the model the threshold allows for 4 calls under way (loom has no more threads), so a ring
//! of one slot counts as empty after 6 failed pops and the short cut is within reach.

use latchless::ring::{Full, MpmcRing};
use latchless_loom::{model, outcomes};
use loom::{sync::Arc, thread};

fn pop_all<const N: usize>(ring: &MpmcRing<u32, N>) -> Vec<u32> {
    core::iter::from_fn(|| ring.pop()).collect()
}

/// A ring that is empty after use: pops still look for values.
fn drained<const N: usize>() -> MpmcRing<u32, N> {
    let ring = MpmcRing::new();
    ring.push(0).unwrap();
    assert_eq!(ring.pop(), Some(0));
    ring
}

/// Fails pops until the ring takes the short cut.
fn exhaust_threshold<const N: usize>(ring: &MpmcRing<u32, N>) {
    for _ in 0..2 * N + 4 {
        assert_eq!(ring.pop_by_ticket(), None);
    }
    assert!(ring.is_empty());
}

#[test]
fn pop_races_push_on_an_empty_ring() {
    let expected = [(None, vec![7]), (Some(7), vec![])];
    outcomes("pop_races_push_on_an_empty_ring", None, &expected, || {
        let ring = Arc::new(MpmcRing::<u32, 1>::new());
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.push(7).unwrap()
        });
        let popped = ring.pop();
        pusher.join().unwrap();
        (popped, pop_all(&ring))
    });
}

/// With the short cut off, a pop draws a ticket and meets the push in the entries.
#[test]
fn pop_races_push_on_a_drained_ring() {
    let expected = [(None, Some(7)), (Some(7), None)];
    outcomes("pop_races_push_on_a_drained_ring", Some(4), &expected, || {
        let ring = Arc::new(drained::<1>());
        let popper = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.pop()
        });
        ring.push(7).unwrap();
        let own = ring.pop();
        (popper.join().unwrap(), own)
    });
}

#[test]
fn pops_race_a_push_on_a_drained_ring() {
    let expected = [(None, None, vec![7]), (None, Some(7), vec![]), (Some(7), None, vec![])];
    outcomes("pops_race_a_push_on_a_drained_ring", Some(3), &expected, || {
        let ring = Arc::new(drained::<1>());
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.push(7).unwrap()
        });
        let popper = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.pop()
        });
        let popped = ring.pop();
        pusher.join().unwrap();
        (popped, popper.join().unwrap(), pop_all(&ring))
    });
}

/// A take that drew its ticket and stopped leaves its entry occupied. Takes of two later laps pass
/// it: the first makes it unsafe, the second finds nothing to change there. A put with the ticket
/// of the second must find out that it came too late (edge E2), or its value is lost.
#[test]
fn put_on_an_unsafe_entry_races_the_take_that_has_passed() {
    model("put_on_an_unsafe_entry_races_the_take_that_has_passed", Some(2), || {
        let ring = Arc::new(MpmcRing::<u32, 2>::new());
        ring.push(1).unwrap();
        let stalled = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.pop_by_ticket()
        });
        // A yield is no preemption: two are enough to stop the pop and the push where it matters.
        thread::yield_now();
        let mut popped: Vec<u32> = (0..7).filter_map(|_| ring.pop_by_ticket()).collect();
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.push(2).unwrap()
        });
        // Not on the main thread, which must see what was new when it yielded.
        let passing = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.pop_by_ticket()
        });
        popped.extend(stalled.join().unwrap());
        popped.extend(passing.join().unwrap());
        pusher.join().unwrap();
        popped.extend(pop_all(&ring));
        popped.sort_unstable();
        assert_eq!(popped, [1, 2]);
    });
}

/// A put that stops before it draws its ticket, while others fill and empty a whole lap, must know
/// that the entry it then fills was drawn (edge E3: asserted in the put itself).
#[test]
fn push_is_overtaken_by_a_lap() {
    model("push_is_overtaken_by_a_lap", Some(2), || {
        let ring = Arc::new(MpmcRing::<u32, 2>::with_start(u64::MAX - 1));
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.push(9).unwrap()
        });
        let mut popped = Vec::new();
        for value in 0..4 {
            ring.push(value).unwrap();
            popped.extend(ring.pop());
        }
        pusher.join().unwrap();
        popped.extend(pop_all(&ring));
        popped.sort_unstable();
        assert_eq!(popped, [0, 1, 2, 3, 9]);
    });
}

/// Pops in vain move the entries and `tail` on under a push, which must know how far they came
/// (edges E3 and E4: asserted in the put itself).
#[test]
fn pops_in_vain_race_a_push() {
    let expected = [(None, None, vec![7]), (None, Some(7), vec![]), (Some(7), None, vec![])];
    outcomes("pops_in_vain_race_a_push", Some(4), &expected, || {
        let ring = Arc::new(drained::<1>());
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.push(7).unwrap()
        });
        let popped = (ring.pop_by_ticket(), ring.pop_by_ticket());
        pusher.join().unwrap();
        (popped.0, popped.1, pop_all(&ring))
    });
}

/// A push that leaves the threshold as it is although a pop paid, because it did not see that, must
/// be seen by whatever that thread does next (fences F1), or the ring could run dry with a value
/// in it: the outcome (None, unseen, not full) must not be.
#[test]
fn push_or_pop_in_vain_sees_the_other() {
    let expected = [
        (None, false, true),
        (None, true, false),
        (None, true, true),
        (Some(7), false, false),
        (Some(7), false, true),
    ];
    outcomes("push_or_pop_in_vain_sees_the_other", Some(4), &expected, || {
        let ring = Arc::new(drained::<1>());
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.push(7).unwrap()
        });
        let popped = ring.pop_by_ticket();
        let is_seen = !ring.is_empty();
        pusher.join().unwrap();
        (popped, is_seen, ring.is_threshold_full())
    });
}

#[test]
fn push_races_pop_on_a_full_ring() {
    let expected = [(Err(2), vec![]), (Ok(()), vec![2])];
    outcomes("push_races_pop_on_a_full_ring", Some(3), &expected, || {
        let ring = Arc::new(MpmcRing::<u32, 1>::with_start(u64::MAX));
        ring.push(1).unwrap();
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.push(2).map_err(Full::into_inner)
        });
        assert_eq!(ring.pop(), Some(1));
        (pusher.join().unwrap(), pop_all(&ring))
    });
}

#[test]
fn pushes_race_for_the_last_slot() {
    let expected = [(Err(1), Ok(()), vec![2]), (Ok(()), Err(2), vec![1])];
    outcomes("pushes_race_for_the_last_slot", None, &expected, || {
        let ring = Arc::new(MpmcRing::<u32, 1>::new());
        let pusher = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.push(2).map_err(Full::into_inner)
        });
        let first = ring.push(1).map_err(Full::into_inner);
        (first, pusher.join().unwrap(), pop_all(&ring))
    });
}

#[test]
fn pops_race_for_the_last_value() {
    let expected = [(None, Some(1)), (Some(1), None)];
    outcomes("pops_race_for_the_last_value", None, &expected, || {
        let ring = Arc::new(MpmcRing::<u32, 1>::new());
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
        let ring = Arc::new(MpmcRing::<u32, 1>::new());
        let popper = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.pop()
        });
        ring.push(1).unwrap();
        let own = ring.pop();
        (popper.join().unwrap(), own)
    });
}

/// The same while the short cut is on, so that a push which does not switch it off, or does it
/// without order, leaves its value behind.
#[test]
fn push_reopens_a_ring_that_counts_as_empty() {
    let expected = [(None, Some(1)), (Some(1), None)];
    outcomes("push_reopens_a_ring_that_counts_as_empty", None, &expected, || {
        let ring = Arc::new(MpmcRing::<u32, 1>::new());
        exhaust_threshold(&ring);
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
        let ring = Arc::new(drained::<1>());
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
        let ring = Arc::new(MpmcRing::<u32, 2>::new());
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
        let ring = Arc::new(MpmcRing::<u32, 2>::with_start(u64::MAX - 1));
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
        let ring = Arc::new(MpmcRing::<u32, 2>::new());
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
