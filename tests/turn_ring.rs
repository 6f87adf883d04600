//! Defends the invariants of `TurnRing`: positions are at most `N` apart (INV-1), each is claimed once, and
//! its slot is touched by nobody else in between (INV-2), the turn of a slot only goes up, across the wrap of
//! the positions too (INV-3), and nothing goes into a closed ring (INV-4): no value is lost, doubled, torn or
//! overtaken, no slot is lost, and Full, Empty and Closed are exact.

mod common;

use core::cell::Cell;
use core::error::Error;
use core::mem::MaybeUninit;
use std::collections::VecDeque;

use latchless::ring::storage::Storage;
use latchless::ring::turn::{PopError, PushError, Ring, Slot, TooFew};
use latchless::ring::{Full, TurnRing, TurnSliceRing};
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use common::calls::TurnRingCall;
use common::drops::{Ledger, Tracked};
use common::linearizability::{Event, Recording, Worker, check_rounds};
use common::panics::panic_message;
use common::property_config;
use common::random::Random;
use common::specs::{BusyFifo, BusyFifoCall};
use common::stamps::{Stamped, assert_each_once_in_order};
use common::team::{Member, Producers, Team};

assert_impl_all!(TurnRing<String, 4>: Send, Sync, Default, Unpin, IntoIterator);
assert_impl_all!(TurnRing<Cell<u8>, 4>: Send, Sync);
assert_not_impl_any!(TurnRing<std::rc::Rc<u8>, 4>: Send, Sync);
assert_not_impl_any!(TurnSliceRing<'static, std::rc::Rc<u8>>: Send, Sync);
assert_not_impl_any!(TurnRing<u8, 4>: Clone);

/// The last position: then they start over.
const LAST: usize = usize::MAX / 2;

/// Where positions start: at zero, and so that they start over, or a turn's sign changes, within a few
/// pushes.
fn starts() -> impl Strategy<Value = usize> {
    prop_oneof![
        Just(0),
        (0..300_usize).prop_map(|before| LAST - before),
        (0..300_usize).prop_map(|before| LAST / 2 - before),
        any::<usize>(),
    ]
}

// === One thread ===

fn fills_to_exactly<S: Storage<Item = Slot<usize>>>(ring: &Ring<usize, S>, n: usize) {
    assert_eq!(ring.capacity(), n);
    for round in 0..3 {
        for at in 0..n {
            assert_eq!(ring.push(round * n + at), Ok(()));
        }
        assert_eq!(ring.push(usize::MAX), Err(PushError::Full(usize::MAX)));
        for at in 0..n {
            assert_eq!(ring.pop(), Ok(round * n + at));
        }
        assert_eq!(ring.pop(), Err(PopError::Empty));
    }
}

#[test]
fn capacity() {
    fills_to_exactly(&TurnRing::<_, 1>::new(), 1);
    fills_to_exactly(&TurnRing::<_, 2>::new(), 2);
    fills_to_exactly(&TurnRing::<_, 8>::new(), 8);
    fills_to_exactly(&TurnRing::<_, 512>::new(), 512);
    for n in [1, 2, 8, 512] {
        let mut memory: Vec<MaybeUninit<Slot<usize>>> =
            (0..n).map(|_| MaybeUninit::uninit()).collect();
        fills_to_exactly(&TurnSliceRing::in_slice(&mut memory).unwrap(), n);
    }
    for n in [0, 3, 12] {
        let mut memory: Vec<MaybeUninit<Slot<u8>>> =
            (0..n).map(|_| MaybeUninit::uninit()).collect();
        let refused = TurnSliceRing::in_slice(&mut memory).err().unwrap();
        assert_eq!(refused.0.len(), n);
    }
}

#[cfg(feature = "alloc")]
#[test]
fn capacity_on_the_heap() {
    use latchless::ring::TurnHeapRing;

    assert_impl_all!(TurnHeapRing<Cell<u8>>: Send, Sync);
    assert_not_impl_any!(TurnHeapRing<std::rc::Rc<u8>>: Send, Sync);
    for (least, n) in [(0, 1), (1, 1), (2, 2), (3, 4), (500, 512)] {
        fills_to_exactly(&TurnHeapRing::with_capacity(least), n);
    }
}

#[test]
fn len_empty_full() {
    let ring = TurnRing::<u8, 4>::new();
    let check = |len| {
        assert_eq!(ring.len(), len);
        assert_eq!(ring.is_empty(), len == 0);
        assert_eq!(ring.is_full(), len == 4);
    };
    check(0);
    for len in 1..=4 {
        ring.push(7).unwrap();
        check(len);
    }
    assert!(ring.push(7).is_err());
    assert_eq!(ring.force_push(7), Ok(Some(7)));
    check(4);
    assert!(ring.close());
    for len in (0..4).rev() {
        assert_eq!(ring.pop(), Ok(7));
        check(len);
    }
    assert!(ring.pop().is_err());
    check(0);
}

fn counts_wrap<const N: usize>(start: usize) {
    let ring = TurnRing::<usize, N>::with_start(start);
    let mut next = 0;
    // Each fill level is passed at each position around the wrap, refused calls included.
    for fill in (1..=N).cycle().take(16 * N) {
        for value in next..next + fill {
            assert_eq!(ring.push(value), Ok(()));
        }
        assert_eq!(ring.len(), fill);
        assert_eq!(ring.is_full(), fill == N);
        if fill == N {
            assert_eq!(ring.push(usize::MAX), Err(PushError::Full(usize::MAX)));
            assert_eq!(ring.force_push(next + N), Ok(Some(next)));
            next += 1;
        }
        for value in next..next + fill {
            assert_eq!(ring.pop(), Ok(value));
        }
        assert_eq!(ring.pop(), Err(PopError::Empty));
        assert!(ring.is_empty());
        next += fill;
    }
}

#[test]
fn positions_wrap() {
    for before in 0..24 {
        for start in [LAST, LAST / 2, usize::MAX] {
            counts_wrap::<1>(start - before);
            counts_wrap::<2>(start - before);
            counts_wrap::<8>(start - before);
        }
    }
}

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

    let ring = TurnRing::<Nothing, 4>::new();
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

    assert_eq!(align_of::<TurnRing<Page, 4>>(), 512);
    let ring = TurnRing::<Page, 4>::new();
    for number in 0..36 {
        assert_eq!(ring.push(Page(number)), Ok(()));
        assert_eq!(ring.pop(), Ok(Page(number)));
    }
}

