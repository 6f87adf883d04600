//! Defends a ring of bytes as text and streams see it: what is written is read, in order and to the end,
//! in whatever pieces; a full ring and an empty one say so, or are waited for, and an end that has gone is
//! told from one that is slow.

#![cfg(any(feature = "std", feature = "embedded-io"))]
#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::fmt::Write as _;

use latchless::ring::SpscRing;
use proptest::prelude::*;

use common::property_config;
use common::team::{Member, Team};

/// A ring of eight that has three bytes before the end of its memory.
fn ring_that_goes_round() -> SpscRing<u8, 8> {
    SpscRing::with_start(usize::MAX - 2)
}

/// Some bytes, no two stretches of them alike.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at ^ at >> 8) as u8).collect()
}

// === Text ===

#[test]
fn text_goes_in_whole_or_not_at_all() {
    let mut ring = ring_that_goes_round();
    let (mut producer, mut consumer) = ring.split();
    assert_eq!(producer.write_str(""), Ok(()));
    assert_eq!(producer.write_str("12345"), Ok(()));
    assert_eq!(producer.write_str("6789"), Err(core::fmt::Error));
    assert_eq!(producer.write_char('ß'), Ok(()));
    assert_eq!(producer.write_char('ß'), Err(core::fmt::Error));
    assert_eq!(producer.write_char('!'), Ok(()));
    assert_eq!(producer.write_str(""), Ok(()));
    assert!(consumer.pop_iter().eq("12345ß!".bytes()));
    // The pieces before the one that does not fit are in the ring.
    let pieces = ["12345", "6789"];
    assert_eq!(write!(producer, "{}{}", pieces[0], pieces[1]), Err(core::fmt::Error));
    assert!(consumer.pop_iter().eq("12345".bytes()));
}

// === std ===

#[cfg(feature = "std")]
mod with_std {
    use std::io::{BufRead, ErrorKind, Read, Write};

    use latchless::ring::SpscHeapRing;

    use super::*;

