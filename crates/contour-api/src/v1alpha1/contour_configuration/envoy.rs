//! How Envoy is configured.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HealthConfig, MetricsConfig, NamespacedName};
use crate::schema::Int;
use crate::v1alpha1::extension_service::CircuitBreakers;

/// How Envoy is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvoyConfig {
    /// The secret with the certificate that Envoy shows to services. Absent: it shows none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<NamespacedName>,
    /// What holds for all clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterParameters>,
    /// The versions of HTTP that clients may speak: `HTTP/1.1` and `HTTP/2`. Empty: both. Becomes
    /// `HttpConnectionManager.codec_type` and the names offered by ALPN.
    #[serde(rename = "defaultHTTPVersions", default, skip_serializing_if = "Vec::is_empty")]
    pub default_http_versions: Vec<String>,
    /// Where Envoy says that it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthConfig>,
    /// Where clients are served without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<EnvoyListener>,
    /// Where clients are served with TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https: Option<EnvoyListener>,
    /// What holds for both listeners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<ListenerParameters>,
    /// What is logged about requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,
    /// Where Envoy serves its metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsConfig>,
    /// What holds for all connections of clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Where Envoy says that it is well and not near its overload limits. Absent: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub om_enforced_health: Option<HealthConfig>,
    /// Keys and values for Envoy's runtime. Become entries of its layer `dynamic`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runtime_settings: BTreeMap<String, String>,
    /// The Service in front of Envoy, whose addresses are written into the status of objects. Default:
    /// `projectcontour/envoy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<NamespacedName>,
    /// How long things may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
}

/// Where clients are served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvoyListener {
    /// The file that requests are logged to. Default: `/dev/stdout`. Becomes `FileAccessLog.path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log: Option<String>,
    /// The address. Default: `0.0.0.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub address: Option<String>,
    /// The port. Default: 8080 without TLS, 8443 with TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub port: Option<i64>,
}

/// What holds for all clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterParameters {
    /// How much may go on at once towards one cluster. A Service goes before it by its annotations, field by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit_breakers: Option<CircuitBreakers>,
    /// Which addresses of a DNS name are used, for Services of the type `ExternalName` on routes of an `HTTPProxy` and
    /// for remote keys: `auto` (IPv6, and IPv4 if there are none), `v4`, `v6` or `all`. Default: `auto`. Becomes
    /// `Cluster.dns_lookup_family`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_lookup_family: Option<String>,
    /// How many requests a connection to a service is used for, at least 1. Absent: any number. Becomes
    /// `HttpProtocolOptions.max_requests_per_connection`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1))]
    pub max_requests_per_connection: Option<u32>,
    /// How many bytes of a connection to a service are kept in memory in each direction, at least 1. Default: Envoy's,
    /// 1 MiB. Becomes `Cluster.per_connection_buffer_limit_bytes`.
    #[serde(rename = "per-connection-buffer-limit-bytes", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1))]
    pub per_connection_buffer_limit_bytes: Option<u32>,
    /// How TLS is spoken to services.
    #[serde(rename = "upstreamTLS", skip_serializing_if = "Option::is_none")]
    pub upstream_tls: Option<UpstreamTls>,
}

/// How TLS is spoken to services. Becomes `TlsParameters` of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpstreamTls {
    /// The cipher suites of TLS 1.2, best first, by the names of OpenSSL; `[a|b]` for several that are equally good.
    /// Empty: those with ECDHE and AES-GCM or CHACHA20-POLY1305.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cipher_suites: Vec<String>,
    /// The curves for the key exchange, best first: `X25519`, `P-256`, `P-384`, `P-521`, `X25519MLKEM768`, `MLKEM1024`.
    /// Empty: Envoy's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ecdh_curves: Vec<String>,
    /// The newest version of TLS: `1.2` or `1.3`. Default: `1.3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_protocol_version: Option<String>,
    /// The oldest version of TLS: `1.2` or `1.3`. Default: `1.2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_protocol_version: Option<String>,
}

