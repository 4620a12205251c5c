//! Certificates that live for a minute, renewed again and again while connections are made and kept.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use contour::certificates::Namespace;
use contour::certificates::renewal::Settings;
use contour::serve::accept::{Incoming, Transport};
use contour::serve::renewal;
use contour::serve::tls::{Clients, Files, Protocol, Tls};
use contour_k8s::client::{self, Access};
use contour_k8s::lease;
use contour_tests::api_server::trials::Shared;
use contour_tests::proxy::until;
use futures_util::future::join_all;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, interval};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificates::{account, secrets};
use contour_tests::volume::Volume;

const NAMESPACE: &str = "renewed";

const LIFETIME: Duration = Duration::from_mins(1);

/// How long it is waited for volumes, and how late they are at most.
const SETTLE: Duration = Duration::from_secs(6);
const LAG: Duration = Duration::from_secs(2);

/// A renewal begins after 40 seconds and is over 12 later.
const SPAN: Duration = Duration::from_secs(150);

const CLIENTS: usize = 5;
const EVERY: Duration = Duration::from_millis(200);

/// The port of xDS, as `contour serve` has it; what is said on a connection is said back.
async fn serve(volume: &Volume) -> SocketAddr {
    let file = |name: &str| volume.path().join(name);
    let files = Files {
        certificate: file("tls.crt"),
        key: file("tls.key"),
        clients: Clients::SignedBy(file("ca.crt")),
    };
    let tls = Tls::new("xds", files, Protocol::Http2, Arc::default()).expect("good files");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        let mut incoming = Incoming::new(listener, Transport::Tls(tls));
        loop {
            let (connection, _) = incoming.next().await;
            tokio::spawn(async move {
                let (mut read, mut write) = split(connection);
                // A client that is gone is no error.
                let _ = copy(&mut read, &mut write).await;
            });
        }
    });
    address
}

/// A connection as of an Envoy that reads its volume now.
async fn connect(server: SocketAddr, volume: &Volume) -> std::io::Result<TlsStream<TcpStream>> {
    let directory = volume.now();
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_file_iter(directory.join("ca.crt")).expect("a file") {
        roots.add(authority.expect("a certificate")).expect("an authority");
    }
    let certificate = CertificateDer::from_pem_file(directory.join("tls.crt"));
    let key = PrivateKeyDer::from_pem_file(directory.join("tls.key")).expect("a key");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("a version")
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate.expect("a certificate")], key)
        .expect("an identity");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(server).await?;
    let name = ServerName::try_from("contour").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Whether what is said comes back: only then has the server accepted us, too.
async fn ask(stream: &mut TlsStream<TcpStream>) -> std::io::Result<()> {
    stream.write_all(b"ping").await?;
    stream.flush().await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"ping");
    Ok(())
}

/// What a client has seen.
#[derive(Default)]
struct Seen {
    connections: usize,
    /// The certificates that the server showed.
    shown: BTreeSet<Vec<u8>>,
    failures: Vec<String>,
}

/// Connects again and again until `end`, and keeps one connection all the time.
async fn use_it(server: SocketAddr, volume: &Volume, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let mut kept = connect(server, volume).await.expect("the first connection");
    let begin = Instant::now();
    let mut ticks = interval(EVERY);
    while Instant::now() < end {
        ticks.tick().await;
        let asked = async {
            let mut stream = connect(server, volume).await?;
            ask(&mut stream).await?;
            ask(&mut kept).await?;
            let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
            seen.shown.extend(shown.first().map(|certificate| certificate.to_vec()));
            seen.connections += 1;
            std::io::Result::Ok(())
        };
        if let Err(error) = asked.await {
            seen.failures.push(format!("after {:?}: {error}", begin.elapsed()));
        }
    }
    seen
}

pub(super) async fn nobody_notices_that_certificates_are_renewed(shared: &Shared) {
    let server = shared.server().await;
    let account = account(server, NAMESPACE, "get, create, update").await;
    let access = Access::Kubeconfig(account.kubeconfig.clone());
    let client = client::connect(&client::Settings::new(access), |_| {}).await;
    let namespace = Namespace::new(NAMESPACE).expect("a name");
    let settings = Settings { lifetime: LIFETIME, settle: SETTLE, ..Settings::new(namespace) };
    let renewing = renewal::run(client.expect("a client"), settings, lease::always());
    let secrets = secrets(&server.admin().client().await, NAMESPACE);
    let (contour, envoy) = (Volume::new(), Volume::new());
    let using = async {
        until("certificates are made", async || contour.is_filled() && envoy.is_filled()).await;
        let address = serve(&contour).await;
        let end = Instant::now() + SPAN;
        join_all((0..CLIENTS).map(|_| use_it(address, &envoy, end))).await
    };
    let seen: Vec<Seen> = tokio::select! {
        seen = using => seen,
        () = renewing => panic!("nobody renews any more"),
        () = contour.follow(&secrets, "contourcert", LAG) => panic!("nobody brings it any more"),
        () = envoy.follow(&secrets, "envoycert", LAG) => panic!("nobody brings it any more"),
    };
    let failures: Vec<&String> = seen.iter().flat_map(|each| &each.failures).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    let connections: usize = seen.iter().map(|each| each.connections).sum();
    println!("{connections} connections, {} certificates", seen[0].shown.len());
    for each in &seen {
        assert!(each.shown.len() >= 3, "{} certificates are two renewals", each.shown.len());
    }
}
