//! An Envoy that is taken out of service under traffic.

use std::path::PathBuf;
use std::time::Duration;

use contour::envoy::shutdown::{Ended, Shutdown};
use contour_tests::echo::Echo;
use contour_tests::proxy::{Answer, Ports, Proxy, get, until};
use contour_tests::server::Server;
use contour_xds::resource::Dialect;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use crate::manifests::Manifests;

/// Requests that last while Envoy is drained.
const LONG: u64 = 100;

/// How often a short one begins, on a connection of its own: 200 in a second.
const SHORT_EVERY: Duration = Duration::from_millis(5);

/// How long it takes until load balancers have noticed that Envoy is not ready.
const NOTICED_AFTER: Duration = Duration::from_secs(2);

pub(crate) async fn nothing_is_lost_while_envoy_is_drained(binary: PathBuf) {
    let one = Echo::start("one").expect("a backend");
    let manifests = Manifests::new();
    manifests.service("one", one.addr);
    manifests.proxy(
        "shop",
        "{virtualhost: {fqdn: shop.test}, routes: [{services: [{name: one, port: 80}]}]}",
    );
    let ports = Ports::free();
    let (http, stats) = (ports.http, ports.stats);
    let server = Server::start(manifests.path(), ports.config()).await;
    let envoy = Proxy::start(&binary, server.xds, Dialect::Aggregated, ports);
    envoy.becomes("shop.test", "/", Answer::of("one")).await;

    let mut requests = JoinSet::new();
    for number in 0..LONG {
        let path = format!("/?delay={}", 3000 + 20 * number);
        requests.spawn(async move { get(http, "shop.test", &path).await });
    }
    until("they are all under way", async || {
        envoy.stat("http.ingress_http.downstream_rq_active").await == Some(LONG)
    })
    .await;
    let shutdown = Shutdown {
        admin_socket: envoy.admin_socket(),
        drain_delay: Duration::ZERO,
        check_delay: Duration::ZERO,
        check_interval: Duration::from_millis(100),
        enough: 0,
        within: None,
    };
    let draining = tokio::spawn(async move { shutdown.run().await });
    let begin = Instant::now();
    let mut ticks = interval(SHORT_EVERY);
    while begin.elapsed() < NOTICED_AFTER {
        ticks.tick().await;
        requests.spawn(async move { get(http, "shop.test", "/").await });
    }
    assert_eq!(get(stats, "envoy", "/ready").await.expect("an answer").status, 503);
    assert_eq!(draining.await.expect("no panic"), Ended::Drained);
    drop(envoy);
    let mut answered = 0;
    while let Some(answer) = requests.join_next().await {
        let answer = answer.expect("no panic").expect("an answer");
        assert_eq!(answer, Answer::of("one"));
        answered += 1;
    }
    assert!(answered > LONG + 200, "{answered}");
}
