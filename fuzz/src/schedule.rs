//! Inputs that say what two or three threads call, and who runs when: after how many accesses to
//! the structure one of them is stopped, and who goes on in the meantime.
//!
//! An input is bytes as they are, one for each call and one for each turn, so that a mutation changes
//! one choice and leaves the others alone. What it does is decided by the input alone.

use core::fmt::Debug;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use arbitrary::{Arbitrary, Result, Unstructured};
use latchless::{ring, stack};

use crate::common::baton::{ON_MEETING, Turn};
use crate::common::calls::{
    ConsumerCall, Numbered, PoolCall, ProducerCall, ReaderCall, RecorderCall, Ring, RingCall,
    SnapshotCall, StackCall, TurnRingCall, WithNodes,
};
use crate::common::scenarios::{
    run_overwriting_ring, run_pool, run_ring, run_snapshot, run_spsc_ring, run_stack, run_turn_ring,
};

/// The most calls of all threads: few enough that any history is judged in no time.
const MOST_CALLS: usize = 15;
/// The most turns of a script.
const MOST_TURNS: usize = 64;

/// A call that a byte chooses.
trait Choice: Copy + Debug {
    /// How many threads there may be.
    const MOST_THREADS: usize;

    /// What `byte` means to the thread of this number.
    fn of(byte: usize, thread: usize) -> Self;
}

/// What the threads do to a structure that starts as `setting` and `start` say.
#[derive(Debug)]
struct Schedule<C> {
    setting: usize,
    start: u64,
    threads: Vec<Vec<C>>,
    script: Vec<Turn>,
}

impl<C: Choice> Schedule<C> {
    fn calls(&self) -> Vec<&[C]> {
        self.threads.iter().map(Vec::as_slice).collect()
    }
}

impl<'a, C: Choice> Arbitrary<'a> for Schedule<C> {
    /// `[ setting | start | number of threads and calls | calls … | turns … ]`
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let mut next = || bytes.arbitrary::<u8>().map(usize::from);
        let (setting, start, shape) = (next()?, next()? as u64, next()?);
        let count = 2 + shape % (C::MOST_THREADS - 1);
        let mut threads = vec![Vec::new(); count];
        for _ in 0..shape / 2 % (MOST_CALLS + 1) {
            let byte = next()?;
            let thread = byte % count;
            threads[thread].push(C::of(byte / count, thread));
        }
        let turns = bytes.len().min(MOST_TURNS);
        let turn = |&byte: &u8| {
            let (thread, length) = (usize::from(byte) % count, usize::from(byte) / count);
            // Mostly a few accesses, within one call; now and then many, or whole calls.
            match length {
                0..48 => Turn::Accesses(thread, length / 4),
                48..64 => Turn::Accesses(thread, length - 36),
                _ => Turn::Calls(thread, 1 + length % 4),
            }
        };
        let script = bytes.bytes(turns)?.iter().map(turn).collect();
        Ok(Self { setting, start, threads, script })
    }
}

// === The structures ===

impl Choice for RingCall {
    const MOST_THREADS: usize = 3;

    fn of(byte: usize, _: usize) -> Self {
        // Most of the calls change the ring.
        match byte % 8 {
            0 | 1 => Self::Push,
            2 | 3 => Self::Pop,
            4 => Self::ForcePush,
            _ => Self::ALL[byte / 8 % Self::ALL.len()],
        }
    }
}

/// A schedule for a ring of any number of producers and consumers.
#[derive(Arbitrary, Debug)]
pub struct MpmcRing(Schedule<RingCall>);

impl MpmcRing {
    /// Runs it, and panics unless some order of the calls explains what they returned.
    pub fn run(&self) {
        fn run<R: Ring>(schedule: &Schedule<RingCall>, capacity: usize) {
            let start = u64::MAX - schedule.start;
            let fill = schedule.setting / 8 % (capacity + 1);
            run_ring::<R>(start, fill, &schedule.calls(), &schedule.script);
        }
        let _watched = Watched::new();
        match self.0.setting % 8 {
            0 => run::<ring::MpmcRing<u64, 1>>(&self.0, 1),
            1 | 2 => run::<ring::MpmcRing<u64, 2>>(&self.0, 2),
            3 => run::<ring::MpmcRing<u64, 4>>(&self.0, 4),
            #[cfg(not(latchless_native))]
            4 => run::<ring::WordRing<u64, 1>>(&self.0, 1),
            #[cfg(not(latchless_native))]
            5 | 6 => run::<ring::WordRing<u64, 2>>(&self.0, 2),
            _ => {
                #[cfg(not(latchless_native))]
                run::<ring::WordRing<u64, 4>>(&self.0, 4);
            }
        }
    }
}

impl Choice for TurnRingCall {
    const MOST_THREADS: usize = 3;

    fn of(byte: usize, _: usize) -> Self {
        // Most of the calls move a value.
        match byte % 8 {
            0 | 1 => Self::Push,
            2 | 3 => Self::Pop,
            4 => Self::ForcePush,
            _ => Self::ALL[byte / 8 % Self::ALL.len()],
        }
    }
}

