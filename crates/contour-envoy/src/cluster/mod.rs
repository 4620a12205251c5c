//! `envoy.config.cluster.v3.Cluster`: how a service is talked to.

mod circuit_breakers;
mod health_check;
mod load_balancing;
mod protocol;

use contour_dag::{Assignment, Cluster, ClusterName, ClusterSettings, ServicePort, Upstream};
use contour_xds::resource::{Dialect, Reference, Resource, TypeUrl};
use envoy_types::pb::envoy::config::cluster::v3::Cluster as EnvoyCluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    ClusterDiscoveryType, CommonLbConfig, DiscoveryType, DnsLookupFamily as EnvoyFamily,
    EdsClusterConfig,
};
use envoy_types::pb::envoy::r#type::v3::Percent;
use prost::Message;

use crate::config::{self, DnsLookupFamily};
use crate::config_source::config_source;
use crate::protobuf::{duration, uint32};
use crate::{endpoint, name, tls};

/// The cluster `name`, whose key in the graph is `key`.
pub(crate) fn cluster(
    name: &str,
    key: &ClusterName,
    cluster: &Cluster,
    config: &config::Cluster,
    dialect: Dialect,
) -> Resource {
    let ClusterName::Service { port, settings } = key;
    let nothing = ClusterSettings::default();
    let settings = settings.as_deref().unwrap_or(&nothing);
    let ClusterSettings { load_balancing, protocol, .. } = *settings;
    let check = settings.health_check.as_ref();
    let message = EnvoyCluster {
        name: name.to_owned(),
        alt_stat_name: name::alt_stat_name(key),
        connect_timeout: Some(duration(config.connect_timeout)),
        per_connection_buffer_limit_bytes: config.per_connection_buffer_limit_bytes.map(uint32),
        lb_policy: load_balancing::lb_policy(load_balancing).into(),
        lb_config: load_balancing::lb_config(load_balancing, settings.slow_start.as_ref()),
        common_lb_config: Some(never_panic()),
        health_checks: check
            .map(|each| health_check::health_check(each, protocol))
            .into_iter()
            .collect(),
        ignore_health_on_host_removal: check.is_some(), // what is gone is gone, however well
        circuit_breakers: circuit_breakers::circuit_breakers(
            &cluster.limits,
            &config.circuit_breakers,
        ),
        typed_extension_protocol_options: protocol::protocol_options(
            settings,
            config.max_requests_per_connection,
        ),
        transport_socket: tls::upstream(protocol, settings.sni.as_deref()),
        ..located(port, &cluster.upstream, config.dns_lookup_family, dialect)
    };
    Resource::new(message.encode_to_vec().into(), reference(&cluster.upstream))
}

/// A cluster's load assignment, if it has its endpoints from one.
fn reference(upstream: &Upstream) -> Option<Reference> {
    match upstream {
        Upstream::Assigned(assignment) => Some(Reference {
            type_url: TypeUrl::LoadAssignment,
            name: name::load_assignment(assignment),
        }),
        Upstream::Dns { .. } => None,
    }
}

/// Where endpoints come from, and nothing else.
fn located(
    port: &ServicePort,
    upstream: &Upstream,
    family: DnsLookupFamily,
    dialect: Dialect,
) -> EnvoyCluster {
    let located =
        EnvoyCluster { dns_lookup_family: dns_lookup_family(family).into(), ..Default::default() };
    match upstream {
        Upstream::Assigned(assignment) => EnvoyCluster {
            cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into())),
            eds_cluster_config: Some(EdsClusterConfig {
                eds_config: Some(config_source(dialect)),
                service_name: name::load_assignment(assignment).to_string(),
            }),
            ..located
        },
        Upstream::Dns { host, port: number, health_port } => {
            let assignment = Assignment::Service { port: port.clone(), health_port: None };
            let name = name::load_assignment(&assignment);
            EnvoyCluster {
                cluster_discovery_type: Some(ClusterDiscoveryType::Type(dns(family).into())),
                load_assignment: Some(endpoint::named(&name, host, *number, *health_port)),
                ..located
            }
        }
    }
}

/// With addresses of both families Envoy tries them in turn as it connects (Happy Eyeballs), which it does for logical
/// clusters only: for a strict one each address is an endpoint.
fn dns(family: DnsLookupFamily) -> DiscoveryType {
    match family {
        DnsLookupFamily::All => DiscoveryType::LogicalDns,
        DnsLookupFamily::Auto | DnsLookupFamily::V4Only | DnsLookupFamily::V6Only => {
            DiscoveryType::StrictDns
        }
    }
}

/// Unhealthy endpoints get no requests even if most are unhealthy.
fn never_panic() -> CommonLbConfig {
    CommonLbConfig { healthy_panic_threshold: Some(Percent { value: 0.0 }), ..Default::default() }
}

