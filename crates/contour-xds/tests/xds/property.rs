//! Whatever is published, refused, answered late or lost: Envoy ends with what is published, but for what it refuses.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use contour_xds::cache::{Cache, Publication};
use contour_xds::delta::Delta;
use contour_xds::exchange::{Outcome, Reply, View};
use contour_xds::progress::Progress;
use contour_xds::refusals::Refusals;
use contour_xds::resource::{self, Audience, Dialect, Edit, Name, Reference, Resource, TypeUrl};
use contour_xds::sotw::Sotw;
use contour_xds::stream::Stream;
use contour_xds::subscribers::Subscribers;
use contour_xds::time::Moment;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::model::{Act, Envoy, Heard, Key, Spoken, references};
use crate::talk::short;

/// What shall be served: listeners, and what they lead to.
#[derive(Clone, Debug, Default)]
struct World {
    /// Routes and secrets by bit, and content.
    listeners: [Option<(u8, u8, String)>; 2],
    /// Clusters by bit, and content.
    routes: [(u8, String); 3],
    clusters: [String; 4],
    assignments: [String; 4],
    secrets: [String; 2],
}

/// One change of the world.
#[derive(Clone)]
enum Change {
    Listener(usize, u8, u8, String),
    NoListener(usize),
    Route(usize, u8, String),
    Cluster(usize, String),
    Assignment(usize, String),
    Secret(usize, String),
}

/// One thing that happens.
#[derive(Clone)]
enum Event {
    /// Published together.
    Publish(Vec<Change>),
    /// The server reads a request.
    Serve(usize),
    /// Envoy reads a response.
    Process(usize, u16),
    /// Time passes, in milliseconds.
    Pass(u16),
    /// All streams break.
    Reconnect,
}

/// One line each, so that a shrunk failure reads as a story.
impl fmt::Debug for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Listener(at, routes, secrets, content) => {
                let refers = [bits("r", *routes, 3), bits("s", *secrets, 2)].concat().join("+");
                write!(out, "l{at}={content}>{refers}")
            }
            Change::NoListener(at) => write!(out, "-l{at}"),
            Change::Route(at, clusters, content) => {
                write!(out, "r{at}={content}>{}", bits("c", *clusters, 4).join("+"))
            }
            Change::Cluster(at, content) => write!(out, "c{at}={content}"),
            Change::Assignment(at, content) => write!(out, "eds c{at}={content}"),
            Change::Secret(at, content) => write!(out, "s{at}={content}"),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Publish(changes) => {
                let changes: Vec<String> = changes.iter().map(|each| format!("{each:?}")).collect();
                write!(out, "publish {}", changes.join(", "))
            }
            Event::Serve(line) => write!(out, "server reads {line}"),
            Event::Process(line, luck) => write!(out, "envoy reads {line}, luck {luck:#x}"),
            Event::Pass(time) => write!(out, "{time} ms pass"),
            Event::Reconnect => write!(out, "reconnect"),
        }
    }
}

fn bits(prefix: &str, mask: u8, count: u8) -> Vec<String> {
    (0..count).filter(|bit| mask >> bit & 1 == 1).map(|bit| format!("{prefix}{bit}")).collect()
}

impl World {
    fn change(&mut self, change: Change) {
        match change {
            Change::Listener(at, routes, secrets, content) => {
                self.listeners[at] = Some((routes, secrets, content));
            }
            Change::NoListener(at) => self.listeners[at] = None,
            Change::Route(at, clusters, content) => self.routes[at] = (clusters, content),
            Change::Cluster(at, content) => self.clusters[at] = content,
            Change::Assignment(at, content) => self.assignments[at] = content,
            Change::Secret(at, content) => self.secrets[at] = content,
        }
    }

