//! `envoy.config.route.v3.RouteMatch`: which requests a route takes.

use contour_dag::{
    HeaderMatch, HeaderMatcher, PathMatch, QueryMatch, QueryMatcher, RouteMatch, Text,
};
use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::query_parameter_matcher::QueryParameterMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::{
    HeaderMatcher as EnvoyHeaderMatcher, QueryParameterMatcher, RouteMatch as EnvoyRouteMatch,
};
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;

use crate::string_matcher;

pub(super) fn route_match(matches: &RouteMatch) -> EnvoyRouteMatch {
    EnvoyRouteMatch {
        path_specifier: Some(path(&matches.path)),
        headers: matches.headers().iter().map(header).collect(),
        query_parameters: matches.query().iter().map(query_parameter).collect(),
        ..Default::default()
    }
}

fn path(path: &PathMatch) -> PathSpecifier {
    match path {
        PathMatch::Exact(text) => PathSpecifier::Path(text.to_string()),
        // Envoy matches whole paths anyway; the anchor makes the compiled expression smaller.
        PathMatch::Regex(text) => {
            PathSpecifier::SafeRegex(string_matcher::regex_matcher(format!("^{text}")))
        }
        PathMatch::Segments(text) => PathSpecifier::PathSeparatedPrefix(text.to_string()),
        PathMatch::Prefix(text) => PathSpecifier::Prefix(text.to_string()),
    }
}

fn exact(text: &Text) -> StringMatcher {
    string_matcher::text(MatchPattern::Exact, text)
}

fn contains(text: &Text) -> StringMatcher {
    string_matcher::text(MatchPattern::Contains, text)
}

fn header(header: &HeaderMatch) -> EnvoyHeaderMatcher {
    use HeaderMatchSpecifier::{PresentMatch, StringMatch};
    let (specifier, invert_match, or_missing) = match &header.matcher {
        HeaderMatcher::Exact(text) => (StringMatch(exact(text)), false, false),
        HeaderMatcher::NotExact { text, or_missing } => {
            (StringMatch(exact(text)), true, *or_missing)
        }
        HeaderMatcher::Regex(text) => (StringMatch(string_matcher::regex(text)), false, false),
        HeaderMatcher::Contains(text) => (StringMatch(contains(text)), false, false),
        HeaderMatcher::NotContains { text, or_missing } => {
            (StringMatch(contains(text)), true, *or_missing)
        }
        HeaderMatcher::Present => (PresentMatch(true), false, false),
        HeaderMatcher::NotPresent => (PresentMatch(true), true, false),
    };
    EnvoyHeaderMatcher {
        name: header.name.to_string(),
        header_match_specifier: Some(specifier),
        invert_match,
        treat_missing_header_as_empty: or_missing,
    }
}

