//! `contour bootstrap`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use contour_tests::program::{Ended, Program};
use tempfile::TempDir;

use super::check_error;
use super::manifests::directory;
use super::program::contour;

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
fn nothing_is_the_default() {
    let flags = ["--xds-address", "", "--xds-port", "0", "--admin-port", "0"];
    check(flags, ADDRESS, json!({"address": "127.0.0.1", "port_value": 8001}));
    let name = "/static_resources/clusters/1/alt_stat_name";
    check(flags, name, json!("projectcontour_envoy-admin_9001"));
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_refused() {
    let long = format!("/{}", "a".repeat(107));
    check_socket(&long);
}

#[test]
fn an_address_of_the_network_is_no_socket() {
    for address in ["localhost", "127.0.0.1", "::1"] {
        check_socket(address);
    }
}

#[track_caller]
fn check_socket(address: &str) {
    check_refused(
        ["-", "--admin-address", address],
        &format!(
            "--admin-address {address:?} cannot be the path of a unix socket: give a path of 1 to 107 bytes, no address"
        ),
    );
}

/// Files of TLS in a directory: their names, and what is in them.
fn tls_files(files: &[(&str, &str)]) -> (TempDir, Vec<String>) {
    let directory = directory(files);
    let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
    let flags = [
        ("--envoy-cafile", "ca.crt"),
        ("--envoy-cert-file", "tls.crt"),
        ("--envoy-key-file", "tls.key"),
    ];
    let flags = flags.into_iter().flat_map(|(flag, name)| [flag.to_owned(), path(name)]);
    let flags = flags.collect();
    (directory, flags)
}

const FILES: [(&str, &str); 3] = [("ca.crt", "ca"), ("tls.crt", "certificate"), ("tls.key", "key")];

fn bootstrap(arguments: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>) -> Ended {
    let mut command = contour(["bootstrap"]);
    command.args(arguments);
    Program::start(command).end()
}

const CONTEXT: &str =
    "/static_resources/clusters/0/transport_socket/typed_config/common_tls_context";

#[test]
fn the_files_of_tls_are_named_in_the_cluster() {
    let (directory, mut flags) = tls_files(&FILES);
    flags.insert(0, "-".to_owned());
    let found: Value = serde_json::from_str(&bootstrap(flags).out).expect("JSON");
    let key = found.pointer(&format!("{CONTEXT}/tls_certificates/0/private_key/filename"));
    assert_eq!(key, Some(&json!(directory.path().join("tls.key"))));
}

#[test]
fn with_a_directory_for_resources_they_are_named_there_and_nobody_else_may_read_anything() {
    let (directory, mut flags) = tls_files(&FILES);
    let (file, resources) = (directory.path().join("envoy.json"), directory.path().join("a/b"));
    flags.insert(0, file.to_str().expect("text").to_owned());
    flags.extend(["--resources-dir".to_owned(), resources.to_str().expect("text").to_owned()]);
    let ended = bootstrap(flags);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(
        (mode(&file), mode(&resources), mode(&resources.join("sds"))),
        (0o600, 0o700, 0o700)
    );
    for (name, pointer, expect) in [
        (
            "xds-tls-certificate.json",
            "/resources/0/tls_certificate/private_key/filename",
            "tls.key",
        ),
        (
            "xds-validation-context.json",
            "/resources/0/validation_context/trusted_ca/filename",
            "ca.crt",
        ),
    ] {
        let path = resources.join("sds").join(name);
        assert_eq!(mode(&path), 0o600);
        let text = fs::read_to_string(&path).expect("a file");
        let found: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(found.pointer(pointer), Some(&json!(directory.path().join(expect))));
        let written = fs::read_to_string(&file).expect("a file");
        assert!(written.contains(path.to_str().expect("text")), "{written}");
    }
}

#[test]
fn the_files_of_tls_may_come_from_the_environment() {
    let (directory, _) = tls_files(&FILES);
    let mut command = contour(["bootstrap", "-"]);
    command.env("ENVOY_CAFILE", directory.path().join("ca.crt"));
    command.env("ENVOY_CERT_FILE", directory.path().join("tls.crt"));
    command.env("ENVOY_KEY_FILE", directory.path().join("tls.key"));
    assert!(Program::start(command).end().out.contains("UpstreamTlsContext"));
}

#[test]
fn some_files_of_tls_without_the_others_are_refused() {
    check_refused(
        ["-", "--envoy-cafile", "ca.crt"],
        "--envoy-cert-file, --envoy-key-file not given: TLS needs --envoy-cafile, --envoy-cert-file and --envoy-key-file; without any of them xDS is plain text",
    );
}

#[test]
fn a_file_of_tls_that_is_empty_or_missing_is_named_and_nothing_is_written() {
    let (directory, flags) =
        tls_files(&[("ca.crt", ""), ("tls.crt", "certificate"), ("tls.key", "key")]);
    let file = directory.path().join("envoy.json");
    let arguments =
        |flags: &[String]| [vec![file.to_str().expect("text").to_owned()], flags.to_vec()].concat();
    let path = directory.path().join("ca.crt");
    check_error(
        &bootstrap(arguments(&flags)),
        &format!("{} (--envoy-cafile) is empty", path.display()),
    );
    fs::remove_file(directory.path().join("tls.crt")).expect("it is there");
    let path = directory.path().join("tls.crt");
    check_error(
        &bootstrap(arguments(&flags)),
        &format!(
            "cannot read {} (--envoy-cert-file): No such file or directory (os error 2)",
            path.display()
        ),
    );
    assert!(!file.exists());
}

#[test]
fn limits_of_envoy_are_those_of_the_flags() {
    check(
        ["--overload-max-heap", "1000", "--overload-downstream-max-conn", "7"],
        "/overload_manager/resource_monitors/0/typed_config/max_heap_size_bytes",
        json!("1000"),
    );
}

#[test]
fn less_than_no_connection_is_refused() {
    let ended = bootstrap(["-", "--overload-downstream-max-conn=-1"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("--overload-downstream-max-conn"), "{}", ended.err);
}

#[test]
fn there_is_one_version_of_xds() {
    check(
        ["--xds-resource-version", "v3"],
        ADDRESS,
        json!({"address": "127.0.0.1", "port_value": 8001}),
    );
    let ended = bootstrap(["-", "--xds-resource-version", "v2"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("v2") && ended.err.contains("v3"), "{}", ended.err);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    check_refused(
        ["no/such/directory/envoy.json"],
        "cannot write no/such/directory/envoy.json: No such file or directory (os error 2)",
    );
}
