//! Limits of how many requests are served.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::match_condition::HeaderMatchCondition;
use super::policy::HeaderValue;

/// How many requests are served. A policy of a route goes before that of the virtual host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitPolicy {
    /// Limits that a rate limit service decides about, over all Envoys. Needs such a service in Contour's configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global: Option<GlobalRateLimitPolicy>,
    /// A limit that each Envoy decides about for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalRateLimitPolicy>,
}

/// A limit that each Envoy decides about for itself: a bucket of tokens of which each request takes one. Becomes
/// `LocalRateLimit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalRateLimitPolicy {
    /// How many requests above `requests` may come at once. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<i32>,
    /// How many requests are served in one `unit`, at least 1.
    #[schemars(with = "i32", range(min = 1))]
    pub requests: u32,
    /// Headers of the answer to a request that is one too many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_headers_to_add: Vec<HeaderValue>,
    /// The status of the answer to a request that is one too many, 400 to 599. Default: 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 400, max = 599))]
    pub response_status_code: Option<u16>,
    /// The time that `requests` are counted in.
    pub unit: RateLimitUnit,
}

/// The time that requests are counted in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RateLimitUnit {
    /// One second.
    Second,
    /// 60 seconds.
    Minute,
    /// 3600 seconds.
    Hour,
}

impl RateLimitUnit {
    /// As it is written in an object.
    pub const fn as_str(self) -> &'static str {
        match self {
            RateLimitUnit::Second => "second",
            RateLimitUnit::Minute => "minute",
            RateLimitUnit::Hour => "hour",
        }
    }
}

/// What a rate limit service is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GlobalRateLimitPolicy {
    /// The questions, one for each descriptor. Becomes `rate_limits` of the virtual host or route.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub descriptors: Vec<RateLimitDescriptor>,
    /// Whether nothing is asked: a route is then exempt from the limits of its virtual host, and a virtual host from the
    /// default ones of Contour's configuration. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// One question to a rate limit service: keys and values that describe a request. Becomes `RateLimit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitDescriptor {
    /// The keys and values. If one of them cannot be found in a request, nothing is asked. Becomes `RateLimit.actions`.
    #[schemars(length(min = 1))]
    pub entries: Vec<RateLimitDescriptorEntry>,
}

/// One key and its value: exactly one of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitDescriptorEntry {
    /// A key and value that are always the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generic_key: Option<GenericKeyDescriptor>,
    /// The address of the client, under the key `remote_address`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_address: Option<RemoteAddressDescriptor>,
    /// The value of a request header. Not found if the header is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_header: Option<RequestHeaderDescriptor>,
    /// A value that is always the same, under the key `header_match`. Not found unless the headers match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_header_value_match: Option<RequestHeaderValueMatchDescriptor>,
}

/// A key and value that are always the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GenericKeyDescriptor {
    /// The key. Default: `generic_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The value.
    #[schemars(length(min = 1))]
    pub value: String,
}

/// The value of a request header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestHeaderDescriptor {
    /// The key.
    #[schemars(length(min = 1))]
    pub descriptor_key: String,
    /// The name of the header whose value is taken.
    #[schemars(length(min = 1))]
    pub header_name: String,
}

/// A value for requests whose headers match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestHeaderValueMatchDescriptor {
    /// Whether the headers must match; if false, they must not. Default: true.
    #[serde(default = "RequestHeaderValueMatchDescriptor::default_expect_match")]
    pub expect_match: bool,
    /// What the headers must be like, all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub headers: Vec<HeaderMatchCondition>,
    /// The value.
    #[schemars(length(min = 1))]
    pub value: String,
}

impl RequestHeaderValueMatchDescriptor {
    const fn default_expect_match() -> bool {
        true
    }
}

/// The address of the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemoteAddressDescriptor {}
