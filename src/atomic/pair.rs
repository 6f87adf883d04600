//! Two words under one compare-exchange.

use core::error::Error;
use core::fmt;
use core::sync::atomic::Ordering::{self, Relaxed};

use super::backend::RawPair;
use super::ordering::{AnyOrdering, LoadOrdering, StoreOrdering};
use crate::arch::cpu;

/// Two `u64` that change together, by `lock cmpxchg16b`. 16 bytes, aligned to 16.
///
/// Exists on x86-64 only (not on the `native` backend): no other target has it without a lock,
/// and a lock must not hide in an interrupt handler.
///
/// Nearly every x86-64 CPU has the instruction. Where the first AMD64 machines matter, ask
/// [`is_supported`](Self::is_supported) once at start, or build by [`try_new`](Self::try_new).
/// Without it the CPU raises its invalid-opcode exception at the first access of both words.
///
/// **Progress** [`load`](Self::load), [`compare_exchange`](Self::compare_exchange) and the loads of a
/// half are one instruction: wait-free. The others loop around a compare-exchange: lock-free.
/// **Context** any, NMIs included.
///
/// # Examples
///
/// ```
/// use latchless::atomic::{AtomicPair, Ordering::{AcqRel, Acquire}};
///
/// static HEAD: AtomicPair = AtomicPair::new([0, 0]); // a value and its generation
///
/// if AtomicPair::is_supported() {
///     let [value, generation] = HEAD.load(Acquire);
///     let next = [value + 8, generation + 1];
///     assert_eq!(HEAD.compare_exchange([value, generation], next, AcqRel, Acquire), Ok([0, 0]));
///     assert_eq!(HEAD.load(Acquire), [8, 1]);
/// }
/// ```
#[repr(transparent)]
pub struct AtomicPair(RawPair);

// === impl AtomicPair ===

impl AtomicPair {
    const_fn! {
        /// Creates a pair. Element 0 lies at the lower address.
        #[inline]
        pub const fn new(value: [u64; 2]) -> Self {
            Self(RawPair::new(value))
        }
    }

    /// Creates a pair, on a CPU that can compare-exchange it.
    ///
    /// # Errors
    ///
    /// [`Unsupported`]: the CPU lacks `cmpxchg16b`.
    pub fn try_new(value: [u64; 2]) -> Result<Self, Unsupported> {
        Self::check().map(|()| Self::new(value))
    }

    /// Whether this CPU can compare-exchange a pair. Asks it once, and remembers.
    #[inline]
    pub fn is_supported() -> bool {
        cpu::has_cmpxchg16b()
    }

    pub(super) fn check() -> Result<(), Unsupported> {
        if Self::is_supported() { Ok(()) } else { Err(Unsupported) }
    }

    except_in_models! {
        /// Both words, by exclusive access.
        #[inline]
        pub fn get_mut(&mut self) -> &mut [u64; 2] {
            // SAFETY: the pointer is to `self`, which is borrowed exclusively.
            unsafe { &mut *self.0.as_ptr() }
        }

        /// Consumes the pair.
        #[inline]
        pub fn into_inner(self) -> [u64; 2] {
            self.0.into_inner()
        }

        /// A pointer to both words, for code that shares them by other means. Accesses through it
        /// that may be concurrent must be atomic, and of 16 bytes or of one of the words.
        #[inline]
        pub const fn as_ptr(&self) -> *mut [u64; 2] {
            self.0.as_ptr()
        }

        /// Sees memory of someone else's as a pair.
        ///
        /// # Safety
        ///
        /// - `pointer` is valid for reads and writes for all of `'a`, and aligned to 16 bytes (which
        ///   debug builds check).
        /// - For all of `'a`, concurrent accesses to it are atomic, and of 16 bytes or of one of the
        ///   words.
        /// - It is ordinary memory, cached in the usual way (write-back), and not a device's.
        #[inline]
        pub const unsafe fn from_ptr<'a>(pointer: *mut [u64; 2]) -> &'a Self {
            // SAFETY: `Self` is a transparent wrapper of two words; the caller vouches for the rest.
            unsafe { super::checked_ref(pointer.cast::<Self>()) }
        }
    }

    /// Returns both words as one value.
    ///
    /// A compare-exchange of zeros with zeros, which needs the cache line for writing and faults on a
    /// read-only page. In builds with SSE2, so not in kernels, one `movdqa` instead where CPUs promise that
    /// it is one access (Intel's and AMD's with AVX), once [`is_supported`](Self::is_supported) was asked.
    #[inline]
    #[track_caller]
    pub fn load(&self, order: impl LoadOrdering) -> [u64; 2] {
        let order = order.into();
        match order {
            Ordering::Release => panic!("there is no such thing as a release load"),
            Ordering::AcqRel => panic!("there is no such thing as an acquire-release load"),
            _ => {}
        }
        self.0.load(order)
    }

