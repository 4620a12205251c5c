//! Requests through Envoy.

use std::path::PathBuf;
use std::time::Duration;

use contour_tests::echo::Echo;
use contour_tests::proxy::{Answer, Ports, Proxy, until};
use contour_tests::server::Server;
use contour_xds::resource::Dialect;
use tokio::time::{Instant, interval};

use crate::manifests::Manifests;

pub(crate) async fn requests_are_routed_in_the_aggregated_dialect(binary: PathBuf) {
    requests_are_routed(binary, Dialect::Aggregated).await;
}

pub(crate) async fn requests_are_routed_in_the_separate_dialect(binary: PathBuf) {
    requests_are_routed(binary, Dialect::Separate).await;
}

/// By host, prefix, exact path, include, wildcard, path type, default backend; and what is missing is answered as told.
async fn requests_are_routed(binary: PathBuf, dialect: Dialect) {
    let [one, two, three] =
        ["one", "two", "three"].map(|name| Echo::start(name).expect("a backend"));
    let manifests = Manifests::new();
    manifests.service("one", one.addr);
    manifests.service("two", two.addr);
    manifests.service("three", three.addr);
    manifests.proxy(
        "shop",
        "{virtualhost: {fqdn: shop.test}, \
         includes: [{name: blog, conditions: [{prefix: /blog}]}, {name: gone, conditions: [{prefix: /gone}]}], \
         routes: [{conditions: [{prefix: /}], services: [{name: one, port: 80}]}, \
         {conditions: [{prefix: /cart}], services: [{name: two, port: 80}]}, \
         {conditions: [{exact: /cart/exact}], services: [{name: three, port: 80}]}, \
         {conditions: [{prefix: /missing}], services: [{name: none, port: 80}]}]}",
    );
    manifests.proxy("blog", "{routes: [{services: [{name: three, port: 80}]}]}");
    manifests.proxy(
        "wild",
        "{virtualhost: {fqdn: '*.wild.test'}, routes: [{services: [{name: two, port: 80}]}]}",
    );
    manifests.write(
        "ingress.yaml",
        "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: docs}
spec:
  defaultBackend: {service: {name: three, port: {name: http}}}
  rules:
  - host: docs.test
    http:
      paths:
      - {path: /a, pathType: Prefix, backend: {service: {name: one, port: {number: 80}}}}
      - {path: /a/exact, pathType: Exact, backend: {service: {name: two, port: {number: 80}}}}
      - {path: '/b[0-9]+', pathType: ImplementationSpecific, backend: {service: {name: two, port: {number: 80}}}}
",
    );
    let ports = Ports::free();
    let server = Server::start(manifests.path(), ports.config()).await;
    let envoy = Proxy::start(&binary, server.xds, dialect, ports);
    envoy.becomes("shop.test", "/", Answer::of("one")).await;
    for (host, path, expect) in [
        ("shop.test", "/anything", Answer::of("one")),
        ("shop.test:8080", "/", Answer::of("one")),
        ("shop.test", "/cart", Answer::of("two")),
        ("shop.test", "/cartoon", Answer::of("two")),
        ("shop.test", "/cart/exact", Answer::of("three")),
        ("shop.test", "/cart/exact/", Answer::of("two")),
        ("shop.test", "/cart/exact?query", Answer::of("three")),
        ("shop.test", "/blog", Answer::of("three")),
        ("shop.test", "/blog/post", Answer::of("three")),
        ("shop.test", "/gone/x", Answer::envoy(502)),
        ("shop.test", "/missing", Answer::envoy(503)),
        ("a.wild.test", "/", Answer::of("two")),
        ("a.b.wild.test", "/", Answer::envoy(404)),
        ("docs.test", "/a", Answer::of("one")),
        ("docs.test", "/a/b", Answer::of("one")),
        ("docs.test", "/ab", Answer::envoy(404)),
        ("docs.test", "/a/exact", Answer::of("two")),
        ("docs.test", "/b12", Answer::of("two")),
        ("docs.test", "/b12/x", Answer::envoy(404)),
        ("elsewhere.test", "/", Answer::of("three")),
    ] {
        let found = envoy.get(host, path).await.expect("an answer");
        assert_eq!(found, expect, "{host}{path}");
    }
    assert_eq!(envoy.rejected().await, 0);
}

/// Of 2,000 requests the share of each service is within three standard deviations of its weight.
///
/// Chance alone misses that once in 370 draws, so a miss is drawn again, once: a wrong weight would miss both.
pub(crate) async fn services_share_requests_by_weight(binary: PathBuf) {
    const REQUESTS: u32 = 2000;
    let [heavy, light] = ["heavy", "light"].map(|name| Echo::start(name).expect("a backend"));
    let manifests = Manifests::new();
    manifests.service("heavy", heavy.addr);
    manifests.service("light", light.addr);
    manifests.proxy(
        "shop",
        "{virtualhost: {fqdn: shop.test}, routes: [{services: \
         [{name: heavy, port: 80, weight: 7}, {name: light, port: 80, weight: 3}]}]}",
    );
    let ports = Ports::free();
    let server = Server::start(manifests.path(), ports.config()).await;
    let envoy = Proxy::start(&binary, server.xds, Dialect::Aggregated, ports);
    envoy.becomes("shop.test", "/", Answer::of("heavy")).await;
    let mut draws = Vec::new();
    for _ in 0..2 {
        let mut light = 0;
        for _ in 0..REQUESTS {
            let answer = envoy.get("shop.test", "/").await.expect("an answer");
            light += u32::from(answer == Answer::of("light"));
        }
        let expected = f64::from(REQUESTS) * 0.3;
        let deviation = (f64::from(REQUESTS) * 0.3 * 0.7).sqrt();
        draws.push(light);
        if (f64::from(light) - expected).abs() <= 3.0 * deviation {
            return;
        }
    }
    panic!("of {REQUESTS} requests {draws:?} went to a service with 3 tenths of the weight");
}

