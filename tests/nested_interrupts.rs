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
use latchless::ring::wait::Wakers;
use latchless::ring::{Channel, MpmcRing, OverwritingRing, SpscRing, TurnRing};
use latchless::snapshot::Snapshot;
#[cfg(all(target_arch = "x86_64", not(latchless_native)))]
use latchless::stack::TreiberStack;
use latchless::stack::{IndexStack, Pool, TransferStack};

use common::calls::RingCall::{self, Close, ForcePush, IsEmpty, IsFull, Pop, Push};
use common::calls::{
    ConsumerCall, CounterCall, Numbered, PoolCall, ProducerCall, ReaderCall, RecorderCall, Ring,
    SnapshotCall, Stack, StackCall, TurnRingCall, WithNodes,
};
use common::counters::{CALLS as COUNTERS_CALLS, Counters, Totals};
use common::guarded::Guarded;
use common::interruption::interrupt;
use common::linearizability::{Clock, Log, Spec, assert_linearizable};
use common::specs::{BusyFifo, BusyFifoCall, Count, CountCall, Fifo, Latest, Register, Slots};
use common::waiting::{Bell, poll};

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

// === MpmcRing, WordRing ===

/// Runs `calls[0]`, interrupted by `calls[1]` and so on, on a ring that holds `fill` values.
/// Returns the level it came to.
fn interrupt_ring<R: Ring>(start: u64, fill: usize, at: &[usize], calls: &[&[RingCall]]) -> usize {
    let clock = Clock::new();
    let stage = Stage::new(&clock);
    let ring = Guarded::new(R::starting_at(start));
    let next = Cell::new(0);
    let make = |level: usize, calls: &[RingCall]| {
        for call in calls {
            call.make(&*ring, next.replace(next.get() + 1), &mut stage.log(level));
        }
    };
    make(0, &vec![Push; fill]);
    let depth = interrupt(&ring, at, &|level| make(level, calls[level]));
    RingCall::make_all(&*ring, &mut stage.log(3));
    let spec = RingCall::spec::<R>(ring.capacity());
    stage.judge(spec, format_args!("{calls:?} at {at:?}, {fill} values, from {start}"));
    depth
}

fn ring_call_is_interrupted_anywhere<R: Ring>(capacity: usize, start: u64) {
    // More than a lap of pushes and pops, while the interrupted call keeps what it has.
    let laps = [Push, Push, Pop, IsFull, Pop, IsEmpty, Pop, Push].repeat(capacity + 1);
    let handlers: [&[RingCall]; 6] =
        [&[Push], &[Pop], &[Push, Pop], &[Pop, Push], &laps, &[Close, Push, Pop]];
    for fill in 0..=capacity {
        for &call in RingCall::ALL {
            for handler in handlers {
                let accesses = at_each_access(|access| {
                    interrupt_ring::<R>(start, fill, &[access], &[&[call], handler]) > 0
                });
                assert!(accesses > 0, "a call touches the ring");
            }
        }
    }
}

fn ring_handler_is_interrupted_anywhere<R: Ring>(capacity: usize, start: u64) {
    let handlers: [&[RingCall]; 4] = [&[Push], &[Pop], &[Push, Pop], &[Pop, Push]];
    for fill in 0..=capacity {
        for call in [Push, ForcePush, Pop] {
            for inner in &handlers[..2] {
                for innermost in handlers {
                    at_each_pair_of_accesses(|at| {
                        interrupt_ring::<R>(start, fill, &at, &[&[call], inner, innermost])
                    });
                }
            }
        }
    }
}

