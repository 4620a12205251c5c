//! A stream of xDS to a server.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use http::Uri;
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::client::Grpc;
use tonic::transport::Endpoint;
use tonic::{Request, Streaming};
use tonic_prost::ProstCodec;
use tower::service_fn;

use super::variant::Variant;

/// The name in the server's certificate.
const SERVER: &str = "contour";

/// How long a connection may take to come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The files of TLS, in PEM.
#[derive(Debug)]
pub(super) struct Files {
    /// What the server's certificate must be signed by.
    pub(super) authority: PathBuf,
    /// What the server is shown.
    pub(super) certificate: PathBuf,
    /// Its key.
    pub(super) key: PathBuf,
}

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Error {
    #[error("cannot read {path} ({flag}): {source}", path = .path.display())]
    Read { flag: &'static str, path: PathBuf, source: io::Error },
    #[error("{path} ({flag}) holds no {what} in PEM format", path = .path.display())]
    Pem { flag: &'static str, path: PathBuf, what: &'static str },
    #[error("the files of TLS cannot be used: {0}")]
    Tls(#[from] rustls::Error),
    #[error("--contour {0:?} is not HOST:PORT")]
    Address(String),
    #[error("cannot connect to {server}: {reason}")]
    Connect { server: String, reason: String },
    #[error("{server} does not take the stream: {}", super::words(.status))]
    Refused { server: String, status: Box<tonic::Status> },
}

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Calls a method whose requests are those of a stream.
pub(super) async fn connect<V: Variant>(
    server: &str,
    files: Option<Files>,
    method: &str,
    requests: impl Stream<Item = V::Request> + Send + 'static,
) -> Result<Streaming<V::Response>, Error> {
    let config = files.map(|files| config(&files)).transpose()?.map(Arc::new);
    let endpoint = Endpoint::from_shared(format!("http://{server}"));
    let endpoint = endpoint.ok().filter(|endpoint| endpoint.uri().port().is_some());
    let endpoint = endpoint.ok_or_else(|| Error::Address(server.to_owned()))?;
    let connector = service_fn(move |uri| open(uri, config.clone()));
    let endpoint = endpoint.connect_timeout(CONNECT_WITHIN);
    let failed = |reason| Error::Connect { server: server.to_owned(), reason };
    let channel = endpoint.connect_with_connector(connector).await;
    let channel = channel.map_err(|error| failed(innermost(&error)))?;
    let mut grpc = Grpc::new(channel).max_decoding_message_size(usize::MAX);
    grpc.ready().await.map_err(|error| failed(innermost(&error)))?;
    let path = PathAndQuery::try_from(method).expect("a method is a path");
    let codec = ProstCodec::<V::Request, V::Response>::default();
    let called = grpc.streaming(Request::new(requests), path, codec).await;
    let refused = |status| Error::Refused { server: server.to_owned(), status: Box::new(status) };
    Ok(called.map_err(refused)?.into_inner())
}

async fn open(
    uri: Uri,
    config: Option<Arc<ClientConfig>>,
) -> io::Result<TokioIo<Box<dyn Connection>>> {
    let authority = uri.authority().ok_or(io::ErrorKind::InvalidInput)?;
    let stream = TcpStream::connect(authority.as_str()).await?;
    let Some(config) = config else { return Ok(TokioIo::new(Box::new(stream))) };
    let name = ServerName::try_from(SERVER).expect("a DNS name");
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    Ok(TokioIo::new(Box::new(stream)))
}

fn config(files: &Files) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("--cafile", &files.authority)? {
        roots.add(certificate)?;
    }
    let chain = certificates("--cert-file", &files.certificate)?;
    let key = read("--key-file", &files.key)?;
    // What is wrong with a key is not told: it might be told with a part of the key.
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|_| missing("--key-file", &files.key, "private key"))?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

fn certificates(flag: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = read(flag, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.ok().filter(|found| !found.is_empty());
    found.ok_or_else(|| missing(flag, path, "certificate"))
}

fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Read { flag, path: path.to_owned(), source })
}

fn missing(flag: &'static str, path: &Path, what: &'static str) -> Error {
    Error::Pem { flag, path: path.to_owned(), what }
}

/// The cause at the bottom: those above only say where it happened.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
