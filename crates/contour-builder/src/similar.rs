//! Names that are one typing mistake apart.
//!
//! A digit that differs is no mistake: where `web-1` is missing, `web-2` is not meant. Else each of a thousand numbered names
//! would be of interest to whoever misses another.

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
    let letters = name.char_indices().filter(|(_, each)| !each.is_ascii_digit());
    letters.map(without).chain([name.to_owned()]).collect()
}

/// Whether two different names are one letter added, left out, replaced, or swapped with its neighbour apart.
pub(crate) fn is_alike(one: &str, other: &str) -> bool {
    if one.len().abs_diff(other.len()) > char::MAX.len_utf8() {
        return false;
    }
    let same = one.char_indices().zip(other.chars()).find(|((_, a), b)| a != b);
    let same = same.map_or(one.len().min(other.len()), |((at, _), _)| at);
    let (one, other) = (&one[same..], &other[same..]);
    match (first_letter(one), first_letter(other)) {
        (Some(_), _) if rest(one) == other => true,
        (_, Some(_)) if one == rest(other) => true,
        (Some(a), Some(b)) => {
            let (one, other) = (rest(one), rest(other));
            let swapped = first_letter(one) == Some(b) && first_letter(other) == Some(a);
            one == other || swapped && rest(one) == rest(other)
        }
        _ => false,
    }
}

/// The first character, if it is no digit.
fn first_letter(text: &str) -> Option<char> {
    text.chars().next().filter(|each| !each.is_ascii_digit())
}

/// What is behind the first character.
fn rest(text: &str) -> &str {
    let mut letters = text.chars();
    letters.next();
    letters.as_str()
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
    fn another_digit_makes_another_name() {
        for (one, other) in [("web-1", "web-2"), ("web-1", "web-12"), ("web-12", "web-21")] {
            assert!(!is_alike(one, other) && !is_alike(other, one), "{one} {other}");
            assert!(variants(one).is_disjoint(&variants(other)), "{one} {other}");
        }
    }

    #[test]
    fn the_same_name_and_other_names_are_not_alike() {
        for (one, other) in [("web", "web"), ("web", "bew"), ("web", "api"), ("web", "webab")] {
            assert!(!is_alike(one, other), "{one} {other}");
        }
    }

    /// A name, and the same with one mistake in it.
    fn mistaken(letters: &str) -> impl Strategy<Value = (String, String)> + use<> {
        let name = proptest::string::string_regex(&format!("{letters}{{1,5}}")).expect("good");
        let letter = proptest::string::string_regex(letters).expect("good");
        (name, any::<prop::sample::Index>(), letter, 0..4).prop_map(
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
        fn one_mistake_makes_names_that_are_alike((one, other) in mistaken("[ab]")) {
            prop_assert!(one == other || is_alike(&one, &other));
        }

        #[test]
        fn names_that_are_alike_have_a_variant_in_common((one, other) in mistaken("[a1]")) {
            prop_assert_eq!(is_alike(&one, &other), is_alike(&other, &one));
            prop_assert!(!is_alike(&one, &other) || !variants(&one).is_disjoint(&variants(&other)));
        }
    }
}
