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
                     --root-namespaces, or httpproxy.rootNamespaces of the ContourConfiguration, lists \
                     those that may, and their roots may include this object once it has no virtualhost"
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
        let mut conditions =
            Conditions { revision: stored.revision, hosts, errors, ..Conditions::default() };
        self.append_found(reference, &mut conditions);
        Some(conditions)
    }

    fn append_found(&self, reference: &ObjectRef, conditions: &mut Conditions) {
        for problem in self.problems.get(reference).flat_map(|problems| problems.iter()) {
            conditions.add(problem.clone());
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
mod tests;
