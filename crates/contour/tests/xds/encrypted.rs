//! xDS over TLS.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use contour::serve::accept::{HANDSHAKES, Transport};
use contour::serve::metrics::Metrics;
use contour::serve::tls::{Clients, Error, Files, Protocol, Tls};
use contour_xds::resource::TypeUrl;
use contour_xds::wire::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::server::Server;
use contour_tests::grpc::{Call, Client};

const DELTA_CLUSTERS: &str = "envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters";

/// Who signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
struct Identity {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    fn sign(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_after = date_time_ymd(2040, 1, 1);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Identity { certificate, key: key.serialize_pem() }
    }
}

/// A volume as Kubernetes mounts a Secret: each file is a link through `..data`, which is swapped.
struct Volume {
    directory: TempDir,
    count: usize,
}

impl Volume {
    fn new(authority: &Authority, identity: &Identity) -> Volume {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["ca.crt", "tls.crt", "tls.key"] {
            symlink(format!("..data/{name}"), directory.path().join(name)).expect("a link");
        }
        let mut volume = Volume { directory, count: 0 };
        volume.swap(&authority.pem, identity);
        volume
    }

    fn swap(&mut self, authority: &str, identity: &Identity) {
        self.count += 1;
        let version = format!("..{}", self.count);
        let new = self.directory.path().join(&version);
        fs::create_dir(&new).expect("a directory");
        fs::write(new.join("ca.crt"), authority).expect("a file");
        fs::write(new.join("tls.crt"), &identity.certificate).expect("a file");
        fs::write(new.join("tls.key"), &identity.key).expect("a file");
        let link = self.directory.path().join("..data_tmp");
        symlink(&version, &link).expect("a link");
        fs::rename(&link, self.directory.path().join("..data")).expect("a rename");
    }

    fn files(&self) -> Files {
        let path = |name: &str| self.directory.path().join(name);
        Files {
            certificate: path("tls.crt"),
            key: path("tls.key"),
            clients: Clients::SignedBy(path("ca.crt")),
        }
    }
}

async fn serve(volume: &Volume) -> Server {
    let metrics: Arc<Metrics> = Arc::default();
    let tls = Tls::new("xds", volume.files(), Protocol::Http2, Arc::clone(&metrics));
    Server::start_by(Transport::Tls(tls.expect("usable files")), metrics).await
}

static TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// A client that trusts an authority and shows a certificate, if it has one.
async fn connect(
    server: SocketAddr,
    trusted: &Authority,
    identity: Option<&Identity>,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(der(&trusted.pem)).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(Identity { certificate, key }) => {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(vec![der(certificate)], key).expect("an identity")
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(server).await?;
    let name = ServerName::try_from("contour").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

/// Opens a stream on a connection, and waits for its first response.
async fn ask(stream: TlsStream<TcpStream>) -> Result<(Client, Call), h2::Error> {
    let client = Client::on(stream).await?;
    let mut call = client.call(DELTA_CLUSTERS).await?;
    call.send(&DeltaDiscoveryRequest {
        resource_names_subscribe: vec!["*".to_owned()],
        ..DeltaDiscoveryRequest::default()
    });
    let response: DeltaDiscoveryResponse = call.try_next().await?;
    call.send(&DeltaDiscoveryRequest {
        response_nonce: response.nonce,
        ..DeltaDiscoveryRequest::default()
    });
    Ok((client, call))
}

/// Whether a client that connects so is turned away, in the handshake or, as TLS 1.3 has it, right after.
#[track_caller]
fn check_refused(connected: std::io::Result<Result<(Client, Call), h2::Error>>) {
    assert!(!matches!(connected, Ok(Ok(_))), "it is served");
}

async fn try_ask(
    server: &Server,
    trusted: &Authority,
    identity: Option<&Identity>,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<Result<(Client, Call), h2::Error>> {
    let stream = connect(server.address, trusted, identity, versions).await?;
    Ok(ask(stream).await)
}

#[tokio::test]
async fn a_client_with_a_certificate_of_the_authority_is_served() {
    let authority = Authority::new();
    let server = serve(&Volume::new(&authority, &authority.sign("contour"))).await;
    let envoy = authority.sign("whatever");
    let stream = connect(server.address, &authority, Some(&envoy), TLS13).await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert!(ask(stream).await.is_ok());
}

#[tokio::test]
async fn without_a_certificate_a_client_is_refused() {
    let authority = Authority::new();
    let server = serve(&Volume::new(&authority, &authority.sign("contour"))).await;
    check_refused(try_ask(&server, &authority, None, TLS13).await);
}

#[tokio::test]
async fn a_client_of_another_authority_is_refused() {
    let authority = Authority::new();
    let server = serve(&Volume::new(&authority, &authority.sign("contour"))).await;
    let stranger = Authority::new().sign("envoy");
    check_refused(try_ask(&server, &authority, Some(&stranger), TLS13).await);
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let authority = Authority::new();
    let server = serve(&Volume::new(&authority, &authority.sign("contour"))).await;
    let envoy = authority.sign("envoy");
    check_refused(try_ask(&server, &authority, Some(&envoy), &[&rustls::version::TLS12]).await);
}

#[tokio::test]
async fn replaced_files_are_used_by_the_next_handshake_and_open_streams_live_on() {
    let (before, after) = (Authority::new(), Authority::new());
    let mut volume = Volume::new(&before, &before.sign("contour"));
    let mut server = serve(&volume).await;
    let envoy = before.sign("envoy");
    let open = try_ask(&server, &before, Some(&envoy), TLS13).await.expect("TLS");
    let (_client, mut call) = open.expect("a response");

    volume.swap(&after.pem, &after.sign("contour"));
    check_refused(try_ask(&server, &before, Some(&envoy), TLS13).await);
    check_refused(try_ask(&server, &after, Some(&envoy), TLS13).await);
    let new = try_ask(&server, &after, Some(&after.sign("envoy")), TLS13).await;
    assert!(new.expect("TLS").is_ok());

    server.publish(TypeUrl::Cluster, 2);
    let response: DeltaDiscoveryResponse = call.next().await;
    assert_eq!(response.resources.len(), 1);
}

#[tokio::test]
async fn files_that_are_no_set_leave_the_ones_before_in_use() {
    let authority = Authority::new();
    let mut volume = Volume::new(&authority, &authority.sign("contour"));
    let server = serve(&volume).await;
    let envoy = authority.sign("envoy");
    let (one, other) = (authority.sign("contour"), authority.sign("contour"));
    let mixed = Identity { certificate: one.certificate.clone(), key: other.key };
    let half = Identity { certificate: one.certificate[..100].to_owned(), key: one.key.clone() };
    for broken in [mixed, half] {
        volume.swap(&authority.pem, &broken);
        assert!(try_ask(&server, &authority, Some(&envoy), TLS13).await.expect("TLS").is_ok());
    }
    volume.swap("", &one);
    assert!(try_ask(&server, &authority, Some(&envoy), TLS13).await.expect("TLS").is_ok());

    volume.swap(&authority.pem, &one);
    let stream = connect(server.address, &authority, Some(&envoy), TLS13).await.expect("TLS");
    let shown = stream.get_ref().1.peer_certificates().expect("certificates")[0].clone();
    assert_eq!(shown, der(&one.certificate));
}

#[tokio::test]
async fn clients_that_say_nothing_keep_nobody_waiting() {
    let authority = Authority::new();
    let server = serve(&Volume::new(&authority, &authority.sign("contour"))).await;
    let mut silent = Vec::new();
    for _ in 0..HANDSHAKES + 50 {
        silent.push(TcpStream::connect(server.address).await.expect("somebody listens"));
    }
    let envoy = authority.sign("envoy");
    assert!(try_ask(&server, &authority, Some(&envoy), TLS13).await.expect("TLS").is_ok());
}

#[tokio::test]
async fn when_certificates_expire_is_a_metric() {
    let authority = Authority::new();
    let server = serve(&Volume::new(&authority, &authority.sign("contour"))).await;
    let told = server.metrics.render();
    let expiry = "contour_certificate_expiry_timestamp_seconds{name=\"xds\"} 2208988800\n";
    assert!(told.contains(expiry), "{told}");
    assert!(told.contains("{name=\"xds-ca\"}"), "{told}");
}

/// What is said of files that cannot serve.
#[track_caller]
fn check_error(volume: &Volume, expect: &str) {
    let error = Tls::new("xds", volume.files(), Protocol::Http2, Arc::default());
    let error: Error = error.expect_err("not usable");
    let place = |name: &str| volume.directory.path().join(name).display().to_string();
    let expect = ["ca.crt", "tls.crt", "tls.key"]
        .iter()
        .fold(expect.to_owned(), |text, name| text.replace(&format!("<{name}>"), &place(name)));
    assert_eq!(error.to_string(), expect);
}

fn remove(volume: &Volume, name: &str) {
    fs::remove_file(volume.directory.path().join(Path::new(name))).expect("a file");
}

#[tokio::test]
async fn files_that_cannot_serve_are_told_by_name_and_never_by_content() {
    let authority = Authority::new();
    let (one, other) = (authority.sign("contour"), authority.sign("contour"));
    let mixed = Identity { certificate: one.certificate.clone(), key: other.key };
    check_error(
        &Volume::new(&authority, &mixed),
        "<tls.crt> cannot be used with its key: keys may not be consistent: KeyMismatch; give the key that the certificate was made for",
    );
    let no_key = Identity { key: "-----BEGIN secret".to_owned(), ..one.clone() };
    check_error(&Volume::new(&authority, &no_key), "<tls.key> holds no private key in PEM format");
    let no_certificate = Identity { certificate: String::new(), ..one.clone() };
    check_error(
        &Volume::new(&authority, &no_certificate),
        "<tls.crt> holds no certificate in PEM format",
    );
    let volume = Volume::new(&authority, &one);
    remove(&volume, "ca.crt");
    check_error(&volume, "cannot read <ca.crt>: No such file or directory (os error 2)");
}
