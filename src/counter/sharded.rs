//! A count in many cells, so that those who count at the same time do not meet.
//!
//! # Layout
//!
//! ```text
//! cell 0     line 0  [ shared : u64 ]                  anybody's `lock add`
//!            line 1  [ owned : u64 | is_held : bool ]  its owner's `add`
//! cell 1     …
//! source     who counts in which cell (usually no bytes)
//! ```
//!
//! 128 bytes a cell. The owner of a cell and those who share it are on lines of their own.
//!
//! # Invariants
//!
//! - INV-1  `shared + owned`, summed over the cells, modulo 2^64, is the count: what was added less what
//!   was subtracted and taken.
//! - INV-2  `owned` is written by the one handle for which `is_held` was set, and by nobody else, and
//!   only counts: nothing is ever moved out of it. So what a handle has counted stays where it is when
//!   the handle is dropped or forgotten. A tally is such a handle, and knows what is in `owned`.
//! - INV-3  `take` takes what is in `owned` by subtracting it from `shared`.
//!
//! # Edges
//!
//! | edge | release | acquire | publishes |
//! |---|---|---|---|
//! | E1 | take: `shared` | sum, take: `shared` | that `owned` is at least what was subtracted |
//! | E2 | a handle is dropped: `is_held` | a handle is made: `is_held` | `owned` |
//!
//! Without E1 a reader could see the subtraction and an older `owned`, and a count below zero. The other
//! changes of `shared` are read-modify-writes, which carry E1 on. A count orders no other memory.
//!
//! # What a sum says
//!
//! A sum reads one cell after the other. Each addition that happened before it is in it, each that
//! happens after it is not, and of those at the same time any may be. So while the count only grows, a
//! sum lies between the counts at its begin and at its end, and the sums of one thread do not go
//! backwards. While others also subtract, it may see a subtraction and miss the addition before, and
//! wrap below zero for that time. When nobody counts, it is exact.
//!
//! # Progress and complexity
//!
//! | call | guarantee | steps |
//! |---|---|---|
//! | `add` and the like | wait-free | 1 `lock add`, and the source |
//! | a handle's `add` and the like | wait-free | 1 `add` |
//! | a tally's `add` and the like | wait-free | 1 `mov` to memory |
//! | `sum` | wait-free | `2 * SHARDS` loads |
//! | `take` | lock-free | a `lock cmpxchg` a cell, again if somebody counted in it meanwhile |
//! | `local` | wait-free | at most `SHARDS` `lock cmpxchg` |
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMIs, but those on one handle, which are for its owner and
//! the interrupt handlers of the same CPU; and those on one tally, which are for its owner alone.
//!
//! # References
//!
//! P. McKenney, "Is Parallel Programming Hard, And, If So, What Can You Do About It?", chapter
//! "Counting"; Linux, `Documentation/core-api/local_ops.rst` and `this_cpu_ops.rst`, for the additions
//! without `lock`.

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};

use super::{ByCpu, ShardSource};
use crate::atomic::{AtomicBool, AtomicU64, LocalU64, array, const_fn};
use crate::mem::DESTRUCTIVE_BYTES;

/// A wrapping count of 64 bits in `SHARDS` cells: many may add to it at once, and seldom meet.
///
/// `SHARDS`: a power of two, checked at compile time; twice the CPUs is a good number. `128 * SHARDS`
/// bytes, and those of the source; `const`-constructible in a `static`. Shard numbers of any size are
/// taken modulo `SHARDS`.
///
/// # Examples
///
/// ```
/// use latchless::counter::ShardedCounter;
///
/// static PACKETS: ShardedCounter<16> = ShardedCounter::new();
///
/// PACKETS.inc(); // one `lock inc`, on a line that other CPUs leave alone
/// PACKETS.shard(3).add(2); // the caller knows who he is
///
/// let own = PACKETS.local().expect("nobody else owns a cell"); // for a thread that counts a lot:
/// own.inc(); // one `inc`, no `lock`
/// drop(own);
///
/// assert_eq!(PACKETS.sum(), 4);
/// ```
///
/// ```compile_fail
/// static THREE: latchless::counter::ShardedCounter<3> = latchless::counter::ShardedCounter::new();
/// ```
pub struct ShardedCounter<const SHARDS: usize, S = ByCpu> {
    cells: [Cell; SHARDS],
    source: S,
}

