//! Names and jitter: no secrets, only differences.

/// A name for a subscriber that gave none.
pub(super) fn client_id() -> String {
    format!("{:016x}", number())
}

/// From `low` to `high`, both included.
pub(super) fn between(low: u32, high: u32) -> u32 {
    let span = u64::from(high.saturating_sub(low)) + 1;
    low.saturating_add(u32::try_from(number() % span).unwrap_or(0))
}

/// A machine without a source of randomness still gets a dashboard: zero is a number, too.
fn number() -> u64 {
    getrandom::u64().unwrap_or(0)
}
