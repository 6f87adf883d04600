//! Tests of the judge: the checker that the `linearizable` test of each structure trusts.
//!
//! Each fabricated history breaks one promise, as a plausible bug would, and must be rejected; its
//! honest twin, often the same calls with one moment moved, must be accepted. A checker that
//! accepts everything fails here, and so does one that forgets that calls overlap.

mod common;

use common::linearizability::{Event, Spec, linearize};
use common::random::Random;
use common::specs::{Count, CountCall, Fifo, FifoCall, Lifo, LifoCall, Slots, SlotsCall};

/// A call with the moments of its invocation and its return.
fn call<C>(call: C, invoked: u64, returned: u64) -> Event<C> {
    assert!(invoked < returned, "a call returns after it was invoked");
    Event { thread: 0, call, invoked, returned }
}

/// Calls one after the other.
fn sequence<C>(calls: impl IntoIterator<Item = C>) -> Vec<Event<C>> {
    (0..).zip(calls).map(|(at, what)| call(what, 2 * at, 2 * at + 1)).collect()
}

#[track_caller]
fn accepts<S: Spec>(initial: S, history: &[Event<S::Call>]) {
    assert!(linearize(initial, history).is_some(), "an honest history was rejected: {history:?}");
}

#[track_caller]
fn rejects<S: Spec>(initial: S, history: &[Event<S::Call>]) {
    let order = linearize(initial, history);
    assert!(order.is_none(), "accepted in the order {order:?}: {history:?}");
}

// === First in, first out ===

use FifoCall::{Empty, Full, Length, Peeked, Popped, Pushed};

#[test]
fn queue_in_order_is_accepted() {
    accepts(Fifo::exact(2), &sequence([Pushed(1), Pushed(2), Full, Popped(1), Popped(2), Empty]));
}

#[test]
fn overtaking_is_rejected() {
    rejects(Fifo::exact(2), &sequence([Pushed(1), Pushed(2), Popped(2), Popped(1)]));
}

#[test]
fn overtaking_of_overlapping_pushes_is_accepted() {
    let history = [
        call(Pushed(1), 0, 3),
        call(Pushed(2), 1, 2),
        call(Popped(2), 4, 5),
        call(Popped(1), 6, 7),
    ];
    accepts(Fifo::exact(2), &history);
}

#[test]
fn peeks_that_disagree_on_the_order_are_rejected() {
    // Overlapping pushes: either value may be the older one, but not now this one and now that.
    let pushes = [call(Pushed(1), 0, 2), call(Pushed(2), 1, 3)];
    let one = [call(Peeked(1), 4, 5)];
    let other = [call(Peeked(2), 6, 7)];
    accepts(Fifo::exact(2), &[&pushes[..], &one].concat());
    accepts(Fifo::exact(2), &[&pushes[..], &other].concat());
    rejects(Fifo::exact(2), &[&pushes[..], &one, &other].concat());
}

#[test]
fn lost_value_is_rejected() {
    rejects(Fifo::exact(2), &sequence([Pushed(1), Pushed(2), Popped(2), Empty]));
    rejects(Fifo::exact(2), &sequence([Pushed(1), Empty]));
}

#[test]
fn wrong_length_is_rejected() {
    accepts(Fifo::exact(2), &sequence([Length(0), Pushed(1), Length(1), Popped(1), Length(0)]));
    rejects(Fifo::exact(2), &sequence([Pushed(1), Length(0), Popped(1)]));
    rejects(Fifo::exact(2), &[call(Pushed(1), 0, 1), call(Length(2), 2, 4), call(Full, 3, 5)]);
    accepts(Fifo::exact(2), &[call(Pushed(1), 0, 2), call(Length(0), 1, 3)]);
}

#[test]
fn duplicate_is_rejected() {
    rejects(Fifo::exact(2), &sequence([Pushed(1), Popped(1), Popped(1)]));
    let history = [call(Pushed(1), 0, 1), call(Popped(1), 2, 4), call(Popped(1), 3, 5)];
    rejects(Fifo::exact(2), &history);
}

#[test]
fn value_from_nowhere_is_rejected() {
    rejects(Fifo::exact(2), &sequence([Pushed(1), Popped(7)]));
}

#[test]
fn value_before_its_push_is_rejected() {
    rejects(Fifo::exact(2), &[call(Popped(1), 0, 1), call(Pushed(1), 2, 3)]);
    accepts(Fifo::exact(2), &[call(Popped(1), 0, 2), call(Pushed(1), 1, 3)]);
}

