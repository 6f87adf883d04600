//! Sends and receives that a task awaits.

use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::{Channel, Closed, PopError, PushError, SharedRing};
use crate::ring::wait::{Register, Wait};

/// A send that waits for room; see [`Channel::send_async`].
#[must_use = "nothing is sent until it is awaited"]
pub struct SendFuture<'a, R: SharedRing, W: Wait, S: Register> {
    channel: &'a Channel<R, W, S>,
    /// Gone once it is sent, or given back.
    value: Option<R::Item>,
    place: S::Place,
    has_waited: bool,
}

/// A receive that waits for a value; see [`Channel::recv_async`].
#[must_use = "nothing is received until it is awaited"]
pub struct RecvFuture<'a, R: SharedRing, W: Register, S: Wait> {
    channel: &'a Channel<R, W, S>,
    place: W::Place,
    has_waited: bool,
}

// === impl SendFuture ===

impl<'a, R: SharedRing, W: Wait, S: Register> SendFuture<'a, R, W, S> {
    #[inline]
    pub(super) fn new(channel: &'a Channel<R, W, S>, value: R::Item) -> Self {
        Self { channel, value: Some(value), place: S::Place::default(), has_waited: false }
    }

    /// Gives up, and takes the value back. `None` if it was sent, or given back already.
    #[inline]
    pub fn into_value(mut self) -> Option<R::Item> {
        self.value.take()
    }

    /// Looks whether there is room. `None`: there is not.
    fn look(&mut self) -> Option<Result<(), Closed<R::Item>>> {
        // Sent before: done.
        let Some(value) = self.value.take() else { return Some(Ok(())) };
        let mut answer = Err(PushError::Full(value));
        self.channel.look_to_send(&mut answer);
        match answer {
            Ok(()) => Some(Ok(())),
            Err(PushError::Closed(back)) => Some(Err(Closed(back))),
            Err(PushError::Full(back)) => {
                self.value = Some(back);
                None
            }
        }
    }

    /// Waits no longer, and passes a wake-up that came since the last look on.
    fn leave(&mut self) {
        if mem::take(&mut self.has_waited) {
            // SAFETY: the place was used with this waiter only.
            unsafe { self.channel.senders.leave(&mut self.place) };
            self.channel.leave_to_senders();
        }
    }
}

impl<R: SharedRing, W: Wait, S: Register> Future for SendFuture<'_, R, W, S> {
    type Output = Result<(), Closed<R::Item>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // The look that follows is for the wake-up, if there was one.
        // SAFETY: the place was used with this waiter only.
        unsafe { this.channel.senders.leave(&mut this.place) };
        let mut answer = this.look();
        if answer.is_none() {
            this.has_waited = true;
            // SAFETY: as above, and it was left.
            unsafe { this.channel.senders.enter(&mut this.place, cx.waker()) };
            answer = this.look();
        }
        answer.map_or(Poll::Pending, |answer| {
            this.leave();
            Poll::Ready(answer)
        })
    }
}

// The value is moved into the ring, never polled in its place.
impl<R: SharedRing, W: Wait, S: Register> Unpin for SendFuture<'_, R, W, S> {}

impl<R: SharedRing, W: Wait, S: Register> Drop for SendFuture<'_, R, W, S> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<R: SharedRing, W: Wait, S: Register> fmt::Debug for SendFuture<'_, R, W, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture").field("is_sent", &self.value.is_none()).finish()
    }
}

// === impl RecvFuture ===

impl<'a, R: SharedRing, W: Register, S: Wait> RecvFuture<'a, R, W, S> {
    #[inline]
    pub(super) fn new(channel: &'a Channel<R, W, S>) -> Self {
        Self { channel, place: W::Place::default(), has_waited: false }
    }

    /// Looks whether there is a value. `None`: there is none yet.
    fn look(&self) -> Option<Option<R::Item>> {
        let mut answer = Err(PopError::Empty);
        self.channel.look_to_receive(&mut answer);
        match answer {
            Ok(value) => Some(Some(value)),
            Err(PopError::Closed) => Some(None),
            Err(PopError::Empty) => None,
        }
    }

    /// Waits no longer, and passes a wake-up that came since the last look on.
    fn leave(&mut self) {
        if mem::take(&mut self.has_waited) {
            // SAFETY: the place was used with this waiter only.
            unsafe { self.channel.receivers.leave(&mut self.place) };
            self.channel.leave_to_receivers();
        }
    }
}

impl<R: SharedRing, W: Register, S: Wait> Future for RecvFuture<'_, R, W, S> {
    type Output = Option<R::Item>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // The look that follows is for the wake-up, if there was one.
        // SAFETY: the place was used with this waiter only.
        unsafe { this.channel.receivers.leave(&mut this.place) };
        let mut answer = this.look();
        if answer.is_none() {
            this.has_waited = true;
            // SAFETY: as above, and it was left.
            unsafe { this.channel.receivers.enter(&mut this.place, cx.waker()) };
            answer = this.look();
        }
        answer.map_or(Poll::Pending, |answer| {
            this.leave();
            Poll::Ready(answer)
        })
    }
}

impl<R: SharedRing, W: Register, S: Wait> Drop for RecvFuture<'_, R, W, S> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<R: SharedRing, W: Register, S: Wait> fmt::Debug for RecvFuture<'_, R, W, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecvFuture")
    }
}
