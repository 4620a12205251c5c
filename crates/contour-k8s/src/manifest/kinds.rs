//! The kinds that are read: their schemas, and their types.

use std::sync::LazyLock;

use contour_api::meta::ObjectMeta;
use contour_api::{core, crd, discovery, networking};
use contour_builder::secret::SecretObject;
use contour_builder::{Kind, Object};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value as Json, json};

use super::schema::{Schema, SchemaError};

/// The schema of `kind`.
///
/// `status` is not part of it: the API server drops it when an object is written, and nothing here reads it. The same
/// holds for `metadata.managedFields`.
pub(super) fn schema(kind: Kind) -> &'static Schema {
    static SCHEMAS: LazyLock<[Schema; Kind::ALL.len()]> = LazyLock::new(|| {
        Kind::ALL.map(|kind| {
            compile(kind)
                .unwrap_or_else(|error| panic!("the schema of {kind} is not understood: {error}"))
        })
    });
    &SCHEMAS[kind as usize]
}

fn compile(kind: Kind) -> Result<Schema, SchemaError> {
    let mut schema = match kind {
        Kind::HttpProxy => custom_resource()?,
        Kind::Ingress => generated::<networking::Ingress>()?,
        Kind::Service => generated::<core::Service>()?,
        Kind::EndpointSlice => generated::<discovery::EndpointSlice>()?,
        Kind::Secret => generated::<core::Secret>()?,
    };
    let mut metadata = generated::<ObjectMeta>()?;
    if let Some(fields) = metadata.fields_mut() {
        fields.insert("managedFields".to_owned(), Schema::ignored());
    }
    if let Some(fields) = schema.fields_mut() {
        fields.insert("metadata".to_owned(), metadata);
        fields.insert("status".to_owned(), Schema::ignored());
    }
    Ok(schema)
}

fn generated<T: JsonSchema>() -> Result<Schema, SchemaError> {
    Schema::new(SchemaGenerator::default().into_root_schema_for::<T>().to_value())
}

/// The schema of our own kind, from its definition.
fn custom_resource() -> Result<Schema, SchemaError> {
    let definition =
        crd::all().into_iter().find(|definition| definition.spec.names.kind == "HTTPProxy");
    let definition = serde_json::to_value(definition)?;
    let mut schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
    if let Some(properties) = schema["properties"].as_object_mut() {
        // The schema of a status has keywords of its own, and is not asked for.
        properties.remove("status");
        // The API server knows these of each resource, and a definition need not say so.
        for name in ["apiVersion", "kind"] {
            properties.insert(name.to_owned(), json!({"type": "string"}));
        }
    }
    Schema::new(schema)
}

/// Adds what the API server adds to each object.
pub(super) fn complete(json: &mut Json) {
    let namespace = &mut json["metadata"]["namespace"];
    if namespace.as_str().unwrap_or_default().is_empty() {
        *namespace = "default".into();
    }
}

/// The typed object.
///
/// # Errors
/// What the schema let through and the type does not.
pub(super) fn decode(kind: Kind, json: Json) -> Result<Object, serde_json::Error> {
    Ok(match kind {
        Kind::HttpProxy => Object::HttpProxy(serde_json::from_value(json)?),
        Kind::Ingress => Object::Ingress(serde_json::from_value(json)?),
        Kind::Service => Object::Service(serde_json::from_value(json)?),
        Kind::EndpointSlice => Object::EndpointSlice(serde_json::from_value(json)?),
        Kind::Secret => Object::Secret(Box::new(secret(json)?)),
    })
}

/// A Secret, whose base64 may be broken into lines.
fn secret(mut json: Json) -> Result<SecretObject, serde_json::Error> {
    let values = json.get_mut("data").and_then(Json::as_object_mut);
    for value in values.into_iter().flat_map(|data| data.values_mut()) {
        if let Json::String(text) = value {
            text.retain(|each| !matches!(each, '\n' | '\r'));
        }
    }
    serde_json::from_value(json).map(SecretObject::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_every_kind_is_understood() {
        for kind in Kind::ALL {
            assert!(compile(kind).is_ok(), "{kind}: {:?}", compile(kind).err());
        }
    }
}
