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

use core::ops::Range;

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Mutex;

use latchless::ring::{OverwritingRing, SpscRing};

#[cfg(all(target_arch = "x86_64", not(latchless_native)))]
use latchless::stack::TreiberStack;
use latchless::stack::{IndexStack, TransferStack};

use common::baton::{Calls, Turn, conduct, random_script};
use common::calls::Ring;
use common::calls::RingCall::{self, Pop, Push};
use common::calls::{
    ConsumerCall, CounterCall, Numbered, PoolCall, ProducerCall, ReaderCall, RecorderCall,
    SnapshotCall, Stack, StackCall, TurnRingCall, WithNodes,
};
use common::counters::{CALLS as COUNTERS_CALLS, Counters, Totals};
use common::guarded::Guarded;
use common::panics::panic_message;
use common::random::Random;
use common::scenarios::{
    run_counter, run_overwriting_ring, run_pool, run_ring, run_snapshot, run_spsc_ring, run_stack,
    run_turn_ring,
};

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

/// One call, stopped at each of its accesses while thread 1 runs to its end: `run` gets the scripts.
fn at_each_place_of_thread_0(mut run: impl FnMut(&[Turn]) -> Vec<bool>) {
    at_each_place(|place| run(&[Turn::Accesses(0, place), Turn::Rest(1)])[0]);
}

/// Threads of a random script, and how many calls each makes.
const THREADS: usize = 3;
const CALLS: usize = 3;

/// Enough turns for all calls, most of the time; the rest of them runs undisturbed.
const TURNS: usize = 16;

/// Random calls for each thread.
fn random_calls<C: Copy, const EACH: usize>(
    random: &mut Random,
    choices: &[C],
) -> [[C; EACH]; THREADS] {
    [(); THREADS].map(|()| [(); EACH].map(|()| choices[random.below(choices.len())]))
}

// === MpmcRing, WordRing ===

/// Two calls that have looked at a place stop, while the others come round to it again and again:
/// neither may change it any more, nor be in the way.
fn stall_two_ring_calls<R: Ring>(first: RingCall, second: RingCall, others: RingCall) {
    // Two places are a lap.
    for before in 0..=4 {
        let others = vec![others; before + 1];
        let (before, after) = others.split_at(before);
        let threads: [&[RingCall]; 4] = [&[first], &[second], before, after];
        at_each_two_places(|script| run_ring::<R>(u64::MAX - 2, 1, &threads, script));
    }
}

fn ring_goes_on_past_any_stalled_call<R: Ring>(capacity: usize) {
    let laps = [Push, Pop, Push, Pop, RingCall::IsEmpty, Pop, RingCall::IsFull];
    let closing = [Push, RingCall::Close, Pop, Push, Pop];
    for fill in 0..=capacity {
        for &call in RingCall::ALL {
            for others in [&[Push, Pop, Pop][..], &[Pop, Push, Push], &laps, &closing] {
                let threads = [&[call][..], others];
                at_each_place_of_thread_0(|script| run_ring::<R>(u64::MAX, fill, &threads, script));
            }
        }
    }
}

fn ring_is_right_in_any_order_of_steps<R: Ring>(capacity: usize, seeds: Range<u64>) {
    let choices = [&[Push, Pop][..], &[Push, RingCall::ForcePush, Pop], RingCall::ALL];
    for choices in choices {
        for seed in seeds.clone() {
            let random = &mut Random::new(seed);
            let calls: [[RingCall; CALLS]; THREADS] = random_calls(random, choices);
            let script = random_script(random, THREADS, TURNS);
            let start = u64::MAX - random.below(6 * capacity) as u64;
            let fill = random.below(capacity + 1);
            run_ring::<R>(start, fill, &calls.each_ref().map(|calls| &calls[..]), &script);
        }
    }
}

