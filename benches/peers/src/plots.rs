//! Pictures of the findings: bars for each case, the distribution of round trips, and what more
//! threads bring.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::bench::PERCENTILES;
use crate::case::{Case, Family, Payload, Shape};
use crate::contestant::Side;
use crate::machine::Provenance;
use crate::ranking::Row;
use crate::report::Finding;
use crate::table::figure;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const WIDTH: i32 = 1200;
const MARGIN: i32 = 16;
/// Where bars start: room for the longest name.
const NAMES: i32 = 225;
const BAR: i32 = 17;
const TITLE: i32 = 34;
const FOOT: i32 = 26;
/// Room for the names of lines, in threads.
const LEGEND: f64 = 1.4;
/// Bars longer than this many times the best contestant's are cut off.
const LONGEST: f64 = 24.0;

const INK: RGBColor = RGBColor(31, 35, 40);
const FAINT: RGBColor = RGBColor(110, 118, 129);
const OURS: RGBColor = RGBColor(207, 83, 0);
const RIVAL: RGBColor = RGBColor(120, 150, 190);
const LIMIT: RGBColor = RGBColor(205, 214, 205);
/// Colours that are told apart on lines.
const LINES: [RGBColor; 8] = [
    RGBColor(31, 119, 180),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(140, 86, 75),
    RGBColor(227, 119, 194),
    RGBColor(127, 127, 127),
    RGBColor(188, 189, 34),
    RGBColor(23, 190, 207),
];

/// The pictures of a family: for each the name of its file, what it shows, and itself.
pub(crate) fn of(family: Family, findings: &[&Finding]) -> Result<Vec<(String, String, String)>> {
    let name = family.name();
    let mut pictures = Vec::new();
    let timed: Vec<&Finding> =
        findings.iter().copied().filter(|f| f.record.case.shape != Shape::Memory).collect();
    if !timed.is_empty() {
        let about = format!("{}: medians and quartiles", family.title());
        pictures.push((format!("{name}.svg"), about, bars(&timed)?));
    }
    if let Some(finding) = timed.iter().find(|f| f.record.case.shape == Shape::RoundTrip) {
        let about = format!("{}: distribution of round trips", family.title());
        pictures.push((format!("{name}-latency.svg"), about, latency(finding)?));
    }
    let scaling = |f: &&&Finding| {
        let Case { shape, payload, capacity, .. } = f.record.case;
        let is_usual = capacity == 0 || capacity == 1024;
        let is_usual = is_usual
            && (payload == Payload::Word || !matches!(family, Family::Spsc | Family::Mpmc));
        is_usual && matches!(shape, Shape::Alone | Shape::Each(_))
    };
    let by_threads: Vec<&Finding> = timed.iter().filter(scaling).copied().collect();
    if by_threads.len() > 1 && family != Family::Atomic {
        let about = format!("{}: throughput by threads", family.title());
        pictures.push((format!("{name}-scaling.svg"), about, threads(&by_threads)?));
    }
    Ok(pictures)
}

/// A panel of bars for each case, in two columns.
fn bars(findings: &[&Finding]) -> Result<String> {
    let height = |finding: &Finding| TITLE + BAR * finding.summary.rows.len() as i32 + MARGIN;
    // Each panel goes where the column is shorter.
    let mut bottoms = [MARGIN; 2];
    let mut places = Vec::new();
    for finding in findings {
        let [left, right] = &mut bottoms;
        let (bottom, x) = if *left <= *right { (left, 0) } else { (right, WIDTH / 2) };
        places.push((x, *bottom));
        *bottom += height(finding);
    }
    let total = bottoms.into_iter().max().unwrap_or_default() + FOOT;
    picture(total, findings, |area| {
        for (finding, &(x, y)) in findings.iter().zip(&places) {
            panel(area, finding, x, y)?;
        }
        Ok(())
    })
}

fn panel(area: &Area<'_>, finding: &Finding, x: i32, y: i32) -> Result<()> {
    let Finding { record, summary } = finding;
    let heading = format!("{} ({})", record.case.id(), record.case.unit());
    write(area, &heading, (x + MARGIN, y + 8), 14, &INK, HPos::Left)?;
    let contenders = summary.rows.iter().filter(|row| row.side != Side::Limit);
    let shortest = contenders.map(|row| row.median).fold(f64::INFINITY, f64::min);
    let longest = summary.rows.iter().map(|row| row.quartiles.1).fold(0.0, f64::max);
    let end = longest.min(shortest * LONGEST);
    let space = f64::from(WIDTH / 2 - NAMES - 4 * MARGIN - 30);
    let at = |value: f64| x + NAMES + (value.min(end) / end * space) as i32;
    for (row, top) in summary.rows.iter().zip((y + TITLE - 8..).step_by(BAR as usize)) {
        let middle = top + BAR / 2;
        let colour = if row.side == Side::Ours { OURS } else { INK };
        write(area, &row.name, (x + NAMES - 6, middle), 12, &colour, HPos::Right)?;
        let corners = [(x + NAMES, top + 2), (at(row.median), top + BAR - 2)];
        area.draw(&Rectangle::new(corners, fill(row.side).filled()))?;
        let (low, high) = (at(row.quartiles.0), at(row.quartiles.1));
        if row.median < end {
            area.draw(&PathElement::new(vec![(low, middle), (high, middle)], INK))?;
            for x in [low, high] {
                area.draw(&PathElement::new(vec![(x, middle - 3), (x, middle + 3)], INK))?;
            }
        }
        let more = if row.median > end { " →" } else { "" };
        let label = format!("{}{more}", figure(row.median));
        let right = at(row.median).max(high);
        write(area, &label, (right + 6, middle), 12, &FAINT, HPos::Left)?;
    }
    Ok(())
}