#[test]
fn large_values_come_out_whole() {
    let ring = Box::new(TurnRing::<[u32; 2048], 2>::new());
    for round in 0..8_u32 {
        let value = core::array::from_fn(|at| round << 16 | at as u32);
        assert!(ring.push(value).is_ok());
        assert!(ring.pop() == Ok(value));
    }
}

#[test]
fn memory_is_what_the_documentation_states() {
    fn check<T, const N: usize>() {
        let slot = (size_of::<usize>() + size_of::<T>())
            .next_multiple_of(align_of::<usize>().max(align_of::<T>()));
        assert_eq!(size_of::<Slot<T>>(), slot);
        assert_eq!(size_of::<TurnRing<T, N>>(), 256 + (N * slot).next_multiple_of(128));
    }
    check::<u8, 1>();
    check::<u64, 8>();
    check::<u64, 1024>();
    check::<[u8; 1500], 32>();
    check::<(), 64>();
}

/// A `static` of which all that is set is zero is not in the executable but in `.bss`, where the program
/// starts with zeros; one with anything else set is not.
#[cfg(target_os = "linux")]
#[test]
fn static_ring_takes_no_room_in_the_executable() {
    unsafe extern "C" {
        static __bss_start: u8;
        static _end: u8;
    }
    static FROM_ZERO: TurnRing<[u64; 7], 64> = TurnRing::new();
    static FROM_LATER: TurnRing<[u64; 7], 64> = TurnRing::with_start(1);

    let bss = (&raw const __bss_start).addr()..(&raw const _end).addr();
    let [zero, later] = [&FROM_ZERO, &FROM_LATER].map(|ring| core::ptr::from_ref(ring).addr());
    assert!(bss.contains(&zero), "{zero:#x} is not in {bss:#x?}");
    assert!(!bss.contains(&later), "a ring that is not zero cannot be in {bss:#x?}");
    assert_eq!([FROM_ZERO.push([3; 7]), FROM_LATER.push([4; 7])], [Ok(()); 2]);
}

