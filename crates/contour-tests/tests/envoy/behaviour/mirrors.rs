//! `mirror`: copies of requests.

use std::path::PathBuf;

use contour_tests::echo::Echo;
use contour_tests::proxy::until;

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: mirrors}
spec:
  virtualhost: {fqdn: mirrors.test}
  routes:
  - conditions: [{prefix: /all}]
    services: [{name: one, port: 80}, {name: copy, port: 80, mirror: true}]
  - conditions: [{prefix: /zero}]
    services: [{name: one, port: 80}, {name: copy, port: 80, mirror: true, weight: 0}]
  - conditions: [{prefix: /half}]
    services: [{name: one, port: 80}, {name: copy, port: 80, mirror: true, weight: 50}]
  - conditions: [{prefix: /weights}]
    services: [{name: one, port: 80, weight: 1}, {name: copy, port: 80, mirror: true, weight: 100}]
";

const REQUESTS: usize = 40;

pub(crate) async fn copies_are_sent(binary: PathBuf) {
    let [one, copy] = ["one", "copy"].map(|name| Echo::start(name).expect("a backend"));
    let manifests = manifests(PROXIES);
    manifests.service("one", one.addr);
    manifests.service("copy", copy.addr);
    let stage = Stage::start(&binary, &manifests).await;
    for (name, path) in [
        ("a copy of each request", "/all?a=b"),
        ("no part is all", "/zero"),
        ("a mirror has no share of the requests", "/weights"),
        ("a copy that fails", "/all/status/500"),
    ] {
        let mut primary = 0;
        for _ in 0..REQUESTS {
            primary += usize::from(stage.get("mirrors.test", path).await.backend() == Some("one"));
        }
        stage.fact(&format!("{name}: answers are not the copy's"), primary, REQUESTS);
        until(&format!("{name}: all copies arrive"), async || copy.count(path) >= REQUESTS).await;
        stage.fact(name, (one.count(path), copy.count(path)), (REQUESTS, REQUESTS));
    }
    for _ in 0..REQUESTS {
        stage.get("mirrors.test", "/half").await;
    }
    stage.becomes("a part: some", async || copy.count("/half") > 0).await;
    stage.fact("a part: not all", copy.count("/half") < REQUESTS, true);
    stage.fact("a part: nothing of the requests", one.count("/half"), REQUESTS);
    let host = stage.get("mirrors.test", "/all?a=c").await.heard_header("host");
    stage.fact("the request itself stays as it was", host.as_deref(), Some("mirrors.test"));
    stage.end().await;
}
