use std::num::{NonZeroI64, NonZeroU64};

use super::*;
use crate::json::read;

fn written(bootstrap: &Bootstrap) -> Value {
    serde_json::from_str(&json(bootstrap)).unwrap()
}

/// Envoy's own description of the message decides whether fields, types and names are right.
#[track_caller]
fn check_known(bootstrap: &Bootstrap) {
    let written = written(bootstrap);
    assert_eq!(read("envoy.config.bootstrap.v3.Bootstrap", &written), Ok(written));
}

#[test]
fn every_field_is_one_of_envoys() {
    for dialect in Dialect::ALL {
        check_known(&Bootstrap { dialect, ..Bootstrap::default() });
    }
    check_known(&Bootstrap {
        xds_host: Host::parse("contour.example").unwrap(),
        dns_lookup_family: DnsLookupFamily::All,
        node_id: Some("envoy-1".to_owned()),
        node_cluster: Some("envoy".to_owned()),
        ..Bootstrap::default()
    });
}

fn tls(reading: Reading) -> Tls {
    let file = |name: &str| format!("/certs/{name}");
    Tls { ca_file: file("ca.crt"), cert_file: file("tls.crt"), key_file: file("tls.key"), reading }
}

#[test]
fn every_field_of_tls_and_of_limits_is_one_of_envoys() {
    for reading in [Reading::AtStart, Reading::WhenChanged("/config/resources".to_owned())] {
        let overload = Overload {
            max_heap: NonZeroU64::new(1_000_000_000),
            max_connections: NonZeroI64::new(50_000),
        };
        let tls = tls(reading);
        for file in tls.resource_files() {
            let written: Value = serde_json::from_str(&file.text).unwrap();
            let known = read("envoy.service.discovery.v3.DiscoveryResponse", &written);
            assert_eq!(known, Ok(written));
        }
        check_known(&Bootstrap { tls: Some(tls), overload, ..Bootstrap::default() });
    }
}

#[test]
fn files_that_are_read_again_are_named_by_files_beside_the_bootstrap() {
    let tls = tls(Reading::WhenChanged("/config/resources".to_owned()));
    let files: Vec<&str> = tls.resource_files().iter().map(|file| file.path).collect();
    assert_eq!(files, ["sds/xds-tls-certificate.json", "sds/xds-validation-context.json"]);
    let bootstrap = Bootstrap { tls: Some(tls), ..Bootstrap::default() };
    let context = format!("{CONTOUR}/transport_socket/typed_config/common_tls_context");
    let path = "sds_config/path_config_source/path";
    let certificate = format!("{context}/tls_certificate_sds_secret_configs/0/{path}");
    let expect = json!("/config/resources/sds/xds-tls-certificate.json");
    check(&bootstrap, &certificate, &expect);
    let validation = format!("{context}/validation_context_sds_secret_config/{path}");
    let expect = json!("/config/resources/sds/xds-validation-context.json");
    check(&bootstrap, &validation, &expect);
}

#[test]
fn contour_has_to_show_its_name() {
    let bootstrap = Bootstrap { tls: Some(tls(Reading::AtStart)), ..Bootstrap::default() };
    let context = format!("{CONTOUR}/transport_socket/typed_config/common_tls_context");
    let name = "validation_context/match_typed_subject_alt_names/0";
    check(&bootstrap, &format!("{context}/{name}/matcher/exact"), &json!("contour"));
    check(&bootstrap, &format!("{context}/{name}/san_type"), &json!("DNS"));
}

#[test]
fn limits_are_watched_that_are_given() {
    check(&Bootstrap::default(), "/overload_manager", &Value::Null);
    let overload = Overload { max_heap: NonZeroU64::new(100), max_connections: None };
    let bootstrap = Bootstrap { overload, ..Bootstrap::default() };
    check(
        &bootstrap,
        "/overload_manager/resource_monitors/0/typed_config/max_heap_size_bytes",
        &json!("100"),
    );
    check(&bootstrap, "/overload_manager/resource_monitors/1", &Value::Null);
    check(
        &bootstrap,
        "/overload_manager/actions/1/name",
        &json!("envoy.overload_actions.stop_accepting_requests"),
    );
    let overload = Overload { max_heap: None, max_connections: NonZeroI64::new(7) };
    let bootstrap = Bootstrap { overload, ..Bootstrap::default() };
    check(
        &bootstrap,
        "/overload_manager/resource_monitors/0/typed_config/max_active_downstream_connections",
        &json!("7"),
    );
    check(&bootstrap, "/overload_manager/actions", &Value::Null);
}

#[track_caller]
fn check(bootstrap: &Bootstrap, pointer: &str, expect: &Value) {
    assert_eq!(written(bootstrap).pointer(pointer), Some(expect).filter(|each| !each.is_null()));
}

