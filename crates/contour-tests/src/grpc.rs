//! A client of gRPC over one connection, which knows no more of xDS than its messages.

use std::net::SocketAddr;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use h2::client::{Connection, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Uri, header};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::proxy::PATIENCE;

/// One byte of flags and four of length precede each message.
const PREFIX: usize = 5;

/// A connection. Dropping it cuts it.
#[derive(Debug)]
pub struct Client {
    requests: SendRequest<Bytes>,
    connection: AbortHandle,
}

impl Client {
    /// Connects in plain text.
    pub async fn connect(server: SocketAddr) -> Client {
        let stream = TcpStream::connect(server).await.expect("somebody listens");
        Client::on(stream).await.expect("HTTP/2")
    }

    /// Begins HTTP/2 on a connection.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn on(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Client, h2::Error> {
        let (requests, connection) = h2::client::handshake(stream).await?;
        let connection: Connection<_, Bytes> = connection;
        let connection = tokio::spawn(async move {
            let _ = connection.await; // what went wrong is seen by each call
        });
        Ok(Client { requests, connection: connection.abort_handle() })
    }

    /// Calls a method, which is a path without its first slash.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn call(&self, method: &str) -> Result<Call, h2::Error> {
        let mut requests = self.requests.clone().ready().await?;
        let uri: Uri = format!("http://contour/{method}").parse().expect("a URI");
        let request = Request::post(uri)
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .body(())
            .expect("a request");
        let (response, requests) = requests.send_request(request, false)?;
        Ok(Call { requests, response: Some(response), body: None, left: BytesMut::new() })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// A call under way.
#[derive(Debug)]
pub struct Call {
    requests: SendStream<Bytes>,
    response: Option<ResponseFuture>,
    body: Option<RecvStream>,
    left: BytesMut,
}

impl Call {
    /// Sends a message.
    pub fn send(&mut self, message: &impl Message) {
        let mut frame = BytesMut::new();
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.encoded_len()).expect("a short message"));
        message.encode(&mut frame).expect("room for everything");
        self.requests.send_data(frame.freeze(), false).expect("an open stream");
    }

    /// The next message.
    pub async fn next<T: Message + Default>(&mut self) -> T {
        self.try_next().await.expect("an open stream")
    }

    /// The same of a stream that may break.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn try_next<T: Message + Default>(&mut self) -> Result<T, h2::Error> {
        let message = timeout(PATIENCE, self.message()).await.expect("not so long");
        Ok(message?.expect("a message"))
    }

    /// How the call ended: the number of its gRPC status. What was sent before is not looked at.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn end(&mut self) -> Result<u32, h2::Error> {
        let headers = self.head().await?;
        if let Some(status) = status(&headers) {
            return Ok(status);
        }
        while self.message::<()>().await?.is_some() {}
        let trailers = self.body().trailers().await?.unwrap_or_default();
        Ok(status(&trailers).expect("a status"))
    }

    async fn message<T: Message + Default>(&mut self) -> Result<Option<T>, h2::Error> {
        self.head().await?;
        loop {
            let length = self.left.get(1..PREFIX).map(|mut length| length.get_u32() as usize);
            if let Some(length) = length.filter(|length| self.left.len() >= PREFIX + length) {
                let message = self.left.split_to(PREFIX + length).freeze().slice(PREFIX..);
                return Ok(Some(T::decode(message).expect("a message of this type")));
            }
            let Some(data) = self.body().data().await else { return Ok(None) };
            let data = data?;
            self.body().flow_control().release_capacity(data.len())?;
            self.left.put(data);
        }
    }

    /// Waits for the headers of the response; they are answered once.
    async fn head(&mut self) -> Result<HeaderMap, h2::Error> {
        let Some(response) = self.response.take() else { return Ok(HeaderMap::new()) };
        let (head, body) = response.await?.into_parts();
        self.body = Some(body);
        Ok(head.headers)
    }

    fn body(&mut self) -> &mut RecvStream {
        self.body.as_mut().expect("the response has begun")
    }
}

fn status(headers: &HeaderMap) -> Option<u32> {
    let status = headers.get("grpc-status")?;
    status.to_str().ok()?.parse().ok()
}
