//! One HTTP/1.1 request at a time, as a user would make it with `curl`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take, all of it.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The echo backend that answered; none if Envoy answered itself.
    pub(crate) backend: Option<String>,
}

/// Requests `path` of `host` from the server at `address`, on a connection of its own.
///
/// # Errors
/// If there is no connection, or what comes back in time is not HTTP/1.1.
pub(crate) async fn get(address: SocketAddr, host: &str, path: &str) -> Result<Answer> {
    timeout(ANSWERS_WITHIN, exchange(address, host, path))
        .await
        .with_context(|| format!("no answer within {ANSWERS_WITHIN:?}"))
        .flatten()
        .with_context(|| format!("GET {path} of {host} at {address}"))
}

async fn exchange(address: SocketAddr, host: &str, path: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await?;
    parse(&String::from_utf8_lossy(&text))
}

fn parse(text: &str) -> Result<Answer> {
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok())
        .context("the answer does not begin with an HTTP/1.1 status line")?;
    let backend = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("x-backend"))
        .map(|(_, value)| value.to_owned());
    Ok(Answer { status, backend })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, status: u16, backend: Option<&str>) {
        let answer = parse(text).expect("an answer");
        assert_eq!(answer, Answer { status, backend: backend.map(str::to_owned) });
    }

    #[test]
    fn the_backend_is_read_from_the_header() {
        check("HTTP/1.1 200 OK\r\nserver: envoy\r\nX-Backend: one\r\n\r\n{}", 200, Some("one"));
    }

    #[test]
    fn an_answer_of_envoy_has_no_backend() {
        check("HTTP/1.1 404 Not Found\r\nserver: envoy\r\n\r\n", 404, None);
    }

    #[test]
    fn a_body_is_not_searched() {
        check("HTTP/1.1 200 OK\r\n\r\nx-backend: one\r\n", 200, None);
    }

    #[test]
    fn a_connection_closed_without_a_word_is_an_error() {
        parse("").unwrap_err();
    }
}