/// A schedule for a ring of turns.
#[derive(Arbitrary, Debug)]
pub struct TurnRing(Schedule<TurnRingCall>);

impl TurnRing {
    /// Runs it, and panics unless some order of the calls explains what they returned.
    pub fn run(&self) {
        fn run<const N: usize>(schedule: &Schedule<TurnRingCall>) {
            let start = usize::MAX / 2 - schedule.start as usize;
            let fill = schedule.setting / 4 % (N + 1);
            run_turn_ring::<N>(start, fill, &schedule.calls(), &schedule.script);
        }
        let _watched = Watched::new();
        match self.0.setting % 4 {
            0 => run::<1>(&self.0),
            1 | 2 => run::<2>(&self.0),
            _ => run::<4>(&self.0),
        }
    }
}

/// What to do with an end of a ring between one producer and one consumer.
#[derive(Clone, Copy, Debug)]
enum EndCall {
    Producer(ProducerCall),
    Consumer(ConsumerCall),
}

impl Choice for EndCall {
    const MOST_THREADS: usize = 2;

    fn of(byte: usize, thread: usize) -> Self {
        let (is_query, which) = (byte.is_multiple_of(2), byte / 2);
        if thread == 0 {
            let query = ProducerCall::ALL[which % ProducerCall::ALL.len()];
            Self::Producer(if is_query { query } else { ProducerCall::Push })
        } else {
            let query = ConsumerCall::ALL[which % ConsumerCall::ALL.len()];
            Self::Consumer(if is_query { query } else { ConsumerCall::Pop })
        }
    }
}

/// A schedule for a ring between one producer and one consumer.
#[derive(Arbitrary, Debug)]
pub struct SpscRing(Schedule<EndCall>);

impl SpscRing {
    /// Runs it, and panics unless some order of the calls explains what they returned.
    pub fn run(&self) {
        fn run<const N: usize>(schedule: &Schedule<EndCall>) {
            let start = usize::MAX - schedule.start as usize % 4;
            let fill = schedule.setting / 4 % (N + 1);
            let (mut pushing, mut popping) = (Vec::new(), Vec::new());
            for call in schedule.threads.iter().flatten() {
                match *call {
                    EndCall::Producer(call) => pushing.push(call),
                    EndCall::Consumer(call) => popping.push(call),
                }
            }
            run_spsc_ring::<N>(start, fill, &pushing, &popping, &schedule.script);
        }
        let _watched = Watched::new();
        match self.0.setting % 4 {
            0 => run::<1>(&self.0),
            1 | 2 => run::<2>(&self.0),
            _ => run::<4>(&self.0),
        }
    }
}

/// What to do with an end of a ring that overwrites.
#[derive(Clone, Copy, Debug)]
enum RecordingCall {
    Recorder(RecorderCall),
    Reader(ReaderCall),
}

impl Choice for RecordingCall {
    const MOST_THREADS: usize = 2;

    fn of(byte: usize, thread: usize) -> Self {
        let (is_query, which) = (byte.is_multiple_of(2), byte / 2);
        if thread == 0 {
            let query = RecorderCall::ALL[which % RecorderCall::ALL.len()];
            Self::Recorder(if is_query { query } else { RecorderCall::Push })
        } else {
            let query = ReaderCall::ALL[which % ReaderCall::ALL.len()];
            Self::Reader(if is_query { query } else { ReaderCall::Pop })
        }
    }
}

/// A schedule for a ring that overwrites.
#[derive(Arbitrary, Debug)]
pub struct OverwritingRing(Schedule<RecordingCall>);

impl OverwritingRing {
    /// Runs it, and panics unless some order of the calls explains what they returned.
    pub fn run(&self) {
        fn run<const N: usize>(schedule: &Schedule<RecordingCall>) {
            let start = u64::MAX - schedule.start % 16;
            let before = schedule.setting / 4 % (3 * N);
            let (mut pushing, mut popping) = (Vec::new(), Vec::new());
            for call in schedule.threads.iter().flatten() {
                match *call {
                    RecordingCall::Recorder(call) => pushing.push(call),
                    RecordingCall::Reader(call) => popping.push(call),
                }
            }
            run_overwriting_ring::<N>(start, before, &pushing, &popping, &schedule.script);
        }
        let _watched = Watched::new();
        match self.0.setting % 4 {
            0 => run::<1>(&self.0),
            1 | 2 => run::<2>(&self.0),
            _ => run::<4>(&self.0),
        }
    }
}

impl Choice for StackCall {
    const MOST_THREADS: usize = 3;

    fn of(byte: usize, _: usize) -> Self {
        if byte.is_multiple_of(2) { Self::Take } else { Self::ALL[byte / 2 % Self::ALL.len()] }
    }
}

/// A schedule for a stack of indices or nodes.
#[derive(Arbitrary, Debug)]
pub struct IndexStack(Schedule<StackCall>);

