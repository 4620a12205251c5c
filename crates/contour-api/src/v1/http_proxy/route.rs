//! What is done with which requests.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::authorization::AuthorizationPolicy;
use super::jwt::JwtVerificationPolicy;
use super::match_condition::MatchCondition;
use super::policy::{
    CookieRewritePolicy, HeadersPolicy, IpFilterPolicy, LoadBalancerPolicy, TimeoutPolicy,
};
use super::rate_limit::RateLimitPolicy;
use super::service::Service;
use crate::schema::{ABSOLUTE_PATH, DURATION_OR_INFINITY, HOST, Int};

/// What is done with the requests that meet the conditions: exactly one of `services`, `requestRedirectPolicy` and
/// `directResponsePolicy`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// Whether requests are authorized, and what else the service is told. Absent: as the virtual host says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_policy: Option<AuthorizationPolicy>,
    /// What a request must meet, all of it. Empty: all requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<MatchCondition>,
    /// How cookies that the services set are rewritten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookie_rewrite_policies: Vec<CookieRewritePolicy>,
    /// The answer that Envoy gives by itself. Becomes `Route.direct_response`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct_response_policy: Option<DirectResponsePolicy>,
    /// Whether connections may be upgraded to WebSocket. Default: false. Becomes `RouteAction.upgrade_configs`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enable_websockets: bool,
    /// How it is found out which endpoints of the services are well. Absent: no health checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_policy: Option<HttpHealthCheckPolicy>,
    /// Which redirects of a service Envoy follows by itself. Absent: none. Becomes
    /// `RouteAction.internal_redirect_policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_redirect_policy: Option<InternalRedirectPolicy>,
    /// The clients that are served; others get 403. Not together with `ipDenyPolicy`. Replaces both lists of the virtual
    /// host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_allow_policy: Vec<IpFilterPolicy>,
    /// The clients that are not served; they get 403. Not together with `ipAllowPolicy`. Replaces both lists of the
    /// virtual host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_deny_policy: Vec<IpFilterPolicy>,
    /// Which token a request needs. Absent: one of the default provider, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_verification_policy: Option<JwtVerificationPolicy>,
    /// How an endpoint is chosen. Absent: in turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_policy: Option<LoadBalancerPolicy>,
    /// How the path is rewritten. Absent: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_rewrite_policy: Option<PathRewritePolicy>,
    /// Whether requests without TLS are served although the virtual host has TLS; if false, they are redirected.
    /// Default: false. Contour's configuration may forbid it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub permit_insecure: bool,
    /// How many requests are served. Absent: as the virtual host says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit_policy: Option<RateLimitPolicy>,
    /// How the headers of requests are edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_headers_policy: Option<HeadersPolicy>,
    /// Where clients are sent instead. Becomes `Route.redirect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_redirect_policy: Option<RequestRedirectPolicy>,
    /// How the headers of answers are edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_headers_policy: Option<HeadersPolicy>,
    /// When a request is sent again. Absent: never. Becomes `RouteAction.retry_policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// The services that share the requests. If none of them exists, requests are answered with 503. Becomes
    /// `RouteAction.cluster` or `RouteAction.weighted_clusters`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// How long things may take. Absent: the defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_policy: Option<TimeoutPolicy>,
}

/// An answer that Envoy gives by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectResponsePolicy {
    /// The body. Absent: empty. Becomes `DirectResponseAction.body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The status, 200 to 599. Becomes `DirectResponseAction.status`.
    #[schemars(with = "Int", range(min = 200, max = 599))]
    pub status_code: u16,
}

/// How it is found out which endpoints are well. Becomes a `HealthCheck` with an `HttpHealthCheck`. Zero stands for the
/// default in each number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpHealthCheckPolicy {
    /// The statuses by which an endpoint shows that it is well. Empty: 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_statuses: Vec<HttpStatusRange>,
    /// How many checks in a row must succeed before an endpoint is used again. Default: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 0))]
    pub healthy_threshold_count: Option<u64>,
    /// The `Host` of the checks. Default: `contour-envoy-healthcheck`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Seconds between two checks. Default: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<i64>,
    /// The path of the checks.
    pub path: String,
    /// Seconds after which a check has failed. Default: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// How many checks in a row must fail before an endpoint is no longer used. Default: 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 0))]
    pub unhealthy_threshold_count: Option<u64>,
}

