//! Defends the invariants of `Magazine`: a slot is in one magazine, in the pool or of one box, never of two
//! and never of none, and no more than `CAP` are in a magazine.

use core::cell::Cell;

use latchless::stack::{Exhausted, Magazine, Pool, PoolBox};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::common::drops::{Ledger, Tracked};
use crate::common::panics::panic_message;
use crate::common::property_config;
use crate::common::random::Random;
use crate::common::stamps::Stamped;
use crate::common::team::Team;
use crate::slot_of;

assert_impl_all!(Magazine<'static, Cell<u8>, 3, 2>: Send, Unpin);
assert_not_impl_any!(Magazine<'static, u8, 3, 2>: Clone, Copy);
assert_not_impl_any!(Magazine<'static, std::rc::Rc<u8>, 3, 2>: Send);

/// How many slots are free in the pool itself.
fn free_in<T: Default, const N: usize>(pool: &Pool<T, N>) -> usize {
    let all: Vec<_> = core::iter::from_fn(|| pool.alloc(T::default()).ok()).take(N + 1).collect();
    all.len()
}

fn hands_out_exactly<const N: usize, const CAP: usize>() {
    let pool = Pool::<usize, N>::new();
    let mut magazine = pool.magazine::<CAP>();
    assert_eq!((magazine.capacity(), magazine.len(), magazine.is_empty()), (CAP, 0, true));
    for round in 0..3 {
        let mut boxes: Vec<_> =
            (0..N).filter_map(|at| magazine.alloc(round * N + at).ok()).collect();
        assert_eq!(boxes.len(), N);
        assert_eq!(magazine.alloc(7).err(), Some(Exhausted(7)));
        assert!(boxes.iter().map(|owned| **owned).eq(round * N..(round + 1) * N));
        let mut slots: Vec<_> = boxes.iter().map(slot_of).collect();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), N, "each box has a slot of its own");
        while let Some(owned) = boxes.pop() {
            let value = *owned;
            if boxes.len() % 2 == 0 {
                assert_eq!(magazine.take(owned).ok(), Some(value));
            } else {
                assert!(magazine.free(owned).is_ok());
            }
            assert!(magazine.len() <= CAP && !magazine.is_empty());
            assert_eq!(free_in(&pool) + magazine.len() + boxes.len(), N, "a slot is lost");
        }
    }
    magazine.drain();
    assert_eq!((magazine.len(), free_in(&pool)), (0, N));
}

#[test]
fn capacity() {
    hands_out_exactly::<1, 1>();
    hands_out_exactly::<2, 1>();
    hands_out_exactly::<3, 2>();
    hands_out_exactly::<3, 8>();
    hands_out_exactly::<7, 3>();
    hands_out_exactly::<100, 32>();
}

#[test]
fn slots_go_back_when_a_magazine_is_dropped() {
    let pool = Pool::<u8, 8>::new();
    let mut magazine = pool.magazine::<4>();
    let owned = magazine.alloc(1).unwrap();
    assert_eq!((magazine.len(), free_in(&pool)), (1, 6));
    drop(magazine);
    assert_eq!(free_in(&pool), 7);
    drop(owned);
    assert_eq!(free_in(&pool), 8);
}

/// Of `M` magazines none refuses while fewer than `N - (M - 1) * CAP` slots are in use, and one may then.
#[test]
fn magazines_hold_back_no_more_than_is_stated() {
    const N: usize = 20;
    const CAP: usize = 4;
    let pool = Pool::<u8, N>::new();
    let mut magazines = [(); 3].map(|()| pool.magazine::<CAP>());
    let mut boxes: Vec<_> = (0..12).map(|_| pool.alloc(0).unwrap()).collect();
    for magazine in &mut magazines[1..] {
        boxes.drain(..CAP).for_each(|owned| assert!(magazine.free(owned).is_ok()));
        assert_eq!(magazine.len(), CAP);
    }
    while boxes.len() < N - 2 * CAP {
        boxes.push(magazines[0].alloc(1).expect("fewer are in use"));
    }
    assert_eq!(magazines[0].alloc(2).err(), Some(Exhausted(2)), "the others have the rest");
    magazines[1].drain();
    assert!(magazines[0].alloc(3).is_ok());
}

#[test]
fn box_of_another_pool_comes_back() {
    let [pool, other] = [(); 2].map(|()| Pool::<u8, 2>::new());
    let mut magazine = pool.magazine::<2>();
    let foreign = magazine.free(other.alloc(5).unwrap()).unwrap_err();
    let foreign = magazine.take(foreign).unwrap_err();
    assert_eq!((*foreign, magazine.len()), (5, 0));
    drop(foreign);
    assert_eq!((free_in(&pool), free_in(&other)), (2, 2));

    let empty = [(); 2].map(|()| Pool::<(), 1>::new());
    let foreign = empty[1].magazine::<1>().free(empty[0].alloc(()).unwrap());
    assert!(foreign.is_err(), "pools of nothing are told apart too");
}

#[test]
fn panicking_drop_keeps_its_slot_at_hand() {
    let ledger = Ledger::new(2);
    let pool = Pool::<Tracked<'_>, 1>::new();
    let mut magazine = pool.magazine::<2>();
    let bomb = magazine.alloc(ledger.issue_bomb()).unwrap();
    let message = panic_message(core::panic::AssertUnwindSafe(|| drop(magazine.free(bomb))));
    assert_eq!(message.as_deref(), Some("the drop of value 0 panics"));
    assert_eq!(magazine.len(), 1);
    assert!(magazine.alloc(ledger.issue()).is_ok());
    ledger.assert_all_dropped_once();
}

#[test]
fn magazine_prints_how_full_it_is() {
    let pool = Pool::<u8, 4>::new();
    let mut magazine = pool.magazine::<4>();
    drop(magazine.alloc(1));
    assert_eq!(format!("{magazine:?}"), "Magazine { len: 1, capacity: 4, .. }");
    assert!(core::ptr::eq(magazine.pool(), &pool));
    assert_eq!(size_of_val(&magazine), 16 + 16);
}

#[derive(Clone, Debug)]
enum Op {
    Alloc(usize),
    Free(usize, usize),
    Take(usize, usize),
    /// Without a magazine.
    Drop(usize),
    Drain(usize),
    Renew(usize),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0..3_usize).prop_map(Op::Alloc),
        3 => (0..3_usize, any::<usize>()).prop_map(|(at, which)| Op::Free(at, which)),
        2 => (0..3_usize, any::<usize>()).prop_map(|(at, which)| Op::Take(at, which)),
        1 => any::<usize>().prop_map(Op::Drop),
        1 => (0..3_usize).prop_map(Op::Drain),
        1 => (0..3_usize).prop_map(Op::Renew),
    ];
    prop::collection::vec(op, 0..200)
}

