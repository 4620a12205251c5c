//! The dirty set, rebuilding, and early cut-off.

mod cause;
mod inspect;
mod operation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contour_dag::{Cluster, ClusterName, Delta, Fault};

use crate::build::{Built, Output, build};
use crate::config::Config;
use crate::contributions::Contributions;
use crate::object::{Change, Kind, ObjectRef};
use crate::reader::{Read, Reader};
use crate::reads::Reads;
use crate::status::{self, Conditions, Problem, Reason};
use crate::store::{Store, Touched};
use crate::unit::Unit;

use cause::{BuiltUnit, Dirty};

pub use cause::Cause;
pub use inspect::{Counts, Holdings, Inspection};
pub use operation::Operation;

/// Kubernetes objects to graph and conditions. Owned by one thread.
#[derive(Debug)]
pub struct Builder {
    store: Store,
    built: BTreeMap<Unit, BuiltUnit>,
    reads: Reads,
    clusters: Contributions<Unit, ClusterName, Arc<Cluster>>,
    demands: Contributions<Unit, Unit, ()>,
    problems: Contributions<Unit, ObjectRef, Arc<[Problem]>>,
    conditions: BTreeMap<ObjectRef, Arc<Conditions>>,
    /// What was taken in and not built yet.
    pass: Pass,
    build: fn(&Unit, &Reader<'_>) -> Built,
}

/// What one batch of changes came to. Everything in it is of the same moment.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What shall be served.
    pub dag: Delta,
    /// What is true of the objects.
    pub status: status::Delta,
    /// How much work it was.
    pub stats: Stats,
    /// What happened to how many objects of each kind, whether it changed anything or not.
    pub operations: BTreeMap<(Kind, Operation), usize>,
    /// Our own mistakes, for the edge to log.
    pub faults: Vec<Fault>,
}

/// How much work a batch was: for metrics, and for tests that hold the work proportional to the change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Units whose build function ran.
    pub units_built: usize,
    /// Host units among them.
    pub hosts_built: usize,
    /// Units that came out other than before.
    pub units_changed: usize,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder::new(Arc::default())
    }
}

impl Builder {
    /// A builder that knows no object.
    pub fn new(config: Arc<Config>) -> Builder {
        Builder::with_build(config, build)
    }

