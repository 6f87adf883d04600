//! How often which value: latencies, sizes, lengths.
//!
//! # Layout
//!
//! ```text
//! [ bucket 0 | bucket 1 | … | bucket BUCKETS-1 ]   8 bytes each
//!
//! value        0 … 7       8 … 15      16 … 31            32 … 63             …
//! buckets      one each    one each    8, of 2 values     8, of 4 values      …
//! ```
//!
//! Log-linear: each power of two is divided into eight buckets of one width, so that a bucket is at most an
//! eighth as wide as the values in it are great. The last bucket takes all that is greater, too.
//!
//! # Invariants
//!
//! - INV-1  Every value recorded is in exactly one bucket, or was drained from it into one histogram.
//! - INV-2  The index of a bucket rises with the values in it.
//!
//! # Edges
//!
//! None: every access is Relaxed. A count orders no other memory.
//!
//! # Progress and complexity
//!
//! `record` is wait-free: some arithmetic and one `lock inc`. Reading is wait-free, a load for each bucket.
//! What is read while others record is what was there for each bucket at some moment of the call.
//!
//! # Which calls may run at once
//!
//! All, from threads, interrupt handlers and NMIs.
//!
//! # References
//!
//! G. Tene, "HdrHistogram"; for the arithmetic also `bpf` tools' and `fio`'s log-linear histograms.

use core::fmt;
use core::ops::RangeInclusive;
use core::sync::atomic::Ordering::Relaxed;

use static_assertions::{assert_impl_all, const_assert_eq};

use crate::atomic::{AtomicU64, array, const_fn};

/// The logarithm of how many buckets each power of two has.
const PRECISION_BITS: u32 = 3;
/// How many buckets all values have.
const ALL: usize = (64 - PRECISION_BITS as usize + 1) << PRECISION_BITS;

/// How often which value was recorded, to within an eighth.
///
/// `BUCKETS`: 1 to 496, checked at compile time; [`buckets_for`] tells how many it takes for a greatest
/// value. `8 * BUCKETS` bytes; `const`-constructible in a `static`. Counts wrap modulo 2^64. For one a CPU,
/// put each into a [`CachePadded`](crate::mem::CachePadded) and [merge](Self::merge_from) what you read.
///
/// # Examples
///
/// ```
/// use latchless::counter::histogram::{Histogram, buckets_for};
///
/// /// Microseconds up to a second, in 1.2 KiB.
/// static LATENCY: Histogram<{ buckets_for(1_000_000) }> = Histogram::new();
///
/// (1..=1_000).for_each(|value| LATENCY.record(value)); // one `lock inc` each
/// assert_eq!(LATENCY.count(), 1_000);
/// let median = LATENCY.quantile(1, 2).expect("it is not empty");
/// assert!((500..=500 + 500 / 8).contains(&median));
/// ```
pub struct Histogram<const BUCKETS: usize> {
    buckets: [AtomicU64; BUCKETS],
}

assert_impl_all!(Histogram<2>: Send, Sync, Unpin);
const_assert_eq!(size_of::<Histogram<10>>(), 10 * size_of::<AtomicU64>());
const_assert_eq!(buckets_for(u64::MAX), ALL);

/// How many buckets tell all values up to `greatest` from those above.
#[must_use]
pub const fn buckets_for(greatest: u64) -> usize {
    index_of(greatest) + 1
}

/// The bucket of `value`, if there are enough.
#[inline]
const fn index_of(value: u64) -> usize {
    let exponent = match value.checked_ilog2() {
        Some(exponent) if exponent >= PRECISION_BITS => exponent - PRECISION_BITS,
        _ => return value as usize,
    };
    // The leading one and the bits that follow it, above them how often they were halved.
    ((exponent as usize) << PRECISION_BITS) + (value >> exponent) as usize
}

/// The values of a bucket.
const fn values_of(index: usize) -> RangeInclusive<u64> {
    let parts = 1 << PRECISION_BITS;
    if index < 2 * parts {
        return index as u64..=index as u64;
    }
    let exponent = (index / parts - 1) as u32;
    let first = ((parts + index % parts) as u64) << exponent;
    first..=first + ((1 << exponent) - 1)
}

impl<const BUCKETS: usize> Histogram<BUCKETS> {
    const VALID_BUCKETS: () =
        assert!(BUCKETS >= 1 && BUCKETS <= ALL, "BUCKETS must be at least 1 and at most 496");

    const_fn! {
        /// Creates an empty histogram.
        #[inline]
        pub const fn new() -> Self {
            const { Self::VALID_BUCKETS };
            Self { buckets: array![AtomicU64::new(0); BUCKETS] }
        }
    }

    /// Counts `value`; in the last bucket, if it is too great for all.
    ///
    /// **Progress** wait-free (one `lock inc`). **Context** any. **Ordering** none.
    #[inline]
    pub fn record(&self, value: u64) {
        if let Some(bucket) = self.buckets.get(index_of(value).min(BUCKETS - 1)) {
            // ORDERING: Relaxed; a count publishes nothing.
            bucket.inc(Relaxed);
        }
    }

    /// Counts `value` so many times.
    ///
    /// **Progress** wait-free (one `lock add`). **Context** any. **Ordering** none.
    #[inline]
    pub fn record_many(&self, value: u64, times: u64) {
        if let Some(bucket) = self.buckets.get(index_of(value).min(BUCKETS - 1)) {
            // ORDERING: Relaxed; a count publishes nothing.
            bucket.add(times, Relaxed);
        }
    }

