//! The configuration file as text.

use std::path::Path;

use super::super::file;
use super::{check_problems, resolved};

/// Checks that a file says nothing but defaults.
#[track_caller]
fn check_silent(text: &str) {
    assert_eq!(resolved(text), resolved(""));
}

#[test]
fn an_empty_file_says_nothing() {
    for text in ["", "# only a comment\n", "---\n", "{}", "\u{feff}\n", "~"] {
        check_silent(text);
    }
}

#[test]
fn null_says_nothing() {
    check_silent(
        "debug:\ntls:\n  cipher-suites:\n  minimum-protocol-version: ~\ntracing:\nserver:\n",
    );
    check_silent("timeouts: {connection-idle-timeout: }\npolicy: {request-headers: {set: }}");
}

#[test]
fn only_the_first_document_counts() {
    check_silent("---\n---\nno-such-key: 1\n");
    check_silent("{}\n---\n[broken\n");
}

#[test]
fn a_part_of_a_block_leaves_the_rest_as_it_is() {
    let resolved = resolved("timeouts: {request-timeout: 1s}").unwrap();
    let idle = &resolved.envoy.timeouts.connection_idle;
    assert_eq!(*idle, contour_envoy::config::Timeouts::default().connection_idle);
}

#[test]
fn numbers_and_booleans_are_texts_where_texts_are_expected() {
    let text = "tls: {minimum-protocol-version: 1.2}\nruntime-settings: {a: false, b: 0x10, c: 1.20, d: yes, e: }";
    let resolved = resolved(text).unwrap();
    let values: Vec<_> = resolved.envoy.runtime.values().map(String::as_str).collect();
    assert_eq!(values, ["false", "0x10", "1.20", "yes", ""]);
}

#[test]
fn booleans_may_be_those_of_yaml_1_1() {
    for (word, expect) in
        [("yes", true), ("On", true), ("true", true), ("no", false), ("off", false)]
    {
        assert_eq!(resolved(&format!("debug: {word}")).unwrap().edges.debug_log, expect);
    }
}

#[test]
fn anchors_and_merge_keys_work() {
    let text = "cluster: {upstream-tls: &tls {minimum-protocol-version: '1.3'}}\ntls: {<<: *tls, ecdh-curves: [P-256]}";
    let features = resolved(text).unwrap().features;
    assert_eq!(features.tls.min, features.upstream_tls.min);
    assert_eq!(features.tls.curves, ["P-256"]);
}

#[test]
fn keys_of_api_types_may_be_in_camel_case() {
    let lower = "globalExtAuth: {extensionService: a/b, serviceType: http, httpSettings: {pathprefix: /p, allowedupstreamheaders: [{exact: a, ignorecase: true}]}}";
    let camel = lower
        .replace("pathprefix", "pathPrefix")
        .replace("allowedupstreamheaders", "allowedUpstreamHeaders")
        .replace("ignorecase", "ignoreCase");
    assert_eq!(resolved(lower).unwrap().features, resolved(&camel).unwrap().features);
}

#[test]
fn both_forms_of_a_key_are_one_key_given_twice() {
    check_problems(
        "globalExtAuth:\n  httpSettings:\n    pathprefix: /a\n    pathPrefix: /b\n",
        &[
            "c.yaml:4:5: globalExtAuth.httpSettings.pathPrefix: given before, in line 3; leave one of them",
        ],
    );
}

#[test]
fn a_key_given_twice_is_refused() {
    check_problems(
        "debug: true\ndebug: true\n",
        &["c.yaml:2:1: debug: given before, in line 1; leave one of them"],
    );
}

