//! `pathRewritePolicy`: the path that a backend is asked for.

use std::path::PathBuf;

use contour_tests::echo::Echo;
use contour_tests::proxy::Request;

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: rewrites}
spec:
  virtualhost: {fqdn: rewrites.test}
  includes:
  - {name: app, conditions: [{prefix: /v1}]}
  - {name: app, conditions: [{prefix: /v2}]}
  routes:
  - conditions: [{prefix: /foo}]
    services: [{name: one, port: 80}]
    pathRewritePolicy: {replacePrefix: [{replacement: /bar}]}
  - conditions: [{prefix: /slash/}]
    services: [{name: one, port: 80}]
    pathRewritePolicy: {replacePrefix: [{prefix: /slash/, replacement: /bar/}]}
  - conditions: [{prefix: /root}]
    services: [{name: one, port: 80}]
    pathRewritePolicy: {replacePrefix: [{replacement: /}]}
  - conditions: [{prefix: /other}]
    services: [{name: one, port: 80}]
    pathRewritePolicy: {replacePrefix: [{prefix: /another, replacement: /bar}]}
  - conditions: [{prefix: /sibling}]
    services: [{name: one, port: 80}]
    pathRewritePolicy: {replacePrefix: [{replacement: /}]}
  - conditions: [{prefix: /sibling}, {header: {name: x-a, present: true}}]
    services: [{name: two, port: 80}]
  - conditions: [{prefix: /mixed}]
    services: [{name: one, port: 80}]
    pathRewritePolicy: {replacePrefix: [{replacement: /}]}
  - conditions: [{prefix: /mixed/}, {header: {name: x-a, present: true}}]
    services: [{name: two, port: 80}]
  - conditions: [{prefix: /own}]
    services: [{name: one, port: 80}]
    pathRewritePolicy: {replacePrefix: [{replacement: /bar}]}
  - conditions: [{prefix: /own/}]
    services: [{name: two, port: 80}]
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: app}
spec:
  routes:
  - conditions: [{prefix: /app}]
    services: [{name: one, port: 80}]
    pathRewritePolicy: {replacePrefix: [{replacement: /all}, {prefix: /v1/app, replacement: /first}]}
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: whole}
spec:
  virtualhost: {fqdn: whole.test}
  routes:
  - services: [{name: one, port: 80}]
    pathRewritePolicy: {replacePrefix: [{replacement: /bar}]}
";

/// What is shown, the host and the path that are asked for, who is asked, and for which path.
const FACTS: &[(&str, &str, &str, &str, &str)] = &[
    ("the prefix alone", "rewrites.test", "/foo", "one", "/bar"),
    ("the prefix and a slash", "rewrites.test", "/foo/", "one", "/bar/"),
    ("what is behind it stays", "rewrites.test", "/foo/x", "one", "/bar/x"),
    ("the query stays", "rewrites.test", "/foo?a=/foo", "one", "/bar?a=/foo"),
    ("slashes are merged before", "rewrites.test", "//foo///x", "one", "/bar/x"),
    ("dots are resolved before", "rewrites.test", "/a/../foo/./x", "one", "/bar/x"),
    ("a prefix is one of characters", "rewrites.test", "/foobar", "one", "/barbar"),
    ("a prefix with a slash", "rewrites.test", "/slash/x", "one", "/bar/x"),
    ("a prefix that has no slash in the request", "rewrites.test", "/slash", "one", "/bar"),
    ("by the root: the prefix alone", "rewrites.test", "/root", "one", "/"),
    ("by the root: no slash is doubled", "rewrites.test", "/root/x", "one", "/x"),
    ("by the root: the prefix and a slash", "rewrites.test", "/root/", "one", "/"),
    ("a prefix that is not the route's", "rewrites.test", "/other/x", "one", "/other/x"),
    ("the own prefix of an include counts", "rewrites.test", "/v1/app/x", "one", "/first/x"),
    ("without an own one, that of all others", "rewrites.test", "/v2/app/x", "one", "/all/x"),
    ("the prefix of all paths, as it stands", "whole.test", "/x", "one", "/barx"),
];

/// The same of requests with the header `x-a`, or without.
const SIBLINGS: &[(&str, &str, &str, &str, &str)] = &[
    ("without the header", "x-b", "/sibling/x", "one", "/x"),
    ("with the header: behind a slash", "x-a", "/sibling/x", "two", "/sibling/x"),
    ("with the header: the prefix alone", "x-a", "/sibling", "two", "/sibling"),
    ("with the header: the prefix and a slash", "x-a", "/sibling/", "two", "/sibling/"),
    ("with a slash, without the header", "x-b", "/mixed/x", "one", "/x"),
    ("with a slash, with the header", "x-a", "/mixed/x", "two", "/mixed/x"),
    ("with a slash, for other paths", "x-a", "/mixed", "one", "/"),
    ("with a slash and its own service: what is behind it", "x-b", "/own/x", "two", "/own/x"),
    ("with a slash and its own service: the others", "x-b", "/own", "one", "/bar"),
];

pub(crate) async fn prefixes_are_replaced(binary: PathBuf) {
    let [one, two] = ["one", "two"].map(|name| Echo::start(name).expect("a backend"));
    let manifests = manifests(PROXIES);
    manifests.service("one", one.addr);
    manifests.service("two", two.addr);
    let stage = Stage::start(&binary, &manifests).await;
    for &(name, host, path, backend, expect) in FACTS {
        let found = stage.get(host, path).await;
        stage.fact(name, (found.backend(), &*found.heard_path()), (Some(backend), expect));
    }
    for &(name, header, path, backend, expect) in SIBLINGS {
        let found = stage.send(Request::get("rewrites.test", path).header(header, "1")).await;
        let shown = (found.backend(), &*found.heard_path());
        stage.fact(&format!("a route beside it: {name}"), shown, (Some(backend), expect));
    }
    stage.end().await;
}
