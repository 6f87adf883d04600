//! Scenarios under a script: what each thread does to a structure, who runs when, and whether any
//! order of the calls explains what they returned.

use core::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Mutex;

use latchless::counter::Counter;
use latchless::ring::{OverwritingRing, SpscRing, TurnRing};
use latchless::snapshot::Snapshot;
use latchless::stack::Pool;

use super::baton::{Calls, Turn, conduct};
use super::calls::{
    ConsumerCall, CounterCall, PoolCall, ProducerCall, ReaderCall, RecorderCall, Ring, RingCall,
    SnapshotCall, Stack, StackCall, TurnRingCall,
};
use super::guarded::Guarded;
use super::linearizability::{Clock, Log, Spec, assert_linearizable};
use super::specs::{BusyFifo, BusyFifoCall, Count, CountCall, Fifo, Latest, Register, Slots};

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

/// What each thread does: `make` gets its number, a value that no other call gets, and the call.
fn calls_of<'env, C: Copy + Send + 'env>(
    threads: &'env [&[C]],
    make: &'env (impl Fn(usize, u64, C) + Sync),
) -> Vec<Calls<'env>> {
    let calls_of = |(thread, calls): (usize, &&'env [C])| -> Calls<'env> {
        let first_value = 100 * (thread as u64 + 1);
        let calls = (first_value..).zip(*calls).map(|(value, &call)| {
            Box::new(move || make(thread, value, call)) as Box<dyn FnOnce() + Send>
        });
        calls.collect()
    };
    threads.iter().enumerate().map(calls_of).collect()
}

/// Runs the script on a ring that holds `fill` values. Returns which turns ended in time.
pub(crate) fn run_ring<R: Ring>(
    start: u64,
    fill: usize,
    threads: &[&[RingCall]],
    script: &[Turn],
) -> Vec<bool> {
    let clock = Clock::new();
    let stage = Stage::new(&clock, threads.len());
    let ring = Guarded::new(R::starting_at(start));
    stage.alone(|log| (0..fill as u64).for_each(|value| RingCall::Push.make(&*ring, value, log)));
    let make = |thread: usize, value: u64, call: RingCall| {
        stage.on(thread, |log| call.make(&*ring, value, log));
    };
    let stopped = conduct(&ring, script, calls_of(threads, &make));
    stage.alone(|log| RingCall::make_all(&*ring, log));
    stage.judge(RingCall::spec::<R>(ring.capacity()), script);
    stopped
}

/// Runs the script on a ring that holds `fill` values. Returns which turns ended in time.
pub(crate) fn run_turn_ring<const N: usize>(
    start: usize,
    fill: usize,
    threads: &[&[TurnRingCall]],
    script: &[Turn],
) -> Vec<bool> {
    let clock = Clock::new();
    let stage = Stage::new(&clock, threads.len());
    let ring = Guarded::new(TurnRing::<u64, N>::with_start(start));
    let fill = 0..fill as u64;
    stage.alone(|log| fill.for_each(|value| TurnRingCall::Push.make(&ring, value, log)));
    let make = |thread: usize, value: u64, call: TurnRingCall| {
        stage.on(thread, |log| call.make(&ring, value, log));
    };
    let stopped = conduct(&ring, script, calls_of(threads, &make));
    stage.alone(|log| {
        // Nothing was lost: neither a value nor a slot.
        if ring.is_closed() {
            log.call_until(&BusyFifoCall::PopClosed(1), || BusyFifoCall::of_pop(ring.pop()));
            log.call_until(&BusyFifoCall::PushClosed, || {
                BusyFifoCall::of_push(999, ring.push(999))
            });
        } else {
            log.call_until(&BusyFifoCall::NoSuchMany(1), || BusyFifoCall::of_pop(ring.pop()));
            let full = BusyFifoCall::NoRoomFor(1);
            log.call_until(&full, || BusyFifoCall::of_push(999, ring.push(999)));
        }
    });
    stage.judge(BusyFifo::of(N), script);
    stopped
}

