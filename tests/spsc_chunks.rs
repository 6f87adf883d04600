//! Defends the invariants of `SpscRing` where several values move at a time: in place, by slices and
//! by iterators. Whatever part of a chunk is committed, whoever panics on the way, and if a chunk or an
//! iterator is forgotten: no value is lost unless somebody panicked, and none doubled, torn or out of
//! order.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::cell::Cell;
use core::error::Error;
use core::mem::{ManuallyDrop, MaybeUninit};
use std::collections::VecDeque;

use latchless::ring::SpscRing;
use latchless::ring::spsc::{Consumer, IntoIter, Producer, ReadChunk, TooFew, WriteChunk};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use common::drops::{Ledger, Tracked};
use common::linearizability::{Event, Recording, check_rounds};
use common::panics::panic_message;
use common::property_config;
use common::random::Random;
use common::specs::{Fifo, FifoCall};
use common::team::{Member, Producers, Team};

assert_impl_all!(WriteChunk<'static, &'static SpscRing<Cell<u8>, 4>>: Send);
assert_impl_all!(ReadChunk<'static, &'static SpscRing<Cell<u8>, 4>>: Send, IntoIterator<Item = Cell<u8>>);
assert_impl_all!(IntoIter<'static, &'static SpscRing<Cell<u8>, 4>>: Send, ExactSizeIterator);
assert_not_impl_any!(WriteChunk<'static, &'static SpscRing<std::rc::Rc<u8>, 4>>: Send);
assert_not_impl_any!(ReadChunk<'static, &'static SpscRing<std::rc::Rc<u8>, 4>>: Send);
assert_not_impl_any!(IntoIter<'static, &'static SpscRing<std::rc::Rc<u8>, 4>>: Send);
assert_not_impl_any!(WriteChunk<'static, &'static SpscRing<u8, 4>>: Sync, Clone);
assert_not_impl_any!(ReadChunk<'static, &'static SpscRing<u8, 4>>: Sync, Clone);

/// Where positions start: so that a chunk goes round the memory, or the integer's end, within a few
/// pushes.
fn starts() -> impl Strategy<Value = usize> {
    prop_oneof![
        (0..80usize),
        (0..80usize).prop_map(|before| (1 << (usize::BITS - 1)) - before),
        (0..80usize).prop_map(|before| usize::MAX - before),
    ]
}

/// A ring of four that has one slot before the end of its memory.
fn ring_that_goes_round<T>() -> SpscRing<T, 4> {
    SpscRing::with_start(usize::MAX)
}

// === In place ===

#[test]
fn chunk_has_the_slots_in_order() {
    let mut ring = ring_that_goes_round();
    let (mut producer, mut consumer) = ring.split();
    let mut chunk = producer.write_chunk(3).unwrap();
    assert_eq!((chunk.len(), chunk.is_empty()), (3, false));
    let (first, second) = chunk.as_mut_slices();
    assert_eq!((first.len(), second.len()), (1, 2));
    first.iter_mut().chain(second).zip(7..).for_each(|(slot, value)| {
        slot.write(value);
    });
    // SAFETY: all three were written.
    unsafe { chunk.commit_all() };

    let mut chunk = consumer.read_chunk(3).unwrap();
    assert_eq!((chunk.len(), chunk.is_empty()), (3, false));
    assert_eq!(chunk.as_slices(), (&[7][..], &[8, 9][..]));
    let (first, second) = chunk.as_mut_slices();
    first.iter_mut().chain(second).for_each(|value| *value *= 2);
    chunk.commit(1);
    assert_eq!([consumer.pop(), consumer.pop(), consumer.pop()], [Some(16), Some(18), None]);
}

#[test]
fn chunk_commits_what_was_asked_for() {
    for committed in 0..=4 {
        let mut ring = ring_that_goes_round();
        let (mut producer, mut consumer) = ring.split();
        let mut chunk = producer.write_chunk(4).unwrap();
        let (first, second) = chunk.as_mut_slices();
        first.iter_mut().chain(second).zip(1..).for_each(|(slot, value)| {
            slot.write(value);
        });
        // SAFETY: all four were written.
        unsafe { chunk.commit(committed) };
        assert_eq!((producer.len(), consumer.len()), (committed, committed));
        for taken in 0..=committed {
            let before = consumer.len();
            consumer.read_chunk(before).unwrap().commit(0);
            assert_eq!(consumer.len(), before);
            assert_eq!(consumer.peek().copied(), (taken < committed).then_some(taken + 1));
            // More than there is: all.
            consumer.read_chunk(before.min(1)).unwrap().commit(usize::MAX);
        }
        assert!(producer.is_empty() && consumer.is_empty());
    }
}

