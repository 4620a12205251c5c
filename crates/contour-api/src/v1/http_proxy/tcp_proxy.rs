//! Forwarding of whole connections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policy::LoadBalancerPolicy;
use super::service::Service;

/// Where the connections to a host go: to `services`, or where an included object says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TcpProxy {
    /// How it is found out which endpoints can be connected to. Absent: no health checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_policy: Option<TcpHealthCheckPolicy>,
    /// The object whose `tcpproxy` is used instead. Not together with `services`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<TcpProxyInclude>,
    /// The former name of `include`, which goes before it. One object, in spite of its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub includes: Option<TcpProxyInclude>,
    /// How an endpoint is chosen. `Cookie` and `RequestHash` need requests and are ignored here, with a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_policy: Option<LoadBalancerPolicy>,
    /// The services that share the connections. Becomes `TcpProxy.cluster` or `TcpProxy.weighted_clusters`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
}

/// Another `HTTPProxy` whose `tcpproxy` is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TcpProxyInclude {
    /// The name of the included object.
    pub name: String,
    /// The namespace of the included object. Absent or empty: that of this object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// How it is found out which endpoints can be connected to. Becomes a `HealthCheck` with a `TcpHealthCheck` that sends
/// nothing. Zero stands for the default in each field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TcpHealthCheckPolicy {
    /// How many checks in a row must succeed before an endpoint is used again. Default: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_threshold_count: Option<i32>,
    /// Seconds between two checks. Default: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<i64>,
    /// Seconds after which a check has failed. Default: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// How many checks in a row must fail before an endpoint is no longer used. Default: 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy_threshold_count: Option<i32>,
}
