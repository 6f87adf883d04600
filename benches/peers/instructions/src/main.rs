//! Each operation of latchless alone in a function whose name starts with `op_`, called
//! [`CALLS`] times. callgrind counts what is executed in each: `cargo xtask bench --instructions`.
//!
//! Nothing here depends on time, on addresses or on other threads, so the counts are exact. Slices of a
//! ring are not here: most of what they cost is the `memcpy` of whatever C library there is.
#![expect(missing_docs, reason = "a function is named after the operation that it is")]

use std::arch::asm;
use std::hint::black_box;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use latchless::atomic::{AtomicPair, AtomicU64};
use latchless::counter::sharded::{Local, Tally};
use latchless::counter::{
    BatchedCounter, BoundedCounter, ByStack, Counter, HighWater, Histogram, RefCount, Sequence,
    ShardedCounter,
};
use latchless::ring::spsc::{Consumer, Producer};
use latchless::ring::{Full, MpmcRing, OverwritingRing, SpscRing, TurnRing, WordRing, overwriting};
use latchless::snapshot::{Guard, Snapshot};
use latchless::stack::{Exhausted, IndexStack, Pool, PoolBox};

/// How often each operation is called. The reader of the counts divides by the calls it finds.
const CALLS: u64 = 4096;
/// Less than the calls, so that rings go round and indices are looked up again.
const SLOTS: usize = 256;

type Line = [u64; 8];
type Batched = BatchedCounter<4, 32, ByStack>;
type Sharded = ShardedCounter<4, ByStack>;
type Spsc<T> = SpscRing<T, SLOTS>;
type Mpmc<T> = MpmcRing<T, SLOTS>;
type Words = WordRing<u64, SLOTS>;
type Turns = TurnRing<u64, SLOTS>;
type Tx<'a, T> = Producer<&'a SpscRing<T, SLOTS>>;
type Rx<'a, T> = Consumer<&'a SpscRing<T, SLOTS>>;
type Recorder<'a> = overwriting::Producer<'a, u64, SLOTS>;
type Reader<'a> = overwriting::Consumer<'a, u64, SLOTS>;
type Pushed = Result<(), Full<u64>>;
type Stack = IndexStack<SLOTS>;
type Lines = Pool<Line, SLOTS>;
type Block = PoolBox<'static, Line, SLOTS>;
type Current = Snapshot<u64, SLOTS>;
type View = Guard<'static, u64, SLOTS>;

/// Puts each operation in a function of its own, neither inlined nor specialized, nor merged with
/// another that happens to consist of the same instructions: hence the remark in each.
macro_rules! operations {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        #[unsafe(no_mangle)]
        #[inline(never)]
        pub fn $name($($argument: $type),*) $(-> $result)? {
            // SAFETY: a comment does nothing.
            unsafe {
                asm!(
                    concat!("/* ", stringify!($name), " */"),
                    options(nomem, nostack, preserves_flags)
                );
            }
            $body
        }
    )*};
}

