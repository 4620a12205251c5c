//! What of Contour's configuration shapes Envoy's resources.
//!
//! Each setting is named with where it comes from (the key of the configuration file; the `ContourConfiguration` has
//! the same in camel case) and what it becomes. Defaults are those of upstream with a configuration file.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

pub use contour_dag::{CircuitBreakers, Interval, Timeout};

use crate::access_log::AccessLog;

const MINUTE: Interval = Interval::seconds(NonZeroU16::new(60).unwrap());
const CONNECT_TIMEOUT: Interval = Interval::seconds(NonZeroU16::new(2).unwrap());

/// What of the configuration shapes Envoy's resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Where Envoy listens.
    pub addresses: Addresses,
    /// Connections to the ingress listeners.
    pub listener: Listener,
    /// How HTTP is spoken with clients.
    pub http: Http,
    /// How long Envoy waits for clients.
    pub timeouts: Timeouts,
    /// What is logged of each request.
    pub access_log: AccessLog,
    /// Connections to services.
    pub cluster: Cluster,
    /// Keys that are added to the runtime layer, as strings. Keys that Contour sets because of another setting
    /// (`http.max_requests_per_io_cycle` and the connection limits of listeners) are left out.
    ///
    /// Source: `runtime-settings`. Becomes: `envoy.service.runtime.v3.Runtime.layer`.
    pub runtime: BTreeMap<String, String>,
}

/// An address and port to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bind {
    /// A name would be refused.
    pub address: IpAddr,
    /// Port 0 would be a random one.
    pub port: NonZeroU16,
}

impl Bind {
    /// `port` on every IPv4 address. `None` for port 0.
    pub const fn any_v4(port: u16) -> Option<Bind> {
        match NonZeroU16::new(port) {
            Some(port) => Some(Bind { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port }),
            None => None,
        }
    }
}

/// Where Envoy listens. Becomes: `envoy.config.listener.v3.Listener.address`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binds {
    /// Plain HTTP; default `0.0.0.0:8080`. Source: `--envoy-service-http-address`, `--envoy-service-http-port`.
    pub http: Bind,
    /// Envoy's statistics; default `0.0.0.0:8002`. Source: `--stats-address`, `--stats-port`, `metrics.envoy`.
    pub stats: Bind,
    /// TLS of Envoy's statistics, 1.3 only; default none. Health, which goes without, has another address then. Source:
    /// `metrics.envoy`. Becomes: `FilterChain.transport_socket` of the listener `stats`.
    pub stats_tls: Option<StatsTls>,
    /// Whether Envoy is ready; default `0.0.0.0:8002`. Source: `--stats-address`, `--stats-port`.
    pub health: Bind,
    /// The same, but refused if Envoy's overload manager refuses connections; default none. Source:
    /// `omEnforcedHealthListener`.
    pub enforced_health: Option<Bind>,
    /// Port on `127.0.0.1` of the readable parts of Envoy's admin interface; default 9001, `None` for no such listener.
    /// Source: `network.admin-port`.
    pub admin: Option<NonZeroU16>,
}

impl Binds {
    /// The admin listener's address, which nobody but the machine itself reaches.
    pub(crate) fn admin(&self) -> Option<Bind> {
        self.admin.map(|port| Bind { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port })
    }
}

impl Default for Binds {
    fn default() -> Binds {
        let port = |number| NonZeroU16::new(number).expect("not zero");
        let any = |number| Bind { address: Ipv4Addr::UNSPECIFIED.into(), port: port(number) };
        Binds {
            http: any(8080),
            stats: any(8002),
            stats_tls: None,
            health: any(8002),
            enforced_health: None,
            admin: Some(port(9001)),
        }
    }
}

/// The files of statistics with TLS, where Envoy runs. Become: `envoy.extensions.transport_sockets.tls.v3.Secret`, with
/// the names of the files in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsTls {
    /// The certificate. Source: `metrics.envoy.server-certificate-path`.
    pub certificate: FilePath,
    /// Its key. Source: `metrics.envoy.server-key-path`.
    pub key: FilePath,
    /// What readers must be signed by; default none: they need no certificate. Source:
    /// `metrics.envoy.ca-certificate-path`.
    pub authority: Option<FilePath>,
}

/// The name of a file where Envoy runs; not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath(String); // private: `new` is the only way in