/// A part of the count.
#[repr(C, align(128))]
struct Cell {
    shared: AtomicU64,
    own: Own,
}

/// The part of a part that is its owner's.
#[repr(C, align(64))]
struct Own {
    count: LocalU64,
    is_held: AtomicBool,
}

const_assert_eq!(size_of::<Cell>(), DESTRUCTIVE_BYTES);
const_assert_eq!(align_of::<Cell>(), DESTRUCTIVE_BYTES);
const_assert_eq!(size_of::<ShardedCounter<4>>(), 4 * DESTRUCTIVE_BYTES);
assert_impl_all!(ShardedCounter<2>: Send, Sync, Unpin);

// SAFETY: `count` is `LocalU64`, which only one may write at a time: the handle that holds the cell
// (INV-2), which is not `Sync`. Everybody may read it, by one aligned load.
unsafe impl Sync for Own {}

/// A cell that its owner alone counts in, without a locked instruction.
///
/// What it counts is seen by [`ShardedCounter::sum`] at once, and stays when the handle is dropped,
/// forgotten, or used on after a [`take`](ShardedCounter::take). It may be sent to another thread, and
/// shared with none. A forgotten handle keeps its cell from other owners for ever.
///
/// One pointer.
pub struct Local<'a> {
    own: &'a Own,
    not_sync: PhantomData<core::cell::Cell<()>>,
}

