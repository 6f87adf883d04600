//! What is measured: a family of structures, and what threads do to one of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Structures that can stand in for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Family {
    Spsc,
    Mpmc,
    Stack,
    Pool,
    Snapshot,
    Counter,
    Atomic,
}

/// What the threads of a run do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    /// One thread: push and pop, or allocate and free, or the one operation, in turns.
    Alone,
    /// One thread: this many allocations, then as many frees.
    Burst(usize),
    /// This many threads, each doing what `Alone` does.
    Each(usize),
    /// This many producers and as many consumers.
    Stream(usize),
    /// One producer and one consumer, moving up to this many items a call.
    Batch(usize),
    /// One producer and one consumer, moving up to this many items a call, which are made and read
    /// where the ring keeps them.
    Chunk(usize),
    /// Two threads throw one item to and fro; each round trip is timed.
    RoundTrip,
    /// Nothing is timed: how many bytes the structure holds on to when it is full.
    Memory,
}

/// What is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Payload {
    /// 8 bytes.
    Word,
    /// 64 bytes: a cache line.
    Line,
}

/// One operation of an atomic integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Load,
    Store,
    StoreSeqCst,
    Swap,
    FetchAdd,
    FetchAnd,
    FetchNand,
    FetchOr,
    FetchXor,
    FetchMax,
    CompareExchange,
    FetchUpdate,
    Add,
    Or,
    Not,
    Neg,
    DecAndTest,
    BitSet,
    PairLoad,
    PairExchange,
}

/// One table of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) family: Family,
    pub(crate) shape: Shape,
    pub(crate) payload: Payload,
    /// Slots; 0 where there are none.
    pub(crate) capacity: usize,
    /// Only of atomics.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) operation: Option<Operation>,
}

/// Every case, in the order of the report.
pub(crate) fn all() -> Vec<Case> {
    use Payload::{Line, Word};
    use Shape::{Alone, Batch, Burst, Chunk, Each, Memory, RoundTrip, Stream};

    let mut cases = Vec::new();
    for family in [Family::Spsc, Family::Mpmc] {
        let mut add = |shape, payload, capacity| {
            cases.push(Case { family, shape, payload, capacity, operation: None });
        };
        if family == Family::Spsc {
            for (payload, capacity) in each_of(&[Word, Line], &[64, 1024, 65536]) {
                add(Alone, payload, capacity);
            }
        } else {
            add(Alone, Word, 1024);
        }
        for (payload, capacity) in each_of(&[Word, Line], &[64, 1024, 65536]) {
            add(Stream(1), payload, capacity);
        }
        if family == Family::Spsc {
            for (payload, batch) in each_of(&[Word, Line], &[8, 64, 256]) {
                add(Batch(batch), payload, 1024);
            }
            for (payload, capacity) in each_of(&[Word, Line], &[64, 65536]) {
                add(Batch(64), payload, capacity);
            }
            for (payload, chunk) in each_of(&[Word, Line], &[8, 64, 256]) {
                add(Chunk(chunk), payload, 1024);
            }
        } else {
            for batch in [8, 64] {
                add(Batch(batch), Word, 1024);
            }
            add(Each(2), Word, 1024);
            add(Stream(2), Word, 1024);
            add(Each(4), Word, 1024);
        }
        add(RoundTrip, Word, 64);
        if family == Family::Spsc {
            add(RoundTrip, Line, 64);
        }
        for capacity in [64, 1024, 65536] {
            add(Memory, Word, capacity);
        }
    }
    for family in [Family::Stack, Family::Pool] {
        for shape in [Alone, Burst(32), Each(2), Each(4)] {
            cases.push(Case { family, shape, payload: Line, capacity: 1024, operation: None });
        }
        for capacity in [64, 1024, 65536] {
            cases.push(Case { family, shape: Memory, payload: Line, capacity, operation: None });
        }
    }
    for shape in [Alone, Each(2), Each(4)] {
        let family = Family::Snapshot;
        cases.push(Case { family, shape, payload: Line, capacity: 0, operation: None });
    }
    for shape in [Alone, Each(2), Each(4), Memory] {
        let family = Family::Counter;
        cases.push(Case { family, shape, payload: Word, capacity: 0, operation: None });
    }
    for operation in Operation::ALL {
        let family = Family::Atomic;
        let operation = Some(operation);
        cases.push(Case { family, shape: Alone, payload: Word, capacity: 0, operation });
    }
    cases
}

/// Each payload with each of the sizes.
fn each_of<'a>(
    payloads: &'a [Payload],
    sizes: &'a [usize],
) -> impl Iterator<Item = (Payload, usize)> + 'a {
    payloads.iter().flat_map(move |&payload| sizes.iter().map(move |&size| (payload, size)))
}

// === impl Case ===

impl Case {
    /// A name for files and filters, `spsc-1p1c-u64-1024`.
    pub(crate) fn id(&self) -> String {
        let mut id = format!("{}-{}", self.family.name(), self.shape);
        if let Some(operation) = self.operation {
            id = format!("{}-{}", self.family.name(), operation.name());
        }
        if self.capacity > 0 {
            id = format!("{id}-{}-{}", self.payload.name(), self.capacity);
        }
        id
    }

