//! Conversations as text.
//!
//! A script is what happens and what comes of it, in order. The lines that say what happens are carried out; the script
//! must then equal the record of what happened and came of it:
//!
//! ```text
//! publish cds/a=1>eds/a -eds/b   resources change: `a` with content `1`, referring to eds/a; eds/b is removed
//! > cds +a -b holds c=1          the client subscribes to a, unsubscribes from b, and says that it holds c
//! > cds +a ack 1                 … and accepts response 1
//! > cds nack 1 why               … or refuses it
//! < cds 1 a=1 -b                 response 1: a with content 1, and b is removed
//! ! cds 1 guilty a               response 1 was refused, and a is known to be the reason
//! at 250                         the clock shows 250 ms
//! deadline                       (answered with `deadline 250`, or `deadline none`)
//! reconnect                      a new stream begins
//! ```
//!
//! A state-of-the-world client repeats its whole list of names, and the version it accepted last; `fresh` makes it
//! forget the version.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use contour_xds::cache::Cache;
use contour_xds::delta::Delta;
use contour_xds::exchange::{Outcome, Reply, Variant, View};
use contour_xds::refusals::Refusals;
use contour_xds::resource::{self, Audience, Dialect, Edit, Name, Reference, Resource, TypeUrl};
use contour_xds::sotw::Sotw;
use contour_xds::stream::Stream;
use contour_xds::time::Moment;
use contour_xds::wire;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use prost::Message as _;

pub(crate) const SHORT: [(&str, TypeUrl); 6] = [
    ("rtds", TypeUrl::Runtime),
    ("cds", TypeUrl::Cluster),
    ("eds", TypeUrl::LoadAssignment),
    ("sds", TypeUrl::Secret),
    ("lds", TypeUrl::Listener),
    ("rds", TypeUrl::RouteConfiguration),
];

pub(crate) fn type_of(short: &str) -> TypeUrl {
    SHORT.iter().find(|(each, _)| *each == short).expect("a type").1
}

pub(crate) fn short(url: &str) -> &'static str {
    SHORT.iter().find(|(_, each)| each.as_str() == url).expect("a type URL").0
}

/// `name=content>rds/r+sds/s`
pub(crate) fn resource(name: &str, text: &str) -> Resource {
    let (content, refers) = text.split_once('>').unwrap_or((text, ""));
    let refers = refers.split('+').filter(|each| !each.is_empty()).map(|each| {
        let (short, name) = each.split_once('/').expect("type/name");
        Reference { type_url: type_of(short), name: Name::from(name) }
    });
    Resource::new(Bytes::from(format!("{name}={content}")), refers)
}

/// Resources change as `type/name=content` and `-type/name` say.
pub(crate) fn edits(words: &[&str], audience: Audience) -> resource::Delta {
    let edit = |word: &&str| {
        let (key, content) = match word.strip_prefix('-') {
            Some(key) => (key, None),
            None => {
                word.split_once('=').map(|(key, content)| (key, Some(content))).expect("=content")
            }
        };
        let (short, name) = key.split_once('/').expect("type/name");
        Edit {
            audience,
            type_url: type_of(short),
            name: Name::from(name),
            resource: content.map(|content| resource(name, content)),
        }
    };
    resource::Delta { edits: words.iter().map(edit).collect() }
}

/// What the content of a resource is called in a script.
fn content(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) if text.contains('=') => text.to_owned(),
        _ => {
            let empty = ClusterLoadAssignment::decode(body).expect("an empty assignment");
            format!("{}=empty", empty.cluster_name)
        }
    }
}

/// What a client has said and heard about one type.
#[derive(Default)]
pub(crate) struct Memory {
    names: BTreeSet<String>,
    version: String,
    /// Of the last response; delta clients repeat none.
    nonce: String,
    /// The version of each response, by nonce.
    offered: BTreeMap<String, String>,
}

/// A request in words.
#[derive(Default)]
pub(crate) struct Words {
    subscribe: Vec<String>,
    unsubscribe: Vec<String>,
    holds: BTreeMap<String, String>,
    nonce: String,
    error: Option<wire::Status>,
    fresh: bool,
}

