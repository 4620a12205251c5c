//! What schemas allow.

use super::*;

#[test]
fn all_findings_of_a_document_are_told_in_order() {
    check_proxy(
        "  routes:\n  - servces: [{name: s, port: 80}]\n    conditions: {prefix: /}\n  - services: [{name: 5, port: '80'}]\n  virtualhost: {fqdn: a.b, x: 1}\n",
        &[
            "6:5: spec.routes[0].servces: unknown field; did you mean \"services\"?",
            "7:17: spec.routes[0].conditions: expected a list, found a mapping",
            "8:23: spec.routes[1].services[0].name: expected text, found the integer 5; put it in quotes",
            "8:32: spec.routes[1].services[0].port: expected an integer, found the text \"80\"; remove the quotes",
            "9:28: spec.virtualhost.x: unknown field; known here: authorization, corsPolicy, fqdn, ipAllowPolicy, ipDenyPolicy, jwtProviders, rateLimitPolicy, tls",
        ],
    );
}

#[test]
fn a_field_one_level_too_high_is_recognized() {
    check_proxy(
        "  fqdn: a.b\n",
        &["5:3: spec.fqdn: unknown field; did you mean \"virtualhost.fqdn\"?"],
    );
}

#[test]
fn required_fields_are_missed_where_they_belong() {
    check(PROXY, &["1:1: spec: required, but missing"]);
    check_proxy("  virtualhost: {}\n", &["5:16: spec.virtualhost.fqdn: required, but missing"]);
    check_proxy(
        "  routes:\n  - services:\n    - port: 80\n",
        &["7:7: spec.routes[0].services[0].name: required, but missing"],
    );
}

#[test]
fn null_means_absent() {
    check_proxy("  virtualhost: null\n  includes: ~\n", &[]);
    check_proxy(
        "  virtualhost: {fqdn: null}\n",
        &["5:16: spec.virtualhost.fqdn: required, but missing"],
    );
    check_proxy("  routes: [null]\n", &["5:12: spec.routes[0]: expected a mapping, found null"]);
}

#[test]
fn a_key_stands_once() {
    check_proxy(
        "  ingressClassName: a\n  ingressClassName: b\n",
        &["6:3: spec.ingressClassName: the same key stands here twice; keep one"],
    );
    check(
        &format!("{PROXY}spec: {{}}\nspec: {{}}\n"),
        &["5:1: spec: the same key stands here twice; keep one"],
    );
}

