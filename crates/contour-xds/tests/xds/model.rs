//! A model of Envoy 1.40 as a client, by what was measured of the real one (`envoy-acceptance`).
//!
//! The first character of a resource's content says how Envoy takes it: `g` good; `p` and `d` refused with the whole
//! response, `d` without naming anyone; `s` refused for what it means: of the others in the response all (clusters and
//! listeners) or a random part is applied.

use std::collections::{BTreeMap, BTreeSet};

use contour_xds::delta::Delta;
use contour_xds::exchange::Variant;
use contour_xds::resource::TypeUrl;
use contour_xds::sotw::Sotw;
use contour_xds::wire;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use prost::Message;

/// A response in words.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) type_url: TypeUrl,
    pub(crate) nonce: String,
    version: String,
    set: Vec<(String, String, String)>,
    removed: Vec<String>,
}

impl Heard {
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &String> {
        self.set.iter().map(|(_, body, _)| body)
    }
}

/// A request in words.
#[derive(Default)]
pub(crate) struct Said {
    subscribe: Vec<String>,
    unsubscribe: Vec<String>,
    names: Vec<String>,
    holds: BTreeMap<String, String>,
    version: String,
    nonce: String,
    error: Option<String>,
}

/// A variant that the model speaks.
pub(crate) trait Spoken: Variant {
    const WHOLE: bool;
    fn hear(response: Self::Response) -> Heard;
    fn say(type_url: TypeUrl, said: Said) -> Self::Request;
}

fn status(error: Option<String>) -> Option<wire::Status> {
    error.map(|message| wire::Status { code: 13, message })
}

/// The name and content inside a body.
fn open(body: &[u8]) -> (String, String) {
    let text = std::str::from_utf8(body).expect("text");
    if let Some((name, _)) = text.split_once('=') {
        return (name.to_owned(), text.to_owned());
    }
    let name = ClusterLoadAssignment::decode(body).expect("empty").cluster_name;
    let content = format!("{name}=g-empty");
    (name, content)
}

fn flavour(body: &str) -> char {
    body.split_once('=').and_then(|(_, content)| content.chars().next()).expect("content")
}

impl Spoken for Delta {
    const WHOLE: bool = false;

    fn hear(response: Self::Response) -> Heard {
        let set = response.resources.into_iter().map(|each| {
            let (name, body) = open(&each.resource.expect("body").value);
            assert_eq!(name, each.name);
            (name, body, each.version)
        });
        Heard {
            type_url: TypeUrl::parse(&response.type_url).expect("a type"),
            nonce: response.nonce,
            version: String::new(),
            set: set.collect(),
            removed: response.removed_resources,
        }
    }

    fn say(type_url: TypeUrl, said: Said) -> Self::Request {
        wire::DeltaDiscoveryRequest {
            type_url: type_url.as_str().to_owned(),
            resource_names_subscribe: said.subscribe,
            resource_names_unsubscribe: said.unsubscribe,
            initial_resource_versions: said.holds,
            response_nonce: said.nonce,
            error_detail: status(said.error),
            node: None,
        }
    }
}

impl Spoken for Sotw {
    const WHOLE: bool = true;

    fn hear(response: Self::Response) -> Heard {
        let set = response.resources.into_iter().map(|each| {
            let (name, body) = open(&each.value);
            (name, body, String::new())
        });
        Heard {
            type_url: TypeUrl::parse(&response.type_url).expect("a type"),
            nonce: response.nonce,
            version: response.version_info,
            set: set.collect(),
            removed: Vec::new(),
        }
    }

    fn say(type_url: TypeUrl, said: Said) -> Self::Request {
        wire::DiscoveryRequest {
            type_url: type_url.as_str().to_owned(),
            resource_names: said.names,
            version_info: said.version,
            response_nonce: said.nonce,
            error_detail: status(said.error),
            node: None,
        }
    }
}

