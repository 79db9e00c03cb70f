//! The one seam between the views and the browser's end: where an island finds what it shows.

pub use crate::client::controls::{ControlState, Wish};
pub use crate::client::page::{PageState, STATE_ELEMENT, Theme, ZONE_ELEMENT};
pub use crate::client::parts;

use leptos::prelude::*;

/// The state behind the controls: the server gives it to each rendering, the browser keeps it for good.
pub fn controls() -> Option<ArcRwSignal<ControlState>> {
    #[cfg(feature = "hydrate")]
    let controls = crate::client::controls();
    #[cfg(not(feature = "hydrate"))]
    let controls = use_context::<ArcRwSignal<ControlState>>();
    controls
}

/// Does what the viewer asks for; only a browser has viewers.
#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "nobody clicks on the server"))]
pub fn grant(wish: Wish) {
    #[cfg(feature = "hydrate")]
    crate::client::grant(wish);
}

/// In the browser, finds the places that are drawn into from now on.
pub fn attach_board() {
    #[cfg(feature = "hydrate")]
    crate::client::attach_board();
}
