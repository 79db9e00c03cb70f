//! The views that both sides render: the server into the first HTML, the browser from there on.

pub mod board;
pub mod chart;
pub mod controls;
pub mod cost;
pub mod crosshair;
pub mod live;
pub mod sections;
pub mod shell;
pub mod sparkline;
pub mod tile;