/// A subscription stream: the aggregated one, one for all clusters or listeners, or one for one resource.
pub(crate) type Key = Option<(TypeUrl, Option<String>)>;

/// What the client wants done with its streams.
pub(crate) enum Act<R> {
    Open(Key),
    Close(Key),
    Send(Key, R),
}

/// What Envoy has.
#[derive(Default)]
pub(crate) struct Envoy {
    separate: bool,
    /// In use, by type and name.
    pub(crate) uses: BTreeMap<(TypeUrl, String), String>,
    /// The last content of each secret, used or not.
    stored: BTreeMap<String, String>,
    /// Incremental: the versions of the responses that were accepted last.
    accepted: BTreeMap<(TypeUrl, String), String>,
    /// State of the world: the version that was accepted last, by type or resource.
    versions: BTreeMap<(TypeUrl, Option<String>), String>,
    nonces: BTreeMap<(TypeUrl, Option<String>), String>,
    /// Named subscriptions that the server was told of.
    told: BTreeSet<(TypeUrl, String)>,
    pub(crate) warming: BTreeSet<String>,
}

const NAMED: [TypeUrl; 3] = [TypeUrl::LoadAssignment, TypeUrl::Secret, TypeUrl::RouteConfiguration];

/// What a body refers to: `name=content>cds/a+cds/b`.
pub(crate) fn references(body: &str) -> Vec<(TypeUrl, String)> {
    let refers = body.split_once('>').map_or("", |(_, refers)| refers);
    let words = refers.split('+').filter_map(|each| each.split_once('/'));
    words.map(|(type_url, name)| (crate::talk::type_of(type_url), name.to_owned())).collect()
}

impl Envoy {
    pub(crate) fn new(separate: bool) -> Envoy {
        Envoy { separate, ..Envoy::default() }
    }

    fn key(&self, type_url: TypeUrl, name: Option<&str>) -> Key {
        let name = name.filter(|_| NAMED.contains(&type_url)).map(str::to_owned);
        self.separate.then_some((type_url, name))
    }

    /// Named resources that the configuration in use asks for.
    pub(crate) fn wants(&self) -> BTreeSet<(TypeUrl, String)> {
        let referrers = [TypeUrl::Cluster, TypeUrl::Listener];
        let roots = self.uses.iter().filter(|((type_url, _), _)| referrers.contains(type_url));
        roots.flat_map(|(_, body)| references(body)).collect()
    }

    /// Starts, or begins again on new streams.
    pub(crate) fn connect<V: Spoken>(&mut self) -> Vec<Act<V::Request>> {
        self.nonces.clear();
        self.told.clear();
        let mut acts = Vec::new();
        if !self.separate {
            acts.push(Act::Open(None));
        }
        for type_url in [TypeUrl::Cluster, TypeUrl::Listener] {
            let key = self.key(type_url, None);
            if self.separate {
                acts.push(Act::Open(key.clone()));
            }
            let holds = self.holds(|each| each.0 == type_url);
            let version = self.version(type_url, None);
            let said = Said { holds, version, ..Said::default() };
            acts.push(Act::Send(key, V::say(type_url, said)));
        }
        acts.extend(self.subscribe::<V>());
        acts
    }

    fn holds(&self, which: impl Fn(&(TypeUrl, String)) -> bool) -> BTreeMap<String, String> {
        let held = self.accepted.iter().filter(|(key, _)| which(key));
        held.map(|((_, name), version)| (name.clone(), version.clone())).collect()
    }

    fn scope(&self, type_url: TypeUrl, name: Option<&str>) -> (TypeUrl, Option<String>) {
        (type_url, name.filter(|_| self.separate && NAMED.contains(&type_url)).map(str::to_owned))
    }

    fn version(&self, type_url: TypeUrl, name: Option<&str>) -> String {
        self.versions.get(&self.scope(type_url, name)).cloned().unwrap_or_default()
    }

