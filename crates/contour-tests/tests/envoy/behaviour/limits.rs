//! `rateLimitPolicy.local`, and how much of a service may be under way.

use std::path::PathBuf;

use contour_tests::echo::Echo;
use contour_tests::proxy::until;

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: route}
spec:
  virtualhost: {fqdn: route.test}
  routes:
  - services: [{name: one, port: 80}]
  - conditions: [{prefix: /plain}]
    services: [{name: one, port: 80}]
    rateLimitPolicy: {local: {requests: 2, unit: hour}}
  - conditions: [{prefix: /burst}]
    services: [{name: one, port: 80}]
    rateLimitPolicy: {local: {requests: 1, unit: hour, burst: 2}}
  - conditions: [{prefix: /worded}]
    services: [{name: one, port: 80}]
    rateLimitPolicy:
      local:
        requests: 1
        unit: hour
        responseStatusCode: 503
        responseHeadersToAdd: [{name: x-limited, value: 100%}]
  - conditions: [{prefix: /direct}]
    directResponsePolicy: {statusCode: 200}
    rateLimitPolicy: {local: {requests: 1, unit: hour}}
  - conditions: [{prefix: /second}]
    services: [{name: one, port: 80}]
    rateLimitPolicy: {local: {requests: 1, unit: second}}
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: host}
spec:
  virtualhost: {fqdn: host.test, rateLimitPolicy: {local: {requests: 3, unit: hour}}}
  routes:
  - services: [{name: one, port: 80}]
  - {conditions: [{prefix: /direct}], directResponsePolicy: {statusCode: 200}}
  - conditions: [{prefix: /own}]
    services: [{name: one, port: 80}]
    rateLimitPolicy: {local: {requests: 1, unit: hour}}
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: narrow}
spec:
  virtualhost: {fqdn: narrow.test}
  routes:
  - services: [{name: narrow, port: 80}]
";

/// What is shown, the host and the path that are asked for, and the statuses one after the other. The bucket of a host is
/// what the facts before left of it.
const FACTS: &[(&str, &str, &str, &[u16])] = &[
    ("of a route", "route.test", "/plain", &[200, 200, 429, 429]),
    ("a burst comes on top", "route.test", "/burst", &[200, 200, 200, 429]),
    ("a status of its own", "route.test", "/worded", &[200, 503]),
    ("of direct responses", "route.test", "/direct", &[200, 429]),
    ("other routes have none", "route.test", "/", &[200, 200, 200, 200]),
    ("of a route, which replaces that of its host", "host.test", "/own", &[200, 429]),
    ("of a host", "host.test", "/", &[200, 200]),
    ("of all routes of a host together", "host.test", "/direct", &[200, 429]),
    ("of a host whose bucket is empty", "host.test", "/", &[429]),
];

pub(crate) async fn no_more_is_let_through_than_may_be(binary: PathBuf) {
    let one = Echo::start("one").expect("a backend");
    let manifests = manifests(PROXIES);
    manifests.service("one", one.addr);
    manifests.service_of("narrow", "projectcontour.io/max-requests: '1'", &[one.addr]);
    let stage = Stage::start(&binary, &manifests).await;
    for &(name, host, path, expect) in FACTS {
        let mut statuses = Vec::with_capacity(expect.len());
        for _ in expect {
            statuses.push(stage.get(host, path).await.status);
        }
        stage.fact(name, statuses, expect.to_vec());
    }
    let limited = stage.get("route.test", "/worded").await;
    let shown = (limited.status, limited.header("x-limited"));
    stage.fact("headers of its own", shown, (503, Some("100%")));
    let second = async |status| stage.get("route.test", "/second").await.status == status;
    stage.becomes("a bucket is emptied", async || second(429).await).await;
    stage.becomes("a bucket is filled again", async || second(200).await).await;
    one_request_at_a_time(&stage, &one).await;
    stage.end().await;
}

async fn one_request_at_a_time(stage: &Stage, one: &Echo) {
    let path = "/?delay=60000";
    let second = async {
        until("one request is under way", async || one.count(path) == 1).await;
        stage.get("narrow.test", "/").await
    };
    // The first one is given up as soon as there is a response to the second.
    let second = tokio::select! {
        first = stage.get("narrow.test", path) => first,
        second = second => second,
    };
    let shown = (second.status, second.header("x-envoy-overloaded"));
    stage.fact("a second request at the same time", shown, (503, Some("true")));
    let third = async || stage.get("narrow.test", "/").await.backend() == Some("one");
    stage.becomes("a request after another", third).await;
}
