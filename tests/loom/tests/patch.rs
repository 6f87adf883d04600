//! Defends the ground that every other model stands on: that the loom they are built against is
//! the patched one, and that the harness fails when it should.
//!
//! The released loom explores the first two scenarios incompletely, and sees only one outcome of
//! each: the writer's own load hides the reader's earlier load of the same atomic from the
//! writer's store, so the executions in which the reader comes later are never tried.

use latchless_loom::{model, outcomes};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use loom::thread;

/// Loads the word and stores its successor, as the only writer of a ring's position does.
fn bump(word: &AtomicU64, ordering: Ordering) {
    let value = word.load(Relaxed);
    word.store(value + 1, ordering);
}

#[test]
fn load_then_store_races_load_of_main() {
    outcomes("load_then_store_races_load_of_main", None, &[0, 1], || {
        let word = Arc::new(AtomicU64::new(0));
        let writer = thread::spawn({
            let word = Arc::clone(&word);
            move || bump(&word, Release)
        });
        let seen = word.load(Acquire);
        writer.join().unwrap();
        seen
    });
}

#[test]
fn load_then_store_races_load_of_thread() {
    outcomes("load_then_store_races_load_of_thread", None, &[0, 1], || {
        let word = Arc::new(AtomicU64::new(0));
        let reader = thread::spawn({
            let word = Arc::clone(&word);
            move || word.load(Acquire)
        });
        let writer = thread::spawn({
            let word = Arc::clone(&word);
            move || bump(&word, Release)
        });
        writer.join().unwrap();
        reader.join().unwrap()
    });
}

/// Two writers that each load and then store may lose a bump; both results must be seen.
#[test]
fn load_then_store_races_load_then_store() {
    outcomes("load_then_store_races_load_then_store", None, &[1, 2], || {
        let word = Arc::new(AtomicU64::new(0));
        let writer = thread::spawn({
            let word = Arc::clone(&word);
            move || bump(&word, Release)
        });
        bump(&word, Release);
        writer.join().unwrap();
        word.load(Relaxed)
    });
}

/// Hands a value from one thread to another, as a ring does, by a bump with `ordering`; says
/// whether it had arrived when the other looked, once.
fn hand_over(ordering: Ordering) -> bool {
    let shared = Arc::new((UnsafeCell::new(0_u64), AtomicU64::new(0)));
    let writer = thread::spawn({
        let shared = Arc::clone(&shared);
        move || {
            // SAFETY: the pointer is valid within the closure; that nobody reads the cell before
            // the bump has been seen is what is being modelled, and loom reports it if not.
            shared.0.with_mut(|cell| unsafe { *cell = 7 });
            bump(&shared.1, ordering);
        }
    });
    let arrived = shared.1.load(Acquire) == 1;
    if arrived {
        // SAFETY: as above.
        let value = shared.0.with(|cell| unsafe { *cell });
        assert_eq!(value, 7);
    }
    writer.join().unwrap();
    arrived
}

#[test]
fn release_hands_over() {
    outcomes("release_hands_over", None, &[false, true], || hand_over(Release));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn relaxed_does_not_hand_over() {
    model("relaxed_does_not_hand_over", None, || {
        hand_over(Relaxed);
    });
}

#[test]
#[should_panic(expected = "outcome 2 was never seen")]
fn an_outcome_that_is_not_seen_fails() {
    outcomes("an_outcome_that_is_not_seen_fails", None, &[1, 2], || 1);
}

#[test]
#[should_panic(expected = "unexpected outcome 2")]
fn an_outcome_that_is_not_listed_fails() {
    outcomes("an_outcome_that_is_not_listed_fails", None, &[1], || 2);
}
