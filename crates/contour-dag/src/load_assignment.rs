//! Where a cluster's requests go.

use std::net::IpAddr;
use std::sync::Arc;

use crate::name::ServicePort;

/// What a load assignment is made of; its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assignment {
    /// The endpoints of one port of one service.
    Service {
        /// The port.
        port: ServicePort,
        /// The service's port that health checks go to, if it is another.
        health_port: Option<Arc<ServicePort>>, // there is one for each service, and hardly any has this
    },
}

/// The endpoints of one cluster.
///
/// Becomes: `envoy.config.endpoint.v3.ClusterLoadAssignment`. One without endpoints is published all the same: Envoy
/// waits for every assignment it asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadAssignment {
    /// One locality for each service that has endpoints, in the order in which the services were given.
    pub localities: Vec<Locality>,
}

/// The endpoints that one service contributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locality {
    /// The service's share of the traffic, at least 1.
    pub weight: u32,
    /// Sorted, without duplicates, not empty.
    pub endpoints: Vec<Endpoint>,
}

/// One address and port that serves requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Where; never a name, which Envoy refuses.
    pub address: IpAddr,
    /// On which port; never 0.
    pub port: u16,
    /// The port that health checks go to, if it is another; never 0.
    pub health_port: Option<u16>,
}
