//! Who counts in which cell.
//!
//! A source gives a number; a counter of `SHARDS` cells takes it modulo `SHARDS`. It is advice: two who
//! get the same number share a cell and slow each other down, and nothing else happens.
//!
//! | source | asks | good for |
//! |---|---|---|
//! | [`ByCpu`] | `rdpid`, or else `rdtscp`, or else as `ByStack` | systems that number their CPUs in `IA32_TSC_AUX`, as Linux does |
//! | [`ByStack`] | the stack pointer | any thread with a stack of its own; needs nothing from the system |
//! | `ByThread` | a number in thread-local storage (feature `std`) | services |
//! | a function | you | kernels that know their CPU |

use core::mem::MaybeUninit;

use crate::arch::cpu;

/// Chooses a cell for whoever asks.
///
/// Functions and closures are sources.
///
/// # Examples
///
/// ```
/// use latchless::counter::ShardedCounter;
///
/// fn this_cpu() -> usize {
///     0 // from the per-CPU area
/// }
///
/// static FRAMES: ShardedCounter<8, fn() -> usize> = ShardedCounter::with_source(this_cpu);
/// FRAMES.inc();
/// assert_eq!(FRAMES.sum(), 1);
/// ```
pub trait ShardSource {
    /// Any number. The best sources give different ones to those who run at the same time, and the
    /// same one to the same thread or CPU.
    fn shard(&self) -> usize;

    /// A number below `shards`, which is a power of two: [`shard`](Self::shard) modulo `shards`, unless a
    /// source has something better.
    #[inline]
    fn shard_below(&self, shards: usize) -> usize {
        modulo(self.shard(), shards)
    }
}

#[inline]
const fn modulo(number: usize, shards: usize) -> usize {
    number & shards.wrapping_sub(1)
}

impl<F: Fn() -> usize> ShardSource for F {
    #[inline]
    fn shard(&self) -> usize {
        self()
    }
}

// === By CPU ===

/// The number of the CPU, as [`cpu::current`] says: `rdpid` if CPUID promises it, or else `rdtscp`
/// (which takes as long as several locked instructions), or else what [`ByStack`] says.
///
/// Where nobody has written the MSR `IA32_TSC_AUX` all CPUs are number 0: take another source there.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByCpu;

impl ShardSource for ByCpu {
    #[inline]
    fn shard(&self) -> usize {
        cpu::current().map_or_else(|| ByStack.shard(), |cpu| cpu as usize)
    }

    #[inline]
    fn shard_below(&self, shards: usize) -> usize {
        shard_of_cpu(cpu::current(), shards)
    }
}

#[inline]
fn shard_of_cpu(current: Option<u32>, shards: usize) -> usize {
    current.map_or_else(|| ByStack.shard_below(shards), |cpu| modulo(cpu as usize, shards))
}

// === By stack ===

/// A hash of the stack pointer, without what changes from call to call: threads have stacks of their
/// own. One instruction for the address, three for the hash.
///
/// Two threads meet by chance in one of so many pairs as there are shards. A thread whose stack reaches
/// across a multiple of 64 KiB may change shards on the way.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByStack;

impl ByStack {
    /// What one thread usually stays within, in bits of the address.
    const WINDOW_BITS: u32 = 16;
}

impl ShardSource for ByStack {
    #[inline]
    fn shard(&self) -> usize {
        (hash_of_window(stack_pointer()) >> (u64::BITS / 2)) as usize
    }

    #[inline]
    fn shard_below(&self, shards: usize) -> usize {
        upper_part(hash_of_window(stack_pointer()), shards)
    }
}

#[inline(always)]
fn stack_pointer() -> usize {
    let here = MaybeUninit::<u8>::uninit();
    core::ptr::from_ref(&here).addr()
}

/// Spreads the windows, equally spaced or not, over all numbers: the fractional part of a multiple of
/// the golden ratio (Knuth, "The Art of Computer Programming", volume 3, section 6.4). It is the uppermost
/// bits that neighbours differ in.
#[inline]
const fn hash_of_window(address: usize) -> u64 {
    const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;

    ((address >> ByStack::WINDOW_BITS) as u64).wrapping_mul(GOLDEN_RATIO)
}

/// Scales a fraction of 64 bits to a number below `shards`: a shift, if `shards` is constant.
#[inline]
const fn upper_part(fraction: u64, shards: usize) -> usize {
    ((fraction as u128 * shards as u128) >> u64::BITS) as usize
}

// === By thread ===

/// A number that each thread draws when it first asks, in thread-local storage (feature `std`).
///
/// Not for signal handlers: the first call of a thread may allocate its thread-local storage.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default)]
pub struct ByThread;

#[cfg(feature = "std")]
impl ShardSource for ByThread {
    #[inline]
    fn shard(&self) -> usize {
        by_thread::number()
    }
}

#[cfg(feature = "std")]
mod by_thread {
    use core::cell::Cell;
    // Core's own atomic on purpose: numbers are handed out, nothing is synchronized.
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    const NONE: usize = usize::MAX;

    std::thread_local! {
        static OWN: Cell<usize> = const { Cell::new(NONE) };
    }

    #[inline]
    pub(super) fn number() -> usize {
        OWN.with(|own| if own.get() == NONE { draw(own) } else { own.get() })
    }

    #[cold]
    fn draw(own: &Cell<usize>) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);

        // ORDERING: Relaxed; the number is all there is to it.
        let number = NEXT.fetch_add(1, Relaxed);
        own.set(number);
        number
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_cpu_without_a_number_is_told_by_its_stack() {
        assert_eq!(shard_of_cpu(Some(5), 8), 5);
        assert_eq!(shard_of_cpu(Some(5), 4), 1);
        assert_eq!(shard_of_cpu(None, 1 << 20), ByStack.shard_below(1 << 20));
    }

    #[test]
    fn stacks_of_every_usual_distance_are_spread() {
        const KIB: usize = 1 << 10;
        // Of kernels; of threads of musl, Go, Rust and C, with a guard page and without.
        let distances =
            [64 * KIB, 132 * KIB, 256 * KIB, 2048 * KIB, 2052 * KIB, 8192 * KIB, 8196 * KIB];
        for distance in distances {
            for first in (0..1024 * KIB).step_by(68 * KIB).map(|at| 0x7f12_3456_0000 + at) {
                let shard = |thread| upper_part(hash_of_window(first - thread * distance), 16);
                let shards: BTreeSet<_> = (0..16).map(shard).collect();
                assert!(shards.len() >= 8, "{} shards, {distance} bytes apart", shards.len());
                for thread in 0..16 {
                    assert_ne!(shard(thread), shard(thread + 1), "{distance} bytes apart");
                }
            }
        }
    }

    #[test]
    fn parts_are_below_the_shards() {
        for shards in [1, 2, 16, 1 << 31] {
            assert_eq!(upper_part(0, shards), 0);
            assert_eq!(upper_part(u64::MAX, shards), shards - 1);
            assert_eq!(upper_part(1 << 63, shards), shards / 2);
        }
    }

    #[test]
    fn a_call_deeper_in_the_stack_is_in_the_same_window() {
        let address = 0x7f12_3456_8000;
        assert_eq!(hash_of_window(address), hash_of_window(address - 0x4000));
    }
}
