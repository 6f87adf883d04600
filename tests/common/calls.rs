//! The operations of each structure as data, so that a test or a fuzzer can choose among them: each
//! is carried out on a structure and recorded in a log.

use core::cell::RefCell;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::collections::VecDeque;

use latchless::counter::Counter;
#[cfg(all(target_arch = "x86_64", not(latchless_native), not(miri)))]
use latchless::ring::WordRing;
use latchless::ring::spsc::{Consumer, Producer, TooFew, WriteChunk};
use latchless::ring::{ForcePushError, MpmcRing, PushError, SpscRing, TurnRing, overwriting, turn};
use latchless::snapshot::{CompareError, Guard, Snapshot};
#[cfg(all(target_arch = "x86_64", not(latchless_native), not(miri)))]
use latchless::stack::TreiberStack;
use latchless::stack::{
    Chain, Exhausted, IndexStack, Link, Linked, Pool, PoolBox, TransferStack, TypeStable,
};

use super::linearizability::Log;
use super::specs::{
    BusyFifoCall, CountCall, Few, Fifo, FifoCall, LatestCall, Lifo, LifoCall, RegisterCall,
    SlotsCall,
};

// === MpmcRing, WordRing ===

/// A ring of any number of producers and consumers.
pub(crate) trait Ring: Sync {
    /// Whether a push that finds no room has met as many values as there are slots: calls under way
    /// hold none.
    const IS_EXACT: bool;

    fn starting_at(position: u64) -> Self;
    fn push(&self, value: u64) -> Result<(), PushError<u64>>;
    fn force_push(&self, value: u64) -> Result<Option<u64>, ForcePushError<u64>>;
    fn push_slice(&self, values: &[u64]) -> usize;
    fn pop(&self) -> Option<u64>;
    fn pop_slice(&self, places: &mut [u64]) -> usize;
    #[cfg(feature = "heapless")]
    fn pop_into_vec(&self, batch: &mut heapless::Vec<u64, BATCH>) -> usize;
    fn close(&self) -> bool;
    fn is_closed(&self) -> bool;
    fn is_drained(&self) -> bool;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool;
    fn is_full(&self) -> bool;
    fn capacity(&self) -> usize;
}

macro_rules! ring {
    ($([$($generics:tt)*] $ring:ty, $is_exact:literal;)+) => {$(
        impl<$($generics)*> Ring for $ring {
            const IS_EXACT: bool = $is_exact;

            fn starting_at(position: u64) -> Self {
                Self::with_start(position)
            }

            fn push(&self, value: u64) -> Result<(), PushError<u64>> {
                self.push(value)
            }

            fn force_push(&self, value: u64) -> Result<Option<u64>, ForcePushError<u64>> {
                self.force_push(value)
            }

            fn push_slice(&self, values: &[u64]) -> usize {
                self.push_slice(values)
            }

            fn pop(&self) -> Option<u64> {
                self.pop()
            }

            fn pop_slice(&self, places: &mut [u64]) -> usize {
                self.pop_slice(places)
            }

            #[cfg(feature = "heapless")]
            fn pop_into_vec(&self, batch: &mut heapless::Vec<u64, BATCH>) -> usize {
                self.pop_into_vec(batch)
            }

            fn close(&self) -> bool {
                self.close()
            }

            fn is_closed(&self) -> bool {
                self.is_closed()
            }

            fn is_drained(&self) -> bool {
                self.is_drained()
            }

            fn len(&self) -> usize {
                self.len()
            }

            fn is_empty(&self) -> bool {
                self.is_empty()
            }

            fn is_full(&self) -> bool {
                self.is_full()
            }

            fn capacity(&self) -> usize {
                self.capacity()
            }
        }
    )+};
}

ring! {
    [const N: usize] MpmcRing<u64, N>, false;
}

#[cfg(all(target_arch = "x86_64", not(latchless_native), not(miri)))]
ring! {
    [const N: usize] WordRing<u64, N>, true;
}

/// What to do to a ring of any number of producers and consumers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RingCall {
    Push,
    ForcePush,
    /// Pushes two.
    PushSlice,
    Pop,
    /// Pops two.
    PopSlice,
    #[cfg(feature = "heapless")]
    PopIntoVec,
    Len,
    IsEmpty,
    IsFull,
    IsClosed,
    IsDrained,
    Close,
}

impl RingCall {
    /// [`Close`](Self::Close) is the last.
    pub(crate) const ALL: &[Self] = &[
        Self::Push,
        Self::ForcePush,
        Self::PushSlice,
        Self::Pop,
        Self::PopSlice,
        #[cfg(feature = "heapless")]
        Self::PopIntoVec,
        Self::Len,
        Self::IsEmpty,
        Self::IsFull,
        Self::IsClosed,
        Self::IsDrained,
        Self::Close,
    ];

