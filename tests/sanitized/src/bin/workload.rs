//! Threads use every atomic and every structure, a bounded number of times, and check what came of it.
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
use core::ptr;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::env;

#[cfg(not(latchless_native))]
use latchless::atomic::AtomicPair;
use latchless::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
    AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
};
use latchless::counter::{
    BatchedCounter, BoundedCounter, ByStack, Counter, HighWater, Histogram, RefCount, Sequence,
    ShardedCounter,
};
#[cfg(not(latchless_native))]
use latchless::ring::WordRing;
use latchless::ring::spsc::{Consumer, Producer};
use latchless::ring::turn::{PopError, PushError};
use latchless::ring::{MpmcRing, OverwritingRing, SpscRing, TurnRing};
use latchless::snapshot::{CompareError, Guard, Snapshot};
#[cfg(not(latchless_native))]
use latchless::stack::{Chain, TreiberStack};
use latchless::stack::{
    Counted, Exhausted, IndexStack, KeyedPool, Node, Pool, PoolArc, PoolBox, TransferStack,
};

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

/// A tally with no atomics, which one thread at a time may touch.
#[derive(Debug)]
struct Block(UnsafeCell<usize>);

// SAFETY: whoever touches it says why no other thread does.
unsafe impl Sync for Block {}

fn main() {
    let count = env::args().nth(1).map_or(COUNT, |word| word.parse().expect("COUNT is a number"));
    // Ten of them, each with many times the read-modify-writes of a structure.
    integers(count / 20);
    flag(count);
    pointer(count);
    #[cfg(not(latchless_native))]
    pair(count);
    counter(count);
    counters(count);
    spsc_ring(count);
    spsc_ring_in_a_static(count);
    spsc_ring_in_chunks(count);
    overwriting_ring(count);
    mpmc_ring(count);
    #[cfg(not(latchless_native))]
    word_ring(count);
    turn_ring(count);
    index_stack(count);
    #[cfg(not(latchless_native))]
    treiber_stack(count);
    transfer_stack(count);
    pool(count);
    pool_forms(count);
    snapshot(count);
    println!("{count} turns of each thread on each structure: all totals are right");
}

// === Atomics ===

/// Every operation of the integers. Each integer has memory of its own, so that an access that is
/// too wide is one outside of it.
fn integers(count: usize) {
    macro_rules! check {
        ($($atomic:ident $int:ident,)+) => {$({
            let [sum, bits, any] = &[0; 3].map(|zero| Box::new($atomic::new(zero)));
            Team::run_alike(THREADS, |_, me| {
                let mine = 1 << me;
                for turn in 0..count {
                    // Three more in sum.
                    sum.fetch_add(7, Relaxed);
                    sum.fetch_sub(3, Relaxed);
                    sum.add(2, Relaxed);
                    sum.sub(5, Relaxed);
                    sum.inc(Relaxed);
                    sum.inc(Relaxed);
                    sum.dec(Relaxed);
                    assert!(sum.fetch_update(Relaxed, Relaxed, |sum| Some(sum.wrapping_add(1))).is_ok());
                    // Only this thread sets and clears its bit.
                    assert_eq!(bits.fetch_or(mine, Relaxed) & mine, 0);
                    assert_eq!(bits.fetch_xor(mine, Relaxed) & mine, mine);
                    bits.xor(mine, Relaxed);
                    bits.and(!mine, Relaxed);
                    bits.or(mine, Relaxed);
                    assert_eq!(bits.fetch_and(!mine, Relaxed) & mine, mine);
                    // The same bit: what is beyond the width counts from 0 again.
                    let number = me as u32 + 3 * $int::BITS;
                    assert!(!bits.bit_set(number, Relaxed));
                    assert!(bits.bit_toggle(number, Relaxed));
                    assert!(!bits.bit_toggle(number, Relaxed));
                    assert!(bits.bit_clear(number, Relaxed));
                    // Whatever comes of it.
                    any.swap(turn as $int, Relaxed);
                    any.fetch_max(mine, Relaxed);
                    any.fetch_min(mine, Relaxed);
                    any.fetch_nand(mine, Relaxed);
                    let _ = any.compare_exchange(mine, 0, Relaxed, Relaxed);
                    any.store(mine, Relaxed);
                }
            });
            assert_eq!(sum.load(Relaxed), (3 * THREADS * count) as $int);
            assert_eq!(bits.load(Relaxed), 0);
        })+};
    }
    check! {
        AtomicU8 u8, AtomicU16 u16, AtomicU32 u32, AtomicU64 u64, AtomicUsize usize,
        AtomicI8 i8, AtomicI16 i16, AtomicI32 i32, AtomicI64 i64, AtomicIsize isize,
    }
}