    /// The listeners and what they lead to, directly or not.
    fn resources(&self) -> BTreeMap<(TypeUrl, String), String> {
        let mut all = BTreeMap::new();
        for (at, listener) in self.listeners.iter().enumerate() {
            let Some((routes, secrets, content)) = listener else { continue };
            let routes = bits("rds/r", *routes, 3);
            let refers = [routes.clone(), bits("sds/s", *secrets, 2)].concat().join("+");
            all.insert((TypeUrl::Listener, format!("l{at}")), format!("l{at}={content}>{refers}"));
        }
        let mut open: Vec<(TypeUrl, String)> =
            all.values().flat_map(|body| references(body)).collect();
        while let Some((type_url, name)) = open.pop() {
            let at: usize = name[1..].parse().expect("a number");
            let body = match type_url {
                TypeUrl::RouteConfiguration => {
                    let (clusters, content) = &self.routes[at];
                    format!("{name}={content}>{}", bits("cds/c", *clusters, 4).join("+"))
                }
                TypeUrl::Cluster => format!("{name}={}>eds/{name}", self.clusters[at]),
                TypeUrl::LoadAssignment => format!("{name}={}", self.assignments[at]),
                _ => format!("{name}={}", self.secrets[at]),
            };
            open.extend(references(&body));
            all.insert((type_url, name), body);
        }
        all
    }
}

/// In words, for a failure.
fn describe(resources: &BTreeMap<(TypeUrl, String), String>) -> String {
    let lines = resources
        .iter()
        .map(|((type_url, _), body)| format!("  {} {body}", short(type_url.as_str())));
    lines.collect::<Vec<_>>().join("\n")
}

fn encode(body: &str) -> Resource {
    let refers = references(body).into_iter();
    let refers = refers.map(|(type_url, name)| Reference { type_url, name: Name::from(name) });
    Resource::new(Bytes::from(body.to_owned()), refers)
}

/// Both ends of one stream.
struct Line<V: Spoken> {
    id: usize,
    stream: Stream<V>,
    to_envoy: VecDeque<Heard>,
    to_server: VecDeque<V::Request>,
    /// Answers about clusters that an aggregated Envoy keeps to itself while anything warms.
    withheld: VecDeque<V::Request>,
}

struct Play<V: Spoken> {
    world: World,
    published: BTreeMap<(TypeUrl, String), String>,
    cache: Cache,
    dialect: Dialect,
    refusals: Refusals,
    subscribers: Subscribers<usize>,
    progress: Progress<usize>,
    now: Moment,
    envoy: Envoy,
    lines: BTreeMap<Key, Line<V>>,
    ids: usize,
    reconnected: bool,
    /// Secrets whose refusal the server has heard of.
    refused_secrets: BTreeSet<String>,
}

impl<V: Spoken> Play<V> {
    fn new(dialect: Dialect) -> Play<V> {
        let mut cache = Cache::default();
        cache.enable_separate(&resource::Delta::default());
        let world = World {
            routes: std::array::from_fn(|_| (0, "g0".to_owned())),
            clusters: std::array::from_fn(|_| "g0".to_owned()),
            assignments: std::array::from_fn(|_| "g0".to_owned()),
            secrets: std::array::from_fn(|_| "g0".to_owned()),
            ..World::default()
        };
        let envoy = Envoy::new(dialect == Dialect::Separate);
        let mut play = Play {
            world,
            published: BTreeMap::new(),
            cache,
            dialect,
            refusals: Refusals::default(),
            subscribers: Subscribers::default(),
            progress: Progress::default(),
            now: Moment::default(),
            envoy,
            lines: BTreeMap::new(),
            ids: 0,
            reconnected: false,
            refused_secrets: BTreeSet::new(),
        };
        let acts = play.envoy.connect::<V>();
        play.act(acts);
        play
    }

