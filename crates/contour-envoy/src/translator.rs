//! From what changed in the graph to the resources that differ.

use std::collections::BTreeSet;
use std::sync::Arc;

use contour_dag as dag;
use contour_dag::{
    Assignment, ClusterName, Domain, Fault, Frontend, Host, HostName, LoadAssignment,
};
use contour_xds::resource::{Audience, Delta, Dialect, Name, TypeUrl};

use crate::config::Config;
use crate::namesakes::Namesakes;
use crate::published::Published;
use crate::splice::Splice;
use crate::{cluster, endpoint, listener, name, route, runtime, secret};

/// Turns what changed in the graph into the resources that differ.
///
/// It keeps what it needs to encode resources again: for other settings ([`Translator::configure`]) or for one more
/// dialect ([`Translator::speak`]). What it emits depends on the graph, the configuration and the dialects only, not on
/// the changes that led there, and what did not change is not emitted.
#[derive(Debug)]
pub struct Translator {
    config: Arc<Config>,
    dialects: BTreeSet<Dialect>,
    virtual_hosts: Splice,
    clusters: Namesakes<ClusterName, dag::Cluster>,
    load_assignments: Namesakes<Assignment, LoadAssignment>,
    published: Published,
    faults: Vec<Fault>,
    encode_host: EncodeHost,
}

/// Encodes a `VirtualHost`.
type EncodeHost = fn(&str, &Domain, &Host) -> Vec<u8>;

impl Translator {
    /// A translator of an empty graph that speaks one dialect, and everything that exists without any host: the
    /// listeners for statistics, health and admin, the runtime layer, and an empty route configuration.
    pub fn new(config: Arc<Config>, dialect: Dialect) -> (Translator, Delta) {
        Translator::with_encoder(config, dialect, route::virtual_host)
    }

    fn with_encoder(
        config: Arc<Config>,
        dialect: Dialect,
        encode_host: EncodeHost,
    ) -> (Translator, Delta) {
        let mut translator = Translator {
            config,
            dialects: [dialect].into(),
            virtual_hosts: route::route_configuration(),
            clusters: Namesakes::new(),
            load_assignments: Namesakes::new(),
            published: Published::default(),
            faults: Vec::new(),
            encode_host,
        };
        translator.publish_settings();
        translator.publish_routes();
        let delta = translator.published.take();
        (translator, delta)
    }

    /// What the resources become when the graph changes like this.
    ///
    /// Work is proportional to what changed, but for the route configuration: if one of its virtual hosts changed,
    /// the encoded ones are joined, a copy of the whole.
    pub fn apply(&mut self, delta: &dag::Delta) -> Delta {
        for name in self.clusters.apply(&delta.clusters, name::cluster) {
            self.publish_cluster(&name);
        }
        let assignments =
            self.load_assignments.apply(&delta.load_assignments, name::load_assignment);
        for name in assignments {
            self.publish_load_assignment(&name);
        }
        self.apply_hosts(&delta.hosts);
        self.published.take()
    }

    /// What the resources become with these settings.
    pub fn configure(&mut self, config: Arc<Config>) -> Delta {
        if config != self.config {
            self.config = config;
            self.publish_settings();
            self.publish_clusters();
        }
        self.published.take()
    }

    /// Begins to serve `dialect` as well, and emits what differs between dialects in it. Nothing if it is spoken
    /// already.
    pub fn speak(&mut self, dialect: Dialect) -> Delta {
        if self.dialects.insert(dialect) {
            self.publish_settings();
            self.publish_clusters();
        }
        self.published.take()
    }

    /// Our own mistakes since the last call, for the edge to log. What could not be encoded stays as it was.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    /// How many bytes are kept encoded beside those that were emitted: the pieces that the route configuration is joined from.
    pub fn encoded_bytes(&self) -> usize {
        self.virtual_hosts.bytes()
    }

    /// Whether the ingress listener exists: it does while there is a host with routes.
    fn listens(&self) -> bool {
        !self.virtual_hosts.is_empty()
    }

    fn apply_hosts(&mut self, hosts: &dag::Edits<HostName, Host>) {
        let listened = self.listens();
        let mut changed = false;
        for (name, host) in hosts {
            changed |= self.set_host(name, host.as_deref());
        }
        if changed {
            self.publish_routes();
        }
        if self.listens() != listened {
            self.publish_settings();
        }
    }

    /// Returns whether that changes the route configuration.
    fn set_host(&mut self, host_name: &HostName, host: Option<&Host>) -> bool {
        let HostName { frontend: Frontend::Configured, domain } = host_name;
        let name = name::virtual_host(domain);
        match host.filter(|host| !host.plain.is_empty()) {
            Some(host) => {
                let encode = || ((self.encode_host)(&name, domain, host), route::references(host));
                contained(&mut self.faults, &name, encode).is_some_and(|(body, references)| {
                    self.virtual_hosts.set(name, &body, references)
                })
            }
            None => self.virtual_hosts.remove(&name),
        }
    }

