//! What the pipeline borrows from: pools and lanes, to be a `static` of their own.
//!
//! Pool slots and the ends of a lane are borrowed from here and travel through the rings of a
//! [`Pipeline`](crate::pipeline::Pipeline), which is why the two are not one.

use latchless::ring::SpscRing;
use latchless::stack::{Pool, PoolBox};

use crate::cpu::{CpuId, MAX_CPUS, PerCpu};

/// Buffers in the pool, and so the most pieces that are under way at once.
pub const BUFFERS: usize = 64;
/// The most bytes that a buffer holds.
pub const BUFFER_BYTES: usize = 4096;
/// Sample slots in the pool that the interrupts allocate from.
pub const SAMPLES: usize = 128;
/// Samples that one lane holds.
pub const LANE: usize = 64;

// A strictly lock-free ring wants as many slots as there are contexts inside at once, and the
// main code of every CPU may be inside together with its interrupt.
const _: () = assert!(BUFFERS >= 2 * MAX_CPUS && SAMPLES >= 2 * MAX_CPUS);

/// A piece of the file.
pub type Buffer = heapless::Vec<u8, BUFFER_BYTES>;
/// A buffer out of the pool.
pub type BufferBox<'p> = PoolBox<'p, Buffer, BUFFERS>;
/// A sample out of the pool.
pub type SampleBox<'p> = PoolBox<'p, Sample, SAMPLES>;

/// The pools and lanes.
#[derive(Debug)]
pub struct Memory {
    /// Where CPU 0 takes a buffer for each piece.
    pub buffers: Pool<Buffer, BUFFERS>,
    /// Where the interrupts take a slot for each alarm.
    pub samples: Pool<Sample, SAMPLES>,
    /// Lane `c` leads from the interrupt of CPU `c` to the main loop of its neighbour.
    pub lanes: PerCpu<SpscRing<Sample, LANE>>,
}

/// What a timer interrupt observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    cpu: CpuId,
    sequence: u64,
    waiting: u64,
    /// A function of the above, so that a sample that was torn or mixed up shows.
    stamp: u64,
}

// === impl Memory ===

impl Memory {
    /// Memory of which nothing is in use.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            buffers: Pool::new(),
            samples: Pool::new(),
            lanes: PerCpu([const { SpscRing::new() }; MAX_CPUS]),
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Sample ===

impl Sample {
    /// The sample number `sequence` of `cpu`, which saw `waiting` pieces in the work ring.
    #[must_use]
    pub const fn new(cpu: CpuId, sequence: u64, waiting: u64) -> Self {
        Self { cpu, sequence, waiting, stamp: Self::stamp(cpu, sequence, waiting) }
    }

    /// Whose interrupt took it.
    #[must_use]
    pub const fn cpu(&self) -> CpuId {
        self.cpu
    }

    /// How many samples of that CPU came before.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How many pieces were waiting for a CPU.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Whether it arrived as it was made.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.stamp == Self::stamp(self.cpu, self.sequence, self.waiting)
    }

    const fn stamp(cpu: CpuId, sequence: u64, waiting: u64) -> u64 {
        // Odd multipliers without a pattern: each input bit reaches the upper half of the product.
        (sequence ^ ((cpu.number() as u64) << 56)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ waiting.wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_was_mixed_up_shows() {
        let sample = Sample::new(CpuId::FIRST, 7, 3);
        assert!(sample.is_whole());
        assert!(!Sample { sequence: 8, ..sample }.is_whole());
        assert!(!Sample { waiting: 2, ..sample }.is_whole());
        assert!(!Sample { cpu: CpuId::FIRST.predecessor(2), ..sample }.is_whole());
    }
}
