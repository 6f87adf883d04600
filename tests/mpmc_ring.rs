//! Defends the invariants of `ring::mpmc`: places are passed in turn and in order (INV-1, INV-2), each
//! slot has one owner at a time (INV-3) and holds a value exactly while its index is allocated (INV-4),
//! and what is closed stays closed (INV-5): no value is lost, doubled, torn or overtaken, and no slot is
//! lost.
//!
//! `Full` is judged as documented. Of `MpmcRing`, the values in the ring and the calls under way that may
//! own a slot must have been `N` at one moment; of `WordRing`, the values alone.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::cell::Cell;
use core::error::Error;

use latchless::ring::MpmcRing;
use static_assertions::{assert_impl_all, assert_not_impl_any};

#[path = "mpmc_ring"]
mod mpmc_ring {
    use latchless::ring::MpmcRing as Ring;

    #[path = "both.rs"]
    mod both;
}

#[cfg(all(target_arch = "x86_64", not(latchless_native), not(miri)))]
#[path = "mpmc_ring"]
mod word_ring {
    use latchless::ring::WordRing as Ring;

    #[path = "both.rs"]
    #[expect(clippy::duplicate_mod, reason = "the same tests for another ring")]
    mod both;
}

assert_impl_all!(MpmcRing<String, 4>: Send, Sync, Default, Unpin);
assert_impl_all!(MpmcRing<Cell<u8>, 4>: Send, Sync);
assert_not_impl_any!(MpmcRing<std::rc::Rc<u8>, 4>: Send, Sync);
assert_not_impl_any!(MpmcRing<u8, 4>: Clone);

// === One thread ===

#[test]
fn zero_sized_type() {
    use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    #[derive(Debug)]
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, SeqCst);
        }
    }

    let ring = MpmcRing::<Nothing, 4>::new();
    for _ in 0..4 {
        ring.push(Nothing).unwrap();
    }
    assert_eq!(ring.len(), 4);
    drop(ring.push(Nothing));
    assert_eq!(DROPS.load(SeqCst), 1);
    drop(ring.pop());
    assert_eq!(DROPS.load(SeqCst), 2);
    drop(ring);
    assert_eq!(DROPS.load(SeqCst), 5);
}

#[test]
fn over_aligned_values_align_the_ring() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(align(512))]
    struct Page(u16);

    assert_eq!(align_of::<MpmcRing<Page, 4>>(), 512);
    assert_eq!(size_of::<MpmcRing<Page, 4>>() % 512, 0);
    let ring = MpmcRing::<Page, 4>::new();
    for lap in 0..9 {
        for number in 0..4 {
            assert_eq!(ring.push(Page(lap * 4 + number)), Ok(()));
        }
        for number in 0..4 {
            assert_eq!(ring.pop(), Some(Page(lap * 4 + number)));
        }
    }
}

#[test]
fn large_values_come_out_whole() {
    let ring = Box::new(MpmcRing::<[u32; 2048], 2>::new());
    for round in 0..8u32 {
        let value = core::array::from_fn(|at| round << 16 | at as u32);
        assert!(ring.push(value).is_ok());
        assert!(ring.pop() == Some(value));
    }
}

#[test]
fn memory_is_what_the_documentation_states() {
    fn check<T, const N: usize>() {
        let indices = (16 * N).next_multiple_of(256);
        let slots = (N * size_of::<T>()).next_multiple_of(128);
        assert_eq!(size_of::<MpmcRing<T, N>>(), 512 + indices + slots);
    }
    check::<u8, 1>();
    check::<u64, 8>();
    check::<u64, 16>();
    check::<u64, 1024>();
    check::<[u8; 1500], 32>();
    check::<(), 64>();
}

// === Errors and text ===

#[test]
fn full_says_so_and_gives_the_value_back() {
    /// Has no `Debug`: an error must not ask for it.
    struct Opaque(u8);
    fn into_error<E: Error>(error: E) -> (String, String) {
        (error.to_string(), format!("{error:?}"))
    }

    let ring = MpmcRing::<Opaque, 1>::new();
    assert!(ring.push(Opaque(1)).is_ok());
    let full = ring.push(Opaque(2)).err().unwrap();
    assert_eq!(full.into_inner().0, 2);
    let full = ring.push(Opaque(3)).err().unwrap();
    assert_eq!(into_error(full), ("ring is full".into(), "Full(..)".into()));
    ring.close();
    let closed = ring.push(Opaque(4)).err().unwrap();
    assert_eq!(into_error(closed), ("ring is closed".into(), "Closed(..)".into()));
    let closed = ring.force_push(Opaque(5)).err().unwrap();
    assert_eq!(
        into_error(closed),
        ("ring is closed".into(), "ForcePushError { refused: Closed(..), .. }".into())
    );
}