/// How many accesses a call makes, alone, on a ring that holds `fill` values and in which `late` was
/// interrupted by `between` at one of its accesses; nothing if it has not so many.
fn accesses_after<R: Ring>(
    fill: usize,
    late: RingCall,
    at: usize,
    between: &[RingCall],
    call: RingCall,
) -> Option<usize> {
    let mut was_interrupted = false;
    let accesses = at_each_access(|access| {
        let clock = Clock::new();
        let log = &RefCell::new(Log::new(&clock, 0));
        let ring = Guarded::new(R::starting_at(u64::MAX - 100));
        let make = |call: RingCall| {
            let mut log = log.try_borrow_mut().unwrap_or_else(|_| panic!("one at a time"));
            call.make(&*ring, 7, &mut log);
        };
        (0..fill).for_each(|_| make(Push));
        let unlogged = |call: RingCall| match call {
            Push => drop(ring.push(8)),
            _ => drop(ring.pop()),
        };
        let depth = interrupt(&ring, &[at], &|level| {
            if level == 0 { unlogged(late) } else { between.iter().copied().for_each(unlogged) }
        });
        was_interrupted = depth > 0;
        was_interrupted
            && interrupt(&ring, &[access], &|level| {
                if level == 0 {
                    make(call)
                }
            }) > 0
    });
    was_interrupted.then_some(accesses)
}

/// A call that is interrupted for many laps takes a hint back by as many. The next one makes up for
/// that in few steps, and lets those after it go on from there.
fn ring_call_alone_is_short_whatever_came_before<R: Ring>(capacity: usize, most: usize) {
    for fill in [0, capacity / 2, capacity] {
        for (late, call) in [(Push, Push), (Push, Pop), (Pop, Push), (Pop, Pop)] {
            for pairs in [0, 1, capacity / 2 + 1, 3 * capacity + 5] {
                let between = [Pop, Push].repeat(pairs);
                let count = (0..)
                    .map_while(|at| accesses_after::<R>(fill, late, at, &between, call))
                    .inspect(|&accesses| {
                        let scenario = (fill, late, pairs, call);
                        assert!(accesses <= most, "{accesses} accesses in {scenario:?}");
                    })
                    .count();
                assert!(count > 0, "a call touches the ring");
            }
        }
    }
}

macro_rules! interrupt_rings {
    ($($name:ident: $ring:ident, $most:literal;)+) => {$(
        mod $name {
            use super::*;
            use latchless::ring::$ring;

            #[test]
            fn call_is_interrupted_anywhere() {
                ring_call_is_interrupted_anywhere::<$ring<u64, 1>>(1, u64::MAX);
                ring_call_is_interrupted_anywhere::<$ring<u64, 2>>(2, (1 << 62) - 2);
            }

            #[test]
            fn handler_is_interrupted_anywhere() {
                ring_handler_is_interrupted_anywhere::<$ring<u64, 1>>(1, u64::MAX - 1);
                ring_handler_is_interrupted_anywhere::<$ring<u64, 2>>(2, (1 << 62) - 1);
            }

            #[test]
            fn call_alone_is_short_whatever_came_before() {
                ring_call_alone_is_short_whatever_came_before::<$ring<u64, 64>>(64, $most);
            }
        }
    )+};
}

interrupt_rings! {
    mpmc_ring: MpmcRing, 50;
}

#[cfg(not(latchless_native))]
interrupt_rings! {
    word_ring: WordRing, 50;
}

// === Channel ===

/// What is made of a channel that tasks wait for.
#[derive(Clone, Copy, Debug)]
enum ChannelCall {
    TrySend,
    TryRecv,
    PollReceive,
    PollSend,
    DropReceive,
    DropSend,
}