macro_rules! stall_rings {
    ($($name:ident: $ring:ident;)+) => {$(
        mod $name {
            use super::*;
            use latchless::ring::$ring;

            #[test]
            fn goes_on_empty_past_two_stalled_calls() {
                stall_two_ring_calls::<$ring<u64, 2>>(Pop, Push, Pop);
            }

            #[test]
            fn goes_on_full_past_two_stalled_calls() {
                stall_two_ring_calls::<$ring<u64, 2>>(Push, Pop, Push);
            }

            #[test]
            fn goes_on_past_any_stalled_call() {
                ring_goes_on_past_any_stalled_call::<$ring<u64, 1>>(1);
                ring_goes_on_past_any_stalled_call::<$ring<u64, 2>>(2);
            }

            #[test]
            fn is_right_in_any_order_of_steps() {
                ring_is_right_in_any_order_of_steps::<$ring<u64, 1>>(1, 0..100);
                ring_is_right_in_any_order_of_steps::<$ring<u64, 2>>(2, 100..250);
            }
        }
    )+};
}

stall_rings! {
    mpmc_ring: MpmcRing;
}

#[cfg(not(latchless_native))]
stall_rings! {
    word_ring: WordRing;
}

// === TurnRing ===

/// The proof that the test of the lock-free rings can fail: this one is not lock-free, so it fails. (With one
/// slot there is no other that the stopped call would keep from anybody.)
#[test]
fn turn_ring_does_not_go_on_past_a_stalled_call() {
    use latchless::ring::TurnRing;

    let runs: [fn(); 2] = [
        || ring_goes_on_past_any_stalled_call::<TurnRing<u64, 2>>(2),
        || ring_goes_on_past_any_stalled_call::<TurnRing<u64, 4>>(4),
    ];
    for run in runs {
        let message =
            panic_message(run).expect("a ring that is not lock-free fails the test of one that is");
        let reason = "no order of these calls explains what they returned";
        assert!(message.contains(reason), "{message}");
    }
}

/// What it promises instead: others return, Busy means that a call is under way, and all else is exact.
#[test]
fn turn_ring_returns_past_any_stalled_call() {
    use TurnRingCall::{Close, Pop, PopArray, Push, PushArray};
    fn check<const N: usize>() {
        let others = [
            &[Push, Pop, Pop][..],
            &[Pop, Push, Push],
            &[Push, Pop, TurnRingCall::ForcePush, Pop, Push, Pop, Pop, Push],
            &[PushArray, PopArray, PushArray, PopArray],
            &[TurnRingCall::IsEmpty, TurnRingCall::IsFull, Close, Push, Pop, Pop, Pop],
        ];
        for fill in 0..=N {
            for &call in TurnRingCall::ALL {
                for others in others {
                    let threads = [&[call][..], others];
                    at_each_place_of_thread_0(|script| {
                        run_turn_ring::<N>(usize::MAX / 2, fill, &threads, script)
                    });
                }
            }
        }
    }
    check::<1>();
    check::<2>();
}

/// As [`stall_two_ring_calls`]: two calls stand still, a lap apart or not, while others go round.
fn stall_two_turn_ring_calls(first: TurnRingCall, second: TurnRingCall, others: TurnRingCall) {
    for before in 0..=3 {
        let others = vec![others; before + 1];
        let (before, after) = others.split_at(before);
        let threads: [&[TurnRingCall]; 4] = [&[first], &[second], before, after];
        at_each_two_places(|script| run_turn_ring::<2>(usize::MAX / 2 - 2, 1, &threads, script));
    }
}

#[test]
fn turn_ring_returns_past_two_stalled_calls() {
    use TurnRingCall::{Close, ForcePush, Pop, Push};
    for first in [Push, Pop, ForcePush] {
        for second in [Push, Pop, ForcePush, Close] {
            for others in [Push, Pop, ForcePush] {
                stall_two_turn_ring_calls(first, second, others);
            }
        }
    }
}

#[test]
fn turn_ring_is_right_in_any_order_of_steps() {
    use TurnRingCall::{Close, ForcePush, Pop, Push};
    fn run<const N: usize>(seed: u64, choices: &[TurnRingCall]) {
        let random = &mut Random::new(seed);
        let calls: [[TurnRingCall; CALLS]; THREADS] = random_calls(random, choices);
        let script = random_script(random, THREADS, TURNS);
        let start = usize::MAX / 2 - random.below(6 * N);
        run_turn_ring::<N>(start, random.below(N + 1), &calls.each_ref().map(|c| &c[..]), &script);
    }
    let choices = [
        &[Push, Pop][..],
        &[Push, Pop, ForcePush],
        &[Push, Pop, ForcePush, Close],
        TurnRingCall::ALL,
    ];
    for choices in choices {
        (0..100).for_each(|seed| run::<1>(seed, choices));
        (100..250).for_each(|seed| run::<2>(seed, choices));
        (250..300).for_each(|seed| run::<4>(seed, choices));
    }
}

