//! Kinds that are not there.

use contour_tests::api_server::ApiServer;
use contour_tests::api_server::objects::{proxy, says, service};
use contour_tests::proxy::until;
use contour_tests::replica::Replica;

use super::Shared;
use super::statuses::{candidate, serves_host};

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
