//! Everything that is served for one domain.

use crate::access::HostPolicy;
use crate::name::Domain;
use crate::route::Route;

/// Listeners that share one name space of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frontend {
    /// The pair from the configuration: `ingress_http` and `ingress_https`.
    Configured,
}

/// One domain on one frontend: the key of a [`Host`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName {
    /// Where it is served.
    pub frontend: Frontend,
    /// For which domain.
    pub domain: Domain,
}

/// Everything served for one domain, whoever asked for it.
///
/// Becomes: one `envoy.config.route.v3.VirtualHost` of `ingress_http`. A host without routes is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// What plain HTTP requests meet, in order of precedence: the first match answers. No two routes match alike.
    pub plain: Vec<Route>,
    /// What holds for all of them, unless a route has the same of its own; `None`: nothing.
    pub policy: Option<Box<HostPolicy>>,
}
