//! Every field that an HTTPProxy may have stands in some case.

use std::collections::BTreeSet;

use contour_tests::case;
use serde::Deserialize as _;
use serde_yaml_ng::{Deserializer, Value};

use super::{none, root};

/// Fields that no case has yet, and what they wait for. A name stands for all that is below it, too.
const WAITING: &[(&str, &[&str])] = &[
    (
        "TLS",
        &[
            "spec.virtualhost.tls.clientValidation",
            "spec.virtualhost.tls.enableFallbackCertificate",
            "spec.virtualhost.tls.maximumProtocolVersion",
            "spec.virtualhost.tls.minimumProtocolVersion",
            "spec.virtualhost.tls.passthrough",
        ],
    ),
    ("TCP proxies", &["spec.tcpproxy"]),
    ("authorization", &["spec.virtualhost.authorization", "spec.routes[].authPolicy"]),
    (
        "JSON Web Tokens",
        &[
            "spec.routes[].jwtVerificationPolicy.disabled",
            "spec.virtualhost.jwtProviders[].audiences[]",
            "spec.virtualhost.jwtProviders[].default",
            "spec.virtualhost.jwtProviders[].forwardJWT",
            "spec.virtualhost.jwtProviders[].issuer",
            "spec.virtualhost.jwtProviders[].remoteJWKS",
        ],
    ),
    (
        "global rate limits",
        &["spec.routes[].rateLimitPolicy.global", "spec.virtualhost.rateLimitPolicy.global"],
    ),
    ("upstream validation", &["spec.routes[].services[].validation.subjectNames[]"]),
];

/// The fields of a schema that have no fields of their own. Items of a list are `[]`; a map is one field.
fn leaves(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_mapping() {
        for (name, schema) in properties {
            leaves(schema, &format!("{path}.{}", text(name)), found);
        }
    } else if schema["items"].is_mapping() {
        leaves(&schema["items"], &format!("{path}[]"), found);
    } else {
        found.insert(path.to_owned());
    }
}

/// The fields that an object has, named alike.
fn used(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    found.insert(path.to_owned());
    match value {
        Value::Mapping(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| name.is_string()) {
                used(value, &format!("{path}.{}", text(name)), found);
            }
        }
        Value::Sequence(items) => {
            for item in items {
                used(item, &format!("{path}[]"), found);
            }
        }
        _ => {}
    }
}

fn text(name: &Value) -> &str {
    name.as_str().expect("the name of a field")
}

fn documents(text: &str) -> impl Iterator<Item = Value> {
    Deserializer::from_str(text).map(|document| Value::deserialize(document).expect("YAML"))
}

/// The fields of `spec` in the schema. Those of `status` are written and never read.
fn of_schema() -> BTreeSet<String> {
    let path = root().join("deploy/crds/httpproxies.yaml");
    let definition = std::fs::read_to_string(path).expect("the definition of HTTPProxy");
    let mut found = BTreeSet::new();
    for document in documents(&definition) {
        for version in document["spec"]["versions"].as_sequence().into_iter().flatten() {
            let schema = &version["schema"]["openAPIV3Schema"]["properties"]["spec"];
            leaves(schema, "spec", &mut found);
        }
    }
    found
}

/// The fields that the HTTPProxies of a case have.
fn of_case(case: &str, found: &mut BTreeSet<String>) {
    // What begins a step or a configuration begins a document.
    let lines = case.lines().map(|line| if line.starts_with("# --- ") { "---" } else { line });
    let case = lines.collect::<Vec<_>>().join("\n");
    for document in documents(&case).filter(|document| document["kind"] == "HTTPProxy") {
        used(&document["spec"], "spec", found);
    }
}

fn of_every_case() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, path) in case::all(&root().join("crates/contour-tests/cases")) {
        of_case(&std::fs::read_to_string(path).expect("a case"), &mut found);
    }
    found
}

/// Whether a field is the one of this name, or below it.
fn is_within(field: &str, name: &str) -> bool {
    let rest = field.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What is wrong with cases that have these fields, given what waits.
fn broken(
    schema: &BTreeSet<String>,
    used: &BTreeSet<String>,
    waiting: &[(&str, &[&str])],
) -> Vec<String> {
    let names = || {
        waiting.iter().flat_map(|(feature, names)| names.iter().map(move |name| (*feature, *name)))
    };
    let missing = schema
        .iter()
        .filter(|field| !used.contains(*field) && !names().any(|(_, name)| is_within(field, name)));
    let missing = missing.map(|field| format!("no case has {field}"));
    let stale = names().filter_map(|(feature, name)| {
        let mut below = schema.iter().filter(|field| is_within(field, name)).peekable();
        if below.peek().is_none() {
            return Some(format!("{name}, which waits for {feature}, is no field"));
        }
        let field = below.find(|field| used.contains(*field))?;
        Some(format!("{field} has a case, though {name} waits for {feature}"))
    });
    missing.chain(stale).collect()
}

#[test]
fn every_field_has_a_case_or_waits_for_a_feature() {
    let schema = of_schema();
    assert!(schema.len() > 200, "{schema:?}");
    none(broken(&schema, &of_every_case(), WAITING));
}

#[test]
fn a_field_without_a_case_and_one_that_waits_no_more_are_told() {
    let schema = "{properties: {a: {type: string}, b: {items: {properties: {c: {type: string}}}}, \
                  d: {additionalProperties: {type: string}}, e: {type: string}, ef: {type: string}}}";
    let mut fields = BTreeSet::new();
    documents(schema).for_each(|schema| leaves(&schema, "spec", &mut fields));
    let mut used = BTreeSet::new();
    let case = "# --- config\nspec: {ef: 1}\n---\nkind: HTTPProxy\nspec: {d: {x: y}}\n# --- step: next\n\
                kind: HTTPProxy\nspec: {b: [{c: 1}]}\n---\nkind: Service\nspec: {a: 1}\n";
    of_case(case, &mut used);
    let waiting: &[(&str, &[&str])] = &[("one", &["spec.b", "spec.e"]), ("two", &["spec.g"])];
    let expect = [
        "no case has spec.a",
        "no case has spec.ef",
        "spec.b[].c has a case, though spec.b waits for one",
        "spec.g, which waits for two, is no field",
    ];
    assert_eq!(broken(&fields, &used, waiting), expect);
}
