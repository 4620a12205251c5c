//! `contour certgen`, but for `--kube`: `tests/cluster/certificates.rs` has that.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contour_tests::program::{Ended, Program};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, RootCertStore, ServerConfig, ServerConnection,
};
use tempfile::TempDir;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::check_error;
use super::program::contour;

const PEM: [&str; 5] =
    ["cacert.pem", "contourcert.pem", "contourkey.pem", "envoycert.pem", "envoykey.pem"];

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// What `contour certgen` with these flags comes to in a directory.
fn certgen<const N: usize>(directory: &Path, flags: [&str; N]) -> Ended {
    let mut command = contour(["certgen"]);
    Program::start({
        command.args(flags).arg(directory);
        command
    })
    .end()
}

#[track_caller]
fn check<const N: usize>(directory: &Path, flags: [&str; N], expect: &str) {
    let ended = certgen(directory, flags);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert_eq!(ended.out, expect.replace("<dir>", &directory.display().to_string()));
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> =
        names.map(|name| name.into_string().expect("a name of ours")).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("a file").permissions().mode() & 0o777
}

fn der(directory: &Path, name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(directory.join(name)).expect("a certificate")
}

/// Certificate and key of a side.
fn identity(
    directory: &Path,
    side: &str,
) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let key = PrivateKeyDer::from_pem_file(directory.join(format!("{side}key.pem")));
    (vec![der(directory, &format!("{side}cert.pem"))], key.expect("a key"))
}

/// Hands everything that one end says to the other.
fn pass<F, T>(from: &mut ConnectionCommon<F>, to: &mut ConnectionCommon<T>) -> bool
where
    F: rustls::SideData,
    T: rustls::SideData,
{
    let mut said = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut said).expect("memory");
    }
    let mut heard = said.as_slice();
    while !heard.is_empty() {
        to.read_tls(&mut heard).expect("memory");
        to.process_new_packets().expect("each trusts the other");
    }
    !said.is_empty()
}

/// A handshake as between an Envoy and Contour: TLS 1.3, both show a certificate, the server's name is `contour`.
fn shake_hands(directory: &Path) {
    let mut roots = RootCertStore::empty();
    roots.add(der(directory, "cacert.pem")).expect("an authority");
    let (roots, provider) = (Arc::new(roots), Arc::new(ring::default_provider()));
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
    let (chain, key) = identity(directory, "contour");
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("a version")
        .with_client_cert_verifier(verifier.build().expect("a verifier"))
        .with_single_cert(chain, key)
        .expect("an identity");
    let (chain, key) = identity(directory, "envoy");
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("a version")
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .expect("an identity");
    let name = ServerName::try_from("contour").expect("a name");
    let mut client = ClientConnection::new(Arc::new(client), name).expect("a client");
    let mut server = ServerConnection::new(Arc::new(server)).expect("a server");
    while pass(&mut client, &mut server) | pass(&mut server, &mut client) {}
    assert!(!client.is_handshaking() && !server.is_handshaking());
    assert!(server.peer_certificates().is_some());
}

fn hosts(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject_alternative_name().expect("one").expect("names");
    let hosts = names.value.general_names.iter().map(|name| match name {
        GeneralName::DNSName(host) => (*host).to_owned(),
        other => panic!("{other}"),
    });
    hosts.collect()
}

#[test]
fn pem_files_are_written_for_their_owner_alone_and_each_is_told() {
    let scratch = scratch();
    let directory = scratch.path().join("new/certs");
    check(
        &directory,
        ["--pem"],
        "Writing certificates to PEM files in <dir>/
<dir>/cacert.pem created
<dir>/contourcert.pem created
<dir>/contourkey.pem created
<dir>/envoycert.pem created
<dir>/envoykey.pem created
",
    );
    assert_eq!(names(&directory), PEM);
    for name in PEM {
        assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
    }
}

#[test]
fn contour_and_envoy_accept_each_other() {
    for key_type in ["--key-type=p256", "--key-type=rsa2048"] {
        let directory = scratch();
        let ended = certgen(directory.path(), ["--pem", key_type]);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
        shake_hands(directory.path());
        let rsa = PEM.iter().filter(|name| name.ends_with("cert.pem")).filter(|name| {
            let der = der(directory.path(), name);
            let (_, certificate) = X509Certificate::from_der(&der).expect("a certificate");
            matches!(certificate.public_key().parsed(), Ok(PublicKey::RSA(key)) if key.key_size() == 2048)
        });
        assert_eq!(rsa.count(), if key_type.ends_with("rsa2048") { 3 } else { 0 });
    }
}

