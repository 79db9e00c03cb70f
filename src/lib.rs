//! The map of the crate.

pub mod model;
#[cfg(feature = "ssr")]
pub mod server;
