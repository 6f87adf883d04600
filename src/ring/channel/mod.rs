//! A ring with waiting: sends that wait for room, receives that wait for a value.
//!
//! The ring is one that is shared by all, [`MpmcRing`](super::MpmcRing) or one of your own
//! ([`SharedRing`]); how each side waits is a plug-in of the module [`wait`](super::wait). There is
//! no lock on the way of a value: a send or receive that need not wait, and meets nobody who does, is
//! the ring's push or pop and one load.
//!
//! # Layout
//!
//! ```text
//! ring
//! pair of lines  [ receivers ]   read by each send, written by those who wait and those who wake
//! pair of lines  [ senders ]     the same for each receive
//! ```
//!
//! # Why no wake-up is lost
//!
//! Who finds the ring empty registers with the waiter, passes a fence and looks again before it
//! sleeps; who has pushed passes a fence before it asks whether anybody is registered. One of the two
//! fences is first (W1): the push sees the registration, or the look sees the push. The same for room.
//!
//! A wake-up goes to one who waits, and he may not be the one who takes the value: he was about to leave with
//! another value, his time was up, his future was dropped, or the value that he was told of was still
//! behind one whose push was under way. So whoever has waited, and leaves, looks whether there is a value left
//! and others wait, and if so wakes one of them. Likewise whoever finds the ring closed and drained wakes
//! all.
//!
//! # Progress and context
//!
//! The `try_` forms are as the ring's, and the waking on top is the waiter's: lock-free with
//! [`NoWait`](super::wait::NoWait), [`Spin`](super::wait::Spin) and
//! [`Wakers`](super::wait::Wakers), where they may be called from handlers too; with `Park` whoever
//! meets a sleeper takes a mutex, so it is for threads. Mind that a `try_send` wakes receivers and a
//! `try_recv` senders: a handler that only sends is free to do so if *receivers* are any of those three.
//!
//! All other forms block and are for threads, or for tasks.
//!
//! # Which calls may run at once
//!
//! All.

mod futures;
mod ring;

use core::fmt;
use core::mem;
use core::sync::atomic::Ordering::SeqCst;
#[cfg(feature = "std")]
use core::time::Duration;
#[cfg(feature = "std")]
use std::time::Instant;

pub use self::futures::{RecvFuture, SendFuture};
pub use self::ring::{Close, Closed, PopError, SharedRing};
pub use super::PushError;
use super::wait::{Block, BlockUntil, Register, Wait};
use crate::atomic::fence;
use crate::mem::CachePadded;

/// A ring `R` with receivers that wait as `W` says and senders that wait as `S` says.
///
/// See [the module](crate::ring::channel) for progress and context, and [`wait`](super::wait) for
/// how one can wait.
///
/// # Examples
///
/// See [`Park`](super::wait) for threads, [`Wakers`](super::wait::Wakers) for tasks,
/// [`NoWait`](super::wait::NoWait) for an interrupt handler that sends to a task.
#[derive(Default)]
#[repr(C)]
pub struct Channel<R, W, S = W> {
    ring: R,
    receivers: CachePadded<W>,
    senders: CachePadded<S>,
}

impl<R, W, S> Channel<R, W, S> {
    /// Puts a channel together from `ring`, the waiter of receivers and the waiter of senders.
    #[inline]
    pub const fn new(ring: R, receivers: W, senders: S) -> Self {
        Self { ring, receivers: CachePadded::new(receivers), senders: CachePadded::new(senders) }
    }

    /// The ring, to be asked how full it is. What is pushed or popped there wakes nobody.
    #[inline]
    pub const fn ring(&self) -> &R {
        &self.ring
    }

    /// The waiter of receivers.
    #[inline]
    pub const fn receivers(&self) -> &W {
        self.receivers.inside()
    }

    /// The waiter of senders.
    #[inline]
    pub const fn senders(&self) -> &S {
        self.senders.inside()
    }
}

