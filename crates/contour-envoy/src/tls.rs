//! `envoy.transport_sockets.tls`: how TLS is spoken with those who connect, and with services.

use contour_dag::Protocol;
use contour_xds::resource::Dialect;
use envoy_types::pb::envoy::config::core::v3::{TransportSocket, transport_socket};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::tls_parameters::TlsProtocol;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, DownstreamTlsContext, SdsSecretConfig, TlsParameters, UpstreamTlsContext,
};
use prost::{Message, Name};

use crate::config::StatsTls;
use crate::config_source::config_source;
use crate::name;
use crate::protobuf::{any, bool_value};

/// The cipher suites of TLS 1.2 by default, best first; those in brackets are equally good.
const CIPHER_SUITES: [&str; 4] = [
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
];

/// How a service is spoken to that is asked for by the name `sni`; what certificate it has is not checked. `None` in plain
/// text.
pub(crate) fn upstream(protocol: Protocol, sni: Option<&str>) -> Option<TransportSocket> {
    let alpn_protocols = match protocol {
        Protocol::Http1 | Protocol::H2c => return None,
        Protocol::H2 => vec!["h2".to_owned()],
        Protocol::Tls => Vec::new(),
    };
    let parameters = TlsParameters {
        tls_minimum_protocol_version: TlsProtocol::TlSv12.into(),
        tls_maximum_protocol_version: TlsProtocol::TlSv13.into(),
        cipher_suites: CIPHER_SUITES.map(str::to_owned).into(),
        ..Default::default()
    };
    let context = UpstreamTlsContext {
        common_tls_context: Some(CommonTlsContext {
            tls_params: Some(parameters),
            alpn_protocols,
            ..Default::default()
        }),
        sni: sni.unwrap_or_default().to_owned(),
        ..Default::default()
    };
    Some(socket(&context))
}

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
    socket(&context)
}

fn socket<M: Message + Name>(context: &M) -> TransportSocket {
    TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(transport_socket::ConfigType::TypedConfig(any(context))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(protocol: Protocol, sni: Option<&str>, expect: &Value) {
        let package = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";
        let mut context = expect.clone();
        context["@type"] = format!("{package}.UpstreamTlsContext").into();
        context["common_tls_context"]["tls_params"] = json!({
            "tls_minimum_protocol_version": "TLSv1_2",
            "tls_maximum_protocol_version": "TLSv1_3",
            "cipher_suites": [
                "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
                "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-RSA-AES256-GCM-SHA384",
            ],
        });
        let expect = json!({ "name": "envoy.transport_sockets.tls", "typed_config": context });
        assert_eq!(upstream(protocol, sni).map(|socket| show(&socket)), Some(expect));
    }

    #[test]
    fn a_service_with_tls_is_asked_for_by_name() {
        let expect = json!({ "sni": "a.com", "common_tls_context": {} });
        check(Protocol::Tls, Some("a.com"), &expect);
        check(Protocol::Tls, None, &json!({ "common_tls_context": {} }));
    }

    #[test]
    fn http2_over_tls_is_negotiated() {
        let expect = json!({ "common_tls_context": { "alpn_protocols": ["h2"] } });
        check(Protocol::H2, None, &expect);
    }

    #[test]
    fn plain_text_has_no_transport_socket() {
        assert_eq!(upstream(Protocol::Http1, Some("a.com")), None);
        assert_eq!(upstream(Protocol::H2c, Some("a.com")), None);
    }
}
