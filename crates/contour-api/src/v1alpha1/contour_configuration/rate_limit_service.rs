//! The service that decides about limits of requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NamespacedName;
use crate::v1::http_proxy::GlobalRateLimitPolicy;

/// The service that decides about limits of requests. Becomes Envoy's `ratelimit` filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitService {
    /// What the service is asked about for virtual hosts that say nothing. Absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_global_rate_limit_policy: Option<GlobalRateLimitPolicy>,
    /// What the service is told about where the question comes from. There is no default, and Envoy refuses an empty one.
    /// Becomes `RateLimit.domain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Whether a gRPC request that is one too many is answered with `RESOURCE_EXHAUSTED` in place of `UNAVAILABLE`.
    /// Default: false. Becomes `RateLimit.rate_limited_as_resource_exhausted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_resource_exhausted_code: Option<bool>,
    /// Whether answers tell clients of their limit in the headers `X-RateLimit-Limit`, `X-RateLimit-Remaining` and
    /// `X-RateLimit-Reset`. Default: false. Becomes `RateLimit.enable_x_ratelimit_headers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_x_rate_limit_headers: Option<bool>,
    /// The `ExtensionService` that decides.
    pub extension_service: NamespacedName,
    /// Whether requests are let through if the service does not answer. Default: false. Becomes
    /// `RateLimit.failure_mode_deny`, negated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_open: Option<bool>,
}
