//! Encoded resources as people read them.

use std::sync::LazyLock;

use contour_xds::resource::TypeUrl;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

/// Envoy's messages as data. Never changes; read when the first resource is shown.
static MESSAGES: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(&include_bytes!("../descriptors.bin")[..])
        .expect("a test compares the file with what envoy-types carries")
});

/// Why bytes cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They are no such message.
    #[error("not a {message}: {reason}")]
    Malformed {
        /// The message they should be.
        message: String,
        /// What is wrong.
        reason: String,
    },
    /// It cannot be written as JSON: it contains a message of a type that Contour does not know.
    #[error("{message} has no JSON form: {reason}")]
    Unknown {
        /// The message.
        message: String,
        /// What is unknown.
        reason: String,
    },
}

/// The JSON form of an encoded resource, with the names of fields as in Envoy's documentation, fields with their
/// default left out, and each `Any` opened. Keys are sorted, so that equal content is equal text.
///
/// # Errors
/// [`DecodeError`] if `body` is no such resource, or contains a message of an unknown type.
pub fn decode(type_url: TypeUrl, body: &[u8]) -> Result<Value, DecodeError> {
    let (_, message) = type_url.as_str().rsplit_once('/').expect("a type URL has a slash");
    decode_message(message, body)
}

/// The JSON form of the encoded message with this full name, such as `envoy.config.route.v3.VirtualHost`.
///
/// # Errors
/// As [`decode`] has; a message that is not known is [`DecodeError::Unknown`].
pub fn decode_message(message: &str, body: &[u8]) -> Result<Value, DecodeError> {
    let unknown = |reason: String| DecodeError::Unknown { message: message.to_owned(), reason };
    let descriptor = MESSAGES
        .get_message_by_name(message)
        .ok_or_else(|| unknown("no such message".to_owned()))?;
    let decoded = DynamicMessage::decode(descriptor, body).map_err(|error| {
        DecodeError::Malformed { message: message.to_owned(), reason: error.to_string() }
    })?;
    written(&decoded).map_err(|error| unknown(error.to_string()))
}

fn written(message: &DynamicMessage) -> Result<Value, serde_json::Error> {
    let options = SerializeOptions::new().use_proto_field_name(true);
    let mut value = message.serialize_with_options(serde_json::value::Serializer, &options)?;
    shorten_numbers(&mut value);
    Ok(value)
}

/// Writes whole numbers without a fraction: those of a `google.protobuf.Struct` are all floating-point.
fn shorten_numbers(value: &mut Value) {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2⁵³: up to here each whole number has a form of its own
    match value {
        Value::Array(values) => values.iter_mut().for_each(shorten_numbers),
        Value::Object(fields) => fields.values_mut().for_each(shorten_numbers),
        Value::Number(number) => {
            let whole = number.as_f64().filter(|each| each.fract() == 0.0 && each.abs() < EXACT);
            if let Some(Ok(whole)) = whole.map(|each| each.to_string().parse::<i64>()) {
                *number = whole.into();
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The JSON form of `message`.
#[cfg(test)]
pub(crate) fn show<M: prost::Message + prost::Name>(message: &M) -> Value {
    decode_message(&M::full_name(), &message.encode_to_vec()).expect("known, as we encode it")
}

/// What Envoy would make of `json`, in JSON again: differs where something is a default or not in its canonical form.
///
/// # Errors
/// What is no field, or of the wrong type.
#[cfg(test)]
pub(crate) fn read(message: &str, json: &Value) -> Result<Value, String> {
    let descriptor = MESSAGES.get_message_by_name(message).expect("a message of Envoy's");
    let read = DynamicMessage::deserialize(descriptor, json).map_err(|error| error.to_string())?;
    written(&read).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_resource_type_is_known() {
        for type_url in TypeUrl::ALL {
            assert_eq!(decode(type_url, b""), Ok(json!({})), "{type_url}");
        }
    }

    #[test]
    fn bytes_that_are_no_message_are_malformed() {
        let outcome = decode(TypeUrl::Cluster, &[0x0a, 0xff]);
        assert!(matches!(outcome, Err(DecodeError::Malformed { .. })), "{outcome:?}");
    }

    #[track_caller]
    fn check_number(number: f64, expect: &Value) {
        let mut value = json!([{ "number": number }]);
        shorten_numbers(&mut value);
        assert_eq!(value, json!([{ "number": expect }]));
    }

    #[test]
    fn whole_numbers_have_no_fraction() {
        check_number(1_048_576.0, &json!(1_048_576));
        check_number(-3.0, &json!(-3));
        check_number(0.5, &json!(0.5));
        check_number(1e300, &json!(1e300));
    }

    #[test]
    fn a_message_inside_of_an_unknown_type_has_no_json() {
        use envoy_types::pb::envoy::config::core::v3::TypedExtensionConfig;
        use envoy_types::pb::google::protobuf::Any;
        let any =
            Any { type_url: "type.googleapis.com/no.such.Type".to_owned(), value: Vec::new() };
        let message =
            TypedExtensionConfig { name: "x".to_owned(), typed_config: Some(any) }.encode_to_vec();
        let outcome = decode_message("envoy.config.core.v3.TypedExtensionConfig", &message);
        assert!(matches!(outcome, Err(DecodeError::Unknown { .. })), "{outcome:?}");
    }
}
