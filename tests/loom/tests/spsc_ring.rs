//! Defends the edges E1 and E2 and the invariants of `latchless::ring::SpscRing`. The slots are
//! loom's checked cells: a push and a pop that touch one slot without an edge between them fail.

use std::mem::ManuallyDrop;
use std::ptr;

use latchless::ring::spsc::{Consumer, Producer};
use latchless::ring::{Full, SpscRing};
use latchless_loom::outcomes;
use loom::{sync::Arc, thread};

/// Runs `produce` on a thread and `consume` on the main one over a ring of `N` slots whose
/// positions start at `start` and which holds `filled` first; then drains the ring. Returns what
/// the two returned, and the rest.
fn race<const N: usize, P: Send + 'static, C>(
    start: usize,
    filled: &[u32],
    produce: impl FnOnce(&mut Producer<'_, u32, N>) -> P + Send + 'static,
    consume: impl FnOnce(&mut Consumer<'_, u32, N>) -> C,
) -> (P, C, Vec<u32>) {
    // Not dropped when the model fails: unwinding through a ring that loom has just found a race
    // in would abort the test.
    let ring = ManuallyDrop::new(Box::new(SpscRing::<u32, N>::with_start(start)));
    // SAFETY: the ring outlives the handles: it is dropped at the end, after both.
    let shared: &'static SpscRing<u32, N> = unsafe { &*ptr::from_ref(&**ring) };
    let (mut producer, mut consumer) = shared.try_split().unwrap();
    for &value in filled {
        producer.push(value).unwrap();
    }
    let thread = thread::spawn(move || produce(&mut producer));
    let consumed = consume(&mut consumer);
    let produced = thread.join().unwrap();
    let rest = core::iter::from_fn(|| consumer.pop()).collect();
    drop(ManuallyDrop::into_inner(ring));
    (produced, consumed, rest)
}

#[test]
fn pop_races_push_on_first_slot() {
    let expected = [(Ok(()), None, vec![7]), (Ok(()), Some(7), vec![])];
    outcomes("pop_races_push_on_first_slot", None, &expected, || {
        race::<2, _, _>(0, &[], |p| p.push(7).map_err(Full::into_inner), |c| c.pop())
    });
}

#[test]
fn push_races_pop_on_last_slot() {
    let expected = [(Ok(()), Some(1), vec![2]), (Err(2), Some(1), vec![])];
    outcomes("push_races_pop_on_last_slot", None, &expected, || {
        race::<1, _, _>(0, &[1], |p| p.push(2).map_err(Full::into_inner), |c| c.pop())
    });
}

#[test]
fn peek_races_push_on_first_slot() {
    let expected = [
        ((), (None, None), vec![7]),
        ((), (None, Some(7)), vec![]),
        ((), (Some(7), Some(7)), vec![]),
    ];
    outcomes("peek_races_push_on_first_slot", None, &expected, || {
        race::<1, _, _>(0, &[], |p| p.push(7).unwrap(), |c| (c.peek().copied(), c.pop()))
    });
}

#[test]
fn pushes_race_pops_round_the_wrap() {
    let expected = [
        (2, vec![], vec![1, 2]),
        (2, vec![1], vec![2]),
        (2, vec![1, 2], vec![]),
        (3, vec![1], vec![2, 3]),
        (3, vec![1, 2], vec![3]),
    ];
    outcomes("pushes_race_pops_round_the_wrap", None, &expected, || {
        race::<2, _, _>(
            usize::MAX,
            &[],
            |p| (1..=3).filter(|&value| p.push(value).is_ok()).count(),
            |c| (0..2).filter_map(|_| c.pop()).collect::<Vec<_>>(),
        )
    });
}

#[test]
fn lengths_race_push_and_pop() {
    let expected = [(1, 1, vec![2]), (1, 2, vec![2]), (2, 1, vec![2]), (2, 2, vec![2])];
    outcomes("lengths_race_push_and_pop", None, &expected, || {
        race::<2, _, _>(
            0,
            &[1],
            |p| {
                p.push(2).unwrap();
                p.len()
            },
            |c| {
                let len = c.len();
                assert_eq!(c.pop(), Some(1));
                len
            },
        )
    });
}

#[test]
fn split_races_split() {
    outcomes("split_races_split", None, &[(false, true), (true, false)], || {
        let ring = Arc::new(SpscRing::<u32, 1>::new());
        let other = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.try_split().is_some()
        });
        let won = ring.try_split().is_some();
        (won, other.join().unwrap())
    });
}