impl<R: SharedRing, W: Wait, S: Wait> Channel<R, W, S> {
    /// Sends `value` if there is room, and wakes a receiver if one waits.
    ///
    /// **Progress** the ring's, and with somebody to wake the waiter's. **Context** as the receivers'
    /// waiter says. **Complexity** the ring's push and a load. **Ordering** as the ring's push.
    ///
    /// # Errors
    ///
    /// [`PushError`] with `value` in it, if there is no room or the channel is closed.
    #[inline]
    pub fn try_send(&self, value: R::Item) -> Result<(), PushError<R::Item>> {
        let sent = self.ring.push(value);
        match sent {
            Ok(()) if W::IS_WOKEN => {
                // ORDERING: SeqCst fence, W1, against the one in `look_to_receive`.
                self.ring.fence();
                if self.receivers.is_awaited() {
                    self.receivers.wake_one();
                }
            }
            // They may have waited for what comes of this call.
            Err(PushError::Closed(_)) => self.wake_receivers_at_end(),
            _ => {}
        }
        sent
    }

    /// Receives a value if there is one, and wakes a sender if one waits.
    ///
    /// **Progress** the ring's, and with somebody to wake the waiter's. **Context** as the senders'
    /// waiter says; once the channel is closed, as both say. **Complexity** the ring's pop and a load.
    /// **Ordering** as the ring's pop.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] if there is none now, [`PopError::Closed`] if there will be none any more.
    #[inline]
    pub fn try_recv(&self) -> Result<R::Item, PopError> {
        if let Some(value) = self.ring.pop() {
            if S::IS_WOKEN {
                // ORDERING: SeqCst fence, W1, against the one in `look_to_send`.
                self.ring.fence();
                if self.senders.is_awaited() {
                    self.senders.wake_one();
                }
            }
            Ok(value)
        } else if self.ring.is_drained() {
            // This call may be the one that made it so.
            self.wake_receivers_at_end();
            Err(PopError::Closed)
        } else {
            Err(PopError::Empty)
        }
    }

    /// Iterates over what there is, until it finds nothing.
    ///
    /// **Progress** as [`try_recv`](Self::try_recv), each step. **Context** the same.
    #[inline]
    pub fn try_iter(&self) -> impl Iterator<Item = R::Item> + '_ {
        core::iter::from_fn(|| self.try_recv().ok())
    }

    /// Whether the channel is closed; what was sent before may be there still.
    ///
    /// **Progress** the ring's. **Context** any that the ring allows.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    /// Tells the receivers that nothing will come any more, or that this may be so.
    #[cold]
    fn wake_receivers_at_end(&self) {
        // ORDERING: SeqCst fence, W1, against the one in `look_to_receive`.
        fence(SeqCst);
        if self.receivers.is_awaited() {
            self.receivers.wake_all();
        }
    }

    /// One look at the ring by a receiver that may be registered. Whether there is an answer now.
    fn look_to_receive(&self, answer: &mut Result<R::Item, PopError>) -> bool {
        if matches!(answer, Err(PopError::Empty)) {
            // ORDERING: SeqCst fence, W1: the registration before, the look after.
            fence(SeqCst);
            *answer = self.try_recv();
        }
        !matches!(answer, Err(PopError::Empty))
    }

    /// One look at the ring by a sender that may be registered: sends the value that is in `answer`, if
    /// it is still there for want of room. Whether there is an answer now.
    fn look_to_send(&self, answer: &mut Result<(), PushError<R::Item>>) -> bool {
        // ORDERING: SeqCst fence, W1: the registration before, the look after.
        fence(SeqCst);
        *answer = match mem::replace(answer, Ok(())) {
            Err(PushError::Full(value)) => self.try_send(value),
            answered => answered,
        };
        !matches!(answer, Err(PushError::Full(_)))
    }

    /// Passes on what a receiver may have been woken for, when it has ceased to wait.
    fn leave_to_receivers(&self) {
        if self.receivers.is_awaited() && (!self.ring.is_empty() || self.ring.is_closed()) {
            self.receivers.wake_one();
        }
    }

    /// Passes on what a sender may have been woken for, when it has ceased to wait.
    fn leave_to_senders(&self) {
        if self.senders.is_awaited() && (!self.ring.is_full() || self.ring.is_closed()) {
            self.senders.wake_one();
        }
    }
}

