//! Applying changes one by one leads to the same resources as applying them at once (I-5), and nothing is emitted that
//! did not change.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use contour_dag::{
    Action, Assignment, CircuitBreakers, Cluster, ClusterName, ClusterPolicy, ClusterSettings,
    CookieRewrite, Delta, Domain, Edits, Endpoint, Frontend, HeaderEdits, Host, HostName,
    HostPolicy, IpFilter, IpSource, IpVerdict, LoadAssignment, LoadBalancing, LocalRateLimit,
    Locality, Network, Origin, OriginKind, PathMatch, Protocol, RateUnit, Route, RouteMatch,
    RoutePolicy, ServicePort, Upstream, WeightedCluster,
};
use contour_envoy::config::{Addresses, Bind, Binds, FilePath, StatsTls};
use contour_envoy::{Config, Translator};
use contour_xds::resource::{Audience, Delta as Resources, Dialect, Name, Resource, TypeUrl};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

/// What happens to a translator.
#[derive(Clone, Debug)]
enum Step {
    Apply(Delta),
    Configure(Arc<Config>),
    Speak(Dialect),
}

/// Few services, so that keys meet: port names and numbers are combined freely, as they are while a service is edited.
fn service_port() -> impl Strategy<Value = ServicePort> {
    let name = prop_oneof![Just(None), Just(Some("http")), Just(Some("web"))];
    ("[ab]", 80..82_u16, name).prop_map(|(service, number, name)| ServicePort {
        namespace: "default".into(),
        service: service.into(),
        number,
        name: name.map(Into::into),
    })
}

fn cluster_name() -> impl Strategy<Value = ClusterName> {
    let protocol = prop_oneof![3 => Just(Protocol::Http1), 1 => Just(Protocol::H2)];
    let load_balancing =
        prop_oneof![3 => Just(LoadBalancing::RoundRobin), 1 => Just(LoadBalancing::Cookie)];
    (service_port(), protocol, load_balancing).prop_map(|(port, protocol, load_balancing)| {
        let settings = ClusterSettings { protocol, load_balancing, ..Default::default() };
        ClusterName::with(port, settings)
    })
}

/// With maps of several entries, whose order must not matter.
fn cluster_policy() -> ClusterPolicy {
    let cookie = |name: &str| CookieRewrite {
        name: name.into(),
        path: Some("/".into()),
        domain: Some("a.example".into()),
        secure: Some(true),
        same_site: None,
    };
    ClusterPolicy { cookies: vec![cookie("a"), cookie("b"), cookie("c")], ..Default::default() }
}

fn weighted_cluster() -> impl Strategy<Value = WeightedCluster> {
    let policy = option::weighted(0.2, Just(cluster_policy()));
    (cluster_name(), 0..3_u32, policy).prop_map(|(cluster, weight, policy)| WeightedCluster {
        cluster,
        weight,
        policy: policy.map(Box::new),
    })
}

fn rate_limit() -> LocalRateLimit {
    LocalRateLimit {
        requests: NonZeroU32::MIN,
        burst: 0,
        unit: RateUnit::Second,
        status: None,
        headers: Vec::new(),
    }
}

fn ip_filter() -> IpFilter {
    let network = Network::of([10, 0, 0, 1].into());
    IpFilter { verdict: IpVerdict::Deny, networks: vec![(IpSource::Remote, network)] }
}

fn route_policy() -> RoutePolicy {
    RoutePolicy {
        request_headers: HeaderEdits { set: Vec::new(), remove: vec!["x-a".into()] },
        response_headers: HeaderEdits::default(),
        local_rate_limit: Some(rate_limit()),
        ip_filter: Some(ip_filter()),
    }
}

