//! A backend that says what it was asked: who answers, and what reached it.
//!
//! It speaks HTTP/1.1 and, without TLS, HTTP/2 with prior knowledge; with TLS, whichever is negotiated. Every answer is 200
//! with a JSON object,
//!
//! ```json
//! {"backend": "one", "protocol": "HTTP/1.1", "method": "GET", "path": "/cart?item=1", "headers": {"host": "shop.localhost"}}
//! ```
//!
//! and the header `x-backend` with the name alone. A header that was sent several times is one entry, joined
//! with `, `. With TLS there is an entry `tls` besides, with the name that was asked for and the protocol that was
//! negotiated. Some things of a request change the answer:
//!
//! - the path `/status/NNN`, below any prefix: status NNN, from 200 to 599;
//! - the path `/well`, below any prefix: status 503 while [`Echo::set_well`] says so;
//! - the query parameter `delay=MS`: the answer waits so many milliseconds;
//! - the query parameter `times=N`: of the requests with this very path and query the first N are answered so, and all
//!   later ones at once with 200;
//! - the header `x-answer: NAME: VALUE`, as often as one likes: the answer has this header;
//! - an upgrade to `websocket`: status 101, and every byte that comes is sent back.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The header of an answer that bears the backend's name.
pub const BACKEND: HeaderName = HeaderName::from_static("x-backend");

/// How long to wait when no connection can be accepted, as without a free file descriptor.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

/// A backend that runs on a thread of its own until it is dropped.
#[derive(Debug)]
pub struct Echo {
    /// Where it listens.
    pub addr: SocketAddr,
    backend: Arc<Backend>,
    /// Dropped to stop the thread; nothing is ever sent.
    running: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    /// Starts a backend called `name` on a free port of 127.0.0.1. It accepts connections when this returns.
    ///
    /// # Errors
    /// If no port, runtime or thread can be had.
    pub fn start(name: &str) -> io::Result<Echo> {
        Echo::start_on(Ipv4Addr::LOCALHOST.into(), name)
    }

    /// The same on a free port of another address.
    ///
    /// # Errors
    /// As [`Echo::start`].
    pub fn start_on(address: IpAddr, name: &str) -> io::Result<Echo> {
        Echo::start_with(address, Backend::new(name, None))
    }

    /// The same as [`Echo::start`] with TLS: with a certificate that nobody trusts, and HTTP/2 or HTTP/1.1.
    ///
    /// # Errors
    /// As [`Echo::start`].
    pub fn start_tls(name: &str) -> io::Result<Echo> {
        Echo::start_with(Ipv4Addr::LOCALHOST.into(), Backend::new(name, Some(self_signed())))
    }

    fn start_with(address: IpAddr, backend: Backend) -> io::Result<Echo> {
        let listener = std::net::TcpListener::bind((address, 0))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (running, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(format!("echo {}", backend.name));
        let backend = Arc::new(backend);
        let server = accept(listener, Arc::clone(&backend));
        let thread = thread.spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    never = server => match never {},
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Echo { addr, backend, running: Some(running), thread: Some(thread) })
    }

    /// How many requests have come for this path and query.
    pub fn count(&self, path: &str) -> usize {
        self.backend.count(path)
    }

    /// Says how the path `/well` is answered from now on. At first the backend is well.
    pub fn set_well(&self, well: bool) {
        self.backend.well.store(well, Ordering::Relaxed);
    }
}

impl Drop for Echo {
    /// Closes the port and every connection before it returns.
    fn drop(&mut self) {
        self.running = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            eprintln!("the echo backend at {} panicked: {panic:?}", self.addr);
        }
    }
}

/// What a backend is, and what it remembers.
#[derive(Debug)]
struct Backend {
    name: Arc<str>,
    tls: Option<Arc<ServerConfig>>,
    well: AtomicBool,
    /// How often each path and query was asked for.
    heard: Mutex<BTreeMap<String, usize>>,
}

impl Backend {
    fn new(name: &str, tls: Option<Arc<ServerConfig>>) -> Backend {
        Backend { name: name.into(), tls, well: AtomicBool::new(true), heard: Mutex::default() }
    }

    fn count(&self, path: &str) -> usize {
        self.heard.lock().expect("nobody panics here").get(path).copied().unwrap_or(0)
    }

    /// Remembers a request, and says how many there were before.
    fn hear(&self, path: &str) -> usize {
        let mut heard = self.heard.lock().expect("nobody panics here");
        let count = heard.entry(path.to_owned()).or_default();
        *count += 1;
        *count - 1
    }
}

/// A key pair that nobody knows, for any name, and both versions of HTTP.
fn self_signed() -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["echo".to_owned()]).expect("a name");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a key and its certificate");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Answers every connection of `listener` as the backend called `name`, until the future is dropped.
///
/// Connections are tasks of the current runtime: they end with it.
pub async fn serve(listener: TcpListener, name: Arc<str>) -> Infallible {
    accept(listener, Arc::new(Backend::new(&name, None))).await
}

