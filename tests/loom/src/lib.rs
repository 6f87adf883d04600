//! The harness of the model tests: explores a scenario to the end, says how much that was, and
//! holds the scenario to the outcomes that it must and may have.
//!
//! A model that passes says "no interleaving within the bound breaks an assertion". That is worth
//! nothing if the interleavings that matter were not explored, so a scenario states what must be
//! *seen*: [`outcomes`] fails when a listed outcome never occurs as well as when an unlisted one
//! does. `tests/patch.rs` proves that the exploration itself is the patched one.
//!
//! loom's limits, for whoever writes a model: at most four threads beside the main one; a loop
//! that waits for another thread must yield; a `SeqCst` load or store is only Acquire or Release,
//! while a `SeqCst` fence is right.

#[cfg(not(loom))]
compile_error!(
    "run `cargo xtask loom`: the models need `--cfg loom`, which tests/loom/.cargo/config.toml \
     sets unless RUSTFLAGS is in the environment or cargo was started in another folder"
);

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, Write as _};
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Instant;

use loom::model::Builder;

// The released loom has no such constant.
const _: () = assert!(loom::DEPENDS_ON_EVERY_THREADS_LAST_ACCESS);

/// How many switching points one execution may have before loom takes it for an endless loop.
const MAX_BRANCHES: usize = 20_000;

/// Explores the executions of `scenario` in which threads are preempted at most `bound` times,
/// or all of them, and prints how many there were.
///
/// # Panics
///
/// If `scenario` panics in any execution.
pub fn model(name: &str, bound: Option<usize>, scenario: impl Fn() + Send + Sync + 'static) {
    static HOOK: Once = Once::new();
    HOOK.call_once(tell_deadlocks);
    MODEL.set(Some(name.to_owned()));
    let executions = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    explorer(bound).check({
        let executions = Arc::clone(&executions);
        move || {
            // ORDERING: Relaxed; a count, read after the last execution has ended.
            executions.fetch_add(1, Relaxed);
            scenario();
        }
    });
    // ORDERING: Relaxed, as above.
    let count = executions.load(Relaxed);
    let bound = bound.map_or_else(|| "unbounded".to_owned(), |n| format!("{n} preemptions"));
    let seconds = start.elapsed().as_secs_f64();
    report(&format!("model {name}: {count} executions, {bound}, {seconds:.2} s\n"));
}

/// Explores `scenario` as [`model`] does and compares what it returned, over all executions, with
/// `expected`: each of these must have been seen, and nothing else.
///
/// # Panics
///
/// If `scenario` panics in any execution, if it returns something that is not in `expected`, or
/// if something in `expected` is never returned.
pub fn outcomes<T>(
    name: &str,
    bound: Option<usize>,
    expected: &[T],
    scenario: impl Fn() -> T + Send + Sync + 'static,
) where
    T: Clone + Debug + Ord + Send + 'static,
{
    let seen = Arc::new(Mutex::new(BTreeMap::<T, usize>::new()));
    model(name, bound, {
        let seen = Arc::clone(&seen);
        move || {
            let outcome = scenario();
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen.entry(outcome).or_default() += 1;
        }
    });
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let line = |(outcome, count): (&T, &usize)| format!("    {outcome:?} in {count} executions\n");
    report(&seen.iter().map(line).collect::<String>());
    for outcome in seen.keys() {
        assert!(expected.contains(outcome), "{name}: unexpected outcome {outcome:?}");
    }
    for outcome in expected {
        assert!(seen.contains_key(outcome), "{name}: outcome {outcome:?} was never seen");
    }
}

thread_local! {
    /// The model that this thread explores.
    static MODEL: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Says which test failed when loom finds threads that wait for ever: it panics, and again when those
/// threads leave what they wait in, so that the process is aborted before libtest can say it.
fn tell_deadlocks() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let is_deadlock = panic
            .payload()
            .downcast_ref::<String>()
            .is_some_and(|said| said.starts_with("deadlock"));
        let model = MODEL.try_with(|model| model.try_borrow().ok()?.clone()).ok().flatten();
        if let Some(model) = model.filter(|_| is_deadlock) {
            report(&format!("test {model} ... FAILED\n"));
        }
        usual(panic);
    }));
}

/// Prints `text` past libtest, which would keep it to itself unless the test fails.
fn report(text: &str) {
    let mut stdout = io::stdout().lock();
    // Nobody listening is no reason to fail a model.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// loom's settings. Its `LOOM_LOG`, `LOOM_LOCATION` and `LOOM_CHECKPOINT_FILE` help to study a
/// failure; the variables that would end an exploration early have no effect.
fn explorer(bound: Option<usize>) -> Builder {
    let mut builder = Builder::new();
    builder.max_branches = MAX_BRANCHES;
    builder.preemption_bound = bound;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder
}
