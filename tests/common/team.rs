//! Threads that start at the same moment, and that fail together instead of waiting for ever.

use core::any::Any;
use core::hint;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;

use latchless::mem::CachePadded;
use latchless::ring::PushError;

/// What one thread does.
pub(crate) type Member<'env, R> = Box<dyn FnOnce(&Team) -> R + Send + 'env>;

/// Threads that work on one thing.
#[derive(Debug)]
pub(crate) struct Team {
    size: usize,
    arrived: AtomicUsize,
    has_failed: AtomicBool,
    first_failure: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Team {
    /// How often a condition is asked for before it counts as never coming true: a lost slot or
    /// value ends the test instead of stopping it. Each time but the first few, other threads get
    /// the CPU, so this is work done by somebody and not a length of time.
    const PATIENCE: u32 = 10_000_000;

    /// How often a condition is asked for before other threads get the CPU.
    const SPINS: u32 = 64;

    /// Runs each member on a thread of its own, all started at once. Returns what they return, in
    /// order, or panics as the first one that panicked did.
    pub(crate) fn run<R: Send>(members: Vec<Member<'_, R>>) -> Vec<R> {
        let team = Self {
            size: members.len(),
            arrived: AtomicUsize::new(0),
            has_failed: AtomicBool::new(false),
            first_failure: Mutex::new(None),
        };
        let results: Vec<Option<R>> = thread::scope(|scope| {
            let start = |member| scope.spawn(|| team.run_member(member));
            let threads: Vec<_> = members.into_iter().map(start).collect();
            threads.into_iter().map(|thread| thread.join().ok().flatten()).collect()
        });
        if let Some(payload) =
            team.first_failure.into_inner().unwrap_or_else(PoisonError::into_inner)
        {
            resume_unwind(payload);
        }
        results.into_iter().flatten().collect()
    }

    /// Runs `count` members that differ only in their number.
    pub(crate) fn run_alike<R: Send>(
        count: usize,
        member: impl Fn(&Self, usize) -> R + Sync,
    ) -> Vec<R> {
        let member = &member;
        Self::run(
            (0..count)
                .map(|number| -> Member<'_, R> { Box::new(move |team| member(team, number)) })
                .collect(),
        )
    }

    fn run_member<R>(&self, member: Member<'_, R>) -> Option<R> {
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.arrived.fetch_add(1, AcqRel);
            self.wait_until(|| self.arrived.load(Acquire) == self.size);
            member(self)
        }));
        let keep_first = |payload| {
            let mut first = self.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(payload);
            self.has_failed.store(true, Release);
        };
        result.map_err(keep_first).ok()
    }

    /// Waits for other members, a little while by spinning, then by giving up the CPU. Panics if
    /// one of them has failed, or if it takes for ever.
    #[track_caller]
    pub(crate) fn wait_until(&self, mut condition: impl FnMut() -> bool) {
        let mut attempts = 0;
        while !condition() {
            assert!(!self.has_failed.load(Acquire), "another thread of the test has failed");
            assert!(attempts < Self::PATIENCE, "what this thread waits for does not come");
            attempts += 1;
            if attempts < Self::SPINS { hint::spin_loop() } else { thread::yield_now() }
        }
    }

    /// Calls `attempt` until it returns something.
    #[track_caller]
    pub(crate) fn wait_for<V>(&self, mut attempt: impl FnMut() -> Option<V>) -> V {
        let mut found = None;
        self.wait_until(|| {
            found = attempt();
            found.is_some()
        });
        match found {
            Some(value) => value,
            None => unreachable!("the wait ended because it was found"),
        }
    }

    /// Calls `push` until it takes the value.
    #[track_caller]
    pub(crate) fn push<V, E: Into<PushError<V>>>(
        &self,
        value: V,
        mut push: impl FnMut(V) -> Result<(), E>,
    ) {
        let mut refused = Some(value);
        self.wait_until(|| {
            let error = refused.take().and_then(|value| push(value).err());
            refused = error.map(|error| error.into().into_inner());
            refused.is_none()
        });
    }
}

