//! Random objects: for properties that hold whatever is written into one.
//!
//! Names are few, so that objects meet. Texts are what people write, what they mistype, and what somebody writes who means harm.

pub mod policies;
pub mod texts;

use contour_builder::Object;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// How often a property is tried: so often, unless `FUZZ` says another number.
///
/// # Panics
/// If it says no number.
pub fn times(usual: u32) -> u32 {
    std::env::var("FUZZ").map_or(usual, |text| text.parse().expect("FUZZ is a number"))
}

pub(crate) fn name(prefix: &'static str, count: usize) -> impl Strategy<Value = String> {
    (0..count).prop_map(move |index| format!("{prefix}{index}"))
}

/// Mostly the default one.
fn namespace() -> impl Strategy<Value = Value> {
    select(vec![Value::Null, Value::Null, Value::Null, json!("other")])
}

pub(crate) fn path() -> impl Strategy<Value = &'static str> {
    select(vec!["/", "/a", "/b", "/a/b", "//a", "/a/", "no-slash"])
}

fn includes() -> impl Strategy<Value = Value> {
    let include = (name("p", 6), namespace(), policies::conditions()).prop_map(|(name, namespace, conditions)| {
        json!({ "name": name, "namespace": namespace, "conditions": conditions })
    });
    vec(include, 0..3).prop_map(Value::from)
}

fn class() -> impl Strategy<Value = Value> {
    select(vec![Value::Null, Value::Null, Value::Null, json!("contour"), json!("other")])
}

fn fqdn() -> impl Strategy<Value = &'static str> {
    select(vec!["x.test", "y.test", "*.test", "not a name"])
}

fn virtual_host() -> impl Strategy<Value = Value> {
    (fqdn(), policies::of_host()).prop_map(|(fqdn, policies)| {
        let mut host = json!({ "fqdn": fqdn });
        policies::put(&mut host, policies);
        host
    })
}

fn created() -> impl Strategy<Value = Value> {
    select(vec![Value::Null, json!("2026-01-01T00:00:00Z"), json!("2026-01-02T00:00:00Z")])
}

/// An HTTPProxy.
pub fn proxy() -> impl Strategy<Value = Value> {
    let meta = (name("p", 6), namespace(), created(), 0..3_i64);
    (meta, option::of(virtual_host()), vec(policies::route(), 0..3), includes(), class()).prop_map(
        |((name, namespace, created, generation), virtual_host, routes, includes, class)| {
            json!({
                "kind": "HTTPProxy",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "creationTimestamp": created,
                    "generation": generation,
                },
                "spec": {
                    "virtualhost": virtual_host,
                    "routes": routes,
                    "includes": includes,
                    "ingressClassName": class,
                },
            })
        },
    )
}

fn ingress() -> impl Strategy<Value = Value> {
    let backend = (name("s", 3), select(vec![json!({ "number": 80 }), json!({ "name": "web" })]))
        .prop_map(|(name, port)| json!({ "service": { "name": name, "port": port } }));
    let kinds = select(vec!["Exact", "Prefix", "ImplementationSpecific"]);
    let path = (path(), kinds, backend).prop_map(
        |(path, kind, backend)| json!({ "path": path, "pathType": kind, "backend": backend }),
    );
    let rule = (option::of(fqdn()), vec(path, 0..3))
        .prop_map(|(host, paths)| json!({ "host": host, "http": { "paths": paths } }));
    let default = option::of(name("s", 3)).prop_map(|name| {
        name.map(|name| json!({ "service": { "name": name, "port": { "number": 80 } } }))
    });
    (name("i", 3), created(), default, vec(rule, 0..3), class()).prop_map(
        |(name, created, default, rules, class)| {
            json!({
                "kind": "Ingress",
                "metadata": { "name": name, "creationTimestamp": created },
                "spec": { "defaultBackend": default, "rules": rules, "ingressClassName": class },
            })
        },
    )
}

/// A Service.
pub fn service() -> impl Strategy<Value = Value> {
    let ports = select(vec![
        json!([{ "name": "web", "port": 80 }]),
        json!([{ "name": "other", "port": 80 }]),
        json!([{ "port": 80, "targetPort": 8080 }]),
        json!([{ "name": "web", "port": 80, "appProtocol": "kubernetes.io/h2c" }]),
        json!([{ "name": "web", "port": 80 }, { "name": "admin", "port": 81, "appProtocol": "https" }]),
    ]);
    let annotations = select(vec![
        Value::Null,
        Value::Null,
        json!({ "projectcontour.io/max-connections": "7", "projectcontour.io/max-retries": "x" }),
        json!({ "projectcontour.io/upstream-protocol.h2": "web" }),
    ]);
    let external = option::weighted(0.1, texts::host());
    (name("s", 3), namespace(), ports, annotations, external).prop_map(
        |(name, namespace, ports, annotations, external)| {
            let meta = json!({ "name": name, "namespace": namespace, "annotations": annotations });
            let kind = external.as_ref().map(|_| "ExternalName");
            let spec = json!({ "ports": ports, "type": kind, "externalName": external });
            json!({ "kind": "Service", "metadata": meta, "spec": spec })
        },
    )
}

fn slice() -> impl Strategy<Value = Value> {
    let endpoints = vec((1..5_u8, any::<bool>()), 0..3).prop_map(|endpoints| {
        let endpoints = endpoints.into_iter().map(|(last, ready)| {
            json!({
                "addresses": [format!("10.0.0.{last}")],
                "conditions": { "ready": ready, "serving": true, "terminating": !ready },
            })
        });
        endpoints.collect::<Vec<_>>()
    });
    let port = select(vec![json!([{ "name": "web", "port": 8080 }]), json!([{ "port": 8080 }])]);
    (name("e", 4), name("s", 3), port, endpoints).prop_map(|(name, service, ports, endpoints)| {
        json!({
            "kind": "EndpointSlice",
            "metadata": { "name": name, "labels": { "kubernetes.io/service-name": service } },
            "addressType": "IPv4",
            "ports": ports,
            "endpoints": endpoints,
        })
    })
}

/// Any object.
pub fn object() -> impl Strategy<Value = Value> {
    prop_oneof![5 => proxy(), 2 => ingress(), 2 => service(), 2 => slice()]
}

/// An object as the builder takes it.
///
/// # Panics
/// If it is none of the kinds that are made here.
pub fn decode(value: &Value) -> Object {
    let value = value.clone();
    match value["kind"].as_str() {
        Some("HTTPProxy") => Object::HttpProxy(serde_json::from_value(value).expect("HTTPProxy")),
        Some("Ingress") => Object::Ingress(serde_json::from_value(value).expect("Ingress")),
        Some("Service") => Object::Service(serde_json::from_value(value).expect("Service")),
        _ => Object::EndpointSlice(serde_json::from_value(value).expect("EndpointSlice")),
    }
}
