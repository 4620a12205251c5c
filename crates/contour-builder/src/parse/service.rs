//! Services.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use contour_api::core;
use contour_api::meta::IntOrString;
use contour_dag::{CircuitBreakers, Protocol};

use super::external_name::external_name;
use super::port_number;

/// What lists the ports of a protocol. A port that several list speaks the last.
const PROTOCOL_ANNOTATION: &str = "projectcontour.io/upstream-protocol.";
const PROTOCOLS: [(&str, Protocol); 3] =
    [("h2", Protocol::H2), ("h2c", Protocol::H2c), ("tls", Protocol::Tls)];

/// What of a Service matters to routing. Its ports speak TCP; all others are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// In the order of the object.
    pub ports: Vec<Port>,
    /// The name outside of the cluster that it stands for, or why that may not be spoken to; `None` if it stands for none.
    pub external: Option<Result<Arc<str>, String>>,
    /// How much may be under way.
    ///
    /// Source: the annotations `projectcontour.io/max-connections`, `…/max-pending-requests`, `…/max-requests`,
    /// `…/max-retries`, `…/per-host-max-connections`.
    pub limits: CircuitBreakers,
}

/// One port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name; `None` if it has none.
    pub name: Option<Arc<str>>,
    /// Its number.
    pub number: u16,
    /// The number of the endpoints' port, if the object gives a number.
    pub target: Option<u16>,
    /// What is spoken to it.
    pub protocol: Protocol,
}

impl Service {
    /// The port with this number.
    pub fn port(&self, number: u16) -> Option<&Port> {
        self.ports.iter().find(|port| port.number == number)
    }

    /// The port with this name.
    pub fn port_named(&self, name: &str) -> Option<&Port> {
        self.ports.iter().find(|port| port.name.as_deref() == Some(name))
    }
}

/// Reads a Service. Ports that are not TCP, or out of range, do not exist for us.
pub fn service(object: &core::Service) -> Service {
    let Some(spec) = &object.spec else { return Service::default() };
    let annotations = object.metadata.annotations.as_ref();
    let ports = spec.ports.iter().flatten().filter_map(|each| port(each, annotations)).collect();
    let is_external = spec.type_.as_deref() == Some("ExternalName");
    let name = spec.external_name.as_deref().filter(|name| !name.is_empty());
    let external = is_external.then(|| match name {
        Some(name) => external_name(name),
        None => Err("it is an ExternalName service without a name".to_owned()),
    });
    Service { ports, external, limits: limits(annotations) }
}

/// What is no number, or 0, limits nothing.
fn limits(annotations: Option<&BTreeMap<String, String>>) -> CircuitBreakers {
    let limit = |name: &str| {
        let text = annotations?.get(&format!("projectcontour.io/{name}"))?;
        text.parse().ok().and_then(NonZeroU32::new)
    };
    CircuitBreakers {
        max_connections: limit("max-connections"),
        max_pending_requests: limit("max-pending-requests"),
        max_requests: limit("max-requests"),
        max_retries: limit("max-retries"),
        per_host_max_connections: limit("per-host-max-connections"),
    }
}

fn port(port: &core::ServicePort, annotations: Option<&BTreeMap<String, String>>) -> Option<Port> {
    let tcp = matches!(port.protocol.as_deref(), None | Some("" | "TCP"));
    let number = port_number(port.port)?;
    let target = match &port.target_port {
        // The API takes these for the port's own number.
        None | Some(IntOrString::Int(0)) => Some(number),
        Some(IntOrString::String(name)) if name.is_empty() => Some(number),
        Some(IntOrString::Int(target)) => port_number(*target),
        Some(IntOrString::String(_)) => None,
    };
    let name = port.name.as_deref().filter(|name| !name.is_empty()).map(Arc::from);
    let protocol = protocol(port, annotations);
    tcp.then_some(Port { name, number, target, protocol })
}

