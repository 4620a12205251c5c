//! Objects become resources, and conditions statuses.

use contour_api::conditions::ConditionStatus;
use contour_api::networking::Ingress;
use contour_api::v1::HTTPProxy;
use contour_builder::Kind;
use contour_k8s::lease::Durations;
use contour_tests::api_server::ApiServer;
use contour_tests::api_server::objects::{proxy, says, service};
use contour_tests::proxy::until;
use contour_tests::replica::{Candidate, Replica};
use contour_xds::resource::TypeUrl;
use futures_util::future::try_join_all;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use tokio::time::Instant;

use super::Shared;

/// How many proxies are created at once.
const MANY: u64 = 1000;

pub(super) fn candidate<'a>(lease: &'a str, identity: &'a str) -> Candidate<'a> {
    Candidate { lease, identity, durations: Durations::default() }
}

/// A host by its name in what is served.
pub(super) fn serves_host(replica: &Replica, host: &str) -> bool {
    let routes = replica.body(TypeUrl::RouteConfiguration, "ingress_http").unwrap_or_default();
    routes.windows(host.len()).any(|each| each == host.as_bytes())
}

pub(super) async fn every_kind_that_is_built_is_followed(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    server.apply(&service("web", 1)).await.expect("they are good");
    let replica = Replica::start(&account, &candidate("kinds", "one"), "192.0.2.1").await;
    for kind in Kind::ALL {
        match kind {
            Kind::Service | Kind::EndpointSlice => {
                follows_services(&server, &admin, &replica).await;
            }
            Kind::HttpProxy => follows_proxies(&server, &admin, &replica).await,
            Kind::Ingress => follows_ingresses(&server, &admin, &replica).await,
            Kind::Secret => follows_secrets(&server, &admin, &replica).await,
        }
    }
}

/// What upstream watches: each resource under its plural name.
const WATCHED_BY_UPSTREAM: [&str; 17] = [
    "backendtlspolicies",
    "configmaps",
    "endpointslices",
    "extensionservices",
    "gatewayclasses",
    "gateways",
    "grpcroutes",
    "httpproxies",
    "httproutes",
    "ingresses",
    "namespaces",
    "referencegrants",
    "secrets",
    "services",
    "tcproutes",
    "tlscertificatedelegations",
    "tlsroutes",
];

/// What of it is not followed yet, and the feature that needs it.
const NOT_FOLLOWED_YET: [(&str, &str); 12] = [
    ("backendtlspolicies", "Gateway API: TLS to backends"),
    ("configmaps", "Gateway API: the authorities of BackendTLSPolicies"),
    ("extensionservices", "HTTPProxy: authorization and rate limits"),
    ("gatewayclasses", "Gateway API"),
    ("gateways", "Gateway API"),
    ("grpcroutes", "Gateway API: gRPC"),
    ("httproutes", "Gateway API"),
    ("namespaces", "Gateway API: which namespaces a listener admits routes from"),
    ("referencegrants", "Gateway API: references across namespaces"),
    ("tcproutes", "Gateway API: TCP"),
    ("tlscertificatedelegations", "HTTPProxy and Ingress: certificates of other namespaces"),
    ("tlsroutes", "Gateway API: TLS passthrough"),
];

pub(super) async fn every_resource_of_upstream_is_followed_or_waits_for_a_feature(_: &Shared) {
    let followed = Kind::ALL.map(|kind| match kind {
        Kind::HttpProxy => "httpproxies",
        Kind::Ingress => "ingresses",
        Kind::Service => "services",
        Kind::EndpointSlice => "endpointslices",
        Kind::Secret => "secrets",
    });
    let waiting = NOT_FOLLOWED_YET.map(|(resource, _)| resource);
    let mut known = [&followed[..], &waiting].concat();
    known.sort_unstable();
    assert_eq!(known, WATCHED_BY_UPSTREAM);
}