#[test]
fn debug_shows_the_shape_and_no_value() {
    let ring = MpmcRing::<u8, 4>::default();
    ring.push(1).unwrap();
    assert_eq!(format!("{ring:?}"), "MpmcRing { len: 1, capacity: 4 }");
}

// === Words ===

#[cfg(all(target_arch = "x86_64", not(latchless_native), not(miri)))]
mod words {
    use core::fmt::Debug;
    use core::ptr::NonNull;

    use latchless::ring::{Word, WordRing};

    fn come_back<W: Word + Copy + PartialEq + Debug>(values: impl IntoIterator<Item = W>) {
        let ring = WordRing::<W, 1>::new();
        for value in values {
            assert_eq!(ring.push(value), Ok(()));
            assert_eq!(ring.pop(), Some(value));
        }
    }

    #[test]
    fn values_come_back_as_they_were() {
        come_back([0, 1, u8::MAX]);
        come_back([0, 1, u16::MAX]);
        come_back([0, 1, u32::MAX]);
        come_back([0, 1, u64::MAX]);
        come_back([0, 1, usize::MAX]);
        come_back([0, -1, i8::MIN, i8::MAX]);
        come_back([0, -1, i16::MIN, i16::MAX]);
        come_back([0, -1, i32::MIN, i32::MAX]);
        come_back([0, -1, i64::MIN, i64::MAX]);
        come_back([0, -1, isize::MIN, isize::MAX]);
        come_back([false, true]);
        come_back(['\0', 'x', '\u{d7ff}', '\u{e000}', char::MAX]);
        let mut number = 7;
        come_back([core::ptr::null(), &raw const number]);
        come_back([core::ptr::null_mut(), &raw mut number]);
        come_back([NonNull::dangling(), NonNull::from(&mut number)]);
        come_back([&1, &2, &number]);
    }

