//! Queues, for one producer and consumer or for many: what a contestant provides, and what the
//! threads of each shape do with it.

use core::arch::x86_64::_rdtsc;
use std::hint::black_box;
use std::iter;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::time::Instant;

use latchless::mem::CachePadded;

use crate::bench::{Bench, PERCENTILES, Sample, Work, insist};
use crate::case::{Case, Shape};
use crate::machine;

/// What is moved through a queue: made from a number, and giving it back if nothing went wrong.
pub(crate) trait Item: Copy + Default + Send + Sync + 'static {
    fn of(number: u64) -> Self;

    /// The number, or garbage if the item arrived torn.
    fn number(&self) -> u64;
}

impl Item for u64 {
    #[inline(always)]
    fn of(number: u64) -> Self {
        number
    }

    #[inline(always)]
    fn number(&self) -> u64 {
        *self
    }
}

/// 64 bytes; the number is in the first and in the last of its words.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
#[expect(unreachable_pub, reason = "heapless declares a public pool of them")]
pub struct Line([u64; 8]);

impl Item for Line {
    #[inline(always)]
    fn of(number: u64) -> Self {
        Self([number; 8])
    }

    #[inline(always)]
    fn number(&self) -> u64 {
        let [first, .., last] = self.0;
        first.wrapping_mul(2).wrapping_sub(last)
    }
}

/// Where a thread puts items in.
pub(crate) trait Push<T: Item>: Send {
    /// Returns whether there was room.
    fn push(&mut self, item: T) -> bool;

    /// Pushes the first few, and returns how many.
    #[inline(always)]
    fn push_batch(&mut self, items: &[T]) -> usize {
        push_one_by_one(self, items)
    }

    /// Pushes the items of the first few of `numbers`, made where they will lie, and returns how
    /// many.
    #[inline(always)]
    fn push_chunk(&mut self, mut numbers: Range<u64>) -> usize {
        let from = numbers.start;
        let refused = numbers.find(|&number| !self.push(T::of(number)));
        (refused.unwrap_or(numbers.end) - from) as usize
    }
}

/// Where a thread takes items out.
pub(crate) trait Pop<T: Item>: Send {
    fn pop(&mut self) -> Option<T>;

    /// Pops into the first few places, and returns how many.
    #[inline(always)]
    fn pop_batch(&mut self, places: &mut [T]) -> usize {
        pop_one_by_one(self, places)
    }

    /// Pops `most` items at most, read where they lie: adds up their numbers, and returns how many.
    #[inline(always)]
    fn pop_chunk(&mut self, most: usize, total: &mut u64) -> usize {
        add_up(iter::from_fn(|| self.pop()).take(most), total)
    }
}

/// What stands in for a batch where a queue has none.
#[inline(always)]
pub(super) fn push_one_by_one<T: Item>(tx: &mut (impl Push<T> + ?Sized), items: &[T]) -> usize {
    items.iter().take_while(|&&item| tx.push(item)).count()
}

/// What stands in for a batch where a queue has none.
#[inline(always)]
pub(super) fn pop_one_by_one<T: Item>(rx: &mut (impl Pop<T> + ?Sized), places: &mut [T]) -> usize {
    let mut count = 0;
    for place in places {
        let Some(item) = rx.pop() else { break };
        *place = item;
        count += 1;
    }
    count
}

/// Copies as many of `items` as there are places for, and returns how many.
#[inline(always)]
pub(super) fn copy<T: Item>(items: &[T], places: &mut [T]) -> usize {
    let count = items.len().min(places.len());
    if let (Some(items), Some(places)) = (items.get(..count), places.get_mut(..count)) {
        places.copy_from_slice(items);
    }
    count
}

/// Puts the items of the first few of `numbers` in `places`, and returns how many.
#[inline(always)]
pub(super) fn fill<P, T: Item>(
    places: &mut [P],
    numbers: Range<u64>,
    put: impl Fn(&mut P, T),
) -> usize {
    let count = len(&numbers).min(places.len());
    for (place, number) in places.iter_mut().take(count).zip(numbers) {
        put(place, T::of(number));
    }
    count
}

