//! A request as it arrives, without what nobody reads.
//!
//! Each request of a stock Envoy repeats a `node` of some 61 kB, of which [`wire::Node`](crate::wire::Node) has three short
//! fields; and an Envoy of the separate dialect sends ten thousand such requests at once, in pieces that take turns. Kept
//! until they are complete they would be 600 MB, of which nothing is wanted. So the rest of `node` is passed over while it
//! arrives, and everything else is kept as it is.

use std::fmt;

use bytes::{Bytes, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint};

/// The most bytes that a varint of 64 bits takes.
const VARINT: u32 = 10;

/// The bytes of a request are not those of any message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("these bytes are no message")
    }
}

impl std::error::Error for Malformed {}

/// A request of which some bytes have arrived.
#[derive(Debug)]
pub struct Sift {
    wanted: Wanted,
    kept: BytesMut,
    step: Step,
}

/// Which fields are kept.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    /// All, but of the one with this number only what [`wire::Node`](crate::wire::Node) has.
    Request { node: u32 },
    /// Those of [`wire::Node`](crate::wire::Node).
    Node,
}

impl Wanted {
    /// Whether a field is kept, if it is not the request's `node`.
    fn keeps(self, field: u32) -> bool {
        match self {
            Wanted::Request { .. } => true,
            Wanted::Node => matches!(field, 1 | 6 | 7 | 8),
        }
    }
}

/// What the next byte is.
#[derive(Debug)]
enum Step {
    /// Of a field's number and type.
    Key(Varint),
    /// Of a number.
    Number { field: u32, value: Varint },
    /// Of the length of a field's content.
    Length { field: u32, value: Varint },
    /// Of a field's content, of which so much is still to come.
    Content { keep: bool, left: u64 },
    /// Of a `node`, of which so much is still to come.
    Node { sift: Box<Sift>, left: u64 },
}

/// A varint of which some bytes have arrived.
#[derive(Clone, Copy, Debug, Default)]
struct Varint {
    value: u64,
    bytes: u32,
}

impl Varint {
    /// Takes a byte; the value once it was the last.
    fn push(&mut self, byte: u8) -> Result<Option<u64>, Malformed> {
        if self.bytes == VARINT {
            return Err(Malformed);
        }
        self.value |= u64::from(byte & 0x7f).checked_shl(7 * self.bytes).unwrap_or(0);
        self.bytes += 1;
        Ok((byte & 0x80 == 0).then_some(self.value))
    }
}

/// Between two fields.
const KEY: Step = Step::Key(Varint { value: 0, bytes: 0 });

impl Sift {
    /// Nothing has arrived yet of a request whose field `node` has this number.
    pub fn new(node: u32) -> Sift {
        Sift::of(Wanted::Request { node })
    }

