//! How it stands with the API server, for whoever asks whether Contour is ready.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contour_builder::Kind;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::told::{Loudness, Recovered, Told};

/// How it stands with one watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Its first list is under way, or the API server does not answer.
    #[default]
    Waiting,
    /// Everything that was there is told, and changes follow.
    Synced,
    /// The API server does not serve the kind. It is looked for again and again.
    Absent,
    /// We may not read it; what we would have to be allowed.
    Forbidden(Permission),
}

/// What the RBAC rules would have to allow. Prints as `list, watch httpproxies.projectcontour.io`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The plural name of the resource, with its group.
    pub resource: String,
    /// In this namespace; none means in all.
    pub namespace: Option<String>,
}

impl fmt::Display for Permission {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "list, watch {}", self.resource)?;
        match &self.namespace {
            Some(namespace) => write!(out, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

impl Standing {
    fn is_settled(&self) -> bool {
        matches!(self, Standing::Synced | Standing::Absent)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Standing::Waiting => out.write_str("waiting for its first list"),
            Standing::Synced => out.write_str("synced"),
            Standing::Absent => out.write_str("not served by the API server"),
            Standing::Forbidden(permission) => write!(out, "forbidden; needs: {permission}"),
        }
    }
}

/// One watch: a kind, in one namespace or in all.
pub type WatchKey = (Kind, Option<String>);

/// How it stands with the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Whether it has answered at all since the start.
    pub reached: bool,
    /// Whether its last answer came, or failed to.
    pub up: bool,
    /// Each watch.
    pub watches: BTreeMap<WatchKey, Standing>,
}

impl Health {
    /// Whether everything that there is of a kind was read.
    pub fn has(&self, kind: Kind) -> bool {
        let of_kind = self.watches.iter().filter(|((each, _), _)| *each == kind);
        of_kind.clone().count() > 0
            && of_kind.map(|(_, standing)| standing).all(Standing::is_settled)
    }

    /// Whether everything that can be read was read: then what is known is complete.
    ///
    /// A kind that is not served counts as read: there is nothing of it. One that we may not read does not: what is known
    /// would be a half.
    pub fn is_synced(&self) -> bool {
        self.reached && self.watches.values().all(Standing::is_settled)
    }
}

/// Where watches say how it stands.
#[derive(Clone, Debug)]
pub(super) struct Reporter {
    health: watch::Sender<Health>,
    told: Arc<Mutex<Told<WatchKey>>>,
}

impl Reporter {
    pub(super) fn new(sender: watch::Sender<Health>) -> Reporter {
        Reporter { health: sender, told: Arc::default() }
    }

    /// A watch was interrupted. Answers how loudly to say so.
    pub(super) fn interrupted(&self, watch: &WatchKey, cause: &str) -> Loudness {
        self.told().failed(watch, cause, Instant::now())
    }

    /// A watch goes on. Answers what to say if it was interrupted.
    pub(super) fn goes_on(&self, watch: &WatchKey) -> Option<Recovered> {
        self.told().went_well(watch, Instant::now())
    }

    /// What is done under the lock leaves nothing half made.
    fn told(&self) -> MutexGuard<'_, Told<WatchKey>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The API server answered, whatever it said.
    pub(super) fn answered(&self) {
        self.change(|health| {
            let changed = !health.up || !health.reached;
            (health.up, health.reached) = (true, true);
            changed
        });
    }

    /// It did not.
    pub(super) fn failed(&self) {
        self.change(|health| std::mem::replace(&mut health.up, false));
    }

    /// How it stands with a watch. Answers whether that is news.
    pub(super) fn stands(&self, watch: &WatchKey, standing: Standing) -> bool {
        self.change(|health| {
            health.watches.insert(watch.clone(), standing.clone()) != Some(standing)
        })
    }

    fn change(&self, modify: impl FnOnce(&mut Health) -> bool) -> bool {
        self.health.send_if_modified(modify)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(standings: &[Standing]) -> Health {
        let watches = Kind::ALL.into_iter().zip(standings.iter().cloned());
        let watches = watches.map(|(kind, standing)| ((kind, None), standing)).collect();
        Health { reached: true, up: true, watches }
    }

    fn forbidden() -> Standing {
        let resource = "services".to_owned();
        Standing::Forbidden(Permission { resource, namespace: None })
    }

    #[test]
    fn what_cannot_be_there_is_not_waited_for() {
        assert!(health(&[Standing::Synced, Standing::Absent]).is_synced());
    }

    #[test]
    fn what_may_be_there_is_waited_for() {
        assert!(!health(&[Standing::Synced, Standing::Waiting]).is_synced());
        assert!(!health(&[Standing::Synced, forbidden()]).is_synced());
        assert!(!Health::default().is_synced());
    }

    #[test]
    fn a_permission_names_what_is_to_be_allowed() {
        let expect = "forbidden; needs: list, watch services";
        assert_eq!(forbidden().to_string(), expect);
    }
}
