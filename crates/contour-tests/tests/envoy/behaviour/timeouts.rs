//! `timeoutPolicy`.

use std::path::PathBuf;

use contour_tests::echo::Echo;
use futures_util::future::join_all;

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: timeouts}
spec:
  virtualhost: {fqdn: timeouts.test}
  routes:
  - services: [{name: one, port: 80}]
  - conditions: [{prefix: /response}]
    services: [{name: one, port: 80}]
    timeoutPolicy: {response: 1s}
  - conditions: [{prefix: /long}]
    services: [{name: one, port: 80}]
    timeoutPolicy: {response: 1m}
  - conditions: [{prefix: /idle}]
    services: [{name: one, port: 80}]
    timeoutPolicy: {idle: 1s}
  - conditions: [{prefix: /endless}]
    services: [{name: one, port: 80}]
    timeoutPolicy: {response: infinity, idle: infinity}
";

/// What is shown, the path that is asked for, the status, and the body if it is Envoy's.
const FACTS: &[(&str, &str, u16, Option<&str>)] = &[
    ("no response in time", "/response?delay=30000", 504, Some("upstream request timeout")),
    ("a response in time", "/response", 200, None),
    ("a longer time", "/long?delay=1300", 200, None),
    ("nothing happens for the idle time", "/idle?delay=30000", 504, Some("stream timeout")),
    ("something happens in the idle time", "/idle", 200, None),
    ("no limits", "/endless?delay=1300", 200, None),
    ("without a policy, longer than others have", "/?delay=1300", 200, None),
];

pub(crate) async fn responses_come_in_time_or_not_at_all(binary: PathBuf) {
    let one = Echo::start("one").expect("a backend");
    let manifests = manifests(PROXIES);
    manifests.service("one", one.addr);
    let stage = Stage::start(&binary, &manifests).await;
    let responses = FACTS.iter().map(|(_, path, ..)| stage.get("timeouts.test", path));
    for (&(name, _, status, expect), found) in FACTS.iter().zip(join_all(responses).await) {
        let body = found.backend().is_none().then_some(&*found.body);
        stage.fact(name, (found.status, body), (status, expect));
    }
    stage.end().await;
}