// === Errors and text ===

#[test]
fn errors_say_why_and_give_the_value_back() {
    /// Has no `Debug`: an error must not ask for it.
    struct Opaque(u8);
    fn text<E: Error>(error: E) -> [String; 2] {
        [error.to_string(), format!("{error:?}")]
    }

    let ring = TurnRing::<Opaque, 1>::new();
    assert_eq!(ring.pop().err().map(text), Some(["ring is empty", "Empty"].map(String::from)));
    assert!(ring.push(Opaque(1)).is_ok());
    let full = ring.push(Opaque(2)).err().unwrap();
    assert_eq!(full.into_inner().0, 2);
    let full = ring.push(Opaque(3)).err().unwrap();
    assert_eq!(text(full), ["ring is full", "Full(..)"]);
    ring.close();
    let closed = ring.push(Opaque(4)).err().unwrap();
    assert_eq!(text(closed), ["ring is closed", "Closed(..)"]);
    assert!(ring.pop().is_ok_and(|value| value.0 == 1));
    let closed = ring.pop().err().unwrap();
    assert_eq!(text(closed), ["ring is closed and empty", "Closed"]);
    let busy = "another call is under way in the ring";
    assert_eq!(text(PushError::Busy(Opaque(5))), [busy, "Busy(..)"]);
    assert_eq!(text(PopError::Busy), [busy, "Busy"]);
    assert_eq!(PushError::Busy(Opaque(6)).into_inner().0, 6);
}

#[test]
fn debug_shows_the_shape_and_no_value() {
    let ring = TurnRing::<u8, 4>::default();
    ring.push(1).unwrap();
    let shape = "TurnRing { len: 1, capacity: 4, is_closed: false }";
    assert_eq!(format!("{ring:?}"), shape);
    assert_eq!(format!("{:?}", ring.drain()), format!("Drain {{ ring: {shape} }}"));
    let memory = [const { MaybeUninit::<Slot<u8>>::uninit() }; 1];
    assert_eq!(memory.len(), 1);
    assert_eq!(format!("{:?}", ring.into_iter()), format!("IntoIter {{ ring: {shape} }}"));
}

// === Closing ===

#[test]
fn closed_ring_is_drained_and_takes_nothing() {
    for start in [0, LAST - 1, LAST] {
        let ring = TurnRing::<u8, 4>::with_start(start);
        ring.push_slice(&[1, 2, 3]);
        assert_eq!(
            [ring.is_closed(), ring.close(), ring.is_closed(), ring.close()],
            [false, true, true, false]
        );
        assert_eq!(ring.push(4), Err(PushError::Closed(4)));
        assert_eq!(ring.force_push(4), Err(PushError::Closed(4)));
        assert_eq!(ring.push_array([4, 5]), Err(PushError::Closed([4, 5])));
        assert_eq!(ring.push_slice(&[4, 5]), 0);
        assert_eq!(ring.push_entire_slice(&[4, 5]), Err(TooFew(0)));
        assert_eq!((ring.pop(), ring.pop_array()), (Ok(1), Ok([2, 3])));
        assert_eq!(ring.pop(), Err(PopError::Closed));
        assert_eq!(ring.pop_array::<2>(), Err(PopError::Closed));
        assert_eq!(ring.pop_slice(&mut [0; 2]), 0);
        assert_eq!(ring.push(4), Err(PushError::Closed(4)));
    }
}

