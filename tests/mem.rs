//! Defends what `mem` promises about places and waits: a padded value is alone on its pair of cache
//! lines and otherwise like the value itself, and a back-off doubles up to a bound.

use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use latchless::mem::{Backoff, CACHE_LINE_BYTES, CachePadded, DESTRUCTIVE_BYTES};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(CachePadded<u8>: Send, Sync, Copy, Eq, Default, Unpin);
assert_impl_all!(CachePadded<String>: Clone);
assert_not_impl_any!(CachePadded<String>: Copy);
assert_not_impl_any!(CachePadded<core::cell::Cell<u8>>: Sync);
assert_impl_all!(Backoff: Send, Sync, Clone, Default);

// === CachePadded ===

#[test]
fn lines_come_in_pairs() {
    assert_eq!((CACHE_LINE_BYTES, DESTRUCTIVE_BYTES), (64, 128));
}

#[test]
fn padded_size_is_rounded_up_to_the_pair_of_lines() {
    fn check<T>(bytes: usize) {
        assert_eq!(size_of::<CachePadded<T>>(), bytes);
        assert_eq!(align_of::<CachePadded<T>>(), 128);
    }
    check::<()>(0);
    check::<u8>(128);
    check::<[u8; 128]>(128);
    check::<[u8; 129]>(256);
    check::<[u64; 48]>(384);
}

#[test]
fn greater_alignment_of_the_value_wins() {
    #[repr(align(1024))]
    struct Page;
    assert_eq!(align_of::<CachePadded<Page>>(), 1024);
}

#[test]
fn neighbours_in_an_array_share_no_pair_of_lines() {
    static PADDED: [CachePadded<u8>; 3] = [const { CachePadded::new(7) }; 3];
    let pairs: Vec<usize> =
        PADDED.iter().map(|padded| core::ptr::from_ref::<u8>(padded).addr() / 128).collect();
    assert_eq!(pairs, [pairs[0], pairs[0] + 1, pairs[0] + 2]);
}

#[test]
fn padded_value_is_used_as_the_value() {
    let mut padded = CachePadded::from(vec![1]);
    padded.push(2);
    assert_eq!(padded.len(), 2);
    assert_eq!(padded, CachePadded::new(vec![1, 2]));
    assert_ne!(padded, CachePadded::default());
    assert_eq!(format!("{:?}", CachePadded::new(5)), "CachePadded(5)");
    assert_eq!(padded.clone().into_inner(), [1, 2]);
}

#[test]
fn drops_each_once() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            DROPS.fetch_add(1, SeqCst);
        }
    }

    drop(CachePadded::new(Counted));
    assert_eq!(DROPS.load(SeqCst), 1);
    let value = CachePadded::new(Counted).into_inner();
    assert_eq!(DROPS.load(SeqCst), 1);
    drop(value);
    assert_eq!(DROPS.load(SeqCst), 2);
}

// === Backoff ===

/// The exponent of the next wait, by its own account.
fn step_of(backoff: &Backoff) -> u32 {
    let text = format!("{backoff:?}");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("the debug text shows one number")
}

#[test]
fn wait_doubles_up_to_64_pauses_and_starts_over() {
    let mut backoff = Backoff::new();
    let mut steps = Vec::new();
    for _ in 0..10 {
        steps.push(step_of(&backoff));
        backoff.wait();
    }
    assert_eq!(steps, [0, 1, 2, 3, 4, 5, 6, 6, 6, 6], "1, 2, 4 … 64 pauses");
    assert_eq!(step_of(&backoff.clone()), 6);
    backoff.reset();
    assert_eq!(step_of(&backoff), step_of(&Backoff::default()));
}

#[test]
fn backoff_can_live_in_a_constant() {
    const FRESH: Backoff = Backoff::new();
    let mut backoff = FRESH;
    (0..1_000).for_each(|_| backoff.wait());
    assert_eq!(step_of(&FRESH), 0);
}