/// Runs the script on a ring that holds `fill` values: thread 0 has the end that pushes, thread 1
/// the end that pops. Returns which turns ended in time.
pub(crate) fn run_spsc_ring<const N: usize>(
    start: usize,
    fill: usize,
    pushing: &[ProducerCall],
    popping: &[ConsumerCall],
    script: &[Turn],
) -> Vec<bool> {
    let clock = Clock::new();
    let stage = Stage::new(&clock, 2);
    let ring = Guarded::new(SpscRing::<u64, N>::with_start(start));
    let (producer, consumer) = ring.try_split().expect("asked once");
    let (producer, consumer) = (Mutex::new(producer), Mutex::new(consumer));
    let push = |thread: usize, value: u64, call: ProducerCall| {
        let mut producer = producer.lock().expect("no thread has panicked");
        stage.on(thread, |log| call.make(&mut producer, value, log));
    };
    let pop = |thread: usize, call: ConsumerCall| {
        let mut consumer = consumer.lock().expect("no thread has panicked");
        stage.on(thread, |log| call.make(&mut consumer, log));
    };
    (0..fill as u64).for_each(|value| push(2, value, ProducerCall::Push));
    let (pushing, pops) = ([pushing], |_, _, call| pop(1, call));
    let popping = [popping];
    let mut threads = calls_of(&pushing, &push);
    threads.extend(calls_of(&popping, &pops));
    let stopped = conduct(&ring, script, threads);
    (0..=N).for_each(|_| pop(2, ConsumerCall::Pop));
    (0..=N as u64).for_each(|value| push(2, 900 + value, ProducerCall::Push));
    stage.judge(Fifo::exact(N), script);
    stopped
}

/// Runs the script on a ring that overwrites, into which `before` values were pushed: thread 0 has the
/// end that pushes, thread 1 the end that pops. Returns which turns ended in time.
pub(crate) fn run_overwriting_ring<const N: usize>(
    start: u64,
    before: usize,
    pushing: &[RecorderCall],
    popping: &[ReaderCall],
    script: &[Turn],
) -> Vec<bool> {
    let clock = Clock::new();
    let stage = Stage::new(&clock, 2);
    let ring = Guarded::new(OverwritingRing::<u64, N>::with_start(start));
    let (producer, consumer) = ring.try_split().expect("asked once");
    let (producer, consumer) = (Mutex::new(producer), Mutex::new(consumer));
    let push = |thread: usize, value: u64, call: RecorderCall| {
        let mut producer = producer.lock().expect("no thread has panicked");
        stage.on(thread, |log| call.make(&mut producer, value, log));
    };
    let pop = |thread: usize, call: ReaderCall| {
        let mut consumer = consumer.lock().expect("no thread has panicked");
        stage.on(thread, |log| call.make(&mut consumer, log));
    };
    (0..before as u64).for_each(|value| push(2, value, RecorderCall::Push));
    let (pushing, pops) = ([pushing], |_, _, call| pop(1, call));
    let popping = [popping];
    let mut threads = calls_of(&pushing, &push);
    threads.extend(calls_of(&popping, &pops));
    let stopped = conduct(&ring, script, threads);
    // All that is left, and every slot twice more.
    (0..=N).for_each(|_| pop(2, ReaderCall::Pop));
    (0..2 * N as u64).for_each(|value| push(2, 900 + value, RecorderCall::Push));
    (0..=N).for_each(|_| pop(2, ReaderCall::Pop));
    stage.judge(Latest::of(N), script);
    stopped
}

/// Runs the script on a stack of which each thread keeps what it took, all indices being in it at
/// first. Returns which turns ended in time.
pub(crate) fn run_stack<S: Stack>(threads: &[&[StackCall]], script: &[Turn]) -> Vec<bool> {
    let clock = Clock::new();
    let stage = Stage::new(&clock, threads.len());
    let stack = Guarded::new(S::new());
    stack.fill();
    let count = S::COUNT as usize;
    let kept: Vec<_> =
        threads.iter().map(|_| Mutex::new(RefCell::new(VecDeque::with_capacity(count)))).collect();
    let make = |thread: usize, _, call: StackCall| {
        let kept = kept[thread].lock().expect("no thread has panicked");
        stage.on(thread, |log| call.make(&*stack, &kept, log));
    };
    let stopped = conduct(&stack, script, calls_of(threads, &make));
    stage.alone(|log| StackCall::empty(&*stack, log));
    stage.judge(S::spec(), script);
    stopped
}