/// A range of statuses. Becomes `Int64Range`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpStatusRange {
    /// The first status behind the range, 101 to 600.
    #[schemars(with = "i64", range(min = 101, max = 600))]
    pub end: u16,
    /// The first status of the range, 100 to 599.
    #[schemars(with = "i64", range(min = 100, max = 599))]
    pub start: u16,
}

/// Which redirects of a service Envoy follows by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InternalRedirectPolicy {
    /// Whether redirects between `http` and `https` are followed. Default: `Never`.
    #[serde(default)]
    pub allow_cross_scheme_redirect: CrossSchemeRedirect,
    /// Whether a redirect to a route that the request has met before is not followed. Default: false. Becomes the
    /// predicate `previous_routes`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deny_repeated_route_redirect: bool,
    /// How many redirects in a row are followed. Default, also for 0: Envoy's, 1. Becomes
    /// `InternalRedirectPolicy.max_internal_redirects`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_internal_redirects: Option<i32>,
    /// The statuses that are followed. Empty: 302. Becomes `InternalRedirectPolicy.redirect_response_codes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_response_codes: Vec<RedirectStatusCode>,
}

/// Whether redirects between `http` and `https` are followed.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub enum CrossSchemeRedirect {
    /// Both ways.
    Always,
    /// Not at all.
    #[default]
    Never,
    /// From `http` to `http` and `https`, from `https` only to `https`. Becomes the predicate `safe_cross_scheme`.
    SafeOnly,
}

impl CrossSchemeRedirect {
    /// As it is written in an object.
    pub const fn as_str(self) -> &'static str {
        match self {
            CrossSchemeRedirect::Always => "Always",
            CrossSchemeRedirect::Never => "Never",
            CrossSchemeRedirect::SafeOnly => "SafeOnly",
        }
    }
}

/// The status of a redirect.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u16", into = "u16")]
pub enum RedirectStatusCode {
    /// 301.
    MovedPermanently,
    /// 302.
    #[default]
    Found,
    /// 303.
    SeeOther,
    /// 307.
    TemporaryRedirect,
    /// 308.
    PermanentRedirect,
}

impl RedirectStatusCode {
    /// Every status, in order.
    pub const ALL: [RedirectStatusCode; 5] = [
        RedirectStatusCode::MovedPermanently,
        RedirectStatusCode::Found,
        RedirectStatusCode::SeeOther,
        RedirectStatusCode::TemporaryRedirect,
        RedirectStatusCode::PermanentRedirect,
    ];

    /// As a number.
    pub const fn as_u16(self) -> u16 {
        match self {
            RedirectStatusCode::MovedPermanently => 301,
            RedirectStatusCode::Found => 302,
            RedirectStatusCode::SeeOther => 303,
            RedirectStatusCode::TemporaryRedirect => 307,
            RedirectStatusCode::PermanentRedirect => 308,
        }
    }
}

impl From<RedirectStatusCode> for u16 {
    fn from(code: RedirectStatusCode) -> u16 {
        code.as_u16()
    }
}

impl TryFrom<u16> for RedirectStatusCode {
    type Error = String;

    fn try_from(number: u16) -> Result<RedirectStatusCode, String> {
        RedirectStatusCode::ALL
            .into_iter()
            .find(|code| code.as_u16() == number)
            .ok_or_else(|| format!("{number} is not one of 301, 302, 303, 307 and 308"))
    }
}

impl JsonSchema for RedirectStatusCode {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RedirectStatusCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let numbers = RedirectStatusCode::ALL.map(RedirectStatusCode::as_u16);
        json_schema!({ "type": "integer", "format": "int32", "enum": numbers })
    }
}

/// How the path of a request is rewritten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PathRewritePolicy {
    /// What takes the place of the prefix by which the route was found. Of several entries the one that names this
    /// prefix is used, else the one that names none. Only for routes with a prefix. Becomes
    /// `RouteAction.prefix_rewrite`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace_prefix: Vec<ReplacePrefix>,
}

/// What takes the place of a prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplacePrefix {
    /// The prefix that is replaced: that of the route together with those of the includes that lead to it. Absent: any
    /// that no other entry names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub prefix: Option<String>,
    /// What takes its place.
    #[schemars(length(min = 1))]
    pub replacement: String,
}