async fn accept(listener: TcpListener, backend: Arc<Backend>) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&backend)));
            }
            Err(error) => {
                eprintln!("echo {}: cannot accept a connection: {error}", backend.name);
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, backend: Arc<Backend>) {
    // Answers are small and complete: waiting for more to send only adds latency.
    if let Err(error) = stream.set_nodelay(true) {
        eprintln!("echo {}: {error}", backend.name);
    }
    let Some(config) = &backend.tls else { return exchange(stream, backend, None).await };
    // As below, an error is one of the peer.
    let Ok(stream) = TlsAcceptor::from(Arc::clone(config)).accept(stream).await else { return };
    let (_, session) = stream.get_ref();
    let alpn = session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
    let tls = Tls { sni: session.server_name().map(str::to_owned), alpn };
    exchange(stream, backend, Some(Arc::new(tls))).await;
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    backend: Arc<Backend>,
    tls: Option<Arc<Tls>>,
) {
    let service = service_fn(|request| answer(request, Arc::clone(&backend), tls.clone()));
    // An error here is a peer that went away or spoke no HTTP; it sees that itself.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    mut request: Request<Incoming>,
    backend: Arc<Backend>,
    tls: Option<Arc<Tls>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let before = backend.hear(&path);
    if request.headers().get(UPGRADE).is_some_and(|to| to.as_bytes() == b"websocket") {
        tokio::spawn(send_back(hyper::upgrade::on(&mut request)));
        return Ok(switching_protocols(&backend));
    }
    let (head, mut body) = request.into_parts();
    while let Some(frame) = body.frame().await {
        frame?; // read to the end, or the connection could not be kept
    }
    let as_asked = parameter(&head.uri, "times=").is_none_or(|times: usize| before < times);
    if as_asked {
        tokio::time::sleep(delay(&head.uri)).await;
    }
    let unwell = head.uri.path().ends_with("/well") && !backend.well.load(Ordering::Relaxed);
    let status = match (as_asked, unwell) {
        (false, _) => StatusCode::OK,
        (true, false) => status(head.uri.path()),
        (true, true) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let heard = Heard {
        backend: &backend.name,
        protocol: &format!("{:?}", head.version),
        method: head.method.as_str(),
        path: &path,
        headers: headers(&head.headers),
        tls: tls.as_deref(),
    };
    let json = serde_json::to_vec(&heard).expect("strings are JSON");
    let mut response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .header(BACKEND, &*backend.name)
        .body(Full::from(json))
        .expect("a backend's name is a header value");
    response.headers_mut().extend(asked_for(&head.headers));
    Ok(response)
}

/// The headers that a request asks its answer to have.
fn asked_for(headers: &HeaderMap) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers.get_all("x-answer").iter().filter_map(|header| {
        let (name, value) = header.to_str().ok()?.split_once(": ")?;
        Some((name.parse().ok()?, value.parse().ok()?))
    })
}

fn switching_protocols(backend: &Backend) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, "websocket")
        .header(BACKEND, &*backend.name)
        .body(Full::default());
    response.expect("a backend's name is a header value")
}

async fn send_back(upgrade: hyper::upgrade::OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let (mut read, mut write) = tokio::io::split(TokioIo::new(upgraded));
    // An error is a peer that went away.
    let _ = tokio::io::copy(&mut read, &mut write).await;
}

/// The JSON object of an answer.
#[derive(Serialize)]
struct Heard<'a> {
    backend: &'a str,
    protocol: &'a str,
    method: &'a str,
    path: &'a str,
    headers: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<&'a Tls>,
}

/// What was agreed on when a connection with TLS was made.
#[derive(Debug, Serialize)]
struct Tls {
    sni: Option<String>,
    alpn: Option<String>,
}

fn headers(map: &HeaderMap) -> BTreeMap<&str, String> {
    let joined = |name| {
        let values = map.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(", ")
    };
    map.keys().map(|name| (name.as_str(), joined(name))).collect()
}

/// NNN of a path that ends in `/status/NNN`; 200 of any other.
fn status(path: &str) -> StatusCode {
    path.rsplit_once("/status/")
        .and_then(|(_, number)| number.parse().ok())
        .filter(|number| (200..600).contains(number))
        .and_then(|number: u16| StatusCode::from_u16(number).ok())
        .unwrap_or(StatusCode::OK)
}

/// The query parameter `delay`, in milliseconds; zero if there is none.
fn delay(uri: &Uri) -> Duration {
    Duration::from_millis(parameter(uri, "delay=").unwrap_or_default())
}