    /// Makes the call; a push pushes `value`, and a batch another one that no other call gets.
    pub(crate) fn make<R: Ring>(self, ring: &R, value: u64, log: &mut Log<'_, FifoCall>) {
        let values: [u64; BATCH] = [value, value + 10_000];
        match self {
            Self::Push => log.call(|| FifoCall::of_push(value, ring.push(value))),
            Self::ForcePush => {
                log.ask(|| FifoCall::of_force_push(value, ring.force_push(value), R::IS_EXACT))
            }
            Self::PushSlice => log.ask(|| {
                let count = ring.push_slice(&values);
                let end = (count < BATCH).then_some(FifoCall::Refused);
                values.into_iter().take(count).map(FifoCall::Pushed).chain(end)
            }),
            Self::Pop => log.call(|| FifoCall::of_pop(ring.pop())),
            Self::PopSlice => log.ask(|| {
                let mut places = [0; BATCH];
                let count = ring.pop_slice(&mut places);
                let end = (count < BATCH).then_some(FifoCall::Empty);
                places.into_iter().take(count).map(FifoCall::Popped).chain(end)
            }),
            #[cfg(feature = "heapless")]
            Self::PopIntoVec => log.ask(|| {
                let mut batch = heapless::Vec::<_, BATCH>::new();
                ring.pop_into_vec(&mut batch);
                let end = (!batch.is_full()).then_some(FifoCall::Empty);
                batch.into_iter().map(FifoCall::Popped).chain(end)
            }),
            // An estimate, while others are at work.
            Self::Len => log.ask(|| {
                assert!(ring.len() <= ring.capacity(), "never more than there is room for");
                None
            }),
            Self::IsEmpty => log.ask(|| ring.is_empty().then_some(FifoCall::Empty)),
            Self::IsFull => log.ask(|| ring.is_full().then_some(FifoCall::Full)),
            Self::IsClosed => log.ask(|| ring.is_closed().then_some(FifoCall::IsClosed)),
            Self::IsDrained => log.ask(|| ring.is_drained().then_some(FifoCall::IsDrained)),
            Self::Close => {
                log.ask(|| Some(if ring.close() { FifoCall::Close } else { FifoCall::IsClosed }))
            }
        }
    }

    /// Takes everything out and fills the ring, to see that nothing was lost: neither a value nor a
    /// slot.
    pub(crate) fn make_all<R: Ring>(ring: &R, log: &mut Log<'_, FifoCall>) {
        log.call_until(&FifoCall::Empty, || FifoCall::of_pop(ring.pop()));
        if ring.is_closed() {
            Self::Push.make(ring, 999, log);
            Self::IsDrained.make(ring, 0, log);
            assert!(ring.is_drained(), "closed and empty");
        } else {
            log.call_until(&FifoCall::Full, || FifoCall::of_push(999, ring.push(999)));
        }
    }

    /// What a ring of the type is judged by.
    pub(crate) fn spec<R: Ring>(capacity: usize) -> Fifo {
        if R::IS_EXACT { Fifo::exact(capacity) } else { Fifo::lending(capacity) }
    }
}

/// The room for a batch.
const BATCH: usize = 2;

// === TurnRing ===

/// As if it were lock-free: Busy counts as Full and as Empty.
impl<const N: usize> Ring for TurnRing<u64, N> {
    const IS_EXACT: bool = false;

    fn starting_at(position: u64) -> Self {
        Self::with_start(position as usize)
    }

    fn push(&self, value: u64) -> Result<(), PushError<u64>> {
        self.push(value).map_err(|error| match error {
            turn::PushError::Full(value) | turn::PushError::Busy(value) => PushError::Full(value),
            turn::PushError::Closed(value) => PushError::Closed(value),
        })
    }

    fn force_push(&self, value: u64) -> Result<Option<u64>, ForcePushError<u64>> {
        self.force_push(value).map_err(|error| match error {
            turn::PushError::Full(value) | turn::PushError::Busy(value) => {
                ForcePushError { refused: PushError::Full(value), evicted: None }
            }
            turn::PushError::Closed(value) => {
                ForcePushError { refused: PushError::Closed(value), evicted: None }
            }
        })
    }

    fn push_slice(&self, values: &[u64]) -> usize {
        self.push_slice(values)
    }

    fn pop(&self) -> Option<u64> {
        self.pop().ok()
    }

    fn pop_slice(&self, places: &mut [u64]) -> usize {
        self.pop_slice(places)
    }

    #[cfg(feature = "heapless")]
    fn pop_into_vec(&self, batch: &mut heapless::Vec<u64, BATCH>) -> usize {
        let before = batch.len();
        batch.extend(self.drain().take(BATCH - before));
        batch.len() - before
    }

    fn close(&self) -> bool {
        self.close()
    }

    fn is_closed(&self) -> bool {
        self.is_closed()
    }

    fn is_drained(&self) -> bool {
        self.is_closed() && self.is_empty()
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn is_full(&self) -> bool {
        self.is_full()
    }

    fn capacity(&self) -> usize {
        self.capacity()
    }
}

/// What to do to a ring whose slots have turns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TurnRingCall {
    Push,
    Pop,
    ForcePush,
    PushSlice,
    PushEntireSlice,
    PushArray,
    PopSlice,
    PopEntireSlice,
    PopSliceUninit,
    PopArray,
    /// Pops until a pop is refused, twice at most.
    Drain,
    Close,
    IsClosed,
    Len,
    IsEmpty,
    IsFull,
}

impl TurnRingCall {
    pub(crate) const ALL: &[Self] = &[
        Self::Push,
        Self::Pop,
        Self::ForcePush,
        Self::PushSlice,
        Self::PushEntireSlice,
        Self::PushArray,
        Self::PopSlice,
        Self::PopEntireSlice,
        Self::PopSliceUninit,
        Self::PopArray,
        Self::Drain,
        Self::Close,
        Self::IsClosed,
        Self::Len,
        Self::IsEmpty,
        Self::IsFull,
    ];