impl Words {
    fn read(words: &[&str]) -> Words {
        let mut read = Words::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "ack" => read.nonce = words.next().expect("a nonce").to_string(),
                "nack" => {
                    read.nonce = words.next().expect("a nonce").to_string();
                    let message = words.by_ref().copied().collect::<Vec<_>>().join(" ");
                    read.error = Some(wire::Status { code: 13, message });
                }
                "fresh" => read.fresh = true,
                "holds" => {
                    for held in words.by_ref() {
                        let (name, content) = held.split_once('=').expect("name=content");
                        let version = match content {
                            "?" => "somebody else's".to_owned(),
                            content => resource(name, content).version.to_string(),
                        };
                        read.holds.insert(name.to_owned(), version);
                    }
                }
                word => match (word.strip_prefix('+'), word.strip_prefix('-')) {
                    (Some(name), _) => read.subscribe.push(name.to_owned()),
                    (_, Some(name)) => read.unsubscribe.push(name.to_owned()),
                    _ => panic!("what is {word:?}?"),
                },
            }
        }
        read
    }
}

/// A variant that can be put into words.
pub(crate) trait Spoken: Variant {
    fn request(type_url: TypeUrl, words: Words, memory: &mut Memory) -> Self::Request;
    fn heard(response: Self::Response, memory: &mut BTreeMap<TypeUrl, Memory>) -> String;
}

impl Spoken for Delta {
    fn request(type_url: TypeUrl, words: Words, _: &mut Memory) -> Self::Request {
        wire::DeltaDiscoveryRequest {
            type_url: type_url.as_str().to_owned(),
            resource_names_subscribe: words.subscribe,
            resource_names_unsubscribe: words.unsubscribe,
            initial_resource_versions: words.holds,
            response_nonce: words.nonce,
            error_detail: words.error,
            node: None,
        }
    }

    fn heard(response: Self::Response, _: &mut BTreeMap<TypeUrl, Memory>) -> String {
        let mut line = format!("< {} {}", short(&response.type_url), response.nonce);
        for each in response.resources {
            let body = each.resource.expect("a body").value;
            let version = contour_xds::resource::Version::of(&body).to_string();
            assert_eq!(each.version, version, "the version is of the content");
            assert!(content(&body).starts_with(&format!("{}=", each.name)), "{}", each.name);
            line = format!("{line} {}", content(&body));
        }
        for name in response.removed_resources {
            line = format!("{line} -{name}");
        }
        line
    }
}

impl Spoken for Sotw {
    fn request(type_url: TypeUrl, words: Words, memory: &mut Memory) -> Self::Request {
        memory.names.extend(words.subscribe);
        for name in words.unsubscribe {
            memory.names.remove(&name);
        }
        if words.fresh {
            memory.version = String::new();
        }
        wire::DiscoveryRequest {
            type_url: type_url.as_str().to_owned(),
            resource_names: memory.names.iter().cloned().collect(),
            response_nonce: words.nonce,
            version_info: memory.version.clone(),
            error_detail: words.error,
            node: None,
        }
    }

    fn heard(response: Self::Response, memory: &mut BTreeMap<TypeUrl, Memory>) -> String {
        let mut line = format!("< {} {}", short(&response.type_url), response.nonce);
        for each in response.resources {
            line = format!("{line} {}", content(&each.value));
        }
        let memory = memory.entry(type_of(short(&response.type_url))).or_default();
        memory.nonce.clone_from(&response.nonce);
        memory.offered.insert(response.nonce, response.version_info);
        line
    }
}

struct Talk<V> {
    stream: Stream<V>,
    typed: Option<TypeUrl>,
    cache: Cache,
    refusals: Refusals,
    now: Moment,
    memory: BTreeMap<TypeUrl, Memory>,
    record: Vec<String>,
}

impl<V: Spoken> Talk<V> {
    fn new(typed: Option<TypeUrl>) -> Talk<V> {
        Talk {
            stream: Self::stream(typed),
            typed,
            cache: Cache::default(),
            refusals: Refusals::default(),
            now: Moment::default(),
            memory: BTreeMap::new(),
            record: Vec::new(),
        }
    }

