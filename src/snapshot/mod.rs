//! One value that many read and some replace: what Go has `atomic.Value` and `atomic.Pointer[T]` for,
//! without a collector and without an allocator.
//!
//! A reader enters by one `lock xadd` on the head, which tells it the slot of the current value and
//! counts it as an *entry* to that slot, all in one. It leaves by one `lock xadd` on the account of
//! the slot. A writer fills a free slot and exchanges the head; the head before tells it how many
//! entered the slot before, which it *settles* with the account. Whoever finds a settled account, the
//! writer or the last to leave, drops the value and gives the slot back.
//!
//! # Layout
//!
//! ```text
//! head   pair of lines 0   [ entries : 48 | slot : 16 ]
//! free   an `IndexStack<N>`: the slots that nobody has
//! slots  N x [ account : u64 | value ]
//! account                  [ ignored : 15 | balance : 48 | replaced : 1 ]
//! ```
//!
//! The count in `head` is above the slot, and `replaced` is below the balance, so no carry or borrow
//! of a count ever reaches what it must not touch. An account lies beside its value: a reader that
//! leaves writes to a line that it has just read.
//!
//! # Invariants
//!
//! - INV-1  Each index below `N` is in `free`, or in `head`, or replaced and not yet left by all, or
//!   owned by one call under way, which has taken it out of `free` and not put it into `head`, or has
//!   settled its account and not given it back.
//! - INV-2  A slot holds a value iff it is in `head`, or replaced and not yet left by all, or owned by
//!   a call that has written it or not yet dropped it. While it is in `head` or has a guard, the value
//!   is only read.
//! - INV-3  `balance` is the number of those who left since the slot was filled, less the guards that
//!   were cloned, and from the settlement on less the entries, modulo 2^48. So from then on it is the
//!   negative number of guards there are.
//! - INV-4  The account of a slot becomes settled, that is replaced with a balance of zero, exactly
//!   once after it was filled, and nobody touches it after that until it is filled again.
//!
//! # Why exactly one call finds the account settled
//!
//! An index comes into `head` once after its slot was filled and leaves it once, by one exchange,
//! which hands to one call, the replacer, the number of all entries there will ever be: one who
//! enters does so by adding to that same word. The replacer sets `replaced` and subtracts the entries
//! in one addition, so before it the account is not settled, and after it the balance is the negative
//! number of guards (INV-3). It is zero as soon as there is no guard. The step that brings it there,
//! the settlement or a leave, is one read-modify-write, and sees by its own result that it was this
//! one. A step after it would need a guard: to leave with, or to clone. There is none, and there will
//! be none, because nobody enters a slot that is not in `head`. So the step was the last one, and the
//! only one to see zero (INV-4).
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | replace: `head` | load, replace: `head` | the value in the slot |
//! | E2 | leave: `account` | the step that settles: `account` | that the value is no longer read |
//!
//! Each change of `head` or of an account is a read-modify-write, so that whoever reads what a later
//! one left still acquires from those before it (the release sequence goes on). The index stack has an
//! edge of its own: what was done to a slot happens before its next use. Only then is the account
//! stored to.
//!
//! # Progress and complexity
//!
//! | call | guarantee | locked instructions, alone |
//! |---|---|---|
//! | `load` | wait-free | 1 |
//! | `Guard::clone` | wait-free | 1 |
//! | dropping a guard | wait-free; the last of a replaced value lock-free | 1; 2 |
//! | `store` | lock-free | 4, with an `xchg` |
//! | `swap` | lock-free | 3, with an `xchg` |
//! | `compare_and_swap` | lock-free | 3 |
//! | `fetch_update` | lock-free | 4 |
//!
//! A reader takes the same few steps whatever writers do, and wherever they stop. `store` and `swap`
//! lose races for the free list only. `compare_and_swap` exchanges a word that readers add to: it
//! tries again when a reader has entered in between, so what holds it up is a load that completed.
//! Whoever stops keeps what it has: a guard its slot, a writer under way one slot.
//!
//! # What Exhausted means
//!
//! At some moment during the call no slot was free: each held the current value, or a replaced one
//! with a guard, or was owned by another call under way, be it one that has not yet put its value
//! into `head` or one that drops what it has replaced or left.
//!
//! # How far the counts reach
//!
//! Entries, leaves and clones are counted modulo 2^48, which is harmless: only what they differ by
//! counts, the guards there are of one value. That is taken for none only when there are a multiple
//! of 2^48 of them, which no memory has room for, but which somebody who does nothing but forget guards
//! (`core::mem::forget`) of one value comes to, at 100 million a second in 32 days.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMI handlers, nested in each other at any instruction; a
//! guard may be dropped in another context than the one that made it. The value is dropped by whoever
//! leaves it last, so its own `Drop` must be fit for that context too.
//!
//! # References
//!
//! M. Ianni, A. Pellegrini, F. Quaglia, "A Wait-Free Multi-word Atomic (1,N) Register for Large-Scale
//! Data Sharing on Multi-core Machines", IEEE CLUSTER 2017: a register of one writer, with the index
//! and the count of readers in one word. A. Williams, "C++ Concurrency in Action", Manning 2019, on
//! split reference counts.

