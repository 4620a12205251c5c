//! What is read is written again: nothing is lost, nothing is made up.

mod table;

use std::fs;
use std::path::Path;

use contour_api::v1::{HTTPProxy, TLSCertificateDelegation};
use contour_api::v1alpha1::{ContourConfiguration, ContourDeployment, ExtensionService};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use table::Row;

/// Reads `value` as a `K` and writes that.
fn through<K: Serialize + DeserializeOwned>(value: &Value) -> Value {
    let object: K = serde_json::from_value(value.clone()).expect("the object is read");
    serde_json::to_value(object).expect("the object is written")
}

/// Reads `value` as what it says it is and writes that.
fn through_its_kind(value: &Value) -> Value {
    match value["kind"].as_str() {
        Some("HTTPProxy") => through::<HTTPProxy>(value),
        Some("TLSCertificateDelegation") => through::<TLSCertificateDelegation>(value),
        Some("ExtensionService") => through::<ExtensionService>(value),
        Some("ContourConfiguration") => through::<ContourConfiguration>(value),
        Some("ContourDeployment") => through::<ContourDeployment>(value),
        other => panic!("{other:?} is not one of our kinds"),
    }
}

/// Reads and writes the objects of one file in `tests/data/objects`.
#[track_caller]
fn check_file(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/objects").join(name);
    let text = fs::read_to_string(path).expect("the file is there");
    let objects: Vec<Value> = serde_yaml_ng::Deserializer::from_str(&text)
        .map(|document| Value::deserialize(document).expect("a document is YAML"))
        .collect();
    assert!(!objects.is_empty(), "{name} has objects");
    for object in objects {
        assert_eq!(through_its_kind(&object), object);
    }
}

/// Which rows of a table an object has.
type Selection = fn(&str, &Row) -> bool;

fn every_row(_: &str, _: &Row) -> bool {
    true
}

/// All objects and lists, and of the values in them only what is required.
fn what_must_be(path: &str, row: &Row) -> bool {
    let structure = matches!(row.kind.split(' ').next(), Some("object" | "array"));
    !is_embedded(path)
        && (structure || row.kind.ends_with("required") || path.ends_with(['}', ']']))
}

/// [`what_must_be`], and what has a default.
fn what_is_never_absent(path: &str, row: &Row) -> bool {
    what_must_be(path, row) || (!is_embedded(path) && default(row).is_some())
}

/// The type is not ours: Kubernetes' volumes have defaults in upstream's schema that their type does not know.
fn is_embedded(path: &str) -> bool {
    path.starts_with("spec.envoy.extraVolumes")
}

/// An object with the rows of a table that are selected, each with the value that `value` gives.
fn object(kind: &str, version: &str, select: Selection, value: fn(&str, &Row) -> Value) -> Value {
    let rows = table::rows(&table::read(kind, version));
    let api_version = format!("projectcontour.io/{version}");
    let mut object =
        json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": "some" } });
    for (path, row) in rows.iter().filter(|(path, row)| select(path, row)) {
        let place = place(&mut object, path);
        if place.is_null() {
            *place = value(path, row);
        }
    }
    object
}

/// The value at a path such as `spec.routes[].services[].name` or `spec.resourceLabels{}`, made if it is not there.
/// Lists and maps have one element.
fn place<'object>(object: &'object mut Value, path: &str) -> &'object mut Value {
    path.split('.').fold(object, |mut place, step| {
        let name = step.trim_end_matches("[]").trim_end_matches("{}");
        place = &mut place[name];
        match &step[name.len()..] {
            "[]" => {
                if place.as_array().is_none_or(Vec::is_empty) {
                    *place = json!([null]);
                }
                &mut place[0]
            }
            "{}" => &mut place["some.key"],
            _ => place,
        }
    })
}

/// A value that the row allows as far as types can tell. It is not the default; a text tells its path, so that it could
/// not come from another field.
fn sample(path: &str, row: &Row) -> Value {
    if let Some(last) = last_of_enum(row) {
        return last;
    }
    match row.kind.trim_end_matches(" required") {
        "object" => json!({}),
        "array" => json!([]),
        "boolean" => json!(default(row) != Some(json!(true))),
        "integer" => json!(
            keyword(row, "minimum")
                .map_or(7, |least| least.parse::<i64>().expect("it is a number"))
        ),
        "int-or-string" => json!("25"),
        "string" if keyword(row, "format") == Some("'date-time'") => json!("2024-05-06T07:08:09Z"),
        "string" => json!(path),
        other => panic!("{path}: {other} is not known"),
    }
}

/// The default of the row, or else a sample.
fn default_or_sample(path: &str, row: &Row) -> Value {
    default(row).unwrap_or_else(|| sample(path, row))
}

fn last_of_enum(row: &Row) -> Option<Value> {
    let (_, values) = row.constraints.split_once("enum=[")?;
    let (values, _) = values.split_once(']')?;
    values.split(", ").last().map(scalar)
}