    fn stream(typed: Option<TypeUrl>) -> Stream<V> {
        typed.map_or_else(Stream::aggregated, Stream::typed)
    }

    fn call(&mut self, call: impl FnOnce(&mut Stream<V>, View<'_>) -> Reply<V::Response>) {
        let snapshot = self.cache.snapshot(Dialect::Aggregated).expect("always").clone();
        let view = View { snapshot: &snapshot, refusals: &self.refusals, now: self.now };
        let reply = call(&mut self.stream, view);
        if let Some(verdict) = &reply.verdict
            && let Outcome::Refused { guilty, .. } = &verdict.outcome
        {
            let names = guilty.iter().map(|name| format!(" {name}"));
            let names = if guilty.is_empty() { " unknown".to_owned() } else { names.collect() };
            let type_url = short(verdict.type_url.as_str());
            self.record.push(format!("! {type_url} {} guilty{names}", verdict.nonce));
        }
        for mark in reply.marks {
            self.refusals.note(mark);
        }
        for response in reply.responses {
            self.record.push(V::heard(response, &mut self.memory));
        }
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[0] {
            "publish" => {
                self.record.push(line.to_owned());
                let published = self.cache.publish(&edits(&words[1..], Audience::All), self.now);
                if let Some(publication) = published.aggregated {
                    self.refusals.published(&publication);
                    self.call(Stream::on_publish);
                }
            }
            ">" => {
                self.record.push(line.to_owned());
                let type_url = type_of(words[1]);
                let mut words = Words::read(&words[2..]);
                let memory = self.memory.entry(type_url).or_default();
                if words.error.is_none()
                    && let Some(version) = memory.offered.get(&words.nonce)
                {
                    memory.version.clone_from(version);
                }
                if words.nonce.is_empty() {
                    words.nonce.clone_from(&memory.nonce);
                }
                let request = V::request(type_url, words, memory);
                self.call(|stream, view| stream.on_request(request, view).expect("served"));
            }
            "at" => {
                self.record.push(line.to_owned());
                self.now = Moment(Duration::from_millis(words[1].parse().expect("milliseconds")));
                if self.stream.next_deadline().is_some_and(|due| due <= self.now) {
                    self.call(Stream::on_time);
                }
            }
            "deadline" => {
                let due = self.stream.next_deadline();
                let due = due.map_or("none".to_owned(), |due| due.0.as_millis().to_string());
                self.record.push(format!("deadline {due}"));
            }
            "reconnect" => {
                self.record.push(line.to_owned());
                let snapshot = self.cache.snapshot(Dialect::Aggregated).expect("always").clone();
                let view = View { snapshot: &snapshot, refusals: &self.refusals, now: self.now };
                for mark in self.stream.on_close(view) {
                    self.refusals.note(mark);
                }
                self.stream = Self::stream(self.typed);
                for memory in self.memory.values_mut() {
                    memory.nonce.clear();
                    memory.offered.clear();
                }
            }
            "<" | "!" => {}
            other => panic!("what is {other:?}?"),
        }
    }

    #[track_caller]
    fn check(mut self, script: &str) {
        let lines: Vec<&str> =
            script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        for line in &lines {
            self.line(line);
        }
        let (record, script) = (self.record.join("\n"), lines.join("\n"));
        assert!(record == script, "\n--- what happened\n{record}\n--- the script\n{script}\n");
    }
}

/// A conversation on an aggregated stream, incremental.
#[track_caller]
pub(crate) fn delta(script: &str) {
    Talk::<Delta>::new(None).check(script);
}

/// A conversation on a stream of one type, incremental.
#[track_caller]
pub(crate) fn delta_typed(short: &str, script: &str) {
    Talk::<Delta>::new(Some(type_of(short))).check(script);
}

/// A conversation on an aggregated stream, state of the world.
#[track_caller]
pub(crate) fn sotw(script: &str) {
    Talk::<Sotw>::new(None).check(script);
}

/// A conversation on a stream of one type, state of the world.
#[track_caller]
pub(crate) fn sotw_typed(short: &str, script: &str) {
    Talk::<Sotw>::new(Some(type_of(short))).check(script);
}
