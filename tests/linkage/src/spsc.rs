//! The ring that every target has.

use core::mem::{ManuallyDrop, MaybeUninit};

use latchless::ring::spsc::{Consumer, Producer};
use latchless::ring::{Full, SpscRing};

use crate::export;
use crate::values::{Dropped, SLOTS, value};

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
            }
        }
    };
}

for_values!(words, u64, "_u64");
for_values!(lines, [u64; 8], "_line");
for_values!(dropped, Dropped, "_dropped");
