//! Defends the progress terms: a thread that stands still between any two of its accesses to a
//! structure, for as long as you like, stops nobody, and what the others do in the meantime is right;
//! so is what it does itself when it goes on.
//!
//! Threads run one at a time and change places at accesses to the structure (`common/baton.rs`), so
//! that the run follows from the script: two threads stopped at every pair of places while a third
//! goes on, and thousands of scripts at random. Each history must be linearizable. What this cannot
//! show is a missing ordering, because the CPU sees everything in one order: that is loom's part.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Mutex;

use latchless::ring::{MpmcRing, SpscRing};
use latchless::stack::{Exhausted, IndexStack, Pool, PoolBox};

use common::baton::{Calls, Turn, conduct, random_script};
use common::guarded::Guarded;
use common::linearizability::{Clock, Log, Spec, assert_linearizable};
use common::random::Random;
use common::specs::{Fifo, FifoCall, Lifo, LifoCall, Slots, SlotsCall};

/// The logs of the threads of a script, and one for what comes before and after.
struct Stage<'c, C> {
    logs: Vec<Mutex<Log<'c, C>>>,
}

impl<'c, C> Stage<'c, C> {
    fn new(clock: &'c Clock, threads: usize) -> Self {
        let logs = (0..=threads).map(|number| Mutex::new(Log::new(clock, number)));
        Self { logs: logs.collect() }
    }

    /// Records on behalf of a thread, which is the only one to use its log.
    fn on(&self, thread: usize, record: impl FnOnce(&mut Log<'c, C>)) {
        record(&mut self.logs[thread].lock().expect("no thread has panicked"));
    }

    /// Records what comes before or after the script.
    fn alone(&self, record: impl FnOnce(&mut Log<'c, C>)) {
        self.on(self.logs.len() - 1, record);
    }

    /// Panics unless the calls of all threads are linearizable.
    #[track_caller]
    fn judge<S: Spec<Call = C>>(self, initial: S, script: &[Turn]) {
        let logs =
            self.logs.into_iter().map(|log| log.into_inner().expect("no thread has panicked"));
        let history: Vec<_> = logs.flat_map(Log::into_events).collect();
        assert_linearizable(initial, &history, format_args!("{script:?}"));
    }
}

/// Calls `run` with 0, 1, 2 … accesses, until it says that the thread ended before.
fn at_each_place(mut run: impl FnMut(usize) -> bool) {
    for place in 0.. {
        assert!(place < 1_000, "a call that takes for ever is not lock-free");
        if !run(place) {
            return;
        }
    }
}

/// Two calls, each stopped at each of its accesses, then ended in either order: `run` gets the
/// scripts. Thread 2 runs after the first has stopped, thread 3 after the second.
fn at_each_two_places(mut run: impl FnMut(&[Turn]) -> Vec<bool>) {
    for order in [[0, 1], [1, 0]] {
        let [earlier, later] = order.map(Turn::Rest);
        at_each_place(|place| {
            let mut first_stopped = false;
            at_each_place(|other_place| {
                let first = Turn::Accesses(0, place);
                let second = Turn::Accesses(1, other_place);
                let stopped = run(&[first, Turn::Rest(2), second, Turn::Rest(3), earlier, later]);
                first_stopped = stopped[0];
                stopped[2]
            });
            first_stopped
        });
    }
}

/// Threads of a random script, and how many calls each makes.
const THREADS: usize = 3;
const CALLS: usize = 3;

/// Enough turns for all calls, most of the time; the rest of them runs undisturbed.
const TURNS: usize = 16;

// === MpmcRing ===

/// What a thread does to a ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum RingCall {
    Push,
    Pop,
}

use RingCall::{Pop, Push};

/// Runs the script on a ring that holds `fill` values. Returns which turns ended in time.
fn run_ring<const N: usize>(
    start: u64,
    fill: usize,
    threads: &[&[RingCall]],
    script: &[Turn],
) -> Vec<bool> {
    let clock = Clock::new();
    let stage = Stage::new(&clock, threads.len());
    let ring = Guarded::new(MpmcRing::<u64, N>::with_start(start));
    let make = |log: &mut Log<'_, FifoCall>, call: RingCall, value: u64| {
        log.call(|| match call {
            Push => FifoCall::of_push(value, ring.push(value)),
            Pop => FifoCall::of_pop(ring.pop()),
        });
    };
    stage.alone(|log| (0..fill as u64).for_each(|value| make(log, Push, value)));

