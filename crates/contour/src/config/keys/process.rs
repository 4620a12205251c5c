//! Settings of Contour itself, and of which objects it reads.

use super::super::key::Literal::{Boolean, Integer, Seconds, Text};
use super::super::key::{Key, Kind, Variable};
use super::{PORT, keys};

/// The features that can be disabled: kinds of objects that are then not read.
pub const FEATURES: &[&str] =
    &["extensionservices", "tlsroutes", "grpcroutes", "tcproutes", "backendtlspolicies"];

keys! {
    /// Settings of Contour itself, and of which objects it reads.
    PROCESS;

    DEBUG = Key::new(Kind::Boolean, "Whether each change is logged")
        .file("debug").flag("debug", "").short('d').default(Boolean(false)).restart();

    IN_CLUSTER = Key::new(Kind::Boolean, "Whether the API server is found as in a pod of the cluster")
        .file("incluster").flag("incluster", "").default(Boolean(false)).restart();
    KUBECONFIG = Key::new(Kind::Text, "The file that says where the API server is, outside of the cluster")
        .file("kubeconfig").flag("kubeconfig", "PATH").variable(Variable::Home).restart();
    CLIENT_QPS = Key::new(Kind::Number, "Requests to the API server in a second; 0: not limited")
        .file("kubernetesClientQPS").flag("kubernetes-client-qps", "NUMBER").default(Integer(0)).restart();
    CLIENT_BURST = Key::new(Kind::Integer { min: 0, max: i32::MAX as i64 }, "Requests to the API server at once; 0: not limited")
        .file("kubernetesClientBurst").flag("kubernetes-client-burst", "NUMBER").default(Integer(0)).restart();
    CLIENT_DEBUG = Key::new(Kind::Integer { min: 0, max: 255 }, "How much is logged of requests to the API server: 0 nothing, 9 all")
        .flag("kubernetes-debug", "LEVEL").default(Integer(0)).restart();

    LEADER_DISABLED = Key::new(Kind::Boolean, "Whether statuses are written without being elected to")
        .flag("disable-leader-election", "").default(Boolean(false)).restart();
    LEASE_DURATION = Key::new(Kind::Duration, "How long an election holds without renewal")
        .flag("leader-election-lease-duration", "DURATION").default(Seconds(15)).restart();
    LEASE_RENEW_DEADLINE = Key::new(Kind::Duration, "How long the leader tries to renew before it gives up")
        .flag("leader-election-renew-deadline", "DURATION").default(Seconds(10)).restart();
    LEASE_RETRY_PERIOD = Key::new(Kind::Duration, "How long the leader waits between two tries")
        .flag("leader-election-retry-period", "DURATION").default(Seconds(2)).restart();
    LEASE_NAME = Key::new(Kind::Text, "The name of the Lease by which the leader is elected")
        .flag("leader-election-resource-name", "NAME").default(Text("leader-elect")).restart();
    LEASE_NAMESPACE = Key::new(Kind::Text, "The namespace of that Lease")
        .flag("leader-election-resource-namespace", "NAMESPACE")
        .variable(Variable::Value("CONTOUR_NAMESPACE")).default(Text("projectcontour")).restart();

    MANAGE_CERTIFICATES = Key::new(Kind::Boolean, "Whether whoever leads renews the certificates of xDS, in the Secrets `contourcert` and `envoycert` of the namespace `$CONTOUR_NAMESPACE`")
        .flag("manage-certificates", "").default(Boolean(false)).restart();

    WATCH_NAMESPACES = Key::new(Kind::Texts, "The namespaces whose objects are read; none: all")
        .flag("watch-namespaces", "NAMESPACES").restart();
    DISABLED_FEATURES = Key::new(Kind::Words(FEATURES), "A kind of objects that is not read, so that its definition may be absent")
        .flag("disable-feature", "FEATURE").restart();
    FEATURE_FLAGS = Key::new(Kind::Texts, "Names of features that are being tried; none has an effect at present")
        .file("featureFlags").spec("featureFlags");
    SERVER = Key::new(Kind::Block, "Once held settings of the xDS server; may only be empty").file("server");

    GATEWAY = Key::new(Kind::Block, "The Gateway that is served").file("gateway").spec("gateway").restart();
    GATEWAY_NAMESPACE = Key::new(Kind::Text, "The namespace of that Gateway")
        .file("gateway.gatewayRef.namespace").spec("gateway.gatewayRef.namespace").restart();
    GATEWAY_NAME = Key::new(Kind::Text, "The name of that Gateway")
        .file("gateway.gatewayRef.name").spec("gateway.gatewayRef.name").restart();

    INGRESS_CLASSES = Key::new(Kind::Texts, "The ingress classes that are ours; none: `contour`, and objects without a class")
        .flag("ingress-class-name", "CLASSES").spec("ingress.classNames");
    STATUS_ADDRESS = Key::new(Kind::Text, "The addresses that are written into statuses, with commas between them; none: those of Envoy's Service")
        .file("ingress-status-address").flag("ingress-status-address", "ADDRESSES").spec("ingress.statusAddress").restart();
    ENVOY_SERVICE_NAME = Key::new(Kind::Text, "The name of the Service in front of Envoy, whose addresses are written into statuses")
        .file("envoy-service-name").flag("envoy-service-name", "NAME").spec("envoy.service.name")
        .default(Text("envoy")).restart();
    ENVOY_SERVICE_NAMESPACE = Key::new(Kind::Text, "The namespace of that Service")
        .file("envoy-service-namespace").flag("envoy-service-namespace", "NAMESPACE").spec("envoy.service.namespace")
        .variable(Variable::Value("CONTOUR_NAMESPACE")).default(Text("projectcontour")).restart();

    ROOT_NAMESPACES = Key::new(Kind::Texts, "The namespaces whose HTTPProxies may claim host names; none: all")
        .flag("root-namespaces", "NAMESPACES").spec("httpproxy.rootNamespaces");
    PERMIT_INSECURE_DISABLED = Key::new(Kind::Boolean, "Whether `permitInsecure` of a route is ignored")
        .file("disablePermitInsecure").spec("httpproxy.disablePermitInsecure").default(Boolean(false));
    EXTERNAL_NAMES = Key::new(Kind::Boolean, "Whether Services of type ExternalName may be forwarded to: they can lead to any address that Envoy reaches, its own included")
        .file("enableExternalNameService").spec("enableExternalNameService").default(Boolean(false));

    XDS_ADDRESS = Key::new(Kind::Text, "Where xDS is served")
        .flag("xds-address", "ADDRESS").spec("xdsServer.address")
        .default(Text("127.0.0.1")).spec_default(Text("0.0.0.0")).restart();
    XDS_PORT = Key::new(PORT, "On which port xDS is served; 0: one that the system chooses")
        .flag("xds-port", "PORT").spec("xdsServer.port").default(Integer(8001)).restart();
    XDS_CA_FILE = Key::new(Kind::Text, "The file of the certificates that Envoys must be signed by")
        .flag("contour-cafile", "PATH").spec("xdsServer.tls.caFile")
        .variable(Variable::Value("CONTOUR_CAFILE")).default(Text("/certs/ca.crt")).restart();
    XDS_CERT_FILE = Key::new(Kind::Text, "The file of the certificate that Envoys are shown")
        .flag("contour-cert-file", "PATH").spec("xdsServer.tls.certFile")
        .variable(Variable::Value("CONTOUR_CERT_FILE")).default(Text("/certs/tls.crt")).restart();
    XDS_KEY_FILE = Key::new(Kind::Text, "The file of that certificate's key")
        .flag("contour-key-file", "PATH").spec("xdsServer.tls.keyFile")
        .variable(Variable::Value("CONTOUR_KEY_FILE")).default(Text("/certs/tls.key")).restart();
    XDS_INSECURE = Key::new(Kind::Boolean, "Whether xDS is served without TLS, and with it the keys of all certificates")
        .flag("insecure", "").spec("xdsServer.tls.insecure").default(Boolean(false)).restart();

    HEALTH_ADDRESS = Key::new(Kind::Text, "Where Contour says that it is well")
        .flag("health-address", "ADDRESS").spec("health.address").default(Text("0.0.0.0")).restart();
    HEALTH_PORT = Key::new(PORT, "On which port Contour says that it is well")
        .flag("health-port", "PORT").spec("health.port").default(Integer(8000)).restart();
    DEBUG_ADDRESS = Key::new(Kind::Text, "Where Contour serves its debug pages")
        .flag("debug-http-address", "ADDRESS").spec("debug.address").default(Text("127.0.0.1")).restart();
    DEBUG_PORT = Key::new(PORT, "On which port Contour serves its debug pages")
        .flag("debug-http-port", "PORT").spec("debug.port").default(Integer(6060)).restart();
    METRICS_ADDRESS = Key::new(Kind::Text, "Where Contour serves its metrics")
        .file("metrics.contour.address").flag("http-address", "ADDRESS").spec("metrics.address")
        .default(Text("0.0.0.0")).file_first().restart();
    METRICS_PORT = Key::new(PORT, "On which port Contour serves its metrics")
        .file("metrics.contour.port").flag("http-port", "PORT").spec("metrics.port")
        .default(Integer(8000)).file_first().restart();
    METRICS_CERT_FILE = Key::new(Kind::Text, "The file of the certificate of Contour's metrics; none: no TLS")
        .file("metrics.contour.server-certificate-path").spec("metrics.tls.certFile").restart();
    METRICS_KEY_FILE = Key::new(Kind::Text, "The file of that certificate's key")
        .file("metrics.contour.server-key-path").spec("metrics.tls.keyFile").restart();
    METRICS_CA_FILE = Key::new(Kind::Text, "The file of the certificates that readers of Contour's metrics must be signed by; none: they need none")
        .file("metrics.contour.ca-certificate-path").spec("metrics.tls.caFile").restart();
}
