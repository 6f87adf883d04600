//! Keeping data of different writers off each other's cache lines.

use core::ops::{Deref, DerefMut};

use static_assertions::const_assert_eq;

/// The unit of coherence on x86-64, in bytes.
pub const CACHE_LINE_BYTES: usize = 64;

/// The distance at which two writers do not disturb each other, in bytes: the adjacent-line
/// prefetcher pulls cache lines in pairs (Intel 64 and IA-32 Architectures Optimization Reference
/// Manual, "Data Prefetching").
pub const DESTRUCTIVE_BYTES: usize = 2 * CACHE_LINE_BYTES;

/// A value alone on its pair of cache lines.
///
/// Its size is that of `T` rounded up to 128 bytes, and so is its alignment.
///
/// # Examples
///
/// ```
/// use latchless::{counter::Counter, mem::CachePadded};
///
/// // One counter a CPU, none slowed down by its neighbour.
/// static PER_CPU: [CachePadded<Counter>; 8] = [const { CachePadded::new(Counter::new()) }; 8];
/// PER_CPU[3].inc();
/// assert_eq!(PER_CPU[3].get(), 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(128))]
pub struct CachePadded<T>(T);

const_assert_eq!(align_of::<CachePadded<u8>>(), DESTRUCTIVE_BYTES);
const_assert_eq!(size_of::<CachePadded<u8>>(), DESTRUCTIVE_BYTES);

impl<T> CachePadded<T> {
    /// Puts `value` on lines of its own.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, in constants too.
    #[inline]
    #[cfg(target_has_atomic = "64")]
    pub(crate) const fn inside(&self) -> &T {
        &self.0
    }

    /// Takes the value out.
    #[inline]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for CachePadded<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for CachePadded<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for CachePadded<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}
