//! Whether settings make sense.

use super::super::{Environment, unreloadable};
use super::{check_problems, of_spec, resolved, with_flags};

/// Checks all that is wrong with flags.
#[track_caller]
fn check_flags(flags: &[&str], expect: &[&str]) {
    let problems = with_flags("", flags).expect_err("something is wrong").to_string();
    assert_eq!(problems.lines().collect::<Vec<_>>(), expect);
}

/// Checks all that is wrong with a `ContourConfiguration`.
#[track_caller]
fn check_spec(spec: &str, expect: &[&str]) {
    let problems = of_spec(spec, &[], &Environment::default()).expect_err("wrong").to_string();
    assert_eq!(problems.lines().collect::<Vec<_>>(), expect);
}

#[test]
fn timeouts_are_durations() {
    check_problems(
        "timeouts:\n  request-timeout: 5\n",
        &[
            "c.yaml:2:20: timeouts.request-timeout: \"5\" is no duration; write numbers with units, as in \"1m30s\"",
        ],
    );
    check_problems(
        "timeouts: {connect-timeout: infinity}",
        &[
            "c.yaml:1:29: timeouts.connect-timeout: \"infinity\" is no duration; write numbers with units, as in \"1m30s\"",
        ],
    );
    check_spec(
        r#"{"envoy": {"timeouts": {"requestTimeout": "-1s"}}}"#,
        &[
            "ContourConfiguration n/c: spec.envoy.timeouts.requestTimeout: \"-1s\" is less than nothing",
        ],
    );
}

#[test]
fn log_formats_are_those_that_envoy_takes() {
    check_problems(
        "accesslog-format-string: '%PROTOCOL%'",
        &["c.yaml:1:26: accesslog-format-string: the format has to end in a newline"],
    );
    check_problems(
        "json-fields:\n- path\n- nonsense\n",
        &[
            "c.yaml:3:3: json-fields[1]: `nonsense` is no field that has a format: write `nonsense=` and the format",
        ],
    );
}

#[test]
fn tls_versions_are_in_order_and_ciphers_are_known() {
    check_problems(
        "tls: {minimum-protocol-version: 1.3, maximum-protocol-version: 1.2}",
        &[
            "c.yaml:1:33: tls.minimum-protocol-version: the oldest version of TLS is newer than the newest; swap them",
        ],
    );
    check_problems(
        "tls: {minimum-protocol-version: 1.1}",
        &[
            "c.yaml:1:33: tls.minimum-protocol-version: \"1.1\" is not one of 1.2, 1.3; did you mean \"1.2\"?",
        ],
    );
    let problems = resolved("tls: {cipher-suites: ['[AES128-SHA|RC4]']}").expect_err("a cipher");
    assert!(
        problems.to_string().contains("tls.cipher-suites[0]: \"RC4\" is no cipher suite"),
        "{problems}"
    );
    let problems = resolved("cluster: {upstream-tls: {ecdh-curves: [X]}}").expect_err("a curve");
    assert!(problems.to_string().contains("\"X\" is no curve"), "{problems}");
}

#[test]
fn an_object_has_a_name_and_a_namespace() {
    check_problems(
        "tls: {fallback-certificate: {name: x}}",
        &[
            "c.yaml:1:36: tls.fallback-certificate.name: names an object, and nothing names its namespace; give both",
        ],
    );
    check_problems(
        "gateway: {gatewayRef: {}}",
        &["c.yaml:1:10: gateway: names no Gateway; give gatewayRef.namespace and gatewayRef.name"],
    );
    check_problems(
        "tracing: {extensionService: a/b/c}",
        &[
            "c.yaml:1:29: tracing.extensionService: \"a/b/c\" is no ExtensionService; write namespace/name",
        ],
    );
    check_problems(
        "tracing: {serviceName: x}",
        &["c.yaml:1:10: tracing: needs an extensionService: the one that gets the traces"],
    );
}

#[test]
fn metrics_have_both_files_or_none() {
    check_problems(
        "metrics: {contour: {server-key-path: /k}}",
        &[
            "c.yaml:1:38: metrics.contour.server-key-path: needs a certificate and its key beside it; give both, or none of these files",
        ],
    );
    check_problems(
        "metrics: {envoy: {ca-certificate-path: /a}}",
        &[
            "c.yaml:1:40: metrics.envoy.ca-certificate-path: needs a certificate and its key beside it; give both, or none of these files",
        ],
    );
}

#[test]
fn metrics_with_tls_and_health_have_ports_of_their_own() {
    let tls = "{server-certificate-path: /c, server-key-path: /k}";
    check_problems(
        &format!("metrics: {{contour: {tls}}}"),
        &[
            "c.yaml:1:46: metrics.contour.server-certificate-path: metrics with TLS and health without cannot both be on 0.0.0.0:8000; give them different ports",
        ],
    );
    check_problems(
        &format!("metrics: {{envoy: {tls}}}"),
        &[
            "c.yaml:1:44: metrics.envoy.server-certificate-path: Envoy cannot listen for both statistics and health on 0.0.0.0 port 8002 if statistics have TLS; give them different ports",
        ],
    );
}

