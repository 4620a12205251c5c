//! Settings that shape Envoy's resources.

use super::super::key::Literal::{Boolean, Integer, Text, Texts};
use super::super::key::{Key, Kind};
use super::{AT_LEAST_ONE, COUNT, ENVOY_PORT, OCTET, keys};

/// The cipher suites of TLS 1.2 that are offered unless told otherwise.
pub const DEFAULT_CIPHERS: &[&str] = &[
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
];

const TLS_VERSIONS: Kind = Kind::Word(&["1.2", "1.3"]);

keys! {
    /// Settings that shape Envoy's resources.
    ENVOY;

    HTTP_ADDRESS = Key::new(Kind::Text, "Where Envoy listens for HTTP")
        .flag("envoy-service-http-address", "ADDRESS").spec("envoy.http.address").default(Text("0.0.0.0"));
    HTTP_PORT = Key::new(ENVOY_PORT, "On which port Envoy listens for HTTP")
        .flag("envoy-service-http-port", "PORT").spec("envoy.http.port").default(Integer(8080));
    HTTP_ACCESS_LOG = Key::new(Kind::Text, "Where Envoy writes its access log of HTTP requests")
        .flag("envoy-http-access-log", "PATH").spec("envoy.http.accessLog").default(Text("/dev/stdout"));
    HTTPS_ADDRESS = Key::new(Kind::Text, "Where Envoy listens for HTTPS")
        .flag("envoy-service-https-address", "ADDRESS").spec("envoy.https.address").default(Text("0.0.0.0"));
    HTTPS_PORT = Key::new(ENVOY_PORT, "On which port Envoy listens for HTTPS")
        .flag("envoy-service-https-port", "PORT").spec("envoy.https.port").default(Integer(8443));
    HTTPS_ACCESS_LOG = Key::new(Kind::Text, "Where Envoy writes its access log of HTTPS requests")
        .flag("envoy-https-access-log", "PATH").spec("envoy.https.accessLog").default(Text("/dev/stdout"));

    STATS_ADDRESS = Key::new(Kind::Text, "Where Envoy serves its statistics")
        .file("metrics.envoy.address").flag("stats-address", "ADDRESS").spec("envoy.metrics.address")
        .default(Text("0.0.0.0")).file_first();
    STATS_PORT = Key::new(ENVOY_PORT, "On which port Envoy serves its statistics")
        .file("metrics.envoy.port").flag("stats-port", "PORT").spec("envoy.metrics.port")
        .default(Integer(8002)).file_first();
    STATS_CERT_FILE = Key::new(Kind::Text, "The file of the certificate of Envoy's statistics, where Envoy runs; none: no TLS")
        .file("metrics.envoy.server-certificate-path").spec("envoy.metrics.tls.certFile");
    STATS_KEY_FILE = Key::new(Kind::Text, "The file of that certificate's key, where Envoy runs")
        .file("metrics.envoy.server-key-path").spec("envoy.metrics.tls.keyFile");
    STATS_CA_FILE = Key::new(Kind::Text, "The file of the certificates that readers of Envoy's statistics must be signed by, where Envoy runs; none: they need none")
        .file("metrics.envoy.ca-certificate-path").spec("envoy.metrics.tls.caFile");
    ENVOY_HEALTH_ADDRESS = Key::new(Kind::Text, "Where Envoy says that it is well")
        .flag("stats-address", "ADDRESS").spec("envoy.health.address").default(Text("0.0.0.0"));
    ENVOY_HEALTH_PORT = Key::new(ENVOY_PORT, "On which port Envoy says that it is well")
        .flag("stats-port", "PORT").spec("envoy.health.port").default(Integer(8002));
    ENFORCED_HEALTH = Key::new(Kind::Block, "Where Envoy says that it is well and not near its overload limits; absent: nowhere")
        .file("omEnforcedHealthListener").spec("envoy.omEnforcedHealth");
    ENFORCED_HEALTH_ADDRESS = Key::new(Kind::Text, "The address of that")
        .file("omEnforcedHealthListener.address").spec("envoy.omEnforcedHealth.address");
    ENFORCED_HEALTH_PORT = Key::new(ENVOY_PORT, "The port of that")
        .file("omEnforcedHealthListener.port").spec("envoy.omEnforcedHealth.port");

    PROXY_PROTOCOL = Key::new(Kind::Boolean, "Whether clients send the PROXY protocol's header first")
        .flag("use-proxy-protocol", "").spec("envoy.listener.useProxyProtocol").default(Boolean(false));
    COMPRESSION = Key::new(Kind::Word(&["gzip", "brotli", "zstd", "disabled"]), "How responses are compressed; none: gzip")
        .file("compression.algorithm").spec("envoy.listener.compression.algorithm");
    CHUNKED_LENGTH_REFUSED = Key::new(Kind::Boolean, "Whether requests with both `Content-Length` and `Transfer-Encoding: chunked` are refused")
        .file("disableAllowChunkedLength").spec("envoy.listener.disableAllowChunkedLength").default(Boolean(false));
    SLASHES_KEPT = Key::new(Kind::Boolean, "Whether several slashes in a row are left as they are")
        .file("disableMergeSlashes").spec("envoy.listener.disableMergeSlashes").default(Boolean(false));
    SERVER_HEADER = Key::new(Kind::Word(&["overwrite", "append_if_absent", "pass_through"]), "What becomes of the header `Server` of responses")
        .file("serverHeaderTransformation").spec("envoy.listener.serverHeaderTransformation").default(Text("overwrite"));
    CONNECTION_BALANCER = Key::new(Kind::Word(&["exact"]), "How connections are shared out among Envoy's threads; none: by the kernel")
        .file("listener.connection-balancer").spec("envoy.listener.connectionBalancer");
    LISTENER_MAX_REQUESTS = Key::new(AT_LEAST_ONE, "Requests on a client's connection; none: not limited")
        .file("listener.max-requests-per-connection").spec("envoy.listener.maxRequestsPerConnection");
    LISTENER_BUFFER_LIMIT = Key::new(AT_LEAST_ONE, "Bytes buffered for a client's connection; none: 1 MiB")
        .file("listener.per-connection-buffer-limit-bytes").spec("envoy.listener.per-connection-buffer-limit-bytes");
    TOS = Key::new(OCTET, "The type of service of IPv4 packets to clients; 0: the kernel's")
        .file("listener.socket-options.tos").spec("envoy.listener.socketOptions.tos").default(Integer(0));
    TRAFFIC_CLASS = Key::new(OCTET, "The traffic class of IPv6 packets to clients; 0: the kernel's")
        .file("listener.socket-options.traffic-class").spec("envoy.listener.socketOptions.trafficClass").default(Integer(0));
    MAX_REQUESTS_PER_CYCLE = Key::new(AT_LEAST_ONE, "Requests handled on each turn of a connection; none: not limited")
        .file("listener.max-requests-per-io-cycle").spec("envoy.listener.maxRequestsPerIOCycle");
    MAX_STREAMS = Key::new(Kind::Integer { min: 1, max: (1 << 31) - 1 }, "Open HTTP/2 streams of a client's connection; none: Envoy's limit")
        .file("listener.http2-max-concurrent-streams").spec("envoy.listener.httpMaxConcurrentStreams");
    MAX_CONNECTIONS = Key::new(AT_LEAST_ONE, "Open connections of each listener; none: not limited")
        .file("listener.max-connections-per-listener").spec("envoy.listener.maxConnectionsPerListener");
    MAX_ACCEPTED = Key::new(AT_LEAST_ONE, "Connections accepted on each turn; none: all that wait")
        .file("listener.max-connections-to-accept-per-socket-event").spec("envoy.listener.maxConnectionsToAcceptPerSocketEvent");
    HTTP_VERSIONS = Key::new(Kind::Texts, "The versions of HTTP that clients may speak: `HTTP/1.1` and `HTTP/2`")
        .file("default-http-versions").spec("envoy.defaultHTTPVersions").default(Texts(&["HTTP/1.1", "HTTP/2"]));

    TLS_MIN_VERSION = Key::new(TLS_VERSIONS, "The oldest version of TLS that clients may speak")
        .file("tls.minimum-protocol-version").spec("envoy.listener.tls.minimumProtocolVersion").default(Text("1.2"));
    TLS_MAX_VERSION = Key::new(TLS_VERSIONS, "The newest version of TLS that clients may speak")
        .file("tls.maximum-protocol-version").spec("envoy.listener.tls.maximumProtocolVersion").default(Text("1.3"));
    TLS_CIPHERS = Key::new(Kind::Texts, "The cipher suites that clients may use with TLS 1.2, best first")
        .file("tls.cipher-suites").spec("envoy.listener.tls.cipherSuites").default(Texts(DEFAULT_CIPHERS));
    TLS_CURVES = Key::new(Kind::Texts, "The curves of the key exchange with clients, best first; none: Envoy's")
        .file("tls.ecdh-curves").spec("envoy.listener.tls.ecdhCurves");
    FINGERPRINT_JA3 = Key::new(Kind::Boolean, "Whether JA3 fingerprints are made of how clients begin TLS")
        .file("tls.fingerprint.ja3").spec("envoy.listener.tls.fingerprint.ja3").default(Boolean(false));
    FINGERPRINT_JA4 = Key::new(Kind::Boolean, "Whether JA4 fingerprints are made of how clients begin TLS")
        .file("tls.fingerprint.ja4").spec("envoy.listener.tls.fingerprint.ja4").default(Boolean(false));
    FALLBACK_NAME = Key::new(Kind::Text, "The name of the Secret with the certificate for clients that do not say which name they want")
        .file("tls.fallback-certificate.name").spec("httpproxy.fallbackCertificate.name");
    FALLBACK_NAMESPACE = Key::new(Kind::Text, "The namespace of that Secret")
        .file("tls.fallback-certificate.namespace").spec("httpproxy.fallbackCertificate.namespace");
    CLIENT_CERTIFICATE_NAME = Key::new(Kind::Text, "The name of the Secret with the certificate that Envoy shows to services")
        .file("tls.envoy-client-certificate.name").spec("envoy.clientCertificate.name");
    CLIENT_CERTIFICATE_NAMESPACE = Key::new(Kind::Text, "The namespace of that Secret")
        .file("tls.envoy-client-certificate.namespace").spec("envoy.clientCertificate.namespace");

    LOG_FORMAT = Key::new(Kind::Word(&["envoy", "json"]), "The format of Envoy's access log")
        .file("accesslog-format").flag("accesslog-format", "FORMAT").spec("envoy.logging.accessLogFormat").default(Text("envoy"));
    LOG_FORMAT_STRING = Key::new(Kind::Text, "The line of each request, with a newline at its end, if the format is `envoy`; none: Envoy's own")
        .file("accesslog-format-string").spec("envoy.logging.accessLogFormatString");
    LOG_FIELDS = Key::new(Kind::Texts, "The fields of each request, if the format is `json`; none: 23 usual ones")
        .file("json-fields").spec("envoy.logging.accessLogJSONFields");
    LOG_LEVEL = Key::new(Kind::Word(&["info", "error", "critical", "disabled"]), "Which requests are logged: all, those with a status of 300 or more, of 500 or more, none")
        .file("accesslog-level").spec("envoy.logging.accessLogLevel").default(Text("info"));

    REQUEST_TIMEOUT = Key::new(Kind::Timeout, "How long a client may take to send a request; none: for ever")
        .file("timeouts.request-timeout").spec("envoy.timeouts.requestTimeout");
    CONNECTION_IDLE_TIMEOUT = Key::new(Kind::Timeout, "How long a client's connection may be without a request; empty: 1 h")
        .file("timeouts.connection-idle-timeout").spec("envoy.timeouts.connectionIdleTimeout")
        .default(Text("60s")).spec_default(super::super::key::Literal::Unset);
    STREAM_IDLE_TIMEOUT = Key::new(Kind::Timeout, "How long nothing may happen on a request; none: 5 min")
        .file("timeouts.stream-idle-timeout").spec("envoy.timeouts.streamIdleTimeout");
    MAX_CONNECTION_DURATION = Key::new(Kind::Timeout, "How long a client's connection may last; none: for ever")
        .file("timeouts.max-connection-duration").spec("envoy.timeouts.maxConnectionDuration");
    DELAYED_CLOSE_TIMEOUT = Key::new(Kind::Timeout, "How long Envoy waits for a client to close; none: 1 s")
        .file("timeouts.delayed-close-timeout").spec("envoy.timeouts.delayedCloseTimeout");
    SHUTDOWN_GRACE_PERIOD = Key::new(Kind::Timeout, "How long a client may go on after it was told that its connection will be closed; none: 5 s")
        .file("timeouts.connection-shutdown-grace-period").spec("envoy.timeouts.connectionShutdownGracePeriod");
    CONNECT_TIMEOUT = Key::new(Kind::Text, "How long it may take to connect to a service")
        .file("timeouts.connect-timeout").spec("envoy.timeouts.connectTimeout").default(Text("2s"));

    DNS_LOOKUP_FAMILY = Key::new(Kind::Word(&["auto", "v4", "v6", "all"]), "Which addresses of a name are used: IPv6 or else IPv4, IPv4, IPv6, all")
        .file("cluster.dns-lookup-family").spec("envoy.cluster.dnsLookupFamily").default(Text("auto"));
    CLUSTER_MAX_REQUESTS = Key::new(AT_LEAST_ONE, "Requests on a connection to a service; none: not limited")
        .file("cluster.max-requests-per-connection").spec("envoy.cluster.maxRequestsPerConnection");
    CLUSTER_BUFFER_LIMIT = Key::new(AT_LEAST_ONE, "Bytes buffered for a connection to a service; none: 1 MiB")
        .file("cluster.per-connection-buffer-limit-bytes").spec("envoy.cluster.per-connection-buffer-limit-bytes");
    BREAKER_CONNECTIONS = Key::new(COUNT, "Connections to a service without a limit of its own; 0: Envoy's limit")
        .file("cluster.circuit-breakers.max-connections").spec("envoy.cluster.circuitBreakers.maxConnections").default(Integer(0));
    BREAKER_PENDING = Key::new(COUNT, "Requests that wait for a connection to such a service; 0: Envoy's limit")
        .file("cluster.circuit-breakers.max-pending-requests").spec("envoy.cluster.circuitBreakers.maxPendingRequests").default(Integer(0));
    BREAKER_REQUESTS = Key::new(COUNT, "Requests to such a service at a time; 0: Envoy's limit")
        .file("cluster.circuit-breakers.max-requests").spec("envoy.cluster.circuitBreakers.maxRequests").default(Integer(0));
    BREAKER_RETRIES = Key::new(COUNT, "Retries to such a service at a time; 0: Envoy's limit")
        .file("cluster.circuit-breakers.max-retries").spec("envoy.cluster.circuitBreakers.maxRetries").default(Integer(0));
    BREAKER_PER_HOST = Key::new(COUNT, "Connections to one endpoint of such a service; 0: Envoy's limit")
        .file("cluster.circuit-breakers.per-host-max-connections").spec("envoy.cluster.circuitBreakers.perHostMaxConnections").default(Integer(0));
    UPSTREAM_MIN_VERSION = Key::new(TLS_VERSIONS, "The oldest version of TLS that services may speak")
        .file("cluster.upstream-tls.minimum-protocol-version").spec("envoy.cluster.upstreamTLS.minimumProtocolVersion").default(Text("1.2"));
    UPSTREAM_MAX_VERSION = Key::new(TLS_VERSIONS, "The newest version of TLS that services may speak")
        .file("cluster.upstream-tls.maximum-protocol-version").spec("envoy.cluster.upstreamTLS.maximumProtocolVersion").default(Text("1.3"));
    UPSTREAM_CIPHERS = Key::new(Kind::Texts, "The cipher suites that services may use with TLS 1.2, best first")
        .file("cluster.upstream-tls.cipher-suites").spec("envoy.cluster.upstreamTLS.cipherSuites").default(Texts(DEFAULT_CIPHERS));
    UPSTREAM_CURVES = Key::new(Kind::Texts, "The curves of the key exchange with services, best first; none: Envoy's")
        .file("cluster.upstream-tls.ecdh-curves").spec("envoy.cluster.upstreamTLS.ecdhCurves");

    TRUSTED_HOPS = Key::new(COUNT, "Trusted proxies in front of Envoy: that many addresses of `X-Forwarded-For` are believed")
        .file("network.num-trusted-hops").spec("envoy.network.numTrustedHops").default(Integer(0));
    ADMIN_PORT = Key::new(Kind::Integer { min: -65_535, max: 65_535 }, "The port of the readable parts of Envoy's admin interface, on 127.0.0.1; 0: none")
        .file("network.admin-port").spec("envoy.network.adminPort").default(Integer(9001));
    TRAILING_DOT_STRIPPED = Key::new(Kind::Boolean, "Whether `example.com.` is `example.com`")
        .file("network.strip-trailing-host-dot").spec("envoy.network.stripTrailingHostDot").default(Boolean(false));
    RUNTIME = Key::new(Kind::Map, "Keys and values that are added to Envoy's runtime layer, as strings")
        .file("runtime-settings").spec("envoy.runtimeSettings");
}
