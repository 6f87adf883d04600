//! Defends the word *any* in "**Context** any" against the real thing: timers interrupt each thread
//! thousands of times, at whatever instruction it has come to, and the signal handler uses the
//! structure that the thread was using. At the end every figure is exact.
//!
//! (That each *place* of an interruption is tried is the business of `nested_interrupts.rs`; here
//! several threads are interrupted at once, on several CPUs.)
//!
//! A handler cannot panic. What it finds wrong it counts, and the test looks at the count.

#![cfg(target_os = "linux")]
#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use latchless::counter::Counter;
use latchless::ring::spsc::{Consumer, Producer};
use latchless::ring::{MpmcRing, SpscRing};
use latchless::stack::{IndexStack, Pool};

use common::signals::{Timer, handle, real_time_signal};
use common::stamps::Stamped;
use common::team::Team;

/// How often the handler of each test has to run.
const INTERRUPTS: u64 = 10_000;

/// When each thread is interrupted again.
const PERIOD_NANOSECONDS: i64 = 40_000;

/// Runs `turn` over and over on each of `threads` threads, which `handler` interrupts, until
/// `interrupts` says that it was enough. `turn` gets the number of the thread and of the turn.
fn interrupted(
    signal_offset: c_int,
    handler: extern "C" fn(c_int),
    interrupts: &AtomicU64,
    threads: usize,
    turn: impl Fn(usize, u64) + Sync,
) {
    let signal = real_time_signal(signal_offset);
    handle(signal, handler);
    Team::run_alike(threads, |_, me| {
        let _timer = Timer::start(signal, PERIOD_NANOSECONDS);
        let mut turns = 0;
        while interrupts.load(Relaxed) < INTERRUPTS {
            turn(me, turns);
            turns += 1;
            assert!(turns < 1 << 32, "no interrupts arrive");
        }
    });
}

// === Counter ===

mod counter {
    use super::*;

    static COUNTER: Counter = Counter::with_value(u64::MAX);
    static INTERRUPTED: AtomicU64 = AtomicU64::new(0);

    extern "C" fn handler(_: c_int) {
        COUNTER.add(1_000);
        INTERRUPTED.fetch_add(1, Relaxed);
    }

    #[test]
    fn counts_threads_and_handlers() {
        let turns = AtomicU64::new(0);
        interrupted(0, handler, &INTERRUPTED, 2, |_, _| {
            COUNTER.inc();
            COUNTER.add(4);
            COUNTER.sub(2);
            turns.fetch_add(1, Relaxed);
        });
        let expected = 3 * turns.into_inner() + 1_000 * INTERRUPTED.load(Relaxed);
        assert_eq!(COUNTER.get().wrapping_add(1), expected);
    }
}

// === The unlocked instructions ===

#[cfg(target_arch = "x86_64")]
mod local {
    use super::*;
    use latchless::arch::Local;

    static WORD: AtomicU64 = AtomicU64::new(0);
    static INTERRUPTED: AtomicU64 = AtomicU64::new(0);

    extern "C" fn handler(_: c_int) {
        // SAFETY: the word is valid and aligned, and written by the one thread that is interrupted.
        unsafe { u64::local_add(WORD.as_ptr(), 1 << 40) };
        INTERRUPTED.fetch_add(1, Relaxed);
    }

    #[test]
    fn unlocked_instruction_loses_nothing_to_its_own_handlers() {
        let turns = AtomicU64::new(0);
        // One thread: the kernel may move it to another CPU, but not in the middle of an
        // instruction, and nobody else writes the word.
        interrupted(1, handler, &INTERRUPTED, 1, |_, _| {
            // SAFETY: the word is valid and aligned, and this thread's and its handler's.
            unsafe { u64::local_inc(WORD.as_ptr()) };
            // SAFETY: as above.
            unsafe { u64::local_xadd(WORD.as_ptr(), 2) };
            turns.fetch_add(3, Relaxed);
        });
        let expected = turns.into_inner() + (INTERRUPTED.load(Relaxed) << 40);
        assert_eq!(WORD.load(Relaxed), expected);
    }
}

// === MpmcRing ===

mod mpmc {
    use super::*;

    /// Values are numbers below this, over and over.
    const VALUES: u64 = 1 << 16;

    static RING: MpmcRing<u64, 4> = MpmcRing::with_start(u64::MAX - 10_000);
    static INTERRUPTED: AtomicU64 = AtomicU64::new(0);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    static ACCEPTED: [AtomicU32; VALUES as usize] = [const { AtomicU32::new(0) }; VALUES as usize];
    static RECEIVED: [AtomicU32; VALUES as usize] = [const { AtomicU32::new(0) }; VALUES as usize];

