//! Routes.

use contour_api::v1::http_proxy as v1;
use contour_dag::{
    CookieRewrite, DirectResponse, ForwardPolicy, HealthCheck, HostRewrite, LoadBalancing,
    Redirect, RoutePolicy, Timeout,
};

use super::conditions::{Conditions, conditions};
use super::policy::{Ignored, health_check, internal_redirect, load_balancing, retry, timeouts};
use super::redirect::{PrefixRewrites, direct_response, prefix_rewrites, redirect};
use super::service::{ServiceRef, service};
use super::{headers, unserved};
use crate::parse::header::Context;
use crate::parse::ip_filter::{IpPolicy, ip_policy};
use crate::parse::{cookie, rate_limit};
use crate::status::{Problem, Reason};

/// One entry of `spec.routes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which requests it takes, relative to the conditions of the includes that lead to it.
    pub conditions: Result<Conditions, Problem>,
    /// What becomes of them; if that cannot be said, they are answered 503.
    pub answer: Result<Answer, Problem>,
    /// What else is wrong with it, or has no effect.
    pub problems: Vec<Problem>,
}

/// What becomes of a route's requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What is done.
    pub action: RouteAction,
    /// What holds whatever is done; `None`: nothing.
    pub policy: Option<Box<RoutePolicy>>,
}

/// What a route does with its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteAction {
    /// They are sent to services.
    Forward(Box<ForwardRoute>),
    /// They are sent elsewhere by their senders.
    Redirect(Redirect),
    /// They are answered on the spot.
    Respond(DirectResponse),
}

/// How a route sends its requests to services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardRoute {
    /// The services, at least one. Those that cannot be used as they are written drop out.
    pub services: Vec<Result<ServiceRef, Problem>>,
    /// How; without mirror and rewritten prefix, which depend on more.
    pub policy: Option<Box<ForwardPolicy>>,
    /// What replaces the prefix that was matched.
    pub prefix_rewrites: PrefixRewrites,
    /// Attributes of cookies that any of the services sets.
    pub cookies: Vec<CookieRewrite>,
    /// How requests are shared.
    pub load_balancing: LoadBalancing,
    /// How endpoints are asked whether they are well.
    pub health_check: Option<Box<HealthCheck>>,
    /// How long a connection may have no request.
    pub idle_connection: Timeout,
}

/// Reads a route of an HTTPProxy in this namespace.
pub fn route(entry: &v1::Route, namespace: &str, field: &str) -> Route {
    let mut ignored = Ignored::new();
    let conditions = conditions(&entry.conditions, &format!("{field}.conditions"), &mut ignored);
    let mut problems = Vec::new();
    let answer = answer(entry, namespace, field, &mut ignored, &mut problems);
    problems.extend(ignored.into_iter().map(|(field, why)| {
        Problem::new(Reason::IgnoredField, format!("{field} is ignored: {why}"))
    }));
    Route { conditions, answer, problems }
}

/// # Errors
/// The first thing that keeps the route from being served as it is written.
fn answer(
    entry: &v1::Route,
    namespace: &str,
    field: &str,
    ignored: &mut Ignored,
    problems: &mut Vec<Problem>,
) -> Result<Answer, Problem> {
    let actions = [
        !entry.services.is_empty(),
        entry.request_redirect_policy.is_some(),
        entry.direct_response_policy.is_some(),
    ];
    if actions.iter().filter(|given| **given).count() != 1 {
        let message = format!(
            "{field}: exactly one of services, requestRedirectPolicy and directResponsePolicy has to be given"
        );
        return Err(Problem::new(Reason::RouteActionCountNotValid, message));
    }
    let global = entry.rate_limit_policy.as_ref().is_some_and(|policy| policy.global.is_some());
    unserved(
        field,
        &[
            ("authPolicy", entry.auth_policy.is_some()),
            ("rateLimitPolicy.global", global),
            ("jwtVerificationPolicy", entry.jwt_verification_policy.is_some()),
        ],
    )?;
    let context = Context { namespace: Some(namespace), service: None };
    let headers_field = format!("{field}.requestHeadersPolicy");
    let request = headers::request(entry.request_headers_policy.as_ref(), &context, &headers_field)
        .map_err(|message| Problem::new(Reason::RouteRequestHeadersInvalid, message))?;
    let policy = route_policy(entry, request.edits, &context, field, problems)?;
    let action = match (&entry.request_redirect_policy, &entry.direct_response_policy) {
        (Some(policy), _) => RouteAction::Redirect(
            redirect(policy, &format!("{field}.requestRedirectPolicy"))
                .map_err(|message| Problem::new(Reason::RequestRedirectNotValid, message))?,
        ),
        (None, Some(policy)) => RouteAction::Respond(
            direct_response(policy, &format!("{field}.directResponsePolicy"))
                .map_err(|message| Problem::new(Reason::DirectResponseNotValid, message))?,
        ),
        (None, None) => {
            RouteAction::Forward(Box::new(forward(entry, request.host, namespace, field, ignored)?))
        }
    };
    let policy = (policy != RoutePolicy::default()).then(|| Box::new(policy));
    Ok(Answer { action, policy })
}

