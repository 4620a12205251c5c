//! What requests are forwarded to.

use crate::load_assignment::Assignment;
use crate::name::ServicePort;

/// What distinguishes one cluster from another; the key of a [`Cluster`].
///
/// Becomes: `envoy.config.cluster.v3.Cluster.name`, formed by `contour-envoy`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClusterName {
    /// One port of one service.
    Service(ServicePort),
}

/// A group of endpoints and how to talk to them.
///
/// Becomes: `envoy.config.cluster.v3.Cluster`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Where its endpoints come from.
    pub upstream: Upstream,
}

/// Where a cluster's endpoints come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// From a load assignment, over EDS.
    Assigned(Assignment),
}
