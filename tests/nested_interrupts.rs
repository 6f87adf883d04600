//! Defends the word *any* in "**Context** any": a call may be interrupted between any two of its
//! accesses to the structure by other calls on the same structure, of the same thread, as an
//! interrupt handler makes them.
//!
//! Each scenario is repeated for every access at which the interruption can come, two levels deep
//! where noted, and each history must be linearizable. It is at the same time the test that a call
//! stopped at any of its accesses stops nobody: the interrupting calls, whole workloads among them,
//! finish while it stands still.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::cell::{Cell, RefCell, RefMut};
use core::fmt;
use std::collections::VecDeque;

use latchless::atomic::{AtomicU64, Ordering::Relaxed};
use latchless::counter::Counter;
use latchless::ring::{MpmcRing, SpscRing};
use latchless::stack::{Exhausted, IndexStack, Pool, PoolBox};

use common::guarded::Guarded;
use common::interruption::interrupt;
use common::linearizability::{Clock, Log, Spec, assert_linearizable};
use common::specs::{Count, CountCall, Fifo, FifoCall, Lifo, LifoCall, Slots, SlotsCall};

/// What is known about one run: the calls, each level in a log of its own.
struct Stage<'c, C> {
    logs: [RefCell<Log<'c, C>>; 4],
}

impl<'c, C> Stage<'c, C> {
    fn new(clock: &'c Clock) -> Self {
        Self { logs: core::array::from_fn(|level| RefCell::new(Log::new(clock, level))) }
    }

    /// The log of a level, which no other level writes to.
    fn log(&self, level: usize) -> RefMut<'_, Log<'c, C>> {
        self.logs[level].borrow_mut()
    }

    /// Panics unless the calls of all levels are linearizable.
    #[track_caller]
    fn judge<S: Spec<Call = C>>(self, initial: S, scenario: impl fmt::Display) {
        let logs = self.logs.into_iter().map(RefCell::into_inner);
        let history: Vec<_> = logs.flat_map(Log::into_events).collect();
        assert_linearizable(initial, &history, scenario);
    }
}

/// Repeats `run` with an interruption at each access, until it says that there was no such access.
/// Returns how many accesses there were.
fn at_each_access(mut run: impl FnMut(usize) -> bool) -> usize {
    (0..).take_while(|&access| run(access)).count()
}

/// Repeats `run`, a call interrupted by one that is interrupted too, for each pair of accesses.
/// `run` returns the level it came to.
fn at_each_pair_of_accesses(mut run: impl FnMut([usize; 2]) -> usize) {
    at_each_access(|outer| {
        let mut deepest = 0;
        at_each_access(|inner| {
            deepest = run([outer, inner]);
            deepest == 2
        });
        deepest > 0
    });
}

// === MpmcRing ===

/// What to do to a ring.
#[derive(Clone, Copy, Debug)]
enum RingCall {
    Push,
    Pop,
    IsEmpty,
    IsFull,
}

use RingCall::{IsEmpty, IsFull, Pop, Push};

impl RingCall {
    fn make<const N: usize>(
        self,
        ring: &MpmcRing<u64, N>,
        next: &Cell<u64>,
        log: &mut Log<'_, FifoCall>,
    ) {
        match self {
            Push => {
                let value = next.replace(next.get() + 1);
                log.call(|| FifoCall::of_push(value, ring.push(value)));
            }
            Pop => log.call(|| FifoCall::of_pop(ring.pop())),
            IsEmpty => log.ask(|| ring.is_empty().then_some(FifoCall::Empty)),
            IsFull => log.ask(|| ring.is_full().then_some(FifoCall::Full)),
        }
    }
}

/// Runs `calls[0]`, interrupted by `calls[1]` and so on, on a ring that holds `fill` values.
/// Returns the level it came to.
fn interrupt_ring<const N: usize>(
    start: u64,
    fill: usize,
    at: &[usize],
    calls: &[&[RingCall]],
) -> usize {
    let clock = Clock::new();
    let stage = Stage::new(&clock);
    let ring = Guarded::new(MpmcRing::<u64, N>::with_start(start));
    let next = Cell::new(0);
    let make = |level: usize, calls: &[RingCall]| {
        calls.iter().for_each(|call| call.make(&ring, &next, &mut stage.log(level)));
    };
    make(0, &vec![Push; fill]);
    let depth = interrupt(&ring, at, &|level| make(level, calls[level]));
    // Nothing was lost: neither a value nor a slot.
    stage.log(3).call_until(&FifoCall::Empty, || FifoCall::of_pop(ring.pop()));
    stage.log(3).call_until(&FifoCall::Full, || FifoCall::of_push(999, ring.push(999)));
    stage.judge(Fifo::lending(N), format_args!("{calls:?} at {at:?}, {fill} values, from {start}"));
    depth
}

