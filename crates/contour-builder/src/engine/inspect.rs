//! What people who debug want to know of a builder.

use std::sync::Arc;

use contour_dag::{ClusterName, Host, HostName};

use super::cause::BuiltUnit;
use super::{Builder, Cause};
use crate::build::Output;
use crate::object::{Kind, ObjectName, ObjectRef};
use crate::parse::secret::Secret;
use crate::reader::Read;
use crate::status::Problem;
use crate::store::Kept;
use crate::unit::Unit;

/// How much a builder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Objects, by kind; those of other classes are counted too. One entry for each kind.
    pub objects: Vec<(Kind, usize)>,
    /// Objects that could not be decoded.
    pub unreadable: usize,
    /// Units that are kept.
    pub units: usize,
    /// Different questions that units asked.
    pub reads: usize,
    /// Hosts that are served.
    pub hosts: usize,
    /// Clusters that anything needs.
    pub clusters: usize,
    /// Objects that have conditions.
    pub conditions: usize,
}

/// Everything of size that a builder keeps, shared with it: to be weighed elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// The checked objects.
    pub objects: Vec<(Kind, Kept)>,
    /// Hosts and load assignments.
    pub graph: Vec<Kept>,
}

/// What one unit asked and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// What had it built last.
    pub cause: Cause,
    /// What it asked, sorted: whatever answers one of these otherwise wakes it.
    pub reads: Vec<Read>,
    /// If it is a host with routes, what is served.
    pub host: Option<Arc<Host>>,
    /// The clusters it needs.
    pub clusters: Vec<ClusterName>,
    /// The units it needs.
    pub demands: Vec<Unit>,
    /// The objects it visited, and what it found wrong with each.
    pub problems: Vec<(ObjectRef, Arc<[Problem]>)>,
}

impl Builder {
    /// How much there is. Costs the number of units.
    pub fn counts(&self) -> Counts {
        Counts {
            objects: self.store.counts().to_vec(),
            unreadable: self.store.unreadable_count(),
            units: self.built.len(),
            reads: self.reads.len(),
            hosts: self.hosts().count(),
            clusters: self.clusters.len(),
            conditions: self.conditions.len(),
        }
    }

    /// What there is. Costs a counter for each object and each unit.
    pub fn holdings(&self) -> Holdings {
        let graph = self.built.values().filter_map(|kept| match &kept.built.output {
            Output::Host(host) => host.clone().map(|host| host as Kept),
            Output::LoadAssignment(assignment) => Some(Arc::clone(assignment) as Kept),
        });
        Holdings { objects: self.store.checked().collect(), graph: graph.collect() }
    }

    /// How many objects there are, by kind. Costs nothing.
    pub fn objects(&self) -> [(Kind, usize); Kind::ALL.len()] {
        self.store.counts()
    }

    /// Every host that is served, by name.
    pub fn hosts(&self) -> impl Iterator<Item = (&HostName, &Arc<Host>)> {
        self.built.iter().filter_map(|(unit, kept)| match (unit, &kept.built.output) {
            (Unit::Host(name), Output::Host(Some(host))) => Some((name, host)),
            _ => None,
        })
    }

    /// What a Secret can be used for; `None` if there is none of that name.
    pub fn secret(&self, name: &ObjectName) -> Option<&Arc<Secret>> {
        self.store.secret(name).map(|stored| &stored.checked)
    }

    /// What a unit asked and came to; `None` for one that is not demanded.
    pub fn inspect(&self, unit: &Unit) -> Option<Inspection> {
        let BuiltUnit { built, cause } = self.built.get(unit)?;
        let host = match &built.output {
            Output::Host(host) => host.clone(),
            Output::LoadAssignment(_) => None,
        };
        Some(Inspection {
            cause: cause.clone(),
            reads: self.reads_of(unit).to_vec(),
            host,
            clusters: built.clusters.iter().map(|(name, _)| name.clone()).collect(),
            demands: built.demands.iter().map(|(unit, ())| unit.clone()).collect(),
            problems: built.problems.clone(),
        })
    }
}
