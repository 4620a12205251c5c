//! The API server goes away, or is not there yet.

use std::time::Duration;

use contour_tests::api_server::ApiServer;
use contour_tests::api_server::objects::{proxy, says, service};
use contour_tests::api_server::trials::Shared;
use contour_tests::proxy::{throughout, until};
use contour_xds::resource::TypeUrl;
use contour_xds::wire::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use rustix::process::Signal;

use super::running::{Running, command_of};
use contour_tests::grpc::{Call, Client};

/// How long the API server stays away.
const AWAY: Duration = Duration::from_mins(1);

const UP: &str = "contour_kubernetes_api_up";
const DELTA_CLUSTERS: &str = "envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters";

/// What an Envoy is given that connects now.
async fn clusters(client: &Client) -> (Call, Vec<String>) {
    let mut call = client.call(DELTA_CLUSTERS).await.expect("a call");
    let type_url = TypeUrl::Cluster.as_str().to_owned();
    call.send(&DeltaDiscoveryRequest { type_url, ..DeltaDiscoveryRequest::default() });
    let answer: DeltaDiscoveryResponse = call.next().await;
    let names = answer.resources.into_iter().map(|each| each.name).collect();
    (call, names)
}

pub(super) async fn a_minute_without_an_api_server_takes_nothing_from_envoys(_: &Shared) {
    let mut server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    server.apply(&(service("web", 1) + &proxy("first", "web"))).await.expect("they are good");
    let contour = Running::start(command_of(&account, "outage"));
    let xds = contour.xds();
    let admin = server.admin().client().await;
    until("it is valid", async || says(&admin, "first", "valid").await).await;
    let client = Client::connect(xds).await;
    let (_call, before) = clusters(&client).await;
    assert!(!before.is_empty());

    server.kill_api_server();
    until("the outage is noticed", async || contour.metric(UP).await == Some(0)).await;
    throughout(AWAY, "it is alive, ready, and serves what it knows", async || {
        let (_, served) = clusters(&Client::connect(xds).await).await;
        let alive = contour.get("/healthz").await.is_some_and(|(status, _)| status == 200);
        let ready = contour.get("/readyz").await.is_some_and(|(status, _)| status == 200);
        alive && ready && served == before && contour.metric(UP).await == Some(0)
    })
    .await;
    let (_, shown) = contour.get("/readyz?verbose").await.expect("it answers");
    assert!(shown.contains("it does not answer"), "{shown}");

    server.restart_api_server().await;
    until("its end is noticed", async || contour.metric(UP).await == Some(1)).await;
    server.apply(&proxy("second", "web")).await.expect("it is good");
    let admin = server.admin().client().await;
    until("statuses are written again", async || says(&admin, "second", "valid").await).await;
    assert!(contour.serves_host("second.example.com").await);
    contour.program.signal(Signal::TERM);
    let ended = contour.program.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}

pub(super) async fn it_waits_for_an_api_server_that_is_not_there_yet(_: &Shared) {
    let mut server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    server.apply(&(service("web", 1) + &proxy("first", "web"))).await.expect("they are good");
    server.kill_api_server();
    let contour = Running::start(command_of(&account, "early"));
    until("it says what it waits for", async || {
        let answer = contour.get("/readyz").await;
        answer.is_some_and(|(status, text)| {
            status == 503 && text.contains("[-]kubernetes-api failed")
        })
    })
    .await;
    assert_eq!(contour.get("/healthz").await.map(|(status, _)| status), Some(200));
    server.restart_api_server().await;
    Client::connect(contour.xds()).await;
    assert_eq!(contour.get("/readyz").await.map(|(status, _)| status), Some(200));
    assert!(contour.serves_host("first.example.com").await);
}