#[test]
fn stale_empty_is_rejected() {
    // The push had returned before the pop began.
    rejects(Fifo::exact(2), &[call(Pushed(1), 0, 1), call(Empty, 2, 3), call(Popped(1), 4, 5)]);
    accepts(Fifo::exact(2), &[call(Pushed(1), 0, 2), call(Empty, 1, 3), call(Popped(1), 4, 5)]);
}

#[test]
fn empty_past_a_stalled_push_is_rejected() {
    // What Vyukov's ring does: the first push has claimed its slot and sleeps, and hides the second
    // one, complete, from the pop.
    let history = [
        call(Pushed(1), 0, 7),
        call(Pushed(2), 1, 2),
        call(Empty, 3, 4),
        call(Popped(2), 5, 6),
        call(Popped(1), 8, 9),
    ];
    rejects(Fifo::lending(4), &history);
}

#[test]
fn stale_peek_is_rejected() {
    rejects(Fifo::exact(2), &sequence([Pushed(1), Pushed(2), Popped(1), Peeked(1)]));
    accepts(Fifo::exact(2), &sequence([Pushed(1), Pushed(2), Popped(1), Peeked(2), Popped(2)]));
}

#[test]
fn one_value_too_many_is_rejected() {
    rejects(Fifo::exact(1), &sequence([Pushed(1), Pushed(2)]));
    rejects(Fifo::lending(1), &sequence([Pushed(1), Pushed(2)]));
}

#[test]
fn stale_full_is_rejected() {
    rejects(Fifo::exact(1), &sequence([Pushed(1), Popped(1), Full]));
    rejects(Fifo::lending(1), &sequence([Pushed(1), Popped(1), Full]));
}

#[test]
fn slot_of_a_call_under_way_counts_only_where_slots_are_lent() {
    // The pop has its value out (the next pop finds nothing) but has not returned.
    let pop_under_way =
        [call(Pushed(1), 0, 1), call(Popped(1), 2, 9), call(Empty, 3, 4), call(Full, 5, 6)];
    accepts(Fifo::lending(1), &pop_under_way);
    rejects(Fifo::exact(1), &pop_under_way);

    // The push has not put its value in (a pop finds nothing).
    let push_under_way =
        [call(Pushed(1), 0, 9), call(Full, 1, 2), call(Empty, 3, 4), call(Popped(1), 10, 11)];
    accepts(Fifo::lending(1), &push_under_way);
    rejects(Fifo::exact(1), &push_under_way);
}

#[test]
fn slots_of_calls_under_way_must_be_lent_at_one_moment() {
    // Four calls overlap the refused push, but one slot at a time is in use.
    let one_after_the_other = [
        call(Full, 1, 10),
        call(Pushed(3), 0, 3),
        call(Popped(3), 2, 4),
        call(Pushed(4), 5, 8),
        call(Popped(4), 6, 9),
    ];
    accepts(Fifo::lending(1), &one_after_the_other);
    rejects(Fifo::lending(2), &one_after_the_other);

    let one_is_missing =
        [call(Pushed(1), 0, 1), call(Popped(1), 2, 7), call(Empty, 3, 4), call(Full, 5, 6)];
    rejects(Fifo::lending(2), &one_is_missing);
}

#[test]
fn refused_push_holds_no_slot() {
    let history = [call(Full, 0, 3), call(Full, 1, 2)];
    rejects(Fifo::lending(1), &history);
}

// === Last in, first out ===

#[test]
fn stack_in_order_is_accepted() {
    use LifoCall::{Empty, Popped, Pushed};
    accepts(Lifo::of(vec![]), &sequence([Pushed(1), Pushed(2), Popped(2), Popped(1), Empty]));
    accepts(Lifo::of(vec![5, 6]), &sequence([Popped(6), Popped(5), Empty]));
}

#[test]
fn first_in_first_out_is_no_stack() {
    use LifoCall::{Popped, Pushed};
    rejects(Lifo::of(vec![]), &sequence([Pushed(1), Pushed(2), Popped(1)]));
}

#[test]
fn index_handed_out_twice_is_rejected() {
    use LifoCall::Popped;
    rejects(Lifo::of(vec![1, 2]), &[call(Popped(2), 0, 2), call(Popped(2), 1, 3)]);
}

#[test]
fn index_lost_from_the_chain_is_rejected() {
    use LifoCall::{Empty, Popped, Pushed};
    // What a missed ABA does: the chain goes on at a stale link.
    let history = [
        call(Popped(3), 0, 9),
        call(Popped(3), 1, 2),
        call(Popped(2), 3, 4),
        call(Pushed(3), 5, 6),
        call(Popped(2), 10, 11),
    ];
    rejects(Lifo::of(vec![1, 2, 3]), &history);
    rejects(Lifo::of(vec![1]), &sequence([Pushed(2), Popped(2), Empty]));
}

