//! `retryPolicy`: how often the backend is asked.

use std::path::PathBuf;

use contour_tests::echo::Echo;

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: retries}
spec:
  virtualhost: {fqdn: retries.test}
  routes:
  - services: [{name: one, port: 80}]
  - {conditions: [{prefix: /default}], services: [{name: one, port: 80}], retryPolicy: {}}
  - {conditions: [{prefix: /never}], services: [{name: one, port: 80}], retryPolicy: {count: -1}}
  - {conditions: [{prefix: /zero}], services: [{name: one, port: 80}], retryPolicy: {count: 0}}
  - {conditions: [{prefix: /twice}], services: [{name: one, port: 80}], retryPolicy: {count: 2}}
  - conditions: [{prefix: /gateway}]
    services: [{name: one, port: 80}]
    retryPolicy: {count: 2, retryOn: [gateway-error]}
  - conditions: [{prefix: /codes}]
    services: [{name: one, port: 80}]
    retryPolicy: {count: 2, retryOn: [retriable-status-codes], retriableStatusCodes: [404, 418]}
  - conditions: [{prefix: /mixed}]
    services: [{name: one, port: 80}]
    retryPolicy: {count: 2, retryOn: [gateway-error, retriable-status-codes], retriableStatusCodes: [404]}
  - conditions: [{prefix: /each}]
    services: [{name: one, port: 80}]
    retryPolicy: {count: 1, perTryTimeout: 1s}
  - conditions: [{prefix: /longest}]
    services: [{name: one, port: 80}]
    retryPolicy: {count: 1, perTryTimeout: infinity}
  - conditions: [{prefix: /dead}]
    services: [{name: half, port: 80}]
    retryPolicy: {count: 5, retryOn: [connect-failure]}
";

/// What is shown, the path that is asked for, the status in the end, and how often the backend was asked.
const FACTS: &[(&str, &str, u16, usize)] = &[
    ("without a policy there are none", "/status/500", 500, 1),
    ("one by default, of any failure", "/default/status/500", 500, 2),
    ("one if the count is 0", "/zero/status/500", 500, 2),
    ("none if the count is -1", "/never/status/500", 500, 1),
    ("not more than the count", "/twice/status/503", 503, 3),
    ("not after the first success", "/twice/status/503?times=1", 200, 2),
    ("up to the last one", "/twice/status/503?times=2", 200, 3),
    ("not of a failure of the client", "/twice/status/404", 404, 1),
    ("of errors of a gateway", "/gateway/status/502", 502, 3),
    ("not of others", "/gateway/status/500", 500, 1),
    ("of a status that is named", "/codes/status/418", 418, 3),
    ("not of one that is not named", "/codes/status/500", 500, 1),
    ("of one or the other: a status", "/mixed/status/404", 404, 3),
    ("of one or the other: an error of a gateway", "/mixed/status/503", 503, 3),
    ("a try has its time", "/each?delay=30000&times=1", 200, 2),
    ("the last try has its time, too", "/each?delay=30000", 504, 2),
    ("a time without end is none", "/longest?delay=1300", 200, 1),
];

pub(crate) async fn requests_are_sent_again(binary: PathBuf) {
    let one = Echo::start("one").expect("a backend");
    let dead = Echo::start("dead").expect("a backend");
    let manifests = manifests(PROXIES);
    manifests.service("one", one.addr);
    manifests.service_of("half", "", &[one.addr, dead.addr]);
    drop(dead);
    let stage = Stage::start(&binary, &manifests).await;
    // One after the other: of one cluster Envoy sends three requests again at the same time, and no more.
    for &(name, path, status, count) in FACTS {
        let found = stage.get("retries.test", path).await;
        stage.fact(name, (found.status, one.count(path)), (status, count));
    }
    for _ in 0..4 {
        let found = stage.get("retries.test", "/dead").await;
        stage.fact("of a connection that nobody accepts", found.backend(), Some("one"));
    }
    stage.end().await;
}
