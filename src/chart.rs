//! Numbers to geometry: scales, ticks, integer paths and the words beside them. Pure, and the same on both sides.
//!
//! A chart is a box of [`WIDTH`] by [`HEIGHT`] units, stretched to whatever room it gets. One unit across is
//! a round length of time in every window, so that what was drawn moves by whole units and never changes shape.

pub mod band;
pub mod cursor;
mod devices;
pub mod drawing;
#[cfg(test)]
mod fixture;
pub mod grid;
pub mod growth;
pub mod heat;
pub mod holes;
pub mod markup;
pub mod path;
pub mod processes;
pub mod reduce;
pub mod scale;
pub mod scene;
pub mod span;
pub mod spark;
pub mod table;
pub mod ticks;
pub mod trend;
pub mod words;

pub use band::{Band, Bands};
pub use devices::DeviceText;
pub use drawing::{Drawing, GapNote};
pub use path::Stroke;
pub use scale::{Scale, YTick};
pub use scene::Scene;
pub use span::{Place, Span, Window};
pub use table::Table;
pub use ticks::XTick;

/// The box of a chart, in units: what `viewBox` says.
pub const WIDTH: i32 = 1200;
pub const HEIGHT: i32 = 240;
