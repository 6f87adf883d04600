//! A summary as rows of text, for a terminal and for the report alike.

use comfy_table::{CellAlignment, Table, presets};

use crate::bench::PERCENTILES;
use crate::case::{Case, Shape};
use crate::contestant::Side;
use crate::ranking::{Row, Summary};
use crate::stats::Estimate;

/// The percentiles that a table of latencies shows.
const SHOWN: [f64; 3] = [50.0, 99.0, 99.9];

/// The head and the body of the table of a case.
pub(crate) fn cells(case: &Case, summary: &Summary) -> (Vec<String>, Vec<Vec<String>>) {
    let mut head = vec!["rank".to_owned(), "contestant".to_owned()];
    match case.shape {
        Shape::RoundTrip => head.extend(SHOWN.map(|percent| format!("p{percent} ns"))),
        Shape::Memory => head.push(case.unit().to_owned()),
        _ => head.extend([case.unit(), "quartiles", "least"].map(str::to_owned)),
    }
    head.push(format!("to {}", summary.best_rival.as_deref().unwrap_or("best rival")));
    if case.shape != Shape::Memory {
        head.push("least ratio".to_owned());
    }
    let has_limit = summary.rows.iter().any(|row| row.to_limit.is_some());
    if has_limit {
        head.push("to limit".to_owned());
    }
    let body = summary.rows.iter().map(|row| {
        let mut cells = vec![rank(summary, row), row.name.clone()];
        match case.shape {
            Shape::RoundTrip => cells.extend(SHOWN.map(|percent| {
                let at = PERCENTILES.iter().position(|&p| p == percent);
                figure(at.and_then(|at| row.percentiles.get(at)).copied().unwrap_or(f64::NAN))
            })),
            Shape::Memory => cells.push(format!("{}", row.median)),
            _ => {
                let (low, high) = row.quartiles;
                cells.push(figure(row.median));
                cells.push(format!("{} – {}", figure(low), figure(high)));
                cells.push(figure(row.min));
            }
        }
        let is_exact = case.shape == Shape::Memory;
        cells.push(times(row.to_rival, is_exact));
        if !is_exact {
            cells.push(row.to_rival.map_or_else(String::new, |ratio| format!("×{:.2}", ratio.min)));
        }
        if has_limit {
            cells.push(times(row.to_limit, true));
        }
        cells
    });
    (head, body.collect())
}

/// The table as a terminal shows it.
pub(crate) fn terminal(case: &Case, summary: &Summary) -> String {
    let (head, body) = cells(case, summary);
    let columns = head.len();
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_header(head).add_rows(body);
    for column in (0..columns).filter(|&column| column != 1) {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{}\n{table}\n{}", case.title(), notes(summary))
}

/// The table as Markdown shows it, this crate's row in bold.
pub(crate) fn markdown(case: &Case, summary: &Summary) -> String {
    let (head, body) = cells(case, summary);
    let mut text = format!("| {} |\n|", head.join(" | "));
    for column in 0..head.len() {
        text += if column == 1 { "---|" } else { "--:|" };
    }
    text.push('\n');
    for (cells, row) in body.into_iter().zip(&summary.rows) {
        let cells = cells.into_iter().map(|cell| match row.side {
            Side::Ours => format!("**{cell}**"),
            Side::Rival => cell,
            Side::Limit => format!("*{cell}*").replace("**", ""),
        });
        text += &format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    }
    format!("{text}\n{}", notes(summary))
}

/// Under which conditions, and who was sent off.
fn notes(summary: &Summary) -> String {
    let mut text =
        format!("{} rounds, CPUs: {}{}\n", summary.rounds, summary.regime, summary.left_out());
    for (name, reason) in &summary.disqualified {
        text += &format!("\nSent off: {name}: {reason}\n");
    }
    text
}

/// The rank, with a sign where it is shared.
fn rank(summary: &Summary, row: &Row) -> String {
    let Some(rank) = row.rank else { return String::new() };
    let sharing = summary.rows.iter().filter(|other| other.rank == Some(rank)).count();
    if sharing > 1 { format!("{rank}=") } else { rank.to_string() }
}

/// A ratio, and the interval that holds it unless it is `brief`.
pub(crate) fn times(ratio: Option<Estimate>, brief: bool) -> String {
    let Some(Estimate { median, low, high, .. }) = ratio else { return String::new() };
    if brief { format!("×{median:.2}") } else { format!("×{median:.2} ({low:.2} – {high:.2})") }
}

/// A figure in as many digits as it deserves.
pub(crate) fn figure(value: f64) -> String {
    match value {
        value if value.is_nan() => "–".to_owned(),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(figure(0.281), "0.28");
        assert_eq!(figure(12.34), "12.3");
        assert_eq!(figure(1234.5), "1234");
        assert_eq!(figure(f64::NAN), "–");
    }
}