/// A flag that admits one thread at a time to what has no atomics.
fn flag(count: usize) {
    let is_taken = &Box::new(AtomicBool::new(false));
    let block = &Block(UnsafeCell::new(0));
    Team::run_alike(THREADS, |team, _| {
        for _ in 0..count {
            team.wait_until(|| !is_taken.swap(true, Acquire));
            // SAFETY: this thread alone found the flag down, and it is up until the store below.
            unsafe { *block.0.get() += 1 };
            is_taken.store(false, Release);
        }
    });
    // SAFETY: the threads have ended.
    assert_eq!(unsafe { *block.0.get() }, THREADS * count);
}

/// A place that holds one parcel, which each thread replaces by one of its own.
fn pointer(count: usize) {
    let place = &Box::new(AtomicPtr::<Stamped>::new(ptr::null_mut()));
    let take = |new: *mut Stamped| {
        let old = place.swap(new, AcqRel);
        // SAFETY: the place holds null or what `Box::into_raw` gave, and gives it out once.
        (!old.is_null()).then(|| unsafe { Box::from_raw(old) })
    };
    let received = Team::run_alike(THREADS, |_, me| {
        let send = |number| take(Box::into_raw(parcel(me, number)));
        (0..count).filter_map(send).map(|parcel| parcel.origin()).collect::<Vec<_>>()
    });
    let last = take(ptr::null_mut()).map(|parcel| parcel.origin());
    let mut all: Vec<_> = received.into_iter().flatten().chain(last).collect();
    all.sort_unstable();
    assert!(all.into_iter().eq((0..THREADS).flat_map(|me| (0..count).map(move |n| (me, n)))));
}

/// Two words that change together.
#[cfg(not(latchless_native))]
fn pair(count: usize) {
    let pair = &Box::new(AtomicPair::new([0, 0]));
    Team::run_alike(THREADS, |team, _| {
        for _ in 0..count {
            let mut seen = pair.load(Relaxed);
            team.wait_until(|| {
                let [low, high] = seen;
                assert_eq!(high, 2 * low, "half of one value and half of another");
                let outcome = pair.compare_exchange(seen, [low + 1, high + 2], Relaxed, Relaxed);
                outcome.map_err(|found| seen = found).is_ok()
            });
        }
    });
    let total = (THREADS * count) as u64;
    assert_eq!(pair.load(Relaxed), [total, 2 * total]);
}

// === Structures ===

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

/// Everything but the plain counter.
fn counters(count: usize) {
    let sharded = &ShardedCounter::<4, ByStack>::with_source(ByStack);
    let (holds, bounded, ids) = (&RefCount::new(), &BoundedCounter::new(3), &Sequence::new());
    let batched = &BatchedCounter::<4, 8, _>::with_source(ByStack, 0);
    let (highest, latencies) = (&HighWater::new(), &Histogram::<64>::new());
    let taken = Team::run_alike(THREADS, |_, me| {
        let mut taken = 0_u64;
        for turn in 0..count {
            batched.add(if turn % 3 == 0 { -2 } else { 5 });
            highest.record((THREADS * turn + me) as u64);
            latencies.record(turn as u64);
            assert!(latencies.count() > 0 && highest.get() >= turn as u64);
            let own = sharded.local().expect("there are as many cells as threads");
            own.add(3);
            sharded.dec();
            if turn % 8 == 0 {
                taken = taken.wrapping_add(sharded.take());
            }
            holds.inc();
            drop(bounded.try_acquire(2));
            assert!(ids.next_id().is_some() && !holds.dec_and_test());
        }
        taken
    });
    let total = taken.into_iter().fold(sharded.sum(), u64::wrapping_add);
    let turns = (THREADS * count) as u64;
    assert_eq!((total, ids.peek(), bounded.get()), (2 * turns, Some(turns), 0));
    assert!(holds.dec_and_test());
    let thirds = count.div_ceil(3) as i64;
    assert_eq!(batched.sum(), THREADS as i64 * (5 * count as i64 - 7 * thirds));
    assert_eq!(highest.take(), turns - 1);
    assert_eq!(latencies.count(), turns);
}