const_assert_eq!(size_of::<Local<'static>>(), size_of::<usize>());
assert_impl_all!(Local<'static>: Send, Unpin);
assert_not_impl_any!(Local<'static>: Sync, Clone);

/// A cell whose owner knows what it has counted there, so that an addition is a store that waits for nothing.
///
/// For loops that count each turn: the sum so far may stay in a register, and each addition is still seen by
/// [`ShardedCounter::sum`] at once. Unlike with a [`Local`], an interrupt handler of the same CPU cannot count
/// here in between, and the borrow checker sees to that.
///
/// Two words.
///
/// # Examples
///
/// ```
/// use latchless::counter::ShardedCounter;
///
/// static WORDS: ShardedCounter<16> = ShardedCounter::new();
///
/// let mut tally = WORDS.local().expect("nobody else owns a cell").into_tally();
/// for line in ["one two", "three"] {
///     tally.add(line.split(' ').count() as u64); // one `mov` to memory
/// }
/// assert_eq!(WORDS.sum(), 3); // nothing is held back
/// ```
pub struct Tally<'a> {
    local: Local<'a>,
    count: u64,
}

const_assert_eq!(size_of::<Tally<'static>>(), 2 * size_of::<u64>());
assert_impl_all!(Tally<'static>: Send, Unpin);
assert_not_impl_any!(Tally<'static>: Sync, Clone);

/// One cell of a [`ShardedCounter`], for those who know which one is theirs.
#[derive(Clone, Copy)]
pub struct Shard<'a> {
    cell: &'a Cell,
}

// === impl ShardedCounter ===

impl<const SHARDS: usize> ShardedCounter<SHARDS> {
    const_fn! {
        /// Creates a counter at zero; everybody counts in the cell of his CPU.
        #[inline]
        pub const fn new() -> Self {
            Self::with_source(ByCpu)
        }
    }
}

impl<const SHARDS: usize, S> ShardedCounter<SHARDS, S> {
    const VALID_SHARDS: () = assert!(SHARDS.is_power_of_two(), "SHARDS must be a power of two");

    const_fn! {
        /// Creates a counter at zero; everybody counts in the cell that `source` says.
        #[inline]
        pub const fn with_source(source: S) -> Self {
            const { Self::VALID_SHARDS };
            Self { cells: array![Cell::new(); SHARDS], source }
        }
    }

    /// Returns the cell of that number modulo `SHARDS`.
    #[inline]
    pub const fn shard(&self, number: usize) -> Shard<'_> {
        Shard { cell: self.cell(number) }
    }

    /// Returns every cell, in order.
    #[inline]
    pub const fn shards(&self) -> impl ExactSizeIterator<Item = Shard<'_>> {
        Shards { cells: &self.cells, next: 0 }
    }

    /// Returns the count, as far as it was there: see [the module](super::sharded#what-a-sum-says).
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(`SHARDS`), no locked instruction.
    /// **Ordering** none.
    #[inline]
    pub fn sum(&self) -> u64 {
        self.cells.iter().fold(0, |sum, cell| sum.wrapping_add(cell.count().1))
    }

    /// Returns the count: nobody else is at it.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(`SHARDS`), no locked instruction.
    /// **Ordering** none.
    #[inline]
    pub fn sum_exact(&mut self) -> u64 {
        self.sum()
    }

    /// Returns the count and takes it away: what was counted is in the result of one `take` or still
    /// there. Additions at the same time may be either.
    ///
    /// **Progress** lock-free. **Context** any. **Complexity** O(`SHARDS`), a `lock cmpxchg` for each
    /// cell. **Ordering** none.
    ///
    /// # Examples
    ///
    /// ```
    /// use latchless::counter::ShardedCounter;
    ///
    /// let bytes = ShardedCounter::<4>::new();
    /// let own = bytes.local().expect("four are free");
    /// own.add(1500);
    /// assert_eq!((bytes.take(), bytes.sum()), (1500, 0));
    /// own.add(40);
    /// assert_eq!(bytes.take(), 40);
    /// ```
    #[inline]
    pub fn take(&self) -> u64 {
        self.cells.iter().fold(0, |taken, cell| taken.wrapping_add(cell.take()))
    }

    /// Makes the caller the owner of the cell of that number modulo `SHARDS`, unless it has one.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(1), a `lock cmpxchg`. **Ordering** what
    /// the owner before did with his handle happened before.
    #[inline]
    pub fn local_at(&self, number: usize) -> Option<Local<'_>> {
        self.cell(number).own.hold()
    }

    #[inline(always)]
    const fn cell(&self, number: usize) -> &Cell {
        // SAFETY: `SHARDS` is a power of two, so the mask leaves what is below it.
        let cell = unsafe { self.cells.as_ptr().add(number & (SHARDS - 1)) };
        // SAFETY: one of the array's, borrowed with it.
        unsafe { &*cell }
    }
}

impl<const SHARDS: usize, S: ShardSource> ShardedCounter<SHARDS, S> {
    /// Adds one, wrapping past `u64::MAX`.
    ///
    /// **Progress** wait-free (one `lock inc`), as its source is. **Context** any, as its source.
    /// **Ordering** none.
    #[inline]
    pub fn inc(&self) {
        self.own_shard().inc();
    }

    /// Subtracts one, wrapping past zero.
    ///
    /// **Progress** wait-free (one `lock dec`), as its source is. **Context** any, as its source.
    /// **Ordering** none.
    #[inline]
    pub fn dec(&self) {
        self.own_shard().dec();
    }

    /// Adds `n`, wrapping past `u64::MAX`.
    ///
    /// **Progress** wait-free (one `lock add`), as its source is. **Context** any, as its source.
    /// **Ordering** none.
    #[inline]
    pub fn add(&self, n: u64) {
        self.own_shard().add(n);
    }

    /// Subtracts `n`, wrapping past zero.
    ///
    /// **Progress** wait-free (one `lock sub`), as its source is. **Context** any, as its source.
    /// **Ordering** none.
    #[inline]
    pub fn sub(&self, n: u64) {
        self.own_shard().sub(n);
    }

    /// Makes the caller the owner of a cell: the one that the source says, or the next one that has no
    /// owner. `None` if each has.
    ///
    /// **Progress** wait-free, as its source is. **Context** any, as its source. **Complexity**
    /// O(`SHARDS`), usually one `lock cmpxchg`. **Ordering** what the owner before did with his handle
    /// happened before.
    #[inline]
    pub fn local(&self) -> Option<Local<'_>> {
        let first = self.source.shard_below(SHARDS);
        (0..SHARDS).find_map(|at| self.local_at(first.wrapping_add(at)))
    }

    #[inline(always)]
    fn own_shard(&self) -> Shard<'_> {
        self.shard(self.source.shard_below(SHARDS))
    }
}

