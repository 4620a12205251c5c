//! Where requests and connections go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policy::{CookieRewritePolicy, HeadersPolicy};
use crate::schema::{DURATION, Int, POSITIVE_DECIMAL};

/// A port of a Kubernetes Service to forward to, and how. Becomes a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// How cookies that this service sets are rewritten. Goes before the route's policy, attribute by attribute. No
    /// effect in `tcpproxy`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookie_rewrite_policies: Vec<CookieRewritePolicy>,
    /// The Service port that health checks go to, 1 to 65535. Only with a health check policy. Absent: `port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>", range(min = 1, max = 65535))]
    pub health_port: Option<u16>,
    /// Whether the service gets copies of the requests and its answers are thrown away. At most one service of a route.
    /// Default: false. Becomes `RouteAction.request_mirror_policies`. No effect in `tcpproxy`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mirror: bool,
    /// The name of the Kubernetes Service, in the namespace of this object.
    pub name: String,
    /// The port of the Kubernetes Service, 1 to 65535.
    #[schemars(with = "Int", range(min = 1, max = 65536), extend("exclusiveMaximum" = true))]
    pub port: u16,
    /// How the service is spoken to. Goes before the `appProtocol` of the Service port and the Service's annotations.
    /// Absent: as those say, and else HTTP/1.1 without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<UpstreamProtocol>,
    /// How the headers of requests to this service are edited. No effect in `tcpproxy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_headers_policy: Option<HeadersPolicy>,
    /// How the headers of answers of this service are edited. No effect in `tcpproxy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_headers_policy: Option<HeadersPolicy>,
    /// How an endpoint that has just appeared gets its share of the load. Only with the strategies `RoundRobin` (also
    /// by default) and `WeightedLeastRequest`. No effect in `tcpproxy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_start_policy: Option<SlowStartPolicy>,
    /// How the certificate of the service is checked. Only if it is spoken to with `tls` or `h2`; ignored otherwise.
    /// Absent: the certificate is not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<UpstreamValidation>,
    /// The share of this service in the requests of the route, in relation to the sum of all weights. Default: 0; if all
    /// weights are 0, the shares are equal. For a mirror: the percentage of requests that is copied, 0 standing for 100.
    /// Becomes `WeightedCluster.ClusterWeight.weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 0))]
    pub weight: Option<u64>,
}

/// How a service is spoken to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamProtocol {
    /// HTTP/2 with TLS.
    H2,
    /// HTTP/2 without TLS.
    H2c,
    /// HTTP/1.1 with TLS.
    Tls,
}

impl UpstreamProtocol {
    /// As it is written in an object.
    pub const fn as_str(self) -> &'static str {
        match self {
            UpstreamProtocol::H2 => "h2",
            UpstreamProtocol::H2c => "h2c",
            UpstreamProtocol::Tls => "tls",
        }
    }
}

/// How the certificate of a server is checked. Becomes `CertificateValidationContext`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.subjectNames) ? self.subjectNames[0] == self.subjectName : true",
    "message": "the first of subjectNames must be equal to subjectName"
}]))]
pub struct UpstreamValidation {
    /// The secret with the trusted certificates in its key `ca.crt`: `name` or `namespace/name`. Another namespace must
    /// have delegated the secret.
    #[schemars(length(min = 1, max = 317))]
    pub ca_secret: String,
    /// The DNS name that the certificate must bear. Superseded by `subjectNames`, but still required.
    #[schemars(length(min = 1, max = 250))]
    pub subject_name: String,
    /// The DNS names of which the certificate must bear one. The first must be `subjectName`. Absent: `subjectName`
    /// alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 8))]
    pub subject_names: Vec<String>,
}

/// How an endpoint that has just appeared gets its share of the load. Becomes
/// `Cluster.SlowStartConfig`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlowStartPolicy {
    /// The exponent of the growth: 1.0 is linear, more is slower at first. A decimal number. Default: `1.0`.
    #[serde(default = "SlowStartPolicy::default_aggression")]
    #[schemars(regex(pattern = POSITIVE_DECIMAL))]
    pub aggression: String,
    /// The percentage of its share that an endpoint gets at least, 0 to 100. Default: 10.
    #[serde(default = "SlowStartPolicy::default_min_weight_percent")]
    #[schemars(with = "i32", range(min = 0, max = 100))]
    pub min_weight_percent: u32,
    /// How long it takes until an endpoint has its whole share: a Go duration such as `30s`.
    #[schemars(regex(pattern = DURATION))]
    pub window: String,
}

impl SlowStartPolicy {
    fn default_aggression() -> String {
        "1.0".to_owned()
    }

    const fn default_min_weight_percent() -> u32 {
        10
    }
}
