//! Rules of `v1` `Service`.

use std::collections::BTreeMap;

use super::{PROTOCOLS, one_of, port, port_names};
use crate::yaml::fault::{Faults, FieldPath};
use crate::yaml::tree::Node;

const TYPES: &[&str] = &["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"];

pub(super) fn check(node: &Node<'_>, path: &FieldPath, faults: &mut Faults) {
    one_of(node.find(&["spec", "type"]), &path.to("spec.type"), TYPES, faults);
    let Some(list) = node.find(&["spec", "ports"]) else {
        return portless(node, path, faults);
    };
    let ports = list.items();
    let field = path.to("spec.ports");
    for (index, item) in ports.iter().enumerate() {
        let field = format!("{field}[{index}]");
        port(item.get("port"), &format!("{field}.port"), faults);
        port(item.get("targetPort"), &format!("{field}.targetPort"), faults);
        one_of(item.get("protocol"), &format!("{field}.protocol"), PROTOCOLS, faults);
        if ports.len() > 1 && item.get("name").is_none() && !item.entries().is_empty() {
            let message = "required, but missing: each of several ports needs a name";
            faults.push(item.at, format!("{field}.name"), message);
        }
    }
    port_names(ports, &field, faults);
    repeated(ports, &field, faults);
}

/// Only a headless Service and one that stands for an outside name can do without ports.
fn portless(node: &Node<'_>, path: &FieldPath, faults: &mut Faults) {
    let text = |keys: &[&str]| node.find(keys).and_then(Node::text).unwrap_or_default().to_owned();
    if text(&["spec", "type"]) == "ExternalName" || text(&["spec", "clusterIP"]) == "None" {
        return;
    }
    let at = node.get("spec").map_or(node.at, |spec| spec.at);
    faults.push(at, path.to("spec.ports"), "required, but missing");
}

fn repeated(ports: &[Node<'_>], field: &str, faults: &mut Faults) {
    let mut first = BTreeMap::new();
    for (index, item) in ports.iter().enumerate() {
        let Some((node, number)) = item.get("port").and_then(|node| Some((node, node.integer()?)))
        else {
            continue;
        };
        let protocol = item.get("protocol").and_then(Node::text).unwrap_or("TCP");
        let earlier = *first.entry((number, protocol)).or_insert(index);
        if earlier != index {
            let message = format!("port {earlier} is {number} of {protocol} already");
            faults.push(node.at, format!("{field}[{index}].port"), message);
        }
    }
}
