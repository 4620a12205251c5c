//! What the API server checks of Kubernetes' own kinds beyond their schemas, as far as it matters here.
//!
//! A rule looks at the tree, which may be of any form: what the schema refuses is reported once, by the schema.

mod endpoint_slice;
mod ingress;
mod secret;
mod service;

use std::collections::BTreeMap;

use contour_builder::Kind;

use super::identity::is_label;
use crate::yaml::fault::{Faults, FieldPath};
use crate::yaml::tree::Node;

/// Adds to `faults` what the rules of `kind` find in `node`, which stands at `path`.
pub(super) fn check(kind: Kind, node: &Node<'_>, path: &FieldPath, faults: &mut Faults) {
    match kind {
        // Its schema says all that the API server checks.
        Kind::HttpProxy => {}
        Kind::Ingress => ingress::check(node, path, faults),
        Kind::Service => service::check(node, path, faults),
        Kind::EndpointSlice => endpoint_slice::check(node, path, faults),
        Kind::Secret => secret::check(node, path, faults),
    }
}

/// A port number, if there is one.
fn port(node: Option<&Node<'_>>, field: &str, faults: &mut Faults) {
    let Some((node, number)) = node.and_then(|node| Some((node, node.integer()?))) else { return };
    if !(1..=65535).contains(&number) {
        faults.push(node.at, field, format!("{number} is not a port; ports are 1 to 65535"));
    }
}

/// The names of ports are unique labels.
fn port_names(ports: &[Node<'_>], field: &str, faults: &mut Faults) {
    let mut first = BTreeMap::new();
    for (index, port) in ports.iter().enumerate() {
        let Some((node, name)) = port.get("name").and_then(|node| Some((node, node.text()?)))
        else {
            continue;
        };
        let field = format!("{field}[{index}].name");
        if !name.is_empty() && !is_label(name) {
            let message =
                format!("{name:?} is not a DNS label: write lower-case letters, digits and dashes");
            faults.push(node.at, field.clone(), message);
        }
        let earlier = *first.entry(name).or_insert(index);
        if earlier != index {
            faults.push(node.at, field, format!("port {earlier} is called {name:?} already"));
        }
    }
}

/// A word out of a closed set, if there is one.
fn one_of(node: Option<&Node<'_>>, field: &str, allowed: &[&str], faults: &mut Faults) {
    let Some((node, word)) = node.and_then(|node| Some((node, node.text()?))) else { return };
    if !allowed.contains(&word) {
        faults.push(node.at, field, format!("{word:?} is not one of {}", allowed.join(", ")));
    }
}

const PROTOCOLS: &[&str] = &["TCP", "UDP", "SCTP"];
