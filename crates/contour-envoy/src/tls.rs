//! `envoy.transport_sockets.tls`: how TLS is spoken with those who connect.

use contour_xds::resource::Dialect;
use envoy_types::pb::envoy::config::core::v3::{TransportSocket, transport_socket};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::tls_parameters::TlsProtocol;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, DownstreamTlsContext, SdsSecretConfig, TlsParameters,
};

use crate::config::StatsTls;
use crate::config_source::config_source;
use crate::name;
use crate::protobuf::{any, bool_value};

/// How Envoy's statistics are read: by TLS 1.3, and only by those with a certificate if there is an authority for them.
pub(crate) fn stats(tls: &StatsTls, dialect: Dialect) -> TransportSocket {
    let secret = |name: &str| SdsSecretConfig {
        name: name.to_owned(),
        sds_config: Some(config_source(dialect)),
    };
    let authority = tls.authority.as_ref().map(|_| {
        ValidationContextType::ValidationContextSdsSecretConfig(secret(name::STATS_AUTHORITY))
    });
    let parameters = TlsParameters {
        tls_minimum_protocol_version: TlsProtocol::TlSv13.into(),
        tls_maximum_protocol_version: TlsProtocol::TlSv13.into(),
        ..Default::default()
    };
    let context = DownstreamTlsContext {
        require_client_certificate: authority.as_ref().map(|_| bool_value(true)),
        common_tls_context: Some(CommonTlsContext {
            tls_params: Some(parameters),
            tls_certificate_sds_secret_configs: vec![secret(name::STATS_CERTIFICATE)],
            validation_context_type: authority,
            ..Default::default()
        }),
        ..Default::default()
    };
    TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(transport_socket::ConfigType::TypedConfig(any(&context))),
    }
}