async fn follows_services(server: &ApiServer, admin: &Client, replica: &Replica) {
    server.apply(&(service("web", 1) + &proxy("web", "web"))).await.expect("they are good");
    let assigned = || replica.body(TypeUrl::LoadAssignment, "default/web/http").unwrap_or_default();
    let has = |address: &str| {
        let body = assigned();
        body.windows(address.len()).any(|each| each == address.as_bytes())
    };
    until("the endpoint is served", async || has("198.18.0.1")).await;
    until("the proxy is valid", async || says(admin, "web", "valid").await).await;
    server.apply(&service("web", 2)).await.expect("it is good");
    until("its new address is served", async || has("198.18.0.2")).await;
    let services = Api::<contour_api::core::Service>::namespaced(admin.clone(), "default");
    services.delete("web", &DeleteParams::default()).await.expect("it is there");
    until("the proxy lacks its service", async || says(admin, "web", "invalid").await).await;
    let slices = Api::<contour_api::discovery::EndpointSlice>::namespaced(admin.clone(), "default");
    slices.delete("web-1", &DeleteParams::default()).await.expect("it is there");
    server.apply(&service("web", 1)).await.expect("they are good");
    until("it has it again", async || says(admin, "web", "valid").await && has("198.18.0.1")).await;
}

async fn follows_proxies(server: &ApiServer, admin: &Client, replica: &Replica) {
    server.apply(&proxy("shop", "web")).await.expect("it is good");
    until("the host is served", async || serves_host(replica, "shop.example.com")).await;
    until("and its status says so", async || says(admin, "shop", "valid").await).await;
    let proxies = Api::<HTTPProxy>::namespaced(admin.clone(), "default");
    let status = proxies.get("shop").await.expect("it is there").status.expect("a status");
    assert_eq!(status.conditions[0].status, ConditionStatus::True);
    let balancer = status.load_balancer.and_then(|each| each.ingress).unwrap_or_default();
    assert_eq!(balancer[0].ip.as_deref(), Some("192.0.2.1"));
    server.apply(&proxy("shop", "gone")).await.expect("it is good");
    until("a mistake is told", async || says(admin, "shop", "invalid").await).await;
    proxies.delete("shop", &DeleteParams::default()).await.expect("it is there");
    until("the host is gone", async || !serves_host(replica, "shop.example.com")).await;
}

/// A Secret that nothing refers to shows in counts alone. Those of types that are not asked for do not even show there.
async fn follows_secrets(server: &ApiServer, admin: &Client, replica: &Replica) {
    let secret = |name: &str, kind: &str, value: &str| {
        format!(
            "---
apiVersion: v1
kind: Secret
metadata: {{name: {name}, namespace: default}}
type: {kind}
stringData: {{tls.crt: {value}, tls.key: ''}}
"
        )
    };
    let kept = || replica.metric("contour_dag_cache_object{kind=\"Secret\"}");
    let done = |operation: &str| {
        let labels = format!("{{kind=\"Secret\",op=\"{operation}\"}}");
        replica.metric(&format!("contour_eventhandler_operation_total{labels}"))
    };
    assert_eq!(kept(), 0);
    server.apply(&secret("release", "helm.sh/release.v1", "a")).await.expect("it is good");
    server.apply(&secret("web", "kubernetes.io/tls", "a")).await.expect("it is good");
    server.apply(&secret("other", "example.com/other", "a")).await.expect("it is good");
    until("two Secrets are kept", async || kept() == 2 && done("add") == 2).await;
    server.apply(&secret("web", "kubernetes.io/tls", "b")).await.expect("it is good");
    until("one is told again", async || done("update") == 1).await;
    let secrets = Api::<contour_api::core::Secret>::namespaced(admin.clone(), "default");
    for name in ["release", "web", "other"] {
        secrets.delete(name, &DeleteParams::default()).await.expect("it is there");
    }
    until("they are gone", async || kept() == 0 && done("delete") == 2).await;
    assert_eq!(done("add"), 2);
}

async fn follows_ingresses(server: &ApiServer, admin: &Client, replica: &Replica) {
    let ingress = |host: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: docs, namespace: default}}
spec:
  rules:
  - host: {host}
    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}
