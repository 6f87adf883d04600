//! Defends the invariants and edges of `latchless::ring::mpmc`: each value is popped once, in order, by a
//! pop that happens after its push; a slot is not reused before it was read; Empty, Full and Closed
//! mean what the essay says. The slots are loom's checked cells.

#[path = "mpmc_ring"]
mod mpmc_ring {
    use latchless::ring::MpmcRing as Ring;

    /// The last position.
    const LAST: u64 = u64::MAX;

    #[path = "both.rs"]
    mod both;
}

#[path = "mpmc_ring"]
mod word_ring {
    use latchless::ring::WordRing as Ring;

    /// The last position of which a stamp fits into half of a modelled pair.
    const LAST: u64 = (1 << 28) - 1;

    #[path = "both.rs"]
    #[expect(clippy::duplicate_mod, reason = "the same models of another ring")]
    mod both;
}
