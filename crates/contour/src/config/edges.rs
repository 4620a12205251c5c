//! What the edges are told: ports of our own, the API server, elections, what is read. None of it changes without a
//! restart.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::asked::{Asked, ObjectName};
use super::key::Key;
use super::keys;

/// What the edges are told. Nothing of it changes without a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct Edges {
    /// Where and how xDS is served.
    pub xds: Xds,
    /// Where Contour says that it is well. Source: `--health-address`, `--health-port`.
    pub health: Endpoint,
    /// Where and how Contour's metrics are served.
    pub metrics: Metrics,
    /// Where the debug pages are. Source: `--debug-http-address`, `--debug-http-port`.
    pub debug: Endpoint,
    /// How the API server is reached.
    pub client: Client,
    /// How the one that writes statuses is elected; `None`: it is this process. Source: `--disable-leader-election`.
    pub election: Option<Election>,
    /// Whether whoever leads renews the certificates of xDS. Source: `--manage-certificates`.
    pub manage_certificates: bool,
    /// The namespaces whose objects are read; empty: all. Source: `--watch-namespaces`.
    pub watch_namespaces: BTreeSet<String>,
    /// What is not read. Source: `--disable-feature`.
    pub disabled: BTreeSet<Feature>,
    /// The addresses that are written into statuses.
    pub status_addresses: StatusAddresses,
    /// The Gateway that is served; `None`: none. Source: `gateway.gatewayRef`.
    pub gateway: Option<ObjectName>,
    /// Whether each change is logged. Source: `--debug`, `debug`.
    pub debug_log: bool,
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// An IP address, or a name that stands for one.
    pub host: String,
    /// The port; 0 is one that the system chooses.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Endpoint { host, port } = self;
        if host.contains(':') {
            write!(out, "[{host}]:{port}")
        } else {
            write!(out, "{host}:{port}")
        }
    }
}

/// Where and how xDS is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xds {
    /// Source: `--xds-address`, `--xds-port`.
    pub endpoint: Endpoint,
    /// `None`: without TLS. Source: `--insecure`.
    pub tls: Option<ServerTls>,
}

/// The files by which both sides of an xDS connection know each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// What clients must be signed by. Source: `--contour-cafile`; default `/certs/ca.crt`.
    pub ca_file: PathBuf,
    /// What clients are shown. Source: `--contour-cert-file`; default `/certs/tls.crt`.
    pub cert_file: PathBuf,
    /// Its key. Source: `--contour-key-file`; default `/certs/tls.key`.
    pub key_file: PathBuf,
}

/// Where and how Contour's metrics are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Source: `metrics.contour.address`, `metrics.contour.port`, `--http-address`, `--http-port`.
    pub endpoint: Endpoint,
    /// `None`: without TLS.
    pub tls: Option<MetricsTls>,
}

/// The files of a metrics endpoint with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsTls {
    /// Source: `metrics.contour.server-certificate-path`.
    pub cert_file: PathBuf,
    /// Source: `metrics.contour.server-key-path`.
    pub key_file: PathBuf,
    /// What clients must be signed by; `None`: they need no certificate. Source: `metrics.contour.ca-certificate-path`.
    pub ca_file: Option<PathBuf>,
}

/// How the API server is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Where it is.
    pub cluster: Cluster,
    /// Requests in a second; `None`: not limited. Source: `--kubernetes-client-qps`, `kubernetesClientQPS`.
    pub qps: Option<f64>,
    /// Requests at once; `None`: not limited. Source: `--kubernetes-client-burst`, `kubernetesClientBurst`.
    pub burst: Option<u32>,
    /// How much is logged of requests: 0 to 9. Source: `--kubernetes-debug`.
    pub debug: u32,
}

/// Where the API server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cluster {
    /// Where the environment of a pod says. Source: `--incluster`.
    Surrounding,
    /// Where this file says. Source: `--kubeconfig`; default `$HOME/.kube/config`.
    Kubeconfig(PathBuf),
}

/// How the one that writes statuses is elected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Election {
    /// The Lease. Source: `--leader-election-resource-namespace`, `--leader-election-resource-name`.
    pub lease: ObjectName,
    /// How long it holds without renewal. Source: `--leader-election-lease-duration`.
    pub duration: Duration,
    /// How long the leader tries to renew it; less than `duration`. Source: `--leader-election-renew-deadline`.
    pub renew_deadline: Duration,
    /// How long it waits between two tries; less than five sixths of `renew_deadline`. Source:
    /// `--leader-election-retry-period`.
    pub retry_period: Duration,
}

