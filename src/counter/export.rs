//! Counters as text for Prometheus.

use core::fmt::{Error, Result, Write};

use super::{
    BatchedCounter, BoundedCounter, Counter, HighWater, Histogram, ShardedCounter, SignedCounter,
};

/// Writes itself in Prometheus's text format, to whatever takes text.
///
/// # Examples
///
/// ```
/// use latchless::counter::{Counter, Export};
///
/// static REQUESTS: Counter = Counter::with_value(42);
///
/// let mut page = String::new();
/// REQUESTS.export("http_requests_total", "Requests so far", &mut page)?;
/// assert_eq!(page, "\
/// ## HELP http_requests_total Requests so far
/// ## TYPE http_requests_total counter
/// http_requests_total 42
/// ");
/// # Ok::<(), core::fmt::Error>(())
/// ```
pub trait Export {
    /// Writes the metric `name` with what `help` says of it, a line break escaped.
    ///
    /// # Errors
    ///
    /// `page` takes no more, or `name` is none: letters, digits, `_` and `:`, no digit first.
    fn export(&self, name: &str, help: &str, page: &mut impl Write) -> Result;
}

/// The lines that come before the figures.
fn head(name: &str, help: &str, kind: &str, page: &mut impl Write) -> Result {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    let is_name =
        name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit());
    if !is_name {
        return Err(Error);
    }
    write!(page, "# HELP {name} ")?;
    for c in help.chars() {
        match c {
            '\\' => page.write_str("\\\\")?,
            '\n' => page.write_str("\\n")?,
            _ => page.write_char(c)?,
        }
    }
    writeln!(page, "\n# TYPE {name} {kind}")
}

macro_rules! export {
    ($($kind:literal: [$($generics:tt)*] $counter:ty = |$it:ident| $figure:expr;)+) => {$(
        impl<$($generics)*> Export for $counter {
            fn export(&self, name: &str, help: &str, page: &mut impl Write) -> Result {
                let $it = self;
                head(name, help, $kind, page)?;
                writeln!(page, "{name} {}", $figure)
            }
        }
    )+};
}

export! {
    "counter": [] Counter = |it| it.get();
    "counter": [const SHARDS: usize, S] ShardedCounter<SHARDS, S> = |it| it.sum();
    "gauge": [] SignedCounter = |it| it.get();
    "gauge": [] BoundedCounter = |it| it.get();
    "gauge": [] HighWater = |it| it.get();
    "gauge": [const SHARDS: usize, const BATCH: u32, S] BatchedCounter<SHARDS, BATCH, S> = |it| it.sum();
}

/// Its sum is that of the middles of the buckets, as for [`mean`](Histogram::mean).
impl<const BUCKETS: usize> Export for Histogram<BUCKETS> {
    fn export(&self, name: &str, help: &str, page: &mut impl Write) -> Result {
        head(name, help, "histogram", page)?;
        let mut below = 0_u64;
        for (greatest, times) in self.bucket_counts().filter(|&(greatest, _)| greatest < u64::MAX) {
            below = below.saturating_add(times);
            writeln!(page, "{name}_bucket{{le=\"{greatest}\"}} {below}")?;
        }
        let (count, sum) = self.count_and_sum();
        let count = count.max(below);
        writeln!(page, "{name}_bucket{{le=\"+Inf\"}} {count}")?;
        writeln!(page, "{name}_sum {sum}")?;
        writeln!(page, "{name}_count {count}")
    }
}
