//! The graph: what shall be served, in Contour's own words.
//!
//! Nouns only, neither Kubernetes' nor Envoy's. The builder (`contour-builder`) writes it, the translator
//! (`contour-envoy`) reads it, and the two meet nowhere else. Fields are public unless an invariant hides behind one;
//! then a constructor refuses what would break it.

pub mod name;

pub mod host;
pub mod route;

pub mod cluster;
pub mod load_assignment;

pub mod delta;
pub mod fault;

pub use cluster::{Cluster, ClusterName, Upstream};
pub use delta::{Delta, Edits};
pub use fault::Fault;
pub use host::{Frontend, Host, HostName};
pub use load_assignment::{Assignment, Endpoint, LoadAssignment, Locality};
pub use name::{Domain, Origin, OriginKind, ServicePort};
pub use route::{
    Action, DirectResponse, Forward, HeaderMatch, HeaderMatcher, PathMatch, Route, RouteMatch,
    WeightedCluster,
};