/// Kinds of objects that may be left unread, so that their definitions may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// `ExtensionService`
    ExtensionServices,
    /// `TLSRoute`
    TlsRoutes,
    /// `GRPCRoute`
    GrpcRoutes,
    /// `TCPRoute`
    TcpRoutes,
    /// `BackendTLSPolicy`
    BackendTlsPolicies,
}

/// The addresses that are written into statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusAddresses {
    /// These: IP addresses and names. Source: `--ingress-status-address`.
    Given(Vec<String>),
    /// Those of this Service. Source: `--envoy-service-namespace`, `--envoy-service-name`.
    Service(ObjectName),
}

/// What restarting would change: what of two configurations cannot be reloaded, in words.
pub fn unreloadable(old: &Edges, new: &Edges) -> Vec<&'static str> {
    let differences = [
        ("the address of the xDS server", old.xds.endpoint != new.xds.endpoint),
        ("TLS of the xDS server", old.xds.tls != new.xds.tls),
        ("the address of health", old.health != new.health),
        ("the address of metrics", old.metrics.endpoint != new.metrics.endpoint),
        ("TLS of metrics", old.metrics.tls != new.metrics.tls),
        ("the address of the debug pages", old.debug != new.debug),
        ("how the API server is reached", old.client != new.client),
        ("leader election", old.election != new.election),
        ("the namespaces that are watched", old.watch_namespaces != new.watch_namespaces),
        ("the disabled features", old.disabled != new.disabled),
        ("the addresses of statuses", old.status_addresses != new.status_addresses),
        ("the Gateway", old.gateway != new.gateway),
        ("the log level", old.debug_log != new.debug_log),
    ];
    differences.into_iter().filter_map(|(what, differs)| differs.then_some(what)).collect()
}

pub(super) fn edges(asked: &mut Asked<'_>) -> Edges {
    let metrics = metrics(asked);
    let health = endpoint(asked, &keys::HEALTH_ADDRESS, &keys::HEALTH_PORT);
    if metrics.tls.is_some() && metrics.endpoint == health {
        asked.refuse(
            &keys::METRICS_CERT_FILE,
            format!("metrics with TLS and health without cannot both be on {health}; give them different ports"),
        );
    }
    Edges {
        xds: xds(asked),
        health,
        metrics,
        debug: endpoint(asked, &keys::DEBUG_ADDRESS, &keys::DEBUG_PORT),
        client: client(asked),
        election: election(asked),
        manage_certificates: asked.boolean(&keys::MANAGE_CERTIFICATES),
        watch_namespaces: asked.strings(&keys::WATCH_NAMESPACES).into_iter().collect(),
        disabled: asked
            .texts(&keys::DISABLED_FEATURES)
            .iter()
            .filter_map(|item| feature(&item.text))
            .collect(),
        status_addresses: status_addresses(asked),
        gateway: gateway(asked),
        debug_log: asked.boolean(&keys::DEBUG),
    }
}

fn endpoint(asked: &mut Asked<'_>, address: &Key, port: &Key) -> Endpoint {
    let host = asked.parse(address, |text| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let good = bare.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
        good.then(|| bare.to_owned())
            .ok_or_else(|| format!("{text:?} is neither an address nor a name"))
    });
    Endpoint { host: host.unwrap_or_default(), port: asked.port(port) }
}

fn xds(asked: &mut Asked<'_>) -> Xds {
    let endpoint = endpoint(asked, &keys::XDS_ADDRESS, &keys::XDS_PORT);
    let file = |key: &Key| PathBuf::from(asked.text(key).unwrap_or_default());
    let tls = (!asked.boolean(&keys::XDS_INSECURE)).then(|| ServerTls {
        ca_file: file(&keys::XDS_CA_FILE),
        cert_file: file(&keys::XDS_CERT_FILE),
        key_file: file(&keys::XDS_KEY_FILE),
    });
    Xds { endpoint, tls }
}

fn metrics(asked: &mut Asked<'_>) -> Metrics {
    let endpoint = endpoint(asked, &keys::METRICS_ADDRESS, &keys::METRICS_PORT);
    let files = [&keys::METRICS_CERT_FILE, &keys::METRICS_KEY_FILE, &keys::METRICS_CA_FILE];
    let tls = certificate(asked, files).map(|[cert, key, ca]| MetricsTls {
        cert_file: cert.unwrap_or_default().into(),
        key_file: key.unwrap_or_default().into(),
        ca_file: ca.map(PathBuf::from),
    });
    Metrics { endpoint, tls }
}