"
        )
    };
    server.apply(&ingress("docs.example.com")).await.expect("it is good");
    until("the host is served", async || serves_host(replica, "docs.example.com")).await;
    let ingresses = Api::<Ingress>::namespaced(admin.clone(), "default");
    until("its address is told", async || {
        let status = ingresses.get("docs").await.ok().and_then(|each| each.status);
        let balancer = status.and_then(|each| each.load_balancer).and_then(|each| each.ingress);
        balancer.is_some_and(|each| each[0].ip.as_deref() == Some("192.0.2.1"))
    })
    .await;
    server.apply(&ingress("other.example.com")).await.expect("it is good");
    until("another host is served", async || {
        serves_host(replica, "other.example.com") && !serves_host(replica, "docs.example.com")
    })
    .await;
    ingresses.delete("docs", &DeleteParams::default()).await.expect("it is there");
    until("it is gone", async || !serves_host(replica, "other.example.com")).await;
}

/// Prints how long it took; what it holds are counts.
pub(super) async fn a_thousand_proxies_are_each_written_once(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    server.apply(&service("web", 1)).await.expect("it is good");
    let replica = Replica::start(&account, &candidate("many", "one"), "192.0.2.1").await;
    let proxies = Api::<HTTPProxy>::namespaced(admin.clone(), "default");
    let made: Vec<HTTPProxy> = (0..MANY)
        .map(|number| {
            serde_yaml_ng::from_str(&proxy(&format!("shop-{number}"), "web")).expect("good")
        })
        .collect();
    let parameters = PostParams::default();
    let begin = Instant::now();
    try_join_all(made.iter().map(|each| proxies.create(&parameters, each))).await.expect("created");
    let created = Instant::now();
    server.apply(&service("web", 2)).await.expect("it is good");
    until("the endpoint's new address is served", async || {
        let body = replica.body(TypeUrl::LoadAssignment, "default/web/http").unwrap_or_default();
        body.windows(10).any(|each| each == b"198.18.0.2")
    })
    .await;
    let endpoint = created.elapsed();
    until("all statuses are written", async || {
        let list = proxies.list(&ListParams::default()).await.expect("a list");
        let valid = |each: &HTTPProxy| {
            let condition = each.status.as_ref().and_then(|status| status.conditions.first());
            condition.is_some_and(|condition| {
                condition.status == ConditionStatus::True
                    && condition.observed_generation == each.metadata.generation
            })
        };
        list.items.len() as u64 == MANY && list.items.iter().all(valid)
    })
    .await;
    println!(
        "{MANY} proxies created in {:.1} s; all statuses {:.1} s after the last; an endpoint meanwhile in {:.0} ms",
        (created - begin).as_secs_f64(),
        created.elapsed().as_secs_f64(),
        endpoint.as_secs_f64() * 1e3,
    );
    until("nothing is under way", async || replica.written("HTTPProxy") >= MANY).await;
    let written = replica.written("HTTPProxy");
    println!("{written} writes");
    assert_eq!(written, MANY, "each is written once");
}

/// A status that says already what is true is not written: the version of an object stays what it is.
pub(super) async fn at_rest_nothing_is_written(shared: &Shared) {
    let server = shared.server().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    server.apply(&(service("rest", 1) + &proxy("rest", "rest"))).await.expect("they are good");
    let replica = Replica::start(&account, &candidate("rest", "one"), "192.0.2.1").await;
    until("the proxy is valid", async || says(&admin, "rest", "valid").await).await;
    let proxies = Api::<HTTPProxy>::namespaced(admin.clone(), "default");
    let before = proxies.get("rest").await.expect("it is there").resource_version();
    // Another object's change makes a pass, and its echo comes after any of ours.
    server.apply(&proxy("later", "rest")).await.expect("it is good");
    until("a later proxy is valid", async || says(&admin, "later", "valid").await).await;
    let after = proxies.get("rest").await.expect("it is there").resource_version();
    assert_eq!(before, after);
    assert_eq!(replica.metric("contour_status_update_failed_total{kind=\"HTTPProxy\"}"), 0);
    replica.stop().await;
    let gone = DeleteParams::default();
    for name in ["rest", "later"] {
        proxies.delete(name, &gone).await.expect("it is there");
    }
}
