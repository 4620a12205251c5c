//! Redirects, in front of Envoy and behind it, and responses that Envoy gives by itself.

use std::path::PathBuf;

use contour_tests::echo::Echo;
use contour_tests::proxy::Request;

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: redirects}
spec:
  virtualhost: {fqdn: old.test}
  routes:
  - {conditions: [{prefix: /none}], requestRedirectPolicy: {}}
  - {conditions: [{prefix: /host}], requestRedirectPolicy: {hostname: new.test}}
  - {conditions: [{prefix: /scheme}], requestRedirectPolicy: {scheme: https}}
  - {conditions: [{prefix: /port}], requestRedirectPolicy: {port: 8443}}
  - {conditions: [{prefix: /path}], requestRedirectPolicy: {path: /new}}
  - {conditions: [{prefix: /prefix}], requestRedirectPolicy: {prefix: /new}}
  - conditions: [{prefix: /all}]
    requestRedirectPolicy: {scheme: https, hostname: new.test, port: 8443, prefix: /new, statusCode: 308}
  - {conditions: [{exact: /301}], requestRedirectPolicy: {statusCode: 301}}
  - {conditions: [{exact: /302}], requestRedirectPolicy: {statusCode: 302}}
  - {conditions: [{exact: /303}], requestRedirectPolicy: {statusCode: 303}}
  - {conditions: [{exact: /307}], requestRedirectPolicy: {statusCode: 307}}
  - {conditions: [{exact: /308}], requestRedirectPolicy: {statusCode: 308}}
  - {conditions: [{regex: '/expr/[0-9]+'}], requestRedirectPolicy: {path: /new}}
  - {conditions: [{prefix: /gone}], directResponsePolicy: {statusCode: 410, body: '100% gone: %REQ(host)%'}}
  - {conditions: [{prefix: /empty}], directResponsePolicy: {statusCode: 404}}
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: internal}
spec:
  virtualhost: {fqdn: internal.test}
  routes:
  - {services: [{name: one, port: 80}]}
  - {conditions: [{prefix: /once}], services: [{name: one, port: 80}], internalRedirectPolicy: {}}
  - conditions: [{prefix: /twice}]
    services: [{name: one, port: 80}]
    internalRedirectPolicy: {maxInternalRedirects: 2}
  - conditions: [{prefix: /codes}]
    services: [{name: one, port: 80}]
    internalRedirectPolicy: {redirectResponseCodes: [301, 307]}
  - conditions: [{prefix: /anew}]
    services: [{name: one, port: 80}]
    internalRedirectPolicy: {maxInternalRedirects: 5, denyRepeatedRouteRedirect: true}
  - conditions: [{prefix: /safe}]
    services: [{name: one, port: 80}]
    internalRedirectPolicy: {allowCrossSchemeRedirect: SafeOnly}
  - conditions: [{prefix: /always}]
    services: [{name: one, port: 80}]
    internalRedirectPolicy: {allowCrossSchemeRedirect: Always}
";

/// What is shown, the path that is asked for, the status, and where it leads.
const REDIRECTS: &[(&str, &str, u16, &str)] = &[
    ("without anything said: 302 to the same place", "/none/a", 302, "http://old.test/none/a"),
    ("another host", "/host/a?b=c", 302, "http://new.test/host/a?b=c"),
    ("another scheme", "/scheme", 302, "https://old.test/scheme"),
    ("another port", "/port", 302, "http://old.test:8443/port"),
    ("another path, with the query", "/path/a?b=c", 302, "http://old.test/new?b=c"),
    ("another prefix", "/prefix/a?b=c", 302, "http://old.test/new/a?b=c"),
    ("all of it", "/all/a?b=c", 308, "https://new.test:8443/new/a?b=c"),
    ("of an expression", "/expr/12", 302, "http://old.test/new"),
    ("status 301", "/301", 301, "http://old.test/301"),
    ("status 302", "/302", 302, "http://old.test/302"),
    ("status 303", "/303", 303, "http://old.test/303"),
    ("status 307", "/307", 307, "http://old.test/307"),
    ("status 308", "/308", 308, "http://old.test/308"),
];

/// What is shown, the path that is asked for, where its answer leads, the status in the end, and how many requests the
/// backend got for the path.
const INTERNAL: &[(&str, &str, &str, u16, usize)] = &[
    ("nobody follows who is not told to", "/status/302", "http://internal.test/end", 302, 1),
    ("a 302 is followed", "/once/status/302", "http://internal.test/end", 200, 1),
    ("a 301 is not unless it is said", "/once/status/301", "http://internal.test/end", 301, 1),
    ("once by default", "/once/status/302?a", "http://internal.test/once/status/302?a", 302, 2),
    ("as often as said", "/twice/status/302?a", "http://internal.test/twice/status/302?a", 302, 3),
    ("a 301 is followed if it is said", "/codes/status/301", "http://internal.test/end", 200, 1),
    ("a 307 is followed if it is said", "/codes/status/307", "http://internal.test/end", 200, 1),
    ("a 302 is not if others are said", "/codes/status/302", "http://internal.test/end", 302, 1),
    ("no route twice", "/anew/status/302", "http://internal.test/anew/status/302", 302, 2),
    ("not to another scheme", "/once/status/302?b", "https://internal.test/end", 302, 1),
    ("not to a scheme that is not safe", "/safe/status/302", "https://internal.test/end", 302, 1),
    ("to any scheme", "/always/status/302", "https://internal.test/end", 200, 1),
];

pub(crate) async fn requests_are_sent_elsewhere_or_answered_at_once(binary: PathBuf) {
    let one = Echo::start("one").expect("a backend");
    let manifests = manifests(PROXIES);
    manifests.service("one", one.addr);
    let stage = Stage::start(&binary, &manifests).await;
    for &(name, path, status, location) in REDIRECTS {
        let found = stage.get("old.test", path).await;
        let shown = (found.status, found.header("location"));
        stage.fact(&format!("redirect: {name}"), shown, (status, Some(location)));
    }
    let gone = stage.get("old.test", "/gone/a").await;
    let expect = (410, "100% gone: %REQ(host)%");
    stage.fact("a direct response has its body to the letter", (gone.status, &*gone.body), expect);
    let empty = stage.get("old.test", "/empty").await;
    stage.fact("a direct response may have no body", (empty.status, &*empty.body), (404, ""));
    for &(name, path, location, status, count) in INTERNAL {
        let request = Request::get("internal.test", path);
        let found = stage.send(request.header("x-answer", &format!("location: {location}"))).await;
        let shown = (found.status, one.count(path));
        stage.fact(&format!("internal redirect: {name}"), shown, (status, count));
        let at = if status == 200 { "/end" } else { path };
        stage.fact(
            &format!("internal redirect: {name}: the path in the end"),
            &*found.heard_path(),
            at,
        );
    }
    stage.end().await;
}
