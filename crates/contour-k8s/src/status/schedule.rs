//! When objects are looked at again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use contour_builder::{Kind, ObjectRef};
use tokio::time::Instant;

use crate::source::cluster::Pause;

/// After how long without one a first pause is short again.
const FORGOTTEN: Duration = Duration::from_mins(1);

/// How long to wait where we are not allowed to write: somebody has to change the rules first.
const FORBIDDEN: Duration = Duration::from_mins(1);

/// Objects that wait, each longer every time.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    objects: HashMap<ObjectRef, Entry>,
    times: BTreeSet<(Instant, ObjectRef)>,
}

#[derive(Debug)]
struct Entry {
    pause: Pause,
    /// Until when it waits, or did.
    until: Instant,
    /// Whether it still does.
    waits: bool,
}

impl Waiting {
    /// Has an object wait. Answers whether it is the first time, or the first for long.
    pub(super) fn put_off(&mut self, object: &ObjectRef, now: Instant) -> bool {
        let new = || Entry { pause: Pause::default(), until: now, waits: false };
        let entry = self.objects.entry(object.clone()).or_insert_with(new);
        self.times.remove(&(entry.until, object.clone()));
        if now.saturating_duration_since(entry.until) > FORGOTTEN {
            entry.pause.reset();
        }
        let first = entry.pause.is_first();
        (entry.until, entry.waits) = (now + entry.pause.next(), true);
        self.times.insert((entry.until, object.clone()));
        first
    }

    /// It need not wait this time.
    pub(super) fn take_out(&mut self, object: &ObjectRef) {
        if let Some(entry) = self.objects.get_mut(object) {
            entry.waits = false;
            self.times.remove(&(entry.until, object.clone()));
        }
    }

    pub(super) fn waits(&self, object: &ObjectRef) -> bool {
        self.objects.get(object).is_some_and(|entry| entry.waits)
    }

    /// It waits no longer, and the next time is the first again.
    pub(super) fn forget(&mut self, object: &ObjectRef) {
        if let Some(entry) = self.objects.remove(object) {
            self.times.remove(&(entry.until, object.clone()));
        }
    }

    /// When the first has waited long enough.
    pub(super) fn next(&self) -> Option<Instant> {
        self.times.first().map(|(until, _)| *until)
    }

    /// Those that have waited long enough.
    pub(super) fn take(&mut self, now: Instant) -> Vec<ObjectRef> {
        let mut taken = Vec::new();
        while self.next().is_some_and(|until| until <= now) {
            let Some((_, object)) = self.times.pop_first() else { break };
            if let Some(entry) = self.objects.get_mut(&object) {
                entry.waits = false;
            }
            taken.push(object);
        }
        taken
    }
}

/// Kinds whose statuses we may not write. Their objects wait together: the server has said what it has to say of all.
#[derive(Debug, Default)]
pub(super) struct Forbidden(BTreeMap<Kind, Closed>);

#[derive(Debug)]
struct Closed {
    until: Instant,
    objects: BTreeSet<ObjectRef>,
}

impl Forbidden {
    /// The server does not let us. Has an object and its like wait.
    pub(super) fn close(&mut self, object: ObjectRef, now: Instant) {
        let new = || Closed { until: now + FORBIDDEN, objects: BTreeSet::new() };
        self.0.entry(object.kind).or_insert_with(new).objects.insert(object);
    }

    /// Has an object wait if others of its kind do.
    pub(super) fn holds_back(&mut self, object: &ObjectRef) -> bool {
        let closed = self.0.get_mut(&object.kind);
        closed.is_some_and(|closed| {
            closed.objects.insert(object.clone());
            true
        })
    }

    pub(super) fn forget(&mut self, object: &ObjectRef) {
        if let Some(closed) = self.0.get_mut(&object.kind) {
            closed.objects.remove(object);
        }
    }

    /// When it is tried again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().map(|closed| closed.until).min()
    }

    /// Those that have waited long enough.
    pub(super) fn take(&mut self, now: Instant) -> BTreeSet<ObjectRef> {
        let open = self.0.extract_if(.., |_, closed| closed.until <= now);
        open.flat_map(|(_, closed)| closed.objects).collect()
    }
}

#[cfg(test)]
mod tests {
    use contour_builder::ObjectName;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn object(kind: Kind, name: &str) -> ObjectRef {
        ObjectRef { kind, name: ObjectName::new("default", name) }
    }

    fn proxy(name: &str) -> ObjectRef {
        object(Kind::HttpProxy, name)
    }

    #[test]
    fn who_waits_is_told_once_when_it_has_waited() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        assert!(waiting.put_off(&proxy("a"), now));
        assert!(waiting.waits(&proxy("a")) && waiting.take(now).is_empty());
        let until = waiting.next().expect("it waits");
        assert_eq!(waiting.take(until), [proxy("a")]);
        assert!(!waiting.waits(&proxy("a")) && waiting.next().is_none());
    }

    #[test]
    fn each_pause_is_longer_until_it_was_quiet_for_long() {
        let (mut waiting, mut now) = (Waiting::default(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..3 {
            waiting.put_off(&proxy("a"), now);
            let until = waiting.next().expect("it waits");
            pauses.push(until - now);
            now = until;
            waiting.take(now);
        }
        assert!(pauses[0] < pauses[2], "{pauses:?}");
        assert!(waiting.put_off(&proxy("a"), now + FORGOTTEN + LONG), "as for the first time");
    }

    #[test]
    fn who_is_forgotten_does_not_wait() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        waiting.put_off(&proxy("a"), now);
        waiting.put_off(&proxy("a"), now);
        waiting.forget(&proxy("a"));
        assert!(!waiting.waits(&proxy("a")) && waiting.next().is_none());
    }

    #[test]
    fn objects_of_a_forbidden_kind_wait_together() {
        let (mut forbidden, now) = (Forbidden::default(), Instant::now());
        assert!(!forbidden.holds_back(&proxy("a")));
        forbidden.close(proxy("a"), now);
        assert!(forbidden.holds_back(&proxy("b")) && forbidden.holds_back(&proxy("c")));
        assert!(!forbidden.holds_back(&object(Kind::Ingress, "a")));
        forbidden.forget(&proxy("c"));
        assert!(forbidden.take(now).is_empty());
        let until = forbidden.next().expect("it is tried again");
        assert_eq!(forbidden.take(until), BTreeSet::from([proxy("a"), proxy("b")]));
        assert!(!forbidden.holds_back(&proxy("a")));
    }
}
