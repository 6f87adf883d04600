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
    use core::arch::x86_64::CpuidResult;
    use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

    use crate::arch::x86_64::{rdpid, rdtscp};

    const KNOWN: u8 = 0b0001;
    const CMPXCHG16B: u8 = 0b0010;
    const RDPID: u8 = 0b0100;
    const RDTSCP: u8 = 0b1000;

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
        let detected = detect(cpuid);
        // ORDERING: Relaxed; the byte is the whole message, and all writers agree.
        FEATURES.store(detected, Relaxed);
        detected
    }

    fn cpuid(leaf: u32) -> CpuidResult {
        // SAFETY: every x86-64 CPU has CPUID; an unknown leaf only gives meaningless bits, and
        // `detect` asks for the highest leaf first.
        #[allow(unused_unsafe, reason = "`__cpuid_count` became safe after our MSRV")]
        unsafe {
            core::arch::x86_64::__cpuid_count(leaf, 0)
        }
    }

    /// The features of a CPU that answers `cpuid` so.
    #[cold]
    fn detect(cpuid: impl Fn(u32) -> CpuidResult) -> u8 {
        let bit = |word: u32, index: u32, feature: u8| -> u8 {
            if word & (1 << index) != 0 { feature } else { 0 }
        };
        let mut found = KNOWN;
        found |= bit(cpuid(1).ecx, 13, CMPXCHG16B);
        if cpuid(0).eax >= 7 {
            found |= bit(cpuid(7).ecx, 22, RDPID);
        }
        if cpuid(0x8000_0000).eax >= 0x8000_0001 {
            found |= bit(cpuid(0x8000_0001).edx, 27, RDTSCP);
        }
        found
    }

    #[inline]
    const fn has(features: u8, feature: u8) -> bool {
        features & feature != 0
    }

    #[inline]
    pub(super) fn has_cmpxchg16b() -> bool {
        cfg!(target_feature = "cmpxchg16b") || has(features(), CMPXCHG16B)
    }

    #[inline]
    pub(super) fn current() -> Option<u32> {
        let features = features();
        let aux = if has(features, RDPID) {
            // SAFETY: CPUID says that the instruction is there.
            unsafe { rdpid() as u32 }
        } else if has(features, RDTSCP) {
            // SAFETY: CPUID says that the instruction is there.
            unsafe { rdtscp() }
        } else {
            return None;
        };
        Some(aux & CPU_MASK)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// A CPU with these highest leaves, and every feature bit set or none. It is not asked for
        /// leaves that it lacks.
        fn cpu(basic: u32, extended: u32, bits: u32) -> impl Fn(u32) -> CpuidResult {
            move |leaf| {
                assert!(leaf <= basic || (0x8000_0000..=extended.max(0x8000_0000)).contains(&leaf));
                let eax = match leaf {
                    0 => basic,
                    0x8000_0000 => extended,
                    _ => 0,
                };
                CpuidResult { eax, ebx: 0, ecx: bits, edx: bits }
            }
        }

        #[test]
        fn each_feature_is_found_where_the_manual_has_it() {
            let only = |wanted: u32, ecx: u32, edx: u32| {
                let whole = cpu(7, 0x8000_0001, 0);
                detect(move |leaf| {
                    let (ecx, edx) = if leaf == wanted { (ecx, edx) } else { (0, 0) };
                    CpuidResult { ecx, edx, ..whole(leaf) }
                })
            };
            assert_eq!(only(1, 1 << 13, 0), KNOWN | CMPXCHG16B);
            assert_eq!(only(1, !(1 << 13), !0), KNOWN);
            assert_eq!(only(7, 1 << 22, 0), KNOWN | RDPID);
            assert_eq!(only(7, !(1 << 22), !0), KNOWN);
            assert_eq!(only(0x8000_0001, 0, 1 << 27), KNOWN | RDTSCP);
            assert_eq!(only(0x8000_0001, !0, !(1 << 27)), KNOWN);
        }

        #[test]
        fn leaves_that_a_cpu_lacks_are_not_asked_for() {
            assert_eq!(detect(cpu(1, 0, !0)), KNOWN | CMPXCHG16B);
            assert_eq!(detect(cpu(6, 0x8000_0000, !0)), KNOWN | CMPXCHG16B);
            assert_eq!(detect(cpu(7, 0x8000_0000, !0)), KNOWN | CMPXCHG16B | RDPID);
            assert_eq!(detect(cpu(6, 0x8000_0001, !0)), KNOWN | CMPXCHG16B | RDTSCP);
            assert_eq!(detect(cpu(32, 0x8000_0008, 0)), KNOWN);
        }

        #[test]
        fn features_are_told_apart() {
            for one in [KNOWN, CMPXCHG16B, RDPID, RDTSCP] {
                for other in [KNOWN, CMPXCHG16B, RDPID, RDTSCP] {
                    assert_eq!(has(one, other), one == other);
                }
            }
        }
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
