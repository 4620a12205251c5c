//! Facts about manifests: what is found where, and what is read.

mod documents;
mod identity;
mod lists;
mod rules;
mod schema;
mod secrets;

use contour_builder::{Kind, Object};
use proptest::prelude::*;

use super::*;

/// The findings of `text`, as `line:column: field: message`.
fn findings(text: &str) -> Vec<String> {
    let faults = read(text).faults;
    faults.iter().map(|fault| format!("{}: {}: {}", fault.at, fault.field, fault.message)).collect()
}

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    assert_eq!(findings(text), expect);
}

/// Checks what is found in an HTTPProxy whose `spec`, in lines from 4 on, is `spec`, indented by two.
#[track_caller]
fn check_proxy(spec: &str, expect: &[&str]) {
    check(&format!("{PROXY}spec:\n{spec}"), expect);
}

#[track_caller]
fn check_service(spec: &str, expect: &[&str]) {
    check(&format!("apiVersion: v1\nkind: Service\nmetadata: {{name: a}}\nspec:\n{spec}"), expect);
}

#[track_caller]
fn check_ingress(spec: &str, expect: &[&str]) {
    let head = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec:\n";
    check(&format!("{head}{spec}"), expect);
}

#[track_caller]
fn check_slice(rest: &str, expect: &[&str]) {
    let head = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a}\n";
    check(&format!("{head}{rest}"), expect);
}

/// Three lines.
const PROXY: &str = "apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {name: a}\n";

/// The objects of `text`, with `!` behind those that are broken.
#[track_caller]
fn objects(text: &str) -> Vec<String> {
    let name = |stated: &Stated| match stated.form {
        Form::Good { .. } => stated.reference.to_string(),
        Form::Broken { .. } => format!("{}!", stated.reference),
    };
    read(text).objects.iter().map(name).collect()
}

#[track_caller]
fn json(text: &str) -> serde_json::Value {
    match &read(text).objects[..] {
        [Stated { form: Form::Good { object, .. }, .. }] => match object {
            Object::HttpProxy(object) => serde_json::to_value(object),
            Object::Ingress(object) => serde_json::to_value(object),
            Object::Service(object) => serde_json::to_value(object),
            Object::EndpointSlice(object) => serde_json::to_value(object),
            Object::Secret(_) => panic!("a Secret does not travel any further"),
        }
        .expect("objects are JSON"),
        other => panic!("{other:?} is not one good object; {:?}", findings(text)),
    }
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in any::<String>()) {
        read(&text);
    }

    #[test]
    fn no_text_of_yaml_signs_makes_reading_panic(text in "[-a-c:{}\\[\\],&*!<>|%#'\"?\\\\ \n\tu0-9d8~@`.]{0,60}") {
        read(&text);
    }

    #[test]
    fn no_damage_to_a_manifest_makes_reading_panic(
        kind in prop::sample::select(Kind::ALL.as_slice()),
        at in any::<prop::sample::Index>(),
        length in 0..40_usize,
        patch in "[-a-c:{}\\[\\],&*!<>|%#'\"?\n 0-9~.]{0,12}",
    ) {
        let text = sample(kind);
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        let damaged = format!("{}{patch}{}", &text[..start], &text[end..]);
        read(&damaged);
    }
}

/// A good object of `kind`, in ASCII.
fn sample(kind: Kind) -> String {
    let head = format!(
        "apiVersion: {}\nkind: {kind}\nmetadata:\n  name: a\n  labels: {{b: c}}\n",
        kind.api_version()
    );
    let rest = match kind {
        Kind::HttpProxy => {
            "spec:\n  virtualhost: {fqdn: a.b}\n  routes:\n  - conditions:\n    - prefix: /\n    services: &s\n    - name: a\n      port: 80\n  - services: *s\n"
        }
        Kind::Ingress => {
            "spec:\n  rules:\n  - host: a.b\n    http:\n      paths:\n      - path: /\n        pathType: Prefix\n        backend: {service: {name: a, port: {number: 80}}}\n"
        }
        Kind::Service => {
            "spec:\n  ports:\n  - &p {name: a, port: 80, targetPort: web}\n  - {<<: *p, name: b, port: 81}\n"
        }
        Kind::EndpointSlice => {
            "addressType: IPv4\nports:\n- {name: a, port: 80}\nendpoints:\n- addresses: [10.0.0.1]\n"
        }
        Kind::Secret => "type: Opaque\nstringData: {a: b}\ndata: {ca.crt: aGk=}\n",
    };
    head + rest
}

#[test]
fn the_sample_of_each_kind_is_good() {
    for kind in Kind::ALL {
        assert_eq!(
            objects(&sample(kind)),
            [format!("{kind} default/a")],
            "{:?}",
            findings(&sample(kind))
        );
    }
}
