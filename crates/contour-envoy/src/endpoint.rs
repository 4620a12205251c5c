//! `envoy.config.endpoint.v3.ClusterLoadAssignment`: where a cluster's requests go.

use contour_dag::{Endpoint, LoadAssignment, Locality};
use contour_xds::resource::Resource;
use envoy_types::pb::envoy::config::core::v3::Address;
use envoy_types::pb::envoy::config::endpoint::v3::endpoint::HealthCheckConfig;
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint as EnvoyEndpoint, LbEndpoint, LocalityLbEndpoints,
};
use prost::Message;

use crate::address::{address, named_address};
use crate::protobuf::uint32;

/// The load assignment `name`, which is published without endpoints too: Envoy waits for it.
pub(crate) fn load_assignment(name: &str, assignment: &LoadAssignment) -> Resource {
    let message = ClusterLoadAssignment {
        cluster_name: name.to_owned(),
        endpoints: assignment.localities.iter().map(locality).collect(),
        ..Default::default()
    };
    Resource::new(message.encode_to_vec().into(), [])
}

fn locality(locality: &Locality) -> LocalityLbEndpoints {
    LocalityLbEndpoints {
        lb_endpoints: locality.endpoints.iter().map(endpoint).collect(),
        load_balancing_weight: locality.weight.try_into().ok().map(uint32), // Envoy refuses 0
        ..Default::default()
    }
}

fn endpoint(endpoint: &Endpoint) -> LbEndpoint {
    lb_endpoint(address(endpoint.address, endpoint.port), endpoint.health_port)
}

/// The load assignment `name` of a cluster whose one endpoint is looked up by its host name.
pub(crate) fn named(
    name: &str,
    host: &str,
    port: u16,
    health_port: Option<u16>,
) -> ClusterLoadAssignment {
    let locality = LocalityLbEndpoints {
        lb_endpoints: vec![lb_endpoint(named_address(host, port), health_port)],
        ..Default::default()
    };
    ClusterLoadAssignment {
        cluster_name: name.to_owned(),
        endpoints: vec![locality],
        ..Default::default()
    }
}

fn lb_endpoint(address: Address, health_port: Option<u16>) -> LbEndpoint {
    let health_check_config =
        health_port.map(|port| HealthCheckConfig { port_value: port.into(), ..Default::default() });
    let endpoint =
        EnvoyEndpoint { address: Some(address), health_check_config, ..Default::default() };
    LbEndpoint { host_identifier: Some(HostIdentifier::Endpoint(endpoint)), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use contour_xds::resource::TypeUrl;
    use serde_json::json;

    use super::*;
    use crate::json::decode;

    #[track_caller]
    fn check(localities: Vec<Locality>, expect: &serde_json::Value) {
        let resource = load_assignment("default/kuard/http", &LoadAssignment { localities });
        assert_eq!(decode(TypeUrl::LoadAssignment, &resource.body).as_ref(), Ok(expect));
    }

    fn endpoint(address: &str, port: u16) -> Endpoint {
        Endpoint { address: address.parse().unwrap(), port, health_port: None }
    }

    #[test]
    fn an_assignment_without_endpoints_has_its_name_only() {
        check(Vec::new(), &json!({ "cluster_name": "default/kuard/http" }));
    }

    #[test]
    fn endpoints_are_grouped_by_locality() {
        let first = vec![endpoint("10.0.0.1", 8080), endpoint("fd00::1", 8081)];
        let second = vec![endpoint("10.0.0.2", 9000)];
        let shown = |address, port| {
            let address = json!({ "address": address, "port_value": port });
            json!({ "endpoint": { "address": { "socket_address": address } } })
        };
        check(
            vec![
                Locality { weight: 1, endpoints: first },
                Locality { weight: 7, endpoints: second },
            ],
            &json!({
                "cluster_name": "default/kuard/http",
                "endpoints": [
                    {
                        "load_balancing_weight": 1,
                        "lb_endpoints": [shown("10.0.0.1", 8080), shown("fd00::1", 8081)],
                    },
                    { "load_balancing_weight": 7, "lb_endpoints": [shown("10.0.0.2", 9000)] },
                ],
            }),
        );
    }

    #[test]
    fn health_checks_may_go_to_another_port() {
        let endpoint = Endpoint { health_port: Some(8081), ..endpoint("10.0.0.1", 8080) };
        let address = json!({ "address": "10.0.0.1", "port_value": 8080 });
        let shown = json!({
            "address": { "socket_address": address },
            "health_check_config": { "port_value": 8081 },
        });
        check(
            vec![Locality { weight: 1, endpoints: vec![endpoint] }],
            &json!({
                "cluster_name": "default/kuard/http",
                "endpoints": [
                    { "load_balancing_weight": 1, "lb_endpoints": [{ "endpoint": shown }] },
                ],
            }),
        );
    }
}
