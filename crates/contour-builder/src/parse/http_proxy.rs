//! HTTPProxies.

use std::sync::Arc;

use contour_api::v1::http_proxy as v1;
use contour_dag::Domain;

use super::class::Class;
use super::path::unmatchable;
use super::{domain, path};
use crate::object::ObjectName;
use crate::status::{Problem, Reason};

/// The checked form of an HTTPProxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Which controller it is for.
    pub class: Class,
    /// What makes it a root; a child has none.
    pub root: Option<Root>,
    /// In the order of the object.
    pub includes: Vec<Include>,
    /// In the order of the object.
    pub routes: Vec<Route>,
}

/// What makes an HTTPProxy a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The host it claims. A root that claims none is served nowhere.
    pub domain: Result<Domain, Problem>,
    /// Why nothing of it is served although it claims a host.
    pub refused: Option<Refusal>,
}

/// Why nothing of a root is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing to serve.
    Nothing(Problem),
    /// It asks for what this version does not serve, and what may protect the host: nobody may be served there.
    Closed(Problem),
}

/// One entry of `spec.includes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The included HTTPProxy.
    pub target: ObjectName,
    /// What its routes are narrowed by.
    pub conditions: Result<IncludeConditions, Problem>,
}

/// What the routes of an included HTTPProxy are narrowed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncludeConditions {
    /// Nothing: no condition stands there.
    None,
    /// Paths that begin with this. Runs of slashes are collapsed; never empty.
    Prefix(Arc<str>),
}

/// One entry of `spec.routes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which requests it takes, relative to the conditions of the includes that lead to it.
    pub conditions: Result<PathCondition, Problem>,
    /// The services it forwards to, at least one.
    pub services: Result<Vec<ServiceRef>, Problem>,
}

/// The path that a route takes, relative to the conditions of the includes that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathCondition {
    /// Paths that begin with this; empty if the route has no path condition.
    Prefix(Arc<str>),
    /// This path alone.
    Exact(Arc<str>),
}

/// One entry of `spec.routes[].services`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRef {
    /// The service's name; it is in the namespace of the HTTPProxy.
    pub name: Arc<str>,
    /// The service's port.
    pub port: u16,
    /// Its share of the requests, as given; 0 if not given.
    pub weight: u64,
}

