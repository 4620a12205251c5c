//! The structural schemas of Kubernetes, ready to check a tree with.
//!
//! What is read are the schemas that custom resource definitions hold and those that `k8s-openapi` generates: JSON
//! schema, restricted and extended by <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value as Json;

/// What a value must be.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) shape: Shape,
    /// Whether null is a value here. Elsewhere it means that the field is absent.
    pub(super) nullable: bool,
    /// What an absent field stands for.
    pub(super) default: Option<Json>,
}

#[derive(Debug)]
pub(super) enum Shape {
    /// Anything.
    Any,
    /// Anything, and nothing that we want to know.
    Ignored,
    Boolean,
    Integer {
        minimum: i64,
        maximum: i64,
        allowed: Vec<i64>,
    },
    Number {
        minimum: f64,
        maximum: f64,
    },
    Text(Text),
    IntOrString {
        pattern: Option<Regex>,
    },
    List {
        items: Box<Schema>,
        least: usize,
        most: usize,
        keys: Keys,
    },
    Map {
        values: Box<Schema>,
        least: usize,
        most: usize,
    },
    Object {
        fields: BTreeMap<String, Schema>,
        required: Vec<String>,
    },
}

/// What text must be. Lengths count characters.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) pattern: Option<Regex>,
    pub(super) allowed: Vec<String>,
    pub(super) timestamp: bool,
}

/// What makes two items of a list the same (`x-kubernetes-list-type`).
#[derive(Debug)]
pub(super) enum Keys {
    /// Nothing: items may repeat.
    None,
    /// Equality.
    Item,
    /// Equal values of these fields.
    Fields(Vec<String>),
}

/// Every keyword that occurs. An unknown one is an error, so that no constraint is passed over by accident.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "they are keywords of JSON schema")]
struct Raw {
    #[serde(rename = "type")]
    kind: Option<String>,
    format: Option<String>,
    nullable: bool,
    default: Option<Json>,
    #[serde(rename = "enum")]
    allowed: Vec<Json>,
    pattern: Option<String>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    /// Whether `maximum` itself is too much. Only used of integers.
    exclusive_maximum: bool,
    items: Option<Box<Raw>>,
    min_items: Option<usize>,
    max_items: Option<usize>,
    properties: BTreeMap<String, Raw>,
    additional_properties: Option<Box<Raw>>,
    min_properties: Option<usize>,
    max_properties: Option<usize>,
    required: Vec<String>,
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "$defs")]
    definitions: BTreeMap<String, Raw>,
    #[serde(rename = "x-kubernetes-int-or-string")]
    int_or_string: bool,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    preserve_unknown_fields: bool,
    #[serde(rename = "x-kubernetes-list-type")]
    list_type: Option<String>,
    #[serde(rename = "x-kubernetes-list-map-keys")]
    list_map_keys: Vec<String>,
    /// Matters to server-side apply alone.
    #[serde(rename = "x-kubernetes-map-type")]
    _map_type: Option<String>,
    /// Rules in CEL over several fields. The types' readers check what they need of it.
    #[serde(rename = "x-kubernetes-validations")]
    _rules: Vec<Json>,
    /// Says `integer` or `string` once more where `x-kubernetes-int-or-string` stands.
    any_of: Vec<Json>,
    #[serde(rename = "$schema")]
    _dialect: Option<String>,
    _title: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
}