#[test]
fn certificates_say_what_they_are_for() {
    let directory = scratch();
    certgen(directory.path(), ["--pem", "--namespace=edge", "--certificate-lifetime=30"]);
    let authority = der(directory.path(), "cacert.pem");
    let (_, authority) = X509Certificate::from_der(&authority).expect("a certificate");
    assert!(authority.is_ca());
    let subject = authority.subject().to_string();
    assert!(
        subject.contains("CN=Project Contour") && subject.contains("serialNumber="),
        "{subject}"
    );
    let mut serials = vec![authority.serial.clone()];
    for side in ["contour", "envoy"] {
        let leaf = der(directory.path(), &format!("{side}cert.pem"));
        let (_, leaf) = X509Certificate::from_der(&leaf).expect("a certificate");
        assert_eq!(leaf.subject().to_string(), format!("CN={side}"));
        let more = ["", ".edge", ".edge.svc", ".edge.svc.cluster.local"];
        assert_eq!(hosts(&leaf), more.map(|more| format!("{side}{more}")));
        let usage = leaf.extended_key_usage().expect("one").expect("one").value;
        assert!(usage.server_auth && usage.client_auth && !leaf.is_ca());
        assert!(leaf.verify_signature(Some(authority.public_key())).is_ok());
        assert_eq!(leaf.validity().not_after, authority.validity().not_after);
        serials.push(leaf.serial.clone());
    }
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), 3);
    assert!(serials.iter().all(|serial| serial.bits() > 64), "{serials:?}");
}

/// How many days certificates are valid that are made with this flag.
#[track_caller]
fn check_days(flag: &str, expect: u64) {
    const DAY: u64 = 24 * 60 * 60;
    let directory = scratch();
    certgen(directory.path(), ["--pem", flag]);
    let der = der(directory.path(), "envoycert.pem");
    let (_, certificate) = X509Certificate::from_der(&der).expect("a certificate");
    let seconds = |time: i64| Duration::from_secs(time.try_into().expect("after 1970"));
    let end = seconds(certificate.validity().not_after.timestamp());
    let begin = seconds(certificate.validity().not_before.timestamp());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    // However long the test takes, it is no half day.
    let half = Duration::from_secs(DAY / 2);
    assert_eq!((end + half).saturating_sub(now).as_secs() / DAY, expect);
    assert_eq!((now.saturating_sub(begin) + half).as_secs() / DAY, 1);
}

#[test]
fn certificates_are_valid_as_long_as_was_asked_for() {
    check_days("--certificate-lifetime=30", 30);
    check_days("--certificate-lifetime=0", 365);
    check_days("--namespace=projectcontour", 365);
}

/// The type of a Secret in a file, and its keys.
fn secret(path: &Path) -> (String, Vec<String>) {
    let text = fs::read_to_string(path).expect("a file");
    let (documents, fault) = contour_k8s::yaml::tree::parse(&text, 0);
    assert!(fault.is_none() && documents.len() == 1);
    let of =
        |keys: &[&str]| documents[0].find(keys).and_then(|node| node.text()).map(str::to_owned);
    assert_eq!(of(&["kind"]).as_deref(), Some("Secret"));
    assert_eq!(of(&["metadata", "namespace"]).as_deref(), Some("7"));
    assert_eq!(of(&["metadata", "labels", "app"]).as_deref(), Some("contour"));
    let name = of(&["metadata", "name"]).expect("a name");
    assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(&*format!("{name}.yaml")));
    let data = text.split("\ndata:\n").nth(1).expect("data");
    let keys = data.lines().map(|line| line.trim().split(':').next().expect("a key").to_owned());
    (of(&["type"]).expect("a type"), keys.collect())
}

