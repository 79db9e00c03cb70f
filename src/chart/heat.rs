//! A family of very many series as a map of heat: a row of cells a series, or a few of them, time across.
//!
//! Each level of heat is one path of short strokes as wide as a row is high, so that the map is no heavier than
//! a chart of a few lines.

use super::grid::Grid;
use super::path::{Stroke, level};
use super::scale::YTick;
use super::span::{Place, Span};
use super::{Scale, WIDTH};
use crate::model::{Family, Track, Unit, UnixMs, units};

/// How many cells a window is long.
const CELLS: i64 = 60;
const MOST_ROWS: usize = 32;
/// What is cooler than the first level is not drawn.
pub const LEVELS: usize = 5;

/// What stands in place of a line for each series: how high they are in all.
pub const SUMMARY: [&str; 3] = ["highest", "mean", "lowest"];

/// How many series stand in one row.
pub fn series_per_row(family: &Family) -> usize {
    family.dimensions.len().div_ceil(MOST_ROWS).max(1)
}

pub fn row_count(family: &Family) -> usize {
    family.dimensions.len().div_ceil(series_per_row(family))
}

/// One stroke a level, the coolest first.
pub fn strokes(family: &Family, track: &Track, span: Span) -> (Vec<Stroke>, Scale) {
    let (cells, begins) = cells(family, track, span);
    let hottest = cells.iter().flatten().fold(0.0, |hottest: f64, cell| hottest.max(*cell));
    // Of percentages and temperatures everybody knows what is hot.
    let is_known = matches!(family.unit, Unit::Percent | Unit::Celsius);
    let scale = Scale::round(family.unit, if is_known { hottest.max(100.0) } else { hottest });
    let strokes = (0..LEVELS)
        .map(|heat| {
            let hot = |value: f64| value > 0.0 && level_of(value, &scale) == heat;
            let rows = cells.iter().map(|row| row.iter().map(|&value| hot(value)).collect::<Vec<bool>>());
            Stroke { line: level(rows, &begins), area: String::new() }
        })
        .collect();
    (strokes, scale)
}

/// The hottest of each cell, zero where there is nothing; and where each column begins, and the last ends.
fn cells(family: &Family, track: &Track, span: Span) -> (Vec<Vec<f64>>, Vec<i32>) {
    // Cells are aligned to absolute time: as it passes they move and never change.
    let cell_ms = span.window.ms() / CELLS;
    let column = |t: UnixMs| t.0.saturating_sub(1).div_euclid(cell_ms);
    let first = span.start().0.div_euclid(cell_ms);
    let count = usize::try_from(column(span.end) - first + 1).unwrap_or(0);
    let grid = Grid::new(span, WIDTH, track.interval());
    let begins = (0..=count).map(|index| grid.x(UnixMs((first + index as i64) * cell_ms)).clamp(0, WIDTH)).collect();

    let per_row = series_per_row(family);
    let mut cells = vec![vec![0.0_f64; count]; row_count(family)];
    for row in grid.rows(track) {
        let Some(t) = track.t(row) else { continue };
        // A tick tells of the time before it.
        let from = usize::try_from(((t - track.interval()).0.div_euclid(cell_ms) - first).max(0)).unwrap_or(count);
        let to = usize::try_from(column(t) - first + 1).unwrap_or(0).min(count);
        for (index, line) in cells.iter_mut().enumerate() {
            let series = index * per_row..((index + 1) * per_row).min(track.dimensions());
            let hottest = series.filter_map(|dimension| track.value(row, dimension)).fold(0.0, f64::max);
            for cell in line.get_mut(from..to).unwrap_or_default() {
                *cell = cell.max(hottest);
            }
        }
    }
    (cells, begins)
}

fn level_of(value: f64, scale: &Scale) -> usize {
    // The cast takes what is below zero to zero.
    ((value / scale.top() * LEVELS as f64) as usize).min(LEVELS - 1)
}