    /// Makes the call; a push pushes `value`, and a batch another one that no other call gets.
    pub(crate) fn make<const N: usize>(
        self,
        ring: &TurnRing<u64, N>,
        value: u64,
        log: &mut Log<'_, BusyFifoCall>,
    ) {
        let values: [u64; BATCH] = [value, value + 10_000];
        let pushed = |count: usize| match count {
            0 => BusyFifoCall::PushRefused(1),
            _ => BusyFifoCall::Pushed(values[..count].to_vec()),
        };
        let popped = |values: &[u64]| match values {
            [] => BusyFifoCall::PopRefused(1),
            _ => BusyFifoCall::Popped(values.to_vec()),
        };
        match self {
            Self::Push => log.call(|| BusyFifoCall::of_push(value, ring.push(value))),
            Self::Pop => log.call(|| BusyFifoCall::of_pop(ring.pop())),
            Self::ForcePush => log.call(|| match ring.force_push(value) {
                Ok(None) => BusyFifoCall::Pushed(vec![value]),
                Ok(Some(oldest)) => BusyFifoCall::Replaced(value, oldest),
                Err(turn::PushError::Full(_)) => panic!("it makes room"),
                Err(turn::PushError::Busy(_)) => BusyFifoCall::ForcePushBusy,
                Err(turn::PushError::Closed(_)) => BusyFifoCall::PushClosed,
            }),
            Self::PushSlice => log.call(|| pushed(ring.push_slice(&values))),
            Self::PushEntireSlice => log.call(|| match ring.push_entire_slice(&values) {
                Ok(()) => pushed(BATCH),
                Err(TooFew(vacant)) => {
                    assert!(vacant < BATCH);
                    BusyFifoCall::PushRefused(BATCH)
                }
            }),
            Self::PushArray => log.call(|| match ring.push_array(values) {
                Ok(()) => pushed(BATCH),
                Err(error) => BusyFifoCall::of_push_error(error, BATCH),
            }),
            Self::PopSlice => log.call(|| {
                let mut places = [0; BATCH];
                let count = ring.pop_slice(&mut places);
                popped(&places[..count])
            }),
            Self::PopEntireSlice => log.call(|| {
                let mut places = [0; BATCH];
                match ring.pop_entire_slice(&mut places) {
                    Ok(()) => popped(&places),
                    Err(TooFew(count)) => {
                        assert!(count < BATCH);
                        BusyFifoCall::PopRefused(BATCH)
                    }
                }
            }),
            Self::PopSliceUninit => log.call(|| {
                let mut places = [const { MaybeUninit::uninit() }; BATCH];
                let count = ring.pop_slice_uninit(&mut places);
                // SAFETY: so many hold a value.
                let values = places[..count].iter().map(|place| unsafe { place.assume_init() });
                popped(&values.collect::<Vec<_>>())
            }),
            Self::PopArray => log.call(|| match ring.pop_array::<BATCH>() {
                Ok(values) => popped(&values),
                Err(error) => BusyFifoCall::of_pop_error(error, BATCH),
            }),
            // They are two calls.
            Self::Drain => {
                let mut drain = ring.drain();
                (0..BATCH).for_each(|_| log.call(|| popped(drain.next().as_slice())));
            }
            Self::Close => log.call(|| BusyFifoCall::Closed(ring.close())),
            Self::IsClosed => log.call(|| BusyFifoCall::IsClosed(ring.is_closed())),
            // An estimate, while others are at work.
            Self::Len => log.ask(|| {
                assert!(ring.len() <= N, "never more than there is room for");
                None
            }),
            Self::IsEmpty => {
                log.ask(|| ring.is_empty().then_some(BusyFifoCall::IsEmpty));
            }
            Self::IsFull => log.ask(|| ring.is_full().then_some(BusyFifoCall::IsFull)),
        }
    }
}

// === SpscRing ===

/// What to do with the end that pushes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ProducerCall {
    Push,
    PushSlice,
    PushEntireSlice,
    PushSliceCloned,
    PushIter,
    /// Fills a chunk of two, and commits both.
    WriteChunk,
    /// Fills a chunk of two, and commits one.
    WritePart,
    WriteChunkContiguous,
    WriteChunkUpTo,
    WriteChunkAligned,
    /// Pushes two in a batch, which publishes them when it is dropped.
    Batch,
    /// Pushes two in a batch, with a flush after each.
    BatchFlush,
    Len,
    Slots,
    IsEmpty,
    IsFull,
    IsAbandoned,
}

impl ProducerCall {
    pub(crate) const ALL: &[Self] = &[
        Self::Push,
        Self::PushSlice,
        Self::PushEntireSlice,
        Self::PushSliceCloned,
        Self::PushIter,
        Self::WriteChunk,
        Self::WritePart,
        Self::WriteChunkContiguous,
        Self::WriteChunkUpTo,
        Self::WriteChunkAligned,
        Self::Batch,
        Self::BatchFlush,
        Self::Len,
        Self::Slots,
        Self::IsEmpty,
        Self::IsFull,
        Self::IsAbandoned,
    ];

