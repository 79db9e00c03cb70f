//! What a page is made of besides its samples: sent inside the HTML, so that the browser begins with
//! exactly what the server rendered.

use crate::chart::{Window, ticks};
use crate::model::{Catalog, EventId, HostFacts, Interval, UnixMs};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The element whose text is this state as JSON.
pub const STATE_ELEMENT: &str = "telltale-page";
/// The cookies that make the next HTML right.
pub const THEME_COOKIE: &str = "telltale_theme";
pub const ZONE_COOKIE: &str = "telltale_zone";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PageState {
    pub host: Arc<HostFacts>,
    pub catalog: Arc<Catalog>,
    pub interval: Interval,
    pub window: Window,
    pub zone: Zone,
    pub theme: Theme,
    /// The newest sample the HTML shows: the stream goes on from here.
    pub last: Option<EventId>,
    /// The build of the page; a server of another build has a newer page to offer.
    pub build: Arc<str>,
    /// Whether anybody who reaches the port may look: said on the page.
    pub open_to_all: bool,
}

/// A time zone: its name, and how far it is from UTC now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    pub name: Arc<str>,
    pub offset_minutes: i32,
}

impl Zone {
    /// `14:05:12`.
    pub fn clock(&self, t: UnixMs) -> String {
        ticks::clock(t, self.offset_minutes, true)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// What stands in the cookie and in `<html data-theme>`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub const fn title(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.id() == text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_told_in_the_zone() {
        let zone = |offset_minutes| Zone { name: "here".into(), offset_minutes };
        for (t, offset, text) in
            [(0, 0, "00:00:00"), (0, 60, "01:00:00"), (0, -210, "20:30:00"), (1_795_235_686_999, 345, "02:19:46")]
        {
            assert_eq!(zone(offset).clock(UnixMs(t)), text);
        }
    }
}