    fn call(
        &mut self,
        key: &Key,
        call: impl FnOnce(&mut Stream<V>, View<'_>) -> Reply<V::Response>,
    ) {
        let Some(line) = self.lines.get_mut(key) else { return };
        let snapshot = self.cache.snapshot(self.dialect).expect("enabled").clone();
        let view = View { snapshot: &snapshot, refusals: &self.refusals, now: self.now };
        let reply = call(&mut line.stream, view);
        if let Some(standing) = line.stream.standing(view) {
            self.progress.reported(line.id, standing);
        }
        for heard in reply.responses.into_iter().map(V::hear) {
            let again = heard.bodies().find(|body| self.refused_secrets.contains(*body));
            assert_eq!(again, None, "was refused and is sent again");
            line.to_envoy.push_back(heard);
        }
        for change in &reply.interests {
            self.subscribers.note(line.id, change);
        }
        if let Some(verdict) = reply.verdict
            && verdict.type_url == TypeUrl::Secret
            && matches!(verdict.outcome, Outcome::Refused { .. })
            && let Some(body) = self.envoy_body(&verdict.contents)
        {
            self.refused_secrets.insert(body);
        }
        for mark in reply.marks {
            self.refusals.note(mark);
        }
    }

    /// The published secret in a refused response, if it still is the published one.
    fn envoy_body(&self, contents: &[(Name, Option<resource::Version>)]) -> Option<String> {
        let (name, version) = contents.first()?;
        let body = self.published.get(&(TypeUrl::Secret, name.to_string()))?;
        (Some(encode(body).version) == *version).then(|| body.clone())
    }

    fn act(&mut self, acts: Vec<Act<V::Request>>) {
        for act in acts {
            match act {
                Act::Open(key) => {
                    self.ids += 1;
                    let stream = match &key {
                        None => Stream::aggregated(),
                        Some((type_url, _)) => Stream::typed(*type_url),
                    };
                    let line = Line {
                        id: self.ids,
                        stream,
                        to_envoy: VecDeque::new(),
                        to_server: VecDeque::new(),
                        withheld: VecDeque::new(),
                    };
                    self.lines.insert(key, line);
                }
                Act::Close(key) => self.close(&key),
                Act::Send(key, request) => {
                    let Some(line) = self.lines.get_mut(&key) else { continue };
                    let clusters = V::type_url(&request) == TypeUrl::Cluster.as_str();
                    let withheld = !line.withheld.is_empty() || !self.envoy.warming.is_empty();
                    if key.is_none() && clusters && withheld {
                        line.withheld.push_back(request);
                    } else {
                        line.to_server.push_back(request);
                    }
                }
            }
        }
        if self.envoy.warming.is_empty() {
            for line in self.lines.values_mut() {
                line.to_server.extend(line.withheld.drain(..));
            }
        }
    }

    fn close(&mut self, key: &Key) {
        let Some(mut line) = self.lines.remove(key) else { return };
        let snapshot = self.cache.snapshot(self.dialect).expect("enabled").clone();
        let view = View { snapshot: &snapshot, refusals: &self.refusals, now: self.now };
        let marks = line.stream.on_close(view);
        for mark in marks {
            self.refusals.note(mark);
        }
        self.subscribers.forget(line.id, line.stream.interests());
        self.progress.closed(&line.id);
    }

    fn publish(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.world.change(change);
        }
        let new = self.world.resources();
        let keys: BTreeSet<_> = self.published.keys().chain(new.keys()).cloned().collect();
        let edits = keys.into_iter().filter(|key| self.published.get(key) != new.get(key));
        let edits = edits.map(|key| Edit {
            audience: Audience::All,
            type_url: key.0,
            name: Name::from(&*key.1),
            resource: new.get(&key).map(|body| encode(body)),
        });
        let delta = resource::Delta { edits: edits.collect() };
        for ((type_url, name), body) in &self.published {
            if *type_url == TypeUrl::Secret
                && new.get(&(*type_url, name.clone())).is_some_and(|now| now != body)
            {
                self.refused_secrets.remove(body); // may be tried again after others
            }
        }
        self.published = new;
        let published = self.cache.publish(&delta, self.now);
        self.wake(match self.dialect {
            Dialect::Aggregated => published.aggregated,
            Dialect::Separate => published.separate,
        });
    }

