//! What is spoken with services: HTTP/1.1, HTTP/2, TLS, and what a connection is upgraded to.

use std::net::SocketAddr;
use std::path::PathBuf;

use contour_tests::echo::Echo;
use contour_tests::proxy::{PATIENCE, Request};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Stage, manifests};

const PROXIES: &str = r"
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: protocols}
spec:
  virtualhost: {fqdn: protocols.test}
  routes:
  - services: [{name: plain, port: 80}]
  - {conditions: [{prefix: /h2c/route}], services: [{name: plain, port: 80, protocol: h2c}]}
  - {conditions: [{prefix: /h2c/annotation}], services: [{name: annotated, port: 80}]}
  - {conditions: [{prefix: /h2c/port}], services: [{name: typed, port: 80}]}
  - {conditions: [{prefix: /tls}], services: [{name: secret, port: 80, protocol: tls}]}
  - {conditions: [{prefix: /h2}], services: [{name: secret, port: 80, protocol: h2}]}
  - conditions: [{prefix: /sni/route}]
    services: [{name: secret, port: 80, protocol: tls}]
    requestHeadersPolicy: {set: [{name: Host, value: 'route.test:8443'}]}
  - conditions: [{prefix: /sni/service}]
    services:
    - name: secret
      port: 80
      protocol: tls
      requestHeadersPolicy: {set: [{name: Host, value: service.test}]}
  - conditions: [{prefix: /sni/header}]
    services: [{name: secret, port: 80, protocol: tls}]
    requestHeadersPolicy: {set: [{name: Host, value: '%REQ(x-host)%'}]}
  - {conditions: [{prefix: /upgrade}], services: [{name: plain, port: 80}], enableWebsockets: true}
  - {conditions: [{prefix: /secret/upgrade}], services: [{name: secret, port: 80, protocol: tls}], enableWebsockets: true}
";

/// What was agreed on for TLS: the protocol, and the name that is asked for.
type Tls = Option<[Option<&'static str>; 2]>;

/// What is shown, the path that is asked for, and what is spoken.
const FACTS: &[(&str, &str, &str, Tls)] = &[
    ("HTTP/1.1 unless said otherwise", "/", "HTTP/1.1", None),
    ("HTTP/2 by the route", "/h2c/route", "HTTP/2.0", None),
    ("HTTP/2 by an annotation", "/h2c/annotation", "HTTP/2.0", None),
    ("HTTP/2 by the port", "/h2c/port", "HTTP/2.0", None),
    ("TLS, and nothing is checked", "/tls", "HTTP/1.1", Some([Some("http/1.1"), None])),
    ("HTTP/2 and TLS", "/h2", "HTTP/2.0", Some([Some("h2"), None])),
    (
        "TLS: the route's host is asked for",
        "/sni/route",
        "HTTP/1.1",
        Some([Some("http/1.1"), Some("route.test")]),
    ),
    (
        "TLS: the service's host is",
        "/sni/service",
        "HTTP/1.1",
        Some([Some("http/1.1"), Some("service.test")]),
    ),
    (
        "TLS: a host that a header names is not",
        "/sni/header",
        "HTTP/1.1",
        Some([Some("http/1.1"), None]),
    ),
];

pub(crate) async fn services_are_spoken_to_as_they_ask(binary: PathBuf) {
    let plain = Echo::start("plain").expect("a backend");
    let secret = Echo::start_tls("secret").expect("a backend");
    let manifests = manifests(PROXIES);
    manifests.service("plain", plain.addr);
    manifests.service("secret", secret.addr);
    let annotation = "projectcontour.io/upstream-protocol.h2c: 'http,8080'";
    manifests.service_of("annotated", annotation, &[plain.addr]);
    manifests.write("typed.yaml", &typed(plain.addr));
    let stage = Stage::start(&binary, &manifests).await;
    for &(name, path, protocol, tls) in FACTS {
        let found =
            stage.send(Request::get("protocols.test", path).header("x-host", "a.test")).await;
        let heard = found.heard();
        let tls = tls.map_or(Value::Null, |[alpn, sni]| json!({"alpn": alpn, "sni": sni}));
        stage.fact(name, (&heard["protocol"], &heard["tls"]), (&json!(protocol), &tls));
    }
    for (name, path) in [("a websocket", "/upgrade"), ("a websocket over TLS", "/secret/upgrade")] {
        let found = upgraded(&stage, path).await;
        stage.fact(name, (found.0, found.1.as_deref()), (101, Some("hello")));
    }
    stage.fact("no websocket unless it is said", upgraded(&stage, "/").await, (403, None));
    stage.fact("the backend is not asked then", plain.count("/"), 1);
    stage.end().await;
}

/// The status of an upgrade to a websocket, and what comes back of what is sent then.
async fn upgraded(stage: &Stage, path: &str) -> (u16, Option<String>) {
    let upgrade = async {
        let mut stream = TcpStream::connect(stage.envoy.http).await?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: protocols.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        if status != 101 {
            return Ok((status, None));
        }
        stream.write_all(b"hello").await?;
        let mut back = [0; 5];
        stream.read_exact(&mut back).await?;
        std::io::Result::Ok((status, Some(String::from_utf8_lossy(&back).into_owned())))
    };
    timeout(PATIENCE, upgrade).await.expect("an end").expect("a response")
}

/// A service whose port says what is spoken to it.
fn typed(endpoint: SocketAddr) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: typed}}
spec: {{ports: [{{name: http, port: 80, appProtocol: kubernetes.io/h2c}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: typed, labels: {{kubernetes.io/service-name: typed}}}}
addressType: IPv4
ports: [{{name: http, port: {}}}]
endpoints: [{{addresses: [{}]}}]
",
        endpoint.port(),
        endpoint.ip()
    )
}
