//! EndpointSlices.

use std::net::IpAddr;
use std::sync::Arc;

use contour_api::discovery;

use super::port_number;
use crate::object::ObjectName;

/// The label that names a slice's service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// What of an EndpointSlice matters to routing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointSlice {
    /// The service it belongs to; none if it is labelled with none.
    pub service: Option<ObjectName>,
    /// Its TCP ports, which every endpoint has.
    pub ports: Vec<Port>,
    /// The addresses of endpoints that take requests.
    pub ready: Vec<IpAddr>,
    /// The addresses of endpoints that end but still answer: better than none.
    pub draining: Vec<IpAddr>,
}

/// One port of a slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name of the Service's port; empty if that has none.
    pub name: Arc<str>,
    /// On which number the endpoints listen.
    pub number: u16,
}

/// Reads an EndpointSlice.
///
/// Of each endpoint the first address counts, as the API advises. An endpoint whose address is no IP address (a slice of
/// type FQDN) is left out: Envoy refuses the whole assignment for it. Absent conditions mean ready.
pub fn endpoint_slice(object: &discovery::EndpointSlice) -> EndpointSlice {
    let mut slice = EndpointSlice {
        service: service(object),
        ports: object.ports.iter().flatten().filter_map(port).collect(),
        ..EndpointSlice::default()
    };
    for endpoint in object.endpoints.iter().flatten() {
        let address = endpoint.addresses.first().and_then(|text| text.parse().ok());
        let Some(address) = address else { continue };
        let conditions = endpoint.conditions.as_ref();
        let ready = conditions.and_then(|each| each.ready).unwrap_or(true);
        let serving = conditions.and_then(|each| each.serving).unwrap_or(ready);
        let terminating = conditions.and_then(|each| each.terminating).unwrap_or(false);
        if ready {
            slice.ready.push(address);
        } else if serving && terminating {
            slice.draining.push(address);
        }
    }
    slice
}

fn service(object: &discovery::EndpointSlice) -> Option<ObjectName> {
    let name = object.metadata.labels.as_ref()?.get(SERVICE_NAME)?;
    let namespace = object.metadata.namespace.as_deref().unwrap_or("default");
    (!name.is_empty()).then(|| ObjectName::new(namespace, name))
}

fn port(port: &discovery::EndpointPort) -> Option<Port> {
    let tcp = matches!(port.protocol.as_deref(), None | Some("" | "TCP"));
    let number = port.port.and_then(port_number)?;
    let name = port.name.as_deref().unwrap_or_default().into();
    tcp.then_some(Port { name, number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(manifest: &str) -> EndpointSlice {
        endpoint_slice(&serde_yaml_ng::from_str(manifest).expect("a manifest"))
    }

    #[track_caller]
    fn check(conditions: &str, ready: usize, draining: usize) {
        let slice = parse(&format!(
            "{{addressType: IPv4, endpoints: [{{addresses: [10.0.0.1], conditions: {conditions}}}]}}"
        ));
        assert_eq!((slice.ready.len(), slice.draining.len()), (ready, draining));
    }

    #[test]
    fn absent_conditions_mean_ready() {
        check("{}", 1, 0);
        check("{ready: true}", 1, 0);
    }

    #[test]
    fn an_endpoint_that_ends_is_used_while_it_serves() {
        check("{ready: false, serving: true, terminating: true}", 0, 1);
        check("{ready: false, serving: false, terminating: true}", 0, 0);
        check("{ready: false}", 0, 0);
        check("{ready: false, serving: true}", 0, 0);
    }

    #[test]
    fn addresses_that_are_names_are_left_out() {
        let slice = parse(
            "{addressType: FQDN, endpoints: [{addresses: [example.com]}, {addresses: ['2001:db8::1', 'x']}]}",
        );
        assert_eq!(slice.ready, ["2001:db8::1".parse::<IpAddr>().expect("an address")]);
    }

    #[test]
    fn the_service_is_in_the_namespace_of_the_slice() {
        let slice = parse(
            "{addressType: IPv4, metadata: {namespace: n, labels: {kubernetes.io/service-name: s}}}",
        );
        assert_eq!(slice.service, Some(ObjectName::new("n", "s")));
    }

    #[test]
    fn ports_of_other_protocols_do_not_exist() {
        let slice = parse(
            "{addressType: IPv4, ports: [{name: a, port: 1, protocol: UDP}, {port: 2}, {name: c}]}",
        );
        assert_eq!(slice.ports, [Port { name: "".into(), number: 2 }]);
    }
}