fn dns_lookup_family(family: DnsLookupFamily) -> EnvoyFamily {
    match family {
        DnsLookupFamily::Auto => EnvoyFamily::Auto,
        DnsLookupFamily::V4Only => EnvoyFamily::V4Only,
        DnsLookupFamily::V6Only => EnvoyFamily::V6Only,
        DnsLookupFamily::All => EnvoyFamily::All,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::time::Duration;

    use contour_dag::{
        CircuitBreakers, HealthCheck, Interval, LoadBalancing, Protocol, SlowStart, Timeout,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::json::{decode, show};

    fn service_port() -> ServicePort {
        ServicePort {
            namespace: "default".into(),
            service: "backend".into(),
            number: 80,
            name: Some("http".into()),
        }
    }

    fn assigned() -> Upstream {
        Upstream::Assigned(Assignment::Service { port: service_port(), health_port: None })
    }

    fn resource(
        key: &ClusterName,
        upstream: Upstream,
        config: &config::Cluster,
        dialect: Dialect,
    ) -> Resource {
        let value = Cluster { upstream, limits: CircuitBreakers::default() };
        cluster(&name::cluster(key), key, &value, config, dialect)
    }

    fn encode(config: &config::Cluster, dialect: Dialect) -> Resource {
        resource(&ClusterName::of(service_port()), assigned(), config, dialect)
    }

    fn shown(config: &config::Cluster, dialect: Dialect) -> Value {
        decode(TypeUrl::Cluster, &encode(config, dialect).body).unwrap()
    }

    #[test]
    fn a_service_cluster_has_its_endpoints_from_eds() {
        assert_eq!(
            shown(&config::Cluster::default(), Dialect::Aggregated),
            json!({
                "name": "default/backend/80/da39a3ee5e",
                "alt_stat_name": "default_backend_80",
                "type": "EDS",
                "eds_cluster_config": {
                    "eds_config": {
                        "ads": {}, "initial_fetch_timeout": "2s", "resource_api_version": "V3",
                    },
                    "service_name": "default/backend/http",
                },
                "connect_timeout": "2s",
                "common_lb_config": { "healthy_panic_threshold": {} },
            })
        );
    }

    #[test]
    fn the_separate_dialect_differs_in_the_source_only() {
        let mut expect = shown(&config::Cluster::default(), Dialect::Aggregated);
        expect["eds_cluster_config"]["eds_config"] = json!({
            "resource_api_version": "V3",
            "api_config_source": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [
                    { "envoy_grpc": { "cluster_name": "contour", "authority": "contour" } },
                ],
            },
        });
        assert_eq!(shown(&config::Cluster::default(), Dialect::Separate), expect);
    }

    #[test]
    fn a_cluster_refers_to_its_load_assignment() {
        let resource = encode(&config::Cluster::default(), Dialect::Aggregated);
        let reference =
            Reference { type_url: TypeUrl::LoadAssignment, name: "default/backend/http".into() };
        assert_eq!(resource.references().collect::<Vec<_>>(), [&reference]);
    }

    #[track_caller]
    fn check(config: &config::Cluster, field: &str, expect: &Value) {
        assert_eq!(shown(config, Dialect::Aggregated)[field], *expect);
    }

    #[test]
    fn settings_become_fields() {
        let connect_timeout = Interval::new(Duration::from_millis(2500)).unwrap();
        let config = config::Cluster { connect_timeout, ..Default::default() };
        check(&config, "connect_timeout", &json!("2.500s"));
        let limit = NonZeroU32::new(32_768);
        let config =
            config::Cluster { per_connection_buffer_limit_bytes: limit, ..Default::default() };
        check(&config, "per_connection_buffer_limit_bytes", &json!(32_768));
        for (dns_lookup_family, expect) in [
            (DnsLookupFamily::V4Only, "V4_ONLY"),
            (DnsLookupFamily::V6Only, "V6_ONLY"),
            (DnsLookupFamily::All, "ALL"),
        ] {
            let config = config::Cluster { dns_lookup_family, ..Default::default() };
            check(&config, "dns_lookup_family", &json!(expect));
        }
    }

    #[test]
    fn limits_are_those_of_the_service_and_of_the_configuration() {
        let limit = NonZeroU32::new;
        let limits = CircuitBreakers { max_requests: limit(3), ..Default::default() };
        let key = ClusterName::of(service_port());
        let circuit_breakers =
            contour_dag::CircuitBreakers { max_retries: limit(4), ..Default::default() };
        let config = config::Cluster { circuit_breakers, ..Default::default() };
        let value = Cluster { upstream: assigned(), limits };
        let body = cluster("name", &key, &value, &config, Dialect::Aggregated).body;
        let thresholds = json!([{ "max_requests": 3, "max_retries": 4, "track_remaining": true }]);
        let shown = decode(TypeUrl::Cluster, &body).unwrap();
        assert_eq!(shown["circuit_breakers"]["thresholds"], thresholds);
    }

    #[test]
    fn a_cluster_with_a_health_port_has_another_load_assignment() {
        let health_port = Some(Arc::new(ServicePort { number: 8081, ..service_port() }));
        let upstream =
            Upstream::Assigned(Assignment::Service { port: service_port(), health_port });
        let key = ClusterName::of(service_port());
        let resource = resource(&key, upstream, &config::Cluster::default(), Dialect::Aggregated);
        let shown = decode(TypeUrl::Cluster, &resource.body).unwrap();
        let name = "default/backend/http/health/8081";
        assert_eq!(shown["eds_cluster_config"]["service_name"], name);
        assert_eq!(resource.references().map(|each| &*each.name).collect::<Vec<_>>(), [name]);
    }

    /// What is set for a route, and differs from a cluster without settings.
    #[track_caller]
    fn check_settings(settings: ClusterSettings, expect: &Value) {
        let config = config::Cluster::default();
        let key = ClusterName::with(service_port(), settings);
        let resource = resource(&key, assigned(), &config, Dialect::Aggregated);
        let mut expect = expect.clone();
        let plain = shown(&config, Dialect::Aggregated);
        for (field, value) in plain.as_object().unwrap() {
            expect[field] = value.clone();
        }
        expect["name"] = (*name::cluster(&key)).into();
        assert_eq!(decode(TypeUrl::Cluster, &resource.body), Ok(expect));
    }

    #[test]
    fn settings_of_a_route_become_fields() {
        let health_check = HealthCheck::new("/live");
        let slow_start = SlowStart {
            window: Interval::new(Duration::from_secs(10)).unwrap(),
            aggression: 1_000_000,
            min_weight_percent: 10,
        };
        let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        check_settings(
            ClusterSettings {
                load_balancing: LoadBalancing::LeastRequest,
                health_check: Some(health_check),
                protocol: Protocol::H2c,
                sni: Some("unused.com".into()),
                idle_timeout: Timeout::After(Interval::new(Duration::from_secs(90)).unwrap()),
                slow_start: Some(slow_start),
            },
            &json!({
                "lb_policy": "LEAST_REQUEST",
                "least_request_lb_config": { "slow_start_config": {
                    "slow_start_window": "10s",
                    "aggression": {
                        "default_value": 1, "runtime_key": "contour.slowstart.aggression",
                    },
                    "min_weight_percent": { "value": 10 },
                } },
                "health_checks": [{
                    "timeout": "2s",
                    "interval": "10s",
                    "unhealthy_threshold": 3,
                    "healthy_threshold": 2,
                    "http_health_check": {
                        "path": "/live",
                        "host": "contour-envoy-healthcheck",
                        "codec_client_type": "HTTP2",
                    },
                }],
                "ignore_health_on_host_removal": true,
                "typed_extension_protocol_options": { options: {
                    "@type": format!("type.googleapis.com/{options}"),
                    "common_http_protocol_options": { "idle_timeout": "90s" },
                    "explicit_http_config": { "http2_protocol_options": {} },
                } },
            }),
        );
    }

    #[test]
    fn a_cluster_with_tls_has_a_transport_socket() {
        let sni = Some("api.partner.example".into());
        let settings = ClusterSettings { protocol: Protocol::Tls, sni, ..Default::default() };
        let socket = tls::upstream(Protocol::Tls, Some("api.partner.example")).unwrap();
        check_settings(settings, &json!({ "transport_socket": show(&socket) }));
    }

    #[track_caller]
    fn check_dns(family: DnsLookupFamily, health_port: Option<u16>, expect: &Value) {
        let upstream = Upstream::Dns { host: "www.example.org".into(), port: 443, health_port };
        let config = config::Cluster { dns_lookup_family: family, ..Default::default() };
        for dialect in [Dialect::Aggregated, Dialect::Separate] {
            let key = ClusterName::of(service_port());
            let resource = resource(&key, upstream.clone(), &config, dialect);
            assert_eq!(decode(TypeUrl::Cluster, &resource.body).as_ref(), Ok(expect));
            assert_eq!(resource.references().next(), None);
        }
    }

    #[test]
    fn the_endpoint_of_a_dns_cluster_is_in_it() {
        let socket = json!({ "address": "www.example.org", "port_value": 443 });
        let address = json!({ "socket_address": socket });
        let mut expect = json!({
            "name": "default/backend/80/da39a3ee5e",
            "alt_stat_name": "default_backend_80",
            "type": "STRICT_DNS",
            "connect_timeout": "2s",
            "common_lb_config": { "healthy_panic_threshold": {} },
            "load_assignment": {
                "cluster_name": "default/backend/http",
                "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }],
            },
        });
        check_dns(DnsLookupFamily::Auto, None, &expect);
        expect["dns_lookup_family"] = "V6_ONLY".into();
        check_dns(DnsLookupFamily::V6Only, None, &expect);
        expect["dns_lookup_family"] = "ALL".into();
        expect["type"] = "LOGICAL_DNS".into();
        check_dns(DnsLookupFamily::All, None, &expect);
        let endpoint =
            &mut expect["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
        endpoint["health_check_config"] = json!({ "port_value": 8081 });
        check_dns(DnsLookupFamily::All, Some(8081), &expect);
    }
}