fn route() -> impl Strategy<Value = Route> {
    let policy = option::weighted(0.2, Just(route_policy()));
    ("/[xy]", vec(weighted_cluster(), 0..3), policy).prop_map(|(path, clusters, policy)| Route {
        matches: RouteMatch::path(PathMatch::Prefix(path.into())),
        action: Action::forward_or_unavailable(clusters),
        policy: policy.map(Box::new),
        origin: Origin {
            kind: OriginKind::HttpProxy,
            namespace: "default".into(),
            name: "proxy".into(),
        },
    })
}

fn host() -> impl Strategy<Value = (HostName, Host)> {
    let policy = HostPolicy {
        cors: None,
        local_rate_limit: Some(rate_limit()),
        ip_filter: Some(ip_filter()),
    };
    let policy = option::weighted(0.2, Just(policy));
    let host = ("[a-c]{1}\\.example", vec(route(), 0..3), policy);
    host.prop_map(|(domain, plain, policy)| {
        let domain = Domain::new(&domain).expect("not blank");
        let name = HostName { frontend: Frontend::Configured, domain };
        (name, Host { plain, policy: policy.map(Box::new) })
    })
}

fn upstream() -> impl Strategy<Value = Upstream> {
    let dns = Upstream::Dns { host: "www.example.org".into(), port: 443, health_port: None };
    prop_oneof![3 => assignment().prop_map(Upstream::Assigned), 1 => Just(dns)]
}

fn cluster() -> impl Strategy<Value = (ClusterName, Cluster)> {
    (cluster_name(), upstream(), 0..2_u32).prop_map(|(name, upstream, limit)| {
        let max_requests = NonZeroU32::new(limit);
        let limits = CircuitBreakers { max_requests, ..Default::default() };
        (name, Cluster { upstream, limits })
    })
}

fn assignment() -> impl Strategy<Value = Assignment> {
    (service_port(), option::weighted(0.2, service_port())).prop_map(|(port, health_port)| {
        Assignment::Service { port, health_port: health_port.map(Arc::new) }
    })
}

fn load_assignment() -> impl Strategy<Value = (Assignment, LoadAssignment)> {
    (assignment(), 0..3_u8).prop_map(|(assignment, count)| {
        let endpoint =
            |last| Endpoint { address: [10, 0, 0, last].into(), port: 8080, health_port: None };
        let locality = Locality { weight: 1, endpoints: (0..count).map(endpoint).collect() };
        let localities = if count == 0 { Vec::new() } else { vec![locality] };
        (assignment, LoadAssignment { localities })
    })
}

/// Edits of up to `most` values, about a third of them removals.
fn edits<K: Ord + Clone + std::fmt::Debug, V: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = (K, V)>,
    most: usize,
) -> impl Strategy<Value = Edits<K, V>> {
    let edit = (value, option::weighted(0.7, Just(())));
    vec(edit, 0..most).prop_map(|edits| {
        let by_key: BTreeMap<K, Option<Arc<V>>> = edits
            .into_iter()
            .map(|((key, value), set)| (key, set.map(|()| Arc::new(value))))
            .collect();
        by_key.into_iter().collect()
    })
}

fn delta() -> impl Strategy<Value = Delta> {
    (edits(host(), 3), edits(cluster(), 4), edits(load_assignment(), 4))
        .prop_map(|(hosts, clusters, load_assignments)| Delta { hosts, clusters, load_assignments })
}

fn tls() -> StatsTls {
    let file = || FilePath::new("/file").expect("not empty");
    StatsTls { certificate: file(), key: file(), authority: Some(file()) }
}

fn config() -> impl Strategy<Value = Config> {
    let limit = || (0..2_u32).prop_map(NonZeroU32::new);
    let runtime = btree_map("[a-f]", "[01]", 0..5);
    let health = prop_oneof![Just((8002, None)), Just((8003, None)), Just((8003, Some(tls())))];
    (limit(), limit(), runtime, health).prop_map(|(streams, requests, runtime, health)| {
        let (health, stats_tls) = health;
        let mut config = Config { runtime, ..Config::default() };
        config.listener.max_connections = streams;
        config.cluster.max_requests_per_connection = requests;
        let health = Bind::any_v4(health).expect("not zero");
        config.addresses =
            Addresses::new(Binds { health, stats_tls, ..Binds::default() }).expect("no clash");
        config
    })
}

