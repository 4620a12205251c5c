//! Services that stand for a name outside of the cluster.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;

use contour::serve::start::{self, Config};
use contour_tests::echo::Echo;
use contour_tests::proxy::{Answer, Ports, Proxy};
use contour_xds::resource::Dialect;
use tokio::net::TcpListener;

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: external}
spec:
  virtualhost: {fqdn: external.test}
  routes:
  - services: [{name: elsewhere, port: PORT}]
  - {conditions: [{prefix: /loopback}], services: [{name: loopback, port: PORT}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: ADDRESS, ports: [{port: PORT}]}
---
apiVersion: v1
kind: Service
metadata: {name: loopback}
spec: {type: ExternalName, externalName: 127.0.0.1, ports: [{port: PORT}]}
";

/// The setting is off unless somebody sets it: both ways are served.
pub(crate) async fn names_outside_of_the_cluster_are_reached_if_that_is_allowed(binary: PathBuf) {
    let backend = Echo::start_on(own_address(), "elsewhere").expect("a backend");
    let (address, port) = (backend.addr.ip().to_string(), backend.addr.port().to_string());
    let manifests = manifests(&PROXIES.replace("ADDRESS", &address).replace("PORT", &port));
    let ports = Ports::free();
    let builder = contour_builder::Config { external_names: true, ..Default::default() };
    let config = Config { builder: Arc::new(builder), envoy: ports.config() };
    let mut running = start::start(manifests.path(), config).expect("a readable directory");
    running.serving().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let xds: SocketAddr = listener.local_addr().expect("its address");
    running.serve_xds(listener);
    let envoy = Proxy::start(&binary, xds, Dialect::Aggregated, ports);
    envoy.becomes("external.test", "/", Answer::of("elsewhere")).await;
    let found = envoy.get("external.test", "/loopback").await.expect("a response");
    assert_eq!(found, Answer::envoy(503), "the machine itself is not reached");
    assert_eq!(envoy.rejected().await, 0);

    let stage = Stage::start(&binary, &manifests).await;
    let found = stage.get("external.test", "/").await;
    stage.fact("nobody is reached unless it is allowed", found.answer(), Answer::envoy(503));
    stage.end().await;
}

/// An address of this machine that others see: a name that stands for loopback is refused. Nothing is sent to find it.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    socket.connect("192.0.2.1:9").expect("a network");
    socket.local_addr().expect("its address").ip()
}
