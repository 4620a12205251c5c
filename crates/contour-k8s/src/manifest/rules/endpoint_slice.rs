//! Rules of `discovery.k8s.io/v1` `EndpointSlice`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::identity::is_subdomain;
use super::{PROTOCOLS, one_of, port, port_names};
use crate::yaml::fault::{Faults, FieldPath};
use crate::yaml::tree::Node;

const ADDRESS_TYPES: &[&str] = &["IPv4", "IPv6", "FQDN"];

pub(super) fn check(node: &Node<'_>, path: &FieldPath, faults: &mut Faults) {
    let address_type = node.get("addressType");
    one_of(address_type, &path.to("addressType"), ADDRESS_TYPES, faults);
    let address_type = address_type.and_then(Node::text).unwrap_or_default();

    let ports = node.get("ports").map(Node::items).unwrap_or_default();
    for (index, item) in ports.iter().enumerate() {
        let field = path.to(&format!("ports[{index}]"));
        port(item.get("port"), &format!("{field}.port"), faults);
        one_of(item.get("protocol"), &format!("{field}.protocol"), PROTOCOLS, faults);
    }
    port_names(ports, &path.to("ports"), faults);

    for (index, endpoint) in
        node.get("endpoints").map(Node::items).unwrap_or_default().iter().enumerate()
    {
        let field = path.to(&format!("endpoints[{index}].addresses"));
        check_addresses(endpoint, address_type, &field, faults);
    }
}

fn check_addresses(endpoint: &Node<'_>, address_type: &str, field: &str, faults: &mut Faults) {
    let Some(addresses) = endpoint.get("addresses") else { return };
    if addresses.items().is_empty() {
        faults.push(addresses.at, field, "has no address; write at least one");
    }
    for (index, address) in addresses.items().iter().enumerate() {
        let Some(text) = address.text() else { continue };
        let fits = match address_type {
            "IPv4" => text.parse::<Ipv4Addr>().is_ok(),
            "IPv6" => text.parse::<Ipv6Addr>().is_ok(),
            "FQDN" => is_subdomain(text),
            // Reported as such.
            _ => true,
        };
        if !fits {
            let message = format!("{text:?} is not an address of type {address_type}");
            faults.push(address.at, format!("{field}[{index}]"), message);
        }
    }
}
