//! The image booted as the demo boots it, and made to fail in every way it can.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use indicatif::ProgressBar;
use no_std_example::options::{Fault, Options};

use crate::demo::{self, DEFAULT_FILE};
use crate::image;
use crate::input::Input;
use crate::qemu::{self, Machine};
use crate::watch::PATIENCE;
use crate::workspace::Workspace;

/// A hang on purpose need not be waited for so long.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);

/// Boots the image on 1, 2 and 4 CPUs with files of each kind, then with each fault.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    qemu::ensure_installed()?;
    let image = image::build(workspace)?;
    let boots = Boots { image: &image };
    let examine = |path: &Path| Input::examine(path, &ProgressBar::hidden());
    let text = examine(&workspace.path(DEFAULT_FILE))?;

    demo::on_threads(&text, 4, Options::default(), &ProgressBar::hidden())
        .and_then(|transcript| transcript.judge(&text.totals))
        .context("on threads")?;
    println!("    ok: 4 threads with a text");

    for cpus in [1, 2, 4] {
        boots.succeeds("a text", cpus, &text)?;
    }
    let folder = workspace.path("target/boot-tests");
    let made = |name: &str, content: &[u8]| -> Result<Input> {
        let path = folder.join(name);
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&path, content))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        examine(&path)
    };
    boots.succeeds("an empty file", 2, &made("empty", &[])?)?;
    boots.succeeds("a file of one byte", 4, &made("one-byte", b"x")?)?;
    let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(1_000_003).collect();
    boots.succeeds(
        "bytes that are no text, in a name that is odd",
        2,
        &made("a b,c=d", &every_byte)?,
    )?;

    let fault = |fault| Options { fault: Some(fault), ..Options::default() }.to_string();
    for (cpus, command_line, patience, complaint) in [
        (2, fault(Fault::Panic), PATIENCE, "the image panicked: panic on CPU 1 at "),
        (1, fault(Fault::Exception), PATIENCE, "CPU exception: exception on CPU 0: page fault"),
        (2, fault(Fault::Hang), SHORT_PATIENCE, "the image hangs: no sign of life for 5 s"),
        (2, fault(Fault::Figure), PATIENCE, "are not those that the host counts: words "),
        (2, fault(Fault::Leak), PATIENCE, "the run's own checks failed"),
        (1, "nonsense".to_owned(), PATIENCE, "command line: `nonsense` means nothing"),
    ] {
        boots.fails(cpus, &text, command_line, patience, complaint)?;
    }
    Ok(())
}

struct Boots<'a> {
    image: &'a Path,
}

impl Boots<'_> {
    fn succeeds(&self, what: &str, cpus: usize, input: &Input) -> Result<()> {
        let start = Instant::now();
        self.boot(cpus, input, Options::default().to_string(), PATIENCE)
            .with_context(|| format!("with {what} on {}", demo::count(cpus, "CPU")))?;
        let seconds = start.elapsed().as_secs_f64();
        println!("    ok: {} with {what} ({seconds:.1} s)", demo::count(cpus, "CPU"));
        Ok(())
    }

    /// The run fails, and says so in words that contain `complaint`.
    fn fails(
        &self,
        cpus: usize,
        input: &Input,
        command_line: String,
        patience: Duration,
        complaint: &str,
    ) -> Result<()> {
        let what = format!("{}, told `{command_line}`", demo::count(cpus, "CPU"));
        match self.boot(cpus, input, command_line, patience) {
            Ok(()) => bail!("with {what} the run should have failed, and did not"),
            Err(error) => {
                let error = format!("{error:#}");
                ensure!(error.contains(complaint), "with {what} the run failed otherwise: {error}");
                println!("    ok: {what}, ended in `{error}`");
                Ok(())
            }
        }
    }

    fn boot(
        &self,
        cpus: usize,
        input: &Input,
        command_line: String,
        patience: Duration,
    ) -> Result<()> {
        let machine = Machine { image: self.image, cpus, input, command_line, patience };
        machine.run(&ProgressBar::hidden())?.judge(&input.totals)
    }
}
