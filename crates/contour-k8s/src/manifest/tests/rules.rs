//! What the API server checks beyond schemas.

use super::*;

#[test]
fn service_ports_are_ports() {
    check_service(
        "  ports: [{port: 0}]\n",
        &["5:18: spec.ports[0].port: 0 is not a port; ports are 1 to 65535"],
    );
    check_service(
        "  ports: [{port: 80, targetPort: 70000}]\n",
        &["5:34: spec.ports[0].targetPort: 70000 is not a port; ports are 1 to 65535"],
    );
    check_service("  ports: [{name: a}]\n", &["5:11: spec.ports[0].port: required, but missing"]);
}

#[test]
fn service_port_names_are_unique_labels() {
    check_service(
        "  ports: [{name: a, port: 1}, {name: a, port: 2}, {name: A, port: 3}]\n",
        &[
            "5:38: spec.ports[1].name: port 0 is called \"a\" already",
            "5:58: spec.ports[2].name: \"A\" is not a DNS label: write lower-case letters, digits and dashes",
        ],
    );
}

#[test]
fn a_service_has_a_port_once_per_protocol() {
    check_service("  ports: [{name: a, port: 1}, {name: b, port: 1, protocol: UDP}]\n", &[]);
    check_service(
        "  ports: [{name: a, port: 1}, {name: b, port: 1, protocol: TCP}]\n",
        &["5:47: spec.ports[1].port: port 0 is 1 of TCP already"],
    );
}

#[test]
fn a_service_needs_ports_unless_headless_or_external() {
    check_service("  selector: {a: b}\n", &["5:3: spec.ports: required, but missing"]);
    check_service("  clusterIP: None\n", &[]);
    check_service("  {type: ExternalName, externalName: a.b}\n", &[]);
}

#[test]
fn service_types_and_protocols_are_closed() {
    check_service(
        "  {type: Headless, ports: [{port: 1, protocol: tcp}]}\n",
        &[
            "5:10: spec.type: \"Headless\" is not one of ClusterIP, NodePort, LoadBalancer, ExternalName",
            "5:48: spec.ports[0].protocol: \"tcp\" is not one of TCP, UDP, SCTP",
        ],
    );
}

#[track_caller]
fn check_path(path: &str, expect: &[&str]) {
    let backend = "backend: {service: {name: a, port: {number: 80}}}";
    check_ingress(
        &format!("  rules:\n  - http:\n      paths:\n      - {{{path}, {backend}}}\n"),
        expect,
    );
}

#[test]
fn ingress_paths_are_absolute_and_normalized() {
    check_path("pathType: Prefix, path: /a", &[]);
    check_path(
        "pathType: Prefix, path: a",
        &[
            "8:34: spec.rules[0].http.paths[0].path: \"a\" is not an absolute path: begin it with a slash",
        ],
    );
    check_path(
        "pathType: Exact",
        &[
            "8:9: spec.rules[0].http.paths[0].path: \"\" is not an absolute path: begin it with a slash",
        ],
    );
    check_path(
        "pathType: Exact, path: /a/../b",
        &[
            "8:33: spec.rules[0].http.paths[0].path: \"/a/../b\" contains \"/../\", which no normalized path does",
        ],
    );
    check_path(
        "pathType: Prefix, path: /a/..",
        &[
            "8:34: spec.rules[0].http.paths[0].path: \"/a/..\" contains \"/..\", which no normalized path does",
        ],
    );
    check_path("pathType: ImplementationSpecific", &[]);
    check_path("pathType: ImplementationSpecific, path: //.*", &[]);
}

#[test]
fn ingress_path_types_are_required_and_closed() {
    check_path("path: /", &["8:9: spec.rules[0].http.paths[0].pathType: required, but missing"]);
    check_path(
        "path: /, pathType: Regex",
        &[
            "8:29: spec.rules[0].http.paths[0].pathType: \"Regex\" is not one of Exact, Prefix, ImplementationSpecific",
        ],
    );
}

#[track_caller]
fn check_backend(backend: &str, expect: &[&str]) {
    check_ingress(&format!("  defaultBackend: {backend}\n"), expect);
}

#[test]
fn an_ingress_backend_is_one_thing() {
    let resource = "resource: {kind: A, name: a}";
    check_backend(&format!("{{{resource}}}"), &[]);
    check_backend(
        "{}",
        &["5:19: spec.defaultBackend: names nothing; write `service` or `resource`"],
    );
    check_backend(
        &format!("{{service: {{name: a, port: {{number: 1}}}}, {resource}}}"),
        &["5:19: spec.defaultBackend: has both `service` and `resource`; write one of them"],
    );
}

