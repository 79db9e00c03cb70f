//! A chart in a few sentences, for whoever hears it instead of seeing it.

use super::band::Band;
use super::holes::holes;
use super::span::Span;
use super::trend::Trend;
use crate::model::{Family, History, Track, Unit, units};
use std::ops::Range;

/// Of more dimensions than this only the highest is named.
const NAMED: usize = 4;
/// Of more holes than this only the newest are told.
const TOLD: usize = 2;

/// What the chart shows: newest value, range and trend, then its parts, then its holes.
/// Where a point is a mean, `bands` tells how far values went around it.
pub fn describe(family: &Family, history: &History, bands: &[Band], span: Span, zone_offset_minutes: i32) -> String {
    let Some(track) = history.track(&family.id) else { return nothing(family, span) };
    let rows = track.first_at_or_after(span.start())
        ..track.first_at_or_after(crate::model::UnixMs(span.end.0.saturating_add(1)));
    let telling = Telling { family, track, rows, bands, span };
    let series: Vec<Story> = (0..family.dimensions.len())
        .map(|dimension| telling.story(Some(dimension), &|row| track.value(row, dimension)))
        .collect();
    if series.iter().all(Story::is_empty) {
        return nothing(family, span);
    }
    let mut text = format!("{}, {}: ", family.title, covered(track, span));
    match (family.stacked, family.unit) {
        (true, Unit::Bytes | Unit::Count) => text.push_str(&share_of_total(family, &series)),
        (true, _) => text.push_str(&telling.sum_and_parts(&series)),
        _ => text.push_str(&telling.side_by_side(&series)),
    }
    text.push_str(&told(family, history, span, zone_offset_minutes));
    text
}

/// What is told of.
struct Telling<'a> {
    family: &'a Family,
    track: &'a Track,
    rows: Range<usize>,
    bands: &'a [Band],
    span: Span,
}

/// What is said of one series.
struct Story {
    unit: Unit,
    /// What the newest value is of: of what stays where it is, nothing is now.
    when: &'static str,
    newest: Option<f64>,
    values: Vec<f64>,
    range: (f64, f64),
}

impl Telling<'_> {
    /// `dimension` is `None` for what is about all of them.
    fn story(&self, dimension: Option<usize>, value: &dyn Fn(usize) -> Option<f64>) -> Story {
        let values: Vec<f64> = self.rows.clone().filter_map(value).collect();
        Story {
            unit: self.family.unit,
            when: self.when(),
            newest: self.track.row_at(self.span.end).and_then(value),
            range: self.range(dimension, &values),
            values,
        }
    }

    fn sum_and_parts(&self, series: &[Story]) -> String {
        let live: Vec<usize> = (0..series.len()).filter(|&dimension| !series[dimension].is_empty()).collect();
        let sum =
            |row: usize| live.iter().try_fold(0.0, |sum, &dimension| Some(sum + self.track.value(row, dimension)?));
        format!("{}.{}", self.story(None, &sum).tell(), parts(self.family, series))
    }

    fn side_by_side(&self, series: &[Story]) -> String {
        let told: Vec<_> = self.family.dimensions.iter().zip(series).filter(|(_, story)| !story.is_empty()).collect();
        if let [(_, story)] = told.as_slice()
            && series.len() == 1
        {
            return format!("{}.", story.tell());
        }
        if told.len() <= NAMED {
            let each: Vec<_> =
                told.iter().map(|(dimension, story)| format!("{} {}", dimension.label, story.tell())).collect();
            return format!("{}.", listed(each, "; "));
        }
        let mut range = self.range(None, &told[0].1.values);
        told.iter().for_each(|(_, story)| widen(&mut range, story.range.0, story.range.1));
        let show = |value| self.family.unit.show(value).text();
        let mut text = format!("{} lines between {} and {}.", told.len(), show(range.0), show(range.1));
        let highest = told
            .iter()
            .filter_map(|(dimension, story)| Some((dimension, story.newest?)))
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        if let Some((dimension, newest)) = highest {
            text.push_str(&format!(" Highest {}: {} with {}.", self.when(), dimension.label, show(newest)));
        }
        text
    }

    fn when(&self) -> &'static str {
        if self.span.is_past { "at the end" } else { "now" }
    }

    fn range(&self, dimension: Option<usize>, values: &[f64]) -> (f64, f64) {
        let first = values.first().copied().unwrap_or(0.0);
        let mut range = (first, first);
        values.iter().for_each(|value| widen(&mut range, *value, *value));
        for band in self.bands {
            if band.dimension == dimension {
                for (_, low, high) in &band.points {
                    widen(&mut range, *low, *high);
                }
            }
        }
        range
    }
}