mod guard;
mod words;

use core::error::Error;
use core::fmt;
use core::mem::ManuallyDrop;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use static_assertions::{assert_impl_all, assert_not_impl_any};

use self::words::{Account, Head};
use crate::atomic::{AtomicU64, array, const_fn};
use crate::mem::{CachePadded, Slot};
use crate::stack::{Exhausted, GiveBack, IndexStack};

pub use self::guard::Guard;

/// A value that one instruction gets hold of while others replace it.
///
/// There always is one; what Go calls nil is a `Snapshot<Option<T>, N>`.
///
/// `N`: slots, 2 to 65536, checked at compile time; no power of two needed. One is for the current
/// value, one for each replaced value that a [`Guard`] still holds, and one for each writer under way.
/// Without a free one a writer gets its value back. So 2 more than there are guards at a time are
/// always enough for one writer. `const`-constructible in a `static`.
///
/// Size: 128 bytes, plus `4 * N` rounded up to 128, plus for each slot 8 bytes and a `T`.
///
/// # Examples
///
/// ```
/// use latchless::snapshot::Snapshot;
///
/// #[derive(Debug, PartialEq)]
/// struct Limits { soft: u32, hard: u32 }
///
/// static LIMITS: Snapshot<Limits, 8> = Snapshot::new(Limits { soft: 10, hard: 20 });
///
/// let before = LIMITS.load(); // one `lock xadd`
/// LIMITS.store(Limits { soft: 30, hard: 40 })?;
/// assert_eq!(before.soft, 10); // a guard goes on seeing what it saw
/// assert_eq!(*LIMITS.load(), Limits { soft: 30, hard: 40 });
/// # Ok::<(), latchless::stack::Exhausted<Limits>>(())
/// ```
#[repr(C)]
pub struct Snapshot<T, const N: usize> {
    head: CachePadded<AtomicU64>,
    free: IndexStack<N>,
    slots: CachePadded<[Place<T>; N]>,
}

/// Room for a value, and who is in it.
#[repr(C)]
struct Place<T> {
    account: AtomicU64,
    value: Slot<T>,
}

// SAFETY: whoever shares a place sees the value at the same time as others (`T: Sync`), and the last
// one drops it, wherever it came from (`T: Send`). It is written and dropped by its owner alone, and
// only read while it has readers (INV-1, INV-2).
unsafe impl<T: Send + Sync> Sync for Place<T> {}

assert_impl_all!(Snapshot<u64, 2>: Send, Sync);
assert_impl_all!(Snapshot<core::cell::Cell<u8>, 2>: Send);
assert_not_impl_any!(Snapshot<core::cell::Cell<u8>, 2>: Sync);
assert_not_impl_any!(Snapshot<*const u8, 2>: Send, Sync);

impl<T, const N: usize> Snapshot<T, N> {
    const VALID_N: () =
        assert!(N >= 2 && N <= Head::SLOTS, "N must be at least 2 and at most 65536");

    const_fn! {
        /// Creates a snapshot of `value`.
        #[inline]
        pub const fn new(value: T) -> Self {
            Self::with_start(value, 0)
        }
    }