#[test]
fn an_ingress_service_has_one_port() {
    check_backend("{service: {name: a, port: {name: b}}}", &[]);
    check_backend(
        "{service: {name: a}}",
        &["5:29: spec.defaultBackend.service.port: required, but missing"],
    );
    check_backend(
        "{service: {name: a, port: {}}}",
        &["5:45: spec.defaultBackend.service.port: says no port; write `name` or `number`"],
    );
    check_backend(
        "{service: {name: a, port: {name: b, number: 1}}}",
        &[
            "5:45: spec.defaultBackend.service.port: has both `name` and `number`; write one of them",
        ],
    );
    check_backend(
        "{service: {name: a, port: {number: 65536}}}",
        &[
            "5:54: spec.defaultBackend.service.port.number: 65536 is not a port; ports are 1 to 65535",
        ],
    );
}

#[track_caller]
fn check_host(host: &str, expect: Option<&str>) {
    let expect = expect.map(|message| format!("5:18: spec.rules[0].host: {host:?} {message}"));
    let expect: Vec<&str> = expect.as_deref().into_iter().collect();
    check_ingress(&format!("  rules: [{{host: '{host}'}}]\n"), &expect);
}

#[test]
fn ingress_hosts_are_dns_names() {
    check_host("a.example", None);
    check_host("*.example", None);
    check_host("", None);
    check_host("a.example:80", Some("is not a DNS name: leave out the port"));
    check_host("10.0.0.1", Some("is an address; a host is a DNS name"));
    check_host("::1", Some("is an address; a host is a DNS name"));
    check_host("a.*.example", Some("is not a DNS name: `*` may only be its whole first label"));
    check_host("*", Some("is not a DNS name: `*` may only be its whole first label"));
    check_host(
        "A.example",
        Some("is not a DNS name: write lower-case letters, digits, dots and dashes"),
    );
}

#[test]
fn ingress_tls_hosts_are_dns_names() {
    check_ingress(
        "  {defaultBackend: {resource: {kind: A, name: a}}, tls: [{hosts: [a_b]}]}\n",
        &[
            "5:67: spec.tls[0].hosts[0]: \"a_b\" is not a DNS name: write lower-case letters, digits, dots and dashes",
        ],
    );
}

#[test]
fn an_ingress_serves_something() {
    check_ingress(
        "  ingressClassName: a\n",
        &["5:3: spec: says nothing to serve: write `rules` or `defaultBackend`"],
    );
    check_ingress(
        "  rules: [{http: {paths: []}}]\n",
        &["5:26: spec.rules[0].http.paths: has no path; write at least one"],
    );
    check(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\n",
        &["1:1: spec: required, but missing"],
    );
}

#[test]
fn endpoint_slices_say_their_type_of_address() {
    check_slice("endpoints: []\n", &["1:1: addressType: required, but missing"]);
    check_slice(
        "addressType: IPv5\n",
        &["4:14: addressType: \"IPv5\" is not one of IPv4, IPv6, FQDN"],
    );
}

#[test]
fn addresses_are_of_the_type_of_the_slice() {
    check_slice(
        "addressType: IPv4\nendpoints:\n- addresses: [127.0.0.1, '::1', a.b]\n- addresses: []\n- {}\n",
        &[
            "6:26: endpoints[0].addresses[1]: \"::1\" is not an address of type IPv4",
            "6:33: endpoints[0].addresses[2]: \"a.b\" is not an address of type IPv4",
            "7:14: endpoints[1].addresses: has no address; write at least one",
            "8:3: endpoints[2].addresses: required, but missing",
        ],
    );
    check_slice(
        "addressType: IPv6\nendpoints: [{addresses: ['::1', 10.0.0.1]}]\n",
        &["5:33: endpoints[0].addresses[1]: \"10.0.0.1\" is not an address of type IPv6"],
    );
    check_slice("addressType: FQDN\nendpoints: [{addresses: [a.b]}]\n", &[]);
}

#[test]
fn endpoint_slices_have_ports_in_range() {
    check_slice(
        "addressType: IPv4\nendpoints: null\nports: [{name: a, port: 0}, {name: a, port: 65535, protocol: X}]\n",
        &[
            "6:25: ports[0].port: 0 is not a port; ports are 1 to 65535",
            "6:36: ports[1].name: port 0 is called \"a\" already",
            "6:62: ports[1].protocol: \"X\" is not one of TCP, UDP, SCTP",
        ],
    );
}
