//! Defends the invariants of `KeyedPool`: a value is in or of one owner, and a key finds the value that it was
//! given out for, or nothing.

use core::cell::Cell;
use std::collections::HashMap;
use std::sync::Mutex;

use latchless::stack::{Exhausted, Key, KeyedPool, Pool};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::common::drops::{Ledger, Tracked};
use crate::common::panics::panic_message;
use crate::common::property_config;
use crate::common::random::Random;
use crate::common::team::Team;

assert_impl_all!(KeyedPool<Cell<u8>, 3>: Send, Sync, Default, Unpin);
assert_not_impl_any!(KeyedPool<std::rc::Rc<u8>, 3>: Send, Sync);
assert_impl_all!(Key<std::rc::Rc<u8>>: Send, Sync, Copy, Eq, core::hash::Hash);

#[test]
fn key_fits_its_own_value_only() {
    let pool = KeyedPool::<&str, 1>::new();
    let first = pool.insert("first").unwrap();
    assert_eq!(pool.insert("more").err(), Some(Exhausted("more")));
    assert_eq!(pool.with(first, |value| core::mem::replace(value, "1st")), Some("first"));
    assert!(pool.contains(first));
    let owned = pool.claim(first).unwrap();
    assert!(pool.claim(first).is_none() && !pool.contains(first), "it is lent");
    assert_eq!(pool.with(first, |_| ()), None);
    assert!(pool.insert("more").is_err(), "its slot is not free");
    assert_eq!(pool.put(owned).ok(), Some(first), "the key that it had");
    assert_eq!(pool.claim(first).unwrap().into_inner(), "1st");

    let second = pool.insert("second").unwrap();
    assert_ne!(first, second);
    assert!(pool.claim(first).is_none() && !pool.contains(first), "the slot is another value's");
    assert_eq!(*pool.claim(second).unwrap(), "second");
    assert!(pool.claim(second).is_none(), "it was dropped");
    assert_eq!(pool.capacity(), 1);
    assert_eq!(
        format!("{pool:?} {second:?}"),
        "KeyedPool { capacity: 1, .. } Key { index: 0, generation: 2 }"
    );
}

#[test]
fn key_and_box_of_another_pool_are_refused() {
    let large = KeyedPool::<u8, 100>::default();
    let keys: Vec<_> = (0..100).map(|value| large.insert(value).unwrap()).collect();
    let small = KeyedPool::<u8, 100>::new();
    assert!(keys.iter().all(|&key| small.claim(key).is_none()));
    let foreign = large.claim(keys[99]).unwrap();
    let foreign = small.put(foreign).unwrap_err();
    assert_eq!(large.put(foreign).ok(), Some(keys[99]));
    let plain = Pool::<u8, 100>::new();
    assert!(large.put(plain.alloc(1).unwrap()).is_err());
}

#[test]
fn memory_is_what_the_documentation_states() {
    assert_eq!(size_of::<KeyedPool<u64, 33>>(), size_of::<Pool<u64, 33>>() + 384);
    assert_eq!(size_of::<Key<[u64; 9]>>(), 16);
}

#[test]
fn drops_each_once() {
    let ledger = Ledger::new(4);
    let pool = KeyedPool::<Tracked<'_>, 3>::new();
    let keys = [(); 3].map(|()| pool.insert(ledger.issue()).ok().unwrap());
    drop(pool.claim(keys[0]));
    assert_eq!((ledger.drops_of(0), ledger.alive()), (1, 2));
    let lent = pool.claim(keys[1]).unwrap();
    let message = panic_message(core::panic::AssertUnwindSafe(|| {
        pool.with(keys[2], |_| panic!("in the middle"));
    }));
    assert_eq!(message.as_deref(), Some("in the middle"));
    assert_eq!(ledger.drops_of(2), 1);
    drop(lent);
    assert!(pool.insert(ledger.issue()).is_ok());
    assert_eq!(ledger.alive(), 1);
    drop(pool);
    ledger.assert_all_dropped_once();
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_a_map(
        choices in prop::collection::vec(any::<(u8, usize)>(), 0..300),
    ) {
        let pool = KeyedPool::<usize, 5>::new();
        let (mut map, mut keys, mut lent) = (HashMap::new(), Vec::new(), Vec::new());
        for (number, (what, which)) in choices.into_iter().enumerate() {
            match what % 4 {
                0 => match pool.insert(number) {
                    Ok(key) => {
                        prop_assert!(map.insert(key, number).is_none(), "a key came back");
                        keys.push(key);
                    }
                    Err(_) => prop_assert_eq!(map.len() + lent.len(), 5),
                },
                1 if !keys.is_empty() => {
                    let key = keys[which % keys.len()];
                    let claimed = pool.claim(key);
                    prop_assert_eq!(claimed.as_deref().copied(), map.remove(&key));
                    lent.extend(claimed.map(|owned| (key, owned)));
                }
                2 if !lent.is_empty() => {
                    let (key, owned) = lent.swap_remove(which % lent.len());
                    map.insert(key, *owned);
                    prop_assert_eq!(pool.put(owned).ok(), Some(key));
                }
                3 if !lent.is_empty() => drop(lent.swap_remove(which % lent.len())),
                _ => {}
            }
            prop_assert!(keys.iter().all(|key| pool.contains(*key) == map.contains_key(key)));
        }
    }
}

/// Threads that use old keys and new ones: a value that a key finds is the one of that key, and no write to it
/// is lost.
#[test]
fn value_has_one_owner_at_a_time() {
    const TURNS: usize = 10_000;
    let pool = &KeyedPool::<(usize, u64), 3>::new();
    let keys = &Mutex::new(Vec::new());
    let tallies = Team::run_alike(3, |_, me| {
        let mut random = Random::new(me as u64);
        let (mut written, mut removed) = (0, 0);
        for _ in 0..TURNS {
            if random.below(8) == 0 {
                let mut keys = keys.lock().unwrap();
                if let Ok(key) = pool.insert((keys.len(), 0)) {
                    keys.push(key);
                }
                continue;
            }
            let (number, key) = {
                let keys = keys.lock().unwrap();
                let Some(oldest) = keys.len().checked_sub(1 + random.below(6)) else { continue };
                (oldest, keys[oldest])
            };
            let Some(mut owned) = pool.claim(key) else { continue };
            assert_eq!(owned.0, number, "another value");
            // Not atomic: of two owners one would be lost.
            owned.1 += 1;
            written += 1;
            if random.below(8) == 0 {
                removed += owned.into_inner().1;
            } else {
                assert!(pool.put(owned).is_ok_and(|again| again == key));
            }
        }
        (written, removed)
    });
    let keys = keys.lock().unwrap();
    let left: u64 = keys.iter().filter_map(|&key| pool.claim(key)).map(|owned| owned.1).sum();
    let written: u64 = tallies.iter().map(|tally| tally.0).sum();
    assert_eq!(written, left + tallies.iter().map(|tally| tally.1).sum::<u64>());
    assert!(written > 0);
    let all = [(); 3].map(|()| pool.insert((0, 0)).is_ok());
    assert_eq!(all, [true; 3], "each slot is back");
}