    /// Returns how many values were recorded.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(`BUCKETS`), no locked instruction.
    /// **Ordering** none.
    #[inline]
    pub fn count(&self) -> u64 {
        self.counts().fold(0, u64::wrapping_add)
    }

    /// Returns a value that at least `parts` of `of` of those recorded do not exceed: `quantile(99, 100)` is
    /// the 99th percentile, `quantile(0, 1)` the least, `quantile(1, 1)` the greatest. It is the greatest of
    /// its bucket, so no more than an eighth too great; `u64::MAX` if it is in the last bucket and that has
    /// greater ones too. `None` if nothing was recorded. What is more than the whole counts as the whole.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(`BUCKETS`), no locked instruction.
    /// **Ordering** none.
    #[inline]
    pub fn quantile(&self, parts: u32, of: u32) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let (parts, of) = (u64::from(parts.min(of)), u64::from(of.max(1)));
        // `count * parts / of`, rounded up and at least 1, without its 96 bits.
        let (whole, rest) = (count / of, count % of);
        let rank = (whole * parts + (rest * parts).div_ceil(of)).max(1);
        let mut below = 0_u64;
        let reaches = |(_, times): &(usize, u64)| {
            below = below.saturating_add(*times);
            below >= rank
        };
        // Others may have drained it in between: then the greatest that it can hold.
        let index = self.counts().enumerate().find(reaches).map_or(BUCKETS - 1, |(index, _)| index);
        Some(Self::greatest_in(index))
    }

    /// Returns the mean of the values recorded, each taken for the middle of its bucket, so within a
    /// sixteenth of the mean that it should be. `None` if nothing was recorded. Saturates at `u64::MAX`.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(`BUCKETS`), no locked instruction.
    /// **Ordering** none.
    #[inline]
    pub fn mean(&self) -> Option<u64> {
        let (count, sum) = self.count_and_sum();
        sum.checked_div(count)
    }

    /// Returns each bucket that is not empty: its greatest value, as [`quantile`](Self::quantile) has it,
    /// and how often.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(`BUCKETS`), no locked instruction.
    /// **Ordering** none.
    #[inline]
    pub fn bucket_counts(&self) -> impl Iterator<Item = (u64, u64)> {
        let counts = self.counts().enumerate().filter(|&(_, times)| times > 0);
        counts.map(|(index, times)| (Self::greatest_in(index), times))
    }

    /// Adds what `other` has counted.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(`BUCKETS`), a `lock add` for each that is
    /// not empty. **Ordering** none.
    #[inline]
    pub fn merge_from(&self, other: &Self) {
        for (bucket, times) in self.buckets.iter().zip(other.counts()) {
            if times > 0 {
                // ORDERING: Relaxed; a count publishes nothing.
                bucket.add(times, Relaxed);
            }
        }
    }

    /// Moves what `other` has counted over to this one: no value is lost or there twice, whoever records
    /// at the same time.
    ///
    /// **Progress** wait-free. **Context** any. **Complexity** O(`BUCKETS`), an `xchg` and a `lock add` for
    /// each that is not empty. **Ordering** none.
    #[inline]
    pub fn drain_from(&self, other: &Self) {
        for (bucket, from) in self.buckets.iter().zip(&other.buckets) {
            // ORDERING: Relaxed; a count publishes nothing.
            if from.load(Relaxed) > 0 {
                // ORDERING: Relaxed, both; a count publishes nothing.
                bucket.add(from.swap(0, Relaxed), Relaxed);
            }
        }
    }

    /// How many values, and what the middles of their buckets sum up to.
    pub(super) fn count_and_sum(&self) -> (u64, u64) {
        self.counts().enumerate().fold((0, 0), |(count, sum), (at, times)| {
            let middle = values_of(at).start().midpoint(*values_of(at).end());
            (times.saturating_add(count), middle.saturating_mul(times).saturating_add(sum))
        })
    }

    #[inline]
    fn counts(&self) -> impl Iterator<Item = u64> {
        // ORDERING: Relaxed; a count publishes nothing.
        self.buckets.iter().map(|bucket| bucket.load(Relaxed))
    }

    #[inline]
    const fn greatest_in(index: usize) -> u64 {
        if index + 1 == BUCKETS { u64::MAX } else { *values_of(index).end() }
    }
}

impl<const BUCKETS: usize> Default for Histogram<BUCKETS> {
    fn default() -> Self {
        Self::new()
    }
}

/// How many values, and the usual quantiles.
impl<const BUCKETS: usize> fmt::Display for Histogram<BUCKETS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.count())?;
        for (name, parts, of) in [("p50", 1, 2), ("p99", 99, 100), ("p99.9", 999, 1_000)] {
            if let Some(value) = self.quantile(parts, of) {
                write!(f, ", {name} {value}")?;
            }
        }
        Ok(())
    }
}

impl<const BUCKETS: usize> fmt::Debug for Histogram<BUCKETS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.bucket_counts()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_next_to_each_other() {
        let mut next = 0;
        for index in 0..ALL {
            let values = values_of(index);
            assert_eq!(*values.start(), next, "bucket {index}");
            assert_eq!((index_of(*values.start()), index_of(*values.end())), (index, index));
            assert!((values.end() - values.start()) <= values.start() / 8, "bucket {index}");
            next = values.end().wrapping_add(1);
        }
        assert_eq!(next, 0, "the last one ends at the greatest of all");
    }
}
