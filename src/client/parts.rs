//! What the places are called that the server fills and the browser draws into: values of `data-part`.

/// The id of the element that holds all of them.
pub const BOARD: &str = "board";
/// The id of the box that turns keys of one letter off.
pub const KEYS_WANTED: &str = "keys-wanted";
/// The class of what the crosshair moves over.
pub const PLOT: &str = "plot";

pub const LINE: &str = "line";
pub const AREA: &str = "area";
/// What time carries to the left.
pub const MOVING: &str = "moving";
pub const GAPS: &str = "gaps";
pub const GAP_NOTES: &str = "gap-notes";
pub const X_AXIS: &str = "x";
pub const Y_AXIS: &str = "y";
pub const CROSSHAIR: &str = "crosshair";
/// The time at the crosshair.
pub const INSTANT: &str = "instant";
pub const VALUE: &str = "value";
pub const WORDS: &str = "words";
pub const ROWS: &str = "rows";
/// A row of a list of devices.
pub const DEVICE: &str = "device";
pub const NAME: &str = "name";
/// The field that finds processes; its name in an address as well.
pub const SEARCH: &str = "search";
/// A link that sorts them.
pub const SORT: &str = "sort";
/// How many processes there are.
pub const COUNT: &str = "count";
/// The table of processes, and a row of it.
pub const PROCESSES: &str = "processes";
pub const PROCESS: &str = "process";
pub const ARGUMENTS: &str = "arguments";
pub const FIGURE: &str = "figure";
/// What stands there until there is something to show.
pub const WAITING: &str = "waiting";
/// Why nothing is stored.
pub const TROUBLE: &str = "trouble";
/// Why what is shown is not what was asked for, or not as new as it should be.
pub const UNREAD: &str = "unread";
/// The heaviest processes at the crosshair.
pub const CULPRITS: &str = "culprits";
/// How the machine is, in a heading.
pub const SUMMARY: &str = "summary";
/// A headline's number and state, within its heading.
pub const SPOKEN: &str = "spoken";
pub const NUMBER: &str = "number";
pub const UNIT: &str = "unit";
pub const DETAIL: &str = "detail";
pub const HEALTH: &str = "health";
