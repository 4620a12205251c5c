//! `envoy.extensions.transport_sockets.tls.v3.Secret`: certificates and keys.

use contour_xds::resource::Resource;
use envoy_types::pb::envoy::config::core::v3::{DataSource, data_source};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, Secret, TlsCertificate, secret,
};
use prost::Message;

use crate::config::{FilePath, StatsTls};
use crate::name;

/// The secrets of statistics with TLS, by name. They hold names of files: Envoy reads them, again when they change, and
/// nobody else does.
pub(crate) fn stats(tls: Option<&StatsTls>) -> [(&'static str, Option<Resource>); 2] {
    let certificate = tls.map(|tls| {
        secret::Type::TlsCertificate(TlsCertificate {
            certificate_chain: Some(file(&tls.certificate)),
            private_key: Some(file(&tls.key)),
            ..Default::default()
        })
    });
    let authority = tls.and_then(|tls| tls.authority.as_ref()).map(|authority| {
        secret::Type::ValidationContext(CertificateValidationContext {
            trusted_ca: Some(file(authority)),
            ..Default::default()
        })
    });
    [(name::STATS_CERTIFICATE, certificate), (name::STATS_AUTHORITY, authority)]
        .map(|(name, content)| (name, content.map(|content| encoded(name, content))))
}

fn file(path: &FilePath) -> DataSource {
    let specifier = Some(data_source::Specifier::Filename(path.as_str().to_owned()));
    DataSource { specifier, ..Default::default() }
}

fn encoded(name: &str, content: secret::Type) -> Resource {
    let secret = Secret { name: name.to_owned(), r#type: Some(content) };
    Resource::new(secret.encode_to_vec().into(), [])
}

#[cfg(test)]
mod tests {
    use contour_xds::resource::TypeUrl;
    use serde_json::{Value, json};

    use super::*;
    use crate::json::decode;

    #[track_caller]
    fn check(authority: Option<&str>, expect: &[Value]) {
        let path = |path: &str| FilePath::new(path).unwrap();
        let tls =
            StatsTls { certificate: path("/c"), key: path("/k"), authority: authority.map(path) };
        let there = stats(Some(&tls)).into_iter().filter_map(|(_, resource)| resource);
        let shown: Vec<_> =
            there.map(|resource| decode(TypeUrl::Secret, &resource.body).unwrap()).collect();
        assert_eq!(shown, expect);
    }

    fn certificate() -> Value {
        json!({
            "name": "metrics-tls-certificate",
            "tls_certificate": {
                "certificate_chain": { "filename": "/c" }, "private_key": { "filename": "/k" },
            },
        })
    }

    #[test]
    fn without_tls_there_is_none() {
        assert!(stats(None).iter().all(|(_, resource)| resource.is_none()));
    }

    #[test]
    fn the_certificate_is_two_files() {
        check(None, &[certificate()]);
    }

    #[test]
    fn the_authority_is_a_file() {
        let authority = json!({
            "name": "metrics-ca-certificate",
            "validation_context": { "trusted_ca": { "filename": "/a" } },
        });
        check(Some("/a"), &[certificate(), authority]);
    }
}
