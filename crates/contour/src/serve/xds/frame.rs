//! gRPC messages in HTTP/2 bodies.
//!
//! tonic's own decoder keeps a buffer as large as the largest message it has met. The first request of each of Envoy's
//! streams has 61 kB, ten thousand streams are nothing unusual, and most are idle for ever; so this one keeps nothing
//! between messages, and of one that is arriving only what will be read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use contour_xds::exchange::Variant;
use contour_xds::sift::{Malformed, Sift};
use http_body::Body;
use prost::Message;
use tonic::Status;

/// The largest message taken, in bytes: a reconnecting Envoy lists every version it holds.
const MAX_MESSAGE: u32 = 64 << 20;

/// One byte of flags, four of length.
const HEADER: usize = 5;

/// The requests of a call.
#[derive(Debug)]
pub(super) struct Requests {
    body: tonic::body::Body,
    /// What has arrived and was not looked at yet.
    arrived: Bytes,
    partial: Partial,
}

impl Requests {
    pub(super) fn new(body: tonic::body::Body) -> Requests {
        Requests { body, arrived: Bytes::new(), partial: Partial::default() }
    }

    /// The next request, or `None` when there are no more.
    ///
    /// Cancelling is safe: what has arrived of a request is kept.
    ///
    /// # Errors
    /// The transport's, or that what came is no request.
    pub(super) async fn next<V: Variant>(&mut self) -> Result<Option<V::Request>, Status> {
        std::future::poll_fn(|context| self.poll_next::<V>(context)).await
    }

    fn poll_next<V: Variant>(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<V::Request>, Status>> {
        loop {
            let message = self.partial.push(&mut self.arrived, V::NODE)?;
            if self.arrived.is_empty() {
                self.arrived = Bytes::new(); // lets go of the frame
            }
            if let Some(message) = message {
                let request = V::Request::decode(message).map_err(|error| malformed(&error))?;
                return Poll::Ready(Ok(Some(request)));
            }
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
                return Poll::Ready(self.partial.finish().map(|()| None));
            };
            if let Ok(data) = frame?.into_data() {
                self.arrived = data;
            }
        }
    }
}

fn malformed(error: &impl std::fmt::Display) -> Status {
    Status::internal(format!("malformed message: {error}"))
}

/// What is kept of a message that has not arrived completely.
#[derive(Debug)]
enum Partial {
    /// So many bytes of its header.
    Header { bytes: [u8; HEADER], count: usize },
    /// What will be read of its body, of which so many bytes are still to come.
    Body { sift: Box<Sift>, left: usize },
}

impl Default for Partial {
    fn default() -> Partial {
        Partial::Header { bytes: [0; HEADER], count: 0 }
    }
}

impl Partial {
    /// Takes bytes until there are no more, or until a message is complete.
    fn push(&mut self, arrived: &mut Bytes, node: u32) -> Result<Option<Bytes>, Status> {
        loop {
            match self {
                Partial::Header { bytes, count } => {
                    let taken = arrived.len().min(HEADER - *count);
                    bytes[*count..*count + taken].copy_from_slice(&arrived[..taken]);
                    arrived.advance(taken);
                    *count += taken;
                    if *count < HEADER {
                        return Ok(None);
                    }
                    let left = message_length(*bytes)?;
                    *self = Partial::Body { sift: Box::new(Sift::new(node)), left };
                }
                Partial::Body { sift, left } => {
                    let taken = arrived.len().min(*left);
                    sift.push(&arrived[..taken]).map_err(|error| malformed(&error))?;
                    arrived.advance(taken);
                    *left -= taken;
                    if *left > 0 {
                        return Ok(None);
                    }
                    return self.complete().map_err(|error| malformed(&error));
                }
            }
        }
    }

    fn complete(&mut self) -> Result<Option<Bytes>, Malformed> {
        match std::mem::take(self) {
            Partial::Body { sift, .. } => sift.finish().map(Some),
            Partial::Header { .. } => Ok(None),
        }
    }

    fn finish(&self) -> Result<(), Status> {
        match self {
            Partial::Header { count: 0, .. } => Ok(()),
            _ => Err(Status::internal("the request ends within a message")),
        }
    }
}

