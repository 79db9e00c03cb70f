//! The name someone probably meant.

/// The candidate that is least typing away from `typed`, unless none is close.
pub fn nearest(typed: &str, candidates: impl IntoIterator<Item = String>) -> Option<String> {
    let typed = normal(typed);
    candidates
        .into_iter()
        .map(|candidate| (distance(&typed, &normal(&candidate)), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= candidate.chars().count() / 3)
        .map(|(_, candidate)| candidate)
}

/// `max-per-address` and `Max_Per_Address` differ from the key only in habit.
fn normal(name: &str) -> Vec<char> {
    name.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// Levenshtein's: letters to insert, remove or replace.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, from) in from.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in to.iter().enumerate() {
            let cheapest = (diagonal + usize::from(from != to)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cheapest);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_only_when_it_is_near() {
        for (typed, expected) in [
            ("lisen", Some("listen")),
            ("LISTEN", Some("listen")),
            ("memory-only", Some("memory_only")),
            ("intervall", Some("interval")),
            ("colour", None),
            ("", None),
        ] {
            let candidates = ["listen", "memory_only", "interval"].map(str::to_owned);
            assert_eq!(nearest(typed, candidates).as_deref(), expected, "{typed:?}");
        }
    }
}
