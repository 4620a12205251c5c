//! Envoy's admin interface, over its Unix socket.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How long one request may take. Envoy's main thread answers, and is busy for seconds when it loads thousands
/// of filter chains.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// An admin interface to talk to. Each request is a connection of its own.
#[derive(Clone, Debug)]
pub struct Admin {
    socket: PathBuf,
}

/// Why a request to the admin interface has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Nobody listens: Envoy has not got that far, or is gone.
    #[error("cannot connect to {}: {source}", socket.display())]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The connection broke, or what came was no HTTP.
    #[error("no answer to {path}: {source}")]
    Broken {
        /// The request's path.
        path: String,
        /// What is wrong with the answer.
        source: hyper::Error,
    },
    /// Nothing came in time.
    #[error("no answer to {path} within {} s", ANSWERS_WITHIN.as_secs())]
    Late {
        /// The request's path.
        path: String,
    },
    /// What came is not what was asked for.
    #[error("the answer to {path} makes no sense")]
    Unknown {
        /// The request's path.
        path: String,
    },
    /// Envoy does not do it.
    #[error("{path} answered {status}")]
    Refused {
        /// The request's path.
        path: String,
        /// Anything but 200.
        status: StatusCode,
    },
}

impl Admin {
    /// The interface that listens at the Unix socket `socket`; nothing is sent yet.
    pub fn new(socket: impl Into<PathBuf>) -> Admin {
        Admin { socket: socket.into() }
    }

    /// Asks. The text of the answer.
    ///
    /// `path` may have a query; characters that no URI may contain must be percent-encoded.
    ///
    /// # Errors
    /// [`AdminError`], also for every status but 200.
    pub async fn get(&self, path: &str) -> Result<String, AdminError> {
        self.request(Method::GET, path).await
    }

    /// Orders. The text of the answer.
    ///
    /// # Errors
    /// As for [`Admin::get`].
    pub async fn post(&self, path: &str) -> Result<String, AdminError> {
        self.request(Method::POST, path).await
    }

    async fn request(&self, method: Method, path: &str) -> Result<String, AdminError> {
        timeout(ANSWERS_WITHIN, self.exchange(method, path))
            .await
            .unwrap_or_else(|_| Err(AdminError::Late { path: path.into() }))
    }

    async fn exchange(&self, method: Method, path: &str) -> Result<String, AdminError> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|source| AdminError::Connect { socket: self.socket.clone(), source })?;
        let (status, body) = converse(stream, method, path)
            .await
            .map_err(|source| AdminError::Broken { path: path.into(), source })?;
        match status {
            StatusCode::OK => Ok(String::from_utf8_lossy(&body).into_owned()),
            status => Err(AdminError::Refused { path: path.into(), status }),
        }
    }
}

async fn converse(
    stream: UnixStream,
    method: Method,
    path: &str,
) -> Result<(StatusCode, Bytes), hyper::Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "envoy")
        .body(Empty::<Bytes>::new())
        .expect("paths of requests are URIs");
    // The block owns the sender: with its end the connection ends as well.
    let answer = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    // What breaks the connection breaks the answer too, and says it better.
    let (answer, _) = tokio::join!(answer, connection);
    answer
}

#[cfg(test)]
pub(super) mod fake {
    //! An admin interface that answers what a test says.

    use std::convert::Infallible;
    use std::path::Path;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};

    use http_body_util::Full;
    use hyper::body::{Bytes, Incoming};
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;
    use tokio::net::UnixListener;

    /// The requests so far, as `POST /path`.
    pub(in super::super) type Heard = Arc<Mutex<Vec<String>>>;

    /// Serves `socket` as an Envoy that has so many connections when it is asked first, and one less each time.
    pub(in super::super) fn with_connections(socket: &Path, open: u64) -> Heard {
        let open = AtomicU64::new(open);
        serve(socket, move |request| {
            if !request.starts_with("GET /stats") {
                return (200, "OK\n".to_owned());
            }
            let less = |open: u64| Some(open.saturating_sub(1));
            let open = open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).expect("some");
            (200, format!("listener.127.0.0.1_8080.downstream_cx_active: {open}\n"))
        })
    }

    /// Serves `socket` as a task. `answer` makes status and body from a request, as `POST /path`.
    pub(in super::super) fn serve(
        socket: &Path,
        answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static,
    ) -> Heard {
        let listener = UnixListener::bind(socket).expect("a socket");
        let heard = Heard::default();
        let (log, answer) = (Arc::clone(&heard), Arc::new(answer));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                let service = service_fn(move |request: Request<Incoming>| {
                    let line = format!("{} {}", request.method(), request.uri());
                    let (status, body) = answer(&line);
                    log.lock().expect("no panic").push(line);
                    let response = Response::builder().status(status);
                    std::future::ready(Ok::<_, Infallible>(
                        response.body(Full::new(Bytes::from(body))).expect("a response"),
                    ))
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_has_method_path_and_query_and_its_answer_is_text() {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("admin.sock");
        let heard = fake::serve(&socket, |_| (200, "LIVE\n".to_owned()));
        let admin = Admin::new(&socket);
        assert_eq!(admin.get("/ready").await.expect("an answer"), "LIVE\n");
        assert_eq!(admin.post("/drain_listeners?graceful").await.expect("an answer"), "LIVE\n");
        assert_eq!(
            *heard.lock().expect("no panic"),
            ["GET /ready", "POST /drain_listeners?graceful"]
        );
    }

    #[tokio::test]
    async fn a_status_but_200_is_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("admin.sock");
        fake::serve(&socket, |_| (503, "INITIALIZING\n".to_owned()));
        let error = Admin::new(&socket).get("/ready").await.expect_err("not ready");
        assert_eq!(error.to_string(), "/ready answered 503 Service Unavailable");
    }

    #[tokio::test]
    async fn an_envoy_that_is_not_there_cannot_be_connected_to() {
        let directory = tempfile::tempdir().expect("a directory");
        let error = Admin::new(directory.path().join("none")).get("/").await.expect_err("nobody");
        assert!(matches!(error, AdminError::Connect { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_peer_that_hangs_up_breaks_the_answer() {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("admin.sock");
        let listener = tokio::net::UnixListener::bind(&socket).expect("a socket");
        let admin = Admin::new(&socket);
        let (answer, accepted) =
            tokio::join!(admin.get("/ready"), async { listener.accept().await.map(drop) });
        accepted.expect("a connection");
        let error = answer.expect_err("no answer");
        assert!(matches!(error, AdminError::Broken { .. }), "{error}");
    }
}