/// Certificate, key and, perhaps, authority; none of them if not both of the first two are given, which is a problem if
/// any is.
pub(super) fn certificate<'s>(
    asked: &mut Asked<'s>,
    keys: [&Key; 3],
) -> Option<[Option<&'s str>; 3]> {
    let files = keys.map(|key| asked.text(key));
    let needed = |asked: &mut Asked<'s>, given: usize| {
        asked.refuse(
            keys[given],
            "needs a certificate and its key beside it; give both, or none of these files",
        );
    };
    match files {
        [Some(_), Some(_), _] => Some(files),
        [None, None, None] => None,
        [Some(_), None, _] => {
            needed(asked, 0);
            None
        }
        [None, Some(_), _] => {
            needed(asked, 1);
            None
        }
        [None, None, Some(_)] => {
            needed(asked, 2);
            None
        }
    }
}

fn client(asked: &Asked<'_>) -> Client {
    let cluster = match asked.text(&keys::KUBECONFIG) {
        Some(path) if !asked.boolean(&keys::IN_CLUSTER) => Cluster::Kubeconfig(path.into()),
        _ => Cluster::Surrounding,
    };
    let qps = asked.number(&keys::CLIENT_QPS);
    let burst = asked.count(&keys::CLIENT_BURST);
    Client {
        cluster,
        qps: (qps > 0.0).then_some(qps),
        burst: (burst > 0).then_some(burst),
        debug: asked.count(&keys::CLIENT_DEBUG),
    }
}

fn election(asked: &mut Asked<'_>) -> Option<Election> {
    if asked.boolean(&keys::LEADER_DISABLED) {
        return None;
    }
    let duration = asked.duration(&keys::LEASE_DURATION);
    let renew_deadline = asked.duration(&keys::LEASE_RENEW_DEADLINE);
    let retry_period = asked.duration(&keys::LEASE_RETRY_PERIOD);
    if duration.as_secs() == 0 {
        asked.refuse(&keys::LEASE_DURATION, "has to be at least one second");
    } else if renew_deadline >= duration {
        asked.refuse(&keys::LEASE_RENEW_DEADLINE, "has to be less than the lease duration");
    } else if renew_deadline * 5 <= retry_period * 6 {
        asked.refuse(
            &keys::LEASE_RETRY_PERIOD,
            "1.2 times this has to be less than the renew deadline",
        );
    } else if retry_period.is_zero() {
        asked.refuse(&keys::LEASE_RETRY_PERIOD, "has to be longer than nothing");
    }
    let lease = asked.object(&keys::LEASE_NAMESPACE, &keys::LEASE_NAME)?;
    Some(Election { lease, duration, renew_deadline, retry_period })
}

fn feature(word: &str) -> Option<Feature> {
    Some(match word {
        "extensionservices" => Feature::ExtensionServices,
        "tlsroutes" => Feature::TlsRoutes,
        "grpcroutes" => Feature::GrpcRoutes,
        "tcproutes" => Feature::TcpRoutes,
        "backendtlspolicies" => Feature::BackendTlsPolicies,
        _ => return None,
    })
}

fn status_addresses(asked: &mut Asked<'_>) -> StatusAddresses {
    let given = asked.text(&keys::STATUS_ADDRESS).unwrap_or_default();
    let given = given.split(',').map(str::trim).filter(|address| !address.is_empty());
    let given: Vec<String> = given.map(str::to_owned).collect();
    if !given.is_empty() {
        return StatusAddresses::Given(given);
    }
    let service = asked.object(&keys::ENVOY_SERVICE_NAMESPACE, &keys::ENVOY_SERVICE_NAME);
    service.map_or(StatusAddresses::Given(Vec::new()), StatusAddresses::Service)
}

fn gateway(asked: &mut Asked<'_>) -> Option<ObjectName> {
    let gateway = asked.object(&keys::GATEWAY_NAMESPACE, &keys::GATEWAY_NAME);
    let nothing = [&keys::GATEWAY_NAMESPACE, &keys::GATEWAY_NAME].map(|key| asked.text(key));
    if asked.is_present(&keys::GATEWAY) && nothing == [None, None] {
        asked.refuse(
            &keys::GATEWAY,
            "names no Gateway; give gatewayRef.namespace and gatewayRef.name",
        );
    }
    gateway
}
