//! What makes an HTTPProxy a root.

use contour_api::v1::http_proxy as v1;
use contour_dag::{Domain, HostPolicy, IpFilter};

use super::unserved;
use crate::parse::cors::cors;
use crate::parse::domain;
use crate::parse::ip_filter::{IpPolicy, ip_policy};
use crate::parse::rate_limit;
use crate::status::{Problem, Reason};

/// What makes an HTTPProxy a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The host it claims. A root that claims none is served nowhere.
    pub domain: Result<Domain, Problem>,
    /// Why nothing of it is served although it claims a host.
    pub refused: Option<Refusal>,
    /// What holds for every request; `None`: nothing.
    pub policy: Option<Box<HostPolicy>>,
    /// What else is wrong with it.
    pub problems: Vec<Problem>,
}

/// Why nothing of a root is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing to serve.
    Nothing(Problem),
    /// What shall protect the host cannot be had: nobody may be served there.
    Closed(Problem),
}

/// Reads the root that an HTTPProxy is.
pub fn root(spec: &v1::HTTPProxySpec, virtual_host: &v1::VirtualHost) -> Root {
    let mut problems = Vec::new();
    let (refused, policy) = match nothing_defined(spec) {
        Some(problem) => (Some(Refusal::Nothing(problem)), HostPolicy::default()),
        None => match policy(spec, virtual_host, &mut problems) {
            Ok(policy) => (None, policy),
            Err(problem) => (Some(Refusal::Closed(problem)), HostPolicy::default()),
        },
    };
    let policy = (policy != HostPolicy::default()).then(|| Box::new(policy));
    Root { domain: fqdn(virtual_host), refused, policy, problems }
}

/// Reads `spec.virtualhost.fqdn`.
///
/// # Errors
/// [`Reason::FqdnNotSpecified`] if it is blank, [`Reason::FqdnNotValid`] if it is no DNS name.
fn fqdn(virtual_host: &v1::VirtualHost) -> Result<Domain, Problem> {
    let text = virtual_host.fqdn.as_str();
    if text.trim().is_empty() {
        return Err(Problem::new(
            Reason::FqdnNotSpecified,
            "spec.virtualhost.fqdn is empty: a root proxy needs a host name",
        ));
    }
    domain::parse(text).ok_or_else(|| {
        Problem::new(
            Reason::FqdnNotValid,
            format!(
                "spec.virtualhost.fqdn: {text:?} is no host name: labels of letters, digits and \
                 hyphens, joined by dots, the first of which may be *"
            ),
        )
    })
}

fn nothing_defined(spec: &v1::HTTPProxySpec) -> Option<Problem> {
    let empty = spec.routes.is_empty() && spec.includes.is_empty() && spec.tcpproxy.is_none();
    empty.then(|| {
        Problem::new(
            Reason::NothingDefined,
            "spec has neither routes nor includes nor tcpproxy: a root proxy needs one of them",
        )
    })
}

/// Reads what holds for every request of the host. A CORS policy that is wrong is left out: without one, browsers let no other
/// origin read anything.
///
/// # Errors
/// Why the host has to be closed.
fn policy(
    spec: &v1::HTTPProxySpec,
    virtual_host: &v1::VirtualHost,
    problems: &mut Vec<Problem>,
) -> Result<HostPolicy, Problem> {
    const FIELD: &str = "spec.virtualhost";
    let rate_limit = virtual_host.rate_limit_policy.as_ref();
    unserved("spec", &[("tcpproxy", spec.tcpproxy.is_some())])?;
    unserved(
        FIELD,
        &[
            ("tls", virtual_host.tls.is_some()),
            ("authorization", virtual_host.authorization.is_some()),
            ("rateLimitPolicy.global", rate_limit.is_some_and(|each| each.global.is_some())),
            ("jwtProviders", !virtual_host.jwt_providers.is_empty()),
        ],
    )?;
    let local = rate_limit.and_then(|policy| policy.local.as_ref());
    let local = local.map(|each| rate_limit::local(each, "spec.virtualhost.rateLimitPolicy.local"));
    let local_rate_limit = local
        .transpose()
        .map_err(|message| Problem::new(Reason::HostRateLimitNotValid, message))?;
    let ip_filter = ip_filter(virtual_host, FIELD, problems)?;
    let cors =
        virtual_host.cors_policy.as_ref().map(|each| cors(each, "spec.virtualhost.corsPolicy"));
    let cors = match cors.transpose() {
        Ok(cors) => cors,
        Err(message) => {
            problems.push(Problem::new(Reason::CorsNotValid, message));
            None
        }
    };
    Ok(HostPolicy { cors, local_rate_limit, ip_filter })
}

fn ip_filter(
    virtual_host: &v1::VirtualHost,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Result<Option<IpFilter>, Problem> {
    let (allow, deny) = (&virtual_host.ip_allow_policy, &virtual_host.ip_deny_policy);
    match ip_policy(allow, deny, field) {
        IpPolicy::Open => Ok(None),
        IpPolicy::Filter(filter, more) => {
            problems.extend(more);
            Ok(Some(filter))
        }
        IpPolicy::Closed(problem, more) => {
            if problem.reason == Reason::IncompatibleIpFilters {
                return Err(problem);
            }
            problems.extend(more);
            problems.push(problem);
            let message = format!(
                "{field}: the list of networks cannot be used as it is, and all requests are refused until it is mended"
            );
            Err(Problem::new(Reason::IpFilterNotValid, message))
        }
    }
}
