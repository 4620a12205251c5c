//! Services.

use std::sync::Arc;

use contour_api::core;
use contour_api::meta::IntOrString;

use super::port_number;

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
    let ports = spec.ports.iter().flatten().filter_map(port).collect();
    Service { ports, external_name: spec.type_.as_deref() == Some("ExternalName") }
}

fn port(port: &core::ServicePort) -> Option<Port> {
    let tcp = matches!(port.protocol.as_deref(), None | Some("" | "TCP"));
    let number = port_number(port.port)?;
    let target = match &port.target_port {
        Some(IntOrString::Int(target)) => port_number(*target),
        Some(IntOrString::String(_)) => None,
        None => Some(number),
    };
    let name = port.name.as_deref().filter(|name| !name.is_empty()).map(Arc::from);
    tcp.then_some(Port { name, number, target })
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

    #[test]
    fn ports_out_of_range_do_not_exist() {
        assert_eq!(parse("{ports: [{port: 0}, {port: 65536}, {port: -1}]}").ports, []);
    }
}