/// Runs `call`, interrupted at `access` by `handler`, on a channel that holds `fill` values and that
/// tasks wait for. Nobody sleeps in the end who could go on, and no value is lost or doubled. Whether
/// there was such an access.
fn interrupt_channel(
    fill: usize,
    access: usize,
    call: ChannelCall,
    handler: &[ChannelCall],
) -> bool {
    type Tested = Channel<MpmcRing<u64, 1>, Wakers<2>>;
    let channel: Guarded<Tested> =
        Guarded::new(Channel::new(MpmcRing::new(), Wakers::new(), Wakers::new()));
    let bells = [Bell::new(), Bell::new()];
    // An access to a future is one of the call that polls or drops it: handlers leave it alone.
    let receive = RefCell::new(Some(channel.recv_async()));
    let send = RefCell::new(Some(channel.send_async(100)));
    let (sent, received) = (Cell::new(0), Cell::new(0));
    let count = |counter: &Cell<u64>, happened: bool| {
        counter.set(counter.get() + u64::from(happened));
    };
    let make = |call: ChannelCall| match call {
        ChannelCall::TrySend => count(&sent, channel.try_send(1).is_ok()),
        ChannelCall::TryRecv => count(&received, channel.try_recv().is_ok()),
        ChannelCall::PollReceive => {
            let mut future = receive.borrow_mut();
            if let Some(pending) = future.as_mut() {
                bells[0].take();
                let is_ready = poll(pending, &bells[0]).is_ready();
                count(&received, is_ready);
                *future = future.take().filter(|_| !is_ready);
            }
        }
        ChannelCall::PollSend => {
            let mut future = send.borrow_mut();
            if let Some(pending) = future.as_mut() {
                bells[1].take();
                let is_ready = poll(pending, &bells[1]).is_ready();
                count(&sent, is_ready);
                *future = future.take().filter(|_| !is_ready);
            }
        }
        ChannelCall::DropReceive => *receive.borrow_mut() = None,
        ChannelCall::DropSend => *send.borrow_mut() = None,
    };
    for _ in 0..fill {
        make(ChannelCall::TrySend);
    }
    // Whichever has to wait does.
    make(if fill == 0 { ChannelCall::PollReceive } else { ChannelCall::PollSend });
    let was_interrupted = interrupt(&channel, &[access], &|level| match level {
        0 => make(call),
        _ => handler.iter().for_each(|&call| make(call)),
    }) > 0;
    let scenario = format!("{call:?} at {access} by {handler:?}, {fill} values");
    if channel.ring().is_empty() {
        let sleeps = fill == 1 && send.borrow().is_some() && !bells[1].has_rung();
        assert!(!sleeps, "a sender sleeps beside an empty ring: {scenario}");
    } else {
        let sleeps = fill == 0 && receive.borrow().is_some() && !bells[0].has_rung();
        assert!(!sleeps, "a receiver sleeps beside a value: {scenario}");
    }
    while channel.try_recv().is_ok() {
        received.set(received.get() + 1);
    }
    assert_eq!(sent.get(), received.get(), "{scenario}");
    was_interrupted
}

#[test]
fn channel_call_is_interrupted_anywhere() {
    use ChannelCall::{DropReceive, DropSend, PollReceive, PollSend, TryRecv, TrySend};
    let handlers: [&[ChannelCall]; 4] =
        [&[TrySend], &[TryRecv], &[TrySend, TryRecv], &[TryRecv, TrySend]];
    for fill in 0..=1 {
        for call in [TrySend, TryRecv, PollReceive, PollSend, DropReceive, DropSend] {
            for handler in handlers {
                let accesses =
                    at_each_access(|access| interrupt_channel(fill, access, call, handler));
                let is_idle = matches!((fill, call), (0, DropSend) | (1, DropReceive));
                assert_eq!(accesses == 0, is_idle, "{call:?} touches the channel");
            }
        }
    }
}

// === TurnRing ===

/// Runs `calls[0]`, interrupted by `calls[1]` and so on, on a ring that holds `fill` values: all of them return,
/// perhaps with Busy. Returns the level it came to.
fn interrupt_turn_ring<const N: usize>(
    start: usize,
    fill: usize,
    at: &[usize],
    calls: &[&[TurnRingCall]],
) -> usize {
    let clock = Clock::new();
    let stage = Stage::new(&clock);
    let ring = Guarded::new(TurnRing::<u64, N>::with_start(start));
    let next = Cell::new(0);
    let make = |level: usize, calls: &[TurnRingCall]| {
        for call in calls {
            call.make(&ring, next.replace(next.get() + 1), &mut stage.log(level));
        }
    };
    make(0, &vec![TurnRingCall::Push; fill]);
    let depth = interrupt(&ring, at, &|level| make(level, calls[level]));
    // Nothing was lost: neither a value nor a slot.
    let (empty, full) = if ring.is_closed() {
        (BusyFifoCall::PopClosed(1), BusyFifoCall::PushClosed)
    } else {
        (BusyFifoCall::NoSuchMany(1), BusyFifoCall::NoRoomFor(1))
    };
    stage.log(3).call_until(&empty, || BusyFifoCall::of_pop(ring.pop()));
    stage.log(3).call_until(&full, || BusyFifoCall::of_push(999, ring.push(999)));
    stage.judge(BusyFifo::of(N), format_args!("{calls:?} at {at:?}, {fill} values, from {start}"));
    depth
}