    fn of(wanted: Wanted) -> Sift {
        Sift { wanted, kept: BytesMut::new(), step: KEY }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Malformed`]; the request is of no use then.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Malformed> {
        while !bytes.is_empty() {
            let taken = self.step(bytes)?;
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// The request, all of whose bytes have arrived.
    ///
    /// # Errors
    /// [`Malformed`] if it ends within a field.
    pub fn finish(self) -> Result<Bytes, Malformed> {
        match self.step {
            Step::Key(Varint { bytes: 0, .. }) => Ok(self.kept.freeze()),
            _ => Err(Malformed),
        }
    }

    /// Takes at least one byte, and answers how many.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let within = |left: u64| bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.step = match std::mem::replace(&mut self.step, KEY) {
            Step::Key(mut value) => match value.push(bytes[0])? {
                None => Step::Key(value),
                Some(key) => self.field(key)?,
            },
            Step::Number { field, mut value } => match value.push(bytes[0])? {
                None => Step::Number { field, value },
                Some(value) => {
                    self.number(field, value);
                    KEY
                }
            },
            Step::Length { field, mut value } => match value.push(bytes[0])? {
                None => Step::Length { field, value },
                Some(length) => self.content(field, length),
            },
            Step::Content { keep, left } => {
                let taken = within(left);
                if keep {
                    self.kept.extend_from_slice(&bytes[..taken]);
                }
                let left = left - taken as u64;
                self.step = if left > 0 { Step::Content { keep, left } } else { KEY };
                return Ok(taken);
            }
            Step::Node { mut sift, left } => {
                let taken = within(left);
                sift.push(&bytes[..taken])?;
                let left = left - taken as u64;
                if left > 0 {
                    self.step = Step::Node { sift, left };
                } else {
                    self.node(*sift)?;
                }
                return Ok(taken);
            }
        };
        Ok(1)
    }

    /// What follows the key of a field.
    fn field(&mut self, key: u64) -> Result<Step, Malformed> {
        let number = u32::try_from(key).map_err(|_| Malformed)?;
        let field = number >> 3;
        if field == 0 {
            return Err(Malformed);
        }
        let wire_type = WireType::try_from(key & 7).map_err(|_| Malformed)?;
        let mut fixed = |left| {
            let keep = self.wanted.keeps(field);
            if keep {
                encode_key(field, wire_type, &mut self.kept);
            }
            Step::Content { keep, left }
        };
        match wire_type {
            WireType::Varint => Ok(Step::Number { field, value: Varint::default() }),
            WireType::SixtyFourBit => Ok(fixed(8)),
            WireType::LengthDelimited => Ok(Step::Length { field, value: Varint::default() }),
            WireType::ThirtyTwoBit => Ok(fixed(4)),
            // No message of Envoy's has groups.
            WireType::StartGroup | WireType::EndGroup => Err(Malformed),
        }
    }

    fn number(&mut self, field: u32, value: u64) {
        if self.wanted.keeps(field) {
            encode_key(field, WireType::Varint, &mut self.kept);
            encode_varint(value, &mut self.kept);
        }
    }

    /// What follows the length of a field's content.
    fn content(&mut self, field: u32, left: u64) -> Step {
        if let Wanted::Request { node } = self.wanted
            && field == node
            && left > 0
        {
            return Step::Node { sift: Box::new(Sift::of(Wanted::Node)), left };
        }
        let keep = self.wanted.keeps(field);
        if keep {
            self.delimited(field, left);
        }
        if left == 0 { KEY } else { Step::Content { keep, left } }
    }

    /// Keeps what a `node` that has arrived kept.
    fn node(&mut self, sift: Sift) -> Result<(), Malformed> {
        let Wanted::Request { node } = self.wanted else { return Err(Malformed) };
        let kept = sift.finish()?;
        self.delimited(node, kept.len() as u64);
        self.kept.extend_from_slice(&kept);
        Ok(())
    }

    fn delimited(&mut self, field: u32, length: u64) {
        encode_key(field, WireType::LengthDelimited, &mut self.kept);
        encode_varint(length, &mut self.kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept of `message`, whose node is field 2, if it arrives in pieces of so many bytes.
    #[track_caller]
    fn check(message: &[u8], expect: Result<&[u8], Malformed>) {
        for size in 1..=message.len().max(1) {
            let mut sift = Sift::new(2);
            let pushed = message.chunks(size).try_for_each(|piece| sift.push(piece));
            let kept = pushed.and_then(|()| sift.finish());
            assert_eq!(kept.as_deref(), expect.as_ref().copied(), "in pieces of {size}");
        }
    }

    #[test]
    fn a_message_without_a_node_is_kept_as_it_is() {
        check(b"", Ok(b""));
        let fields = b"\x0a\x03abc\x18\x96\x01\x21\x01\x02\x03\x04\x05\x06\x07\x08\x2d\x01\x02\x03\x04\x32\x00";
        check(fields, Ok(fields));
    }

    #[test]
    fn of_a_node_what_is_read_is_kept() {
        let node =
            b"\x0a\x02id\x12\x01c\x18\x05\x21\x01\x02\x03\x04\x05\x06\x07\x08\x32\x01e\x4a\x04junk";
        let message = [
            &b"\x0a\x01v\x12"[..],
            &[u8::try_from(node.len()).expect("short")],
            node,
            b"\x1a\x01n",
        ];
        check(&message.concat(), Ok(b"\x0a\x01v\x12\x07\x0a\x02id\x32\x01e\x1a\x01n"));
    }

    #[test]
    fn an_empty_node_is_kept() {
        check(b"\x12\x00\x1a\x01n", Ok(b"\x12\x00\x1a\x01n"));
    }

    #[test]
    fn a_node_cannot_end_within_a_field() {
        check(b"\x12\x03\x0a\x02i", Err(Malformed));
        check(b"\x12\x01\x0a\x1a\x01n", Err(Malformed));
    }

    #[test]
    fn a_message_cannot_end_within_a_field() {
        check(b"\x0a", Err(Malformed));
        check(b"\x0a\x02a", Err(Malformed));
        check(b"\x12\x05\x0a\x01i", Err(Malformed));
    }

    #[test]
    fn what_is_no_field_is_refused() {
        check(b"\x0b", Err(Malformed)); // a group
        check(b"\x0f", Err(Malformed));
        check(&[0xff; 11], Err(Malformed));
        check(b"\x00\x00", Err(Malformed)); // field 0
        check(b"\x88\x80\x80\x80\x10\x00", Err(Malformed)); // field 2^29 + 1
    }
}