    let calls_of = |thread: usize| -> Calls<'_> {
        let (stage, make) = (&stage, &make);
        let first_value = 100 * (thread as u64 + 1);
        let calls = (first_value..).zip(threads[thread]).map(|(value, &call)| {
            let call = move || stage.on(thread, |log| make(log, call, value));
            Box::new(call) as Box<dyn FnOnce() + Send>
        });
        calls.collect()
    };
    let stopped = conduct(&ring, script, (0..threads.len()).map(calls_of).collect());

    stage.alone(|log| {
        // Nothing was lost: neither a value nor a slot.
        log.call_until(&FifoCall::Empty, || FifoCall::of_pop(ring.pop()));
        log.call_until(&FifoCall::Full, || FifoCall::of_push(999, ring.push(999)));
    });
    stage.judge(Fifo::lending(N), script);
    stopped
}

/// A call that has drawn its ticket meets one that drew the ticket a lap later, while the positions
/// run ahead of both: the entry is neither to be filled behind the back of those who gave it up,
/// nor given up while somebody may fill it.
fn stall_two_ring_calls(first: RingCall, second: RingCall, others: RingCall) {
    // Four tickets are a lap.
    for before in 0..=4 {
        let others = vec![others; before + 1];
        let (before, after) = others.split_at(before);
        let threads: [&[RingCall]; 4] = [&[first], &[second], before, after];
        at_each_two_places(|script| run_ring::<2>(u64::MAX - 2, 1, &threads, script));
    }
}

#[test]
fn ring_goes_on_empty_past_two_stalled_calls() {
    stall_two_ring_calls(Pop, Push, Pop);
}

#[test]
fn ring_goes_on_full_past_two_stalled_calls() {
    stall_two_ring_calls(Push, Pop, Push);
}

#[test]
fn ring_is_right_in_any_order_of_steps() {
    fn run<const N: usize>(seed: u64) {
        let random = &mut Random::new(seed);
        let calls: [[RingCall; CALLS]; THREADS] =
            [(); THREADS].map(|()| [(); CALLS].map(|()| if random.coin() { Push } else { Pop }));
        let script = random_script(random, THREADS, TURNS);
        let start = u64::MAX - random.below(6 * N) as u64;
        run_ring::<N>(start, random.below(N + 1), &calls.each_ref().map(|c| &c[..]), &script);
    }
    (0..150).for_each(run::<1>);
    (150..400).for_each(run::<2>);
}

// === SpscRing ===

#[test]
fn spsc_ring_is_right_in_any_order_of_steps() {
    const N: usize = 2;
    for seed in 0..200 {
        let random = &mut Random::new(seed);
        let clock = Clock::new();
        let stage = Stage::new(&clock, 2);
        let ring = Guarded::new(SpscRing::<u64, N>::with_start(usize::MAX - random.below(4)));
        let (producer, consumer) = ring.try_split().expect("asked once");
        let (producer, consumer) = (Mutex::new(producer), Mutex::new(consumer));
        let push = |value| {
            let mut producer = producer.lock().expect("no thread has panicked");
            stage.on(0, |log| log.call(|| FifoCall::of_push(value, producer.push(value))));
        };
        let pop = || {
            let mut consumer = consumer.lock().expect("no thread has panicked");
            stage.on(1, |log| {
                log.call(|| FifoCall::of_peek(consumer.peek()));
                log.call(|| FifoCall::of_pop(consumer.pop()));
            });
        };
        let (push, pop) = (&push, &pop);
        let pushes = (0..6).map(|value| Box::new(move || push(value)) as Box<dyn FnOnce() + Send>);
        let pops = (0..5).map(|_| Box::new(pop) as Box<dyn FnOnce() + Send>);
        let script = random_script(random, 2, TURNS);
        conduct(&ring, &script, vec![pushes.collect(), pops.collect()]);
        (0..=N).for_each(|_| pop());
        stage.judge(Fifo::exact(N), &script);
    }
}

