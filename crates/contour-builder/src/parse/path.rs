//! Paths to match.

/// Replaces every run of slashes by one, as Envoy does with a request's path before it matches.
pub fn collapse_slashes(path: &str) -> String {
    let mut collapsed = String::with_capacity(path.len());
    for each in path.chars() {
        if each != '/' || !collapsed.ends_with('/') {
            collapsed.push(each);
        }
    }
    collapsed
}

/// Why `path` can match no request, in words that complete "…: ", or `None` if it can.
pub(super) fn unmatchable(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        Some("a path has to begin with /")
    } else if path.contains(['?', '#']) {
        Some("a path cannot contain ? or #: the query and the fragment are not part of it")
    } else if path.chars().any(char::is_control) {
        Some("a path cannot contain control characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_slashes_become_one() {
        assert_eq!(collapse_slashes("//a///b/"), "/a/b/");
        assert_eq!(collapse_slashes(""), "");
    }

    #[test]
    fn paths_that_no_request_has_are_told() {
        for path in ["a", "", "/a?b", "/a#b", "/a\n"] {
            assert!(unmatchable(path).is_some(), "{path:?}");
        }
        for path in ["/", "/a b", "/é", "/%20"] {
            assert!(unmatchable(path).is_none(), "{path:?}");
        }
    }
}
