//! What shapes Envoy's resources, from settings.

use contour_envoy::access_log::{AccessLog, Format, JsonFields, Level, LogPath, TextFormat};
use contour_envoy::config::{
    Addresses, Binds, CircuitBreakers, Cluster, Compression, Config, ConnectionBalance,
    DnsLookupFamily, FilePath, Http, HttpVersions, Listener, MaxConcurrentStreams, Purpose,
    ServerHeader, StatsTls, Timeouts,
};

use super::asked::Asked;
use super::edges::certificate;
use super::key::Key;
use super::keys;
use contour_builder::duration;

pub(super) fn config(asked: &mut Asked<'_>) -> Config {
    Config {
        addresses: addresses(asked),
        listener: listener(asked),
        http: http(asked),
        timeouts: timeouts(asked),
        access_log: access_log(asked),
        cluster: cluster(asked),
        runtime: asked
            .map(&keys::RUNTIME)
            .map(|(name, item)| (name.to_owned(), item.text.clone()))
            .collect(),
    }
}

fn addresses(asked: &mut Asked<'_>) -> Addresses {
    let usual = Binds::default();
    let http = asked.bind(&keys::HTTP_ADDRESS, &keys::HTTP_PORT);
    let stats = asked.bind(&keys::STATS_ADDRESS, &keys::STATS_PORT);
    let health = asked.bind(&keys::ENVOY_HEALTH_ADDRESS, &keys::ENVOY_HEALTH_PORT);
    let binds = Binds {
        http: http.unwrap_or(usual.http),
        stats: stats.unwrap_or(usual.stats),
        stats_tls: stats_tls(asked),
        health: health.unwrap_or(usual.health),
        enforced_health: enforced_health(asked),
        admin: asked.positive_port(&keys::ADMIN_PORT),
    };
    if http.is_none() || stats.is_none() || health.is_none() {
        return Addresses::default(); // what is wrong with them is told
    }
    let tls = binds.stats_tls.is_some() && binds.stats == binds.health;
    Addresses::new(binds).unwrap_or_else(|clash| {
        if tls {
            let message = format!("{clash} if statistics have TLS; give them different ports");
            asked.refuse(&keys::STATS_CERT_FILE, message);
        } else {
            let mut of_both = clash.between().into_iter().flat_map(binds_of);
            let given = of_both.find(|key| asked.is_given(key));
            let key = given.unwrap_or(&keys::STATS_PORT);
            asked.refuse(key, format!("{clash}; give them different ports"));
        }
        Addresses::default()
    })
}

/// The settings of where Envoy listens for something.
fn binds_of(purpose: Purpose) -> Vec<&'static Key> {
    match purpose {
        Purpose::Http => vec![&keys::HTTP_PORT, &keys::HTTP_ADDRESS],
        Purpose::Statistics => vec![&keys::STATS_PORT, &keys::STATS_ADDRESS],
        Purpose::Health => vec![&keys::ENVOY_HEALTH_PORT, &keys::ENVOY_HEALTH_ADDRESS],
        Purpose::EnforcedHealth => vec![&keys::ENFORCED_HEALTH_PORT],
        Purpose::Admin => vec![&keys::ADMIN_PORT],
    }
}

fn stats_tls(asked: &mut Asked<'_>) -> Option<StatsTls> {
    let files = [&keys::STATS_CERT_FILE, &keys::STATS_KEY_FILE, &keys::STATS_CA_FILE];
    let [certificate, key, authority] = certificate(asked, files)?;
    Some(StatsTls {
        certificate: FilePath::new(certificate?)?,
        key: FilePath::new(key?)?,
        authority: authority.and_then(FilePath::new),
    })
}

fn enforced_health(asked: &mut Asked<'_>) -> Option<contour_envoy::config::Bind> {
    if !asked.is_present(&keys::ENFORCED_HEALTH) {
        return None;
    }
    for key in [&keys::ENFORCED_HEALTH_ADDRESS, &keys::ENFORCED_HEALTH_PORT] {
        if !asked.is_present(key) {
            asked.refuse(&keys::ENFORCED_HEALTH, "needs both an address and a port");
            return None;
        }
    }
    asked.bind(&keys::ENFORCED_HEALTH_ADDRESS, &keys::ENFORCED_HEALTH_PORT)
}

fn listener(asked: &Asked<'_>) -> Listener {
    Listener {
        proxy_protocol: asked.boolean(&keys::PROXY_PROTOCOL),
        connection_balance: match asked.text(&keys::CONNECTION_BALANCER) {
            Some(_) => ConnectionBalance::Exact,
            None => ConnectionBalance::Kernel,
        },
        per_connection_buffer_limit_bytes: asked.positive(&keys::LISTENER_BUFFER_LIMIT),
        max_connections_to_accept_per_socket_event: asked.positive(&keys::MAX_ACCEPTED),
        max_connections: asked.positive(&keys::MAX_CONNECTIONS),
        tos: asked.positive_octet(&keys::TOS),
        traffic_class: asked.positive_octet(&keys::TRAFFIC_CLASS),
    }
}

