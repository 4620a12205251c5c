//! Which Secrets Envoy loads, and whether we know.
//!
//! Envoy is asked to check a configuration with the Secret in it, in the form in which we pass it on if we accept it, and
//! as it came if we do not.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use contour_builder::secret::{Secret, SecretObject};
use contour_builder::{Builder, Change, Object, ObjectName};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384,
    PKCS_ED25519, SerialNumber, date_time_ymd,
};
use serde_json::{Value, json};
use tokio::process::Command;

/// `tls.crt` and `tls.key`.
type Pair = (String, String);

pub(crate) async fn key_pairs_that_are_accepted_are_loaded(binary: PathBuf) {
    let mut pairs = files("accepted");
    pairs.extend(made());
    let accepted = pairs.iter().map(|(name, pair)| {
        let found = read(&[("tls.crt", &pair.0), ("tls.key", &pair.1)]).key_pair;
        let found = found.unwrap_or_else(|flaw| panic!("{name}: {flaw}"));
        json!({"tls_certificates": [certificate(&found.chain, found.private_key.expose())]})
    });
    let configuration = configuration(accepted.collect());
    assert_eq!(load(&binary, &configuration).await, Ok(()));
}

pub(crate) async fn key_pairs_that_envoy_refuses_are_refused(binary: PathBuf) {
    for (name, (chain, key)) in files("refused").into_iter().chain(unusable()) {
        let found = read(&[("tls.crt", &chain), ("tls.key", &key)]).key_pair;
        assert!(found.is_err(), "{name}");
        let context = json!({"tls_certificates": [certificate(&chain, &key)]});
        let loaded = load(&binary, &configuration(vec![context])).await;
        assert!(loaded.is_err(), "{name}: Envoy takes it, and we need not refuse it");
    }
}

pub(crate) async fn authorities_and_lists_that_are_accepted_are_loaded(binary: PathBuf) {
    let (authority, list) = authority();
    let all: String = files("accepted").into_iter().map(|(_, (chain, _))| chain).collect();
    let small = &files("refused")
        .into_iter()
        .find(|(name, _)| name == "rsa-1024")
        .expect("it is there")
        .1
        .0;
    let context = |authorities: &str, list: Option<&str>| {
        let secret = read(&[("ca.crt", authorities), ("crl.pem", list.unwrap_or_default())]);
        let authorities = secret.authorities.expect("they are good");
        let mut context = json!({"trusted_ca": {"inline_string": &*authorities.pem}});
        if list.is_some() {
            let lists = secret.revocations.expect("they are good");
            context["crl"] = json!({"inline_string": &*lists.pem});
        }
        json!({"validation_context": context})
    };
    let contexts = vec![
        context(&all, None),
        context(small, None),
        context(&authority, None),
        context(&format!("text\n{authority}{authority}"), Some(&format!("{list}text\n{list}"))),
    ];
    assert_eq!(load(&binary, &configuration(contexts)).await, Ok(()));
}

pub(crate) async fn authorities_and_lists_that_envoy_refuses_are_refused(binary: PathBuf) {
    let (authority, list) = authority();
    let cut = format!("{authority}{}", damaged(&authority));
    let context = |authority: &str, list: &str| {
        let validation = json!({
            "trusted_ca": {"inline_string": authority}, "crl": {"inline_string": list},
        });
        configuration(vec![json!({"validation_context": validation})])
    };
    let (_, (_, key)) = made().remove(0);
    for bad in ["", "garbage", &*cut, &key] {
        assert!(read(&[("ca.crt", bad)]).authorities.is_err(), "{bad}");
        assert!(load(&binary, &context(bad, &list)).await.is_err(), "Envoy takes {bad}");
    }
    let cut = format!("{list}{}", damaged(&list));
    assert!(read(&[("crl.pem", &cut)]).revocations.is_err());
    assert!(load(&binary, &context(&authority, &cut)).await.is_err());
    // These Envoy takes, and then refuses every client, or asks none.
    for bad in ["", "garbage", &*authority] {
        assert!(read(&[("crl.pem", bad)]).revocations.is_err(), "{bad}");
        assert_eq!(load(&binary, &context(&authority, bad)).await, Ok(()));
    }
}

/// A Secret as the builder keeps it.
fn read(values: &[(&str, &str)]) -> Secret {
    let values: serde_json::Map<String, Value> =
        values.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let manifest = json!({"metadata": {"namespace": "a", "name": "b"}, "stringData": values});
    let secret = SecretObject::new(serde_json::from_value(manifest).expect("a Secret"));
    let mut builder = Builder::default();
    builder.apply(vec![Change::Apply(Object::Secret(Box::new(secret)))]);
    Secret::clone(builder.secret(&ObjectName::new("a", "b")).expect("it is kept"))
}