#[test]
fn mpmc_ring_call_is_interrupted_anywhere() {
    fn check<const N: usize>(start: u64) {
        // More than a lap of pushes and pops, while the interrupted call keeps what it has.
        let laps = [Push, Push, Pop, IsFull, Pop, IsEmpty, Pop, Push].repeat(N + 1);
        let handlers: [&[RingCall]; 5] = [&[Push], &[Pop], &[Push, Pop], &[Pop, Push], &laps];
        for fill in 0..=N {
            for call in [Push, Pop] {
                for handler in handlers {
                    let accesses = at_each_access(|access| {
                        interrupt_ring::<N>(start, fill, &[access], &[&[call], handler]) > 0
                    });
                    assert!(accesses > 0, "a call touches the ring");
                }
            }
        }
    }
    check::<1>(u64::MAX);
    check::<2>((1 << 63) - 2);
}

#[test]
fn mpmc_ring_handler_is_interrupted_anywhere() {
    fn check<const N: usize>(start: u64) {
        let handlers: [&[RingCall]; 4] = [&[Push], &[Pop], &[Push, Pop], &[Pop, Push]];
        for fill in 0..=N {
            for call in [Push, Pop] {
                for inner in &handlers[..2] {
                    for innermost in handlers {
                        at_each_pair_of_accesses(|at| {
                            interrupt_ring::<N>(start, fill, &at, &[&[call], inner, innermost])
                        });
                    }
                }
            }
        }
    }
    check::<1>(u64::MAX - 1);
    check::<2>((1 << 63) - 1);
}

#[test]
fn mpmc_ring_call_alone_is_short_whatever_came_before() {
    const N: usize = 2;

    /// How many accesses a call makes after others, all of them alone.
    fn accesses_after(earlier: &[RingCall], call: RingCall) -> usize {
        at_each_access(|access| {
            let clock = Clock::new();
            let log = &RefCell::new(Log::new(&clock, 0));
            let ring = Guarded::new(MpmcRing::<u64, N>::with_start(u64::MAX));
            let next = Cell::new(0);
            let make = |call: RingCall| call.make(&ring, &next, &mut log.borrow_mut());
            earlier.iter().for_each(|&earlier| make(earlier));
            interrupt(&ring, &[access], &|level| {
                if level == 0 {
                    make(call)
                }
            }) > 0
        })
    }

    // Also after many calls in vain, which leave one position behind well ahead of the other.
    for vain in [0, 1, 10, 30] {
        for fill in 0..=N {
            let pops = [vec![Push; N], vec![Pop; N + vain], vec![Push; fill]].concat();
            let pushes = [vec![Push; N + vain], vec![Pop; N - fill]].concat();
            for earlier in [pops, pushes] {
                for call in [Push, Pop] {
                    let accesses = accesses_after(&earlier, call);
                    assert!(accesses <= 20, "{accesses} accesses in {call:?} after {earlier:?}");
                }
            }
        }
    }
}

// === SpscRing ===

#[test]
fn spsc_ring_ends_interrupt_each_other_anywhere() {
    const N: usize = 2;

    /// One end is interrupted by the other, which makes that many calls.
    fn run(fill: u64, pushes_first: bool, handler_calls: usize, access: usize) -> bool {
        let clock = Clock::new();
        let stage = Stage::new(&clock);
        let ring = Guarded::new(SpscRing::<u64, N>::with_start(usize::MAX));
        let Some((producer, consumer)) = ring.try_split() else { unreachable!("asked once") };
        let (producer, consumer) = (RefCell::new(producer), RefCell::new(consumer));
        let next = Cell::new(0);
        let push = |level| {
            let value = next.replace(next.get() + 1);
            let mut producer = producer.borrow_mut();
            stage.log(level).call(|| FifoCall::of_push(value, producer.push(value)));
        };
        let pop = |level| {
            let mut consumer = consumer.borrow_mut();
            stage.log(level).call(|| FifoCall::of_peek(consumer.peek()));
            stage.log(level).call(|| FifoCall::of_pop(consumer.pop()));
        };
        (0..fill).for_each(|_| push(0));
        let depth = interrupt(&ring, &[access], &|level| {
            let calls = if level == 0 { 1 } else { handler_calls };
            for _ in 0..calls {
                if pushes_first == (level == 0) { push(level) } else { pop(level) }
            }
        });
        (0..=N).for_each(|_| pop(3));
        (0..=N).for_each(|_| push(3));
        stage.judge(
            Fifo::exact(N),
            format_args!("fill {fill}, push {pushes_first}, access {access}"),
        );
        depth > 0
    }

    for fill in 0..=N as u64 {
        for pushes_first in [true, false] {
            for handler_calls in 1..=3 {
                let accesses =
                    at_each_access(|access| run(fill, pushes_first, handler_calls, access));
                assert!(accesses > 0, "a call touches the ring");
            }
        }
    }
}

