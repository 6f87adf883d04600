//! Threads use every structure at once, a bounded number of times, and check what came of it.
//!
//! `workload [COUNT]`: so many turns of each thread. No test harness: a tool would watch its threads
//! too. All values own memory, so that a value read twice, too early or never shows as more than a
//! wrong total. Nothing but the structures orders what the threads do: a tool that follows
//! orderings must find each of them in the structure.

#[path = "../../../common/stamps.rs"]
mod stamps;
#[path = "../../../common/team.rs"]
#[expect(dead_code, reason = "this program takes the parts it needs")]
mod team;

use core::cell::UnsafeCell;
use std::env;

use latchless::counter::Counter;
use latchless::ring::spsc::{Consumer, Producer};
use latchless::ring::{MpmcRing, SpscRing};
use latchless::stack::{Exhausted, IndexStack, Pool, PoolBox};

use stamps::{Stamped, assert_each_once_in_order};
use team::{Member, Producers, Team};

/// Turns of each thread if the command line does not say.
const COUNT: usize = 20_000;
/// Threads where any number may take part: more than the slots that they compete for.
const THREADS: usize = 3;
/// Slots of the rings and the pool: few, so that they are full and empty often.
const SLOTS: usize = 4;

/// What travels.
type Parcel = Box<Stamped>;

fn parcel(sender: usize, number: usize) -> Parcel {
    Box::new(Stamped::new(sender, number))
}

fn main() {
    let count = env::args().nth(1).map_or(COUNT, |word| word.parse().expect("COUNT is a number"));
    counter(count);
    spsc_ring(count);
    spsc_ring_in_a_static(count);
    mpmc_ring(count);
    index_stack(count);
    pool(count);
    println!("{count} turns of each thread on each structure: all totals are right");
}

fn counter(count: usize) {
    let counter = &Counter::new();
    let taken = Team::run_alike(THREADS, |_, _| {
        let mut taken = 0_u64;
        for turn in 0..count {
            counter.inc();
            counter.add(3);
            counter.sub(1);
            if turn % 8 == 0 {
                taken = taken.wrapping_add(counter.take());
            }
        }
        taken
    });
    let total = taken.into_iter().fold(counter.get(), u64::wrapping_add);
    assert_eq!(total, 3 * (THREADS * count) as u64);
}

/// Sends `count` parcels from one thread to another, which takes them in every way there is.
fn send_one_to_one(
    mut producer: Producer<'_, Parcel, SLOTS>,
    mut consumer: Consumer<'_, Parcel, SLOTS>,
    count: usize,
) {
    let push: Member<'_, ()> = Box::new(move |team| {
        for number in 0..count {
            team.push(parcel(0, number), |parcel| producer.push(parcel));
        }
    });
    let pop: Member<'_, ()> = Box::new(move |team| {
        let mut batch = heapless::Vec::<Parcel, { SLOTS - 1 }>::new();
        let mut number = 0;
        while number < count {
            if number % 4 == 0 {
                team.wait_until(|| consumer.pop_into_vec(&mut batch) > 0);
            } else {
                team.wait_until(|| consumer.peek().is_some());
                assert_eq!(consumer.peek().map(|parcel| parcel.origin()), Some((0, number)));
                let popped = consumer.pop().map(|parcel| batch.push(parcel));
                assert!(matches!(popped, Some(Ok(()))));
            }
            for parcel in &batch {
                assert_eq!(parcel.origin(), (0, number));
                number += 1;
            }
            batch.clear();
        }
        assert!(consumer.pop().is_none());
    });
    Team::run(vec![push, pop]);
}

fn spsc_ring(count: usize) {
    let mut ring = SpscRing::new();
    let (producer, consumer) = ring.split();
    send_one_to_one(producer, consumer, count);
    // What is left in a ring is dropped with it.
    let (mut producer, _) = ring.split();
    for number in 0..SLOTS {
        assert!(producer.push(parcel(0, number)).is_ok());
    }
    assert!(producer.push(parcel(0, SLOTS)).is_err());
}

fn spsc_ring_in_a_static(count: usize) {
    static RING: SpscRing<Parcel, SLOTS> = SpscRing::new();
    let (producer, consumer) = RING.try_split().expect("nobody has split it");
    assert!(RING.try_split().is_none());
    send_one_to_one(producer, consumer, count);
}

fn mpmc_ring(count: usize) {
    let ring = &MpmcRing::<Parcel, SLOTS>::new();
    let at_work = &Producers::new(2);
    let pushing = (0..2).map(|sender| -> Member<'_, Vec<(usize, usize)>> {
        Box::new(move |team| {
            for number in 0..count {
                team.push(parcel(sender, number), |parcel| ring.push(parcel));
            }
            at_work.finish_one();
            Vec::new()
        })
    });
    let popping = (0..2).map(|_| -> Member<'_, Vec<(usize, usize)>> {
        Box::new(move |team| {
            let mut received = Vec::with_capacity(2 * count);
            at_work.drain(team, || ring.pop(), |parcel| received.push(parcel.origin()));
            received
        })
    });
    let received = Team::run(pushing.chain(popping).collect());
    assert_each_once_in_order(2, count, &received);
    // What is left in a ring is dropped with it.
    for number in 0..SLOTS {
        assert!(ring.push(parcel(0, number)).is_ok());
    }
    assert!(ring.push(parcel(0, SLOTS)).is_err());
}

/// A tally that the owner of its index may touch, with no atomics.
#[derive(Debug)]
struct Block(UnsafeCell<usize>);

// SAFETY: only the owner of its index touches it, and an index in the stack has none.
unsafe impl Sync for Block {}

fn index_stack(count: usize) {
    let stack = &IndexStack::<2>::full();
    let blocks = &[const { Block(UnsafeCell::new(0)) }; 2];
    Team::run_alike(THREADS, |team, _| {
        for _ in 0..count {
            let index = team.wait_for(|| stack.pop());
            // SAFETY: `pop` made this thread the owner of the index, until the push below.
            unsafe { *blocks[index as usize].0.get() += 1 };
            stack.push(index).expect("the index came out of this stack");
        }
    });
    // SAFETY: the threads have ended.
    let tallies = blocks.each_ref().map(|block| unsafe { *block.0.get() });
    assert_eq!(tallies.iter().sum::<usize>(), THREADS * count);
}

fn pool(count: usize) {
    let pool = &Pool::<Parcel, SLOTS>::new();
    let passed_on = &MpmcRing::<PoolBox<'_, Parcel, SLOTS>, 2>::new();
    Team::run_alike(THREADS, |team, me| {
        for number in 0..count {
            let mut refused = Some(parcel(me, number));
            let mut owned = team.wait_for(|| {
                let outcome = pool.alloc(refused.take()?);
                outcome.map_err(|Exhausted(back)| refused = Some(back)).ok()
            });
            assert_eq!(owned.origin(), (me, number));
            *owned = parcel(me, number + 1);
            match number % 3 {
                0 => drop(owned),
                1 => assert_eq!(owned.into_inner().origin(), (me, number + 1)),
                // Another thread may be the one that drops it.
                _ => drop(passed_on.push(owned)),
            }
            if let Some(others) = passed_on.pop() {
                assert!(others.origin().0 < THREADS);
            }
        }
    });
    drop(passed_on.pop().into_iter().chain(passed_on.pop()).collect::<Vec<_>>());
    let owned: Vec<_> = (0..SLOTS).filter_map(|at| pool.alloc(parcel(0, at)).ok()).collect();
    assert_eq!(owned.len(), SLOTS, "a slot was lost");
    assert!(pool.is_exhausted());
}
