//! What a kernel cannot have, each behind a feature: the check of the object has to complain.

/// Formats.
///
/// # Safety
///
/// `place` is valid for writing `bytes` bytes.
#[cfg(feature = "seeded_fmt")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_seeded_fmt(place: *mut u8, bytes: usize, value: u64) -> usize {
    struct Text<'a>(&'a mut [u8], usize);

    impl core::fmt::Write for Text<'_> {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            for byte in text.bytes() {
                *self.0.get_mut(self.1).ok_or(core::fmt::Error)? = byte;
                self.1 += 1;
            }
            Ok(())
        }
    }

    // SAFETY: the caller's word.
    let place = unsafe { core::slice::from_raw_parts_mut(place, bytes) };
    let mut text = Text(place, 0);
    let _ = core::fmt::Write::write_fmt(&mut text, format_args!("{value:>20}"));
    text.1
}

/// Takes more stack than a kernel has to spare.
#[cfg(feature = "seeded_frame")]
#[unsafe(no_mangle)]
pub extern "C" fn latchless_seeded_frame(seed: u8) -> u8 {
    let large = core::hint::black_box([seed; 3000]);
    core::hint::black_box(&large).last().copied().unwrap_or(0)
}

/// Can panic.
#[cfg(feature = "seeded_panic")]
#[unsafe(no_mangle)]
#[expect(clippy::indexing_slicing, reason = "that is the point")]
pub extern "C" fn latchless_seeded_panic(index: usize) -> u8 {
    [1, 2, 3, 4][index]
}

/// Copies 16 bytes as a program would. In assembly: of intrinsics the compiler makes other instructions where the target has
/// no vector registers.
///
/// # Safety
///
/// Both are valid for so much.
#[cfg(feature = "seeded_sse")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latchless_seeded_sse(from: *const u8, to: *mut u8) {
    // STORY: `to.cast::<[u8; 16]>().write_unaligned(from.cast::<[u8; 16]>().read_unaligned())`.
    // ASM: SDM "MOVUPS". Writes no flags.
    // SAFETY: the caller's word.
    unsafe {
        core::arch::asm!(
            "movups xmm0, [{from}]",
            "movups [{to}], xmm0",
            from = in(reg) from,
            to = in(reg) to,
            out("xmm0") _,
            options(nostack, preserves_flags),
        );
    }
}
