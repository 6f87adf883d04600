//! Defends the unlocked twins of `atomic`: each does to its word what the locked one does, touches
//! nothing beside it, and loses nothing to an interrupt of its own thread (`interrupts.rs` has the
//! instructions themselves interrupted).

mod common;

use core::sync::atomic::Ordering::SeqCst;

use latchless::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16, AtomicU32,
    AtomicU64, AtomicUsize, LocalI8, LocalI16, LocalI32, LocalI64, LocalIsize, LocalU8, LocalU16,
    LocalU32, LocalU64, LocalUsize,
};
use static_assertions::{assert_eq_align, assert_eq_size, assert_impl_all, assert_not_impl_any};

use common::random::Random;

/// One operation of both: its name, the local one, the locked one, of two operands.
macro_rules! twins {
    ($local:ident, $atomic:ident, $x:ident, $y:ident; $($name:literal: $ours:expr, $theirs:expr;)+) => {
        &[$((
            $name,
            |$local, $x, $y| { let _ = ($x, $y); $ours },
            |$atomic, $x, $y| { let _ = ($x, $y); $theirs },
        )),+]
    };
}

macro_rules! local_tests {
    ($module:ident, $local:ident, $atomic:ident, $int:ident) => {
        mod $module {
            use super::*;

            type Int = $int;

            assert_eq_size!($local, Int);
            assert_eq_align!($local, $atomic);
            assert_impl_all!($local: Send, Default, Unpin, From<Int>);
            assert_not_impl_any!($local: Sync, Clone);

            type Result = core::result::Result<Int, Int>;
            type Twins =
                (&'static str, fn(&$local, Int, Int) -> Result, fn(&$atomic, Int, Int) -> Result);

            const NOTHING: Result = Ok(0);

            const OPERATIONS: &[Twins] = twins!(l, a, x, y;
                "load": Ok(l.load()), Ok(a.load(SeqCst));
                "store": { l.store(x); NOTHING }, { a.store(x, SeqCst); NOTHING };
                "swap": Ok(l.swap(x)), Ok(a.swap(x, SeqCst));
                "compare_exchange": l.compare_exchange(x, y), a.compare_exchange(x, y, SeqCst, SeqCst);
                "update": Ok(l.update(|now| now ^ x)), Ok(a.fetch_xor(x, SeqCst));
                "fetch_add": Ok(l.fetch_add(x)), Ok(a.fetch_add(x, SeqCst));
                "fetch_sub": Ok(l.fetch_sub(x)), Ok(a.fetch_sub(x, SeqCst));
                "fetch_and": Ok(l.fetch_and(x)), Ok(a.fetch_and(x, SeqCst));
                "fetch_or": Ok(l.fetch_or(x)), Ok(a.fetch_or(x, SeqCst));
                "fetch_xor": Ok(l.fetch_xor(x)), Ok(a.fetch_xor(x, SeqCst));
                "fetch_max": Ok(l.fetch_max(x)), Ok(a.fetch_max(x, SeqCst));
                "fetch_min": Ok(l.fetch_min(x)), Ok(a.fetch_min(x, SeqCst));
                "add_fetch": Ok(l.add_fetch(x)), Ok(a.add_fetch(x, SeqCst));
                "sub_fetch": Ok(l.sub_fetch(x)), Ok(a.sub_fetch(x, SeqCst));
                "add": { l.add(x); NOTHING }, { a.add(x, SeqCst); NOTHING };
                "sub": { l.sub(x); NOTHING }, { a.sub(x, SeqCst); NOTHING };
                "and": { l.and(x); NOTHING }, { a.and(x, SeqCst); NOTHING };
                "or": { l.or(x); NOTHING }, { a.or(x, SeqCst); NOTHING };
                "xor": { l.xor(x); NOTHING }, { a.xor(x, SeqCst); NOTHING };
                "inc": { l.inc(); NOTHING }, { a.inc(SeqCst); NOTHING };
                "dec": { l.dec(); NOTHING }, { a.dec(SeqCst); NOTHING };
                "neg": { l.neg(); NOTHING }, { a.neg(SeqCst); NOTHING };
                "not": { l.not(); NOTHING }, { a.not(SeqCst); NOTHING };
                "add_and_test": Ok(l.add_and_test(x).into()), Ok(a.add_and_test(x, SeqCst).into());
                "sub_and_test": Ok(l.sub_and_test(x).into()), Ok(a.sub_and_test(x, SeqCst).into());
                "inc_and_test": Ok(l.inc_and_test().into()), Ok(a.inc_and_test(SeqCst).into());
                "dec_and_test": Ok(l.dec_and_test().into()), Ok(a.dec_and_test(SeqCst).into());
                "add_negative": Ok(l.add_negative(x).into()), Ok(a.add_negative(x, SeqCst).into());
                "bit_set": Ok(l.bit_set(x as u32).into()), Ok(a.bit_set(x as u32, SeqCst).into());
                "bit_clear": Ok(l.bit_clear(x as u32).into()),
                    Ok(a.bit_clear(x as u32, SeqCst).into());
                "bit_toggle": Ok(l.bit_toggle(x as u32).into()),
                    Ok(a.bit_toggle(x as u32, SeqCst).into());
            );

            #[test]
            fn each_operation_agrees_with_the_locked_one() {
                let extremes = [0, 1, 2, Int::MAX, Int::MAX - 1, Int::MIN, Int::MIN + 1, !0];
                let mut random = Random::new(Int::BITS.into());
                for &(name, ours, theirs) in OPERATIONS {
                    for number in 0..1_000 {
                        let mut pick = || match random.below(3) {
                            0 => random.word() as Int,
                            _ => extremes[random.below(extremes.len())],
                        };
                        let [value, y, one, other] = [(); 4].map(|()| pick());
                        let x = if number % 3 == 0 { value } else { pick() };
                        let words = [one, value, other].map($local::new);
                        let expected = $atomic::new(value);
                        assert_eq!(
                            ours(&words[1], x, y),
                            theirs(&expected, x, y),
                            "{name} on {value}: {x}, {y}"
                        );
                        let left = words.map($local::into_inner);
                        let expected = [one, expected.into_inner(), other];
                        assert_eq!(left, expected, "{name} on {value}: {x}, {y}");
                    }
                }
            }

            #[test]
            fn value_is_reached_by_exclusive_access_and_by_pointer() {
                let mut cell = $local::from(3);
                *cell.get_mut() += 1;
                // SAFETY: the cell lives on, and this thread is alone.
                let same = unsafe { $local::from_ptr(cell.as_ptr()) };
                same.inc();
                assert_eq!(format!("{cell:?} {:?}", $local::default()), "5 0");
            }
        }
    };
}

local_tests!(u8, LocalU8, AtomicU8, u8);
local_tests!(u16, LocalU16, AtomicU16, u16);
local_tests!(u32, LocalU32, AtomicU32, u32);
local_tests!(u64, LocalU64, AtomicU64, u64);
local_tests!(usize, LocalUsize, AtomicUsize, usize);
local_tests!(i8, LocalI8, AtomicI8, i8);
local_tests!(i16, LocalI16, AtomicI16, i16);
local_tests!(i32, LocalI32, AtomicI32, i32);
local_tests!(i64, LocalI64, AtomicI64, i64);
local_tests!(isize, LocalIsize, AtomicIsize, isize);

#[cfg(target_os = "linux")]
mod interrupted {
    use core::ffi::c_int;
    use core::sync::atomic::{AtomicU64 as Core, Ordering::Relaxed};

    use latchless::atomic::{LocalU8, LocalU64};

    use crate::common::signals::{Timer, handle, real_time_signal};

    /// What one thread and its handler share.
    struct PerCpu {
        sum: LocalU64,
        lasts: LocalU64,
        bits: LocalU8,
    }

    // SAFETY: one thread uses it, and the handler that interrupts this thread.
    unsafe impl Sync for PerCpu {}

    static MINE: PerCpu =
        PerCpu { sum: LocalU64::new(0), lasts: LocalU64::new(0), bits: LocalU8::new(0) };
    static INTERRUPTED: Core = Core::new(0);

    extern "C" fn handler(_: c_int) {
        MINE.sum.add(1 << 40);
        MINE.sum.update(|sum| sum + 1);
        MINE.sum.dec();
        MINE.bits.bit_toggle(7);
        MINE.lasts.swap(INTERRUPTED.load(Relaxed));
        INTERRUPTED.fetch_add(1, Relaxed);
    }

    #[test]
    fn nothing_is_lost_to_a_handler_of_the_same_thread() {
        let signal = real_time_signal(9);
        handle(signal, handler);
        let mut turns = 0;
        {
            let _timer = Timer::start(signal, 40_000);
            while INTERRUPTED.load(Relaxed) < 5_000 {
                MINE.sum.inc();
                MINE.sum.fetch_add(2);
                MINE.sum.fetch_max(0);
                MINE.bits.bit_toggle(0);
                MINE.bits.fetch_xor(2);
                turns += 1;
                assert!(turns < 1 << 36, "no interrupts arrive");
            }
        }
        let interrupted = INTERRUPTED.load(Relaxed);
        assert_eq!(MINE.sum.load(), 3 * turns + (interrupted << 40));
        let odd = turns as u8 & 1;
        assert_eq!(MINE.bits.load(), (interrupted as u8 & 1) << 7 | odd << 1 | odd);
        assert!(MINE.lasts.load() < interrupted);
    }
}