    /// Makes the call; a push pushes `value`, and a batch another one that no other call gets.
    pub(crate) fn make<const N: usize>(
        self,
        producer: &mut Producer<&SpscRing<u64, N>>,
        value: u64,
        log: &mut Log<'_, FifoCall>,
    ) {
        let values: [u64; BATCH] = [value, value + 10_000];
        let pushed = |count: usize| {
            let end = (count == 0).then_some(FifoCall::Full);
            values.into_iter().take(count).map(FifoCall::Pushed).chain(end)
        };
        let all_pushed = |result: Result<usize, TooFew>| match result {
            Ok(count) => pushed(count).collect(),
            Err(TooFew(vacant)) => vec![FifoCall::Length(N - vacant)],
        };
        match self {
            Self::Push => log.call(|| FifoCall::of_push(value, producer.push(value))),
            Self::PushSlice => log.ask(|| pushed(producer.push_slice(&values))),
            Self::PushEntireSlice => log.ask(|| {
                let result = producer.push_entire_slice(&values);
                all_pushed(result.map(|()| values.len()))
            }),
            Self::PushSliceCloned => log.ask(|| pushed(producer.push_slice_cloned(&values))),
            Self::PushIter => log.ask(|| pushed(producer.push_iter(values))),
            Self::WriteChunk | Self::WritePart => log.ask(|| {
                let count = if self == Self::WriteChunk { values.len() } else { 1 };
                let result = producer.write_chunk(values.len());
                all_pushed(result.map(|chunk| commit(chunk, &values, count)))
            }),
            Self::WriteChunkContiguous => log.ask(|| {
                let chunk = producer.write_chunk_contiguous(values.len());
                let count = chunk.len();
                pushed(commit(chunk, &values, count))
            }),
            Self::WriteChunkUpTo => log.ask(|| {
                let chunk = producer.write_chunk_up_to(values.len());
                let count = chunk.len();
                pushed(commit(chunk, &values, count))
            }),
            Self::WriteChunkAligned => log.ask(|| {
                let chunk = producer.write_chunk_aligned::<{ align_of::<u64>() }>(values.len());
                let chunk = chunk.expect("all slots are aligned as their type is");
                let count = chunk.len();
                pushed(commit(chunk, &values, count))
            }),
            Self::Batch | Self::BatchFlush => log.ask(|| {
                let mut batch = producer.batch();
                let count = values.iter().take_while(|&&value| {
                    let has_gone_in = batch.push(value).is_ok();
                    if self == Self::BatchFlush {
                        batch.flush();
                        assert!(batch.is_empty());
                    }
                    has_gone_in
                });
                pushed(count.count())
            }),
            Self::Len => log.call(|| FifoCall::Length(producer.len())),
            Self::Slots => log.call(|| FifoCall::Length(N - producer.slots())),
            Self::IsEmpty => log.ask(|| producer.is_empty().then_some(FifoCall::Empty)),
            Self::IsFull => log.ask(|| producer.is_full().then_some(FifoCall::Full)),
            Self::IsAbandoned => log.ask(|| {
                assert!(!producer.is_abandoned(), "the other end is held");
                None
            }),
        }
    }
}

/// Fills a chunk in place and commits the first `count` values, which it returns.
fn commit<const N: usize>(
    mut chunk: WriteChunk<'_, &SpscRing<u64, N>>,
    values: &[u64],
    count: usize,
) -> usize {
    let (first, second) = chunk.as_mut_slices();
    first.iter_mut().chain(second).zip(values).for_each(|(slot, &value)| {
        slot.write(value);
    });
    // SAFETY: no more than the chunk has, and there are values for all of it.
    unsafe { chunk.commit(count) };
    count
}

/// What to do with the end that pops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ConsumerCall {
    Pop,
    Peek,
    PeekMut,
    PopSlice,
    PopEntireSlice,
    PopSliceUninit,
    /// Asks for two values.
    PopIter,
    /// Lets all values come.
    PopIterFold,
    /// Looks at two values, and takes both.
    ReadChunk,
    /// Looks at two values, and takes one.
    ReadPart,
    ReadChunkContiguous,
    ReadChunkUpTo,
    ReadChunkAligned,
    Skip,
    Clear,
    #[cfg(feature = "heapless")]
    PopIntoVec,
    Len,
    IsEmpty,
    IsFull,
    IsAbandoned,
}

impl ConsumerCall {
    pub(crate) const ALL: &[Self] = &[
        Self::Pop,
        Self::Peek,
        Self::PeekMut,
        Self::PopSlice,
        Self::PopEntireSlice,
        Self::PopSliceUninit,
        Self::PopIter,
        Self::PopIterFold,
        Self::ReadChunk,
        Self::ReadPart,
        Self::ReadChunkContiguous,
        Self::ReadChunkUpTo,
        Self::ReadChunkAligned,
        Self::Skip,
        Self::Clear,
        #[cfg(feature = "heapless")]
        Self::PopIntoVec,
        Self::Len,
        Self::IsEmpty,
        Self::IsFull,
        Self::IsAbandoned,
    ];

