//! Defends the invariants and the edges E1 and E2 of `latchless::snapshot`: a value is written before
//! anybody reads it and dropped after everybody has, by one call, whoever that is; a slot that comes
//! back has no account of its last life.

use std::cell::Cell;
use std::mem::ManuallyDrop;

use latchless::snapshot::{CompareError, Guard, Snapshot};
use latchless_loom::outcomes;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// A value whose memory loom watches: to read it is an access, and to drop it is one that nobody else's
/// may be concurrent with. One that is dropped twice fails.
struct Watched {
    number: u32,
    memory: UnsafeCell<u32>,
}

loom::thread_local! {
    /// How many values this thread has dropped.
    static DROPS: Cell<u32> = Cell::new(0);
}

impl Watched {
    fn new(number: u32) -> Self {
        let value = Self { number, memory: UnsafeCell::new(0) };
        // SAFETY: nobody else has it yet.
        value.memory.with_mut(|memory| unsafe { *memory = number });
        value
    }

    /// Reads the value.
    fn get(&self) -> u32 {
        // SAFETY: values are only read while they are shared, or the models fail.
        let read = self.memory.with(|memory| unsafe { *memory });
        assert_eq!(read, self.number, "the value is whole and alive");
        read
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The model has failed already; another panic would keep it from saying so.
            return;
        }
        let content = self.memory.with_mut(|memory| {
            // SAFETY: nobody reads a value that is being dropped, or the models fail.
            unsafe { memory.replace(u32::MAX) }
        });
        assert_eq!(content, self.number, "a value is dropped once");
        DROPS.with(|drops| drops.set(drops.get() + 1));
    }
}

/// How many values `f` drops on this thread.
fn drops_of<R>(f: impl FnOnce() -> R) -> (R, u32) {
    let drops = || DROPS.with(Cell::get);
    let before = drops();
    let result = f();
    (result, drops() - before)
}

/// Reads and leaves. If the reading fails the model, the guard is forgotten: its drop would fail too.
fn see<const N: usize>(guard: Guard<'_, Watched, N>) -> u32 {
    let guard = ManuallyDrop::new(guard);
    let seen = guard.get();
    drop(ManuallyDrop::into_inner(guard));
    seen
}

/// Starts a thread with a share of the snapshot, which outlives all guards: who holds the last share
/// joins the others first.
fn spawn<const N: usize, R: 'static>(
    snapshot: &Arc<Snapshot<Watched, N>>,
    f: impl FnOnce(&Snapshot<Watched, N>) -> R + 'static,
) -> thread::JoinHandle<R> {
    let snapshot = Arc::clone(snapshot);
    thread::spawn(move || f(&snapshot))
}

fn snapshot<const N: usize>() -> Arc<Snapshot<Watched, N>> {
    Arc::new(Snapshot::new(Watched::new(0)))
}

/// All slots but that of the current value are free, and each of them works.
fn assert_all_free<const N: usize>(snapshot: &Snapshot<Watched, N>) {
    let guards: Vec<_> =
        (0..N as u32).map_while(|at| snapshot.swap(Watched::new(100 + at)).ok()).collect();
    assert_eq!(guards.len(), N - 1, "a slot was lost or came back twice");
    guards.into_iter().for_each(|guard| assert_ne!(see(guard), u32::MAX));
}

/// A load sees the value before or the one after, whole, and one of the two drops the one before.
#[test]
fn load_races_store() {
    let expected = [(0, 0, 1), (0, 1, 0), (1, 0, 1)];
    outcomes("load_races_store", None, &expected, || {
        let snapshot = snapshot::<2>();
        let reader = spawn(&snapshot, |snapshot| drops_of(|| see(snapshot.load())));
        let ((), dropped) = drops_of(|| assert!(snapshot.store(Watched::new(1)).is_ok()));
        let (seen, dropped_by_reader) = reader.join().unwrap();
        assert_all_free(&snapshot);
        (seen, dropped_by_reader, dropped)
    });
}

/// Two guards of a value leave, one of them on the thread of the settlement.
#[test]
fn last_leave_races_settlement() {
    let expected = [(0, 1), (1, 0)];
    outcomes("last_leave_races_settlement", None, &expected, || {
        let snapshot = snapshot::<2>();
        // SAFETY: the snapshot outlives the guard, which its thread drops before the join.
        let shared: &'static Snapshot<Watched, 2> = unsafe { &*Arc::as_ptr(&snapshot) };
        let guard = shared.load();
        let reader = thread::spawn(move || drops_of(|| see(guard)).1);
        let ((), dropped) = drops_of(|| assert!(snapshot.store(Watched::new(1)).is_ok()));
        let outcome = (reader.join().unwrap(), dropped);
        assert_all_free(&snapshot);
        outcome
    });
}

/// Two guards of a replaced value, one a clone of the other, leave at once.
#[test]
fn last_leaves_race() {
    let expected = [(0, 1), (1, 0)];
    outcomes("last_leaves_race", None, &expected, || {
        let snapshot = snapshot::<2>();
        // SAFETY: the snapshot outlives the guards, which are dropped before the join or here.
        let shared: &'static Snapshot<Watched, 2> = unsafe { &*Arc::as_ptr(&snapshot) };
        let guard = shared.swap(Watched::new(1)).ok().unwrap();
        let clone = guard.clone();
        let leave = |guard: Guard<'static, Watched, 2>| drops_of(|| see(guard)).1;
        let other = thread::spawn(move || leave(clone));
        let dropped = leave(guard);
        let outcome = (other.join().unwrap(), dropped);
        assert_all_free(&snapshot);
        outcome
    });
}