/// As [`fill`], for slots that go round the end of a ring.
#[inline(always)]
pub(super) fn fill_slots<T: Item>(
    (first, second): (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]),
    numbers: Range<u64>,
) -> usize {
    let put = |slot: &mut MaybeUninit<T>, item| {
        slot.write(item);
    };
    let count = fill(first, numbers.clone(), put);
    count + fill(second, numbers.start + count as u64..numbers.end, put)
}

/// How many numbers there are.
#[inline(always)]
pub(super) fn len(numbers: &Range<u64>) -> usize {
    (numbers.end - numbers.start) as usize
}

/// Adds the numbers of `items` to `total`, and returns how many items there were.
#[inline(always)]
pub(super) fn add_up<T: Item>(items: impl Iterator<Item = T>, total: &mut u64) -> usize {
    let (count, sum) =
        items.fold((0, *total), |(count, sum), item| (count + 1, sum.wrapping_add(item.number())));
    *total = sum;
    count
}

/// As [`add_up`], for the first `most` items, which may go round the end of a ring.
#[inline(always)]
pub(super) fn add_up_slices<T: Item>(
    (first, second): (&[T], &[T]),
    most: usize,
    total: &mut u64,
) -> usize {
    let count = most.min(first.len() + second.len());
    let items =
        first.iter().take(count).chain(second.iter().take(count.saturating_sub(first.len())));
    *total = items.fold(*total, |sum, item| sum.wrapping_add(item.number()));
    count
}

/// A contestant. A process runs one of them once, so what it allocates may leak.
pub(crate) trait Queue<T: Item> {
    type Tx: Push<T> + 'static;
    type Rx: Pop<T> + 'static;

    /// Makes a queue of at least `capacity` slots, and `ends` ways in and as many out.
    fn open(capacity: usize, ends: usize) -> (Vec<Self::Tx>, Vec<Self::Rx>);
}

/// Where the ends of a queue are between two laps, each on cache lines of its own.
type Ends<T, Q> = (Vec<Place<<Q as Queue<T>>::Tx>>, Vec<Place<<Q as Queue<T>>::Rx>>);
type Place<E> = CachePadded<Option<E>>;

fn open<T: Item, Q: Queue<T>>(capacity: usize, ends: usize) -> Ends<T, Q> {
    let (txs, rxs) = Q::open(capacity, ends);
    (apart(txs.into_iter().map(Some).collect()), apart(rxs.into_iter().map(Some).collect()))
}

/// Gives a thread its end for a lap, as a variable of its own. Behind a reference every change of what an
/// end remembers would have to be stored.
#[inline(always)]
fn owning<E, R>(place: &mut Option<E>, work: impl FnOnce(&mut E) -> R) -> R {
    let mut end = place.take().expect("one thread at a time");
    let result = work(&mut end);
    *place = Some(end);
    result
}

/// Puts what each thread owns on cache lines of its own.
pub(super) fn apart<E>(owned: Vec<E>) -> Vec<CachePadded<E>> {
    owned.into_iter().map(CachePadded::new).collect()
}

/// Measures one contestant.
pub(crate) fn run<T: Item, Q: Queue<T>>(case: &Case, bench: &Bench) -> Sample {
    match case.shape {
        Shape::Memory => memory::<T, Q>(case.capacity),
        Shape::RoundTrip => round_trip::<T, Q>(case.capacity, bench),
        Shape::Alone => each::<T, Q>(case.capacity, 1, bench),
        Shape::Each(threads) => each::<T, Q>(case.capacity, threads, bench),
        Shape::Stream(pairs) => stream::<T, Q>(case.capacity, pairs, bench),
        Shape::Batch(batch) => batches::<T, Q>(case.capacity, batch, bench),
        Shape::Chunk(chunk) => chunks::<T, Q>(case.capacity, chunk, bench),
        Shape::Burst(_) => unreachable!("no case of queues is so"),
    }
}