fn fill(side: Side) -> RGBColor {
    match side {
        Side::Ours => OURS,
        Side::Rival => RIVAL,
        Side::Limit => LIMIT,
    }
}

/// How many round trips take how long at most.
fn latency(finding: &Finding) -> Result<String> {
    let rows: Vec<&Row> =
        finding.summary.rows.iter().filter(|row| !row.percentiles.is_empty()).collect();
    let all = rows.iter().flat_map(|row| row.percentiles.iter().copied());
    let all: Vec<f64> = all.filter(|ns| *ns > 0.0).collect();
    let least = all.iter().copied().fold(f64::INFINITY, f64::min) * 0.9;
    let most = all.iter().copied().fold(1.0, f64::max) * 1.1;
    picture(520, &[finding], |area| {
        let area = area.clone().shrink((0, 0), (WIDTH as u32, 490));
        let mut chart = ChartBuilder::on(&area)
            .caption(finding.record.case.title(), ("sans-serif", 16))
            .margin(MARGIN)
            .x_label_area_size(38)
            .y_label_area_size(48)
            .build_cartesian_2d((least..most).log_scale(), 0.0..100.0)?;
        chart
            .configure_mesh()
            .x_desc("nanoseconds, there and back")
            .y_desc("percent of round trips within")
            .x_label_formatter(&|ns| figure(*ns))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (row, colour) in coloured(&rows) {
            let points = row.percentiles.iter().copied().zip(PERCENTILES);
            let style = colour.stroke_width(width(row));
            chart
                .draw_series(LineSeries::new(points, style))?
                .label(&row.name)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], style));
        }
        legend(&mut chart)
    })
}

/// Operations a second, by how many threads share the structure.
fn threads(findings: &[&Finding]) -> Result<String> {
    let Some(first) = findings.first() else { return Ok(String::new()) };
    let rows: Vec<&Row> = first.summary.rows.iter().collect();
    let millions = |finding: &&Finding, name: &str| {
        let row = finding.summary.rows.iter().find(|row| row.name == name)?;
        Some((finding.record.case.threads() as f64, 1000.0 / row.median))
    };
    let line = |name: &str| findings.iter().filter_map(|f| millions(f, name)).collect::<Vec<_>>();
    let all: Vec<(f64, f64)> = rows.iter().flat_map(|row| line(&row.name)).collect();
    let most = all.iter().map(|point| point.1).fold(1.0, f64::max) * 1.2;
    let least = all.iter().map(|point| point.1).fold(f64::INFINITY, f64::min) * 0.8;
    let last = all.iter().map(|point| point.0).fold(1.0, f64::max);
    let family = first.record.case.family;
    let cores = first.record.provenance.cores;
    picture(520, findings, |area| {
        let area = area.clone().shrink((0, 0), (WIDTH as u32, 490));
        let mut chart = ChartBuilder::on(&area)
            .caption(format!("{}: all threads together", family.title()), ("sans-serif", 16))
            .margin(MARGIN)
            .x_label_area_size(38)
            .y_label_area_size(56)
            .build_cartesian_2d(0.8..last + LEGEND, (least..most).log_scale())?;
        chart
            .configure_mesh()
            .x_desc(format!("threads on {cores} CPUs"))
            .y_desc("millions a second")
            .x_labels((last + LEGEND) as usize)
            .x_label_formatter(&|&threads| {
                if threads > last { String::new() } else { format!("{threads:.0}") }
            })
            .y_label_formatter(&|value| figure(*value))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (row, colour) in coloured(&rows) {
            let points = line(&row.name);
            let style = colour.stroke_width(width(row));
            chart
                .draw_series(points.iter().map(|&point| Circle::new(point, 3, colour.filled())))?;
            chart
                .draw_series(LineSeries::new(points, style))?
                .label(&row.name)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], style));
        }
        legend(&mut chart)
    })
}

/// Each row with the colour of its line.
fn coloured<'a>(rows: &[&'a Row]) -> Vec<(&'a Row, RGBColor)> {
    let mut colours = LINES.iter().cycle();
    let colour = |row: &Row| match row.side {
        Side::Ours => OURS,
        Side::Limit => FAINT,
        Side::Rival => colours.next().copied().unwrap_or(RIVAL),
    };
    let colours: Vec<RGBColor> = rows.iter().copied().map(colour).collect();
    rows.iter().copied().zip(colours).collect()
}

fn width(row: &Row) -> u32 {
    if row.side == Side::Ours { 3 } else { 1 }
}

fn legend<'a, X, Y>(chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>) -> Result<()>
where
    X: Ranged<ValueType = f64> + plotters::coord::ranged1d::ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + plotters::coord::ranged1d::ValueFormatter<f64>,
{
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(FAINT)
        .label_font(("sans-serif", 12))
        .draw()?;
    Ok(())
}

/// A picture of this height, with where its data comes from at its foot.
fn picture(
    height: i32,
    findings: &[&Finding],
    draw: impl FnOnce(&Area<'_>) -> Result<()>,
) -> Result<String> {
    let mut sources: Vec<&Provenance> = Vec::new();
    for finding in findings {
        if !sources.contains(&&finding.record.provenance) {
            sources.push(&finding.record.provenance);
        }
    }
    let feet = 15 * sources.len() as i32;
    let mut svg = String::new();
    {
        let size = (WIDTH as u32, (height + feet) as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        draw(&area)?;
        for (source, y) in sources.iter().zip((height..).step_by(15)) {
            write(&area, &source.line(), (MARGIN, y), 10, &FAINT, HPos::Left)?;
        }
        area.present()?;
    }
    Ok(svg)
}

fn write(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    size: i32,
    colour: &RGBColor,
    side: HPos,
) -> Result<()> {
    let style = ("sans-serif", size).into_font().color(colour).pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}
