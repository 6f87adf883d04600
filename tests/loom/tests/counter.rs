//! Defends INV-1 of `latchless::counter::Counter`: no addition is lost or counted twice.

#[path = "counter/batched.rs"]
mod batched;
#[path = "counter/holds.rs"]
mod holds;
#[path = "counter/sharded.rs"]
mod sharded;

use latchless::counter::Counter;
use latchless_loom::outcomes;
use loom::{sync::Arc, thread};

#[test]
fn adds_race_adds() {
    outcomes("adds_race_adds", None, &[(1, 5), (2, 5), (5, 5)], || {
        let counter = Arc::new(Counter::new());
        let adder = thread::spawn({
            let counter = Arc::clone(&counter);
            move || {
                counter.inc();
                counter.add(3);
            }
        });
        counter.inc();
        let seen = counter.get();
        adder.join().unwrap();
        (seen, counter.get())
    });
}

#[test]
fn take_races_add_and_sub() {
    outcomes("take_races_add_and_sub", None, &[(1, 1), (2, 0), (3, u64::MAX)], || {
        let counter = Arc::new(Counter::with_value(1));
        let adder = thread::spawn({
            let counter = Arc::clone(&counter);
            move || {
                counter.add(2);
                counter.sub(1);
            }
        });
        let taken = counter.take();
        adder.join().unwrap();
        let rest = counter.get();
        assert_eq!(taken.wrapping_add(rest), 2);
        (taken, rest)
    });
}