#[test]
fn envoys_addresses_are_ip_addresses_that_differ() {
    check_flags(
        &["--envoy-service-http-address=localhost"],
        &[
            "--envoy-service-http-address: \"localhost\" is no IP address; Envoy listens on none by name",
        ],
    );
    check_problems(
        "omEnforcedHealthListener: {address: 0.0.0.0, port: 8002}",
        &[
            "c.yaml:1:52: omEnforcedHealthListener.port: Envoy cannot listen for both statistics and overload-enforced health on 0.0.0.0 port 8002; give them different ports",
        ],
    );
    check_problems(
        "omEnforcedHealthListener: {address: 0.0.0.0}",
        &["c.yaml:1:27: omEnforcedHealthListener: needs both an address and a port"],
    );
}

#[test]
fn elections_end_before_they_are_renewed() {
    let flag = "--leader-election-renew-deadline";
    check_flags(
        &[&format!("{flag}=15s")],
        &["--leader-election-renew-deadline: has to be less than the lease duration"],
    );
    check_flags(
        &["--leader-election-retry-period=9s"],
        &["--leader-election-retry-period: 1.2 times this has to be less than the renew deadline"],
    );
}

#[test]
fn what_is_named_is_watched() {
    let text = "tls: {fallback-certificate: {name: x, namespace: b}}";
    let problems = with_flags(text, &["--watch-namespaces=a", "--root-namespaces=a,c"]);
    let problems = problems.expect_err("not watched").to_string();
    let expect = [
        "c.yaml:1:50: tls.fallback-certificate.namespace: namespace b is not watched; add it to --watch-namespaces",
        "--root-namespaces: namespace c is not watched; add it to --watch-namespaces",
    ];
    assert_eq!(problems.lines().collect::<Vec<_>>(), expect);
}

#[test]
fn headers_have_names() {
    check_problems(
        "policy: {request-headers: {set: {'a b': c}, remove: ['']}}",
        &[
            "c.yaml:1:41: policy.request-headers.set.a b: \"a b\" is no name of a header; letters, digits and hyphens make one",
            "c.yaml:1:54: policy.request-headers.remove[0]: \"\" is no name of a header; letters, digits and hyphens make one",
        ],
    );
}

/// Otherwise every service would be refused, or every message lost.
#[test]
fn headers_that_no_service_can_have_are_refused() {
    check_problems(
        "policy: {request-headers: {set: {host: a b}, remove: [Host]}}",
        &[
            "c.yaml:1:40: policy.request-headers.set.host: \"a b\" is no host; a name or an address, with or without a port, is one",
            "c.yaml:1:55: policy.request-headers.remove[0]: a request without the header Host is none",
        ],
    );
    check_problems(
        "policy: {request-headers: {set: {host: '%REQ(x-host)%', x-a: \"b\\r\\n\"}}}",
        &[
            "c.yaml:1:40: policy.request-headers.set.host: a host that a header names is taken for routes alone",
            "c.yaml:1:62: policy.request-headers.set.x-a: control characters cannot stand in a header",
        ],
    );
    check_problems(
        "policy: {response-headers: {set: {host: a, content-length: '0', X-A: b, x-a: b}}}",
        &[
            "c.yaml:1:60: policy.response-headers.set.content-length: Content-Length is for Envoy alone: it says where a message ends",
            "c.yaml:1:41: policy.response-headers.set.host: a response has no header Host",
            "c.yaml:1:78: policy.response-headers.set.x-a: the same header stands there in other letters, too",
        ],
    );
}

#[test]
fn services_that_are_asked_are_complete() {
    check_problems(
        "rateLimitService: {extensionService: a/b}",
        &["c.yaml:1:19: rateLimitService: needs a domain: Envoy refuses an empty one"],
    );
    check_problems(
        "globalExtAuth: {extensionService: a/b, serviceType: http, authPolicy: {context: {a: b}}}",
        &[
            "c.yaml:1:81: globalExtAuth.authPolicy.context: is only for a service that is asked by gRPC",
        ],
    );
    check_problems(
        "globalExtAuth: {extensionService: a/b, httpSettings: {}}",
        &[
            "c.yaml:1:54: globalExtAuth.httpSettings: is only for a service that is asked by HTTP; set serviceType to http",
        ],
    );
    check_problems(
        "tracing: {extensionService: a/b, overallSampling: x, customTags: [{tagName: a, literal: b}, {tagName: a, literal: c}, {tagName: d}]}",
        &[
            "c.yaml:1:51: tracing.overallSampling: \"x\" is no percentage; give a number from 0 to 100",
            "c.yaml:1:66: tracing.customTags: tag 1: there is a tag \"a\" before; a name is used once",
            "c.yaml:1:66: tracing.customTags: tag 2: needs exactly one of literal and requestHeaderName",
        ],
    );
}

#[test]
fn what_cannot_be_reloaded_is_named() {
    let edges = |flags: &[&str]| with_flags("", flags).unwrap().edges;
    let old = edges(&[]);
    assert_eq!(unreloadable(&old, &edges(&["--ingress-class-name=x"])), [""; 0]);
    let new = edges(&["--xds-port=1", "--watch-namespaces=a"]);
    assert_eq!(
        unreloadable(&old, &new),
        ["the address of the xDS server", "the namespaces that are watched"]
    );
}
