//! Words through a ring in batches, as `capi/benches/batches.c` does it in C: `batches alone|threads WORDS`
//! prints nanoseconds a word. `cargo xtask capi --throughput` compares the two.

use std::hint;
use std::mem::MaybeUninit;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use latchless::ring::SpscSliceRing;
use latchless::ring::spsc::{Consumer, Producer};

const BATCH: usize = 64;
const CAPACITY: usize = 1024;

type Ring = SpscSliceRing<'static, u64>;

/// Room for the words, on a pair of lines of its own.
#[repr(align(128))]
struct Memory([MaybeUninit<u64>; CAPACITY]);

/// The first word of a batch tells which it is; the others come along.
fn produce(producer: &mut Producer<&Ring>, words: u64) {
    let mut values = [0; BATCH];
    while values[0] < words {
        let mut rest = &values[..];
        while !rest.is_empty() {
            let pushed = producer.push_slice(rest);
            rest = rest.get(pushed..).unwrap_or_default();
            if pushed == 0 {
                hint::spin_loop();
            }
        }
        values[0] += BATCH as u64;
    }
}

fn consume(consumer: &mut Consumer<&Ring>, words: u64) -> u64 {
    let mut values = [0; BATCH];
    let (mut done, mut sum) = (0, 0);
    while done < words {
        let mut rest = &mut values[..];
        while !rest.is_empty() {
            let popped = consumer.pop_slice(rest);
            rest = rest.get_mut(popped..).unwrap_or_default();
            if popped == 0 {
                hint::spin_loop();
            }
        }
        sum += values[0];
        done += BATCH as u64;
    }
    sum
}

fn alone(producer: &mut Producer<&Ring>, consumer: &mut Consumer<&Ring>, words: u64) -> u64 {
    let (mut values, mut out) = ([0; BATCH], [0; BATCH]);
    let mut sum = 0;
    while values[0] < words {
        if producer.push_slice(&values) != BATCH || consumer.pop_slice(&mut out) != BATCH {
            return u64::MAX;
        }
        sum += out[0];
        values[0] += BATCH as u64;
    }
    sum
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(way), Some(words)) = (arguments.next(), arguments.next()) else {
        return ExitCode::FAILURE;
    };
    let Ok(words) = words.parse::<u64>() else { return ExitCode::FAILURE };
    let words = words / BATCH as u64 * BATCH as u64;
    let memory = Box::leak(Box::new(Memory([const { MaybeUninit::uninit() }; CAPACITY])));
    let Ok(ring) = Ring::in_slice(&mut memory.0) else { return ExitCode::FAILURE };
    let ring: &'static Ring = Box::leak(Box::new(ring));
    let Some((mut producer, mut consumer)) = ring.try_split() else { return ExitCode::FAILURE };

    let start = Instant::now();
    let sum = if way == "alone" {
        alone(&mut producer, &mut consumer, words)
    } else {
        thread::scope(|scope| {
            scope.spawn(|| produce(&mut producer, words));
            consume(&mut consumer, words)
        })
    };
    println!("{:.4}", start.elapsed().as_nanos() as f64 / words as f64);
    let is_whole = sum == words / 2 * (words / BATCH as u64 - 1);
    if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
