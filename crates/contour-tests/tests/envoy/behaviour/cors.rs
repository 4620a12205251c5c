//! `corsPolicy`.

use std::path::PathBuf;

use contour_tests::echo::Echo;
use contour_tests::proxy::{Request, Response};

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: some}
spec:
  virtualhost:
    fqdn: some.test
    corsPolicy:
      allowOrigin: ['https://a.test', 'https://[a-z]+[.]b[.]test']
      allowMethods: [GET, PUT]
      allowHeaders: [x-a, x-b]
      exposeHeaders: [x-c, x-d]
      maxAge: 10m
      allowCredentials: true
      allowPrivateNetwork: true
  routes:
  - services: [{name: one, port: 80}]
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: any}
spec:
  virtualhost:
    fqdn: any.test
    corsPolicy: {allowOrigin: ['*'], allowMethods: [GET]}
  routes:
  - services: [{name: one, port: 80}]
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: none}
spec:
  virtualhost: {fqdn: none-at-all.test}
  routes:
  - services: [{name: one, port: 80}]
";

/// What a browser asks for before a request that might do harm.
fn preflight(host: &str, path: &str, origin: &str) -> Request {
    Request::new("OPTIONS", host, path)
        .header("origin", origin)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-private-network", "true")
}

fn get(host: &str, origin: &str) -> Request {
    Request::get(host, "/get").header("origin", origin)
}

/// The headers of a response that are about origins, sorted and without the name that all have.
fn allowed(response: &Response) -> Vec<(&str, &str)> {
    let named = |(name, value)| Some((str::strip_prefix(name, "access-control-")?, value));
    let all = response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut allowed: Vec<_> = all.filter_map(named).collect();
    allowed.sort_unstable();
    allowed
}

/// What is shown, the host and the origin that asks it, and what it is told.
type Fact = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const GETS: &[Fact] = &[
    (
        "an origin that is named",
        "some.test",
        "https://a.test",
        &[
            ("allow-credentials", "true"),
            ("allow-origin", "https://a.test"),
            ("expose-headers", "x-c,x-d"),
        ],
    ),
    (
        "an origin that an expression matches",
        "some.test",
        "https://x.b.test",
        &[
            ("allow-credentials", "true"),
            ("allow-origin", "https://x.b.test"),
            ("expose-headers", "x-c,x-d"),
        ],
    ),
    ("not one that it matches in part", "some.test", "https://x.b.test.evil.test", &[]),
    ("not another scheme", "some.test", "http://a.test", &[]),
    ("not another origin", "some.test", "https://evil.test", &[]),
    ("any origin", "any.test", "https://evil.test", &[("allow-origin", "https://evil.test")]),
    ("without a policy, none", "none-at-all.test", "https://a.test", &[]),
];

const PREFLIGHTS: &[Fact] = &[
    (
        "an origin that is named is told all",
        "some.test",
        "https://a.test",
        &[
            ("allow-credentials", "true"),
            ("allow-headers", "x-a,x-b"),
            ("allow-methods", "GET,PUT"),
            ("allow-origin", "https://a.test"),
            ("allow-private-network", "true"),
            ("expose-headers", "x-c,x-d"),
            ("max-age", "600"),
        ],
    ),
    (
        "no more than what is said",
        "any.test",
        "https://a.test",
        &[("allow-methods", "GET"), ("allow-origin", "https://a.test")],
    ),
];

pub(crate) async fn pages_of_other_origins_may_ask(binary: PathBuf) {
    let one = Echo::start("one").expect("a backend");
    let manifests = manifests(PROXIES);
    manifests.service("one", one.addr);
    let stage = Stage::start(&binary, &manifests).await;
    for &(name, host, origin, expect) in GETS {
        let found = stage.send(get(host, origin)).await;
        let shown = (found.backend(), allowed(&found));
        stage.fact(name, shown, (Some("one"), expect.to_vec()));
    }
    for &(name, host, origin, expect) in PREFLIGHTS {
        let found = stage.send(preflight(host, "/before", origin)).await;
        stage.fact(
            &format!("before: {name}"),
            (found.status, allowed(&found)),
            (200, expect.to_vec()),
        );
    }
    stage.fact("before: the backend is not asked", one.count("/before"), 0);
    let found = stage.send(preflight("some.test", "/before", "https://evil.test")).await;
    stage.fact("before: another origin is told nothing", allowed(&found), Vec::new());
    stage.end().await;
}
