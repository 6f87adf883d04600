//! Two words under one compare-exchange.

use core::fmt;
use core::sync::atomic::Ordering::{self, Relaxed};

use super::backend::RawPair;
use crate::arch::cpu;

/// Two `u64` that change together, by `lock cmpxchg16b`. 16 bytes, aligned to 16.
///
/// Exists on x86-64 only (not on the `native` backend): no other target has it without a lock,
/// and a lock must not hide in an interrupt handler.
///
/// Nearly every x86-64 CPU has the instruction; ask [`is_supported`](Self::is_supported) once at
/// start where the first AMD64 machines matter. Without it the CPU raises its invalid-opcode
/// exception at the first compare-exchange.
///
/// **Progress** every operation is wait-free: one instruction, no loop. **Context** any, NMIs
/// included.
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

impl AtomicPair {
    const_fn! {
        /// Creates a pair. Element 0 lies at the lower address.
        #[inline]
        pub const fn new(value: [u64; 2]) -> Self {
            Self(RawPair::new(value))
        }
    }

    /// Whether this CPU can compare-exchange a pair.
    #[inline]
    pub fn is_supported() -> bool {
        cpu::has_cmpxchg16b()
    }

    except_in_models! {
        /// Consumes the pair.
        #[inline]
        pub fn into_inner(self) -> [u64; 2] {
            self.0.into_inner()
        }
    }

    /// Returns both words as one value.
    ///
    /// By a compare-exchange of zeros with zeros: it needs the cache line for writing, and faults
    /// on a read-only page.
    #[inline]
    #[track_caller]
    pub fn load(&self, order: Ordering) -> [u64; 2] {
        match order {
            Ordering::Release => panic!("there is no such thing as a release load"),
            Ordering::AcqRel => panic!("there is no such thing as an acquire-release load"),
            _ => {}
        }
        // ORDERING: the caller's for both outcomes, which differ only in the value found.
        match self.0.compare_exchange([0, 0], [0, 0], order, order) {
            Ok(value) | Err(value) => value,
        }
    }

    /// Returns the word at the lower address, by a plain load: the other may have changed since.
    #[inline]
    #[track_caller]
    pub fn load_low(&self, order: Ordering) -> u64 {
        self.0.load_low(order)
    }

    /// Returns the word at the higher address, by a plain load: the other may have changed since.
    #[inline]
    #[track_caller]
    pub fn load_high(&self, order: Ordering) -> u64 {
        self.0.load_high(order)
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
        success: Ordering,
        failure: Ordering,
    ) -> Result<[u64; 2], [u64; 2]> {
        self.0.compare_exchange(current, new, success, failure)
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
