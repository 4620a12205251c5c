//! An Envoy of the separate dialect, as far as the server can tell: one connection, and on it a stream for each load
//! assignment, whose every request repeats who asks.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use contour_xds::wire::{DiscoveryRequest, DiscoveryResponse};
use envoy_types::pb::envoy::config::core::v3::{Extension, Node};
use h2::{RecvStream, SendStream};
use http::{Request, Response, Uri, header};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::streams::name;
use crate::{Error, clock};

/// How large the `node` of a stock Envoy 1.40 is, in bytes: most of it is the list of its extensions.
const NODE: usize = 61_000;

/// The field `node` of a request.
const NODE_FIELD: u32 = 2;

/// How much a server may send before it is told to go on, in bytes, on a stream and in all; more than it will.
const WINDOW: u32 = 16 << 20;

/// How many answers may wait to be counted.
const QUEUE: usize = 1024;

/// One byte of flags and four of length precede each gRPC message.
const PREFIX: usize = 5;

/// What the client tells, one line of JSON each.
#[derive(Debug, Serialize, Deserialize)]
pub enum Told {
    /// Every stream was answered, and its answer acknowledged.
    Settled,
    /// After that, another response came on a stream.
    Updated {
        /// For which load assignment.
        number: usize,
        /// When its last byte was there, on the [`clock`].
        at: Duration,
    },
}

/// Opens `count` streams and acknowledges what comes on them, until the server is gone.
pub fn run(server: SocketAddr, count: usize) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let connection = TcpStream::connect(server).await?;
        connection.set_nodelay(true)?;
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(WINDOW).initial_connection_window_size(WINDOW);
        let (mut client, connection) = builder.handshake(connection).await?;
        tokio::spawn(connection);

        let path = "/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints";
        let uri = Uri::builder().scheme("http").authority(server.to_string()).path_and_query(path);
        let uri = uri.build()?;
        let node = node();
        let (answers, answered) = mpsc::channel(QUEUE);
        for number in 0..count {
            client = client.ready().await?;
            let request = Request::post(uri.clone())
                .header(header::CONTENT_TYPE, "application/grpc")
                .header(header::TE, "trailers");
            let (response, requests) = client.send_request(request.body(())?, false)?;
            let stream = Stream { number, node: node.clone(), requests };
            tokio::spawn(stream.follow(response, answers.clone()));
        }
        drop(answers);
        tell(answered, count).await
    })
}

/// Tells what happens, until every stream has ended.
async fn tell(
    mut answered: mpsc::Receiver<(usize, Duration)>,
    mut unanswered: usize,
) -> Result<(), Error> {
    while let Some((number, at)) = answered.recv().await {
        let told = if unanswered == 0 {
            Told::Updated { number, at }
        } else {
            unanswered -= 1;
            if unanswered > 0 {
                continue;
            }
            Told::Settled
        };
        println!("{}", serde_json::to_string(&told)?);
    }
    Ok(())
}

/// A stream for one load assignment.
struct Stream {
    number: usize,
    node: Bytes,
    requests: SendStream<Bytes>,
}

impl Stream {
    /// Asks, and acknowledges each response. An error ends the stream, and that shows in what is told.
    async fn follow(
        mut self,
        response: h2::client::ResponseFuture,
        answers: mpsc::Sender<(usize, Duration)>,
    ) -> Result<(), h2::Error> {
        self.send(DiscoveryRequest::default())?;
        let mut body = response.await.map(Response::into_body)?;
        while let Some(message) = receive(&mut body).await? {
            let at = clock::now();
            let response = DiscoveryResponse::decode(message).expect("a response");
            self.send(DiscoveryRequest {
                version_info: response.version_info,
                response_nonce: response.nonce,
                ..DiscoveryRequest::default()
            })?;
            if answers.send((self.number, at)).await.is_err() {
                break; // nobody counts any more
            }
        }
        Ok(())
    }

    fn send(&mut self, mut request: DiscoveryRequest) -> Result<(), h2::Error> {
        request.resource_names = vec![name(self.number)];
        let fields = request.encode_to_vec();
        let length = u32::try_from(fields.len() + self.node.len()).expect("a short request");
        let mut head = BytesMut::with_capacity(PREFIX + fields.len());
        head.put_u8(0);
        head.put_u32(length);
        head.put_slice(&fields);
        self.requests.send_data(head.freeze(), false)?;
        self.requests.send_data(self.node.clone(), false) // shared by all requests
    }
}

/// The next message, once its last byte is there.
async fn receive(body: &mut RecvStream) -> Result<Option<Bytes>, h2::Error> {
    let mut message = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        message.put(data);
        let length = message.get(1..PREFIX).map(|mut length| length.get_u32() as usize);
        if length.is_some_and(|length| message.len() == PREFIX + length) {
            return Ok(Some(message.freeze().slice(PREFIX..)));
        }
    }
    Ok(None)
}

/// The field `node` as it stands in each request.
fn node() -> Bytes {
    let mut node =
        Node { id: "envoy-1".into(), user_agent_name: "envoy".into(), ..Node::default() };
    let mut length = node.encoded_len();
    while length < NODE {
        let number = node.extensions.len();
        let extension = Extension {
            name: format!("envoy.filters.http.extension_{number}"),
            category: "envoy.filters.http".into(),
            ..Extension::default()
        };
        length += 2 + extension.encoded_len();
        node.extensions.push(extension);
    }
    let mut field = BytesMut::new();
    encode_key(NODE_FIELD, WireType::LengthDelimited, &mut field);
    encode_varint(node.encoded_len() as u64, &mut field);
    node.encode(&mut field).expect("a buffer takes everything");
    field.freeze()
}
