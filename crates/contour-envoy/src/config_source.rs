//! `envoy.config.core.v3.ConfigSource`: where Envoy gets what a resource refers to.

use contour_xds::resource::Dialect;
use envoy_types::pb::envoy::config::core::v3::api_config_source::ApiType;
use envoy_types::pb::envoy::config::core::v3::config_source::ConfigSourceSpecifier;
use envoy_types::pb::envoy::config::core::v3::grpc_service::{EnvoyGrpc, TargetSpecifier};
use envoy_types::pb::envoy::config::core::v3::{
    AggregatedConfigSource, ApiConfigSource, ApiVersion, ConfigSource, GrpcService,
};
use envoy_types::pb::google::protobuf::Duration;

use crate::name;

/// The source of whatever a resource refers to, in the words of `dialect`.
pub(crate) fn config_source(dialect: Dialect) -> ConfigSource {
    match dialect {
        Dialect::Aggregated => aggregated(),
        Dialect::Separate => separate(),
    }
}

/// The stream on which the resource itself came.
fn aggregated() -> ConfigSource {
    ConfigSource {
        // What is missing holds up everything that shares a listener with it, by default for 15 s.
        initial_fetch_timeout: Some(Duration { seconds: 2, nanos: 0 }),
        resource_api_version: ApiVersion::V3.into(),
        config_source_specifier: Some(ConfigSourceSpecifier::Ads(AggregatedConfigSource {})),
        ..Default::default()
    }
}

/// A stream of its own, as upstream has it.
fn separate() -> ConfigSource {
    let grpc = EnvoyGrpc {
        cluster_name: name::CONTOUR.to_owned(),
        authority: name::CONTOUR.to_owned(),
        ..Default::default()
    };
    let service = GrpcService {
        target_specifier: Some(TargetSpecifier::EnvoyGrpc(grpc)),
        ..Default::default()
    };
    let api = ApiConfigSource {
        api_type: ApiType::Grpc.into(),
        transport_api_version: ApiVersion::V3.into(),
        grpc_services: vec![service],
        ..Default::default()
    };
    ConfigSource {
        resource_api_version: ApiVersion::V3.into(),
        config_source_specifier: Some(ConfigSourceSpecifier::ApiConfigSource(api)),
        ..Default::default()
    }
}