    /// Returns the word at the lower address, by a plain load: the other may have changed since.
    #[inline]
    #[track_caller]
    pub fn load_low(&self, order: impl LoadOrdering) -> u64 {
        self.0.load_low(order.into())
    }

    /// Returns the word at the higher address, by a plain load: the other may have changed since.
    #[inline]
    #[track_caller]
    pub fn load_high(&self, order: impl LoadOrdering) -> u64 {
        self.0.load_high(order.into())
    }

    /// Returns both words by two plain loads, that of the lower address first: with `Acquire` the other is
    /// not the older one, but they may belong to two values.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn load_each(&self, order: impl LoadOrdering) -> [u64; 2] {
        let order = order.into();
        let low = self.0.load_low(order);
        [low, self.0.load_high(order)]
    }

    /// Stores `new` if both words are those of `current`. Returns the value before.
    ///
    /// # Errors
    ///
    /// The value found, if it is another one.
    #[inline]
    #[track_caller]
    pub fn compare_exchange(
        &self,
        current: [u64; 2],
        new: [u64; 2],
        success: impl AnyOrdering,
        failure: impl LoadOrdering,
    ) -> Result<[u64; 2], [u64; 2]> {
        self.0.compare_exchange(current, new, success.into(), failure.into())
    }

    /// Stores `new` in the word at the higher address if it is `current`; the other one stays as it is.
    #[inline]
    #[track_caller]
    pub(crate) fn compare_exchange_high(
        &self,
        current: u64,
        new: u64,
        success: impl AnyOrdering,
        failure: impl LoadOrdering,
    ) -> Result<u64, u64> {
        self.0.compare_exchange_high(current, new, success.into(), failure.into())
    }

    /// Stores both words: one `movdqa` where [`load`](Self::load) is one, unless `order` is `SeqCst`; else
    /// a `lock cmpxchg16b` loop.
    #[inline]
    #[track_caller]
    pub fn store(&self, value: [u64; 2], order: impl StoreOrdering) {
        let order = order.into();
        match order {
            Ordering::Acquire => panic!("there is no such thing as an acquire store"),
            Ordering::AcqRel => panic!("there is no such thing as an acquire-release store"),
            _ => {}
        }
        self.0.store(value, order);
    }

    /// Stores `value`, returns the one before.
    #[inline]
    pub fn swap(&self, value: [u64; 2], order: impl AnyOrdering) -> [u64; 2] {
        self.0.modify(order.into(), |_| value)
    }

    /// Calls `f` with the value until what it returns could be stored, or it returns `None`. Returns
    /// the value before.
    ///
    /// # Errors
    ///
    /// The value that `f` declined.
    #[inline]
    #[track_caller]
    pub fn fetch_update(
        &self,
        set_order: impl AnyOrdering,
        fetch_order: impl LoadOrdering,
        mut f: impl FnMut([u64; 2]) -> Option<[u64; 2]>,
    ) -> Result<[u64; 2], [u64; 2]> {
        let mut current = self.load(fetch_order);
        while let Some(new) = f(current) {
            match self.compare_exchange(current, new, set_order, fetch_order) {
                Ok(before) => return Ok(before),
                Err(found) => current = found,
            }
        }
        Err(current)
    }

    except_in_models! {
        /// Applies `f`, which may also be asked about a pair of words that never were there together.
        /// Returns the value before.
        #[inline]
        pub(super) fn modify(
            &self,
            order: Ordering,
            f: impl Fn([u64; 2]) -> [u64; 2],
        ) -> [u64; 2] {
            self.0.modify(order, f)
        }
    }
}

impl Default for AtomicPair {
    fn default() -> Self {
        Self::new([0, 0])
    }
}

impl From<[u64; 2]> for AtomicPair {
    fn from(value: [u64; 2]) -> Self {
        Self::new(value)
    }
}

impl fmt::Debug for AtomicPair {
    /// Prints two plain loads, which may belong to two values: a print must not write.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ORDERING: Relaxed; a print publishes nothing.
        [self.load_low(Relaxed), self.load_high(Relaxed)].fmt(f)
    }
}

// === impl Unsupported ===

/// The CPU has no `cmpxchg16b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unsupported;

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this CPU lacks cmpxchg16b")
    }
}

impl Error for Unsupported {}
