//! The bar that says what stretch of time is shown, and leads to others. Plain links: they work without script, and
//! with it the page takes over what the server draws behind them.

use crate::chart::ticks::{clock, date, day, year};
use crate::chart::{Span, Window};
use crate::model::UnixMs;
use leptos::prelude::*;

/// What is shown, as links are made of it.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The stretch, if it stays where it is; else it ends now.
    pub fixed: Option<Span>,
    pub window: Window,
    pub now: UnixMs,
    /// The instant under the crosshair.
    pub at: Option<UnixMs>,
    pub offset_minutes: i32,
}

impl Range {
    /// In words: `Last 5 minutes`, `21 Nov 14:05:00 to 14:10:00`.
    pub fn words(&self) -> String {
        let Some(span) = self.fixed else { return format!("Last {}", self.window.words()) };
        let (start, offset) = (UnixMs(span.end.0 - span.window.ms()), self.offset_minutes);
        let with_seconds = span.window.ms() < 6 * 3_600_000;
        let clock = |t| clock(t, offset, with_seconds);
        let this_year = year(self.now, offset);
        let told = |t| match year(t, offset) {
            year if year == this_year => format!("{} {}", date(t, offset, false), clock(t)),
            year => format!("{} {year} {}", date(t, offset, false), clock(t)),
        };
        let end = if day(start, offset) == day(span.end, offset) { clock(span.end) } else { told(span.end) };
        format!("{} to {end}", told(start))
    }

    /// The part of the address that shows the same again.
    pub fn address(&self) -> String {
        match self.fixed {
            None => format!("window={}", self.window.id()),
            Some(span) => between(span.end.0 - span.window.ms(), span.end.0),
        }
    }

    /// The part of an address that asks for the data of it.
    pub fn data(&self) -> String {
        match self.fixed {
            None => format!("from=-{}s", self.window.ms() / 1_000),
            Some(_) => self.address(),
        }
    }

    /// Half a window earlier.
    fn earlier(&self) -> String {
        let half = self.window.ms() / 2;
        match self.fixed {
            // Told from now on backwards, so that the link stays true while time goes on.
            None => format!("from=-{}s&to=-{}s", 3 * half / 1_000, half / 1_000),
            Some(span) => between(span.end.0 - 3 * half, span.end.0 - half),
        }
    }

    /// Half a window later; what would reach beyond now is live again.
    fn later(&self) -> Option<String> {
        let (span, half) = (self.fixed?, self.window.ms() / 2);
        let (from, to) = (span.end.0 - half, span.end.0 + half);
        // What is nearly now is meant to be now.
        Some(if to + self.window.ms() / 10 < self.now.0 { between(from, to) } else { self.live() })
    }

    fn live(&self) -> String {
        // What was drawn by hand is hardly ever as long as it was meant.
        let is_enough = |named: &Window| named.ms() / 10 * 11 >= self.window.ms();
        let window = Window::named().find(is_enough).unwrap_or(Window::LONGEST);
        format!("window={}", window.id())
    }

    /// Half as much, around the crosshair or the middle.
    fn nearer(&self) -> Option<String> {
        match self.fixed {
            None => {
                Window::named().rev().find(|named| *named < self.window).map(|named| format!("window={}", named.id()))
            }
            Some(span) => (span.window > Window::SHORTEST).then(|| {
                let (quarter, start) = (self.window.ms() / 4, span.end.0 - span.window.ms());
                let at = self.at.filter(|at| span.contains(*at));
                let middle = at.map_or(start + 2 * quarter, |at| at.0);
                between(middle - quarter, middle + quarter)
            }),
        }
    }

    /// Twice as much.
    fn farther(&self) -> Option<String> {
        match self.fixed {
            None => Window::named().find(|named| *named > self.window).map(|named| format!("window={}", named.id())),
            Some(span) => (span.window < Window::LONGEST).then(|| {
                let half = self.window.ms() / 2;
                let end = (span.end.0 + half).min(self.now.0);
                between(end - 4 * half, end)
            }),
        }
    }
}

/// As it stands on its link: `10 min`, `1 y`.
fn title(window: Window) -> String {
    let (count, unit) = window.id().split_at(window.id().len().saturating_sub(1));
    format!("{count} {}", if unit == "m" { "min" } else { unit })
}

fn between(from: i64, to: i64) -> String {
    format!("from={}&to={to}", from.max(0))
}

