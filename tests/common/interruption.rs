//! Calls that interrupt each other, as interrupt handlers do: the one that came last ends first.

use core::cell::Cell;

use super::guarded::{Access, Guarded, Pages, Watcher};

/// Makes `call(0)`; before its access number `at[0]` to the value, `call(1)`; before that one's
/// access number `at[1]`, `call(2)`; and so on. Returns the number of the last call that was made:
/// less than `at.len()` if one of them ended before the access it was to be interrupted at.
pub(crate) fn interrupt<T>(value: &Guarded<T>, at: &[usize], call: &dyn Fn(usize)) -> usize {
    let interruption = Interruption {
        at,
        call,
        level: Cell::new(0),
        accesses: Cell::new(0),
        deepest: Cell::new(0),
    };
    value.watched(&interruption, || call(0));
    interruption.deepest.get()
}

struct Interruption<'c> {
    at: &'c [usize],
    call: &'c dyn Fn(usize),
    /// The call that runs now.
    level: Cell<usize>,
    /// How many accesses it has made.
    accesses: Cell<usize>,
    deepest: Cell<usize>,
}

impl Watcher for Interruption<'_> {
    fn before_access(&self, pages: &Pages, _: usize) -> Access {
        let (level, accesses) = (self.level.get(), self.accesses.get());
        if self.at.get(level) != Some(&accesses) {
            self.accesses.set(accesses + 1);
            return Access::Single;
        }
        self.level.set(level + 1);
        self.deepest.set(self.deepest.get().max(level + 1));
        self.accesses.set(0);
        if level + 1 == self.at.len() {
            // Nothing interrupts the last one.
            pages.open();
        }
        (self.call)(level + 1);
        self.level.set(level);
        // Each call is interrupted once.
        Access::AndAllLater
    }
}
