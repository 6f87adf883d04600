//! Defends the orderings of `atomic`: what the declared ordering forbids is never seen. Each litmus
//! test is run by threads on this machine, which forbids more than Rust does; `tests/loom/tests/litmus.rs`
//! asks the same of every execution that Rust's memory model allows.
//!
//! The names are those of the literature: message passing, store buffering, load buffering,
//! independent reads of independent writes (IRIW), coherence.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use latchless::atomic::{AtomicU64, fence};
use latchless::mem::CachePadded;

use common::team::{Member, Team, in_step};

const LITMUS_TURNS: usize = 30_000;

/// Two words for each turn, far enough apart that they share no cache line.
struct Litmus(Vec<[CachePadded<AtomicU64>; 2]>);

impl Litmus {
    /// Two threads on fresh words, turn after turn. Both have read both words shortly before, so
    /// that a store takes long to reach the other CPU and a load is quick to miss it.
    fn run<R: Send>(
        turn: impl Fn(usize, &AtomicU64, &AtomicU64) -> R + Sync,
    ) -> ([Vec<R>; 2], Self) {
        let fresh = || CachePadded::new(AtomicU64::new(0));
        let words = Self((0..LITMUS_TURNS).map(|_| [fresh(), fresh()]).collect());
        let results = in_step(
            LITMUS_TURNS,
            |_, number| words.0[number].iter().for_each(|word| _ = word.load(Relaxed)),
            |me, number| {
                let [first, second] = &words.0[number];
                turn(me, first, second)
            },
        );
        (results, words)
    }
}

#[test]
fn released_message_is_seen_whole() {
    type Publish = fn(&AtomicU64, u64);
    let ways: [(&str, Publish); 4] = [
        ("store", |flag, n| flag.store(n, Release)),
        ("swap", |flag, n| _ = flag.swap(n, Release)),
        ("add", |flag, _| flag.inc(Release)),
        ("fence", |flag, n| {
            fence(Release);
            flag.store(n, Relaxed);
        }),
    ];
    for (name, publish) in ways {
        let (message, flag) = (AtomicU64::new(0), AtomicU64::new(0));
        let members: Vec<Member<'_, ()>> = vec![
            Box::new(|_| {
                for n in 1..=LITMUS_TURNS as u64 {
                    message.store(n, Relaxed);
                    publish(&flag, n);
                }
            }),
            Box::new(|_| {
                for _ in 0..LITMUS_TURNS {
                    let announced = flag.load(Acquire);
                    let seen = message.load(Relaxed);
                    assert!(
                        seen >= announced,
                        "{name}: {announced} was announced, {seen} is there"
                    );
                }
            }),
        ];
        Team::run(members);
    }
}

#[test]
fn two_stores_in_total_order_are_not_both_missed() {
    type Announce = fn(&AtomicU64);
    let ways: [(&str, Announce); 5] = [
        ("store", |mine| mine.store(1, SeqCst)),
        ("swap", |mine| _ = mine.swap(1, SeqCst)),
        ("fetch_add", |mine| _ = mine.fetch_add(1, SeqCst)),
        ("bit_set", |mine| _ = mine.bit_set(0, SeqCst)),
        ("fence", |mine| {
            mine.store(1, Relaxed);
            fence(SeqCst);
        }),
    ];
    for (name, announce) in ways {
        let ([first, second], _) = Litmus::run(|me, first, second| {
            let (mine, others) = if me == 0 { (first, second) } else { (second, first) };
            announce(mine);
            others.load(SeqCst)
        });
        for (number, seen) in first.into_iter().zip(second).enumerate() {
            assert_ne!(seen, (0, 0), "{name}: neither saw the other in turn {number}");
        }
    }
}

#[test]
fn stores_of_one_thread_are_seen_in_order() {
    let ([_, seen], _) = Litmus::run(|me, first, second| {
        if me == 0 {
            first.store(1, Relaxed);
            second.store(1, Release);
            (1, 1)
        } else {
            (second.load(Acquire), first.load(Relaxed))
        }
    });
    assert!(!seen.contains(&(1, 0)), "the second store was seen without the first");
}

#[test]
fn one_of_two_exchanges_wins() {
    let ([first, second], words) =
        Litmus::run(|me, word, _| word.compare_exchange(0, me as u64 + 1, Relaxed, Relaxed));
    for (number, outcome) in first.into_iter().zip(second).enumerate() {
        let winner = words.0[number][0].load(Relaxed);
        let expected = if winner == 1 { (Ok(0), Err(1)) } else { (Err(2), Ok(0)) };
        assert_eq!(outcome, expected, "turn {number}");
    }
}

#[test]
fn loads_before_stores_do_not_see_each_others() {
    // Load buffering: forbidden by acquire loads and release stores.
    let ([first, second], _) = Litmus::run(|me, first, second| {
        let (mine, others) = if me == 0 { (first, second) } else { (second, first) };
        let seen = others.load(Acquire);
        mine.store(1, Release);
        seen
    });
    for (number, seen) in first.into_iter().zip(second).enumerate() {
        assert_ne!(seen, (1, 1), "each saw what the other did later, in turn {number}");
    }
}

#[test]
fn readers_agree_which_of_two_stores_came_first() {
    // Independent reads of independent writes, in total order.
    const TURNS: u64 = 20_000;
    let words = [const { CachePadded::new(AtomicU64::new(0)) }; 2];
    let [first, second] = &words;
    let write = |word: &AtomicU64| (1..=TURNS).for_each(|turn| word.store(turn, SeqCst));
    // What one reader saw of two words, always in the same order.
    let read = |team: &Team, one: &AtomicU64, other: &AtomicU64| {
        let mut seen = Vec::new();
        team.wait_until(|| {
            seen.push([one.load(SeqCst), other.load(SeqCst)]);
            seen.last() == Some(&[TURNS; 2])
        });
        seen
    };
    let mut seen = Team::run(vec![
        Box::new(|_: &Team| {
            write(first);
            Vec::new()
        }) as Member<'_, _>,
        Box::new(|_| {
            write(second);
            Vec::new()
        }),
        Box::new(|team| read(team, first, second)),
        Box::new(|team| read(team, second, first)),
    ]);
    let (by_second, by_first) = (seen.remove(3), seen.remove(2));
    // One saw `first` at a and afterwards `second` at b only; the other saw `second` past b and
    // afterwards `first` below a only: no order of the stores explains both.
    let mut latest = by_second.into_iter().peekable();
    for [a, b] in by_first {
        while latest.peek().is_some_and(|&[second, _]| second <= b) {
            latest.next();
        }
        if let Some(&[second, first]) = latest.peek() {
            assert!(first >= a, "({a}, {b}) and ({first}, {second}) are seen in opposite orders");
        }
    }
}

#[test]
fn reads_of_one_word_never_go_back() {
    const TURNS: u64 = 200_000;
    let word = AtomicU64::new(0);
    let members: Vec<Member<'_, ()>> = vec![
        Box::new(|_| (1..=TURNS).for_each(|turn| word.store(turn, Relaxed))),
        Box::new(|team| {
            let mut last = 0;
            team.wait_until(|| {
                let seen = word.load(Relaxed);
                assert!(seen >= last, "{last}, then {seen}");
                last = seen;
                seen == TURNS
            });
        }),
    ];
    Team::run(members);
}
