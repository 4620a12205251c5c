//! What the flags change of how the API server is read and written.

use std::time::Duration;

use contour_tests::api_server::objects::{addresses, moved, proxy, says_in, service};
use contour_tests::api_server::trials::Shared;
use contour_tests::proxy::until;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use tokio::time::Instant;

use super::running::{Running, command_of};

pub(super) async fn only_the_namespaces_that_are_asked_for_are_read(shared: &Shared) {
    let server = shared.server().await;
    let account = server.contour_account().await;
    for namespace in ["read-one", "read-two", "unread"] {
        let web = service("web", 1) + &proxy(namespace, "web");
        server.apply(&moved(&web, namespace)).await.expect("they are good");
    }
    let mut command = command_of(&account, "namespaces");
    command.arg("--watch-namespaces=read-one,read-two");
    let contour = Running::start(command);
    contour.xds();
    assert!(contour.serves_host("read-one.example.com").await);
    assert!(contour.serves_host("read-two.example.com").await);
    assert!(!contour.serves_host("unread.example.com").await);
}

pub(super) async fn statuses_have_the_addresses_that_are_given(shared: &Shared) {
    let server = shared.server().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    let web = service("web", 1) + &proxy("given", "web");
    server.apply(&moved(&web, "given")).await.expect("they are good");
    let mut command = command_of(&account, "given");
    command.args(["--watch-namespaces=given", "--ingress-status-address=192.0.2.7,lb.example.com"]);
    let _contour = Running::start(command);
    until("it is valid", async || says_in(&admin, "given", "given", "valid").await).await;
    assert_eq!(addresses(&admin, "given", "given").await, ["192.0.2.7", "lb.example.com"]);
}

pub(super) async fn statuses_have_the_addresses_of_envoys_service_and_lose_them_with_it(
    shared: &Shared,
) {
    let server = shared.server().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    let balancer = "---
apiVersion: v1
kind: Service
metadata: {name: edge, namespace: default}
spec: {type: LoadBalancer, ports: [{port: 80}]}
";
    let web = service("web", 1) + &proxy("edge", "web") + balancer;
    server.apply(&moved(&web, "balanced")).await.expect("they are good");
    let mut command = command_of(&account, "balanced");
    command.args(["--watch-namespaces=balanced", "--envoy-service-namespace=balanced"]);
    command.arg("--envoy-service-name=edge");
    let _contour = Running::start(command);
    until("it is valid", async || says_in(&admin, "balanced", "edge", "valid").await).await;
    assert_eq!(addresses(&admin, "balanced", "edge").await, [""; 0]);
    let services = Api::<contour_api::core::Service>::namespaced(admin.clone(), "balanced");
    let status = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": "192.0.2.9" }] } } });
    let patch = Patch::Merge(&status);
    services.patch_status("edge", &PatchParams::default(), &patch).await.expect("it is good");
    until("the address is told", async || {
        addresses(&admin, "balanced", "edge").await == ["192.0.2.9"]
    })
    .await;
    services.delete("edge", &DeleteParams::default()).await.expect("it is there");
    until("it is told no more", async || addresses(&admin, "balanced", "edge").await.is_empty())
        .await;
}

/// Each kind is asked for, and one request in two seconds is allowed after the first.
pub(super) async fn requests_are_no_more_than_the_flags_allow(shared: &Shared) {
    let server = shared.server().await;
    let account = server.contour_account().await;
    let mut command = command_of(&account, "slow");
    command.args(["--watch-namespaces=none", "--disable-leader-election"]);
    command.args(["--kubernetes-client-qps=0.5", "--kubernetes-client-burst=1"]);
    let begin = Instant::now();
    Running::start(command).xds();
    let pauses = u32::try_from(contour_builder::Kind::ALL.len() - 1).expect("a few");
    assert!(begin.elapsed() >= pauses * Duration::from_secs(2), "{:?}", begin.elapsed());
}

pub(super) async fn requests_are_logged_as_the_flag_says(shared: &Shared) {
    let server = shared.server().await;
    let account = server.contour_account().await;
    let mut command = command_of(&account, "logged");
    command.args(["--watch-namespaces=none", "--disable-leader-election", "--kubernetes-debug=6"]);
    let contour = Running::start(command);
    contour.program.says("/apis/projectcontour.io/v1/namespaces/none/httpproxies", 1);
}
