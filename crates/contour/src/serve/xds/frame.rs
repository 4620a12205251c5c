//! gRPC messages in HTTP/2 bodies.
//!
//! tonic's own decoder keeps a buffer as large as the largest message it has met. The first request of each of Envoy's
//! streams has 61 kB, ten thousand streams are nothing unusual, and most are idle for ever; so this one keeps nothing
//! between messages.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body::Body;
use prost::Message;
use tonic::Status;

/// The largest message taken, in bytes: a reconnecting Envoy lists every version it holds.
const MAX_MESSAGE: usize = 64 << 20;

/// One byte of flags, four of length.
const HEADER: usize = 5;

/// The messages of a request.
#[derive(Debug)]
pub(super) struct Messages {
    body: tonic::body::Body,
    buffer: Partial,
}

impl Messages {
    pub(super) fn new(body: tonic::body::Body) -> Messages {
        Messages { body, buffer: Partial::default() }
    }

    /// The next message, or `None` when there are no more.
    ///
    /// Cancelling is safe: what has arrived of a message is kept.
    ///
    /// # Errors
    /// The transport's, or that what came is no message.
    pub(super) async fn next<M: Message + Default>(&mut self) -> Result<Option<M>, Status> {
        let message = std::future::poll_fn(|context| self.poll_next(context)).await?;
        let decode = |bytes| {
            M::decode(bytes)
                .map_err(|error| Status::internal(format!("malformed message: {error}")))
        };
        message.map(decode).transpose()
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        loop {
            if let Some(message) = self.buffer.take_message()? {
                return Poll::Ready(Ok(Some(message)));
            }
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
                return Poll::Ready(self.buffer.finish().map(|()| None));
            };
            if let Ok(data) = frame?.into_data() {
                self.buffer.push(data);
            }
        }
    }
}

/// The bytes of a message that has not arrived completely.
#[derive(Debug, Default)]
enum Partial {
    /// Nothing, and no memory for it.
    #[default]
    Empty,
    /// As it came, in one piece.
    Whole(Bytes),
    /// Joined from several pieces.
    Joined(BytesMut),
}

impl Partial {
    fn bytes(&self) -> &[u8] {
        match self {
            Partial::Empty => &[],
            Partial::Whole(bytes) => bytes,
            Partial::Joined(bytes) => bytes,
        }
    }

    fn push(&mut self, data: Bytes) {
        *self = match std::mem::take(self) {
            Partial::Empty if data.is_empty() => Partial::Empty,
            Partial::Empty => Partial::Whole(data),
            Partial::Whole(first) => {
                let mut joined =
                    BytesMut::with_capacity(wanted(&first).max(first.len() + data.len()));
                joined.put(first);
                joined.put(data);
                Partial::Joined(joined)
            }
            Partial::Joined(mut joined) => {
                joined.put(data);
                Partial::Joined(joined)
            }
        };
    }

    /// The first message, if all of it is here.
    fn take_message(&mut self) -> Result<Option<Bytes>, Status> {
        let bytes = self.bytes();
        if bytes.len() < HEADER {
            return Ok(None);
        }
        if bytes[0] != 0 {
            return Err(Status::unimplemented("compressed messages are not taken"));
        }
        let length = message_length(bytes);
        if length > MAX_MESSAGE {
            let text = format!("a message of {length} bytes exceeds the limit of {MAX_MESSAGE}");
            return Err(Status::resource_exhausted(text));
        }
        if bytes.len() < HEADER + length {
            return Ok(None);
        }
        let mut bytes = match std::mem::take(self) {
            Partial::Empty => Bytes::new(),
            Partial::Whole(bytes) => bytes,
            Partial::Joined(bytes) => bytes.freeze(),
        };
        bytes.advance(HEADER);
        let message = bytes.split_to(length);
        self.push(bytes);
        Ok(Some(message))
    }

    fn finish(&self) -> Result<(), Status> {
        match self {
            Partial::Empty => Ok(()),
            _ => Err(Status::internal("the request ends within a message")),
        }
    }
}

fn message_length(header: &[u8]) -> usize {
    let mut length = &header[1..HEADER];
    length.get_u32() as usize
}

/// How many bytes the first message will have, as far as can be told.
fn wanted(first: &[u8]) -> usize {
    if first.len() < HEADER { 0 } else { HEADER + message_length(first).min(MAX_MESSAGE) }
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
    use super::*;

    /// A frame of one `google.protobuf.Any`, whose fields do for a message.
    fn frame(text: &str) -> Bytes {
        encode(&text.to_owned())
    }

    #[track_caller]
    fn check(pieces: &[&[u8]], expect: &[&str]) {
        let mut partial = Partial::default();
        let mut found = Vec::new();
        for piece in pieces {
            partial.push(Bytes::copy_from_slice(piece));
            while let Some(message) = partial.take_message().expect("messages") {
                found.push(String::decode(message).expect("a message"));
            }
        }
        assert_eq!(found, expect);
        assert!(matches!(partial, Partial::Empty), "nothing is kept between messages");
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
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_read() {
        let mut partial = Partial::default();
        partial.push(Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff]));
        assert!(partial.take_message().is_err());
    }

    #[test]
    fn what_is_compressed_is_refused() {
        let mut partial = Partial::default();
        partial.push(Bytes::from_static(&[1, 0, 0, 0, 0]));
        assert!(partial.take_message().is_err());
    }

    #[test]
    fn a_request_cannot_end_within_a_message() {
        let mut partial = Partial::default();
        partial.push(Bytes::from_static(&[0, 0]));
        assert!(partial.finish().is_err());
    }
}
