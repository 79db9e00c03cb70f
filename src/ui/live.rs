//! The one seam between the views and the browser's end: where a view finds what it shows.

pub use crate::client::live::Live;
pub use crate::client::page::{PageState, STATE_ELEMENT, Theme, Zone};

/// The page's one `Live`: the server gives it to each rendering, the browser keeps it for good.
pub fn current() -> Option<Live> {
    #[cfg(feature = "hydrate")]
    let live = crate::client::live();
    #[cfg(not(feature = "hydrate"))]
    let live = leptos::prelude::use_context::<Live>();
    live
}
