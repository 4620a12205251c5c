//! Build functions: one for each unit, free of side effects.

mod backend;
mod default_headers;
mod host;
mod http_proxy;
mod ingress;
mod load_assignment;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contour_dag::{Action, Cluster, ClusterName, Host, LoadAssignment, Upstream};

use crate::object::ObjectRef;
use crate::reader::Reader;
use crate::status::Problem;
use crate::unit::Unit;

/// What a unit amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Of a host: what is served; nothing if it has no routes.
    Host(Option<Arc<Host>>),
    /// Of a load assignment.
    LoadAssignment(Arc<LoadAssignment>),
}

/// Everything that building a unit yields. Each list is sorted by key, and no key occurs twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The unit's own output.
    pub output: Output,
    /// The clusters it needs.
    pub clusters: Vec<(ClusterName, Arc<Cluster>)>,
    /// The units it needs.
    pub demands: Vec<(Unit, ())>,
    /// What it found wrong with the objects it visited. An HTTPProxy without problems is listed, too: that somebody
    /// visited it is what keeps it from being orphaned.
    pub problems: Vec<(ObjectRef, Arc<[Problem]>)>,
}

/// Builds one unit.
pub(crate) fn build(unit: &Unit, reader: &Reader<'_>) -> Built {
    let mut found = Found::default();
    let output = match unit {
        Unit::Host(name) => Output::Host(host::host(name, reader, &mut found).map(Arc::new)),
        Unit::LoadAssignment(assignment) => {
            Output::LoadAssignment(Arc::new(load_assignment::load_assignment(assignment, reader)))
        }
    };
    found.into_built(output, reader)
}

/// The clusters that a host's routes forward to.
fn clusters(output: &Output) -> BTreeSet<&ClusterName> {
    let Output::Host(Some(host)) = output else { return BTreeSet::new() };
    let forwards = host.plain.iter().filter_map(|route| match &route.action {
        Action::Forward(forward) => Some(forward.reached()),
        Action::Redirect(_) | Action::Respond(_) => None,
    });
    forwards.flatten().collect()
}

/// How many problems of one object are told by one unit. The first ones are enough to begin mending.
const MAX_PROBLEMS: usize = 64;

/// What the build functions found wrong, or right, with the objects they visited.
#[derive(Debug, Default)]
struct Found(BTreeMap<ObjectRef, Vec<Problem>>);

impl Found {
    /// Notes that an object is in use.
    fn visited(&mut self, object: ObjectRef) {
        self.0.entry(object).or_default();
    }

    /// Notes a problem of an object; the same one only once.
    fn problem(&mut self, object: ObjectRef, problem: Problem) {
        let problems = self.0.entry(object).or_default();
        if problems.len() < MAX_PROBLEMS && !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    fn into_built(self, output: Output, reader: &Reader<'_>) -> Built {
        let names = clusters(&output);
        let clusters: Vec<(ClusterName, Arc<Cluster>)> = names
            .into_iter()
            .map(|name| (name.clone(), Arc::new(backend::cluster(name, reader))))
            .collect();
        let assignments: BTreeSet<Unit> = clusters
            .iter()
            .filter_map(|(_, cluster)| match &cluster.upstream {
                Upstream::Assigned(assignment) => Some(Unit::LoadAssignment(assignment.clone())),
                Upstream::Dns { .. } => None,
            })
            .collect();
        Built {
            clusters,
            demands: assignments.into_iter().map(|each| (each, ())).collect(),
            problems: self.0.into_iter().map(|(object, each)| (object, each.into())).collect(),
            output,
        }
    }
}