impl<const SHARDS: usize, S: Default> Default for ShardedCounter<SHARDS, S> {
    fn default() -> Self {
        Self::with_source(S::default())
    }
}

impl<const SHARDS: usize, S> fmt::Debug for ShardedCounter<SHARDS, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ShardedCounter").field(&self.sum()).finish()
    }
}

impl<const SHARDS: usize, S> fmt::Display for ShardedCounter<SHARDS, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sum().fmt(f)
    }
}

// === impl Cell ===

impl Cell {
    const_fn! {
        const fn new() -> Self {
            let own = Own { count: LocalU64::new(0), is_held: AtomicBool::new(false) };
            Self { shared: AtomicU64::new(0), own }
        }
    }

    /// What is in `shared`, and the count.
    #[inline(always)]
    fn count(&self) -> (u64, u64) {
        // ORDERING: Acquire, E1. `owned` is read after it, and holds what was subtracted for it.
        let shared = self.shared.load(Acquire);
        (shared, shared.wrapping_add(self.own.count.load()))
    }

    #[inline]
    fn take(&self) -> u64 {
        loop {
            let (shared, count) = self.count();
            // Nothing is there: the word that others add to stays with them.
            if count == 0 {
                return 0;
            }
            // All of `count` that is not in `shared` is in `owned`, and stays there (INV-3).
            let left = shared.wrapping_sub(count);
            // ORDERING: success Release, E1: says that `owned` was seen to hold what is subtracted.
            // Failure Relaxed: all is read anew.
            if self.shared.compare_exchange_weak(shared, left, Release, Relaxed).is_ok() {
                return count;
            }
        }
    }
}

// === impl Own ===

impl Own {
    #[inline]
    fn hold(&self) -> Option<Local<'_>> {
        // ORDERING: Relaxed; a look ahead, so that those who search write to no line of others.
        if self.is_held.load(Relaxed) {
            return None;
        }
        // ORDERING: success Acquire, E2: goes on from the count of the owner before. Failure Relaxed:
        // nothing is done.
        self.is_held.compare_exchange(false, true, Acquire, Relaxed).ok()?;
        // Only now: a handle that is dropped lets go of the cell, whoever owns it.
        Some(Local { own: self, not_sync: PhantomData })
    }
}

// === impl Shard, Shards ===

impl Shard<'_> {
    /// Adds one, wrapping past `u64::MAX`.
    ///
    /// **Progress** wait-free (one `lock inc`). **Context** any. **Ordering** none.
    #[inline]
    pub fn inc(self) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.cell.shared.inc(Relaxed);
    }

    /// Subtracts one, wrapping past zero.
    ///
    /// **Progress** wait-free (one `lock dec`). **Context** any. **Ordering** none.
    #[inline]
    pub fn dec(self) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.cell.shared.dec(Relaxed);
    }

    /// Adds `n`, wrapping past `u64::MAX`.
    ///
    /// **Progress** wait-free (one `lock add`). **Context** any. **Ordering** none.
    #[inline]
    pub fn add(self, n: u64) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.cell.shared.add(n, Relaxed);
    }

    /// Subtracts `n`, wrapping past zero.
    ///
    /// **Progress** wait-free (one `lock sub`). **Context** any. **Ordering** none.
    #[inline]
    pub fn sub(self, n: u64) {
        // ORDERING: Relaxed; a count publishes nothing.
        self.cell.shared.sub(n, Relaxed);
    }

    /// Returns the part of the count that is in this cell, its owner's included.
    ///
    /// **Progress** wait-free (two `mov`). **Context** any. **Ordering** none.
    #[inline]
    pub fn get(self) -> u64 {
        self.cell.count().1
    }
}

