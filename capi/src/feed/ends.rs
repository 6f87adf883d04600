//! What the ends of a feed know and believe: positions alone, no memory of records. A file of its own so that the
//! models of `tests/loom` and the properties of `tests/feed.rs` take it as it is.
//!
//! The layout, the invariants and the edges are those of the module above.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use latchless::atomic::AtomicU64;

/// The end that writes. It believes nothing.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    shown_tail: &'a AtomicU64,
    shown_head: &'a AtomicU64,
    capacity: usize,
    tail: u64,
    seen_head: u64,
}

/// The end that reads. It believes the writer.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    shown_tail: &'a AtomicU64,
    shown_head: &'a AtomicU64,
    capacity: usize,
    head: u64,
    seen_tail: u64,
}

/// The reader says that it is where it cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lie;

/// An index and a number of words.
pub(crate) type Span = (usize, usize);

/// The whole ring from `position` on: as far as the memory goes, and from its start. Whatever the position, both
/// lie within `capacity` words, a power of two.
#[inline]
fn spans(position: u64, capacity: usize) -> [Span; 2] {
    let index = position as usize & (capacity - 1);
    [(index, capacity - index), (0, index)]
}

// === impl Writer ===

impl<'a> Writer<'a> {
    /// An end of an empty ring; none if `capacity` is no power of two.
    #[inline]
    pub(crate) fn new(
        shown_tail: &'a AtomicU64,
        shown_head: &'a AtomicU64,
        capacity: usize,
    ) -> Option<Self> {
        if !capacity.is_power_of_two() {
            return None;
        }
        // ORDERING: Relaxed; nobody reads yet.
        shown_head.store(0, Relaxed);
        // ORDERING: Relaxed; nobody reads yet.
        shown_tail.store(0, Relaxed);
        Some(Self { shown_tail, shown_head, capacity, tail: 0, seen_head: 0 })
    }

    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Looks where the reader says that it is.
    #[inline]
    pub(crate) fn look(&mut self) -> Result<(), Lie> {
        // ORDERING: Acquire, E2. What is before `head` was read.
        let head = self.shown_head.load(Acquire);
        // INV-2: between what was seen last and our own tail, or not at all.
        if head.wrapping_sub(self.seen_head) > self.tail.wrapping_sub(self.seen_head) {
            return Err(Lie);
        }
        self.seen_head = head;
        Ok(())
    }

    /// How many words may be written, at most the capacity (INV-1). Asks the reader only if `wanted` are not known
    /// to be vacant.
    #[inline]
    pub(crate) fn room(&mut self, wanted: usize) -> Result<usize, Lie> {
        if self.vacant() < wanted {
            self.look()?;
        }
        Ok(self.vacant())
    }

    /// Where the words from the `offset`th vacant one on are.
    #[inline]
    pub(crate) fn spans(&self, offset: usize) -> [Span; 2] {
        spans(self.tail.wrapping_add(offset as u64), self.capacity)
    }

    /// Shows the reader `words` more, for which there was room.
    #[inline]
    pub(crate) fn publish(&mut self, words: usize) {
        self.tail = self.tail.wrapping_add(words as u64);
        // ORDERING: Release, E1. Publishes the words.
        self.shown_tail.store(self.tail, Release);
    }

    #[inline]
    fn vacant(&self) -> usize {
        self.capacity - self.tail.wrapping_sub(self.seen_head) as usize
    }
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// An end where the reader before has left off; none if `capacity` is no power of two.
    #[inline]
    pub(crate) fn new(
        shown_tail: &'a AtomicU64,
        shown_head: &'a AtomicU64,
        capacity: usize,
    ) -> Option<Self> {
        if !capacity.is_power_of_two() {
            return None;
        }
        // ORDERING: Relaxed; only readers write it.
        let head = shown_head.load(Relaxed);
        Some(Self { shown_tail, shown_head, capacity, head, seen_tail: head })
    }

    /// How many words can be read, at most the capacity. Asks the writer only if none are known of.
    #[inline]
    pub(crate) fn pending(&mut self) -> usize {
        if self.head == self.seen_tail {
            // ORDERING: Acquire, E1. The words before `tail` are there.
            self.seen_tail = self.shown_tail.load(Acquire);
        }
        (self.seen_tail.wrapping_sub(self.head) as usize).min(self.capacity)
    }

    /// Where the words from the `offset`th pending one on are.
    #[inline]
    pub(crate) fn spans(&self, offset: usize) -> [Span; 2] {
        spans(self.head.wrapping_add(offset as u64), self.capacity)
    }

    /// Gives the room of `words` back, which were read.
    #[inline]
    pub(crate) fn release(&mut self, words: usize) {
        self.head = self.head.wrapping_add(words as u64);
        // ORDERING: Release, E2. The reads of the words come before they are written again.
        self.shown_head.store(self.head, Release);
    }
}