/// How TLS is spoken to clients. Becomes `TlsParameters` of the filter chains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerTls {
    /// The cipher suites of TLS 1.2, best first, by the names of OpenSSL; `[a|b]` for several that are equally good.
    /// Empty: those with ECDHE and AES-GCM or CHACHA20-POLY1305.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cipher_suites: Vec<String>,
    /// The curves for the key exchange, best first: `X25519`, `P-256`, `P-384`, `P-521`, `X25519MLKEM768`, `MLKEM1024`.
    /// Empty: Envoy's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ecdh_curves: Vec<String>,
    /// Which fingerprints are made of the way clients begin. Absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<TlsFingerprint>,
    /// The newest version of TLS: `1.2` or `1.3`. Default: `1.3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_protocol_version: Option<String>,
    /// The oldest version of TLS: `1.2` or `1.3`. Default: `1.2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_protocol_version: Option<String>,
}

/// Which fingerprints are made of the way clients begin. They can be logged and put into headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TlsFingerprint {
    /// Whether JA3. Default: false. Becomes `TlsInspector.enable_ja3_fingerprinting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja3: Option<bool>,
    /// Whether JA4. Default: false. Becomes `TlsInspector.enable_ja4_fingerprinting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja4: Option<bool>,
}

/// What holds for the listeners of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerParameters {
    /// How answers are compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// `exact` for sharing new connections equally between Envoy's threads. Default, also for any other word: as they
    /// come. Becomes `Listener.connection_balance_config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_balancer: Option<String>,
    /// Whether HTTP/1.1 messages with both `Content-Length` and `Transfer-Encoding: chunked` are refused. Default: false.
    /// Becomes `Http1ProtocolOptions.allow_chunked_length`, negated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_allow_chunked_length: Option<bool>,
    /// Whether several slashes in a row are left as they are; if false, they are made one. Default: false. Becomes
    /// `HttpConnectionManager.merge_slashes`, negated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_merge_slashes: Option<bool>,
    /// How many requests may go on at once on one HTTP/2 connection, at least 1. Absent: Envoy's. Becomes
    /// `Http2ProtocolOptions.max_concurrent_streams`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1))]
    pub http_max_concurrent_streams: Option<u32>,
    /// How many connections a listener may have, at least 1. Absent: any number. Becomes the runtime key
    /// `envoy.resource_limits.listener.NAME.connection_limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1))]
    pub max_connections_per_listener: Option<u32>,
    /// How many connections are accepted before the others get their turn, at least 1. Absent: all that wait. Becomes
    /// `Listener.max_connections_to_accept_per_socket_event`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1))]
    pub max_connections_to_accept_per_socket_event: Option<u32>,
    /// How many requests a connection of a client is used for, at least 1. Absent: any number. Becomes
    /// `HttpProtocolOptions.max_requests_per_connection`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1))]
    pub max_requests_per_connection: Option<u32>,
    /// How many requests of one connection are begun before the others get their turn, at least 1. Absent: all that have
    /// arrived. Becomes the runtime key `http.max_requests_per_io_cycle`.
    #[serde(rename = "maxRequestsPerIOCycle", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1))]
    pub max_requests_per_io_cycle: Option<u32>,
    /// How many bytes of a connection of a client are kept in memory in each direction, at least 1. Default: Envoy's,
    /// 1 MiB. Becomes `Listener.per_connection_buffer_limit_bytes`.
    #[serde(rename = "per-connection-buffer-limit-bytes", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1))]
    pub per_connection_buffer_limit_bytes: Option<u32>,
    /// What is done with the header `Server` of answers: `overwrite`, `append_if_absent` or `pass_through`. Default, also
    /// for any other word: `overwrite`. Becomes `HttpConnectionManager.server_header_transformation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_header_transformation: Option<String>,
    /// What the packets to clients are marked with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket_options: Option<SocketOptions>,
    /// How TLS is spoken to clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ListenerTls>,
    /// Whether connections begin with a PROXY protocol header that tells the address of the client. Default: false.
    /// Becomes Envoy's `proxy_protocol` listener filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_proxy_protocol: Option<bool>,
}