pub(crate) async fn an_edit_under_traffic_loses_nothing_in_the_aggregated_dialect(binary: PathBuf) {
    an_edit_under_traffic_loses_nothing(binary, Dialect::Aggregated).await;
}

pub(crate) async fn an_edit_under_traffic_loses_nothing_in_the_separate_dialect(binary: PathBuf) {
    an_edit_under_traffic_loses_nothing(binary, Dialect::Separate).await;
}

/// While 50 requests come each second, an edit changes the answers, and no answer is neither old nor new: the new cluster
/// is there before the routes that lead to it, and the old one goes after those that did.
async fn an_edit_under_traffic_loses_nothing(binary: PathBuf, dialect: Dialect) {
    let [old, new] = ["old", "new"].map(|name| Echo::start(name).expect("a backend"));
    let manifests = Manifests::new();
    manifests.service("old", old.addr);
    manifests.service("new", new.addr);
    let shop = |service| {
        format!(
            "{{virtualhost: {{fqdn: shop.test}}, routes: [{{services: [{{name: {service}, port: 80}}]}}]}}"
        )
    };
    manifests.proxy("shop", &shop("old"));
    let ports = Ports::free();
    let server = Server::start(manifests.path(), ports.config()).await;
    let envoy = Proxy::start(&binary, server.xds, dialect, ports);
    envoy.becomes("shop.test", "/", Answer::of("old")).await;
    let mut ticks = interval(Duration::from_millis(20));
    let (mut seen_new, mut since_new) = (0, 0);
    for tick in 0..500 {
        ticks.tick().await;
        if tick == 25 {
            manifests.proxy("shop", &shop("new"));
        }
        let answer = envoy.get("shop.test", "/").await.expect("an answer");
        let is_new = answer == Answer::of("new");
        assert!(is_new || answer == Answer::of("old"), "neither old nor new: {answer:?}");
        seen_new += u32::from(is_new);
        since_new += u32::from(seen_new > 0);
        if since_new > 100 {
            break;
        }
    }
    assert!(since_new > 100, "the edit became active within the test");
    // Two workers may change one after the other, within milliseconds.
    assert!(
        since_new - seen_new <= 2,
        "{} old answers after the first new one",
        since_new - seen_new
    );
    assert_eq!(envoy.rejected().await, 0);
}

pub(crate) async fn envoy_serves_on_without_a_server_in_the_aggregated_dialect(binary: PathBuf) {
    envoy_serves_on_without_a_server_and_is_sent_nothing_again(binary, Dialect::Aggregated).await;
}

pub(crate) async fn envoy_serves_on_without_a_server_in_the_separate_dialect(binary: PathBuf) {
    envoy_serves_on_without_a_server_and_is_sent_nothing_again(binary, Dialect::Separate).await;
}

/// Without its server Envoy serves on; when the server is back it is not sent what it has, but it is sent what is new.
async fn envoy_serves_on_without_a_server_and_is_sent_nothing_again(
    binary: PathBuf,
    dialect: Dialect,
) {
    let backend = Echo::start("backend").expect("a backend");
    let manifests = Manifests::new();
    manifests.service("backend", backend.addr);
    let root = |host| {
        format!(
            "{{virtualhost: {{fqdn: {host}}}, routes: [{{services: [{{name: backend, port: 80}}]}}]}}"
        )
    };
    manifests.proxy("one", &root("one.test"));
    let ports = Ports::free();
    let server = Server::start(manifests.path(), ports.config()).await;
    let xds = server.xds;
    let envoy = Proxy::start(&binary, xds, dialect, ports);
    envoy.becomes("one.test", "/", Answer::of("backend")).await;
    drop(server);
    // What its streams say of their state is one gauge for all of them; of connections it counts each.
    let connections = format!("projectcontour_contour_{}.upstream_cx_active", xds.port());
    let connected = async || envoy.sum(&connections).await > 0;
    until("Envoy notices that its server is gone", async || !connected().await).await;
    let before = received(&envoy).await;
    assert_eq!(envoy.get("one.test", "/").await.expect("an answer"), Answer::of("backend"));
    let server = Server::start_at(manifests.path(), ports.config(), xds).await;
    until("Envoy connects again", connected).await;
    manifests.proxy("two", &root("two.test"));
    envoy.becomes("two.test", "/", Answer::of("backend")).await;
    until("all is accepted", async || server.hub.settled()).await;
    // The routes of the new host are one more; everything else is as it was sent the first time.
    let [routes, rest @ ..] = before;
    let [routes_after, rest_after @ ..] = received(&envoy).await;
    assert_eq!((routes_after, rest_after), (routes + 1, rest), "what Envoy has is not sent again");
    assert_eq!(envoy.rejected().await, 0);
}

/// Counters that rise with each resource that Envoy is sent, even an equal one.
async fn received(envoy: &Proxy) -> [u64; 4] {
    [
        envoy.sum("ingress_http.update_success").await,
        envoy.sum("backend_80.update_success").await,
        envoy.stat("cluster_manager.cluster_modified").await.expect("a counter"),
        envoy.stat("listener_manager.listener_modified").await.expect("a counter"),
    ]
}

/// How long it takes until a request is answered as expected.
pub(crate) async fn time_until(envoy: &Proxy, host: &str, expect: Answer) -> Duration {
    let begin = Instant::now();
    envoy.becomes(host, "/", expect).await;
    begin.elapsed()
}
