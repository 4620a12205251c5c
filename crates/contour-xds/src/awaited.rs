//! How long it takes until what was published is accepted by everyone whom it concerned.
//!
//! Beside [`crate::progress`], which knows what *is* accepted, this knows what *was awaited*: of each publication the streams
//! that it concerned when it was made. A resource that a client refused before holds up its own publications alone.

use std::collections::{BTreeSet, VecDeque};

use crate::lane::Outstanding;
use crate::resource::{Dialect, Name, TypeUrl};
use crate::stream::Standing;
use crate::time::Moment;

/// How many changes are awaited at once. Where more are, a client is stuck, and the oldest is forgotten.
const MOST: usize = 256;

/// The changes that somebody has yet to accept. `K` is the caller's key of a stream, of its dialect.
#[derive(Clone, Debug)]
pub struct Awaited<K>(VecDeque<Change<K>>);

/// What one change led to in one dialect.
#[derive(Clone, Debug)]
pub struct Part<K> {
    /// The dialect.
    pub dialect: Dialect,
    /// The snapshot's.
    pub epoch: u64,
    /// The resources that changed, sorted.
    pub changed: Vec<(TypeUrl, Name)>,
    /// The streams that follow one of them.
    pub concerned: BTreeSet<K>,
}

#[derive(Clone, Debug)]
struct Change<K> {
    since: Moment,
    parts: Vec<Part<K>>,
    /// Whether any of those whom it concerned has accepted it: who left has not.
    accepted: bool,
}

impl<K> Default for Awaited<K> {
    fn default() -> Awaited<K> {
        Awaited(VecDeque::new())
    }
}

impl<K: Ord> Awaited<K> {
    /// A change that came then was published so. One that concerns nobody is not awaited.
    pub fn published(&mut self, since: Moment, mut parts: Vec<Part<K>>) {
        parts.retain(|part| !part.concerned.is_empty());
        if parts.is_empty() {
            return;
        }
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(Change { since, parts, accepted: false });
    }

    /// What a stream reports after it was called ([`crate::stream::Stream::standing`]). Answers since when the changes were
    /// awaited that everyone has accepted with that.
    pub fn reported(&mut self, dialect: Dialect, stream: &K, standing: &Standing) -> Vec<Moment> {
        for change in &mut self.0 {
            for part in change.parts.iter_mut().filter(|part| part.dialect == dialect) {
                if part.concerned.contains(stream) && part.is_accepted(standing) {
                    part.concerned.remove(stream);
                    change.accepted = true;
                }
            }
        }
        self.take_accepted()
    }

    /// A stream ended: its client counts no longer. Answers as [`Awaited::reported`] does.
    pub fn closed(&mut self, dialect: Dialect, stream: &K) -> Vec<Moment> {
        for change in &mut self.0 {
            for part in change.parts.iter_mut().filter(|part| part.dialect == dialect) {
                part.concerned.remove(stream);
            }
        }
        self.take_accepted()
    }

    fn take_accepted(&mut self) -> Vec<Moment> {
        let mut accepted = Vec::new();
        self.0.retain(|change| {
            let lacking = change.parts.iter().any(|part| !part.concerned.is_empty());
            if !lacking && change.accepted {
                accepted.push(change.since);
            }
            lacking
        });
        accepted
    }
}