// === Slots to hand out ===

#[test]
fn slots_in_any_order_are_accepted() {
    use SlotsCall::{Allocated, Exhausted, Freed};
    let history =
        sequence([Allocated(7), Allocated(9), Exhausted, Freed(7), Allocated(7), Freed(9)]);
    accepts(Slots::free(2), &history);
}

#[test]
fn slot_with_two_owners_is_rejected() {
    use SlotsCall::{Allocated, Freed};
    rejects(Slots::free(2), &[call(Allocated(7), 0, 2), call(Allocated(7), 1, 3)]);
    accepts(
        Slots::free(2),
        &[call(Allocated(7), 0, 1), call(Freed(7), 2, 5), call(Allocated(7), 3, 4)],
    );
}

#[test]
fn slot_freed_by_nobody_is_rejected() {
    rejects(Slots::free(2), &sequence([SlotsCall::Freed(7)]));
}

#[test]
fn exhaustion_with_a_free_slot_is_rejected() {
    use SlotsCall::{Allocated, Exhausted, Freed};
    rejects(Slots::free(2), &sequence([Allocated(7), Exhausted]));
    rejects(Slots::free(1), &sequence([Allocated(7), Freed(7), Exhausted]));
    accepts(
        Slots::free(1),
        &[call(Allocated(7), 0, 1), call(Freed(7), 2, 4), call(Exhausted, 3, 5)],
    );
}

// === A count ===

#[test]
fn count_that_was_taken_twice_is_rejected() {
    use CountCall::{Added, Got, Took};
    accepts(Count(0), &sequence([Added(3), Took(3), Got(0), Took(0)]));
    rejects(Count(0), &[call(Added(3), 0, 1), call(Took(3), 2, 4), call(Took(3), 3, 5)]);
}

#[test]
fn lost_addition_is_rejected() {
    use CountCall::{Added, Got, Subtracted};
    rejects(Count(0), &[call(Added(1), 0, 2), call(Added(1), 1, 3), call(Got(1), 4, 5)]);
    accepts(
        Count(0),
        &[call(Added(1), 0, 4), call(Subtracted(1), 1, 3), call(Got(u64::MAX), 2, 5)],
    );
}

// === The search ===

/// A run of a queue by hand, in which each call takes effect at a moment of its own and the calls
/// around it overlap it at random.
fn blurred_run(random: &mut Random, calls: u64) -> Vec<Event<FifoCall>> {
    let mut next = 0;
    let mut queued = std::collections::VecDeque::new();
    (0..calls)
        .map(|at| {
            let what = if random.coin() {
                next += 1;
                queued.push_back(next);
                Pushed(next)
            } else {
                queued.pop_front().map_or(Empty, Popped)
            };
            // Unique stamps: each moment has a block of its own, and each call a place in it.
            let (moment, width) = (1000 + 100 * at, random.below(300) as u64);
            call(what, moment - width - at % 7, moment + width + 50 + at % 11)
        })
        .collect()
}

#[test]
fn overlap_never_makes_an_honest_run_look_wrong() {
    for seed in 0..200 {
        accepts(Fifo::exact(64), &blurred_run(&mut Random::new(seed), 24));
    }
}

#[test]
fn order_found_is_a_run() {
    for seed in 0..50 {
        let history = blurred_run(&mut Random::new(seed), 16);
        let order = linearize(Fifo::exact(64), &history).expect("the run is honest");
        let calls: Vec<_> = order.iter().map(|&at| history[at].call).collect();
        accepts(Fifo::exact(64), &sequence(calls));
        for (position, &at) in order.iter().enumerate() {
            for &later in &order[position..] {
                let overtaken = history[later].returned < history[at].invoked;
                assert!(!overtaken, "call {later} had returned before call {at} was invoked");
            }
        }
    }
}

#[test]
fn value_dropped_from_a_long_run_is_found() {
    for seed in 0..100 {
        let mut history = blurred_run(&mut Random::new(seed), 24);
        let Some(at) = history.iter().position(|event| matches!(event.call, Popped(_))) else {
            continue;
        };
        // The value of the first pop: nobody pushed it.
        let Popped(value) = history[at].call else { unreachable!("just matched") };
        history.retain(|event| event.call != Pushed(value));
        rejects(Fifo::exact(64), &history);
    }
}
