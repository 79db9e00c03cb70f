//! The state behind the page's controls, and what it says.

use super::page::{PageState, Theme};
use crate::chart::ticks;
use crate::model::{Link, UnixMs};

/// One struct behind one signal: what is seldom drawn is cheap to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlState {
    pub link: Link,
    /// Whether a stretch of the past is shown that stays where it is.
    pub is_past: bool,
    pub paused: bool,
    pub theme: Theme,
    /// Whether the server has a newer page than this one.
    pub outdated: bool,
    /// The newest instant that is shown.
    pub shown: Option<UnixMs>,
    pub offset_minutes: i32,
}

/// What a viewer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    TogglePause,
    Theme(Theme),
}

impl ControlState {
    pub fn new(page: &PageState, shown: Option<UnixMs>) -> Self {
        Self {
            link: Link::Snapshot,
            is_past: page.past.is_some_and(|past| past.is_fixed),
            paused: false,
            theme: page.theme,
            outdated: false,
            shown,
            offset_minutes: page.zone.offset_minutes,
        }
    }

    /// The value of `data-stream`.
    pub fn id(&self) -> &'static str {
        if self.paused || self.is_past { "paused" } else { self.link.id() }
    }

    pub fn word(&self) -> String {
        let clock = |t| ticks::clock(t, self.offset_minutes, true);
        match self.link {
            _ if self.is_past => "Past".to_owned(),
            _ if self.paused => "Paused".to_owned(),
            Link::Snapshot => self.shown.map_or_else(|| "Starting".to_owned(), |t| format!("Snapshot of {}", clock(t))),
            Link::Connecting => "Connecting".to_owned(),
            Link::Live => "Live".to_owned(),
            Link::Polling => "Polling: something holds the stream back".to_owned(),
            Link::Reconnecting { .. } => "Reconnecting".to_owned(),
            Link::Stale { since } => format!("Stale since {}", clock(since)),
            Link::Stopping { .. } => "Server stopping".to_owned(),
        }
    }

    /// What counts beside the word.
    pub fn note(&self) -> String {
        match self.link {
            Link::Reconnecting { attempt, seconds: 0 } => format!("try {attempt}"),
            Link::Reconnecting { attempt, seconds } => format!("try {attempt} in {seconds} s"),
            Link::Stopping { seconds } => format!("back in {seconds} s"),
            _ if self.is_past => String::new(),
            _ if self.paused => {
                self.shown.map(|t| format!("at {}", ticks::clock(t, self.offset_minutes, true))).unwrap_or_default()
            }
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_word() {
        let state = |link, paused| ControlState {
            link,
            is_past: false,
            paused,
            theme: Theme::System,
            outdated: false,
            shown: Some(UnixMs(3_600_000)),
            offset_minutes: 60,
        };
        for (link, paused, id, word, note) in [
            (Link::Snapshot, false, "snapshot", "Snapshot of 02:00:00", ""),
            (Link::Live, false, "live", "Live", ""),
            (Link::Polling, false, "polling", "Polling: something holds the stream back", ""),
            (Link::Live, true, "paused", "Paused", "at 02:00:00"),
            (Link::Reconnecting { attempt: 3, seconds: 4 }, false, "reconnecting", "Reconnecting", "try 3 in 4 s"),
            (Link::Reconnecting { attempt: 3, seconds: 0 }, true, "paused", "Paused", "try 3"),
            (Link::Stale { since: UnixMs(0) }, false, "stale", "Stale since 01:00:00", ""),
            (Link::Stopping { seconds: 2 }, false, "stopping", "Server stopping", "back in 2 s"),
        ] {
            let state = state(link, paused);
            assert_eq!((state.id(), &*state.word(), &*state.note()), (id, word, note));
        }
    }
}