/// Every thread pushes an item and pops one, in turns.
fn each<T: Item, Q: Queue<T>>(capacity: usize, threads: usize, bench: &Bench) -> Sample {
    let (mut txs, mut rxs) = open::<T, Q>(capacity, threads);
    bench.measure(threads as u64, |count| {
        let each = count / threads as u64;
        let mut sums = vec![0_u64; threads];
        let ends = txs.iter_mut().zip(&mut rxs).zip(&mut sums);
        let work = ends.map(|((tx, rx), sum)| -> Work<'_> {
            Box::new(move || {
                *sum = owning(tx, |tx| {
                    owning(rx, |rx| {
                        let mut total = 0_u64;
                        for number in 1..=each {
                            insist(|| tx.push(T::of(number)).then_some(()));
                            total = total.wrapping_add(insist(|| rx.pop()).number());
                        }
                        total
                    })
                });
            })
        });
        let lap = bench.together(work.collect());
        check(sums, threads as u64, each);
        lap
    })
}

/// Some threads only push, as many only pop.
fn stream<T: Item, Q: Queue<T>>(capacity: usize, pairs: usize, bench: &Bench) -> Sample {
    let (mut txs, mut rxs) = open::<T, Q>(capacity, pairs);
    bench.measure(pairs as u64, |count| {
        let each = count / pairs as u64;
        let mut sums = vec![0_u64; pairs];
        let mut work: Vec<Work<'_>> = Vec::new();
        for ((tx, rx), sum) in txs.iter_mut().zip(&mut rxs).zip(&mut sums) {
            work.push(Box::new(move || {
                owning(tx, |tx| {
                    for number in 1..=each {
                        insist(|| tx.push(T::of(number)).then_some(()));
                    }
                });
            }));
            work.push(Box::new(move || {
                *sum = owning(rx, |rx| {
                    let mut total = 0_u64;
                    let mut last = 0;
                    let mut in_order = true;
                    for _ in 0..each {
                        let number = insist(|| rx.pop()).number();
                        total = total.wrapping_add(number);
                        in_order &= number > last;
                        last = number;
                    }
                    assert!(in_order || pairs > 1, "items of one producer came out of order");
                    total
                });
            }));
        }
        let lap = bench.together(work);
        check(sums, pairs as u64, each);
        lap
    })
}

/// One producer and one consumer, several items a call.
fn batches<T: Item, Q: Queue<T>>(capacity: usize, batch: usize, bench: &Bench) -> Sample {
    let produce = |tx: &mut Q::Tx, count: u64| {
        let mut items = vec![T::default(); batch];
        let mut number = 0;
        while number < count {
            for item in &mut items {
                number += 1;
                *item = T::of(number);
            }
            let mut rest = items.as_slice();
            while !rest.is_empty() {
                let pushed = insist(|| some(tx.push_batch(rest)));
                rest = rest.get(pushed..).unwrap_or_default();
            }
        }
    };
    let consume = |rx: &mut Q::Rx, count: u64| {
        let mut places = vec![T::default(); batch];
        let mut total = 0_u64;
        let mut popped = 0;
        while popped < count {
            let filled = insist(|| some(rx.pop_batch(&mut places)));
            popped += filled as u64;
            for item in places.iter().take(filled) {
                total = total.wrapping_add(item.number());
            }
        }
        total
    };
    pair::<T, Q>(capacity, batch, bench, produce, consume)
}

/// One producer and one consumer, several items at a time, made and read where they lie.
fn chunks<T: Item, Q: Queue<T>>(capacity: usize, chunk: usize, bench: &Bench) -> Sample {
    let produce = |tx: &mut Q::Tx, count: u64| {
        let mut pushed = 0;
        while pushed < count {
            let numbers = pushed + 1..count.min(pushed + chunk as u64) + 1;
            pushed += insist(|| some(tx.push_chunk(numbers.clone()))) as u64;
        }
    };
    let consume = |rx: &mut Q::Rx, count: u64| {
        let mut total = 0;
        let mut popped = 0;
        while popped < count {
            popped += insist(|| some(rx.pop_chunk(chunk, &mut total))) as u64;
        }
        total
    };
    pair::<T, Q>(capacity, chunk, bench, produce, consume)
}

