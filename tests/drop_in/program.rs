// A program on core's atomics as people write them. `tests/drop_in.rs` compiles it twice: with core's
// atomics and with those of latchless. Nothing here knows which.

use super::atomic::{
    self, AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
    AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence, fence,
};

/// A lock, to have something to count.
pub struct SpinLock {
    locked: AtomicBool,
    waits: AtomicU64,
}

impl SpinLock {
    pub const fn new() -> Self {
        Self { locked: AtomicBool::new(false), waits: AtomicU64::new(0) }
    }

    pub fn with<R>(&self, f: impl FnOnce() -> R) -> R {
        while self
            .locked
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            while self.locked.load(Ordering::Relaxed) {
                self.waits.fetch_add(1, Ordering::Relaxed);
                std::thread::yield_now();
            }
        }
        let result = f();
        self.locked.store(false, Ordering::Release);
        result
    }
}

/// A stack that only grows: nodes are leaked, so that there is no reuse to go wrong.
#[derive(Default)]
pub struct Log {
    newest: AtomicPtr<Entry>,
    len: AtomicUsize,
}

struct Entry {
    value: u32,
    older: *mut Entry,
}

impl Log {
    pub fn push(&self, value: u32) {
        let entry = Box::leak(Box::new(Entry { value, older: std::ptr::null_mut() }));
        let mut older = self.newest.load(Ordering::Relaxed);
        loop {
            entry.older = older;
            match self.newest.compare_exchange(older, entry, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(found) => older = found,
            }
        }
        self.len.fetch_add(1, Ordering::SeqCst);
    }

    pub fn sum(&self) -> u32 {
        let mut sum = 0;
        let mut at = self.newest.load(Ordering::Acquire);
        // SAFETY: entries are never freed, and do not change once they are published.
        while let Some(entry) = unsafe { at.as_ref() } {
            sum += entry.value;
            at = entry.older;
        }
        sum
    }
}

/// A bitmap that hands out 64 numbers.
pub struct Numbers(AtomicU64);

impl Numbers {
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub fn take(&self) -> Option<u32> {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken != u64::MAX).then(|| taken | 1 << taken.trailing_ones())
            })
            .ok()
            .map(u64::trailing_ones)
    }

    pub fn give(&self, number: u32) -> bool {
        self.0.fetch_and(!(1 << number), Ordering::Release) >> number & 1 == 1
    }
}

/// What was measured so far.
#[derive(Debug, Default)]
pub struct Range {
    least: AtomicI64,
    most: AtomicI64,
}

impl Range {
    pub fn record(&self, value: i64) {
        self.least.fetch_min(value, Ordering::Relaxed);
        self.most.fetch_max(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> (i64, i64) {
        fence(Ordering::SeqCst);
        compiler_fence(Ordering::SeqCst);
        (self.least.load(Ordering::Acquire), self.most.load(Ordering::SeqCst))
    }
}

/// Each small operation once, into a text.
fn every_method() -> String {
    let mut text = String::new();
    macro_rules! integer {
        ($($atomic:ident: $int:ident),+) => {$({
            let mut word = $atomic::from(100 as $int);
            let results = [
                word.swap(90, Ordering::SeqCst),
                word.fetch_add(60, Ordering::Relaxed),
                word.fetch_sub(20, Ordering::AcqRel),
                word.fetch_and(0x5c, Ordering::Acquire),
                word.fetch_nand(0x33, Ordering::Release),
                word.fetch_or(0x81 as u8 as $int, Ordering::SeqCst),
                word.fetch_xor(0x18, Ordering::Relaxed),
                word.fetch_max(7, Ordering::SeqCst),
                word.fetch_min(70, Ordering::SeqCst),
                word.compare_exchange(1, 2, Ordering::AcqRel, Ordering::Acquire).unwrap_or_else(|n| n),
                word.fetch_update(Ordering::SeqCst, Ordering::Relaxed, |n| n.checked_sub(3)).unwrap(),
            ];
            *word.get_mut() += 1;
            word.store(word.load(Ordering::Acquire) / 2, Ordering::Release);
            let pointer: *mut $int = word.as_ptr();
            // SAFETY: nobody else has it.
            unsafe { *pointer -= 1 };
            // SAFETY: it is valid for as long as `word`, and nobody uses that meanwhile.
            let same = unsafe { $atomic::from_ptr(pointer) };
            text += &format!("{:?} {results:?} {same:?}\n", $atomic::default());
            text += &format!("{}\n", word.into_inner());
        })+};
    }
    integer!(
        AtomicI8: i8, AtomicI16: i16, AtomicI32: i32, AtomicI64: i64, AtomicIsize: isize,
        AtomicU8: u8, AtomicU16: u16, AtomicU32: u32, AtomicU64: u64, AtomicUsize: usize
    );
    let flag = AtomicBool::default();
    let results = [
        flag.swap(true, Ordering::AcqRel),
        flag.fetch_and(true, Ordering::SeqCst),
        flag.fetch_nand(true, Ordering::SeqCst),
        flag.fetch_or(true, Ordering::Relaxed),
        flag.fetch_xor(true, Ordering::Relaxed),
        flag.fetch_not(Ordering::Acquire),
        flag.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| Some(!now)).unwrap(),
    ];
    text + &format!("{results:?} {flag:?} {}", AtomicBool::new(true).into_inner())
}

/// Uses them all, on two threads. What it returns does not depend on their timing.
pub fn run() -> String {
    static LOCK: SpinLock = SpinLock::new();
    static NUMBERS: Numbers = Numbers::new();
    static TOTAL: AtomicU32 = AtomicU32::new(0);
    let (log, range) = (Log::default(), Range::default());
    let load: fn(&AtomicU32, Ordering) -> u32 = AtomicU32::load;
    std::thread::scope(|scope| {
        for me in 0..2 {
            let (log, range) = (&log, &range);
            scope.spawn(move || {
                for turn in 0..500 {
                    let number = NUMBERS.take().expect("two threads hold one each at most");
                    log.push(turn);
                    range.record(i64::from(turn) * if me == 0 { 1 } else { -1 });
                    LOCK.with(|| {
                        let before = TOTAL.load(Ordering::Relaxed);
                        TOTAL.store(before + turn, Ordering::Relaxed);
                    });
                    assert!(NUMBERS.give(number));
                }
            });
        }
    });
    let order: atomic::Ordering = Ordering::SeqCst;
    let len = log.len.load(order);
    let (sum, range, total) = (log.sum(), range.get(), load(&TOTAL, Ordering::SeqCst));
    format!("{len} {sum} {range:?} {total}\n{}", every_method())
}
