//! Defends the invariants of `PoolArc`: the value is there for as long as somebody holds it, is then dropped
//! once, and its slot goes back once.

use core::cell::Cell;

use latchless::counter::RefCount;
use latchless::ring::MpmcRing;
use latchless::stack::{Counted, Exhausted, Pool, PoolArc};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::common::drops::{Ledger, Tracked};
use crate::common::random::Random;
use crate::common::team::Team;

assert_impl_all!(PoolArc<'static, String, 3>: Send, Sync, Clone, Unpin);
assert_not_impl_any!(PoolArc<'static, Cell<u8>, 3>: Send, Sync);
assert_not_impl_any!(PoolArc<'static, std::sync::MutexGuard<'static, u8>, 3>: Send, Sync);

#[test]
fn value_stays_until_the_last_holder_is_dropped() {
    let ledger = Ledger::new(2);
    let pool = Pool::<Counted<Tracked<'_>>, 1>::new();
    let first = PoolArc::new(&pool, ledger.issue()).ok().unwrap();
    let second = first.clone();
    assert_eq!((PoolArc::strong_count(&first), second.id()), (2, 0));
    assert!(PoolArc::ptr_eq(&first, &second));
    drop(first);
    assert_eq!((ledger.alive(), PoolArc::strong_count(&second)), (1, 1));
    let Err(Exhausted(refused)) = PoolArc::new(&pool, ledger.issue()) else {
        panic!("it is in use")
    };
    drop(second);
    assert_eq!(ledger.drops_of(0), 1);
    let third = PoolArc::new(&pool, refused).ok().unwrap();
    assert_eq!(third.id(), 1);
    drop(third);
    ledger.assert_all_dropped_once();
}

#[test]
fn only_holder_may_write_and_take_out() {
    static POOL: Pool<Counted<String>, 2> = Pool::new();
    let mut first = PoolArc::new(&POOL, "one".to_owned()).unwrap();
    PoolArc::get_mut(&mut first).unwrap().push_str(" and two");
    assert_eq!(PoolArc::strong_count(&first), 1);
    let second = first.clone();
    assert_eq!(PoolArc::get_mut(&mut first), None);
    let first = PoolArc::try_unwrap(first).expect_err("there are two");
    assert_eq!(PoolArc::strong_count(&first), 2);
    drop(second);
    let mut first = first;
    assert!(PoolArc::get_mut(&mut first).is_some());
    assert_eq!(PoolArc::try_unwrap(first).ok().as_deref(), Some("one and two"));
    let both = [(); 2].map(|()| PoolArc::new(&POOL, String::new()).is_ok());
    assert_eq!(both, [true; 2], "the slot came back");
}

#[test]
fn magazine_has_shared_values_too() {
    let pool = Pool::<Counted<u32>, 4>::new();
    let mut magazine = pool.magazine::<4>();
    let shared = PoolArc::from(magazine.alloc(Counted::new(7)).unwrap());
    assert_eq!((*shared.clone(), format!("{shared} {shared:?}")), (7, "7 7".to_owned()));
    assert_eq!(format!("{:?}", Counted::new(1)), "1");
    let other = PoolArc::new(&pool, 7).unwrap();
    assert!(!PoolArc::ptr_eq(&shared, &other));
}

/// A count that has come to its end stays, and so does the value.
#[test]
fn too_many_holders_keep_the_value_for_ever() {
    let ledger = Ledger::new(1);
    {
        let pool = Pool::<Counted<Tracked<'_>>, 1>::new();
        let first = PoolArc::new(&pool, ledger.issue()).ok().unwrap();
        // What two thousand million forgotten clones come to.
        first.holders_for_tests().add(RefCount::MAX);
        assert!(PoolArc::strong_count(&first) > RefCount::MAX);
        drop(first.clone());
        drop(first);
        assert!(pool.is_exhausted());
    }
    assert_eq!((ledger.alive(), ledger.drops_of(0)), (1, 0));
}

#[test]
fn value_is_dropped_once_whoever_is_the_last() {
    const TURNS: usize = 4_000;
    let ledger = Ledger::new(3 * TURNS);
    let pool = &Pool::<Counted<Box<Tracked<'_>>>, 6>::new();
    let passed_on = &MpmcRing::<PoolArc<'_, Box<Tracked<'_>>, 6>, 2>::new();
    Team::run_alike(3, |_, me| {
        let mut random = Random::new(me as u64);
        for _ in 0..TURNS {
            if let Ok(mut mine) = PoolArc::new(pool, Box::new(ledger.issue())) {
                assert!(PoolArc::get_mut(&mut mine).is_some());
                let id = mine.id();
                drop(passed_on.push(mine.clone()));
                match random.below(3) {
                    0 => drop(PoolArc::try_unwrap(mine).map(|value| assert_eq!(value.id(), id))),
                    _ => assert_eq!(mine.id(), id),
                }
            }
            if let Some(others) = passed_on.pop() {
                assert!(others.id() < ledger.issued());
            }
        }
    });
    core::iter::from_fn(|| passed_on.pop()).for_each(drop);
    ledger.assert_all_dropped_once();
    assert_eq!(core::iter::from_fn(|| pool.alloc_raw()).take(7).count(), 6, "each slot is back");
}