/// One producer, and one consumer that returns the sum of what it found.
fn pair<T: Item, Q: Queue<T>>(
    capacity: usize,
    step: usize,
    bench: &Bench,
    produce: impl Fn(&mut Q::Tx, u64) + Sync,
    consume: impl Fn(&mut Q::Rx, u64) -> u64 + Sync,
) -> Sample {
    let (mut txs, mut rxs) = open::<T, Q>(capacity, 1);
    bench.measure(step as u64, |count| {
        let ([tx], [rx]) = (txs.as_mut_slice(), rxs.as_mut_slice()) else {
            unreachable!("one end each was asked for")
        };
        let mut sum = 0;
        let sum_out = &mut sum;
        let lap = bench.together(vec![
            Box::new(|| owning(tx, |tx| produce(tx, count))),
            Box::new(|| *sum_out = owning(rx, |rx| consume(rx, count))),
        ]);
        check(vec![sum], 1, count);
        lap
    })
}

fn some(count: usize) -> Option<usize> {
    (count > 0).then_some(count)
}

/// Two threads and two queues, one item at a time.
fn round_trip<T: Item, Q: Queue<T>>(capacity: usize, bench: &Bench) -> Sample {
    let (mut there_tx, mut there_rx) = open::<T, Q>(capacity, 1);
    let (mut back_tx, mut back_rx) = open::<T, Q>(capacity, 1);
    let mut ticks: Vec<u32> = Vec::new();
    let mut ns_per_tick = 1.0;
    let mut sample = bench.measure(1, |count| {
        ticks.clear();
        ticks.resize(count as usize, 0);
        let (ticks, ns_per_tick) = (&mut ticks, &mut ns_per_tick);
        let mut work: Vec<Work<'_>> = Vec::new();
        let ([tx], [rx]) = (there_tx.as_mut_slice(), back_rx.as_mut_slice()) else {
            unreachable!("one end each was asked for")
        };
        work.push(Box::new(move || {
            let (start, start_ticks) = (Instant::now(), clock());
            let mut before = start_ticks;
            owning(tx, |tx| {
                owning(rx, |rx| {
                    for (number, tick) in (1..).zip(ticks) {
                        promptly(|| tx.push(T::of(number)).then_some(()));
                        let item = promptly(|| rx.pop());
                        assert_eq!(item.number(), number, "another item came back");
                        let now = clock();
                        *tick = u32::try_from(now - before).unwrap_or(u32::MAX);
                        before = now;
                    }
                });
            });
            let elapsed = (clock() - start_ticks).max(1);
            *ns_per_tick = start.elapsed().as_secs_f64() * 1e9 / elapsed as f64;
        }));
        let ([tx], [rx]) = (back_tx.as_mut_slice(), there_rx.as_mut_slice()) else {
            unreachable!("one end each was asked for")
        };
        work.push(Box::new(move || {
            owning(tx, |tx| {
                owning(rx, |rx| {
                    for _ in 0..count {
                        let item = promptly(|| rx.pop());
                        promptly(|| tx.push(item).then_some(()));
                    }
                });
            });
        }));
        bench.together(work)
    });
    ticks.sort_unstable();
    let at = |percent: f64| {
        let rank = (percent / 100.0 * ticks.len() as f64) as usize;
        let tick = ticks.get(rank.min(ticks.len().saturating_sub(1)));
        f64::from(tick.copied().unwrap_or_default()) * ns_per_tick
    };
    sample.percentiles = PERCENTILES.map(at).to_vec();
    sample.value = at(50.0);
    sample
}

/// The time stamp counter: a read of it takes a fraction of what a read of the clock does.
#[inline(always)]
fn clock() -> u64 {
    // SAFETY: every x86-64 processor has the instruction.
    unsafe { _rdtsc() }
}

