//! Envoy's start configuration: `envoy.config.bootstrap.v3.Bootstrap`.
//!
//! Everything else Envoy gets from Contour, over xDS; resources rely on what is said here (names of clusters, the
//! engine for regular expressions).

mod overload;
mod tls;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use contour_xds::resource::Dialect;
use serde_json::{Value, json};

pub use self::overload::Overload;
pub use self::tls::{Reading, ResourceFile, Tls};
use crate::config::DnsLookupFamily;
use crate::name;
use crate::runtime::{RE2_ERROR_LEVEL, RE2_WARN_LEVEL};

/// What an Envoy needs to know to find Contour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// How xDS is spoken: aggregated and incremental, or in upstream's form, a stream for each type, each response with
    /// the whole state of the world.
    pub dialect: Dialect,
    /// Where Contour serves xDS; default `127.0.0.1`. Source: `--xds-address`. Becomes: the endpoint of cluster
    /// `contour`.
    pub xds_host: Host,
    /// On which port; default 8001. Source: `--xds-port`.
    pub xds_port: NonZeroU16,
    /// Which addresses of Contour's name are used. Source: `--dns-lookup-family`. Becomes: `dns_lookup_family` of
    /// cluster `contour`.
    pub dns_lookup_family: DnsLookupFamily,
    /// How Contour and Envoy know each other; `None`: they speak in plain text. Becomes: `transport_socket` of cluster
    /// `contour`.
    pub tls: Option<Tls>,
    /// When Envoy begins to refuse work. Becomes: `overload_manager`.
    pub overload: Overload,
    /// Where Envoy puts its admin interface; default `/admin/admin.sock`. Source: `--admin-address`. Becomes:
    /// `admin.address`, and the endpoint of cluster `envoy-admin`.
    pub admin_socket: SocketPath,
    /// Part of the name of cluster `envoy-admin` in statistics, and nothing else; default 9001. Source: `--admin-port`.
    pub admin_port: NonZeroU16,
    /// Part of the names of both clusters in statistics; default `projectcontour`. Source: `--namespace`.
    pub namespace: String,
    /// Which Envoy this is; default what its `--service-node` says. Becomes: `node.id`.
    pub node_id: Option<String>,
    /// Which group of Envoys it belongs to; default what its `--service-cluster` says. Becomes: `node.cluster`.
    pub node_cluster: Option<String>,
}

impl Default for Bootstrap {
    fn default() -> Bootstrap {
        Bootstrap {
            dialect: Dialect::Aggregated,
            xds_host: Host::Ip(Ipv4Addr::LOCALHOST.into()),
            xds_port: NonZeroU16::new(8001).expect("not zero"),
            dns_lookup_family: DnsLookupFamily::Auto,
            tls: None,
            overload: Overload::default(),
            admin_socket: SocketPath("/admin/admin.sock".to_owned()),
            admin_port: NonZeroU16::new(9001).expect("not zero"),
            namespace: "projectcontour".to_owned(),
            node_id: None,
            node_cluster: None,
        }
    }
}

/// A machine, by address or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// Becomes: a `STATIC` cluster.
    Ip(IpAddr),
    /// Becomes: a `STRICT_DNS` cluster. Not empty.
    Name(String),
}

impl Host {
    /// An address if `text` reads like one, else a name. `None` if it is empty.
    pub fn parse(text: &str) -> Option<Host> {
        match text.parse() {
            Ok(ip) => Some(Host::Ip(ip)),
            Err(_) => (!text.is_empty()).then(|| Host::Name(text.to_owned())),
        }
    }
}

/// The path of a unix socket, not longer than the system's addresses allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketPath(String); // private: `new` keeps it in range

impl SocketPath {
    /// `None` if `path` is empty, longer than 107 bytes, or contains a NUL.
    pub fn new(path: impl Into<String>) -> Option<SocketPath> {
        const MAX: usize = 107; // `sun_path` of unix(7) has 108 bytes, the last for a NUL
        let path = path.into();
        (matches!(path.len(), 1..=MAX) && !path.contains('\0')).then_some(SocketPath(path))
    }
}

/// The configuration as a file for `envoy --config-path`, equal for equal input.
pub fn json(bootstrap: &Bootstrap) -> String {
    let mut json = json!({
        "admin": {
            "access_log": [{
                "name": "envoy.access_loggers.file",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    "path": "/dev/null",
                },
            }],
            "address": admin_address(bootstrap),
        },
        "default_regex_engine": {
            "name": "envoy.regex_engines.google_re2",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.regex_engines.v3.GoogleRE2",
            },
        },
        "dynamic_resources": dynamic_resources(bootstrap.dialect),
        "layered_runtime": { "layers": runtime_layers(bootstrap.dialect) },
        "static_resources": { "clusters": [contour(bootstrap), envoy_admin(bootstrap)] },
        "typed_dns_resolver_config": dns_resolver(),
    });
    if let Some(overload) = overload::manager(&bootstrap.overload) {
        json["overload_manager"] = overload;
    }
    let node = [("id", &bootstrap.node_id), ("cluster", &bootstrap.node_cluster)];
    for (field, value) in node {
        if let Some(value) = value {
            json["node"][field] = json!(value);
        }
    }
    format!("{json:#}\n")
}

fn admin_address(bootstrap: &Bootstrap) -> Value {
    json!({ "pipe": { "path": bootstrap.admin_socket.0, "mode": 0o644 } })
}

