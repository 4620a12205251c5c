//! What the connected Envoys have accepted: the truth behind `Programmed` (design, section 7.6).
//!
//! Only what is *not* accepted is remembered: a stream at rest has accepted, of everything it follows, what is
//! published. So memory is bounded by what is in flight.

use std::collections::BTreeMap;

use crate::lane::Outstanding;
use crate::resource::{TypeUrl, Version};
use crate::stream::Standing;

/// The progress of the streams of one dialect. `K` is the caller's key of a stream.
#[derive(Clone, Debug)]
pub struct Progress<K> {
    unsettled: BTreeMap<K, Unsettled>,
}

/// A stream whose client has not accepted everything.
#[derive(Clone, Debug)]
struct Unsettled {
    /// The oldest and the newest publication that concerns it and that it was not seen to have looked at.
    unseen: Option<(u64, u64)>,
    outstanding: Vec<Outstanding>,
}

/// A stream whose client has not accepted the published form of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking<K> {
    /// The stream.
    pub stream: K,
    /// The version that its client accepted last, if that is known.
    pub accepted: Option<Version>,
}

impl<K: Ord + Copy> Default for Progress<K> {
    fn default() -> Self {
        Progress { unsettled: BTreeMap::new() }
    }
}

impl<K: Ord + Copy> Progress<K> {
    /// A snapshot was published that concerns these streams ([`crate::subscribers::Subscribers::concerned`]). To be
    /// called before they are woken.
    pub fn published(&mut self, epoch: u64, concerned: impl IntoIterator<Item = K>) {
        for stream in concerned {
            let entry = self
                .unsettled
                .entry(stream)
                .or_insert(Unsettled { unseen: None, outstanding: Vec::new() });
            let oldest = entry.unseen.map_or(epoch, |(oldest, _)| oldest);
            entry.unseen = Some((oldest, epoch));
        }
    }

    /// What a stream reports after it was called ([`crate::stream::Stream::standing`]).
    pub fn reported(&mut self, stream: K, standing: Standing) {
        let unseen = self.unsettled.get(&stream).and_then(|entry| entry.unseen);
        let unseen = match unseen {
            Some((_, newest)) if newest <= standing.epoch => None,
            Some((oldest, newest)) => Some((oldest.max(standing.epoch + 1), newest)),
            None => None,
        };
        if unseen.is_none() && standing.outstanding.is_empty() {
            self.unsettled.remove(&stream);
        } else {
            let outstanding = standing.outstanding;
            self.unsettled.insert(stream, Unsettled { unseen, outstanding });
        }
    }

    /// A stream ended: its client counts no longer.
    pub fn closed(&mut self, stream: &K) {
        self.unsettled.remove(stream);
    }

    /// Whether every connected client has accepted everything that was published up to and including this epoch.
    ///
    /// A form that was replaced by a newer one counts as accepted with the newer one.
    pub fn accepted(&self, epoch: u64) -> bool {
        self.oldest_unaccepted().is_none_or(|oldest| oldest > epoch)
    }

    /// The oldest epoch of which some client has not accepted everything; `None` if all have accepted all.
    pub fn oldest_unaccepted(&self) -> Option<u64> {
        let oldest = |each: &Unsettled| {
            let unseen = each.unseen.map(|(oldest, _)| oldest);
            each.outstanding.iter().map(|each| each.since).chain(unseen).min()
        };
        self.unsettled.values().filter_map(oldest).min()
    }

    /// The streams whose clients lack the published form of a resource, or have yet to look at a newer snapshot.
    pub fn lacking(&self, type_url: TypeUrl, name: &str) -> impl Iterator<Item = Lacking<K>> {
        self.unsettled.iter().filter_map(move |(stream, each)| {
            let found = each
                .outstanding
                .iter()
                .find(|each| each.type_url == type_url && *each.name == *name)
                .map(|each| each.accepted);
            let accepted = found.or(each.unseen.map(|_| None))?;
            Some(Lacking { stream: *stream, accepted })
        })
    }

    /// How many streams have something outstanding.
    pub fn unsettled(&self) -> usize {
        self.unsettled.len()
    }
}