/// What holds for all requests of a route.
fn route_policy(
    entry: &v1::Route,
    request_headers: contour_dag::HeaderEdits,
    context: &Context<'_>,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Result<RoutePolicy, Problem> {
    let response_field = format!("{field}.responseHeadersPolicy");
    let response_headers =
        headers::response(entry.response_headers_policy.as_ref(), context, &response_field)
            .map_err(|message| Problem::new(Reason::RouteResponseHeadersInvalid, message))?;
    let local = entry.rate_limit_policy.as_ref().and_then(|policy| policy.local.as_ref());
    let local =
        local.map(|policy| rate_limit::local(policy, &format!("{field}.rateLimitPolicy.local")));
    let local_rate_limit = local
        .transpose()
        .map_err(|message| Problem::new(Reason::RouteRateLimitNotValid, message))?;
    let ip_filter = match ip_policy(&entry.ip_allow_policy, &entry.ip_deny_policy, field) {
        IpPolicy::Open => None,
        IpPolicy::Filter(filter, more) => {
            problems.extend(more);
            Some(filter)
        }
        IpPolicy::Closed(problem, more) => {
            problems.extend(more);
            return Err(problem);
        }
    };
    Ok(RoutePolicy { request_headers, response_headers, local_rate_limit, ip_filter })
}

/// How a route sends its requests to services.
fn forward(
    entry: &v1::Route,
    host_rewrite: Option<HostRewrite>,
    namespace: &str,
    field: &str,
    ignored: &mut Ignored,
) -> Result<ForwardRoute, Problem> {
    let problem = |reason| move |message| Problem::new(reason, message);
    let cookies_field = format!("{field}.cookieRewritePolicies");
    let cookies = cookie::rewrites(&entry.cookie_rewrite_policies, &cookies_field)
        .map_err(problem(Reason::CookieRewritePoliciesInvalid))?;
    let timeouts = timeouts(entry.timeout_policy.as_ref(), &format!("{field}.timeoutPolicy"))
        .map_err(problem(Reason::TimeoutPolicyNotValid))?;
    let (balancing, hash) = load_balancing(
        entry.load_balancer_policy.as_ref(),
        &format!("{field}.loadBalancerPolicy"),
        ignored,
    );
    let prefix_rewrites =
        prefix_rewrites(entry.path_rewrite_policy.as_ref(), &format!("{field}.pathRewritePolicy"))?;
    let health_check = entry.health_check_policy.as_ref();
    let health_check = health_check.map(|policy| health_check_of(policy, field)).transpose()?;
    let services = entry.services.iter().enumerate().map(|(at, each)| {
        service(each, balancing, namespace, &format!("{field}.services[{at}]"), ignored)
    });
    let services = services.collect();
    let retried = entry.retry_policy.as_ref();
    let redirected = entry.internal_redirect_policy.as_ref();
    let policy = ForwardPolicy {
        timeout: timeouts.response,
        idle_timeout: timeouts.idle,
        retry: retried.map(|policy| retry(policy, &format!("{field}.retryPolicy"), ignored)),
        hash,
        prefix_rewrite: None,
        host_rewrite,
        mirror: None,
        internal_redirect: redirected.map(|policy| {
            internal_redirect(policy, &format!("{field}.internalRedirectPolicy"), ignored)
        }),
        websockets: entry.enable_websockets,
    };
    Ok(ForwardRoute {
        services,
        policy: (policy != ForwardPolicy::default()).then(|| Box::new(policy)),
        prefix_rewrites,
        cookies,
        load_balancing: balancing,
        health_check: health_check.map(Box::new),
        idle_connection: timeouts.idle_connection,
    })
}

fn health_check_of(
    policy: &v1::HttpHealthCheckPolicy,
    field: &str,
) -> Result<HealthCheck, Problem> {
    health_check(policy, &format!("{field}.healthCheckPolicy"))
        .map_err(|message| Problem::new(Reason::HealthCheckPolicyInvalid, message))
}