/// Sends `count` parcels from one thread to another, which takes them in every way there is.
fn send_one_to_one(
    mut producer: Producer<&SpscRing<Parcel, SLOTS>>,
    mut consumer: Consumer<&SpscRing<Parcel, SLOTS>>,
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

fn spsc_ring_in_chunks(count: usize) {
    let mut ring = SpscRing::<Parcel, SLOTS>::new();
    let (mut producer, mut consumer) = ring.split();
    let push: Member<'_, ()> = Box::new(move |team| {
        let mut number = 0;
        while number < count {
            let parcels = |number: usize| (number..count).take(3).map(|number| parcel(0, number));
            if number % 2 == 0 {
                team.wait_until(|| {
                    let pushed = producer.push_iter(parcels(number));
                    number += pushed;
                    pushed > 0
                });
            } else {
                team.wait_until(|| {
                    let chunk = producer.write_chunk_contiguous(2);
                    let pushed = chunk.fill_from_iter(parcels(number));
                    number += pushed;
                    pushed > 0
                });
            }
        }
    });
    let pop: Member<'_, ()> = Box::new(move |team| {
        let mut number = 0;
        while number < count {
            team.wait_until(|| !consumer.is_empty());
            let turn = number % 3;
            let mut see = |parcel: &Parcel| {
                assert_eq!(parcel.origin(), (0, number));
                number += 1;
            };
            match turn {
                0 => consumer.pop_iter().for_each(|parcel| see(&parcel)),
                1 => consumer.pop_iter().take(2).for_each(|parcel| see(&parcel)),
                _ => {
                    let chunk = consumer.read_chunk_contiguous(SLOTS);
                    chunk.as_slices().0.iter().for_each(see);
                    chunk.commit_all();
                }
            }
        }
        assert_eq!(consumer.clear(), 0);
    });
    Team::run(vec![push, pop]);
}

/// Two who take turns to push, as often as they get the end, and one who pops what is left of it.
fn overwriting_ring(count: usize) {
    let ring = &Box::new(OverwritingRing::<Parcel, SLOTS>::new());
    let at_work = &Producers::new(2);
    let pushing = (0..2).map(|sender| -> Member<'_, Vec<(usize, usize)>> {
        Box::new(move |team| {
            let mut evicted = Vec::new();
            for number in 0..count {
                let mut producer = team.wait_for(|| ring.try_producer());
                evicted.extend(producer.push(parcel(sender, number)).map(|parcel| parcel.origin()));
            }
            at_work.finish_one();
            evicted
        })
    });
    let pop: Member<'_, Vec<(usize, usize)>> = Box::new(|team| {
        let mut received = Vec::with_capacity(2 * count);
        // An end of its own for each call.
        let pop = || ring.try_consumer()?.pop();
        at_work.drain(team, pop, |parcel| received.push(parcel.origin()));
        received
    });
    let results = Team::run(pushing.chain([pop]).collect());
    let Some((mut consumer, producer)) = ring.try_consumer().zip(ring.try_producer()) else {
        unreachable!("all ends were given back")
    };
    assert!(consumer.pop().is_none());
    assert_eq!(producer.evicted(), consumer.lost());
    let mut all = results.concat();
    all.sort_unstable();
    let each_once = (0..2).flat_map(|sender| (0..count).map(move |number| (sender, number)));
    assert!(all.into_iter().eq(each_once), "each parcel comes out once");
    drop((consumer, producer));
    // What is left in a ring is dropped with it.
    let Some(mut producer) = ring.try_producer() else { unreachable!("it was given back") };
    for number in 0..2 * SLOTS {
        let _ = producer.push(parcel(0, number));
    }
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

/// Numbers that say who pushed them.
#[cfg(not(latchless_native))]
fn word_ring(count: usize) {
    let ring = &WordRing::<usize, SLOTS>::new();
    let received = Team::run_alike(2, |team, me| {
        let mut received = Vec::with_capacity(2 * count);
        for number in 0..count {
            team.push(2 * number + me, |word| ring.push(word));
            received.push(team.wait_for(|| ring.pop()));
        }
        received
    });
    let mut all = received.concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..2 * count), "each number comes out once");
}