    fn wake(&mut self, publication: Option<Publication>) {
        let Some(publication) = publication else { return };
        self.refusals.published(&publication);
        let concerned = self.subscribers.concerned(&publication.changed);
        self.progress.published(publication.snapshot.epoch, concerned.iter().copied());
        let keys: Vec<Key> = self
            .lines
            .iter()
            .filter(|(_, line)| concerned.contains(&line.id))
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            self.call(&key, Stream::on_publish);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        if self.cache.next_deadline().is_some_and(|due| due <= self.now) {
            let publication = self.cache.retire(self.now);
            if self.dialect == Dialect::Separate {
                self.wake(publication);
            }
        }
        let due = |line: &Line<V>| line.stream.next_deadline().is_some_and(|due| due <= self.now);
        let lines = self.lines.iter().filter(|(_, line)| due(line));
        let keys: Vec<Key> = lines.map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.call(&key, Stream::on_time);
        }
    }

    /// The line that `pick` points to among those with something to read.
    fn pick(&self, pick: usize, waiting: impl Fn(&Line<V>) -> bool) -> Option<Key> {
        let keys: Vec<&Key> =
            self.lines.iter().filter(|(_, line)| waiting(line)).map(|(key, _)| key).collect();
        keys.get(pick % keys.len().max(1)).map(|key| (*key).clone())
    }

    fn serve(&mut self, pick: usize) -> bool {
        let Some(key) = self.pick(pick, |line| !line.to_server.is_empty()) else { return false };
        let request = self.lines.get_mut(&key).and_then(|line| line.to_server.pop_front());
        let request = request.expect("picked for it");
        self.call(&key, |stream, view| stream.on_request(request, view).expect("served"));
        true
    }

    fn process(&mut self, pick: usize, luck: u16) -> bool {
        let Some(key) = self.pick(pick, |line| !line.to_envoy.is_empty()) else { return false };
        let response = self.lines.get_mut(&key).and_then(|line| line.to_envoy.pop_front());
        let before = self.clusters_in_use();
        let acts = self.envoy.process::<V>(&key, response.expect("picked for it"), luck);
        self.act(acts);
        self.check_routes(&before);
        true
    }

    /// Clusters that Envoy has and its routes use.
    fn clusters_in_use(&self) -> BTreeSet<String> {
        let routes = self
            .envoy
            .uses
            .iter()
            .filter(|((type_url, _), _)| *type_url == TypeUrl::RouteConfiguration);
        let used = routes.flat_map(|(_, body)| references(body)).map(|(_, name)| name);
        used.filter(|name| self.envoy.uses.contains_key(&(TypeUrl::Cluster, name.clone())))
            .collect()
    }

    /// On an aggregated stream no cluster is taken away that routes use (after a reconnect nobody knows all of them).
    fn check_routes(&self, before: &BTreeSet<String>) {
        if self.dialect == Dialect::Separate || self.reconnected {
            return;
        }
        let routes = self
            .envoy
            .uses
            .iter()
            .filter(|((type_url, _), _)| *type_url == TypeUrl::RouteConfiguration);
        for name in routes.flat_map(|(_, body)| references(body)).map(|(_, name)| name) {
            let has = self.envoy.uses.contains_key(&(TypeUrl::Cluster, name.clone()));
            assert!(has || !before.contains(&name), "{name} was taken from routes that use it");
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Publish(changes) => self.publish(changes),
            Event::Serve(pick) => drop(self.serve(pick)),
            Event::Process(pick, luck) => drop(self.process(pick, luck)),
            Event::Pass(time) => self.pass(Duration::from_millis(time.into())),
            Event::Reconnect => {
                self.reconnected = true;
                let keys: Vec<Key> = self.lines.keys().cloned().collect();
                for key in &keys {
                    self.close(key);
                }
                let acts = self.envoy.connect::<V>();
                self.act(acts);
            }
        }
    }

    /// Everything in transit arrives and everything that waits for time gets it.
    fn settle(&mut self) {
        for turn in 0.. {
            assert!(turn < 5_000, "they never stop talking");
            if self.serve(turn) || self.process(turn, 0xa5a5) {
                continue;
            }
            let lines = self.lines.values().filter_map(|line| line.stream.next_deadline());
            match lines.chain(self.cache.next_deadline()).min() {
                Some(due) => self.pass(due.since(self.now).max(Duration::from_millis(1))),
                None => break,
            }
        }
    }

    fn check_end(&self) {
        let state = || {
            format!(
                "published\n{}\nEnvoy has\n{}",
                describe(&self.published),
                describe(&self.envoy.uses)
            )
        };
        assert!(
            self.envoy.warming.is_empty(),
            "{:?} warm for ever\n{}",
            self.envoy.warming,
            state()
        );
        let wants = self.envoy.wants();
        let good = |body: &str| body.contains("=g");
        for (key, body) in &self.published {
            let relevant =
                matches!(key.0, TypeUrl::Cluster | TypeUrl::Listener) || wants.contains(key);
            if relevant && good(body) {
                let type_url = short(key.0.as_str());
                assert_eq!(
                    self.envoy.uses.get(key),
                    Some(body),
                    "{type_url} {}\n{}",
                    key.1,
                    state()
                );
            }
        }
        // Where the form of the routes that Envoy accepted last is not the published one, clusters stay.
        let mut routes =
            wants.iter().filter(|(type_url, _)| *type_url == TypeUrl::RouteConfiguration);
        let settled = routes.all(|key| self.published.get(key).is_some_and(|body| good(body)));
        for (type_url, name) in self.envoy.uses.keys() {
            let extra = !self.published.contains_key(&(*type_url, name.clone()));
            match type_url {
                TypeUrl::Listener => assert!(!extra, "listener {name} is gone\n{}", state()),
                TypeUrl::Cluster if settled => {
                    assert!(!extra, "cluster {name} is gone\n{}", state());
                }
                _ => {}
            }
        }
        if self.published.values().all(|body| good(body))
            && wants.iter().all(|key| self.published.contains_key(key))
        {
            assert_eq!(self.progress.unsettled(), 0, "{:?}\n{}", self.progress, state());
        }
    }
}

