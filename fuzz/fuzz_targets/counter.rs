//! Every counter against plain arithmetic.
#![no_main]

use arbitrary::Arbitrary;
use latchless::counter::sharded::Local;
use latchless::counter::{
    BatchedCounter, BoundedCounter, Counter, HighWater, Histogram, RefCount, Sequence,
    ShardedCounter, SignedCounter,
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Op {
    Inc,
    Dec,
    Add(u64),
    Sub(u64),
    Get,
    Take,
}

#[derive(Arbitrary, Debug)]
enum ShardedOp {
    Add(usize, u64),
    Sub(usize, u64),
    Own(usize),
    OwnerAdds(u8, u64),
    OwnerSubs(u8, u64),
    OwnerTallies(u8, u64, u64),
    Leave(u8),
    Take,
}

#[derive(Arbitrary, Debug)]
enum HoldOp {
    Inc,
    Add(u32),
    AddNotZero(u32),
    Dec,
    DecAndTest,
    SubAndTest(u32),
    DecIfOne,
    DecNotOne,
}

#[derive(Arbitrary, Debug)]
enum Input {
    Plain(u64, Vec<Op>),
    Sharded(Vec<ShardedOp>),
    Holds(u32, Vec<HoldOp>),
    Bounded(u64, Vec<(bool, u64)>),
    Mark(Vec<u64>),
    Ids(u64, Vec<u32>),
    Batched(i64, Vec<(u8, i64)>),
    Histogram(Vec<u64>, u32, u32),
}

fuzz_target!(|input: Input| {
    match input {
        Input::Plain(start, ops) => plain(start, ops),
        Input::Sharded(ops) => sharded(ops),
        Input::Holds(start, ops) => holds(start, ops),
        Input::Bounded(limit, changes) => bounded(limit, changes),
        Input::Mark(values) => mark(values),
        Input::Ids(left, counts) => ids(left, counts),
        Input::Batched(limit, changes) => batched(limit, changes),
        Input::Histogram(values, parts, of) => histogram(values, parts, of),
    }
});

fn plain(start: u64, ops: Vec<Op>) {
    let (counter, signed) = (Counter::with_value(start), SignedCounter::with_value(start as i64));
    let mut model = start;
    for op in ops {
        let delta = match op {
            Op::Inc => {
                counter.inc();
                signed.inc();
                1
            }
            Op::Dec => {
                counter.dec();
                signed.dec();
                1_u64.wrapping_neg()
            }
            Op::Add(n) => {
                counter.add(n);
                signed.add(n as i64);
                n
            }
            Op::Sub(n) => {
                counter.sub(n);
                signed.sub(n as i64);
                n.wrapping_neg()
            }
            Op::Get => 0,
            Op::Take => {
                let taken = std::mem::take(&mut model);
                assert_eq!((counter.take(), signed.take()), (taken, taken as i64));
                0
            }
        };
        model = model.wrapping_add(delta);
        assert_eq!((counter.get(), signed.get()), (model, model as i64));
    }
}

fn sharded(ops: Vec<ShardedOp>) {
    let mut counter = ShardedCounter::<4>::new();
    let mut model = 0_u64;
    {
        let mut owners: Vec<(usize, Local<'_>)> = Vec::new();
        for op in ops {
            match op {
                ShardedOp::Add(at, n) => {
                    counter.shard(at).add(n);
                    model = model.wrapping_add(n);
                }
                ShardedOp::Sub(at, n) => {
                    counter.shard(at).sub(n);
                    model = model.wrapping_sub(n);
                }
                ShardedOp::Own(at) => {
                    let is_owned = owners.iter().any(|&(cell, _)| cell == at % 4);
                    let owner = counter.local_at(at);
                    assert_eq!(owner.is_none(), is_owned);
                    owners.extend(owner.map(|owner| (at % 4, owner)));
                }
                ShardedOp::OwnerAdds(owner, n) => {
                    if let Some((_, owner)) = owners.get(usize::from(owner)) {
                        owner.add(n);
                        model = model.wrapping_add(n);
                    }
                }
                ShardedOp::OwnerSubs(owner, n) => {
                    if let Some((_, owner)) = owners.get(usize::from(owner)) {
                        owner.sub(n);
                        model = model.wrapping_sub(n);
                    }
                }
                ShardedOp::OwnerTallies(owner, added, taken) => {
                    if usize::from(owner) < owners.len() {
                        let (cell, owner) = owners.swap_remove(usize::from(owner));
                        let mut tally = owner.into_tally();
                        tally.add(added);
                        model = model.wrapping_add(added);
                        assert_eq!(counter.sum(), model);
                        tally.sub(taken);
                        model = model.wrapping_sub(taken);
                        owners.push((cell, tally.into_local()));
                    }
                }
                ShardedOp::Leave(owner) => {
                    if usize::from(owner) < owners.len() {
                        owners.remove(usize::from(owner));
                    }
                }
                ShardedOp::Take => assert_eq!(counter.take(), std::mem::take(&mut model)),
            }
            assert_eq!(counter.sum(), model);
            let parts = counter.shards().fold(0_u64, |sum, shard| sum.wrapping_add(shard.get()));
            assert_eq!(parts, model);
            assert_eq!(counter.local().is_none(), owners.len() == 4);
        }
    }
    assert_eq!(counter.sum_exact(), model);
}

/// A count that parks; `None` is parked.
fn holds(start: u32, ops: Vec<HoldOp>) {
    const PARKED: u32 = 0xc000_0000;

    let holds = RefCount::with_count(start);
    let in_range = |count: i64| (0..=i64::from(RefCount::MAX)).contains(&count).then_some(count);
    let mut model = in_range(i64::from(start));
    for op in ops {
        let before = model;
        let after = |delta: i64| before.and_then(|count| in_range(count + delta));
        let not_from_zero = |delta: i64| if before == Some(0) { None } else { after(delta) };
        let is_last = |n: u32| n != 0 && before == Some(i64::from(n));
        match op {
            HoldOp::Inc => {
                holds.inc();
                model = not_from_zero(1);
            }
            HoldOp::Add(n) => {
                holds.add(n);
                model = not_from_zero(i64::from(n));
            }
            HoldOp::AddNotZero(n) => {
                assert_eq!(holds.add_not_zero(n), before != Some(0));
                model = if before == Some(0) { before } else { after(i64::from(n)) };
            }
            HoldOp::Dec => {
                holds.dec();
                model = after(-1).filter(|&left| left != 0);
            }
            HoldOp::DecAndTest => {
                assert_eq!(holds.dec_and_test(), is_last(1));
                model = after(-1);
            }
            HoldOp::SubAndTest(n) => {
                assert_eq!(holds.sub_and_test(n), is_last(n));
                model = after(-i64::from(n));
            }
            HoldOp::DecIfOne => {
                assert_eq!(holds.dec_if_one(), is_last(1));
                model = if is_last(1) { Some(0) } else { before };
            }
            HoldOp::DecNotOne => {
                assert_eq!(holds.dec_not_one(), !is_last(1));
                model = if is_last(1) { before } else { after(-1) };
            }
        }
        assert_eq!(holds.get(), model.map_or(PARKED, |count| count as u32));
        assert_eq!(holds.is_saturated(), model.is_none());
    }
}

fn bounded(limit: u64, changes: Vec<(bool, u64)>) {
    let (counter, mut model) = (BoundedCounter::new(limit), 0_u64);
    for (is_added, n) in changes {
        let (result, after) = if is_added {
            (counter.try_add(n), model.checked_add(n).filter(|&sum| sum <= limit))
        } else {
            (counter.release(n), model.checked_sub(n))
        };
        assert_eq!(result.is_ok(), after.is_some());
        model = after.unwrap_or(model);
        assert_eq!((counter.get(), counter.available()), (model, limit - model));
        let is_there = counter.try_acquire(n).is_some_and(|permits| permits.count() == n);
        assert_eq!(is_there, n <= limit - model);
    }
}

fn mark(values: Vec<u64>) {
    let (mark, mut model) = (HighWater::new(), 0);
    for value in values {
        assert_eq!(mark.record(value), value > model);
        model = model.max(value);
        assert_eq!(mark.get(), model);
    }
    assert_eq!((mark.take(), mark.get()), (model, 0));
}

fn ids(left: u64, counts: Vec<u32>) {
    let first = Sequence::END.saturating_sub(left);
    let (sequence, mut next) = (Sequence::starting_at(first), first);
    for count in counts {
        assert_eq!(sequence.peek(), (next < Sequence::END).then_some(next));
        let is_there = next < Sequence::END && u64::from(count) <= Sequence::END - next;
        if count == 1 {
            assert_eq!(sequence.next_id(), is_there.then_some(next));
        } else {
            let block = sequence.reserve(count).map(|mut ids| (ids.len(), ids.next()));
            let ids = (count as usize, (count > 0).then_some(next));
            assert_eq!(block, is_there.then_some(ids));
        }
        next = if is_there { next + u64::from(count) } else { Sequence::END };
    }
}

/// The sum is exact whatever is added; the error bound is for counts that an `i64` holds.
fn batched(limit: i64, changes: Vec<(u8, i64)>) {
    let (counter, mut model) = (BatchedCounter::<4, 16>::new(), Some(0_i64));
    let mut wrapped = 0_i64;
    for (cell, n) in changes {
        counter.add_at(usize::from(cell), n);
        wrapped = wrapped.wrapping_add(n);
        // Far enough from the ends that no part of the sum is past them.
        model = model
            .and_then(|count| count.checked_add(n))
            .filter(|count| count.unsigned_abs() < 1 << 62);
        assert_eq!(counter.sum(), wrapped);
        if let Some(count) = model {
            assert!(counter.estimate().abs_diff(count) <= counter.max_error());
            assert_eq!(counter.compare(limit), count.cmp(&limit));
        }
    }
}

fn histogram(mut values: Vec<u64>, parts: u32, of: u32) {
    let (histogram, other) = (Histogram::<496>::new(), Histogram::new());
    for &value in &values {
        histogram.record(value);
    }
    values.sort_unstable();
    let quantile = histogram.quantile(parts, of);
    assert_eq!(quantile.is_none(), values.is_empty());
    if let Some(quantile) = quantile {
        let (parts, of) = (u128::from(parts.min(of)), u128::from(of.max(1)));
        let rank = (values.len() as u128 * parts).div_ceil(of).max(1) as usize;
        let exact = values[rank - 1];
        assert!(quantile >= exact && quantile - exact <= exact / 8);
    }
    other.drain_from(&histogram);
    assert_eq!((histogram.count(), other.count()), (0, values.len() as u64));
    histogram.merge_from(&other);
    assert_eq!(histogram.quantile(parts, of), quantile);
}
