//! What tests of waiting need: a ring that everybody believes, waiters and wakers that count, and an
//! end to waits that do not end.

use core::future::Future;
use core::pin::pin;
use core::sync::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed},
};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;
use std::thread::{self, Thread};

use latchless::ring::channel::{Close, PushError, SharedRing};
use latchless::ring::wait::{Block, Wait};

/// A queue of at most `capacity` values under a lock.
#[derive(Debug)]
pub(crate) struct LockedRing<T> {
    capacity: usize,
    state: Mutex<(VecDeque<T>, bool)>,
}

impl<T> LockedRing<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::new((VecDeque::new(), false)) }
    }

    fn with<R>(&self, f: impl FnOnce(&mut VecDeque<T>, &mut bool) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (values, is_closed) = &mut *state;
        f(values, is_closed)
    }
}

impl<T> SharedRing for LockedRing<T> {
    type Item = T;

    fn push(&self, value: T) -> Result<(), PushError<T>> {
        self.with(|values, is_closed| {
            if *is_closed {
                Err(PushError::Closed(value))
            } else if values.len() == self.capacity {
                Err(PushError::Full(value))
            } else {
                values.push_back(value);
                Ok(())
            }
        })
    }

    fn pop(&self) -> Option<T> {
        self.with(|values, _| values.pop_front())
    }

    fn is_empty(&self) -> bool {
        self.with(|values, _| values.is_empty())
    }

    fn is_full(&self) -> bool {
        self.with(|values, _| values.len() == self.capacity)
    }

    fn is_closed(&self) -> bool {
        self.with(|_, is_closed| *is_closed)
    }

    fn is_drained(&self) -> bool {
        self.with(|values, is_closed| *is_closed && values.is_empty())
    }
}

impl<T> Close for LockedRing<T> {
    fn close(&self) {
        self.with(|_, is_closed| *is_closed = true);
    }
}

/// A waiter that counts what it is asked to do.
#[derive(Debug, Default)]
pub(crate) struct Counted<W> {
    waiter: W,
    /// Looks at the ring by those who wait: one at least for each time that somebody registers.
    pub(crate) looks: AtomicUsize,
    pub(crate) wakes: AtomicUsize,
}

impl<W: Wait> Wait for Counted<W> {
    fn is_awaited(&self) -> bool {
        self.waiter.is_awaited()
    }

    fn wake_one(&self) {
        self.wakes.fetch_add(1, Relaxed);
        self.waiter.wake_one();
    }

    fn wake_all(&self) {
        self.wakes.fetch_add(1, Relaxed);
        self.waiter.wake_all();
    }
}

impl<W: Block> Block for Counted<W> {
    fn block(&self, mut look: impl FnMut() -> bool) {
        self.waiter.block(|| {
            self.looks.fetch_add(1, Relaxed);
            look()
        });
    }
}

/// A waker that counts how often it is woken.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rings: AtomicUsize,
}

impl Bell {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How often it has rung since it was asked last.
    pub(crate) fn take(&self) -> usize {
        self.rings.swap(0, AcqRel)
    }

    pub(crate) fn has_rung(&self) -> bool {
        self.rings.load(Acquire) != 0
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rings.fetch_add(1, AcqRel);
    }
}

/// Polls `future` once, to be woken by `bell`.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F, bell: &Arc<Bell>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(bell));
    pin!(future).poll(&mut Context::from_waker(&waker))
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The executor of one future.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

/// Runs `scenario`, which may wait for ever if a wake-up is lost: then the test fails.
#[track_caller]
pub(crate) fn in_time<R: Send + 'static>(scenario: impl FnOnce() -> R + Send + 'static) -> R {
    /// Far more than any scenario takes.
    const PATIENCE: Duration = Duration::from_secs(60);

    let (sender, receiver) = sync_channel(1);
    let thread = thread::spawn(move || sender.send(scenario()));
    match receiver.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("somebody waits for ever"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(payload) => resume_unwind(payload),
            Ok(_) => unreachable!("a thread that returns has sent"),
        },
    }
}
