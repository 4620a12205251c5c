//! Requests, one connection each.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use contour::serve::accept::Transport;
use contour::serve::http;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A server that stops with this value.
pub struct Server {
    pub address: SocketAddr,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves these routes on a free port.
pub async fn serve(routes: Router, transport: Transport) -> Server {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let stop = CancellationToken::new();
    let task = tokio::spawn(http::serve("test", listener, transport, routes, stop.clone()));
    Server { address, stop, task }
}

/// What was answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// In lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

/// Asks for a path.
pub async fn get(server: &Server, path: &str) -> Answer {
    let stream = TcpStream::connect(server.address).await.expect("somebody listens");
    ask(stream, path, "").await.expect("an answer")
}

/// Asks for a path on a connection, with more headers.
pub async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    path: &str,
    headers: &str,
) -> std::io::Result<Answer> {
    // HTTP/1.0: the answer ends with the connection, and is in one piece.
    let request = format!("GET {path} HTTP/1.0\r\nhost: contour\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|each| each == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or(std::io::ErrorKind::UnexpectedEof)?;
    Ok(Answer { status, head, body: answer.get(end + 4..).unwrap_or_default().to_vec() })
}