/// Runs the script on a pool that is all free at first; each thread frees what it allocated.
/// Returns which turns ended in time.
pub(crate) fn run_pool<const N: usize>(threads: &[&[PoolCall]], script: &[Turn]) -> Vec<bool> {
    let clock = Clock::new();
    let stage = Stage::new(&clock, threads.len());
    let pool = Guarded::new(Pool::<u64, N>::new());
    let boxes = || Mutex::new(RefCell::new(VecDeque::with_capacity(N)));
    let (owned, rest): (Vec<_>, _) =
        (threads.iter().map(|_| boxes()).collect(), RefCell::default());
    let make = |thread: usize, value: u64, call: PoolCall| {
        let owned = owned[thread].lock().expect("no thread has panicked");
        stage.on(thread, |log| call.make(&pool, &owned, value, log));
    };
    let stopped = conduct(&pool, script, calls_of(threads, &make));
    stage.alone(|log| {
        // Each slot comes once more, and what is in the other boxes has stayed.
        (0..=N).for_each(|_| PoolCall::Alloc.make(&pool, &rest, 999, log));
        for owned in owned.iter().map(|owned| owned.lock().expect("no thread has panicked")) {
            (0..N).for_each(|_| PoolCall::TakeOut.make(&pool, &owned, 0, log));
        }
        (0..N).for_each(|_| PoolCall::TakeOut.make(&pool, &rest, 0, log));
    });
    stage.judge(Slots::free(N), script);
    stopped
}

/// Runs the script on a snapshot that so many seem to have entered and left; each thread keeps its
/// guards to itself. Returns which turns ended in time.
pub(crate) fn run_snapshot<const N: usize>(
    start: u64,
    threads: &[&[SnapshotCall]],
    script: &[Turn],
) -> Vec<bool> {
    let clock = Clock::new();
    let stage = Stage::new(&clock, threads.len());
    let snapshot = Guarded::new(Snapshot::<u64, N>::with_start(0, start));
    let guards = || Mutex::new(RefCell::new(VecDeque::with_capacity(2 * N + 16)));
    let (kept, rest): (Vec<_>, _) =
        (threads.iter().map(|_| guards()).collect(), RefCell::default());
    let make = |thread: usize, value: u64, call: SnapshotCall| {
        let kept = kept[thread].lock().expect("no thread has panicked");
        stage.on(thread, |log| call.make(&snapshot, &kept, value, log));
    };
    let stopped = conduct(&snapshot, script, calls_of(threads, &make));
    stage.alone(|log| {
        // The guards see what they saw, and without them every slot comes once more.
        for kept in kept.iter().map(|kept| kept.lock().expect("no thread has panicked")) {
            while !kept.borrow().is_empty() {
                SnapshotCall::LeaveFirst.make(&snapshot, &kept, 0, log);
            }
        }
        (0..=N as u64).for_each(|at| SnapshotCall::Swap.make(&snapshot, &rest, 900 + at, log));
        SnapshotCall::Load.make(&snapshot, &rest, 0, log);
    });
    stage.judge(Register::of(0, N), script);
    stopped
}

/// Runs the script on a counter. Returns which turns ended in time.
pub(crate) fn run_counter(start: u64, threads: &[&[CounterCall]], script: &[Turn]) -> Vec<bool> {
    let clock = Clock::new();
    let stage = Stage::new(&clock, threads.len());
    let counter = Guarded::new(Counter::with_value(start));
    let make = |thread: usize, _, call: CounterCall| {
        stage.on(thread, |log| call.make(&counter, log));
    };
    let stopped = conduct(&counter, script, calls_of(threads, &make));
    stage.alone(|log| log.call(|| CountCall::Got(counter.get())));
    stage.judge(Count(start), script);
    stopped
}
