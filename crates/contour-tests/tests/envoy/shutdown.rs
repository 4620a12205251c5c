//! An Envoy that is taken out of service under traffic.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use contour::envoy::admin::Admin;
use contour::envoy::shutdown::{Ended, Shutdown};
use contour_tests::echo::Echo;
use contour_tests::proxy::{Answer, Ports, Proxy, get, get_and_stay, throughout, until};
use contour_tests::server::Server;
use contour_xds::resource::Dialect;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
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
        let path = format!("/?delay={}", 8000 + 20 * number);
        // Half of the connections would stay, if Envoy did not close them.
        requests.spawn(async move {
            match number % 2 {
                0 => get(http, "shop.test", &path).await,
                _ => get_and_stay(http, "shop.test", &path).await,
            }
        });
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

/// An Envoy with nothing but a listener that hands connections on, and an admin interface.
fn tcp_proxy(admin: &Path, port: u16, backend: SocketAddr) -> String {
    let address =
        |port: u16| json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } });
    let endpoint = json!({ "endpoint": { "address": address(backend.port()) } });
    let cluster = json!({
        "name": "backend",
        "connect_timeout": "5s",
        "load_assignment": { "cluster_name": "backend", "endpoints": [{ "lb_endpoints": [endpoint] }] },
    });
    let filter = json!({
        "name": "tcp_proxy",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "ingress_tcp",
            "cluster": "backend",
        },
    });
    let listener = json!({
        "name": "ingress_tcp", "address": address(port), "filter_chains": [{ "filters": [filter] }],
    });
    json!({
        "admin": { "address": { "pipe": { "path": admin } } },
        "static_resources": { "listeners": [listener], "clusters": [cluster] },
    })
    .to_string()
}

pub(crate) async fn a_connection_that_is_only_handed_on_is_waited_for(binary: PathBuf) {
    let backend = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let scratch = tempfile::tempdir().expect("a directory");
    let (admin_socket, file) =
        (scratch.path().join("admin.sock"), scratch.path().join("envoy.json"));
    let port = Ports::free().http.port();
    let address = backend.local_addr().expect("its address");
    std::fs::write(&file, tcp_proxy(&admin_socket, port, address)).expect("a file");
    let mut command = Command::new(binary);
    command.arg("-c").arg(&file).args(["--disable-hot-restart", "--log-level", "error"]);
    let _envoy = command.stdin(Stdio::null()).kill_on_drop(true).spawn().expect("Envoy starts");
    let admin = Admin::new(&admin_socket);
    until("Envoy is there", async || {
        admin.get("/ready").await.is_ok_and(|answer| answer.starts_with("LIVE"))
    })
    .await;
    let client = TcpStream::connect(("127.0.0.1", port)).await.expect("Envoy listens");
    let (handed_on, _) = backend.accept().await.expect("it is handed on");

    let shutdown = Shutdown {
        admin_socket,
        drain_delay: Duration::ZERO,
        check_delay: Duration::ZERO,
        check_interval: Duration::from_millis(50),
        enough: 0,
        within: None,
    };
    let draining = tokio::spawn(async move { shutdown.run().await });
    until("Envoy fails its health check", async || {
        admin.get("/ready").await.is_ok_and(|answer| !answer.starts_with("LIVE"))
            || admin.get("/ready").await.is_err()
    })
    .await;
    throughout(Duration::from_secs(1), "the connection is waited for", async || {
        !draining.is_finished()
    })
    .await;
    // Envoy hands on that one side has closed, and waits for the other.
    drop((client, handed_on));
    assert_eq!(draining.await.expect("no panic"), Ended::Drained);
}