/// Single parcels and pairs, some of which are evicted; the last sender closes the ring.
fn turn_ring(count: usize) {
    let ring = &TurnRing::<Parcel, SLOTS>::new();
    let at_work = &AtomicUsize::new(2);
    let pushing = (0..2).map(|sender| -> Member<'_, Vec<(usize, usize)>> {
        Box::new(move |team| {
            let mut received = Vec::new();
            for number in 0..count / 4 {
                let mut pair =
                    Some([2 * number, 2 * number + 1].map(|number| parcel(sender, number)));
                team.wait_until(|| {
                    pair = pair
                        .take()
                        .and_then(|pair| ring.push_array(pair).err())
                        .map(PushError::into_inner);
                    pair.is_none()
                });
            }
            for number in count / 4 * 2..count {
                let mut refused = Some(parcel(sender, number));
                team.wait_until(|| {
                    let Some(parcel) = refused.take() else { return true };
                    match ring.force_push(parcel) {
                        Ok(evicted) => received.extend(evicted.map(|parcel| parcel.origin())),
                        Err(error) => refused = Some(error.into_inner()),
                    }
                    refused.is_none()
                });
            }
            if at_work.fetch_sub(1, AcqRel) == 1 {
                assert!(ring.close());
            }
            received
        })
    });
    let popping = (0..2).map(|_| -> Member<'_, Vec<(usize, usize)>> {
        Box::new(move |team| {
            let mut received = Vec::with_capacity(2 * count);
            team.wait_until(|| match ring.pop() {
                Ok(parcel) => {
                    received.push(parcel.origin());
                    received.extend(ring.drain().take(2).map(|parcel| parcel.origin()));
                    false
                }
                Err(error) => error == PopError::Closed,
            });
            received
        })
    });
    let received = Team::run(pushing.chain(popping).collect());
    let mut all: Vec<_> = received.into_iter().flatten().collect();
    all.sort_unstable();
    let each_once = (0..2).flat_map(|sender| (0..count).map(move |number| (sender, number)));
    assert!(all.into_iter().eq(each_once), "each parcel comes out once");
    // What is left in a ring is dropped with it.
    let ring = TurnRing::<Parcel, SLOTS>::new();
    for number in 0..SLOTS {
        assert!(ring.push(parcel(0, number)).is_ok());
    }
    assert!(ring.push(parcel(0, SLOTS)).is_err());
}

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

#[cfg(not(latchless_native))]
fn treiber_stack(count: usize) {
    let nodes = [const { Node::new(0_usize) }; 4];
    let free = TreiberStack::new();
    nodes.iter().filter_map(Node::try_claim).for_each(|node| free.push(node));
    let tallies = Team::run_alike(THREADS, |_, me| {
        let mut tally = 0;
        for turn in 0..count {
            let taken = match (turn + me) % 8 {
                0 => free.pop_all(),
                1 => free.pop_many(2),
                _ => free.pop().into_iter().collect(),
            };
            let taken: Chain<_> = taken
                .map(|mut node| {
                    *node += 1;
                    tally += 1;
                    node
                })
                .collect();
            free.push_chain(taken);
        }
        tally
    });
    let left: Vec<_> = free.pop_all().map(|node| *node).collect();
    assert_eq!(left.len(), 4, "a node was lost");
    assert_eq!(left.into_iter().sum::<usize>(), tallies.into_iter().sum());
}

