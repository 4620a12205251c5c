//! Names that are one typing mistake apart.

use std::collections::BTreeSet;

/// What a name has in common with every name that is one mistake away: itself, and what is left when one letter is taken out.
///
/// Two names that are one letter added, left out, replaced or swapped with its neighbour apart have one of these in common. So who
/// asks for names like one, and a name that appears, find each other without comparing all names.
pub(crate) fn variants(name: &str) -> BTreeSet<String> {
    let without = |(at, letter): (usize, char)| {
        let mut rest = name.to_owned();
        rest.replace_range(at..at + letter.len_utf8(), "");
        rest
    };
    name.char_indices().map(without).chain([name.to_owned()]).collect()
}

/// Whether two different names are one letter added, left out, replaced, or swapped with its neighbour apart.
pub(crate) fn is_alike(one: &str, other: &str) -> bool {
    if one == other {
        return false;
    }
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[same..], &other[same..]);
    match (one, other) {
        ([_, rest @ ..], _) if rest == other => true,
        (_, [_, rest @ ..]) if rest == one => true,
        ([_, one @ ..], [_, other @ ..]) if one == other => true,
        ([a, b, one @ ..], [c, d, other @ ..]) => a == d && b == c && one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_letter_makes_a_mistake() {
        for (one, other) in [
            ("web", "webb"),
            ("web", "eb"),
            ("web", "wab"),
            ("web", "ewb"),
            ("web", "wbe"),
            ("", "a"),
        ] {
            assert!(is_alike(one, other) && is_alike(other, one), "{one} {other}");
        }
    }

    #[test]
    fn the_same_name_and_other_names_are_not_alike() {
        for (one, other) in [("web", "web"), ("web", "bew"), ("web", "api"), ("web", "webab")] {
            assert!(!is_alike(one, other), "{one} {other}");
        }
    }

    /// A name, and the same with one mistake in it.
    fn mistaken() -> impl Strategy<Value = (String, String)> {
        ("[ab]{1,5}", any::<prop::sample::Index>(), "[ab]", 0..4).prop_map(
            |(name, at, letter, mistake)| {
                let at = at.index(name.len());
                let mut other = name.clone();
                match mistake {
                    0 => other.insert_str(at, &letter),
                    1 => other.replace_range(at..=at, ""),
                    2 => other.replace_range(at..=at, &letter),
                    _ => {
                        let moved = other.remove(at);
                        other.insert((at + 1).min(other.len()), moved);
                    }
                }
                (name, other)
            },
        )
    }

    proptest! {
        #[test]
        fn names_that_are_alike_have_a_variant_in_common((one, other) in mistaken()) {
            prop_assert!(one == other || is_alike(&one, &other));
            prop_assert!(!variants(&one).is_disjoint(&variants(&other)));
        }
    }
}
