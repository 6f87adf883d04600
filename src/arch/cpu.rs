//! What this CPU has, and which one it is.
//!
//! CPUID traps in a virtual machine, so its answer is read once and kept in a static. The race to
//! fill it is harmless: every CPU computes the same value.

/// Whether the CPU has `lock cmpxchg16b`. Every x86-64 CPU since 2006 does; the first AMD64 ones
/// do not.
///
/// Always `false` on other architectures.
///
/// **Progress** wait-free. **Context** any.
#[inline]
pub fn has_cmpxchg16b() -> bool {
    imp::has_cmpxchg16b()
}

/// The number of the CPU that this code runs on, or `None` if the CPU offers neither `rdpid` nor
/// `rdtscp`.
///
/// The operating system chooses the number (the MSR `IA32_TSC_AUX`); on Linux the part that names
/// the NUMA node is cut off. Unless the caller prevents migration, it may be out of date when
/// it is returned: good for choosing a shard, never for exclusion.
///
/// **Progress** wait-free. **Context** any.
#[inline]
pub fn current() -> Option<u32> {
    imp::current()
}

#[cfg(target_arch = "x86_64")]
mod imp {
    // Core's own atomic on purpose, below the backend switch: this is a cache, no protocol.
    use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

    use crate::arch::x86_64::{rdpid, rdtscp};

    const KNOWN: u8 = 1 << 0;
    const CMPXCHG16B: u8 = 1 << 1;
    const RDPID: u8 = 1 << 2;
    const RDTSCP: u8 = 1 << 3;

    /// The low bits of Linux's `IA32_TSC_AUX` hold the CPU, the others the node
    /// (`arch/x86/include/asm/segment.h`, `VDSO_CPUNODE_BITS`).
    const CPU_MASK: u32 = if cfg!(target_os = "linux") { 0xfff } else { u32::MAX };

    #[inline]
    fn features() -> u8 {
        static FEATURES: AtomicU8 = AtomicU8::new(0);
        // ORDERING: Relaxed; the byte is the whole message.
        let known = FEATURES.load(Relaxed);
        if known != 0 {
            return known;
        }
        let detected = detect();
        // ORDERING: Relaxed; the byte is the whole message, and all writers agree.
        FEATURES.store(detected, Relaxed);
        detected
    }

    #[cold]
    fn detect() -> u8 {
        use core::arch::x86_64::CpuidResult;
        let leaf = |leaf: u32| -> CpuidResult {
            // SAFETY: every x86-64 CPU has CPUID; an unknown leaf only gives meaningless bits, and
            // the caller below asks for the highest leaf first.
            #[allow(unused_unsafe, reason = "`__cpuid_count` became safe after our MSRV")]
            unsafe {
                core::arch::x86_64::__cpuid_count(leaf, 0)
            }
        };
        let bit = |word: u32, index: u32, feature: u8| -> u8 {
            if word & (1 << index) != 0 { feature } else { 0 }
        };
        let mut found = KNOWN | bit(leaf(1).ecx, 13, CMPXCHG16B);
        if leaf(0).eax >= 7 {
            found |= bit(leaf(7).ecx, 22, RDPID);
        }
        if leaf(0x8000_0000).eax >= 0x8000_0001 {
            found |= bit(leaf(0x8000_0001).edx, 27, RDTSCP);
        }
        found
    }

    #[inline]
    pub(super) fn has_cmpxchg16b() -> bool {
        cfg!(target_feature = "cmpxchg16b") || features() & CMPXCHG16B != 0
    }

    #[inline]
    pub(super) fn current() -> Option<u32> {
        let features = features();
        let aux = if features & RDPID != 0 {
            // SAFETY: CPUID says that the instruction is there.
            unsafe { rdpid() as u32 }
        } else if features & RDTSCP != 0 {
            // SAFETY: CPUID says that the instruction is there.
            unsafe { rdtscp() }
        } else {
            return None;
        };
        Some(aux & CPU_MASK)
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod imp {
    #[inline]
    pub(super) fn has_cmpxchg16b() -> bool {
        false
    }

    #[inline]
    pub(super) fn current() -> Option<u32> {
        None
    }
}