#[test]
fn turn_ring_call_is_interrupted_anywhere() {
    use TurnRingCall::{Close, ForcePush, Pop, PopSlice, Push, PushSlice};
    fn check<const N: usize>(start: usize) {
        // More than a lap, while the interrupted call keeps what it has.
        let laps = [Push, Push, Pop, ForcePush, Pop, PushSlice, PopSlice, Push].repeat(N + 1);
        let handlers: [&[TurnRingCall]; 5] =
            [&[Push, Pop], &[Pop, Push], &[ForcePush, Pop], &[Close, Pop, Push], &laps];
        for fill in 0..=N {
            for &call in TurnRingCall::ALL {
                for handler in handlers {
                    let accesses = at_each_access(|access| {
                        interrupt_turn_ring::<N>(start, fill, &[access], &[&[call], handler]) > 0
                    });
                    assert!(accesses > 0, "a call touches the ring");
                }
            }
        }
    }
    check::<1>(usize::MAX / 2);
    check::<2>(usize::MAX / 2 - 2);
}

#[test]
fn turn_ring_handler_is_interrupted_anywhere() {
    use TurnRingCall::{ForcePush, Pop, Push};
    fn check<const N: usize>(start: usize) {
        let handlers: [&[TurnRingCall]; 4] = [&[Push], &[Pop], &[ForcePush], &[Pop, Push]];
        for fill in 0..=N {
            for call in [Push, Pop, ForcePush] {
                for inner in &handlers[..3] {
                    for innermost in handlers {
                        at_each_pair_of_accesses(|at| {
                            interrupt_turn_ring::<N>(start, fill, &at, &[&[call], inner, innermost])
                        });
                    }
                }
            }
        }
    }
    check::<1>(usize::MAX / 2 - 1);
    check::<2>(usize::MAX / 2 - 1);
}

// === SpscRing ===

#[test]
fn spsc_ring_ends_interrupt_each_other_anywhere() {
    const N: usize = 2;

    /// The two ends, one call and the calls that interrupt it.
    #[derive(Clone, Copy, Debug)]
    enum Scene {
        Producer(ProducerCall, usize),
        Consumer(ConsumerCall, usize),
    }

    fn run(fill: u64, scene: Scene, access: usize) -> bool {
        let clock = Clock::new();
        let stage = Stage::new(&clock);
        let ring = Guarded::new(SpscRing::<u64, N>::with_start(usize::MAX));
        let Some((producer, consumer)) = ring.try_split() else { unreachable!("asked once") };
        let (producer, consumer) = (RefCell::new(producer), RefCell::new(consumer));
        let next = Cell::new(0);
        let produce = |level, call: ProducerCall| {
            let value = next.replace(next.get() + 1);
            call.make(&mut producer.borrow_mut(), value, &mut stage.log(level));
        };
        let consume = |level, call: ConsumerCall| {
            call.make(&mut consumer.borrow_mut(), &mut stage.log(level));
        };
        (0..fill).for_each(|_| produce(0, ProducerCall::Push));
        let depth = interrupt(&ring, &[access], &|level| match (scene, level) {
            (Scene::Producer(call, _), 0) => produce(0, call),
            (Scene::Consumer(call, _), 0) => consume(0, call),
            (Scene::Producer(_, calls), _) => (0..calls).for_each(|_| {
                consume(level, ConsumerCall::Peek);
                consume(level, ConsumerCall::Pop);
            }),
            (Scene::Consumer(_, calls), _) => {
                (0..calls).for_each(|_| produce(level, ProducerCall::Push));
            }
        });
        (0..=N).for_each(|_| consume(3, ConsumerCall::Pop));
        (0..=N).for_each(|_| produce(3, ProducerCall::Push));
        stage.judge(Fifo::exact(N), format_args!("fill {fill}, {scene:?}, access {access}"));
        depth > 0
    }

    for fill in 0..=N as u64 {
        for handler_calls in 1..=3 {
            let producers = ProducerCall::ALL.iter().map(|&c| Scene::Producer(c, handler_calls));
            let consumers = ConsumerCall::ALL.iter().map(|&c| Scene::Consumer(c, handler_calls));
            for scene in producers.chain(consumers) {
                let accesses = at_each_access(|access| run(fill, scene, access));
                assert!(accesses > 0, "a call touches the ring, or did before: {scene:?}");
            }
        }
    }
}