operations! {
    op_nothing() {}

    op_counter_inc(counter: &Counter) { counter.inc() }
    op_counter_add(counter: &Counter, n: u64) { counter.add(n) }
    op_counter_sub(counter: &Counter, n: u64) { counter.sub(n) }
    op_counter_get(counter: &Counter) -> u64 { counter.get() }
    op_counter_take(counter: &Counter) -> u64 { counter.take() }
    op_sharded_add(counter: &Sharded, n: u64) { counter.add(n) }
    op_sharded_sum(counter: &Sharded) -> u64 { counter.sum() }
    op_sharded_take(counter: &Sharded) -> u64 { counter.take() }
    op_sharded_owner_add(own: &Local<'_>, n: u64) { own.add(n) }
    op_sharded_tally_add(tally: &mut Tally<'_>, n: u64) { tally.add(n) }
    op_batched_add(counter: &Batched, n: i64) { counter.add(n) }
    op_batched_estimate(counter: &Batched) -> i64 { counter.estimate() }
    op_histogram_record(histogram: &Histogram<496>, value: u64) { histogram.record(value) }
    op_refcount_inc(holds: &RefCount) { holds.inc() }
    op_refcount_inc_not_zero(holds: &RefCount) -> bool { holds.inc_not_zero() }
    op_refcount_dec_and_test(holds: &RefCount) -> bool { holds.dec_and_test() }
    op_bounded_try_add(counter: &BoundedCounter, n: u64) -> bool { counter.try_add(n).is_ok() }
    op_bounded_release(counter: &BoundedCounter, n: u64) -> bool { counter.release(n).is_ok() }
    op_high_water_record(mark: &HighWater, value: u64) -> bool { mark.record(value) }
    op_sequence_next_id(ids: &Sequence) -> Option<u64> { ids.next_id() }

    op_spsc_push(tx: &mut Tx<'_, u64>, value: u64) -> Pushed { tx.push(value) }
    op_spsc_push_full(tx: &mut Tx<'_, u64>, value: u64) -> Pushed { tx.push(value) }
    op_spsc_push_line(tx: &mut Tx<'_, Line>, value: &Line) -> bool { tx.push(*value).is_ok() }
    op_spsc_slots(tx: &Tx<'_, u64>) -> usize { tx.slots() }
    op_spsc_pop(rx: &mut Rx<'_, u64>) -> Option<u64> { rx.pop() }
    op_spsc_pop_empty(rx: &mut Rx<'_, u64>) -> Option<u64> { rx.pop() }
    op_spsc_pop_line(rx: &mut Rx<'_, Line>) -> Option<Line> { rx.pop() }
    op_spsc_peek(rx: &Rx<'_, u64>) -> u64 { rx.peek().copied().unwrap_or_default() }

    op_spsc_push_iter_64(tx: &mut Tx<'_, u64>, values: &[u64; 64]) -> usize {
        tx.push_iter(values.iter().copied())
    }
    op_spsc_write_chunk_64(tx: &mut Tx<'_, u64>, value: u64) {
        let Ok(mut chunk) = tx.write_chunk(64) else { return };
        let (first, second) = chunk.as_mut_slices();
        first.iter_mut().chain(second).for_each(|slot| {
            slot.write(value);
        });
        // SAFETY: all of them were written.
        unsafe { chunk.commit_all() };
    }
    op_spsc_pop_iter_64(rx: &mut Rx<'_, u64>) -> u64 { rx.pop_iter().sum() }
    op_spsc_read_chunk_64(rx: &mut Rx<'_, u64>) -> u64 {
        let Ok(chunk) = rx.read_chunk(64) else { return 0 };
        let (first, second) = chunk.as_slices();
        let sum = first.iter().chain(second).sum();
        chunk.commit_all();
        sum
    }
    op_spsc_clear_64(rx: &mut Rx<'_, u64>) -> usize { rx.clear() }

    op_overwriting_push(tx: &mut Recorder<'_>, value: u64) -> Option<u64> { tx.push(value) }
    op_overwriting_push_full(tx: &mut Recorder<'_>, value: u64) -> Option<u64> { tx.push(value) }
    op_overwriting_pop(rx: &mut Reader<'_>) -> Option<u64> { rx.pop() }
    op_overwriting_pop_after_loss(rx: &mut Reader<'_>) -> Option<u64> { rx.pop() }
    op_overwriting_pop_empty(rx: &mut Reader<'_>) -> Option<u64> { rx.pop() }
    op_overwriting_len(rx: &Reader<'_>) -> usize { rx.len() }

    op_mpmc_push(ring: &Mpmc<u64>, value: u64) -> bool { ring.push(value).is_ok() }
    op_mpmc_push_full(ring: &Mpmc<u64>, value: u64) -> bool { ring.push(value).is_ok() }
    op_mpmc_push_line(ring: &Mpmc<Line>, value: &Line) -> bool { ring.push(*value).is_ok() }
    op_mpmc_pop(ring: &Mpmc<u64>) -> Option<u64> { ring.pop() }
    op_mpmc_pop_empty(ring: &Mpmc<u64>) -> Option<u64> { ring.pop() }
    op_mpmc_pop_line(ring: &Mpmc<Line>) -> Option<Line> { ring.pop() }
    op_mpmc_len(ring: &Mpmc<u64>) -> usize { ring.len() }
    op_mpmc_is_empty(ring: &Mpmc<u64>) -> bool { ring.is_empty() }

    op_word_push(ring: &Words, value: u64) -> bool { ring.push(value).is_ok() }
    op_word_push_full(ring: &Words, value: u64) -> bool { ring.push(value).is_ok() }
    op_word_force_push(ring: &Words, value: u64) -> bool { ring.force_push(value).is_ok() }
    op_word_pop(ring: &Words) -> Option<u64> { ring.pop() }
    op_word_pop_empty(ring: &Words) -> Option<u64> { ring.pop() }

    op_turn_push(ring: &Turns, value: u64) -> bool { ring.push(value).is_ok() }
    op_turn_push_full(ring: &Turns, value: u64) -> bool { ring.push(value).is_ok() }
    op_turn_pop(ring: &Turns) -> Option<u64> { ring.pop().ok() }
    op_turn_pop_empty(ring: &Turns) -> Option<u64> { ring.pop().ok() }

    op_stack_push(stack: &Stack, index: u32) -> bool { stack.push(index).is_ok() }
    op_stack_pop(stack: &Stack) -> Option<u32> { stack.pop() }
    op_stack_pop_empty(stack: &Stack) -> Option<u32> { stack.pop() }

    op_pool_alloc(pool: &'static Lines, line: &Line) -> Option<Block> { pool.alloc(*line).ok() }
    op_pool_alloc_exhausted(pool: &Lines, line: &Line) -> bool {
        matches!(pool.alloc(*line), Err(Exhausted(_)))
    }
    op_pool_drop(block: Block) { drop(block) }
    op_pool_into_inner(block: Block) -> Line { block.into_inner() }

    op_snapshot_load(current: &'static Current) -> View { current.load() }
    op_snapshot_store(current: &Current, value: u64) -> bool { current.store(value).is_ok() }
    op_snapshot_swap(current: &'static Current, value: u64) -> Option<View> {
        current.swap(value).ok()
    }
    op_snapshot_compare_and_swap(current: &'static Current, view: &View, value: u64) -> bool {
        current.compare_and_swap(view, value).is_ok()
    }
    op_snapshot_leave(view: View) { drop(view) }
    op_snapshot_leave_last(view: View) { drop(view) }
    op_snapshot_clone(view: &View) -> View { view.clone() }

    op_atomic_load(cell: &AtomicU64) -> u64 { cell.load(Acquire) }
    op_atomic_store(cell: &AtomicU64, value: u64) { cell.store(value, Release) }
    op_atomic_swap(cell: &AtomicU64, value: u64) -> u64 { cell.swap(value, AcqRel) }
    op_atomic_fetch_add(cell: &AtomicU64, value: u64) -> u64 { cell.fetch_add(value, AcqRel) }
    op_atomic_add(cell: &AtomicU64, value: u64) { cell.add(value, Relaxed) }
    op_atomic_inc(cell: &AtomicU64) { cell.inc(Relaxed) }
    op_atomic_fetch_or(cell: &AtomicU64, value: u64) -> u64 { cell.fetch_or(value, AcqRel) }
    op_atomic_bit_set(cell: &AtomicU64, bit: u32) -> bool { cell.bit_set(bit, AcqRel) }
    op_atomic_fetch_max(cell: &AtomicU64, value: u64) -> u64 { cell.fetch_max(value, AcqRel) }
    op_atomic_compare_exchange(cell: &AtomicU64, old: u64, new: u64) -> Result<u64, u64> {
        cell.compare_exchange(old, new, AcqRel, Acquire)
    }
    op_atomic_pair_load(pair: &AtomicPair) -> [u64; 2] { pair.load(Acquire) }
    op_atomic_pair_compare_exchange(pair: &AtomicPair, old: [u64; 2], new: [u64; 2]) -> bool {
        pair.compare_exchange(old, new, AcqRel, Acquire).is_ok()
    }
}

fn main() {
    (0..CALLS).for_each(|_| op_nothing());
    counter();
    counters();
    spsc();
    overwriting();
    mpmc();
    words();
    turns();
    stack();
    pool();
    snapshot();
    atomics();
}

fn counter() {
    let counter = Counter::new();
    for n in 0..CALLS {
        op_counter_inc(&counter);
        op_counter_add(&counter, n);
        op_counter_sub(&counter, n);
        black_box(op_counter_get(&counter));
        black_box(op_counter_take(&counter));
    }
}

fn counters() {
    let (sharded, holds) = (Sharded::with_source(ByStack), RefCount::new());
    let (bounded, mark, ids) = (BoundedCounter::new(8), HighWater::new(), Sequence::new());
    let (batched, histogram) = (Batched::with_source(ByStack, 0), Histogram::new());
    let own = sharded.local().expect("nobody else is here");
    let mut tally = sharded.local().expect("there are four cells").into_tally();
    for n in 0..CALLS {
        op_sharded_add(&sharded, n);
        op_sharded_owner_add(&own, n);
        op_sharded_tally_add(&mut tally, n);
        black_box(op_sharded_sum(&sharded));
        black_box(op_sharded_take(&sharded));
        op_batched_add(&batched, 1);
        black_box(op_batched_estimate(&batched));
        op_histogram_record(&histogram, n);
        op_refcount_inc(&holds);
        black_box(op_refcount_inc_not_zero(&holds));
        black_box(op_refcount_dec_and_test(&holds));
        black_box(op_bounded_try_add(&bounded, 2));
        black_box(op_bounded_release(&bounded, 2));
        black_box(op_high_water_record(&mark, n));
        black_box(op_sequence_next_id(&ids));
    }
}

fn spsc() {
    let mut words = Spsc::new();
    let (mut tx, mut rx) = words.split();
    for round in 0..CALLS / SLOTS as u64 {
        for n in 0..SLOTS as u64 {
            black_box(op_spsc_pop_empty(&mut rx));
            op_spsc_push(&mut tx, n).expect("there is room");
            black_box(op_spsc_slots(&tx));
            black_box(op_spsc_peek(&rx));
            assert_eq!(op_spsc_pop(&mut rx), Some(n));
        }
        // As many again on a full ring; the next round starts one slot further on.
        (0..SLOTS as u64).for_each(|n| tx.push(n).expect("there is room"));
        (0..SLOTS as u64).for_each(|n| assert!(op_spsc_push_full(&mut tx, n).is_err()));
        while rx.pop().is_some() {}
        tx.push(round).expect("there is room");
        assert_eq!(rx.pop(), Some(round));
    }
    for round in 0..CALLS / 64 {
        let values = [round; 64];
        // One slot further on in each round, so that chunks go round.
        tx.push(round).expect("there is room");
        assert_eq!(rx.pop(), Some(round));
        assert_eq!(op_spsc_push_iter_64(&mut tx, &values), 64);
        assert_eq!(op_spsc_pop_iter_64(&mut rx), 64 * round);
        op_spsc_write_chunk_64(&mut tx, round);
        assert_eq!(op_spsc_read_chunk_64(&mut rx), 64 * round);
        assert_eq!(tx.push_slice(&values), 64);
        assert_eq!(op_spsc_clear_64(&mut rx), 64);
    }
    let mut lines = Spsc::new();
    let (mut tx, mut rx) = lines.split();
    for n in 0..CALLS {
        assert!(op_spsc_push_line(&mut tx, &[n; 8]));
        assert_eq!(op_spsc_pop_line(&mut rx), Some([n; 8]));
    }
}

fn overwriting() {
    let mut words = OverwritingRing::new();
    let (mut tx, mut rx) = words.split();
    for n in 0..CALLS {
        assert_eq!(op_overwriting_pop_empty(&mut rx), None);
        assert_eq!(op_overwriting_push(&mut tx, n), None);
        black_box(op_overwriting_len(&rx));
        assert_eq!(op_overwriting_pop(&mut rx), Some(n));
    }
    // The consumer is a lap and a half behind each time, as far as it can be from what it finds.
    let behind = SLOTS as u64 * 3 / 2;
    (0..SLOTS as u64).for_each(|n| assert_eq!(tx.push(n), None));
    for n in 0..CALLS {
        (0..behind).for_each(|_| _ = tx.push(n));
        assert!(op_overwriting_push_full(&mut tx, n).is_some());
        assert_eq!(op_overwriting_pop_after_loss(&mut rx), Some(n));
        tx.push(n);
    }
}

fn mpmc() {
    let words = Mpmc::new();
    for _ in 0..CALLS / SLOTS as u64 {
        for n in 0..SLOTS as u64 {
            assert!(op_mpmc_push(&words, n));
            black_box(op_mpmc_len(&words));
            black_box(op_mpmc_is_empty(&words));
            assert_eq!(op_mpmc_pop(&words), Some(n));
        }
        (0..SLOTS).for_each(|_| assert_eq!(op_mpmc_pop_empty(&words), None));

        (0..SLOTS as u64).for_each(|n| words.push(n).expect("there is room"));
        (0..SLOTS as u64).for_each(|n| assert!(!op_mpmc_push_full(&words, n)));
        words.pop_iter().for_each(drop);
    }
    let lines = Mpmc::new();
    for n in 0..CALLS {
        assert!(op_mpmc_push_line(&lines, &[n; 8]));
        assert_eq!(op_mpmc_pop_line(&lines), Some([n; 8]));
    }
}

fn words() {
    let ring = Words::new();
    for _ in 0..CALLS / SLOTS as u64 {
        for n in 0..SLOTS as u64 {
            assert!(op_word_push(&ring, n));
            assert_eq!(op_word_pop(&ring), Some(n));
        }
        (0..SLOTS).for_each(|_| assert_eq!(op_word_pop_empty(&ring), None));

        (0..SLOTS as u64).for_each(|n| ring.push(n).expect("there is room"));
        (0..SLOTS as u64).for_each(|n| assert!(!op_word_push_full(&ring, n)));
        (0..SLOTS as u64).for_each(|n| assert!(op_word_force_push(&ring, n)));
        ring.pop_iter().for_each(drop);
    }
}

fn turns() {
    let ring = Turns::new();
    for _ in 0..CALLS / SLOTS as u64 {
        for n in 0..SLOTS as u64 {
            assert!(op_turn_push(&ring, n));
            assert_eq!(op_turn_pop(&ring), Some(n));
        }
        (0..SLOTS).for_each(|_| assert_eq!(op_turn_pop_empty(&ring), None));

        (0..SLOTS as u64).for_each(|n| ring.push(n).expect("there is room"));
        (0..SLOTS as u64).for_each(|n| assert!(!op_turn_push_full(&ring, n)));
        ring.drain().for_each(drop);
    }
}

fn stack() {
    let stack = Stack::new();
    for n in 0..CALLS {
        black_box(op_stack_pop_empty(&stack));
        assert!(op_stack_push(&stack, n as u32 % SLOTS as u32));
        assert!(op_stack_pop(&stack).is_some());
    }
}

fn pool() {
    static POOL: Lines = Pool::new();
    for n in 0..CALLS {
        let block = op_pool_alloc(&POOL, &[n; 8]).expect("there is a slot");
        if n % 2 == 0 {
            op_pool_drop(block);
        } else {
            assert_eq!(op_pool_into_inner(block), [n; 8]);
        }
    }
    let all: Vec<_> = (0..SLOTS as u64).map(|n| POOL.alloc([n; 8])).collect();
    (0..CALLS).for_each(|n| assert!(op_pool_alloc_exhausted(&POOL, &[n; 8])));
    drop(all);
}

fn snapshot() {
    static CURRENT: Current = Snapshot::new(0);
    for n in 0..CALLS {
        assert!(op_snapshot_store(&CURRENT, n));
        let view = op_snapshot_load(&CURRENT);
        assert_eq!(*view, n);
        op_snapshot_leave(op_snapshot_clone(&view));
        assert!(op_snapshot_compare_and_swap(&CURRENT, &view, n + 1));
        drop(view);
        let before = op_snapshot_swap(&CURRENT, n + 2).expect("there is a slot");
        assert_eq!(*before, n + 1);
        op_snapshot_leave_last(before);
    }
}

fn atomics() {
    let cell = AtomicU64::new(0);
    let pair = AtomicPair::new([0; 2]);
    for n in 0..CALLS {
        op_atomic_store(&cell, n);
        assert_eq!(op_atomic_load(&cell), n);
        assert_eq!(op_atomic_compare_exchange(&cell, n, n + 1), Ok(n));
        black_box(op_atomic_swap(&cell, n));
        black_box(op_atomic_fetch_add(&cell, 1));
        op_atomic_add(&cell, 1);
        op_atomic_inc(&cell);
        black_box(op_atomic_fetch_or(&cell, n));
        black_box(op_atomic_bit_set(&cell, n as u32 % 64));
        black_box(op_atomic_fetch_max(&cell, u64::MAX - n));
        black_box(op_atomic_pair_load(&pair));
        assert!(op_atomic_pair_compare_exchange(&pair, [n, 0], [n + 1, 0]));
    }
}