/// Where clients are sent instead. What is left out stays as in the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestRedirectPolicy {
    /// The new host name. Becomes `RedirectAction.host_redirect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = HOST))]
    pub hostname: Option<String>,
    /// The new path. Not together with `prefix`. Becomes `RedirectAction.path_redirect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = ABSOLUTE_PATH))]
    pub path: Option<String>,
    /// The new port, 1 to 65535. Becomes `RedirectAction.port_redirect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// What takes the place of the matched part of the path. Not together with `path`. Becomes
    /// `RedirectAction.prefix_rewrite`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = ABSOLUTE_PATH))]
    pub prefix: Option<String>,
    /// The new scheme. Becomes `RedirectAction.scheme_redirect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<RedirectScheme>,
    /// The status: 301, 302, 303, 307 or 308. Default: 302. Becomes `RedirectAction.response_code`.
    #[serde(default)]
    pub status_code: RedirectStatusCode,
}

/// The scheme of a redirect.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RedirectScheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

impl RedirectScheme {
    /// As it is written in an object and in a URI.
    pub const fn as_str(self) -> &'static str {
        match self {
            RedirectScheme::Http => "http",
            RedirectScheme::Https => "https",
        }
    }
}

/// When a request is sent again. Becomes `RetryPolicy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryPolicy {
    /// How often a request is sent again at most. Default, also for 0: 1. -1: not at all. Becomes
    /// `RetryPolicy.num_retries`.
    #[serde(default = "RetryPolicy::default_count")]
    #[schemars(range(min = -1))]
    pub count: i64,
    /// How long each attempt may take: a Go duration. Absent, zero or `infinity`: as long as the whole request. Becomes
    /// `RetryPolicy.per_try_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = DURATION_OR_INFINITY))]
    pub per_try_timeout: Option<String>,
    /// The statuses that `retriable-status-codes` stands for. Becomes `RetryPolicy.retriable_status_codes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retriable_status_codes: Vec<i32>,
    /// What makes Envoy send a request again. Empty: `5xx`. Becomes `RetryPolicy.retry_on`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retry_on: Vec<RetryOn>,
}

impl RetryPolicy {
    const fn default_count() -> i64 {
        1
    }
}

/// What makes Envoy send a request again. The words are Envoy's.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RetryOn {
    /// A status of 500 or more, or no answer at all.
    #[serde(rename = "5xx")]
    ServerError,
    /// A status of 502, 503 or 504.
    GatewayError,
    /// No answer at all.
    Reset,
    /// No answer at all, before the request was sent.
    ResetBeforeRequest,
    /// A connection that could not be made.
    ConnectFailure,
    /// Too many requests, as Envoy's own rate limit filter says.
    EnvoyRatelimited,
    /// A status of 409.
    #[serde(rename = "retriable-4xx")]
    Retriable4xx,
    /// A stream that the service refused with `REFUSED_STREAM`.
    RefusedStream,
    /// One of `retriableStatusCodes`.
    RetriableStatusCodes,
    /// One of the retriable headers.
    RetriableHeaders,
    /// An HTTP/3 connection that failed after it was made.
    #[serde(rename = "http3-post-connect-failure")]
    Http3PostConnectFailure,
    /// The gRPC status `CANCELLED`.
    Cancelled,
    /// The gRPC status `DEADLINE_EXCEEDED`.
    DeadlineExceeded,
    /// The gRPC status `INTERNAL`.
    Internal,
    /// The gRPC status `RESOURCE_EXHAUSTED`.
    ResourceExhausted,
    /// The gRPC status `UNAVAILABLE`.
    Unavailable,
}

impl RetryOn {
    /// As it is written in an object and in Envoy's configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            RetryOn::ServerError => "5xx",
            RetryOn::GatewayError => "gateway-error",
            RetryOn::Reset => "reset",
            RetryOn::ResetBeforeRequest => "reset-before-request",
            RetryOn::ConnectFailure => "connect-failure",
            RetryOn::EnvoyRatelimited => "envoy-ratelimited",
            RetryOn::Retriable4xx => "retriable-4xx",
            RetryOn::RefusedStream => "refused-stream",
            RetryOn::RetriableStatusCodes => "retriable-status-codes",
            RetryOn::RetriableHeaders => "retriable-headers",
            RetryOn::Http3PostConnectFailure => "http3-post-connect-failure",
            RetryOn::Cancelled => "cancelled",
            RetryOn::DeadlineExceeded => "deadline-exceeded",
            RetryOn::Internal => "internal",
            RetryOn::ResourceExhausted => "resource-exhausted",
            RetryOn::Unavailable => "unavailable",
        }
    }
}
