//! `contour bootstrap`.

use std::fs;

use serde_json::{Value, json};

use super::check_error;
use super::program::contour;
use contour_tests::program::Program;

/// Checks one value of the configuration that comes of these flags.
#[track_caller]
fn check<const N: usize>(flags: [&str; N], pointer: &str, expect: Value) {
    let mut command = contour(["bootstrap", "-"]);
    command.args(flags);
    let ended = Program::start(command).end();
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let found: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(found.pointer(pointer), Some(&expect), "{pointer} of\n{found:#}");
}

#[track_caller]
fn check_refused<const N: usize>(arguments: [&str; N], expect: &str) {
    let mut command = contour(["bootstrap"]);
    command.args(arguments);
    check_error(&Program::start(command).end(), expect);
}

const CONTOUR: &str = "/static_resources/clusters/0";
const ADDRESS: &str = "/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";

#[test]
fn without_flags_contour_is_on_loopback() {
    check([], ADDRESS, json!({"address": "127.0.0.1", "port_value": 8001}));
}

#[test]
fn contour_is_where_the_flags_say() {
    check(
        ["--xds-address", "10.0.0.7", "--xds-port", "9000"],
        ADDRESS,
        json!({"address": "10.0.0.7", "port_value": 9000}),
    );
}

#[test]
fn an_address_is_static_and_a_name_is_resolved() {
    check([], &format!("{CONTOUR}/type"), json!("STATIC"));
    check(["--xds-address", "contour.local"], &format!("{CONTOUR}/type"), json!("STRICT_DNS"));
}

#[test]
fn a_name_is_resolved_in_the_family_that_was_asked_for() {
    for (flag, expect) in [("auto", "AUTO"), ("v4", "V4_ONLY"), ("v6", "V6_ONLY"), ("all", "ALL")] {
        let flags = ["--xds-address", "contour.local", "--dns-lookup-family", flag];
        let mut command = contour(["bootstrap", "-"]);
        command.args(flags);
        let ended = Program::start(command).end();
        let found: Value = serde_json::from_str(&ended.out).expect("JSON");
        // Envoy's default may be left out.
        let found = found.pointer(&format!("{CONTOUR}/dns_lookup_family")).cloned();
        assert_eq!(found.unwrap_or(json!("AUTO")), json!(expect), "{flag}");
    }
}

#[test]
fn without_flags_one_incremental_stream_carries_everything() {
    check([], "/dynamic_resources/ads_config/api_type", json!("DELTA_GRPC"));
    check([], "/dynamic_resources/cds_config/ads", json!({}));
}

#[test]
fn separate_streams_are_upstreams_form() {
    let flags = ["--xds-protocol", "separate"];
    check(flags, "/dynamic_resources/cds_config/api_config_source/api_type", json!("GRPC"));
    check(flags, "/dynamic_resources/lds_config/api_config_source/api_type", json!("GRPC"));
}

#[test]
fn the_admin_interface_is_a_socket_where_the_flag_says() {
    check(
        ["--admin-address", "/run/envoy.sock"],
        "/admin/address/pipe/path",
        json!("/run/envoy.sock"),
    );
}

#[test]
fn names_in_statistics_are_those_of_the_flags() {
    let name = format!("{CONTOUR}/alt_stat_name");
    check(["--namespace", "edge"], &name, json!("edge_contour_8001"));
    let name = "/static_resources/clusters/1/alt_stat_name";
    check(["--admin-port", "9901"], name, json!("projectcontour_envoy-admin_9901"));
}

#[test]
fn the_namespace_may_come_from_the_environment() {
    let mut command = contour(["bootstrap", "-"]);
    command.env("CONTOUR_NAMESPACE", "edge");
    let ended = Program::start(command).end();
    assert!(ended.out.contains("\"edge_contour_8001\""), "{}", ended.out);
}

#[test]
fn a_file_holds_what_would_be_printed_and_nothing_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("envoy.json");
    let ended = Program::start(contour(["bootstrap", path.to_str().expect("text")])).end();
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(0), "", ""));
    let printed = Program::start(contour(["bootstrap", "-"])).end().out;
    assert_eq!(fs::read_to_string(path).expect("a file"), printed);
    assert!(printed.ends_with("}\n") && !printed.ends_with("\n\n"));
}

#[test]
fn an_empty_address_is_refused() {
    check_refused(
        ["-", "--xds-address", ""],
        "--xds-address is empty: give the address or the name of Contour",
    );
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_refused() {
    let long = format!("/{}", "a".repeat(107));
    check_refused(
        ["-", "--admin-address", &long],
        &format!(
            "--admin-address {long:?} cannot be the path of a unix socket: give a path of 1 to 107 bytes"
        ),
    );
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    check_refused(
        ["no/such/directory/envoy.json"],
        "cannot write no/such/directory/envoy.json: No such file or directory (os error 2)",
    );
}