fn transfer_stack(count: usize) {
    let mail = &TransferStack::<Box<Node<Parcel>>>::new();
    let received = Team::run_alike(THREADS, |_, me| {
        let mut received = Vec::new();
        for number in 0..count {
            mail.push(Box::new(Node::new(parcel(me, number))));
            if number % 4 == 0 {
                received.extend(mail.take_all().map(|mut node| node.get_mut().origin()));
            }
        }
        received
    });
    let mut all: Vec<_> = received.into_iter().flatten().collect();
    all.extend(mail.take_all().map(|mut node| node.get_mut().origin()));
    all.sort_unstable();
    let sent = (0..THREADS).flat_map(|me| (0..count).map(move |number| (me, number)));
    assert!(all.into_iter().eq(sent), "a parcel was lost");
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

/// What is in a pool, kept at hand, held by several and found by key.
fn pool_forms(count: usize) {
    let pool = &Pool::<Parcel, SLOTS>::new();
    let shareable = &Pool::<Counted<Parcel>, SLOTS>::new();
    let passed_on = &MpmcRing::<PoolArc<'_, Parcel, SLOTS>, 2>::new();
    let keyed = &KeyedPool::<Parcel, 1>::new();
    let key = keyed.insert(parcel(0, 0)).expect("it is empty");
    let changed = Team::run_alike(THREADS, |_, me| {
        let mut magazine = pool.magazine::<2>();
        let mut changed = 0;
        for number in 0..count {
            if let Ok(owned) = magazine.alloc(parcel(me, number)) {
                assert_eq!(owned.origin(), (me, number));
                match number % 3 {
                    0 => drop(owned),
                    1 => assert!(magazine.free(owned).is_ok()),
                    _ => assert!(magazine.take(owned).is_ok_and(|back| back.origin().1 == number)),
                }
            }
            if let Ok(mut shared) = PoolArc::new(shareable, parcel(me, number)) {
                // Another thread may be the one that drops it.
                drop(passed_on.push(shared.clone()));
                assert_eq!(shared.origin(), (me, number));
                if let Some(alone) = PoolArc::get_mut(&mut shared) {
                    *alone = parcel(me, number);
                }
            }
            if let Some(others) = passed_on.pop() {
                assert!(others.origin().0 < THREADS);
            }
            let change = |kept: &mut Parcel| *kept = parcel(me, kept.origin().1 + 1);
            changed += usize::from(keyed.with(key, change).is_some());
        }
        changed
    });
    drop(passed_on.pop().into_iter().chain(passed_on.pop()).collect::<Vec<_>>());
    let kept = keyed.claim(key).expect("everybody put it back").into_inner();
    assert_eq!(kept.origin().1, changed.into_iter().sum::<usize>());
    let owned: Vec<_> = (0..SLOTS).filter_map(|at| pool.alloc(parcel(0, at)).ok()).collect();
    let shared: Vec<_> =
        (0..SLOTS).filter_map(|at| PoolArc::new(shareable, parcel(0, at)).ok()).collect();
    assert_eq!((owned.len(), shared.len()), (SLOTS, SLOTS), "a slot was lost");
}

fn snapshot(count: usize) {
    let snapshot = &Snapshot::<Parcel, SLOTS>::new(parcel(0, 0));
    let passed_on = &MpmcRing::<Guard<'_, Parcel, SLOTS>, 1>::new();
    let replaced = Team::run_alike(THREADS, |_, me| {
        let mut replaced = 0;
        let view = |guard: &Guard<'_, Parcel, SLOTS>| assert!(guard.origin().0 < THREADS);
        for number in 0..count {
            let seen = snapshot.load();
            view(&seen);
            // Refused or not: whoever is the last drops the parcel.
            let has_replaced = match number % 5 {
                0 => snapshot.store(parcel(me, number)).is_ok(),
                1 => snapshot.swap(parcel(me, number)).map(|before| view(&before)).is_ok(),
                2 => match snapshot.compare_and_swap(&seen, parcel(me, number)) {
                    Ok(()) => true,
                    Err(CompareError::Changed(back) | CompareError::Exhausted(back)) => {
                        assert_eq!(back.origin(), (me, number));
                        false
                    }
                },
                3 => snapshot.fetch_update(|_| Some(parcel(me, number))).is_ok(),
                // Another thread may be the one that leaves last.
                _ => {
                    drop(passed_on.push(seen.clone()));
                    false
                }
            };
            replaced += usize::from(has_replaced);
            drop(seen);
            if let Some(others) = passed_on.pop() {
                view(&others);
            }
        }
        replaced
    });
    assert!(replaced.into_iter().sum::<usize>() > 0);
    drop(passed_on.pop());
    let all: Vec<_> = (0..SLOTS).map_while(|at| snapshot.swap(parcel(0, at)).ok()).collect();
    assert_eq!(all.len(), SLOTS - 1, "a slot was lost");
}
