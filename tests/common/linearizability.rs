//! Recorded histories, and whether any order of their calls explains them.
//!
//! Each call is recorded with the moments of its invocation and its return, counted by one atomic
//! clock. The history is linearizable if every call can be given one moment between the two at
//! which it took effect, so that the calls in the order of these moments are a run of the
//! sequential [`Spec`].
//!
//! The search is Wing and Gong's: of the calls that have not taken effect, any that was invoked
//! before each of the others returned may be the next. A state that was reached by the same set of
//! calls before is not searched again (Lowe).
//!
//! # References
//!
//! J. M. Wing, C. Gong, "Testing and Verifying Concurrent Objects", JPDC 1993. G. Lowe, "Testing
//! for Linearizability", CCPE 2017.

use core::fmt::{self, Debug};
use core::hash::{BuildHasherDefault, Hash};
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::collections::HashSet;
use std::hash::DefaultHasher;

use super::random::Random;
use super::team::{Member, Team};

/// What a structure does when one call comes after the other.
pub(crate) trait Spec: Clone + Eq + Hash {
    /// A call and what it returned.
    type Call: Debug;

    /// The state after `call` has taken effect, or `None` if it could not have returned what it
    /// did. `others` are the calls under way when it took effect.
    fn after(&self, call: &Self::Call, others: &UnderWay<'_, Self::Call>) -> Option<Self>;
}

/// The length of the longest history that can be checked.
const MOST_CALLS: usize = 128;

/// One call of a history.
#[derive(Clone, Debug)]
pub(crate) struct Event<C> {
    pub(crate) thread: usize,
    pub(crate) call: C,
    pub(crate) invoked: u64,
    pub(crate) returned: u64,
}

// === Recording ===

/// Counts the moments of one history.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    now: AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn tick(&self) -> u64 {
        self.now.fetch_add(1, SeqCst)
    }
}

/// The calls of one thread.
#[derive(Debug)]
pub(crate) struct Log<'c, C> {
    clock: &'c Clock,
    thread: usize,
    events: Vec<Event<C>>,
}

impl<'c, C> Log<'c, C> {
    pub(crate) fn new(clock: &'c Clock, thread: usize) -> Self {
        // Room enough that recording a call allocates nothing between two calls.
        Self { clock, thread, events: Vec::with_capacity(64) }
    }

    /// Makes a call, which returns its own description.
    pub(crate) fn call(&mut self, call: impl FnOnce() -> C) {
        self.ask(|| Some(call()));
    }

    /// Makes a call that may claim nothing, such as a query that answers no, or does the work of
    /// several, such as a batch.
    pub(crate) fn ask<I: IntoIterator<Item = C>>(&mut self, call: impl FnOnce() -> I) {
        let invoked = self.clock.tick();
        let calls = call();
        let returned = self.clock.tick();
        let thread = self.thread;
        self.events.extend(calls.into_iter().map(|call| Event { thread, call, invoked, returned }));
    }

    /// Makes calls up to and including the first that returns `last`.
    pub(crate) fn call_until(&mut self, last: &C, mut call: impl FnMut() -> C)
    where
        C: PartialEq + Debug,
    {
        let mut is_over = false;
        while !is_over {
            assert!(self.events.len() < MOST_CALLS, "{last:?} does not come");
            self.call(|| {
                let call = call();
                is_over = call == *last;
                call
            });
        }
    }

    pub(crate) fn into_events(self) -> Vec<Event<C>> {
        self.events
    }
}

/// What one thread does in a round.
pub(crate) type Worker<'env, C> = Box<dyn FnOnce(&mut Log<'_, C>) + Send + 'env>;

/// What several threads did, with the clock still running.
#[derive(Debug)]
pub(crate) struct Recording<C> {
    clock: Clock,
    threads: usize,
    events: Vec<Event<C>>,
}

impl<C: Send> Recording<C> {
    /// Runs the workers at the same time.
    pub(crate) fn of(workers: Vec<Worker<'_, C>>) -> Self {
        let clock = Clock::new();
        let threads = workers.len();
        let members = workers.into_iter().enumerate().map(|(thread, worker)| {
            let clock = &clock;
            let member: Member<'_, Vec<Event<C>>> = Box::new(move |_| {
                let mut log = Log::new(clock, thread);
                worker(&mut log);
                log.into_events()
            });
            member
        });
        let events = Team::run(members.collect()).into_iter().flatten().collect();
        Self { clock, threads, events }
    }

    /// The history that ends with what `last` does alone: usually to take out all that is left, so
    /// that whatever was lost is missed.
    pub(crate) fn then(self, last: impl FnOnce(&mut Log<'_, C>)) -> Vec<Event<C>> {
        let mut log = Log::new(&self.clock, self.threads);
        last(&mut log);
        [self.events, log.into_events()].into_iter().flatten().collect()
    }
}

