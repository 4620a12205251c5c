//! What statuses say now, as far as the watches know.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use contour_builder::{ObjectRef, Revision};
use tokio::sync::Notify;

/// What was seen last of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The version that a write has to name.
    pub resource_version: Box<str>,
    /// What its author wrote.
    pub revision: Revision,
    /// Its status as JSON, empty if it has none; `None` if that is not known, and has to be read before it is written.
    pub status: Option<Box<[u8]>>,
}

/// What statuses say now. Filled by the watches, read by the writer.
#[derive(Debug, Default)]
pub struct Observed {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    seen: HashMap<ObjectRef, (Seen, Source)>,
    changed: BTreeSet<ObjectRef>,
}

/// Who told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// A watch, which may lag behind.
    Watch,
    /// The API server itself, as the answer to a request of ours.
    Answer,
}

impl Seen {
    /// Whether this is certainly older: versions are numbers that grow, as far as they are numbers.
    fn is_older_than(&self, other: &Seen) -> bool {
        let number = |seen: &Seen| seen.resource_version.parse::<u64>().ok();
        number(self).zip(number(other)).is_some_and(|(this, other)| this < other)
    }
}

impl Observed {
    /// A watch told of an object. What the API server answered us later than that is not forgotten for it: it would be
    /// written once more.
    pub fn see(&self, object: ObjectRef, seen: Seen) {
        let lags = |state: &State| {
            let known = state.seen.get(&object);
            known.is_some_and(|(known, by)| *by == Source::Answer && seen.is_older_than(known))
        };
        if !lags(&self.state()) {
            self.put(object, seen, Source::Watch);
        }
    }

    /// The API server answered this of an object. One that the watches have seen go stays gone.
    pub(super) fn learn(&self, object: ObjectRef, seen: Seen) {
        if self.state().seen.contains_key(&object) {
            self.put(object, seen, Source::Answer);
        }
    }

    fn put(&self, object: ObjectRef, seen: Seen, source: Source) {
        {
            let state = &mut *self.state();
            state.seen.insert(object.clone(), (seen, source));
            state.changed.insert(object);
        }
        self.changed.notify_one();
    }

    /// An object is gone.
    pub fn forget(&self, object: &ObjectRef) {
        let state = &mut *self.state();
        state.seen.remove(object);
        state.changed.remove(object);
    }

    /// What was seen last.
    pub fn get(&self, object: &ObjectRef) -> Option<Seen> {
        self.state().seen.get(object).map(|(seen, _)| seen.clone())
    }

    /// Waits for objects that were seen since the last call.
    pub(super) async fn changed(&self) -> BTreeSet<ObjectRef> {
        loop {
            let changed = std::mem::take(&mut self.state().changed);
            if !changed.is_empty() {
                return changed;
            }
            self.changed.notified().await;
        }
    }

    /// What is done under the lock leaves nothing half made.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use contour_builder::{Kind, ObjectName};

    use super::*;

    fn object() -> ObjectRef {
        ObjectRef { kind: Kind::HttpProxy, name: ObjectName::new("default", "proxy") }
    }

    fn seen(version: &str) -> Seen {
        let revision = Revision { generation: 1, uid: 0 };
        Seen { resource_version: version.into(), revision, status: Some(Box::default()) }
    }

    #[track_caller]
    fn check(observed: &Observed, expect: &str) {
        let version = observed.get(&object()).map(|seen| seen.resource_version);
        assert_eq!(version.as_deref(), Some(expect));
    }

    #[test]
    fn a_watch_that_lags_does_not_undo_what_was_answered() {
        let observed = Observed::default();
        observed.see(object(), seen("7"));
        observed.learn(object(), seen("9"));
        observed.see(object(), seen("8"));
        check(&observed, "9");
        observed.see(object(), seen("10"));
        check(&observed, "10");
    }

    #[test]
    fn versions_may_go_back_if_the_api_server_says_so() {
        let observed = Observed::default();
        observed.see(object(), seen("1000"));
        observed.learn(object(), seen("900"));
        observed.learn(object(), seen("3"));
        check(&observed, "3");
        observed.see(object(), seen("900"));
        observed.see(object(), seen("4"));
        check(&observed, "4");
    }

    #[test]
    fn what_is_gone_stays_gone_whatever_is_answered() {
        let observed = Observed::default();
        observed.see(object(), seen("7"));
        observed.forget(&object());
        observed.learn(object(), seen("8"));
        assert_eq!(observed.get(&object()), None);
    }
}