#[test]
fn chunk_that_is_too_large_is_refused() {
    let mut ring = ring_that_goes_round();
    let (mut producer, mut consumer) = ring.split();
    assert_eq!(consumer.read_chunk(1).unwrap_err(), TooFew(0));
    assert_eq!(producer.write_chunk(5).unwrap_err(), TooFew(4));
    assert_eq!(producer.write_chunk(usize::MAX).unwrap_err(), TooFew(4));
    assert_eq!(producer.push_slice(&[1, 2, 3]), 3);
    assert_eq!(producer.write_chunk(2).unwrap_err(), TooFew(1));
    assert_eq!(consumer.read_chunk(4).unwrap_err(), TooFew(3));
    // The producer finds out that there is more room.
    consumer.read_chunk(2).unwrap().commit_all();
    assert_eq!(producer.write_chunk(3).unwrap().len(), 3);
    assert!(producer.write_chunk(0).unwrap().is_empty());
    assert!(consumer.read_chunk(0).unwrap().is_empty());
}

#[test]
fn contiguous_chunk_ends_with_the_memory() {
    for start in 0..4 {
        let mut ring = SpscRing::<usize, 4>::with_start(start);
        let (mut producer, mut consumer) = ring.split();
        let until_end = 4 - start;
        for most in 0..6 {
            let mut chunk = producer.write_chunk_contiguous(most);
            let (first, second) = chunk.as_mut_slices();
            assert_eq!((first.len(), second.len()), (most.min(until_end), 0));
        }
        assert_eq!(producer.write_chunk_contiguous(4).fill_from_slice(&[5; 4]), until_end);
        assert_eq!(producer.push_slice(&[6; 4]), start);
        for most in 0..6 {
            let chunk = consumer.read_chunk_contiguous(most);
            assert_eq!(chunk.as_slices(), (&[5; 4][..most.min(until_end)], &[][..]));
        }
        consumer.read_chunk_contiguous(4).commit_all();
        assert!(consumer.read_chunk_contiguous(4).into_iter().eq(vec![6; start]));
        assert!(consumer.read_chunk_contiguous(4).is_empty());
    }
}

#[test]
fn forgotten_chunk_commits_nothing() {
    let ledger = Ledger::new(4);
    let mut ring = ring_that_goes_round::<Tracked<'_>>();
    let (mut producer, mut consumer) = ring.split();
    producer.push_iter((0..2).map(|_| ledger.issue()));
    let _forgotten = ManuallyDrop::new(producer.write_chunk(2).unwrap());
    let _forgotten = ManuallyDrop::new(consumer.read_chunk(2).unwrap());
    assert_eq!((producer.len(), consumer.len(), ledger.alive()), (2, 2, 2));

    // What is in the slots of a chunk is not dropped with it.
    let mut chunk = producer.write_chunk(2).unwrap();
    let (first, second) = chunk.as_mut_slices();
    first.iter_mut().chain(second).for_each(|slot| {
        slot.write(ledger.issue());
    });
    assert_eq!((consumer.len(), ledger.alive()), (2, 4));
    drop((producer, consumer));
    drop(ring);
    assert_eq!([0, 1, 2, 3].map(|id| ledger.drops_of(id)), [1, 1, 0, 0]);
}

#[test]
fn forgotten_iterator_leaves_the_rest() {
    let ledger = Ledger::new(4);
    let mut ring = ring_that_goes_round::<Tracked<'_>>();
    let (mut producer, mut consumer) = ring.split();
    producer.push_iter((0..4).map(|_| ledger.issue()));
    let mut values = consumer.pop_iter();
    assert_eq!(values.len(), 4);
    assert_eq!(values.next().map(|value| value.id()), Some(0));
    assert_eq!(values.len(), 3);
    assert_eq!(values.next().map(|value| value.id()), Some(1));
    let _forgotten = ManuallyDrop::new(values);
    assert_eq!((producer.len(), ledger.alive()), (2, 2));

    drop((producer, consumer));
    let (_, mut consumer) = ring.split();
    assert_eq!(consumer.pop_iter().next().map(|value| value.id()), Some(2));
    drop(consumer);
    drop(ring);
    ledger.assert_all_dropped_once();
}