#[test]
fn full_ring_that_is_closed_says_closed() {
    let mut ring = TurnRing::<u8, 1>::new();
    ring.push(1).unwrap();
    ring.close();
    assert_eq!(ring.push(2), Err(PushError::Closed(2)));
    assert_eq!(ring.force_push(2), Err(PushError::Closed(2)));
    assert_eq!(ring.push_mut(2), Err(PushError::Closed(2)));
    assert_eq!(ring.pop_array::<2>(), Err(PopError::Closed));
    assert_eq!((ring.pop_mut(), ring.pop_mut()), (Some(1), None));
}

// === Batches ===

#[test]
fn batches_that_do_not_fit_say_how_many_would() {
    let ring = TurnRing::<u8, 4>::new();
    assert_eq!(ring.pop_entire_slice(&mut [0; 1]), Err(TooFew(0)));
    assert_eq!(ring.push_entire_slice(&[1, 2, 3]), Ok(()));
    assert_eq!(ring.push_entire_slice(&[4, 5]), Err(TooFew(1)));
    assert_eq!(ring.push_array([4, 5]), Err(PushError::Full([4, 5])));
    assert_eq!(ring.push_slice(&[4, 5]), 1);
    assert_eq!(ring.push_slice(&[5]), 0);
    assert_eq!(ring.pop_entire_slice(&mut [0; 5]), Err(TooFew(4)));
    assert_eq!(ring.pop_array::<5>(), Err(PopError::Empty));
    let mut places = [0; 6];
    assert_eq!((ring.pop_slice(&mut places), places), (4, [1, 2, 3, 4, 0, 0]));
}

#[test]
fn batches_of_nothing_do_nothing() {
    let ring = TurnRing::<u8, 1>::new();
    ring.push(1).unwrap();
    ring.close();
    assert_eq!((ring.push_slice(&[]), ring.push_entire_slice(&[])), (0, Ok(())));
    assert_eq!((ring.push_array([]), ring.pop_array()), (Ok(()), Ok([])));
    assert_eq!((ring.pop_slice(&mut []), ring.pop_entire_slice(&mut [])), (0, Ok(())));
    assert_eq!(ring.pop_slice_uninit(&mut []), 0);
    assert_eq!(ring.pop(), Ok(1));
}

#[test]
fn values_of_refused_batches_come_back() {
    let ledger = Ledger::new(16);
    let ring = TurnRing::<Tracked<'_>, 2>::new();
    assert!(ring.push(ledger.issue()).is_ok());
    let refused = ring.push_array([ledger.issue(), ledger.issue()]).err().unwrap();
    assert_eq!(refused.into_inner().map(|value| value.id()), [1, 2]);
    assert_eq!(ledger.alive(), 1);
    assert!(ring.push(ledger.issue()).is_ok());
    let popped = ring.pop_array::<2>().ok().unwrap();
    assert_eq!(popped.each_ref().map(|value| value.id()), [0, 3]);
    assert_eq!(ledger.alive(), 2);
    drop((popped, ring));
    ledger.assert_all_dropped_once();
}

// === Drops ===

#[test]
fn drops_each_once() {
    for start in [0, LAST - 3, LAST / 2 - 3] {
        let ledger = Ledger::new(16);
        let ring = TurnRing::<Tracked<'_>, 4>::with_start(start);
        for _ in 0..4 {
            ring.push(ledger.issue()).unwrap();
        }
        let refused = ring.push(ledger.issue());
        assert_eq!(ledger.alive(), 5);
        drop(refused);
        assert_eq!((ledger.alive(), ledger.drops_of(4)), (4, 1));
        drop(ring.force_push(ledger.issue()));
        assert_eq!((ledger.alive(), ledger.drops_of(0)), (4, 1));
        drop(ring.pop());
        drop(ring.pop());
        assert_eq!(ledger.alive(), 2);
        ring.push(ledger.issue()).unwrap();
        assert_eq!(ledger.alive(), 3);
        drop(ring);
        ledger.assert_all_dropped_once();
    }
}

