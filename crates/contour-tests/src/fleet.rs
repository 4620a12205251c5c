//! As many hosts as wanted, each the simplest there is: a proxy with one route, its service, and the service's endpoints.

use std::fmt::Write as _;
use std::path::Path;

use contour_builder::{Change, Object};
use serde::de::DeserializeOwned;

/// How many hosts share a namespace, and a file.
const PER_NAMESPACE: usize = 100;

/// A host of the fleet, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host(pub usize);

/// Writes the manifests of the first `hosts` hosts into `directory`, one file for each namespace. Answers how many bytes
/// that is.
///
/// # Errors
/// The file system's.
pub fn write(directory: &Path, hosts: usize) -> std::io::Result<usize> {
    let mut bytes = 0;
    for first in (0..hosts).step_by(PER_NAMESPACE) {
        let mut text = String::new();
        for host in (first..hosts.min(first + PER_NAMESPACE)).map(Host) {
            for document in [host.proxy("/"), host.service(), host.endpoint_slice(0)] {
                let _ = writeln!(text, "---\n{document}"); // a string takes everything
            }
        }
        std::fs::write(directory.join(format!("{:05}.yaml", first / PER_NAMESPACE)), &text)?;
        bytes += text.len();
    }
    Ok(bytes)
}

/// Everything about the first `hosts` hosts, as a source would tell it.
pub fn changes(hosts: usize) -> Vec<Change> {
    let one = |host: Host| [host.routes("/"), host.serves(), host.listens_at(0)];
    (0..hosts).map(Host).flat_map(one).collect()
}

impl Host {
    /// The proxy routes this prefix.
    pub fn routes(self, prefix: &str) -> Change {
        Change::Apply(Object::HttpProxy(decode(&self.proxy(prefix))))
    }

    /// The proxy is as in [`changes`], but for what means nothing to Envoy.
    pub fn is_annotated(self) -> Change {
        let mut proxy = decode::<Box<contour_api::v1::HTTPProxy>>(&self.proxy("/"));
        proxy.metadata.annotations = Some([("team".to_owned(), "red".to_owned())].into());
        Change::Apply(Object::HttpProxy(proxy))
    }

    /// The service exists.
    pub fn serves(self) -> Change {
        Change::Apply(Object::Service(decode(&self.service())))
    }

    /// The service's one endpoint has this address, of 256 possible ones.
    pub fn listens_at(self, last: u8) -> Change {
        Change::Apply(Object::EndpointSlice(decode(&self.endpoint_slice(last))))
    }

    fn namespace(self) -> String {
        format!("team-{:05}", self.0 / PER_NAMESPACE)
    }

    fn proxy(self, prefix: &str) -> String {
        let Host(number) = self;
        format!(
            "apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata:
  name: shop-{number}
  namespace: {}
  generation: 1
  creationTimestamp: 2026-01-01T00:00:00Z
spec:
  virtualhost:
    fqdn: shop-{number}.example.com
  routes:
    - conditions:
        - prefix: {prefix}
      services:
        - name: shop-{number}
          port: 80",
            self.namespace()
        )
    }

    fn service(self) -> String {
        let Host(number) = self;
        format!(
            "apiVersion: v1
kind: Service
metadata:
  name: shop-{number}
  namespace: {}
spec:
  ports:
    - name: http
      port: 80
      targetPort: 8080",
            self.namespace()
        )
    }

    fn endpoint_slice(self, last: u8) -> String {
        let Host(number) = self;
        let [.., high, low] = number.to_be_bytes();
        format!(
            "apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: shop-{number}-a
  namespace: {}
  labels:
    kubernetes.io/service-name: shop-{number}
addressType: IPv4
ports:
  - name: http
    port: 8080
endpoints:
  - addresses:
      - 10.{high}.{low}.{last}
    conditions:
      ready: true",
            self.namespace()
        )
    }
}

/// A service, endpoints and all, that no host of the fleet needs.
pub fn unrelated() -> Vec<Change> {
    let stranger = Host(usize::MAX);
    vec![stranger.serves(), stranger.listens_at(0)]
}

fn decode<T: DeserializeOwned>(manifest: &str) -> T {
    serde_yaml_ng::from_str(manifest).expect("a manifest of ours")
}
