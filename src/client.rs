//! The browser's end: takes over what the server rendered, follows the stream, draws. `page`, `parts` and
//! `controls` are what both ends agree on; the server fills them, to render from.

#[cfg(feature = "hydrate")]
mod awake;
pub mod controls;
#[cfg(feature = "hydrate")]
mod crosshair;
#[cfg(feature = "hydrate")]
mod document;
#[cfg(feature = "hydrate")]
mod json;
#[cfg(feature = "hydrate")]
mod keys;
pub mod page;
pub mod parts;
#[cfg(feature = "hydrate")]
mod past;
#[cfg(feature = "hydrate")]
mod samples;
#[cfg(feature = "hydrate")]
mod search;
#[cfg(feature = "hydrate")]
mod show;
#[cfg(feature = "hydrate")]
mod stream;
#[cfg(feature = "hydrate")]
mod surface;

#[cfg(feature = "hydrate")]
pub use awake::{attach_board, boot, controls, go_live, grant};
#[cfg(feature = "hydrate")]
pub use stream::heard;
