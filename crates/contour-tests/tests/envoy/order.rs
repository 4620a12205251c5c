//! The rules of order across types (design, section 7.3), each with what would break them.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contour::serve::pipeline::Pipeline;
use contour_builder::Change;
use contour_envoy::config::CircuitBreakers;
use contour_k8s::source::directory::Directory;
use contour_tests::echo::Echo;
use contour_tests::proxy::{Answer, Ports, Proxy, until};
use contour_tests::server::{Direct, Server};
use contour_xds::cache::Published;
use contour_xds::resource::{Audience, Delta, Dialect, Edit, Resource, TypeUrl};
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType};
use envoy_types::pb::envoy::config::core::v3::health_check::payload::Payload as PayloadKind;
use envoy_types::pb::envoy::config::core::v3::health_check::{
    HealthChecker, Payload, TcpHealthCheck,
};
use envoy_types::pb::envoy::config::core::v3::socket_address::{PortSpecifier, Protocol};
use envoy_types::pb::envoy::config::core::v3::{
    Address, HealthCheck, SocketAddress, TypedExtensionConfig, address,
};
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints,
};
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig;
use envoy_types::pb::google::protobuf::{Any, Duration as ProtoDuration, UInt32Value};
use prost::{Message, Name};
use tokio::time::{Instant, interval};

use crate::manifests::Manifests;
use crate::traffic::time_until;

/// What "at once" is on a machine that others use: the rules bound waiting by one second, what they avoid takes at least
/// fifteen.
const SOON: Duration = Duration::from_secs(5);

/// A pipeline of hosts `one.test`, `two.test`, … whose service is `backend`.
struct Hosts {
    manifests: Manifests,
    directory: Directory,
    pipeline: Pipeline,
}

impl Hosts {
    fn new(backend: SocketAddr, config: Arc<contour_envoy::Config>) -> (Hosts, Published) {
        let manifests = Manifests::new();
        manifests.service("backend", backend);
        let directory = Directory::open(manifests.path()).expect("a directory");
        let now = contour_xds::time::Moment::default();
        let (pipeline, published) = Pipeline::new(Arc::default(), config, now);
        (Hosts { manifests, directory, pipeline }, published)
    }

    /// Adds a host with a service of its own, so that its cluster is new.
    fn add(&mut self, name: &str, backend: SocketAddr) -> Vec<Change> {
        self.manifests.service(&format!("{name}-service"), backend);
        self.manifests.proxy(
            name,
            &format!(
                "{{virtualhost: {{fqdn: {name}.test}}, \
                 routes: [{{services: [{{name: {name}-service, port: 80}}]}}]}}"
            ),
        );
        self.directory.scan().changes
    }
}

/// Everything a publication serves, as edits, so that a test can add what a pipeline would not.
fn edits(published: &Published) -> Delta {
    let publication = published.aggregated.as_ref().expect("something changed");
    let edit = |(type_url, name): &(TypeUrl, Arc<str>)| Edit {
        audience: Audience::All,
        type_url: *type_url,
        name: name.clone(),
        resource: publication.snapshot.table(*type_url).get(name).cloned(),
    };
    Delta { edits: publication.changed.iter().map(edit).collect() }
}

fn edit(type_url: TypeUrl, name: &str, message: &impl Message) -> Edit {
    let resource = Some(Resource::new(message.encode_to_vec().into(), []));
    Edit { audience: Audience::All, type_url, name: name.into(), resource }
}

async fn serve(hosts: &mut Hosts, first: Published) -> Direct {
    let mut direct = Direct::start(&edits(&first)).await;
    let changes = hosts.directory.scan().changes;
    publish(hosts, &mut direct, changes);
    direct
}

fn publish(hosts: &mut Hosts, direct: &mut Direct, changes: Vec<Change>) {
    let pass = hosts.pipeline.apply(changes, direct.hub.now());
    if pass.published.aggregated.is_some() {
        direct.publish(&edits(&pass.published));
    }
}

/// A changed cluster waits for its load assignment, for which Envoy does not ask again: without it, 15 seconds.
pub(crate) async fn a_changed_cluster_setting_is_active_within_a_second_under_traffic(
    binary: PathBuf,
) {
    let backend = Echo::start("backend").expect("a backend");
    let ports = Ports::free();
    let (mut hosts, first) = Hosts::new(backend.addr, ports.config());
    let mut direct = serve(&mut hosts, first).await;
    let changes = hosts.add("one", backend.addr);
    publish(&mut hosts, &mut direct, changes);
    let envoy = Proxy::start(&binary, direct.xds, Dialect::Aggregated, ports);
    envoy.becomes("one.test", "/", Answer::of("backend")).await;
    let mut config = contour_envoy::Config::clone(&ports.config());
    config.cluster.circuit_breakers =
        CircuitBreakers { max_connections: 77.try_into().ok(), ..CircuitBreakers::default() };
    let pass = hosts.pipeline.configure(Arc::default(), Arc::new(config), direct.hub.now());
    let begin = Instant::now();
    direct.publish(&edits(&pass.published));
    let mut ticks = interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        let answer = envoy.get("one.test", "/").await.expect("an answer");
        assert_eq!(answer, Answer::of("backend"));
        let clusters = envoy.ask("/clusters").await.expect("clusters");
        if clusters.contains("default_priority::max_connections::77") {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(1), "not active after a second");
    }
    assert_eq!(envoy.rejected().await, 0);
}

