//! `conditions`: which route takes a request. Each route answers with its name.

use std::path::PathBuf;

use contour_tests::proxy::Request;

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: headers}
spec:
  virtualhost: {fqdn: headers.test}
  routes:
  - {directResponsePolicy: {statusCode: 200, body: rest}}
  - conditions: [{prefix: /present, header: {name: X-A, present: true}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /notpresent, header: {name: x-a, notpresent: true}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /contains, header: {name: x-a, contains: Some}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /icontains, header: {name: x-a, contains: Some, ignoreCase: true}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /notcontains, header: {name: x-a, notcontains: Some}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /inotcontains, header: {name: x-a, notcontains: Some, ignoreCase: true}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /mnotcontains, header: {name: x-a, notcontains: Some, treatMissingAsEmpty: true}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /exact, header: {name: x-a, exact: Some}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /iexact, header: {name: x-a, exact: Some, ignoreCase: true}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /notexact, header: {name: x-a, notexact: Some}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /inotexact, header: {name: x-a, notexact: Some, ignoreCase: true}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /mnotexact, header: {name: x-a, notexact: Some, treatMissingAsEmpty: true}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /regex, header: {name: x-a, regex: 'v[0-9]+'}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /two}, {header: {name: x-a, exact: a}}, {header: {name: x-b, exact: b}}]
    directResponsePolicy: {statusCode: 200, body: taken}
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: query}
spec:
  virtualhost: {fqdn: query.test}
  routes:
  - {directResponsePolicy: {statusCode: 200, body: rest}}
  - conditions: [{prefix: /exact, queryParameter: {name: q, exact: Some}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /iexact, queryParameter: {name: q, exact: Some, ignoreCase: true}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /prefix, queryParameter: {name: q, prefix: Some}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /iprefix, queryParameter: {name: q, prefix: Some, ignoreCase: true}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /suffix, queryParameter: {name: q, suffix: Some}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /contains, queryParameter: {name: q, contains: Some}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /regex, queryParameter: {name: q, regex: 'v[0-9]+'}}]
    directResponsePolicy: {statusCode: 200, body: taken}
  - conditions: [{prefix: /present, queryParameter: {name: q, present: true}}]
    directResponsePolicy: {statusCode: 200, body: taken}
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: paths}
spec:
  virtualhost: {fqdn: paths.test}
  includes:
  - {name: child, conditions: [{prefix: /api}, {header: {name: x-team, exact: a}}]}
  - {name: expressions, conditions: [{prefix: /a.b}]}
  routes:
  - {directResponsePolicy: {statusCode: 200, body: rest}}
  - {conditions: [{prefix: /items}], directResponsePolicy: {statusCode: 200, body: prefix}}
  - {conditions: [{prefix: /items/long}], directResponsePolicy: {statusCode: 200, body: longer}}
  - {conditions: [{regex: '/items/[0-9]+'}], directResponsePolicy: {statusCode: 200, body: regex}}
  - {conditions: [{exact: /items/42}], directResponsePolicy: {statusCode: 200, body: exact}}
  - {conditions: [{prefix: /order}], directResponsePolicy: {statusCode: 200, body: none}}
  - conditions: [{prefix: /order}, {queryParameter: {name: q, present: true}}]
    directResponsePolicy: {statusCode: 200, body: query}
  - conditions: [{prefix: /order}, {header: {name: x-a, present: true}}]
    directResponsePolicy: {statusCode: 200, body: header}
  - conditions: [{prefix: /order}, {header: {name: x-a, present: true}}, {header: {name: x-b, present: true}}]
    directResponsePolicy: {statusCode: 200, body: headers}
  - conditions: [{prefix: /order}, {header: {name: ':method', exact: PUT}}]
    directResponsePolicy: {statusCode: 200, body: method}
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: child}
spec:
  routes:
  - conditions: [{prefix: /v1}, {header: {name: x-user, present: true}}, {queryParameter: {name: q, exact: '1'}}]
    directResponsePolicy: {statusCode: 200, body: child}
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: expressions}
spec:
  routes:
  - {conditions: [{regex: '/[0-9]+'}], directResponsePolicy: {statusCode: 200, body: number}}
";

type Headers = &'static [(&'static str, &'static str)];

