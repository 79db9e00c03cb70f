//! The first few of very many, in order. Much less code than a sort, which counts in the browser.

/// The first `count` by `is_before`; equals keep their order.
pub fn top<T>(items: impl Iterator<Item = T>, count: usize, is_before: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut first: Vec<T> = Vec::new();
    for item in items {
        let place = first.partition_point(|other| !is_before(&item, other));
        if place < count {
            first.insert(place, item);
            first.truncate(count);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_beginning_of_a_stable_sort(values in prop::collection::vec(0_u8..9, 0..60), count in 0_usize..70) {
            let all: Vec<(usize, u8)> = values.into_iter().enumerate().collect();
            let mut sorted = all.clone();
            sorted.sort_by_key(|(_, value)| *value);
            sorted.truncate(count);
            prop_assert_eq!(top(all.into_iter(), count, |left, right| left.1 < right.1), sorted);
        }
    }
}
