//! Host names as objects give them.

use contour_dag::Domain;

/// The longest name that DNS knows, in bytes.
const MAX_LENGTH: usize = 253;
const MAX_LABEL_LENGTH: usize = 63;

/// Reads a DNS name in lower or upper case, with or without a leading `*.`. `None` if it is not one: Envoy accepts such
/// names and never matches them, or, with control characters in them, refuses the whole route table.
pub(super) fn parse(text: &str) -> Option<Domain> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    (text.len() <= MAX_LENGTH && name.split('.').all(is_label)).then(|| Domain::new(text))?
}

/// RFC 1123: letters, digits and inner hyphens.
fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    (1..=MAX_LABEL_LENGTH).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && bytes[0] != b'-'
        && bytes[bytes.len() - 1] != b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(parse(text).as_ref().map(Domain::as_str), expect);
    }

    #[test]
    fn names_and_wildcards_are_domains() {
        check("example.com", Some("example.com"));
        check("*.example.com", Some("*.example.com"));
        check("Shop.Example.com", Some("shop.example.com"));
        check("localhost", Some("localhost"));
        check("xn--bcher-kva.example", Some("xn--bcher-kva.example"));
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "",
            "*",
            "a..b",
            ".a",
            "a.",
            "-a",
            "a-",
            "a_b",
            "a b",
            "a:80",
            "*.*.a",
            "a\r\nb",
            "é.example",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn labels_and_names_have_a_limit() {
        check(&"a".repeat(64), None);
        check(&["a"; 128].join("."), None);
    }
}
