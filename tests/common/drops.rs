//! Counting how often each value was dropped.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};

/// Issues [`Tracked`] values and knows what became of each.
///
/// The values own no memory, so a value dropped twice is a count of two here and not undefined
/// behaviour.
#[derive(Debug)]
pub(crate) struct Ledger {
    drops: Vec<AtomicU32>,
    issued: AtomicUsize,
}

impl Ledger {
    /// A ledger for at most `capacity` values.
    pub(crate) fn new(capacity: usize) -> Self {
        let drops = (0..capacity).map(|_| AtomicU32::new(0)).collect();
        Self { drops, issued: AtomicUsize::new(0) }
    }

    /// The next value; its `id`s count from 0.
    pub(crate) fn issue(&self) -> Tracked<'_> {
        let id = self.issued.fetch_add(1, SeqCst);
        assert!(id < self.drops.len(), "the ledger has room for {} values", self.drops.len());
        Tracked { ledger: self, id, panics: false }
    }

    /// The next value, which panics when it is dropped.
    pub(crate) fn issue_bomb(&self) -> Tracked<'_> {
        let mut bomb = self.issue();
        bomb.panics = true;
        bomb
    }

    /// How many values there have been.
    pub(crate) fn issued(&self) -> usize {
        self.issued.load(SeqCst)
    }

    /// How often the value `id` was dropped.
    pub(crate) fn drops_of(&self, id: usize) -> u32 {
        self.drops[id].load(SeqCst)
    }

    /// How many values are still somewhere. Panics if one was dropped twice.
    pub(crate) fn alive(&self) -> usize {
        let counts: Vec<u32> = (0..self.issued()).map(|id| self.drops_of(id)).collect();
        for (id, &count) in counts.iter().enumerate() {
            assert!(count <= 1, "value {id} was dropped {count} times");
        }
        counts.iter().filter(|&&count| count == 0).count()
    }

    /// Panics unless each value was dropped, once.
    #[track_caller]
    pub(crate) fn assert_all_dropped_once(&self) {
        assert_eq!(self.alive(), 0, "values were lost: {:?}", self.drops);
    }
}

/// A value that enters its drop into the ledger.
#[derive(Debug)]
pub(crate) struct Tracked<'l> {
    ledger: &'l Ledger,
    id: usize,
    panics: bool,
}

impl Tracked<'_> {
    pub(crate) fn id(&self) -> usize {
        self.id
    }
}

impl Drop for Tracked<'_> {
    fn drop(&mut self) {
        self.ledger.drops[self.id].fetch_add(1, SeqCst);
        assert!(!self.panics, "the drop of value {} panics", self.id);
    }
}

/// In a box.
#[cfg(all(target_arch = "x86_64", not(latchless_native), not(miri)))]
impl latchless::ring::Word for Tracked<'_> {
    fn into_word(self) -> u64 {
        Box::into_raw(Box::new(self)).expose_provenance() as u64
    }

    unsafe fn from_word(word: u64) -> Self {
        // SAFETY: the caller's word: it is the box that `into_word` made, and comes back once.
        *unsafe { Box::from_raw(core::ptr::with_exposed_provenance_mut(word as usize)) }
    }
}
