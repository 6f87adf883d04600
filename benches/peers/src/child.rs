//! One run of one contestant in a process of its own: it cannot take the others down, nor wait for
//! ever, and where the loader puts it differs from run to run, so that luck with addresses evens
//! out over the rounds.

use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, panic, process, thread};

use anyhow::{Context as _, Result, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::bench::{Bench, Sample};
use crate::case::{self, Shape};
use crate::contestant;
use crate::machine;

/// Rings of the largest case are built on the stack before they move to the heap.
const STACK_BYTES: usize = 256 << 20;

/// What a child process is told.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct ChildArgs {
    #[arg(long)]
    pub(crate) case: String,
    #[arg(long)]
    pub(crate) contestant: String,
    #[arg(long)]
    pub(crate) millis: u64,
    #[arg(long, num_args = 2)]
    pub(crate) cores: Vec<usize>,
}

/// How a child process ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Measured(Sample),
    /// It is to be sent off, for this reason.
    Failed(String),
}

/// Runs `args` in a child process.
pub(crate) fn run(args: &ChildArgs) -> Result<Outcome> {
    let limit = Duration::from_secs(5) + Duration::from_millis(args.millis) * 50;
    let mut command = Command::new(env::current_exe().context("this program has no path")?);
    command.args(["child", "--case", &args.case, "--contestant", &args.contestant]);
    command.args(["--millis", &args.millis.to_string(), "--cores"]);
    command.args(args.cores.iter().map(usize::to_string));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start a child process")?;
    let Some(answer) = read_for(&mut child, limit)? else {
        child.kill().context("cannot end a child process that hangs")?;
        child.wait()?;
        return Ok(Outcome::Failed(format!(
            "no answer within {} s: hung, or slower than all others by far",
            limit.as_secs()
        )));
    };
    let status = child.wait()?;
    if status.success() {
        let sample = serde_json::from_str(&answer).context("a child process answered nonsense")?;
        return Ok(Outcome::Measured(sample));
    }
    let mut complaint = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut complaint)?;
    }
    let reason = complaint.lines().next().unwrap_or_default().trim();
    Ok(Outcome::Failed(if reason.is_empty() { status.to_string() } else { reason.to_owned() }))
}

/// What the child writes until it closes its standard output; none if it has not after `limit`.
/// This process sleeps meanwhile, and takes nothing from the child's CPUs.
fn read_for(child: &mut Child, limit: Duration) -> Result<Option<String>> {
    let mut stdout = child.stdout.take().context("the child's output was asked for")?;
    let start = Instant::now();
    let mut answer = Vec::new();
    loop {
        let left = limit.saturating_sub(start.elapsed());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let ready = match poll(&mut [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)], timeout) {
            Err(nix::errno::Errno::EINTR) => continue,
            ready => ready.context("cannot wait for a child process")?,
        };
        if ready == 0 {
            return Ok(None);
        }
        let mut block = [0; 4096];
        let count = stdout.read(&mut block)?;
        if count == 0 {
            return Ok(Some(String::from_utf8(answer)?));
        }
        answer.extend_from_slice(block.get(..count).unwrap_or_default());
    }
}

/// The child process itself: measures, and prints the sample.
pub(crate) fn serve(args: &ChildArgs) -> Result<()> {
    // The message of a panic in any thread is the reason why the contestant is sent off; the other
    // threads may be waiting for the one that panicked.
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let message = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = message.or_else(|| payload.downcast_ref::<String>().cloned());
        eprintln!("{}", message.unwrap_or_else(|| info.to_string()).replace('\n', " "));
        process::exit(101);
    }));
    let case = case::all().into_iter().find(|case| case.id() == args.case);
    let case = case.with_context(|| format!("there is no case `{}`", args.case))?;
    let contestants = contestant::of(&case);
    let contestant = contestants.into_iter().find(|entrant| entrant.name == args.contestant);
    let contestant =
        contestant.with_context(|| format!("`{}` does not take part", args.contestant))?;
    let cores: [usize; 2] = args.cores.as_slice().try_into().context("two CPUs are needed")?;
    let bench = Bench {
        target: Duration::from_millis(args.millis),
        cores,
        realtime: case.threads() <= cores.len(),
        // Once round a ring, whose pages are not there before they are touched.
        warm_up: 2 * case.capacity as u64,
    };
    if case.shape == Shape::Memory {
        machine::use_one_arena();
    }
    let measure = move || (contestant.run)(&case, &bench);
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(measure)?;
    let mut sample = thread.join().ok().context("the run panicked")?;
    ensure!(sample.value.is_finite(), "the run took no measurable time");
    // More digits would be noise, in every file.
    let round = |figure: &mut f64| *figure = (*figure * 1e4).round() / 1e4;
    round(&mut sample.value);
    sample.percentiles.iter_mut().for_each(round);
    serde_json::to_writer(io::stdout().lock(), &sample)?;
    // Threads of a rival may still be about.
    process::exit(0);
}
