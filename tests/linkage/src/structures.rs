//! The structures, for values of a register, of a cache line, and with a `Drop` of their own.

use core::mem::{ManuallyDrop, MaybeUninit};

use latchless::counter::Counter;
use latchless::ring::spsc::{Consumer, Producer};
use latchless::ring::{Full, MpmcRing, SpscRing};
use latchless::stack::{Exhausted, IndexStack, Pool, PoolBox};

use crate::export;

const SLOTS: usize = 64;

type Stack = IndexStack<SLOTS>;

export! { ""
    fn counter_inc(counter: &Counter) { counter.inc() }
    fn counter_add(counter: &Counter, n: u64) { counter.add(n) }
    fn counter_sub(counter: &Counter, n: u64) { counter.sub(n) }
    fn counter_get(counter: &Counter) -> u64 { counter.get() }
    fn counter_take(counter: &Counter) -> u64 { counter.take() }

    fn stack_push(stack: &Stack, index: u32) -> bool { stack.push(index).is_ok() }
    fn stack_pop(stack: &Stack, index: &mut u32) -> bool {
        let popped = stack.pop();
        *index = popped.unwrap_or(*index);
        popped.is_some()
    }
    fn stack_is_empty(stack: &Stack) -> bool { stack.is_empty() }
}

/// A value whose end is seen.
struct Dropped(u64);

static DROPS: Counter = Counter::new();

impl Drop for Dropped {
    fn drop(&mut self) {
        DROPS.add(self.0);
    }
}

macro_rules! for_values {
    ($module:ident, $item:ty, $suffix:literal) => {
        mod $module {
            use super::*;

            type Item = $item;
            type Out = MaybeUninit<Item>;
            type Spsc = SpscRing<Item, SLOTS>;
            type Tx<'a> = Producer<'a, Item, SLOTS>;
            type Rx<'a> = Consumer<'a, Item, SLOTS>;
            type Ends<'a> = MaybeUninit<(Tx<'a>, Rx<'a>)>;
            type Mpmc = MpmcRing<Item, SLOTS>;
            type Slots = Pool<Item, SLOTS>;
            type Block<'a> = PoolBox<'a, Item, SLOTS>;

            /// Takes a value from a caller who forgets it.
            fn value(from: &mut Item) -> Item {
                // SAFETY: valid to read, and the caller's value is never used or dropped again.
                unsafe { core::ptr::read(from) }
            }

            export! { $suffix
                fn spsc_try_split(ring: &'static Spsc, out: &mut Ends<'static>) -> bool {
                    ring.try_split().map(|ends| out.write(ends)).is_some()
                }
                fn spsc_split(ring: &'static mut Spsc, out: &mut Ends<'static>) {
                    out.write(ring.split());
                }
                fn spsc_drop(ring: &mut ManuallyDrop<Spsc>) {
                    // SAFETY: the caller does not use the ring again.
                    unsafe { ManuallyDrop::drop(ring) };
                }
                fn producer_push(tx: &mut Tx<'_>, from: &mut Item, rejected: &mut Out) -> bool {
                    tx.push(value(from)).map_err(|Full(back)| rejected.write(back)).is_ok()
                }
                fn producer_len(tx: &Tx<'_>) -> usize { tx.len() }
                fn producer_is_empty(tx: &Tx<'_>) -> bool { tx.is_empty() }
                fn producer_is_full(tx: &Tx<'_>) -> bool { tx.is_full() }
                fn producer_slots(tx: &Tx<'_>) -> usize { tx.slots() }
                fn consumer_pop(rx: &mut Rx<'_>, out: &mut Out) -> bool {
                    rx.pop().map(|value| out.write(value)).is_some()
                }
                fn consumer_peek(rx: &'static Rx<'static>) -> Option<&'static Item> { rx.peek() }
                fn consumer_len(rx: &Rx<'_>) -> usize { rx.len() }
                fn consumer_is_empty(rx: &Rx<'_>) -> bool { rx.is_empty() }
                fn consumer_is_full(rx: &Rx<'_>) -> bool { rx.is_full() }

                fn mpmc_push(ring: &Mpmc, from: &mut Item, rejected: &mut Out) -> bool {
                    ring.push(value(from)).map_err(|Full(back)| rejected.write(back)).is_ok()
                }
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
            }
        }
    };
}

for_values!(words, u64, "_u64");
for_values!(lines, [u64; 8], "_line");
for_values!(dropped, Dropped, "_dropped");