#[test]
fn spsc_ring_is_split_once_whoever_interrupts() {
    let accesses = at_each_access(|access| {
        let ring = Guarded::new(SpscRing::<u64, 1>::new());
        let winners = Cell::new(0);
        let depth = interrupt(&ring, &[access], &|_| {
            // Whoever has the handles keeps them.
            let has_won = ring.try_split().map(core::mem::forget).is_some();
            winners.set(winners.get() + u32::from(has_won));
        });
        assert_eq!(winners.get(), 1, "interrupted at access {access}");
        depth > 0
    });
    assert!(accesses > 0, "a split touches the ring");
}

#[test]
fn spsc_ring_ends_change_hands_whoever_interrupts() {
    let accesses = at_each_access(|access| {
        let ring = Guarded::new(SpscRing::<u64, 2>::with_start(usize::MAX));
        let (pushed, popped) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        let depth = interrupt(&ring, &[access], &|level| {
            if let Some(mut producer) = ring.try_producer() {
                let value = level as u64;
                producer.push(value).expect("there is room for both");
                assert_eq!(producer.is_abandoned(), ring.try_consumer().is_some());
                pushed.borrow_mut().push(value);
            }
            if let Some(mut consumer) = ring.try_consumer() {
                let value = consumer.pop();
                assert_eq!(consumer.is_abandoned(), ring.try_producer().is_some());
                popped.borrow_mut().extend(value);
            }
        });
        let (_, mut consumer) = ring.try_split().expect("both ends were given back");
        popped.borrow_mut().extend(consumer.pop_iter());
        popped.borrow_mut().sort_unstable();
        pushed.borrow_mut().sort_unstable();
        assert_eq!(pushed, popped, "interrupted at access {access}");
        assert!(!pushed.borrow().is_empty(), "interrupted at access {access}");
        depth > 0
    });
    assert!(accesses > 0, "to take an end touches the ring");
}

// === OverwritingRing ===

#[test]
fn overwriting_ring_ends_interrupt_each_other_anywhere() {
    /// The two ends, one call and the calls that interrupt it.
    #[derive(Clone, Copy, Debug)]
    enum Scene {
        Producer(RecorderCall, usize),
        Consumer(ReaderCall, usize),
    }

    fn run<const N: usize>(before: usize, scene: Scene, access: usize) -> bool {
        let clock = Clock::new();
        let stage = Stage::new(&clock);
        let ring = Guarded::new(OverwritingRing::<u64, N>::with_start(u64::MAX - 1));
        let Some((producer, consumer)) = ring.try_split() else { unreachable!("asked once") };
        let (producer, consumer) = (RefCell::new(producer), RefCell::new(consumer));
        let next = Cell::new(0);
        let produce = |level, call: RecorderCall| {
            let value = next.replace(next.get() + 1);
            call.make(&mut producer.borrow_mut(), value, &mut stage.log(level));
        };
        let consume = |level, call: ReaderCall| {
            call.make(&mut consumer.borrow_mut(), &mut stage.log(level));
        };
        (0..before).for_each(|_| produce(0, RecorderCall::Push));
        let depth = interrupt(&ring, &[access], &|level| match (scene, level) {
            (Scene::Producer(call, _), 0) => produce(0, call),
            (Scene::Consumer(call, _), 0) => consume(0, call),
            (Scene::Producer(_, calls), _) => (0..calls).for_each(|_| {
                consume(level, ReaderCall::Len);
                consume(level, ReaderCall::Pop);
                consume(level, ReaderCall::IsEmpty);
            }),
            (Scene::Consumer(_, calls), _) => {
                (0..calls).for_each(|_| produce(level, RecorderCall::Push));
            }
        });
        (0..=N).for_each(|_| consume(3, ReaderCall::Pop));
        (0..2 * N).for_each(|_| produce(3, RecorderCall::Push));
        (0..=N).for_each(|_| consume(3, ReaderCall::Pop));
        stage.judge(Latest::of(N), format_args!("{before} before, {scene:?}, access {access}"));
        depth > 0
    }

    fn check<const N: usize>() {
        for before in 0..=2 * N + 1 {
            for handler_calls in 1..=2 * N + 1 {
                let of_producer = RecorderCall::ALL.iter();
                let of_producer = of_producer.map(|&c| Scene::Producer(c, handler_calls));
                let of_consumer = ReaderCall::ALL.iter();
                let of_consumer = of_consumer.map(|&c| Scene::Consumer(c, handler_calls));
                for scene in of_producer.chain(of_consumer) {
                    let accesses = at_each_access(|access| run::<N>(before, scene, access));
                    assert!(accesses > 0, "a call touches the ring: {scene:?}");
                }
            }
        }
    }
    check::<1>();
    check::<2>();
}

