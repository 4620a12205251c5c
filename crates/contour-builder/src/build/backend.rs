//! A service's port as a backend.

use std::sync::Arc;

use contour_dag::{Assignment, Cluster, ClusterName, Protocol, ServicePort, Upstream};

use crate::object::{Kind, ObjectName, ObjectRef};
use crate::parse::ingress::BackendPort;
use crate::parse::service::Service;
use crate::reader::Reader;

/// A port of a service that requests can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The port.
    pub(super) port: ServicePort,
    /// What is spoken to it, by the service.
    pub(super) protocol: Protocol,
    /// The name outside of the cluster that the service stands for.
    pub(super) external: Option<Arc<str>>,
}

/// Resolves one port of a service. The error says what does not exist, or why it cannot be used.
pub(super) fn resolve(
    service: &ObjectName,
    port: &BackendPort,
    reader: &Reader<'_>,
) -> Result<Resolved, String> {
    let Some(found) = reader.service(service) else {
        let meant = did_you_mean(Kind::Service, service, reader);
        return Err(format!("Service {service} does not exist, or cannot be read{meant}"));
    };
    let external = external(service, found, reader)?;
    let matched = match port {
        BackendPort::Number(number) => found.port(*number).ok_or_else(|| number.to_string()),
        BackendPort::Name(name) => found.port_named(name).ok_or_else(|| format!("{name:?}")),
    };
    let port = matched
        .map_err(|wanted| format!("Service {service} has no TCP port {wanted}{}", others(found)))?;
    Ok(Resolved {
        port: ServicePort {
            namespace: service.namespace.clone(),
            service: service.name.clone(),
            number: port.number,
            name: port.name.clone(),
        },
        protocol: port.protocol,
        external,
    })
}

/// What to say of a name that does not exist.
pub(super) fn did_you_mean(kind: Kind, name: &ObjectName, reader: &Reader<'_>) -> String {
    let similar = reader.similar(&ObjectRef { kind, name: name.clone() });
    similar.map_or_else(String::new, |similar| format!("; did you mean {}?", similar.name))
}

/// The name outside of the cluster that a service stands for, if that is allowed.
fn external(
    name: &ObjectName,
    service: &Service,
    reader: &Reader<'_>,
) -> Result<Option<Arc<str>>, String> {
    match &service.external {
        None => Ok(None),
        Some(_) if !reader.config().external_names => Err(format!(
            "Service {name} is an ExternalName service; those are not enabled (enableExternalNameService)"
        )),
        Some(Ok(external)) => match reader.config().own_service(external) {
            None => Ok(Some(external.clone())),
            Some(own) => Err(format!(
                "Service {name} may not be used: it stands for Contour's own Service {own}"
            )),
        },
        Some(Err(why)) => Err(format!("Service {name} may not be used: {why}")),
    }
}

/// Which ports a service has, for somebody who named another.
fn others(service: &Service) -> String {
    let ports: Vec<String> = service
        .ports
        .iter()
        .map(|port| match &port.name {
            Some(name) => format!("{} ({name})", port.number),
            None => port.number.to_string(),
        })
        .collect();
    if ports.is_empty() { String::new() } else { format!("; it has {}", ports.join(", ")) }
}

/// What a cluster's name stands for.
pub(super) fn cluster(name: &ClusterName, reader: &Reader<'_>) -> Cluster {
    let ClusterName::Service { port, settings } = name;
    let service = ObjectName { namespace: port.namespace.clone(), name: port.service.clone() };
    let found = reader.service(&service);
    let check = settings.as_ref().and_then(|settings| settings.health_check.as_ref());
    let health_port = check.and_then(|check| check.port.clone());
    let external = found.and_then(|found| found.external.as_ref()?.as_ref().ok());
    let upstream = match external {
        Some(host) => Upstream::Dns {
            host: host.clone(),
            port: port.number,
            health_port: health_port.map(|port| port.number),
        },
        None => Upstream::Assigned(Assignment::Service { port: port.clone(), health_port }),
    };
    Cluster { upstream, limits: found.map(|found| found.limits).unwrap_or_default() }
}
