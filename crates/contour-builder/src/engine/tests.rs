use contour_dag::{Assignment, Frontend, HostName};
use serde::de::{Deserialize, DeserializeOwned};
use serde_yaml_ng::Value;

use super::*;
use crate::object::{Object, ObjectName, Revision};

/// The objects of a multi-document manifest.
fn changes(manifest: &str) -> Vec<Change> {
    let documents = serde_yaml_ng::Deserializer::from_str(manifest);
    documents.map(|document| Change::Apply(object(Value::deserialize(document)))).collect()
}

fn object(document: Result<Value, serde_yaml_ng::Error>) -> Object {
    fn read<T: DeserializeOwned>(document: Value) -> T {
        serde_yaml_ng::from_value(document).expect("an object of its kind")
    }
    let document = document.expect("YAML");
    match document["kind"].as_str() {
        Some("HTTPProxy") => Object::HttpProxy(Box::new(read(document))),
        Some("Ingress") => Object::Ingress(Box::new(read(document))),
        Some("Service") => Object::Service(Box::new(read(document))),
        _ => Object::EndpointSlice(Box::new(read(document))),
    }
}

const SERVICE: &str =
    "{kind: Service, metadata: {name: s}, spec: {ports: [{name: web, port: 80}]}}";

const SLICE: &str = "{kind: EndpointSlice, addressType: IPv4, \
    metadata: {name: s-1, labels: {kubernetes.io/service-name: s}}, \
    ports: [{name: web, port: 8080}], endpoints: [{addresses: [10.0.0.1]}]}";

fn root(name: &str, fqdn: &str) -> String {
    format!(
        "{{kind: HTTPProxy, metadata: {{name: {name}}}, spec: {{virtualhost: {{fqdn: {fqdn}}}, \
         routes: [{{services: [{{name: s, port: 80}}]}}]}}}}"
    )
}

fn all(manifests: &[&str]) -> Vec<Change> {
    changes(&manifests.join("\n---\n"))
}

fn host(fqdn: &str) -> Unit {
    let domain = contour_dag::Domain::new(fqdn).expect("a domain");
    Unit::Host(HostName { frontend: Frontend::Configured, domain })
}

fn served(fqdn: &str) -> Builder {
    let mut builder = Builder::default();
    builder.apply(all(&[SERVICE, SLICE, &root("p", fqdn)]));
    builder
}

#[test]
fn one_edited_root_is_one_host() {
    let mut builder = served("a.example");
    builder.apply(all(&[&root("q", "b.example")]));
    let outcome = builder.apply(changes(&root("p", "a.example").replace("80", "81")));
    assert_eq!(outcome.stats.hosts_built, 1);
    assert_eq!(outcome.dag.hosts.len(), 1);
}

#[test]
fn an_edit_that_changes_nothing_is_no_work() {
    let mut builder = served("a.example");
    let outcome = builder.apply(all(&[SERVICE, SLICE, &root("p", "a.example")]));
    assert_eq!(outcome.stats, Stats::default());
    assert!(outcome.dag.is_empty() && outcome.status.is_empty());
}

#[test]
fn what_was_taken_in_is_built_with_the_next_batch() {
    let mut builder = Builder::default();
    builder.take_in(all(&[SERVICE, &root("p", "a.example")]));
    builder.take_in(changes(&root("p", "b.example")));
    let outcome = builder.apply(changes(SLICE));
    let hosts = outcome.dag.hosts.iter().map(|(name, host)| (name.domain.as_str(), host.is_some()));
    assert_eq!(hosts.collect::<Vec<_>>(), [("b.example", true)]);
    assert_eq!(outcome.dag.load_assignments.len(), 1);
    assert_eq!(outcome.status.len(), 1);
}

#[test]
fn a_new_generation_alone_refreshes_the_conditions() {
    let mut builder = served("a.example");
    let edited = root("p", "a.example").replace("{name: p}", "{name: p, generation: 7}");
    let outcome = builder.apply(changes(&edited));
    assert_eq!(outcome.stats, Stats::default());
    let generations: Vec<_> = outcome
        .status
        .iter()
        .map(|(_, now)| now.as_ref().map(|now| now.revision.generation))
        .collect();
    assert_eq!(generations, [Some(7)]);
}

#[test]
fn an_unrelated_service_wakes_nobody() {
    let mut builder = served("a.example");
    let outcome = builder.apply(changes(&SERVICE.replace("name: s}", "name: other}")));
    assert_eq!(outcome.stats, Stats::default());
}

#[test]
fn a_service_that_appears_later_wakes_who_missed_it() {
    let mut builder = Builder::default();
    builder.apply(changes(&root("p", "a.example")));
    let outcome = builder.apply(changes(SERVICE));
    assert_eq!(outcome.dag.hosts.len(), 1);
    assert_eq!(outcome.dag.clusters.len(), 1);
}

