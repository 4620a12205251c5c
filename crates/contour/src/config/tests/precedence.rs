//! Who counts.

use super::super::{Base, Environment, Settings, resolve};
use super::{given, of_spec, with_flags};

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::new(|name| {
        variables.iter().find(|(each, _)| *each == name).map(|(_, value)| (*value).to_owned())
    })
}

/// What is told of a setting, without a file: value and origin.
#[track_caller]
fn check(flags: &[&str], variables: &[(&str, &str)], key: &str, expect: (&str, &str)) {
    let resolved = resolve(&given(flags), Base::Nothing, &environment(variables)).unwrap();
    let explained = resolved.explain().into_iter().find(|each| each.key == key).expect("a key");
    assert_eq!((explained.value.as_str(), explained.origin.as_str()), expect);
}

#[test]
fn defaults_come_first_then_the_environment_then_flags() {
    check(&[], &[], "--contour-cafile", ("/certs/ca.crt", "default"));
    let variable = [("CONTOUR_CAFILE", "/e")];
    check(&[], &variable, "--contour-cafile", ("/e", "environment CONTOUR_CAFILE"));
    check(&["--contour-cafile=/f"], &variable, "--contour-cafile", ("/f", "--contour-cafile"));
}

#[test]
fn an_empty_variable_or_flag_says_nothing() {
    let key = "--leader-election-resource-namespace";
    check(&[], &[("CONTOUR_NAMESPACE", "")], key, ("projectcontour", "default"));
    check(&["--xds-address="], &[], "--xds-address", ("127.0.0.1", "default"));
}

#[test]
fn the_kubeconfig_is_at_home() {
    check(&[], &[("HOME", "/root")], "kubeconfig", ("/root/.kube/config", "environment HOME"));
}

#[test]
fn the_file_goes_before_the_environment() {
    let file = super::super::file::parse("c.yaml", "envoy-service-namespace: f").unwrap();
    let environment = environment(&[("CONTOUR_NAMESPACE", "e")]);
    let resolved = resolve(&Settings::default(), Base::File(&file), &environment).unwrap();
    let told = resolved.explain().into_iter().find(|each| each.key == "envoy-service-namespace");
    assert_eq!(told.expect("a key").value, "f");
}

#[test]
fn a_flag_goes_before_the_file() {
    let resolved = with_flags("debug: true", &["--no-debug"]).unwrap();
    assert!(!resolved.edges.debug_log);
}

#[test]
fn the_file_goes_before_flags_for_addresses_of_metrics() {
    let text = "metrics: {contour: {port: 1}, envoy: {port: 2}}";
    let resolved = with_flags(text, &["--http-port=3", "--stats-port=4"]).unwrap();
    assert_eq!(resolved.edges.metrics.endpoint.port, 1);
    let binds = resolved.envoy.addresses.get();
    assert_eq!((binds.stats.port.get(), binds.health.port.get()), (2, 4));
}

#[test]
fn with_a_contour_configuration_most_flags_and_variables_are_mute() {
    let flags = ["--xds-port=1", "--envoy-service-http-port=2", "--watch-namespaces=a", "--debug"];
    let variables = [("CONTOUR_NAMESPACE", "e"), ("CONTOUR_CAFILE", "/e")];
    let resolved = of_spec("{}", &flags, &environment(&variables)).unwrap();
    let edges = &resolved.edges;
    assert_eq!(edges.xds.endpoint.to_string(), "0.0.0.0:8001");
    assert_eq!(resolved.envoy.addresses.get().http.port.get(), 8080);
    assert_eq!(edges.watch_namespaces.len(), 1);
    assert!(edges.debug_log);
    assert_eq!(edges.xds.tls.as_ref().unwrap().ca_file.to_str(), Some("/certs/ca.crt"));
    assert_eq!(edges.election.as_ref().unwrap().lease.namespace, "e");
    let expect = "ContourConfiguration n/c counts instead of --envoy-service-http-port, --xds-port";
    assert_eq!(resolved.notes, [expect]);
}

#[test]
fn only_with_a_file_connections_are_closed_after_a_minute() {
    let timeout = |resolved: super::Resolved| resolved.envoy.timeouts.connection_idle;
    let file = timeout(with_flags("", &[]).unwrap());
    let spec = timeout(of_spec("{}", &[], &Environment::default()).unwrap());
    assert_eq!(file, contour_envoy::config::Timeouts::default().connection_idle);
    assert_eq!(spec, contour_envoy::config::Timeout::Default);
    let empty = with_flags("timeouts: {connection-idle-timeout: ''}", &[]).unwrap();
    assert_eq!(timeout(empty), contour_envoy::config::Timeout::Default);
}

#[test]
fn the_usual_configuration_is_that_of_the_core() {
    let resolved = with_flags("", &[]).unwrap();
    assert_eq!(*resolved.envoy, contour_envoy::Config::default());
    let own_services = ["envoy", "contour"]
        .map(|name| contour_builder::ObjectName::new("projectcontour", name))
        .into();
    let expect = contour_builder::Config { own_services, ..contour_builder::Config::default() };
    assert_eq!(*resolved.builder, expect);
}

#[test]
fn lists_replace_the_default_and_an_empty_one_does_not() {
    let ciphers = |text| with_flags(text, &[]).unwrap().features.tls.ciphers.len();
    assert_eq!(ciphers("tls: {cipher-suites: [AES128-SHA]}"), 1);
    assert_eq!(ciphers("tls: {cipher-suites: []}"), 4);
}
