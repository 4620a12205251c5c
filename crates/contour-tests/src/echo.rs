//! A backend that says what it was asked: who answers, and what reached it.
//!
//! It speaks HTTP/1.1 and, without TLS, HTTP/2 with prior knowledge. Every answer is 200 with a JSON object,
//!
//! ```json
//! {"backend": "one", "method": "GET", "path": "/cart?item=1", "headers": {"host": "shop.localhost"}}
//! ```
//!
//! and the header `x-backend` with the name alone. A header that was sent several times is one entry, joined
//! with `, `. Two things of a request change the answer:
//!
//! - the path `/status/NNN`, below any prefix: status NNN, from 200 to 599;
//! - the query parameter `delay=MS`: the answer waits so many milliseconds.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The header of an answer that bears the backend's name.
pub const BACKEND: HeaderName = HeaderName::from_static("x-backend");

/// How long to wait when no connection can be accepted, as without a free file descriptor.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

/// A backend that runs on a thread of its own until it is dropped.
#[derive(Debug)]
pub struct Echo {
    /// Where it listens.
    pub addr: SocketAddr,
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
        let listener = std::net::TcpListener::bind((address, 0))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (running, stopped) = oneshot::channel();
        let server = serve(listener, name.into());
        let thread = std::thread::Builder::new().name(format!("echo {name}")).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    never = server => match never {},
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Echo { addr, running: Some(running), thread: Some(thread) })
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

/// Answers every connection of `listener` as the backend called `name`, until the future is dropped.
///
/// Connections are tasks of the current runtime: they end with it.
pub async fn serve(listener: TcpListener, name: Arc<str>) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&name)));
            }
            Err(error) => {
                eprintln!("echo {name}: cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, name: Arc<str>) {
    // Answers are small and complete: waiting for more to send only adds latency.
    if let Err(error) = stream.set_nodelay(true) {
        eprintln!("echo {name}: {error}");
    }
    let service = service_fn(|request| answer(request, Arc::clone(&name)));
    // An error here is a peer that went away or spoke no HTTP; it sees that itself.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    name: Arc<str>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, mut body) = request.into_parts();
    while let Some(frame) = body.frame().await {
        frame?; // read to the end, or the connection could not be kept
    }
    tokio::time::sleep(delay(&head.uri)).await;
    let heard = Heard {
        backend: &name,
        method: head.method.as_str(),
        path: head.uri.path_and_query().map_or("/", |path| path.as_str()),
        headers: headers(&head.headers),
    };
    let json = serde_json::to_vec(&heard).expect("strings are JSON");
    let response = Response::builder()
        .status(status(head.uri.path()))
        .header(CONTENT_TYPE, "application/json")
        .header(BACKEND, &*name)
        .body(Full::from(json));
    Ok(response.expect("a backend's name is a header value"))
}

/// The JSON object of an answer.
#[derive(Serialize)]
struct Heard<'a> {
    backend: &'a str,
    method: &'a str,
    path: &'a str,
    headers: BTreeMap<&'a str, String>,
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
    let mut parameters = uri.query().into_iter().flat_map(|query| query.split('&'));
    let milliseconds = parameters.find_map(|parameter| parameter.strip_prefix("delay="));
    Duration::from_millis(milliseconds.and_then(|text| text.parse().ok()).unwrap_or_default())
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
                "method": "PUT",
                "path": "/cart?item=1",
                "headers": {"connection": "close", "content-length": "2", "host": "shop", "x-a": "1, 2"},
            })
        );
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
