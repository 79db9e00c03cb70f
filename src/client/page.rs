//! What a page is made of besides its samples: sent inside the HTML, so that the browser begins with
//! exactly what the server rendered.

use crate::chart::Window;
use crate::model::{EventId, Interval, UnixMs};
use serde::Serialize;
use std::sync::Arc;

/// The element whose text is this state as JSON.
pub const STATE_ELEMENT: &str = "telltale-page";
/// The element that names the zone.
pub const ZONE_ELEMENT: &str = "zone";
/// The cookie that keeps the theme, as the ones below keep what the next HTML is to be made with.
pub const THEME_COOKIE: &str = "telltale_theme";
/// The viewer's time zone.
pub const ZONE_COOKIE: &str = "telltale_zone";
/// How much time charts show where the address does not say.
pub const WINDOW_COOKIE: &str = "telltale_window";
/// Says `off` where keys of one letter are not wanted.
pub const KEYS_COOKIE: &str = "telltale_keys";

#[derive(Clone, Debug, Serialize)]
pub struct PageState {
    /// What `Catalog::digest` says of the catalog this page was made with.
    pub catalog: u32,
    /// The beginning of an address that shows the same: empty, or ends in `&`.
    pub query: Arc<str>,
    pub interval: Interval,
    /// The rest of that address, as far as it says what stretch of time is shown.
    pub address: Arc<str>,
    /// How much time is shown, in milliseconds.
    pub window_ms: i64,
    /// Present where it is not drawn from the newest samples, second by second.
    pub past: Option<Past>,
    /// The instant under the crosshair.
    pub at: Option<UnixMs>,
    pub zone: Zone,
    pub theme: Theme,
    /// The newest sample the HTML shows: the stream goes on from here.
    pub last: Option<EventId>,
    /// The build of the page; a server of another build has a newer page to offer.
    pub build: Arc<str>,
}

/// A stretch of time that the server draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Past {
    pub end: UnixMs,
    /// From one point to the next.
    pub step: Interval,
    /// Whether it stays where it is; else it ends now, and is drawn anew from time to time.
    pub is_fixed: bool,
}

impl PageState {
    pub fn window(&self) -> Window {
        Window::reaching(self.window_ms)
    }
}

/// A time zone: its name, and how far it is from UTC now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Zone {
    pub name: Arc<str>,
    pub offset_minutes: i32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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
