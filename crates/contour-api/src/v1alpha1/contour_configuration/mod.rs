//! `ContourConfiguration`: what `contour serve` is told at its start.
//!
//! Absent fields take the defaults that are noted here, and so do empty ones: an empty text, list or map, zero and false
//! never replace a default.

mod envoy;
mod policy;
mod rate_limit_service;
mod tracing;

pub use envoy::{
    ClusterParameters, Compression, CompressionAlgorithm, EnvoyConfig, EnvoyListener,
    ListenerParameters, ListenerTls, Logging, Network, SocketOptions, Timeouts, TlsFingerprint,
    UpstreamTls,
};
pub use policy::{DefaultHeadersPolicy, PolicyConfig};
pub use rate_limit_service::RateLimitService;
pub use tracing::{CustomTag, TracingConfig};

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::DetailedCondition;
use crate::schema::Int;
use crate::v1::http_proxy::AuthorizationServer;

/// What `contour serve` is told. It is read once, at the start.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "projectcontour.io",
    version = "v1alpha1",
    kind = "ContourConfiguration",
    plural = "contourconfigurations",
    singular = "contourconfiguration",
    shortname = "contourconfig",
    namespaced,
    status = "ContourConfigurationStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "The configuration of one Contour, for `contour serve --contour-config-name`."
)]
pub struct ContourConfigurationSpec {
    /// Where Contour serves its debug pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug: Option<DebugConfig>,
    /// Whether Services of the type `ExternalName` may be forwarded to. They can lead to any address that Envoy can
    /// reach, its own included. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_external_name_service: Option<bool>,
    /// How Envoy is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envoy: Option<EnvoyConfig>,
    /// Names of features that are still being tried. None has an effect at present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feature_flags: Vec<String>,
    /// The Gateway that is served. Absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayConfig>,
    /// The service that decides about the requests of virtual hosts that name none of their own. Absent: such requests
    /// are not authorized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global_ext_auth: Option<AuthorizationServer>,
    /// Where Contour says that it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthConfig>,
    /// What holds for objects of the kind `HTTPProxy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub httpproxy: Option<HttpProxyConfig>,
    /// What holds for objects of the kind `Ingress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress: Option<IngressConfig>,
    /// Where Contour serves its metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsConfig>,
    /// How headers are edited on all routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyConfig>,
    /// The service that decides about limits of requests. Absent: such limits have no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit_service: Option<RateLimitService>,
    /// Where traces of requests are sent. Absent: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracing: Option<TracingConfig>,
    /// Where Envoys fetch their configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xds_server: Option<XdsServerConfig>,
}

/// An object of a kind that is clear from where this stands.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct NamespacedName {
    /// The name of the object.
    pub name: String,
    /// The namespace of the object.
    pub namespace: String,
}

/// Where Contour serves its debug pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DebugConfig {
    /// The address. Default: `127.0.0.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The port. Default: 6060.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub port: Option<i64>,
}

/// Where a process says that it is well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthConfig {
    /// The address. Default: `0.0.0.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub address: Option<String>,
    /// The port. Default: 8000 for Contour, 8002 for Envoy. The endpoint that obeys Envoy's overload limits has none and
    /// needs one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub port: Option<i64>,
}

/// Where a process serves its metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricsConfig {
    /// The address. Default: `0.0.0.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub address: Option<String>,
    /// The port. Default: 8000 for Contour, 8002 for Envoy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub port: Option<i64>,
    /// The certificate of the endpoint. Absent: the endpoint speaks HTTP without TLS, and may share its port with that of
    /// health.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<MetricsTls>,
}

/// The certificate of a metrics endpoint. Paths are those of the container that serves it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricsTls {
    /// The file of the certificates that clients must be signed by. Absent: clients need no certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// The file of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<String>,
    /// The file of the certificate's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
}

/// Where Envoys fetch their configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct XdsServerConfig {
    /// The address. Default: `0.0.0.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub address: Option<String>,
    /// The port. Default: 8001.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub port: Option<i64>,
    /// The certificates of both sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<XdsServerTls>,
}

/// The certificates by which Contour and Envoy know each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct XdsServerTls {
    /// The file of the certificates that Envoys must be signed by. Default: `/certs/ca.crt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// The file of Contour's certificate. Default: `/certs/tls.crt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<String>,
    /// Whether the configuration, with the keys of all certificates in it, is served without TLS. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure: Option<bool>,
    /// The file of the certificate's key. Default: `/certs/tls.key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
}

/// The Gateway that is served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayConfig {
    /// The Gateway. Its `gatewayClassName` does not matter.
    pub gateway_ref: NamespacedName,
}

/// What holds for objects of the kind `HTTPProxy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpProxyConfig {
    /// Whether `permitInsecure` of a route is ignored. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_permit_insecure: Option<bool>,
    /// The secret with the certificate for clients that do not say which name they want. Absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_certificate: Option<NamespacedName>,
    /// The namespaces in which objects may claim host names. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub root_namespaces: Vec<String>,
}

/// What holds for objects of the kind `Ingress`, and which classes are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IngressConfig {
    /// The ingress classes whose objects are read, of the kinds `Ingress` and `HTTPProxy`. Empty: objects without a class
    /// and those of the class `contour`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
    /// The addresses that are written into the status of objects, with commas between them. Absent: those of the Service
    /// `envoy.service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_address: Option<String>,
}

/// What is known about a `ContourConfiguration`. Contour does not write it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContourConfigurationStatus {
    /// Statements about the object, one of each type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["type"]
    ))]
    pub conditions: Vec<DetailedCondition>,
}
