//! Objects for an API server, and what they say.

use contour_api::v1::HTTPProxy;
use kube::{Api, Client};

/// A Service of the namespace `default` with one endpoint, which is `198.18.0.LAST`.
pub fn service(name: &str, last: u8) -> String {
    format!(
        "---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: default}}
spec: {{ports: [{{name: http, port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, namespace: default, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: http, port: 8080, protocol: TCP}}]
endpoints: [{{addresses: [198.18.0.{last}], conditions: {{ready: true}}}}]
"
    )
}

/// An HTTPProxy of the namespace `default` for `NAME.example.com`.
pub fn proxy(name: &str, service: &str) -> String {
    format!(
        "---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {{name: {name}, namespace: default}}
spec:
  virtualhost: {{fqdn: {name}.example.com}}
  routes: [{{services: [{{name: {service}, port: 80}}]}}]
"
    )
}

/// The same in another namespace, which comes first.
pub fn moved(manifests: &str, namespace: &str) -> String {
    let own = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n");
    own + &manifests.replace("namespace: default", &format!("namespace: {namespace}"))
}

/// Whether a proxy of the namespace `default` says in one word what it is, and of which generation.
pub async fn says(client: &Client, name: &str, word: &str) -> bool {
    says_in(client, "default", name, word).await
}

/// The same in another namespace.
pub async fn says_in(client: &Client, namespace: &str, name: &str, word: &str) -> bool {
    let proxy = Api::<HTTPProxy>::namespaced(client.clone(), namespace).get(name).await;
    let Ok(proxy) = proxy else { return false };
    let generation = proxy.metadata.generation;
    let status = proxy.status.unwrap_or_default();
    let observed = status.conditions.first().and_then(|each| each.observed_generation);
    status.current_status.as_deref() == Some(word) && observed == generation
}

/// The addresses that a proxy says it is reached by.
pub async fn addresses(client: &Client, namespace: &str, name: &str) -> Vec<String> {
    let proxy = Api::<HTTPProxy>::namespaced(client.clone(), namespace).get(name).await;
    let status = proxy.expect("it is there").status.unwrap_or_default();
    let balancer = status.load_balancer.and_then(|each| each.ingress).unwrap_or_default();
    balancer.into_iter().filter_map(|each| each.ip.or(each.hostname)).collect()
}