#[test]
fn values_that_an_iterator_does_not_give_out_are_dropped() {
    let ledger = Ledger::new(4);
    let ring = TurnRing::<Tracked<'_>, 4>::with_start(LAST);
    for _ in 0..4 {
        ring.push(ledger.issue()).unwrap();
    }
    assert_eq!(ring.drain().take(1).map(|value| value.id()).collect::<Vec<_>>(), [0]);
    let mut values = ring.into_iter();
    assert_eq!((values.len(), values.size_hint()), (3, (3, Some(3))));
    assert_eq!(values.next().map(|value| value.id()), Some(1));
    drop(values);
    ledger.assert_all_dropped_once();
}

#[test]
fn panicking_drop_leaks_at_most() {
    let ledger = Ledger::new(4);
    let ring = TurnRing::<Tracked<'_>, 4>::new();
    for value in [ledger.issue(), ledger.issue_bomb(), ledger.issue(), ledger.issue()] {
        ring.push(value).unwrap();
    }
    let message = panic_message(move || drop(ring));
    assert_eq!(message.as_deref(), Some("the drop of value 1 panics"));
    // Those after the bomb may be lost. `alive` has checked that none was dropped twice.
    assert!(ledger.alive() <= 2, "the values up to the bomb were dropped");
}

/// What the caller does with a value, he does when its slot is free again.
#[test]
fn panics_of_the_caller_keep_no_slot() {
    let ledger = Ledger::new(8);
    let ring = TurnRing::<Tracked<'_>, 2>::new();
    for _ in 0..2 {
        ring.push(ledger.issue_bomb()).unwrap();
        assert!(panic_message(|| drop(ring.pop())).is_some());
        ring.push(ledger.issue_bomb()).unwrap();
        assert!(panic_message(|| ring.drain().for_each(drop)).is_some());
    }
    ring.push_array([ledger.issue(), ledger.issue()]).unwrap();
    assert!(ring.is_full() && ring.pop_array::<2>().is_ok() && ring.is_empty());
    ledger.assert_all_dropped_once();
}

// === Against a queue ===

#[derive(Clone, Debug)]
enum Op {
    Push,
    PushMut,
    ForcePush,
    PushArray,
    Pop,
    PopMut,
    /// Into so many places.
    PopSliceUninit(usize),
    PopArray,
    /// At most so many.
    Drain(usize),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => Just(Op::Push),
        1 => Just(Op::PushMut),
        1 => Just(Op::ForcePush),
        2 => Just(Op::PushArray),
        4 => Just(Op::Pop),
        1 => Just(Op::PopMut),
        1 => (0..6_usize).prop_map(Op::PopSliceUninit),
        1 => Just(Op::PopArray),
        1 => (0..6_usize).prop_map(Op::Drain),
    ];
    prop::collection::vec(op, 0..200)
}