// === SpscRing ===

#[test]
fn spsc_ring_goes_on_past_any_stalled_call() {
    const N: usize = 2;
    let (push, pop) = (ProducerCall::Push, ConsumerCall::Pop);
    for fill in 0..=N {
        for &call in ProducerCall::ALL {
            let run = |script: &[Turn]| {
                run_spsc_ring::<N>(usize::MAX, fill, &[call, push], &[pop; N + 1], script)
            };
            at_each_place_of_thread_0(run);
        }
        for &call in ConsumerCall::ALL {
            at_each_place(|place| {
                let script = [Turn::Accesses(1, place), Turn::Rest(0)];
                run_spsc_ring::<N>(usize::MAX, fill, &[push; N + 1], &[call, pop], &script)[0]
            });
        }
    }
}

#[test]
fn spsc_ring_is_right_in_any_order_of_steps() {
    const N: usize = 2;
    for seed in 0..200 {
        let random = &mut Random::new(seed);
        let (push, pop) = (ProducerCall::Push, ConsumerCall::Pop);
        let pushing = [(); 8].map(|()| {
            if random.coin() {
                push
            } else {
                ProducerCall::ALL[random.below(ProducerCall::ALL.len())]
            }
        });
        let popping = [(); 8].map(|()| {
            if random.coin() {
                pop
            } else {
                ConsumerCall::ALL[random.below(ConsumerCall::ALL.len())]
            }
        });
        let script = random_script(random, 2, TURNS);
        let start = usize::MAX - random.below(4);
        run_spsc_ring::<N>(start, random.below(N + 1), &pushing, &popping, &script);
    }
}

