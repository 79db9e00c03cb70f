//! Labels of the time axis, on round instants of a zone's clock.

use super::span::{Place, Span};
use crate::model::UnixMs;

/// A label of the time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XTick {
    pub place: Place,
    pub label: String,
}

/// Labels nearer to the edge than this, in hundredths of a percent, would be cut off.
const MARGIN: u16 = 450;
const DAY_S: i64 = 86_400;

/// The labels of a span, oldest first. `zone_offset_minutes` is how far the zone's clock is ahead of UTC.
pub fn time_ticks(span: Span, zone_offset_minutes: i32) -> Vec<XTick> {
    let step = span.window.label_step_ms();
    instants(span.start(), span.end, step, zone_offset_minutes)
        .map(|t| XTick { place: span.place(t), label: label(t, step, zone_offset_minutes) })
        .filter(|tick| (MARGIN..=10_000 - MARGIN).contains(&tick.place.permyriad()))
        .collect()
}

/// As fine as the labels' distance asks for; at midnight the day is said.
fn label(t: UnixMs, step_ms: i64, zone_offset_minutes: i32) -> String {
    let is_midnight = local_second(t, zone_offset_minutes).rem_euclid(DAY_S) == 0;
    match step_ms {
        ..60_000 => clock(t, zone_offset_minutes, true),
        ..86_400_000 if !(is_midnight && step_ms >= 3_600_000) => clock(t, zone_offset_minutes, false),
        _ => date(t, zone_offset_minutes, step_ms >= 90 * 86_400_000),
    }
}

/// How far labels have moved since the same ones were placed, as CSS writes it; `None` when they are not the same.
pub fn moved(from: &[XTick], to: &[XTick]) -> Option<String> {
    let is_same = from.len() == to.len() && from.iter().zip(to).all(|(from, to)| from.label == to.label);
    let (from, to) = from.first().zip(to.first()).filter(|_| is_same)?;
    Some(format!("-{}", to.place.until(from.place)?.css()))
}

/// The instants from `from` to `to` at which the zone's clock shows a multiple of a step.
pub fn instants(from: UnixMs, to: UnixMs, step_ms: i64, zone_offset_minutes: i32) -> impl Iterator<Item = UnixMs> {
    let offset_ms = i64::from(zone_offset_minutes) * 60_000;
    let first =
        (from.0.saturating_add(offset_ms + step_ms - 1).div_euclid(step_ms) * step_ms).saturating_sub(offset_ms);
    std::iter::successors(Some(UnixMs(first)), move |t| Some(UnixMs(t.0.saturating_add(step_ms))))
        .take_while(move |&t| t <= to)
}

/// The time of day: `14:05`, or `14:05:30` with seconds.
pub fn clock(t: UnixMs, zone_offset_minutes: i32, with_seconds: bool) -> String {
    let second = local_second(t, zone_offset_minutes).rem_euclid(DAY_S);
    let mut text = String::with_capacity(8);
    push_two_digits(&mut text, second / 3_600);
    text.push(':');
    push_two_digits(&mut text, second / 60 % 60);
    if with_seconds {
        text.push(':');
        push_two_digits(&mut text, second % 60);
    }
    text
}

/// The day: `21 Nov`, or `Nov 2026`.
pub fn date(t: UnixMs, zone_offset_minutes: i32, of_year: bool) -> String {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let (year, month, day) = civil(local_second(t, zone_offset_minutes).div_euclid(DAY_S));
    let month = MONTHS.get(month * 3..month * 3 + 3).unwrap_or_default();
    if of_year { format!("{month} {year}") } else { format!("{day} {month}") }
}

/// An instant as a span tells it: with its day where that is not today, with its year where there are several, with
/// seconds where they count.
pub fn stamp(t: UnixMs, span: Span, zone_offset_minutes: i32) -> String {
    let ms = span.window.ms();
    let clock = clock(t, zone_offset_minutes, ms < 6 * 3_600_000);
    if !span.has_dates() {
        return clock;
    }
    let date = date(t, zone_offset_minutes, false);
    if ms < 300 * DAY_S * 1_000 {
        format!("{date} {clock}")
    } else {
        format!("{date} {} {clock}", year(t, zone_offset_minutes))
    }
}

