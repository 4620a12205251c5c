//! `ipAllowPolicy` and `ipDenyPolicy`.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use contour_tests::echo::Echo;
use contour_tests::proxy::{Ports, Request};

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: deny}
spec:
  virtualhost:
    fqdn: deny.test
    ipDenyPolicy: [{source: Peer, cidr: 127.0.0.2}, {source: Peer, cidr: 127.0.1.9/24}]
  routes:
  - services: [{name: one, port: 80}]
  - {conditions: [{prefix: /redirect}], requestRedirectPolicy: {hostname: new.test}}
  - {conditions: [{prefix: /direct}], directResponsePolicy: {statusCode: 200}}
  - conditions: [{prefix: /own}]
    services: [{name: one, port: 80}]
    ipAllowPolicy: [{source: Peer, cidr: 127.0.0.2}]
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: allow}
spec:
  virtualhost: {fqdn: allow.test, ipAllowPolicy: [{source: Peer, cidr: 127.0.0.0/30}]}
  routes:
  - services: [{name: one, port: 80}]
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: route}
spec:
  virtualhost: {fqdn: route.test}
  routes:
  - services: [{name: one, port: 80}]
  - conditions: [{prefix: /denied}]
    services: [{name: one, port: 80}]
    ipDenyPolicy: [{source: Peer, cidr: 127.0.0.2}]
  - conditions: [{prefix: /redirect}]
    requestRedirectPolicy: {hostname: new.test}
    ipDenyPolicy: [{source: Peer, cidr: 127.0.0.2}]
  - conditions: [{prefix: /direct}]
    directResponsePolicy: {statusCode: 200}
    ipDenyPolicy: [{source: Peer, cidr: 127.0.0.2}]
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: remote}
spec:
  virtualhost: {fqdn: remote.test}
  routes:
  - conditions: [{prefix: /allow}]
    services: [{name: one, port: 80}]
    ipAllowPolicy: [{source: Remote, cidr: 192.0.2.0/24}]
  - conditions: [{prefix: /deny}]
    services: [{name: one, port: 80}]
    ipDenyPolicy: [{source: Remote, cidr: 127.0.0.0/8}]
  - conditions: [{prefix: /peer}]
    services: [{name: one, port: 80}]
    ipAllowPolicy: [{source: Peer, cidr: 192.0.2.0/24}]
";

/// What is shown, the last byte of the address that asks, host and path, and the status.
const PEERS: &[(&str, u8, &str, &str, u16)] = &[
    ("a host denies an address", 2, "deny.test", "/", 403),
    ("a host lets others pass", 1, "deny.test", "/", 200),
    ("a host denies it redirects", 2, "deny.test", "/redirect", 403),
    ("a host redirects others", 1, "deny.test", "/redirect", 302),
    ("a host denies it direct responses", 2, "deny.test", "/direct", 403),
    ("a host answers others", 1, "deny.test", "/direct", 200),
    ("a route's list replaces the host's: who passes", 2, "deny.test", "/own", 200),
    ("a route's list replaces the host's: who does not", 1, "deny.test", "/own", 403),
    ("a host allows a network", 3, "allow.test", "/", 200),
    ("a host denies all others", 4, "allow.test", "/", 403),
    ("a route denies an address", 2, "route.test", "/denied", 403),
    ("a route lets others pass", 1, "route.test", "/denied", 200),
    ("other routes do not ask", 2, "route.test", "/", 200),
    ("a route that redirects denies an address", 2, "route.test", "/redirect", 403),
    ("a route that redirects lets others pass", 1, "route.test", "/redirect", 302),
    ("a route that answers denies an address", 2, "route.test", "/direct", 403),
    ("a route that answers lets others pass", 1, "route.test", "/direct", 200),
];

/// What is shown, `X-Forwarded-For`, the path, and the status.
type Forwarded = (&'static str, &'static str, &'static str, u16);

/// Behind one proxy that is trusted.
const TRUSTED: &[Forwarded] = &[
    ("the client is allowed", "192.0.2.7", "/allow", 200),
    ("another is not", "198.51.100.7", "/allow", 403),
    ("whom the proxy names counts", "192.0.2.7, 198.51.100.7", "/allow", 403),
    ("what the client says does not", "198.51.100.7, 192.0.2.7", "/allow", 200),
    ("the client is not denied for its proxy", "192.0.2.7", "/deny", 200),
    ("the client is denied", "127.0.0.9", "/deny", 403),
    ("a peer is who connects", "192.0.2.7", "/peer", 403),
];

/// In front of which nobody is trusted.
const UNTRUSTED: &[Forwarded] = &[
    ("nobody gets in by a header", "192.0.2.7", "/allow", 403),
    ("nobody hides behind a header", "192.0.2.7", "/deny", 403),
];

pub(crate) async fn only_those_pass_who_may(binary: PathBuf) {
    let one = Echo::start("one").expect("a backend");
    let manifests = manifests(PROXIES);
    manifests.service("one", one.addr);
    let ports = Ports::free();
    let mut config = Arc::unwrap_or_clone(ports.config());
    config.http.trusted_hops = 1;
    let stage = Stage::start_with(&binary, &manifests, ports, Arc::new(config)).await;
    for &(name, last, host, path, status) in PEERS {
        let request = Request::get(host, path).from(Ipv4Addr::new(127, 0, 0, last));
        stage.fact(name, stage.send(request).await.status, status);
    }
    let request = Request::get("deny.test", "/").from(Ipv4Addr::new(127, 0, 1, 77));
    stage.fact("a host denies a network", stage.send(request).await.status, 403);
    forwarded(&stage, TRUSTED).await;
    stage.end().await;
}

pub(crate) async fn a_forged_address_is_not_believed(binary: PathBuf) {
    let one = Echo::start("one").expect("a backend");
    let manifests = manifests(PROXIES);
    manifests.service("one", one.addr);
    let stage = Stage::start(&binary, &manifests).await;
    forwarded(&stage, UNTRUSTED).await;
    stage.end().await;
}

async fn forwarded(stage: &Stage, facts: &[Forwarded]) {
    for &(name, addresses, path, status) in facts {
        let request = Request::get("remote.test", path).header("x-forwarded-for", addresses);
        stage.fact(name, stage.send(request).await.status, status);
    }
}
