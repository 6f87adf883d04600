//! Defends INV-1 and INV-2 of the feed of `capi/src/feed`, by which a kernel hands records to a program that it does
//! not trust: whatever the reader says, the writer stays within the ring, believes only what can be, and tells the rest.
//! Models: `tests/loom/tests/feed.rs`; the whole of it in C: `capi/tests/structures.c`.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use latchless::atomic::AtomicU64;
use proptest::prelude::*;

use ends::{Lie, Reader, Writer};

#[path = "../capi/src/feed/ends.rs"]
#[allow(unreachable_pub, dead_code, reason = "it is a module of another crate")]
mod ends;

/// What the two sides do.
#[derive(Clone, Debug)]
enum Step {
    /// The writer writes so many words, if it is told that there is room.
    Write(usize),
    /// The reader reads up to so many words, and says so.
    Read(usize),
    /// The reader says that it is so far from where the writer is.
    Say(i64),
    /// The reader says that it is anywhere.
    SayAnything(u64),
    Check,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..20usize).prop_map(Step::Write),
        4 => (0..20usize).prop_map(Step::Read),
        2 => (-24..8i64).prop_map(Step::Say),
        1 => any::<u64>().prop_map(Step::SayAnything),
        1 => Just(Step::Check),
    ];
    prop::collection::vec(step, 0..80)
}

/// What is known of a feed by one who sees everything.
struct World<'a> {
    writer: Writer<'a>,
    reader: Reader<'a>,
    shown_head: &'a AtomicU64,
    data: Vec<u64>,
    tail: u64,
    /// What the writer has believed last.
    believed: u64,
    /// What is to be read, as long as nobody has lied.
    pending: Option<VecDeque<u64>>,
}

impl World<'_> {
    /// What the writer has to make of what the reader says now.
    fn truth(&mut self) -> Result<(), Lie> {
        let head = self.shown_head.load(Relaxed);
        let can_be = (self.believed..=self.tail).contains(&head);
        if can_be {
            self.believed = head;
        }
        can_be.then_some(()).ok_or(Lie)
    }

    fn step(&mut self, step: &Step) {
        let capacity = self.data.len();
        let vacant = |world: &Self| capacity - (world.tail - world.believed) as usize;
        match *step {
            Step::Write(words) => {
                let words = words.min(capacity);
                let known = vacant(self);
                let truth = if known < words { self.truth() } else { Ok(()) };
                let room = self.writer.room(words);
                assert_eq!(room, truth.map(|()| vacant(self)));
                if room.is_ok_and(|room| room >= words) {
                    for offset in 0..words {
                        let word = self.tail + offset as u64;
                        let [(index, first), (start, second)] = self.writer.spans(offset);
                        assert!(index + first == capacity && start == 0 && second == index);
                        self.data[index] = word;
                        self.pending.iter_mut().for_each(|pending| pending.push_back(word));
                    }
                    self.writer.publish(words);
                    self.tail += words as u64;
                }
            }
            Step::Read(words) => {
                let pending = self.reader.pending();
                assert!(pending <= capacity, "{pending} of {capacity}");
                let words = words.min(pending);
                for offset in 0..words {
                    let [(index, _), _] = self.reader.spans(offset);
                    if let Some(pending) = &mut self.pending {
                        assert_eq!(Some(self.data[index]), pending.pop_front());
                    }
                }
                self.reader.release(words);
            }
            Step::Say(distance) => self.say(self.tail.wrapping_add_signed(distance)),
            Step::SayAnything(position) => self.say(position),
            Step::Check => {
                let truth = self.truth();
                assert_eq!(self.writer.look(), truth);
            }
        }
    }

    fn say(&mut self, position: u64) {
        self.shown_head.store(position, Relaxed);
        self.pending = None;
    }
}

proptest! {
    #[test]
    fn hostile_reader_gains_nothing(steps in steps(), bits in 0..5u32) {
        let (tail, head) = (AtomicU64::new(7), AtomicU64::new(7));
        let capacity = 1 << bits;
        let Some(writer) = Writer::new(&tail, &head, capacity) else { panic!("a power of two") };
        let Some(reader) = Reader::new(&tail, &head, capacity) else { panic!("a power of two") };
        prop_assert_eq!(writer.capacity(), capacity);
        let mut world = World {
            writer,
            reader,
            shown_head: &head,
            data: vec![0; capacity],
            tail: 0,
            believed: 0,
            pending: Some(VecDeque::new()),
        };
        for step in &steps {
            world.step(step);
        }
    }

    #[test]
    fn capacity(capacity in prop_oneof![0..70usize, Just(usize::MAX)]) {
        let (tail, head) = (AtomicU64::new(0), AtomicU64::new(0));
        prop_assert_eq!(Writer::new(&tail, &head, capacity).is_some(), capacity.is_power_of_two());
        prop_assert_eq!(Reader::new(&tail, &head, capacity).is_some(), capacity.is_power_of_two());
    }
}

/// The reader starts where the one before has left off, near the end of the integers too.
#[test]
fn positions_wrap() {
    let (tail, head) = (AtomicU64::new(0), AtomicU64::new(0));
    let Some(mut writer) = Writer::new(&tail, &head, 4) else { panic!("a power of two") };
    // As if so many words had been written and read.
    for words in [1 << 63, (1 << 63) - 2] {
        writer.publish(words);
        head.store(tail.load(Relaxed), Relaxed);
        assert_eq!(writer.look(), Ok(()));
    }
    let Some(mut reader) = Reader::new(&tail, &head, 4) else { panic!("a power of two") };
    for word in 0..8_usize {
        assert_eq!(writer.room(4), Ok(4));
        assert_eq!(writer.spans(0)[0], ((word * 3 + 2) % 4, 4 - (word * 3 + 2) % 4));
        writer.publish(3);
        assert_eq!((reader.pending(), writer.room(4)), (3, Ok(1)));
        head.store(tail.load(Relaxed).wrapping_add(1), Relaxed);
        assert_eq!(writer.look(), Err(Lie), "a position ahead of the writer");
        reader.release(3);
    }
    assert!(tail.load(Relaxed) < 64, "the positions have wrapped");
}
