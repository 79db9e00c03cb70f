//! Names and jitter: no secrets, only differences.

use std::hash::{BuildHasher, RandomState};

/// A name for a subscriber that gave none.
pub(super) fn client_id() -> String {
    format!("{:016x}", number())
}

/// From `low` to `high`, both included.
pub(super) fn between(low: u32, high: u32) -> u32 {
    let span = u64::from(high.saturating_sub(low)) + 1;
    low.saturating_add(u32::try_from(number() % span).unwrap_or(0))
}

/// As hash tables are made unpredictable: the system is asked once a thread, not once a number.
fn number() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_differ_and_cover_their_range() {
        let names: HashSet<String> = (0..1_000).map(|_| client_id()).collect();
        assert!(names.len() == 1_000 && names.iter().all(|name| name.len() == 16));
        let drawn: HashSet<u32> = (0..1_000).map(|_| between(3, 9)).collect();
        assert_eq!(drawn, (3..=9).collect());
    }
}