#[test]
fn an_unknown_key_is_refused_with_a_guess() {
    check_problems("debgu: true", &["c.yaml:1:1: debgu: unknown key; did you mean \"debug\"?"]);
    check_problems(
        "timeouts:\n  requestTimeout: 1s\n",
        &["c.yaml:2:3: timeouts.requestTimeout: unknown key; did you mean \"request-timeout\"?"],
    );
    check_problems(
        "minimum-protocol-version: 1.2",
        &[
            "c.yaml:1:1: minimum-protocol-version: unknown key; did you mean one of \"tls.minimum-protocol-version\", \"cluster.upstream-tls.minimum-protocol-version\"?",
        ],
    );
    check_problems(
        "network: {x: 1}",
        &[
            "c.yaml:1:11: network.x: unknown key; known here: admin-port, num-trusted-hops, strip-trailing-host-dot",
        ],
    );
    check_problems(
        "server: {xds-server-type: envoy}",
        &["c.yaml:1:10: server.xds-server-type: unknown key; nothing may be here"],
    );
    check_problems(
        "tracing: {extensionService: a/b, customTags: [{tagName: a, litteral: b}]}",
        &["c.yaml:1:60: tracing.customTags[0].litteral: unknown key; did you mean \"literal\"?"],
    );
}

#[test]
fn a_wrong_type_is_refused() {
    check_problems("debug: 1", &["c.yaml:1:8: debug: expected true or false, found the integer 1"]);
    check_problems(
        "debug: 'true'",
        &[
            "c.yaml:1:8: debug: expected true or false, found the text \"true\"; take the quotes away",
        ],
    );
    check_problems(
        "network:\n  admin-port: [1]\n",
        &["c.yaml:2:15: network.admin-port: expected a whole number, found a list"],
    );
    check_problems("tls: 1.2", &["c.yaml:1:6: tls: expected a mapping, found the number 1.2"]);
    check_problems(
        "json-fields: path",
        &["c.yaml:1:14: json-fields: expected a list of texts, found the text \"path\""],
    );
    check_problems(
        "json-fields: [[a]]",
        &["c.yaml:1:15: json-fields[0]: expected text, found a list"],
    );
    check_problems(
        "runtime-settings: {a: {b: c}}",
        &["c.yaml:1:23: runtime-settings.a: expected text, found a mapping"],
    );
    check_problems("- a", &["c.yaml:1:1: expected a mapping, found a list"]);
}

#[test]
fn a_value_out_of_range_is_refused() {
    check_problems(
        "listener: {socket-options: {tos: 256}}",
        &[
            "c.yaml:1:34: listener.socket-options.tos: 256 is out of range; give a number from 0 to 255",
        ],
    );
    check_problems(
        "listener: {max-connections-per-listener: 0}",
        &[
            "c.yaml:1:42: listener.max-connections-per-listener: 0 is out of range; give a number from 1 to 4294967295",
        ],
    );
    check_problems(
        "accesslog-level: errr",
        &[
            "c.yaml:1:18: accesslog-level: \"errr\" is not one of info, error, critical, disabled; did you mean \"error\"?",
        ],
    );
}

#[test]
fn no_yaml_is_refused_where_it_ends_to_be() {
    let problems = resolved("debug: true\n  x: [\n").expect_err("no YAML").to_string();
    assert!(problems.starts_with("c.yaml:2:"), "{problems}");
}

#[test]
fn all_mistakes_are_told_in_the_order_of_the_text() {
    check_problems(
        "x1: 1\ndebug: 1\nincluster: 1\n",
        &[
            "c.yaml:1:1: x1: unknown key; known here: accesslog-format, accesslog-format-string, accesslog-level, cluster, compression, debug, default-http-versions, disableAllowChunkedLength, disableMergeSlashes, disablePermitInsecure, enableExternalNameService, envoy-service-name, envoy-service-namespace, featureFlags, gateway, globalExtAuth, incluster, ingress-status-address, json-fields, kubeconfig, kubernetesClientBurst, kubernetesClientQPS, listener, metrics, network, omEnforcedHealthListener, policy, rateLimitService, runtime-settings, server, serverHeaderTransformation, timeouts, tls, tracing",
            "c.yaml:2:8: debug: expected true or false, found the integer 1",
            "c.yaml:3:12: incluster: expected true or false, found the integer 1",
        ],
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let problems = file::read(Path::new("no/such/file")).expect_err("no file");
    assert_eq!(problems.to_string(), "--config-path: there is no file no/such/file");
    let problems = file::read(Path::new("/")).expect_err("a directory");
    assert_eq!(problems.to_string(), "--config-path: / is a directory; give a file");
}