// === Sizes ===

fn fills_to_exactly<const N: usize>(start: usize) {
    let mut ring = SpscRing::<usize, N>::with_start(start);
    let (mut producer, mut consumer) = ring.split();
    let values: Vec<usize> = (0..2 * N).collect();
    let mut places = vec![usize::MAX; 2 * N];
    for count in 0..=N {
        assert_eq!(producer.push_entire_slice(&values[..count]), Ok(()));
        assert_eq!(producer.push_entire_slice(&values[..N - count + 1]), Err(TooFew(N - count)));
        assert_eq!(producer.push_slice(&values[count..]), N - count);
        assert_eq!(producer.push_slice(&values), 0);
        assert_eq!(producer.push_iter(values.iter().copied()), 0);
        assert_eq!(consumer.pop_entire_slice(&mut places[..=N]), Err(TooFew(N)));
        assert_eq!(consumer.pop_entire_slice(&mut places[..count]), Ok(()));
        assert_eq!(consumer.pop_slice(&mut places[count..]), N - count);
        assert_eq!(consumer.pop_slice(&mut places), 0);
        assert_eq!(consumer.pop_iter().len(), 0);
        assert_eq!(places[..N], values[..N]);
        assert!(places[N..].iter().all(|&place| place == usize::MAX), "nothing is written there");
        // The next round starts one slot further on.
        assert_eq!(producer.push(0), Ok(()));
        assert_eq!(consumer.skip(2), 1);
    }
}

#[test]
fn capacity() {
    for start in [0, usize::MAX - 3, (1 << (usize::BITS - 1)) - 3] {
        fills_to_exactly::<1>(start);
        fills_to_exactly::<2>(start);
        fills_to_exactly::<8>(start);
        fills_to_exactly::<64>(start);
    }
}

#[test]
fn zero_sized_type() {
    const N: usize = 1 << (usize::BITS - 1);
    let mut ring = SpscRing::<(), N>::with_start(usize::MAX - 1);
    let (mut producer, mut consumer) = ring.split();
    assert_eq!(producer.push_slice(&[(); 1000]), 1000);
    assert_eq!(producer.push_iter([(); 7]), 7);
    assert_eq!(producer.push_slice_cloned(&[(); 3]), 3);
    let chunk = producer.write_chunk(N - 1010).unwrap();
    // SAFETY: there are no bytes to write.
    unsafe { chunk.commit_all() };
    assert_eq!(producer.push_entire_slice(&[()]), Err(TooFew(0)));
    let mut places = [(); 10];
    assert_eq!(consumer.pop_slice(&mut places), 10);
    assert_eq!(consumer.pop_iter().take(1000).count(), 1000);
    let chunk = consumer.read_chunk(N - 1010).unwrap();
    let (first, second) = chunk.as_slices();
    assert_eq!(first.len() + second.len(), N - 1010);
    chunk.commit(10);
    assert_eq!(consumer.clear(), N - 1020);
    assert!(producer.is_empty());
}

#[test]
fn over_aligned_values_lie_aligned() {
    #[derive(Clone, Copy)]
    #[repr(align(512))]
    struct Page(u16);

    let mut ring = ring_that_goes_round();
    let (mut producer, mut consumer) = ring.split();
    assert_eq!(producer.push_slice(&[Page(1), Page(2), Page(3)]), 3);
    let chunk = consumer.read_chunk(3).unwrap();
    let (first, second) = chunk.as_slices();
    for (page, number) in first.iter().chain(second).zip(1..) {
        assert_eq!(core::ptr::from_ref(page).addr() % 512, 0);
        assert_eq!(page.0, number);
    }
}