/// A guard is cloned and leaves, then its clone, while the value is replaced.
#[test]
fn clone_races_settlement() {
    let expected = [(0, 0, 1), (0, 1, 0), (1, 0, 1)];
    outcomes("clone_races_settlement", None, &expected, || {
        let snapshot = snapshot::<2>();
        let reader = spawn(&snapshot, |snapshot| {
            drops_of(|| {
                let guard = snapshot.load();
                let clone = guard.clone();
                drop(guard);
                see(clone)
            })
        });
        let ((), dropped) = drops_of(|| assert!(snapshot.store(Watched::new(1)).is_ok()));
        let (seen, dropped_by_reader) = reader.join().unwrap();
        assert_all_free(&snapshot);
        (seen, dropped_by_reader, dropped)
    });
}

/// A writer takes over what another one wrote, and has to drop it.
#[test]
fn stores_race() {
    outcomes("stores_race", None, &[(1, 1)], || {
        let snapshot = snapshot::<3>();
        let other = spawn(&snapshot, |snapshot| {
            drops_of(|| assert!(snapshot.store(Watched::new(1)).is_ok())).1
        });
        let ((), dropped) = drops_of(|| assert!(snapshot.store(Watched::new(2)).is_ok()));
        let outcome = (other.join().unwrap(), dropped);
        assert_all_free(&snapshot);
        outcome
    });
}

#[test]
fn swap_races_store() {
    outcomes("swap_races_store", None, &[0, 1], || {
        let snapshot = snapshot::<3>();
        let other = spawn(&snapshot, |snapshot| {
            assert!(snapshot.store(Watched::new(1)).is_ok());
        });
        let seen = see(snapshot.swap(Watched::new(2)).ok().unwrap());
        other.join().unwrap();
        assert_all_free(&snapshot);
        seen
    });
}

/// One of two that compare with the same value replaces it.
#[test]
fn compare_and_swaps_race() {
    let expected = [(true, false), (false, true)];
    outcomes("compare_and_swaps_race", None, &expected, || {
        let snapshot = snapshot::<3>();
        let replace = |snapshot: &Snapshot<Watched, 3>, number| {
            let seen = snapshot.load();
            if seen.get() != 0 {
                return false;
            }
            match snapshot.compare_and_swap(&seen, Watched::new(number)) {
                Ok(()) => true,
                Err(CompareError::Changed(back)) => {
                    assert_eq!(back.get(), number);
                    false
                }
                Err(CompareError::Exhausted(_)) => unreachable!("a slot for each of three values"),
            }
        };
        let other = spawn(&snapshot, move |snapshot| replace(snapshot, 1));
        let outcome = (replace(&snapshot, 2), other.join().unwrap());
        assert_all_free(&snapshot);
        outcome
    });
}

/// A reader's entry in between makes an exchange try again, not fail; and what it publishes is there.
#[test]
fn load_races_compare_and_swap() {
    outcomes("load_races_compare_and_swap", None, &[0, 1], || {
        let snapshot = snapshot::<2>();
        let reader = spawn(&snapshot, |snapshot| see(snapshot.load()));
        {
            let current = snapshot.load();
            assert!(snapshot.compare_and_swap(&current, Watched::new(1)).is_ok());
            see(current);
        }
        let seen = reader.join().unwrap();
        assert_all_free(&snapshot);
        seen
    });
}

#[test]
fn updates_race() {
    outcomes("updates_race", Some(3), &[3], || {
        let snapshot = snapshot::<4>();
        let add = |snapshot: &Snapshot<Watched, 4>, number| {
            let before = snapshot.fetch_update(|value| Some(Watched::new(value.get() + number)));
            see(before.ok().flatten().unwrap());
        };
        let other = spawn(&snapshot, move |snapshot| add(snapshot, 1));
        add(&snapshot, 2);
        other.join().unwrap();
        let sum = see(snapshot.load());
        assert_all_free(&snapshot);
        sum
    });
}

/// A reader of a value leaves late, while its slot is wanted for the next but one: with two slots that
/// one is refused until the slot is back, and then nothing is left of its last life.
#[test]
fn slot_reuse_races_late_leaver() {
    let expected = [(0, false), (0, true), (1, true), (2, true)];
    outcomes("slot_reuse_races_late_leaver", None, &expected, || {
        let snapshot = snapshot::<2>();
        let reader = spawn(&snapshot, |snapshot| see(snapshot.load()));
        assert!(snapshot.store(Watched::new(1)).is_ok());
        let has_stored = snapshot.store(Watched::new(2)).is_ok();
        let seen = reader.join().unwrap();
        let last = see(snapshot.load());
        assert_eq!(last, if has_stored { 2 } else { 1 });
        assert_all_free(&snapshot);
        (seen, has_stored)
    });
}

/// Two readers and a writer: the last of three drops the value.
#[test]
fn two_loads_race_store() {
    let expected = [(0, 0, 1), (0, 1, 0), (1, 0, 0)];
    outcomes("two_loads_race_store", None, &expected, || {
        let snapshot = snapshot::<2>();
        let read =
            |snapshot: &Snapshot<Watched, 2>| drops_of(|| assert!(see(snapshot.load()) < 2)).1;
        let readers = [spawn(&snapshot, read), spawn(&snapshot, read)];
        let ((), dropped) = drops_of(|| assert!(snapshot.store(Watched::new(1)).is_ok()));
        let [first, second] = readers.map(|reader| reader.join().unwrap());
        assert_all_free(&snapshot);
        (first, second, dropped)
    });
}
