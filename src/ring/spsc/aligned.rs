//! Chunks for devices, which want whole cache lines side by side.

use core::error::Error;
use core::fmt;

use super::ring::Attached;
use super::{Consumer, Producer, ReadChunk, RingRef, WriteChunk};
use crate::ring::storage::Storage;

/// The next slot is not aligned as asked for; the first one that is comes so many slots later, or never if
/// this is `usize::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misaligned(pub usize);

/// What is not a power of two is no alignment.
struct Valid<const ALIGN: usize>;

// === impl Misaligned ===

impl fmt::Display for Misaligned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            usize::MAX => f.write_str("no slot is aligned so"),
            slots => write!(f, "the next slot aligned so is {slots} further on"),
        }
    }
}

impl Error for Misaligned {}

// === impl Valid ===

impl<const ALIGN: usize> Valid<ALIGN> {
    const ALIGN: () = assert!(ALIGN.is_power_of_two(), "ALIGN must be a power of two");

    /// How many slots from `position` on, at most `most`, have both of their ends on multiples of `ALIGN`.
    #[inline]
    fn whole<T, S: Storage<Item = T>, R: RingRef<Storage = S>>(
        ring: &Attached<R>,
        position: usize,
        most: usize,
    ) -> Result<usize, Misaligned> {
        const { Self::ALIGN };
        let [first, start] = ring.addresses(position);
        match first.align_offset(ALIGN) {
            0 => Ok(most - most % Self::step::<T>()),
            slots => Err(Misaligned(match ring.contiguous(position) {
                until_end if slots < until_end => slots,
                // The memory ends before, and goes on at its start.
                until_end => match start.align_offset(ALIGN) {
                    slots if slots < ring.capacity() => until_end + slots,
                    _ => usize::MAX,
                },
            })),
        }
    }

    /// How many slots take up a multiple of `ALIGN` bytes at least.
    const fn step<T>() -> usize {
        // The greatest power of two that divides both.
        ALIGN >> (size_of::<T>() | ALIGN).trailing_zeros()
    }
}

// === impl Producer ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Producer<R> {
    /// As [`write_chunk_contiguous`](Self::write_chunk_contiguous), from an address that is a multiple of `ALIGN` bytes
    /// to one that is: a device may fill it, and no cache line of it holds anything else. It may be empty.
    ///
    /// `ALIGN` is a power of two, checked at compile time. Who only commits multiples of `ALIGN` bytes stays
    /// aligned; the memory of an [`SpscRing`](crate::ring::SpscRing) or `SpscHeapRing` starts at a multiple of 128.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** as
    /// [`write_chunk`](Self::write_chunk).
    ///
    /// # Errors
    ///
    /// [`Misaligned`], with how many slots have to be filled first.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::{SpscRing, spsc::Misaligned};
    /// let mut ring = SpscRing::<u8, 256>::new();
    /// let (mut producer, _consumer) = ring.split();
    /// assert_eq!(producer.write_chunk_aligned::<64>(100)?.len(), 64);
    /// producer.push_slice(b"a header");
    /// assert_eq!(producer.write_chunk_aligned::<64>(100).err(), Some(Misaligned(56)));
    /// # Ok::<(), Misaligned>(())
    /// ```
    #[inline]
    pub fn write_chunk_aligned<const ALIGN: usize>(
        &mut self,
        most: usize,
    ) -> Result<WriteChunk<'_, R>, Misaligned> {
        let mut chunk = self.write_chunk_contiguous(most);
        let Self { ring, tail, .. } = chunk.producer;
        chunk.len = Valid::<ALIGN>::whole(ring, tail.get(), chunk.len)?;
        Ok(chunk)
    }
}

// === impl Consumer ===

impl<T, S: Storage<Item = T>, R: RingRef<Storage = S>> Consumer<R> {
    /// As [`read_chunk_contiguous`](Self::read_chunk_contiguous), from an address that is a multiple of `ALIGN` bytes to
    /// one that is; see [`Producer::write_chunk_aligned`].
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1). **Ordering** as
    /// [`read_chunk`](Self::read_chunk).
    ///
    /// # Errors
    ///
    /// [`Misaligned`], with how many values have to be taken out first.
    #[inline]
    pub fn read_chunk_aligned<const ALIGN: usize>(
        &mut self,
        most: usize,
    ) -> Result<ReadChunk<'_, R>, Misaligned> {
        let mut chunk = self.read_chunk_contiguous(most);
        let Self { ring, head, .. } = chunk.consumer;
        chunk.len = Valid::<ALIGN>::whole(ring, head.get(), chunk.len)?;
        Ok(chunk)
    }
}
