//! I-5 and I-6 on random objects: applying changes one by one comes to the same as applying what is left of them at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use contour_builder::{Change, Config, Object, ObjectRef, Problem, Reason, Revision};
use contour_tests::world::World;
use contour_xds::resource::Dialect;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// What happens to the cluster.
#[derive(Clone, Debug)]
enum Step {
    Apply(Value),
    Delete(Value),
    Break(Value),
    Configure(Config),
}

fn name(prefix: &'static str, count: usize) -> impl Strategy<Value = String> {
    (0..count).prop_map(move |index| format!("{prefix}{index}"))
}

/// Mostly the default one.
fn namespace() -> impl Strategy<Value = Value> {
    select(vec![Value::Null, Value::Null, Value::Null, json!("other")])
}

fn path() -> impl Strategy<Value = &'static str> {
    select(vec!["/", "/a", "/b", "/a/b", "//a", "/a/", "no-slash"])
}

fn conditions() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(json!([])),
        6 => path().prop_map(|path| json!([{ "prefix": path }])),
        3 => path().prop_map(|path| json!([{ "exact": path }])),
        1 => Just(json!([{ "header": { "name": "x", "present": true } }])),
    ]
}

fn service_ref() -> impl Strategy<Value = Value> {
    (name("s", 3), select(vec![80, 81]), option::of(0..3_u32)).prop_map(|(name, port, weight)| {
        match weight {
            Some(weight) => json!({ "name": name, "port": port, "weight": weight }),
            None => json!({ "name": name, "port": port }),
        }
    })
}

fn routes() -> impl Strategy<Value = Value> {
    let route = (conditions(), vec(service_ref(), 0..3)).prop_map(
        |(conditions, services)| json!({ "conditions": conditions, "services": services }),
    );
    vec(route, 0..3).prop_map(Value::from)
}

fn includes() -> impl Strategy<Value = Value> {
    let include = (name("p", 6), namespace(), conditions()).prop_map(|(name, namespace, conditions)| {
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

fn created() -> impl Strategy<Value = Value> {
    select(vec![Value::Null, json!("2026-01-01T00:00:00Z"), json!("2026-01-02T00:00:00Z")])
}

fn proxy() -> impl Strategy<Value = Value> {
    let meta = (name("p", 6), namespace(), created(), 0..3_i64);
    (meta, option::of(fqdn()), routes(), includes(), class()).prop_map(
        |((name, namespace, created, generation), fqdn, routes, includes, class)| {
            json!({
                "kind": "HTTPProxy",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "creationTimestamp": created,
                    "generation": generation,
                },
                "spec": {
                    "virtualhost": fqdn.map(|fqdn| json!({ "fqdn": fqdn })),
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

fn service() -> impl Strategy<Value = Value> {
    let ports = select(vec![
        json!([{ "name": "web", "port": 80 }]),
        json!([{ "name": "other", "port": 80 }]),
        json!([{ "port": 80, "targetPort": 8080 }]),
        json!([{ "name": "web", "port": 80 }, { "name": "admin", "port": 81 }]),
    ]);
    (name("s", 3), namespace(), ports).prop_map(|(name, namespace, ports)| {
        let meta = json!({ "name": name, "namespace": namespace });
        json!({ "kind": "Service", "metadata": meta, "spec": { "ports": ports } })
    })
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

fn object() -> impl Strategy<Value = Value> {
    prop_oneof![5 => proxy(), 2 => ingress(), 2 => service(), 2 => slice()]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => object().prop_map(Step::Apply),
        4 => object().prop_map(Step::Delete),
        2 => object().prop_map(Step::Break),
        1 => (one_of("other"), one_of("other")).prop_map(|(ingress_classes, root_namespaces)| {
            Step::Configure(Config { ingress_classes, root_namespaces })
        }),
    ]
}

/// A list with this entry, or an empty one.
fn one_of(entry: &'static str) -> impl Strategy<Value = Vec<String>> {
    select(vec![vec![], vec![entry.to_owned()]])
}

fn decode(value: &Value) -> Object {
    let value = value.clone();
    match value["kind"].as_str() {
        Some("HTTPProxy") => Object::HttpProxy(serde_json::from_value(value).expect("HTTPProxy")),
        Some("Ingress") => Object::Ingress(serde_json::from_value(value).expect("Ingress")),
        Some("Service") => Object::Service(serde_json::from_value(value).expect("Service")),
        _ => Object::EndpointSlice(serde_json::from_value(value).expect("EndpointSlice")),
    }
}

/// What is left when every step was taken.
#[derive(Default)]
struct Final {
    /// The last good form of each object, if it had one, and whether it is unreadable now.
    objects: BTreeMap<ObjectRef, (Option<Object>, Option<Problem>)>,
    config: Config,
}

impl Final {
    fn take(&mut self, step: &Step) -> Change {
        match step {
            Step::Apply(value) => {
                let object = decode(value);
                self.objects.insert(object.reference(), (Some(object.clone()), None));
                Change::Apply(object)
            }
            Step::Delete(value) => {
                let reference = decode(value).reference();
                self.objects.remove(&reference);
                Change::Delete(reference)
            }
            Step::Break(value) => {
                let reference = decode(value).reference();
                let problem = Problem::new(Reason::Unreadable, "a typo");
                self.objects.entry(reference.clone()).or_default().1 = Some(problem.clone());
                Change::Unreadable(reference, Revision::default(), problem)
            }
            Step::Configure(config) => {
                self.config.clone_from(config);
                Change::Config(Arc::new(config.clone()))
            }
        }
    }

    /// What there is in the end, in an order of its own.
    fn changes(self) -> Vec<Change> {
        let objects = self.objects.into_iter().rev().flat_map(|(reference, (object, problem))| {
            let unreadable =
                problem.map(|problem| Change::Unreadable(reference, Revision::default(), problem));
            object.map(Change::Apply).into_iter().chain(unreadable)
        });
        objects.chain([Change::Config(Arc::new(self.config))]).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn incremental_equals_from_scratch(batches in vec(vec(step(), 1..6), 1..8)) {
        let mut incremental = World::default();
        let mut left = Final::default();
        for batch in &batches {
            let changes = batch.iter().map(|step| left.take(step)).collect();
            let work = incremental.apply(changes);
            prop_assert_eq!(work.faults, vec![]);
        }
        let mut scratch = World::default();
        scratch.apply(left.changes());
        prop_assert_eq!(incremental.graph(), scratch.graph());
        prop_assert_eq!(incremental.conditions(), scratch.conditions());
        for dialect in Dialect::ALL {
            prop_assert_eq!(incremental.resources(dialect), scratch.resources(dialect));
        }
    }
}
