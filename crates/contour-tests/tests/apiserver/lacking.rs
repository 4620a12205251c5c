//! Kinds that are not there, or not for us.

use std::pin::pin;

use contour_tests::api_server::objects::{proxy, says, service};
use contour_tests::api_server::{ApiServer, NAMESPACE};
use contour_tests::proxy::until;
use contour_tests::replica::Replica;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;

use super::Shared;
use super::statuses::{candidate, serves_host};

/// The rules in use today, but for Services.
const WITHOUT_SERVICES: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: contour}
rules:
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch]
- apiGroups: [projectcontour.io]
  resources: [httpproxies]
  verbs: [get, list, watch]
";

pub(super) async fn a_definition_that_is_missing_is_picked_up_later(_: &Shared) {
    let server = ApiServer::start().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    let replica = Replica::start(&account, &candidate("absent", "one"), "192.0.2.1").await;
    server.install_crds().await;
    server.apply(&(service("web", 1) + &proxy("web", "web"))).await.expect("they are good");
    until("the proxy is served", async || serves_host(&replica, "web.example.com")).await;
    until("and says so", async || says(&admin, "web", "valid").await).await;
}

/// What is known without Services would be half of the truth: every proxy would seem to lack its own.
pub(super) async fn without_a_permission_nothing_is_served_until_it_is_granted(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    server.apply(&(service("web", 1) + &proxy("web", "web"))).await.expect("they are good");
    server.apply(WITHOUT_SERVICES).await.expect("it is good");
    let candidate = candidate("forbidden", "one");
    let mut starting = pin!(Replica::start(&account, &candidate, "192.0.2.1"));
    let leases = Api::<Lease>::namespaced(admin.clone(), NAMESPACE);
    let leads = async || {
        let lease = leases.get("forbidden").await.ok().and_then(|lease| lease.spec);
        lease.is_some_and(|spec| spec.holder_identity.as_deref() == Some("one"))
    };
    tokio::select! {
        biased;
        _ = &mut starting => panic!("it serves what it knows by half"),
        () = until("it leads", leads) => {}
    }
    assert!(!says(&admin, "web", "invalid").await, "nor does it write what it knows by half");
    server.contour_account().await;
    let replica = starting.await;
    assert!(serves_host(&replica, "web.example.com"));
    until("the proxy is valid", async || says(&admin, "web", "valid").await).await;
}
