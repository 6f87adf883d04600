//! Bytes as `embedded-io` reads and writes them (feature `embedded-io`).
//!
//! These traits wait where those of `std` would say `WouldBlock`: none of their calls but the two
//! that ask may be made from an interrupt handler, where the thread that is waited for may be the one
//! interrupted.

use embedded_io::{BufRead, ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

use super::spsc::{Consumer, Producer, RingRef};
use super::storage::Storage;
use crate::mem::Backoff;

impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> ErrorType for Producer<R> {
    type Error = ErrorKind;
}

impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> ErrorType for Consumer<R> {
    type Error = ErrorKind;
}

/// Waits for room, then writes as much as fits.
///
/// # Errors
///
/// `BrokenPipe`, if there is no room and the consumer is gone.
///
/// # Examples
///
/// ```
/// use embedded_io::{Read, Write};
/// use latchless::ring::SpscRing;
///
/// let mut ring = SpscRing::<u8, 16>::new();
/// let (mut producer, mut consumer) = ring.split();
/// std::thread::scope(|scope| {
///     scope.spawn(move || producer.write_all(&[7; 1000]));
///     let (mut total, mut bytes) = (0, [0; 64]);
///     loop {
///         match consumer.read(&mut bytes)? {
///             0 => break assert_eq!(total, 1000),
///             count => total += count,
///         }
///     }
///     Ok::<(), embedded_io::ErrorKind>(())
/// })?;
/// # Ok::<(), embedded_io::ErrorKind>(())
/// ```
impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> Write for Producer<R> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let mut backoff = Backoff::new();
        loop {
            match self.push_slice(bytes) {
                0 if bytes.is_empty() => return Ok(0),
                0 if self.is_abandoned() => return Err(ErrorKind::BrokenPipe),
                0 => backoff.wait(),
                count => return Ok(count),
            }
        }
    }

    /// Does nothing: what is written is there to be read.
    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> WriteReady for Producer<R> {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(!self.is_full())
    }
}

/// Waits for something, then reads as much as there is; when the producer is gone, what it has left and
/// then the end.
impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> Read for Consumer<R> {
    fn read(&mut self, places: &mut [u8]) -> Result<usize, ErrorKind> {
        if !places.is_empty() {
            self.wait_for_something();
        }
        Ok(self.pop_slice(places))
    }
}

impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> ReadReady for Consumer<R> {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(!self.is_empty() || self.is_abandoned())
    }
}

/// As [`Read`], without a copy.
impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> BufRead for Consumer<R> {
    fn fill_buf(&mut self) -> Result<&[u8], ErrorKind> {
        self.wait_for_something();
        let all = self.capacity();
        Ok(self.read_chunk_contiguous(all).into_first_slice())
    }

    fn consume(&mut self, count: usize) {
        self.skip(count);
    }
}

impl<S: Storage<Item = u8>, R: RingRef<Storage = S>> Consumer<R> {
    /// Until there is a value, or nobody to push one.
    fn wait_for_something(&self) {
        let mut backoff = Backoff::new();
        while self.peek().is_none() && !self.is_abandoned() {
            backoff.wait();
        }
    }
}
