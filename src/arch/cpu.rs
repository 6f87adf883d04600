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

/// Whether an aligned 16-byte move of a vector register is one access: Intel and AMD promise it of their
/// CPUs with AVX, for memory that is cached in the usual way.
///
/// Always `false` on other architectures.
///
/// **Progress** wait-free. **Context** any.
///
/// # References
///
/// SDM volume 3A, section 9.1.1 "Guaranteed Atomic Operations"; AMD64 Architecture Programmer's Manual
/// volume 2, section 7.3.2 "Access Atomicity".
#[inline]
pub fn has_atomic_vector_moves() -> bool {
    imp::has_atomic_vector_moves()
}

/// What [`has_atomic_vector_moves`] says, if this module was asked anything before; `false` otherwise. A
/// load and a test, where the question itself may call CPUID.
#[cfg(target_arch = "x86_64")]
#[allow(dead_code, reason = "only builds with vector registers and their own instructions ask")]
#[inline(always)]
pub(crate) fn is_known_to_have_atomic_vector_moves() -> bool {
    imp::is_known_to_have_atomic_vector_moves()
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
    const VECTOR_MOVES: u8 = 0b1_0000;

    /// What CPUID says, in EBX, EDX and ECX of leaf 0, of those who promise it.
    const VECTOR_MOVES_BY: [&[u8; 12]; 2] = [b"GenuineIntel", b"AuthenticAMD"];

    /// The low bits of Linux's `IA32_TSC_AUX` hold the CPU, the others the node
    /// (`arch/x86/include/asm/segment.h`, `VDSO_CPUNODE_BITS`).
    const CPU_MASK: u32 = if cfg!(target_os = "linux") { 0xfff } else { u32::MAX };

    /// Zero, or [`KNOWN`] and what was found.
    static FEATURES: AtomicU8 = AtomicU8::new(0);

    #[inline]
    fn features() -> u8 {
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
        let CpuidResult { ebx, ecx, edx, .. } = cpuid(0);
        let is_maker = |name: &&[u8; 12]| {
            [ebx, edx, ecx].iter().flat_map(|word| word.to_le_bytes()).eq(name.iter().copied())
        };
        if VECTOR_MOVES_BY.iter().any(is_maker) {
            found |= bit(cpuid(1).ecx, 28, VECTOR_MOVES);
        }
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
    pub(super) fn has_atomic_vector_moves() -> bool {
        has(features(), VECTOR_MOVES)
    }

    #[allow(dead_code, reason = "as for the function that is exported")]
    #[inline(always)]
    pub(super) fn is_known_to_have_atomic_vector_moves() -> bool {
        // ORDERING: Relaxed; the byte is the whole message.
        has(FEATURES.load(Relaxed), VECTOR_MOVES)
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
        fn vector_moves_are_trusted_where_they_are_promised() {
            let made_by = |name: &[u8; 12], ecx: u32| {
                let word = |at: usize| {
                    name.iter().skip(at).take(4).rev().fold(0, |word, &b| word << 8 | u32::from(b))
                };
                let names = CpuidResult { eax: 1, ebx: word(0), edx: word(4), ecx: word(8) };
                detect(move |leaf| match leaf {
                    0 => names,
                    1 => CpuidResult { eax: 0, ebx: 0, ecx, edx: 0 },
                    _ => CpuidResult { eax: 0, ebx: 0, ecx: 0, edx: 0 },
                })
            };
            assert_eq!(made_by(b"GenuineIntel", 1 << 28), KNOWN | VECTOR_MOVES);
            assert_eq!(made_by(b"AuthenticAMD", 1 << 28), KNOWN | VECTOR_MOVES);
            assert_eq!(made_by(b"GenuineIntel", !(1 << 28)), KNOWN | CMPXCHG16B);
            assert_eq!(made_by(b"SomebodyElse", 1 << 28), KNOWN);
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
            for one in [KNOWN, CMPXCHG16B, RDPID, RDTSCP, VECTOR_MOVES] {
                for other in [KNOWN, CMPXCHG16B, RDPID, RDTSCP, VECTOR_MOVES] {
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
    pub(super) fn has_atomic_vector_moves() -> bool {
        false
    }

    #[inline]
    pub(super) fn current() -> Option<u32> {
        None
    }
}
