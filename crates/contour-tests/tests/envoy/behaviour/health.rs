//! `healthCheckPolicy`.

use std::net::SocketAddr;
use std::path::PathBuf;

use contour_tests::echo::Echo;

use super::{Stage, manifests};

/// The same services without checks. Envoy checks where it has sent requests before each second, and elsewhere each minute.
const UNCHECKED: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: unchecked}
spec:
  virtualhost: {fqdn: unchecked.test}
  routes:
  - {services: [{name: pair, port: 80}]}
  - {conditions: [{prefix: /probed}], services: [{name: probed, port: 80}]}
";

const CHECKED: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: checked}
spec:
  virtualhost: {fqdn: checked.test}
  routes:
  - services: [{name: pair, port: 80}]
    healthCheckPolicy:
      {path: /pair/well, intervalSeconds: 1, timeoutSeconds: 1, unhealthyThresholdCount: 1, healthyThresholdCount: 1}
  - conditions: [{prefix: /probed}]
    services: [{name: probed, port: 80, healthPort: 8081}]
    healthCheckPolicy:
      {path: /probed/well, intervalSeconds: 1, timeoutSeconds: 1, unhealthyThresholdCount: 1, healthyThresholdCount: 1}
  - conditions: [{prefix: /refused}]
    services: [{name: pair, port: 80}]
    healthCheckPolicy: {path: /refused/status/404}
  - conditions: [{prefix: /expected}]
    services: [{name: pair, port: 80}]
    healthCheckPolicy: {path: /expected/status/404, expectedStatuses: [{start: 400, end: 405}]}
  - conditions: [{prefix: /beyond}]
    services: [{name: pair, port: 80}]
    healthCheckPolicy: {path: /beyond/status/405, expectedStatuses: [{start: 400, end: 405}]}
";

pub(crate) async fn endpoints_that_are_not_well_get_no_requests(binary: PathBuf) {
    let [one, two] = ["one", "two"].map(|name| Echo::start(name).expect("a backend"));
    let [served, probe] = ["served", "probe"].map(|name| Echo::start(name).expect("a backend"));
    let manifests = manifests(UNCHECKED);
    manifests.service_of("pair", "", &[one.addr, two.addr]);
    manifests.write("probed.yaml", &probed(served.addr, probe.addr));
    let stage = Stage::start(&binary, &manifests).await;
    for path in ["/", "/probed"] {
        let found = stage.get("unchecked.test", path).await;
        stage.fact("without checks there are answers", found.status, 200);
    }
    manifests.write("checked.yaml", CHECKED);
    one_of_two_is_taken_out(&stage, &one).await;
    another_port_is_asked(&stage, &probe).await;
    stage.fact("the other port is asked alone", served.count("/probed/well"), 0);
    let statuses = async |status, path| stage.get("checked.test", path).await.status == status;
    let name = "a status that is expected is well";
    stage.becomes(name, async || statuses(200, "/expected").await).await;
    for (name, path) in [
        ("another status than 200 is not well", "/refused"),
        ("the end of expected statuses is none of them", "/beyond"),
    ] {
        stage.fact(name, stage.get("checked.test", path).await.status, 503);
    }
    stage.end().await;
}

async fn one_of_two_is_taken_out(stage: &Stage, one: &Echo) {
    let answered = async |backend: &str| {
        let mut count = 0;
        for _ in 0..10 {
            count += usize::from(stage.get("checked.test", "/").await.backend() == Some(backend));
        }
        count
    };
    let both = async || (1..10).contains(&answered("one").await);
    stage.becomes("two endpoints that are well get requests", both).await;
    one.set_well(false);
    stage.becomes("the other gets them all", async || answered("two").await == 10).await;
    one.set_well(true);
    stage.becomes("one that is well again gets requests", both).await;
}

async fn another_port_is_asked(stage: &Stage, probe: &Echo) {
    let served = async |status| stage.get("checked.test", "/probed").await.status == status;
    stage.becomes("another port says that it is well", async || served(200).await).await;
    probe.set_well(false);
    stage.becomes("another port says that it is not", async || served(503).await).await;
    probe.set_well(true);
    stage.becomes("another port says that it is again", async || served(200).await).await;
}

/// A service whose health is asked for at another port.
fn probed(served: SocketAddr, probe: SocketAddr) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: probed}}
spec: {{ports: [{{name: http, port: 80}}, {{name: health, port: 8081}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: probed, labels: {{kubernetes.io/service-name: probed}}}}
addressType: IPv4
ports: [{{name: http, port: {}}}, {{name: health, port: {}}}]
endpoints: [{{addresses: [{}]}}]
",
        served.port(),
        probe.port(),
        served.ip()
    )
}