#[test]
fn overwriting_ring_is_split_once_whoever_interrupts() {
    let accesses = at_each_access(|access| {
        let ring = Guarded::new(OverwritingRing::<u64, 1>::new());
        let winners = Cell::new(0);
        let depth = interrupt(&ring, &[access], &|_| {
            let has_won = ring.try_split().map(core::mem::forget).is_some();
            winners.set(winners.get() + u32::from(has_won));
        });
        assert_eq!(winners.get(), 1, "interrupted at access {access}");
        depth > 0
    });
    assert!(accesses > 0, "a split touches the ring");
}

#[test]
fn overwriting_ring_ends_are_given_back_whoever_interrupts() {
    at_each_access(|access| {
        let ring = Guarded::new(OverwritingRing::<u64, 1>::new());
        let depth = interrupt(&ring, &[access], &|level| {
            if let Some((producer, consumer)) = ring.try_split() {
                assert_eq!((producer.is_abandoned(), consumer.is_abandoned()), (false, false));
                drop(producer);
                assert!(consumer.is_abandoned() || level == 0);
            }
        });
        assert!(ring.try_split().is_some(), "interrupted at access {access}");
        depth > 0
    });
}

// === IndexStack, TreiberStack, TransferStack ===

use StackCall::{GiveAll, GiveFirst, GiveLast, Take, TakeAll, TakeTwo};

fn interrupt_stack<S: Stack>(taken: usize, at: &[usize], calls: &[&[StackCall]]) -> usize {
    let clock = Clock::new();
    let stage = Stage::new(&clock);
    let stack = Guarded::new(S::new());
    stack.fill();
    let kept = RefCell::new(VecDeque::with_capacity(4 * S::COUNT as usize));
    let make = |level: usize, calls: &[StackCall]| {
        calls.iter().for_each(|call| call.make(&*stack, &kept, &mut stage.log(level)));
    };
    make(0, &vec![S::TAKE; taken]);
    let depth = interrupt(&stack, at, &|level| make(level, calls[level]));
    StackCall::empty(&*stack, &mut stage.log(3));
    stage.judge(S::spec(), format_args!("{calls:?} at {at:?}, {taken} taken"));
    depth
}

/// Handlers that change the top, and those that put it back over a different chain (ABA).
const STACK_HANDLERS: [&[StackCall]; 9] = [
    &[Take],
    &[GiveFirst],
    &[Take, GiveLast],
    &[Take, Take, GiveFirst],
    &[Take, Take, GiveLast],
    &[Take, Take, Take, GiveFirst, GiveLast, Take, GiveFirst, GiveFirst],
    &[TakeTwo, GiveFirst],
    &[TakeAll, GiveFirst],
    &[TakeAll, GiveAll, TakeTwo, GiveLast],
];

fn stack_call_is_interrupted_anywhere<S: Stack>() {
    for taken in 0..=S::COUNT as usize {
        for &call in S::CALLS {
            for handler in STACK_HANDLERS {
                at_each_access(|access| {
                    interrupt_stack::<S>(taken, &[access], &[&[call], handler]) > 0
                });
            }
        }
    }
}