#[test]
fn secrets_have_the_legacy_format_unless_another_is_asked_for() {
    let scratch = scratch();
    let directory = scratch.path();
    let flags = ["--yaml", "--namespace=7", "--secrets-name-suffix=-old"];
    check(
        directory,
        flags,
        "Writing \"legacy\" format Secrets to YAML files in <dir>/
<dir>/cacert-old.yaml created
<dir>/contourcert-old.yaml created
<dir>/envoycert-old.yaml created
",
    );
    let found = ["cacert-old", "contourcert-old", "envoycert-old"]
        .map(|name| secret(&directory.join(format!("{name}.yaml"))));
    let strings = |type_: &str, keys: &[&str]| {
        (type_.to_owned(), keys.iter().map(|key| (*key).to_owned()).collect::<Vec<String>>())
    };
    let tls = strings("kubernetes.io/tls", &["tls.crt", "tls.key"]);
    assert_eq!(found, [strings("Opaque", &["cacert.pem"]), tls.clone(), tls]);
}

#[test]
fn compact_secrets_hold_the_authority_too() {
    let scratch = scratch();
    let directory = scratch.path();
    check(
        directory,
        ["--yaml", "--namespace=7", "--secrets-format=compact"],
        "Writing \"compact\" format Secrets to YAML files in <dir>/
<dir>/contourcert.yaml created
<dir>/envoycert.yaml created
",
    );
    for name in ["contourcert.yaml", "envoycert.yaml"] {
        let (type_, keys) = secret(&directory.join(name));
        assert_eq!(type_, "kubernetes.io/tls");
        assert_eq!(keys, ["ca.crt", "tls.crt", "tls.key"]);
        assert_eq!(mode(&directory.join(name)), 0o600);
    }
}

#[test]
fn if_a_file_is_there_none_is_written() {
    let scratch = scratch();
    let directory = scratch.path();
    fs::write(directory.join("envoykey.pem"), "of somebody").expect("a file");
    let ended = certgen(directory, ["--pem", "--yaml"]);
    let place = directory.join("envoykey.pem").display().to_string();
    check_error(
        &ended,
        &format!(
            "{place} is there already, and nothing was written; --overwrite replaces what is there"
        ),
    );
    assert_eq!(names(directory), ["envoykey.pem"]);
}

#[test]
fn files_that_are_there_are_replaced_if_that_is_asked_for() {
    let scratch = scratch();
    let directory = scratch.path();
    let key = directory.join("envoykey.pem");
    fs::write(&key, "of somebody").expect("a file");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let ended = certgen(directory, ["--pem", "--overwrite"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert_eq!((names(directory), mode(&key)), (PEM.map(str::to_owned).into(), 0o600));
    shake_hands(directory);
}

#[test]
fn without_anywhere_to_put_them_nothing_is_made() {
    let scratch = scratch();
    let directory = scratch.path().join("certs");
    check(&directory, [], "");
    assert!(!directory.exists());
}

/// What is said of flags that cannot be meant.
#[track_caller]
fn check_refused<const N: usize>(flags: [&str; N], expect: &str) {
    let directory = scratch();
    check_error(&certgen(directory.path(), flags), expect);
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn names_that_the_api_server_would_refuse_are_refused() {
    check_refused(
        ["--pem", "--namespace=a.b"],
        "invalid namespace name \"a.b\": give up to 63 lower-case letters, digits and hyphens, no hyphen first or last",
    );
    check_refused(
        ["--pem", "--secrets-name-suffix=-"],
        "invalid secret name \"contourcert-\": give up to 253 lower-case letters, digits, hyphens and dots, a letter or digit beside each dot and at both ends",
    );
}

#[test]
fn an_api_server_that_cannot_be_found_is_told_before_anything_is_written() {
    let scratch = scratch();
    let directory = scratch.path();
    let ended = certgen(directory, ["--pem", "--kube", "--kubeconfig=no/such/file"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
    assert!(ended.err.starts_with("contour: error: cannot use the kubeconfig no/such/file: "));
    assert_eq!(names(directory), [""; 0]);
}

#[test]
fn the_namespace_may_come_from_the_environment() {
    let directory = scratch();
    let mut command = contour(["certgen", "--yaml"]);
    command.env("CONTOUR_NAMESPACE", "7").arg(directory.path());
    assert_eq!(Program::start(command).end().code, Some(0));
    secret(&directory.path().join("contourcert.yaml"));
}