    /// Makes the call.
    pub(crate) fn make<const N: usize>(
        self,
        consumer: &mut Consumer<&SpscRing<u64, N>>,
        log: &mut Log<'_, FifoCall>,
    ) {
        let popped = |values: &[u64]| -> Vec<FifoCall> {
            let end = values.is_empty().then_some(FifoCall::Empty);
            values.iter().copied().map(FifoCall::Popped).chain(end).collect()
        };
        let skipped = |count: usize| {
            let end = (count == 0).then_some(FifoCall::Empty);
            core::iter::repeat_n(FifoCall::Skipped, count).chain(end)
        };
        let mut places = [0; BATCH];
        match self {
            Self::Pop => log.call(|| FifoCall::of_pop(consumer.pop())),
            Self::Peek => log.call(|| FifoCall::of_peek(consumer.peek())),
            Self::PeekMut => log.call(|| FifoCall::of_peek(consumer.peek_mut().as_deref())),
            Self::PopSlice => log.ask(|| {
                let count = consumer.pop_slice(&mut places);
                popped(&places[..count])
            }),
            Self::PopEntireSlice => log.ask(|| match consumer.pop_entire_slice(&mut places) {
                Ok(()) => popped(&places),
                Err(TooFew(there)) => vec![FifoCall::Length(there)],
            }),
            Self::PopSliceUninit => log.ask(|| {
                let mut places = places.map(MaybeUninit::new);
                let count = consumer.pop_slice_uninit(&mut places);
                // SAFETY: every place has held a value from the start.
                popped(&places.map(|place| unsafe { place.assume_init() })[..count])
            }),
            Self::PopIter => log.ask(|| {
                let values: Vec<u64> = consumer.pop_iter().take(BATCH).collect();
                popped(&values)
            }),
            Self::PopIterFold => log.ask(|| {
                let mut values = Vec::with_capacity(N);
                consumer.pop_iter().for_each(|value| values.push(value));
                popped(&values)
            }),
            Self::ReadChunk | Self::ReadPart => log.ask(|| match consumer.read_chunk(BATCH) {
                Ok(mut chunk) => {
                    let (values, taken) = if self == Self::ReadChunk {
                        let (first, second) = chunk.as_slices();
                        ([first, second].concat(), BATCH)
                    } else {
                        let (first, second) = chunk.as_mut_slices();
                        ([&*first, second].concat(), 1)
                    };
                    chunk.commit(taken);
                    let mut calls = popped(&values[..taken]);
                    calls.push(FifoCall::Peeked(values[0]));
                    calls
                }
                Err(TooFew(there)) => vec![FifoCall::Length(there)],
            }),
            Self::ReadChunkContiguous => log.ask(|| {
                let chunk = consumer.read_chunk_contiguous(BATCH);
                let values = chunk.as_slices().0.to_vec();
                chunk.commit_all();
                popped(&values)
            }),
            Self::ReadChunkUpTo => log.ask(|| {
                let chunk = consumer.read_chunk_up_to(BATCH);
                let (first, second) = chunk.as_slices();
                let values = [first, second].concat();
                chunk.commit_all();
                popped(&values)
            }),
            Self::ReadChunkAligned => log.ask(|| {
                let chunk = consumer.read_chunk_aligned::<{ align_of::<u64>() }>(BATCH);
                let chunk = chunk.expect("all slots are aligned as their type is");
                let values = chunk.as_slices().0.to_vec();
                chunk.commit_all();
                popped(&values)
            }),
            Self::Skip => log.ask(|| skipped(consumer.skip(1))),
            Self::Clear => log.ask(|| skipped(consumer.clear())),
            #[cfg(feature = "heapless")]
            Self::PopIntoVec => log.ask(|| {
                let mut batch = heapless::Vec::<_, BATCH>::new();
                consumer.pop_into_vec(&mut batch);
                popped(&batch)
            }),
            Self::Len => log.call(|| FifoCall::Length(consumer.len())),
            Self::IsEmpty => log.ask(|| consumer.is_empty().then_some(FifoCall::Empty)),
            Self::IsFull => log.ask(|| consumer.is_full().then_some(FifoCall::Full)),
            Self::IsAbandoned => log.ask(|| {
                assert!(!consumer.is_abandoned(), "the other end is held");
                None
            }),
        }
    }
}

// === OverwritingRing ===

/// What to do with the end that pushes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RecorderCall {
    Push,
    Evicted,
    IsAbandoned,
}

impl RecorderCall {
    pub(crate) const ALL: &[Self] = &[Self::Push, Self::Evicted, Self::IsAbandoned];

    /// Makes the call, somebody having the other end; a push pushes `value`.
    pub(crate) fn make<const N: usize>(
        self,
        producer: &mut overwriting::Producer<'_, u64, N>,
        value: u64,
        log: &mut Log<'_, LatestCall>,
    ) {
        match self {
            Self::Push => log.call(|| LatestCall::Pushed(value, producer.push(value))),
            Self::Evicted => log.call(|| LatestCall::Evicted(producer.evicted())),
            Self::IsAbandoned => log.ask(|| {
                assert!(!producer.is_abandoned(), "somebody has the other end");
                None
            }),
        }
    }
}

/// What to do with the end that pops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReaderCall {
    Pop,
    Len,
    IsEmpty,
    Lost,
    IsAbandoned,
}

impl ReaderCall {
    pub(crate) const ALL: &[Self] =
        &[Self::Pop, Self::Len, Self::IsEmpty, Self::Lost, Self::IsAbandoned];

    /// Makes the call, somebody having the other end.
    pub(crate) fn make<const N: usize>(
        self,
        consumer: &mut overwriting::Consumer<'_, u64, N>,
        log: &mut Log<'_, LatestCall>,
    ) {
        match self {
            Self::Pop => log.call(|| match consumer.pop() {
                Some(value) => LatestCall::Popped(value, consumer.lost()),
                None => LatestCall::Empty(consumer.lost()),
            }),
            Self::Len => log.call(|| LatestCall::Length(consumer.len())),
            Self::IsEmpty => log.call(|| LatestCall::IsEmpty(consumer.is_empty())),
            Self::Lost => log.call(|| LatestCall::Lost(consumer.lost())),
            Self::IsAbandoned => log.ask(|| {
                assert!(!consumer.is_abandoned(), "somebody has the other end");
                None
            }),
        }
    }
}

// === IndexStack, TreiberStack, TransferStack ===

/// A stack of the indices below a number, which are given to it once they were taken.
pub(crate) trait Stack: Sync {
    /// How many indices there are.
    const COUNT: u32;
    /// What it can do.
    const CALLS: &'static [StackCall];
    /// What takes something out.
    const TAKE: StackCall;

    /// A stack without any index.
    fn new() -> Self;
    fn push(&self, index: u32);
    fn is_empty(&self) -> bool;

    fn push_many(&self, _: Few) {
        unimplemented!("not among its calls");
    }

    fn pop(&self) -> Option<u32> {
        unimplemented!("not among its calls");
    }

    /// As many as this, or all.
    fn pop_many(&self, _: Option<usize>) -> Few {
        unimplemented!("not among its calls");
    }

    /// Gives it all indices: 0 is on top.
    fn fill(&self) {
        (0..Self::COUNT).rev().for_each(|index| self.push(index));
    }

    /// What it is when it has all indices.
    fn spec() -> Lifo {
        Lifo::of((0..Self::COUNT).rev().collect())
    }
}

