//! The views: what the server writes into the HTML. Two of them are islands that wake in the browser.

pub mod board;
pub mod chart;
pub mod controls;
pub mod cost;
pub mod devices;
pub mod focus;
pub mod keys;
pub mod live;
pub mod overview;
pub mod processes;
pub mod range;
pub mod sections;
pub mod shell;
pub mod sparkline;
pub mod tile;