fn http(asked: &mut Asked<'_>) -> Http {
    Http {
        versions: http_versions(asked),
        compression: match asked.text(&keys::COMPRESSION) {
            Some("disabled") => None,
            Some("brotli") => Some(Compression::Brotli),
            Some("zstd") => Some(Compression::Zstd),
            _ => Some(Compression::Gzip),
        },
        server_header: match asked.text(&keys::SERVER_HEADER) {
            Some("append_if_absent") => ServerHeader::AppendIfAbsent,
            Some("pass_through") => ServerHeader::PassThrough,
            _ => ServerHeader::Overwrite,
        },
        max_requests_per_connection: asked.positive(&keys::LISTENER_MAX_REQUESTS),
        max_concurrent_streams: MaxConcurrentStreams::new(asked.count(&keys::MAX_STREAMS)),
        max_requests_per_io_cycle: asked.positive(&keys::MAX_REQUESTS_PER_CYCLE),
        trusted_hops: asked.count(&keys::TRUSTED_HOPS),
        strip_trailing_host_dot: asked.boolean(&keys::TRAILING_DOT_STRIPPED),
        merge_slashes: !asked.boolean(&keys::SLASHES_KEPT),
        allow_chunked_length: !asked.boolean(&keys::CHUNKED_LENGTH_REFUSED),
    }
}

fn http_versions(asked: &mut Asked<'_>) -> HttpVersions {
    let versions =
        asked.parse_each(&keys::HTTP_VERSIONS, |text| match text.to_ascii_lowercase().as_str() {
            "http/1.1" => Ok(HttpVersions::Http1),
            "http/2" => Ok(HttpVersions::Http2),
            _ => Err(format!("{text:?} is no version of HTTP; give HTTP/1.1 or HTTP/2")),
        });
    let has = |version| versions.contains(&version);
    match (has(HttpVersions::Http1), has(HttpVersions::Http2)) {
        (true, false) => HttpVersions::Http1,
        (false, true) => HttpVersions::Http2,
        (true, true) | (false, false) => HttpVersions::Both,
    }
}

fn timeouts(asked: &mut Asked<'_>) -> Timeouts {
    Timeouts {
        request: asked.timeout(&keys::REQUEST_TIMEOUT),
        connection_idle: asked.timeout(&keys::CONNECTION_IDLE_TIMEOUT),
        stream_idle: asked.timeout(&keys::STREAM_IDLE_TIMEOUT),
        max_connection_duration: asked.timeout(&keys::MAX_CONNECTION_DURATION),
        delayed_close: asked.timeout(&keys::DELAYED_CLOSE_TIMEOUT),
        connection_shutdown_grace: asked.timeout(&keys::SHUTDOWN_GRACE_PERIOD),
    }
}

fn access_log(asked: &mut Asked<'_>) -> AccessLog {
    let wrong = |error: contour_envoy::access_log::Invalid| error.to_string();
    // Both are checked, whichever counts: the other is a mistake that waits.
    let text = asked.parse(&keys::LOG_FORMAT_STRING, |text| TextFormat::parse(text).map_err(wrong));
    let fields = asked.parse_each(&keys::LOG_FIELDS, |field| {
        JsonFields::parse([field]).map(|_| field.to_owned()).map_err(wrong)
    });
    let fields = if fields.is_empty() {
        JsonFields::default()
    } else {
        JsonFields::parse(fields.iter().map(String::as_str)).unwrap_or_default()
    };
    AccessLog {
        path: asked.text(&keys::HTTP_ACCESS_LOG).and_then(LogPath::new).unwrap_or_default(),
        level: match asked.text(&keys::LOG_LEVEL) {
            Some("error") => Level::Error,
            Some("critical") => Level::Critical,
            Some("disabled") => Level::Disabled,
            _ => Level::Info,
        },
        format: match asked.text(&keys::LOG_FORMAT) {
            Some("json") => Format::Json(fields),
            _ => text.map_or(Format::Envoy, Format::Text),
        },
    }
}

fn cluster(asked: &mut Asked<'_>) -> Cluster {
    let connect_timeout = asked.parse(&keys::CONNECT_TIMEOUT, duration::interval).flatten();
    Cluster {
        connect_timeout: connect_timeout.unwrap_or(Cluster::default().connect_timeout),
        max_requests_per_connection: asked.positive(&keys::CLUSTER_MAX_REQUESTS),
        per_connection_buffer_limit_bytes: asked.positive(&keys::CLUSTER_BUFFER_LIMIT),
        dns_lookup_family: match asked.text(&keys::DNS_LOOKUP_FAMILY) {
            Some("v4") => DnsLookupFamily::V4Only,
            Some("v6") => DnsLookupFamily::V6Only,
            Some("all") => DnsLookupFamily::All,
            _ => DnsLookupFamily::Auto,
        },
        circuit_breakers: CircuitBreakers {
            max_connections: asked.positive(&keys::BREAKER_CONNECTIONS),
            max_pending_requests: asked.positive(&keys::BREAKER_PENDING),
            max_requests: asked.positive(&keys::BREAKER_REQUESTS),
            max_retries: asked.positive(&keys::BREAKER_RETRIES),
            per_host_max_connections: asked.positive(&keys::BREAKER_PER_HOST),
        },
    }
}