/// Which rows are which series.
pub fn y_ticks(family: &Family) -> Vec<YTick> {
    let (rows, per_row) = (row_count(family), series_per_row(family));
    let step = rows.div_ceil(4).max(1);
    (0..rows)
        .step_by(step)
        .filter_map(|row| {
            let label = family.dimensions.get(row * per_row)?.label.to_string();
            Some(YTick { place: Place::of((row + 1) as f64 / rows as f64), label })
        })
        .collect()
}

/// The highest with its name, the mean and the lowest.
pub fn summary(family: &Family, values: &[Option<f64>]) -> Vec<String> {
    let known = || values.iter().enumerate().filter_map(|(index, value)| Some((index, (*value)?)));
    let extreme =
        |is_more: fn(f64, f64) -> bool| known().reduce(|best, next| if is_more(next.1, best.1) { next } else { best });
    let show = |value| units::show(family.unit, value).text();
    let (sum, count) = known().fold((0.0, 0_u32), |(sum, count), (_, value)| (sum + value, count + 1));
    let highest = match extreme(|next, best| next > best) {
        Some((index, value)) => {
            let mut text = show(Some(value));
            if let Some(dimension) = family.dimensions.get(index) {
                text.push_str(" (");
                text.push_str(&dimension.label);
                text.push(')');
            }
            text
        }
        None => show(None),
    };
    let mean = (count > 0).then(|| sum / f64::from(count));
    vec![highest, show(mean), show(extreme(|next, best| next < best).map(|(_, value)| value))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Window;
    use crate::chart::fixture::{at, family, history};

    fn cores(count: usize) -> Family {
        let names: Vec<String> = (0..count).map(|core| core.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        family(Unit::Percent, 1, &names)
    }

    #[test]
    fn each_level_is_one_path() {
        let family = cores(12);
        let values = |second: i64| -> Vec<Option<f64>> {
            (0..12).map(|core| Some(if core == 3 && second > 50 { 95.0 } else { 0.0 })).collect()
        };
        let rows: Vec<_> = (1..=60).map(|second| (second, values(second))).collect();
        let history = history(&family, &rows, &[]);
        let span = Span::ending(at(60), Window::ONE);
        let strokes: Vec<String> = history
            .track(&family.id)
            .map(|track| strokes(&family, track, span).0)
            .unwrap_or_default()
            .into_iter()
            .map(|stroke| stroke.line)
            .collect();
        assert_eq!(strokes, ["", "", "", "", "M1000 3h200"]);
    }

    #[test]
    fn a_map_has_few_columns_however_long_its_window_is() {
        let family = cores(12);
        let history = history(&family, &[(60, vec![Some(30.0); 12])], &[]);
        let track = history.track(&family.id).map(|track| {
            Window::named().map(|window| cells(&family, track, Span::ending(at(60), window)).1.len()).collect()
        });
        let columns: Vec<usize> = track.unwrap_or_default();
        assert_eq!(columns.len(), 11);
        assert!(columns.iter().all(|columns| (2..=CELLS as usize + 2).contains(columns)), "{columns:?}");
    }

    #[test]
    fn many_series_share_a_row_and_the_hottest_is_seen() {
        let family = cores(128);
        assert_eq!((series_per_row(&family), row_count(&family)), (4, 32));
        let values: Vec<_> = (0..128).map(|core| Some(if core == 17 { 100.0 } else { 30.0 })).collect();
        let history = history(&family, &[(60, values.clone())], &[]);
        let span = Span::ending(at(60), Window::ONE);
        let strokes = history.track(&family.id).map(|track| strokes(&family, track, span).0).unwrap_or_default();
        assert_eq!(strokes[4].line, "M1180 4h20");
        assert_eq!(strokes[1].line.matches('M').count(), 31);
        assert_eq!(summary(&family, &values), ["100% (17)", "30.5%", "30.0%"]);
        let labels: Vec<_> = y_ticks(&family).into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels, ["0", "32", "64", "96"]);
        assert_eq!(summary(&family, &[None; 128]), ["–"; 3]);
    }
}
