//! Putting threads to sleep (feature `std`).

use core::mem;
use core::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::{Block, BlockUntil, Wait};
use crate::atomic::{AtomicUsize, Monitor, const_fn};

/// Puts the thread to sleep until it is woken: by `std`'s mutex and condition variable, which are
/// futexes on Linux.
///
/// Only those who sleep, and those who wake them, take the mutex: a push or pop that meets nobody
/// asleep reads one word. Who is woken is not said; who waits longest is not first.
///
/// **Context** threads only, on both sides: an interrupt or signal handler that wakes may have
/// interrupted the holder of the mutex.
///
/// # Examples
///
/// ```
/// use latchless::ring::{Channel, MpmcRing, wait::Park};
///
/// static WORDS: Channel<MpmcRing<&str, 4>, Park> =
///     Channel::new(MpmcRing::new(), Park::new(), Park::new());
///
/// std::thread::scope(|scope| {
///     let reader = scope.spawn(|| WORDS.iter().collect::<Vec<_>>());
///     "nobody spins here".split(' ').for_each(|word| WORDS.send(word).unwrap());
///     WORDS.close();
///     assert_eq!(reader.join().unwrap(), ["nobody", "spins", "here"]);
/// });
/// ```
#[derive(Debug)]
pub struct Park {
    /// `Sleepers::unpermitted`, to be read without the mutex.
    awaited: AtomicUsize,
    sleepers: Monitor<Sleepers>,
}

/// INV-W2  `permits <= registered`: a permit is one look at the ring that a registered thread owes.
#[derive(Debug)]
struct Sleepers {
    /// Threads that sleep or are about to.
    registered: usize,
    /// How many of them may wake up.
    permits: usize,
}

/// How a sleep ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Woken,
    TimedOut,
}

impl Park {
    const_fn! {
        /// Nobody sleeps yet.
        #[inline]
        pub const fn new() -> Self {
            Self {
                awaited: AtomicUsize::new(0),
                sleepers: Monitor::new(Sleepers { registered: 0, permits: 0 }),
            }
        }
    }

    /// Sleeps until a look succeeds or the deadline has passed; whether one has succeeded.
    fn sleep_until(&self, deadline: Option<Instant>, mut look: impl FnMut() -> bool) -> bool {
        loop {
            let registration = Registration::new(self);
            if look() {
                return true;
            }
            let end = registration.sleep(deadline);
            if look() {
                return true;
            }
            if end == End::TimedOut {
                return false;
            }
        }
    }

    /// Changes the numbers, and tells those who read them without the mutex.
    fn update<R>(&self, change: impl FnOnce(&mut Sleepers) -> R) -> R {
        let mut sleepers = self.sleepers.lock();
        let result = change(&mut sleepers);
        // ORDERING: Relaxed; the fences W1 order it.
        self.awaited.store(sleepers.unpermitted(), Relaxed);
        result
    }
}

impl Wait for Park {
    #[inline(always)]
    fn is_awaited(&self) -> bool {
        // ORDERING: Relaxed; the fences W1 order it.
        self.awaited.load(Relaxed) != 0
    }

    #[cold]
    fn wake_one(&self) {
        let is_owed = self.update(|sleepers| {
            let is_owed = sleepers.unpermitted() != 0;
            sleepers.permits += usize::from(is_owed);
            is_owed
        });
        if is_owed {
            self.sleepers.notify_one();
        }
    }

    #[cold]
    fn wake_all(&self) {
        self.update(|sleepers| sleepers.permits = sleepers.registered);
        self.sleepers.notify_all();
    }
}

impl Block for Park {
    #[cold]
    fn block(&self, look: impl FnMut() -> bool) {
        self.sleep_until(None, look);
    }
}

impl BlockUntil for Park {
    type Deadline = Instant;

    #[cold]
    fn block_until(&self, deadline: Instant, look: impl FnMut() -> bool) -> bool {
        self.sleep_until(Some(deadline), look)
    }
}

impl Default for Park {
    fn default() -> Self {
        Self::new()
    }
}

impl Sleepers {
    /// How many are yet to be woken.
    fn unpermitted(&self) -> usize {
        self.registered - self.permits
    }
}

/// A thread that counts as a sleeper until it has slept or looked with success.
struct Registration<'a> {
    park: &'a Park,
}

impl<'a> Registration<'a> {
    fn new(park: &'a Park) -> Self {
        park.update(|sleepers| sleepers.registered += 1);
        Self { park }
    }

    /// Sleeps until there is a permit, and takes it, or until the deadline has passed.
    fn sleep(self, deadline: Option<Instant>) -> End {
        let monitor = &self.park.sleepers;
        let mut sleepers = monitor.lock();
        let mut is_late = false;
        while sleepers.permits == 0 && !is_late {
            (sleepers, is_late) = monitor.sleep(sleepers, deadline);
        }
        if sleepers.permits == 0 {
            // Before `self` gives up its place.
            drop(sleepers);
            return End::TimedOut;
        }
        // How many are yet to be woken stays the same.
        sleepers.permits -= 1;
        sleepers.registered -= 1;
        mem::forget(self);
        End::Woken
    }
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.park.update(|sleepers| {
            sleepers.registered -= 1;
            // If that was one permit too many, every other sleeper has one.
            sleepers.permits = sleepers.permits.min(sleepers.registered);
        });
    }
}
