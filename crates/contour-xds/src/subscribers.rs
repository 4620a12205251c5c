//! Who is subscribed to what: so that a publication wakes the streams it concerns and no others.

use std::collections::{BTreeMap, BTreeSet};

use crate::exchange::{Interest, InterestChange};
use crate::resource::{Name, TypeUrl};

/// The streams of one dialect, by what they follow. `K` is the caller's key of a stream.
#[derive(Clone, Debug)]
pub struct Subscribers<K> {
    all: [BTreeSet<K>; TypeUrl::COUNT],
    one: [BTreeMap<Name, Followers<K>>; TypeUrl::COUNT],
}

/// The streams that follow one name. Mostly one: an Envoy of the separate dialect opens a stream for each resource.
#[derive(Clone, Debug)]
enum Followers<K> {
    One(K),
    Many(BTreeSet<K>),
}

impl<K: Ord + Copy> Default for Subscribers<K> {
    fn default() -> Self {
        Subscribers {
            all: std::array::from_fn(|_| BTreeSet::new()),
            one: std::array::from_fn(|_| BTreeMap::new()),
        }
    }
}

impl<K: Ord + Copy> Subscribers<K> {
    /// Takes note of what a stream began or ceased to follow.
    pub fn note(&mut self, stream: K, change: &InterestChange) {
        match change {
            InterestChange::Began(Interest::All(type_url)) => {
                self.all[*type_url as usize].insert(stream);
            }
            InterestChange::Began(Interest::One(type_url, name)) => {
                self.follow(stream, *type_url, name);
            }
            InterestChange::Ended(interest) => self.end(stream, interest),
        }
    }

    /// Forgets a stream that ended, given everything that it followed ([`crate::stream::Stream::interests`]).
    pub fn forget(&mut self, stream: K, interests: impl Iterator<Item = Interest>) {
        for interest in interests {
            self.end(stream, &interest);
        }
    }

    /// The streams that these changes concern. Costs the changes and those streams, not all streams.
    pub fn concerned(&self, changed: &[(TypeUrl, Name)]) -> BTreeSet<K> {
        let mut concerned = BTreeSet::new();
        let mut before = None;
        for (type_url, name) in changed {
            if before.replace(*type_url) != Some(*type_url) {
                concerned.extend(&self.all[*type_url as usize]);
            }
            match self.one[*type_url as usize].get(name) {
                Some(Followers::One(stream)) => drop(concerned.insert(*stream)),
                Some(Followers::Many(streams)) => concerned.extend(streams),
                None => {}
            }
        }
        concerned
    }

    /// How many resources and wildcards are followed by at least one stream.
    pub fn len(&self) -> usize {
        let wildcards = self.all.iter().filter(|streams| !streams.is_empty()).count();
        wildcards + self.one.iter().map(BTreeMap::len).sum::<usize>()
    }

    /// Whether nobody follows anything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn follow(&mut self, stream: K, type_url: TypeUrl, name: &Name) {
        let table = &mut self.one[type_url as usize];
        match table.get_mut(name) {
            None => drop(table.insert(name.clone(), Followers::One(stream))),
            Some(Followers::One(other)) if *other == stream => {}
            Some(followers @ Followers::One(_)) => {
                let Followers::One(other) = *followers else { return };
                *followers = Followers::Many(BTreeSet::from([other, stream]));
            }
            Some(Followers::Many(streams)) => drop(streams.insert(stream)),
        }
    }

    fn end(&mut self, stream: K, interest: &Interest) {
        let (type_url, name) = match interest {
            Interest::All(type_url) => {
                self.all[*type_url as usize].remove(&stream);
                return;
            }
            Interest::One(type_url, name) => (*type_url, name),
        };
        let table = &mut self.one[type_url as usize];
        let gone = match table.get_mut(name) {
            Some(Followers::One(only)) => *only == stream,
            Some(Followers::Many(streams)) => {
                streams.remove(&stream);
                streams.is_empty()
            }
            None => false,
        };
        if gone {
            table.remove(name);
        }
    }
}