fn agrees_with_a_queue<'l, S: Storage<Item = Slot<Tracked<'l>>>>(
    ledger: &'l Ledger,
    mut ring: Ring<Tracked<'l>, S>,
    ops: &[Op],
    closed_after: usize,
) {
    let n = ring.capacity();
    let mut model = VecDeque::new();
    for (number, op) in ops.iter().enumerate() {
        let is_closed = number >= closed_after;
        assert_eq!(ring.is_closed(), is_closed && number > closed_after);
        if number == closed_after {
            ring.close();
        }
        let first = ledger.issued();
        let refused = |count: usize| match (is_closed, model.len() + count > n) {
            (true, _) => Some("Closed(..)"),
            (false, true) => Some("Full(..)"),
            (false, false) => None,
        };
        let none = if is_closed { PopError::Closed } else { PopError::Empty };
        let said = |error: Option<String>, expected: Option<&str>| {
            assert_eq!(error.as_deref(), expected);
            expected.is_none()
        };
        match *op {
            Op::Push => {
                if said(ring.push(ledger.issue()).err().map(|e| format!("{e:?}")), refused(1)) {
                    model.push_back(first);
                }
            }
            Op::PushMut => {
                if said(ring.push_mut(ledger.issue()).err().map(|e| format!("{e:?}")), refused(1)) {
                    model.push_back(first);
                }
            }
            Op::ForcePush => match ring.force_push(ledger.issue()) {
                Err(error) => assert!(is_closed && matches!(error, PushError::Closed(_))),
                Ok(evicted) => {
                    let oldest = if model.len() == n { model.pop_front() } else { None };
                    assert_eq!(evicted.map(|value| value.id()), oldest);
                    model.push_back(first);
                }
            },
            Op::PushArray => {
                let values = [ledger.issue(), ledger.issue(), ledger.issue()];
                if said(ring.push_array(values).err().map(|e| format!("{e:?}")), refused(3)) {
                    model.extend(first..first + 3);
                }
            }
            Op::Pop => {
                assert_eq!(ring.pop().map(|value| value.id()), model.pop_front().ok_or(none))
            }
            Op::PopMut => assert_eq!(ring.pop_mut().map(|value| value.id()), model.pop_front()),
            Op::PopSliceUninit(room) => {
                let mut places: Vec<MaybeUninit<Tracked<'_>>> =
                    (0..room).map(|_| MaybeUninit::uninit()).collect();
                let count = ring.pop_slice_uninit(&mut places);
                assert_eq!(count, room.min(model.len()));
                for place in places.into_iter().take(count) {
                    // SAFETY: so many hold a value.
                    assert_eq!(Some(unsafe { place.assume_init() }.id()), model.pop_front());
                }
            }
            Op::PopArray => match ring.pop_array::<3>() {
                Ok(values) => assert!(values.iter().map(Tracked::id).eq(model.drain(..3))),
                Err(error) => assert!(model.len() < 3 && error == none),
            },
            Op::Drain(most) => {
                let most_there = most.min(model.len());
                let popped = ring.drain().take(most).map(|value| value.id());
                assert!(popped.eq(model.drain(..most_there)));
            }
        }
        assert_eq!(ring.len(), model.len());
        assert_eq!(ring.is_empty(), model.is_empty());
        assert_eq!(ring.is_full(), model.len() == n);
        assert_eq!(ledger.alive(), model.len());
    }
    assert!(ring.into_iter().map(|value| value.id()).eq(model));
    ledger.assert_all_dropped_once();
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn any_run_of_one_thread_agrees_with_a_queue(
        start in starts(),
        ops in ops(),
        closed_after in 0..400_usize,
    ) {
        let ledger = || Ledger::new(3 * ops.len());
        agrees_with_a_queue(&ledger(), TurnRing::<_, 1>::with_start(start), &ops, closed_after);
        agrees_with_a_queue(&ledger(), TurnRing::<_, 2>::with_start(start), &ops, closed_after);
        agrees_with_a_queue(&ledger(), TurnRing::<_, 8>::with_start(start), &ops, closed_after);
        let mut memory = [const { MaybeUninit::uninit() }; 4];
        let ring = TurnSliceRing::in_slice(&mut memory).unwrap();
        agrees_with_a_queue(&ledger(), ring, &ops, closed_after);
    }
}

// === Many threads ===

/// A push as a ring would have it that did not say why it refuses.
fn push<T, const N: usize>(ring: &TurnRing<T, N>, value: T) -> Result<(), Full<T>> {
    ring.push(value).map_err(|error| Full(error.into_inner()))
}