#[test]
fn endpoints_wake_their_assignment_alone() {
    let mut builder = served("a.example");
    let outcome = builder.apply(changes(&SLICE.replace("10.0.0.1", "10.0.0.2")));
    assert_eq!((outcome.stats.units_built, outcome.stats.hosts_built), (1, 0));
    assert_eq!(outcome.dag.load_assignments.len(), 1);
}

#[test]
fn endpoints_of_a_service_that_nobody_needs_are_not_computed() {
    let mut builder = Builder::default();
    let outcome = builder.apply(all(&[SERVICE, SLICE]));
    assert_eq!(outcome.stats, Stats::default());
}

#[test]
fn a_cluster_lives_while_one_host_needs_it() {
    let mut builder = served("a.example");
    builder.apply(changes(&root("q", "b.example")));
    let gone = |name| {
        let name = ObjectName::new("default", name);
        vec![Change::Delete(ObjectRef { kind: Kind::HttpProxy, name })]
    };
    assert!(builder.apply(gone("p")).dag.clusters.is_empty());
    let outcome = builder.apply(gone("q"));
    assert!(matches!(outcome.dag.clusters.as_slice(), [(_, None)]));
    assert!(matches!(outcome.dag.load_assignments.as_slice(), [(_, None)]));
    assert!(matches!(outcome.status.as_slice(), [(_, None)]));
}

#[test]
fn an_unreadable_object_keeps_its_last_good_form() {
    let mut builder = served("a.example");
    let name = ObjectName::new("default", "p");
    let reference = ObjectRef { kind: Kind::HttpProxy, name };
    let problem = Problem::new(Reason::Unreadable, "line 3");
    let outcome =
        builder.apply(vec![Change::Unreadable(reference, Revision::default(), problem.clone())]);
    assert!(outcome.dag.is_empty());
    let (_, conditions) = &outcome.status[0];
    assert_eq!(conditions.as_ref().expect("conditions").errors, [problem]);
    let outcome = builder.apply(changes(&root("p", "a.example")));
    assert!(outcome.status[0].1.as_ref().expect("conditions").errors.is_empty());
}

#[test]
fn a_panic_is_contained_in_its_unit() {
    fn faulty(unit: &Unit, reader: &Reader<'_>) -> Built {
        let built = build(unit, reader);
        let bug = matches!(unit, Unit::Host(host) if host.domain.as_str() == "bug.example");
        assert!(!bug, "a bug of ours");
        built
    }
    let mut builder = Builder::with_build(Arc::default(), faulty);
    let outcome = builder.apply(all(&[
        SERVICE,
        SLICE,
        &root("p", "bug.example"),
        &root("q", "fine.example"),
    ]));
    assert_eq!(outcome.dag.hosts.len(), 1);
    let expect = Fault { at: "host bug.example".to_owned(), message: "a bug of ours".to_owned() };
    assert_eq!(outcome.faults, [expect]);
}

/// Children in layers, each of which includes both of the next layer, so that ways through them double with each.
fn web(layers: usize, last: &str) -> Vec<String> {
    let mut manifests =
        vec![root("p", "a.example").replace("routes:", "includes: [{name: l0-0}], routes:")];
    for layer in 0..layers {
        for side in 0..2 {
            let below = layer + 1;
            let spec = if below < layers {
                format!(
                    "includes: [{{name: l{below}-0, conditions: [{{prefix: /0}}]}}, {{name: l{below}-1, conditions: [{{prefix: /1}}]}}]"
                )
            } else {
                last.to_owned()
            };
            manifests.push(format!(
                "{{kind: HTTPProxy, metadata: {{name: l{layer}-{side}}}, spec: {{{spec}}}}}"
            ));
        }
    }
    manifests
}

/// The reasons that objects got in a first build, and how many problems the most afflicted has.
fn reasons(manifests: &[String]) -> (BTreeSet<Reason>, usize) {
    let manifests: Vec<&str> = manifests.iter().map(String::as_str).collect();
    let outcome = Builder::default().apply(all(&manifests));
    let conditions = outcome.status.iter().filter_map(|(_, now)| now.as_ref());
    let most = conditions.clone().map(|now| now.errors.len()).max();
    let problems = conditions.flat_map(|now| now.errors.iter().map(|problem| problem.reason));
    (problems.collect(), most.unwrap_or(0))
}

#[test]
fn includes_that_double_with_each_layer_are_bounded() {
    let (reasons, most) = reasons(&web(40, "routes: []"));
    assert!(reasons.contains(&Reason::IncludeLimitExceeded));
    assert!(most <= 64);
}

