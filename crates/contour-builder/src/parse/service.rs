//! Services.

use std::collections::BTreeMap;
use std::sync::Arc;

use contour_api::core;
use contour_api::meta::IntOrString;

use super::port_number;

/// What lists the ports of a protocol. A port that several list speaks the last.
const PROTOCOL_ANNOTATION: &str = "projectcontour.io/upstream-protocol.";
const PROTOCOLS: [&str; 3] = ["h2", "h2c", "tls"];

/// What of a Service matters to routing. Its ports speak TCP; all others are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// In the order of the object.
    pub ports: Vec<Port>,
    /// Whether it stands for a name outside of the cluster.
    pub external_name: bool,
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
    /// What it asks to be spoken to with other than HTTP/1.1 in plain text, which this version does not.
    pub protocol: Option<Arc<str>>,
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
    Service { ports, external_name: spec.type_.as_deref() == Some("ExternalName") }
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

/// The protocol that a port asks for with `appProtocol`, or, without one, with an annotation that lists its name or number.
fn protocol(
    port: &core::ServicePort,
    annotations: Option<&BTreeMap<String, String>>,
) -> Option<Arc<str>> {
    if let Some(protocol) = &port.app_protocol {
        let other = matches!(protocol.as_str(), "https" | "kubernetes.io/h2c");
        return other.then(|| protocol.as_str().into());
    }
    let number = port.port.to_string();
    let lists = |list: &String| {
        let mut entries = list.split(',').map(str::trim);
        entries.any(|entry| entry == number || Some(entry) == port.name.as_deref())
    };
    let asked = PROTOCOLS.iter().rev().find(|protocol| {
        let key = format!("{PROTOCOL_ANNOTATION}{protocol}");
        annotations.and_then(|all| all.get(&key)).is_some_and(lists)
    });
    asked.map(|protocol| Arc::from(*protocol))
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

    #[track_caller]
    fn check_protocol(port: &str, annotations: &str, expect: Option<&str>) {
        let manifest =
            format!("{{metadata: {{annotations: {annotations}}}, spec: {{ports: [{port}]}}}}");
        let parsed = service(&serde_yaml_ng::from_str(&manifest).expect("a manifest"));
        assert_eq!(parsed.ports[0].protocol.as_deref(), expect);
    }

    #[test]
    fn a_port_may_ask_for_another_protocol() {
        check_protocol("{port: 80}", "{}", None);
        check_protocol("{port: 443, appProtocol: https}", "{}", Some("https"));
        check_protocol(
            "{port: 80, appProtocol: kubernetes.io/h2c}",
            "{}",
            Some("kubernetes.io/h2c"),
        );
        check_protocol("{port: 80, appProtocol: http}", "{}", None);
        let annotation = "{projectcontour.io/upstream-protocol.h2c: 'web, 81'}";
        check_protocol("{port: 80, name: web}", annotation, Some("h2c"));
        check_protocol("{port: 81}", annotation, Some("h2c"));
        check_protocol("{port: 82}", annotation, None);
        check_protocol("{port: 81, appProtocol: http}", annotation, None);
    }

    #[test]
    fn ports_out_of_range_do_not_exist() {
        assert_eq!(parse("{ports: [{port: 0}, {port: 65536}, {port: -1}]}").ports, []);
    }
}
