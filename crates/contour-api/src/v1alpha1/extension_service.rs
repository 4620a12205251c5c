//! `ExtensionService`: a service that Envoy itself asks, for authorization, rate limits or tracing.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::DetailedCondition;
use crate::schema::Int;
use crate::v1::http_proxy::{LoadBalancerPolicy, TimeoutPolicy, UpstreamValidation};

/// Where the service is and how Envoy speaks to it. Becomes a cluster.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "projectcontour.io",
    version = "v1alpha1",
    kind = "ExtensionService",
    plural = "extensionservices",
    singular = "extensionservice",
    shortname = "extensionservice",
    shortname = "extensionservices",
    namespaced,
    status = "ExtensionServiceStatus",
    derive = "PartialEq",
    derive = "Default",
    // The schema does not require `spec`. `kube` takes no attribute of serde by its name.
    attr = "cfg_attr(all(), serde(default))",
    doc = "A service that Envoy itself asks, for authorization, rate limits or tracing."
)]
pub struct ExtensionServiceSpec {
    /// The limits of the cluster. If given, it replaces those of Contour's configuration as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit_breaker_policy: Option<CircuitBreakers>,
    /// How an endpoint is chosen. `Cookie` and `RequestHash` are ignored here, with a warning. Absent: in turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_policy: Option<LoadBalancerPolicy>,
    /// How the service is spoken to. Annotations and `appProtocol` of the Kubernetes Services do not matter. Default:
    /// `h2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<ExtensionProtocol>,
    /// The version of Envoy's API that the service speaks. Only `v3`, which is also the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<ExtensionProtocolVersion>,
    /// The Kubernetes Services whose endpoints make up the service.
    #[schemars(length(min = 1))]
    pub services: Vec<ExtensionServiceTarget>,
    /// How long things may take. `idle` is ignored here, with a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_policy: Option<TimeoutPolicy>,
    /// How the certificate of the service is checked. Only with `h2`. Absent: it is not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<UpstreamValidation>,
}

/// A port of a Kubernetes Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionServiceTarget {
    /// The name of the Kubernetes Service, in the namespace of this object.
    pub name: String,
    /// The port of the Kubernetes Service, 1 to 65535.
    #[schemars(with = "Int", range(min = 1, max = 65536), extend("exclusiveMaximum" = true))]
    pub port: u16,
    /// The share of these endpoints in the requests, in relation to the sum of all weights. Default: 0; if all weights
    /// are 0, the shares are equal. Becomes `LocalityLbEndpoints.load_balancing_weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
}

/// How an extension service is spoken to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum ExtensionProtocol {
    /// HTTP/1.1 without TLS.
    #[serde(rename = "http/1.1")]
    Http11,
    /// HTTP/2 with TLS.
    #[serde(rename = "h2")]
    H2,
    /// HTTP/2 without TLS.
    #[serde(rename = "h2c")]
    H2c,
}

impl ExtensionProtocol {
    /// As it is written in an object.
    pub const fn as_str(self) -> &'static str {
        match self {
            ExtensionProtocol::Http11 => "http/1.1",
            ExtensionProtocol::H2 => "h2",
            ExtensionProtocol::H2c => "h2c",
        }
    }
}

/// The version of Envoy's API that an extension service speaks.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ExtensionProtocolVersion {
    /// Version 3.
    V3,
}

impl ExtensionProtocolVersion {
    /// As it is written in an object.
    pub const fn as_str(self) -> &'static str {
        match self {
            ExtensionProtocolVersion::V3 => "v3",
        }
    }
}

/// How much may go on at once towards one cluster. Becomes `CircuitBreakers`. In each field: default, also for 0: Envoy's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CircuitBreakers {
    /// How many connections there may be to all endpoints together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<i32>,
    /// How many requests may wait for a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pending_requests: Option<i32>,
    /// How many requests may be on their way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_requests: Option<i32>,
    /// How many requests may be on their way for a second time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<i32>,
    /// How many connections there may be to one endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_host_max_connections: Option<i32>,
}

/// What Contour has made of an `ExtensionService`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionServiceStatus {
    /// Statements about the object, one of each type. `Valid` is the one that Contour writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["type"]
    ))]
    pub conditions: Vec<DetailedCondition>,
}
