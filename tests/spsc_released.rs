//! Defends the values that stay when others are taken out together: giving slots up writes to the cache
//! lines that end in them, and must write nowhere else, wherever the slots start, and whatever their size.

use core::mem::MaybeUninit;

use latchless::ring::SpscSliceRing;
use latchless::ring::spsc::{Consumer, RingRef};
use latchless::ring::storage::Storage;

/// A value of so many bytes that no other has, none of them zero.
fn pattern<const SIZE: usize>(number: usize) -> [u8; SIZE] {
    core::array::from_fn(|at| 1 + ((number * 31 + at * 7) % 255) as u8)
}

/// The ways to take the `count` oldest values out by one store.
fn take<const SIZE: usize, S, R>(way: usize, count: usize, consumer: &mut Consumer<R>)
where
    S: Storage<Item = [u8; SIZE]>,
    R: RingRef<Storage = S>,
{
    match way {
        0 => consumer.read_chunk(count).expect("they are there").commit_all(),
        1 => consumer.read_chunk_up_to(usize::MAX).commit(count),
        2 => assert_eq!(consumer.skip(count), count),
        3 => {
            let mut places = vec![[0; SIZE]; count];
            assert_eq!(consumer.pop_slice(&mut places), count);
            // They were taken out before anybody wrote to their slots.
            assert!(places.iter().flatten().all(|&byte| byte != 0));
        }
        4 => assert_eq!(consumer.pop_entire_slice(&mut vec![[0; SIZE]; count]), Ok(())),
        _ => {
            let values = consumer.read_chunk(count).expect("they are there").into_iter();
            values.for_each(|value| assert!(value.iter().all(|&byte| byte != 0)));
        }
    }
}

/// A ring in the middle of memory that is watched: of so many values, from each slot on, so many are taken
/// out, in each way.
fn leaves_the_rest<const SIZE: usize>(slots: usize) {
    const GUARD: u8 = 0xa5;
    /// Bytes before and after the ring's memory, no fewer than a cache line.
    const AROUND: usize = 256;

    let bytes = slots * SIZE;
    // The memory starts anywhere in a cache line.
    for offset in [0, 1, 40] {
        for start in 0..slots {
            for len in [1, slots / 2, slots - 1, slots] {
                for count in [0, 1, len / 2, len - 1, len] {
                    for way in 0..6 {
                        let mut memory = vec![MaybeUninit::new([GUARD; 1]); bytes + 3 * AROUND];
                        let line = memory.as_ptr().align_offset(64);
                        let first = line + AROUND + offset;
                        let (before, rest) = memory.split_at_mut(first);
                        let (inside, after) = rest.split_at_mut(bytes);
                        check::<SIZE>(inside, [slots, start, len, count, way]);
                        // SAFETY: all of the memory was written, and a byte is a byte.
                        let is_whole =
                            |byte: &MaybeUninit<[u8; 1]>| unsafe { byte.assume_init() } == [GUARD];
                        assert!(before.iter().chain(&*after).all(is_whole), "outside of the ring");
                    }
                }
            }
        }
    }
}

fn check<const SIZE: usize>(
    memory: &mut [MaybeUninit<[u8; 1]>],
    [slots, start, len, count, way]: [usize; 5],
) {
    // SAFETY: the same memory, of values that have the alignment of bytes.
    let memory = unsafe {
        core::slice::from_raw_parts_mut(
            memory.as_mut_ptr().cast::<MaybeUninit<[u8; SIZE]>>(),
            slots,
        )
    };
    let mut ring = SpscSliceRing::in_slice(memory).expect("a power of two");
    let (mut producer, mut consumer) = ring.split();
    for _ in 0..start {
        assert!(producer.push(pattern(999)).is_ok() && consumer.pop().is_some());
    }
    assert_eq!(producer.push_iter((0..len).map(pattern::<SIZE>)), len);
    take(way, count, &mut consumer);
    let chunk = consumer.read_chunk(len - count).expect("they stay");
    let (first, second) = chunk.as_slices();
    let stays = first.iter().chain(second).copied().eq((count..len).map(pattern::<SIZE>));
    assert!(stays, "{SIZE} bytes: {count} of {len} from {start} in way {way}");
    // Nor what the producer has put into the slots since.
    assert_eq!(producer.push_iter((len..).map(pattern::<SIZE>)), slots - (len - count));
    let stays = consumer.pop_iter().eq((count..count + slots).map(pattern::<SIZE>));
    assert!(stays, "{SIZE} bytes: {count} of {len} from {start} in way {way}");
}

#[test]
fn values_that_stay_are_left_alone() {
    leaves_the_rest::<1>(64);
    leaves_the_rest::<3>(16);
    leaves_the_rest::<8>(16);
    leaves_the_rest::<24>(8);
    leaves_the_rest::<64>(4);
    leaves_the_rest::<100>(4);
}