/// As `insist`, but looking again at once for long: what is waited for is on its way.
#[inline(always)]
fn promptly<R>(mut attempt: impl FnMut() -> Option<R>) -> R {
    for _ in 0..10_000 {
        if let Some(result) = attempt() {
            return result;
        }
    }
    insist(attempt)
}

/// The bytes that a full queue holds on to.
fn memory<T: Item, Q: Queue<T>>(capacity: usize) -> Sample {
    let before = machine::allocated_bytes();
    let (mut txs, rxs) = Q::open(capacity, 1);
    for tx in &mut txs {
        for number in 1..=capacity as u64 {
            // A ring that is one slot short of its capacity is as full as it gets.
            tx.push(T::of(number));
        }
    }
    let bytes = machine::allocated_bytes().saturating_sub(before);
    black_box((txs, rxs));
    Sample { value: bytes as f64, ..Sample::default() }
}

/// Every number from 1 to `each` came out once for each of `producers`.
fn check(sums: Vec<u64>, producers: u64, each: u64) {
    let sum = sums.into_iter().fold(0, u64::wrapping_add);
    let expected = (u128::from(each) * u128::from(each + 1) / 2 * u128::from(producers)) as u64;
    assert_eq!(sum, expected, "wrong checksum: items were lost, doubled or torn");
}

// === declaring contestants ===

/// Declares a queue: how it is opened, and what `push` and `pop` are on its ends. `T` is the item;
/// a queue whose capacity is part of its type is declared with `<const N>`.
macro_rules! queue {
    (
        $name:ident, |$capacity:pat_param, $ends:pat_param| $open:expr;
        push $tx_type:ty: |$tx:ident, $item:ident| $push:expr;
        $(push_batch |$batch_tx:ident, $items:ident| $push_batch:expr;)?
        $(push_chunk |$chunk_tx:ident, $numbers:ident| $push_chunk:expr;)?
        pop $rx_type:ty: |$rx:ident| $pop:expr;
        $(pop_batch |$batch_rx:ident, $places:ident| $pop_batch:expr;)?
        $(pop_chunk |$chunk_rx:ident, $most:ident, $total:ident| $pop_chunk:expr;)?
    ) => {
        struct $name;

        impl<T: Item> Queue<T> for $name {
            type Tx = $tx_type;
            type Rx = $rx_type;

            fn open($capacity: usize, $ends: usize) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
                $open
            }
        }

        impl<T: Item> Push<T> for $tx_type {
            #[inline(always)]
            fn push(&mut self, $item: T) -> bool {
                let $tx = self;
                $push
            }

            $(#[inline(always)]
            fn push_batch(&mut self, $items: &[T]) -> usize {
                let $batch_tx = self;
                $push_batch
            })?

            $(#[inline(always)]
            fn push_chunk(&mut self, $numbers: Range<u64>) -> usize {
                let $chunk_tx = self;
                $push_chunk
            })?
        }

        impl<T: Item> Pop<T> for $rx_type {
            #[inline(always)]
            fn pop(&mut self) -> Option<T> {
                let $rx = self;
                $pop
            }

            $(#[inline(always)]
            fn pop_batch(&mut self, $places: &mut [T]) -> usize {
                let $batch_rx = self;
                $pop_batch
            })?

            $(#[inline(always)]
            fn pop_chunk(&mut self, $most: usize, $total: &mut u64) -> usize {
                let $chunk_rx = self;
                $pop_chunk
            })?
        }
    };
    (
        $name:ident<const N>, |$ends:pat_param| $open:expr;
        push $tx_type:ty: |$tx:ident, $item:ident| $push:expr;
        $(push_batch |$batch_tx:ident, $items:ident| $push_batch:expr;)?
        $(push_chunk |$chunk_tx:ident, $numbers:ident| $push_chunk:expr;)?
        pop $rx_type:ty: |$rx:ident| $pop:expr;
        $(pop_batch |$batch_rx:ident, $places:ident| $pop_batch:expr;)?
        $(pop_chunk |$chunk_rx:ident, $most:ident, $total:ident| $pop_chunk:expr;)?
    ) => {
        struct $name<const N: usize>;

        impl<T: Item, const N: usize> Queue<T> for $name<N> {
            type Tx = Fixed<$tx_type, N>;
            type Rx = Fixed<$rx_type, N>;

            fn open(_: usize, $ends: usize) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
                let (txs, rxs) = $open;
                (txs.into_iter().map(Fixed).collect(), rxs.into_iter().map(Fixed).collect())
            }
        }

        impl<T: Item, const N: usize> Push<T> for Fixed<$tx_type, N> {
            #[inline(always)]
            fn push(&mut self, $item: T) -> bool {
                let $tx = &mut self.0;
                $push
            }

            $(#[inline(always)]
            fn push_batch(&mut self, $items: &[T]) -> usize {
                let $batch_tx = &mut self.0;
                $push_batch
            })?

            $(#[inline(always)]
            fn push_chunk(&mut self, $numbers: Range<u64>) -> usize {
                let $chunk_tx = &mut self.0;
                $push_chunk
            })?
        }

        impl<T: Item, const N: usize> Pop<T> for Fixed<$rx_type, N> {
            #[inline(always)]
            fn pop(&mut self) -> Option<T> {
                let $rx = &mut self.0;
                $pop
            }

            $(#[inline(always)]
            fn pop_batch(&mut self, $places: &mut [T]) -> usize {
                let $batch_rx = &mut self.0;
                $pop_batch
            })?

            $(#[inline(always)]
            fn pop_chunk(&mut self, $most: usize, $total: &mut u64) -> usize {
                let $chunk_rx = &mut self.0;
                $pop_chunk
            })?
        }
    };
}

