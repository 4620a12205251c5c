//! The command lines and objects of today's manifests.

/// The Job `contour-certgen-main`.
pub(crate) const CERTGEN: &[&str] = &[
    "contour",
    "certgen",
    "--kube",
    "--incluster",
    "--overwrite",
    "--secrets-format=compact",
    "--namespace=projectcontour",
];

/// The Deployment `contour`.
pub(crate) const CONTOUR: &[&str] = &[
    "contour",
    "serve",
    "--incluster",
    "--xds-address=0.0.0.0",
    "--xds-port=8001",
    "--contour-cafile=/certs/ca.crt",
    "--contour-cert-file=/certs/tls.crt",
    "--contour-key-file=/certs/tls.key",
    "--config-path=/config/contour.yaml",
];

/// What is active in the ConfigMap `contour`.
pub(crate) const CONFIGURATION: &str = "\
disablePermitInsecure: false
tls:
  fallback-certificate:
  envoy-client-certificate:
accesslog-format: envoy
";

/// The init container of Envoy's pods.
pub(crate) const BOOTSTRAP: &[&str] = &[
    "contour",
    "bootstrap",
    "/config/envoy.json",
    "--xds-address=contour",
    "--xds-port=8001",
    "--xds-resource-version=v3",
    "--resources-dir=/config/resources",
    "--envoy-cafile=/certs/ca.crt",
    "--envoy-cert-file=/certs/tls.crt",
    "--envoy-key-file=/certs/tls.key",
];

/// What that container writes in upstream's image, below `/config`.
pub(crate) const UPSTREAM_BOOTSTRAP: [(&str, &str); 3] = [
    ("envoy.json", include_str!("upstream/envoy.json")),
    ("resources/sds/xds-tls-certificate.json", include_str!("upstream/xds-tls-certificate.json")),
    (
        "resources/sds/xds-validation-context.json",
        include_str!("upstream/xds-validation-context.json"),
    ),
];

/// The sidecar of Envoy.
pub(crate) const SHUTDOWN_MANAGER: &[&str] = &["/bin/contour", "envoy", "shutdown-manager"];

/// The sidecar's `preStop`.
pub(crate) const SHUTDOWN: &[&str] = &["/bin/contour", "envoy", "shutdown"];

/// Envoy itself: flags and their values are one argument each, as they stand there.
pub(crate) fn envoy(name: &str) -> Vec<String> {
    vec![
        "envoy".to_owned(),
        "-c".to_owned(),
        "/config/envoy.json".to_owned(),
        "--service-cluster projectcontour".to_owned(),
        format!("--service-node {name}"),
        "--log-level info".to_owned(),
    ]
}

/// What the certificates' Job may do.
pub(crate) const CERTGEN_ROLE: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: contour-certgen, namespace: projectcontour}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: contour-certgen, namespace: projectcontour}
rules: [{apiGroups: [''], resources: [secrets], verbs: [create, update]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: contour, namespace: projectcontour}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: contour-certgen}
subjects: [{kind: ServiceAccount, name: contour-certgen, namespace: projectcontour}]
";

/// A Service with one endpoint on the machine itself, and a host that leads to it.
pub(crate) fn shop(port: u16) -> String {
    format!(
        "---
apiVersion: v1
kind: Service
metadata: {{name: shop, namespace: default}}
spec: {{ports: [{{name: http, port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: shop-1, namespace: default, labels: {{kubernetes.io/service-name: shop}}}}
addressType: IPv4
ports: [{{name: http, port: {port}, protocol: TCP}}]
endpoints: [{{addresses: [198.18.0.1], conditions: {{ready: true}}}}]
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {{name: shop, namespace: default}}
spec:
  virtualhost: {{fqdn: shop.example.com}}
  routes: [{{services: [{{name: shop, port: 80}}]}}]
"
    )
}
