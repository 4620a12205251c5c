//! `cookieRewritePolicies`.

use std::path::PathBuf;

use contour_tests::echo::Echo;
use contour_tests::proxy::{Request, Response};

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: cookies}
spec:
  virtualhost: {fqdn: cookies.test}
  routes:
  - conditions: [{prefix: /path}]
    services: [{name: one, port: 80}]
    cookieRewritePolicies: [{name: id, pathRewrite: {value: /new}}]
  - conditions: [{prefix: /domain}]
    services: [{name: one, port: 80}]
    cookieRewritePolicies: [{name: id, domainRewrite: {value: new.test}}]
  - conditions: [{prefix: /secure}]
    services: [{name: one, port: 80}]
    cookieRewritePolicies: [{name: id, secure: true}]
  - conditions: [{prefix: /insecure}]
    services: [{name: one, port: 80}]
    cookieRewritePolicies: [{name: id, secure: false}]
  - conditions: [{prefix: /site}]
    services: [{name: one, port: 80}]
    cookieRewritePolicies: [{name: id, sameSite: Strict}]
  - conditions: [{prefix: /service}]
    services: [{name: one, port: 80, cookieRewritePolicies: [{name: id, pathRewrite: {value: /service}}]}]
  - conditions: [{prefix: /both}]
    services:
    - name: one
      port: 80
      cookieRewritePolicies: [{name: id, pathRewrite: {value: /service}, secure: true}]
    cookieRewritePolicies:
    - {name: id, pathRewrite: {value: /route}, sameSite: Lax}
    - {name: other, pathRewrite: {value: /route}}
  - conditions: [{prefix: /pattern}]
    services: [{name: one, port: 80}]
    cookieRewritePolicies: [{name: 'a%d*', pathRewrite: {value: '/%1%0]]'}}]
";

/// What is shown, the path that is asked for, and cookies as the backend sets them and as they come.
type Fact = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const FACTS: &[Fact] = &[
    ("a path is replaced", "/path", &["id=1; Path=/old"], &["id=1; Path=/new"]),
    ("a path is added", "/path", &["id=1"], &["id=1; Path=/new"]),
    (
        "other attributes stay where they are",
        "/path",
        &["id=a b=c; Max-Age=1; Path=/old; HttpOnly; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
        &["id=a b=c; Max-Age=1; Path=/new; HttpOnly; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
    ),
    ("a domain is replaced", "/domain", &["id=1; Domain=a.test"], &["id=1; Domain=new.test"]),
    ("Secure is added", "/secure", &["id=1; Path=/"], &["id=1; Path=/; Secure"]),
    ("Secure is not doubled", "/secure", &["id=1; Secure; Path=/"], &["id=1; Secure; Path=/"]),
    ("Secure is removed", "/insecure", &["id=1; Secure; Path=/"], &["id=1; Path=/"]),
    ("a site is replaced", "/site", &["id=1; SameSite=None"], &["id=1; SameSite=Strict"]),
    ("a service's policy", "/service", &["id=1; Path=/old"], &["id=1; Path=/service"]),
    (
        "a service's policy and its route's: each attribute by itself",
        "/both",
        &["id=1; Path=/old", "other=1"],
        &["id=1; Path=/service; SameSite=Lax; Secure", "other=1; Path=/route"],
    ),
    (
        "other cookies stay to the letter, and all in their order",
        "/path",
        &["z=1;path=/;;Secure", "id=1", "ID=2; Path=/old", "a=3 ;  Path=/old", "id=4; Path=/old"],
        &[
            "z=1;path=/;;Secure",
            "id=1; Path=/new",
            "ID=2; Path=/old",
            "a=3 ;  Path=/old",
            "id=4; Path=/new",
        ],
    ),
    ("no cookie is no harm", "/path", &[], &[]),
    (
        "no name is no harm",
        "/path",
        &["id", "=1", ";id=1", "id;=1"],
        &["id", "=1", ";id=1", "id;=1"],
    ),
    ("no value is no harm", "/path", &["id=", "id=;"], &["id=; Path=/new", "id=; Path=/new"]),
    (
        "of attributes without a name, or twice the same, the last stays",
        "/path",
        &["id=1;;; ;=;Path;==", "id=1; =a; =b"],
        &["id=1; ==; Path=/new", "id=1; =b; Path=/new"],
    ),
    (
        "a cookie is no pattern, and no part of the script",
        "/path",
        &[
            "id=%1%s%%; a=%d+]]; Path=%2",
            "id=1; x=\"]] os.exit() --; Path=/old",
            "__index=1",
            "id=1; __index=2; __gc=3",
        ],
        &[
            "id=%1%s%%; a=%d+]]; Path=/new",
            "id=1; x=\"]] os.exit() --; Path=/new",
            "__index=1",
            "id=1; __index=2; __gc=3; Path=/new",
        ],
    ),
    (
        "a policy is no pattern, and no part of the script",
        "/pattern",
        &["a%d*=1; Path=%1", "a1=1"],
        &["a%d*=1; Path=/%1%0]]", "a1=1"],
    ),
];

pub(crate) async fn attributes_of_cookies_are_rewritten(binary: PathBuf) {
    let one = Echo::start("one").expect("a backend");
    let manifests = manifests(PROXIES);
    manifests.service("one", one.addr);
    let stage = Stage::start(&binary, &manifests).await;
    for &(name, path, cookies, expect) in FACTS {
        let found = ask(&stage, path, cookies).await;
        stage.fact(name, (found.backend(), cookies_of(&found)), (Some("one"), expect.to_vec()));
    }
    let long = format!("id={}; Path=/old", "%a".repeat(4000));
    let found = ask(&stage, "/path", &[&long]).await;
    stage.fact("a long value is no harm", cookies_of(&found), vec![&*long.replace("old", "new")]);
    let attributes: Vec<String> = (0..1000).map(|each| format!("a{each}=%s")).collect();
    let attributes = attributes.join("; ");
    let found = ask(&stage, "/path", &[&format!("id=1; {attributes}; Path=/old")]).await;
    let expect = format!("id=1; {attributes}; Path=/new");
    stage.fact("many attributes are no harm", cookies_of(&found), vec![&*expect]);
    stage.end().await;
}

async fn ask(stage: &Stage, path: &str, cookies: &[&str]) -> Response {
    let request = Request::get("cookies.test", path);
    let set =
        |request: Request, cookie| request.header("x-answer", &format!("set-cookie: {cookie}"));
    stage.send(cookies.iter().fold(request, set)).await
}

fn cookies_of(response: &Response) -> Vec<&str> {
    response.all("set-cookie").collect()
}
