//! How the servers treat their clients.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use contour::serve::accept::Transport;
use contour::serve::health::{self, Health, Readiness};
use contour::serve::metrics::{Metrics, endpoint};
use contour::serve::tls::{Clients, Files, Protocol, Tls};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsConnector;

use super::client::{Answer, Server, ask, get as get_path, serve};

#[tokio::test]
async fn metrics_and_health_share_a_server() {
    let (_serving, is_serving) = watch::channel(true);
    let health = Health::new(Readiness::of_directory(is_serving));
    let routes = endpoint::routes(Arc::default()).merge(health::routes(health));
    let server = serve(routes, Transport::Plain).await;
    for (path, status) in
        [("/metrics", 200), ("/health", 200), ("/healthz", 200), ("/readyz", 200), ("/other", 404)]
    {
        assert_eq!(get_path(&server, path).await.status, status, "{path}");
    }
    assert_eq!(get_path(&server, "/healthz").await.text(), "OK\n");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = serve(Router::new().route("/", get(async || "")), Transport::Plain).await;
    let stream = TcpStream::connect(server.address).await.expect("a server");
    let headers = format!("x: {}\r\n", "x".repeat(7000));
    assert_eq!(ask(stream, "/", &headers).await.expect("an answer").status, 431);
}

#[tokio::test]
async fn a_request_under_way_is_answered_when_the_server_stops() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, goes_on) = (Arc::clone(&begun), Arc::clone(&go_on));
    let slow = async move || {
        begins.notify_one();
        goes_on.notified().await;
        "late"
    };
    let mut server = serve(Router::new().route("/", get(slow)), Transport::Plain).await;
    let stream = TcpStream::connect(server.address).await.expect("a server");
    let mut idle = TcpStream::connect(server.address).await.expect("a server");
    let asked = tokio::spawn(async move { ask(stream, "/", "").await.expect("an answer") });
    begun.notified().await;
    server.stop.cancel();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.expect("it is closed at once");
    go_on.notify_one();
    assert_eq!(asked.await.expect("no panic").text(), "late");
    (&mut server.task).await.expect("it stops");
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_connection_serves_several_requests() {
    let server = serve(Router::new().route("/", get(async || "answer")), Transport::Plain).await;
    let mut stream = TcpStream::connect(server.address).await.expect("a server");
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: contour\r\n\r\n").await.expect("sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"answer") {
            assert_ne!(stream.read_buf(&mut answer).await.expect("received"), 0, "it is closed");
        }
    }
}

/// A certificate that signs itself, and its key, in files of a directory.
struct Signed {
    directory: tempfile::TempDir,
    pem: String,
    key: String,
}

impl Signed {
    fn new() -> Signed {
        let names = ["contour".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("tls.crt"), &pem).expect("a file");
        std::fs::write(directory.path().join("tls.key"), &key).expect("a file");
        Signed { directory, pem, key }
    }

    fn files(&self, clients: Clients) -> Files {
        let path = |name| self.directory.path().join(name);
        Files { certificate: path("tls.crt"), key: path("tls.key"), clients }
    }
}

async fn serve_encrypted(files: Files) -> Server {
    let metrics: Arc<Metrics> = Arc::default();
    let tls = Tls::new("metrics", files, Protocol::Http1, Arc::clone(&metrics)).expect("files");
    serve(endpoint::routes(metrics), Transport::Tls(tls)).await
}

async fn get_encrypted(
    server: &Server,
    trusted: &Signed,
    identity: Option<&Signed>,
) -> std::io::Result<Answer> {
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(der(&trusted.pem)).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(vec![der(&identity.pem)], key).expect("an identity")
        }
    };
    let stream = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from("contour").expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    ask(stream, "/metrics", "").await
}

#[tokio::test]
async fn metrics_are_served_over_tls() {
    let signed = Signed::new();
    let server = serve_encrypted(signed.files(Clients::Anyone)).await;
    let answer = get_encrypted(&server, &signed, None).await.expect("an answer");
    assert!(answer.text().contains("contour_build_info"));
}

#[tokio::test]
async fn with_an_authority_metrics_are_for_its_clients_only() {
    let signed = Signed::new();
    let authority = signed.directory.path().join("tls.crt");
    let server = serve_encrypted(signed.files(Clients::SignedBy(authority))).await;
    assert_eq!(get_encrypted(&server, &signed, Some(&signed)).await.expect("TLS").status, 200);
    assert!(get_encrypted(&server, &signed, None).await.is_err());
    let stranger = Signed::new();
    assert!(get_encrypted(&server, &signed, Some(&stranger)).await.is_err());
}
