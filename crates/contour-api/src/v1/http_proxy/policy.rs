//! Policies that several parts of a proxy share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{COOKIE_NAME, COOKIE_PATH, DURATION_OR_INFINITY, HOST};

/// How headers are edited.
///
/// Values may contain some of Envoy's variables, such as `%DOWNSTREAM_REMOTE_ADDRESS%`, and `%CONTOUR_NAMESPACE%`,
/// `%CONTOUR_SERVICE_NAME%` and `%CONTOUR_SERVICE_PORT%`; any other `%` stands for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeadersPolicy {
    /// The names of headers to take away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// The headers to set, in place of what they were. `Host` in requests rewrites the host name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<HeaderValue>,
}

/// A header and its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeaderValue {
    /// The name of the header. Upper and lower case are the same.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The value of the header.
    #[schemars(length(min = 1))]
    pub value: String,
}

/// How a cookie that a service sets is rewritten. At least one attribute must be given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CookieRewritePolicy {
    /// The new `Domain`. Absent: stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_rewrite: Option<CookieDomainRewrite>,
    /// The name of the cookie. Upper and lower case differ. One policy for each name of a list.
    #[schemars(length(min = 1, max = 4096), regex(pattern = COOKIE_NAME))]
    pub name: String,
    /// The new `Path`. Absent: stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_rewrite: Option<CookiePathRewrite>,
    /// The new `SameSite`. Absent: stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_site: Option<SameSite>,
    /// Whether the cookie gets the attribute `Secure`; false takes it away. Absent: stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure: Option<bool>,
}

/// A new `Path` for a cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CookiePathRewrite {
    /// The path.
    #[schemars(length(min = 1, max = 4096), regex(pattern = COOKIE_PATH))]
    pub value: String,
}

/// A new `Domain` for a cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CookieDomainRewrite {
    /// The domain.
    #[schemars(length(min = 1, max = 4096), regex(pattern = HOST))]
    pub value: String,
}

/// With which requests from other sites a browser sends a cookie.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum SameSite {
    /// With none.
    Strict,
    /// With those that lead to the site.
    Lax,
    /// With all.
    None,
}

impl SameSite {
    /// As it is written in an object and in a cookie.
    pub const fn as_str(self) -> &'static str {
        match self {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        }
    }
}

/// How long things may take. In each field: a Go duration such as `1m30s`; `infinity` or `infinite` for no limit; zero
/// for the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeoutPolicy {
    /// How long a request may go on without a byte in either direction. Default: the listener's `stream_idle_timeout`.
    /// Becomes `RouteAction.idle_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = DURATION_OR_INFINITY))]
    pub idle: Option<String>,
    /// How long a connection to a service is kept without a request. Default: Envoy's, one hour. Becomes
    /// `HttpProtocolOptions.idle_timeout` of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = DURATION_OR_INFINITY))]
    pub idle_connection: Option<String>,
    /// How long it may take until the answer is complete, from the end of the request. Default: Envoy's, 15 seconds.
    /// Becomes `RouteAction.timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = DURATION_OR_INFINITY))]
    pub response: Option<String>,
}

/// How an endpoint is chosen. Becomes `Cluster.lb_policy` and, for `Cookie` and `RequestHash`,
/// `RouteAction.hash_policy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancerPolicy {
    /// What the choice depends on under `RequestHash`; ignored under other strategies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_hash_policies: Vec<RequestHashPolicy>,
    /// `RoundRobin` (in turn), `WeightedLeastRequest` (the less busy of two), `Random`, `Cookie` (the same for a browser
    /// by means of a cookie that Envoy makes) or `RequestHash` (the same for equal requests). Default, also for any
    /// other word: `RoundRobin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
}

/// A part of a request that the choice of an endpoint depends on: exactly one of `hashSourceIP`, `headerHashOptions` and
/// `queryParameterHashOptions`. An entry that is not so is ignored, with a warning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestHashPolicy {
    /// Whether it is the address of the client. Default: false.
    #[serde(rename = "hashSourceIP", default, skip_serializing_if = "std::ops::Not::not")]
    pub hash_source_ip: bool,
    /// A header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_hash_options: Option<HeaderHashOptions>,
    /// A parameter of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_parameter_hash_options: Option<QueryParameterHashOptions>,
    /// Whether later entries are left out if the request has this part. Default: false. Becomes
    /// `RouteAction.HashPolicy.terminal`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub terminal: bool,
}

/// A header that the choice of an endpoint depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeaderHashOptions {
    /// The name of the header.
    #[schemars(length(min = 1))]
    pub header_name: String,
}

/// A parameter of the query that the choice of an endpoint depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueryParameterHashOptions {
    /// The name of the parameter.
    #[schemars(length(min = 1))]
    pub parameter_name: String,
}

/// Addresses that clients may, or may not, have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IpFilterPolicy {
    /// The addresses: `10.0.0.0/8`, `2001:db8::/32`, or a single address. Bits behind the length do not matter.
    pub cidr: String,
    /// Which address of the client is compared.
    pub source: IpFilterSource,
}

/// Which address of a client is compared.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum IpFilterSource {
    /// The one at the other end of the connection. Becomes `direct_remote_ip`.
    Peer,
    /// The one that trusted proxies in front report by `X-Forwarded-For` or the PROXY protocol. Becomes `remote_ip`.
    Remote,
}

impl IpFilterSource {
    /// As it is written in an object.
    pub const fn as_str(self) -> &'static str {
        match self {
            IpFilterSource::Peer => "Peer",
            IpFilterSource::Remote => "Remote",
        }
    }
}