fn step() -> impl Strategy<Value = Step> {
    let dialect = prop_oneof![Just(Dialect::Aggregated), Just(Dialect::Separate)];
    prop_oneof![
        8 => delta().prop_map(Step::Apply),
        1 => config().prop_map(|config| Step::Configure(Arc::new(config))),
        1 => dialect.prop_map(Step::Speak),
    ]
}

/// All resources that were emitted and not removed since.
#[derive(Debug, Default, PartialEq)]
struct Seen(BTreeMap<(Audience, TypeUrl, Name), Resource>);

impl Seen {
    /// Applies an emitted delta, which has to be quiet: each resource at most once, and none as it was.
    #[track_caller]
    fn apply(&mut self, delta: Resources) {
        let mut named = BTreeSet::new();
        for edit in delta.edits {
            let key = (edit.audience, edit.type_url, edit.name);
            assert!(named.insert(key.clone()), "{key:?} twice");
            assert_ne!(self.0.get(&key), edit.resource.as_ref(), "{key:?} did not change");
            match edit.resource {
                Some(resource) => self.0.insert(key, resource),
                None => self.0.remove(&key),
            };
        }
    }
}

/// The same graph, at once.
#[derive(Default)]
struct Graph {
    hosts: BTreeMap<HostName, Arc<Host>>,
    clusters: BTreeMap<ClusterName, Arc<Cluster>>,
    load_assignments: BTreeMap<Assignment, Arc<LoadAssignment>>,
}

fn keep<K: Ord + Clone, V>(values: &mut BTreeMap<K, Arc<V>>, edits: &Edits<K, V>) {
    for (key, value) in edits {
        match value {
            Some(value) => values.insert(key.clone(), Arc::clone(value)),
            None => values.remove(key),
        };
    }
}

fn all<K, V>(values: BTreeMap<K, Arc<V>>) -> Edits<K, V> {
    values.into_iter().map(|(key, value)| (key, Some(value))).collect()
}

impl Graph {
    fn apply(&mut self, delta: &Delta) {
        keep(&mut self.hosts, &delta.hosts);
        keep(&mut self.clusters, &delta.clusters);
        keep(&mut self.load_assignments, &delta.load_assignments);
    }

    fn into_delta(self) -> Delta {
        Delta {
            hosts: all(self.hosts),
            clusters: all(self.clusters),
            load_assignments: all(self.load_assignments),
        }
    }
}

proptest! {
    #[test]
    fn incremental_equals_from_scratch(steps in vec(step(), 1..20)) {
        let mut config = Arc::new(Config::default());
        let mut dialects = BTreeSet::from([Dialect::Aggregated]);
        let mut graph = Graph::default();
        let (mut translator, first) = Translator::new(Arc::clone(&config), Dialect::Aggregated);
        let mut seen = Seen::default();
        seen.apply(first);
        for step in steps {
            seen.apply(match step {
                Step::Apply(delta) => {
                    graph.apply(&delta);
                    translator.apply(&delta)
                }
                Step::Configure(next) => {
                    config = next;
                    translator.configure(Arc::clone(&config))
                }
                Step::Speak(dialect) => {
                    dialects.insert(dialect);
                    translator.speak(dialect)
                }
            });
        }

        let (mut translator, first) = Translator::new(config, Dialect::Aggregated);
        let mut scratch = Seen::default();
        scratch.apply(first);
        for dialect in dialects {
            scratch.apply(translator.speak(dialect));
        }
        scratch.apply(translator.apply(&graph.into_delta()));
        prop_assert_eq!(seen, scratch);
    }
}
