//! Defends the invariants of `Snapshot`: a guard sees one whole value as long as it lives, each value
//! is dropped once, as soon as it is replaced and no guard is left, and its slot comes back then (INV-1
//! to INV-4), also when the counts wrap and however the value's own `Drop` ends.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::cell::{Cell, RefCell};
use core::error::Error;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::collections::VecDeque;
use std::sync::MutexGuard;

use latchless::snapshot::{CompareError, Guard, Snapshot};
use latchless::stack::Exhausted;
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use common::calls::SnapshotCall;
use common::drops::{Ledger, Tracked};
use common::linearizability::{Event, Recording, Worker, check_rounds};
use common::panics::panic_message;
use common::property_config;
use common::random::Random;
use common::specs::{Register, RegisterCall};
use common::stamps::Stamped;
use common::team::{Member, Team};

assert_impl_all!(Snapshot<String, 3>: Send, Sync, Default, From<String>, Unpin);
assert_impl_all!(Snapshot<Cell<u8>, 3>: Send);
assert_not_impl_any!(Snapshot<Cell<u8>, 3>: Sync);
assert_not_impl_any!(Snapshot<std::rc::Rc<u8>, 3>: Send, Sync);
assert_not_impl_any!(Snapshot<MutexGuard<'static, u8>, 3>: Send, Sync);
assert_impl_all!(Guard<'static, String, 3>: Send, Sync, Clone, Unpin, AsRef<String>);
// The last guard drops the value, so it must be `Send`; others see it meanwhile, so `Sync`.
assert_not_impl_any!(Guard<'static, Cell<u8>, 3>: Send, Sync);
assert_not_impl_any!(Guard<'static, MutexGuard<'static, u8>, 3>: Send, Sync);

/// How many values can be stored with a guard of each one before.
fn fill_up<T, const N: usize>(
    snapshot: &Snapshot<T, N>,
    mut make: impl FnMut(usize) -> T,
) -> Vec<Guard<'_, T, N>> {
    let mut guards = Vec::new();
    while let Ok(before) = snapshot.swap(make(guards.len())) {
        guards.push(before);
        assert!(guards.len() < N, "more values than slots");
    }
    guards
}

// === One thread ===

#[test]
fn capacity() {
    fn check<const N: usize>() {
        let snapshot = Snapshot::<usize, N>::new(usize::MAX);
        for _ in 0..3 {
            let guards = fill_up(&snapshot, |number| number);
            assert_eq!(guards.len(), N - 1, "all slots but the current one's");
            assert!(guards[1..].iter().enumerate().all(|(number, guard)| **guard == number));
            assert_eq!(*snapshot.load(), N - 2);
            assert_eq!(snapshot.store(9), Err(Exhausted(9)));
            assert_eq!(snapshot.swap(9).err(), Some(Exhausted(9)));
            let current = snapshot.load();
            assert_eq!(
                snapshot.compare_and_swap(&current, 9),
                Err(CompareError::Exhausted(9)),
                "the value is the current one, and there is no slot for another"
            );
            assert_eq!(snapshot.fetch_update(|_| Some(9)).err(), Some(Exhausted(9)));
        }
    }
    check::<2>();
    check::<3>();
    check::<64>();
    check::<1000>();
}

#[test]
fn every_slot_of_the_largest_snapshot_is_reached() {
    static LARGEST: Snapshot<u32, 65_536> = Snapshot::new(0);
    let guards = fill_up(&LARGEST, |number| number as u32 + 1);
    assert_eq!(guards.len(), 65_535);
    assert!(guards.iter().enumerate().all(|(number, guard)| **guard == number as u32));
    assert_eq!(*LARGEST.load(), 65_535);
}

#[test]
fn zero_sized_type() {
    let snapshot = Snapshot::<(), 3>::new(());
    let before = snapshot.load();
    assert!(snapshot.store(()).is_ok());
    assert!(!Guard::ptr_eq(&before, &snapshot.load()), "another value, though equal");
    assert!(snapshot.swap(()).is_ok());
    assert_eq!(fill_up(&snapshot, |_| ()).len(), 1);
}

#[test]
fn over_aligned_values_lie_aligned() {
    #[derive(PartialEq, Debug)]
    #[repr(align(512))]
    struct Page(u16);

    let snapshot = Snapshot::<Page, 4>::new(Page(0));
    let guards = fill_up(&snapshot, |number| Page(number as u16 + 1));
    for (number, guard) in (0..).zip(&guards) {
        assert_eq!(core::ptr::from_ref::<Page>(guard).addr() % 512, 0);
        assert_eq!(**guard, Page(number));
    }
}

#[test]
fn memory_is_what_the_documentation_states() {
    fn check<T, const N: usize>() {
        let links = (4 * N).next_multiple_of(128);
        let place = (8 + size_of::<T>()).next_multiple_of(align_of::<T>().max(8));
        let slots = (N * place).next_multiple_of(128);
        assert_eq!(size_of::<Snapshot<T, N>>(), 256 + links + slots);
        assert_eq!(size_of::<Guard<'_, T, N>>(), 16);
    }
    check::<(), 2>();
    check::<u8, 3>();
    check::<u64, 33>();
    check::<[u8; 1500], 32>();
}

#[test]
fn counts_wrap() {
    const LAST: u64 = (1 << 48) - 1;
    for start in [LAST - 3, LAST - 1, LAST, LAST + 1, 1 << 47, u64::MAX >> 1, u64::MAX] {
        let ledger = Ledger::new(4);
        let snapshot = Snapshot::<Tracked<'_>, 2>::with_start(ledger.issue(), start);
        for _ in 0..2 {
            drop(snapshot.load());
        }
        let held = [(); 3].map(|()| snapshot.load());
        let clone = held[0].clone();
        snapshot.store(ledger.issue()).unwrap();
        drop(held);
        assert_eq!((clone.id(), ledger.alive()), (0, 2), "from {start:#x}");
        drop(clone);
        assert_eq!(ledger.alive(), 1, "from {start:#x}");
        // Nobody is inside: the replacer is the last.
        snapshot.store(ledger.issue()).unwrap();
        assert_eq!((snapshot.load().id(), ledger.alive()), (2, 1));
        snapshot.store(ledger.issue()).unwrap();
        drop(snapshot);
        ledger.assert_all_dropped_once();
    }
}

#[test]
fn comparison_is_by_identity() {
    let snapshot = Snapshot::<_, 4>::new(7);
    let equal = Snapshot::<_, 4>::new(7);
    let foreign = equal.load();
    assert_eq!(snapshot.compare_and_swap(&foreign, 8), Err(CompareError::Changed(8)));
    let seen = snapshot.load();
    snapshot.store(7).unwrap();
    assert_eq!(snapshot.compare_and_swap(&seen, 8), Err(CompareError::Changed(8)));
    let now = snapshot.load();
    assert!(!Guard::ptr_eq(&seen, &now) && !Guard::ptr_eq(&now, &foreign));
    assert!(Guard::ptr_eq(&now, &now.clone()));
    assert_eq!(snapshot.compare_and_swap(&now, 9), Ok(()));
    assert_eq!((*seen, *now, *snapshot.load()), (7, 7, 9));
    assert_eq!(snapshot.compare_and_swap(&now, 10), Err(CompareError::Changed(10)));
}

#[test]
fn refused_values_take_no_slot() {
    let snapshot = Snapshot::<_, 3>::new(0);
    let old = snapshot.swap(1).unwrap();
    for _ in 0..10 {
        assert_eq!(snapshot.compare_and_swap(&old, 2), Err(CompareError::Changed(2)));
    }
    assert!(snapshot.fetch_update(|_| None).unwrap().is_none());
    assert_eq!(fill_up(&snapshot, |number| number).len(), 1);
}

/// A value that another call replaces while `compare_and_swap` has taken a slot cannot be had on one
/// thread; that `f` replaces it is the next best thing.
#[test]
fn update_starts_over_when_the_value_changes() {
    let snapshot = Snapshot::<_, 3>::new(1);
    let mut seen = Vec::new();
    let before = snapshot.fetch_update(|&value| {
        seen.push(value);
        if value == 1 {
            snapshot.store(10).unwrap();
        }
        Some(value + 1)
    });
    assert_eq!(before.unwrap().as_deref(), Some(&10));
    assert_eq!((*snapshot.load(), seen), (11, vec![1, 10]));
}

#[test]
fn exclusive_access() {
    let ledger = Ledger::new(3);
    let mut snapshot = Snapshot::<Tracked<'_>, 3>::new(ledger.issue());
    snapshot.store(ledger.issue()).unwrap();
    assert_eq!(snapshot.get_mut().id(), 1);
    *snapshot.get_mut() = ledger.issue();
    assert_eq!((ledger.alive(), snapshot.load().id()), (1, 2));
    let value = snapshot.into_inner();
    assert_eq!((ledger.alive(), value.id()), (1, 2));
    drop(value);
    ledger.assert_all_dropped_once();
}

#[test]
fn forms_of_construction_and_of_text() {
    assert_eq!(*Snapshot::<u8, 2>::default().load(), 0);
    let snapshot = Snapshot::<f64, 2>::from(1.5);
    let guard = snapshot.load();
    assert_eq!(format!("{guard} {guard:?} {guard:>6.2}"), "1.5 1.5   1.50");
    assert_eq!(format!("{snapshot:?}"), "Snapshot(1.5)");
    assert!(core::ptr::eq(guard.as_ref(), &*guard));
}

#[test]
fn errors_say_so_and_give_the_value_back() {
    /// Has no `Debug`: an error must not ask for it.
    struct Opaque(u8);
    fn into_error<E: Error>(error: E) -> (String, String) {
        (error.to_string(), format!("{error:?}"))
    }

    let snapshot = Snapshot::<Opaque, 2>::new(Opaque(1));
    let old = snapshot.swap(Opaque(2)).ok().unwrap();
    let now = snapshot.load();
    assert_eq!(snapshot.compare_and_swap(&old, Opaque(3)).err().unwrap().into_inner().0, 3);
    assert_eq!(snapshot.compare_and_swap(&now, Opaque(4)).err().unwrap().into_inner().0, 4);
    assert_eq!(
        into_error(snapshot.compare_and_swap(&old, Opaque(5)).err().unwrap()),
        ("the value is no longer the current one".into(), "Changed(..)".into())
    );
    assert_eq!(
        into_error(snapshot.compare_and_swap(&now, Opaque(6)).err().unwrap()),
        ("no slot is free".into(), "Exhausted(..)".into())
    );
}

// === Drops ===

#[test]
fn drops_each_once() {
    let ledger = Ledger::new(8);
    let snapshot = Snapshot::<Tracked<'_>, 3>::new(ledger.issue());
    // Nobody reads it: it is gone with its replacement.
    snapshot.store(ledger.issue()).unwrap();
    assert_eq!((ledger.drops_of(0), ledger.drops_of(1)), (1, 0));
    // The last of three guards drops it, whichever that is.
    let first = snapshot.load();
    let second = first.clone();
    let third = snapshot.swap(ledger.issue()).unwrap();
    drop(first);
    drop(third);
    assert_eq!((second.id(), ledger.drops_of(1)), (1, 0));
    drop(second);
    assert_eq!(ledger.drops_of(1), 1);
    // A guard of the current value drops nothing.
    drop(snapshot.load());
    assert_eq!(ledger.drops_of(2), 0);
    let refused = snapshot.load();
    snapshot.store(ledger.issue()).unwrap();
    let back = snapshot.compare_and_swap(&refused, ledger.issue());
    assert_eq!(ledger.drops_of(4), 0, "the value came back");
    drop(back);
    assert_eq!((ledger.drops_of(4), ledger.drops_of(2)), (1, 0));
    drop(refused);
    drop(snapshot);
    ledger.assert_all_dropped_once();
}

#[test]
fn forgotten_guard_keeps_exactly_its_slot() {
    let ledger = Ledger::new(16);
    {
        let snapshot = Snapshot::<Tracked<'_>, 4>::new(ledger.issue());
        core::mem::forget(snapshot.load());
        snapshot.store(ledger.issue()).unwrap();
        for _ in 0..3 {
            // Without the one that was refused last.
            let guards = fill_up(&snapshot, |_| ledger.issue());
            assert_eq!(guards.len(), 2);
        }
    }
    assert_eq!((ledger.alive(), ledger.drops_of(0)), (1, 0), "the forgotten value leaks");
}

#[test]
fn panicking_drop_gives_its_slot_back() {
    let ledger = Ledger::new(8);
    let snapshot = Snapshot::<Tracked<'_>, 2>::new(ledger.issue_bomb());
    // In the replacement …
    let message = panic_message(|| snapshot.store(ledger.issue_bomb()).is_ok());
    assert_eq!(message.as_deref(), Some("the drop of value 0 panics"));
    // … in the last guard …
    let guard = snapshot.swap(ledger.issue_bomb()).unwrap();
    assert_eq!(snapshot.store(ledger.issue()).map_err(drop), Err(()));
    let message = panic_message(move || drop(guard));
    assert_eq!(message.as_deref(), Some("the drop of value 1 panics"));
    snapshot.swap(ledger.issue_bomb()).map(core::mem::forget).unwrap();
    // … and at the end.
    let message = panic_message(move || drop(snapshot));
    assert_eq!(message.as_deref(), Some("the drop of value 4 panics"));
    assert_eq!((ledger.alive(), ledger.drops_of(2)), (1, 0), "its guard was forgotten");
}

#[test]
fn panicking_update_leaves_everything_as_it_was() {
    let snapshot = Snapshot::<_, 2>::new(1);
    let message = panic_message(|| snapshot.fetch_update(|_| panic!("no idea")).is_ok());
    assert_eq!(message.as_deref(), Some("no idea"));
    assert_eq!((*snapshot.load(), fill_up(&snapshot, |number| number).len()), (1, 1));
}

#[test]
fn slot_is_not_free_while_its_value_is_being_dropped() {
    static SNAPSHOT: Snapshot<Option<Nosy>, 2> = Snapshot::new(Some(Nosy));
    static WAS_TAKEN: AtomicBool = AtomicBool::new(false);

    /// Looks for its own slot in the middle of its drop, as an interrupt handler might.
    struct Nosy;
    impl Drop for Nosy {
        fn drop(&mut self) {
            WAS_TAKEN.store(SNAPSHOT.store(None).is_err(), Relaxed);
        }
    }

    assert!(SNAPSHOT.store(None).is_ok());
    assert!(WAS_TAKEN.load(Relaxed), "the slot was free before its value was gone");
    assert!(SNAPSHOT.store(None).is_ok());
}

// === Against a sequential model ===

#[derive(Clone, Debug)]
enum Op {
    Load,
    Clone(usize),
    Leave(usize),
    Store,
    Swap,
    CompareAndSwap(usize),
    Update,
    Decline,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        3 => Just(Op::Load),
        1 => any::<usize>().prop_map(Op::Clone),
        5 => any::<usize>().prop_map(Op::Leave),
        2 => Just(Op::Store),
        2 => Just(Op::Swap),
        2 => any::<usize>().prop_map(Op::CompareAndSwap),
        1 => Just(Op::Update),
        1 => Just(Op::Decline),
    ];
    prop::collection::vec(op, 0..200)
}

fn agrees_with_a_model<const N: usize>(start: u64, ops: &[Op]) {
    let ledger = Ledger::new(ops.len() + 1);
    let snapshot = Snapshot::<Tracked<'_>, N>::with_start(ledger.issue(), start);
    let mut current = 0;
    let mut guards: Vec<(usize, Guard<'_, Tracked<'_>, N>)> = Vec::new();
    for op in ops {
        let in_use = |guards: &[(usize, _)]| {
            let mut ids: Vec<_> = guards.iter().map(|(id, _)| *id).chain([current]).collect();
            ids.sort_unstable();
            ids.dedup();
            ids.len()
        };
        let has_room = in_use(&guards) < N;
        match *op {
            Op::Load => guards.push((current, snapshot.load())),
            Op::Clone(_) | Op::Leave(_) | Op::CompareAndSwap(_) if guards.is_empty() => {}
            Op::Clone(choice) => {
                let (id, guard) = &guards[choice % guards.len()];
                let clone = (*id, guard.clone());
                guards.push(clone);
            }
            Op::Leave(choice) => drop(guards.swap_remove(choice % guards.len())),
            Op::Store => {
                let new = ledger.issue();
                let id = new.id();
                let result = snapshot.store(new).map_err(|Exhausted(back)| back.id());
                assert_eq!(result, if has_room { Ok(()) } else { Err(id) });
                current = if has_room { id } else { current };
            }
            Op::Swap | Op::Update => {
                let new = ledger.issue();
                let id = new.id();
                let result = if matches!(op, Op::Swap) {
                    snapshot.swap(new)
                } else {
                    let mut new = Some(new);
                    let updated = snapshot.fetch_update(|_| new.take());
                    updated.map(|before| before.expect("a value was returned"))
                };
                match result {
                    Ok(before) => {
                        assert!(has_room);
                        guards.push((current, before));
                        current = id;
                    }
                    Err(Exhausted(back)) => assert_eq!((back.id(), has_room), (id, false)),
                }
            }
            Op::CompareAndSwap(choice) => {
                let (seen, guard) = &guards[choice % guards.len()];
                let new = ledger.issue();
                let id = new.id();
                match snapshot.compare_and_swap(guard, new) {
                    Ok(()) => {
                        assert!(has_room);
                        assert_eq!(*seen, current);
                        current = id;
                    }
                    Err(CompareError::Changed(back)) => {
                        assert_eq!(back.id(), id);
                        assert_ne!(*seen, current);
                    }
                    Err(CompareError::Exhausted(back)) => {
                        assert_eq!((back.id(), *seen, has_room), (id, current, false));
                    }
                }
            }
            Op::Decline => {
                let declined = snapshot.fetch_update(|value| {
                    assert_eq!(value.id(), current);
                    None
                });
                assert!(declined.is_ok_and(|before| before.is_none()));
            }
        }
        assert!(guards.iter().all(|(id, guard)| guard.id() == *id));
        let held = guards
            .iter()
            .map(|(id, _)| *id)
            .chain([current])
            .collect::<std::collections::BTreeSet<_>>();
        assert_eq!(ledger.alive(), held.len());
    }
    drop(guards);
    assert_eq!((ledger.alive(), snapshot.load().id()), (1, current));
    drop(snapshot);
    ledger.assert_all_dropped_once();
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_a_model(start in any::<u64>(), near in 0_u64..20, ops in ops()) {
        agrees_with_a_model::<2>(start, &ops);
        agrees_with_a_model::<3>((1 << 48) - near, &ops);
        agrees_with_a_model::<9>(u64::MAX - near, &ops);
        agrees_with_a_model::<64>(0, &ops);
    }
}

// === Many threads ===

/// Writers count up in values whose words must fit together; readers keep some guards for a while.
fn shows_whole_values<const N: usize>(readers: usize, writers: usize, turns: usize) {
    let snapshot = Snapshot::<Stamped, N>::with_start(Stamped::new(0, 0), (1 << 48) - 100);
    let still_writing = AtomicUsize::new(writers);
    let writer = |me: usize| -> Member<'_, usize> {
        let (snapshot, still_writing) = (&snapshot, &still_writing);
        Box::new(move |team| {
            let mut random = Random::new(me as u64);
            let mut number = 0;
            for _ in 0..turns {
                number += 1;
                let new = Stamped::new(me, number);
                match random.below(4) {
                    0 => team.wait_until(|| snapshot.store(new).is_ok()),
                    1 => drop(team.wait_for(|| snapshot.swap(new).ok())),
                    2 => drop(team.wait_for(|| snapshot.fetch_update(|_| Some(new)).ok())),
                    _ => team.wait_until(|| {
                        let seen = snapshot.load();
                        seen.origin();
                        snapshot.compare_and_swap(&seen, new).is_ok()
                    }),
                }
            }
            still_writing.fetch_sub(1, Relaxed);
            0
        })
    };
    let reader = |me: usize| -> Member<'_, usize> {
        let (snapshot, still_writing) = (&snapshot, &still_writing);
        Box::new(move |_| {
            let mut random = Random::new(1000 + me as u64);
            let mut kept: VecDeque<((usize, usize), Guard<'_, Stamped, N>)> = VecDeque::new();
            let mut newest = [0; 4];
            let mut loads = 0;
            while loads < turns || still_writing.load(Relaxed) > 0 {
                let guard = snapshot.load();
                let (writer, number) = guard.origin();
                assert!(number >= newest[writer], "went back from {} to {number}", newest[writer]);
                newest[writer] = number;
                loads += 1;
                match random.below(4) {
                    0 => kept.push_back(((writer, number), guard)),
                    1 => kept.push_back(((writer, number), guard.clone())),
                    _ => {}
                }
                while kept.len() > random.below(3) {
                    if let Some((origin, guard)) = kept.pop_front() {
                        assert_eq!(guard.origin(), origin, "a guard goes on seeing what it saw");
                    }
                }
            }
            loads
        })
    };
    let members = (0..writers).map(writer).chain((0..readers).map(reader)).collect();
    Team::run(members);
    assert_eq!(
        fill_up(&snapshot, |number| Stamped::new(0, number)).len(),
        N - 1,
        "no slot is lost"
    );
}

#[test]
fn readers_see_whole_values_in_order() {
    shows_whole_values::<2>(2, 1, 2_000);
    shows_whole_values::<3>(2, 2, 2_000);
    shows_whole_values::<16>(3, 2, 5_000);
}

#[test]
fn values_dropped_by_other_threads_are_dropped_once() {
    const COUNT: usize = 5_000;
    let ledger = Ledger::new(2 * COUNT + 1);
    let snapshot = Snapshot::<Box<Tracked<'_>>, 4>::new(Box::new(ledger.issue()));
    Team::run_alike(4, |_, me| {
        let mut kept = Vec::new();
        for turn in 0..COUNT {
            if me % 2 == 0 {
                // Refused or not, each value is dropped once.
                drop(snapshot.store(Box::new(ledger.issue())));
            } else {
                kept.push(snapshot.load());
                assert!(ledger.drops_of(kept[0].id()) == 0, "somebody is reading it");
                if turn % 3 == 0 {
                    kept.clear();
                }
            }
        }
    });
    assert_eq!(ledger.alive(), 1, "only the current one");
    drop(snapshot);
    ledger.assert_all_dropped_once();
}

/// Additions by `fetch_update` are as good as those of an atomic.
#[test]
fn no_update_is_lost() {
    const COUNT: u64 = 5_000;
    let snapshot = Snapshot::<[u64; 3], 9>::new([0; 3]);
    Team::run_alike(4, |team, _| {
        for _ in 0..COUNT {
            team.wait_until(|| {
                snapshot.fetch_update(|&[a, b, c]| Some([a + 1, b + 2, c + 3])).is_ok()
            });
        }
    });
    assert_eq!(snapshot.into_inner(), [4 * COUNT, 8 * COUNT, 12 * COUNT]);
}

// === Linearizability ===

/// Threads that load, keep guards for a while, and replace; then everybody leaves, and all slots are
/// asked for.
fn round<const N: usize, const THREADS: usize>(
    random: &mut Random,
) -> (Register, Vec<Event<RegisterCall>>) {
    let snapshot = &Snapshot::<u64, N>::with_start(0, (1 << 48) - 5);
    let workers = (0..THREADS).map(|thread| -> Worker<'_, RegisterCall> {
        let mut random = Random::new(random.word());
        Box::new(move |log| {
            let guards = RefCell::new(VecDeque::with_capacity(32));
            for turn in 0..16 / THREADS as u64 {
                let call = SnapshotCall::ALL[random.below(SnapshotCall::ALL.len())];
                call.make(snapshot, &guards, 100 * (thread as u64 + 1) + turn, log);
            }
            while !guards.borrow().is_empty() {
                SnapshotCall::LeaveFirst.make(snapshot, &guards, 0, log);
            }
        })
    });
    let recording = Recording::of(workers.collect());
    let guards = RefCell::new(VecDeque::with_capacity(N + 1));
    let history = recording.then(|log| {
        (0..=N as u64).for_each(|at| SnapshotCall::Swap.make(snapshot, &guards, 900 + at, log));
        SnapshotCall::Load.make(snapshot, &guards, 0, log);
    });
    (Register::of(0, N), history)
}

#[test]
fn linearizable() {
    check_rounds(600, round::<2, 2>);
    check_rounds(600, round::<3, 2>);
    check_rounds(600, round::<4, 3>);
    check_rounds(400, round::<8, 4>);
}