/// What is shown, the path that is asked for with these headers, and who answers.
const HEADERS: &[(&str, &str, Headers, &str)] = &[
    ("present: with any value", "/present", &[("x-a", "any")], "taken"),
    ("present: with the empty value", "/present", &[("x-a", "")], "taken"),
    ("present: not without", "/present", &[], "rest"),
    ("notpresent: without", "/notpresent", &[], "taken"),
    ("notpresent: not with any value", "/notpresent", &[("x-a", "any")], "rest"),
    ("contains: a part", "/contains", &[("x-a", "aSomeb")], "taken"),
    ("contains: not in another case", "/contains", &[("x-a", "asomeb")], "rest"),
    ("contains: not if it is missing", "/contains", &[], "rest"),
    ("contains, ignoreCase: in another case", "/icontains", &[("x-a", "asOMeb")], "taken"),
    ("notcontains: other values", "/notcontains", &[("x-a", "some")], "taken"),
    ("notcontains: not with the part", "/notcontains", &[("x-a", "aSomeb")], "rest"),
    ("notcontains: not if it is missing", "/notcontains", &[], "rest"),
    ("notcontains, ignoreCase: not in another case", "/inotcontains", &[("x-a", "some")], "rest"),
    ("notcontains, treatMissingAsEmpty: if it is missing", "/mnotcontains", &[], "taken"),
    ("notcontains, treatMissingAsEmpty: not with it", "/mnotcontains", &[("x-a", "Some")], "rest"),
    ("exact: the value", "/exact", &[("x-a", "Some")], "taken"),
    ("exact: not a longer one", "/exact", &[("x-a", "Some1")], "rest"),
    ("exact: not in another case", "/exact", &[("x-a", "some")], "rest"),
    ("exact, ignoreCase: in another case", "/iexact", &[("x-a", "sOME")], "taken"),
    ("notexact: other values", "/notexact", &[("x-a", "Some1")], "taken"),
    ("notexact: not the value", "/notexact", &[("x-a", "Some")], "rest"),
    ("notexact: not if it is missing", "/notexact", &[], "rest"),
    ("notexact, ignoreCase: not in another case", "/inotexact", &[("x-a", "sOME")], "rest"),
    ("notexact, treatMissingAsEmpty: if it is missing", "/mnotexact", &[], "taken"),
    ("regex: a value that it matches", "/regex", &[("x-a", "v12")], "taken"),
    ("regex: not one that it matches in part", "/regex", &[("x-a", "v12x")], "rest"),
    ("several headers: all of them", "/two", &[("x-a", "a"), ("x-b", "b")], "taken"),
    ("several headers: not one of them", "/two", &[("x-b", "b")], "rest"),
];

/// What is shown, what is asked for, and who answers.
const QUERY: &[(&str, &str, &str)] = &[
    ("exact: the value", "/exact?a=b&q=Some", "taken"),
    ("exact: not in another case", "/exact?q=some", "rest"),
    ("exact: not without", "/exact", "rest"),
    ("exact: not under a name in another case", "/exact?Q=Some", "rest"),
    ("exact, ignoreCase: in another case", "/iexact?q=sOME", "taken"),
    ("prefix: a longer value", "/prefix?q=Something", "taken"),
    ("prefix: not in the middle", "/prefix?q=aSome", "rest"),
    ("prefix, ignoreCase: in another case", "/iprefix?q=something", "taken"),
    ("suffix: a longer value", "/suffix?q=aSome", "taken"),
    ("suffix: not at the start", "/suffix?q=Somea", "rest"),
    ("contains: in the middle", "/contains?q=aSomeb", "taken"),
    ("contains: not another value", "/contains?q=asomeb", "rest"),
    ("regex: a value that it matches", "/regex?q=v12", "taken"),
    ("regex: not one that it matches in part", "/regex?q=v12x", "rest"),
    ("present: with a value", "/present?q=any", "taken"),
    ("present: without a value", "/present?q", "taken"),
    ("present: not without", "/present?p=q", "rest"),
];

/// What is shown, method and path, headers, and who answers.
const PATHS: &[(&str, &str, &str, Headers, &str)] = &[
    ("a prefix is one of characters", "GET", "/itemsize", &[], "prefix"),
    ("the longest prefix counts", "GET", "/items/longest", &[], "longer"),
    ("an expression comes before prefixes", "GET", "/items/7", &[], "regex"),
    ("an expression matches whole paths", "GET", "/items/7/x", &[], "prefix"),
    ("an expression does not see the query", "GET", "/items/7?x=y", &[], "regex"),
    ("an exact path comes before expressions", "GET", "/items/42", &[], "exact"),
    ("without conditions comes last", "GET", "/order", &[], "none"),
    ("a query parameter comes before none", "GET", "/order?q=1", &[], "query"),
    ("a header comes before query parameters", "GET", "/order?q=1", &[("x-a", "1")], "header"),
    ("two headers come before one", "GET", "/order", &[("x-a", "1"), ("x-b", "1")], "headers"),
    (
        "the method comes before headers",
        "PUT",
        "/order?q=1",
        &[("x-a", "1"), ("x-b", "1")],
        "method",
    ),
    (
        "an include adds to all conditions",
        "GET",
        "/api/v1?q=1",
        &[("x-team", "a"), ("x-user", "b")],
        "child",
    ),
    ("the include's header is needed", "GET", "/api/v1?q=1", &[("x-user", "b")], "rest"),
    ("the route's header is needed", "GET", "/api/v1?q=1", &[("x-team", "a")], "rest"),
    (
        "the route's query parameter is needed",
        "GET",
        "/api/v1",
        &[("x-team", "a"), ("x-user", "b")],
        "rest",
    ),
    ("an expression is matched behind an include", "GET", "/a.b/12", &[], "number"),
    ("an include means no expression", "GET", "/aXb/12", &[], "rest"),
];

pub(crate) async fn requests_are_told_apart(binary: PathBuf) {
    let stage = Stage::start(&binary, &manifests(PROXIES)).await;
    let with = |request, headers: Headers| {
        headers.iter().fold(request, |request: Request, (name, value)| request.header(name, value))
    };
    for (name, path, headers, expect) in HEADERS {
        let found = stage.send(with(Request::get("headers.test", path), headers)).await;
        stage.fact(&format!("header {name}"), found.body.as_str(), expect);
    }
    for (name, path, expect) in QUERY {
        let found = stage.get("query.test", path).await;
        stage.fact(&format!("query parameter {name}"), found.body.as_str(), expect);
    }
    for (name, method, path, headers, expect) in PATHS {
        let found = stage.send(with(Request::new(method, "paths.test", path), headers)).await;
        stage.fact(name, found.body.as_str(), expect);
    }
    stage.end().await;
}
