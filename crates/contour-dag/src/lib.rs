//! The graph: what shall be served, in Contour's own words.
//!
//! Nouns only, neither Kubernetes' nor Envoy's. The builder (`contour-builder`) writes it, the translator
//! (`contour-envoy`) reads it, and the two meet nowhere else. Fields are public unless an invariant hides behind one;
//! then a constructor refuses what would break it.

pub mod name;

pub mod access;
pub mod action;
pub mod header;
pub mod host;
pub mod matches;
pub mod policy;
pub mod route;
pub mod timeout;

pub mod cluster;
pub mod load_assignment;

pub mod delta;
pub mod fault;

pub use access::{
    AllowedOrigin, Cors, HostPolicy, IpFilter, IpSource, IpVerdict, LocalRateLimit, Network,
    RateUnit, RoutePolicy,
};
pub use action::{
    Action, ClusterPolicy, DirectResponse, Forward, Redirect, RedirectPath, RedirectStatus, Scheme,
    WeightedCluster,
};
pub use cluster::{
    CircuitBreakers, Cluster, ClusterName, ClusterSettings, HealthCheck, LoadBalancing, Protocol,
    SlowStart, Upstream,
};
pub use delta::{Delta, Edits};
pub use fault::Fault;
pub use header::{CookieRewrite, HeaderEdits, HeaderPart, HeaderValue, SameSite};
pub use host::{Frontend, Host, HostName};
pub use load_assignment::{Assignment, Endpoint, LoadAssignment, Locality};
pub use matches::{
    HeaderMatch, HeaderMatcher, PathMatch, QueryMatch, QueryMatcher, RouteMatch, Text,
};
pub use name::{Domain, Origin, OriginKind, ServicePort};
pub use policy::{
    CrossScheme, ForwardPolicy, HashBy, HashPolicy, HostRewrite, InternalRedirect, Mirror, Retry,
};
pub use route::Route;
pub use timeout::{Interval, Timeout};
