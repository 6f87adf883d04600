//! How far this crate's structures are from the best rivals, over many cells at once.

use std::fmt;

use crate::case::{Case, Shape};
use crate::ranking::Summary;

/// The ratio to the best rival, of one timed case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    shape: Shape,
    ratio: f64,
}

/// Several cells in three figures.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Standing {
    cells: usize,
    mean: f64,
    least: f64,
    greatest: f64,
}

impl Cell {
    /// Of `case`, unless it is not timed, or lacks this crate's structure or a rival.
    pub(crate) fn of(case: &Case, summary: &Summary) -> Option<Self> {
        let ratio = summary.ours()?.to_rival?.median;
        let is_timed = case.shape != Shape::Memory;
        (is_timed && ratio.is_finite() && ratio > 0.0).then_some(Self { shape: case.shape, ratio })
    }
}

impl Standing {
    fn of(ratios: &[f64]) -> Option<Self> {
        let logarithms: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
        Some(Self {
            cells: ratios.len(),
            mean: (logarithms / ratios.len() as f64).exp(),
            least: ratios.iter().copied().min_by(f64::total_cmp)?,
            greatest: ratios.iter().copied().max_by(f64::total_cmp)?,
        })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cells, mean, least, greatest } = self;
        let unit = if *cells == 1 { "cell" } else { "cells" };
        write!(f, "×{mean:.2} ({cells} {unit}; least ×{least:.2}, greatest ×{greatest:.2})")
    }
}

/// What the cells of a family come to, all together and by shape; nothing if there are none.
pub(crate) fn lines(cells: &[Cell]) -> String {
    let all: Vec<f64> = cells.iter().map(|cell| cell.ratio).collect();
    let Some(standing) = Standing::of(&all) else { return String::new() };
    let mut text =
        format!("Geometric mean of the ratios to the best rival of each cell: {standing}.\n");
    let mut kinds: Vec<&str> = Vec::new();
    for cell in cells {
        if !kinds.contains(&cell.shape.kind()) {
            kinds.push(cell.shape.kind());
        }
    }
    if kinds.len() > 1 {
        text.push('\n');
        for kind in kinds {
            let own = cells.iter().filter(|cell| cell.shape.kind() == kind);
            let own: Vec<f64> = own.map(|cell| cell.ratio).collect();
            if let Some(standing) = Standing::of(&own) {
                text += &format!("- {kind}: {standing}\n");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_geometric() {
        let standing = Standing::of(&[0.5, 2.0, 8.0]).unwrap();
        assert!((standing.mean - 2.0).abs() < 1e-12, "{standing:?}");
        assert_eq!((standing.cells, standing.least, standing.greatest), (3, 0.5, 8.0));
        assert_eq!(standing.to_string(), "×2.00 (3 cells; least ×0.50, greatest ×8.00)");
        assert_eq!(
            Standing::of(&[0.7]).unwrap().to_string(),
            "×0.70 (1 cell; least ×0.70, greatest ×0.70)"
        );
        assert_eq!(Standing::of(&[]), None);
    }

    #[test]
    fn shapes_are_told_apart_whatever_their_sizes() {
        let cell = |shape, ratio| Cell { shape, ratio };
        let cells = [
            cell(Shape::Alone, 1.0),
            cell(Shape::Batch(8), 4.0),
            cell(Shape::Chunk(8), 3.0),
            cell(Shape::Batch(64), 1.0),
        ];
        let expected = "\
Geometric mean of the ratios to the best rival of each cell: ×1.86 (4 cells; least ×1.00, greatest ×4.00).

- alone: ×1.00 (1 cell; least ×1.00, greatest ×1.00)
- batches: ×2.00 (2 cells; least ×1.00, greatest ×4.00)
- chunks: ×3.00 (1 cell; least ×3.00, greatest ×3.00)
";
        assert_eq!(lines(&cells), expected);
    }

    #[test]
    fn one_shape_is_said_once() {
        let cells = [Cell { shape: Shape::Alone, ratio: 1.5 }; 2];
        assert_eq!(lines(&cells).lines().count(), 1);
        assert_eq!(lines(&[]), "");
    }
}
