//! `envoy.filters.http.cors`: which pages of other origins may ask.

use contour_dag::{AllowedOrigin, Cors, Text};
use envoy_types::pb::envoy::extensions::filters::http::cors::v3::CorsPolicy;
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::google::protobuf::Any;

use crate::protobuf::{any, bool_value};
use crate::string_matcher;

/// For a host.
pub(super) fn cors(cors: &Cors) -> Any {
    any(&CorsPolicy {
        allow_origin_string_match: cors.origins.iter().map(origin).collect(),
        allow_methods: cors.methods.join(","),
        allow_headers: cors.headers.join(","),
        expose_headers: cors.exposed.join(","),
        max_age: cors.max_age.map(|seconds| seconds.to_string()).unwrap_or_default(),
        allow_credentials: Some(bool_value(cors.credentials)),
        allow_private_network_access: Some(bool_value(cors.private_network)),
        ..Default::default()
    })
}

/// `*` needs nothing of its own: Envoy takes it for every origin.
fn origin(origin: &AllowedOrigin) -> StringMatcher {
    match origin {
        AllowedOrigin::Exact(origin) => {
            let text = Text { value: origin.clone(), ignore_case: true };
            string_matcher::text(MatchPattern::Exact, &text)
        }
        AllowedOrigin::Regex(expression) => string_matcher::regex(expression),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(given: &Cors, expect: &Value) {
        let mut expect = expect.clone();
        expect["@type"] =
            "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy".into();
        assert_eq!(show(&cors(given)), expect);
    }

    fn least() -> Cors {
        Cors {
            origins: vec![AllowedOrigin::Exact("*".into())],
            methods: vec!["GET".into()],
            headers: Vec::new(),
            exposed: Vec::new(),
            credentials: false,
            private_network: false,
            max_age: None,
        }
    }

    #[test]
    fn what_is_not_allowed_is_said() {
        check(
            &least(),
            &json!({
                "allow_origin_string_match": [{ "exact": "*", "ignore_case": true }],
                "allow_methods": "GET",
                "allow_credentials": false,
                "allow_private_network_access": false,
            }),
        );
    }

    #[test]
    fn lists_are_joined_without_blanks() {
        let cors = Cors {
            origins: vec![
                AllowedOrigin::Exact("https://a.com".into()),
                AllowedOrigin::Regex(r".*\.b\.com".into()),
            ],
            methods: vec!["GET".into(), "PUT".into()],
            headers: vec!["x-a".into(), "x-b".into()],
            exposed: vec!["x-c".into(), "x-d".into()],
            credentials: true,
            private_network: true,
            max_age: Some(600),
        };
        check(
            &cors,
            &json!({
                "allow_origin_string_match": [
                    { "exact": "https://a.com", "ignore_case": true },
                    { "safe_regex": { "regex": r".*\.b\.com" } },
                ],
                "allow_methods": "GET,PUT",
                "allow_headers": "x-a,x-b",
                "expose_headers": "x-c,x-d",
                "max_age": "600",
                "allow_credentials": true,
                "allow_private_network_access": true,
            }),
        );
    }

    #[test]
    fn to_ask_each_time_is_not_to_ask_as_one_likes() {
        let shown = show(&cors(&Cors { max_age: Some(0), ..least() }));
        assert_eq!(shown["max_age"], "0");
    }
}
