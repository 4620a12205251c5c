//! Where `contour serve` listens, and with which files, as flags and the configuration file say.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use super::manifests::{WEB, directory, write};
use super::program::contour;
use super::taken;
use contour_tests::program::Program;

/// Addresses of loopback that nothing else is told to listen on.
const XDS: &str = "127.0.0.11";
const METRICS: &str = "127.0.0.12";
const HEALTH: &str = "127.0.0.13";
const DEBUG: &str = "127.0.0.14";

/// A certificate that signs itself, its key, and the files that hold them.
struct Identity {
    files: TempDir,
    pem: String,
    key: String,
}

impl Identity {
    fn new() -> Identity {
        let made = rcgen::generate_simple_self_signed(["contour".to_owned()]).expect("a name");
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let files = directory(&[("tls.crt", &pem), ("tls.key", &key), ("ca.crt", &pem)]);
        Identity { files, pem, key }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }
}

/// `contour serve` of a directory with a Service.
fn serve(arguments: &[&str]) -> (Command, TempDir) {
    let manifests = directory(&[("web.yaml", WEB)]);
    let mut command = contour(["serve", "--source"]);
    command.arg(format!("directory={}", manifests.path().display())).args(arguments);
    (command, manifests)
}

/// A free port, as flags have it. It is the system's to give away again, which it does not do at once.
fn free() -> String {
    taken().1
}

fn ask(mut stream: impl io::Read + io::Write, path: &str) -> io::Result<String> {
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn get(host: &str, port: &str, path: &str) -> String {
    let stream = TcpStream::connect(format!("{host}:{port}")).expect("somebody listens there");
    ask(stream, path).expect("an answer")
}

/// A connection with TLS, on which something was read or written.
fn encrypted(
    server: SocketAddr,
    trusted: &Identity,
    shown: Option<&Identity>,
    alpn: &[u8],
) -> StreamOwned<ClientConnection, TcpStream> {
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(der(&trusted.pem)).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some(Identity { pem, key, .. }) => {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(vec![der(pem)], key).expect("an identity")
        }
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    let name = ServerName::try_from("contour").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    StreamOwned::new(connection, TcpStream::connect(server).expect("somebody listens"))
}

#[test]
fn each_server_listens_where_its_flags_say() {
    let (xds, metrics, health, debug) = (free(), free(), free(), free());
    let (mut command, _manifests) = serve(&["--insecure"]);
    command.args(["--xds-address", XDS, "--xds-port", &xds]);
    command.args(["--http-address", METRICS, "--http-port", &metrics]);
    command.args(["--health-address", HEALTH, "--health-port", &health]);
    command.args(["--debug-http-address", DEBUG, "--debug-http-port", &debug]);
    let program = Program::start(command);
    program.says(&format!("serving xDS in plain text address={XDS}:{xds}"), 1);
    TcpStream::connect(format!("{XDS}:{xds}")).expect("xDS is there");
    assert!(get(METRICS, &metrics, "/metrics").contains("contour_build_info"));
    assert!(get(METRICS, &metrics, "/healthz").starts_with("HTTP/1.0 404"));
    assert!(get(HEALTH, &health, "/healthz").ends_with("OK\n"));
    assert!(get(DEBUG, &debug, "/debug/config").contains("xds-port"));
}

#[test]
fn xds_is_encrypted_with_the_files_of_the_flags() {
    let (ours, stranger) = (Identity::new(), Identity::new());
    let (mut command, _manifests) = serve(&["--xds-port=0", "--http-port=0", "--health-port=0"]);
    command.arg("--debug-http-port=0").arg("--contour-cafile").arg(ours.file("ca.crt"));
    command.arg("--contour-cert-file").arg(ours.file("tls.crt"));
    command.arg("--contour-key-file").arg(ours.file("tls.key"));
    let program = Program::start(command);
    let said = program.says("serving xDS address=", 1);
    let (_, address) = said.split_once("serving xDS address=").expect("was waited for");
    let address = address.split_whitespace().next().expect("an address");
    let address: SocketAddr = address.parse().expect("an address");
    let begins = |shown| {
        let mut stream = encrypted(address, &ours, shown, b"h2");
        // HTTP/2 begins with this and a SETTINGS frame from both sides; its header is nine bytes.
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")?;
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).map(|()| frame[3])
    };
    assert_eq!(begins(Some(&ours)).expect("a frame"), 4, "SETTINGS");
    assert!(begins(None).is_err());
    assert!(begins(Some(&stranger)).is_err());
}

#[test]
fn metrics_are_encrypted_with_the_files_of_the_configuration() {
    let (ours, stranger) = (Identity::new(), Identity::new());
    let port = free();
    let (mut command, manifests) = serve(&["--insecure", "--xds-port=0", "--health-port=0"]);
    let file = |authority: &str| {
        let path = |name| ours.file(name).display().to_string();
        let (certificate, key) = (path("tls.crt"), path("tls.key"));
        format!(
            "metrics:
  contour:
    address: {METRICS}
    port: {port}
    server-certificate-path: {certificate}
    server-key-path: {key}
{authority}"
        )
    };
    let authority = format!("    ca-certificate-path: {}\n", ours.file("ca.crt").display());
    write(manifests.path(), "contour.conf", &file(&authority));
    command.arg("--debug-http-port=0").arg("-c").arg(manifests.path().join("contour.conf"));
    let program = Program::start(command);
    program.says("started HTTPS server context=metricsvc", 1);
    let address: SocketAddr = format!("{METRICS}:{port}").parse().expect("an address");
    let read = |shown| ask(encrypted(address, &ours, shown, b"http/1.1"), "/metrics");
    assert!(read(Some(&ours)).expect("an answer").contains("contour_build_info"));
    assert!(read(None).is_err());
    assert!(read(Some(&stranger)).is_err());
}
