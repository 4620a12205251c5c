//! Encoding, and the well-known types of `google.protobuf`.

use std::num::NonZeroU32;

use contour_dag::{Interval, Timeout};
use envoy_types::pb::google::protobuf::{
    Any, BoolValue, Duration, Struct, UInt32Value, Value, value,
};
use prost::encoding::{WireType, decode_key, decode_varint};
use prost::{Message, Name};

/// `message` with its type.
pub(crate) fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// `message` with its type, its maps in order.
pub(crate) fn any_with_maps<M: Message + Name>(message: &M, maps: &Maps) -> Any {
    Any { type_url: M::type_url(), value: encode_with_maps(message, maps) }
}

pub(crate) fn bool_value(value: bool) -> BoolValue {
    BoolValue { value }
}

pub(crate) fn uint32(value: NonZeroU32) -> UInt32Value {
    UInt32Value { value: value.get() }
}

pub(crate) fn duration(interval: Interval) -> Duration {
    let duration = interval.get();
    Duration {
        seconds: i64::try_from(duration.as_secs()).expect("an interval has at most 10^9 seconds"),
        nanos: i32::try_from(duration.subsec_nanos()).expect("less than 10^9 fits 31 bits"),
    }
}

/// Nothing for Envoy's own, zero for none.
pub(crate) fn timeout(timeout: Timeout) -> Option<Duration> {
    match timeout {
        Timeout::Default => None,
        Timeout::Disabled => Some(Duration::default()),
        Timeout::After(interval) => Some(duration(interval)),
    }
}

pub(crate) fn number(value: u32) -> Value {
    Value { kind: Some(value::Kind::NumberValue(value.into())) }
}

pub(crate) fn string(value: impl Into<String>) -> Value {
    Value { kind: Some(value::Kind::StringValue(value.into())) }
}

pub(crate) fn boolean(value: bool) -> Value {
    Value { kind: Some(value::Kind::BoolValue(value)) }
}

pub(crate) fn object(value: Struct) -> Value {
    Value { kind: Some(value::Kind::StructValue(value)) }
}

