use contour_dag::Domain;

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

fn rooted(field: &str) -> String {
    format!("{{virtualhost: {{fqdn: a.b, {field}}}, routes: [{{services: []}}]}}")
}

#[test]
fn what_would_protect_a_host_is_refused_rather_than_ignored() {
    for field in [
        "tls: {secretName: s}",
        "authorization: {}",
        "rateLimitPolicy: {global: {}}",
        "jwtProviders: [{name: p}]",
    ] {
        check_refused(&rooted(field), Some(Reason::NotImplemented));
    }
}

#[test]
fn what_protects_a_host_and_is_wrong_closes_it() {
    let (allow, deny) = (
        "ipAllowPolicy: [{source: Peer, cidr: 10.0.0.0/8}]",
        "ipDenyPolicy: [{source: Peer, cidr: x}]",
    );
    check_refused(&rooted(allow), None);
    check_refused(&rooted(deny), Some(Reason::IpFilterNotValid));
    check_refused(&rooted(&format!("{allow}, {deny}")), Some(Reason::IncompatibleIpFilters));
    let limit = "rateLimitPolicy: {local: {requests: 0, unit: second}}";
    check_refused(&rooted(limit), Some(Reason::HostRateLimitNotValid));
}

#[test]
fn a_host_is_served_without_a_cors_policy_that_is_wrong() {
    let spec = rooted("corsPolicy: {allowOrigin: ['('], allowMethods: [GET]}");
    let root = parse(&spec).root.expect("a root");
    assert_eq!((root.refused, root.policy), (None, None));
    let reasons: Vec<_> = root.problems.iter().map(|problem| problem.reason).collect();
    assert_eq!(reasons, [Reason::CorsNotValid]);
}

/// The one route of a proxy.
fn route(text: &str) -> Route {
    parse(&format!("{{routes: [{text}]}}")).routes.remove(0)
}

#[track_caller]
fn check_answer(text: &str, expect: Result<(), Reason>) {
    assert_eq!(route(text).answer.map(drop).map_err(|problem| problem.reason), expect);
}

const SERVICE: &str = "services: [{name: a, port: 80}]";

#[test]
fn a_route_has_exactly_one_action() {
    check_answer(&format!("{{{SERVICE}}}"), Ok(()));
    check_answer("{directResponsePolicy: {statusCode: 200}}", Ok(()));
    check_answer("{requestRedirectPolicy: {path: /}}", Ok(()));
    check_answer("{}", Err(Reason::RouteActionCountNotValid));
    let both = format!("{{{SERVICE}, directResponsePolicy: {{statusCode: 200}}}}");
    check_answer(&both, Err(Reason::RouteActionCountNotValid));
}

#[test]
fn a_policy_that_is_wrong_keeps_its_route_from_being_served() {
    for (policy, reason) in [
        ("authPolicy: {}", Reason::NotImplemented),
        ("jwtVerificationPolicy: {}", Reason::NotImplemented),
        ("rateLimitPolicy: {global: {}}", Reason::NotImplemented),
        ("rateLimitPolicy: {local: {requests: 0, unit: hour}}", Reason::RouteRateLimitNotValid),
        ("requestHeadersPolicy: {remove: [host]}", Reason::RouteRequestHeadersInvalid),
        (
            "responseHeadersPolicy: {set: [{name: 'a b', value: c}]}",
            Reason::RouteResponseHeadersInvalid,
        ),
        ("cookieRewritePolicies: [{name: a}]", Reason::CookieRewritePoliciesInvalid),
        ("timeoutPolicy: {response: x}", Reason::TimeoutPolicyNotValid),
        ("healthCheckPolicy: {path: x}", Reason::HealthCheckPolicyInvalid),
        ("pathRewritePolicy: {replacePrefix: [{replacement: x}]}", Reason::ReplacementNotValid),
        ("ipDenyPolicy: [{source: Peer, cidr: x}]", Reason::InvalidCidr),
    ] {
        check_answer(&format!("{{{SERVICE}, {policy}}}"), Err(reason));
    }
    check_answer(
        "{requestRedirectPolicy: {path: /a, prefix: /b}}",
        Err(Reason::RequestRedirectNotValid),
    );
    check_answer("{directResponsePolicy: {statusCode: 99}}", Err(Reason::DirectResponseNotValid));
}

#[test]
fn one_wrong_service_leaves_the_others() {
    let forward = |text: &str| match route(text).answer.expect("it is served").action {
        RouteAction::Forward(forward) => forward,
        other => panic!("{other:?}"),
    };
    let services = "{name: a, port: 80}, {name: b, port: 0}, {name: c, port: 80, slowStartPolicy: {window: x}}, {name: d, port: 80, validation: {caSecret: s, subjectName: n}}";
    let found: Vec<_> = forward(&format!("{{services: [{services}]}}"))
        .services
        .into_iter()
        .map(|service| service.map(|each| each.name.to_string()).map_err(|each| each.reason))
        .collect();
    let expect = [
        Ok("a".to_owned()),
        Err(Reason::ServicePortInvalid),
        Err(Reason::SlowStartInvalid),
        Err(Reason::NotImplemented),
    ];
    assert_eq!(found, expect);
}

#[test]
fn what_has_no_effect_is_told() {
    let text = "{services: [{name: a, port: 80, requestHeadersPolicy: {set: [{name: Host, value: '%REQ(x)%'}]}}], \
                conditions: [{header: {name: x}}], loadBalancerPolicy: {strategy: random}, \
                retryPolicy: {perTryTimeout: soon}}";
    let reasons: Vec<_> = route(text).problems.iter().map(|problem| problem.reason).collect();
    assert_eq!(reasons, [Reason::IgnoredField; 4]);
}