    fn with_build(config: Arc<Config>, build: fn(&Unit, &Reader<'_>) -> Built) -> Builder {
        let mut store = Store::default();
        store.configure(config);
        Builder {
            store,
            built: BTreeMap::new(),
            reads: Reads::default(),
            clusters: Contributions::default(),
            demands: Contributions::default(),
            problems: Contributions::default(),
            conditions: BTreeMap::new(),
            pass: Pass::default(),
            build,
        }
    }

    /// Applies a batch of changes in one pass, with all that was taken in before.
    ///
    /// Applying changes one by one, in any order that ends in the same set of objects, comes to the same as applying them
    /// at once (I-5, I-6), unless a fault stands.
    pub fn apply(&mut self, changes: Vec<Change>) -> Outcome {
        self.take_in(changes);
        let mut pass = std::mem::take(&mut self.pass);
        while let Some((unit, cause)) = pass.dirty.pop_first() {
            self.rebuild(&unit, cause, &mut pass);
        }
        self.conclude(pass)
    }

    /// Takes changes in for the next [`apply`](Builder::apply), without building: what a source tells piece by piece before
    /// it is complete need not be kept in the form in which it travelled.
    pub fn take_in(&mut self, changes: Vec<Change>) {
        let mut pass = std::mem::take(&mut self.pass);
        for change in changes {
            self.take(change, &mut pass);
        }
        self.pass = pass;
    }

    /// What is true of an object now; `None` if it is not there, not ours, or of a kind that has nothing to say.
    pub fn conditions(&self, reference: &ObjectRef) -> Option<&Arc<Conditions>> {
        self.conditions.get(reference)
    }

    /// What a unit asked when it was built last: why an object wakes it, or not.
    pub fn reads_of(&self, unit: &Unit) -> &[Read] {
        self.reads.of(unit)
    }

    fn take(&mut self, change: Change, pass: &mut Pass) {
        let cause = match self.operation(&change) {
            Some((reference, operation)) => {
                *pass.outcome.operations.entry((reference.kind, operation)).or_default() += 1;
                Cause::Object(reference, operation)
            }
            None => Cause::Config,
        };
        match change {
            Change::Apply(object) => {
                let reference = object.reference();
                // A panic while an object is read leaves the store as it was: reading comes before storing.
                match Fault::contain(|| reference.to_string(), || self.store.apply(&object)) {
                    Ok(touched) => self.wake(touched, &cause, pass),
                    Err(fault) => pass.outcome.faults.push(fault),
                }
                pass.objects.insert(reference);
            }
            Change::Unreadable(reference, revision, problem) => {
                self.store.mark_unreadable(reference.clone(), revision, problem);
                pass.objects.insert(reference);
            }
            Change::Delete(reference) => {
                let touched = self.store.delete(&reference);
                self.wake(touched, &cause, pass);
                pass.objects.insert(reference);
            }
            Change::Config(config) => {
                self.store.configure(config);
                pass.dirty.wake(self.built.keys().cloned(), &cause);
                pass.dirty.wake(self.store.claimed(), &cause);
                pass.objects.extend(self.store.objects());
            }
        }
    }

    fn wake(&self, touched: Touched, cause: &Cause, pass: &mut Pass) {
        for read in &touched.reads {
            pass.dirty.wake(self.reads.readers_of(read).iter().cloned(), cause);
        }
        pass.dirty.wake(touched.claimed, cause);
    }

    fn rebuild(&mut self, unit: &Unit, cause: Cause, pass: &mut Pass) {
        if !self.store.claims(unit) && !self.demands.contains(unit) {
            self.reads.replace(unit, Vec::new());
            if let Some(BuiltUnit { built: old, .. }) = self.built.remove(unit) {
                self.contribute(unit, &cause, Some(&old), None, pass);
                pass.compare(unit, Some(&old.output), None);
            }
            return;
        }
        let reader = Reader::new(&self.store);
        let result = Fault::contain(|| unit.to_string(), || (self.build)(unit, &reader));
        self.reads.replace(unit, reader.into_reads());
        pass.outcome.stats.units_built += 1;
        pass.outcome.stats.hosts_built += usize::from(matches!(unit, Unit::Host(_)));
        let built = match result {
            Ok(built) => built,
            Err(fault) => {
                pass.outcome.faults.push(fault);
                return;
            }
        };
        let old = self.built.remove(unit).map(|kept| kept.built);
        if old.as_ref() != Some(&built) {
            self.contribute(unit, &cause, old.as_ref(), Some(&built), pass);
            pass.compare(unit, old.as_ref().map(|old| &old.output), Some(&built.output));
        }
        self.built.insert(unit.clone(), BuiltUnit { built, cause });
    }

    /// Replaces what a unit contributed, and notes what that touched.
    fn contribute(
        &mut self,
        unit: &Unit,
        cause: &Cause,
        old: Option<&Built>,
        new: Option<&Built>,
        pass: &mut Pass,
    ) {
        let old_clusters = old.map_or(&[][..], |built| &built.clusters);
        let new_clusters = new.map_or(&[][..], |built| &built.clusters);
        for (name, _) in old_clusters.iter().chain(new_clusters) {
            let before = || self.clusters.get(name).next().cloned();
            pass.clusters.entry(name.clone()).or_insert_with(before);
        }
        self.clusters.replace(unit, old_clusters, new_clusters);
        let demands = self.demands.replace(
            unit,
            old.map_or(&[][..], |built| &built.demands),
            new.map_or(&[][..], |built| &built.demands),
        );
        // One that was never built, because of a bug, has left its reads at most.
        let demanded = demands.into_iter().filter(|demanded| {
            let known = self.built.contains_key(demanded) || !self.reads.of(demanded).is_empty();
            known != self.demands.contains(demanded)
        });
        pass.dirty.demand(demanded, cause);
        let problems = self.problems.replace(
            unit,
            old.map_or(&[][..], |built| &built.problems),
            new.map_or(&[][..], |built| &built.problems),
        );
        pass.objects.extend(problems);
    }

    fn conclude(&mut self, mut pass: Pass) -> Outcome {
        for (name, before) in std::mem::take(&mut pass.clusters) {
            let now = self.clusters.get(&name).next().cloned();
            debug_assert!(
                self.clusters.get(&name).all(|each| Some(each) == now.as_ref()),
                "equal cluster names mean equal clusters (I-9): {name:?}"
            );
            if now != before {
                pass.outcome.dag.clusters.push((name, now));
            }
        }
        for reference in std::mem::take(&mut pass.objects) {
            let now = self.conditions_of(&reference).map(Arc::new);
            if self.conditions.get(&reference) == now.as_ref() {
                continue;
            }
            match &now {
                Some(now) => self.conditions.insert(reference.clone(), now.clone()),
                None => self.conditions.remove(&reference),
            };
            pass.outcome.status.push((reference, now));
        }
        let dag = &mut pass.outcome.dag;
        dag.hosts.sort_by(|(a, _), (b, _)| a.cmp(b));
        dag.load_assignments.sort_by(|(a, _), (b, _)| a.cmp(b));
        pass.outcome
    }

    /// What is true of an object now; `None` if it is not there, not ours, or of a kind that has nothing to say.
    fn conditions_of(&self, reference: &ObjectRef) -> Option<Conditions> {
        let unreadable = self.store.unreadable(reference);
        let mut conditions = match reference.kind {
            Kind::HttpProxy => self.proxy_conditions(reference),
            Kind::Ingress => self.ingress_conditions(reference),
            Kind::Service | Kind::EndpointSlice | Kind::Secret => None,
        };
        if let Some((revision, problem)) = unreadable {
            let conditions = conditions.get_or_insert_default();
            conditions.revision = *revision;
            conditions.errors.insert(0, problem.clone());
        }
        conditions
    }

    fn proxy_conditions(&self, reference: &ObjectRef) -> Option<Conditions> {
        let stored = self.store.proxy(&reference.name)?;
        let domain = stored.checked.root.as_ref().map(|root| root.domain.clone());
        let namespace = &reference.name.namespace;
        let mut conditions = Conditions { revision: stored.revision, ..Conditions::default() };
        match domain {
            Some(_) if !self.store.allows_roots_in(namespace) => {
                let message = format!(
                    "spec.virtualhost: host names may not be claimed from namespace {namespace}; \
                     --root-namespaces lists those that may, and their roots may include this object \
                     once it has no virtualhost"
                );
                conditions.errors.push(Problem::new(Reason::RootNotAllowed, message));
            }
            Some(Ok(domain)) => conditions.hosts.push(domain),
            Some(Err(problem)) => conditions.errors.push(problem),
            None if self.problems.contains(reference) => {}
            None => conditions.errors.push(Problem::new(
                Reason::Orphaned,
                "no include that is followed leads here from a root; where one should, the including \
                 object's status says why it is not followed",
            )),
        }
        self.append_found(reference, &mut conditions);
        Some(conditions)
    }

    fn ingress_conditions(&self, reference: &ObjectRef) -> Option<Conditions> {
        let stored = self.store.ingress(&reference.name)?;
        let mut hosts: Vec<_> =
            stored.checked.rules.iter().map(|rule| rule.domain.clone()).collect();
        hosts.sort();
        hosts.dedup();
        let errors = stored.checked.problems.clone();
        let mut conditions = Conditions { revision: stored.revision, hosts, errors };
        self.append_found(reference, &mut conditions);
        Some(conditions)
    }

    fn append_found(&self, reference: &ObjectRef, conditions: &mut Conditions) {
        for problem in self.problems.get(reference).flat_map(|problems| problems.iter()) {
            if !conditions.errors.contains(problem) {
                conditions.errors.push(problem.clone());
            }
        }
    }
}

/// What one pass is about to do, and what it did.
#[derive(Debug, Default)]
struct Pass {
    dirty: Dirty,
    /// Clusters that may have changed, as they were before.
    clusters: BTreeMap<ClusterName, Option<Arc<Cluster>>>,
    /// Objects whose conditions may have changed.
    objects: BTreeSet<ObjectRef>,
    outcome: Outcome,
}

impl Pass {
    /// Notes what the graph sees of a unit that was built again.
    fn compare(&mut self, unit: &Unit, old: Option<&Output>, new: Option<&Output>) {
        // A host without routes is no host.
        let served = |output: &&Output| !matches!(output, Output::Host(None));
        let (old, new) = (old.filter(served), new.filter(served));
        if old == new {
            return;
        }
        self.outcome.stats.units_changed += 1;
        let dag = &mut self.outcome.dag;
        match unit {
            Unit::Host(name) => {
                let host = new.and_then(|output| match output {
                    Output::Host(host) => host.clone(),
                    Output::LoadAssignment(_) => None,
                });
                dag.hosts.push((name.clone(), host));
            }
            Unit::LoadAssignment(name) => {
                let assignment = new.and_then(|output| match output {
                    Output::LoadAssignment(assignment) => Some(assignment.clone()),
                    Output::Host(_) => None,
                });
                dag.load_assignments.push((name.clone(), assignment));
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
        let hosts =
            outcome.dag.hosts.iter().map(|(name, host)| (name.domain.as_str(), host.is_some()));
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
        let outcome = builder.apply(vec![Change::Unreadable(
            reference,
            Revision::default(),
            problem.clone(),
        )]);
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
        let expect =
            Fault { at: "host bug.example".to_owned(), message: "a bug of ours".to_owned() };
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
            [(Assignment::Service(_), None)]
        ));
        let outcome = builder.apply(vec![Change::Config(Arc::default())]);
        assert!(matches!(outcome.dag.hosts.as_slice(), [(_, Some(_))]));
        assert!(matches!(outcome.status.as_slice(), [(_, Some(_))]));
    }
}