impl<const N: usize> Stack for IndexStack<N> {
    const COUNT: u32 = N as u32;
    const CALLS: &'static [StackCall] = StackCall::ALL;
    const TAKE: StackCall = StackCall::Take;

    fn new() -> Self {
        Self::new()
    }

    fn push(&self, index: u32) {
        assert_eq!(self.push(index), Ok(()), "the index is in range");
    }

    fn push_many(&self, few: Few) {
        assert_eq!(self.push_many(few.as_slice()), Ok(()), "the indices are in range");
    }

    fn pop_many(&self, most: Option<usize>) -> Few {
        let mut popped = [0; Few::MOST];
        let most = most.unwrap_or(popped.len());
        let count = self.pop_many(&mut popped[..most]);
        Few::of(popped.into_iter().take(count))
    }

    fn pop(&self) -> Option<u32> {
        self.pop()
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

/// The owner of a node that lies among its like: its number is where it lies.
#[derive(Debug)]
pub(crate) struct Numbered(NonNull<Link>);

// SAFETY: whoever has it owns the node.
unsafe impl Send for Numbered {}

// SAFETY: the nodes lie beside the stack, so they are there as long as it is.
unsafe impl Linked for Numbered {
    fn into_link(self) -> NonNull<Link> {
        self.0
    }

    unsafe fn from_link(link: NonNull<Link>) -> Self {
        Self(link)
    }
}

// SAFETY: as above; nobody else links them.
unsafe impl TypeStable for Numbered {}

/// A stack of nodes, and the nodes, so that all that it touches lies together.
#[derive(Debug)]
pub(crate) struct WithNodes<S, const N: usize> {
    stack: S,
    nodes: [Link; N],
}

impl<S, const N: usize> WithNodes<S, N> {
    fn node(&self, index: u32) -> Numbered {
        Numbered(NonNull::from(&self.nodes[index as usize]))
    }

    /// The number of a node, which is not touched.
    fn number(&self, node: &Numbered) -> u32 {
        let offset = node.0.addr().get() - self.nodes.as_ptr().addr();
        (offset / size_of::<Link>()) as u32
    }

    fn chain(&self, few: Few) -> Chain<Numbered> {
        few.as_slice().iter().map(|&index| self.node(index)).collect()
    }

    fn numbers(&self, mut chain: Chain<Numbered>) -> Few {
        let few = Few::of(chain.by_ref().map(|node| self.number(&node)).take(Few::MOST));
        assert!(chain.is_empty(), "more nodes than there are");
        few
    }
}

#[cfg(all(target_arch = "x86_64", not(latchless_native), not(miri)))]
impl<const N: usize> Stack for WithNodes<TreiberStack<Numbered>, N> {
    const COUNT: u32 = N as u32;
    const CALLS: &'static [StackCall] = StackCall::ALL;
    const TAKE: StackCall = StackCall::Take;

    fn new() -> Self {
        let stack = TreiberStack::with_generation(u64::MAX - 1);
        Self { stack, nodes: [const { Link::new() }; N] }
    }

    fn push(&self, index: u32) {
        self.stack.push(self.node(index));
    }

    fn push_many(&self, few: Few) {
        self.stack.push_chain(self.chain(few));
    }

    fn pop(&self) -> Option<u32> {
        self.stack.pop().map(|node| self.number(&node))
    }

    fn pop_many(&self, most: Option<usize>) -> Few {
        self.numbers(most.map_or_else(|| self.stack.pop_all(), |most| self.stack.pop_many(most)))
    }

    fn is_empty(&self) -> bool {
        self.stack.is_empty()
    }
}

impl<const N: usize> Stack for WithNodes<TransferStack<Numbered>, N> {
    const COUNT: u32 = N as u32;
    const CALLS: &'static [StackCall] = &[
        StackCall::TakeAll,
        StackCall::GiveFirst,
        StackCall::GiveLast,
        StackCall::GiveAll,
        StackCall::IsEmpty,
    ];
    const TAKE: StackCall = StackCall::TakeAll;

    fn new() -> Self {
        Self { stack: TransferStack::new(), nodes: [const { Link::new() }; N] }
    }

    fn push(&self, index: u32) {
        self.stack.push(self.node(index));
    }

    fn push_many(&self, few: Few) {
        self.stack.push_chain(self.chain(few));
    }

    fn pop_many(&self, most: Option<usize>) -> Few {
        assert_eq!(most, None, "it is all or nothing");
        self.numbers(self.stack.take_all())
    }

    fn is_empty(&self) -> bool {
        self.stack.is_empty()
    }
}

/// What to do to a stack of indices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StackCall {
    /// Pops an index and keeps it.
    Take,
    /// Pops two in one step and keeps them.
    TakeTwo,
    /// Pops all in one step and keeps them.
    TakeAll,
    /// Pushes the index that was kept longest, if there is one.
    GiveFirst,
    /// Pushes the index that was kept last, if there is one.
    GiveLast,
    /// Pushes all that were kept, in one step, if there are any.
    GiveAll,
    IsEmpty,
}

impl StackCall {
    pub(crate) const ALL: &[Self] = &[
        Self::Take,
        Self::GiveFirst,
        Self::GiveLast,
        Self::IsEmpty,
        Self::TakeTwo,
        Self::TakeAll,
        Self::GiveAll,
    ];

