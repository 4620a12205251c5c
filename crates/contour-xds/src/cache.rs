//! The published snapshots, one for each dialect in use.

use std::sync::Arc;

use crate::resource::{Audience, Delta, Dialect, Edit, Name, TypeUrl};
use crate::snapshot::Snapshot;
use crate::staging::Staging;
use crate::time::Moment;

/// The published snapshots.
#[derive(Debug, Default)]
pub struct Cache {
    epoch: u64,
    aggregated: Arc<Snapshot>,
    separate: Option<Staging>,
}

/// A new snapshot of one dialect.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    /// What differs from the one before, in order: whom to wake.
    pub changed: Vec<(TypeUrl, Name)>,
}

/// What a publication did to each dialect: nothing, where nothing changed.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// [`Dialect::Aggregated`].
    pub aggregated: Option<Publication>,
    /// [`Dialect::Separate`], once enabled.
    pub separate: Option<Publication>,
}

impl Cache {
    /// The newest snapshot of a dialect; `None` for one that is not enabled.
    pub fn snapshot(&self, dialect: Dialect) -> Option<&Arc<Snapshot>> {
        match dialect {
            Dialect::Aggregated => Some(&self.aggregated),
            Dialect::Separate => self.separate.as_ref().map(Staging::visible),
        }
    }

    /// Applies changes. Costs what changes.
    ///
    /// Where the separate dialect is not enabled, changes that concern only it are dropped.
    pub fn publish(&mut self, delta: &Delta, now: Moment) -> Published {
        let epoch = self.epoch + 1;
        let mut next = Snapshot::clone(&self.aggregated);
        let changed = put(&mut next, edits_for(delta, Dialect::Aggregated));
        next.epoch = epoch;
        let aggregated = publication(changed, next);
        if let Some(publication) = &aggregated {
            self.aggregated = publication.snapshot.clone();
        }
        let separate = self
            .separate
            .as_mut()
            .and_then(|staging| staging.publish(edits_for(delta, Dialect::Separate), epoch, now));
        if aggregated.is_some() || separate.is_some() {
            self.epoch = epoch;
        }
        Published { aggregated, separate }
    }

    /// Begins to serve the separate dialect, when its first stream appears: `delta` brings the listeners and clusters
    /// that contain its config sources; everything else is what the aggregated dialect has. All of it is visible at
    /// once, since nobody has anything older.
    ///
    /// Does nothing if it is enabled already.
    pub fn enable_separate(&mut self, delta: &Delta) -> Option<Publication> {
        if self.separate.is_some() {
            return None;
        }
        let mut snapshot = Snapshot::clone(&self.aggregated);
        for type_url in [TypeUrl::Cluster, TypeUrl::Listener] {
            *snapshot.table_mut(type_url) = crate::snapshot::Table::default();
        }
        put(&mut snapshot, edits_for(delta, Dialect::Separate));
        self.epoch += 1;
        snapshot.epoch = self.epoch;
        let tables = TypeUrl::ALL.into_iter().flat_map(|each| {
            let names = snapshot.table(each).iter().map(move |(name, _)| (each, name.clone()));
            names.collect::<Vec<_>>()
        });
        let changed = tables.collect();
        let staging = Staging::new(snapshot);
        let publication = Publication { snapshot: staging.visible().clone(), changed };
        self.separate = Some(staging);
        Some(publication)
    }

    /// Publishes, in the separate dialect, what had to ripen until [`Cache::next_deadline`].
    pub fn retire(&mut self, now: Moment) -> Option<Publication> {
        let publication = self.separate.as_mut()?.retire(self.epoch + 1, now)?;
        self.epoch = publication.snapshot.epoch;
        Some(publication)
    }

    /// When to call [`Cache::retire`]; `None` if nothing ripens.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.separate.as_ref().and_then(Staging::next_deadline)
    }
}

/// The edits of a delta that one dialect sees.
fn edits_for(delta: &Delta, dialect: Dialect) -> impl Iterator<Item = &Edit> {
    delta.edits.iter().filter(move |edit| match edit.audience {
        Audience::All => true,
        Audience::Only(only) => only == dialect,
    })
}

fn put<'a>(snapshot: &mut Snapshot, edits: impl Iterator<Item = &'a Edit>) -> Vec<(TypeUrl, Name)> {
    let changing = edits
        .filter(|edit| snapshot.table_mut(edit.type_url).put(&edit.name, edit.resource.clone()));
    changing.map(|edit| (edit.type_url, edit.name.clone())).collect()
}

/// The publication of a snapshot, unless nothing changed.
pub(crate) fn publication(
    mut changed: Vec<(TypeUrl, Name)>,
    snapshot: Snapshot,
) -> Option<Publication> {
    changed.sort_unstable();
    (!changed.is_empty()).then(|| Publication { snapshot: Arc::new(snapshot), changed })
}