#[test]
fn iterator_is_asked_for_no_more_than_fits() {
    let mut ring = ring_that_goes_round();
    let (mut producer, mut consumer) = ring.split();
    let mut numbers = 0..;
    assert_eq!(producer.push_iter(numbers.by_ref()), 4);
    assert_eq!(producer.push_iter(numbers.by_ref()), 0);
    assert_eq!(numbers.next(), Some(4));
    assert_eq!(consumer.skip(3), 3);
    assert_eq!(producer.write_chunk(2).unwrap().fill_from_iter(numbers.by_ref()), 2);
    assert_eq!(producer.push_iter([9].into_iter().take(1)), 1);
    assert!(consumer.pop_iter().eq([3, 5, 6, 9]));
}

#[test]
fn peeked_value_can_be_changed() {
    let mut ring = SpscRing::<u8, 2>::new();
    let (mut producer, mut consumer) = ring.split();
    assert_eq!(consumer.peek_mut(), None);
    producer.push(1).unwrap();
    *consumer.peek_mut().unwrap() += 1;
    assert_eq!(consumer.pop(), Some(2));
    assert_eq!(consumer.peek_mut(), None);
}

#[test]
fn too_few_says_how_many() {
    fn into_error<E: Error>(error: E) -> (String, String) {
        (error.to_string(), format!("{error:?}"))
    }
    assert_eq!(into_error(TooFew(3)), ("fewer than asked for: 3".into(), "TooFew(3)".into()));
}

#[test]
fn debug_shows_the_shape_and_no_value() {
    let mut ring = SpscRing::<u8, 4>::default();
    let (mut producer, mut consumer) = ring.split();
    producer.push(1).unwrap();
    assert_eq!(format!("{:?}", producer.write_chunk(2).unwrap()), "WriteChunk { len: 2, .. }");
    assert_eq!(format!("{:?}", consumer.read_chunk(1).unwrap()), "ReadChunk { len: 1, .. }");
    assert_eq!(format!("{:?}", consumer.pop_iter()), "IntoIter { len: 1, .. }");
}

// === Panics ===

/// Holds four values of which one is a bomb, and lets `take` at the end that pops. Returns which values
/// are in the ring afterwards.
fn left_after_bomb(
    bomb: usize,
    take: impl FnOnce(&mut Consumer<&SpscRing<Tracked<'_>, 4>>),
) -> Vec<usize> {
    let ledger = Ledger::new(4);
    let mut ring = ring_that_goes_round::<Tracked<'_>>();
    let (mut producer, mut consumer) = ring.split();
    let value = |at| if at == bomb { ledger.issue_bomb() } else { ledger.issue() };
    assert_eq!(producer.push_iter((0..4).map(value)), 4);
    let message = panic_message(|| take(&mut consumer));
    assert_eq!(message, Some(format!("the drop of value {bomb} panics")));
    ledger.alive();
    assert_eq!(ledger.drops_of(bomb), 1);
    let left: Vec<usize> = consumer.pop_iter().map(|value| value.id()).collect();
    assert!(ledger.alive() <= 3 - bomb, "the values up to the bomb were dropped");
    left
}

#[test]
fn panicking_drop_leaks_at_most() {
    for bomb in 0..3 {
        assert_eq!(left_after_bomb(bomb, |c| c.read_chunk(3).unwrap().commit_all()), [3]);
        assert_eq!(left_after_bomb(bomb, |c| c.read_chunk(4).unwrap().commit(3)), [3]);
        assert_eq!(left_after_bomb(bomb, |c| _ = c.skip(3)), [3]);
        assert_eq!(left_after_bomb(bomb, |c| _ = c.clear()), [0; 0]);
        let rest: Vec<usize> = (bomb + 1..4).collect();
        assert_eq!(left_after_bomb(bomb, |c| c.pop_iter().for_each(drop)), rest);
        assert_eq!(
            left_after_bomb(bomb, |c| {
                for value in c.pop_iter() {
                    drop(value);
                }
            }),
            rest
        );
    }
}

#[test]
fn panicking_iterator_keeps_what_it_has_yielded() {
    for yielded in 0..4 {
        let ledger = Ledger::new(5);
        let mut ring = ring_that_goes_round::<Tracked<'_>>();
        let (mut producer, mut consumer) = ring.split();
        let values = (0..).map(|at| {
            assert!(at < yielded, "no more");
            ledger.issue()
        });
        assert_eq!(panic_message(|| producer.push_iter(values)).as_deref(), Some("no more"));
        assert_eq!((producer.len(), consumer.len()), (yielded, yielded));
        assert_eq!(ledger.alive(), yielded);
        // The ring is as good as ever.
        producer.push(ledger.issue()).unwrap();
        assert!(consumer.pop_iter().map(|value| value.id()).eq(0..=yielded));
        ledger.assert_all_dropped_once();
    }
}

#[test]
fn panicking_clone_keeps_those_before_it() {
    struct Original<'l> {
        ledger: &'l Ledger,
        clones: &'l Cell<usize>,
        _value: Option<Tracked<'l>>,
    }
    impl Clone for Original<'_> {
        fn clone(&self) -> Self {
            assert!(self.clones.get() > 0, "no more");
            self.clones.set(self.clones.get() - 1);
            Self { _value: Some(self.ledger.issue()), ..*self }
        }
    }

    for clones in 0..4 {
        let (ledger, left) = (Ledger::new(4), Cell::new(clones));
        let originals = [(); 4].map(|()| Original { ledger: &ledger, clones: &left, _value: None });
        let mut ring = ring_that_goes_round();
        let (mut producer, consumer) = ring.split();
        let message = panic_message(|| producer.push_slice_cloned(&originals));
        assert_eq!(message.as_deref(), Some("no more"));
        assert_eq!((consumer.len(), ledger.alive()), (clones, clones));
        left.set(4);
        assert_eq!(producer.push_slice_cloned(&originals), 4 - clones);
        drop((producer, consumer));
        drop(ring);
        ledger.assert_all_dropped_once();
    }
}

