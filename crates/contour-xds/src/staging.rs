//! The order across types for the separate dialect, where an Envoy's streams know nothing of each other.
//!
//! What cannot be ordered by answers is ordered by time (design, section 7.3): route configurations and listeners that
//! lead to clusters which just became visible follow after [`ROUTE_GRACE`], and what is removed stays visible for
//! [`REMOVAL_GRACE`], while listeners and routes that no longer refer to it reach every Envoy.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Publication, publication};
use crate::resource::{Edit, Name, Resource, TypeUrl};
use crate::snapshot::Snapshot;
use crate::time::Moment;

/// How long routes and listeners wait behind the new clusters that they lead to.
pub const ROUTE_GRACE: Duration = Duration::from_millis(500);

/// How long a removed cluster, load assignment, route configuration or secret remains visible.
pub const REMOVAL_GRACE: Duration = Duration::from_secs(10);

/// A snapshot that follows its target in stages.
#[derive(Debug)]
pub(crate) struct Staging {
    visible: Arc<Snapshot>,
    target: Snapshot,
    /// Where the visible snapshot lags behind the target.
    lagging: BTreeMap<(TypeUrl, Name), Lag>,
    /// Clusters that just became visible, and until when routes wait for them.
    young: BTreeMap<Name, Moment>,
}

/// What is to become visible under a name.
///
/// Each form keeps its deadline, however fast others follow: under changes without end the visible one lags by two graces
/// at most. Those between the first and the newest are never shown.
#[derive(Debug)]
struct Lag {
    first: Staged,
    newest: Option<Staged>,
}

/// A form, or nothing, that becomes visible at some moment.
#[derive(Debug)]
struct Staged {
    form: Option<Resource>,
    due: Moment,
}

impl Lag {
    fn push(&mut self, staged: Staged) {
        if staged.due <= self.first.due {
            *self = Lag { first: staged, newest: None };
        } else {
            self.newest = Some(staged);
        }
    }
}

impl Staging {
    pub(crate) fn new(snapshot: Snapshot) -> Staging {
        Staging {
            visible: Arc::new(snapshot.clone()),
            target: snapshot,
            lagging: BTreeMap::new(),
            young: BTreeMap::new(),
        }
    }

    pub(crate) fn visible(&self) -> &Arc<Snapshot> {
        &self.visible
    }

    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        self.lagging.values().map(|lag| lag.first.due).min()
    }

    pub(crate) fn publish<'a>(
        &mut self,
        edits: impl Iterator<Item = &'a Edit>,
        epoch: u64,
        now: Moment,
    ) -> Option<Publication> {
        self.young.retain(|_, until| *until > now);
        let mut changed = Vec::new();
        for edit in edits {
            if self.target.table_mut(edit.type_url).put(&edit.name, edit.resource.clone()) {
                changed.push((edit.type_url, edit.name.clone()));
            }
        }
        for (type_url, name) in &changed {
            let appears = *type_url == TypeUrl::Cluster
                && self.target.contains(TypeUrl::Cluster, name)
                && !self.visible.contains(TypeUrl::Cluster, name);
            if appears {
                self.young.insert(name.clone(), now + ROUTE_GRACE);
            }
        }
        for key in changed {
            let form = self.target.table(key.0).get(&key.1).cloned();
            let staged = Staged { due: self.due(key.0, form.as_ref(), now), form };
            match self.lagging.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(Lag { first: staged, newest: None });
                }
                Entry::Occupied(mut entry) => entry.get_mut().push(staged),
            }
        }
        self.retire(epoch, now)
    }

    /// Makes visible what is due.
    pub(crate) fn retire(&mut self, epoch: u64, now: Moment) -> Option<Publication> {
        let mut next = Snapshot::clone(&self.visible);
        next.epoch = epoch;
        let mut changed = Vec::new();
        self.lagging.retain(|key, lag| {
            let (type_url, name) = key;
            while lag.first.due <= now {
                let form = lag.first.form.take();
                if next.table_mut(*type_url).put(name, form) {
                    changed.push(key.clone());
                }
                match lag.newest.take() {
                    Some(newest) => lag.first = newest,
                    None => return false,
                }
            }
            true
        });
        changed.dedup();
        let publication = publication(changed, next);
        if let Some(publication) = &publication {
            self.visible = publication.snapshot.clone();
        }
        publication
    }

    /// When a form of the target becomes visible.
    fn due(&self, type_url: TypeUrl, form: Option<&Resource>, now: Moment) -> Moment {
        match (type_url, form) {
            (TypeUrl::Listener | TypeUrl::RouteConfiguration, Some(form)) => {
                self.youngest(form).map_or(now, |until| until.max(now))
            }
            (_, Some(_)) | (TypeUrl::Listener | TypeUrl::Runtime, None) => now,
            (_, None) => now + REMOVAL_GRACE,
        }
    }

    /// Until when a form waits for the clusters that it leads to, itself or through its route configurations.
    fn youngest(&self, form: &Resource) -> Option<Moment> {
        if self.young.is_empty() {
            return None;
        }
        let routes = self.target.table(TypeUrl::RouteConfiguration);
        form.references()
            .filter_map(|each| match each.type_url {
                TypeUrl::Cluster => self.young.get(&each.name).copied(),
                TypeUrl::RouteConfiguration => {
                    routes.get(&each.name).and_then(|routes| self.youngest(routes))
                }
                _ => None,
            })
            .max()
    }
}
