//! A planted bug: a cell that one thread fills for another, but says so by a `Relaxed` store, which
//! publishes nothing. On x86-64 the value always arrives; ThreadSanitizer must report a data race.

use core::cell::UnsafeCell;
use core::sync::atomic::Ordering::{Acquire, Relaxed};
use std::thread;

use latchless::atomic::AtomicBool;

struct Cell {
    is_full: AtomicBool,
    value: UnsafeCell<u64>,
}

// SAFETY: there is none, which is the bug: the value is read although nothing makes the write
// happen before.
unsafe impl Sync for Cell {}

static CELL: Cell = Cell { is_full: AtomicBool::new(false), value: UnsafeCell::new(0) };

fn main() {
    let reader = thread::spawn(|| {
        while !CELL.is_full.load(Acquire) {
            thread::yield_now();
        }
        // SAFETY: there is none; see `Cell`.
        unsafe { CELL.value.get().read() }
    });
    // SAFETY: the reader waits for the flag.
    unsafe { CELL.value.get().write(42) };
    CELL.is_full.store(true, Relaxed);
    println!("read {:?}", reader.join());
}
