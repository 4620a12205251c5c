//! What an unquoted word means.
//!
//! The rules are those of `kubectl`, which reads YAML 1.1: `yes` is a boolean and `010` is eight. A manifest must mean
//! the same in a directory as in a cluster.

use std::borrow::Cow;

use saphyr_parser::{ScalarStyle, Tag};

/// A value that is neither a list nor a mapping.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'t> {
    /// Nothing, `~` or `null`.
    Null,
    /// `yes` is one.
    Boolean(bool),
    /// `0x10` is one.
    Integer(i64),
    /// A number with a fractional part.
    Float(f64),
    /// Everything else.
    Text(Cow<'t, str>),
}

/// The value of a scalar, or `None` if it is not what its tag (`!!int`) claims.
///
/// Tags other than those of the YAML core schema say nothing about the value and are passed over.
pub fn resolve<'t>(
    text: Cow<'t, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
) -> Option<Scalar<'t>> {
    let core = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
    match core {
        None if style == ScalarStyle::Plain => Some(plain(text)),
        Some("int") => Some(plain(text)).filter(|value| matches!(value, Scalar::Integer(_))),
        Some("float") => {
            Some(plain(text)).filter(|value| matches!(value, Scalar::Integer(_) | Scalar::Float(_)))
        }
        Some("bool") => Some(plain(text)).filter(|value| matches!(value, Scalar::Boolean(_))),
        Some("null") => Some(plain(text)).filter(|value| matches!(value, Scalar::Null)),
        _ => Some(Scalar::Text(text)),
    }
}

/// Whether `text` without quotes would be taken for an integer.
pub fn is_integer(text: &str) -> bool {
    matches!(plain(Cow::Borrowed(text)), Scalar::Integer(_))
}

fn plain(text: Cow<'_, str>) -> Scalar<'_> {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Boolean(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Boolean(false)
        }
        word => number(word).unwrap_or(Scalar::Text(text)),
    }
}

fn number(word: &str) -> Option<Scalar<'static>> {
    if !word.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) {
        return None;
    }
    let digits: Cow<'_, str> =
        if word.contains('_') { Cow::Owned(word.replace('_', "")) } else { Cow::Borrowed(word) };
    integer(&digits).map(Scalar::Integer).or_else(|| float(&digits))
}

/// An integer in one of Go's notations: `17`, `-017` (octal), `0o17`, `0x1f`, `0b101`.
fn integer(word: &str) -> Option<i64> {
    let (sign, digits) = match word.as_bytes().first()? {
        b'-' => ("-", &word[1..]),
        b'+' => ("", &word[1..]),
        _ => ("", word),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some(two) if two.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    // `from_str_radix` takes a sign of its own; here it would be a second one.
    if !digits.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// A decimal fraction. One without a fractional part is an integer, because JSON, which is what the API server sees,
/// writes `80.0` as `80`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "guarded by the range within which f64 holds integers exactly"
)]
fn float(word: &str) -> Option<Scalar<'static>> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    // Rust also reads `inf` and `nan`, which are words in YAML.
    let decimal = word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let value = word.parse::<f64>().ok().filter(|value| decimal && value.is_finite())?;
    Some(if value.fract() == 0.0 && value.abs() < EXACT {
        Scalar::Integer(value as i64)
    } else {
        Scalar::Float(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Scalar<'_>) {
        assert_eq!(resolve(text.into(), ScalarStyle::Plain, None), Some(expect));
    }

    #[track_caller]
    fn check_tagged(tag: &str, text: &str, style: ScalarStyle, expect: Option<Scalar<'_>>) {
        let tag = Tag { handle: "tag:yaml.org,2002:".into(), suffix: tag.into() };
        assert_eq!(resolve(text.into(), style, Some(&tag)), expect);
    }

    #[test]
    fn words_of_yaml_1_1_are_booleans() {
        for word in ["y", "Yes", "on", "TRUE"] {
            check(word, Scalar::Boolean(true));
        }
        for word in ["n", "No", "off", "FALSE"] {
            check(word, Scalar::Boolean(false));
        }
    }

    #[test]
    fn other_spellings_of_booleans_are_text() {
        check("yEs", Scalar::Text("yEs".into()));
        check("trueish", Scalar::Text("trueish".into()));
    }

    #[test]
    fn nothing_and_tilde_are_null() {
        for word in ["", "~", "null"] {
            check(word, Scalar::Null);
        }
    }

    #[test]
    fn integers_have_five_notations() {
        check("17", Scalar::Integer(17));
        check("+17", Scalar::Integer(17));
        check("-0x1F", Scalar::Integer(-31));
        check("0o17", Scalar::Integer(15));
        check("017", Scalar::Integer(15));
        check("0b101", Scalar::Integer(5));
        check("1_000", Scalar::Integer(1000));
        check("0", Scalar::Integer(0));
        check("-9223372036854775808", Scalar::Integer(i64::MIN));
    }

    #[test]
    fn digits_that_are_not_octal_are_decimal() {
        check("08", Scalar::Integer(8));
    }

    #[test]
    fn fractions_without_a_rest_are_integers() {
        check("80.0", Scalar::Integer(80));
        check("1e3", Scalar::Integer(1000));
        check("0.5", Scalar::Float(0.5));
        check(".5", Scalar::Float(0.5));
        check("9223372036854775808", Scalar::Float(9_223_372_036_854_775_808.0));
    }

    #[test]
    fn what_only_looks_like_a_number_is_text() {
        for word in [
            "1.2.3",
            "10s",
            "2024-01-01",
            "-",
            "+-1",
            "0x",
            "0b2",
            ".inf",
            ".nan",
            "inf",
            "1e999",
            ".",
        ] {
            check(word, Scalar::Text(word.into()));
        }
    }

    #[test]
    fn a_tag_overrides_the_look() {
        check_tagged("str", "5", ScalarStyle::Plain, Some(Scalar::Text("5".into())));
        check_tagged("int", "5", ScalarStyle::SingleQuoted, Some(Scalar::Integer(5)));
        check_tagged("float", "5.5", ScalarStyle::Plain, Some(Scalar::Float(5.5)));
        check_tagged("bool", "no", ScalarStyle::Plain, Some(Scalar::Boolean(false)));
        check_tagged("null", "~", ScalarStyle::Plain, Some(Scalar::Null));
    }

    #[test]
    fn a_tag_that_lies_gives_nothing() {
        check_tagged("int", "x", ScalarStyle::Plain, None);
        check_tagged("bool", "1", ScalarStyle::Plain, None);
    }

    #[test]
    fn quoted_is_text() {
        assert_eq!(
            resolve("5".into(), ScalarStyle::DoubleQuoted, None),
            Some(Scalar::Text("5".into()))
        );
    }
}