    const_fn! {
        /// Creates a snapshot that so many seem to have entered and left, for tests of the wrap.
        #[doc(hidden)]
        #[inline]
        pub const fn with_start(value: T, entries: u64) -> Self {
            const { Self::VALID_N };
            let mut slots = array![Place { account: AtomicU64::new(0), value: Slot::new() }; N];
            slots[0] = Place {
                account: AtomicU64::new(Account::new(entries).bits()),
                value: Slot::holding(value),
            };
            Self {
                head: CachePadded::new(AtomicU64::new(Head::new(0, entries).bits())),
                free: IndexStack::full_from(1),
                slots: CachePadded::new(slots),
            }
        }
    }

    /// Returns a view of the current value, which stays what it is while others replace it.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1), one `lock xadd`. **Ordering**
    /// what happened before the value was stored happens before what follows.
    #[inline]
    #[must_use = "a load has no effect but the view"]
    pub fn load(&self) -> Guard<'_, T, N> {
        // ORDERING: Acquire, E1.
        let head = Head::from_bits(self.head.fetch_add(Head::ENTRY, Acquire));
        Guard::of_entry(self, self.place(head.slot()))
    }

    /// Replaces the value. The one before is dropped here, unless there is a guard of it.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, two `lock cmpxchg`, an
    /// `xchg` and a `lock xadd`. **Ordering** what happened before happens before what follows a
    /// [`load`](Self::load) of `value`.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] with `value` in it, if at some moment during the call no slot was free.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::{snapshot::Snapshot, stack::Exhausted};
    /// let route = Snapshot::<_, 2>::new("eth0");
    /// let in_use = route.load();
    /// route.store("eth1")?; // the second slot
    /// let Err(Exhausted(back)) = route.store("eth2") else { unreachable!() };
    /// drop(in_use); // gives the first slot back
    /// route.store(back)
    /// # ; Ok::<(), Exhausted<&str>>(())
    /// ```
    #[inline]
    pub fn store(&self, value: T) -> Result<(), Exhausted<T>> {
        let (replaced, entries) = self.exchange(value)?;
        let settlement = Account::settlement(entries);
        // ORDERING: Acquire, E2: if all have left, they have done their reading. Nothing to release:
        // this call has not touched the value.
        let account = replaced.account.fetch_add(settlement, Acquire);
        if Account::changed(account, settlement).is_settled() {
            // SAFETY: the place is one of `self`, and this call's step settled its account (INV-4).
            unsafe { self.vacate(replaced) };
        }
        Ok(())
    }

    /// Replaces the value and returns a view of the one before, which stays in its slot.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(1) alone, a `lock cmpxchg`, an
    /// `xchg` and a `lock add`. **Ordering** that of a [`load`](Self::load) and that of a
    /// [`store`](Self::store).
    ///
    /// # Errors
    ///
    /// [`Exhausted`] with `value` in it, if at some moment during the call no slot was free.
    #[inline]
    pub fn swap(&self, value: T) -> Result<Guard<'_, T, N>, Exhausted<T>> {
        let (replaced, entries) = self.exchange(value)?;
        // ORDERING: Relaxed; the guard is one more entry, so this does not settle the account. Its
        // drop is what this call has to tell the last one (E2).
        replaced.account.add(Account::settlement(entries + 1), Relaxed);
        Ok(Guard::of_entry(self, replaced))
    }

    /// Replaces the value by `new` if it is the very one that `current` is a view of. An equal one is
    /// not enough, nor can it be another one in the same place (ABA), because `current` holds its
    /// slot. A guard of another snapshot is never the current value.
    ///
    /// **Progress** lock-free; tries again when a reader entered in between. **Context** any.
    /// **Complexity** O(1) alone, two `lock cmpxchg` and a `lock add`. **Ordering** that of a
    /// [`store`](Self::store) if it succeeds.
    ///
    /// # Errors
    ///
    /// [`CompareError`] with `new` in it: somebody else has replaced the value, or at some moment
    /// during the call no slot was free.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::snapshot::{CompareError, Snapshot};
    /// let leader = Snapshot::<_, 4>::new("nobody");
    /// let seen = leader.load();
    /// assert!(leader.compare_and_swap(&seen, "me").is_ok());
    /// assert_eq!(leader.compare_and_swap(&seen, "you"), Err(CompareError::Changed("you")));
    /// ```
    #[inline]
    pub fn compare_and_swap(
        &self,
        current: &Guard<'_, T, N>,
        new: T,
    ) -> Result<(), CompareError<T>> {
        let Some(head) = self.head_of(current) else {
            return Err(CompareError::Changed(new));
        };
        let index = self.fill(new)?;
        if self.exchange_current(current, head, index) {
            return Ok(());
        }
        let _give_back = GiveBack { free: &self.free, index };
        // SAFETY: this call has written the value and owns the slot (INV-1, INV-2).
        let new = unsafe { self.place(index).value.read() };
        Err(CompareError::Changed(new))
    }

    /// Replaces the value by what `f` makes of it, and returns a view of the one before. Calls `f`
    /// again when somebody else has replaced the value in between. If `f` returns `None`, the value
    /// stays and so does this.
    ///
    /// **Progress** lock-free, as far as `f` is. **Context** any. **Complexity** O(1) alone, beside
    /// `f` two `lock cmpxchg`, a `lock xadd` and a `lock add`. **Ordering** that of a
    /// [`load`](Self::load), and that of a [`store`](Self::store) if `f` returned a value.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] with what `f` returned in it, if at some moment during the call no slot was free.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::{snapshot::Snapshot, stack::Exhausted};
    /// let peers = Snapshot::<_, 4>::new(vec!["a"]);
    /// let before = peers.fetch_update(|peers| Some([&peers[..], &["b"]].concat()))?;
    /// assert!(before.is_some_and(|peers| *peers == ["a"]));
    /// assert_eq!(*peers.load(), ["a", "b"]);
    /// assert!(peers.fetch_update(|_| None)?.is_none());
    /// # Ok::<(), Exhausted<Vec<&str>>>(())
    /// ```
    #[inline]
    pub fn fetch_update(
        &self,
        mut f: impl FnMut(&T) -> Option<T>,
    ) -> Result<Option<Guard<'_, T, N>>, Exhausted<T>> {
        loop {
            let current = self.load();
            let Some(new) = f(&current) else { return Ok(None) };
            let Some(head) = self.head_of(&current) else { continue };
            let index = self.fill(new)?;
            if self.exchange_current(&current, head, index) {
                return Ok(Some(current));
            }
            // SAFETY: this call has written the value and owns the slot (INV-1, INV-2).
            unsafe { self.vacate(self.place(index)) };
        }
    }

    /// The value, by exclusive access.
    ///
    /// **Progress** wait-free, without a locked instruction. **Context** any.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        let slot = Head::from_bits(self.head.load_mut()).slot();
        let value = self.place(slot).value.as_mut_ptr();
        // SAFETY: the slot is in `head`, so it holds a value (INV-2). A guard would borrow `self`, so
        // nobody else sees the value while the reference lives.
        unsafe { &mut *value }
    }

    /// Takes the value out.
    ///
    /// **Progress** wait-free, without a locked instruction. **Context** any.
    #[inline]
    pub fn into_inner(self) -> T {
        // The value moves out, so `drop` must not run. Nothing else needs to be dropped.
        let mut this = ManuallyDrop::new(self);
        let slot = Head::from_bits(this.head.load_mut()).slot();
        // SAFETY: the slot is in `head`, so it holds a value (INV-2), which is read once; whoever had
        // a guard borrowed the snapshot, so there is none.
        unsafe { this.place(slot).value.read() }
    }

    /// Makes `value` the current one. Returns the place of the one before, and how many have entered
    /// it: the caller is to settle that with its account.
    #[inline]
    fn exchange(&self, value: T) -> Result<(&Place<T>, u64), Exhausted<T>> {
        let index = self.fill(value)?;
        // ORDERING: AcqRel, E1: publishes this value, and takes over the one before, which the caller
        // may show or have to drop.
        let before = Head::from_bits(self.head.swap(Head::new(index, 0).bits(), AcqRel));
        Ok((self.place(before.slot()), before.entries()))
    }

    /// A head with the guard's value. If there is none, there never will be.
    #[inline]
    fn head_of(&self, guard: &Guard<'_, T, N>) -> Option<Head> {
        // ORDERING: Relaxed; none is final, since a slot that has a guard and has left the head does not
        // come back, and what is found is only a guess.
        let head = Head::from_bits(self.head.load(Relaxed));
        guard.is_in(self.place(head.slot())).then_some(head)
    }

    /// Makes the value that is in slot `index` the current one, if the one of `current` is, and settles
    /// the account of that. `head` is a guess. Returns whether it has; if not, the slot stays the
    /// caller's.
    #[inline]
    fn exchange_current(&self, current: &Guard<'_, T, N>, mut head: Head, index: u32) -> bool {
        let filled = Head::new(index, 0).bits();
        while current.is_in(self.place(head.slot())) {
            // ORDERING: success Release, E1; the value before was acquired by the guard. Failure
            // Relaxed, as in `head_of`. No back-off: the head just read is the best guess, and who
            // waits has an old one.
            match self.head.compare_exchange_weak(head.bits(), filled, Release, Relaxed) {
                Ok(_) => {
                    let settlement = Account::settlement(head.entries());
                    // ORDERING: Relaxed; `current` has not left, so this does not settle the account.
                    self.place(head.slot()).account.add(settlement, Relaxed);
                    return true;
                }
                Err(found) => head = Head::from_bits(found),
            }
        }
        false
    }

    /// Moves `value` into a free slot, which then belongs to the caller.
    #[inline]
    fn fill(&self, value: T) -> Result<u32, Exhausted<T>> {
        let Some(index) = self.free.pop() else {
            return Err(Exhausted(value));
        };
        let place = self.place(index);
        // ORDERING: Relaxed; the index stack made the last step of the slot's last users happen
        // before, and E1 makes this happen before any step of the next.
        place.account.store(Account::new(0).bits(), Relaxed);
        // SAFETY: `pop` made this call the one owner of the index (INV-1).
        unsafe { place.value.write(value) };
        Ok(index)
    }

    /// Drops the value and gives the slot back, even if the value's `Drop` unwinds.
    ///
    /// # Safety
    ///
    /// `place` is one of `self` and holds a value, and the caller owns it: it has settled the account by
    /// its own step, or written the value and shown it to nobody.
    unsafe fn vacate(&self, place: &Place<T>) {
        let index = self.index(place);
        let _give_back = GiveBack { free: &self.free, index };
        let value = place.value.as_mut_ptr();
        // SAFETY: the caller owns the slot, which holds a value (INV-1, INV-2, INV-4); E2 made all
        // reading happen before. It is dropped once: nobody sees it again before `fill` overwrites it.
        unsafe { value.drop_in_place() };
    }

    #[inline(always)]
    fn place(&self, slot: u32) -> &Place<T> {
        // SAFETY: the slot is 0 or came out of `free`, which holds indices below `N` only.
        unsafe { self.slots.get_unchecked(slot as usize) }
    }

    /// The index of a place of this snapshot.
    #[inline(always)]
    fn index(&self, place: &Place<T>) -> u32 {
        let bytes = core::ptr::from_ref(place).addr() - self.slots.as_ptr().addr();
        (bytes / size_of::<Place<T>>()) as u32
    }
}