fn stack_handler_is_interrupted_anywhere<S: Stack>(
    inner: [&[StackCall]; 2],
    innermost: [&[StackCall]; 2],
) {
    for taken in 0..=1 {
        for call in [S::TAKE, GiveFirst] {
            for inner in inner {
                for innermost in innermost {
                    at_each_pair_of_accesses(|at| {
                        interrupt_stack::<S>(taken, &at, &[&[call], inner, innermost])
                    });
                }
            }
        }
    }
}

#[test]
fn index_stack_call_is_interrupted_anywhere() {
    stack_call_is_interrupted_anywhere::<IndexStack<3>>();
}

#[test]
fn index_stack_handler_is_interrupted_anywhere() {
    stack_handler_is_interrupted_anywhere::<IndexStack<3>>(
        [&[Take, Take, GiveFirst], &[GiveLast, Take]],
        [&[Take, GiveFirst], &[Take, Take, GiveFirst]],
    );
}

#[cfg(all(target_arch = "x86_64", not(latchless_native)))]
#[test]
fn treiber_stack_call_is_interrupted_anywhere() {
    stack_call_is_interrupted_anywhere::<WithNodes<TreiberStack<Numbered>, 3>>();
}

#[cfg(all(target_arch = "x86_64", not(latchless_native)))]
#[test]
fn treiber_stack_handler_is_interrupted_anywhere() {
    stack_handler_is_interrupted_anywhere::<WithNodes<TreiberStack<Numbered>, 3>>(
        [&[Take, Take, GiveFirst], &[TakeTwo, GiveLast]],
        [&[TakeAll, GiveFirst], &[Take, Take, GiveFirst]],
    );
}

#[test]
fn transfer_stack_call_is_interrupted_anywhere() {
    stack_call_is_interrupted_anywhere::<WithNodes<TransferStack<Numbered>, 3>>();
}

#[test]
fn transfer_stack_handler_is_interrupted_anywhere() {
    stack_handler_is_interrupted_anywhere::<WithNodes<TransferStack<Numbered>, 3>>(
        [&[TakeAll, GiveFirst], &[GiveLast, TakeAll]],
        [&[TakeAll, GiveAll], &[GiveFirst, GiveLast]],
    );
}

// === Pool ===

use PoolCall::{Alloc, Free, TakeOut};

fn interrupt_pool<const N: usize>(owned: usize, access: usize, calls: [&[PoolCall]; 2]) -> bool {
    let clock = Clock::new();
    let stage = Stage::new(&clock);
    let pool = Guarded::new(Pool::<u64, N>::new());
    let boxes = RefCell::new(VecDeque::with_capacity(4 * N));
    let next = Cell::new(0);
    let make = |level: usize, calls: &[PoolCall]| {
        for call in calls {
            call.make(&pool, &boxes, next.replace(next.get() + 1), &mut stage.log(level));
        }
    };
    make(0, &vec![Alloc; owned]);
    let depth = interrupt(&pool, &[access], &|level| make(level, calls[level]));
    for (owned, value) in boxes.borrow().iter() {
        assert_eq!(**owned, *value, "the slot was the owner's alone");
    }
    make(3, &vec![Alloc; N + 1]);
    make(3, &vec![TakeOut; N]);
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
        for &call in PoolCall::ALL {
            for handler in handlers {
                at_each_access(|access| interrupt_pool::<3>(owned, access, [&[call], handler]));
            }
        }
    }
}

// === Snapshot ===

use SnapshotCall::{CompareAndSwap, LeaveFirst, LeaveLast, Load, Store, Swap, Update};

