//! What of the settings shapes the graph.

use std::collections::BTreeMap;

use contour_builder::config::HeaderDefaults;
use contour_builder::{Config, ObjectName};

use super::asked::Asked;
use super::key::Key;
use super::keys;
use super::problem::Problem;

/// The Service that Envoys find Contour by, in today's manifests.
const CONTOUR: &str = "contour";

pub(super) fn config(asked: &mut Asked<'_>) -> Config {
    Config {
        ingress_classes: asked.strings(&keys::INGRESS_CLASSES),
        root_namespaces: asked.strings(&keys::ROOT_NAMESPACES),
        external_names: asked.boolean(&keys::EXTERNAL_NAMES),
        own_services: own_services(asked),
        request_headers: headers(asked, &keys::REQUEST_HEADERS_SET, &keys::REQUEST_HEADERS_REMOVE),
        response_headers: headers(
            asked,
            &keys::RESPONSE_HEADERS_SET,
            &keys::RESPONSE_HEADERS_REMOVE,
        ),
        headers_for_ingress: asked.boolean(&keys::POLICY_FOR_INGRESS),
    }
}

/// Envoy's Service, and the one that Envoys find Contour by.
fn own_services(asked: &Asked<'_>) -> Vec<ObjectName> {
    // A name without a namespace is refused where it is asked for what it is.
    let names = (asked.text(&keys::ENVOY_SERVICE_NAMESPACE), asked.text(&keys::ENVOY_SERVICE_NAME));
    let (Some(namespace), Some(envoy)) = names else { return Vec::new() };
    [envoy, CONTOUR].map(|name| ObjectName::new(namespace, name)).into()
}

fn headers(asked: &mut Asked<'_>, set: &Key, remove: &Key) -> HeaderDefaults {
    let mut headers = BTreeMap::new();
    for (name, item) in asked.map(set) {
        match header_name(name) {
            Ok(name) => {
                headers.insert(name, item.text.clone());
            }
            Err(message) => {
                let field = format!("{}.{name}", item.origin.name_of(set));
                asked.problems.push(Problem::new(&item.origin, field, message));
            }
        }
    }
    HeaderDefaults {
        set: headers,
        remove: asked.parse_each(remove, header_name).into_iter().collect(),
    }
}

pub(super) fn header_name(text: &str) -> Result<String, String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.is_empty() && text.bytes().all(token) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no name of a header; it may have letters, digits and hyphens"))
    }
}
