//! A service's port as a backend.

use contour_dag::ServicePort;

use crate::object::ObjectName;
use crate::parse::ingress::BackendPort;
use crate::parse::service::Port;
use crate::reader::Reader;

/// Resolves one port of a service. The error says what does not exist, or why it cannot be used.
pub(super) fn resolve(
    service: &ObjectName,
    port: &BackendPort,
    reader: &Reader<'_>,
) -> Result<ServicePort, String> {
    let Some(found) = reader.service(service) else {
        return Err(format!("Service {service} does not exist, or cannot be read"));
    };
    if found.external_name {
        return Err(format!("Service {service} is an ExternalName service, which are not enabled"));
    }
    let matched = match port {
        BackendPort::Number(number) => found.port(*number).ok_or_else(|| number.to_string()),
        BackendPort::Name(name) => found.port_named(name).ok_or_else(|| format!("{name:?}")),
    };
    match matched {
        Ok(Port { number, protocol: Some(protocol), .. }) => Err(format!(
            "port {number} of Service {service} asks for {protocol}, which is not served by this version"
        )),
        Ok(port) => Ok(ServicePort {
            namespace: service.namespace.clone(),
            service: service.name.clone(),
            number: port.number,
            name: port.name.clone(),
        }),
        Err(wanted) => Err(format!("Service {service} has no TCP port {wanted}")),
    }
}