/// Tests of one file run at once. Two threads that are to get in each other's way need two CPUs
/// for themselves, so only one test has such a pair at a time.
static ONE_PAIR_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Two threads that get in each other's way: runs `turn`, which gets the number of the thread and of
/// the turn, over and over on both. Returns how many turns each made.
///
/// They stop when they have met `meetings` times, that is, when each has seen the other go on
/// between turns of its own. Threads that the kernel happens to run one after the other would pass
/// any test of what happens at once; they go on until it does happen, or, on a machine with one
/// CPU, for a bounded number of turns.
pub(crate) fn contend(meetings: usize, turn: impl Fn(usize, usize) + Sync) -> [usize; 2] {
    /// Turns between two looks at the other.
    const STRIDE: usize = 8;

    let most_turns = 250 * meetings;
    let _pair = ONE_PAIR_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let progress = [const { CachePadded::new(AtomicUsize::new(0)) }; 2];
    let turns = Team::run_alike(2, |_, me| {
        let (mine, others) = (&progress[me], &progress[1 - me]);
        let (mut turns, mut met, mut seen) = (0, 0, 0);
        while met < meetings && turns < most_turns && seen < most_turns {
            for _ in 0..STRIDE {
                turn(me, turns);
                turns += 1;
            }
            mine.store(turns, Relaxed);
            let before = core::mem::replace(&mut seen, others.load(Relaxed));
            met += usize::from(seen != before);
        }
        // Let the other stop too.
        mine.store(most_turns, Relaxed);
        turns
    });
    let Ok(turns) = turns.try_into() else { unreachable!("there were two threads") };
    turns
}

/// Two threads that do the same turns at the same time, as nearly as they can: for each of `turns`
/// numbers, both call `prepare`, wait for each other, and call `turn`. Returns the results of each.
pub(crate) fn in_step<R: Send>(
    turns: usize,
    prepare: impl Fn(usize, usize) + Sync,
    turn: impl Fn(usize, usize) -> R + Sync,
) -> [Vec<R>; 2] {
    let _pair = ONE_PAIR_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let progress = [const { CachePadded::new(AtomicUsize::new(0)) }; 2];
    let results = Team::run_alike(2, |team, me| {
        let (mine, others) = (&progress[me], &progress[1 - me]);
        let mut results = Vec::with_capacity(turns);
        for number in 0..turns {
            prepare(me, number);
            // Relaxed, so that waiting for each other orders nothing else.
            mine.store(number + 1, Relaxed);
            team.wait_until(|| others.load(Relaxed) > number);
            results.push(turn(me, number));
        }
        results
    });
    let Ok(results) = results.try_into() else { unreachable!("there were two threads") };
    results
}

/// How many producers are still at work, so that consumers know when to stop: a value that was
/// lost is then missing at the end instead of being waited for.
#[derive(Debug)]
pub(crate) struct Producers {
    at_work: AtomicUsize,
}

impl Producers {
    pub(crate) fn new(count: usize) -> Self {
        Self { at_work: AtomicUsize::new(count) }
    }

    /// To be called by each producer after its last value.
    pub(crate) fn finish_one(&self) {
        self.at_work.fetch_sub(1, Release);
    }

    /// Calls `pop` until it returns `None` although all producers had finished before the call;
    /// hands each value to `receive`.
    pub(crate) fn drain<V>(
        &self,
        team: &Team,
        mut pop: impl FnMut() -> Option<V>,
        mut receive: impl FnMut(V),
    ) {
        /// More than any test sends: a ring that gives values out for ever ends the test.
        const MOST_VALUES: usize = 1_000_000;

        for received in 0.. {
            assert!(received < MOST_VALUES, "more values come out than went in");
            let value = team.wait_for(|| {
                let had_finished = self.at_work.load(Acquire) == 0;
                match pop() {
                    Some(value) => Some(Some(value)),
                    None if had_finished => Some(None),
                    None => None,
                }
            });
            match value {
                Some(value) => receive(value),
                None => return,
            }
        }
    }
}

/// Waiting as a thread does that shares its CPU, but not for ever.
#[cfg(feature = "spin")]
#[derive(Debug)]
pub(crate) struct Yield;

#[cfg(feature = "spin")]
impl spin::RelaxStrategy for Yield {
    fn relax() {
        /// How often all threads of all tests of this file have waited.
        static WAITS: AtomicUsize = AtomicUsize::new(0);
        let waits = WAITS.fetch_add(1, Relaxed);
        assert!(waits < 5 * Team::PATIENCE as usize, "what this thread waits for does not come");
        thread::yield_now();
    }
}
