//! One call: its messages in, the protocol's state machine, its messages out.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use contour_xds::exchange::{Outcome, Reply, Variant, Verdict};
use contour_xds::fetch::fetch as answer;
use contour_xds::resource::{Dialect, TypeUrl};
use contour_xds::sotw::Sotw;
use contour_xds::stream::Stream;
use futures_util::StreamExt as _;
use futures_util::stream::{iter, once, unfold};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::{Notify, mpsc};
use tonic::Status;
use tonic::body::Body;

use super::frame::{self, Requests};
use crate::serve::control::Event;
use crate::serve::hub::{Hub, Sight, StreamId, Told};

/// Answers a stream. The response's body is what drives it: nothing else is spawned for it, so that an idle stream costs
/// little more than its state.
pub(super) fn stream<V: Variant + Send + 'static>(
    stream: Stream<V>,
    dialect: Dialect,
    body: Body,
    hub: Arc<Hub>,
    control: mpsc::Sender<Event>,
) -> Response<Body> {
    let (id, wake) = hub.open(dialect);
    let driver = Driver {
        call: Call { dialect, hub, control },
        id,
        wake,
        requests: Requests::new(body),
        stream,
        waiting: VecDeque::new(),
        node: Box::default(),
        begun: false,
    };
    let frames = unfold(Some(driver), |driver| async {
        let mut driver = driver?;
        match driver.next().await {
            Ok(Some(message)) => Some((Ok(Frame::data(message)), Some(driver))),
            Ok(None) => Some((end(&Status::ok("")), None)),
            Err(status) => Some((end(&status), None)),
        }
    });
    respond(Body::new(StreamBody::new(frames)))
}

/// Answers a `Fetch*` call.
pub(super) fn fetch(
    type_url: TypeUrl,
    body: Body,
    hub: Arc<Hub>,
    control: mpsc::Sender<Event>,
) -> Response<Body> {
    let call = Call { dialect: Dialect::Separate, hub, control };
    let answered = async move {
        call.begin().await?;
        let request = Requests::new(body).next::<Sotw>().await?;
        let request =
            request.ok_or_else(|| Status::invalid_argument("a call without a request"))?;
        let sight = call.hub.look(call.dialect);
        Ok(frame::encode(&answer(type_url, &request, sight.view().snapshot)))
    };
    let frames = once(answered).flat_map(|answered: Result<Bytes, Status>| match answered {
        Ok(message) => iter(vec![Ok(Frame::data(message)), end(&Status::ok(""))]),
        Err(status) => iter(vec![end(&status)]),
    });
    respond(Body::new(StreamBody::new(frames)))
}

type Part = Result<Frame<Bytes>, Status>;

/// gRPC says how a call ended in trailers.
fn end(status: &Status) -> Part {
    let mut trailers = HeaderMap::new();
    status.add_header(&mut trailers)?;
    Ok(Frame::trailers(trailers))
}

fn respond(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(header::CONTENT_TYPE, grpc);
    response
}

/// What every call needs.
struct Call {
    dialect: Dialect,
    hub: Arc<Hub>,
    control: mpsc::Sender<Event>,
}

impl Call {
    /// Waits until the dialect is served. The separate one is built when its first call comes.
    async fn begin(&self) -> Result<(), Status> {
        if self.dialect == Dialect::Separate && !self.hub.is_spoken(self.dialect) {
            let asked = self.control.send(Event::SpeakSeparate).await;
            asked.map_err(|_| Status::unavailable("shutting down"))?;
        }
        self.hub.spoken(self.dialect).await;
        Ok(())
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
    /// Who is there, once it said so; for logs.
    node: Box<str>,
    begun: bool,
}

impl<V: Variant> Driver<V> {
    /// The next response, encoded. `None` when the client has ended the call.
    async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        if !self.begun {
            self.call.begin().await?;
            self.begun = true;
        }
        loop {
            if let Some(response) = self.waiting.pop_front() {
                if self.waiting.is_empty() {
                    self.waiting = VecDeque::new(); // keep no room for a burst on an idle stream
                }
                return Ok(Some(frame::encode(&response)));
            }
            let deadline = self.stream.next_deadline();
            tokio::select! {
                request = self.requests.next::<V>() => match request? {
                    Some(request) => self.hear(request)?,
                    None => return Ok(None),
                },
                () = self.wake.notified() => self.look_again(),
                () = self.call.hub.sleep_until(deadline) => {
                    let sight = self.call.hub.look(self.call.dialect);
                    let reply = self.stream.on_time(sight.view());
                    self.take(reply, &sight);
                }
            }
        }
    }

    fn hear(&mut self, request: V::Request) -> Result<(), Status> {
        if let Some(node) = V::node(&request).filter(|_| self.node.is_empty()) {
            self.node = node.id.as_str().into();
            tracing::debug!(node = %self.node, version = %node.version(), dialect = ?self.call.dialect, "stream opened");
        }
        let sight = self.call.hub.look(self.call.dialect);
        let reply = self.stream.on_request(request, sight.view());
        let reply = reply.map_err(|error| Status::invalid_argument(error.to_string()))?;
        self.take(reply, &sight);
        Ok(())
    }

    fn look_again(&mut self) {
        let sight = self.call.hub.look(self.call.dialect);
        let reply = self.stream.on_publish(sight.view());
        self.take(reply, &sight);
    }

    fn take(&mut self, reply: Reply<V::Response>, sight: &Sight) {
        if let Some(verdict) = &reply.verdict {
            self.log(verdict);
        }
        self.waiting.extend(reply.responses);
        let standing = self.stream.standing(sight.view());
        let told = Told { marks: reply.marks, interests: reply.interests, standing };
        if self.call.hub.note(self.call.dialect, self.id, told, sight) {
            self.wake.notify_one();
        }
    }

    fn log(&self, verdict: &Verdict) {
        let type_url = verdict.type_url.as_str();
        match &verdict.outcome {
            Outcome::Accepted => {
                tracing::debug!(node = %self.node, type_url, nonce = verdict.nonce, "response accepted");
            }
            Outcome::Refused { message, guilty } => {
                let names: Vec<&str> = guilty.iter().map(|name| &**name).collect();
                tracing::warn!(
                    node = %self.node, type_url, nonce = verdict.nonce, error = %message,
                    refused = names.join(","), "response refused"
                );
            }
        }
    }
}

impl<V: Variant> Drop for Driver<V> {
    fn drop(&mut self) {
        let sight = self.call.hub.look(self.call.dialect);
        let marks = self.stream.on_close(sight.view());
        self.call.hub.close(self.call.dialect, self.id, self.stream.interests(), marks);
    }
}