    /// What the case is, for a person.
    pub(crate) fn title(&self) -> String {
        let what = match (self.operation, self.shape) {
            (Some(operation), _) => format!("`{}` in a loop, one thread", operation.name()),
            (None, Shape::Alone) => "one thread".to_owned(),
            (None, Shape::Burst(count)) => format!("one thread, {count} out, then {count} back"),
            (None, Shape::Each(threads)) => format!("{threads} threads, each in and out"),
            (None, Shape::Stream(1)) => "one producer, one consumer".to_owned(),
            (None, Shape::Stream(n)) => format!("{n} producers, {n} consumers"),
            (None, Shape::Batch(n)) => format!("one producer, one consumer, batches of {n}"),
            (None, Shape::Chunk(n)) => {
                format!("one producer, one consumer, chunks of {n} in place")
            }
            (None, Shape::RoundTrip) => "round trip between two threads".to_owned(),
            (None, Shape::Memory) => "memory when full".to_owned(),
        };
        let mut title = format!("{}: {what}", self.family.title());
        if self.capacity > 0 {
            title = format!("{title}, {}, {} slots", self.payload.title(), self.capacity);
        }
        title
    }

    /// What a figure is a figure of.
    pub(crate) fn unit(&self) -> &'static str {
        match (self.family, self.shape) {
            (_, Shape::Memory) => "bytes",
            (_, Shape::RoundTrip) => "ns a round trip (median)",
            (Family::Spsc | Family::Mpmc, Shape::Alone | Shape::Each(_)) => "ns a push and pop",
            (Family::Spsc | Family::Mpmc, _) => "ns an item",
            (Family::Stack | Family::Pool, _) => "ns a block out and back",
            (Family::Snapshot, _) => "ns a read",
            (Family::Counter | Family::Atomic, _) => "ns an operation",
        }
    }

    /// How many threads take part.
    pub(crate) fn threads(&self) -> usize {
        match self.shape {
            Shape::Alone | Shape::Burst(_) | Shape::Memory => 1,
            Shape::Each(threads) => threads,
            Shape::Stream(pairs) => 2 * pairs,
            Shape::Batch(_) | Shape::Chunk(_) | Shape::RoundTrip => 2,
        }
    }
}

// === impl Family, Shape, Payload, Operation ===

impl Family {
    pub(crate) const ALL: [Family; 7] = [
        Family::Spsc,
        Family::Mpmc,
        Family::Stack,
        Family::Pool,
        Family::Snapshot,
        Family::Counter,
        Family::Atomic,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Family::Spsc => "spsc",
            Family::Mpmc => "mpmc",
            Family::Stack => "stack",
            Family::Pool => "pool",
            Family::Snapshot => "snapshot",
            Family::Counter => "counter",
            Family::Atomic => "atomic",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Family::Spsc => "SPSC rings",
            Family::Mpmc => "MPMC queues",
            Family::Stack => "Free lists of indices",
            Family::Pool => "Pools",
            Family::Snapshot => "Values that are replaced",
            Family::Counter => "Counters",
            Family::Atomic => "Atomics",
        }
    }
}

impl Shape {
    /// What cases of this shape are called together, whatever their sizes.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Shape::Alone => "alone",
            Shape::Burst(_) => "bursts",
            Shape::Each(_) => "in and out",
            Shape::Stream(_) => "streams",
            Shape::Batch(_) => "batches",
            Shape::Chunk(_) => "chunks",
            Shape::RoundTrip => "round trips",
            Shape::Memory => "memory",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Alone => f.write_str("alone"),
            Shape::Burst(count) => write!(f, "burst{count}"),
            Shape::Each(threads) => write!(f, "each{threads}"),
            Shape::Stream(pairs) => write!(f, "{pairs}p{pairs}c"),
            Shape::Batch(batch) => write!(f, "batch{batch}"),
            Shape::Chunk(chunk) => write!(f, "chunk{chunk}"),
            Shape::RoundTrip => f.write_str("roundtrip"),
            Shape::Memory => f.write_str("memory"),
        }
    }
}

impl Payload {
    fn name(self) -> &'static str {
        match self {
            Payload::Word => "u64",
            Payload::Line => "64b",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Payload::Word => "u64",
            Payload::Line => "64-byte items",
        }
    }
}

impl Operation {
    const ALL: [Operation; 20] = [
        Operation::Load,
        Operation::Store,
        Operation::StoreSeqCst,
        Operation::Swap,
        Operation::FetchAdd,
        Operation::FetchAnd,
        Operation::FetchNand,
        Operation::FetchOr,
        Operation::FetchXor,
        Operation::FetchMax,
        Operation::CompareExchange,
        Operation::FetchUpdate,
        Operation::Add,
        Operation::Or,
        Operation::Not,
        Operation::Neg,
        Operation::DecAndTest,
        Operation::BitSet,
        Operation::PairLoad,
        Operation::PairExchange,
    ];

    fn name(self) -> &'static str {
        match self {
            Operation::Load => "load",
            Operation::Store => "store",
            Operation::StoreSeqCst => "store_seq_cst",
            Operation::Swap => "swap",
            Operation::FetchAdd => "fetch_add",
            Operation::FetchAnd => "fetch_and",
            Operation::FetchNand => "fetch_nand",
            Operation::FetchOr => "fetch_or",
            Operation::FetchXor => "fetch_xor",
            Operation::FetchMax => "fetch_max",
            Operation::CompareExchange => "compare_exchange",
            Operation::FetchUpdate => "fetch_update",
            Operation::Add => "add",
            Operation::Or => "or",
            Operation::Not => "not",
            Operation::Neg => "neg",
            Operation::DecAndTest => "dec_and_test",
            Operation::BitSet => "bit_set",
            Operation::PairLoad => "load_128",
            Operation::PairExchange => "compare_exchange_128",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let ids: BTreeSet<String> = all().iter().map(Case::id).collect();
        assert_eq!(ids.len(), all().len());
        assert!(ids.contains("spsc-1p1c-u64-1024"), "{ids:?}");
        assert!(ids.contains("atomic-fetch_add"), "{ids:?}");
    }
}