/// Sends `count` items of each producer and checks what the consumers received. Who is last closes.
fn carries_stamped_items<const N: usize>(
    start: usize,
    producers: usize,
    consumers: usize,
    count: usize,
) {
    let ring = &TurnRing::<Stamped, N>::with_start(start);
    let at_work = &Producers::new(producers);
    let pushing = (0..producers).map(|producer| -> Member<'_, Vec<(usize, usize)>> {
        Box::new(move |team| {
            for number in 0..count {
                team.push(Stamped::new(producer, number), |item| push(ring, item));
            }
            at_work.finish_one();
            Vec::new()
        })
    });
    let popping = (0..consumers).map(|_| -> Member<'_, Vec<(usize, usize)>> {
        Box::new(move |team| {
            let mut received = Vec::with_capacity(count);
            // A consumer that has seen the others finish is told Empty or a value, after a while.
            let pop = || {
                let popped = ring.pop();
                if popped.as_ref().is_err_and(|error| *error == PopError::Busy) {
                    return Some(None);
                }
                popped.ok().map(Some)
            };
            at_work.drain(team, pop, |item| received.extend(item.map(|item| item.origin())));
            received
        })
    });
    let received = Team::run(pushing.chain(popping).collect());
    assert_each_once_in_order(producers, count, &received);
    assert_holds_exactly_n(ring);
}

/// No slot was lost and none was made up: a quiet, empty ring takes `N` values.
fn assert_holds_exactly_n<const N: usize>(ring: &TurnRing<Stamped, N>) {
    assert!(ring.pop().is_err_and(|error| error == PopError::Empty));
    for number in 0..N {
        assert!(ring.push(Stamped::new(0, number)).is_ok());
    }
    assert!(ring.push(Stamped::new(0, N)).is_err());
    for number in 0..N {
        assert_eq!(ring.pop().map(|item| item.origin()), Ok((0, number)));
    }
}

#[test]
fn one_producer_many_consumers() {
    carries_stamped_items::<1>(LAST - 1_000, 1, 3, 3_000);
    carries_stamped_items::<4>(LAST - 1_000, 1, 3, 10_000);
}

#[test]
fn many_producers_one_consumer() {
    carries_stamped_items::<1>(LAST - 1_000, 3, 1, 1_000);
    carries_stamped_items::<4>(LAST - 1_000, 3, 1, 4_000);
}

#[test]
fn many_producers_many_consumers() {
    carries_stamped_items::<1>(LAST - 1_000, 2, 2, 2_000);
    carries_stamped_items::<2>(LAST - 1_000, 2, 2, 4_000);
    carries_stamped_items::<128>(0, 2, 2, 8_000);
}

/// Batches of two, side by side, among single values of others; the last producer closes the ring, and each
/// consumer stops when it is told so.
#[test]
fn batches_stay_together_until_the_ring_is_closed() {
    const PAIRS: usize = 4_000;
    let ring = &TurnRing::<(usize, usize), 8>::with_start(LAST - 500);
    let at_work = &core::sync::atomic::AtomicUsize::new(2);
    let pushing = (0..2).map(|producer| -> Member<'_, Vec<(usize, usize)>> {
        Box::new(move |team| {
            for number in 0..PAIRS {
                let pair = [(producer, 2 * number), (producer, 2 * number + 1)];
                team.wait_until(|| ring.push_array(pair).is_ok());
            }
            if at_work.fetch_sub(1, core::sync::atomic::Ordering::AcqRel) == 1 {
                assert!(ring.close());
            }
            Vec::new()
        })
    });
    let popping = (0..2).map(|_| -> Member<'_, Vec<(usize, usize)>> {
        Box::new(move |team| {
            let mut received = Vec::new();
            team.wait_until(|| match ring.pop_array::<2>() {
                Ok([first, second]) => {
                    assert_eq!((first.0, first.1 + 1), second, "a pair was torn apart");
                    received.extend([first, second]);
                    false
                }
                Err(error) => error == PopError::Closed,
            });
            received
        })
    });
    let received = Team::run(pushing.chain(popping).collect());
    assert_each_once_in_order(2, 2 * PAIRS, &received);
    assert_eq!(ring.pop(), Err(PopError::Closed));
}

