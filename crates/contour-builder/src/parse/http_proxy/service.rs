//! Services of a route.

use std::sync::Arc;

use contour_api::v1::http_proxy as v1;
use contour_dag::{ClusterPolicy, HostRewrite, LoadBalancing, Protocol, SlowStart};

use super::headers;
use super::policy::{Ignored, slow_start};
use super::unserved;
use crate::parse::cookie;
use crate::parse::header::Context;
use crate::status::{Problem, Reason};

/// One entry of `spec.routes[].services`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRef {
    /// The service's name; it is in the namespace of the HTTPProxy.
    pub name: Arc<str>,
    /// The service's port.
    pub port: u16,
    /// The service's port that health checks go to; `None`: the same.
    pub health_port: Option<u16>,
    /// Its share of the requests, as given; 0 if not given. Of a mirror: of so many in a hundred.
    pub weight: u64,
    /// Whether it gets copies.
    pub mirror: bool,
    /// What is spoken to it; `None`: what the service says.
    pub protocol: Option<Protocol>,
    /// Whether new endpoints get fewer requests at first.
    pub slow_start: Option<Box<SlowStart>>,
    /// What is done with its requests and responses; `None`: nothing.
    pub policy: Option<Box<ClusterPolicy>>,
}

/// Reads a service of a route that shares requests so.
///
/// # Errors
/// [`Reason::ServicePortInvalid`], [`Reason::ServiceRequestHeadersInvalid`], [`Reason::ServiceResponseHeadersInvalid`],
/// [`Reason::CookieRewritePoliciesInvalid`], [`Reason::SlowStartInvalid`]; [`Reason::NotImplemented`].
pub fn service(
    entry: &v1::Service,
    balancing: LoadBalancing,
    namespace: &str,
    field: &str,
    ignored: &mut Ignored,
) -> Result<ServiceRef, Problem> {
    for (port, name) in [(Some(entry.port), "port"), (entry.health_port, "healthPort")] {
        if port == Some(0) {
            let message = format!("{field}.{name}: 0 is not between 1 and 65535");
            return Err(Problem::new(Reason::ServicePortInvalid, message));
        }
    }
    let protocol = entry.protocol.map(|protocol| match protocol {
        v1::UpstreamProtocol::H2 => Protocol::H2,
        v1::UpstreamProtocol::H2c => Protocol::H2c,
        v1::UpstreamProtocol::Tls => Protocol::Tls,
    });
    unserved(field, &[("validation", entry.validation.is_some())])?;
    let slow_start = entry.slow_start_policy.as_ref();
    let slow_start =
        slow_start.map(|policy| slow_start_of(policy, balancing, field)).transpose()?;
    let policy = policy(entry, namespace, field, ignored)?;
    Ok(ServiceRef {
        name: entry.name.as_str().into(),
        port: entry.port,
        health_port: entry.health_port,
        weight: entry.weight.unwrap_or(0),
        mirror: entry.mirror,
        protocol,
        slow_start: slow_start.map(Box::new),
        policy: policy.if_any(),
    })
}

fn slow_start_of(
    policy: &v1::SlowStartPolicy,
    balancing: LoadBalancing,
    field: &str,
) -> Result<SlowStart, Problem> {
    slow_start(policy, balancing, &format!("{field}.slowStartPolicy"))
        .map_err(|message| Problem::new(Reason::SlowStartInvalid, message))
}

fn policy(
    entry: &v1::Service,
    namespace: &str,
    field: &str,
    ignored: &mut Ignored,
) -> Result<ClusterPolicy, Problem> {
    let problem = |reason| move |message| Problem::new(reason, message);
    let service = Some((entry.name.as_str(), entry.port));
    let context = Context { namespace: Some(namespace), service };
    let request_field = format!("{field}.requestHeadersPolicy");
    let request = headers::request(entry.request_headers_policy.as_ref(), &context, &request_field)
        .map_err(problem(Reason::ServiceRequestHeadersInvalid))?;
    let response_field = format!("{field}.responseHeadersPolicy");
    let response =
        headers::response(entry.response_headers_policy.as_ref(), &context, &response_field)
            .map_err(problem(Reason::ServiceResponseHeadersInvalid))?;
    let cookies_field = format!("{field}.cookieRewritePolicies");
    let cookies = cookie::rewrites(&entry.cookie_rewrite_policies, &cookies_field)
        .map_err(problem(Reason::CookieRewritePoliciesInvalid))?;
    let host = match request.host {
        Some(HostRewrite::Literal(host)) => Some(host),
        Some(HostRewrite::Header(header)) => {
            let why = format!(
                "the host that {header} names is taken for routes alone: set it in the route's requestHeadersPolicy"
            );
            ignored.push((format!("{request_field}.set"), why));
            None
        }
        None => None,
    };
    Ok(ClusterPolicy { request_headers: request.edits, response_headers: response, host, cookies })
}