/// Envoy withholds every answer about clusters while one of them waits for its first health check.
pub(crate) async fn a_dead_health_check_target_delays_nobody_else(binary: PathBuf) {
    let dead = TcpListener::bind("127.0.0.1:0").expect("a port that accepts and never answers");
    let check = HealthCheck {
        timeout: Some(seconds(20)),
        interval: Some(seconds(20)),
        unhealthy_threshold: Some(UInt32Value { value: 1 }),
        healthy_threshold: Some(UInt32Value { value: 1 }),
        // It waits for an answer, which never comes.
        health_checker: Some(HealthChecker::TcpHealthCheck(TcpHealthCheck {
            receive: vec![payload("61")],
            ..TcpHealthCheck::default()
        })),
        ..HealthCheck::default()
    };
    let target = dead.local_addr().expect("its address");
    let mut cluster =
        cluster("dead", DiscoveryType::Static, &target.ip().to_string(), target.port());
    cluster.health_checks.push(check);
    delays_nobody_else(binary, cluster).await;
}

/// The same while one of them waits for the first answer of DNS.
pub(crate) async fn a_silent_dns_server_delays_nobody_else(binary: PathBuf) {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port that never answers");
    let server = silent.local_addr().expect("its address");
    let resolver = CaresDnsResolverConfig {
        resolvers: vec![address(&server.ip().to_string(), server.port())],
        ..CaresDnsResolverConfig::default()
    };
    let mut cluster = cluster("silent", DiscoveryType::StrictDns, "name.invalid", 80);
    cluster.typed_dns_resolver_config = Some(TypedExtensionConfig {
        name: "envoy.network.dns_resolver.cares".to_owned(),
        typed_config: Some(any(&resolver)),
    });
    delays_nobody_else(binary, cluster).await;
}

/// Publishes a cluster that does not get warm for at least 15 seconds, and then others' hosts.
async fn delays_nobody_else(binary: PathBuf, cluster: Cluster) {
    let backend = Echo::start("backend").expect("a backend");
    let ports = Ports::free();
    let (mut hosts, first) = Hosts::new(backend.addr, ports.config());
    let mut direct = serve(&mut hosts, first).await;
    let changes = hosts.add("one", backend.addr);
    publish(&mut hosts, &mut direct, changes);
    let envoy = Proxy::start(&binary, direct.xds, Dialect::Aggregated, ports);
    envoy.becomes("one.test", "/", Answer::of("backend")).await;
    let edit = edit(TypeUrl::Cluster, &cluster.name, &cluster);
    direct.publish(&Delta { edits: vec![edit] });
    until("the cluster is waited for", async || {
        envoy.stat("cluster_manager.warming_clusters").await == Some(1)
    })
    .await;
    for name in ["two", "three"] {
        let changes = hosts.add(name, backend.addr);
        publish(&mut hosts, &mut direct, changes);
        let took = time_until(&envoy, &format!("{name}.test"), Answer::of("backend")).await;
        assert!(took < SOON, "{name}.test was served after {took:?}");
    }
    assert_eq!(envoy.stat("cluster_manager.warming_clusters").await, Some(1), "it waits still");
}

/// Envoy refuses responses, not resources: of what came with a bad one, none or a random part is applied.
pub(crate) async fn one_refused_resource_at_start_leaves_the_others_working(binary: PathBuf) {
    const HOSTS: usize = 20;
    let backend = Echo::start("backend").expect("a backend");
    let ports = Ports::free();
    let (mut hosts, first) = Hosts::new(backend.addr, ports.config());
    let mut direct = serve(&mut hosts, first).await;
    for host in 0..HOSTS {
        let changes = hosts.add(&format!("host-{host}"), backend.addr);
        publish(&mut hosts, &mut direct, changes);
    }
    // A host whose assignment has an address that is none, a cluster that breaks a constraint, and a listener nowhere.
    let changes = hosts.add("bad", backend.addr);
    publish(&mut hosts, &mut direct, changes);
    let name = "default/bad-service/http";
    let mut never = cluster("never", DiscoveryType::Static, "127.0.0.1", 1);
    never.connect_timeout = Some(seconds(0));
    direct.publish(&Delta {
        edits: vec![
            edit(TypeUrl::LoadAssignment, name, &assignment(name, "not-an-address", 80)),
            edit(TypeUrl::Cluster, "never", &never),
            edit(TypeUrl::Listener, "nowhere", &listener("nowhere")),
        ],
    });
    let envoy = Proxy::start(&binary, direct.xds, Dialect::Aggregated, ports);
    let begin = Instant::now();
    for host in 0..HOSTS {
        envoy.becomes(&format!("host-{host}.test"), "/", Answer::of("backend")).await;
    }
    assert!(begin.elapsed() < 2 * SOON, "all hosts work after {:?}", begin.elapsed());
    assert_eq!(envoy.get("bad.test", "/").await.expect("an answer"), Answer::envoy(503));
    until("all three are refused", async || envoy.rejected().await >= 3).await;
    let refused = envoy.rejected().await;
    let changes = hosts.add("later", backend.addr);
    publish(&mut hosts, &mut direct, changes);
    let took = time_until(&envoy, "later.test", Answer::of("backend")).await;
    assert!(took < SOON, "later.test was served after {took:?}");
    assert_eq!(envoy.rejected().await, refused, "what is refused is not sent again");
}

