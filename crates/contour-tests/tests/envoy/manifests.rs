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
        let (address, port) = (endpoint.ip(), endpoint.port());
        let mut text = String::new();
        write!(
            text,
            "apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{name: http, port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: http, port: {port}}}]
endpoints: [{{addresses: [{address}]}}]
"
        )
        .expect("writing to a String");
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