/// Where in a message there are maps with more than one entry.
///
/// prost keeps a map in a `HashMap`, whose order differs from run to run; equal content has to be equal bytes (I-16).
/// Each field of the message that is a map, or leads to one, is listed with its number.
pub(crate) struct Maps(pub(crate) &'static [(u32, Field)]);

/// A field that is a map or leads to one.
pub(crate) enum Field {
    /// A message, single or repeated, with maps inside.
    Message(&'static Maps),
    /// A map, and the maps inside its values.
    Map(&'static Maps),
}

/// Inside a map's values, or a message, there are no maps.
pub(crate) static NO_MAPS: Maps = Maps(&[]);

/// `google.protobuf.Struct`, however deep; the maps inside of its lists, which nothing has, are not put in order.
pub(crate) static STRUCT_MAPS: Maps = Maps(&[(1, Field::Map(&VALUE_MAPS))]);
static VALUE_MAPS: Maps = Maps(&[(5, Field::Message(&STRUCT_MAPS))]);

/// `message` encoded, the entries of its maps in order of their bytes.
pub(crate) fn encode_with_maps<M: Message>(message: &M, maps: &Maps) -> Vec<u8> {
    let mut bytes = message.encode_to_vec();
    sort_maps(&mut bytes, maps);
    bytes
}

/// Sorts in place, as reordering changes no length.
fn sort_maps(message: &mut [u8], maps: &Maps) {
    if maps.0.is_empty() {
        return;
    }
    let mut start = 0;
    while start < message.len() {
        let element = Element::read(message, start);
        let field = maps.0.iter().find(|(number, _)| *number == element.number);
        start = match field {
            None => element.end,
            Some((_, Field::Message(inner))) => {
                sort_maps(&mut message[element.body..element.end], inner);
                element.end
            }
            Some((number, Field::Map(values))) => sort_map(message, start, *number, values),
        };
    }
}

/// Sorts the entries of map `number`, which begin at `start`. Returns where they end; prost writes them in a row.
fn sort_map(message: &mut [u8], start: usize, number: u32, values: &Maps) -> usize {
    const ENTRY_VALUE: u32 = 2; // the number of every map entry's value (protobuf encoding, "Maps")
    let mut entries = Vec::new();
    let mut end = start;
    while end < message.len() {
        let element = Element::read(message, end);
        if element.number != number {
            break;
        }
        let entry = &mut message[element.body..element.end];
        let mut at = 0;
        while at < entry.len() {
            let part = Element::read(entry, at);
            if part.number == ENTRY_VALUE {
                sort_maps(&mut entry[part.body..part.end], values);
            }
            at = part.end;
        }
        entries.push(message[end..element.end].to_vec());
        end = element.end;
    }
    entries.sort_unstable();
    message[start..end].copy_from_slice(&entries.concat());
    end
}

/// One encoded field: its number, and where in the message its content lies.
struct Element {
    number: u32,
    body: usize,
    end: usize,
}

impl Element {
    /// Reads the field at `start` of a message that prost has just written: whatever is wrong is our mistake.
    fn read(message: &[u8], start: usize) -> Element {
        let mut rest = &message[start..];
        let (number, wire_type) = decode_key(&mut rest).expect("a field begins with its key");
        let length = match wire_type {
            WireType::LengthDelimited => varint(&mut rest),
            WireType::Varint => {
                varint(&mut rest);
                0
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::StartGroup | WireType::EndGroup => unreachable!("Envoy's API has no groups"),
        };
        let body = message.len() - rest.len();
        Element { number, body, end: body + length }
    }
}

fn varint(bytes: &mut &[u8]) -> usize {
    let value = decode_varint(bytes).expect("prost writes whole numbers");
    usize::try_from(value).unwrap_or(usize::MAX) // too large for a length: only ever skipped
}

/// A struct with these fields; to be encoded with [`STRUCT_MAPS`].
pub(crate) fn structure(fields: impl IntoIterator<Item = (String, Value)>) -> Struct {
    Struct { fields: fields.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use std::time;

    use super::*;

    /// Sixteen entries: that two random orders agree by chance has a probability of 1 in 10^13.
    fn layer() -> Struct {
        structure((0..16).map(|index| (format!("key-{index}"), number(index))))
    }

    #[test]
    fn equal_structs_are_equal_bytes() {
        assert_eq!(
            encode_with_maps(&layer(), &STRUCT_MAPS),
            encode_with_maps(&layer(), &STRUCT_MAPS)
        );
    }

    #[test]
    fn sorting_keeps_the_content() {
        let bytes = encode_with_maps(&layer(), &STRUCT_MAPS);
        assert_eq!(Struct::decode(&*bytes), Ok(layer()));
    }

    #[test]
    fn maps_inside_of_maps_are_sorted() {
        let nested = || structure((0..16).map(|index| (format!("key-{index}"), object(layer()))));
        let bytes = encode_with_maps(&nested(), &STRUCT_MAPS);
        assert_eq!(bytes, encode_with_maps(&nested(), &STRUCT_MAPS));
        assert_eq!(Struct::decode(&*bytes), Ok(nested()));
    }

    #[test]
    fn durations_keep_nanoseconds() {
        let interval = Interval::new(time::Duration::new(61, 5)).unwrap();
        assert_eq!(duration(interval), Duration { seconds: 61, nanos: 5 });
    }

    #[test]
    fn no_timeout_is_zero_and_envoys_own_is_nothing() {
        assert_eq!(timeout(Timeout::Default), None);
        assert_eq!(timeout(Timeout::Disabled), Some(Duration::default()));
        let minute = Interval::new(time::Duration::from_mins(1)).map(Timeout::After).unwrap();
        assert_eq!(timeout(minute), Some(Duration { seconds: 60, nanos: 0 }));
    }
}