    /// Tells the server which named resources are wanted now.
    fn subscribe<V: Spoken>(&mut self) -> Vec<Act<V::Request>> {
        let wants = self.wants();
        let more: Vec<_> = wants.difference(&self.told).cloned().collect();
        let less: Vec<_> = self.told.difference(&wants).cloned().collect();
        for each in &less {
            self.uses.remove(each);
            self.accepted.remove(each);
            self.versions.remove(&(each.0, Some(each.1.clone())));
            self.nonces.remove(&(each.0, Some(each.1.clone())));
            self.stored.remove(&each.1);
        }
        let first: BTreeSet<TypeUrl> =
            NAMED.into_iter().filter(|each| !self.nonces.contains_key(&(*each, None))).collect();
        self.told.clone_from(&wants);
        let mut acts = Vec::new();
        if self.separate {
            for (type_url, name) in less {
                acts.push(Act::Close(self.key(type_url, Some(&name))));
            }
            for each in more {
                let key = self.key(each.0, Some(&each.1));
                let said = Said {
                    subscribe: vec![each.1.clone()],
                    names: vec![each.1.clone()],
                    holds: self.holds(|key| *key == each),
                    version: self.version(each.0, Some(&each.1)),
                    ..Said::default()
                };
                acts.push(Act::Open(key.clone()));
                acts.push(Act::Send(key, V::say(each.0, said)));
            }
            return acts;
        }
        for type_url in NAMED {
            let of = |names: &[(TypeUrl, String)]| -> Vec<String> {
                let names = names.iter().filter(|each| each.0 == type_url);
                names.map(|(_, name)| name.clone()).collect()
            };
            let (subscribe, unsubscribe) = (of(&more), of(&less));
            if subscribe.is_empty() && unsubscribe.is_empty() {
                continue;
            }
            let all: Vec<_> = wants.iter().cloned().collect();
            let holds = if first.contains(&type_url) {
                self.holds(|key| key.0 == type_url && subscribe.contains(&key.1))
            } else {
                BTreeMap::new()
            };
            let nonce = if V::WHOLE { self.nonce(type_url, None) } else { String::new() };
            let version = self.version(type_url, None);
            let names = of(&all);
            let said = Said { subscribe, unsubscribe, names, holds, version, nonce, error: None };
            acts.push(Act::Send(None, V::say(type_url, said)));
        }
        acts
    }

    fn nonce(&self, type_url: TypeUrl, name: Option<&str>) -> String {
        self.nonces.get(&self.scope(type_url, name)).cloned().unwrap_or_default()
    }

    /// Takes in a response; the answer comes first. `luck` decides which good ones of a refused response are applied.
    pub(crate) fn process<V: Spoken>(
        &mut self,
        key: &Key,
        heard: Heard,
        luck: u16,
    ) -> Vec<Act<V::Request>> {
        let type_url = heard.type_url;
        let name = key.as_ref().and_then(|(_, name)| name.as_deref());
        let scope = self.scope(type_url, name);
        self.nonces.insert(scope.clone(), heard.nonce.clone());
        let mut changed = Vec::new();
        let error = self.apply(&heard, luck, V::WHOLE, &mut changed);
        if error.is_none() {
            if V::WHOLE {
                self.versions.insert(scope, heard.version);
            }
            for (name, _, version) in &heard.set {
                if !NAMED.contains(&type_url) || self.told.contains(&(type_url, name.clone())) {
                    self.accepted.insert((type_url, name.clone()), version.clone());
                }
            }
            for name in heard.removed {
                self.accepted.remove(&(type_url, name));
            }
        }
        let told = self.told.iter().filter(|each| each.0 == type_url);
        let names = name.map_or_else(
            || told.map(|(_, name)| name.clone()).collect(),
            |name| vec![name.to_owned()],
        );
        let version = self.version(type_url, name);
        let said = Said { names, version, nonce: heard.nonce, error, ..Said::default() };
        let mut acts = vec![Act::Send(key.clone(), V::say(type_url, said))];
        if self.separate {
            // A changed cluster opens a stream of its own for its assignment.
            for name in changed {
                let assignment = (TypeUrl::LoadAssignment, name);
                if self.told.remove(&assignment) {
                    let key = (assignment.0, Some(assignment.1.clone()));
                    self.versions.remove(&key);
                    self.nonces.remove(&key);
                    self.accepted.remove(&assignment);
                    acts.push(Act::Close(Some(key)));
                }
            }
        }
        acts.extend(self.subscribe::<V>());
        acts
    }