/// A schema that cannot be used: a mistake in the types, not in a manifest.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error("unknown keyword or form: {0}")]
    Form(#[from] serde_json::Error),
    #[error("pattern: {0}")]
    Pattern(#[from] regex::Error),
    #[error("{0} is not understood")]
    Unknown(String),
}

impl Schema {
    /// Reads a JSON schema.
    ///
    /// # Errors
    /// [`SchemaError`] if it says something that is not checked here.
    pub(super) fn new(json: Json) -> Result<Schema, SchemaError> {
        let raw: Raw = serde_json::from_value(json)?;
        Schema::compile(&raw, &raw.definitions)
    }

    /// The schema of a value that is passed over.
    pub(super) fn ignored() -> Schema {
        Schema { shape: Shape::Ignored, nullable: true, default: None }
    }

    /// The fields of an object; none if it is something else.
    pub(super) fn fields_mut(&mut self) -> Option<&mut BTreeMap<String, Schema>> {
        if let Shape::Object { fields, .. } = &mut self.shape { Some(fields) } else { None }
    }

    fn compile(raw: &Raw, definitions: &BTreeMap<String, Raw>) -> Result<Schema, SchemaError> {
        if let Some(reference) = &raw.reference {
            let target = reference.strip_prefix("#/$defs/").and_then(|name| definitions.get(name));
            let target =
                target.ok_or_else(|| SchemaError::Unknown(format!("reference {reference}")))?;
            return Schema::compile(target, definitions);
        }
        let shape = Shape::compile(raw, definitions)?;
        Ok(Schema { shape, nullable: raw.nullable, default: raw.default.clone() })
    }
}

impl Shape {
    fn compile(raw: &Raw, definitions: &BTreeMap<String, Raw>) -> Result<Shape, SchemaError> {
        if raw.int_or_string {
            return Ok(Shape::IntOrString { pattern: pattern(raw)? });
        }
        if !raw.any_of.is_empty() {
            return Err(SchemaError::Unknown("anyOf".to_owned()));
        }
        match raw.kind.as_deref() {
            None => Ok(Shape::Any),
            Some("boolean") => Ok(Shape::Boolean),
            Some("integer") => integer(raw),
            Some("number") => Ok(Shape::Number {
                minimum: raw.minimum.unwrap_or(f64::MIN),
                maximum: raw.maximum.unwrap_or(f64::MAX),
            }),
            Some("string") => text(raw),
            Some("array") => list(raw, definitions),
            Some("object") => object(raw, definitions),
            Some(other) => Err(SchemaError::Unknown(format!("type {other}"))),
        }
    }
}

fn pattern(raw: &Raw) -> Result<Option<Regex>, SchemaError> {
    Ok(raw.pattern.as_deref().map(|pattern| Regex::new(&translated(pattern))).transpose()?)
}

/// A pattern in Go's syntax, which the API server uses, in that of the `regex` crate. They differ in character classes,
/// where only the latter has nesting (`[`) and set operations (`&&`, `~~`), and in `\d`, which there is all of Unicode.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut class = false;
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        match (character, class) {
            ('\\', _) => match (rest.next(), class) {
                (Some('d'), false) => out.push_str("[0-9]"),
                (Some('d'), true) => out.push_str("0-9"),
                (escaped, _) => out.extend(['\\'].into_iter().chain(escaped)),
            },
            ('[', false) => {
                class = true;
                out.push('[');
            }
            (']', true) => {
                class = false;
                out.push(']');
            }
            ('[' | '&' | '~', true) => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}

fn integer(raw: &Raw) -> Result<Shape, SchemaError> {
    let (low, high) = match raw.format.as_deref() {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        Some("uint8") => (0, i64::from(u8::MAX)),
        Some("uint16") => (0, i64::from(u16::MAX)),
        Some("uint32") => (0, i64::from(u32::MAX)),
        Some("uint64" | "uint") => (0, i64::MAX),
        None | Some("int64") => (i64::MIN, i64::MAX),
        Some(other) => return Err(SchemaError::Unknown(format!("format {other}"))),
    };
    let beyond = i64::from(raw.exclusive_maximum);
    let allowed = raw.allowed.iter().map(|value| {
        value
            .as_i64()
            .ok_or_else(|| SchemaError::Unknown(format!("enum value {value} of an integer")))
    });
    Ok(Shape::Integer {
        minimum: raw.minimum.map_or(low, |bound| whole(bound).max(low)),
        maximum: raw.maximum.map_or(high, |bound| (whole(bound) - beyond).min(high)),
        allowed: allowed.collect::<Result<_, _>>()?,
    })
}

/// Bounds of integers are integers; JSON schema merely writes them as numbers.
#[expect(clippy::cast_possible_truncation, reason = "saturates, which is right for a bound")]
fn whole(bound: f64) -> i64 {
    bound as i64
}

fn text(raw: &Raw) -> Result<Shape, SchemaError> {
    let timestamp = match raw.format.as_deref() {
        // What is in bytes is base64, which is a matter of its kind's rules.
        None | Some("byte") => false,
        Some("date-time") => true,
        Some(other) => return Err(SchemaError::Unknown(format!("format {other}"))),
    };
    let allowed = raw.allowed.iter().map(|value| {
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| SchemaError::Unknown(format!("enum value {value} of a string")))
    });
    Ok(Shape::Text(Text {
        least: raw.min_length.unwrap_or(0),
        most: raw.max_length.unwrap_or(usize::MAX),
        pattern: pattern(raw)?,
        allowed: allowed.collect::<Result<_, _>>()?,
        timestamp,
    }))
}

