//! How those wait who find a ring empty or full: a plug-in of [`Channel`](super::Channel).
//!
//! A waiter stands for one side of a channel, those who wait for a value or those who wait for room.
//! It is asked after each push or pop of the other side whether anybody waits, which is one load, and
//! is called only if so: after the ring was found empty or full, and once for each who found it so.
//!
//! | waiter | blocking calls | futures | may be woken from | waits by |
//! |---|---|---|---|---|
//! | [`NoWait`] | none | none | anywhere | not at all |
//! | [`Spin`] | yes | none | anywhere | looking again, `pause` in between |
//! | `Park` (feature `std`) | yes, with deadlines | none | threads | a futex, by `std` |
//! | [`Wakers`] | none | yes | wherever the [`Waker`] may be woken | the executor |
//! | your own | [`Block`], [`BlockUntil`] | [`Register`] | as you say | as you say |
//!
//! # Invariants
//!
//! - INV-W1  Who has registered has looked at the ring since, or will before sleeping. So a value
//!   (room) that nobody was told of is found by that look.
//! - INV-W2  Each wake-up leads to one look at the ring after the push (pop) that sent it: by who was
//!   woken, or, if he leaves without it, by another who waits and is woken in his place.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | W1 | the channel's fence between push or pop and `is_awaited` | its fence between registering and looking | total order: one of them sees the other |
//! | W2 | the same fence, and then the wake-up | the end of the registration that it meets | the push or pop that sent it |
//!
//! The fences are the channel's. The other half of W2 is the waiter's: see [`Wait`].
//!
//! # A waiter of one's own
//!
//! In a kernel, on top of its wait queue. Here a lock and a flag for each sleeper play that part:
//!
//! ```
//! use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
//! use latchless::ring::{Channel, MpmcRing, wait::{Block, Wait}};
//! use std::{collections::VecDeque, sync::{Arc, Mutex}};
//!
//! struct WaitQueue {
//!     count: AtomicUsize,
//!     sleepers: Mutex<VecDeque<Arc<AtomicBool>>>, // a kernel: a spin lock, interrupts off
//! }
//!
//! impl WaitQueue {
//!     const fn new() -> Self {
//!         Self { count: AtomicUsize::new(0), sleepers: Mutex::new(VecDeque::new()) }
//!     }
//!
//!     fn with<R>(&self, change: impl FnOnce(&mut VecDeque<Arc<AtomicBool>>) -> R) -> R {
//!         let mut sleepers = self.sleepers.lock().unwrap();
//!         let result = change(&mut sleepers);
//!         self.count.store(sleepers.len(), Relaxed);
//!         result
//!     }
//! }
//!
//! impl Wait for WaitQueue {
//!     fn is_awaited(&self) -> bool {
//!         self.count.load(Relaxed) != 0
//!     }
//!     fn wake_one(&self) {
//!         self.with(|sleepers| sleepers.pop_front()).inspect(|sleeper| sleeper.store(true, Release));
//!     }
//!     fn wake_all(&self) {
//!         self.with(|sleepers| sleepers.drain(..).for_each(|sleeper| sleeper.store(true, Release)));
//!     }
//! }
//!
//! impl Block for WaitQueue {
//!     fn block(&self, mut look: impl FnMut() -> bool) {
//!         loop {
//!             let me = Arc::new(AtomicBool::new(false));
//!             self.with(|sleepers| sleepers.push_back(me.clone())); // `prepare_to_wait`
//!             if look() {
//!                 // `finish_wait`
//!                 return self.with(|sleepers| sleepers.retain(|one| !Arc::ptr_eq(one, &me)));
//!             }
//!             while !me.load(Acquire) {
//!                 std::thread::yield_now(); // `schedule`
//!             }
//!         }
//!     }
//! }
//!
//! static PACKETS: Channel<MpmcRing<u32, 2>, WaitQueue> =
//!     Channel::new(MpmcRing::new(), WaitQueue::new(), WaitQueue::new());
//!
//! std::thread::scope(|scope| {
//!     scope.spawn(|| (0..100).for_each(|n| PACKETS.send(n).unwrap()));
//!     let received: Vec<_> = (0..100).filter_map(|_| PACKETS.recv()).collect();
//!     assert_eq!(received, Vec::from_iter(0..100));
//! });
//! ```
//!
//! # References
//!
//! The eventcount: D. Vyukov, "Eventcounts", 2011 (`folly/experimental/EventCount.h` is one). Linux,
//! `wait_event` and `wq_has_sleeper`, for the form of the traits. Different here: there is no epoch to
//! compare, as a wake-up ends one registration, so that the next push again finds nobody to wake.

mod none;
#[cfg(feature = "std")]
mod park;
mod spin;
mod wakers;

use core::task::Waker;

pub use self::none::NoWait;
#[cfg(feature = "std")]
pub use self::park::Park;
pub use self::spin::Spin;
pub use self::wakers::{Place, Wakers};

/// One side of a channel: who waits there, and how to wake them.
///
/// The channel calls [`is_awaited`](Self::is_awaited) after each push or pop of the other side, and
/// `wake_one` only if the answer is yes.
///
/// An implementation has to see to it that
///
/// - `is_awaited` is true while somebody is registered whom no wake-up has met. A load of any
///   ordering will do: the channel has passed a `SeqCst` fence before, and another after whoever waits
///   has registered ([`look`](Block::block) begins with it);
/// - a wake-up that meets nobody is forgotten, not kept for the next one;
/// - what the waking thread did before `wake_one` happens before what the thread does that ends the
///   registration which the call met: woken, in vain or too late (a lock does that).
pub trait Wait {
    /// Whether this waiter has to be woken at all. If not, the other side does without the fence.
    const IS_WOKEN: bool = true;

    /// Whether anybody may be waiting.
    fn is_awaited(&self) -> bool;

    /// Wakes one of those who wait, if there is one, and ends the registration of that one.
    fn wake_one(&self);

    /// Wakes all who wait.
    fn wake_all(&self);
}

/// A waiter that can stop the thread that waits.
pub trait Block: Wait {
    /// Waits until `look` has returned `true`: registers, looks, and if that was in vain sleeps until
    /// woken, and so on, in this order each time. Nobody is registered when it returns.
    fn block(&self, look: impl FnMut() -> bool);
}

/// A waiter that can stop the thread for a limited time.
pub trait BlockUntil: Block {
    /// A moment of the clock that it goes by.
    type Deadline: Copy;

    /// As [`block`](Block::block), but no longer than until `deadline`. Returns whether `look` has
    /// returned `true`.
    fn block_until(&self, deadline: Self::Deadline, look: impl FnMut() -> bool) -> bool;
}

/// A waiter that wakes tasks.
pub trait Register: Wait {
    /// Where a future is registered; at first nowhere.
    type Place: Default + Unpin;

    /// Registers a future that is not, to be woken once by `waker`. Where that cannot be, wakes it at
    /// once, so that it asks again.
    ///
    /// # Safety
    ///
    /// - `place` was used with this waiter only.
    /// - [`leave`](Self::leave) was called since the last `enter` with it.
    unsafe fn enter(&self, place: &mut Self::Place, waker: &Waker);

    /// Ends the registration, if there is one and no wake-up has ended it.
    ///
    /// # Safety
    ///
    /// `place` was used with this waiter only.
    unsafe fn leave(&self, place: &mut Self::Place);
}
