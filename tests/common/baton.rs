//! Threads that run one at a time, and change places where a script says: between any two accesses
//! to a value, however long the others go on in the meantime.
//!
//! What one thread does between two accesses to the value is one step. So the run is decided by the
//! script alone, and any order of steps that several CPUs could come to can be written down.

use core::cell::Cell;
use core::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::OnceLock;
use std::thread::{self, Thread};

use super::guarded::{Access, Guarded, Pages, Watcher};
use super::random::Random;

/// One line of a script: which thread runs, and how far.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn {
    /// Up to its next access but `n`, from where it is.
    Accesses(usize, usize),
    /// Until it has ended `n` calls more.
    Calls(usize, usize),
    /// To its end.
    Rest(usize),
}

impl Turn {
    fn thread(self) -> usize {
        match self {
            Self::Accesses(thread, _) | Self::Calls(thread, _) | Self::Rest(thread) => thread,
        }
    }
}

/// A script of `turns` turns that lets each of `threads` threads make a few accesses at a time.
pub(crate) fn random_script(random: &mut Random, threads: usize, turns: usize) -> Vec<Turn> {
    // Now steps of each in turn, now one that goes far while the others stand still.
    (0..turns)
        .map(|_| {
            let most = if random.coin() { 4 } else { 25 };
            Turn::Accesses(random.below(threads), 1 + random.below(most))
        })
        .collect()
}

/// Is told, if it is set, of each access to the value while others stand in the middle of a call:
/// the addresses of the instruction that accesses, and of those that the others stand before.
pub(crate) static ON_MEETING: OnceLock<fn(&[usize])> = OnceLock::new();

/// The calls of one thread, one after the other.
pub(crate) type Calls<'env> = Vec<Box<dyn FnOnce() + Send + 'env>>;

/// Runs the threads as the script says, then each to its end. Returns for each turn whether it
/// ended where it was to end, and not because its thread came to its end first.
pub(crate) fn conduct<T: Sync>(
    value: &Guarded<T>,
    script: &[Turn],
    threads: Vec<Calls<'_>>,
) -> Vec<bool> {
    let rest = (0..threads.len()).map(Turn::Rest);
    let conductor = Conductor {
        pages: value.pages(),
        script: script.iter().copied().chain(rest).collect(),
        line: AtomicUsize::new(0),
        steps: AtomicUsize::new(0),
        completed: script.iter().map(|_| AtomicBool::new(false)).collect(),
        finished: threads.iter().map(|_| AtomicBool::new(false)).collect(),
        standing: threads.iter().map(|_| AtomicUsize::new(NOWHERE)).collect(),
        baton: AtomicUsize::new(NOBODY),
        threads: OnceLock::new(),
    };
    value.watched(&conductor, || {
        thread::scope(|scope| {
            let conductor = &conductor;
            let mut started = Vec::new();
            for (number, calls) in threads.into_iter().enumerate() {
                let thread = scope.spawn(move || {
                    ME.set(number);
                    conductor.wait(number);
                    // Even if a call panics: the others are waiting.
                    let _finish = Finish { conductor, number };
                    for call in calls {
                        call();
                        conductor.after_call(number);
                    }
                });
                started.push(thread.thread().clone());
            }
            assert!(conductor.threads.set(started).is_ok(), "the threads are started once");
            conductor.hand_over();
        });
    });
    conductor.completed.into_iter().map(AtomicBool::into_inner).collect()
}

/// Hands the baton on for good when it goes out of scope.
struct Finish<'a, 'p> {
    conductor: &'a Conductor<'p>,
    number: usize,
}

impl Drop for Finish<'_, '_> {
    fn drop(&mut self) {
        self.conductor.finished[self.number].store(true, Relaxed);
        self.conductor.hand_over();
    }
}

const NOBODY: usize = usize::MAX;

/// Between two calls.
const NOWHERE: usize = 0;

thread_local! {
    /// The number of this thread.
    static ME: Cell<usize> = const { Cell::new(NOBODY) };
}

/// The script, and how far it has come. Only the thread with the baton writes anything.
struct Conductor<'p> {
    pages: &'p Pages,
    script: Vec<Turn>,
    line: AtomicUsize,
    /// What the thread has done of its turn: accesses or calls.
    steps: AtomicUsize,
    completed: Vec<AtomicBool>,
    finished: Vec<AtomicBool>,
    /// The instruction that each thread stands before, in the middle of a call.
    standing: Vec<AtomicUsize>,
    /// The thread that runs.
    baton: AtomicUsize,
    /// Set before the first of them runs.
    threads: OnceLock<Vec<Thread>>,
}

impl Conductor<'_> {
    fn wait(&self, me: usize) {
        while self.baton.load(Acquire) != me {
            // In a signal handler too; but the signal is this thread's own fault, at an access to the
            // value and never within the library, whose locks are therefore free.
            thread::park();
        }
    }

    /// Gives the baton to the thread of this line, or of the next whose thread has not finished.
    fn hand_over(&self) {
        loop {
            let Some(turn) = self.script.get(self.line.load(Relaxed)) else { return };
            if !self.finished[turn.thread()].load(Relaxed) {
                self.steps.store(0, Relaxed);
                // Accesses are watched only where they count: the others are a hundred times faster.
                match turn {
                    Turn::Accesses(..) => self.pages.close(),
                    Turn::Calls(..) | Turn::Rest(_) => self.pages.open(),
                }
                self.baton.store(turn.thread(), Release);
                if let Some(thread) = self.threads.get().and_then(|all| all.get(turn.thread())) {
                    thread.unpark();
                }
                return;
            }
            self.line.fetch_add(1, Relaxed);
        }
    }

    /// Ends the turn of this thread, and waits for its next one.
    fn end_turn(&self, me: usize) {
        let line = self.line.fetch_add(1, Relaxed);
        self.completed[line].store(true, Relaxed);
        self.hand_over();
        self.wait(me);
    }

    fn turn(&self) -> Turn {
        self.script[self.line.load(Relaxed)]
    }

    fn meet_others(&self, instruction: usize) {
        let Some(on_meeting) = ON_MEETING.get() else { return };
        // An array: in a signal handler nothing is to be allocated.
        let mut met = [instruction, NOWHERE, NOWHERE, NOWHERE];
        let others = self.standing.iter().map(|place| place.load(Relaxed));
        let others = others.filter(|&place| place != NOWHERE);
        let count = met[1..].iter_mut().zip(others).map(|(met, place)| *met = place).count();
        if count > 0 {
            on_meeting(&met[..=count]);
        }
    }

    fn after_call(&self, me: usize) {
        if let Turn::Calls(_, calls) = self.turn() {
            let ended = self.steps.fetch_add(1, Relaxed) + 1;
            if ended == calls {
                self.end_turn(me);
            }
        }
    }
}

impl Watcher for Conductor<'_> {
    fn before_access(&self, _: &Pages, instruction: usize) -> Access {
        let me = ME.get();
        loop {
            let Turn::Accesses(_, accesses) = self.turn() else { return Access::AndAllLater };
            if self.steps.fetch_add(1, Relaxed) < accesses {
                self.meet_others(instruction);
                return Access::Single;
            }
            // It ends before this access, where the next turn of this thread begins.
            self.standing[me].store(instruction, Relaxed);
            self.end_turn(me);
            self.standing[me].store(NOWHERE, Relaxed);
        }
    }
}
