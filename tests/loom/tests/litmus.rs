//! Defends the orderings of `latchless::atomic` where Rust's memory model is the machine: each method
//! hands on the ordering that it was given. Every test is run with the ordering, when the forbidden
//! outcome must not be, and without it, when it must be seen: otherwise it would prove nothing.
//!
//! loom runs each thread in its program order, so load buffering is never seen, not even where it is
//! allowed.

use latchless::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use latchless::atomic::{AtomicBool, AtomicPtr, AtomicU32, fence};
use latchless_loom::outcomes;
use loom::{sync::Arc, thread};

/// Changes a flag that is 0 to 1 or another odd number.
type Publish = fn(&AtomicU32, Ordering);
/// Tells whether the flag is odd; the ordering is an acquire or relaxed.
type Observe = fn(&AtomicU32, Ordering) -> bool;

fn is_odd(flag: u32) -> bool {
    flag % 2 == 1
}

const PUBLISH: [(&str, Publish); 24] =
    [
        ("store", |flag, order| flag.store(1, order)),
        ("swap", |flag, order| _ = flag.swap(1, order)),
        ("compare_exchange", |flag, order| _ = flag.compare_exchange(0, 1, order, Relaxed)),
        ("compare_exchange_weak", |flag, order| {
            while flag.compare_exchange_weak(0, 1, order, Relaxed).is_err() {}
        }),
        ("fetch_add", |flag, order| _ = flag.fetch_add(1, order)),
        ("fetch_sub", |flag, order| _ = flag.fetch_sub(1, order)),
        ("fetch_or", |flag, order| _ = flag.fetch_or(1, order)),
        ("fetch_xor", |flag, order| _ = flag.fetch_xor(1, order)),
        ("fetch_nand", |flag, order| _ = flag.fetch_nand(1, order)),
        ("fetch_not", |flag, order| _ = flag.fetch_not(order)),
        ("fetch_max", |flag, order| _ = flag.fetch_max(1, order)),
        ("update", |flag, order| _ = flag.update(order, Relaxed, |now| now + 1)),
        ("add_fetch", |flag, order| _ = flag.add_fetch(1, order)),
        ("max_fetch", |flag, order| _ = flag.max_fetch(1, order)),
        ("add", |flag, order| flag.add(1, order)),
        ("sub", |flag, order| flag.sub(1, order)),
        ("or", |flag, order| flag.or(1, order)),
        ("xor", |flag, order| flag.xor(1, order)),
        ("inc", |flag, order| flag.inc(order)),
        ("dec", |flag, order| flag.dec(order)),
        ("not", |flag, order| flag.not(order)),
        ("add_and_test", |flag, order| _ = flag.add_and_test(1, order)),
        ("dec_and_test", |flag, order| _ = flag.dec_and_test(order)),
        ("bit_set", |flag, order| _ = flag.bit_set(0, order)),
    ];

const OBSERVE: [(&str, Observe); 18] = [
    ("load", |flag, order| is_odd(flag.load(order))),
    ("swap", |flag, order| is_odd(flag.swap(0, order))),
    ("compare_exchange", |flag, order| flag.compare_exchange(1, 2, order, Relaxed).is_ok()),
    ("compare_exchange that fails", |flag, order| {
        flag.compare_exchange(5, 6, Relaxed, order) == Err(1)
    }),
    ("fetch_add", |flag, order| is_odd(flag.fetch_add(2, order))),
    ("fetch_and", |flag, order| is_odd(flag.fetch_and(!0, order))),
    ("fetch_neg", |flag, order| is_odd(flag.fetch_neg(order))),
    ("fetch_min", |flag, order| is_odd(flag.fetch_min(9, order))),
    ("fetch_update", |flag, order| flag.fetch_update(order, Relaxed, Some).is_ok_and(is_odd)),
    ("fetch_update that declines", |flag, order| {
        flag.fetch_update(Relaxed, order, |_| None).is_err_and(is_odd)
    }),
    ("sub_fetch", |flag, order| is_odd(flag.sub_fetch(2, order))),
    ("and_fetch", |flag, order| is_odd(flag.and_fetch(!0, order))),
    ("min_fetch", |flag, order| is_odd(flag.min_fetch(9, order))),
    ("sub_and_test", |flag, order| flag.sub_and_test(1, order)),
    ("inc_and_test", |flag, order| !flag.inc_and_test(order) && is_odd(1 + flag.load(Relaxed))),
    ("add_negative", |flag, order| flag.add_negative((1 << 31) - 1, order)),
    ("bit_clear", |flag, order| flag.bit_clear(0, order)),
    ("bit_toggle", |flag, order| flag.bit_toggle(0, order)),
];

const IN_ORDER: [(bool, u32); 3] = [(false, 0), (false, 7), (true, 7)];
const ANY: [(bool, u32); 4] = [(false, 0), (false, 7), (true, 7), (true, 0)];

/// Message passing: what was written before the flag, where the flag is seen.
fn message_passing(
    name: &str,
    expected: &[(bool, u32)],
    publish: impl Fn(&AtomicU32) + Send + Sync + Copy + 'static,
    observe: impl Fn(&AtomicU32) -> bool + Send + Sync + 'static,
) {
    outcomes(name, None, expected, move || {
        let words = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let writer = thread::spawn({
            let words = Arc::clone(&words);
            move || {
                let [message, flag] = &*words;
                message.store(7, Relaxed);
                publish(flag);
            }
        });
        let [message, flag] = &*words;
        let is_announced = observe(flag);
        let seen = message.load(Relaxed);
        writer.join().unwrap();
        (is_announced, seen)
    });
}

