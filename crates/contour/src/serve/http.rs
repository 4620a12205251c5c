//! The small HTTP servers of this process: metrics, health, debug.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use super::accept::{self, Incoming, Transport};

/// How long the head of a request may take to arrive, and how long a connection may be idle between requests.
const READ: Duration = Duration::from_secs(10);

/// How long a client may take no more of an answer.
const WRITE: Duration = Duration::from_mins(5);

/// How large the head of a request may be, in bytes: upstream's limit with the slack that its library adds.
const HEAD: usize = 2048 + 4096;

/// Where something is served, as it was configured: text, not what it resolves to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// An address or a name.
    pub address: &'a str,
    /// A port.
    pub port: u16,
}

/// Whether health has a port of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The server for metrics answers for health, too.
    Together,
    /// Each has its own.
    Apart,
}

impl Layout {
    /// Together if both places are the same by the letter.
    pub fn of(metrics: Place<'_>, health: Place<'_>) -> Layout {
        if metrics == health { Layout::Together } else { Layout::Apart }
    }
}

/// Serves these routes until told to stop; what is under way then has five seconds. `context` names the server in logs.
pub async fn serve(
    context: &'static str,
    listener: TcpListener,
    transport: Transport,
    routes: Router,
    stop: CancellationToken,
) {
    let address = listener.local_addr().map_or_else(|error| error.to_string(), |it| it.to_string());
    match &transport {
        Transport::Plain => tracing::info!(context, address, "started HTTP server"),
        Transport::Tls(_) => tracing::info!(context, address, "started HTTPS server"),
    }
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(READ).max_header_size(HEAD);
    let service = TowerToHyperService::new(routes);
    accept::serve(Incoming::new(listener, transport), stop, |connection, _| {
        let mut stream = TimeoutStream::new(connection);
        stream.set_write_timeout(Some(WRITE));
        http.serve_connection(TokioIo::new(Box::pin(stream)), service.clone())
    })
    .await;
    tracing::info!(context, address, "stopped HTTP server");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_that_are_the_same_by_the_letter_are_shared() {
        let any = Place { address: "0.0.0.0", port: 8000 };
        assert_eq!(Layout::of(any, any), Layout::Together);
        assert_eq!(Layout::of(any, Place { port: 8001, ..any }), Layout::Apart);
        assert_eq!(Layout::of(any, Place { address: "", ..any }), Layout::Apart);
    }
}