/// Drops the current value. There are no guards; values whose guards were forgotten leak.
impl<T, const N: usize> Drop for Snapshot<T, N> {
    fn drop(&mut self) {
        let value = core::ptr::from_mut(self.get_mut());
        // SAFETY: the value is there, `&mut self` is alone with it, and nobody sees it again.
        unsafe { value.drop_in_place() };
    }
}

impl<T: Default, const N: usize> Default for Snapshot<T, N> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, const N: usize> From<T> for Snapshot<T, N> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Snapshot<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Snapshot").field(&self.load()).finish()
    }
}

// === impl CompareError ===

/// The value was not replaced; the new one comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CompareError<T> {
    /// The current value is another one.
    Changed(T),
    /// No slot was free.
    Exhausted(T),
}

impl<T> CompareError<T> {
    /// Takes the value back.
    #[inline]
    pub fn into_inner(self) -> T {
        match self {
            Self::Changed(value) | Self::Exhausted(value) => value,
        }
    }
}

impl<T> From<Exhausted<T>> for CompareError<T> {
    fn from(Exhausted(value): Exhausted<T>) -> Self {
        Self::Exhausted(value)
    }
}

impl<T> fmt::Debug for CompareError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed(_) => "Changed(..)",
            Self::Exhausted(_) => "Exhausted(..)",
        })
    }
}

impl<T> fmt::Display for CompareError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed(_) => "the value is no longer the current one",
            Self::Exhausted(_) => "no slot is free",
        })
    }
}

impl<T> Error for CompareError<T> {}
