//! How requests are forwarded.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::action::RedirectStatus;
use crate::cluster::ClusterName;
use crate::timeout::Timeout;

/// How a route's requests are forwarded.
///
/// Becomes: `envoy.config.route.v3.RouteAction`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForwardPolicy {
    /// Until the whole response is there. Becomes: `timeout`.
    pub timeout: Timeout,
    /// Without a byte in either direction. Becomes: `idle_timeout`.
    pub idle_timeout: Timeout,
    /// Whether it is tried again. Becomes: `retry_policy`.
    pub retry: Option<Retry>,
    /// What decides which endpoint gets a request, the first that says something. Becomes: `hash_policy`.
    pub hash: Vec<HashPolicy>,
    /// What replaces the prefix that the route matched. Becomes: `prefix_rewrite`.
    pub prefix_rewrite: Option<Arc<str>>,
    /// The host that requests are for. Becomes: `host_rewrite_literal`, `host_rewrite_header`.
    pub host_rewrite: Option<HostRewrite>,
    /// Who gets copies. Becomes: `request_mirror_policies`.
    pub mirror: Option<Mirror>,
    /// Whether redirects are followed. Becomes: `internal_redirect_policy`.
    pub internal_redirect: Option<InternalRedirect>,
    /// Whether connections may become websockets. Becomes: `upgrade_configs`.
    pub websockets: bool,
}

/// When requests are tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// After what, in Envoy's words; not empty.
    pub on: Vec<&'static str>,
    /// After which status codes, if `on` says so.
    pub status_codes: Vec<u16>,
    /// How often, after the first time.
    pub count: u32,
    /// How long each time may take.
    pub per_try_timeout: Timeout,
}

/// What an endpoint is chosen by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashPolicy {
    /// What of the request.
    pub by: HashBy,
    /// Whether those that follow are left out if this one says something.
    pub terminal: bool,
}

/// What of a request an endpoint is chosen by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashBy {
    /// This header.
    Header(Arc<str>),
    /// This query parameter.
    QueryParameter(Arc<str>),
    /// The address that it comes from.
    SourceIp,
    /// The cookie of session affinity, which Envoy makes.
    AffinityCookie,
}

/// The host that requests are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostRewrite {
    /// This one.
    Literal(Arc<str>),
    /// The one in this header.
    Header(Arc<str>),
}

/// Who gets copies of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Where they go.
    pub cluster: ClusterName,
    /// Of so many in a hundred requests.
    pub percent: u8,
}

/// Which redirects of a service are followed before its client sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalRedirect {
    /// How many one after the other; `None`: one.
    pub max: Option<NonZeroU32>,
    /// Those with these status codes; empty: 302. Sorted, each once.
    pub statuses: Vec<RedirectStatus>,
    /// Whether they may lead to another scheme.
    pub cross_scheme: CrossScheme,
    /// Whether a route that was taken already ends it.
    pub deny_repeated_route: bool,
}

/// Whether a redirect that is followed may lead to another scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossScheme {
    /// It may not.
    Never,
    /// From https to http.
    SafeOnly,
    /// It may.
    Always,
}