#[test]
fn panicking_closure_keeps_what_it_was_not_shown() {
    for shown in 0..4 {
        let ledger = Ledger::new(4);
        let mut ring = ring_that_goes_round::<Tracked<'_>>();
        let (mut producer, mut consumer) = ring.split();
        producer.push_iter((0..4).map(|_| ledger.issue()));
        let message = panic_message(|| {
            consumer.pop_iter().for_each(|value| assert!(value.id() < shown, "no more"));
        });
        assert_eq!(message.as_deref(), Some("no more"));
        assert_eq!((producer.len(), ledger.alive()), (3 - shown, 3 - shown));
        drop((producer, consumer));
        drop(ring);
        ledger.assert_all_dropped_once();
    }
}

// === Against a queue ===

#[derive(Clone, Debug)]
enum Op {
    Push,
    PushIter(usize),
    /// Asks for a chunk of so many slots, and commits so many at most.
    WriteChunk(usize, usize),
    WriteChunkContiguous(usize),
    FillFromIter(usize, usize),
    Pop,
    PeekMut,
    PopIter(usize),
    PopIterFold,
    PopSliceUninit(usize),
    /// Asks for a chunk of so many values, looks at it, and commits so many at most.
    ReadChunk(usize, usize),
    ReadChunkContiguous(usize),
    LetGo(usize),
    Skip(usize),
    Clear,
    AskProducer,
    AskConsumer,
    Resplit,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let count = || prop_oneof![4 => 0..6usize, 1 => 0..70usize];
    let op = prop_oneof![
        3 => Just(Op::Push),
        3 => count().prop_map(Op::PushIter),
        3 => (count(), count()).prop_map(|(asked, done)| Op::WriteChunk(asked, done)),
        1 => count().prop_map(Op::WriteChunkContiguous),
        2 => (count(), count()).prop_map(|(asked, done)| Op::FillFromIter(asked, done)),
        3 => Just(Op::Pop),
        1 => Just(Op::PeekMut),
        2 => count().prop_map(Op::PopIter),
        1 => Just(Op::PopIterFold),
        2 => count().prop_map(Op::PopSliceUninit),
        3 => (count(), count()).prop_map(|(asked, done)| Op::ReadChunk(asked, done)),
        1 => count().prop_map(Op::ReadChunkContiguous),
        1 => count().prop_map(Op::LetGo),
        2 => count().prop_map(Op::Skip),
        1 => Just(Op::Clear),
        1 => Just(Op::AskProducer),
        1 => Just(Op::AskConsumer),
        1 => Just(Op::Resplit),
    ];
    prop::collection::vec(op, 0..120)
}

