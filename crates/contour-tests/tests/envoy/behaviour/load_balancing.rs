//! `loadBalancerPolicy`: which of its endpoints a service is asked by.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use contour_tests::echo::Echo;
use contour_tests::proxy::Request;

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: balancing}
spec:
  virtualhost: {fqdn: balancing.test}
  routes:
  - services: [{name: all, port: 80}]
  - conditions: [{prefix: /random}]
    services: [{name: all, port: 80}]
    loadBalancerPolicy: {strategy: Random}
  - conditions: [{prefix: /least}]
    services: [{name: all, port: 80}]
    loadBalancerPolicy: {strategy: WeightedLeastRequest}
  - conditions: [{prefix: /cookie}]
    services: [{name: all, port: 80}]
    loadBalancerPolicy: {strategy: Cookie}
  - conditions: [{prefix: /header}]
    services: [{name: all, port: 80}]
    loadBalancerPolicy:
      strategy: RequestHash
      requestHashPolicies: [{headerHashOptions: {headerName: x-user}}]
  - conditions: [{prefix: /query}]
    services: [{name: all, port: 80}]
    loadBalancerPolicy:
      strategy: RequestHash
      requestHashPolicies: [{queryParameterHashOptions: {parameterName: User}}]
  - conditions: [{prefix: /source}]
    services: [{name: all, port: 80}]
    loadBalancerPolicy:
      strategy: RequestHash
      requestHashPolicies: [{hashSourceIP: true}]
  - conditions: [{prefix: /terminal}]
    services: [{name: all, port: 80}]
    loadBalancerPolicy:
      strategy: RequestHash
      requestHashPolicies:
      - {headerHashOptions: {headerName: x-user}, terminal: true}
      - {hashSourceIP: true}
";

/// How many requests tell one from many: of four endpoints chance hits the same one so often in 10^17 draws.
const REQUESTS: u8 = 30;

pub(crate) async fn requests_are_shared_as_told(binary: PathBuf) {
    let backends = ["a", "b", "c", "d"].map(|name| Echo::start(name).expect("a backend"));
    let manifests = manifests(PROXIES);
    manifests.service_of("all", "", &backends.each_ref().map(|each| each.addr));
    let stage = Stage::start(&binary, &manifests).await;
    in_turn(&stage).await;
    for path in ["/random", "/least"] {
        let reached = reached(&stage, |_| get(path)).await.len();
        stage.fact(&format!("{path}: all are reached"), reached, 4);
    }
    hashed(&stage).await;
    by_source(&stage).await;
    by_cookie(&stage).await;
    stage.end().await;
}

fn get(path: &str) -> Request {
    Request::get("balancing.test", path)
}

/// Who answers requests, of which each is made from its number, and how often.
async fn reached(stage: &Stage, request: impl Fn(u8) -> Request) -> BTreeMap<String, usize> {
    let mut reached = BTreeMap::new();
    for number in 1..=REQUESTS {
        let found = stage.send(request(number)).await;
        *reached.entry(found.backend().unwrap_or_default().to_owned()).or_default() += 1;
    }
    reached
}

/// Each of Envoy's two workers goes round by itself.
async fn in_turn(stage: &Stage) {
    let reached = reached(stage, |_| get("/")).await;
    let fair = usize::from(REQUESTS) / 4;
    let off = reached.values().filter(|count| count.abs_diff(fair) > 2).count();
    stage.fact("in turn: all get the same", (reached.len(), off), (4, 0));
}

async fn hashed(stage: &Stage) {
    let user = |value: u8| get("/header").header("X-User", &value.to_string());
    stage.fact("header: one value, one endpoint", reached(stage, |_| user(1)).await.len(), 1);
    let many = reached(stage, user).await.len() > 1;
    stage.fact("header: many values, many endpoints", many, true);
    let many = reached(stage, |_| get("/header")).await.len() > 1;
    stage.fact("header: without it, many endpoints", many, true);
    let query = |value: u8| get(&format!("/query?a={value}&User=7"));
    stage.fact("query: one value, one endpoint", reached(stage, query).await.len(), 1);
    let query = |value: u8| get(&format!("/query?a=1&User={value}"));
    let many = reached(stage, query).await.len() > 1;
    stage.fact("query: many values, many endpoints", many, true);
}

async fn by_source(stage: &Stage) {
    let from = |request: Request, last: u8| request.from(Ipv4Addr::new(127, 0, 0, last));
    let same = reached(stage, |_| from(get("/source"), 9)).await.len();
    stage.fact("source: one address, one endpoint", same, 1);
    let many = reached(stage, |last| from(get("/source"), last)).await.len() > 1;
    stage.fact("source: many addresses, many endpoints", many, true);
    let user = |last| from(get("/terminal").header("x-user", "1"), last);
    stage.fact("terminal: what comes first decides", reached(stage, user).await.len(), 1);
    let same = reached(stage, |_| from(get("/terminal"), 9)).await.len();
    stage.fact("terminal: if it is missing, what comes next decides", same, 1);
    let many = reached(stage, |last| from(get("/terminal"), last)).await.len() > 1;
    stage.fact("terminal: and differs", many, true);
}

async fn by_cookie(stage: &Stage) {
    let first = stage.send(get("/cookie")).await;
    let cookie = first.header("set-cookie").unwrap_or_default();
    let (pair, attributes) = cookie.split_once("; ").unwrap_or_default();
    let (name, _) = pair.split_once('=').unwrap_or_default();
    stage.fact("cookie: its name", name, "X-Contour-Session-Affinity");
    let attributes: BTreeSet<&str> = attributes.split("; ").collect();
    stage.fact("cookie: it ends with the session", attributes, ["HttpOnly", "Path=/"].into());
    let stuck = reached(stage, |_| get("/cookie").header("cookie", pair)).await;
    let expect = [(first.backend().unwrap_or_default().to_owned(), usize::from(REQUESTS))];
    stage.fact("cookie: who has it stays", stuck, expect.into());
    let again = stage.send(get("/cookie").header("cookie", pair)).await;
    stage.fact("cookie: who has it gets no other", again.header("set-cookie"), None);
    let many = reached(stage, |_| get("/cookie")).await.len() > 1;
    stage.fact("cookie: without it, many endpoints", many, true);
}