fn agrees_with_a_set<const N: usize, const CAP: usize>(ops: &[Op]) {
    let ledger = Ledger::new(ops.len());
    let pool = Pool::<Tracked<'_>, N>::new();
    let mut magazines = [(); 3].map(|()| pool.magazine::<CAP>());
    let mut boxes: Vec<PoolBox<'_, Tracked<'_>, N>> = Vec::new();
    let mut ids = Vec::new();
    for op in ops {
        let count = boxes.len();
        match *op {
            Op::Alloc(at) => match magazines[at].alloc(ledger.issue()) {
                Ok(owned) => {
                    let slot = slot_of(&owned);
                    assert!(boxes.iter().all(|other| slot_of(other) != slot));
                    ids.push(owned.id());
                    boxes.push(owned);
                }
                Err(Exhausted(value)) => {
                    assert_eq!(value.id(), ledger.issued() - 1);
                    assert!(count + 2 * CAP >= N, "the others cannot hold so many");
                }
            },
            Op::Drain(at) => magazines[at].drain(),
            Op::Renew(at) => magazines[at] = pool.magazine(),
            Op::Free(..) | Op::Take(..) | Op::Drop(_) if boxes.is_empty() => {}
            Op::Free(at, which) => {
                ids.swap_remove(which % count);
                assert!(magazines[at].free(boxes.swap_remove(which % count)).is_ok());
            }
            Op::Take(at, which) => {
                let id = ids.swap_remove(which % count);
                let value = magazines[at].take(boxes.swap_remove(which % count));
                assert_eq!(value.ok().map(|value| value.id()), Some(id));
            }
            Op::Drop(which) => {
                ids.swap_remove(which % count);
                drop(boxes.swap_remove(which % count));
            }
        }
        assert!(boxes.iter().map(|owned| owned.id()).eq(ids.iter().copied()));
        assert!(magazines.iter().all(|magazine| magazine.len() <= CAP));
        assert_eq!(ledger.alive(), boxes.len());
    }
    drop(boxes);
    drop(magazines);
    ledger.assert_all_dropped_once();
    let all: Vec<_> = core::iter::from_fn(|| pool.alloc_raw()).take(N + 1).collect();
    assert_eq!(all.len(), N, "each slot is back, once");
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_a_set(ops in ops()) {
        agrees_with_a_set::<1, 1>(&ops);
        agrees_with_a_set::<5, 2>(&ops);
        agrees_with_a_set::<16, 3>(&ops);
        agrees_with_a_set::<40, 8>(&ops);
    }
}

/// Threads with a magazine each; boxes are freed by their owner, by others, and without a magazine.
fn keeps_owners_apart<const N: usize, const CAP: usize>(threads: usize, turns: usize) {
    let pool = &Pool::<Stamped, N>::new();
    let passed_on = &latchless::ring::MpmcRing::<PoolBox<'_, Stamped, N>, 4>::new();
    Team::run_alike(threads, |_, me| {
        let mut random = Random::new(me as u64);
        let mut magazine = pool.magazine::<CAP>();
        let mut mine: Vec<(usize, PoolBox<'_, Stamped, N>)> = Vec::new();
        for number in 0..turns {
            if random.below(N + 1) >= mine.len() {
                if let Ok(owned) = magazine.alloc(Stamped::new(me, number)) {
                    mine.push((number, owned));
                }
            } else {
                let (stamp, owned) = mine.swap_remove(random.below(mine.len()));
                assert_eq!(owned.origin(), (me, stamp), "nobody else had the slot meanwhile");
                match random.below(4) {
                    0 => drop(owned),
                    1 => drop(passed_on.push(owned)),
                    2 => assert_eq!(
                        magazine.take(owned).map(|value| value.origin()).ok(),
                        Some((me, stamp))
                    ),
                    _ => assert!(magazine.free(owned).is_ok()),
                }
                if let Some(others) = passed_on.pop() {
                    assert!(others.origin().0 < threads);
                    assert!(magazine.free(others).is_ok());
                }
            }
        }
        for (stamp, owned) in mine {
            assert_eq!(owned.origin(), (me, stamp));
        }
    });
    core::iter::from_fn(|| passed_on.pop()).for_each(drop);
    let all: Vec<_> = core::iter::from_fn(|| pool.alloc_raw()).take(N + 1).collect();
    assert_eq!(all.len(), N, "each slot is back, once");
}

#[test]
fn slot_has_one_owner_at_a_time() {
    keeps_owners_apart::<2, 1>(2, 10_000);
    keeps_owners_apart::<8, 2>(3, 10_000);
    keeps_owners_apart::<64, 8>(4, 10_000);
}
