//! Endpoints of a service's port.

use std::collections::BTreeSet;
use std::net::IpAddr;

use contour_dag::{Assignment, Endpoint, LoadAssignment, Locality, ServicePort};

use crate::object::ObjectName;
use crate::parse::endpoint_slice::EndpointSlice;
use crate::reader::Reader;

/// Collects the endpoints of one cluster from every slice of its service: those that are ready, or, if none is, those
/// that end but still answer.
pub(super) fn load_assignment(assignment: &Assignment, reader: &Reader<'_>) -> LoadAssignment {
    let Assignment::Service(port) = assignment;
    let service = ObjectName { namespace: port.namespace.clone(), name: port.service.clone() };
    let target = reader
        .service(&service)
        .and_then(|service| service.port(port.number))
        .and_then(|port| port.target);
    let slices: Vec<&EndpointSlice> = reader.endpoint_slices(&service).map(AsRef::as_ref).collect();
    let mut endpoints = collect(&slices, port, target, |slice| &slice.ready);
    if endpoints.is_empty() {
        endpoints = collect(&slices, port, target, |slice| &slice.draining);
    }
    if endpoints.is_empty() {
        return LoadAssignment::default();
    }
    LoadAssignment {
        localities: vec![Locality { weight: 1, endpoints: endpoints.into_iter().collect() }],
    }
}

fn collect(
    slices: &[&EndpointSlice],
    port: &ServicePort,
    target: Option<u16>,
    addresses: fn(&EndpointSlice) -> &Vec<IpAddr>,
) -> BTreeSet<Endpoint> {
    let mut endpoints = BTreeSet::new();
    for slice in slices {
        for port in slice_ports(slice, port, target) {
            let here = addresses(slice).iter();
            endpoints.extend(here.map(|&address| Endpoint { address, port }));
        }
    }
    endpoints
}

/// On which ports a slice's endpoints serve a Service's port: those of its name.
///
/// A Service whose only port has no name goes with slice ports without a name. Slices written by hand may name theirs all
/// the same: then the port whose number is the target port counts, else the only one. A slice port without a name goes
/// with every Service port.
fn slice_ports(slice: &EndpointSlice, port: &ServicePort, target: Option<u16>) -> Vec<u16> {
    let wanted = port.name.as_deref().unwrap_or_default();
    let named = slice.ports.iter().filter(|each| each.name.is_empty() || *each.name == *wanted);
    let named: Vec<u16> = named.map(|each| each.number).collect();
    if !named.is_empty() || port.name.is_some() {
        return named;
    }
    match (slice.ports.iter().find(|each| Some(each.number) == target), slice.ports.as_slice()) {
        (Some(targeted), _) => vec![targeted.number],
        (None, [only]) => vec![only.number],
        _ => Vec::new(),
    }
}
