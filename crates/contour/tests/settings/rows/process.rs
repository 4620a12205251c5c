//! Settings of Contour itself.

use crate::observe::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = client();
    rows.extend(elections());
    rows.extend(certificates());
    rows.extend(objects());
    rows.extend(servers());
    rows
}

fn client() -> Vec<Row> {
    vec![
        row!(Now DEBUG, true, edges.debug_log, "true"),
        row!(Now IN_CLUSTER, true, edges.client.cluster, "Surrounding", with KUBECONFIG = "/k"),
        row!(Now KUBECONFIG, "/k", edges.client.cluster, r#"Kubeconfig("/k")"#),
        row!(Now CLIENT_QPS, 2.5, edges.client.qps, "Some(2.5)"),
        row!(Now CLIENT_BURST, 7, edges.client.burst, "Some(7)"),
        row!(Now CLIENT_DEBUG, 9, edges.client.debug, "9"),
    ]
}

fn elections() -> Vec<Row> {
    vec![
        row!(Now LEADER_DISABLED, true, edges.election, "None"),
        Row {
            view: |resolved| {
                format!("{:?}", resolved.edges.election.as_ref().map(|each| each.duration))
            },
            ..row!(Now LEASE_DURATION, "1d", edges.election, "Some(86400s)")
        },
        Row {
            view: |resolved| {
                format!("{:?}", resolved.edges.election.as_ref().map(|each| each.renew_deadline))
            },
            ..row!(Now LEASE_RENEW_DEADLINE, "9s", edges.election, "Some(9s)")
        },
        Row {
            view: |resolved| {
                format!("{:?}", resolved.edges.election.as_ref().map(|each| each.retry_period))
            },
            ..row!(Now LEASE_RETRY_PERIOD, "1s", edges.election, "Some(1s)")
        },
        Row {
            view: |resolved| {
                format!("{:?}", resolved.edges.election.as_ref().map(|each| &each.lease.name))
            },
            ..row!(Now LEASE_NAME, "l", edges.election, r#"Some("l")"#)
        },
        Row {
            view: |resolved| {
                format!("{:?}", resolved.edges.election.as_ref().map(|each| &each.lease.namespace))
            },
            ..row!(Now LEASE_NAMESPACE, "n", edges.election, r#"Some("n")"#)
        },
    ]
}

fn certificates() -> Vec<Row> {
    vec![row!(Now MANAGE_CERTIFICATES, true, edges.manage_certificates, "true")]
}

fn objects() -> Vec<Row> {
    const GATEWAY: &str = r#"Some(ObjectName { namespace: "n", name: "g" })"#;
    const SERVICE: &str = r#"Service(ObjectName { namespace: "n", name: "s" })"#;
    vec![
        row!(Now WATCH_NAMESPACES, ["a", "b"], edges.watch_namespaces, r#"{"a", "b"}"#),
        row!(Later DISABLED_FEATURES, ["tlsroutes", "grpcroutes"], edges.disabled, "{TlsRoutes, GrpcRoutes}"),
        row!(Now FEATURE_FLAGS, ["x"], notes, r#"["feature flags have no effect"]"#),
        // That nothing may be in it is shown where the file is read.
        Row { view: |resolved| explained(resolved, "server"), ..row!(Now SERVER, {}, notes, "{}") },
        row!(Later GATEWAY, {}, edges.gateway, GATEWAY, with GATEWAY_NAMESPACE = "n", GATEWAY_NAME = "g"),
        row!(Later GATEWAY_NAMESPACE, "n", edges.gateway, GATEWAY, with GATEWAY_NAME = "g"),
        row!(Later GATEWAY_NAME, "g", edges.gateway, GATEWAY, with GATEWAY_NAMESPACE = "n"),
        row!(Now INGRESS_CLASSES, ["a", "b"], builder.ingress_classes, r#"["a", "b"]"#),
        row!(Now STATUS_ADDRESS, "1.2.3.4, a.b", edges.status_addresses, r#"Given(["1.2.3.4", "a.b"])"#),
        row!(Now ENVOY_SERVICE_NAME, "s", edges.status_addresses, SERVICE, with ENVOY_SERVICE_NAMESPACE = "n"),
        row!(Now ENVOY_SERVICE_NAMESPACE, "n", edges.status_addresses, SERVICE, with ENVOY_SERVICE_NAME = "s"),
        row!(Now ROOT_NAMESPACES, ["a"], builder.root_namespaces, r#"["a"]"#),
        row!(Later PERMIT_INSECURE_DISABLED, true, features.permit_insecure, "false"),
        row!(Now EXTERNAL_NAMES, true, builder.external_names, "true"),
    ]
}

fn servers() -> Vec<Row> {
    const TLS: &str = r#"Some(MetricsTls { cert_file: "/c", key_file: "/k", ca_file: None })"#;
    const TLS_CA: &str =
        r#"Some(MetricsTls { cert_file: "/c", key_file: "/k", ca_file: Some("/a") })"#;
    vec![
        row!(Now XDS_ADDRESS, "::1", edges.xds.endpoint.host, r#""::1""#),
        row!(Now XDS_PORT, 9001, edges.xds.endpoint.port, "9001"),
        Row {
            view: |resolved| {
                format!("{:?}", resolved.edges.xds.tls.as_ref().map(|tls| &tls.ca_file))
            },
            ..row!(Now XDS_CA_FILE, "/a", edges.xds.tls, r#"Some("/a")"#)
        },
        Row {
            view: |resolved| {
                format!("{:?}", resolved.edges.xds.tls.as_ref().map(|tls| &tls.cert_file))
            },
            ..row!(Now XDS_CERT_FILE, "/c", edges.xds.tls, r#"Some("/c")"#)
        },
        Row {
            view: |resolved| {
                format!("{:?}", resolved.edges.xds.tls.as_ref().map(|tls| &tls.key_file))
            },
            ..row!(Now XDS_KEY_FILE, "/k", edges.xds.tls, r#"Some("/k")"#)
        },
        row!(Now XDS_INSECURE, true, edges.xds.tls, "None"),
        row!(Now HEALTH_ADDRESS, "1.1.1.1", edges.health.host, r#""1.1.1.1""#),
        row!(Now HEALTH_PORT, 1, edges.health.port, "1"),
        row!(Now DEBUG_ADDRESS, "1.1.1.1", edges.debug.host, r#""1.1.1.1""#),
        row!(Now DEBUG_PORT, 1, edges.debug.port, "1"),
        row!(Now METRICS_ADDRESS, "1.1.1.1", edges.metrics.endpoint.host, r#""1.1.1.1""#),
        row!(Now METRICS_PORT, 1, edges.metrics.endpoint.port, "1"),
        row!(Now METRICS_CERT_FILE, "/c", edges.metrics.tls, TLS, with METRICS_KEY_FILE = "/k", METRICS_PORT = 1),
        row!(Now METRICS_KEY_FILE, "/k", edges.metrics.tls, TLS, with METRICS_CERT_FILE = "/c", METRICS_PORT = 1),
        row!(Now METRICS_CA_FILE, "/a", edges.metrics.tls, TLS_CA,
            with METRICS_CERT_FILE = "/c", METRICS_KEY_FILE = "/k", METRICS_PORT = 1),
    ]
}

fn explained(resolved: &contour::config::Resolved, key: &str) -> String {
    let explained = resolved.explain().into_iter().find(|each| each.key == key);
    explained.expect("each setting is explained").value
}