fn content(flavours: &'static str) -> impl Strategy<Value = String> {
    let flavour = prop_oneof![
        4 => Just('g'),
        1 => proptest::sample::select(flavours.chars().collect::<Vec<_>>()),
    ];
    (flavour, 0..4_u8).prop_map(|(flavour, number)| format!("{flavour}{number}"))
}

fn change(flavours: &'static str) -> impl Strategy<Value = Change> {
    let content = move || content(flavours);
    prop_oneof![
        3 => (0..2_usize, 0..8_u8, 0..4_u8, content())
            .prop_map(|(at, routes, secrets, content)| Change::Listener(at, routes, secrets, content)),
        1 => (0..2_usize).prop_map(Change::NoListener),
        3 => (0..3_usize, 0..16_u8, content())
            .prop_map(|(at, clusters, content)| Change::Route(at, clusters, content)),
        3 => (0..4_usize, content()).prop_map(|(at, content)| Change::Cluster(at, content)),
        2 => (0..4_usize, content()).prop_map(|(at, content)| Change::Assignment(at, content)),
        2 => (0..2_usize, content()).prop_map(|(at, content)| Change::Secret(at, content)),
    ]
}

fn event(flavours: &'static str) -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => vec(change(flavours), 1..4).prop_map(Event::Publish),
        8 => (0..8_usize).prop_map(Event::Serve),
        8 => (0..8_usize, any::<u16>()).prop_map(|(pick, luck)| Event::Process(pick, luck)),
        2 => (1..1_500_u16).prop_map(Event::Pass),
        1 => Just(Event::Reconnect),
    ]
}

fn check<V: Spoken>(dialect: Dialect, events: Vec<Event>) {
    let mut play = Play::<V>::new(dialect);
    for event in events {
        play.happen(event);
    }
    play.settle();
    play.check_end();
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn incremental_and_aggregated(events in vec(event("psd"), 0..60)) {
        check::<Delta>(Dialect::Aggregated, events);
    }

    #[test]
    fn incremental_and_separate(events in vec(event("psd"), 0..60)) {
        check::<Delta>(Dialect::Separate, events);
    }

    // Without `d`: of an Envoy that holds unknown things, which says nothing about the guilty, nothing is taken to find
    // out; it keeps what it has until something else is published.
    #[test]
    fn state_of_the_world_and_aggregated(events in vec(event("ps"), 0..60)) {
        check::<Sotw>(Dialect::Aggregated, events);
    }

    #[test]
    fn state_of_the_world_and_separate(events in vec(event("ps"), 0..60)) {
        check::<Sotw>(Dialect::Separate, events);
    }
}
