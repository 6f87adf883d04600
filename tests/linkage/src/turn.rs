//! The ring of turns, which every target has.

use core::mem::{ManuallyDrop, MaybeUninit};

use latchless::ring::storage::Inline;
use latchless::ring::turn::{IntoIter, PopError, PushError, Slot, TooFew};
use latchless::ring::{TurnRing, TurnSliceRing};

use crate::export;
use crate::values::{Dropped, SLOTS, value};

const BATCH: usize = 4;

macro_rules! for_values {
    ($module:ident, $item:ty, $suffix:literal) => {
        mod $module {
            use super::*;

            type Item = $item;
            type Out = MaybeUninit<Item>;
            type Turn = TurnRing<Item, SLOTS>;
            type Values = IntoIter<Item, Inline<Slot<Item>, SLOTS>>;

            export! { $suffix
                fn turn_push(ring: &Turn, from: &mut Item, rejected: &mut MaybeUninit<PushError<Item>>) -> bool {
                    ring.push(value(from)).map_err(|error| rejected.write(error)).is_ok()
                }
                fn turn_pop(ring: &Turn, out: &mut MaybeUninit<Result<Item, PopError>>) {
                    out.write(ring.pop());
                }
                fn turn_force_push(
                    ring: &Turn,
                    from: &mut Item,
                    out: &mut MaybeUninit<Result<Option<Item>, PushError<Item>>>,
                ) {
                    out.write(ring.force_push(value(from)));
                }
                fn turn_copies_push_array(
                    ring: &Turn,
                    from: &mut [Item; BATCH],
                    rejected: &mut MaybeUninit<PushError<[Item; BATCH]>>,
                ) -> bool {
                    ring.push_array(value(from)).map_err(|error| rejected.write(error)).is_ok()
                }
                fn turn_copies_pop_array(ring: &Turn, out: &mut MaybeUninit<Result<[Item; BATCH], PopError>>) {
                    out.write(ring.pop_array());
                }
                fn turn_pop_slice_uninit(ring: &Turn, places: &mut [Out; BATCH], count: usize) -> usize {
                    ring.pop_slice_uninit(places.get_mut(..count).unwrap_or_default())
                }
                fn turn_drain(ring: &Turn, out: &mut Out) -> bool {
                    ring.drain().next().map(|value| out.write(value)).is_some()
                }
                fn turn_push_mut(
                    ring: &mut Turn,
                    from: &mut Item,
                    rejected: &mut MaybeUninit<PushError<Item>>,
                ) -> bool {
                    ring.push_mut(value(from)).map_err(|error| rejected.write(error)).is_ok()
                }
                fn turn_pop_mut(ring: &mut Turn, out: &mut Out) -> bool {
                    ring.pop_mut().map(|value| out.write(value)).is_some()
                }
                fn turn_into_iter_next(values: &mut Values, out: &mut Out) -> bool {
                    values.next().map(|value| out.write(value)).is_some()
                }
                fn turn_close(ring: &Turn) -> bool { ring.close() }
                fn turn_is_closed(ring: &Turn) -> bool { ring.is_closed() }
                fn turn_len(ring: &Turn) -> usize { ring.len() }
                fn turn_is_empty(ring: &Turn) -> bool { ring.is_empty() }
                fn turn_is_full(ring: &Turn) -> bool { ring.is_full() }
                fn turn_capacity(ring: &Turn) -> usize { ring.capacity() }
                fn turn_drop(ring: &mut ManuallyDrop<Turn>) {
                    // SAFETY: the caller does not use the ring again.
                    unsafe { ManuallyDrop::drop(ring) };
                }
                fn turn_in_slice(
                    memory: &'static mut [MaybeUninit<Slot<Item>>; SLOTS],
                    out: &mut MaybeUninit<TurnSliceRing<'static, Item>>,
                ) -> bool {
                    TurnSliceRing::in_slice(memory).map(|ring| out.write(ring)).is_ok()
                }
                fn turn_slice_push(ring: &TurnSliceRing<'static, Item>, from: &mut Item) -> bool {
                    ring.push(value(from)).is_ok()
                }
                fn turn_slice_pop(ring: &TurnSliceRing<'static, Item>, out: &mut Out) -> bool {
                    ring.pop().map(|value| out.write(value)).is_ok()
                }
            }
        }
    };
}

for_values!(words, u64, "_u64");
for_values!(lines, [u64; 8], "_line");
for_values!(dropped, Dropped, "_dropped");

export! { "_u64"
    fn turn_push_slice(ring: &TurnRing<u64, SLOTS>, values: &[u64; BATCH], count: usize) -> usize {
        ring.push_slice(values.get(..count).unwrap_or_default())
    }
    fn turn_push_entire_slice(ring: &TurnRing<u64, SLOTS>, values: &[u64; BATCH], vacant: &mut usize) -> bool {
        ring.push_entire_slice(values).map_err(|TooFew(count)| *vacant = count).is_ok()
    }
    fn turn_pop_slice(ring: &TurnRing<u64, SLOTS>, places: &mut [u64; BATCH], count: usize) -> usize {
        ring.pop_slice(places.get_mut(..count).unwrap_or_default())
    }
    fn turn_pop_entire_slice(ring: &TurnRing<u64, SLOTS>, places: &mut [u64; BATCH], held: &mut usize) -> bool {
        ring.pop_entire_slice(places).map_err(|TooFew(count)| *held = count).is_ok()
    }
}
