//! A chart's twin for whoever would rather read it: six to a dozen rows of means on round instants.

use super::holes::holes;
use super::scene::legend;
use super::span::Span;
use super::ticks::{instants, stamp};
use crate::model::{Family, History, UnixMs};

/// Rows oldest first, columns in the family's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where the row's stretch of time begins.
    pub t: UnixMs,
    pub time: String,
    /// As the legend says it, of the means of the stretch; a dash where there is none.
    pub cells: Vec<String>,
    /// Why something is missing here, if anything is.
    pub note: Option<&'static str>,
}

impl Table {
    pub fn of(family: &Family, history: &History, span: Span, zone_offset_minutes: i32) -> Self {
        let Some(track) = history.track(&family.id) else { return Self::default() };
        // A row is never shorter than what a value stands for.
        let step = span.window.row_step_ms().max(track.interval().ms());
        let holes = holes(family, history, span);
        let oldest = holes.first().map(|hole| hole.from).into_iter().chain(track.oldest_t()).min();
        let rows = instants(span.start(), span.end, step, zone_offset_minutes)
            .filter(|&t| oldest.is_some_and(|oldest| oldest.0 < t.0 + step))
            .map(|t| {
                let next = UnixMs(t.0.saturating_add(step));
                let last = next.min(UnixMs(span.end.0.saturating_add(1)));
                let rows = track.first_at_or_after(t)..track.first_at_or_after(last);
                let means = (0..family.dimensions.len())
                    .map(|dimension| {
                        let values = rows.clone().filter_map(|row| track.value(row, dimension));
                        let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
                        (count > 0).then(|| sum / f64::from(count))
                    })
                    .collect::<Vec<_>>();
                let cells = legend(family, &means);
                let hole = holes.iter().find(|hole| hole.from < next && t <= hole.to);
                Row { t, time: stamp(t, span, zone_offset_minutes), cells, note: hole.map(|hole| hole.words) }
            })
            .collect();
        Self { rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Window;
    use crate::chart::fixture::{any_rows, at, family, gap, history, seconds};
    use crate::model::{GapReason, Unit};
    use proptest::prelude::*;

    fn lines(table: &Table) -> Vec<String> {
        let line = |row: &Row| format!("{} {} {}", row.time, row.cells.join(" "), row.note.unwrap_or("-"));
        table.rows.iter().map(line).collect()
    }

    #[test]
    fn rows_are_means_on_round_instants_and_name_their_gaps() {
        let family = family(Unit::Percent, 1, &["a"]);
        let rows = seconds(31..=65, |s| (!(45..=52).contains(&s)).then_some(Some(s as f64)));
        let history = history(&family, &rows, &[gap(45, 52, GapReason::Suspended)]);
        let table = Table::of(&family, &history, Span::ending(at(65), Window::ONE), 60);
        assert_eq!(
            lines(&table),
            [
                "01:00:30 32.5% -",
                "01:00:35 37.0% -",
                "01:00:40 42.0% -",
                "01:00:45 – the host was suspended",
                "01:00:50 53.5% the host was suspended",
                "01:00:55 57.0% -",
                "01:01:00 62.0% -",
                "01:01:05 65.0% -",
            ]
        );
    }

    proptest! {
        #[test]
        fn there_are_about_ten_rows(rows in any_rows(), index in 0_usize..3, end in 0_i64..800) {
            let family = family(Unit::Percent, 1, &["a", "b"]);
            let table = Table::of(&family, &history(&family, &rows, &[]), Span::ending(at(end), Window::LIVE[index]), 0);
            prop_assert!(table.rows.len() <= 13);
            prop_assert!(table.rows.iter().all(|row| row.cells.len() == 2));
        }
    }
}
