//! Facts about Secrets: what is read of them, and what is told of the rest.

mod authorities;
mod key_pairs;
mod objects;
mod pems;

use contour_api::core;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair as Key,
    KeyUsagePurpose,
};
use serde_json::json;

use super::*;

/// A Secret with these values.
fn object(kind: &str, values: &[(&str, &str)]) -> SecretObject {
    let values: serde_json::Map<_, _> =
        values.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let manifest = json!({"metadata": {"name": "a"}, "type": kind, "stringData": values});
    SecretObject::new(serde_json::from_value::<core::Secret>(manifest).expect("a Secret"))
}

fn read(values: &[(&str, &str)]) -> Secret {
    secret(&object("Opaque", values))
}

fn pair(certificate: &str, key: &str) -> Result<Arc<KeyPair>, String> {
    let found = read(&[("tls.crt", certificate), ("tls.key", key)]).key_pair;
    found.map_err(|flaw| flaw.to_string())
}

#[track_caller]
fn refused(certificate: &str, key: &str, expect: &str) {
    assert_eq!(pair(certificate, key).expect_err("it is refused"), expect);
}

/// What a certificate for a host says.
fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a DNS name");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A certificate that certifies itself, and its key.
fn made(params: &CertificateParams) -> (String, String) {
    let key = Key::generate().expect("a key");
    (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}

/// A certificate for `name`, one that certifies it, and one that certifies that one; and the first one's key.
fn chain(name: &str) -> ([String; 3], String) {
    let authority = |name| {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params, Key::generate().expect("a key"))
    };
    let (root, root_key) = authority("root");
    let (middle, middle_key) = authority("middle");
    let leaf_key = Key::generate().expect("a key");
    let top = root.self_signed(&root_key).expect("a certificate").pem();
    let root = Issuer::new(root, root_key);
    let between = middle.signed_by(&middle_key, &root).expect("a certificate").pem();
    let middle = Issuer::new(middle, middle_key);
    let leaf = params(name).signed_by(&leaf_key, &middle).expect("a certificate").pem();
    ([leaf, between, top], leaf_key.serialize_pem())
}