// === Blocking ===

impl<R: SharedRing, W: Wait, S: Block> Channel<R, W, S> {
    /// Sends `value`, waiting for room.
    ///
    /// **Progress** blocking. **Context** threads only. **Complexity** as [`try_send`](Self::try_send) if
    /// there is room. **Ordering** as the ring's push.
    ///
    /// # Errors
    ///
    /// [`Closed`] with `value` in it, if the channel is closed before there is room.
    #[inline]
    pub fn send(&self, value: R::Item) -> Result<(), Closed<R::Item>> {
        match self.try_send(value) {
            Ok(()) => Ok(()),
            Err(PushError::Closed(back)) => Err(Closed(back)),
            Err(PushError::Full(back)) => self.wait_to_send(back),
        }
    }

    #[cold]
    fn wait_to_send(&self, value: R::Item) -> Result<(), Closed<R::Item>> {
        let mut answer = Err(PushError::Full(value));
        loop {
            self.senders.block(|| self.look_to_send(&mut answer));
            self.leave_to_senders();
            match answer {
                Ok(()) => return Ok(()),
                Err(PushError::Closed(back)) => return Err(Closed(back)),
                Err(PushError::Full(_)) => {}
            }
        }
    }
}

impl<R: SharedRing, W: Block, S: Wait> Channel<R, W, S> {
    /// Receives a value, waiting for one. `None`: the channel is closed, and all values are taken.
    ///
    /// **Progress** blocking. **Context** threads only. **Complexity** as [`try_recv`](Self::try_recv) if
    /// there is a value. **Ordering** as the ring's pop.
    #[inline]
    pub fn recv(&self) -> Option<R::Item> {
        match self.try_recv() {
            Ok(value) => Some(value),
            Err(PopError::Closed) => None,
            Err(PopError::Empty) => self.wait_to_receive(),
        }
    }

    /// Iterates over what is received, until the channel is closed and all values are taken.
    ///
    /// **Progress** blocking. **Context** threads only.
    #[inline]
    pub const fn iter(&self) -> Iter<'_, R, W, S> {
        Iter { channel: self }
    }

    #[cold]
    fn wait_to_receive(&self) -> Option<R::Item> {
        let mut answer = Err(PopError::Empty);
        loop {
            self.receivers.block(|| self.look_to_receive(&mut answer));
            self.leave_to_receivers();
            match answer {
                Ok(value) => return Some(value),
                Err(PopError::Closed) => return None,
                Err(PopError::Empty) => {}
            }
        }
    }
}

impl<R: SharedRing, W: Wait, S: BlockUntil> Channel<R, W, S> {
    /// Sends `value`, waiting for room no longer than until `deadline`.
    ///
    /// **Progress** blocking, until `deadline`. **Context** threads only. **Complexity** as
    /// [`try_send`](Self::try_send) if there is room. **Ordering** as the ring's push.
    ///
    /// # Errors
    ///
    /// [`PushError`] with `value` in it: `Full` if there was no room until `deadline`.
    #[inline]
    pub fn send_until(
        &self,
        value: R::Item,
        deadline: S::Deadline,
    ) -> Result<(), PushError<R::Item>> {
        let mut answer = self.try_send(value);
        if matches!(answer, Err(PushError::Full(_))) {
            self.senders.block_until(deadline, || self.look_to_send(&mut answer));
            self.leave_to_senders();
        }
        answer
    }
}

impl<R: SharedRing, W: BlockUntil, S: Wait> Channel<R, W, S> {
    /// Receives a value, waiting for one no longer than until `deadline`.
    ///
    /// **Progress** blocking, until `deadline`. **Context** threads only. **Complexity** as
    /// [`try_recv`](Self::try_recv) if there is a value. **Ordering** as the ring's pop.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] if there was none until `deadline`, [`PopError::Closed`] if there will be none
    /// any more.
    #[inline]
    pub fn recv_until(&self, deadline: W::Deadline) -> Result<R::Item, PopError> {
        let mut answer = self.try_recv();
        if matches!(answer, Err(PopError::Empty)) {
            self.receivers.block_until(deadline, || self.look_to_receive(&mut answer));
            self.leave_to_receivers();
        }
        answer
    }
}