    #[test]
    fn exclusive_borrow_is_handed_over() {
        let mut number = 1;
        let lent = WordRing::<&mut i32, 1>::new();
        lent.push(&mut number).unwrap();
        *lent.pop().unwrap() += 1;
        drop(lent);
        assert_eq!(number, 2);
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn owners_are_handed_over() {
        use std::sync::Arc;

        let ring = WordRing::<Box<[u64; 3]>, 2>::new();
        ring.push(Box::new([1, 2, 3])).unwrap();
        assert_eq!(ring.pop(), Some(Box::new([1, 2, 3])));

        let shared = Arc::new("shared".to_owned());
        let ring = WordRing::<_, 2>::new();
        ring.push(Arc::clone(&shared)).unwrap();
        ring.push(Arc::clone(&shared)).unwrap();
        assert_eq!(Arc::strong_count(&shared), 3);
        assert!(Arc::ptr_eq(&ring.pop().unwrap(), &shared));
        assert_eq!(Arc::strong_count(&shared), 2);
        drop(ring);
        assert_eq!(Arc::strong_count(&shared), 1);
    }

    #[test]
    fn memory_is_what_the_documentation_states() {
        fn check<const N: usize>() {
            let entries = (16 * N).next_multiple_of(128);
            assert_eq!(size_of::<WordRing<u64, N>>(), 256 + entries);
        }
        check::<1>();
        check::<8>();
        check::<1024>();
    }
}

// === Storage ===

/// The same steps in a ring and in a queue: twice round the memory and more.
macro_rules! agrees_with_a_queue {
    ($ring:expr) => {{
        let (ring, mut queue) = ($ring, std::collections::VecDeque::new());
        let capacity = ring.capacity();
        for number in 0..5 * capacity as u32 {
            let value = number.to_string();
            match ring.push(value.clone()) {
                Ok(()) => queue.push_back(value),
                Err(refused) => {
                    assert_eq!((refused.into_inner(), queue.len()), (value, capacity));
                    assert!(ring.is_full());
                }
            }
            if number % 3 == 0 {
                assert_eq!(ring.pop(), queue.pop_front());
            }
            assert_eq!(ring.len(), queue.len());
        }
        assert!(ring.close());
        assert!(ring.pop_iter().eq(queue));
        assert!(ring.is_drained());
    }};
}

#[test]
fn slices_hold_the_ring() {
    use core::mem::MaybeUninit;
    use latchless::ring::MpmcSliceRing;
    use latchless::ring::mpmc::{IndexEntry, Slot};

    let mut places = [const { MaybeUninit::<IndexEntry>::uninit() }; 18];
    let mut slots = [const { MaybeUninit::<Slot<String>>::uninit() }; 9];
    for capacity in [1, 2, 8] {
        let (places, slots) = (&mut places[..2 * capacity], &mut slots[1..=capacity]);
        agrees_with_a_queue!(MpmcSliceRing::in_slices(places, slots).expect("a power of two"));
    }
    for (most_places, most_slots) in [(0, 0), (6, 3), (8, 8), (7, 4), (9, 4)] {
        let (places, slots) = (&mut places[..most_places], &mut slots[..most_slots]);
        let refused = MpmcSliceRing::in_slices(places, slots).map(drop).unwrap_err();
        assert_eq!((refused.0.0.len(), refused.0.1.len()), (most_places, most_slots));
    }
}

#[test]
#[cfg(all(target_arch = "x86_64", not(latchless_native), not(miri)))]
fn slice_holds_the_ring_of_words() {
    use core::mem::MaybeUninit;
    use latchless::ring::WordSliceRing;
    use latchless::ring::mpmc::WordEntry;

    let mut memory = [const { MaybeUninit::<WordEntry>::uninit() }; 9];
    for capacity in [1, 2, 8] {
        let ring = WordSliceRing::<u64>::in_slice(&mut memory[..capacity]).expect("a power of two");
        for lap in 0..3 {
            (0..capacity as u64).for_each(|number| assert_eq!(ring.push(lap + number), Ok(())));
            assert_eq!(ring.push(99).map_err(|refused| refused.into_inner()), Err(99));
            assert!(ring.pop_iter().eq((0..capacity as u64).map(|number| lap + number)));
        }
    }
    for length in [0, 3, 9] {
        let refused = WordSliceRing::<u64>::in_slice(&mut memory[..length]).map(drop).unwrap_err();
        assert_eq!(refused.0.len(), length);
    }
}

#[test]
#[cfg(feature = "alloc")]
fn heap_holds_the_rings() {
    use latchless::ring::MpmcHeapRing;

    for (least, capacity) in [(0, 1), (1, 1), (2, 2), (3, 4), (1000, 1024)] {
        let ring = MpmcHeapRing::<String>::with_capacity(least);
        assert_eq!(ring.capacity(), capacity);
        agrees_with_a_queue!(ring);
    }
    // What is left in it is dropped.
    let value = std::sync::Arc::new(());
    let ring = MpmcHeapRing::with_capacity(4);
    (0..3).for_each(|_| assert!(ring.push(value.clone()).is_ok()));
    drop(ring);
    assert_eq!(std::sync::Arc::strong_count(&value), 1);
}

#[test]
#[cfg(all(feature = "alloc", target_arch = "x86_64", not(latchless_native), not(miri)))]
fn heap_holds_the_ring_of_words() {
    use latchless::ring::WordHeapRing;

    for (least, capacity) in [(0, 1), (1, 1), (3, 4), (1000, 1024)] {
        let ring = WordHeapRing::<Box<String>>::with_capacity(least);
        assert_eq!(ring.capacity(), capacity);
        let text = |number: usize| Box::new(number.to_string());
        (0..capacity).for_each(|number| assert!(ring.push(text(number)).is_ok()));
        assert!(ring.push(text(7)).is_err_and(|refused| refused.into_inner() == text(7)));
        assert_eq!(ring.pop(), Some(text(0)));
        assert!(ring.pop_iter().eq((1..capacity).map(text)));
        assert!(ring.push(text(8)).is_ok());
    }
}

#[test]
#[cfg(feature = "alloc")]
#[should_panic(expected = "capacity overflow")]
fn heap_is_not_asked_for_more_places_than_a_stamp_leaves_room_for() {
    drop(latchless::ring::MpmcHeapRing::<()>::with_capacity((1 << 31) + 1));
}
