//! The order across types on an aggregated stream (design, section 7.3).
//!
//! Two rules hold an unasked-for change back; everything else goes as soon as its type may send:
//!
//! - A removal waits while the Envoy may be using a form of another resource that refers to what is removed.
//! - A listener or route configuration that leads to a cluster which is new to the Envoy waits until the load
//!   assignment that followed the cluster was answered, and [`PATIENCE`] at most: the answer about the cluster itself
//!   may be withheld for minutes, and one author's dead server must not delay the others.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::exchange::{Batch, Novelty, View};
use crate::lane::Lane;
use crate::resource::{Name, Reference, Resource, TypeUrl};
use crate::time::Moment;

/// How long a listener or route configuration waits for the clusters it leads to.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// What an aggregated stream remembers to keep the order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    /// New clusters whose load assignment was not answered since they were sent.
    awaited: BTreeMap<Name, Awaited>,
    /// Until when each listener or route configuration that is held back waits at most.
    waiting: RefCell<BTreeMap<(TypeUrl, Name), Moment>>,
}

/// A new cluster without an answer to its load assignment.
#[derive(Clone, Debug)]
struct Awaited {
    assignment: Name,
    /// An assignment in an earlier response than this does not count: for Envoy it came before the cluster.
    after: u64,
    until: Moment,
}

impl Order {
    /// Notes that a response with clusters was sent, and returns the load assignments that must follow it.
    pub(crate) fn sent(&mut self, batch: &Batch, now: Moment) -> Vec<Name> {
        let mut follow = Vec::new();
        for item in batch.set.iter().filter(|item| item.novelty != Novelty::Same) {
            let assignments = item.resource.references();
            for each in assignments.filter(|each| each.type_url == TypeUrl::LoadAssignment) {
                follow.push(each.name.clone());
                if item.novelty == Novelty::Added {
                    let awaited = Awaited {
                        assignment: each.name.clone(),
                        after: batch.nonce,
                        until: now + PATIENCE,
                    };
                    self.awaited.insert(item.name.clone(), awaited);
                }
            }
        }
        follow
    }

    /// Notes that a response with load assignments was answered: accepted or not, nothing more will come of it.
    pub(crate) fn answered<'a>(&mut self, nonce: u64, names: impl Iterator<Item = &'a Name>) {
        if self.awaited.is_empty() {
            return;
        }
        let names: BTreeSet<&Name> = names.collect();
        self.awaited.retain(|_, each| each.after > nonce || !names.contains(&each.assignment));
    }

    /// Forgets clusters that were awaited long enough.
    pub(crate) fn expire(&mut self, now: Moment) {
        self.awaited.retain(|_, each| each.until > now);
        self.waiting.get_mut().retain(|_, until| *until + PATIENCE > now);
    }

    /// When something that is held back must be looked at again.
    pub(crate) fn next_deadline(&self, now: Moment) -> Option<Moment> {
        self.waiting.borrow().values().copied().filter(|until| *until > now).min()
    }

    /// The gate for one type: what of it may go now.
    pub(crate) fn gate<'a>(
        &'a self,
        type_url: TypeUrl,
        lanes: Lanes<'a>,
        view: View<'a>,
    ) -> Gate<'a> {
        Gate(Some(Rules { type_url, lanes, view, order: self, in_use: OnceCell::new() }))
    }
}

/// The other types of a stream, while one of them composes.
#[derive(Clone, Copy)]
pub(crate) struct Lanes<'a> {
    pub(crate) before: &'a [(TypeUrl, Lane)],
    pub(crate) after: &'a [(TypeUrl, Lane)],
}

impl<'a> Lanes<'a> {
    fn iter(self) -> impl Iterator<Item = &'a (TypeUrl, Lane)> {
        self.before.iter().chain(self.after)
    }

    fn get(self, type_url: TypeUrl) -> Option<&'a Lane> {
        self.iter().find(|(each, _)| *each == type_url).map(|(_, lane)| lane)
    }
}

/// Says what may go now. A stream of one type has an open gate.
pub(crate) struct Gate<'a>(Option<Rules<'a>>);

struct Rules<'a> {
    type_url: TypeUrl,
    lanes: Lanes<'a>,
    view: View<'a>,
    order: &'a Order,
    /// What the Envoy may be using though nothing published refers to it in this form any more.
    in_use: OnceCell<BTreeSet<Reference>>,
}

impl Gate<'_> {
    /// The gate of a stream of one type.
    pub(crate) fn open() -> Self {
        Gate(None)
    }

    /// Whether a change that nobody asked for may go: to this form, or to nothing.
    pub(crate) fn may_go(&self, name: &Name, form: Option<&Resource>) -> bool {
        match (&self.0, form) {
            (None, _) => true,
            (Some(rules), None) => !rules.in_use(name),
            (Some(rules), Some(form)) => rules.clusters_ready(name, form),
        }
    }
}

impl Rules<'_> {
    fn in_use(&self, name: &Name) -> bool {
        let in_use = self.in_use.get_or_init(|| {
            let mut found = BTreeSet::new();
            for (_, lane) in self.lanes.iter() {
                lane.superseded(self.view, &mut |each| {
                    if each.type_url == self.type_url {
                        found.insert(each.clone());
                    }
                });
            }
            found
        });
        in_use.contains(&Reference { type_url: self.type_url, name: name.clone() })
    }

    fn clusters_ready(&self, name: &Name, form: &Resource) -> bool {
        if !matches!(self.type_url, TypeUrl::Listener | TypeUrl::RouteConfiguration) {
            return true;
        }
        let key = (self.type_url, name.clone());
        let mut waiting = self.order.waiting.borrow_mut();
        if !self.leads_to_new(form) {
            waiting.remove(&key);
            return true;
        }
        let until = *waiting.entry(key).or_insert(self.view.now + PATIENCE);
        until <= self.view.now
    }

    /// Whether a form refers to a cluster that the Envoy does not have yet: itself, or through a route configuration
    /// that the Envoy would ask for because of it.
    fn leads_to_new(&self, form: &Resource) -> bool {
        form.references().any(|each| match each.type_url {
            TypeUrl::Cluster => self.is_new(&each.name),
            TypeUrl::RouteConfiguration => {
                let known = self
                    .lanes
                    .get(TypeUrl::RouteConfiguration)
                    .is_some_and(|lane| lane.subscription().names_it(&each.name));
                let routes = self.view.snapshot.table(TypeUrl::RouteConfiguration).get(&each.name);
                !known && routes.is_some_and(|routes| self.leads_to_new(routes))
            }
            _ => false,
        })
    }

    fn is_new(&self, cluster: &Name) -> bool {
        self.order.awaited.contains_key(cluster)
            || self.lanes.get(TypeUrl::Cluster).is_some_and(|lane| lane.lacks(cluster, self.view))
    }
}
