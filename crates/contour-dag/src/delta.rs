//! What one batch of changes did to the graph.

use std::sync::Arc;

use crate::cluster::{Cluster, ClusterName};
use crate::host::{Host, HostName};
use crate::load_assignment::{Assignment, LoadAssignment};

/// Changed values by key: the new value, or `None` if it is gone. Sorted by key; each key at most once.
pub type Edits<K, V> = Vec<(K, Option<Arc<V>>)>;

/// What one batch of changes did to the graph.
///
/// Every cluster that a host forwards to, and the load assignment of every such cluster, is there when the host is: in
/// this delta or in one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Hosts that appeared, changed or went.
    pub hosts: Edits<HostName, Host>,
    /// Clusters likewise.
    pub clusters: Edits<ClusterName, Cluster>,
    /// Load assignments likewise.
    pub load_assignments: Edits<Assignment, LoadAssignment>,
}

impl Delta {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.clusters.is_empty() && self.load_assignments.is_empty()
    }
}