impl FilePath {
    /// `None` if `path` is empty.
    pub fn new(path: impl Into<String>) -> Option<FilePath> {
        let path = path.into();
        (!path.is_empty()).then_some(FilePath(path))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where Envoy listens, each address once: of two listeners with one address Envoy refuses the second. Statistics and
/// health may share theirs, unless statistics have TLS; they are one listener then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(Binds); // private: `new` keeps them apart

/// Two listeners have the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Envoy cannot listen for both {0} and {1} on {address} port {port}", address = .2.address, port = .2.port)]
pub struct SameAddress(Purpose, Purpose, Bind);

impl SameAddress {
    /// What the two listeners are for.
    pub fn between(self) -> [Purpose; 2] {
        [self.0, self.1]
    }
}

/// What Envoy listens for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Plain HTTP.
    Http,
    /// Envoy's statistics.
    Statistics,
    /// Whether Envoy is ready.
    Health,
    /// The same, subject to overload limits.
    EnforcedHealth,
    /// Parts of the admin interface.
    Admin,
}

impl fmt::Display for Purpose {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Purpose::Http => "HTTP",
            Purpose::Statistics => "statistics",
            Purpose::Health => "health",
            Purpose::EnforcedHealth => "overload-enforced health",
            Purpose::Admin => "admin",
        })
    }
}

impl Addresses {
    /// These addresses, if they differ.
    ///
    /// # Errors
    /// [`SameAddress`] names the first two listeners that do not.
    pub fn new(binds: Binds) -> Result<Addresses, SameAddress> {
        let apart = binds.stats_tls.is_some() || binds.health != binds.stats;
        let health = apart.then_some(binds.health);
        let mut taken: BTreeMap<Bind, Purpose> = BTreeMap::new();
        for (what, bind) in [
            (Purpose::Http, Some(binds.http)),
            (Purpose::Statistics, Some(binds.stats)),
            (Purpose::Health, health),
            (Purpose::EnforcedHealth, binds.enforced_health),
            (Purpose::Admin, binds.admin()),
        ] {
            let Some(bind) = bind else { continue };
            if let Some(other) = taken.insert(bind, what) {
                return Err(SameAddress(other, what, bind));
            }
        }
        Ok(Addresses(binds))
    }

    /// The addresses.
    pub fn get(&self) -> &Binds {
        &self.0
    }
}

/// Connections to the ingress listeners; the listeners for statistics, health and admin ignore all of this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listener {
    /// Whether clients send the PROXY protocol's header first; default no. Source: `--use-proxy-protocol`. Becomes:
    /// `Listener.listener_filters`.
    pub proxy_protocol: bool,
    /// How connections are shared out; default by the kernel. Source: `listener.connection-balancer`.
    pub connection_balance: ConnectionBalance,
    /// Bytes buffered for a connection; default Envoy's (1 MiB). Source: `listener.per-connection-buffer-limit-bytes`.
    /// Becomes: `Listener.per_connection_buffer_limit_bytes`.
    pub per_connection_buffer_limit_bytes: Option<NonZeroU32>,
    /// Connections taken on each turn; default Envoy's. Source:
    /// `listener.max-connections-to-accept-per-socket-event`. Becomes:
    /// `Listener.max_connections_to_accept_per_socket_event`.
    pub max_connections_to_accept_per_socket_event: Option<NonZeroU32>,
    /// Open connections of each ingress listener; default unlimited. Source: `listener.max-connections-per-listener`.
    /// Becomes: runtime key `envoy.resource_limits.listener.<name>.connection_limit`.
    pub max_connections: Option<NonZeroU32>,
    /// The IPv4 type-of-service field of sent packets; default the kernel's. Source: `listener.socket-options.tos`.
    /// Becomes: `Listener.socket_options`, of listeners with an IPv4 address.
    pub tos: Option<NonZeroU8>,
    /// The IPv6 traffic class of sent packets; default the kernel's. Source: `listener.socket-options.traffic-class`.
    /// Becomes: `Listener.socket_options`, of listeners with an IPv6 address: on others Envoy does not open the port,
    /// and does not say so either.
    pub traffic_class: Option<NonZeroU8>,
}

/// How connections are shared out among Envoy's threads. Becomes: `Listener.connection_balance_config`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionBalance {
    /// As the kernel does it; the field is left out.
    #[default]
    Kernel,
    /// Evenly: `exact_balance`.
    Exact,
}

