//! Which CPU: a number that is known to be in range.

use core::fmt;
use core::ops::Index;

/// The most CPUs that the image brings up.
pub const MAX_CPUS: usize = 32;

/// The number of a CPU, below [`MAX_CPUS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuId(u8);

/// One `T` for each CPU.
#[derive(Debug)]
pub struct PerCpu<T>(pub [T; MAX_CPUS]);

// === impl CpuId ===

impl CpuId {
    /// The CPU that the machine starts on.
    pub const FIRST: Self = Self(0);

    /// The CPU of this number, if there can be one.
    #[must_use]
    pub const fn new(number: usize) -> Option<Self> {
        if number < MAX_CPUS { Some(Self(number as u8)) } else { None }
    }

    /// The first `count` CPUs.
    pub fn first(count: usize) -> impl Iterator<Item = Self> + Clone {
        (0..count).map_while(Self::new)
    }

    /// The CPU's number.
    #[must_use]
    pub const fn number(self) -> usize {
        self.0 as usize
    }

    /// Of `count` CPUs in a circle, the one before this; with one CPU that is itself.
    #[must_use]
    pub fn predecessor(self, count: usize) -> Self {
        match self.0 {
            0 => Self(count.clamp(1, MAX_CPUS) as u8 - 1),
            number => Self(number - 1),
        }
    }
}

impl fmt::Display for CpuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl PerCpu ===

impl<T> Index<CpuId> for PerCpu<T> {
    type Output = T;

    #[expect(clippy::indexing_slicing, reason = "a `CpuId` is below `MAX_CPUS` by construction")]
    fn index(&self, cpu: CpuId) -> &T {
        &self.0[cpu.number()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn a_circle_closes() {
        for count in [1, 2, 5, MAX_CPUS] {
            let mut at = CpuId::FIRST;
            let mut seen = Vec::new();
            for _ in 0..count {
                at = at.predecessor(count);
                seen.push(at.number());
            }
            assert_eq!(at, CpuId::FIRST);
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..count));
        }
    }

    #[test]
    fn numbers_out_of_range_are_no_cpus() {
        assert!(CpuId::new(MAX_CPUS - 1).is_some());
        assert!(CpuId::new(MAX_CPUS).is_none());
        assert_eq!(CpuId::first(1000).count(), MAX_CPUS);
    }
}