/// Fills the first `count` slots of `chunk` and commits them.
fn commit_some<'l, const N: usize>(
    mut chunk: WriteChunk<'_, &SpscRing<Tracked<'l>, N>>,
    count: usize,
    ledger: &'l Ledger,
) {
    let (first, second) = chunk.as_mut_slices();
    first.iter_mut().chain(second).take(count).for_each(|slot| {
        slot.write(ledger.issue());
    });
    // SAFETY: so many were written.
    unsafe { chunk.commit(count) };
}

fn agrees_with_a_queue<const N: usize>(start: usize, ops: &[Op]) {
    let ledger = Ledger::new(70 * ops.len());
    let mut model = VecDeque::new();
    let mut ring = SpscRing::<Tracked<'_>, N>::with_start(start);
    let mut ops = ops.iter().peekable();
    while ops.peek().is_some() {
        let (mut producer, mut consumer) = ring.split();
        for op in ops.by_ref() {
            let (len, first_new) = (model.len(), ledger.issued());
            // Values that come out go here.
            let mut out = Vec::new();
            let mut taken = 0;
            match *op {
                Op::Push if len == N => assert_eq!(producer.push_iter([ledger.issue()]), 0),
                Op::Push => assert!(producer.push(ledger.issue()).is_ok()),
                Op::PushIter(count) => {
                    let pushed = producer.push_iter((0..count).map(|_| ledger.issue()));
                    assert_eq!(pushed, count.min(N - len));
                }
                Op::WriteChunk(asked, done) => match producer.write_chunk(asked) {
                    Ok(chunk) => {
                        assert_eq!(chunk.len(), asked);
                        commit_some(chunk, done.min(asked), &ledger);
                    }
                    Err(TooFew(vacant)) => {
                        assert_eq!(vacant, N - len);
                        assert!(vacant < asked);
                    }
                },
                Op::WriteChunkContiguous(most) => {
                    let chunk = producer.write_chunk_contiguous(most);
                    assert!(chunk.len() <= most.min(N - len));
                    assert_eq!(chunk.is_empty(), most == 0 || len == N);
                    let all = chunk.len();
                    commit_some(chunk, all, &ledger);
                }
                Op::FillFromIter(asked, count) => {
                    if let Ok(chunk) = producer.write_chunk(asked) {
                        let filled = chunk.fill_from_iter((0..count).map(|_| ledger.issue()));
                        assert_eq!(filled, count.min(asked));
                    }
                }
                Op::Pop => out.extend(consumer.pop()),
                Op::PeekMut => {
                    let peeked = consumer.peek_mut().map(|value| value.id());
                    assert_eq!(peeked, model.front().copied());
                }
                Op::PopIter(count) => {
                    let values = consumer.pop_iter();
                    assert_eq!(values.len(), len);
                    out.extend(values.take(count));
                    assert_eq!(out.len(), count.min(len));
                }
                Op::PopIterFold => {
                    consumer.pop_iter().for_each(|value| out.push(value));
                    assert_eq!(out.len(), len);
                }
                Op::PopSliceUninit(count) => {
                    let mut places: Vec<_> = (0..count).map(|_| MaybeUninit::uninit()).collect();
                    let popped = consumer.pop_slice_uninit(&mut places);
                    assert_eq!(popped, count.min(len));
                    // SAFETY: so many were popped into the first places.
                    out.extend(places.into_iter().take(popped).map(|v| unsafe { v.assume_init() }));
                }
                Op::ReadChunk(asked, done) => match consumer.read_chunk(asked) {
                    Ok(chunk) => {
                        let (first, second) = chunk.as_slices();
                        let ids = first.iter().chain(second).map(Tracked::id);
                        assert!(ids.eq(model.iter().copied().take(asked)));
                        taken = done.min(asked);
                        chunk.commit(done);
                    }
                    Err(TooFew(there)) => {
                        assert_eq!(there, len);
                        assert!(there < asked);
                    }
                },
                Op::ReadChunkContiguous(most) => {
                    let chunk = consumer.read_chunk_contiguous(most);
                    assert_eq!(chunk.is_empty(), most == 0 || len == 0);
                    let (first, second) = chunk.as_slices();
                    assert!(second.is_empty() && first.len() <= most.min(len));
                    assert!(
                        first.iter().map(Tracked::id).eq(model.iter().copied().take(first.len()))
                    );
                    taken = first.len();
                    chunk.commit_all();
                }
                Op::LetGo(count) => {
                    _ = producer.write_chunk(count);
                    _ = consumer.read_chunk(count);
                }
                Op::Skip(count) => {
                    taken = count.min(len);
                    assert_eq!(consumer.skip(count), taken);
                }
                Op::Clear => {
                    taken = len;
                    assert_eq!(consumer.clear(), len);
                }
                Op::AskProducer => assert_eq!(producer.slots(), N - len),
                Op::AskConsumer => assert_eq!(consumer.len(), len),
                Op::Resplit => break,
            }
            for id in model.drain(..taken) {
                assert_eq!(ledger.drops_of(id), 1, "value {id} was taken out");
            }
            for value in out {
                assert_eq!(model.pop_front(), Some(value.id()));
            }
            // What went in is what was made and is still alive.
            model.extend((first_new..ledger.issued()).filter(|&id| ledger.drops_of(id) == 0));
            assert_eq!(ledger.alive(), model.len());
            assert!(model.len() <= N);
        }
        assert_eq!((producer.len(), consumer.len()), (model.len(), model.len()));
    }
    drop(ring);
    ledger.assert_all_dropped_once();
}