#[test]
fn spsc_ring_is_split_once_whoever_stalls() {
    at_each_place(|place| {
        let ring = Guarded::new(SpscRing::<u64, 1>::new());
        let winners = AtomicUsize::new(0);
        let ask = || {
            // Whoever has the handles keeps them.
            let has_won = ring.try_split().map(core::mem::forget).is_some();
            winners.fetch_add(has_won.into(), Relaxed);
        };
        let threads = [ask; 2].map(|ask| -> Calls<'_> { vec![Box::new(ask)] });
        let script = [Turn::Accesses(0, place), Turn::Rest(1)];
        let stopped = conduct(&ring, &script, threads.into());
        assert_eq!(winners.into_inner(), 1, "{script:?}");
        stopped[0]
    });
}

#[test]
fn spsc_ring_ends_change_hands_whoever_stalls() {
    at_each_place(|place| {
        let ring = Guarded::new(SpscRing::<u64, 2>::with_start(usize::MAX));
        let (pushed, popped) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let note = |values: &Mutex<Vec<u64>>, value| {
            values.lock().expect("no thread has panicked").push(value);
        };
        let pass = |value: u64| {
            if let Some(mut producer) = ring.try_producer() {
                producer.push(value).expect("there is room for both");
                note(&pushed, value);
            }
            if let Some(mut consumer) = ring.try_consumer() {
                // If there is nobody to push, the end is to be had.
                let (is_abandoned, producer) = (consumer.is_abandoned(), ring.try_producer());
                assert_eq!(is_abandoned, producer.is_some());
                if let Some(value) = consumer.pop() {
                    note(&popped, value);
                }
            }
        };
        let pass = &pass;
        let threads = [1, 2].map(|value| -> Calls<'_> { vec![Box::new(move || pass(value))] });
        let script = [Turn::Accesses(0, place), Turn::Rest(1)];
        let stopped = conduct(&ring, &script, threads.into());
        let (_, mut consumer) = ring.try_split().expect("both ends were given back");
        consumer.pop_iter().for_each(|value| note(&popped, value));
        let [mut pushed, mut popped] =
            [pushed, popped].map(|values| values.into_inner().expect("no thread has panicked"));
        pushed.sort_unstable();
        popped.sort_unstable();
        assert!(pushed == popped && !pushed.is_empty(), "{script:?}: {pushed:?}, {popped:?}");
        stopped[0]
    });
}

// === OverwritingRing ===

#[test]
fn overwriting_ring_goes_on_past_any_stalled_call() {
    fn check<const N: usize>() {
        let (push, pop) = (RecorderCall::Push, ReaderCall::Pop);
        let reading = [&[pop; 2][..], ReaderCall::ALL, &[pop; 3]].concat();
        // Up to more than a lap ahead of what the consumer expects.
        for before in 0..=2 * N + 1 {
            for &call in RecorderCall::ALL {
                at_each_place_of_thread_0(|script| {
                    run_overwriting_ring::<N>(u64::MAX, before, &[call, push], &reading, script)
                });
            }
            for &call in ReaderCall::ALL {
                for pushes in [1, N, N + 1, 3 * N + 1] {
                    at_each_place(|place| {
                        let script = [Turn::Accesses(1, place), Turn::Rest(0)];
                        let pushing = vec![push; pushes];
                        let popping = [call, ReaderCall::Len, pop];
                        let start = u64::MAX - 2;
                        run_overwriting_ring::<N>(start, before, &pushing, &popping, &script)[0]
                    });
                }
            }
        }
    }
    check::<1>();
    check::<2>();
    check::<4>();
}

/// However far the producer is ahead, and wherever it stands still, a pop finds the oldest value in a few
/// looks, and does not go through what was overwritten.
#[test]
fn overwriting_ring_is_read_in_few_looks() {
    const N: usize = 16;
    /// Three looks, in a build that is not optimized; to go through a lap takes twice as many.
    const MOST_ACCESSES: usize = 48;
    for before in N..=2 * N + 1 {
        at_each_place(|place| {
            let look = Turn::Accesses(1, MOST_ACCESSES);
            let script = [Turn::Accesses(0, place), look, Turn::Rest(0)];
            let (push, pop) = ([RecorderCall::Push], [ReaderCall::Pop]);
            let stopped = run_overwriting_ring::<N>(0, before, &push, &pop, &script);
            assert!(!stopped[1], "{before} before, {script:?}: the pop has not ended");
            stopped[0]
        });
    }
}

#[test]
fn overwriting_ring_is_right_in_any_order_of_steps() {
    fn run<const N: usize>(seed: u64) {
        let random = &mut Random::new(seed);
        let (push, pop) = (RecorderCall::Push, ReaderCall::Pop);
        let pushing = [(); 10].map(|()| match random.below(6) {
            0 => RecorderCall::ALL[random.below(RecorderCall::ALL.len())],
            _ => push,
        });
        let popping = [(); 8].map(|()| {
            if random.coin() { pop } else { ReaderCall::ALL[random.below(ReaderCall::ALL.len())] }
        });
        let script = random_script(random, 2, TURNS);
        let start = [u64::MAX, 1 << 62, 1 << 61][random.below(3)] - random.below(12) as u64;
        let before = random.below(3 * N + 1);
        run_overwriting_ring::<N>(start, before, &pushing, &popping, &script);
    }
    (0..200).for_each(run::<1>);
    (200..400).for_each(run::<2>);
    (400..500).for_each(run::<4>);
}

#[test]
fn overwriting_ring_is_split_once_whoever_stalls() {
    at_each_place(|place| {
        let ring = Guarded::new(OverwritingRing::<u64, 1>::new());
        let winners = AtomicUsize::new(0);
        let ask = || {
            let ends = ring.try_split().map(core::mem::forget);
            winners.fetch_add(ends.is_some().into(), Relaxed);
        };
        let threads = [ask; 2].map(|ask| -> Calls<'_> { vec![Box::new(ask)] });
        let script = [Turn::Accesses(0, place), Turn::Rest(1)];
        let stopped = conduct(&ring, &script, threads.into());
        assert_eq!(winners.into_inner(), 1, "{script:?}");
        stopped[0]
    });
}

/// Each takes an end, uses it and gives it back; who finds it taken does nothing.
#[test]
fn overwriting_ring_ends_change_hands_wherever_one_stalls() {
    at_each_place(|place| {
        let ring = Guarded::new(OverwritingRing::<usize, 2>::new());
        let used = AtomicUsize::new(0);
        let push = || {
            if let Some(mut producer) = ring.try_producer() {
                producer.push(used.fetch_add(1, Relaxed));
            }
        };
        let threads = [push; 2].map(|push| -> Calls<'_> { vec![Box::new(push)] });
        let script = [Turn::Accesses(0, place), Turn::Rest(1)];
        let stopped = conduct(&ring, &script, threads.into());
        let mut consumer = ring.try_consumer().expect("nobody has it");
        assert!(consumer.is_abandoned(), "{script:?}");
        let popped: Vec<usize> = core::iter::from_fn(|| consumer.pop()).collect();
        assert!(popped.into_iter().eq(0..used.into_inner()), "{script:?}");
        stopped[0]
    });
}

// === IndexStack, TreiberStack, TransferStack ===

fn stack_goes_on_past_any_stalled_call<S: Stack>() {
    use StackCall::{GiveAll, GiveFirst, GiveLast, IsEmpty, Take, TakeAll, TakeTwo};
    for &call in S::CALLS {
        for others in [
            &[Take, Take, GiveFirst][..],
            &[Take, Take, Take, IsEmpty, GiveLast, GiveLast],
            &[TakeAll, GiveFirst],
            &[TakeTwo, GiveFirst],
            &[TakeAll, GiveAll, TakeTwo, GiveLast],
        ] {
            if others.iter().filter(|call| S::CALLS.contains(call)).count() > 1 {
                let threads = [&[S::TAKE, GiveLast, call][..], others];
                at_each_place_of_thread_0(|script| run_stack::<S>(&threads, script));
                let threads = [&[S::TAKE, call][..], others];
                at_each_place_of_thread_0(|script| run_stack::<S>(&threads, script));
            }
        }
    }
}

fn stack_is_right_in_any_order_of_steps<S: Stack>() {
    let choices = [S::CALLS, &[S::TAKE]].concat();
    for seed in 0..300 {
        let random = &mut Random::new(seed);
        let calls: [[StackCall; 4]; THREADS] = random_calls(random, &choices);
        let script = random_script(random, THREADS, TURNS);
        run_stack::<S>(&calls.each_ref().map(|c| &c[..]), &script);
    }
}

#[test]
fn index_stack_goes_on_past_any_stalled_call() {
    stack_goes_on_past_any_stalled_call::<IndexStack<3>>();
}

#[test]
fn index_stack_is_right_in_any_order_of_steps() {
    stack_is_right_in_any_order_of_steps::<IndexStack<3>>();
}

#[cfg(all(target_arch = "x86_64", not(latchless_native)))]
#[test]
fn treiber_stack_goes_on_past_any_stalled_call() {
    stack_goes_on_past_any_stalled_call::<WithNodes<TreiberStack<Numbered>, 3>>();
}

#[cfg(all(target_arch = "x86_64", not(latchless_native)))]
#[test]
fn treiber_stack_is_right_in_any_order_of_steps() {
    stack_is_right_in_any_order_of_steps::<WithNodes<TreiberStack<Numbered>, 3>>();
}

#[test]
fn transfer_stack_goes_on_past_any_stalled_call() {
    stack_goes_on_past_any_stalled_call::<WithNodes<TransferStack<Numbered>, 3>>();
}

#[test]
fn transfer_stack_is_right_in_any_order_of_steps() {
    stack_is_right_in_any_order_of_steps::<WithNodes<TransferStack<Numbered>, 3>>();
}

// === Pool ===

#[test]
fn pool_goes_on_past_any_stalled_call() {
    use PoolCall::{Alloc, Free, IsExhausted, TakeOut};
    for &call in PoolCall::ALL {
        for others in [&[Alloc, Alloc, Free][..], &[Alloc, Alloc, IsExhausted, TakeOut, Alloc]] {
            let threads = [&[Alloc, call][..], others];
            at_each_place_of_thread_0(|script| run_pool::<2>(&threads, script));
        }
    }
}

#[test]
fn pool_is_right_in_any_order_of_steps() {
    use PoolCall::{Alloc, Free, IsExhausted, TakeOut};
    for seed in 0..300 {
        let random = &mut Random::new(seed);
        let choices = [Alloc, Alloc, Free, TakeOut, IsExhausted];
        let calls: [[PoolCall; 4]; THREADS] = random_calls(random, &choices);
        let script = random_script(random, THREADS, TURNS);
        run_pool::<2>(&calls.each_ref().map(|c| &c[..]), &script);
    }
}

// === Snapshot ===

/// The counts wrap after a few entries.
const SNAPSHOT_START: u64 = (1 << 48) - 2;

#[test]
fn snapshot_goes_on_past_any_stalled_call() {
    use SnapshotCall::{
        Clone, CompareAndSwap, Decline, LeaveFirst, LeaveLast, Load, Store, Swap, Update,
    };
    let reading = [Load, Clone, LeaveFirst, Decline, LeaveLast, Load, LeaveFirst];
    let writing = [Store, Load, CompareAndSwap, LeaveFirst, Swap, LeaveFirst, Update, LeaveFirst];
    for &call in SnapshotCall::ALL {
        for before in [&[][..], &[Load], &[Swap], &[Load, Store]] {
            let stalled = [before, &[call]].concat();
            for others in [&reading[..], &writing, &[Store, Store, Store]] {
                let threads = [&stalled, others];
                at_each_place_of_thread_0(|script| {
                    run_snapshot::<2>(SNAPSHOT_START, &threads, script)
                });
                at_each_place_of_thread_0(|script| {
                    run_snapshot::<4>(SNAPSHOT_START, &threads, script)
                });
            }
        }
    }
}

/// One leaves, enters or replaces while another one does so, at every pair of places, and readers
/// and writers go on past both.
#[test]
fn snapshot_goes_on_past_two_stalled_calls() {
    use SnapshotCall::{CompareAndSwap, LeaveFirst, Load, Store, Swap};
    for first in [&[Load, LeaveFirst][..], &[Store], &[Swap, LeaveFirst], &[Load, CompareAndSwap]] {
        for second in [&[Load, LeaveFirst][..], &[Store], &[Load, CompareAndSwap]] {
            let threads = [first, second, &[Load, Store, LeaveFirst], &[Store, Load]];
            at_each_two_places(|script| run_snapshot::<3>(SNAPSHOT_START, &threads, script));
        }
    }
}

#[test]
fn snapshot_is_right_in_any_order_of_steps() {
    fn run<const N: usize>(seed: u64) {
        let random = &mut Random::new(seed);
        let calls: [[SnapshotCall; 4]; THREADS] = random_calls(random, SnapshotCall::ALL);
        let script = random_script(random, THREADS, TURNS);
        let start = (1 << 48) - random.below(8) as u64;
        run_snapshot::<N>(start, &calls.each_ref().map(|c| &c[..]), &script);
    }
    (0..100).for_each(run::<2>);
    (100..250).for_each(run::<3>);
    (250..350).for_each(run::<6>);
}

// === Counter ===

#[test]
fn counter_goes_on_past_any_stalled_call() {
    for &call in CounterCall::ALL {
        let threads = [&[call][..], CounterCall::ALL];
        at_each_place_of_thread_0(|script| run_counter(3, &threads, script));
    }
}

/// The rest of the family: whoever stands still anywhere, everybody else comes to his end, and the totals
/// are right when all have.
#[test]
fn counters_go_on_past_any_stalled_call() {
    for &(name, call) in COUNTERS_CALLS {
        at_each_place_of_thread_0(|script| {
            let (counters, totals) = (Guarded::new(Counters::new()), Totals::new());
            let (counters_of, totals_of) = (&counters, &totals);
            let others = COUNTERS_CALLS.iter().map(|&(_, other)| -> Box<dyn FnOnce() + Send> {
                Box::new(move || other(counters_of, totals_of))
            });
            let threads: Vec<Calls<'_>> =
                vec![vec![Box::new(|| call(&counters, &totals))], others.collect()];
            let stopped = conduct(&counters, script, threads);
            counters.judge(&totals, name);
            stopped
        });
    }
}

#[test]
fn counters_are_right_in_any_order_of_steps() {
    for seed in 0..150 {
        let random = &mut Random::new(seed);
        let script = random_script(random, THREADS, TURNS);
        let (counters, totals) = (Guarded::new(Counters::new()), Totals::new());
        let (counters_of, totals_of) = (&counters, &totals);
        let threads = random_calls::<_, 4>(random, COUNTERS_CALLS).map(|calls| -> Calls<'_> {
            let calls = calls.map(|(_, call)| -> Box<dyn FnOnce() + Send> {
                Box::new(move || call(counters_of, totals_of))
            });
            calls.into_iter().collect()
        });
        conduct(&counters, &script, threads.into_iter().collect());
        counters.judge(&totals, &script);
    }
}