/// The number behind `start` in the query.
fn parameter<T: FromStr>(uri: &Uri, start: &str) -> Option<T> {
    let mut parameters = uri.query().into_iter().flat_map(|query| query.split('&'));
    parameters.find_map(|parameter| parameter.strip_prefix(start))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    /// Sends `request` and reads until the backend closes the connection.
    #[track_caller]
    fn ask(echo: &Echo, request: &str) -> String {
        let mut stream = TcpStream::connect(echo.addr).expect("a connection");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn body(answer: &str) -> serde_json::Value {
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
        serde_json::from_str(body).expect("JSON")
    }

    #[test]
    fn an_answer_repeats_the_request() {
        let echo = Echo::start("one").expect("a backend");
        let answer = ask(
            &echo,
            "PUT /cart?item=1 HTTP/1.1\r\nhost: shop\r\nx-a: 1\r\nx-a: 2\r\n\
             content-length: 2\r\nconnection: close\r\n\r\nhi",
        );
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("\r\nx-backend: one\r\n"), "{answer}");
        assert_eq!(
            body(&answer),
            serde_json::json!({
                "backend": "one",
                "protocol": "HTTP/1.1",
                "method": "PUT",
                "path": "/cart?item=1",
                "headers": {"connection": "close", "content-length": "2", "host": "shop", "x-a": "1, 2"},
            })
        );
    }

    /// The status line and all headers of the answer to this request.
    fn head(echo: &Echo, path: &str, headers: &str) -> String {
        let answer = ask(
            echo,
            &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n"),
        );
        answer.split_once("\r\n\r\n").expect("a head").0.to_owned()
    }

    #[test]
    fn an_answer_has_the_headers_that_it_is_asked_to_have() {
        let echo = Echo::start("one").expect("a backend");
        let head = head(&echo, "/", "x-answer: set-cookie: a=1\r\nx-answer: set-cookie: b=2\r\n");
        assert!(head.contains("\r\nset-cookie: a=1\r\nset-cookie: b=2"), "{head}");
    }

    #[test]
    fn only_the_first_requests_for_a_path_and_query_fail_if_they_are_counted() {
        let echo = Echo::start("one").expect("a backend");
        let path = "/status/500?times=1";
        assert!(head(&echo, path, "").starts_with("HTTP/1.1 500 "));
        assert!(head(&echo, path, "").starts_with("HTTP/1.1 200 "));
        assert_eq!((echo.count(path), echo.count("/")), (2, 0));
    }

    #[test]
    fn a_backend_is_well_until_it_is_told_otherwise() {
        let echo = Echo::start("one").expect("a backend");
        assert!(head(&echo, "/a/well", "").starts_with("HTTP/1.1 200 "));
        echo.set_well(false);
        assert!(head(&echo, "/a/well", "").starts_with("HTTP/1.1 503 "));
        assert!(head(&echo, "/a", "").starts_with("HTTP/1.1 200 "));
    }

    #[test]
    fn what_is_sent_to_a_websocket_comes_back() {
        let echo = Echo::start("one").expect("a backend");
        let mut stream = TcpStream::connect(echo.addr).expect("a connection");
        let request =
            "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("a request");
        stream.write_all(b"hello").expect("bytes");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nhello") {
            let mut some = [0; 512];
            let length = stream.read(&mut some).expect("more");
            assert_ne!(length, 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend(&some[..length]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "));
    }

    #[test]
    fn a_connection_serves_many_requests() {
        let echo = Echo::start("one").expect("a backend");
        let answers = ask(
            &echo,
            "GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        );
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    }

    #[test]
    fn a_dropped_backend_refuses_connections_and_closes_those_it_had() {
        let echo = Echo::start("one").expect("a backend");
        let addr = echo.addr;
        let mut open = TcpStream::connect(addr).expect("a connection");
        drop(echo);
        TcpStream::connect(addr).expect_err("nobody listens");
        // Closed with or without a reset: whether the connection had been accepted is a race.
        assert!(matches!(open.read(&mut [0]), Ok(0) | Err(_)));
    }

    #[test]
    fn two_backends_have_two_ports() {
        let (one, two) = (Echo::start("one").expect("one"), Echo::start("two").expect("two"));
        assert_ne!(one.addr, two.addr);
    }

    #[track_caller]
    fn check_status(path: &str, expect: u16) {
        assert_eq!(status(path).as_u16(), expect, "{path}");
    }

    #[test]
    fn the_path_chooses_the_status() {
        check_status("/status/503", 503);
    }

    #[test]
    fn a_prefix_before_the_status_does_not_matter() {
        check_status("/cart/status/404", 404);
    }

    #[test]
    fn a_status_that_cannot_end_an_exchange_is_not_given() {
        check_status("/status/100", 200);
        check_status("/status/600", 200);
        check_status("/status/gone", 200);
    }

    #[track_caller]
    fn check_delay(uri: &str, milliseconds: u64) {
        let uri: Uri = uri.parse().expect("a URI");
        assert_eq!(delay(&uri), Duration::from_millis(milliseconds), "{uri}");
    }

    #[test]
    fn the_query_chooses_the_delay() {
        check_delay("/?delay=250", 250);
        check_delay("/?a=b&delay=7", 7);
    }

    #[test]
    fn without_a_number_there_is_no_delay() {
        check_delay("/", 0);
        check_delay("/?delay=soon", 0);
        check_delay("/?delayed=5", 0);
    }
}
