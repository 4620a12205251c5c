//! The core of the pipeline, and everything it has said so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use contour::serve::start::Config;
use contour_builder::{Builder, Change, Conditions, ObjectRef, Stats};
use contour_dag::{Assignment, Cluster, ClusterName, Edits, Fault, Host, HostName, LoadAssignment};
use contour_envoy::Translator;
use contour_xds::resource::{Audience, Delta, Dialect, Name, Resource, TypeUrl};

/// Resources by type and name.
pub type Resources = BTreeMap<(TypeUrl, Name), Resource>;

/// Everything the builder has said of what shall be served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    hosts: BTreeMap<HostName, Arc<Host>>,
    clusters: BTreeMap<ClusterName, Arc<Cluster>>,
    load_assignments: BTreeMap<Assignment, Arc<LoadAssignment>>,
}

impl Graph {
    fn apply(&mut self, delta: &contour_dag::Delta) {
        put(&mut self.hosts, &delta.hosts);
        put(&mut self.clusters, &delta.clusters);
        put(&mut self.load_assignments, &delta.load_assignments);
    }
}

fn put<K: Clone + Ord, V>(map: &mut BTreeMap<K, Arc<V>>, edits: &Edits<K, V>) {
    for (key, value) in edits {
        match value {
            Some(value) => map.insert(key.clone(), Arc::clone(value)),
            None => map.remove(key),
        };
    }
}

/// Builder and translator, and everything they have said so far: what every Envoy and every status would be.
#[derive(Debug)]
pub struct World {
    builder: Builder,
    translator: Translator,
    graph: Graph,
    resources: BTreeMap<Dialect, Resources>,
    conditions: BTreeMap<ObjectRef, Arc<Conditions>>,
}

/// How much work a batch was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// What the builder counted.
    pub stats: Stats,
    /// Resources sent to an Envoy of the aggregated dialect, or withdrawn from it.
    pub pushed: usize,
    /// Objects whose conditions changed.
    pub statuses: usize,
    /// Bugs that were contained.
    pub faults: Vec<Fault>,
}

impl Default for World {
    fn default() -> World {
        let (mut translator, delta) = Translator::new(Arc::default(), Dialect::Aggregated);
        let separate = translator.speak(Dialect::Separate);
        let resources = Dialect::ALL.map(|dialect| (dialect, Resources::new())).into();
        let mut world = World {
            builder: Builder::default(),
            translator,
            graph: Graph::default(),
            resources,
            conditions: BTreeMap::new(),
        };
        world.publish(&delta);
        // What both dialects share was published before the second was spoken; of clusters and listeners, a dialect has
        // what is published for it.
        let own = |type_url| matches!(type_url, TypeUrl::Cluster | TypeUrl::Listener);
        let shared = delta.edits.iter().filter(|edit| edit.audience == Audience::All);
        let shared = shared.filter(|edit| !own(edit.type_url)).cloned();
        world.publish(&Delta { edits: shared.chain(separate.edits).collect() });
        world
    }
}

impl World {
    /// Applies a batch of changes.
    pub fn apply(&mut self, changes: Vec<Change>) -> Work {
        self.pass(changes, None)
    }

    /// Applies a batch of changes together with a configuration, which may be as before.
    pub fn apply_with(&mut self, config: &Config, mut changes: Vec<Change>) -> Work {
        changes.push(Change::Config(Arc::clone(&config.builder)));
        self.pass(changes, Some(&config.envoy))
    }

    fn pass(&mut self, changes: Vec<Change>, config: Option<&Arc<contour_envoy::Config>>) -> Work {
        let mut outcome = self.builder.apply(changes);
        self.graph.apply(&outcome.dag);
        let configured = config.map(|config| self.translator.configure(Arc::clone(config)));
        let delta = self.translator.apply(&outcome.dag);
        outcome.faults.extend(self.translator.take_faults());
        let statuses = outcome.status.len();
        for (reference, conditions) in outcome.status {
            match conditions {
                Some(conditions) => self.conditions.insert(reference, conditions),
                None => self.conditions.remove(&reference),
            };
        }
        let pushed = configured.map_or(0, |delta| self.publish(&delta)) + self.publish(&delta);
        Work { stats: outcome.stats, pushed, statuses, faults: outcome.faults }
    }

    /// What shall be served.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Everything that is served in a dialect.
    pub fn resources(&self, dialect: Dialect) -> &Resources {
        &self.resources[&dialect]
    }

    /// What is true of each object.
    pub fn conditions(&self) -> &BTreeMap<ObjectRef, Arc<Conditions>> {
        &self.conditions
    }

    /// Takes over what the translator emitted, and counts what of it is for the aggregated dialect.
    fn publish(&mut self, delta: &Delta) -> usize {
        let mut pushed = 0;
        for edit in &delta.edits {
            let dialects = match edit.audience {
                Audience::All => &Dialect::ALL[..],
                Audience::Only(Dialect::Aggregated) => &[Dialect::Aggregated],
                Audience::Only(Dialect::Separate) => &[Dialect::Separate],
            };
            pushed += usize::from(dialects.contains(&Dialect::Aggregated));
            for dialect in dialects {
                let resources = self.resources.entry(*dialect).or_default();
                let key = (edit.type_url, edit.name.clone());
                match &edit.resource {
                    Some(resource) => resources.insert(key, resource.clone()),
                    None => resources.remove(&key),
                };
            }
        }
        pushed
    }
}
