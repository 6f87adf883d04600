//! Defends chunks that start and end on a boundary, and the chunks of what there is that they are made of:
//! no slot is in one that should not be, and if the next slot is not aligned, the number of slots until
//! one is is exact, round the end of the memory too.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::error::Error;
use core::mem::MaybeUninit;

use latchless::ring::spsc::{Misaligned, Ring};
use latchless::ring::storage::Storage;
use latchless::ring::{SpscRing, SpscSliceRing};

/// A value of so many bytes, in words of one.
type Bytes<const SIZE: usize> = [u8; SIZE];

/// Whether `address` is a multiple of `ALIGN`.
fn is_aligned<const ALIGN: usize, T>(address: *const T) -> bool {
    address.addr().is_multiple_of(ALIGN)
}

/// Passes twice round a ring, slot by slot, and asks for an aligned chunk at each.
fn is_aligned_everywhere<const ALIGN: usize, const SIZE: usize, S>(mut ring: Ring<S>)
where
    S: Storage<Item = Bytes<SIZE>>,
{
    let slots = ring.capacity();
    let (mut producer, mut consumer) = ring.split();
    // Where the slots are, asked without alignment.
    let mut addresses = Vec::new();
    for _ in 0..slots {
        producer.push([1; SIZE]).expect("the ring is empty");
        addresses.push(core::ptr::from_ref(consumer.peek().expect("it is there")));
        assert!(consumer.pop().is_some());
    }
    let from = |at: usize| addresses.iter().cycle().skip(at).take(slots);
    let until_aligned = |at: usize| {
        let found = from(at).position(|&address| is_aligned::<ALIGN, _>(address));
        found.unwrap_or(usize::MAX)
    };

    for at in 0..2 * slots {
        let (at, until_end) = (at % slots, slots - at % slots);
        // The most that lie side by side from here and end on a boundary.
        let whole = |most: usize| {
            let ends = |&count: &usize| (count * SIZE).is_multiple_of(ALIGN);
            (0..=most.min(until_end)).rev().find(ends).unwrap_or(0)
        };
        for most in [0, 1, slots / 2, slots, usize::MAX] {
            match producer.write_chunk_aligned::<ALIGN>(most) {
                Ok(mut chunk) => {
                    assert_eq!(until_aligned(at), 0);
                    assert_eq!(chunk.len(), whole(most));
                    let (first, second) = chunk.as_mut_slices();
                    assert!(is_aligned::<ALIGN, _>(first.as_ptr()) && second.is_empty());
                    assert!(is_aligned::<ALIGN, _>(first.as_ptr_range().end));
                }
                Err(Misaligned(later)) => {
                    assert_eq!(later, until_aligned(at), "{SIZE} bytes, {ALIGN}, slot {at}");
                    assert_ne!(later, 0);
                }
            }
        }
        // As full as it can be, and the same for the other end.
        let there = producer.write_chunk_up_to(usize::MAX).fill_from_slice(&vec![[7; SIZE]; slots]);
        assert_eq!(there, slots);
        for most in [0, 1, slots / 2, slots, usize::MAX] {
            match consumer.read_chunk_aligned::<ALIGN>(most) {
                Ok(chunk) => {
                    assert_eq!(until_aligned(at), 0);
                    assert_eq!(chunk.len(), whole(most));
                    let (first, second) = chunk.as_slices();
                    assert!(is_aligned::<ALIGN, _>(first.as_ptr()) && second.is_empty());
                    assert!(is_aligned::<ALIGN, _>(first.as_ptr_range().end));
                }
                Err(Misaligned(later)) => assert_eq!(later, until_aligned(at)),
            }
        }
        assert_eq!(consumer.read_chunk_up_to(usize::MAX).len(), slots);
        assert_eq!(consumer.clear(), slots);
        // After so many slots there is an aligned one.
        if let Err(Misaligned(later @ 1..1_000_000)) = producer.write_chunk_aligned::<ALIGN>(0) {
            for _ in 0..later {
                assert!(producer.write_chunk_aligned::<ALIGN>(0).is_err());
                producer.push([1; SIZE]).expect("the ring is empty");
                assert!(consumer.read_chunk_aligned::<ALIGN>(0).is_err());
                assert!(consumer.pop().is_some());
            }
            assert!(producer.write_chunk_aligned::<ALIGN>(0).is_ok());
            assert!(consumer.read_chunk_aligned::<ALIGN>(0).is_ok());
            for _ in later % slots..slots {
                producer.push([1; SIZE]).expect("the ring is empty");
                assert!(consumer.pop().is_some());
            }
        }
        // One slot on.
        producer.push([1; SIZE]).expect("the ring is empty");
        assert!(consumer.pop().is_some());
    }
}