/// So many values go in, then so many come out, by slices: all of them, or as many as possible.
fn slices_agree_with_a_queue<const N: usize>(start: usize, rounds: &[(usize, bool, usize, bool)]) {
    let mut ring = SpscRing::<usize, N>::with_start(start);
    let (mut producer, mut consumer) = ring.split();
    let mut model = VecDeque::new();
    let mut next = 0;
    for &(pushes, all_go_in, pops, all_come_out) in rounds {
        let values: Vec<usize> = (next..next + pushes).collect();
        let vacant = N - model.len();
        let pushed = if !all_go_in {
            producer.push_slice(&values)
        } else if let Err(TooFew(said)) = producer.push_entire_slice(&values) {
            assert_eq!(said, vacant);
            assert!(said < pushes);
            0
        } else {
            pushes
        };
        assert!(all_go_in || pushed == pushes.min(vacant));
        next += pushed;
        model.extend(&values[..pushed]);

        let mut places = vec![usize::MAX; pops];
        let popped = if !all_come_out {
            consumer.pop_slice(&mut places)
        } else if let Err(TooFew(said)) = consumer.pop_entire_slice(&mut places) {
            assert_eq!(said, model.len());
            assert!(said < pops);
            0
        } else {
            pops
        };
        assert!(all_come_out || popped == pops.min(model.len()));
        assert!(places[..popped].iter().copied().eq(model.drain(..popped)));
        assert!(places[popped..].iter().all(|&place| place == usize::MAX));
    }
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_a_queue(start in starts(), ops in ops()) {
        agrees_with_a_queue::<1>(start, &ops);
        agrees_with_a_queue::<2>(start, &ops);
        agrees_with_a_queue::<8>(start, &ops);
        agrees_with_a_queue::<64>(start, &ops);
    }

    #[test]
    fn any_run_of_slices_agrees_with_a_queue(
        start in starts(),
        rounds in prop::collection::vec((0..12usize, any::<bool>(), 0..12usize, any::<bool>()), 0..60),
    ) {
        slices_agree_with_a_queue::<1>(start, &rounds);
        slices_agree_with_a_queue::<8>(start, &rounds);
        slices_agree_with_a_queue::<64>(start, &rounds);
    }
}

// === Two threads ===

/// Pushes the numbers up to `count` in pieces of all lengths, in each way there is.
fn push_in_pieces<const N: usize>(
    team: &Team,
    producer: &mut Producer<&SpscRing<usize, N>>,
    count: usize,
) {
    let mut next = 0;
    for round in 0.. {
        let end = count.min(next + round % (2 * N));
        if next == count {
            return;
        }
        let values: Vec<usize> = (next..end).collect();
        next += match round % 4 {
            0 => producer.push_slice(&values),
            1 => producer.push_iter(next..end),
            2 => producer.push_slice_cloned(&values),
            _ => {
                let most = values.len().min(producer.slots());
                let chunk = producer.write_chunk(most).expect("slots stay vacant");
                chunk.fill_from_slice(&values)
            }
        };
        team.wait_for(|| (!producer.is_full()).then_some(()));
    }
}

