//! Stretches of time that no page has samples of: what the address asks for, and what the history gives for it.

use crate::chart::{Band, Bands, Span, Window};
use crate::client::page::Past;
use crate::model::series::HEIGHT;
use crate::model::{Catalog, History, Sample, UnixMs};
use crate::server::history::{self, Answer, Course, Detail, Question, Unanswered, Wanted};
use crate::server::query::{Fields, instant};
use std::sync::Arc;

/// Of more lines than this, one band around all of them is enough.
const BANDED_LINES: usize = 3;

/// What an address asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// So much until now.
    Last(Window),
    /// A stretch that stays where it is.
    Fixed(Span),
}

impl Shown {
    /// `window` is the one that was chosen last. Whatever can't be understood is left out; what reaches into the future
    /// ends now.
    pub(super) fn read(fields: &Fields, window: Window, now: UnixMs) -> Self {
        let at = |name| fields.get(name).and_then(|text| instant(text, now));
        let fixed = |from: UnixMs, to: UnixMs| {
            let window = Window::reaching(to.0 - from.0);
            Self::Fixed(Span { end: to.min(now), window, is_past: true })
        };
        match (at("from"), at("to").unwrap_or(now), at("at")) {
            (Some(from), to, _) if from < to && from < now => fixed(from, to.min(now)),
            // An instant that has left the window is shown with as much around it.
            (_, _, Some(at)) if at < Span::ending(now, window).start() => {
                let half = window.ms() / 2;
                fixed(UnixMs(at.0 - half), UnixMs(at.0 + half))
            }
            _ => Self::Last(window),
        }
    }

    pub(super) fn window(self) -> Window {
        match self {
            Self::Last(window) => window,
            Self::Fixed(span) => span.window,
        }
    }

    /// The stretch to be asked for; `None` for what pages draw from samples of their own.
    pub(super) fn span(self, now: UnixMs) -> Option<Span> {
        match self {
            Self::Last(window) if window.is_live() => None,
            Self::Last(window) => Some(Span::ending(now, window)),
            Self::Fixed(span) => Some(span),
        }
    }
}

/// A stretch as a scene is made of it.
pub(super) struct View {
    pub(super) catalog: Arc<Catalog>,
    pub(super) history: History,
    pub(super) bands: Bands,
    pub(super) past: Past,
}

impl View {
    pub(super) async fn of(history: &history::History, span: Span) -> Result<Self, Unanswered> {
        let (families, detail) = (Wanted::All, Detail::Points(span.window.points()));
        let answer = history.ask(Question { families, from: span.start(), to: span.end, detail }).await?;
        let now = history.catalog();
        // Of a host with thousands of series that takes long, and streams are not to wait for it.
        let made = tokio::task::spawn_blocking(move || Self::made(&answer, &now, span));
        made.await.map_err(|_| Unanswered::Unreadable)
    }

    /// `now` are the families of now.
    fn made(answer: &Answer, now: &Catalog, span: Span) -> Self {
        let catalog = answer.catalog(now);
        let mut drawn = History::whole();
        drawn.set_catalog(&catalog);
        answer.gaps.iter().for_each(|gap| drawn.push_gap(*gap));
        // A gap that reaches beyond an edge is told by an instant there at which nothing is.
        let is_missing = |t: UnixMs| answer.gaps.iter().any(|gap| gap.from <= Some(t) && Some(t) <= gap.to);
        let edge = |t: UnixMs| is_missing(t).then(|| Sample { t, families: Vec::new() });
        let mut samples = answer.samples(span.end);
        samples.retain(|sample| sample.t > span.start() || !is_missing(span.start()));
        edge(span.start()).iter().for_each(|sample| drawn.push(sample));
        samples.iter().for_each(|sample| drawn.push(sample));
        if samples.last().is_none_or(|last| last.t < span.end) {
            edge(span.end).iter().for_each(|sample| drawn.push(sample));
        }
        let step = catalog.iter().map(|family| family.interval_ms).min().unwrap_or(crate::model::Interval::SECOND);
        Self {
            bands: bands(answer, span.end),
            catalog: Arc::new(catalog),
            history: drawn,
            past: Past { end: span.end, step, is_fixed: span.is_past },
        }
    }
}

/// A band for each of few lines, one around all of many, and one around the height of a stack.
fn bands(answer: &Answer, end: UnixMs) -> Bands {
    let folded = answer.courses.iter().filter(|course| course.is_folded());
    let banded = folded.filter(|course| !course.family.is_mixed() && !course.family.is_heat());
    banded.map(|course| (Arc::clone(&course.family.id), bands_of(course, end))).collect()
}

fn bands_of(course: &Course, end: UnixMs) -> Vec<Band> {
    let band = |dimension: Option<usize>, columns: Vec<usize>| {
        let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); course.body.t().len()];
        for column in columns {
            for (range, [low, _, high]) in ranges.iter_mut().zip(course.body.values(column)) {
                *range = (range.0.min(low), range.1.max(high));
            }
        }
        let points = course.points(end).zip(ranges).filter(|(_, (low, high))| low <= high);
        Band { dimension, points: points.filter_map(|(t, (low, high))| Some((t?, low, high))).collect() }
    };
    let count = course.family.dimensions.len();
    match (course.family.stacked, course.column(HEIGHT)) {
        (true, Some(height)) => vec![band(None, vec![height])],
        (true, None) => vec![band(Some(0), vec![0])],
        (false, _) if count <= BANDED_LINES => (0..count).map(|column| band(Some(column), vec![column])).collect(),
        (false, _) => vec![band(None, (0..count).collect())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_shown() {
        const NOW: UnixMs = UnixMs(1_795_235_686_000);
        let read = |query: &str| {
            let uri = format!("/?{query}").parse().unwrap_or_default();
            Shown::read(&Fields::of(&uri), Window::FIVE, NOW)
        };
        for query in ["", "from=soon", "from=-1h&to=-2h", "to=-1h", "at=-10s", "from=2099-01-01T00:00:00Z", "at=soon"] {
            assert_eq!(read(query), Shown::Last(Window::FIVE), "{query}");
        }
        for (query, end, length) in [
            ("from=-1h&to=-30m", NOW.0 - 1_800_000, 1_800_000),
            ("from=-1h", NOW.0, 3_600_000),
            ("from=-10s", NOW.0, 60_000),
            ("from=-1h&to=2099-01-01T00:00:00Z", NOW.0, 3_600_000),
            ("at=-1h", NOW.0 - 3_450_000, 300_000),
            ("from=0", NOW.0, Window::LONGEST.ms()),
        ] {
            let shown = read(query);
            let span = shown.span(NOW).map(|span| (span.end.0, span.window.ms(), span.is_past));
            assert_eq!(span, Some((end, length, true)), "{query}");
        }
        assert_eq!(Shown::Last(Window::TEN).span(NOW), None);
        assert!(Shown::Last(Window::LONGEST).span(NOW).is_some_and(|span| !span.is_past));
    }
}
