//! The structures that need 64-bit atomics.

use core::mem::{ManuallyDrop, MaybeUninit};

use latchless::counter::sharded::{Local, Tally};
use latchless::counter::{
    BatchedCounter, BoundedCounter, Counter, HighWater, Histogram, RefCount, Sequence,
    ShardedCounter, SignedCounter,
};
use latchless::ring::overwriting::{Consumer, Producer};
use latchless::ring::{MpmcRing, OverwritingRing, WordRing};
use latchless::snapshot::{Guard, Snapshot};
use latchless::stack::{
    Chain, Counted, Exhausted, IndexStack, Key, KeyedPool, Magazine, Node, NodeRef, Pool, PoolArc,
    PoolBox, TransferStack, TreiberStack,
};

use crate::export;
use crate::values::{Dropped, SLOTS, value};

type Stack = IndexStack<SLOTS>;
type Owner = NodeRef<'static, u64>;
type Chained = Chain<Owner>;
type Treiber = TreiberStack<Owner>;
type Transfer = TransferStack<Owner>;
type Batched = BatchedCounter<SLOTS, 32>;
type Latencies = Histogram<64>;
type Sharded = ShardedCounter<SLOTS>;
type Words = WordRing<u64, SLOTS>;

export! { ""
    fn counter_inc(counter: &Counter) { counter.inc() }
    fn counter_add(counter: &Counter, n: u64) { counter.add(n) }
    fn counter_sub(counter: &Counter, n: u64) { counter.sub(n) }
    fn counter_get(counter: &Counter) -> u64 { counter.get() }
    fn counter_take(counter: &Counter) -> u64 { counter.take() }

    fn counter_dec(counter: &Counter) { counter.dec() }

    fn signed_inc(counter: &SignedCounter) { counter.inc() }
    fn signed_dec(counter: &SignedCounter) { counter.dec() }
    fn signed_add(counter: &SignedCounter, n: i64) { counter.add(n) }
    fn signed_sub(counter: &SignedCounter, n: i64) { counter.sub(n) }
    fn signed_get(counter: &SignedCounter) -> i64 { counter.get() }
    fn signed_take(counter: &SignedCounter) -> i64 { counter.take() }

    fn sharded_inc(counter: &Sharded) { counter.inc() }
    fn sharded_dec(counter: &Sharded) { counter.dec() }
    fn sharded_add(counter: &Sharded, n: u64) { counter.add(n) }
    fn sharded_sub(counter: &Sharded, n: u64) { counter.sub(n) }
    fn sharded_sum(counter: &Sharded) -> u64 { counter.sum() }
    fn sharded_sum_exact(counter: &mut Sharded) -> u64 { counter.sum_exact() }
    fn sharded_take(counter: &Sharded) -> u64 { counter.take() }
    fn sharded_local(counter: &'static Sharded, out: &mut MaybeUninit<Local<'static>>) -> bool {
        counter.local().map(|own| out.write(own)).is_some()
    }
    fn sharded_local_at(
        counter: &'static Sharded,
        number: usize,
        out: &mut MaybeUninit<Local<'static>>,
    ) -> bool {
        counter.local_at(number).map(|own| out.write(own)).is_some()
    }
    fn shard_inc(counter: &Sharded, number: usize) { counter.shard(number).inc() }
    fn shard_dec(counter: &Sharded, number: usize) { counter.shard(number).dec() }
    fn shard_add(counter: &Sharded, number: usize, n: u64) { counter.shard(number).add(n) }
    fn shard_sub(counter: &Sharded, number: usize, n: u64) { counter.shard(number).sub(n) }
    fn shard_get(counter: &Sharded, number: usize) -> u64 { counter.shard(number).get() }
    fn shards_get(counter: &Sharded) -> u64 {
        counter.shards().map(|shard| shard.get()).max().unwrap_or(0)
    }
    fn local_inc(own: &Local<'static>) { own.inc() }
    fn local_dec(own: &Local<'static>) { own.dec() }
    fn local_add(own: &Local<'static>, n: u64) { own.add(n) }
    fn local_sub(own: &Local<'static>, n: u64) { own.sub(n) }
    fn local_drop(own: &mut ManuallyDrop<Local<'static>>) {
        // SAFETY: the caller does not use the handle again.
        unsafe { ManuallyDrop::drop(own) };
    }

    fn local_into_tally(
        own: &mut ManuallyDrop<Local<'static>>,
        out: &mut MaybeUninit<Tally<'static>>,
    ) {
        // SAFETY: the caller does not use the handle again.
        out.write(unsafe { ManuallyDrop::take(own) }.into_tally());
    }
    fn tally_inc(tally: &mut Tally<'static>) { tally.inc() }
    fn tally_dec(tally: &mut Tally<'static>) { tally.dec() }
    fn tally_add(tally: &mut Tally<'static>, n: u64) { tally.add(n) }
    fn tally_sub(tally: &mut Tally<'static>, n: u64) { tally.sub(n) }
    fn tally_into_local(
        tally: &mut ManuallyDrop<Tally<'static>>,
        out: &mut MaybeUninit<Local<'static>>,
    ) {
        // SAFETY: the caller does not use the handle again.
        out.write(unsafe { ManuallyDrop::take(tally) }.into_local());
    }

    fn holds_get(holds: &RefCount) -> u32 { holds.get() }
    fn holds_is_saturated(holds: &RefCount) -> bool { holds.is_saturated() }
    fn holds_inc(holds: &RefCount) { holds.inc() }
    fn holds_add(holds: &RefCount, n: u32) { holds.add(n) }
    fn holds_inc_not_zero(holds: &RefCount) -> bool { holds.inc_not_zero() }
    fn holds_add_not_zero(holds: &RefCount, n: u32) -> bool { holds.add_not_zero(n) }
    fn holds_dec(holds: &RefCount) { holds.dec() }
    fn holds_dec_and_test(holds: &RefCount) -> bool { holds.dec_and_test() }
    fn holds_sub_and_test(holds: &RefCount, n: u32) -> bool { holds.sub_and_test(n) }
    fn holds_dec_if_one(holds: &RefCount) -> bool { holds.dec_if_one() }
    fn holds_dec_not_one(holds: &RefCount) -> bool { holds.dec_not_one() }

    fn bounded_try_add(counter: &BoundedCounter, n: u64) -> bool { counter.try_add(n).is_ok() }
    fn bounded_release(counter: &BoundedCounter, n: u64) -> bool { counter.release(n).is_ok() }
    fn bounded_permits(counter: &BoundedCounter, n: u64) -> u64 {
        counter.try_acquire(n).map_or(0, |permits| permits.count())
    }
    fn bounded_get(counter: &BoundedCounter) -> u64 { counter.get() }
    fn bounded_available(counter: &BoundedCounter) -> u64 { counter.available() }

    fn batched_inc(counter: &Batched) { counter.inc() }
    fn batched_dec(counter: &Batched) { counter.dec() }
    fn batched_add(counter: &Batched, n: i64) { counter.add(n) }
    fn batched_sub(counter: &Batched, n: i64) { counter.sub(n) }
    fn batched_add_at(counter: &Batched, number: usize, n: i64) { counter.add_at(number, n) }
    fn batched_sum(counter: &Batched) -> i64 { counter.sum() }
    fn batched_estimate(counter: &Batched) -> i64 { counter.estimate() }
    fn batched_compare(counter: &Batched, limit: i64) -> bool { counter.compare(limit).is_lt() }

    fn histogram_record(histogram: &Latencies, value: u64) { histogram.record(value) }
    fn histogram_record_many(histogram: &Latencies, value: u64, times: u64) {
        histogram.record_many(value, times)
    }
    fn histogram_count(histogram: &Latencies) -> u64 { histogram.count() }
    fn histogram_quantile(histogram: &Latencies, parts: u32, of: u32) -> u64 {
        histogram.quantile(parts, of).unwrap_or(0)
    }
    fn histogram_mean(histogram: &Latencies) -> u64 { histogram.mean().unwrap_or(0) }
    fn histogram_bucket_counts(histogram: &Latencies) -> u64 {
        histogram.bucket_counts().map(|(_, times)| times).max().unwrap_or(0)
    }
    fn histogram_merge_from(histogram: &Latencies, other: &Latencies) { histogram.merge_from(other) }
    fn histogram_drain_from(histogram: &Latencies, other: &Latencies) { histogram.drain_from(other) }

    fn mark_record(mark: &HighWater, value: u64) -> bool { mark.record(value) }
    fn mark_get(mark: &HighWater) -> u64 { mark.get() }
    fn mark_take(mark: &HighWater) -> u64 { mark.take() }

    fn sequence_next_id(ids: &Sequence) -> u64 { ids.next_id().unwrap_or(u64::MAX) }
    fn sequence_reserve(ids: &Sequence, count: u32) -> u64 {
        ids.reserve(count).into_iter().flatten().last().unwrap_or(u64::MAX)
    }
    fn sequence_peek(ids: &Sequence) -> u64 { ids.peek().unwrap_or(u64::MAX) }

    fn stack_push(stack: &Stack, index: u32) -> bool { stack.push(index).is_ok() }
    fn stack_pop(stack: &Stack, index: &mut u32) -> bool {
        let popped = stack.pop();
        *index = popped.unwrap_or(*index);
        popped.is_some()
    }
    fn stack_push_many(stack: &Stack, indices: &[u32; 8]) -> bool {
        stack.push_many(indices).is_ok()
    }
    fn stack_pop_many(stack: &Stack, indices: &mut [u32; 8]) -> usize { stack.pop_many(indices) }
    fn stack_is_empty(stack: &Stack) -> bool { stack.is_empty() }

    fn node_try_claim(node: &'static Node<u64>, owner: &mut Owner) -> bool {
        node.try_claim().map(|claimed| *owner = claimed).is_some()
    }
    fn chain_push_front(chain: &mut Chained, owner: Owner) { chain.push_front(owner) }
    fn chain_push_back(chain: &mut Chained, owner: Owner) { chain.push_back(owner) }
    fn chain_next(chain: &mut Chained, owner: &mut Owner) -> bool {
        chain.next().map(|popped| *owner = popped).is_some()
    }
    fn chain_reversed(one: Owner, other: Owner, first: &mut Owner) -> bool {
        let chain = Chain::from_iter([one, other]);
        chain.reversed().next().map(|popped| *first = popped).is_some()
    }

    fn treiber_push(stack: &Treiber, owner: Owner) { stack.push(owner) }
    fn treiber_push_chain(stack: &Treiber, one: Owner, other: Owner) {
        stack.push_chain(Chain::from_iter([one, other]))
    }
    fn treiber_pop(stack: &Treiber, owner: &mut Owner) -> bool {
        stack.pop().map(|popped| *owner = popped).is_some()
    }
    fn treiber_pop_many(stack: &Treiber, count: usize, chain: &mut Chained) {
        *chain = stack.pop_many(count)
    }
    fn treiber_pop_all(stack: &Treiber, chain: &mut Chained) { *chain = stack.pop_all() }
    fn treiber_is_empty(stack: &Treiber) -> bool { stack.is_empty() }

    fn transfer_push(stack: &Transfer, owner: Owner) -> bool { stack.push(owner) }
    fn transfer_push_chain(stack: &Transfer, one: Owner, other: Owner) -> bool {
        stack.push_chain(Chain::from_iter([one, other]))
    }
    fn transfer_take_all(stack: &Transfer, chain: &mut Chained) { *chain = stack.take_all() }
    fn transfer_is_empty(stack: &Transfer) -> bool { stack.is_empty() }

    fn mpmc_push_slice(ring: &MpmcRing<u64, SLOTS>, values: &[u64; 8]) -> usize { ring.push_slice(values) }

    fn word_push(ring: &Words, value: u64) -> bool { ring.push(value).is_ok() }
    fn word_force_push(ring: &Words, value: &mut u64) -> bool {
        let evicted = ring.force_push(*value).ok().flatten();
        *value = evicted.unwrap_or(*value);
        evicted.is_some()
    }
    fn word_push_slice(ring: &Words, values: &[u64; 8]) -> usize { ring.push_slice(values) }
    fn word_pop(ring: &Words, value: &mut u64) -> bool {
        let popped = ring.pop();
        *value = popped.unwrap_or(*value);
        popped.is_some()
    }
    fn word_pop_slice(ring: &Words, places: &mut [u64; 8]) -> usize { ring.pop_slice(places) }
    fn word_close(ring: &Words) -> bool { ring.close() }
    fn word_is_closed(ring: &Words) -> bool { ring.is_closed() }
    fn word_is_drained(ring: &Words) -> bool { ring.is_drained() }
    fn word_len(ring: &Words) -> usize { ring.len() }
    fn word_is_empty(ring: &Words) -> bool { ring.is_empty() }
    fn word_is_full(ring: &Words) -> bool { ring.is_full() }
}

macro_rules! for_values {
    ($module:ident, $item:ty, $suffix:literal) => {
        mod $module {
            use super::*;

            type Item = $item;
            type Out = MaybeUninit<Item>;
            type Mpmc = MpmcRing<Item, SLOTS>;
            type Latest = OverwritingRing<Item, SLOTS>;
            type Recorder<'a> = Producer<'a, Item, SLOTS>;
            type Reader<'a> = Consumer<'a, Item, SLOTS>;
            type Slots = Pool<Item, SLOTS>;
            type Block<'a> = PoolBox<'a, Item, SLOTS>;
            type AtHand = Magazine<'static, Item, SLOTS, 8>;
            type Shareable = Pool<Counted<Item>, SLOTS>;
            type Shared = PoolArc<'static, Item, SLOTS>;
            type Keyed = KeyedPool<Item, SLOTS>;
            type Current = Snapshot<Item, SLOTS>;
            type View<'a> = Guard<'a, Item, SLOTS>;

            export! { $suffix
                fn mpmc_push(ring: &Mpmc, from: &mut Item, rejected: &mut Out) -> bool {
                    ring.push(value(from)).map_err(|error| rejected.write(error.into_inner())).is_ok()
                }
                fn mpmc_force_push(ring: &Mpmc, from: &mut Item, out: &mut Out) -> bool {
                    match ring.force_push(value(from)) {
                        Ok(evicted) => evicted.map(|back| out.write(back)).is_some(),
                        Err(error) => {
                            out.write(error.refused.into_inner());
                            false
                        }
                    }
                }
                fn mpmc_pop_slice(ring: &Mpmc, places: &mut [Item; 8]) -> usize { ring.pop_slice(places) }
                fn mpmc_close(ring: &Mpmc) -> bool { ring.close() }
                fn mpmc_is_closed(ring: &Mpmc) -> bool { ring.is_closed() }
                fn mpmc_is_drained(ring: &Mpmc) -> bool { ring.is_drained() }
                fn mpmc_pop(ring: &Mpmc, out: &mut Out) -> bool {
                    ring.pop().map(|value| out.write(value)).is_some()
                }
                fn mpmc_len(ring: &Mpmc) -> usize { ring.len() }
                fn mpmc_is_empty(ring: &Mpmc) -> bool { ring.is_empty() }
                fn mpmc_is_full(ring: &Mpmc) -> bool { ring.is_full() }
                fn mpmc_drop(ring: &mut ManuallyDrop<Mpmc>) {
                    // SAFETY: the caller does not use the ring again.
                    unsafe { ManuallyDrop::drop(ring) };
                }

                fn overwriting_split(
                    ring: &'static mut Latest,
                    out: &mut MaybeUninit<(Recorder<'static>, Reader<'static>)>,
                ) {
                    out.write(ring.split());
                }
                fn overwriting_try_split(
                    ring: &'static Latest,
                    out: &mut MaybeUninit<(Recorder<'static>, Reader<'static>)>,
                ) -> bool {
                    ring.try_split().map(|ends| out.write(ends)).is_some()
                }
                fn overwriting_try_producer(
                    ring: &'static Latest,
                    out: &mut MaybeUninit<Recorder<'static>>,
                ) -> bool {
                    ring.try_producer().map(|end| out.write(end)).is_some()
                }
                fn overwriting_try_consumer(
                    ring: &'static Latest,
                    out: &mut MaybeUninit<Reader<'static>>,
                ) -> bool {
                    ring.try_consumer().map(|end| out.write(end)).is_some()
                }
                fn overwriting_push(end: &mut Recorder<'_>, from: &mut Item, evicted: &mut Out) -> bool {
                    end.push(value(from)).map(|oldest| evicted.write(oldest)).is_some()
                }
                fn overwriting_evicted(end: &Recorder<'_>) -> u64 { end.evicted() }
                fn overwriting_producer_is_abandoned(end: &Recorder<'_>) -> bool {
                    end.is_abandoned()
                }
                fn overwriting_producer_drop(end: &mut ManuallyDrop<Recorder<'_>>) {
                    // SAFETY: the caller does not use the handle again.
                    unsafe { ManuallyDrop::drop(end) };
                }
                fn overwriting_pop(end: &mut Reader<'_>, out: &mut Out) -> bool {
                    end.pop().map(|value| out.write(value)).is_some()
                }
                fn overwriting_len(end: &Reader<'_>) -> usize { end.len() }
                fn overwriting_is_empty(end: &Reader<'_>) -> bool { end.is_empty() }
                fn overwriting_lost(end: &Reader<'_>) -> u64 { end.lost() }
                fn overwriting_consumer_is_abandoned(end: &Reader<'_>) -> bool {
                    end.is_abandoned()
                }
                fn overwriting_consumer_drop(end: &mut ManuallyDrop<Reader<'_>>) {
                    // SAFETY: the caller does not use the handle again.
                    unsafe { ManuallyDrop::drop(end) };
                }
                fn overwriting_drop(ring: &mut ManuallyDrop<Latest>) {
                    // SAFETY: the caller does not use the ring again.
                    unsafe { ManuallyDrop::drop(ring) };
                }

                fn pool_alloc(
                    pool: &'static Slots,
                    from: &mut Item,
                    block: &mut MaybeUninit<Block<'static>>,
                    rejected: &mut Out,
                ) -> bool {
                    match pool.alloc(value(from)) {
                        Ok(allocated) => {
                            block.write(allocated);
                            true
                        }
                        Err(Exhausted(back)) => {
                            rejected.write(back);
                            false
                        }
                    }
                }
                fn pool_alloc_raw(pool: &Slots, pointer: &mut *mut Item) -> bool {
                    pool.alloc_raw().map(|lent| *pointer = lent.as_ptr()).is_some()
                }
                fn pool_free_raw(pool: &Slots, pointer: &mut Item) -> bool {
                    // SAFETY: the caller does not use the slot again.
                    unsafe { pool.free_raw(pointer.into()) }.is_ok()
                }
                fn pool_is_exhausted(pool: &Slots) -> bool { pool.is_exhausted() }
                fn box_deref(block: &'static Block<'static>) -> &'static Item { block }
                fn box_deref_mut(block: &'static mut Block<'static>) -> &'static mut Item { block }
                fn box_drop(block: &mut ManuallyDrop<Block<'_>>) {
                    // SAFETY: the caller does not use the box again.
                    unsafe { ManuallyDrop::drop(block) };
                }
                fn box_into_inner(block: &mut ManuallyDrop<Block<'_>>, out: &mut Out) {
                    // SAFETY: the caller does not use the box again.
                    let block = unsafe { ManuallyDrop::take(block) };
                    out.write(block.into_inner());
                }
                fn box_into_raw(block: &mut ManuallyDrop<Block<'static>>) -> *mut Item {
                    // SAFETY: the caller does not use the box again.
                    unsafe { ManuallyDrop::take(block) }.into_raw().as_ptr()
                }
                fn box_from_raw(
                    pool: &'static Slots,
                    pointer: &mut Item,
                    block: &mut MaybeUninit<Block<'static>>,
                ) -> bool {
                    // SAFETY: the caller has the slot, and a value in it.
                    let owned = unsafe { PoolBox::from_raw(pool, pointer.into()) };
                    owned.map(|owned| block.write(owned)).is_ok()
                }
                fn box_leak(block: &mut ManuallyDrop<Block<'static>>) -> &'static mut Item {
                    // SAFETY: the caller does not use the box again.
                    unsafe { ManuallyDrop::take(block) }.leak()
                }
                fn box_into_pin(
                    block: &mut ManuallyDrop<Block<'static>>,
                    out: &mut MaybeUninit<core::pin::Pin<Block<'static>>>,
                ) {
                    // SAFETY: the caller does not use the box again.
                    out.write(unsafe { ManuallyDrop::take(block) }.into_pin());
                }

                fn pool_copies_magazine(pool: &'static Slots, out: &mut MaybeUninit<AtHand>) {
                    out.write(pool.magazine());
                }
                fn magazine_alloc(
                    magazine: &mut AtHand,
                    from: &mut Item,
                    block: &mut MaybeUninit<Block<'static>>,
                    rejected: &mut Out,
                ) -> bool {
                    match magazine.alloc(value(from)) {
                        Ok(allocated) => {
                            block.write(allocated);
                            true
                        }
                        Err(Exhausted(back)) => {
                            rejected.write(back);
                            false
                        }
                    }
                }
                fn magazine_copies_free(
                    magazine: &mut AtHand,
                    block: &mut ManuallyDrop<Block<'static>>,
                    rejected: &mut MaybeUninit<Block<'static>>,
                ) -> bool {
                    // SAFETY: the caller does not use the box again.
                    let block = unsafe { ManuallyDrop::take(block) };
                    magazine.free(block).map_err(|back| rejected.write(back)).is_ok()
                }
                fn magazine_copies_take(
                    magazine: &mut AtHand,
                    block: &mut ManuallyDrop<Block<'static>>,
                    out: &mut Out,
                    rejected: &mut MaybeUninit<Block<'static>>,
                ) -> bool {
                    // SAFETY: the caller does not use the box again.
                    let block = unsafe { ManuallyDrop::take(block) };
                    match magazine.take(block) {
                        Ok(value) => {
                            out.write(value);
                            true
                        }
                        Err(back) => {
                            rejected.write(back);
                            false
                        }
                    }
                }
                fn magazine_drain(magazine: &mut AtHand) { magazine.drain() }
                fn magazine_drop(magazine: &mut ManuallyDrop<AtHand>) {
                    // SAFETY: the caller does not use the magazine again.
                    unsafe { ManuallyDrop::drop(magazine) };
                }

                fn arc_new(
                    pool: &'static Shareable,
                    from: &mut Item,
                    shared: &mut MaybeUninit<Shared>,
                    rejected: &mut Out,
                ) -> bool {
                    match PoolArc::new(pool, value(from)) {
                        Ok(first) => {
                            shared.write(first);
                            true
                        }
                        Err(Exhausted(back)) => {
                            rejected.write(back);
                            false
                        }
                    }
                }
                fn arc_clone(shared: &Shared, again: &mut MaybeUninit<Shared>) {
                    again.write(shared.clone());
                }
                fn arc_deref(shared: &'static Shared) -> &'static Item { shared }
                fn arc_get_mut(shared: &'static mut Shared) -> Option<&'static mut Item> {
                    PoolArc::get_mut(shared)
                }
                fn arc_strong_count(shared: &Shared) -> u32 { PoolArc::strong_count(shared) }
                fn arc_try_unwrap(
                    shared: &mut ManuallyDrop<Shared>,
                    out: &mut Out,
                    rejected: &mut MaybeUninit<Shared>,
                ) -> bool {
                    // SAFETY: the caller does not use it again.
                    match PoolArc::try_unwrap(unsafe { ManuallyDrop::take(shared) }) {
                        Ok(value) => {
                            out.write(value);
                            true
                        }
                        Err(back) => {
                            rejected.write(back);
                            false
                        }
                    }
                }
                fn arc_drop(shared: &mut ManuallyDrop<Shared>) {
                    // SAFETY: the caller does not use it again.
                    unsafe { ManuallyDrop::drop(shared) };
                }

                fn keyed_insert(
                    pool: &Keyed,
                    from: &mut Item,
                    key: &mut MaybeUninit<Key<Item>>,
                    rejected: &mut Out,
                ) -> bool {
                    match pool.insert(value(from)) {
                        Ok(new) => {
                            key.write(new);
                            true
                        }
                        Err(Exhausted(back)) => {
                            rejected.write(back);
                            false
                        }
                    }
                }
                fn keyed_claim(
                    pool: &'static Keyed,
                    key: &Key<Item>,
                    block: &mut MaybeUninit<Block<'static>>,
                ) -> bool {
                    pool.claim(*key).map(|owned| block.write(owned)).is_some()
                }
                fn keyed_put(
                    pool: &Keyed,
                    block: &mut ManuallyDrop<Block<'static>>,
                    rejected: &mut MaybeUninit<Block<'static>>,
                ) -> bool {
                    // SAFETY: the caller does not use the box again.
                    let block = unsafe { ManuallyDrop::take(block) };
                    pool.put(block).map_err(|back| rejected.write(back)).is_ok()
                }
                fn keyed_contains(pool: &Keyed, key: &Key<Item>) -> bool { pool.contains(*key) }
                fn keyed_drop(pool: &mut ManuallyDrop<Keyed>) {
                    // SAFETY: the caller does not use the pool again.
                    unsafe { ManuallyDrop::drop(pool) };
                }

                fn snapshot_load(current: &'static Current, view: &mut MaybeUninit<View<'static>>) {
                    view.write(current.load());
                }
                fn snapshot_store(current: &Current, from: &mut Item, rejected: &mut Out) -> bool {
                    current.store(value(from)).map_err(|Exhausted(back)| rejected.write(back)).is_ok()
                }
                fn snapshot_swap(
                    current: &'static Current,
                    from: &mut Item,
                    view: &mut MaybeUninit<View<'static>>,
                    rejected: &mut Out,
                ) -> bool {
                    let outcome = current.swap(value(from)).map(|before| view.write(before));
                    outcome.map_err(|Exhausted(back)| rejected.write(back)).is_ok()
                }
                fn snapshot_compare_and_swap(
                    current: &'static Current,
                    view: &View<'static>,
                    from: &mut Item,
                    rejected: &mut Out,
                ) -> bool {
                    let outcome = current.compare_and_swap(view, value(from));
                    outcome.map_err(|error| rejected.write(error.into_inner())).is_ok()
                }
                fn snapshot_fetch_update(
                    current: &'static Current,
                    from: &mut Item,
                    view: &mut MaybeUninit<View<'static>>,
                    rejected: &mut Out,
                ) -> bool {
                    match current.fetch_update(|_| Some(value(from))) {
                        Ok(Some(before)) => {
                            view.write(before);
                            true
                        }
                        Ok(None) => false,
                        Err(Exhausted(back)) => {
                            rejected.write(back);
                            false
                        }
                    }
                }
                fn snapshot_get_mut(current: &'static mut Current) -> &'static mut Item {
                    current.get_mut()
                }
                fn snapshot_drop(current: &mut ManuallyDrop<Current>) {
                    // SAFETY: the caller does not use the snapshot again.
                    unsafe { ManuallyDrop::drop(current) };
                }
                fn guard_deref(view: &'static View<'static>) -> &'static Item { view }
                fn guard_clone(view: &View<'static>, clone: &mut MaybeUninit<View<'static>>) {
                    clone.write(view.clone());
                }
                fn guard_drop(view: &mut ManuallyDrop<View<'_>>) {
                    // SAFETY: the caller does not use the guard again.
                    unsafe { ManuallyDrop::drop(view) };
                }
            }
        }
    };
}

for_values!(words, u64, "_u64");
for_values!(lines, [u64; 8], "_line");
for_values!(dropped, Dropped, "_dropped");
