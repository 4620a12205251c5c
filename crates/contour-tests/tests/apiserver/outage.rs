//! The API server goes away and comes back.

use contour_api::v1::HTTPProxy;
use contour_tests::api_server::ApiServer;
use contour_tests::api_server::objects::{proxy, says, service};
use contour_tests::proxy::until;
use contour_tests::replica::Replica;
use kube::Api;
use kube::api::DeleteParams;

use super::Shared;
use super::cut::Cut;
use super::statuses::{candidate, serves_host};

const UP: &str = "contour_kubernetes_api_up";

pub(super) async fn what_is_known_is_served_and_statuses_catch_up(_: &Shared) {
    let mut server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    server.apply(&(service("web", 1) + &proxy("first", "web"))).await.expect("they are good");
    let replica = Replica::start(&account, &candidate("outage", "one"), "192.0.2.1").await;
    let admin = server.admin().client().await;
    until("it is valid", async || says(&admin, "first", "valid").await).await;
    let served = replica.serves();
    server.kill_api_server();
    until("the outage is noticed", async || replica.metric(UP) == 0).await;
    assert_eq!(replica.serves(), served, "what is known stays");
    server.restart_api_server().await;
    until("its end is noticed", async || replica.metric(UP) == 1).await;
    assert_eq!(replica.serves(), served, "nothing is lost by a new list");
    server.apply(&proxy("second", "web")).await.expect("it is good");
    let admin = server.admin().client().await;
    until("statuses are written again", async || says(&admin, "second", "valid").await).await;
    assert!(serves_host(&replica, "second.example.com"));
}

/// A watch that was cut off for so long that its version is forgotten has to list again, and learns what is gone.
pub(super) async fn what_was_deleted_meanwhile_is_gone_after_a_new_list(_: &Shared) {
    let mut server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let cut = Cut::new(server.address).await;
    let through = cut.account(&account, server.address);
    let both = proxy("stays", "web") + &proxy("goes", "web");
    server.apply(&(service("web", 1) + &both)).await.expect("they are good");
    let replica = Replica::start(&through, &candidate("cut", "one"), "192.0.2.1").await;
    assert!(serves_host(&replica, "goes.example.com"));
    cut.cut();
    until("the cut is noticed", async || replica.metric(UP) == 0).await;
    let proxies = Api::<HTTPProxy>::namespaced(server.admin().client().await, "default");
    proxies.delete("goes", &DeleteParams::default()).await.expect("it is there");
    server.apply(&proxy("comes", "web")).await.expect("it is good");
    // A running server would remember what etcd forgets.
    server.compact_etcd().await;
    server.restart_api_server().await;
    assert!(serves_host(&replica, "goes.example.com"), "nobody has told it");
    cut.mend();
    until("what came is served", async || serves_host(&replica, "comes.example.com")).await;
    until("what is gone is not", async || !serves_host(&replica, "goes.example.com")).await;
    assert!(serves_host(&replica, "stays.example.com"));
}
