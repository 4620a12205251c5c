//! `envoy.type.matcher.v3.StringMatcher`: conditions on texts.

use contour_dag::Text;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher};

/// Compares with `text` in this way, and as it says in the case of letters.
pub(crate) fn text(pattern: fn(String) -> MatchPattern, text: &Text) -> StringMatcher {
    StringMatcher {
        match_pattern: Some(pattern(text.value.to_string())),
        ignore_case: text.ignore_case,
    }
}

/// Matches whole texts with an RE2 expression. Never in either case of letters: Envoy refuses the two together.
pub(crate) fn regex(expression: &str) -> StringMatcher {
    let pattern = MatchPattern::SafeRegex(regex_matcher(expression.to_owned()));
    StringMatcher { match_pattern: Some(pattern), ..Default::default() }
}

pub(crate) fn regex_matcher(regex: String) -> RegexMatcher {
    RegexMatcher { regex, ..Default::default() } // the engine is set in the bootstrap
}
