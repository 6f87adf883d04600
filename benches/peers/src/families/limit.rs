//! What the machine takes for the least that any contestant must do, measured in the same rounds.
//!
//! These are no structures: they move or count just as much, and leave out what makes a structure
//! safe to use.

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use latchless::mem::CachePadded;

use super::queue::{self, Item, Line, Pop, Push, Queue, leak, one};
use crate::bench::{Bench, Lap, Sample, Work, insist};
use crate::case::{Case, Payload, Shape};

/// Items go over in halves of the buffer: lines move between the caches as in a ring, and next to
/// nothing is spent on saying so.
pub(super) fn stream(case: &Case, bench: &Bench) -> Sample {
    match case.payload {
        Payload::Word => halves::<u64>(case, bench),
        Payload::Line => halves::<Line>(case, bench),
    }
}

struct Half<T> {
    is_full: CachePadded<AtomicBool>,
    items: UnsafeCell<Vec<T>>,
}

// SAFETY: the producer touches the items only while `is_full` is false, the consumer only while it
// is true; each hands over by a release store that the other acquires.
unsafe impl<T: Send> Sync for Half<T> {}

fn halves<T: Item>(case: &Case, bench: &Bench) -> Sample {
    let size = case.capacity / 2;
    let halves = [(); 2].map(|()| Half {
        is_full: CachePadded::new(AtomicBool::new(false)),
        items: UnsafeCell::new(vec![T::default(); size]),
    });
    bench.measure(size as u64, |count| {
        let rounds = count / size as u64;
        let mut sum = 0_u64;
        let sum_out = &mut sum;
        let producer: Work<'_> = Box::new(|| {
            let mut number = 0;
            for (half, _) in halves.iter().cycle().zip(0..rounds) {
                insist(|| (!half.is_full.load(Ordering::Acquire)).then_some(()));
                // SAFETY: the half is empty, so it is the producer's.
                for item in unsafe { &mut *half.items.get() } {
                    number += 1;
                    *item = T::of(number);
                }
                half.is_full.store(true, Ordering::Release);
            }
        });
        let consumer: Work<'_> = Box::new(|| {
            let mut total = 0_u64;
            for (half, _) in halves.iter().cycle().zip(0..rounds) {
                insist(|| half.is_full.load(Ordering::Acquire).then_some(()));
                // SAFETY: the half is full, so it is the consumer's.
                for item in unsafe { &*half.items.get() } {
                    total = total.wrapping_add(item.number());
                }
                half.is_full.store(false, Ordering::Release);
            }
            *sum_out = total;
        });
        let lap = bench.together(vec![producer, consumer]);
        // An odd number of halves would leave the next lap waiting for the wrong one.
        reset(&halves);
        let moved = rounds * size as u64;
        assert_eq!(sum, (u128::from(moved) * u128::from(moved + 1) / 2) as u64, "wrong checksum");
        lap
    })
}

fn reset<T>(halves: &[Half<T>]) {
    for half in halves {
        half.is_full.store(false, Ordering::Release);
    }
}

/// One cache line goes there, another comes back.
pub(super) fn round_trip(case: &Case, bench: &Bench) -> Sample {
    queue::run::<u64, Mailbox>(case, bench)
}

struct Mailbox;

impl Queue<u64> for Mailbox {
    type Tx = &'static CachePadded<AtomicU64>;
    type Rx = (&'static CachePadded<AtomicU64>, u64);

    fn open(_: usize, _: usize) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let line: &'static _ = leak(CachePadded::new(AtomicU64::new(0)));
        one((line, (line, 0)))
    }
}

impl Push<u64> for &'static CachePadded<AtomicU64> {
    #[inline(always)]
    fn push(&mut self, item: u64) -> bool {
        self.store(item, Ordering::Release);
        true
    }
}

impl Pop<u64> for (&'static CachePadded<AtomicU64>, u64) {
    #[inline(always)]
    fn pop(&mut self) -> Option<u64> {
        let item = self.0.load(Ordering::Acquire);
        // Each lap counts from 1 again.
        let is_new = item != self.1;
        self.1 = item;
        is_new.then_some(item)
    }
}