    fn push() {
        let value = NEXT.fetch_add(1, Relaxed) % VALUES;
        if RING.push(value).is_ok() {
            ACCEPTED[value as usize].fetch_add(1, Relaxed);
        }
    }

    fn pop() -> bool {
        let value = RING.pop();
        if let Some(value) = value {
            RECEIVED[value as usize].fetch_add(1, Relaxed);
        }
        value.is_some()
    }

    extern "C" fn handler(_: c_int) {
        // Now push first, now pop first: on an empty and on a full ring each.
        if INTERRUPTED.fetch_add(1, Relaxed) % 2 == 0 {
            push();
            pop();
        } else {
            pop();
            push();
        }
    }

    #[test]
    fn mpmc_ring_loses_nothing_to_handlers() {
        interrupted(2, handler, &INTERRUPTED, 2, |me, turn| {
            // Half full most of the time, but now and then full or empty.
            match (turn + me as u64) % 16 {
                0..8 => push(),
                _ => _ = pop(),
            }
        });
        while pop() {}
        for (value, (accepted, received)) in ACCEPTED.iter().zip(&RECEIVED).enumerate() {
            let (accepted, received) = (accepted.load(Relaxed), received.load(Relaxed));
            assert_eq!(received, accepted, "value {value} was not received as often as accepted");
        }
        // No slot was lost.
        for value in 0..4 {
            assert!(RING.push(value).is_ok());
        }
        assert!(RING.push(4).is_err());
    }
}

// === SpscRing ===

/// A place for one end of a ring that only one context uses: a handler, of one thread.
struct HandlersOwn<T>(UnsafeCell<Option<T>>);

// SAFETY: `install` is called before the handler is, and `get` by the handler only, which runs on one
// thread and does not interrupt itself: the signal is blocked while it runs.
unsafe impl<T: Send> Sync for HandlersOwn<T> {}

impl<T> HandlersOwn<T> {
    const fn new() -> Self {
        Self(UnsafeCell::new(None))
    }

    /// Hands `value` over to the handler.
    ///
    /// # Safety
    ///
    /// The handler does not run yet.
    unsafe fn install(&self, value: T) {
        // SAFETY: nobody else uses the place yet.
        unsafe { *self.0.get() = Some(value) };
    }

    /// What was handed over.
    ///
    /// # Safety
    ///
    /// Called by the one handler on the one thread, which keeps no earlier reference.
    #[expect(clippy::mut_from_ref, reason = "the caller is the only one")]
    unsafe fn get(&self) -> Option<&mut T> {
        // SAFETY: nobody else uses the place any more.
        unsafe { (*self.0.get()).as_mut() }
    }
}

mod spsc_producer_in_handler {
    use super::*;

    static RING: SpscRing<Stamped, 4> = SpscRing::with_start(usize::MAX - 1_000);
    static INTERRUPTED: AtomicU64 = AtomicU64::new(0);
    static SENT: AtomicU64 = AtomicU64::new(0);
    static PRODUCER: HandlersOwn<Producer<&'static SpscRing<Stamped, 4>>> = HandlersOwn::new();

    extern "C" fn handler(_: c_int) {
        // SAFETY: this is the one handler, on the one thread that is interrupted.
        if let Some(producer) = unsafe { PRODUCER.get() } {
            let number = SENT.load(Relaxed);
            if producer.push(Stamped::new(0, number as usize)).is_ok() {
                SENT.store(number + 1, Relaxed);
            }
        }
        INTERRUPTED.fetch_add(1, Relaxed);
    }

    #[test]
    fn spsc_ring_carries_samples_out_of_a_handler() {
        let (producer, mut consumer) = RING.try_split().expect("nobody asked before");
        // SAFETY: the timer has not been started.
        unsafe { PRODUCER.install(producer) };
        let consumer = std::sync::Mutex::new((&mut consumer, 0));
        interrupted(3, handler, &INTERRUPTED, 1, |_, _| {
            let (consumer, received) = &mut *consumer.lock().expect("one thread");
            if let Some(sample) = consumer.pop() {
                assert_eq!(sample.origin(), (0, *received));
                *received += 1;
            }
        });
        let (consumer, mut received) = consumer.into_inner().expect("one thread");
        while let Some(sample) = consumer.pop() {
            assert_eq!(sample.origin(), (0, received));
            received += 1;
        }
        assert_eq!(received as u64, SENT.load(Relaxed));
        assert!(received > 0);
    }
}

mod spsc_consumer_in_handler {
    use super::*;

    static RING: SpscRing<Stamped, 4> = SpscRing::with_start(usize::MAX - 1_000);
    static INTERRUPTED: AtomicU64 = AtomicU64::new(0);
    static RECEIVED: AtomicU64 = AtomicU64::new(0);
    static WRONG: AtomicU64 = AtomicU64::new(0);
    static CONSUMER: HandlersOwn<Consumer<&'static SpscRing<Stamped, 4>>> = HandlersOwn::new();