/// How HTTP is spoken with clients. Becomes: `HttpConnectionManager`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Source: `default-http-versions`. Becomes: `codec_type`.
    pub versions: HttpVersions,
    /// How responses are compressed; `None` leaves the filter out; default gzip. Source: `compression.algorithm`.
    pub compression: Option<Compression>,
    /// Source: `serverHeaderTransformation`. Becomes: `server_header_transformation`.
    pub server_header: ServerHeader,
    /// Requests on a connection; default unlimited. Source: `listener.max-requests-per-connection`. Becomes:
    /// `common_http_protocol_options.max_requests_per_connection`.
    pub max_requests_per_connection: Option<NonZeroU32>,
    /// Open HTTP/2 streams of a connection; default Envoy's. Source: `listener.http2-max-concurrent-streams`. Becomes:
    /// `http2_protocol_options.max_concurrent_streams`.
    pub max_concurrent_streams: Option<MaxConcurrentStreams>,
    /// Requests handled on each turn of a connection; default unlimited. Source: `listener.max-requests-per-io-cycle`.
    /// Becomes: runtime key `http.max_requests_per_io_cycle`.
    pub max_requests_per_io_cycle: Option<NonZeroU32>,
    /// Trusted proxies in front of Envoy, for the client's address in `X-Forwarded-For`; default 0. Source:
    /// `network.num-trusted-hops`. Becomes: `xff_num_trusted_hops`.
    pub trusted_hops: u32,
    /// Whether `example.com.` is `example.com`; default no. Source: `network.strip-trailing-host-dot`. Becomes:
    /// `strip_trailing_host_dot`.
    pub strip_trailing_host_dot: bool,
    /// Whether `//a` is `/a`; default yes. Source: `disableMergeSlashes`, inverted. Becomes: `merge_slashes`.
    pub merge_slashes: bool,
    /// Whether a request may have both `Transfer-Encoding: chunked` and `Content-Length`; default yes. Source:
    /// `disableAllowChunkedLength`, inverted. Becomes: `http_protocol_options.allow_chunked_length`.
    pub allow_chunked_length: bool,
}

impl Default for Http {
    fn default() -> Http {
        Http {
            versions: HttpVersions::default(),
            compression: Some(Compression::Gzip),
            server_header: ServerHeader::default(),
            max_requests_per_connection: None,
            max_concurrent_streams: None,
            max_requests_per_io_cycle: None,
            trusted_hops: 0,
            strip_trailing_host_dot: false,
            merge_slashes: true,
            allow_chunked_length: true,
        }
    }
}

/// The versions of HTTP that clients may speak. On the plain listener, HTTP/2 needs prior knowledge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersions {
    /// Whichever the client begins with: `AUTO`.
    #[default]
    Both,
    /// `HTTP1`.
    Http1,
    /// `HTTP2`.
    Http2,
}

/// How responses are compressed. Becomes: `Compressor.compressor_library`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// `envoy.extensions.compression.gzip.compressor.v3.Gzip`
    Gzip,
    /// `envoy.extensions.compression.brotli.compressor.v3.Brotli`
    Brotli,
    /// `envoy.extensions.compression.zstd.compressor.v3.Zstd`
    Zstd,
}

/// What becomes of a response's `Server` header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerHeader {
    /// It is always `envoy`.
    #[default]
    Overwrite,
    /// It is `envoy` if the service sent none.
    AppendIfAbsent,
    /// It is whatever the service sent.
    PassThrough,
}

/// A number of HTTP/2 streams that Envoy takes: 1 to 2³¹ − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaxConcurrentStreams(NonZeroU32); // private: `new` keeps it in range

impl MaxConcurrentStreams {
    /// `None` if `streams` is out of range.
    pub fn new(streams: u32) -> Option<MaxConcurrentStreams> {
        NonZeroU32::new(streams).filter(|each| each.get() < 1 << 31).map(MaxConcurrentStreams)
    }

    /// How many.
    pub fn get(self) -> NonZeroU32 {
        self.0
    }
}

/// How long Envoy waits for clients. Becomes: fields of `HttpConnectionManager`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a whole request; default for ever. Source: `timeouts.request-timeout`. Becomes: `request_timeout`.
    pub request: Timeout,
    /// For the next request of a connection; default 60 s, Envoy's own is 1 h. Source:
    /// `timeouts.connection-idle-timeout`. Becomes: `common_http_protocol_options.idle_timeout`.
    pub connection_idle: Timeout,
    /// For anything to happen on a stream; default Envoy's, 5 min. Source: `timeouts.stream-idle-timeout`. Becomes:
    /// `stream_idle_timeout`.
    pub stream_idle: Timeout,
    /// Until a connection is closed however busy it is; default for ever, as is `Disabled`: zero would not be. Source:
    /// `timeouts.max-connection-duration`. Becomes: `common_http_protocol_options.max_connection_duration`.
    pub max_connection_duration: Timeout,
    /// For the client to close after the last response; default Envoy's, 1 s. Source:
    /// `timeouts.delayed-close-timeout`. Becomes: `delayed_close_timeout`.
    pub delayed_close: Timeout,
    /// Between the two `GOAWAY` of a connection that is closed; default Envoy's, 5 s. Source:
    /// `timeouts.connection-shutdown-grace-period`. Becomes: `drain_timeout`.
    pub connection_shutdown_grace: Timeout,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            request: Timeout::Default,
            connection_idle: Timeout::After(MINUTE),
            stream_idle: Timeout::Default,
            max_connection_duration: Timeout::Default,
            delayed_close: Timeout::Default,
            connection_shutdown_grace: Timeout::Default,
        }
    }
}

