//! What requests are forwarded to.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::load_assignment::Assignment;
use crate::name::ServicePort;
use crate::timeout::{Interval, Timeout};

/// What distinguishes one cluster from another; the key of a [`Cluster`].
///
/// Becomes: `envoy.config.cluster.v3.Cluster.name`, formed by `contour-envoy`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClusterName {
    /// One port of one service, talked to in one way.
    Service {
        /// The port.
        port: ServicePort,
        /// What is set; `None`: nothing.
        settings: Option<Arc<ClusterSettings>>,
    },
}

impl ClusterName {
    /// One port of one service, with nothing set.
    pub fn of(port: ServicePort) -> ClusterName {
        ClusterName::Service { port, settings: None }
    }

    /// One port of one service, with these settings.
    pub fn with(port: ServicePort, settings: ClusterSettings) -> ClusterName {
        let settings = (settings != ClusterSettings::default()).then(|| Arc::new(settings));
        ClusterName::Service { port, settings }
    }
}

/// How a route wants a service to be talked to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterSettings {
    /// Who gets a request.
    pub load_balancing: LoadBalancing,
    /// How endpoints are asked whether they are well; `None`: they are not.
    pub health_check: Option<HealthCheck>,
    /// What is spoken to them.
    pub protocol: Protocol,
    /// The name that TLS asks for.
    pub sni: Option<Arc<str>>,
    /// How long a connection may have no request.
    pub idle_timeout: Timeout,
    /// Whether endpoints that are new get fewer requests at first.
    pub slow_start: Option<SlowStart>,
}

/// Which endpoint gets a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoadBalancing {
    /// One after the other.
    #[default]
    RoundRobin,
    /// Of two, the one with fewer requests.
    LeastRequest,
    /// Any.
    Random,
    /// The one of the client's cookie.
    Cookie,
    /// The one that follows from the route's hash policies.
    RequestHash,
}

/// What is spoken to a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP/1.1 in plain text.
    #[default]
    Http1,
    /// HTTP/2 in plain text.
    H2c,
    /// HTTP/2 over TLS.
    H2,
    /// HTTP/1.1 over TLS.
    Tls,
}

impl Protocol {
    /// Whether it is over TLS.
    pub fn is_tls(self) -> bool {
        matches!(self, Protocol::H2 | Protocol::Tls)
    }
}

/// How endpoints are asked whether they are well. What is not set is Contour's default.
///
/// Becomes: `envoy.config.core.v3.HealthCheck` with `http_health_check`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HealthCheck {
    /// What they are asked for.
    pub path: Arc<str>,
    /// By which host name.
    pub host: Option<Arc<str>>,
    /// On which port of the service, if it is not the one that requests go to. Its endpoints' port stands in the load
    /// assignment; here it tells clusters apart.
    pub port: Option<Arc<ServicePort>>,
    /// How long an answer may take; default 2 s.
    pub timeout: Option<Interval>,
    /// How long it is between two questions; default 10 s.
    pub interval: Option<Interval>,
    /// After how many failures an endpoint gets no requests; default 3.
    pub unhealthy_threshold: Option<NonZeroU32>,
    /// After how many successes it does again; default 2.
    pub healthy_threshold: Option<NonZeroU32>,
    /// Which status codes are successes, from the first on to before the second; empty: 200.
    pub expected: Vec<(u16, u16)>,
}

impl HealthCheck {
    /// One for which nothing else is set.
    pub fn new(path: &str) -> HealthCheck {
        HealthCheck {
            path: path.into(),
            host: None,
            port: None,
            timeout: None,
            interval: None,
            unhealthy_threshold: None,
            healthy_threshold: None,
            expected: Vec::new(),
        }
    }
}

/// How endpoints that are new get more and more requests.
///
/// Becomes: `envoy.config.cluster.v3.Cluster.SlowStartConfig`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlowStart {
    /// For how long.
    pub window: Interval,
    /// How fast, in millionths; 1,000,000 is evenly.
    pub aggression: u64,
    /// With what share they begin, at most 100.
    pub min_weight_percent: u8,
}

/// A group of endpoints and how to talk to them.
///
/// Becomes: `envoy.config.cluster.v3.Cluster`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Where its endpoints come from.
    pub upstream: Upstream,
    /// How much may be under way.
    pub limits: CircuitBreakers,
}

/// Where a cluster's endpoints come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// From a load assignment, over EDS.
    Assigned(Assignment),
    /// From a name that Envoy looks up.
    Dns {
        /// The name.
        host: Arc<str>,
        /// The port.
        port: u16,
        /// The port that health checks go to, if it is another.
        health_port: Option<u16>,
    },
}

/// How much may be under way at once. What is not set is what the configuration says.
///
/// Becomes: `envoy.config.cluster.v3.CircuitBreakers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CircuitBreakers {
    /// Connections of one Envoy worker to all endpoints.
    pub max_connections: Option<NonZeroU32>,
    /// Requests that wait for a connection.
    pub max_pending_requests: Option<NonZeroU32>,
    /// Requests that have one.
    pub max_requests: Option<NonZeroU32>,
    /// Requests that are tried again.
    pub max_retries: Option<NonZeroU32>,
    /// Connections to one endpoint.
    pub per_host_max_connections: Option<NonZeroU32>,
}
