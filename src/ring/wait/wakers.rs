//! Waking tasks, without an allocator or a lock.

use core::fmt;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::task::Waker;

use super::{Register, Wait};
use crate::atomic::{AtomicBool, AtomicU32, AtomicU64, array, const_fn};
use crate::mem::Slot;

/// A table of the wakers of `M` tasks, in a `static`, for `async` sends and receives.
///
/// `M`: how many futures can be registered at a time, 1 to 64, checked at compile time. Further ones
/// are not lost: they ask their executor to be polled again and again until there is a place (or a
/// value, or room), which costs what polling costs.
///
/// No lock, no allocator: registering and waking are lock-free, so a push or pop may come from an
/// interrupt or NMI handler, in the middle of another call on the table too, provided that the
/// executor's [`Waker::wake`] may be called there. That is the executor's word: one for bare
/// metal usually gives it for interrupts, one that takes a lock or frees memory in `wake` cannot.
///
/// A future that is dropped gives its place back and passes a wake-up that it has not used on. One
/// that is leaked ([`mem::forget`](core::mem::forget)) keeps its place for ever and swallows one.
///
/// # Layout
///
/// ```text
/// used     bit i: cell i belongs to a future, or to a wake-up that takes its waker
/// awaited  bit i: cell i holds the waker of a future that waits
/// next     where the search for somebody to wake starts
/// cells    [ waker | is_left ] …
/// ```
///
/// # Invariants
///
/// - INV-1  Who sets bit `i` of `used` owns cell `i`, whose waker is absent and whose `is_left` is
///   false, until he clears it.
/// - INV-2  The owner puts a waker in and sets bit `i` of `awaited`. Who clears that bit takes the waker
///   out: a wake-up, or the owner himself.
/// - INV-3  If it was a wake-up, it and the owner both leave the cell, by `is_left`; the second is alone
///   with it and owns it from there.
///
/// # Edges
///
/// | edge | release | acquire | publishes |
/// |---|---|---|---|
/// | A1 | `used` cleared | `used` set | the empty cell |
/// | A2 | `awaited` set | `awaited` cleared by a wake-up | the waker |
/// | A3 | `is_left` set by the first | `is_left` found by the second | that the first is done with the cell |
/// | W2 | the channel's fence, and then `awaited` cleared by a wake-up | `awaited` found clear by the owner | the push or pop that sent it |
#[derive(Debug)]
pub struct Wakers<const M: usize> {
    used: AtomicU64,
    awaited: AtomicU64,
    next: AtomicU32,
    cells: [Cell; M],
}

struct Cell {
    waker: Slot<Waker>,
    is_left: AtomicBool,
}

/// Where a future is registered in [`Wakers`], if it is.
#[derive(Debug, Default)]
pub struct Place(Option<u32>);

// SAFETY: a waker may be moved to and used from any thread, and has one owner at a time (INV-1 to
// INV-3).
unsafe impl<const M: usize> Sync for Wakers<M> {}

impl<const M: usize> Wakers<M> {
    const VALID_M: () = assert!(M >= 1 && M <= 64, "M must be at least 1 and at most 64");

    const_fn! {
        /// Nobody waits yet.
        #[inline]
        pub const fn new() -> Self {
            const { Self::VALID_M };
            Self {
                used: AtomicU64::new(0),
                awaited: AtomicU64::new(0),
                next: AtomicU32::new(0),
                cells: array![Cell { waker: Slot::new(), is_left: AtomicBool::new(false) }; M],
            }
        }
    }

    /// Gets hold of a cell that nobody uses.
    fn claim(&self) -> Option<u32> {
        loop {
            // ORDERING: Relaxed; a guess that the bit operation confirms.
            let index = (!self.used.load(Relaxed)).trailing_zeros();
            if index as usize >= M {
                return None;
            }
            // ORDERING: Acquire, A1.
            if !self.used.bit_set(index, Acquire) {
                return Some(index);
            }
        }
    }