    extern "C" fn handler(_: c_int) {
        // SAFETY: this is the one handler, on the one thread that is interrupted.
        if let Some(consumer) = unsafe { CONSUMER.get() } {
            // Two at most, so that the ring is full most of the time.
            for _ in 0..2 {
                if let Some(item) = consumer.pop() {
                    let number = RECEIVED.fetch_add(1, Relaxed);
                    let expected = Stamped::new(0, number as usize);
                    WRONG.fetch_add((item != expected).into(), Relaxed);
                }
            }
        }
        INTERRUPTED.fetch_add(1, Relaxed);
    }

    #[test]
    fn spsc_ring_carries_work_into_a_handler() {
        let (producer, consumer) = RING.try_split().expect("nobody asked before");
        // SAFETY: the timer has not been started.
        unsafe { CONSUMER.install(consumer) };
        let producer = std::sync::Mutex::new((producer, 0));
        interrupted(4, handler, &INTERRUPTED, 1, |_, _| {
            let (producer, sent) = &mut *producer.lock().expect("one thread");
            if producer.push(Stamped::new(0, *sent)).is_ok() {
                *sent += 1;
            }
        });
        let (producer, sent) = producer.into_inner().expect("one thread");
        assert_eq!(WRONG.load(Relaxed), 0, "items out of order, or torn");
        assert_eq!(RECEIVED.load(Relaxed) + producer.len() as u64, sent as u64);
        assert!(RECEIVED.load(Relaxed) > 0);
    }
}

// === IndexStack ===

mod index_stack {
    use super::*;

    static STACK: IndexStack<5> = IndexStack::full();
    static OWNERS: [AtomicU8; 5] = [const { AtomicU8::new(0) }; 5];
    static INTERRUPTED: AtomicU64 = AtomicU64::new(0);
    static WRONG: AtomicU64 = AtomicU64::new(0);

    fn take() -> Option<u32> {
        let index = STACK.pop()?;
        let had_owner = OWNERS[index as usize].swap(1, Relaxed) != 0;
        WRONG.fetch_add(had_owner.into(), Relaxed);
        Some(index)
    }

    fn give(index: u32) {
        OWNERS[index as usize].store(0, Relaxed);
        WRONG.fetch_add(STACK.push(index).is_err().into(), Relaxed);
    }

    extern "C" fn handler(_: c_int) {
        // Takes two and gives the first back first: the same top over another chain.
        let taken = [take(), take()];
        taken.into_iter().flatten().for_each(give);
        INTERRUPTED.fetch_add(1, Relaxed);
    }

    #[test]
    fn index_stack_loses_nothing_to_handlers() {
        interrupted(5, handler, &INTERRUPTED, 2, |_, _| {
            if let Some(index) = take() {
                give(index);
            }
        });
        assert_eq!(WRONG.load(Relaxed), 0, "an index had two owners");
        let mut left: Vec<u32> = core::iter::from_fn(take).take(6).collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2, 3, 4]);
    }
}

// === Pool ===

mod pool {
    use super::*;

    static POOL: Pool<Stamped, 4> = Pool::new();
    static INTERRUPTED: AtomicU64 = AtomicU64::new(0);
    static WRONG: AtomicU64 = AtomicU64::new(0);

    extern "C" fn handler(_: c_int) {
        let number = INTERRUPTED.fetch_add(1, Relaxed) as usize;
        let stamps = [Stamped::new(7, number), Stamped::new(8, number)];
        let boxes = stamps.map(|stamp| POOL.alloc(stamp));
        for (owned, stamp) in boxes.into_iter().zip(stamps) {
            if let Ok(owned) = owned {
                WRONG.fetch_add((*owned != stamp).into(), Relaxed);
            }
        }
    }

    #[test]
    fn pool_keeps_owners_apart_from_handlers() {
        interrupted(6, handler, &INTERRUPTED, 2, |me, turn| {
            let stamp = Stamped::new(me, turn as usize);
            if let Ok(mut owned) = POOL.alloc(stamp) {
                assert_eq!(owned.origin(), stamp.origin());
                *owned = Stamped::new(me, turn as usize + 1);
                assert_eq!(owned.origin(), (me, turn as usize + 1));
                if turn % 2 == 0 {
                    assert_eq!(owned.into_inner().origin(), (me, turn as usize + 1));
                }
            }
        });
        assert_eq!(WRONG.load(Relaxed), 0, "a value changed while a handler owned it");
        let all = [(); 4].map(|()| POOL.alloc(Stamped::new(0, 0)).ok());
        assert!(all.iter().all(Option::is_some), "each slot is back");
        assert!(POOL.is_exhausted());
    }
}