#[test]
fn each_method_releases_if_told_to() {
    for (name, publish) in PUBLISH {
        let observe = |flag: &AtomicU32| is_odd(flag.load(Acquire));
        for order in [Release, AcqRel] {
            // A store is not an acquire-release.
            if name != "store" || order == Release {
                message_passing(name, &IN_ORDER, move |flag| publish(flag, order), observe);
            }
        }
        let name = format!("{name}, relaxed");
        message_passing(&name, &ANY, move |flag| publish(flag, Relaxed), observe);
    }
}

#[test]
fn each_method_acquires_if_told_to() {
    for (name, observe) in OBSERVE {
        let publish = |flag: &AtomicU32| flag.store(1, Release);
        message_passing(name, &IN_ORDER, publish, move |flag| observe(flag, Acquire));
        let name = format!("{name}, relaxed");
        message_passing(&name, &ANY, publish, move |flag| observe(flag, Relaxed));
    }
}

#[test]
fn fences_order_relaxed_accesses() {
    let publish = |flag: &AtomicU32| {
        fence(Release);
        flag.store(1, Relaxed);
    };
    let observe = |flag: &AtomicU32| {
        let is_announced = is_odd(flag.load(Relaxed));
        fence(Acquire);
        is_announced
    };
    let relaxed = |flag: &AtomicU32| is_odd(flag.load(Relaxed));
    message_passing("two fences", &IN_ORDER, publish, observe);
    message_passing("release fence alone", &ANY, publish, relaxed);
}

#[test]
fn booleans_and_pointers_hand_on_their_orderings() {
    for (order, expected) in [(Release, &IN_ORDER[..]), (Relaxed, &ANY[..])] {
        outcomes("pointer", None, expected, move || {
            let words = Arc::new((AtomicU32::new(0), AtomicPtr::<u8>::default()));
            let writer = thread::spawn({
                let words = Arc::clone(&words);
                move || {
                    words.0.store(7, Relaxed);
                    words.1.fetch_byte_add(1, order);
                }
            });
            let is_announced = !words.1.load(Acquire).is_null();
            let seen = words.0.load(Relaxed);
            writer.join().unwrap();
            (is_announced, seen)
        });
        outcomes("boolean", None, expected, move || {
            let words = Arc::new((AtomicU32::new(0), AtomicBool::new(false)));
            let writer = thread::spawn({
                let words = Arc::clone(&words);
                move || {
                    words.0.store(7, Relaxed);
                    words.1.not(order);
                }
            });
            let is_announced = words.1.load(Acquire);
            let seen = words.0.load(Relaxed);
            writer.join().unwrap();
            (is_announced, seen)
        });
    }
}

/// Store buffering: each thread writes its word, and reads the other's.
fn store_buffering(name: &str, expected: &[(u32, u32)], between: fn()) {
    outcomes(name, None, expected, move || {
        let words = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let other = thread::spawn({
            let words = Arc::clone(&words);
            move || {
                let [first, second] = &*words;
                second.store(1, Relaxed);
                between();
                first.load(Relaxed)
            }
        });
        let [first, second] = &*words;
        first.store(1, Relaxed);
        between();
        let seen = second.load(Relaxed);
        (seen, other.join().unwrap())
    });
}

#[test]
fn store_buffering_takes_a_fence() {
    store_buffering("no fence", &[(0, 0), (0, 1), (1, 0), (1, 1)], || {});
    store_buffering("acquire-release", &[(0, 0), (0, 1), (1, 0), (1, 1)], || fence(AcqRel));
    store_buffering("sequentially consistent", &[(0, 1), (1, 0), (1, 1)], || fence(SeqCst));
}

/// What one thread does with the two words, and between two reads; what it saw.
type Act = fn(&[AtomicU32; 2], fn()) -> (u32, u32);

/// Independent reads of independent writes: whether two readers disagree about which came first.
fn readers_disagree(name: &str, expected: &[bool], between: fn()) {
    outcomes(name, Some(3), expected, move || {
        let words = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let spawn = |act: Act| {
            let words = Arc::clone(&words);
            thread::spawn(move || act(&words, between))
        };
        let threads = [
            spawn(|[first, _], _| {
                first.store(1, Release);
                (0, 0)
            }),
            spawn(|[_, second], _| {
                second.store(1, Release);
                (0, 0)
            }),
            spawn(|[first, second], between| {
                let seen = first.load(Acquire);
                between();
                (seen, second.load(Acquire))
            }),
        ];
        let [first, second] = &*words;
        let seen = second.load(Acquire);
        between();
        let mine = (seen, first.load(Acquire));
        let [_, _, theirs] = threads.map(|thread| thread.join().unwrap());
        mine == (1, 0) && theirs == (1, 0)
    });
}

#[test]
fn independent_reads_agree_if_fenced() {
    readers_disagree("acquire loads", &[false, true], || {});
    readers_disagree("sequentially consistent fences", &[false], || fence(SeqCst));
}

#[test]
fn reads_of_one_word_never_go_back() {
    outcomes("coherence", None, &[(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)], || {
        let word = Arc::new(AtomicU32::new(0));
        let writer = thread::spawn({
            let word = Arc::clone(&word);
            move || {
                word.store(1, Relaxed);
                word.store(2, Relaxed);
            }
        });
        let seen = (word.load(Relaxed), word.load(Relaxed));
        writer.join().unwrap();
        seen
    });
}