fn default(row: &Row) -> Option<Value> {
    keyword(row, "default").filter(|text| !text.starts_with('{')).map(scalar)
}

/// The text of a keyword that has no space in its value.
fn keyword<'row>(row: &'row Row, name: &str) -> Option<&'row str> {
    row.constraints.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// Reads a single value as Python writes it.
fn scalar(text: &str) -> Value {
    match text {
        "True" => json!(true),
        "False" => json!(false),
        _ => match text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            Some(text) => json!(text),
            None => json!(text.parse::<i64>().expect("what is no text is a number")),
        },
    }
}

#[track_caller]
fn check_that_no_field_is_lost(kind: &str, version: &str) {
    let object = object(kind, version, every_row, sample);
    assert_eq!(through_its_kind(&object), object);
}

#[track_caller]
fn check_defaults(kind: &str, version: &str) {
    let given = object(kind, version, what_must_be, sample);
    let expected = object(kind, version, what_is_never_absent, |path, row| {
        if what_must_be(path, row) { sample(path, row) } else { default_or_sample(path, row) }
    });
    assert_eq!(through_its_kind(&given), expected);
}

#[test]
fn http_proxies_survive() {
    check_file("http-proxies.yaml");
}

#[test]
fn tls_certificate_delegations_survive() {
    check_file("tls-certificate-delegations.yaml");
}

#[test]
fn extension_services_survive() {
    check_file("extension-services.yaml");
}

#[test]
fn contour_configurations_survive() {
    check_file("contour-configurations.yaml");
}

#[test]
fn contour_deployments_survive() {
    check_file("contour-deployments.yaml");
}

#[test]
fn no_field_of_an_http_proxy_is_lost() {
    check_that_no_field_is_lost("HTTPProxy", "v1");
}

#[test]
fn no_field_of_a_tls_certificate_delegation_is_lost() {
    check_that_no_field_is_lost("TLSCertificateDelegation", "v1");
}

#[test]
fn no_field_of_an_extension_service_is_lost() {
    check_that_no_field_is_lost("ExtensionService", "v1alpha1");
}

#[test]
fn no_field_of_a_contour_configuration_is_lost() {
    check_that_no_field_is_lost("ContourConfiguration", "v1alpha1");
}

#[test]
fn no_field_of_a_contour_deployment_is_lost() {
    check_that_no_field_is_lost("ContourDeployment", "v1alpha1");
}

#[test]
fn what_an_http_proxy_lacks_takes_its_default() {
    check_defaults("HTTPProxy", "v1");
}

#[test]
fn what_a_tls_certificate_delegation_lacks_takes_its_default() {
    check_defaults("TLSCertificateDelegation", "v1");
}

#[test]
fn what_an_extension_service_lacks_takes_its_default() {
    check_defaults("ExtensionService", "v1alpha1");
}

#[test]
fn what_a_contour_configuration_lacks_takes_its_default() {
    check_defaults("ContourConfiguration", "v1alpha1");
}

#[test]
fn what_a_contour_deployment_lacks_takes_its_default() {
    check_defaults("ContourDeployment", "v1alpha1");
}

/// The schemas of these two kinds do not require it.
#[test]
fn an_object_may_lack_its_spec() {
    for kind in ["ExtensionService", "ContourDeployment"] {
        let object = json!({ "apiVersion": "projectcontour.io/v1alpha1", "kind": kind, "metadata": { "name": "bare" } });
        assert_eq!(through_its_kind(&object)["metadata"], object["metadata"], "{kind}");
    }
}

#[test]
fn what_the_schema_lets_through_is_read() {
    // The schema says nothing about the words of these, and has no least value for the numbers.
    let object = json!({
        "apiVersion": "projectcontour.io/v1",
        "kind": "HTTPProxy",
        "metadata": { "name": "odd" },
        "spec": {
            "virtualhost": { "fqdn": "odd.example.com", "tls": { "minimumProtocolVersion": "9.9" } },
            "routes": [{
                "loadBalancerPolicy": { "strategy": "Fortune" },
                "internalRedirectPolicy": { "allowCrossSchemeRedirect": "Never", "maxInternalRedirects": -1 },
                "healthCheckPolicy": { "path": "", "intervalSeconds": -5 },
                "retryPolicy": { "count": -1, "retriableStatusCodes": [-1] }
            }]
        }
    });
    assert_eq!(through::<HTTPProxy>(&object), object);
}

#[test]
fn an_unknown_status_code_of_a_redirect_is_refused() {
    let object = json!({
        "metadata": { "name": "wrong" },
        "spec": { "routes": [{ "requestRedirectPolicy": { "statusCode": 304 } }] }
    });
    let error = serde_json::from_value::<HTTPProxy>(object).expect_err("304 is no redirect");
    assert_eq!(error.to_string(), "304 is not one of 301, 302, 303, 307 and 308");
}
