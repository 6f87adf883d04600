//! Defends the invariants of `Pool`: each slot is free, or of one owner (INV-1), and holds a value
//! exactly while it is owned (INV-2): no slot is handed out twice or lost, no value dropped twice or
//! forgotten, whichever thread frees it and however its own `Drop` ends.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

#[path = "pool/arc.rs"]
mod arc;
mod common;
#[path = "pool/keyed.rs"]
mod keyed;
#[path = "pool/magazine.rs"]
mod magazine;

use core::cell::Cell;
use core::error::Error;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::MutexGuard;

use latchless::ring::MpmcRing;
use latchless::stack::{Exhausted, NotLent, Pool, PoolBox};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use common::drops::{Ledger, Tracked};
use common::linearizability::{Event, Recording, Worker, check_rounds};
use common::panics::panic_message;
use common::property_config;
use common::random::Random;
use common::specs::{Slots, SlotsCall};
use common::stamps::Stamped;
use common::team::{Member, Producers, Team};

assert_impl_all!(Pool<String, 3>: Send, Sync, Default, Unpin);
assert_impl_all!(Pool<Cell<u8>, 3>: Send, Sync);
assert_not_impl_any!(Pool<std::rc::Rc<u8>, 3>: Send, Sync);
assert_impl_all!(PoolBox<'static, String, 3>: Send, Sync, Unpin);
assert_impl_all!(PoolBox<'static, Cell<u8>, 3>: Send);
assert_not_impl_any!(PoolBox<'static, Cell<u8>, 3>: Sync);
assert_not_impl_any!(PoolBox<'static, std::rc::Rc<u8>, 3>: Send, Sync);
assert_not_impl_any!(PoolBox<'static, MutexGuard<'static, u8>, 3>: Send);
assert_not_impl_any!(PoolBox<'static, u8, 3>: Clone);

/// Which slot a box has: its address.
fn slot_of<T, const N: usize>(owned: &PoolBox<'_, T, N>) -> usize {
    core::ptr::from_ref::<T>(owned).addr()
}

// === One thread ===

fn hands_out_exactly<const N: usize>() {
    let pool = Pool::<usize, N>::new();
    assert_eq!(pool.capacity(), N);
    for round in 0..3 {
        let boxes: Vec<_> = (0..N).filter_map(|at| pool.alloc(round * N + at).ok()).collect();
        assert_eq!(boxes.len(), N);
        assert_eq!(pool.alloc(usize::MAX).err(), Some(Exhausted(usize::MAX)));
        assert!(boxes.iter().map(|owned| **owned).eq(round * N..(round + 1) * N));
        let mut slots: Vec<_> = boxes.iter().map(slot_of).collect();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), N, "each box has a slot of its own");
    }
}

#[test]
fn capacity() {
    hands_out_exactly::<1>();
    hands_out_exactly::<2>();
    hands_out_exactly::<3>();
    hands_out_exactly::<100>();
}

#[test]
fn len_empty_full() {
    let pool = Pool::<u8, 2>::default();
    assert!(!pool.is_exhausted());
    let first = pool.alloc(1).unwrap();
    assert!(!pool.is_exhausted());
    let second = pool.alloc(2).unwrap();
    assert!(pool.is_exhausted());
    drop(first);
    assert!(!pool.is_exhausted());
    assert_eq!(second.into_inner(), 2);
    assert!(!pool.is_exhausted());
}

#[test]
fn zero_sized_type() {
    let pool = Pool::<(), 3>::new();
    let boxes = [(); 3].map(|()| pool.alloc(()).unwrap());
    assert!(pool.alloc(()).is_err());
    drop(boxes);
    assert!(pool.alloc(()).is_ok());
    assert_eq!(size_of::<Pool<(), 3>>(), 256, "only the free list");
}

// === Pointers ===

/// Every slot as a pointer, which goes back once; and pointers that are none of the pool's.
fn lends_exactly<T: Default, const N: usize>() {
    let pool = Box::new(Pool::<T, N>::new());
    for _ in 0..2 {
        let mut lent: Vec<_> = core::iter::from_fn(|| pool.alloc_raw()).take(N + 1).collect();
        assert_eq!(lent.len(), N);
        assert!(lent.iter().all(|pointer| pointer.is_aligned()));
        assert!(pool.is_exhausted());
        lent.sort_unstable();
        lent.dedup();
        assert_eq!(lent.len(), N, "each slot has an address of its own");
        let stride = size_of::<T>().max(align_of::<T>());
        let foreign = [
            lent[0].map_addr(|address| address.saturating_add(stride * N)),
            lent[0].map_addr(|address| address.saturating_add(1)),
            core::ptr::NonNull::dangling().map_addr(|_| core::num::NonZeroUsize::MAX),
        ];
        for pointer in foreign {
            if !lent.contains(&pointer) {
                // SAFETY: it stands for no slot.
                assert_eq!(unsafe { pool.free_raw(pointer) }, Err(NotLent));
            }
        }
        for pointer in lent {
            // SAFETY: nobody uses the slot.
            assert_eq!(unsafe { pool.free_raw(pointer) }, Ok(()));
            // SAFETY: as above.
            assert_eq!(unsafe { pool.free_raw(pointer) }, Err(NotLent), "freed twice");
            // SAFETY: the slot is not lent.
            assert!(unsafe { PoolBox::from_raw(&pool, pointer) }.is_err());
        }
    }
    let Ok(owned) = pool.alloc(T::default()) else { panic!("every slot is free") };
    let pointer = owned.into_raw();
    // SAFETY: it is the box's, with its value.
    let owned = unsafe { PoolBox::from_raw(&pool, pointer) }.expect("it was lent");
    // SAFETY: the slot is not lent.
    assert_eq!(unsafe { pool.free_raw(pointer) }, Err(NotLent), "it is a box's");
    drop(owned);
}

#[test]
fn pointers_of_slots_go_back_once() {
    #[derive(Default)]
    #[repr(align(4096))]
    struct Page;
    #[derive(Default)]
    #[repr(align(4096))]
    struct Large([u64; 1], [[u64; 32]; 32]);

    lends_exactly::<u8, 1>();
    lends_exactly::<u64, 3>();
    lends_exactly::<[u8; 3], 7>();
    lends_exactly::<(), 3>();
    lends_exactly::<Page, 3>();
    lends_exactly::<Large, 2>();
    lends_exactly::<u16, 65_537>();
    assert_eq!(Large::default().0, [0]);
    assert_eq!(Large::default().1[0][0], 0);
}

#[test]
fn leaked_value_keeps_its_slot() {
    static POOL: Pool<u32, 2> = Pool::new();
    let leaked: &'static mut u32 = POOL.alloc(1).unwrap().leak();
    let second = POOL.alloc(7).unwrap();
    assert!(POOL.is_exhausted());
    *leaked += 1;
    drop(second);
    assert_eq!(*POOL.alloc(9).unwrap(), 9);
    assert_eq!(*leaked, 2);
}

#[test]
fn pinned_value_is_dropped_in_its_place() {
    static POOL: Pool<(AtomicBool, core::marker::PhantomPinned), 1> = Pool::new();
    let value = (AtomicBool::new(true), core::marker::PhantomPinned);
    let pinned = POOL.alloc(value).ok().unwrap().into_pin();
    assert!(pinned.as_ref().get_ref().0.load(Relaxed));
    assert!(POOL.is_exhausted());
    drop(pinned);
    assert!(!POOL.is_exhausted());
}

#[test]
fn over_aligned_values_lie_aligned() {
    #[derive(PartialEq, Debug)]
    #[repr(align(512))]
    struct Page(u16);

    let pool = Pool::<Page, 4>::new();
    let boxes: Vec<_> = (0..4).map(|number| pool.alloc(Page(number)).unwrap()).collect();
    for (number, owned) in (0..).zip(&boxes) {
        assert_eq!(slot_of(owned) % 512, 0);
        assert_eq!(**owned, Page(number));
    }
}

#[test]
fn large_values_stay_whole() {
    let pool = Box::new(Pool::<[u32; 2048], 3>::new());
    let contents = |round: u32| core::array::from_fn::<u32, 2048, _>(|at| round << 16 | at as u32);
    let boxes: Vec<_> = (0..3).map(|round| pool.alloc(contents(round)).unwrap()).collect();
    for (round, owned) in (0..).zip(boxes) {
        assert!(*owned == contents(round));
        assert!(owned.into_inner() == contents(round));
    }
}

#[test]
fn memory_is_what_the_documentation_states() {
    fn check<T, const N: usize>() {
        let links = (4 * N).next_multiple_of(128);
        let slots = (N * size_of::<T>()).next_multiple_of(128);
        assert_eq!(size_of::<Pool<T, N>>(), 128 + links + slots);
        assert_eq!(size_of::<PoolBox<'_, T, N>>(), 16);
    }
    check::<u8, 1>();
    check::<u64, 16>();
    check::<u64, 33>();
    check::<[u8; 1500], 32>();
}

#[test]
fn box_is_read_and_written_in_place() {
    let pool = Pool::<Vec<u8>, 2>::new();
    let mut owned = pool.alloc(vec![1]).unwrap();
    let slot = slot_of(&owned);
    owned.push(2);
    assert_eq!(owned.len(), 2);
    assert_eq!(slot_of(&owned), slot);
    assert_eq!(owned.into_inner(), [1, 2]);
}

#[test]
fn box_prints_as_its_value() {
    let pool = Pool::<f64, 3>::new();
    let owned = pool.alloc(1.5).unwrap();
    assert_eq!(format!("{owned} {owned:?} {owned:>6.2}"), "1.5 1.5   1.50");
    assert_eq!(format!("{pool:?}"), "Pool { capacity: 3, .. }");
}

#[test]
fn exhausted_says_so_and_gives_the_value_back() {
    /// Has no `Debug`: an error must not ask for it.
    struct Opaque(u8);
    fn into_error<E: Error>(error: E) -> (String, String) {
        (error.to_string(), format!("{error:?}"))
    }

    let pool = Pool::<Opaque, 1>::new();
    let _only = pool.alloc(Opaque(1)).ok().unwrap();
    assert_eq!(pool.alloc(Opaque(2)).err().unwrap().into_inner().0, 2);
    let exhausted = pool.alloc(Opaque(3)).err().unwrap();
    let text = into_error(exhausted);
    assert_eq!(text, ("no slot is free".into(), "Exhausted(..)".into()));
}

// === Drops ===

#[test]
fn drops_each_once() {
    let ledger = Ledger::new(8);
    let pool = Pool::<Tracked<'_>, 2>::new();
    let first = pool.alloc(ledger.issue()).unwrap();
    let second = pool.alloc(ledger.issue()).unwrap();
    let refused = pool.alloc(ledger.issue());
    assert_eq!(ledger.alive(), 3);
    drop(refused);
    drop(first);
    assert_eq!((ledger.drops_of(0), ledger.drops_of(1), ledger.drops_of(2)), (1, 0, 1));

    // Taking a value out drops nothing, and its slot is free at once.
    let value = second.into_inner();
    assert_eq!((value.id(), ledger.drops_of(1)), (1, 0));
    let boxes = [(); 2].map(|()| pool.alloc(ledger.issue()).unwrap());
    drop(value);
    assert_eq!(ledger.alive(), 2);
    drop(boxes);
    ledger.assert_all_dropped_once();
}

#[test]
fn replaced_value_is_dropped_once() {
    let ledger = Ledger::new(2);
    let pool = Pool::<Tracked<'_>, 1>::new();
    let mut owned = pool.alloc(ledger.issue()).unwrap();
    *owned = ledger.issue();
    assert_eq!((ledger.drops_of(0), ledger.drops_of(1)), (1, 0));
    drop(owned);
    ledger.assert_all_dropped_once();
}

#[test]
fn forgotten_box_keeps_exactly_its_slot() {
    let ledger = Ledger::new(8);
    {
        let pool = Pool::<Tracked<'_>, 3>::new();
        let forgotten = pool.alloc(ledger.issue()).unwrap();
        let slot = slot_of(&forgotten);
        core::mem::forget(forgotten);
        for _ in 0..2 {
            let boxes = [(); 2].map(|()| pool.alloc(ledger.issue()).unwrap());
            assert!(boxes.iter().all(|owned| slot_of(owned) != slot));
            assert!(pool.is_exhausted());
        }
    }
    assert_eq!((ledger.alive(), ledger.drops_of(0)), (1, 0), "the forgotten value leaks");
}

#[test]
fn panicking_drop_gives_its_slot_back() {
    let ledger = Ledger::new(2);
    let pool = Pool::<Tracked<'_>, 1>::new();
    let bomb = pool.alloc(ledger.issue_bomb()).unwrap();
    let message = panic_message(move || drop(bomb));
    assert_eq!(message.as_deref(), Some("the drop of value 0 panics"));
    let next = pool.alloc(ledger.issue()).unwrap();
    assert_eq!(next.id(), 1);
    drop(next);
    ledger.assert_all_dropped_once();
}

#[test]
fn slot_is_not_free_while_its_value_is_being_dropped() {
    static POOL: Pool<Nosy, 1> = Pool::new();
    static WAS_TAKEN: AtomicBool = AtomicBool::new(false);

    /// Looks for its own slot in the middle of its drop, as an interrupt handler might.
    struct Nosy;
    impl Drop for Nosy {
        fn drop(&mut self) {
            WAS_TAKEN.store(POOL.is_exhausted(), Relaxed);
        }
    }

    drop(POOL.alloc(Nosy).ok());
    assert!(WAS_TAKEN.load(Relaxed), "the slot was free before its value was gone");
    assert!(!POOL.is_exhausted());
}

// === Against a set of boxes ===

#[derive(Clone, Debug)]
enum Op {
    Alloc,
    Free(usize),
    TakeOut(usize),
    Replace(usize),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => Just(Op::Alloc),
        2 => any::<usize>().prop_map(Op::Free),
        1 => any::<usize>().prop_map(Op::TakeOut),
        1 => any::<usize>().prop_map(Op::Replace),
    ];
    prop::collection::vec(op, 0..200)
}

fn agrees_with_a_set<const N: usize>(ops: &[Op]) {
    let ledger = Ledger::new(ops.len());
    let pool = Pool::<Tracked<'_>, N>::new();
    let mut boxes = Vec::new();
    let mut ids = Vec::new();
    for op in ops {
        match *op {
            Op::Alloc => match pool.alloc(ledger.issue()) {
                Ok(owned) => {
                    let slot = slot_of(&owned);
                    assert!(boxes.iter().all(|other| slot_of(other) != slot));
                    ids.push(owned.id());
                    boxes.push(owned);
                }
                Err(Exhausted(value)) => {
                    assert_eq!(value.id(), ledger.issued() - 1);
                    assert_eq!(boxes.len(), N);
                }
            },
            Op::Free(_) | Op::TakeOut(_) | Op::Replace(_) if boxes.is_empty() => {}
            Op::Free(choice) => {
                let at = choice % boxes.len();
                drop(boxes.swap_remove(at));
                ids.swap_remove(at);
            }
            Op::TakeOut(choice) => {
                let at = choice % boxes.len();
                assert_eq!(boxes.swap_remove(at).into_inner().id(), ids.swap_remove(at));
            }
            Op::Replace(choice) => {
                let at = choice % boxes.len();
                *boxes[at] = ledger.issue();
                ids[at] = ledger.issued() - 1;
            }
        }
        assert!(boxes.iter().map(|owned| owned.id()).eq(ids.iter().copied()));
        assert_eq!(pool.is_exhausted(), boxes.len() == N);
        assert_eq!(ledger.alive(), boxes.len());
    }
    drop(boxes);
    ledger.assert_all_dropped_once();
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_a_set(ops in ops()) {
        agrees_with_a_set::<1>(&ops);
        agrees_with_a_set::<2>(&ops);
        agrees_with_a_set::<7>(&ops);
        agrees_with_a_set::<64>(&ops);
    }
}

// === Many threads ===

fn keeps_owners_apart<const N: usize>(threads: usize, turns: usize) {
    let pool = Pool::<Stamped, N>::new();
    Team::run_alike(threads, |_, me| {
        let mut random = Random::new(me as u64);
        let mut mine: Vec<(usize, PoolBox<'_, Stamped, N>)> = Vec::new();
        for number in 0..turns {
            if random.below(N + 1) >= mine.len() {
                if let Ok(owned) = pool.alloc(Stamped::new(me, number)) {
                    mine.push((number, owned));
                }
            } else {
                let (stamp, owned) = mine.swap_remove(random.below(mine.len()));
                // Whole, mine, and what I put there: nobody else had the slot meanwhile.
                if random.coin() {
                    assert_eq!(owned.origin(), (me, stamp));
                } else {
                    assert_eq!(owned.into_inner().origin(), (me, stamp));
                }
            }
            if let Some((stamp, owned)) = mine.last_mut() {
                assert_eq!(owned.origin(), (me, *stamp));
                *stamp = number;
                **owned = Stamped::new(me, number);
            }
        }
        for (stamp, owned) in mine {
            assert_eq!(owned.origin(), (me, stamp));
        }
    });
    let all: Vec<_> = (0..N).map(|number| pool.alloc(Stamped::new(0, number)).ok()).collect();
    assert!(all.iter().all(Option::is_some), "each slot is back");
    assert!(pool.is_exhausted(), "and there once");
}

#[test]
fn slot_has_one_owner_at_a_time() {
    keeps_owners_apart::<1>(2, 10_000);
    keeps_owners_apart::<2>(3, 10_000);
    keeps_owners_apart::<5>(4, 10_000);
    keeps_owners_apart::<64>(4, 5_000);
}

#[test]
fn box_travels_to_another_thread() {
    static POOL: Pool<Stamped, 4> = Pool::new();
    static RING: MpmcRing<PoolBox<'static, Stamped, 4>, 2> = MpmcRing::new();
    const COUNT: usize = 5_000;

    let at_work = &Producers::new(2);
    let producer = |me: usize| -> Member<'_, usize> {
        Box::new(move |team| {
            for number in 0..COUNT {
                let owned = team.wait_for(|| POOL.alloc(Stamped::new(me, number)).ok());
                team.push(owned, |owned| RING.push(owned));
            }
            at_work.finish_one();
            0
        })
    };
    let consumer = || -> Member<'_, usize> {
        Box::new(move |team| {
            let mut received = 0;
            at_work.drain(
                team,
                || RING.pop(),
                |owned| {
                    assert!(owned.origin().0 < 2);
                    received += 1;
                    if received % 2 == 0 {
                        assert!(owned.into_inner().origin().1 < COUNT);
                    }
                },
            );
            received
        })
    };
    let received: usize =
        Team::run(vec![producer(0), producer(1), consumer(), consumer()]).into_iter().sum();
    assert_eq!(received, 2 * COUNT);
    let all = [(); 4].map(|()| POOL.alloc(Stamped::new(0, 0)).is_ok());
    assert_eq!(all, [true; 4], "each slot came home");
}

#[test]
fn values_freed_by_other_threads_are_dropped_once() {
    const COUNT: usize = 5_000;
    let ledger = Ledger::new(2 * COUNT + 3);
    let pool = Pool::<Box<Tracked<'_>>, 3>::new();
    let handed_over = MpmcRing::<PoolBox<'_, Box<Tracked<'_>>, 3>, 2>::new();
    Team::run_alike(4, |_, me| {
        for _ in 0..COUNT {
            if me % 2 == 0 {
                if let Ok(owned) = pool.alloc(Box::new(ledger.issue())) {
                    drop(handed_over.push(owned));
                }
            } else {
                drop(handed_over.pop());
            }
        }
    });
    drop(handed_over);
    assert_eq!(ledger.alive(), 0);
    let all = [(); 3].map(|()| pool.alloc(Box::new(ledger.issue())));
    assert!(all.iter().all(Result::is_ok), "each slot came home");
    drop(all);
    ledger.assert_all_dropped_once();
}

// === Linearizability ===

/// Threads that allocate and free; then everything that is left is allocated.
fn round<const N: usize, const THREADS: usize>(
    random: &mut Random,
) -> (Slots, Vec<Event<SlotsCall>>) {
    let pool = &Pool::<u64, N>::new();
    let workers = (0..THREADS).map(|_| -> Worker<'_, SlotsCall> {
        let mut random = Random::new(random.word());
        Box::new(move |log| {
            let mut mine = Vec::with_capacity(8);
            let allocate = |mine: &mut Vec<_>| match pool.alloc(0) {
                Ok(owned) => {
                    let slot = slot_of(&owned);
                    mine.push(owned);
                    SlotsCall::Allocated(slot)
                }
                Err(Exhausted(_)) => SlotsCall::Exhausted,
            };
            let free = |owned: PoolBox<'_, u64, N>| {
                let slot = slot_of(&owned);
                drop(owned);
                SlotsCall::Freed(slot)
            };
            for _ in 0..14 / THREADS {
                match random.below(8) {
                    0 => log.ask(|| pool.is_exhausted().then_some(SlotsCall::Exhausted)),
                    1..5 => log.call(|| allocate(&mut mine)),
                    _ if mine.is_empty() => {}
                    _ => {
                        let owned = mine.swap_remove(random.below(mine.len()));
                        log.call(|| free(owned));
                    }
                }
            }
            for owned in mine {
                log.call(|| free(owned));
            }
        })
    });
    let recording = Recording::of(workers.collect());
    let mut all = Vec::new();
    let history = recording.then(|log| {
        log.call_until(&SlotsCall::Exhausted, || match pool.alloc(0) {
            Ok(owned) => {
                all.push(owned);
                SlotsCall::Allocated(all.last().map_or(0, slot_of))
            }
            Err(Exhausted(_)) => SlotsCall::Exhausted,
        });
    });
    (Slots::free(N), history)
}

#[test]
fn linearizable() {
    check_rounds(600, round::<1, 2>);
    check_rounds(600, round::<2, 2>);
    check_rounds(600, round::<3, 3>);
    check_rounds(400, round::<4, 4>);
}
