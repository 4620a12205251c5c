//! One call: its messages in, the protocol's state machine, its messages out.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use contour_xds::exchange::{Outcome, Reply, Variant, Verdict};
use contour_xds::fetch::fetch as answer;
use contour_xds::resource::{Dialect, TypeUrl};
use contour_xds::sotw::Sotw;
use contour_xds::stream::Stream;
use contour_xds::wire::{DeltaDiscoveryResponse, DiscoveryResponse, Node};
use futures_util::StreamExt as _;
use futures_util::stream::{iter, once, unfold};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::{Notify, mpsc};
use tonic::body::Body;
use tonic::{Code, Status};

use super::frame::{self, Requests};
use super::{Method, Xds};
use crate::serve::control::Event;
use crate::serve::hub::{Hub, Sight, StreamId, Told};
use crate::serve::metrics::Metrics;
use crate::serve::metrics::grpc::Messages;
use crate::serve::peers::Peer;

/// Answers a stream. The response's body is what drives it: nothing else is spawned for it, so that an idle stream costs
/// little more than its state.
pub(super) fn stream<V>(stream: Stream<V>, body: Body, call: Call) -> Response<Body>
where
    V: Variant<Response: Described> + Send + 'static,
{
    let (id, wake) = call.hub.open(call.dialect());
    let driver = Driver {
        call,
        id,
        wake,
        requests: Requests::new(body),
        stream,
        waiting: VecDeque::new(),
        peer: None,
        begun: false,
    };
    let frames = unfold(Some(driver), |driver| async {
        let mut driver = driver?;
        match driver.next().await {
            Ok(Some(message)) => Some((Ok(Frame::data(message)), Some(driver))),
            Ok(None) => Some((driver.call.end(&Status::ok("")), None)),
            Err(status) => Some((driver.call.end(&status), None)),
        }
    });
    respond(Body::new(StreamBody::new(frames)))
}

/// Answers a `Fetch*` call.
pub(super) fn fetch(type_url: TypeUrl, body: Body, mut call: Call) -> Response<Body> {
    let answered = async move {
        match call.fetch(type_url, body).await {
            Ok(message) => iter(vec![Ok(Frame::data(message)), call.end(&Status::ok(""))]),
            Err(status) => iter(vec![call.end(&status)]),
        }
    };
    let frames = once(answered).flat_map(|frames| frames);
    respond(Body::new(StreamBody::new(frames)))
}

/// What a response says of itself.
pub(super) trait Described {
    /// Its type and its version.
    fn described(&self) -> (&str, &str);
}

impl Described for DiscoveryResponse {
    fn described(&self) -> (&str, &str) {
        (&self.type_url, &self.version_info)
    }
}

impl Described for DeltaDiscoveryResponse {
    fn described(&self) -> (&str, &str) {
        (&self.type_url, &self.system_version_info)
    }
}

type Part = Result<Frame<Bytes>, Status>;

fn respond(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(header::CONTENT_TYPE, grpc);
    response
}

/// What every call needs, and what is counted of it.
pub(super) struct Call {
    method: Method,
    hub: Arc<Hub>,
    control: mpsc::Sender<Event>,
    metrics: Arc<Metrics>,
    messages: Messages,
    /// How it ended; one that was given up by its client counts as cancelled.
    code: Code,
}

impl Call {
    pub(super) fn begin(method: Method, xds: &Xds) -> Call {
        Call {
            method,
            hub: Arc::clone(&xds.hub),
            control: xds.control.clone(),
            metrics: Arc::clone(&xds.metrics),
            messages: method.told(|call| xds.metrics.grpc.begin(call)),
            code: Code::Cancelled,
        }
    }

    fn dialect(&self) -> Dialect {
        self.method.dialect()
    }

    fn look(&self) -> Sight {
        self.hub.look(self.dialect())
    }

    /// Waits until the dialect is served. The separate one is built when its first call comes.
    async fn wait(&self) -> Result<(), Status> {
        let dialect = self.dialect();
        if dialect == Dialect::Separate && !self.hub.is_spoken(dialect) {
            let asked = self.control.send(Event::SpeakSeparate).await;
            asked.map_err(|_| Status::unavailable("shutting down"))?;
        }
        self.hub.spoken(dialect).await;
        Ok(())
    }

    async fn fetch(&self, type_url: TypeUrl, body: Body) -> Result<Bytes, Status> {
        self.wait().await?;
        let request = Requests::new(body).next::<Sotw>().await?;
        let request =
            request.ok_or_else(|| Status::invalid_argument("a call without a request"))?;
        self.messages.received();
        let sight = self.look();
        self.messages.sent();
        Ok(frame::encode(&answer(type_url, &request, sight.snapshot())))
    }

