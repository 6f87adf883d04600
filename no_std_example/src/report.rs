//! The tables a person reads at the end: one for each structure, a row for each CPU.

use core::fmt;

use crate::audit::Audit;
use crate::cpu::CpuId;
use crate::pipeline::{Outcome, Pipeline};
use crate::tally::{Desk, Event, Structure};

/// Everything there is to tell of a run.
#[derive(Debug)]
pub struct Report<'a, 'p> {
    /// What ran.
    pub pipeline: &'a Pipeline<'p>,
    /// What CPU 0 found.
    pub outcome: Outcome,
    /// What must be true, and whether it is.
    pub audit: &'a Audit,
}

struct Table {
    title: &'static str,
    about: &'static str,
    structure: Structure,
    columns: &'static [(&'static str, Event)],
}

/// Columns whose name ends in `(i)` count operations from interrupt context.
const TABLES: [Table; 8] = [
    Table {
        title: "Counters",
        about: "words that every CPU bumps",
        structure: Structure::Counters,
        columns: &[("ticks (i)", Event::Tick), ("bytes", Event::Byte)],
    },
    Table {
        title: "SpscRing lanes",
        about: "from each CPU's interrupt to its neighbour's main loop",
        structure: Structure::Lanes,
        columns: &[
            ("pushed (i)", Event::LanePushed),
            ("full (i)", Event::LaneFull),
            ("popped", Event::LanePopped),
            ("left", Event::LaneLeft),
        ],
    },
    Table {
        title: "MpmcRing alarms",
        about: "from every CPU's interrupt to any CPU's main loop or interrupt",
        structure: Structure::Alarms,
        columns: &[
            ("pushed (i)", Event::AlarmPushed),
            ("full (i)", Event::AlarmFull),
            ("popped (i)", Event::AlarmPoppedByInterrupt),
            ("popped", Event::AlarmPopped),
            ("left", Event::AlarmLeft),
        ],
    },
    Table {
        title: "Pool of sample slots",
        about: "allocated by interrupts, freed by them and by main loops",
        structure: Structure::Samples,
        columns: &[
            ("taken (i)", Event::SampleTaken),
            ("none (i)", Event::SamplesExhausted),
            ("freed (i)", Event::SampleFreedByInterrupt),
            ("freed", Event::SampleFreed),
        ],
    },
    Table {
        title: "Pool of buffers",
        about: "CPU 0 copies the file into them, whoever computes a piece frees its own",
        structure: Structure::Buffers,
        columns: &[
            ("taken", Event::BufferTaken),
            ("none", Event::BuffersExhausted),
            ("freed", Event::BufferFreed),
        ],
    },
    Table {
        title: "MpmcRing work",
        about: "pieces of the file, from CPU 0 to all",
        structure: Structure::Work,
        columns: &[
            ("pushed", Event::WorkPushed),
            ("full", Event::WorkFull),
            ("popped", Event::WorkPopped),
        ],
    },
    Table {
        title: "MpmcRing findings",
        about: "what the pieces hold, from all to CPU 0",
        structure: Structure::Findings,
        columns: &[
            ("pushed", Event::FindingPushed),
            ("full", Event::FindingFull),
            ("popped", Event::FindingPopped),
        ],
    },
    Table {
        title: "Snapshot of the sums",
        about: "CPU 0 replaces it, the interrupt of every CPU reads it",
        structure: Structure::Latest,
        columns: &[
            ("stored", Event::LatestStored),
            ("none", Event::LatestExhausted),
            ("read (i)", Event::LatestRead),
        ],
    },
];

// === impl Report ===

impl Report<'_, '_> {
    fn table(&self, f: &mut fmt::Formatter<'_>, table: &Table) -> fmt::Result {
        let Table { title, about, structure, columns } = table;
        let cpus = self.pipeline.cpus();
        let desks = || CpuId::first(cpus).map(|cpu| self.pipeline.tally().desk(cpu));

        writeln!(f, "\n{title}, {about}")?;
        write!(f, "  CPU")?;
        for (name, _) in *columns {
            write!(f, " {name:>12}")?;
        }
        writeln!(f, " {:>12}", "struck")?;
        for (cpu, desk) in desks().enumerate() {
            write!(f, "  {cpu:>3}")?;
            row(f, columns, |event| desk.get(event), desk.struck(*structure))?;
        }
        let struck = desks().map(|desk| desk.struck(*structure)).sum();
        write!(f, "  all")?;
        row(f, columns, |event| desks().map(|desk: &Desk| desk.get(event)).sum(), struck)
    }
}

impl fmt::Display for Report<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { totals, passes, pieces, millis, .. } = self.outcome;
        let tally = self.pipeline.tally();

        for (name, figure) in [
            ("CPUs", self.pipeline.cpus() as u64),
            ("milliseconds", millis),
            ("passes over the file", passes),
            ("bytes of the file", totals.bytes),
            ("pieces of the file", pieces),
        ] {
            writeln!(f, "{name:<20} {figure:>12}")?;
        }
        writeln!(f, "\n(i)     in interrupt context")?;
        writeln!(f, "struck  interrupts in the midst of a main-code operation on the structure")?;
        TABLES.iter().try_for_each(|table| self.table(f, table))?;

        let samples = tally.sum(Event::LanePopped) + tally.sum(Event::LaneLeft);
        if let Some(mean) = (10 * tally.sum(Event::Waiting)).checked_div(samples) {
            let (whole, tenth) = (mean / 10, mean % 10);
            writeln!(
                f,
                "\nThe interrupts saw {whole}.{tenth} pieces waiting for a CPU on average."
            )?;
        }
        writeln!(f, "Pieces waiting, as a histogram: {}", self.pipeline.waiting())?;
        write!(f, "\nChecks: both figures are equal, or there is none\n{}", self.audit)
    }
}

fn row(
    f: &mut fmt::Formatter<'_>,
    columns: &[(&str, Event)],
    get: impl Fn(Event) -> u64,
    struck: u64,
) -> fmt::Result {
    for &(_, event) in columns {
        write!(f, " {:>12}", get(event))?;
    }
    writeln!(f, " {struck:>12}")
}