/// The pairs of files in a directory, by name.
fn files(directory: &str) -> Vec<(String, Pair)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contour-builder/testdata/key_pairs");
    let entries = std::fs::read_dir(root.join(directory)).expect("the directory of key pairs");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let keys = paths.filter(|path| path.extension().is_some_and(|extension| extension == "key"));
    let read = |path: &Path| std::fs::read_to_string(path).expect("a file to read");
    let mut pairs: Vec<_> = keys
        .map(|key| {
            let name = key.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, (read(&key.with_extension("crt")), read(&key)))
        })
        .collect();
    pairs.sort();
    assert!(pairs.len() >= 8, "{} pairs", pairs.len());
    pairs
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a DNS name");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn self_signed(params: &CertificateParams, key: &KeyPair) -> Pair {
    (params.self_signed(key).expect("a certificate").pem(), key.serialize_pem())
}

/// Pairs that are good, each in its way.
fn made() -> Vec<(String, Pair)> {
    let usual = KeyPair::generate().expect("a key");
    let second = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let larger = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
    let mut old = params("old.test");
    (old.not_before, old.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    let mut agreeing = params("agreeing.test");
    agreeing.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    let mut authority = params("authority.test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (leaf, key) = self_signed(&params("late.test"), &usual);
    let (other, _) = self_signed(&authority, &larger);
    let windows = |text: &str| text.replace('\n', "\r\n");
    let pairs = [
        ("P-256", self_signed(&params("a.test"), &usual)),
        ("P-384", self_signed(&params("b.test"), &larger)),
        ("PKCS#8 of the second version", self_signed(&params("c.test"), &second)),
        ("a key that is not for signing", self_signed(&agreeing, &second)),
        ("expired", self_signed(&old, &usual)),
        ("an authority", self_signed(&authority, &usual)),
        ("another certificate first", (format!("{other}{leaf}"), key.clone())),
        ("twice", (format!("{leaf}{leaf}"), key.clone())),
        ("with text and other line breaks", (format!("text\r\n{}", windows(&leaf)), windows(&key))),
    ];
    pairs.into_iter().map(|(name, pair)| (name.to_owned(), pair)).collect()
}

/// Pairs that are not.
fn unusable() -> Vec<(String, Pair)> {
    let key = KeyPair::generate().expect("a key");
    let (good, own) = self_signed(&params("a.test"), &key);
    let other = KeyPair::generate().expect("a key").serialize_pem();
    let mut nameless = params("a.test");
    nameless.subject_alt_names.clear();
    nameless.distinguished_name = DistinguishedName::new();
    let mut agreeing = params("a.test");
    agreeing.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    let pairs = [
        ("another key", (good.clone(), other)),
        ("a damaged key", (good.clone(), damaged(&own))),
        ("no key", (good.clone(), "text".to_owned())),
        ("an empty key", (good.clone(), String::new())),
        ("no certificate", (String::new(), own.clone())),
        ("a damaged certificate", (damaged(&good), own.clone())),
        ("a damaged second certificate", (format!("{good}{}", damaged(&good)), own.clone())),
        ("swapped", (own.clone(), good.clone())),
        ("for nobody", self_signed(&nameless, &key)),
        ("ECDSA without signing", self_signed(&agreeing, &key)),
    ];
    pairs.into_iter().map(|(name, pair)| (name.to_owned(), pair)).collect()
}

/// An authority's certificate, and a list of its.
fn authority() -> Pair {
    let mut params = params("root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 1),
        next_update: date_time_ymd(2124, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&Issuer::new(params, key)).expect("a list");
    (certificate, list.pem().expect("PEM"))
}

/// The same, with another first byte within.
fn damaged(pem: &str) -> String {
    pem.replacen("-----\nM", "-----\nN", 1)
}

fn certificate(chain: &str, key: &str) -> Value {
    json!({
        "certificate_chain": {"inline_string": chain}, "private_key": {"inline_string": key},
    })
}

/// A listener with a chain for each TLS context; one without a key pair gets one.
fn configuration(contexts: Vec<Value>) -> Value {
    const TYPES: &str = "type.googleapis.com/envoy.extensions";
    let (_, (chain, key)) = made().remove(0);
    let chains = contexts.into_iter().enumerate().map(|(at, mut context)| {
        if context.get("tls_certificates").is_none() {
            context["tls_certificates"] = json!([certificate(&chain, &key)]);
        }
        json!({
            "filter_chain_match": {"server_names": [format!("{at}.test")]},
            "filters": [{
                "name": "echo",
                "typed_config": {"@type": format!("{TYPES}.filters.network.echo.v3.Echo")},
            }],
            "transport_socket": {"name": "tls", "typed_config": {
                "@type": format!("{TYPES}.transport_sockets.tls.v3.DownstreamTlsContext"),
                "common_tls_context": context,
            }},
        })
    });
    let inspector = json!({
        "name": "inspector",
        "typed_config": {"@type": format!("{TYPES}.filters.listener.tls_inspector.v3.TlsInspector")},
    });
    json!({"static_resources": {"listeners": [{
        "name": "tls",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "listener_filters": [inspector],
        "filter_chains": chains.collect::<Vec<_>>(),
    }]}})
}

/// Has Envoy check a configuration.
async fn load(binary: &Path, configuration: &Value) -> Result<(), String> {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let file = scratch.path().join("envoy.json");
    std::fs::write(&file, configuration.to_string()).expect("a file to write");
    let output = Command::new(binary)
        .args(["--mode", "validate", "--log-level", "critical", "--config-path"])
        .arg(&file)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("Envoy starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}