fn list(raw: &Raw, definitions: &BTreeMap<String, Raw>) -> Result<Shape, SchemaError> {
    let items = raw
        .items
        .as_deref()
        .ok_or_else(|| SchemaError::Unknown("list without items".to_owned()))?;
    let keys = match raw.list_type.as_deref() {
        None | Some("atomic") => Keys::None,
        Some("set") => Keys::Item,
        Some("map") => Keys::Fields(raw.list_map_keys.clone()),
        Some(other) => return Err(SchemaError::Unknown(format!("list type {other}"))),
    };
    Ok(Shape::List {
        items: Box::new(Schema::compile(items, definitions)?),
        least: raw.min_items.unwrap_or(0),
        most: raw.max_items.unwrap_or(usize::MAX),
        keys,
    })
}

fn object(raw: &Raw, definitions: &BTreeMap<String, Raw>) -> Result<Shape, SchemaError> {
    if raw.preserve_unknown_fields {
        return Ok(Shape::Any);
    }
    if let Some(values) = &raw.additional_properties {
        return Ok(Shape::Map {
            values: Box::new(Schema::compile(values, definitions)?),
            least: raw.min_properties.unwrap_or(0),
            most: raw.max_properties.unwrap_or(usize::MAX),
        });
    }
    let fields = raw
        .properties
        .iter()
        .map(|(name, field)| Ok((name.clone(), Schema::compile(field, definitions)?)));
    Ok(Shape::Object {
        fields: fields.collect::<Result<_, SchemaError>>()?,
        required: raw.required.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn refused(json: Json, expect: &str) {
        let error = Schema::new(json).expect_err("the schema says what is not checked").to_string();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn a_keyword_that_is_not_checked_is_an_error() {
        refused(json!({"type": "object", "dependencies": {}}), "dependencies");
        refused(json!({"type": "tuple"}), "type tuple");
        refused(json!({"type": "string", "format": "ipv7"}), "format ipv7");
        refused(json!({"type": "integer", "format": "int128"}), "format int128");
        refused(json!({"type": "integer", "enum": ["a"]}), "enum value");
        refused(json!({"type": "string", "enum": [1]}), "enum value");
        refused(json!({"type": "string", "pattern": "("}), "pattern");
        refused(json!({"type": "array"}), "list without items");
        refused(
            json!({"type": "array", "items": {}, "x-kubernetes-list-type": "bag"}),
            "list type bag",
        );
        refused(json!({"anyOf": [{"type": "string"}]}), "anyOf");
        refused(json!({"$ref": "#/$defs/none"}), "reference");
    }

    #[track_caller]
    fn translates(pattern: &str, expect: &str) {
        assert_eq!(translated(pattern), expect);
    }

    #[test]
    fn brackets_and_operators_within_a_class_are_themselves() {
        translates(r"^[^[\]&&~~]+[a]$", r"^[^\[\]\&\&\~\~]+[a]$");
    }

    #[test]
    fn digits_are_those_of_ascii() {
        translates(r"\d*(\.\d)[\d.]\\d", r"[0-9]*(\.[0-9])[0-9.]\\d");
    }

    #[test]
    fn references_lead_to_definitions() {
        let json = json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "boolean"}}});
        assert!(matches!(Schema::new(json).map(|schema| schema.shape), Ok(Shape::Boolean)));
    }

    #[test]
    fn an_exclusive_bound_is_one_less() {
        let json =
            json!({"type": "integer", "minimum": 1, "maximum": 65536, "exclusiveMaximum": true});
        assert!(matches!(
            Schema::new(json).map(|schema| schema.shape),
            Ok(Shape::Integer { minimum: 1, maximum: 65535, .. })
        ));
    }

    #[test]
    fn a_bound_narrows_the_format_and_never_widens_it() {
        let json = json!({"type": "integer", "format": "uint8", "minimum": -5, "maximum": 100});
        assert!(matches!(
            Schema::new(json).map(|schema| schema.shape),
            Ok(Shape::Integer { minimum: 0, maximum: 100, .. })
        ));
    }
}