#[test]
fn spsc_ring_is_split_once_whoever_stalls() {
    at_each_place(|place| {
        let ring = Guarded::new(SpscRing::<u64, 1>::new());
        let winners = AtomicUsize::new(0);
        let ask = || {
            winners.fetch_add(ring.try_split().is_some().into(), Relaxed);
        };
        let threads = [ask; 2].map(|ask| -> Calls<'_> { vec![Box::new(ask)] });
        let script = [Turn::Accesses(0, place), Turn::Rest(1)];
        let stopped = conduct(&ring, &script, threads.into());
        assert_eq!(winners.into_inner(), 1, "{script:?}");
        stopped[0]
    });
}

// === IndexStack ===

#[test]
fn index_stack_is_right_in_any_order_of_steps() {
    const N: usize = 3;
    for seed in 0..300 {
        let random = &mut Random::new(seed);
        let clock = Clock::new();
        let stage = Stage::new(&clock, THREADS);
        let stack = Guarded::new(IndexStack::<N>::full());
        // What each thread has taken; nobody else looks.
        let taken: [Mutex<Vec<u32>>; THREADS] = Default::default();
        let take_or_give = |thread: usize, prefers_to_give: bool| {
            let mut mine = taken[thread].lock().expect("no thread has panicked");
            let given = if prefers_to_give { mine.pop() } else { None };
            stage.on(thread, |log| {
                log.call(|| match given {
                    Some(index) => {
                        assert_eq!(stack.push(index), Ok(()));
                        LifoCall::Pushed(index)
                    }
                    None => {
                        let popped = stack.pop();
                        mine.extend(popped);
                        LifoCall::of_pop(popped)
                    }
                });
            });
        };
        let take_or_give = &take_or_give;
        let threads = (0..THREADS).map(|thread| -> Calls<'_> {
            let choices = [(); CALLS + 1].map(|()| random.coin());
            let calls = choices.map(|prefers_to_give| {
                let call = move || take_or_give(thread, prefers_to_give);
                Box::new(call) as Box<dyn FnOnce() + Send>
            });
            calls.into()
        });
        let threads = threads.collect();
        let script = random_script(random, THREADS, TURNS);
        conduct(&stack, &script, threads);
        stage.alone(|log| log.call_until(&LifoCall::Empty, || LifoCall::of_pop(stack.pop())));
        stage.judge(Lifo::of((0..N as u32).rev().collect()), &script);
    }
}

// === Pool ===

#[test]
fn pool_is_right_in_any_order_of_steps() {
    const N: usize = 2;
    for seed in 0..300 {
        let random = &mut Random::new(seed);
        let clock = Clock::new();
        let stage = Stage::new(&clock, THREADS);
        let pool = Guarded::new(Pool::<u64, N>::new());
        let start = (&raw const *pool).addr();
        let slot_of =
            |owned: &PoolBox<'_, u64, N>| core::ptr::from_ref::<u64>(owned).addr() - start;
        let alloc = |value: u64, mine: &mut Vec<_>| match pool.alloc(value) {
            Ok(owned) => {
                let slot = slot_of(&owned);
                mine.push((owned, value));
                SlotsCall::Allocated(slot)
            }
            Err(Exhausted(back)) => {
                assert_eq!(back, value, "the value comes back");
                SlotsCall::Exhausted
            }
        };
        let owned: [Mutex<Vec<_>>; THREADS] = Default::default();
        let alloc_or_free = |thread: usize, value: u64, prefers_to_free: bool| {
            let mut mine = owned[thread].lock().expect("no thread has panicked");
            let freed = if prefers_to_free { mine.pop() } else { None };
            stage.on(thread, |log| {
                log.call(|| match freed {
                    Some((owned, expected)) => {
                        let slot = slot_of(&owned);
                        assert_eq!(owned.into_inner(), expected, "the slot was mine alone");
                        SlotsCall::Freed(slot)
                    }
                    None => alloc(value, &mut mine),
                });
            });
        };
        let alloc_or_free = &alloc_or_free;
        let threads = (0..THREADS).map(|thread| -> Calls<'_> {
            let choices = [0, 1, 2, 3].map(|number| (100 * thread as u64 + number, random.coin()));
            let calls = choices.map(|(value, prefers_to_free)| {
                let call = move || alloc_or_free(thread, value, prefers_to_free);
                Box::new(call) as Box<dyn FnOnce() + Send>
            });
            calls.into()
        });
        let threads = threads.collect();
        let script = random_script(random, THREADS, TURNS);
        conduct(&pool, &script, threads);
        let mut rest = Vec::new();
        stage.alone(|log| log.call_until(&SlotsCall::Exhausted, || alloc(999, &mut rest)));
        stage.judge(Slots::free(N), &script);
    }
}
