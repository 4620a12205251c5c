//! What a status must not do: harm the object, speak of another one, or keep silent about one that cannot be read.

use contour_api::networking::Ingress;
use contour_api::v1::HTTPProxy;
use contour_tests::api_server::ApiServer;
use contour_tests::api_server::objects::{proxy, says, service};
use contour_tests::proxy::until;
use contour_tests::replica::Replica;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::Shared;
use super::cut::Cut;
use super::statuses::{candidate, serves_host};

/// With everything that others may have put on it.
const INGRESS: &str = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: docs
  namespace: default
  labels: {team: docs}
  annotations: {kubernetes.io/ingress.class: contour, example.com/note: keep}
  finalizers: [example.com/keep]
  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, uid: 0b0a7d9e-6d7a-4f3a-9a53-2d9a5b1b6a11}]
spec:
  rules:
  - host: docs.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
";

pub(super) async fn an_ingress_keeps_everything_but_its_status(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    server.apply(&service("web", 1)).await.expect("they are good");
    server.apply(INGRESS).await.expect("it is good");
    let admin = server.admin().client().await;
    let ingresses = Api::<Ingress>::namespaced(admin, "default");
    let before = ingresses.get("docs").await.expect("it is there");
    let _replica = Replica::start(&account, &candidate("intact", "one"), "192.0.2.1").await;
    let has_address = |ingress: &Ingress| {
        let status = ingress.status.clone().unwrap_or_default();
        status.load_balancer.and_then(|balancer| balancer.ingress).is_some()
    };
    until("its address is told", async || {
        has_address(&ingresses.get("docs").await.expect("it is there"))
    })
    .await;
    let mut after = ingresses.get("docs").await.expect("it is there");
    assert!(before.metadata.finalizers.is_some() && before.metadata.owner_references.is_some());
    after.status.clone_from(&before.status);
    after.metadata.resource_version.clone_from(&before.metadata.resource_version);
    after.metadata.managed_fields.clone_from(&before.metadata.managed_fields);
    assert_eq!(after, before);
}

/// A proxy of the third generation.
async fn third(server: &ApiServer, admin: &Client) {
    for name in ["web", "gone", "web"] {
        server.apply(&proxy("again", name)).await.expect("it is good");
    }
    until("it is valid", async || says(admin, "again", "valid").await).await;
}

async fn make_again(admin: &Client) {
    let proxies = Api::<HTTPProxy>::namespaced(admin.clone(), "default");
    proxies.delete("again", &DeleteParams::default()).await.expect("it is there");
    let made: HTTPProxy = serde_yaml_ng::from_str(&proxy("again", "gone")).expect("a manifest");
    proxies.create(&PostParams::default(), &made).await.expect("it is gone");
}

/// Its generations begin anew: what is true of the one before is not true of it.
pub(super) async fn an_object_that_is_made_again_gets_a_status_of_its_own(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let cut = Cut::new(server.address).await;
    let through = cut.account(&account, server.address);
    let admin = server.admin().client().await;
    server.apply(&service("web", 1)).await.expect("they are good");
    let replica = Replica::start(&through, &candidate("again", "one"), "192.0.2.1").await;
    third(&server, &admin).await;
    make_again(&admin).await;
    until("it is not valid", async || says(&admin, "again", "invalid").await).await;

    // The same while nobody looks: a list tells of another object of the same name.
    third(&server, &admin).await;
    cut.cut();
    until("the cut is noticed", async || replica.metric("contour_kubernetes_api_up") == 0).await;
    make_again(&admin).await;
    cut.mend();
    until("it is not valid", async || says(&admin, "again", "invalid").await).await;
}

/// The definition of HTTPProxy as it would be if it said nothing.
async fn loosen_definition(client: &Client) {
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    let name = "httpproxies.projectcontour.io";
    let anything = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let mut definition = definitions.get(name).await.expect("it is there");
    let schema = json!({ "openAPIV3Schema": anything });
    definition.spec.versions[0].schema = Some(serde_json::from_value(schema).expect("a schema"));
    let patched = definitions.replace(name, &PostParams::default(), &definition).await;
    patched.expect("it is good");
}

pub(super) async fn an_object_that_cannot_be_read_says_so_and_serves_what_it_was(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    let both = proxy("was-good", "web") + &proxy("neighbour", "web");
    server.apply(&(service("web", 1) + &both)).await.expect("they are good");
    let replica = Replica::start(&account, &candidate("unreadable", "one"), "192.0.2.1").await;
    until("it is valid", async || says(&admin, "was-good", "valid").await).await;
    loosen_definition(&admin).await;

    let kind = GroupVersionKind::gvk("projectcontour.io", "v1", "HTTPProxy");
    let kind = ApiResource::from_gvk(&kind);
    let raw = Api::<DynamicObject>::namespaced_with(admin.clone(), "default", &kind);
    let spoilt = |name: &str| proxy(name, "web").replace("port: 80", "port: 80, weight: many");
    until("the server takes anything", async || server.apply(&spoilt("was-good")).await.is_ok())
        .await;
    server.apply(&spoilt("never-good")).await.expect("the server takes anything");
    for name in ["was-good", "never-good"] {
        until("its status says that it cannot be read", async || {
            let object = raw.get(name).await.expect("it is there");
            let status = &object.data["status"];
            let condition = &status["conditions"][0];
            let reason = |error: &Value| error["reason"] == "Unreadable";
            status["currentStatus"] == "invalid"
                && condition["observedGeneration"] == json!(object.metadata.generation)
                && condition["errors"].as_array().is_some_and(|errors| errors.iter().any(reason))
        })
        .await;
    }
    assert!(serves_host(&replica, "was-good.example.com"), "its last good form");
    assert!(!serves_host(&replica, "never-good.example.com"));
    assert!(serves_host(&replica, "neighbour.example.com"));
}
