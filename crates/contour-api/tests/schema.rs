//! The definitions made from the types equal upstream's, row by row.

mod table;

use std::collections::{BTreeMap, BTreeSet};

use contour_api::crd;
use serde_json::{Map, Value, json};
use table::Row;

/// Keywords in the order in which the tables have them.
const ORDER: [&str; 13] = [
    "enum",
    "default",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
];

/// Keywords that the tables have in another form, or not at all.
const ELSEWHERE: [&str; 9] = [
    "additionalProperties",
    "description",
    "exclusiveMaximum",
    "items",
    "properties",
    "required",
    "type",
    "x-kubernetes-int-or-string",
    "x-kubernetes-validations",
];

#[track_caller]
fn check(kind: &str, version: &str) {
    let table = table::read(kind, version);
    let definition = definition(kind);
    let mut rows = BTreeMap::new();
    for (name, schema, required) in properties(schema(&definition)) {
        flatten(&mut rows, name, schema, required);
    }
    let expected: BTreeSet<String> = table
        .lines()
        .filter(|line| line.starts_with('#') && !line.starts_with("# path"))
        .map(str::to_owned)
        .chain(table::rows(&table).iter().map(|(path, row)| line(path, row)))
        .collect();
    let ours: BTreeSet<String> = header(&definition)
        .into_iter()
        .chain(rows.iter().map(|(path, row)| line(path, row)))
        .collect();
    // In the order of the paths, which is that of the set.
    let differences: Vec<String> = expected
        .symmetric_difference(&ours)
        .map(|line| format!("{} {line}", if ours.contains(line) { '+' } else { '-' }))
        .collect();
    assert!(
        differences.is_empty(),
        "the definition of {kind} differs from upstream's (-: upstream's, +: ours)\n{}",
        differences.join("\n")
    );
}

fn line(path: &str, row: &Row) -> String {
    format!("{path}\t{}\t{}", row.kind, row.constraints)
}

fn definition(kind: &str) -> Value {
    let found = crd::all().into_iter().find(|definition| definition.spec.names.kind == kind);
    serde_json::to_value(found.expect("there is a definition of the kind"))
        .expect("a definition is JSON")
}

/// The schema in a definition.
fn schema(definition: &Value) -> &Value {
    &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

/// What the tables have above their rows.
fn header(definition: &Value) -> Vec<String> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let version = &spec["versions"][0];
    assert_eq!(spec["versions"].as_array().map(Vec::len), Some(1), "one version is served");
    let subresources: Vec<&String> =
        version["subresources"].as_object().expect("there are some").keys().collect();
    let mut lines = vec![format!(
        "# {}/{} {} plural={} singular={} short={} list={} scope={} served={} storage={} subresources={} \
         preserveUnknownFields={}",
        text(&spec["group"]),
        text(&version["name"]),
        text(&names["kind"]),
        text(&names["plural"]),
        text(&names["singular"]),
        python(&names["shortNames"]),
        text(&names["listKind"]),
        text(&spec["scope"]),
        python(&version["served"]),
        python(&version["storage"]),
        python(&json!(subresources)),
        python(&spec["preserveUnknownFields"]),
    )];
    for column in version["additionalPrinterColumns"].as_array().into_iter().flatten() {
        lines.push(format!(
            "# column: name={} type={} jsonPath={}",
            python(&column["name"]),
            python(&column["type"]),
            python(&column["jsonPath"])
        ));
    }
    lines
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is a text")
}

/// The properties of an object: name, schema, and whether it is required.
fn properties(schema: &Value) -> Vec<(String, &Value, bool)> {
    let required: Vec<&Value> = schema["required"].as_array().into_iter().flatten().collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, field)| (name.clone(), field, required.contains(&&json!(name))))
        .collect()
}

fn flatten(rows: &mut BTreeMap<String, Row>, path: String, schema: &Value, required: bool) {
    let keywords = schema.as_object().expect("a schema is an object");
    for (name, field, required) in properties(schema) {
        flatten(rows, format!("{path}.{name}"), field, required);
    }
    if let Some(items) = keywords.get("items") {
        flatten(rows, format!("{path}[]"), items, false);
    }
    if let Some(values) = keywords.get("additionalProperties") {
        flatten(rows, format!("{path}{{}}"), values, false);
    }
    let mut kind = if keywords.contains_key("x-kubernetes-int-or-string") {
        "int-or-string".to_owned()
    } else {
        text(&schema["type"]).to_owned()
    };
    if required {
        kind.push_str(" required");
    }
    rows.insert(path, Row { kind, constraints: constraints(keywords) });
}