/// Reads an HTTPProxy in `namespace`.
pub fn http_proxy(object: &v1::HTTPProxy, namespace: &str) -> Proxy {
    let spec = &object.spec;
    let includes = spec.includes.iter().enumerate();
    let routes = spec.routes.iter().enumerate();
    Proxy {
        class: Class::of(object.metadata.annotations.as_ref(), spec.ingress_class_name.as_deref()),
        root: spec.virtualhost.as_ref().map(|virtual_host| Root {
            domain: fqdn(virtual_host),
            refused: nothing_defined(spec)
                .map(Refusal::Nothing)
                .or_else(|| unserved_root(spec, virtual_host).map(Refusal::Closed)),
        }),
        includes: includes.map(|(at, entry)| include(entry, at, namespace)).collect(),
        routes: routes.map(|(at, entry)| route(entry, &format!("spec.routes[{at}]"))).collect(),
    }
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

/// What a root asks for that this version does not serve. Its host is closed then: most of these protect it.
fn unserved_root(spec: &v1::HTTPProxySpec, virtual_host: &v1::VirtualHost) -> Option<Problem> {
    not_implemented(&[
        ("spec.tcpproxy", spec.tcpproxy.is_some()),
        ("spec.virtualhost.tls", virtual_host.tls.is_some()),
        ("spec.virtualhost.authorization", virtual_host.authorization.is_some()),
        ("spec.virtualhost.corsPolicy", virtual_host.cors_policy.is_some()),
        ("spec.virtualhost.rateLimitPolicy", virtual_host.rate_limit_policy.is_some()),
        ("spec.virtualhost.jwtProviders", !virtual_host.jwt_providers.is_empty()),
        ("spec.virtualhost.ipAllowPolicy", !virtual_host.ip_allow_policy.is_empty()),
        ("spec.virtualhost.ipDenyPolicy", !virtual_host.ip_deny_policy.is_empty()),
    ])
}

fn not_implemented(fields: &[(&str, bool)]) -> Option<Problem> {
    let present: Vec<&str> =
        fields.iter().filter(|(_, present)| *present).map(|(field, _)| *field).collect();
    (!present.is_empty()).then(|| {
        let fields = present.join(", ");
        Problem::new(Reason::NotImplemented, format!("{fields}: not served by this version"))
    })
}

fn include(entry: &v1::Include, at: usize, namespace: &str) -> Include {
    let namespace = entry.namespace.as_deref().filter(|each| !each.is_empty()).unwrap_or(namespace);
    Include {
        target: ObjectName::new(namespace, &entry.name),
        conditions: include_conditions(
            &entry.conditions,
            &format!("spec.includes[{at}].conditions"),
        ),
    }
}

/// Reads the conditions of an include: prefixes only, since a route's path is appended to them.
///
/// # Errors
/// [`Reason::IncludePathMatchConditionsNotValid`]; [`Reason::NotImplemented`].
fn include_conditions(
    conditions: &[v1::MatchCondition],
    field: &str,
) -> Result<IncludeConditions, Problem> {
    let reason = Reason::IncludePathMatchConditionsNotValid;
    if conditions
        .iter()
        .any(|each| text(each.exact.as_ref()).is_some() || text(each.regex.as_ref()).is_some())
    {
        let message =
            format!("{field}: an include takes a prefix, neither an exact path nor a regex");
        return Err(Problem::new(reason, message));
    }
    unserved_conditions(conditions, field)?;
    if conditions.is_empty() {
        return Ok(IncludeConditions::None);
    }
    match path_condition(conditions, field, reason)? {
        PathCondition::Prefix(prefix) if prefix.is_empty() => {
            Ok(IncludeConditions::Prefix("/".into()))
        }
        PathCondition::Prefix(prefix) | PathCondition::Exact(prefix) => {
            Ok(IncludeConditions::Prefix(path::collapse_slashes(&prefix).into()))
        }
    }
}

fn route(entry: &v1::Route, field: &str) -> Route {
    let conditions_field = format!("{field}.conditions");
    let conditions = unserved_conditions(&entry.conditions, &conditions_field).and_then(|()| {
        let reason = Reason::PathMatchConditionsNotValid;
        path_condition(&entry.conditions, &conditions_field, reason)
    });
    Route { conditions, services: services(entry, field) }
}

fn unserved_conditions(conditions: &[v1::MatchCondition], field: &str) -> Result<(), Problem> {
    let any = |present: fn(&v1::MatchCondition) -> bool| conditions.iter().any(present);
    let problem = not_implemented(&[
        (&format!("{field}[].header"), any(|each| each.header.is_some())),
        (&format!("{field}[].queryParameter"), any(|each| each.query_parameter.is_some())),
        (&format!("{field}[].regex"), any(|each| text(each.regex.as_ref()).is_some())),
    ]);
    problem.map_or(Ok(()), Err)
}

/// Reads the path of a list of conditions, of which at most one may name a path.
fn path_condition(
    conditions: &[v1::MatchCondition],
    field: &str,
    reason: Reason,
) -> Result<PathCondition, Problem> {
    let mut found = None;
    for (at, condition) in conditions.iter().enumerate() {
        let prefix =
            text(condition.prefix.as_ref()).map(|path| (path, PathCondition::Prefix(path.into())));
        let exact =
            text(condition.exact.as_ref()).map(|path| (path, PathCondition::Exact(path.into())));
        for (path, condition) in prefix.into_iter().chain(exact) {
            if let Some(why) = unmatchable(path) {
                return Err(Problem::new(reason, format!("{field}[{at}]: {path:?}: {why}")));
            }
            if found.replace(condition).is_some() {
                let message =
                    format!("{field} names more than one path: give one of prefix and exact");
                return Err(Problem::new(reason, message));
            }
        }
    }
    Ok(found.unwrap_or_else(|| PathCondition::Prefix("".into())))
}

/// Reads the action of a route.
///
/// # Errors
/// [`Reason::RouteActionCountNotValid`], [`Reason::ServicePortInvalid`]; [`Reason::NotImplemented`].
fn services(entry: &v1::Route, field: &str) -> Result<Vec<ServiceRef>, Problem> {
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
    if let Some(problem) = unserved_route(entry, field) {
        return Err(problem);
    }
    let services = entry.services.iter().enumerate();
    services.map(|(at, service)| service_ref(service, &format!("{field}.services[{at}]"))).collect()
}

/// What a route asks for that this version does not serve. It answers 503 then.
fn unserved_route(entry: &v1::Route, field: &str) -> Option<Problem> {
    let fields = [
        ("requestRedirectPolicy", entry.request_redirect_policy.is_some()),
        ("directResponsePolicy", entry.direct_response_policy.is_some()),
        ("enableWebsockets", entry.enable_websockets),
        ("authPolicy", entry.auth_policy.is_some()),
        ("timeoutPolicy", entry.timeout_policy.is_some()),
        ("retryPolicy", entry.retry_policy.is_some()),
        ("healthCheckPolicy", entry.health_check_policy.is_some()),
        ("loadBalancerPolicy", entry.load_balancer_policy.is_some()),
        ("pathRewritePolicy", entry.path_rewrite_policy.is_some()),
        ("requestHeadersPolicy", entry.request_headers_policy.is_some()),
        ("responseHeadersPolicy", entry.response_headers_policy.is_some()),
        ("cookieRewritePolicies", !entry.cookie_rewrite_policies.is_empty()),
        ("rateLimitPolicy", entry.rate_limit_policy.is_some()),
        ("internalRedirectPolicy", entry.internal_redirect_policy.is_some()),
        ("jwtVerificationPolicy", entry.jwt_verification_policy.is_some()),
        ("ipAllowPolicy", !entry.ip_allow_policy.is_empty()),
        ("ipDenyPolicy", !entry.ip_deny_policy.is_empty()),
    ];
    unserved_below(&fields, field)
}

fn unserved_service(service: &v1::Service, field: &str) -> Option<Problem> {
    let fields = [
        ("protocol", service.protocol.is_some()),
        ("mirror", service.mirror),
        ("validation", service.validation.is_some()),
        ("requestHeadersPolicy", service.request_headers_policy.is_some()),
        ("responseHeadersPolicy", service.response_headers_policy.is_some()),
        ("cookieRewritePolicies", !service.cookie_rewrite_policies.is_empty()),
        ("slowStartPolicy", service.slow_start_policy.is_some()),
    ];
    unserved_below(&fields, field)
}

fn unserved_below(fields: &[(&str, bool)], parent: &str) -> Option<Problem> {
    let paths: Vec<(String, bool)> =
        fields.iter().map(|(name, present)| (format!("{parent}.{name}"), *present)).collect();
    let paths: Vec<(&str, bool)> =
        paths.iter().map(|(path, present)| (path.as_str(), *present)).collect();
    not_implemented(&paths)
}

fn service_ref(service: &v1::Service, field: &str) -> Result<ServiceRef, Problem> {
    if service.port == 0 {
        let message = format!("{field}.port: 0 is not between 1 and 65535");
        return Err(Problem::new(Reason::ServicePortInvalid, message));
    }
    if let Some(problem) = unserved_service(service, field) {
        return Err(problem);
    }
    let weight = service.weight.unwrap_or(0);
    Ok(ServiceRef { name: service.name.as_str().into(), port: service.port, weight })
}

/// An empty text is no text.
fn text(field: Option<&String>) -> Option<&str> {
    field.map(String::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(spec: &str) -> Proxy {
        let manifest = format!("metadata: {{name: it, namespace: here}}\nspec: {spec}");
        http_proxy(&serde_yaml_ng::from_str(&manifest).expect("a manifest"), "here")
    }

    #[track_caller]
    fn check_root(virtual_host: &str, expect: Result<&str, Reason>) {
        let proxy = parse(&format!("{{virtualhost: {virtual_host}, routes: [{{services: []}}]}}"));
        let domain = proxy.root.expect("a root").domain.map_err(|problem| problem.reason);
        assert_eq!(domain.as_ref().map(Domain::as_str).map_err(|reason| *reason), expect);
    }

    #[test]
    fn a_blank_fqdn_is_not_specified() {
        check_root("{fqdn: ' '}", Err(Reason::FqdnNotSpecified));
    }

    #[test]
    fn an_fqdn_is_a_host_name() {
        check_root("{fqdn: Shop.example.com}", Ok("shop.example.com"));
        check_root("{fqdn: '*.example.com'}", Ok("*.example.com"));
        check_root("{fqdn: '*'}", Err(Reason::FqdnNotValid));
        check_root("{fqdn: 'a b'}", Err(Reason::FqdnNotValid));
    }

    #[track_caller]
    fn check_refused(spec: &str, expect: Option<Reason>) {
        let refused = parse(spec).root.expect("a root").refused.map(|refusal| match refusal {
            Refusal::Nothing(problem) | Refusal::Closed(problem) => problem.reason,
        });
        assert_eq!(refused, expect);
    }

    #[test]
    fn a_root_has_something_to_serve() {
        check_refused("{virtualhost: {fqdn: a.b}}", Some(Reason::NothingDefined));
        check_refused("{virtualhost: {fqdn: a.b}, includes: [{name: c}]}", None);
    }

    #[test]
    fn what_would_protect_a_host_is_refused_rather_than_ignored() {
        for field in [
            "tls: {secretName: s}",
            "authorization: {}",
            "corsPolicy: {allowOrigin: ['*'], allowMethods: [GET]}",
            "rateLimitPolicy: {}",
            "jwtProviders: [{name: p}]",
            "ipAllowPolicy: [{source: Peer, cidr: 10.0.0.0/8}]",
            "ipDenyPolicy: [{source: Peer, cidr: 10.0.0.0/8}]",
        ] {
            let spec =
                format!("{{virtualhost: {{fqdn: a.b, {field}}}, routes: [{{services: []}}]}}");
            check_refused(&spec, Some(Reason::NotImplemented));
        }
    }

    #[track_caller]
    fn check_include(conditions: &str, expect: Result<IncludeConditions, Reason>) {
        let proxy = parse(&format!("{{includes: [{{name: c, conditions: {conditions}}}]}}"));
        let conditions = proxy.includes[0].conditions.clone().map_err(|problem| problem.reason);
        assert_eq!(conditions, expect);
    }

    #[test]
    fn an_include_is_narrowed_by_a_prefix_or_not_at_all() {
        check_include("[]", Ok(IncludeConditions::None));
        check_include("[{prefix: //a//b}]", Ok(IncludeConditions::Prefix("/a/b".into())));
        check_include("[{}]", Ok(IncludeConditions::Prefix("/".into())));
    }

    #[test]
    fn an_include_takes_nothing_but_a_prefix() {
        for conditions in
            ["[{exact: /a}]", "[{regex: /a}]", "[{prefix: a}]", "[{prefix: /a}, {prefix: /b}]"]
        {
            check_include(conditions, Err(Reason::IncludePathMatchConditionsNotValid));
        }
    }

    #[test]
    fn an_include_is_in_the_same_namespace_unless_it_says_otherwise() {
        let proxy =
            parse("{includes: [{name: a}, {name: a, namespace: ''}, {name: a, namespace: there}]}");
        let targets: Vec<String> =
            proxy.includes.iter().map(|include| include.target.to_string()).collect();
        assert_eq!(targets, ["here/a", "here/a", "there/a"]);
    }

    #[track_caller]
    fn check_conditions(conditions: &str, expect: Result<PathCondition, Reason>) {
        let proxy = parse(&format!("{{routes: [{{conditions: {conditions}}}]}}"));
        let conditions = proxy.routes[0].conditions.clone().map_err(|problem| problem.reason);
        assert_eq!(conditions, expect);
    }

    #[test]
    fn a_route_matches_a_prefix_an_exact_path_or_everything() {
        check_conditions("[{prefix: /a}]", Ok(PathCondition::Prefix("/a".into())));
        check_conditions("[{exact: /a}]", Ok(PathCondition::Exact("/a".into())));
        check_conditions("[]", Ok(PathCondition::Prefix("".into())));
    }

    #[test]
    fn a_route_has_at_most_one_path() {
        for conditions in [
            "[{prefix: /a, exact: /b}]",
            "[{prefix: /a}, {exact: /b}]",
            "[{exact: b}]",
            "[{exact: '/b?c'}]",
        ] {
            check_conditions(conditions, Err(Reason::PathMatchConditionsNotValid));
        }
    }

    #[test]
    fn conditions_that_are_not_served_are_refused() {
        for conditions in [
            "[{header: {name: a, present: true}}]",
            "[{queryParameter: {name: a, present: true}}]",
            "[{regex: /a}]",
        ] {
            check_conditions(conditions, Err(Reason::NotImplemented));
        }
    }

    #[track_caller]
    fn check_services(route: &str, expect: Result<usize, Reason>) {
        let proxy = parse(&format!("{{routes: [{route}]}}"));
        let services = proxy.routes[0].services.clone().map_err(|problem| problem.reason);
        assert_eq!(services.map(|services| services.len()), expect);
    }

    #[test]
    fn a_route_has_exactly_one_action() {
        check_services("{services: [{name: a, port: 80}, {name: b, port: 81}]}", Ok(2));
        check_services("{}", Err(Reason::RouteActionCountNotValid));
        let both = "{services: [{name: a, port: 80}], directResponsePolicy: {statusCode: 200}}";
        check_services(both, Err(Reason::RouteActionCountNotValid));
    }

    #[test]
    fn policies_that_are_not_served_are_refused() {
        check_services("{directResponsePolicy: {statusCode: 200}}", Err(Reason::NotImplemented));
        let service = "{name: a, port: 80}";
        for policy in [
            "timeoutPolicy: {}",
            "enableWebsockets: true",
            "ipDenyPolicy: [{source: Peer, cidr: 10.0.0.1}]",
        ] {
            let route = format!("{{services: [{service}], {policy}}}");
            check_services(&route, Err(Reason::NotImplemented));
        }
        check_services(
            "{services: [{name: a, port: 80, mirror: true}]}",
            Err(Reason::NotImplemented),
        );
    }

    #[test]
    fn port_zero_is_no_port() {
        check_services("{services: [{name: a, port: 0}]}", Err(Reason::ServicePortInvalid));
    }
}