fn widen(range: &mut (f64, f64), low: f64, high: f64) {
    *range = (range.0.min(low), range.1.max(high));
}

impl Story {
    fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn now(&self) -> String {
        self.newest.map_or_else(|| "no value".to_owned(), |newest| self.unit.show(newest).text())
    }

    /// `now 12.3%, between 3.0% and 88.1%, rising`.
    fn tell(&self) -> String {
        let (least, greatest) = (self.unit.show(self.range.0).text(), self.unit.show(self.range.1).text());
        let trend = Trend::of(self.unit, &self.values).word();
        if least == greatest {
            format!("{} {}, {trend}", self.when, self.now())
        } else {
            format!("{} {}, between {least} and {greatest}, {trend}", self.when, self.now())
        }
    }
}

fn nothing(family: &Family, span: Span) -> String {
    let place =
        if span.is_past { "this stretch of time".to_owned() } else { format!("the last {}", span.window.words()) };
    format!("{}: nothing was recorded in {place}.", family.title)
}

/// The whole window, or what there is of it.
fn covered(track: &Track, span: Span) -> String {
    if span.is_past {
        return format!("{} of the past", span.window.words());
    }
    let oldest = track.oldest_t().unwrap_or(span.end);
    let recorded_ms = (span.end + track.interval()).0.saturating_sub(oldest.0);
    if recorded_ms >= span.window.ms() {
        format!("last {}", span.window.words())
    } else {
        format!("last {}", units::duration(u64::try_from(recorded_ms / 1_000).unwrap_or(0)))
    }
}

/// The first dimension, and of how much it is.
fn share_of_total(family: &Family, series: &[Story]) -> String {
    let (Some(first), Some(story)) = (family.dimensions.first(), series.first()) else { return String::new() };
    let total: f64 = series.iter().filter_map(|story| story.newest).sum();
    format!("{} {}, of {} in all.{}", first.label, story.tell(), family.unit.show(total).text(), parts(family, series))
}

/// The newest value of each dimension that has a part in the sum.
fn parts(family: &Family, series: &[Story]) -> String {
    let parts: Vec<String> = family
        .dimensions
        .iter()
        .zip(series)
        .filter(|(_, story)| story.newest.is_some_and(|newest| newest > 0.0))
        .map(|(dimension, story)| format!("{} {}", dimension.label, story.now()))
        .collect();
    if parts.is_empty() { String::new() } else { format!(" {}.", listed(parts, ", ")) }
}

/// The texts with something between each two. (The standard `join` is more code than this page's wasm can spare.)
fn listed(texts: Vec<String>, between: &str) -> String {
    let mut list = String::new();
    for text in texts {
        if !list.is_empty() {
            list.push_str(between);
        }
        list.push_str(&text);
    }
    list
}

