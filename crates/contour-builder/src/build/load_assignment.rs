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
    let Assignment::Service { port, health_port } = assignment;
    let service = ObjectName { namespace: port.namespace.clone(), name: port.service.clone() };
    let target = |number| reader.service(&service)?.port(number)?.target;
    let port = Wanted { port, target: target(port.number) };
    let health = health_port.as_deref().map(|port| Wanted { port, target: target(port.number) });
    let slices: Vec<&EndpointSlice> = reader.endpoint_slices(&service).map(AsRef::as_ref).collect();
    let mut endpoints = collect(&slices, port, health, |slice| &slice.ready);
    if endpoints.is_empty() {
        endpoints = collect(&slices, port, health, |slice| &slice.draining);
    }
    if endpoints.is_empty() {
        return LoadAssignment::default();
    }
    LoadAssignment {
        localities: vec![Locality { weight: 1, endpoints: endpoints.into_iter().collect() }],
    }
}

/// A port of a service, and the number of its endpoints' port, if the service says it.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    port: &'a ServicePort,
    target: Option<u16>,
}

fn collect(
    slices: &[&EndpointSlice],
    wanted: Wanted<'_>,
    health: Option<Wanted<'_>>,
    addresses: fn(&EndpointSlice) -> &Vec<IpAddr>,
) -> BTreeSet<Endpoint> {
    let mut endpoints = BTreeSet::new();
    for slice in slices {
        let health = health.and_then(|wanted| slice_ports(slice, wanted).first().copied());
        for port in slice_ports(slice, wanted) {
            let health_port = health.filter(|health| *health != port);
            let here = addresses(slice).iter();
            endpoints.extend(here.map(|&address| Endpoint { address, port, health_port }));
        }
    }
    endpoints
}

/// On which ports a slice's endpoints serve a Service's port: those of its name.
///
/// A Service whose only port has no name goes with slice ports without a name. Slices written by hand may name theirs all
/// the same: then the port whose number is the target port counts, else the only one. A slice port without a name goes
/// with every Service port.
fn slice_ports(slice: &EndpointSlice, wanted: Wanted<'_>) -> Vec<u16> {
    let Wanted { port, target } = wanted;
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