/// Runs `calls[0]` after `before`, interrupted by `calls[1]` and so on; all share their guards.
/// Returns the level it came to.
fn interrupt_snapshot<const N: usize>(
    before: &[SnapshotCall],
    at: &[usize],
    calls: &[&[SnapshotCall]],
) -> usize {
    let clock = Clock::new();
    let stage = Stage::new(&clock);
    let snapshot = Guarded::new(Snapshot::<u64, N>::with_start(0, (1 << 48) - 2));
    let guards = RefCell::new(VecDeque::with_capacity(64));
    let next = Cell::new(1);
    let make = |level: usize, calls: &[SnapshotCall]| {
        for call in calls {
            let value = next.replace(next.get() + 1);
            call.make(&snapshot, &guards, value, &mut stage.log(level));
        }
    };
    make(0, before);
    let depth = interrupt(&snapshot, at, &|level| make(level, calls[level]));
    while !guards.borrow().is_empty() {
        make(3, &[LeaveFirst]);
    }
    // Every slot once more, and the one that is refused.
    make(3, &vec![Swap; N]);
    make(3, &[Load]);
    stage.judge(Register::of(0, N), format_args!("{before:?}, {calls:?} at {at:?}"));
    depth
}

#[test]
fn snapshot_call_is_interrupted_anywhere() {
    fn check<const N: usize>() {
        let handlers: [&[SnapshotCall]; 7] = [
            &[Load, LeaveLast],
            &[Store],
            &[LeaveFirst, Store],
            &[Swap, LeaveLast],
            &[Load, CompareAndSwap, LeaveFirst],
            &[Update, LeaveFirst, LeaveFirst],
            &[Store, Store, Load, Store, LeaveFirst, Store, LeaveFirst, Swap, LeaveLast],
        ];
        for before in [&[][..], &[Load], &[Swap], &[Load, SnapshotCall::Clone, Store]] {
            for &call in SnapshotCall::ALL {
                for handler in handlers {
                    at_each_access(|access| {
                        interrupt_snapshot::<N>(before, &[access], &[&[call], handler]) > 0
                    });
                }
            }
        }
    }
    check::<2>();
    check::<3>();
    check::<5>();
}

#[test]
fn snapshot_handler_is_interrupted_anywhere() {
    for call in [Store, Swap, Update, LeaveFirst] {
        for inner in [&[Store][..], &[Load, CompareAndSwap, LeaveFirst]] {
            for innermost in [&[Store, Store][..], &[Load, Store, LeaveFirst]] {
                at_each_pair_of_accesses(|at| {
                    interrupt_snapshot::<3>(&[Load], &at, &[&[call], inner, innermost])
                });
            }
        }
    }
}

#[test]
fn snapshot_call_alone_is_short_whatever_came_before() {
    /// How many accesses a call makes after others, all of them alone.
    fn accesses_after(earlier: &[SnapshotCall], call: SnapshotCall) -> usize {
        at_each_access(|access| {
            let calls: [&[SnapshotCall]; 2] = [&[call], &[]];
            interrupt_snapshot::<8>(earlier, &[access], &calls) > 0
        })
    }

    for earlier in [&[][..], &[Load], &[Swap], &[Load, Store, Load], &[Swap, Swap, Swap]] {
        // Each with the reading of the value by the test.
        assert_eq!(accesses_after(earlier, Load), 2, "an entry");
        assert!(accesses_after(earlier, Store) <= 16);
        assert!(accesses_after(earlier, CompareAndSwap) <= 16);
        assert!(accesses_after(earlier, LeaveFirst) <= 7);
    }
}

// === Counter and atomics ===

#[test]
fn counter_call_is_interrupted_anywhere() {
    for &outer in CounterCall::ALL {
        for &nested in CounterCall::ALL {
            let accesses = at_each_access(|access| {
                let clock = Clock::new();
                let stage = Stage::new(&clock);
                let counter = Guarded::new(Counter::with_value(3));
                let depth = interrupt(&counter, &[access], &|level| {
                    let call = if level == 0 { outer } else { nested };
                    call.make(&counter, &mut stage.log(level));
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
fn counters_are_interrupted_anywhere() {
    for &(outer_name, outer) in COUNTERS_CALLS {
        for &(nested_name, nested) in COUNTERS_CALLS {
            let accesses = at_each_access(|access| {
                let (counters, totals) = (Guarded::new(Counters::new()), Totals::new());
                let depth = interrupt(&counters, &[access], &|level| {
                    let call = if level == 0 { outer } else { nested };
                    call(&counters, &totals);
                });
                counters.judge(&totals, (outer_name, nested_name, access));
                depth > 0
            });
            assert!((1..20).contains(&accesses), "{outer_name} has {accesses} accesses");
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