fn told(family: &Family, history: &History, span: Span, zone_offset_minutes: i32) -> String {
    let holes = holes(family, history, span);
    let mut text = String::new();
    for hole in holes.iter().rev().take(TOLD) {
        text.push_str(&format!(" No data {}.", hole.title(span, zone_offset_minutes)));
    }
    if let Some(more @ 1..) = holes.len().checked_sub(TOLD) {
        text.push_str(&format!(" {more} more {} before.", if more == 1 { "gap" } else { "gaps" }));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Window;
    use crate::chart::fixture::{any_rows, at, family, gap, history, seconds};
    use crate::model::GapReason;
    use proptest::prelude::*;

    #[test]
    fn means_are_told_with_the_extremes_around_them_and_nothing_of_the_past_is_now() {
        let span = Span { is_past: true, ..Span::ending(at(300), Window::FIVE) };
        for (dimensions, band, expected) in [
            (&["a"][..], Some(0), "Test, 5 minutes of the past: at the end 3.0%, between 1.0% and 97.0%, steady."),
            (
                &["a", "b", "c", "d", "e"],
                None,
                "Test, 5 minutes of the past: 5 lines between 1.0% and 97.0%. Highest at the end: a with 3.0%.",
            ),
        ] {
            let family = family(Unit::Percent, 1, dimensions);
            let rows: Vec<_> = (1..=300).map(|s| (s, vec![Some(3.0); dimensions.len()])).collect();
            let history = history(&family, &rows, &[]);
            let band = Band { dimension: band, points: vec![(at(10), 1.0, 4.0), (at(20), 2.0, 97.0)] };
            assert_eq!(describe(&family, &history, &[band], span, 0), expected);
        }
    }

    #[test]
    fn charts_are_told_in_sentences() {
        let single = family(Unit::Percent, 1, &["a"]);
        let pair = family(Unit::BytesPerSecond, 1, &["read", "written"]);
        let cpu = family(Unit::Percent, 1, &["user", "nice", "system"]).stacked();
        let memory = family(Unit::Bytes, 1, &["used", "free"]).stacked();
        let cores = family(Unit::Percent, 1, &["0", "1", "2", "3", "4"]);
        let gib = 1_073_741_824.0;
        let rows = |values: &dyn Fn(i64) -> Vec<f64>| -> Vec<(i64, Vec<Option<f64>>)> {
            (1..=300).map(|s| (s, values(s).into_iter().map(Some).collect())).collect()
        };
        for (family, rows, gaps, expected) in [
            (&single, vec![], vec![], "Test: nothing was recorded in the last 5 minutes."),
            (&single, rows(&|_| vec![3.0]), vec![], "Test, last 5 minutes: now 3.0%, steady."),
            (
                &single,
                seconds(261..=300, |s| Some(Some((s - 260) as f64))),
                vec![],
                "Test, last 40 s: now 40.0%, between 1.0% and 40.0%, rising.",
            ),
            (
                &pair,
                rows(&|s| vec![1024.0 * s as f64, 0.0]),
                vec![],
                "Test, last 5 minutes: read now 300 KiB/s, between 1.00 KiB/s and 300 KiB/s, rising; \
                 written now 0 B/s, steady.",
            ),
            (
                &cpu,
                rows(&|s| vec![if s < 150 { 40.0 } else { 10.0 }, 0.0, 2.0]),
                vec![],
                "Test, last 5 minutes: now 12.0%, between 12.0% and 42.0%, falling. user 10.0%, system 2.0%.",
            ),
            (
                &memory,
                rows(&|_| vec![gib, 3.0 * gib]),
                vec![],
                "Test, last 5 minutes: used now 1.00 GiB, steady, of 4.00 GiB in all. used 1.00 GiB, free 3.00 GiB.",
            ),
            (
                &cores,
                rows(&|_| vec![1.0, 2.0, 90.0, 3.0, 4.0]),
                vec![],
                "Test, last 5 minutes: 5 lines between 1.0% and 90.0%. Highest now: 2 with 90.0%.",
            ),
            (
                &single,
                seconds(1..=300, |s| (!(100..=110).contains(&s)).then_some(Some(3.0))),
                vec![gap(100, 110, GapReason::NotRunning)],
                "Test, last 5 minutes: now 3.0%, steady. No data 00:01:40 to 00:01:50: Telltale was not running.",
            ),
            (
                &single,
                seconds(1..=300, |s| Some((s % 75 != 0).then_some(3.0))),
                vec![],
                "Test, last 5 minutes: now no value, steady. No data 00:05:00: could not be read. \
                 No data 00:03:45: could not be read. 2 more gaps before.",
            ),
        ] {
            let history = history(family, &rows, &gaps);
            assert_eq!(describe(family, &history, &[], Span::ending(at(300), Window::FIVE), 0), expected);
        }
    }

    proptest! {
        #[test]
        fn every_chart_can_be_told(rows in any_rows(), index in 0_usize..3, stacked in any::<bool>(), end in 0_i64..800) {
            let family = Family { stacked, ..family(Unit::Bytes, 1, &["a", "b"]) };
            let text = describe(&family, &history(&family, &rows, &[]), &[], Span::ending(at(end), Window::LIVE[index]), 0);
            prop_assert!(text.ends_with('.') && !text.contains("NaN") && !text.contains("inf"), "{}", text);
        }
    }
}
