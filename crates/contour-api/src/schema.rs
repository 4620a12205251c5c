//! What the derived schemas are told in words of the API: patterns, integers without a format, rules.
//!
//! The patterns are looser than the grammars they stand for (`h` is a duration to them): they are what the API server
//! enforces, and the builder checks the rest.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A Go duration.
pub(crate) const DURATION: &str = r"^(((\d*(\.\d*)?h)|(\d*(\.\d*)?m)|(\d*(\.\d*)?s)|(\d*(\.\d*)?ms)|(\d*(\.\d*)?us)|(\d*(\.\d*)?µs)|(\d*(\.\d*)?ns))+)$";

/// A Go duration, `infinity` or `infinite`.
pub(crate) const DURATION_OR_INFINITY: &str = r"^(((\d*(\.\d*)?h)|(\d*(\.\d*)?m)|(\d*(\.\d*)?s)|(\d*(\.\d*)?ms)|(\d*(\.\d*)?us)|(\d*(\.\d*)?µs)|(\d*(\.\d*)?ns))+|infinity|infinite)$";

/// A Go duration, or `0` without a unit.
pub(crate) const DURATION_OR_ZERO: &str = r"^(((\d*(\.\d*)?h)|(\d*(\.\d*)?m)|(\d*(\.\d*)?s)|(\d*(\.\d*)?ms)|(\d*(\.\d*)?us)|(\d*(\.\d*)?µs)|(\d*(\.\d*)?ns))+|0)$";

/// A lower-case DNS name.
pub(crate) const HOST: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// A lower-case DNS name, perhaps with a wildcard for its first label.
pub(crate) const HOST_OR_WILDCARD: &str =
    r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// One label of a DNS name.
pub(crate) const DNS_LABEL: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

/// A token of RFC 9110, section 5.6.2: a method or the name of a header.
pub(crate) const HTTP_TOKEN: &str = r"^[a-zA-Z0-9!#$%&'*+.^_`|~-]+$";

/// A path that begins with a slash.
pub(crate) const ABSOLUTE_PATH: &str = r"^\/.*$";

/// The name of a cookie: RFC 6265, section 4.1.1.
pub(crate) const COOKIE_NAME: &str = r#"^[^()<>@,;:\\"\/[\]?={} \t\x7f\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f]+$"#;

/// The `Path` of a cookie: RFC 6265, section 4.1.1.
pub(crate) const COOKIE_PATH: &str = r"^[^;\x7f\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f]+$";

/// A positive decimal number.
pub(crate) const POSITIVE_DECIMAL: &str = r"^([0-9]+([.][0-9]+)?|[.][0-9]+)$";

/// The `type` of a condition: a name, perhaps with a DNS name in front.
pub(crate) const CONDITION_TYPE: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";

/// The `reason` of a condition.
pub(crate) const CONDITION_REASON: &str = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";

/// A resource quantity such as `500m` or `1Gi`.
pub(crate) const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// Stands for an integer whose schema has no `format`: a Go `int`, which upstream's schemas leave without one.
pub(crate) struct Int;

impl JsonSchema for Int {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Int".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer" })
    }
}