fn query_parameter(parameter: &QueryMatch) -> QueryParameterMatcher {
    use QueryParameterMatchSpecifier::{PresentMatch, StringMatch};
    let specifier = match &parameter.matcher {
        QueryMatcher::Exact(text) => StringMatch(exact(text)),
        QueryMatcher::Regex(text) => StringMatch(string_matcher::regex(text)),
        QueryMatcher::Prefix(text) => StringMatch(string_matcher::text(MatchPattern::Prefix, text)),
        QueryMatcher::Suffix(text) => StringMatch(string_matcher::text(MatchPattern::Suffix, text)),
        QueryMatcher::Contains(text) => StringMatch(contains(text)),
        QueryMatcher::Present => PresentMatch(true),
    };
    QueryParameterMatcher {
        name: parameter.name.to_string(),
        query_parameter_match_specifier: Some(specifier),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(matches: &RouteMatch, expect: &Value) {
        assert_eq!(show(&route_match(matches)), *expect);
    }

    #[test]
    fn paths_match_exactly_by_expression_segments_or_prefix() {
        let check = |path: PathMatch, expect: Value| check(&RouteMatch::path(path), &expect);
        check(PathMatch::Exact("/a".into()), json!({ "path": "/a" }));
        check(PathMatch::Regex("/a.*".into()), json!({ "safe_regex": { "regex": "^/a.*" } }));
        check(PathMatch::Regex("^/a".into()), json!({ "safe_regex": { "regex": "^^/a" } }));
        check(PathMatch::Segments("/a".into()), json!({ "path_separated_prefix": "/a" }));
        check(PathMatch::Prefix("/a".into()), json!({ "prefix": "/a" }));
    }

    fn everything() -> RouteMatch {
        RouteMatch::path(PathMatch::Prefix("/".into()))
    }

    #[track_caller]
    fn check_header(matcher: HeaderMatcher, expect: &Value) {
        let matches = everything().with_header(HeaderMatch { name: "x-a".into(), matcher });
        let mut header = expect.clone();
        header["name"] = "x-a".into();
        check(&matches, &json!({ "prefix": "/", "headers": [header] }));
    }

    fn text(value: &str) -> Text {
        Text { value: value.into(), ignore_case: false }
    }

    fn either_case(value: &str) -> Text {
        Text { value: value.into(), ignore_case: true }
    }

    #[test]
    fn headers_are_equal_contain_or_are_there() {
        check_header(HeaderMatcher::Exact(text("b")), &json!({ "string_match": { "exact": "b" } }));
        check_header(
            HeaderMatcher::Exact(either_case("b")),
            &json!({ "string_match": { "exact": "b", "ignore_case": true } }),
        );
        check_header(
            HeaderMatcher::Contains(either_case("b")),
            &json!({ "string_match": { "contains": "b", "ignore_case": true } }),
        );
        check_header(HeaderMatcher::Present, &json!({ "present_match": true }));
    }

    #[test]
    fn negated_header_conditions_are_inverted() {
        let inverted = |matcher: Value| json!({ "string_match": matcher, "invert_match": true });
        let not_exact = |or_missing| HeaderMatcher::NotExact { text: either_case("b"), or_missing };
        let mut expect = inverted(json!({ "exact": "b", "ignore_case": true }));
        check_header(not_exact(false), &expect);
        expect["treat_missing_header_as_empty"] = true.into();
        check_header(not_exact(true), &expect);

        let not_contains = |or_missing| HeaderMatcher::NotContains { text: text("b"), or_missing };
        let mut expect = inverted(json!({ "contains": "b" }));
        check_header(not_contains(false), &expect);
        expect["treat_missing_header_as_empty"] = true.into();
        check_header(not_contains(true), &expect);

        let expect = json!({ "present_match": true, "invert_match": true });
        check_header(HeaderMatcher::NotPresent, &expect);
    }

    #[test]
    fn header_expressions_have_no_anchor() {
        let regex = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\.foo\.com(:[0-9]+)?";
        check_header(
            HeaderMatcher::Regex(regex.into()),
            &json!({ "string_match": { "safe_regex": { "regex": regex } } }),
        );
    }

    #[track_caller]
    fn check_query(matcher: QueryMatcher, expect: &Value) {
        let matches = everything().with([], [QueryMatch { name: "a".into(), matcher }]);
        let mut parameter = expect.clone();
        parameter["name"] = "a".into();
        check(&matches, &json!({ "prefix": "/", "query_parameters": [parameter] }));
    }

    #[test]
    fn query_parameters_are_compared_in_every_way() {
        let compared = |pattern: Value| json!({ "string_match": pattern });
        check_query(QueryMatcher::Exact(text("b")), &compared(json!({ "exact": "b" })));
        check_query(QueryMatcher::Prefix(text("b")), &compared(json!({ "prefix": "b" })));
        check_query(
            QueryMatcher::Suffix(either_case("b")),
            &compared(json!({ "suffix": "b", "ignore_case": true })),
        );
        check_query(
            QueryMatcher::Contains(either_case("b")),
            &compared(json!({ "contains": "b", "ignore_case": true })),
        );
        check_query(
            QueryMatcher::Regex("b+".into()),
            &compared(json!({ "safe_regex": { "regex": "b+" } })),
        );
        check_query(QueryMatcher::Present, &json!({ "present_match": true }));
    }
}