/// What is evicted comes back once, and everything else comes out.
#[test]
fn forced_pushes_lose_nothing() {
    const COUNT: usize = 4_000;
    let ring = &TurnRing::<Stamped, 4>::with_start(LAST - 500);
    let mut received = Team::run_alike(4, |team, me| {
        let mut received = Vec::new();
        for number in 0..COUNT {
            let mut item = Some(Stamped::new(me, number));
            team.wait_until(|| match item.take().map(|item| ring.force_push(item)) {
                Some(Ok(evicted)) => {
                    received.extend(evicted.map(|item| item.origin()));
                    true
                }
                Some(Err(error)) => {
                    assert!(matches!(error, PushError::Busy(_)));
                    item = Some(error.into_inner());
                    false
                }
                None => unreachable!("it is put back"),
            });
            if number % 3 == 0 {
                received.extend(ring.pop().map(|item| item.origin()));
            }
        }
        received
    });
    received.push(ring.drain().map(|item| item.origin()).collect());
    assert_each_once_in_order(4, COUNT, &received);
    assert_holds_exactly_n(ring);
}

#[test]
fn values_of_many_threads_are_dropped_once() {
    const COUNT: usize = 3_000;
    let ledger = Ledger::new(4 * COUNT);
    let ring = TurnRing::<Box<Tracked<'_>>, 8>::new();
    Team::run_alike(4, |_, number| {
        for _ in 0..COUNT {
            if number % 2 == 0 {
                drop(ring.push(Box::new(ledger.issue())));
            } else {
                drop(ring.pop());
            }
        }
    });
    assert_eq!(ledger.alive(), ring.len());
    drop(ring);
    ledger.assert_all_dropped_once();
}

#[test]
fn static_ring_is_shared_without_ceremony() {
    static RING: TurnRing<Stamped, 4> = TurnRing::new();

    let received = Team::run_alike(2, |team, me| {
        // Ping-pong of two threads through the same ring.
        for number in 0..1_000 {
            team.push(Stamped::new(me, number), |item| push(&RING, item));
            team.wait_for(|| RING.pop().ok()).origin();
        }
        me
    });
    assert_eq!(received, [0, 1]);
    assert!(RING.pop().is_err());
}

// === Linearizability ===

/// Threads that do as they like with a ring that is about to wrap; then everything left is taken out, and
/// the empty ring is filled, or found closed.
#[expect(clippy::indexing_slicing, reason = "the choice is less than their number")]
fn round<const N: usize, const THREADS: usize>(
    random: &mut Random,
) -> (BusyFifo, Vec<Event<BusyFifoCall>>) {
    let ring = &TurnRing::<u64, N>::with_start(LAST - random.below(6 * N));
    let workers = (0..THREADS as u64).map(|thread| -> Worker<'_, BusyFifoCall> {
        let mut random = Random::new(random.word());
        Box::new(move |log| {
            for number in 0..12 / THREADS as u64 {
                let value = 100 * thread + number;
                let call = match random.below(3) {
                    0 => TurnRingCall::Push,
                    1 => TurnRingCall::Pop,
                    _ => TurnRingCall::ALL[random.below(TurnRingCall::ALL.len())],
                };
                call.make(ring, value, log);
            }
        })
    });
    let history = Recording::of(workers.collect()).then(|log| {
        let (empty, full) = match ring.is_closed() {
            true => (BusyFifoCall::PopClosed(1), BusyFifoCall::PushClosed),
            false => (BusyFifoCall::NoSuchMany(1), BusyFifoCall::NoRoomFor(1)),
        };
        log.call_until(&empty, || BusyFifoCall::of_pop(ring.pop()));
        log.call_until(&full, || BusyFifoCall::of_push(999, ring.push(999)));
    });
    (BusyFifo::of(N), history)
}

#[test]
fn linearizable() {
    check_rounds(600, round::<1, 2>);
    check_rounds(600, round::<2, 2>);
    check_rounds(400, round::<1, 3>);
    check_rounds(400, round::<2, 3>);
    check_rounds(400, round::<2, 4>);
    check_rounds(400, round::<4, 4>);
}
