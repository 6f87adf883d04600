//! Bytes as `std` reads and writes them (feature `std`).

use std::io::{BufRead, Error, ErrorKind, Read, Result, Write};

use super::spsc::{Consumer, Producer, RingRef};
use super::storage::Storage;

/// Writes as much as there is room for; never waits.
///
/// # Errors
///
/// With no room at all `BrokenPipe` if the consumer is gone, otherwise `WouldBlock`.
///
/// # Examples
///
/// ```
/// use latchless::ring::SpscHeapRing;
/// use std::io::{Read, Write};
///
/// let (mut producer, mut consumer) = SpscHeapRing::with_capacity(64).into_split();
/// write!(producer, "{} bytes", 8)?;
/// drop(producer);
/// let mut text = String::new();
/// consumer.read_to_string(&mut text)?;
/// assert_eq!(text, "8 bytes");
/// # Ok::<(), std::io::Error>(())
/// ```
impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> Write for Producer<R> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self.push_slice(bytes) {
            0 if bytes.is_empty() => Ok(0),
            0 if self.is_abandoned() => Err(ErrorKind::BrokenPipe.into()),
            0 => Err(ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    /// Does nothing: what is written is there to be read.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Reads as much as there is; never waits. When the producer is gone, what it has left and then the end.
///
/// # Errors
///
/// With nothing to read `WouldBlock`, while there is a producer.
impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> Read for Consumer<R> {
    fn read(&mut self, places: &mut [u8]) -> Result<usize> {
        if !places.is_empty() {
            self.await_nothing()?;
        }
        Ok(self.pop_slice(places))
    }
}

/// As [`Read`], without a copy.
impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> BufRead for Consumer<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        self.await_nothing()?;
        let all = self.capacity();
        Ok(self.read_chunk_contiguous(all).into_first_slice())
    }

    fn consume(&mut self, count: usize) {
        self.skip(count);
    }
}

impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> Consumer<R> {
    /// Fails if there is nothing now and something may come.
    fn await_nothing(&self) -> Result<()> {
        // What the producer pushed in between, before it went, is found by the read that follows.
        if self.peek().is_none() && !self.is_abandoned() {
            return Err(Error::from(ErrorKind::WouldBlock));
        }
        Ok(())
    }
}
