//! Defends INV-1 and INV-2 and the edges E1 and E2 of the feed of `capi/src/feed`, whose ends are taken as they are: words are
//! written before they are read and read before they are written again, and a reader that says
//! whatever it likes gains nothing.

use ends::{Lie, Reader, Writer};
use latchless::atomic::AtomicU64;
use latchless_loom::outcomes;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use std::sync::atomic::Ordering::Relaxed;

#[path = "../../../capi/src/feed/ends.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is a module of another crate")]
mod ends;

/// What both sides have: `N` words that loom watches.
struct Shared<const N: usize> {
    tail: AtomicU64,
    head: AtomicU64,
    data: [UnsafeCell<u64>; N],
}

impl<const N: usize> Shared<N> {
    fn new() -> Arc<Self> {
        let data = std::array::from_fn(|_| UnsafeCell::new(0));
        Arc::new(Self { tail: AtomicU64::new(0), head: AtomicU64::new(0), data })
    }

    fn writer(&self) -> Writer<'_> {
        Writer::new(&self.tail, &self.head, N).unwrap()
    }

    fn reader(&self) -> Reader<'_> {
        Reader::new(&self.tail, &self.head, N).unwrap()
    }

    /// Writes a word, if there is room for one.
    fn write(&self, writer: &mut Writer<'_>, word: u64) -> Result<bool, Lie> {
        if writer.room(1)? == 0 {
            return Ok(false);
        }
        let [(index, _), _] = writer.spans(0);
        // SAFETY: nobody reads a vacant word, or the models fail.
        self.data[index].with_mut(|place| unsafe { *place = word });
        writer.publish(1);
        Ok(true)
    }

    /// Reads a word, if there is one.
    fn read(&self, reader: &mut Reader<'_>) -> Option<u64> {
        if reader.pending() == 0 {
            return None;
        }
        let [(index, _), _] = reader.spans(0);
        // SAFETY: nobody writes to a word that is pending, or the models fail.
        let word = self.data[index].with(|place| unsafe { *place });
        reader.release(1);
        Some(word)
    }
}

/// Two words through room for one: the second goes where the first was read.
#[test]
fn write_races_read_on_the_last_word() {
    let expected = [
        (false, [None, None]),
        (false, [Some(1), None]),
        (false, [None, Some(1)]),
        (true, [None, Some(1)]),
        (true, [Some(1), None]),
        (true, [Some(1), Some(2)]),
    ];
    outcomes("write_races_read_on_the_last_word", None, &expected, || {
        let shared = Shared::<1>::new();
        let mut writer = shared.writer();
        let other = Arc::clone(&shared);
        let reads = thread::spawn(move || {
            let mut reader = other.reader();
            [(); 2].map(|()| other.read(&mut reader))
        });
        assert_eq!(shared.write(&mut writer, 1), Ok(true));
        let second = shared.write(&mut writer, 2).unwrap();
        (second, reads.join().unwrap())
    });
}

/// Two words are shown by one store: both are there, or none.
#[test]
fn words_come_together() {
    let expected = [0, 2];
    outcomes("words_come_together", None, &expected, || {
        let shared = Shared::<2>::new();
        let mut writer = shared.writer();
        let other = Arc::clone(&shared);
        let reads = thread::spawn(move || {
            let mut reader = other.reader();
            let pending = reader.pending();
            for offset in 0..pending {
                let [(index, _), _] = reader.spans(offset);
                // SAFETY: nobody writes to a word that is pending, or the model fails.
                assert_eq!(other.data[index].with(|place| unsafe { *place }), 7 + offset as u64);
            }
            reader.release(pending);
            pending
        });
        assert_eq!(writer.room(2), Ok(2));
        for offset in 0..2 {
            let [(index, _), _] = writer.spans(offset);
            // SAFETY: nobody reads a vacant word, or the model fails.
            shared.data[index].with_mut(|place| unsafe { *place = 7 + offset as u64 });
        }
        writer.publish(2);
        reads.join().unwrap()
    });
}

/// A reader writes what it likes, at any time. What cannot be is told, whatever is believed leaves the writer within
/// the ring, and a lie that was told is no reason not to believe what comes after.
#[test]
fn reader_lies_while_the_writer_asks() {
    // Whether what the writer found could be: before the lie, during, after.
    let expected = [[true, true], [true, false], [false, true], [false, false]];
    outcomes("reader_lies_while_the_writer_asks", None, &expected, || {
        let shared = Shared::<2>::new();
        let mut writer = shared.writer();
        writer.publish(1);
        let other = Arc::clone(&shared);
        let liar = thread::spawn(move || {
            // ORDERING: Relaxed; a liar keeps no order.
            other.head.store(9, Relaxed);
            // ORDERING: Relaxed, as above.
            other.head.store(1, Relaxed);
        });
        let asked = [(); 2].map(|()| writer.room(2));
        liar.join().unwrap();
        // What it said last can be, and says that both words are vacant.
        assert_eq!(writer.room(2), Ok(2));
        asked.map(|room| {
            assert!(room.is_err() || room == Ok(1) || room == Ok(2), "{room:?}");
            room.is_ok()
        })
    });
}