#[test]
fn our_form_is_aggregated_and_incremental() {
    let bootstrap = Bootstrap::default();
    check(&bootstrap, "/dynamic_resources/ads_config/api_type", &json!("DELTA_GRPC"));
    let ads = json!({ "ads": {}, "resource_api_version": "V3" });
    check(&bootstrap, "/dynamic_resources/lds_config", &ads);
    check(&bootstrap, "/dynamic_resources/cds_config", &ads);
    check(&bootstrap, "/layered_runtime/layers/1/rtds_layer/rtds_config", &ads);
}

#[test]
fn upstreams_form_is_a_stream_for_each_type() {
    let bootstrap = Bootstrap { dialect: Dialect::Separate, ..Bootstrap::default() };
    check(&bootstrap, "/dynamic_resources/ads_config", &Value::Null);
    for pointer in [
        "/dynamic_resources/lds_config",
        "/dynamic_resources/cds_config",
        "/layered_runtime/layers/1/rtds_layer/rtds_config",
    ] {
        let expect = json!({
            "resource_api_version": "V3",
            "api_config_source": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [
                    { "envoy_grpc": { "cluster_name": "contour", "authority": "contour" } },
                ],
            },
        });
        check(&bootstrap, pointer, &expect);
    }
}

#[test]
fn runtime_layers_are_in_order_of_precedence() {
    let layers = written(&Bootstrap::default())["layered_runtime"]["layers"].clone();
    let names: Vec<_> = layers.as_array().unwrap().iter().map(|each| &each["name"]).collect();
    assert_eq!(names, ["static", "dynamic", "admin"]);
    let limits = json!({
        "re2.max_program_size.error_level": 1_048_576, "re2.max_program_size.warn_level": 1_000,
    });
    assert_eq!(layers[0]["static_layer"], limits);
}

const CONTOUR: &str = "/static_resources/clusters/0";

#[track_caller]
fn check_host(text: &str, discovery: &str, compatible: &Value) {
    let xds_host = Host::parse(text).unwrap();
    let bootstrap = Bootstrap { xds_host, ..Bootstrap::default() };
    check(&bootstrap, &format!("{CONTOUR}/type"), &json!(discovery));
    let endpoint = "load_assignment/endpoints/0/lb_endpoints/0/endpoint";
    let address = format!("{CONTOUR}/{endpoint}/address/socket_address");
    check(&bootstrap, &format!("{address}/address"), &json!(text));
    check(&bootstrap, &format!("{address}/port_value"), &json!(8001));
    check(&bootstrap, &format!("{address}/ipv4_compat"), compatible);
}

#[test]
fn contour_is_found_by_address_or_by_name() {
    check_host("127.0.0.1", "STATIC", &Value::Null);
    check_host("::1", "STATIC", &Value::Null);
    check_host("::", "STATIC", &json!(true));
    check_host("contour", "STRICT_DNS", &Value::Null);
    assert_eq!(Host::parse(""), None);
}

#[test]
fn statistics_name_namespace_and_port() {
    let bootstrap = Bootstrap { namespace: "gate".to_owned(), ..Bootstrap::default() };
    check(&bootstrap, &format!("{CONTOUR}/alt_stat_name"), &json!("gate_contour_8001"));
    let admin = "/static_resources/clusters/1/alt_stat_name";
    check(&bootstrap, admin, &json!("gate_envoy-admin_9001"));
}

#[test]
fn the_admin_interface_is_a_unix_socket() {
    let admin_socket = SocketPath::new("/run/admin.sock").unwrap();
    let bootstrap = Bootstrap { admin_socket, ..Bootstrap::default() };
    let pipe = json!({ "pipe": { "path": "/run/admin.sock", "mode": 420 } });
    check(&bootstrap, "/admin/address", &pipe);
    let endpoint = "load_assignment/endpoints/0/lb_endpoints/0/endpoint/address";
    check(&bootstrap, &format!("/static_resources/clusters/1/{endpoint}"), &pipe);
}

#[test]
fn a_socket_path_fits_the_systems_addresses() {
    assert!(SocketPath::new("a".repeat(107)).is_some());
    assert_eq!(SocketPath::new("a".repeat(108)), None);
    assert_eq!(SocketPath::new(""), None);
    assert_eq!(SocketPath::new("a\0"), None);
}

#[test]
fn the_node_is_named_if_asked_to() {
    check(&Bootstrap::default(), "/node", &Value::Null);
    let bootstrap = Bootstrap { node_id: Some("one".to_owned()), ..Bootstrap::default() };
    check(&bootstrap, "/node", &json!({ "id": "one" }));
}