/// What a port asks to be spoken to with: by `appProtocol`, or, without one, by an annotation that lists its name or number.
fn protocol(port: &core::ServicePort, annotations: Option<&BTreeMap<String, String>>) -> Protocol {
    match port.app_protocol.as_deref() {
        Some("kubernetes.io/h2c") => return Protocol::H2c,
        Some("https") => return Protocol::Tls,
        Some(_) => return Protocol::Http1,
        None => {}
    }
    let number = port.port.to_string();
    let lists = |list: &String, entry: &str| list.split(',').any(|each| each.trim() == entry);
    let asked = |entry: &str| {
        let mut protocols = PROTOCOLS.iter().rev();
        let found = protocols.find(|(name, _)| {
            let list = annotations.and_then(|all| all.get(&format!("{PROTOCOL_ANNOTATION}{name}")));
            list.is_some_and(|list| lists(list, entry))
        });
        found.map(|(_, protocol)| *protocol)
    };
    let name = port.name.as_deref().filter(|name| !name.is_empty());
    name.and_then(asked).or_else(|| asked(&number)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(spec: &str) -> Service {
        service(&serde_yaml_ng::from_str(&format!("spec: {spec}")).expect("a manifest"))
    }

    #[test]
    fn a_udp_port_does_not_hide_the_tcp_port_of_the_same_number() {
        let parsed = parse(
            "{ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]}",
        );
        assert_eq!(parsed.port(53).and_then(|port| port.name.as_deref()), Some("dns-tcp"));
    }

    #[test]
    fn the_target_of_a_port_is_its_own_number_unless_given() {
        let parsed = parse(
            "{ports: [{port: 80}, {port: 81, targetPort: 8081}, {port: 82, targetPort: web}]}",
        );
        let targets: Vec<_> = parsed.ports.iter().map(|port| port.target).collect();
        assert_eq!(targets, [Some(80), Some(8081), None]);
    }

    fn annotated(annotations: &str, spec: &str) -> Service {
        let manifest = format!("{{metadata: {{annotations: {annotations}}}, spec: {spec}}}");
        service(&serde_yaml_ng::from_str(&manifest).expect("a manifest"))
    }

    #[track_caller]
    fn check_protocol(port: &str, annotations: &str, expect: Protocol) {
        let parsed = annotated(annotations, &format!("{{ports: [{port}]}}"));
        assert_eq!(parsed.ports[0].protocol, expect);
    }

    #[test]
    fn a_port_may_ask_for_another_protocol() {
        check_protocol("{port: 80}", "{}", Protocol::Http1);
        check_protocol("{port: 443, appProtocol: https}", "{}", Protocol::Tls);
        check_protocol("{port: 80, appProtocol: kubernetes.io/h2c}", "{}", Protocol::H2c);
        check_protocol("{port: 80, appProtocol: http}", "{}", Protocol::Http1);
        let annotation = "{projectcontour.io/upstream-protocol.h2c: 'web, 81'}";
        check_protocol("{port: 80, name: web}", annotation, Protocol::H2c);
        check_protocol("{port: 81}", annotation, Protocol::H2c);
        check_protocol("{port: 82}", annotation, Protocol::Http1);
        check_protocol("{port: 81, appProtocol: http}", annotation, Protocol::Http1);
    }

    #[test]
    fn of_several_protocols_that_of_the_name_counts_and_then_the_last() {
        let annotations = "{projectcontour.io/upstream-protocol.h2: '80', projectcontour.io/upstream-protocol.tls: '80', projectcontour.io/upstream-protocol.h2c: web}";
        check_protocol("{port: 80}", annotations, Protocol::Tls);
        check_protocol("{port: 80, name: web}", annotations, Protocol::H2c);
    }

    #[test]
    fn limits_are_numbers_above_zero() {
        let annotations = "{projectcontour.io/max-connections: '10', projectcontour.io/max-requests: '0', projectcontour.io/max-retries: many}";
        let limits = annotated(annotations, "{}").limits;
        let expect =
            CircuitBreakers { max_connections: NonZeroU32::new(10), ..CircuitBreakers::default() };
        assert_eq!(limits, expect);
    }

    #[test]
    fn an_external_name_is_one_of_somebody_else() {
        let external = |spec: &str| parse(spec).external;
        let name = external("{type: ExternalName, externalName: a.example}");
        assert_eq!(name, Some(Ok("a.example".into())));
        assert!(matches!(external("{type: ExternalName, externalName: '127.1'}"), Some(Err(_))));
        assert!(matches!(external("{type: ExternalName}"), Some(Err(_))));
        assert_eq!(external("{externalName: a.example}"), None);
    }

    #[test]
    fn ports_out_of_range_do_not_exist() {
        assert_eq!(parse("{ports: [{port: 0}, {port: 65536}, {port: -1}]}").ports, []);
    }
}