/// A plain store, and the load that sees it.
pub(super) fn store_and_load(case: &Case, bench: &Bench) -> Sample {
    match case.payload {
        Payload::Word => in_place::<u64>(bench),
        Payload::Line => in_place::<Line>(bench),
    }
}

fn in_place<T: Item>(bench: &Bench) -> Sample {
    bench.measure(1, |count| {
        bench.alone(|| {
            let mut place = T::default();
            let place = black_box(&raw mut place);
            let mut total = 0_u64;
            for number in 0..count {
                // SAFETY: the place is this function's own variable.
                unsafe { place.write_volatile(T::of(number)) };
                // SAFETY: as above.
                total = total.wrapping_add(unsafe { place.read_volatile() }.number());
            }
            black_box(total);
        })
    })
}

/// Every push and every pop draws a ticket from a counter that all share: `lock xadd`.
pub(super) fn tickets(case: &Case, bench: &Bench) -> Sample {
    let tail = CachePadded::new(AtomicU64::new(0));
    let head = CachePadded::new(AtomicU64::new(0));
    let draw = |counters: &[&AtomicU64], times: u64| {
        let mut total = 0_u64;
        for _ in 0..times {
            for counter in counters {
                total = total.wrapping_add(counter.fetch_add(1, Ordering::Relaxed));
            }
        }
        black_box(total);
    };
    let (workers, counters): (usize, &[&[&AtomicU64]]) = match case.shape {
        Shape::Stream(pairs) => (pairs, &[&[&*tail], &[&*head]]),
        _ => (case.threads(), &[&[&*tail, &*head]]),
    };
    bench.measure(workers as u64, |count| {
        let each = count / workers as u64;
        let mut work: Vec<Work<'_>> = Vec::new();
        for _ in 0..workers {
            for counters in counters {
                work.push(Box::new(move || draw(counters, each)));
            }
        }
        bench.together(work)
    })
}

/// A free list of each thread's own.
pub(super) fn own_list(case: &Case, bench: &Bench) -> Sample {
    let burst = if let Shape::Burst(burst) = case.shape { burst } else { 1 };
    let threads = case.threads();
    bench.measure((threads * burst) as u64, |count| {
        let rounds = count / (threads * burst) as u64;
        let work = (0..threads).map(|_| -> Work<'_> {
            Box::new(move || {
                let mut free: Vec<Box<Line>> = (0..burst).map(|_| Box::default()).collect();
                let mut taken = Vec::with_capacity(burst);
                let mut total = 0_u64;
                for number in 1..=rounds {
                    for _ in 0..burst {
                        let mut block = free.pop().expect("as many came back");
                        *block = Line::of(number);
                        taken.push(block);
                    }
                    for block in taken.drain(..) {
                        total = total.wrapping_add(block.number());
                        free.push(block);
                    }
                    black_box(&mut free);
                }
                black_box(total);
            })
        });
        bench.together(work.collect())
    })
}

/// Each thread adds to memory of its own, by a plain `add`.
pub(super) fn own_count(case: &Case, bench: &Bench) -> Sample {
    let threads = case.threads();
    bench.measure(threads as u64, |count| {
        let each = count / threads as u64;
        let work = (0..threads).map(|_| -> Work<'_> {
            Box::new(move || {
                let mut own = CachePadded::new(0_u64);
                let place = black_box(&raw mut *own);
                for _ in 0..each {
                    // SAFETY: the place is this thread's own variable.
                    let value = unsafe { place.read_volatile() };
                    // SAFETY: as above.
                    unsafe { place.write_volatile(value + 1) };
                }
            })
        });
        bench.together(work.collect())
    })
}

/// Times a loop of `operation` on one thread.
pub(super) fn repeat(bench: &Bench, mut operation: impl FnMut() -> u64 + Send) -> Sample {
    bench.measure(1, |count| -> Lap {
        bench.alone(|| {
            let mut total = 0_u64;
            for _ in 0..count {
                total = total.wrapping_add(operation());
            }
            black_box(total);
        })
    })
}