/// How answers are compressed. Becomes Envoy's `compressor` filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Compression {
    /// The algorithm. Default: `gzip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<CompressionAlgorithm>,
}

/// How answers are compressed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum CompressionAlgorithm {
    /// Gzip.
    Gzip,
    /// Brotli.
    Brotli,
    /// Zstandard.
    Zstd,
    /// Not at all.
    Disabled,
}

impl CompressionAlgorithm {
    /// As it is written in an object.
    pub const fn as_str(self) -> &'static str {
        match self {
            CompressionAlgorithm::Gzip => "gzip",
            CompressionAlgorithm::Brotli => "brotli",
            CompressionAlgorithm::Zstd => "zstd",
            CompressionAlgorithm::Disabled => "disabled",
        }
    }
}

/// What the packets to clients are marked with. Becomes `Listener.socket_options`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SocketOptions {
    /// The type of service of IPv4 packets, 0 to 255. Default, also for 0: not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 0, max = 255))]
    pub tos: Option<u8>,
    /// The traffic class of IPv6 packets, 0 to 255. Default, also for 0: not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 0, max = 255))]
    pub traffic_class: Option<u8>,
}

/// What is logged about requests. Becomes `HttpConnectionManager.access_log`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Logging {
    /// `envoy` for text, `json` for one JSON object for each request. Default: `envoy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log_format: Option<String>,
    /// The line that is written for each request, with Envoy's operators and a line feed at its end. Only with `envoy`.
    /// Default: Envoy's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log_format_string: Option<String>,
    /// The fields of the JSON object: names that are known, or `name=` followed by text with Envoy's operators. Only with
    /// `json`. Empty: all names that are known.
    #[serde(rename = "accessLogJSONFields", default, skip_serializing_if = "Vec::is_empty")]
    pub access_log_json_fields: Vec<String>,
    /// Which requests are logged: `info` for all, `error` for those with a status of 300 or more, `critical` for those
    /// with 500 or more, `disabled` for none. Default: `info`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log_level: Option<String>,
}

/// What holds for all connections of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// The port of Envoy's administration pages that do not change anything, on its loopback address. Default, also for
    /// 0: 9001. A negative number: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub admin_port: Option<i64>,
    /// How many trusted proxies are in front of Envoy: that many addresses of `X-Forwarded-For` are believed. Default: 0.
    /// Becomes `HttpConnectionManager.xff_num_trusted_hops`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_trusted_hops: Option<i32>,
    /// Whether a dot at the end of a request's host name is taken away. Default: false. Becomes
    /// `HttpConnectionManager.strip_trailing_host_dot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strip_trailing_host_dot: Option<bool>,
}

/// How long things may take. In each field: a Go duration such as `1m30s`; `infinity` or `infinite` for no limit; zero
/// for the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// How long it may take to connect to a service. It cannot be without limit. Default: `2s`. Becomes
    /// `Cluster.connect_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<String>,
    /// How long a connection of a client is kept without a request. Default: Envoy's, one hour. Becomes
    /// `HttpProtocolOptions.idle_timeout` of the listeners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_idle_timeout: Option<String>,
    /// How long a client may go on between being told that its connection will be closed and that happening. Default:
    /// Envoy's, 5 seconds. Becomes `HttpConnectionManager.drain_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_shutdown_grace_period: Option<String>,
    /// How long Envoy waits for the client to close a connection that it is done with. Default: Envoy's, 1 second. Becomes
    /// `HttpConnectionManager.delayed_close_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delayed_close_timeout: Option<String>,
    /// How long a connection of a client is kept at most. Default: without limit. Becomes
    /// `HttpProtocolOptions.max_connection_duration` of the listeners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connection_duration: Option<String>,
    /// How long a client may take to send a whole request. Default: without limit. Becomes
    /// `HttpConnectionManager.request_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<String>,
    /// How long a request may go on without a byte in either direction. Default: Envoy's, 5 minutes. Becomes
    /// `HttpConnectionManager.stream_idle_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_idle_timeout: Option<String>,
}