/// Enters a queue into the contest, for both payloads; one whose capacity is part of its type, for
/// each capacity that there is a case of.
macro_rules! entry {
    ($text:literal, $side:ident, $queue:ident<const N>) => {
        Contestant::new($text, Side::$side, |case, bench| match (case.payload, case.capacity) {
            (Payload::Word, 64) => queue::run::<u64, $queue<64>>(case, bench),
            (Payload::Word, 1024) => queue::run::<u64, $queue<1024>>(case, bench),
            (Payload::Word, _) => queue::run::<u64, $queue<65536>>(case, bench),
            (Payload::Line, 64) => queue::run::<Line, $queue<64>>(case, bench),
            (Payload::Line, 1024) => queue::run::<Line, $queue<1024>>(case, bench),
            (Payload::Line, _) => queue::run::<Line, $queue<65536>>(case, bench),
        })
    };
    ($text:literal, $side:ident, $queue:ident) => {
        Contestant::new($text, Side::$side, |case, bench| match case.payload {
            Payload::Word => queue::run::<u64, $queue>(case, bench),
            Payload::Line => queue::run::<Line, $queue>(case, bench),
        })
    };
}

pub(super) use {entry, queue};

/// An end of a queue whose capacity is part of its type, even where its ends' types do not say so.
pub(super) struct Fixed<E, const N: usize>(pub(super) E);

/// The ends of a queue for one producer and one consumer.
pub(super) fn one<Tx, Rx>((tx, rx): (Tx, Rx)) -> (Vec<Tx>, Vec<Rx>) {
    (vec![tx], vec![rx])
}

/// The ends of a queue that hands out more of them.
pub(super) fn cloned<Tx: Clone, Rx: Clone>(ends: usize, tx: Tx, rx: Rx) -> (Vec<Tx>, Vec<Rx>) {
    (vec![tx; ends], vec![rx; ends])
}

/// The ends of a queue that is used through shared references.
pub(super) fn shared<Q>(ends: usize, queue: Q) -> (Vec<&'static Q>, Vec<&'static Q>) {
    let queue: &'static Q = leak(queue);
    cloned(ends, queue, queue)
}

/// Puts a structure on the heap, where it stays.
pub(super) fn leak<Q>(queue: Q) -> &'static mut Q {
    Box::leak(Box::new(queue))
}