#[test]
fn text_patterns_hold() {
    check_proxy(
        "  virtualhost: {fqdn: 'a b'}\n",
        &[
            "5:23: spec.virtualhost.fqdn: \"a b\" does not match the pattern ^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        ],
    );
    check_proxy(
        "  routes: [{cookieRewritePolicies: [{name: 'a[b'}]}]\n",
        &[
            "5:44: spec.routes[0].cookieRewritePolicies[0].name: \"a[b\" does not match the pattern ^[^()<>@,;:\\\\\"\\/\\[\\]?={} \\t\\x7f\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09\\x0a\\x0b\\x0c\\x0d\\x0e\\x0f\\x10\\x11\\x12\\x13\\x14\\x15\\x16\\x17\\x18\\x19\\x1a\\x1b\\x1c\\x1d\\x1e\\x1f]+$",
        ],
    );
}

#[test]
fn text_lengths_hold() {
    check_proxy("  includes: [{name: ''}]\n", &["5:21: spec.includes[0].name: must not be empty"]);
}

#[test]
fn closed_sets_of_words_hold() {
    check_proxy(
        "  routes: [{services: [{name: a, port: 80, protocol: h2x}]}]\n",
        &[
            "5:54: spec.routes[0].services[0].protocol: \"h2x\" is not one of h2, h2c, tls; did you mean \"h2\"?",
        ],
    );
}

#[test]
fn numbers_have_bounds() {
    for (port, expect) in [
        ("0", "5:40: spec.routes[0].services[0].port: 0 is too small; the least is 1"),
        ("65536", "5:40: spec.routes[0].services[0].port: 65536 is too large; the most is 65535"),
        (
            "80.5",
            "5:40: spec.routes[0].services[0].port: expected an integer, found the number 80.5",
        ),
        (
            "1e30",
            "5:40: spec.routes[0].services[0].port: expected an integer, found the number 1000000000000000000000000000000",
        ),
    ] {
        check_proxy(&format!("  routes: [{{services: [{{name: a, port: {port}}}]}}]\n"), &[expect]);
    }
}

#[test]
fn integers_of_a_set_are_of_it() {
    check_proxy(
        "  routes: [{requestRedirectPolicy: {statusCode: 304}}]\n",
        &[
            "5:49: spec.routes[0].requestRedirectPolicy.statusCode: 304 is not one of 301, 302, 303, 307, 308",
        ],
    );
}

#[test]
fn booleans_are_not_text() {
    check_proxy(
        "  routes: [{permitInsecure: 'true'}]\n",
        &[
            "5:29: spec.routes[0].permitInsecure: expected a boolean, found the text \"true\"; remove the quotes",
        ],
    );
    check_proxy(
        "  routes: [{permitInsecure: 1}]\n",
        &[
            "5:29: spec.routes[0].permitInsecure: expected a boolean, found the integer 1; write true or false",
        ],
    );
    check_proxy("  routes: [{permitInsecure: yes}]\n", &[]);
    check_proxy(
        "  ingressClassName: yes\n",
        &["5:21: spec.ingressClassName: expected text, found the boolean true; put it in quotes"],
    );
}

#[test]
fn values_of_maps_have_a_type() {
    check(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  labels: {a.b/c: 5, d: null}\nspec: {ports: [{port: 80}]}\n",
        &["5:19: metadata.labels[\"a.b/c\"]: expected text, found the integer 5; put it in quotes"],
    );
}

#[test]
fn times_are_times() {
    check(
        "apiVersion: v1\nkind: Service\nmetadata: {name: a, creationTimestamp: yesterday}\nspec: {ports: [{port: 80}]}\n",
        &[
            "3:40: metadata.creationTimestamp: \"yesterday\" is not a time; write it as in 2006-01-02T15:04:05Z",
        ],
    );
    let text = format!(
        "{}spec: {{}}\n",
        PROXY.replace("name: a", "name: a, creationTimestamp: 2024-05-06T07:08:09Z")
    );
    assert_eq!(json(&text)["metadata"]["creationTimestamp"], "2024-05-06T07:08:09Z");
}

#[test]
fn an_integer_or_text_is_either() {
    check_service(
        "  ports: [{port: 80, targetPort: web}, {name: b, port: 81, targetPort: [1]}]\n",
        &[
            "5:11: spec.ports[0].name: required, but missing: each of several ports needs a name",
            "5:72: spec.ports[1].targetPort: expected an integer or text, found a list",
        ],
    );
}

#[test]
fn defaults_of_the_schema_are_filled_in() {
    let text = format!("{PROXY}spec: {{routes: [{{requestRedirectPolicy: {{hostname: a.b}}}}]}}\n");
    assert_eq!(json(&text)["spec"]["routes"][0]["requestRedirectPolicy"]["statusCode"], 302);
}

#[test]
fn status_and_managed_fields_are_passed_over() {
    let plain = format!("{PROXY}spec: {{}}\n");
    let noisy = format!(
        "{}spec: {{}}\nstatus: {{x: [y]}}\n",
        PROXY.replace("name: a", "name: a, managedFields: 5")
    );
    check(&noisy, &[]);
    assert_eq!(json(&noisy), json(&plain));
}

#[test]
fn equal_objects_have_equal_digests() {
    let digest = |text: &str| match read(text).objects[0].form {
        Form::Good { digest, .. } => digest,
        Form::Broken { .. } => panic!("{:?}", findings(text)),
    };
    let block = format!("{PROXY}spec:\n  virtualhost:\n    fqdn: a.b # comment\n");
    assert_eq!(digest(&block), digest(&format!("{PROXY}spec: {{virtualhost: {{fqdn: a.b}}}}\n")));
    assert_ne!(digest(&block), digest(&format!("{PROXY}spec: {{virtualhost: {{fqdn: a.c}}}}\n")));
}
