//! Telltale: a live dashboard for a server.
//!
//! The map of the crate, in the order of who may use whom: `model` is what travels, `chart` turns it
//! into geometry, `client` and `ui` are the page, `server` takes samples and serves them, `cli` is the
//! way in. `ARCHITECTURE.md` tells the walk of one sample.

#![recursion_limit = "256"]

pub mod chart;
#[cfg(feature = "ssr")]
pub mod cli;
pub mod client;
pub mod model;
#[cfg(feature = "ssr")]
pub mod server;
pub mod ui;
