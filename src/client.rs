//! The browser's end: fetches what the HTML shows, wakes the islands, follows the stream. What a page is
//! made of (`live`, `page`) the server fills as well, to render from.

#[cfg(feature = "hydrate")]
mod awake;
#[cfg(feature = "hydrate")]
mod document;
pub mod live;
pub mod page;
#[cfg(feature = "hydrate")]
mod samples;
#[cfg(feature = "hydrate")]
mod stream;

#[cfg(feature = "hydrate")]
pub use awake::{boot, go_live, live};
