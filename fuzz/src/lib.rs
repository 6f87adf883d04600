//! What the targets share: values whose drops are counted, positions near the end, and schedules of
//! threads.

#[cfg(all(feature = "schedules", target_os = "linux", target_arch = "x86_64"))]
mod common;
#[cfg(all(feature = "schedules", target_os = "linux", target_arch = "x86_64"))]
pub mod schedule;

use std::cell::RefCell;
use std::rc::Rc;

use arbitrary::Arbitrary;

/// Issues [`Value`]s and keeps the books on them.
#[derive(Debug, Default)]
pub struct Ledger {
    /// For each value issued, whether it was dropped.
    is_dropped: RefCell<Vec<bool>>,
}

impl Ledger {
    /// A new ledger without entries.
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    /// Issues the next value.
    pub fn issue(self: &Rc<Self>) -> Value {
        let mut is_dropped = self.is_dropped.borrow_mut();
        is_dropped.push(false);
        Value { number: is_dropped.len() - 1, ledger: Rc::clone(self) }
    }

    /// How many values have been issued and not been dropped.
    pub fn live(&self) -> usize {
        self.is_dropped.borrow().iter().filter(|is_dropped| !**is_dropped).count()
    }
}

/// An entry of a [`Ledger`]. Its memory must not be copied: a second drop panics, and the
/// sanitizer sees an access to a freed ledger.
#[derive(Debug)]
pub struct Value {
    number: usize,
    ledger: Rc<Ledger>,
}

impl Value {
    /// What tells it from every other value of its ledger.
    pub fn number(&self) -> usize {
        self.number
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        let was_dropped =
            std::mem::replace(&mut self.ledger.is_dropped.borrow_mut()[self.number], true);
        assert!(!was_dropped, "value {} was dropped twice", self.number);
    }
}

/// In a box.
#[cfg(not(latchless_native))]
impl latchless::ring::Word for Value {
    fn into_word(self) -> u64 {
        Box::into_raw(Box::new(self)).expose_provenance() as u64
    }

    unsafe fn from_word(word: u64) -> Self {
        // SAFETY: the caller's word: it is the box that `into_word` made, and comes back once.
        *unsafe { Box::from_raw(std::ptr::with_exposed_provenance_mut(word as usize)) }
    }
}

/// The capacity of a batch.
pub const BATCH: usize = 5;

/// A batch with room for `room` values or with all of its room, the rest taken by values of
/// `ledger`.
pub fn batch_with_room(ledger: &Rc<Ledger>, room: u8) -> heapless::Vec<Value, BATCH> {
    let taken = BATCH.saturating_sub(usize::from(room));
    (0..taken).map(|_| ledger.issue()).collect()
}

/// Where a ring's positions start: mostly so close to the integer's end that they wrap.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Start {
    /// At zero, as in every ring that users make.
    Zero,
    /// So many steps before the end.
    BeforeEnd(u8),
    /// So many steps before the middle, where a signed comparison would change its mind.
    BeforeMiddle(u8),
    /// Anywhere.
    Anywhere(u64),
}

impl Start {
    /// As a position.
    pub fn position(self) -> u64 {
        match self {
            Start::Zero => 0,
            Start::BeforeEnd(steps) => u64::MAX - u64::from(steps),
            Start::BeforeMiddle(steps) => u64::MAX / 2 - u64::from(steps),
            Start::Anywhere(position) => position,
        }
    }
}
