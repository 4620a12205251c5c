//! Directories of manifests whose services are backends of the test.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;

/// A directory of manifests.
#[derive(Debug)]
pub(crate) struct Manifests(TempDir);

impl Manifests {
    pub(crate) fn new() -> Manifests {
        Manifests(tempfile::tempdir().expect("a temporary directory"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, or another text into it, in one step, so that nobody reads half of it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let scratch = self.path().join(".new");
        std::fs::write(&scratch, text).expect("a file to write");
        std::fs::rename(scratch, self.path().join(name)).expect("a file to rename");
    }

    /// Writes a Service with one endpoint, both named `name`.
    pub(crate) fn service(&self, name: &str, endpoint: SocketAddr) {
        self.service_of(name, "", &[endpoint]);
    }

    /// Writes a Service with these annotations, in YAML, and an EndpointSlice for each of its endpoints: all of one slice
    /// have the same ports.
    pub(crate) fn service_of(&self, name: &str, annotations: &str, endpoints: &[SocketAddr]) {
        self.service_in("default", name, annotations, endpoints);
    }

    /// The same in a namespace.
    pub(crate) fn service_in(
        &self,
        namespace: &str,
        name: &str,
        annotations: &str,
        endpoints: &[SocketAddr],
    ) {
        let mut text = format!(
            "apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}, annotations: {{{annotations}}}}}
spec: {{ports: [{{name: http, port: 80}}]}}
"
        );
        for (at, endpoint) in endpoints.iter().enumerate() {
            let (address, port) = (endpoint.ip(), endpoint.port());
            write!(
                text,
                "---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-{at}, namespace: {namespace}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: http, port: {port}}}]
endpoints: [{{addresses: [{address}]}}]
"
            )
            .expect("writing to a String");
        }
        self.write(&format!("{name}.yaml"), &text);
    }

    /// Writes an HTTPProxy named `name` with this spec.
    pub(crate) fn proxy(&self, name: &str, spec: &str) {
        let text = format!(
            "apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {{name: {name}}}\nspec: {spec}\n"
        );
        self.write(&format!("{name}.yaml"), &text);
    }
}