#[component]
pub fn RangeBar(
    range: Range,
    /// The beginning of an address that shows the same: empty, or ends in `&`.
    query: String,
    /// Differs between boards that have other charts.
    charts: u32,
) -> impl IntoView {
    let link = |to: Option<String>, key: &'static str, name: &'static str, sign: &'static str| {
        let href = to.map(|to| format!("?{query}{to}"));
        let disabled = href.is_none().then_some("true");
        view! { <a href=href data-show="" data-key=key aria-label=name title=name aria-disabled=disabled>{sign}</a> }
    };
    let steps = [
        link(Some(range.earlier()), "h", "Earlier", "‹"),
        link(range.later(), "l", "Later", "›"),
        link(range.nearer(), "i", "Zoom in", "+"),
        link(range.farther(), "u", "Zoom out", "−"),
    ];
    let live = range.fixed.map(|_| {
        view! { <a class="live" href=format!("?{query}{}", range.live()) data-show="" data-key="v">"Live"</a> }
    });
    let windows = Window::named()
        .enumerate()
        .map(|(index, window)| {
            let key = u32::try_from(index + 1)
                .ok()
                .and_then(|number| char::from_digit(number % 10, 10))
                .filter(|_| index < 10);
            let is_current = range.fixed.is_none() && window == range.window;
            view! {
                <a
                    href=format!("?{query}window={}", window.id())
                    data-show=""
                    data-key=key.map(String::from)
                    aria-current=if is_current { "true" } else { "false" }
                >
                    {title(window)}
                </a>
            }
        })
        .collect_view();
    view! {
        <div class="range" data-charts=charts>
            <p class="words" role="status">{range.words()}</p>
            <nav class="switch steps" aria-label="Time">{steps.into_iter().collect_view()}</nav>
            <span>{live}</span>
            <nav class="switch windows" aria-label="Time window">{windows}</nav>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_235_686_000);

    fn range(fixed: Option<(i64, i64)>, window: Window) -> Range {
        let span = |(end, length)| Span { end: UnixMs(end), window: Window::reaching(length), is_past: true };
        let fixed = fixed.map(span);
        let window = fixed.map_or(window, |span| span.window);
        Range { fixed, window, now: NOW, at: None, offset_minutes: 0 }
    }

    #[test]
    fn what_is_live_leads_to_what_was_before() {
        let live = range(None, Window::FIVE);
        assert_eq!(live.words(), "Last 5 minutes");
        assert_eq!((live.address(), live.earlier()), ("window=5m".to_owned(), "from=-450s&to=-150s".to_owned()));
        assert_eq!(
            (live.later(), live.nearer().as_deref(), live.farther().as_deref()),
            (None, Some("window=1m"), Some("window=10m"))
        );
        assert_eq!(range(None, Window::ONE).nearer(), None);
        assert_eq!(range(None, Window::LONGEST).farther(), None);
    }

    #[test]
    fn what_is_past_leads_around_and_back() {
        let hour = 3_600_000;
        let past = range(Some((NOW.0 - hour, hour)), Window::FIVE);
        let (start, end) = (NOW.0 - 2 * hour, NOW.0 - hour);
        assert_eq!(past.words(), "21 Nov 02:34:46 to 03:34:46");
        assert_eq!(past.address(), between(start, end));
        assert_eq!(past.earlier(), between(start - hour / 2, end - hour / 2));
        assert_eq!(past.later(), Some(between(start + hour / 2, end + hour / 2)));
        assert_eq!(past.nearer(), Some(between(start + hour / 4, end - hour / 4)));
        assert_eq!(past.farther(), Some(between(start - hour / 2, end + hour / 2)));
        let at = Range { at: Some(UnixMs(start + 1_000_000)), ..past };
        assert_eq!(at.nearer(), Some(between(start + 100_000, start + 1_900_000)));
        let near = range(Some((NOW.0 - 100_000, hour)), Window::FIVE);
        assert_eq!(near.later().as_deref(), Some("window=1h"), "catching up is live again");
        assert_eq!(near.farther(), Some(between(NOW.0 - 2 * hour, NOW.0)), "nothing is ahead of now");
        assert_eq!(range(Some((NOW.0, 86_400_000)), Window::FIVE).words(), "20 Nov 04:34 to 21 Nov 04:34");
        let year = range(Some((NOW.0, 365 * 86_400_000)), Window::FIVE);
        assert_eq!(year.words(), "21 Nov 2025 04:34 to 21 Nov 04:34");
    }
}