    /// Wakes the future in cell `index` if it still waits.
    fn wake(&self, index: u32) -> bool {
        // ORDERING: Acquire, A2: the waker. For W2 the fence before is the release.
        if !self.awaited.bit_clear(index, Acquire) {
            return false;
        }
        // SAFETY: the bit was set, so there is a waker, and this call cleared it (INV-2); A2.
        let waker = unsafe { self.cell(index).waker.read() };
        self.part(index);
        waker.wake();
        true
    }

    /// Leaves the cell to the future, or to the wake-up; who comes second gives it back.
    fn part(&self, index: u32) {
        let cell = self.cell(index);
        // ORDERING: Release and Acquire, A3.
        if cell.is_left.swap(true, AcqRel) {
            // ORDERING: Relaxed; goes with A1 below.
            cell.is_left.store(false, Relaxed);
            self.give_back(index);
        }
    }

    /// Gives a cell back that nobody else has to do with.
    fn give_back(&self, index: u32) {
        // ORDERING: Release, A1.
        self.used.bit_clear(index, Release);
    }

    #[inline]
    fn cell(&self, index: u32) -> &Cell {
        // SAFETY: `claim` and bits of `awaited` are below `M`, and so is a `Place`, which comes from
        // this table by the word of the caller of `leave`.
        unsafe { self.cells.get_unchecked(index as usize) }
    }
}

impl<const M: usize> Wait for Wakers<M> {
    #[inline(always)]
    fn is_awaited(&self) -> bool {
        // ORDERING: Relaxed; the fences W1 order it.
        self.awaited.load(Relaxed) != 0
    }

    #[cold]
    fn wake_one(&self) {
        loop {
            // ORDERING: Relaxed for both; the fences W1 order the one, and the other is a matter of
            // fairness.
            let (awaited, next) = (self.awaited.load(Relaxed), self.next.load(Relaxed));
            if awaited == 0 {
                return;
            }
            let index = (awaited.rotate_right(next).trailing_zeros() + next) % u64::BITS;
            if self.wake(index) {
                // ORDERING: Relaxed, as above.
                self.next.store(index + 1, Relaxed);
                return;
            }
        }
    }

    #[cold]
    fn wake_all(&self) {
        // ORDERING: Relaxed; the fences W1 order it.
        let mut awaited = self.awaited.load(Relaxed);
        while awaited != 0 {
            self.wake(awaited.trailing_zeros());
            awaited &= awaited - 1;
        }
    }
}

impl<const M: usize> Register for Wakers<M> {
    type Place = Place;

    unsafe fn enter(&self, place: &mut Place, waker: &Waker) {
        // Before the cell is owned: it may panic.
        let waker = waker.clone();
        let Some(index) = self.claim() else {
            return waker.wake();
        };
        // SAFETY: this call owns the cell, which is empty (INV-1).
        unsafe { self.cell(index).waker.write(waker) };
        *place = Place(Some(index));
        // ORDERING: Release, A2.
        self.awaited.bit_set(index, Release);
    }

    unsafe fn leave(&self, place: &mut Place) {
        let Some(index) = place.0.take() else {
            return;
        };
        // ORDERING: Acquire, W2.
        if self.awaited.bit_clear(index, Acquire) {
            // SAFETY: the bit was set, so there is a waker, and this call cleared it (INV-2).
            let waker = unsafe { self.cell(index).waker.read() };
            self.give_back(index);
            drop(waker);
        } else {
            self.part(index);
        }
    }
}

impl<const M: usize> Default for Wakers<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const M: usize> Drop for Wakers<M> {
    fn drop(&mut self) {
        // Of futures that were leaked.
        let mut awaited = self.awaited.load_mut();
        while awaited != 0 {
            // SAFETY: the bit is set, so there is a waker (INV-2), and nobody else is here.
            drop(unsafe { self.cell(awaited.trailing_zeros()).waker.read() });
            awaited &= awaited - 1;
        }
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cell")
    }
}