/// In a ring, and in memory that starts anywhere.
fn is_aligned_in_all_memory<const ALIGN: usize, const SIZE: usize>() {
    is_aligned_everywhere::<ALIGN, SIZE, _>(SpscRing::<Bytes<SIZE>, 1>::new());
    is_aligned_everywhere::<ALIGN, SIZE, _>(SpscRing::<Bytes<SIZE>, 16>::new());
    is_aligned_everywhere::<ALIGN, SIZE, _>(SpscRing::<Bytes<SIZE>, 64>::new());
    let mut memory = vec![MaybeUninit::<Bytes<SIZE>>::uninit(); 80];
    for first in [0, 1, 5, 16] {
        for slots in [4, 64] {
            let ring = SpscSliceRing::in_slice(&mut memory[first..first + slots]);
            is_aligned_everywhere::<ALIGN, SIZE, _>(ring.expect("a power of two"));
        }
    }
    #[cfg(feature = "alloc")]
    is_aligned_everywhere::<ALIGN, SIZE, _>(
        latchless::ring::SpscHeapRing::<Bytes<SIZE>>::with_capacity(128),
    );
}

fn is_aligned_to_all<const SIZE: usize>() {
    is_aligned_in_all_memory::<1, SIZE>();
    is_aligned_in_all_memory::<64, SIZE>();
    is_aligned_in_all_memory::<128, SIZE>();
    is_aligned_in_all_memory::<4096, SIZE>();
}

#[test]
fn aligned_chunks_are_aligned_or_say_when() {
    is_aligned_to_all::<1>();
    is_aligned_to_all::<2>();
    is_aligned_to_all::<3>();
    is_aligned_to_all::<8>();
    is_aligned_to_all::<12>();
    is_aligned_to_all::<64>();
    is_aligned_to_all::<128>();
}

#[test]
fn whoever_commits_whole_lines_stays_aligned() {
    let mut ring = SpscRing::<u8, 256>::new();
    let (mut producer, mut consumer) = ring.split();
    for round in 0..40 {
        let mut chunk = producer.write_chunk_aligned::<64>(round % 257).unwrap();
        chunk.as_mut_slices().0.fill(MaybeUninit::new(round as u8));
        // SAFETY: all of them were written.
        unsafe { chunk.commit_all() };
        let chunk = consumer.read_chunk_aligned::<64>(64).unwrap();
        assert!(matches!(chunk.len(), 0 | 64));
        chunk.commit_all();
    }
}

#[test]
fn zero_sized_type() {
    let mut ring = SpscRing::<(), 8>::new();
    let (mut producer, mut consumer) = ring.split();
    // There is one place for all of them.
    let chunk = producer.write_chunk_aligned::<1>(5).unwrap();
    assert_eq!(chunk.len(), 5);
    // SAFETY: there are no bytes to write.
    unsafe { chunk.commit_all() };
    assert_eq!(consumer.read_chunk_aligned::<1>(9).unwrap().len(), 5);
}

#[test]
fn chunk_of_what_there_is_has_no_more() {
    for start in [0, 3, usize::MAX] {
        let mut ring = SpscRing::<usize, 4>::with_start(start);
        let (mut producer, mut consumer) = ring.split();
        for len in 0..=4 {
            for most in [0, 1, 2, 3, 4, 5, usize::MAX] {
                let mut chunk = producer.write_chunk_up_to(most);
                assert_eq!(
                    (chunk.len(), chunk.is_empty()),
                    (most.min(4 - len), most.min(4 - len) == 0)
                );
                let (first, second) = chunk.as_mut_slices();
                assert_eq!(first.len() + second.len(), most.min(4 - len));
                let chunk = consumer.read_chunk_up_to(most);
                assert_eq!(chunk.len(), most.min(len));
                let (first, second) = chunk.as_slices();
                assert!(first.iter().chain(second).copied().eq(0..most.min(len)));
            }
            _ = producer.push(len);
        }
        consumer.read_chunk_up_to(3).commit_all();
        assert_eq!(producer.write_chunk_up_to(9).fill_from_slice(&[4, 5, 6, 7]), 3);
        assert!(consumer.read_chunk_up_to(9).into_iter().eq([3, 4, 5, 6]));
    }
}

#[test]
fn misaligned_says_how_far() {
    fn text<E: Error>(error: E) -> String {
        error.to_string()
    }
    assert_eq!(text(Misaligned(56)), "the next slot aligned so is 56 further on");
    assert_eq!(text(Misaligned(usize::MAX)), "no slot is aligned so");
}