#[test]
fn a_web_of_circles_is_told_in_few_words() {
    let (reasons, most) = reasons(&web(30, "includes: [{name: l0-0}]"));
    assert!(reasons.contains(&Reason::IncludeCreatesCycle));
    assert!(most <= 64);
}

#[test]
fn routes_that_multiply_are_bounded() {
    let routes: Vec<String> =
        (0..100).map(|path| format!("{{conditions: [{{prefix: /r{path}}}]}}")).collect();
    let (reasons, _) = reasons(&web(10, &format!("routes: [{}]", routes.join(", "))));
    assert!(reasons.contains(&Reason::IncludeLimitExceeded));
}

#[test]
fn what_happened_to_objects_is_counted_whether_it_changed_anything_or_not() {
    let mut builder = Builder::default();
    builder.take_in(all(&[SERVICE, SLICE]));
    let name = ObjectName::new("default", "s");
    let gone = Change::Delete(ObjectRef { kind: Kind::Service, name });
    let outcome = builder.apply([all(&[SERVICE, SERVICE]), vec![gone]].concat());
    let expect = [
        ((Kind::Service, Operation::Add), 1),
        ((Kind::Service, Operation::Update), 2),
        ((Kind::Service, Operation::Delete), 1),
        ((Kind::EndpointSlice, Operation::Add), 1),
    ];
    assert_eq!(outcome.operations, BTreeMap::from(expect));
}

#[test]
fn what_there_is_is_counted() {
    let counts = served("a.example").counts();
    let expect = [
        (Kind::HttpProxy, 1),
        (Kind::Ingress, 0),
        (Kind::Service, 1),
        (Kind::EndpointSlice, 1),
        (Kind::Secret, 0),
    ];
    assert_eq!(counts.objects, expect);
    assert_eq!((counts.units, counts.reads), (2, 5));
    assert_eq!((counts.hosts, counts.clusters, counts.conditions), (1, 1, 1));
}

#[test]
fn a_host_can_be_inspected() {
    let builder = served("a.example");
    let found = builder.inspect(&host("a.example")).expect("a host");
    assert_eq!(found.reads, builder.reads_of(&host("a.example")));
    assert_eq!((found.clusters.len(), found.demands.len()), (1, 1));
    assert_eq!(found.host.as_ref(), builder.hosts().next().map(|(_, host)| host));
    assert_eq!(builder.inspect(&host("b.example")), None);
}

/// Why a host was built last.
#[track_caller]
fn check_cause(builder: &Builder, fqdn: &str, expect: &str) {
    let found = builder.inspect(&host(fqdn)).expect("a host");
    assert_eq!(found.cause.to_string(), expect);
}

#[test]
fn the_last_change_that_had_a_host_built_is_known() {
    let mut builder = served("a.example");
    check_cause(&builder, "a.example", "add of HTTPProxy default/p");
    builder.apply(changes(&SERVICE.replace("80", "81")));
    check_cause(&builder, "a.example", "update of Service default/s");
    builder.apply(changes(&root("q", "b.example")));
    check_cause(&builder, "a.example", "update of Service default/s");
    builder.apply(vec![Change::Config(Arc::default())]);
    check_cause(&builder, "a.example", "the configuration");
}

#[test]
fn what_a_host_demands_is_built_for_the_same_cause() {
    let builder = served("a.example");
    let demanded = builder.inspect(&host("a.example")).expect("a host").demands;
    let found = builder.inspect(&demanded[0]).expect("it is demanded");
    assert_eq!(found.cause.to_string(), "add of HTTPProxy default/p");
}

#[test]
fn what_was_asked_is_known() {
    let builder = served("a.example");
    let name = |name| ObjectName::new("default", name);
    let domain = contour_dag::Domain::new("a.example").expect("a domain");
    let expect = [
        Read::Proxy(name("p")),
        Read::Service(name("s")),
        Read::Roots(domain.clone()),
        Read::IngressRules(domain),
    ];
    assert_eq!(builder.reads_of(&host("a.example")), expect);
}

#[test]
fn other_classes_can_become_ours() {
    let mut builder = served("a.example");
    let config = Config { ingress_classes: vec!["internal".to_owned()], ..Config::default() };
    let outcome = builder.apply(vec![Change::Config(Arc::new(config))]);
    assert!(matches!(outcome.dag.hosts.as_slice(), [(_, None)]));
    assert!(matches!(
        outcome.dag.load_assignments.as_slice(),
        [(Assignment::Service { .. }, None)]
    ));
    let outcome = builder.apply(vec![Change::Config(Arc::default())]);
    assert!(matches!(outcome.dag.hosts.as_slice(), [(_, Some(_))]));
    assert!(matches!(outcome.status.as_slice(), [(_, Some(_))]));
}