#[cfg(feature = "std")]
impl<R: SharedRing, W: Wait, S: BlockUntil<Deadline = Instant>> Channel<R, W, S> {
    /// Sends `value`, waiting for room no longer than `timeout`.
    ///
    /// **Progress** blocking, for `timeout`. **Context** threads only.
    ///
    /// # Errors
    ///
    /// As [`send_until`](Self::send_until).
    pub fn send_timeout(
        &self,
        value: R::Item,
        timeout: Duration,
    ) -> Result<(), PushError<R::Item>> {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.send_until(value, deadline),
            None => self.send(value).map_err(|Closed(back)| PushError::Closed(back)),
        }
    }
}

#[cfg(feature = "std")]
impl<R: SharedRing, W: BlockUntil<Deadline = Instant>, S: Wait> Channel<R, W, S> {
    /// Receives a value, waiting for one no longer than `timeout`.
    ///
    /// **Progress** blocking, for `timeout`. **Context** threads only.
    ///
    /// # Errors
    ///
    /// As [`recv_until`](Self::recv_until).
    pub fn recv_timeout(&self, timeout: Duration) -> Result<R::Item, PopError> {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.recv_until(deadline),
            None => self.recv().ok_or(PopError::Closed),
        }
    }
}

// === Tasks ===

impl<R: SharedRing, W: Wait, S: Register> Channel<R, W, S> {
    /// Sends `value`; to be awaited. Nothing happens before it is polled.
    ///
    /// Cancel-safe: a future that is dropped before it was ready has not sent, and drops the value;
    /// [`into_value`](SendFuture::into_value) gives it back.
    ///
    /// **Progress** waits as a task. **Context** tasks. **Complexity** as [`try_send`](Self::try_send) if
    /// there is room. **Ordering** as the ring's push.
    #[inline]
    pub fn send_async(&self, value: R::Item) -> SendFuture<'_, R, W, S> {
        SendFuture::new(self, value)
    }
}

impl<R: SharedRing, W: Register, S: Wait> Channel<R, W, S> {
    /// Receives a value; to be awaited. `None`: the channel is closed, and all values are taken.
    ///
    /// Cancel-safe: a future that is dropped before it was ready has taken nothing.
    ///
    /// **Progress** waits as a task. **Context** tasks. **Complexity** as [`try_recv`](Self::try_recv) if
    /// there is a value. **Ordering** as the ring's pop.
    #[inline]
    pub fn recv_async(&self) -> RecvFuture<'_, R, W, S> {
        RecvFuture::new(self)
    }
}

// === Closing ===

impl<R: Close, W: Wait, S: Wait> Channel<R, W, S> {
    /// Closes the channel: sends are refused from now on, and all who wait for room are woken; what was
    /// sent can be received, and then receivers are told that it was all.
    ///
    /// **Progress** the ring's, and with somebody to wake the waiters'. **Context** as both waiters say.
    pub fn close(&self) {
        self.ring.close();
        // ORDERING: its SeqCst fence, W1, is against the one in `look_to_send` too.
        self.wake_receivers_at_end();
        if self.senders.is_awaited() {
            self.senders.wake_all();
        }
    }
}

// === What goes with it ===

/// Receives until the channel is closed and all values are taken.
pub struct Iter<'a, R, W, S> {
    channel: &'a Channel<R, W, S>,
}

impl<R: SharedRing, W: Block, S: Wait> Iterator for Iter<'_, R, W, S> {
    type Item = R::Item;

    #[inline]
    fn next(&mut self) -> Option<R::Item> {
        self.channel.recv()
    }
}

impl<'a, R: SharedRing, W: Block, S: Wait> IntoIterator for &'a Channel<R, W, S> {
    type Item = R::Item;
    type IntoIter = Iter<'a, R, W, S>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<R, W, S> fmt::Debug for Iter<'_, R, W, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iter")
    }
}

impl<R: fmt::Debug, W, S> fmt::Debug for Channel<R, W, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("ring", &self.ring).finish_non_exhaustive()
    }
}