    fn publish_routes(&mut self) {
        let name = name::INGRESS_HTTP_ROUTES.into();
        let joined = self.virtual_hosts.join();
        self.published.set(Audience::All, TypeUrl::RouteConfiguration, &name, Some(joined));
    }

    /// Publishes what depends on the configuration and on whether there are hosts, not on which: listeners and the
    /// runtime layer.
    fn publish_settings(&mut self) {
        let listens = self.listens();
        let ingress = name::INGRESS_HTTP.into();
        let binds = self.config.addresses.get();
        for &dialect in &self.dialects {
            let resource = listens.then(|| listener::ingress_http(&self.config, dialect));
            let audience = Audience::Only(dialect);
            self.published.set(audience, TypeUrl::Listener, &ingress, resource);
            // All listeners are of one dialect, also those that are alike in both: who begins to serve a dialect has
            // none of its listeners.
            for (name, resource) in listener::fixed(binds, dialect) {
                self.published.set(audience, TypeUrl::Listener, &name.into(), resource);
            }
        }
        for (name, resource) in secret::stats(binds.stats_tls.as_ref()) {
            self.published.set(Audience::All, TypeUrl::Secret, &name.into(), resource);
        }
        let listeners = if listens { &[name::INGRESS_HTTP][..] } else { &[] };
        let runtime = runtime::runtime(&self.config, listeners);
        let name = name::RUNTIME_LAYER.into();
        self.published.set(Audience::All, TypeUrl::Runtime, &name, Some(runtime));
    }

    fn publish_clusters(&mut self) {
        for name in self.clusters.names() {
            self.publish_cluster(&name);
        }
    }

    fn publish_cluster(&mut self, name: &Name) {
        for &dialect in &self.dialects {
            let encode = || {
                self.clusters.get(name).map(|(key, cluster)| {
                    cluster::cluster(name, key, cluster, &self.config.cluster, dialect)
                })
            };
            if let Some(resource) = contained(&mut self.faults, name, encode) {
                self.published.set(Audience::Only(dialect), TypeUrl::Cluster, name, resource);
            }
        }
    }

    fn publish_load_assignment(&mut self, name: &Name) {
        let encode = || {
            let assignment = self.load_assignments.get(name);
            assignment.map(|(_, each)| endpoint::load_assignment(name, each))
        };
        if let Some(resource) = contained(&mut self.faults, name, encode) {
            self.published.set(Audience::All, TypeUrl::LoadAssignment, name, resource);
        }
    }
}

