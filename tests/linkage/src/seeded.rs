//! What the check must complain about, or it checks nothing.

/// A bounds check that nothing removes.
#[cfg(feature = "seeded_panic")]
#[unsafe(no_mangle)]
extern "C" fn op_seeded_panic(values: &[u64; 8], index: usize) -> u64 {
    values[index]
}

/// A box that nothing removes.
#[cfg(feature = "seeded_alloc")]
mod alloc {
    extern crate alloc;

    #[unsafe(no_mangle)]
    extern "C" fn op_seeded_alloc(value: u64) {
        core::hint::black_box(alloc::boxed::Box::new(value));
    }
}

/// More stack than an interrupt handler should find in a leaf.
#[cfg(feature = "seeded_frame")]
#[unsafe(no_mangle)]
extern "C" fn op_seeded_frame() -> usize {
    let mut words = core::mem::MaybeUninit::<[u64; 64]>::uninit();
    core::hint::black_box(words.as_mut_ptr()).addr()
}

/// A register that a kernel has not saved.
#[cfg(feature = "seeded_float")]
#[unsafe(no_mangle)]
extern "C" fn op_seeded_float(value: u64) -> u64 {
    (value as f64 * 1.5) as u64
}

/// A division of 128 bits, which is a call into the compiler's own library.
#[cfg(feature = "seeded_libcall")]
#[unsafe(no_mangle)]
extern "C" fn op_seeded_libcall(dividend: &u128, divisor: &u128) -> u64 {
    (dividend / divisor.max(&1)) as u64
}