    #[test]
    fn writes_what_fits_and_reads_what_is_there() {
        let mut ring = ring_that_goes_round();
        let (mut producer, mut consumer) = ring.split();
        let mut places = [0; 6];
        assert_eq!(consumer.read(&mut places).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(producer.write(b"0123456789").unwrap(), 8);
        assert_eq!(producer.write(b"89").unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(producer.flush().is_ok());
        assert_eq!(consumer.read(&mut places).unwrap(), 6);
        assert_eq!(&places, b"012345");
        assert_eq!(producer.write(b"89").unwrap(), 2);
        assert_eq!(consumer.read(&mut places).unwrap(), 4);
        assert_eq!(&places[..4], b"6789");
        assert_eq!(consumer.read(&mut places).unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn nothing_is_no_end_and_no_failure() {
        let mut ring = ring_that_goes_round();
        let (mut producer, mut consumer) = ring.split();
        assert_eq!(consumer.read(&mut []).unwrap(), 0);
        assert_eq!(producer.write(&[]).unwrap(), 0);
        assert_eq!(producer.write(&[1; 8]).unwrap(), 8);
        assert_eq!(producer.write(&[]).unwrap(), 0);
        drop(consumer);
        assert_eq!(producer.write(&[]).unwrap(), 0);
    }

    #[test]
    fn end_that_has_gone_is_told() {
        let ring = ring_that_goes_round();
        let (mut producer, mut consumer) = ring.try_split().unwrap();
        assert_eq!(producer.write(b"abc").unwrap(), 3);
        drop(producer);
        let mut places = [0; 2];
        assert_eq!(consumer.read(&mut places).unwrap(), 2);
        assert_eq!(consumer.fill_buf().unwrap(), b"c");
        assert_eq!(consumer.read(&mut places).unwrap(), 1);
        assert_eq!(consumer.read(&mut places).unwrap(), 0);
        assert_eq!(consumer.fill_buf().unwrap(), b"");

        drop(consumer);
        // Room is room, whoever may read it.
        let (mut producer, consumer) = ring.try_split().unwrap();
        drop(consumer);
        assert_eq!(producer.write(&[1; 9]).unwrap(), 8);
        assert_eq!(producer.write(&[1]).unwrap_err().kind(), ErrorKind::BrokenPipe);
        let _consumer = ring.try_consumer().unwrap();
        assert_eq!(producer.write(&[1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn buffer_ends_with_the_memory() {
        let mut ring = ring_that_goes_round();
        let (mut producer, mut consumer) = ring.split();
        assert_eq!(consumer.fill_buf().unwrap_err().kind(), ErrorKind::WouldBlock);
        producer.write_all(b"one\ntwo\n").unwrap();
        assert_eq!(consumer.fill_buf().unwrap(), b"one");
        consumer.consume(0);
        assert_eq!(consumer.fill_buf().unwrap(), b"one");
        consumer.consume(2);
        assert_eq!(consumer.fill_buf().unwrap(), b"e");
        consumer.consume(1);
        assert_eq!(consumer.fill_buf().unwrap(), b"\ntwo\n");
        consumer.consume(5);
        assert_eq!(consumer.fill_buf().unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn line_goes_round_the_memory() {
        let mut ring = ring_that_goes_round();
        let (mut producer, mut consumer) = ring.split();
        producer.write_all(b"first\n2n").unwrap();
        let mut line = String::new();
        assert_eq!(consumer.read_line(&mut line).unwrap(), 6);
        assert_eq!(line, "first\n");
        // The rest of the line is to come.
        assert_eq!(consumer.read_line(&mut line).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(line, "first\n2n");
        producer.write_all(b"d\n").unwrap();
        assert_eq!(consumer.read_line(&mut line).unwrap(), 2);
        assert_eq!(line, "first\n2nd\n");
        drop(producer);
        assert_eq!(consumer.read_line(&mut line).unwrap(), 0);
    }

    /// Writes all, as one does who has nothing else to do while the ring is full.
    fn write_all_of(team: &Team, mut to: impl Write, mut bytes: &[u8]) {
        let mut most = 1;
        while !bytes.is_empty() {
            let piece = &bytes[..bytes.len().min(most)];
            let written = team.wait_for(|| match to.write(piece) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => None,
                result => Some(result.expect("the other end is there")),
            });
            assert!(written > 0 && written <= piece.len());
            bytes = &bytes[written..];
            most = most % 37 + 1;
        }
    }

    #[test]
    fn lines_arrive_whole_from_another_thread() {
        let lines: Vec<String> =
            (0..2_000_usize).map(|at| format!("{at:0width$}\n", width = at % 40)).collect();
        let text = lines.concat();
        let (producer, mut consumer) = SpscHeapRing::with_capacity(16).into_split();
        let members: Vec<Member<'_, ()>> = vec![
            Box::new(|team| write_all_of(team, producer, text.as_bytes())),
            Box::new(|team| {
                for expected in lines.iter().map(String::as_str).chain([""]) {
                    let mut line = String::new();
                    team.wait_for(|| match consumer.read_line(&mut line) {
                        // What there was of the line is in it already.
                        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
                        result => Some(result.expect("it is text")),
                    });
                    assert_eq!(line, expected);
                }
            }),
        ];
        Team::run(members);
    }

    #[test]
    fn everything_arrives_before_the_end() {
        let sent = bytes(50_000);
        for slots in [1, 8, 1024] {
            let sent = &sent[..50 * slots.min(1000)];
            let (producer, mut consumer) = SpscHeapRing::with_capacity(slots).into_split();
            let members: Vec<Member<'_, ()>> = vec![
                Box::new(move |team| write_all_of(team, producer, sent)),
                Box::new(|team| {
                    let mut received = Vec::new();
                    team.wait_for(|| match consumer.read_to_end(&mut received) {
                        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
                        result => Some(result.expect("nothing else fails")),
                    });
                    assert!(received == sent, "{} of {} bytes", received.len(), sent.len());
                }),
            ];
            Team::run(members);
        }
    }

    proptest! {
        #![proptest_config(property_config())]

        #[test]
        fn any_pieces_agree_with_a_queue(
            start in (0..16usize).prop_map(|before| usize::MAX - before),
            pieces in prop::collection::vec((0..12usize, 0..12usize, any::<bool>()), 0..60),
        ) {
            let mut ring = SpscRing::<u8, 8>::with_start(start);
            let (mut producer, mut consumer) = ring.split();
            let sent = bytes(12 * 60);
            let (mut written, mut read) = (0, 0);
            for (writes, reads, is_buffered) in pieces {
                let room = 8 - (written - read);
                match producer.write(&sent[written..written + writes]) {
                    Ok(count) => {
                        prop_assert_eq!(count, writes.min(room));
                        prop_assert!(count > 0 || writes == 0);
                        written += count;
                    }
                    Err(error) => {
                        prop_assert_eq!((error.kind(), room), (ErrorKind::WouldBlock, 0));
                    }
                }
                let there = written - read;
                let mut places = [0; 12];
                let result = if is_buffered {
                    consumer.fill_buf().map(|buffer| {
                        let count = buffer.len().min(reads);
                        places[..count].copy_from_slice(&buffer[..count]);
                        count
                    })
                } else {
                    consumer.read(&mut places[..reads])
                };
                match result {
                    Ok(count) => {
                        prop_assert!(count <= there.min(reads));
                        prop_assert!(count > 0 || reads == 0);
                        prop_assert!(is_buffered || count == there.min(reads));
                        prop_assert_eq!(&places[..count], &sent[read..read + count]);
                        if is_buffered {
                            consumer.consume(count);
                        }
                        read += count;
                    }
                    Err(error) => {
                        prop_assert_eq!((error.kind(), there), (ErrorKind::WouldBlock, 0));
                    }
                }
            }
        }
    }
}

// === embedded-io ===

#[cfg(feature = "embedded-io")]
mod with_embedded_io {
    use embedded_io::{BufRead, ErrorKind, Read, ReadReady, Write, WriteReady};

    use super::*;

    #[test]
    fn readiness_is_room_a_value_or_the_end() {
        let mut ring = ring_that_goes_round();
        let (mut producer, mut consumer) = ring.split();
        assert_eq!((producer.write_ready(), consumer.read_ready()), (Ok(true), Ok(false)));
        assert_eq!(producer.write(b"0123456789"), Ok(8));
        assert_eq!((producer.write_ready(), consumer.read_ready()), (Ok(false), Ok(true)));
        assert_eq!(producer.flush(), Ok(()));
        let mut places = [0; 9];
        assert_eq!(consumer.read(&mut places), Ok(8));
        assert_eq!(&places[..8], b"01234567");
        assert_eq!((producer.write_ready(), consumer.read_ready()), (Ok(true), Ok(false)));
        drop(producer);
        assert_eq!(consumer.read_ready(), Ok(true), "there is an end to be read");
        assert_eq!(consumer.read(&mut places), Ok(0));
    }

    #[test]
    fn nothing_is_not_waited_for() {
        let mut ring = ring_that_goes_round();
        let (mut producer, mut consumer) = ring.split();
        assert_eq!(consumer.read(&mut []), Ok(0));
        assert_eq!(producer.write(&[1; 8]), Ok(8));
        assert_eq!(producer.write(&[]), Ok(0));
    }

    #[test]
    fn end_that_has_gone_is_told() {
        let ring = ring_that_goes_round();
        let (mut producer, mut consumer) = ring.try_split().unwrap();
        assert_eq!(producer.write(b"abcde"), Ok(5));
        drop(producer);
        assert_eq!(consumer.fill_buf(), Ok(&b"abc"[..]));
        consumer.consume(2);
        let mut places = [0; 9];
        assert_eq!(consumer.read(&mut places), Ok(3));
        assert_eq!(&places[..3], b"cde");
        assert_eq!(consumer.fill_buf(), Ok(&[][..]));
        assert_eq!(consumer.read(&mut places), Ok(0));
        drop(consumer);

        let (mut producer, consumer) = ring.try_split().unwrap();
        drop(consumer);
        assert_eq!(producer.write(&[1; 9]), Ok(8));
        assert_eq!(producer.write(&[1]), Err(ErrorKind::BrokenPipe));
    }

    #[test]
    fn bytes_of_another_thread_are_waited_for() {
        let sent = bytes(20_000);
        for by_buffer in [false, true] {
            let mut ring = ring_that_goes_round();
            let (mut producer, mut consumer) = ring.split();
            let members: Vec<Member<'_, Vec<u8>>> = vec![
                Box::new({
                    let sent = &sent;
                    move |_| {
                        for piece in sent.chunks(13) {
                            assert_eq!(producer.write_all(piece), Ok(()));
                        }
                        Vec::new()
                    }
                }),
                Box::new(move |_| {
                    let mut received = Vec::new();
                    loop {
                        let mut places = [0; 5];
                        let count = if by_buffer {
                            let buffer = consumer.fill_buf().expect("nothing fails");
                            received.extend_from_slice(buffer);
                            let count = buffer.len();
                            consumer.consume(count);
                            count
                        } else {
                            let count = consumer.read(&mut places).expect("nothing fails");
                            received.extend_from_slice(&places[..count]);
                            count
                        };
                        if count == 0 {
                            return received;
                        }
                    }
                }),
            ];
            assert!(Team::run(members).concat() == sent, "bytes are missing, or others came");
        }
    }

    #[test]
    fn writer_is_told_of_a_reader_that_goes() {
        let mut ring = ring_that_goes_round();
        let (mut producer, mut consumer) = ring.split();
        let members: Vec<Member<'_, ()>> = vec![
            Box::new(move |_| {
                assert!(matches!(producer.write_all(&[7; 100]), Err(ErrorKind::BrokenPipe)));
            }),
            Box::new(move |_| {
                let mut places = [0; 20];
                assert!(consumer.read_exact(&mut places).is_ok());
            }),
        ];
        Team::run(members);
    }
}
