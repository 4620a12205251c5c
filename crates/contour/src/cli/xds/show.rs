//! Messages of xDS as people read them: with the names of fields as in Envoy's documentation, fields with their default left
//! out.

use clap::ValueEnum;
use contour_envoy::json::decode_message;
use contour_xds::wire::{
    Any, DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Node,
    Status,
};
use serde_json::{Map, Value, json};

/// How messages are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    #[default]
    Json,
    /// Each message is a document.
    Yaml,
}

/// Whether private keys and the like are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    Hidden,
    Shown,
}

/// Fields whose content nobody else may know, wherever they are.
const SECRET: [&str; 6] = [
    "generic_secret",
    "password",
    "pkcs12",
    "private_key",
    "session_ticket_keys",
    "private_key_provider",
];

/// What stands in their place.
const HIDDEN: &str = "[redacted; --show-secrets prints it]";

/// A message as text, which ends with a line's end.
pub(super) fn text(mut message: Value, form: Form, secrets: Secrets) -> String {
    if secrets == Secrets::Hidden {
        hide(&mut message);
    }
    match form {
        Form::Json => format!("{message:#}\n"),
        Form::Yaml => {
            let text = serde_yaml_ng::to_string(&message).expect("JSON is YAML");
            format!("---\n{text}")
        }
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if SECRET.contains(&name.as_str()) {
                    *value = json!(HIDDEN);
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

pub(super) fn world_request(request: &DiscoveryRequest) -> Value {
    object([
        ("version_info", string(&request.version_info)),
        ("node", request.node.as_ref().map(node)),
        ("resource_names", strings(&request.resource_names)),
        ("type_url", string(&request.type_url)),
        ("response_nonce", string(&request.response_nonce)),
        ("error_detail", request.error_detail.as_ref().map(status)),
    ])
}

pub(super) fn world_response(response: &DiscoveryResponse) -> Value {
    object([
        ("version_info", string(&response.version_info)),
        ("resources", list(response.resources.iter().map(opened))),
        ("type_url", string(&response.type_url)),
        ("nonce", string(&response.nonce)),
    ])
}

pub(super) fn delta_request(request: &DeltaDiscoveryRequest) -> Value {
    object([
        ("node", request.node.as_ref().map(node)),
        ("type_url", string(&request.type_url)),
        ("resource_names_subscribe", strings(&request.resource_names_subscribe)),
        ("response_nonce", string(&request.response_nonce)),
        ("error_detail", request.error_detail.as_ref().map(status)),
    ])
}

pub(super) fn delta_response(response: &DeltaDiscoveryResponse) -> Value {
    let resources = response.resources.iter().map(|each| {
        object([
            ("name", string(&each.name)),
            ("version", string(&each.version)),
            ("resource", each.resource.as_ref().map(opened)),
        ])
    });
    object([
        ("system_version_info", string(&response.system_version_info)),
        ("resources", list(resources)),
        ("type_url", string(&response.type_url)),
        ("removed_resources", strings(&response.removed_resources)),
        ("nonce", string(&response.nonce)),
    ])
}

fn node(node: &Node) -> Value {
    object([("id", string(&node.id)), ("user_agent_name", string(&node.user_agent_name))])
}

fn status(status: &Status) -> Value {
    json!({ "code": status.code, "message": status.message })
}

/// What is inside; or only how much it is, if it is of a type that is not known.
fn opened(any: &Any) -> Value {
    let message = any.type_url.rsplit_once('/').map_or(any.type_url.as_str(), |(_, name)| name);
    let mut value = decode_message(message, &any.value).unwrap_or_else(
        |error| json!({ "not shown": error.to_string(), "bytes": any.value.len() }),
    );
    value["@type"] = json!(any.type_url);
    value
}

/// Without fields that say nothing.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let said = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(said.collect::<Map<_, _>>())
}

fn string(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!(text))
}

fn strings(texts: &[String]) -> Option<Value> {
    (!texts.is_empty()).then(|| json!(texts))
}

fn list(items: impl Iterator<Item = Value>) -> Option<Value> {
    let items: Vec<Value> = items.collect();
    (!items.is_empty()).then_some(Value::Array(items))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn what_is_secret_is_hidden_wherever_it_is() {
        let secret =
            json!({ "private_key": { "inline_bytes": "a2V5" }, "certificate_chain": "public" });
        let message = json!({ "resources": [{ "tls_certificate": secret }] });
        let hidden = text(message.clone(), Form::Json, Secrets::Hidden);
        assert!(!hidden.contains("a2V5") && hidden.contains(HIDDEN), "{hidden}");
        assert!(hidden.contains("public"));
        assert!(text(message, Form::Json, Secrets::Shown).contains("a2V5"));
    }

    #[test]
    fn a_message_is_text_in_either_form() {
        let message = || json!({ "nonce": "1" });
        assert_eq!(text(message(), Form::Json, Secrets::Hidden), "{\n  \"nonce\": \"1\"\n}\n");
        assert_eq!(text(message(), Form::Yaml, Secrets::Hidden), "---\nnonce: '1'\n");
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        assert_eq!(world_request(&DiscoveryRequest::default()), json!({}));
        assert_eq!(delta_response(&DeltaDiscoveryResponse::default()), json!({}));
    }

    #[test]
    fn a_resource_of_an_unknown_type_is_told_by_its_size() {
        let type_url = "type.googleapis.com/no.such.Message".to_owned();
        let shown = opened(&Any { type_url, value: Bytes::from_static(b"12345") });
        assert_eq!(shown["bytes"], json!(5));
    }
}
