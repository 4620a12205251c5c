//! What of the settings shapes the graph.

use contour_builder::{Config, HeaderDefaults, ObjectName};

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
        request_headers: headers(
            asked,
            (&keys::REQUEST_HEADERS_SET, HeaderDefaults::set_on_requests),
            &keys::REQUEST_HEADERS_REMOVE,
        ),
        response_headers: headers(
            asked,
            (&keys::RESPONSE_HEADERS_SET, HeaderDefaults::set_on_responses),
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

/// How a header gets a value.
type Set = fn(&mut HeaderDefaults, &str, &str) -> Result<(), String>;

fn headers(asked: &mut Asked<'_>, set: (&Key, Set), remove: &Key) -> HeaderDefaults {
    let mut headers = HeaderDefaults::default();
    let (key, set) = set;
    for (name, item) in asked.map(key) {
        if let Err(message) = set(&mut headers, name, &item.text) {
            let field = format!("{}.{name}", item.origin.name_of(key));
            asked.problems.push(Problem::new(&item.origin, field, message));
        }
    }
    for (at, item) in asked.texts(remove).iter().enumerate() {
        if let Err(message) = headers.take_out(&item.text) {
            asked.refuse_item(remove, at, item, message);
        }
    }
    headers
}
