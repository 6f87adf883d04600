//! Defends what rings promise wherever their slots are, inside the ring, in the caller's memory or
//! allocated: the capacity that was asked for, all of it to be filled, values where they are aligned, each
//! dropped once, and the memory given back with the last handle, or left to its owner.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::cell::Cell;
use core::error::Error;
use core::mem::MaybeUninit;

use latchless::ring::spsc::{Consumer, Producer, PushBatch, Ring};
use latchless::ring::storage::{CapacityError, Storage};
use latchless::ring::{Full, SpscRing, SpscSliceRing};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use common::drops::{Ledger, Tracked};
use common::stamps::{Stamped, assert_each_once_in_order};
use common::team::{Member, Team};

type Word = Cell<u8>;
type Local = std::rc::Rc<u8>;

assert_impl_all!(SpscSliceRing<'static, Word>: Send, Sync, Unpin);
assert_impl_all!(Producer<&'static SpscSliceRing<'static, Word>>: Send);
assert_impl_all!(Consumer<&'static SpscSliceRing<'static, Word>>: Send);
assert_impl_all!(PushBatch<'static, &'static SpscSliceRing<'static, Word>>: Send);
assert_not_impl_any!(SpscSliceRing<'static, Local>: Send, Sync);
assert_not_impl_any!(Producer<&'static SpscSliceRing<'static, Local>>: Send);
assert_not_impl_any!(Consumer<&'static SpscSliceRing<'static, Local>>: Send);
assert_not_impl_any!(PushBatch<'static, &'static SpscSliceRing<'static, Local>>: Send);
assert_not_impl_any!(Producer<&'static SpscSliceRing<'static, u8>>: Sync, Clone);
assert_not_impl_any!(Consumer<&'static SpscSliceRing<'static, u8>>: Sync, Clone);
assert_not_impl_any!(PushBatch<'static, &'static SpscSliceRing<'static, u8>>: Sync, Clone);

/// Memory for so many values, with none in it.
fn memory_for<T>(slots: usize) -> Vec<MaybeUninit<T>> {
    (0..slots).map(|_| MaybeUninit::uninit()).collect()
}

/// Calls `check` with an empty ring of so many slots in each place where they can be.
macro_rules! everywhere {
    ($check:ident, $item:ty, $slots:literal $(, $argument:expr)*) => {{
        $check(SpscRing::<$item, $slots>::new(), $slots $(, $argument)*);
        let mut memory = memory_for::<$item>($slots);
        let borrowed = SpscSliceRing::in_slice(&mut memory).expect("a power of two");
        $check(borrowed, $slots $(, $argument)*);
        #[cfg(feature = "alloc")]
        $check(latchless::ring::SpscHeapRing::<$item>::with_capacity($slots), $slots $(, $argument)*);
    }};
}

// === One thread ===

fn fills_to_exactly<S: Storage<Item = usize>>(mut ring: Ring<S>, slots: usize) {
    assert_eq!(ring.capacity(), slots);
    let (mut producer, mut consumer) = ring.split();
    assert_eq!((producer.capacity(), consumer.capacity()), (slots, slots));
    for round in 0..3 {
        for at in 0..slots {
            assert_eq!(producer.slots(), slots - at);
            assert_eq!(producer.push(round * slots + at), Ok(()));
        }
        assert_eq!(producer.push(usize::MAX), Err(Full(usize::MAX)));
        for at in 0..slots {
            assert_eq!(consumer.pop(), Some(round * slots + at));
        }
        assert_eq!(consumer.pop(), None);
    }
    drop((producer, consumer));
    assert_eq!(format!("{ring:?}"), format!("SpscRing {{ capacity: {slots}, .. }}"));
}

#[test]
fn capacity() {
    everywhere!(fills_to_exactly, usize, 1);
    everywhere!(fills_to_exactly, usize, 2);
    everywhere!(fills_to_exactly, usize, 4);
    everywhere!(fills_to_exactly, usize, 1024);
}

fn goes_round<S: Storage<Item = usize>>(mut ring: Ring<S>, slots: usize) {
    let (mut producer, mut consumer) = ring.split();
    let mut places = vec![0; slots];
    let mut next = 0;
    for count in (1..=slots).cycle().take(8 * slots) {
        let values: Vec<usize> = (next..next + count).collect();
        match count % 3 {
            0 => values.iter().for_each(|&value| assert_eq!(producer.push(value), Ok(()))),
            1 => assert_eq!(producer.push_slice(&values), count),
            _ => assert_eq!(producer.push_iter(values.iter().copied()), count),
        }
        assert_eq!(consumer.len(), count);
        assert_eq!(consumer.peek(), Some(&next));
        let chunk = consumer.read_chunk(count).expect("they are there");
        let (first, second) = chunk.as_slices();
        assert_eq!([first, second].concat(), values);
        drop(chunk);
        match count % 2 {
            0 => assert_eq!(consumer.pop_slice(&mut places), count),
            _ => consumer.pop_iter().zip(&mut places).for_each(|(value, place)| *place = value),
        }
        assert_eq!(places[..count], values);
        next += count;
    }
}

#[test]
fn positions_wrap() {
    everywhere!(goes_round, usize, 1);
    everywhere!(goes_round, usize, 2);
    everywhere!(goes_round, usize, 8);
    everywhere!(goes_round, usize, 64);
}

fn drops_all_once<'l, S: Storage<Item = Tracked<'l>>>(
    mut ring: Ring<S>,
    slots: usize,
    ledger: &'l Ledger,
) {
    let before = ledger.issued();
    let (mut producer, mut consumer) = ring.split();
    assert_eq!(producer.push_iter((0..slots).map(|_| ledger.issue())), slots);
    assert!(producer.push(ledger.issue()).is_err());
    assert_eq!(ledger.alive(), slots);
    assert_eq!(consumer.pop().map(|value| value.id()), Some(before));
    assert_eq!(consumer.skip(1), 1);
    assert!(producer.push(ledger.issue()).is_ok());
    assert_eq!(ledger.alive(), slots - 1);
    drop((producer, consumer));
    assert_eq!(ledger.alive(), slots - 1);
    drop(ring);
    ledger.assert_all_dropped_once();
}

#[test]
fn drops_each_once() {
    let ledger = Ledger::new(100);
    everywhere!(drops_all_once, Tracked<'_>, 2, &ledger);
    everywhere!(drops_all_once, Tracked<'_>, 8, &ledger);
}

fn counts<S: Storage<Item = ()>>(mut ring: Ring<S>, slots: usize) {
    let (mut producer, mut consumer) = ring.split();
    assert_eq!(producer.push_slice(&[(); 1000]), 1000);
    assert_eq!((consumer.len(), producer.slots()), (1000, slots - 1000));
    assert_eq!(consumer.pop_iter().count(), 1000);
}

#[test]
fn zero_sized_type() {
    everywhere!(counts, (), 1024);
}

#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(align(4096))]
struct Page(u16);

fn lies_aligned<S: Storage<Item = Page>>(mut ring: Ring<S>, slots: usize) {
    let (mut producer, mut consumer) = ring.split();
    for number in 0..2 * slots as u16 {
        assert_eq!(producer.push(Page(number)), Ok(()));
        let page = consumer.peek().expect("it is there");
        assert_eq!(core::ptr::from_ref(page).addr() % 4096, 0);
        assert_eq!(consumer.pop(), Some(Page(number)));
    }
}

#[test]
fn over_aligned_values_lie_aligned() {
    everywhere!(lies_aligned, Page, 1);
    everywhere!(lies_aligned, Page, 4);
}

// === Borrowed memory ===

#[test]
fn memory_of_the_wrong_length_comes_back() {
    fn into_error<E: Error>(error: E) -> (String, String) {
        (error.to_string(), format!("{error:?}"))
    }

    let mut memory = memory_for::<u32>(8);
    for slots in [0, 3, 5, 6, 7] {
        let first = memory.as_ptr();
        let Err(CapacityError(back)) = SpscSliceRing::in_slice(&mut memory[..slots]) else {
            panic!("{slots} is no power of two");
        };
        assert_eq!((back.as_ptr(), back.len()), (first, slots));
    }
    let error = SpscSliceRing::in_slice(&mut memory[..3]).expect_err("3 is no power of two");
    let text = ("capacity must be a power of two, at least 1", "CapacityError(..)");
    assert_eq!(into_error(CapacityError(error.0.len())), (text.0.into(), text.1.into()));
}

#[test]
fn borrowed_memory_stays_its_owners() {
    let mut memory = memory_for::<u32>(4);
    let first = memory.as_ptr().cast::<u32>();
    for round in 0..3 {
        let mut ring = SpscSliceRing::in_slice(&mut memory).unwrap();
        let (mut producer, consumer) = ring.split();
        assert_eq!(producer.push_slice(&[round, 1, 2]), 3);
        assert!(core::ptr::eq(consumer.peek().unwrap(), first));
        drop((producer, consumer));
        drop(ring);
        // SAFETY: it was written above, and a number is not dropped.
        assert_eq!(unsafe { memory[0].assume_init() }, round);
    }
}

#[test]
fn what_lay_in_borrowed_memory_is_not_dropped() {
    let ledger = Ledger::new(3);
    let mut memory = [MaybeUninit::new(ledger.issue()), MaybeUninit::new(ledger.issue())];
    let mut ring = SpscSliceRing::in_slice(&mut memory).unwrap();
    let (mut producer, _) = ring.split();
    producer.push(ledger.issue()).unwrap();
    drop(producer);
    drop(ring);
    assert_eq!([0, 1, 2].map(|id| ledger.drops_of(id)), [0, 0, 1]);
}

#[test]
fn static_ring_over_a_static_buffer() {
    static mut BUFFER: [MaybeUninit<u32>; 4] = [MaybeUninit::uninit(); 4];
    // What may have to be dropped cannot be unwrapped in a `static`.
    static RING: Result<SpscSliceRing<'static, u32>, CapacityError<&mut [MaybeUninit<u32>]>> =
        // SAFETY: nobody else names the buffer.
        SpscSliceRing::in_slice(unsafe { &mut *&raw mut BUFFER });

    let ring = RING.as_ref().unwrap();
    let (mut producer, mut consumer) = ring.try_split().unwrap();
    std::thread::spawn(move || assert_eq!(producer.push_slice(&[1, 2, 3, 4, 5]), 4))
        .join()
        .unwrap();
    assert!(consumer.pop_iter().eq(1..=4));
    assert!(consumer.is_abandoned());
}

// === Two threads ===

fn carries<S: Storage<Item = Stamped> + Send>(mut ring: Ring<S>, _: usize, count: usize) {
    let (mut producer, mut consumer) = ring.split();
    let members: Vec<Member<'_, Vec<_>>> = vec![
        Box::new(move |team| {
            (0..count).for_each(|n| team.push(Stamped::new(0, n), |value| producer.push(value)));
            Vec::new()
        }),
        Box::new(|team| {
            let pop = |_| team.wait_for(|| consumer.pop()).origin();
            (0..count).map(pop).collect()
        }),
    ];
    let received = Team::run(members).concat();
    assert_each_once_in_order(1, count, &[received]);
    assert!(consumer.is_abandoned() && consumer.is_empty());
}

#[test]
fn every_item_arrives_once_whole_and_in_order() {
    everywhere!(carries, Stamped, 1, 5_000);
    everywhere!(carries, Stamped, 8, 20_000);
}

// === Allocated memory ===

#[cfg(feature = "alloc")]
mod allocated {
    use core::alloc::{GlobalAlloc, Layout};
    use std::alloc::System;
    use std::sync::Arc;

    use latchless::ring::SpscHeapRing;

    use super::common::panics::panic_message;
    use super::*;

    assert_impl_all!(SpscHeapRing<Word>: Send, Sync, Unpin);
    assert_impl_all!(Producer<&'static SpscHeapRing<Word>>: Send);
    assert_impl_all!(Consumer<&'static SpscHeapRing<Word>>: Send);
    assert_impl_all!(Producer<Arc<SpscHeapRing<Word>>>: Send);
    assert_impl_all!(Consumer<Arc<SpscHeapRing<Word>>>: Send);
    assert_impl_all!(PushBatch<'static, Arc<SpscHeapRing<Word>>>: Send);
    assert_impl_all!(Producer<Arc<SpscRing<Word, 4>>>: Send);
    assert_impl_all!(Consumer<Arc<SpscSliceRing<'static, Word>>>: Send);
    assert_not_impl_any!(SpscHeapRing<Local>: Send, Sync);
    assert_not_impl_any!(Producer<&'static SpscHeapRing<Local>>: Send);
    assert_not_impl_any!(Consumer<&'static SpscHeapRing<Local>>: Send);
    assert_not_impl_any!(Producer<Arc<SpscHeapRing<Local>>>: Send);
    assert_not_impl_any!(Consumer<Arc<SpscHeapRing<Local>>>: Send);
    assert_not_impl_any!(PushBatch<'static, Arc<SpscHeapRing<Local>>>: Send);
    assert_not_impl_any!(Producer<Arc<SpscHeapRing<u8>>>: Sync, Clone);
    assert_not_impl_any!(Consumer<Arc<SpscHeapRing<u8>>>: Sync, Clone);
    assert_not_impl_any!(PushBatch<'static, Arc<SpscHeapRing<u8>>>: Sync, Clone);

    /// The system's memory, and how much of it each thread has taken and not given back.
    struct Counting;

    std::thread_local! {
        static BYTES: Cell<isize> = const { Cell::new(0) };
    }

    // SAFETY: the system's allocator, and a number beside it.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            BYTES.set(BYTES.get() + layout.size() as isize);
            // SAFETY: the caller's word.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
            BYTES.set(BYTES.get() - layout.size() as isize);
            // SAFETY: the caller's word.
            unsafe { System.dealloc(memory, layout) };
        }
    }

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    /// How many bytes `f` takes and keeps.
    fn bytes_taken<R>(f: impl FnOnce() -> R) -> (isize, R) {
        let before = BYTES.get();
        let result = f();
        (BYTES.get() - before, result)
    }

    #[test]
    fn capacity_is_rounded_up() {
        for (least, capacity) in [(0, 1), (1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (1000, 1024)] {
            let (bytes, ring) = bytes_taken(|| SpscHeapRing::<u64>::with_capacity(least));
            assert_eq!((ring.capacity(), bytes), (capacity, 8 * capacity as isize));
            let (bytes, ()) = bytes_taken(|| drop(ring));
            assert_eq!(bytes, -8 * capacity as isize);
            fills_to_exactly(SpscHeapRing::with_capacity(least), capacity);
        }
    }

    #[test]
    fn zero_sized_values_take_no_memory() {
        const MOST: usize = 1 << (usize::BITS - 1);
        let (bytes, mut ring) = bytes_taken(|| SpscHeapRing::<()>::with_capacity(MOST - 1));
        assert_eq!((bytes, ring.capacity()), (0, MOST));
        {
            let (mut producer, mut consumer) = ring.split();
            assert_eq!(producer.push_slice(&[(); 1000]), 1000);
            let chunk = producer.write_chunk(MOST - 1000).unwrap();
            // SAFETY: there are no bytes to write.
            unsafe { chunk.commit_all() };
            assert_eq!(producer.push(()), Err(Full(())));
            assert_eq!(consumer.clear(), MOST);
        }
        assert_eq!(bytes_taken(|| drop(ring)).0, 0);
    }

    #[test]
    fn more_than_can_be_addressed_is_refused() {
        let refused = [
            panic_message(|| SpscHeapRing::<()>::with_capacity(usize::MAX)),
            panic_message(|| SpscHeapRing::<u8>::with_capacity(usize::MAX / 2)),
            panic_message(|| SpscHeapRing::<u64>::with_capacity(1 << (usize::BITS - 3))),
        ];
        assert_eq!(refused.map(|message| message.unwrap()), ["capacity overflow"; 3]);
    }

    #[test]
    fn memory_starts_at_a_pair_of_cache_lines() {
        fn check<T: Default>() {
            // Several at once, since one alone may lie there by chance.
            let mut rings: Vec<_> =
                (0..5).map(|log| SpscHeapRing::<T>::with_capacity(1 << log)).collect();
            for ring in &mut rings {
                let (mut producer, consumer) = ring.split();
                assert!(producer.push(T::default()).is_ok());
                let first = core::ptr::from_ref(consumer.peek().expect("it is there"));
                assert_eq!(first.addr() % 128, 0);
            }
        }
        check::<u8>();
        check::<[u8; 3]>();
        check::<u64>();
        check::<[u64; 9]>();
    }

    #[test]
    fn memory_goes_with_the_last_handle() {
        for producer_goes_first in [false, true] {
            let ledger = Ledger::new(3);
            let before = BYTES.get();
            let (mut producer, mut consumer) = SpscHeapRing::with_capacity(4).into_split();
            assert_eq!(producer.push_iter((0..3).map(|_| ledger.issue())), 3);
            drop(consumer.pop());
            if producer_goes_first {
                drop(producer);
                assert!(consumer.is_abandoned() && BYTES.get() > before);
                assert_eq!(ledger.alive(), 2);
                drop(consumer);
            } else {
                drop(consumer);
                assert!(producer.is_abandoned() && BYTES.get() > before);
                assert_eq!(ledger.alive(), 2);
                drop(producer);
            }
            assert_eq!(BYTES.get(), before);
            ledger.assert_all_dropped_once();
        }
    }

    #[test]
    fn any_ring_can_own_itself() {
        fn check<S: Storage<Item = usize> + 'static>(ring: Ring<S>, slots: usize)
        where
            Ring<S>: Send + Sync,
        {
            let (mut producer, mut consumer) = ring.into_split();
            let thread = std::thread::spawn(move || producer.push_iter(0..));
            assert_eq!(thread.join().ok(), Some(slots));
            assert!(consumer.is_abandoned());
            assert!(consumer.pop_iter().eq(0..slots));
        }
        check(SpscRing::<usize, 4>::new(), 4);
        check(SpscSliceRing::in_slice(memory_for(4).leak()).unwrap(), 4);
        check(SpscHeapRing::with_capacity(4), 4);
    }

    #[test]
    fn an_end_that_was_dropped_can_be_had_again() {
        let ring = Arc::new(SpscHeapRing::<u8>::with_capacity(2));
        let mut producer = Producer::try_new(ring.clone()).unwrap();
        assert!(Producer::try_new(ring.clone()).is_none());
        assert!(producer.is_abandoned() && ring.try_split().is_none());
        producer.push(1).unwrap();
        let mut consumer = Consumer::try_new(ring.clone()).unwrap();
        assert!(Consumer::try_new(ring.clone()).is_none() && ring.try_consumer().is_none());
        assert_eq!(Arc::strong_count(&ring), 3, "whoever was refused keeps nothing");

        drop(producer);
        assert!(consumer.is_abandoned());
        // By reference this time.
        let mut producer = ring.try_producer().unwrap();
        assert!(Producer::try_new(ring.clone()).is_none() && !consumer.is_abandoned());
        producer.push(2).unwrap();
        assert_eq!(producer.push(3), Err(Full(3)));
        assert!(consumer.pop_iter().eq([1, 2]));
    }

    #[test]
    fn consumer_drains_what_a_producer_that_went_has_left() {
        const COUNT: usize = 20_000;
        for slots in [1, 8, COUNT] {
            let ledger = Ledger::new(COUNT);
            let (mut producer, mut consumer) = SpscHeapRing::with_capacity(slots).into_split();
            let members: Vec<Member<'_, usize>> = vec![
                Box::new(|team| {
                    for _ in 0..COUNT {
                        team.push(Box::new(ledger.issue()), |value| producer.push(value));
                    }
                    drop(producer);
                    0
                }),
                Box::new(|team| {
                    let mut received = 0;
                    while !consumer.is_abandoned() || !consumer.is_empty() {
                        match consumer.pop() {
                            Some(value) => {
                                assert_eq!(value.id(), received);
                                received += 1;
                            }
                            None => {
                                team.wait_until(|| consumer.is_abandoned() || !consumer.is_empty())
                            }
                        }
                    }
                    drop(consumer);
                    received
                }),
            ];
            assert_eq!(Team::run(members), [0, COUNT]);
            ledger.assert_all_dropped_once();
        }
    }

    #[test]
    fn producer_learns_that_the_consumer_went() {
        for _ in 0..200 {
            let ledger = Ledger::new(100);
            let (mut producer, mut consumer) = SpscHeapRing::with_capacity(4).into_split();
            let members: Vec<Member<'_, ()>> = vec![
                Box::new(|_| {
                    while !producer.is_abandoned() {
                        if ledger.issued() < 100 {
                            drop(producer.push(ledger.issue()));
                        }
                    }
                    // No more is taken out.
                    let len = producer.len();
                    assert_eq!(producer.len(), len);
                    drop(producer);
                }),
                Box::new(|team| {
                    (0..3).for_each(|_| drop(team.wait_for(|| consumer.pop())));
                    drop(consumer);
                }),
            ];
            Team::run(members);
            ledger.assert_all_dropped_once();
        }
    }
}
