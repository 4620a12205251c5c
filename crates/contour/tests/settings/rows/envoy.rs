//! Settings that shape Envoy's resources.

use crate::observe::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = binds();
    rows.extend(listeners());
    rows.extend(tls());
    rows.extend(logs_and_timeouts());
    rows.extend(clusters());
    rows
}

fn binds() -> Vec<Row> {
    fn binds(row: Row, view: fn(&contour::config::Resolved) -> String) -> Row {
        Row { view, ..row }
    }
    macro_rules! bind {
        ($key:ident, $value:tt, $($field:ident).+, $expect:expr $(, with $($other:ident = $given:tt),+)?) => {
            binds(
                row!(Now $key, $value, envoy.addresses, $expect $(, with $($other = $given),+)?),
                |resolved| format!("{:?}", resolved.envoy.addresses.get().$($field).+),
            )
        };
    }
    const TLS: &str =
        r#"Some(StatsTls { certificate: FilePath("/c"), key: FilePath("/k"), authority: None })"#;
    const TLS_CA: &str = r#"Some(StatsTls { certificate: FilePath("/c"), key: FilePath("/k"), authority: Some(FilePath("/a")) })"#;
    const ENFORCED: &str = "Some(Bind { address: 1.1.1.1, port: 1 })";
    vec![
        bind!(HTTP_ADDRESS, "::1", http.address, "::1"),
        bind!(HTTP_PORT, 1, http.port, "1"),
        row!(Now HTTP_ACCESS_LOG, "/l", envoy.access_log.path, r#"LogPath("/l")"#),
        row!(Later HTTPS_ADDRESS, "::1", features.https.bind.address, "::1"),
        row!(Later HTTPS_PORT, 1, features.https.bind.port, "1"),
        row!(Later HTTPS_ACCESS_LOG, "/l", features.https.access_log, r#"LogPath("/l")"#),
        bind!(STATS_ADDRESS, "1.1.1.1", stats.address, "1.1.1.1"),
        bind!(STATS_PORT, 1, stats.port, "1"),
        bind!(STATS_CERT_FILE, "/c", stats_tls, TLS, with STATS_KEY_FILE = "/k", STATS_PORT = 1),
        bind!(STATS_KEY_FILE, "/k", stats_tls, TLS, with STATS_CERT_FILE = "/c", STATS_PORT = 1),
        bind!(STATS_CA_FILE, "/a", stats_tls, TLS_CA,
            with STATS_CERT_FILE = "/c", STATS_KEY_FILE = "/k", STATS_PORT = 1),
        bind!(ENVOY_HEALTH_ADDRESS, "1.1.1.1", health.address, "1.1.1.1"),
        bind!(ENVOY_HEALTH_PORT, 1, health.port, "1"),
        bind!(ENFORCED_HEALTH, {}, enforced_health, ENFORCED,
            with ENFORCED_HEALTH_ADDRESS = "1.1.1.1", ENFORCED_HEALTH_PORT = 1),
        bind!(ENFORCED_HEALTH_ADDRESS, "1.1.1.1", enforced_health, ENFORCED, with ENFORCED_HEALTH_PORT = 1),
        bind!(ENFORCED_HEALTH_PORT, 1, enforced_health, ENFORCED, with ENFORCED_HEALTH_ADDRESS = "1.1.1.1"),
        bind!(ADMIN_PORT, 0, admin, "None"),
    ]
}

fn listeners() -> Vec<Row> {
    vec![
        row!(Now PROXY_PROTOCOL, true, envoy.listener.proxy_protocol, "true"),
        row!(Now COMPRESSION, "zstd", envoy.http.compression, "Some(Zstd)"),
        row!(Now CHUNKED_LENGTH_REFUSED, true, envoy.http.allow_chunked_length, "false"),
        row!(Now SLASHES_KEPT, true, envoy.http.merge_slashes, "false"),
        row!(Now SERVER_HEADER, "pass_through", envoy.http.server_header, "PassThrough"),
        row!(Now CONNECTION_BALANCER, "exact", envoy.listener.connection_balance, "Exact"),
        row!(Now LISTENER_MAX_REQUESTS, 7, envoy.http.max_requests_per_connection, "Some(7)"),
        row!(Now LISTENER_BUFFER_LIMIT, 7, envoy.listener.per_connection_buffer_limit_bytes, "Some(7)"),
        row!(Now TOS, 64, envoy.listener.tos, "Some(64)"),
        row!(Now TRAFFIC_CLASS, 64, envoy.listener.traffic_class, "Some(64)"),
        row!(Now MAX_REQUESTS_PER_CYCLE, 7, envoy.http.max_requests_per_io_cycle, "Some(7)"),
        row!(Now MAX_STREAMS, 7, envoy.http.max_concurrent_streams, "Some(MaxConcurrentStreams(7))"),
        row!(Now MAX_CONNECTIONS, 7, envoy.listener.max_connections, "Some(7)"),
        row!(Now MAX_ACCEPTED, 7, envoy.listener.max_connections_to_accept_per_socket_event, "Some(7)"),
        row!(Now HTTP_VERSIONS, ["HTTP/2"], envoy.http.versions, "Http2"),
        row!(Now TRUSTED_HOPS, 2, envoy.http.trusted_hops, "2"),
        row!(Now TRAILING_DOT_STRIPPED, true, envoy.http.strip_trailing_host_dot, "true"),
        row!(Now RUNTIME, {"a.b": "c"}, envoy.runtime, r#"{"a.b": "c"}"#),
    ]
}

fn tls() -> Vec<Row> {
    const SECRET: &str = r#"Some(ObjectName { namespace: "n", name: "s" })"#;
    vec![
        row!(Later TLS_MIN_VERSION, "1.3", features.tls.min, "V1_3"),
        row!(Later TLS_MAX_VERSION, "1.2", features.tls.max, "V1_2"),
        row!(Later TLS_CIPHERS, ["AES128-SHA", "AES128-SHA"], features.tls.ciphers, r#"["AES128-SHA"]"#),
        row!(Later TLS_CURVES, ["P-256"], features.tls.curves, r#"["P-256"]"#),
        row!(Later FINGERPRINT_JA3, true, features.fingerprints.ja3, "true"),
        row!(Later FINGERPRINT_JA4, true, features.fingerprints.ja4, "true"),
        row!(Later FALLBACK_NAME, "s", features.fallback_certificate, SECRET, with FALLBACK_NAMESPACE = "n"),
        row!(Later FALLBACK_NAMESPACE, "n", features.fallback_certificate, SECRET, with FALLBACK_NAME = "s"),
        row!(Later CLIENT_CERTIFICATE_NAME, "s", features.client_certificate, SECRET,
            with CLIENT_CERTIFICATE_NAMESPACE = "n"),
        row!(Later CLIENT_CERTIFICATE_NAMESPACE, "n", features.client_certificate, SECRET,
            with CLIENT_CERTIFICATE_NAME = "s"),
        row!(Later UPSTREAM_MIN_VERSION, "1.3", features.upstream_tls.min, "V1_3"),
        row!(Later UPSTREAM_MAX_VERSION, "1.2", features.upstream_tls.max, "V1_2"),
        row!(Later UPSTREAM_CIPHERS, ["AES128-SHA"], features.upstream_tls.ciphers, r#"["AES128-SHA"]"#),
        row!(Later UPSTREAM_CURVES, ["P-256"], features.upstream_tls.curves, r#"["P-256"]"#),
    ]
}

fn logs_and_timeouts() -> Vec<Row> {
    const TEXT: &str = r#"Text(TextFormat { text: "%PROTOCOL%\n", operators: Operators { metadata: false, req_without_query: false } })"#;
    const FIELDS: &str = r#"Json(JsonFields { fields: {"ts": "%START_TIME%"}, operators: Operators { metadata: false, req_without_query: false } })"#;
    const FIVE: &str = "After(Interval(5s))";
    vec![
        Row {
            view: |resolved| format!("{:?}", resolved.envoy.access_log.format)[..4].to_owned(),
            ..row!(Now LOG_FORMAT, "json", envoy.access_log.format, "Json")
        },
        row!(Now LOG_FORMAT_STRING, "%PROTOCOL%\n", envoy.access_log.format, TEXT),
        row!(Now LOG_FIELDS, ["ts"], envoy.access_log.format, FIELDS, with LOG_FORMAT = "json"),
        row!(Now LOG_LEVEL, "critical", envoy.access_log.level, "Critical"),
        row!(Now REQUEST_TIMEOUT, "5s", envoy.timeouts.request, FIVE),
        row!(Now CONNECTION_IDLE_TIMEOUT, "5s", envoy.timeouts.connection_idle, FIVE),
        row!(Now STREAM_IDLE_TIMEOUT, "infinity", envoy.timeouts.stream_idle, "Disabled"),
        row!(Now MAX_CONNECTION_DURATION, "5s", envoy.timeouts.max_connection_duration, FIVE),
        row!(Now DELAYED_CLOSE_TIMEOUT, "5s", envoy.timeouts.delayed_close, FIVE),
        row!(Now SHUTDOWN_GRACE_PERIOD, "5s", envoy.timeouts.connection_shutdown_grace, FIVE),
        row!(Now CONNECT_TIMEOUT, "5s", envoy.cluster.connect_timeout, "Interval(5s)"),
    ]
}

fn clusters() -> Vec<Row> {
    vec![
        row!(Now DNS_LOOKUP_FAMILY, "v6", envoy.cluster.dns_lookup_family, "V6Only"),
        row!(Now CLUSTER_MAX_REQUESTS, 7, envoy.cluster.max_requests_per_connection, "Some(7)"),
        row!(Now CLUSTER_BUFFER_LIMIT, 7, envoy.cluster.per_connection_buffer_limit_bytes, "Some(7)"),
        row!(Now BREAKER_CONNECTIONS, 7, envoy.cluster.circuit_breakers.max_connections, "Some(7)"),
        row!(Now BREAKER_PENDING, 7, envoy.cluster.circuit_breakers.max_pending_requests, "Some(7)"),
        row!(Now BREAKER_REQUESTS, 7, envoy.cluster.circuit_breakers.max_requests, "Some(7)"),
        row!(Now BREAKER_RETRIES, 7, envoy.cluster.circuit_breakers.max_retries, "Some(7)"),
        row!(Now BREAKER_PER_HOST, 7, envoy.cluster.circuit_breakers.per_host_max_connections, "Some(7)"),
    ]
}
