//! How Envoy and Contour know each other.

use serde_json::{Value, json};

/// The files by which Envoy and Contour know each other. Envoy reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// What Contour's certificate must be signed by. Source: `--envoy-cafile`. Becomes: `trusted_ca`.
    pub ca_file: String,
    /// What Contour is shown. Source: `--envoy-cert-file`. Becomes: `certificate_chain`.
    pub cert_file: String,
    /// Its key. Source: `--envoy-key-file`. Becomes: `private_key`.
    pub key_file: String,
    /// When they are read.
    pub reading: Reading,
}

/// When Envoy reads the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Once: the cluster names them.
    AtStart,
    /// Whenever they change: the cluster names secrets, and files below this directory, [`Tls::resource_files`], say which
    /// files those are. Source: `--resources-dir`.
    WhenChanged(String),
}

/// A file that the bootstrap configuration refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceFile {
    /// Its path below the directory for such files.
    pub path: &'static str,
    /// Everything in it.
    pub text: String,
}

/// The name in Contour's certificate.
const SERVER: &str = "contour";

const CERTIFICATE: &str = "contour_xds_tls_certificate";
const VALIDATION: &str = "contour_xds_tls_validation_context";

const CERTIFICATE_FILE: &str = "sds/xds-tls-certificate.json";
const VALIDATION_FILE: &str = "sds/xds-validation-context.json";

/// Envoy's own, and those for keys on the curve P-521, which it does not offer by itself.
const SIGNATURE_ALGORITHMS: [&str; 10] = [
    "ecdsa_secp256r1_sha256",
    "rsa_pss_rsae_sha256",
    "rsa_pkcs1_sha256",
    "ecdsa_secp384r1_sha384",
    "rsa_pss_rsae_sha384",
    "rsa_pkcs1_sha384",
    "ecdsa_secp521r1_sha512",
    "rsa_pss_rsae_sha512",
    "rsa_pkcs1_sha512",
    "rsa_pkcs1_sha1",
];

impl Tls {
    /// The files that have to be below the directory of [`Reading::WhenChanged`].
    pub fn resource_files(&self) -> Vec<ResourceFile> {
        if self.reading == Reading::AtStart {
            return Vec::new();
        }
        let certificate = ("tls_certificate", self.certificate());
        let validation = ("validation_context", self.validation());
        vec![
            resource_file(CERTIFICATE_FILE, CERTIFICATE, certificate),
            resource_file(VALIDATION_FILE, VALIDATION, validation),
        ]
    }

    fn certificate(&self) -> Value {
        json!({
            "certificate_chain": { "filename": self.cert_file },
            "private_key": { "filename": self.key_file },
        })
    }

    fn validation(&self) -> Value {
        json!({
            "trusted_ca": { "filename": self.ca_file },
            "match_typed_subject_alt_names": [{ "san_type": "DNS", "matcher": { "exact": SERVER } }],
        })
    }
}

/// A response of secret discovery with one secret.
fn resource_file(path: &'static str, name: &str, (kind, secret): (&str, Value)) -> ResourceFile {
    let response = json!({
        "resources": [{
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            "name": name,
            kind: secret,
        }],
    });
    ResourceFile { path, text: format!("{response:#}\n") }
}

/// `envoy.config.core.v3.TransportSocket` of the cluster `contour`. Contour speaks TLS 1.3 only.
pub(super) fn transport_socket(tls: &Tls) -> Value {
    let mut context = match &tls.reading {
        Reading::AtStart => json!({
            "tls_certificates": [tls.certificate()],
            "validation_context": tls.validation(),
            "tls_params": {},
        }),
        Reading::WhenChanged(directory) => {
            let secret = |name, file| {
                json!({
                    "name": name,
                    "sds_config": {
                        "resource_api_version": "V3",
                        "path_config_source": { "path": format!("{directory}/{file}") },
                    },
                })
            };
            json!({
                "tls_certificate_sds_secret_configs": [secret(CERTIFICATE, CERTIFICATE_FILE)],
                "validation_context_sds_secret_config": secret(VALIDATION, VALIDATION_FILE),
                "tls_params": { "signature_algorithms": SIGNATURE_ALGORITHMS },
            })
        }
    };
    context["tls_params"]["tls_minimum_protocol_version"] = json!("TLSv1_3");
    context["tls_params"]["tls_maximum_protocol_version"] = json!("TLSv1_3");
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "common_tls_context": context,
        },
    })
}