impl<K> Part<K> {
    /// Whether a client that stands so has accepted it, or something newer in its place.
    fn is_accepted(&self, standing: &Standing) -> bool {
        let changed = |each: &Outstanding| {
            let (type_url, name) = (&each.type_url, &each.name);
            self.changed
                .binary_search_by(|(one, other)| (one, other).cmp(&(type_url, name)))
                .is_ok()
        };
        let mut older = standing.outstanding.iter().filter(|each| each.since <= self.epoch);
        standing.epoch >= self.epoch && !older.any(changed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DIALECT: Dialect = Dialect::Aggregated;

    fn at(second: u64) -> Moment {
        Moment(Duration::from_secs(second))
    }

    fn part(dialect: Dialect, epoch: u64, name: &str, concerned: &[u8]) -> Part<u8> {
        let changed = vec![(TypeUrl::Cluster, name.into())];
        Part { dialect, epoch, changed, concerned: concerned.iter().copied().collect() }
    }

    /// A change in the second of its epoch, of the cluster of this name, that concerns these streams.
    fn publish(awaited: &mut Awaited<u8>, epoch: u64, name: &str, concerned: &[u8]) {
        awaited.published(at(epoch), vec![part(DIALECT, epoch, name, concerned)]);
    }

    /// A client that was shown this epoch and lacks these clusters since then.
    fn standing(epoch: u64, lacking: &[(&str, u64)]) -> Standing {
        let outstanding = lacking.iter().map(|(name, since)| Outstanding {
            type_url: TypeUrl::Cluster,
            name: (*name).into(),
            accepted: None,
            since: *since,
        });
        Standing { epoch, outstanding: outstanding.collect() }
    }

    #[test]
    fn a_change_is_accepted_with_the_last_whom_it_concerned() {
        let mut awaited = Awaited::default();
        publish(&mut awaited, 1, "a", &[1, 2]);
        assert_eq!(awaited.reported(DIALECT, &1, &standing(1, &[("a", 1)])), []);
        assert_eq!(awaited.reported(DIALECT, &1, &standing(1, &[])), []);
        assert_eq!(
            awaited.reported(DIALECT, &3, &standing(1, &[])),
            [],
            "whom it does not concern"
        );
        assert_eq!(awaited.reported(DIALECT, &2, &standing(1, &[])), [at(1)]);
        assert_eq!(awaited.reported(DIALECT, &2, &standing(1, &[])), [], "it is told once");
    }

    #[test]
    fn who_has_not_looked_has_not_accepted() {
        let mut awaited = Awaited::default();
        publish(&mut awaited, 2, "a", &[1]);
        assert_eq!(awaited.reported(DIALECT, &1, &standing(1, &[])), []);
        assert_eq!(awaited.reported(DIALECT, &1, &standing(3, &[("a", 3)])), [at(2)]);
    }

    #[test]
    fn what_is_refused_holds_up_its_own_change_alone() {
        let mut awaited = Awaited::default();
        publish(&mut awaited, 1, "refused", &[1]);
        publish(&mut awaited, 2, "a", &[1]);
        let refuses = standing(2, &[("refused", 1)]);
        assert_eq!(awaited.reported(DIALECT, &1, &refuses), [at(2)]);
        publish(&mut awaited, 3, "refused", &[1]);
        assert_eq!(awaited.reported(DIALECT, &1, &standing(3, &[])), [at(1), at(3)]);
    }

    #[test]
    fn both_dialects_have_to_accept() {
        let mut awaited = Awaited::default();
        let parts = [DIALECT, Dialect::Separate].map(|each| part(each, 1, "a", &[1]));
        awaited.published(at(1), parts.to_vec());
        assert_eq!(awaited.reported(DIALECT, &1, &standing(1, &[])), []);
        assert_eq!(awaited.reported(Dialect::Separate, &1, &standing(1, &[])), [at(1)]);
    }

    #[test]
    fn what_concerns_nobody_is_not_awaited_and_who_leaves_accepts_nothing() {
        let mut awaited = Awaited::default();
        publish(&mut awaited, 1, "a", &[]);
        publish(&mut awaited, 2, "a", &[1]);
        assert_eq!(awaited.closed(DIALECT, &1), []);
        publish(&mut awaited, 3, "a", &[1, 2]);
        assert_eq!(awaited.reported(DIALECT, &1, &standing(3, &[])), []);
        assert_eq!(awaited.closed(DIALECT, &2), [at(3)], "everyone who is left has accepted it");
    }

    #[test]
    fn a_client_that_is_stuck_costs_no_memory_without_bound() {
        let mut awaited = Awaited::default();
        for epoch in 0..2 * MOST as u64 {
            publish(&mut awaited, epoch, "a", &[1]);
        }
        assert_eq!(awaited.0.len(), MOST);
    }
}