fn constraints(keywords: &Map<String, Value>) -> String {
    let others = keywords
        .keys()
        .map(String::as_str)
        .filter(|name| !ORDER.contains(name) && !ELSEWHERE.contains(name));
    let mut all: Vec<String> = ORDER
        .into_iter()
        .chain(others)
        .filter_map(|name| keywords.get(name).map(|value| format!("{name}={}", python(value))))
        .collect();
    for rule in
        keywords.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten()
    {
        all.push(format!("cel={}", python(&rule["rule"])));
    }
    all.join(" ")
}

/// A value as Python writes it.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string().trim_end_matches(".0").to_owned(),
        Value::String(text) => {
            let text = text.replace('\\', r"\\");
            if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("'{name}': {}", python(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

#[test]
fn http_proxy_equals_upstream() {
    check("HTTPProxy", "v1");
}

#[test]
fn tls_certificate_delegation_equals_upstream() {
    check("TLSCertificateDelegation", "v1");
}

#[test]
fn extension_service_equals_upstream() {
    check("ExtensionService", "v1alpha1");
}

#[test]
fn contour_configuration_equals_upstream() {
    check("ContourConfiguration", "v1alpha1");
}

#[test]
fn contour_deployment_equals_upstream() {
    check("ContourDeployment", "v1alpha1");
}

/// Calls `visit` with the path of every field and its schema.
fn each_field(visit: &mut impl FnMut(&str, &Value)) {
    for definition in crd::all() {
        let kind = definition.spec.names.kind.clone();
        let definition = serde_json::to_value(definition).expect("a definition is JSON");
        each_field_below(&kind, schema(&definition), visit);
    }
}

fn each_field_below(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, field, _) in properties(schema) {
        each_field_below(&format!("{path}.{name}"), field, visit);
    }
    // What a list or map holds is described where the list is.
    if let Some(items) = schema.get("items") {
        for (name, field, _) in properties(items) {
            each_field_below(&format!("{path}[].{name}"), field, visit);
        }
    }
}

#[test]
fn every_field_is_described() {
    let mut without = Vec::new();
    each_field(&mut |path, schema| {
        if schema["description"].as_str().is_none_or(str::is_empty) {
            without.push(path.to_owned());
        }
    });
    assert_eq!(without, Vec::<String>::new());
}

#[test]
fn descriptions_have_no_links_of_our_documentation() {
    let mut with = Vec::new();
    each_field(&mut |path, schema| {
        if schema["description"].as_str().is_some_and(|text| text.contains("[`")) {
            with.push(path.to_owned());
        }
    });
    assert_eq!(with, Vec::<String>::new());
}

#[test]
fn the_port_behind_the_last_is_excluded() {
    let mut ports = Vec::new();
    each_field(&mut |path, schema| {
        if schema["maximum"] == json!(65536.0) {
            assert_eq!(schema["exclusiveMaximum"], json!(true), "{path}");
            ports.push(path.to_owned());
        }
    });
    assert_eq!(
        ports,
        [
            "ExtensionService.spec.services[].port",
            "HTTPProxy.spec.routes[].services[].port",
            "HTTPProxy.spec.tcpproxy.services[].port"
        ]
    );
}

#[test]
fn every_rule_says_what_would_be_right() {
    let mut rules = 0;
    each_field(&mut |path, schema| {
        let both = [schema, &schema["items"]];
        for rule in both
            .into_iter()
            .filter_map(|schema| schema["x-kubernetes-validations"].as_array())
            .flatten()
        {
            assert!(rule["message"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
            rules += 1;
        }
    });
    assert!(rules > 0, "there are rules");
}

/// `kubectl apply` keeps the object in an annotation, and annotations have a limit of 256 KiB in all.
#[test]
fn every_definition_can_be_applied_by_kubectl() {
    for definition in crd::all() {
        let bytes = serde_json::to_vec(&definition).expect("a definition is JSON").len();
        assert!(bytes < 250_000, "{} has {bytes} bytes", definition.spec.names.kind);
    }
}
