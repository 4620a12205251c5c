//! Guesses what a misspelled word was meant to be.

/// The one of `known` that `word` is most likely a misspelling of.
pub fn closest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = word.to_lowercase();
    // One slip in a short word, two in a longer one: more makes wild guesses.
    let tolerance = (word.chars().count() / 3).clamp(1, 2);
    known
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate)
        })
        .filter(|&(distance, candidate)| {
            distance <= tolerance && candidate.chars().count() > distance
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// That `word` is none of `allowed`, and which of them it may have been meant to be.
pub fn not_one_of<'k>(word: &str, allowed: impl IntoIterator<Item = &'k str>) -> String {
    let allowed: Vec<&str> = allowed.into_iter().collect();
    let message = format!("{word:?} is not one of {}", allowed.join(", "));
    match closest(word, allowed) {
        Some(meant) => format!("{message}; did you mean {meant:?}?"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expect: Option<&str>) {
        assert_eq!(closest(word, ["services", "conditions", "name", "port"]), expect);
    }

    #[test]
    fn a_letter_too_few_too_many_or_swapped_is_recognized() {
        check("servces", Some("services"));
        check("servicees", Some("services"));
        check("sercives", Some("services"));
    }

    #[test]
    fn case_does_not_matter() {
        check("Services", Some("services"));
    }

    #[test]
    fn another_word_is_no_misspelling() {
        check("healthCheck", None);
        check("x", None);
    }
}