impl IndexStack {
    /// Runs it, and panics unless some order of the calls explains what they returned.
    pub fn run(&self) {
        let _watched = Watched::new();
        let (calls, script) = (&self.0.calls(), &self.0.script);
        match self.0.setting % 6 {
            0 => run_stack::<stack::IndexStack<2>>(calls, script),
            1 => run_stack::<stack::IndexStack<3>>(calls, script),
            2 => run_stack::<stack::IndexStack<4>>(calls, script),
            #[cfg(not(latchless_native))]
            3 => run_stack::<WithNodes<stack::TreiberStack<Numbered>, 2>>(calls, script),
            #[cfg(not(latchless_native))]
            4 => run_stack::<WithNodes<stack::TreiberStack<Numbered>, 4>>(calls, script),
            _ => run_stack::<WithNodes<stack::TransferStack<Numbered>, 3>>(calls, script),
        };
    }
}

impl Choice for PoolCall {
    const MOST_THREADS: usize = 3;

    fn of(byte: usize, _: usize) -> Self {
        if byte.is_multiple_of(2) { Self::Alloc } else { Self::ALL[byte / 2 % Self::ALL.len()] }
    }
}

/// A schedule for a pool.
#[derive(Arbitrary, Debug)]
pub struct Pool(Schedule<PoolCall>);

impl Pool {
    /// Runs it, and panics unless some order of the calls explains what they returned.
    pub fn run(&self) {
        let _watched = Watched::new();
        let (calls, script) = (&self.0.calls(), &self.0.script);
        match self.0.setting % 3 {
            0 => run_pool::<1>(calls, script),
            1 => run_pool::<2>(calls, script),
            _ => run_pool::<3>(calls, script),
        };
    }
}

impl Choice for SnapshotCall {
    const MOST_THREADS: usize = 3;

    fn of(byte: usize, _: usize) -> Self {
        Self::ALL[byte % Self::ALL.len()]
    }
}

/// A schedule for a snapshot.
#[derive(Arbitrary, Debug)]
pub struct Snapshot(Schedule<SnapshotCall>);

impl Snapshot {
    /// Runs it, and panics unless some order of the calls explains what they returned.
    pub fn run(&self) {
        let _watched = Watched::new();
        let start = (1 << 48) - self.0.start % 16;
        let (calls, script) = (&self.0.calls(), &self.0.script);
        match self.0.setting % 3 {
            0 => run_snapshot::<2>(start, calls, script),
            1 => run_snapshot::<3>(start, calls, script),
            _ => run_snapshot::<6>(start, calls, script),
        };
    }
}

// === What the fuzzer learns ===

/// How many meetings are told apart.
const MEETINGS: usize = 1 << 16;

/// Counts that libFuzzer treats as it treats those of edges: an input that raises one to a new
/// height is worth keeping.
#[cfg_attr(target_os = "linux", unsafe(link_section = "__libfuzzer_extra_counters"))]
static COUNTS: [AtomicU8; MEETINGS] = [const { AtomicU8::new(0) }; MEETINGS];

/// What the fuzzer watches, from start to end.
struct Watched;

impl Watched {
    fn new() -> Self {
        ON_MEETING.get_or_init(|| {
            stay_on_this_cpu();
            count_meeting
        });
        Self
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        forget_edge_counts();
    }
}

/// Lets the fuzzer look for accesses that happen while other threads stand before certain accesses
/// of their own. The edges of the code alone say nothing about who was where.
fn count_meeting(instructions: &[usize]) {
    // Where the program was loaded must not matter, so that an input counts the same each time.
    let base = count_meeting as fn(&[usize]) as usize;
    let mixed = instructions.iter().fold(0_u64, |mixed, instruction| {
        let offset = instruction.wrapping_sub(base) as u64;
        (mixed.rotate_left(29) ^ offset).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    let count = &COUNTS[(mixed >> 48) as usize];
    count.store(count.load(Relaxed).saturating_add(1), Relaxed);
}

/// Lets the fuzzer see of the code's own edges only which were taken, not how often: most of the
/// counts are those of the judge's search, and inputs kept for them would crowd out the others.
fn forget_edge_counts() {
    #[cfg(fuzzing)]
    {
        unsafe extern "C" {
            #[link_name = "__start___sancov_cntrs"]
            static START: AtomicU8;
            #[link_name = "__stop___sancov_cntrs"]
            static STOP: AtomicU8;
        }
        let (start, stop) = (&raw const START, &raw const STOP);
        let edges = stop.addr() - start.addr();
        // SAFETY: the linker puts these two around the counters, which are bytes, of all files.
        let counters = unsafe { core::slice::from_raw_parts(start, edges) };
        counters.iter().for_each(|counter| counter.store(counter.load(Relaxed).min(1), Relaxed));
    }
}

/// One thread runs at a time, and hands over twice as fast to one on the same CPU.
fn stay_on_this_cpu() {
    // SAFETY: it takes nothing.
    let here = unsafe { libc::sched_getcpu() };
    let cpus = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: all zero is the empty set.
    let mut cpus = unsafe { cpus.assume_init() };
    let Ok(here) = usize::try_from(here) else { return };
    // SAFETY: the set is initialized; a number beyond it is ignored.
    unsafe { libc::CPU_SET(here, &mut cpus) };
    // SAFETY: the set is as long as it says. If the kernel refuses, it only takes longer.
    unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const cpus) };
}