impl fmt::Debug for Shard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shard").field(&self.get()).finish()
    }
}

/// The cells that are still to be shown.
struct Shards<'a> {
    cells: &'a [Cell],
    next: usize,
}

impl<'a> Iterator for Shards<'a> {
    type Item = Shard<'a>;

    #[inline]
    fn next(&mut self) -> Option<Shard<'a>> {
        let cell = self.cells.get(self.next)?;
        self.next += 1;
        Some(Shard { cell })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.cells.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Shards<'_> {}

// === impl Local ===

impl Local<'_> {
    /// Adds one, wrapping past `u64::MAX`.
    ///
    /// **Progress** wait-free (one `inc`). **Context** the owner's, and interrupt handlers of the same
    /// CPU. **Ordering** none.
    #[inline]
    pub fn inc(&self) {
        self.own.count.inc();
    }

    /// Subtracts one, wrapping past zero.
    ///
    /// **Progress** wait-free (one `dec`). **Context** the owner's, and interrupt handlers of the same
    /// CPU. **Ordering** none.
    #[inline]
    pub fn dec(&self) {
        self.own.count.dec();
    }

    /// Adds `n`, wrapping past `u64::MAX`.
    ///
    /// **Progress** wait-free (one `add`). **Context** the owner's, and interrupt handlers of the same
    /// CPU. **Ordering** none.
    #[inline]
    pub fn add(&self, n: u64) {
        self.own.count.add(n);
    }

    /// Subtracts `n`, wrapping past zero.
    ///
    /// **Progress** wait-free (one `sub`). **Context** the owner's, and interrupt handlers of the same
    /// CPU. **Ordering** none.
    #[inline]
    pub fn sub(&self, n: u64) {
        self.own.count.sub(n);
    }
}

impl<'a> Local<'a> {
    /// Makes a tally of the handle: faster, and for no interrupt handler in between.
    ///
    /// **Progress** wait-free (one `mov`). **Context** the owner's. **Ordering** none.
    #[inline]
    pub fn into_tally(self) -> Tally<'a> {
        let count = self.own.count.load();
        Tally { local: self, count }
    }
}

/// Leaves the cell to the next owner. What was counted stays in it.
impl Drop for Local<'_> {
    #[inline]
    fn drop(&mut self) {
        // ORDERING: Release, E2: the next owner goes on from this count.
        self.own.is_held.store(false, Release);
    }
}

impl fmt::Debug for Local<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

// === impl Tally ===

impl<'a> Tally<'a> {
    /// Adds one, wrapping past `u64::MAX`.
    ///
    /// **Progress** wait-free (one `mov`). **Context** the owner's. **Ordering** none.
    #[inline]
    pub fn inc(&mut self) {
        self.add(1);
    }

    /// Subtracts one, wrapping past zero.
    ///
    /// **Progress** wait-free (one `mov`). **Context** the owner's. **Ordering** none.
    #[inline]
    pub fn dec(&mut self) {
        self.sub(1);
    }

    /// Adds `n`, wrapping past `u64::MAX`.
    ///
    /// **Progress** wait-free (one `mov`). **Context** the owner's. **Ordering** none.
    #[inline]
    pub fn add(&mut self, n: u64) {
        // Nobody else writes `owned` (INV-2), so it still is what it was.
        self.count = self.count.wrapping_add(n);
        self.local.own.count.store(self.count);
    }

    /// Subtracts `n`, wrapping past zero.
    ///
    /// **Progress** wait-free (one `mov`). **Context** the owner's. **Ordering** none.
    #[inline]
    pub fn sub(&mut self, n: u64) {
        self.add(n.wrapping_neg());
    }

    /// Makes a handle of the tally again, for interrupt handlers too.
    ///
    /// **Progress** wait-free (nothing is done). **Context** the owner's. **Ordering** none.
    #[inline]
    pub fn into_local(self) -> Local<'a> {
        self.local
    }
}

impl fmt::Debug for Tally<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").finish_non_exhaustive()
    }
}