    /// gRPC says how a call ended in trailers.
    fn end(&mut self, status: &Status) -> Part {
        self.code = status.code();
        let mut trailers = HeaderMap::new();
        status.add_header(&mut trailers)?;
        Ok(Frame::trailers(trailers))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.method.told(|call| self.metrics.grpc.end(call, name(self.code)));
    }
}

/// A code as metrics call it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}

/// A stream and what drives it.
struct Driver<V: Variant> {
    call: Call,
    id: StreamId,
    wake: Arc<Notify>,
    requests: Requests,
    stream: Stream<V>,
    /// Responses to be sent.
    waiting: VecDeque<V::Response>,
    /// Who is there, once it said so.
    peer: Option<Arc<Peer>>,
    begun: bool,
}

impl<V: Variant<Response: Described>> Driver<V> {
    /// The next response, encoded. `None` when the client has ended the call.
    async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        if !self.begun {
            self.call.wait().await?;
            self.begun = true;
        }
        loop {
            if let Some(response) = self.waiting.pop_front() {
                if self.waiting.is_empty() {
                    self.waiting = VecDeque::new(); // keep no room for a burst on an idle stream
                }
                self.call.messages.sent();
                return Ok(Some(frame::encode(&response)));
            }
            if self.call.hub.is_ending() && self.is_settled() {
                return Err(Status::unavailable("this server stops; ask another one"));
            }
            let deadline = self.stream.next_deadline();
            tokio::select! {
                request = self.requests.next::<V>() => match request? {
                    Some(request) => self.hear(request)?,
                    None => return Ok(None),
                },
                () = self.wake.notified() => self.look_again(),
                () = self.call.hub.sleep_until(deadline) => {
                    let sight = self.call.look();
                    let reply = self.stream.on_time(sight.view());
                    self.take(reply, &sight);
                }
            }
        }
    }

    /// Whether the client has answered everything that it was sent.
    fn is_settled(&self) -> bool {
        let standing = self.stream.standing(self.call.look().view());
        standing.is_some_and(|standing| standing.outstanding.is_empty())
    }

    fn hear(&mut self, request: V::Request) -> Result<(), Status> {
        self.call.messages.received();
        if self.peer.is_none() {
            self.meet(V::node(&request));
        }
        let sight = self.call.look();
        let reply = self.stream.on_request(request, sight.view());
        let reply = reply.map_err(|error| Status::invalid_argument(error.to_string()))?;
        self.take(reply, &sight);
        Ok(())
    }

    fn meet(&mut self, node: Option<&Node>) {
        let dialect = self.call.dialect();
        let id = node.map_or("", |node| &node.id);
        let version = node.map(Node::version).unwrap_or_default();
        tracing::debug!(node = id, version, ?dialect, "stream opened");
        self.peer = Some(self.call.hub.peers().enter(id, &version, dialect));
    }

    fn look_again(&mut self) {
        let sight = self.call.look();
        let reply = self.stream.on_publish(sight.view());
        self.take(reply, &sight);
    }

    fn take(&mut self, reply: Reply<V::Response>, sight: &Sight) {
        if let Some(verdict) = &reply.verdict {
            self.tell(verdict);
        }
        if let Some(peer) = &self.peer {
            for (type_url, version) in reply.responses.iter().map(Described::described) {
                TypeUrl::parse(type_url).inspect(|&type_url| peer.sent(type_url, version));
            }
        }
        self.waiting.extend(reply.responses);
        let standing = self.stream.standing(sight.view());
        let told = Told { marks: reply.marks, interests: reply.interests, standing };
        let noted = self.call.hub.note(self.call.dialect(), self.id, told, sight);
        self.call.metrics.accepted(&noted.accepted);
        if noted.newer {
            self.wake.notify_one();
        }
    }

    fn tell(&self, verdict: &Verdict) {
        let node = self.peer.as_ref().map_or("", |peer| peer.node());
        let type_url = verdict.type_url.as_str();
        match &verdict.outcome {
            Outcome::Accepted => {
                tracing::debug!(node, type_url, nonce = verdict.nonce, "response accepted");
            }
            Outcome::Refused { message, guilty } => {
                self.call.metrics.rejection(verdict.type_url);
                let names: Vec<&str> = guilty.iter().map(|name| &**name).collect();
                tracing::warn!(
                    node, type_url, nonce = verdict.nonce, error = %message,
                    refused = names.join(","), "response refused"
                );
            }
        }
        if let Some(peer) = &self.peer {
            peer.answered(verdict);
        }
    }
}

impl<V: Variant> Drop for Driver<V> {
    fn drop(&mut self) {
        let dialect = self.call.dialect();
        let marks = self.stream.on_close(self.call.look().view());
        let interests = self.stream.interests();
        let accepted = self.call.hub.close(dialect, self.id, interests, marks);
        self.call.metrics.accepted(&accepted);
        if let Some(peer) = &self.peer {
            self.call.hub.peers().leave(peer);
        }
    }
}
