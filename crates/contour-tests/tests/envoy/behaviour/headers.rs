//! `requestHeadersPolicy` and `responseHeadersPolicy`.

use std::path::PathBuf;

use contour_tests::echo::Echo;
use contour_tests::proxy::Request;

use super::{Stage, manifests};

const PROXIES: &str = r#"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: headers, namespace: shop}
spec:
  virtualhost: {fqdn: headers.test}
  routes:
  - conditions: [{prefix: /route}]
    services: [{name: one, port: 80}]
    requestHeadersPolicy: {set: [{name: x-set, value: route}], remove: [x-remove]}
    responseHeadersPolicy: {set: [{name: x-set, value: route}], remove: [x-remove]}
  - conditions: [{prefix: /service}]
    services:
    - name: one
      port: 80
      requestHeadersPolicy: {set: [{name: x-set, value: service}], remove: [x-remove]}
      responseHeadersPolicy: {set: [{name: x-set, value: service}], remove: [x-remove]}
  - conditions: [{prefix: /both}]
    services:
    - name: one
      port: 80
      requestHeadersPolicy: {set: [{name: x-set, value: service}, {name: host, value: service.test}]}
      responseHeadersPolicy: {set: [{name: x-set, value: service}]}
    requestHeadersPolicy: {set: [{name: x-set, value: route}, {name: host, value: route.test}]}
    responseHeadersPolicy: {set: [{name: x-set, value: route}]}
  - conditions: [{prefix: /host/literal}]
    services: [{name: one, port: 80}]
    requestHeadersPolicy: {set: [{name: Host, value: 'inner.test:8080'}]}
  - conditions: [{prefix: /host/header}]
    services: [{name: one, port: 80}]
    requestHeadersPolicy: {set: [{name: Host, value: '%REQ(x-host)%'}]}
  - conditions: [{prefix: /host/unnamed}]
    services: [{name: one, port: 80}]
    requestHeadersPolicy: {set: [{name: Host, value: '%REQ(x-none)%'}]}
  - conditions: [{prefix: /host/service}]
    services: [{name: one, port: 80, requestHeadersPolicy: {set: [{name: Host, value: service.test}]}}]
  - conditions: [{prefix: /redirect}]
    requestRedirectPolicy: {hostname: new.test}
    responseHeadersPolicy: {set: [{name: x-set, value: route}]}
  - conditions: [{prefix: /direct}]
    directResponsePolicy: {statusCode: 200}
    responseHeadersPolicy: {set: [{name: x-set, value: route}]}
  - conditions: [{prefix: /variables}]
    services:
    - name: one
      port: 80
      requestHeadersPolicy:
        set:
        - {name: x-service, value: 'to %CONTOUR_NAMESPACE%/%CONTOUR_SERVICE_NAME%:%CONTOUR_SERVICE_PORT%'}
    requestHeadersPolicy:
      set:
      - {name: x-req, value: '<%REQ(x-in)%>'}
      - {name: x-cut, value: '%REQ(x-in):3%'}
      - {name: x-alternative, value: '%REQ(x-none?x-in)%'}
      - {name: x-path, value: '%REQ(:path)%'}
      - {name: x-missing, value: '%REQ(x-none)%'}
      - {name: x-percent, value: '100% or 50%'}
      - {name: x-unknown, value: '%ENVIRONMENT(PATH)%'}
      - {name: x-half, value: '%REQ(x-in)'}
      - {name: x-doubled, value: '%%REQ(x-in)%%'}
      - {name: x-no-service, value: '%CONTOUR_SERVICE_NAME%'}
      - {name: x-hostname, value: '%HOSTNAME%'}
      - {name: x-peer, value: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'}
      - {name: x-protocol, value: '%PROTOCOL%'}
      - {name: x-quoted, value: "\"a\\b\" é {c}"}
    responseHeadersPolicy:
      set:
      - {name: x-req, value: '<%REQ(x-in)%>'}
      - {name: x-upstream, value: '%UPSTREAM_REMOTE_ADDRESS%'}
"#;

/// What is shown, the path that is asked for, and what becomes of the headers `x-set` and `x-remove`, on their way to the
/// backend and back, that are sent with the value `sent`.
const EDITS: &[(&str, &str, [Option<&str>; 2])] = &[
    ("of a route", "/route", [Some("route"), None]),
    ("of a service", "/service", [Some("service"), None]),
    ("of a service and its route: the route's is the last", "/both", [Some("route"), Some("sent")]),
    ("without edits", "/host/literal", [Some("sent"), Some("sent")]),
];

/// What is shown, the path that is asked for, and the host that the backend is asked for.
const HOSTS: &[(&str, &str, &str)] = &[
    ("without a host to set", "/route", "headers.test"),
    ("a host", "/host/literal", "inner.test:8080"),
    ("a host that a header names", "/host/header", "named.test"),
    ("a host that no header names", "/host/unnamed", "headers.test"),
    ("a service's host", "/host/service", "service.test"),
    ("of a service and its route: the route's", "/both", "route.test"),
];

/// A header that the backend gets, and its value.
const VARIABLES: &[(&str, Option<&str>)] = &[
    ("x-req", Some("<value>")),
    ("x-cut", Some("val")),
    ("x-alternative", Some("value")),
    ("x-path", Some("/variables?a=b")),
    ("x-missing", None),
    ("x-percent", Some("100% or 50%")),
    ("x-unknown", Some("%ENVIRONMENT(PATH)%")),
    ("x-half", Some("%REQ(x-in)")),
    ("x-no-service", Some("%CONTOUR_SERVICE_NAME%")),
    ("x-peer", Some("127.0.0.1")),
    ("x-protocol", Some("HTTP/1.1")),
    ("x-quoted", Some("\"a\\b\" é {c}")),
    ("x-service", Some("to shop/one:80")),
];

pub(crate) async fn headers_are_edited(binary: PathBuf) {
    let one = Echo::start("one").expect("a backend");
    let manifests = manifests(PROXIES);
    manifests.service_in("shop", "one", "", &[one.addr]);
    let stage = Stage::start(&binary, &manifests).await;
    for &(name, path, expect) in EDITS {
        let request = Request::get("headers.test", path)
            .header("x-set", "sent")
            .header("x-remove", "sent")
            .header("x-answer", "x-set: sent")
            .header("x-answer", "x-remove: sent");
        let found = stage.send(request).await;
        let heard = ["x-set", "x-remove"].map(|name| found.heard_header(name));
        stage.fact(&format!("request headers {name}"), heard, expect.map(owned));
        let shown = ["x-set", "x-remove"].map(|name| found.header(name).map(str::to_owned));
        stage.fact(&format!("response headers {name}"), shown, expect.map(owned));
    }
    for path in ["/redirect", "/direct"] {
        let found = stage.get("headers.test", path).await;
        stage.fact(&format!("response headers of {path}"), found.header("x-set"), Some("route"));
    }
    for &(name, path, expect) in HOSTS {
        let request = Request::get("headers.test", path).header("x-host", "named.test");
        let found = stage.send(request).await.heard_header("host");
        stage.fact(&format!("host: {name}"), found.as_deref(), Some(expect));
    }
    variables(&stage, &one).await;
    stage.end().await;
}

async fn variables(stage: &Stage, one: &Echo) {
    let request = Request::get("headers.test", "/variables?a=b").header("x-in", "value");
    let found = stage.send(request).await;
    for &(name, expect) in VARIABLES {
        stage.fact(&format!("variable in {name}"), found.heard_header(name), owned(expect));
    }
    let doubled = found.heard_header("x-doubled");
    stage.fact("percent signs around a variable stay", doubled.as_deref(), Some("%value%"));
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let shown = found.heard_header("x-hostname");
    stage.fact("the host's name is Envoy's", shown.as_deref(), Some(hostname.trim()));
    let upstream = one.addr.to_string();
    stage.fact("a variable of responses", found.header("x-upstream"), Some(upstream.as_str()));
    let request = found.header("x-req");
    stage.fact("a request's header in a response", request, Some("<value>"));
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}