/// How many bytes follow a header.
fn message_length(header: [u8; HEADER]) -> Result<usize, Status> {
    let mut header = header.as_slice();
    if header.get_u8() != 0 {
        return Err(Status::unimplemented("compressed messages are not taken"));
    }
    let length = header.get_u32();
    if length > MAX_MESSAGE {
        let text = format!("a message of {length} bytes exceeds the limit of {MAX_MESSAGE}");
        return Err(Status::resource_exhausted(text));
    }
    Ok(length as usize)
}

/// A message as it stands in a response's body. The body of each resource is copied here, once.
pub(super) fn encode(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(HEADER + length);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(length).expect("a response is smaller than 4 GiB"));
    message.encode(&mut bytes).expect("there is room for what was measured");
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use contour_xds::delta::Delta;
    use contour_xds::wire::{DeltaDiscoveryRequest, Node};

    use super::*;

    fn request(type_url: &str) -> DeltaDiscoveryRequest {
        DeltaDiscoveryRequest { type_url: type_url.to_owned(), ..Default::default() }
    }

    fn frame(type_url: &str) -> Bytes {
        encode(&request(type_url))
    }

    /// Feeds these pieces, and expects requests for these types.
    #[track_caller]
    fn check(pieces: &[&[u8]], expect: &[&str]) {
        let mut partial = Partial::default();
        let mut found = Vec::new();
        for piece in pieces {
            let mut arrived = Bytes::copy_from_slice(piece);
            while let Some(message) = partial.push(&mut arrived, Delta::NODE).expect("messages") {
                found.push(DeltaDiscoveryRequest::decode(message).expect("a message"));
            }
            assert!(arrived.is_empty(), "everything was looked at");
        }
        assert_eq!(found, expect.iter().map(|type_url| request(type_url)).collect::<Vec<_>>());
        assert!(
            matches!(partial, Partial::Header { count: 0, .. }),
            "nothing is kept between messages"
        );
    }

    #[track_caller]
    fn check_refused(header: &'static [u8], code: tonic::Code) {
        let refused = Partial::default().push(&mut Bytes::from_static(header), Delta::NODE);
        assert_eq!(refused.expect_err("refused").code(), code);
    }

    #[test]
    fn a_message_arrives_in_one_piece() {
        check(&[&frame("whole")], &["whole"]);
    }

    #[test]
    fn a_message_arrives_byte_by_byte() {
        let bytes = frame("bytes");
        check(&bytes.chunks(1).collect::<Vec<_>>(), &["bytes"]);
    }

    #[test]
    fn two_messages_arrive_at_once() {
        let both = [frame("one"), frame("two")].concat();
        check(&[&both], &["one", "two"]);
        check(&[&both[..9], &both[9..]], &["one", "two"]);
    }

    #[test]
    fn an_empty_message_is_a_message() {
        check(&[&[0, 0, 0, 0, 0]], &[""]);
        check(&[&[0, 0, 0, 0], &[0]], &[""]);
    }

    #[test]
    fn of_a_node_what_is_read_is_kept() {
        let node = Node { id: "envoy-1".to_owned(), ..Node::default() };
        let mut sent = request("type");
        sent.node = Some(node);
        let mut partial = Partial::default();
        let message = partial.push(&mut encode(&sent), Delta::NODE).expect("a message");
        assert_eq!(DeltaDiscoveryRequest::decode(message.expect("complete")), Ok(sent));
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_read() {
        check_refused(&[0, 0xff, 0xff, 0xff, 0xff], tonic::Code::ResourceExhausted);
    }

    #[test]
    fn what_is_compressed_is_refused() {
        check_refused(&[1, 0, 0, 0, 0], tonic::Code::Unimplemented);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        check_refused(&[0, 0, 0, 0, 1, 0x0b], tonic::Code::Internal);
    }

    #[test]
    fn a_request_cannot_end_within_a_message() {
        let mut partial = Partial::default();
        assert!(partial.push(&mut Bytes::from_static(&[0, 0]), Delta::NODE).is_ok());
        assert!(partial.finish().is_err());
    }
}