/// The year.
pub fn year(t: UnixMs, zone_offset_minutes: i32) -> i64 {
    civil(local_second(t, zone_offset_minutes).div_euclid(DAY_S)).0
}

/// Days since 1970, by the zone's clock.
pub fn day(t: UnixMs, zone_offset_minutes: i32) -> i64 {
    local_second(t, zone_offset_minutes).div_euclid(DAY_S)
}

fn local_second(t: UnixMs, zone_offset_minutes: i32) -> i64 {
    t.0.div_euclid(1_000) + i64::from(zone_offset_minutes) * 60
}

/// Year, month from 0 and day from 1 of a day since 1970, after the years that begin in March.
fn civil(day: i64) -> (i64, usize, i64) {
    let day = day.clamp(-1_000_000, 100_000_000) + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (since_january, passed) = ((month + 2) % 12, i64::from(month > 9));
    (era * 400 + year + passed, since_january as usize, of_year - (153 * month + 2) / 5 + 1)
}

fn push_two_digits(text: &mut String, number: i64) {
    text.push(char::from(b'0' + (number / 10 % 10) as u8));
    text.push(char::from(b'0' + (number % 10) as u8));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Window;
    use proptest::prelude::*;

    /// 2026-11-21 00:14:46 UTC.
    const NOW: UnixMs = UnixMs(1_795_220_086_000);

    #[test]
    fn the_same_labels_move_and_others_do_not() {
        let ticks = |later: i64| time_ticks(Span::ending(UnixMs(1_795_220_070_000 + later * 1_000), Window::FIVE), 0);
        for (later, expected) in [(0, Some("-0%")), (3, Some("-1%")), (4, Some("-1.33%")), (-3, None), (60, None)] {
            assert_eq!(moved(&ticks(0), &ticks(later)).as_deref(), expected, "{later}");
        }
        assert_eq!(moved(&[], &[]), None);
    }

    #[test]
    fn labels_stand_on_round_instants() {
        for (window, offset, expected) in [
            (Window::ONE, 0, "00:14:00 00:14:15 00:14:30"),
            (Window::FIVE, 0, "00:10 00:11 00:12 00:13 00:14"),
            (Window::FIVE, 330, "05:40 05:41 05:42 05:43 05:44"),
            (Window::TEN, -60, "23:06 23:08 23:10 23:12 23:14"),
            (Window::TEN, 0, "00:06 00:08 00:10 00:12 00:14"),
        ] {
            let ticks = time_ticks(Span::ending(NOW, window), offset);
            let labels: Vec<_> = ticks.into_iter().map(|tick| tick.label).collect();
            assert_eq!(labels.join(" "), expected, "{window:?}");
        }
    }

    #[test]
    fn an_instant_is_told_as_far_as_its_span_leaves_it_open() {
        for (window, is_past, expected) in [
            ("5m", false, "00:14:46"),
            ("5m", true, "21 Nov 00:14:46"),
            ("24h", false, "21 Nov 00:14"),
            ("90d", false, "21 Nov 00:14"),
            ("1y", false, "21 Nov 2026 00:14"),
        ] {
            let window = Window::parse(window).unwrap_or_default();
            assert_eq!(stamp(NOW, Span { end: NOW, window, is_past }, 0), expected, "{window:?}");
        }
    }

    #[test]
    fn clocks_read_well() {
        for (t, offset, with_seconds, expected) in [
            (0, 0, true, "00:00:00"),
            (-1_000, 0, true, "23:59:59"),
            (NOW.0, 0, false, "00:14"),
            (NOW.0, -15, true, "23:59:46"),
            (NOW.0, 14 * 60, false, "14:14"),
        ] {
            assert_eq!(clock(UnixMs(t), offset, with_seconds), expected);
        }
    }

    proptest! {
        #[test]
        fn there_are_a_few_labels_in_order(end in 0_i64..4_000_000_000_000, index in 0_usize..3, quarters in -56_i32..56) {
            let ticks = time_ticks(Span::ending(UnixMs(end), Window::LIVE[index]), quarters * 15);
            prop_assert!((3..=6).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(ticks.windows(2).all(|pair| pair[0].place < pair[1].place));
        }
    }
}