pub(crate) async fn a_taken_port_is_tried_again_in_the_aggregated_dialect(binary: PathBuf) {
    a_taken_port_is_tried_again(binary, Dialect::Aggregated).await;
}

pub(crate) async fn a_taken_port_is_tried_again_in_the_separate_dialect(binary: PathBuf) {
    a_taken_port_is_tried_again(binary, Dialect::Separate).await;
}

/// Another program has Envoy's port; once it is free, Envoy listens there without anyone's help.
async fn a_taken_port_is_tried_again(binary: PathBuf, dialect: Dialect) {
    let backend = Echo::start("backend").expect("a backend");
    let manifests = Manifests::new();
    manifests.service("backend", backend.addr);
    manifests.proxy(
        "one",
        "{virtualhost: {fqdn: one.test}, routes: [{services: [{name: backend, port: 80}]}]}",
    );
    let ports = Ports::free();
    let other = TcpListener::bind(ports.http).expect("the port is free");
    let server = Server::start(manifests.path(), ports.config()).await;
    let envoy = Proxy::start(&binary, server.xds, dialect, ports);
    until("Envoy tells of itself", async || envoy.ask("/stats").await.is_ok()).await;
    until("the listener is refused", async || envoy.rejected().await >= 1).await;
    drop(other);
    envoy.becomes("one.test", "/", Answer::of("backend")).await;
}

/// On separate streams routes wait for the clusters that are new to them. Changes that never end must not make them wait
/// for ever.
pub(crate) async fn hosts_that_keep_coming_are_served_in_the_separate_dialect(binary: PathBuf) {
    let backend = Echo::start("backend").expect("a backend");
    let manifests = Manifests::new();
    let add = |name: &str| {
        manifests.service(&format!("{name}-service"), backend.addr);
        let routes = format!("routes: [{{services: [{{name: {name}-service, port: 80}}]}}]");
        manifests.proxy(name, &format!("{{virtualhost: {{fqdn: {name}.test}}, {routes}}}"));
    };
    add("first");
    let ports = Ports::free();
    let server = Server::start(manifests.path(), ports.config()).await;
    let envoy = Proxy::start(&binary, server.xds, Dialect::Separate, ports);
    envoy.becomes("first.test", "/", Answer::of("backend")).await;
    // Each comes before the routes of the one before it are due.
    let mut ticks = interval(Duration::from_millis(300));
    let begin = Instant::now();
    for host in 0.. {
        ticks.tick().await;
        let answer = envoy.get("host-0.test", "/").await.expect("an answer");
        if answer == Answer::of("backend") {
            break;
        }
        assert!(begin.elapsed() < SOON, "host-0.test is not served while others come");
        add(&format!("host-{host}"));
    }
    assert_eq!(envoy.rejected().await, 0);
}

/// A listener without an address.
fn listener(name: &str) -> Listener {
    Listener { name: name.to_owned(), ..Listener::default() }
}

fn cluster(name: &str, kind: DiscoveryType, host: &str, port: u16) -> Cluster {
    Cluster {
        name: name.to_owned(),
        connect_timeout: Some(seconds(2)),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(kind.into())),
        load_assignment: Some(assignment(name, host, port)),
        ..Cluster::default()
    }
}

fn assignment(name: &str, host: &str, port: u16) -> ClusterLoadAssignment {
    let endpoint = Endpoint { address: Some(address(host, port)), ..Endpoint::default() };
    let endpoint = LbEndpoint {
        host_identifier: Some(HostIdentifier::Endpoint(endpoint)),
        ..LbEndpoint::default()
    };
    let locality =
        LocalityLbEndpoints { lb_endpoints: vec![endpoint], ..LocalityLbEndpoints::default() };
    ClusterLoadAssignment {
        cluster_name: name.to_owned(),
        endpoints: vec![locality],
        ..ClusterLoadAssignment::default()
    }
}

fn address(host: &str, port: u16) -> Address {
    let socket = SocketAddress {
        protocol: Protocol::Tcp.into(),
        address: host.to_owned(),
        port_specifier: Some(PortSpecifier::PortValue(port.into())),
        ..SocketAddress::default()
    };
    Address { address: Some(address::Address::SocketAddress(socket)) }
}

/// What a health check sends or expects, in hexadecimal digits.
fn payload(digits: &str) -> Payload {
    Payload { payload: Some(PayloadKind::Text(digits.to_owned())) }
}

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

fn seconds(seconds: i64) -> ProtoDuration {
    ProtoDuration { seconds, nanos: 0 }
}