/// Records and checks `count` short histories of fresh structures. `round` makes one: it gets a
/// source of choices of its own and returns the first state and the history.
pub(crate) fn check_rounds<S: Spec>(
    count: u64,
    mut round: impl FnMut(&mut Random) -> (S, Vec<Event<S::Call>>),
) {
    for seed in 0..count {
        let (initial, history) = round(&mut Random::new(seed));
        assert_linearizable(initial, &history, format_args!("round {seed}"));
    }
}

// === Checking ===

/// The calls under way at the moments that one call may have taken effect at.
#[derive(Debug)]
pub(crate) struct UnderWay<'h, C> {
    history: &'h [Event<C>],
    effective: u128,
    subject: usize,
}

impl<C> UnderWay<'_, C> {
    /// The greatest number of other calls under way at one such moment for which `counts` holds.
    /// It is told whether the call has taken effect by then.
    pub(crate) fn most(&self, counts: impl Fn(&C, bool) -> bool) -> usize {
        let is_effective = |at: usize| self.effective & (1 << at) != 0;
        let subject = &self.history[self.subject];
        let others = || self.history.iter().enumerate().filter(|(at, _)| *at != self.subject);
        // The call takes effect after each effective one was invoked, before the others return.
        let after = others()
            .filter(|(at, _)| is_effective(*at))
            .map(|(_, event)| event.invoked)
            .fold(subject.invoked, u64::max);
        let before = others()
            .filter(|(at, _)| !is_effective(*at))
            .map(|(_, event)| event.returned)
            .fold(subject.returned, u64::min);
        let count_at = |moment: u64| {
            others()
                .filter(|(_, event)| event.invoked <= moment && event.returned > moment)
                .filter(|(at, event)| counts(&event.call, is_effective(*at)))
                .count()
        };
        (after..before).map(count_at).max().unwrap_or(0)
    }
}

/// Finds an order in which the calls may have taken effect; indices of `history`.
pub(crate) fn linearize<S: Spec>(initial: S, history: &[Event<S::Call>]) -> Option<Vec<usize>> {
    assert!(history.len() <= MOST_CALLS, "a set of calls is a word of 128 bits");
    let mut search = Search { history, refuted: HashSet::default(), order: Vec::new() };
    search.extend(0, initial).then_some(search.order)
}

struct Search<'h, S: Spec> {
    history: &'h [Event<S::Call>],
    /// Sets of effective calls, and the state they led to, from which the rest cannot go on.
    /// Hashed without a random key: a fuzzer should find that equal inputs do equal work.
    refuted: HashSet<(u128, S), BuildHasherDefault<DefaultHasher>>,
    order: Vec<usize>,
}

impl<S: Spec> Search<'_, S> {
    /// Whether the calls that are not `effective` can go on from `state`.
    fn extend(&mut self, effective: u128, state: S) -> bool {
        let history = self.history;
        let pending = || (0..history.len()).filter(|at| effective & (1 << at) == 0);
        let Some(first_return) = pending().map(|at| history[at].returned).min() else {
            return true;
        };
        for at in pending().filter(|&at| history[at].invoked < first_return) {
            let others = UnderWay { history, effective, subject: at };
            let Some(next) = state.after(&history[at].call, &others) else { continue };
            let next_effective = effective | 1 << at;
            if self.refuted.contains(&(next_effective, next.clone())) {
                continue;
            }
            self.order.push(at);
            if self.extend(next_effective, next) {
                return true;
            }
            self.order.pop();
        }
        self.refuted.insert((effective, state));
        false
    }
}

/// Panics with the history, under the name of the `scenario`, unless it is linearizable.
#[track_caller]
pub(crate) fn assert_linearizable<S: Spec>(
    initial: S,
    history: &[Event<S::Call>],
    scenario: impl fmt::Display,
) {
    assert!(
        linearize(initial, history).is_some(),
        "{scenario}: no order of these calls explains what they returned:\n{}",
        Table(history)
    );
}

/// A history as a table, by invocation.
struct Table<'h, C>(&'h [Event<C>]);

impl<C: Debug> fmt::Display for Table<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut events: Vec<_> = self.0.iter().collect();
        events.sort_by_key(|event| event.invoked);
        for Event { thread, call, invoked, returned } in events {
            writeln!(f, "{invoked:>4} to {returned:>4}  thread {thread}  {call:?}")?;
        }
        Ok(())
    }
}
