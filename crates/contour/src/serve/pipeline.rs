//! Objects in; snapshots and conditions out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use contour_builder::{Builder, Change, Kind, ObjectRef, Operation, Outcome, Stats, status};
use contour_dag::Fault;
use contour_envoy::Translator;
use contour_envoy::config::Addresses;
use contour_xds::cache::{Cache, Publication, Published};
use contour_xds::resource::{Audience, Delta, Dialect, Edit, Name, TypeUrl};
use contour_xds::time::Moment;

/// The core: builder, translator and cache in a row. Owned by one thread.
#[derive(Debug)]
pub struct Pipeline {
    builder: Builder,
    translator: Translator,
    cache: Cache,
    addresses: Addresses,
}

/// What one batch of changes came to.
#[derive(Debug, Default)]
pub struct Pass {
    /// What is true of the objects now, where that changed.
    pub status: status::Delta,
    /// What is as true as before of the other objects that were applied: for whoever waits to hear of an edit.
    pub confirmed: status::Delta,
    /// How much work it was.
    pub stats: Stats,
    /// What happened to how many objects of each kind.
    pub operations: BTreeMap<(Kind, Operation), usize>,
    /// How long the graph took.
    pub building: Duration,
    /// How long the resources took, and to make a snapshot of them.
    pub translating: Duration,
    /// Our own mistakes.
    pub faults: Vec<Fault>,
    /// How many resources were given another form, or taken away, in the aggregated dialect.
    pub resources: usize,
    /// What is served now, where that changed.
    pub published: Published,
}

impl Pipeline {
    /// A pipeline that knows no object, and what it serves all the same.
    pub fn new(
        builder: Arc<contour_builder::Config>,
        envoy: Arc<contour_envoy::Config>,
        now: Moment,
    ) -> (Pipeline, Published) {
        let addresses = envoy.addresses.clone();
        let (translator, delta) = Translator::new(envoy, Dialect::Aggregated);
        let mut cache = Cache::default();
        let published = cache.publish(&delta, now);
        (Pipeline { builder: Builder::new(builder), translator, cache, addresses }, published)
    }

    /// Applies a batch of changes in one pass.
    pub fn apply(&mut self, changes: Vec<Change>, now: Moment) -> Pass {
        let applied: BTreeSet<ObjectRef> = changes.iter().filter_map(applied).collect();
        let begun = Instant::now();
        let outcome = self.builder.apply(changes);
        let built = Instant::now();
        let delta = self.translator.apply(&outcome.dag);
        let mut pass = self.conclude(outcome, &delta, now);
        (pass.building, pass.translating) = (built - begun, built.elapsed());
        let changed: BTreeSet<&ObjectRef> = pass.status.iter().map(|(object, _)| object).collect();
        let same = applied.iter().filter(|object| !changed.contains(object));
        let conditions = same.filter_map(|object| {
            Some((object.clone(), Some(Arc::clone(self.builder.conditions(object)?))))
        });
        pass.confirmed = conditions.collect();
        pass
    }

    /// Takes changes in for the next [`Pipeline::apply`], without building or publishing.
    pub fn take_in(&mut self, changes: Vec<Change>) {
        self.builder.take_in(changes);
    }

    fn conclude(&mut self, outcome: Outcome, delta: &Delta, now: Moment) -> Pass {
        let published = self.cache.publish(delta, now);
        let resources = published.aggregated.as_ref().map_or(0, |each| each.changed.len());
        let Outcome { status, stats, operations, mut faults, dag: _ } = outcome;
        faults.extend(self.translator.take_faults());
        Pass { status, stats, operations, faults, resources, published, ..Pass::default() }
    }

    /// Takes another configuration, as if it had been this from the beginning.
    pub fn configure(
        &mut self,
        builder: Arc<contour_builder::Config>,
        envoy: Arc<contour_envoy::Config>,
        now: Moment,
    ) -> Pass {
        let begun = Instant::now();
        let outcome = self.builder.apply(vec![Change::Config(builder)]);
        let built = Instant::now();
        let mut delta = self.translator.apply(&outcome.dag);
        self.addresses = envoy.addresses.clone();
        delta = merged(delta, self.translator.configure(envoy));
        let mut pass = self.conclude(outcome, &delta, now);
        (pass.building, pass.translating) = (built - begun, built.elapsed());
        pass
    }

    /// What is built from: for questions.
    pub fn builder(&self) -> &Builder {
        &self.builder
    }

    /// How many bytes the translator keeps encoded, beside what is served.
    pub fn encoded_bytes(&self) -> usize {
        self.translator.encoded_bytes()
    }

    /// Where Envoys listen.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Begins to serve the separate dialect. `None` if it is served already.
    pub fn speak_separate(&mut self) -> Option<Publication> {
        let delta = self.translator.speak(Dialect::Separate);
        self.cache.enable_separate(&delta)
    }

    /// Publishes what had to ripen until [`Pipeline::next_deadline`].
    pub fn retire(&mut self, now: Moment) -> Option<Publication> {
        self.cache.retire(now)
    }

    /// When to call [`Pipeline::retire`]; `None` if nothing ripens.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.cache.next_deadline()
    }
}

fn applied(change: &Change) -> Option<ObjectRef> {
    match change {
        Change::Apply(object) => Some(object.reference()),
        Change::Unreadable(..) | Change::Delete(_) | Change::Config(_) => None,
    }
}

/// Two deltas as one: of what both change, the later form counts.
fn merged(mut first: Delta, second: Delta) -> Delta {
    let later: BTreeSet<_> = second.edits.iter().map(key).collect();
    first.edits.retain(|edit| !later.contains(&key(edit)));
    first.edits.extend(second.edits);
    first
}

fn key(edit: &Edit) -> (Audience, TypeUrl, Name) {
    (edit.audience, edit.type_url, edit.name.clone())
}
