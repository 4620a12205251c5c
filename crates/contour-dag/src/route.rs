//! One route: which requests it takes and what becomes of them.

use crate::access::RoutePolicy;
use crate::action::Action;
use crate::matches::RouteMatch;
use crate::name::Origin;

/// One route of a host.
///
/// Becomes: `envoy.config.route.v3.Route`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which requests it takes; its identity within the host.
    pub matches: RouteMatch,
    /// What becomes of them.
    pub action: Action,
    /// What holds for them, whatever becomes of them; `None`: nothing.
    pub policy: Option<Box<RoutePolicy>>,
    /// The object that defined it.
    pub origin: Origin,
}