// === IndexStack ===

/// What to do to a stack of indices.
#[derive(Clone, Copy, Debug)]
enum StackCall {
    /// Pops an index and keeps it.
    Take,
    /// Pushes the index that this level, or any before it, took first.
    GiveFirst,
    /// Pushes the index that was taken last.
    GiveLast,
}

use StackCall::{GiveFirst, GiveLast, Take};

fn interrupt_stack<const N: usize>(taken: usize, at: &[usize], calls: &[&[StackCall]]) -> usize {
    let clock = Clock::new();
    let stage = Stage::new(&clock);
    let stack = Guarded::new(IndexStack::<N>::full());
    let kept = RefCell::new(VecDeque::with_capacity(4 * N));
    let take = |level: usize| {
        stage.log(level).call(|| {
            let popped = stack.pop();
            kept.borrow_mut().extend(popped);
            LifoCall::of_pop(popped)
        });
    };
    let give = |level: usize, index: Option<u32>| {
        let Some(index) = index else { return };
        stage.log(level).call(|| match stack.push(index) {
            Ok(()) => LifoCall::Pushed(index),
            Err(error) => unreachable!("{error}"),
        });
    };
    let make = |level: usize, calls: &[StackCall]| {
        for call in calls {
            match call {
                Take => take(level),
                GiveFirst => {
                    let first = kept.borrow_mut().pop_front();
                    give(level, first);
                }
                GiveLast => {
                    let last = kept.borrow_mut().pop_back();
                    give(level, last);
                }
            }
        }
    };
    make(0, &vec![Take; taken]);
    let depth = interrupt(&stack, at, &|level| make(level, calls[level]));
    // One more than there are: a chain with a circle in it would never end.
    make(3, &vec![Take; N + 1]);
    let initial = Lifo::of((0..N as u32).rev().collect());
    stage.judge(initial, format_args!("{calls:?} at {at:?}, {taken} taken"));
    depth
}

/// Handlers that change the top, and those that put it back over a different chain (ABA).
const STACK_HANDLERS: [&[StackCall]; 6] = [
    &[Take],
    &[GiveFirst],
    &[Take, GiveLast],
    &[Take, Take, GiveFirst],
    &[Take, Take, GiveLast],
    &[Take, Take, Take, GiveFirst, GiveLast, Take, GiveFirst, GiveFirst],
];

#[test]
fn index_stack_call_is_interrupted_anywhere() {
    for taken in 0..=3 {
        for call in [Take, GiveFirst] {
            for handler in STACK_HANDLERS {
                at_each_access(|access| {
                    interrupt_stack::<3>(taken, &[access], &[&[call], handler]) > 0
                });
            }
        }
    }
}

#[test]
fn index_stack_handler_is_interrupted_anywhere() {
    for taken in 0..=1 {
        for call in [Take, GiveFirst] {
            for inner in [&[Take, Take, GiveFirst][..], &[GiveLast, Take]] {
                for innermost in [&[Take, GiveFirst][..], &[Take, Take, GiveFirst]] {
                    at_each_pair_of_accesses(|at| {
                        interrupt_stack::<3>(taken, &at, &[&[call], inner, innermost])
                    });
                }
            }
        }
    }
}

// === Pool ===

/// What to do to a pool.
#[derive(Clone, Copy, Debug)]
enum PoolCall {
    Alloc,
    /// Frees the oldest box.
    Free,
    /// Takes the value out of the youngest box.
    TakeOut,
}

use PoolCall::{Alloc, Free, TakeOut};

fn interrupt_pool<const N: usize>(owned: usize, access: usize, calls: [&[PoolCall]; 2]) -> bool {
    let clock = Clock::new();
    let stage = Stage::new(&clock);
    let pool = Guarded::new(Pool::<u64, N>::new());
    let boxes = RefCell::new(VecDeque::with_capacity(4 * N));
    let next = Cell::new(0);
    let wrong_values = Cell::new(0);
    let slot_of = |owned: &PoolBox<'_, u64, N>| {
        core::ptr::from_ref::<u64>(owned).addr() - (&raw const *pool).addr()
    };
    let free = |level: usize, taken: Option<(PoolBox<'_, u64, N>, u64)>, by_value: bool| {
        let Some((owned, value)) = taken else { return };
        let slot = slot_of(&owned);
        stage.log(level).call(|| {
            if by_value {
                wrong_values.set(wrong_values.get() + u64::from(owned.into_inner() != value));
            } else {
                drop(owned);
            }
            SlotsCall::Freed(slot)
        });
    };
    let make = |level: usize, calls: &[PoolCall]| {
        for call in calls {
            match call {
                Alloc => stage.log(level).call(|| {
                    let value = next.replace(next.get() + 1);
                    match pool.alloc(value) {
                        Ok(owned) => {
                            let slot = slot_of(&owned);
                            boxes.borrow_mut().push_back((owned, value));
                            SlotsCall::Allocated(slot)
                        }
                        Err(Exhausted(_)) => SlotsCall::Exhausted,
                    }
                }),
                Free => {
                    let oldest = boxes.borrow_mut().pop_front();
                    free(level, oldest, false);
                }
                TakeOut => {
                    let youngest = boxes.borrow_mut().pop_back();
                    free(level, youngest, true);
                }
            }
        }
    };
    make(0, &vec![Alloc; owned]);
    let depth = interrupt(&pool, &[access], &|level| make(level, calls[level]));
    for (owned, value) in boxes.borrow().iter() {
        assert_eq!(**owned, *value, "the slot was the owner's alone");
    }
    make(3, &vec![Alloc; N + 1]);
    make(3, &vec![TakeOut; N]);
    assert_eq!(wrong_values.get(), 0, "a value changed while it was owned");
    stage.judge(Slots::free(N), format_args!("{calls:?} at {access}, {owned} owned"));
    depth > 0
}

