//! Connections: accepting them, their handshakes, and their end.
//!
//! Handshakes run beside each other and beside accepting, each with a time limit, so that a client that is slow, or means
//! ill, keeps nobody waiting. Of handshakes that are under way there are at most [`HANDSHAKES`]; when there are more, the
//! oldest gives way, since an honest one takes milliseconds.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::tls::Tls;

/// How many handshakes may be under way.
pub const HANDSHAKES: usize = 256;

/// How long a handshake may take.
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long what is under way may take to end when a server stops.
pub const GRACE: Duration = Duration::from_secs(5);

/// How long to wait when the operating system has no more connections to give.
const PAUSE: Duration = Duration::from_millis(200);

/// How bytes travel.
#[derive(Clone, Debug)]
pub enum Transport {
    /// For everybody to read.
    Plain,
    /// Encrypted.
    Tls(Arc<Tls>),
}

/// A connection on which a protocol can begin.
#[derive(Debug)]
pub enum Connection {
    /// As it was accepted.
    Plain(TcpStream),
    /// After the handshake.
    Tls(Box<TlsStream<TcpStream>>),
}

/// The connections that come in on a port, each once its handshake is over.
#[derive(Debug)]
pub struct Incoming {
    listener: TcpListener,
    transport: Transport,
    handshakes: JoinSet<Option<(Connection, SocketAddr)>>,
    /// Those under way, the oldest first.
    order: VecDeque<AbortHandle>,
}

impl Incoming {
    /// The connections of a listener.
    pub fn new(listener: TcpListener, transport: Transport) -> Incoming {
        Incoming { listener, transport, handshakes: JoinSet::new(), order: VecDeque::new() }
    }

    /// The next connection, and who is at its other end. Cancelling loses nothing.
    pub async fn next(&mut self) -> (Connection, SocketAddr) {
        loop {
            tokio::select! {
                (stream, peer) = accept(&self.listener) => match &self.transport {
                    Transport::Plain => return (Connection::Plain(stream), peer),
                    Transport::Tls(tls) => {
                        let tls = Arc::clone(tls);
                        self.begin(handshake(tls, stream, peer));
                    }
                },
                Some(done) = self.handshakes.join_next(), if !self.handshakes.is_empty() => {
                    self.order.retain(|each| !each.is_finished());
                    // One that gave way is an error, one that failed has told so.
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
            }
        }
    }

    fn begin(
        &mut self,
        handshake: impl Future<Output = Option<(Connection, SocketAddr)>> + Send + 'static,
    ) {
        if self.order.len() >= HANDSHAKES
            && let Some(oldest) = self.order.pop_front()
        {
            tracing::debug!("too many handshakes are under way; the oldest gives way");
            oldest.abort();
        }
        self.order.push_back(self.handshakes.spawn(handshake));
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // What is written is complete: waiting for more only adds latency. If that cannot be said, it is late.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Whether it concerns the one connection that was to be accepted.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

async fn handshake(
    tls: Arc<Tls>,
    stream: TcpStream,
    peer: SocketAddr,
) -> Option<(Connection, SocketAddr)> {
    let accepting = async { TlsAcceptor::from(tls.config().await).accept(stream).await };
    match timeout(HANDSHAKE, accepting).await {
        Ok(Ok(stream)) => Some((Connection::Tls(Box::new(stream)), peer)),
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(%peer, "TLS handshake took too long");
            None
        }
    }
}

/// Serves connections until it is told to stop. Then nobody else is admitted, each connection is told to end what is under
/// way, and what has not ended after [`GRACE`] is closed. Dropping the future closes everything at once.
pub async fn serve<C>(
    mut incoming: Incoming,
    stop: CancellationToken,
    serve: impl Fn(Connection, SocketAddr) -> C,
) where
    C: GracefulConnection + Send + 'static,
    C::Error: Display,
{
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (connection, peer) = incoming.next() => {
                let connection = graceful.watch(serve(connection, peer));
                connections.spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%peer, %error, "connection ended");
                    }
                });
            }
        }
    }
    drop(incoming);
    // An error means that some did not end in time; they end now, with the set that holds them.
    let _ = timeout(GRACE, graceful.shutdown()).await;
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Connection::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Connection::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Connection::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Plain(stream) => Pin::new(stream).poll_flush(context),
            Connection::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Connection::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Connection::Plain(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
            Connection::Tls(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Connection::Plain(stream) => stream.is_write_vectored(),
            Connection::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
