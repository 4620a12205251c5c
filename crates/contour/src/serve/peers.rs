//! Who is connected, and how each stands: for people who debug.
//!
//! What is kept belongs to an Envoy, not to its streams: ten thousand streams of one Envoy share it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use contour_xds::exchange::{Outcome, Verdict};
use contour_xds::resource::{Dialect, Name, TypeUrl, Version};

/// Who has streams open.
#[derive(Debug, Default)]
pub struct Peers(Mutex<BTreeMap<Key, Arc<Peer>>>);

/// What tells one client from another. Two Envoys that say the same of themselves are told as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    node: Box<str>,
    version: Box<str>,
    dialect: Dialect,
}

/// A client with at least one stream.
#[derive(Debug)]
pub struct Peer {
    key: Key,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    streams: usize,
    types: [Standing; TypeUrl::COUNT],
}

/// How a client stands, in one type, on all of its streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many responses it was sent.
    pub sent: u64,
    /// The version of the newest; empty for none.
    pub sent_version: Box<str>,
    /// How many it accepted.
    pub accepted: u64,
    /// The version of the newest that it accepted.
    pub accepted_version: Option<Version>,
    /// How many it refused.
    pub refused: u64,
    /// The newest that it refused.
    pub refusal: Option<Refusal>,
}

/// A response that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When the answer came.
    pub at: SystemTime,
    /// The response's version.
    pub version: Version,
    /// Envoy's words, redacted.
    pub message: String,
    /// The resources that are known to be the cause; none if that is not known yet.
    pub guilty: Vec<Name>,
}

/// A client as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What it calls itself.
    pub node: String,
    /// Its release; empty if it did not say.
    pub version: String,
    /// The dialect that it speaks.
    pub dialect: Dialect,
    /// How many streams it has.
    pub streams: usize,
    /// How it stands, of each type that it was sent anything of.
    pub types: Vec<(TypeUrl, Standing)>,
}

impl Peers {
    /// A client opens a stream, and says who it is.
    pub fn enter(&self, node: &str, version: &str, dialect: Dialect) -> Arc<Peer> {
        let key = Key { node: node.into(), version: version.into(), dialect };
        let mut peers = self.lock();
        let peer = peers
            .entry(key.clone())
            .or_insert_with(|| Arc::new(Peer { key, state: Mutex::default() }));
        peer.state().streams += 1;
        Arc::clone(peer)
    }

    /// One of its streams has ended. What is known of it goes with the last.
    pub fn leave(&self, peer: &Peer) {
        let mut peers = self.lock();
        let mut state = peer.state();
        state.streams = state.streams.saturating_sub(1);
        if state.streams == 0 {
            peers.remove(&peer.key);
        }
    }

    /// Everyone, by name.
    pub fn shown(&self) -> Vec<Shown> {
        self.lock().values().map(|peer| peer.shown()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Peer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peer {
    /// What it calls itself.
    pub fn node(&self) -> &str {
        &self.key.node
    }

    /// It is sent a response.
    pub fn sent(&self, type_url: TypeUrl, version: &str) {
        let standing = &mut self.state().types[type_url as usize];
        standing.sent += 1;
        if *standing.sent_version != *version {
            standing.sent_version = version.into();
        }
    }

    /// It answered.
    pub fn answered(&self, verdict: &Verdict) {
        let standing = &mut self.state().types[verdict.type_url as usize];
        match &verdict.outcome {
            Outcome::Accepted => {
                standing.accepted += 1;
                standing.accepted_version = Some(verdict.version);
            }
            Outcome::Refused { message, guilty } => {
                standing.refused += 1;
                standing.refusal = Some(Refusal {
                    at: SystemTime::now(),
                    version: verdict.version,
                    message: message.clone(),
                    guilty: guilty.clone(),
                });
            }
        }
    }

    fn shown(&self) -> Shown {
        let state = self.state();
        let types = TypeUrl::ALL.into_iter().map(|each| (each, &state.types[each as usize]));
        let types = types.filter(|(_, standing)| **standing != Standing::default());
        Shown {
            node: self.key.node.to_string(),
            version: self.key.version.to_string(),
            dialect: self.key.dialect,
            streams: state.streams,
            types: types.map(|(type_url, standing)| (type_url, standing.clone())).collect(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_client_are_counted_and_the_last_takes_it_along() {
        let peers = Peers::default();
        let one = peers.enter("envoy-1", "1.40.0", Dialect::Separate);
        let two = peers.enter("envoy-1", "1.40.0", Dialect::Separate);
        peers.enter("envoy-2", "1.40.0", Dialect::Aggregated);
        let streams: Vec<usize> = peers.shown().iter().map(|each| each.streams).collect();
        assert_eq!(streams, [2, 1]);
        peers.leave(&one);
        peers.leave(&two);
        let nodes: Vec<String> = peers.shown().into_iter().map(|each| each.node).collect();
        assert_eq!(nodes, ["envoy-2"]);
    }
}
