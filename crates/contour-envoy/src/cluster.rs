//! `envoy.config.cluster.v3.Cluster`: how a service is talked to.

use std::collections::HashMap;

use contour_dag::{Cluster, ClusterName, Upstream};
use contour_xds::resource::{Dialect, Reference, Resource, TypeUrl};
use envoy_types::pb::envoy::config::cluster::v3::circuit_breakers::Thresholds;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    ClusterDiscoveryType, CommonLbConfig, DiscoveryType, DnsLookupFamily as EnvoyFamily,
    EdsClusterConfig, LbPolicy,
};
use envoy_types::pb::envoy::config::cluster::v3::{
    CircuitBreakers as EnvoyBreakers, Cluster as EnvoyCluster,
};
use envoy_types::pb::envoy::config::core::v3::{
    Http1ProtocolOptions, HttpProtocolOptions as CommonOptions,
};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions, explicit_http_config,
};
use envoy_types::pb::envoy::r#type::v3::Percent;
use envoy_types::pb::google::protobuf::Any;
use prost::Message;

use crate::config::{self, CircuitBreakers, DnsLookupFamily};
use crate::config_source::config_source;
use crate::name;
use crate::protobuf::{any, duration, uint32};

/// The cluster `name`, whose key in the graph is `key`.
pub(crate) fn cluster(
    name: &str,
    key: &ClusterName,
    cluster: &Cluster,
    config: &config::Cluster,
    dialect: Dialect,
) -> Resource {
    let Upstream::Assigned(assignment) = &cluster.upstream;
    let service_name = name::load_assignment(assignment);
    let message = EnvoyCluster {
        name: name.to_owned(),
        alt_stat_name: name::alt_stat_name(key),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into())),
        eds_cluster_config: Some(EdsClusterConfig {
            eds_config: Some(config_source(dialect)),
            service_name: service_name.to_string(),
        }),
        connect_timeout: Some(duration(config.connect_timeout)),
        per_connection_buffer_limit_bytes: config.per_connection_buffer_limit_bytes.map(uint32),
        lb_policy: LbPolicy::RoundRobin.into(),
        common_lb_config: Some(never_panic()),
        dns_lookup_family: dns_lookup_family(config.dns_lookup_family).into(),
        circuit_breakers: circuit_breakers(&config.circuit_breakers),
        typed_extension_protocol_options: protocol_options(config),
        ..Default::default()
    };
    let assignment = Reference { type_url: TypeUrl::LoadAssignment, name: service_name };
    Resource::new(message.encode_to_vec().into(), [assignment])
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

/// `None` if nothing is limited: Envoy's own limits hold then.
fn circuit_breakers(limits: &CircuitBreakers) -> Option<EnvoyBreakers> {
    if *limits == CircuitBreakers::default() {
        return None;
    }
    let threshold = Thresholds {
        max_connections: limits.max_connections.map(uint32),
        max_pending_requests: limits.max_pending_requests.map(uint32),
        max_requests: limits.max_requests.map(uint32),
        max_retries: limits.max_retries.map(uint32),
        track_remaining: true,
        ..Default::default()
    };
    let per_host = Thresholds {
        max_connections: limits.per_host_max_connections.map(uint32),
        track_remaining: true,
        ..Default::default()
    };
    Some(EnvoyBreakers { thresholds: vec![threshold], per_host_thresholds: vec![per_host] })
}

/// Empty unless something is set: Envoy talks HTTP/1.1 by itself.
fn protocol_options(config: &config::Cluster) -> HashMap<String, Any> {
    const NAME: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let Some(max_requests) = config.max_requests_per_connection else { return HashMap::new() };
    let http1 =
        explicit_http_config::ProtocolConfig::HttpProtocolOptions(Http1ProtocolOptions::default());
    let options = HttpProtocolOptions {
        common_http_protocol_options: Some(CommonOptions {
            max_requests_per_connection: Some(uint32(max_requests)),
            ..Default::default()
        }),
        // Envoy refuses options that do not say which protocol they are for.
        upstream_protocol_options: Some(UpstreamProtocolOptions::ExplicitHttpConfig(
            ExplicitHttpConfig { protocol_config: Some(http1) },
        )),
        ..Default::default()
    };
    [(NAME.to_owned(), any(&options))].into()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use contour_dag::{Assignment, ServicePort};
    use serde_json::{Value, json};

    use super::*;
    use crate::config::Interval;
    use crate::json::decode;

    fn service_port() -> ServicePort {
        ServicePort {
            namespace: "default".into(),
            service: "backend".into(),
            number: 80,
            name: Some("http".into()),
        }
    }

    fn encode(config: &config::Cluster, dialect: Dialect) -> Resource {
        let key = ClusterName::Service(service_port());
        let upstream = Upstream::Assigned(Assignment::Service(service_port()));
        cluster(&name::cluster(&key), &key, &Cluster { upstream }, config, dialect)
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
    fn protocol_options_say_the_protocol() {
        let config = config::Cluster {
            max_requests_per_connection: NonZeroU32::new(7),
            ..Default::default()
        };
        let name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        let options = json!({ name: {
            "@type": format!("type.googleapis.com/{name}"),
            "common_http_protocol_options": { "max_requests_per_connection": 7 },
            "explicit_http_config": { "http_protocol_options": {} },
        } });
        check(&config, "typed_extension_protocol_options", &options);
    }

    #[test]
    fn any_limit_sets_all_thresholds() {
        let limits = CircuitBreakers { max_retries: NonZeroU32::new(9), ..Default::default() };
        let config = config::Cluster { circuit_breakers: limits, ..Default::default() };
        let expect = json!({
            "thresholds": [{ "max_retries": 9, "track_remaining": true }],
            "per_host_thresholds": [{ "track_remaining": true }],
        });
        check(&config, "circuit_breakers", &expect);
    }

    #[test]
    fn limits_are_thresholds() {
        let limit = NonZeroU32::new;
        let circuit_breakers = CircuitBreakers {
            max_connections: limit(1),
            max_pending_requests: limit(2),
            max_requests: limit(3),
            max_retries: limit(4),
            per_host_max_connections: limit(5),
        };
        let config = config::Cluster { circuit_breakers, ..Default::default() };
        let expect = json!({
            "thresholds": [{
                "max_connections": 1, "max_pending_requests": 2, "max_requests": 3,
                "max_retries": 4, "track_remaining": true,
            }],
            "per_host_thresholds": [{ "max_connections": 5, "track_remaining": true }],
        });
        check(&config, "circuit_breakers", &expect);
    }
}