    fn apply(
        &mut self,
        heard: &Heard,
        luck: u16,
        whole: bool,
        changed: &mut Vec<String>,
    ) -> Option<String> {
        let type_url = heard.type_url;
        let named = NAMED.contains(&type_url);
        let relevant: Vec<&(String, String, String)> = heard
            .set
            .iter()
            .filter(|(name, ..)| !named || self.told.contains(&(type_url, name.clone())))
            .collect();
        if let Some((name, body, _)) = relevant.iter().find(|each| "pd".contains(flavour(&each.1)))
        {
            if type_url == TypeUrl::LoadAssignment {
                self.warming.retain(|name| relevant.iter().all(|each| each.0 != *name));
            }
            return Some(match flavour(body) {
                'd' => "Invalid duration: Expected positive duration: seconds: -1".to_owned(),
                _ => format!(
                    "goo.gle/debugx\nname: \"{name}\"\n: Proto constraint validation failed (X)"
                ),
            });
        }
        let mut refused = Vec::new();
        for (at, (name, body, _)) in relevant.iter().enumerate() {
            let bad = flavour(body) == 's';
            if type_url == TypeUrl::Secret {
                if self.stored.get(name) == Some(body) {
                    continue;
                }
                self.stored.insert(name.clone(), body.clone());
            }
            if bad {
                refused.push(name.clone());
                if type_url == TypeUrl::LoadAssignment {
                    self.warming.remove(name);
                }
            } else {
                let some_bad = relevant.iter().any(|each| flavour(&each.1) == 's');
                if !named || !some_bad || luck >> (at % 16) & 1 == 1 {
                    self.take(type_url, name, body, changed);
                } else if type_url == TypeUrl::LoadAssignment {
                    self.warming.remove(name);
                }
            }
        }
        for name in self.gone(heard, whole) {
            self.uses.remove(&(type_url, name.clone()));
            self.warming.remove(&name);
        }
        if refused.is_empty() {
            return None;
        }
        let kind = if type_url == TypeUrl::Cluster { "cluster(s)" } else { "listener(s)" };
        let list = refused.iter().map(|name| format!("{name}: why")).collect::<Vec<_>>().join(", ");
        Some(if named { "why".to_owned() } else { format!("Error adding/updating {kind} {list}") })
    }

    /// Clusters and listeners that a response takes away; removing anything else changes nothing.
    fn gone(&self, heard: &Heard, whole: bool) -> Vec<String> {
        if NAMED.contains(&heard.type_url) {
            return Vec::new();
        }
        if !whole {
            return heard.removed.clone();
        }
        let kept: BTreeSet<&String> = heard.set.iter().map(|(name, ..)| name).collect();
        let used = self.uses.keys().filter(|(type_url, _)| *type_url == heard.type_url);
        used.map(|(_, name)| name.clone()).filter(|name| !kept.contains(name)).collect()
    }

    fn take(&mut self, type_url: TypeUrl, name: &str, body: &str, changed: &mut Vec<String>) {
        let before = self.uses.insert((type_url, name.to_owned()), body.to_owned());
        match type_url {
            TypeUrl::Cluster if before.as_deref() != Some(body) => {
                self.warming.insert(name.to_owned());
                if before.is_some() {
                    changed.push(name.to_owned());
                }
            }
            TypeUrl::LoadAssignment => drop(self.warming.remove(name)),
            _ => {}
        }
    }
}
