//! A checked tree as JSON.

use serde_json::{Map, Number, Value as Json};

use super::schema::{Schema, Shape};
use crate::yaml::scalar::Scalar;
use crate::yaml::tree::{Node, Value};

/// The JSON that the API server would store: without nulls where they mean absence, with the schema's defaults, and
/// without what is [ignored](Shape::Ignored).
pub(super) fn json(schema: &Schema, node: &Node<'_>) -> Json {
    match (&schema.shape, &node.value) {
        (Shape::List { items, .. }, Value::List(nodes)) => {
            nodes.iter().map(|node| json(items, node)).collect()
        }
        (Shape::Map { values, .. }, Value::Map(entries)) => {
            let entries = entries.iter().filter(|entry| !entry.node.is_null() || values.nullable);
            entries.map(|entry| (entry.key.to_string(), json(values, &entry.node))).collect()
        }
        (Shape::Object { fields, .. }, Value::Map(_)) => {
            let present = fields.iter().filter(|(_, field)| !matches!(field.shape, Shape::Ignored));
            let values = present.filter_map(|(name, field)| {
                let value =
                    node.get(name).map(|node| json(field, node)).or_else(|| field.default.clone());
                Some((name.clone(), value?))
            });
            Json::Object(values.collect::<Map<_, _>>())
        }
        _ => plain(node),
    }
}

fn plain(node: &Node<'_>) -> Json {
    match &node.value {
        Value::Scalar(Scalar::Null) => Json::Null,
        Value::Scalar(Scalar::Boolean(value)) => Json::Bool(*value),
        Value::Scalar(Scalar::Integer(value)) => Json::Number((*value).into()),
        Value::Scalar(Scalar::Float(value)) => {
            Number::from_f64(*value).map_or(Json::Null, Json::Number)
        }
        Value::Scalar(Scalar::Text(text)) => Json::String(text.to_string()),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(entries) => {
            entries.iter().map(|entry| (entry.key.to_string(), plain(&entry.node))).collect()
        }
    }
}