/// What `encode` makes, unless it panics.
fn contained<T>(faults: &mut Vec<Fault>, name: &str, encode: impl FnOnce() -> T) -> Option<T> {
    let encoded = Fault::contain(|| format!("resource {name}"), encode);
    encoded.map_err(|fault| faults.push(fault)).ok()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use contour_dag::{
        Action, CircuitBreakers, Domain, Endpoint, Locality, Origin, OriginKind, PathMatch, Route,
        RouteMatch, ServicePort, Upstream, WeightedCluster,
    };
    use contour_xds::resource::Resource;

    use super::*;

    fn port(number: u16, name: &str) -> ServicePort {
        ServicePort {
            namespace: "default".into(),
            service: "backend".into(),
            number,
            name: Some(name.into()),
        }
    }

    /// A host that forwards everything to a port, or has no routes.
    fn host(domain: &str, port: Option<ServicePort>) -> (HostName, Option<Arc<Host>>) {
        let route = |port| Route {
            matches: RouteMatch::path(PathMatch::Prefix("/".into())),
            action: Action::forward_or_unavailable(vec![WeightedCluster::new(
                ClusterName::of(port),
                1,
            )]),
            policy: None,
            origin: Origin {
                kind: OriginKind::HttpProxy,
                namespace: "default".into(),
                name: "proxy".into(),
            },
        };
        let domain = Domain::new(domain).unwrap();
        let name = HostName { frontend: Frontend::Configured, domain };
        let plain = port.map(route).into_iter().collect();
        (name, Some(Arc::new(Host { plain, policy: None })))
    }

    fn assignment(port: ServicePort) -> Assignment {
        Assignment::Service { port, health_port: None }
    }

    fn cluster(port: ServicePort) -> (ClusterName, Option<Arc<dag::Cluster>>) {
        let upstream = Upstream::Assigned(assignment(port.clone()));
        let limits = CircuitBreakers::default();
        (ClusterName::of(port), Some(Arc::new(dag::Cluster { upstream, limits })))
    }

    fn load_assignment(port: ServicePort, last: u8) -> (Assignment, Option<Arc<LoadAssignment>>) {
        let address = [10, 0, 0, last].into();
        let endpoint = Endpoint { address, port: 8080, health_port: None };
        let localities = vec![Locality { weight: 1, endpoints: vec![endpoint] }];
        (assignment(port), Some(Arc::new(LoadAssignment { localities })))
    }

    /// One host, its cluster and its load assignment.
    fn graph() -> dag::Delta {
        dag::Delta {
            hosts: vec![host("a.com", Some(port(80, "http")))],
            clusters: vec![cluster(port(80, "http"))],
            load_assignments: vec![load_assignment(port(80, "http"), 1)],
        }
    }

    fn removed<K: Clone, V>((key, _): &(K, Option<Arc<V>>)) -> (K, Option<Arc<V>>) {
        (key.clone(), None)
    }

    fn translator() -> Translator {
        Translator::new(Arc::default(), Dialect::Aggregated).0
    }

    fn loaded() -> Translator {
        let mut translator = translator();
        translator.apply(&graph());
        translator
    }

    /// `+` or `-`, type and name of each edit, sorted; `/` behind the sign if for one dialect only.
    #[track_caller]
    fn check(delta: &Delta, expect: &[&str]) {
        let mut shown: Vec<_> = delta
            .edits
            .iter()
            .map(|edit| {
                let sign = if edit.resource.is_some() { "+" } else { "-" };
                let only = if edit.audience == Audience::All { "" } else { "/" };
                format!("{sign}{only}{:?} {}", edit.type_url, edit.name)
            })
            .collect();
        shown.sort_unstable();
        assert_eq!(shown, expect);
    }

    #[test]
    fn without_hosts_there_are_fixed_listeners_and_empty_routes() {
        let (_, delta) = Translator::new(Arc::default(), Dialect::Aggregated);
        let expect = [
            "+/Listener envoy-admin",
            "+/Listener stats-health",
            "+RouteConfiguration ingress_http",
            "+Runtime dynamic",
        ];
        check(&delta, &expect);
    }

    #[test]
    fn the_first_host_brings_the_listener_and_the_last_takes_it() {
        let mut translator = translator();
        let expect = [
            "+/Cluster default/backend/80/da39a3ee5e",
            "+/Listener ingress_http",
            "+LoadAssignment default/backend/http",
            "+RouteConfiguration ingress_http",
        ];
        check(&translator.apply(&graph()), &expect);
        let hosts = vec![removed(&graph().hosts[0])];
        let delta = dag::Delta { hosts, ..Default::default() };
        let expect = ["+RouteConfiguration ingress_http", "-/Listener ingress_http"];
        check(&translator.apply(&delta), &expect);
    }

    #[test]
    fn another_host_is_one_resource() {
        let hosts = vec![host("b.com", Some(port(80, "http")))];
        let delta = dag::Delta { hosts, ..Default::default() };
        check(&loaded().apply(&delta), &["+RouteConfiguration ingress_http"]);
    }

    #[test]
    fn a_host_without_routes_is_not_served() {
        let delta = dag::Delta { hosts: vec![host("b.com", None)], ..Default::default() };
        check(&loaded().apply(&delta), &[]);
        check(&translator().apply(&delta), &[]);
    }

    #[test]
    fn a_bug_is_contained_in_its_host() {
        fn faulty(name: &str, domain: &Domain, host: &Host) -> Vec<u8> {
            assert!(domain.as_str() != "bug.com", "a bug of ours");
            route::virtual_host(name, domain, host)
        }
        let (mut translator, _) =
            Translator::with_encoder(Arc::default(), Dialect::Aggregated, faulty);
        let backend = || Some(port(80, "http"));
        let hosts = vec![host("bug.com", backend()), host("fine.com", backend())];
        let delta = dag::Delta { hosts, ..Default::default() };
        let expect =
            ["+/Listener ingress_http", "+RouteConfiguration ingress_http", "+Runtime dynamic"];
        check(&translator.apply(&delta), &expect[..2]);
        let fault = Fault { at: "resource bug.com".into(), message: "a bug of ours".into() };
        assert_eq!(translator.take_faults(), [fault]);
    }

    #[test]
    fn an_equal_graph_is_nothing() {
        check(&loaded().apply(&graph()), &[]);
    }

    #[test]
    fn changed_endpoints_are_one_resource() {
        let load_assignments = vec![load_assignment(port(80, "http"), 2)];
        let delta = dag::Delta { load_assignments, ..Default::default() };
        check(&loaded().apply(&delta), &["+LoadAssignment default/backend/http"]);
    }

    #[test]
    fn a_renamed_port_keeps_its_cluster() {
        let delta = dag::Delta {
            hosts: vec![host("a.com", Some(port(80, "web")))],
            clusters: vec![removed(&cluster(port(80, "http"))), cluster(port(80, "web"))],
            load_assignments: vec![
                removed(&load_assignment(port(80, "http"), 1)),
                load_assignment(port(80, "web"), 1),
            ],
        };
        let expect = [
            "+/Cluster default/backend/80/da39a3ee5e", // refers to the new load assignment
            "+LoadAssignment default/backend/web",
            "-LoadAssignment default/backend/http",
        ];
        check(&loaded().apply(&delta), &expect);
    }

    #[test]
    fn a_renumbered_port_keeps_its_load_assignment() {
        let delta = dag::Delta {
            hosts: vec![host("a.com", Some(port(81, "http")))],
            clusters: vec![removed(&cluster(port(80, "http"))), cluster(port(81, "http"))],
            load_assignments: vec![
                removed(&load_assignment(port(80, "http"), 1)),
                load_assignment(port(81, "http"), 1),
            ],
        };
        let expect = [
            "+/Cluster default/backend/81/da39a3ee5e",
            "+RouteConfiguration ingress_http",
            "-/Cluster default/backend/80/da39a3ee5e",
        ];
        check(&loaded().apply(&delta), &expect);
    }

    #[track_caller]
    fn check_configure(change: impl FnOnce(&mut Config), expect: &[&str]) {
        let mut config = Config::default();
        change(&mut config);
        check(&loaded().configure(Arc::new(config)), expect);
    }

    #[test]
    fn a_setting_changes_what_it_is_in_and_nothing_else() {
        check_configure(|_| {}, &[]);
        check_configure(|config| config.http.trusted_hops = 1, &["+/Listener ingress_http"]);
        check_configure(
            |config| config.cluster.max_requests_per_connection = NonZeroU32::new(1),
            &["+/Cluster default/backend/80/da39a3ee5e"],
        );
        check_configure(
            |config| config.listener.max_connections = NonZeroU32::new(1),
            &["+Runtime dynamic"],
        );
    }

    #[test]
    fn listeners_come_and_go_with_settings() {
        let binds = crate::config::Binds {
            health: crate::config::Bind::any_v4(8003).unwrap(),
            admin: None,
            ..Default::default()
        };
        let expect = [
            "+/Listener health",
            "+/Listener stats",
            "-/Listener envoy-admin",
            "-/Listener stats-health",
        ];
        check_configure(
            |config| config.addresses = crate::config::Addresses::new(binds).unwrap(),
            &expect,
        );
    }

    #[test]
    fn a_connection_limit_concerns_listeners_that_exist() {
        let mut config = Config::default();
        config.listener.max_connections = NonZeroU32::new(1);
        let (mut translator, _) = Translator::new(Arc::new(config), Dialect::Aggregated);
        let delta = dag::Delta { hosts: graph().hosts, ..Default::default() };
        let expect =
            ["+/Listener ingress_http", "+RouteConfiguration ingress_http", "+Runtime dynamic"];
        check(&translator.apply(&delta), &expect);
    }

    #[test]
    fn another_dialect_is_listeners_and_clusters() {
        let mut translator = loaded();
        let expect = [
            "+/Cluster default/backend/80/da39a3ee5e",
            "+/Listener envoy-admin",
            "+/Listener ingress_http",
            "+/Listener stats-health",
        ];
        let delta = translator.speak(Dialect::Separate);
        check(&delta, &expect);
        assert!(delta.edits.iter().all(|edit| edit.audience == Audience::Only(Dialect::Separate)));
        check(&translator.speak(Dialect::Separate), &[]);
    }

    #[test]
    fn both_dialects_are_kept_up_to_date() {
        let mut translator = loaded();
        translator.speak(Dialect::Separate);
        let clusters = vec![removed(&cluster(port(80, "http")))];
        let delta = dag::Delta { clusters, ..Default::default() };
        let expect = ["-/Cluster default/backend/80/da39a3ee5e"; 2];
        check(&translator.apply(&delta), &expect);
    }

    #[test]
    fn routes_refer_to_their_clusters() {
        let delta = translator().apply(&graph());
        let routes =
            delta.edits.iter().find(|edit| edit.type_url == TypeUrl::RouteConfiguration).unwrap();
        let references: Vec<_> =
            routes.resource.iter().flat_map(Resource::references).map(|each| &*each.name).collect();
        assert_eq!(references, ["default/backend/80/da39a3ee5e"]);
    }
}