/// Pops in each way there is, and shows `see` each value.
fn pop_in_pieces<const N: usize>(
    consumer: &mut Consumer<&SpscRing<usize, N>>,
    round: usize,
    mut see: impl FnMut(usize),
) {
    let mut places = [0; N];
    match round % 5 {
        0 => {
            let popped = consumer.pop_slice(&mut places[..1 + round % N]);
            places[..popped].iter().copied().for_each(see);
        }
        1 => consumer.pop_iter().for_each(see),
        2 => {
            for value in consumer.pop_iter().take(2) {
                see(value);
            }
        }
        3 => {
            let len = consumer.len();
            let chunk = consumer.read_chunk(len).expect("values stay there");
            let (first, second) = chunk.as_slices();
            first.iter().chain(second).copied().for_each(see);
            chunk.commit_all();
        }
        _ => {
            let chunk = consumer.read_chunk_contiguous(N);
            chunk.as_slices().0.iter().take(1).copied().for_each(see);
            chunk.commit(1);
        }
    }
}

fn carries_pieces<const N: usize>(start: usize, count: usize) {
    let mut ring = SpscRing::<usize, N>::with_start(start);
    let (mut producer, mut consumer) = ring.split();
    let producers = Producers::new(1);
    let members: Vec<Member<'_, ()>> = vec![
        Box::new(|team| {
            push_in_pieces(team, &mut producer, count);
            producers.finish_one();
        }),
        Box::new(|team| {
            let (mut received, mut round) = (0, 0);
            let pop = || {
                round += 1;
                let before = received;
                pop_in_pieces(&mut consumer, round, |value| {
                    assert_eq!(value, received);
                    received += 1;
                });
                (received > before).then_some(received)
            };
            producers.drain(team, pop, |_| {});
            assert_eq!(received, count);
        }),
    ];
    Team::run(members);
}

#[test]
fn every_value_arrives_once_and_in_order() {
    carries_pieces::<1>(usize::MAX - 1_000, 5_000);
    carries_pieces::<4>(usize::MAX - 1_000, 20_000);
    carries_pieces::<64>((1 << (usize::BITS - 1)) - 1_000, 40_000);
}

// === Linearizability ===

/// One producer and one consumer on a ring that is about to wrap.
fn round<const N: usize>(random: &mut Random) -> (Fifo, Vec<Event<FifoCall>>) {
    let mut ring = SpscRing::<u64, N>::with_start(usize::MAX - random.below(4 * N));
    let (mut producer, mut consumer) = ring.split();
    let mut choices = [random.clone(), Random::new(random.word())];
    let [for_producer, for_consumer] = &mut choices;
    let recording = Recording::of(vec![
        Box::new(|log| {
            for value in 0..5 {
                let values = [2 * value, 2 * value + 1];
                log.ask(|| {
                    let pushed = match for_producer.below(3) {
                        0 => producer.push_slice(&values),
                        1 => producer.push_iter(values),
                        _ => 2 * usize::from(producer.push_entire_slice(&values).is_ok()),
                    };
                    values.into_iter().take(pushed).map(FifoCall::Pushed)
                });
            }
        }),
        Box::new(|log| {
            for _ in 0..5 {
                log.ask(|| {
                    let mut out = Vec::new();
                    match for_consumer.below(3) {
                        0 => consumer.pop_iter().for_each(|value| out.push(value)),
                        1 => out.extend(consumer.pop_iter().take(1)),
                        _ => {
                            let mut places = [0; 2];
                            let popped = consumer.pop_slice(&mut places);
                            out.extend_from_slice(&places[..popped]);
                        }
                    }
                    let end = out.is_empty().then_some(FifoCall::Empty);
                    out.into_iter().map(FifoCall::Popped).chain(end)
                });
            }
        }),
    ]);
    let history =
        recording.then(|log| log.call_until(&FifoCall::Empty, || FifoCall::of_pop(consumer.pop())));
    (Fifo::exact(N), history)
}

#[test]
fn linearizable() {
    check_rounds(200, round::<1>);
    check_rounds(200, round::<2>);
    check_rounds(200, round::<4>);
}