    /// Makes the call, if the stack has it; `kept` is borrowed at no access to the stack.
    pub(crate) fn make<S: Stack>(
        self,
        stack: &S,
        kept: &RefCell<VecDeque<u32>>,
        log: &mut Log<'_, LifoCall>,
    ) {
        if !S::CALLS.contains(&self) {
            return;
        }
        let keep = |few: Few| {
            kept.borrow_mut().extend(few.as_slice());
            few
        };
        match self {
            Self::Take => log.call(|| {
                let popped = stack.pop();
                kept.borrow_mut().extend(popped);
                LifoCall::of_pop(popped)
            }),
            Self::TakeTwo => log.call(|| {
                let few = keep(stack.pop_many(Some(2)));
                let is_short = few.as_slice().len() < 2;
                if is_short { LifoCall::PoppedAll(few) } else { LifoCall::PoppedMany(few) }
            }),
            Self::TakeAll => log.call(|| LifoCall::PoppedAll(keep(stack.pop_many(None)))),
            Self::IsEmpty => log.ask(|| stack.is_empty().then_some(LifoCall::Empty)),
            Self::GiveFirst | Self::GiveLast => {
                let mut kept = kept.borrow_mut();
                let given =
                    if self == Self::GiveFirst { kept.pop_front() } else { kept.pop_back() };
                drop(kept);
                if let Some(index) = given {
                    log.call(|| {
                        stack.push(index);
                        LifoCall::Pushed(index)
                    });
                }
            }
            Self::GiveAll => {
                let given = Few::of(kept.borrow_mut().drain(..));
                log.call(|| {
                    stack.push_many(given);
                    LifoCall::PushedMany(given)
                });
            }
        }
    }

    /// Takes everything out: more often than there are indices, because a chain with a circle in it would
    /// never end.
    pub(crate) fn empty<S: Stack>(stack: &S, log: &mut Log<'_, LifoCall>) {
        let kept = RefCell::new(VecDeque::new());
        (0..=S::COUNT).for_each(|_| S::TAKE.make(stack, &kept, log));
    }
}

// === Pool ===

/// What to do to a pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PoolCall {
    Alloc,
    /// Drops the oldest box, if there is one.
    Free,
    /// Takes the value out of the youngest box, if there is one.
    TakeOut,
    IsExhausted,
    /// Allocates by pointer, and makes a box of it.
    AllocRaw,
    /// Makes a pointer of the oldest box, if there is one, and frees that.
    FreeRaw,
    /// Allocates by a magazine of its own, of one slot: it holds nothing back.
    AllocByMagazine,
    /// Frees the oldest box, if there is one, into such a magazine, which is then drained.
    FreeByMagazine,
}

/// Boxes, and the value that must be in each.
pub(crate) type Boxes<'p, const N: usize> = RefCell<VecDeque<(PoolBox<'p, u64, N>, u64)>>;

impl PoolCall {
    pub(crate) const ALL: &[Self] = &[
        Self::Alloc,
        Self::Free,
        Self::TakeOut,
        Self::IsExhausted,
        Self::AllocRaw,
        Self::FreeRaw,
        Self::AllocByMagazine,
        Self::FreeByMagazine,
    ];

    /// Makes the call; an allocation is of `value`. `boxes` is borrowed at no access to the pool.
    pub(crate) fn make<'p, const N: usize>(
        self,
        pool: &'p Pool<u64, N>,
        boxes: &Boxes<'p, N>,
        value: u64,
        log: &mut Log<'_, SlotsCall>,
    ) {
        let slot_of = |owned: &PoolBox<'_, u64, N>| {
            core::ptr::from_ref::<u64>(owned).addr() - core::ptr::from_ref(pool).addr()
        };
        let freed = match self {
            Self::Alloc | Self::AllocByMagazine => {
                let alloc = || match self {
                    Self::Alloc => pool.alloc(value),
                    _ => pool.magazine::<1>().alloc(value),
                };
                return log.call(|| match alloc() {
                    Ok(owned) => {
                        let slot = slot_of(&owned);
                        boxes.borrow_mut().push_back((owned, value));
                        SlotsCall::Allocated(slot)
                    }
                    Err(Exhausted(back)) => {
                        assert_eq!(back, value, "the value that comes back went in");
                        SlotsCall::Exhausted
                    }
                });
            }
            Self::IsExhausted => {
                return log.ask(|| pool.is_exhausted().then_some(SlotsCall::Exhausted));
            }
            Self::AllocRaw => {
                return log.call(|| {
                    let Some(pointer) = pool.alloc_raw() else { return SlotsCall::Exhausted };
                    // SAFETY: the slot is this call's.
                    unsafe { pointer.write(value) };
                    // SAFETY: as above, with a value.
                    let owned = unsafe { PoolBox::from_raw(pool, pointer) }.expect("it was lent");
                    let slot = slot_of(&owned);
                    boxes.borrow_mut().push_back((owned, value));
                    SlotsCall::Allocated(slot)
                });
            }
            Self::Free | Self::FreeRaw | Self::FreeByMagazine => boxes.borrow_mut().pop_front(),
            Self::TakeOut => boxes.borrow_mut().pop_back(),
        };
        if let Some((owned, expected)) = freed {
            let slot = slot_of(&owned);
            log.call(|| {
                if self == Self::TakeOut {
                    assert_eq!(owned.into_inner(), expected, "the slot was its owner's alone");
                } else if self == Self::FreeRaw {
                    let pointer = owned.into_raw();
                    // SAFETY: the slot is this call's, and holds a number.
                    let value = unsafe { pointer.read() };
                    assert_eq!(value, expected, "the slot was its owner's alone");
                    // SAFETY: nobody uses it any more.
                    assert!(unsafe { pool.free_raw(pointer) }.is_ok());
                } else if self == Self::FreeByMagazine {
                    let value = pool.magazine::<1>().take(owned);
                    assert_eq!(value.ok(), Some(expected), "the slot was its owner's alone");
                } else {
                    assert_eq!(*owned, expected, "the slot was its owner's alone");
                    drop(owned);
                }
                SlotsCall::Freed(slot)
            });
        }
    }
}

