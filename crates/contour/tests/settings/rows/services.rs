//! Settings of header policies, and of the services that are asked about requests.

use contour::config::Resolved;
use serde_json::json;

use crate::observe::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = headers();
    rows.extend(rate_limit());
    rows.extend(authorization());
    rows.extend(tracing());
    rows
}

fn headers() -> Vec<Row> {
    vec![
        row!(Now REQUEST_HEADERS_SET, {"A": "b"}, builder.request_headers.set(), r#"{"A": "b"}"#),
        row!(Now REQUEST_HEADERS_REMOVE, ["A"], builder.request_headers.removed(), r#"{"A"}"#),
        row!(Now RESPONSE_HEADERS_SET, {"A": "b"}, builder.response_headers.set(), r#"{"A": "b"}"#),
        row!(Now RESPONSE_HEADERS_REMOVE, ["A"], builder.response_headers.removed(), r#"{"A"}"#),
        row!(Now POLICY_FOR_INGRESS, true, builder.headers_for_ingress, "true"),
    ]
}

/// A view of an optional part of the features.
macro_rules! part {
    ($part:ident, $($view:tt)+) => {
        |resolved: &Resolved| format!("{:?}", resolved.features.$part.as_ref().map(|part| part.$($view)+.clone()))
    };
}

fn rate_limit() -> Vec<Row> {
    macro_rules! limit {
        ($key:ident, $value:tt, $($view:ident).+, $expect:expr $(, with $($other:ident = $given:tt),+)?) => {
            Row {
                view: part!(rate_limit, $($view).+),
                ..row!(Later $key, $value, features.rate_limit, $expect,
                    with RATE_LIMIT_SERVICE = "n/s", RATE_LIMIT_DOMAIN = "d" $(, $($other = $given),+)?)
            }
        };
    }
    vec![
        limit!(RATE_LIMIT, {}, domain, r#"Some("d")"#),
        limit!(RATE_LIMIT_SERVICE, "a/b", service.name, r#"Some("b")"#),
        limit!(RATE_LIMIT_DOMAIN, "x", domain, r#"Some("x")"#),
        limit!(RATE_LIMIT_FAIL_OPEN, true, fail_open, "Some(true)"),
        limit!(RATE_LIMIT_HEADERS, true, headers, "Some(true)"),
        limit!(RATE_LIMIT_EXHAUSTED, true, resource_exhausted, "Some(true)"),
        limit!(RATE_LIMIT_POLICY, {}, policy, "Some(Some(GlobalRateLimitPolicy { descriptors: [], disabled: true }))",
            with RATE_LIMIT_POLICY_DISABLED = true),
        limit!(
            RATE_LIMIT_POLICY_DISABLED,
            true,
            policy,
            "Some(Some(GlobalRateLimitPolicy { descriptors: [], disabled: true }))"
        ),
        Row {
            view: |resolved| {
                let policy =
                    resolved.features.rate_limit.as_ref().and_then(|limit| limit.policy.as_ref());
                json!(policy.map(|policy| &policy.descriptors)).to_string()
            },
            value: descriptors(),
            ..limit!(RATE_LIMIT_DESCRIPTORS, [], policy, DESCRIPTORS)
        },
    ]
}

const DESCRIPTORS: &str = r#"[{"entries":[{"genericKey":{"key":"k","value":"v"}},{"remoteAddress":{}},{"requestHeader":{"descriptorKey":"k","headerName":"H"}},{"requestHeaderValueMatch":{"expectMatch":true,"headers":[{"contains":"a","exact":"c","ignoreCase":true,"name":"H","notcontains":"b","notexact":"d","notpresent":true,"present":true,"regex":"e","treatMissingAsEmpty":true}],"value":"v"}}]}]"#;

fn descriptors() -> serde_json::Value {
    json!([{ "entries": [
        { "genericKey": { "key": "k", "value": "v" } },
        { "remoteAddress": {} },
        { "requestHeader": { "headerName": "H", "descriptorKey": "k" } },
        { "requestHeaderValueMatch": { "expectMatch": true, "value": "v", "headers": [{
            "name": "H", "present": true, "notpresent": true, "contains": "a", "notcontains": "b", "ignorecase": true,
            "exact": "c", "notexact": "d", "regex": "e", "treatmissingasempty": true,
        }] } },
    ] }])
}

fn authorization() -> Vec<Row> {
    macro_rules! auth {
        ($key:ident, $value:tt, $($view:ident).+, $expect:expr $(, with $($other:ident = $given:tt),+)?) => {
            Row {
                view: part!(authorization, $($view).+),
                ..row!(Later $key, $value, features.authorization, $expect,
                    with AUTH_SERVICE = "n/s" $(, $($other = $given),+)?)
            }
        };
    }
    const PREFIX: &str =
        r#"Some(Http { path_prefix: "/p", request_headers: [], upstream_headers: [] })"#;
    const NAMES: &str = r#"[HeaderName { matches: Exact("a"), ignore_case: true }, HeaderName { matches: Prefix("b"), ignore_case: false }, HeaderName { matches: Suffix("c"), ignore_case: false }, HeaderName { matches: Contains("d"), ignore_case: false }]"#;
    let names = json!([
        { "exact": "a", "ignorecase": true }, { "prefix": "b" }, { "suffix": "c" }, { "contains": "d" },
    ]);
    let sees = |resolved: &Resolved| {
        format!("{:?}", http(resolved).map(|(sees, _)| sees).unwrap_or_default())
    };
    let adds = |resolved: &Resolved| {
        format!("{:?}", http(resolved).map(|(_, adds)| adds).unwrap_or_default())
    };
    vec![
        auth!(AUTH, {}, service.name, r#"Some("s")"#),
        auth!(AUTH_SERVICE, "a/b", service.name, r#"Some("b")"#),
        auth!(
            AUTH_KIND,
            "http",
            kind,
            r#"Some(Http { path_prefix: "", request_headers: [], upstream_headers: [] })"#
        ),
        auth!(AUTH_HTTP, {}, kind, PREFIX, with AUTH_KIND = "http", AUTH_PATH_PREFIX = "/p"),
        auth!(AUTH_PATH_PREFIX, "/p", kind, PREFIX, with AUTH_KIND = "http"),
        Row {
            view: sees,
            value: names.clone(),
            ..auth!(AUTH_REQUEST_HEADERS, [], kind, NAMES, with AUTH_KIND = "http")
        },
        Row {
            view: adds,
            value: names,
            ..auth!(AUTH_UPSTREAM_HEADERS, [], kind, NAMES, with AUTH_KIND = "http")
        },
        auth!(AUTH_DISABLED, true, disabled, "Some(true)"),
        auth!(AUTH_CONTEXT, {"a": "b"}, kind, r#"Some(Grpc { context: {"a": "b"} })"#),
        auth!(AUTH_TIMEOUT, "5s", timeout, "Some(Some(After(Interval(5s))))"),
        auth!(AUTH_FAIL_OPEN, true, fail_open, "Some(true)"),
        auth!(AUTH_BODY, {}, body, "Some(Some(Body { max_bytes: 7, allow_partial: false, as_bytes: false }))",
            with AUTH_BODY_MAX = 7),
        auth!(
            AUTH_BODY_MAX,
            7,
            body,
            "Some(Some(Body { max_bytes: 7, allow_partial: false, as_bytes: false }))"
        ),
        auth!(
            AUTH_BODY_PARTIAL,
            true,
            body,
            "Some(Some(Body { max_bytes: 1024, allow_partial: true, as_bytes: false }))"
        ),
        auth!(
            AUTH_BODY_BYTES,
            true,
            body,
            "Some(Some(Body { max_bytes: 1024, allow_partial: false, as_bytes: true }))"
        ),
    ]
}

type Names = Vec<contour::config::features::HeaderName>;

fn http(resolved: &Resolved) -> Option<(Names, Names)> {
    match &resolved.features.authorization.as_ref()?.kind {
        contour::config::features::AuthorizationKind::Http {
            request_headers,
            upstream_headers,
            ..
        } => Some((request_headers.clone(), upstream_headers.clone())),
        contour::config::features::AuthorizationKind::Grpc { .. } => None,
    }
}

fn tracing() -> Vec<Row> {
    macro_rules! trace {
        ($key:ident, $value:tt, $($view:ident).+, $expect:expr) => {
            Row {
                view: part!(tracing, $($view).+),
                ..row!(Later $key, $value, features.tracing, $expect, with TRACING_SERVICE = "n/s")
            }
        };
    }
    const TAGS: &str = r#"Some({"a": Literal("x"), "b": RequestHeader("H")})"#;
    vec![
        trace!(TRACING, {}, service.name, r#"Some("s")"#),
        trace!(TRACING_SERVICE, "a/b", service.name, r#"Some("b")"#),
        trace!(TRACING_POD_DETAIL, false, pod_detail, "Some(false)"),
        trace!(TRACING_NAME, "x", name, r#"Some("x")"#),
        trace!(TRACING_OVERALL, "0", overall, "Some(Percentage(0.0))"),
        trace!(TRACING_CLIENT, "12.5", client, "Some(Percentage(12.5))"),
        trace!(TRACING_RANDOM, "1", random, "Some(Percentage(1.0))"),
        trace!(TRACING_PATH_LENGTH, 7, max_path_bytes, "Some(7)"),
        Row {
            value: json!([{ "tagName": "a", "literal": "x" }, { "tagName": "b", "requestHeaderName": "H" }]),
            ..trace!(TRACING_TAGS, [], tags, TAGS)
        },
    ]
}