#[test]
fn pool_call_is_interrupted_anywhere() {
    let handlers: [&[PoolCall]; 6] = [
        &[Alloc],
        &[Free],
        &[Alloc, TakeOut],
        &[Alloc, Alloc, Free],
        &[Alloc, Alloc, TakeOut],
        &[Free, Alloc, Alloc, Alloc, TakeOut, Free, Alloc],
    ];
    for owned in 0..=3 {
        for call in [Alloc, Free, TakeOut] {
            for handler in handlers {
                at_each_access(|access| interrupt_pool::<3>(owned, access, [&[call], handler]));
            }
        }
    }
}

// === Counter and atomics ===

#[test]
fn counter_call_is_interrupted_anywhere() {
    type Make = fn(&Counter) -> CountCall;
    let calls: [Make; 5] = [
        |counter| {
            counter.inc();
            CountCall::Added(1)
        },
        |counter| {
            counter.add(5);
            CountCall::Added(5)
        },
        |counter| {
            counter.sub(7);
            CountCall::Subtracted(7)
        },
        |counter| CountCall::Took(counter.take()),
        |counter| CountCall::Got(counter.get()),
    ];
    for outer in calls {
        for nested in calls {
            let accesses = at_each_access(|access| {
                let clock = Clock::new();
                let stage = Stage::new(&clock);
                let counter = Guarded::new(Counter::with_value(3));
                let depth = interrupt(&counter, &[access], &|level| {
                    let make = if level == 0 { outer } else { nested };
                    stage.log(level).call(|| make(&counter));
                });
                stage.log(3).call(|| CountCall::Got(counter.get()));
                stage.judge(Count(3), "a counter");
                depth > 0
            });
            assert_eq!(accesses, 1, "each call is one instruction");
        }
    }
}

#[test]
fn retry_loop_is_interrupted_anywhere() {
    type Change = (fn(&AtomicU64) -> u64, fn(u64) -> u64);
    let changes: [Change; 7] = [
        (|a| a.fetch_and(0b1010, Relaxed), |value| value & 0b1010),
        (|a| a.fetch_nand(0b1010, Relaxed), |value| !(value & 0b1010)),
        (|a| a.fetch_or(0b1010, Relaxed), |value| value | 0b1010),
        (|a| a.fetch_xor(0b1010, Relaxed), |value| value ^ 0b1010),
        (|a| a.fetch_max(8, Relaxed), |value| value.max(8)),
        (|a| a.fetch_min(8, Relaxed), |value| value.min(8)),
        (
            |a| match a.fetch_update(Relaxed, Relaxed, |value| Some(value * 3)) {
                Ok(before) | Err(before) => before,
            },
            |value| value * 3,
        ),
    ];
    for (change, arithmetic) in changes {
        for start in [0, 7, 8, 9] {
            let accesses = at_each_access(|access| {
                let word = Guarded::new(AtomicU64::new(start));
                let (before, nested_before) = (Cell::new(0), Cell::new(0));
                let depth = interrupt(&word, &[access], &|level| match level {
                    0 => before.set(change(&word)),
                    _ => nested_before.set(word.fetch_add(1, Relaxed)),
                });
                if depth > 0 {
                    // Either came first, wholly.
                    let seen = (before.get(), nested_before.get(), word.load(Relaxed));
                    let nested_first = (start + 1, start, arithmetic(start + 1));
                    let nested_last = (start, arithmetic(start), arithmetic(start).wrapping_add(1));
                    assert!(seen == nested_first || seen == nested_last, "{seen:?} of {start}");
                }
                depth > 0
            });
            assert!(accesses > 0, "a change touches the word");
        }
    }
}