// === Snapshot ===

/// What to do to a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SnapshotCall {
    /// Loads and keeps the guard.
    Load,
    /// Clones the guard that was kept last, if there is one, and keeps the clone.
    Clone,
    /// Drops the guard that was kept longest, if there is one.
    LeaveFirst,
    /// Drops the guard that was kept last, if there is one.
    LeaveLast,
    Store,
    /// Swaps and keeps the guard.
    Swap,
    /// Replaces the value by comparing with the guard that was kept last, if there is one.
    CompareAndSwap,
    /// Replaces the value by `fetch_update` and keeps the guard.
    Update,
    /// Asks `fetch_update` to leave the value as it is.
    Decline,
}

/// Guards, and the value that each must see.
pub(crate) type Guards<'s, const N: usize> = RefCell<VecDeque<(Guard<'s, u64, N>, u64)>>;

impl SnapshotCall {
    pub(crate) const ALL: &[Self] = &[
        Self::Load,
        Self::Clone,
        Self::LeaveFirst,
        Self::LeaveLast,
        Self::Store,
        Self::Swap,
        Self::CompareAndSwap,
        Self::Update,
        Self::Decline,
    ];

    /// Makes the call; a replacement is by `value`. `guards` is borrowed at no access to the snapshot.
    pub(crate) fn make<'s, const N: usize>(
        self,
        snapshot: &'s Snapshot<u64, N>,
        guards: &Guards<'s, N>,
        value: u64,
        log: &mut Log<'_, RegisterCall>,
    ) {
        let keep = |guard, seen| guards.borrow_mut().push_back((guard, seen));
        let exhausted = |back| {
            assert_eq!(back, value, "the value that comes back went in");
            RegisterCall::Exhausted
        };
        let swapped = |before: Guard<'s, u64, N>| {
            let seen = *before;
            keep(before, seen);
            RegisterCall::Swapped(seen, value)
        };
        let taken = match self {
            Self::Load => {
                return log.call(|| {
                    let guard = snapshot.load();
                    let seen = *guard;
                    keep(guard, seen);
                    RegisterCall::Loaded(seen)
                });
            }
            Self::Store => {
                return log.call(|| match snapshot.store(value) {
                    Ok(()) => RegisterCall::Stored(value),
                    Err(Exhausted(back)) => exhausted(back),
                });
            }
            Self::Swap => {
                return log.call(|| match snapshot.swap(value) {
                    Ok(before) => swapped(before),
                    Err(Exhausted(back)) => exhausted(back),
                });
            }
            Self::Update => {
                return log.ask(|| {
                    // A view of each value that it was asked about, one after the other.
                    let mut seen = Vec::with_capacity(8);
                    let outcome = snapshot.fetch_update(|&current| {
                        seen.push(current);
                        Some(value)
                    });
                    let outcome = match outcome {
                        Ok(Some(before)) => {
                            assert_eq!(seen.pop(), Some(*before), "the value that it was made of");
                            swapped(before)
                        }
                        Ok(None) => unreachable!("a value was returned"),
                        Err(Exhausted(back)) => exhausted(back),
                    };
                    let views = |seen| [RegisterCall::Loaded(seen), RegisterCall::Left(seen)];
                    seen.into_iter().flat_map(views).chain([outcome])
                });
            }
            Self::Decline => {
                return log.ask(|| {
                    let mut seen = 0;
                    let declined = snapshot.fetch_update(|&value| {
                        seen = value;
                        None
                    });
                    assert!(declined.is_ok_and(|before| before.is_none()), "nothing was stored");
                    [RegisterCall::Loaded(seen), RegisterCall::Left(seen)]
                });
            }
            Self::LeaveFirst => guards.borrow_mut().pop_front(),
            Self::Clone | Self::LeaveLast | Self::CompareAndSwap => guards.borrow_mut().pop_back(),
        };
        let Some((guard, seen)) = taken else { return };
        assert_eq!(*guard, seen, "a guard goes on seeing what it saw");
        match self {
            Self::Clone => log.call(|| {
                keep(guard.clone(), seen);
                RegisterCall::Cloned(seen)
            }),
            Self::CompareAndSwap => log.call(|| match snapshot.compare_and_swap(&guard, value) {
                Ok(()) => RegisterCall::Exchanged(seen, value),
                Err(CompareError::Changed(back)) => {
                    assert_eq!(back, value, "the value that comes back went in");
                    RegisterCall::NotCurrent(seen)
                }
                Err(CompareError::Exhausted(back)) => exhausted(back),
            }),
            _ => {
                return log.call(|| {
                    drop(guard);
                    RegisterCall::Left(seen)
                });
            }
        }
        keep(guard, seen);
    }
}

// === Counter ===

/// What to do to a counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CounterCall {
    Inc,
    Dec,
    Add(u64),
    Sub(u64),
    Get,
    Take,
}

impl CounterCall {
    pub(crate) const ALL: &[Self] =
        &[Self::Inc, Self::Dec, Self::Add(5), Self::Sub(7), Self::Get, Self::Take];

    /// Makes the call.
    pub(crate) fn make(self, counter: &Counter, log: &mut Log<'_, CountCall>) {
        log.call(|| match self {
            Self::Inc => {
                counter.inc();
                CountCall::Added(1)
            }
            Self::Dec => {
                counter.dec();
                CountCall::Subtracted(1)
            }
            Self::Add(n) => {
                counter.add(n);
                CountCall::Added(n)
            }
            Self::Sub(n) => {
                counter.sub(n);
                CountCall::Subtracted(n)
            }
            Self::Get => CountCall::Got(counter.get()),
            Self::Take => CountCall::Took(counter.take()),
        });
    }
}
