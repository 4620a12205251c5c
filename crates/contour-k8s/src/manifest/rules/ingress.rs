//! Rules of `networking.k8s.io/v1` `Ingress`.

use std::net::IpAddr;

use super::super::identity::is_subdomain;
use super::{one_of, port};
use crate::yaml::fault::{Faults, FieldPath};
use crate::yaml::tree::Node;

const PATH_TYPES: &[&str] = &["Exact", "Prefix", "ImplementationSpecific"];

pub(super) fn check(node: &Node<'_>, path: &FieldPath, faults: &mut Faults) {
    let Some(spec) = node.get("spec") else {
        return faults.push(node.at, path.to("spec"), "required, but missing");
    };
    let default_backend = spec.get("defaultBackend");
    if let Some(backend) = default_backend {
        check_backend(backend, &path.to("spec.defaultBackend"), faults);
    }
    let rules = spec.get("rules").map(Node::items).unwrap_or_default();
    if rules.is_empty() && default_backend.is_none() {
        let message = "says nothing to serve: write `rules` or `defaultBackend`";
        faults.push(spec.at, path.to("spec"), message);
    }
    for (index, rule) in rules.iter().enumerate() {
        check_rule(rule, &path.to(&format!("spec.rules[{index}]")), faults);
    }
    for (index, tls) in spec.get("tls").map(Node::items).unwrap_or_default().iter().enumerate() {
        for (at, host) in tls.get("hosts").map(Node::items).unwrap_or_default().iter().enumerate() {
            check_host(host, &path.to(&format!("spec.tls[{index}].hosts[{at}]")), faults);
        }
    }
}

fn check_rule(rule: &Node<'_>, field: &str, faults: &mut Faults) {
    if let Some(host) = rule.get("host") {
        check_host(host, &format!("{field}.host"), faults);
    }
    let Some(http) = rule.get("http") else { return };
    let Some(paths) = http.get("paths") else { return };
    if paths.items().is_empty() {
        faults.push(paths.at, format!("{field}.http.paths"), "has no path; write at least one");
    }
    for (index, path) in paths.items().iter().enumerate() {
        let field = format!("{field}.http.paths[{index}]");
        one_of(path.get("pathType"), &format!("{field}.pathType"), PATH_TYPES, faults);
        check_path(path, &format!("{field}.path"), faults);
        if let Some(backend) = path.get("backend") {
            check_backend(backend, &format!("{field}.backend"), faults);
        }
    }
}

/// `Exact` and `Prefix` match absolute paths without detours; the third type may leave the path out.
fn check_path(rule: &Node<'_>, field: &str, faults: &mut Faults) {
    let exacting = match rule.get("pathType").and_then(Node::text) {
        Some("Exact" | "Prefix") => true,
        Some("ImplementationSpecific") => false,
        // Reported as such.
        _ => return,
    };
    let path = rule.get("path");
    let (at, text) = match path.map(|path| (path, path.text())) {
        Some((_, None)) => return,
        Some((path, Some(text))) => (path.at, text),
        None => (rule.at, ""),
    };
    if text.is_empty() && !exacting {
        return;
    }
    if !text.starts_with('/') {
        return faults.push(
            at,
            field,
            format!("{text:?} is not an absolute path: begin it with a slash"),
        );
    }
    let detours = ["//", "/./", "/../", "%2f", "%2F"];
    let detour = detours.into_iter().find(|detour| text.contains(detour));
    let detour = detour.or_else(|| ["/.", "/.."].into_iter().find(|end| text.ends_with(end)));
    if let Some(detour) = detour.filter(|_| exacting) {
        faults.push(
            at,
            field,
            format!("{text:?} contains {detour:?}, which no normalized path does"),
        );
    }
}

fn check_host(node: &Node<'_>, field: &str, faults: &mut Faults) {
    let Some(host) = node.text() else { return };
    let name = host.strip_prefix("*.").unwrap_or(host);
    let message = if host.is_empty() {
        return;
    } else if host.parse::<IpAddr>().is_ok() {
        format!("{host:?} is an address; a host is a DNS name")
    } else if is_subdomain(name) {
        return;
    } else if name.contains(':') {
        format!("{host:?} is not a DNS name: leave out the port")
    } else if name.contains('*') {
        format!("{host:?} is not a DNS name: `*` may only be its whole first label")
    } else {
        format!("{host:?} is not a DNS name: write lower-case letters, digits, dots and dashes")
    };
    faults.push(node.at, field, message);
}

fn check_backend(backend: &Node<'_>, field: &str, faults: &mut Faults) {
    match (backend.get("service"), backend.get("resource")) {
        (Some(service), None) => check_service(service, &format!("{field}.service"), faults),
        (None, Some(_)) => {}
        (Some(_), Some(_)) => {
            faults.push(backend.at, field, "has both `service` and `resource`; write one of them");
        }
        (None, None) => {
            faults.push(backend.at, field, "names nothing; write `service` or `resource`");
        }
    }
}

fn check_service(service: &Node<'_>, field: &str, faults: &mut Faults) {
    let field = format!("{field}.port");
    let Some(reference) = service.get("port") else {
        return faults.push(service.at, field, "required, but missing");
    };
    let name = reference.get("name").filter(|name| name.text() != Some(""));
    match (name, reference.get("number")) {
        (None, number @ Some(_)) => port(number, &format!("{field}.number"), faults),
        (Some(_), None) => {}
        (Some(_), Some(_)) => {
            faults.push(reference.at, field, "has both `name` and `number`; write one of them");
        }
        (None, None) => faults.push(reference.at, field, "says no port; write `name` or `number`"),
    }
}
