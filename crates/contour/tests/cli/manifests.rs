//! Directories of manifests.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A directory with these files.
pub fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        write(directory.path(), name, text);
    }
    directory
}

/// Writes a file below `directory`.
pub fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
    fs::write(path, text).expect("a file");
}

/// A root HTTPProxy that sends everything to the service `service`.
pub fn proxy(name: &str, service: &str) -> String {
    format!(
        "\
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {{name: {name}, namespace: shop}}
spec:
  virtualhost: {{fqdn: {name}.example.com}}
  routes:
  - services: [{{name: {service}, port: 80}}]
"
    )
}

/// The Service `shop/web`.
pub const WEB: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
";
