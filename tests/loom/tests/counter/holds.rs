//! Defends E1 of `latchless::counter::refcount` and of `bounded`: who finds nobody at a thing has it to
//! himself; and that ids and marks are nobody's twice.

use latchless::counter::{BoundedCounter, HighWater, RefCount, Sequence};
use latchless_loom::{model, outcomes};
use loom::cell::UnsafeCell;
use loom::{sync::Arc, thread};

/// A thing with so many holds; touching it twice at once fails the model.
struct Thing {
    holds: RefCount,
    place: UnsafeCell<u32>,
}

impl Thing {
    fn new(holds: u32) -> Arc<Self> {
        Arc::new(Self { holds: RefCount::with_count(holds), place: UnsafeCell::new(0) })
    }

    fn touch(&self) {
        self.place.with(|_| ());
    }

    fn free(&self) {
        self.place.with_mut(|_| ());
    }
}

// SAFETY: loom watches the cell.
unsafe impl Sync for Thing {}

/// Two holders touch the thing, then give it up by `first` and `second`, which say who frees it.
fn give_up(name: &str, expected: &[(bool, bool)], [first, second]: [fn(&RefCount) -> bool; 2]) {
    outcomes(name, None, expected, move || {
        let thing = Thing::new(2);
        let other = thread::spawn({
            let thing = Arc::clone(&thing);
            move || {
                thing.touch();
                let is_last = second(&thing.holds);
                if is_last {
                    thing.free();
                }
                is_last
            }
        });
        thing.touch();
        let is_last = first(&thing.holds);
        if is_last {
            thing.free();
        }
        (is_last, other.join().unwrap())
    });
}

#[test]
fn holders_give_up_at_once() {
    let either = [(true, false), (false, true)];
    give_up("holders_give_up_at_once", &either, [RefCount::dec_and_test; 2]);
}

#[test]
fn holders_give_up_several_at_once() {
    let sub: fn(&RefCount) -> bool = |holds| holds.sub_and_test(1);
    give_up("holders_give_up_several_at_once", &[(true, false), (false, true)], [sub; 2]);
}

#[test]
fn last_holder_races_one_that_is_not() {
    let calls: [fn(&RefCount) -> bool; 2] =
        [RefCount::dec_if_one, |holds| !holds.dec_not_one() && holds.dec_if_one()];
    let expected = [(false, false), (true, false)];
    give_up("last_holder_races_one_that_is_not", &expected, calls);
}

#[test]
fn lookup_races_last_holder() {
    let expected = [(false, true), (true, false), (true, true)];
    outcomes("lookup_races_last_holder", None, &expected, || {
        let thing = Thing::new(1);
        let other = thread::spawn({
            let thing = Arc::clone(&thing);
            move || {
                let is_last = thing.holds.dec_and_test();
                if is_last {
                    thing.free();
                }
                is_last
            }
        });
        let found = thing.holds.inc_not_zero();
        if found {
            thing.touch();
            if thing.holds.dec_and_test() {
                thing.free();
            }
        }
        let theirs = other.join().unwrap();
        assert_eq!(thing.holds.get(), 0);
        (found, theirs)
    });
}

/// INV-1: whatever races, what is parked stays parked, and nobody is told that he is the last.
#[test]
fn overflow_races_everything() {
    model("overflow_races_everything", Some(3), || {
        let holds = Arc::new(RefCount::with_count(RefCount::MAX));
        let other = thread::spawn({
            let holds = Arc::clone(&holds);
            move || {
                holds.inc();
                assert!(!holds.dec_and_test());
            }
        });
        holds.inc();
        assert!(holds.inc_not_zero() && !holds.sub_and_test(3));
        other.join().unwrap();
        assert!(holds.is_saturated());
        assert_eq!(holds.get(), 0xc000_0000);
    });
}

/// One permit: whoever has it touches the place alone.
#[test]
fn permits_change_hands() {
    struct Place(BoundedCounter, UnsafeCell<u32>);
    // SAFETY: loom watches the cell.
    unsafe impl Sync for Place {}

    fn enter(place: &Place) -> bool {
        let permits = place.0.try_acquire(1);
        if permits.is_some() {
            place.1.with_mut(|_| ());
        }
        permits.is_some()
    }

    let expected = [(true, true), (true, false), (false, true)];
    outcomes("permits_change_hands", None, &expected, || {
        let place = Arc::new(Place(BoundedCounter::new(1), UnsafeCell::new(0)));
        let other = thread::spawn({
            let place = Arc::clone(&place);
            move || enter(&place)
        });
        let mine = enter(&place);
        let theirs = other.join().unwrap();
        assert_eq!(place.0.get(), 0);
        (mine, theirs)
    });
}

#[test]
fn ids_are_drawn_at_once() {
    let end = Sequence::END;
    let expected = [(Some(end - 2), None), (None, Some(end - 2))];
    outcomes("ids_are_drawn_at_once", None, &expected, move || {
        let sequence = Arc::new(Sequence::starting_at(end - 2));
        let other = thread::spawn({
            let sequence = Arc::clone(&sequence);
            move || sequence.next_id()
        });
        let mine = sequence.reserve(2).and_then(|mut block| block.next());
        let mine = mine.or_else(|| sequence.next_id());
        let theirs = other.join().unwrap();
        (mine, theirs)
    });
}

#[test]
fn marks_race() {
    outcomes("marks_race", None, &[(false, true), (true, true)], || {
        let mark = Arc::new(HighWater::new());
        let other = thread::spawn({
            let mark = Arc::clone(&mark);
            move || mark.record(7)
        });
        let mine = mark.record(5);
        let theirs = other.join().unwrap();
        assert_eq!(mark.get(), 7);
        (mine, theirs)
    });
}
