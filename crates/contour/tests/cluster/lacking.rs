//! Kinds that are not for us.

use std::time::Duration;

use contour_tests::api_server::objects::{proxy, says, service};
use contour_tests::api_server::trials::Shared;
use contour_tests::api_server::{ApiServer, NAMESPACE};
use contour_tests::proxy::{throughout, until};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;

use super::running::{Running, command_of};

/// The rules in use today, but for Services.
pub(crate) const WITHOUT_SERVICES: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: contour}
rules:
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, list, watch]
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

/// How long nothing comes of half of the truth.
const A_WHILE: Duration = Duration::from_secs(5);

/// What is known without Services would be half of the truth: every proxy would seem to lack its own.
pub(super) async fn without_a_permission_nothing_is_served_until_it_is_granted(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    server.apply(&(service("web", 1) + &proxy("web", "web"))).await.expect("they are good");
    server.apply(WITHOUT_SERVICES).await.expect("it is good");
    let contour = Running::start(command_of(&account, "forbidden"));
    contour.program.says("needs=\"list, watch services\"", 1);
    until("everything else is read", async || {
        let (_, text) = contour.get("/readyz?verbose").await.expect("an answer");
        text.matches("[+]synced/").count() == text.matches("]synced/").count() - 1
    })
    .await;
    let leases = Api::<Lease>::namespaced(admin.clone(), NAMESPACE);
    throughout(A_WHILE, "it is alive, not ready, and takes no part in the election", async || {
        let alive = contour.get("/healthz").await.is_some_and(|(status, _)| status == 200);
        let ready = contour.get("/readyz").await.is_some_and(|(status, _)| status == 200);
        let competes = leases.get_opt("forbidden").await.expect("an answer").is_some();
        alive && !ready && !competes && !says(&admin, "web", "invalid").await
    })
    .await;
    server.contour_account().await;
    contour.xds();
    assert!(contour.serves_host("web.example.com").await);
    until("the proxy is valid", async || says(&admin, "web", "valid").await).await;
}