/// Connections to services. Becomes: fields of `envoy.config.cluster.v3.Cluster`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// For a connection to be made; default 2 s. Source: `timeouts.connect-timeout`. Becomes: `connect_timeout`.
    pub connect_timeout: Interval,
    /// Requests on a connection; default unlimited. Source: `cluster.max-requests-per-connection`. Becomes:
    /// `HttpProtocolOptions.common_http_protocol_options.max_requests_per_connection`.
    pub max_requests_per_connection: Option<NonZeroU32>,
    /// Bytes buffered for a connection; default Envoy's (1 MiB). Source: `cluster.per-connection-buffer-limit-bytes`.
    /// Becomes: `per_connection_buffer_limit_bytes`.
    pub per_connection_buffer_limit_bytes: Option<NonZeroU32>,
    /// Source: `cluster.dns-lookup-family`. Becomes: `dns_lookup_family`.
    pub dns_lookup_family: DnsLookupFamily,
    /// Source: `cluster.circuit-breakers`. Becomes: `circuit_breakers`, as far as a service has no limits of its own.
    pub circuit_breakers: CircuitBreakers,
}

impl Default for Cluster {
    fn default() -> Cluster {
        Cluster {
            connect_timeout: CONNECT_TIMEOUT,
            max_requests_per_connection: None,
            per_connection_buffer_limit_bytes: None,
            dns_lookup_family: DnsLookupFamily::default(),
            circuit_breakers: CircuitBreakers::default(),
        }
    }
}

/// Which addresses of a name are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsLookupFamily {
    /// `auto`: IPv6, or IPv4 if there is none.
    #[default]
    Auto,
    /// `v4`
    V4Only,
    /// `v6`
    V6Only,
    /// `all`
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(binds: Binds, expect: Result<(), &str>) {
        let outcome = Addresses::new(binds).map(|_| ()).map_err(|clash| clash.to_string());
        assert_eq!(outcome, expect.map_err(str::to_owned));
    }

    #[test]
    fn the_defaults_do_not_clash() {
        check(Binds::default(), Ok(()));
    }

    #[test]
    fn statistics_and_health_may_share_an_address() {
        let bind = Bind::any_v4(9000).unwrap();
        check(Binds { stats: bind, health: bind, ..Binds::default() }, Ok(()));
        check(Binds { health: bind, ..Binds::default() }, Ok(()));
    }

    #[test]
    fn statistics_with_tls_and_health_may_not() {
        let file = || FilePath::new("f").unwrap();
        let tls = StatsTls { certificate: file(), key: file(), authority: None };
        let words = "statistics and health on 0.0.0.0 port 8002";
        let expect = format!("Envoy cannot listen for both {words}");
        check(Binds { stats_tls: Some(tls), ..Binds::default() }, Err(&expect));
    }

    #[test]
    fn other_listeners_may_not() {
        let http = Binds { http: Bind::any_v4(8002).unwrap(), ..Binds::default() };
        check(http, Err("Envoy cannot listen for both HTTP and statistics on 0.0.0.0 port 8002"));
        let enforced = Binds { enforced_health: Bind::any_v4(8002), ..Binds::default() };
        let words = "statistics and overload-enforced health on 0.0.0.0 port 8002";
        check(enforced, Err(&format!("Envoy cannot listen for both {words}")));
    }

    #[test]
    fn one_port_of_different_addresses_is_no_clash() {
        let admin = NonZeroU16::new(8080);
        check(Binds { admin, ..Binds::default() }, Ok(()));
    }

    #[test]
    fn concurrent_streams_fit_31_bits() {
        assert_eq!(MaxConcurrentStreams::new(0), None);
        assert!(MaxConcurrentStreams::new((1 << 31) - 1).is_some());
        assert_eq!(MaxConcurrentStreams::new(1 << 31), None);
    }
}