fn dynamic_resources(dialect: Dialect) -> Value {
    let source = config_source(dialect);
    match dialect {
        Dialect::Aggregated => json!({
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "grpc_services": [grpc_service()],
                // 61 kB, which Contour needs once.
                "set_node_on_first_message_only": true,
            },
            "lds_config": source,
            "cds_config": source,
        }),
        Dialect::Separate => json!({ "lds_config": source, "cds_config": source }),
    }
}

fn config_source(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Aggregated => json!({ "resource_api_version": "V3", "ads": {} }),
        Dialect::Separate => json!({
            "resource_api_version": "V3",
            "api_config_source": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [grpc_service()],
            },
        }),
    }
}

fn grpc_service() -> Value {
    json!({ "envoy_grpc": { "cluster_name": name::CONTOUR, "authority": name::CONTOUR } })
}

/// Later layers win. The first limits regular expressions as the second does, but before the second has come: until
/// then Envoy would refuse routes for its own, far lower limit.
fn runtime_layers(dialect: Dialect) -> Value {
    let (error_key, error_level) = RE2_ERROR_LEVEL;
    let (warn_key, warn_level) = RE2_WARN_LEVEL;
    json!([
        { "name": "static", "static_layer": { error_key: error_level, warn_key: warn_level } },
        {
            "name": name::RUNTIME_LAYER,
            "rtds_layer": { "name": name::RUNTIME_LAYER, "rtds_config": config_source(dialect) },
        },
        { "name": "admin", "admin_layer": {} },
    ])
}

/// Gives up after 2 s: a name server that is silent would keep a starting Envoy closed for minutes.
fn dns_resolver() -> Value {
    json!({
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            "query_timeout_seconds": "1", // 64-bit numbers are text
            "query_tries": 2,
        },
    })
}

/// Contour itself.
///
/// Whether it is still there the kernel finds out, within a minute: by probes when nothing is under way, and by a limit for
/// what is sent and not acknowledged, for which it would else wait a quarter of an hour. Pings of HTTP/2 find out what is
/// behind a proxy. They are rare because upstream's server takes more than one in five minutes for an attack, and hangs up.
fn contour(bootstrap: &Bootstrap) -> Value {
    const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let (discovery, host) = match &bootstrap.xds_host {
        Host::Ip(ip) => ("STATIC", ip.to_string()),
        Host::Name(name) => ("STRICT_DNS", name.clone()),
    };
    let mut address = json!({ "address": host, "port_value": bootstrap.xds_port });
    if bootstrap.xds_host == Host::Ip(Ipv6Addr::UNSPECIFIED.into()) {
        address["ipv4_compat"] = json!(true);
    }
    let mut cluster = json!({
        "name": name::CONTOUR,
        "alt_stat_name": stat_name(bootstrap, name::CONTOUR, bootstrap.xds_port),
        "type": discovery,
        "connect_timeout": "5s",
        "load_assignment": load_assignment(name::CONTOUR, &json!({ "socket_address": address })),
        "upstream_connection_options": {
            "tcp_keepalive": {
                "keepalive_probes": 3, "keepalive_time": 30, "keepalive_interval": 5,
            },
        },
        "upstream_bind_config": {
            "socket_options": [{
                "description": "TCP_USER_TIMEOUT, in milliseconds",
                // 64-bit numbers are text.
                "level": "6",
                "name": "18",
                "int_value": "30000",
            }],
        },
        "typed_extension_protocol_options": {
            OPTIONS: {
                "@type": format!("type.googleapis.com/{OPTIONS}"),
                "explicit_http_config": {
                    "http2_protocol_options": {
                        "connection_keepalive": { "interval": "310s", "timeout": "10s" },
                    },
                },
            },
        },
        "circuit_breakers": { "thresholds": thresholds() },
    });
    if let Some(family) = dns_lookup_family(bootstrap.dns_lookup_family) {
        cluster["dns_lookup_family"] = json!(family);
    }
    if let Some(tls) = &bootstrap.tls {
        cluster["transport_socket"] = tls::transport_socket(tls);
    }
    cluster
}

/// So high that no number of streams is refused: Envoy opens one for each route configuration, load assignment and
/// secret of the separate dialect.
fn thresholds() -> Value {
    let limits = json!({
        "max_connections": 100_000,
        "max_pending_requests": 100_000,
        "max_requests": 60_000_000,
        "max_retries": 50,
        "track_remaining": true,
    });
    let mut high = limits.clone();
    high["priority"] = json!("HIGH");
    json!([high, limits])
}

/// `None` for what Envoy does by itself.
fn dns_lookup_family(family: DnsLookupFamily) -> Option<&'static str> {
    match family {
        DnsLookupFamily::Auto => None,
        DnsLookupFamily::V4Only => Some("V4_ONLY"),
        DnsLookupFamily::V6Only => Some("V6_ONLY"),
        DnsLookupFamily::All => Some("ALL"),
    }
}

/// Envoy's own admin interface, for the listeners that show parts of it.
fn envoy_admin(bootstrap: &Bootstrap) -> Value {
    json!({
        "name": name::ENVOY_ADMIN,
        "alt_stat_name": stat_name(bootstrap, name::ENVOY_ADMIN, bootstrap.admin_port),
        "type": "STATIC",
        "connect_timeout": "0.250s",
        "load_assignment": load_assignment(name::ENVOY_ADMIN, &admin_address(bootstrap)),
    })
}

fn stat_name(bootstrap: &Bootstrap, cluster: &str, port: NonZeroU16) -> String {
    format!("{}_{cluster}_{port}", bootstrap.namespace)
}

fn load_assignment(cluster: &str, address: &Value) -> Value {
    json!({
        "cluster_name": cluster,
        "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }],
    })
}

#[cfg(test)]
mod tests;
